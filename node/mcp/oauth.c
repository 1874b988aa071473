/* SPDX-License-Identifier: BSD-2-Clause */
/* The authorization code flow, and what leads to it. */
#include "base/buf.h"
#include "base/rng.h"
#include "node/mcp/oauth_priv.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

struct oauth *oauth_new(const struct oauth_params *p, struct err *err)
{
	struct oauth *o = calloc(1, sizeof(*o));

	if (!o) {
		err_set(err, -ENOMEM, "no memory for authorization");
		return NULL;
	}
	o->p = *p;
	if (oauth_load(o, err) == 0)
		return o;
	oauth_free(o);
	return NULL;
}

static void forget_copy(struct oauth *o)
{
	if (o->token)
		OPENSSL_cleanse(o->token, strlen(o->token));
	free(o->token);
	o->token = NULL;
}

void oauth_free(struct oauth *o)
{
	if (!o)
		return;
	forget_copy(o);
	yyjson_mut_doc_free(o->kept);
	free(o);
}

const char *oauth_token(struct oauth *o, const char *url)
{
	const char *token = oauth_text(oauth_kept(o, "tokens", url, false), "access_token");

	forget_copy(o);
	o->token = token ? strdup(token) : NULL;
	return o->token;
}

bool oauth_wants_more(const char *www_authenticate)
{
	struct challenge c;

	challenge_parse(www_authenticate, strlen(www_authenticate), &c);
	return c.bearer && strcmp(c.error, "insufficient_scope") == 0;
}

int oauth_forget(struct oauth *o, const char *url, struct err *err)
{
	oauth_drop(o, "tokens", url);
	return oauth_save(o, err);
}

/* --- scopes --- */

static bool has_word(const char *list, const char *word, size_t n)
{
	const char *p = list;

	while (*p) {
		size_t len = strcspn(p, " ");

		if (len == n && strncmp(p, word, n) == 0)
			return true;
		p += len;
		p += strspn(p, " ");
	}
	return false;
}

static void add_words(char *list, size_t size, const char *words)
{
	size_t at = strlen(list);

	while (words && *words) {
		size_t n = strcspn(words, " ");

		if (n > 0 && !has_word(list, words, n) && at + n + 2 <= size) {
			if (at > 0)
				list[at++] = ' ';
			memcpy(list + at, words, n);
			at += n;
			list[at] = '\0';
		}
		words += n;
		words += strspn(words, " ");
	}
}

/* What to ask for: what the challenge names, else all that the resource has; together with what was
 * asked for before. */
static void choose_scope(struct oauth *o, const char *url, const struct oauth_server *s,
			 const struct challenge *c, int status, char *scope, size_t size)
{
	yyjson_mut_val *kept = oauth_kept(o, "tokens", url, false);

	scope[0] = '\0';
	if (o->p.scope)
		add_words(scope, size, o->p.scope);
	else if (c->has_scope && c->scope[0])
		add_words(scope, size, c->scope);
	else
		add_words(scope, size, s->resource_scopes);
	if (status == 403)
		add_words(scope, size, oauth_text(kept, "asked"));
	if (scope[0] && s->offline && o->p.refresh)
		add_words(scope, size, "offline_access");
}

/* --- the code --- */

static void base64url(const uint8_t *p, size_t n, char *to)
{
	size_t i;
	size_t len = (size_t)EVP_EncodeBlock((unsigned char *)to, p, (int)n);

	while (len > 0 && to[len - 1] == '=')
		len--;
	to[len] = '\0';
	for (i = 0; i < len; i++)
		to[i] = to[i] == '+' ? '-' : to[i] == '/' ? '_' : to[i];
}

struct flow {
	char verifier[64];
	char challenge[64];
	char state[64];
	char scope[2048];
	char code[2048];
};

static void flow_init(struct flow *f)
{
	uint8_t random[32];
	uint8_t digest[32];

	rng_os_bytes(random, sizeof(random));
	base64url(random, sizeof(random), f->verifier);
	SHA256((const uint8_t *)f->verifier, strlen(f->verifier), digest);
	base64url(digest, sizeof(digest), f->challenge);
	rng_os_bytes(random, 16);
	base64url(random, 16, f->state);
	OPENSSL_cleanse(random, sizeof(random));
}

static int ask_user(struct oauth *o, const struct oauth_server *s, const struct oauth_client *c,
		    struct flow *f, char *back, size_t size, struct err *err)
{
	struct alloc a;
	struct buf b;
	int rc;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	buf_printf(&b, "%s%s", s->authorization_endpoint,
		   strchr(s->authorization_endpoint, '?') ? "&" : "?");
	buf_printf(&b, "response_type=code");
	form_add(&b, "client_id", c->id);
	form_add(&b, "redirect_uri", o->p.redirect_uri);
	form_add(&b, "code_challenge", f->challenge);
	buf_printf(&b, "&code_challenge_method=S256");
	form_add(&b, "state", f->state);
	form_add(&b, "resource", s->resource);
	if (f->scope[0])
		form_add(&b, "scope", f->scope);
	buf_u8(&b, 0);
	rc = b.failed ? err_set(err, -ENOMEM, "no memory for authorization")
		      : o->p.authorize(o->p.ctx, (const char *)b.p, back, size, err);
	buf_free(&b);
	return rc;
}

/* A parameter of the URL that came back; false: not there, or more than once. */
static bool query(const char *url, const char *name, char *to, size_t size)
{
	const char *p = strchr(url, '?');
	size_t len = strlen(name);
	bool found = false;
	char *value;
	int n;

	for (; p; p = strchr(p + 1, '&')) {
		if (strncmp(p + 1, name, len) != 0 || p[1 + len] != '=')
			continue;
		if (found)
			return false;
		value = curl_easy_unescape(NULL, p + 2 + len, (int)strcspn(p + 2 + len, "&#"), &n);
		if (value && n >= 0 && (size_t)n < size && strlen(value) == (size_t)n) {
			memcpy(to, value, (size_t)n + 1);
			found = true;
		}
		curl_free(value);
	}
	return found;
}

/* What came back is from the server that was asked, and for this question (RFC 9207, RFC 6749
 * §10.12). */
static int check_back(const struct oauth_server *s, struct flow *f, const char *back,
		      struct err *err)
{
	char iss[1024] = "";
	char text[512] = "";
	bool has_iss = query(back, "iss", iss, sizeof(iss));

	if (!query(back, "state", text, sizeof(text)) || strlen(text) != strlen(f->state) ||
	    CRYPTO_memcmp(text, f->state, strlen(text)) != 0)
		return err_set(err, -EPERM,
			       "the browser came back with an answer to another question");
	if (has_iss ? strcmp(iss, s->issuer) != 0 : s->iss || strstr(back, "iss=") != NULL) {
		err_set(err, -EPERM, "the answer is not from %.100s, but from %.60s", s->issuer,
			has_iss ? iss : "someone who does not say who");
		err_mend(err, "the code was not used; something between may be hostile");
		return -EPERM;
	}
	if (query(back, "error", text, sizeof(text)))
		return err_set(err, -EACCES, "the authorization server says: %.100s", text);
	if (!query(back, "code", f->code, sizeof(f->code)))
		return err_set(err, -EPROTO, "the browser came back without a code");
	return 0;
}

static int authorize(struct oauth *o, const char *url, const struct oauth_server *s,
		     const struct oauth_client *c, struct flow *f, struct err *err)
{
	struct alloc a;
	struct buf form;
	char back[8192];
	int rc;

	if (!s->s256)
		return err_set(err, -EPERM,
			       "the authorization server does not offer PKCE (S256), without which "
			       "codes can be stolen");
	if (!o->p.authorize || !s->authorization_endpoint[0]) {
		err_set(err, -EACCES, "a user has to agree first");
		err_where(err, "%s", url);
		err_mend(err, "dep login URL");
		return -EACCES;
	}
	flow_init(f);
	rc = ask_user(o, s, c, f, back, sizeof(back), err);
	if (rc == 0)
		rc = check_back(s, f, back, err);
	OPENSSL_cleanse(back, sizeof(back));
	if (rc != 0)
		return rc;
	alloc_init(&a, 0);
	buf_init(&form, &a);
	buf_printf(&form, "grant_type=authorization_code");
	form_add(&form, "code", f->code);
	form_add(&form, "redirect_uri", o->p.redirect_uri);
	form_add(&form, "code_verifier", f->verifier);
	form_add(&form, "resource", s->resource);
	rc = oauth_ask_token(o, url, s, c, &form, f->scope, err);
	if (form.p)
		OPENSSL_cleanse(form.p, form.n);
	buf_free(&form);
	return rc;
}

/* --- renewing --- */

static int renew(struct oauth *o, const char *url, const struct oauth_server *s,
		 const struct oauth_client *c)
{
	yyjson_mut_val *kept = oauth_kept(o, "tokens", url, false);
	const char *token = oauth_text(kept, "refresh_token");
	const char *issuer = oauth_text(kept, "issuer");
	char asked[2048];
	struct alloc a;
	struct buf form;
	int rc;

	if (!token || !issuer || strcmp(issuer, s->issuer) != 0)
		return -ENOENT;
	snprintf(asked, sizeof(asked), "%s",
		 oauth_text(kept, "asked") ? oauth_text(kept, "asked") : "");
	alloc_init(&a, 0);
	buf_init(&form, &a);
	buf_printf(&form, "grant_type=refresh_token");
	form_add(&form, "refresh_token", token);
	form_add(&form, "resource", s->resource);
	rc = oauth_ask_token(o, url, s, c, &form, asked, NULL);
	if (form.p)
		OPENSSL_cleanse(form.p, form.n);
	buf_free(&form);
	return rc;
}

static int by_ourselves(struct oauth *o, const char *url, const struct oauth_server *s,
			const struct oauth_client *c, const char *scope, struct err *err)
{
	struct alloc a;
	struct buf form;
	int rc;

	alloc_init(&a, 0);
	buf_init(&form, &a);
	buf_printf(&form, "grant_type=client_credentials");
	form_add(&form, "resource", s->resource);
	if (scope[0])
		form_add(&form, "scope", scope);
	rc = oauth_ask_token(o, url, s, c, &form, scope, err);
	buf_free(&form);
	return rc;
}

int oauth_challenge(struct oauth *o, const char *url, int status, const char *www_authenticate,
		    struct err *err)
{
	yyjson_mut_val *kept = oauth_kept(o, "tokens", url, false);
	struct oauth_server server;
	struct oauth_client client;
	struct challenge c;
	struct flow flow = {0};
	int rc;

	challenge_parse(www_authenticate, strlen(www_authenticate), &c);
	rc = oauth_discover(o, url, &c, oauth_text(kept, "issuer"), &server, err);
	if (rc == 0)
		rc = oauth_identify(o, &server, &client, err);
	if (rc != 0)
		return rc;
	choose_scope(o, url, &server, &c, status, flow.scope, sizeof(flow.scope));
	if (o->p.client_credentials) {
		rc = by_ourselves(o, url, &server, &client, flow.scope, err);
	} else {
		rc = status == 401 ? renew(o, url, &server, &client) : -ENOENT;
		if (rc != 0)
			rc = authorize(o, url, &server, &client, &flow, err);
	}
	OPENSSL_cleanse(&client, sizeof(client));
	OPENSSL_cleanse(&flow, sizeof(flow));
	return rc;
}
