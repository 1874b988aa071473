/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void refused(const char *text, size_t n, size_t max, int code, const char *where)
{
	struct err err = {0};

	assert_null(json_parse(text, n, max, "file", &err));
	assert_int_equal(err.code, code);
	assert_string_equal(err.where, where);
	assert_true(err.what[0] != '\0');
}

static void test_errors_have_a_place(void **state)
{
	const char *bad = "{\n  \"a\": 1,\n  \"b\" 2\n}";

	refused(bad, strlen(bad), 0, -EINVAL, "file, line 3, column 7");
	refused("", 0, 0, -EINVAL, "file, line 1, column 1");
	refused("{\"a\":1,}", 8, 0, -EINVAL, "file, line 1, column 7");
	refused("[1]\0", 4, 0, -EINVAL, "file, line 1, column 4");
	refused("[1,2,3]", 7, 6, -E2BIG, "file");
}

static void test_depth_is_bounded(void **state)
{
	char deep[2 * (JSON_MAX_DEPTH + 1)];
	yyjson_doc *doc;

	memset(deep, '[', JSON_MAX_DEPTH + 1);
	memset(deep + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
	refused(deep, sizeof(deep), 0, -E2BIG, "file");
	doc = json_parse(deep + 1, sizeof(deep) - 2, 0, NULL, NULL);
	assert_non_null(doc);
	yyjson_doc_free(doc);
	assert_int_equal(json_depth("[\"[[[\\\"[[\", {}]", 15, 10), 2);
	assert_int_equal(json_depth("[[[[[[", 6, 3), 4);
	assert_int_equal(json_depth("]]][", 4, 3), 1);
}

static void check_u64(yyjson_val *arr, size_t i, bool ok, uint64_t want)
{
	uint64_t got = 77;

	assert_int_equal(json_get_u64(yyjson_arr_get(arr, i), &got), ok);
	assert_true(got == (ok ? want : 77));
}

static void check_i64(yyjson_val *arr, size_t i, bool ok, int64_t want)
{
	int64_t got = 77;

	assert_int_equal(json_get_i64(yyjson_arr_get(arr, i), &got), ok);
	assert_true(got == (ok ? want : 77));
}

static void test_numbers_of_rfc7951(void **state)
{
	const char *text = "[5, \"18446744073709551615\", \"18446744073709551616\", \"-1\", -1, \"\", \"1x\", 1.5, null,"
			   "\"-9223372036854775808\", \"-9223372036854775809\", 9223372036854775808, \" 1\", \"-\", \"1\\u0000\"]";
	yyjson_doc *doc = json_parse(text, strlen(text), 0, NULL, NULL);
	yyjson_val *arr = yyjson_doc_get_root(doc);
	static const size_t never[] = {5, 6, 7, 8, 12, 13, 14};
	size_t i;

	assert_non_null(doc);
	check_u64(arr, 0, true, 5);
	check_u64(arr, 1, true, UINT64_MAX);
	check_u64(arr, 2, false, 0);
	check_u64(arr, 3, false, 0);
	check_u64(arr, 4, false, 0);
	check_u64(arr, 11, true, 9223372036854775808u);
	check_i64(arr, 0, true, 5);
	check_i64(arr, 1, false, 0);
	check_i64(arr, 3, true, -1);
	check_i64(arr, 4, true, -1);
	check_i64(arr, 9, true, INT64_MIN);
	check_i64(arr, 10, false, 0);
	check_i64(arr, 11, false, 0);
	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		check_u64(arr, never[i], false, 0);
		check_i64(arr, never[i], false, 0);
	}
	yyjson_doc_free(doc);
}

static void test_builders(void **state)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	char longer[600];
	char *text;

	yyjson_mut_doc_set_root(doc, root);
	assert_true(json_add_u64(doc, root, "u", UINT64_MAX));
	assert_true(json_add_i64(doc, json_add_obj(doc, root, "o"), "i", INT64_MIN));
	assert_non_null(json_add_arr(doc, root, "a"));
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_true(json_add_text(doc, root, "t", "%s\n", longer));
	text = yyjson_mut_write(doc, 0, NULL);
	assert_memory_equal(text, "{\"u\":\"18446744073709551615\",\"o\":{\"i\":\"-9223372036854775808\"},\"a\":[],\"t\":\"xx", 70);
	assert_int_equal(yyjson_mut_get_len(yyjson_mut_obj_get(root, "t")), 600);
	free(text);
	assert_null(json_add_obj(doc, NULL, "x"));
	assert_false(json_add_u64(doc, NULL, "x", 1));
	yyjson_mut_doc_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors_have_a_place),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_numbers_of_rfc7951),
		cmocka_unit_test(test_builders),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
