/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads that do not respond: UDP at a constant rate, as a Poisson process, on and off, in frames.
 */
#include "proto/l4s/sim/engine_priv.h"

#define Q16(x) ((x) << 16)

/* -log2(u / 2^64) for u > 0 in 2^-32: the integer part by counting zeros, each further bit by
 * squaring. */
static uint64_t neg_log2(uint64_t u)
{
	unsigned zeros = (unsigned)__builtin_clzll(u);
	uint64_t m = u << zeros >> 32; /* in [2^31, 2^32): 1..2 */
	uint64_t log = 0;
	unsigned i;

	for (i = 0; i < 32; i++) {
		m = m * m >> 31;
		log <<= 1;
		if (m >> 32) {
			log |= 1;
			m >>= 1;
		}
	}
	return ((uint64_t)zeros + 1) * 0x100000000 - log;
}

uint64_t sim_exponential(struct rng *r, uint64_t mean)
{
	uint64_t nats = (uint64_t)((unsigned __int128)neg_log2(rng_u64(r) | 1) * 2977044472u >> 32);

	return (uint64_t)((unsigned __int128)nats * mean >> 32);
}

static void advance(struct sim_load *d, uint64_t gap_q)
{
	d->at_q += gap_q & 0xffff;
	d->at += (gap_q >> 16) + (d->at_q >> 16);
	d->at_q &= 0xffff;
}

static void next_at(struct sim *s, uint32_t i)
{
	struct sim_load *d = &s->load[i];

	if (d->cfg->stop && d->at >= d->cfg->stop)
		return;
	sim_at(s, d->at, EVENT_LOAD, i);
}

static void one(struct sim *s, struct sim_load *d, uint32_t bytes)
{
	struct sim_pkt *p = sim_pkt_new(s);

	if (!p)
		return;
	p->q.flow = d->flow;
	p->q.ecn = d->cfg->ecn;
	p->kind = SIM_UDP;
	p->payload = (uint16_t)bytes;
	p->seq = (uint32_t)d->number++;
	p->sent_ns = s->now;
	d->r.sent++;
	sim_link_enqueue(s, d->cfg->first_link, p);
}

static void frame(struct sim *s, struct sim_load *d)
{
	uint32_t max = d->cfg->packet;
	uint64_t left;

	d->debt += d->frame;
	left = d->debt >> 16;
	d->debt &= 0xffff;
	for (; left >= max; left -= max)
		one(s, d, max);
	/* Headers alone are no packet: such a rest goes with the next frame. */
	if (left > 28)
		one(s, d, (uint32_t)left);
	else
		d->debt += Q16(left);
}

void sim_load_send(struct sim *s, uint32_t i)
{
	struct sim_load *d = &s->load[i];

	if (d->cfg->kind == SIM_LOAD_ON_OFF && d->at >= d->until) {
		d->at = d->until + sim_exponential(&d->rng, d->cfg->off);
		/* packets further apart than periods are long: that one is over, too */
		if (d->at < s->now)
			d->at = s->now;
		d->until = d->at + sim_exponential(&d->rng, d->cfg->on);
		next_at(s, i);
		return;
	}
	if (d->cfg->kind == SIM_LOAD_FRAMES)
		frame(s, d);
	else
		one(s, d, d->cfg->packet);
	advance(d,
		d->cfg->kind == SIM_LOAD_POISSON ? sim_exponential(&d->rng, d->gap_q) : d->gap_q);
	next_at(s, i);
}

void sim_load_arrived(struct sim *s, struct sim_pkt *p)
{
	struct sim_load_result *r = &s->load[p->q.flow - s->n_flows].r;

	r->received++;
	r->received_bytes += p->payload;
	r->marked += p->q.ecn == ECN_CE;
	sim_pkt_free(s, p);
}

/* 2^16 * n / d */
static uint64_t ratio_q(uint64_t n, uint64_t d)
{
	return (uint64_t)(((unsigned __int128)n << 16) / d);
}

void sim_load_init(struct sim *s, uint32_t i)
{
	struct sim_load *d = &s->load[i];
	const struct sim_load_cfg *cfg = &s->cfg->load[i];
	uint64_t rate = cfg->rate;

	d->cfg = cfg;
	d->flow = s->n_flows + i;
	d->at = cfg->start;
	rng_seed(&d->rng, rng_u64(&s->rng));
	if (cfg->kind == SIM_LOAD_FRAMES) {
		d->gap_q = ratio_q(1000000000, cfg->per_second);
		d->frame = ratio_q(rate / 8, cfg->per_second);
		next_at(s, i);
		return;
	}
	if (cfg->kind == SIM_LOAD_ON_OFF) {
		rate = (uint64_t)((unsigned __int128)rate * (cfg->on + cfg->off) / cfg->on);
		d->until = d->at + sim_exponential(&d->rng, cfg->on);
	}
	d->gap_q = ratio_q((uint64_t)cfg->packet * 8000000000, rate);
	if (cfg->kind == SIM_LOAD_POISSON)
		advance(d, sim_exponential(&d->rng, d->gap_q));
	next_at(s, i);
}
