/* SPDX-License-Identifier: BSD-2-Clause */
/* Items of one size, kept for use again: no allocation while packets flow, once as many were in use
 * as ever will be. */
#ifndef DEP_L4S_LINK_POOL_H
#define DEP_L4S_LINK_POOL_H

#include <stddef.h>

struct pool {
	void *free;
	void *chunks;
	size_t item;  /* bytes */
	size_t count; /* items a chunk */
	size_t bytes; /* taken from the system */
	size_t limit;
};

void pool_init(struct pool *p, size_t item, size_t limit);
/* NULL: the limit is reached, or no memory. The bytes are what they were. */
void *pool_get(struct pool *p);
void pool_put(struct pool *p, void *item);
/* All items are gone with it. */
void pool_free(struct pool *p);

#endif
