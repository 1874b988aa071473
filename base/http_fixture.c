/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/http_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static struct fixture *fix(struct http_req *r)
{
	return http_ctx(r);
}

static void on_closed(struct http_req *r)
{
	struct fixture *f = fix(r);

	f->closed++;
	if (f->held == r)
		f->held = NULL;
}

static void whole(struct http_req *r, struct slice body)
{
	fix(r)->ends++;
	http_reply(r, 200, NULL, 0, body);
}

static void count(struct http_req *r, struct slice piece)
{
	fix(r)->seen += piece.n;
}

/* Pauses after each piece; fixture.held is what waits to be resumed. */
static void drip(struct http_req *r, struct slice piece)
{
	fix(r)->seen += piece.n;
	fix(r)->held = r;
	http_body_pause(r);
}

static void counted(struct http_req *r)
{
	char text[32];

	fix(r)->ends++;
	snprintf(text, sizeof(text), "%llu bytes\n", (unsigned long long)fix(r)->seen);
	http_reply_text(r, 200, text);
}

static void hold(struct fixture *f, struct http_req *r)
{
	f->held = r;
	http_watch(r, (struct http_watch){.closed = on_closed});
}

static void big_go(struct http_req *r)
{
	static uint8_t bytes[8192];
	struct fixture *f = fix(r);
	size_t n;

	while (f->left > 0) {
		n = f->left < sizeof(bytes) ? (size_t)f->left : sizeof(bytes);
		f->left -= n;
		if (!http_write(r, slice_of(bytes, n)))
			return;
	}
	http_end(r);
}

static void big_drained(struct http_req *r)
{
	fix(r)->drained++;
	big_go(r);
}

static void big(struct fixture *f, struct http_req *r)
{
	char n[24] = "0";

	http_query_get(http_query(r), "n", n, sizeof(n));
	f->left = strtoull(n, NULL, 10);
	http_watch(r, (struct http_watch){.drained = big_drained, .closed = on_closed});
	http_start(r, 200, NULL, 0);
	big_go(r);
}

static void raw(struct http_req *r, struct slice bytes)
{
	if (bytes.n > 0 && bytes.p[0] == '.')
		http_end(r);
	else
		http_write(r, bytes);
}

static void upgrade(struct http_req *r)
{
	http_watch(r, (struct http_watch){.closed = on_closed});
	if (http_upgrade(r, "echo", NULL, 0, raw) != 0)
		http_reply_text(r, 400, "no upgrade\n");
}

static bool log_field(void *ctx, const char *name, const char *value)
{
	buf_printf(ctx, "[%s|%s]", name, value);
	return true;
}

static void fields(struct http_req *r)
{
	struct buf b;

	buf_init(&b, &fix(r)->alloc);
	buf_printf(&b, "%.*s|%s|%s|%s|%u", (int)http_method(r).n, (const char *)http_method(r).p,
		   http_path(r), http_query(r), http_authority(r), http_version(r));
	http_header_each(r, log_field, &b);
	http_reply(r, 200, NULL, 0, buf_slice(&b));
	buf_free(&b);
}

static void pieces(struct http_req *r)
{
	http_start(r, 200, NULL, 0);
	http_write(r, SLICE_LIT("one"));
	http_write(r, SLICE_LIT(""));
	http_write(r, SLICE_LIT("two"));
	http_end(r);
}

/* Of a length it has declared: 6 bytes. */
static void declared(struct http_req *r, struct slice more)
{
	static const struct http_field six[] = {{"content-length", "6"}};

	http_start(r, 200, six, 1);
	http_write(r, SLICE_LIT("one"));
	http_write(r, more);
	http_end(r);
}

static void twice(struct http_req *r)
{
	http_start(r, 200, NULL, 0);
	http_write(r, SLICE_LIT("first"));
	http_reply_text(r, 500, "second");
}

static void events(struct http_req *r)
{
	http_sse_start(r, NULL, 0);
	http_sse_event(r, "7", "up\nid: 8", SLICE_LIT("a\r\nb\rc\n"));
	http_sse_comment(r, "alive");
	http_end(r);
}

static void interim(struct http_req *r)
{
	static const struct http_field hint[] = {{"link", "</a>; rel=preload"}};

	http_start(r, 103, hint, 1);
	http_reply_text(r, 200, "after\n");
}

static void split(struct http_req *r)
{
	static const struct http_field evil[] = {
		{"x-evil", "a\r\nset-cookie: b"}, {"content-length", "1"}, {"x-good", "yes"}};

	http_reply(r, 200, evil, 3, SLICE_LIT("body"));
}

static void on_request(void *ctx, struct http_req *r)
{
	struct fixture *f = ctx;
	const char *path = http_path(r);

	f->requests++;
	http_set_ctx(r, f);
	if (strcmp(path, "/hello") == 0) {
		http_reply_text(r, 200, "hello\n");
	} else if (strcmp(path, "/whole") == 0) {
		http_watch(r, (struct http_watch){.closed = on_closed});
		http_body(r, whole);
	} else if (strcmp(path, "/small") == 0) {
		http_body_limit(r, 10);
		http_body(r, whole);
	} else if (strcmp(path, "/stream") == 0) {
		http_body_stream(r, count, counted);
	} else if (strcmp(path, "/pause") == 0) {
		hold(f, r);
		http_body_stream(r, count, counted);
		http_body_pause(r);
	} else if (strcmp(path, "/drip") == 0) {
		http_body_stream(r, drip, counted);
	} else if (strcmp(path, "/hold") == 0) {
		hold(f, r);
	} else if (strcmp(path, "/204") == 0) {
		http_reply(r, 204, NULL, 0, SLICE_LIT("never sent"));
	} else if (strcmp(path, "/304") == 0) {
		http_reply(r, 304, NULL, 0, SLICE_LIT("never sent"));
	} else if (strcmp(path, "/pieces") == 0) {
		pieces(r);
	} else if (strcmp(path, "/big") == 0) {
		big(f, r);
	} else if (strcmp(path, "/upgrade") == 0) {
		upgrade(r);
	} else if (strcmp(path, "/fields") == 0) {
		fields(r);
	} else if (strcmp(path, "/long") == 0) {
		declared(r, SLICE_LIT("twothree"));
	} else if (strcmp(path, "/short") == 0) {
		declared(r, SLICE_LIT("t"));
	} else if (strcmp(path, "/twice") == 0) {
		twice(r);
	} else if (strcmp(path, "/events") == 0) {
		events(r);
	} else if (strcmp(path, "/interim") == 0) {
		interim(r);
	} else if (strcmp(path, "/split") == 0) {
		split(r);
	} else if (strcmp(path, "/abort") == 0) {
		http_start(r, 200, NULL, 0);
		http_write(r, SLICE_LIT("half"));
		http_abort(r);
	} else if (strcmp(path, "/file") == 0) {
		http_reply_file(r, 200, NULL, 0, dup(f->file), 100, 200000);
	} else {
		http_reply_text(r, 404, "none\n");
	}
}

void fixture_start(struct fixture *f, struct http_limits limits, SSL_CTX *tls)
{
	struct http_config c = {.request = on_request, .ctx = f, .limits = limits, .tls = tls};
	struct err err = {0};

	*f = (struct fixture){.file = memfd_create("file", MFD_CLOEXEC)};
	assert_int_equal(ftruncate(f->file, 200100), 0);
	alloc_init(&f->alloc, 0);
	buf_init(&f->log, &f->alloc);
	assert_int_equal(uv_loop_init(&f->loop), 0);
	f->server = http_server_new(&f->loop, &c, &err);
	assert_non_null(f->server);
	f->port = http_listen_tcp(f->server, "127.0.0.1", 0, false, &err);
	assert_true(f->port > 0);
	if (tls)
		f->tls_port = http_listen_tcp(f->server, "127.0.0.1", 0, true, &err);
	assert_true(f->tls_port >= 0);
}

static void on_done(void *ctx)
{
	struct fixture *f = ctx;

	f->done++;
}

void fixture_stop(struct fixture *f)
{
	if (!f->done)
		http_server_close(f->server, 0, on_done, f);
	fixture_until(f, &f->done, 1);
	assert_int_equal(uv_run(&f->loop, UV_RUN_NOWAIT), 0);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	close(f->file);
	buf_free(&f->log);
	assert_int_equal(f->alloc.used, 0);
}

/* One turn of the loop, and a short rest. */
static void turn(struct fixture *f, uint64_t end)
{
	uv_run(&f->loop, UV_RUN_NOWAIT);
	usleep(200);
	assert_true(uv_hrtime() < end);
}

static uint64_t deadline(void)
{
	return uv_hrtime() + (uint64_t)FIXTURE_MS * 1000000;
}

void fixture_until(struct fixture *f, const unsigned *what, unsigned n)
{
	uint64_t end = deadline();

	while (*what < n)
		turn(f, end);
}

void fixture_run(struct fixture *f, unsigned ms)
{
	uint64_t end = uv_hrtime() + (uint64_t)ms * 1000000;

	while (uv_hrtime() < end) {
		uv_run(&f->loop, UV_RUN_NOWAIT);
		usleep(200);
	}
}

int fixture_connect(struct fixture *f, int port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

void fixture_send(struct fixture *f, int fd, const void *p, size_t n)
{
	uint64_t end = deadline();
	ssize_t m;

	while (n > 0) {
		m = send(fd, p, n, MSG_NOSIGNAL);
		if (m < 0 && (errno == EPIPE || errno == ECONNRESET))
			return; /* refused before all was sent */
		assert_true(m > 0 || errno == EAGAIN);
		if (m > 0) {
			p = (const char *)p + m;
			n -= (size_t)m;
		}
		turn(f, end);
	}
}

bool fixture_read(struct fixture *f, int fd, struct buf *b, size_t n)
{
	uint64_t end = deadline();
	uint8_t piece[16384];
	size_t want;
	ssize_t m;

	while (b->n < n) {
		want = n - b->n < sizeof(piece) ? n - b->n : sizeof(piece);
		m = recv(fd, piece, want, 0);
		if (m == 0 || (m < 0 && errno == ECONNRESET))
			return false;
		assert_true(m > 0 || errno == EAGAIN);
		if (m > 0)
			buf_bytes(b, piece, (size_t)m);
		else
			turn(f, end);
	}
	return true;
}

void fixture_read_text(struct fixture *f, int fd, struct buf *b, const char *text)
{
	while (!memmem(b->p ? b->p : (const void *)"", b->n, text, strlen(text)))
		assert_true(fixture_read(f, fd, b, b->n + 1));
}

void fixture_no_dates(struct buf *b)
{
	uint8_t *p = b->p;
	uint8_t *at;
	size_t n = strlen("date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");

	while (b->n > 0 && (at = memmem(p, b->n - (size_t)(p - b->p), "date: ", 6))) {
		memmove(at, at + n, b->n - (size_t)(at - b->p) - n);
		b->n -= n;
		p = at;
	}
}

const char *fixture_exchange(struct fixture *f, const void *p, size_t n)
{
	int fd = fixture_connect(f, f->port);

	buf_clear(&f->log);
	fixture_send(f, fd, p, n);
	fixture_read(f, fd, &f->log, SIZE_MAX);
	close(fd);
	fixture_no_dates(&f->log);
	buf_u8(&f->log, 0);
	return (const char *)f->log.p;
}

static X509 *make_cert(EVP_PKEY *pkey, const char *name)
{
	X509 *x = X509_new();
	X509_NAME *dn;

	assert_non_null(x);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_version(x, X509_VERSION_3);
	X509_set_pubkey(x, pkey);
	dn = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(dn, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, dn);
	assert_true(X509_sign(x, pkey, EVP_sha256()) > 0);
	return x;
}

void fixture_cert(char cert[128], char key[128], const char *name)
{
	char dir[] = "/tmp/http-test-XXXXXX";
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	X509 *x;
	FILE *to;

	assert_non_null(pkey);
	assert_non_null(mkdtemp(dir));
	snprintf(cert, 128, "%s/cert.pem", dir);
	snprintf(key, 128, "%s/key.pem", dir);
	x = make_cert(pkey, name);
	to = fopen(cert, "w");
	assert_non_null(to);
	assert_int_equal(PEM_write_X509(to, x), 1);
	fclose(to);
	to = fopen(key, "w");
	assert_non_null(to);
	assert_int_equal(PEM_write_PrivateKey(to, pkey, NULL, NULL, 0, NULL, NULL), 1);
	fclose(to);
	X509_free(x);
	EVP_PKEY_free(pkey);
}
