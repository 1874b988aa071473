/* SPDX-License-Identifier: BSD-2-Clause */
/* The ABE policy (RFC 8511) as functions: which factor answers a congestion event.
 *
 * beta_ecn answers a mark, and only a mark: not a loss, not a timeout, not the sender's own full
 * queue; only in congestion avoidance, unless abe.slow_start says otherwise; once a round, which
 * abe_round watches over. Where ABE is off, or no mark ever comes, every value is that of
 * beta_loss. */
#ifndef DEP_L4S_CC_ABE_POLICY_H
#define DEP_L4S_CC_ABE_POLICY_H

#include "proto/l4s/cc.h"
#include "proto/l4s/cc/abe_adaptive.h"

/* The last reduction: one answer a round, and what a loss in the same round makes of it. */
struct abe_round {
	uint32_t end;	     /* snd_nxt at the reduction */
	uint32_t prior_cwnd; /* window before it */
	uint16_t beta;	     /* factor used, 1/1024; 0: none yet */
	uint8_t cause;	     /* enum cc_cause */
	uint8_t open;	     /* the round is not over */
};

/* The factor for a reduction now. slow_start: cwnd is below ssthresh. */
static inline uint32_t abe_beta(const struct abe_cfg *abe, enum cc_cause cause, bool slow_start,
				const struct abe_signals *s)
{
	if (cause != CC_CAUSE_ECN || abe->mode == ABE_OFF || (slow_start && !abe->slow_start))
		return abe->beta_loss;
	if (abe->mode == ABE_ADAPTIVE)
		return cc_clamp(abe_adaptive_beta(s), abe->beta_min, abe->beta_max);
	return abe->beta_ecn;
}

/* Whether the round of the last reduction still runs at an ACK up to snd_una. */
static inline bool abe_round_open(const struct abe_round *r, uint32_t snd_una)
{
	return r->open && !cc_after(snd_una, r->end);
}

static inline void abe_round_begin(struct abe_round *r, enum cc_cause cause, uint32_t beta,
				   uint32_t cwnd, uint32_t snd_nxt)
{
	r->end = snd_nxt;
	r->prior_cwnd = cwnd;
	r->beta = (uint16_t)beta;
	r->cause = (uint8_t)cause;
	r->open = 1;
}

/* A loss was found while the answer to a mark is under way. RFC 8511 §4.2 gives it no second
 * answer; with frlossreduce (FreeBSD) the threshold becomes what the loss alone would have made of
 * the window, ssthresh * beta_loss / beta_ecn. Returns the threshold. */
static inline uint32_t abe_loss_after_mark(const struct abe_cfg *abe, struct abe_round *r,
					   uint32_t ssthresh)
{
	if (!abe->frlossreduce || !r->open || r->cause != CC_CAUSE_ECN || r->beta == abe->beta_loss)
		return ssthresh;
	r->cause = CC_CAUSE_LOSS;
	r->beta = abe->beta_loss;
	return cc_max(cc_scale(r->prior_cwnd, abe->beta_loss), CC_SSTHRESH_MIN);
}

#endif
