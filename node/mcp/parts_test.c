/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the MCP client that need no server: events, challenges, header values and
 * annotations, forms. */
#include "base/json.h"
#include "node/mcp/challenge.h"
#include "node/mcp/elicit.h"
#include "node/mcp/fetch.h"
#include "node/mcp/header.h"
#include "node/mcp/sse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* --- events --- */

static char seen[512];

static void on_event(void *ctx, const struct sse_event *e)
{
	size_t at = strlen(seen);

	snprintf(seen + at, sizeof(seen) - at, "%s|%s|%s;", e->event, e->data, e->id);
}

/* The same for every way to cut the stream in two. */
static void events(const char *stream, const char *want, const char *last_id, long retry)
{
	size_t n = strlen(stream);
	struct sse s;
	size_t i;

	for (i = 0; i <= n; i++) {
		seen[0] = '\0';
		sse_init(&s, 1024, on_event, NULL);
		assert_int_equal(sse_feed(&s, stream, i), 0);
		assert_int_equal(sse_feed(&s, stream + i, n - i), 0);
		assert_string_equal(seen, want);
		assert_string_equal(s.last_id, last_id);
		assert_int_equal(s.retry_ms, retry);
		sse_free(&s);
	}
}

static void test_events(void **state)
{
	events("data: a\ndata: b\n\n", "message|a\nb|;", "", -1);
	events("event: x\r\ndata:a\r\n\r\ndata\r\r", "x|a|;message||;", "", -1);
	events(": keep-alive\n\nid: 7\nretry: 500\ndata: \n\n", "message||7;", "7", 500);
	/* An event without data is none, but its id counts; one that does not end is dropped. */
	events("id: 8\n\nevent: lost\ndata: x\n", "", "8", -1);
	events("data: one\nid: 9\n\ndata: two\n\n", "message|one|9;message|two|9;", "9", -1);
	events("\xef\xbb\xbf"
	       "data: x\n\nretry: 1s\nretry: \n\n",
	       "message|x|;", "", -1);
}

static void test_event_too_large(void **state)
{
	char line[3000];
	struct sse s;
	int rc = 0;
	int i;

	memset(line, 'x', sizeof(line));
	memcpy(line, "data: ", 6);
	sse_init(&s, 1024, on_event, NULL);
	for (i = 0; i < 4 && rc == 0; i++)
		rc = sse_feed(&s, line, sizeof(line));
	assert_int_equal(rc, -E2BIG);
	assert_true(s.alloc.peak <= 4096);
	sse_free(&s);
}

/* --- challenges --- */

static struct challenge parse(const char *s)
{
	struct challenge c;

	challenge_parse(s, strlen(s), &c);
	return c;
}

static void test_challenges(void **state)
{
	struct challenge c = parse(
		"Bearer resource_metadata=\"https://h/a,b\", scope=\"x y\", error=invalid_token");

	assert_true(c.bearer);
	assert_string_equal(c.resource_metadata, "https://h/a,b");
	assert_string_equal(c.scope, "x y");
	assert_string_equal(c.error, "invalid_token");
	c = parse("Basic realm=\"r\", scope=\"of basic\", bearer Scope=\"a\\\"b\"");
	assert_true(c.bearer);
	assert_string_equal(c.scope, "a\"b");
	c = parse("Negotiate YWJj==, Basic scope=\"no\"");
	assert_false(c.bearer);
	assert_false(c.has_scope);
	c = parse("Bearer scope=\"\"");
	assert_true(c.has_scope && !c.scope[0]);
	/* Neither control characters nor the second of a kind. */
	c = parse("Bearer scope=\"a\nb\", error=one, error=two");
	assert_string_equal(c.scope, "");
	assert_string_equal(c.error, "one");
	assert_int_equal(challenge_parse("Bearer scope=\"open", 18, &c), -EINVAL);
}

/* --- header values (vectors of spec §2.6) --- */

static void value(const char *in, const char *want)
{
	struct alloc a;
	struct buf b;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	mcp_header_value(&b, in, strlen(in));
	assert_int_equal(b.n, strlen(want));
	assert_memory_equal(b.p ? (const char *)b.p : "", want, b.n);
	buf_free(&b);
	assert_int_equal(a.used, 0);
}

static void test_header_values(void **state)
{
	value("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?=");
	value(" padded ", "=?base64?IHBhZGRlZCA=?=");
	value("line1\nline2", "=?base64?bGluZTEKbGluZTI=?=");
	value("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=");
	value("us west 1", "us west 1");
	value("=?BASE64?x?=", "=?BASE64?x?=");
	value("", "");
}

static int valid(const char *schema)
{
	char text[1024];
	struct err err = {0};
	yyjson_doc *doc;
	int rc;

	snprintf(text, sizeof(text), "{\"name\":\"t\",\"inputSchema\":%s}", schema);
	doc = json_parse(text, strlen(text), 0, NULL, NULL);
	assert_non_null(doc);
	rc = mcp_header_check(yyjson_doc_get_root(doc), &err);
	yyjson_doc_free(doc);
	return rc;
}

static void test_annotations(void **state)
{
#define PROP(p) "{\"type\":\"object\",\"properties\":{" p "}}"
	assert_int_equal(valid(PROP("\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}")), 0);
	assert_int_equal(
		valid(PROP("\"o\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"boolean\","
			   "\"x-mcp-header\":\"A\"}}}")),
		0);
	/* A property of that name, or such a value, is no annotation. */
	assert_int_equal(
		valid(PROP(
			"\"x-mcp-header\":{\"type\":\"string\",\"default\":{\"x-mcp-header\":1}}")),
		0);
	assert_int_equal(valid(PROP("\"a\":{\"type\":\"number\",\"x-mcp-header\":\"A\"}")),
			 -EINVAL);
	assert_int_equal(valid(PROP("\"a\":{\"type\":\"string\",\"x-mcp-header\":\"\"}")), -EINVAL);
	assert_int_equal(valid(PROP("\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A B\"}")),
			 -EINVAL);
	assert_int_equal(valid(PROP("\"a\":{\"type\":\"string\",\"x-mcp-header\":7}")), -EINVAL);
	assert_int_equal(valid(PROP("\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"},"
				    "\"b\":{\"type\":\"string\",\"x-mcp-header\":\"a\"}")),
			 -EINVAL);
	assert_int_equal(valid(PROP("\"l\":{\"type\":\"array\",\"items\":{\"type\":\"string\","
				    "\"x-mcp-header\":\"A\"}}")),
			 -EINVAL);
	assert_int_equal(valid("{\"anyOf\":[{\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-"
			       "header\":\"A\"}}}]}"),
			 -EINVAL);
}

static char fields[512];

static int add(void *ctx, const char *field)
{
	size_t at = strlen(fields);

	snprintf(fields + at, sizeof(fields) - at, "%s|", field);
	return 0;
}

static void test_param_fields(void **state)
{
	static const char tool[] = "{\"inputSchema\":" PROP(
		"\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"},"
		"\"n\":{\"type\":\"integer\",\"x-mcp-header\":\"N\"},"
		"\"e\":{\"type\":\"string\",\"x-mcp-header\":\"E\"},"
		"\"z\":{\"type\":\"boolean\",\"x-mcp-header\":\"Z\"},"
		"\"o\":{\"type\":\"object\",\"properties\":{\"i\":{\"type\":\"boolean\","
		"\"x-mcp-header\":\"I\"}}},\"q\":{\"type\":\"string\"}") "}";
	static const char args[] =
		"{\"a\":\" x\",\"n\":-5,\"e\":\"\",\"z\":null,\"o\":{\"i\":false},\"q\":\"no\"}";
	yyjson_doc *t = json_parse(tool, sizeof(tool) - 1, 0, NULL, NULL);
	yyjson_doc *a = json_parse(args, sizeof(args) - 1, 0, NULL, NULL);

	fields[0] = '\0';
	assert_int_equal(
		mcp_header_params(yyjson_doc_get_root(t), yyjson_doc_get_root(a), add, NULL), 0);
	assert_string_equal(
		fields,
		"Mcp-Param-A: =?base64?IHg=?=|Mcp-Param-N: -5|Mcp-Param-E;|Mcp-Param-I: false|");
	yyjson_doc_free(t);
	yyjson_doc_free(a);
}

/* --- forms --- */

#define SCHEMA                                                                                     \
	"{\"type\":\"object\",\"properties\":{"                                                    \
	"\"name\":{\"type\":\"string\",\"default\":\"Ann\",\"maxLength\":5},"                      \
	"\"age\":{\"type\":\"integer\",\"minimum\":1},"                                            \
	"\"sure\":{\"type\":\"boolean\"},"                                                         \
	"\"size\":{\"type\":\"string\",\"oneOf\":[{\"const\":\"s\",\"title\":\"Small\"},{"         \
	"\"const\":\"l\"}]},"                                                                      \
	"\"tags\":{\"type\":\"array\",\"items\":{\"enum\":[\"x\",\"y\"]},\"maxItems\":1}},"        \
	"\"required\":[\"age\"]}"

static void form(const char *typed, const char *want)
{
	static const char params[] =
		"{\"message\":\"Hi \\u001b[2J\\u202e\",\"requestedSchema\":" SCHEMA "}";
	yyjson_doc *p = json_parse(params, sizeof(params) - 1, 0, NULL, NULL);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *result = yyjson_mut_obj(doc);
	FILE *in = fmemopen((void *)(uintptr_t)typed, strlen(typed), "r");
	char shown[4096] = "";
	FILE *out = fmemopen(shown, sizeof(shown), "w");
	char *text;

	assert_int_equal(elicit_form(yyjson_doc_get_root(p), in, out, doc, result),
			 want ? 0 : -EIO);
	fclose(in);
	fclose(out);
	text = yyjson_mut_val_write(result, YYJSON_WRITE_NOFLAG, NULL);
	if (want)
		assert_string_equal(text, want);
	/* What the server says cannot move the cursor or turn the writing. */
	assert_null(strchr(shown, '\033'));
	assert_null(strstr(shown, "\u202e"));
	free(text);
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(p);
}

static void test_form(void **state)
{
	form("\n30\nyes\n1\n2\nyes\n",
	     "{\"action\":\"accept\",\"content\":{\"name\":\"Ann\",\"age\":30,\"sure\":true,"
	     "\"size\":\"s\",\"tags\":[\"y\"]}}");
	/* What is wrong is asked again. */
	form("toolong\nBob\n0\nx\n7\nmaybe\nn\nhuge\nl\nx,y\nx\ny\n",
	     "{\"action\":\"accept\",\"content\":{\"name\":\"Bob\",\"age\":7,\"sure\":false,"
	     "\"size\":\"l\",\"tags\":[\"x\"]}}");
	form("\n1\n\n\n\nno\n", "{\"action\":\"decline\"}");
	form("\n1\n\n\n\n\n", "{\"action\":\"cancel\"}");
	form("\n", NULL);
}

static void test_defaults(void **state)
{
	yyjson_doc *schema = json_parse(SCHEMA, sizeof(SCHEMA) - 1, 0, NULL, NULL);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *content = yyjson_mut_obj(doc);
	struct err err = {0};

	elicit_defaults(yyjson_doc_get_root(schema), doc, content);
	assert_string_equal(yyjson_mut_get_str(yyjson_mut_obj_get(content, "name")), "Ann");
	assert_int_equal(yyjson_mut_obj_size(content), 1);
	assert_int_equal(elicit_check(yyjson_doc_get_root(schema), content, &err), -EINVAL);
	assert_string_equal(err.where, "age");
	yyjson_mut_obj_add_int(doc, content, "age", 3);
	assert_int_equal(elicit_check(yyjson_doc_get_root(schema), content, &err), 0);
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(schema);
}

static void test_urls(void **state)
{
	assert_true(url_is_safe("https://example.org/mcp"));
	assert_true(url_is_safe("http://localhost:8080/mcp"));
	assert_true(url_is_safe("http://127.0.0.1/"));
	assert_true(url_is_safe("http://[::1]:1/"));
	assert_false(url_is_safe("http://example.org/"));
	assert_false(url_is_safe("http://127.0.0.1.example.org/"));
	assert_false(url_is_safe("http://localhost.example.org/"));
	assert_false(url_is_safe("http://localhost@example.org/"));
	assert_false(url_is_safe("file:///etc/passwd"));
	assert_false(url_is_safe("nonsense"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),	    cmocka_unit_test(test_event_too_large),
		cmocka_unit_test(test_challenges),  cmocka_unit_test(test_header_values),
		cmocka_unit_test(test_annotations), cmocka_unit_test(test_param_fields),
		cmocka_unit_test(test_form),	    cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
