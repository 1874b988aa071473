/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests: their head as one piece of text, who waits for what of them, and what becomes of them
 * at their end. */
#include "base/http_priv.h"

#include <strings.h>

#define POOL 64
#define KEEP_HEAD 8192
#define KEEP_BODY 65536

struct http_req *http_req_new(struct http_conn *c)
{
	struct http_server *s = c->s;
	struct http_req *r;
	struct buf head;
	struct buf body;

	if (!list_empty(&s->free_reqs)) {
		r = container_of(s->free_reqs.next, struct http_req, at);
		list_del(&r->at);
		s->n_free_reqs--;
		head = r->head;
		body = r->body;
		buf_clear(&head);
		buf_clear(&body);
	} else {
		r = alloc_resize(&s->alloc, NULL, 0, sizeof(*r));
		if (!r)
			return NULL;
		buf_init(&head, &s->alloc);
		buf_init(&body, &s->alloc);
	}
	/* All but the spans, which n_fields says are there. */
	memset(r, 0, offsetof(struct http_req, field));
	memset((char *)r + offsetof(struct http_req, body), 0,
	       sizeof(*r) - offsetof(struct http_req, body));
	r->head = head;
	r->body = body;
	list_init(&r->at);
	r->s = s;
	r->c = c;
	r->body_limit = s->limits.body_bytes;
	s->stats.active++;
	return r;
}

void http_req_free(struct http_req *r)
{
	struct http_server *s = r->s;

	list_del(&r->at);
	s->stats.active--;
	http_out_free(&r->out, s);
	if (s->n_free_reqs >= POOL) {
		buf_free(&r->head);
		buf_free(&r->body);
		alloc_free(&s->alloc, r, sizeof(*r));
		return;
	}
	if (r->head.cap > KEEP_HEAD)
		buf_free(&r->head);
	if (r->body.cap > KEEP_BODY)
		buf_free(&r->body);
	list_add(&s->free_reqs, &r->at);
	s->n_free_reqs++;
}

void http_req_lost(struct http_req *r)
{
	struct http_server *s = r->s;
	void (*closed)(struct http_req *) = r->watch.closed;

	r->c = NULL;
	http_out_free(&r->out, s);
	if (r->told && !r->done && closed) {
		r->done = true;
		closed(r);
	}
	/* A room that only waits for the body never answers. */
	if (r->told && !r->done && (r->ended || r->started || !(r->whole || r->data))) {
		list_del(&r->at);
		list_add(&s->lost, &r->at);
		s->n_lost++;
		return;
	}
	http_req_free(r);
}

void http_req_body_end(struct http_req *r)
{
	if (r->ended || r->done || !r->body_done || r->paused)
		return;
	if (r->whole) {
		r->ended = true;
		r->whole(r, r->direct.p ? r->direct : buf_slice(&r->body));
	} else if (r->data) {
		r->ended = true;
		if (r->end)
			r->end(r);
	}
}

bool http_req_wanted(const struct http_req *r)
{
	return r->done || (!r->paused && (r->whole || r->data));
}

bool http_req_text(struct http_req *r, const void *p, size_t n, uint32_t *at)
{
	*at = (uint32_t)r->head.n;
	buf_bytes(&r->head, p, n);
	buf_u8(&r->head, 0);
	return !r->head.failed;
}

/* Bytes that no request target holds (RFC 3986): controls, space, '#', DEL and what is not ASCII.
 */
static bool target_ok(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((unsigned char)p[i] <= ' ' || (unsigned char)p[i] >= 127 || p[i] == '#')
			return false;
	return true;
}

/* Length of "http://authority" at the front of an absolute form (RFC 9112 §3.2.2), 0 where it is
 * none. */
static size_t absolute(const char *t, size_t *authority)
{
	*authority = strncasecmp(t, "http://", 7) == 0	  ? 7
		     : strncasecmp(t, "https://", 8) == 0 ? 8
							  : 0;
	return *authority == 0 ? 0 : *authority + strcspn(t + *authority, "/?");
}

unsigned http_req_target(struct http_req *r)
{
	char *t = (char *)r->head.p + r->target;
	bool options = r->method_n == 7 && memcmp(r->head.p + r->method, "OPTIONS", 7) == 0;
	size_t from;
	size_t skip;
	size_t n;
	bool root;

	if (r->target_n == 0 || !target_ok(t, r->target_n))
		return 400;
	/* What follows copies parts of the buffer behind itself: it must not move. */
	if (!buf_add(&r->head, 2 * (size_t)r->target_n + 8))
		return 503;
	r->head.n -= 2 * (size_t)r->target_n + 8;
	t = (char *)r->head.p + r->target;
	skip = absolute(t, &from);
	if (skip == 0 && t[0] != '/' && !(options && r->target_n == 1 && t[0] == '*'))
		return 400;
	if (skip == from && from > 0)
		return 400; /* no host */
	if (skip > 0) {
		if (!http_req_text(r, t + from, skip - from, &r->authority))
			return 503;
		if (!http_host_ok((char *)r->head.p + r->authority))
			return 400;
	}
	n = skip + strcspn(t + skip, "?");
	root = n == skip && t[n] != '*';
	if (!http_req_text(r, root ? "/" : t + skip, root ? 1 : n - skip, &r->path))
		return 503;
	if (t[n] != '?') {
		r->query = r->target + r->target_n; /* its NUL */
		return 0;
	}
	r->query = r->target + (uint32_t)n + 1;
	return 0;
}

/* ---- What rooms ask ---- */

static const char *text(const struct http_req *r, uint32_t at)
{
	return (const char *)r->head.p + at;
}

struct slice http_method(const struct http_req *r)
{
	return slice_of(r->head.p + r->method, r->method_n);
}

struct slice http_target(const struct http_req *r)
{
	return slice_of(r->head.p + r->target, r->target_n);
}

const char *http_path(const struct http_req *r)
{
	return text(r, r->path);
}

const char *http_query(const struct http_req *r)
{
	return text(r, r->query);
}

const char *http_authority(const struct http_req *r)
{
	return r->authority ? text(r, r->authority) : "";
}

unsigned http_version(const struct http_req *r)
{
	return r->version;
}

const char *http_header(const struct http_req *r, const char *name)
{
	size_t n = strlen(name);
	unsigned i;

	for (i = 0; i < r->n_fields; i++)
		if (r->field[i].name_n == n && strcasecmp(text(r, r->field[i].name), name) == 0)
			return text(r, r->field[i].value);
	return NULL;
}

void http_header_each(const struct http_req *r,
		      bool (*f)(void *ctx, const char *name, const char *value), void *ctx)
{
	unsigned i;

	for (i = 0; i < r->n_fields; i++)
		if (!f(ctx, text(r, r->field[i].name), text(r, r->field[i].value)))
			return;
}

const struct http_peer *http_peer(const struct http_req *r)
{
	static const struct http_peer nobody;

	return r->c ? &r->c->peer : &nobody;
}

SSL *http_tls(const struct http_req *r)
{
	return r->c ? r->c->ssl : NULL;
}

void http_set_ctx(struct http_req *r, void *ctx)
{
	r->ctx = ctx;
}

void *http_ctx(const struct http_req *r)
{
	return r->ctx;
}

void http_watch(struct http_req *r, struct http_watch w)
{
	r->watch = w;
}

void http_body_limit(struct http_req *r, uint64_t bytes)
{
	r->body_limit = bytes;
}

void http_body(struct http_req *r, void (*whole)(struct http_req *r, struct slice body))
{
	r->whole = whole;
	if (r->c)
		http_conn_later(r->c);
}

void http_body_stream(struct http_req *r, void (*data)(struct http_req *r, struct slice piece),
		      void (*end)(struct http_req *r))
{
	r->data = data;
	r->end = end;
	if (r->c)
		http_conn_later(r->c);
}

void http_body_pause(struct http_req *r)
{
	r->paused = true;
}

void http_body_resume(struct http_req *r)
{
	r->paused = false;
	r->progress = http_now(r->s);
	if (r->c)
		http_conn_later(r->c);
}
