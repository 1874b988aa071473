/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

extern const char box_yang[];
extern const char kira_yang[];

static struct config_schema *schema;

static int setup(void **state)
{
	struct err err = {0};

	schema = config_schema_new("box", box_yang, &err);
	if (!schema)
		err_print(&err, "config_test", stderr);
	return schema ? 0 : -1;
}

static int teardown(void **state)
{
	config_schema_free(schema);
	return 0;
}

static struct config *parse(const char *json)
{
	struct err err = {0};
	struct config *c = config_parse(schema, json, strlen(json), NULL, &err);

	if (!c)
		err_print(&err, "parse", stderr);
	assert_non_null(c);
	return c;
}

static void refused(const char *json, const char *what, const char *where)
{
	struct err err = {0};

	assert_null(config_parse(schema, json, strlen(json), "box.json", &err));
	assert_int_equal(err.code, -EINVAL);
	if (!strstr(err.what, what) || !strstr(err.where, where))
		err_print(&err, json, stderr);
	assert_non_null(strstr(err.what, what));
	assert_non_null(strstr(err.where, where));
	assert_true(err.mend[0] != '\0');
}

static void test_schema(void **state)
{
	struct err err = {0};

	assert_string_equal(config_schema_name(schema), "box");
	assert_string_equal(config_schema_revision(schema), "2026-11-24");
	assert_null(config_schema_new("box", "module box { oops; }", &err));
	assert_true(err.code < 0 && err.what[0]);
	err = (struct err){0};
	assert_null(config_schema_new("tin", box_yang, &err));
	assert_non_null(strstr(err.what, "box"));
}

static void test_defaults_and_values(void **state)
{
	struct config *c = parse("{\"box:box\":{\"name\":\"a\",\"open\":false,\"lid\":{\"colour\":\"red\"},"
				 "\"layer\":[{\"name\":\"x\",\"height\":3}]}}");
	const struct lyd_node *box = config_node(config_tree(c), "/box:box");

	assert_non_null(box);
	assert_string_equal(config_text(box, "name"), "a");
	assert_true(config_u64(box, "size", 0) == 10);
	assert_true(config_u64(box, "weight", 0) == 5000000000u);
	assert_true(config_i64(box, "offset", 0) == -3);
	assert_false(config_flag(box, "open"));
	assert_string_equal(config_text(box, "lid/colour"), "red");
	assert_null(config_text(box, "address"));
	assert_true(config_u64(config_tree(c), "/box:box/layer[name='x']/height", 0) == 3);
	assert_true(config_u64(box, "layer[name='y']/height", 9) == 9);
	config_free(c);

	c = parse("{}");
	assert_true(config_flag(config_tree(c), "/box:box/open"));
	assert_null(config_node(config_tree(c), "/box:box/lid"));
	config_free(c);
}

struct names {
	char text[64];
	unsigned stop;
};

static bool collect(void *ctx, const struct lyd_node *entry)
{
	struct names *n = ctx;
	const char *name = config_text(entry, entry->schema->nodetype == LYS_LIST ? "name" : NULL);

	strncat(n->text, name, sizeof(n->text) - strlen(n->text) - 1);
	return --n->stop > 0;
}

static void test_each(void **state)
{
	struct config *c = parse("{\"box:box\":{\"tag\":[\"b\",\"a\",\"c\"],\"layer\":[{\"name\":\"z\"},{\"name\":\"y\"}]}}");
	const struct lyd_node *box = config_node(config_tree(c), "/box:box");
	struct names n = {.stop = 10};

	config_each(box, "tag", collect, &n);
	assert_int_equal(strlen(n.text), 3);
	n = (struct names){.stop = 10};
	config_each(box, "layer", collect, &n);
	assert_string_equal(n.text, "zy");
	n = (struct names){.stop = 1};
	config_each(box, "layer", collect, &n);
	assert_string_equal(n.text, "z");
	n = (struct names){.stop = 1};
	config_each(config_node(config_tree(c), "/box:box/lid"), "colour", collect, &n);
	assert_string_equal(n.text, "");
	config_free(c);
}

static void test_errors_say_where(void **state)
{
	refused("{\"box:box\":{\"size\":101}}", "101", "box.json: /box:box/size");
	refused("{\"box:box\":{\"size\":2,\"least\":3}}", "smaller than its least", "/box:box/size");
	refused("{\"box:box\":{\"colour\":\"red\"}}", "colour", "box.json");
	refused("{\"box:box\":{\"weight\":5}}", "", "/box:box/weight");
	refused("{\"box:box\":{\"address\":\"fe80::zz\"}}", "fe80::zz", "/box:box/address");
	refused("{\"box:box\":{\"contents\":{\"count\":\"5\"}}}", "", "/box:box/contents");
	refused("{\"box:box\":{\"layer\":[{\"height\":5}]}}", "", "/box:box/layer");
	refused("{\"box:box\":{\"size\":5},\n \"box:box\":{\"size\":6}}", "", "box.json");
	refused("{\"box:box\":{\n\"size\":}}", "not JSON", "box.json, line 2, column 8");
	refused("[]", "object", "box.json");
	refused("{\"other:box\":{}}", "other", "box.json");
}

static void test_a_bad_file(void **state)
{
	char path[] = "/tmp/config_test.XXXXXX";
	struct err err = {0};
	struct config *c;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "{\"box:box\":{\"size\":7}}", 22), 22);
	c = config_load(schema, path, &err);
	assert_non_null(c);
	assert_true(config_u64(config_tree(c), "/box:box/size", 0) == 7);
	config_free(c);
	/* A hole: larger than any configuration. */
	assert_int_equal(ftruncate(fd, 5 << 20), 0);
	assert_null(config_load(schema, path, &err));
	assert_int_equal(err.code, -E2BIG);
	close(fd);
	unlink(path);
	assert_null(config_load(schema, path, &err));
	assert_int_equal(err.code, -ENOENT);
	assert_string_equal(err.where, path);
	assert_null(config_load(schema, "/tmp", &err));
	assert_int_equal(err.code, -EINVAL);
	assert_null(config_load(schema, "/dev/zero", &err));
	assert_int_equal(err.code, -EINVAL);
}

static void test_print(void **state)
{
	struct config *c = parse("{\"box:box\":{\"size\":10}}");
	char *text = config_print(c, false);

	assert_string_equal(text, "{\"box:box\":{\"size\":10}}");
	free(text);
	text = config_print(c, true);
	assert_non_null(strstr(text, "\"weight\":\"5000000000\""));
	free(text);
	config_free(c);
	c = parse("{}");
	text = config_print(c, false);
	assert_string_equal(text, "{}");
	free(text);
	config_free(c);
}

static void check_diff(const char *from, const char *to, const char *want)
{
	struct config *a = parse(from);
	struct config *b = parse(to);
	struct config_diff d;
	char text[1024] = "";
	size_t i;

	assert_int_equal(config_diff(a, b, &d), 0);
	for (i = 0; i < d.n; i++) {
		size_t at = strlen(text);

		snprintf(text + at, sizeof(text) - at, "%s %s %s>%s\n", config_op_name(d.change[i].op), d.change[i].path,
			 d.change[i].old ? d.change[i].old : "-", d.change[i].new ? d.change[i].new : "-");
	}
	assert_string_equal(text, want);
	config_diff_free(&d);
	config_free(a);
	config_free(b);
}

static void test_diff(void **state)
{
	check_diff("{}", "{}", "");
	check_diff("{}", "{\"box:box\":{\"size\":10}}", "");
	check_diff("{\"box:box\":{\"size\":10}}", "{\"box:box\":{}}", "");
	check_diff("{}", "{\"box:box\":{\"size\":20}}", "replace /box:box/size 10>20\n");
	check_diff("{\"box:box\":{\"size\":20}}", "{}", "replace /box:box/size 20>10\n");
	check_diff("{}", "{\"box:box\":{\"name\":\"x\"}}", "create /box:box/name ->x\n");
	check_diff("{\"box:box\":{\"name\":\"x\"}}", "{}", "delete /box:box/name x>-\n");
	check_diff("{\"box:box\":{\"tag\":[\"a\",\"b\"]}}", "{\"box:box\":{\"tag\":[\"b\",\"c\"]}}",
		   "delete /box:box/tag[.='a'] a>-\ncreate /box:box/tag[.='c'] ->c\n");
	check_diff("{}", "{\"box:box\":{\"lid\":{}}}", "create /box:box/lid ->\n");
	check_diff("{\"box:box\":{\"lid\":{}}}", "{\"box:box\":{\"lid\":{\"colour\":\"red\"}}}",
		   "create /box:box/lid/colour ->red\n");
	check_diff("{\"box:box\":{\"lid\":{\"colour\":\"red\"}}}", "{}",
		   "delete /box:box/lid >-\ndelete /box:box/lid/colour red>-\n");
	check_diff("{}", "{\"box:box\":{\"layer\":[{\"name\":\"a\",\"height\":1}]}}",
		   "create /box:box/layer[name='a']/name ->a\ncreate /box:box/layer[name='a']/height ->1\n");
	check_diff("{\"box:box\":{\"layer\":[{\"name\":\"a\",\"height\":1},{\"name\":\"b\"}]}}",
		   "{\"box:box\":{\"layer\":[{\"name\":\"a\",\"height\":2},{\"name\":\"b\"}]}}",
		   "replace /box:box/layer[name='a']/height 1>2\n");
	check_diff("{\"box:box\":{\"layer\":[{\"name\":\"a\"},{\"name\":\"b\"}]}}",
		   "{\"box:box\":{\"layer\":[{\"name\":\"b\"},{\"name\":\"a\"}]}}", "move /box:box/layer[name='b'] ->-\n");
}

static void test_diff_touches(void **state)
{
	struct config *to = parse("{\"box:box\":{\"size\":5,\"layer\":[{\"name\":\"a\"}]}}");
	struct config *from = parse("{}");
	struct config_diff d;

	assert_int_equal(config_diff(from, to, &d), 0);
	assert_true(config_diff_touches(&d, "/box:box/size"));
	assert_true(config_diff_touches(&d, "/box:box"));
	assert_true(config_diff_touches(&d, "/box:box/layer"));
	assert_false(config_diff_touches(&d, "/box:box/siz"));
	assert_false(config_diff_touches(&d, "/box:box/lid"));
	config_diff_free(&d);
	assert_int_equal(config_diff(NULL, to, &d), 0);
	assert_true(config_diff_touches(&d, "/box:box/weight"));
	config_diff_free(&d);
	config_free(from);
	config_free(to);
}

static int check_state(const char *json, struct err *err)
{
	return config_check_state(schema, NULL, json, strlen(json), err);
}

static void test_state(void **state)
{
	struct err err = {0};

	assert_int_equal(check_state("{\"box:box\":{\"contents\":{\"count\":\"2\",\"thing\":[{\"id\":1,\"place\":{\"x\":-1}}]}}}", &err), 0);
	assert_int_equal(check_state("{}", &err), 0);
	assert_int_equal(check_state("{\"box:box\":{\"contents\":{\"count\":2}}}", &err), -EINVAL);
	assert_non_null(strstr(err.where, "/box:box/contents/count"));
	assert_int_equal(check_state("{\"box:box\":{\"contents\":{\"thing\":[{\"kind\":\"x\"}]}}}", &err), -EINVAL);
	assert_int_equal(check_state("{\"box:box\":{\"contents\":{\"thing\":[{\"id\":1},{\"id\":1}]}}}", &err), -EINVAL);
	assert_int_equal(check_state("{\"box:box\":{\"contents\":{\"what\":1}}}", &err), -EINVAL);
}

static void test_operations(void **state)
{
	static const char in[] = "{\"box:shake\":{\"how\":\"gently\"}}";
	static const char bad[] = "{\"box:shake\":{\"how\":\"gently\",\"times\":51}}";
	static const char less[] = "{\"box:shake\":{}}";
	static const char out[] = "{\"box:shake\":{\"sound\":\"rattle\"}}";
	static const char event[] = "{\"box:opened\":{\"by\":\"me\"}}";
	static const char data[] = "{\"box:box\":{}}";
	struct err err = {0};
	struct lyd_node *op = config_rpc_input(schema, in, strlen(in), &err);

	assert_non_null(op);
	assert_string_equal(config_text(op, "how"), "gently");
	assert_true(config_u64(op, "times", 0) == 3);
	lyd_free_all(op);
	assert_null(config_rpc_input(schema, bad, strlen(bad), &err));
	assert_non_null(strstr(err.where, "times"));
	assert_null(config_rpc_input(schema, less, strlen(less), &err));
	assert_non_null(strstr(err.what, "how"));
	assert_null(config_rpc_input(schema, data, strlen(data), &err));
	assert_null(config_rpc_input(schema, "{}", 2, &err));
	assert_int_equal(config_check_output(schema, out, strlen(out), &err), 0);
	assert_int_equal(config_check_output(schema, less, strlen(less), &err), -EINVAL);
	assert_int_equal(config_check_event(schema, event, strlen(event), &err), 0);
	assert_int_equal(config_check_event(schema, in, strlen(in), &err), -EINVAL);
}

static void test_kira(void **state)
{
	static const char json[] = "{\"kira:kira\":{\"node-id\":\"0a00000000000000000000000000\",\"interfaces\":{\"exclude\":[\"wl*\"]}}}";
	static const char same[] = "{\"kira:kira\":{\"path-prefix\":\"fc00::/16\"}}";
	static const char reserved[] = "{\"kira:kira\":{\"node-id\":\"ffffffffffffffffffffffffffff\"}}";
	static const char order[] = "{\"kira:kira\":{\"timers\":{\"path-refresh\":60000}}}";
	struct err err = {0};
	struct config_schema *s = config_schema_new("kira", kira_yang, &err);
	struct config *c;

	assert_non_null(s);
	c = config_parse(s, json, strlen(json), NULL, &err);
	assert_non_null(c);
	assert_true(config_u64(config_tree(c), "/kira:kira/port", 0) == 8080);
	config_free(c);
	assert_null(config_parse(s, same, strlen(same), NULL, &err));
	assert_non_null(strstr(err.what, "the same"));
	assert_null(config_parse(s, reserved, strlen(reserved), NULL, &err));
	assert_null(config_parse(s, order, strlen(order), NULL, &err));
	assert_non_null(strstr(err.what, "path-expiry"));
	config_schema_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_defaults_and_values),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_errors_say_where),
		cmocka_unit_test(test_a_bad_file),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_diff_touches),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_kira),
	};

	return cmocka_run_group_tests_name("config", tests, setup, teardown);
}
