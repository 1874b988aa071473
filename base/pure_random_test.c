/* SPDX-License-Identifier: BSD-2-Clause */
/* Long random runs of the containers beside a plain model of them, the spread of hashes, and empty bytes at NULL. */
#include "base/buf.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/rng.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ITEMS 300

struct item {
	struct heap_node heap;
	struct hash_node hash;
	uint64_t set; /* when it was last set in the heap, counted in settings */
	bool there;
};

static struct item items[ITEMS];

static struct item *first_due(void)
{
	struct item *best = NULL;
	int i;

	for (i = 0; i < ITEMS; i++) {
		struct item *x = &items[i];

		if (x->there && (!best || x->heap.due < best->heap.due ||
				 (x->heap.due == best->heap.due && x->set < best->set)))
			best = x;
	}
	return best;
}

static void heap_beside_a_search(void **state)
{
	struct alloc a;
	struct heap h;
	struct rng r;
	uint32_t n = 0;
	uint64_t i;

	alloc_init(&a, 0);
	heap_init(&h, &a);
	rng_seed(&r, 21);
	memset(items, 0, sizeof(items));
	for (i = 0; i < 50000; i++) {
		struct item *x = &items[rng_below(&r, ITEMS)];
		struct item *want;

		if (rng_below(&r, 5) < (i / 5000 % 2 ? 2 : 3)) {
			assert_int_equal(heap_set(&h, &x->heap, rng_between(&r, -20, 20)), 0);
			n += !x->there;
			x->there = true;
			x->set = i;
		} else {
			heap_del(&h, &x->heap);
			n -= x->there;
			x->there = false;
		}
		want = first_due();
		assert_ptr_equal(heap_min(&h), want ? &want->heap : NULL);
		assert_int_equal(h.n, n);
		assert_int_equal(x->heap.pos != 0, x->there);
	}
	heap_free(&h);
	assert_int_equal(a.used, 0);
}

/* Room for eight: a heap_set that fails leaves the node out, one that moves a node still works. */
static void heap_that_cannot_grow(void **state)
{
	struct alloc a;
	struct heap h;
	int i;

	alloc_init(&a, 8 * sizeof(void *));
	heap_init(&h, &a);
	memset(items, 0, sizeof(items));
	for (i = 0; i < 12; i++) {
		items[i].there = heap_set(&h, &items[i].heap, 12 - i) == 0;
		assert_int_equal(items[i].there, i < 8);
		assert_int_equal(items[i].heap.pos != 0, i < 8);
	}
	assert_int_equal(heap_set(&h, &items[0].heap, 0), 0);
	assert_ptr_equal(heap_min(&h), &items[0].heap);
	heap_del(&h, &items[0].heap);
	assert_int_equal(heap_set(&h, &items[9].heap, 0), 0);
	assert_ptr_equal(heap_min(&h), &items[9].heap);
	heap_free(&h);
}

/* Room asked for is there when there is no more memory; room that cannot be had is refused. */
static void heap_keeps_reserved_room(void **state)
{
	struct alloc a;
	struct heap h;
	int i;

	alloc_init(&a, 0);
	heap_init(&h, &a);
	memset(items, 0, sizeof(items));
	assert_int_equal(heap_reserve(&h, 100), 0);
	a.limit = a.used;
	for (i = 0; i < 100; i++)
		assert_int_equal(heap_set(&h, &items[i].heap, 100 - i), 0);
	assert_ptr_equal(heap_min(&h), &items[99].heap);
	assert_int_equal(heap_reserve(&h, 50), 0);
	assert_int_equal(heap_reserve(&h, 1000), -ENOMEM);
	assert_ptr_equal(heap_min(&h), &items[99].heap);
	heap_free(&h);
	assert_int_equal(a.used, 0);
}

static bool found(const struct hash *t, const struct item *x, uint32_t h)
{
	struct hash_node *n;

	for (n = hash_first(t, h); n; n = hash_next(n)) {
		assert_int_equal(n->h, h);
		if (n == &x->hash)
			return true;
	}
	return false;
}

static void hash_beside_flags(void **state)
{
	struct alloc a;
	struct hash t;
	struct rng r;
	uint32_t n = 0;
	int i;

	alloc_init(&a, 0);
	hash_init(&t, &a);
	rng_seed(&r, 22);
	memset(items, 0, sizeof(items));
	for (i = 0; i < 50000; i++) {
		size_t k = rng_below(&r, ITEMS);
		uint32_t h = (uint32_t)(k % 70 * 0x9e3779b1u);
		struct item *x = &items[k];

		assert_int_equal(found(&t, x, h), x->there);
		if (x->there) {
			hash_del(&t, &x->hash);
			n--;
		} else {
			assert_int_equal(hash_add(&t, &x->hash, h), 0);
			n++;
		}
		x->there = !x->there;
		assert_int_equal(t.n, n);
		if (i % 500 == 0) {
			uint32_t seen = 0;

			hash_each(it, &t)
			{
				assert_true(container_of(it, struct item, hash)->there);
				seen++;
			}
			assert_int_equal(seen, n);
		}
	}
	hash_free(&t);
	assert_int_equal(a.used, 0);
}

/* Keys that differ in few bits, under two seeds: slots are filled evenly (256 of 64 each; the standard deviation of a
 * uniform choice is 8), and each bit of the value is set as often as not. */
static void hashes_are_spread(void **state)
{
	static uint32_t slot[256];
	static uint32_t bit[32];
	uint8_t key[14] = {0};
	uint64_t seed;
	uint32_t i;
	int j;

	for (seed = 0; seed < 2; seed++) {
		memset(slot, 0, sizeof(slot));
		memset(bit, 0, sizeof(bit));
		for (i = 0; i < 256 * 64; i++) {
			uint32_t h;

			memcpy(key + 4, &i, sizeof(i));
			h = hash_bytes(key, sizeof(key), seed);
			slot[h & 255]++;
			for (j = 0; j < 32; j++)
				bit[j] += h >> j & 1;
		}
		for (i = 0; i < 256; i++)
			assert_in_range(slot[i], 64 - 40, 64 + 40);
		for (j = 0; j < 32; j++)
			assert_in_range(bit[j], 8192 - 400, 8192 + 400);
	}
}

/* Who knows one seed's collisions knows none of another's. */
static void collisions_depend_on_the_seed(void **state)
{
	static uint32_t first[4096];
	uint32_t pairs = 0;
	uint32_t again = 0;
	uint32_t i;
	uint32_t j;

	for (i = 0; i < 4096; i++)
		first[i] = hash_bytes(&i, sizeof(i), 1) & 0xfff;
	for (i = 0; i < 4096; i++) {
		for (j = 0; j < i; j++) {
			if (first[i] != first[j])
				continue;
			pairs++;
			again += (hash_bytes(&i, sizeof(i), 2) & 0xfff) == (hash_bytes(&j, sizeof(j), 2) & 0xfff);
		}
	}
	assert_in_range(pairs, 1500, 2600); /* 4096 * 4095 / 2 / 4096 expected */
	assert_in_range(again, 0, 10);
}

static void every_length_and_byte_counts_in_a_hash(void **state)
{
	uint8_t key[40] = {0};
	size_t n;
	size_t i;

	for (n = 0; n < sizeof(key); n++) {
		uint32_t h = hash_bytes(key, n, 9);

		assert_int_not_equal(h, hash_bytes(key, n + 1, 9));
		for (i = 0; i < n; i++) {
			key[i] = 1;
			assert_int_not_equal(h, hash_bytes(key, n, 9));
			key[i] = 0;
		}
	}
}

static void no_bytes_at_null(void **state)
{
	struct slice s = {0};
	struct slice out;
	uint8_t none[1];
	struct alloc a;
	struct buf b;

	assert_true(slice_take(&s, 0, &out));
	assert_true(slice_copy(&s, none, 0));
	assert_false(slice_u8(&s, none));
	alloc_init(&a, 0);
	buf_init(&b, &a);
	buf_drop(&b, 0);
	buf_drop(&b, 5);
	buf_bytes(&b, NULL, 0);
	assert_int_equal(b.n, 0);
	assert_false(b.failed);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heap_beside_a_search),
		cmocka_unit_test(heap_that_cannot_grow),
		cmocka_unit_test(heap_keeps_reserved_room),
		cmocka_unit_test(hash_beside_flags),
		cmocka_unit_test(hashes_are_spread),
		cmocka_unit_test(collisions_depend_on_the_seed),
		cmocka_unit_test(every_length_and_byte_counts_in_a_hash),
		cmocka_unit_test(no_bytes_at_null),
	};

	return cmocka_run_group_tests_name("pure random", tests, NULL, NULL);
}
