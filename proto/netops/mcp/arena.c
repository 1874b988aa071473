/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that lives as long as one request. Nothing is given back singly; the first chunk is kept
 * from request to request, so that a common one takes no memory from malloc(3) at all. */
#include "proto/netops/mcp/mcp_priv.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_CHUNK (16u << 10)
#define ALIGN(n) (((n) + 15u) & ~(size_t)15u)

static struct mcp_chunk *chunk_new(size_t cap)
{
	struct mcp_chunk *c = malloc(sizeof(*c) + cap);

	if (c)
		*c = (struct mcp_chunk){.cap = cap};
	return c;
}

void *mcp_arena_get(struct mcp_arena *a, size_t n)
{
	struct mcp_chunk *c = a->cur;
	void *p;

	if (n > SIZE_MAX / 4)
		return NULL;
	n = ALIGN(n);
	if (c->cap - c->used < n) {
		c = chunk_new(n > FIRST_CHUNK ? n : FIRST_CHUNK);
		if (!c)
			return NULL;
		a->cur->next = c;
		a->cur = c;
	}
	p = c->p + c->used;
	c->used += n;
	return p;
}

static void *alc_malloc(void *ctx, size_t n)
{
	return mcp_arena_get(ctx, n);
}

static void *alc_realloc(void *ctx, void *p, size_t old, size_t n)
{
	struct mcp_arena *a = ctx;
	struct mcp_chunk *c = a->cur;
	size_t at;
	void *to;

	/* The last piece grows and shrinks where it is. */
	if ((char *)p >= c->p && (char *)p + ALIGN(old) == c->p + c->used) {
		at = (size_t)((char *)p - c->p);
		if (n <= SIZE_MAX / 4 && ALIGN(n) <= c->cap - at) {
			c->used = at + ALIGN(n);
			return p;
		}
	}
	if (n <= old)
		return p;
	to = mcp_arena_get(a, n);
	if (to)
		memcpy(to, p, old);
	return to;
}

static void alc_free(void *ctx, void *p)
{
}

int mcp_arena_init(struct mcp_arena *a)
{
	a->first = chunk_new(FIRST_CHUNK);
	a->cur = a->first;
	a->alc = (yyjson_alc){alc_malloc, alc_realloc, alc_free, a};
	return a->first ? 0 : -ENOMEM;
}

void mcp_arena_reset(struct mcp_arena *a)
{
	struct mcp_chunk *next;
	struct mcp_chunk *c;

	for (c = a->first->next; c; c = next) {
		next = c->next;
		free(c);
	}
	a->first->next = NULL;
	a->first->used = 0;
	a->cur = a->first;
}

void mcp_arena_free(struct mcp_arena *a)
{
	if (!a->first)
		return;
	mcp_arena_reset(a);
	free(a->first);
	a->first = NULL;
}

char *mcp_arena_text(struct mcp_arena *a, const char *p, size_t n)
{
	char *to = mcp_arena_get(a, n + 1);

	if (!to)
		return NULL;
	if (n > 0)
		memcpy(to, p, n);
	to[n] = 0;
	return to;
}
