/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/aqm/conform_aqm.h"

#include <errno.h>

static int force(void *ctx, uint32_t prob)
{
	struct conform_aqm *c = ctx;

	aqm_force(c->q, prob);
	return 0;
}

static int pass(void *ctx, const uint8_t *ecn, uint8_t *fate, size_t n)
{
	struct conform_aqm *c = ctx;
	struct aqm_pkt *p;
	size_t i;

	if (n > CONFORM_BATCH)
		return -E2BIG;
	for (i = 0; i < n; i++) {
		c->pool[i] = (struct aqm_pkt){.len = 1500, .ecn = ecn[i]};
		fate[i] = CONFORM_DROPPED;
		aqm_enqueue(c->q, &c->pool[i], c->now);
	}
	while ((p = aqm_dequeue(c->q, c->now)))
		fate[p - c->pool] = p->ecn;
	aqm_dropped(c->q);
	c->now += 1000000;
	return 0;
}

void conform_aqm_init(struct conform_aqm *c, struct aqm *q)
{
	c->dut = (struct conform_dut){.force = force, .pass = pass, .ctx = c};
	c->q = q;
	c->now = 0;
}
