/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/rng.h"

#include <string.h>

static uint64_t rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

void rng_seed(struct rng *r, uint64_t seed)
{
	int i;

	/* splitmix64, as the authors of xoshiro advise for seeding. */
	for (i = 0; i < 4; i++) {
		uint64_t z = (seed += 0x9e3779b97f4a7c15u);

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
		z = (z ^ z >> 27) * 0x94d049bb133111ebu;
		r->s[i] = z ^ z >> 31;
	}
}

uint64_t rng_u64(struct rng *r)
{
	uint64_t *s = r->s;
	uint64_t v = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return v;
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
	uint64_t floor;
	uint64_t v;

	if (n == 0)
		return 0;
	floor = -n % n; /* values below it would make small results likelier */
	do
		v = rng_u64(r);
	while (v < floor);
	return v % n;
}

int64_t rng_between(struct rng *r, int64_t lo, int64_t hi)
{
	return lo + (int64_t)rng_below(r, (uint64_t)(hi - lo) + 1);
}

double rng_unit(struct rng *r)
{
	return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

void rng_bytes(struct rng *r, void *p, size_t n)
{
	uint8_t *to = p;

	while (n > 0) {
		uint64_t v = rng_u64(r);
		size_t m = n < sizeof(v) ? n : sizeof(v);

		memcpy(to, &v, m);
		to += m;
		n -= m;
	}
}
