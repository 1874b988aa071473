/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/node/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

extern const char l4s_yang[];

static struct config_schema *schema;

static struct config *parse(const char *json)
{
	struct err err = {0};
	struct config *c = config_parse(schema, json, strlen(json), NULL, &err);

	if (!c)
		err_print(&err, json, stderr);
	assert_non_null(c);
	return c;
}

static void read_into(struct settings *s, const char *json)
{
	struct config *c = parse(json);
	struct err err = {0};

	if (settings_read(s, c, &err) != 0)
		err_print(&err, json, stderr);
	assert_int_equal(err.code, 0);
	config_free(c);
}

static void same_control(const struct cc_cfg *got, const struct cc_cfg *want)
{
	assert_int_equal(got->algo, want->algo);
	assert_int_equal(got->form, want->form);
	assert_int_equal(got->start, want->start);
	assert_int_equal(got->ect, want->ect);
	assert_int_equal(got->feedback, want->feedback);
	assert_int_equal(got->pacing, want->pacing);
	assert_int_equal(got->fast_convergence, want->fast_convergence);
	assert_int_equal(got->rtt_independence, want->rtt_independence);
	assert_int_equal(got->classic_detection, want->classic_detection);
	assert_int_equal(got->target_rtt_us, want->target_rtt_us);
	assert_int_equal(got->abe.beta_loss, want->abe.beta_loss);
	assert_int_equal(got->abe.beta_ecn, want->abe.beta_ecn);
	assert_int_equal(got->abe.beta_min, want->abe.beta_min);
	assert_int_equal(got->abe.beta_max, want->abe.beta_max);
}

/* The module's defaults are the cores', but that ABE is on: it is what the control is there for. */
static void defaults(void **state)
{
	struct cc_cfg c;
	struct settings s;

	read_into(&s, "{}");
	assert_false(s.controls.load);
	assert_int_equal(s.n_links, 0);
	cc_cfg_defaults(&c, CC_CUBIC);
	same_control(&s.controls.cubic, &c);
	assert_int_equal(s.controls.cubic.abe.mode, ABE_FIXED);
	cc_cfg_defaults(&c, CC_PRAGUE);
	same_control(&s.controls.prague, &c);
}

static void controls(void **state)
{
	struct settings s;

	read_into(
		&s,
		"{\"l4s:l4s\":{\"controls\":{\"load\":true,\"mark-interface\":[\"eth0\",\"eth1\"],"
		"\"cgroup\":[{\"path\":\"/sys/fs/cgroup/web\",\"control\":\"prague\"}],"
		"\"cubic\":{\"form\":\"rfc\",\"start\":\"hystart++\",\"pacing\":true,"
		"\"fast-convergence\":false,\"abe\":{\"mode\":\"adaptive\",\"alpha\":\"scale\","
		"\"beta-ecn\":\"0.8\",\"beta-min\":\"0.75\",\"beta-max\":\"0.9\","
		"\"slow-start\":true,\"loss-after-mark\":true}},"
		"\"prague\":{\"rtt-independence\":false,\"target-rtt\":\"15000\","
		"\"classic-detection\":false}}}}");
	assert_true(s.controls.load);
	assert_int_equal(s.controls.n_marks, 2);
	assert_string_equal(s.controls.mark[1], "eth1");
	assert_int_equal(s.controls.n_cgroups, 1);
	assert_string_equal(s.controls.cgroup[0].path, "/sys/fs/cgroup/web");
	assert_int_equal(s.controls.cgroup[0].control, CC_PRAGUE);
	assert_int_equal(s.controls.cubic.form, CC_FORM_RFC);
	assert_int_equal(s.controls.cubic.start, CC_START_HYSTARTPP);
	assert_true(s.controls.cubic.pacing);
	assert_false(s.controls.cubic.fast_convergence);
	assert_int_equal(s.controls.cubic.abe.mode, ABE_ADAPTIVE);
	assert_int_equal(s.controls.cubic.abe.alpha, ABE_ALPHA_SCALE);
	assert_int_equal(s.controls.cubic.abe.beta_ecn, 819); /* 0.8 * 1024 = 819.2 */
	assert_int_equal(s.controls.cubic.abe.beta_min, 768);
	assert_int_equal(s.controls.cubic.abe.beta_max, 922); /* 921.6 */
	assert_true(s.controls.cubic.abe.slow_start);
	assert_true(s.controls.cubic.abe.frlossreduce);
	assert_false(s.controls.prague.rtt_independence);
	assert_false(s.controls.prague.classic_detection);
	assert_int_equal(s.controls.prague.target_rtt_us, 15000);
}

/* Without ECN there are no marks to answer. */
static void no_ecn(void **state)
{
	struct settings s;

	read_into(&s, "{\"l4s:l4s\":{\"controls\":{\"cubic\":{\"ecn\":false}}}}");
	assert_int_equal(s.controls.cubic.ect, ECN_NOT_ECT);
	assert_int_equal(s.controls.cubic.feedback, CC_FEEDBACK_NONE);
	assert_int_equal(s.controls.cubic.abe.mode, ABE_OFF);
}

#define LINK(rest)                                                                                 \
	"{\"l4s:l4s\":{\"link\":[{\"name\":\"w\",\"interface-a\":\"a\",\"interface-b\":\"b\"" rest \
	"}]}}"

static void links(void **state)
{
	const struct link_cfg *c;
	struct aqm_cfg want;
	struct settings s;

	read_into(&s,
		  LINK(",\"mode\":\"tun-gso\",\"gso-max-segments\":4,\"late-limit\":\"200\","
		       "\"forward\":{\"rate\":\"100000000\",\"delay\":\"10000\",\"jitter\":\"50\","
		       "\"loss\":500000,\"overhead\":18},\"backward\":{\"delay\":\"5000\"}"));
	assert_int_equal(s.n_links, 1);
	assert_ptr_equal(settings_find(&s, "w"), &s.link[0]);
	assert_null(settings_find(&s, "x"));
	c = &s.link[0].cfg;
	assert_int_equal(c->mode, LINK_TUN_GSO);
	assert_int_equal(c->gso_max_segs, 4);
	assert_int_equal(c->late_limit, 200000);
	assert_int_equal(c->netns[0], -1);
	assert_int_equal(c->netns[1], -1);
	assert_string_equal(c->name[0], "a");
	assert_string_equal(c->name[1], "b");
	assert_int_equal(c->dir[0].rate, 100000000);
	assert_int_equal(c->dir[0].delay, 10000000);
	assert_int_equal(c->dir[0].jitter, 50000);
	assert_in_range(c->dir[0].loss, UINT32_MAX / 2 - 1, UINT32_MAX / 2 + 1);
	assert_int_equal(c->dir[0].overhead, 18);
	assert_int_equal(c->dir[1].rate, 0);
	assert_int_equal(c->dir[1].delay, 5000000);
	/* What is not set is the queue manager's own, at this rate. */
	aqm_cfg_defaults(&want, AQM_DUALPI2, AQM_PROFILE_LINUX, 100000000);
	want.mtu = 1518;
	assert_memory_equal(&c->dir[0].aqm, &want, sizeof(want));
}

static void profiles(void **state)
{
	struct aqm_cfg want;
	struct settings s;

	read_into(&s, LINK(",\"forward\":{\"rate\":\"40000000\",\"aqm\":{\"profile\":\"rfc\"}}"));
	aqm_cfg_defaults(&want, AQM_DUALPI2, AQM_PROFILE_RFC, 40000000);
	want.mtu = 1514;
	assert_memory_equal(&s.link[0].cfg.dir[0].aqm, &want, sizeof(want));
	read_into(&s, LINK(",\"forward\":{\"rate\":\"40000000\",\"aqm\":{\"kind\":\"fq-codel\"}}"));
	aqm_cfg_defaults(&want, AQM_FQ_CODEL, AQM_PROFILE_LINUX, 40000000);
	want.mtu = 1514;
	assert_memory_equal(&s.link[0].cfg.dir[0].aqm, &want, sizeof(want));
}

static void queue(void **state)
{
	const struct aqm_cfg *a;
	struct settings s;

	read_into(&s,
		  LINK(",\"forward\":{\"rate\":\"1000000\",\"aqm\":{\"target\":\"20000\","
		       "\"update-interval\":\"8000\",\"alpha\":\"0.32\",\"beta\":\"2.5\","
		       "\"coupling\":3,\"step\":\"2000\",\"step-min-packets\":2,"
		       "\"rate-aware\":true,\"classic-protection\":20,\"scheduler\":\"ts-fifo\","
		       "\"overload\":\"overflow\",\"drop-early\":true,\"limit-packets\":77,"
		       "\"limit-bytes\":\"88888\",\"time-shift\":\"30000\"}}"));
	a = &s.link[0].cfg.dir[0].aqm;
	assert_int_equal(a->target, 20000000);
	assert_int_equal(a->tupdate, 8000000);
	assert_int_equal(a->alpha, 82); /* 81.92 */
	assert_int_equal(a->beta, 640);
	assert_int_equal(a->coupling, 3);
	assert_int_equal(a->step, 2000000);
	assert_int_equal(a->min_qlen_step, 2);
	assert_true(a->rate_aware);
	assert_int_equal(a->classic_protection, 20);
	assert_int_equal(a->scheduler, AQM_TS_FIFO);
	assert_int_equal(a->overload, AQM_OVERFLOW);
	assert_true(a->drop_early);
	assert_int_equal(a->limit_packets, 77);
	assert_int_equal(a->limit_bytes, 88888);
	assert_int_equal(a->tshift, 30000000);
	read_into(&s,
		  LINK(",\"forward\":{\"rate\":\"1000000\",\"aqm\":{\"kind\":\"pie\",\"ecn\":false,"
		       "\"max-burst\":\"100000\",\"mark-limit\":\"0.5\"}}"));
	assert_false(a->ecn);
	assert_int_equal(a->max_burst, 100000000);
	assert_in_range(a->mark_ecnth, UINT32_MAX / 2, UINT32_MAX / 2 + 1);
}

/* A link that is switched off is none. */
static void disabled(void **state)
{
	struct settings s;

	read_into(&s, LINK(",\"enabled\":false"));
	assert_int_equal(s.n_links, 0);
}

/* What the module refuses: the path, and what is wrong. */
static void refused(void **state)
{
	static const struct {
		const char *json, *where, *what;
	} bad[] = {
		{"{\"l4s:l4s\":{\"link\":[{\"name\":\"w\",\"interface-a\":\"a\"}]}}",
		 "link[name='w']", "needs another end"},
		{LINK(",\"uplink\":\"eth0\""), "link[name='w']", "either interface-b or uplink"},
		{"{\"l4s:l4s\":{\"link\":[{\"name\":\"w\",\"interface-a\":\"a\",\"interface-b\":"
		 "\"a\"}]}}",
		 "interface-b", "same name"},
		{LINK(",\"backend\":\"kernel\""), "link[name='w']", "needs an uplink"},
		{LINK(",\"forward\":{\"rate\":\"5\"}"), "forward/rate", "range"},
		{"{\"l4s:l4s\":{\"controls\":{\"cubic\":{\"abe\":{\"beta-min\":\"0.9\","
		 "\"beta-max\":\"0.8\"}}}}}",
		 "beta-min", "above beta-max"},
		{"{\"l4s:l4s\":{\"link\":[{\"name\":\"w\",\"uplink\":\"e\",\"backend\":\"kernel\","
		 "\"forward\":{\"rate\":\"1000000\",\"delay\":\"5\"}}]}}",
		 "link[name='w']", "adds no delay"},
		{"{\"l4s:l4s\":{\"link\":[{\"name\":\"w\",\"uplink\":\"e\",\"backend\":\"kernel\","
		 "\"forward\":{\"rate\":\"1000000\",\"aqm\":{\"kind\":\"pie\"}}}]}}",
		 "link[name='w']", "dualpi2 with profile linux"},
		{"{\"l4s:l4s\":{\"link\":[{\"name\":\"w\",\"uplink\":\"e\","
		 "\"backward\":{\"rate\":\"1000000\"}}]}}",
		 "link[name='w']", "backward has no rate"},
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = {0};

		assert_null(config_parse(schema, bad[i].json, strlen(bad[i].json), NULL, &err));
		if (!strstr(err.where, bad[i].where) || !strstr(err.what, bad[i].what))
			err_print(&err, bad[i].json, stderr);
		assert_non_null(strstr(err.where, bad[i].where));
		assert_non_null(strstr(err.what, bad[i].what));
		assert_true(err.mend[0] != '\0');
	}
}

/* What only the queue manager knows to be wrong has the path of it. */
static void refused_by_the_queue(void **state)
{
	struct config *c =
		parse(LINK(",\"forward\":{\"rate\":\"1000000\",\"aqm\":{\"kind\":\"codel\","
			   "\"interval\":\"0\"}}"));
	struct err err = {0};
	struct settings s;

	assert_int_not_equal(settings_read(&s, c, &err), 0);
	assert_string_equal(err.where, "/l4s:l4s/link[name='w']/forward/aqm");
	config_free(c);
}

static void reach(void **state)
{
	static const struct {
		const char *json;
		enum settings_reach reach;
		bool controls;
	} to[] = {
		{LINK(""), SETTINGS_SAME, false},
		{LINK(",\"forward\":{\"rate\":\"1000000\"}"), SETTINGS_LIVE, false},
		{LINK(",\"forward\":{\"aqm\":{\"kind\":\"pie\"}}"), SETTINGS_LIVE, false},
		{LINK(",\"mode\":\"tun-gso\""), SETTINGS_ANEW, false},
		{LINK(",\"backend\":\"user\""), SETTINGS_ANEW, false},
		{"{\"l4s:l4s\":{\"link\":[{\"name\":\"w\",\"interface-a\":\"a\",\"interface-b\":"
		 "\"c\"}]}}",
		 SETTINGS_ANEW, false},
		{"{\"l4s:l4s\":{\"controls\":{\"load\":true},\"link\":[{\"name\":\"w\","
		 "\"interface-a\":\"a\",\"interface-b\":\"b\"}]}}",
		 SETTINGS_SAME, true},
	};
	struct config *from = parse(LINK(""));
	struct config_diff diff;
	struct config *c;
	size_t i;

	for (i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		c = parse(to[i].json);
		memset(&diff, 0, sizeof(diff));
		assert_int_equal(config_diff(from, c, &diff), 0);
		assert_int_equal(settings_link_reach(&diff, "w"), to[i].reach);
		assert_int_equal(settings_link_reach(&diff, "other"), SETTINGS_SAME);
		assert_int_equal(settings_controls_touched(&diff), to[i].controls);
		assert_false(settings_cgroups_touched(&diff));
		config_diff_free(&diff);
		config_free(c);
	}
	config_free(from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(controls),
		cmocka_unit_test(no_ecn),
		cmocka_unit_test(links),
		cmocka_unit_test(profiles),
		cmocka_unit_test(queue),
		cmocka_unit_test(disabled),
		cmocka_unit_test(refused),
		cmocka_unit_test(refused_by_the_queue),
		cmocka_unit_test(reach),
	};
	struct err err = {0};
	int failed;

	schema = config_schema_new("l4s", l4s_yang, &err);
	if (!schema) {
		err_print(&err, "settings_test", stderr);
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	config_schema_free(schema);
	return failed;
}
