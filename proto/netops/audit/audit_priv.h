/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DEP_NETOPS_AUDIT_PRIV_H
#define DEP_NETOPS_AUDIT_PRIV_H

#include "proto/netops/audit/audit.h"

#include <openssl/evp.h>

#define AUDIT_PATH 4096
#define AUDIT_KEY 32
#define AUDIT_SIG 64
/* ,"hash":"<64 digits>"} */
#define AUDIT_HASH_TAIL (9 + 64 + 2)

struct audit {
	struct audit_params p;
	char dir[AUDIT_PATH - 64];
	EVP_PKEY *key;
	uint8_t public[AUDIT_KEY];
	uint64_t seq;
	uint8_t head[32];
	unsigned unsigned_n; /* records that no checkpoint covers */
	usec_t due;	     /* of the next checkpoint; 0: not asked yet */
	bool closing;
	struct alloc alloc;
	struct buf text;
	struct buf signed_text; /* of the checkpoint that becomes durable */
	bool signing;
};

/* A signed checkpoint, read. */
struct audit_checkpoint {
	uint64_t seq;
	uint8_t hash[32];
	uint8_t journal[32];
	uint8_t key[AUDIT_KEY];
};

/* ---- audit_sign.c ---- */
/* The node's key, made where there is none. */
int audit_key_open(const char *dir, EVP_PKEY **key, uint8_t public[AUDIT_KEY], struct err *err);
int audit_key_public(const char *dir, uint8_t public[AUDIT_KEY], struct err *err);
/* Reads and checks one: format, key, signature. 0 or -EBADMSG. */
int audit_checkpoint_parse(struct slice json, const uint8_t public[AUDIT_KEY],
			   struct audit_checkpoint *out);
/* The canonical text of one, signed, into out. */
int audit_checkpoint_write(const struct audit *a, const uint8_t journal[32], struct buf *out);
/* 0, -ENOENT: there is none, -EBADMSG: not ours. */
int audit_head_read(const char *dir, const uint8_t public[AUDIT_KEY], struct audit_checkpoint *out);
int audit_head_write(const char *dir, struct slice json);

/* 2 * n digits and NUL. */
void audit_hex(const uint8_t *p, size_t n, char *out);

/* ---- audit_redact.c ---- */
/* A copy of v for the log: secrets replaced, long texts cut, integers beyond 2^53 as text. NULL: no
 * memory. */
yyjson_mut_val *audit_redact(const struct audit *a, yyjson_mut_doc *doc, yyjson_val *v);
yyjson_mut_val *audit_redact_changes(const struct audit *a, yyjson_mut_doc *doc,
				     const struct changes *c);

#endif
