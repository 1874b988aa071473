/* SPDX-License-Identifier: BSD-2-Clause */
/* Ratio over RTT, and distributions of queue delay. */
#include "proto/l4s/study/report.h"

#include <math.h>

#define W 460.0
#define H 250.0
#define LEFT 44.0
#define RIGHT 12.0
#define TOP 28.0
#define BOTTOM 38.0

struct scale {
	double x0, x1; /* logarithms of the ends */
	double y0, y1;
};

static double sx(const struct scale *c, double x)
{
	return LEFT + (log(x) - c->x0) / (c->x1 - c->x0) * (W - LEFT - RIGHT);
}

static double sy(const struct scale *c, double y)
{
	return H - BOTTOM - (log(y) - c->y0) / (c->y1 - c->y0) * (H - TOP - BOTTOM);
}

static void begin(FILE *f, const char *title)
{
	fprintf(f,
		"<figure><svg class=\"plot\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
		"aria-label=\"%s\">\n<text class=\"cap\" x=\"0\" y=\"13\">%s</text>\n",
		W, H, title, title);
}

static void end(FILE *f)
{
	fprintf(f, "</svg></figure>\n");
}

static void x_tick(FILE *f, const struct scale *c, double v)
{
	fprintf(f,
		"<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>"
		"<text class=\"tick mid\" x=\"%.1f\" y=\"%.1f\">%g</text>\n",
		sx(c, v), TOP, sx(c, v), H - BOTTOM, sx(c, v), H - BOTTOM + 14, v);
}

static void y_tick(FILE *f, const struct scale *c, double v, const char *class)
{
	fprintf(f,
		"<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>"
		"<text class=\"tick end\" x=\"%.1f\" y=\"%.1f\">%g</text>\n",
		class, LEFT, sy(c, v), W - RIGHT, sy(c, v), LEFT - 5, sy(c, v) + 4, v);
}

static void x_name(FILE *f, const char *name)
{
	fprintf(f, "<text class=\"tick mid\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
		(LEFT + W - RIGHT) / 2, H - 6, name);
}

static double hold(double v, double lo, double hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

static void theory(FILE *f, const struct scale *c, double beta, unsigned k)
{
	fprintf(f, "<polyline class=\"theory k%u\" points=\"", k);
	for (double x = c->x0; x <= c->x1 + 1e-9; x += (c->x1 - c->x0) / 48) {
		double y = study_theory(beta, exp(x));

		fprintf(f, "%.1f,%.1f ", sx(c, exp(x)), sy(c, hold(y, exp(c->y0), exp(c->y1))));
	}
	fprintf(f, "\"/>\n");
}

static void control(FILE *f, const struct study *s, const struct scale *c, double mbit,
		    struct mix mix, unsigned k)
{
	struct axes a;
	struct summary m;
	double lo = exp(c->y0);
	double hi = exp(c->y1);

	report_axes(s, report_cc[k], mix, &a);
	fprintf(f, "<polyline class=\"curve k%u\" points=\"", k);
	for (size_t i = 0; i < a.rtts; i++)
		if (report_find(s, mbit, a.rtt[i], report_cc[k], mix, &m))
			fprintf(f, "%.1f,%.1f ", sx(c, a.rtt[i]),
				sy(c, hold(m.ratio.value, lo, hi)));
	fprintf(f, "\"/>\n");
	for (size_t i = 0; i < a.rtts; i++) {
		double x = sx(c, a.rtt[i]) + 1.5 * ((double)k - 1);

		if (!report_find(s, mbit, a.rtt[i], report_cc[k], mix, &m))
			continue;
		fprintf(f,
			"<g class=\"k%u\"><title>%s, %g ms: %.3f [%.3f, %.3f]</title><line "
			"class=\"bar\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/><circle "
			"class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/></g>\n",
			k, report_cc_name[k], a.rtt[i], m.ratio.value, m.ratio.lo, m.ratio.hi, x, x,
			sy(c, hold(m.ratio.lo, lo, hi)), sy(c, hold(m.ratio.hi, lo, hi)), x,
			sy(c, hold(m.ratio.value, lo, hi)));
	}
}

void line_ratio(FILE *f, const struct study *s, double mbit, struct mix mix)
{
	static const double tick[] = {0.05, 0.1, 0.25, 0.5, 0.8, 1.25, 2, 4};
	struct scale c = {log(4.5), log(112), log(0.045), log(4.5)};
	struct axes a;
	char title[64];

	report_axes(s, NULL, mix, &a);
	if (!a.rtts)
		return;
	snprintf(title, sizeof(title), "%g Mb/s, %u CUBIC + %u Prague", mbit, mix.c, mix.p);
	begin(f, title);
	fprintf(f, "<rect class=\"fair\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
		LEFT, sy(&c, 1.25), W - LEFT - RIGHT, sy(&c, 0.8) - sy(&c, 1.25));
	for (unsigned i = 0; i < sizeof(tick) / sizeof(tick[0]); i++)
		y_tick(f, &c, tick[i], "grid");
	y_tick(f, &c, 1, "one");
	for (size_t i = 0; i < a.rtts; i++)
		x_tick(f, &c, a.rtt[i]);
	x_name(f, "base RTT, ms; P/C, both logarithmic");
	theory(f, &c, 0.7, 0);
	theory(f, &c, 0.85, 1);
	for (unsigned k = 0; k < REPORT_CCS; k++)
		control(f, s, &c, mbit, mix, k);
	end(f);
}

void line_delay(FILE *f, const struct study *s, double mbit, double rtt, struct mix mix, unsigned q)
{
	static const double delay[] = {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100};
	static const double share[] = {0.00001, 0.0001, 0.001, 0.01, 0.1, 1};
	struct scale c = {q ? log(0.01) : log(0.3), q ? log(10) : log(100), log(7e-6), log(1.2)};
	char title[96];

	snprintf(title, sizeof(title), "%c queue, %g Mb/s, %g ms", q ? 'L' : 'C', mbit, rtt);
	begin(f, title);
	for (unsigned i = 0; i < sizeof(delay) / sizeof(delay[0]); i++)
		if (log(delay[i]) >= c.x0 - 1e-9 && log(delay[i]) <= c.x1 + 1e-9)
			x_tick(f, &c, delay[i]);
	for (unsigned i = 0; i < sizeof(share) / sizeof(share[0]); i++)
		y_tick(f, &c, share[i], "grid");
	x_name(f, "ms; share of packets that wait longer");
	for (unsigned k = 0; k < REPORT_CCS; k++) {
		struct summary m;

		if (!report_find(s, mbit, rtt, report_cc[k], mix, &m))
			continue;
		fprintf(f, "<polyline class=\"curve k%u\" points=\"", k);
		for (unsigned i = 0; i < GRID_QUANTILES; i++)
			fprintf(f, "%.1f,%.1f ", sx(&c, hold(m.delay[q][i], exp(c.x0), exp(c.x1))),
				sy(&c, 1 - grid_quantile[i] / 1e6));
		fprintf(f, "\"/>\n");
	}
	end(f);
}
