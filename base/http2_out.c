/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP/2 responses. A body waits in the request's queue until nghttp2, as flow control permits,
 * asks for it. */
#include "base/http_priv.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>

#define FIELDS 64

static nghttp2_ssize read_body(nghttp2_session *h2, int32_t stream, uint8_t *to, size_t n,
			       uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
	struct http_req *r = source->ptr;
	long m = http_out_take(&r->out, r->s, to, n);

	if (m < 0 || r->out.failed)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	if (m > 0)
		r->sent = http_now(r->s);
	if (r->done && http_out_empty(&r->out)) {
		/* Shorter than it said. */
		if (r->aborted)
			return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		return m;
	}
	if (m > 0)
		return m;
	r->deferred = true;
	return NGHTTP2_ERR_DEFERRED;
}

static nghttp2_nv nv(const char *name, const char *value)
{
	return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
			    .namelen = strlen(name),
			    .value = (uint8_t *)(uintptr_t)value,
			    .valuelen = strlen(value)};
}

static size_t fields(nghttp2_nv *to, size_t size, const struct http_field *field, size_t n)
{
	size_t out = 0;
	size_t i;

	for (i = 0; i < n && out < size; i++)
		if (!http_field_ours(field[i].name) && http_value_ok(field[i].value))
			to[out++] = nv(field[i].name, field[i].value);
	return out;
}

void http2_head(struct http_req *r, unsigned status, const struct http_field *field, size_t n,
		uint64_t length)
{
	nghttp2_data_provider2 body = {.source.ptr = r, .read_callback = read_body};
	struct http_conn *c = r->c;
	nghttp2_nv v[FIELDS];
	size_t m = 0;
	char code[12];
	char len[24];

	snprintf(code, sizeof(code), "%03u", status % 1000);
	v[m++] = nv(":status", code);
	if (c->s->name)
		v[m++] = nv("server", c->s->name);
	v[m++] = nv("date", http_server_date(c->s));
	if (length != HTTP_NO_LENGTH && status != 204 && status != 304) {
		snprintf(len, sizeof(len), "%llu", (unsigned long long)length);
		v[m++] = nv("content-length", len);
	}
	m += fields(v + m, FIELDS - m, field, n);
	r->started = true;
	r->bare = r->is_head || status == 204 || status == 304;
	r->left = length;
	r->fed = !r->bare && length != 0;
	if (nghttp2_submit_response2(c->h2, r->stream, v, m, r->fed ? &body : NULL) != 0)
		r->aborted = true;
}

void http2_interim(struct http_req *r, unsigned status, const struct http_field *field, size_t n)
{
	nghttp2_nv v[FIELDS];
	char code[12];

	if (status == 101)
		return;
	if (status == 100)
		r->expect = false;
	snprintf(code, sizeof(code), "%03u", status % 1000);
	v[0] = nv(":status", code);
	n = fields(v + 1, FIELDS - 1, field, n);
	nghttp2_submit_headers(r->c->h2, NGHTTP2_FLAG_NONE, r->stream, NULL, v, n + 1, NULL);
}

void http2_write(struct http_req *r, struct slice piece)
{
	if (!r->fed)
		return;
	if (r->left != HTTP_NO_LENGTH) {
		if (piece.n > r->left)
			piece.n = (size_t)r->left;
		r->left -= piece.n;
	}
	http_out_add(&r->out, r->s, piece.p, piece.n);
	http2_more(r);
}

void http2_more(struct http_req *r)
{
	r->sent = http_now(r->s);
	if (!r->deferred)
		return;
	r->deferred = false;
	nghttp2_session_resume_data(r->c->h2, r->stream);
}

void http2_end(struct http_req *r)
{
	if (r->fed && r->left != HTTP_NO_LENGTH && r->left > 0)
		r->aborted = true;
	/* `done` comes next, and then the reader finds the end. */
	http2_more(r);
}
