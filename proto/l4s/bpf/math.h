/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Functions of cc/cc_math.h with many branches as functions of their own, which the verifier looks
 * at once and not at each place they are used. Part of cc.bpf.c, before the controls. */
#ifndef DEP_L4S_BPF_MATH_H
#define DEP_L4S_BPF_MATH_H

#define cc_bits cc_bits_inline
#define cc_log2 cc_log2_inline
#define cc_cbrt cc_cbrt_inline
#include "proto/l4s/cc/cc_math.h"
#undef cc_bits
#undef cc_log2
#undef cc_cbrt

__attribute__((noinline)) uint32_t cc_bits(uint64_t v)
{
	return cc_bits_inline(v);
}

__attribute__((noinline)) uint32_t cc_log2(uint32_t v)
{
	return cc_log2_inline(v);
}

/* 0, but the verifier does not know it. */
uint64_t unknown_zero;

/* The verifier would follow each of 2^22 ways through cc_cbrt's loop, as long as it knows the bits
 * of the root. The cube root rounded down is the same number by any way. */
__attribute__((noinline)) uint32_t cc_cbrt(uint64_t v)
{
	uint64_t root = unknown_zero;
	uint64_t b;
	int s;

	for (s = 63; s >= 0; s -= 3) {
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
