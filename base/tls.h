/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS 1.2 and 1.3 over memory buffers (OpenSSL 3.5), for servers and clients on a libuv loop: records go in and out as
 * bytes, so that sockets stay the caller's. Key agreement prefers X25519MLKEM768, ALPN is offered as asked. */
#ifndef DEP_TLS_H
#define DEP_TLS_H

#include "base/err.h"

#include <openssl/ssl.h>
#include <stdbool.h>

/* What a listener or dialer shares among its connections. */
struct tls_config {
	const char *cert_file; /* PEM chain; a server needs it */
	const char *key_file;  /* PEM */
	const char *ca_file;   /* PEM: server: asks clients for certificates of these; client: trusts these, not the system's */
	const char *const *alpn; /* in order of preference, ended by NULL; NULL: none */
	bool require_client_cert;
	bool server;
};

/* NULL and err (file, reason, mend). Release with SSL_CTX_free. */
SSL_CTX *tls_context(const struct tls_config *c, struct err *err);
/* Reads certificate and key again, for connections made from now on. On a failure what was there stays. */
int tls_reload(SSL_CTX *ctx, const struct tls_config *c, struct err *err);

#endif
