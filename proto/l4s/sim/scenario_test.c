/* SPDX-License-Identifier: BSD-2-Clause */
/* Scenarios as text: what is read, and what is refused with which words. */
#include "proto/l4s/sim/testrun.h"
#include "proto/l4s/sim/units.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void units_are_exact(void **state)
{
	uint64_t v;
	uint32_t q;

	assert_true(units_time("20ms", &v) && v == 20000000);
	assert_true(units_time("1.5s", &v) && v == 1500000000);
	assert_true(units_time("0", &v) && v == 0);
	assert_true(units_time("0.001us", &v) && v == 1);
	assert_true(units_time("2min", &v) && v == 120000000000);
	assert_true(units_rate("2.5G", &v) && v == 2500000000);
	assert_true(units_rate("10Mbit", &v) && v == 10000000);
	assert_true(units_rate("9600", &v) && v == 9600);
	assert_true(units_size("100k", &v) && v == 100000);
	assert_true(units_share("0.5", &q) && q == 1u << 31);
	assert_true(units_share("1", &q) && q == UINT32_MAX);
	assert_true(units_share("50%", &q) && q == 2147483600);
	assert_true(units_count("12", &v) && v == 12);
	assert_false(units_time("20", &v));
	assert_false(units_time("-1ms", &v));
	assert_false(units_time("ms", &v));
	assert_false(units_time("1.ms", &v));
	assert_false(units_time(".5s", &v));
	assert_false(units_time("1 ms", &v));
	assert_false(units_time("9999999999999999999s", &v));
	assert_false(units_time("999999999999h", &v));
	assert_false(units_rate("1m", &v));
	assert_false(units_share("1.1", &q));
	assert_false(units_count("1.5", &v));
	assert_false(units_count("", &v));
}

static int parse(struct scenario *s, const char *text, struct err *err)
{
	char *json = strdup(text);
	char *p;
	int r;

	assert_non_null(json);
	for (p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	*err = (struct err){0};
	r = scenario_parse(s, json, strlen(json), "x.json", err);
	free(json);
	return r;
}

static void a_whole_scenario_is_read(void **state)
{
	struct scenario s;
	struct err err;

	assert_int_equal(
		parse(&s,
		      "{'name':'lot','time':'30s','warmup':'5s','sample':'10ms','seed':'7','links':"
		      "["
		      "{'rate':'40M','aqm':'dualpi2 "
		      "rfc','overhead':38,'delay':'1ms','jitter':'2ms',"
		      "'loss':0.25,'trace':[{'at':'1s','rate':'10M'}],'trace-period':'2s'},"
		      "{'rate':1000000}],'flows':[{'cc':'cubic abe 0.85','name':'c','count':3,"
		      "'rtt':'5ms','start':'1s','start-spread':'2s','stop':'20s','bytes':'1M',"
		      "'gap':'1s','rwnd':50,'ack-every':1,'ack-delay':'25ms','ack-thin':4,'gso':2,"
		      "'gro':'100us','first-link':0,'last-link':0,'ack-link':1},{'cc':'prague'}],"
		      "'loads':[{'kind':'on-off','ecn':'ect1','rate':'1M','packet':200,'on':'1s',"
		      "'off':'2s','start':'1s','stop':'3s','name':'x','last-link':1},"
		      "{'kind':'frames','per-second':60}]}",
		      &err),
		0);
	assert_string_equal(s.name, "lot");
	assert_int_equal(s.cfg.duration, 30 * SEC);
	assert_int_equal(s.cfg.warmup, 5 * SEC);
	assert_int_equal(s.cfg.sample, 10 * MSEC);
	assert_int_equal(s.cfg.seed, 7);
	assert_int_equal(s.cfg.n_links, 2);
	assert_int_equal(s.cfg.link[0].rate, 40000000);
	assert_int_equal(s.cfg.link[0].aqm.kind, AQM_DUALPI2);
	assert_int_equal(s.cfg.link[0].aqm.profile, AQM_PROFILE_RFC);
	assert_int_equal(s.cfg.link[0].overhead, 38);
	assert_int_equal(s.cfg.link[0].delay, MSEC);
	assert_int_equal(s.cfg.link[0].jitter, 2 * MSEC);
	assert_int_equal(s.cfg.link[0].loss, 1u << 30);
	assert_int_equal(s.cfg.link[0].n_trace, 1);
	assert_int_equal(s.cfg.link[0].trace[0].rate, 10000000);
	assert_int_equal(s.cfg.link[0].trace_period, 2 * SEC);
	assert_int_equal(s.cfg.link[1].rate, 1000000);
	assert_string_equal(s.aqm[1], "dualpi2");
	assert_int_equal(s.flow[0].cc.algo, CC_CUBIC);
	assert_int_equal(s.flow[0].cc.abe.mode, ABE_FIXED);
	assert_int_equal(s.flow[0].count, 3);
	assert_int_equal(s.flow[0].rtt, 5 * MSEC);
	assert_int_equal(s.flow[0].start_spread, 2 * SEC);
	assert_int_equal(s.flow[0].bytes, 1000000);
	assert_int_equal(s.flow[0].gap, SEC);
	assert_int_equal(s.flow[0].rwnd, 50);
	assert_int_equal(s.flow[0].ack_every, 1);
	assert_int_equal(s.flow[0].ack_delay, 25 * MSEC);
	assert_int_equal(s.flow[0].ack_thin, 4);
	assert_int_equal(s.flow[0].gso, 2);
	assert_int_equal(s.flow[0].gro, 100000);
	assert_int_equal(s.flow[0].ack_link, 1);
	assert_int_equal(s.flow[1].ack_link, -1);
	assert_int_equal(s.flow[1].last_link, 1);
	assert_int_equal(s.flow[1].ack_every, 2);
	assert_string_equal(s.flow[1].name, "prague");
	assert_int_equal(s.load[0].kind, SIM_LOAD_ON_OFF);
	assert_int_equal(s.load[0].ecn, ECN_ECT1);
	assert_int_equal(s.load[0].packet, 200);
	assert_int_equal(s.load[1].per_second, 60);
	assert_string_equal(s.load[1].name, "frames");
	scenario_free(&s);
}

static void what_is_wrong_is_told_where(void **state)
{
	static const struct {
		const char *text, *where, *what, *mend;
	} bad[] = {
		{"{'links':[{'rte':'1M'}]}", "x.json: links[0]", "'rte'", "rate, aqm"},
		{"{'link':[{}]}", "x.json: ", "'link'", "links"},
		{"{'links':[]}", "x.json: links", "needs a link", "rate"},
		{"{'links':[{'rate':'fast'}]}", "x.json: links[0].rate", "fit", "100M"},
		{"{'links':[{'rate':'1M','rate':'2M'}]}", "x.json: links[0].rate", "twice", "keep"},
		{"{'links':[{'delay':5}]}", "x.json: links[0].delay", "fit", "20ms"},
		{"{'links':[{'aqm':'reed'}]}", "x.json: links[0].aqm", "reed", ""},
		{"{'links':[{'trace':[{'at':'1s','rate':'1M','x':0}]}]}",
		 "x.json: links[0].trace[0]", "'x'", "at, rate"},
		{"{'links':[{'trace':[{'at':'2s'},{'at':'1s'}]}]}", "link 0", "increase", "order"},
		{"{'links':[{}],'flows':[{}]}", "x.json: flows[0].cc", "congestion", "cubic"},
		{"{'links':[{}],'flows':[{'cc':'cubix'}]}", "x.json: flows[0].cc", "cubix", ""},
		{"{'links':[{}],'flows':[{'cc':'cubic','count':-1}]}", "x.json: flows[0].count",
		 "fit", "whole number"},
		{"{'links':[{}],'flows':[{'cc':'cubic','last-link':1}]}", "flow group 0", "no way",
		 "upwards"},
		{"{'links':[{}],'flows':[{'cc':'cubic','ack-link':3}]}", "flow group 0", "ACKs",
		 "-1"},
		{"{'links':[{}],'flows':[{'cc':'cubic','gap':'1s'}]}", "flow group 0",
		 "without size", "bytes"},
		{"{'links':[{}],'flows':{}}", "x.json: flows", "no list", "[…]"},
		{"{'links':[{}],'flows':[7]}", "x.json: flows[0]", "no object", "{…}"},
		{"{'links':[{}],'loads':[{'kind':'burst'}]}", "x.json: loads[0].kind", "words",
		 "poisson"},
		{"{'links':[{}],'loads':[{'packet':70000}]}", "load 0", "size", "9000"},
		{"{'links':[{}],'seed':-1}", "x.json: seed", "no seed", "whole"},
		{"{'links':[{}],'time':'1s','warmup':'1s'}", "", "warm-up", ""},
		{"{'links':[{}],'name':''}", "x.json: name", "no name", "text"},
		{"[]", "x.json: ", "no object", "{…}"},
		{"{'links':[{}]", "x.json", "", ""},
	};
	struct scenario s;
	struct err err;
	unsigned i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (parse(&s, bad[i].text, &err) != -EINVAL)
			fail_msg("accepted: %s", bad[i].text);
		if (strncmp(err.where, bad[i].where, strlen(bad[i].where)) ||
		    !strstr(err.what, bad[i].what) || !strstr(err.mend, bad[i].mend))
			fail_msg("%s: %s: %s (%s)", bad[i].text, err.where, err.what, err.mend);
	}
}

static void a_dumbbell_is_what_it_says(void **state)
{
	struct scenario_group g[] = {{"cubic", 2, 10 * MSEC}, {"prague", 3, 30 * MSEC}};
	struct scenario s;
	struct err err = {0};

	assert_int_equal(scenario_dumbbell(&s, 40000000, "pie", g, 2, 60 * SEC, 20 * SEC, 5, &err),
			 0);
	assert_int_equal(s.cfg.n_flows, 2);
	assert_int_equal(s.flow[1].count, 3);
	assert_int_equal(s.flow[1].rtt, 30 * MSEC);
	assert_int_equal(s.cfg.link[0].aqm.kind, AQM_PIE);
	assert_int_equal(s.cfg.seed, 5);
	scenario_free(&s);
	assert_int_equal(scenario_dumbbell(&s, 40000000, "pi", g, 2, 60 * SEC, 0, 5, &err),
			 -EINVAL);
	g[0].cc = "cubic abe 7";
	assert_int_equal(scenario_dumbbell(&s, 40000000, "pie", g, 2, 60 * SEC, 0, 5, &err),
			 -EINVAL);
}

static void a_grid_sets_one_value(void **state)
{
	struct scenario_group g[] = {{"cubic", 2, 10 * MSEC}, {"prague", 3, 30 * MSEC}};
	struct scenario s;
	struct err err = {0};

	assert_int_equal(
		scenario_dumbbell(&s, 40000000, "fifo limit 100ms", g, 2, 60 * SEC, 0, 5, &err), 0);
	assert_int_equal(scenario_set(&s, "rate", "80M", &err), 0);
	assert_int_equal(s.cfg.link[0].rate, 80000000);
	assert_int_equal(s.cfg.link[0].aqm.rate, 80000000);
	assert_int_equal(scenario_set(&s, "aqm", "pi2", &err), 0);
	assert_int_equal(s.cfg.link[0].aqm.kind, AQM_PI2);
	assert_int_equal(scenario_set(&s, "rtt", "7ms", &err), 0);
	assert_int_equal(s.flow[0].rtt, 7 * MSEC);
	assert_int_equal(s.flow[1].rtt, 7 * MSEC);
	assert_int_equal(scenario_set(&s, "rtt2", "8ms", &err), 0);
	assert_int_equal(s.flow[0].rtt, 7 * MSEC);
	assert_int_equal(s.flow[1].rtt, 8 * MSEC);
	assert_int_equal(scenario_set(&s, "count1", "9", &err), 0);
	assert_int_equal(s.flow[0].count, 9);
	assert_int_equal(scenario_set(&s, "cc1", "cubic abe 0.80", &err), 0);
	assert_int_equal(s.flow[0].cc.abe.mode, ABE_FIXED);
	assert_string_equal(s.flow[0].name, "cubic abe 0.80");
	assert_int_equal(scenario_set(&s, "cc3", "cubic", &err), -EINVAL);
	assert_int_equal(scenario_set(&s, "rtt0", "8ms", &err), -EINVAL);
	assert_int_equal(scenario_set(&s, "rtt", "8", &err), -EINVAL);
	assert_int_equal(scenario_set(&s, "speed", "8", &err), -EINVAL);
	assert_non_null(strstr(err.mend, "rate"));
	scenario_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_are_exact),
		cmocka_unit_test(a_whole_scenario_is_read),
		cmocka_unit_test(what_is_wrong_is_told_where),
		cmocka_unit_test(a_dumbbell_is_what_it_says),
		cmocka_unit_test(a_grid_sets_one_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
