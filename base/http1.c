/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP/1.1 requests (RFC 9112), parsed by llhttp straight from the read buffer. Requests of a
 * connection are handled one after another: the parser stops at the end of each, and what came
 * behind it waits until the answer is made. So answers are in order, and what a peer can make us
 * hold is one request and one read. */
#include "base/http_priv.h"

#include <strings.h>

/* Bytes of all trailers and chunk extensions of a request. */
#define EXTRA_BYTES 16384

static struct http_conn *conn(llhttp_t *p)
{
	return p->data;
}

static int fail(struct http_conn *c, unsigned status)
{
	c->error = status;
	return HPE_USER;
}

static int on_begin(llhttp_t *p)
{
	struct http_conn *c = conn(p);

	c->cur = http_req_new(c);
	if (!c->cur)
		return fail(c, 503);
	list_add(&c->reqs, &c->cur->at);
	c->used = true;
	return 0;
}

static int grow(struct http_conn *c, const char *at, size_t n, unsigned status)
{
	struct http_req *r = c->cur;

	if (r->head.n + n + 1 > c->s->limits.head_bytes)
		return fail(c, status);
	buf_bytes(&r->head, at, n);
	return r->head.failed ? fail(c, 503) : 0;
}

static uint64_t place(const struct http_conn *c, const char *at)
{
	return c->base_at + (uint64_t)((const uint8_t *)at - c->base);
}

static int on_method(llhttp_t *p, const char *at, size_t n)
{
	struct http_conn *c = conn(p);

	c->line_at = place(c, at) + n + 1;
	return grow(c, at, n, 431);
}

static int on_method_end(llhttp_t *p)
{
	struct http_req *r = conn(p)->cur;

	r->method_n = (uint32_t)r->head.n;
	r->is_head = r->method_n == 4 && memcmp(r->head.p, "HEAD", 4) == 0;
	buf_u8(&r->head, 0);
	r->target = (uint32_t)r->head.n;
	return 0;
}

static int on_url(llhttp_t *p, const char *at, size_t n)
{
	struct http_conn *c = conn(p);

	/* One space before each part, no more: llhttp would pass over them. */
	if (c->cur->head.n == c->cur->target && place(c, at) != c->line_at)
		return fail(c, 400);
	c->line_at = place(c, at) + n + strlen(" HTTP/");
	if (c->cur->head.n - c->cur->target + n > c->s->limits.target_bytes)
		return fail(c, 414);
	return grow(c, at, n, 414);
}

static int on_url_end(llhttp_t *p)
{
	struct http_req *r = conn(p)->cur;

	r->target_n = (uint32_t)r->head.n - r->target;
	buf_u8(&r->head, 0);
	return 0;
}

static int on_version(llhttp_t *p, const char *at, size_t n)
{
	struct http_conn *c = conn(p);

	if (!c->in_version && place(c, at) != c->line_at)
		return fail(c, 400);
	c->in_version = true;
	return 0;
}

static int on_version_end(llhttp_t *p)
{
	conn(p)->in_version = false;
	return 0;
}

/* Trailers are read and dropped. */
static int drop(struct http_conn *c, size_t n)
{
	c->cur->extra += n;
	return c->cur->extra > EXTRA_BYTES ? fail(c, 431) : 0;
}

static int on_field(llhttp_t *p, const char *at, size_t n)
{
	struct http_conn *c = conn(p);
	struct http_req *r = c->cur;
	size_t from = r->head.n;
	struct http_span *f;
	size_t i;

	if (r->head_done)
		return drop(c, n);
	if (r->n_fields == HTTP_FIELDS)
		return fail(c, 431);
	f = &r->field[r->n_fields];
	if (!c->in_name) {
		c->in_name = true;
		f->name = (uint32_t)from;
	}
	if (grow(c, at, n, 431) != 0)
		return HPE_USER;
	for (i = from; i < r->head.n; i++)
		if (r->head.p[i] >= 'A' && r->head.p[i] <= 'Z')
			r->head.p[i] |= 32;
	return 0;
}

static int on_field_end(llhttp_t *p)
{
	struct http_conn *c = conn(p);
	struct http_req *r = c->cur;
	struct http_span *f = &r->field[r->n_fields];

	if (r->head_done)
		return 0;
	c->in_name = false;
	f->name_n = (uint32_t)r->head.n - f->name;
	buf_u8(&r->head, 0);
	f->value = (uint32_t)r->head.n;
	return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t n)
{
	struct http_conn *c = conn(p);

	return c->cur->head_done ? drop(c, n) : grow(c, at, n, 431);
}

static int on_value_end(llhttp_t *p)
{
	struct http_req *r = conn(p)->cur;
	struct http_span *f = &r->field[r->n_fields];
	const uint8_t *t;

	if (r->head_done)
		return 0;
	t = r->head.p;
	while (r->head.n > f->value && (t[r->head.n - 1] == ' ' || t[r->head.n - 1] == '\t'))
		r->head.n--;
	f->value_n = (uint32_t)r->head.n - f->value;
	buf_u8(&r->head, 0);
	r->n_fields++;
	return r->head.failed ? fail(conn(p), 503) : 0;
}

/* The fields that mean something to the connection. 0, or the status to refuse the request with. */
static unsigned check_fields(struct http_req *r)
{
	unsigned hosts = 0;
	unsigned i;

	for (i = 0; i < r->n_fields; i++) {
		const struct http_span *f = &r->field[i];
		const char *name = (const char *)r->head.p + f->name;
		const char *value = (const char *)r->head.p + f->value;

		if (f->name_n == 4 && memcmp(name, "host", 4) == 0) {
			if (++hosts > 1 || !http_host_ok(value))
				return 400;
			/* An absolute target's authority goes before (RFC 9112 §3.2.2). */
			if (!r->authority)
				r->authority = f->value;
		} else if (f->name_n == 6 && memcmp(name, "expect", 6) == 0) {
			if (strcasecmp(value, "100-continue") != 0)
				return 417;
			r->expect = r->version >= 11;
		} else if (f->name_n == 17 && memcmp(name, "transfer-encoding", 17) == 0) {
			/* The one coding that is built in (RFC 9112 §6.1). */
			if (r->version < 11)
				return 400;
			if (strcasecmp(value, "chunked") != 0)
				return 501;
		}
	}
	return hosts == 0 && r->version >= 11 ? 400 : 0;
}

static unsigned check_head(struct http_conn *c, struct http_req *r, llhttp_t *p)
{
	unsigned status;

	r->version = p->http_major * 10u + p->http_minor;
	if (p->http_major != 1 || r->version > 11)
		return 505;
	if (p->method == HTTP_CONNECT || p->method == HTTP_PRI)
		return 501;
	status = http_req_target(r);
	if (status == 0)
		status = check_fields(r);
	if (status != 0)
		return status;
	if (p->flags & F_CHUNKED)
		r->body_n = HTTP_NO_LENGTH;
	else if (p->flags & F_CONTENT_LENGTH)
		r->body_n = p->content_length;
	r->upgrade = p->upgrade && r->version == 11 && r->body_n == 0;
	p->upgrade = 0;
	if (r->version == 10 ? !(p->flags & F_CONNECTION_KEEP_ALIVE)
			     : p->flags & F_CONNECTION_CLOSE)
		c->last = true;
	if (r->body_n == 0)
		r->expect = false;
	return 0;
}

/* Before the first byte of a body: its limit, and the word that the peer waits for. */
static int open_body(struct http_conn *c, struct http_req *r)
{
	if (r->body_n != HTTP_NO_LENGTH && r->body_n > r->body_limit)
		return fail(c, 413);
	if (r->expect && r->done) {
		/* The peer may send it or not (RFC 9110 §10.1.1): the next request could not be
		 * told from it. */
		c->no_more = true;
	} else if (r->expect) {
		http_out_text(&c->out, c->s, "HTTP/1.1 100 Continue\r\n\r\n");
	}
	r->expect = false;
	return 0;
}

static int on_head(llhttp_t *p)
{
	struct http_conn *c = conn(p);
	struct http_req *r = c->cur;
	unsigned status = check_head(c, r, p);

	if (status != 0)
		return fail(c, status);
	r->head_done = true;
	c->in_head = false;
	c->head_seen = 0;
	c->s->stats.requests++;
	r->progress = http_now(c->s);
	r->told = true;
	if (r->body_n == 0)
		r->body_done = true;
	c->s->config.request(c->s->config.ctx, r);
	if (r->aborted || c->lost)
		return HPE_PAUSED;
	if (r->body_n == 0)
		return 0;
	if (!http_req_wanted(r))
		return HPE_PAUSED;
	if (open_body(c, r) != 0)
		return HPE_USER;
	return c->no_more ? HPE_PAUSED : 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
	struct http_conn *c = conn(p);
	struct http_req *r = c->cur;
	struct slice piece = slice_of(at, n);

	r->body_seen += n;
	r->progress = http_now(c->s);
	if (r->body_seen > r->body_limit)
		return fail(c, 413);
	if (r->done)
		return 0;
	if (r->data) {
		r->data(r, piece);
		c->stopped = r->paused || r->aborted;
		return c->stopped ? HPE_PAUSED : 0;
	}
	if (n == r->body_n) {
		r->direct = piece;
		return 0;
	}
	if (r->body.n == 0 && r->body_n != HTTP_NO_LENGTH && r->body_n <= 65536 &&
	    buf_add(&r->body, (size_t)r->body_n))
		r->body.n = 0;
	buf_bytes(&r->body, at, n);
	return r->body.failed ? fail(c, 503) : 0;
}

static int on_complete(llhttp_t *p)
{
	struct http_req *r = conn(p)->cur;

	r->body_done = true;
	http_req_body_end(r);
	/* It pointed into the read buffer. */
	if (r->direct.p && !r->ended && !r->done)
		buf_bytes(&r->body, r->direct.p, r->direct.n);
	r->direct = (struct slice){0};
	return HPE_PAUSED;
}

static int on_chunk_ext(llhttp_t *p, const char *at, size_t n)
{
	return drop(conn(p), n);
}

static const llhttp_settings_t settings = {
	.on_message_begin = on_begin,
	.on_method = on_method,
	.on_method_complete = on_method_end,
	.on_url = on_url,
	.on_url_complete = on_url_end,
	.on_version = on_version,
	.on_version_complete = on_version_end,
	.on_header_field = on_field,
	.on_header_field_complete = on_field_end,
	.on_header_value = on_value,
	.on_header_value_complete = on_value_end,
	.on_headers_complete = on_head,
	.on_body = on_body,
	.on_message_complete = on_complete,
	.on_chunk_extension_name = on_chunk_ext,
	.on_chunk_extension_value = on_chunk_ext,
};

void http1_init(struct http_conn *c)
{
	llhttp_init(&c->parser, HTTP_REQUEST, &settings);
	c->parser.data = c;
}

static unsigned status_of(const struct http_conn *c, llhttp_errno_t e)
{
	if (c->error)
		return c->error;
	switch (e) {
	case HPE_INVALID_METHOD:
		return 501;
	case HPE_INVALID_VERSION:
	case HPE_PAUSED_H2_UPGRADE:
		return 505;
	default:
		return 400;
	}
}

void http1_finish(struct http_conn *c)
{
	http_req_free(c->cur);
	c->cur = NULL;
	c->in_head = false;
	c->head_seen = 0;
	c->since = http_now(c->s);
	if (c->last)
		c->no_more = true;
}

/* Ends the request where both sides are done with it. False: nothing can be read now. */
static bool ready(struct http_conn *c)
{
	struct http_req *r = c->cur;

	if (c->lost || c->no_more)
		return false;
	if (!r)
		return !http_conn_full(c);
	if (!r->head_done)
		return true;
	if (r->aborted) {
		http_conn_lose(c);
		return false;
	}
	if (r->raw)
		return !r->done && !r->paused;
	if (!r->body_done) {
		if (!http_req_wanted(r))
			return false;
		if (r->body_seen == 0 && open_body(c, r) != 0) {
			http1_refuse(c, c->error);
			return false;
		}
		return !c->no_more;
	}
	http_req_body_end(r);
	if (!r->done)
		return false;
	http1_finish(c);
	return !c->no_more && !http_conn_full(c);
}

/* Bytes of a head that were used, whether they were kept or not (empty lines, spaces). */
static bool count_head(struct http_conn *c, size_t n)
{
	if (c->cur && c->cur->head_done)
		return true;
	if (!c->in_head) {
		c->in_head = true;
		c->since = http_now(c->s);
	}
	c->head_seen += (uint32_t)n;
	return c->head_seen <= c->s->limits.head_bytes;
}

static size_t parse(struct http_conn *c, const uint8_t *p, size_t n)
{
	llhttp_errno_t e;
	size_t used = 0;
	size_t m;

	/* Stopped at its last byte, a body has its end still before it. */
	while (ready(c) && (used < n || c->stopped)) {
		if (c->cur && c->cur->raw) {
			c->cur->data(c->cur, slice_of(p + used, n - used));
			used = n;
			continue;
		}
		c->base = p + used;
		c->stopped = false;
		e = llhttp_execute(&c->parser, (const char *)p + used, n - used);
		m = n - used;
		if (e == HPE_PAUSED) {
			m = (size_t)(llhttp_get_error_pos(&c->parser) - (const char *)p) - used;
			llhttp_resume(&c->parser);
		} else if (e != HPE_OK) {
			http1_refuse(c, status_of(c, e));
			return n;
		}
		used += m;
		c->base_at += m;
		if (!count_head(c, m)) {
			http1_refuse(c, 431);
			return n;
		}
	}
	return c->lost || c->no_more ? n : used;
}

void http1_input(struct http_conn *c, const uint8_t *p, size_t n)
{
	size_t used;

	if (c->left.n > 0) {
		buf_bytes(&c->left, p, n);
		http1_advance(c);
		return;
	}
	used = parse(c, p, n);
	if (used < n)
		buf_bytes(&c->left, p + used, n - used);
	if (c->left.failed)
		http_conn_lose(c);
}

void http1_advance(struct http_conn *c)
{
	size_t used;

	if (c->left.failed) {
		http_conn_lose(c);
		return;
	}
	used = parse(c, c->left.p ? c->left.p : (const uint8_t *)"", c->left.n);
	if (used == c->left.n)
		buf_free(&c->left);
	else
		buf_drop(&c->left, used);
}

bool http1_idle(const struct http_conn *c)
{
	return !c->cur && !c->in_head && c->left.n == 0;
}

/* The request that is under way when the connection ends with an error of our own. */
static void give_up(struct http_conn *c)
{
	struct http_req *r = c->cur;

	c->cur = NULL;
	if (r)
		http_req_lost(r);
}

void http1_refuse(struct http_conn *c, unsigned status)
{
	struct http_req *r = c->cur;
	bool started = r && r->started;

	c->no_more = true;
	c->last = true;
	if (started && !r->done) {
		http_conn_lose(c);
		return;
	}
	if (!started)
		http1_error(c, status);
	give_up(c);
}

void http1_sweep(struct http_conn *c, uint64_t now)
{
	const struct http_limits *l = &c->s->limits;
	struct http_req *r = c->cur;
	bool head = c->in_head || (r && !r->head_done);

	if (head || !c->used) {
		if (now - c->since <= l->head_ms)
			return;
		c->s->stats.timeouts++;
		if (head)
			http1_refuse(c, 408);
		else
			http_conn_lose(c);
	} else if (!r) {
		if (now - c->since > l->idle_ms && c->left.n == 0)
			http_conn_lose(c);
	} else if (!r->body_done && http_req_wanted(r) && now - r->progress > l->body_ms) {
		c->s->stats.timeouts++;
		http1_refuse(c, 408);
	}
}
