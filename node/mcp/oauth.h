/* SPDX-License-Identifier: BSD-2-Clause */
/* OAuth 2.1 client for MCP servers (spec §2.7, client side): finds the authorization server by the
 * protected resource's metadata (RFC 9728, RFC 8414, OpenID Discovery), identifies itself
 * (registered beforehand, by a metadata document, by dynamic registration), has the user agree in a
 * browser (PKCE S256, RFC 8707 resource, RFC 9207 iss), keeps and renews tokens. Credentials belong
 * to the issuer that gave them, tokens to the resource. None is ever printed. */
#ifndef DEP_NODE_MCP_OAUTH_H
#define DEP_NODE_MCP_OAUTH_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct oauth;

struct oauth_params {
	const char *client_name;  /* what the user reads: "dep on host" */
	const char *metadata_url; /* https URL that is our client_id where the server takes such
				     (CIMD), or NULL */
	const char *client_id;	  /* registered beforehand, or NULL */
	const char *client_secret;
	const char *issuer; /* of client_id; NULL: whichever is asked */
	const char *scope;  /* ask for these instead of what the server names, or NULL */
	const char *store; /* file for credentials and tokens (made with mode 0600), or NULL: memory
			      alone */
	const char *ca_file;
	bool refresh; /* ask for a refresh token where the server has such */
	/* Where the browser comes back to: "http://127.0.0.1:PORT/callback". */
	const char *redirect_uri;
	/* Shows url to the user and waits for the URL that the browser was sent to (redirect_uri
	 * with a query), into to. NULL: nobody can be asked. Returns 0 or a negative errno and err.
	 */
	int (*authorize)(void *ctx, const char *url, char *to, size_t size, struct err *err);
	/* No user agrees: client_id and client_secret are a program's own. */
	bool client_credentials;
	void *ctx;
};

/* NULL and err where the store cannot be read. The texts of p must live as long. */
struct oauth *oauth_new(const struct oauth_params *p, struct err *err);
void oauth_free(struct oauth *o);

/* The access token for url, or NULL. Valid until the next call. */
const char *oauth_token(struct oauth *o, const char *url);
/* Whether a 403 asks for more scopes. */
bool oauth_wants_more(const char *www_authenticate);
/* The server at url refused with status and WWW-Authenticate: gets a token that it should like, by
 * renewing or by asking the user. Returns 0: try again. Else a negative errno and err. */
int oauth_challenge(struct oauth *o, const char *url, int status, const char *www_authenticate,
		    struct err *err);
/* Forgets the token for url, in the store too. */
int oauth_forget(struct oauth *o, const char *url, struct err *err);

/* A listener on a loopback port for the browser (RFC 8252 §7.3): uri is what to register. */
struct oauth_listener {
	int fd;
	char uri[64];
};
int oauth_listen(struct oauth_listener *l, struct err *err);
/* Waits for the browser up to seconds; the URL that it asked for goes into to. */
int oauth_wait(struct oauth_listener *l, unsigned seconds, char *to, size_t size, struct err *err);
void oauth_unlisten(struct oauth_listener *l);

#endif
