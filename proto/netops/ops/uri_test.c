/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/ops/cli.h"
#include "proto/netops/ops/cli_value.h"
#include "proto/netops/ops/uri.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- last{count}, spec §2.1 ---- */

static void test_last(void **state)
{
	static const struct {
		const char *text;
		unsigned want;
	} t[] = {{"last1", 1},	      {"last9", 9},	     {"last10000", 10000},
		 {"last10001", 0},    {"last0", 0},	     {"last", 0},
		 {"last01", 0},	      {"last-1", 0},	     {"last+1", 0},
		 {"last1 ", 0},	      {" last1", 0},	     {"Last1", 0},
		 {"last1.0", 0},      {"last99999", 0},	     {"last100000", 0},
		 {"last1e3", 0},      {"last4294967297", 0}, {"last18446744073709551617", 0},
		 {"last\xd9\xa1", 0}, {"lastlast1", 0},	     {"last1/", 0}};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (uri_last(t[i].text) != t[i].want)
			fail_msg("%s is %u", t[i].text, uri_last(t[i].text));
	}
	assert_int_equal(uri_last_of("network:///log/syslog/last17", "network:///log/syslog/"), 17);
	assert_int_equal(uri_last_of("network:///log/syslog/x/last17", "network:///log/syslog/"),
			 0);
	assert_int_equal(uri_last_of("network:///audit/last17", "network:///log/syslog/"), 0);
}

/* ---- Paths ---- */

static void test_touching_paths(void **state)
{
	static const struct {
		const char *a, *b;
		bool want;
	} t[] = {
		{"ietf-interfaces:interfaces", "/ietf-interfaces:interfaces/interface[name='eth0']",
		 true},
		{"ietf-interfaces:interfaces/interface=eth0",
		 "/ietf-interfaces:interfaces/interface[name='eth0']/oper-status", true},
		{"ietf-interfaces:interfaces/interface=eth0",
		 "/ietf-interfaces:interfaces/interface[name='eth1']", false},
		{"ietf-interfaces:interfaces/interface=eth0",
		 "/ietf-interfaces:interfaces/interface[name=\"eth0\"]", true},
		{"ietf-interfaces:interfaces/interface=eth%2F0",
		 "/ietf-interfaces:interfaces/interface[name='eth/0']", true},
		{"ietf-interfaces:interfaces/interface=eth0",
		 "/ietf-interfaces:interfaces/interface", true},
		{"ietf-interfaces:interfaces/interface=eth0/enabled",
		 "/ietf-interfaces:interfaces/interface[name='eth0']/type", false},
		{"a:b/c=1,2", "/a:b/c[k='1'][l='2']/d", true},
		{"a:b/c=1,3", "/a:b/c[k='1'][l='2']/d", false},
		{"a:b/x:c", "/a:b/y:c", false},
		{"a:b/c", "/a:b/a:c", true},
		{"/", "/a:b", true},
		{"", "/a:b", true},
		{"a:b/c=x%5D", "/a:b/c[k='x]']", true},
		{"a:b", "/a:bb", false},
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (uri_paths_touch(t[i].a, t[i].b) != t[i].want ||
		    uri_paths_touch(t[i].b, t[i].a) != t[i].want)
			fail_msg("%s, %s", t[i].a, t[i].b);
	}
}

static void test_touched_resources(void **state)
{
	static const struct {
		const char *uri;
		enum datastore ds;
		const char *path;
		bool want;
	} t[] = {
		{"network:///interfaces", DS_OPERATIONAL,
		 "/ietf-interfaces:interfaces/interface[name='eth0']", true},
		{"network:///interfaces", DS_RUNNING,
		 "/ietf-interfaces:interfaces/interface[name='eth0']", false},
		{"network:///interfaces", DS_OPERATIONAL, "/ietf-routing:routing/ribs", false},
		{"network:///interface/eth0", DS_OPERATIONAL,
		 "/ietf-interfaces:interfaces/interface[name='eth0']", true},
		{"network:///interface/eth0", DS_OPERATIONAL,
		 "/ietf-interfaces:interfaces/interface[name='eth1']", false},
		{"network:///interface/eth0", DS_OPERATIONAL, "/ietf-interfaces:interfaces", true},
		{"network:///routing/ipv6/route-table", DS_OPERATIONAL,
		 "/ietf-routing:routing/ribs/rib[name='main']", true},
		{"network:///file/running-config", DS_RUNNING, "/x:y", true},
		{"network:///file/running-config", DS_CANDIDATE, "/x:y", false},
		{"network:///file/candidate-config", DS_CANDIDATE, "/x:y", true},
		{"network:///data/running/a:b/c=1", DS_RUNNING, "/a:b/c[k='1']", true},
		{"network:///data/running/a:b/c=1", DS_OPERATIONAL, "/a:b/c[k='1']", false},
		{"network:///data/running/a:b/c=2?x", DS_RUNNING, "/a:b/c[k='1']", false},
		{"network:///data/run/a:b", DS_RUNNING, "/a:b", false},
		{"network:///yang/library", DS_RUNNING, "/a:b", false},
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (uri_touched(t[i].uri, t[i].ds, t[i].path) != t[i].want)
			fail_msg("%s, %s", t[i].uri, t[i].path);
	}
}

static const char yang[] =
	"module m {yang-version 1.1; namespace urn:m; prefix m; container c {presence p; list l "
	"{key k; leaf k {type string;}"
	"leaf n {type uint16;} leaf b {type boolean;} leaf e {type empty;} leaf w {type uint64;} "
	"leaf u {type union {type int8; type "
	"string;}} leaf-list s {type string;} choice x {case y {leaf z {type string;}}}}}}";

static struct ly_ctx *ctx;

static int load(void **state)
{
	return ly_ctx_new(NULL, LY_CTX_NO_YANGLIBRARY, &ctx) ||
	       lys_parse_mem(ctx, yang, LYS_IN_YANG, NULL);
}

static int unload(void **state)
{
	ly_ctx_destroy(ctx);
	return 0;
}

static void test_schema_nodes(void **state)
{
	assert_string_equal(uri_schema_node(ctx, "m:c/l=1/n")->name, "n");
	assert_string_equal(uri_schema_node(ctx, "/m:c/l[k='a/b']/b")->name, "b");
	assert_string_equal(uri_schema_node(ctx, "m:c/m:l/z")->name, "z");
	assert_null(uri_schema_node(ctx, "c"));
	assert_null(uri_schema_node(ctx, "m:c/none"));
	assert_null(uri_schema_node(ctx, "m:c/l[k='a"));
	assert_null(uri_schema_node(ctx, "none:c"));
	assert_null(uri_schema_node(ctx, ""));
	assert_null(uri_schema_node(ctx, "/"));
}

/* ---- Commands ---- */

static void test_refused_commands(void **state)
{
	static const char *const bad[] = {"",
					  " ",
					  "show",
					  "show nothing",
					  "show log 0",
					  "show log 10001",
					  "show log x",
					  "show log 1 2",
					  "show interfaces a b",
					  "show log; reboot",
					  "show log | sh",
					  "show log & x",
					  "show $HOME",
					  "show `id`",
					  "show log > f",
					  "show log < f",
					  "show log\nreboot",
					  "ping 10.0.0.1",
					  "bash",
					  "show 'log",
					  "show history 1",
					  "show configuration running a b c",
					  "set a b",
					  "delete a",
					  "commit",
					  "undo x",
					  "reboot",
					  "show\x1b[2J log"};
	struct cli c;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = {0};

		if (cli_exec(&c, bad[i], strlen(bad[i]), &err) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_true(err.what[0] != '\0' && err.code < 0);
	}
	assert_int_equal(cli_exec(&c, "set a b", 7, NULL), -EPERM);
}

static void test_show_commands(void **state)
{
	struct cli c;

	assert_int_equal(cli_exec(&c, "  show\tlog  7 ", 14, NULL), 0);
	assert_int_equal(c.what, CLI_SHOW_LOG);
	assert_int_equal(c.count, 7);
	assert_int_equal(cli_exec(&c, "show log", 8, NULL), 0);
	assert_int_equal(c.count, 100);
	assert_int_equal(cli_exec(&c, "show configuration candidate a:b/c=1", 36, NULL), 0);
	assert_int_equal(c.what, CLI_SHOW_CONFIGURATION);
	assert_string_equal(c.a, "candidate");
	assert_string_equal(c.b, "a:b/c=1");
	assert_int_equal(cli_exec(&c, "show configuration /a:b/c[k='x y']", 34, NULL), 0);
	assert_null(c.a);
	assert_string_equal(c.b, "/a:b/c[k='x y']");
	assert_int_equal(cli_exec(&c, "show route ipv6 2001:db8::1", 27, NULL), 0);
	assert_string_equal(c.a, "ipv6");
	assert_string_equal(c.b, "2001:db8::1");
	assert_int_equal(cli_exec(&c, "show interfaces \"my if\"", 23, NULL), 0);
	assert_string_equal(c.a, "my if");
}

static void test_configure_commands(void **state)
{
	static const char *const bad[] = {"",	      "set",	  "delete",	 "delete a b",
					  "show log", "sett a b", "set a 'b;c'", "replace a b"};
	struct err err = {0};
	struct cli c;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (cli_configure(&c, bad[i], strlen(bad[i]), &err) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
	}
	assert_int_equal(cli_configure(&c, "set m:c/l=1/s two  words", 24, NULL), 0);
	assert_string_equal(c.a, "m:c/l=1/s");
	assert_string_equal(c.b, "two  words");
	assert_int_equal(cli_configure(&c, "set m:c", 7, NULL), 0);
	assert_null(c.b);
	assert_int_equal(cli_configure(&c, "delete m:c/l=1", 14, NULL), 0);
	assert_int_equal(c.what, CLI_DELETE);
}

static void value_is(const char *path, const char *text, const char *want)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *v = cli_value(doc, uri_schema_node(ctx, path), text);
	char *json = v ? yyjson_mut_val_write(v, 0, NULL) : NULL;

	if (!json != !want || (json && strcmp(json, want) != 0))
		fail_msg("%s %s became %s", path, text ? text : "", json ? json : "nothing");
	free(json);
	yyjson_mut_doc_free(doc);
}

static void test_values_by_type(void **state)
{
	value_is("m:c/l=1/n", "7", "7");
	value_is("m:c/l=1/n", "x", "\"x\"");
	value_is("m:c/l=1/b", "true", "true");
	value_is("m:c/l=1/e", NULL, "[null]");
	value_is("m:c/l=1/w", "7", "\"7\"");
	value_is("m:c/l=1/u", "7", "7");
	value_is("m:c/l=1/u", "seven", "\"seven\"");
	value_is("m:c/l=1/k", "true", "\"true\"");
	value_is("m:c/l=1/k", "\"a\\nb\"", "\"a\\nb\"");
	value_is("m:c/l=1/s", "a b", "[\"a b\"]");
	value_is("m:c/l=1/s", "[\"a\",\"b\"]", "[\"a\",\"b\"]");
	value_is("m:c", NULL, "{}");
	value_is("m:c/l=1", "{\"k\":\"1\",\"n\":3}", "{\"k\":\"1\",\"n\":3}");
	value_is("m:c/l=1", "{\"k\":", NULL);
	value_is("m:c", "x", NULL);
	value_is("m:c/l=1/n", NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last),
		cmocka_unit_test(test_touching_paths),
		cmocka_unit_test(test_touched_resources),
		cmocka_unit_test(test_schema_nodes),
		cmocka_unit_test(test_refused_commands),
		cmocka_unit_test(test_show_commands),
		cmocka_unit_test(test_configure_commands),
		cmocka_unit_test(test_values_by_type),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
