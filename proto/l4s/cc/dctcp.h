/* SPDX-License-Identifier: BSD-2-Clause */
/* DCTCP (RFC 8257), for comparison and data centres: a window shrinks by half the share of marked
 * segments, averaged over rounds; grows and answers loss as Reno. */
#ifndef DEP_L4S_CC_DCTCP_H
#define DEP_L4S_CC_DCTCP_H

#include "proto/l4s/cc/reno.h"

#define DCTCP_ONE (1u << 24)
#define DCTCP_G 4 /* 1/16 */

struct cc_dctcp {
	struct cc_reno reno; /* first */
	uint32_t alpha;	     /* 2^-24 */
	uint32_t next_seq;   /* end of the round */
	uint32_t delivered;  /* at its beginning */
	uint32_t delivered_ce;
};

_Static_assert(sizeof(struct cc_dctcp) <= CC_PRIV, "fits the kernel's private area");

static inline void dctcp_init(struct cc_dctcp *s, const struct cc_cfg *cfg)
{
	*s = (struct cc_dctcp){.alpha = DCTCP_ONE};
	reno_init(&s->reno, cfg);
}

/* Once a round: alpha = (1 - g) alpha + g M. Before the states change on an ACK; calling it again
 * for the same ACK does nothing. */
static inline void dctcp_round(struct cc_dctcp *s, const struct cc_ack *a)
{
	uint32_t n = a->delivered - s->delivered;
	uint32_t ce = cc_min(a->delivered_ce - s->delivered_ce, n);

	if (!cc_after(a->snd_una, s->next_seq) || !n)
		return;
	s->alpha -= s->alpha >> DCTCP_G;
	s->alpha += (uint32_t)(((uint64_t)ce << (24 - DCTCP_G)) / n);
	s->alpha = cc_min(s->alpha, DCTCP_ONE);
	s->next_seq = a->snd_nxt;
	s->delivered = a->delivered;
	s->delivered_ce = a->delivered_ce;
}

static inline uint32_t dctcp_ssthresh(struct cc_dctcp *s, const struct cc_cfg *cfg,
				      enum cc_cause cause, const struct cc_ack *a,
				      const struct cc_win *w)
{
	uint32_t less = (uint32_t)(((uint64_t)w->cwnd * s->alpha) >> 25);

	if (cause != CC_CAUSE_ECN)
		return reno_ssthresh(&s->reno, cfg, cause, a, w);
	abe_round_begin(&s->reno.round, cause, ABE_ONE, w->cwnd, a->snd_nxt);
	return cc_max(w->cwnd - less, CC_SSTHRESH_MIN);
}

static inline void dctcp_ack(struct cc_dctcp *s, const struct cc_cfg *cfg, const struct cc_ack *a,
			     struct cc_win *w)
{
	dctcp_round(s, a);
	reno_ack(&s->reno, cfg, a, w);
}

#endif
