/* SPDX-License-Identifier: BSD-2-Clause */
/* A lone Prague flow (spec §7.4): its queue beside what was published, how fully it uses a link. */
#include "proto/l4s/accept/accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define STEP_MS 1.0

static struct run lone(const char *rate, double rtt_ms, unsigned warmup, const char *more)
{
	return run_json("{'time':'%us','warmup':'%us','links':[{'rate':'%s','aqm':'dualpi2'}],"
			"'flows':[{'cc':'prague%s','rtt':'%gms'}]}",
			warmup + 60, warmup, rate, more, rtt_ms);
}

/* The step of DualPI2 in Linux marks from 1 ms on. A mark is answered a round trip later, by which
 * time the window has grown once more: by a packet, or less below 25 ms, but what leaves is whole
 * packets, in pairs where ACKs are delayed. At 20 Mb/s a packet is 0.6 ms: the queue's p99 lies by
 * so much above the step, and where what was published is less (20 ms: 1.47 ms, 80 ms: 1.70 ms) it
 * is beyond reach of this step for a window that grows by a packet a round. With one of half a
 * millisecond each round trip stays below what was published. */
static void queue_overshoots_the_step_by_a_round(void **state)
{
	static const struct {
		double rtt;
		double published; /* p99, ms */
		bool beyond;	  /* less than the step and a round's growth */
	} cell[] = {{5, 1.87, false}, {20, 1.47, true}, {40, 1.93, false}, {80, 1.70, true}};
	const double packet = 1514 * 8 / 20e3; /* ms */
	unsigned i;

	(void)state;
	for (i = 0; i < COUNT(cell); i++) {
		double share = cell[i].rtt < 25 ? cell[i].rtt / 25 * cell[i].rtt / 25 : 1;
		struct run run = lone("20M", cell[i].rtt, 20, "");
		double p99 = run_delay(&run, QUEUE_L, 990000);

		within(p99, 0, STEP_MS + (1 + share) * packet, "20 Mb/s, %g ms: p99", cell[i].rtt);
		say("published: %g", cell[i].published);
		if (!cell[i].beyond)
			assert_true(p99 <= cell[i].published);
		within(run_utilisation(&run), 0.97, 1, "its utilisation");
		assert_int_equal(run.r->flow[0].lost, 0);
		run_free(&run);
		run = run_json("{'time':'80s','warmup':'20s','links':[{'rate':'20M','aqm':'dualpi2 "
			       "step_thresh 500us'}],'flows':[{'cc':'prague','rtt':'%gms'}]}",
			       cell[i].rtt);
		within(run_delay(&run, QUEUE_L, 990000), 0, cell[i].published,
		       "with a step of 0.5 ms");
		run_free(&run);
	}
}

static void goodput_is_no_less_than_published(void **state)
{
	static const struct {
		const char *rate;
		double rtt;
		double published; /* Mb/s */
	} cell[] = {
		{"100M", 5, 95.6}, {"100M", 20, 95.6}, {"100M", 40, 95.6},
		{"500M", 5, 478},  {"500M", 20, 478},  {"500M", 40, 336},
	};
	unsigned i;

	(void)state;
	for (i = 0; i < COUNT(cell); i++) {
		struct run run;

		if (SANITIZED && i >= 3)
			break;
		run = lone(cell[i].rate, cell[i].rtt, 20, "");
		within(run_mbit(&run, 0), 0.99 * cell[i].published, 500, "%s, %g ms: goodput",
		       cell[i].rate, cell[i].rtt);
		within(run_delay(&run, QUEUE_L, 990000), 0, 1.3, "its p99");
		run_free(&run);
	}
}

/* Growth after calm: without it the published weakness on a long path is there. */
static void growth_after_calm_fills_a_long_path(void **state)
{
	struct run with;
	struct run without;

	(void)state;
	with = lone("100M", 80, 40, "");
	without = lone("100M", 80, 20, " no-calm-growth");
	within(run_mbit(&with, 0), 95, 100, "100 Mb/s, 80 ms: goodput");
	within(run_mbit(&without, 0), 0, 80, "without growth after calm (published: 74.9)");
	run_free(&with);
	run_free(&without);
	if (SANITIZED)
		return;
	with = lone("500M", 80, 20, "");
	without = lone("500M", 80, 20, " no-calm-growth");
	within(run_mbit(&with, 0), 400, 500, "500 Mb/s, 80 ms: goodput");
	assert_true(run_mbit(&without, 0) < 0.9 * run_mbit(&with, 0));
	within(run_delay(&with, QUEUE_L, 990000), 0, 2, "its p99");
	run_free(&with);
	run_free(&without);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queue_overshoots_the_step_by_a_round),
		cmocka_unit_test(goodput_is_no_less_than_published),
		cmocka_unit_test(growth_after_calm_fills_a_long_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
