/* SPDX-License-Identifier: BSD-2-Clause */
/* From nothing to all pairs reachable: within 3 s of the last node's start, by ICMPv6 through the kernels. */
#include "test/e2e.h"

#define BOUND SEC(3)

static void all_pairs(const char *topology)
{
	struct prober_state st;
	usec_t took;

	e2e_make(topology);
	e2e_start_all();
	e2e_expect();
	took = e2e_wait_all(SEC(60));
	prober_state(net.prober, &st);
	e2e_say("%s: %u nodes, %u links: all %u pairs after %.2f s", net.graph.name, net.n, net.graph.m, st.expected,
		took == USEC_NEVER ? -1.0 : (double)took / 1e6);
	assert_int_equal(st.expected, net.n * (net.n - 1));
	assert_true(took != USEC_NEVER);
	assert_true(took <= E2E_BOUND(BOUND));
	/* And it stays so. */
	assert_true(e2e_settle(SEC(1), SEC(10)));
}

static void grid_of_16(void **state)
{
	all_pairs("grid:4x4");
}

static void ring_of_16(void **state)
{
	all_pairs("ring:16");
}

static void airtel(void **state)
{
	all_pairs("airtel");
}

static void elibackbone(void **state)
{
	all_pairs("elibackbone");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(grid_of_16, e2e_down),
		cmocka_unit_test_teardown(ring_of_16, e2e_down),
		cmocka_unit_test_teardown(airtel, e2e_down),
		cmocka_unit_test_teardown(elibackbone, e2e_down),
	};

	return e2e_begin() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
