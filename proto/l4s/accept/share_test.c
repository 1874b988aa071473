/* SPDX-License-Identifier: BSD-2-Clause */
/* Who gets what beside whom: the ratios that others saw (spec §7.5), low rates (§7.10), and that
 * the scheduler does not make them (§8). */
#include "proto/l4s/accept/accept.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The geometric mean of some seeds: a single run is off by some 10 %. */
static double ratio(const char *rate, double rtt_ms, const char *aqm, unsigned prague,
		    unsigned cubic)
{
	unsigned seeds = SANITIZED ? 1 : 3;
	double sum = 0;
	unsigned i;

	for (i = 0; i < seeds; i++) {
		struct run run = run_json(
			"{'time':'80s','warmup':'20s','seed':%u,'links':[{'rate':'%s','aqm':'%s'}],"
			"'flows':[{'cc':'prague','count':%u,'rtt':'%gms'},{'cc':'cubic','count':%u,"
			"'rtt':'%gms'}]}",
			i + 1, rate, aqm, prague, rtt_ms, cubic, rtt_ms);

		sum += log(run_ratio(&run));
		run_free(&run);
	}
	return exp(sum / seeds);
}

/* Three of the cells that the study's plan "published" has with intervals over ten seeds. */
static void ratios_are_those_of_kernels(void **state)
{
	(void)state;
	within(ratio("100M", 5, "dualpi2 linux", 1, 1), 1, 1.8, "100 Mb/s, 5 ms: P/C");
	within(ratio("50M", 20, "dualpi2 linux", 1, 1), 1.89, 3.14, "50 Mb/s, 20 ms: P/C");
	within(ratio("10M", 25, "dualpi2 linux", 1, 1), 0.2, 0.5, "10 Mb/s, 25 ms: P/C");
}

static void threshold_by_the_rate_helps_low_rates(void **state)
{
	static const char *const rate[] = {"5M", "10M"};
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		double plain = ratio(rate[i], 25, "dualpi2 linux", 1, 1);
		double aware = ratio(rate[i], 25, "dualpi2 linux rate_aware", 1, 1);

		within(plain, 0, 0.45, "%s, 25 ms, step at 1 ms: P/C", rate[i]);
		within(aware, 0.7, 2.5, "%s, 25 ms, threshold by the rate: P/C", rate[i]);
	}
}

/* Weights say how the two queues alternate while both wait, not who sends how much: that the
 * coupling does, as long as the share that a weight assures (wc of 100) is less than what the
 * coupling gives to the Classic flows. A weight of 50 does make the ratio, which shows that this
 * test could see it. */
static void ratio_is_not_of_the_scheduler(void **state)
{
	static const unsigned weight[] = {1, 5, 10, 20};
	double base = 0;
	double most = 0;
	unsigned i;

	(void)state;
	for (i = 0; i < COUNT(weight); i++) {
		char aqm[64];
		double r;

		if (SANITIZED && (i == 1 || i == 2))
			continue;
		snprintf(aqm, sizeof(aqm), "dualpi2 linux classic_protection %u", weight[i]);
		r = ratio("100M", 20, aqm, 1, 1);
		say("1 + 1, weight %u: P/C %.3f", weight[i], r);
		if (!i)
			base = r;
		most = fmax(most, fabs(log(r / base)));
	}
	within(exp(most), 1, 1.25, "P/C by weights of 1 to 20, the most apart");
	within(base / ratio("100M", 20, "dualpi2 linux classic_protection 50", 1, 1), 1.6, 9,
	       "the same to a weight of 50");
}

static void one_against_many_gets_its_share(void **state)
{
	double few;
	double even;

	(void)state;
	few = ratio("100M", 20, "dualpi2 linux classic_protection 1", 1, 10);
	even = ratio("100M", 20, "dualpi2 linux classic_protection 50", 1, 10);
	within(few, 0.5, 2.5, "one Prague against ten CUBIC: P/C");
	within(even / few, 0.85, 1.15, "the same by a weight of 50");
	within(ratio("100M", 20, "dualpi2 linux", 10, 1), 0.5, 2, "ten Prague against one: P/C");
	/* nor by a scheduler that assures it nothing to speak of */
	within(ratio("100M", 20, "dualpi2 linux classic_protection 1", 10, 1), 0.5, 2.5,
	       "the same where Classic is assured 1 %%");
}

/* Spec §7.16: rates of two kinds of Prague in the L queue, first to second. */
static double beside(const char *rate, double rtt_ms, const char *first, const char *second,
		     double *p99)
{
	unsigned seeds = SANITIZED ? 1 : 3;
	double sum = 0;
	unsigned i;

	*p99 = 0;
	for (i = 0; i < seeds; i++) {
		struct run run = run_json(
			"{'time':'80s','warmup':'20s','seed':%u,'links':[{'rate':'%s','aqm':"
			"'dualpi2'}],'flows':[{'cc':'%s','rtt':'%gms'},{'cc':'%s','rtt':'%gms'}]}",
			i + 1, rate, first, rtt_ms, second, rtt_ms);

		sum += log(run_mbit(&run, 0) / run_mbit(&run, 1));
		*p99 = fmax(*p99, run_delay(&run, QUEUE_L, 990000));
		run_free(&run);
	}
	return exp(sum / seeds);
}

/* The reference as it is, without what ours adds. Two flows grow by two packets between the step
 * and its answer: at 20 Mb/s 1.2 ms. */
static void beside_the_reference(void **state)
{
	static const char *const rate[] = {"20M", "40M", "100M"};
	static const double rtt[] = {5, 20, 40};
	unsigned i;
	unsigned k;
	double p99;

	(void)state;
	for (i = 0; i < (SANITIZED ? 1 : 3); i++) {
		for (k = 0; k < 3; k++) {
			double r = beside(rate[i], rtt[k], "prague",
					  "prague no-calm-growth no-classic-detection", &p99);

			within(r, 0.8, 1.25, "%s, %g ms: ours to the reference", rate[i], rtt[k]);
			within(p99, 0, i ? 2 : 3, "its p99");
		}
	}
}

/* A sender that answers by time and not on entering CWR. Below 25 ms the reference's answer waits
 * for the end of the round in which these are over: at 5 ms 30 of them or more, which gives it
 * more, whoever is beside it. */
static void beside_one_that_answers_by_time(void **state)
{
	static const char *const rate[] = {"40M", "100M"};
	static const double rtt[] = {5, 20, 40};
	unsigned i;
	unsigned k;
	double p99;

	(void)state;
	for (i = 0; i < (SANITIZED ? 1 : 2); i++) {
		for (k = 0; k < 3; k++) {
			within(beside(rate[i], rtt[k], "prague", "prague form rfc", &p99), 0.8,
			       k ? 1.25 : 1.5, "%s, %g ms: form linux to form rfc", rate[i],
			       rtt[k]);
			within(p99, 0, 2, "its p99");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ratios_are_those_of_kernels),
		cmocka_unit_test(threshold_by_the_rate_helps_low_rates),
		cmocka_unit_test(ratio_is_not_of_the_scheduler),
		cmocka_unit_test(one_against_many_gets_its_share),
		cmocka_unit_test(beside_the_reference),
		cmocka_unit_test(beside_one_that_answers_by_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
