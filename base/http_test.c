/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP/1.1: what is accepted, what is refused, and how answers are framed. */
#include "base/http_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define H "host: a\r\n"

struct refusal {
	const char *what;
	const char *bytes;
	unsigned status;
};

static const struct refusal refusals[] = {
	{"no host", "GET / HTTP/1.1\r\n\r\n", 400},
	{"two hosts", "GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", 400},
	{"host with a path", "GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", 400},
	{"host with a user", "GET / HTTP/1.1\r\nhost: u@a\r\n\r\n", 400},
	{"space before colon", "GET / HTTP/1.1\r\n" H "x : y\r\n\r\n", 400},
	{"empty field name", "GET / HTTP/1.1\r\n" H ": y\r\n\r\n", 400},
	{"obs-fold", "GET / HTTP/1.1\r\n" H "x: y\r\n z\r\n\r\n", 400},
	{"obs-fold of the first", "GET / HTTP/1.1\r\n x: y\r\n" H "\r\n", 400},
	{"bare CR in a value", "GET / HTTP/1.1\r\n" H "x: y\rz: 1\r\n\r\n", 400},
	{"bare LF ends a line", "GET / HTTP/1.1\n" H "\r\n", 505},
	{"bare LF ends a field", "GET / HTTP/1.1\r\nhost: a\n\r\n", 400},
	{"control in a value", "GET / HTTP/1.1\r\n" H "x: a\001b\r\n\r\n", 400},
	{"control in a name", "GET / HTTP/1.1\r\n" H "x\001: b\r\n\r\n", 400},
	{"length and chunked",
	 "POST /whole HTTP/1.1\r\n" H
	 "content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
	 400},
	{"chunked and length",
	 "POST /whole HTTP/1.1\r\n" H
	 "transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
	 400},
	{"two lengths",
	 "POST /whole HTTP/1.1\r\n" H "content-length: 3\r\ncontent-length: 4\r\n\r\nabc", 400},
	{"same length twice",
	 "POST /whole HTTP/1.1\r\n" H "content-length: 3\r\ncontent-length: 3\r\n\r\nabc", 400},
	{"list of lengths", "POST /whole HTTP/1.1\r\n" H "content-length: 3, 3\r\n\r\nabc", 400},
	{"length with a sign", "POST /whole HTTP/1.1\r\n" H "content-length: +3\r\n\r\nabc", 400},
	{"negative length", "POST /whole HTTP/1.1\r\n" H "content-length: -1\r\n\r\n", 400},
	{"hexadecimal length", "POST /whole HTTP/1.1\r\n" H "content-length: 0x3\r\n\r\nabc", 400},
	{"empty length", "POST /whole HTTP/1.1\r\n" H "content-length:\r\n\r\nabc", 400},
	{"length beyond 64 bits",
	 "POST /whole HTTP/1.1\r\n" H "content-length: 99999999999999999999\r\n\r\n", 400},
	{"other coding",
	 "POST /whole HTTP/1.1\r\n" H "transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
	{"coding after chunked",
	 "POST /whole HTTP/1.1\r\n" H "transfer-encoding: chunked, identity\r\n\r\n", 400},
	{"chunked twice",
	 "POST /whole HTTP/1.1\r\n" H
	 "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
	 400},
	{"not quite chunked",
	 "POST /whole HTTP/1.1\r\n" H "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
	{"vertical tab chunked",
	 "POST /whole HTTP/1.1\r\n" H "transfer-encoding: \013chunked\r\n\r\n0\r\n\r\n", 400},
	{"chunked in 1.0",
	 "POST /whole HTTP/1.0\r\n" H "transfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{"chunk size with sign",
	 "POST /whole HTTP/1.1\r\n" H "transfer-encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n",
	 400},
	{"chunk size with 0x",
	 "POST /whole HTTP/1.1\r\n" H "transfer-encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
	 400},
	{"chunk size with space",
	 "POST /whole HTTP/1.1\r\n" H "transfer-encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n",
	 400},
	{"chunk size overflows",
	 "POST /whole HTTP/1.1\r\n" H "transfer-encoding: chunked\r\n\r\n10000000000000001\r\na",
	 400},
	{"chunk without end",
	 "POST /whole HTTP/1.1\r\n" H "transfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
	 400},
	{"chunk ends with LF",
	 "POST /whole HTTP/1.1\r\n" H "transfer-encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400},
	{"space in the target", "GET /a b HTTP/1.1\r\n" H "\r\n", 400},
	{"two spaces", "GET  / HTTP/1.1\r\n" H "\r\n", 400},
	{"two spaces before the version", "GET /  HTTP/1.1\r\n" H "\r\n", 400},
	{"space after the version", "GET / HTTP/1.1 \r\n" H "\r\n", 505},
	{"tab", "GET\t/ HTTP/1.1\r\n" H "\r\n", 501},
	{"fragment", "GET /a#b HTTP/1.1\r\n" H "\r\n", 400},
	{"target is no path", "GET a HTTP/1.1\r\n" H "\r\n", 400},
	{"asterisk for GET", "GET * HTTP/1.1\r\n" H "\r\n", 400},
	{"target beyond ASCII", "GET /\303\244 HTTP/1.1\r\n" H "\r\n", 400},
	{"absolute without host", "GET http:///a HTTP/1.1\r\n" H "\r\n", 400},
	{"user in an absolute target", "GET http://u@b/a HTTP/1.1\r\n" H "\r\n", 400},
	{"unknown method", "BREW / HTTP/1.1\r\n" H "\r\n", 501},
	{"CONNECT", "CONNECT a:1 HTTP/1.1\r\n" H "\r\n", 501},
	{"HTTP/1.2", "GET / HTTP/1.2\r\n" H "\r\n", 505},
	{"HTTP/3.0", "GET / HTTP/3.0\r\n" H "\r\n", 505},
	{"not HTTP", "\026\003\001\002\001\374\003\003", 501},
	{"expectation", "POST /whole HTTP/1.1\r\n" H "expect: magic\r\ncontent-length: 1\r\n\r\na",
	 417},
};

static void test_bad_requests_are_refused(void **state)
{
	struct fixture f;
	char want[16];
	const char *got;
	size_t i;

	fixture_start(&f, (struct http_limits){.head_ms = 300, .body_ms = 300, .idle_ms = 300},
		      NULL);
	for (i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		got = fixture_exchange(&f, refusals[i].bytes, strlen(refusals[i].bytes));
		snprintf(want, sizeof(want), "HTTP/1.1 %u ", refusals[i].status);
		if (strncmp(got, want, strlen(want)) != 0 ||
		    !strstr(got, "\r\nconnection: close\r\n"))
			fail_msg("%s: wanted %s, got %s", refusals[i].what, want, got);
		/* Nothing of it was taken for another request. */
		if (strstr(got + 1, "HTTP/1.1"))
			fail_msg("%s: two answers: %s", refusals[i].what, got);
	}
	/* A body may have been refused after the room was asked, but it has then not seen its end.
	 */
	assert_int_equal(f.ends, 0);
	fixture_stop(&f);
}

static void test_a_nul_is_refused_everywhere(void **state)
{
	static const char ok[] =
		"GET /hello HTTP/1.1\r\nhost: a\r\nx: yz\r\nconnection: close\r\n\r\n";
	char bytes[sizeof(ok)];
	const char *got;
	struct fixture f;
	size_t i;

	fixture_start(&f, (struct http_limits){.head_ms = 300}, NULL);
	for (i = 0; i < sizeof(ok) - 1; i++) {
		memcpy(bytes, ok, sizeof(ok));
		bytes[i] = '\0';
		got = fixture_exchange(&f, bytes, sizeof(ok) - 1);
		if (strncmp(got, "HTTP/1.1 4", 10) != 0 && strncmp(got, "HTTP/1.1 5", 10) != 0)
			fail_msg("byte %zu: %s", i, got);
	}
	assert_int_equal(f.requests, 0);
	fixture_stop(&f);
}

struct exchange {
	const char *bytes;
	const char *answer;
};

static const struct exchange exchanges[] = {
	{"GET /hello HTTP/1.0\r\n\r\n",
	 "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: "
	 "6\r\nconnection: close\r\n\r\nhello\n"},
	/* Empty lines before a request are passed over (RFC 9112 §2.2). */
	{"\r\n\r\nHEAD /hello HTTP/1.0\r\n\r\n",
	 "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: "
	 "6\r\nconnection: close\r\n\r\n"},
	{"GET /204 HTTP/1.0\r\n\r\n", "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"},
	{"GET /304 HTTP/1.0\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n"},
	/* Without chunks the end of the connection is the end of the body. */
	{"GET /pieces HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
	 "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nonetwo"},
	{"GET /pieces HTTP/1.1\r\n" H "connection: close\r\n\r\n",
	 "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: "
	 "close\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"},
	{"HEAD /pieces HTTP/1.1\r\n" H "connection: close\r\n\r\n",
	 "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"},
	{"GET /interim HTTP/1.1\r\n" H "connection: close\r\n\r\n",
	 "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\nHTTP/1.1 200 "
	 "OK\r\ncontent-type: text/plain; charset=utf-8\r\n"
	 "content-length: 6\r\nconnection: close\r\n\r\nafter\n"},
	/* Trailers are read and dropped, extensions of chunks too. */
	{"POST /whole HTTP/1.1\r\n" H "connection: close\r\ntransfer-encoding: "
	 "Chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nx-t: 1\r\nhost: b\r\n\r\n",
	 "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nabcde"},
	/* A room cannot split the answer, nor frame it. */
	{"GET /split HTTP/1.0\r\n\r\n",
	 "HTTP/1.1 200 OK\r\nx-good: yes\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbody"},
	{"GET /fields?a=b&c HTTP/1.1\r\nHost: h:1\r\nX-Empty:\r\nX-Trim: \t a b \t\r\nConnection: "
	 "close\r\n\r\n",
	 "HTTP/1.1 200 OK\r\ncontent-length: 74\r\nconnection: close\r\n\r\n"
	 "GET|/fields|a=b&c|h:1|11[host|h:1][x-empty|][x-trim|a b][connection|close]"},
	/* The authority of an absolute target goes before Host. */
	{"GET http://other:8/fields? HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n",
	 "HTTP/1.1 200 OK\r\ncontent-length: 49\r\nconnection: "
	 "close\r\n\r\nGET|/fields||other:8|11[host|h][connection|close]"},
	{"OPTIONS * HTTP/1.1\r\n" H "connection: close\r\n\r\n",
	 "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: "
	 "5\r\nconnection: close\r\n\r\nnone\n"},
	{"PATCH /hello HTTP/1.1\r\n" H "connection: close\r\ncontent-length: 2\r\n\r\n{}",
	 "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: "
	 "6\r\nconnection: close\r\n\r\nhello\n"},
	{"GET /events HTTP/1.0\r\n\r\n",
	 "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: "
	 "no-store\r\nconnection: close\r\n\r\n"
	 "id: 7\nevent: up\ndata: a\ndata: b\ndata: c\ndata: \n\n: alive\n\n"},
	/* Pipelined: in order, though the second's answer is ready at once. The last closes. */
	{"GET /pieces HTTP/1.1\r\n" H "\r\nPOST /whole HTTP/1.1\r\n" H
	 "content-length: 2\r\n\r\nabGET /hello HTTP/1.0\r\n\r\nGET /hello HTTP/1.1\r\n" H "\r\n",
	 "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
	 "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab"
	 "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: "
	 "6\r\nconnection: close\r\n\r\nhello\n"},
};

static void same(const char *got, const char *want)
{
	if (strcmp(got, want) != 0)
		fail_msg("wanted:\n%s\ngot:\n%s", want, got);
}

static void test_answers(void **state)
{
	struct fixture f;
	size_t i;

	fixture_start(&f, (struct http_limits){0}, NULL);
	for (i = 0; i < sizeof(exchanges) / sizeof(*exchanges); i++)
		same(fixture_exchange(&f, exchanges[i].bytes, strlen(exchanges[i].bytes)),
		     exchanges[i].answer);
	fixture_stop(&f);
}

/* Wherever the network cuts it, and byte by byte. */
static void test_split_at_every_byte(void **state)
{
	struct fixture f;
	size_t i;
	size_t n;
	size_t at;
	int fd;

	fixture_start(&f, (struct http_limits){0}, NULL);
	for (i = 0; i < sizeof(exchanges) / sizeof(*exchanges); i++) {
		n = strlen(exchanges[i].bytes);
		for (at = 0; at < n; at++) {
			fd = fixture_connect(&f, f.port);
			buf_clear(&f.log);
			fixture_send(&f, fd, exchanges[i].bytes, at);
			uv_run(&f.loop, UV_RUN_NOWAIT);
			fixture_send(&f, fd, exchanges[i].bytes + at, n - at);
			fixture_read(&f, fd, &f.log, SIZE_MAX);
			close(fd);
			fixture_no_dates(&f.log);
			buf_u8(&f.log, 0);
			same((char *)f.log.p, exchanges[i].answer);
		}
		fd = fixture_connect(&f, f.port);
		buf_clear(&f.log);
		for (at = 0; at < n; at++)
			fixture_send(&f, fd, exchanges[i].bytes + at, 1);
		fixture_read(&f, fd, &f.log, SIZE_MAX);
		close(fd);
		fixture_no_dates(&f.log);
		buf_u8(&f.log, 0);
		same((char *)f.log.p, exchanges[i].answer);
	}
	fixture_stop(&f);
}

/* n times text, between two strings. */
static char *long_request(const char *before, const char *text, size_t n, const char *after)
{
	size_t unit = strlen(text);
	char *p = malloc(strlen(before) + n * unit + strlen(after) + 1);
	char *to = p;

	assert_non_null(p);
	to = stpcpy(to, before);
	while (n-- > 0)
		to = stpcpy(to, text);
	stpcpy(to, after);
	return p;
}

static void expect_status(struct fixture *f, char *bytes, unsigned status)
{
	char want[16];
	const char *got = fixture_exchange(f, bytes, strlen(bytes));

	snprintf(want, sizeof(want), "HTTP/1.1 %u ", status);
	assert_memory_equal(got, want, strlen(want));
	free(bytes);
}

static void test_limits_of_the_head(void **state)
{
	struct http_limits l = {.head_bytes = 2048, .target_bytes = 512, .head_ms = 300};
	struct fixture f;

	fixture_start(&f, l, NULL);
	expect_status(&f, long_request("GET /", "a", 511, " HTTP/1.0\r\n\r\n"), 404);
	expect_status(&f, long_request("GET /", "a", 512, " HTTP/1.0\r\n\r\n"), 414);
	expect_status(&f, long_request("GET / HTTP/1.0\r\nx: ", "a", 1900, "\r\n\r\n"), 404);
	expect_status(&f, long_request("GET / HTTP/1.0\r\nx: ", "a", 2048, "\r\n\r\n"), 431);
	expect_status(&f, long_request("GET / HTTP/1.0\r\n", "a: b\r\n", 100, "\r\n"), 404);
	expect_status(&f, long_request("GET / HTTP/1.0\r\n", "a: b\r\n", 101, "\r\n"), 431);
	expect_status(&f, long_request("", "\r\n", 200000, ""), 431);
	expect_status(&f, long_request("GET / HTTP/1.0\r\nx:", " ", 200000, ""), 431);
	fixture_stop(&f);
}

static void test_limits_of_the_body(void **state)
{
	struct http_limits l = {.body_bytes = 1000, .body_ms = 300};
	struct fixture f;

	fixture_start(&f, l, NULL);
	expect_status(
		&f,
		long_request("POST /whole HTTP/1.0\r\ncontent-length: 1000\r\n\r\n", "a", 1000, ""),
		200);
	expect_status(
		&f,
		long_request("POST /whole HTTP/1.0\r\ncontent-length: 1001\r\n\r\n", "a", 10, ""),
		413);
	assert_int_equal(f.closed, 1);
	expect_status(
		&f, long_request("POST /small HTTP/1.0\r\ncontent-length: 10\r\n\r\n", "a", 10, ""),
		200);
	expect_status(
		&f, long_request("POST /small HTTP/1.0\r\ncontent-length: 11\r\n\r\n", "a", 11, ""),
		413);
	expect_status(&f,
		      long_request("POST /small HTTP/1.1\r\n" H
				   "transfer-encoding: chunked\r\n\r\n",
				   "1\r\na\r\n", 11, ""),
		      413);
	/* What nobody asked for is dropped, up to the limit. */
	expect_status(
		&f,
		long_request("POST /hello HTTP/1.0\r\ncontent-length: 1001\r\n\r\n", "a", 1001, ""),
		200);
	expect_status(&f,
		      long_request("POST /whole HTTP/1.1\r\n" H
				   "transfer-encoding: chunked\r\n\r\n1;",
				   "x", 20000, "\r\na\r\n0\r\n\r\n"),
		      431);
	expect_status(&f,
		      long_request("POST /whole HTTP/1.1\r\n" H
				   "transfer-encoding: chunked\r\n\r\n0\r\n",
				   "x: y\r\n", 20000, "\r\n"),
		      431);
	assert_int_equal(f.ends, 2);
	fixture_stop(&f);
}

static void test_helpers(void **state)
{
	char to[16];
	char date[30];

	assert_int_equal(http_unescape("a%20b+", 6, to, sizeof(to)), 4);
	assert_string_equal(to, "a b+");
	assert_int_equal(http_unescape("%00", 3, to, sizeof(to)), -EINVAL);
	assert_int_equal(http_unescape("%2", 2, to, sizeof(to)), -EINVAL);
	assert_int_equal(http_unescape("%g0", 3, to, sizeof(to)), -EINVAL);
	assert_int_equal(http_unescape("0123456789abcdef", 16, to, sizeof(to)), -ENAMETOOLONG);
	assert_int_equal(http_query_get("a=1&b=%2B+x&c", "b", to, sizeof(to)), 3);
	assert_string_equal(to, "+ x");
	assert_int_equal(http_query_get("a=1&b=%2B+x&c", "c", to, sizeof(to)), 0);
	assert_int_equal(http_query_get("aa=1", "a", to, sizeof(to)), -ENOENT);
	assert_true(http_accepts(NULL, "text/html"));
	assert_true(http_accepts("text/*;q=0.1", "text/html"));
	assert_false(http_accepts("*/*, text/html;q=0", "text/html"));
	assert_true(http_accepts("application/json, text/event-stream", "text/event-stream"));
	assert_false(http_accepts("application/json", "text/event-stream"));
	assert_true(http_accepts("Text/HTML ; level=1; q=0.5", "text/html"));
	assert_false(http_accepts("", "text/html"));
	http_date(784111777, date);
	assert_string_equal(date, "Sun, 06 Nov 1994 08:49:37 GMT");
	http_date(951782400, date);
	assert_string_equal(date, "Tue, 29 Feb 2000 00:00:00 GMT");
	http_date(-1, date);
	assert_string_equal(date, "Wed, 31 Dec 1969 23:59:59 GMT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_requests_are_refused),
		cmocka_unit_test(test_a_nul_is_refused_everywhere),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_split_at_every_byte),
		cmocka_unit_test(test_limits_of_the_head),
		cmocka_unit_test(test_limits_of_the_body),
		cmocka_unit_test(test_helpers),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
