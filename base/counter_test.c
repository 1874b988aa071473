/* SPDX-License-Identifier: BSD-2-Clause */
/* The counter over real sockets: a room with its loop in a thread, and clients, friendly and
 * hostile. */
#include "base/counter.h"

#include "base/clock.h"
#include "base/counter_priv.h"
#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

extern const char box_yang[];

#define WAIT 20000 /* ms: a bound on the test, not a measure */
#define THINGS 200

static struct config_schema *schema;
static char dir[32];
static char path[64];

/* --- the room --- */

static struct box {
	uv_loop_t loop;
	uv_thread_t thread;
	uv_async_t stop;
	uv_timer_t later;
	uint64_t call;
	struct counter *counter;
	uint64_t size; /* what was applied last */
	size_t peak;   /* most memory that clients' buffers took */
} box;

static int box_state(void *ctx, const char *wanted, yyjson_mut_doc *doc, yyjson_mut_val *root,
		     struct err *err)
{
	yyjson_mut_val *contents =
		json_add_obj(doc, json_add_obj(doc, root, "box:box"), "contents");
	yyjson_mut_val *things;
	unsigned i;

	json_add_u64(doc, contents, "count", THINGS);
	if (!counter_wants(wanted, "/box:box/contents/thing"))
		return 0;
	things = json_add_arr(doc, contents, "thing");
	for (i = 0; i < THINGS; i++) {
		yyjson_mut_val *thing = yyjson_mut_arr_add_obj(doc, things);
		yyjson_mut_val *place;

		yyjson_mut_obj_add_uint(doc, thing, "id", i);
		yyjson_mut_obj_add_str(doc, thing, "kind", "a thing like many others in this box");
		place = json_add_obj(doc, thing, "place");
		yyjson_mut_obj_add_int(doc, place, "x", -(int)i);
		yyjson_mut_obj_add_int(doc, place, "y", (int)i);
	}
	return 0;
}

static int box_apply(void *ctx, const struct config *to, const struct config_diff *diff,
		     bool dry_run, struct err *err)
{
	struct box *b = ctx;
	uint64_t size = config_u64(config_tree(to), "/box:box/size", 0);

	if (size == 13) {
		err_set(err, -EINVAL, "nobody wants a box of 13");
		err_where(err, "/box:box/size");
		err_mend(err, "take 12");
		return -EINVAL;
	}
	if (!dry_run)
		b->size = size;
	return 0;
}

static void reply(struct box *b, uint64_t call, const char *sound)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *out = yyjson_mut_obj(doc);

	yyjson_mut_obj_add_str(doc, out, "sound", sound);
	counter_reply(b->counter, call, doc, out);
	counter_reply(b->counter, call, doc, out); /* once more: must be ignored */
	yyjson_mut_doc_free(doc);
}

static void on_later(uv_timer_t *t)
{
	reply(&box, box.call, "late");
}

static void emit(struct box *b, uint64_t n)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *content = yyjson_mut_obj(doc);

	yyjson_mut_obj_add_str(doc, content, "by", "somebody who opens boxes all day long");
	while (n-- > 0)
		counter_event(b->counter, "opened", doc, content);
	counter_event(b->counter, "moved", NULL, NULL);
	yyjson_mut_doc_free(doc);
}

static int box_call(void *ctx, uint64_t call, const char *rpc, const struct lyd_node *input,
		    struct err *err)
{
	const char *how = config_text(input, "how");
	uint64_t times = config_u64(input, "times", 0);
	struct box *b = ctx;

	assert_string_equal(rpc, "shake");
	if (strcmp(how, "badly") == 0)
		return err_set(err, -EIO, "it broke");
	if (strcmp(how, "later") == 0) {
		b->call = call;
		return uv_timer_start(&b->later, on_later, 10, 0);
	}
	if (strcmp(how, "never") == 0)
		return 0;
	if (strcmp(how, "events") == 0)
		emit(b, times * 100);
	reply(b, call, times == 3 ? "three" : "other");
	return 0;
}

static void box_metrics(void *ctx, struct buf *out)
{
	buf_printf(out, "box_size %u\n", 7);
}

static void on_stop(uv_async_t *a)
{
	box.peak = box.counter->alloc.peak;
	counter_free(box.counter);
	uv_stop(&box.loop);
}

static void serve(void *unused)
{
	uv_run(&box.loop, UV_RUN_DEFAULT);
	assert_int_equal(loop_finish(&box.loop), 0);
}

static struct config *defaults(void)
{
	return config_parse(schema, "{}", 2, NULL, NULL);
}

static const struct counter_room room = {
	.name = "box",
	.version = "1.2.3",
	.capabilities = (const char *const[]){"shaking", NULL},
	.state = box_state,
	.apply = box_apply,
	.call = box_call,
	.metrics = box_metrics,
	.ctx = &box,
};

static struct counter *listen_box(struct err *err)
{
	struct counter_room r = room;

	r.schema = schema;
	return counter_new(&box.loop, &r, path, (gid_t)-1, defaults(), err);
}

static unsigned watch_ms; /* how often the watchdog looks, where a test cannot wait */

static int start(void **state)
{
	struct err err = {0};

	strcpy(dir, "/tmp/counter_test.XXXXXX");
	if (!mkdtemp(dir) || chmod(dir, 0755) != 0)
		return -1;
	/* In a directory that is not there yet. */
	snprintf(path, sizeof(path), "%s/run/box.sock", dir);
	memset(&box, 0, sizeof(box));
	uv_loop_init(&box.loop);
	uv_async_init(&box.loop, &box.stop, on_stop);
	uv_timer_init(&box.loop, &box.later);
	box.counter = listen_box(&err);
	if (!box.counter) {
		err_print(&err, "start", stderr);
		return -1;
	}
	if (watch_ms) {
		uv_timer_set_repeat(&box.counter->watchdog, watch_ms);
		uv_timer_again(&box.counter->watchdog);
	}
	return uv_thread_create(&box.thread, serve, NULL);
}

static int stop(void **state)
{
	char run[64];
	int rc;

	uv_async_send(&box.stop);
	uv_thread_join(&box.thread);
	rc = access(path, F_OK) == 0 ? -1 : 0; /* the socket file is gone */
	snprintf(run, sizeof(run), "%s/run", dir);
	return rmdir(run) != 0 || rmdir(dir) != 0 ? -1 : rc;
}

/* --- friendly clients --- */

static struct counter_client *client(void)
{
	struct err err = {0};
	struct counter_client *cl = counter_connect(path, &err);

	assert_non_null(cl);
	return cl;
}

/* Asks with params as JSON text (NULL: none); gives the result as text, or the error as "code
 * what|where|mend". */
static void ask(struct counter_client *cl, const char *method, const char *params, char *to,
		size_t n)
{
	yyjson_doc *in = params ? json_parse(params, strlen(params), 0, NULL, NULL) : NULL;
	yyjson_mut_doc *mut = in ? yyjson_doc_mut_copy(in, NULL) : NULL;
	struct err err = {0};
	yyjson_val *result;
	yyjson_doc *doc;
	char *text;

	assert_true(!params || in);
	doc = counter_request(cl, method, mut, mut ? yyjson_mut_doc_get_root(mut) : NULL, WAIT,
			      &result, &err);
	if (doc) {
		text = yyjson_val_write(result, 0, NULL);
		snprintf(to, n, "%s", text);
		free(text);
	} else {
		snprintf(to, n, "%s|%s|%s", err.what, err.where, err.mend);
	}
	yyjson_doc_free(doc);
	yyjson_mut_doc_free(mut);
	yyjson_doc_free(in);
}

static void expect(struct counter_client *cl, const char *method, const char *params,
		   const char *want)
{
	char got[8192];

	ask(cl, method, params, got, sizeof(got));
	assert_string_equal(got, want);
}

static void expect_in(struct counter_client *cl, const char *method, const char *params,
		      const char *part)
{
	char got[65536];

	ask(cl, method, params, got, sizeof(got));
	if (!strstr(got, part))
		fprintf(stderr, "%s is not in %.500s\n", part, got);
	assert_non_null(strstr(got, part));
}

static void test_hello(void **state)
{
	struct counter_client *cl = client();
	char want[256];
	char text[16384];
	struct stat st;

	snprintf(want, sizeof(want),
		 "{\"room\":\"box\",\"version\":\"1.2.3\",\"pid\":%d,\"max_line\":1048576,"
		 "\"modules\":[{\"name\":"
		 "\"box\",\"revision\":\"2026-11-24\",\"features\":[],\"implemented\":true,"
		 "\"config\":true}],\"capabilities\":[\"shaking\"]}",
		 getpid());
	expect(cl, "hello", NULL, want);
	ask(cl, "schema.get", "{\"module\":\"box\"}", text, sizeof(text));
	assert_non_null(strstr(text, "{\"text\":\"module box {\\n  yang-version 1.1;"));
	expect_in(cl, "schema.get", "{\"module\":\"box\",\"revision\":\"2026-11-24\"}",
		  "module box");
	expect_in(cl, "schema.get", "{\"module\":\"box\",\"revision\":\"2020-01-01\"}",
		  "box has no source of YANG module box||hello lists");
	expect_in(cl, "schema.get", "{\"module\":\"tin\"}", "no source of YANG module tin");
	expect_in(cl, "schema.get", "{}", "module is not a text");
	expect(cl, "metrics", "{}", "{\"text\":\"box_size 7\\n\"}");
	expect_in(cl, "goodbye", NULL, "no such method||hello, ");
	expect_in(cl, "hello", "{\"x\":1}", "hello takes no parameter x||it takes none");
	expect_in(cl, "state.get", "{\"pat\":1}",
		  "state.get takes no parameter pat||it takes: path depth");
	expect_in(cl, "state.get", "[]", "params are not an object");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	counter_close(cl);
}

static void test_config(void **state)
{
	struct counter_client *cl = client();

	expect(cl, "config.get", NULL, "{\"config\":{}}");
	expect_in(cl, "config.get", "{\"defaults\":true}", "\"weight\":\"5000000000\"");
	expect(cl, "config.validate", "{\"config\":{\"box:box\":{\"size\":20}}}",
	       "{\"changes\":[{\"op\":\"replace\",\"path\":\"/box:box/"
	       "size\",\"old\":\"10\",\"new\":\"20\"}]}");
	expect(cl, "config.apply", "{\"config\":{\"box:box\":{\"size\":20}},\"dry_run\":true}",
	       "{\"changes\":[{\"op\":\"replace\",\"path\":\"/box:box/"
	       "size\",\"old\":\"10\",\"new\":\"20\"}],\"applied\":false}");
	expect(cl, "config.get", NULL, "{\"config\":{}}");
	assert_int_equal(box.size, 0);
	expect_in(cl, "config.apply", "{\"config\":{\"box:box\":{\"size\":20,\"name\":\"\"}}}",
		  "/box:box/name");
	expect(cl, "config.apply", "{\"config\":{\"box:box\":{\"size\":13}}}",
	       "nobody wants a box of 13|/box:box/size|take 12");
	expect(cl, "config.get", NULL, "{\"config\":{}}");
	expect_in(cl, "config.apply", "{\"config\":{\"box:box\":{\"size\":20}},\"dry_run\":1}",
		  "dry_run");
	expect_in(cl, "config.apply", "{}", "no config object");
	expect_in(cl, "config.apply", "{\"config\":{\"box:box\":{\"size\":20}}}",
		  "\"applied\":true");
	assert_int_equal(box.size, 20);
	expect(cl, "config.get", NULL, "{\"config\":{\"box:box\":{\"size\":20}}}");
	expect(cl, "config.apply", "{\"config\":{\"box:box\":{\"size\":20}}}",
	       "{\"changes\":[],\"applied\":true}");
	counter_close(cl);
}

static void test_state(void **state)
{
	struct counter_client *cl = client();
	struct err err = {0};
	char got[65536];

	ask(cl, "state.get", NULL, got, sizeof(got));
	assert_int_equal(config_check_state(schema, NULL, got, strlen(got), &err), 0);
	assert_non_null(strstr(got, "\"id\":199"));
	expect(cl, "state.get", "{\"path\":\"/box:box/contents/count\"}",
	       "{\"box:box\":{\"contents\":{\"count\":\"200\"}}}");
	expect(cl, "state.get", "{\"path\":\"/box:box/contents/thing[id='7']/place\"}",
	       "{\"box:box\":{\"contents\":{\"thing\":[{\"id\":7,\"place\":{\"x\":-7,\"y\":7}}]}}"
	       "}");
	expect(cl, "state.get", "{\"path\":\"/box:box/box:contents/thing[id=\\\"7\\\"]/place/x\"}",
	       "{\"box:box\":{\"contents\":{\"thing\":[{\"id\":7,\"place\":{\"x\":-7}}]}}}");
	expect(cl, "state.get", "{\"path\":\"/box:box/contents/thing[id='700']\"}",
	       "{\"box:box\":{\"contents\":{}}}");
	expect(cl, "state.get", "{\"path\":\"/box:box/size\"}", "{\"box:box\":{}}");
	expect(cl, "state.get", "{\"depth\":1}", "{\"box:box\":{}}");
	expect(cl, "state.get", "{\"depth\":2}", "{\"box:box\":{\"contents\":{}}}");
	expect(cl, "state.get", "{\"path\":\"/box:box/contents/thing[id='7']\",\"depth\":1}",
	       "{\"box:box\":{\"contents\":{\"thing\":[{\"id\":7}]}}}");
	expect(cl, "state.get", "{\"path\":\"/box:box/contents/thing[id='7']\",\"depth\":2}",
	       "{\"box:box\":{\"contents\":{\"thing\":[{\"id\":7,\"kind\":\"a thing like many "
	       "others in this box\",\"place\":{}}]}}}");
	counter_close(cl);
}

static void test_state_paths_are_checked(void **state)
{
	struct counter_client *cl = client();

	expect_in(cl, "state.get", "{\"path\":\"/box:box/content\"}",
		  "there is no content in box|path /box:box/content|there is: ");
	expect_in(cl, "state.get", "{\"path\":\"/box:crate\"}", "there is: box:box");
	expect_in(cl, "state.get", "{\"path\":\"/tin:box\"}", "no YANG module");
	expect_in(cl, "state.get", "{\"path\":\"box:box\"}", "not a path");
	expect_in(cl, "state.get", "{\"path\":\"\"}", "empty path");
	expect_in(cl, "state.get", "{\"path\":\"/box:box/\"}", "not a path");
	expect_in(cl, "state.get", "{\"path\":\"/box:box/contents/thing[kind='x']\"}",
		  "kind is not a key of thing");
	expect_in(cl, "state.get", "{\"path\":\"/box:box/contents/thing[id=7]\"}", "not a key");
	expect_in(cl, "state.get", "{\"path\":\"/box:box[a='b']\"}", "not a key of box");
	expect_in(cl, "state.get", "{\"path\":5}", "path is not a text");
	expect_in(cl, "state.get", "{\"path\":\"/box:box\\u0000\"}", "path is not a text");
	expect_in(cl, "state.get", "{\"depth\":-1}", "depth");
	expect_in(cl, "state.get", "{\"depth\":\"1\"}", "depth");
	assert_true(counter_wants("/", "/box:box/x"));
	assert_true(counter_wants("/box:box", "/box:box/x"));
	assert_true(counter_wants("/box:box/x/y", "/box:box/x"));
	assert_false(counter_wants("/box:box/xx", "/box:box/x"));
	assert_false(counter_wants("/box:box/x", "/box:box/xx"));
	counter_close(cl);
}

static void test_call(void **state)
{
	struct counter_client *cl = client();
	struct counter_client *other = client();
	struct err err = {0};
	int i;

	expect(cl, "call", "{\"rpc\":\"shake\",\"input\":{\"how\":\"gently\"}}",
	       "{\"output\":{\"sound\":\"three\"}}");
	expect(cl, "call", "{\"rpc\":\"box:shake\",\"input\":{\"how\":\"gently\",\"times\":4}}",
	       "{\"output\":{\"sound\":\"other\"}}");
	expect(cl, "call", "{\"rpc\":\"shake\",\"input\":{\"how\":\"later\"}}",
	       "{\"output\":{\"sound\":\"late\"}}");
	expect(cl, "call", "{\"rpc\":\"shake\",\"input\":{\"how\":\"badly\"}}", "it broke||");
	expect_in(cl, "call", "{\"rpc\":\"shake\",\"input\":{\"how\":\"gently\",\"times\":99}}",
		  "times");
	expect_in(cl, "call", "{\"rpc\":\"shake\"}", "how");
	expect_in(cl, "call", "{\"rpc\":\"open\"}", "box has no rpc open||there is: shake");
	expect_in(cl, "call", "{\"rpc\":\"shake\",\"input\":[]}", "not an object");
	expect_in(cl, "call", NULL, "no rpc");
	/* Calls that are never answered end with their client. */
	for (i = 0; i < COUNTER_MAX_CALLS; i++) {
		static const char never[] =
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"call\","
			"\"params\":{\"rpc\":\"shake\",\"input\":{\"how\":\"never\"}}}\n";

		assert_int_equal(send(counter_fd(other), never, strlen(never), 0), strlen(never));
	}
	expect_in(other, "call", "{\"rpc\":\"shake\",\"input\":{\"how\":\"gently\"}}",
		  "calls are under way");
	counter_close(other);
	do {
		char got[256];

		ask(cl, "call", "{\"rpc\":\"shake\",\"input\":{\"how\":\"gently\"}}", got,
		    sizeof(got));
		if (strstr(got, "three"))
			break;
		usleep(1000);
	} while (++i < 10000);
	assert_true(i < 10000);
	assert_int_equal(err.code, 0);
	counter_close(cl);
}

static void expect_event(struct counter_client *cl, const char *event_path, const char *part)
{
	struct err err = {0};
	yyjson_val *params;
	yyjson_doc *doc = counter_next(cl, WAIT, &params, &err);
	char *text;

	assert_non_null(doc);
	assert_string_equal(yyjson_get_str(yyjson_obj_get(params, "path")), event_path);
	assert_int_equal(yyjson_get_len(yyjson_obj_get(params, "time")), 24);
	text = yyjson_val_write(params, 0, NULL);
	assert_non_null(strstr(text, part));
	free(text);
	if (yyjson_obj_get(params, "data")) {
		size_t n;

		text = yyjson_val_write(yyjson_obj_get(params, "data"), 0, &n);
		assert_int_equal(config_check_event(schema, text, n, &err), 0);
		free(text);
	}
	yyjson_doc_free(doc);
}

static void test_events(void **state)
{
	struct counter_client *all = client();
	struct counter_client *moved = client();
	struct err err = {0};
	yyjson_val *params;

	expect_in(all, "subscribe", "{\"path\":\"/box:closed\"}",
		  "no events come from there|path /box:closed|");
	expect_in(all, "subscribe", "{\"path\":\"/box:box/size\"}", "no events");
	expect(all, "subscribe", NULL, "{\"path\":\"/\"}");
	expect(moved, "subscribe", "{\"path\":\"/box:moved\"}", "{\"path\":\"/box:moved\"}");
	/* An event comes in between a question and its answer. */
	expect_in(all, "config.apply", "{\"config\":{\"box:box\":{\"size\":30}}}", "applied");
	expect_event(all, "/box:box",
		     "\"changes\":[{\"op\":\"replace\",\"path\":\"/box:box/size\"");
	expect_in(all, "call", "{\"rpc\":\"shake\",\"input\":{\"how\":\"events\",\"times\":1}}",
		  "other");
	for (int i = 0; i < 100; i++)
		expect_event(all, "/box:opened",
			     "{\"box:opened\":{\"by\":\"somebody who opens boxes all day "
			     "long\"}},\"lost\":0");
	expect_event(all, "/box:moved", "{\"box:moved\":{}}");
	expect_event(moved, "/box:moved", "");
	assert_null(counter_next(moved, 30, &params, &err));
	assert_int_equal(err.code, -ETIMEDOUT);
	expect(moved, "unsubscribe", NULL, "{}");
	expect_in(all, "call", "{\"rpc\":\"shake\",\"input\":{\"how\":\"events\",\"times\":1}}",
		  "other");
	assert_null(counter_next(moved, 30, &params, &err));
	counter_close(all);
	counter_close(moved);
}

/* --- hostile clients --- */

static int raw(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = WAIT / 1000};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void put(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		assert_true(sent > 0);
		text += sent;
		n -= (size_t)sent;
	}
}

/* One line, without its newline; the length, or -1 at the end of the stream. */
static ssize_t get_line(int fd, char *to, size_t n)
{
	size_t at = 0;

	while (at < n - 1) {
		ssize_t got = recv(fd, to + at, 1, 0);

		if (got < 0 && errno == EINTR)
			continue;
		assert_true(got >= 0);
		if (got == 0)
			return -1;
		if (to[at] == '\n')
			break;
		at++;
	}
	to[at] = '\0';
	return (ssize_t)at;
}

static void expect_line(int fd, const char *part)
{
	char line[4096];

	assert_true(get_line(fd, line, sizeof(line)) > 0);
	if (!strstr(line, part))
		fprintf(stderr, "%s is not in %s\n", part, line);
	assert_non_null(strstr(line, part));
}

static void test_bad_requests(void **state)
{
	static const struct {
		const char *line;
		const char *part;
	} cases[] = {
		{"nonsense", "\"id\":null,\"error\":{\"code\":-32700"},
		{"{\"jsonrpc\":\"2.0\",\"id\":1", "-32700"},
		{"\x01\xff\xfe", "-32700"},
		{"[]", "\"id\":null,\"error\":{\"code\":-32600"},
		{"5", "-32600"},
		{"{}", "-32600"},
		{"{\"jsonrpc\":\"1.0\",\"id\":7,\"method\":\"hello\"}",
		 "\"id\":7,\"error\":{\"code\":-32600"},
		{"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"hello\"}",
		 "\"id\":null,\"error\":{\"code\":-32600"},
		{"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":5}",
		 "\"id\":\"x\",\"error\":{\"code\":-32600"},
		{"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"no\"}",
		 "\"id\":1.5,\"error\":{\"code\":-32601"},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"call\"}", "-32602"},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"config.apply\",\"params\":{\"config\":"
		 "{\"x\":1}}}",
		 "-32000"},
		{"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"metrics\"}",
		 "\"id\":null,\"result\":{\"text\""},
	};
	static const char silent[] = "{\"jsonrpc\":\"2.0\",\"method\":\"hello\"}\n{\"jsonrpc\":\"2."
				     "0\",\"method\":\"call\"}\n"
				     "{\"jsonrpc\":\"2.0\",\"id\":99,\"method\":\"metrics\"}\n";
	int fd = raw();
	size_t i;

	put(fd, "\n\n", 2);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(fd, cases[i].line, strlen(cases[i].line));
		put(fd, "\n", 1);
		expect_line(fd, cases[i].part);
	}
	/* Without an id nothing is answered, not even an error; the next answer is that of the next
	 * request. */
	put(fd, silent, strlen(silent));
	expect_line(fd, "\"id\":99");
	close(fd);
}

static void test_partial_lines(void **state)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"metrics\"}\n";
	int fd = raw();
	int gone = raw();
	size_t i;

	put(gone, text, 20); /* and it goes without ever ending the line */
	close(gone);
	for (i = 0; i < sizeof(text) - 1; i++) {
		put(fd, text + i, 1);
		usleep(200);
	}
	expect_line(fd, "\"id\":5,\"result\"");
	close(fd);
}

static void test_an_oversize_line(void **state)
{
	char *big = malloc(COUNTER_MAX_LINE + 1);
	struct counter_client *cl = client();
	char line[64];
	int fd = raw();

	memset(big, ' ', COUNTER_MAX_LINE + 1);
	/* Exactly as long as allowed: fine. */
	memcpy(big, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"metrics\"}", 43);
	big[COUNTER_MAX_LINE] = '\n';
	put(fd, big, COUNTER_MAX_LINE + 1);
	expect_line(fd, "\"id\":1,\"result\"");
	/* One more, and without a newline in sight. */
	big[COUNTER_MAX_LINE] = ' ';
	put(fd, big, COUNTER_MAX_LINE + 1);
	expect_line(fd, "\"id\":null,\"error\":{\"code\":-32600,\"message\":\"a line of more than");
	assert_int_equal(get_line(fd, line, sizeof(line)), -1);
	close(fd);
	expect_in(cl, "metrics", NULL, "box_size");
	counter_close(cl);
	free(big);
}

static void test_a_thousand_at_once(void **state)
{
	struct buf b;
	struct alloc a;
	int fd = raw();
	char line[4096];
	unsigned i;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	for (i = 0; i < 1000; i++)
		buf_printf(&b,
			   "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"state.get\",\"params\":{"
			   "\"path\":\"/box:box/contents/count\"}}\n",
			   i);
	put(fd, (char *)b.p, b.n);
	for (i = 0; i < 1000; i++) {
		char want[32];

		snprintf(want, sizeof(want), "\"id\":%u,\"result\"", i);
		assert_true(get_line(fd, line, sizeof(line)) > 0);
		assert_non_null(strstr(line, want));
	}
	buf_free(&b);
	close(fd);
}

/* A client that says it has no more to say, and waits: echo … | socat - UNIX-CONNECT:… */
static void test_a_half_closed_client_is_answered(void **state)
{
	static const char get[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"state.get\"}\n";
	static char line[65536];
	int fd = raw();
	unsigned i;

	for (i = 0; i < 50; i++)
		put(fd, get, strlen(get));
	put(fd, "{\"unfinished", 12);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	for (i = 0; i < 50; i++)
		assert_true(get_line(fd, line, sizeof(line)) > 10000);
	assert_int_equal(get_line(fd, line, sizeof(line)), -1);
	close(fd);
}

/* Lines written and never read: memory stays bounded and others are served. */
static void test_a_client_that_never_reads(void **state)
{
	static const char get[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"state.get\"}\n";
	struct counter_client *cl = client();
	int fd = raw();
	unsigned i;

	/* About 20 KiB of answer each: 20 MiB in all, if it were asked. */
	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (i = 0; i < 1000; i++) {
		if (send(fd, get, strlen(get), MSG_NOSIGNAL) != (ssize_t)strlen(get))
			break;
		if (i % 100 == 0)
			expect_in(cl, "metrics", NULL, "box_size");
	}
	for (i = 0; i < 20; i++)
		expect_in(cl, "hello", NULL, "box");
	close(fd);
	expect_in(cl, "metrics", NULL, "box_size");
	counter_close(cl);
}

static int start_watchful(void **state)
{
	int rc;

	watch_ms = 20;
	rc = start(state);
	watch_ms = 0;
	return rc;
}

static void test_a_stuck_client_is_closed(void **state)
{
	static const char get[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"state.get\"}\n";
	struct counter_client *quiet = client();
	struct pollfd p = {.fd = raw()};
	unsigned i;

	for (i = 0; i < 100; i++)
		put(p.fd, get, strlen(get));
	/* Answers wait and none is read: the room hangs up. One that merely says nothing stays. */
	while (poll(&p, 1, WAIT) < 0 && errno == EINTR)
		;
	assert_true(p.revents & POLLHUP);
	expect_in(quiet, "metrics", NULL, "box_size");
	close(p.fd);
	counter_close(quiet);
}

static int memory_was_bounded(void **state)
{
	int rc = stop(state);

	/* A queue, one answer beyond it, doubled by growth, and two such buffers while they change
	 * places. */
	if (box.peak > 4 * (size_t)COUNTER_MAX_QUEUE) {
		fprintf(stderr, "peak %zu bytes\n", box.peak);
		return -1;
	}
	return rc;
}

static void test_a_slow_reader_loses_events(void **state)
{
	static const char subscribe[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscribe\"}\n";
	struct counter_client *cl = client();
	unsigned got = 0;
	unsigned lost = 0;
	unsigned sent = 0;
	char line[4096];
	int fd = raw();
	char *at;

	put(fd, subscribe, strlen(subscribe));
	expect_line(fd, "result");
	/* 20 × 5,000 events of about 180 bytes: far beyond socket buffer and queue. */
	for (unsigned i = 0; i < 20; i++) {
		expect_in(cl, "call",
			  "{\"rpc\":\"shake\",\"input\":{\"how\":\"events\",\"times\":50}}",
			  "other");
		sent += 5001;
	}
	while (got + lost < sent) {
		assert_true(get_line(fd, line, sizeof(line)) > 0);
		at = strstr(line, "\"lost\":");
		assert_non_null(at);
		lost = (unsigned)strtoul(at + 7, NULL, 10);
		/* A line with nothing but the count tells of losses after the last event. */
		if (strstr(line, "\"path\""))
			got++;
	}
	assert_int_equal(got + lost, sent);
	assert_true(lost > 0);
	assert_true(got > 100);
	/* And from here on it gets everything again. */
	expect_in(cl, "call", "{\"rpc\":\"shake\",\"input\":{\"how\":\"events\",\"times\":1}}",
		  "other");
	for (unsigned i = 0; i < 101; i++)
		expect_line(fd, "\"path\"");
	close(fd);
	counter_close(cl);
}

static void test_too_many_clients(void **state)
{
	int fd[COUNTER_MAX_CLIENTS + 1];
	char line[64];
	int i;

	for (i = 0; i < COUNTER_MAX_CLIENTS; i++) {
		fd[i] = raw();
		put(fd[i], "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"metrics\"}\n", 44);
		expect_line(fd[i], "box_size");
	}
	fd[i] = raw();
	expect_line(fd[i], "too many connections");
	assert_int_equal(get_line(fd[i], line, sizeof(line)), -1);
	for (i = 0; i <= COUNTER_MAX_CLIENTS; i++)
		close(fd[i]);
}

static void test_a_stranger_is_turned_away(void **state)
{
	char line[256] = "";
	int out[2];
	pid_t pid;
	int status;

	if (getuid() != 0) {
		print_message("needs root\n");
		skip();
	}
	assert_int_equal(pipe(out), 0);
	/* The file's mode alone would keep it out: open it, so that only the check of credentials
	 * is left. */
	assert_int_equal(chmod(path, 0666), 0);
	pid = fork();
	if (pid == 0) {
		struct counter_client *cl;
		yyjson_val *result;
		struct err err = {0};

		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(3);
		cl = counter_connect(path, &err);
		if (!cl || counter_request(cl, "hello", NULL, NULL, WAIT, &result, &err))
			_exit(4);
		status = write(out[1], err.what, strlen(err.what)) > 0 ? 0 : 5;
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(read(out[0], line, sizeof(line) - 1) > 0);
	assert_string_equal(line, "this user may not use the socket");
	close(out[0]);
	close(out[1]);
}

/* --- the socket file --- */

static void test_the_path_is_taken(void **state)
{
	struct counter_room r = room;
	struct err err = {0};
	uv_loop_t loop;
	struct stat before;
	struct stat after;

	r.schema = schema;
	uv_loop_init(&loop);
	assert_int_equal(stat(path, &before), 0);
	assert_null(counter_new(&loop, &r, path, (gid_t)-1, defaults(), &err));
	assert_int_equal(err.code, -EADDRINUSE);
	assert_true(err.mend[0] != '\0');
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(loop_finish(&loop), 0);
}

static void test_files_in_the_way(void **state)
{
	char file[64] = "/tmp/counter_test.XXXXXX";
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct counter_room r = room;
	struct err err = {0};
	struct counter *c;
	uv_loop_t loop;
	int fd = mkstemp(file);

	r.schema = schema;
	uv_loop_init(&loop);
	close(fd);
	assert_null(counter_new(&loop, &r, file, (gid_t)-1, defaults(), &err));
	assert_int_equal(err.code, -EEXIST);
	assert_int_equal(access(file, F_OK), 0);
	unlink(file);
	/* A socket file whose owner died. */
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", file);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	c = counter_new(&loop, &r, file, (gid_t)-1, defaults(), &err);
	assert_non_null(c);
	/* A successor's socket in our place is not ours to remove. */
	unlink(file);
	fd = open(file, O_CREAT | O_EXCL | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	counter_free(c);
	assert_int_equal(loop_finish(&loop), 0);
	assert_int_equal(access(file, F_OK), 0);
	unlink(file);
}

static void test_connect_errors(void **state)
{
	char longer[200];
	struct err err = {0};

	assert_null(counter_connect("/tmp/there-is-no.sock", &err));
	assert_int_equal(err.code, -ENOENT);
	assert_true(err.mend[0] != '\0');
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_null(counter_connect(longer, &err));
	assert_int_equal(err.code, -ENAMETOOLONG);
}

static void test_path(void **state)
{
	char p[64];

	unsetenv("DEP_RUN_DIR");
	assert_int_equal(counter_path("box", p, sizeof(p)), 0);
	assert_string_equal(p, "/run/depanneur/box.sock");
	setenv("DEP_RUN_DIR", "/x", 1);
	assert_int_equal(counter_path("box", p, sizeof(p)), 0);
	assert_string_equal(p, "/x/box.sock");
	assert_int_equal(counter_path("box", p, 5), -ENAMETOOLONG);
	unsetenv("DEP_RUN_DIR");
}

#define WITH_ROOM(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ROOM(test_hello),
		WITH_ROOM(test_config),
		WITH_ROOM(test_state),
		WITH_ROOM(test_state_paths_are_checked),
		WITH_ROOM(test_call),
		WITH_ROOM(test_events),
		WITH_ROOM(test_bad_requests),
		WITH_ROOM(test_partial_lines),
		WITH_ROOM(test_an_oversize_line),
		WITH_ROOM(test_a_thousand_at_once),
		WITH_ROOM(test_a_half_closed_client_is_answered),
		cmocka_unit_test_setup_teardown(test_a_client_that_never_reads, start,
						memory_was_bounded),
		cmocka_unit_test_setup_teardown(test_a_slow_reader_loses_events, start,
						memory_was_bounded),
		cmocka_unit_test_setup_teardown(test_a_stuck_client_is_closed, start_watchful,
						stop),
		WITH_ROOM(test_too_many_clients),
		WITH_ROOM(test_a_stranger_is_turned_away),
		WITH_ROOM(test_the_path_is_taken),
		cmocka_unit_test(test_files_in_the_way),
		cmocka_unit_test(test_connect_errors),
		cmocka_unit_test(test_path),
	};
	struct err err = {0};
	int failed;

	schema = config_schema_new("box", box_yang, &err);
	if (!schema) {
		err_print(&err, "counter_test", stderr);
		return 1;
	}
	failed = cmocka_run_group_tests_name("counter", tests, NULL, NULL);
	config_schema_free(schema);
	return failed;
}
