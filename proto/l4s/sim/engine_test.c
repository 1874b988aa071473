/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine against arithmetic and queueing theory: loads, links, delay, order, memory. */
#include "proto/l4s/sim/testrun.h"
#include "proto/l4s/sim/engine_priv.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- events ---- */

/* Widths of slots from 1 ns to more than all times: the wheel, the heap, and both. */
static void events_come_in_total_order(void **state)
{
	static const uint64_t grain[] = {1, 10, 1000, 1000000};
	struct events q;
	struct alloc a;
	struct event last;
	struct event e;
	struct rng r;
	unsigned in;
	unsigned out;
	unsigned g;
	unsigned i;

	for (g = 0; g < 4; g++) {
		alloc_init(&a, 0);
		assert_true(events_init(&q, grain[g], &a));
		rng_seed(&r, 7);
		last = (struct event){0};
		events_number(&q);
		for (in = out = 0; out < 50000;) {
			/* Now more and more, now fewer. */
			for (i = 0; i < rng_below(&r, out % 1000 < 500 ? 4 : 2); i++, in++) {
				e.key = events_number(&q);
				e.at = last.at + (rng_below(&r, 4) ? rng_below(&r, 30)
								   : rng_below(&r, 100000));
				events_put(&q, e);
			}
			if (!events_take(&q, &e)) {
				assert_int_equal(in, out);
				continue;
			}
			assert_true(event_before(&last, &e));
			last = e;
			out++;
		}
		while (events_take(&q, &e)) {
			assert_true(event_before(&last, &e));
			last = e;
			out++;
		}
		assert_int_equal(in, out);
		assert_false(q.failed);
		events_free(&q);
		assert_int_equal(a.used, 0);
	}
}

static void exponential_times_have_their_mean_and_median(void **state)
{
	struct rng r;
	double sum = 0;
	double log = 0;
	unsigned above = 0;
	unsigned n = 200000;
	unsigned i;

	rng_seed(&r, 3);
	for (i = 0; i < n; i++) {
		uint64_t x = sim_exponential(&r, 1000000);

		sum += (double)x;
		log += x > 693147;
		above += x > 3000000;
	}
	/* Three sigma: 1/sqrt(n) of the mean, sqrt(p(1-p)/n) of a share. */
	assert_near(sum / n, 1e6, 0.0068);
	assert_near(log / n, 0.5, 0.0068);
	assert_near((double)above / n, 0.049787, 0.0295);
}

/* ---- loads ---- */

static void constant_load_waits_as_arithmetic_says(void **state)
{
	struct scenario s;
	struct sim_result *r;

	/* 1500 bytes at 12 Mb/s take 1 ms. Two loads in step: the second packet waits for the
	 * first. */
	r = testrun_json(&s, "{'time':'10s','warmup':'0s','links':[{'rate':'12M','overhead':0,"
			     "'aqm':'fifo'}],'loads':[{'kind':'cbr','rate':'3M'},"
			     "{'kind':'cbr','rate':'3M'}]}");
	assert_int_equal(r->link[0].aqm.q[0].delay.max, MSEC);
	assert_int_equal(r->link[0].aqm.q[0].delay.min, 0);
	assert_near(hist_mean(&r->link[0].aqm.q[0].delay), 0.5e6, 0.001);
	assert_near(sim_utilisation(&s.cfg, r, 0), 0.5, 0.001);
	assert_int_equal(r->load[0].sent, 2501);
	assert_int_equal(r->link[0].lost, 0);
	testrun_free(r);
	scenario_free(&s);
}

static void overloaded_link_serves_its_exact_rate(void **state)
{
	struct scenario s;
	struct sim_result *r;

	/* 1517 bytes at 97 Mb/s: 125113.4020… ns, which no whole number of ns is. */
	r = testrun_json(&s, "{'time':'100s','warmup':'0s','links':[{'rate':'97M','overhead':17,"
			     "'aqm':'fifo limit 100'}],'loads':[{'kind':'cbr','rate':'120M'}]}");
	assert_int_equal(r->link[0].served_bytes / 1517, 97000000ull * 100 / 8 / 1517);
	assert_int_equal(r->link[0].busy, 100 * SEC);
	assert_int_equal(r->link[0].capacity, 9700000000);
	assert_true(r->link[0].aqm.q[0].dropped_limit > 100000);
	testrun_free(r);
	scenario_free(&s);
}

/* Pollaczek and Khinchine: a deterministic server behind Poisson arrivals waits
 * rho S / (2 (1 - rho)). */
static void poisson_load_waits_as_m_d_1(void **state)
{
	static const unsigned percent[] = {30, 60, 80};
	double wait[8];
	double sum;
	double squares;
	double mean;
	double want;
	char text[256];
	unsigned i;
	unsigned k;

	for (i = 0; i < 3; i++) {
		sum = squares = 0;
		want = 1e6 * percent[i] / (2.0 * (100 - percent[i]));
		for (k = 0; k < 8; k++) {
			struct scenario s;
			struct sim_result *r;

			snprintf(text, sizeof(text),
				 "{'time':'100s','warmup':'1s','seed':%u,'links':[{'rate':'12M',"
				 "'overhead':0,'aqm':'fifo limit 100000'}],'loads':[{'kind':"
				 "'poisson','rate':%u}]}",
				 k + 1, 120000 * percent[i]);
			r = testrun_json(&s, text);
			wait[k] = (double)hist_mean(&r->link[0].aqm.q[0].delay);
			sum += wait[k];
			squares += wait[k] * wait[k];
			testrun_free(r);
			scenario_free(&s);
		}
		mean = sum / 8;
		/* 99.9 % of Student's t with 7 degrees of freedom. */
		squares = sqrt((squares - 8 * mean * mean) / 7 / 8);
		if (fabs(mean - want) > 5.408 * squares)
			fail_msg("load %u %%: mean wait %.0f ns, not %.0f +- %.0f", percent[i],
				 mean, want, 5.408 * squares);
		assert_true(squares < 0.05 * want);
	}
}

static void on_off_and_frames_keep_their_mean_rate(void **state)
{
	struct scenario s;
	struct sim_result *r;

	r = testrun_json(
		&s,
		"{'time':'500s','warmup':'0s','links':[{'rate':'100M','aqm':'fifo limit 100000'}],"
		"'loads':[{'kind':'on-off','rate':'5M','on':'20ms','off':'60ms'},"
		"{'kind':'frames','rate':'3M','ecn':'ect1','per-second':30}]}");
	assert_near((double)r->load[0].received_bytes * 8 / 500, 5e6, 0.03);
	assert_near((double)r->load[1].received_bytes * 8 / 500, 3e6, 0.001);
	/* A frame of 12500 bytes is 8 full packets and a rest, back to back. */
	assert_true(r->link[0].aqm.q[0].max_packets >= 8);
	testrun_free(r);
	scenario_free(&s);
}

/* ---- links ---- */

struct crossing {
	uint64_t at[3];
	unsigned n;
};

static void crossed(void *ctx, const struct sim_packet_seen *p)
{
	struct crossing *c = ctx;

	if (p->seq == 0 && c->n < 3)
		c->at[c->n++] = p->now + 1000000u * p->link;
}

static void packets_pass_links_in_a_row_with_their_delays(void **state)
{
	struct crossing c = {0};
	struct sim_watch watch = {.packet = crossed, .ctx = &c};
	struct scenario s;
	struct sim_result *r;

	r = testrun_json(&s, "{'time':'1s','warmup':'0s','links':["
			     "{'rate':'12M','overhead':0,'aqm':'fifo','delay':'5ms'},"
			     "{'rate':'6M','overhead':0,'aqm':'fifo','delay':'7ms'},"
			     "{'rate':'3M','overhead':0,'aqm':'fifo'}],"
			     "'loads':[{'kind':'cbr','rate':'2M'},"
			     "{'kind':'cbr','rate':'100k','first-link':2,'start':'0.5s'}]}");
	testrun_free(r);
	r = testrun(&s.cfg, &watch);
	/* Service of 1 ms, 5 ms; 2 ms, 7 ms. */
	assert_int_equal(c.n, 3);
	assert_int_equal(c.at[0], 0);
	assert_int_equal(c.at[1], 6 * MSEC + MSEC);
	assert_int_equal(c.at[2], 15 * MSEC + 2 * MSEC);
	assert_near(r->load[0].received, r->load[0].sent, 0.05);
	assert_true(r->load[1].received > 0);
	testrun_free(r);
	scenario_free(&s);
}

static void a_trace_changes_the_rate_and_outages_end(void **state)
{
	struct scenario s;
	struct sim_result *r;

	/* Of each second: half at 10 Mb/s, a quarter nothing, a quarter at 20 Mb/s. */
	r = testrun_json(&s, "{'time':'100s','warmup':'0s','links':[{'rate':'10M','overhead':0,"
			     "'aqm':'fifo limit 100','trace':[{'at':'0s','rate':'10M'},"
			     "{'at':'500ms','rate':0},{'at':'750ms','rate':'20M'}],"
			     "'trace-period':'1s'}],'loads':[{'kind':'cbr','rate':'50M'}]}");
	assert_int_equal(r->link[0].capacity, 1000000000);
	assert_near(r->link[0].served_bytes * 8, 1e9, 0.001);
	assert_near(sim_utilisation(&s.cfg, r, 0), 1, 0.001);
	testrun_free(r);
	scenario_free(&s);
}

static uint64_t last_seq;

static void in_order(void *ctx, const struct sim_packet_seen *p)
{
	if (p->link != 1)
		return;
	assert_true(p->seq == 0 || p->seq > last_seq);
	last_seq = p->seq;
}

static void jitter_keeps_order_and_loss_its_share(void **state)
{
	struct sim_watch watch = {.packet = in_order};
	struct scenario s;
	struct sim_result *r;

	r = testrun_json(&s, "{'time':'60s','warmup':'0s','links':[{'rate':'100M','aqm':'fifo',"
			     "'jitter':'5ms','loss':'1%'},{'rate':'1G','aqm':'fifo'}],"
			     "'loads':[{'kind':'cbr','rate':'60M'}]}");
	testrun_free(r);
	last_seq = 0;
	r = testrun(&s.cfg, &watch);
	/* 300000 packets: 3000 +- 3 sigma. */
	assert_near(r->link[0].lost, 0.01 * (double)r->load[0].sent, 0.055);
	assert_true(r->load[0].sent - r->link[0].lost - r->load[0].received < 60);
	testrun_free(r);
	scenario_free(&s);
}

/* ---- memory and refusals ---- */

static void every_allocation_may_fail(void **state)
{
	static struct sim_result r;
	struct scenario s;
	struct err err = {0};
	struct alloc a;
	size_t peak;
	size_t limit;
	int rc;

	testrun_free(testrun_json(&s, "{'time':'300ms','links':[{'rate':'10M'}],'flows':[{'cc':"
				      "'cubic'},{'cc':'prague'}],'loads':[{'kind':'poisson',"
				      "'rate':'20M'}]}"));
	alloc_init(&a, 0);
	assert_int_equal(sim_run(&s.cfg, NULL, &a, &r, &err), 0);
	sim_result_free(&r, &a);
	peak = a.peak;
	for (limit = 1; limit < peak; limit += peak / 97 + 1) {
		alloc_init(&a, limit);
		rc = sim_run(&s.cfg, NULL, &a, &r, &err);
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(a.used, 0);
	}
	scenario_free(&s);
}

static void a_load_beside_the_warm_up_is_refused(void **state)
{
	struct sim_load_cfg d = {.kind = SIM_LOAD_CBR, .packet = 1500, .rate = 1000000};
	struct sim_cfg cfg = {.n_links = 1, .load = &d, .n_loads = 1, .duration = SEC};
	struct err err = {0};

	cfg.link[0].rate = 1000000;
	aqm_cfg_defaults(&cfg.link[0].aqm, AQM_FIFO, AQM_PROFILE_LINUX, 1000000);
	assert_int_equal(sim_cfg_check(&cfg, &err), 0);
	cfg.warmup = SEC;
	assert_int_equal(sim_cfg_check(&cfg, &err), -EINVAL);
	cfg.warmup = 0;
	d.last_link = 1;
	assert_int_equal(sim_cfg_check(&cfg, &err), -EINVAL);
	assert_string_equal(err.where, "load 0");
	d.last_link = 0;
	d.packet = 10;
	assert_int_equal(sim_cfg_check(&cfg, &err), -EINVAL);
	d.packet = 1500;
	cfg.link[0].rate = 0;
	assert_int_equal(sim_cfg_check(&cfg, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_come_in_total_order),
		cmocka_unit_test(exponential_times_have_their_mean_and_median),
		cmocka_unit_test(constant_load_waits_as_arithmetic_says),
		cmocka_unit_test(overloaded_link_serves_its_exact_rate),
		cmocka_unit_test(poisson_load_waits_as_m_d_1),
		cmocka_unit_test(on_off_and_frames_keep_their_mean_rate),
		cmocka_unit_test(packets_pass_links_in_a_row_with_their_delays),
		cmocka_unit_test(a_trace_changes_the_rate_and_outages_end),
		cmocka_unit_test(jitter_keeps_order_and_loss_its_share),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(a_load_beside_the_warm_up_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
