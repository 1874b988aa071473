/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP/2, asked by nghttp2's client half, and by frames that no good client sends. */
#include "base/http_fixture.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define STREAMS 512

struct answer {
	unsigned status;
	unsigned interims;
	size_t bytes;
	char text[128]; /* its beginning */
	bool closed;
	uint32_t code;
};

struct client {
	struct fixture *f;
	int fd;
	nghttp2_session *h2;
	struct answer answer[STREAMS]; /* by stream / 2 */
	unsigned closed;
	bool gone; /* the server has closed */
	bool goaway;
	size_t upload; /* bytes that are still to be sent */
};

static int on_header(nghttp2_session *h2, const nghttp2_frame *f, const uint8_t *name,
		     size_t name_n, const uint8_t *value, size_t n, uint8_t flags, void *ctx)
{
	struct client *c = ctx;
	struct answer *a = &c->answer[f->hd.stream_id / 2 % STREAMS];

	if (name_n == 7 && memcmp(name, ":status", 7) == 0) {
		a->status = (unsigned)strtoul((const char *)value, NULL, 10);
		a->interims += a->status < 200;
	}
	return 0;
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t stream, const uint8_t *p, size_t n,
		   void *ctx)
{
	struct client *c = ctx;
	struct answer *a = &c->answer[stream / 2 % STREAMS];
	size_t m = a->bytes < sizeof(a->text) - 1 ? sizeof(a->text) - 1 - a->bytes : 0;

	memcpy(a->text + (m ? a->bytes : 0), p, m < n ? m : n);
	a->bytes += n;
	return 0;
}

static int on_close(nghttp2_session *h2, int32_t stream, uint32_t code, void *ctx)
{
	struct client *c = ctx;

	c->answer[stream / 2 % STREAMS].closed = true;
	c->answer[stream / 2 % STREAMS].code = code;
	c->closed++;
	return 0;
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *f, void *ctx)
{
	if (f->hd.type == NGHTTP2_GOAWAY)
		((struct client *)ctx)->goaway = true;
	return 0;
}

static void client_start(struct client *c, struct fixture *f, bool windows)
{
	nghttp2_session_callbacks *cb;
	nghttp2_option *o;

	*c = (struct client){.f = f, .fd = fixture_connect(f, f->port)};
	nghttp2_session_callbacks_new(&cb);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_option_new(&o);
	nghttp2_option_set_no_auto_window_update(o, !windows);
	assert_int_equal(nghttp2_session_client_new2(&c->h2, cb, c, o), 0);
	nghttp2_option_del(o);
	nghttp2_session_callbacks_del(cb);
	nghttp2_submit_settings(c->h2, NGHTTP2_FLAG_NONE, NULL, 0);
}

static void client_stop(struct client *c)
{
	nghttp2_session_del(c->h2);
	close(c->fd);
}

/* One round: out, the loop, in. */
static void pump(struct client *c)
{
	uint8_t in[65536];
	const uint8_t *p;
	ssize_t n;

	while (!c->gone && (n = nghttp2_session_mem_send2(c->h2, &p)) > 0)
		fixture_send(c->f, c->fd, p, (size_t)n);
	fixture_run(c->f, 1);
	n = recv(c->fd, in, sizeof(in), 0);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		c->gone = true;
	else if (n > 0 && nghttp2_session_mem_recv2(c->h2, in, (size_t)n) < 0)
		c->gone = true;
}

static void pump_until_closed(struct client *c, unsigned n)
{
	uint64_t end = uv_hrtime() + (uint64_t)FIXTURE_MS * 1000000;

	while (c->closed < n && uv_hrtime() < end)
		pump(c);
	assert_true(c->closed >= n);
}

static void pump_until_gone(struct client *c)
{
	uint64_t end = uv_hrtime() + (uint64_t)FIXTURE_MS * 1000000;

	while (!c->gone && uv_hrtime() < end)
		pump(c);
	assert_true(c->gone);
}

static nghttp2_nv nv(const char *name, const char *value)
{
	return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
			    strlen(value), 0};
}

static nghttp2_ssize read_upload(nghttp2_session *h2, int32_t stream, uint8_t *to, size_t n,
				 uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
	struct client *c = ctx;

	if (n > c->upload)
		n = c->upload;
	memset(to, 'u', n);
	c->upload -= n;
	if (c->upload == 0)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (nghttp2_ssize)n;
}

/* Asks, with c->upload bytes as body and n more fields; its answer will stand there. */
static struct answer *ask(struct client *c, const char *method, const char *path,
			  const nghttp2_nv *more, size_t n)
{
	nghttp2_data_provider2 body = {.read_callback = read_upload};
	nghttp2_nv v[220] = {nv(":method", method), nv(":path", path), nv(":scheme", "http"),
			     nv(":authority", "a:1")};
	int32_t id;

	if (n > 0)
		memcpy(v + 4, more, n * sizeof(*more));
	id = nghttp2_submit_request2(c->h2, NULL, v, 4 + n, c->upload ? &body : NULL, NULL);
	assert_true(id > 0);
	return &c->answer[id / 2 % STREAMS];
}

static void test_requests(void **state)
{
	const nghttp2_nv more[] = {nv("cookie", "a=1"), nv("x", "y"), nv("cookie", "b=2"),
				   nv("te", "trailers")};
	struct fixture f;
	struct client c;
	struct answer *a;

	fixture_start(&f, (struct http_limits){0}, NULL);
	client_start(&c, &f, true);
	a = ask(&c, "GET", "/fields?q=1", more, 4);
	pump_until_closed(&c, 1);
	assert_int_equal(a->status, 200);
	assert_string_equal(a->text, "GET|/fields|q=1|a:1|20[cookie|a=1; b=2][x|y][te|trailers]");
	a = ask(&c, "HEAD", "/hello", NULL, 0);
	pump_until_closed(&c, 2);
	assert_int_equal(a->status, 200);
	assert_int_equal(a->bytes, 0);
	c.upload = 100000;
	a = ask(&c, "POST", "/whole", NULL, 0);
	pump_until_closed(&c, 3);
	assert_int_equal(a->bytes, 100000);
	a = ask(&c, "GET", "/interim", NULL, 0);
	pump_until_closed(&c, 4);
	assert_int_equal(a->status, 200);
	assert_int_equal(a->interims, 1);
	a = ask(&c, "GET", "/304", NULL, 0);
	pump_until_closed(&c, 5);
	assert_int_equal(a->status, 304);
	assert_int_equal(a->bytes, 0);
	a = ask(&c, "GET", "/pieces", NULL, 0);
	pump_until_closed(&c, 6);
	assert_string_equal(a->text, "onetwo");
	a = ask(&c, "GET", "/file", NULL, 0);
	pump_until_closed(&c, 7);
	assert_int_equal(a->bytes, 200000);
	a = ask(&c, "GET", "/upgrade", NULL, 0);
	pump_until_closed(&c, 8);
	assert_int_equal(a->status, 400);
	c.upload = 3;
	a = ask(&c, "POST", "/whole", (nghttp2_nv[]){nv("expect", "100-continue")}, 1);
	pump_until_closed(&c, 9);
	assert_int_equal(a->status, 200);
	assert_int_equal(a->interims, 1);
	client_stop(&c);
	fixture_stop(&f);
}

static void test_refusals(void **state)
{
	struct fixture f;
	struct client c;
	struct answer *a;
	char path[700];
	char big[3000];

	fixture_start(
		&f,
		(struct http_limits){.target_bytes = 512, .head_bytes = 2048, .body_bytes = 1000},
		NULL);
	client_start(&c, &f, true);
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	memset(big, 'b', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	a = ask(&c, "GET", path, NULL, 0);
	pump_until_closed(&c, 1);
	assert_int_equal(a->status, 414);
	a = ask(&c, "GET", "/hello", (nghttp2_nv[]){nv("x", big)}, 1);
	pump_until_closed(&c, 2);
	assert_int_equal(a->status, 431);
	a = ask(&c, "GET", "/hello#x", NULL, 0);
	pump_until_closed(&c, 3);
	assert_int_equal(a->status, 400);
	assert_int_equal(f.requests, 0);
	c.upload = 1001;
	a = ask(&c, "POST", "/whole", NULL, 0);
	pump_until_closed(&c, 4);
	assert_int_equal(a->status, 413);
	assert_int_equal(f.closed, 1);
	c.upload = 1000;
	a = ask(&c, "POST", "/whole", NULL, 0);
	pump_until_closed(&c, 5);
	assert_int_equal(a->status, 200);
	a = ask(&c, "GET", "/abort", NULL, 0);
	pump_until_closed(&c, 6);
	assert_int_equal(a->code, NGHTTP2_INTERNAL_ERROR);
	a = ask(&c, "GET", "/short", NULL, 0);
	pump_until_closed(&c, 7);
	assert_int_equal(a->code, NGHTTP2_INTERNAL_ERROR);
	a = ask(&c, "GET", "/twice", NULL, 0);
	pump_until_closed(&c, 8);
	assert_int_equal(a->code, NGHTTP2_INTERNAL_ERROR);
	a = ask(&c, "GET", "/long", NULL, 0);
	pump_until_closed(&c, 9);
	assert_int_equal(a->code, NGHTTP2_NO_ERROR);
	assert_string_equal(a->text, "onetwo");
	client_stop(&c);
	fixture_stop(&f);
}

static void test_many_streams(void **state)
{
	struct fixture f;
	struct client c;
	unsigned i;

	fixture_start(&f, (struct http_limits){0}, NULL);
	client_start(&c, &f, true);
	for (i = 0; i < 300; i++)
		ask(&c, "GET", i % 3 ? "/hello" : "/pieces", NULL, 0);
	pump_until_closed(&c, 300);
	for (i = 0; i < 300; i++) {
		assert_int_equal(c.answer[i].status, 200);
		assert_int_equal(c.answer[i].bytes, 6);
	}
	client_stop(&c);
	fixture_stop(&f);
}

static uint64_t memory(struct fixture *f)
{
	struct http_stats s;

	http_server_stats(f->server, &s);
	return s.memory;
}

/* The peer gives no window: the room is held back, and other streams are not. */
static void test_flow_control_of_answers(void **state)
{
	struct fixture f;
	struct client c;
	struct answer *a;
	struct answer *b;
	unsigned i;

	fixture_start(&f, (struct http_limits){0}, NULL);
	client_start(&c, &f, false);
	nghttp2_session_set_local_window_size(c.h2, NGHTTP2_FLAG_NONE, 0, 1 << 20);
	a = ask(&c, "GET", "/big?n=5000000", NULL, 0);
	for (i = 0; i < 50; i++)
		pump(&c);
	assert_int_equal(a->bytes, 65535);
	assert_true(f.left > 4500000);
	assert_true(memory(&f) < 1000000);
	b = ask(&c, "GET", "/hello", NULL, 0);
	pump_until_closed(&c, 1);
	assert_string_equal(b->text, "hello\n");
	for (i = 0; i < 5000 && !a->closed; i++) {
		nghttp2_session_consume(c.h2, 1, 65535);
		pump(&c);
	}
	assert_int_equal(a->bytes, 5000000);
	client_stop(&c);
	fixture_stop(&f);
}

static void test_flow_control_of_bodies(void **state)
{
	struct fixture f;
	struct client c;
	struct answer *a;
	unsigned i;

	fixture_start(&f, (struct http_limits){.body_bytes = 1 << 24}, NULL);
	client_start(&c, &f, true);
	c.upload = 5000000;
	a = ask(&c, "POST", "/pause", NULL, 0);
	for (i = 0; i < 100; i++)
		pump(&c);
	assert_true(c.upload > 4500000);
	assert_int_equal(f.seen, 0);
	assert_true(memory(&f) < 2000000);
	http_body_resume(f.held);
	pump_until_closed(&c, 1);
	assert_int_equal(a->status, 200);
	assert_int_equal(f.seen, 5000000);
	client_stop(&c);
	fixture_stop(&f);
}

static void test_a_body_paused_at_its_end(void **state)
{
	struct fixture f;
	struct client c;
	struct http_req *r;
	struct answer *a;

	fixture_start(&f, (struct http_limits){0}, NULL);
	client_start(&c, &f, true);
	c.upload = 100000;
	a = ask(&c, "POST", "/drip", NULL, 0);
	while (!a->closed) {
		pump(&c);
		if (!f.held)
			continue;
		r = f.held;
		f.held = NULL;
		http_body_resume(r);
	}
	assert_string_equal(a->text, "100000 bytes\n");
	client_stop(&c);
	fixture_stop(&f);
}

static void test_a_reset_reaches_the_room(void **state)
{
	struct fixture f;
	struct client c;

	fixture_start(&f, (struct http_limits){0}, NULL);
	client_start(&c, &f, true);
	ask(&c, "GET", "/hold", NULL, 0);
	while (f.requests < 1)
		pump(&c);
	nghttp2_submit_rst_stream(c.h2, NGHTTP2_FLAG_NONE, 1, NGHTTP2_CANCEL);
	while (f.closed < 1)
		pump(&c);
	ask(&c, "GET", "/hold", NULL, 0);
	while (f.requests < 2)
		pump(&c);
	client_stop(&c);
	fixture_until(&f, &f.closed, 2);
	fixture_stop(&f);
}

static void test_timers(void **state)
{
	struct http_limits l = {.body_ms = 100, .write_ms = 100, .idle_ms = 100};
	struct fixture f;
	struct client c;
	struct answer *a;

	fixture_start(&f, l, NULL);
	client_start(&c, &f, false);
	a = ask(&c, "GET", "/big?n=5000000", NULL, 0); /* no window for it */
	pump_until_closed(&c, 1);
	assert_int_equal(a->code, NGHTTP2_CANCEL);
	assert_int_equal(f.closed, 1);
	pump_until_gone(&c); /* idle */
	assert_true(c.goaway);
	client_stop(&c);
	fixture_stop(&f);
}

static void test_graceful_close(void **state)
{
	struct fixture f;
	struct client c;
	struct answer *a;

	fixture_start(&f, (struct http_limits){0}, NULL);
	client_start(&c, &f, true);
	a = ask(&c, "GET", "/hold", NULL, 0);
	while (f.requests < 1)
		pump(&c);
	http_server_close(f.server, 5000, NULL, NULL);
	while (!c.goaway)
		pump(&c);
	http_reply_text(f.held, 200, "still\n");
	pump_until_gone(&c);
	assert_string_equal(a->text, "still\n");
	client_stop(&c);
	while (uv_run(&f.loop, UV_RUN_NOWAIT))
		;
	close(f.file);
	assert_int_equal(uv_loop_close(&f.loop), 0);
}

/* ---- What no good client sends ---- */

static void frame(struct buf *b, uint8_t type, uint8_t flags, uint32_t stream, const void *p,
		  size_t n)
{
	buf_u8(b, (uint8_t)(n >> 16));
	buf_u16(b, (uint16_t)n);
	buf_u8(b, type);
	buf_u8(b, flags);
	buf_u32(b, stream);
	buf_bytes(b, p, n);
}

static void preface(struct fixture *f, struct buf *b)
{
	buf_clear(b);
	buf_bytes(b, NGHTTP2_CLIENT_MAGIC, 24);
	frame(b, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
}

/* Static table: GET, /, http; :authority as a literal. */
static const char get[] = "\x82\x84\x86\x01\x01"
			  "a";

static void send_until_closed(struct fixture *f, struct buf *b)
{
	int fd = fixture_connect(f, f->port);

	fixture_send(f, fd, b->p, b->n);
	buf_clear(b);
	assert_false(fixture_read(f, fd, b, SIZE_MAX));
	close(fd);
}

/* CVE-2023-44487: streams that are opened and reset as fast as can be. */
static void test_rapid_reset_ends_the_connection(void **state)
{
	struct fixture f;
	uint32_t i;

	fixture_start(&f, (struct http_limits){0}, NULL);
	preface(&f, &f.log);
	for (i = 0; i < 5000; i++) {
		frame(&f.log, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM,
		      2 * i + 1, get, sizeof(get) - 1);
		frame(&f.log, NGHTTP2_RST_STREAM, 0, 2 * i + 1, "\0\0\0\010", 4);
	}
	send_until_closed(&f, &f.log);
	assert_true(f.requests <= 501);
	fixture_stop(&f);
}

/* CVE-2024-27316: a head that goes on for ever. */
static void test_continuation_flood_ends_the_connection(void **state)
{
	static const uint8_t junk[1000];
	struct fixture f;
	unsigned i;

	fixture_start(&f, (struct http_limits){0}, NULL);
	preface(&f, &f.log);
	frame(&f.log, NGHTTP2_HEADERS, 0, 1, get, sizeof(get) - 1);
	for (i = 0; i < 1000; i++)
		frame(&f.log, NGHTTP2_CONTINUATION, 0, 1, junk, 0);
	send_until_closed(&f, &f.log);
	assert_int_equal(f.requests, 0);
	fixture_stop(&f);
}

/* An entry of the dynamic table of 4 KiB, named thousands of times by one byte each. */
static void test_a_header_bomb_is_refused(void **state)
{
	struct fixture f;
	struct buf block;
	unsigned i;

	fixture_start(&f, (struct http_limits){0}, NULL);
	preface(&f, &f.log);
	buf_init(&block, &f.alloc);
	buf_bytes(&block, get, sizeof(get) - 1);
	buf_bytes(&block, "\x40\x01x\x7f\x81\x1e", 6); /* "x", value of 4000 bytes, indexed */
	for (i = 0; i < 4000; i++)
		buf_u8(&block, 'b');
	for (i = 0; i < 10000; i++)
		buf_u8(&block, 0xbe);
	frame(&f.log, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1,
	      block.p, block.n);
	frame(&f.log, NGHTTP2_GOAWAY, 0, 0, "\0\0\0\0\0\0\0\0", 8);
	buf_free(&block);
	send_until_closed(&f, &f.log);
	assert_int_equal(f.requests, 0);
	assert_true(memory(&f) < 1000000);
	fixture_stop(&f);
}

/* Acknowledgements which nobody reads do not pile up. */
static void test_a_ping_flood_is_bounded(void **state)
{
	struct fixture f;
	uint64_t most = 0;
	unsigned i;
	int fd;

	fixture_start(&f, (struct http_limits){.write_ms = 200}, NULL);
	preface(&f, &f.log);
	for (i = 0; i < 1000; i++)
		frame(&f.log, NGHTTP2_PING, 0, 0, "12345678", 8);
	fd = fixture_connect(&f, f.port);
	for (i = 0; i < 2000; i++) {
		if (send(fd, f.log.p + (i ? 33 : 0), f.log.n - (i ? 33 : 0), MSG_NOSIGNAL) < 0 &&
		    errno != EAGAIN)
			break;
		uv_run(&f.loop, UV_RUN_NOWAIT);
		if (memory(&f) > most)
			most = memory(&f);
	}
	assert_true(most < 2000000);
	close(fd);
	fixture_stop(&f);
}

static void test_bad_frames_end_the_connection(void **state)
{
	struct fixture f;

	fixture_start(&f, (struct http_limits){0}, NULL);
	preface(&f, &f.log);
	frame(&f.log, NGHTTP2_DATA, 0, 0, "x", 1);
	send_until_closed(&f, &f.log);
	preface(&f, &f.log);
	frame(&f.log, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 2, get, sizeof(get) - 1);
	send_until_closed(&f, &f.log);
	/* The preface, and then something else. */
	buf_clear(&f.log);
	buf_bytes(&f.log, NGHTTP2_CLIENT_MAGIC "GET / HTTP/1.1\r\n\r\n", 42);
	send_until_closed(&f, &f.log);
	/* A preface that turns out to be none. */
	assert_memory_equal(fixture_exchange(&f, "PRI * HTTP/2.0\r\n\r\nXX", 20), "HTTP/1.1 ", 9);
	assert_int_equal(f.requests, 0);
	fixture_stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_many_streams),
		cmocka_unit_test(test_flow_control_of_answers),
		cmocka_unit_test(test_flow_control_of_bodies),
		cmocka_unit_test(test_a_body_paused_at_its_end),
		cmocka_unit_test(test_a_reset_reaches_the_room),
		cmocka_unit_test(test_timers),
		cmocka_unit_test(test_graceful_close),
		cmocka_unit_test(test_rapid_reset_ends_the_connection),
		cmocka_unit_test(test_continuation_flood_ends_the_connection),
		cmocka_unit_test(test_a_header_bomb_is_refused),
		cmocka_unit_test(test_a_ping_flood_is_bounded),
		cmocka_unit_test(test_bad_frames_end_the_connection),
	};

	return cmocka_run_group_tests_name("http2", tests, NULL, NULL);
}
