/* SPDX-License-Identifier: BSD-2-Clause */
/* Pool of NodeIDs: each ID that is stored anywhere in a node has a 32-bit handle, counted by reference, so that a path
 * costs four bytes a hop and comparing IDs is comparing numbers. One pool may serve many nodes (the simulator's). */
#ifndef DEP_KIRA_POOL_H
#define DEP_KIRA_POOL_H

#include "proto/kira/kira.h"

typedef uint32_t nid_t; /* a handle; 0 is none */

#define POOL_CHUNK 256

struct pool_entry {
	struct kira_id id;
	uint32_t refs;
	nid_t next; /* in its hash chain or in the free list */
};

struct kira_pool {
	struct alloc *a;
	uint64_t seed;
	struct pool_entry **chunk;
	uint32_t n_chunks;
	uint32_t cap_chunks;
	nid_t free;
	nid_t *slot;
	uint32_t mask;
	uint32_t n;
};

/* The handle of id, with one more reference; 0: no memory. */
nid_t pool_hold(struct kira_pool *p, const struct kira_id *id);
/* The handle of id without a reference, or 0 where the pool does not hold it. */
nid_t pool_find(const struct kira_pool *p, const struct kira_id *id);
void pool_drop(struct kira_pool *p, nid_t h);

static inline struct pool_entry *pool_at(const struct kira_pool *p, nid_t h)
{
	return &p->chunk[h / POOL_CHUNK][h % POOL_CHUNK];
}

static inline nid_t pool_ref(struct kira_pool *p, nid_t h)
{
	pool_at(p, h)->refs++;
	return h;
}

/* The ID behind a handle that is held; the pointer is good for as long as it is held. */
static inline const struct kira_id *pool_id(const struct kira_pool *p, nid_t h)
{
	return &pool_at(p, h)->id;
}

#endif
