/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP flows as the engine sees them: when they are there, and how their ACKs come back. */
#include "proto/l4s/sim/engine_priv.h"

#include <errno.h>

/* ACKs of a flow that follow one another within this time are in the same place of a path that
 * thins ACKs. */
#define THIN_NS 1000000

/* The path keeps the newest of a run of ACKs: an older one that is still on its way is swallowed
 * when the next one catches up with it. The last ACK of all is never lost. */
static void thin(struct sim *s, struct sim_flow *f, struct sim_pkt *p)
{
	if (f->newest && s->now - f->run_at <= THIN_NS && f->run < f->thin) {
		f->newest->kind = SIM_SWALLOWED;
		f->run++;
	} else {
		f->run = 1;
	}
	f->newest = p;
	f->run_at = s->now;
}

/* ACKs on a way without links are seen beside the last link that their flow's data passed. */
static void seen(struct sim *s, const struct sim_flow *f, const struct sim_pkt *p)
{
	struct sim_packet_seen w = {
		.now = s->now,
		.link = f->last_link,
		.ack = true,
		.flow = p->q.flow,
		.seq = p->seq,
		.pkt = &p->q,
		.ecn_in = p->q.ecn,
	};

	s->watch->packet(s->watch->ctx, &w);
}

void sim_send(struct sim *s, struct sim_pkt *p)
{
	struct sim_flow *f = &s->flow[p->q.flow];

	if (p->kind != SIM_ACK) {
		sim_link_enqueue(s, f->first_link, p);
		return;
	}
	if (s->watch && s->watch->packet && f->ack_link < 0)
		seen(s, f, p);
	if (f->thin)
		thin(s, f, p);
	p->due = s->now + f->line->delay;
	line_put(s, f->line, p, EVENT_ACK_LINE);
}

void sim_ack_line(struct sim *s, struct line *line)
{
	struct sim_pkt *p = line_take(s, line);
	struct sim_flow *f = &s->flow[p->q.flow];

	if (f->newest == p)
		f->newest = NULL;
	if (p->kind == SIM_SWALLOWED)
		sim_pkt_free(s, p);
	else if (f->ack_link >= 0)
		sim_link_enqueue(s, (uint32_t)f->ack_link, p);
	else
		tcp_ack_arrived(f->tcp, p);
}

void sim_arrived(struct sim *s, struct sim_pkt *p)
{
	if (p->kind == SIM_UDP)
		sim_load_arrived(s, p);
	else
		tcp_data_arrived(s->flow[p->q.flow].tcp, p);
}

/* ---- presence ---- */

static void present(struct sim *s, struct sim_flow *f)
{
	f->there = true;
	f->since = s->now;
	tcp_start(f->tcp);
}

static void absent(struct sim *s, struct sim_flow *f)
{
	if (!f->there)
		return;
	f->there = false;
	f->active += s->now - f->since;
}

void sim_flow_start(struct sim *s, uint32_t flow)
{
	present(s, &s->flow[flow]);
}

void sim_flow_stop(struct sim *s, uint32_t flow)
{
	struct sim_flow *f = &s->flow[flow];

	f->stopped = true;
	absent(s, f);
	tcp_stop(f->tcp);
}

void sim_flow_object(struct sim *s, uint32_t flow)
{
	struct sim_flow *f = &s->flow[flow];

	if (!f->stopped)
		present(s, f);
}

void sim_object_done(struct sim *s, uint32_t flow, uint64_t started)
{
	struct sim_flow *f = &s->flow[flow];

	if (s->warm) {
		f->objects++;
		hist_add(&s->fct, s->now - started);
	}
	absent(s, f);
	if (f->cfg->gap && !f->stopped)
		sim_at(s, s->now + sim_exponential(&s->rng, f->cfg->gap), EVENT_OBJECT, flow);
}

/* ---- life ---- */

static struct line *line_of(struct sim *s, uint64_t rtt)
{
	uint32_t i;

	for (i = 0; i < s->n_lines; i++)
		if (s->line[i].delay == rtt)
			return &s->line[i];
	s->line[s->n_lines].delay = rtt;
	return &s->line[s->n_lines++];
}

static int one(struct sim *s, uint32_t i, uint32_t group)
{
	struct sim_flow *f = &s->flow[i];
	const struct sim_flow_cfg *cfg = &s->cfg->flow[group];

	f->cfg = cfg;
	f->group = group;
	f->first_link = cfg->first_link;
	f->last_link = cfg->last_link;
	f->ack_link = cfg->ack_link;
	f->thin = cfg->ack_thin > 1 ? cfg->ack_thin : 0;
	f->line = line_of(s, cfg->rtt);
	f->tcp = tcp_new(s, cfg, i, s->a);
	if (!f->tcp)
		return -ENOMEM;
	sim_at(s, cfg->start + rng_below(&s->rng, cfg->start_spread + 1), EVENT_START, i);
	if (cfg->stop)
		sim_at(s, cfg->stop, EVENT_STOP, i);
	return 0;
}

int sim_flows_init(struct sim *s)
{
	const struct sim_cfg *cfg = s->cfg;
	uint32_t i = 0;
	uint32_t g;
	uint32_t n;

	for (g = 0; g < cfg->n_flows; g++)
		s->n_flows += cfg->flow[g].count;
	s->flow = alloc_zero(s->a, s->n_flows * sizeof(*s->flow) + 1);
	s->line = alloc_zero(s->a, cfg->n_flows * sizeof(*s->line) + 1);
	s->sample = alloc_zero(s->a, s->n_flows * sizeof(*s->sample) + 1);
	if (!s->flow || !s->line || !s->sample)
		return -ENOMEM;
	for (g = 0; g < cfg->n_flows; g++)
		for (n = 0; n < cfg->flow[g].count; n++, i++)
			if (one(s, i, g) < 0)
				return -ENOMEM;
	return 0;
}

void sim_flows_free(struct sim *s)
{
	uint32_t i;

	for (i = 0; s->flow && i < s->n_flows; i++)
		if (s->flow[i].tcp)
			tcp_free(s->flow[i].tcp, s->a);
	alloc_free(s->a, s->flow, s->n_flows * sizeof(*s->flow) + 1);
	alloc_free(s->a, s->line, s->cfg->n_flows * sizeof(*s->line) + 1);
	alloc_free(s->a, s->sample, s->n_flows * sizeof(*s->sample) + 1);
}

void sim_flows_warm(struct sim *s)
{
	struct cc_view view;
	struct cc_win win;
	uint64_t bytes;
	uint32_t i;

	for (i = 0; i < s->n_flows; i++) {
		struct sim_flow *f = &s->flow[i];

		/* Bytes begin again at 0; the next sample still has those of before. */
		tcp_look(f->tcp, &bytes, &win, &view);
		f->sampled_bytes -= bytes;
		tcp_reset_figures(f->tcp);
		f->active = 0;
		f->since = s->now;
	}
}

void sim_flows_result(struct sim *s, struct sim_result *r)
{
	uint32_t i;

	for (i = 0; i < s->n_flows; i++) {
		struct sim_flow *f = &s->flow[i];

		tcp_result(f->tcp, &r->flow[i]);
		absent(s, f);
		r->flow[i].group = f->group;
		r->flow[i].active = f->active;
		r->flow[i].objects = f->objects;
	}
}
