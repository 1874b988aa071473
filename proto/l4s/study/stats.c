/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/study/stats.h"

#include <math.h>
#include <stdlib.h>

double stats_mean(const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return n ? sum / (double)n : 0;
}

double stats_stddev(const double *x, size_t n)
{
	double mean = stats_mean(x, n);
	double sum = 0;

	if (n < 2)
		return 0;
	for (size_t i = 0; i < n; i++)
		sum += (x[i] - mean) * (x[i] - mean);
	return sqrt(sum / (double)(n - 1));
}

double stats_geomean(const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		if (!(x[i] > 0))
			return NAN;
		sum += log(x[i]);
	}
	return n ? exp(sum / (double)n) : 0;
}

double stats_mean_abs_ln(const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		if (!(x[i] > 0))
			return NAN;
		sum += fabs(log(x[i]));
	}
	return n ? sum / (double)n : 0;
}

double stats_jain(const double *x, size_t n)
{
	double sum = 0;
	double squares = 0;

	for (size_t i = 0; i < n; i++) {
		sum += x[i];
		squares += x[i] * x[i];
	}
	return squares > 0 ? sum * sum / ((double)n * squares) : 1;
}

double stats_quantile(const double *sorted, size_t n, double q)
{
	double at;
	size_t i;

	if (!n)
		return 0;
	at = q * (double)(n - 1);
	if (!(at > 0))
		return sorted[0];
	i = (size_t)at;
	if (i + 1 >= n)
		return sorted[n - 1];
	return sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

void stats_sort(double *x, size_t n)
{
	qsort(x, n, sizeof(*x), compare);
}

/* For whole degrees of freedom P(|T| <= t) is a finite sum in theta = atan(t / sqrt(df)). */
double stats_t_cdf(double t, unsigned df)
{
	double theta = atan(fabs(t) / sqrt((double)df));
	double c = cos(theta);
	double term = df % 2 ? c : 1;
	double sum = 0;
	double both;

	for (unsigned k = df % 2 ? 1 : 0; k + 2 <= df; k += 2) {
		sum += term;
		term *= c * c * (double)(k + 1) / (double)(k + 2);
	}
	both = df % 2 ? (theta + sin(theta) * sum) * 2 / M_PI : sin(theta) * sum;
	return t < 0 ? (1 - both) / 2 : (1 + both) / 2;
}

double stats_t_quantile(double p, unsigned df)
{
	double lo = -1;
	double hi = 1;

	while (stats_t_cdf(lo, df) > p && lo > -1e12)
		lo *= 2;
	while (stats_t_cdf(hi, df) < p && hi < 1e12)
		hi *= 2;
	for (int i = 0; i < 200 && hi - lo > 1e-12 * (1 + fabs(lo)); i++) {
		double mid = (lo + hi) / 2;

		if (stats_t_cdf(mid, df) < p)
			lo = mid;
		else
			hi = mid;
	}
	return (lo + hi) / 2;
}

struct stats_ci stats_ci_mean(const double *x, size_t n)
{
	struct stats_ci ci = {stats_mean(x, n), -INFINITY, INFINITY};
	double half;

	if (n < 2)
		return ci;
	half = stats_t_quantile(0.975, (unsigned)n - 1) * stats_stddev(x, n) / sqrt((double)n);
	ci.lo = ci.value - half;
	ci.hi = ci.value + half;
	return ci;
}

struct stats_ci stats_ci_geomean(const double *x, size_t n)
{
	struct stats_ci ci = {stats_geomean(x, n), 0, INFINITY};
	double *ln = n ? malloc(n * sizeof(*ln)) : NULL;

	if (!ln || isnan(ci.value)) {
		free(ln);
		return ci;
	}
	for (size_t i = 0; i < n; i++)
		ln[i] = log(x[i]);
	ci = stats_ci_mean(ln, n);
	free(ln);
	return (struct stats_ci){exp(ci.value), exp(ci.lo), exp(ci.hi)};
}

struct stats_ci stats_bootstrap(double value, double (*draw)(void *ctx, struct rng *r), void *ctx,
				unsigned draws, uint64_t seed)
{
	struct stats_ci ci = {value, -INFINITY, INFINITY};
	double *at = draws ? malloc(draws * sizeof(*at)) : NULL;
	struct rng r;

	if (!at)
		return ci;
	rng_seed(&r, seed);
	for (unsigned i = 0; i < draws; i++)
		at[i] = draw(ctx, &r);
	stats_sort(at, draws);
	ci.lo = stats_quantile(at, draws, 0.025);
	ci.hi = stats_quantile(at, draws, 0.975);
	free(at);
	return ci;
}

struct sample {
	const double *x;
	size_t n;
};

static double draw_mean(void *ctx, struct rng *r)
{
	const struct sample *s = ctx;
	double sum = 0;

	for (size_t i = 0; i < s->n; i++)
		sum += s->x[rng_below(r, s->n)];
	return sum / (double)s->n;
}

struct stats_ci stats_bootstrap_mean(const double *x, size_t n, unsigned draws, uint64_t seed)
{
	struct sample s = {x, n};

	if (n < 2)
		return (struct stats_ci){stats_mean(x, n), -INFINITY, INFINITY};
	return stats_bootstrap(stats_mean(x, n), draw_mean, &s, draws, seed);
}
