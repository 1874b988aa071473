/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP/2 (RFC 9113) requests, by nghttp2. A body's window is given back as the room takes the body,
 * so what a peer can make us hold of all its streams is the connection's window. nghttp2 itself
 * ends connections that send CONTINUATION without end or make us queue acknowledgements. */
#include "base/http_priv.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#define WINDOW 262144
#define CONN_WINDOW 1048576
/* Frames are made ahead of the socket up to this. */
#define AHEAD 131072
/* Streams that a peer may reset in a second (CVE-2023-44487). */
#define RESETS 500

bool http2_is_preface(const uint8_t *p, size_t n)
{
	return n == 0 || memcmp(p, NGHTTP2_CLIENT_MAGIC,
				n < HTTP2_PREFACE_BYTES ? n : HTTP2_PREFACE_BYTES) == 0;
}

static struct http_req *req_of(nghttp2_session *h2, int32_t stream)
{
	return nghttp2_session_get_stream_user_data(h2, stream);
}

/* The request and its stream part: the room is told where it must be. */
static void part(struct http_req *r)
{
	struct http_conn *c = r->c;

	nghttp2_session_consume_connection(c->h2, r->owed);
	r->owed = 0;
	nghttp2_session_set_stream_user_data(c->h2, r->stream, NULL);
	if (c->reading == r)
		c->reading = NULL;
	c->n_reqs--;
	c->since = http_now(c->s);
	http_req_lost(r);
}

static void reset(struct http_req *r, uint32_t why)
{
	nghttp2_submit_rst_stream(r->c->h2, NGHTTP2_FLAG_NONE, r->stream, why);
	part(r);
}

/* An answer of our own: its status alone. */
static void refuse(struct http_req *r, unsigned status)
{
	if (r->started) {
		reset(r, NGHTTP2_INTERNAL_ERROR);
		return;
	}
	r->is_head = true; /* no body */
	http2_head(r, status, NULL, 0, HTTP_NO_LENGTH);
	part(r);
}

static int on_begin(nghttp2_session *h2, const nghttp2_frame *f, void *ctx)
{
	struct http_conn *c = ctx;
	struct http_req *r;

	if (f->hd.type != NGHTTP2_HEADERS || f->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	r = http_req_new(c);
	if (!r)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	r->stream = f->hd.stream_id;
	r->version = 20;
	r->body_n = HTTP_NO_LENGTH;
	list_add(&c->reqs, &r->at);
	c->n_reqs++;
	c->used = true;
	c->reading = r;
	c->since = http_now(c->s);
	nghttp2_session_set_stream_user_data(h2, r->stream, r);
	return 0;
}

static bool is(const uint8_t *p, size_t n, const char *name)
{
	return n == strlen(name) && memcmp(p, name, n) == 0;
}

static bool pseudo(struct http_req *r, const uint8_t *name, size_t name_n, const uint8_t *value,
		   size_t n)
{
	if (is(name, name_n, ":method")) {
		r->method_n = (uint32_t)n;
		r->is_head = is(value, n, "HEAD");
		r->is_connect = is(value, n, "CONNECT");
		return http_req_text(r, value, n, &r->method);
	}
	if (is(name, name_n, ":path")) {
		if (n > r->s->limits.target_bytes)
			r->bad = 414;
		r->target_n = (uint32_t)n;
		return http_req_text(r, value, n, &r->target);
	}
	if (is(name, name_n, ":authority"))
		return http_req_text(r, value, n, &r->authority);
	return true;
}

static int on_header(nghttp2_session *h2, const nghttp2_frame *f, const uint8_t *name,
		     size_t name_n, const uint8_t *value, size_t n, uint8_t flags, void *ctx)
{
	struct http_conn *c = ctx;
	struct http_req *r = req_of(h2, f->hd.stream_id);
	struct http_span *s;
	bool ok;

	if (!r || r->head_done || r != c->reading)
		return 0;
	r->list_bytes += (uint32_t)(name_n + n + 32);
	if (r->list_bytes > c->s->limits.head_bytes || r->n_fields == HTTP_FIELDS) {
		/* Not kept; what is far beyond is not even read on. */
		r->bad = 431;
		return r->list_bytes > 4 * c->s->limits.head_bytes
			       ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
			       : 0;
	}
	/* Nothing is at 0, so that 0 says "none". */
	if (r->head.n == 0)
		buf_u8(&r->head, 0);
	if (name_n > 0 && name[0] == ':') {
		ok = pseudo(r, name, name_n, value, n);
	} else {
		s = &r->field[r->n_fields];
		s->name_n = (uint32_t)name_n;
		s->value_n = (uint32_t)n;
		ok = http_req_text(r, name, name_n, &s->name) &&
		     http_req_text(r, value, n, &s->value);
		r->n_fields += ok;
	}
	return ok ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* Cookie may come in pieces, which are one field for those who read it (RFC 9113 §8.2.3). */
static bool join_cookies(struct http_req *r)
{
	struct http_span *first = NULL;
	struct buf *b = &r->head;
	uint32_t at = (uint32_t)b->n;
	unsigned kept = 0;
	unsigned i;

	for (i = 0; i < r->n_fields; i++) {
		struct http_span *f = &r->field[i];

		if (f->name_n != 6 || memcmp(b->p + f->name, "cookie", 6) != 0) {
			r->field[kept++] = *f;
			continue;
		}
		/* The buffer must not move while a part of it is copied. */
		if (!buf_add(b, f->value_n + 3u))
			return false;
		b->n -= f->value_n + 3u;
		if (first)
			buf_bytes(b, "; ", 2);
		buf_bytes(b, b->p + f->value, f->value_n);
		if (!first) {
			first = &r->field[kept];
			r->field[kept++] = *f;
		}
	}
	r->n_fields = kept;
	if (!first)
		return true;
	first->value = at;
	first->value_n = (uint32_t)b->n - at;
	buf_u8(b, 0);
	return !b->failed;
}

/* 0, or the status to refuse it with. nghttp2 has seen to what RFC 9113 §8 asks of fields. */
static unsigned check_head(struct http_req *r)
{
	const char *value;
	unsigned status;
	unsigned i;

	if (r->bad)
		return r->bad;
	if (r->is_connect)
		return 501;
	status = http_req_target(r);
	if (status == 0 && !join_cookies(r))
		status = 503;
	for (i = 0; i < r->n_fields && status == 0; i++) {
		const struct http_span *f = &r->field[i];

		value = (const char *)r->head.p + f->value;
		if (is(r->head.p + f->name, f->name_n, "host") && !r->authority) {
			r->authority = f->value;
		} else if (is(r->head.p + f->name, f->name_n, "content-length") && !r->body_done) {
			r->body_n = strtoull(value, NULL, 10);
		} else if (is(r->head.p + f->name, f->name_n, "expect")) {
			r->expect = !r->body_done;
			if (strcmp(value, "100-continue") != 0)
				status = 417;
		}
	}
	if (status == 0 && !http_host_ok(http_authority(r)))
		status = 400;
	return status;
}

/* The body goes on as the room has asked: hands over what is held, and its end. */
static void serve(struct http_req *r)
{
	struct http_conn *c = r->c;
	struct slice held;

	if (r->aborted) {
		reset(r, NGHTTP2_INTERNAL_ERROR);
		return;
	}
	if (!r->told || !http_req_wanted(r))
		return;
	if (!r->done && (r->body_seen > r->body_limit ||
			 (r->body_n != HTTP_NO_LENGTH && r->body_n > r->body_limit))) {
		refuse(r, 413);
		return;
	}
	if (r->expect && !r->done && !r->started && r->body_seen == 0)
		http2_interim(r, 100, NULL, 0);
	r->expect = false;
	if (r->owed > 0) {
		nghttp2_session_consume(c->h2, r->stream, r->owed);
		r->owed = 0;
		held = buf_slice(&r->body);
		if (r->data && !r->done && held.n > 0)
			r->data(r, held);
		if (!r->whole)
			buf_free(&r->body);
	}
	http_req_body_end(r);
	if (r->aborted)
		reset(r, NGHTTP2_INTERNAL_ERROR);
}

static void on_head(struct http_conn *c, struct http_req *r, bool end)
{
	unsigned status;

	c->reading = NULL;
	if (end) {
		r->body_done = true;
		r->body_n = 0;
	}
	status = check_head(r);
	r->head_done = true;
	if (status != 0) {
		refuse(r, status);
		return;
	}
	c->s->stats.requests++;
	r->progress = http_now(c->s);
	r->told = true;
	c->s->config.request(c->s->config.ctx, r);
	serve(r);
}

/* nghttp2 limits this as well, but by a GOAWAY behind all that was read. */
static int count_reset(struct http_conn *c)
{
	uint64_t now = http_now(c->s);

	if (now - c->resets_at > 1000) {
		c->resets_at = now;
		c->resets = 0;
	}
	return ++c->resets > RESETS ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *f, void *ctx)
{
	struct http_conn *c = ctx;
	struct http_req *r;
	bool end = f->hd.flags & NGHTTP2_FLAG_END_STREAM;

	if (f->hd.type == NGHTTP2_RST_STREAM)
		return count_reset(c);
	if (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA)
		return 0;
	r = req_of(h2, f->hd.stream_id);
	if (!r)
		return 0;
	if (f->hd.type == NGHTTP2_HEADERS && f->headers.cat == NGHTTP2_HCAT_REQUEST) {
		on_head(c, r, end);
	} else if (end) {
		r->body_done = true;
		serve(r);
	}
	return 0;
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t stream, const uint8_t *p, size_t n,
		   void *ctx)
{
	struct http_conn *c = ctx;
	struct http_req *r = req_of(h2, stream);

	if (!r) {
		nghttp2_session_consume(h2, stream, n);
		return 0;
	}
	r->body_seen += n;
	r->progress = http_now(c->s);
	if (r->body_seen > r->body_limit && http_req_wanted(r)) {
		nghttp2_session_consume(h2, stream, n);
		refuse(r, 413);
		return 0;
	}
	if (!r->done && (r->whole || !http_req_wanted(r))) {
		buf_bytes(&r->body, p, n);
		if (r->body.failed) {
			nghttp2_session_consume(h2, stream, n);
			refuse(r, 503);
			return 0;
		}
	}
	if (!http_req_wanted(r)) {
		r->owed += n;
		return 0;
	}
	nghttp2_session_consume(h2, stream, n);
	if (r->data && !r->done)
		r->data(r, slice_of(p, n));
	if (r->aborted)
		reset(r, NGHTTP2_INTERNAL_ERROR);
	return 0;
}

static int on_close(nghttp2_session *h2, int32_t stream, uint32_t code, void *ctx)
{
	struct http_req *r = req_of(h2, stream);

	if (r)
		part(r);
	return 0;
}

/* The response is out before the request was read: no more of it, please (RFC 9113 §8.1). */
static int on_sent(nghttp2_session *h2, const nghttp2_frame *f, void *ctx)
{
	if ((f->hd.type == NGHTTP2_DATA || f->hd.type == NGHTTP2_HEADERS) &&
	    f->hd.flags & NGHTTP2_FLAG_END_STREAM &&
	    nghttp2_session_get_stream_remote_close(h2, f->hd.stream_id) == 0)
		nghttp2_submit_rst_stream(h2, NGHTTP2_FLAG_NONE, f->hd.stream_id, NGHTTP2_NO_ERROR);
	return 0;
}

static nghttp2_session_callbacks *callbacks(void)
{
	static nghttp2_session_callbacks *cb;

	if (cb || nghttp2_session_callbacks_new(&cb) != 0)
		return cb;
	nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_sent);
	return cb;
}

static nghttp2_option *options(void)
{
	static nghttp2_option *o;

	if (o || nghttp2_option_new(&o) != 0)
		return o;
	nghttp2_option_set_no_auto_window_update(o, 1);
	nghttp2_option_set_no_closed_streams(o, 1);
	nghttp2_option_set_server_fallback_rfc7540_priorities(o, 0);
	return o;
}

bool http2_init(struct http_conn *c)
{
	const struct http_limits *l = &c->s->limits;
	const nghttp2_settings_entry set[] = {
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, l->streams},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, l->head_bytes},
		{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
	};

	c->proto = HTTP_PROTO_2;
	if (!callbacks() || !options() ||
	    nghttp2_session_server_new2(&c->h2, callbacks(), c, options()) != 0 ||
	    nghttp2_submit_settings(c->h2, NGHTTP2_FLAG_NONE, set, 4) != 0 ||
	    nghttp2_session_set_local_window_size(c->h2, NGHTTP2_FLAG_NONE, 0, CONN_WINDOW) != 0) {
		http_conn_lose(c);
		return false;
	}
	c->since = http_now(c->s);
	return true;
}

void http2_free(struct http_conn *c)
{
	nghttp2_session_del(c->h2);
	c->h2 = NULL;
}

void http2_input(struct http_conn *c, const uint8_t *p, size_t n)
{
	/* A bad frame: nghttp2 has its GOAWAY ready. What is no HTTP/2 at all gets nothing. */
	if (nghttp2_session_mem_recv2(c->h2, p, n) < 0)
		http_conn_lose(c);
}

void http2_output(struct http_conn *c)
{
	const uint8_t *p;
	ssize_t n;

	while (c->out.bytes + c->wire.bytes < AHEAD) {
		n = nghttp2_session_mem_send2(c->h2, &p);
		if (n < 0)
			c->lost = true;
		if (n <= 0)
			break;
		http_out_add(&c->out, c->s, p, (size_t)n);
	}
	if (!c->lost && !nghttp2_session_want_read(c->h2) && !nghttp2_session_want_write(c->h2))
		c->no_more = true;
}

bool http2_wants_output(const struct http_conn *c)
{
	return nghttp2_session_want_write(c->h2) != 0;
}

void http2_advance(struct http_conn *c)
{
	list_each_safe (it, &c->reqs)
		serve(container_of(it, struct http_req, at));
}

void http2_tell_drained(struct http_conn *c)
{
	list_each_safe (it, &c->reqs) {
		struct http_req *r = container_of(it, struct http_req, at);

		if (!r->full || r->done || r->out.bytes > HTTP2_STREAM_BYTES / 2)
			continue;
		r->full = false;
		c->again = true;
		if (!r->watch.drained)
			continue;
		c->busy++;
		r->watch.drained(r);
		c->busy--;
	}
}

static bool late(struct http_req *r, uint64_t now)
{
	const struct http_limits *l = &r->s->limits;

	if (!r->body_done && http_req_wanted(r) && !r->done && now - r->progress > l->body_ms) {
		refuse(r, 408);
		return true;
	}
	if (!http_out_empty(&r->out) && now - r->sent > l->write_ms) {
		reset(r, NGHTTP2_CANCEL);
		return true;
	}
	return false;
}

void http2_sweep(struct http_conn *c, uint64_t now)
{
	const struct http_limits *l = &c->s->limits;

	list_each_safe (it, &c->reqs) {
		if (late(container_of(it, struct http_req, at), now))
			c->s->stats.timeouts++;
	}
	if (c->reading && now - c->since > l->head_ms) {
		c->s->stats.timeouts++;
		nghttp2_session_terminate_session(c->h2, NGHTTP2_ENHANCE_YOUR_CALM);
	} else if (c->n_reqs == 0 && now - c->since > (c->used ? l->idle_ms : l->head_ms)) {
		nghttp2_session_terminate_session(c->h2, NGHTTP2_NO_ERROR);
	}
}

void http2_drain(struct http_conn *c)
{
	nghttp2_submit_goaway(c->h2, NGHTTP2_FLAG_NONE,
			      nghttp2_session_get_last_proc_stream_id(c->h2), NGHTTP2_NO_ERROR,
			      NULL, 0);
}
