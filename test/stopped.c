/* SPDX-License-Identifier: BSD-2-Clause */
/* All daemons stopped: the kernels go on forwarding, for nearly as long as paths live without refresh (60 s). Then they
 * go on where they were. */
#include "test/e2e.h"

#include <signal.h>

#define STOPPED (E2E_SMALL ? SEC(10) : SEC(52))

static void forwarding_goes_on(void **state)
{
	struct prober_gap *gaps;
	struct prober_state st;
	usec_t from;
	int n;

	e2e_make("grid:4x4");
	gaps = calloc((size_t)net.n * net.n, sizeof(*gaps));
	assert_non_null(gaps);
	e2e_start_all();
	e2e_expect();
	assert_true(e2e_wait_all(SEC(60)) != USEC_NEVER);
	e2e_rest(SEC(2));
	lab_signal_all(net.lab, SIGSTOP);
	from = clock_now();
	e2e_rest(STOPPED);
	n = prober_gaps(net.prober, from, clock_now(), gaps);
	prober_state(net.prober, &st);
	e2e_say("stopped for %lld s: %u of %u pairs answer, %d pairs had a gap, the longest %u>%u %lld ms",
		(long long)STOPPED / 1000000, st.answering, st.expected, n, n ? gaps[0].s : 0, n ? gaps[0].d : 0,
		n ? (long long)gaps[0].length / 1000 : 0);
	lab_signal_all(net.lab, SIGCONT);
	assert_int_equal(st.answering, st.expected);
	assert_int_equal(n, 0);

	from = clock_now();
	e2e_rest(SEC(10));
	assert_true(e2e_settle(SEC(1), SEC(20)));
	n = prober_gaps(net.prober, from, clock_now(), gaps);
	e2e_say("after they went on: %d pairs had a gap, the longest %u>%u %lld ms", n, n ? gaps[0].s : 0, n ? gaps[0].d : 0,
		n ? (long long)gaps[0].length / 1000 : 0);
	assert_true(n == 0 || (!gaps[0].open && gaps[0].length <= E2E_BOUND(SEC(5))));
	free(gaps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(forwarding_goes_on, e2e_down),
	};

	return e2e_begin() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
