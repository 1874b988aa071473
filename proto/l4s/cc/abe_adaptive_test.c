/* SPDX-License-Identifier: BSD-2-Clause */
/* Adaptive ABE alone: epochs of ACKs as a sender sees them, and where beta goes. */
#include "proto/l4s/cc/abe_adaptive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct path {
	uint32_t packets;  /* between reductions */
	uint32_t epoch_ms; /* they take */
	uint32_t link_ns;  /* time of a packet on the link */
	uint32_t bunch;	   /* ACKs that come at the link's rate before a pause */
	uint32_t min_rtt_us;
	uint32_t swing_us; /* of the queueing delay */
};

struct sender {
	struct abe_signals s;
	uint64_t now;
	uint32_t delivered;
};

/* One ACK for two segments `gap` ns after the last. */
static void ack(struct sender *x, const struct path *p, uint64_t gap, uint32_t queue_us)
{
	struct cc_ack a = {0};

	x->now += gap;
	x->delivered += 2;
	a.now_ns = x->now;
	a.acked = 2;
	a.delivered = x->delivered;
	a.min_rtt_us = p->min_rtt_us;
	a.srtt_us = p->min_rtt_us + queue_us;
	abe_signals_ack(&x->s, &a);
}

static uint32_t epochs(struct sender *x, const struct path *p, uint32_t n)
{
	uint32_t acks = p->packets / 2;
	uint64_t total = (uint64_t)p->epoch_ms * 1000000;
	uint32_t e;
	uint32_t i;

	for (e = 0; e < n; e++) {
		uint64_t fast = 2ull * p->link_ns;
		uint64_t pause = p->bunch ? total / acks * p->bunch - fast * (p->bunch - 1) : 0;
		struct abe_now now = {0};

		for (i = 0; i < acks; i++) {
			uint64_t gap = total / acks;

			if (p->bunch)
				gap = i % p->bunch ? fast : pause;
			else if (i % 97 < 2)
				gap = fast; /* now and then two come one after the other */
			ack(x, p, gap, 8000 + (uint32_t)((uint64_t)p->swing_us * i / acks));
		}
		now.now_ns = x->now;
		now.delivered = x->delivered;
		now.min_rtt_us = p->min_rtt_us;
		now.srtt_us = p->min_rtt_us + 15000;
		abe_signals_mark(&x->s, &now);
	}
	return abe_adaptive_beta(&x->s);
}

/* One Classic flow of 35 Mb/s beside one of Prague on 100 Mb/s, 20 ms: an epoch of 1.6 s, 5000
 * packets, p' 0.014: Prague gets nearly twice as much. */
static const struct path beside_one = {5000, 1600, 121000, 0, 20000, 7000};

static void nothing_measured(void **state)
{
	struct sender x = {0};

	assert_int_equal(abe_adaptive_beta(&x.s), 717);
	assert_int_equal(epochs(&x, &beside_one, 1), 717);
}

static void rises_where_prague_gets_more(void **state)
{
	struct sender x = {0};
	uint32_t b4 = epochs(&x, &beside_one, 4);
	uint32_t b40 = epochs(&x, &beside_one, 40);

	assert_in_range(b4, 730, 942);
	assert_int_equal(b40, 942); /* nothing answers here: to the end of its range */
}

/* The same marks, but twice the rate: this flow already gets more than Prague would. */
static void rests_where_it_gets_enough(void **state)
{
	struct sender x = {0};
	struct path p = beside_one;

	p.epoch_ms = 600;
	p.min_rtt_us = 5000;
	assert_int_equal(epochs(&x, &p, 20), 717);
}

/* It comes back when the path changes. */
static void falls_again(void **state)
{
	struct sender x = {0};
	struct path p = beside_one;

	assert_int_equal(epochs(&x, &beside_one, 40), 942);
	p.epoch_ms = 600;
	p.min_rtt_us = 5000;
	assert_int_equal(epochs(&x, &p, 60), 717);
}

/* 20 Mb/s: one packet takes 0.6 ms. */
static void not_on_a_slow_link(void **state)
{
	struct sender x = {0};
	struct path p = beside_one;

	p.packets = 700;
	p.epoch_ms = 800;
	p.link_ns = 606000;
	assert_int_equal(epochs(&x, &p, 20), 717);
	p.link_ns = 303000; /* the same on a faster one, with others in the queue */
	p.bunch = 10;
	x = (struct sender){0};
	assert_true(epochs(&x, &p, 20) > 760);
}

/* Alone in the Classic queue with a ninth of the link: several L4S flows have the rest. With others
 * in its queue, seen by bunches of ACKs, the same share says nothing. */
static void not_alone_beside_many(void **state)
{
	struct sender x = {0};
	struct path p = {1500, 1650, 121000, 0, 20000, 16000};

	assert_int_equal(epochs(&x, &p, 20), 717);
	p.bunch = 10;
	x = (struct sender){0};
	assert_true(epochs(&x, &p, 20) > 760);
}

static void numbers(void **state)
{
	uint32_t v;
	uint32_t i;

	for (v = 2; v < 1u << 30; v += v / 7 + 1) {
		uint64_t back = abe_exp2(cc_log2(v) + 4096) >>
				4; /* the fraction does not show below 1024 */

		assert_in_range(back, v - v / 100 - 1, v + v / 100 + 1);
	}
	for (v = 1; v < 1u << 30; v += v / 7 + 1)
		assert_in_range(abe_unpack(abe_pack(v)), v - v / 2048, v + v / 2048);
	for (v = 3; v < 1u << 26; v += v / 3 + 1) {
		uint16_t avg = abe_pack(v * 32);

		for (i = 0; i < 1000; i++)
			avg = abe_average_packed(avg, v);
		assert_in_range(abe_unpack(avg), v * 16ull - v / 8 - 32, v * 16ull + v / 8 + 32);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_measured),
		cmocka_unit_test(rises_where_prague_gets_more),
		cmocka_unit_test(rests_where_it_gets_enough),
		cmocka_unit_test(falls_again),
		cmocka_unit_test(not_on_a_slow_link),
		cmocka_unit_test(not_alone_beside_many),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
