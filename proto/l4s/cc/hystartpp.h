/* SPDX-License-Identifier: BSD-2-Clause */
/* HyStart++ (RFC 9406): slow start goes over into Conservative Slow Start when the round's smallest
 * RTT has grown, grows a quarter as fast there, returns if the RTT was a passing thing, and ends in
 * congestion avoidance after five such rounds. For the first slow start of a connection only (RFC
 * 9406 §4.3). */
#ifndef DEP_L4S_CC_HYSTARTPP_H
#define DEP_L4S_CC_HYSTARTPP_H

#include "proto/l4s/cc/reno.h"

#define HYSTARTPP_MIN_RTT_THRESH 4000u /* us */
#define HYSTARTPP_MAX_RTT_THRESH 16000u
#define HYSTARTPP_RTT_DIVISOR 8u
#define HYSTARTPP_SAMPLES 8u
#define HYSTARTPP_CSS_DIVISOR 4u
#define HYSTARTPP_CSS_ROUNDS 5u
#define HYSTARTPP_L 8u /* segments an ACK may add where sending is not paced */

struct cc_hystartpp {
	uint32_t end_seq;
	uint32_t last_min; /* us, of the round before; UINT32_MAX: none */
	uint32_t curr_min;
	uint32_t css_base; /* us; UINT32_MAX: not in CSS */
};

static inline void hystartpp_begin(struct cc_hystartpp *h, uint8_t *samples, uint32_t snd_nxt)
{
	h->end_seq = snd_nxt;
	h->last_min = UINT32_MAX;
	h->curr_min = UINT32_MAX;
	h->css_base = UINT32_MAX;
	*samples = 0;
}

static inline void hystartpp_sample(struct cc_hystartpp *h, uint8_t *samples, uint8_t *css_rounds,
				    uint32_t rtt_us)
{
	uint32_t thresh;

	h->curr_min = cc_min(h->curr_min, rtt_us);
	if (*samples < HYSTARTPP_SAMPLES)
		++*samples;
	if (*samples < HYSTARTPP_SAMPLES)
		return;
	if (h->css_base != UINT32_MAX) {
		if (h->curr_min < h->css_base)
			h->css_base = UINT32_MAX; /* the growth was spurious: slow start again */
		return;
	}
	if (h->last_min == UINT32_MAX)
		return;
	thresh = cc_clamp(h->last_min / HYSTARTPP_RTT_DIVISOR, HYSTARTPP_MIN_RTT_THRESH,
			  HYSTARTPP_MAX_RTT_THRESH);
	if (h->curr_min >= h->last_min + thresh) {
		h->css_base = h->curr_min;
		*css_rounds = 0;
	}
}

/* An ACK in the first slow start: grows the window. True: slow start is over, ssthresh is set. */
cc_inline bool hystartpp_ack(struct cc_hystartpp *h, uint8_t *samples, uint8_t *css_rounds,
			     const struct cc_cfg *cfg, const struct cc_ack *a, struct cc_win *w)
{
	uint32_t n = cc_min(a->acked, cfg->pacing ? CC_ACKED_MAX : HYSTARTPP_L);

	if (a->rtt_us)
		hystartpp_sample(h, samples, css_rounds, a->rtt_us);
	if (h->css_base == UINT32_MAX) {
		(void)cc_slow_start(w, n);
	} else {
		w->cwnd_cnt += n;
		n = w->cwnd_cnt / HYSTARTPP_CSS_DIVISOR;
		w->cwnd_cnt -= n * HYSTARTPP_CSS_DIVISOR;
		(void)cc_slow_start(w, n);
	}
	if (!cc_after(a->snd_una, h->end_seq))
		return false;
	/* the round is over */
	h->end_seq = a->snd_nxt;
	h->last_min = h->curr_min;
	h->curr_min = UINT32_MAX;
	*samples = 0;
	if (h->css_base == UINT32_MAX || ++*css_rounds < HYSTARTPP_CSS_ROUNDS)
		return false;
	w->ssthresh = w->cwnd;
	return true;
}

#endif
