/* SPDX-License-Identifier: BSD-2-Clause */
/* Random events on every queue manager, and what must hold after each: no packet is lost, doubled
 * or out of order; figures agree with what was seen; no codepoint changes but ECT to CE, and in L
 * no ECT(0) unless a filter put it there. The seed is printed; L4S_SEED gives another. */
#include "proto/l4s/aqm/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define EVENTS 20000
#define FLOWS 8

static const char *const texts[] = {
	"fifo limit 50",
	"fifo limit 20kb",
	"codel limit 100",
	"codel ecn ce_threshold 1ms target 1ms interval 10ms",
	"fq_codel limit 60",
	"fq_codel flows 2 quantum 300 target 1ms interval 5ms memory_limit 40kb",
	"pie limit 100",
	"pie rfc ecn target 2ms tupdate 1ms",
	"pie ecn target 1ms max_burst 0",
	"pi2 target 1ms",
	"pi2 rfc target 1ms noecn",
	"dualpi2",
	"dualpi2 target 1ms limit 40",
	"dualpi2 overflow drop_enqueue target 1ms",
	"dualpi2 step_thresh 2p min_qlen_step 1 any_ect",
	"dualpi2 ts_fifo tshift 1ms rate_aware",
	"dualpi2 rfc",
	"dualpi2 rfc target 500us th_len 0 ramp_range 0 any_ect",
	"dualpi2 rfc ts_fifo rate_aware max_rtt 10ms",
};

struct item { /* beside each packet of the pool */
	uint64_t seq;
	uint64_t in_ns;
	uint8_t ecn;
	bool inside;
};

struct model {
	struct rig rig;
	struct item item[RIG_PACKETS];
	struct rng rng;
	uint64_t next_seq;
	uint64_t last_out[FLOWS][2];
	uint64_t due;
	uint64_t digest;
	uint64_t bytes;
	uint32_t inside;
	uint64_t out;
	bool ects_in_l;
};

static struct model m;
static uint64_t seed = 20261124;

static void digest(uint64_t v)
{
	m.digest = (m.digest ^ v) * 0x100000001b3u;
}

static struct item *item_of(const struct aqm_pkt *p)
{
	return &m.item[p - m.rig.pool];
}

static void left(struct aqm_pkt *p, bool forwarded)
{
	struct item *it = item_of(p);
	bool marked = p->ecn != it->ecn;

	assert_true(it->inside);
	assert_int_equal(p->enq_ns, it->in_ns);
	if (marked) {
		assert_int_equal(p->ecn, ECN_CE);
		assert_int_not_equal(it->ecn, ECN_NOT_ECT);
		assert_int_not_equal(p->why, AQM_WHY_NONE);
		if (p->low && !m.ects_in_l)
			assert_int_equal(it->ecn, ECN_ECT1);
	}
	if (forwarded && !marked)
		assert_int_equal(p->why, AQM_WHY_NONE);
	if (!forwarded)
		assert_int_not_equal(p->why, AQM_WHY_NONE);
	if (forwarded) {
		/* In order within a flow and a queue. */
		assert_true(it->seq > m.last_out[p->flow][p->low]);
		m.last_out[p->flow][p->low] = it->seq;
	}
	it->inside = false;
	m.inside--;
	m.bytes -= p->len;
	digest(it->seq * 8 + p->ecn * 2u + forwarded);
	p->next = m.rig.spare;
	m.rig.spare = p;
}

static void take_dropped(void)
{
	struct aqm_pkt *next;
	struct aqm_pkt *p;

	for (p = aqm_dropped(m.rig.q); p; p = next) {
		next = p->next;
		left(p, false);
	}
	assert_null(aqm_dropped(m.rig.q));
}

static void check(void)
{
	const struct aqm_stats *s = aqm_stats(m.rig.q, m.rig.now);
	int c;

	assert_int_equal(aqm_packets(m.rig.q), m.inside);
	assert_int_equal(aqm_bytes(m.rig.q), m.bytes);
	assert_int_equal(s->q[0].packets + s->q[1].packets, m.inside);
	assert_int_equal(s->q[0].bytes + s->q[1].bytes, m.bytes);
	for (c = 0; c < 2; c++) {
		const struct aqm_queue_stats *q = &s->q[c];

		assert_int_equal(q->arrived,
				 q->forwarded + q->dropped_ect + q->dropped_not_ect + q->packets);
		assert_true(q->dropped_limit <= q->dropped_ect + q->dropped_not_ect);
		assert_true(q->marked_native <= q->marked);
		assert_int_equal(q->delay.n, q->forwarded);
		assert_true(q->max_packets >= q->packets);
	}
}

static void do_enqueue(void)
{
	static const uint32_t lens[] = {64, 300, 1000, 1500, 1500, 1500};
	struct aqm_pkt *p = m.rig.spare;
	struct item *it;
	bool in;

	if (!p)
		return;
	m.rig.spare = p->next;
	it = item_of(p);
	p->ecn = (uint8_t)rng_below(&m.rng, 4);
	p->len = lens[rng_below(&m.rng, 6)];
	p->flow = (uint32_t)rng_below(&m.rng, FLOWS);
	*it = (struct item){++m.next_seq, m.rig.now, p->ecn, true};
	m.inside++;
	m.bytes += p->len;
	in = aqm_enqueue(m.rig.q, p, m.rig.now);
	take_dropped();
	assert_int_equal(in, it->inside);
}

static void do_dequeue(void)
{
	struct aqm_pkt *p = aqm_dequeue(m.rig.q, m.rig.now);

	take_dropped();
	if (p) {
		m.out++;
		left(p, true);
	} else {
		assert_int_equal(m.inside, 0);
	}
}

static void do_flush(void)
{
	struct aqm_pkt *next;
	struct aqm_pkt *p;

	for (p = aqm_flush(m.rig.q); p; p = next) {
		next = p->next;
		item_of(p)->inside = false;
		m.inside--;
		m.bytes -= p->len;
		p->next = m.rig.spare;
		m.rig.spare = p;
	}
	assert_int_equal(m.inside, 0);
}

static void do_rare(void)
{
	switch (rng_below(&m.rng, 8)) {
	case 0:
		do_flush();
		break;
	case 1:
		aqm_set_rate(m.rig.q, rng_below(&m.rng, 200) * 1000000);
		break;
	case 2:
		aqm_stats_reset(m.rig.q, m.rig.now);
		break;
	case 3:
		assert_int_equal(aqm_change(m.rig.q, &m.rig.q->cfg, NULL), 0);
		break;
	case 4:
		m.rig.now += rng_below(&m.rng, 3000) * (uint64_t)RIG_MS;
		break;
	default:
		while (m.inside)
			do_dequeue();
	}
}

static void event(unsigned load)
{
	uint64_t dice = rng_below(&m.rng, 1000);

	if (dice < load)
		do_enqueue();
	else if (dice < 990)
		do_dequeue();
	else if (dice >= 998)
		do_rare();
	m.rig.now += rng_below(&m.rng, 200) * RIG_US;
	if (m.rig.now >= m.due) {
		m.due = aqm_tick(m.rig.q, m.rig.now);
		assert_true(m.due > m.rig.now);
	}
	check();
}

static uint64_t run(const char *text, uint64_t from)
{
	unsigned load = 500;
	int i;

	memset(&m, 0, sizeof(m));
	rig_open(&m.rig, text, 50000000);
	rng_seed(&m.rng, from);
	m.ects_in_l = strstr(text, "any_ect");
	m.due = m.rig.now;
	for (i = 0; i < EVENTS; i++) {
		if (i % 500 == 0) /* from nearly empty to overload */
			load = 300 + (unsigned)rng_below(&m.rng, 500);
		event(load);
	}
	assert_true(m.out > EVENTS / 10);
	rig_close(&m.rig);
	return m.digest;
}

static void test_random_events(void **state)
{
	size_t i;
	int n;

	print_message("# seed %llu\n", (unsigned long long)seed);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (n = 0; n < 3; n++)
			run(texts[i], seed + (uint64_t)n);
}

/* The same events give the same fate of each packet; others another. */
static void test_deterministic(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		uint64_t a = run(texts[i], seed);

		assert_int_equal(run(texts[i], seed), a);
		assert_int_not_equal(run(texts[i], seed + 1), a);
	}
}

/* Pinned: the same on every compiler, optimisation level and under sanitizers. */
static void test_same_everywhere(void **state)
{
	uint64_t all = 0;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		all = all * 31 + run(texts[i], 1);
	assert_int_equal(all, UINT64_C(0x32aa7b3c4f82e0df));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_events),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_same_everywhere),
	};
	const char *other = getenv("L4S_SEED");

	if (other)
		seed = strtoull(other, NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
