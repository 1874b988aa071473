/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 460

/* -- topology */

static int link_fault(const struct demo *d, unsigned l)
{
	for (unsigned k = 0; k < d->n_faults; k++)
		for (unsigned m = 0; d->faults[k].done && m < d->faults[k].n_links; m++)
			if (d->faults[k].links[m] == l)
				return (int)k;
	return -1;
}

static int node_fault(const struct demo *d, unsigned i)
{
	for (unsigned k = 0; k < d->n_faults; k++)
		if (d->faults[k].done && d->faults[k].kind == FAULT_KILL && d->faults[k].node == i)
			return (int)k;
	return -1;
}

/* The number of a fault, at (x, y). */
static void badge(FILE *f, const struct demo *d, int k, double x, double y)
{
	fprintf(f, "<g class=\"badge k%d\"><title>fault %d: %s</title><circle cx=\"%.1f\" cy=\"%.1f\" r=\"9\"/>"
		   "<text x=\"%.1f\" y=\"%.1f\">%d</text></g>\n",
		d->faults[k].kind, k / 2 + 1, d->faults[k].text, x, y, x, y + 3.5, k / 2 + 1);
}

void chart_topology(FILE *f, const struct demo *d)
{
	const struct graph *g = &d->graph;
	double w = 620;
	double h = 400;
	double m = 28;
	double r = g->n > 60 ? 6 : g->n > 30 ? 9 : 11;
	double *x = calloc(g->n, sizeof(*x));
	double *y = calloc(g->n, sizeof(*y));

	if (x && y)
		layout_make(g, 1, x, y);
	for (unsigned i = 0; x && y && i < g->n; i++) {
		x[i] = m + x[i] * (w - 2 * m);
		y[i] = m + y[i] * (h - 2 * m);
	}
	fprintf(f, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"topology\" class=\"topo\">\n", w, h);
	for (unsigned l = 0; x && y && l < g->m; l++) {
		const struct graph_edge *e = &g->edge[l];
		int k = link_fault(d, l);
		char kind[16] = "";

		if (k >= 0)
			snprintf(kind, sizeof(kind), " hit k%d", d->faults[k].kind);
		fprintf(f, "<line class=\"link%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"><title>link %u-%u</title></line>\n",
			kind, x[e->u], y[e->u], x[e->v], y[e->v], e->u, e->v);
	}
	for (unsigned i = 0; x && y && i < g->n; i++) {
		int k = node_fault(d, i);
		char kind[16] = "";

		if (k >= 0)
			snprintf(kind, sizeof(kind), " hit k%d", d->faults[k].kind);
		fprintf(f, "<g class=\"node%s\"><title>node %u, %u links</title><circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.0f\"/>"
			   "<text x=\"%.1f\" y=\"%.1f\">%u</text></g>\n",
			kind, i, graph_degree(g, i), x[i], y[i], r, x[i], y[i] + 3.5, i);
		if (k >= 0)
			badge(f, d, k, x[i] + r + 5, y[i] - r - 3);
	}
	for (unsigned l = 0; x && y && l < g->m; l++) {
		int k = link_fault(d, l);

		if (k >= 0)
			badge(f, d, k, (x[g->edge[l].u] + x[g->edge[l].v]) / 2, (y[g->edge[l].u] + y[g->edge[l].v]) / 2);
	}
	fprintf(f, "</svg>\n");
	free(x);
	free(y);
}

/* -- time */

struct frame {
	FILE *f;
	double x0, x1; /* of the plot */
	double y0, y1; /* top, bottom */
	double t;      /* seconds across */
	double top;    /* value at y0 */
};

static double fx(const struct frame *c, double t)
{
	return c->x0 + (c->x1 - c->x0) * t / c->t;
}

static double fy(const struct frame *c, double v)
{
	return c->y1 - (c->y1 - c->y0) * v / c->top;
}

/* 1, 2 or 5 times a power of ten, so that about n of them make up the span. */
static double round_step(double span, double n)
{
	double raw = span / n;
	double p = pow(10, floor(log10(raw)));

	return raw / p < 1.5 ? p : raw / p < 3.5 ? 2 * p : raw / p < 7.5 ? 5 * p : 10 * p;
}

static void time_axis(const struct frame *c, bool labels)
{
	double s = round_step(c->t, 10);

	for (double t = 0; t <= c->t + 1e-9; t += s) {
		fprintf(c->f, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", fx(c, t), fx(c, t),
			c->y0, c->y1);
		if (labels)
			fprintf(c->f, "<text class=\"tick mid\" x=\"%.1f\" y=\"%.1f\">%g s</text>\n", fx(c, t), c->y1 + 16, t);
	}
}

static void value_axis(const struct frame *c, double s, const char *unit, double scale)
{
	for (double v = 0; v <= c->top * 1.0001; v += s)
		fprintf(c->f, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
			      "<text class=\"tick end\" x=\"%.1f\" y=\"%.1f\">%g%s</text>\n",
			c->x0, c->x1, fy(c, v), fy(c, v), c->x0 - 6, fy(c, v) + 3.5, v * scale, unit);
}

/* A band from each damage to its repair. */
static void fault_bands(const struct frame *c, const struct demo *d, bool numbers)
{
	for (unsigned k = 0; k < d->n_faults; k++) {
		const struct demo_fault *a = &d->faults[k];
		const struct demo_fault *b = &d->faults[k + 1 < d->n_faults ? k + 1 : k];
		double from = fx(c, (double)(a->at - d->began) / 1e6);
		double to = b->done && b->kind == FAULT_REPAIR ? fx(c, (double)(b->at - d->began) / 1e6) : c->x1;

		if (!a->done || a->kind == FAULT_REPAIR)
			continue;
		fprintf(c->f, "<g class=\"band k%d\"><title>%u: %s</title><rect x=\"%.1f\" width=\"%.1f\" y=\"%.1f\" height=\"%.1f\"/>"
			      "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/></g>\n",
			a->kind, k / 2 + 1, a->text, from, to > from ? to - from : 1, c->y0, c->y1 - c->y0, from, from, c->y0,
			c->y1);
		if (numbers)
			badge(c->f, d, (int)k, from, c->y0 - 12);
	}
}

/* Bins gathered into columns; a column shows its worst bin. Values in percent, -1: nothing to show. */
static void reach_columns(struct demo *d, double seconds, double *col)
{
	struct prober_bin bin[512];
	usec_t start;
	usec_t width;
	size_t at = 0;
	size_t n;

	for (unsigned k = 0; k < COLUMNS; k++)
		col[k] = -1;
	do {
		n = prober_bins(d->prober, at, bin, 512, &start, &width);
		for (size_t k = at; k < n && k < at + 512; k++) {
			double t = (double)(start + (usec_t)k * width - d->began) / 1e6;
			const struct prober_bin *b = &bin[k - at];
			int c = (int)(t / seconds * COLUMNS);
			double share;

			if (!b->expected || c < 0 || c >= COLUMNS || k + 4 > n)
				continue;
			share = b->answered >= b->expected ? 100 : 100.0 * b->answered / b->expected;
			if (col[c] < 0 || share < col[c])
				col[c] = share;
		}
		at += 512;
	} while (at < n);
}

static void draw_reach(const struct frame *c, struct demo *d)
{
	double *col = calloc(COLUMNS, sizeof(*col));
	bool pen = false;
	double last = -1;

	if (!col)
		return;
	reach_columns(d, c->t, col);
	for (unsigned pass = 0; pass < 2; pass++) {
		fprintf(c->f, "<path class=\"%s\" d=\"", pass ? "line" : "area");
		pen = false;
		for (unsigned k = 0; k < COLUMNS; k++) {
			double t = c->t * k / COLUMNS;

			/* A column without a bin of its own continues the one before. */
			if (col[k] < 0 && last >= 0 && k + 1 < COLUMNS && col[k + 1] >= 0)
				col[k] = last;
			last = col[k];
			if (col[k] < 0) {
				if (pen && !pass)
					fprintf(c->f, "V%.1fZ", c->y1);
				pen = false;
				continue;
			}
			if (!pen)
				fprintf(c->f, "M%.1f %.1fV%.1f", fx(c, t), pass ? fy(c, col[k]) : c->y1, fy(c, col[k]));
			fprintf(c->f, "V%.1fH%.1f", fy(c, col[k]), fx(c, t + c->t / COLUMNS));
			pen = true;
		}
		fprintf(c->f, "%s\"/>\n", pen && !pass ? "" : "");
	}
	free(col);
}

/* Mean of the nodes and the busiest node, bytes a second, by sample. */
static void sample_rate(const struct demo *d, size_t k, double *mean, double *most)
{
	const struct demo_traffic *t = &d->traffic;
	double span = (double)t->samples[k].span / 1e6;

	*mean = *most = 0;
	for (unsigned i = 0; i < d->graph.n; i++) {
		double v = t->bytes[k * d->graph.n + i] / span;

		*mean += v / d->graph.n;
		*most = fmax(*most, v);
	}
}

static void draw_traffic(struct frame *c, const struct demo *d)
{
	size_t n = d->traffic.n;
	size_t by = n / COLUMNS + 1;

	for (unsigned pass = 0; pass < 2; pass++) {
		char pen = 'M';

		fprintf(c->f, "<path class=\"%s\" d=\"", pass ? "line" : "thin");
		for (size_t k = 0; k < n; k += by) {
			double t = (double)(d->traffic.samples[k].at - d->began) / 1e6;
			double mean = 0;
			double most = 0;

			for (size_t m = k; m < n && m < k + by; m++) {
				double a;
				double b;

				sample_rate(d, m, &a, &b);
				mean = fmax(mean, a);
				most = fmax(most, b);
			}
			fprintf(c->f, "%c%.1f %.1f", pen, fx(c, t), fy(c, pass ? mean : most));
			pen = 'L';
		}
		fprintf(c->f, "\"/>\n");
	}
}

void chart_time(FILE *f, struct demo *d, usec_t end)
{
	struct frame c = {.f = f, .x0 = 62, .x1 = 985, .y0 = 34, .y1 = 190, .top = 100};
	double most = 1;
	bool kilo;

	c.t = fmax((double)(end - d->began) / 1e6, 1);
	fprintf(f, "<svg viewBox=\"0 0 1000 400\" role=\"img\" aria-label=\"reachability and control traffic over time\">\n");
	time_axis(&c, false);
	value_axis(&c, 25, " %", 1);
	fault_bands(&c, d, true);
	draw_reach(&c, d);
	for (size_t k = 0; k < d->traffic.n; k++) {
		double mean;
		double x;

		sample_rate(d, k, &mean, &x);
		most = fmax(most, x);
	}
	c.y0 = 232;
	c.y1 = 368;
	c.top = most * 1.05;
	kilo = most > 2000;
	fprintf(f, "<text class=\"cap\" x=\"%.0f\" y=\"222\">%s sent, %s a second: busiest node (thin), mean of all (bold)</text>\n",
		c.x0, d->daemon->metered ? "control traffic" : "all traffic", kilo ? "kB" : "bytes");
	time_axis(&c, true);
	value_axis(&c, round_step(c.top, 4), "", kilo ? 0.001 : 1);
	fault_bands(&c, d, false);
	draw_traffic(&c, d);
	fprintf(f, "</svg>\n");
}

/* -- outages */

static int by_length(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a;
	usec_t y = *(const usec_t *)b;

	return (x > y) - (x < y);
}

/* All outages of one kind, sorted; the caller frees them. */
static size_t lengths_of(const struct demo *d, unsigned kind, usec_t **out)
{
	size_t n = 0;

	for (unsigned k = 0; k < d->n_faults; k++)
		if (d->faults[k].done && d->faults[k].kind == kind && d->faults[k].lengths)
			n += d->faults[k].hit;
	*out = calloc(n + 1, sizeof(**out));
	if (!*out)
		return 0;
	n = 0;
	for (unsigned k = 0; k < d->n_faults; k++) {
		const struct demo_fault *f = &d->faults[k];

		if (!f->done || f->kind != kind || !f->lengths)
			continue;
		memcpy(*out + n, f->lengths, f->hit * sizeof(**out));
		n += f->hit;
	}
	qsort(*out, n, sizeof(**out), by_length);
	return n;
}

/* Milliseconds on a logarithmic axis from 10 ms to 10 s. */
static double log_x(const struct frame *c, double ms)
{
	double v = log10(ms < 10 ? 10 : ms > 20000 ? 20000 : ms);

	return c->x0 + (c->x1 - c->x0) * (v - 1) / (log10(20000) - 1);
}

void chart_outages(FILE *f, const struct demo *d)
{
	static const double ticks[] = {10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000};
	struct frame c = {.f = f, .x0 = 52, .x1 = 605, .y0 = 14, .y1 = 262, .top = 100};
	double ly = 300;

	fprintf(f, "<svg viewBox=\"0 0 620 %d\" role=\"img\" aria-label=\"distribution of outages\">\n", 292 + 18 * FAULT_REPAIR);
	value_axis(&c, 25, " %", 1);
	for (unsigned k = 0; k < sizeof(ticks) / sizeof(ticks[0]); k++) {
		char label[24];

		if (ticks[k] < 1000)
			snprintf(label, sizeof(label), "%.0f ms", ticks[k]);
		else
			snprintf(label, sizeof(label), "%.0f s", ticks[k] / 1000);
		fprintf(f, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/><text class=\"tick mid\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
			log_x(&c, ticks[k]), log_x(&c, ticks[k]), c.y0, c.y1, log_x(&c, ticks[k]), c.y1 + 16, label);
	}
	for (unsigned kind = 0; kind < FAULT_REPAIR; kind++) {
		usec_t *len;
		size_t n = lengths_of(d, kind, &len);

		if (n) {
			fprintf(f, "<path class=\"cdf k%u\" d=\"M%.1f %.1f", kind, log_x(&c, 10), fy(&c, 0));
			for (size_t k = 0; k < n; k++)
				fprintf(f, "H%.1fV%.1f", log_x(&c, (double)len[k] / 1e3), fy(&c, 100.0 * (double)(k + 1) / (double)n));
			fprintf(f, "H%.1f\"/>\n", c.x1);
		}
		fprintf(f, "<g class=\"key k%u\"><rect x=\"%.0f\" y=\"%.0f\" width=\"14\" height=\"4\" rx=\"2\"/><text x=\"%.0f\" y=\"%.0f\">%s: %zu outages</text></g>\n",
			kind, c.x0, ly - 6, c.x0 + 22, ly, fault_names[kind], n);
		ly += 18;
		free(len);
	}
	fprintf(f, "</svg>\n");
}
