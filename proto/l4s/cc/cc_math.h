/* SPDX-License-Identifier: BSD-2-Clause */
/* Small integer arithmetic of the congestion controls. Nothing here divides signed numbers, needs
 * more than 64 bits or loops without a bound: eBPF can do all of it. */
#ifndef DEP_L4S_CC_CC_MATH_H
#define DEP_L4S_CC_CC_MATH_H

#include "proto/l4s/cc/cc_types.h"

/* No window is larger: 100 Gb/s over 10 s of round trip are 83 million segments. */
#define CC_CWND_MAX ((1u << 27) - 1)
#define CC_CWND_MIN 1u
#define CC_SSTHRESH_MIN 2u
#define CC_SSTHRESH_NONE 0x7fffffffu /* not known yet, as in Linux */
/* One ACK never counts for more segments. */
#define CC_ACKED_MAX 32767u

static inline uint32_t cc_min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t cc_max(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static inline uint64_t cc_min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t cc_max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint32_t cc_clamp(uint32_t v, uint32_t low, uint32_t high)
{
	return cc_max(low, cc_min(v, high));
}

/* a is after b in a space that wraps (sequence numbers, times). */
static inline bool cc_after(uint32_t a, uint32_t b)
{
	return (int32_t)(b - a) < 0;
}

/* v * f / 1024, f up to 2048. */
static inline uint32_t cc_scale(uint32_t v, uint32_t f)
{
	return (uint32_t)(((uint64_t)v * f) >> 10);
}

/* Number of bits of v: 0 for 0. */
static inline uint32_t cc_bits(uint64_t v)
{
	uint32_t n = 0;

	if (v >> 32) {
		n += 32;
		v >>= 32;
	}
	if (v >> 16) {
		n += 16;
		v >>= 16;
	}
	if (v >> 8) {
		n += 8;
		v >>= 8;
	}
	if (v >> 4) {
		n += 4;
		v >>= 4;
	}
	if (v >> 2) {
		n += 2;
		v >>= 2;
	}
	if (v >> 1) {
		n += 1;
		v >>= 1;
	}
	return n + (uint32_t)v;
}

/* log2(v) in 1/1024, within 1/10 of a percent of an octave's length (a parabola between powers of
 * two); 0 for 0 and 1. */
static inline uint32_t cc_log2(uint32_t v)
{
	uint32_t octave;
	uint32_t x; /* position in the octave, 1/1024 */

	if (v < 2)
		return 0;
	octave = cc_bits(v) - 1;
	x = (uint32_t)(((((uint64_t)v << 10) >> octave)) & 1023);
	/* log2(1 + x) ~ x + 0.3431 x (1 - x) */
	return (octave << 10) + x + ((x * (1024 - x) / 1024) * 351 / 1024);
}

/* Cube root, rounded down. */
static inline uint32_t cc_cbrt(uint64_t v)
{
	uint64_t root = 0;
	uint64_t b;
	uint32_t i;

	/* one bit of the root a step, from the highest: 2^63 is the largest cube of a power of two
	 */
	for (i = 0; i < 22; i++) {
		uint32_t s = 63 - 3 * i;

		root += root;
		b = 3 * root * (root + 1) + 1;
		if ((v >> s) >= b) {
			v -= b << s;
			root++;
		}
	}
	return (uint32_t)root;
}

#endif
