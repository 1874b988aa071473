/* SPDX-License-Identifier: BSD-2-Clause */
/* The checker: watches reachability while the network runs.
 *
 * A set of random ordered pairs is watched: after each fault and whenever forwarding tables have changed, their packets
 * are walked. A pair that the graph connects and the tables do not is out; how long, is an outage, booked on the fault
 * that came last. The start of the network is the first such fault. Pairs that the graph does not connect do not count.
 * Every walk also looks for loops. A survey walks all pairs, or a sample, and measures stretch. */
#ifndef DEP_KIRA_SIM_CHECK_H
#define DEP_KIRA_SIM_CHECK_H

#include "proto/kira/sim/walk.h"

#define CHECK_LOOPS_KEPT 16
#define CHECK_FAILURES_KEPT 16
#define CHECK_TRAIL 64

struct check_params {
	uint64_t seed;
	usec_t scan;     /* between walks of all watched pairs while tables change, 100 ms */
	usec_t retry;    /* between walks of those that are out, 10 ms */
	uint32_t watch;  /* pairs, 1000; all where there are no more */
	uint32_t sample; /* pairs of a survey; 0: all */
	bool want;       /* a packet that misses makes the node ask for a path, as the kernel's miss does */
};
void check_params_default(struct check_params *p);

struct check_fault {
	char what[120];
	usec_t at;
	uint32_t hit;  /* pairs that went out */
	uint32_t open; /* of them, still out */
	usec_t *outage; /* of those that came back */
	uint32_t n;
	uint32_t cap;
	uint32_t by_reason[WALK_ENDS]; /* what was found first */
};

struct check_loop {
	usec_t at;
	uint32_t src;
	uint32_t dst;
	uint32_t n_trail;
	uint32_t trail[CHECK_TRAIL];
};

struct check_failure {
	uint32_t src;
	uint32_t dst;
	uint32_t where; /* node */
	uint8_t end;    /* enum walk_end */
};

/* One survey. Only pairs that the graph connects count. */
struct survey {
	usec_t at;
	bool sampled;
	uint64_t pairs;
	uint64_t reached;
	uint64_t ends[WALK_ENDS];
	double shortest_mean; /* hops */
	double hops_mean;
	double stretch_mean;
	double stretch_p50;
	double stretch_p95;
	double stretch_p99;
	double stretch_max;
	double shortest_share; /* of pairs reached on a shortest path */
	double overlay_mean;   /* overlay hops: nodes that look at the inner packet, the destination among them */
	uint32_t overlay_max;
	uint32_t n_failures;   /* kept */
	struct check_failure failure[CHECK_FAILURES_KEPT];
};

struct check;

/* Begins to check s, which must live as long. Returns NULL where memory ends. */
struct check *check_new(struct sim *s, const struct check_params *params);
void check_free(struct check *c);

/* A fault is about to happen; what: for people. Returns 0 or -ENOMEM. */
int check_fault_begin(struct check *c, const char *what);
/* It has happened: walks all watched pairs. */
void check_fault_end(struct check *c);

/* Walks all pairs or the sample now. Returns 0 or -ENOMEM. */
int check_survey(struct check *c, struct survey *out);

/* What was found so far. */
uint64_t check_walks(const struct check *c);
uint64_t check_loops(const struct check *c);
const struct check_loop *check_loop_kept(const struct check *c, size_t i); /* NULL beyond the last */
/* Fault 0 is the start. NULL beyond the last. */
const struct check_fault *check_fault_at(const struct check *c, size_t i);
/* When a survey first reached every pair after the last node of the first wave had started; USEC_NEVER: not yet. */
usec_t check_full_at(const struct check *c);
/* Watched pairs that the graph connects and that are out now. */
uint32_t check_open(const struct check *c);

/* Sorts v and returns the q-th quantile (0 to 1), the least value that is not below a share q of all; 0 where n is 0. */
usec_t check_quantile(usec_t *v, size_t n, double q);

#endif
