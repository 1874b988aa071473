/* SPDX-License-Identifier: BSD-2-Clause */
/* PIE, RFC 8033: drops or marks at enqueue with a probability that a PI controller holds, whose
 * gain shrinks with the probability. Delay is the age of the head (§5.2). */
#include "proto/l4s/aqm/aqm_priv.h"
#include "proto/l4s/aqm/pi.h"

/* A fraction of 10^6 in 2^-56. */
#define PPM(x) ((uint64_t)(x) * ((PI_ONE >> 6) / 15625))

#define PIE_CALM PPM(200000)	 /* below it a short queue is left alone */
#define PIE_CAP_FROM PPM(100000) /* §5.5 */
#define PIE_CAP PPM(20000)
#define PIE_ACCU_LOW 3650722201u   /* §5.4: 0.85 in 2^-32 */
#define PIE_ACCU_HIGH 36507222016u /* 8.5 */
#define PIE_LONG 250000000u	   /* ns */

void pie_configure(struct aqm *q)
{
	q->pie.alpha = pi_rfc_gain(q->cfg.alpha_uhz);
	q->pie.beta = pi_rfc_gain(q->cfg.beta_uhz);
}

void pie_new(struct aqm *q, uint64_t now)
{
	pie_configure(q);
	q->pie.burst = q->cfg.max_burst;
	q->pie.due = now + q->cfg.tupdate;
}

void pie_force(struct aqm *q, uint32_t prob)
{
	q->pie.prob = prob == UINT32_MAX ? PI_ONE : (uint64_t)prob << 24;
	q->pie.burst = 0;
	q->stats.prob = prob;
}

/* §5.4: neither two drops close together nor a long row of packets without one. */
static bool drop_early(struct aqm *q)
{
	struct pie *s = &q->pie;
	uint32_t prob = pi_rfc_prob(s->prob);

	if (!q->cfg.pie_derandomise)
		return aqm_roll(q, prob);
	if (prob == 0) {
		s->accu = 0;
		return false;
	}
	s->accu += prob;
	if (s->accu < PIE_ACCU_LOW)
		return false;
	if (s->accu <= PIE_ACCU_HIGH && !aqm_roll(q, prob))
		return false;
	s->accu = 0;
	return true;
}

/* True: p is to be dropped or marked. */
static bool pie_early(struct aqm *q)
{
	struct pie *s = &q->pie;

	if (s->prob == 0 && s->delay < q->cfg.target / 2 && s->last_delay < q->cfg.target / 2)
		s->burst = q->cfg.max_burst;
	if (s->burst > 0)
		return false;
	if (s->last_delay < q->cfg.target / 2 && s->prob < PIE_CALM)
		return false;
	if (q->bytes <= 2 * (uint64_t)q->cfg.mtu)
		return false;
	return drop_early(q);
}

bool pie_enqueue(struct aqm *q, struct aqm_pkt *p)
{
	if (aqm_full(q, p->len)) {
		aqm_drop(q, AQM_C, p, AQM_WHY_LIMIT);
		q->pie.accu = 0;
		return false;
	}
	if (pie_early(q)) {
		if (!aqm_can_mark(q, p) || q->pie.prob >= (uint64_t)q->cfg.mark_ecnth << 24) {
			aqm_drop(q, AQM_C, p, AQM_WHY_CLASSIC);
			return false;
		}
		aqm_mark(q, AQM_C, p, AQM_WHY_CLASSIC);
	}
	aqm_push(q, AQM_C, p);
	return true;
}

/* The gain shrinks where the probability is small (§4.2). */
static int64_t scale_down(uint64_t prob, int64_t delta)
{
	if (prob < PPM(1))
		return delta / 2048;
	if (prob < PPM(10))
		return delta / 512;
	if (prob < PPM(100))
		return delta / 128;
	if (prob < PPM(1000))
		return delta / 32;
	if (prob < PPM(10000))
		return delta / 8;
	if (prob < PPM(100000))
		return delta / 2;
	return delta;
}

static void pie_update(struct aqm *q, uint64_t now)
{
	struct pie *s = &q->pie;
	int64_t delta;

	s->delay = aqm_head_delay(q, AQM_C, now);
	delta = pi_rfc_delta(s->delay, s->last_delay, q->cfg.target, s->alpha, s->beta);
	delta = scale_down(s->prob, delta);
	if (q->cfg.pie_cap && s->prob >= PIE_CAP_FROM && delta > (int64_t)PIE_CAP)
		delta = (int64_t)PIE_CAP;
	if (q->cfg.profile == AQM_PROFILE_LINUX && s->delay > PIE_LONG)
		delta += (int64_t)PIE_CAP;
	s->prob = pi_rfc_add(s->prob, delta);
	if (s->delay == 0 && s->last_delay == 0)
		s->prob -= s->prob / 50;
	s->last_delay = s->delay;
	s->burst -= s->burst < q->cfg.tupdate ? s->burst : q->cfg.tupdate;
	q->stats.prob = pi_rfc_prob(s->prob);
}

uint64_t pie_tick(struct aqm *q, uint64_t now)
{
	struct pie *s = &q->pie;

	if (now < s->due)
		return s->due;
	if (!q->forced)
		pie_update(q, now);
	s->due += q->cfg.tupdate;
	if (s->due <= now)
		s->due = now + q->cfg.tupdate;
	return s->due;
}
