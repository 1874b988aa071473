/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of a laboratory, shared by the files that make it up. */
#ifndef DEP_LAB_IMPL_H
#define DEP_LAB_IMPL_H

#include "lab/daemon.h"
#include "lab/lab.h"
#include "lab/meter.h"
#include "lab/net.h"

#define LAB_RUN "/run/dep-lab"
#define LAB_NETNS "/run/netns"
#define LAB_FIRST_IFINDEX 100

struct lab {
	char name[16];
	char dir[64];
	int lock;      /* held while the lab lives */
	int home;      /* the namespace we came from */
	unsigned n;
	unsigned n_links;
	struct lab_node *nodes;
	struct lab_link *links;
	struct lab_inner *inner; /* one a node */
	struct meter *meter;
	const struct lab_daemon *daemon;
};

struct lab_inner {
	int ns; /* -1: not made yet */
	struct net *net;
};

/* ns.c: the files and names of a lab. */

/* Takes a free name and its directory, and locks it. */
int lab_claim(struct lab *lab, const char *name, struct err *err);
/* Makes the namespace of node i and opens it; the calling thread is home again afterwards. */
int lab_ns_make(struct lab *lab, unsigned i, struct err *err);
void lab_ns_remove(struct lab *lab, unsigned i);
/* Writes a value under /proc/sys of the current namespace. Returns 0 or a negative errno. */
int lab_sysctl(const char *path, const char *value);
/* Removes a directory and all in it, not following links. */
void lab_rmtree(const char *path);

/* node.c */
void lab_node_reap(struct lab *lab, unsigned i, int status);

/* fd00:0:0:1::<i+1> */
struct in6_addr lab_assigned_addr(unsigned i);

#endif
