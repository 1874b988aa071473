/* SPDX-License-Identifier: BSD-2-Clause */
/* DualPI2 and PI2: each rule on its own. */
#include "proto/l4s/aqm/rig.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct rig r;

#define P(x) ((uint32_t)((x) * 4294967296.0))

/* ---- the L queue's own AQM ---- */

static void test_step_marks_first(void **state)
{
	rig_open(&r, "dualpi2", 0);
	rig_fill(&r, ECN_ECT1, 3);
	r.now += 1 * RIG_MS;
	assert_int_equal(rig_get(&r)->ecn, ECN_ECT1); /* at the threshold: not yet */
	r.now += 1;
	assert_int_equal(rig_get(&r)->ecn, ECN_CE); /* the very first over it */
	assert_int_equal(r.q->stats.q[AQM_L].marked_native, 1);
	rig_close(&r);
}

static void test_step_in_packets(void **state)
{
	rig_open(&r, "dualpi2 step_thresh 3p", 0);
	rig_fill(&r, ECN_ECT1, 6);
	assert_int_equal(rig_get(&r)->ecn, ECN_CE);   /* leaves 5 */
	assert_int_equal(rig_get(&r)->ecn, ECN_CE);   /* 4 */
	assert_int_equal(rig_get(&r)->ecn, ECN_ECT1); /* 3 */
	rig_close(&r);
}

static void test_min_qlen_step(void **state)
{
	int i;

	rig_open(&r, "dualpi2 min_qlen_step 2", 0);
	rig_fill(&r, ECN_ECT1, 4);
	r.now += 5 * RIG_MS;
	for (i = 0; i < 4; i++) /* the first two found fewer than 2 */
		assert_int_equal(rig_get(&r)->ecn, i < 2 ? ECN_ECT1 : ECN_CE);
	rig_close(&r);
}

/* Not-ECT and ECT(0) wait as long as they like without a mark of the step. */
static void test_step_spares_c(void **state)
{
	rig_open(&r, "dualpi2", 0);
	rig_fill(&r, ECN_NOT_ECT, 1);
	rig_fill(&r, ECN_ECT0, 1);
	r.now += 5 * RIG_MS;
	assert_int_equal(rig_get(&r)->ecn, ECN_NOT_ECT);
	assert_int_equal(rig_get(&r)->ecn, ECN_ECT0);
	assert_int_equal(r.dropped, 0);
	rig_close(&r);
}

static void test_ramp(void **state)
{
	int marked = 0;
	int i;

	/* Over the ramp: the very first one. */
	rig_open(&r, "dualpi2 rfc", 0);
	rig_fill(&r, ECN_ECT1, 4);
	r.now += 1200 * RIG_US;
	assert_int_equal(rig_get(&r)->ecn, ECN_CE);
	rig_close(&r);
	/* A quarter up the ramp: one of four. */
	rig_open(&r, "dualpi2 rfc", 0);
	rig_fill(&r, ECN_ECT1, 403);
	r.now += 900 * RIG_US;
	for (i = 0; i < 401; i++)
		marked += rig_get(&r)->ecn == ECN_CE;
	assert_int_equal(marked, 100);
	rig_close(&r);
	/* At its foot: none. */
	rig_open(&r, "dualpi2 rfc", 0);
	rig_fill(&r, ECN_ECT1, 10);
	r.now += 800 * RIG_US;
	for (i = 0; i < 10; i++)
		assert_int_equal(rig_get(&r)->ecn, ECN_ECT1);
	rig_close(&r);
}

static void test_ramp_is_step(void **state)
{
	rig_open(&r, "dualpi2 rfc ramp_min 1ms ramp_range 0 th_len 0", 0);
	rig_fill(&r, ECN_ECT1, 3);
	r.now += 1 * RIG_MS;
	assert_int_equal(rig_get(&r)->ecn, ECN_ECT1);
	r.now += 1;
	assert_int_equal(rig_get(&r)->ecn, ECN_CE);
	rig_close(&r);
}

static void test_th_len(void **state)
{
	rig_open(&r, "dualpi2 rfc th_len 1", 0);
	rig_fill(&r, ECN_ECT1, 3);
	r.now += 5 * RIG_MS;
	assert_int_equal(rig_get(&r)->ecn, ECN_CE);   /* leaves 2 */
	assert_int_equal(rig_get(&r)->ecn, ECN_ECT1); /* leaves 1 */
	assert_int_equal(rig_get(&r)->ecn, ECN_ECT1);
	rig_close(&r);
}

/* At 10 Mb/s two packets of 1514 bytes take 2.42 ms: the thresholds go there, and back. */
static void test_rate_aware(void **state)
{
	rig_open(&r, "dualpi2 rate_aware", 10000000);
	assert_int_equal(r.q->pi2.step, 2422400);
	aqm_set_rate(r.q, 100000000);
	assert_int_equal(r.q->pi2.step, 1 * RIG_MS);
	rig_close(&r);
	rig_open(&r, "dualpi2 rfc rate_aware", 10000000);
	assert_int_equal(r.q->pi2.ramp_min, 2422400);
	assert_int_equal(r.q->pi2.ramp_max, 2822400);
	rig_fill(&r, ECN_ECT1, 4);
	r.now += 2400 * RIG_US;
	assert_int_equal(rig_get(&r)->ecn, ECN_ECT1);
	r.now += 500 * RIG_US;
	assert_int_equal(rig_get(&r)->ecn, ECN_CE);
	rig_close(&r);
	rig_open(&r, "dualpi2", 10000000);
	assert_int_equal(r.q->pi2.step, 1 * RIG_MS);
	rig_close(&r);
}

/* ---- the coupled AQM ---- */

/* Packets of one sort through a queue that is never short; the share that was hit. */
static double share(enum ecn ecn, uint32_t n, uint32_t *dropped)
{
	uint32_t before = r.dropped;
	uint32_t marked = 0;
	uint32_t got = 0;
	uint32_t i;

	rig_fill(&r, ecn, 64);
	for (i = 0; i < n; i++) {
		struct aqm_pkt *p = rig_get(&r);

		marked += p->ecn == ECN_CE;
		got++;
		while (aqm_packets(r.q) < 64)
			rig_put(&r, ecn, 1500, 0);
	}
	*dropped = r.dropped - before;
	return (double)(marked + *dropped) / (double)(got + *dropped);
}

static void near(double got, double p, uint32_t n)
{
	double sigma = sqrt(p * (1 - p) / n);

	if (fabs(got - p) > 4 * sigma + 1e-6)
		fail_msg("%.6f, not %.6f", got, p);
}

/* p_C at p' 0.1 is 0.01, not 0.1 (one roll) or 0.0001 (squared twice); p_CL is 0.2. */
static void coupling(const char *text, bool random)
{
	const uint32_t n = 400000;
	uint32_t dropped;
	double c, d, l;

	rig_open(&r, text, 0);
	aqm_force(r.q, P(0.1));
	c = share(ECN_ECT0, n, &dropped);
	assert_int_equal(dropped, 0);
	aqm_flush(r.q);
	rig_close(&r);
	rig_open(&r, text, 0);
	aqm_force(r.q, P(0.1));
	d = share(ECN_NOT_ECT, n, &dropped);
	assert_true(dropped > 0);
	rig_close(&r);
	rig_open(&r, text, 0);
	aqm_force(r.q, P(0.1));
	l = share(ECN_ECT1, n, &dropped);
	assert_int_equal(dropped, 0);
	rig_close(&r);
	if (random) {
		near(c, 0.01, n);
		near(d, 0.01, n);
		near(l, 0.2, n);
	} else { /* evenly: exact but for one packet */
		assert_true(fabs(c - 0.01) < 1e-5);
		assert_true(fabs(d - 0.01) < 1e-5);
		assert_true(fabs(l - 0.2) < 1e-5);
	}
}

static void test_coupling(void **state)
{
	coupling("dualpi2 linux", true);
	coupling("dualpi2 linux drop_enqueue", true);
	coupling("dualpi2 rfc", false);
	coupling("pi2 linux", true);
	coupling("pi2 rfc", false);
}

/* Without ECN all is Classic, and drops. */
static void test_pi2_without_ecn(void **state)
{
	static const char *const texts[] = {"pi2 noecn", "pi2 rfc noecn"};
	uint32_t dropped;
	size_t i;

	for (i = 0; i < 2; i++) {
		rig_open(&r, texts[i], 0);
		aqm_force(r.q, P(0.2));
		near(share(ECN_ECT1, 100000, &dropped), 0.04, 100000);
		near((double)dropped / (100000 + dropped), 0.04, 100000);
		rig_close(&r);
	}
}

/* The two rolls of Classic are independent of each other and of the packet before. */
static void test_rolls_independent(void **state)
{
	const uint32_t n = 400000;
	uint32_t pairs = 0;
	bool last = false;
	uint32_t i;

	rig_open(&r, "dualpi2", 0);
	aqm_force(r.q, P(0.3));
	rig_fill(&r, ECN_ECT0, 8);
	for (i = 0; i < n; i++) {
		bool marked = rig_get(&r)->ecn == ECN_CE;

		pairs += marked && last;
		last = marked;
		rig_put(&r, ECN_ECT0, 1500, 0);
	}
	near((double)pairs / n, 0.0081, n); /* (0.09)^2 */
	rig_close(&r);
}

static void test_rests_below_two_mtu(void **state)
{
	int i;

	/* At dequeue: the packet that leaves does not count. */
	rig_open(&r, "dualpi2 mtu 1500", 0);
	aqm_force(r.q, P(0.4999));
	for (i = 0; i < 1000; i++) {
		rig_fill(&r, ECN_ECT1, 2);
		assert_int_equal(rig_get(&r)->ecn, ECN_ECT1);
		assert_int_equal(rig_get(&r)->ecn, ECN_ECT1);
	}
	rig_fill(&r, ECN_ECT1, 3);
	assert_int_equal(rig_get(&r)->ecn, ECN_CE);
	rig_close(&r);
	/* At enqueue: the packet that comes does not count. */
	rig_open(&r, "dualpi2 mtu 1500 drop_enqueue", 0);
	aqm_force(r.q, P(0.4999));
	rig_fill(&r, ECN_ECT1, 3);
	assert_int_equal(rig_get(&r)->ecn, ECN_ECT1);
	assert_int_equal(rig_get(&r)->ecn, ECN_ECT1);
	assert_int_equal(rig_get(&r)->ecn, ECN_CE);
	rig_close(&r);
	/* The RFC has no such rule. */
	rig_open(&r, "dualpi2 rfc", 0);
	aqm_force(r.q, P(0.4999));
	rig_fill(&r, ECN_ECT1, 2);
	rig_get(&r);
	assert_int_equal(rig_get(&r)->ecn, ECN_CE);
	rig_close(&r);
}

/* ---- overload ---- */

static void below_overload(const char *text)
{
	uint32_t dropped;

	rig_open(&r, text, 0);
	aqm_force(r.q, (1u << 31) - 1);
	near(share(ECN_ECT0, 100000, &dropped), 0.25, 100000);
	assert_int_equal(dropped, 0);
	rig_close(&r);
}

static void in_overload(const char *text)
{
	uint32_t dropped;

	rig_open(&r, text, 0);
	aqm_force(r.q, 1u << 31);
	near(share(ECN_ECT0, 100000, &dropped), 0.25, 100000);
	assert_int_equal(r.q->stats.q[AQM_C].marked, 0); /* all of it drops */
	assert_int_equal(r.why, AQM_WHY_OVERLOAD);
	rig_close(&r);
	rig_open(&r, text, 0);
	aqm_force(r.q, P(0.6));
	/* Marked if not dropped; but the first two found the AQM at rest. */
	assert_true(share(ECN_ECT1, 100000, &dropped) > 0.9999);
	near((double)dropped / (100000 + dropped), 0.36, 100000);
	assert_int_equal(r.why, AQM_WHY_OVERLOAD);
	rig_close(&r);
}

static void test_overload_switch(void **state)
{
	static const char *const texts[] = {"dualpi2", "dualpi2 rfc", "pi2", "pi2 rfc",
					    "dualpi2 drop_enqueue"};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		below_overload(texts[i]);
		in_overload(texts[i]);
	}
}

static void test_overflow_mode(void **state)
{
	uint32_t dropped;
	int i;

	rig_open(&r, "dualpi2 overflow", 0);
	rig_fill(&r, ECN_ECT0, 100);
	for (i = 0; i < 200; i++) {
		r.now += 16 * RIG_MS;
		aqm_tick(r.q, r.now);
	}
	assert_int_equal(r.q->pi2.prob, UINT32_MAX / 2); /* p_CL 1, and no more */
	assert_false(r.q->stats.overloaded);
	rig_close(&r);
	rig_open(&r, "dualpi2 overflow", 0);
	aqm_force(r.q, P(0.7));
	near(share(ECN_ECT1, 1000, &dropped), 1, 1000);
	assert_int_equal(dropped, 0);
	rig_close(&r);
}

static void test_overload_time(void **state)
{
	int i;

	rig_open(&r, "dualpi2", 0);
	rig_fill(&r, ECN_NOT_ECT, 2000);
	for (i = 0; i < 100 && !aqm_stats(r.q, r.now)->overloaded; i++) {
		r.now += 16 * RIG_MS;
		aqm_tick(r.q, r.now);
	}
	assert_int_equal(r.q->stats.overloads, 1);
	assert_int_equal(r.q->stats.overload_ns, 0);
	r.now += 32 * RIG_MS;
	aqm_tick(r.q, r.now);
	assert_int_equal(aqm_stats(r.q, r.now + 5)->overload_ns, 32 * RIG_MS + 5);
	assert_int_equal(aqm_stats(r.q, r.now + 7)->overload_ns, 32 * RIG_MS + 7);
	aqm_flush(r.q);
	for (i = 0; i < 100; i++) {
		r.now += 16 * RIG_MS;
		aqm_tick(r.q, r.now);
	}
	assert_false(r.q->stats.overloaded);
	assert_int_equal(r.q->stats.overloads, 1);
	assert_true(r.q->stats.overload_ns >= 132 * RIG_MS);
	assert_true(r.q->stats.overload_ns < 300 * RIG_MS);
	rig_close(&r);
}

/* ---- the controller ---- */

static void test_controller(void **state)
{
	uint64_t due;

	rig_open(&r, "dualpi2", 0);
	due = aqm_tick(r.q, r.now);
	assert_int_equal(due, r.now + 16 * RIG_MS);
	rig_fill(&r, ECN_ECT0, 1);
	r.now = due;
	due = aqm_tick(r.q, r.now);
	assert_int_equal(due, r.now + 16 * RIG_MS);
	/* (16 - 15) ms * 44 + 16 ms * 879, / 64 */
	assert_int_equal(r.q->stats.prob, (1000000u * 44 + UINT64_C(16000000) * 879) / 64);
	assert_int_equal(r.q->stats.p_cl, 2 * r.q->stats.prob);
	assert_int_equal(r.q->stats.p_c, (uint64_t)r.q->stats.prob * r.q->stats.prob >> 32);
	/* Late by more than a period: one update, and the next a period from now. */
	r.now = due + 50 * RIG_MS;
	assert_int_equal(aqm_tick(r.q, r.now), r.now + 16 * RIG_MS);
	/* Late by less: the rhythm stays. */
	due = r.now + 16 * RIG_MS;
	r.now = due + 3 * RIG_MS;
	assert_int_equal(aqm_tick(r.q, r.now), due + 16 * RIG_MS);
	rig_close(&r);
}

/* Also L alone drives it, where what is in it does not respond. */
static void test_controller_sees_l(void **state)
{
	static const char *const texts[] = {"dualpi2", "dualpi2 rfc"};
	size_t i;

	for (i = 0; i < 2; i++) {
		rig_open(&r, texts[i], 0);
		rig_fill(&r, ECN_ECT1, 10);
		r.now += 40 * RIG_MS;
		aqm_tick(r.q, r.now);
		assert_true(r.q->stats.prob > P(0.1));
		aqm_flush(r.q);
		r.now += 60 * RIG_MS;
		aqm_tick(r.q, r.now);
		assert_true(r.q->stats.prob < P(0.01));
		rig_close(&r);
	}
}

/* ---- which queue is served ---- */

/* Both queues always full: C has its percentage, and L the rest, whatever the packets' sizes. */
static void served(const char *text, uint32_t len_c, uint32_t len_l, double want)
{
	uint64_t bytes[2] = {0, 0};
	uint32_t i;

	rig_open(&r, text, 0);
	rig_fill(&r, ECN_NOT_ECT, 1);
	for (i = 0; i < 50; i++) {
		rig_put(&r, ECN_NOT_ECT, len_c, 0);
		rig_put(&r, ECN_ECT1, len_l, 0);
	}
	for (i = 0; i < 20000; i++) {
		struct aqm_pkt *p = rig_get(&r);

		bytes[p->low] += p->len;
		rig_put(&r, p->low ? ECN_ECT1 : ECN_NOT_ECT, p->low ? len_l : len_c, 0);
	}
	assert_true(fabs((double)bytes[0] / (double)(bytes[0] + bytes[1]) - want) < 0.002);
	rig_close(&r);
}

static void test_l_has_bounded_priority(void **state)
{
	served("dualpi2", 1500, 1500, 0.1);
	served("dualpi2 classic_protection 25", 1500, 300, 0.25);
	served("dualpi2 rfc", 300, 1500, 0.1);
	served("dualpi2 classic_protection 0", 1500, 1500, 0);
}

static void test_credit_resets_when_idle(void **state)
{
	static const char *const texts[] = {"dualpi2", "dualpi2 rfc"};
	size_t i;

	for (i = 0; i < 2; i++) {
		rig_open(&r, texts[i], 0);
		rig_fill(&r, ECN_NOT_ECT, 3);
		rig_fill(&r, ECN_ECT1, 2);
		assert_int_equal(rig_get(&r)->ecn, ECN_ECT1);
		assert_int_equal(aqm_stats(r.q, r.now)->credit, -80 * 1514 + 15000);
		rig_get(&r); /* L's last */
		rig_get(&r); /* C, L empty: no change */
		assert_int_equal(aqm_stats(r.q, r.now)->credit, -80 * 1514 + 30000);
		while (rig_get(&r))
			;
		assert_int_equal(aqm_stats(r.q, r.now)->credit, -80 * 1514);
		rig_close(&r);
	}
}

static void test_ts_fifo(void **state)
{
	rig_open(&r, "dualpi2 ts_fifo tshift 50ms", 0);
	rig_fill(&r, ECN_NOT_ECT, 1);
	r.now += 50 * RIG_MS;
	rig_fill(&r, ECN_ECT1, 1);
	assert_int_equal(rig_get(&r)->low, 1);
	r.now += 1;
	rig_fill(&r, ECN_ECT1, 1);
	assert_int_equal(rig_get(&r)->low, 0);
	assert_int_equal(rig_get(&r)->low, 1);
	rig_close(&r);
}

/* ---- which queue is entered ---- */

static void test_classifier(void **state)
{
	static const uint8_t low[] = {0, 1, 0, 1};
	int ecn;

	rig_open(&r, "dualpi2", 0);
	for (ecn = 0; ecn < 4; ecn++) {
		rig_fill(&r, (enum ecn)ecn, 1);
		assert_int_equal(rig_get(&r)->low, low[ecn]);
	}
	rig_close(&r);
	rig_open(&r, "dualpi2 any_ect", 0);
	for (ecn = 0; ecn < 4; ecn++) {
		rig_fill(&r, (enum ecn)ecn, 1);
		assert_int_equal(rig_get(&r)->low, ecn != ECN_NOT_ECT);
	}
	rig_close(&r);
}

/* RFC 9332 §2.5.1.1: ECT(0) that an operator sends into L keeps the law of Classic. */
static void test_ect0_in_l(void **state)
{
	uint32_t dropped;

	rig_open(&r, "dualpi2 rfc any_ect", 0);
	aqm_force(r.q, P(0.1));
	assert_true(fabs(share(ECN_ECT0, 100000, &dropped) - 0.01) < 1e-4);
	assert_int_equal(dropped, 0);
	assert_int_equal(r.q->stats.q[AQM_C].arrived, 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_step_marks_first),
		cmocka_unit_test(test_step_in_packets),
		cmocka_unit_test(test_min_qlen_step),
		cmocka_unit_test(test_step_spares_c),
		cmocka_unit_test(test_ramp),
		cmocka_unit_test(test_ramp_is_step),
		cmocka_unit_test(test_th_len),
		cmocka_unit_test(test_rate_aware),
		cmocka_unit_test(test_coupling),
		cmocka_unit_test(test_pi2_without_ecn),
		cmocka_unit_test(test_rolls_independent),
		cmocka_unit_test(test_rests_below_two_mtu),
		cmocka_unit_test(test_overload_switch),
		cmocka_unit_test(test_overflow_mode),
		cmocka_unit_test(test_overload_time),
		cmocka_unit_test(test_controller),
		cmocka_unit_test(test_controller_sees_l),
		cmocka_unit_test(test_l_has_bounded_priority),
		cmocka_unit_test(test_credit_resets_when_idle),
		cmocka_unit_test(test_ts_fifo),
		cmocka_unit_test(test_classifier),
		cmocka_unit_test(test_ect0_in_l),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
