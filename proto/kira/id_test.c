/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/rng.h"
#include "proto/kira/vectors.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

typedef unsigned _BitInt(112) u112;

static yyjson_doc *vectors;

static yyjson_val *section(const char *name, size_t n)
{
	yyjson_val *v = yyjson_obj_get(yyjson_doc_get_root(vectors), name);

	assert_int_equal(yyjson_arr_size(v), n);
	return v;
}

static struct kira_id id_at(yyjson_val *o, const char *key)
{
	return vectors_id(vectors_text(o, key));
}

static void assert_id_text(const struct kira_id *id, const char *want)
{
	char text[KIRA_ID_TEXT];

	kira_id_format(id, text);
	assert_string_equal(text, want);
}

static void assert_addr_text(const struct kira_addr *addr, const char *want)
{
	struct kira_addr parsed;

	assert_int_equal(inet_pton(AF_INET6, want, parsed.b), 1);
	assert_memory_equal(addr->b, parsed.b, sizeof(parsed.b));
}

static u112 number(const struct kira_id *id)
{
	u112 v = 0;
	int i;

	for (i = 0; i < KIRA_ID_BYTES; i++)
		v = v << 8 | id->b[i];
	return v;
}

/* Random, and often alike in many leading bits, so that every byte decides a comparison now and then. */
static struct kira_id random_near(struct rng *r, const struct kira_id *near)
{
	struct kira_id id;
	size_t same = rng_below(r, KIRA_ID_BYTES + 1);

	rng_bytes(r, &id, sizeof(id));
	memcpy(&id, near, same);
	return id;
}

static void addresses_of_vectors(void **state)
{
	yyjson_val *o;
	size_t i;
	size_t n;

	yyjson_arr_foreach(section("node_ip", 6), i, n, o)
	{
		struct kira_id id = id_at(o, "node_id");
		struct kira_addr addr = kira_id_addr(0xfc00, &id);
		struct kira_id back;

		assert_addr_text(&addr, vectors_text(o, "ipv6"));
		assert_true(kira_addr_id(0xfc00, &addr, &back));
		assert_true(kira_id_eq(&id, &back));
		assert_false(kira_addr_id(0xfcaa, &addr, &back));
		assert_false(kira_addr_id(0xfd00, &addr, &back));
	}
}

static void path_ids_of_vectors(void **state)
{
	yyjson_val *o;
	size_t i;
	size_t n;

	yyjson_arr_foreach(section("path_id", 7), i, n, o)
	{
		struct kira_id hops[8];
		struct kira_id id;
		struct kira_addr addr;
		yyjson_val *hop;
		size_t j;
		size_t m;

		yyjson_arr_foreach(yyjson_obj_get(o, "path"), j, m, hop)
		{
			assert_true(j < 8);
			hops[j] = vectors_id(yyjson_get_str(hop));
		}
		id = kira_path_id(KIRA_HASH_SHA1, hops, m);
		assert_id_text(&id, vectors_text(o, "path_id112"));
		assert_int_equal(strncmp(vectors_text(o, "sha1"), vectors_text(o, "path_id112"), 28), 0);
		addr = kira_id_addr(0xfcaa, &id);
		assert_addr_text(&addr, vectors_text(o, "ipv6"));
	}
}

/* 14 and 28 bytes of the letter a, hashed with sha1sum(1) and sha256sum(1). */
static void path_ids_by_both_hashes(void **state)
{
	struct kira_id hops[2];
	struct kira_id id;

	memset(hops, 'a', sizeof(hops));
	id = kira_path_id(KIRA_HASH_SHA1, hops, 1);
	assert_id_text(&id, "128c484ff69fcdc1f82cd3781595");
	id = kira_path_id(KIRA_HASH_SHA1, hops, 2);
	assert_id_text(&id, "06587751ce11a8703abc64cab55b");
	id = kira_path_id(KIRA_HASH_SHA256, hops, 1);
	assert_id_text(&id, "82cab7df0abfb9d95dca4e5937ce");
	id = kira_path_id(KIRA_HASH_SHA256, hops, 2);
	assert_id_text(&id, "9c547cb8115a44883b9f70ba68f7");
}

/* Through OpenSSL's other interface, for every way that a path can end inside a block. */
static void path_ids_of_long_paths(void **state)
{
	struct kira_id hops[80];
	struct rng r;
	size_t n;

	rng_seed(&r, 3);
	rng_bytes(&r, hops, sizeof(hops));
	for (n = 0; n <= 80; n++) {
		uint8_t md[EVP_MAX_MD_SIZE];
		struct kira_id id = kira_path_id(KIRA_HASH_SHA1, hops, n);

		assert_int_equal(EVP_Digest(hops, n * sizeof(*hops), md, NULL, EVP_sha1(), NULL), 1);
		assert_memory_equal(id.b, md, sizeof(id.b));
		id = kira_path_id(KIRA_HASH_SHA256, hops, n);
		assert_int_equal(EVP_Digest(hops, n * sizeof(*hops), md, NULL, EVP_sha256(), NULL), 1);
		assert_memory_equal(id.b, md, sizeof(id.b));
	}
}

static void distances_of_vectors(void **state)
{
	yyjson_val *o;
	size_t i;
	size_t n;

	yyjson_arr_foreach(section("xor", 5), i, n, o)
	{
		struct kira_id a = id_at(o, "a");
		struct kira_id b = id_at(o, "b");
		struct kira_id x = kira_id_xor(&a, &b);
		unsigned bits = (unsigned)yyjson_get_uint(yyjson_obj_get(o, "shared_prefix_bits"));

		assert_id_text(&x, vectors_text(o, "xor"));
		assert_int_equal(kira_id_shared(&a, &b), bits);
		assert_int_equal(kira_id_shared(&b, &a), bits);
	}
}

static void shared_prefix_of_every_length(void **state)
{
	struct rng r;
	unsigned i;

	rng_seed(&r, 5);
	for (i = 0; i < KIRA_ID_BITS; i++) {
		struct kira_id a;
		struct kira_id b;
		unsigned j;

		rng_bytes(&r, &a, sizeof(a));
		b = a;
		b.b[i / 8] ^= (uint8_t)(0x80 >> i % 8);
		for (j = i + 1; j < KIRA_ID_BITS; j++)
			b.b[j / 8] ^= (uint8_t)((rng_u64(&r) & 1) << (7 - j % 8));
		assert_int_equal(kira_id_shared(&a, &b), i);
		assert_int_not_equal(kira_id_bit(&a, i), kira_id_bit(&b, i));
		assert_int_equal(kira_id_bit(&a, i), (unsigned)(number(&a) >> (111 - i) & 1));
	}
}

static void closer_is_big_integer_comparison(void **state)
{
	struct rng r;
	int equal = 0;
	int i;

	rng_seed(&r, 1);
	for (i = 0; i < 200000; i++) {
		struct kira_id target;
		struct kira_id a;
		struct kira_id b;
		u112 x;
		u112 y;

		rng_bytes(&r, &target, sizeof(target));
		a = random_near(&r, &target);
		b = random_near(&r, &a);
		x = number(&a) ^ number(&target);
		y = number(&b) ^ number(&target);
		assert_int_equal(kira_id_closer(&a, &b, &target), (x > y) - (x < y));
		assert_int_equal(kira_id_closer(&b, &a, &target), (y > x) - (y < x));
		assert_int_equal(kira_id_cmp(&a, &b) > 0, number(&a) > number(&b));
		equal += x == y;
	}
	assert_in_range(equal, 1000, 100000);
}

static void heuristic_of_vectors(void **state)
{
	yyjson_val *o;
	size_t i;
	size_t n;

	yyjson_arr_foreach(section("heuristic", 8), i, n, o)
	{
		struct kira_id self = id_at(o, "self");
		struct kira_id other = id_at(o, "other");
		yyjson_val *want = yyjson_obj_get(o, "self_answers_hello");

		assert_true(yyjson_is_bool(want));
		assert_int_equal(kira_answers_hello(&self, &other), yyjson_get_bool(want));
	}
}

static void heuristic_picks_exactly_one(void **state)
{
	static const uint32_t corner[] = {0, 1, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff};
	struct rng r;
	int i;

	rng_seed(&r, 2);
	for (i = 0; i < 50000; i++) {
		struct kira_id a;
		struct kira_id b;
		uint32_t low;
		int j;

		rng_bytes(&r, &a, sizeof(a));
		b = random_near(&r, &a);
		low = (uint32_t)number(&a) + corner[rng_below(&r, 6)];
		for (j = 0; j < 4 && i % 2; j++)
			b.b[10 + j] = (uint8_t)(low >> (24 - 8 * j));
		if (!kira_id_eq(&a, &b))
			assert_int_not_equal(kira_answers_hello(&a, &b), kira_answers_hello(&b, &a));
	}
}

static void buckets_of_vectors(void **state)
{
	yyjson_val *o;
	size_t i;
	size_t n;

	yyjson_arr_foreach(section("bucket_index", 9), i, n, o)
	{
		struct kira_id root = id_at(o, "root");
		struct kira_id of = id_at(o, "of");
		unsigned buckets = (unsigned)yyjson_get_uint(yyjson_obj_get(o, "num_buckets"));
		unsigned acc = (unsigned)yyjson_get_uint(yyjson_obj_get(o, "acc"));

		assert_int_equal(kira_bucket_index(&root, &of, buckets, acc),
				 yyjson_get_uint(yyjson_obj_get(o, "index")));
	}
}

/* The rule of spec §2.9 word by word, on numbers. */
static unsigned bucket_by_rule(u112 x, unsigned n_buckets, unsigned acc)
{
	unsigned level = 0;
	unsigned digit;
	unsigned idx;

	if (x == 0)
		return n_buckets - 1;
	while ((digit = (unsigned)(x >> (112 - acc))) == 0) {
		x <<= acc;
		level++;
	}
	idx = (level + 1) * ((1u << acc) - 1) - digit;
	return idx < n_buckets ? idx : n_buckets - 1;
}

static void buckets_of_random_ids(void **state)
{
	struct rng r;
	int i;

	rng_seed(&r, 4);
	for (i = 0; i < 50000; i++) {
		unsigned acc = (unsigned)rng_between(&r, 1, 8);
		unsigned max = 112 / acc * ((1u << acc) - 1);
		unsigned buckets = (unsigned)rng_between(&r, 1, max);
		struct kira_id root;
		struct kira_id of;

		rng_bytes(&r, &root, sizeof(root));
		of = random_near(&r, &root);
		assert_int_equal(kira_bucket_index(&root, &of, buckets, acc),
				 bucket_by_rule(number(&root) ^ number(&of), buckets, acc));
	}
}

/* Two IDs of one bucket that is not the last agree, relative to root, in just the bits that the bucket stands for. */
static void bucket_bits(void **state)
{
	assert_int_equal(kira_bucket_bits(0, 1), 1);
	assert_int_equal(kira_bucket_bits(7, 1), 8);
	assert_int_equal(kira_bucket_bits(111, 1), 112);
	assert_int_equal(kira_bucket_bits(112, 1), 112);
	assert_int_equal(kira_bucket_bits(0, 2), 2);
	assert_int_equal(kira_bucket_bits(2, 2), 2);
	assert_int_equal(kira_bucket_bits(3, 2), 4);
	assert_int_equal(kira_bucket_bits(5, 2), 4);
	assert_int_equal(kira_bucket_bits(254, 8), 8);
	assert_int_equal(kira_bucket_bits(255, 8), 16);
	assert_int_equal(kira_bucket_bits(1000000, 3), 112);
}

static void text_form(void **state)
{
	static const char *const bad[] = {"", "0x1", "g", " 1", "1 ", "-1", "00000000000000000000000000001",
					  "0a0000000000000000000000000a0a"};
	struct kira_id id;
	size_t i;

	assert_int_equal(kira_id_parse("1", &id), 0);
	assert_id_text(&id, "0000000000000000000000000001");
	assert_int_equal(kira_id_parse("ABCdef", &id), 0);
	assert_id_text(&id, "0000000000000000000000abcdef");
	assert_int_equal(kira_id_parse("F23456789012345678901234567e", &id), 0);
	assert_id_text(&id, "f23456789012345678901234567e");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(kira_id_parse(bad[i], &id), -EINVAL);
		assert_id_text(&id, "f23456789012345678901234567e");
	}
}

static void valid_ids(void **state)
{
	struct kira_id id;
	unsigned i;

	assert_false(kira_id_valid(&kira_id_undefined));
	assert_false(kira_id_valid(&kira_id_all_nodes));
	for (i = 0; i < KIRA_ID_BITS; i++) {
		id = kira_id_undefined;
		id.b[i / 8] ^= (uint8_t)(0x80 >> i % 8);
		assert_true(kira_id_valid(&id));
		id = kira_id_all_nodes;
		id.b[i / 8] ^= (uint8_t)(0x80 >> i % 8);
		assert_true(kira_id_valid(&id));
	}
}

static int load(void **state)
{
	vectors = vectors_load();
	return 0;
}

static int unload(void **state)
{
	yyjson_doc_free(vectors);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_vectors),
		cmocka_unit_test(path_ids_of_vectors),
		cmocka_unit_test(path_ids_by_both_hashes),
		cmocka_unit_test(path_ids_of_long_paths),
		cmocka_unit_test(distances_of_vectors),
		cmocka_unit_test(shared_prefix_of_every_length),
		cmocka_unit_test(closer_is_big_integer_comparison),
		cmocka_unit_test(heuristic_of_vectors),
		cmocka_unit_test(heuristic_picks_exactly_one),
		cmocka_unit_test(buckets_of_vectors),
		cmocka_unit_test(buckets_of_random_ids),
		cmocka_unit_test(bucket_bits),
		cmocka_unit_test(text_form),
		cmocka_unit_test(valid_ids),
	};

	return cmocka_run_group_tests_name("kira id", tests, load, unload);
}
