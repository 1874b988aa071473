/* SPDX-License-Identifier: BSD-2-Clause */
/* Key sets. A key serves one algorithm, which its own type decides. */
#include "proto/netops/auth/auth_priv.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdlib.h>

#define RSA_BITS 2048
#define RSA_BYTES 1024 /* 8192 bits */

static bool is(yyjson_val *obj, const char *name, const char *value)
{
	return yyjson_equals_str(yyjson_obj_get(obj, name), value);
}

/* Bytes of a base64url member: their number, or -1. */
static long member(yyjson_val *obj, const char *name, uint8_t *to, size_t size)
{
	yyjson_val *v = yyjson_obj_get(obj, name);

	return yyjson_is_str(v)
		       ? auth_b64_decode(slice_of(yyjson_get_str(v), yyjson_get_len(v)), to, size)
		       : -1;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	if (ctx && params && EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return pkey;
}

static EVP_PKEY *ec_key(yyjson_val *k)
{
	uint8_t point[65] = {POINT_CONVERSION_UNCOMPRESSED};
	char group[] = "P-256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_end(),
	};

	if (!is(k, "crv", "P-256") || member(k, "x", point + 1, 32) != 32 ||
	    member(k, "y", point + 33, 32) != 32)
		return NULL;
	return from_params("EC", params);
}

static EVP_PKEY *okp_key(yyjson_val *k)
{
	uint8_t x[32];

	if (!is(k, "crv", "Ed25519") || member(k, "x", x, sizeof(x)) != 32)
		return NULL;
	return EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, x, sizeof(x));
}

static EVP_PKEY *rsa_key(yyjson_val *k)
{
	uint8_t n[RSA_BYTES];
	uint8_t e[8];
	long n_len = member(k, "n", n, sizeof(n));
	long e_len = member(k, "e", e, sizeof(e));
	OSSL_PARAM_BLD *bld;
	OSSL_PARAM *params;
	EVP_PKEY *pkey;
	BIGNUM *bn;
	BIGNUM *be;

	if (n_len < RSA_BITS / 8 || e_len < 1)
		return NULL;
	bld = OSSL_PARAM_BLD_new();
	bn = BN_bin2bn(n, (int)n_len, NULL);
	be = BN_bin2bn(e, (int)e_len, NULL);
	params = NULL;
	/* Even moduli and exponents of 1 are no keys. */
	if (bld && bn && be && BN_num_bits(bn) >= RSA_BITS && BN_is_odd(bn) && BN_is_odd(be) &&
	    !BN_is_one(be) && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be) == 1)
		params = OSSL_PARAM_BLD_to_param(bld);
	pkey = from_params("RSA", params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	BN_free(bn);
	BN_free(be);
	return pkey;
}

/* Whether the key may verify signatures, as far as it says (RFC 7517 §4.2, §4.3). */
static bool for_signatures(yyjson_val *k)
{
	yyjson_val *use = yyjson_obj_get(k, "use");
	yyjson_val *ops = yyjson_obj_get(k, "key_ops");
	yyjson_val *op;
	size_t max;
	size_t i;

	if (use && !yyjson_equals_str(use, "sig"))
		return false;
	if (!ops)
		return true;
	yyjson_arr_foreach(ops, i, max, op) if (yyjson_equals_str(op, "verify")) return true;
	return false;
}

static bool read_key(yyjson_val *k, struct auth_key *to)
{
	yyjson_val *alg = yyjson_obj_get(k, "alg");
	yyjson_val *kid = yyjson_obj_get(k, "kid");

	*to = (struct auth_key){0};
	if (!yyjson_is_obj(k) || !auth_json_unique(k) || !for_signatures(k))
		return false;
	if (kid && !auth_copy_name(kid, to->kid, sizeof(to->kid)))
		return false;
	if (is(k, "kty", "EC"))
		to->alg = AUTH_ES256;
	else if (is(k, "kty", "RSA"))
		to->alg = AUTH_RS256;
	else if (is(k, "kty", "OKP"))
		to->alg = AUTH_EDDSA;
	if (to->alg == AUTH_NO_ALG)
		return false;
	if (alg && !yyjson_equals_str(alg, auth_alg_name(to->alg)) &&
	    !(to->alg == AUTH_EDDSA && yyjson_equals_str(alg, "Ed25519")))
		return false;
	to->pkey = to->alg == AUTH_ES256   ? ec_key(k)
		   : to->alg == AUTH_RS256 ? rsa_key(k)
					   : okp_key(k);
	ERR_clear_error();
	return to->pkey != NULL;
}

struct auth_keys *auth_keys_parse(const char *text, size_t n, struct err *err)
{
	yyjson_doc *doc = NULL;
	yyjson_val *keys = auth_open(text, n, "key set", "keys", &doc, err);
	struct auth_keys *set = keys ? calloc(1, sizeof(*set)) : NULL;
	bool private = false;
	yyjson_val *k;
	size_t max;
	size_t i;

	yyjson_arr_foreach(keys, i, max, k)
	{
		private |= yyjson_obj_get(k, "d") != NULL;
		if (set && set->n < AUTH_KEYS && read_key(k, &set->key[set->n]))
			set->n++;
	}
	yyjson_doc_free(doc);
	if (!set)
		return NULL;
	if (private)
		err_set(err, -EINVAL,
			"the key set holds a private key, which nobody but its owner may have");
	else if (set->n == 0)
		err_set(err, -EINVAL,
			"the key set holds no key for ES256, RS256 or EdDSA signatures");
	if (!private && set->n > 0)
		return set;
	auth_keys_free(set);
	return NULL;
}

struct auth_keys *auth_keys_load(const char *path, struct err *err)
{
	struct auth_keys *set = NULL;
	struct alloc a;
	struct buf b;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	if (auth_read_file(path, &b, err) == 0) {
		set = auth_keys_parse((const char *)b.p, b.n, err);
		if (!set)
			err_where(err, "%s", path);
	}
	buf_free(&b);
	return set;
}

void auth_keys_free(struct auth_keys *k)
{
	unsigned i;

	for (i = 0; k && i < k->n; i++)
		EVP_PKEY_free(k->key[i].pkey);
	free(k);
}

unsigned auth_keys_count(const struct auth_keys *k)
{
	return k->n;
}
