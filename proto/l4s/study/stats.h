/* SPDX-License-Identifier: BSD-2-Clause */
/* Statistics of repeated runs. Rates are compared by the logarithm of their ratio, so that 2:1 and
 * 1:2 are equally far from fair: ratios are averaged geometrically, and an interval of a ratio is
 * that of its logarithm. Floating point: this is no part of the core. */
#ifndef DEP_L4S_STATS_H
#define DEP_L4S_STATS_H

#include "base/rng.h"

#include <stddef.h>
#include <stdint.h>

struct stats_ci { /* a value and its 95 % confidence interval */
	double value;
	double lo;
	double hi;
};

/* 0 where n is 0. */
double stats_mean(const double *x, size_t n);
/* Of a sample (n - 1); 0 where n < 2. */
double stats_stddev(const double *x, size_t n);
/* exp(mean ln x): x > 0. NaN where one is not, 0 where n is 0. */
double stats_geomean(const double *x, size_t n);
/* Mean of |ln x|: how far ratios are from 1 whatever the side; exp of it is the imbalance factor
 * (spec §7.6). x as in stats_geomean. */
double stats_mean_abs_ln(const double *x, size_t n);
/* Jain's index of fairness: 1 all equal, 1/n one has it all; 1 where nothing is there. */
double stats_jain(const double *x, size_t n);
/* Quantile q (0..1), linear between order statistics (Hyndman and Fan type 7). x sorted ascending;
 * 0 where n is 0. */
double stats_quantile(const double *sorted, size_t n, double q);
void stats_sort(double *x, size_t n);

/* P(T <= t) and its inverse (0 < p < 1) for Student's t with df >= 1 degrees of freedom. */
double stats_t_cdf(double t, unsigned df);
double stats_t_quantile(double p, unsigned df);

/* The mean with Student's interval; where n < 2 the interval is infinite. */
struct stats_ci stats_ci_mean(const double *x, size_t n);
/* The geometric mean, its interval that of the mean of ln x. */
struct stats_ci stats_ci_geomean(const double *x, size_t n);

/* Percentile bootstrap of any statistic: draw computes it once over a resample that it takes with
 * r. value is the statistic of the sample itself. `draws` of 1000 and more are usual. On memory
 * that is out the interval is infinite. */
struct stats_ci stats_bootstrap(double value, double (*draw)(void *ctx, struct rng *r), void *ctx,
				unsigned draws, uint64_t seed);
/* Of the mean of x. */
struct stats_ci stats_bootstrap_mean(const double *x, size_t n, unsigned draws, uint64_t seed);

#endif
