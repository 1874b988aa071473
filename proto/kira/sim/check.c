/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/sim/check.h"
#include "proto/kira/sim/check_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FULL_RETRY_MAX SEC(4)

void check_params_default(struct check_params *p)
{
	*p = (struct check_params){.seed = 1, .scan = MSEC(100), .retry = MSEC(10), .watch = 1000, .want = true};
}

static int by_time(const void *a, const void *b)
{
	const usec_t *x = a;
	const usec_t *y = b;

	return *x < *y ? -1 : *x > *y;
}

usec_t check_quantile(usec_t *v, size_t n, double q)
{
	size_t i;

	if (n == 0)
		return 0;
	qsort(v, n, sizeof(*v), by_time);
	i = (size_t)(q * (double)n);
	return v[i < n ? i : n - 1];
}

static int note_outage(struct check_fault *f, usec_t took)
{
	if (f->n == f->cap) {
		uint32_t cap = f->cap ? f->cap * 2 : 64;
		void *p = realloc(f->outage, cap * sizeof(*f->outage));

		if (!p)
			return -ENOMEM;
		f->outage = p;
		f->cap = cap;
	}
	f->outage[f->n++] = took;
	return 0;
}

static void note_loop(struct check *c, uint32_t src, uint32_t dst)
{
	struct check_loop *l;
	struct walk w;

	c->n_loops++;
	if (c->n_loops_kept == CHECK_LOOPS_KEPT)
		return;
	l = &c->loop[c->n_loops_kept++];
	*l = (struct check_loop){.at = c->s->now, .src = src, .dst = dst};
	w = walk_packet(c->s, src, dst, l->trail, CHECK_TRAIL);
	l->n_trail = w.hops + 1 < CHECK_TRAIL ? w.hops + 1 : CHECK_TRAIL;
}

void check_note_walk(struct check *c, uint32_t src, uint32_t dst, uint8_t end)
{
	c->n_walks++;
	if (end == WALK_LOOP)
		note_loop(c, src, dst);
}

static void close_outage(struct check *c, struct pair *p)
{
	struct check_fault *f = &c->fault[p->fault];

	f->open--;
	c->n_open--;
	if (note_outage(f, c->s->now - p->since) < 0)
		c->failed = -ENOMEM;
	p->state = PAIR_OK;
}

static void open_outage(struct check *c, struct pair *p, uint8_t why)
{
	struct check_fault *f = &c->fault[c->n_faults - 1];

	f->hit++;
	f->open++;
	f->by_reason[why]++;
	c->n_open++;
	p->fault = c->n_faults - 1;
	p->since = c->s->now;
	p->state = PAIR_OUT;
}

/* A pair that the graph no longer connects: its outage, if it had one, does not count. */
static void cut(struct check *c, struct pair *p)
{
	if (p->state == PAIR_OUT) {
		c->fault[p->fault].open--;
		c->fault[p->fault].hit--;
		c->n_open--;
	}
	p->state = PAIR_CUT;
}

static void look(struct check *c, struct pair *p)
{
	struct walk w;

	if (c->part[p->src] != c->part[p->dst] || c->node_off[p->src] || c->node_off[p->dst]) {
		cut(c, p);
		return;
	}
	w = walk_packet(c->s, p->src, p->dst, NULL, 0);
	check_note_walk(c, p->src, p->dst, w.end);
	if (w.end == WALK_DELIVERED) {
		if (p->state == PAIR_OUT)
			close_outage(c, p);
		p->state = PAIR_OK;
		return;
	}
	if (p->state != PAIR_OUT)
		open_outage(c, p, w.end);
	if (w.end == WALK_NO_NODE && c->params.want)
		sim_want(c->s, w.node, &c->s->node[p->dst].id);
}

/* Components of what can carry packets now. */
static void map_topology(struct check *c)
{
	const struct graph *g = c->s->g;
	uint32_t start;

	sim_usable(c->s, c->edge_off, c->node_off);
	for (start = 0; start < g->n; start++)
		c->part[start] = UINT32_MAX;
	for (start = 0; start < g->n; start++) {
		uint32_t head = 0;
		uint32_t tail = 0;

		if (c->part[start] != UINT32_MAX)
			continue;
		c->part[start] = start;
		c->queue[tail++] = start;
		while (head < tail && !c->node_off[start]) {
			uint32_t u = c->queue[head++];
			uint32_t i;

			for (i = g->first[u]; i < g->first[u + 1]; i++) {
				uint32_t v = g->arc[i].to;

				if (c->part[v] != UINT32_MAX || c->edge_off[g->arc[i].edge] || c->node_off[v])
					continue;
				c->part[v] = start;
				c->queue[tail++] = v;
			}
		}
	}
	c->seen_topology = c->s->topology_changes;
}

static void scan(struct check *c, bool open_only)
{
	uint32_t i;

	for (i = 0; i < c->n_pairs; i++) {
		if (!open_only || c->pair[i].state == PAIR_OUT)
			look(c, &c->pair[i]);
	}
	c->seen_tables = c->s->table_changes;
	if (!open_only) {
		c->scanned_tables = c->seen_tables;
		c->scanned_at = c->s->now;
	}
}

/* Watches from now on what a survey found out of reach: the next one waits until these are well. */
static void watch_failures(struct check *c, const struct survey *v)
{
	uint32_t i;

	for (i = 0; i < v->n_failures && c->n_pairs < c->cap_pairs; i++) {
		struct pair *p = &c->pair[c->n_pairs++];

		*p = (struct pair){.src = v->failure[i].src, .dst = v->failure[i].dst};
		look(c, p);
	}
}

static void try_full(struct check *c)
{
	struct survey v;

	if (c->full_at != USEC_NEVER || c->n_open || c->s->now < c->s->last_start || c->s->now < c->next_full)
		return;
	if (check_survey(c, &v) < 0) {
		c->failed = -ENOMEM;
		return;
	}
	if (v.reached == v.pairs) {
		c->full_at = c->s->now;
		return;
	}
	c->next_full = c->s->now + c->full_retry;
	c->full_retry = c->full_retry * 2 < FULL_RETRY_MAX ? c->full_retry * 2 : FULL_RETRY_MAX;
	watch_failures(c, &v);
}

static void on_timer(struct sim_timer *t)
{
	struct check *c = t->ctx;
	struct sim *s = c->s;

	if (c->seen_topology != s->topology_changes) {
		map_topology(c);
		scan(c, false);
	} else if (c->scanned_tables != s->table_changes && s->now - c->scanned_at >= c->params.scan) {
		scan(c, false);
	} else if (c->n_open && c->seen_tables != s->table_changes) {
		scan(c, true);
	}
	try_full(c);
	sim_timer_set(s, t, s->now + c->params.retry);
}

int check_fault_begin(struct check *c, const char *what)
{
	if (c->n_faults == c->cap_faults) {
		uint32_t cap = c->cap_faults ? c->cap_faults * 2 : 16;
		void *p = realloc(c->fault, cap * sizeof(*c->fault));

		if (!p)
			return -ENOMEM;
		c->fault = p;
		c->cap_faults = cap;
	}
	c->fault[c->n_faults] = (struct check_fault){.at = c->s->now};
	snprintf(c->fault[c->n_faults].what, sizeof(c->fault->what), "%s", what);
	c->n_faults++;
	return 0;
}

void check_fault_end(struct check *c)
{
	map_topology(c);
	scan(c, false);
}

static void choose_pairs(struct check *c)
{
	uint64_t n = c->s->g->n;
	uint64_t all = n * (n - 1);
	uint32_t i;

	if (all <= c->params.watch) {
		for (i = 0; i < all; i++) {
			uint32_t src = (uint32_t)(i / (n - 1));
			uint32_t dst = (uint32_t)(i % (n - 1));

			c->pair[c->n_pairs++] = (struct pair){.src = src, .dst = dst + (dst >= src)};
		}
		return;
	}
	for (i = 0; i < c->params.watch; i++) {
		uint32_t src = (uint32_t)rng_below(&c->rng, n);
		uint32_t dst = (uint32_t)rng_below(&c->rng, n - 1);

		c->pair[c->n_pairs++] = (struct pair){.src = src, .dst = dst + (dst >= src)};
	}
}

struct check *check_new(struct sim *s, const struct check_params *params)
{
	struct check *c = calloc(1, sizeof(*c));
	size_t n = (size_t)s->g->n + 1;

	if (!c)
		return NULL;
	c->s = s;
	c->params = *params;
	rng_seed(&c->rng, params->seed ^ 0xc4ec6u);
	c->cap_pairs = 2 * params->watch + 64;
	c->pair = calloc(c->cap_pairs, sizeof(*c->pair));
	c->part = calloc(n, sizeof(*c->part));
	c->queue = calloc(n, sizeof(*c->queue));
	c->dist = calloc(n, sizeof(*c->dist));
	c->node_off = calloc(n, 1);
	c->edge_off = calloc((size_t)s->g->m + 1, 1);
	c->full_at = USEC_NEVER;
	c->full_retry = MSEC(100);
	if (!c->pair || !c->part || !c->queue || !c->dist || !c->node_off || !c->edge_off ||
	    check_fault_begin(c, "start") < 0) {
		check_free(c);
		return NULL;
	}
	choose_pairs(c);
	map_topology(c);
	c->timer = (struct sim_timer){.fire = on_timer, .ctx = c};
	sim_timer_set(s, &c->timer, s->now + params->retry);
	return c;
}

void check_free(struct check *c)
{
	uint32_t i;

	if (!c)
		return;
	heap_del(&c->s->queue, &c->timer.event.at);
	for (i = 0; i < c->n_faults; i++)
		free(c->fault[i].outage);
	free(c->fault);
	free(c->pair);
	free(c->part);
	free(c->queue);
	free(c->dist);
	free(c->node_off);
	free(c->edge_off);
	free(c);
}

uint64_t check_walks(const struct check *c)
{
	return c->n_walks;
}

uint64_t check_loops(const struct check *c)
{
	return c->n_loops;
}

const struct check_loop *check_loop_kept(const struct check *c, size_t i)
{
	return i < c->n_loops_kept ? &c->loop[i] : NULL;
}

const struct check_fault *check_fault_at(const struct check *c, size_t i)
{
	return i < c->n_faults ? &c->fault[i] : NULL;
}

usec_t check_full_at(const struct check *c)
{
	return c->full_at;
}

uint32_t check_open(const struct check *c)
{
	return c->n_open;
}
