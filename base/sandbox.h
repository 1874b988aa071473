/* SPDX-License-Identifier: BSD-2-Clause */
/* Gives up what a room does not need, once and for good, after it has opened what it does: another
 * user where one is named; all capabilities but those kept; no new privileges; Landlock, where the
 * kernel has it: no write but below named places, no read outside them where those are named, too,
 * and no execution; seccomp: an allow-list of system calls, the rest kills the process.
 *
 * Every room may use memory, time, signals, an epoll loop, plain files, and sockets of the families
 * it names. It may neither execute, fork, trace, mount nor change namespace. */
#ifndef DEP_SANDBOX_H
#define DEP_SANDBOX_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

enum sandbox_seccomp {
	SANDBOX_ON,
	SANDBOX_LOG, /* calls that are not allowed go through and into the audit log */
	SANDBOX_OFF,
};

/* All lists may be NULL: empty. Places that are missing are passed over. */
struct sandbox {
	const char *name; /* "dep-kira", for the mend of an error */
	bool drop_user;	  /* become uid and gid */
	uid_t uid;
	gid_t gid;
	const int *capabilities; /* kept (CAP_NET_ADMIN…), ended by -1 */
	unsigned required;	 /* the first so many of them must be there, others may */
	enum sandbox_seccomp seccomp;
	const char *const *calls; /* allowed system calls beyond those of every room, ended by NULL;
				   * names that the architecture has not are passed over */
	const int *families;	  /* of sockets beyond AF_UNIX, ended by -1 */
	bool threads;		  /* may start threads (libuv's pool) */
	const char *const *writable; /* directories and files, ended by NULL */
	const char *const *readable; /* beyond the writable; NULL: reading is not restricted */
};

/* "on", "log" or "off": 0 or -EINVAL. */
int sandbox_seccomp_parse(const char *text, enum sandbox_seccomp *mode);
/* Numbers of a user, by name, or "61200": that user and group. Reads the user database: not after
 * sandbox_enter. Returns 0 or a negative errno and err. */
int sandbox_user(struct sandbox *s, const char *name, struct err *err);
/* Before the first loop is made: from here on the kernel seems to have no io_uring, so that libuv
 * takes epoll. A ring that was there before the filter would go around it. Returns 0, or a negative
 * errno and err. */
int sandbox_begin(const struct sandbox *s, struct err *err);
/* A signal that the death of the parent sends (PR_SET_PDEATHSIG) stays set.
 * Before a second thread is there: capabilities and filter are a thread's own (-EBUSY otherwise).
 * Returns 0, or a negative errno and err; the process must end then, as it may be half way. Without
 * a required capability it fails with -EPERM. */
int sandbox_enter(const struct sandbox *s, struct err *err);

#endif
