/* SPDX-License-Identifier: BSD-2-Clause */
/* What check.c and survey.c share. */
#ifndef DEP_KIRA_SIM_CHECK_IMPL_H
#define DEP_KIRA_SIM_CHECK_IMPL_H

#include "proto/kira/sim/check.h"

enum pair_state {
	PAIR_CUT, /* the graph does not connect it now */
	PAIR_OK,
	PAIR_OUT,
};

struct pair {
	uint32_t src;
	uint32_t dst;
	uint8_t state;
	uint32_t fault; /* that it is out by */
	usec_t since;
};

struct check {
	struct sim *s;
	struct check_params params;
	struct rng rng;
	struct sim_timer timer;
	int failed;

	struct pair *pair;
	uint32_t n_pairs;
	uint32_t cap_pairs;
	uint32_t n_open;

	struct check_fault *fault;
	uint32_t n_faults;
	uint32_t cap_faults;

	struct check_loop loop[CHECK_LOOPS_KEPT];
	uint32_t n_loops_kept;
	uint64_t n_loops;
	uint64_t n_walks;

	uint32_t *part; /* component of each node in what can carry packets now */
	uint32_t *queue;
	uint32_t *dist;
	uint8_t *node_off;
	uint8_t *edge_off;
	uint64_t seen_topology; /* counters of the engine at the last look */
	uint64_t seen_tables;
	uint64_t scanned_tables;
	usec_t scanned_at;

	usec_t full_at;
	usec_t next_full;
	usec_t full_retry;
};

/* Counts a walk and keeps it where it is a loop. */
void check_note_walk(struct check *c, uint32_t src, uint32_t dst, uint8_t end);

#endif
