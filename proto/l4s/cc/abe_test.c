/* SPDX-License-Identifier: BSD-2-Clause */
/* ABE (RFC 8511) and its traps: what must change by it, and what must not by a single segment. */
#include "proto/l4s/cc/cc_drive.h"
#include "proto/l4s/cc/cubic.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The senders that have ABE: loss and mark to window 1000. */
static const struct {
	const char *off;
	const char *on;
	uint32_t loss, mark;
} kinds[] = {
	{"cubic", "cubic abe 0.85", 700, 849},
	{"cubic form rfc", "cubic form rfc abe 0.85", 700, 849},
	{"reno", "reno abe 0.8", 500, 799},
};

static uint32_t answer(const char *text, enum cc_cause cause, uint32_t cwnd, uint32_t ssthresh)
{
	struct drive d;

	drive_init(&d, text, 20000, cwnd, ssthresh);
	return cc_ssthresh(&d.cc, cause, &d.a, &d.w);
}

static void only_marks(void **state)
{
	size_t i;

	for (i = 0; i < 3; i++) {
		assert_int_equal(answer(kinds[i].on, CC_CAUSE_ECN, 1000, 900), kinds[i].mark);
		assert_int_equal(answer(kinds[i].on, CC_CAUSE_LOSS, 1000, 900), kinds[i].loss);
		assert_int_equal(answer(kinds[i].on, CC_CAUSE_RTO, 1000, 900), kinds[i].loss);
		assert_int_equal(answer(kinds[i].on, CC_CAUSE_LOCAL, 1000, 900), kinds[i].loss);
		assert_int_equal(answer(kinds[i].off, CC_CAUSE_ECN, 1000, 900), kinds[i].loss);
	}
}

/* RFC 8511 §4: not in slow start. */
static void not_in_slow_start(void **state)
{
	char text[64];
	size_t i;

	for (i = 0; i < 3; i++) {
		assert_int_equal(answer(kinds[i].on, CC_CAUSE_ECN, 1000, CC_SSTHRESH_NONE),
				 kinds[i].loss);
		assert_int_equal(answer(kinds[i].on, CC_CAUSE_ECN, 1000, 1001), kinds[i].loss);
		/* slow start that ended at ssthresh is over */
		assert_int_equal(answer(kinds[i].on, CC_CAUSE_ECN, 1000, 1000), kinds[i].mark);
		snprintf(text, sizeof(text), "%s abe-slow-start", kinds[i].on);
		assert_int_equal(answer(text, CC_CAUSE_ECN, 1000, CC_SSTHRESH_NONE), kinds[i].mark);
	}
}

/* Marks on every ACK of three rounds: one reduction a round. */
static void once_a_round(void **state)
{
	uint32_t i;

	struct drive d;

	drive_init(&d, "cubic abe 0.85", 20000, 1000, 500);
	for (i = 0; i < 1000; i++)
		drive_ack(&d, 1000000000ull + i * 20000, 1, 1, 0);
	assert_int_equal(d.reductions, 1);
	assert_int_equal(d.w.ssthresh, 849);
	/* an owner that asks twice within the round gets the same answer */
	assert_int_equal(cc_ssthresh(&d.cc, CC_CAUSE_ECN, &d.a, &d.w), 849);
	for (i = 0; i < 800; i++)
		drive_ack(&d, 1020000000ull + i * 20000, 1, 1, 0);
	assert_int_equal(d.reductions, 2);
	assert_in_range(d.w.ssthresh, 720, 722);
}

/* A mark, then a loss in the same round (spec §7.9). */
static void mark_then_loss(const char *text, uint32_t ssthresh)
{
	uint32_t i;
	struct drive d;

	drive_init(&d, text, 20000, 1000, 500);
	drive_ack(&d, 1000000000, 1, 1, 0);
	assert_int_equal(d.w.ssthresh, 849);
	for (i = 1; i < 1002; i++)
		drive_ack(&d, 1000000000ull + i * 20000, 1, 0, i == 300);
	assert_int_equal(d.a.state, CC_OPEN);
	assert_int_equal(d.w.ssthresh, ssthresh);
	assert_in_range(d.w.cwnd, ssthresh, ssthresh + 1);
	assert_int_equal(d.reductions, 1);
}

static void then_loss(void **state)
{
	mark_then_loss("cubic abe 0.85", 849);
	mark_then_loss("cubic abe 0.85 frlossreduce", 700);
	mark_then_loss("cubic form rfc abe 0.85", 849);
	mark_then_loss("cubic form rfc abe 0.85 frlossreduce", 700);
}

/* A loss found in the round of the mark, where the owner asks for a threshold; and a timeout. */
static void then_asked(void **state)
{
	struct drive d;

	drive_init(&d, "cubic abe 0.85 frlossreduce", 20000, 1000, 500);
	d.w.ssthresh = cc_ssthresh(&d.cc, CC_CAUSE_ECN, &d.a, &d.w);
	d.w.cwnd = 900;
	assert_int_equal(cc_ssthresh(&d.cc, CC_CAUSE_LOSS, &d.a, &d.w), 700);
	drive_init(&d, "cubic abe 0.85", 20000, 1000, 500);
	d.w.ssthresh = cc_ssthresh(&d.cc, CC_CAUSE_ECN, &d.a, &d.w);
	assert_int_equal(cc_ssthresh(&d.cc, CC_CAUSE_LOSS, &d.a, &d.w), 849);
	/* a round later a loss is a loss */
	d.a.snd_una = d.a.snd_nxt + 1;
	d.a.snd_nxt += 2000;
	assert_int_equal(cc_ssthresh(&d.cc, CC_CAUSE_LOSS, &d.a, &d.w), 700);
	/* a mark, then a timeout in its round: Loss */
	drive_init(&d, "cubic abe 0.85 frlossreduce", 20000, 1000, 500);
	d.w.ssthresh = cc_ssthresh(&d.cc, CC_CAUSE_ECN, &d.a, &d.w);
	cc_set_state(&d.cc, CC_CWR, &d.a, &d.w);
	cc_set_state(&d.cc, CC_LOSS, &d.a, &d.w);
	assert_int_equal(d.w.ssthresh, 700);
	/* a loss first: a mark in its round changes nothing */
	drive_init(&d, "cubic abe 0.85", 20000, 1000, 500);
	d.w.ssthresh = cc_ssthresh(&d.cc, CC_CAUSE_LOSS, &d.a, &d.w);
	assert_int_equal(cc_ssthresh(&d.cc, CC_CAUSE_ECN, &d.a, &d.w), 700);
}

/* Two senders with the same random events without marks, one of them with every option of ABE: the
 * same windows after each ACK. */
static void same_without_marks(const char *off, const char *on, uint64_t seed)
{
	struct drive a, b;
	struct rng rng;
	uint64_t now = 1000000000;
	uint32_t i;

	rng_seed(&rng, seed);
	drive_init(&a, off, 20000, 0, 0);
	drive_init(&b, on, 20000, 0, 0);
	for (i = 0; i < 30000; i++) {
		uint32_t n = 1 + (uint32_t)rng_below(&rng, 3);
		uint32_t lost = rng_below(&rng, 500) == 0;

		now += 1000 + rng_below(&rng, 3000000);
		a.a.rtt_us = b.a.rtt_us = 20000 + (uint32_t)rng_below(&rng, 15000);
		a.a.cwnd_limited = b.a.cwnd_limited = rng_below(&rng, 50) != 0;
		drive_ack(&a, now, n, 0, lost);
		drive_ack(&b, now, n, 0, lost);
		if (rng_below(&rng, 3000) == 0) {
			a.w.ssthresh = cc_ssthresh(&a.cc, CC_CAUSE_RTO, &a.a, &a.w);
			b.w.ssthresh = cc_ssthresh(&b.cc, CC_CAUSE_RTO, &b.a, &b.w);
			a.w.cwnd = b.w.cwnd = 1;
			cc_set_state(&a.cc, CC_LOSS, &a.a, &a.w);
			cc_set_state(&b.cc, CC_LOSS, &b.a, &b.w);
			a.a.state = b.a.state = CC_LOSS;
			a.high = b.high = a.a.snd_nxt;
		}
		assert_memory_equal(&a.w, &b.w, sizeof(a.w));
	}
	assert_true(a.reductions > 20);
}

static void nothing_without_marks(void **state)
{
	uint64_t seed;

	for (seed = 1; seed <= 5; seed++) {
		same_without_marks("cubic", "cubic abe 0.85 frlossreduce abe-slow-start", seed);
		same_without_marks("cubic no-ecn", "cubic abe adaptive abe-alpha scale no-ecn",
				   seed);
		same_without_marks("cubic form rfc start hystart++",
				   "cubic form rfc start hystart++ abe 0.9 abe-alpha scale", seed);
		same_without_marks("reno", "reno abe 0.8 frlossreduce", seed);
	}
}

/* The Reno region of CUBIC: alpha of 0.7 is kept, or made 0.243 of 0.85. */
static double gain(const char *text)
{
	struct drive d;
	uint32_t i;
	uint32_t begin;

	drive_init(&d, text, 10000, 100, 50);
	d.w.ssthresh = cc_ssthresh(&d.cc, CC_CAUSE_ECN, &d.a, &d.w);
	d.w.cwnd = begin = d.w.ssthresh;
	cc_set_state(&d.cc, CC_OPEN, &d.a, &d.w);
	for (i = 0; i < 24 * 85; i++) { /* 24 rounds: W_est stays below the window before */
		d.a.now_ns = 1000000000 + (uint64_t)i * 10000000 / 85;
		d.a.acked = 1;
		d.a.snd_una++;
		cc_ack(&d.cc, &d.a, &d.w);
	}
	return (double)(d.w.cwnd - begin) / 24;
}

static void alpha(void **state)
{
	/* growing windows take a little more ACKs a segment */
	assert_true(gain("cubic c 0.001 form rfc abe 0.85") > 0.40);
	assert_true(gain("cubic c 0.001 form rfc abe 0.85") < 0.54);
	assert_true(gain("cubic c 0.001 form rfc abe 0.85 abe-alpha scale") > 0.19);
	assert_true(gain("cubic c 0.001 form rfc abe 0.85 abe-alpha scale") < 0.30);
}

/* beta_ecn by measurement stays within its range, and on the loss factor for everything else. */
static void adaptive(void **state)
{
	static const uint32_t windows[] = {2, 10, 50, 200, 1000, 10000, 1000000};
	size_t i;

	for (i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		uint32_t w = windows[i];
		uint32_t to = answer("cubic abe adaptive", CC_CAUSE_ECN, w, 2);

		assert_in_range(to, cc_max(w * 717ull / 1024, 2), cc_max(w * 942ull / 1024, 2));
		assert_int_equal(answer("cubic abe adaptive", CC_CAUSE_LOSS, w, 2),
				 cc_max((uint32_t)(w * 717ull / 1024), 2));
	}
	/* it has measured nothing yet: as a loss */
	assert_int_equal(answer("cubic abe adaptive", CC_CAUSE_ECN, 1000, 2),
			 answer("cubic abe adaptive", CC_CAUSE_LOSS, 1000, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_marks),	cmocka_unit_test(not_in_slow_start),
		cmocka_unit_test(once_a_round), cmocka_unit_test(then_loss),
		cmocka_unit_test(then_asked),	cmocka_unit_test(nothing_without_marks),
		cmocka_unit_test(alpha),	cmocka_unit_test(adaptive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
