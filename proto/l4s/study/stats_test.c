/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/study/stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void near(double a, double b, double tolerance)
{
	if (!(fabs(a - b) <= tolerance))
		fail_msg("%.12g is not within %g of %.12g", a, tolerance, b);
}

static void means(void **state)
{
	static const double x[] = {2, 4, 4, 4, 5, 5, 7, 9};
	static const double r[] = {2, 0.5};
	static const double q[] = {4, 1};
	static const double bad[] = {1, 0};

	near(stats_mean(x, 8), 5, 0);
	near(stats_stddev(x, 8), 2.138089935299395, 1e-12);
	near(stats_geomean(r, 2), 1, 1e-15);
	near(stats_geomean(q, 2), 2, 1e-15);
	near(exp(stats_mean_abs_ln(r, 2)), 2, 1e-15);
	near(exp(stats_mean_abs_ln(q, 2)), 2, 1e-15);
	assert_true(isnan(stats_geomean(bad, 2)));
	assert_true(isnan(stats_mean_abs_ln(bad, 2)));
	near(stats_mean(NULL, 0), 0, 0);
	near(stats_stddev(x, 1), 0, 0);
}

static void jain(void **state)
{
	static const double equal[] = {3, 3, 3, 3};
	static const double one[] = {7, 0, 0, 0};
	static const double some[] = {1, 2, 3};

	near(stats_jain(equal, 4), 1, 1e-15);
	near(stats_jain(one, 4), 0.25, 1e-15);
	near(stats_jain(some, 3), 36.0 / 42, 1e-15);
	near(stats_jain(one + 1, 3), 1, 0);
}

/* R: quantile(c(1, 3, 4, 8, 20), c(0, .1, .5, .95, 1)) */
static void quantiles(void **state)
{
	double x[] = {20, 1, 8, 3, 4};

	stats_sort(x, 5);
	near(stats_quantile(x, 5, 0), 1, 0);
	near(stats_quantile(x, 5, 0.1), 1.8, 1e-12);
	near(stats_quantile(x, 5, 0.5), 4, 1e-12);
	near(stats_quantile(x, 5, 0.95), 17.6, 1e-12);
	near(stats_quantile(x, 5, 1), 20, 0);
	near(stats_quantile(x, 1, 0.7), 1, 0);
}

/* The table of t at 97.5 %, as in any book. */
static void student(void **state)
{
	static const struct {
		unsigned df;
		double t;
	} row[] = {{1, 12.7062047}, {2, 4.3026527},   {3, 3.1824463},	{4, 2.7764451},
		   {9, 2.2621572},  {19, 2.0930241},  {20, 2.0859634},	{29, 2.0452296},
		   {99, 1.9842170}, {120, 1.9799304}, {1000, 1.9623391}};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		near(stats_t_quantile(0.975, row[i].df), row[i].t, 1e-6);
		near(stats_t_quantile(0.025, row[i].df), -row[i].t, 1e-6);
		near(stats_t_cdf(row[i].t, row[i].df), 0.975, 1e-8);
	}
	near(stats_t_cdf(0, 7), 0.5, 1e-15);
	near(stats_t_quantile(0.95, 4), 2.1318468, 1e-6);
}

/* mean 5, s 2.1380899, t(7) 2.3646243: +- 1.7874882 */
static void intervals(void **state)
{
	static const double x[] = {2, 4, 4, 4, 5, 5, 7, 9};
	static const double ratio[] = {1, M_E, M_E, M_E * M_E};
	struct stats_ci ci = stats_ci_mean(x, 8);
	double half = 3.1824463 * sqrt(2.0 / 3) / 2;

	near(ci.value, 5, 0);
	near(ci.lo, 5 - 1.7874882, 1e-6);
	near(ci.hi, 5 + 1.7874882, 1e-6);
	ci = stats_ci_geomean(ratio, 4);
	near(ci.value, M_E, 1e-12);
	near(log(ci.lo), 1 - half, 1e-6);
	near(log(ci.hi), 1 + half, 1e-6);
	ci = stats_ci_mean(x, 1);
	assert_true(isinf(ci.lo) && isinf(ci.hi));
}

/* The interval must hold the true mean about as often as it says: 95 % for Student, a little less
 * for the percentile bootstrap at n = 20. Both have fixed seeds. */
static void coverage(void **state)
{
	struct rng r;
	unsigned student = 0;
	unsigned boot = 0;
	double x[20];

	rng_seed(&r, 7);
	for (unsigned run = 0; run < 1000; run++) {
		struct stats_ci ci;

		for (unsigned i = 0; i < 20; i++) {
			x[i] = 0;
			for (unsigned k = 0; k < 12; k++)
				x[i] += rng_unit(&r) - 0.5;
		}
		ci = stats_ci_mean(x, 20);
		student += ci.lo <= 0 && 0 <= ci.hi;
		ci = stats_bootstrap_mean(x, 20, 300, run);
		boot += ci.lo <= 0 && 0 <= ci.hi;
	}
	assert_in_range(student, 930, 970);
	assert_in_range(boot, 900, 965);
}

static void bootstrap(void **state)
{
	static const double x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	static const double same[] = {3, 3, 3};
	struct stats_ci a = stats_bootstrap_mean(x, 10, 2000, 1);
	struct stats_ci b = stats_bootstrap_mean(x, 10, 2000, 1);
	struct stats_ci c = stats_bootstrap_mean(x, 10, 2000, 2);

	assert_memory_equal(&a, &b, sizeof(a));
	assert_true(a.lo != c.lo || a.hi != c.hi);
	near(a.value, 5.5, 0);
	/* its standard error is sqrt(8.25 / 10) = 0.908 */
	near(a.lo, 5.5 - 1.96 * 0.908, 0.2);
	near(a.hi, 5.5 + 1.96 * 0.908, 0.2);
	a = stats_bootstrap_mean(same, 3, 100, 1);
	near(a.lo, 3, 0);
	near(a.hi, 3, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(means),     cmocka_unit_test(jain),
		cmocka_unit_test(quantiles), cmocka_unit_test(student),
		cmocka_unit_test(intervals), cmocka_unit_test(coverage),
		cmocka_unit_test(bootstrap),
	};

	return cmocka_run_group_tests_name("l4s-stats", tests, NULL, NULL);
}
