/* SPDX-License-Identifier: BSD-2-Clause */
/* What is not seen from outside, or not with the fixture: templates, encodings, mirrored numbers,
 * the forms of network errors, what cancelling does to a handler, pacing of updates. */
#include "proto/netops/mcp/mcp_priv.h"
#include "proto/netops/mcp/testwire.h"

#include "base/loop.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define MODERN_META                                                                                \
	"\"_meta\":{\"io.modelcontextprotocol/"                                                    \
	"protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/"                              \
	"clientCapabilities\":{}}"

struct bed {
	uv_loop_t loop;
	struct mcp *m;
};

static int set_up(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));
	struct mcp_params p = {
		.name = "t", .version = "1", .network = "{}", .extension_prefix = "io.example"};
	struct err err = {0};

	uv_loop_init(&b->loop);
	b->m = mcp_new(&b->loop, &p, &err);
	assert_non_null(b->m);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bed *b = *state;

	mcp_free(b->m);
	assert_int_equal(loop_finish(&b->loop), 0);
	free(b);
	return 0;
}

/* ---- templates ---- */

static bool match(struct mcp_arena *a, const char *tmpl, const char *uri, const char *expect)
{
	struct mcp_var *v = NULL;
	char got[256] = "";
	size_t n = 0;
	size_t i;

	assert_true(mcp_template_valid(tmpl));
	if (!mcp_template_match(tmpl, uri, a, &v, &n))
		return !expect;
	for (i = 0; i < n; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s=%s;", v[i].name,
			 v[i].value);
	if (expect && strcmp(got, expect) == 0)
		return true;
	print_error("%s on %s gave %s\n", tmpl, uri, got);
	return false;
}

static void templates(void **state)
{
	static const char log[] = "network:///log/syslog/last{count}";
	static const char data[] = "network:///data/{datastore}/{+path}{?depth,content}";
	static const char *const bad[] = {"a{",	    "a}",     "a{}",   "a{x}{y}", "a{x}{+y}",
					  "a{?x}b", "a{x,y}", "a{*x}", "a{?x,}"};
	struct mcp_arena a;
	size_t i;

	assert_int_equal(mcp_arena_init(&a), 0);
	a.alc.ctx = &a;
	assert_true(match(&a, log, "network:///log/syslog/last20", "count=20;"));
	assert_true(match(&a, log, "network:///log/syslog/last", NULL));
	assert_true(match(&a, log, "network:///log/syslog/last2/0", NULL));
	assert_true(match(&a, log, "network:///log/syslog/last2%2f0", NULL));
	assert_true(match(&a, "a/{x}/b", "a/%C3%A9%20/b", "x=é ;"));
	assert_true(match(&a, "a/{x}/b", "a/../b", NULL));
	assert_true(match(&a, "a/{x}/b", "a/%2e%2e/b", NULL));
	assert_true(match(&a, "a/{x}/b", "a/x%00/b", NULL));
	assert_true(match(&a, "a/{x}/b", "a/x%g0/b", NULL));
	assert_true(match(&a, "a/{x}.json", "a/x.json.json", "x=x.json;"));
	assert_true(match(&a, data, "network:///data/running/a:b/c=%2Fd",
			  "datastore=running;path=a:b/c=/d;"));
	assert_true(match(&a, data, "network:///data/running/a/../b", NULL));
	assert_true(match(&a, data, "network:///data/running/a?content=x&depth=1",
			  "datastore=running;path=a;content=x;depth=1;"));
	assert_true(match(&a, data, "network:///data/running/a?depth=1&depth=2", NULL));
	assert_true(match(&a, data, "network:///data/running/a?other=1", NULL));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(mcp_template_valid(bad[i]));
	mcp_arena_free(&a);
}

/* ---- encodings ---- */

static void encodings(void **state)
{
	struct alloc alloc;
	uint8_t out[16];
	struct buf b;

	assert_int_equal(mcp_base64_decode(out, 16, "ZXU=", 4), 2);
	assert_int_equal(mcp_base64_decode(out, 16, "ZXU", 3), -EINVAL);
	assert_int_equal(mcp_base64_decode(out, 16, "ZXV=", 4),
			 -EINVAL); /* bits that say nothing */
	assert_int_equal(mcp_base64_decode(out, 16, "Z=U=", 4), -EINVAL);
	assert_int_equal(mcp_base64url_decode(out, 16, "-_8", 3), 2);
	assert_int_equal(mcp_base64url_decode(out, 16, "-_9", 3), -EINVAL);
	assert_int_equal(mcp_base64url_decode(out, 1, "-_8", 3), -ENOSPC);
	alloc_init(&alloc, 0);
	buf_init(&b, &alloc);
	mcp_out_string(&b, "a\"\\\n\x01\xff\xe2\x80\xae\xc3\xa9\xed\xa0\x80", 14);
	buf_u8(&b, 0);
	assert_string_equal((char *)b.p, "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\\u202e\xc3\xa9\xef\xbf"
					 "\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	buf_clear(&b);
	mcp_out_json(&b, "[\"\xe2\x81\xa6x\xd8\x9c\"]", 10);
	buf_u8(&b, 0);
	assert_string_equal((char *)b.p, "[\"\\u2066x\\u061c\"]");
	buf_clear(&b);
	mcp_out_time(&b, 1764000000123);
	assert_int_equal(b.n, 26);
	buf_free(&b);
}

/* ---- mirrored arguments ---- */

static void answer_ok(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	mcp_text(r, false, "ok");
}

static int call(struct bed *b, const char *tool, const char *arguments, const char *const *extra,
		char **last)
{
	struct testwire t;
	const char *field[16] = {"MCP-Protocol-Version", "2026-07-28", "Mcp-Method",
				 "tools/call",		 "Mcp-Name",   tool};
	char text[2048];
	size_t i;
	int status;

	for (i = 0; extra && extra[i]; i++)
		field[6 + i] = extra[i];
	testwire_init(&t, b->m, false);
	t.field = field;
	snprintf(text, sizeof(text),
		 "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/"
		 "call\",\"params\":{\"name\":\"%s\",\"arguments\":%s," MODERN_META "}}",
		 tool, arguments);
	testwire_say(&t, text, strlen(text));
	status = (int)t.status;
	if (last) {
		*last = t.last;
		t.last = NULL;
	}
	testwire_close(&t);
	return status;
}

static void mirrors(void **state)
{
	struct bed *b = *state;
	struct mcp_tool t = {.name = "m",
			     .input = "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":"
				      "\"integer\",\"x-mcp-header\":\"N\"},"
				      "\"o\":{\"type\":\"object\",\"properties\":{\"b\":{\"type\":"
				      "\"boolean\",\"x-mcp-header\":"
				      "\"B\"}}}}}",
			     .call = answer_ok};
	static const struct {
		const char *args, *n, *b;
		int status;
	} row[] = {
		{"{\"n\":42}", "42", NULL, 200},
		{"{\"n\":42}", "42.0", NULL, 200},
		{"{\"n\":42}", "43", NULL, 400},
		{"{\"n\":42}", "0x2a", NULL, 400},
		{"{\"n\":42}", "", NULL, 400},
		{"{\"n\":42}", NULL, NULL, 400},
		{"{\"n\":null}", "1", NULL, 400},
		{"{\"n\":-9223372036854775808}", "-9223372036854775808", NULL, 200},
		{"{\"o\":{\"b\":true}}", NULL, "true", 200},
		{"{\"o\":{\"b\":true}}", NULL, "True", 400},
		{"{\"o\":{\"b\":false}}", NULL, "false", 200},
		{"{\"o\":{}}", NULL, "false", 400},
		{"{}", NULL, NULL, 200},
	};
	static const char *const bad[] = {
		"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\",\"x-mcp-header\":"
		"\"A\"}}}",
		"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":"
		"\"A b\"}}}",
		"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":"
		"\"A\"},\"b\":{\"type\":\"string\","
		"\"x-mcp-header\":\"a\"}}}",
		"{\"type\":\"string\"}",
		"not JSON",
	};
	const char *extra[5];
	struct err err = {0};
	size_t i;
	size_t k;

	assert_int_equal(mcp_tool_add(b->m, &t, &err), 0);
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		k = 0;
		if (row[i].n) {
			extra[k++] = "Mcp-Param-N";
			extra[k++] = row[i].n;
		}
		if (row[i].b) {
			extra[k++] = "Mcp-Param-B";
			extra[k++] = row[i].b;
		}
		extra[k] = NULL;
		if (call(b, "m", row[i].args, extra, NULL) != row[i].status)
			fail_msg("row %zu", i);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		t.input = bad[i];
		assert_true(mcp_tool_add(b->m, &t, &err) < 0);
		assert_true(err.what[0]);
	}
	t.input = NULL;
	t.name = "no spaces";
	assert_int_equal(mcp_tool_add(b->m, &t, &err), -EINVAL);
}

/* ---- network errors ---- */

static void too_late(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	struct neterr e = {0};
	yyjson_mut_val *data;

	neterr_set(&e, NETERR_CONFIRMED_COMMIT_TIMEOUT, "x",
		   "Confirmed commit timed out; configuration rolled back");
	data = neterr_data(&e);
	yyjson_mut_obj_add_str(e.data, data, "commitId", "c-000042");
	yyjson_mut_obj_add_str(e.data, data, "expiredAt", "2026-11-23T17:00:10.004Z");
	yyjson_mut_obj_add_str(e.data, data, "rolledBackTo", "c-000041");
	yyjson_mut_obj_add_bool(e.data, data, "retryable", true);
	mcp_neterr(r, &e);
	neterr_clear(&e);
}

static void late_confirm(void **state)
{
	static const char initialize[] =
		"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
		"\"protocolVersion\":\"2025-11-25\","
		"\"capabilities\":{},\"clientInfo\":{\"name\":\"c\",\"version\":\"1\"}}}";
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/"
				      "call\",\"params\":{\"name\":\"late\"}}";
	struct bed *b = *state;
	struct mcp_tool t = {.name = "late", .call = too_late};
	struct err err = {0};
	struct testwire w;
	char *last;

	assert_int_equal(mcp_tool_add(b->m, &t, &err), 0);
	assert_int_equal(call(b, "late", "{}", NULL, &last), 200);
	assert_string_equal(
		last,
		"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"isError\":true,\"content\":[{\"type\":"
		"\"text\",\"text\":"
		"\"Confirmed commit c-000042 timed out at 17:00:10; running restored to c-000041. "
		"Re-stage and commit "
		"again.\"}],\"structuredContent\":{\"error\":{\"code\":-32086,\"name\":\"Network."
		"ConfirmedCommitTimeout\",\"data\":{\"name\":\"Network.ConfirmedCommitTimeout\","
		"\"commitId\":\"c-000042\","
		"\"expiredAt\":\"2026-11-23T17:00:10.004Z\",\"rolledBackTo\":\"c-000041\","
		"\"retryable\":true}}},"
		"\"resultType\":\"complete\",\"_meta\":{\"io.modelcontextprotocol/"
		"serverInfo\":{\"name\":\"t\","
		"\"version\":\"1\"}}}}");
	free(last);
	testwire_init(&w, b->m, true);
	testwire_say(&w, initialize, sizeof(initialize) - 1);
	testwire_say(&w, request, sizeof(request) - 1);
	assert_string_equal(w.last, "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32086,"
				    "\"message\":\"Confirmed commit timed out; "
				    "configuration rolled "
				    "back\",\"data\":{\"name\":\"Network.ConfirmedCommitTimeout\","
				    "\"commitId\":\"c-000042\","
				    "\"expiredAt\":\"2026-11-23T17:00:10.004Z\",\"rolledBackTo\":"
				    "\"c-000041\",\"retryable\":true}}}");
	testwire_close(&w);
}

/* ---- asking anew ---- */

static const char *plan;

/* Agrees to what was asked about only: where the plan has changed since, it asks again. */
static void agree(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	yyjson_mut_doc *doc;
	yyjson_mut_val *params;

	if (mcp_answer(r, "approve") && mcp_state(r) && strcmp(mcp_state(r), plan) == 0) {
		mcp_text(r, false, "done %s", plan);
		return;
	}
	doc = yyjson_mut_doc_new(NULL);
	params = yyjson_mut_obj(doc);
	yyjson_mut_obj_add_str(doc, params, "message", plan);
	assert_int_equal(mcp_ask(r, "approve", "elicitation/create", doc, params), 0);
	yyjson_mut_doc_free(doc);
	mcp_keep(r, plan);
	mcp_wait(r);
}

static void round_of(struct bed *b, const char *more, char *result, size_t n)
{
	static const char *const field[] = {"MCP-Protocol-Version",
					    "2026-07-28",
					    "Mcp-Method",
					    "tools/call",
					    "Mcp-Name",
					    "agree",
					    NULL};
	struct testwire w;
	char text[2048];

	testwire_init(&w, b->m, false);
	w.field = field;
	snprintf(text, sizeof(text),
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		 "call\",\"params\":{\"name\":\"agree\",%s"
		 "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
		 "\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{}}}}}",
		 more);
	testwire_say(&w, text, strlen(text));
	assert_non_null(w.last);
	snprintf(result, n, "%s", w.last);
	testwire_close(&w);
}

static void with_answer(struct bed *b, char *result, size_t n)
{
	const char *from = strstr(result, "\"requestState\":\"");
	char more[1024];

	assert_non_null(from);
	snprintf(more, sizeof(more),
		 "%.*s\",\"inputResponses\":{\"approve\":{\"action\":\"accept\"}},",
		 (int)strcspn(from + 16, "\"") + 16, from);
	round_of(b, more, result, n);
}

static void asked_anew(void **state)
{
	struct bed *b = *state;
	struct mcp_tool t = {.name = "agree", .call = agree};
	struct err err = {0};
	char result[2048];

	assert_int_equal(mcp_tool_add(b->m, &t, &err), 0);
	plan = "first";
	round_of(b, "", result, sizeof(result));
	plan = "second";
	with_answer(b, result, sizeof(result));
	assert_non_null(strstr(result, "\"inputRequests\":{\"approve\":"));
	assert_non_null(strstr(result, "\"message\":\"second\""));
	with_answer(b, result, sizeof(result));
	assert_non_null(strstr(result, "done second"));
}

/* ---- scopes ---- */

static void scopes(void **state)
{
	struct bed *b = *state;
	struct mcp_tool t = {.name = "s", .scope = SCOPE_COMMIT, .call = answer_ok};
	static const char *const field[] = {"MCP-Protocol-Version", "2026-07-28", "Mcp-Method",
					    "tools/list", NULL};
	static const char request[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{" MODERN_META
		"}}";
	struct err err = {0};
	struct testwire w;
	unsigned i;

	assert_int_equal(mcp_tool_add(b->m, &t, &err), 0);
	for (i = 0; i < 4; i++) { /* the page is cached by who may see what */
		testwire_init(&w, b->m, false);
		w.field = field;
		w.who.scopes = i & 1 ? SCOPE_ALL : SCOPE_READ;
		testwire_say(&w, request, sizeof(request) - 1);
		assert_int_equal(w.status, 200);
		assert_int_equal(strstr(w.last, "\"name\":\"s\"") != NULL, i & 1);
		testwire_close(&w);
	}
	assert_int_equal(call(b, "s", "{}", NULL, NULL), 200);
}

/* ---- cancelling ---- */

static unsigned told;
static struct mcp_req *held;

static void on_cancel(struct mcp_req *r)
{
	told++;
}

static void hold(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	held = r;
	if (ctx)
		mcp_on_cancel(r, on_cancel);
}

static void cancelling(void **state)
{
	static const char *const field[] = {"MCP-Protocol-Version",
					    "2026-07-28",
					    "Mcp-Method",
					    "tools/call",
					    "Mcp-Name",
					    "h",
					    NULL};
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
				      "call\",\"params\":{\"name\":\"h\"," MODERN_META "}}";
	struct bed *b = *state;
	struct mcp_tool t = {.name = "h", .call = hold, .ctx = b};
	struct err err = {0};
	struct testwire w;

	told = 0;
	assert_int_equal(mcp_tool_add(b->m, &t, &err), 0);
	testwire_init(&w, b->m, false);
	w.field = field;
	testwire_say(&w, request, sizeof(request) - 1);
	assert_int_equal(w.status, 0);
	/* It may be removed while it is called. */
	mcp_tool_remove(b->m, "h");
	testwire_close(&w);
	assert_int_equal(told, 1);
	assert_true(list_empty(&b->m->reqs));
	/* A handler that is not told answers into nothing. */
	t.ctx = NULL;
	assert_int_equal(mcp_tool_add(b->m, &t, &err), 0);
	testwire_init(&w, b->m, false);
	w.field = field;
	testwire_say(&w, request, sizeof(request) - 1);
	testwire_close(&w);
	assert_false(list_empty(&b->m->reqs));
	mcp_text(held, false, "too late");
	assert_true(list_empty(&b->m->reqs));
}

/* ---- updates ---- */

static void run_for(struct bed *b, unsigned ms)
{
	usec_t until = clock_now() + MSEC(ms);

	while (clock_now() < until)
		uv_run(&b->loop, UV_RUN_NOWAIT);
}

static void paced(void **state)
{
	static const char *const field[] = {"MCP-Protocol-Version", "2026-07-28", "Mcp-Method",
					    "subscriptions/listen", NULL};
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":\"l\",\"method\":"
				      "\"subscriptions/listen\",\"params\":{\"notifications\":{"
				      "\"resourceSubscriptions\":[\"x:/a\"]}," MODERN_META "}}";
	struct bed *b = *state;
	struct mcp_resource res = {.uri = "x:/a", .name = "a", .subscribe = true};
	struct testwire w;
	int i;

	assert_int_equal(mcp_resource_add(b->m, &res), 0);
	testwire_init(&w, b->m, false);
	w.field = field;
	testwire_say(&w, request, sizeof(request) - 1);
	assert_int_equal(w.events, 1);
	assert_non_null(strstr(w.last, "\"io.modelcontextprotocol/subscriptionId\":\"l\""));
	assert_true(mcp_subscribed(b->m, "x:/a"));
	for (i = 0; i < 100; i++)
		mcp_updated(b->m, "x:/a", 60);
	assert_int_equal(w.events, 2); /* the first at once … */
	run_for(b, 150);
	assert_int_equal(w.events, 3); /* … the others together, at the end of the gap */
	mcp_updated(b->m, "x:/b", 0);
	run_for(b, 5);
	assert_int_equal(w.events, 3);
	testwire_close(&w);
	assert_false(mcp_subscribed(b->m, "x:/a"));
}

/* Who does not read makes nothing grow, and misses nothing. */
static void stalled(void **state)
{
	static const char *const field[] = {"MCP-Protocol-Version", "2026-07-28", "Mcp-Method",
					    "subscriptions/listen", NULL};
	static const char request[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscriptions/listen\",\"params\":{"
		"\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":[\"x:/"
		"a\",\"x:/"
		"b\"]}," MODERN_META "}}";
	struct bed *b = *state;
	struct mcp_resource one = {.uri = "x:/a", .name = "a", .subscribe = true};
	struct mcp_resource two = {.uri = "x:/b", .name = "b", .subscribe = true};
	struct testwire w;
	int i;

	assert_int_equal(mcp_resource_add(b->m, &one), 0);
	assert_int_equal(mcp_resource_add(b->m, &two), 0);
	run_for(b, 5);
	testwire_init(&w, b->m, false);
	w.field = field;
	testwire_say(&w, request, sizeof(request) - 1);
	w.full = true;
	for (i = 0; i < 1000; i++) {
		mcp_updated(b->m, "x:/a", 0);
		mcp_updated(b->m, "x:/b", 0);
		mcp_lists_changed(b->m, true, false, false);
		uv_run(&b->loop, UV_RUN_NOWAIT);
	}
	assert_int_equal(w.events, 2); /* acknowledged, and what filled it */
	w.full = false;
	mcp_wire_drained(&w.w);
	assert_int_equal(w.events, 5); /* both resources and the list */
	mcp_wire_drained(&w.w);
	run_for(b, 5);
	assert_int_equal(w.events, 5);
	testwire_close(&w);
}

static char closed_session[32];
static char call_session[32];

static void session_closed(void *ctx, const char *session)
{
	snprintf(closed_session, sizeof(closed_session), "%s", session);
}

static void note_session(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	snprintf(call_session, sizeof(call_session), "%s", mcp_principal(r)->session);
	mcp_text(r, false, "ok");
}

/* What is bound to a session hears of its end, over HTTP and stdio. */
static void session_names(void **state)
{
	static const char initialize[] =
		"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
		"\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":"
		"\"c\","
		"\"version\":\"1\"}}}";
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/"
				      "call\",\"params\":{\"name\":\"n\"}}";
	struct bed *b = *state;
	struct mcp_tool t = {.name = "n", .call = note_session};
	const char *field[] = {"Mcp-Session-Id", NULL, NULL};
	struct mcp_headers h = {0};
	struct err err = {0};
	struct testwire w;
	char session[64];

	b->m->params.session_closed = session_closed;
	assert_int_equal(mcp_tool_add(b->m, &t, &err), 0);
	testwire_init(&w, b->m, true);
	testwire_say(&w, initialize, sizeof(initialize) - 1);
	testwire_say(&w, request, sizeof(request) - 1);
	assert_int_equal(strlen(call_session), 22);
	testwire_close(&w);
	assert_string_equal(closed_session, call_session);
	testwire_init(&w, b->m, false);
	testwire_say(&w, initialize, sizeof(initialize) - 1);
	snprintf(session, sizeof(session), "%s", w.session);
	testwire_close(&w);
	field[1] = session;
	testwire_init(&w, b->m, false);
	w.field = field;
	testwire_say(&w, request, sizeof(request) - 1);
	assert_string_equal(call_session, session);
	testwire_close(&w);
	testwire_init(&w, b->m, false);
	h.session = session;
	mcp_http_delete(&w.w, &h);
	assert_int_equal(w.status, 204);
	assert_string_equal(closed_session, session);
	testwire_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates),
		cmocka_unit_test(encodings),
		cmocka_unit_test_setup_teardown(mirrors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(late_confirm, set_up, tear_down),
		cmocka_unit_test_setup_teardown(asked_anew, set_up, tear_down),
		cmocka_unit_test_setup_teardown(scopes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cancelling, set_up, tear_down),
		cmocka_unit_test_setup_teardown(paced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(stalled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(session_names, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
