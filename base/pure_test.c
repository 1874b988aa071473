/* SPDX-License-Identifier: BSD-2-Clause */
/* What cores stand on: memory, bytes, containers, random numbers, errors. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/rng.h"
#include "base/slice.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void test_alloc_counts_and_limits(void **state)
{
	struct alloc a;
	uint8_t *p;
	uint8_t *q;

	alloc_init(&a, 100);
	p = alloc_zero(&a, 60);
	assert_non_null(p);
	assert_int_equal(p[59], 0);
	assert_null(alloc_zero(&a, 41));
	assert_int_equal(a.used, 60);
	q = alloc_resize(&a, p, 60, 100);
	assert_non_null(q);
	assert_null(alloc_resize(&a, q, 100, 101));
	assert_int_equal(a.used, 100);
	q = alloc_resize(&a, q, 100, 10);
	assert_int_equal(a.used, 10);
	alloc_free(&a, q, 10);
	alloc_free(&a, NULL, 0);
	assert_int_equal(a.used, 0);
	assert_int_equal(a.peak, 100);
}

static void test_slice_cannot_overrun(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	struct slice s = slice_of(bytes, sizeof(bytes));
	struct slice part;
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;
	uint8_t v8;

	assert_true(slice_u8(&s, &v8) && v8 == 1);
	assert_true(slice_u16(&s, &v16) && v16 == 0x0203);
	assert_true(slice_u32(&s, &v32) && v32 == 0x04050607);
	assert_false(slice_take(&s, 9, &part));
	assert_int_equal(s.n, 8);
	assert_true(slice_u64(&s, &v64) && v64 == 0x08090a0b0c0d0e0fu);
	assert_false(slice_u8(&s, &v8) || slice_u16(&s, &v16) || slice_u32(&s, &v32) ||
		     slice_u64(&s, &v64));
	assert_true(slice_take(&s, 0, &part) && part.n == 0);
	assert_true(slice_eq(SLICE_LIT("ab"), slice_of("abc", 2)));
	assert_false(slice_eq(SLICE_LIT("ab"), SLICE_LIT("ac")));
	assert_true(slice_eq(slice_of(NULL, 0), SLICE_LIT("")));
}

static void test_buf(void **state)
{
	struct alloc a;
	struct buf b;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	buf_u8(&b, 1);
	buf_u16(&b, 0x0203);
	buf_u32(&b, 0x04050607);
	buf_u64(&b, 0x08090a0b0c0d0e0fu);
	buf_patch_u16(&b, 1, 0xfffe);
	buf_patch_u16(&b, 14, 0xaaaa); /* only one byte there: not done */
	assert_memory_equal(b.p, "\x01\xff\xfe\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
			    15);
	buf_drop(&b, 13);
	buf_printf(&b, "%s-%d", "abc", 42);
	assert_int_equal(b.n, 8);
	assert_memory_equal(b.p,
			    "\x0e\x0f"
			    "abc-42",
			    8);
	buf_drop(&b, 100);
	assert_int_equal(b.n, 0);
	buf_free(&b);
	assert_int_equal(a.used, 0);
}

static void test_buf_fails_once_for_all(void **state)
{
	uint8_t place[4];
	struct alloc a;
	struct buf b;

	buf_fixed(&b, place, sizeof(place));
	buf_u16(&b, 0x0102);
	buf_u32(&b, 3); /* does not fit */
	buf_u8(&b, 4);	/* would, but comes after */
	assert_true(b.failed);
	assert_int_equal(b.n, 2);
	buf_clear(&b);
	buf_u32(&b, 5);
	assert_false(b.failed);
	buf_printf(&b, "%s", "");
	assert_true(b.failed); /* the NUL has no room */
	alloc_init(&a, 100);
	buf_init(&b, &a);
	assert_non_null(buf_add(&b, 50));
	assert_null(buf_add(&b, 100));
	assert_null(buf_add(&b, SIZE_MAX));
	assert_true(b.failed);
	buf_free(&b);
	assert_int_equal(a.used, 0);
}

struct item {
	struct hash_node hash;
	struct heap_node heap;
	struct list list;
	unsigned key;
};

static struct item *find(const struct hash *t, unsigned key, uint32_t h)
{
	struct hash_node *n;

	for (n = hash_first(t, h); n; n = hash_next(n)) {
		if (container_of(n, struct item, hash)->key == key)
			return container_of(n, struct item, hash);
	}
	return NULL;
}

static void test_hash(void **state)
{
	static struct item items[1000];
	struct alloc a;
	struct hash t;
	unsigned seen = 0;
	unsigned i;

	alloc_init(&a, 0);
	hash_init(&t, &a);
	assert_null(hash_first(&t, 0));
	for (i = 0; i < 1000; i++) {
		items[i].key = i;
		assert_int_equal(hash_add(&t, &items[i].hash, i % 300),
				 0); /* with equal hash values */
	}
	for (i = 0; i < 1000; i++)
		assert_ptr_equal(find(&t, i, i % 300), &items[i]);
	assert_null(find(&t, 1000, 1000 % 300));
	hash_each (it, &t) {
		struct item *x = container_of(it, struct item, hash);

		seen++;
		if (x->key % 2 == 0)
			hash_del(&t, it);
	}
	assert_int_equal(seen, 1000);
	assert_int_equal(t.n, 500);
	for (i = 0; i < 1000; i++)
		assert_ptr_equal(find(&t, i, i % 300), i % 2 ? &items[i] : NULL);
	hash_free(&t);
	assert_int_equal(a.used, 0);
}

static void test_hash_without_memory(void **state)
{
	struct item items[9] = {0};
	struct alloc a;
	struct hash t;
	unsigned i;

	alloc_init(&a, 10);
	hash_init(&t, &a);
	assert_int_equal(hash_add(&t, &items[0].hash, 1), -ENOMEM);
	assert_int_equal(t.n, 0);
	/* Room for the first slots only: it gets slower, but holds everything. */
	alloc_init(&a, 8 * sizeof(void *));
	hash_init(&t, &a);
	for (i = 0; i < 9; i++) {
		items[i].key = i;
		assert_int_equal(hash_add(&t, &items[i].hash, i), 0);
	}
	for (i = 0; i < 9; i++)
		assert_ptr_equal(find(&t, i, i), &items[i]);
	hash_free(&t);
}

static void test_hash_bytes(void **state)
{
	uint32_t h = hash_bytes("abcdefghi", 9, 1);

	assert_int_equal(h, hash_bytes("abcdefghi", 9, 1));
	assert_true(h != hash_bytes("abcdefghi", 9, 2));
	assert_true(h != hash_bytes("abcdefghj", 9, 1));
	assert_true(hash_bytes("\0", 1, 1) != hash_bytes("\0\0", 2, 1));
}

static void test_heap(void **state)
{
	static struct item items[500];
	struct alloc a;
	struct heap h;
	struct rng r;
	usec_t last = -1;
	unsigned n = 0;
	unsigned i;

	alloc_init(&a, 0);
	heap_init(&h, &a);
	rng_seed(&r, 7);
	assert_null(heap_min(&h));
	for (i = 0; i < 500; i++)
		assert_int_equal(heap_set(&h, &items[i].heap, rng_between(&r, 0, 50)), 0);
	for (i = 0; i < 500; i += 3) /* moved, both ways */
		assert_int_equal(heap_set(&h, &items[i].heap, rng_between(&r, 0, 50)), 0);
	for (i = 0; i < 500; i += 5)
		heap_del(&h, &items[i].heap);
	heap_del(&h, &items[0].heap); /* not in it any more: nothing */
	while (heap_min(&h)) {
		struct heap_node *m = heap_min(&h);

		assert_true(m->due >= last);
		last = m->due;
		heap_del(&h, m);
		n++;
	}
	assert_int_equal(n, 400);
	heap_free(&h);
	assert_int_equal(a.used, 0);
}

static void test_heap_keeps_the_order_of_equals(void **state)
{
	struct item items[20] = {0};
	struct alloc a;
	struct heap h;
	unsigned i;

	alloc_init(&a, 0);
	heap_init(&h, &a);
	for (i = 0; i < 20; i++)
		heap_set(&h, &items[i].heap, 5);
	for (i = 0; i < 20; i++) {
		assert_ptr_equal(heap_min(&h), &items[i].heap);
		heap_del(&h, heap_min(&h));
	}
	heap_free(&h);
}

static void test_heap_without_memory(void **state)
{
	struct item x = {0};
	struct alloc a;
	struct heap h;

	alloc_init(&a, 1);
	heap_init(&h, &a);
	assert_int_equal(heap_set(&h, &x.heap, 5), -ENOMEM);
	assert_null(heap_min(&h));
	heap_del(&h, &x.heap);
	heap_free(&h);
}

static void test_list(void **state)
{
	struct item items[4];
	struct list head;
	unsigned n = 0;
	unsigned i;

	list_init(&head);
	assert_true(list_empty(&head));
	for (i = 0; i < 4; i++) {
		items[i].key = i;
		list_add(&head, &items[i].list);
	}
	list_del(&items[2].list);
	list_del(&items[2].list);
	list_each (it, &head)
		n = n * 10 + container_of(it, struct item, list)->key;
	assert_int_equal(n, 13); /* 0, 1, 3 */
	list_each_safe (it, &head)
		list_del(it);
	assert_true(list_empty(&head));
}

/* The generator's published first outputs for the state 1, 2, 3, 4. */
static void test_rng_is_xoshiro256(void **state)
{
	static const uint64_t want[] = {11520,
					0,
					1509978240,
					1215971899390074240u,
					1216172134540287360u,
					607988272756665600u,
					16172922978634559625u,
					8476171486693032832u};
	struct rng r = {{1, 2, 3, 4}};
	size_t i;

	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_true(rng_u64(&r) == want[i]);
}

static void test_rng_ranges(void **state)
{
	unsigned count[7] = {0};
	uint8_t bytes[13] = {0};
	struct rng a;
	struct rng b;
	unsigned i;

	rng_seed(&a, 42);
	rng_seed(&b, 42);
	for (i = 0; i < 7000; i++) {
		int64_t v = rng_between(&a, -3, 3);
		double u = rng_unit(&a);

		assert_in_range(v + 3, 0, 6);
		assert_true(u >= 0 && u < 1);
		count[v + 3]++;
	}
	/* 1,000 each, were it exact; the seed is fixed, so this holds always or never. */
	for (i = 0; i < 7; i++)
		assert_in_range(count[i], 850, 1150);
	assert_true(rng_below(&a, 0) == 0 && rng_below(&a, 1) == 0);
	rng_seed(&a, 42);
	assert_true(rng_u64(&a) == rng_u64(&b));
	rng_bytes(&a, bytes, 12);
	assert_int_equal(bytes[12], 0);
}

static void test_err(void **state)
{
	char text[600] = "";
	struct err e = {.where = "old", .mend = "old"};
	FILE *f = tmpfile();

	assert_int_equal(err_set(&e, -EIO, "cannot read %s", "it"), -EIO);
	assert_string_equal(e.where, "");
	err_print(&e, "dep", f);
	err_where(&e, "line %d", 3);
	err_mend(&e, "try again");
	err_print(&e, "dep", f);
	rewind(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	assert_string_equal(text, "dep: cannot read it\ndep: line 3: cannot read it (try again)\n");
	fclose(f);
	/* Text of others does not reach a terminal as commands. */
	memset(text, 0, sizeof(text));
	f = tmpfile();
	err_set(&e, -EIO, "%s", "\033[2J\xc2\x9b" "1m\x7f Dépanneur\n");
	err_print(&e, "dep", f);
	rewind(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	assert_string_equal(text, "dep: ?[2J??1m? Dépanneur?\n");
	assert_int_equal(err_flush(f, "it", &e), 0);
	fclose(f);
	f = fopen("/dev/full", "we");
	assert_non_null(f);
	fputs("lost", f);
	assert_int_equal(err_flush(f, "it", &e), -EIO);
	assert_string_equal(e.where, "it");
	assert_int_equal(err_flush(f, "it", &e), -EIO);
	fclose(f);
	assert_int_equal(err_set(NULL, -EIO, "nobody reads this"), -EIO);
	err_where(NULL, "x");
	err_mend(NULL, "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc_counts_and_limits),
		cmocka_unit_test(test_slice_cannot_overrun),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_buf_fails_once_for_all),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_hash_without_memory),
		cmocka_unit_test(test_hash_bytes),
		cmocka_unit_test(test_heap),
		cmocka_unit_test(test_heap_keeps_the_order_of_equals),
		cmocka_unit_test(test_heap_without_memory),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_rng_is_xoshiro256),
		cmocka_unit_test(test_rng_ranges),
		cmocka_unit_test(test_err),
	};

	return cmocka_run_group_tests_name("pure", tests, NULL, NULL);
}
