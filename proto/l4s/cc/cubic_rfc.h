/* SPDX-License-Identifier: BSD-2-Clause */
/* CUBIC as RFC 9438 writes it, in fixed point. Windows carry 32 bits of fraction (the whole part is
 * cc_win.cwnd), W_max 5; times are 2^-16 s. Everything fits 64 bits for windows up to CC_CWND_MAX
 * and epochs up to 512 s, where the curve stops. */
#ifndef DEP_L4S_CC_CUBIC_RFC_H
#define DEP_L4S_CC_CUBIC_RFC_H

#include "proto/l4s/cc/reno.h"

#define CUBIC_TIME_MAX (1u << 25) /* 512 s */
#define CUBIC_WMAX_BITS 5

struct cubic_rfc {
	uint64_t w_est;	  /* 2^-32 segments */
	uint64_t u_w_est; /* undo: before the last reduction */
	uint32_t frac;	  /* of cwnd, 2^-32 */
	uint32_t w_max;	  /* 2^-5 segments */
	uint32_t k;	  /* 2^-16 s */
	uint32_t epoch;	  /* when it began, 2^-16 s */
	uint32_t last;	  /* last ACK */
	uint32_t cwnd_prior;
};

struct cubic_undo {
	uint32_t w_max;
	uint32_t k;
	uint32_t epoch;
	uint32_t cwnd_prior;
	uint32_t ssthresh;
};

static inline uint32_t cubic_rfc_time(uint64_t now_ns)
{
	return (uint32_t)((now_ns << 7) / 1953125); /* 2^16 / 10^9 */
}

/* q / (n / 16) in 2^-32, q in 2^-16 and below 2^59, n below 2^32. */
static inline uint64_t cubic_share(uint64_t q, uint64_t n)
{
	uint64_t v = q << 4;

	n = cc_max64(n, 1);
	return ((v / n) << 16) + (((v % n) << 16) / n);
}

/* cbrt(diff / C) in 2^-16 s; diff in 2^-16 segments, c in 1/1000. */
static inline uint32_t cubic_rfc_k(uint64_t diff, uint32_t c)
{
	uint64_t v = diff * 1000 / cc_max(c, 1); /* s^3, 2^-16 */
	uint32_t less = 0;			 /* powers of 8 that do not fit */
	uint32_t i;

	/* wanted is cbrt(v 2^32) */
	for (i = 0; i < 10; i++)
		if (cc_bits(v) + 32 - 3 * less > 63)
			less++;
	return cc_min(cc_cbrt(v << (32 - 3 * less)) << less, CUBIC_TIME_MAX);
}

/* W_cubic(t) in 2^-16 segments. */
static inline uint64_t cubic_rfc_w(const struct cubic_rfc *r, uint32_t c, uint64_t t)
{
	uint64_t w_max = (uint64_t)r->w_max << (16 - CUBIC_WMAX_BITS);
	uint64_t x;
	uint64_t d;

	t = cc_min64(t, 2ull * CUBIC_TIME_MAX);
	x = cc_min64(t < r->k ? r->k - t : t - r->k, CUBIC_TIME_MAX);
	d = (((x * x) >> 16) * x) >> 16;
	d = d * c / 1000;
	if (t < r->k)
		return w_max > d ? w_max - d : 0;
	return w_max + d;
}

static inline void cubic_rfc_epoch(struct cubic_rfc *r, const struct cc_cfg *cfg, uint64_t cwnd,
				   uint32_t now)
{
	uint32_t whole = (uint32_t)(cwnd >> (32 - CUBIC_WMAX_BITS));

	r->epoch = now;
	r->w_est = cwnd;
	r->k = 0;
	if (!r->cwnd_prior)
		r->cwnd_prior = (uint32_t)(cwnd >> 32);
	if (whole >= r->w_max)
		r->w_max = whole;
	else
		r->k = cubic_rfc_k((uint64_t)(r->w_max - whole) << (16 - CUBIC_WMAX_BITS),
				   cfg->cubic_c);
}

/* `acked` segments in congestion avoidance; beta: that of the Reno region's alpha. */
cc_inline void cubic_rfc_grow(struct cubic_rfc *r, const struct cc_cfg *cfg, const struct cc_ack *a,
			      struct cc_win *w, uint32_t acked, uint32_t now, uint32_t beta)
{
	uint64_t cwnd = ((uint64_t)w->cwnd << 32) | r->frac;
	uint64_t n = cwnd >> 28;
	uint64_t t = now - r->epoch;
	uint64_t target = cubic_rfc_w(r, cfg->cubic_c, t + ((uint64_t)a->srtt_us << 10) / 15625);
	uint64_t alpha = (3ull * (1024 - beta) << 16) / (1024 + beta);

	if ((r->w_est >> 32) >= r->cwnd_prior)
		alpha = 1u << 16;
	r->w_est = cc_min64(r->w_est + cubic_share(alpha * acked, n), (uint64_t)CC_CWND_MAX << 32);
	if (cubic_rfc_w(r, cfg->cubic_c, t) < r->w_est >> 16) {
		cwnd = cc_max64(cwnd, r->w_est); /* Reno-friendly region */
	} else {
		target = cc_min64(target, (cwnd >> 16) + (cwnd >> 17));
		if (target > cwnd >> 16)
			cwnd += cubic_share((target - (cwnd >> 16)) * acked, n);
	}
	cwnd = cc_min64(cwnd, (uint64_t)CC_CWND_MAX << 32);
	w->cwnd = (uint32_t)(cwnd >> 32);
	r->frac = (uint32_t)cwnd;
}

/* A reduction to beta (1/1024) of `flight` whole segments, or of the window with its fraction where
 * that is what flight is; returns ssthresh, whose fraction stays in r->frac. fast: factor of fast
 * convergence, 0: none. */
cc_inline uint32_t cubic_rfc_reduce(struct cubic_rfc *r, struct cubic_undo *u,
				    const struct cc_win *w, uint32_t flight, uint32_t beta,
				    uint32_t fast)
{
	uint64_t cwnd = ((uint64_t)w->cwnd << 32) | r->frac;
	uint32_t whole = (uint32_t)(cwnd >> (32 - CUBIC_WMAX_BITS));
	uint64_t to;

	u->w_max = r->w_max;
	u->k = r->k;
	u->epoch = r->epoch;
	u->cwnd_prior = r->cwnd_prior;
	u->ssthresh = w->ssthresh;
	r->u_w_est = r->w_est;
	if (fast && whole < r->w_max)
		r->w_max = (uint32_t)(((uint64_t)whole * (1024 + fast)) >> 11);
	else
		r->w_max = whole;
	r->cwnd_prior = w->cwnd;
	to = flight < w->cwnd ? (uint64_t)flight << 32 : cwnd;
	to = (to >> 10) * beta;
	if ((to >> 32) < CC_SSTHRESH_MIN)
		to = (uint64_t)CC_SSTHRESH_MIN << 32;
	r->frac = (uint32_t)to;
	return (uint32_t)(to >> 32);
}

#endif
