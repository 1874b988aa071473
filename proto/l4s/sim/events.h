/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue of events: a 4-ary min-heap of small values in a total order, time first, then the
 * number of the insertion, so that equal times come out as they were put in on every machine.
 *
 * The event being handled leaves a hole at the root. The first one that its handler puts in fills
 * the hole with one sift, where a removal and an insertion would take two: a link that serves
 * packet after packet, or a delay line, does just that. */
#ifndef DEP_L4S_SIM_EVENTS_H
#define DEP_L4S_SIM_EVENTS_H

#include "base/alloc.h"

#include <stdbool.h>
#include <stdint.h>

#define EVENT_KIND_BITS 4

struct event {
	uint64_t at;  /* ns */
	uint64_t key; /* insertion number << EVENT_KIND_BITS | kind */
	union {
		void *of;
		uint64_t n;
	};
};

struct events {
	struct event *at; /* [0] is the root */
	uint32_t n;	  /* with the hole */
	uint32_t cap;
	bool hole;   /* at[0] is handled and gone */
	bool failed; /* no memory: what was put in is lost */
	uint64_t number;
	struct alloc *a;
};

/* Both words as one number: a comparison without a branch, which a processor could not foresee. */
static inline unsigned __int128 event_order(const struct event *e)
{
	return (unsigned __int128)e->at << 64 | e->key;
}

static inline bool event_before(const struct event *x, const struct event *y)
{
	return event_order(x) < event_order(y);
}

static inline void events_sift_down(struct events *q, struct event e)
{
	struct event *at = q->at;
	uint32_t n = q->n;
	uint32_t i = 0;
	uint32_t child;
	uint32_t end;
	uint32_t best;

	for (;;) {
		child = 4 * i + 1;
		if (child >= n)
			break;
		end = child + 4 < n ? child + 4 : n;
		for (best = child++; child < end; child++)
			best = event_before(&at[child], &at[best]) ? child : best;
		if (!event_before(&at[best], &e))
			break;
		at[i] = at[best];
		i = best;
	}
	at[i] = e;
}

static inline bool events_grow(struct events *q)
{
	uint32_t cap = q->cap ? 2 * q->cap : 64;
	struct event *at =
		alloc_resize(q->a, q->at, q->cap * sizeof(*at), (size_t)cap * sizeof(*at));

	if (!at) {
		q->failed = true;
		return false;
	}
	q->at = at;
	q->cap = cap;
	return true;
}

static inline void events_put(struct events *q, struct event e)
{
	uint32_t i;

	if (q->hole) {
		q->hole = false;
		events_sift_down(q, e);
		return;
	}
	if (q->n == q->cap && !events_grow(q))
		return;
	for (i = q->n++; i && event_before(&e, &q->at[(i - 1) / 4]); i = (i - 1) / 4)
		q->at[i] = q->at[(i - 1) / 4];
	q->at[i] = e;
}

static inline uint64_t events_number(struct events *q)
{
	return q->number++;
}

/* The first event, or NULL; it is gone with the next call. */
static inline const struct event *events_take(struct events *q)
{
	struct event last;

	if (q->hole) {
		q->hole = false;
		last = q->at[--q->n];
		if (q->n)
			events_sift_down(q, last);
	}
	if (!q->n)
		return NULL;
	q->hole = true;
	return &q->at[0];
}

static inline void events_free(struct events *q)
{
	alloc_free(q->a, q->at, q->cap * sizeof(*q->at));
}

#endif
