/* SPDX-License-Identifier: BSD-2-Clause */
/* Binary min-heap of deadlines, intrusive: the owner embeds a heap_node, which knows its place, so that any entry can be
 * moved or removed in O(log n). Equal deadlines come out in the order they were set. */
#ifndef DEP_HEAP_H
#define DEP_HEAP_H

#include "base/alloc.h"
#include "base/clock.h"

struct heap_node {
	usec_t due;
	uint64_t seq;
	uint32_t pos; /* 1-based place in the heap; 0: not in it */
};

struct heap {
	struct heap_node **at;
	uint32_t n;
	uint32_t cap;
	uint64_t seq;
	struct alloc *a;
};

void heap_init(struct heap *h, struct alloc *a);
void heap_free(struct heap *h);
/* Puts n into the heap, or moves it, to be due at `due`. Returns 0 or -ENOMEM (n is then where it was). */
int heap_set(struct heap *h, struct heap_node *n, usec_t due);
/* Makes room for n entries in all: up to that number heap_set does not fail. Returns 0 or -ENOMEM. */
int heap_reserve(struct heap *h, uint32_t n);
/* Takes n out; does nothing where it is not in the heap. */
void heap_del(struct heap *h, struct heap_node *n);
/* The entry due first, or NULL. */
struct heap_node *heap_min(const struct heap *h);

#endif
