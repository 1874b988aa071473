/* SPDX-License-Identifier: BSD-2-Clause */
/* What this kernel can do, found by trying in a network namespace that is thrown away. */
#ifndef DEP_SYS_KERNEL_H
#define DEP_SYS_KERNEL_H

#include "base/err.h"

#include <stdbool.h>

#define FEATURES_LINKS 10

struct features {
	struct {
		const char *name; /* as the feature of depanneur-interfaces */
		bool available;
		char reason[120];
	} link[FEATURES_LINKS];
	bool filters;
	char filters_reason[160];
	/* For hello: names of the links that there are, ended by NULL. */
	const char *enabled[FEATURES_LINKS + 1];
};

/* Needs CAP_SYS_ADMIN for the namespace; without it links are made and removed where we are. */
void features_probe(struct features *f);

#endif
