/* SPDX-License-Identifier: BSD-2-Clause */
/* Server-sent events (HTML living standard §9.2) out of bytes that come in pieces of any size.
 * Lines end in LF, CR or CRLF; a field of an event that never ends with its blank line is dropped,
 * as the standard asks. */
#ifndef DEP_NODE_MCP_SSE_H
#define DEP_NODE_MCP_SSE_H

#include "base/alloc.h"
#include "base/buf.h"

#include <stdbool.h>

#define SSE_MAX_NAME 64
#define SSE_MAX_ID 256

struct sse_event {
	const char *event; /* "message" where the stream named none */
	const char *data;  /* NUL-terminated; lines joined by LF; n may count inner NULs */
	size_t n;
	const char *id; /* the last one of the stream, or "" */
};

struct sse {
	struct alloc alloc;
	struct buf line;
	struct buf data;
	bool has_data;
	bool after_cr; /* a LF that follows belongs to that line's end */
	unsigned bom;  /* bytes of a byte order mark seen at the stream's start; 3: past it */
	char event[SSE_MAX_NAME];
	char id[SSE_MAX_ID];	  /* of the event under way, kept for the following ones */
	char last_id[SSE_MAX_ID]; /* of the last event that was given out */
	long retry_ms;		  /* the server's wish, or -1 */
	void (*on_event)(void *ctx, const struct sse_event *e);
	void *ctx;
};

/* max_bytes: of one event; more is an error. An event without data lines is not given out, but its
 * id counts. */
void sse_init(struct sse *s, size_t max_bytes,
	      void (*on_event)(void *ctx, const struct sse_event *e), void *ctx);
void sse_free(struct sse *s);
/* Returns 0, or -E2BIG where an event is too large: the stream cannot be followed further. */
int sse_feed(struct sse *s, const char *p, size_t n);

#endif
