/* SPDX-License-Identifier: BSD-2-Clause */
/* Prague's watch for Classic bottlenecks in the simulator (RFC 9331 §4.3): one queue with a Classic
 * AQM shared with CUBIC, and DualPI2 where it must not see one. */
#include "proto/l4s/sim/sim.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct one {
	const char *aqm;
	const char *prague;
	uint64_t rate;
	uint64_t jitter;
	uint64_t seconds, warmup;
};

/* Rate of Prague over that of CUBIC, base RTT 20 ms; *score: of the watch, at the end. */
static double run(const struct one *o, uint64_t seed, int32_t *score)
{
	const struct scenario_group g[] = {
		{.cc = "cubic", .count = 1, .rtt = 20000000},
		{.cc = o->prague, .count = 1, .rtt = 20000000},
	};
	struct scenario s;
	struct sim_result r;
	struct err err = {0};
	struct alloc a;
	double ratio;

	alloc_init(&a, SIZE_MAX);
	if (scenario_dumbbell(&s, o->rate, o->aqm, g, 2, o->seconds * 1000000000,
			      o->warmup * 1000000000, seed, &err))
		fail_msg("%s", err.what);
	s.cfg.link[0].jitter = o->jitter;
	if (sim_run(&s.cfg, NULL, &a, &r, &err))
		fail_msg("%s", err.what);
	ratio = sim_rate(&s.cfg, &r, 1) / sim_rate(&s.cfg, &r, 0);
	*score = r.flow[1].view.classic;
	sim_result_free(&r, &a);
	scenario_free(&s);
	return ratio;
}

/* Geometric mean over seeds. */
static double mean(const struct one *o, uint64_t seeds)
{
	double sum = 0;
	uint64_t i;
	int32_t score;

	for (i = 1; i <= seeds; i++)
		sum += log(run(o, i, &score));
	return exp(sum / (double)seeds);
}

static void check_classic(const char *aqm)
{
	struct one o = {
		.aqm = aqm, .prague = "prague", .rate = 50000000, .seconds = 10, .warmup = 5};
	double early = mean(&o, 5);
	double late;
	double without;

	o.seconds = 30;
	o.warmup = 10;
	late = mean(&o, 3);
	o.prague = "prague no-classic-detection";
	without = mean(&o, 1);
	print_message("# %s: %.2f from 5 to 10 s, %.2f from 10 to 30 s; without the watch %.1f\n",
		      aqm, early, late, without);
	assert_true(early < 3 && early > 1 / 3.0);
	assert_true(late < 1.5 && late > 1 / 1.5);
	assert_true(without > 8);
}

static void pie(void **state)
{
	check_classic("pie ecn");
}

static void codel(void **state)
{
	check_classic("codel ecn");
}

/* Seen at many moments of many runs: at most 5 % of them believe the queue to be Classic. */
static void check_dualpi2(const char *aqm, uint64_t rate, uint64_t jitter)
{
	struct one o = {.aqm = aqm, .prague = "prague", .rate = rate, .jitter = jitter};
	uint32_t wrong = 0;
	uint32_t n = 0;
	int32_t score;

	for (o.seconds = 2; o.seconds <= 21; o.seconds++) {
		run(&o, o.seconds, &score);
		wrong += score > 0;
		n++;
	}
	print_message("# %s, %lu Mb/s, jitter %lu ms: Classic at %u of %u moments\n", aqm,
		      rate / 1000000, jitter / 1000000, wrong, n);
	assert_true(wrong * 20 <= n);
}

static void dualpi2(void **state)
{
	check_dualpi2("dualpi2", 50000000, 2000000);
	check_dualpi2("dualpi2 rfc", 50000000, 2000000);
	check_dualpi2("dualpi2", 5000000, 0);
	check_dualpi2("dualpi2 rfc", 5000000, 0);
	check_dualpi2("dualpi2", 5000000, 2000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pie),
		cmocka_unit_test(codel),
		cmocka_unit_test(dualpi2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
