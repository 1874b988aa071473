/* SPDX-License-Identifier: BSD-2-Clause */
/* A room of several YANG modules: what hello and schema.get tell of them, and that state, rpcs and
 * notifications of each are found. No sockets: output stays in the peer's buffer. */
#include "base/counter_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

extern const char box_yang[];

static const char hinge_yang[] =
	"module hinge { yang-version 1.1; namespace \"urn:hinge\"; prefix h; revision 2026-01-02;"
	" typedef angle { type uint8 { range 0..180; } } leaf not-implemented { type angle; } }";
static const char lid_yang[] =
	"module lid { yang-version 1.1; namespace \"urn:lid\"; prefix l;"
	" import box { prefix b; } import hinge { prefix h; }"
	" revision 2026-11-24; feature lock; feature glue;"
	" rpc turn { input { leaf angle { type h:angle; mandatory true; } } }"
	" notification turned;"
	" augment /b:box/b:contents {"
	"  leaf locked { if-feature lock; type boolean; }"
	"  leaf glued { if-feature glue; type boolean; } }"
	" container lid { leaf colour { type string; } } }";
static const char rule_yang[] =
	"module rule { yang-version 1.1; namespace \"urn:rule\"; prefix r; import box { prefix b; }"
	" deviation /b:box/b:tag { deviate not-supported; } }";

/* Users before what they use, on purpose. */
static const struct counter_module modules[] = {
	{"rule", NULL, rule_yang, NULL, true, false},
	{"lid", "2026-11-24", lid_yang, (const char *const[]){"lock", NULL}, true, true},
	{"box", "2026-11-24", box_yang, NULL, true, true},
	{"hinge", NULL, hinge_yang, NULL, false, false},
	{"ietf-inet-types", "2013-07-15", NULL, NULL, false, false},
	{0},
};

static struct counter c;
static struct peer p;
static char called[64];

static int on_state(void *ctx, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root,
		    struct err *err)
{
	yyjson_mut_val *o = json_add_obj(doc, json_add_obj(doc, root, "box:box"), "contents");

	yyjson_mut_obj_add_bool(doc, o, "lid:locked", true);
	json_add_u64(doc, o, "count", 1);
	return 0;
}

static int on_apply(void *ctx, const struct config *to, const struct config_diff *diff,
		    bool dry_run, struct err *err)
{
	return 0;
}

static int on_call(void *ctx, uint64_t call, const char *rpc, const struct lyd_node *input,
		   struct err *err)
{
	snprintf(called, sizeof(called), "%s", rpc);
	counter_reply(&c, call, NULL, NULL);
	return 0;
}

static int set_up(void **state)
{
	struct err err = {0};

	c.room = (struct counter_room){
		.name = "box",
		.version = "1",
		.modules = modules,
		.schema = counter_schema_new("box", modules, &err),
		.state = on_state,
		.apply = on_apply,
		.call = on_call,
	};
	if (!c.room.schema) {
		err_print(&err, "schema", stderr);
		return -1;
	}
	c.running = config_parse(c.room.schema, "{}", 2, NULL, &err);
	alloc_init(&c.alloc, 0);
	list_init(&c.peers);
	p.counter = &c;
	p.open = true;
	p.writing = true; /* nothing is sent */
	buf_init(&p.out, &c.alloc);
	list_add(&c.peers, &p.at);
	return c.running ? 0 : -1;
}

static int tear_down(void **state)
{
	buf_free(&p.out);
	free(p.subscribed);
	config_free(c.running);
	config_schema_free(c.room.schema);
	return 0;
}

/* All that a request makes the room send; valid until the next. */
static const char *ask(const char *method, const char *params)
{
	char line[1024];
	int n = snprintf(line, sizeof(line),
			 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method,
			 params);

	buf_clear(&p.out);
	counter_handle(&c, &p, line, (size_t)n);
	buf_u8(&p.out, 0);
	return (const char *)p.out.p;
}

#define assert_has(text, part) assert_non_null(strstr(text, part))

static void hello_lists_modules(void **state)
{
	const char *text = ask("hello", "{}");

	assert_has(text, "{\"name\":\"rule\",\"revision\":\"\",\"features\":[],"
			 "\"implemented\":true,\"config\":false}");
	assert_has(text, "{\"name\":\"lid\",\"revision\":\"2026-11-24\",\"features\":[\"lock\"],"
			 "\"implemented\":true,\"config\":true}");
	/* What the table does not say, the text does. */
	assert_has(text, "{\"name\":\"hinge\",\"revision\":\"2026-01-02\",\"features\":[],"
			 "\"implemented\":false,\"config\":false}");
}

static void sources_are_handed_out(void **state)
{
	assert_has(ask("schema.get", "{\"module\":\"lid\"}"), "{\"text\":\"module lid {");
	assert_has(ask("schema.get", "{\"module\":\"hinge\",\"revision\":\"2026-01-02\"}"),
		   "{\"text\":\"module hinge {");
	assert_has(ask("schema.get", "{\"module\":\"lid\",\"revision\":\"2020-01-01\"}"),
		   "no source of YANG module lid");
	assert_has(ask("schema.get", "{\"module\":\"ietf-inet-types\"}"), "well-known");
	assert_has(ask("schema.get", "{\"module\":\"ietf-yang-types\"}"), "hello lists");
}

static void every_module_counts(void **state)
{
	assert_has(ask("call", "{\"rpc\":\"lid:turn\",\"input\":{\"angle\":90}}"), "\"output\":{}");
	assert_string_equal(called, "lid:turn");
	assert_has(ask("call", "{\"rpc\":\"box:shake\",\"input\":{\"how\":\"x\"}}"), "\"output\"");
	assert_string_equal(called, "shake");
	assert_has(ask("call", "{\"rpc\":\"lid:turn\",\"input\":{\"angle\":200}}"), "error");
	assert_has(ask("call", "{\"rpc\":\"lid:none\"}"), "there is: turn");
	assert_has(ask("call", "{\"rpc\":\"tin:turn\"}"), "box has no rpc tin:turn");
	assert_has(ask("state.get", "{\"path\":\"/box:box/contents/lid:locked\"}"),
		   "{\"box:box\":{\"contents\":{\"lid:locked\":true}}}");
	/* Features and deviations hold. */
	assert_has(ask("state.get", "{\"path\":\"/box:box/contents/lid:glued\"}"), "error");
	assert_has(ask("config.validate", "{\"config\":{\"box:box\":{\"tag\":[\"a\"]}}}"), "error");
	assert_has(ask("config.validate", "{\"config\":{\"lid:lid\":{\"colour\":\"red\"}}}"),
		   "\"path\":\"/lid:lid/colour\"");
	assert_has(ask("config.validate", "{\"config\":{\"hinge:not-implemented\":1}}"), "error");
}

static void events_of_each(void **state)
{
	const char *text;

	assert_has(ask("subscribe", "{\"path\":\"/hinge:x\"}"), "error");
	assert_has(ask("subscribe", "{\"path\":\"/lid:turned\"}"), "\"result\"");
	buf_clear(&p.out);
	counter_event(&c, "moved", NULL, NULL);
	counter_event(&c, "lid:turned", NULL, NULL);
	buf_u8(&p.out, 0);
	text = (const char *)p.out.p;
	assert_null(strstr(text, "moved"));
	assert_has(text, "\"data\":{\"lid:turned\":{}}");
	assert_has(ask("subscribe", "{}"), "\"result\"");
	/* Each top of the configuration has its own. */
	text = ask("config.apply", "{\"config\":{\"box:box\":{\"size\":20,\"name\":\"a\"},\"lid:"
				   "lid\":{\"colour\":\"red\"}}}");
	assert_has(text, "\"path\":\"/box:box\",\"time\"");
	assert_has(text, "\"path\":\"/lid:lid\",\"time\"");
	assert_has(text, "\"applied\":true");
}

static void faults_are_told(void **state)
{
	struct counter_module broken[] = {
		{"box", NULL, "module box { nonsense }", NULL, true, true}, {0}};
	struct counter_module lonely[] = {{"lid", NULL, lid_yang, NULL, true, true}, {0}};
	struct counter_module other[] = {{"hinge", NULL, hinge_yang, NULL, true, true}, {0}};
	struct err err = {0};

	assert_null(counter_schema_new("box", broken, &err));
	assert_has(err.where, "box");
	assert_null(counter_schema_new("lid", lonely, &err));
	assert_null(counter_schema_new("box", other, &err));
	assert_has(err.what, "box is not there");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_lists_modules), cmocka_unit_test(sources_are_handed_out),
		cmocka_unit_test(every_module_counts), cmocka_unit_test(events_of_each),
		cmocka_unit_test(faults_are_told),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
