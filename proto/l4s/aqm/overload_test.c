/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads that do not respond, through a link of 100 Mb/s: below its capacity nothing is lost; above,
 * the delay stays at the target and ECN buys nothing (RFC 9332 §4.2, RFC 8033 §5.1). CoDel must
 * fail the latter, which shows that the test can. */
#include "proto/l4s/aqm/rig.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SERVICE 120000u /* ns: 1500 bytes at 100 Mb/s */
#define WARMUP (5 * (uint64_t)1000000000)
#define END (20 * (uint64_t)1000000000)

static struct rig r;
static struct rng rng;

struct load {
	enum ecn ecn;
	uint64_t gap; /* ns between packets, mean */
	uint64_t next;
	uint64_t sent; /* after the warm-up */
	uint64_t received;
};

/* Percent of the link. */
static struct load load_of(enum ecn ecn, unsigned percent)
{
	return (struct load){.ecn = ecn, .gap = SERVICE * 100 / percent};
}

/* What comes up to a time, of both, in order. */
static void arrivals(struct load *l[2], uint64_t until, bool count)
{
	for (;;) {
		uint32_t i = l[1]->next < l[0]->next;

		if (l[i]->next > until)
			return;
		r.now = l[i]->next;
		rig_put(&r, l[i]->ecn, 1500, i);
		l[i]->sent += count;
		/* At random, or loads would march in step with each other and with recur(). */
		l[i]->next += rng_below(&rng, 2 * l[i]->gap + 1);
	}
}

static double mean_delay[2]; /* ms, of C and L */

/* Two loads, each a flow. */
static void run(const char *text, struct load *a, struct load *b)
{
	const uint64_t start = 1000000000u;
	uint64_t due = start;
	uint64_t at;

	rng_seed(&rng, 5);
	rig_open(&r, text, 100000000);
	a->next = start;
	b->next = start;
	for (at = start; at < start + END; at += SERVICE) {
		bool count = at >= start + WARMUP;
		struct aqm_pkt *p;

		arrivals((struct load *[]){a, b}, at, count);
		r.now = at;
		while (due <= at)
			due = aqm_tick(r.q, at);
		if (count && at - SERVICE < start + WARMUP)
			aqm_stats_reset(r.q, at);
		p = rig_get(&r);
		if (p && count)
			(p->flow == 0 ? a : b)->received++;
	}
	mean_delay[0] = (double)hist_mean(&aqm_stats(r.q, r.now)->q[0].delay) / 1e6;
	mean_delay[1] = (double)hist_mean(&aqm_stats(r.q, r.now)->q[1].delay) / 1e6;
	rig_close(&r);
}

static double share(const struct load *l)
{
	return (double)l->received / (double)l->sent;
}

static const char *const good[] = {
	"dualpi2", "dualpi2 rfc", "pi2", "pi2 rfc", "pie rfc ecn", "pie ecn",
};

#define N_GOOD (sizeof(good) / sizeof(good[0]))

static void test_below_capacity(void **state)
{
	static const char *const more[] = {"fifo", "codel ecn", "fq_codel"};
	size_t i;

	for (i = 0; i < N_GOOD + 3; i++) {
		struct load a = load_of(ECN_ECT0, 45);
		struct load b = load_of(ECN_ECT1, 45);

		run(i < N_GOOD ? good[i] : more[i - N_GOOD], &a, &b);
		assert_int_equal(r.dropped, 0);
		assert_true(share(&a) > 0.999 && share(&b) > 0.999);
		assert_true(mean_delay[0] < 1 && mean_delay[1] < 1);
	}
}

/* One load of Not-ECT and one of another codepoint, together more than the link carries. */
static void both(const char *text, enum ecn ecn, unsigned percent)
{
	struct load a = load_of(ECN_NOT_ECT, percent / 2);
	struct load b = load_of(ecn, percent / 2);
	double most;

	run(text, &a, &b);
	most = fmax(mean_delay[0], mean_delay[1]);
	if (most > 18 || most < 12)
		fail_msg("%s, %u %%, ecn %d: %.1f ms", text, percent, ecn, most);
	if (fabs(share(&b) / share(&a) - 1) > 0.05)
		fail_msg("%s, %u %%, ecn %d: %.3f of it gets through, of Not-ECT %.3f", text,
			 percent, ecn, share(&b), share(&a));
}

static void test_above_capacity(void **state)
{
	static const unsigned percent[] = {150, 200, 300};
	size_t i;
	size_t k;

	for (i = 0; i < N_GOOD; i++)
		for (k = 0; k < 3; k++) {
			both(good[i], ECN_NOT_ECT, percent[k]);
			both(good[i], ECN_ECT0, percent[k]);
			both(good[i], ECN_ECT1, percent[k]);
		}
}

/* CoDel serves what says it is ECN-capable at the cost of what does not. */
static void test_codel_is_captured(void **state)
{
	struct load a = load_of(ECN_NOT_ECT, 75);
	struct load b = load_of(ECN_ECT0, 75);

	run("codel ecn", &a, &b);
	assert_true(share(&b) > 1.05 * share(&a));
	assert_true(fmax(mean_delay[0], mean_delay[1]) > 50); /* its target is 5 ms */
}

/* FQ-CoDel shares by flow, whatever is offered. */
static void test_fq_codel_isolates(void **state)
{
	struct load a = load_of(ECN_NOT_ECT, 40);
	struct load b = load_of(ECN_ECT0, 300);

	run("fq_codel", &a, &b);
	assert_true(share(&a) > 0.999);
}

/* Where marks alone must do, the delay grows and L is not dropped. */
static void test_overflow_mode(void **state)
{
	struct load a = load_of(ECN_ECT1, 150);
	struct load b = load_of(ECN_NOT_ECT, 20);

	run("dualpi2 overflow", &a, &b);
	assert_true(mean_delay[1] > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_below_capacity),	  cmocka_unit_test(test_above_capacity),
		cmocka_unit_test(test_codel_is_captured), cmocka_unit_test(test_fq_codel_isolates),
		cmocka_unit_test(test_overflow_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
