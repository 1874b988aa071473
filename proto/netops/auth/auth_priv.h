/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DEP_NETOPS_AUTH_PRIV_H
#define DEP_NETOPS_AUTH_PRIV_H

#include "base/json.h"
#include "proto/netops/auth/auth.h"

#include <openssl/evp.h>

#define AUTH_KEYS 64
#define AUTH_ENTRIES 4096 /* of a file */
#define AUTH_FILE_BYTES (1u << 20)

enum auth_alg {
	AUTH_NO_ALG,
	AUTH_ES256,
	AUTH_RS256,
	AUTH_EDDSA,
};

struct auth_key {
	char kid[128];
	enum auth_alg alg;
	EVP_PKEY *pkey;
};

struct auth_keys {
	unsigned n;
	struct auth_key key[AUTH_KEYS];
};

struct auth_signer {
	EVP_PKEY *pkey;
	struct auth_keys keys;
};

/* ---- b64.c: base64url without padding (RFC 7515 §2), one form only ---- */

/* Length, or -EINVAL (character, length, bits behind the end that are not 0) or -ENOSPC. */
long auth_b64_decode(struct slice s, uint8_t *to, size_t size);
void auth_b64_encode(struct buf *to, const void *p, size_t n);

/* ---- claims.c ---- */

/* An object with a name twice means what its reader likes: refused. Objects of more than 256
 * members too. */
bool auth_json_unique(yyjson_val *obj);
/* Text of at most size - 1 bytes, without controls, not empty. */
bool auth_copy_name(yyjson_val *v, char *to, size_t size);
/* Groups from an array of names (NULL: none). False: too many or not names. */
bool auth_copy_groups(yyjson_val *v, struct principal *p);
/* Scopes of a text or an array of texts (NULL: none). */
bool auth_copy_scopes(yyjson_val *v, struct principal *p);

/* ---- jws.c ---- */

const char *auth_alg_name(enum auth_alg a);

/* ---- file.c ---- */

/* A whole file of at most AUTH_FILE_BYTES, appended to `to`. 0 or a negative errno and err. */
int auth_read_file(const char *path, struct buf *to, struct err *err);
/* The array `name` of a file's one object, and its document. NULL and err. */
yyjson_val *auth_open(const char *text, size_t n, const char *origin, const char *name,
		      yyjson_doc **doc, struct err *err);

#endif
