/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts that go to a client and come back: requestState and cursors. AES-256-GCM under the node's
 * key; what they are bound to (label, principal, what the request asks for) is authenticated with
 * them, so that a text that was changed or belongs to another purpose, principal or request does
 * not open. */
#include "proto/netops/mcp/mcp_priv.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/rng.h"

#define PREFIX "v1."
#define NONCE 12
#define TAG 16

static bool bound_to(EVP_CIPHER_CTX *c, bool seal, const struct mcp_req *r, const char *label,
		     struct slice bind)
{
	const struct slice part[] = {
		slice_of(label, strlen(label) + 1),
		slice_of(r->who.user, strlen(r->who.user) + 1),
		slice_of(r->who.client, strlen(r->who.client) + 1),
		bind,
	};
	size_t i;
	int n;

	for (i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		if (part[i].n == 0)
			continue;
		if (seal ? !EVP_EncryptUpdate(c, NULL, &n, part[i].p, (int)part[i].n)
			 : !EVP_DecryptUpdate(c, NULL, &n, part[i].p, (int)part[i].n))
			return false;
	}
	return true;
}

char *mcp_seal(struct mcp_req *r, const char *label, struct slice bind, struct slice plain)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	size_t n = NONCE + plain.n + TAG;
	uint8_t *box = mcp_arena_get(&r->arena, n);
	char *text = mcp_arena_get(&r->arena, sizeof(PREFIX) + (n + 2) / 3 * 4 + 1);
	bool ok = false;
	int done;

	if (c && box && text) {
		rng_os_bytes(box, NONCE);
		ok = EVP_EncryptInit_ex2(c, EVP_aes_256_gcm(), r->m->params.state_key, box, NULL) &&
		     bound_to(c, true, r, label, bind) &&
		     EVP_EncryptUpdate(c, box + NONCE, &done, plain.p, (int)plain.n) &&
		     EVP_EncryptFinal_ex(c, box + NONCE + plain.n, &done) &&
		     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, box + NONCE + plain.n);
	}
	EVP_CIPHER_CTX_free(c);
	if (!ok)
		return NULL;
	memcpy(text, PREFIX, sizeof(PREFIX));
	mcp_base64url(text + sizeof(PREFIX) - 1, box, n);
	return text;
}

char *mcp_unseal(struct mcp_req *r, const char *label, struct slice bind, const char *text,
		 size_t n, size_t *plain_n)
{
	EVP_CIPHER_CTX *c = NULL;
	uint8_t *box;
	char *plain;
	bool ok = false;
	int done;
	long len;

	if (n < sizeof(PREFIX) - 1 || memcmp(text, PREFIX, sizeof(PREFIX) - 1) != 0)
		return NULL;
	text += sizeof(PREFIX) - 1;
	n -= sizeof(PREFIX) - 1;
	box = mcp_arena_get(&r->arena, n + 1);
	if (!box)
		return NULL;
	len = mcp_base64url_decode(box, n, text, n);
	if (len < NONCE + TAG)
		return NULL;
	*plain_n = (size_t)len - NONCE - TAG;
	plain = mcp_arena_get(&r->arena, *plain_n + 1);
	c = EVP_CIPHER_CTX_new();
	if (plain && c)
		ok = EVP_DecryptInit_ex2(c, EVP_aes_256_gcm(), r->m->params.state_key, box, NULL) &&
		     bound_to(c, false, r, label, bind) &&
		     EVP_DecryptUpdate(c, (uint8_t *)plain, &done, box + NONCE, (int)*plain_n) &&
		     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG, box + NONCE + *plain_n) &&
		     EVP_DecryptFinal_ex(c, (uint8_t *)plain + *plain_n, &done);
	EVP_CIPHER_CTX_free(c);
	if (!ok)
		return NULL;
	plain[*plain_n] = 0;
	return plain;
}

/* ---- the hash of what a request asks for ---- */

static int by_key(const void *a, const void *b)
{
	yyjson_val *x = *(yyjson_val *const *)a;
	yyjson_val *y = *(yyjson_val *const *)b;
	size_t n = yyjson_get_len(x) < yyjson_get_len(y) ? yyjson_get_len(x) : yyjson_get_len(y);
	int c = memcmp(yyjson_get_str(x), yyjson_get_str(y), n);

	if (c != 0)
		return c;
	return yyjson_get_len(x) < yyjson_get_len(y) ? -1 : yyjson_get_len(x) > yyjson_get_len(y);
}

/* The members of objects in the order of their keys. Nesting is bounded by JSON_MAX_DEPTH. */
static void canonical(struct buf *b, yyjson_val *v, struct mcp_arena *a)
{
	yyjson_val **key;
	yyjson_val *item;
	size_t i;
	size_t n;

	if (yyjson_is_arr(v)) {
		buf_u8(b, '[');
		for (i = 0; (item = yyjson_arr_get(v, i)); i++) {
			canonical(b, item, a);
			buf_u8(b, ',');
		}
		buf_u8(b, ']');
	} else if (yyjson_is_obj(v)) {
		yyjson_obj_iter it = yyjson_obj_iter_with(v);

		n = yyjson_obj_size(v);
		key = mcp_arena_get(a, n * sizeof(*key) + 1);
		if (!key) {
			b->failed = true;
			return;
		}
		for (i = 0; i < n; i++)
			key[i] = yyjson_obj_iter_next(&it);
		if (n > 0)
			qsort(key, n, sizeof(*key), by_key);
		buf_u8(b, '{');
		for (i = 0; i < n; i++) {
			mcp_out_string(b, yyjson_get_str(key[i]), yyjson_get_len(key[i]));
			buf_u8(b, ':');
			canonical(b, yyjson_obj_iter_get_val(key[i]), a);
			buf_u8(b, ',');
		}
		buf_u8(b, '}');
	} else {
		mcp_out_val(b, v, a);
	}
}

bool mcp_params_hash(struct mcp_req *r, uint8_t to[32])
{
	struct buf *b = &r->m->scratch;
	yyjson_val *args = yyjson_obj_get(r->params, "arguments");
	unsigned n;

	buf_clear(b);
	mcp_out_text(b, r->method->name);
	buf_u8(b, 0);
	if (r->name)
		buf_bytes(b, yyjson_get_str(r->name), yyjson_get_len(r->name));
	buf_u8(b, 0);
	if (args)
		canonical(b, args, &r->arena);
	else
		OUT_LIT(b, "{}");
	return !b->failed && EVP_Digest(b->p, b->n, to, &n, EVP_sha256(), NULL);
}
