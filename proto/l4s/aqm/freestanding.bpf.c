/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The laws compiled for eBPF: that they do shows that they need no libc, no division of signed
 * numbers and no 128-bit arithmetic. Nothing loads this object. */
#include "proto/l4s/aqm/pi.h"
#include "proto/l4s/aqm/recur.h"
#include "proto/l4s/aqm/wrr.h"

struct laws {
	uint64_t now;
	uint64_t last;
	uint64_t target;
	uint64_t p56;
	uint64_t count;
	uint32_t prob;
	uint32_t alpha_uhz;
	uint32_t beta_uhz;
	struct wrr wrr;
};

__attribute__((section("syscall"), used)) int laws(struct laws *l)
{
	uint32_t gain = pi_rfc_gain(l->alpha_uhz);
	bool low;

	l->prob = pi_linux(l->prob, l->now, l->last, l->target, pi_linux_gain(41),
			   pi_linux_gain(819));
	l->p56 = pi_rfc_add(
		l->p56, pi_rfc_delta(l->now, l->last, l->target, gain, pi_rfc_gain(l->beta_uhz)));
	low = wrr_low(&l->wrr, l->prob & 1, l->prob & 2);
	wrr_served(&l->wrr, low, true, 1500);
	return recur(&l->count, pi_rfc_prob(l->p56)) + ts_fifo_low(l->now, l->last, l->target);
}
