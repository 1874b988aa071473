/* SPDX-License-Identifier: BSD-2-Clause */
/* Surveys: all pairs, or a sample, at one instant.
 *
 * While nothing changes, a segment depends only on the node and the entry it begins with, not on the destination, and
 * the rest of a way only on the node and the destination. So for all pairs each segment is walked once and each node's
 * way to a destination is resolved once. */
#include "proto/kira/sim/check_impl.h"

#include <errno.h>
#include <stdlib.h>

#define SAMPLE_PER_DST 40

struct known {
	struct kira_fwd to;
	struct segment segment;
	uint32_t node; /* + 1; 0: an empty slot */
};

struct way {
	uint32_t next; /* while it is being resolved */
	uint32_t hops;
	uint32_t where;
	uint8_t overlay;
	uint8_t end;
	uint8_t state; /* 0 unknown, 1 being resolved, 2 known */
};

struct surveyor {
	struct check *c;
	struct survey *out;
	struct known *known; /* open addressing */
	uint32_t mask;
	uint32_t n_known;
	struct way *way;
	uint32_t *stack;
	float *stretch;
	size_t n_stretch;
	size_t cap_stretch;
	uint64_t sum_shortest;
	uint64_t sum_hops;
	uint64_t sum_overlay;
	uint64_t on_shortest;
	double sum_stretch;
	int failed;
};

static uint32_t hash_entry(uint32_t node, const struct kira_fwd *to)
{
	uint64_t h;

	memcpy(&h, to->label.b, sizeof(h));
	h = (h ^ node) * 0x9e3779b97f4a7c15u;
	h = (h ^ h >> 29 ^ to->link) * 0xbf58476d1ce4e5b9u;
	return (uint32_t)(h >> 32);
}

static bool same_entry(const struct kira_fwd *a, const struct kira_fwd *b)
{
	return a->kind == b->kind && a->bypass == b->bypass && a->link == b->link &&
	       memcmp(&a->via, &b->via, sizeof(a->via)) == 0 &&
	       (a->kind != KIRA_FWD_PATH || kira_id_eq(&a->label, &b->label)) &&
	       (!a->bypass || kira_id_eq(&a->outer, &b->outer));
}

static struct known *slot(struct surveyor *v, uint32_t node, const struct kira_fwd *to)
{
	uint32_t i = hash_entry(node, to) & v->mask;

	while (v->known[i].node && !(v->known[i].node == node + 1 && same_entry(&v->known[i].to, to)))
		i = (i + 1) & v->mask;
	return &v->known[i];
}

static int grow(struct surveyor *v)
{
	struct known *old = v->known;
	uint32_t n = old ? v->mask + 1 : 0;
	uint32_t size = n ? n * 2 : 4096;
	uint32_t i;

	v->known = calloc(size, sizeof(*v->known));
	if (!v->known) {
		v->known = old;
		return -ENOMEM;
	}
	v->mask = size - 1;
	for (i = 0; i < n; i++) {
		if (old[i].node)
			*slot(v, old[i].node - 1, &old[i].to) = old[i];
	}
	free(old);
	return 0;
}

static struct segment segment(struct surveyor *v, uint32_t node, const struct kira_fwd *to)
{
	struct known *k;

	if ((!v->known || v->n_known * 2 > v->mask) && grow(v) < 0) {
		v->failed = -ENOMEM;
		return (struct segment){.node = node, .end = WALK_NO_NODE};
	}
	k = slot(v, node, to);
	if (!k->node) {
		*k = (struct known){.node = node + 1, .to = *to, .segment = walk_segment(v->c->s, node, to)};
		v->n_known++;
	}
	return k->segment;
}

static void tally(struct surveyor *v, uint32_t src, uint32_t dst, const struct way *w)
{
	uint32_t shortest = v->c->dist[src];
	struct survey *o = v->out;
	double stretch;

	check_note_walk(v->c, src, dst, w->end);
	o->pairs++;
	o->ends[w->end]++;
	if (w->end != WALK_DELIVERED) {
		if (o->n_failures < CHECK_FAILURES_KEPT)
			o->failure[o->n_failures++] = (struct check_failure){src, dst, w->where, w->end};
		return;
	}
	o->reached++;
	stretch = (double)w->hops / shortest;
	v->sum_shortest += shortest;
	v->sum_hops += w->hops;
	v->sum_overlay += w->overlay;
	v->sum_stretch += stretch;
	v->on_shortest += w->hops == shortest;
	if (w->overlay > o->overlay_max)
		o->overlay_max = w->overlay;
	if (v->n_stretch == v->cap_stretch) {
		size_t cap = v->cap_stretch ? v->cap_stretch * 2 : 4096;
		void *p = realloc(v->stretch, cap * sizeof(*v->stretch));

		if (!p) {
			v->failed = -ENOMEM;
			return;
		}
		v->stretch = p;
		v->cap_stretch = cap;
	}
	v->stretch[v->n_stretch++] = (float)stretch;
}

/* One step of the way from `node`: known at once, or leads to another node. */
static void step(struct surveyor *v, uint32_t node, uint32_t dst)
{
	struct sim *s = v->c->s;
	struct way *w = &v->way[node];
	const struct kira_fwd *to = kira_lookup_node(s->node[node].k, &s->node[dst].id);
	struct segment g;

	*w = (struct way){.where = node, .state = 1};
	if (walk_stops(to, &w->end)) {
		if (w->end == WALK_DELIVERED && node != dst)
			w->end = WALK_BAD_ENTRY;
		w->state = 2;
		return;
	}
	g = segment(v, node, to);
	w->hops = g.hops;
	w->overlay = 1;
	w->where = g.node;
	w->end = g.end;
	w->next = g.node;
	if (g.end != WALK_DELIVERED)
		w->state = 2;
}

/* Follows the way from src until something known, then settles all nodes on it from the end. */
static void resolve(struct surveyor *v, uint32_t src, uint32_t dst)
{
	struct way *w = v->way;
	uint32_t n = 0;
	uint32_t at = src;

	while (w[at].state == 0) {
		step(v, at, dst);
		if (w[at].state == 2)
			break;
		v->stack[n++] = at;
		at = w[at].next;
	}
	if (w[at].state == 1)
		w[at].end = WALK_LOOP;
	while (n > 0) {
		struct way *x = &w[v->stack[--n]];
		const struct way *y = &w[x->next];

		x->state = 2;
		x->where = y->where;
		x->hops += y->hops;
		x->end = x->end == WALK_LOOP ? WALK_LOOP : y->end;
		x->overlay = y->overlay < WALK_HOPS ? (uint8_t)(y->overlay + 1) : WALK_HOPS + 1;
		if (x->overlay > WALK_HOPS && x->end == WALK_DELIVERED)
			x->end = WALK_HOP_LIMIT;
	}
}

static void to_destination(struct surveyor *v, uint32_t dst)
{
	struct check *c = v->c;
	uint32_t n = c->s->g->n;
	uint32_t i;

	graph_bfs(c->s->g, dst, c->edge_off, c->node_off, c->dist, c->queue);
	memset(v->way, 0, n * sizeof(*v->way));
	for (i = 0; i < n && !v->failed; i++) {
		if (i == dst || c->dist[i] == GRAPH_FAR)
			continue;
		resolve(v, i, dst);
		tally(v, i, dst, &v->way[i]);
	}
}

static void sample_destination(struct surveyor *v, uint32_t dst, uint32_t sources)
{
	struct check *c = v->c;
	uint32_t i;

	graph_bfs(c->s->g, dst, c->edge_off, c->node_off, c->dist, c->queue);
	for (i = 0; i < sources && !v->failed; i++) {
		uint32_t src = (uint32_t)rng_below(&c->rng, c->s->g->n);
		struct walk w;

		if (src == dst || c->dist[src] == GRAPH_FAR)
			continue;
		w = walk_packet(c->s, src, dst, NULL, 0);
		tally(v, src, dst, &(struct way){.hops = w.hops, .where = w.node, .end = w.end,
						 .overlay = (uint8_t)(w.overlay + 1)});
	}
}

static int by_value(const void *a, const void *b)
{
	const float *x = a;
	const float *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double quantile(const struct surveyor *v, double q)
{
	size_t i = (size_t)(q * (double)v->n_stretch);

	return (double)v->stretch[i < v->n_stretch ? i : v->n_stretch - 1];
}

static void conclude(struct surveyor *v)
{
	struct survey *o = v->out;
	double n = (double)o->reached;

	if (o->reached == 0)
		return;
	qsort(v->stretch, v->n_stretch, sizeof(*v->stretch), by_value);
	o->shortest_mean = (double)v->sum_shortest / n;
	o->hops_mean = (double)v->sum_hops / n;
	o->overlay_mean = (double)v->sum_overlay / n;
	o->shortest_share = (double)v->on_shortest / n;
	o->stretch_mean = v->sum_stretch / n;
	o->stretch_p50 = quantile(v, 0.5);
	o->stretch_p95 = quantile(v, 0.95);
	o->stretch_p99 = quantile(v, 0.99);
	o->stretch_max = quantile(v, 1);
}

int check_survey(struct check *c, struct survey *out)
{
	struct surveyor v = {.c = c, .out = out};
	uint32_t n = c->s->g->n;
	uint32_t sample = c->params.sample;
	uint32_t i;

	*out = (struct survey){.at = c->s->now, .sampled = sample != 0};
	v.way = calloc((size_t)n + 1, sizeof(*v.way));
	v.stack = calloc((size_t)n + 1, sizeof(*v.stack));
	if (!v.way || !v.stack)
		v.failed = -ENOMEM;
	sim_usable(c->s, c->edge_off, c->node_off);
	for (i = 0; !sample && i < n && !v.failed; i++)
		to_destination(&v, i);
	for (i = 0; sample && i < sample && !v.failed; i += SAMPLE_PER_DST)
		sample_destination(&v, (uint32_t)rng_below(&c->rng, n),
				   sample - i < SAMPLE_PER_DST ? sample - i : SAMPLE_PER_DST);
	if (!v.failed)
		conclude(&v);
	free(v.way);
	free(v.stack);
	free(v.known);
	free(v.stretch);
	return v.failed;
}
