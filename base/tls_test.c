/* SPDX-License-Identifier: BSD-2-Clause */
/* Contexts and their errors, what two of them agree on, and the server over TLS. */
#include "base/http_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static char cert[128];
static char key[128];
static char cert2[128];
static char key2[128];

static int setup(void **state)
{
	fixture_cert(cert, key, "localhost");
	fixture_cert(cert2, key2, "other");
	return 0;
}

static void remove_pair(char *c, char *k)
{
	unlink(c);
	unlink(k);
	*strrchr(c, '/') = '\0';
	rmdir(c);
}

static int teardown(void **state)
{
	remove_pair(cert, key);
	remove_pair(cert2, key2);
	return 0;
}

static const char *const h2_first[] = {"h2", "http/1.1", NULL};
static const char *const h1_only[] = {"http/1.1", NULL};
static const char *const strange[] = {"gopher", NULL};

static struct tls_config server_config(void)
{
	return (struct tls_config){
		.cert_file = cert, .key_file = key, .alpn = h2_first, .server = true};
}

static SSL_CTX *context(struct tls_config c)
{
	struct err err = {0};
	SSL_CTX *ctx = tls_context(&c, &err);

	if (!ctx)
		fail_msg("%s: %s", err.where, err.what);
	return ctx;
}

/* Hands over in memory, until neither goes on. True: both are done. */
static bool shake(SSL *a, SSL *b)
{
	unsigned i;
	int ra = 0;
	int rb = 0;

	for (i = 0; i < 20 && (ra != 1 || rb != 1); i++) {
		ra = SSL_do_handshake(a);
		rb = SSL_do_handshake(b);
	}
	ERR_clear_error();
	return ra == 1 && rb == 1;
}

static void pair(SSL_CTX *client, SSL_CTX *server, SSL **c, SSL **s)
{
	BIO *one;
	BIO *two;

	assert_int_equal(BIO_new_bio_pair(&one, 65536, &two, 65536), 1);
	*c = SSL_new(client);
	*s = SSL_new(server);
	SSL_set_bio(*c, one, one);
	SSL_set_bio(*s, two, two);
	SSL_set_connect_state(*c);
	SSL_set_accept_state(*s);
	SSL_set1_host(*c, "localhost");
}

static void test_what_is_agreed_on(void **state)
{
	SSL_CTX *sc = context(server_config());
	SSL_CTX *cc = context((struct tls_config){.ca_file = cert, .alpn = h2_first});
	const unsigned char *alpn;
	unsigned n;
	SSL *c;
	SSL *s;

	pair(cc, sc, &c, &s);
	assert_true(shake(c, s));
	assert_int_equal(SSL_version(c), TLS1_3_VERSION);
	assert_string_equal(SSL_get0_group_name(c), "X25519MLKEM768");
	SSL_get0_alpn_selected(c, &alpn, &n);
	assert_int_equal(n, 2);
	assert_memory_equal(alpn, "h2", 2);
	SSL_free(c);
	SSL_free(s);
	/* A client with TLS 1.2 and older groups gets what it can. */
	SSL_CTX_set_max_proto_version(cc, TLS1_2_VERSION);
	SSL_CTX_set1_groups_list(cc, "P-256");
	pair(cc, sc, &c, &s);
	assert_true(shake(c, s));
	assert_non_null(strstr(SSL_get_cipher_name(c), "ECDHE"));
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_set_min_proto_version(cc, 0);
	SSL_CTX_set_max_proto_version(cc, TLS1_1_VERSION);
	pair(cc, sc, &c, &s);
	assert_false(shake(c, s));
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(cc);
	SSL_CTX_free(sc);
}

static void test_alpn_without_a_common_protocol_fails(void **state)
{
	SSL_CTX *sc = context(server_config());
	SSL_CTX *cc = context((struct tls_config){.ca_file = cert, .alpn = strange});
	SSL *c;
	SSL *s;

	pair(cc, sc, &c, &s);
	assert_false(shake(c, s));
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(cc);
	SSL_CTX_free(sc);
}

static void test_a_client_checks_the_server(void **state)
{
	SSL_CTX *sc = context(server_config());
	SSL_CTX *cc = context((struct tls_config){.ca_file = cert2});
	SSL *c;
	SSL *s;

	pair(cc, sc, &c, &s);
	assert_false(shake(c, s)); /* signed by itself, and not trusted */
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(cc);
	SSL_CTX_free(sc);
	sc = context((struct tls_config){.cert_file = cert2, .key_file = key2, .server = true});
	cc = context((struct tls_config){.ca_file = cert2});
	pair(cc, sc, &c, &s);
	assert_false(shake(c, s)); /* trusted, but of another name */
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(cc);
	SSL_CTX_free(sc);
}

static void test_client_certificates(void **state)
{
	struct tls_config config = server_config();
	SSL_CTX *sc;
	SSL_CTX *cc;
	SSL *c;
	SSL *s;
	char byte;

	config.ca_file = cert2;
	config.require_client_cert = true;
	sc = context(config);
	cc = context((struct tls_config){.ca_file = cert, .cert_file = cert2, .key_file = key2});
	pair(cc, sc, &c, &s);
	assert_true(shake(c, s));
	assert_non_null(SSL_get0_peer_certificate(s));
	assert_int_equal(SSL_get_verify_result(s), X509_V_OK);
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(cc);
	/* None, or of somebody else. With TLS 1.3 the client learns it after its own end. */
	cc = context((struct tls_config){.ca_file = cert});
	pair(cc, sc, &c, &s);
	assert_false(shake(c, s));
	assert_true(SSL_read(c, &byte, 1) <= 0);
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(cc);
	cc = context((struct tls_config){.ca_file = cert, .cert_file = cert, .key_file = key});
	pair(cc, sc, &c, &s);
	assert_false(shake(c, s));
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(cc);
	SSL_CTX_free(sc);
	ERR_clear_error();
}

static void expect_error(struct tls_config c, const char *where)
{
	struct err err = {0};

	assert_null(tls_context(&c, &err));
	assert_true(err.code < 0);
	assert_true(err.what[0] != '\0');
	if (where)
		assert_string_equal(err.where, where);
	assert_int_equal(ERR_peek_error(), 0);
}

static void test_errors_name_the_file(void **state)
{
	struct tls_config c = server_config();

	c.cert_file = "/no/such/cert.pem";
	expect_error(c, "/no/such/cert.pem");
	c = server_config();
	c.key_file = key2; /* of another certificate */
	expect_error(c, key2);
	c = server_config();
	c.key_file = cert;
	expect_error(c, cert);
	c = server_config();
	c.ca_file = key;
	expect_error(c, key);
	c = server_config();
	c.key_file = NULL;
	expect_error(c, NULL);
	c = server_config();
	c.require_client_cert = true;
	expect_error(c, NULL);
}

static void expect_name(SSL_CTX *sc, const char *name)
{
	SSL_CTX *cc = context((struct tls_config){.ca_file = cert});
	char cn[64] = "";
	SSL *c;
	SSL *s;

	SSL_CTX_set_verify(cc, SSL_VERIFY_NONE, NULL);
	pair(cc, sc, &c, &s);
	assert_true(shake(c, s));
	X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(c)),
				  NID_commonName, cn, sizeof(cn));
	assert_string_equal(cn, name);
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(cc);
}

static void test_reload(void **state)
{
	struct tls_config c = server_config();
	struct err err = {0};
	SSL_CTX *sc = context(c);

	expect_name(sc, "localhost");
	c.cert_file = cert2;
	c.key_file = key2;
	assert_int_equal(tls_reload(sc, &c, &err), 0);
	expect_name(sc, "other");
	/* Half of a pair: what was there stays. */
	c.cert_file = cert;
	assert_true(tls_reload(sc, &c, &err) < 0);
	assert_string_equal(err.where, key2);
	expect_name(sc, "other");
	c.cert_file = "/no/such/cert.pem";
	assert_true(tls_reload(sc, &c, &err) < 0);
	expect_name(sc, "other");
	SSL_CTX_free(sc);
}

/* ---- Over sockets ---- */

static SSL *dial(struct fixture *f, SSL_CTX *cc)
{
	SSL *c = SSL_new(cc);
	uint64_t end = uv_hrtime() + (uint64_t)FIXTURE_MS * 1000000;

	SSL_set_fd(c, fixture_connect(f, f->tls_port));
	SSL_set1_host(c, "localhost");
	while (SSL_connect(c) != 1) {
		fixture_run(f, 1);
		assert_true(uv_hrtime() < end);
	}
	return c;
}

static void hang_up(SSL *c)
{
	close(SSL_get_fd(c));
	SSL_free(c);
	ERR_clear_error();
}

static void read_all(struct fixture *f, SSL *c, const char *until)
{
	uint64_t end = uv_hrtime() + (uint64_t)FIXTURE_MS * 1000000;
	char in[16384];
	int n;

	while (!until ||
	       !memmem(f->log.p ? f->log.p : (const void *)"", f->log.n, until, strlen(until))) {
		n = SSL_read(c, in, sizeof(in));
		if (n > 0) {
			buf_bytes(&f->log, in, (size_t)n);
			continue;
		}
		n = SSL_get_error(c, n);
		if (n == SSL_ERROR_ZERO_RETURN && !until)
			return;
		assert_int_equal(n, SSL_ERROR_WANT_READ);
		fixture_run(f, 1);
		assert_true(uv_hrtime() < end);
	}
}

static void test_http_over_tls(void **state)
{
	SSL_CTX *sc = context(server_config());
	SSL_CTX *cc = context((struct tls_config){.ca_file = cert, .alpn = h1_only});
	static const char ask[] =
		"GET /hello HTTP/1.1\r\nhost: a\r\n\r\nGET /hold HTTP/1.1\r\nhost: a\r\n\r\n";
	struct fixture f;
	SSL *c;
	size_t i;

	fixture_start(&f, (struct http_limits){0}, sc);
	SSL_CTX_free(sc);
	c = dial(&f, cc);
	for (i = 0; i < sizeof(ask) - 1; i++) {
		assert_int_equal(SSL_write(c, ask + i, 1), 1);
		fixture_run(&f, 0);
	}
	read_all(&f, c, "\r\n\r\nhello\n");
	fixture_until(&f, &f.requests, 2);
	assert_true(http_peer(f.held)->tls);
	assert_non_null(http_tls(f.held));
	http_reply_text(f.held, 200, "second\n");
	read_all(&f, c, "second\n");
	/* The end is said, not only made. */
	SSL_write(c, "GET /hello HTTP/1.0\r\n\r\n", 23);
	read_all(&f, c, NULL);
	assert_true(SSL_get_shutdown(c) & SSL_RECEIVED_SHUTDOWN);
	hang_up(c);
	SSL_CTX_free(cc);
	fixture_stop(&f);
}

static void test_much_over_tls(void **state)
{
	SSL_CTX *sc = context(server_config());
	SSL_CTX *cc = context((struct tls_config){.ca_file = cert});
	struct http_stats st;
	struct fixture f;
	SSL *c;

	fixture_start(&f, (struct http_limits){.queued_bytes = 100000}, sc);
	SSL_CTX_free(sc);
	c = dial(&f, cc);
	SSL_write(c, "GET /big?n=20000000 HTTP/1.0\r\n\r\n", 32);
	fixture_run(&f, 50);
	assert_true(f.left > 10000000);
	http_server_stats(f.server, &st);
	assert_true(st.memory < 1000000);
	read_all(&f, c, NULL);
	assert_true(f.log.n > 20000000);
	hang_up(c);
	c = dial(&f, cc);
	buf_clear(&f.log);
	SSL_write(c, "GET /file HTTP/1.0\r\n\r\n", 22);
	read_all(&f, c, NULL);
	assert_true(f.log.n > 200000 && f.log.n < 200500);
	hang_up(c);
	SSL_CTX_free(cc);
	fixture_stop(&f);
}

static void test_what_is_no_tls_is_closed(void **state)
{
	SSL_CTX *sc = context(server_config());
	struct http_stats st;
	struct fixture f;
	int fd;

	fixture_start(&f, (struct http_limits){.head_ms = 100}, sc);
	SSL_CTX_free(sc);
	fd = fixture_connect(&f, f.tls_port);
	fixture_send(&f, fd, "GET /hello HTTP/1.1\r\nhost: a\r\n\r\n", 32);
	fixture_read(&f, fd, &f.log, SIZE_MAX);
	assert_null(memmem(f.log.p ? f.log.p : (const void *)"", f.log.n, "HTTP", 4));
	close(fd);
	http_server_stats(f.server, &st);
	assert_int_equal(st.tls_failures, 1);
	/* A handshake that stands still. */
	fd = fixture_connect(&f, f.tls_port);
	fixture_send(&f, fd, "\026\003\001\002", 4);
	buf_clear(&f.log);
	assert_false(fixture_read(&f, fd, &f.log, SIZE_MAX));
	close(fd);
	http_server_stats(f.server, &st);
	assert_int_equal(st.timeouts, 1);
	assert_int_equal(f.requests, 0);
	fixture_stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_agreed_on),
		cmocka_unit_test(test_alpn_without_a_common_protocol_fails),
		cmocka_unit_test(test_a_client_checks_the_server),
		cmocka_unit_test(test_client_certificates),
		cmocka_unit_test(test_errors_name_the_file),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_http_over_tls),
		cmocka_unit_test(test_much_over_tls),
		cmocka_unit_test(test_what_is_no_tls_is_closed),
	};

	return cmocka_run_group_tests_name("tls", tests, setup, teardown);
}
