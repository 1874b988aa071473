/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/heap.h"

#include <errno.h>
#include <stdbool.h>

void heap_init(struct heap *h, struct alloc *a)
{
	*h = (struct heap){.a = a};
}

void heap_free(struct heap *h)
{
	alloc_free(h->a, h->at, h->cap * sizeof(*h->at));
	heap_init(h, h->a);
}

static bool before(const struct heap_node *x, const struct heap_node *y)
{
	return x->due != y->due ? x->due < y->due : x->seq < y->seq;
}

static void place(struct heap *h, uint32_t pos, struct heap_node *n)
{
	h->at[pos - 1] = n;
	n->pos = pos;
}

static void sift(struct heap *h, struct heap_node *n)
{
	uint32_t pos = n->pos;

	while (pos > 1 && before(n, h->at[pos / 2 - 1])) {
		place(h, pos, h->at[pos / 2 - 1]);
		pos /= 2;
	}
	for (;;) {
		uint32_t kid = pos * 2;

		if (kid > h->n)
			break;
		if (kid < h->n && before(h->at[kid], h->at[kid - 1]))
			kid++;
		if (!before(h->at[kid - 1], n))
			break;
		place(h, pos, h->at[kid - 1]);
		pos = kid;
	}
	place(h, pos, n);
}

int heap_reserve(struct heap *h, uint32_t n)
{
	uint32_t cap = h->cap ? h->cap : 8;
	void *at;

	if (n <= h->cap)
		return 0;
	while (cap < n)
		cap *= 2;
	at = alloc_resize(h->a, h->at, h->cap * sizeof(*h->at), cap * sizeof(*h->at));
	if (!at)
		return -ENOMEM;
	h->at = at;
	h->cap = cap;
	return 0;
}

int heap_set(struct heap *h, struct heap_node *n, usec_t due)
{
	if (n->pos == 0) {
		if (heap_reserve(h, h->n + 1) < 0)
			return -ENOMEM;
		h->n++;
		place(h, h->n, n);
	}
	n->due = due;
	n->seq = h->seq++;
	sift(h, n);
	return 0;
}

void heap_del(struct heap *h, struct heap_node *n)
{
	struct heap_node *last;
	uint32_t pos = n->pos;

	if (pos == 0)
		return;
	last = h->at[h->n - 1];
	h->n--;
	n->pos = 0;
	if (last != n) {
		place(h, pos, last);
		sift(h, last);
	}
}

struct heap_node *heap_min(const struct heap *h)
{
	return h->n ? h->at[0] : NULL;
}
