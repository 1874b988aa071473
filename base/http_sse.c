/* SPDX-License-Identifier: BSD-2-Clause */
/* Server-sent events, as the HTML standard (§9.2.6) writes a stream of them. */
#include "base/http_priv.h"

#include <stdlib.h>

void http_sse_start(struct http_req *r, const struct http_field *field, size_t n)
{
	struct http_field all[34] = {{"content-type", "text/event-stream"},
				     {"cache-control", "no-store"}};

	if (n > 32)
		n = 32;
	if (n > 0)
		memcpy(all + 2, field, n * sizeof(*field));
	http_start(r, 200, all, n + 2);
}

/* "name: value\n"; a line end in value would begin another field: it ends there. */
static void line(struct buf *b, const char *name, const char *value)
{
	buf_bytes(b, name, strlen(name));
	buf_bytes(b, ": ", 2);
	buf_bytes(b, value, strcspn(value, "\r\n"));
	buf_u8(b, '\n');
}

/* The data: each of its lines as one of the event's. CR, LF and CR LF end a line. */
static void lines(struct buf *b, struct slice d)
{
	const uint8_t *end = d.p + d.n;
	const uint8_t *p = d.p;
	const uint8_t *q;

	do {
		for (q = p; q < end && *q != '\n' && *q != '\r'; q++)
			;
		buf_bytes(b, "data: ", 6);
		buf_bytes(b, p, (size_t)(q - p));
		buf_u8(b, '\n');
		if (q == end)
			return;
		p = q + (*q == '\r' && q + 1 < end && q[1] == '\n' ? 2 : 1);
	} while (true);
}

static bool emit(struct http_req *r, struct buf *b)
{
	bool more = true;

	if (b->failed)
		http_abort(r);
	else
		more = http_write(r, buf_slice(b));
	return more;
}

bool http_sse_event(struct http_req *r, const char *id, const char *event, struct slice data)
{
	struct buf *b = &r->s->scratch;

	buf_clear(b);
	if (id)
		line(b, "id", id);
	if (event)
		line(b, "event", event);
	lines(b, data);
	buf_u8(b, '\n');
	return emit(r, b);
}

bool http_sse_comment(struct http_req *r, const char *text)
{
	struct buf *b = &r->s->scratch;

	buf_clear(b);
	buf_u8(b, ':');
	buf_u8(b, ' ');
	buf_bytes(b, text, strcspn(text, "\r\n"));
	buf_bytes(b, "\n\n", 2);
	return emit(r, b);
}
