/* SPDX-License-Identifier: BSD-2-Clause */
/* Bearer tokens from a file, which holds their hashes only: who reads it has no token. */
#include "proto/netops/auth/auth_priv.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>

struct entry {
	uint8_t hash[SHA256_DIGEST_LENGTH];
	int64_t expires; /* 0: never */
	struct principal p;
};

struct auth_tokens {
	size_t n;
	struct entry entry[];
};

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_hash(yyjson_val *v, uint8_t to[SHA256_DIGEST_LENGTH])
{
	const char *s = yyjson_get_str(v);
	size_t i;

	if (!s || yyjson_get_len(v) != 2 * SHA256_DIGEST_LENGTH)
		return false;
	for (i = 0; i < SHA256_DIGEST_LENGTH; i++) {
		if (nibble(s[2 * i]) < 0 || nibble(s[2 * i + 1]) < 0)
			return false;
		to[i] = (uint8_t)(nibble(s[2 * i]) << 4 | nibble(s[2 * i + 1]));
	}
	return true;
}

static const char *read_entry(yyjson_val *v, struct entry *e)
{
	yyjson_val *client = yyjson_obj_get(v, "client");
	yyjson_val *expires = yyjson_obj_get(v, "expires");

	if (!yyjson_is_obj(v) || !auth_json_unique(v))
		return "is not an object with one value a name";
	if (!read_hash(yyjson_obj_get(v, "sha256"), e->hash))
		return "has no sha256 of 64 hexadecimal digits";
	if (!auth_copy_name(yyjson_obj_get(v, "user"), e->p.user, sizeof(e->p.user)))
		return "has no user";
	if (client && !auth_copy_name(client, e->p.client, sizeof(e->p.client)))
		return "has a client that is no name";
	if (!auth_copy_groups(yyjson_obj_get(v, "groups"), &e->p))
		return "has groups that are not a list of at most 16 names";
	if (!auth_copy_scopes(yyjson_obj_get(v, "scopes"), &e->p))
		return "has scopes that are no text or list of texts";
	if (expires && !yyjson_is_uint(expires))
		return "has an expiry that is not a number of seconds";
	e->expires = (int64_t)(yyjson_get_uint(expires) & INT64_MAX);
	return NULL;
}

struct auth_tokens *auth_tokens_parse(const char *text, size_t n, const char *origin,
				      struct err *err)
{
	yyjson_doc *doc = NULL;
	yyjson_val *arr = auth_open(text, n, origin, "tokens", &doc, err);
	struct auth_tokens *t;
	const char *wrong = NULL;
	yyjson_val *v;
	size_t max;
	size_t i;

	if (!arr)
		return NULL;
	t = calloc(1, sizeof(*t) + yyjson_arr_size(arr) * sizeof(t->entry[0]));
	yyjson_arr_foreach(arr, i, max, v)
	{
		if (t && !wrong)
			wrong = read_entry(v, &t->entry[t->n++]);
	}
	if (wrong) {
		err_set(err, -EINVAL, "token %zu %s", t->n, wrong);
		err_where(err, "%s", origin ? origin : "");
		auth_tokens_free(t);
		t = NULL;
	} else if (!t) {
		err_set(err, -ENOMEM, "no memory");
	}
	yyjson_doc_free(doc);
	return t;
}

struct auth_tokens *auth_tokens_load(const char *path, struct err *err)
{
	struct auth_tokens *t = NULL;
	struct alloc a;
	struct buf b;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	if (auth_read_file(path, &b, err) == 0)
		t = auth_tokens_parse((const char *)b.p, b.n, path, err);
	buf_free(&b);
	return t;
}

void auth_tokens_free(struct auth_tokens *t)
{
	free(t);
}

int auth_tokens_find(const struct auth_tokens *t, struct slice token, int64_t now,
		     struct principal *p)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	const struct entry *found = NULL;
	struct principal q;
	size_t i;

	if (token.n == 0 || token.n > AUTH_TOKEN_BYTES)
		return -EACCES;
	SHA256(token.p, token.n, hash);
	for (i = 0; i < t->n; i++)
		if (CRYPTO_memcmp(hash, t->entry[i].hash, sizeof(hash)) == 0)
			found = &t->entry[i];
	OPENSSL_cleanse(hash, sizeof(hash));
	if (!found || (found->expires != 0 && now >= found->expires))
		return -EACCES;
	q = found->p;
	memcpy(q.transport, p->transport, sizeof(q.transport));
	memcpy(q.addr, p->addr, sizeof(q.addr));
	memcpy(q.session, p->session, sizeof(q.session));
	*p = q;
	return 0;
}
