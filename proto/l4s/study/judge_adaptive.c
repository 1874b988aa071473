/* SPDX-License-Identifier: BSD-2-Clause */
/* Adaptive ABE beside fixed 0.7 and 0.85 (spec §7.7), and overload (§7.11). */
#include "proto/l4s/study/study.h"

#include "proto/l4s/ecn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The whole grid in the order of the plan: mix, rate, RTT. */
static size_t all_cells(const struct study *s, const struct plan *p, const char *cubic,
			struct grid_cell **to)
{
	size_t n = 0;

	*to = malloc(MIXES * 64 * sizeof(**to));
	for (unsigned m = 0; *to && m < MIXES; m++)
		for (const double *r = wide_rate + 1; *r > 0; r++)
			for (const double *t = wide_rtt; *t > 0; t++)
				(*to)[n++] = study_cell(s, p, *r, *t, STUDY_AQM, cubic, PRAGUE,
							study_mix[m]);
	return n;
}

struct tally {
	size_t cells;
	size_t regret; /* farther from 1 than with 0.7 by more than 0.05 */
	double worst;  /* the largest regret */
	char worst_at[GRID_TEXT];
	size_t above;	      /* 0.7 gives more than 1.25 */
	size_t within;	      /* of these: brought into [0.8, 1.25] */
	size_t late[2];	      /* queue delay beyond the guard rail */
	double late_worst[2]; /* p99 / p99 with 0.7 */
	size_t lossy;	      /* ECT lost where 0.7 lost none */
	double ln_late[2];    /* sums of ln(p99 / p99 with 0.7) */
};

static const double rail[2] = {1.15, 1.10}; /* C, L */

/* Beyond the rail by more than what the seeds leave open. */
static bool beyond(const struct summary *a, const struct summary *base, unsigned q)
{
	double lo = a->n > 1 ? a->p99[q].lo : a->p99[q].value;

	return a->p99[q].value > base->p99[q].value * rail[q] && lo > base->p99[q].value * rail[q];
}

static void tally_cell(struct tally *t, const struct study *s, const struct grid_cell *c,
		       const struct grid_cell *c70)
{
	struct summary a;
	struct summary base;
	double regret;

	if (!study_summary(s, c, &a) || !study_summary(s, c70, &base))
		return;
	t->cells++;
	regret = fabs(log(a.ratio.value)) - fabs(log(base.ratio.value));
	t->regret += regret > 0.05;
	if (regret > t->worst) {
		t->worst = regret;
		grid_cell_text(c, t->worst_at, sizeof(t->worst_at));
	}
	if (base.ratio.value > 1.25) {
		t->above++;
		t->within += a.ratio.value >= 0.8 && a.ratio.value <= 1.25;
	}
	for (unsigned q = 0; q < 2; q++) {
		double more = a.p99[q].value / base.p99[q].value;

		t->late[q] += beyond(&a, &base, q);
		t->ln_late[q] += log(more);
		if (more > t->late_worst[q])
			t->late_worst[q] = more;
	}
	t->lossy += base.drops_ect == 0 && a.drops_ect > 0;
}

/* Imbalance over the cells where 0.7 gives more than 1. */
static struct imbalance above_one(const struct study *s, const struct grid_cell *c,
				  const struct grid_cell *c70, size_t n)
{
	struct imbalance b = {{NAN, NAN, NAN}, {NAN, NAN, NAN}, 0};
	struct grid_cell *pick = malloc((n ? n : 1) * sizeof(*pick));
	size_t k = 0;

	for (size_t i = 0; pick && i < n; i++) {
		struct summary base;

		if (study_summary(s, &c70[i], &base) && base.ratio.value > 1)
			pick[k++] = c[i];
	}
	if (pick)
		b = study_imbalance(s, pick, k);
	free(pick);
	return b;
}

static void say(struct study *s, const struct plan *p, const struct tally *t, const char *who,
		bool judge)
{
	double n = t->cells ? (double)t->cells : 1;
	double kept = 100 * (1 - (double)t->regret / n);
	double within = t->above ? 100 * (double)t->within / (double)t->above : 100;

	if (!judge) {
		study_say(s, p,
			  "%s: no regret in %.1f %% of the cells; of %zu cells above 1.25, %.1f %% "
			  "come into [0.8, 1.25]",
			  who, kept, t->above, within);
		return;
	}
	study_judge(s, p, kept >= 98,
		    "%s: no regret against 0.70 in %.1f %% of %zu cells, at least 98 (worst "
		    "%+.3f at %.90s)",
		    who, kept, t->cells, t->worst, t->worst_at);
	study_judge(s, p, within >= 90,
		    "%s: of %zu cells where 0.70 gives P/C > 1.25, %.1f %% lie within [0.8, 1.25], "
		    "at least 90",
		    who, t->above, within);
	for (unsigned q = 0; q < 2; q++)
		study_judge(s, p, t->late[q] == 0,
			    "%s: %c queue p99 against 0.70: mean %+.1f %%, worst cell %+.1f %%; "
			    "beyond +%.0f %% in %zu cells, none allowed",
			    who, q ? 'L' : 'C', 100 * (exp(t->ln_late[q] / n) - 1),
			    100 * (t->late_worst[q] - 1), 100 * (rail[q] - 1), t->late[q]);
	study_judge(s, p, t->lossy == 0,
		    "%s: ECT packets lost where 0.70 loses none: %zu cells, none allowed", who,
		    t->lossy);
}

void judge_adaptive(struct study *s, const struct plan *p)
{
	static const char *const cc[] = {CUBIC_70, CUBIC_85, CUBIC_ADAPTIVE};
	static const char *const who[] = {"beta 0.70", "beta 0.85", "adaptive"};
	struct grid_cell *c[3];
	size_t n = 0;

	for (unsigned k = 0; k < 3; k++)
		n = all_cells(s, p, cc[k], &c[k]);
	for (unsigned k = 0; c[0] && c[k] && k < 3; k++) {
		struct tally t = {0};
		struct imbalance over = above_one(s, c[k], c[0], n);
		struct imbalance all = study_imbalance(s, c[k], n);

		study_say(s, p, "%s: imbalance factor over all %zu cells %.3f [%.3f, %.3f]", who[k],
			  n, all.cells.value, all.cells.lo, all.cells.hi);
		if (k < 2)
			study_say(s, p, "%s: over the %zu cells where 0.70 gives P/C > 1: %.3f",
				  who[k], over.n, over.cells.value);
		else
			study_judge(s, p, over.cells.value <= 1.15,
				    "%s: over the %zu cells where 0.70 gives P/C > 1: %.3f [%.3f, "
				    "%.3f], at most 1.15",
				    who[k], over.n, over.cells.value, over.cells.lo, over.cells.hi);
		for (size_t i = 0; k && i < n; i++)
			tally_cell(&t, s, &c[k][i], &c[0][i]);
		if (k)
			say(s, p, &t, who[k], k == 2);
	}
	for (unsigned k = 0; k < 3; k++)
		free(c[k]);
}

/* ---- overload */

static struct grid_cell load_cell(const struct study *s, const struct plan *p, const char *aqm,
				  double percent, uint8_t ecn)
{
	struct grid_cell c = study_cell(s, p, 100, 20, aqm, CUBIC_70, PRAGUE, study_mix[2]);

	c.load = (uint64_t)(percent * 1e6);
	c.load_ecn = ecn;
	return c;
}

/* What UDP gets beyond what it would without ECN: the most, of the link and of its own. */
static void bonus(struct study *s, const struct plan *p, const char *aqm, double percent,
		  double worst[2])
{
	struct summary m[3];
	static const uint8_t ecn[] = {ECN_NOT_ECT, ECN_ECT0, ECN_ECT1};

	for (unsigned i = 0; i < 3; i++) {
		struct grid_cell c = load_cell(s, p, aqm, percent, ecn[i]);

		study_summary(s, &c, &m[i]);
	}
	for (unsigned i = 1; i < 3; i++) {
		worst[0] = fmax(worst[0], (m[i].load_rate - m[0].load_rate) / 100);
		worst[1] = fmax(worst[1], m[i].load_rate / m[0].load_rate - 1);
	}
	study_say(s, p,
		  "%s, UDP %g %% as Not-ECT, ECT(0), ECT(1): gets %.1f, %.1f, %.1f Mb/s; P/C %.2f, "
		  "%.2f, %.2f; mean delay %.1f/%.1f, %.1f/%.1f, %.1f/%.1f ms (C/L)",
		  aqm, percent, m[0].load_rate, m[1].load_rate, m[2].load_rate, m[0].ratio.value,
		  m[1].ratio.value, m[2].ratio.value, m[0].mean[0], m[0].mean[1], m[1].mean[0],
		  m[1].mean[1], m[2].mean[0], m[2].mean[1]);
}

/* Beyond saturation, or with the L queue full of what does not respond, p' is so high that neither
 * kind has a window left to share: there the rates of the two are told, not judged. */
static bool shares(double percent, uint8_t ecn)
{
	return percent < 100 && ecn != ECN_ECT1;
}

static void overload(struct study *s, const struct plan *p, const char *aqm)
{
	static const uint8_t ecn[] = {ECN_NOT_ECT, ECN_ECT0, ECN_ECT1};
	double most_delay = 0;
	double most_apart = 1;
	double most_bonus[2] = {0, 0};

	for (const double *l = overload_percent; *l > 0; l++) {
		for (unsigned e = 0; e < 3; e++) {
			struct grid_cell c = load_cell(s, p, aqm, *l, ecn[e]);
			struct summary m;

			study_summary(s, &c, &m);
			most_delay = fmax(most_delay, fmax(m.mean[0], m.mean[1]));
			if (shares(*l, ecn[e]))
				most_apart = fmax(most_apart, exp(fabs(log(m.ratio.value))));
		}
		bonus(s, p, aqm, *l, most_bonus);
	}
	study_judge(s, p, most_delay <= 18,
		    "%s: highest mean delay %.1f ms, at most 18 (15 + 20 %%)", aqm, most_delay);
	study_judge(s, p, most_bonus[0] <= 0.05,
		    "%s: what UDP gains by claiming ECT: %.1f %% of the link, at most 5 (%.1f %% "
		    "of its rate)",
		    aqm, 100 * most_bonus[0], 100 * most_bonus[1]);
	study_judge(s, p, most_apart <= 2,
		    "%s: beside UDP of less than the link in the C queue, rates of Prague and "
		    "CUBIC are apart by %.2f, at most 2",
		    aqm, most_apart);
}

void judge_overload(struct study *s, const struct plan *p)
{
	double captured = 0;

	overload(s, p, "dualpi2 linux");
	overload(s, p, "dualpi2 rfc");
	for (const double *l = overload_percent; *l > 0; l++) {
		struct grid_cell c = load_cell(s, p, OVERLOAD_CODEL, *l, ECN_ECT0);
		struct summary m;
		double rest;

		if (*l != 125 || !study_summary(s, &c, &m))
			continue;
		rest = m.rate[0] * 5 + m.rate[1] * 5;
		captured = m.load_rate / (m.load_rate + rest);
	}
	study_judge(s, p, captured > 0.99,
		    "codel, to show that the bench would see it: UDP of 125 %% as ECT(0) takes "
		    "%.2f %%, more than 99",
		    100 * captured);
}
