/* SPDX-License-Identifier: BSD-2-Clause */
/* Random losses, copies, delays and marks, of data and of ACKs: whatever the path does, all bytes
 * arrive once and in order, nothing is left behind, the connection always ends. */
#include "proto/l4s/tcp/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct path { /* 2^-32 */
	uint32_t drop;
	uint32_t drop_ack;
	uint32_t copy;
	uint32_t late;
	uint32_t ce;
};

static bool chance(struct sim *s, uint32_t p)
{
	return (uint32_t)rng_u64(&s->rng) < p;
}

static void data(struct sim *s, struct sim_pkt *p, struct verdict *v)
{
	const struct path *path = s->ctx;

	v->drop = chance(s, path->drop);
	v->copy = chance(s, path->copy);
	if (chance(s, path->late))
		v->late = rng_below(&s->rng, MS(30));
	if (p->q.ecn != ECN_NOT_ECT && chance(s, path->ce))
		p->q.ecn = ECN_CE;
}

static void ack(struct sim *s, struct sim_pkt *p, struct verdict *v)
{
	const struct path *path = s->ctx;

	(void)p;
	v->drop = chance(s, path->drop_ack);
	v->copy = chance(s, path->copy);
	if (chance(s, path->late))
		v->late = rng_below(&s->rng, MS(30));
}

static uint32_t share(struct rng *r, uint32_t percent)
{
	return (uint32_t)rng_below(r, (uint64_t)percent * (UINT32_MAX / 100) + 1);
}

static uint64_t one(uint64_t seed, uint32_t packets)
{
	struct sim *s = malloc(sizeof(*s));
	struct path path;
	struct rng r;
	uint64_t sent;
	uint64_t limit;

	assert_non_null(s);
	rng_seed(&r, seed);
	rig_init(s, (enum cc_algo)rng_below(&r, 4), MS(1) + rng_below(&r, MS(80)));
	rng_seed(&s->rng, seed);
	path = (struct path){share(&r, 12), share(&r, 30), share(&r, 5), share(&r, 10),
			     share(&r, 20)};
	s->ctx = &path;
	s->data = data;
	s->ack = ack;
	s->gap = MS(0.02) + rng_below(&r, MS(0.5));
	s->limit = (uint32_t)rng_below(&r, 3) ? 0 : 20;
	s->cfg.bytes = (uint64_t)packets * 1448 - rng_below(&r, 1448);
	s->cfg.ack_every = (uint32_t)rng_below(&r, 5);
	s->cfg.gro = rng_below(&r, 3) ? 0 : MS(1);
	s->cfg.gso = (uint32_t)rng_below(&r, 12);
	s->cfg.rwnd = rng_below(&r, 4) ? 0 : 1 + (uint32_t)rng_below(&r, 60);
	s->cfg.cc.pacing = rng_below(&r, 2);
	rig_open(s);
	limit = s->now + MS(1000) * 4000;
	while (!s->done && s->n && s->now < limit)
		rig_run(s, s->now + MS(1000));
	if (!s->done)
		print_error("seed %llu: una %u nxt %u cwnd %u\n", (unsigned long long)seed,
			    s->tcp->sb.una, s->tcp->sb.nxt, s->tcp->w.cwnd);
	assert_int_equal(s->done, 1);
	assert_int_equal(s->tcp->total, s->cfg.bytes);
	/* every packet is acknowledged, too, and the connection rests then */
	rig_run(s, s->now + MS(1000) * 1000);
	assert_int_equal(s->tcp->sb.una, s->tcp->sb.nxt);
	assert_int_equal(sb_inflight(&s->tcp->sb), 0);
	assert_int_equal(s->tcp->rx.out_of_order, 0);
	assert_int_equal(s->tcp->rx.n_blocks, 0);
	sent = rig_result(s).sent;
	rig_close(s);
	free(s);
	return sent;
}

static void random_paths(void **state)
{
	uint64_t sent = 0;
	uint64_t seed;

	(void)state;
	for (seed = 1; sent < 150000; seed++)
		sent += one(seed, 200 + (uint32_t)(seed * 37 % 1500));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
