/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections that use the controls, with what they did in the last second. */
#ifndef DEP_L4S_NODE_FLOWS_H
#define DEP_L4S_NODE_FLOWS_H

#include "base/clock.h"
#include "proto/l4s/bpf/cc_load.h"

#define FLOWS_MAX 4096

struct flow {
	struct cc_kernel_flow f;
	uint64_t rate;	    /* bit/s of acknowledged payload */
	uint32_t mark_rate; /* marks a round trip, in 1/1000 */
	bool measured;	    /* was there a sample ago: rate and mark_rate are valid */
};

struct flows {
	struct flow *flow;
	uint32_t n;
	uint32_t all; /* there are, of which FLOWS_MAX are listed */
	usec_t at;
};

/* Order by both ends: what makes one connection. */
int flows_compare(const void *a, const void *b);
/* From the sample before and now: rates of what is in both; both sorted by flows_compare. dt > 0.
 */
void flows_rate(struct flow *now, uint32_t n, const struct flow *before, uint32_t n_before,
		usec_t dt);
/* Takes a sample; k NULL: there are none. */
void flows_tick(struct flows *s, struct cc_kernel *k);
void flows_free(struct flows *s);

#endif
