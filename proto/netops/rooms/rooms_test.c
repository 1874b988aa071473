/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes over several rooms, which are real processes: what they refuse, and kill -9 of each in
 * every phase. Afterwards all are new or all are old. */
#include "proto/netops/rooms/rooms_priv.h"

#include "base/clock.h"
#include "base/loop.h"
#include "proto/netops/rooms/fixture_room.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define WAIT SEC(30) /* a bound on the test, not a measure */

static const struct principal admin = {.user = "root", .scopes = SCOPE_ALL, .recovery = true};

static struct {
	uv_loop_t loop;
	uv_timer_t poll;
	char dir[40];
	struct fixture_room *room; /* sys, box, crate */
	struct fixture_room *sys, *box, *crate;
	struct rooms *rooms;
	struct schema *schema;
	struct store *store;
	bool restart; /* rooms that ended */
	bool ready;
	unsigned modules_changed;
	unsigned ups, downs, events;
	char event[256];
} t;

/* ---- Harness ---- */

static void on_poll(uv_timer_t *timer)
{
	unsigned i;

	for (i = 0; i < 3; i++) {
		if (fixture_ended(&t.room[i]) && t.restart)
			fixture_start(&t.room[i], t.dir);
	}
}

#define until(condition)                                                                           \
	do {                                                                                       \
		usec_t end_ = clock_now() + WAIT;                                                  \
		while (!(condition)) {                                                             \
			assert_true(clock_now() < end_);                                           \
			uv_run(&t.loop, UV_RUN_ONCE);                                              \
		}                                                                                  \
	} while (0)

static void on_modules_changed(void *ctx)
{
	t.modules_changed++;
}

static void on_event(void *ctx, const char *room, const char *path, yyjson_val *data)
{
	char *text = data ? yyjson_val_write(data, 0, NULL) : NULL;

	t.events++;
	snprintf(t.event, sizeof(t.event), "%s %s %s", room, path, text ? text : "");
	free(text);
}

static void on_up(void *ctx, const char *room, bool up)
{
	*(up ? &t.ups : &t.downs) += 1;
}

static void on_ready(void *ctx)
{
	t.ready = true;
}

static void start_rooms(const char *const *names, unsigned wait_ms)
{
	const struct rooms_env env = {
		.modules_changed = on_modules_changed, .event = on_event, .up = on_up};

	t.rooms = rooms_new(&t.loop, t.dir, names, &env);
	assert_non_null(t.rooms);
	rooms_start(t.rooms, wait_ms, on_ready, NULL);
	until(t.ready);
}

static int set_up_dir(void **state)
{
	memset(&t, 0, sizeof(t));
	snprintf(t.dir, sizeof(t.dir), "/tmp/rooms_test.XXXXXX");
	t.room = fixture_rooms(3);
	if (!t.room || !mkdtemp(t.dir))
		return -1;
	t.sys = &t.room[0];
	t.box = &t.room[1];
	t.crate = &t.room[2];
	strcpy(t.sys->name, "sys");
	strcpy(t.box->name, "box");
	strcpy(t.crate->name, "crate");
	uv_loop_init(&t.loop);
	uv_timer_init(&t.loop, &t.poll);
	uv_timer_start(&t.poll, on_poll, 5, 5);
	return 0;
}

static int set_up(void **state)
{
	static const char *const names[] = {"sys", "box", "crate", NULL};
	const struct schema_module *m;
	struct err err = {0};
	size_t n;
	unsigned i;

	if (set_up_dir(state) != 0)
		return -1;
	for (i = 0; i < 3; i++)
		fixture_start(&t.room[i], t.dir);
	start_rooms(names, 20000);
	m = rooms_modules(t.rooms, &n);
	t.schema = schema_new(m, n, &err);
	if (t.schema)
		t.store = store_new(t.schema, &err);
	if (!t.store)
		err_print(&err, "store", stderr);
	t.restart = true;
	return t.store ? 0 : -1;
}

static int tear_down(void **state)
{
	char path[96];
	unsigned i;
	int rc;

	t.restart = false;
	rooms_free(t.rooms);
	rc = loop_finish(&t.loop);
	for (i = 0; i < 3; i++) {
		fixture_kill(&t.room[i]);
		snprintf(path, sizeof(path), "%s/%s.sock", t.dir, t.room[i].name);
		unlink(path);
	}
	store_free(t.store);
	schema_free(t.schema);
	return rc != 0 || rmdir(t.dir) != 0 ? -1 : 0;
}

/* ---- Changes ---- */

static void edit(const char *path, const char *json)
{
	yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
	struct store_edit e = {.op = EDIT_MERGE, .path = path, .value = yyjson_doc_get_root(doc)};
	struct neterr ne = {0};

	assert_non_null(doc);
	if (store_edit(t.store, "x", &admin, &e, 1, 1, &ne) != 0)
		err_print(&ne.err, "edit", stderr);
	assert_int_equal(ne.code, 0);
	yyjson_doc_free(doc);
}

/* What was edited, as changes that are valid. */
static struct changes edited(void)
{
	struct changes c = {0};
	struct neterr e = {0};

	assert_int_equal(store_candidate(t.store, "x", &admin, &c, &e), 0);
	if (store_check(t.store, &c, &e) != 0)
		err_print(&e.err, "check", stderr);
	assert_int_equal(e.code, 0);
	store_discard(t.store, "x", &admin);
	return c;
}

static struct changes size_and_wood(unsigned size, const char *wood)
{
	char json[128];

	snprintf(json, sizeof(json), "{\"box:box\":{\"size\":%u}}", size);
	edit("/box:box", json);
	snprintf(json, sizeof(json), "{\"crate:crate\":{\"wood\":\"%s\"}}", wood);
	edit("/crate:crate", json);
	return edited();
}

struct outcome {
	unsigned n;
	enum neterr_code code;
	char what[256];
	char where[128];
	char data[512];
};

static void on_outcome(void *ctx, struct neterr *e)
{
	struct outcome *o = ctx;
	char *text = e && e->data ? yyjson_mut_write(e->data, 0, NULL) : NULL;

	o->n++;
	o->code = e ? e->code : 0;
	snprintf(o->what, sizeof(o->what), "%s", e ? e->err.what : "");
	snprintf(o->where, sizeof(o->where), "%s", e ? e->err.where : "");
	snprintf(o->data, sizeof(o->data), "%s", text ? text : "");
	free(text);
}

typedef void op_f(struct rooms *r, struct store *s, const struct changes *c, rooms_f *f, void *ctx);

static struct outcome run(op_f *op, const struct changes *c)
{
	struct outcome o = {0};

	op(t.rooms, t.store, c, on_outcome, &o);
	until(o.n);
	return o;
}

static void reconcile(void)
{
	struct outcome o = {0};

	rooms_reconcile(t.rooms, t.store, on_outcome, &o);
	until(o.n);
	assert_int_equal(o.code, 0);
}

static bool all_up(void)
{
	return rooms_is_up(t.rooms, "sys") && rooms_is_up(t.rooms, "box") &&
	       rooms_is_up(t.rooms, "crate");
}

#define assert_config(room, text) assert_string_equal((room)->config, text)
#define assert_has(text, part)                                                                     \
	do {                                                                                       \
		if (!strstr(text, part))                                                           \
			fprintf(stderr, "%s is not in: %s\n", part, text);                         \
		assert_non_null(strstr(text, part));                                               \
	} while (0)

/* ---- Hello ---- */

static const struct schema_module *find_module(const char *name)
{
	const struct schema_module *m;
	size_t n;

	for (m = rooms_modules(t.rooms, &n); n > 0; n--, m++) {
		if (strcmp(m->name, name) == 0)
			return m;
	}
	return NULL;
}

static void modules_of_all_rooms(void **state)
{
	const struct schema_module *m = find_module("box");

	assert_true(all_up());
	/* Two rooms know it, the first has it. */
	assert_string_equal(m->room, "box");
	assert_has(m->text, "module box {");
	assert_true(m->implemented);
	m = find_module("ietf-interfaces");
	assert_string_equal(m->room, "sys");
	assert_null(m->text);
	assert_string_equal(find_module("crate")->room, "crate");
	assert_int_equal(t.modules_changed, 0);
	/* The same modules again are no change, others are. */
	fixture_kill(t.box);
	until(!rooms_is_up(t.rooms, "box"));
	assert_non_null(find_module("box"));
	fixture_start(t.box, t.dir);
	until(all_up());
	assert_int_equal(t.modules_changed, 0);
	t.box->second_module = true;
	fixture_kill(t.box);
	until(!rooms_is_up(t.rooms, "box"));
	fixture_start(t.box, t.dir);
	until(all_up());
	assert_int_equal(t.modules_changed, 1);
	assert_string_equal(find_module("shelf")->room, "box");
}

static void a_missing_room_is_waited_for_in_vain(void **state)
{
	static const char *const names[] = {"box", "crate", NULL};

	fixture_start(t.box, t.dir);
	start_rooms(names, 300);
	until(rooms_is_up(t.rooms, "box"));
	assert_false(rooms_is_up(t.rooms, "crate"));
	assert_null(find_module("crate"));
}

/* ---- All goes well ---- */

static void apply_undo_reconcile(void **state)
{
	struct changes first = size_and_wood(20, "oak");
	struct changes second;
	struct outcome o = run(rooms_check, &first);

	assert_int_equal(o.code, 0);
	assert_int_equal(t.box->checks, 1);
	assert_config(t.box, "");
	assert_int_equal(run(rooms_apply, &first).code, 0);
	assert_config(t.box, "{\"box:box\":{\"size\":20}}");
	assert_config(t.crate, "{\"crate:crate\":{\"wood\":\"oak\"}}");
	assert_int_equal(store_apply(t.store, &first), 0);
	/* The whole configuration of a room, and nothing of others. */
	edit("/box:box", "{\"box:box\":{\"name\":\"a\"}}");
	second = edited();
	assert_int_equal(run(rooms_apply, &second).code, 0);
	assert_config(t.box, "{\"box:box\":{\"name\":\"a\",\"size\":20}}");
	assert_int_equal(t.crate->applies, 1);
	assert_int_equal(run(rooms_undo, &second).code, 0);
	assert_config(t.box, "{\"box:box\":{\"size\":20}}");
	assert_int_equal(t.crate->applies, 1);
	/* Started anew, it has forgotten. */
	fixture_kill(t.box);
	until(!rooms_is_up(t.rooms, "box"));
	fixture_start(t.box, t.dir);
	until(all_up());
	assert_config(t.box, "");
	reconcile();
	assert_config(t.box, "{\"box:box\":{\"size\":20}}");
	changes_free(&first);
	changes_free(&second);
}

static void a_room_in_the_tree_of_another(void **state)
{
	struct changes c;

	edit("/box:box", "{\"box:box\":{\"size\":20,\"crate:in-crate\":true}}");
	edit("/crate:crate", "{\"crate:crate\":{\"wood\":\"oak\"}}");
	c = edited();
	assert_int_equal(run(rooms_apply, &c).code, 0);
	assert_config(t.box, "{\"box:box\":{\"size\":20}}");
	assert_has(t.crate->config, "\"box:box\":{\"crate:in-crate\":true}");
	assert_has(t.crate->config, "\"crate:crate\":{\"wood\":\"oak\"}");
	assert_null(strstr(t.crate->config, "size"));
	changes_free(&c);
}

static void steps_for_sys(void **state)
{
	struct changes c;

	edit("/ietf-interfaces:interfaces",
	     "{\"ietf-interfaces:interfaces\":{\"interface\":[{\"name\":\"br0\",\"type\":\"iana-if-"
	     "type:bridge\",\"ietf-ip:ipv4\":{\"address\":[{\"ip\":\"192.0.2.7\",\"prefix-length\":"
	     "24}]}}]}}");
	c = edited();
	assert_int_equal(run(rooms_check, &c).code, 0);
	assert_string_equal(t.sys->steps, "");
	assert_int_equal(run(rooms_apply, &c).code, 0);
	assert_has(t.sys->steps, "\"name\":\"br0\"");
	assert_has(t.sys->steps, "192.0.2.7/24");
	assert_int_equal(store_apply(t.store, &c), 0);
	t.sys->steps[0] = '\0';
	reconcile();
	assert_has(t.sys->steps, "192.0.2.7/24");
	changes_free(&c);
}

static yyjson_mut_val *some_steps(struct payload *p, unsigned n)
{
	yyjson_mut_val *steps;

	*p = (struct payload){.doc = yyjson_mut_doc_new(NULL)};
	steps = yyjson_mut_arr(p->doc);
	for (; n > 0; n--)
		yyjson_mut_obj_add_uint(
			p->doc,
			json_add_obj(p->doc, yyjson_mut_arr_add_obj(p->doc, steps), "route"),
			"metric", n);
	return steps;
}

static void steps_fill_several_requests(void **state)
{
	struct payload p;
	yyjson_mut_val *steps = some_steps(&p, 100);
	size_t total = 0;
	size_t i;

	assert_int_equal(payload_slice(&p, steps, 500), 0);
	assert_true(p.n_slices > 4);
	for (i = 0; i < p.n_slices; i++) {
		size_t n;
		char *text = yyjson_mut_val_write(p.slice[i], 0, &n);

		assert_true(n <= 500 + 2);
		free(text);
		total += yyjson_mut_arr_size(p.slice[i]);
	}
	assert_int_equal(total, 100);
	payload_free(&p);
	/* What is not named beside a purge would be removed. */
	steps = some_steps(&p, 100);
	json_add_obj(p.doc, yyjson_mut_arr_add_obj(p.doc, steps), "purge");
	assert_int_equal(payload_slice(&p, steps, 500), -E2BIG);
	payload_free(&p);
	steps = some_steps(&p, 100);
	json_add_obj(p.doc, yyjson_mut_arr_add_obj(p.doc, steps), "purge");
	assert_int_equal(payload_slice(&p, steps, 10000), 0);
	assert_int_equal(p.n_slices, 1);
	payload_free(&p);
}

/* ---- Refusals ---- */

static void one_refuses_and_none_changes(void **state)
{
	struct changes c = size_and_wood(20, "oak");
	struct outcome o;

	t.crate->refuse = AT_CHECK;
	o = run(rooms_apply, &c);
	assert_int_equal(o.code, NETERR_CONFIG_INCOMPATIBLE);
	assert_has(o.what, "room crate: it does not want to");
	assert_string_equal(o.where, "/box:box/size");
	assert_has(o.data, "\"room\":\"crate\"");
	assert_int_equal(t.box->applies, 0);
	assert_int_equal(run(rooms_check, &c).code, NETERR_CONFIG_INCOMPATIBLE);
	/* One that says yes first, and then no. */
	t.crate->refuse = AT_APPLY;
	o = run(rooms_apply, &c);
	assert_int_equal(o.code, NETERR_CONFIG_INCOMPATIBLE);
	assert_null(strstr(o.data, "residual"));
	assert_int_equal(t.box->applies, 2);
	assert_config(t.box, "{}");
	assert_config(t.crate, "");
	changes_free(&c);
}

static void sys_goes_back_by_what_it_had_seen(void **state)
{
	struct changes c;

	edit("/ietf-interfaces:interfaces",
	     "{\"ietf-interfaces:interfaces\":{\"interface\":[{\"name\":\"br0\",\"type\":\"iana-if-"
	     "type:bridge\"}]}}");
	edit("/crate:crate", "{\"crate:crate\":{\"wood\":\"oak\"}}");
	c = edited();
	t.crate->refuse = AT_APPLY;
	assert_int_equal(run(rooms_apply, &c).code, NETERR_CONFIG_INCOMPATIBLE);
	assert_int_equal(t.sys->applies, 2);
	assert_has(strchr(t.sys->steps, '\n'), "inverse0");
	changes_free(&c);
}

static void what_cannot_be_taken_back_is_told(void **state)
{
	struct changes c = size_and_wood(20, "oak");
	struct outcome o;

	assert_int_equal(run(rooms_apply, &c).code, 0);
	t.box->refuse = AT_APPLY;
	o = run(rooms_undo, &c);
	assert_int_equal(o.code, NETERR_ROLLBACK_FAILED);
	assert_has(o.data, "\"residual\":[{\"room\":\"box\",\"what\":\"it does not want to\"}]");
	/* The other one went back all the same. */
	assert_config(t.crate, "{}");
	changes_free(&c);
}

/* ---- kill -9 ---- */

static void expect_old(const char *box, const char *crate)
{
	reconcile();
	assert_config(t.box, box);
	assert_config(t.crate, crate);
}

static void killed_in_every_phase(void **state)
{
	static const enum fixture_at phase[] = {AT_CHECK, AT_APPLY, AT_APPLIED};
	struct changes base = size_and_wood(20, "oak");
	struct changes c;
	unsigned i;

	assert_int_equal(run(rooms_apply, &base).code, 0);
	assert_int_equal(store_apply(t.store, &base), 0);
	c = size_and_wood(30, "pine");
	for (i = 0; i < 6; i++) {
		struct fixture_room *victim = i % 2 ? t.crate : t.box;
		struct fixture_room *other = i % 2 ? t.box : t.crate;
		struct outcome o;

		victim->die = phase[i / 2];
		o = run(rooms_apply, &c);
		assert_int_equal(o.code, NETERR_UNREACHABLE);
		assert_has(o.data, victim->name);
		assert_null(strstr(o.data, "residual"));
		until(all_up());
		/* Before anything is reconciled, the one that lives is old. */
		assert_non_null(strstr(other->config, other == t.box ? "20" : "oak"));
		expect_old("{\"box:box\":{\"size\":20}}", "{\"crate:crate\":{\"wood\":\"oak\"}}");
	}
	/* And then it works. */
	assert_int_equal(run(rooms_apply, &c).code, 0);
	assert_config(t.box, "{\"box:box\":{\"size\":30}}");
	assert_config(t.crate, "{\"crate:crate\":{\"wood\":\"pine\"}}");
	changes_free(&base);
	changes_free(&c);
}

static void killed_after_its_part_and_before_the_end(void **state)
{
	struct changes c = size_and_wood(20, "oak");
	struct outcome o;

	/* Box has taken its part; it dies while crate takes its own, and has forgotten. */
	t.crate->other = t.box;
	t.crate->tell = AT_APPLY;
	o = run(rooms_apply, &c);
	assert_int_equal(o.code, 0);
	assert_int_equal(t.box->starts, 2);
	assert_config(t.box, "{\"box:box\":{\"size\":20}}");
	assert_config(t.crate, "{\"crate:crate\":{\"wood\":\"oak\"}}");
	changes_free(&c);
}

static void killed_while_it_goes_back(void **state)
{
	struct changes base = size_and_wood(20, "oak");
	struct changes c;
	unsigned i;

	assert_int_equal(run(rooms_apply, &base).code, 0);
	assert_int_equal(store_apply(t.store, &base), 0);
	c = size_and_wood(30, "pine");
	for (i = 0; i < 2; i++) {
		assert_int_equal(run(rooms_apply, &c).code, 0);
		t.box->die = i ? AT_APPLIED : AT_APPLY;
		assert_int_equal(run(rooms_undo, &c).code, 0);
		assert_config(t.box, "{\"box:box\":{\"size\":20}}");
		assert_config(t.crate, "{\"crate:crate\":{\"wood\":\"oak\"}}");
	}
	changes_free(&base);
	changes_free(&c);
}

static void sys_killed_in_its_step(void **state)
{
	struct changes c;

	edit("/ietf-interfaces:interfaces",
	     "{\"ietf-interfaces:interfaces\":{\"interface\":[{\"name\":\"br0\",\"type\":\"iana-if-"
	     "type:bridge\"}]}}");
	c = edited();
	t.sys->die = AT_APPLIED;
	assert_int_equal(run(rooms_apply, &c).code, NETERR_UNREACHABLE);
	/* How far it came nobody knows: it goes back by the plan. */
	assert_int_equal(t.sys->applies, 2);
	assert_has(strchr(t.sys->steps, '\n'), "\"name\":\"br0\"");
	assert_has(strchr(t.sys->steps, '\n'), "absent");
	changes_free(&c);
}

static void one_that_stays_away(void **state)
{
	struct changes c = size_and_wood(20, "oak");
	struct outcome o;

	t.restart = false;
	t.crate->die = AT_APPLY;
	o = run(rooms_apply, &c);
	assert_int_equal(o.code, NETERR_UNREACHABLE);
	assert_has(o.data, "\"residual\":[{\"room\":\"crate\"");
	assert_config(t.box, "{}");
	/* Not there: no change that concerns it. */
	assert_int_equal(run(rooms_apply, &c).code, NETERR_UNREACHABLE);
	assert_int_equal(run(rooms_check, &c).code, NETERR_UNREACHABLE);
	assert_config(t.box, "{}");
	/* What is there is reconciled. */
	reconcile();
	changes_free(&c);
}

/* ---- State, rpcs, events ---- */

struct answer {
	unsigned n;
	enum neterr_code code;
	char text[2048];
};

static void on_state(void *ctx, yyjson_doc *doc, struct neterr *e)
{
	struct answer *a = ctx;
	char *text = doc ? yyjson_write(doc, 0, NULL) : NULL;

	a->n++;
	a->code = e ? e->code : 0;
	snprintf(a->text, sizeof(a->text), "%s", text ? text : e ? e->err.what : "");
	free(text);
	yyjson_doc_free(doc);
}

static struct answer ask_state(const char *path, unsigned depth)
{
	struct answer a = {0};

	rooms_state(t.rooms, t.schema, path, depth, on_state, &a);
	assert_int_equal(a.n, 0);
	until(a.n);
	return a;
}

static void state_is_merged(void **state)
{
	struct answer a = ask_state("/", 0);

	assert_has(a.text, "\"crate:crate\":{\"seen\":{\"times\":\"0\"}}");
	assert_has(a.text, "{\"count\":\"2\",\"thing\":["
			   "{\"id\":1,\"kind\":\"toy\",\"crate:packed\":true},"
			   "{\"id\":2,\"kind\":\"toy\",\"crate:packed\":false},"
			   "{\"id\":3,\"crate:packed\":true}]}");
	a = ask_state("/box:box/contents/thing[id='2']", 0);
	assert_string_equal(a.text,
			    "{\"box:box\":{\"contents\":{\"thing\":[{\"id\":2,\"kind\":\"toy\","
			    "\"crate:packed\":false}]}}}");
	a = ask_state("/crate:crate", 1);
	assert_string_equal(a.text, "{\"crate:crate\":{}}");
	a = ask_state("/no-module:x", 0);
	assert_int_equal(a.code, NETERR_INVALID);
	t.restart = false;
	fixture_kill(t.crate);
	until(!rooms_is_up(t.rooms, "crate"));
	a = ask_state("/crate:crate", 0);
	assert_int_equal(a.code, NETERR_UNREACHABLE);
	a = ask_state("/", 0);
	assert_has(a.text, "{\"box:box\":{\"contents\":{\"count\":\"2\",");
}

static void configuration_in_force(void **state)
{
	struct changes c = size_and_wood(20, "oak");
	struct answer a = {0};

	assert_int_equal(run(rooms_apply, &c).code, 0);
	rooms_config(t.rooms, t.schema, on_state, &a);
	until(a.n);
	assert_string_equal(a.text,
			    "{\"box:box\":{\"size\":20},\"crate:crate\":{\"wood\":\"oak\"}}");
	changes_free(&c);
}

static void on_output(void *ctx, yyjson_val *output, struct neterr *e)
{
	struct answer *a = ctx;
	char *text = output ? yyjson_val_write(output, 0, NULL) : NULL;

	a->n++;
	a->code = e ? e->code : 0;
	snprintf(a->text, sizeof(a->text), "%s", text ? text : e ? e->err.what : "");
	free(text);
}

static struct answer call(const char *room, const char *how, unsigned timeout)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *input = yyjson_mut_obj(doc);
	struct answer a = {0};

	yyjson_mut_obj_add_str(doc, json_add_obj(doc, input, "box:shake"), "how", how);
	rooms_call(t.rooms, room, "shake", doc, input, timeout, on_output, &a);
	yyjson_mut_doc_free(doc);
	until(a.n);
	return a;
}

static void calls_and_events(void **state)
{
	struct answer a = call("box", "gently", 20000);

	assert_string_equal(a.text, "{\"sound\":\"rattle\"}");
	until(t.events);
	assert_string_equal(t.event, "box /box:moved {\"box:moved\":{}}");
	a = call("box", "badly", 20000);
	assert_int_equal(a.code, NETERR_CONFIG_INCOMPATIBLE);
	assert_string_equal(a.text, "room box: it does not want to");
	a = call("box", "never", 50);
	assert_int_equal(a.code, NETERR_TIMEOUT);
	a = call("hat", "gently", 50);
	assert_int_equal(a.code, NETERR_UNREACHABLE);
}

static void ends_with_requests_under_way(void **state)
{
	struct changes c = size_and_wood(20, "oak");
	struct outcome first = {0};
	struct outcome second = {0};

	t.box->hang = true;
	rooms_apply(t.rooms, t.store, &c, on_outcome, &first);
	rooms_undo(t.rooms, t.store, &c, on_outcome, &second);
	until(!t.box->hang);
	rooms_free(t.rooms);
	t.rooms = NULL;
	assert_int_equal(first.n, 1);
	assert_int_equal(first.code, NETERR_UNREACHABLE);
	assert_int_equal(second.n, 1);
	changes_free(&c);
}

#define WITH_ROOMS(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ROOMS(modules_of_all_rooms),
		cmocka_unit_test_setup_teardown(a_missing_room_is_waited_for_in_vain, set_up_dir,
						tear_down),
		WITH_ROOMS(apply_undo_reconcile),
		WITH_ROOMS(a_room_in_the_tree_of_another),
		WITH_ROOMS(steps_for_sys),
		cmocka_unit_test(steps_fill_several_requests),
		WITH_ROOMS(one_refuses_and_none_changes),
		WITH_ROOMS(sys_goes_back_by_what_it_had_seen),
		WITH_ROOMS(what_cannot_be_taken_back_is_told),
		WITH_ROOMS(killed_in_every_phase),
		WITH_ROOMS(killed_after_its_part_and_before_the_end),
		WITH_ROOMS(killed_while_it_goes_back),
		WITH_ROOMS(sys_killed_in_its_step),
		WITH_ROOMS(one_that_stays_away),
		WITH_ROOMS(state_is_merged),
		WITH_ROOMS(configuration_in_force),
		WITH_ROOMS(calls_and_events),
		WITH_ROOMS(ends_with_requests_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
