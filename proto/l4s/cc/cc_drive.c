/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/cc/cc_drive.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

void drive_init(struct drive *d, const char *text, uint32_t rtt_us, uint32_t cwnd,
		uint32_t ssthresh)
{
	struct cc_cfg cfg;
	struct err err = {0};

	memset(d, 0, sizeof(*d));
	if (cc_cfg_parse(&cfg, text, &err)) {
		err_print(&err, text, stderr);
		abort();
	}
	cc_init(&d->cc, &cfg, cfg.feedback, 0, &d->w);
	d->a.srtt_us = rtt_us;
	d->a.rtt_us = rtt_us;
	d->a.min_rtt_us = rtt_us;
	d->a.cwnd_limited = true;
	if (cwnd)
		d->w.cwnd = cwnd;
	if (ssthresh)
		d->w.ssthresh = ssthresh;
	d->a.snd_nxt = d->w.cwnd;
}

static void set_state(struct drive *d, enum cc_state state)
{
	d->a.state = (uint8_t)state;
	cc_set_state(&d->cc, state, &d->a, &d->w);
}

static void reduce(struct drive *d, enum cc_cause cause, enum cc_state state)
{
	uint32_t before = d->w.cwnd;

	d->w.ssthresh = cc_ssthresh(&d->cc, cause, &d->a, &d->w);
	d->high = d->a.snd_nxt;
	d->reductions++;
	prr_begin(&d->prr, before);
	set_state(d, state);
}

void drive_ack(struct drive *d, uint64_t now_ns, uint32_t n, uint32_t ce, uint32_t lost)
{
	struct cc_ack *a = &d->a;

	a->now_ns = now_ns;
	a->acked = n;
	a->lost = lost;
	a->delivered += n;
	a->delivered_ce += ce;
	a->snd_una += n;
	a->snd_nxt = a->snd_una + d->w.cwnd;
	a->inflight = d->w.cwnd > n ? d->w.cwnd - n : 0;
	a->ece = ce > 0;
	if (ce)
		cc_mark(&d->cc, a);
	if (a->state != CC_OPEN && cc_after(a->snd_una, d->high)) {
		if (!cc_controls_window(&d->cc) && a->state != CC_LOSS)
			prr_end(&d->w);
		set_state(d, CC_OPEN);
	}
	if (lost && a->state != CC_RECOVERY && a->state != CC_LOSS) {
		if (a->state == CC_CWR)
			set_state(d, CC_RECOVERY);
		else
			reduce(d, CC_CAUSE_LOSS, CC_RECOVERY);
	} else if (ce && a->state == CC_OPEN) {
		reduce(d, CC_CAUSE_ECN, CC_CWR);
	}
	if (!cc_controls_window(&d->cc) && (a->state == CC_CWR || a->state == CC_RECOVERY)) {
		prr_ack(&d->prr, &d->w, n, a->inflight, lost, true);
		prr_sent(&d->prr, d->w.cwnd - cc_min(a->inflight, d->w.cwnd));
		return;
	}
	cc_ack(&d->cc, a, &d->w);
}

uint64_t drive_marked(struct drive *d, uint32_t rtt_us, uint32_t p, uint64_t ns)
{
	uint64_t now = 0;
	uint64_t acc = 0;
	uint64_t half_bytes = 0;
	uint64_t size;
	uint64_t gap;

	d->a.srtt_us = rtt_us;
	d->a.min_rtt_us = rtt_us;
	d->a.rtt_us = rtt_us;
	while (now < ns) {
		size = d->w.packet ? d->w.packet : d->cc.cfg.mtu;
		gap = (uint64_t)rtt_us * 1000 / cc_max(d->w.cwnd, 1);
		if (d->w.pacing_rate)
			gap = cc_max64(gap, size * 1000000000 / d->w.pacing_rate);
		now += cc_max64(gap, 1);
		d->bytes += size;
		if (now >= ns / 2)
			half_bytes += size;
		acc += p;
		drive_ack(d, now, 1, (uint32_t)(acc >> 32), 0);
		acc &= UINT32_MAX;
	}
	return half_bytes * 8 * 1000 / (ns / 2 / 1000000);
}

/* ---- over a link ---- */

#define RING 65536u

struct flight {
	uint64_t ack_at;
	uint64_t sent_at;
	uint32_t size;
	bool ce;
};

struct pipe {
	struct flight ring[RING];
	uint32_t head, tail;
	uint64_t free_at; /* the link */
	uint64_t send_at; /* pacing */
	uint64_t waited, packets;
};

static void send_one(struct drive *d, struct drive_link *l, struct pipe *p, uint64_t now,
		     bool count)
{
	struct flight *f = &p->ring[p->tail++ % RING];
	uint64_t begin = cc_max64(now, p->free_at);

	f->size = d->w.packet ? d->w.packet : d->cc.cfg.mtu;
	f->sent_at = now;
	f->ce = begin - now > l->mark_ns;
	p->free_at = begin + (uint64_t)f->size * 8 * 1000000000 / l->rate;
	f->ack_at = p->free_at + (uint64_t)l->rtt_us * 1000;
	if (count) {
		p->waited += begin - now;
		p->packets++;
		l->queue_max = cc_max64(l->queue_max, begin - now);
		l->smallest = cc_min64(l->smallest, f->size);
	}
	if (d->w.pacing_rate)
		p->send_at = cc_max64(now, p->send_at) +
			     (uint64_t)f->size * 1000000000 / d->w.pacing_rate;
}

static void take_ack(struct drive *d, struct pipe *p)
{
	struct flight *f = &p->ring[p->head++ % RING];
	uint32_t rtt = (uint32_t)((f->ack_at - f->sent_at) / 1000);
	struct cc_ack *a = &d->a;

	a->rtt_us = rtt;
	a->srtt_us = a->srtt_us - a->srtt_us / 8 + rtt / 8;
	a->min_rtt_us = cc_min(a->min_rtt_us, rtt);
	d->bytes += f->size;
	drive_ack(d, f->ack_at, 1, f->ce, 0);
}

void drive_link(struct drive *d, struct drive_link *l, uint64_t ns)
{
	struct pipe *p = calloc(1, sizeof(*p));
	uint64_t now = 0;
	uint64_t before = 0;

	if (!p)
		abort();
	l->queue_max = 0;
	l->smallest = UINT64_MAX;
	d->a.srtt_us = l->rtt_us;
	d->a.min_rtt_us = UINT32_MAX;
	while (now < ns) {
		uint32_t under_way = p->tail - p->head;
		bool may = under_way < d->w.cwnd && under_way < RING - 1;
		uint64_t next = may ? cc_max64(now, p->send_at) : UINT64_MAX;

		if (under_way && p->ring[p->head % RING].ack_at <= next) {
			now = p->ring[p->head % RING].ack_at;
			take_ack(d, p);
		} else {
			now = next;
			send_one(d, l, p, now, now >= ns / 2);
		}
		if (now < ns / 2)
			before = d->bytes;
	}
	l->throughput = (d->bytes - before) * 8 * 1000 / (ns / 2 / 1000000);
	l->queue_mean = p->packets ? p->waited / p->packets : 0;
	free(p);
}
