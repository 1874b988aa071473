/* SPDX-License-Identifier: BSD-2-Clause */
/* The token endpoint. */
#include "base/buf.h"
#include "node/mcp/oauth_priv.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

void form_add(struct buf *b, const char *name, const char *value)
{
	char *coded = curl_easy_escape(NULL, value, (int)strlen(value));

	if (coded)
		buf_printf(b, "&%s=%s", name, coded);
	else
		b->failed = true;
	if (coded)
		OPENSSL_cleanse(coded, strlen(coded));
	curl_free(coded);
}

/* Authorization: Basic, of the form-encoded id and secret (RFC 6749 §2.3.1). */
static int basic(const struct oauth_client *c, char *to, size_t size)
{
	char *id = curl_easy_escape(NULL, c->id, 0);
	char *secret = curl_easy_escape(NULL, c->secret, 0);
	char pair[4096];
	int n = -1;

	if (id && secret)
		n = snprintf(pair, sizeof(pair), "%s:%s", id, secret);
	curl_free(id);
	if (secret)
		OPENSSL_cleanse(secret, strlen(secret));
	curl_free(secret);
	if (n < 0 || (size_t)n >= sizeof(pair) || 4 * ((size_t)n + 2) / 3 + 32 > size)
		return -E2BIG;
	n = snprintf(to, size, "Authorization: Basic ") < 0 ? -1 : n;
	EVP_EncodeBlock((unsigned char *)to + strlen(to), (unsigned char *)pair, n);
	OPENSSL_cleanse(pair, sizeof(pair));
	return 0;
}

static int keep(struct oauth *o, const char *url, const struct oauth_server *s, yyjson_val *root,
		const char *asked, struct err *err)
{
	const char *token = yyjson_get_str(yyjson_obj_get(root, "access_token"));
	const char *type = yyjson_get_str(yyjson_obj_get(root, "token_type"));
	const char *refresh = yyjson_get_str(yyjson_obj_get(root, "refresh_token"));
	const char *scope = yyjson_get_str(yyjson_obj_get(root, "scope"));
	yyjson_mut_val *kept;
	size_t n;

	if (!token || !type || strcasecmp(type, "Bearer") != 0)
		return err_set(err, -EPROTO, "the token endpoint gives no bearer token");
	n = strlen(token);
	if (n == 0 || n > 7000 ||
	    strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			  "0123456789-._~+/=") != n)
		return err_set(err, -EPROTO,
			       "the token endpoint gives a token that cannot be sent");
	kept = oauth_kept(o, "tokens", url, true);
	oauth_set(o, kept, "issuer", s->issuer);
	oauth_set(o, kept, "access_token", token);
	if (refresh)
		oauth_set(o, kept, "refresh_token", refresh);
	oauth_set(o, kept, "asked", asked && asked[0] ? asked : NULL);
	oauth_set(o, kept, "scope", scope);
	return oauth_save(o, err);
}

static int refused(const struct fetched *got, const char *url, struct err *err)
{
	yyjson_doc *doc = oauth_json(got, url, NULL);
	const char *error = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), "error"));

	err_set(err, -EACCES, "no token: %.100s (HTTP status %d)", error ? error : "refused",
		got->status);
	err_where(err, "%s", url);
	yyjson_doc_free(doc);
	return -EACCES;
}

int oauth_ask_token(struct oauth *o, const char *url, const struct oauth_server *s,
		    const struct oauth_client *c, struct buf *form, const char *scope,
		    struct err *err)
{
	char authorization[6000] = "";
	const char *fields[] = {authorization, NULL};
	struct fetch f = {.url = s->token_endpoint, .ca_file = o->p.ca_file};
	struct fetched got;
	yyjson_doc *doc;
	int rc = 0;

	if (strcmp(c->method, "client_secret_basic") == 0) {
		rc = basic(c, authorization, sizeof(authorization));
		f.header = fields;
	} else {
		form_add(form, "client_id", c->id);
		if (strcmp(c->method, "client_secret_post") == 0)
			form_add(form, "client_secret", c->secret);
	}
	buf_u8(form, 0);
	if (form->failed || rc != 0)
		return err_set(err, -ENOMEM, "no memory for a token");
	f.form = (const char *)form->p;
	rc = fetch(&f, &got, err);
	OPENSSL_cleanse(authorization, sizeof(authorization));
	if (rc != 0)
		return rc;
	if (got.status != 200) {
		rc = refused(&got, s->token_endpoint, err);
	} else {
		doc = oauth_json(&got, s->token_endpoint, err);
		rc = doc ? keep(o, url, s, yyjson_doc_get_root(doc), scope, err) : -EPROTO;
		yyjson_doc_free(doc);
	}
	fetched_free(&got);
	return rc;
}
