/* SPDX-License-Identifier: BSD-2-Clause */
/* Bearer tokens, the console's login and the metadata of the protected resource (spec §2.7). A token is tried as one of our
 * own (console sessions), then as one of the tokens file, then as an access token of the configured issuers. */
#include "proto/netops/daemon/front_priv.h"

#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "proto/netops/auth/auth.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define SESSION_S (12 * 3600) /* of a console login */
#define OWN_ISSUER "urn:depanneur:console"
#define OWN_RESOURCE "urn:depanneur:node"

struct auth {
	struct auth_signer *signer; /* made at each start: sessions end with the process */
	struct auth_keys *keys;
	struct auth_tokens *tokens;
	struct auth_users *users;
	struct auth_limit limit;
	bool busy; /* a password is being looked at, by the worker */
};

static const struct auth_rules own_rules = {.issuer = OWN_ISSUER, .resource = OWN_RESOURCE};

int front_auth_open(struct front *f, const char *state_dir, struct err *err)
{
	uint8_t seed[32];

	f->auth = calloc(1, sizeof(*f->auth));
	if (!f->auth || getrandom(seed, sizeof(seed), 0) != sizeof(seed) ||
	    getrandom(&f->auth->limit.seed, sizeof(f->auth->limit.seed), 0) != sizeof(f->auth->limit.seed))
		return err_set(err, -ENOMEM, "no memory or no random numbers");
	f->auth->signer = auth_signer_new(seed, err);
	OPENSSL_cleanse(seed, sizeof(seed));
	return f->auth->signer ? 0 : err->code;
}

void front_auth_close(struct front *f)
{
	if (!f->auth)
		return;
	auth_signer_free(f->auth->signer);
	auth_keys_free(f->auth->keys);
	auth_tokens_free(f->auth->tokens);
	auth_users_free(f->auth->users);
	free(f->auth);
	f->auth = NULL;
}

/* Where a file cannot be read what was known before stays. */
void front_auth_load(struct front *f)
{
	const struct settings *s = &f->settings;
	struct auth *a = f->auth;
	struct auth_tokens *tokens = NULL;
	struct auth_users *users = NULL;
	struct auth_keys *keys = NULL;
	struct err err = {0};

	if (s->jwks_file && !(keys = auth_keys_load(s->jwks_file, &err)))
		log_err(LOG_LEVEL_ERROR, &err);
	if (s->tokens_file && !(tokens = auth_tokens_load(s->tokens_file, &err)))
		log_err(LOG_LEVEL_ERROR, &err);
	if (s->users_file && !a->busy && !(users = auth_users_load(s->users_file, &err)))
		log_err(LOG_LEVEL_ERROR, &err);
	if (keys || !s->jwks_file) {
		auth_keys_free(a->keys);
		a->keys = keys;
	}
	if (tokens || !s->tokens_file) {
		auth_tokens_free(a->tokens);
		a->tokens = tokens;
	}
	if (!a->busy && (users || !s->users_file)) {
		auth_users_free(a->users);
		a->users = users;
	}
}

/* ---- Tokens ---- */

static bool known_token(struct front *f, struct slice token, int64_t now, struct principal *p)
{
	const struct auth *a = f->auth;
	struct auth_rules rules = {.resource = f->settings.resource};
	unsigned i;

	if (auth_jwt_verify(auth_signer_keys(a->signer), &own_rules, token, now, p, NULL) == 0)
		return true;
	if (a->tokens && auth_tokens_find(a->tokens, token, now, p) == 0)
		return true;
	for (i = 0; a->keys && rules.resource && f->settings.issuer[i]; i++) {
		rules.issuer = f->settings.issuer[i];
		if (auth_jwt_verify(a->keys, &rules, token, now, p, NULL) == 0)
			return true;
	}
	return false;
}

unsigned front_bearer(struct front *f, struct http_req *r, struct principal *p)
{
	const struct http_peer *peer = http_peer(r);
	struct slice token;

	if (!auth_bearer(http_header(r, "authorization"), &token) || token.n > AUTH_TOKEN_BYTES)
		return 401;
	if (!known_token(f, token, time(NULL), p))
		return 401;
	snprintf(p->transport, sizeof(p->transport), "%s", peer->tls ? "https" : "http");
	snprintf(p->addr, sizeof(p->addr), "%s", peer->text);
	return 0;
}

/* Our own URI for clients: as configured, or by the name that the client called us. */
static void resource_of(const struct front *f, struct http_req *r, char *to, size_t n)
{
	if (f->settings.resource)
		snprintf(to, n, "%s", f->settings.resource);
	else
		snprintf(to, n, "%s://%s/mcp", http_peer(r)->tls ? "https" : "http", http_authority(r));
}

/* RFC 9728 §3.1: the well-known path stands between authority and path. */
static void metadata_url(const char *resource, char *to, size_t n)
{
	const char *authority = strstr(resource, "://");
	const char *path = authority ? strchr(authority + 3, '/') : NULL;
	int head = path ? (int)(path - resource) : (int)strlen(resource);

	snprintf(to, n, "%.*s/.well-known/oauth-protected-resource%s", head, resource, path ? path : "");
}

void front_challenge(void *ctx, struct http_req *r, unsigned status, unsigned scopes, char *to, size_t n)
{
	struct front *f = ctx;
	const char *given = http_header(r, "authorization");
	enum auth_why why = status == 403 ? AUTH_SCOPE : given ? AUTH_INVALID : AUTH_MISSING;
	char resource[512];
	char url[640];
	struct buf b;

	if (http_peer(r)->is_unix) {
		snprintf(to, n, "Bearer");
		return;
	}
	resource_of(f, r, resource, sizeof(resource));
	metadata_url(resource, url, sizeof(url));
	buf_fixed(&b, to, n);
	auth_challenge(&b, why, scopes ? scopes : SCOPE_READ, url);
	buf_u8(&b, 0);
	if (b.failed)
		snprintf(to, n, "Bearer");
}

void front_well_known(struct front *f, struct http_req *r)
{
	static const struct http_field type[] = {{"content-type", "application/json"}, {"cache-control", "max-age=300"}};
	static const char place[] = "/.well-known/oauth-protected-resource";
	const char *path = http_path(r);
	char resource[512];
	struct alloc a;
	struct buf b;

	if (strncmp(path, place, sizeof(place) - 1) != 0 ||
	    (path[sizeof(place) - 1] && strcmp(path + sizeof(place) - 1, "/mcp") != 0) || !f->settings.issuer[0]) {
		http_reply_text(r, 404, "there is no such metadata here\n");
		return;
	}
	alloc_init(&a, 0);
	buf_init(&b, &a);
	resource_of(f, r, resource, sizeof(resource));
	if (auth_metadata(&b, resource, f->settings.issuer) == 0)
		http_reply(r, 200, type, 2, buf_slice(&b));
	else
		http_reply_text(r, 500, "no memory\n");
	buf_free(&b);
}

/* ---- The console's login ---- */

struct login {
	uv_work_t work;
	struct front *f;
	struct http_req *r; /* NULL: gone */
	char user[128];
	char password[256];
	char addr[64];
	struct principal p;
	int64_t now;
	int64_t wait;
	int rc;
};

static void reply_json(struct http_req *r, unsigned status, const char *fmt, const char *text)
{
	static const struct http_field type[] = {{"content-type", "application/json"}, {"cache-control", "no-store"}};
	struct alloc a;
	struct buf b;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	buf_printf(&b, fmt, text);
	http_reply(r, status, type, 2, buf_slice(&b));
	buf_free(&b);
}

static void check_password(uv_work_t *w)
{
	struct login *l = container_of(w, struct login, work);
	struct slice password = slice_of(l->password, strlen(l->password));

	l->rc = auth_login(l->f->auth->users, &l->f->auth->limit, l->user, password, l->addr, l->now, &l->p, &l->wait);
	OPENSSL_cleanse(l->password, sizeof(l->password));
}

static void send_session(struct login *l)
{
	struct alloc a;
	struct buf token;

	alloc_init(&a, 0);
	buf_init(&token, &a);
	if (auth_sign(l->f->auth->signer, &own_rules, &l->p, l->now, SESSION_S, &token) == 0) {
		buf_u8(&token, 0);
		reply_json(l->r, 200, "{\"token\":\"%s\"}", (const char *)token.p);
		OPENSSL_cleanse(token.p, token.n);
	} else {
		reply_json(l->r, 500, "{\"error\":\"%s\"}", "no memory");
	}
	buf_free(&token);
}

static void checked(uv_work_t *w, int status)
{
	struct login *l = container_of(w, struct login, work);
	struct front *f = l->f;
	char text[96];

	f->auth->busy = false;
	log_notice(l->rc == 0 ? "login" : "login refused", LOG_TEXT("user", l->user), LOG_TEXT("from", l->addr));
	if (l->r && l->rc == 0) {
		send_session(l);
	} else if (l->r && l->rc == -EAGAIN) {
		snprintf(text, sizeof(text), "Too many tries; wait %lld seconds.", (long long)l->wait);
		reply_json(l->r, 429, "{\"error\":\"%s\"}", text);
	} else if (l->r) {
		reply_json(l->r, 403, "{\"error\":\"%s\"}", "User or password is wrong.");
	}
	free(l);
	if (f->waits)
		front_waited(f);
}

static void login_gone(struct http_req *r)
{
	struct login *l = http_ctx(r);

	if (l)
		l->r = NULL;
}

static bool read_login(struct slice body, struct login *l)
{
	yyjson_doc *doc = json_parse((const char *)body.p, body.n, 4096, NULL, NULL);
	yyjson_val *user = yyjson_obj_get(yyjson_doc_get_root(doc), "user");
	yyjson_val *password = yyjson_obj_get(yyjson_doc_get_root(doc), "password");
	bool ok = yyjson_is_str(user) && yyjson_is_str(password) && yyjson_get_len(user) < sizeof(l->user) &&
		  yyjson_get_len(password) < sizeof(l->password);

	if (ok) {
		memcpy(l->user, yyjson_get_str(user), yyjson_get_len(user));
		memcpy(l->password, yyjson_get_str(password), yyjson_get_len(password));
	}
	yyjson_doc_free(doc);
	return ok;
}

static void login_body(struct http_req *r, struct slice body)
{
	struct front *f = http_ctx(r);
	struct login *l = calloc(1, sizeof(*l));

	http_set_ctx(r, NULL);
	if (!l || !read_login(body, l)) {
		free(l);
		reply_json(r, 400, "{\"error\":\"%s\"}", "Send {\\\"user\\\": …, \\\"password\\\": …}.");
		return;
	}
	if (f->auth->busy) {
		free(l);
		reply_json(r, 503, "{\"error\":\"%s\"}", "Another login is under way; try again.");
		return;
	}
	l->f = f;
	l->r = r;
	l->now = time(NULL);
	snprintf(l->addr, sizeof(l->addr), "%s", http_peer(r)->text);
	http_set_ctx(r, l);
	http_watch(r, (struct http_watch){.closed = login_gone});
	f->auth->busy = uv_queue_work(f->loop, &l->work, check_password, checked) == 0;
}

void front_login(struct front *f, struct http_req *r)
{
	static const struct http_field allow = {"allow", "POST"};

	if (!slice_eq(http_method(r), SLICE_LIT("POST"))) {
		http_reply(r, 405, &allow, 1, (struct slice){0});
	} else if (!f->auth->users) {
		reply_json(r, 403, "{\"error\":\"%s\"}", "This node has no users; see server/authorization/users-file.");
	} else {
		http_body_limit(r, 4096);
		http_set_ctx(r, f);
		http_body(r, login_body);
	}
}

bool front_auth_busy(const struct front *f)
{
	return f->auth && f->auth->busy;
}
