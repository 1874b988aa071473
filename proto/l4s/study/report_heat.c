/* SPDX-License-Identifier: BSD-2-Clause */
/* Heat maps: rate x RTT. Two hues that people with any colour vision tell apart, stronger the
 * farther from 1:1 on a logarithmic scale; every cell says its number. */
#include "proto/l4s/study/report.h"

#include <math.h>

#define W 62
#define H 40
#define LEFT 64
#define TOP 44
#define CAPTION 320 /* the title has this room, however few columns there are */

static void begin(FILE *f, const char *title, const struct axes *a)
{
	double w = fmax(LEFT + W * (double)a->rtts + 6, CAPTION);
	double h = TOP + H * (double)a->rates + 6;

	fprintf(f,
		"<figure><svg class=\"heat\" viewBox=\"0 0 %.0f %.0f\" style=\"max-width:%.0fpx\" "
		"role=\"img\" aria-label=\"%s\">\n<text class=\"cap\" x=\"0\" "
		"y=\"13\">%s</text><text class=\"tick end\" x=\"%d\" y=\"34\">Mb/s \\ ms</text>\n",
		w, h, w, title, title, LEFT - 5);
	for (size_t k = 0; k < a->rtts; k++)
		fprintf(f, "<text class=\"tick mid\" x=\"%.0f\" y=\"34\">%g</text>",
			LEFT + W * ((double)k + 0.5), a->rtt[k]);
	for (size_t i = 0; i < a->rates; i++)
		fprintf(f, "<text class=\"tick end\" x=\"%d\" y=\"%.0f\">%g</text>", LEFT - 8,
			TOP + H * ((double)i + 0.5) + 4, a->rate[i]);
	fprintf(f, "\n");
}

static void end(FILE *f)
{
	fprintf(f, "</svg></figure>\n");
}

/* v: how far to one side (1 and -1: as strong as it gets). */
static void tile(FILE *f, size_t i, size_t k, double v, const char *big, const char *small,
		 const char *tip)
{
	double x = LEFT + W * (double)k;
	double y = TOP + H * (double)i;

	fprintf(f,
		"<g><title>%s</title><rect class=\"%s\" x=\"%.0f\" y=\"%.0f\" width=\"%d\" "
		"height=\"%d\" rx=\"4\" fill-opacity=\"%.2f\"/><text class=\"num mid\" x=\"%.0f\" "
		"y=\"%.0f\">%s</text><text class=\"sub mid\" x=\"%.0f\" y=\"%.0f\">%s</text></g>\n",
		tip, v >= 0 ? "hi" : "lo", x + 1, y + 1, W - 2, H - 2,
		0.04 + 0.82 * fmin(1, fabs(v)), x + W / 2.0, y + 19, big, x + W / 2.0, y + 33,
		small);
}

void heat_ratio(FILE *f, const struct study *s, const char *title, const char *cubic,
		struct mix mix)
{
	struct axes a;

	report_axes(s, cubic, mix, &a);
	if (!a.rates)
		return;
	begin(f, title, &a);
	for (size_t i = 0; i < a.rates; i++) {
		for (size_t k = 0; k < a.rtts; k++) {
			char big[32];
			char small[32] = "";
			char tip[160];
			struct summary m;

			if (!report_find(s, a.rate[i], a.rtt[k], cubic, mix, &m))
				continue;
			snprintf(big, sizeof(big), "%.2f", m.ratio.value);
			if (m.n > 1)
				snprintf(small, sizeof(small), "±%.0f %%",
					 50 * (m.ratio.hi - m.ratio.lo) / m.ratio.value);
			snprintf(tip, sizeof(tip),
				 "%g Mb/s, %g ms: P/C %.3f, 95 %% interval %.3f to %.3f, %u runs",
				 a.rate[i], a.rtt[k], m.ratio.value, m.ratio.lo, m.ratio.hi, m.n);
			tile(f, i, k, log(m.ratio.value) / log(3), big, small, tip);
		}
	}
	end(f);
}

void heat_gain(FILE *f, const struct study *s, const char *title, const char *cubic, struct mix mix)
{
	struct axes a;

	report_axes(s, cubic, mix, &a);
	if (!a.rates)
		return;
	begin(f, title, &a);
	for (size_t i = 0; i < a.rates; i++) {
		for (size_t k = 0; k < a.rtts; k++) {
			struct summary m;
			struct summary base;
			double worse;
			char small[48];
			char tip[160];

			if (!report_find(s, a.rate[i], a.rtt[k], cubic, mix, &m) ||
			    !report_find(s, a.rate[i], a.rtt[k], CUBIC_70, mix, &base))
				continue;
			worse = fabs(log(m.ratio.value)) - fabs(log(base.ratio.value));
			snprintf(small, sizeof(small), "%.2f→%.2f", base.ratio.value,
				 m.ratio.value);
			snprintf(tip, sizeof(tip),
				 "%g Mb/s, %g ms: P/C %.3f becomes %.3f; |ln P/C| changes by %+.3f",
				 a.rate[i], a.rtt[k], base.ratio.value, m.ratio.value, worse);
			tile(f, i, k, fabs(worse) > 0.05 ? worse : 0,
			     worse < -0.05  ? "better"
			     : worse > 0.05 ? "worse"
					    : "same",
			     small, tip);
		}
	}
	end(f);
}
