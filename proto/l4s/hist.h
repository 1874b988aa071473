/* SPDX-License-Identifier: BSD-2-Clause */
/* Histogram of times with a bounded relative error, as HDR histograms have it: below
 * 2^HIST_SUB_BITS ns exact, above that 2^HIST_SUB_BITS buckets an octave (3 % wide). Integer only;
 * adding is a shift and an increment. */
#ifndef DEP_L4S_HIST_H
#define DEP_L4S_HIST_H

#include <stdint.h>

#define HIST_SUB_BITS 5
#define HIST_OCTAVES 33 /* up to 2^37 ns, 137 s; longer times count in the last bucket */
#define HIST_BUCKETS (HIST_OCTAVES << HIST_SUB_BITS)

struct hist {
	uint64_t n;
	uint64_t sum; /* ns */
	uint64_t min; /* ns; UINT64_MAX where n is 0 */
	uint64_t max;
	uint64_t bucket[HIST_BUCKETS];
};

void hist_reset(struct hist *h);
/* Lower bound of bucket i in ns; that of i + 1 is its end. */
uint64_t hist_floor(uint32_t i);
/* The value below or at which q/1000000 of all values lie (500000: median), as the middle of its
 * bucket, held within [min, max]; 0 where n is 0. */
uint64_t hist_quantile(const struct hist *h, uint32_t q);
uint64_t hist_mean(const struct hist *h);
void hist_merge(struct hist *to, const struct hist *from);

static inline uint32_t hist_index(uint64_t ns)
{
	uint32_t shift;
	uint32_t i;

	if (ns < (1u << HIST_SUB_BITS))
		return (uint32_t)ns;
	shift = 63u - (uint32_t)__builtin_clzll(ns) - HIST_SUB_BITS;
	i = ((shift + 1) << HIST_SUB_BITS) + (uint32_t)((ns >> shift) - (1u << HIST_SUB_BITS));
	return i < HIST_BUCKETS ? i : HIST_BUCKETS - 1;
}

static inline void hist_add(struct hist *h, uint64_t ns)
{
	h->n++;
	h->sum += ns;
	if (ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
	h->bucket[hist_index(ns)]++;
}

#endif
