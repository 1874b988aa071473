/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/auth/auth_priv.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define NOW 1800000000
#define LIT(s) slice_of(s, strlen(s))

static const struct auth_rules rules = {.issuer = "https://as.example",
					.resource = "https://node.example/mcp"};

static struct alloc alloc;

/* ---- The examples of the standards ---- */

struct vector {
	const char *source;
	const char *keys;
	const char *token;
	const char *payload;
};

#define JOE "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"
#define JOE64                                                                                      \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
	"cnVlfQ"

static const struct vector vectors[] = {
	{"RFC 7515 A.2",
	 "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_"
	 "wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL"
	 "-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"
	 "bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV"
	 "MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"
	 "h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}]}",
	 "eyJhbGciOiJSUzI1NiJ9." JOE64
	 ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
	 "O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRF"
	 "diuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--"
	 "xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI"
	 "2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
	 JOE},
	{"RFC 7515 A.3",
	 "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
	 "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_"
	 "tue659LNpXW6pCyStikYjKIWI5a0\"}]}",
	 "eyJhbGciOiJFUzI1NiJ9." JOE64
	 ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
	 JOE},
	{"RFC 8037 A.4",
	 "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
	 "7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
	 "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
	 "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
	 "Example of Ed25519 signing"},
};

static struct auth_keys *keys_of(const char *text)
{
	struct err err = {0};
	struct auth_keys *k = auth_keys_parse(text, strlen(text), &err);

	if (!k)
		fail_msg("%s", err.what);
	return k;
}

static void test_vectors(void **state)
{
	struct buf b;
	size_t i;
	size_t at;

	buf_init(&b, &alloc);
	for (i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		const struct vector *v = &vectors[i];
		struct auth_keys *k = keys_of(v->keys);
		char *bad = strdup(v->token);

		buf_clear(&b);
		assert_int_equal(auth_jws_verify(k, LIT(v->token), &b, NULL), 0);
		assert_int_equal(b.n, strlen(v->payload));
		assert_memory_equal(b.p, v->payload, b.n);
		/* No byte of it can be another one. */
		for (at = 0; bad[at]; at++) {
			bad[at] ^= 1;
			assert_true(auth_jws_verify(k, LIT(bad), &b, NULL) < 0);
			bad[at] ^= 1;
		}
		/* Nor is a part of it a token. */
		for (at = 0; bad[at]; at++)
			assert_true(auth_jws_verify(k, slice_of(bad, at), &b, NULL) < 0);
		free(bad);
		auth_keys_free(k);
	}
	buf_free(&b);
}

/* ---- Tokens made here ---- */

struct maker {
	EVP_PKEY *ec;
	EVP_PKEY *rsa;
	EVP_PKEY *ed;
	struct auth_keys *keys;
	struct buf token;
	char *jwks;
};

static void b64_bn(struct buf *b, EVP_PKEY *k, const char *name, int size)
{
	uint8_t raw[512];
	BIGNUM *bn = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(k, name, &bn), 1);
	assert_true(BN_bn2binpad(bn, raw, size) == size);
	auth_b64_encode(b, raw, (size_t)size);
	BN_free(bn);
}

static void maker_init(struct maker *m)
{
	uint8_t raw[32];
	size_t n = sizeof(raw);
	struct buf b;

	*m = (struct maker){.ec = EVP_EC_gen("P-256"),
			    .rsa = EVP_RSA_gen(2048),
			    .ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
	buf_init(&m->token, &alloc);
	buf_init(&b, &alloc);
	buf_printf(&b, "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\",\"kid\":\"e\"},{\"kty\":\"EC\","
		       "\"crv\":\"P-256\",\"kid\":\"e\",\"use\":\"sig\",\"x\":\"");
	b64_bn(&b, m->ec, "qx", 32);
	buf_printf(&b, "\",\"y\":\"");
	b64_bn(&b, m->ec, "qy", 32);
	buf_printf(&b,
		   "\"},{\"kty\":\"RSA\",\"kid\":\"r\",\"alg\":\"RS256\",\"e\":\"AQAB\",\"n\":\"");
	b64_bn(&b, m->rsa, "n", 256);
	buf_printf(&b, "\"},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"o\",\"key_ops\":["
		       "\"verify\"],\"x\":\"");
	assert_int_equal(EVP_PKEY_get_raw_public_key(m->ed, raw, &n), 1);
	auth_b64_encode(&b, raw, n);
	buf_printf(&b, "\"}]}");
	buf_u8(&b, 0);
	m->jwks = strdup((char *)b.p);
	m->keys = keys_of(m->jwks);
	assert_int_equal(auth_keys_count(m->keys), 3);
	buf_free(&b);
}

static void maker_free(struct maker *m)
{
	EVP_PKEY_free(m->ec);
	EVP_PKEY_free(m->rsa);
	EVP_PKEY_free(m->ed);
	auth_keys_free(m->keys);
	buf_free(&m->token);
	free(m->jwks);
}

/* The signature as JWS has it. */
static void raw_sign(struct buf *t, EVP_PKEY *k)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[512];
	size_t n = sizeof(sig);

	EVP_DigestSignInit_ex(ctx, NULL, EVP_PKEY_is_a(k, "ED25519") ? NULL : "SHA256", NULL, NULL,
			      k, NULL);
	assert_int_equal(EVP_DigestSign(ctx, sig, &n, t->p, t->n), 1);
	EVP_MD_CTX_free(ctx);
	if (EVP_PKEY_is_a(k, "EC")) {
		const uint8_t *p = sig;
		ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &p, (long)n);

		BN_bn2binpad(ECDSA_SIG_get0_r(s), sig + 100, 32);
		BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + 132, 32);
		ECDSA_SIG_free(s);
		memmove(sig, sig + 100, 64);
		n = 64;
	}
	buf_u8(t, '.');
	auth_b64_encode(t, sig, n);
}

static struct slice make(struct maker *m, EVP_PKEY *k, const char *header, const char *claims)
{
	buf_clear(&m->token);
	auth_b64_encode(&m->token, header, strlen(header));
	buf_u8(&m->token, '.');
	auth_b64_encode(&m->token, claims, strlen(claims));
	raw_sign(&m->token, k);
	return buf_slice(&m->token);
}

#define ES "{\"alg\":\"ES256\",\"kid\":\"e\",\"typ\":\"at+jwt\"}"
#define CLAIMS(more)                                                                               \
	"{\"iss\":\"https://as.example\",\"aud\":\"https://node.example/"                          \
	"mcp\",\"sub\":\"ada\",\"exp\":1800000600" more "}"

static void test_what_a_token_gives(void **state)
{
	struct principal p = {
		.transport = "https", .addr = "192.0.2.1", .session = "s", .recovery = true};
	struct maker m;

	maker_init(&m);
	assert_int_equal(auth_jwt_verify(m.keys, &rules,
					 make(&m, m.ec, ES,
					      CLAIMS(",\"scope\":\"network:read unknown "
						     "network:commit\",\"client_id\":\"agent\","
						     "\"groups\":[\"operators\",\"night\"],\"nbf\":"
						     "1800000000,\"iat\":1799999999.5")),
					 NOW, &p, NULL),
			 0);
	assert_string_equal(p.user, "ada");
	assert_string_equal(p.client, "agent");
	assert_int_equal(p.n_groups, 2);
	assert_string_equal(p.group[1], "night");
	assert_int_equal(p.scopes, SCOPE_READ | SCOPE_COMMIT);
	assert_string_equal(p.transport, "https");
	assert_string_equal(p.session, "s");
	assert_false(p.recovery);
	/* The other algorithms, scp, an audience among others, no kid where one key fits. */
	assert_int_equal(
		auth_jwt_verify(
			m.keys, &rules,
			make(&m, m.rsa, "{\"alg\":\"RS256\"}",
			     "{\"iss\":\"https://as.example\",\"aud\":[\"x\",\"https://"
			     "node.example/mcp\"],\"sub\":\"b\","
			     "\"exp\":1800000600,\"scp\":[\"network:audit\"],\"azp\":\"c\"}"),
			NOW, &p, NULL),
		0);
	assert_int_equal(p.scopes, SCOPE_AUDIT);
	assert_int_equal(p.n_groups, 0);
	assert_string_equal(p.client, "c");
	assert_int_equal(
		auth_jwt_verify(m.keys, &rules,
				make(&m, m.ed, "{\"alg\":\"EdDSA\",\"kid\":\"o\"}", CLAIMS("")),
				NOW, &p, NULL),
		0);
	assert_int_equal(p.scopes, 0);
	maker_free(&m);
}

struct bad {
	const char *what;
	const char *header;
	const char *claims;
};

static const struct bad bad[] = {
	{"none", "{\"alg\":\"none\"}", CLAIMS("")},
	{"None", "{\"alg\":\"None\"}", CLAIMS("")},
	{"no algorithm", "{\"kid\":\"e\"}", CLAIMS("")},
	{"HMAC with the public key", "{\"alg\":\"HS256\",\"kid\":\"e\"}", CLAIMS("")},
	{"algorithm of another key", "{\"alg\":\"RS256\",\"kid\":\"e\"}", CLAIMS("")},
	{"algorithm of another key, without kid", "{\"alg\":\"EdDSA\"}", CLAIMS("")},
	{"unknown kid", "{\"alg\":\"ES256\",\"kid\":\"x\"}", CLAIMS("")},
	{"kid is no text", "{\"alg\":\"ES256\",\"kid\":1}", CLAIMS("")},
	{"kid is a path", "{\"alg\":\"ES256\",\"kid\":\"../../dev/null\"}", CLAIMS("")},
	{"critical", "{\"alg\":\"ES256\",\"kid\":\"e\",\"crit\":[\"exp\"],\"exp\":1}", CLAIMS("")},
	{"critical, empty", "{\"alg\":\"ES256\",\"kid\":\"e\",\"crit\":[]}", CLAIMS("")},
	{"algorithm twice", "{\"alg\":\"ES256\",\"alg\":\"ES256\",\"kid\":\"e\"}", CLAIMS("")},
	{"header is an array", "[\"ES256\"]", CLAIMS("")},
	{"header is no JSON", "{alg:ES256}", CLAIMS("")},
	{"issuer", ES,
	 "{\"iss\":\"https://as.example/\",\"aud\":\"https://node.example/"
	 "mcp\",\"sub\":\"a\",\"exp\":1800000600}"},
	{"no issuer", ES,
	 "{\"aud\":\"https://node.example/mcp\",\"sub\":\"a\",\"exp\":1800000600}"},
	{"issuer in a list", ES,
	 "{\"iss\":[\"https://as.example\"],\"aud\":\"https://node.example/"
	 "mcp\",\"sub\":\"a\",\"exp\":1800000600}"},
	{"audience", ES,
	 "{\"iss\":\"https://as.example\",\"aud\":\"https://node.example/"
	 "mc\",\"sub\":\"a\",\"exp\":1800000600}"},
	{"no audience", ES, "{\"iss\":\"https://as.example\",\"sub\":\"a\",\"exp\":1800000600}"},
	{"audience in an object", ES,
	 "{\"iss\":\"https://as.example\",\"aud\":{\"a\":\"https://node.example/"
	 "mcp\"},\"sub\":\"a\",\"exp\":1800000600}"},
	{"empty audience", ES,
	 "{\"iss\":\"https://as.example\",\"aud\":[],\"sub\":\"a\",\"exp\":1800000600}"},
	{"expired", ES,
	 "{\"iss\":\"https://as.example\",\"aud\":\"https://node.example/"
	 "mcp\",\"sub\":\"a\",\"exp\":1799999970}"},
	{"never expires", ES,
	 "{\"iss\":\"https://as.example\",\"aud\":\"https://node.example/mcp\",\"sub\":\"a\"}"},
	{"expiry is text", ES,
	 "{\"iss\":\"https://as.example\",\"aud\":\"https://node.example/"
	 "mcp\",\"sub\":\"a\",\"exp\":\"1800000600\"}"},
	{"expiry beyond time", ES,
	 "{\"iss\":\"https://as.example\",\"aud\":\"https://node.example/"
	 "mcp\",\"sub\":\"a\",\"exp\":1e300}"},
	{"not yet", ES, CLAIMS(",\"nbf\":1800000031")},
	{"nbf is text", ES, CLAIMS(",\"nbf\":\"0\"")},
	{"of the future", ES, CLAIMS(",\"iat\":1800000031")},
	{"subject twice", ES, CLAIMS(",\"sub\":\"root\"")},
	{"no subject", ES,
	 "{\"iss\":\"https://as.example\",\"aud\":\"https://node.example/"
	 "mcp\",\"exp\":1800000600}"},
	{"empty subject", ES,
	 "{\"iss\":\"https://as.example\",\"aud\":\"https://node.example/"
	 "mcp\",\"exp\":1800000600,\"sub\":\"\"}"},
	{"NUL in the subject", ES,
	 "{\"iss\":\"https://as.example\",\"aud\":\"https://node.example/"
	 "mcp\",\"exp\":1800000600,\"sub\":\"a\\u0000b\"}"},
	{"scope is a number", ES, CLAIMS(",\"scope\":7")},
	{"groups are text", ES, CLAIMS(",\"groups\":\"admin\"")},
	{"a group is a number", ES, CLAIMS(",\"groups\":[1]")},
	{"too many groups", ES,
	 CLAIMS(",\"groups\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\","
		"\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]")},
	{"client is a number", ES, CLAIMS(",\"client_id\":1")},
	{"claims are an array", ES, "[]"},
	{"claims are no JSON", ES, "x"},
};

static void test_what_is_refused(void **state)
{
	struct principal before = {.user = "nobody"};
	struct principal p = before;
	struct err err;
	struct maker m;
	size_t i;

	maker_init(&m);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		err = (struct err){0};
		if (auth_jwt_verify(m.keys, &rules, make(&m, m.ec, bad[i].header, bad[i].claims),
				    NOW, &p, &err) == 0)
			fail_msg("%s was taken", bad[i].what);
		assert_true(err.what[0] != '\0');
	}
	assert_memory_equal(&p, &before, sizeof(p)); /* nothing of a bad token stays */
	/* The right form, and another's key of the same kid. */
	assert_int_equal(
		auth_jwt_verify(m.keys, &rules, make(&m, m.rsa, ES, CLAIMS("")), NOW, &p, NULL),
		-EACCES);
	/* Leeway on both sides, and not more. */
	assert_int_equal(auth_jwt_verify(m.keys, &rules,
					 make(&m, m.ec, ES, CLAIMS(",\"nbf\":1800000030")), NOW, &p,
					 NULL),
			 0);
	assert_int_equal(auth_jwt_verify(m.keys, &rules, make(&m, m.ec, ES, CLAIMS("")), 1800000629,
					 &p, NULL),
			 0);
	assert_int_equal(auth_jwt_verify(m.keys, &rules, make(&m, m.ec, ES, CLAIMS("")), 1800000630,
					 &p, NULL),
			 -EACCES);
	maker_free(&m);
}

/* A key that the token brings itself is not even looked at; a signature in DER, or empty, is none.
 */
static void test_other_tricks(void **state)
{
	struct principal p = {0};
	struct maker other;
	struct maker m;
	char header[1024];
	char *x;

	maker_init(&m);
	maker_init(&other);
	x = strstr(other.jwks, "{\"kty\":\"EC\"");
	snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"jwk\":%.*s}",
		 (int)(strchr(x, '}') + 1 - x), x);
	assert_int_equal(auth_jwt_verify(m.keys, &rules, make(&m, other.ec, header, CLAIMS("")),
					 NOW, &p, NULL),
			 -EACCES);
	make(&m, m.ec, ES, CLAIMS(""));
	m.token.n = (size_t)((uint8_t *)memrchr(m.token.p, '.', m.token.n) - m.token.p) + 1;
	assert_true(auth_jwt_verify(m.keys, &rules, buf_slice(&m.token), NOW, &p, NULL) < 0);
	buf_bytes(&m.token,
		  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAA",
		  86);
	assert_true(auth_jwt_verify(m.keys, &rules, buf_slice(&m.token), NOW, &p, NULL) <
		    0); /* r = s = 0 */
	make(&m, m.ec, ES, CLAIMS(""));
	buf_u8(&m.token, '=');
	assert_true(auth_jwt_verify(m.keys, &rules, buf_slice(&m.token), NOW, &p, NULL) < 0);
	maker_free(&m);
	maker_free(&other);
}

static void expect_no_keys(const char *text)
{
	struct err err = {0};

	assert_null(auth_keys_parse(text, strlen(text), &err));
	assert_true(err.what[0] != '\0');
}

static void test_key_sets(void **state)
{
	expect_no_keys("");
	expect_no_keys("[]");
	expect_no_keys("{\"keys\":{}}");
	expect_no_keys("{\"keys\":[]}");
	expect_no_keys("{\"keys\":[1,null,{},[]]}");
	/* Not on the curve, too short, for encryption, a private half, other algorithm than the
	 * type's. */
	expect_no_keys("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
		       "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
		       "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}]}");
	expect_no_keys("{\"keys\":[{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_"
		       "wWJcyQoTY\",\"e\":\"AQAB\"}]}");
	expect_no_keys("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"enc\",\"x\":"
		       "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}");
	expect_no_keys("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"key_ops\":[\"sign\"],"
		       "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}");
	expect_no_keys("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"HS256\",\"x\":"
		       "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}");
	expect_no_keys("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
		       "7TyWQHOg7hcvPapiMlrwIaaPcHURo\",\"d\":\"nWGxne_"
		       "9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}]}");
	expect_no_keys("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
		       "7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"}]}");
}

static void test_base64url(void **state)
{
	uint8_t raw[64];
	uint8_t back[64];
	struct buf b;
	size_t n;

	buf_init(&b, &alloc);
	for (n = 0; n < sizeof(raw); n++) {
		raw[n] = (uint8_t)(n * 37 + 251);
		buf_clear(&b);
		auth_b64_encode(&b, raw, n);
		assert_int_equal(auth_b64_decode(buf_slice(&b), back, n), n);
		assert_memory_equal(raw, back, n);
		if (n > 0)
			assert_int_equal(auth_b64_decode(buf_slice(&b), back, n - 1), -ENOSPC);
	}
	assert_int_equal(auth_b64_decode(LIT("A"), back, 64), -EINVAL);
	assert_int_equal(auth_b64_decode(LIT("AB"), back, 64), -EINVAL); /* bits behind the end */
	assert_int_equal(auth_b64_decode(LIT("AAA="), back, 64), -EINVAL);
	assert_int_equal(auth_b64_decode(LIT("AA+A"), back, 64), -EINVAL);
	assert_int_equal(auth_b64_decode(LIT("AA A"), back, 64), -EINVAL);
	buf_free(&b);
}

/* ---- Files ---- */

static void test_tokens_of_a_file(void **state)
{
	/* SHA-256 of "secret" and of "other". */
	static const char file[] =
		"{\"tokens\":[{\"sha256\":"
		"\"2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\",\"user\":"
		"\"ada\",\"groups\":[\"ops\"],"
		"\"scopes\":\"network:read network:edit\",\"client\":\"script\"},"
		"{\"sha256\":\"D9298A10D1B0735837DC4BD85DAC641B0F3CEF27A47E5D53A54F2F3F5B2FCFFA\","
		"\"user\":\"bob\",\"expires\":1800000000}]}";
	struct principal p = {.transport = "http", .recovery = true};
	struct err err = {0};
	struct auth_tokens *t = auth_tokens_parse(file, sizeof(file) - 1, "tokens.json", &err);

	assert_non_null(t);
	assert_int_equal(auth_tokens_find(t, LIT("secret"), NOW, &p), 0);
	assert_string_equal(p.user, "ada");
	assert_string_equal(p.client, "script");
	assert_string_equal(p.group[0], "ops");
	assert_string_equal(p.transport, "http");
	assert_int_equal(p.scopes, SCOPE_READ | SCOPE_EDIT);
	assert_false(p.recovery);
	assert_int_equal(auth_tokens_find(t, LIT("other"), NOW - 1, &p), 0);
	assert_string_equal(p.user, "bob");
	assert_int_equal(p.n_groups, 0);
	assert_int_equal(p.scopes, 0);
	assert_int_equal(auth_tokens_find(t, LIT("other"), NOW, &p), -EACCES);
	assert_int_equal(auth_tokens_find(t, LIT("secret2"), NOW, &p), -EACCES);
	assert_int_equal(auth_tokens_find(t, LIT(""), NOW, &p), -EACCES);
	auth_tokens_free(t);
	assert_null(auth_tokens_parse("{\"tokens\":[{\"user\":\"a\"}]}", 25, "tokens.json", &err));
	assert_string_equal(err.where, "tokens.json");
	assert_non_null(strstr(err.what, "token 1"));
	assert_null(auth_tokens_load("/no/such/file", &err));
	assert_string_equal(err.where, "/no/such/file");
}

static struct auth_users *two_users(void)
{
	static const uint8_t salt[16] = "0123456789abcde";
	char text[1024];
	char hash[AUTH_HASH_BYTES];
	struct err err = {0};
	struct auth_users *u;

	assert_int_equal(auth_password_hash(LIT("correct horse"), salt, hash), 0);
	snprintf(text, sizeof(text),
		 "{\"users\":[{\"user\":\"ada\",\"password\":\"%s\",\"groups\":[\"admin\"],"
		 "\"scopes\":\"network:read network:admin\"},"
		 "{\"user\":\"bob\",\"password\":\"scrypt:10:8:1:MDEyMzQ1Njc4OWFiY2RlAA:"
		 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}",
		 hash);
	u = auth_users_parse(text, strlen(text), "users.json", &err);
	if (!u)
		fail_msg("%s", err.what);
	return u;
}

static void test_logins(void **state)
{
	struct auth_users *u = two_users();
	struct auth_limit *l = calloc(1, sizeof(*l));
	struct principal p = {.transport = "https", .recovery = true};
	int64_t wait;
	unsigned i;

	assert_non_null(l);
	l->seed = 42;
	assert_int_equal(auth_login(u, l, "ada", LIT("correct horse"), "192.0.2.1", NOW, &p, &wait),
			 0);
	assert_string_equal(p.user, "ada");
	assert_string_equal(p.group[0], "admin");
	assert_int_equal(p.scopes, SCOPE_READ | SCOPE_ADMIN);
	assert_false(p.recovery);
	assert_int_equal(auth_login(u, l, "eve", LIT("correct horse"), "192.0.2.2", NOW, &p, &wait),
			 -EACCES);
	for (i = 0; i < AUTH_TRIES; i++)
		assert_int_equal(auth_login(u, l, "bob", LIT("x"), "192.0.2.3", NOW, &p, &wait),
				 -EACCES);
	/* bob is held back from everywhere, and that address for everybody; others are not. */
	assert_int_equal(auth_login(u, l, "bob", LIT("x"), "192.0.2.4", NOW, &p, &wait), -EAGAIN);
	assert_int_equal(wait, AUTH_RETRY);
	assert_int_equal(auth_login(u, l, "ada", LIT("correct horse"), "192.0.2.3", NOW, &p, &wait),
			 -EAGAIN);
	assert_int_equal(auth_login(u, l, "ada", LIT("correct horse"), "192.0.2.1", NOW, &p, &wait),
			 0);
	/* One more try each AUTH_RETRY seconds. */
	assert_int_equal(
		auth_login(u, l, "bob", LIT("x"), "192.0.2.5", NOW + AUTH_RETRY, &p, &wait),
		-EACCES);
	assert_int_equal(
		auth_login(u, l, "bob", LIT("x"), "192.0.2.5", NOW + AUTH_RETRY, &p, &wait),
		-EAGAIN);
	auth_users_free(u);
	free(l);
}

static void expect_no_users(const char *password)
{
	char text[512];
	struct err err = {0};

	snprintf(text, sizeof(text), "{\"users\":[{\"user\":\"a\",\"password\":\"%s\"}]}",
		 password);
	assert_null(auth_users_parse(text, strlen(text), "users.json", &err));
	assert_null(strstr(err.what, "AAAA")); /* no hash in an error */
}

static void test_bad_password_hashes(void **state)
{
	expect_no_users("plain");
	expect_no_users(
		"scrypt:30:8:1:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	expect_no_users(
		"scrypt:10:8:1:AAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	expect_no_users("scrypt:10:8:1:AAAAAAAAAAAAAAAAAAAAAA:"
			"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	expect_no_users(
		"scrypt:10:0:1:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	expect_no_users("scrypt:10:8:1:AAAAAAAAAAAAAAAAAAAAAA:"
			"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA:x");
}

/* ---- Tokens of our own ---- */

static void test_our_own_tokens(void **state)
{
	static const uint8_t seed[32] = "a seed of thirty-two bytes, here";
	static const uint8_t seed2[32] = "another seed of so many bytes it";
	struct auth_rules ours = {.issuer = "https://node.example",
				  .resource = "https://node.example/mcp"};
	struct principal p = {.user = "ada",
			      .client = "login",
			      .scopes = SCOPE_READ | SCOPE_ADMIN,
			      .n_groups = 1};
	struct principal q = {0};
	struct auth_signer *s = auth_signer_new(seed, NULL);
	struct auth_signer *other = auth_signer_new(seed2, NULL);
	char path[] = "/tmp/auth-test-XXXXXX";
	struct err err = {0};
	struct buf b;
	FILE *f;

	snprintf(p.group[0], sizeof(p.group[0]), "a \"b\" \\c");
	buf_init(&b, &alloc);
	assert_int_equal(auth_sign(s, &ours, &p, NOW, 600, &b), 0);
	assert_int_equal(auth_jwt_verify(auth_signer_keys(s), &ours, buf_slice(&b), NOW, &q, &err),
			 0);
	assert_memory_equal(&p, &q, sizeof(p));
	assert_int_equal(auth_jwt_verify(auth_signer_keys(s), &ours, buf_slice(&b),
					 NOW + 600 + AUTH_LEEWAY, &q, NULL),
			 -EACCES);
	assert_int_equal(
		auth_jwt_verify(auth_signer_keys(other), &ours, buf_slice(&b), NOW, &q, NULL),
		-EACCES);
	assert_int_equal(auth_jwt_verify(auth_signer_keys(s), &rules, buf_slice(&b), NOW, &q, NULL),
			 -EACCES);
	/* The same key from a file verifies it too. */
	f = fdopen(mkstemp(path), "w");
	assert_non_null(f);
	PEM_write_PrivateKey(f, s->pkey, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	auth_signer_free(other);
	other = auth_signer_load(path, &err);
	assert_non_null(other);
	assert_int_equal(
		auth_jwt_verify(auth_signer_keys(other), &ours, buf_slice(&b), NOW, &q, NULL), 0);
	unlink(path);
	assert_null(auth_signer_load(path, &err));
	assert_true(err.mend[0] != '\0');
	auth_signer_free(s);
	auth_signer_free(other);
	buf_free(&b);
}

/* ---- HTTP ---- */

static void expect_text(struct buf *b, const char *want)
{
	buf_u8(b, 0);
	assert_string_equal((char *)b->p, want);
	buf_clear(b);
}

static void test_what_is_said_over_http(void **state)
{
	static const char *const issuers[] = {"https://as.example", NULL};
	struct slice t;
	struct buf b;

	assert_true(auth_bearer("Bearer abc.DEF-_~+/=", &t));
	assert_true(slice_eq(t, LIT("abc.DEF-_~+/=")));
	assert_true(auth_bearer("bearer  x", &t));
	assert_true(slice_eq(t, LIT("x")));
	assert_false(auth_bearer(NULL, &t));
	assert_false(auth_bearer("Bearer", &t));
	assert_false(auth_bearer("Bearer ", &t));
	assert_false(auth_bearer("Bearer a b", &t));
	assert_false(auth_bearer("Bearer a=b", &t));
	assert_false(auth_bearer("Bearerx abc", &t));
	assert_false(auth_bearer("Basic abc", &t));
	buf_init(&b, &alloc);
	auth_challenge(&b, AUTH_MISSING, SCOPE_READ | SCOPE_EDIT,
		       "https://n/.well-known/oauth-protected-resource");
	expect_text(&b, "Bearer scope=\"network:read network:edit\", "
			"resource_metadata=\"https://n/.well-known/oauth-protected-resource\"");
	auth_challenge(&b, AUTH_INVALID, 0, "https://n/x");
	expect_text(&b, "Bearer error=\"invalid_token\", resource_metadata=\"https://n/x\"");
	auth_challenge(&b, AUTH_SCOPE, SCOPE_COMMIT, "https://n/\"evil\r\n");
	expect_text(&b, "Bearer error=\"insufficient_scope\", scope=\"network:commit\", "
			"resource_metadata=\"https://n/\"");
	assert_int_equal(auth_metadata(&b, "https://n/mcp", issuers), 0);
	expect_text(&b, "{\"resource\":\"https://n/mcp\",\"authorization_servers\":[\"https://"
			"as.example\"],\"scopes_supported\":[\"network:read\","
			"\"network:diagnose\",\"network:edit\",\"network:commit\",\"network:"
			"rollback\",\"network:audit\",\"network:admin\"],"
			"\"bearer_methods_supported\":[\"header\"]}");
	buf_free(&b);
}

static int setup(void **state)
{
	alloc_init(&alloc, 0);
	return 0;
}

static int teardown(void **state)
{
	return alloc.used != 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_what_a_token_gives),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_other_tricks),
		cmocka_unit_test(test_key_sets),
		cmocka_unit_test(test_base64url),
		cmocka_unit_test(test_tokens_of_a_file),
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_bad_password_hashes),
		cmocka_unit_test(test_our_own_tokens),
		cmocka_unit_test(test_what_is_said_over_http),
	};

	return cmocka_run_group_tests_name("auth", tests, setup, teardown);
}
