/* SPDX-License-Identifier: BSD-2-Clause */
/* Places for a drawing by stress majorization (Gansner, Koren, North, "Graph Drawing by Stress Majorization", 2004):
 * nodes come to lie as far from each other as they are hops apart. A few random starts, the best is kept. */
#include "lab/demo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 6
#define ROUNDS 150

struct layout {
	unsigned n;
	double *d; /* wanted distances, n * n */
	double *x;
	double *y;
};

static void one_round(struct layout *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		double sx = 0;
		double sy = 0;
		double sw = 0;

		for (unsigned j = 0; j < l->n; j++) {
			double want = l->d[i * l->n + j];
			double dx = l->x[i] - l->x[j];
			double dy = l->y[i] - l->y[j];
			double is = hypot(dx, dy);
			double w;

			if (i == j)
				continue;
			w = 1 / (want * want);
			if (is < 1e-9)
				is = 1e-9;
			sx += w * (l->x[j] + want * dx / is);
			sy += w * (l->y[j] + want * dy / is);
			sw += w;
		}
		if (sw > 0) {
			l->x[i] = sx / sw;
			l->y[i] = sy / sw;
		}
	}
}

static double stress(const struct layout *l)
{
	double s = 0;

	for (unsigned i = 0; i < l->n; i++)
		for (unsigned j = 0; j < i; j++) {
			double want = l->d[i * l->n + j];
			double off = hypot(l->x[i] - l->x[j], l->y[i] - l->y[j]) - want;

			s += off * off / (want * want);
		}
	return s;
}

static bool distances(struct layout *l, const struct graph *g)
{
	uint32_t *dist = calloc(g->n, sizeof(*dist));
	uint32_t *queue = calloc(g->n, sizeof(*queue));

	for (unsigned i = 0; dist && queue && i < g->n; i++) {
		graph_bfs(g, i, NULL, NULL, dist, queue);
		for (unsigned j = 0; j < g->n; j++)
			l->d[i * g->n + j] = dist[j] == GRAPH_FAR ? sqrt(g->n) + 2 : dist[j];
	}
	free(dist);
	free(queue);
	return dist && queue;
}

/* Turns the longest extent into the horizontal and scales into the unit square. */
static void fit(unsigned n, double *x, double *y)
{
	double mx = 0, my = 0, xx = 0, xy = 0, yy = 0;
	double lo[2] = {1e9, 1e9};
	double hi[2] = {-1e9, -1e9};
	double a;

	for (unsigned i = 0; i < n; i++) {
		mx += x[i] / n;
		my += y[i] / n;
	}
	for (unsigned i = 0; i < n; i++) {
		xx += (x[i] - mx) * (x[i] - mx);
		xy += (x[i] - mx) * (y[i] - my);
		yy += (y[i] - my) * (y[i] - my);
	}
	a = -0.5 * atan2(2 * xy, xx - yy);
	for (unsigned i = 0; i < n; i++) {
		double px = x[i] - mx;
		double py = y[i] - my;

		x[i] = px * cos(a) - py * sin(a);
		y[i] = px * sin(a) + py * cos(a);
		lo[0] = fmin(lo[0], x[i]);
		hi[0] = fmax(hi[0], x[i]);
		lo[1] = fmin(lo[1], y[i]);
		hi[1] = fmax(hi[1], y[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		x[i] = hi[0] > lo[0] ? (x[i] - lo[0]) / (hi[0] - lo[0]) : 0.5;
		y[i] = hi[1] > lo[1] ? (y[i] - lo[1]) / (hi[1] - lo[1]) : 0.5;
	}
}

void layout_make(const struct graph *g, uint64_t seed, double *x, double *y)
{
	unsigned n = g->n;
	struct layout l = {n, calloc((size_t)n * n, sizeof(double)), calloc(n, sizeof(double)), calloc(n, sizeof(double))};
	double best = INFINITY;
	struct rng rng;

	rng_seed(&rng, seed);
	memset(x, 0, n * sizeof(*x));
	memset(y, 0, n * sizeof(*y));
	if (l.d && l.x && l.y && distances(&l, g)) {
		for (unsigned t = 0; t < TRIES; t++) {
			double s;

			for (unsigned i = 0; i < n; i++) {
				l.x[i] = rng_unit(&rng) * sqrt(n);
				l.y[i] = rng_unit(&rng) * sqrt(n);
			}
			for (unsigned r = 0; r < ROUNDS; r++)
				one_round(&l);
			s = stress(&l);
			if (s >= best)
				continue;
			best = s;
			memcpy(x, l.x, n * sizeof(*x));
			memcpy(y, l.y, n * sizeof(*y));
		}
	}
	free(l.d);
	free(l.x);
	free(l.y);
	fit(n, x, y);
}
