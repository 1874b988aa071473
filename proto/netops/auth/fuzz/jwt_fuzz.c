/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a token. So that claims are reached, "header\nclaims" of the input are signed here
 * as well, with a key that the set holds: what comes out then must be what the rules allow. */
#include "proto/netops/auth/auth_priv.h"

#include <stdlib.h>

#define NOW 1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct principal *p)
{
	if (p->user[0] == '\0' || p->n_groups > PRINCIPAL_MAX_GROUPS ||
	    (p->scopes & ~(unsigned)SCOPE_ALL))
		abort();
}

static void sign(const struct auth_signer *s, struct slice header, struct slice claims,
		 struct buf *t)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[64];
	size_t n = sizeof(sig);

	auth_b64_encode(t, header.p, header.n);
	buf_u8(t, '.');
	auth_b64_encode(t, claims.p, claims.n);
	if (EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, s->pkey, NULL) != 1 ||
	    EVP_DigestSign(ctx, sig, &n, t->p, t->n) != 1)
		abort();
	buf_u8(t, '.');
	auth_b64_encode(t, sig, n);
	EVP_MD_CTX_free(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[32] = "fuzz";
	static const struct auth_rules rules = {.issuer = "i", .resource = "r"};
	static struct auth_signer *s;
	const uint8_t *cut = size > 0 ? memchr(data, '\n', size) : NULL;
	struct principal p = {0};
	struct err err = {0};
	struct alloc a;
	struct buf t;

	if (!s)
		s = auth_signer_new(seed, NULL);
	/* Nobody signs by chance. */
	if (auth_jwt_verify(auth_signer_keys(s), &rules, slice_of(data, size), NOW, &p, &err) == 0)
		abort();
	if (!cut)
		return 0;
	alloc_init(&a, 0);
	buf_init(&t, &a);
	sign(s, slice_of(data, (size_t)(cut - data)),
	     slice_of(cut + 1, size - (size_t)(cut - data) - 1), &t);
	if (auth_jwt_verify(auth_signer_keys(s), &rules, buf_slice(&t), NOW, &p, &err) == 0)
		check(&p);
	else if (err.what[0] == '\0')
		abort();
	buf_free(&t);
	return 0;
}
