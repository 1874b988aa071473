/* SPDX-License-Identifier: BSD-2-Clause */
/* DualPI2 as Linux' sch_dualpi2 acts: the L queue marks every packet that waited longer than a
 * step, marks and drops fall at random, two rolls of p' for Classic, and the coupled AQM rests
 * while less than two packets wait. */
#include "proto/l4s/aqm/aqm_priv.h"

static bool to_drop(struct aqm_pkt *p, enum aqm_why why)
{
	p->why = (uint8_t)why;
	return true;
}

static bool classic(struct aqm *q, unsigned c, struct aqm_pkt *p, bool overload)
{
	if (!aqm_roll(q, q->pi2.prob) || !aqm_roll(q, q->pi2.prob))
		return false;
	if (!aqm_can_mark(q, p))
		return to_drop(p, AQM_WHY_CLASSIC);
	if (overload)
		return to_drop(p, AQM_WHY_OVERLOAD);
	aqm_mark(q, c, p, AQM_WHY_CLASSIC);
	return false;
}

bool dualpi2_linux_verdict(struct aqm *q, unsigned c, bool scalable, struct aqm_pkt *p)
{
	uint64_t p_l = (uint64_t)q->pi2.prob * q->cfg.coupling;
	bool overload = p_l > UINT32_MAX;

	/* p itself does not count: it has left, or has not come yet. */
	if (q->bytes < 2 * (uint64_t)q->cfg.mtu)
		return false;
	if (!scalable)
		return classic(q, c, p, overload);
	if (!overload) {
		if (aqm_roll(q, (uint32_t)p_l))
			aqm_mark(q, c, p, AQM_WHY_COUPLED);
		return false;
	}
	if (q->cfg.overload == AQM_DROP_ON_OVERLOAD && aqm_roll(q, q->pi2.prob) &&
	    aqm_roll(q, q->pi2.prob))
		return to_drop(p, AQM_WHY_OVERLOAD);
	aqm_mark(q, c, p, AQM_WHY_COUPLED);
	return false;
}

bool dualpi2_linux_enqueue(struct aqm *q, struct aqm_pkt *p)
{
	unsigned c = p->low ? AQM_L : AQM_C;

	if (aqm_full(q, p->len)) {
		aqm_drop(q, c, p, AQM_WHY_LIMIT);
		return false;
	}
	if (q->cfg.drop_early && dualpi2_linux_verdict(q, c, p->low, p)) {
		aqm_drop(q, c, p, (enum aqm_why)p->why);
		return false;
	}
	/* The step looks at the queue that the packet found. */
	p->scratch = p->low && q->list[AQM_L].n >= q->cfg.min_qlen_step;
	aqm_push(q, c, p);
	return true;
}

static void step(struct aqm *q, struct aqm_pkt *p, uint64_t now)
{
	bool over;

	if (!p->scratch)
		return;
	if (q->cfg.step_packets)
		over = q->list[AQM_L].n > q->cfg.step_packets;
	else
		over = aqm_age(p, now) > q->pi2.step;
	if (over)
		aqm_mark(q, AQM_L, p, AQM_WHY_NATIVE);
}

struct aqm_pkt *dualpi2_linux_dequeue(struct aqm *q, uint64_t now)
{
	struct wrr *w = &q->pi2.wrr;

	while (q->packets) {
		unsigned c = dualpi2_choose(q);
		struct aqm_pkt *p = aqm_pop(q, c);

		if (!q->cfg.drop_early && dualpi2_linux_verdict(q, c, p->low, p)) {
			aqm_drop(q, c, p, (enum aqm_why)p->why);
			continue;
		}
		if (c == AQM_L)
			step(q, p, now);
		wrr_served(w, c == AQM_L, q->list[!c].head, p->len);
		return aqm_forward(q, c, p, now);
	}
	wrr_reset(w);
	return NULL;
}
