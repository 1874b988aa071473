/* SPDX-License-Identifier: BSD-2-Clause */
/* What a laboratory must know of a routing daemon to run it on every node. One table a daemon; see daemon.c. */
#ifndef DEP_LAB_DAEMON_H
#define DEP_LAB_DAEMON_H

#include "lab/lab.h"

#define LAB_ARGS 64

/* A command line under construction: argv[n] is NULL; strings that lab_arg() made lie in text. */
struct lab_argv {
	char *argv[LAB_ARGS];
	unsigned n;
	char text[4096];
	size_t used;
};

/* Appends one argument as printf(3) makes it. What does not fit makes lab_start fail with -E2BIG. */
void lab_arg(struct lab_argv *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct lab_daemon {
	const char *name;
	const char *title; /* for reports */

	/* First line of what the program says about its version, into buf. NULL: no program. */
	int (*version)(char *buf, size_t n);

	/* Before each start, in the node's namespace: configuration files into node->dir, addresses. May be NULL. */
	int (*prepare)(struct lab *lab, struct lab_node *node, struct err *err);

	/* The command. It must stay in the foreground. NULL: no process. */
	void (*command)(struct lab *lab, const struct lab_node *node, struct lab_argv *out);

	/* Addresses: given by the lab (fd00:0:0:1::<i+1>/128 on lo) before the start, or the daemon's own, which the lab
	 * finds on any interface of the node by this prefix. */
	bool assigned;
	struct in6_addr prefix;
	unsigned prefix_bits;

	/* Whether its data packets can be told from its control packets by the meter. */
	bool metered;
};

/* "kira", "babeld", "bird", "yggdrasil", "static" (routes by the lab, no daemon); NULL: no such daemon. */
const struct lab_daemon *lab_daemon_find(const char *name);
/* All of them, NULL at the end. */
extern const struct lab_daemon *const lab_daemons[];

#endif
