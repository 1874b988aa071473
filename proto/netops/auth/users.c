/* SPDX-License-Identifier: BSD-2-Clause */
/* Local users, their passwords, and how often one may guess. */
#include "proto/netops/auth/auth_priv.h"
#include "base/hash.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

/* 32 MiB and about 0.1 s a guess. */
#define LOG2N 15
#define BLOCK 8
#define PARALLEL 1
#define MAX_MEM (160u << 20)

struct scrypt {
	unsigned log2n;
	unsigned r;
	unsigned p;
	uint8_t salt[16];
	uint8_t hash[32];
};

struct user {
	struct principal p;
	struct scrypt pass;
};

struct auth_users {
	size_t n;
	struct user user[];
};

static int derive(struct slice password, const struct scrypt *s, uint8_t out[32])
{
	int ok = EVP_PBE_scrypt((const char *)password.p, password.n, s->salt, sizeof(s->salt),
				1ull << s->log2n, s->r, s->p, MAX_MEM, out, 32);

	ERR_clear_error();
	return ok == 1 ? 0 : -ENOMEM;
}

int auth_password_hash(struct slice password, const uint8_t salt[16], char to[AUTH_HASH_BYTES])
{
	struct scrypt s = {.log2n = LOG2N, .r = BLOCK, .p = PARALLEL};
	struct buf b;

	memcpy(s.salt, salt, sizeof(s.salt));
	if (derive(password, &s, s.hash) != 0)
		return -ENOMEM;
	buf_fixed(&b, to, AUTH_HASH_BYTES);
	buf_printf(&b, "scrypt:%u:%u:%u:", s.log2n, s.r, s.p);
	auth_b64_encode(&b, s.salt, sizeof(s.salt));
	buf_u8(&b, ':');
	auth_b64_encode(&b, s.hash, sizeof(s.hash));
	buf_u8(&b, 0);
	OPENSSL_cleanse(&s, sizeof(s));
	return b.failed ? -ENOSPC : 0;
}

static bool read_password(yyjson_val *v, struct scrypt *s)
{
	char salt[24];
	char hash[44];
	const char *text = yyjson_get_str(v);
	int used = 0;

	if (!text || yyjson_get_len(v) >= AUTH_HASH_BYTES ||
	    sscanf(text, "scrypt:%2u:%2u:%2u:%22[^:]:%43[^:]%n", &s->log2n, &s->r, &s->p, salt,
		   hash, &used) != 5 ||
	    (size_t)used != yyjson_get_len(v))
		return false;
	if (s->log2n < 10 || s->log2n > 17 || s->r < 1 || s->r > 8 || s->p < 1 || s->p > 4)
		return false;
	return auth_b64_decode(slice_of(salt, strlen(salt)), s->salt, sizeof(s->salt)) ==
		       sizeof(s->salt) &&
	       auth_b64_decode(slice_of(hash, strlen(hash)), s->hash, sizeof(s->hash)) ==
		       sizeof(s->hash);
}

static const char *read_user(yyjson_val *v, struct user *u)
{
	if (!yyjson_is_obj(v) || !auth_json_unique(v))
		return "is not an object with one value a name";
	if (!auth_copy_name(yyjson_obj_get(v, "user"), u->p.user, sizeof(u->p.user)))
		return "has no name";
	if (!read_password(yyjson_obj_get(v, "password"), &u->pass))
		return "has no password of the form scrypt:LOG2N:R:P:SALT:HASH";
	if (!auth_copy_groups(yyjson_obj_get(v, "groups"), &u->p))
		return "has groups that are not a list of at most 16 names";
	if (!auth_copy_scopes(yyjson_obj_get(v, "scopes"), &u->p))
		return "has scopes that are no text or list of texts";
	return NULL;
}

static const struct user *find(const struct auth_users *u, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(u->user[i].p.user, name) == 0)
			return &u->user[i];
	return NULL;
}

struct auth_users *auth_users_parse(const char *text, size_t n, const char *origin, struct err *err)
{
	yyjson_doc *doc = NULL;
	yyjson_val *arr = auth_open(text, n, origin, "users", &doc, err);
	const char *wrong = NULL;
	struct auth_users *u;
	yyjson_val *v;
	size_t max;
	size_t i;

	if (!arr)
		return NULL;
	u = calloc(1, sizeof(*u) + yyjson_arr_size(arr) * sizeof(u->user[0]));
	yyjson_arr_foreach(arr, i, max, v)
	{
		if (!u || wrong)
			continue;
		wrong = read_user(v, &u->user[u->n]);
		if (!wrong && find(u, u->n, u->user[u->n].p.user))
			wrong = "is there twice";
		u->n++;
	}
	if (wrong) {
		err_set(err, -EINVAL, "user %zu %s", u->n, wrong);
		err_where(err, "%s", origin ? origin : "");
		auth_users_free(u);
		u = NULL;
	} else if (!u) {
		err_set(err, -ENOMEM, "no memory");
	}
	yyjson_doc_free(doc);
	return u;
}

struct auth_users *auth_users_load(const char *path, struct err *err)
{
	struct auth_users *u = NULL;
	struct alloc a;
	struct buf b;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	if (auth_read_file(path, &b, err) == 0)
		u = auth_users_parse((const char *)b.p, b.n, path, err);
	OPENSSL_cleanse(b.p, b.n);
	buf_free(&b);
	return u;
}

void auth_users_free(struct auth_users *u)
{
	if (u)
		OPENSSL_cleanse(u->user, u->n * sizeof(u->user[0]));
	free(u);
}

static uint64_t name_hash(const struct auth_limit *l, char kind, const char *name)
{
	uint64_t high = hash_bytes(name, strlen(name), l->seed + (uint8_t)kind);

	return high << 32 | hash_bytes(name, strlen(name), ~l->seed - (uint8_t)kind);
}

/* When all tries of a user or an address are back; *at: its place, or that of the oldest of the
 * four it may have. */
static int64_t look(const struct auth_limit *l, uint64_t who, size_t *at)
{
	size_t place;
	unsigned i;

	for (i = 0; i < 4; i++) {
		place = (size_t)(who >> (16 * i)) % AUTH_SLOTS;
		if (i == 0 || l->slot[place].full_at < l->slot[*at].full_at)
			*at = place;
		if (l->slot[place].who == who) {
			*at = place;
			return l->slot[place].full_at;
		}
	}
	return 0;
}

/* Seconds until there is another try, 0: now. */
static int64_t wait_of(const struct auth_limit *l, char kind, const char *name, int64_t now)
{
	size_t at = 0;
	int64_t w = look(l, name_hash(l, kind, name), &at) - now - (AUTH_TRIES - 1) * AUTH_RETRY;

	return w > 0 ? w : 0;
}

static void count(struct auth_limit *l, char kind, const char *name, int64_t now)
{
	uint64_t who = name_hash(l, kind, name);
	size_t at = 0;
	int64_t full_at = look(l, who, &at);

	l->slot[at].who = who;
	l->slot[at].full_at = (full_at > now ? full_at : now) + AUTH_RETRY;
}

int auth_login(const struct auth_users *u, struct auth_limit *l, const char *user,
	       struct slice password, const char *addr, int64_t now, struct principal *p,
	       int64_t *wait)
{
	static const struct user nobody = {.pass = {.log2n = LOG2N, .r = BLOCK, .p = PARALLEL}};
	int64_t of_addr = wait_of(l, 'a', addr, now);
	const struct user *found = find(u, u->n, user);
	uint8_t hash[32] = {0};
	bool good;

	*wait = wait_of(l, 'u', user, now);
	if (of_addr > *wait)
		*wait = of_addr;
	if (*wait > 0)
		return -EAGAIN;
	good = derive(password, found ? &found->pass : &nobody.pass, hash) == 0;
	good &= CRYPTO_memcmp(hash, found ? found->pass.hash : nobody.pass.hash, sizeof(hash)) == 0;
	OPENSSL_cleanse(hash, sizeof(hash));
	if (!good || !found) {
		count(l, 'u', user, now);
		count(l, 'a', addr, now);
		return -EACCES;
	}
	memcpy(p->user, found->p.user, sizeof(p->user));
	memcpy(p->group, found->p.group, sizeof(p->group));
	p->n_groups = found->p.n_groups;
	p->scopes = found->p.scopes;
	snprintf(p->client, sizeof(p->client), "login");
	p->recovery = false;
	return 0;
}
