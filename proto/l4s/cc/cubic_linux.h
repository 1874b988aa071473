/* SPDX-License-Identifier: BSD-2-Clause */
/* CUBIC in the integers of Linux' tcp_cubic: the same window after the same ACKs, bit for bit.
 * Windows in segments, time in jiffies of CUBIC_HZ and in 1/1024 s. Where Linux' arithmetic
 * overflows (windows over two million segments, epochs over five minutes) this one saturates. */
#ifndef DEP_L4S_CC_CUBIC_LINUX_H
#define DEP_L4S_CC_CUBIC_LINUX_H

#include "proto/l4s/cc/reno.h"

#ifndef CUBIC_HZ
#define CUBIC_HZ 1000u
#endif
#define CUBIC_RTT_SCALE 410u		       /* bic_scale 41 * 10: C of 0.4 in 1/1024 */
#define CUBIC_FACTOR (0x10000000000ull / 410u) /* 2^40 / 410 */
#define CUBIC_OFFS_MAX 355000u		       /* 410 offs^3 stays below 2^64 */

struct cubic_linux {
	uint32_t cnt;		/* ACKed segments for one more */
	uint32_t last_max_cwnd; /* W_max */
	uint32_t last_cwnd;
	uint32_t last_time;
	uint32_t origin_point;
	uint32_t k; /* 1/1024 s */
	uint32_t epoch_start;
	uint32_t ack_cnt;
	uint32_t tcp_cwnd;  /* what Reno would have */
	uint32_t delay_min; /* us */
};

static inline uint32_t cubic_jiffies(uint64_t now_ns)
{
	return (uint32_t)(now_ns / (1000000000u / CUBIC_HZ));
}

/* Six bits of a table, then one step of Newton: within 0.3 % of the cube root. */
static inline uint32_t cubic_root(uint64_t a)
{
	static const uint8_t v[64] = {
		0,   54,  54,  54,  118, 118, 118, 118, 123, 129, 134, 138, 143, 147, 151, 156,
		157, 161, 164, 168, 170, 173, 176, 179, 181, 185, 187, 190, 192, 194, 197, 199,
		200, 202, 204, 206, 209, 211, 213, 215, 217, 219, 221, 222, 224, 225, 227, 229,
		231, 232, 234, 236, 237, 239, 240, 242, 244, 245, 246, 248, 250, 251, 252, 254,
	};
	uint32_t bits = cc_bits(a);
	uint32_t b;
	uint32_t x;

	if (bits < 7)
		return (v[a & 63] + 35u) >> 6;
	b = ((bits * 84) >> 8) - 1;
	x = (v[(a >> (b * 3)) & 63] + 10u) << b >> 6;
	x = 2 * x + (uint32_t)(a / ((uint64_t)x * (uint64_t)(x - 1)));
	return (x * 341) >> 10;
}

/* 8 (1 + beta) / 3 (1 - beta): with 717 it is 15, so that Reno's share grows by one in cwnd * 15 /
 * 8 ACKs. */
static inline uint32_t cubic_beta_scale(uint32_t beta)
{
	return 8 * (1024 + beta) / 3 / (1024 - beta);
}

static inline void cubic_linux_epoch(struct cubic_linux *s, uint32_t cwnd, uint32_t acked,
				     uint32_t now)
{
	s->epoch_start = now;
	s->ack_cnt = acked;
	s->tcp_cwnd = cwnd;
	if (s->last_max_cwnd <= cwnd) {
		s->k = 0;
		s->origin_point = cwnd;
	} else {
		s->k = cubic_root(CUBIC_FACTOR * (s->last_max_cwnd - cwnd));
		s->origin_point = s->last_max_cwnd;
	}
}

static inline uint32_t cubic_linux_target(const struct cubic_linux *s, uint32_t now)
{
	/* usecs_to_jiffies rounds up */
	uint64_t t = (uint64_t)(now - s->epoch_start) +
		     ((uint64_t)s->delay_min * CUBIC_HZ + 999999) / 1000000;
	uint64_t offs;
	uint64_t delta;

	t = (t << 10) / CUBIC_HZ;
	offs = t < s->k ? s->k - t : t - s->k;
	offs = cc_min64(offs, CUBIC_OFFS_MAX);
	delta = (CUBIC_RTT_SCALE * offs * offs * offs) >> 40;
	if (t < s->k)
		return s->origin_point > delta ? s->origin_point - (uint32_t)delta : 0;
	return (uint32_t)cc_min64(s->origin_point + delta, CC_CWND_MAX);
}

/* The cubic function decides how many ACKs the next segment needs. */
static inline void cubic_linux_curve(struct cubic_linux *s, uint32_t cwnd, uint32_t acked,
				     uint32_t now)
{
	uint32_t target;

	s->last_cwnd = cwnd;
	s->last_time = now;
	if (!s->epoch_start)
		cubic_linux_epoch(s, cwnd, acked, now);
	target = cubic_linux_target(s, now);
	if (target > cwnd)
		s->cnt = cwnd / (target - cwnd);
	else
		s->cnt = (uint32_t)cc_min64(100ull * cwnd, UINT32_MAX);
	if (!s->last_max_cwnd && s->cnt > 20)
		s->cnt = 20; /* 5 % a round while nothing is known */
}

/* beta: that of the Reno region's alpha. */
static inline void cubic_linux_update(struct cubic_linux *s, uint32_t cwnd, uint32_t acked,
				      uint32_t now, uint32_t beta)
{
	uint32_t delta;
	uint32_t n;

	s->ack_cnt += acked;
	if (s->last_cwnd == cwnd && (int32_t)(now - s->last_time) <= (int32_t)(CUBIC_HZ / 32))
		return;
	/* at most once a jiffy, unless a reduction began a new epoch */
	if (!s->epoch_start || now != s->last_time)
		cubic_linux_curve(s, cwnd, acked, now);
	delta = (uint32_t)cc_max64(((uint64_t)cwnd * cubic_beta_scale(beta)) >> 3, 1);
	if (s->ack_cnt > delta) {
		n = (s->ack_cnt - 1) / delta;
		s->ack_cnt -= n * delta;
		s->tcp_cwnd = cc_min(s->tcp_cwnd + n, CC_CWND_MAX);
	}
	if (s->tcp_cwnd > cwnd)
		s->cnt = cc_min(s->cnt, cwnd / (s->tcp_cwnd - cwnd));
	s->cnt = cc_max(s->cnt, 2);
}

/* W_max at a reduction from cwnd. */
static inline void cubic_linux_reduce(struct cubic_linux *s, uint32_t cwnd, bool fast_convergence,
				      uint32_t beta)
{
	s->epoch_start = 0;
	if (cwnd < s->last_max_cwnd && fast_convergence)
		s->last_max_cwnd = (uint32_t)(((uint64_t)cwnd * (1024 + beta)) >> 11);
	else
		s->last_max_cwnd = cwnd;
}

/* Sends again after `idle` jiffies: the epoch does not run meanwhile. */
static inline void cubic_linux_restart(struct cubic_linux *s, uint32_t idle, uint32_t now)
{
	if (!s->epoch_start || (int32_t)idle <= 0)
		return;
	s->epoch_start += idle;
	if (cc_after(s->epoch_start, now))
		s->epoch_start = now;
}

#endif
