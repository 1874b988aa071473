/* SPDX-License-Identifier: BSD-2-Clause */
/* The rate server's arithmetic: when the link has sent what it was given. Each packet starts at
 * max(now, end of the last one) and takes 8 * bytes / rate; what the division leaves is carried on,
 * so that a busy link never drifts from its rate. Pure. */
#ifndef DEP_L4S_LINK_PACE_H
#define DEP_L4S_LINK_PACE_H

#include <stdint.h>

struct pace {
	uint64_t rate;	  /* bit/s, not 0 */
	uint64_t free_at; /* ns: when the link has sent everything */
	uint64_t rest;	  /* of the division, in 1/rate ns */
};

static inline void pace_set(struct pace *p, uint64_t rate)
{
	p->rate = rate;
	p->rest = 0;
}

/* An idle link waits until now. */
static inline void pace_idle(struct pace *p, uint64_t now)
{
	if (p->free_at >= now)
		return;
	p->free_at = now;
	p->rest = 0;
}

/* Serves `bytes` (up to 2^20) from free_at on; returns the ns that takes. */
static inline uint64_t pace_serve(struct pace *p, uint32_t bytes)
{
	uint64_t bits = bytes * UINT64_C(8000000000) + p->rest;
	uint64_t ns = bits / p->rate;

	p->rest = bits % p->rate;
	p->free_at += ns;
	return ns;
}

#endif
