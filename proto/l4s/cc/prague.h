/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP Prague, after version 0.7 of its reference (spec §2.8) and the requirements of RFC 9331 §4.
 *
 * An estimate alpha of the share of marked segments (2^-24, gain 1/16 a round) sets how much the
 * window shrinks: once a round, and not more often than each 25 ms, by alpha / 2; each unmarked
 * segment grows it by a share of one a round. Below a round trip of 25 ms the growth is scaled by
 * (rtt / 25 ms)^2, so that flows of all shorter round trips get the rate of one of 25 ms: 1/p - 1
 * Mb/s at a marking probability p.
 *
 * The window has a fraction (2^-20). Below four full packets the rate is what is controlled instead
 * ("rate mode"): packets become smaller, down to 150 bytes, so that two a virtual round trip are
 * left, and pacing alternates 3 % above and below the rate. Sending is always paced.
 *
 * Beyond the reference: it watches for a bottleneck whose one queue has a Classic AQM
 * (prague_classic.h), where it must not answer marks by alpha alone. */
#ifndef DEP_L4S_CC_PRAGUE_H
#define DEP_L4S_CC_PRAGUE_H

#include "proto/l4s/cc/prague_classic.h"
#include "proto/l4s/cc/reno.h"

#define PRAGUE_FRAC_BITS 20
#define PRAGUE_ALPHA_BITS 24
#define PRAGUE_G 4
#define PRAGUE_ONE (1u << PRAGUE_FRAC_BITS)
#define PRAGUE_ALPHA_ONE (1u << PRAGUE_ALPHA_BITS)
#define PRAGUE_MTU 1500u		   /* the growth of a round is one packet of so much */
#define PRAGUE_MTU_MIN 150u		   /* bytes of the smallest packet */
#define PRAGUE_RATE_MIN 12500u		   /* bytes/s */
#define PRAGUE_RATE_MAX (1ull << 36)	   /* bytes/s */
#define PRAGUE_WINDOW_MIN 2u		   /* segments that may always be under way */
#define PRAGUE_RATE_MODE (4u * PRAGUE_MTU) /* window, bytes, up to which the rate is controlled */
#define PRAGUE_BURST_SHIFT 12		   /* a burst is at most 1/4096 s */
#define PRAGUE_INDEP_ROUNDS 4u		   /* after slow start, before RTT independence */
#define PRAGUE_INDEP_RTT_MAX 100000u	   /* us, above which it is off */
#define PRAGUE_CALM_ROUNDS 7u		   /* without a mark, and one more for each */
#define PRAGUE_CALM_RATE 1920000u	   /* bytes/s */
#define PRAGUE_CALM_US 1000u		   /* then a round adds what queues for so long */
#define PRAGUE_HSRTT_SHIFT 7		   /* gain 1/128 */
#define PRAGUE_HSRTT_MAX (UINT32_MAX >> 8) /* us, 16 s */

struct cc_prague {
	uint64_t frac_cwnd; /* packets, 2^-20 */
	uint64_t rate;	    /* bytes/s, rate mode */
	uint64_t undo;	    /* frac_cwnd or rate before a loss */
	uint32_t alpha;	    /* 2^-28: alpha << G */
	uint32_t cwr_us;    /* last response to marks */
	uint32_t alpha_us;  /* last update of alpha */
	uint32_t hsrtt;	    /* us << 7, slow average of srtt */
	uint32_t ai;	    /* growth of a round, 2^-20 packets */
	uint32_t delivered; /* at the last update of alpha */
	uint32_t delivered_ce;
	uint32_t last_ce; /* delivered_ce at the last ACK */
	uint32_t next_seq;
	uint32_t calm_us;   /* last mark or loss */
	uint32_t watch_seq; /* end of the round that is watched */
	struct prague_classic classic;
	uint16_t round;	 /* since slow start */
	uint16_t packet; /* bytes of an IP packet */
	uint8_t saw_ce : 1;
	uint8_t in_loss : 1;
	uint8_t rate_mode : 1;
	uint8_t undo_rate : 1; /* undo is a rate */
	uint8_t has_undo : 1;
	uint8_t lossy : 1; /* the last of marks and losses was a loss */
	uint8_t owner;	   /* for glue, not touched here */
};

_Static_assert(sizeof(struct cc_prague) <= CC_PRIV, "fits the kernel's private area");

/* a * b / 2^shift rounded to the nearest, where a * b may not fit: a is up to 2^50, b 2^24, shift
 * 25. */
static inline uint64_t prague_mul_shift(uint64_t a, uint32_t b, uint32_t shift)
{
	uint64_t mask = (1ull << shift) - 1;

	return (a >> shift) * b + (((a & mask) * b + (1ull << (shift - 1))) >> shift);
}

static inline uint32_t prague_target_us(const struct cc_cfg *cfg)
{
	return cfg->target_rtt_us;
}

static inline bool prague_independent(const struct cc_prague *s, const struct cc_cfg *cfg,
				      const struct cc_ack *a, const struct cc_win *w)
{
	return cfg->rtt_independence && !cc_in_slow_start(w) && s->round >= PRAGUE_INDEP_ROUNDS &&
	       a->srtt_us <= PRAGUE_INDEP_RTT_MAX;
}

/* The round trip that Prague behaves as: us, not 0. */
static inline uint32_t prague_vrtt(const struct cc_cfg *cfg, const struct cc_ack *a)
{
	uint32_t srtt = cc_clamp(a->srtt_us, 1, PRAGUE_HSRTT_MAX);

	return cfg->rtt_independence ? cc_max(srtt, prague_target_us(cfg)) : srtt;
}

/* Growth of one round by round trip, 2^-20: (rtt / target)^2 below the target. In eighths of us, as
 * the reference. */
static inline uint32_t prague_ai(uint32_t srtt_us, uint32_t target_us)
{
	uint64_t rtt = (uint64_t)srtt_us << 3;
	uint64_t target = (uint64_t)target_us << 3;

	if (srtt_us >= target_us)
		return PRAGUE_ONE;
	/* each below 2^27 (16 s): rtt^2 << 20 would not fit */
	if (rtt >> 21)
		return (uint32_t)(((rtt << PRAGUE_FRAC_BITS) / target * rtt + target / 2) / target);
	return (uint32_t)(((rtt * rtt << PRAGUE_FRAC_BITS) + target * target / 2) /
			  (target * target));
}

/* Bytes a second of a window (2^-20 packets) over a round trip. */
static inline uint64_t prague_window_rate(uint64_t frac, uint32_t packet, uint32_t rtt_us)
{
	uint64_t bytes = (frac * packet) >> PRAGUE_FRAC_BITS;

	return cc_min64(bytes * 1000000 / cc_max(rtt_us, 1), PRAGUE_RATE_MAX);
}

static inline uint64_t prague_rate_window(uint64_t rate, uint32_t packet, uint32_t rtt_us)
{
	uint64_t bytes = cc_min64(rate * rtt_us / 1000000, (uint64_t)CC_CWND_MAX << 11);

	return (bytes << PRAGUE_FRAC_BITS) / packet;
}

static inline uint32_t prague_hsrtt(const struct cc_prague *s, const struct cc_ack *a)
{
	uint32_t hsrtt = s->hsrtt >> PRAGUE_HSRTT_SHIFT;

	return hsrtt ? hsrtt : cc_clamp(a->srtt_us, 1, PRAGUE_HSRTT_MAX);
}

/* Whole segments that the window asks for. */
static inline uint32_t prague_segments(const struct cc_prague *s)
{
	uint64_t n = (s->frac_cwnd + PRAGUE_ONE - 1) >> PRAGUE_FRAC_BITS;

	return (uint32_t)cc_min64(cc_max64(n, PRAGUE_WINDOW_MIN), CC_CWND_MAX);
}

static inline void prague_hold(struct cc_prague *s)
{
	s->frac_cwnd = cc_min64(s->frac_cwnd, (uint64_t)CC_CWND_MAX << PRAGUE_FRAC_BITS);
	s->frac_cwnd = cc_max64(s->frac_cwnd, 1);
	if (s->rate_mode)
		s->rate = cc_min64(cc_max64(s->rate, PRAGUE_RATE_MIN), PRAGUE_RATE_MAX);
}

/* Window and rate times `keep` / 2^24. */
static inline void prague_shrink(struct cc_prague *s, uint32_t less, const struct cc_ack *a)
{
	if (s->rate_mode) {
		s->rate -= prague_mul_shift(s->rate, less, PRAGUE_ALPHA_BITS + 1);
		prague_hold(s);
		s->frac_cwnd = prague_rate_window(s->rate, s->packet, prague_hsrtt(s, a));
	} else {
		s->frac_cwnd -= prague_mul_shift(s->frac_cwnd, less, PRAGUE_ALPHA_BITS + 1);
	}
	prague_hold(s);
}

cc_inline void prague_init(struct cc_prague *s, const struct cc_cfg *cfg, const struct cc_win *w,
			   uint32_t delivered, uint32_t delivered_ce, uint32_t snd_nxt)
{
	*s = (struct cc_prague){0};
	s->frac_cwnd = (uint64_t)w->cwnd << PRAGUE_FRAC_BITS;
	s->ai = PRAGUE_ONE;
	s->delivered = delivered;
	s->delivered_ce = delivered_ce;
	s->last_ce = delivered_ce;
	s->saw_ce = delivered_ce != 0;
	s->next_seq = snd_nxt;
	s->packet = (uint16_t)cfg->mtu;
	s->watch_seq = snd_nxt;
	classic_init(&s->classic);
}

/* What form rfc takes off, 2^-24 of half of the window: see prague_respond. In rate mode a round is
 * too few packets for runs of marks. */
static inline uint32_t prague_make_up(const struct cc_prague *s, uint32_t alpha, uint32_t passed,
				      uint32_t round, uint32_t srtt)
{
	uint64_t less = (uint64_t)alpha * cc_min(passed, 2 * round) / round;
	uint64_t packet; /* one as a share of a round's */

	if (!s->rate_mode) {
		packet = ((uint64_t)PRAGUE_ALPHA_ONE << PRAGUE_FRAC_BITS) / s->frac_cwnd;
		less = cc_min64(less, alpha + packet * cc_min(srtt, round) / round);
	}
	return (uint32_t)cc_min64(less, PRAGUE_ALPHA_ONE);
}

/* The response to marks. As the reference has it (form linux), on entering CWR: at most once a
 * round, and each virtual round trip. A flow then waits for the next mark when that is over, a
 * quarter of a round trip with two marks a round, and gets so much more than 1/p - 1 Mb/s. Form rfc
 * makes up for the wait: what it takes off is alpha / 2 for each virtual round trip since the last
 * time. That is for marks that come evenly or at random, and then the wait is about 1 / (alpha W)
 * of a round of W packets: it counts up to there. Under a step marks come in runs with many rounds
 * between them, for each of which alpha / 2 once is the answer. */
static inline void prague_respond(struct cc_prague *s, const struct cc_cfg *cfg,
				  const struct cc_ack *a, const struct cc_win *w)
{
	uint32_t now_us = (uint32_t)(a->now_ns / 1000);
	uint32_t least = cc_clamp(a->srtt_us, 1, PRAGUE_HSRTT_MAX);
	uint32_t passed = now_us - s->cwr_us;
	uint32_t less = s->alpha >> PRAGUE_G;
	uint32_t classic = classic_share(&s->classic);

	if (classic < CLASSIC_ONE && prague_independent(s, cfg, a, w))
		least = cfg->form == CC_FORM_RFC ? prague_vrtt(cfg, a) : prague_target_us(cfg);
	else if (cfg->form == CC_FORM_LINUX)
		least = 0;
	if (passed < least)
		return;
	s->cwr_us = now_us;
	if (cfg->form == CC_FORM_RFC && !classic)
		less = prague_make_up(s, less, passed, least,
				      cc_clamp(a->srtt_us, 1, PRAGUE_HSRTT_MAX));
	less = cc_max(less, (CLASSIC_ALPHA >> 10) * classic);
	prague_shrink(s, less, a);
}

static inline void prague_lose(struct cc_prague *s, const struct cc_ack *a)
{
	if (s->in_loss)
		return;
	s->in_loss = 1;
	s->calm_us = (uint32_t)(a->now_ns / 1000);
	s->lossy = 1;
	s->has_undo = 1;
	s->undo_rate = s->rate_mode;
	s->undo = s->rate_mode ? s->rate : s->frac_cwnd;
	prague_shrink(s, PRAGUE_ALPHA_ONE, a);
}

static inline uint32_t prague_ssthresh(struct cc_prague *s, const struct cc_cfg *cfg,
				       enum cc_cause cause, const struct cc_ack *a,
				       const struct cc_win *w)
{
	if (cause != CC_CAUSE_ECN)
		prague_lose(s, a);
	else if (cfg->form == CC_FORM_LINUX)
		prague_respond(s, cfg, a, w);
	return prague_segments(s);
}

static inline void prague_set_state(struct cc_prague *s, enum cc_state state,
				    const struct cc_ack *a, struct cc_win *w)
{
	if (state == CC_RECOVERY || state == CC_LOSS) {
		prague_lose(s, a);
		w->ssthresh = prague_segments(s);
	} else if (state == CC_OPEN) {
		s->in_loss = 0;
	}
}

/* ---- one ACK ---- */

/* Growth of a calm path, per packet acknowledged, 2^-20; 0: not calm. As the userspace Prague of
 * the reference's authors (spec §2.8, variants): no mark for rate / 1.92 MB/s + 7 virtual round
 * trips, or no loss for as long as Reno takes to grow back; then a virtual round trip adds a
 * millisecond of the rate. Where the bottleneck may be Classic, marks are rare, and calm means
 * nothing. */
static inline uint64_t prague_calm(const struct cc_prague *s, const struct cc_cfg *cfg,
				   const struct cc_ack *a)
{
	uint32_t vrtt = prague_vrtt(cfg, a);
	uint64_t rate = prague_window_rate(s->frac_cwnd, s->packet, a->srtt_us);
	uint64_t rounds = rate / PRAGUE_CALM_RATE + PRAGUE_CALM_ROUNDS;
	uint64_t wait;
	uint64_t passed;
	uint64_t full;

	if (!cfg->calm_growth || s->classic.score > CLASSIC_SCORE_MIN / 2 || !a->srtt_us)
		return 0;
	if (s->lossy) /* rate / 2 * target^2 / vrtt / packet, with the squares apart */
		rounds = cc_max64(rounds, rate / 2 * cfg->target_rtt_us / 1000000 *
						  cfg->target_rtt_us / vrtt / s->packet);
	wait = cc_min64(rounds * vrtt, 1u << 30);
	passed = (uint32_t)(a->now_ns / 1000) - s->calm_us;
	if (passed <= wait)
		return 0;
	/* up to the full rate where it was calm twice as long */
	full = ((uint64_t)PRAGUE_CALM_US * cc_min(a->srtt_us, vrtt) << PRAGUE_FRAC_BITS) / vrtt /
	       vrtt;
	return cc_min64(full, PRAGUE_ONE) * cc_min64(passed - wait, wait) / wait;
}

static inline void prague_grow_window(struct cc_prague *s, uint32_t acked, uint64_t calm)
{
	/* acked, ai: below 2^15 and up to 2^20; 2^20 more, 2^11 more: fits */
	uint64_t inc = ((uint64_t)acked * s->ai << PRAGUE_FRAC_BITS) / s->frac_cwnd;

	inc = cc_min64(inc, 1ull << 40) * PRAGUE_MTU / s->packet;
	inc = cc_max64(inc, acked * calm);
	s->frac_cwnd += cc_max64(inc, acked);
}

static inline void prague_grow_rate(struct cc_prague *s, const struct cc_cfg *cfg,
				    const struct cc_ack *a, uint32_t acked)
{
	uint32_t vrtt = prague_vrtt(cfg, a);
	uint64_t unit = (uint64_t)s->packet * 1000000;
	uint64_t packets = cc_max64((s->rate * vrtt + unit - 1) / unit, 1);
	uint64_t inc = (uint64_t)acked * PRAGUE_MTU * 1000000 / vrtt;

	s->rate += (inc + packets / 2) / packets;
	prague_hold(s);
	s->frac_cwnd = cc_max64(s->frac_cwnd + acked,
				prague_rate_window(s->rate, s->packet, prague_hsrtt(s, a)));
}

static inline void prague_window(struct cc_prague *s, const struct cc_cfg *cfg,
				 const struct cc_ack *a, struct cc_win *w)
{
	uint32_t ce = a->delivered_ce - s->last_ce;
	uint32_t acked = cc_min(a->acked, CC_ACKED_MAX);

	s->last_ce = a->delivered_ce;
	if (ce >> 31)
		ce = 0;
	classic_ack(&s->classic, a->rtt_us, ce);
	if (ce) {
		s->calm_us = (uint32_t)(a->now_ns / 1000);
		s->lossy = 0;
		if (!s->saw_ce)
			prague_shrink(s, PRAGUE_ALPHA_ONE, a); /* the first ever: as a loss */
		s->saw_ce = 1;
		if (cfg->form == CC_FORM_RFC)
			prague_respond(s, cfg, a, w);
		acked -= cc_min(ce, acked);
	}
	if (!acked || s->in_loss || !a->cwnd_limited)
		return;
	if (cc_in_slow_start(w)) {
		acked = cc_slow_start(w, acked);
		s->frac_cwnd = cc_max64(s->frac_cwnd, (uint64_t)w->cwnd << PRAGUE_FRAC_BITS);
		if (s->rate_mode)
			s->rate = cc_max64(s->rate, prague_window_rate(s->frac_cwnd, s->packet,
								       prague_hsrtt(s, a)));
		if (!acked)
			return;
	}
	if (s->rate_mode)
		prague_grow_rate(s, cfg, a, acked);
	else
		prague_grow_window(s, acked, prague_calm(s, cfg, a));
	prague_hold(s);
}

/* The segment count follows the window one a step. */
static inline void prague_step(const struct cc_prague *s, struct cc_win *w)
{
	uint32_t to = prague_segments(s);

	if (w->cwnd > to) {
		w->cwnd--;
		w->ssthresh = w->cwnd;
	} else if (w->cwnd < to) {
		w->cwnd++;
	}
}

/* Packets of such a size that two leave in a virtual round trip. */
static inline void prague_choose_packet(struct cc_prague *s, const struct cc_cfg *cfg,
					const struct cc_ack *a)
{
	uint64_t rate =
		s->rate_mode ? s->rate : prague_window_rate(s->frac_cwnd, s->packet, a->srtt_us);
	uint64_t half = cc_min64(rate, PRAGUE_RATE_MAX) * prague_vrtt(cfg, a) / 2000000;
	uint32_t packet;

	if (!cfg->small_packets)
		return;
	packet = (uint32_t)cc_min64(cc_max64(half, PRAGUE_MTU_MIN), cfg->mtu);
	if (packet == s->packet)
		return;
	s->frac_cwnd = s->frac_cwnd * s->packet / packet;
	s->packet = (uint16_t)packet;
	prague_hold(s);
}

/* alpha, up to 2^28, after a round in which ce of n were marked. */
static inline uint32_t prague_ewma(uint32_t alpha, uint32_t n, uint32_t ce)
{
	uint64_t up = alpha - (alpha >> PRAGUE_G);

	if (n)
		up += ((uint64_t)cc_min(ce, n) << PRAGUE_ALPHA_BITS) / n;
	return (uint32_t)cc_min64(up, PRAGUE_ALPHA_ONE << PRAGUE_G);
}

static inline void prague_round(struct cc_prague *s, const struct cc_cfg *cfg,
				const struct cc_ack *a, const struct cc_win *w)
{
	uint32_t now_us = (uint32_t)(a->now_ns / 1000);
	uint32_t n = a->delivered - s->delivered;
	bool independent = prague_independent(s, cfg, a, w);
	uint32_t classic = classic_share(&s->classic);

	if (cc_after(s->next_seq, a->snd_una))
		return;
	if (independent && now_us - s->alpha_us < prague_target_us(cfg))
		return;
	if (s->saw_ce && n)
		s->alpha = prague_ewma(s->alpha, n, a->delivered_ce - s->delivered_ce);
	s->delivered = a->delivered;
	s->delivered_ce = a->delivered_ce;
	s->alpha_us = now_us;
	s->next_seq = a->snd_nxt;
	if (cc_in_slow_start(w))
		s->round = 0;
	else if (s->round < 0xffff)
		s->round++;
	s->ai = independent ? prague_ai(a->srtt_us, prague_target_us(cfg)) : PRAGUE_ONE;
	s->ai = s->ai - (uint32_t)((uint64_t)s->ai * classic >> 10) + (CLASSIC_AI >> 10) * classic;
	if (!s->in_loss)
		prague_choose_packet(s, cfg, a);
}

/* Rounds of the watch: real round trips, also where alpha's are longer. */
static inline void prague_watch(struct cc_prague *s, const struct cc_cfg *cfg,
				const struct cc_ack *a)
{
	uint32_t gap;

	if (!cfg->classic_detection || cc_after(s->watch_seq, a->snd_una))
		return;
	s->watch_seq = a->snd_nxt;
	gap = (uint32_t)cc_min64(((uint64_t)a->srtt_us << PRAGUE_FRAC_BITS) / s->frac_cwnd,
				 UINT32_MAX);
	classic_round(&s->classic, a->min_rtt_us, gap);
}

static inline void prague_pace(struct cc_prague *s, const struct cc_cfg *cfg,
			       const struct cc_ack *a, struct cc_win *w)
{
	uint64_t rate;

	if (!a->srtt_us)
		return;
	if (s->rate_mode) {
		uint32_t vrtt = prague_vrtt(cfg, a);
		uint32_t phase = (uint32_t)(a->now_ns / 1000 % vrtt);

		rate = s->rate;
		/* 4/128 above in one half of a virtual round trip, below in the other */
		rate = phase < vrtt / 2 ? rate + (rate >> 5) : rate - (rate >> 5);
	} else {
		rate = prague_window_rate(s->frac_cwnd, s->packet, a->srtt_us);
	}
	if (w->cwnd < w->ssthresh / 2)
		rate *= 2;
	w->pacing_rate = cc_max64(rate, PRAGUE_RATE_MIN);
	w->packet = s->packet;
	w->burst = (uint32_t)cc_max64((rate >> PRAGUE_BURST_SHIFT) / s->packet, 1);
}

/* Rate mode where the window is small, window mode where it is not. */
static inline void prague_mode(struct cc_prague *s, const struct cc_ack *a)
{
	uint64_t bytes = (s->frac_cwnd * s->packet) >> PRAGUE_FRAC_BITS;

	if (!s->rate_mode && bytes <= PRAGUE_RATE_MODE && a->srtt_us) {
		s->rate = prague_window_rate(s->frac_cwnd, s->packet, prague_hsrtt(s, a));
		s->rate_mode = 1;
		prague_hold(s);
	} else if (s->rate_mode && bytes > PRAGUE_RATE_MODE) {
		s->frac_cwnd = prague_rate_window(s->rate, s->packet, prague_hsrtt(s, a));
		s->rate_mode = 0;
		prague_hold(s);
	}
}

static inline void prague_average(struct cc_prague *s, const struct cc_ack *a)
{
	uint32_t srtt = cc_min(a->srtt_us, PRAGUE_HSRTT_MAX);

	if (!srtt)
		return;
	if (!s->hsrtt)
		s->hsrtt = srtt << PRAGUE_HSRTT_SHIFT;
	else
		s->hsrtt = s->hsrtt - (s->hsrtt >> PRAGUE_HSRTT_SHIFT) + srtt;
}

static inline void prague_ack(struct cc_prague *s, const struct cc_cfg *cfg, const struct cc_ack *a,
			      struct cc_win *w)
{
	prague_average(s, a);
	prague_window(s, cfg, a, w);
	prague_step(s, w);
	prague_watch(s, cfg, a);
	prague_round(s, cfg, a, w);
	prague_pace(s, cfg, a, w);
	prague_mode(s, a);
}

/* The loss was none. */
static inline uint32_t prague_undo(struct cc_prague *s, const struct cc_win *w)
{
	if (!s->has_undo)
		return w->cwnd;
	s->has_undo = 0;
	s->in_loss = 0;
	if (s->undo_rate && s->rate_mode)
		s->rate = cc_max64(s->rate, s->undo);
	else if (!s->undo_rate && !s->rate_mode)
		s->frac_cwnd = cc_max64(s->frac_cwnd, s->undo);
	else if (!s->undo_rate)
		s->rate_mode = 0, s->frac_cwnd = s->undo;
	prague_hold(s);
	return cc_max(w->cwnd, prague_segments(s));
}

#endif
