/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of dep-netops. */
#ifndef DEP_NETOPS_OPTIONS_H
#define DEP_NETOPS_OPTIONS_H

#include "base/err.h"
#include "base/log.h"
#include "base/sandbox.h"

#define OPTIONS_ROOMS 16

struct options {
	const char *config;    /* first configuration, or NULL */
	const char *state_dir;
	const char *run_dir;
	const char *user;
	const char *room[OPTIONS_ROOMS + 1]; /* ended by NULL */
	unsigned n_rooms;
	enum sandbox_seccomp seccomp;
	enum log_level level;
	bool fsync;
	bool stdio;   /* MCP on standard input and output, for the process that started it */
	bool help, version;
};

extern const char options_help[];
/* Returns 0, or -EINVAL and err. */
int options_read(struct options *o, int argc, char **argv, struct err *err);

#endif
