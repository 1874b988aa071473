/* SPDX-License-Identifier: BSD-2-Clause */
/* Every control under a million random events, sane and not: windows stay within their bounds, no
 * arithmetic overflows (the sanitizers watch), one seed gives one sequence. */
#include "proto/l4s/cc/cc_drive.h"
#include "proto/l4s/cc/prague.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const texts[] = {
	"reno",
	"reno abe 0.8 frlossreduce abe-alpha scale flight inflight pacing",
	"cubic",
	"cubic abe 0.85 frlossreduce pacing",
	"cubic abe adaptive abe-slow-start abe-alpha scale abe-fast-convergence start hystart++",
	"cubic form rfc abe 0.85 start hystart++ flight inflight",
	"cubic form rfc abe adaptive c 4 start hystart pacing",
	"cubic form rfc no-ecn no-fast-convergence c 0.001 start plain mtu 9000 mss 8948",
	"dctcp",
	"prague",
	"prague form rfc",
	"prague no-small-packets no-rtt-independence no-classic-detection",
	"prague target-rtt 1000ms mtu 9000 mss 8948",
};

/* A value between 0 and `most` whose number of bits is uniform. */
static uint32_t any(struct rng *rng, uint32_t most)
{
	uint32_t v = (uint32_t)(rng_u64(rng) >> (32 + rng_below(rng, 32)));

	return (uint32_t)(v % (most + 1ull));
}

static void event(struct drive *d, struct rng *rng, uint64_t *now)
{
	struct cc_ack *a = &d->a;
	uint32_t n = 1 + any(rng, 50000);
	uint32_t what = (uint32_t)rng_below(rng, 1000);

	*now += any(rng, what < 2 ? UINT32_MAX : 20000000);
	if (what < 100) {
		a->rtt_us = any(rng, 10000000);
		a->srtt_us = any(rng, 10000000);
		a->min_rtt_us = any(rng, a->rtt_us);
	}
	a->mdev_us = any(rng, 5000000);
	a->cwnd_limited = rng_below(rng, 10) != 0;
	if (what == 0) { /* a timeout */
		d->w.ssthresh = cc_ssthresh(&d->cc, CC_CAUSE_RTO, a, &d->w);
		d->w.cwnd = 1;
		cc_set_state(&d->cc, CC_LOSS, a, &d->w);
		a->state = CC_LOSS;
		d->high = a->snd_nxt;
	} else if (what == 1) {
		d->w.cwnd = cc_undo(&d->cc, &d->w);
	} else if (what == 2) {
		cc_restart(&d->cc, *now, &d->w);
	} else if (what == 3) {
		d->w.ssthresh = cc_ssthresh(&d->cc, CC_CAUSE_LOCAL, a, &d->w);
	} else {
		if (what < 900)
			n = 1 + n % 64;
		drive_ack(d, *now, n, rng_below(rng, 20) ? 0 : any(rng, n),
			  rng_below(rng, 300) == 0);
	}
}

static void check(const struct drive *d, uint32_t smallest)
{
	struct cc_view v;

	assert_in_range(d->w.cwnd, CC_CWND_MIN, CC_CWND_MAX + 1);
	assert_in_range(d->w.ssthresh, smallest, CC_SSTHRESH_NONE);
	cc_look(&d->cc, &v);
	assert_true(v.alpha <= 1u << 24);
	assert_true(v.beta > 0 && v.beta <= 1024);
	if (d->cc.cfg.algo != CC_PRAGUE)
		return;
	assert_in_range(d->w.packet, PRAGUE_MTU_MIN, d->cc.cfg.mtu);
	assert_true(d->w.pacing_rate == 0 || d->w.pacing_rate >= PRAGUE_RATE_MIN);
}

static uint64_t sum(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n--)
		h = (h ^ *b++) * 0x100000001b3ull;
	return h;
}

static uint64_t run(const char *text, uint64_t seed)
{
	struct drive d;
	struct rng rng;
	uint64_t now = 1000000000;
	uint64_t h = 0xcbf29ce484222325ull;
	uint32_t i;

	rng_seed(&rng, seed);
	drive_init(&d, text, 20000, any(&rng, 1000000), 0);
	for (i = 0; i < 20000; i++) {
		event(&d, &rng, &now);
		check(&d, d.cc.cfg.algo == CC_PRAGUE ? 1 : 2);
		h = sum(h, &d.w.cwnd, sizeof(d.w.cwnd));
		h = sum(h, &d.w.pacing_rate, sizeof(d.w.pacing_rate));
	}
	return h;
}

static void bounds(void **state)
{
	size_t i;
	uint64_t seed;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (seed = 1; seed <= 5; seed++)
			assert_true(run(texts[i], seed) == run(texts[i], seed));
}

/* 100 Gb/s over 10 s: the largest window a control must carry. */
static void large(void **state)
{
	size_t i;
	uint32_t k;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct drive d;

		drive_init(&d, texts[i], 10000000, 83000000, 41000000);
		d.w.pacing_rate = 12500000000ull;
		for (k = 0; k < 3000; k++)
			drive_ack(&d, 1000000000ull + k * 10000000ull, 30000, k % 1000 == 999, 0);
		assert_true(d.w.cwnd > 100);
		check(&d, 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds),
		cmocka_unit_test(large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
