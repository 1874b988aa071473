/* SPDX-License-Identifier: BSD-2-Clause */
/* DOC: queue managers
 *
 * A queue manager decides which packet leaves next, and which is marked or dropped. All of them
 * stand behind aqm.h: this file holds what they share (making, limits, figures) and hands each
 * event to the kind:
 *
 *   fifo.c          drop-tail
 *   codel.c         CoDel: delay at the head, a square-root law
 *   fq_codel.c      a CoDel queue a flow, deficit round robin
 *   pie.c           PIE: one probability, at enqueue
 *   pi2.c           the base controller p' of PI2 and DualPI2, the coupling, and PI2
 *   dualpi2_rfc.c   DualPI2, RFC 9332 appendix A
 *   dualpi2_linux.c DualPI2 as Linux has it
 *
 * pi.h (controllers), recur.h (even marking) and wrr.h (schedulers) are pure functions of their
 * arguments, so that tests can hold them against vectors and eBPF can use them.
 *
 * A packet is in one place: with its owner, in a list of the queue, or in the list of dropped ones
 * until the owner fetches it. Each event is counted where it happens (the inline verdicts of
 * aqm_priv.h), so that arrived = forwarded + dropped + queued holds after every call. */
#include "proto/l4s/aqm/aqm_priv.h"

#include <errno.h>
#include <string.h>

static void set_limits(struct aqm *q)
{
	const struct aqm_cfg *cfg = &q->cfg;
	uint64_t by_time;

	q->limit_packets = cfg->limit_packets ? cfg->limit_packets : UINT32_MAX;
	q->limit_bytes = cfg->limit_bytes ? cfg->limit_bytes : UINT64_MAX;
	if (!cfg->limit_time || !cfg->rate)
		return;
	/* rate in kb/s, so that the product holds. */
	by_time = cfg->rate / 1000 * (cfg->limit_time / 1000) / 8000;
	if (by_time < 2 * (uint64_t)cfg->mtu)
		by_time = 2 * (uint64_t)cfg->mtu;
	if (by_time < q->limit_bytes)
		q->limit_bytes = by_time;
}

static bool is_pi2(const struct aqm *q)
{
	return q->cfg.kind == AQM_PI2 || q->cfg.kind == AQM_DUALPI2;
}

struct aqm *aqm_new(const struct aqm_cfg *cfg, uint64_t seed, uint64_t now, struct alloc *a)
{
	struct aqm *q;

	if (aqm_cfg_check(cfg, NULL) < 0)
		return NULL;
	q = alloc_zero(a, sizeof(*q));
	if (!q)
		return NULL;
	q->cfg = *cfg;
	q->alloc = a;
	rng_seed(&q->rng, seed);
	set_limits(q);
	hist_reset(&q->stats.q[AQM_C].delay);
	hist_reset(&q->stats.q[AQM_L].delay);
	if (cfg->kind == AQM_FQ_CODEL && fq_new(q) < 0) {
		alloc_free(a, q, sizeof(*q));
		return NULL;
	}
	if (cfg->kind == AQM_PIE)
		pie_new(q, now);
	if (is_pi2(q))
		pi2_new(q, now);
	return q;
}

void aqm_free(struct aqm *q)
{
	if (!q)
		return;
	if (q->cfg.kind == AQM_FQ_CODEL)
		fq_free(q);
	alloc_free(q->alloc, q, sizeof(*q));
}

bool aqm_enqueue(struct aqm *q, struct aqm_pkt *p, uint64_t now)
{
	p->enq_ns = now;
	p->why = AQM_WHY_NONE;
	p->low = 0;
	if (q->cfg.kind == AQM_DUALPI2) {
		p->low = (p->ecn & (q->cfg.any_ect ? 3 : 1)) != 0;
		q->stats.q[p->low].arrived++;
		return q->cfg.profile == AQM_PROFILE_LINUX ? dualpi2_linux_enqueue(q, p)
							   : dualpi2_rfc_enqueue(q, p);
	}
	q->stats.q[AQM_C].arrived++;
	switch (q->cfg.kind) {
	case AQM_FQ_CODEL:
		return fq_enqueue(q, p);
	case AQM_PIE:
		return pie_enqueue(q, p);
	default:
		return fifo_enqueue(q, p);
	}
}

struct aqm_pkt *aqm_dequeue(struct aqm *q, uint64_t now)
{
	switch (q->cfg.kind) {
	case AQM_CODEL:
		return codel_dequeue(q, now);
	case AQM_FQ_CODEL:
		return fq_dequeue(q, now);
	case AQM_PI2:
		return pi2_dequeue(q, now);
	case AQM_DUALPI2:
		return q->cfg.profile == AQM_PROFILE_LINUX ? dualpi2_linux_dequeue(q, now)
							   : dualpi2_rfc_dequeue(q, now);
	default:
		return fifo_dequeue(q, now);
	}
}

struct aqm_pkt *aqm_dropped(struct aqm *q)
{
	struct aqm_pkt *p = q->dropped;

	q->dropped = NULL;
	return p;
}

struct aqm_pkt *aqm_flush(struct aqm *q)
{
	struct aqm_list all = {0};
	struct aqm_pkt *p;

	/* What is taken back did not arrive. */
	q->stats.q[AQM_L].arrived -= q->list[AQM_L].n;
	q->stats.q[AQM_C].arrived -= q->packets - q->list[AQM_L].n;
	if (q->cfg.kind == AQM_FQ_CODEL) {
		p = fq_flush(q);
	} else {
		while (q->list[AQM_C].head)
			list_push(&all, list_pop(&q->list[AQM_C]));
		while (q->list[AQM_L].head)
			list_push(&all, list_pop(&q->list[AQM_L]));
		p = all.head;
	}
	q->packets = 0;
	q->bytes = 0;
	return p;
}

uint64_t aqm_tick(struct aqm *q, uint64_t now)
{
	if (q->cfg.kind == AQM_PIE)
		return pie_tick(q, now);
	return is_pi2(q) ? pi2_tick(q, now) : AQM_NEVER;
}

void aqm_set_rate(struct aqm *q, uint64_t rate)
{
	q->cfg.rate = rate;
	set_limits(q);
	if (is_pi2(q))
		pi2_thresholds(q);
}

int aqm_change(struct aqm *q, const struct aqm_cfg *cfg, struct err *err)
{
	int rc = aqm_cfg_check(cfg, err);

	if (rc < 0)
		return rc;
	if (cfg->kind != q->cfg.kind || cfg->profile != q->cfg.profile ||
	    (cfg->kind == AQM_FQ_CODEL && cfg->flows != q->cfg.flows)) {
		err_set(err, -EINVAL, "a queue at work keeps its kind, profile and flows");
		err_mend(err, "make a new one");
		return -EINVAL;
	}
	q->cfg = *cfg;
	set_limits(q);
	if (cfg->kind == AQM_PIE)
		pie_configure(q);
	if (is_pi2(q))
		pi2_configure(q);
	return 0;
}

uint32_t aqm_packets(const struct aqm *q)
{
	return q->packets;
}

uint64_t aqm_bytes(const struct aqm *q)
{
	return q->bytes;
}

const struct aqm_stats *aqm_stats(struct aqm *q, uint64_t now)
{
	struct aqm_stats *s = &q->stats;

	s->q[AQM_L].packets = q->list[AQM_L].n;
	s->q[AQM_L].bytes = q->list[AQM_L].bytes;
	s->q[AQM_C].packets = q->packets - q->list[AQM_L].n;
	s->q[AQM_C].bytes = q->bytes - q->list[AQM_L].bytes;
	if (is_pi2(q)) {
		s->credit = q->pi2.wrr.credit;
		if (s->overloaded) {
			s->overload_ns += now - q->pi2.overload_since;
			q->pi2.overload_since = now;
		}
	}
	return s;
}

static void reset_queue(struct aqm_queue_stats *s)
{
	uint32_t packets = s->packets;
	uint64_t bytes = s->bytes;

	memset(s, 0, sizeof(*s));
	s->arrived = packets;
	s->packets = packets;
	s->bytes = bytes;
	s->max_packets = packets;
	hist_reset(&s->delay);
}

void aqm_stats_reset(struct aqm *q, uint64_t now)
{
	struct aqm_stats *s = &q->stats;

	aqm_stats(q, now);
	reset_queue(&s->q[AQM_C]);
	reset_queue(&s->q[AQM_L]);
	s->overload_ns = 0;
	s->overloads = s->overloaded;
}

void aqm_force(struct aqm *q, uint32_t prob)
{
	q->forced = true;
	if (q->cfg.kind == AQM_PIE)
		pie_force(q, prob);
	if (is_pi2(q))
		pi2_force(q, prob);
}
