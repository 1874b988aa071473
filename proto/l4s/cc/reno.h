/* SPDX-License-Identifier: BSD-2-Clause */
/* Reno (RFC 5681) in whole segments, as Linux has it, with ABE (RFC 8511 §4.1.1: beta_ecn 0.8), and
 * what the other controls share with it: slow start, additive increase, pacing. */
#ifndef DEP_L4S_CC_RENO_H
#define DEP_L4S_CC_RENO_H

#include "proto/l4s/cc/abe_policy.h"

struct cc_reno {
	struct abe_round round;
	struct abe_signals signals;
};

_Static_assert(sizeof(struct cc_reno) <= CC_PRIV, "fits the kernel's private area");

static inline bool cc_in_slow_start(const struct cc_win *w)
{
	return w->cwnd < w->ssthresh;
}

/* One segment more for each acknowledged, up to ssthresh. Returns how many are left over. */
static inline uint32_t cc_slow_start(struct cc_win *w, uint32_t acked)
{
	uint32_t cwnd = cc_min(cc_min(w->cwnd + acked, w->ssthresh), CC_CWND_MAX);
	uint32_t left = acked - (cwnd > w->cwnd ? cwnd - w->cwnd : 0);

	if (cwnd > w->cwnd)
		w->cwnd = cwnd;
	return w->cwnd == CC_CWND_MAX ? 0 : left;
}

/* One segment more for each `per` acknowledged (Linux: tcp_cong_avoid_ai). */
static inline void cc_additive(struct cc_win *w, uint32_t per, uint32_t acked)
{
	uint32_t delta;

	per = cc_max(per, 1);
	/* Credit gathered at a larger `per` is one segment now. */
	if (w->cwnd_cnt >= per) {
		w->cwnd_cnt = 0;
		w->cwnd++;
	}
	w->cwnd_cnt += acked;
	if (w->cwnd_cnt >= per) {
		delta = w->cwnd_cnt / per;
		w->cwnd_cnt -= delta * per;
		w->cwnd += delta;
	}
	w->cwnd = cc_min(w->cwnd, CC_CWND_MAX);
}

/* The window that a reduction starts from. */
static inline uint32_t cc_flight(const struct cc_cfg *cfg, const struct cc_ack *a,
				 const struct cc_win *w)
{
	if (cfg->flight == CC_FLIGHT_INFLIGHT)
		return cc_clamp(a->inflight, 1, w->cwnd);
	return w->cwnd;
}

/* Pacing of the ACK-clocked controls where cfg.pacing is on: twice the window a round trip in early
 * slow start, 1.2 times later (Linux). Bytes of IP packets. */
static inline void cc_pace(const struct cc_cfg *cfg, const struct cc_ack *a, struct cc_win *w)
{
	uint64_t bytes = (uint64_t)w->cwnd * cfg->mtu;
	uint32_t percent = w->cwnd < w->ssthresh / 2 ? 200 : 120;

	w->packet = 0;
	w->burst = 0;
	w->pacing_rate = 0;
	if (cfg->pacing && a->srtt_us)
		/* at most 2^27 * 2^16 * 200 * 10^4 < 2^64 */
		w->pacing_rate = cc_max64(bytes * percent * 10000 / a->srtt_us, 1);
}

static inline void abe_now_fill(struct abe_now *n, const struct cc_ack *a)
{
	n->now_ns = a->now_ns;
	n->delivered = a->delivered;
	n->srtt_us = a->srtt_us;
	n->min_rtt_us = a->min_rtt_us;
}

static inline void reno_init(struct cc_reno *s, const struct cc_cfg *cfg)
{
	(void)cfg;
	*s = (struct cc_reno){0};
}

static inline uint32_t reno_ssthresh(struct cc_reno *s, const struct cc_cfg *cfg,
				     enum cc_cause cause, const struct cc_ack *a,
				     const struct cc_win *w)
{
	struct abe_now now;
	uint32_t beta;

	if (cause == CC_CAUSE_ECN && abe_round_open(&s->round, a->snd_una))
		return w->ssthresh;
	if (cause == CC_CAUSE_LOSS && abe_round_open(&s->round, a->snd_una) &&
	    s->round.cause == CC_CAUSE_ECN)
		return abe_loss_after_mark(&cfg->abe, &s->round, w->ssthresh);
	abe_now_fill(&now, a);
	if (cause == CC_CAUSE_ECN && cfg->abe.mode == ABE_ADAPTIVE)
		abe_signals_mark(&s->signals, &now);
	beta = abe_beta(&cfg->abe, cause, cc_in_slow_start(w), &s->signals);
	abe_round_begin(&s->round, cause, beta, cc_flight(cfg, a, w), a->snd_nxt);
	return cc_max(cc_scale(s->round.prior_cwnd, beta), CC_SSTHRESH_MIN);
}

static inline void reno_set_state(struct cc_reno *s, const struct cc_cfg *cfg, enum cc_state state,
				  struct cc_win *w)
{
	if (state == CC_RECOVERY || state == CC_LOSS)
		w->ssthresh = abe_loss_after_mark(&cfg->abe, &s->round, w->ssthresh);
	if (state == CC_OPEN)
		s->round.open = 0;
}

static inline void reno_ack(struct cc_reno *s, const struct cc_cfg *cfg, const struct cc_ack *a,
			    struct cc_win *w)
{
	uint32_t acked = cc_min(a->acked, CC_ACKED_MAX);
	uint32_t per;

	if (cfg->abe.mode == ABE_ADAPTIVE && !cc_in_slow_start(w))
		abe_signals_ack(&s->signals, a);
	if (!acked || !a->cwnd_limited || a->state == CC_CWR || a->state == CC_RECOVERY)
		return;
	if (cc_in_slow_start(w)) {
		acked = cc_slow_start(w, acked);
		if (!acked)
			return;
	}
	per = w->cwnd;
	/* alpha = 3 (1 - b) / (1 + b): one segment in 1 / alpha rounds */
	if (cfg->abe.alpha == ABE_ALPHA_SCALE && s->round.beta > 512 && s->round.beta < 1024)
		per = (uint32_t)cc_min64((uint64_t)per * (1024u + s->round.beta) /
						 (3u * (1024u - s->round.beta)),
					 UINT32_MAX);
	cc_additive(w, per, acked);
}

static inline uint32_t reno_undo(struct cc_reno *s, const struct cc_win *w)
{
	s->round.open = 0;
	return cc_max(w->cwnd, s->round.prior_cwnd);
}

#endif
