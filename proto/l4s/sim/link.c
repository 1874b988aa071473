/* SPDX-License-Identifier: BSD-2-Clause */
/* A link: a queue manager, a server of exact rate, then delay, jitter and random loss. */
#include "proto/l4s/sim/engine_priv.h"

#include <errno.h>

static void seen(struct sim *s, const struct sim_pkt *p, bool dropped)
{
	struct sim_packet_seen w = {
		.now = s->now,
		.link = p->link,
		.dropped = dropped,
		.ack = p->kind == SIM_ACK,
		.queued = true,
		.flow = p->q.flow,
		.seq = p->seq,
		.sojourn = s->now - p->q.enq_ns,
		.pkt = &p->q,
		.ecn_in = p->ecn_in,
	};

	s->watch->packet(s->watch->ctx, &w);
}

static void release_dropped(struct sim *s, struct sim_link *k)
{
	struct aqm_pkt *q = aqm_dropped(k->aqm);
	struct aqm_pkt *next;
	struct sim_pkt *p;

	for (; q; q = next) {
		next = q->next;
		p = (struct sim_pkt *)q;
		if (s->watch && s->watch->packet)
			seen(s, p, true);
		sim_pkt_free(s, p);
	}
}

/* Time to send n bytes; the rests of the divisions add up, so that the rate is exact. */
static uint64_t service(struct sim_link *k, uint32_t n)
{
	uint64_t bits;
	uint64_t ns;

	if (n != k->len) {
		bits = (uint64_t)n * 8000000000;
		k->len = n;
		k->len_ns = bits / k->rate;
		k->len_rest = bits % k->rate;
	}
	ns = k->len_ns;
	k->rest += k->len_rest;
	if (k->rest >= k->rate) {
		k->rest -= k->rate;
		ns++;
	}
	return ns;
}

static void start(struct sim *s, struct sim_link *k)
{
	struct aqm_pkt *q;
	uint64_t ns;

	if (!k->rate)
		return;
	q = aqm_dequeue(k->aqm, s->now);
	release_dropped(s, k);
	k->sending = (struct sim_pkt *)q;
	if (!q)
		return;
	k->last_delay[q->low] = s->now - q->enq_ns;
	if (s->watch && s->watch->packet)
		seen(s, k->sending, false);
	ns = service(k, q->len);
	k->busy += ns;
	k->done = s->now + ns;
	sim_at(s, k->done, EVENT_SERVED, (uint64_t)(k - s->link));
}

void sim_link_enqueue(struct sim *s, uint32_t l, struct sim_pkt *p)
{
	struct sim_link *k = &s->link[l];

	p->link = (uint8_t)l;
	p->ecn_in = p->q.ecn;
	p->q.len = sim_ip_len(p) + k->overhead;
	if (!aqm_enqueue(k->aqm, &p->q, s->now))
		release_dropped(s, k);
	if (!k->sending)
		start(s, k);
}

/* p leaves link l. */
static void onward(struct sim *s, uint32_t l, struct sim_pkt *p)
{
	uint32_t last;

	if (p->kind == SIM_ACK) {
		tcp_ack_arrived(s->flow[p->q.flow].tcp, p);
		return;
	}
	last = p->kind == SIM_DATA ? s->flow[p->q.flow].last_link
				   : s->load[p->q.flow - s->n_flows].cfg->last_link;
	if (l < last)
		sim_link_enqueue(s, l + 1, p);
	else
		sim_arrived(s, p);
}

static void over_far(struct sim *s, struct sim_link *k, struct sim_pkt *p)
{
	uint64_t due = s->now + k->cfg->delay;

	if (k->cfg->loss && rng_u64(&k->rng) >> 32 < k->cfg->loss) {
		k->lost++;
		sim_pkt_free(s, p);
		return;
	}
	if (k->cfg->jitter)
		due += rng_below(&k->rng, k->cfg->jitter + 1);
	if (due < k->line_due)
		due = k->line_due;
	k->line_due = due;
	p->due = due;
	line_put(s, &k->line, p, EVENT_LINK_LINE);
}

void sim_link_served(struct sim *s, uint32_t l)
{
	struct sim_link *k = &s->link[l];
	struct sim_pkt *p = k->sending;

	k->served_bytes += p->q.len;
	s->packets += p->kind != SIM_ACK;
	k->sending = NULL;
	start(s, k);
	if (k->far)
		over_far(s, k, p);
	else
		onward(s, l, p);
}

void sim_link_line(struct sim *s, struct line *line)
{
	struct sim_pkt *p = line_take(s, line);

	onward(s, p->link, p);
}

void sim_link_tick(struct sim *s, uint32_t l)
{
	uint64_t due = aqm_tick(s->link[l].aqm, s->now);

	if (due != AQM_NEVER)
		sim_at(s, due, EVENT_TICK, l);
}

static void count_capacity(struct sim *s, struct sim_link *k)
{
	unsigned __int128 bits = (unsigned __int128)k->rate * (s->now - k->capacity_at);

	bits += k->capacity_rest;
	k->capacity += (uint64_t)(bits / 1000000000);
	k->capacity_rest = (uint64_t)(bits % 1000000000);
	k->capacity_at = s->now;
}

/* A packet that is being sent keeps the rate it began with. */
void sim_link_trace(struct sim *s, uint32_t l)
{
	struct sim_link *k = &s->link[l];
	const struct sim_link_cfg *cfg = k->cfg;

	count_capacity(s, k);
	k->rate = cfg->trace[k->trace_at].rate;
	k->rest = 0;
	k->len = 0;
	if (k->rate)
		aqm_set_rate(k->aqm, k->rate);
	if (++k->trace_at == cfg->n_trace && cfg->trace_period) {
		k->trace_at = 0;
		k->trace_base += cfg->trace_period;
	}
	if (k->trace_at < cfg->n_trace)
		sim_at(s, k->trace_base + cfg->trace[k->trace_at].at, EVENT_TRACE, l);
	if (!k->sending)
		start(s, k);
}

int sim_link_init(struct sim *s, uint32_t l, struct err *err)
{
	struct sim_link *k = &s->link[l];
	const struct sim_link_cfg *cfg = &s->cfg->link[l];

	k->cfg = cfg;
	k->rate = cfg->rate;
	k->overhead = cfg->overhead;
	k->far = cfg->delay || cfg->jitter || cfg->loss;
	rng_seed(&k->rng, rng_u64(&s->rng));
	k->aqm = aqm_new(&cfg->aqm, rng_u64(&s->rng), 0, s->a);
	if (!k->aqm)
		return err_set(err, -ENOMEM, "no memory for the queue of link %u", l);
	sim_link_tick(s, l);
	if (cfg->n_trace)
		sim_at(s, cfg->trace[0].at, EVENT_TRACE, l);
	return 0;
}

void sim_link_free(struct sim *s, uint32_t l)
{
	struct sim_link *k = &s->link[l];

	if (!k->aqm)
		return;
	aqm_flush(k->aqm);
	aqm_free(k->aqm);
}

void sim_link_warm(struct sim *s, uint32_t l)
{
	struct sim_link *k = &s->link[l];

	aqm_stats_reset(k->aqm, s->now);
	k->busy = k->sending ? k->done - s->now : 0;
	k->served_bytes = 0;
	k->lost = 0;
	k->capacity = 0;
	k->capacity_rest = 0;
	k->capacity_at = s->now;
}

void sim_link_result(struct sim *s, uint32_t l, struct sim_link_result *r)
{
	struct sim_link *k = &s->link[l];

	count_capacity(s, k);
	r->aqm = *aqm_stats(k->aqm, s->now);
	r->busy = k->busy - (k->sending ? k->done - s->now : 0);
	r->served_bytes = k->served_bytes;
	r->capacity = k->capacity;
	r->lost = k->lost;
	r->sending = k->sending ? 1 : 0;
}
