/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/sim/sim.h"

#include "base/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SPINS_MAX 100000 /* ticks of one node at one instant: more is a defect of the core */

enum { EVENT_TICK, EVENT_FLIGHT, EVENT_TIMER };

/* A datagram under way. */
struct flight {
	struct sim_event event;
	uint32_t arc;
	uint32_t n;
	uint8_t bytes[];
};

/* Streams of random numbers, one a purpose, so that an option that uses one leaves the others as they are. */
enum { STREAM_LINKS = 1, STREAM_STARTS, STREAM_NODES };

static uint64_t stream(uint64_t seed, uint64_t which)
{
	return seed * 0x9e3779b97f4a7c15u + which;
}

void sim_params_default(struct sim_params *p)
{
	*p = (struct sim_params){.seed = 1, .mtu = 1500, .delay = MSEC(1), .spread = SEC(1)};
	kira_params_default(&p->kira);
}

static void fail(struct sim *s, int code, const char *what)
{
	if (s->failed)
		return;
	s->failed = code;
	err_set(s->err, code, "%s", what);
	err_where(s->err, "%lld us of virtual time", (long long)s->now);
}

static void queue_set(struct sim *s, struct sim_event *e, usec_t at)
{
	if (heap_set(&s->queue, &e->at, at) < 0)
		fail(s, -ENOMEM, "no memory for the event queue");
}

void sim_timer_set(struct sim *s, struct sim_timer *t, usec_t at)
{
	t->event.kind = EVENT_TIMER;
	queue_set(s, &t->event, at > s->now ? at : s->now);
}

struct kira_addr sim_addr(uint32_t node, uint32_t link)
{
	struct kira_addr a = {{0xfe, 0x80}};
	int i;

	for (i = 0; i < 4; i++) {
		a.b[8 + i] = (uint8_t)(node >> (24 - 8 * i));
		a.b[12 + i] = (uint8_t)(link >> (24 - 8 * i));
	}
	return a;
}

uint32_t sim_arc_of(const struct sim *s, uint32_t u, uint32_t v)
{
	const struct graph_arc *a = graph_find(s->g, u, v);

	return a ? (uint32_t)(a - s->g->arc) : UINT32_MAX;
}

/* Puts the node into the queue for when its core next wants to be called. */
static void reschedule(struct sim_node *n)
{
	usec_t next = kira_next(n->k);
	struct sim *s = n->sim;

	if (next < s->now)
		next = s->now;
	if (next == USEC_NEVER)
		heap_del(&s->queue, &n->tick.at);
	else if (n->tick.at.pos == 0 || n->tick.at.due != next)
		queue_set(s, &n->tick, next);
}

static void count(struct sim_count *c, size_t bytes)
{
	c->frames++;
	c->bytes += bytes;
}

/* When the datagram has left the sender; USEC_NEVER: its queue is full. */
static usec_t serialise(struct sim *s, struct sim_arc *a, size_t n)
{
	uint64_t rate = s->params.bandwidth;
	uint64_t bits = (n + SIM_FRAME_OVERHEAD) * 8;
	usec_t start = a->busy > s->now ? a->busy : s->now;

	if (!rate)
		return s->now;
	if (s->params.queue && (uint64_t)(start - s->now) * rate / 8000000 > s->params.queue)
		return USEC_NEVER;
	a->busy = start + (usec_t)((bits * 1000000 + rate - 1) / rate);
	return a->busy;
}

static void account(struct sim *s, struct sim_node *n, struct sim_arc *a, struct slice frame)
{
	bool own = frame.n >= KIRA_HEADER_BYTES && memcmp(frame.p + 19, &n->id, KIRA_ID_BYTES) == 0;
	uint8_t type = frame.n > 1 ? frame.p[1] : 0;

	count(own ? &n->tx_own : &n->tx_transit, frame.n);
	count(own ? &s->type_own[type] : &s->type_transit[type], frame.n);
	count(&a->tx, frame.n);
}

static void env_send(void *ctx, uint32_t link, const struct kira_addr *to, struct slice frame)
{
	struct sim_node *n = ctx;
	struct sim *s = n->sim;
	struct sim_arc *a;
	struct kira_addr peer;
	struct flight *f;
	usec_t left;

	if (link >= graph_degree(s->g, n->i)) {
		s->misaddressed++;
		return;
	}
	a = &s->arc[s->g->first[n->i] + link];
	peer = sim_addr(a->to, a->rev - s->g->first[a->to]);
	if (to && memcmp(to, &peer, sizeof(peer)) != 0) {
		s->misaddressed++;
		return;
	}
	account(s, n, a, frame);
	left = serialise(s, a, frame.n);
	if (s->edge_down[a->edge] || a->silent || left == USEC_NEVER ||
	    (a->loss > 0 && rng_unit(&s->rng) < (double)a->loss)) {
		a->lost++;
		s->lost++;
		return;
	}
	f = malloc(sizeof(*f) + frame.n);
	if (!f) {
		fail(s, -ENOMEM, "no memory for a datagram");
		return;
	}
	f->event = (struct sim_event){.kind = EVENT_FLIGHT};
	f->arc = (uint32_t)(a - s->arc);
	f->n = (uint32_t)frame.n;
	memcpy(f->bytes, frame.p, frame.n);
	left += a->delay;
	if (s->params.jitter)
		left += rng_between(&s->rng, 0, s->params.jitter);
	queue_set(s, &f->event, left);
}

static void env_fwd_node(void *ctx, const struct kira_id *id, unsigned bits, const struct kira_fwd *to)
{
	struct sim_node *n = ctx;

	n->sim->table_changes++;
}

static void env_fwd_path(void *ctx, const struct kira_id *path_id, const struct kira_fwd *to)
{
	struct sim_node *n = ctx;

	n->sim->table_changes++;
}

static void arrive(struct sim *s, struct flight *f)
{
	struct sim_arc *a = &s->arc[f->arc];
	struct sim_node *n = &s->node[a->to];
	struct kira_addr from = sim_addr(a->from, f->arc - s->g->first[a->from]);

	if (n->state != SIM_RUNNING || s->edge_down[a->edge] || a->silent) {
		a->lost++;
		s->lost++;
	} else {
		count(&n->rx, f->n);
		kira_receive(n->k, a->rev - s->g->first[a->to], &from, slice_of(f->bytes, f->n), s->now);
		reschedule(n);
	}
	free(f);
}

/* Tells a running node which of its links have carrier. */
static void sync_carrier(struct sim *s, struct sim_node *n)
{
	uint32_t i;

	if (n->state != SIM_RUNNING)
		return;
	for (i = s->g->first[n->i]; i < s->g->first[n->i + 1]; i++) {
		struct sim_arc *a = &s->arc[i];
		bool up = !s->edge_down[a->edge] && s->node[a->to].state != SIM_KILLED;

		if (up == a->told)
			continue;
		a->told = up;
		if (!up)
			kira_link_down(n->k, i - s->g->first[n->i], s->now);
		else if (kira_link_up(n->k, i - s->g->first[n->i], s->params.mtu, s->now) < 0)
			fail(s, -ENOMEM, "a node has no memory for a link");
	}
	reschedule(n);
}

static void sync_neighbours(struct sim *s, uint32_t node)
{
	uint32_t i;

	for (i = s->g->first[node]; i < s->g->first[node + 1]; i++)
		sync_carrier(s, &s->node[s->g->arc[i].to]);
}

static void live(struct sim *s, struct sim_node *n)
{
	struct kira_params params = s->params.kira;
	struct kira_env env = {
		.send = env_send, .fwd_node = env_fwd_node, .fwd_path = env_fwd_path, .ctx = n};
	uint8_t secret[32];
	struct rng rng;
	uint32_t i;

	params.id = n->id;
	params.ssn = n->ssn;
	rng_seed(&rng, rng_u64(&n->rng));
	rng_bytes(&n->rng, secret, sizeof(secret));
	n->k = kira_new(&params, &env, &rng, secret, &n->mem, s->pool, s->now);
	if (!n->k) {
		fail(s, -ENOMEM, "no memory for a node");
		return;
	}
	s->topology_changes++;
	n->lives++;
	n->state = SIM_RUNNING;
	n->started = s->now;
	for (i = s->g->first[n->i]; i < s->g->first[n->i + 1]; i++)
		s->arc[i].told = false;
	sync_carrier(s, n);
	sync_neighbours(s, n->i);
}

static void tick(struct sim *s, struct sim_node *n)
{
	usec_t due = n->tick.at.due;

	if (n->state == SIM_ABSENT) {
		live(s, n);
		return;
	}
	if (n->state != SIM_RUNNING)
		return;
	kira_tick(n->k, s->now);
	reschedule(n);
	n->spins = n->tick.at.pos && n->tick.at.due == due ? n->spins + 1 : 0;
	if (n->spins > SPINS_MAX) {
		fail(s, -ELOOP, "a node asks to be called again and again at one instant");
		err_mend(s->err, "node %u; this is a defect of the core", n->i);
	}
}

int sim_run(struct sim *s, usec_t until)
{
	struct heap_node *at;

	while (!s->failed && (at = heap_min(&s->queue)) && at->due <= until) {
		struct sim_event *e = container_of(at, struct sim_event, at);

		heap_del(&s->queue, at);
		s->now = at->due;
		s->events++;
		if (e->kind == EVENT_FLIGHT) {
			arrive(s, container_of(e, struct flight, event));
		} else if (e->kind == EVENT_TICK) {
			tick(s, container_of(e, struct sim_node, tick));
		} else {
			struct sim_timer *t = container_of(e, struct sim_timer, event);

			t->fire(t);
		}
	}
	if (!s->failed && until > s->now)
		s->now = until;
	return s->failed;
}

void sim_edge_carrier(struct sim *s, uint32_t edge, bool up)
{
	s->topology_changes++;
	s->edge_down[edge] = !up;
	sync_carrier(s, &s->node[s->g->edge[edge].u]);
	sync_carrier(s, &s->node[s->g->edge[edge].v]);
}

void sim_arc_silent(struct sim *s, uint32_t arc, bool silent)
{
	s->topology_changes++;
	s->arc[arc].silent = silent;
}

static void end_life(struct sim *s, struct sim_node *n)
{
	if (!n->k)
		return;
	n->ssn = kira_ssn(n->k);
	heap_del(&s->queue, &n->tick.at);
	kira_free(n->k);
	n->k = NULL;
}

void sim_node_kill(struct sim *s, uint32_t node, bool carrier_lost)
{
	struct sim_node *n = &s->node[node];

	heap_del(&s->queue, &n->tick.at);
	end_life(s, n);
	s->topology_changes++;
	n->state = carrier_lost ? SIM_KILLED : SIM_CRASHED;
	sync_neighbours(s, node);
}

void sim_node_freeze(struct sim *s, uint32_t node)
{
	struct sim_node *n = &s->node[node];

	if (n->state != SIM_RUNNING)
		return;
	heap_del(&s->queue, &n->tick.at);
	n->state = SIM_FROZEN;
}

void sim_node_start(struct sim *s, uint32_t node, bool ssn_lost)
{
	struct sim_node *n = &s->node[node];

	if (n->state == SIM_RUNNING)
		return;
	if (n->state == SIM_FROZEN) {
		n->state = SIM_RUNNING;
		sync_carrier(s, n);
		return;
	}
	heap_del(&s->queue, &n->tick.at);
	if (ssn_lost)
		n->ssn = 0;
	live(s, n);
}

void sim_want(struct sim *s, uint32_t node, const struct kira_id *dest)
{
	struct sim_node *n = &s->node[node];

	if (n->state != SIM_RUNNING)
		return;
	kira_want(n->k, dest, s->now);
	reschedule(n);
}

void sim_usable(const struct sim *s, uint8_t *edge_off, uint8_t *node_off)
{
	uint32_t i;

	memcpy(edge_off, s->edge_down, s->g->m);
	for (i = 0; i < 2 * s->g->m; i++) {
		if (s->arc[i].silent || s->arc[i].loss >= 1)
			edge_off[s->arc[i].edge] = 1;
	}
	for (i = 0; i < s->g->n; i++)
		node_off[i] = !sim_node_forwards(&s->node[i]);
}

static void make_nodes(struct sim *s)
{
	struct rng starts;
	struct rng ids;
	uint32_t i;

	rng_seed(&starts, stream(s->params.seed, STREAM_STARTS));
	rng_seed(&ids, stream(s->params.seed, STREAM_NODES));
	for (i = 0; i < s->g->n; i++) {
		struct sim_node *n = &s->node[i];
		usec_t start = s->params.spread ? rng_between(&starts, 0, s->params.spread - 1) : 0;

		*n = (struct sim_node){.tick.kind = EVENT_TICK, .sim = s, .i = i};
		do
			rng_bytes(&ids, n->id.b, sizeof(n->id.b));
		while (!kira_id_valid(&n->id));
		rng_seed(&n->rng, rng_u64(&ids));
		alloc_init(&n->mem, 0);
		if (start > s->last_start)
			s->last_start = start;
		queue_set(s, &n->tick, start);
	}
}

static void make_arcs(struct sim *s)
{
	const struct graph *g = s->g;
	uint32_t u;
	uint32_t i;

	for (u = 0; u < g->n; u++) {
		for (i = g->first[u]; i < g->first[u + 1]; i++) {
			s->arc[i] = (struct sim_arc){.rev = sim_arc_of(s, g->arc[i].to, u),
						     .from = u,
						     .to = g->arc[i].to,
						     .edge = g->arc[i].edge,
						     .delay = s->params.delay,
						     .loss = (float)s->params.loss};
		}
	}
}

struct sim *sim_new(const struct graph *g, const struct sim_params *params, struct err *err)
{
	struct sim *s = calloc(1, sizeof(*s));

	if (!s) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	s->params = *params;
	s->g = g;
	s->err = err;
	alloc_init(&s->mem, 0);
	heap_init(&s->queue, &s->mem);
	rng_seed(&s->rng, stream(params->seed, STREAM_LINKS));
	s->node = calloc((size_t)g->n + 1, sizeof(*s->node));
	s->arc = calloc(2 * (size_t)g->m + 1, sizeof(*s->arc));
	s->edge_down = calloc((size_t)g->m + 1, 1);
	s->pool = kira_pool_new(&s->mem, stream(params->seed, 0));
	if (s->node && s->arc && s->edge_down && s->pool) {
		make_nodes(s);
		make_arcs(s);
	} else {
		fail(s, -ENOMEM, "no memory for the network");
	}
	if (s->failed) {
		sim_free(s);
		return NULL;
	}
	return s;
}

void sim_free(struct sim *s)
{
	struct heap_node *at;
	uint32_t i;

	if (!s)
		return;
	for (i = 0; s->node && i < s->g->n; i++)
		end_life(s, &s->node[i]);
	while ((at = heap_min(&s->queue))) {
		struct sim_event *e = container_of(at, struct sim_event, at);

		heap_del(&s->queue, at);
		if (e->kind == EVENT_FLIGHT)
			free(container_of(e, struct flight, event));
	}
	heap_free(&s->queue);
	kira_pool_free(s->pool);
	free(s->node);
	free(s->arc);
	free(s->edge_down);
	free(s);
}
