/* SPDX-License-Identifier: BSD-2-Clause */
#include "node/mcp/sse.h"

#include <errno.h>
#include <string.h>

void sse_init(struct sse *s, size_t max_bytes,
	      void (*on_event)(void *ctx, const struct sse_event *e), void *ctx)
{
	*s = (struct sse){.retry_ms = -1, .on_event = on_event, .ctx = ctx};
	/* The line and the data of one event, each in a buffer that doubles. */
	alloc_init(&s->alloc, 4 * max_bytes);
	buf_init(&s->line, &s->alloc);
	buf_init(&s->data, &s->alloc);
}

void sse_free(struct sse *s)
{
	buf_free(&s->line);
	buf_free(&s->data);
}

static void dispatch(struct sse *s)
{
	struct sse_event e;

	memcpy(s->last_id, s->id, sizeof(s->id));
	if (s->has_data && !s->data.failed) {
		buf_u8(&s->data, 0);
		if (!s->data.failed) {
			e = (struct sse_event){.event = s->event[0] ? s->event : "message",
					       .data = (const char *)s->data.p,
					       .n = s->data.n - 1,
					       .id = s->id};
			s->on_event(s->ctx, &e);
		}
	}
	if (!s->data.failed)
		buf_clear(&s->data);
	s->has_data = false;
	s->event[0] = '\0';
}

static void set_retry(struct sse *s, struct slice v)
{
	long ms = 0;
	size_t i;

	for (i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9' || ms > 86400000)
			return;
		ms = ms * 10 + (v.p[i] - '0');
	}
	if (v.n > 0)
		s->retry_ms = ms;
}

static void copy_text(char *to, size_t size, struct slice v)
{
	if (v.n >= size || (v.n > 0 && memchr(v.p, 0, v.n)))
		return;
	if (v.n > 0)
		memcpy(to, v.p, v.n);
	to[v.n] = '\0';
}

static void field(struct sse *s, struct slice name, struct slice v)
{
	if (slice_eq(name, SLICE_LIT("data"))) {
		if (s->has_data)
			buf_u8(&s->data, '\n');
		buf_bytes(&s->data, v.p, v.n);
		s->has_data = true;
	} else if (slice_eq(name, SLICE_LIT("event"))) {
		copy_text(s->event, sizeof(s->event), v);
	} else if (slice_eq(name, SLICE_LIT("id"))) {
		copy_text(s->id, sizeof(s->id), v);
	} else if (slice_eq(name, SLICE_LIT("retry"))) {
		set_retry(s, v);
	}
}

static void end_line(struct sse *s)
{
	struct slice line = buf_slice(&s->line);
	const uint8_t *colon = line.n > 0 ? memchr(line.p, ':', line.n) : NULL;
	struct slice name = line;
	struct slice value = {line.p, 0};

	if (line.n == 0) {
		dispatch(s);
		return;
	}
	if (colon) {
		name.n = (size_t)(colon - line.p);
		value = slice_of(colon + 1, line.n - name.n - 1);
		if (value.n > 0 && value.p[0] == ' ')
			value = slice_of(value.p + 1, value.n - 1);
	}
	if (name.n > 0)
		field(s, name, value);
	buf_clear(&s->line);
}

/* True while the byte belongs to a byte order mark at the very start. */
static bool skip_bom(struct sse *s, char c)
{
	static const char mark[] = "\xef\xbb\xbf";

	if (s->bom >= 3)
		return false;
	if (c == mark[s->bom]) {
		s->bom++;
		return true;
	}
	buf_bytes(&s->line, mark, s->bom);
	s->bom = 3;
	return false;
}

int sse_feed(struct sse *s, const char *p, size_t n)
{
	size_t i = 0;
	size_t run;

	while (i < n && s->bom < 3) {
		if (!skip_bom(s, p[i]))
			break;
		i++;
	}
	while (i < n) {
		if (s->after_cr && p[i] == '\n') {
			s->after_cr = false;
			i++;
			continue;
		}
		s->after_cr = false;
		for (run = i; run < n && p[run] != '\n' && p[run] != '\r'; run++)
			;
		buf_bytes(&s->line, p + i, run - i);
		if (s->line.failed || s->data.failed)
			return -E2BIG;
		i = run;
		if (i < n) {
			s->after_cr = p[i++] == '\r';
			end_line(s);
		}
	}
	return s->line.failed || s->data.failed ? -E2BIG : 0;
}
