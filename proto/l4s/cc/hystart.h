/* SPDX-License-Identifier: BSD-2-Clause */
/* Leaving slow start before the queue is full: HyStart as in Linux' tcp_cubic. A round ends it when
 * its train of ACKs lasts as long as half the smallest RTT (all of it where sending is paced), or
 * when the smallest of its first eight RTTs has grown by an eighth, 4 to 16 ms. */
#ifndef DEP_L4S_CC_HYSTART_H
#define DEP_L4S_CC_HYSTART_H

#include "proto/l4s/cc/reno.h"

#define HYSTART_LOW_WINDOW 16u
#define HYSTART_ACK_DELTA_US 2000
#define HYSTART_SAMPLES 8u
#define HYSTART_GSO 65536u /* sk_gso_max_size */

struct cc_hystart {
	uint32_t round_start; /* us */
	uint32_t end_seq;
	uint32_t last_ack; /* us */
	uint32_t curr_rtt; /* us, smallest of the round */
};

static inline void hystart_round(struct cc_hystart *h, uint8_t *samples, uint32_t now_us,
				 uint32_t snd_nxt)
{
	h->round_start = now_us;
	h->last_ack = now_us;
	h->end_seq = snd_nxt;
	h->curr_rtt = UINT32_MAX;
	*samples = 0;
}

/* How much longer a train gets by segmentation offload: four of its bursts at the pacing rate that
 * Linux computes with or without pacing, at most 1 ms. */
static inline uint32_t hystart_ack_delay(const struct cc_cfg *cfg, const struct cc_ack *a,
					 const struct cc_win *w)
{
	uint32_t percent = w->cwnd < w->ssthresh / 2 ? 200 : 120;
	uint64_t rate;

	if (!a->srtt_us)
		return 0;
	rate = (uint64_t)cfg->mss * cc_max(w->cwnd, a->inflight) * percent * 10000 / a->srtt_us;
	if (!rate)
		return 0;
	return (uint32_t)cc_min64(1000, (uint64_t)HYSTART_GSO * 4 * 1000000 / rate);
}

/* An RTT sample in slow start; delay_min: smallest so far. True: slow start is over, ssthresh is
 * set. */
cc_inline bool hystart_update(struct cc_hystart *h, uint8_t *samples, const struct cc_cfg *cfg,
			      const struct cc_ack *a, struct cc_win *w, uint32_t delay_min)
{
	uint32_t now_us = (uint32_t)(a->now_ns / 1000);
	uint32_t delay = cc_max(a->rtt_us, 1);
	bool found = false;

	if (cc_after(a->snd_una, h->end_seq))
		hystart_round(h, samples, now_us, a->snd_nxt);
	if (w->cwnd < HYSTART_LOW_WINDOW)
		return false;
	if ((int32_t)(now_us - h->last_ack) <= HYSTART_ACK_DELTA_US) {
		uint32_t threshold = delay_min + hystart_ack_delay(cfg, a, w);

		h->last_ack = now_us;
		if (!cfg->pacing)
			threshold >>= 1;
		found = now_us - h->round_start > threshold;
	}
	h->curr_rtt = cc_min(h->curr_rtt, delay);
	if (*samples < HYSTART_SAMPLES)
		++*samples;
	else if (h->curr_rtt > delay_min + cc_clamp(delay_min >> 3, 4000, 16000))
		found = true;
	if (found)
		w->ssthresh = w->cwnd;
	return found;
}

#endif
