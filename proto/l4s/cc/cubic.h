/* SPDX-License-Identifier: BSD-2-Clause */
/* CUBIC with ABE: one state for the form of RFC 9438 and that of Linux (cubic_rfc.h,
 * cubic_linux.h), for plain slow start, HyStart and HyStart++.
 *
 * ABE changes one thing: the factor in cubic_ssthresh. W_max and K follow from the window as it is;
 * alpha of the Reno region stays that of beta_loss unless abe.alpha says "scale". */
#ifndef DEP_L4S_CC_CUBIC_H
#define DEP_L4S_CC_CUBIC_H

#include "proto/l4s/cc/cubic_linux.h"
#include "proto/l4s/cc/cubic_rfc.h"
#include "proto/l4s/cc/hystart.h"
#include "proto/l4s/cc/hystartpp.h"

struct cc_cubic {
	union {
		struct cubic_linux linux_;
		struct cubic_rfc rfc;
	};
	union { /* the RFC form watches for the end of its first slow start only; what it needs for
		   undo comes after that */
		struct cc_hystart hystart;
		struct cc_hystartpp hystartpp;
		struct cubic_undo undo;
	};
	struct abe_round round;
	struct abe_signals signals;
	uint8_t samples;      /* HyStart */
	uint8_t css_rounds;   /* HyStart++ */
	uint8_t found : 1;    /* HyStart has ended slow start; RFC form: the first one is over */
	uint8_t epoch_on : 1; /* RFC form: an epoch runs */
	uint8_t owner;	      /* for glue, not touched here */
};

_Static_assert(sizeof(struct cc_cubic) <= CC_PRIV, "fits the kernel's private area");

static inline void cubic_slow_start_begin(struct cc_cubic *s, const struct cc_cfg *cfg,
					  uint64_t now_ns, uint32_t snd_nxt)
{
	s->found = 0;
	s->css_rounds = 0;
	if (cfg->start == CC_START_HYSTARTPP)
		hystartpp_begin(&s->hystartpp, &s->samples, snd_nxt);
	else
		hystart_round(&s->hystart, &s->samples, (uint32_t)(now_ns / 1000), snd_nxt);
}

static inline void cubic_init(struct cc_cubic *s, const struct cc_cfg *cfg, uint64_t now_ns,
			      uint32_t snd_nxt)
{
	*s = (struct cc_cubic){0};
	cubic_slow_start_begin(s, cfg, now_ns, snd_nxt);
}

/* The beta that alpha of the Reno region belongs to. */
static inline uint32_t cubic_alpha_beta(const struct cc_cubic *s, const struct cc_cfg *cfg)
{
	if (cfg->abe.alpha == ABE_ALPHA_SCALE && s->round.beta)
		return s->round.beta;
	return cfg->abe.beta_loss;
}

static inline uint32_t cubic_ssthresh(struct cc_cubic *s, const struct cc_cfg *cfg,
				      enum cc_cause cause, const struct cc_ack *a,
				      const struct cc_win *w)
{
	struct abe_now now;
	uint32_t flight = cc_flight(cfg, a, w);
	uint32_t beta;
	uint32_t fast;

	if (cause == CC_CAUSE_ECN && abe_round_open(&s->round, a->snd_una))
		return w->ssthresh;
	if (cause == CC_CAUSE_LOSS && abe_round_open(&s->round, a->snd_una) &&
	    s->round.cause == CC_CAUSE_ECN)
		return abe_loss_after_mark(&cfg->abe, &s->round, w->ssthresh);
	abe_now_fill(&now, a);
	if (cause == CC_CAUSE_ECN && cfg->abe.mode == ABE_ADAPTIVE)
		abe_signals_mark(&s->signals, &now);
	beta = abe_beta(&cfg->abe, cause, cc_in_slow_start(w), &s->signals);
	fast = cfg->abe.fast_conv_beta ? beta : cfg->abe.beta_loss;
	abe_round_begin(&s->round, cause, beta, flight, a->snd_nxt);
	if (cfg->form == CC_FORM_LINUX) {
		cubic_linux_reduce(&s->linux_, w->cwnd, cfg->fast_convergence, fast);
		return cc_max(cc_scale(flight, beta), CC_SSTHRESH_MIN);
	}
	s->found = 1;
	s->epoch_on = 0;
	return cubic_rfc_reduce(&s->rfc, &s->undo, w, flight, beta,
				cfg->fast_convergence ? fast : 0);
}

static inline void cubic_set_state(struct cc_cubic *s, const struct cc_cfg *cfg,
				   enum cc_state state, const struct cc_ack *a, struct cc_win *w)
{
	uint32_t ssthresh = w->ssthresh;

	if (state == CC_RECOVERY || state == CC_LOSS)
		w->ssthresh = abe_loss_after_mark(&cfg->abe, &s->round, w->ssthresh);
	if (cfg->form == CC_FORM_RFC && (w->ssthresh != ssthresh || state == CC_LOSS))
		s->rfc.frac = 0;
	if (state == CC_OPEN)
		s->round.open = 0;
	if (state != CC_LOSS)
		return;
	if (cfg->form == CC_FORM_LINUX) {
		s->linux_ = (struct cubic_linux){0};
		cubic_slow_start_begin(s, cfg, a->now_ns, a->snd_nxt);
	} else {
		s->rfc.w_max = 0; /* the next stage has K = 0 and W_max = cwnd */
		s->epoch_on = 0;
	}
}

/* RTT samples: Linux' pkts_acked. */
static inline void cubic_rtt(struct cc_cubic *s, const struct cc_cfg *cfg, const struct cc_ack *a,
			     struct cc_win *w)
{
	struct cubic_linux *l = &s->linux_;
	uint32_t delay_min = a->min_rtt_us;

	if (!a->rtt_us)
		return;
	if (cfg->form == CC_FORM_LINUX) {
		/* not right after a recovery */
		if (l->epoch_start &&
		    (int32_t)(cubic_jiffies(a->now_ns) - l->epoch_start) < (int32_t)CUBIC_HZ)
			return;
		if (!l->delay_min || l->delay_min > a->rtt_us)
			l->delay_min = a->rtt_us;
		delay_min = l->delay_min;
	}
	if (cfg->start == CC_START_HYSTART && !s->found && cc_in_slow_start(w))
		s->found = hystart_update(&s->hystart, &s->samples, cfg, a, w, delay_min);
}

static inline void cubic_rfc_ack(struct cc_cubic *s, const struct cc_cfg *cfg,
				 const struct cc_ack *a, struct cc_win *w, uint32_t acked)
{
	uint32_t now = cubic_rfc_time(a->now_ns);

	if (!s->epoch_on) {
		cubic_rfc_epoch(&s->rfc, cfg, ((uint64_t)w->cwnd << 32) | s->rfc.frac, now);
		s->epoch_on = 1;
	}
	cubic_rfc_grow(&s->rfc, cfg, a, w, acked, now, cubic_alpha_beta(s, cfg));
}

/* The time since the last ACK does not count where the window was not the limit. */
static inline void cubic_rfc_clock(struct cc_cubic *s, uint64_t now_ns, bool limited)
{
	uint32_t now = cubic_rfc_time(now_ns);

	if (!limited && s->epoch_on)
		s->rfc.epoch += now - s->rfc.last;
	s->rfc.last = now;
}

/* Growth (Linux: cong_avoid). */
static inline void cubic_grow(struct cc_cubic *s, const struct cc_cfg *cfg, const struct cc_ack *a,
			      struct cc_win *w)
{
	uint32_t acked = cc_min(a->acked, CC_ACKED_MAX);

	if (cfg->form == CC_FORM_RFC)
		cubic_rfc_clock(s, a->now_ns, a->cwnd_limited);
	if (!acked || !a->cwnd_limited || a->state == CC_CWR || a->state == CC_RECOVERY)
		return;
	if (cc_in_slow_start(w)) {
		if (cfg->start == CC_START_HYSTARTPP && !s->found) {
			s->found = hystartpp_ack(&s->hystartpp, &s->samples, &s->css_rounds, cfg, a,
						 w);
			return;
		}
		acked = cc_slow_start(w, acked);
		if (!acked)
			return;
	}
	if (cfg->form == CC_FORM_RFC) {
		s->found = 1;
		cubic_rfc_ack(s, cfg, a, w, acked);
		return;
	}
	cubic_linux_update(&s->linux_, w->cwnd, acked, cubic_jiffies(a->now_ns),
			   cubic_alpha_beta(s, cfg));
	cc_additive(w, s->linux_.cnt, acked);
}

static inline void cubic_ack(struct cc_cubic *s, const struct cc_cfg *cfg, const struct cc_ack *a,
			     struct cc_win *w)
{
	if (cfg->abe.mode == ABE_ADAPTIVE && !cc_in_slow_start(w))
		abe_signals_ack(&s->signals, a);
	cubic_rtt(s, cfg, a, w);
	cubic_grow(s, cfg, a, w);
}

/* The reduction was for nothing: Linux gives the window back; the RFC (§4.9) all of its state. */
static inline uint32_t cubic_undo(struct cc_cubic *s, const struct cc_cfg *cfg, struct cc_win *w)
{
	uint32_t prior = s->round.prior_cwnd;

	s->round.open = 0;
	if (cfg->form == CC_FORM_LINUX || !s->rfc.cwnd_prior || w->cwnd >= s->rfc.cwnd_prior)
		return cc_max(w->cwnd, prior);
	prior = s->rfc.cwnd_prior;
	w->ssthresh = s->undo.ssthresh;
	s->rfc.w_max = s->undo.w_max;
	s->rfc.k = s->undo.k;
	s->rfc.epoch = s->undo.epoch;
	s->rfc.cwnd_prior = s->undo.cwnd_prior;
	s->rfc.w_est = s->rfc.u_w_est;
	s->rfc.frac = 0;
	s->epoch_on = s->rfc.w_max != 0;
	return prior;
}

/* Sends again after idle since `last_ns`. */
static inline void cubic_restart(struct cc_cubic *s, const struct cc_cfg *cfg, uint64_t now_ns,
				 uint64_t last_ns)
{
	uint32_t now = cubic_jiffies(now_ns);

	if (cfg->form == CC_FORM_LINUX)
		cubic_linux_restart(&s->linux_, now - cubic_jiffies(last_ns), now);
	else
		cubic_rfc_clock(s, now_ns, false);
}

#endif
