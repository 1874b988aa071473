/* SPDX-License-Identifier: BSD-2-Clause */
/* Alternative Backoff with ECN (RFC 8511) as a policy: by how much a window shrinks on a mark, and
 * on a loss. Inline, integer, without division of signed numbers: the same lines run in the
 * simulator and as eBPF in the kernel. Factors are in 1/1024 (717: 0.7, 870: 0.85). */
#ifndef DEP_L4S_ABE_H
#define DEP_L4S_ABE_H

#include "proto/l4s/cc/cc_types.h"

#define ABE_ONE 1024u

enum abe_mode {
	ABE_OFF,      /* RFC 3168: a mark is answered as a loss */
	ABE_FIXED,    /* beta_ecn */
	ABE_ADAPTIVE, /* beta_ecn follows what the sender measures, see abe_adaptive.h */
};

enum abe_alpha {
	ABE_ALPHA_KEEP,	 /* CUBIC's alpha stays that of beta_loss (ns-3, the research patch) */
	ABE_ALPHA_SCALE, /* alpha = 3(1-b)/(1+b) of the beta in force */
};

struct abe_cfg {
	uint8_t mode;
	uint8_t alpha;
	bool slow_start; /* apply beta_ecn in slow start, too (RFC 8511 §4 does not recommend it) */
	bool frlossreduce; /* a loss after a mark of the same round: ssthresh * beta_loss / beta_ecn
			    */
	bool fast_conv_beta; /* fast convergence uses the beta in force instead of beta_loss */
	uint16_t beta_loss;
	uint16_t beta_ecn;
	uint16_t beta_min; /* ABE_ADAPTIVE: range */
	uint16_t beta_max;
};

#endif
