/* SPDX-License-Identifier: BSD-2-Clause */
/* Prague's watch for a bottleneck whose one queue has a Classic AQM (RFC 9331 §4.3 item 3): there a
 * mark means as much as a loss, and who answers it by alpha alone takes 20 times the share of who
 * does not.
 *
 * What tells the two apart is the queue that a marked round met. An L4S queue marks at a
 * millisecond, a Classic one at its target, 5 ms and more. Of each round with marks the smallest
 * RTT is taken, over the smallest ever: jitter of the path, random in its sign, does not move the
 * minimum over a round, a standing queue does. It is held against 2.5 ms, and at low rates against
 * two packets at the flow's own rate, since a few packets of an L4S queue take as long there. Each
 * such round moves a score by the logarithm of that ratio: up slowly, down fast. Rounds without
 * marks say nothing. */
#ifndef DEP_L4S_CC_PRAGUE_CLASSIC_H
#define DEP_L4S_CC_PRAGUE_CLASSIC_H

#include "proto/l4s/cc/cc_math.h"

#define CLASSIC_QUEUE_US 2500u /* a queue of so much is not an L4S one */
#define CLASSIC_PACKETS 2u     /* nor one of so many own packets */
#define CLASSIC_ONE 1024       /* score: Classic for sure; 0: L4S for sure */
#define CLASSIC_SCORE_MIN -512 /* how far back on the L4S side it rests */
#define CLASSIC_SCORE_MAX 2048
#define CLASSIC_UP 128 /* most by one round */
#define CLASSIC_DOWN -192
#define CLASSIC_ALPHA 10066330u /* 0.6 in 2^-24: reduces to 0.7, as CUBIC does */
#define CLASSIC_AI 555128u	/* 0.5294 in 2^-20: the growth that belongs to 0.7 */

struct prague_classic {
	uint32_t round_min_us; /* smallest RTT of this round; UINT32_MAX: none */
	int16_t score;	       /* 1/1024 */
	uint8_t ce;	       /* this round had marks */
};

static inline void classic_init(struct prague_classic *c)
{
	c->round_min_us = UINT32_MAX;
	c->score = CLASSIC_SCORE_MIN;
	c->ce = 0;
}

/* An ACK. */
static inline void classic_ack(struct prague_classic *c, uint32_t rtt_us, bool ce)
{
	if (rtt_us)
		c->round_min_us = cc_min(c->round_min_us, rtt_us);
	if (ce)
		c->ce = 1;
}

/* A round is over; gap_us: between own packets at the present rate. */
static inline void classic_round(struct prague_classic *c, uint32_t min_rtt_us, uint32_t gap_us)
{
	uint32_t queue = c->round_min_us > min_rtt_us ? c->round_min_us - min_rtt_us : 0;
	uint32_t limit = cc_max(CLASSIC_QUEUE_US, cc_min(gap_us, 1u << 24) * CLASSIC_PACKETS);
	int32_t step = (int32_t)cc_log2(cc_max(queue, 1)) - (int32_t)cc_log2(limit);
	int32_t score = c->score;

	if (c->ce && c->round_min_us != UINT32_MAX) {
		/* a quarter of an octave is 64 */
		step >>= 2;
		step = step > CLASSIC_UP ? CLASSIC_UP : step;
		step = step < CLASSIC_DOWN ? CLASSIC_DOWN : step;
		score += step;
		score = score > CLASSIC_SCORE_MAX ? CLASSIC_SCORE_MAX : score;
		score = score < CLASSIC_SCORE_MIN ? CLASSIC_SCORE_MIN : score;
		c->score = (int16_t)score;
	}
	c->round_min_us = UINT32_MAX;
	c->ce = 0;
}

/* How much the bottleneck is believed to be Classic: 0 to 1024. */
static inline uint32_t classic_share(const struct prague_classic *c)
{
	if (c->score <= 0)
		return 0;
	return cc_min((uint32_t)c->score, CLASSIC_ONE);
}

#endif
