/* SPDX-License-Identifier: BSD-2-Clause */
/* Gives up what the daemon does not need, once and for good, after it has opened what it does:
 * another user where one is named; no capability but CAP_NET_ADMIN (links, routes, neighbours),
 * CAP_BPF (the forwarding tables) and CAP_NET_RAW (binding of raw sockets, as the fallback
 * forwarder's); no new privileges; Landlock, where the kernel has it: no write but below named
 * directories, no execution; seccomp: an allow-list of system calls, the rest kills the process. */
#ifndef DEP_KIRA_SANDBOX_H
#define DEP_KIRA_SANDBOX_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

enum sandbox_seccomp {
	SANDBOX_ON,
	SANDBOX_LOG, /* calls that are not allowed go through and into the audit log */
	SANDBOX_OFF,
};

struct sandbox {
	bool drop_user; /* become uid and gid */
	uid_t uid;
	gid_t gid;
	enum sandbox_seccomp seccomp;
	const char *const
		*writable; /* directories, ended by NULL; those that are missing are passed over */
};

/* "on", "log" or "off": 0 or -EINVAL. */
int sandbox_seccomp_parse(const char *text, enum sandbox_seccomp *mode);
/* Numbers of a user, by name. Reads the user database: not after sandbox_enter. Returns 0 or a
 * negative errno and err. */
int sandbox_user(struct sandbox *s, const char *name, struct err *err);
/* Before the first loop is made: from here on the kernel seems to have no io_uring, so that libuv
 * takes epoll. A ring that was there before the filter would go around it. Returns 0, or a negative
 * errno and err. */
int sandbox_begin(enum sandbox_seccomp mode, struct err *err);
/* Returns 0, or a negative errno and err; the process must end then, as it may be half way. Without
 * CAP_NET_ADMIN it fails with -EPERM; a kept capability that the process did not have is not an
 * error otherwise. */
int sandbox_enter(const struct sandbox *s, struct err *err);

#endif
