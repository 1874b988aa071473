/* SPDX-License-Identifier: BSD-2-Clause */
/* DOC: the simulator's engine
 *
 * Packets, links and delay in virtual time. What a packet meets, in order: the queue and the server
 * of each link of its way (link.c), the far end (TCP's receiver, called at once), and the ACK the
 * flow's delay line back to the sender (flow.c). The whole base round-trip time stands in that
 * line: where along the path a fixed delay sits changes nothing that an end or a queue could see,
 * and so a data packet costs one event, the end of its service.
 *
 * Order is total: events of the same nanosecond happen in the order they were put in (events.h).
 * Randomness is drawn from one generator for each purpose (a link's queue, its jitter, each load,
 * TCP), seeded from the run's, so that a change of one does not disturb the others. Nothing here
 * reads a clock, and all arithmetic is that of integers: a seed gives the same bytes everywhere.
 *
 * Memory comes from the caller's allocator; where it fails the run ends with -ENOMEM. */
#include "proto/l4s/sim/engine_priv.h"

#include <errno.h>

/* ---- for TCP ---- */

uint64_t sim_now(const struct sim *s)
{
	return s->now;
}

struct rng *sim_rng(struct sim *s)
{
	return &s->rng;
}

static bool pool_grow(struct sim *s)
{
	struct sim_chunk *c = alloc_resize(s->a, NULL, 0, sizeof(*c));
	struct sim_pkt *p;
	uint32_t i;

	if (!c) {
		s->failed = true;
		return false;
	}
	c->next = s->chunks;
	s->chunks = c;
	p = (struct sim_pkt *)(((uintptr_t)c->room + 63) & ~(uintptr_t)63);
	for (i = 0; i < SIM_CHUNK; i++)
		sim_pkt_free(s, &p[i]);
	return true;
}

struct sim_pkt *sim_pkt_new(struct sim *s)
{
	struct sim_pkt *p;

	if (!s->free && !pool_grow(s))
		return NULL;
	p = s->free;
	s->free = p->next;
	p->q.next = NULL;
	p->n_sacks = 0;
	return p;
}

void sim_pkt_free(struct sim *s, struct sim_pkt *p)
{
	p->next = s->free;
	s->free = p;
}

/* scratch: 0 time of its event in the queue, 1 key of that, 2 key of the last setting. A timer that
 * is moved away keeps its event, which moves on when it comes up; the order is the same as if it
 * had been moved at once. */
enum { TIMER_AT, TIMER_KEY, TIMER_SET };

static void timer_put(struct sim *s, struct sim_timer *t)
{
	struct event e = {.at = t->due, .key = t->scratch[TIMER_SET], .of = t};

	t->scratch[TIMER_AT] = e.at;
	t->scratch[TIMER_KEY] = e.key;
	events_put(&s->events, e);
}

void sim_timer_set(struct sim *s, struct sim_timer *t, uint64_t due)
{
	t->due = due > s->now ? due : s->now;
	t->scratch[TIMER_SET] = events_number(&s->events) << EVENT_KIND_BITS | EVENT_TIMER;
	/* Key 0 is that of a link's event: no timer has it. */
	if (!t->scratch[TIMER_KEY] || t->due < t->scratch[TIMER_AT])
		timer_put(s, t);
}

void sim_timer_stop(struct sim *s, struct sim_timer *t)
{
	t->due = AQM_NEVER;
}

static void timer_event(struct sim *s, struct sim_timer *t, uint64_t key)
{
	if (t->scratch[TIMER_KEY] != key)
		return; /* it was moved ahead: another event stands for it */
	t->scratch[TIMER_KEY] = 0;
	if (t->due == AQM_NEVER)
		return;
	if (t->scratch[TIMER_SET] != key) {
		timer_put(s, t);
		return;
	}
	t->due = AQM_NEVER;
	t->fire(s, t);
}

void sim_tell_ack(struct sim *s, uint32_t flow, const struct cc_ack *a, const struct cc_win *before,
		  const struct cc_win *after)
{
	if (s->watch && s->watch->ack)
		s->watch->ack(s->watch->ctx, flow, a, before, after);
}

/* ---- figures ---- */

static void warm(struct sim *s)
{
	uint32_t i;

	s->warm = true;
	for (i = 0; i < s->cfg->n_links; i++)
		sim_link_warm(s, i);
	for (i = 0; i < s->cfg->n_loads; i++)
		s->load[i].r = (struct sim_load_result){0};
	sim_flows_warm(s);
}

static void sample(struct sim *s)
{
	const struct sim_link *k = &s->link[0];
	const struct aqm_stats *q = aqm_stats(k->aqm, s->now);
	struct sim_sample w = {
		.at = s->now,
		.prob = q->prob,
		.p_cl = q->p_cl,
		.p_c = q->p_c,
		.delay = {k->last_delay[0], k->last_delay[1]},
		.packets = {q->q[0].packets, q->q[1].packets},
		.n_flows = s->n_flows,
		.flow = s->sample,
	};
	struct cc_win win;
	uint64_t bytes;
	uint32_t i;

	for (i = 0; i < s->n_flows; i++) {
		struct sim_flow *f = &s->flow[i];

		tcp_look(f->tcp, &bytes, &win, &s->sample[i].view);
		s->sample[i].bytes = bytes - f->sampled_bytes;
		s->sample[i].cwnd = win.cwnd;
		s->sample[i].ssthresh = win.ssthresh;
		f->sampled_bytes = bytes;
	}
	s->watch->sample(s->watch->ctx, &w);
	sim_at(s, s->now + s->cfg->sample, EVENT_SAMPLE, 0);
}

static int collect(struct sim *s, struct sim_result *r, struct err *err)
{
	uint32_t i;

	r->flow = alloc_zero(s->a, s->n_flows * sizeof(*r->flow) + 1);
	if (!r->flow)
		return err_set(err, -ENOMEM, "no memory for the results of %u flows", s->n_flows);
	r->n_flows = s->n_flows;
	sim_flows_result(s, r);
	for (i = 0; i < s->cfg->n_links; i++)
		sim_link_result(s, i, &r->link[i]);
	for (i = 0; i < s->cfg->n_loads; i++)
		r->load[i] = s->load[i].r;
	r->fct = s->fct;
	r->packets = s->packets;
	r->events = s->n_events;
	r->measured = s->cfg->duration - s->cfg->warmup;
	return 0;
}

/* ---- the loop ---- */

static void handle(struct sim *s, const struct event *e)
{
	switch ((enum sim_event)(e->key & ((1u << EVENT_KIND_BITS) - 1))) {
	case EVENT_SERVED:
		sim_link_served(s, (uint32_t)e->n);
		break;
	case EVENT_ACK_LINE:
		sim_ack_line(s, e->of);
		break;
	case EVENT_LINK_LINE:
		sim_link_line(s, e->of);
		break;
	case EVENT_TIMER:
		timer_event(s, e->of, e->key);
		break;
	case EVENT_TICK:
		sim_link_tick(s, (uint32_t)e->n);
		break;
	case EVENT_LOAD:
		sim_load_send(s, (uint32_t)e->n);
		break;
	case EVENT_START:
		sim_flow_start(s, (uint32_t)e->n);
		break;
	case EVENT_STOP:
		sim_flow_stop(s, (uint32_t)e->n);
		break;
	case EVENT_OBJECT:
		sim_flow_object(s, (uint32_t)e->n);
		break;
	case EVENT_TRACE:
		sim_link_trace(s, (uint32_t)e->n);
		break;
	case EVENT_SAMPLE:
		sample(s);
		break;
	case EVENT_WARM:
		warm(s);
		break;
	}
}

static void loop(struct sim *s)
{
	struct event e;
	uint64_t end = s->cfg->duration;

	while (!s->failed && !s->events.failed) {
		if (!events_take(&s->events, &e) || e.at > end)
			break;
		s->now = e.at;
		s->n_events++;
		handle(s, &e);
	}
	s->now = end;
}

/* A quarter of the shortest service time of a full packet. */
static uint64_t grain(const struct sim_cfg *cfg)
{
	uint64_t rate = 1;
	uint32_t i;

	for (i = 0; i < cfg->n_links; i++)
		if (cfg->link[i].rate > rate)
			rate = cfg->link[i].rate;
	return 3000000000000 / rate;
}

static int prepare(struct sim *s, struct err *err)
{
	const struct sim_cfg *cfg = s->cfg;
	uint32_t i;
	int r;

	if (!events_init(&s->events, grain(cfg), s->a))
		return err_set(err, -ENOMEM, "no memory for events");
	hist_reset(&s->fct);
	rng_seed(&s->rng, cfg->seed);
	events_number(&s->events);
	sim_at(s, cfg->warmup, EVENT_WARM, 0);
	if (cfg->sample && s->watch && s->watch->sample)
		sim_at(s, cfg->sample, EVENT_SAMPLE, 0);
	for (i = 0; i < cfg->n_links; i++) {
		r = sim_link_init(s, i, err);
		if (r < 0)
			return r;
	}
	if (sim_flows_init(s) < 0)
		return err_set(err, -ENOMEM, "no memory for %u flows", s->n_flows);
	for (i = 0; i < cfg->n_loads; i++)
		sim_load_init(s, i);
	return 0;
}

static void release(struct sim *s)
{
	struct sim_chunk *c;
	uint32_t i;

	for (i = 0; i < s->cfg->n_links; i++)
		sim_link_free(s, i);
	sim_flows_free(s);
	while ((c = s->chunks)) {
		s->chunks = c->next;
		alloc_free(s->a, c, sizeof(*c));
	}
	if (s->events.a)
		events_free(&s->events);
	alloc_free(s->a, s, sizeof(*s));
}

int sim_run(const struct sim_cfg *cfg, const struct sim_watch *watch, struct alloc *a,
	    struct sim_result *result, struct err *err)
{
	struct sim *s;
	int r = sim_cfg_check(cfg, err);

	if (r < 0)
		return r;
	*result = (struct sim_result){0};
	s = alloc_zero(a, sizeof(*s));
	if (!s)
		return err_set(err, -ENOMEM, "no memory for a run");
	s->cfg = cfg;
	s->watch = watch;
	s->a = a;
	r = prepare(s, err);
	if (!r) {
		loop(s);
		if (s->failed || s->events.failed)
			r = err_set(err, -ENOMEM, "no memory at %llu ns of the run",
				    (unsigned long long)s->now);
		else
			r = collect(s, result, err);
	}
	release(s);
	return r;
}

void sim_result_free(struct sim_result *result, struct alloc *a)
{
	if (result->flow)
		alloc_free(a, result->flow, result->n_flows * sizeof(*result->flow) + 1);
	result->flow = NULL;
}
