/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS of a connection: OpenSSL reads from the shared read buffer and writes into the connection's
 * queue, by a BIO of our own, so that no record is copied through a memory BIO. */
#include "base/http_priv.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>

/* So much is encrypted ahead of the socket. */
#define WIRE_BYTES 131072

static int bio_read(BIO *b, char *to, int n)
{
	struct http_conn *c = BIO_get_data(b);
	size_t m = c->tls_in.n < (size_t)n ? c->tls_in.n : (size_t)n;

	BIO_clear_retry_flags(b);
	if (m == 0) {
		BIO_set_retry_read(b);
		return -1;
	}
	slice_copy(&c->tls_in, to, m);
	return (int)m;
}

static int bio_write(BIO *b, const char *p, int n)
{
	struct http_conn *c = BIO_get_data(b);

	http_out_add(&c->wire, c->s, p, (size_t)n);
	return c->wire.failed ? -1 : n;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	return cmd == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *method(void)
{
	static BIO_METHOD *m;

	if (m)
		return m;
	m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "http");
	if (m) {
		BIO_meth_set_read(m, bio_read);
		BIO_meth_set_write(m, bio_write);
		BIO_meth_set_ctrl(m, bio_ctrl);
	}
	return m;
}

void http_tls_start(struct http_conn *c)
{
	BIO *b = method() ? BIO_new(method()) : NULL;

	c->ssl = SSL_new(c->s->config.tls);
	if (!b || !c->ssl) {
		BIO_free(b);
		http_conn_lose(c);
		return;
	}
	BIO_set_data(b, c);
	BIO_set_init(b, 1);
	SSL_set_bio(c->ssl, b, b);
	SSL_set_accept_state(c->ssl);
	c->handshake = true;
}

/* True: done. */
static bool shake(struct http_conn *c)
{
	const unsigned char *alpn;
	unsigned n;
	int rc = SSL_do_handshake(c->ssl);

	if (rc != 1) {
		if (SSL_get_error(c->ssl, rc) == SSL_ERROR_WANT_READ)
			return false;
		/* The alert is in the queue; then it ends. */
		c->s->stats.tls_failures++;
		c->no_more = true;
		c->handshake = false;
		c->tls_in = (struct slice){0};
		return false;
	}
	c->handshake = false;
	SSL_get0_alpn_selected(c->ssl, &alpn, &n);
	if (n == 2 && memcmp(alpn, "h2", 2) == 0) {
		http2_init(c);
	} else if (n > 0) {
		c->proto = HTTP_PROTO_1;
		http1_init(c);
	}
	c->since = http_now(c->s);
	return true;
}

void http_tls_input(struct http_conn *c, const uint8_t *p, size_t n)
{
	struct http_server *s = c->s;
	int m = 0;

	if (c->lost || c->tls_failed || c->linger)
		return;
	ERR_clear_error();
	c->tls_in = slice_of(p, n);
	if (c->handshake && !shake(c)) {
		c->tls_failed = !c->handshake;
		return;
	}
	while (!c->lost) {
		m = SSL_read(c->ssl, s->plain, sizeof(s->plain));
		if (m <= 0)
			break;
		http_conn_input(c, s->plain, (size_t)m);
	}
	if (c->lost || m > 0)
		return;
	m = SSL_get_error(c->ssl, m);
	if (m == SSL_ERROR_ZERO_RETURN) {
		c->eof = true;
	} else if (m != SSL_ERROR_WANT_READ) {
		s->stats.tls_failures++;
		c->lost = true;
	}
	c->tls_in = (struct slice){0};
}

void http_tls_output(struct http_conn *c)
{
	struct http_server *s = c->s;
	long n;
	int m;

	if (c->handshake || c->tls_failed)
		return;
	ERR_clear_error();
	while (!http_out_empty(&c->out) && c->wire.bytes < WIRE_BYTES && !c->wire.failed) {
		struct http_chunk *k = c->out.first;

		if (k->fd == -1) {
			m = SSL_write(c->ssl, k->data + k->from, (int)(k->to - k->from));
			if (m > 0)
				http_out_drop(&c->out, s, (size_t)m);
		} else {
			n = http_out_take(&c->out, s, s->plain, 16384);
			m = n > 0 ? SSL_write(c->ssl, s->plain, (int)n) : -1;
		}
		if (m <= 0) {
			c->lost = true;
			return;
		}
	}
}

void http_tls_shutdown(struct http_conn *c)
{
	uint64_t moved = 0;

	if (c->tls_failed || c->handshake)
		return;
	ERR_clear_error();
	SSL_shutdown(c->ssl);
	http_out_send(&c->wire, c->s, c->fd, &moved);
	http_out_free(&c->wire, c->s);
}
