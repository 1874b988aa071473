/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections: reading, writing, waiting, closing. */
#include "base/http_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Reads of one connection in a row, before others have their turn. */
#define READS 4

static void on_event(uv_poll_t *poll, int status, int events);

bool http_conn_full(const struct http_conn *c)
{
	return c->out.bytes + c->wire.bytes + (size_t)c->out.files * 65536 >
	       c->s->limits.queued_bytes;
}

struct http_conn *http_conn_new(struct http_server *s, int fd, const struct http_peer *peer)
{
	struct http_conn *c = alloc_zero(&s->alloc, sizeof(*c));

	if (!c)
		return NULL;
	c->s = s;
	c->fd = fd;
	c->peer = *peer;
	list_init(&c->at);
	list_init(&c->later);
	list_init(&c->reqs);
	buf_init(&c->left, &s->alloc);
	c->since = http_now(s);
	if (fd != -1) {
		if (uv_poll_init(s->loop, &c->poll, fd) != 0) {
			alloc_free(&s->alloc, c, sizeof(*c));
			return NULL;
		}
		c->poll.data = c;
		c->events = UV_READABLE;
		uv_poll_start(&c->poll, c->events, on_event);
	}
	list_add(&s->conns, &c->at);
	s->n_handles++;
	s->stats.open++;
	s->stats.connections++;
	http_server_sweep_on(s);
	return c;
}

static void gone(struct http_conn *c)
{
	struct http_server *s = c->s;

	alloc_free(&s->alloc, c, sizeof(*c));
	http_server_unref(s);
}

static void on_closed(uv_handle_t *h)
{
	gone(h->data);
}

static void take_down(struct http_conn *c)
{
	struct http_server *s = c->s;

	c->freed = true;
	c->busy++;
	c->cur = NULL;
	http2_free(c);
	while (!list_empty(&c->reqs))
		http_req_lost(container_of(c->reqs.next, struct http_req, at));
	http_out_free(&c->out, s);
	http_out_free(&c->wire, s);
	buf_free(&c->left);
	SSL_free(c->ssl);
	c->ssl = NULL;
	list_del(&c->at);
	list_del(&c->later);
	if (c->addr)
		http_addr_drop(s, c->addr);
	s->stats.open--;
	if (c->fd == -1) {
		gone(c);
		return;
	}
	uv_close((uv_handle_t *)&c->poll, on_closed);
	close(c->fd);
}

void http_conn_lose(struct http_conn *c)
{
	c->lost = true;
	http_conn_later(c);
}

/* The first bytes tell HTTP/2 with prior knowledge (RFC 9113 §3.4) from HTTP/1.1. */
static void choose(struct http_conn *c, const uint8_t *p, size_t n)
{
	struct buf had = c->left;

	buf_bytes(&had, p, n);
	buf_init(&c->left, &c->s->alloc);
	if (had.failed) {
		buf_free(&had);
		http_conn_lose(c);
		return;
	}
	if (!http2_is_preface(had.p, had.n)) {
		c->proto = HTTP_PROTO_1;
		http1_init(c);
		http1_input(c, had.p, had.n);
	} else if (had.n < HTTP2_PREFACE_BYTES) {
		c->left = had;
		return;
	} else if (http2_init(c)) {
		http2_input(c, had.p, had.n);
	}
	buf_free(&had);
}

void http_conn_input(struct http_conn *c, const uint8_t *p, size_t n)
{
	if (c->no_more || c->lost)
		return;
	if (c->proto == HTTP_PROTO_NEW && !c->left.n && !http2_is_preface(p, n)) {
		c->proto = HTTP_PROTO_1;
		http1_init(c);
	}
	if (c->proto == HTTP_PROTO_1)
		http1_input(c, p, n);
	else if (c->proto == HTTP_PROTO_2)
		http2_input(c, p, n);
	else
		choose(c, p, n);
}

static bool wants_input(const struct http_conn *c)
{
	if (c->eof)
		return false;
	if (c->linger || c->no_more)
		return true;
	/* HTTP/1.1 holds one read back at most; a peer that does not take its answers may ask no
	 * more. */
	return !(c->proto == HTTP_PROTO_1 && c->left.n > 0) && !http_conn_full(c);
}

static void read_some(struct http_conn *c)
{
	struct http_server *s = c->s;
	ssize_t n;
	int i;

	for (i = 0; i < READS && wants_input(c) && !c->lost; i++) {
		n = recv(c->fd, s->in, sizeof(s->in), 0);
		if (n == 0) {
			c->eof = true;
			return;
		}
		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				c->lost = true;
			return;
		}
		s->stats.bytes_in += (uint64_t)n;
		if (c->ssl)
			http_tls_input(c, s->in, (size_t)n);
		else
			http_conn_input(c, s->in, (size_t)n);
		if ((size_t)n < sizeof(s->in))
			return;
	}
}

static bool out_empty(const struct http_conn *c)
{
	return http_out_empty(&c->out) && http_out_empty(&c->wire);
}

static void flush(struct http_conn *c)
{
	struct http_server *s = c->s;
	uint64_t moved = 0;
	int rc;

	if (c->fd == -1) {
		http_out_free(&c->out, s);
		return;
	}
	do {
		if (c->ssl)
			http_tls_output(c);
		rc = http_out_send(c->ssl ? &c->wire : &c->out, s, c->fd, &moved);
	} while (rc == 1 && c->ssl && !c->lost && !c->handshake && !http_out_empty(&c->out));
	if (rc < 0 || c->out.failed || c->wire.failed)
		c->lost = true;
	s->stats.bytes_out += moved;
	if (moved > 0)
		c->wrote = http_now(s);
}

static void tell_drained(struct http_conn *c)
{
	struct http_req *r = c->cur;

	if (c->proto == HTTP_PROTO_2) {
		http2_tell_drained(c);
		return;
	}
	if (!r || !r->full || r->done ||
	    c->out.bytes + c->wire.bytes > c->s->limits.queued_bytes / 2)
		return;
	r->full = false;
	if (r->watch.drained) {
		c->busy++;
		r->watch.drained(r);
		c->busy--;
		c->again = true;
	}
}

/* The peer has ended its side. Who still waits for an answer to what he sent has gone: one cannot
 * tell a peer that only shut down its sending side from one that closed, and rooms must learn when
 * nobody listens any more. */
static void at_eof(struct http_conn *c)
{
	if (c->linger || c->proto != HTTP_PROTO_1 || c->in_head) {
		c->lost = true;
		return;
	}
	if (c->left.n > 0)
		return;
	if (c->cur && !c->cur->done)
		c->lost = true;
	else
		c->no_more = true;
}

/* All answers are out. Closing at once could reset the connection and take the last answer from the
 * peer (RFC 9112 §9.6): shut down, and wait a little for its end. */
static void end_output(struct http_conn *c)
{
	if (c->eof || c->fd == -1) {
		c->lost = true;
		return;
	}
	if (c->linger)
		return;
	c->linger = true;
	c->since = http_now(c->s);
	if (c->ssl)
		http_tls_shutdown(c);
	shutdown(c->fd, SHUT_WR);
}

static void wait_for(struct http_conn *c)
{
	int events = 0;

	if (c->fd == -1)
		return;
	if (wants_input(c))
		events |= UV_READABLE;
	else if (!c->eof && !c->half)
		events |= UV_DISCONNECT;
	if (!out_empty(c))
		events |= UV_WRITABLE;
	if (events == c->events)
		return;
	c->events = events;
	if (events != 0)
		uv_poll_start(&c->poll, events, on_event);
	else
		uv_poll_stop(&c->poll);
}

void http_conn_settle(struct http_conn *c)
{
	bool waited = !out_empty(c) && (c->events & UV_WRITABLE);

	if (c->busy > 0)
		return;
	c->again = false;
	if (c->eof && !c->lost)
		at_eof(c);
	if (!c->lost && c->proto == HTTP_PROTO_2)
		http2_output(c);
	if (!c->lost && !out_empty(c)) {
		if (!waited)
			c->wrote = http_now(c->s);
		flush(c);
	}
	if (!c->lost)
		tell_drained(c);
	if (!c->lost && c->no_more && out_empty(c))
		end_output(c);
	if (c->lost) {
		take_down(c);
		return;
	}
	if (c->proto == HTTP_PROTO_1 && c->left.n > 0 && !c->cur && !http_conn_full(c))
		c->again = true;
	if (c->proto == HTTP_PROTO_2 && out_empty(c) && http2_wants_output(c))
		c->again = true;
	if (c->again)
		http_conn_later(c);
	wait_for(c);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
	struct http_conn *c = poll->data;

	c->busy++;
	if (status < 0)
		c->lost = true;
	else if (events & UV_READABLE)
		read_some(c);
	else if (events & UV_DISCONNECT)
		http_conn_hung_up(c);
	c->busy--;
	http_conn_settle(c);
}

/* While nothing is read: the peer has shut down or is gone. What it sent before stays to be read.
 */
void http_conn_hung_up(struct http_conn *c)
{
	int err = 0;
	socklen_t n = sizeof(err);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &n) == 0 && err != 0)
		c->lost = true;
	else if (c->cur && c->cur->raw)
		c->lost = true;
	else
		c->half = true;
}

void http_conn_later(struct http_conn *c)
{
	if (c->busy > 0 || c->freed || !list_empty(&c->later))
		return;
	list_add(&c->s->later, &c->later);
	if (!uv_is_active((uv_handle_t *)&c->s->idle))
		uv_idle_start(&c->s->idle, http_on_idle);
}

void http_on_idle(uv_idle_t *idle)
{
	struct http_server *s = idle->data;
	struct list now;

	/* What comes back while these run has its turn in the next round. */
	list_init(&now);
	while (!list_empty(&s->later)) {
		struct list *it = s->later.next;

		list_del(it);
		list_add(&now, it);
	}
	while (!list_empty(&now)) {
		struct http_conn *c = container_of(now.next, struct http_conn, later);

		list_del(&c->later);
		c->busy++;
		if (!c->lost && c->proto == HTTP_PROTO_1)
			http1_advance(c);
		else if (!c->lost && c->proto == HTTP_PROTO_2)
			http2_advance(c);
		c->busy--;
		http_conn_settle(c);
	}
	if (list_empty(&s->later))
		uv_idle_stop(&s->idle);
}

void http_conn_sweep(struct http_conn *c, uint64_t now)
{
	const struct http_limits *l = &c->s->limits;

	c->busy++;
	if (c->linger) {
		c->lost = now - c->since > HTTP_LINGER_MS;
	} else if (!out_empty(c) && now - c->wrote > l->write_ms) {
		c->s->stats.timeouts++;
		c->lost = true;
	} else if (c->handshake || c->proto == HTTP_PROTO_NEW) {
		if (now - c->since > l->head_ms) {
			c->s->stats.timeouts++;
			c->lost = true;
		}
	} else if (c->proto == HTTP_PROTO_1 && !c->no_more) {
		http1_sweep(c, now);
	} else if (c->proto == HTTP_PROTO_2) {
		http2_sweep(c, now);
	}
	c->busy--;
	http_conn_settle(c);
}

void http_conn_drain(struct http_conn *c)
{
	if (c->proto == HTTP_PROTO_2)
		http2_drain(c);
	else if (c->proto == HTTP_PROTO_NEW || http1_idle(c))
		c->lost = true;
	else
		c->last = true;
	http_conn_later(c);
}
