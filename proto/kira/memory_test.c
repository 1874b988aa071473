/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that runs short at any moment: nothing crashes, nothing leaks, and when there is memory again the network heals. */
#include "proto/kira/core.h"
#include "proto/kira/puppet.h"
#include "proto/kira/testnet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static struct {
	unsigned long n;    /* allocations so far */
	unsigned long from; /* the first that fails, 0: none */
	unsigned long many; /* how many do */
	void *(*resize)(struct alloc *a, void *old, size_t old_n, size_t n);
} fail;

static void *failing(struct alloc *a, void *old, size_t old_n, size_t n)
{
	if (n > old_n && ++fail.n >= fail.from && fail.from && fail.n - fail.from < fail.many)
		return NULL;
	return fail.resize(a, old, old_n, n);
}

/* Two squares side by side, a node that hangs on, a cut, its mend. Returns the pairs that are missing at the end. */
static unsigned run(unsigned long from, unsigned long many)
{
	static const unsigned links[][2] = {{0, 1}, {1, 2}, {3, 4}, {4, 5}, {0, 3}, {1, 4}, {2, 5}, {5, 6}};
	static struct testnet t;
	unsigned missing;
	unsigned i;

	testnet_init(&t, 7, 5, NULL, NULL);
	fail.n = 0;
	fail.from = from;
	fail.many = many;
	fail.resize = t.a.resize;
	t.a.resize = failing;
	for (i = 0; i < sizeof(links) / sizeof(*links); i++)
		testnet_link(&t, links[i][0], links[i][1]);
	testnet_run(&t, SEC(2));
	testnet_cut(&t, 1, 4);
	testnet_run(&t, SEC(4));
	testnet_link(&t, 1, 4);
	testnet_cut(&t, 0, 3);
	testnet_run(&t, SEC(6));
	fail.from = 0;
	/* A link whose up failed for want of memory is the shell's to try again. */
	for (i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (i != 4)
			testnet_link(&t, links[i][0], links[i][1]);
	testnet_run(&t, SEC(45));
	missing = testnet_missing(&t);
	for (i = 0; i < t.n; i++)
		if (core_broken(t.node[i].k)) {
			print_error("from %lu, %lu: node %u: %s\n", from, many, i, core_broken(t.node[i].k));
			fail_msg("broken");
		}
	testnet_free(&t);
	assert_int_equal(t.a.used, 0);
	return missing;
}

static void each_allocation_fails_once(void **state)
{
	unsigned long total;
	unsigned long i;

	assert_int_equal(run(0, 0), 0);
	total = fail.n;
	assert_true(total > 1000);
	/* Every one of the start, then a sample. */
	for (i = 1; i < total; i += i < 200 ? 1 : total / 100) {
		unsigned missing = run(i, 1);

		if (missing)
			print_error("allocation %lu: %u pairs\n", i, missing);
		assert_int_equal(missing, 0);
	}
}

static void no_memory_for_a_while(void **state)
{
	unsigned long total;
	unsigned long i;

	run(0, 0);
	total = fail.n;
	for (i = 1; i < total; i += total / 40) {
		unsigned missing = run(i, 10 + i % 400);

		if (missing)
			print_error("from allocation %lu: %u pairs\n", i, missing);
		assert_int_equal(missing, 0);
	}
}

static void no_send(void *ctx, uint32_t link, const struct kira_addr *to, struct slice frame)
{
}

static void no_node(void *ctx, const struct kira_id *id, unsigned bits, const struct kira_fwd *to)
{
}

static void no_path(void *ctx, const struct kira_id *path_id, const struct kira_fwd *to)
{
}

static void a_node_without_memory_is_none(void **state)
{
	struct kira_params params;
	struct kira_env env = {no_send, no_node, no_path, NULL, NULL};
	uint8_t secret[32] = {0};
	struct rng rng;
	struct alloc a;
	unsigned long i;

	kira_params_default(&params);
	params.id.b[3] = 7;
	rng_seed(&rng, 1);
	for (i = 1;; i++) {
		struct kira *k;

		alloc_init(&a, 0);
		fail.n = 0;
		fail.from = i;
		fail.many = 1;
		fail.resize = a.resize;
		a.resize = failing;
		k = kira_new(&params, &env, &rng, secret, &a, NULL, 0);
		kira_free(k);
		assert_int_equal(a.used, 0);
		if (fail.n < i)
			break;
	}
	assert_true(i > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_without_memory_is_none),
		cmocka_unit_test(each_allocation_fails_once),
		cmocka_unit_test(no_memory_for_a_while),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
