/* SPDX-License-Identifier: BSD-2-Clause */
/* The laws against computed vectors: the PI controllers, recur(), the WRR scheduler; and the
 * histogram against the values themselves. */
#include "base/rng.h"
#include "proto/l4s/aqm/pi.h"
#include "proto/l4s/aqm/recur.h"
#include "proto/l4s/aqm/wrr.h"
#include "proto/l4s/hist.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static FILE *vectors(const char *name)
{
	const char *top = getenv("DEP_TOP");
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/proto/l4s/aqm/vectors/%s", top ? top : ".", name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("cannot read %s", path);
	return f;
}

/* The next line that is a row: no comment, no heading. */
static bool row(FILE *f, char *line, int n)
{
	while (fgets(line, n, f))
		if (line[0] >= '0' && line[0] <= '9')
			return true;
	return false;
}

static void test_pi(void **state)
{
	FILE *f = vectors("pi.csv");
	uint32_t prob = 0;
	uint64_t p56 = 0;
	uint64_t last = 0;
	char line[512];
	int rows = 0;

	assert_int_equal(pi_linux_gain(41), 44);
	assert_int_equal(pi_linux_gain(819), 879);
	while (row(f, line, sizeof(line))) {
		uint64_t delay;
		uint32_t want;
		double p, p_cl, p_c, rfc;
		int overload;
		int full;

		assert_int_equal(sscanf(line, "%*d,%" SCNu64 ",%" SCNu32 ",%lf,%lf,%lf,%d,%lf,%d",
					&delay, &want, &p, &p_cl, &p_c, &overload, &rfc, &full),
				 8);
		prob = pi_linux(prob, delay, last, 15000000, 44, 879);
		assert_int_equal(prob, want);
		assert_int_equal((uint64_t)prob * 2 > UINT32_MAX, overload);
		p56 = pi_rfc_add(p56, pi_rfc_delta(delay, last, 15000000, pi_rfc_gain(160000),
						   pi_rfc_gain(3200000)));
		assert_true(fabs((double)p56 / (double)PI_ONE - rfc) < 1e-6);
		assert_int_equal((uint64_t)pi_rfc_prob(p56) >= (uint64_t)1 << 31, full);
		last = delay;
		rows++;
	}
	fclose(f);
	assert_int_equal(rows, 43);
}

/* The sum that wraps in the kernel: from p' 0.5 up by more than 1. */
static void test_pi_saturates(void **state)
{
	uint64_t p56 = PI_ONE / 2;

	assert_int_equal(pi_linux(1u << 31, 400000000, 0, 15000000, 44, 879), UINT32_MAX);
	assert_int_equal(pi_linux(1u << 31, UINT64_MAX, 0, 15000000, 44, 879), UINT32_MAX);
	assert_int_equal(pi_linux(1u << 31, 0, (uint64_t)3600 * 1000000000, 15000000, 44, 879), 0);
	assert_int_equal(pi_linux(UINT32_MAX, 15000000, 15000000, 15000000, 4398, 4398),
			 UINT32_MAX);
	p56 = pi_rfc_add(p56, pi_rfc_delta(UINT64_MAX, 0, 15000000, pi_rfc_gain(8000000),
					   pi_rfc_gain(8000000)));
	assert_int_equal(p56, PI_ONE);
	assert_int_equal(pi_rfc_prob(p56), UINT32_MAX);
	p56 = pi_rfc_add(p56, pi_rfc_delta(0, UINT64_MAX, 4000000000u, pi_rfc_gain(8000000),
					   pi_rfc_gain(8000000)));
	assert_int_equal(p56, 0);
	p56 = pi_rfc_add(PI_ONE, pi_rfc_delta(0, UINT64_MAX, 1, 0, pi_rfc_gain(8000000)));
	assert_int_equal(p56, 0);
}

/* Gains of the RFC form against the quotient itself. */
static void test_pi_gain(void **state)
{
	static const uint32_t uhz[] = {0, 1, 125000, 160000, 1250000, 3200000, 8000000};
	size_t i;

	for (i = 0; i < sizeof(uhz) / sizeof(uhz[0]); i++)
		assert_int_equal(pi_rfc_gain(uhz[i]), (uint32_t)((unsigned __int128)uhz[i] *
								 PI_ONE / 1000000000000000u));
}

static void test_recur(void **state)
{
	FILE *f = vectors("recur.csv");
	char line[512];
	int rows = 0;

	while (row(f, line, sizeof(line))) {
		uint64_t count = 0;
		unsigned long n;
		unsigned long d = 1;
		char *at;
		uint64_t i;

		n = strtoul(line, &at, 10);
		if (*at == '/')
			d = strtoul(at + 1, &at, 10);
		assert_int_equal(*at++, ',');
		for (i = 1; i <= 50; i++) {
			bool want = strtoul(at, NULL, 10) == i;

			assert_int_equal(recur(&count, (n << 32) / d), want);
			if (want)
				strtoul(at, &at, 10);
		}
		rows++;
	}
	fclose(f);
	assert_int_equal(rows, 7);
}

static void test_wrr(void **state)
{
	FILE *f = vectors("wrr.csv");
	struct wrr w;
	char line[512];
	int rows = 0;

	wrr_init(&w, 1500, 10);
	while (row(f, line, sizeof(line))) {
		bool low = wrr_low(&w, true, true);
		char queue;
		int credit;

		assert_int_equal(sscanf(line, "%*d,%c,%d", &queue, &credit), 2);
		assert_int_equal(low, queue == 'L');
		wrr_served(&w, low, true, 1500);
		assert_int_equal(w.credit, credit);
		rows++;
	}
	fclose(f);
	assert_int_equal(rows, 25);
}

static void test_ts_fifo(void **state)
{
	/* C's head came at 100: L is served up to 50 later. */
	assert_true(ts_fifo_low(100, 100, 50));
	assert_true(ts_fifo_low(100, 150, 50));
	assert_false(ts_fifo_low(100, 151, 50));
	assert_true(ts_fifo_low(100, 0, 0));
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Times over nine decades: each quantile within 3.2 % of the true one. */
static void test_hist_quantiles(void **state)
{
	static const uint32_t q[] = {0, 1, 1000, 10000, 500000, 990000, 999000, 999999, 1000000};
	static uint64_t v[20000];
	static struct hist h;
	const size_t n = sizeof(v) / sizeof(v[0]);
	struct rng rng;
	uint64_t sum = 0;
	size_t i;

	rng_seed(&rng, 7);
	hist_reset(&h);
	for (i = 0; i < n; i++) {
		v[i] = rng_u64(&rng) >> (28 + rng_below(&rng, 36));
		sum += v[i];
		hist_add(&h, v[i]);
	}
	qsort(v, n, sizeof(v[0]), by_value);
	assert_int_equal(hist_mean(&h), sum / n);
	assert_int_equal(h.min, v[0]);
	assert_int_equal(h.max, v[n - 1]);
	for (i = 0; i < sizeof(q) / sizeof(q[0]); i++) {
		size_t rank = (size_t)(((uint64_t)n * q[i] + 999999) / 1000000);
		double want = (double)v[rank ? rank - 1 : 0];

		assert_true(fabs((double)hist_quantile(&h, q[i]) - want) <= want / 31 + 0.5);
	}
}

static void test_hist_edges(void **state)
{
	static struct hist a, b;
	uint32_t i;

	hist_reset(&a);
	assert_int_equal(hist_quantile(&a, 500000), 0);
	assert_int_equal(hist_mean(&a), 0);
	for (i = 0; i < HIST_BUCKETS; i++) {
		assert_int_equal(hist_index(hist_floor(i)), i);
		if (i > 0)
			assert_int_equal(hist_index(hist_floor(i) - 1), i - 1);
	}
	/* One value: itself, wherever it lies in its bucket. */
	hist_add(&a, 1023);
	assert_int_equal(hist_quantile(&a, 500000), 1023);
	hist_reset(&a);
	hist_add(&a, 992);
	assert_int_equal(hist_quantile(&a, 500000), 992);
	hist_reset(&a);
	hist_add(&a, UINT64_MAX / 2);
	assert_int_equal(a.bucket[HIST_BUCKETS - 1], 1);
	assert_int_equal(hist_quantile(&a, 500000), UINT64_MAX / 2);
	hist_reset(&b);
	hist_add(&b, 5);
	hist_merge(&b, &a);
	assert_int_equal(b.n, 2);
	assert_int_equal(b.min, 5);
	assert_int_equal(b.max, UINT64_MAX / 2);
	assert_int_equal(hist_quantile(&b, 500000), 5);
	assert_int_equal(hist_quantile(&b, 500001), UINT64_MAX / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pi),
		cmocka_unit_test(test_pi_saturates),
		cmocka_unit_test(test_pi_gain),
		cmocka_unit_test(test_recur),
		cmocka_unit_test(test_wrr),
		cmocka_unit_test(test_ts_fifo),
		cmocka_unit_test(test_hist_quantiles),
		cmocka_unit_test(test_hist_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
