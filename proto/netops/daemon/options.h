/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of dep-netops. */
#ifndef DEP_NETOPS_OPTIONS_H
#define DEP_NETOPS_OPTIONS_H

#include "base/options.h"

#define OPTIONS_ROOMS 16

struct options {
	struct options_common common; /* config: first configuration, or NULL */
	const char *room[OPTIONS_ROOMS + 1]; /* ended by NULL */
	unsigned n_rooms;
	bool fsync;
	bool stdio; /* MCP on standard input and output, for the process that started it */
};

extern const char options_help[];
/* Returns 0, or -EINVAL and err. */
int options_read(struct options *o, int argc, char **argv, struct err *err);

#endif
