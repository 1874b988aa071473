/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/mcp/stdio.h"

#include "base/buf.h"
#include "proto/netops/mcp/transport.h"

#include <stdlib.h>

#define MAX_LINE MCP_MAX_LARGE_BODY
#define HIGH_WATER (256u << 10)
#define MOST (8u << 20) /* a reader that is this far behind is gone */

struct mcp_stdio {
	struct mcp_wire wire;
	uv_stream_t *in, *out;
	struct principal who;
	void (*closed)(void *ctx);
	void *ctx;
	struct alloc alloc;
	struct buf line;
	bool skipping; /* the rest of a line that was too long */
	bool ending;
	unsigned handles;
	uv_shutdown_t end;
};

struct message {
	uv_write_t req;
	struct mcp_stdio *s;
	char text[];
};

static void finished(uv_handle_t *h)
{
	struct mcp_stdio *s = h->data;

	if (--s->handles > 0)
		return;
	buf_free(&s->line);
	s->closed(s->ctx);
	free(s);
}

static void close_now(struct mcp_stdio *s)
{
	if (s->handles)
		return;
	s->handles = s->in == s->out ? 1 : 2;
	mcp_wire_gone(&s->wire);
	uv_close((uv_handle_t *)s->in, finished);
	if (s->out != s->in)
		uv_close((uv_handle_t *)s->out, finished);
}

static void written(uv_write_t *w, int status)
{
	struct message *msg = (struct message *)(void *)w;
	struct mcp_stdio *s = msg->s;

	free(msg);
	if (s->handles)
		return;
	if (status < 0)
		close_now(s);
	else if (s->wire.congested && uv_stream_get_write_queue_size(s->out) < HIGH_WATER / 2)
		mcp_wire_drained(&s->wire);
}

static bool send_line(struct mcp_wire *w, struct slice json)
{
	struct mcp_stdio *s = container_of(w, struct mcp_stdio, wire);
	struct message *msg;
	uv_buf_t b;

	if (s->handles || json.n == 0)
		return true;
	msg = malloc(sizeof(*msg) + json.n + 1);
	if (!msg || uv_stream_get_write_queue_size(s->out) > MOST) {
		free(msg);
		s->ending = true;
		uv_read_stop(s->in);
		return false;
	}
	msg->s = s;
	memcpy(msg->text, json.p, json.n);
	msg->text[json.n] = '\n';
	b = uv_buf_init(msg->text, (unsigned)json.n + 1);
	if (uv_write(&msg->req, s->out, &b, 1, written) < 0) {
		free(msg);
		return false;
	}
	if (uv_stream_get_write_queue_size(s->out) < HIGH_WATER)
		return true;
	w->congested = true;
	return false;
}

static void answer(struct mcp_wire *w, unsigned status, const char *session, unsigned scopes,
		   struct slice json)
{
	send_line(w, json);
}

static void open_stream(struct mcp_wire *w)
{
}

static bool event(struct mcp_wire *w, const char *id, struct slice json)
{
	return send_line(w, json);
}

static void end(struct mcp_wire *w)
{
}

static const struct mcp_wire_ops ops = {
	.answer = answer, .open = open_stream, .event = event, .end = end};

/* ---- input ---- */

static void give_buffer(uv_handle_t *h, size_t hint, uv_buf_t *b)
{
	static char bytes[64u << 10];

	*b = uv_buf_init(bytes, sizeof(bytes));
}

static void take_line(struct mcp_stdio *s, const char *p, size_t n)
{
	if (n > 0 && p[n - 1] == '\r')
		n--;
	if (n > 0)
		mcp_message(&s->wire, NULL, slice_of(p, n));
}

static void too_long(struct mcp_stdio *s)
{
	buf_free(&s->line);
	s->skipping = true;
	send_line(&s->wire, mcp_bare_error(s->wire.m, -32600, "The message is too large"));
}

/* A whole line goes as it lies in the input; only pieces are gathered. */
static void take_bytes(struct mcp_stdio *s, const char *p, size_t n)
{
	const char *nl;
	size_t len;

	while (n > 0 && !s->handles && !s->ending) {
		nl = memchr(p, '\n', n);
		len = nl ? (size_t)(nl - p) : n;
		if (!s->skipping && s->line.n + len > MAX_LINE)
			too_long(s);
		if (nl && !s->skipping && s->line.n == 0) {
			take_line(s, p, len);
		} else if (!s->skipping) {
			buf_bytes(&s->line, p, len);
			if (nl && !s->line.failed)
				take_line(s, (char *)s->line.p, s->line.n);
		}
		if (nl) {
			s->skipping = false;
			buf_free(&s->line);
			len++;
		}
		p += len;
		n -= len;
	}
}

static void read_some(uv_stream_t *in, ssize_t n, const uv_buf_t *b)
{
	struct mcp_stdio *s = in->data;

	if (n > 0)
		take_bytes(s, b->base, (size_t)n);
	if (s->handles)
		return;
	if (n < 0 || s->ending)
		mcp_stdio_close(s);
}

struct mcp_stdio *mcp_stdio_new(struct mcp *m, uv_stream_t *in, uv_stream_t *out,
				const struct principal *who, void (*closed)(void *ctx), void *ctx)
{
	struct mcp_stdio *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->in = in;
	s->out = out;
	s->who = *who;
	s->closed = closed;
	s->ctx = ctx;
	alloc_init(&s->alloc, 0);
	buf_init(&s->line, &s->alloc);
	mcp_wire_init(&s->wire, m, &ops, true);
	s->wire.who = &s->who;
	in->data = s;
	out->data = s;
	if (uv_read_start(in, give_buffer, read_some) < 0) {
		list_del(&s->wire.node);
		free(s);
		return NULL;
	}
	return s;
}

static void shut(uv_shutdown_t *r, int status)
{
	struct mcp_stdio *s = r->data;

	close_now(s);
}

void mcp_stdio_close(struct mcp_stdio *s)
{
	if (s->handles)
		return;
	uv_read_stop(s->in);
	s->end.data = s;
	if (uv_shutdown(&s->end, s->out, shut) < 0)
		close_now(s);
}
