/* SPDX-License-Identifier: BSD-2-Clause */
/* Signatures over tokens. */
#include "proto/netops/auth/auth_priv.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>

#define SIGNATURE_BYTES 1024
#define HEADER_BYTES 2048

const char *auth_alg_name(enum auth_alg a)
{
	static const char *const names[] = {"", "ES256", "RS256", "EdDSA"};

	return names[a];
}

struct parts {
	struct slice header;
	struct slice payload;
	struct slice signature;
	struct slice signed_part;
};

/* Exactly two dots. */
static bool split(struct slice t, struct parts *p)
{
	const uint8_t *one = memchr(t.p, '.', t.n);
	const uint8_t *end = t.p + t.n;
	const uint8_t *two = one ? memchr(one + 1, '.', (size_t)(end - one - 1)) : NULL;

	if (!two || memchr(two + 1, '.', (size_t)(end - two - 1)))
		return false;
	p->header = slice_of(t.p, (size_t)(one - t.p));
	p->payload = slice_of(one + 1, (size_t)(two - one - 1));
	p->signature = slice_of(two + 1, (size_t)(end - two - 1));
	p->signed_part = slice_of(t.p, (size_t)(two - t.p));
	return true;
}

struct header {
	enum auth_alg alg;
	bool has_kid;
	char kid[128];
};

static int read_header(yyjson_val *h, struct header *to, struct err *err)
{
	yyjson_val *alg = yyjson_obj_get(h, "alg");
	yyjson_val *kid = yyjson_obj_get(h, "kid");

	if (!yyjson_is_obj(h) || !auth_json_unique(h))
		return err_set(err, -EINVAL,
			       "the token's header is not an object with one value a name");
	if (yyjson_obj_get(h, "crit"))
		return err_set(err, -EACCES,
			       "the token has critical header parameters, and none is known here");
	if (yyjson_equals_str(alg, "ES256"))
		to->alg = AUTH_ES256;
	else if (yyjson_equals_str(alg, "RS256"))
		to->alg = AUTH_RS256;
	else if (yyjson_equals_str(alg, "EdDSA") || yyjson_equals_str(alg, "Ed25519"))
		to->alg = AUTH_EDDSA;
	else
		return err_set(err, -EACCES,
			       "the token's algorithm is none of ES256, RS256, EdDSA");
	to->has_kid = kid != NULL;
	if (kid && !auth_copy_name(kid, to->kid, sizeof(to->kid)))
		return err_set(err, -EINVAL, "the token's kid is not a name");
	return 0;
}

static int parse_header(struct slice b64, struct header *to, struct err *err)
{
	uint8_t text[HEADER_BYTES];
	long n = auth_b64_decode(b64, text, sizeof(text));
	yyjson_doc *doc;
	int rc;

	if (n < 0)
		return err_set(err, -EINVAL, "the token's header is not base64url");
	doc = json_parse((const char *)text, (size_t)n, sizeof(text), NULL, NULL);
	if (!doc)
		return err_set(err, -EINVAL, "the token's header is not JSON");
	rc = read_header(yyjson_doc_get_root(doc), to, err);
	yyjson_doc_free(doc);
	return rc;
}

/* r and s side by side (RFC 7518 §3.4), as OpenSSL wants them. Length, or -1. */
static int ecdsa_der(const uint8_t *raw, long n, uint8_t *to, size_t size)
{
	ECDSA_SIG *sig = n == 64 ? ECDSA_SIG_new() : NULL;
	BIGNUM *r = sig ? BN_bin2bn(raw, 32, NULL) : NULL;
	BIGNUM *s = sig ? BN_bin2bn(raw + 32, 32, NULL) : NULL;
	int len = -1;

	if (!r || !s || ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
	} else if ((size_t)i2d_ECDSA_SIG(sig, NULL) <= size) {
		len = i2d_ECDSA_SIG(sig, &to);
	}
	ECDSA_SIG_free(sig);
	return len;
}

static bool check(const struct auth_key *k, struct slice text, const uint8_t *sig, long n)
{
	const char *digest = k->alg == AUTH_EDDSA ? NULL : "SHA256";
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[80];
	bool good = false;

	if (k->alg == AUTH_ES256) {
		n = ecdsa_der(sig, n, der, sizeof(der));
		sig = der;
	}
	if (ctx && n > 0 &&
	    EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, k->pkey, NULL) == 1)
		good = EVP_DigestVerify(ctx, sig, (size_t)n, text.p, text.n) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}

static bool any_key(const struct auth_keys *k, const struct header *h, struct slice text,
		    const uint8_t *sig, long n)
{
	unsigned fit = 0;
	unsigned i;

	for (i = 0; i < k->n; i++)
		fit += k->key[i].alg == h->alg;
	if (!h->has_kid && fit != 1)
		return false;
	for (i = 0; i < k->n; i++) {
		if (k->key[i].alg != h->alg || (h->has_kid && strcmp(k->key[i].kid, h->kid) != 0))
			continue;
		if (check(&k->key[i], text, sig, n))
			return true;
	}
	return false;
}

int auth_jws_verify(const struct auth_keys *k, struct slice token, struct buf *payload,
		    struct err *err)
{
	uint8_t sig[SIGNATURE_BYTES];
	struct header h = {0};
	struct parts p;
	uint8_t *to;
	long n;
	int rc;

	if (token.n > AUTH_TOKEN_BYTES || token.n == 0 || !split(token, &p))
		return err_set(err, -EINVAL, "not a token of three parts");
	rc = parse_header(p.header, &h, err);
	if (rc != 0)
		return rc;
	n = auth_b64_decode(p.signature, sig, sizeof(sig));
	if (n < 0)
		return err_set(err, -EINVAL, "the token's signature is not base64url");
	if (!any_key(k, &h, p.signed_part, sig, n))
		return err_set(err, -EACCES, "no key that is known here has signed the token");
	to = buf_add(payload, p.payload.n / 4 * 3 + 3);
	if (!to)
		return err_set(err, -ENOMEM, "no memory");
	payload->n -= p.payload.n / 4 * 3 + 3;
	n = auth_b64_decode(p.payload, to, p.payload.n / 4 * 3 + 3);
	if (n < 0)
		return err_set(err, -EINVAL, "the token's payload is not base64url");
	payload->n += (size_t)n;
	return 0;
}
