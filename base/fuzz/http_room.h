/* SPDX-License-Identifier: BSD-2-Clause */
/* A room for fuzzing the server: what it does follows from the path, and it holds on to requests.
 * Bytes go into a connection without a socket, in pieces. */
#ifndef DEP_FUZZ_HTTP_ROOM_H
#define DEP_FUZZ_HTTP_ROOM_H

#include "base/http_priv.h"

#include <stdlib.h>

static struct http_req *held[64];
static size_t n_held;

static void room_closed(struct http_req *r)
{
	size_t i;

	for (i = 0; i < n_held; i++)
		if (held[i] == r)
			held[i] = held[--n_held];
}

static void room_whole(struct http_req *r, struct slice body)
{
	if (body.n != r->body_seen)
		abort();
	room_closed(r);
	http_reply(r, 200, NULL, 0, body);
}

static void room_data(struct http_req *r, struct slice piece)
{
	if (piece.n > 0 && piece.p[0] == 'p')
		http_body_pause(r);
	if (piece.n == 0 || piece.p[0] != 'a') {
		http_write(r, piece);
		return;
	}
	room_closed(r);
	http_abort(r);
}

static void room_end(struct http_req *r)
{
	room_closed(r);
	http_end(r);
}

static void room_raw(struct http_req *r, struct slice bytes)
{
	if (bytes.n > 0 && bytes.p[0] == '.')
		http_end(r);
	else
		http_write(r, bytes);
}

static bool room_field(void *ctx, const char *name, const char *value)
{
	/* Names are lower case tokens, values hold no line ends. */
	for (; *name; name++)
		if ((*name >= 'A' && *name <= 'Z') || *name <= ' ' || *name == ':')
			abort();
	if (!http_value_ok(value))
		abort();
	return true;
}

static void room_request(void *ctx, struct http_req *r)
{
	const char *path = http_path(r);

	if (path[0] != '/' && path[0] != '*')
		abort();
	if (http_version(r) == 11 && !http_header(r, "host"))
		abort();
	http_header_each(r, room_field, NULL);
	switch (path[0] ? path[1] : 0) {
	case 'w':
		http_watch(r, (struct http_watch){.closed = room_closed});
		http_body(r, room_whole);
		return;
	case 's':
		http_start(r, 200, NULL, 0);
		http_body_stream(r, room_data, room_end);
		http_watch(r, (struct http_watch){.closed = room_closed});
		if (n_held < 64)
			held[n_held++] = r;
		return;
	case 'h':
		if (n_held == 64)
			break;
		http_watch(r, (struct http_watch){.closed = room_closed});
		held[n_held++] = r;
		return;
	case 'u':
		http_watch(r, (struct http_watch){.closed = room_closed});
		if (http_upgrade(r, "raw", NULL, 0, room_raw) == 0)
			return;
		break;
	case 'a':
		http_abort(r);
		return;
	case 'e':
		http_sse_start(r, NULL, 0);
		http_sse_event(r, NULL, http_query(r), slice_of(path, strlen(path)));
		http_end(r);
		return;
	default:
		break;
	}
	http_reply_text(r, 200, "ok");
}

static struct http_server *room_server(void)
{
	static struct http_server *s;
	static uv_loop_t loop;
	struct http_config c = {.request = room_request, .server = "fuzz"};

	if (s)
		return s;
	c.limits = (struct http_limits){
		.head_bytes = 4096, .target_bytes = 512, .body_bytes = 4096, .queued_bytes = 4096};
	uv_loop_init(&loop);
	s = http_server_new(&loop, &c, NULL);
	return s;
}

/* Something a room does between two reads. */
static void room_act(struct http_server *s, uint8_t what)
{
	struct http_req *r = n_held > 0 ? held[what % n_held] : NULL;

	if (!r)
		return;
	switch (what >> 5) {
	case 0:
		http_body_resume(r);
		break;
	case 1:
		http_body_pause(r);
		break;
	case 2:
		if (!r->started)
			http_body(r, room_whole);
		break;
	case 3:
		http_start(r, 200, NULL, 0);
		http_write(r, SLICE_LIT("piece"));
		break;
	case 4:
		room_closed(r);
		http_end(r);
		break;
	case 5:
		room_closed(r);
		http_abort(r);
		break;
	default:
		break;
	}
}

/* Each piece has its length, and what the room does after it, before it. */
static void room_feed(struct http_server *s, struct slice in)
{
	struct http_peer peer = {.text = "fuzz"};
	struct http_conn *c = http_conn_new(s, -1, &peer);
	struct slice piece;
	uint8_t len;
	uint8_t act;

	while (c && !list_empty(&s->conns) && slice_u8(&in, &len) && slice_u8(&in, &act)) {
		if (!slice_take(&in, len == 255 ? in.n : len, &piece))
			slice_take(&in, in.n, &piece);
		c->busy++;
		http_conn_input(c, piece.p, piece.n);
		c->busy--;
		http_conn_settle(c);
		room_act(s, act);
		http_on_idle(&s->idle);
		if (act == 255 && !list_empty(&s->conns))
			http_conn_sweep(c, http_now(s) + 3600000);
	}
	if (c && !list_empty(&s->conns)) {
		http_conn_lose(c);
		http_on_idle(&s->idle);
	}
	while (n_held > 0)
		http_abort(held[--n_held]);
	if (!list_empty(&s->conns) || s->stats.active != 0 || s->n_lost != 0)
		abort();
}

#endif
