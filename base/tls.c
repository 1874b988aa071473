/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <string.h>
#include <unistd.h>

/* In order of preference. With the first (draft-ietf-tls-ecdhe-mlkem) and X25519 a client of ours
 * sends key shares. */
#define GROUPS "*X25519MLKEM768 / *X25519:P-256:P-384"

/* The oldest reason in OpenSSL's queue, which is then empty. */
static const char *reason(void)
{
	unsigned long e = ERR_get_error();
	const char *text = e ? ERR_reason_error_string(e) : NULL;

	ERR_clear_error();
	return text ? text : "unknown reason";
}

/* OpenSSL's reason for a file that cannot be opened is that of the system, without words. */
static int readable(const char *file, const char *what, struct err *err)
{
	int rc;

	if (faccessat(AT_FDCWD, file, R_OK, AT_EACCESS) == 0)
		return 0;
	rc = errno;
	err_set(err, -rc, "the file of %s cannot be read: %s", what, strerror(rc));
	err_where(err, "%s", file);
	if (rc == EACCES)
		err_mend(err, "give it to the user or the group that this program runs as");
	return -rc;
}

static int load_key(SSL_CTX *ctx, const struct tls_config *c, struct err *err)
{
	int rc = readable(c->cert_file, "the certificate", err);

	if (rc == 0)
		rc = readable(c->key_file, "the private key", err);
	if (rc != 0)
		return rc;
	if (SSL_CTX_use_certificate_chain_file(ctx, c->cert_file) != 1) {
		rc = err_set(err, -EINVAL, "the certificate cannot be used: %s", reason());
		err_where(err, "%s", c->cert_file);
		err_mend(err,
			 "give a PEM file with the certificate first and its issuers after it");
		return rc;
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, c->key_file, SSL_FILETYPE_PEM) != 1) {
		rc = err_set(err, -EINVAL, "the private key cannot be used: %s", reason());
		err_where(err, "%s", c->key_file);
		err_mend(err, "give the PEM file of the key that belongs to the certificate in %s",
			 c->cert_file);
		return rc;
	}
	return 0;
}

static int load_ca(SSL_CTX *ctx, const struct tls_config *c, struct err *err)
{
	STACK_OF(X509_NAME) * names;
	int rc = readable(c->ca_file, "the CA certificates", err);

	if (rc != 0)
		return rc;
	if (SSL_CTX_load_verify_file(ctx, c->ca_file) != 1) {
		rc = err_set(err, -EINVAL, "the CA certificates cannot be used: %s", reason());
		err_where(err, "%s", c->ca_file);
		err_mend(err, "give a PEM file of certificates");
		return rc;
	}
	if (!c->server)
		return 0;
	names = SSL_load_client_CA_file(c->ca_file);
	if (!names)
		return err_set(err, -EINVAL, "%s: %s", c->ca_file, reason());
	SSL_CTX_set_client_CA_list(ctx, names);
	return 0;
}

/* Protocol names as they go over the wire, each with its length before it. */
static size_t alpn_wire(const char *const *names, unsigned char *to, size_t size)
{
	size_t n = 0;
	size_t m;

	for (; names && *names; names++) {
		m = strlen(*names);
		if (m == 0 || m > 255 || n + m + 1 > size)
			continue;
		to[n] = (unsigned char)m;
		memcpy(to + n + 1, *names, m);
		n += m + 1;
	}
	return n;
}

struct alpn {
	unsigned n;
	unsigned char wire[64];
};

static void free_alpn(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	OPENSSL_free(ptr);
}

/* Our order of preference; where nothing is in common the handshake fails (RFC 7301 §3.2). */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
		       const unsigned char *in, unsigned in_n, void *arg)
{
	const struct alpn *a = arg;

	if (SSL_select_next_proto((unsigned char **)out, out_n, a->wire, a->n, in, in_n) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

static int set_alpn(SSL_CTX *ctx, const struct tls_config *c)
{
	static int slot = -1;
	struct alpn *a;

	if (slot < 0)
		slot = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_alpn);
	a = OPENSSL_zalloc(sizeof(*a));
	if (!a || slot < 0 || SSL_CTX_set_ex_data(ctx, slot, a) != 1) {
		OPENSSL_free(a);
		return -ENOMEM;
	}
	a->n = (unsigned)alpn_wire(c->alpn, a->wire, sizeof(a->wire));
	if (c->server)
		SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, a);
	else if (SSL_CTX_set_alpn_protos(ctx, a->wire, a->n) != 0)
		return -ENOMEM;
	return 0;
}

static void set_options(SSL_CTX *ctx, const struct tls_config *c)
{
	static const unsigned char id[] = "dep";

	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* TLS 1.2: only forward secrecy and authenticated encryption (RFC 9325 §4.2, RFC 9113
	 * §9.2.2). */
	SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20");
	if (c->server)
		SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1);
}

static int set_verify(SSL_CTX *ctx, const struct tls_config *c, struct err *err)
{
	int mode = SSL_VERIFY_NONE;

	if (c->require_client_cert && !c->ca_file)
		return err_set(err, -EINVAL,
			       "client certificates are required, but no ca_file says whose");
	if (!c->server || c->ca_file)
		mode = SSL_VERIFY_PEER;
	if (c->require_client_cert)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(ctx, mode, NULL);
	if (c->ca_file)
		return load_ca(ctx, c, err);
	if (!c->server)
		SSL_CTX_set_default_verify_paths(ctx);
	return 0;
}

SSL_CTX *tls_context(const struct tls_config *c, struct err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(c->server ? TLS_server_method() : TLS_client_method());
	int rc = 0;

	ERR_clear_error();
	if (!ctx) {
		err_set(err, -ENOMEM, "TLS: %s", reason());
		return NULL;
	}
	set_options(ctx, c);
	if (SSL_CTX_set1_groups_list(ctx, GROUPS) != 1)
		rc = err_set(err, -ENOTSUP, "TLS: this OpenSSL lacks X25519MLKEM768: %s", reason());
	if (rc == 0 && c->server && (!c->cert_file || !c->key_file))
		rc = err_set(err, -EINVAL, "a TLS server needs cert_file and key_file");
	if (rc == 0 && c->cert_file && c->key_file)
		rc = load_key(ctx, c, err);
	if (rc == 0)
		rc = set_verify(ctx, c, err);
	if (rc == 0 && c->alpn && set_alpn(ctx, c) != 0)
		rc = err_set(err, -ENOMEM, "no memory for ALPN");
	if (rc == 0)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

int tls_reload(SSL_CTX *ctx, const struct tls_config *c, struct err *err)
{
	/* Tried out first: a certificate without its key would leave ctx with neither. */
	SSL_CTX *trial = SSL_CTX_new(TLS_method());
	int rc;

	ERR_clear_error();
	if (!trial)
		return err_set(err, -ENOMEM, "TLS: %s", reason());
	rc = load_key(trial, c, err);
	SSL_CTX_free(trial);
	return rc == 0 ? load_key(ctx, c, err) : rc;
}
