/* SPDX-License-Identifier: BSD-2-Clause */
/* ABE in whole runs: what a lone flow gains (spec §7.8), and that nothing changes where nothing may
 * (§8). */
#include "proto/l4s/accept/accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* With fast convergence off, as RFC 9438 has it for a flow that is alone. */
static void lone_flow_over_a_long_path_gains(void **state)
{
	double use[2];
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct run run = run_json(
			"{'time':'140s','warmup':'40s','links':[{'rate':'100M','aqm':'dualpi2'}],"
			"'flows':[{'cc':'cubic%s no-fast-convergence','rtt':'200ms'}]}",
			i ? " abe 0.85" : "");

		use[i] = run_utilisation(&run);
		within(run_delay(&run, QUEUE_C, 990000), 0, 22, "C queue p99");
		run_free(&run);
	}
	within(use[0], 0.8, 0.935, "100 Mb/s, 200 ms, without ABE: utilisation");
	within(use[1], 0.965, 1, "with ABE 0.85");
}

/* Every counter, every sum, every bucket: the bytes of the results are the same. */
static void same(const struct run *a, const struct run *b, const char *what)
{
	uint32_t i;

	say("%s: %llu packets", what, (unsigned long long)a->r->packets);
	assert_int_equal(a->r->events, b->r->events);
	assert_int_equal(a->r->packets, b->r->packets);
	assert_memory_equal(&a->r->link[0], &b->r->link[0], sizeof(a->r->link[0]));
	for (i = 0; i < a->r->n_flows; i++) {
		struct sim_flow_result x = a->r->flow[i];
		struct sim_flow_result y = b->r->flow[i];

		memset(&x.view, 0, sizeof(x.view)); /* beta of the last answer */
		memset(&y.view, 0, sizeof(y.view));
		assert_memory_equal(&x, &y, sizeof(x));
	}
}

/* On a path that drops, and without ECN on one that would mark. */
static void without_marks_abe_is_not_there(void **state)
{
	static const char *const form[] = {"cubic", "cubic form rfc", "reno"};
	static const struct {
		const char *aqm;
		const char *ecn;
	} path[] = {
		{"fifo limit 20ms", ""},
		{"dualpi2 linux", " no-ecn"},
		{"pie ecn", " no-ecn"},
		{"codel ecn", " no-ecn"},
	};
	static const char *const abe[] = {"", " abe 0.85", " abe 0.85 frlossreduce",
					  " abe adaptive"};
	unsigned f;
	unsigned p;
	unsigned k;

	(void)state;
	for (f = 0; f < COUNT(form); f++) {
		for (p = 0; p < COUNT(path); p++) {
			struct run base;

			for (k = 0; k < COUNT(abe); k++) {
				struct run run = run_json(
					"{'time':'20s','warmup':'0s','links':[{'rate':'20M','aqm':"
					"'%s'}],'flows':[{'cc':'%s%s%s','count':2,'name':'x'}]}",
					path[p].aqm, form[f], abe[k], path[p].ecn);

				if (!k) {
					base = run;
					assert_true(run.r->flow[0].reductions[CC_CAUSE_LOSS] > 0);
					continue;
				}
				same(&base, &run, abe[k]);
				run_free(&run);
			}
			run_free(&base);
		}
	}
}

/* With marks it is: else the test above would hold for nothing. */
static void with_marks_abe_is_there(void **state)
{
	struct run run[2];
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++)
		run[i] = run_json("{'time':'20s','warmup':'0s','links':[{'rate':'20M','aqm':"
				  "'dualpi2'}],'flows':[{'cc':'cubic%s','count':2,'name':'x'}]}",
				  i ? " abe 0.85" : "");
	assert_true(run[0].r->flow[0].reductions[CC_CAUSE_ECN] > 0);
	assert_int_not_equal(run[0].r->events, run[1].r->events);
	run_free(&run[0]);
	run_free(&run[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lone_flow_over_a_long_path_gains),
		cmocka_unit_test(without_marks_abe_is_not_there),
		cmocka_unit_test(with_marks_abe_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
