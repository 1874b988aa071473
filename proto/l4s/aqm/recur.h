/* SPDX-License-Identifier: BSD-2-Clause */
/* Marking at even intervals instead of at random (RFC 9332 appendix A, recur()). Exact for every
 * probability n/d that is rounded down to 2^-32: the rounding is too small to move a mark for the
 * first 2^32/d packets. Stands alone: no libc, so that it also compiles for eBPF. */
#ifndef DEP_L4S_AQM_RECUR_H
#define DEP_L4S_AQM_RECUR_H

#include <stdbool.h>
#include <stdint.h>

#define RECUR_ONE ((uint64_t)1 << 32)

/* Adds p (2^-32, at most RECUR_ONE) to the count, and takes 1 from it where it passed 1. */
static inline bool recur(uint64_t *count, uint64_t p)
{
	*count += p;
	if (*count <= RECUR_ONE)
		return false;
	*count -= RECUR_ONE;
	return true;
}

#endif
