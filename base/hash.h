/* SPDX-License-Identifier: BSD-2-Clause */
/* Intrusive hash table with chains. The owner embeds a hash_node, computes the hash value and compares keys itself. */
#ifndef DEP_HASH_H
#define DEP_HASH_H

#include "base/alloc.h"

#include <stdint.h>

struct hash_node {
	struct hash_node *next;
	uint32_t h;
};

struct hash {
	struct hash_node **slot;
	uint32_t mask; /* number of slots - 1; slot NULL: no slots yet */
	uint32_t n;
	struct alloc *a;
};

void hash_init(struct hash *t, struct alloc *a);
/* Releases the slots, not the entries. */
void hash_free(struct hash *t);
/* Adds n with hash value h. Returns 0, or -ENOMEM and n is not in the table. Equal keys are not looked for. */
int hash_add(struct hash *t, struct hash_node *n, uint32_t h);
/* Removes n, which must be in t. */
void hash_del(struct hash *t, struct hash_node *n);
/* First entry with hash value h, or NULL; hash_next gives the further ones. */
struct hash_node *hash_first(const struct hash *t, uint32_t h);
struct hash_node *hash_next(const struct hash_node *n);

/* Hash of n bytes under a seed (so that a peer cannot choose colliding keys): SipHash-1-3 cut to 32 bits. */
uint32_t hash_bytes(const void *p, size_t n, uint64_t seed);

/* Every entry, in no order; the entry may be removed inside the loop if nothing is added. */
#define hash_each(it, t)                                                                           \
	for (uint32_t it##_i = 0; (t)->slot && it##_i <= (t)->mask; it##_i++)                       \
		for (struct hash_node *it = (t)->slot[it##_i], *it##_next = it ? it->next : NULL;  \
		     it; it = it##_next, it##_next = it ? it->next : NULL)

#endif
