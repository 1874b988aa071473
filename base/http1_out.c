/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP/1.1 responses. Small ones are copied into the connection's queue behind those before them,
 * and leave with one write(2) at the end of the batch. */
#include "base/http_priv.h"

#include <errno.h>
#include <stdio.h>

/* Decimal digits of v before `end`; returns where they begin. */
static char *digits(char *end, uint64_t v)
{
	do {
		*--end = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	return end;
}

static void status_line(struct http_conn *c, unsigned status)
{
	char line[64] = "HTTP/1.1 ";
	const char *reason = http_reason(status);
	size_t n = strlen(reason);

	digits(line + 12, status % 1000);
	line[12] = ' ';
	memcpy(line + 13, reason, n);
	memcpy(line + 13 + n, "\r\n", 2);
	http_out_add(&c->out, c->s, line, n + 15);
}

static void one_field(struct http_conn *c, const char *name, const char *value)
{
	http_out_text(&c->out, c->s, name);
	http_out_add(&c->out, c->s, ": ", 2);
	http_out_text(&c->out, c->s, value);
	http_out_add(&c->out, c->s, "\r\n", 2);
}

static void fields(struct http_conn *c, const struct http_field *field, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!http_field_ours(field[i].name) && http_value_ok(field[i].value))
			one_field(c, field[i].name, field[i].value);
}

static void length_field(struct http_conn *c, uint64_t length)
{
	char line[48] = "content-length: ";
	char text[24];
	char *at = digits(text + 22, length);
	size_t n = (size_t)(text + 22 - at);

	memcpy(line + 16, at, n);
	memcpy(line + 16 + n, "\r\n", 2);
	http_out_add(&c->out, c->s, line, n + 18);
}

void http1_head(struct http_req *r, unsigned status, const struct http_field *field, size_t n,
		uint64_t length)
{
	struct http_conn *c = r->c;
	struct slice stock = http_stock(c->s);

	r->started = true;
	r->bare = r->is_head || status == 204 || status == 304;
	r->left = length;
	if (length == HTTP_NO_LENGTH && r->version >= 11 && !r->bare)
		r->chunked = true;
	else if (length == HTTP_NO_LENGTH && !r->bare)
		c->last = true;
	/* Nobody may ask for a body that is longer than we would read. */
	if (!r->body_done && r->body_n != HTTP_NO_LENGTH && r->body_n > r->body_limit)
		c->last = true;
	status_line(c, status);
	http_out_add(&c->out, c->s, stock.p, stock.n);
	fields(c, field, n);
	if (r->chunked)
		http_out_text(&c->out, c->s, "transfer-encoding: chunked\r\n");
	else if (length != HTTP_NO_LENGTH && status != 204 && status != 304)
		length_field(c, length);
	if (c->last || c->s->closing || r->expect) {
		c->last = true;
		http_out_text(&c->out, c->s, "connection: close\r\n");
	} else if (r->version == 10) {
		http_out_text(&c->out, c->s, "connection: keep-alive\r\n");
	}
	http_out_add(&c->out, c->s, "\r\n", 2);
}

void http1_interim(struct http_req *r, unsigned status, const struct http_field *field, size_t n)
{
	if (r->version < 11 || status == 101)
		return;
	if (status == 100)
		r->expect = false;
	status_line(r->c, status);
	fields(r->c, field, n);
	http_out_add(&r->c->out, r->s, "\r\n", 2);
}

void http1_write(struct http_req *r, struct slice piece)
{
	struct http_outq *q = &r->c->out;
	char size[20];
	int n;

	if (r->chunked) {
		n = snprintf(size, sizeof(size), "%zx\r\n", piece.n);
		http_out_add(q, r->s, size, (size_t)n);
	} else if (r->left != HTTP_NO_LENGTH) {
		/* More than was declared would be read as the next response. */
		if (piece.n > r->left)
			piece.n = (size_t)r->left;
		r->left -= piece.n;
	}
	http_out_add(q, r->s, piece.p, piece.n);
	if (r->chunked)
		http_out_add(q, r->s, "\r\n", 2);
}

void http1_end(struct http_req *r)
{
	if (r->chunked)
		http_out_text(&r->c->out, r->s, "0\r\n\r\n");
	else if (!r->bare && r->left != HTTP_NO_LENGTH && r->left > 0)
		r->aborted = true;
	if (r->raw)
		r->c->no_more = true;
}

void http1_error(struct http_conn *c, unsigned status)
{
	struct slice stock = http_stock(c->s);
	const char *reason = http_reason(status);

	status_line(c, status);
	http_out_add(&c->out, c->s, stock.p, stock.n);
	http_out_text(&c->out, c->s, "content-type: text/plain; charset=utf-8\r\n");
	length_field(c, strlen(reason) + 1);
	http_out_text(&c->out, c->s, "connection: close\r\n\r\n");
	if (c->cur && c->cur->is_head)
		return;
	http_out_text(&c->out, c->s, reason);
	http_out_add(&c->out, c->s, "\n", 1);
}

int http_upgrade(struct http_req *r, const char *protocol, const struct http_field *field, size_t n,
		 void (*data)(struct http_req *r, struct slice bytes))
{
	struct http_conn *c = r->c;

	if (!c || !r->upgrade || r->started || r->done)
		return -EPROTO;
	status_line(c, 101);
	one_field(c, "connection", "upgrade");
	one_field(c, "upgrade", protocol);
	fields(c, field, n);
	http_out_add(&c->out, c->s, "\r\n", 2);
	r->started = true;
	r->raw = true;
	r->left = HTTP_NO_LENGTH;
	r->data = data;
	r->ended = true;
	http_conn_later(c);
	return 0;
}
