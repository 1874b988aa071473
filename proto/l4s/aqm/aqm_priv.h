/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue manager from inside: what aqm.c and the kinds share. */
#ifndef DEP_L4S_AQM_PRIV_H
#define DEP_L4S_AQM_PRIV_H

#include "proto/l4s/aqm.h"
#include "proto/l4s/aqm/recur.h"
#include "proto/l4s/aqm/wrr.h"

enum { AQM_C, AQM_L };

struct aqm_list {
	struct aqm_pkt *head;
	struct aqm_pkt *tail; /* undefined where head is NULL */
	uint64_t bytes;
	uint32_t n;
};

struct codel {		      /* RFC 8289; one a queue */
	uint64_t first_above; /* 0: delay is below the target */
	uint64_t drop_next;
	uint32_t count;
	uint32_t last_count;
	bool dropping;
};

struct pie {
	uint64_t prob; /* 2^-56 */
	uint64_t delay;
	uint64_t last_delay;
	uint64_t burst; /* ns of allowance left */
	uint64_t accu;	/* 2^-32 */
	uint64_t due;
	uint32_t alpha; /* 2^-56 a ns */
	uint32_t beta;
};

struct pi2 {	       /* PI2 and DualPI2 */
	uint64_t p56;  /* p' of the RFC form, 2^-56 */
	uint64_t p_cl; /* 2^-32, at most 2^32 */
	uint64_t p_c;
	uint64_t p_cmax;
	uint64_t last_delay;
	uint64_t due;
	uint64_t ramp_min; /* thresholds in force: cfg and the rate */
	uint64_t ramp_max;
	uint64_t ramp_slope; /* 2^-32 a ns, 2^-24 of that */
	uint64_t step;
	uint64_t count[2];  /* of recur(), by law: p_C, p_CL */
	uint64_t saturated; /* when p_CL was last at 1 */
	uint64_t overload_since;
	uint32_t prob;	/* p', 2^-32 */
	uint32_t alpha; /* gain in the profile's unit */
	uint32_t beta;
	struct wrr wrr;
};

struct fq_flow {
	struct aqm_list list;
	struct codel codel;
	int32_t deficit;
	uint32_t next; /* in the list of new or old flows; index + 1, 0: end */
	bool listed;
};

struct fq {
	struct fq_flow *flow;
	uint32_t new_head, new_tail; /* index + 1, 0: none */
	uint32_t old_head, old_tail;
	uint32_t perturb;
};

struct aqm {
	struct aqm_list list[2]; /* FQ-CoDel: its flows have their own */
	uint64_t bytes;
	uint32_t packets;
	uint32_t limit_packets; /* in force, UINT32_MAX: none */
	uint64_t limit_bytes;
	struct aqm_pkt *dropped;
	struct aqm_pkt *dropped_tail;
	struct rng rng;
	uint32_t dice;
	bool dice_left;
	bool forced;
	union {
		struct codel codel;
		struct pie pie;
		struct pi2 pi2;
		struct fq fq;
	};
	struct aqm_cfg cfg;
	struct alloc *alloc;
	struct aqm_stats stats;
};

/* ---- lists ---- */

static inline void list_push(struct aqm_list *l, struct aqm_pkt *p)
{
	p->next = NULL;
	if (l->head)
		l->tail->next = p;
	else
		l->head = p;
	l->tail = p;
	l->n++;
	l->bytes += p->len;
}

static inline struct aqm_pkt *list_pop(struct aqm_list *l)
{
	struct aqm_pkt *p = l->head;

	l->head = p->next;
	l->n--;
	l->bytes -= p->len;
	p->next = NULL;
	return p;
}

static inline void aqm_push(struct aqm *q, unsigned c, struct aqm_pkt *p)
{
	list_push(&q->list[c], p);
	q->packets++;
	q->bytes += p->len;
	if (q->list[c].n > q->stats.q[c].max_packets)
		q->stats.q[c].max_packets = q->list[c].n;
}

static inline struct aqm_pkt *aqm_pop(struct aqm *q, unsigned c)
{
	struct aqm_pkt *p = list_pop(&q->list[c]);

	q->packets--;
	q->bytes -= p->len;
	return p;
}

/* How long p has waited. A shell whose times cross by a little must not make it an eternity. */
static inline uint64_t aqm_age(const struct aqm_pkt *p, uint64_t now)
{
	return now > p->enq_ns ? now - p->enq_ns : 0;
}

/* Age of the head of a queue, 0 where there is none. */
static inline uint64_t aqm_head_delay(const struct aqm *q, unsigned c, uint64_t now)
{
	return q->list[c].head ? aqm_age(q->list[c].head, now) : 0;
}

static inline bool aqm_full(const struct aqm *q, uint32_t len)
{
	return q->packets >= q->limit_packets || q->bytes + len > q->limit_bytes;
}

/* ---- verdicts; each counts ---- */

static inline struct aqm_pkt *aqm_forward(struct aqm *q, unsigned c, struct aqm_pkt *p,
					  uint64_t now)
{
	struct aqm_queue_stats *s = &q->stats.q[c];

	s->forwarded++;
	s->forwarded_bytes += p->len;
	hist_add(&s->delay, aqm_age(p, now));
	return p;
}

/* p is on no list. Never on a packet that is Not-ECT. */
static inline void aqm_mark(struct aqm *q, unsigned c, struct aqm_pkt *p, enum aqm_why why)
{
	struct aqm_queue_stats *s = &q->stats.q[c];

	if (p->ecn == ECN_CE)
		return;
	p->ecn = ECN_CE;
	p->why = (uint8_t)why;
	s->marked++;
	if (why == AQM_WHY_NATIVE)
		s->marked_native++;
}

static inline void aqm_drop(struct aqm *q, unsigned c, struct aqm_pkt *p, enum aqm_why why)
{
	struct aqm_queue_stats *s = &q->stats.q[c];

	p->why = (uint8_t)why;
	p->next = NULL;
	if (q->dropped)
		q->dropped_tail->next = p;
	else
		q->dropped = p;
	q->dropped_tail = p;
	if (p->ecn == ECN_NOT_ECT)
		s->dropped_not_ect++;
	else
		s->dropped_ect++;
	if (why == AQM_WHY_LIMIT)
		s->dropped_limit++;
}

static inline bool aqm_can_mark(const struct aqm *q, const struct aqm_pkt *p)
{
	return q->cfg.ecn && p->ecn != ECN_NOT_ECT;
}

/* ---- dice ---- */

static inline uint32_t aqm_random(struct aqm *q)
{
	uint64_t v;

	if (q->dice_left) {
		q->dice_left = false;
		return q->dice;
	}
	v = rng_u64(&q->rng);
	q->dice = (uint32_t)v;
	q->dice_left = true;
	return (uint32_t)(v >> 32);
}

/* True with probability prob (2^-32; UINT32_MAX: always). */
static inline bool aqm_roll(struct aqm *q, uint32_t prob)
{
	return prob != 0 && aqm_random(q) <= prob;
}

/* ---- kinds ---- */

bool fifo_enqueue(struct aqm *q, struct aqm_pkt *p);
struct aqm_pkt *fifo_dequeue(struct aqm *q, uint64_t now);

/* One packet from list l of queue c by CoDel's law, or NULL. */
struct aqm_pkt *codel_take(struct aqm *q, struct codel *s, struct aqm_list *l, uint64_t now);
struct aqm_pkt *codel_dequeue(struct aqm *q, uint64_t now);

int fq_new(struct aqm *q); /* 0 or -ENOMEM */
void fq_free(struct aqm *q);
bool fq_enqueue(struct aqm *q, struct aqm_pkt *p);
struct aqm_pkt *fq_dequeue(struct aqm *q, uint64_t now);
struct aqm_pkt *fq_flush(struct aqm *q);

void pie_new(struct aqm *q, uint64_t now);
void pie_configure(struct aqm *q);
bool pie_enqueue(struct aqm *q, struct aqm_pkt *p);
uint64_t pie_tick(struct aqm *q, uint64_t now);
void pie_force(struct aqm *q, uint32_t prob);

/* PI2 and both profiles of DualPI2 (pi2.c). */
void pi2_new(struct aqm *q, uint64_t now);
/* What follows from cfg; of it, what follows from the rate. */
void pi2_configure(struct aqm *q);
void pi2_thresholds(struct aqm *q);
uint64_t pi2_tick(struct aqm *q, uint64_t now);
void pi2_force(struct aqm *q, uint32_t prob);
/* p_CL and p_C from p'. */
void pi2_couple(struct aqm *q);
struct aqm_pkt *pi2_dequeue(struct aqm *q, uint64_t now);

/* True: p, which is on no list, is to be dropped, and p->why says why; else it may have been
 * marked. c: the queue that it counts in; scalable: p_CL is its probability, not p_C; native: p'_L,
 * 2^-32. */
bool dualpi2_linux_verdict(struct aqm *q, unsigned c, bool scalable, struct aqm_pkt *p);
bool dualpi2_rfc_verdict(struct aqm *q, unsigned c, bool scalable, uint64_t native,
			 struct aqm_pkt *p);
bool dualpi2_linux_enqueue(struct aqm *q, struct aqm_pkt *p);
struct aqm_pkt *dualpi2_linux_dequeue(struct aqm *q, uint64_t now);
bool dualpi2_rfc_enqueue(struct aqm *q, struct aqm_pkt *p);
struct aqm_pkt *dualpi2_rfc_dequeue(struct aqm *q, uint64_t now);

/* The queue to serve; at least one holds a packet. */
static inline unsigned dualpi2_choose(const struct aqm *q)
{
	const struct aqm_pkt *c = q->list[AQM_C].head;
	const struct aqm_pkt *l = q->list[AQM_L].head;
	bool low;

	if (q->cfg.scheduler == AQM_TS_FIFO && c && l)
		low = ts_fifo_low(c->enq_ns, l->enq_ns, q->cfg.tshift);
	else
		low = wrr_low(&q->pi2.wrr, c, l);
	return low ? AQM_L : AQM_C;
}

#endif
