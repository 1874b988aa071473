/* SPDX-License-Identifier: BSD-2-Clause */
/* What the command lines of the daemons have in common: where things are, who to become, how much
 * to say. A daemon adds options of its own. */
#ifndef DEP_OPTIONS_H
#define DEP_OPTIONS_H

#include "base/err.h"
#include "base/log.h"
#include "base/sandbox.h"

#include <getopt.h>
#include <stdbool.h>

struct options_common {
	const char *config;	      /* --config FILE; NULL: all defaults */
	const char *state_dir;	      /* --state-dir, else that of the daemon */
	const char *run_dir;	      /* --run-dir, else $DEP_RUN_DIR, else /run/depanneur */
	const char *user;	      /* --user; NULL: stay who we are */
	enum sandbox_seccomp seccomp; /* --seccomp on|log|off */
	enum log_level level;	      /* --log LEVEL */
	bool check;		      /* --check: only check the configuration */
	bool version;
	bool help;
};

/* A daemon's own options; their val is OPTIONS_OWN or more. */
#define OPTIONS_OWN 512
#define OPTIONS_OWN_MAX 16

struct options_spec {
	const char *who;	  /* "dep-l4s" */
	const char *state_dir;	  /* "/var/lib/depanneur/l4s" */
	bool no_config;		  /* has neither --config nor --check */
	bool no_check; /* has no --check */
	const struct option *own; /* ended by zeros, at most OPTIONS_OWN_MAX; NULL: none */
	/* Reads one of them; arg NULL where it takes none. Returns 0 or what options_wrong does. */
	int (*read)(void *ctx, int val, const char *arg, struct err *err);
	void *ctx;
};

/* Reads argv, whose texts must stay. Returns 0, or -EINVAL and err with its mend. */
int options_common_read(struct options_common *o, const struct options_spec *spec, int argc,
			char **argv, struct err *err);
/* Fills err with the three texts in a row, and the mend that names --help. Returns -EINVAL. */
int options_wrong(const struct options_spec *spec, struct err *err, const char *before,
		  const char *arg, const char *after);

/* Their part of a help text, --config and --check apart. */
#define OPTIONS_HELP_COMMON                                                                        \
	"  --user NAME        become this user when everything is open (default: stay)\n"          \
	"  --seccomp MODE     system calls beyond the allowed: on (kill), log (audit log), off "   \
	"(default: on)\n"                                                                          \
	"  --log LEVEL        error, warning, notice, info or debug (default: notice)\n"

#endif
