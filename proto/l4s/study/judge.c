/* SPDX-License-Identifier: BSD-2-Clause */
/* What the runs of each plan mean, against the acceptance numbers that each states. */
#include "proto/l4s/study/study.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct study *s, const struct plan *p, bool note, bool pass, const char *fmt,
		va_list ap)
{
	struct verdict *v = realloc(s->verdict, (s->n_verdicts + 1) * sizeof(*v));

	if (!v) {
		s->out_of_memory = true;
		return;
	}
	s->verdict = v;
	v += s->n_verdicts++;
	*v = (struct verdict){.plan = p->name, .pass = pass, .note = note};
	vsnprintf(v->text, sizeof(v->text), fmt, ap);
	if (!note && !pass)
		s->failed = true;
}

void study_say(struct study *s, const struct plan *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(s, p, true, true, fmt, ap);
	va_end(ap);
}

void study_judge(struct study *s, const struct plan *p, bool pass, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(s, p, false, pass, fmt, ap);
	va_end(ap);
}

#define CELLS 64

/* The cells of two axes, as plans add them. */
static size_t axes(const struct study *s, const struct plan *p, const double *rate,
		   const double *rtt, const char *cubic, const char *prague, struct mix mix,
		   struct grid_cell *c)
{
	size_t n = 0;

	for (const double *r = rate; *r > 0; r++)
		for (const double *t = rtt; *t > 0 && n < CELLS; t++)
			c[n++] = study_cell(s, p, *r, *t, STUDY_AQM, cubic, prague, mix);
	return n;
}

static void claim(struct study *s, const struct plan *p, const double *rate, const double *rtt,
		  bool judge)
{
	const char *c70 = judge ? CLAIM_70 : CUBIC_70;
	const char *c85 = judge ? CLAIM_85 : CUBIC_85;
	const char *prague = judge ? CLAIM_PRAGUE : PRAGUE;

	struct grid_cell a[CELLS];
	struct grid_cell b[CELLS];
	size_t n = axes(s, p, rate, rtt, c70, prague, study_mix[0], a);
	struct imbalance i70;
	struct imbalance i85;
	struct reduction d;

	axes(s, p, rate, rtt, c85, prague, study_mix[0], b);
	i70 = study_imbalance(s, a, n);
	i85 = study_imbalance(s, b, n);
	d = study_reduction(s, a, b, n);
	study_say(s, p, "imbalance factor with beta 0.70: %.3f [%.3f, %.3f]; of single runs %.3f",
		  i70.cells.value, i70.cells.lo, i70.cells.hi, i70.runs.value);
	if (!judge) {
		study_say(s, p, "with beta 0.85: %.3f [%.3f, %.3f]; mean |ln P/C| is %.0f %% lower",
			  i85.cells.value, i85.cells.lo, i85.cells.hi, d.cells.value * 100);
		return;
	}
	study_judge(s, p, i85.cells.value <= 1.35,
		    "imbalance factor with beta 0.85: %.3f [%.3f, %.3f], at most 1.35",
		    i85.cells.value, i85.cells.lo, i85.cells.hi);
	study_judge(s, p, i85.runs.value <= 1.35,
		    "the same of single runs: %.3f [%.3f, %.3f], at most 1.35", i85.runs.value,
		    i85.runs.lo, i85.runs.hi);
	study_judge(s, p, d.cells.value >= 0.4,
		    "mean |ln P/C| is %.1f %% [%.1f, %.1f] lower with 0.85 than with 0.70, at "
		    "least 40",
		    d.cells.value * 100, d.cells.lo * 100, d.cells.hi * 100);
	study_judge(s, p, d.runs.value >= 0.4,
		    "the same of single runs: %.1f %% [%.1f, %.1f], at least 40",
		    d.runs.value * 100, d.runs.lo * 100, d.runs.hi * 100);
}

void judge_claim(struct study *s, const struct plan *p)
{
	struct grid_cell c[CELLS];
	size_t n = axes(s, p, claim_rate, claim_rtt, CLAIM_85, CLAIM_PRAGUE, study_mix[0], c);
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		struct summary m;

		study_summary(s, &c[i], &m);
		least = m.n < least ? m.n : least;
	}
	study_judge(s, p, least >= 20, "seeds a cell: %u, at least 20", least);
	study_say(s, p, "CUBIC of RFC 9438 beside the reference's Prague:");
	claim(s, p, claim_rate, claim_rtt, true);
	study_say(s, p, "Linux' CUBIC beside Prague with calm growth:");
	claim(s, p, claim_rate, claim_rtt, false);
}

void judge_quick(struct study *s, const struct plan *p)
{
	claim(s, p, quick_rate, quick_rtt, false);
}

/* Counts, not a pass: what it says is the answer. */
void judge_wide(struct study *s, const struct plan *p)
{
	for (unsigned k = 0; k < MIXES; k++) {
		struct grid_cell a[CELLS];
		struct grid_cell b[CELLS];
		size_t n = axes(s, p, wide_rate, wide_rtt, CUBIC_70, PRAGUE, study_mix[k], a);
		unsigned helps = 0;
		unsigned harms = 0;

		axes(s, p, wide_rate, wide_rtt, CUBIC_85, PRAGUE, study_mix[k], b);
		for (size_t i = 0; i < n; i++) {
			double gain = study_abs_ln(s, &a[i]) - study_abs_ln(s, &b[i]);

			helps += gain > 0.05;
			harms += gain < -0.05;
		}
		study_say(s, p,
			  "%u C + %u P: 0.85 is nearer to 1 in %u cells of %zu, farther in %u; "
			  "imbalance %.3f -> %.3f",
			  study_mix[k].c, study_mix[k].p, helps, n, harms,
			  study_imbalance(s, a, n).cells.value,
			  study_imbalance(s, b, n).cells.value);
	}
}

void judge_beta(struct study *s, const struct plan *p)
{
	for (unsigned i = 0; beta_cc[i]; i++) {
		struct grid_cell c[CELLS];
		size_t n = axes(s, p, wide_rate, wide_rtt, STUDY_AQM, beta_cc[i], study_mix[0], c);
		struct imbalance b = study_imbalance(s, c, n);

		study_say(s, p, "beta %.2f: imbalance factor %.3f [%.3f, %.3f] over %zu cells",
			  beta_value[i], b.cells.value, b.cells.lo, b.cells.hi, n);
	}
}

/* With alpha scaled, the smaller reduction is paid for by slower growth: what CUBIC gains is gone.
 */
void judge_alpha(struct study *s, const struct plan *p)
{
	for (const double *t = alpha_rtt; *t > 0; t++) {
		struct summary base;
		struct summary keep;
		struct summary scale;
		struct grid_cell c =
			study_cell(s, p, 100, *t, STUDY_AQM, CUBIC_70, PRAGUE, study_mix[0]);

		study_summary(s, &c, &base);
		c = study_cell(s, p, 100, *t, STUDY_AQM, CUBIC_85, PRAGUE, study_mix[0]);
		study_summary(s, &c, &keep);
		c = study_cell(s, p, 100, *t, STUDY_AQM, CUBIC_85 " abe-alpha scale", PRAGUE,
			       study_mix[0]);
		study_summary(s, &c, &scale);
		if (*t > 25)
			study_say(s, p,
				  "%g ms: P/C %.2f with beta 0.7, %.2f with 0.85, %.2f with alpha "
				  "scaled (here CUBIC is not in its Reno-friendly region alone)",
				  *t, base.ratio.value, keep.ratio.value, scale.ratio.value);
		else
			study_judge(s, p, keep.ratio.hi < scale.ratio.lo,
				    "%g ms: P/C %.2f with beta 0.7, %.2f with 0.85, %.2f with "
				    "alpha scaled: more than with alpha kept",
				    *t, base.ratio.value, keep.ratio.value, scale.ratio.value);
	}
}

static void benefit(struct study *s, const struct plan *p, double mbit, double rtt,
		    const struct summary *a, const struct summary *b, const char *what)
{
	study_say(s, p,
		  "%g Mb/s, %g ms, %s: utilisation %.4f -> %.4f, C queue p50 %.1f -> %.1f ms, p99 "
		  "%.1f -> %.1f ms",
		  mbit, rtt, what, a->util.value, b->util.value, a->p50[0].value, b->p50[0].value,
		  a->p99[0].value, b->p99[0].value);
	if (mbit == 100 && rtt == 200)
		study_judge(s, p, b->util.value - a->util.value >= 0.03,
			    "100 Mb/s, 200 ms, %s: ABE gains %.4f of the link, at least 0.03", what,
			    b->util.value - a->util.value);
}

/* Fast convergence gives way to others; where there are none it costs a lone flow, and RFC 9438
 * asks to leave it off. */
void judge_benefit(struct study *s, const struct plan *p)
{
	for (const double *r = benefit_rate; *r > 0; r++) {
		for (const double *t = benefit_rtt; *t > 0; t++) {
			struct summary m[4];

			for (unsigned i = 0; i < 4; i++) {
				struct grid_cell c = study_cell(s, p, *r, *t, STUDY_AQM,
								benefit_cc[i], NULL, study_mix[0]);

				study_summary(s, &c, &m[i]);
			}
			benefit(s, p, *r, *t, &m[0], &m[1], "fast convergence on");
			benefit(s, p, *r, *t, &m[2], &m[3], "fast convergence off");
			if (*r == 100 && *t == 200)
				study_judge(s, p, m[3].util.value >= 0.965,
					    "100 Mb/s, 200 ms, fast convergence off: utilisation "
					    "with beta 0.85 %.4f [%.4f, %.4f], at least 0.965",
					    m[3].util.value, m[3].util.lo, m[3].util.hi);
		}
	}
}

void judge_lowrate(struct study *s, const struct plan *p)
{
	for (const double *r = lowrate_rate; *r > 0; r++) {
		for (const double *t = lowrate_rtt; *t > 0; t++) {
			struct summary plain;
			struct summary aware;
			struct summary abe;
			struct grid_cell c =
				study_cell(s, p, *r, *t, STUDY_AQM, CUBIC_70, PRAGUE, study_mix[0]);

			study_summary(s, &c, &plain);
			c = study_cell(s, p, *r, *t, STUDY_AQM " rate_aware", CUBIC_70, PRAGUE,
				       study_mix[0]);
			study_summary(s, &c, &aware);
			c = study_cell(s, p, *r, *t, STUDY_AQM " rate_aware", CUBIC_85, PRAGUE,
				       study_mix[0]);
			study_summary(s, &c, &abe);
			study_judge(s, p, aware.ratio.value >= 0.7,
				    "%g Mb/s, %g ms, threshold by the rate: P/C %.2f [%.2f, %.2f], "
				    "at least 0.7 (step at 1 ms: %.2f; with ABE 0.85: %.2f)",
				    *r, *t, aware.ratio.value, aware.ratio.lo, aware.ratio.hi,
				    plain.ratio.value, abe.ratio.value);
		}
	}
}

static void lone(struct study *s, const struct plan *p, const struct published_lone *l)
{
	struct summary m;
	struct grid_cell c =
		study_cell(s, p, l->mbit, l->rtt, STUDY_AQM, NULL, PRAGUE, study_mix[0]);

	study_summary(s, &c, &m);
	if (l->p99 > 0)
		study_judge(s, p, m.p99[1].value <= l->p99,
			    "a lone Prague flow, %g Mb/s, %g ms: L queue p99 %.2f ms, published "
			    "%.2f",
			    l->mbit, l->rtt, m.p99[1].value, l->p99);
	if (l->goodput > 0)
		study_judge(s, p, m.rate[0] >= l->goodput * 0.99,
			    "a lone Prague flow, %g Mb/s, %g ms: goodput %.1f Mb/s, published %.1f",
			    l->mbit, l->rtt, m.rate[0], l->goodput);
}

static void steady(struct study *s, const struct plan *p, const char *aqm)
{
	struct summary m;
	struct grid_cell c = study_cell(s, p, 100, 20, aqm, CUBIC_70, NULL, study_mix[0]);

	study_summary(s, &c, &m);
	study_judge(s, p, fabs(m.p50[0].value - 15) <= 3 && m.p99[0].value <= 22,
		    "a lone CUBIC flow, %s, 100 Mb/s, 20 ms: queue p50 %.1f ms (15 +- 3), p99 %.1f "
		    "(at most 22)",
		    aqm, m.p50[0].value, m.p99[0].value);
}

void judge_published(struct study *s, const struct plan *p)
{
	for (size_t i = 0; i < published_ratios; i++) {
		const struct published_ratio *k = &published_ratio[i];
		struct summary m;
		struct grid_cell c = study_cell(s, p, k->mbit, k->rtt, STUDY_AQM, CUBIC_70, PRAGUE,
						study_mix[0]);

		study_summary(s, &c, &m);
		study_judge(s, p, m.ratio.value >= k->lo && m.ratio.value <= k->hi,
			    "%g Mb/s, %g ms: P/C %.2f [%.2f, %.2f], within %.2f to %.2f (%s)",
			    k->mbit, k->rtt, m.ratio.value, m.ratio.lo, m.ratio.hi, k->lo, k->hi,
			    k->who);
	}
	for (size_t i = 0; i < published_lones; i++)
		lone(s, p, &published_lone[i]);
	steady(s, p, STUDY_AQM);
	steady(s, p, "pi2");
}

static void classic(struct study *s, const struct plan *p, const char *aqm)
{
	struct summary with;
	struct summary without;
	struct grid_cell c = study_cell(s, p, 50, 20, aqm, CUBIC_70, PRAGUE, study_mix[0]);

	c.warmup = 5000000000;
	study_summary(s, &c, &with);
	snprintf(c.group[1].cc, sizeof(c.group[1].cc), "prague no-classic-detection");
	study_summary(s, &c, &without);
	study_judge(s, p, with.ratio.value <= 3 && with.ratio.value >= 1 / 3.0,
		    "%s, 50 Mb/s, 20 ms, from 5 s on: P/C %.2f [%.2f, %.2f], at most 3", aqm,
		    with.ratio.value, with.ratio.lo, with.ratio.hi);
	study_judge(s, p, without.ratio.value > 3,
		    "%s, the same without detection: P/C %.1f, more than 3 (published: 20 to 60)",
		    aqm, without.ratio.value);
}

void judge_classic(struct study *s, const struct plan *p)
{
	struct grid_cell c = study_cell(s, p, 5, 20, STUDY_AQM, CUBIC_70, PRAGUE, study_mix[0]);
	struct summary m;

	for (unsigned i = 0; classic_aqm[i]; i++)
		classic(s, p, classic_aqm[i]);
	c.jitter = 2000000;
	study_summary(s, &c, &m);
	study_judge(s, p, m.classic <= 0.05,
		    "DualPI2, 5 Mb/s, 2 ms of jitter: taken for Classic in %.1f %% of %u runs, at "
		    "most 5",
		    m.classic * 100, m.n);
}
