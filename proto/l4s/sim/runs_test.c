/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole runs with TCP: what must hold exactly, and the steady states of spec §7. */
#include "proto/l4s/sim/figures.h"
#include "proto/l4s/sim/testrun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct sim_result *run(struct scenario *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static struct sim_result *run(struct scenario *s, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return testrun_json(s, text);
}

static void done(struct scenario *s, struct sim_result *r)
{
	testrun_free(r);
	scenario_free(s);
}

/* One segment in flight, an ACK a segment: the sample is the base and the packet's service. */
static void idle_round_trip_is_the_base_exactly(void **state)
{
	static const unsigned rtt_us[] = {500, 5000, 20000, 100000};
	struct scenario s;
	struct sim_result *r;
	unsigned i;

	for (i = 0; i < 4; i++) {
		r = run(&s,
			"{'time':'5s','warmup':'0s','links':[{'rate':'1G','overhead':0,'aqm':'fifo'"
			"}],"
			"'flows':[{'cc':'reno','rtt':'%uus','bytes':1448,'gap':'100ms',"
			"'ack-every':1}]}",
			rtt_us[i]);
		assert_true(r->flow[0].objects > 10);
		assert_int_equal(r->flow[0].rtt_min, rtt_us[i] * 1000ull + 12000);
		assert_int_equal(r->flow[0].rtt_mean, rtt_us[i] * 1000ull + 12000);
		assert_int_equal(r->flow[0].retransmitted, 0);
		done(&s, r);
	}
}

static void lone_cubic_fills_a_drop_tail_link(void **state)
{
	struct scenario s;
	struct sim_result *r;

	r = run(&s, "{'time':'60s','warmup':'20s','links':[{'rate':'40M','aqm':'fifo limit 40ms'}],"
		    "'flows':[{'cc':'cubic','rtt':'40ms'}]}");
	assert_true(sim_utilisation(&s.cfg, r, 0) > 0.99);
	assert_near(sim_rate(&s.cfg, r, 0), 40e6 * 1448 / 1514, 0.01);
	assert_true(r->flow[0].reductions[CC_CAUSE_LOSS] > 0);
	assert_int_equal(r->flow[0].marked, 0);
	done(&s, r);
}

/* On a path that drops, ABE is not there: the same packets at the same times. */
static void abe_changes_nothing_on_drop_tail(void **state)
{
	static const char *const form[] = {"cubic%s", "reno%s", "cubic form rfc%s"};
	struct sim_result *r[2];
	struct scenario s[2];
	char cc[64];
	unsigned i;
	unsigned k;

	for (i = 0; i < 3; i++) {
		for (k = 0; k < 2; k++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(cc, sizeof(cc), form[i], k ? " abe 0.85" : "");
#pragma GCC diagnostic pop
			r[k] = run(&s[k],
				   "{'time':'30s','links':[{'rate':'20M','aqm':'fifo limit 20ms'}],"
				   "'flows':[{'cc':'%s','count':2}]}",
				   cc);
		}
		assert_memory_equal(&r[0]->link[0].aqm, &r[1]->link[0].aqm,
				    sizeof(r[0]->link[0].aqm));
		assert_int_equal(r[0]->flow[0].bytes, r[1]->flow[0].bytes);
		assert_int_equal(r[0]->events, r[1]->events);
		assert_true(r[0]->flow[0].reductions[CC_CAUSE_LOSS] > 0);
		done(&s[0], r[0]);
		done(&s[1], r[1]);
	}
}

/* Spec §7.4: one CUBIC, 100 Mb/s, 20 ms. */
static void queue_of_one_cubic_stands_at_the_target(void **state)
{
	static const char *const aqm[] = {"pi2", "dualpi2 linux", "dualpi2 rfc"};
	const struct hist *d;
	struct scenario s;
	struct sim_result *r;
	unsigned i;

	for (i = 0; i < 3; i++) {
		r = run(&s,
			"{'time':'120s','warmup':'20s','links':[{'rate':'100M','aqm':'%s'}],"
			"'flows':[{'cc':'cubic'}]}",
			aqm[i]);
		d = &r->link[0].aqm.q[0].delay;
		assert_near(hist_quantile(d, 500000), 15e6, 0.2);
		assert_true(hist_quantile(d, 990000) <= 22 * MSEC);
		assert_true(sim_utilisation(&s.cfg, r, 0) > 0.99);
		assert_int_equal(r->flow[0].lost, 0);
		done(&s, r);
	}
}

/* Beside CUBIC the L queue stays short, and both get their marks by the coupling: p_C = (p_CL/2)^2
 * of what it was on average, within what averaging a square adds. */
static void prague_beside_cubic_keeps_its_queue_short(void **state)
{
	const struct aqm_queue_stats *q;
	struct scenario s;
	struct sim_result *r;
	double ratio;

	r = run(&s, "{'time':'120s','warmup':'20s','links':[{'rate':'100M','aqm':'dualpi2'}],"
		    "'flows':[{'cc':'cubic'},{'cc':'prague'}]}");
	q = r->link[0].aqm.q;
	ratio = figures_side_rate(&s.cfg, r, true) / figures_side_rate(&s.cfg, r, false);
	assert_true(ratio > 1 && ratio < 4);
	assert_near(hist_quantile(&q[0].delay, 500000), 15e6, 0.2);
	assert_true(hist_quantile(&q[1].delay, 990000) < MSEC);
	assert_true(q[1].marked > q[0].marked);
	/* What is on its way back to the sender when figures begin and end: a round trip's. */
	assert_near(r->flow[1].marked, r->flow[1].delivered_ce, 0.002);
	assert_true(sim_utilisation(&s.cfg, r, 0) > 0.99);
	done(&s, r);
}

/* What the queues marked is what arrived marked, but for packets on their way. */
static void marks_are_counted_once(void **state)
{
	struct scenario s;
	struct sim_result *r;
	uint64_t arrived = 0;
	uint64_t set;
	uint32_t i;

	r = run(&s, "{'time':'20s','warmup':'0s','links':[{'rate':'50M','aqm':'dualpi2'}],"
		    "'flows':[{'cc':'cubic','count':2},{'cc':'prague','count':2},{'cc':'dctcp'}]}");
	set = r->link[0].aqm.q[0].marked + r->link[0].aqm.q[1].marked;
	for (i = 0; i < r->n_flows; i++)
		arrived += r->flow[i].marked;
	assert_true(arrived > 100);
	assert_true(set == arrived || set == arrived + 1); /* one may be being sent */
	done(&s, r);
}

/* Spec §7.11: what does not respond takes its share; the delay of the others stays. */
static void overload_keeps_the_delay(void **state)
{
	static const char *const ecn[] = {"not-ect", "ect0", "ect1"};
	struct scenario s;
	struct sim_result *r;
	unsigned i;

	for (i = 0; i < 3; i++) {
		r = run(&s,
			"{'time':'40s','warmup':'10s','links':[{'rate':'100M','aqm':'dualpi2'}],"
			"'flows':[{'cc':'cubic','count':5},{'cc':'prague','count':5}],"
			"'loads':[{'kind':'cbr','rate':'125M','ecn':'%s'}]}",
			ecn[i]);
		assert_true(hist_mean(&r->link[0].aqm.q[0].delay) < 18 * MSEC);
		assert_true(r->link[0].busy > 29900 * MSEC);
		done(&s, r);
	}
}

static void a_long_flow_of_a_parking_lot_lives(void **state)
{
	struct scenario s;
	struct sim_result *r;

	r = run(&s, "{'time':'60s','warmup':'20s','links':[{'rate':'50M','aqm':'pi2'},"
		    "{'rate':'50M','aqm':'pi2','delay':'2ms'},{'rate':'50M','aqm':'pi2'}],'flows':["
		    "{'cc':'cubic','name':'long'},"
		    "{'cc':'cubic','first-link':0,'last-link':0},"
		    "{'cc':'cubic','first-link':1,'last-link':1},"
		    "{'cc':'cubic','first-link':2,'last-link':2}]}");
	assert_true(r->flow[0].rtt_min > 22 * MSEC);
	assert_true(sim_rate(&s.cfg, r, 0) > 2e6);
	assert_true(sim_rate(&s.cfg, r, 0) < sim_rate(&s.cfg, r, 1));
	for (unsigned l = 0; l < 3; l++)
		assert_true(sim_utilisation(&s.cfg, r, l) > 0.98);
	done(&s, r);
}

static void thinned_acks_are_fewer_and_the_rate_stays(void **state)
{
	uint64_t events[3];
	struct scenario s;
	struct sim_result *r;
	unsigned i;

	for (i = 0; i < 3; i++) {
		r = run(&s,
			"{'time':'30s','warmup':'10s','links':[{'rate':'100M','aqm':'dualpi2'},"
			"{'rate':'10M','aqm':'fifo'}],'flows':[{'cc':'cubic','last-link':0,"
			"'ack-link':1,'ack-thin':%u}]}",
			i ? 4 * i : 1);
		events[i] = r->link[1].aqm.q[0].arrived;
		assert_true(sim_utilisation(&s.cfg, r, 0) > 0.98);
		assert_int_equal(r->flow[0].rtos, 0);
		done(&s, r);
	}
	/* 1/4 of the ACKs, and 1/8. */
	assert_near(events[1], (double)events[0] / 4, 0.1);
	assert_near(events[2], (double)events[0] / 8, 0.1);
}

static void objects_come_and_go(void **state)
{
	struct scenario s;
	struct sim_result *r;

	r = run(&s, "{'time':'60s','warmup':'0s','links':[{'rate':'50M','aqm':'dualpi2'}],"
		    "'flows':[{'cc':'cubic','count':20,'bytes':'100k','gap':'1s'},"
		    "{'cc':'prague','start':'10s','stop':'20s'}]}");
	/* 20 users, one object each 1 s + ~0.1 s. */
	assert_near(r->fct.n, 20 * 60 / 1.1, 0.15);
	assert_true(hist_quantile(&r->fct, 500000) > 40 * MSEC);
	assert_true(r->flow[20].active > 9800 * MSEC && r->flow[20].active <= 10000 * MSEC);
	assert_true(r->flow[0].active < 30 * SEC);
	assert_true(r->flow[0].bytes >= 100000ull * r->flow[0].objects);
	done(&s, r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_round_trip_is_the_base_exactly),
		cmocka_unit_test(lone_cubic_fills_a_drop_tail_link),
		cmocka_unit_test(abe_changes_nothing_on_drop_tail),
		cmocka_unit_test(queue_of_one_cubic_stands_at_the_target),
		cmocka_unit_test(prague_beside_cubic_keeps_its_queue_short),
		cmocka_unit_test(marks_are_counted_once),
		cmocka_unit_test(overload_keeps_the_delay),
		cmocka_unit_test(a_long_flow_of_a_parking_lot_lives),
		cmocka_unit_test(thinned_acks_are_fewer_and_the_rate_stays),
		cmocka_unit_test(objects_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
