/* SPDX-License-Identifier: BSD-2-Clause */
/* DualPI2 as RFC 9332 appendix A has it: the L queue marks on a ramp, marks and drops fall at even
 * intervals. */
#include "proto/l4s/aqm/aqm_priv.h"

/* A probability of 1 means every packet: recur() alone would let the very first one through. */
static bool even(uint64_t *count, uint64_t p)
{
	return p >= RECUR_ONE || recur(count, p);
}

static bool to_drop(struct aqm_pkt *p, enum aqm_why why)
{
	p->why = (uint8_t)why;
	return true;
}

static bool classic(struct aqm *q, unsigned c, struct aqm_pkt *p)
{
	struct pi2 *s = &q->pi2;

	if (!even(&s->count[AQM_C], s->p_c))
		return false;
	if (!aqm_can_mark(q, p))
		return to_drop(p, AQM_WHY_CLASSIC);
	if (s->p_c >= s->p_cmax)
		return to_drop(p, AQM_WHY_OVERLOAD);
	aqm_mark(q, c, p, AQM_WHY_CLASSIC);
	return false;
}

bool dualpi2_rfc_verdict(struct aqm *q, unsigned c, bool scalable, uint64_t native,
			 struct aqm_pkt *p)
{
	struct pi2 *s = &q->pi2;

	if (!scalable)
		return classic(q, c, p);
	if (s->p_cl < RECUR_ONE) {
		if (even(&s->count[AQM_L], native > s->p_cl ? native : s->p_cl))
			aqm_mark(q, c, p, native > s->p_cl ? AQM_WHY_NATIVE : AQM_WHY_COUPLED);
		return false;
	}
	if (even(&s->count[AQM_L], s->p_c))
		return to_drop(p, AQM_WHY_OVERLOAD);
	aqm_mark(q, c, p, AQM_WHY_COUPLED); /* p_CL is 1 */
	return false;
}

bool dualpi2_rfc_enqueue(struct aqm *q, struct aqm_pkt *p)
{
	unsigned c = p->low ? AQM_L : AQM_C;

	if (q->packets >= q->limit_packets || q->bytes + q->cfg.mtu > q->limit_bytes) {
		aqm_drop(q, c, p, AQM_WHY_LIMIT);
		return false;
	}
	aqm_push(q, c, p);
	return true;
}

/* p'_L, 2^-32: of a packet that has left the queue after sojourn ns. */
static uint64_t ramp(const struct aqm *q, uint64_t sojourn)
{
	const struct pi2 *s = &q->pi2;

	if (q->list[AQM_L].n <= q->cfg.th_len || sojourn <= s->ramp_min)
		return 0;
	if (sojourn >= s->ramp_max)
		return RECUR_ONE;
	return (sojourn - s->ramp_min) * s->ramp_slope >> 24;
}

struct aqm_pkt *dualpi2_rfc_dequeue(struct aqm *q, uint64_t now)
{
	struct wrr *w = &q->pi2.wrr;

	while (q->packets) {
		unsigned c = dualpi2_choose(q);
		struct aqm_pkt *p = aqm_pop(q, c);
		/* ECT(0) that a filter put into L is still Classic. */
		bool scalable = p->ecn & 1;
		uint64_t native = c == AQM_L ? ramp(q, aqm_age(p, now)) : 0;

		if (dualpi2_rfc_verdict(q, c, scalable, native, p)) {
			aqm_drop(q, c, p, (enum aqm_why)p->why);
			continue;
		}
		wrr_served(w, c == AQM_L, q->list[!c].head, p->len);
		return aqm_forward(q, c, p, now);
	}
	wrr_reset(w);
	return NULL;
}
