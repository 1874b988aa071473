/* SPDX-License-Identifier: BSD-2-Clause */
/* State against the module, with every part of it filled, and what is reckoned for it. */
#include "proto/l4s/node/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

extern const char l4s_yang[];

static struct config_schema *schema;

static void fill_queue(struct aqm_queue_stats *q, uint64_t from)
{
	uint64_t i;

	hist_reset(&q->delay);
	for (i = 0; i < 1000; i++)
		hist_add(&q->delay, from + i * 1000);
	q->arrived = 1010;
	q->forwarded = 1000;
	q->forwarded_bytes = 1514000;
	q->marked = 12;
	q->marked_native = 5;
	q->dropped_ect = 3;
	q->dropped_not_ect = 7;
	q->dropped_limit = 4;
	q->packets = 2;
	q->bytes = 3028;
	q->max_packets = 40;
}

static struct slot *full_slot(void)
{
	struct slot *s = calloc(1, sizeof(*s));
	struct link_dir_stats *d;

	assert_non_null(s);
	strcpy(s->set.name, "wan");
	strcpy(s->set.cfg.name[0], "a0");
	strcpy(s->set.cfg.name[1], "b0");
	s->status = SLOT_UP;
	s->since = clock_now() - SEC(3);
	s->set.cfg.dir[0].rate = 100000000;
	aqm_cfg_defaults(&s->set.cfg.dir[0].aqm, AQM_DUALPI2, AQM_PROFILE_LINUX, 100000000);
	s->set.cfg.dir[1].rate = 5000000;
	aqm_cfg_defaults(&s->set.cfg.dir[1].aqm, AQM_PIE, AQM_PROFILE_RFC, 5000000);
	d = &s->stats.dir[0];
	d->aqm.prob = UINT32_MAX / 4;
	d->aqm.p_cl = UINT32_MAX / 2;
	d->aqm.p_c = UINT32_MAX / 16;
	d->aqm.credit = -12345;
	d->aqm.overloaded = true;
	d->aqm.overloads = 3;
	d->aqm.overload_ns = UINT64_MAX / 2;
	fill_queue(&d->aqm.q[0], 14000000);
	fill_queue(&d->aqm.q[1], 200000);
	hist_reset(&d->late);
	hist_add(&d->late, 30000);
	d->rate_ppm = 999990;
	d->read_packets = 5;
	d->write_failed = 1;
	fill_queue(&s->stats.dir[1].aqm.q[0], 0);
	s->stats.cpu_ns = 123;
	s->stats.bad = true;
	strcpy(s->stats.why_bad, "late");
	return s;
}

static struct flow full_flow(uint8_t algo)
{
	struct flow f = {.f = {.family = AF_INET6,
			       .algo = algo,
			       .local_port = 5001,
			       .remote_port = 40000,
			       .bytes_acked = 1u << 30,
			       .cwnd = 100,
			       .ssthresh = 90,
			       .srtt_us = 20000,
			       .min_rtt_us = 19000,
			       .pacing_rate = 1250000,
			       .delivered = 1000,
			       .delivered_ce = 10,
			       .view = {.alpha = 1u << 22, .beta = 870, .classic = -300}},
			 .rate = 94000000,
			 .mark_rate = 2010,
			 .measured = true};

	inet_pton(AF_INET6, "2001:db8::1", f.f.local);
	inet_pton(AF_INET6, "::ffff:10.0.0.2", f.f.remote);
	return f;
}

/* {"l4s:l4s": {…}} with what add puts into a list of it. */
static yyjson_mut_doc *wrap(const char *container, const char *name, yyjson_mut_val **list)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);

	yyjson_mut_doc_set_root(doc, root);
	*list = json_add_arr(doc, json_add_obj(doc, json_add_obj(doc, root, "l4s:l4s"), container),
			     name);
	return doc;
}

static char *check(yyjson_mut_doc *doc)
{
	struct err err = {0};
	size_t n;
	char *text = yyjson_mut_write(doc, 0, &n);

	assert_non_null(text);
	if (config_check_state(schema, NULL, text, n, &err) != 0) {
		err_print(&err, "state", stderr);
		fail_msg("%s", text);
	}
	yyjson_mut_doc_free(doc);
	return text;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("%s is not in %s", part, text);
}

static void links(void **state)
{
	struct slot *s = full_slot();
	yyjson_mut_val *list;
	yyjson_mut_doc *doc = wrap("link-state", "link", &list);
	char *text;

	report_link(doc, list, s);
	text = check(doc);
	has(text, "\"probability\":\"0.25\"");
	has(text, "\"probability-l4s\":\"0.5\"");
	has(text, "\"probability-classic\":\"0.0625\"");
	has(text, "\"rate-error\":\"-10\"");
	has(text, "\"dropped\":\"10\",\"dropped-aqm\":\"6\",\"dropped-limit\":\"4\"");
	has(text, "\"bad-reason\":\"late\"");
	has(text, "\"hint\":\"overload");
	free(text);
	free(s);
}

static void kernel_and_failed(void **state)
{
	struct slot *s = full_slot();
	yyjson_mut_val *list;
	yyjson_mut_doc *doc = wrap("link-state", "link", &list);
	char *text;

	s->kernel = true;
	s->set.cfg.name[1][0] = '\0';
	strcpy(s->set.cfg.uplink, "eth0");
	s->delay_now[0] = 15000000;
	report_link(doc, list, s);
	strcpy(s->set.name, "other");
	s->status = SLOT_FAILED;
	err_set(&s->why, -1, "no \"such\" thing\n");
	err_mend(&s->why, "mend it");
	err_set(&s->why_not_kernel, -1, "no kernel");
	report_link(doc, list, s);
	text = check(doc);
	has(text, "\"delay-now\":\"15000000\"");
	has(text, "\"reason\":\"no \\\"such\\\" thing");
	has(text, "\"backend-reason\":\"no kernel\"");
	free(text);
	free(s);
}

static void flows(void **state)
{
	yyjson_mut_val *list;
	yyjson_mut_doc *doc = wrap("flows", "flow", &list);
	struct flow f = full_flow(CC_PRAGUE);
	char *text;

	report_flow(doc, list, &f);
	f = full_flow(CC_CUBIC);
	f.f.remote_port++;
	f.measured = false;
	f.f.pacing_rate = UINT64_MAX;
	f.f.ssthresh = 0x7fffffff;
	report_flow(doc, list, &f);
	text = check(doc);
	has(text, "\"id\":\"2001:db8::1.5001-10.0.0.2.40000\"");
	has(text, "\"alpha\":\"0.25\"");
	has(text, "\"classic-score\":\"-0.293\"");
	has(text, "\"mark-rate\":\"2.01\"");
	has(text, "\"pacing-rate\":\"10000000\"");
	has(text, "\"beta\":\"0.85\"");
	free(text);
}

/* Nothing is lost, and what lies well between two bounds is between them. */
static void buckets(void **state)
{
	static struct hist h;
	uint64_t count[REPORT_BOUNDS];
	uint64_t sum = 0;
	unsigned i;

	hist_reset(&h);
	hist_add(&h, 0);
	hist_add(&h, 450000);
	hist_add(&h, 450001);
	hist_add(&h, 16000000);
	hist_add(&h, 100000000000);
	report_buckets(&h, count);
	for (i = 0; i < REPORT_BOUNDS; i++) {
		sum += count[i];
		if (report_bound[i] == 500000)
			assert_int_equal(count[i], 2);
		if (report_bound[i] == 18000000)
			assert_int_equal(count[i], 1);
		assert_true(i == 0 || report_bound[i] > report_bound[i - 1]);
	}
	assert_int_equal(sum, 5);
	assert_int_equal(count[0], 1);
	assert_int_equal(count[REPORT_BOUNDS - 1], 1);
}

static void rates(void **state)
{
	struct flow before[2] = {full_flow(CC_PRAGUE), full_flow(CC_PRAGUE)};
	struct flow now[3] = {full_flow(CC_PRAGUE), full_flow(CC_PRAGUE), full_flow(CC_PRAGUE)};
	unsigned i;

	for (i = 0; i < 3; i++) {
		now[i].measured = false;
		now[i].f.remote_port = (uint16_t)(100 + i);
	}
	before[0].f.remote_port = 100;
	before[1].f.remote_port = 102;
	now[0].f.bytes_acked += 1250000;
	now[0].f.delivered_ce += 100;
	/* Another connection with the ports of the one before. */
	now[2].f.bytes_acked = 5;
	now[2].f.delivered = 1;
	flows_rate(now, 3, before, 2, 500000);
	assert_true(now[0].measured);
	assert_int_equal(now[0].rate, 20000000);
	/* 100 marks in 25 round trips of 20 ms */
	assert_int_equal(now[0].mark_rate, 4000);
	assert_false(now[1].measured);
	assert_false(now[2].measured);
}

/* What people have asked about. */
static void hints(void **state)
{
	static struct link_dir_stats d;
	struct cc_kernel_stats c = {0};

	memset(&d, 0, sizeof(d));
	assert_null(report_link_hint(&d));
	d.aqm.q[0].forwarded = 5000;
	d.aqm.q[0].max_packets = 1;
	has(report_link_hint(&d), "bottleneck is elsewhere");
	d.aqm.q[0].max_packets = 30;
	assert_null(report_link_hint(&d));
	d.aqm.q[1].forwarded = 5000;
	d.aqm.q[1].marked = 5000;
	has(report_link_hint(&d), "rate-aware");
	assert_null(report_control_hint(&c, true, 0));
	c.sockets = 3;
	c.no_ecn = 3;
	has(report_control_hint(&c, true, 1), "connect() or listen()");
	c.no_ecn = 0;
	c.classic_ecn = 3;
	has(report_control_hint(&c, true, 1), "listeners");
	c.classic_ecn = 0;
	c.accecn = 3;
	has(report_control_hint(&c, true, 0), "mark-interface");
	assert_null(report_control_hint(&c, true, 1));
	c.acks = 200000;
	has(report_control_hint(&c, true, 1), "no mark was ever seen");
	c.marks = 1;
	assert_null(report_control_hint(&c, true, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links), cmocka_unit_test(kernel_and_failed),
		cmocka_unit_test(flows), cmocka_unit_test(buckets),
		cmocka_unit_test(rates), cmocka_unit_test(hints),
	};
	struct err err = {0};
	int failed;

	schema = config_schema_new("l4s", l4s_yang, &err);
	if (!schema) {
		err_print(&err, "report_test", stderr);
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	config_schema_free(schema);
	return failed;
}
