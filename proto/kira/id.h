/* SPDX-License-Identifier: BSD-2-Clause */
/* NodeIDs, PathIDs and addresses: 112-bit values in network byte order (spec §2.1). */
#ifndef DEP_KIRA_ID_H
#define DEP_KIRA_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KIRA_ID_BYTES 14
#define KIRA_ID_BITS 112
#define KIRA_ID_TEXT 29 /* 28 hex digits and a NUL */

struct kira_id {
	uint8_t b[KIRA_ID_BYTES];
};

/* An IPv6 address: of a neighbour on its link, of a node, or of a path. */
struct kira_addr {
	uint8_t b[16];
};

extern const struct kira_id kira_id_undefined; /* all zero */
extern const struct kira_id kira_id_all_nodes; /* all one */

static inline bool kira_id_eq(const struct kira_id *a, const struct kira_id *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static inline int kira_id_cmp(const struct kira_id *a, const struct kira_id *b)
{
	return memcmp(a, b, sizeof(*a));
}

/* A NodeID that a node may have: neither UNDEFINED nor ALL_NODES. */
bool kira_id_valid(const struct kira_id *id);
/* a XOR b. */
struct kira_id kira_id_xor(const struct kira_id *a, const struct kira_id *b);
/* Compares the distances of a and b to target: < 0 where a is closer, 0 where a equals b. */
int kira_id_closer(const struct kira_id *a, const struct kira_id *b, const struct kira_id *target);
/* Leading bits that a and b share, 0 to 112. */
unsigned kira_id_shared(const struct kira_id *a, const struct kira_id *b);
/* Bit i of id, 0 being the first on the wire. */
unsigned kira_id_bit(const struct kira_id *id, unsigned i);

/* Text form: 28 lower-case hex digits. */
void kira_id_format(const struct kira_id *id, char text[KIRA_ID_TEXT]);
/* 1 to 28 hex digits of either case, leading zeros implied. Returns 0 or -EINVAL. */
int kira_id_parse(const char *text, struct kira_id *id);

/* The address of a node or a path under a /16 prefix (0xfc00, 0xfcaa by default). */
struct kira_addr kira_id_addr(uint16_t prefix, const struct kira_id *id);
/* The ID in an address; false where it has another prefix. */
bool kira_addr_id(uint16_t prefix, const struct kira_addr *addr, struct kira_id *id);

enum kira_hash { KIRA_HASH_SHA1, KIRA_HASH_SHA256 };

/* PathID of n NodeIDs in travel order: the first 14 bytes of their hash. Takes no memory, cannot fail. */
struct kira_id kira_path_id(enum kira_hash hash, const struct kira_id *hops, size_t n);

/* Bucket of `of` in the table of `root` (spec §2.9): n_buckets >= 1 and acc 1 to 8. of == root gives the last. */
unsigned kira_bucket_index(const struct kira_id *root, const struct kira_id *of, unsigned n_buckets,
			   unsigned acc);
/* Bits of prefix that bucket idx stands for: acc + acc * (idx / (2^acc - 1)), at most 112. */
unsigned kira_bucket_bits(unsigned idx, unsigned acc);

/* The heuristic of spec §2.12 by which just one of two nodes answers the other's hello: true where `self` does. */
bool kira_answers_hello(const struct kira_id *self, const struct kira_id *other);

#endif
