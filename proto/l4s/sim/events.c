/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/sim/events.h"

#define SHIFT_MAX 24u /* 16 ms a slot */

bool events_init(struct events *q, uint64_t grain, struct alloc *a)
{
	uint32_t i;

	*q = (struct events){.free = EVENT_NONE, .a = a};
	while (q->shift < SHIFT_MAX && grain >> (q->shift + 1))
		q->shift++;
	q->slot = alloc_resize(a, NULL, 0, EVENT_SLOTS * sizeof(*q->slot));
	if (!q->slot)
		return false;
	for (i = 0; i < EVENT_SLOTS; i++)
		q->slot[i] = EVENT_NONE;
	return true;
}

void events_free(struct events *q)
{
	alloc_free(q->a, q->slot, EVENT_SLOTS * sizeof(*q->slot));
	alloc_free(q->a, q->node, q->n_nodes * sizeof(*q->node));
	alloc_free(q->a, q->heap, q->cap * sizeof(*q->heap));
}

bool events_grow_nodes(struct events *q)
{
	uint32_t n = q->n_nodes ? 2 * q->n_nodes : 64;
	struct event_node *node =
		alloc_resize(q->a, q->node, q->n_nodes * sizeof(*node), (size_t)n * sizeof(*node));

	if (!node) {
		q->failed = true;
		return false;
	}
	q->node = node;
	for (; q->n_nodes < n; q->n_nodes++) {
		node[q->n_nodes].next = q->free;
		q->free = q->n_nodes;
	}
	return true;
}

/* ---- the heap ---- */

static bool grow_heap(struct events *q)
{
	uint32_t cap = q->cap ? 2 * q->cap : 64;
	struct event *heap =
		alloc_resize(q->a, q->heap, q->cap * sizeof(*heap), (size_t)cap * sizeof(*heap));

	if (!heap) {
		q->failed = true;
		return false;
	}
	q->heap = heap;
	q->cap = cap;
	return true;
}

void events_put_far(struct events *q, struct event e)
{
	uint32_t i;

	if (q->n == q->cap && !grow_heap(q))
		return;
	for (i = q->n++; i && event_before(&e, &q->heap[(i - 1) / 4]); i = (i - 1) / 4)
		q->heap[i] = q->heap[(i - 1) / 4];
	q->heap[i] = e;
}

static void sift_down(struct events *q, struct event e)
{
	struct event *heap = q->heap;
	uint32_t i = 0;
	uint32_t child;
	uint32_t end;
	uint32_t best;

	for (;;) {
		child = 4 * i + 1;
		if (child >= q->n)
			break;
		end = child + 4 < q->n ? child + 4 : q->n;
		for (best = child++; child < end; child++)
			if (event_before(&heap[child], &heap[best]))
				best = child;
		if (!event_before(&heap[best], &e))
			break;
		heap[i] = heap[best];
		i = best;
	}
	heap[i] = e;
}

struct event events_take_far(struct events *q)
{
	struct event first = q->heap[0];

	q->n--;
	if (q->n)
		sift_down(q, q->heap[q->n]);
	return first;
}
