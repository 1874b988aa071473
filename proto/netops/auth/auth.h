/* SPDX-License-Identifier: BSD-2-Clause */
/* Who a bearer token speaks for. netops is the resource server of OAuth 2.1 (spec §2.7): it takes access tokens as signed
 * JWT (RFC 9068) whose keys are in a key set (RFC 7517), tokens from a file for small installations, and its own, which a
 * local user gets for a password.
 *
 * Nothing here reads a clock, a socket or a random number: bytes and the time (seconds of 1970) come from the caller.
 * Tokens are compared by their hashes or by signature, and never stand in an error text. */
#ifndef DEP_NETOPS_AUTH_H
#define DEP_NETOPS_AUTH_H

#include "base/buf.h"
#include "base/err.h"
#include "proto/netops/principal.h"

#define AUTH_TOKEN_BYTES 8192 /* a longer one is refused unread */
#define AUTH_LEEWAY 30	      /* seconds that clocks may differ */

/* ---- Keys (RFC 7517, RFC 7518 §6, RFC 8037) ---- */

struct auth_keys;
/* Reads {"keys": […]}. Keys for other uses, of other types or broken ones are passed over; a set without one that serves is
 * an error, as is one that holds a private key. NULL and err. */
struct auth_keys *auth_keys_parse(const char *text, size_t n, struct err *err);
struct auth_keys *auth_keys_load(const char *path, struct err *err);
void auth_keys_free(struct auth_keys *k);
unsigned auth_keys_count(const struct auth_keys *k);

/* Verifies a JWS in compact form (RFC 7515 §5.2): ES256, RS256 (keys of 2048 bits at least), EdDSA with Ed25519. The key
 * decides which: an algorithm that is not the key's is refused, so is "none", "crit", and any key the token itself brings.
 * With "kid" only keys of that name are tried; without, the set must hold one key for the algorithm. On success the payload
 * is appended to `payload`. Returns 0, -EACCES (signature, algorithm, key) or -EINVAL (form), and err. */
int auth_jws_verify(const struct auth_keys *k, struct slice token, struct buf *payload, struct err *err);

/* ---- Access tokens (RFC 9068; spec §2.7) ---- */

struct auth_rules {
	const char *issuer;   /* `iss` must be this */
	const char *resource; /* `aud` must be or hold this: the canonical URI of our endpoint */
	const char *groups_claim; /* claim with NACM groups; NULL: "groups" */
};

/* Fills user, groups, scopes and client of p from a token whose signature, issuer, audience and times are right; transport,
 * addr and session stay as they were. 0, -EACCES (not ours, not valid (any more), or not yet) or -EINVAL, and err. */
int auth_jwt_verify(const struct auth_keys *k, const struct auth_rules *rules, struct slice token, int64_t now,
		    struct principal *p, struct err *err);

/* ---- Tokens from a file ---- */

struct auth_tokens;
/* {"tokens": [{"sha256": 64 hexadecimal digits of the token's hash, "user": …, "groups": […], "scopes": "network:read …",
 * "client": …, "expires": seconds}]}; the last three may be missing (no scopes then; never expires). NULL and err. */
struct auth_tokens *auth_tokens_parse(const char *text, size_t n, const char *origin, struct err *err);
struct auth_tokens *auth_tokens_load(const char *path, struct err *err);
void auth_tokens_free(struct auth_tokens *t);
/* 0 and p filled as above, or -EACCES. Takes the same time whichever token it is, and where it is none. */
int auth_tokens_find(const struct auth_tokens *t, struct slice token, int64_t now, struct principal *p);

/* ---- Local users ---- */

/* "scrypt:LOG2N:R:P:SALT:HASH" (RFC 7914; salt and hash base64url) of a password, with 16 random bytes of the caller. to has
 * AUTH_HASH_BYTES. Returns 0 or a negative errno. */
#define AUTH_HASH_BYTES 160
int auth_password_hash(struct slice password, const uint8_t salt[16], char to[AUTH_HASH_BYTES]);

struct auth_users;
/* {"users": [{"user": …, "password": as above, "groups": […], "scopes": …}]} NULL and err. */
struct auth_users *auth_users_parse(const char *text, size_t n, const char *origin, struct err *err);
struct auth_users *auth_users_load(const char *path, struct err *err);
void auth_users_free(struct auth_users *u);

/* Failed logins of each user and of each address: AUTH_TRIES at once, then one more every AUTH_RETRY seconds. Bounded memory;
 * where it is full the oldest is forgotten. */
#define AUTH_TRIES 5
#define AUTH_RETRY 10
#define AUTH_SLOTS 512
struct auth_limit {
	uint64_t seed; /* random, so that nobody can aim at a slot */
	struct {
		uint64_t who;
		int64_t full_at; /* when all tries are back */
	} slot[AUTH_SLOTS];
};

/* A login. Takes the time of one scrypt whether the user exists or not. 0 and p filled, -EACCES, or -EAGAIN: too many
 * failures of this user or address, *wait seconds to go; the password is not looked at. */
int auth_login(const struct auth_users *u, struct auth_limit *l, const char *user, struct slice password, const char *addr,
	       int64_t now, struct principal *p, int64_t *wait);

/* ---- Tokens of our own ---- */

struct auth_signer;
/* Ed25519 private key, PEM; or made of 32 random bytes of the caller. NULL and err. */
struct auth_signer *auth_signer_load(const char *path, struct err *err);
struct auth_signer *auth_signer_new(const uint8_t seed[32], struct err *err);
void auth_signer_free(struct auth_signer *s);
/* Its public half, to verify with; belongs to s. */
const struct auth_keys *auth_signer_keys(const struct auth_signer *s);
/* Appends a token for p to `to`, good for ttl seconds from now, with rules' issuer and resource. 0 or a negative errno. */
int auth_sign(const struct auth_signer *s, const struct auth_rules *rules, const struct principal *p, int64_t now,
	      int64_t ttl, struct buf *to);

/* ---- What a front end says over HTTP ---- */

/* Token of an Authorization field "Bearer …" (RFC 6750 §2.1). False: NULL, another scheme, or not a token's characters. */
bool auth_bearer(const char *authorization, struct slice *token);

enum auth_why {
	AUTH_MISSING, /* 401, no error code (RFC 6750 §3.1) */
	AUTH_INVALID, /* 401 invalid_token */
	AUTH_SCOPE,   /* 403 insufficient_scope */
};
/* Value of WWW-Authenticate: Bearer [error="…"], scope="…" (of bits; 0: none), resource_metadata="…". */
void auth_challenge(struct buf *to, enum auth_why why, unsigned scopes, const char *metadata_url);
/* Protected resource metadata (RFC 9728 §2) as JSON text: resource, authorization_servers, scopes_supported,
 * bearer_methods_supported ["header"]. issuers: ended by NULL. 0 or -ENOMEM. */
int auth_metadata(struct buf *to, const char *resource, const char *const *issuers);

#endif
