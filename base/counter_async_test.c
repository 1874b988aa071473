/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's end on a loop, against a real room on the same loop, and against ones that
 * misbehave. */
#include "base/counter_async.h"

#include "base/clock.h"
#include "base/loop.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

extern const char box_yang[];

#define WAIT SEC(20) /* a bound on the test, not a measure */

static struct {
	uv_loop_t loop;
	uv_timer_t poll; /* wakes the loop up, for until() to look */
	struct config_schema *schema;
	struct counter *room;
	struct counter_link *link;
	char dir[40];
	char path[64];
	uint64_t late; /* call that is answered when the test says so */
	unsigned ups;
	unsigned downs;
	unsigned events;
	char down[256];
	char event[256];
} t;

/* One request's outcome. */
struct outcome {
	unsigned n; /* times it was called */
	int code;
	char text[512];
};

static void on_outcome(void *ctx, yyjson_val *result, const struct err *err)
{
	struct outcome *o = ctx;
	char *text = result ? yyjson_val_write(result, 0, NULL) : NULL;

	o->n++;
	o->code = err ? err->code : 0;
	snprintf(o->text, sizeof(o->text), "%s", text ? text : err->what);
	free(text);
}

/* ---- The room ---- */

static int box_state(void *ctx, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root,
		     struct err *err)
{
	return 0;
}

static int box_call(void *ctx, uint64_t call, const char *rpc, const struct lyd_node *input,
		    struct err *err)
{
	const char *how = config_text(input, "how");

	if (strcmp(how, "badly") == 0) {
		err_set(err, -EIO, "it broke");
		err_mend(err, "glue it");
		return -EIO;
	}
	if (strcmp(how, "late") == 0)
		t.late = call;
	else
		counter_reply(t.room, call, NULL, NULL);
	return 0;
}

static void open_room(void)
{
	struct counter_room room = {
		.name = "box",
		.version = "1",
		.schema = t.schema,
		.state = box_state,
		.call = box_call,
	};
	struct err err = {0};

	t.room = counter_new(&t.loop, &room, t.path, (gid_t)-1,
			     config_parse(t.schema, "{}", 2, NULL, NULL), &err);
	assert_non_null(t.room);
}

/* ---- The link ---- */

static void on_up(void *ctx)
{
	t.ups++;
}

static void on_down(void *ctx, const struct err *why)
{
	t.downs++;
	snprintf(t.down, sizeof(t.down), "%s", why->what);
}

static void on_event(void *ctx, yyjson_val *params)
{
	char *text = yyjson_val_write(params, 0, NULL);

	t.events++;
	snprintf(t.event, sizeof(t.event), "%s", text);
	free(text);
}

static void on_poll(uv_timer_t *timer)
{
}

#define until(condition)                                                                           \
	do {                                                                                       \
		usec_t end_ = clock_now() + WAIT;                                                  \
		while (!(condition)) {                                                             \
			assert_true(clock_now() < end_);                                           \
			uv_run(&t.loop, UV_RUN_ONCE);                                              \
		}                                                                                  \
	} while (0)

static int set_up(void **state)
{
	const struct counter_link_env env = {.up = on_up, .down = on_down, .event = on_event};

	memset(&t, 0, sizeof(t));
	snprintf(t.dir, sizeof(t.dir), "/tmp/counter_async.XXXXXX");
	if (!mkdtemp(t.dir))
		return -1;
	snprintf(t.path, sizeof(t.path), "%s/box.sock", t.dir);
	uv_loop_init(&t.loop);
	uv_timer_init(&t.loop, &t.poll);
	uv_timer_start(&t.poll, on_poll, 10, 10);
	t.schema = config_schema_new("box", box_yang, NULL);
	t.link = counter_link_new(&t.loop, t.path, &env, NULL);
	return t.schema && t.link ? 0 : -1;
}

static int tear_down(void **state)
{
	int rc;

	counter_link_close(t.link);
	counter_free(t.room);
	rc = loop_finish(&t.loop);
	config_schema_free(t.schema);
	unlink(t.path);
	return rc != 0 || rmdir(t.dir) != 0 ? -1 : 0;
}

/* Params as JSON text, or NULL. */
static int request(const char *method, const char *params, int timeout, struct outcome *o)
{
	yyjson_doc *in = params ? json_parse(params, strlen(params), 0, NULL, NULL) : NULL;
	yyjson_mut_doc *doc = in ? yyjson_doc_mut_copy(in, NULL) : NULL;
	struct err err = {0};
	int rc =
		counter_link_request(t.link, method, doc, doc ? yyjson_mut_doc_get_root(doc) : NULL,
				     timeout, on_outcome, o, &err);

	assert_int_equal(rc, err.code);
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(in);
	return rc;
}

static const char *const shake = "{\"rpc\":\"shake\",\"input\":{\"how\":\"gently\"}}";
static const char *const shake_badly = "{\"rpc\":\"shake\",\"input\":{\"how\":\"badly\"}}";
static const char *const shake_late = "{\"rpc\":\"shake\",\"input\":{\"how\":\"late\"}}";

static void asks_and_is_answered(void **state)
{
	struct outcome o[50] = {0};
	struct outcome bad = {0};
	unsigned i;

	/* Before the room is there. */
	assert_int_equal(request("hello", NULL, -1, &bad), -ENOTCONN);
	assert_false(counter_link_is_up(t.link));
	open_room();
	until(t.ups == 1);
	assert_true(counter_link_is_up(t.link));
	for (i = 0; i < 50; i++)
		assert_int_equal(
			request(i % 2 ? "hello" : "call", i % 2 ? NULL : shake, 20000, &o[i]), 0);
	assert_int_equal(request("call", shake_badly, 20000, &bad), 0);
	until(bad.n);
	assert_int_equal(bad.code, -EREMOTEIO);
	assert_string_equal(bad.text, "it broke");
	for (i = 0; i < 50; i++) {
		assert_int_equal(o[i].n, 1);
		assert_non_null(strstr(o[i].text, i % 2 ? "\"room\":\"box\"" : "\"output\":{}"));
	}
}

static void deadlines_pass(void **state)
{
	struct outcome late = {0};
	struct outcome never = {0};
	struct outcome after = {0};

	open_room();
	until(t.ups == 1);
	assert_int_equal(request("call", shake_late, -1, &never), 0);
	until(t.late);
	assert_int_equal(request("call", shake_late, 30, &late), 0);
	until(late.n);
	assert_int_equal(late.code, -ETIMEDOUT);
	/* Its answer comes all the same, and is passed over. */
	counter_reply(t.room, t.late, NULL, NULL);
	assert_int_equal(request("hello", NULL, 20000, &after), 0);
	until(after.n);
	assert_int_equal(after.code, 0);
	assert_int_equal(late.n, 1);
	assert_int_equal(never.n, 0);
	assert_int_equal(t.downs, 0);
	counter_link_close(t.link);
	assert_int_equal(never.n, 1);
	assert_int_equal(never.code, -ECANCELED);
}

static void connects_again(void **state)
{
	struct outcome o = {0};

	open_room();
	until(t.ups == 1);
	assert_int_equal(request("call", shake_late, -1, &o), 0);
	until(t.late);
	assert_true(counter_link_is_alive(t.link));
	counter_free(t.room);
	t.room = NULL;
	until(t.downs == 1);
	assert_false(counter_link_is_alive(t.link));
	assert_int_equal(o.n, 1);
	assert_int_equal(o.code, -EPIPE);
	assert_false(counter_link_is_up(t.link));
	assert_int_equal(request("hello", NULL, -1, &o), -ENOTCONN);
	open_room();
	until(t.ups == 2);
	assert_int_equal(request("hello", NULL, -1, &o), 0);
	until(o.n == 2);
	assert_int_equal(o.code, 0);
}

static void hears_events(void **state)
{
	struct outcome o = {0};

	open_room();
	until(t.ups == 1);
	assert_int_equal(request("subscribe", "{\"path\":\"/box:moved\"}", -1, &o), 0);
	until(o.n);
	counter_event(t.room, "opened", NULL, NULL);
	counter_event(t.room, "moved", NULL, NULL);
	until(t.events);
	assert_int_equal(t.events, 1);
	assert_non_null(strstr(t.event, "\"data\":{\"box:moved\":{}}"));
}

static void queues_are_bounded(void **state)
{
	struct outcome o = {0};
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *params = yyjson_mut_obj(doc);
	char *large = malloc(COUNTER_LINE_LIMIT);
	unsigned i;

	open_room();
	until(t.ups == 1);
	memset(large, 'x', COUNTER_LINE_LIMIT);
	yyjson_mut_obj_add_strn(doc, params, "config", large, COUNTER_LINE_LIMIT);
	assert_int_equal(
		counter_link_request(t.link, "config.apply", doc, params, -1, on_outcome, &o, NULL),
		-E2BIG);
	for (i = 0; i < COUNTER_LINK_REQUESTS; i++)
		assert_int_equal(request("hello", NULL, -1, &o), 0);
	assert_int_equal(request("hello", NULL, -1, &o), -ENOBUFS);
	until(o.n == COUNTER_LINK_REQUESTS);
	assert_int_equal(request("hello", NULL, -1, &o), 0);
	until(o.n == COUNTER_LINK_REQUESTS + 1);
	yyjson_mut_doc_free(doc);
	free(large);
}

static void on_last(void *ctx, yyjson_val *result, const struct err *err)
{
	on_outcome(ctx, result, err);
	counter_link_close(t.link);
}

static void may_close_in_a_callback(void **state)
{
	struct outcome first = {0};
	struct outcome second = {0};

	open_room();
	until(t.ups == 1);
	assert_int_equal(
		counter_link_request(t.link, "hello", NULL, NULL, -1, on_last, &first, NULL), 0);
	assert_int_equal(request("hello", NULL, -1, &second), 0);
	until(second.n);
	assert_int_equal(first.n, 1);
	assert_int_equal(first.code, 0);
	assert_int_equal(second.code, -ECANCELED);
	t.link = NULL;
}

/* A room that says `text` to whoever connects. */
static int listen_fake(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", t.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static void rooms_that_babble_are_left(void **state)
{
	static const char *const says[] = {
		"220 welcome\n",
		"{\"jsonrpc\":\"2.0\",\"id\":1}\n",
		"[1,2]\n",
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"message\":\"too many\"}}\n",
	};
	int listener = listen_fake();
	struct outcome o = {0};
	unsigned i;

	for (i = 0; i < 4; i++) {
		int fd;

		until(t.ups == i + 1);
		fd = accept(listener, NULL, NULL);
		assert_true(fd >= 0);
		assert_int_equal(request("hello", NULL, -1, &o), 0);
		assert_int_equal(send(fd, says[i], strlen(says[i]), 0), strlen(says[i]));
		assert_true(counter_link_is_alive(t.link));
		until(t.downs == i + 1);
		assert_int_equal(o.n, i + 1);
		assert_int_equal(o.code, i < 3 ? -EPIPE : -EREMOTEIO);
		close(fd);
	}
	assert_string_equal(t.down, "too many");
	close(listener);
}

/* Before the loop has looked. */
static void a_death_is_seen_at_once(void **state)
{
	int listener = listen_fake();
	int fd;

	until(t.ups == 1);
	fd = accept(listener, NULL, NULL);
	assert_true(counter_link_is_alive(t.link));
	close(fd);
	assert_true(counter_link_is_up(t.link));
	assert_false(counter_link_is_alive(t.link));
	close(listener);
}

static void an_endless_answer_is_cut(void **state)
{
	int listener = listen_fake();
	char *chunk = malloc(1 << 20);
	size_t n = 0;
	int fd;

	until(t.ups == 1);
	fd = accept(listener, NULL, NULL);
	memset(chunk, ' ', 1 << 20);
	while (t.downs == 0) {
		ssize_t sent = send(fd, chunk, 1 << 20, MSG_DONTWAIT | MSG_NOSIGNAL);

		n += sent > 0 ? (size_t)sent : 0;
		assert_true(n < 2u * COUNTER_LINK_ANSWER);
		uv_run(&t.loop, UV_RUN_NOWAIT);
	}
	assert_non_null(strstr(t.down, "too long"));
	close(fd);
	close(listener);
	free(chunk);
}

static void paths_are_checked(void **state)
{
	const struct counter_link_env env = {.up = on_up};
	char long_path[200];
	struct err err = {0};

	memset(long_path, 'x', sizeof(long_path));
	long_path[0] = '/';
	long_path[199] = '\0';
	assert_null(counter_link_new(&t.loop, long_path, &env, &err));
	assert_int_equal(err.code, -ENAMETOOLONG);
}

#define WITH_LINK(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LINK(asks_and_is_answered),
		WITH_LINK(deadlines_pass),
		WITH_LINK(connects_again),
		WITH_LINK(hears_events),
		WITH_LINK(queues_are_bounded),
		WITH_LINK(may_close_in_a_callback),
		WITH_LINK(rooms_that_babble_are_left),
		WITH_LINK(a_death_is_seen_at_once),
		WITH_LINK(an_endless_answer_is_cut),
		WITH_LINK(paths_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
