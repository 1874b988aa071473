/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/sim/graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_ends(const void *a, const void *b)
{
	const struct graph_edge *x = a;
	const struct graph_edge *y = b;

	if (x->u != y->u)
		return x->u < y->u ? -1 : 1;
	return x->v < y->v ? -1 : x->v > y->v;
}

/* Puts edges as u < v, sorted and without doubles. Returns how many are left, or -EINVAL. */
static int64_t tidy(struct graph_edge *edge, size_t m, uint32_t n)
{
	size_t i;
	size_t kept = 0;

	for (i = 0; i < m; i++) {
		struct graph_edge e = edge[i];

		if (e.u == e.v || e.u >= n || e.v >= n)
			return -EINVAL;
		if (e.u > e.v)
			edge[i] = (struct graph_edge){e.v, e.u};
	}
	if (m > 1)
		qsort(edge, m, sizeof(*edge), by_ends);
	for (i = 0; i < m; i++) {
		if (kept == 0 || by_ends(&edge[kept - 1], &edge[i]) != 0)
			edge[kept++] = edge[i];
	}
	return (int64_t)kept;
}

/* Edges come sorted by (u, v): filling first the arcs to lower neighbours and then those to higher ones leaves the arcs
 * of each node sorted. */
static void fill_arcs(struct graph *g, uint32_t *at)
{
	uint32_t i;

	for (i = 0; i < g->m; i++) {
		g->first[g->edge[i].u + 1]++;
		g->first[g->edge[i].v + 1]++;
	}
	for (i = 0; i < g->n; i++)
		g->first[i + 1] += g->first[i];
	memcpy(at, g->first, g->n * sizeof(*at));
	for (i = 0; i < g->m; i++)
		g->arc[at[g->edge[i].v]++] = (struct graph_arc){g->edge[i].u, i};
	for (i = 0; i < g->m; i++)
		g->arc[at[g->edge[i].u]++] = (struct graph_arc){g->edge[i].v, i};
}

int graph_build(struct graph *g, uint32_t n, struct graph_edge *edge, size_t m)
{
	int64_t kept = m > GRAPH_MAX_EDGES || n > GRAPH_MAX_NODES ? -EINVAL : tidy(edge, m, n);
	uint32_t *at;

	*g = (struct graph){.n = n, .made_n = n};
	if (kept < 0) {
		free(edge);
		return (int)kept;
	}
	g->m = (uint32_t)kept;
	g->edge = edge;
	g->first = calloc((size_t)n + 1, sizeof(*g->first));
	g->arc = calloc(2 * (size_t)g->m + 1, sizeof(*g->arc));
	at = calloc((size_t)n + 1, sizeof(*at));
	if (!g->first || !g->arc || !at) {
		free(at);
		graph_free(g);
		return -ENOMEM;
	}
	fill_arcs(g, at);
	free(at);
	return 0;
}

void graph_free(struct graph *g)
{
	free(g->edge);
	free(g->first);
	free(g->arc);
	*g = (struct graph){0};
}

const struct graph_arc *graph_find(const struct graph *g, uint32_t u, uint32_t v)
{
	uint32_t lo;
	uint32_t hi;

	if (u >= g->n)
		return NULL;
	lo = g->first[u];
	hi = g->first[u + 1];
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (g->arc[mid].to == v)
			return &g->arc[mid];
		if (g->arc[mid].to < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

void graph_bfs(const struct graph *g, uint32_t from, const uint8_t *edge_off, const uint8_t *node_off,
	       uint32_t *dist, uint32_t *queue)
{
	uint32_t head = 0;
	uint32_t tail = 0;
	uint32_t i;

	for (i = 0; i < g->n; i++)
		dist[i] = GRAPH_FAR;
	if (node_off && node_off[from])
		return;
	dist[from] = 0;
	queue[tail++] = from;
	while (head < tail) {
		uint32_t u = queue[head++];

		for (i = g->first[u]; i < g->first[u + 1]; i++) {
			uint32_t v = g->arc[i].to;

			if (dist[v] != GRAPH_FAR || (edge_off && edge_off[g->arc[i].edge]) ||
			    (node_off && node_off[v]))
				continue;
			dist[v] = dist[u] + 1;
			queue[tail++] = v;
		}
	}
}

int graph_components(const struct graph *g, uint32_t *part)
{
	uint32_t *queue = malloc(((size_t)g->n + 1) * sizeof(*queue));
	uint32_t start;
	int parts = 0;

	if (!queue)
		return -ENOMEM;
	memset(part, 0xff, g->n * sizeof(*part));
	for (start = 0; start < g->n; start++) {
		uint32_t head = 0;
		uint32_t tail = 0;

		if (part[start] != UINT32_MAX)
			continue;
		part[start] = (uint32_t)parts;
		queue[tail++] = start;
		while (head < tail) {
			uint32_t u = queue[head++];
			uint32_t i;

			for (i = g->first[u]; i < g->first[u + 1]; i++) {
				if (part[g->arc[i].to] != UINT32_MAX)
					continue;
				part[g->arc[i].to] = (uint32_t)parts;
				queue[tail++] = g->arc[i].to;
			}
		}
		parts++;
	}
	free(queue);
	return parts;
}

/* The number of the component with the most nodes. */
static int biggest(const uint32_t *part, uint32_t n, int parts, uint32_t *which)
{
	uint32_t *size = calloc((size_t)parts + 1, sizeof(*size));
	uint32_t i;

	if (!size)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		size[part[i]]++;
	*which = 0;
	for (i = 1; i < (uint32_t)parts; i++) {
		if (size[i] > size[*which])
			*which = i;
	}
	free(size);
	return 0;
}

int graph_largest(struct graph *g, uint32_t *old)
{
	uint32_t *part = calloc((size_t)g->n + 1, sizeof(*part));
	struct graph_edge *edge = malloc(((size_t)g->m + 1) * sizeof(*edge));
	struct graph out;
	uint32_t which;
	uint32_t n = 0;
	uint32_t m = 0;
	uint32_t i;
	int rc = part && edge ? graph_components(g, part) : -ENOMEM;

	if (rc >= 0)
		rc = biggest(part, g->n, rc, &which);
	if (rc < 0) {
		free(part);
		free(edge);
		return rc;
	}
	for (i = 0; i < g->n; i++) {
		bool keep = part[i] == which;

		if (keep && old)
			old[n] = i;
		part[i] = keep ? n++ : UINT32_MAX;
	}
	for (i = 0; i < g->m; i++) {
		if (part[g->edge[i].u] != UINT32_MAX)
			edge[m++] = (struct graph_edge){part[g->edge[i].u], part[g->edge[i].v]};
	}
	free(part);
	rc = graph_build(&out, n, edge, m);
	if (rc < 0)
		return rc;
	memcpy(out.name, g->name, sizeof(out.name));
	out.made_n = g->made_n;
	graph_free(g);
	*g = out;
	return 0;
}

int64_t graph_diameter(const struct graph *g)
{
	uint32_t *dist = malloc(((size_t)g->n + 1) * sizeof(*dist));
	uint32_t *queue = malloc(((size_t)g->n + 1) * sizeof(*queue));
	int64_t most = 0;
	uint32_t from;
	uint32_t i;

	if (!dist || !queue)
		most = -ENOMEM;
	for (from = 0; most >= 0 && from < g->n; from++) {
		graph_bfs(g, from, NULL, NULL, dist, queue);
		for (i = 0; i < g->n; i++) {
			if (dist[i] != GRAPH_FAR && dist[i] > most)
				most = dist[i];
		}
	}
	free(dist);
	free(queue);
	return most;
}
