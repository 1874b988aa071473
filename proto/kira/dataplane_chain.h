/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests and benches: a chain of network namespaces, each with a forwarding tier whose tables
 * are filled by hand with the real PathIDs of the chain. Everything is in this process and
 * disappears with it. */
#ifndef DEP_KIRA_DATAPLANE_CHAIN_H
#define DEP_KIRA_DATAPLANE_CHAIN_H

#include "base/netlink.h"
#include "proto/kira/dataplane.h"

#define CHAIN_MAX 6

struct chain_node {
	int ns;		    /* its namespace */
	struct netlink *nl; /* in it */
	struct kira_id id;
	struct kira_addr addr;
	struct dataplane *dp; /* NULL: not open here */
	uint32_t link[2];     /* towards the node before and the one after, 0: none ("l0", "l1") */
	struct kira_addr local[2]; /* its link-local addresses there */
};

struct chain {
	unsigned n;
	int home; /* the namespace this process was in */
	struct chain_node node[CHAIN_MAX];
	unsigned misses;
	struct kira_id missed;
};

/* Namespaces and veth pairs, links up, no data plane yet. -EPERM: not root. */
int chain_new(struct chain *c, unsigned n);
/* Closes the data planes; the process is back in its first namespace, and those made here end. */
void chain_free(struct chain *c);
/* Moves the thread into node i's namespace, or home. */
void chain_enter(const struct chain *c, unsigned i);
void chain_home(const struct chain *c);

/* Opens node i's data plane with its links and neighbours, and fills its tables. */
int chain_open(struct chain *c, unsigned i, enum dataplane_kind kind, struct err *err);
void chain_close(struct chain *c, unsigned i);
int chain_open_all(struct chain *c, enum dataplane_kind kind, struct err *err);

/* The entry that takes node `at` to node `dest` along the chain, by PathID where dest is further
 * than one hop. */
struct kira_fwd chain_fwd(const struct chain *c, unsigned at, unsigned dest);
/* PathID of the path from node `from` to node `to`, both included. */
struct kira_id chain_path_id(const struct chain *c, unsigned from, unsigned to);
/* Lets every open data plane do what waits, for at most `ms` milliseconds or until fd is readable.
 * True where it is. */
bool chain_pump(struct chain *c, int fd, int ms);
/* A socket made in node i's namespace. */
int chain_socket(struct chain *c, unsigned i, int family, int type, int protocol);

#endif
