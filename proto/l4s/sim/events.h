/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue of events, in a total order: time first, then the number of the insertion, so that
 * equal times come out as they were put in on every machine.
 *
 * Most events are near: the end of a packet's service, the head of a delay line, a pacing timer.
 * They stand in a wheel of slots about as wide as a fraction of a packet's service time, each a
 * short sorted list; two levels of bitmaps find the next slot that is not empty. What lies beyond
 * the wheel's horizon (retransmission timers, ticks) waits in a 4-ary heap, and is compared with
 * the wheel's first when an event is taken: nothing moves from the one to the other. */
#ifndef DEP_L4S_SIM_EVENTS_H
#define DEP_L4S_SIM_EVENTS_H

#include "base/alloc.h"

#include <stdbool.h>
#include <stdint.h>

#define EVENT_KIND_BITS 4
#define EVENT_SLOTS 4096u
#define EVENT_NONE UINT32_MAX

struct event {
	uint64_t at;  /* ns */
	uint64_t key; /* insertion number << EVENT_KIND_BITS | kind */
	union {
		void *of;
		uint64_t n;
	};
};

struct event_node {
	struct event e;
	uint32_t next; /* EVENT_NONE: none */
};

struct events {
	unsigned shift;	   /* a slot is 2^shift ns wide */
	uint64_t turn;	   /* the slot, counted from time 0, of the last event taken */
	uint64_t words;	   /* bit i: word[i] is not 0 */
	uint64_t word[64]; /* bit i of word j: slot 64 j + i is not empty */
	uint32_t *slot;	   /* first node of each */
	struct event_node *node;
	uint32_t n_nodes;
	uint32_t free;
	struct event *heap; /* [0] is the root */
	uint32_t n;
	uint32_t cap;
	bool failed; /* no memory: what was put in is lost */
	uint64_t number;
	struct alloc *a;
};

/* A comparison without a branch, which a processor could not foresee. */
static inline bool event_before(const struct event *x, const struct event *y)
{
	return ((unsigned __int128)x->at << 64 | x->key) <
	       ((unsigned __int128)y->at << 64 | y->key);
}

static inline uint64_t events_number(struct events *q)
{
	return q->number++;
}

/* grain: ns that usually lie between events. False: no memory. */
bool events_init(struct events *q, uint64_t grain, struct alloc *a);
void events_free(struct events *q);
/* Beyond the horizon. */
void events_put_far(struct events *q, struct event e);
struct event events_take_far(struct events *q);
bool events_grow_nodes(struct events *q);

static inline void events_put(struct events *q, struct event e)
{
	uint64_t at = e.at >> q->shift;
	uint32_t slot = (uint32_t)at & (EVENT_SLOTS - 1);
	struct event_node *node;
	uint32_t *link;
	uint32_t i;

	if (at - q->turn >= EVENT_SLOTS) {
		events_put_far(q, e);
		return;
	}
	if (q->free == EVENT_NONE && !events_grow_nodes(q))
		return;
	i = q->free;
	node = &q->node[i];
	q->free = node->next;
	link = &q->slot[slot];
	while (*link != EVENT_NONE && event_before(&q->node[*link].e, &e))
		link = &q->node[*link].next;
	node->e = e;
	node->next = *link;
	*link = i;
	q->word[slot / 64] |= 1ull << slot % 64;
	q->words |= 1ull << slot / 64;
}

/* The first slot from turn on, all the way round, that is not empty; words is not 0. */
static inline uint32_t events_slot(const struct events *q)
{
	uint32_t from = (uint32_t)q->turn & (EVENT_SLOTS - 1);
	uint32_t w = from / 64;
	uint64_t bits = q->word[w] & ~0ull << from % 64;
	uint64_t later;

	if (!bits) {
		later = w < 63 ? q->words & ~0ull << (w + 1) : 0;
		w = (uint32_t)__builtin_ctzll(later ? later : q->words);
		bits = q->word[w];
	}
	return w * 64 + (uint32_t)__builtin_ctzll(bits);
}

/* Takes the first event; false: there is none. */
static inline bool events_take(struct events *q, struct event *e)
{
	struct event_node *node;
	uint32_t slot;
	uint32_t i;

	if (!q->words) {
		if (!q->n)
			return false;
		*e = events_take_far(q);
		q->turn = e->at >> q->shift;
		return true;
	}
	slot = events_slot(q);
	i = q->slot[slot];
	node = &q->node[i];
	if (q->n && event_before(&q->heap[0], &node->e)) {
		*e = events_take_far(q);
		q->turn = e->at >> q->shift;
		return true;
	}
	*e = node->e;
	q->turn = e->at >> q->shift;
	q->slot[slot] = node->next;
	if (node->next == EVENT_NONE) {
		q->word[slot / 64] &= ~(1ull << slot % 64);
		if (!q->word[slot / 64])
			q->words &= ~(1ull << slot / 64);
	}
	node->next = q->free;
	q->free = i;
	return true;
}

#endif
