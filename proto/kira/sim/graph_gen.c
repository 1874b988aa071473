/* SPDX-License-Identifier: BSD-2-Clause */
/* Generators of topologies, and the descriptions that name them. */
#include "proto/kira/sim/graph.h"

#include "base/rng.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char graph_help[] =
	"  line:N             a chain of N nodes\n"
	"  ring:N             a circle of N nodes\n"
	"  star:N             one node in the middle of N - 1\n"
	"  full:N             every node linked to every other\n"
	"  grid:WxH           a grid without wrap-around\n"
	"  rg:N[:DEG]         random geometric, mean degree about DEG (10)\n"
	"  ba:N[:M]           Barabasi-Albert, M links a new node (2)\n"
	"  ws:N[:K[:P]]       Watts-Strogatz, K neighbours (4), rewired with probability P (0.1)\n"
	"  fat-tree:K         the switches of a fat tree of K ports, K even\n"
	"  file:PATH[:NAME]   an edge list, perhaps compressed; NAME picks a graph of a collection\n";

/* Edges that grow. */
struct sketch {
	struct graph_edge *edge;
	size_t m;
	size_t cap;
	bool failed;
};

static void link_up(struct sketch *s, uint32_t u, uint32_t v)
{
	if (s->failed)
		return;
	if (s->m == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 256;
		void *p = cap > 2 * (size_t)GRAPH_MAX_EDGES ? NULL : realloc(s->edge, cap * sizeof(*s->edge));

		if (!p) {
			s->failed = true;
			return;
		}
		s->edge = p;
		s->cap = cap;
	}
	s->edge[s->m++] = (struct graph_edge){u, v};
}

struct args {
	uint32_t n[2];
	double x[2]; /* the same, and later arguments, as fractions */
	unsigned count;
};

static uint32_t make_line(struct sketch *s, const struct args *a, struct rng *rng)
{
	uint32_t i;

	for (i = 1; i < a->n[0]; i++)
		link_up(s, i - 1, i);
	return a->n[0];
}

static uint32_t make_ring(struct sketch *s, const struct args *a, struct rng *rng)
{
	if (a->n[0] > 2)
		link_up(s, a->n[0] - 1, 0);
	return make_line(s, a, rng);
}

static uint32_t make_star(struct sketch *s, const struct args *a, struct rng *rng)
{
	uint32_t i;

	for (i = 1; i < a->n[0]; i++)
		link_up(s, 0, i);
	return a->n[0];
}

static uint32_t make_full(struct sketch *s, const struct args *a, struct rng *rng)
{
	uint32_t i;
	uint32_t j;

	for (i = 0; i < a->n[0] && !s->failed; i++) {
		for (j = 0; j < i; j++)
			link_up(s, j, i);
	}
	return a->n[0];
}

static uint32_t make_grid(struct sketch *s, const struct args *a, struct rng *rng)
{
	uint32_t w = a->n[0];
	uint32_t h = a->n[1];
	uint32_t x;
	uint32_t y;

	for (y = 0; y < h; y++) {
		for (x = 0; x < w; x++) {
			if (x + 1 < w)
				link_up(s, y * w + x, y * w + x + 1);
			if (y + 1 < h)
				link_up(s, y * w + x, (y + 1) * w + x);
		}
	}
	return w * h;
}

/* Points uniform in the unit square, linked where nearer than sqrt(deg / (pi n)), no wrap-around (spec §3.4). A raster
 * of cells as wide as that radius keeps the search to nine cells a point. */
static uint32_t make_rg(struct sketch *s, const struct args *a, struct rng *rng)
{
	uint32_t n = a->n[0];
	double deg = a->count > 1 ? a->x[1] : 10;
	double radius = sqrt(deg / (M_PI * n));
	uint32_t side = radius >= 1 ? 1 : (uint32_t)fmin(1 / radius, 1024);
	double *x = calloc((size_t)n * 2 + 1, sizeof(*x));
	double *y = x + n;
	uint32_t *next = calloc((size_t)n + 1, sizeof(*next));
	uint32_t *cell = calloc((size_t)side * side, sizeof(*cell)); /* first point + 1 */
	uint32_t i;

	s->failed |= !x || !next || !cell;
	for (i = 0; i < n && !s->failed; i++) {
		int cx;
		int cy;
		int dx;
		int dy;

		x[i] = rng_unit(rng);
		y[i] = rng_unit(rng);
		cx = (int)(x[i] * side);
		cy = (int)(y[i] * side);
		for (dx = -1; dx <= 1; dx++) {
			for (dy = -1; dy <= 1; dy++) {
				uint32_t j;

				if (cx + dx < 0 || cy + dy < 0 || cx + dx >= (int)side || cy + dy >= (int)side)
					continue;
				for (j = cell[(cx + dx) * (int)side + cy + dy]; j; j = next[j - 1]) {
					double ex = x[i] - x[j - 1];
					double ey = y[i] - y[j - 1];

					if (ex * ex + ey * ey < radius * radius)
						link_up(s, j - 1, i);
				}
			}
		}
		next[i] = cell[cx * (int)side + cy];
		cell[cx * (int)side + cy] = i + 1;
	}
	free(x);
	free(next);
	free(cell);
	return n;
}

/* Starts with a complete graph of m + 1 nodes (a triangle for m = 2); each new node takes m distinct targets, each with
 * a probability in proportion to its degree: a random end of a random edge (spec §3.4). */
static uint32_t make_ba(struct sketch *s, const struct args *a, struct rng *rng)
{
	uint32_t m = a->count > 1 ? a->n[1] : 2;
	uint32_t n = a->n[0];
	uint32_t i;
	uint32_t j;

	for (i = 1; i <= m && i < n; i++) {
		for (j = 0; j < i; j++)
			link_up(s, j, i);
	}
	for (i = m + 1; i < n && !s->failed; i++) {
		size_t before = s->m;

		while (s->m < before + m && !s->failed) {
			struct graph_edge e = s->edge[rng_below(rng, before)];
			uint32_t to = rng_below(rng, 2) ? e.u : e.v;

			for (j = 0; j < s->m - before && s->edge[before + j].u != to; j++)
				;
			if (j == s->m - before)
				link_up(s, to, i);
		}
	}
	return n;
}

static bool linked(const struct sketch *s, const uint8_t *busy, uint32_t n, uint32_t u, uint32_t v)
{
	size_t i;

	if (u == v)
		return true;
	if (busy)
		return busy[(size_t)u * n + v];
	for (i = 0; i < s->m; i++) {
		if ((s->edge[i].u == u && s->edge[i].v == v) || (s->edge[i].u == v && s->edge[i].v == u))
			return true;
	}
	return false;
}

/* A ring in which each node is linked to its k nearest; the far end of each link moves, with probability p, to a random
 * node (Watts and Strogatz 1998). */
static uint32_t make_ws(struct sketch *s, const struct args *a, struct rng *rng)
{
	uint32_t n = a->n[0];
	uint32_t k = a->count > 1 ? a->n[1] : 4;
	double p = a->count > 2 ? a->x[1] : 0.1;
	uint8_t *busy = n <= 16384 ? calloc((size_t)n * n + 1, 1) : NULL;
	uint32_t i;
	uint32_t d;
	size_t e;

	for (d = 1; d <= k / 2; d++) {
		for (i = 0; i < n; i++) {
			uint32_t j = (i + d) % n;

			link_up(s, i, j);
			if (busy)
				busy[(size_t)i * n + j] = busy[(size_t)j * n + i] = 1;
		}
	}
	for (e = 0; e < s->m && !s->failed; e++) {
		uint32_t u = s->edge[e].u;
		uint32_t v = s->edge[e].v;
		uint32_t to = (uint32_t)rng_below(rng, n);

		if (rng_unit(rng) >= p || linked(s, busy, n, u, to))
			continue;
		s->edge[e].v = to;
		if (busy) {
			busy[(size_t)u * n + v] = busy[(size_t)v * n + u] = 0;
			busy[(size_t)u * n + to] = busy[(size_t)to * n + u] = 1;
		}
	}
	free(busy);
	return n;
}

/* k pods of k/2 edge and k/2 aggregation switches, (k/2)^2 core switches (Al-Fares et al. 2008). Cores come first. */
static uint32_t make_fat_tree(struct sketch *s, const struct args *a, struct rng *rng)
{
	uint32_t half = a->n[0] / 2;
	uint32_t cores = half * half;
	uint32_t pod;
	uint32_t i;
	uint32_t j;

	for (pod = 0; pod < 2 * half; pod++) {
		uint32_t agg = cores + pod * 2 * half;
		uint32_t edge = agg + half;

		for (i = 0; i < half; i++) {
			for (j = 0; j < half; j++) {
				link_up(s, i * half + j, agg + i);
				link_up(s, agg + i, edge + j);
			}
		}
	}
	return cores + 4 * half * half;
}

struct generator {
	const char *name;
	char separator;
	unsigned least_args;
	unsigned most_args;
	uint32_t least; /* the first argument's bounds */
	uint32_t most;
	uint32_t (*make)(struct sketch *, const struct args *, struct rng *);
};

static const struct generator generators[] = {
	{"line", ':', 1, 1, 1, GRAPH_MAX_NODES, make_line},
	{"ring", ':', 1, 1, 1, GRAPH_MAX_NODES, make_ring},
	{"star", ':', 1, 1, 1, GRAPH_MAX_NODES, make_star},
	{"full", ':', 1, 1, 1, 4096, make_full},
	{"grid", 'x', 2, 2, 1, 65536, make_grid},
	{"rg", ':', 1, 2, 1, GRAPH_MAX_NODES, make_rg},
	{"ba", ':', 1, 2, 3, GRAPH_MAX_NODES, make_ba},
	{"ws", ':', 1, 3, 3, GRAPH_MAX_NODES, make_ws},
	{"fat-tree", ':', 1, 1, 2, 128, make_fat_tree},
};

/* "1000:10:0.1" into numbers; false where it is not of that form. The whole ones are limited to GRAPH_MAX_NODES. */
static bool parse_args(const char *text, char separator, unsigned most, struct args *a)
{
	*a = (struct args){0};
	for (;;) {
		char *end;
		double v;

		if (a->count == most || *text < '0' || *text > '9')
			return false;
		v = strtod(text, &end);
		if (!(v <= GRAPH_MAX_NODES) || (a->count == 0 && v != floor(v)))
			return false;
		if (a->count < 2)
			a->n[a->count] = (uint32_t)v;
		a->x[a->count ? 1 : 0] = v; /* the last one after the first */
		a->count++;
		if (*end == '\0')
			return true;
		if (*end != separator)
			return false;
		text = end + 1;
	}
}

/* What makes no sense for this generator; NULL: all is well. */
static const char *objection(const struct generator *gen, const struct args *a)
{
	if (a->count < gen->least_args)
		return "too few numbers";
	if (a->n[0] < gen->least || a->n[0] > gen->most)
		return "the first number is out of range";
	if (gen->make == make_grid && (a->n[1] < 1 || (uint64_t)a->n[0] * a->n[1] > GRAPH_MAX_NODES))
		return "the grid has no node or too many";
	if (gen->make == make_fat_tree && a->n[0] % 2)
		return "a fat tree has an even number of ports";
	if (gen->make == make_ba && a->count > 1 && (a->n[1] < 1 || a->n[1] >= a->n[0] || a->n[1] > 64))
		return "links a new node: 1 to 64, and fewer than nodes";
	if (gen->make == make_rg && a->count > 1 && (a->x[1] <= 0 || a->x[1] > 1000))
		return "the degree must be above 0 and at most 1000";
	if (gen->make == make_ws && a->count > 1 && (a->n[1] < 2 || a->n[1] % 2 || a->n[1] >= a->n[0] || a->n[1] > 64))
		return "neighbours: an even number from 2 to 64, fewer than nodes";
	if (gen->make == make_ws && a->count > 2 && a->x[1] > 1)
		return "the probability is at most 1";
	return NULL;
}

static int refuse(struct err *err, const char *spec, const char *why)
{
	err_set(err, -EINVAL, "%s", why);
	err_where(err, "topology %.100s", spec);
	err_mend(err, "for example grid:6x6, ring:100, rg:1000:10, ba:1000:2, fat-tree:8, file:PATH:NAME");
	return -EINVAL;
}

static int make_file(struct graph *g, const char *spec, struct err *err)
{
	const char *path = spec + strlen("file:");
	const char *colon = strrchr(path, ':');
	char copy[4096];
	size_t n = colon ? (size_t)(colon - path) : strlen(path);

	if (n >= sizeof(copy) || n == 0)
		return refuse(err, spec, "no file name, or too long a one");
	memcpy(copy, path, n);
	copy[n] = '\0';
	return graph_load(g, copy, colon ? colon + 1 : NULL, err);
}

int graph_make(struct graph *g, const char *spec, uint64_t seed, struct err *err)
{
	struct sketch s = {0};
	struct args a;
	struct rng rng;
	const char *why;
	uint32_t n;
	size_t i;
	int rc;

	*g = (struct graph){0};
	if (strncmp(spec, "file:", 5) == 0)
		return make_file(g, spec, err);
	for (i = 0; i < sizeof(generators) / sizeof(*generators); i++) {
		const struct generator *gen = &generators[i];
		size_t len = strlen(gen->name);

		if (strncmp(spec, gen->name, len) != 0 || spec[len] != ':')
			continue;
		if (!parse_args(spec + len + 1, gen->separator, gen->most_args, &a))
			return refuse(err, spec, "the numbers do not fit this kind of topology");
		why = objection(gen, &a);
		if (why)
			return refuse(err, spec, why);
		rng_seed(&rng, seed);
		n = gen->make(&s, &a, &rng);
		if (s.failed) {
			free(s.edge);
			return err_set(err, -ENOMEM, "no memory for topology %.100s", spec);
		}
		rc = graph_build(g, n, s.edge, s.m);
		if (rc < 0)
			return err_set(err, rc, "topology %.100s has too many edges", spec);
		snprintf(g->name, sizeof(g->name), "%.95s", spec);
		return 0;
	}
	return refuse(err, spec, "no such kind of topology");
}
