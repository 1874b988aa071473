/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/sim/play.h"

#include "base/list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* A random fault that ends by itself. */
struct undo {
	struct sim_timer timer;
	struct list list;
	struct play *p;
	bool node;  /* else a link */
	uint32_t n;
	uint32_t what[];
};

struct cue {
	struct sim_timer timer;
	struct play *p;
	const struct script_step *step;
};

struct play {
	struct sim *s;
	struct check *c;
	struct rng rng;
	struct cue *cue;
	uint32_t n;
	struct list undo;
	uint32_t *pick; /* scratch: nodes or edges */
	void (*survey)(void *ctx, const struct survey *v);
	void *ctx;
};

static void heal_edge(struct play *p, uint32_t edge)
{
	const struct graph_edge *e = &p->s->g->edge[edge];
	uint32_t a = sim_arc_of(p->s, e->u, e->v);
	uint32_t b = sim_arc_of(p->s, e->v, e->u);

	p->s->arc[a].loss = p->s->arc[b].loss = (float)p->s->params.loss;
	sim_arc_silent(p->s, a, false);
	sim_arc_silent(p->s, b, false);
	if (p->s->edge_down[edge])
		sim_edge_carrier(p->s, edge, true);
}

static void silence_edge(struct play *p, uint32_t edge)
{
	const struct graph_edge *e = &p->s->g->edge[edge];

	sim_arc_silent(p->s, sim_arc_of(p->s, e->u, e->v), true);
	sim_arc_silent(p->s, sim_arc_of(p->s, e->v, e->u), true);
}

static bool edge_whole(const struct sim *s, uint32_t edge)
{
	const struct graph_edge *e = &s->g->edge[edge];

	return !s->edge_down[edge] && !s->arc[sim_arc_of(s, e->u, e->v)].silent &&
	       !s->arc[sim_arc_of(s, e->v, e->u)].silent;
}

/* Moves a random choice of `count` to the front of pick[n]; returns how many there are. */
static uint32_t choose(struct play *p, uint32_t n, const struct script_step *step)
{
	uint64_t want = step->percent ? ((uint64_t)n * step->count + 99) / 100 : step->count;
	uint32_t i;

	if (want > n)
		want = n;
	for (i = 0; i < want; i++) {
		uint32_t j = i + (uint32_t)rng_below(&p->rng, n - i);
		uint32_t keep = p->pick[i];

		p->pick[i] = p->pick[j];
		p->pick[j] = keep;
	}
	return (uint32_t)want;
}

static void on_undo(struct sim_timer *t)
{
	struct undo *u = t->ctx;
	struct play *p = u->p;
	uint32_t i;
	char what[64];

	snprintf(what, sizeof(what), "end of %u %s", u->n, u->node ? "node faults" : "link faults");
	check_fault_begin(p->c, what);
	for (i = 0; i < u->n; i++) {
		if (u->node)
			sim_node_start(p->s, u->what[i], false);
		else
			heal_edge(p, u->what[i]);
	}
	check_fault_end(p->c);
	list_del(&u->list);
	free(u);
}

static void undo_later(struct play *p, bool node, uint32_t n, usec_t after)
{
	struct undo *u;

	if (!after || !n)
		return;
	u = malloc(sizeof(*u) + n * sizeof(*u->what));
	if (!u) {
		p->s->failed = err_set(p->s->err, -ENOMEM, "no memory for the script");
		return;
	}
	*u = (struct undo){.timer = {.fire = on_undo, .ctx = u}, .p = p, .node = node, .n = n};
	memcpy(u->what, p->pick, n * sizeof(*u->what));
	list_add(&p->undo, &u->list);
	sim_timer_set(p->s, &u->timer, p->s->now + after);
}

static void cut_random(struct play *p, const struct script_step *step)
{
	uint32_t n = 0;
	uint32_t i;

	for (i = 0; i < p->s->g->m; i++) {
		if (edge_whole(p->s, i))
			p->pick[n++] = i;
	}
	n = choose(p, n, step);
	for (i = 0; i < n; i++) {
		if (step->flag)
			silence_edge(p, p->pick[i]);
		else
			sim_edge_carrier(p->s, p->pick[i], false);
	}
	undo_later(p, false, n, step->time);
}

static void fell_random(struct play *p, const struct script_step *step)
{
	uint32_t n = 0;
	uint32_t i;

	for (i = 0; i < p->s->g->n; i++) {
		if (p->s->node[i].state == SIM_RUNNING)
			p->pick[n++] = i;
	}
	n = choose(p, n, step);
	for (i = 0; i < n; i++) {
		if (step->action == SCRIPT_STOP_RANDOM)
			sim_node_freeze(p->s, p->pick[i]);
		else
			sim_node_kill(p->s, p->pick[i], step->action == SCRIPT_KILL_RANDOM);
	}
	undo_later(p, true, n, step->time);
}

static bool in_set(const struct script_set *set, uint32_t node)
{
	uint32_t i;

	for (i = 0; i < set->n; i++) {
		if (node >= set->range[i].lo && node <= set->range[i].hi)
			return true;
	}
	return false;
}

static void partition(struct play *p, const struct script_step *step)
{
	const struct graph *g = p->s->g;
	uint32_t i;

	for (i = 0; i < g->m; i++) {
		uint32_t u = g->edge[i].u;
		uint32_t v = g->edge[i].v;

		if ((in_set(&step->a, u) && in_set(&step->b, v)) || (in_set(&step->a, v) && in_set(&step->b, u)))
			sim_edge_carrier(p->s, i, false);
	}
}

/* The half of the nodes nearest to a random one: connected where the graph is. */
static void partition_half(struct play *p)
{
	const struct graph *g = p->s->g;
	uint32_t *dist = calloc(g->n, sizeof(*dist));
	uint8_t *inside = calloc(g->n, 1);
	uint32_t i;

	if (!dist || !inside) {
		p->s->failed = err_set(p->s->err, -ENOMEM, "no memory for the script");
	} else {
		graph_bfs(g, (uint32_t)rng_below(&p->rng, g->n), NULL, NULL, dist, p->pick);
		for (i = 0; i < g->n / 2 && dist[p->pick[i]] != GRAPH_FAR; i++)
			inside[p->pick[i]] = 1;
		for (i = 0; i < g->m; i++) {
			if (inside[g->edge[i].u] != inside[g->edge[i].v])
				sim_edge_carrier(p->s, i, false);
		}
	}
	free(dist);
	free(inside);
}

static void restore(struct play *p)
{
	uint32_t i;

	for (i = 0; i < p->s->g->m; i++)
		heal_edge(p, i);
	for (i = 0; i < p->s->g->n; i++)
		sim_node_start(p->s, i, false);
}

static void on_link(struct play *p, const struct script_step *step)
{
	struct sim *s = p->s;
	uint32_t a = sim_arc_of(s, step->u, step->v);
	uint32_t b = sim_arc_of(s, step->v, step->u);

	switch (step->action) {
	case SCRIPT_LINK_DOWN:
	case SCRIPT_LINK_UP:
		sim_edge_carrier(s, s->arc[a].edge, step->action == SCRIPT_LINK_UP);
		break;
	case SCRIPT_SILENT:
		sim_arc_silent(s, a, true);
		if (!step->flag)
			sim_arc_silent(s, b, true);
		break;
	case SCRIPT_LOSS:
		s->arc[a].loss = s->arc[b].loss = (float)step->p;
		s->topology_changes++;
		break;
	case SCRIPT_DELAY:
		s->arc[a].delay = s->arc[b].delay = step->time;
		break;
	default:
		heal_edge(p, s->arc[a].edge);
		break;
	}
}

static void act(struct play *p, const struct script_step *step)
{
	switch (step->action) {
	case SCRIPT_KILL:
	case SCRIPT_CRASH:
		sim_node_kill(p->s, step->u, step->action == SCRIPT_KILL);
		break;
	case SCRIPT_STOP:
		sim_node_freeze(p->s, step->u);
		break;
	case SCRIPT_START:
		sim_node_start(p->s, step->u, step->flag);
		break;
	case SCRIPT_CUT_RANDOM:
		cut_random(p, step);
		break;
	case SCRIPT_KILL_RANDOM:
	case SCRIPT_CRASH_RANDOM:
	case SCRIPT_STOP_RANDOM:
		fell_random(p, step);
		break;
	case SCRIPT_PARTITION:
		partition(p, step);
		break;
	case SCRIPT_PARTITION_HALF:
		partition_half(p);
		break;
	case SCRIPT_RESTORE:
		restore(p);
		break;
	default:
		on_link(p, step);
		break;
	}
}

static void on_cue(struct sim_timer *t)
{
	struct cue *cue = t->ctx;
	struct play *p = cue->p;
	struct survey v;
	int rc;

	if (cue->step->action == SCRIPT_CHECK) {
		rc = check_survey(p->c, &v);
		if (rc == 0)
			p->survey(p->ctx, &v);
	} else {
		rc = check_fault_begin(p->c, cue->step->text);
		act(p, cue->step);
		check_fault_end(p->c);
	}
	if (rc < 0 && !p->s->failed)
		p->s->failed = err_set(p->s->err, rc, "no memory for the checker");
	if (cue->step->every && p->s->now + cue->step->every <= cue->step->until)
		sim_timer_set(p->s, t, p->s->now + cue->step->every);
}

static bool about_link(const struct script_step *s)
{
	return s->action <= SCRIPT_HEAL;
}

struct play *play_new(struct check *c, struct sim *s, const struct script *sc, uint64_t seed,
		      void (*survey)(void *ctx, const struct survey *v), void *ctx, struct err *err)
{
	struct play *p = calloc(1, sizeof(*p));
	uint32_t most = s->g->m > s->g->n ? s->g->m : s->g->n;
	uint32_t i;

	if (!p)
		goto no_memory;
	*p = (struct play){.s = s, .c = c, .n = sc->n, .survey = survey, .ctx = ctx};
	list_init(&p->undo);
	rng_seed(&p->rng, seed ^ 0x5c319u);
	p->cue = calloc((size_t)sc->n + 1, sizeof(*p->cue));
	p->pick = calloc((size_t)most + 1, sizeof(*p->pick));
	if (!p->cue || !p->pick)
		goto no_memory;
	for (i = 0; i < sc->n; i++) {
		const struct script_step *step = &sc->step[i];

		if (about_link(step) && sim_arc_of(s, step->u, step->v) == UINT32_MAX) {
			err_set(err, -EINVAL, "no link between nodes %u and %u", step->u, step->v);
			err_where(err, "script line %u", step->line);
			err_mend(err, "--export-graph shows the links");
			play_free(p);
			return NULL;
		}
		p->cue[i] = (struct cue){.timer = {.fire = on_cue, .ctx = &p->cue[i]}, .p = p, .step = step};
		sim_timer_set(s, &p->cue[i].timer, step->at);
	}
	return p;

no_memory:
	err_set(err, -ENOMEM, "no memory for the script");
	play_free(p);
	return NULL;
}

void play_free(struct play *p)
{
	uint32_t i;

	if (!p)
		return;
	for (i = 0; p->cue && i < p->n; i++)
		heap_del(&p->s->queue, &p->cue[i].timer.event.at);
	while (!list_empty(&p->undo)) {
		struct undo *u = container_of(p->undo.next, struct undo, list);

		heap_del(&p->s->queue, &u->timer.event.at);
		list_del(&u->list);
		free(u);
	}
	free(p->cue);
	free(p->pick);
	free(p);
}
