/* SPDX-License-Identifier: BSD-2-Clause */
/* The conformance suite against our DualPI2, and against DualQs with a fault, each of which it must
 * find. With L4S_FULL=1 enough packets for 2 % at every p' (a minute). */
#include "proto/l4s/aqm/conform_aqm.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const double probs[] = {0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5};
static const double few[] = {0.25, 0.4, 0.6};
static const double two[] = {0.35, 0.6};

/* Enough for 2 % from p' 0.1 on; with sanitizers from 0.25 on. */
#ifdef __SANITIZE_ADDRESS__
#define MAX_PACKETS 550000
#define DECIDED 30
#else
#define MAX_PACKETS 3900000
#define DECIDED 43
#endif

#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct conform_row rows[CONFORM_ROWS(N(probs))];

static struct conform_cfg config(const double *prob, size_t n)
{
	struct conform_cfg cfg = {
		.coupling = 2,
		.prob = prob,
		.n_prob = n,
		.tolerance = 0.02,
		.max_packets = MAX_PACKETS,
		.overload_drops = true,
		.seed = 4,
	};

	if (getenv("L4S_FULL"))
		cfg.max_packets = 300000000;
	return cfg;
}

static size_t suite(const struct conform_dut *dut, const struct conform_cfg *cfg, bool print)
{
	struct err err;
	size_t n = 0;

	assert_int_equal(conform_run(dut, cfg, rows, &n, &err), 0);
	assert_true(n > 0 && n <= CONFORM_ROWS(cfg->n_prob));
	if (print && (conform_failed(rows, n) || getenv("L4S_FULL")))
		conform_print(rows, n, stderr);
	return n;
}

/* Which row failed: its name begins so. */
static bool failed(size_t n, const char *what)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (rows[i].verdict == CONFORM_FAIL &&
		    strncmp(rows[i].what, what, strlen(what)) == 0)
			return true;
	return false;
}

static size_t against_aqm(const char *text, const struct conform_cfg *cfg, bool print)
{
	static struct conform_aqm c;
	struct aqm_cfg aqm;
	struct alloc a;
	struct err err;
	struct aqm *q;
	size_t n;

	if (aqm_cfg_parse(&aqm, text, 0, &err) < 0)
		fail_msg("%s", err.what);
	alloc_init(&a, 0);
	q = aqm_new(&aqm, 11, 0, &a);
	assert_non_null(q);
	conform_aqm_init(&c, q);
	n = suite(&c.dut, cfg, print);
	aqm_free(q);
	return n;
}

static void test_dualpi2(void **state)
{
	struct conform_cfg cfg = config(probs, N(probs));
	size_t n;
	size_t i;
	size_t strong = 0;

	n = against_aqm("dualpi2 linux", &cfg, true);
	assert_int_equal(conform_failed(rows, n), 0);
	for (i = 0; i < n; i++)
		strong += rows[i].verdict == CONFORM_PASS && rows[i].want > 0;
	assert_true(strong >= DECIDED); /* five rows a value of p' */
	n = against_aqm("dualpi2 rfc", &cfg, true);
	assert_int_equal(conform_failed(rows, n), 0);
}

static void test_variants(void **state)
{
	static const char *const texts[] = {
		"dualpi2 linux drop_enqueue",
		"dualpi2 linux classic_protection 50", /* the scheduler has no part in it */
		"dualpi2 rfc ts_fifo",
		"pi2 linux",
		"pi2 rfc",
	};
	struct conform_cfg cfg = config(few, N(few));
	size_t i;
	size_t n;

	for (i = 0; i < N(texts); i++) {
		n = against_aqm(texts[i], &cfg, true);
		if (conform_failed(rows, n))
			fail_msg("%s", texts[i]);
	}
	cfg.overload_drops = false;
	n = against_aqm("dualpi2 linux overflow", &cfg, true);
	assert_int_equal(conform_failed(rows, n), 0);
	cfg.overload_drops = true;
	cfg.coupling = 1;
	n = against_aqm("dualpi2 linux coupling_factor 1", &cfg, true);
	assert_int_equal(conform_failed(rows, n), 0);
}

/* Ours, held against what it is not configured for. */
static void test_finds_other_coupling(void **state)
{
	struct conform_cfg cfg = config(few, N(few));
	size_t n;

	n = against_aqm("dualpi2 linux coupling_factor 1", &cfg, false);
	assert_true(failed(n, "p_CL = k * p'"));
	assert_true(failed(n, "p_C = (p_L / k)^2"));
	n = against_aqm("dualpi2 linux overflow", &cfg, false);
	assert_true(failed(n, "overload: ECT(1) is dropped"));
	n = against_aqm("fifo", &cfg, false);
	assert_true(failed(n, "p_C = p'^2"));
	n = against_aqm("codel ecn", &cfg, false);
	assert_true(failed(n, "p_CL = k * p'"));
}

/* ---- a toy DualQ that can have one fault ---- */

enum fault {
	NO_FAULT,
	UNCOUPLED,	/* L marks by its own AQM alone */
	ONE_ROLL,	/* p_C = p' */
	SQUARED_TWICE,	/* p_C = p'^4 */
	SHARED_ROLL,	/* one random number for both rolls */
	FIVE_PERCENT,	/* p_C a little too large */
	L_FIVE_PERCENT, /* p_CL a little too small */
	DROPS_ECT0,	/* where it should mark */
	SPARES_NOT_ECT, /* drops half as often as it marks */
	MARKS_NOT_ECT,
	REWRITES_ECT0, /* to ECT(1) */
	BLEACHES_CE,
	MARKS_IN_OVERLOAD,
	MARKS_AT_REST,
	LOSES_ECT1,
	N_FAULTS,
};

struct toy {
	struct conform_dut dut;
	struct rng rng;
	double p;
	enum fault fault;
};

static int toy_force(void *ctx, uint32_t prob)
{
	struct toy *t = ctx;

	t->p = prob / 4294967296.0;
	return 0;
}

static bool roll(struct toy *t, double p)
{
	return rng_unit(&t->rng) < p;
}

static bool classic(struct toy *t)
{
	switch (t->fault) {
	case ONE_ROLL:
	case SHARED_ROLL:
		return roll(t, t->p);
	case SQUARED_TWICE:
		return roll(t, t->p * t->p * t->p * t->p);
	case FIVE_PERCENT:
		return roll(t, t->p * t->p * 1.05);
	default:
		return roll(t, t->p) && roll(t, t->p);
	}
}

static uint8_t fate_of(struct toy *t, uint8_t ecn)
{
	bool overload = t->p >= 0.5;

	if (t->fault == MARKS_AT_REST && ecn == ECN_ECT1 && t->p == 0)
		return ECN_CE;
	if (ecn == ECN_CE)
		return t->fault == BLEACHES_CE ? ECN_ECT1 : ECN_CE;
	if (ecn == ECN_ECT1) {
		double p = 2 * t->p;

		if (t->fault == UNCOUPLED)
			return ECN_ECT1;
		if (t->fault == LOSES_ECT1 && roll(t, 0.0001))
			return CONFORM_DROPPED;
		if (overload && classic(t))
			return CONFORM_DROPPED;
		return roll(t, t->fault == L_FIVE_PERCENT ? p * 0.95 : p) ? ECN_CE : ECN_ECT1;
	}
	if (t->fault == REWRITES_ECT0 && ecn == ECN_ECT0 && roll(t, 0.001))
		return ECN_ECT1;
	if (!classic(t))
		return ecn;
	if (ecn == ECN_NOT_ECT) {
		if (t->fault == SPARES_NOT_ECT && roll(t, 0.5))
			return ecn;
		return t->fault == MARKS_NOT_ECT ? ECN_CE : CONFORM_DROPPED;
	}
	if (t->fault == DROPS_ECT0 || (overload && t->fault != MARKS_IN_OVERLOAD))
		return CONFORM_DROPPED;
	return ECN_CE;
}

static int toy_pass(void *ctx, const uint8_t *ecn, uint8_t *fate, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		fate[i] = fate_of(ctx, ecn[i]);
	return 0;
}

static size_t against_toy(enum fault fault)
{
	struct conform_cfg cfg = config(two, N(two));
	struct toy t = {.dut = {toy_force, toy_pass, &t}, .fault = fault};

	rng_seed(&t.rng, 9);
	return suite(&t.dut, &cfg, false);
}

static void test_finds_each_fault(void **state)
{
	static const char *const row[N_FAULTS] = {
		[UNCOUPLED] = "p_C = (p_L / k)^2",
		[ONE_ROLL] = "p_C = (p_L / k)^2",
		[SQUARED_TWICE] = "p_C = (p_L / k)^2",
		[SHARED_ROLL] = "p_C = p'^2, ECT(0)",
		[FIVE_PERCENT] = "p_C = p'^2, ECT(0)",
		[L_FIVE_PERCENT] = "p_CL = k * p'",
		[DROPS_ECT0] = "no ECT(0) is dropped",
		[SPARES_NOT_ECT] = "p_C = p'^2, Not-ECT",
		[MARKS_NOT_ECT] = "no Not-ECT is marked",
		[REWRITES_ECT0] = "no codepoint changes",
		[BLEACHES_CE] = "p' 0: CE goes as CE",
		[MARKS_IN_OVERLOAD] = "overload: no ECT(0)",
		[MARKS_AT_REST] = "p' 0: no ECT(1)",
		[LOSES_ECT1] = "no ECT(1) is dropped",
	};
	int fault;

	assert_int_equal(conform_failed(rows, against_toy(NO_FAULT)), 0);
	for (fault = NO_FAULT + 1; fault < N_FAULTS; fault++)
		if (!failed(against_toy((enum fault)fault), row[fault]))
			fail_msg("fault %d is not seen as '%s'", fault, row[fault]);
}

/* A sound DualQ passes whatever its dice: no seed of 20 fails. */
static void test_no_false_alarm(void **state)
{
	struct conform_cfg cfg = config(two, N(two));
	uint64_t seed;

	for (seed = 1; seed <= 20; seed++) {
		struct toy t = {.dut = {toy_force, toy_pass, &t}};

		rng_seed(&t.rng, seed);
		cfg.seed = seed;
		assert_int_equal(conform_failed(rows, suite(&t.dut, &cfg, true)), 0);
	}
}

static int broken_pass(void *ctx, const uint8_t *ecn, uint8_t *fate, size_t n)
{
	return -5;
}

static void test_dut_fails(void **state)
{
	struct conform_cfg cfg = config(few, 1);
	struct toy t = {0};
	struct conform_dut dut = {toy_force, broken_pass, &t};
	struct err err;
	size_t n;

	assert_int_equal(conform_run(&dut, &cfg, rows, &n, &err), -5);
	assert_non_null(strstr(err.what, "under test"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dualpi2),
		cmocka_unit_test(test_variants),
		cmocka_unit_test(test_finds_other_coupling),
		cmocka_unit_test(test_finds_each_fault),
		cmocka_unit_test(test_no_false_alarm),
		cmocka_unit_test(test_dut_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
