/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void expect(struct buf *b, const char *text)
{
	buf_u8(b, 0);
	assert_false(b->failed);
	assert_string_equal((char *)b->p, text);
	buf_clear(b);
}

static void test_samples(void **state)
{
	struct alloc a;
	struct buf b;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	metrics_family(&b, "x_total", "counter", "Things\nby \\kind.");
	metrics_u64(&b, "x_total", UINT64_MAX);
	metrics_u64(&b, "x_total", 3, {"kind", "a\"b\\c\nd"}, {"dir", "rx"});
	metrics_f64(&b, "x_seconds", 0.25);
	metrics_f64(&b, "x_seconds", INFINITY, {"q", "1"});
	metrics_f64(&b, "x_seconds", NAN);
	expect(&b, "# HELP x_total Things\\nby \\\\kind.\n# TYPE x_total counter\nx_total 18446744073709551615\n"
		   "x_total{kind=\"a\\\"b\\\\c\\nd\",dir=\"rx\"} 3\nx_seconds 0.25\nx_seconds{q=\"1\"} +Inf\nx_seconds NaN\n");
	buf_free(&b);
	assert_int_equal(a.used, 0);
}

static void test_histogram(void **state)
{
	static const double bound[] = {0.1, 1, 10};
	uint64_t count[4] = {0};
	struct metrics_histogram h = {.bound = bound, .n_bounds = 3, .count = count};
	struct alloc a;
	struct buf b;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	metrics_observe(&h, 0.1); /* an upper bound belongs to its bucket */
	metrics_observe(&h, 0.5);
	metrics_observe(&h, 0.5);
	metrics_observe(&h, 100);
	metrics_put_histogram(&b, "t", &h, METRICS_LABELS({"l", "v"}));
	expect(&b, "t_bucket{l=\"v\",le=\"0.10000000000000001\"} 1\nt_bucket{l=\"v\",le=\"1\"} 3\nt_bucket{l=\"v\",le=\"10\"} 3\n"
		   "t_bucket{l=\"v\",le=\"+Inf\"} 4\nt_sum{l=\"v\"} 101.09999999999999\nt_count{l=\"v\"} 4\n");
	buf_free(&b);
}

static void test_no_memory_is_seen_once(void **state)
{
	struct alloc a;
	struct buf b;

	alloc_init(&a, 64);
	buf_init(&b, &a);
	metrics_family(&b, "x_total", "counter", "A help text that is longer than there is memory.");
	metrics_u64(&b, "x_total", 1);
	assert_true(b.failed);
	buf_free(&b);
	assert_int_equal(a.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_no_memory_is_seen_once),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
