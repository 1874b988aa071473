/* SPDX-License-Identifier: BSD-2-Clause */
/* Queue managers behind one interface: FIFO, CoDel (RFC 8289), FQ-CoDel (RFC 8290), PIE (RFC 8033),
 * PI2 and DualPI2 (RFC 9332, and in the form of Linux' sch_dualpi2). Pure: integer arithmetic, no
 * clock, no allocation after aqm_new; time comes in as nanoseconds, randomness from a seed. The
 * same code stands in the simulator and in the real bottleneck.
 *
 * The owner embeds struct aqm_pkt in its packet. A packet that was handed in is the queue's until
 * it comes back from aqm_dequeue or, dropped, from aqm_dropped. */
#ifndef DEP_L4S_AQM_H
#define DEP_L4S_AQM_H

#include "base/alloc.h"
#include "base/err.h"
#include "base/rng.h"
#include "proto/l4s/ecn.h"
#include "proto/l4s/hist.h"

#include <stdbool.h>
#include <stdint.h>

#define AQM_NEVER UINT64_MAX

enum aqm_kind {
	AQM_FIFO,
	AQM_CODEL,
	AQM_FQ_CODEL,
	AQM_PIE,
	AQM_PI2,
	AQM_DUALPI2,
};

enum aqm_profile {
	AQM_PROFILE_RFC,   /* RFC 9332 appendix A: ramp, recur(), Th_len */
	AQM_PROFILE_LINUX, /* sch_dualpi2: step at 1 ms, random marking, integer PI, WRR credit */
};

enum aqm_scheduler {
	AQM_WRR,
	AQM_TS_FIFO, /* time-shifted FIFO, RFC 9332 §4.2.2 */
};

enum aqm_overload {
	AQM_DROP_ON_OVERLOAD,
	AQM_OVERFLOW,
};

/* Why a packet was marked or dropped. */
enum aqm_why {
	AQM_WHY_NONE,
	AQM_WHY_NATIVE,	  /* the L queue's own AQM: step or ramp; the law of CoDel */
	AQM_WHY_COUPLED,  /* p_CL */
	AQM_WHY_CLASSIC,  /* p_C */
	AQM_WHY_OVERLOAD, /* saturation drop */
	AQM_WHY_LIMIT,	  /* the buffer is full */
};

struct aqm_pkt {
	struct aqm_pkt *next;
	uint64_t enq_ns; /* set by aqm_enqueue */
	uint32_t len;	 /* bytes that the link serves: payload, headers, overhead */
	uint32_t flow;	 /* FQ-CoDel: what is hashed */
	uint8_t ecn;	 /* enum ecn; a mark makes CE of ECT (PIE: in aqm_enqueue) */
	uint8_t why;	 /* enum aqm_why of the mark or the drop */
	uint8_t low;	 /* was in the L queue */
	uint8_t scratch; /* the queue's own */
};

/* All times ns, all rates bit/s, probabilities in 2^-32. What a kind does not use is ignored. alpha
 * and alpha_uhz, beta and beta_uhz say the same in two units: aqm_cfg_parse sets both. */
struct aqm_cfg {
	uint8_t kind;
	uint8_t profile;   /* of DualPI2, of PI2's controller; PIE: linux adds 2 % beyond 250 ms */
	uint8_t scheduler; /* DualPI2 */
	uint8_t overload;  /* DualPI2 linux */
	bool ecn;	   /* mark ECT; false: drop. FIFO never marks */
	bool drop_early;   /* DualPI2 linux: drop_enqueue instead of drop_dequeue */
	bool rate_aware;   /* L threshold not below the serialisation time of 2 MTU (needs rate) */
	bool any_ect;	   /* DualPI2: ECT(0) goes to the L queue, too */
	bool pie_derandomise;
	bool pie_cap;		/* RFC 8033 §5.5 */
	uint32_t mtu;		/* bytes with link-layer header: 1514 */
	uint64_t rate;		/* of the link; 0: not known */
	uint32_t limit_packets; /* 0: no such limit */
	uint64_t limit_bytes;	/* 0: no such limit */
	uint64_t limit_time;	/* what the link sends in so long (needs rate); 0: no such limit */
	uint64_t target;	/* PI2, DualPI2, PIE, CoDel */
	uint64_t tupdate;	/* PI2, DualPI2, PIE */
	uint32_t alpha;		/* PI2, DualPI2: Hz * 256 (41: 0.16) as netlink has it */
	uint32_t beta;		/* (819: 3.2); of profile linux */
	uint32_t alpha_uhz;	/* PI2 and DualPI2 rfc, PIE: 1e-6 Hz (160000; PIE 125000) */
	uint32_t beta_uhz;	/* (3200000; PIE 1250000) */
	uint32_t coupling;	/* k, 2 */
	uint64_t step;		/* DualPI2 linux: L threshold, time; */
	uint32_t step_packets;	/* or packets where this is not 0 */
	uint32_t min_qlen_step; /* packets in L before the step applies */
	uint64_t ramp_min;	/* DualPI2 rfc: minTh */
	uint64_t ramp_range;	/* maxTh - minTh; 0: a step */
	uint32_t th_len;	/* DualPI2 rfc: no native mark up to so many packets in L */
	uint32_t classic_protection; /* WRR: percent of the link kept for C (10) */
	uint64_t tshift;	     /* TS-FIFO */
	uint64_t interval;	     /* CoDel */
	uint64_t ce_threshold;	     /* CoDel: 0 none */
	bool ce_threshold_ect1;	     /* only ECT(1) */
	uint32_t flows;		     /* FQ-CoDel: number of queues */
	uint32_t quantum;	     /* FQ-CoDel: bytes */
	uint64_t max_burst;	     /* PIE */
	uint32_t mark_ecnth;	     /* PIE: 2^-32 */
};

/* arrived = forwarded + dropped_ect + dropped_not_ect + packets, always: after aqm_stats_reset what
 * is in the queue counts as arrived. */
struct aqm_queue_stats {
	uint64_t arrived; /* packets offered */
	uint64_t forwarded;
	uint64_t forwarded_bytes;
	uint64_t marked;	/* CE set here */
	uint64_t marked_native; /* of these by the L queue's own AQM */
	uint64_t dropped_ect;	/* by the AQM, and by the limit */
	uint64_t dropped_not_ect;
	uint64_t dropped_limit; /* of both, by the limit */
	uint32_t packets;	/* now */
	uint64_t bytes;		/* now */
	uint32_t max_packets;
	struct hist delay; /* sojourn of packets forwarded */
};

/* RFC 9332 §2.5.2.2. Queue 0 is C (or the only one), 1 is L. */
struct aqm_stats {
	struct aqm_queue_stats q[2];
	uint32_t prob; /* p', 2^-32 (PIE: drop_prob) */
	uint32_t p_cl;
	uint32_t p_c;
	int32_t credit;	      /* WRR */
	uint64_t overload_ns; /* time in overload (p_CL at 1), with 100 ms of hysteresis */
	uint64_t overloads;   /* times it began */
	bool overloaded;
};

struct aqm; /* complete in aqm/aqm_priv.h */

/* What a kind has as its documents say; rate (bit/s, 0: unknown): of the link, the limit of DualPI2
 * rfc follows from it. */
void aqm_cfg_defaults(struct aqm_cfg *cfg, enum aqm_kind kind, enum aqm_profile profile,
		      uint64_t rate);
/* Reads "dualpi2 target 15ms tupdate 16ms step_thresh 1ms …": the words of tc(8) after the kind,
 * over the defaults of the kind and `rate`. "dualpi2 rfc", "dualpi2 linux" (the default) choose the
 * profile. All words: aqm_text.c. Returns 0, or -EINVAL or -ERANGE and err; cfg is written only on
 * success. */
int aqm_cfg_parse(struct aqm_cfg *cfg, const char *text, uint64_t rate, struct err *err);
/* The inverse: every word that the kind has, so that parsing it with the same rate gives cfg again
 * (for a cfg that came from aqm_cfg_parse). Returns the length, or -ENOSPC where text is too short;
 * AQM_TEXT_MAX is enough. */
#define AQM_TEXT_MAX 640
int aqm_cfg_print(const struct aqm_cfg *cfg, char *text, size_t n);
/* Returns 0 or -EINVAL/-ERANGE and err: values that do not go together. aqm_new checks too. */
int aqm_cfg_check(const struct aqm_cfg *cfg, struct err *err);
const char *aqm_kind_name(enum aqm_kind kind); /* "dualpi2" */

/* NULL: no memory or a cfg that does not pass aqm_cfg_check. */
struct aqm *aqm_new(const struct aqm_cfg *cfg, uint64_t seed, uint64_t now, struct alloc *a);
/* The queue must be empty (aqm_flush, or drained). */
void aqm_free(struct aqm *q);
/* Takes p over. False: p was dropped, and is in what aqm_dropped gives. Others may have to go for
 * it (FQ-CoDel): look at aqm_dropped in any case. */
bool aqm_enqueue(struct aqm *q, struct aqm_pkt *p, uint64_t now);
/* The packet to send now, which has waited now - enq_ns; or NULL where none is left. Packets
 * dropped on the way come from aqm_dropped. */
struct aqm_pkt *aqm_dequeue(struct aqm *q, uint64_t now);
/* The list (by next) of packets dropped since the last call, for their owner to release; NULL:
 * none. */
struct aqm_pkt *aqm_dropped(struct aqm *q);
/* Empties the queue: the list of all packets in it. */
struct aqm_pkt *aqm_flush(struct aqm *q);
/* Periodic work that is due at now; returns when it next is, or AQM_NEVER. */
uint64_t aqm_tick(struct aqm *q, uint64_t now);
/* Another rate of the link: thresholds and limits that hang on it follow (limit_time, rate_aware).
 */
void aqm_set_rate(struct aqm *q, uint64_t rate);
/* Other parameters for a queue at work: its packets, p' and figures stay; what is in the queue
 * beyond a smaller limit stays, too. Returns 0, or -EINVAL or -ERANGE and err with nothing changed:
 * a cfg that is none, or another kind, profile or number of FQ-CoDel's queues, for which a new aqm
 * is needed. */
int aqm_change(struct aqm *q, const struct aqm_cfg *cfg, struct err *err);
uint32_t aqm_packets(const struct aqm *q);
uint64_t aqm_bytes(const struct aqm *q);
const struct aqm_stats *aqm_stats(struct aqm *q, uint64_t now);
/* Clears counters and histograms, not the state of control: after a warm-up. */
void aqm_stats_reset(struct aqm *q, uint64_t now);
/* Open-loop tests: holds p' (2^-32; PIE: drop_prob) there; the controller rests. */
void aqm_force(struct aqm *q, uint32_t prob);

#endif
