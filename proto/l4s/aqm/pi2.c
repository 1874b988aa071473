/* SPDX-License-Identifier: BSD-2-Clause */
/* The base controller that PI2 and DualPI2 share: p' from the delay, and from p' the probabilities
 * of both sorts of traffic (RFC 9332 §2.1): p_CL = k * p' for Scalable, p_C = p'^2 for Classic. And
 * PI2 itself: one queue, both laws. */
#include "proto/l4s/aqm/aqm_priv.h"
#include "proto/l4s/aqm/pi.h"

#define OVERLOAD_HYSTERESIS 100000000u /* ns */

void pi2_new(struct aqm *q, uint64_t now)
{
	q->pi2.due = now + q->cfg.tupdate;
	pi2_configure(q);
}

void pi2_configure(struct aqm *q)
{
	struct pi2 *s = &q->pi2;

	if (q->cfg.profile == AQM_PROFILE_LINUX) {
		s->alpha = pi_linux_gain(q->cfg.alpha);
		s->beta = pi_linux_gain(q->cfg.beta);
	} else {
		s->alpha = pi_rfc_gain(q->cfg.alpha_uhz);
		s->beta = pi_rfc_gain(q->cfg.beta_uhz);
	}
	s->p_cmax = RECUR_ONE / (q->cfg.coupling * q->cfg.coupling);
	/* The credit starts anew: it is in units of the weights. */
	wrr_init(&s->wrr, q->cfg.mtu, q->cfg.classic_protection);
	pi2_thresholds(q);
	pi2_couple(q);
}

/* Where the link is slow, one packet of C ahead is no sign of a queue in L: thresholds stay at or
 * above two packets of it. */
void pi2_thresholds(struct aqm *q)
{
	struct pi2 *s = &q->pi2;
	uint64_t floor = 0;

	if (q->cfg.rate_aware && q->cfg.rate)
		floor = 2 * (uint64_t)q->cfg.mtu * 8 * 1000000000u / q->cfg.rate;
	s->step = q->cfg.step > floor ? q->cfg.step : floor;
	s->ramp_min = q->cfg.ramp_min > floor ? q->cfg.ramp_min : floor;
	s->ramp_max = s->ramp_min + q->cfg.ramp_range;
	s->ramp_slope = q->cfg.ramp_range ? PI_ONE / q->cfg.ramp_range : 0;
}

void pi2_couple(struct aqm *q)
{
	struct pi2 *s = &q->pi2;
	uint64_t p = s->prob;

	if (q->cfg.profile == AQM_PROFILE_RFC && s->prob == UINT32_MAX)
		p = RECUR_ONE;
	s->p_cl = p * q->cfg.coupling;
	if (s->p_cl > RECUR_ONE)
		s->p_cl = RECUR_ONE;
	s->p_c = p == RECUR_ONE ? RECUR_ONE : p * p >> 32;
	q->stats.prob = s->prob;
	q->stats.p_cl = s->p_cl > UINT32_MAX ? UINT32_MAX : (uint32_t)s->p_cl;
	q->stats.p_c = s->p_c > UINT32_MAX ? UINT32_MAX : (uint32_t)s->p_c;
}

void pi2_force(struct aqm *q, uint32_t prob)
{
	q->pi2.prob = prob;
	q->pi2.p56 = prob == UINT32_MAX ? PI_ONE : (uint64_t)prob << 24;
	pi2_couple(q);
}

static void pi2_update(struct aqm *q, uint64_t now)
{
	struct pi2 *s = &q->pi2;
	uint64_t c = aqm_head_delay(q, AQM_C, now);
	uint64_t l = aqm_head_delay(q, AQM_L, now);
	uint64_t delay = c > l ? c : l;

	if (q->cfg.profile == AQM_PROFILE_LINUX) {
		s->prob = pi_linux(s->prob, delay, s->last_delay, q->cfg.target, s->alpha, s->beta);
		/* Marks alone must do then: more than 1 for L would break fairness. */
		if (q->cfg.overload == AQM_OVERFLOW && s->prob > UINT32_MAX / q->cfg.coupling)
			s->prob = UINT32_MAX / q->cfg.coupling;
	} else {
		s->p56 = pi_rfc_add(s->p56, pi_rfc_delta(delay, s->last_delay, q->cfg.target,
							 s->alpha, s->beta));
		s->prob = pi_rfc_prob(s->p56);
	}
	s->last_delay = delay;
	pi2_couple(q);
}

static void watch_overload(struct aqm *q, uint64_t now)
{
	struct aqm_stats *st = &q->stats;
	struct pi2 *s = &q->pi2;

	if (st->overloaded) {
		st->overload_ns += now - s->overload_since;
		s->overload_since = now;
	}
	if (s->p_cl >= RECUR_ONE) {
		s->saturated = now;
		if (!st->overloaded) {
			st->overloaded = true;
			st->overloads++;
			s->overload_since = now;
		}
	} else if (st->overloaded && now - s->saturated >= OVERLOAD_HYSTERESIS) {
		st->overloaded = false;
	}
}

uint64_t pi2_tick(struct aqm *q, uint64_t now)
{
	struct pi2 *s = &q->pi2;

	if (now < s->due)
		return s->due;
	if (!q->forced)
		pi2_update(q, now);
	watch_overload(q, now);
	s->due += q->cfg.tupdate;
	if (s->due <= now)
		s->due = now + q->cfg.tupdate;
	return s->due;
}

struct aqm_pkt *pi2_dequeue(struct aqm *q, uint64_t now)
{
	while (q->list[AQM_C].head) {
		struct aqm_pkt *p = aqm_pop(q, AQM_C);
		bool scalable = q->cfg.ecn && (p->ecn & 1);
		bool drop;

		if (q->cfg.profile == AQM_PROFILE_LINUX)
			drop = dualpi2_linux_verdict(q, AQM_C, scalable, p);
		else
			drop = dualpi2_rfc_verdict(q, AQM_C, scalable, 0, p);
		if (!drop)
			return aqm_forward(q, AQM_C, p, now);
		aqm_drop(q, AQM_C, p, (enum aqm_why)p->why);
	}
	return NULL;
}
