/* SPDX-License-Identifier: BSD-2-Clause */
/* Adaptive ABE: beta_ecn steered by what the sender sees itself, so that a Classic flow behind a
 * coupled queue gets the rate that a Prague flow gets there; never below 0.7.
 *
 * The idea. The coupling ties the two marking laws together: Classic packets are marked with p_C =
 * p'^2, L4S packets with p_CL = 2 p' (RFC 9332). A sender that counts its own packets between
 * reductions knows 1 / p_C, so p', and with it the rate of a Prague flow: two marks a round trip
 * (RFC 9331), 1 / p' packets in each of 25 ms or a longer round trip. At each reduction beta moves
 * a step towards the value at which its own rate, the same packets by the time they took, would
 * equal that. It is a control loop: it needs neither the number of flows nor the rate of the link.
 *
 * A correction. p' is not steady: the fewer the flows, the more it swings with the sawtooth, and
 * E[p'^2] is more than E[p']^2. What that adds to Prague's rate grows with the window and with the
 * swing of the queueing delay in an epoch; four coefficients for it come from a regression over
 * simulations (40 to 200 Mb/s, 5 to 100 ms, four mixes of flows, beta 0.7 and 0.85) with a standard
 * error of 15 %.
 *
 * Two guards, for where L4S packets are marked by their own queue's AQM instead of the coupling, so
 * that more for the Classic flow would only be taken from starving ones: a slow link, where one
 * packet fills the L queue's threshold (1 ms); and a Classic flow that is alone beside several L4S
 * flows. The link's packet time is the shortest spacing of ACKs, per segment; being alone shows in
 * an even spacing; the number of L4S flows is what the link has left by the rate of one. ACKs that
 * were compressed on their way make the link look faster, never slower.
 *
 * All logarithms are to base 2 in 1/1024, so that products are sums; no division, no floating
 * point. 28 bytes of the control's state. */
#ifndef DEP_L4S_CC_ABE_ADAPTIVE_H
#define DEP_L4S_CC_ABE_ADAPTIVE_H

#include "proto/l4s/cc.h"
#include "proto/l4s/cc/cc_math.h"

/* log2 gamma = C0 + CW log2(W / 26) - CB (beta - 0.7) + CQ swing, with W the own packets a round
 * trip and the swing in ms: all in 1/1024. */
#define ABE_C0 167
#define ABE_CW 288
#define ABE_CB 747
#define ABE_CQ 30
#define ABE_AIM 44	/* log2 of the ratio to steer to: 1.03 */
#define ABE_GAIN 13	/* step of beta, 2^-16, for 1/1024 of log2: 0.3 of the natural logarithm */
#define ABE_RETREAT 400 /* where the coupling does not govern: log2 of the ratio to act on */
#define ABE_UNEVEN 470	/* below it the flow is alone in its queue */
#define ABE_OTHERS 827	/* log2 of 1.75: so many L4S flows are several */
#define ABE_BETA_MIN 45875 /* 0.7 in 2^-16 */
#define ABE_BETA_MAX 60293 /* 0.92 */

#define ABE_SLOW_LINK 13242 /* log2 of 0.5 ms in units of 64 ns: 24 Mb/s */
#define ABE_LOG_26 4813
#define ABE_LOG_1000 10205   /* us a ms */
#define ABE_LOG_15625 14269  /* 64 ns a ms */
#define ABE_REF_RTT_US 25000 /* below it Prague's rate does not hang on the RTT */
#define ABE_QUEUE_UNIT_US 250
#define ABE_E_MAX 1477 /* a step answers at most ln 1 */

struct abe_signals {
	uint32_t delivered; /* at the last reduction */
	uint32_t last_ack;  /* time of the last ACK, 64 ns */
	uint16_t at;	    /* time of the last reduction, 4 ms */
	uint16_t packets;   /* between reductions, average, packed; 0: none yet */
	uint16_t time;	    /* ms between them, average, packed */
	uint16_t beta;	    /* 2^-16 */
	uint16_t space_min; /* log2 of the shortest spacing of ACKs a segment, 64 ns */
	uint16_t space_last;
	uint16_t space;	   /* average of log2 of the spacing */
	uint16_t uneven;   /* log2 of mean spacing by that of the logarithms, average */
	uint16_t swing;	   /* average of the swing of the queueing delay in an epoch, 1/16 ms */
	uint8_t queue_min; /* in this epoch, 1/4 ms */
	uint8_t queue_max;
};

/* What is known at the moment of a reduction. */
struct abe_now {
	uint64_t now_ns;
	uint32_t delivered;
	uint32_t srtt_us;
	uint32_t min_rtt_us;
};

/* 2^(x / 1024) for x below 40 * 1024; the inverse of cc_log2, within 0.4 %. */
static inline uint64_t abe_exp2(uint32_t x)
{
	uint32_t f = x & 1023;
	/* 2^f ~ 1 + f - 0.3431 f (1 - f) */
	uint64_t y = (uint64_t)(1024 + f - (f * (1024 - f) / 1024 * 351 / 1024)) << (x >> 10);

	return y >> 10;
}

/* A number in 16 bits: 11 of it and how far they are shifted. */
static inline uint16_t abe_pack(uint32_t v)
{
	uint32_t bits = cc_bits(v);
	uint32_t shift = bits > 11 ? bits - 11 : 0;
	uint32_t m = shift ? (uint32_t)(((uint64_t)v + (1u << (shift - 1))) >> shift) : v;

	if (m > 2047) {
		m >>= 1;
		shift++;
	}
	return (uint16_t)(shift << 11 | m);
}

static inline uint32_t abe_unpack(uint16_t x)
{
	return (uint32_t)(x & 2047) << (x >> 11);
}

/* One step, of a gain of 5/32, of an average that is kept packed, in 1/16. */
static inline uint16_t abe_average_packed(uint16_t avg, uint32_t v)
{
	uint32_t now = abe_unpack(avg);

	if (!avg)
		return abe_pack(v << 4);
	return abe_pack(now - (uint32_t)((uint64_t)now * 5 >> 5) +
			(uint32_t)(((uint64_t)v << 4) * 5 >> 5));
}

/* One step of an average with a gain of 1/2^shift. */
static inline uint16_t abe_average(uint16_t avg, uint32_t v, uint32_t shift)
{
	return (uint16_t)(avg + (((int32_t)v - (int32_t)avg) >> shift));
}

/* Each ACK in congestion avoidance. */
static inline void abe_signals_ack(struct abe_signals *s, const struct cc_ack *a)
{
	uint32_t now = (uint32_t)(a->now_ns >> 6);
	uint32_t gap = cc_log2(now - s->last_ack);
	uint32_t segments = cc_log2(a->acked);
	uint32_t space = gap > segments ? gap - segments : 0;
	uint32_t queue = a->srtt_us > a->min_rtt_us ? a->srtt_us - a->min_rtt_us : 0;
	uint32_t longer = cc_max(space, s->space_last); /* one compressed ACK does not count */
	uint8_t q = (uint8_t)cc_min(queue / ABE_QUEUE_UNIT_US, 255);

	if (!a->acked)
		return;
	if (q > s->queue_max)
		s->queue_max = q;
	if (q < s->queue_min)
		s->queue_min = q;
	if (s->last_ack) {
		if (!s->space)
			s->space = (uint16_t)space;
		if (s->space_last && longer < s->space_min)
			s->space_min = (uint16_t)longer;
		s->space = abe_average(s->space, space, 7);
		s->space_last = (uint16_t)space;
	} else {
		s->space_min = UINT16_MAX;
	}
	s->last_ack = now | 1;
}

/* log2 of the rate that a Prague flow would get by the rate of this flow; own: log2 of packets a
 * ms. */
static inline int32_t abe_prague_by_own(const struct abe_signals *s, const struct abe_now *n,
					int32_t own)
{
	int32_t w = own + (int32_t)cc_log2(n->srtt_us) - ABE_LOG_1000;
	int32_t prague = (((int32_t)cc_log2(abe_unpack(s->packets)) - 4096) >> 1) + ABE_LOG_1000 -
			 (int32_t)cc_log2(cc_max(n->min_rtt_us, ABE_REF_RTT_US));
	int32_t gamma = ABE_C0 + ((ABE_CW * (w - ABE_LOG_26)) >> 10) -
			(ABE_CB * ((int32_t)s->beta - ABE_BETA_MIN) >> 16) +
			(ABE_CQ * s->swing >> 4);

	return prague + gamma - own;
}

/* Whether L4S flows are governed by their own queue rather than by the coupling. */
static inline bool abe_uncoupled(const struct abe_signals *s, int32_t own, int32_t ratio)
{
	int32_t share = own + s->space_min - ABE_LOG_15625; /* of the link */
	uint32_t part;					    /* 2^-16 */

	if (s->space_min > ABE_SLOW_LINK)
		return true;
	if (s->uneven > ABE_UNEVEN)
		return false;
	part = (uint32_t)abe_exp2((uint32_t)(share < -16384 ? 0
					     : share > 0    ? 16384
							    : share + 16384));
	/* (1 - part) / (part * ratio): L4S flows */
	return (int32_t)cc_log2(65536 - cc_min(part, 65535)) - (int32_t)cc_log2(cc_max(part, 2)) -
		       ratio >
	       ABE_OTHERS;
}

static inline void abe_steer(struct abe_signals *s, const struct abe_now *n)
{
	int32_t own = (int32_t)cc_log2(abe_unpack(s->packets)) -
		      (int32_t)cc_log2(abe_unpack(s->time)) - 50; /* 4.19 ms count as 4 */
	int32_t ratio = abe_prague_by_own(s, n, own);
	int32_t e = ratio - ABE_AIM;
	int32_t uneven = ABE_LOG_15625 - own - (int32_t)s->space;
	int32_t beta;

	e = e > ABE_E_MAX ? ABE_E_MAX : e < -ABE_E_MAX ? -ABE_E_MAX : e;
	s->uneven = abe_average(s->uneven, uneven < 0 ? 0 : cc_min((uint32_t)uneven, 2048), 2);
	if (abe_uncoupled(s, own, ratio))
		e = -ABE_RETREAT;
	beta = (int32_t)s->beta + e * ABE_GAIN;
	if (beta < ABE_BETA_MIN)
		beta = ABE_BETA_MIN;
	s->beta = (uint16_t)(beta > ABE_BETA_MAX ? ABE_BETA_MAX : beta);
}

/* A reduction by a mark, before beta is chosen. */
static inline void abe_signals_mark(struct abe_signals *s, const struct abe_now *n)
{
	uint16_t at = (uint16_t)(n->now_ns >> 22);
	uint32_t packets = cc_min(n->delivered - s->delivered, 1u << 27);
	uint32_t time = cc_max((uint16_t)(at - s->at), 1) * 4;
	uint32_t swing = s->queue_max > s->queue_min ? s->queue_max - s->queue_min : 0;

	if (!s->delivered) {
		s->beta = ABE_BETA_MIN;
	} else {
		if (!s->packets)
			s->swing = (uint16_t)(swing << 2);
		s->packets = abe_average_packed(s->packets, cc_max(packets, 1));
		s->time = abe_average_packed(s->time, time);
		s->swing = (uint16_t)(s->swing + ((((int32_t)(swing << 2) - s->swing) * 5) >> 5));
		abe_steer(s, n);
	}
	if (s->space_min < UINT16_MAX - 4)
		s->space_min = (uint16_t)(s->space_min + 1); /* the way may have changed: forgets in
								some hundred reductions */
	s->delivered = n->delivered;
	s->at = at;
	s->queue_min = UINT8_MAX;
	s->queue_max = 0;
}

/* beta_ecn in 1/1024, before it is held within [beta_min, beta_max]. */
static inline uint32_t abe_adaptive_beta(const struct abe_signals *s)
{
	return s->beta ? (s->beta + 32u) >> 6 : 717;
}

#endif
