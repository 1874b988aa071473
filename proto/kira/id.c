/* SPDX-License-Identifier: BSD-2-Clause */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA1_Init and its kin: the ones that take no memory */
#include "proto/kira/id.h"

#include <errno.h>
#include <openssl/sha.h>

/* An ID is handled as two overlapping big-endian words: bytes 0 to 7 and bytes 6 to 13. */
#define TAIL (KIRA_ID_BYTES - 8)
#define TAIL_BITS (TAIL * 8)

const struct kira_id kira_id_undefined;
const struct kira_id kira_id_all_nodes = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					   0xff, 0xff, 0xff, 0xff, 0xff}};

static uint64_t load(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(v) : v;
}

static void store(uint8_t *p, uint64_t v)
{
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof(v));
}

bool kira_id_valid(const struct kira_id *id)
{
	uint64_t head = load(id->b);
	uint64_t tail = load(id->b + TAIL);

	return (head | tail) != 0 && (head & tail) != UINT64_MAX;
}

struct kira_id kira_id_xor(const struct kira_id *a, const struct kira_id *b)
{
	struct kira_id x;

	store(x.b, load(a->b) ^ load(b->b));
	store(x.b + TAIL, load(a->b + TAIL) ^ load(b->b + TAIL));
	return x;
}

int kira_id_closer(const struct kira_id *a, const struct kira_id *b, const struct kira_id *target)
{
	uint64_t t = load(target->b);
	uint64_t x = load(a->b) ^ t;
	uint64_t y = load(b->b) ^ t;

	if (x == y) {
		t = load(target->b + TAIL);
		x = load(a->b + TAIL) ^ t;
		y = load(b->b + TAIL) ^ t;
	}
	return (x > y) - (x < y);
}

unsigned kira_id_shared(const struct kira_id *a, const struct kira_id *b)
{
	uint64_t head = load(a->b) ^ load(b->b);
	uint64_t tail;

	if (head)
		return (unsigned)__builtin_clzll(head);
	tail = load(a->b + TAIL) ^ load(b->b + TAIL);
	return tail ? TAIL_BITS + (unsigned)__builtin_clzll(tail) : KIRA_ID_BITS;
}

unsigned kira_id_bit(const struct kira_id *id, unsigned i)
{
	return (unsigned)id->b[i / 8] >> (7 - i % 8) & 1;
}

void kira_id_format(const struct kira_id *id, char text[KIRA_ID_TEXT])
{
	static const char digit[] = "0123456789abcdef";
	int i;

	for (i = 0; i < KIRA_ID_BYTES; i++) {
		text[2 * i] = digit[id->b[i] >> 4];
		text[2 * i + 1] = digit[id->b[i] & 15];
	}
	text[2 * KIRA_ID_BYTES] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int kira_id_parse(const char *text, struct kira_id *id)
{
	size_t n = strnlen(text, KIRA_ID_TEXT);
	struct kira_id v = {0};
	size_t at; /* place of the digit in the full form */
	size_t i;

	if (n == 0 || n >= KIRA_ID_TEXT)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		int d = hex_digit(text[i]);

		if (d < 0)
			return -EINVAL;
		at = 2 * KIRA_ID_BYTES - n + i;
		v.b[at / 2] |= (uint8_t)(at % 2 ? d : d << 4);
	}
	*id = v;
	return 0;
}

struct kira_addr kira_id_addr(uint16_t prefix, const struct kira_id *id)
{
	struct kira_addr addr = {{(uint8_t)(prefix >> 8), (uint8_t)prefix}};

	memcpy(addr.b + 2, id->b, sizeof(id->b));
	return addr;
}

bool kira_addr_id(uint16_t prefix, const struct kira_addr *addr, struct kira_id *id)
{
	if ((addr->b[0] << 8 | addr->b[1]) != prefix)
		return false;
	memcpy(id->b, addr->b + 2, sizeof(id->b));
	return true;
}

struct kira_id kira_path_id(enum kira_hash hash, const struct kira_id *hops, size_t n)
{
	uint8_t md[SHA256_DIGEST_LENGTH];
	struct kira_id id;

	static_assert(sizeof(struct kira_id) == KIRA_ID_BYTES);
	if (hash == KIRA_HASH_SHA256) {
		SHA256_CTX c;

		SHA256_Init(&c);
		SHA256_Update(&c, hops, n * sizeof(*hops));
		SHA256_Final(md, &c);
	} else {
		SHA_CTX c;

		SHA1_Init(&c);
		SHA1_Update(&c, hops, n * sizeof(*hops));
		SHA1_Final(md, &c);
	}
	memcpy(id.b, md, sizeof(id.b));
	return id;
}

/* acc bits of id from bit `at` on; bits past the end are 0. */
static unsigned digit_at(const struct kira_id *id, unsigned at, unsigned acc)
{
	unsigned v = 0;
	unsigned i;

	for (i = at; i < at + acc; i++)
		v = v << 1 | (i < KIRA_ID_BITS ? kira_id_bit(id, i) : 0);
	return v;
}

unsigned kira_bucket_index(const struct kira_id *root, const struct kira_id *of, unsigned n_buckets,
			   unsigned acc)
{
	unsigned per_level = (1u << acc) - 1;
	unsigned shared = kira_id_shared(root, of);
	unsigned level = shared / acc;
	struct kira_id x;
	unsigned idx;

	if (shared == KIRA_ID_BITS)
		return n_buckets - 1;
	idx = level;
	if (acc > 1) {
		x = kira_id_xor(root, of);
		idx = (level + 1) * per_level - digit_at(&x, level * acc, acc);
	}
	return idx < n_buckets ? idx : n_buckets - 1;
}

unsigned kira_bucket_bits(unsigned idx, unsigned acc)
{
	unsigned level = idx / ((1u << acc) - 1);

	return level < KIRA_ID_BITS / acc ? acc + acc * level : KIRA_ID_BITS;
}

static uint32_t low32(const struct kira_id *id)
{
	return (uint32_t)load(id->b + TAIL);
}

bool kira_answers_hello(const struct kira_id *self, const struct kira_id *other)
{
	uint32_t delta = low32(other) - low32(self);

	if (delta == 0 || delta == 0x80000000u)
		return kira_id_cmp(self, other) < 0;
	return delta < 0x80000000u;
}
