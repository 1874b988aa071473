/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of dep-sys. */
#ifndef DEP_SYS_OPTIONS_H
#define DEP_SYS_OPTIONS_H

#include "base/log.h"
#include "base/sandbox.h"

struct options {
	const char *state_dir;
	const char *resolv_conf; /* or NULL */
	bool set_hostname;
	bool no_kernel_log;
	const char *run_dir;
	const char *user; /* NULL: stay who we are */
	enum sandbox_seccomp seccomp;
	enum log_level level;
	bool version;
	bool help;
};

/* Reads argv. Returns 0, or -EINVAL and err. */
int options_read(struct options *o, int argc, char **argv, struct err *err);
extern const char options_help[];

#endif
