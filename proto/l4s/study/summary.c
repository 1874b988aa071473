/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/study/study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DRAWS 2000
#define SEED 20260101 /* of the bootstrap */

static double max_seeds(const struct study *s)
{
	uint32_t most = 1;

	for (size_t i = 0; i < s->grid.n; i++)
		if (s->grid.entry[i].seeds > most)
			most = s->grid.entry[i].seeds;
	return most;
}

static void add_run(struct summary *m, const struct grid_result *r)
{
	for (unsigned q = 0; q < 2; q++) {
		const struct grid_queue_result *k = &r->queue[q];

		m->mean[q] += k->mean / 1e6;
		for (unsigned i = 0; i < GRID_QUANTILES; i++)
			m->delay[q][i] += k->delay[i] / 1e6;
		m->marks[q] += k->forwarded ? (double)k->marked / (double)k->forwarded : 0;
		m->drops_ect += (double)k->dropped_ect;
		m->drops_not_ect += (double)k->dropped_not_ect;
	}
	for (unsigned i = 0; i < r->n_groups; i++)
		m->rate[i] += r->group[i].rate / 1e6;
	m->load_rate += r->load_rate / 1e6;
}

static void divide(struct summary *m)
{
	for (unsigned q = 0; q < 2; q++) {
		m->mean[q] /= m->n;
		m->marks[q] /= m->n;
		for (unsigned i = 0; i < GRID_QUANTILES; i++)
			m->delay[q][i] /= m->n;
	}
	for (unsigned i = 0; i < GRID_GROUPS; i++)
		m->rate[i] /= m->n;
	m->load_rate /= m->n;
}

/* Of the flows' own view, by kind: the multiplier of C, the verdict of P. */
static void add_views(struct summary *m, const struct grid_entry *e, const struct grid_result *r)
{
	for (unsigned i = 0; i < r->n_groups; i++) {
		if (strncmp(e->cell.group[i].cc, PRAGUE, 6) == 0)
			m->classic += r->group[i].classic / e->seeds;
		else
			m->beta += r->group[i].beta / e->seeds;
	}
}

enum { X_RATIO, X_UTIL, X_P50C, X_P50L, X_P99C, X_P99L, XS };

bool study_summary(const struct study *s, const struct grid_cell *c, struct summary *m)
{
	const struct grid_entry *e = grid_find(&s->grid, c);
	double *x[XS] = {0};
	bool good = e;

	*m = (struct summary){0};
	for (unsigned i = 0; good && i < XS; i++) {
		x[i] = malloc(e->seeds * sizeof(*x[i]));
		good = x[i];
	}
	for (uint32_t i = 0; good && i < e->seeds; i++) {
		const struct grid_result *r = &e->run[i];

		if (!r->done)
			continue;
		add_run(m, r);
		add_views(m, e, r);
		x[X_UTIL][m->n] = r->utilisation;
		for (unsigned q = 0; q < 2; q++) {
			x[X_P50C + q][m->n] = r->queue[q].delay[GRID_P50] / 1e6;
			x[X_P99C + q][m->n] = r->queue[q].delay[GRID_P99] / 1e6;
		}
		x[X_RATIO][m->n++] = grid_ratio(c, r);
	}
	good = good && m->n > 0;
	if (good) {
		divide(m);
		m->ratio = stats_ci_geomean(x[X_RATIO], m->n);
		m->util = stats_ci_mean(x[X_UTIL], m->n);
		for (unsigned q = 0; q < 2; q++) {
			m->p50[q] = stats_ci_mean(x[X_P50C + q], m->n);
			m->p99[q] = stats_ci_mean(x[X_P99C + q], m->n);
		}
	}
	for (unsigned i = 0; i < XS; i++)
		free(x[i]);
	return good;
}

double study_abs_ln(const struct study *s, const struct grid_cell *c)
{
	const struct grid_entry *e = grid_find(&s->grid, c);
	double *x = e ? malloc(e->seeds * sizeof(*x)) : NULL;
	size_t n = x ? grid_ln_ratios(e, x) : 0;
	double v = n ? fabs(stats_mean(x, n)) : NAN;

	free(x);
	return v;
}

/* ln P/C of cells x seeds, of one or two sets of cells. */
struct table {
	size_t cells;
	size_t seeds; /* columns that are full in every cell */
	double *ln[2];
	bool by_run;
};

static bool fill(struct table *t, unsigned set, const struct study *s, const struct grid_cell *c,
		 size_t n)
{
	double *x = malloc((size_t)max_seeds(s) * sizeof(*x));
	bool good = x;

	t->ln[set] = calloc(n * t->seeds + 1, sizeof(double));
	good = good && t->ln[set];
	for (size_t i = 0; good && i < n; i++) {
		const struct grid_entry *e = grid_find(&s->grid, &c[i]);

		good = e && grid_ln_ratios(e, x) >= t->seeds;
		if (good)
			memcpy(t->ln[set] + i * t->seeds, x, t->seeds * sizeof(*x));
	}
	free(x);
	return good;
}

static size_t full_seeds(const struct study *s, const struct grid_cell *c, size_t n, size_t least)
{
	double *x = malloc((size_t)max_seeds(s) * sizeof(*x));

	for (size_t i = 0; i < n; i++) {
		const struct grid_entry *e = grid_find(&s->grid, &c[i]);
		size_t have = e && x ? grid_ln_ratios(e, x) : 0;

		if (have < least)
			least = have;
	}
	free(x);
	return least;
}

/* Mean |ln| of a set: pick NULL: as it is; else one pick of seeds a cell. */
static double mean_abs(const struct table *t, unsigned set, const size_t *pick)
{
	double sum = 0;

	for (size_t i = 0; i < t->cells; i++) {
		const double *row = t->ln[set] + i * t->seeds;
		double cell = 0;

		for (size_t k = 0; k < t->seeds; k++) {
			double v = row[pick ? pick[i * t->seeds + k] : k];

			cell += t->by_run ? fabs(v) : v;
		}
		sum += fabs(cell) / (double)t->seeds;
	}
	return sum / (double)t->cells;
}

static double statistic(const struct table *t, const size_t *pick)
{
	double a = mean_abs(t, 0, pick);

	return t->ln[1] ? 1 - mean_abs(t, 1, pick) / a : exp(a);
}

static double draw(void *ctx, struct rng *r)
{
	struct table *t = ctx;
	size_t n = t->cells * t->seeds;
	size_t *pick = malloc((n ? n : 1) * sizeof(*pick));
	double v;

	if (!pick)
		return NAN;
	for (size_t i = 0; i < n; i++)
		pick[i] = (size_t)rng_below(r, t->seeds);
	v = statistic(t, pick);
	free(pick);
	return v;
}

static struct stats_ci with_interval(struct table *t, bool by_run)
{
	t->by_run = by_run;
	return stats_bootstrap(statistic(t, NULL), draw, t, DRAWS, SEED);
}

static const struct stats_ci nothing = {NAN, NAN, NAN};

struct imbalance study_imbalance(const struct study *s, const struct grid_cell *c, size_t n)
{
	struct table t = {.cells = n};
	struct imbalance b = {nothing, nothing, n};

	t.seeds = full_seeds(s, c, n, SIZE_MAX);
	if (n && t.seeds && fill(&t, 0, s, c, n)) {
		b.cells = with_interval(&t, false);
		b.runs = with_interval(&t, true);
	}
	free(t.ln[0]);
	return b;
}

struct reduction study_reduction(const struct study *s, const struct grid_cell *a,
				 const struct grid_cell *b, size_t n)
{
	struct table t = {.cells = n};
	struct reduction d = {nothing, nothing};

	t.seeds = full_seeds(s, b, n, full_seeds(s, a, n, SIZE_MAX));
	if (n && t.seeds && fill(&t, 0, s, a, n) && fill(&t, 1, s, b, n)) {
		d.cells = with_interval(&t, false);
		d.runs = with_interval(&t, true);
	}
	free(t.ln[0]);
	free(t.ln[1]);
	return d;
}

double study_theory(double beta, double rtt_ms)
{
	double kappa = sqrt(0.5294 * (1 + beta) / (2 * (1 - beta)));

	return (1 + beta) / 2 * (rtt_ms + 15) / (kappa * fmax(rtt_ms, 25));
}
