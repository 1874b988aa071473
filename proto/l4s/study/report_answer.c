/* SPDX-License-Identifier: BSD-2-Clause */
/* The answer in words and numbers, and where it holds. */
#include "proto/l4s/study/report.h"

#include <math.h>
#include <string.h>

/* Cells of 1+1 that both 0.7 and `cubic` have been run in, within the axes of the claim or all. */
struct pairs {
	struct grid_cell a[64];
	struct grid_cell b[64];
	size_t n;
	double rate[2];
	double rtt[2];
};

static void pair(const struct study *s, double mbit, double rtt, const char *cubic, struct mix mix,
		 struct pairs *p)
{
	bool documents = strcmp(cubic, CLAIM_85) == 0;
	const char *prague = documents ? CLAIM_PRAGUE : PRAGUE;

	for (size_t i = 0; i < study_plans && p->n < 64; i++) {
		const struct plan *k = &study_plan[i];
		struct summary m;

		p->a[p->n] = study_cell(s, k, mbit, rtt, STUDY_AQM, documents ? CLAIM_70 : CUBIC_70,
					prague, mix);
		p->b[p->n] = study_cell(s, k, mbit, rtt, STUDY_AQM, cubic, prague, mix);
		if (!study_summary(s, &p->a[p->n], &m) || !study_summary(s, &p->b[p->n], &m))
			continue;
		p->rate[0] = p->n ? fmin(p->rate[0], mbit) : mbit;
		p->rate[1] = p->n ? fmax(p->rate[1], mbit) : mbit;
		p->rtt[0] = p->n ? fmin(p->rtt[0], rtt) : rtt;
		p->rtt[1] = p->n ? fmax(p->rtt[1], rtt) : rtt;
		p->n++;
		return;
	}
}

static void pairs(const struct study *s, const double *rate, const double *rtt, const char *cubic,
		  struct mix mix, struct pairs *p)
{
	*p = (struct pairs){0};
	for (const double *r = rate; *r > 0; r++)
		for (const double *t = rtt; *t > 0; t++)
			pair(s, *r, *t, cubic, mix, p);
}

/* Geometric mean of P/C, lowest, highest, how many within [0.8, 1.25], and queue delay. */
struct sight {
	double mean, lo, hi;
	size_t fair;
	double p99[2];
	double util;
};

static struct sight look(const struct study *s, const struct grid_cell *c, size_t n)
{
	struct sight k = {0, INFINITY, 0, 0, {0, 0}, 0};

	for (size_t i = 0; i < n; i++) {
		struct summary m;

		study_summary(s, &c[i], &m);
		k.mean += log(m.ratio.value) / (double)n;
		k.lo = fmin(k.lo, m.ratio.value);
		k.hi = fmax(k.hi, m.ratio.value);
		k.fair += m.ratio.value >= 0.8 && m.ratio.value <= 1.25;
		k.util += m.util.value / (double)n;
		for (unsigned q = 0; q < 2; q++)
			k.p99[q] += m.p99[q].value / (double)n;
	}
	k.mean = exp(k.mean);
	return k;
}

static void tile(FILE *f, const char *big, const char *small)
{
	fprintf(f, "<div class=\"tile\"><b>%s</b><span>%s</span></div>\n", big, small);
}

static void tiles(FILE *f, const struct study *s, const struct pairs *p, const struct sight *a,
		  const struct sight *b)
{
	struct imbalance ia = study_imbalance(s, p->a, p->n);
	struct imbalance ib = study_imbalance(s, p->b, p->n);
	struct reduction d = study_reduction(s, p->a, p->b, p->n);
	char big[96];
	char small[256];

	fprintf(f, "<div class=\"tiles\">\n");
	snprintf(big, sizeof(big), "%.2f → %.2f", ia.cells.value, ib.cells.value);
	snprintf(small, sizeof(small),
		 "imbalance factor exp(mean |ln P/C|), 0.70 → 0.85; 95 %% intervals %.2f–%.2f and "
		 "%.2f–%.2f",
		 ia.cells.lo, ia.cells.hi, ib.cells.lo, ib.cells.hi);
	tile(f, big, small);
	snprintf(big, sizeof(big), "%+.0f %%", -100 * d.cells.value);
	snprintf(small, sizeof(small), "mean |ln P/C| with 0.85, against 0.70 (%+.0f to %+.0f)",
		 -100 * d.cells.hi, -100 * d.cells.lo);
	tile(f, big, small);
	snprintf(big, sizeof(big), "%zu → %zu of %zu", a->fair, b->fair, p->n);
	tile(f, big, "cells with P/C between 0.8 and 1.25");
	snprintf(big, sizeof(big), "%.1f → %.1f ms", a->p99[0], b->p99[0]);
	snprintf(small, sizeof(small), "C queue, p99 delay; L queue %.2f → %.2f ms", a->p99[1],
		 b->p99[1]);
	tile(f, big, small);
	fprintf(f, "</div>\n");
}

/* The same rates and RTTs with more flows. */
static void more_flows(FILE *f, const struct study *s)
{
	bool any = false;

	for (unsigned k = 1; k < MIXES; k++) {
		struct pairs p;

		pairs(s, claim_rate, claim_rtt, CUBIC_85, study_mix[k], &p);
		if (!p.n)
			continue;
		fprintf(f, "%s%u+%u %.2f → %.2f",
			any ? ", " : " With more flows the imbalance factor goes: ", study_mix[k].c,
			study_mix[k].p, study_imbalance(s, p.a, p.n).cells.value,
			study_imbalance(s, p.b, p.n).cells.value);
		any = true;
	}
	if (any)
		fprintf(f, " (CUBIC + Prague flows, without → with ABE).");
}

/* Where it is otherwise: slow links and short paths. */
static void elsewhere(FILE *f, const struct study *s)
{
	static const double slow[] = {5, 10, 0};
	static const double fast[] = {40, 100, 200, 400, 0};
	static const double near[] = {5, 0};
	struct pairs p;
	struct sight a;
	struct sight b;

	pairs(s, slow, wide_rtt, CUBIC_85, study_mix[0], &p);
	if (p.n) {
		a = look(s, p.a, p.n);
		fprintf(f,
			" At %g Mb/s and less CUBIC sends more than Prague even without ABE (P/C "
			"%.2f to %.2f): there ABE can only harm.",
			p.rate[1], a.lo, a.hi);
	}
	pairs(s, fast, near, CUBIC_85, study_mix[0], &p);
	if (p.n) {
		a = look(s, p.a, p.n);
		b = look(s, p.b, p.n);
		fprintf(f, " At an RTT of %g ms it goes from %.2f to %.2f, %s.", near[0], a.mean,
			b.mean, fabs(log(b.mean)) > fabs(log(a.mean)) ? "too far" : "nearer");
	}
}

/* The same cells with what runs in kernels, where they were run, too. */
static void kernel_forms(FILE *f, const struct study *s)
{
	struct pairs p;

	pairs(s, claim_rate, claim_rtt, CUBIC_85, study_mix[0], &p);
	if (!p.n)
		return;
	fprintf(f,
		" That is CUBIC of RFC 9438 beside the reference's Prague; with Linux' CUBIC "
		"beside Prague "
		"with calm growth, which the maps and curves below show, it is %.2f times instead "
		"of %.2f, imbalance factor %.2f instead of %.2f.",
		look(s, p.b, p.n).mean, look(s, p.a, p.n).mean,
		study_imbalance(s, p.b, p.n).cells.value, study_imbalance(s, p.a, p.n).cells.value);
}

static const char *verdict(const struct imbalance *i, const struct reduction *d)
{
	if (i->cells.value <= 1.35 && d->cells.value >= 0.4)
		return "Nearly, for one flow of each kind";
	if (d->cells.lo > 0)
		return "ABE brings their rates nearer, but not to almost the same";
	return d->cells.hi < 0 ? "ABE makes it worse here" : "ABE changes little here";
}

void report_answer(FILE *f, const struct study *s)
{
	struct pairs p;
	struct sight a;
	struct sight b;
	struct imbalance i;
	struct reduction d;
	bool kernel = false;

	pairs(s, claim_rate, claim_rtt, CLAIM_85, study_mix[0], &p);
	if (!p.n)
		pairs(s, claim_rate, claim_rtt, CUBIC_85, study_mix[0], &p);
	else
		kernel = true;
	if (!p.n)
		pairs(s, wide_rate, wide_rtt, CUBIC_85, study_mix[0], &p);
	if (!p.n) {
		fprintf(f, "<p class=\"answer\">No cell of 1 CUBIC + 1 Prague was run with both "
			   "0.70 and 0.85: see the verdicts below.</p>\n");
		return;
	}
	a = look(s, p.a, p.n);
	b = look(s, p.b, p.n);
	i = study_imbalance(s, p.b, p.n);
	d = study_reduction(s, p.a, p.b, p.n);
	fprintf(f,
		"<p class=\"answer\"><b>%s.</b> With ABE (β 0.85) a Prague flow sends <b>%.2f "
		"times</b> what the CUBIC flow beside it sends, instead of <b>%.2f times</b> "
		"without (means over %zu cells of %g–%g Mb/s and %g–%g ms; cells lie between %.2f "
		"and %.2f, instead of %.2f and %.2f). The distance from equal rates shrinks by "
		"<b>%.0f %%</b>.",
		verdict(&i, &d), b.mean, a.mean, p.n, p.rate[0], p.rate[1], p.rtt[0], p.rtt[1],
		b.lo, b.hi, a.lo, a.hi, 100 * d.cells.value);
	if (kernel)
		kernel_forms(f, s);
	more_flows(f, s);
	elsewhere(f, s);
	fprintf(f, "</p>\n");
	tiles(f, s, &p, &a, &b);
}

/* ---- where it holds */

static void where_row(FILE *f, const struct study *s, struct mix mix, const char *cubic,
		      const char *name)
{
	struct pairs p;
	unsigned helps = 0;
	unsigned harms = 0;
	struct sight b;

	pairs(s, wide_rate, wide_rtt, cubic, mix, &p);
	if (!p.n)
		return;
	for (size_t i = 0; i < p.n; i++) {
		double d = study_abs_ln(s, &p.b[i]) - study_abs_ln(s, &p.a[i]);

		helps += d < -0.05;
		harms += d > 0.05;
	}
	b = look(s, p.b, p.n);
	fprintf(f,
		"<tr><td>%u CUBIC + %u Prague</td><td>%s</td><td class=\"n\">%zu</td><td "
		"class=\"n\">%u</td><td class=\"n\">%zu</td><td class=\"n\">%u</td><td "
		"class=\"n\">%zu</td><td class=\"n\">%.2f</td><td class=\"n\">%.2f</td></tr>\n",
		mix.c, mix.p, name, p.n, helps, p.n - helps - harms, harms, b.fair,
		study_imbalance(s, p.a, p.n).cells.value, study_imbalance(s, p.b, p.n).cells.value);
}

/* Cells in words: the rates and RTTs where most harm is. */
static void harm_list(FILE *f, const struct study *s)
{
	bool any = false;

	for (unsigned k = 0; k < MIXES; k++) {
		struct pairs p;

		pairs(s, wide_rate, wide_rtt, CUBIC_85, study_mix[k], &p);
		for (size_t i = 0; i < p.n; i++) {
			double a = study_abs_ln(s, &p.a[i]);
			double b = study_abs_ln(s, &p.b[i]);
			struct summary m;

			if (b - a < 0.25)
				continue;
			study_summary(s, &p.b[i], &m);
			fprintf(f, "%s%g Mb/s %g ms %u+%u (%.2f)",
				any ? ", "
				    : "<details><summary>Cells where 0.85 is worst (|ln P/C| "
				      "grows by 0.25 or more; P/C with it)</summary><p>",
				(double)p.b[i].rate / 1e6, (double)p.b[i].rtt / 1e6, study_mix[k].c,
				study_mix[k].p, m.ratio.value);
			any = true;
		}
	}
	if (any)
		fprintf(f, ".</p></details>\n");
}

void report_where(FILE *f, const struct study *s)
{
	fprintf(f, "<section><h2>Where it holds, where it does nothing, where it harms</h2>\n"
		   "<p class=\"soft\">Against β 0.70 in the same cell: nearer to equal rates or "
		   "farther by more than 5 %% (|ln P/C| by 0.05).</p><div "
		   "class=\"wide\"><table><tr><th>flows</th><th>control</th><th "
		   "class=\"n\">cells</th><th class=\"n\">helps</th><th class=\"n\">does "
		   "nothing</th><th class=\"n\">harms</th><th class=\"n\">ends in "
		   "0.8–1.25</th><th class=\"n\">imbalance with 0.70</th><th class=\"n\">with "
		   "it</th></tr>\n");
	for (unsigned k = 0; k < MIXES; k++)
		for (unsigned c = 1; c < REPORT_CCS; c++)
			where_row(f, s, study_mix[k], report_cc[c], report_cc_name[c]);
	fprintf(f, "</table></div>\n");
	harm_list(f, s);
	for (unsigned k = 0; k < MIXES; k++) {
		char title[96];

		fprintf(f, "<div class=\"row\">");
		for (unsigned c = 1; c < REPORT_CCS; c++) {
			snprintf(title, sizeof(title), "%s against 0.70, %u CUBIC + %u Prague",
				 report_cc_name[c], study_mix[k].c, study_mix[k].p);
			heat_gain(f, s, title, report_cc[c], study_mix[k]);
		}
		fprintf(f, "</div>\n");
	}
	fprintf(f, "</section>\n");
}
