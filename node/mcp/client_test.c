/* SPDX-License-Identifier: BSD-2-Clause */
/* The MCP client against dep-mcp-fixture on standard streams, in each revision: what a program does
 * with it. argv: the fixture. */
#include "base/clock.h"
#include "node/mcp/client.h"
#include "node/mcp/elicit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char *fixture[3];
static const char *const revisions[] = {"2025-06-18", "2025-11-25", "2026-07-28"};

static struct {
	unsigned progress;
	double last;
	bool rising;
	unsigned asked;
	unsigned updated;
} seen;

static void notify(void *ctx, struct mcp_call *call, const char *method, yyjson_val *params)
{
	double at = yyjson_get_num(yyjson_obj_get(params, "progress"));

	if (strcmp(method, "notifications/progress") == 0) {
		seen.rising = (seen.progress == 0 || seen.rising) &&
			      (seen.progress == 0 || at > seen.last);
		seen.last = at;
		seen.progress++;
		assert_non_null(call);
	}
	if (strcmp(method, "notifications/resources/updated") == 0)
		seen.updated++;
}

static int elicit(void *ctx, yyjson_val *params, yyjson_mut_doc *doc, yyjson_mut_val *result)
{
	yyjson_mut_val *content = yyjson_mut_obj_add_obj(doc, result, "content");

	seen.asked++;
	elicit_defaults(yyjson_obj_get(params, "requestedSchema"), doc, content);
	yyjson_mut_obj_add_str(doc, content, "name", "Ann");
	yyjson_mut_obj_add_str(doc, result, "action", "accept");
	return 0;
}

static struct mcp_client *open_client(const char *protocol, struct err *err)
{
	struct mcp_client_params p = {.command = fixture,
				      .name = "client_test",
				      .version = "1",
				      .protocol = protocol,
				      .elicit = elicit,
				      .notify = notify,
				      .want_progress = true,
				      .timeout_ms = 20000};

	memset(&seen, 0, sizeof(seen));
	return mcp_client_open(&p, err);
}

static yyjson_mut_val *call_params(yyjson_mut_doc *doc, const char *tool, const char *key,
				   const char *value)
{
	yyjson_mut_val *params = yyjson_mut_obj(doc);
	yyjson_mut_val *args;

	yyjson_mut_obj_add_str(doc, params, "name", tool);
	args = yyjson_mut_obj_add_obj(doc, params, "arguments");
	if (key)
		yyjson_mut_obj_add_str(doc, args, key, value);
	return params;
}

static int call(struct mcp_client *c, const char *tool, const char *key, const char *value,
		char *text, size_t size)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	struct mcp_reply r;
	struct err err = {0};
	int rc = mcp_client_request(c, "tools/call", doc, call_params(doc, tool, key, value), &r,
				    &err);
	yyjson_val *content = yyjson_arr_get_first(yyjson_obj_get(r.result, "content"));
	const char *s = yyjson_get_str(yyjson_obj_get(content, "text"));

	snprintf(text, size, "%s", s ? s : "");
	mcp_reply_free(&r);
	yyjson_mut_doc_free(doc);
	return rc;
}

static void test_every_revision(void **state)
{
	struct err err = {0};
	char text[256];
	unsigned i;

	for (i = 0; i < 3; i++) {
		struct mcp_client *c = open_client(revisions[i], &err);
		yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
		yyjson_mut_val *list;

		assert_non_null(c);
		assert_string_equal(mcp_client_protocol(c), revisions[i]);
		assert_true(mcp_client_modern(c) == (i == 2));
		assert_non_null(yyjson_obj_get(mcp_client_capabilities(c), "tools"));
		assert_string_equal(yyjson_get_str(yyjson_obj_get(mcp_client_server(c), "name")),
				    "dep-mcp-fixture");
		assert_int_equal(mcp_client_list(c, "tools/list", "tools", doc, &list, &err), 0);
		assert_true(yyjson_mut_arr_size(list) > 20);
		assert_int_equal(call(c, "echo", "x", "hello", text, sizeof(text)), 0);
		assert_string_equal(text, "hello");
		assert_int_equal(call(c, "test_tool_with_progress", NULL, NULL, text, sizeof(text)),
				 0);
		assert_true(seen.progress >= 2 && seen.rising);
		assert_int_equal(call(c, "no-such-tool", NULL, NULL, text, sizeof(text)), -EREMOTE);
		yyjson_mut_doc_free(doc);
		mcp_client_close(c);
	}
}

static void test_the_newest_is_found(void **state)
{
	struct err err = {0};
	struct mcp_client *c = open_client(NULL, &err);

	assert_non_null(c);
	assert_string_equal(mcp_client_protocol(c), "2026-07-28");
	mcp_client_close(c);
	assert_null(open_client("1999-01-01", &err));
	assert_int_equal(err.code, -EPROTONOSUPPORT);
}

static void test_the_user_is_asked(void **state)
{
	struct err err = {0};
	char text[256];
	unsigned i;

	for (i = 0; i < 3; i++) {
		struct mcp_client *c = open_client(revisions[i], &err);

		assert_non_null(c);
		assert_int_equal(call(c, "test_elicitation", "message", "Who?", text, sizeof(text)),
				 0);
		assert_int_equal(seen.asked, 1);
		assert_non_null(strstr(text, "accept"));
		mcp_client_close(c);
	}
}

static void test_calls_beside_each_other(void **state)
{
	struct err err = {0};
	struct mcp_client *c = open_client("2026-07-28", &err);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	struct mcp_call *calls[8];
	char value[8][8];
	struct mcp_reply r;
	unsigned i;

	assert_non_null(c);
	for (i = 0; i < 8; i++) {
		snprintf(value[i], sizeof(value[i]), "v%u", i);
		calls[i] = mcp_client_start(c, "tools/call", doc,
					    call_params(doc, "echo", "x", value[i]), &err);
		assert_non_null(calls[i]);
	}
	/* One is given up; its answer is not taken for another's. */
	mcp_call_free(calls[3]);
	for (i = 0; i < 8; i++) {
		if (i == 3)
			continue;
		while (!mcp_call_done(calls[i]))
			mcp_client_step(c, -1, -1);
		assert_int_equal(mcp_call_reply(calls[i], &r, &err), 0);
		assert_string_equal(
			yyjson_get_str(yyjson_obj_get(
				yyjson_arr_get_first(yyjson_obj_get(r.result, "content")), "text")),
			value[i]);
		mcp_reply_free(&r);
		mcp_call_free(calls[i]);
	}
	yyjson_mut_doc_free(doc);
	mcp_client_close(c);
}

static void test_subscription(void **state)
{
	struct err err = {0};
	struct mcp_client *c = open_client("2026-07-28", &err);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *params = yyjson_mut_obj(doc);
	yyjson_mut_val *what = yyjson_mut_obj_add_obj(doc, params, "notifications");
	struct mcp_call *listen;
	char text[256];

	assert_non_null(c);
	yyjson_mut_arr_add_str(doc, yyjson_mut_obj_add_arr(doc, what, "resourceSubscriptions"),
			       "test://watched-resource");
	listen = mcp_client_start(c, "subscriptions/listen", doc, params, &err);
	assert_non_null(listen);
	mcp_call_endless(listen);
	assert_int_equal(call(c, "test_trigger_resource_update", NULL, NULL, text, sizeof(text)),
			 0);
	while (seen.updated == 0)
		mcp_client_step(c, 1000, -1);
	assert_false(mcp_call_done(listen));
	mcp_call_free(listen);
	yyjson_mut_doc_free(doc);
	mcp_client_close(c);
}

static int failing(char *const *command, const char *protocol, unsigned timeout_ms, struct err *err)
{
	struct mcp_client_params p = {.command = command,
				      .name = "t",
				      .version = "1",
				      .protocol = protocol,
				      .timeout_ms = timeout_ms};
	struct mcp_client *c = mcp_client_open(&p, err);

	assert_null(c);
	return err->code;
}

static void test_bad_servers(void **state)
{
	struct err err = {0};

	assert_int_equal(failing((char *[]){"/no/such/program", NULL}, NULL, 1000, &err), -ENOENT);
	assert_int_equal(failing((char *[]){"true", NULL}, NULL, 1000, &err), -EPIPE);
	assert_int_equal(failing((char *[]){"sleep", "60", NULL}, "2025-11-25", 200, &err),
			 -ETIMEDOUT);
	/* Noise is passed over, an answer without a revision is no server. */
	assert_int_equal(failing((char *[]){"sh", "-c",
					    "echo noise; read x; echo "
					    "'{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}'; "
					    "read x",
					    NULL},
				 "2025-11-25", 2000, &err),
			 -EPROTONOSUPPORT);
}

/* A legacy server that says nothing to what it does not know, or an error. */
static void test_old_servers(void **state)
{
	static const char *const answers[] = {
		"read x",
		"read x; echo "
		"'{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"what?\"}}"
		"'",
		"read x; echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}'",
		"read x; echo "
		"'{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32022,\"message\":\"no\","
		"\"data\":{\"supported\":[\"2025-06-18\"]}}}'",
	};
	char script[600];
	char *command[] = {"bash", "-c", script, NULL};
	struct mcp_client_params p = {
		.command = command, .name = "t", .version = "1", .timeout_ms = 3000};
	struct err err = {0};
	unsigned i;

	for (i = 0; i < 4; i++) {
		struct mcp_client *c;

		p.timeout_ms = i == 0 ? 300 : 3000;
		snprintf(script, sizeof(script),
			 "%s; while read x; do case $x in *initialize\\\"*) id=${x#*\\\"id\\\":}; "
			 "id=${id%%%%,*}; "
			 "echo "
			 "'{\"jsonrpc\":\"2.0\",\"id\":'$id',\"result\":{\"protocolVersion\":"
			 "\"2025-06-18\",\"capabilities\":{},"
			 "\"serverInfo\":{\"name\":\"old\",\"version\":\"1\"}}}';; esac; done",
			 answers[i]);
		c = mcp_client_open(&p, &err);
		assert_non_null(c);
		assert_string_equal(mcp_client_protocol(c), "2025-06-18");
		mcp_client_close(c);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_revision),
		cmocka_unit_test(test_the_newest_is_found),
		cmocka_unit_test(test_the_user_is_asked),
		cmocka_unit_test(test_calls_beside_each_other),
		cmocka_unit_test(test_subscription),
		cmocka_unit_test(test_bad_servers),
		cmocka_unit_test(test_old_servers),
	};

	if (argc != 2)
		return 2;
	fixture[0] = argv[1];
	fixture[1] = "--stdio";
	alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
