/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/link/pool.h"

#include <stdint.h>
#include <stdlib.h>

#define CHUNK_BYTES ((size_t)1 << 18)
#define ALIGN 64

struct node {
	struct node *next;
};

void pool_init(struct pool *p, size_t item, size_t limit)
{
	*p = (struct pool){.item = (item + ALIGN - 1) / ALIGN * ALIGN, .limit = limit};
	p->count = CHUNK_BYTES / p->item;
	if (p->count == 0)
		p->count = 1;
}

static int grow(struct pool *p)
{
	size_t bytes = ALIGN + p->count * p->item;
	uint8_t *chunk;
	size_t i;

	if (p->bytes + bytes > p->limit)
		return -1;
	chunk = aligned_alloc(ALIGN, bytes);
	if (!chunk)
		return -1;
	((struct node *)chunk)->next = p->chunks;
	p->chunks = chunk;
	p->bytes += bytes;
	for (i = p->count; i-- > 0;)
		pool_put(p, chunk + ALIGN + i * p->item);
	return 0;
}

void *pool_get(struct pool *p)
{
	struct node *n;

	if (!p->free && grow(p) < 0)
		return NULL;
	n = p->free;
	p->free = n->next;
	return n;
}

void pool_put(struct pool *p, void *item)
{
	struct node *n = item;

	n->next = p->free;
	p->free = n;
}

void pool_free(struct pool *p)
{
	struct node *n = p->chunks;
	struct node *next;

	for (; n; n = next) {
		next = n->next;
		free(n);
	}
	p->chunks = NULL;
	p->free = NULL;
}
