/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine of the simulator: virtual time, one queue of events, nodes that are the real core of room kira, and links
 * that carry its datagrams.
 *
 * Everything is drawn from one seed and nothing from the machine, so one seed gives one run. Link i of a node is the
 * i-th arc of its adjacency in the graph; the address of that end of the link is fe80:: with the node's number and i. */
#ifndef DEP_KIRA_SIM_SIM_H
#define DEP_KIRA_SIM_SIM_H

#include "base/clock.h"
#include "base/err.h"
#include "base/heap.h"
#include "proto/kira/kira.h"
#include "proto/kira/sim/graph.h"

#define SIM_FRAME_OVERHEAD 62 /* Ethernet 14, IPv6 40, UDP 8 */

enum sim_node_state {
	SIM_ABSENT,  /* not started yet; its links have carrier */
	SIM_RUNNING,
	SIM_FROZEN,  /* handles nothing, its forwarding tables go on working: a stopped daemon */
	SIM_CRASHED, /* gone, its links keep their carrier */
	SIM_KILLED,  /* gone, its neighbours lose carrier */
};

struct sim_event {
	struct heap_node at;
	uint8_t kind;
};

/* Calls `fire` at a virtual time. The owner keeps it. */
struct sim_timer {
	struct sim_event event;
	void (*fire)(struct sim_timer *t);
	void *ctx;
};

/* Of datagrams: UDP payload, without SIM_FRAME_OVERHEAD. */
struct sim_count {
	uint64_t frames;
	uint64_t bytes;
};

struct sim_node {
	struct sim_event tick;
	struct sim *sim;
	struct kira *k; /* NULL while there is none */
	struct kira_id id;
	uint32_t i;
	uint8_t state; /* enum sim_node_state */
	uint32_t ssn;  /* as persisted */
	uint32_t lives; /* times started */
	uint32_t spins; /* ticks at one instant */
	usec_t started;
	struct rng rng; /* seeds each life */
	struct alloc mem;
	struct sim_count tx_own; /* originated here */
	struct sim_count tx_transit;
	struct sim_count rx;
};

/* One direction of a link. */
struct sim_arc {
	uint32_t rev; /* the other direction */
	uint32_t from;
	uint32_t to;
	uint32_t edge;
	bool silent;  /* loses everything, carrier stays */
	bool told;    /* the node believes that this link is up */
	float loss;   /* probability */
	usec_t delay;
	usec_t busy;  /* the sender's queue is empty from then on */
	struct sim_count tx;
	uint64_t lost;
};

struct sim_params {
	uint64_t seed;
	struct kira_params kira; /* id is not looked at */
	uint32_t mtu;
	usec_t delay;     /* of every link, one way */
	usec_t jitter;    /* added to it, uniform from 0 */
	double loss;
	uint64_t bandwidth; /* bit/s, 0: infinite */
	uint64_t queue;   /* bytes that wait for a link at most, 0: no limit */
	usec_t spread;    /* nodes start at random times before it */
};

struct sim {
	struct sim_params params;
	const struct graph *g;
	struct alloc mem; /* of the engine and the ID pool */
	struct kira_pool *pool;
	struct heap queue;
	struct sim_node *node;
	struct sim_arc *arc;
	uint8_t *edge_down; /* carrier, by edge */
	struct rng rng;   /* of loss and jitter */
	usec_t now;
	usec_t last_start; /* when the last node of the first wave starts */
	uint64_t events;
	uint64_t topology_changes; /* links and nodes that came or went */
	uint64_t table_changes; /* forwarding entries set or removed by all nodes */
	uint64_t misaddressed;  /* datagrams to an address that no neighbour has */
	uint64_t lost;
	struct sim_count type_own[256]; /* transmitted, by message type */
	struct sim_count type_transit[256];
	struct err *err; /* what ended the run; NULL where the caller does not care */
	int failed;
};

void sim_params_default(struct sim_params *p);

/* A network over g, which must outlive it, at time 0; each node is due to start. Returns NULL and err. */
struct sim *sim_new(const struct graph *g, const struct sim_params *params, struct err *err);
void sim_free(struct sim *s);

/* Runs all events up to and including `until`, and sets the time to it. Returns 0, or a negative errno where a node
 * misbehaves or memory ends; err of sim_new then says so. */
int sim_run(struct sim *s, usec_t until);

/* Sets t to fire at `at`, not before now. It may fire once more than set only after it was set again. */
void sim_timer_set(struct sim *s, struct sim_timer *t, usec_t at);

/* Faults; each takes effect at once. A link is named by the edge of the graph. */
void sim_edge_carrier(struct sim *s, uint32_t edge, bool up);
void sim_arc_silent(struct sim *s, uint32_t arc, bool silent);
void sim_node_kill(struct sim *s, uint32_t node, bool carrier_lost);
void sim_node_freeze(struct sim *s, uint32_t node);
/* A frozen node goes on; one that is gone begins a new life, with its SSN or, where ssn_lost, without. */
void sim_node_start(struct sim *s, uint32_t node, bool ssn_lost);

/* The forwarding tier of `node` missed, or saw use of, `dest`: as the kernel tells the daemon. */
void sim_want(struct sim *s, uint32_t node, const struct kira_id *dest);

/* The arc by which u reaches v, or UINT32_MAX. */
uint32_t sim_arc_of(const struct sim *s, uint32_t u, uint32_t v);
struct kira_addr sim_addr(uint32_t node, uint32_t link);
/* True where packets of any kind can pass: forwarding tables there work. */
static inline bool sim_node_forwards(const struct sim_node *n)
{
	return n->state == SIM_RUNNING || n->state == SIM_FROZEN;
}

/* Marks in edge_off[m] the links and in node_off[n] the nodes that cannot carry packets in both directions now, as
 * graph_bfs wants them. */
void sim_usable(const struct sim *s, uint8_t *edge_off, uint8_t *node_off);

#endif
