/* SPDX-License-Identifier: BSD-2-Clause */
/* Server-sent events in pieces of any size: the pieces must not matter. The first byte is the size
 * of a piece. */
#include "node/mcp/sse.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
	uint64_t hash;
	unsigned events;
};

static void mix(struct sum *s, const void *p, size_t n)
{
	const uint8_t *b = p;
	size_t i;

	for (i = 0; i < n; i++)
		s->hash = (s->hash ^ b[i]) * 1099511628211u;
	s->hash = (s->hash ^ n) * 1099511628211u;
}

static void on_event(void *ctx, const struct sse_event *e)
{
	struct sum *s = ctx;

	if (e->data[e->n] != '\0')
		abort();
	mix(s, e->event, strlen(e->event));
	mix(s, e->data, e->n);
	mix(s, e->id, strlen(e->id));
	s->events++;
}

static struct sum run(const uint8_t *data, size_t size, size_t piece, int *rc)
{
	struct sum sum = {.hash = 14695981039346656037u};
	struct sse s;
	size_t i;

	sse_init(&s, MAX_BYTES, on_event, &sum);
	*rc = 0;
	for (i = 0; i < size && *rc == 0; i += piece)
		*rc = sse_feed(&s, (const char *)data + i, size - i < piece ? size - i : piece);
	mix(&sum, s.last_id, strlen(s.last_id));
	mix(&sum, &s.retry_ms, sizeof(s.retry_ms));
	sse_free(&s);
	if (s.alloc.used != 0)
		abort();
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum whole;
	struct sum pieces;
	int rc[2];

	if (size < 2)
		return 0;
	whole = run(data + 1, size - 1, size, &rc[0]);
	pieces = run(data + 1, size - 1, 1u + data[0], &rc[1]);
	/* An event that is too large ends a stream wherever its size is seen first. */
	if (rc[0] == 0 && rc[1] == 0 &&
	    (whole.hash != pieces.hash || whole.events != pieces.events))
		abort();
	return 0;
}
