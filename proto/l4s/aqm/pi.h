/* SPDX-License-Identifier: BSD-2-Clause */
/* Proportional-integral controllers of PI2 and DualPI2: from the delay of a queue to the base
 * probability p'. Two forms: that of Linux' sch_dualpi2, equal to it bit for bit except that a sum
 * beyond 2^32 saturates here where it would wrap there; and that of RFC 9332 appendix A in fixed
 * point of 2^-56. Stands alone: no libc, so that it also compiles for eBPF. */
#ifndef DEP_L4S_AQM_PI_H
#define DEP_L4S_AQM_PI_H

#include <stdint.h>

#define PI_ONE ((uint64_t)1 << 56) /* of the RFC form */

/* Delays beyond this count as this: 78 h in the Linux form, 4.3 s in that of the RFC. */
#define PI_LINUX_MAX_NS ((uint64_t)1 << 48)
#define PI_RFC_MAX_NS ((uint64_t)1 << 32)

/* Gain of the Linux form from netlink's unit (Hz * 256, at most 2048): 41 gives 44, 819 gives 879.
 */
static inline uint32_t pi_linux_gain(uint32_t hz256)
{
	return (uint32_t)(((uint64_t)hz256 * UINT32_MAX >> 2) / 1000000000u);
}

/* The next p' (2^-32) from the delay now, that of the last update, and the target, in ns. */
static inline uint32_t pi_linux(uint32_t prob, uint64_t now, uint64_t last, uint64_t target,
				uint32_t alpha, uint32_t beta)
{
	int64_t delta;
	uint64_t step;

	if (now > PI_LINUX_MAX_NS)
		now = PI_LINUX_MAX_NS;
	delta = ((int64_t)now - (int64_t)target) * (int64_t)alpha;
	delta += ((int64_t)now - (int64_t)last) * (int64_t)beta;
	if (delta > 0) {
		step = (uint64_t)delta >> 6;
		return step > UINT32_MAX - prob ? UINT32_MAX : prob + (uint32_t)step;
	}
	step = (uint64_t)-delta >> 6;
	return step > prob ? 0 : prob - (uint32_t)step;
}

/* Gain of the RFC form, 2^-56 a ns, from 1e-6 Hz (at most 8 Hz). */
static inline uint32_t pi_rfc_gain(uint32_t uhz)
{
	const uint64_t d = 30517578125u; /* 5^15: 2^56 / 1e15 is 2^41 / 5^15, in two steps */
	uint64_t a = (uint64_t)uhz << 38;

	return (uint32_t)(((a / d) << 3) + (((a % d) << 3) / d));
}

/* What one update adds to p', 2^-56. */
static inline int64_t pi_rfc_delta(uint64_t now, uint64_t last, uint64_t target, uint32_t alpha,
				   uint32_t beta)
{
	if (now > PI_RFC_MAX_NS)
		now = PI_RFC_MAX_NS;
	if (last > PI_RFC_MAX_NS)
		last = PI_RFC_MAX_NS;
	return ((int64_t)now - (int64_t)target) * (int64_t)alpha +
	       ((int64_t)now - (int64_t)last) * (int64_t)beta;
}

/* p + delta, held within [0, PI_ONE]. */
static inline uint64_t pi_rfc_add(uint64_t p, int64_t delta)
{
	if (delta < 0)
		return (uint64_t)-delta > p ? 0 : p - (uint64_t)-delta;
	return (uint64_t)delta > PI_ONE - p ? PI_ONE : p + (uint64_t)delta;
}

/* 2^-56 as 2^-32, where UINT32_MAX stands for 1. */
static inline uint32_t pi_rfc_prob(uint64_t p)
{
	return p >= PI_ONE ? UINT32_MAX : (uint32_t)(p >> 24);
}

#endif
