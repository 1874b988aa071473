/* SPDX-License-Identifier: BSD-2-Clause */
/* Adaptive ABE: beta_ecn chosen at each reduction by a mark from what the sender has measured
 * itself. A pure function of struct abe_signals, which the congestion control fills cheaply.
 *
 * Through a coupled queue a fixed beta_ecn over-corrects where the round trip is short and does too
 * little where it is long (spec §1, §4.3). The first rule here grows beta with the window and takes
 * it back on short round trips. */
#ifndef DEP_L4S_CC_ABE_ADAPTIVE_H
#define DEP_L4S_CC_ABE_ADAPTIVE_H

#include "proto/l4s/abe.h"
#include "proto/l4s/cc/cc_math.h"

/* What CUBIC and Reno keep for it; 28 bytes of their state. Averages have a gain of 1/8. */
struct abe_signals {
	uint32_t last_ms;      /* when the last reduction by a mark was; 0: none yet */
	uint32_t interval_ms;  /* average between reductions by marks, 1/8 ms */
	uint32_t deviation_ms; /* mean deviation of that, 1/8 ms */
	uint32_t cwnd;	       /* average window at these, 1/8 segment */
	uint32_t queue_us;     /* average of the largest queueing delay of an epoch, 1/8 us */
	uint32_t queue_max_us; /* largest since the last reduction */
	uint16_t marks;	       /* reductions by marks, saturates */
	uint16_t spare;
};

/* What is known at the moment of a reduction. */
struct abe_now {
	uint32_t now_ms;
	uint32_t cwnd; /* before the reduction */
	uint32_t w_max;
	uint32_t srtt_us;
	uint32_t min_rtt_us;
	uint32_t rtt_us; /* of this ACK, 0: none */
};

/* |a - b| */
static inline uint32_t abe_distance(uint32_t a, uint32_t b)
{
	return a > b ? a - b : b - a;
}

/* One step of an average of gain 1/8 kept in 1/8. */
static inline uint32_t abe_average(uint32_t avg8, uint32_t v)
{
	return avg8 - (avg8 >> 3) + v;
}

/* Each ACK with an RTT. */
static inline void abe_signals_rtt(struct abe_signals *s, uint32_t rtt_us, uint32_t min_rtt_us)
{
	if (rtt_us > min_rtt_us && min_rtt_us && rtt_us - min_rtt_us > s->queue_max_us)
		s->queue_max_us = cc_min(rtt_us - min_rtt_us, 60000000);
}

/* A reduction by a mark, after beta was chosen. */
static inline void abe_signals_mark(struct abe_signals *s, const struct abe_now *n)
{
	uint32_t interval = cc_min(n->now_ms - s->last_ms, 1u << 24);
	uint32_t cwnd = cc_min(n->cwnd, CC_CWND_MAX);

	if (!s->marks) {
		s->cwnd = cwnd << 3;
		s->queue_us = s->queue_max_us << 3;
	} else if (s->marks == 1) {
		s->interval_ms = interval << 3;
		s->deviation_ms = interval << 2;
	} else {
		s->deviation_ms =
			abe_average(s->deviation_ms, abe_distance(interval, s->interval_ms >> 3));
		s->interval_ms = abe_average(s->interval_ms, interval);
	}
	if (s->marks) {
		s->cwnd = abe_average(s->cwnd, cwnd);
		s->queue_us = abe_average(s->queue_us, s->queue_max_us);
	}
	s->last_ms = n->now_ms;
	s->queue_max_us = 0;
	if (s->marks < 0xffff)
		s->marks++;
}

/* beta_ecn in 1/1024, before it is held within [beta_min, beta_max]. 0.75 + 0.055 log2(cwnd / 15) -
 * 0.2 max(0, 1 - min_rtt / 20 ms). */
static inline uint32_t abe_adaptive_beta(const struct abe_signals *s, const struct abe_now *n)
{
	uint32_t gain = cc_log2(cc_min(n->cwnd, CC_CWND_MAX)) * 56 >> 10; /* 0.055 */
	uint32_t beta = 768 + gain;
	uint32_t less = 220; /* 0.055 log2(15) */

	(void)s;
	if (n->min_rtt_us < 20000)
		less += 205 * (20000 - n->min_rtt_us) / 20000;
	return beta > less ? beta - less : 0;
}

#endif
