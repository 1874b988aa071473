/* SPDX-License-Identifier: BSD-2-Clause */
/* The server: its limits, its timers, its beginning and its end. */
#include "base/http_priv.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static const struct http_limits defaults = {
	.head_bytes = 16384,
	.target_bytes = 8192,
	.body_bytes = 1 << 20,
	.head_ms = 10000,
	.body_ms = 10000,
	.write_ms = 30000,
	.idle_ms = 60000,
	.connections = 1024,
	.per_address = 256,
	.streams = 100,
	.queued_bytes = 262144,
};

static struct http_limits with_defaults(struct http_limits l)
{
	const struct http_limits *d = &defaults;

	l.head_bytes = l.head_bytes ? l.head_bytes : d->head_bytes;
	l.target_bytes = l.target_bytes ? l.target_bytes : d->target_bytes;
	l.body_bytes = l.body_bytes ? l.body_bytes : d->body_bytes;
	l.head_ms = l.head_ms ? l.head_ms : d->head_ms;
	l.body_ms = l.body_ms ? l.body_ms : d->body_ms;
	l.write_ms = l.write_ms ? l.write_ms : d->write_ms;
	l.idle_ms = l.idle_ms ? l.idle_ms : d->idle_ms;
	l.connections = l.connections ? l.connections : d->connections;
	l.per_address = l.per_address ? l.per_address : d->per_address;
	l.streams = l.streams ? l.streams : d->streams;
	l.queued_bytes = l.queued_bytes ? l.queued_bytes : d->queued_bytes;
	return l;
}

static uint32_t min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The sweep is as fine as the shortest limit asks for: late by a quarter of it at most, or by a
 * second. */
static uint64_t sweep_period(const struct http_limits *l)
{
	uint32_t ms = min(min(l->head_ms, l->body_ms), min(l->write_ms, l->idle_ms)) / 4;

	return ms < 10 ? 10 : ms > 1000 ? 1000 : ms;
}

struct http_server *http_server_new(uv_loop_t *loop, const struct http_config *c, struct err *err)
{
	struct http_server *s = calloc(1, sizeof(*s));

	if (!s) {
		err_set(err, -ENOMEM, "no memory for the HTTP server");
		return NULL;
	}
	signal(SIGPIPE, SIG_IGN); /* sendfile(2) has no flag against it */
	s->loop = loop;
	s->config = *c;
	s->limits = with_defaults(c->limits);
	s->sweep_ms = sweep_period(&s->limits);
	s->stock_sec = -1;
	s->stock_at = UINT64_MAX;
	s->name = c->server ? strndup(c->server, 128) : NULL;
	alloc_init(&s->alloc, 0);
	buf_init(&s->scratch, &s->alloc);
	list_init(&s->listeners);
	list_init(&s->conns);
	list_init(&s->later);
	list_init(&s->lost);
	list_init(&s->free_reqs);
	hash_init(&s->addrs, &s->alloc);
	if (getrandom(&s->seed, sizeof(s->seed), 0) != sizeof(s->seed))
		s->seed = (uintptr_t)s;
	if (s->config.tls)
		SSL_CTX_up_ref(s->config.tls);
	uv_idle_init(loop, &s->idle);
	uv_timer_init(loop, &s->sweep);
	uv_timer_init(loop, &s->grace);
	s->idle.data = s;
	s->sweep.data = s;
	s->grace.data = s;
	s->n_handles = 3;
	return s;
}

static void server_free(struct http_server *s)
{
	struct http_chunk *k;

	while (!list_empty(&s->free_reqs)) {
		struct http_req *r = container_of(s->free_reqs.next, struct http_req, at);

		list_del(&r->at);
		buf_free(&r->head);
		buf_free(&r->body);
		alloc_free(&s->alloc, r, sizeof(*r));
	}
	while ((k = s->free_chunks)) {
		s->free_chunks = k->next;
		alloc_free(&s->alloc, k, sizeof(*k) + HTTP_CHUNK_BYTES);
	}
	hash_free(&s->addrs);
	buf_free(&s->scratch);
	SSL_CTX_free(s->config.tls);
	free(s->name);
	free(s);
}

/* A handle is closed, or (after the last) a room has let go of its last request. */
void http_server_unref(struct http_server *s)
{
	if (s->n_handles > 0)
		s->n_handles--;
	if (s->n_handles == 3 && s->closing && list_empty(&s->conns) && list_empty(&s->listeners) &&
	    !uv_is_closing((uv_handle_t *)&s->idle))
		http_server_check_done(s);
	if (s->n_handles > 0)
		return;
	if (!s->closed) {
		s->closed = true;
		if (s->done)
			s->done(s->done_ctx);
	}
	if (s->n_lost == 0)
		server_free(s);
}

static void on_handle_closed(uv_handle_t *h)
{
	http_server_unref(h->data);
}

/* Nothing is open any more: the server's own handles go. */
void http_server_check_done(struct http_server *s)
{
	if (!s->closing || s->n_handles > 3 || uv_is_closing((uv_handle_t *)&s->idle))
		return;
	uv_close((uv_handle_t *)&s->idle, on_handle_closed);
	uv_close((uv_handle_t *)&s->sweep, on_handle_closed);
	uv_close((uv_handle_t *)&s->grace, on_handle_closed);
}

static void on_grace(uv_timer_t *t)
{
	struct http_server *s = t->data;

	list_each_safe (it, &s->conns)
		http_conn_lose(container_of(it, struct http_conn, at));
}

void http_server_close(struct http_server *s, unsigned grace_ms, void (*done)(void *ctx), void *ctx)
{
	if (s->closing)
		return;
	s->closing = true;
	s->done = done;
	s->done_ctx = ctx;
	list_each_safe (it, &s->listeners)
		http_listen_close(container_of(it, struct http_listener, at));
	list_each_safe (it, &s->conns)
		http_conn_drain(container_of(it, struct http_conn, at));
	uv_timer_start(&s->grace, on_grace, grace_ms, 0);
	http_server_check_done(s);
}

static void on_sweep(uv_timer_t *t)
{
	struct http_server *s = t->data;
	uint64_t now = http_now(s);
	bool off = false;

	list_each_safe (it, &s->listeners) {
		struct http_listener *l = container_of(it, struct http_listener, at);

		off |= l->off;
		http_listen_again(l);
	}
	list_each_safe (it, &s->conns)
		http_conn_sweep(container_of(it, struct http_conn, at), now);
	if (list_empty(&s->conns) && !off)
		uv_timer_stop(t);
}

void http_server_sweep_on(struct http_server *s)
{
	if (!uv_is_active((uv_handle_t *)&s->sweep))
		uv_timer_start(&s->sweep, on_sweep, s->sweep_ms, s->sweep_ms);
}

struct slice http_stock(struct http_server *s)
{
	uint64_t at = http_now(s);
	int64_t sec;

	if (at == s->stock_at)
		return slice_of(s->stock, s->stock_n);
	s->stock_at = at;
	sec = time(NULL);
	if (sec != s->stock_sec) {
		s->stock_sec = sec;
		http_date(sec, s->date);
		s->stock_n = (unsigned)snprintf(s->stock, sizeof(s->stock), "%s%s%sdate: %s\r\n",
						s->name ? "server: " : "", s->name ? s->name : "",
						s->name ? "\r\n" : "", s->date);
	}
	return slice_of(s->stock, s->stock_n);
}

const char *http_server_date(struct http_server *s)
{
	http_stock(s);
	return s->date;
}

void http_server_stats(const struct http_server *s, struct http_stats *out)
{
	*out = s->stats;
	out->memory = s->alloc.used;
}
