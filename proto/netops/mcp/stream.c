/* SPDX-License-Identifier: BSD-2-Clause */
/* Server-sent events of a legacy session. Each message is on exactly one stream: that of the
 * request it belongs to, or the general one of GET. Events are numbered within their stream and
 * kept, bounded, so that a client that lost the connection, or was told to come back, gets what it
 * missed of this stream and no other. */
#include "proto/netops/mcp/mcp_priv.h"

#include <stdlib.h>

#define MAX_EVENTS 256
#define MAX_BYTES (1u << 20)

static void drop_first(struct mcp_stream *st)
{
	struct mcp_event *e = st->head;

	st->head = e->next;
	if (!st->head)
		st->tail = NULL;
	st->n--;
	st->bytes -= e->n;
	free(e);
}

void mcp_stream_free(struct mcp_stream *st)
{
	struct mcp_wire *w = st->wire;

	mcp_stream_detach(st);
	while (st->head)
		drop_first(st);
	if (st->req)
		st->req->stream = NULL;
	if (st->s->general == st)
		st->s->general = NULL;
	list_del(&st->node);
	free(st);
	if (w)
		w->ops->end(w);
}

/* The stream that is done for the longest time makes room. */
static bool make_room(struct mcp_session *s)
{
	struct mcp_stream *oldest = NULL;
	unsigned n = 0;

	list_each (it, &s->streams) {
		struct mcp_stream *st = container_of(it, struct mcp_stream, node);

		n++;
		if (st->done && (!oldest || st->idle < oldest->idle))
			oldest = st;
	}
	if (n < MCP_MAX_STREAMS)
		return true;
	if (oldest)
		mcp_stream_free(oldest);
	return oldest != NULL;
}

struct mcp_stream *mcp_stream_new(struct mcp_session *s, struct mcp_req *r)
{
	struct mcp_stream *st = make_room(s) ? calloc(1, sizeof(*st)) : NULL;

	if (!st)
		return NULL;
	st->s = s;
	st->req = r;
	st->no = r ? ++s->next_stream : 0;
	st->idle = s->m->now;
	list_add(&s->streams, &st->node);
	mcp_timer_start(s->m);
	return st;
}

static struct mcp_event *keep(struct mcp_stream *st, struct slice json)
{
	struct mcp_event *e;

	while (st->n > 0 && (st->n >= MAX_EVENTS || st->bytes + json.n > MAX_BYTES))
		drop_first(st);
	e = malloc(sizeof(*e) + json.n + 1);
	if (!e)
		return NULL;
	*e = (struct mcp_event){.no = ++st->last, .n = json.n};
	if (json.n > 0)
		memcpy(e->text, json.p, json.n);
	if (st->tail)
		st->tail->next = e;
	else
		st->head = e;
	st->tail = e;
	st->n++;
	st->bytes += e->n;
	return e;
}

static void emit(struct mcp_stream *st, struct mcp_event *e)
{
	char id[48];

	snprintf(id, sizeof(id), "%llu.%llu", (unsigned long long)st->no,
		 (unsigned long long)e->no);
	e->sent = true;
	if (!st->wire->ops->event(st->wire, id, slice_of(e->text, e->n)))
		st->wire->congested = true;
}

static void finish(struct mcp_stream *st)
{
	struct mcp_wire *w = st->wire;

	mcp_stream_detach(st);
	w->ops->end(w);
}

void mcp_stream_send(struct mcp_stream *st, struct slice json, bool last)
{
	struct mcp_event *e;

	/* Of the same notification one is enough where nobody listens. */
	if (st->no == 0 && !st->wire && st->tail && !st->tail->sent && st->tail->n == json.n &&
	    memcmp(st->tail->text, json.p, json.n) == 0)
		return;
	e = keep(st, json);
	if (last) {
		st->done = true;
		st->idle = st->s->m->now;
	}
	if (!st->wire)
		return;
	/* Who does not read its general stream is cut off, and may come back for what is kept. */
	if (st->no == 0 && st->wire->congested) {
		finish(st);
		return;
	}
	if (e)
		emit(st, e);
	if (last)
		finish(st);
}

/* 2025-11-25: an event of empty data at the beginning, so that the client has an id to come back
 * with. Older clients would take it for JSON. */
void mcp_stream_prime(struct mcp_stream *st)
{
	struct mcp_event *e;

	if (st->s->era != MCP_2025_11_25 || st->no == 0)
		return;
	e = keep(st, (struct slice){0});
	if (e && st->wire)
		emit(st, e);
}

static void bind_wire(struct mcp_stream *st, struct mcp_wire *w)
{
	st->wire = w;
	w->stream = st;
	if (!w->open) {
		w->open = true;
		w->ops->open(w);
	}
}

void mcp_stream_attach(struct mcp_stream *st, struct mcp_wire *w)
{
	struct mcp_event *e;

	bind_wire(st, w);
	if (st->last == 0)
		mcp_stream_prime(st);
	for (e = st->head; e; e = e->next) {
		if (!e->sent)
			emit(st, e);
	}
}

void mcp_stream_replay(struct mcp_stream *st, struct mcp_wire *w, uint64_t after)
{
	struct mcp_event *e;

	bind_wire(st, w);
	for (e = st->head; e; e = e->next) {
		if (e->no > after && e->n > 0)
			emit(st, e);
	}
	if (st->done) {
		st->idle = st->s->m->now;
		finish(st);
	}
}

void mcp_stream_detach(struct mcp_stream *st)
{
	if (!st->wire)
		return;
	st->wire->stream = NULL;
	st->wire = NULL;
	if (st->req)
		mcp_req_detach(st->req);
	st->idle = st->s->m->now;
}

void mcp_hang_up(struct mcp_req *r)
{
	struct mcp *m = r->m;
	struct mcp_wire *w = r->wire;

	if (r->era != MCP_2025_11_25 || !r->session || !r->session->id[0] || !w || w->shared ||
	    r->task)
		return;
	if (!r->stream) {
		r->stream = mcp_stream_new(r->session, r);
		if (!r->stream)
			return;
		mcp_stream_attach(r->stream, w);
	}
	w->ops->retry(w, m->params.retry_ms ? m->params.retry_ms : 500);
	finish(r->stream);
}
