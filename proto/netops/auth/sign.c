/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokens of our own: short-lived, signed with the node's key, verified like everybody's. */
#include "proto/netops/auth/auth_priv.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

static struct auth_signer *wrap(EVP_PKEY *pkey, struct err *err)
{
	struct auth_signer *s = calloc(1, sizeof(*s));
	uint8_t raw[32];
	size_t n = sizeof(raw);

	if (!s || EVP_PKEY_get_raw_public_key(pkey, raw, &n) != 1) {
		err_set(err, -ENOMEM, "no memory");
		EVP_PKEY_free(pkey);
		free(s);
		return NULL;
	}
	s->pkey = pkey;
	s->keys.n = 1;
	s->keys.key[0].alg = AUTH_EDDSA;
	s->keys.key[0].pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, raw, n);
	snprintf(s->keys.key[0].kid, sizeof(s->keys.key[0].kid), "node");
	if (s->keys.key[0].pkey)
		return s;
	err_set(err, -ENOMEM, "no memory");
	auth_signer_free(s);
	return NULL;
}

struct auth_signer *auth_signer_load(const char *path, struct err *err)
{
	FILE *f = fopen(path, "re");
	EVP_PKEY *pkey = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (f)
		fclose(f);
	else
		err_set(err, -errno, "cannot be read: %s", strerror(errno));
	ERR_clear_error();
	if (pkey && EVP_PKEY_is_a(pkey, "ED25519"))
		return wrap(pkey, err);
	EVP_PKEY_free(pkey);
	if (f)
		err_set(err, -EINVAL, "not an Ed25519 private key in PEM");
	err_where(err, "%s", path);
	err_mend(err, "make one with: openssl genpkey -algorithm ed25519 -out FILE");
	return NULL;
}

struct auth_signer *auth_signer_new(const uint8_t seed[32], struct err *err)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, seed, 32);

	if (pkey)
		return wrap(pkey, err);
	err_set(err, -EINVAL, "no key can be made of that seed");
	return NULL;
}

void auth_signer_free(struct auth_signer *s)
{
	if (!s)
		return;
	EVP_PKEY_free(s->keys.key[0].pkey);
	EVP_PKEY_free(s->pkey);
	free(s);
}

const struct auth_keys *auth_signer_keys(const struct auth_signer *s)
{
	return &s->keys;
}

/* Names of the scopes in bits, with a space between them. */
static void scope_text(struct buf *to, unsigned scopes)
{
	const char *sep = "";
	unsigned bit;

	for (bit = 1; bit <= SCOPE_ALL; bit <<= 1) {
		if (!(scopes & bit))
			continue;
		buf_printf(to, "%s%s", sep, scope_name((enum scope)bit));
		sep = " ";
	}
}

static char *claims(const struct auth_rules *rules, const struct principal *p, int64_t now,
		    int64_t ttl, size_t *n)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_val *groups;
	char scopes[256];
	struct buf b;
	char *text;
	unsigned i;

	yyjson_mut_doc_set_root(doc, root);
	buf_fixed(&b, scopes, sizeof(scopes));
	scope_text(&b, p->scopes);
	yyjson_mut_obj_add_str(doc, root, "iss", rules->issuer);
	yyjson_mut_obj_add_str(doc, root, "aud", rules->resource);
	yyjson_mut_obj_add_str(doc, root, "sub", p->user);
	if (p->client[0])
		yyjson_mut_obj_add_str(doc, root, "client_id", p->client);
	yyjson_mut_obj_add_strn(doc, root, "scope", scopes, b.n);
	yyjson_mut_obj_add_int(doc, root, "iat", now);
	yyjson_mut_obj_add_int(doc, root, "exp", now + ttl);
	groups = json_add_arr(doc, root, rules->groups_claim ? rules->groups_claim : "groups");
	for (i = 0; i < p->n_groups; i++)
		yyjson_mut_arr_add_str(doc, groups, p->group[i]);
	text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, n);
	yyjson_mut_doc_free(doc);
	return text;
}

int auth_sign(const struct auth_signer *s, const struct auth_rules *rules,
	      const struct principal *p, int64_t now, int64_t ttl, struct buf *to)
{
	static const char header[] = "{\"alg\":\"EdDSA\",\"kid\":\"node\",\"typ\":\"at+jwt\"}";
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t from = to->n;
	uint8_t sig[64];
	size_t sig_n = sizeof(sig);
	size_t n = 0;
	char *text = claims(rules, p, now, ttl, &n);
	int rc = -ENOMEM;

	auth_b64_encode(to, header, sizeof(header) - 1);
	buf_u8(to, '.');
	auth_b64_encode(to, text, n);
	if (text && ctx && !to->failed &&
	    EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, s->pkey, NULL) == 1 &&
	    EVP_DigestSign(ctx, sig, &sig_n, to->p + from, to->n - from) == 1) {
		buf_u8(to, '.');
		auth_b64_encode(to, sig, sig_n);
		rc = to->failed ? -ENOMEM : to->n - from > AUTH_TOKEN_BYTES ? -E2BIG : 0;
	}
	ERR_clear_error();
	EVP_MD_CTX_free(ctx);
	free(text);
	return rc;
}
