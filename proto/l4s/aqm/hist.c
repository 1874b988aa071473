/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/hist.h"

#include <string.h>

void hist_reset(struct hist *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

uint64_t hist_floor(uint32_t i)
{
	uint32_t octave = i >> HIST_SUB_BITS;
	uint64_t sub = i & ((1u << HIST_SUB_BITS) - 1);

	return octave == 0 ? sub : ((1u << HIST_SUB_BITS) + sub) << (octave - 1);
}

/* The rank of the quantile: ceil(n * q / 1000000), at least 1, without a product that overflows. */
static uint64_t rank_of(uint64_t n, uint32_t q)
{
	uint64_t whole = n / 1000000 * q;
	uint64_t rest = (n % 1000000 * q + 999999) / 1000000;

	return whole + rest > 0 ? whole + rest : 1;
}

uint64_t hist_quantile(const struct hist *h, uint32_t q)
{
	uint64_t rank;
	uint64_t seen = 0;
	uint64_t v;
	uint32_t i;

	if (h->n == 0)
		return 0;
	if (q >= 1000000)
		return h->max;
	rank = rank_of(h->n, q);
	for (i = 0; i < HIST_BUCKETS - 1; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			break;
	}
	v = hist_floor(i) + (hist_floor(i + 1) - hist_floor(i)) / 2;
	if (i == HIST_BUCKETS - 1)
		v = h->max;
	if (v < h->min)
		return h->min;
	return v > h->max ? h->max : v;
}

uint64_t hist_mean(const struct hist *h)
{
	return h->n ? h->sum / h->n : 0;
}

void hist_merge(struct hist *to, const struct hist *from)
{
	uint32_t i;

	to->n += from->n;
	to->sum += from->sum;
	if (from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
	for (i = 0; i < HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}
