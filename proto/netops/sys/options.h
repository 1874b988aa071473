/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of dep-sys. */
#ifndef DEP_SYS_OPTIONS_H
#define DEP_SYS_OPTIONS_H

#include "base/options.h"

struct options {
	struct options_common common;
	const char *resolv_conf; /* or NULL */
	bool set_hostname;
	bool no_kernel_log;
};

/* Reads argv. Returns 0, or -EINVAL and err. */
int options_read(struct options *o, int argc, char **argv, struct err *err);
extern const char options_help[];

#endif
