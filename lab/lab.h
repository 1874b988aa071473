/* SPDX-License-Identifier: BSD-2-Clause */
/* The laboratory: a graph made real as network namespaces and veth pairs, with a routing daemon in each namespace, links
 * that can be cut or made to lose frames silently, nodes that can be killed, and counters on every link.
 *
 * Node i of lab `dep42` is the network namespace dep42-i (so that `ip netns exec dep42-i` enters it), its interface
 * towards node j is to-j. Everything a lab makes lies in /run/netns/dep42-* and /run/dep-lab/dep42/, which a lock holds:
 * what a killed lab left behind, the next one removes.
 *
 * A lab belongs to one thread. That thread moves into a node's namespace for a moment and back (lab_enter, lab_leave);
 * other threads stay where they are. */
#ifndef DEP_LAB_H
#define DEP_LAB_H

#include "base/clock.h"
#include "base/err.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LAB_MAX_NODES 512
#define LAB_PATH 256

struct lab;
struct lab_daemon;

struct lab_edge {
	unsigned u;
	unsigned v;
};

/* One end of a link. */
struct lab_end {
	unsigned node;
	unsigned peer;
	uint32_t ifindex; /* unique in the lab */
	char name[16];    /* "to-<peer>" */
	uint8_t mac[6];
	struct in6_addr linklocal; /* made from the MAC address (RFC 4291 appendix A) */
	bool down;                 /* set down by lab_cut or lab_kill */
};

/* end[0] is node u's, end[1] node v's. */
struct lab_link {
	struct lab_end end[2];
	bool silent[2]; /* frames that arrive at this end are dropped, carrier stays */
};

enum lab_node_state {
	LAB_IDLE,    /* no daemon started yet */
	LAB_RUNNING,
	LAB_STOPPED, /* killed, or ended by itself */
};

struct lab_node {
	unsigned i;
	char ns[32];        /* name of its namespace */
	char dir[LAB_PATH]; /* its own directory: the daemon's state, configuration and log */
	enum lab_node_state state;
	pid_t pid;          /* of its daemon, 0: none */
	int status;         /* as waitpid(2) gave it, when it ended */
	bool has_addr;
	struct in6_addr addr; /* the address by which others reach it */
	usec_t started;
};

struct lab_params {
	const char *name;             /* prefix of the names; NULL: "dep" and a number */
	unsigned n;                   /* nodes, 1 to LAB_MAX_NODES */
	const struct lab_edge *edges; /* no loops, no doubles */
	unsigned n_edges;
	const struct lab_daemon *daemon;
	bool meter; /* count control and data apart and allow silent loss (an XDP program on every link end) */
};

/* Moves this process into new network and mount namespaces with an empty /run/netns, so that labs of several processes
 * do not meet: for tests. Root needed. */
int lab_isolate(struct err *err);

/* Makes namespaces and links; no daemon runs yet. Removes first what dead labs left. NULL and err on failure, and then
 * nothing is left behind. */
struct lab *lab_new(const struct lab_params *params, struct err *err);
/* Kills the daemons, removes the namespaces, links and files. lab may be NULL. */
void lab_free(struct lab *lab);
/* Removes what labs whose process is gone left: processes, namespaces, directories. Returns how many labs. */
unsigned lab_sweep(void);

const char *lab_name(const struct lab *lab);
const char *lab_dir(const struct lab *lab);
unsigned lab_n(const struct lab *lab);
unsigned lab_n_links(const struct lab *lab);
struct lab_node *lab_node(struct lab *lab, unsigned i);
struct lab_link *lab_link(struct lab *lab, unsigned l);
const struct lab_daemon *lab_daemon_of(const struct lab *lab);
/* The link between u and v, or -1. */
int lab_find_link(const struct lab *lab, unsigned u, unsigned v);

/* The calling thread moves into the namespace of node i, and back home. Sockets opened meanwhile stay in that namespace.
 * Returns 0 or a negative errno. */
int lab_enter(struct lab *lab, unsigned i);
void lab_leave(struct lab *lab);

/* Daemons. lab_start starts node i's (its links come up with it where lab_kill took them down). lab_poll takes notice of
 * daemons that ended and of addresses that appeared; true where something changed. */
int lab_start(struct lab *lab, unsigned i, struct err *err);
int lab_start_all(struct lab *lab, struct err *err);
bool lab_poll(struct lab *lab);
/* All nodes that run have an address. */
bool lab_all_addressed(const struct lab *lab);
/* Ends the daemon by SIGTERM and waits at most `wait` for it, then SIGKILL. Links stay. */
void lab_stop(struct lab *lab, unsigned i, usec_t wait);
/* As a power failure: every link of the node down and its daemon killed at once. */
int lab_kill(struct lab *lab, unsigned i);
/* kill(2) on node i's daemon, or on all. */
int lab_signal(struct lab *lab, unsigned i, int sig);
void lab_signal_all(struct lab *lab, int sig);

/* Links. */
enum lab_dir {
	LAB_BOTH,
	LAB_TO_U, /* frames towards end[0] */
	LAB_TO_V, /* frames towards end[1] */
};

/* Carrier loss: sets the end of one node (0: u's, 1: v's, 2: both) down; the other end loses its carrier. */
int lab_cut(struct lab *lab, unsigned l, unsigned which);
/* Frames are dropped on arrival, the carrier stays: all of them (permille 1000) or a share. Needs the meter. */
int lab_silence(struct lab *lab, unsigned l, enum lab_dir dir, unsigned permille);
/* Undoes cut and silence. Ends of killed nodes stay down until lab_start. */
int lab_heal(struct lab *lab, unsigned l);
/* The kernel's view: 1 carrier, 0 none, or a negative errno. */
int lab_carrier(struct lab *lab, unsigned l, unsigned end);
/* Frames pass in both directions: no end down, nothing silent. */
bool lab_link_works(const struct lab *lab, unsigned l);
/* For every pair whether working links and running nodes join them: out[i * n + j]. */
void lab_reachable(const struct lab *lab, bool *out);

/* Counters. Bytes are of whole Ethernet frames, without FCS. */
struct lab_count {
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t rx_packets;
	uint64_t rx_bytes;
};

/* What the kernel counted on all links of node i since they were made. */
int lab_counters(struct lab *lab, unsigned i, struct lab_count *out);

/* The meter's counts at one end: frames that arrived on the wire there (those dropped by lab_silence too). Data: GRE and
 * ICMPv6 echo in IPv6; control: all else. */
struct lab_meter {
	uint64_t control_packets;
	uint64_t control_bytes;
	uint64_t data_packets;
	uint64_t data_bytes;
	uint64_t dropped;
};

bool lab_has_meter(const struct lab *lab);
void lab_meter(struct lab *lab, unsigned l, unsigned end, struct lab_meter *out);
/* Sums over the links of node i: sent by it, and sent to it. */
void lab_meter_node(struct lab *lab, unsigned i, struct lab_meter *sent, struct lab_meter *received);

/* Resident set in bytes and processor time used by node i's daemon. */
struct lab_usage {
	uint64_t rss;
	usec_t cpu;
};

int lab_usage(struct lab *lab, unsigned i, struct lab_usage *out);

/* A packet socket on node i's end of link l that sees every frame in both directions, or a negative errno. */
int lab_capture(struct lab *lab, unsigned l, unsigned end);

/* Host routes along shortest paths of the links that work, on every node, over the addresses the lab knows: forwarding
 * without a daemon. Routes of an earlier call are replaced. */
int lab_static_routes(struct lab *lab, struct err *err);

#endif
