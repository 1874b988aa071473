/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the OAuth client share. */
#ifndef DEP_NODE_MCP_OAUTH_PRIV_H
#define DEP_NODE_MCP_OAUTH_PRIV_H

#include "base/json.h"
#include "node/mcp/challenge.h"
#include "node/mcp/fetch.h"
#include "node/mcp/oauth.h"

struct oauth {
	struct oauth_params p;
	/* {"clients": {issuer: {client_id, client_secret?, method?}},
	 *  "tokens": {resource URL: {issuer, access_token, refresh_token?, scope?, expires?}}} */
	yyjson_mut_doc *kept;
	char *token; /* what oauth_token gave last */
};

/* What was found out about where to get a token. */
struct oauth_server {
	char resource[1024]; /* exactly as its metadata says */
	char issuer[1024];
	char authorization_endpoint[1024];
	char token_endpoint[1024];
	char registration_endpoint[1024];
	char resource_scopes[2048]; /* scopes_supported of the resource, or "" */
	bool has_resource_scopes;
	bool metadata_ids; /* client_id_metadata_document_supported */
	bool iss;	   /* authorization_response_iss_parameter_supported */
	bool s256;
	bool offline;		     /* offline_access is one of its scopes */
	bool basic, post, none; /* token_endpoint_auth_methods_supported */
};

struct oauth_client {
	char id[1024];
	char secret[1024];
	char method[32]; /* client_secret_basic, client_secret_post, none */
};

/* oauth_discover.c. preferred: an issuer that is taken where it is one of several, or NULL. */
int oauth_discover(const struct oauth *o, const char *url, const struct challenge *c,
		   const char *preferred, struct oauth_server *s, struct err *err);
/* oauth_client.c: who we are to s. */
int oauth_identify(struct oauth *o, const struct oauth_server *s, struct oauth_client *c,
		   struct err *err);

/* oauth_store.c */
int oauth_load(struct oauth *o, struct err *err);
int oauth_save(const struct oauth *o, struct err *err);
/* The object of kind "clients" or "tokens" under key; make: create it. NULL: not there. */
yyjson_mut_val *oauth_kept(struct oauth *o, const char *kind, const char *key, bool make);
void oauth_drop(struct oauth *o, const char *kind, const char *key);
const char *oauth_text(yyjson_mut_val *obj, const char *key);
void oauth_set(struct oauth *o, yyjson_mut_val *obj, const char *key, const char *value);

/* oauth_token.c */
struct buf;
void form_add(struct buf *b, const char *name, const char *value);
/* Asks the token endpoint with form (without authentication of the client, which is added) and
 * keeps the answer for url. */
int oauth_ask_token(struct oauth *o, const char *url, const struct oauth_server *s,
		    const struct oauth_client *c, struct buf *form, const char *scope,
		    struct err *err);

/* Reads the body of f as a JSON object. */
yyjson_doc *oauth_json(const struct fetched *f, const char *url, struct err *err);

#endif
