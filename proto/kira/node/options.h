/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of dep-kira. */
#ifndef DEP_KIRA_OPTIONS_H
#define DEP_KIRA_OPTIONS_H

#include "base/log.h"
#include "base/sandbox.h"

struct options {
	const char *config; /* file, NULL: all defaults */
	const char *state_dir;
	const char *run_dir;
	const char *user; /* NULL: stay who we are */
	enum sandbox_seccomp seccomp;
	enum log_level level;
	bool check; /* only check the configuration */
	bool version;
	bool help;
};

/* Reads argv. Returns 0, or -EINVAL and err. */
int options_read(struct options *o, int argc, char **argv, struct err *err);
extern const char options_help[];

#endif
