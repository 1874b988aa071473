/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/node/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

extern const char kira_yang[];

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

/* The module's defaults and the core's are one set: spec §2.24. */
static void defaults_are_the_cores(void **state)
{
	struct config *c = parse("{}");
	struct kira_params p;
	struct settings s;

	memset(&p, 0, sizeof(p));
	memset(&s, 0, sizeof(s));
	kira_params_default(&p);
	settings_read(&s, c);
	assert_true(kira_id_eq(&s.core.id, &kira_id_undefined));
	assert_int_equal(s.core.domain, p.domain);
	assert_int_equal(s.core.node_prefix, p.node_prefix);
	assert_int_equal(s.core.path_prefix, p.path_prefix);
	assert_int_equal(s.core.hash, p.hash);
	assert_int_equal(s.core.k, p.k);
	assert_int_equal(s.core.acc, p.acc);
	assert_int_equal(s.core.end_system, p.end_system);
	assert_int_equal(s.core.hello_min, p.hello_min);
	assert_int_equal(s.core.hello_max, p.hello_max);
	assert_int_equal(s.core.silence, p.silence);
	assert_int_equal(s.core.silence_gap, p.silence_gap);
	assert_int_equal(s.core.silence_tries, p.silence_tries);
	assert_int_equal(s.core.rod_min, p.rod_min);
	assert_int_equal(s.core.rod_max, p.rod_max);
	assert_int_equal(s.core.ond, p.ond);
	assert_int_equal(s.core.probe_age, p.probe_age);
	assert_int_equal(s.core.path_refresh, p.path_refresh);
	assert_int_equal(s.core.path_expiry, p.path_expiry);
	assert_int_equal(s.core.max_path_ids, p.max_path_ids);
	assert_int_equal(s.core.max_vicinity, p.max_vicinity);
	assert_int_equal(s.core.rate_requests, p.rate_requests);
	assert_int_equal(s.core.rate_setups, p.rate_setups);
	assert_int_equal(s.port, 8080);
	assert_string_equal(s.data.device, "kira0");
	assert_int_equal(s.data.kind, DATAPLANE_AUTO);
	assert_int_equal(s.data.node_prefix, 0xfc00);
	assert_int_equal(s.data.path_prefix, 0xfcaa);
	config_free(c);
}

static void everything_is_read(void **state)
{
	static const char json[] =
		"{\"kira:kira\": {\"node-id\": \"0a00000000000000000000000001\", \"domain\": \"77\","
		" \"node-prefix\": \"fd12::/16\", \"path-prefix\": \"fd13::/16\","
		" \"path-hash\": \"sha256\", \"port\": 4242, \"bucket-size\": 4, \"acceleration\": 2,"
		" \"end-system\": true, \"data-plane\": {\"kind\": \"tun\", \"device\": \"net7\"},"
		" \"timers\": {\"hello-min\": 101, \"hello-max\": 1002, \"silence\": 103, \"silence-gap\": 14,"
		" \"silence-tries\": 5, \"random-lookup-min\": 106, \"random-lookup-max\": 1007, \"own-lookup\": 108,"
		" \"probe-age\": 1009, \"path-refresh\": 1010, \"path-expiry\": 2011},"
		" \"limits\": {\"path-ids\": 112, \"vicinity-nodes\": 113, \"requests\": 114, \"path-setups\": 0}}}";
	struct config *c = parse(json);
	struct settings s;
	char id[KIRA_ID_TEXT];

	settings_read(&s, c);
	kira_id_format(&s.core.id, id);
	assert_string_equal(id, "0a00000000000000000000000001");
	assert_int_equal(s.core.domain, 77);
	assert_int_equal(s.core.node_prefix, 0xfd12);
	assert_int_equal(s.core.path_prefix, 0xfd13);
	assert_int_equal(s.core.hash, KIRA_HASH_SHA256);
	assert_int_equal(s.core.k, 4);
	assert_int_equal(s.core.acc, 2);
	assert_true(s.core.end_system);
	assert_int_equal(s.core.hello_min, MSEC(101));
	assert_int_equal(s.core.hello_max, MSEC(1002));
	assert_int_equal(s.core.silence, MSEC(103));
	assert_int_equal(s.core.silence_gap, MSEC(14));
	assert_int_equal(s.core.silence_tries, 5);
	assert_int_equal(s.core.rod_min, MSEC(106));
	assert_int_equal(s.core.rod_max, MSEC(1007));
	assert_int_equal(s.core.ond, MSEC(108));
	assert_int_equal(s.core.probe_age, MSEC(1009));
	assert_int_equal(s.core.path_refresh, MSEC(1010));
	assert_int_equal(s.core.path_expiry, MSEC(2011));
	assert_int_equal(s.core.max_path_ids, 112);
	assert_int_equal(s.core.max_vicinity, 113);
	assert_int_equal(s.core.rate_requests, 114);
	assert_int_equal(s.core.rate_setups, 0);
	assert_int_equal(s.port, 4242);
	assert_int_equal(s.data.kind, DATAPLANE_TUN);
	assert_string_equal(s.data.device, "net7");
	assert_int_equal(s.data.node_prefix, 0xfd12);
	config_free(c);
}

static void interfaces_by_pattern(void **state)
{
	struct config *c = parse("{}");

	assert_true(settings_wants(c, "eth0"));
	config_free(c);
	c = parse("{\"kira:kira\": {\"interfaces\": {\"exclude\": [\"wlan*\", \"eth[12]\"]}}}");
	assert_true(settings_wants(c, "eth0"));
	assert_false(settings_wants(c, "eth1"));
	assert_false(settings_wants(c, "wlan"));
	assert_false(settings_wants(c, "wlan0"));
	config_free(c);
	c = parse("{\"kira:kira\": {\"interfaces\": {\"include\": [\"eth?\", \"lan0\"], \"exclude\": [\"eth9\"]}}}");
	assert_true(settings_wants(c, "eth0"));
	assert_true(settings_wants(c, "lan0"));
	assert_false(settings_wants(c, "eth9"));
	assert_false(settings_wants(c, "eth10"));
	assert_false(settings_wants(c, "lan1"));
	config_free(c);
}

static void reach(const char *from, const char *to, enum settings_reach expected, const char *part)
{
	struct config *a = parse(from);
	struct config *b = parse(to);
	struct config_diff diff;
	const char *path;

	assert_int_equal(config_diff(a, b, &diff), 0);
	assert_int_equal(settings_reach(&diff, &path), expected);
	if (part)
		assert_non_null(strstr(path, part));
	else
		assert_null(path);
	config_diff_free(&diff);
	config_free(a);
	config_free(b);
}

static void how_far_a_change_reaches(void **state)
{
	reach("{}", "{\"kira:kira\": {\"interfaces\": {\"exclude\": [\"a\"]}}}", SETTINGS_LIVE, NULL);
	reach("{\"kira:kira\": {\"interfaces\": {\"include\": [\"a\"]}}}", "{}", SETTINGS_LIVE, NULL);
	reach("{}", "{\"kira:kira\": {\"timers\": {\"silence\": 500}}}", SETTINGS_ROUTING, NULL);
	reach("{}", "{\"kira:kira\": {\"limits\": {\"requests\": 5}}}", SETTINGS_ROUTING, NULL);
	reach("{}", "{\"kira:kira\": {\"port\": 1, \"interfaces\": {\"exclude\": [\"a\"]}}}", SETTINGS_ROUTING,
	      NULL);
	reach("{}", "{\"kira:kira\": {\"domain\": \"1\"}}", SETTINGS_ROUTING, NULL);
	reach("{}", "{\"kira:kira\": {\"node-prefix\": \"fd00::/16\"}}", SETTINGS_PROCESS, "node-prefix");
	reach("{}", "{\"kira:kira\": {\"port\": 1, \"data-plane\": {\"device\": \"x\"}}}", SETTINGS_PROCESS,
	      "data-plane");
	reach("{}", "{\"kira:kira\": {\"node-id\": \"0a00000000000000000000000001\"}}", SETTINGS_PROCESS,
	      "node-id");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_the_cores),
		cmocka_unit_test(everything_is_read),
		cmocka_unit_test(interfaces_by_pattern),
		cmocka_unit_test(how_far_a_change_reaches),
	};
	struct err err = {0};
	int failed;

	schema = config_schema_new("kira", kira_yang, &err);
	if (!schema) {
		err_print(&err, "kira.yang", stderr);
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	config_schema_free(schema);
	return failed;
}
