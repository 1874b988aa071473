/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of the two queues of a DualQ is served: weighted round robin by a credit that C gathers
 * while L is served (as sch_dualpi2 has it), or the time-shifted FIFO of RFC 9332 §4.2.2. Stands
 * alone: no libc. */
#ifndef DEP_L4S_AQM_WRR_H
#define DEP_L4S_AQM_WRR_H

#include <stdbool.h>
#include <stdint.h>

struct wrr {
	int32_t credit; /* bytes * percent that C is owed; L is served while it is not positive */
	int32_t start;
	int32_t wc; /* percent of the link for C */
	int32_t wl;
};

static inline void wrr_init(struct wrr *w, uint32_t mtu, uint32_t percent)
{
	w->wc = (int32_t)percent;
	w->wl = 100 - (int32_t)percent;
	w->start = (int32_t)mtu * (w->wc - w->wl);
	w->credit = w->start;
}

/* True: L. At least one of the queues holds a packet. */
static inline bool wrr_low(const struct wrr *w, bool has_c, bool has_l)
{
	return has_l && (!has_c || w->credit <= 0);
}

/* A packet of len bytes leaves; other: the queue that was not served holds packets. */
static inline void wrr_served(struct wrr *w, bool low, bool other, uint32_t len)
{
	if (other)
		w->credit += low ? w->wc * (int32_t)len : -w->wl * (int32_t)len;
}

/* Both queues are empty. */
static inline void wrr_reset(struct wrr *w)
{
	w->credit = w->start;
}

/* True: L. Times of arrival of the heads, of queues that both hold packets; L is served as if its
 * packets had come shift ns earlier. */
static inline bool ts_fifo_low(uint64_t head_c, uint64_t head_l, uint64_t shift)
{
	return head_l <= head_c + shift;
}

#endif
