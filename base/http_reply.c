/* SPDX-License-Identifier: BSD-2-Clause */
/* Responses, as rooms make them, over either protocol. */
#include "base/http_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* A file up to this size is read into the queue: one write(2) with its head, and no descriptor
 * held. */
#define SMALL_FILE 32768

static void head(struct http_req *r, unsigned status, const struct http_field *field, size_t n,
		 uint64_t length)
{
	if (r->c->proto == HTTP_PROTO_2)
		http2_head(r, status, field, n, length);
	else
		http1_head(r, status, field, n, length);
}

static void interim(struct http_req *r, unsigned status, const struct http_field *field, size_t n)
{
	if (r->c->proto == HTTP_PROTO_2)
		http2_interim(r, status, field, n);
	else
		http1_interim(r, status, field, n);
}

static void write_piece(struct http_req *r, struct slice piece)
{
	if (r->bare || piece.n == 0)
		return;
	if (r->c->proto == HTTP_PROTO_2)
		http2_write(r, piece);
	else
		http1_write(r, piece);
}

static void end(struct http_req *r)
{
	if (r->c->proto == HTTP_PROTO_2)
		http2_end(r);
	else
		http1_end(r);
}

/* The room is done with r. */
static void finish(struct http_req *r)
{
	r->done = true;
	if (r->c) {
		http_conn_later(r->c);
		return;
	}
	r->s->n_lost--;
	if (r->s->closed && r->s->n_lost == 0) {
		struct http_server *s = r->s;

		http_req_free(r);
		http_server_unref(s);
		return;
	}
	http_req_free(r);
}

void http_reply(struct http_req *r, unsigned status, const struct http_field *field, size_t n,
		struct slice body)
{
	if (r->done)
		return;
	/* A second answer would be read as the next request's. */
	r->aborted = r->started;
	if (r->c && !r->started) {
		head(r, status, field, n, body.n);
		write_piece(r, body);
		end(r);
	}
	finish(r);
}

void http_reply_text(struct http_req *r, unsigned status, const char *text)
{
	static const struct http_field plain[] = {{"content-type", "text/plain; charset=utf-8"}};

	http_reply(r, status, plain, 1, slice_of(text, strlen(text)));
}

static void send_file(struct http_req *r, int fd, uint64_t off, uint64_t len)
{
	struct http_outq *q = r->c->proto == HTTP_PROTO_2 ? &r->out : &r->c->out;
	uint8_t piece[SMALL_FILE];
	ssize_t m;

	r->left = 0;
	if (len > SMALL_FILE) {
		http_out_file(q, r->s, fd, off, len);
		return;
	}
	m = pread(fd, piece, (size_t)len, (off_t)off);
	close(fd);
	if (m != (ssize_t)len) {
		/* Its head with the length is out already. */
		r->aborted = true;
		return;
	}
	http_out_add(q, r->s, piece, (size_t)m);
}

void http_reply_file(struct http_req *r, unsigned status, const struct http_field *field, size_t n,
		     int fd, uint64_t off, uint64_t len)
{
	if (r->done || !r->c || r->started) {
		close(fd);
		if (r->done)
			return;
		r->aborted = r->started;
		finish(r);
		return;
	}
	head(r, status, field, n, len);
	if (r->bare || len == 0)
		close(fd);
	else
		send_file(r, fd, off, len);
	end(r);
	finish(r);
}

/* Content-Length of a room that streams but knows it. */
static uint64_t known_length(const struct http_field *field, size_t n)
{
	size_t i;
	char *end;
	unsigned long long v;

	for (i = 0; i < n; i++) {
		if (strcmp(field[i].name, "content-length") != 0)
			continue;
		errno = 0;
		v = strtoull(field[i].value, &end, 10);
		if (errno == 0 && *end == '\0' && end != field[i].value)
			return v;
	}
	return HTTP_NO_LENGTH;
}

void http_start(struct http_req *r, unsigned status, const struct http_field *field, size_t n)
{
	if (r->done || !r->c || r->started)
		return;
	if (status >= 100 && status < 200) {
		interim(r, status, field, n);
	} else {
		/* A room that answers while it reads: 100 cannot come after this. */
		if (r->expect && status < 300)
			interim(r, 100, NULL, 0);
		head(r, status, field, n, known_length(field, n));
	}
	http_conn_later(r->c);
}

bool http_write(struct http_req *r, struct slice piece)
{
	if (r->done || !r->c || !r->started)
		return true;
	write_piece(r, piece);
	http_conn_later(r->c);
	if (r->c->proto == HTTP_PROTO_2)
		r->full = r->out.bytes > HTTP2_STREAM_BYTES;
	else
		r->full = r->c->out.bytes + r->c->wire.bytes > r->s->limits.queued_bytes;
	return !r->full;
}

void http_end(struct http_req *r)
{
	if (r->done)
		return;
	if (r->c && !r->started)
		http1_head(r, 200, NULL, 0, 0);
	if (r->c)
		end(r);
	finish(r);
}

void http_abort(struct http_req *r)
{
	if (r->done)
		return;
	r->aborted = true;
	finish(r);
}
