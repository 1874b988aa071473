/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/json.h"
#include "base/json_schema.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int check(const char *schema, const char *instance, struct err *err)
{
	struct err why = {0};
	struct json_schema *s = json_schema_new(schema, strlen(schema), &why);
	yyjson_doc *doc = yyjson_read(instance, strlen(instance), 0);
	int rc;

	if (!s)
		fail_msg("%s: %s", schema, why.what);
	assert_non_null(doc);
	rc = json_schema_check(s, yyjson_doc_get_root(doc), err);
	yyjson_doc_free(doc);
	json_schema_free(s);
	return rc;
}

static void test_errors_say_where_and_what(void **state)
{
	static const struct {
		const char *schema, *instance, *where, *what;
	} t[] = {
		{"{\"properties\":{\"a/b\":{\"items\":{\"type\":\"integer\"}}}}",
		 "{\"a/b\":[1,\"x\"]}", "/a~1b/1", "must be an integer, not a string"},
		{"{\"additionalProperties\":false,\"properties\":{\"path\":true}}", "{\"pth\":1}",
		 "/pth", "unknown member"},
		{"{\"required\":[\"path\"]}", "{}", "", "member path is missing"},
		{"{\"enum\":[\"merge\",\"create\"]}", "\"mrge\"", "",
		 "\"mrge\" is none of the known values"},
		{"{\"maximum\":3600}", "4000", "", "must be at most 3600"},
		{"{\"anyOf\":[{\"type\":\"string\",\"maxLength\":2},{\"type\":\"null\"}]}",
		 "\"abc\"", "", "must have at most 2 characters, has 3"},
		{"{\"pattern\":\"^[a-z]$\"}", "\"A\"", "", "does not match ^[a-z]$"},
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct err err = {0};

		assert_int_equal(check(t[i].schema, t[i].instance, &err), -EINVAL);
		assert_string_equal(err.where, t[i].where);
		assert_string_equal(err.what, t[i].what);
	}
}

static void test_mend_names_what_is_known(void **state)
{
	struct err err = {0};

	check("{\"enum\":[\"merge\",\"create\"]}", "\"x\"", &err);
	assert_string_equal(err.mend, "one of: merge, create");
	check("{\"additionalProperties\":false,\"properties\":{\"a\":true,\"b\":true}}",
	      "{\"c\":1}", &err);
	assert_string_equal(err.mend, "known are: a, b");
}

static void test_refused_schemas(void **state)
{
	static const struct {
		const char *schema;
		int code;
	} t[] = {
		{"{\"$ref\":\"http://example.com/x\"}", -EINVAL},
		{"{\"$ref\":\"other.json\"}", -EINVAL},
		{"{\"$ref\":\"#/$defs/none\"}", -EINVAL},
		{"{\"$ref\":\"#none\"}", -EINVAL},
		{"{\"$schema\":\"http://json-schema.org/draft-04/schema#\"}", -ENOTSUP},
		{"{\"type\":\"int\"}", -EINVAL},
		{"{\"pattern\":\"(?=a)\"}", -ENOTSUP},
		{"{\"pattern\":\"(\"}", -EINVAL},
		{"{\"minLength\":-1}", -EINVAL},
		{"{\"items\":[{}]}", -EINVAL},
		{"{\"properties\":[]}", -EINVAL},
		{"{\"allOf\":[]}", -EINVAL},
		{"3", -EINVAL},
		{"{\"multipleOf\":0}", -EINVAL},
		{"{\"required\":\"a\"}", -EINVAL},
		{"{", -EINVAL},
		{"{\"$ref\":\"#/%zz\"}", -EINVAL},
		{"{\"$defs\":{\"a\":{\"pattern\":\"[\"}}}", -EINVAL},
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct err err = {0};
		struct json_schema *s = json_schema_new(t[i].schema, strlen(t[i].schema), &err);

		if (s || err.code != t[i].code)
			fail_msg("%s: %d (%s), should be %d", t[i].schema, err.code, err.what,
				 t[i].code);
	}
}

static void test_loops_and_bombs_end(void **state)
{
	struct err err = {0};

	assert_int_equal(check("{\"$ref\":\"#\"}", "1", &err), -E2BIG);
	assert_true(err.mend[0] != '\0');
	assert_int_equal(check("{\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}", "1", &err),
			 -E2BIG);
	assert_int_equal(check("{\"anyOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}", "1", &err),
			 -E2BIG);
	assert_int_equal(check("{\"not\":{\"$ref\":\"#\"}}", "1", &err), -E2BIG);
	/* A loop that goes down the instance is none. */
	assert_int_equal(
		check("{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}", "[[[[[]]]],[]]", &err), 0);
	assert_int_equal(
		check("{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}", "[[[[1]]]]", &err),
		-EINVAL);
}

static void nested(const char *open, const char *close, unsigned depth, char *out, size_t size)
{
	size_t k = 0;
	unsigned i;

	for (i = 0; i < depth; i++)
		k += (size_t)snprintf(out + k, size - k, "%s", open);
	k += (size_t)snprintf(out + k, size - k, "{}");
	for (i = 0; i < depth; i++)
		k += (size_t)snprintf(out + k, size - k, "%s", close);
}

static void test_depth_is_bounded(void **state)
{
	char text[4096];
	struct err err = {0};

	nested("{\"not\":", "}", 70, text, sizeof(text));
	assert_null(json_schema_new(text, strlen(text), &err));
	assert_int_equal(err.code, -E2BIG);
	/* Odd: not not … not true. */
	nested("{\"not\":", "}", 61, text, sizeof(text));
	assert_int_equal(check(text, "1", &err), -EINVAL);
}

static void test_number_of_subschemas_is_bounded(void **state)
{
	size_t n = 10001;
	char *text = malloc(n * 16);
	struct err err = {0};
	size_t k = 0;
	size_t i;

	k += (size_t)snprintf(text, n * 16, "{\"allOf\":[");
	for (i = 0; i < n; i++)
		k += (size_t)snprintf(text + k, n * 16 - k, "%strue", i ? "," : "");
	snprintf(text + k, n * 16 - k, "]}");
	assert_null(json_schema_new(text, strlen(text), &err));
	assert_int_equal(err.code, -E2BIG);
	free(text);
}

static void test_references(void **state)
{
	struct err err = {0};
	const char *s = "{\"$id\":\"http://x/"
			"root\",\"properties\":{\"a\":{\"$ref\":\"#pos\"},\"b\":{\"$ref\":\"root#/"
			"$defs/t~1s\"},"
			"\"c\":{\"$ref\":\"http://x/"
			"root\"},\"d\":{\"$ref\":\"inner\"},\"e\":{\"$ref\":\"#/x-other/y\"}},"
			"\"$defs\":{\"p\":{\"$anchor\":\"pos\",\"minimum\":1},\"t/"
			"s\":{\"type\":\"string\"},"
			"\"i\":{\"$id\":\"inner\",\"$defs\":{\"z\":{\"const\":5}},\"$ref\":\"#/"
			"$defs/z\"}},\"x-other\":{\"y\":false}}";

	assert_int_equal(check(s, "{\"a\":1,\"b\":\"x\",\"c\":{\"a\":2},\"d\":5}", &err), 0);
	assert_int_equal(check(s, "{\"a\":0}", &err), -EINVAL);
	assert_int_equal(check(s, "{\"b\":0}", &err), -EINVAL);
	assert_int_equal(check(s, "{\"c\":{\"c\":{\"a\":0}}}", &err), -EINVAL);
	assert_string_equal(err.where, "/c/c/a");
	assert_int_equal(check(s, "{\"d\":4}", &err), -EINVAL);
	assert_int_equal(check(s, "{\"e\":4}", &err), -EINVAL);
}

/* A tree that may be extended: the strict one's nodes are strict, too. */
static void test_dynamic_reference(void **state)
{
	struct err err = {0};
	const char *s = "{\"$id\":\"http://x/"
			"strict\",\"$dynamicAnchor\":\"node\",\"$ref\":\"tree\","
			"\"unevaluatedProperties\":false,"
			"\"$defs\":{\"t\":{\"$id\":\"tree\",\"$dynamicAnchor\":\"node\",\"type\":"
			"\"object\",\"properties\":{"
			"\"data\":true,\"children\":{\"type\":\"array\",\"items\":{\"$dynamicRef\":"
			"\"#node\"}}}}}}";

	assert_int_equal(check(s, "{\"children\":[{\"data\":1}]}", &err), 0);
	assert_int_equal(check(s, "{\"children\":[{\"daat\":1}]}", &err), -EINVAL);
}

static void test_many_unique_items(void **state)
{
	size_t n = 20000;
	char *text = malloc(n * 8);
	size_t k = 1;
	struct err err = {0};
	size_t i;

	text[0] = '[';
	for (i = 0; i < n; i++)
		k += (size_t)snprintf(text + k, n * 8 - k, "%s%zu", i ? "," : "", i);
	snprintf(text + k, n * 8 - k, "]");
	assert_int_equal(check("{\"uniqueItems\":true}", text, &err), 0);
	snprintf(text + k, n * 8 - k, ",7]");
	assert_int_equal(check("{\"uniqueItems\":true}", text, &err), -EINVAL);
	free(text);
	assert_int_equal(check("{\"uniqueItems\":true}",
			       "[1,2,3,4,5,6,7,8,{\"a\":1,\"b\":2},{\"b\":2,\"a\":1.0}]", &err),
			 -EINVAL);
	assert_int_equal(
		check("{\"uniqueItems\":true}", "[1,true,\"1\",[1],null,0,false,{},[]]", &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors_say_where_and_what),
		cmocka_unit_test(test_mend_names_what_is_known),
		cmocka_unit_test(test_refused_schemas),
		cmocka_unit_test(test_loops_and_bombs_end),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_number_of_subschemas_is_bounded),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_dynamic_reference),
		cmocka_unit_test(test_many_unique_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
