/* SPDX-License-Identifier: BSD-2-Clause */
/* Named points at which a test ends the process, to see what a restart makes of it. They are always
 * there: a point that is not armed costs one comparison. Environment: DEP_FAILPOINT=name:n ends the
 * process with SIGKILL when it passes the point `name` for the nth time; DEP_FAILPOINT=list prints
 * the names and exits. */
#ifndef DEP_NETOPS_FAILPOINT_H
#define DEP_NETOPS_FAILPOINT_H

#include <stdbool.h>
#include <stddef.h>

extern bool failpoint_armed;

/* Reads the environment; to be called once, first in main(). An unknown name ends the process with
 * a message. */
void failpoint_init(void);
void failpoint_pass(const char *name);
/* For txn_env.at. */
void failpoint_at(void *ctx, const char *name);
/* All names, in the order in which a confirmed commit passes them; ended by NULL. */
const char *const *failpoint_names(void);

#define FAILPOINT(name)                                                                            \
	do {                                                                                       \
		if (__builtin_expect(failpoint_armed, 0))                                          \
			failpoint_pass(name);                                                      \
	} while (0)

#endif
