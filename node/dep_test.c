/* SPDX-License-Identifier: BSD-2-Clause */
/* dep against a real counter: a room of module kira with its state from a file. argv: dep, state
 * file, completion script. */
#include "base/counter.h"
#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

extern const char kira_yang[];

static const char *dep_exe;
static const char *completion;
static char *state_text;
static size_t state_n;
static struct config_schema *schema;
static char dir[32];
static char file[64];

/* --- the room --- */

static struct {
	uv_loop_t loop;
	uv_thread_t thread;
	uv_async_t stop;
	uv_async_t arm;
	uv_timer_t listener; /* waits for a subscriber */
	struct counter *counter;
	bool empty; /* a node that knows nothing yet */
} room;

static int on_state(void *ctx, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root,
		    struct err *err)
{
	yyjson_doc *in = json_parse(room.empty ? "{\"kira:kira\":{\"node\":{}}}" : state_text,
				    room.empty ? 25 : state_n, 0, NULL, err);
	yyjson_val *kira = yyjson_obj_get(yyjson_doc_get_root(in), "kira:kira");

	yyjson_mut_obj_add_val(doc, root, "kira:kira", yyjson_val_mut_copy(doc, kira));
	yyjson_doc_free(in);
	return 0;
}

static int on_apply(void *ctx, const struct config *to, const struct config_diff *diff,
		    bool dry_run, struct err *err)
{
	if (!config_diff_touches(diff, "/kira:kira/port"))
		return 0;
	err_set(err, -EBUSY, "the port cannot change while the node runs");
	err_where(err, "/kira:kira/port");
	err_mend(err, "start it again");
	return -EBUSY;
}

static void add_hop(yyjson_mut_doc *doc, yyjson_mut_val *hops, unsigned index, const char *id,
		    const char *address, int us)
{
	yyjson_mut_val *hop = yyjson_mut_arr_add_obj(doc, hops);

	yyjson_mut_obj_add_uint(doc, hop, "index", index);
	yyjson_mut_obj_add_str(doc, hop, "id", id);
	yyjson_mut_obj_add_str(doc, hop, "address", address);
	if (us >= 0)
		yyjson_mut_obj_add_int(doc, hop, "round-trip", us);
}

static int on_call(void *ctx, uint64_t call, const char *rpc, const struct lyd_node *input,
		   struct err *err)
{
	bool known = strncmp(config_text(input, "target"), "2d", 2) == 0;
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *out = yyjson_mut_obj(doc);
	yyjson_mut_val *hops;

	yyjson_mut_obj_add_str(doc, out, "id", "2d00000000000000000000000000");
	yyjson_mut_obj_add_bool(doc, out, "reached", known);
	hops = json_add_arr(doc, out, "hop");
	if (known) {
		yyjson_mut_obj_add_int(doc, out, "round-trip", 2345);
		add_hop(doc, hops, 0, "0a00000000000000000000000000", "fc00:a00::", -1);
		add_hop(doc, hops, 1, "1c00000000000000000000000000", "fc00:1c00::", 87);
		add_hop(doc, hops, 2, "3e00000000000000000000000000", "fc00:3e00::", -1);
		add_hop(doc, hops, 3, "2d00000000000000000000000000", "fc00:2d00::", 2345);
	}
	counter_reply(room.counter, call, doc, out);
	yyjson_mut_doc_free(doc);
	return 0;
}

static void on_metrics(void *ctx, struct buf *out)
{
	buf_printf(out, "# TYPE dep_kira_up gauge\ndep_kira_up 1\n");
}

static void emit(void)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *content = yyjson_mut_obj(doc);

	yyjson_mut_obj_add_str(doc, content, "id", "2d00000000000000000000000000");
	json_add_u64(doc, content, "outage", 81000);
	counter_event(room.counter, "contact-valid", doc, content);
	yyjson_mut_doc_free(doc);
}

static void on_listen(uv_timer_t *t)
{
	if (!counter_listened(room.counter))
		return;
	uv_timer_stop(t);
	emit();
}

/* One event to the next who subscribes. */
static void on_arm(uv_async_t *a)
{
	uv_timer_start(&room.listener, on_listen, 10, 10);
}

static void on_stop(uv_async_t *a)
{
	uv_timer_stop(&room.listener);
	counter_free(room.counter);
	uv_stop(&room.loop);
}

static void serve(void *unused)
{
	uv_run(&room.loop, UV_RUN_DEFAULT);
	assert_int_equal(loop_finish(&room.loop), 0);
}

static int start(void **state)
{
	struct counter_room r = {.name = "kira",
				 .version = "9.9",
				 .schema = schema,
				 .state = on_state,
				 .apply = on_apply,
				 .call = on_call,
				 .metrics = on_metrics};
	struct err err = {0};
	char path[64];

	strcpy(dir, "/tmp/dep_test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	setenv("DEP_RUN_DIR", dir, 1);
	snprintf(file, sizeof(file), "%s/config.json", dir);
	if (counter_path("kira", path, sizeof(path)) != 0)
		return -1;
	memset(&room, 0, sizeof(room));
	uv_loop_init(&room.loop);
	uv_async_init(&room.loop, &room.stop, on_stop);
	uv_async_init(&room.loop, &room.arm, on_arm);
	uv_timer_init(&room.loop, &room.listener);
	room.counter = counter_new(&room.loop, &r, path, (gid_t)-1,
				   config_parse(schema, "{}", 2, NULL, NULL), &err);
	if (!room.counter) {
		err_print(&err, "start", stderr);
		return -1;
	}
	on_arm(NULL);
	return uv_thread_create(&room.thread, serve, NULL);
}

static int stop(void **state)
{
	uv_async_send(&room.stop);
	uv_thread_join(&room.thread);
	unlink(file);
	return rmdir(dir);
}

/* --- running dep --- */

static char out[65536];
static char errors[4096];

static size_t drain(int fd, char *to, size_t n)
{
	size_t at = 0;
	ssize_t got;

	while (at < n - 1 &&
	       ((got = read(fd, to + at, n - 1 - at)) > 0 || (got < 0 && errno == EINTR)))
		at += got > 0 ? (size_t)got : 0;
	to[at] = '\0';
	close(fd);
	return at;
}

static pid_t spawn(char *const argv[], int *o, int *e)
{
	int po[2];
	int pe[2];
	pid_t pid;

	assert_int_equal(pipe2(po, O_CLOEXEC), 0);
	assert_int_equal(pipe2(pe, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		dup2(po[1], STDOUT_FILENO);
		dup2(pe[1], STDERR_FILENO);
		execv(argv[0], argv);
		_exit(127);
	}
	close(po[1]);
	close(pe[1]);
	*o = po[0];
	*e = pe[0];
	return pid;
}

static int finish(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* dep with arguments up to NULL; out and errors are what it wrote. Returns its exit status. */
static int dep(const char *first, ...)
{
	char *argv[12] = {(char *)(uintptr_t)dep_exe, (char *)(uintptr_t)first};
	va_list ap;
	pid_t pid;
	int n = 2;
	int o;
	int e;

	va_start(ap, first);
	while (first && n < 11 && (argv[n] = va_arg(ap, char *)))
		n++;
	va_end(ap);
	pid = spawn(argv, &o, &e);
	drain(o, out, sizeof(out));
	drain(e, errors, sizeof(errors));
	assert_null(strchr(out, '\033')); /* never into a pipe */
	return finish(pid);
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fprintf(stderr, "no \"%s\" in:\n%s\n%s\n", part, text, errors);
	assert_non_null(strstr(text, part));
}

/* That out is one JSON value; gives it. */
static yyjson_doc *json_out(void)
{
	struct err err = {0};
	yyjson_doc *doc = json_parse(out, strlen(out), 0, NULL, &err);

	if (!doc)
		err_print(&err, out, stderr);
	assert_non_null(doc);
	return doc;
}

static void write_file(const char *text)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* --- tests --- */

static void test_the_fixture_is_what_kira_would_say(void **state)
{
	struct err err = {0};
	int rc = config_check_state(schema, NULL, state_text, state_n, &err);

	if (rc != 0)
		err_print(&err, "fixture", stderr);
	assert_int_equal(rc, 0);
}

static void test_it_explains_itself(void **state)
{
	assert_int_equal(dep(NULL), 0);
	has(out, "dep ROOM VERB");
	has(out, "kira");
	assert_int_equal(dep("kira", NULL), 0);
	has(out, "dep kira trace ID|ADDRESS");
	assert_int_equal(dep("--help", NULL), 0);
	has(out, "dep ROOM VERB");
	assert_int_equal(dep("kira", "show", "--help", NULL), 0);
	has(out, "dep kira show");
	assert_int_equal(dep("--version", NULL), 0);
	assert_string_equal(out, "dep " DEP_VERSION "\n");
}

static void test_misuse_is_2(void **state)
{
	assert_int_equal(dep("mars", NULL), 2);
	has(errors, "dep: no room mars (dep lists them)\n");
	assert_int_equal(dep("kira", "fly", NULL), 2);
	has(errors, "kira has no verb fly");
	assert_int_equal(dep("kira", "trace", NULL), 2);
	has(errors, "an argument is missing (dep kira trace ID|ADDRESS)");
	assert_int_equal(dep("kira", "show", "x", NULL), 2);
	assert_int_equal(dep("kira", "show", "--fast", NULL), 2);
	has(errors, "no option --fast");
	assert_int_equal(dep("kira", "show", "--socket", NULL), 2);
	assert_int_equal(dep("kira", "show", "--defaults", NULL), 2);
	assert_int_equal(dep("kira", "config", "burn", NULL), 2);
	assert_int_equal(dep("kira", "config", "set", NULL), 2);
	assert_int_equal(dep("kira", "config", "get", "x", NULL), 2);
	assert_string_equal(out, "");
}

static void test_no_room_there(void **state)
{
	assert_int_equal(dep("kira", "show", "--socket", "/tmp/no-such.sock", NULL), 1);
	assert_string_equal(
		errors,
		"dep kira show: /tmp/no-such.sock: cannot connect: No such file or directory "
		"(start the room, or say with --socket where its socket is)\n");
	assert_string_equal(out, "");
}

static void test_show(void **state)
{
	yyjson_doc *doc;

	assert_int_equal(dep("kira", "show", NULL), 0);
	assert_string_equal(out,
			    "node 0a00000000000000000000000000\n"
			    "  address     fc00:a00::\n"
			    "  neighbours  2 on eth0, eth1\n"
			    "  contacts    4\n"
			    "  ssn         4\n"
			    "  data plane  bpf\n"
			    "  uptime      12 min\n"
			    "  version     9.9\n"
			    "  messages    12345678901 received, 222 sent, 11 of these passed on\n"
			    "  dropped     42: 2 short, 40 rate\n"
			    "  look-ups    50, 1 without an answer\n"
			    "  lost paths  6: 5 found another way, 1 given up\n");
	assert_int_equal(dep("--json", "kira", "show", NULL), 0);
	doc = json_out();
	assert_string_equal(
		yyjson_get_str(yyjson_ptr_get(yyjson_doc_get_root(doc), "/statistics/received")),
		"12345678901");
	assert_int_equal(yyjson_get_uint(yyjson_ptr_get(yyjson_doc_get_root(doc), "/node/uptime")),
			 754);
	yyjson_doc_free(doc);
}

static void test_nodes(void **state)
{
	yyjson_doc *doc;

	assert_int_equal(dep("kira", "nodes", NULL), 0);
	assert_string_equal(out, "Neighbours: 2\n"
				 "NODE                          LINK  ADDRESS  NEIGHBOURS   HEARD\n"
				 "0b00000000000000000000000000  eth0  fe80::b           3  350 ms\n"
				 "1c00000000000000000000000000  eth1  fe80::c           -  12.3 s\n"
				 "\n"
				 "Contacts: 4\n"
				 "NODE                          STATE          HOPS  VIA        "
				 "BUCKET    SEEN  PROVED\n"
				 "0b00000000000000000000000000  valid             1  neighbour     "
				 "  7  350 ms  350 ms\n"
				 "1c00000000000000000000000000  valid             1  neighbour     "
				 "  3  12.3 s   4 min\n"
				 "2d00000000000000000000000000  valid             3  1c000000…     "
				 "  2     2 h     2 d\n"
				 "f000000000000000000000000000  rediscovering     -  -             "
				 "  0  99.9 s       -\n");
	assert_int_equal(dep("kira", "nodes", "--json", NULL), 0);
	doc = json_out();
	assert_int_equal(yyjson_arr_size(yyjson_ptr_get(yyjson_doc_get_root(doc), "/neighbours")),
			 2);
	assert_string_equal(
		yyjson_get_str(yyjson_ptr_get(yyjson_doc_get_root(doc), "/contacts/3/state")),
		"rediscovering");
	yyjson_doc_free(doc);
}

static void test_tables(void **state)
{
	yyjson_doc *doc;

	assert_int_equal(dep("kira", "routes", NULL), 0);
	has(out,
	    "NODES            ACTION       LINK  VIA      PATH                          BYPASS\n");
	has(out, "fc00:2d00::/128  path         eth1  fe80::c  00112233445566778899aabbccdd  -\n");
	assert_int_equal(dep("kira", "routes", "--json", NULL), 0);
	doc = json_out();
	assert_int_equal(yyjson_arr_size(yyjson_doc_get_root(doc)), 4);
	yyjson_doc_free(doc);
	assert_int_equal(dep("kira", "paths", NULL), 0);
	has(out, "00112233445566778899aabbccdd  path    eth1  fe80::c  "
		 "0123456789abcdef0123456789ab  abababababababababababababab  "
		 "    1.5 s\n");
	assert_int_equal(dep("kira", "paths", "--json", NULL), 0);
	doc = json_out();
	assert_string_equal(
		yyjson_get_str(yyjson_ptr_get(yyjson_doc_get_root(doc), "/1/refreshed")), "1500");
	yyjson_doc_free(doc);
	assert_int_equal(dep("kira", "vicinity", NULL), 0);
	has(out, "   0  0a00000000000000000000000000    4      4  0b000000… 1c000000…\n");
	has(out, "   1  1c00000000000000000000000000    1      -  -\n");
	assert_int_equal(dep("kira", "vicinity", "--json", NULL), 0);
	doc = json_out();
	assert_int_equal(yyjson_arr_size(yyjson_doc_get_root(doc)), 3);
	yyjson_doc_free(doc);
}

static void test_a_node_that_knows_nothing(void **state)
{
	room.empty = true;
	assert_int_equal(dep("kira", "show", NULL), 0);
	has(out, "no interface is a KIRA link");
	assert_int_equal(dep("kira", "nodes", NULL), 0);
	assert_string_equal(out, "Neighbours: 0\n\nContacts: 0\n");
	assert_int_equal(dep("kira", "routes", NULL), 0);
	assert_string_equal(out, "No routes.\n");
	assert_int_equal(dep("kira", "routes", "--json", NULL), 0);
	assert_string_equal(out, "[]\n");
	assert_int_equal(dep("kira", "nodes", "--json", NULL), 0);
	yyjson_doc_free(json_out());
}

static void test_trace(void **state)
{
	yyjson_doc *doc;

	assert_int_equal(dep("kira", "trace", "2d00000000000000000000000000", NULL), 0);
	assert_string_equal(out, "to 2d00000000000000000000000000\n"
				 "  0  0a00000000000000000000000000  fc00:a00::                    "
				 "           this node\n"
				 "  1  1c00000000000000000000000000  fc00:1c00::                   "
				 "           0.087 ms\n"
				 "  2  3e00000000000000000000000000  fc00:3e00::                   "
				 "           no answer\n"
				 "  3  2d00000000000000000000000000  fc00:2d00::                   "
				 "           2.345 ms\n"
				 "reached in 2.345 ms\n");
	assert_int_equal(dep("kira", "trace", "fc00:77::", NULL), 1);
	has(errors, "dep kira trace: no answer from fc00:77:: (");
	assert_int_equal(dep("kira", "trace", "bogus", NULL), 1);
	has(errors, "target");
	assert_int_equal(dep("kira", "trace", "2d00000000000000000000000000", "--json", NULL), 0);
	doc = json_out();
	assert_int_equal(
		yyjson_get_uint(yyjson_ptr_get(yyjson_doc_get_root(doc), "/hop/1/round-trip")), 87);
	yyjson_doc_free(doc);
}

static void test_config(void **state)
{
	yyjson_doc *doc;

	assert_int_equal(dep("kira", "config", NULL), 0);
	assert_string_equal(out, "{}\n");
	assert_int_equal(dep("kira", "config", "get", "--defaults", NULL), 0);
	doc = json_out();
	assert_int_equal(
		yyjson_get_uint(yyjson_ptr_get(yyjson_doc_get_root(doc), "/kira:kira/port")), 8080);
	yyjson_doc_free(doc);

	write_file("{\"kira:kira\":{\"interfaces\":{\"exclude\":[\"wl*\"]},\"timers\":{\"hello-"
		   "min\":300}}}");
	assert_int_equal(dep("kira", "config", "validate", file, NULL), 0);
	has(out, "valid\n");
	assert_int_equal(dep("kira", "config", "diff", file, NULL), 0);
	has(out, "+ /kira:kira/interfaces/exclude[.='wl*']: wl*\n~ /kira:kira/timers/hello-min: "
		 "200 -> 300\nnothing was changed yet");
	assert_int_equal(dep("kira", "config", NULL), 0);
	assert_string_equal(out, "{}\n");
	assert_int_equal(dep("kira", "config", "set", file, NULL), 0);
	has(out, "~ /kira:kira/timers/hello-min: 200 -> 300\napplied\n");
	assert_int_equal(dep("kira", "config", "diff", file, "--json", NULL), 0);
	doc = json_out();
	assert_int_equal(yyjson_arr_size(yyjson_ptr_get(yyjson_doc_get_root(doc), "/changes")), 0);
	yyjson_doc_free(doc);
	assert_int_equal(dep("kira", "config", "diff", file, NULL), 0);
	assert_string_equal(out, "nothing would change\n");
}

static void test_config_errors(void **state)
{
	write_file("{\"kira:kira\":{\n  \"port\" 1}}");
	assert_int_equal(dep("kira", "config", "set", file, NULL), 1);
	has(errors, "config.json, line 2, column ");
	write_file("{\"kira:kira\":{\"port\":70000}}");
	assert_int_equal(dep("kira", "config", "validate", file, NULL), 1);
	has(errors, "dep kira config: /kira:kira/port: ");
	write_file("{\"kira:kira\":{\"port\":9}}");
	assert_int_equal(dep("kira", "config", "validate", file, NULL), 0);
	assert_int_equal(dep("kira", "config", "set", file, NULL), 1);
	assert_string_equal(errors, "dep kira config: /kira:kira/port: the port cannot change "
				    "while the node runs (start it again)\n");
	assert_int_equal(dep("kira", "config", "set", "/no/such/file", NULL), 1);
	has(errors, "/no/such/file: cannot read: No such file");
}

static void test_metrics(void **state)
{
	assert_int_equal(dep("kira", "metrics", NULL), 0);
	assert_string_equal(out, "# TYPE dep_kira_up gauge\ndep_kira_up 1\n");
	assert_int_equal(dep("kira", "metrics", "--json", NULL), 0);
	yyjson_doc_free(json_out());
}

/* One line of a running dep. */
static void read_line(int fd)
{
	size_t at = 0;

	while (at < sizeof(out) - 1) {
		ssize_t got = read(fd, out + at, 1);

		if (got < 0 && errno == EINTR)
			continue;
		assert_int_equal(got, 1);
		if (out[at++] == '\n')
			break;
	}
	out[at] = '\0';
}

static void test_watch_into_a_pipe(void **state)
{
	char *text[] = {(char *)(uintptr_t)dep_exe, "kira", "watch", NULL};
	char *json[] = {(char *)(uintptr_t)dep_exe, "kira", "watch", "--json", NULL};
	yyjson_doc *doc;
	pid_t pid;
	int o;
	int e;

	pid = spawn(text, &o, &e);
	read_line(o);
	assert_int_equal(out[4], '-');
	assert_string_equal(strchr(out, ' '),
			    " contact-valid id=2d00000000000000000000000000 outage=81000\n");
	kill(pid, SIGINT);
	assert_int_equal(finish(pid), -SIGINT);
	close(o);
	close(e);

	uv_async_send(&room.arm);
	pid = spawn(json, &o, &e);
	read_line(o);
	doc = json_out();
	assert_string_equal(yyjson_get_str(yyjson_ptr_get(yyjson_doc_get_root(doc), "/path")),
			    "/kira:contact-valid");
	yyjson_doc_free(doc);
	kill(pid, SIGTERM);
	finish(pid);
	close(o);
	close(e);
}

static void test_watch_ends_with_the_room(void **state)
{
	char *argv[] = {(char *)(uintptr_t)dep_exe, "kira", "watch", NULL};
	pid_t pid;
	int o;
	int e;

	pid = spawn(argv, &o, &e);
	read_line(o);
	assert_int_equal(stop(state), 0);
	drain(o, out, sizeof(out));
	drain(e, errors, sizeof(errors));
	assert_int_equal(finish(pid), 1);
	has(errors, "dep kira watch: ");
	has(errors, "the room closed the connection");
	assert_int_equal(start(state), 0);
}

/* Reads from a terminal until part has come. */
static void read_until(int fd, const char *part)
{
	size_t at = 0;

	out[0] = '\0';
	while (!strstr(out, part)) {
		ssize_t got = read(fd, out + at, sizeof(out) - 1 - at);

		if (got < 0 && errno == EINTR)
			continue;
		assert_true(got > 0);
		at += (size_t)got;
		out[at] = '\0';
	}
}

static void test_watch_on_a_terminal(void **state)
{
	struct winsize size = {.ws_row = 30, .ws_col = 100};
	int fd;
	pid_t pid = forkpty(&fd, NULL, NULL, &size);

	if (pid == 0) {
		execl(dep_exe, dep_exe, "kira", "watch", NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	read_until(fd, "contact-valid id=2d00000000000000000000000000");
	has(out, "\033[?1049h");
	has(out, "node 0a00000000000000000000000000");
	/* Ctrl-C: the terminal is given back. */
	assert_int_equal(write(fd, "\003", 1), 1);
	read_until(fd, "\033[?1049l");
	assert_int_equal(finish(pid), 0);
	close(fd);
}

static void complete(const char *line, const char *want)
{
	static char script[2048];
	char *argv[] = {"/bin/bash", "--norc", "-c", script, NULL};
	pid_t pid;
	int o;
	int e;

	snprintf(script, sizeof(script),
		 "PATH=$(dirname %s):$PATH; . %s; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} "
		 "- 1)); _dep; "
		 "echo \"${COMPREPLY[*]}\"; complete -p dep >/dev/null || echo not registered",
		 dep_exe, completion, line);
	pid = spawn(argv, &o, &e);
	drain(o, out, sizeof(out));
	drain(e, errors, sizeof(errors));
	assert_int_equal(finish(pid), 0);
	assert_string_equal(errors, "");
	assert_string_equal(out, want);
}

static void test_completion(void **state)
{
	char verbs[256] = "";
	static char listing[sizeof(out)];
	char *line;
	char *rest;

	/* Exactly the verbs that dep has, in its order. */
	assert_int_equal(dep("kira", NULL), 0);
	memcpy(listing, out, sizeof(listing));
	for (line = strtok_r(listing, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "  dep kira ", 11) != 0)
			continue;
		snprintf(verbs + strlen(verbs), sizeof(verbs) - strlen(verbs), "%s%.*s",
			 verbs[0] ? " " : "", (int)strcspn(line + 11, " "), line + 11);
	}
	has(verbs, "show nodes");
	strcat(verbs, "\n");
	complete("dep kira ''", verbs);
	complete("dep 'k'", "kira\n");
	complete("dep 'ro'", "rollback\n");
	complete("dep kira --json 'n'", "nodes\n");
	complete("dep --socket /x kira 'w'", "watch\n");
	complete("dep kira config ''", "get set validate diff\n");
	complete("dep kira config '--d'", "--defaults\n");
	complete("dep kira show '--'", "--json --socket --help\n");
	complete("dep kira show ''", "\n");
	complete("dep l4s ''", "show links flows load unload reset watch config metrics study\n");
	complete("dep l4s load '--c'", "--cubic\n");
	complete("dep l4s study '--s'", "--seeds\n");
	complete("dep kira trace 'f0'", "f000000000000000000000000000\n");
}

#define WITH_ROOM(f) cmocka_unit_test_setup_teardown(f, start, stop)

static char *slurp(const char *name, size_t *n)
{
	FILE *f = fopen(name, "re");
	char *text = calloc(1, 65536);

	if (f && text)
		*n = fread(text, 1, 65535, f);
	if (f)
		fclose(f);
	return text;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_fixture_is_what_kira_would_say),
		cmocka_unit_test(test_it_explains_itself),
		cmocka_unit_test(test_misuse_is_2),
		cmocka_unit_test(test_no_room_there),
		WITH_ROOM(test_show),
		WITH_ROOM(test_nodes),
		WITH_ROOM(test_tables),
		WITH_ROOM(test_a_node_that_knows_nothing),
		WITH_ROOM(test_trace),
		WITH_ROOM(test_config),
		WITH_ROOM(test_config_errors),
		WITH_ROOM(test_metrics),
		WITH_ROOM(test_watch_into_a_pipe),
		WITH_ROOM(test_watch_ends_with_the_room),
		WITH_ROOM(test_watch_on_a_terminal),
		WITH_ROOM(test_completion),
	};
	struct err err = {0};
	int failed;

	if (argc != 4) {
		fprintf(stderr, "usage: dep_test DEP STATE COMPLETION\n");
		return 2;
	}
	dep_exe = argv[1];
	completion = argv[3];
	state_text = slurp(argv[2], &state_n);
	schema = config_schema_new("kira", kira_yang, &err);
	if (!schema || !state_text || state_n == 0) {
		err_print(&err, "dep_test", stderr);
		return 1;
	}
	alarm(120);
	failed = cmocka_run_group_tests_name("dep", tests, NULL, NULL);
	config_schema_free(schema);
	free(state_text);
	return failed;
}
