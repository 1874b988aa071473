/* SPDX-License-Identifier: BSD-2-Clause */
/* Real daemons in namespaces of their own, spoken to as people and programs do: by their addresses,
 * their management links and signals. */
#include "base/counter.h"
#include "base/log.h"
#include "proto/kira/id.h"
#include "proto/kira/node/netns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern const char kira_yang[];

#define DAEMONS 3
/* Milliseconds until something must have happened: only a failure takes so long. */
#define WAIT 15000

struct daemon {
	int ns;
	pid_t pid; /* 0: not running */
	char dir[64];
	char socket[96];
	char config[96];
};

static const char *program; /* path of dep-kira */
static struct daemon d[DAEMONS];
static struct config_schema *schema;
static struct config *defaults;

/* ---- daemons ---- */

static void pause_ms(long ms)
{
	struct timespec t = {.tv_nsec = ms * 1000000};

	nanosleep(&t, NULL);
}

static void write_config(struct daemon *e, const char *text)
{
	FILE *f = fopen(e->config, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void run_daemon(struct daemon *e, const char *const more[])
{
	const char *argv[16] = {"dep-kira", "--state-dir", e->dir,   "--run-dir",
				e->dir,	    "--config",	   e->config};
	char log_path[96];
	size_t n = 7;
	int log;

	for (; more && *more && n < 15; more++)
		argv[n++] = *more;
	snprintf(log_path, sizeof(log_path), "%s/log", e->dir);
	log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(log, 2);
	/* Without strict_string_checks: it takes strndup() of a text without an end, as libyang has it in
	 * unions, for an overrun. */
	setenv("ASAN_OPTIONS", "abort_on_error=1:detect_stack_use_after_return=1", 1);
	setns(e->ns, CLONE_NEWNET);
	execv(program, (char *const *)argv);
	_exit(127);
}

static pid_t launch(struct daemon *e, const char *const more[])
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		run_daemon(e, more);
	return pid;
}

static void print_log(const struct daemon *e)
{
	char path[96];
	char line[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", e->dir);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		fprintf(stderr, "# %s", line);
	if (f)
		fclose(f);
}

static struct counter_client *connect_to(const struct daemon *e)
{
	struct counter_client *cl = NULL;
	int i;

	for (i = 0; i < WAIT / 10 && !cl; i++) {
		cl = counter_connect(e->socket, NULL);
		if (!cl)
			pause_ms(10);
	}
	if (!cl)
		print_log(e);
	assert_non_null(cl);
	return cl;
}

static void start(struct daemon *e, const char *const more[])
{
	e->pid = launch(e, more);
	counter_close(connect_to(e));
}

/* The exit status of a process that ends by itself or was told to; kills and fails where it does
 * not. */
static int wait_end(struct daemon *e, pid_t pid)
{
	int status;
	int i;

	for (i = 0; i < WAIT / 10; i++) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		assert_true(got >= 0);
		if (got == pid)
			return status;
		pause_ms(10);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	print_log(e);
	fail_msg("the daemon did not end");
	return -1;
}

static void assert_ended(struct daemon *e, int status, int code)
{
	if (!WIFEXITED(status) || WEXITSTATUS(status) != code)
		print_log(e);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
}

static void stop(struct daemon *e)
{
	pid_t pid = e->pid;

	if (pid == 0)
		return;
	e->pid = 0;
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_ended(e, wait_end(e, pid), 0);
}

static void crash(struct daemon *e)
{
	int status;

	kill(e->pid, SIGKILL);
	waitpid(e->pid, &status, 0);
	e->pid = 0;
}

/* ---- management link ---- */

/* A request with params as JSON text. Returns the document, *result in it; NULL where it was
 * refused. */
static yyjson_doc *request(const struct daemon *e, const char *method, const char *params,
			   yyjson_val **result, struct err *err)
{
	struct counter_client *cl = connect_to(e);
	yyjson_doc *in = json_parse(params, strlen(params), 0, NULL, NULL);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_doc *out;

	assert_non_null(in);
	out = counter_request(cl, method, doc, yyjson_val_mut_copy(doc, yyjson_doc_get_root(in)),
			      WAIT, result, err);
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(in);
	counter_close(cl);
	return out;
}

/* The part of the state at path, checked against the module. */
static yyjson_doc *state_of(const struct daemon *e, const char *path, yyjson_val **kira)
{
	struct err err = {0};
	char params[128];
	yyjson_doc *doc;
	yyjson_val *result;
	char *text;
	size_t n;

	snprintf(params, sizeof(params), "{\"path\": \"%s\"}", path);
	doc = request(e, "state.get", params, &result, &err);
	if (!doc) {
		err_print(&err, "state.get", stderr);
		print_log(e);
	}
	assert_non_null(doc);
	text = yyjson_val_write(result, 0, &n);
	if (config_check_state(schema, defaults, text, n, &err) != 0) {
		err_print(&err, "state", stderr);
		fail_msg("state does not fit the module: %.*s", (int)n, text);
	}
	free(text);
	*kira = yyjson_obj_get(result, "kira:kira");
	assert_non_null(*kira);
	return doc;
}

struct node_state {
	char id[KIRA_ID_TEXT];
	char address[46];
	uint64_t ssn;
	uint64_t degree;
	uint64_t contacts;
};

static void copy_text(yyjson_val *obj, const char *key, char *to, size_t n)
{
	const char *text = yyjson_get_str(yyjson_obj_get(obj, key));

	assert_non_null(text);
	snprintf(to, n, "%s", text);
}

static struct node_state node_state(const struct daemon *e)
{
	struct node_state s = {0};
	yyjson_val *kira;
	yyjson_doc *doc = state_of(e, "/kira:kira/node", &kira);
	yyjson_val *node = yyjson_obj_get(kira, "node");

	assert_non_null(node);
	copy_text(node, "id", s.id, sizeof(s.id));
	copy_text(node, "address", s.address, sizeof(s.address));
	s.ssn = yyjson_get_uint(yyjson_obj_get(node, "ssn"));
	s.degree = yyjson_get_uint(yyjson_obj_get(node, "degree"));
	s.contacts = yyjson_get_uint(yyjson_obj_get(node, "contacts"));
	yyjson_doc_free(doc);
	return s;
}

static void until_degree(const struct daemon *e, uint64_t degree)
{
	int i;

	for (i = 0; i < WAIT / 20 && node_state(e).degree != degree; i++)
		pause_ms(20);
	if (node_state(e).degree != degree)
		print_log(e);
	assert_int_equal(node_state(e).degree, degree);
}

static void assert_applies(const struct daemon *e, const char *config, bool takes)
{
	struct err err = {0};
	char params[1024];
	yyjson_val *result;
	yyjson_doc *doc;

	snprintf(params, sizeof(params), "{\"config\": %s}", config);
	doc = request(e, "config.apply", params, &result, &err);
	if (takes && !doc) {
		err_print(&err, "config.apply", stderr);
		print_log(e);
	}
	assert_true(!!doc == takes);
	if (!takes)
		assert_true(err.what[0] && err.mend[0]);
	yyjson_doc_free(doc);
}

/* ---- traffic ---- */

static bool pings(const struct daemon *from, const char *address)
{
	char command[128];
	int rc;

	netns_enter(from->ns);
	snprintf(command, sizeof(command), "ping -6 -n -q -c 1 -W 1 %s >/dev/null 2>&1", address);
	rc = system(command);
	return WIFEXITED(rc) && WEXITSTATUS(rc) == 0;
}

static void until_pings(const struct daemon *from, const struct daemon *to)
{
	struct node_state s = node_state(to);
	int i;

	for (i = 0; i < WAIT / 100 && !pings(from, s.address); i++)
		pause_ms(100);
	if (!pings(from, s.address)) {
		print_log(from);
		print_log(to);
		fail_msg("no answer from %s", s.address);
	}
}

/* What iproute2 shows of a namespace, but for counters and ages. */
static char *kernel_state(const struct daemon *e)
{
	static const char command[] = "{ ip -o link | sed 's/ qlen [0-9]*//'; ip -o -6 addr | sed "
				      "'s/valid_lft.*//'; ip -6 route show table all; "
				      "ip -6 rule; ip -6 neigh show nud permanent; "
				      "for i in lo left right; do tc filter show dev $i ingress; "
				      "tc filter show dev $i egress; tc qdisc show dev $i; "
				      "done; cat /proc/sys/net/ipv6/conf/all/forwarding "
				      "/proc/sys/net/ipv6/conf/default/forwarding; } 2>/dev/null";
	char *text = calloc(1, 65536);
	FILE *f;

	netns_enter(e->ns);
	f = popen(command, "r");
	assert_non_null(f);
	assert_true(fread(text, 1, 65535, f) > 0);
	pclose(f);
	return text;
}

/* ---- the network: 0 - 1 - 2 ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int setup(void **state)
{
	char dir[64];
	int i;

	if (getuid() != 0)
		return 0;
	for (i = 0; i < DAEMONS; i++) {
		memset(&d[i], 0, sizeof(d[i]));
		snprintf(dir, sizeof(dir), "/tmp/dep-daemon-%d-XXXXXX", i);
		if (!mkdtemp(dir))
			return -1;
		memcpy(d[i].dir, dir, sizeof(dir));
		snprintf(d[i].socket, sizeof(d[i].socket), "%s/kira.sock", dir);
		snprintf(d[i].config, sizeof(d[i].config), "%s/kira.json", dir);
		write_config(&d[i], "{}");
		d[i].ns = netns_new();
	}
	netns_veth(d[0].ns, "right", d[1].ns, "left");
	netns_veth(d[1].ns, "right", d[2].ns, "left");
	return 0;
}

static int teardown(void **state)
{
	int i;

	for (i = 0; i < DAEMONS; i++) {
		if (d[i].pid > 0)
			crash(&d[i]);
		if (d[i].dir[0])
			nftw(d[i].dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
		if (d[i].ns > 0)
			close(d[i].ns);
	}
	memset(d, 0, sizeof(d));
	return 0;
}

/* ---- cases ---- */

static void two_find_each_other(void **state)
{
	struct node_state s[2];
	yyjson_val *kira;
	yyjson_doc *doc;
	yyjson_val *entry;

	if (getuid() != 0)
		skip();
	start(&d[0], NULL);
	start(&d[1], NULL);
	until_degree(&d[0], 1);
	until_degree(&d[1], 1);
	s[0] = node_state(&d[0]);
	s[1] = node_state(&d[1]);
	assert_string_not_equal(s[0].id, s[1].id);
	until_pings(&d[0], &d[1]);
	until_pings(&d[1], &d[0]);
	until_pings(&d[0], &d[0]);

	doc = state_of(&d[0], "/kira:kira/neighbours", &kira);
	entry = yyjson_arr_get_first(
		yyjson_obj_get(yyjson_obj_get(kira, "neighbours"), "neighbour"));
	assert_string_equal(yyjson_get_str(yyjson_obj_get(entry, "id")), s[1].id);
	assert_string_equal(yyjson_get_str(yyjson_obj_get(entry, "link")), "right");
	assert_string_equal(yyjson_get_str(yyjson_obj_get(entry, "address")), "fe80::2");
	yyjson_doc_free(doc);
	stop(&d[0]);
	stop(&d[1]);
}

static void three_in_a_row(void **state)
{
	struct err err = {0};
	struct node_state far;
	char params[256];
	yyjson_val *result;
	yyjson_val *hops;
	yyjson_doc *doc;
	int i;

	if (getuid() != 0)
		skip();
	for (i = 0; i < 3; i++)
		start(&d[i], NULL);
	until_degree(&d[1], 2);
	until_pings(&d[0], &d[2]);
	until_pings(&d[2], &d[0]);
	far = node_state(&d[2]);
	/* Everything there is: checked against the module. */
	for (i = 0; i < 3; i++) {
		yyjson_val *kira;

		yyjson_doc_free(state_of(&d[i], "/", &kira));
	}
	snprintf(params, sizeof(params), "{\"rpc\": \"trace\", \"input\": {\"target\": \"%s\"}}",
		 far.address);
	doc = request(&d[0], "call", params, &result, &err);
	if (!doc) {
		err_print(&err, "trace", stderr);
		print_log(&d[0]);
	}
	assert_non_null(doc);
	result = yyjson_obj_get(result, "output");
	assert_true(yyjson_get_bool(yyjson_obj_get(result, "reached")));
	hops = yyjson_obj_get(result, "hop");
	assert_int_equal(yyjson_arr_size(hops), 3);
	assert_string_equal(yyjson_get_str(yyjson_obj_get(yyjson_arr_get(hops, 0), "id")),
			    node_state(&d[0]).id);
	assert_string_equal(yyjson_get_str(yyjson_obj_get(yyjson_arr_get(hops, 1), "id")),
			    node_state(&d[1]).id);
	assert_string_equal(yyjson_get_str(yyjson_obj_get(yyjson_arr_get(hops, 2), "id")), far.id);
	yyjson_doc_free(doc);

	/* Nobody has this one. */
	doc = request(
		&d[0], "call",
		"{\"rpc\": \"trace\", \"input\": {\"target\": \"000000000000000000000000beef\"}}",
		&result, &err);
	assert_non_null(doc);
	assert_false(yyjson_get_bool(yyjson_obj_get(yyjson_obj_get(result, "output"), "reached")));
	yyjson_doc_free(doc);
	assert_null(request(&d[0], "call",
			    "{\"rpc\": \"trace\", \"input\": {\"target\": \"2001:db8::1\"}}",
			    &result, &err));
	for (i = 0; i < 3; i++)
		stop(&d[i]);
}

/* Forwarding is the kernel's: stopped daemons do not stop traffic. */
static void traffic_without_daemons(void **state)
{
	struct node_state far;
	int i;

	if (getuid() != 0)
		skip();
	for (i = 0; i < 3; i++)
		start(&d[i], NULL);
	until_degree(&d[1], 2);
	until_pings(&d[0], &d[2]);
	until_pings(&d[2], &d[0]);
	far = node_state(&d[2]);
	for (i = 0; i < 3; i++)
		kill(d[i].pid, SIGSTOP);
	for (i = 0; i < 10; i++) {
		assert_true(pings(&d[0], far.address));
		pause_ms(50);
	}
	for (i = 0; i < 3; i++)
		kill(d[i].pid, SIGCONT);
	for (i = 0; i < 3; i++)
		stop(&d[i]);
}

static void in_user_space_too(void **state)
{
	char *before;
	char *after;
	int i;

	if (getuid() != 0)
		skip();
	before = kernel_state(&d[1]);
	for (i = 0; i < 3; i++) {
		write_config(&d[i], "{\"kira:kira\": {\"data-plane\": {\"kind\": \"tun\", \"device\": \"net0\"}}}");
		start(&d[i], NULL);
	}
	until_degree(&d[1], 2);
	until_pings(&d[0], &d[2]);
	until_pings(&d[2], &d[0]);
	for (i = 0; i < 3; i++)
		stop(&d[i]);
	after = kernel_state(&d[1]);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void the_same_after_a_restart(void **state)
{
	struct node_state before;
	struct node_state after;

	if (getuid() != 0)
		skip();
	start(&d[0], NULL);
	start(&d[1], NULL);
	until_degree(&d[0], 1);
	before = node_state(&d[0]);
	assert_true(before.ssn > 0);
	stop(&d[0]);
	start(&d[0], NULL);
	until_degree(&d[0], 1);
	after = node_state(&d[0]);
	assert_string_equal(before.id, after.id);
	assert_true(after.ssn > before.ssn);
	until_pings(&d[1], &d[0]);

	before = after;
	crash(&d[0]);
	start(&d[0], NULL);
	until_degree(&d[0], 1);
	after = node_state(&d[0]);
	assert_string_equal(before.id, after.id);
	assert_true(after.ssn > before.ssn);
	until_pings(&d[1], &d[0]);
	stop(&d[0]);
	stop(&d[1]);
}

static void leaves_nothing_behind(void **state)
{
	char *before;
	char *during;
	char *after;

	if (getuid() != 0)
		skip();
	before = kernel_state(&d[1]);
	start(&d[0], NULL);
	start(&d[1], NULL);
	start(&d[2], NULL);
	until_degree(&d[1], 2);
	until_pings(&d[0], &d[2]);
	during = kernel_state(&d[1]);
	assert_non_null(strstr(during, "kira0"));
	stop(&d[1]);
	after = kernel_state(&d[1]);
	assert_string_equal(before, after);
	/* A crashed one's is taken over, and gone with its successor. */
	start(&d[1], NULL);
	until_degree(&d[1], 2);
	crash(&d[1]);
	start(&d[1], NULL);
	until_degree(&d[1], 2);
	stop(&d[1]);
	free(after);
	after = kernel_state(&d[1]);
	assert_string_equal(before, after);
	free(before);
	free(during);
	free(after);
	assert_int_equal(access(d[1].socket, F_OK), -1);
	stop(&d[0]);
	stop(&d[2]);
}

static void links_come_and_go(void **state)
{
	if (getuid() != 0)
		skip();
	start(&d[0], NULL);
	start(&d[1], NULL);
	until_degree(&d[0], 1);
	until_degree(&d[1], 1);
	netns_enter(d[0].ns);
	netns_up("right", false);
	until_degree(&d[1], 0);
	until_degree(&d[0], 0);
	netns_delete("right");
	netns_veth(d[0].ns, "other", d[1].ns, "left");
	until_degree(&d[0], 1);
	until_degree(&d[1], 1);
	until_pings(&d[0], &d[1]);
	stop(&d[0]);
	stop(&d[1]);
}

static void configuration_while_running(void **state)
{
	struct node_state before;
	yyjson_val *result;
	yyjson_doc *doc;
	const char *text;
	int i;

	if (getuid() != 0)
		skip();
	start(&d[0], NULL);
	start(&d[1], NULL);
	until_degree(&d[0], 1);
	assert_applies(&d[0], "{\"kira:kira\": {\"interfaces\": {\"exclude\": [\"rig*\"]}}}", true);
	until_degree(&d[0], 0);
	until_degree(&d[1], 0);
	assert_applies(&d[0], "{}", true);
	until_degree(&d[0], 1);

	/* The routing starts again in place; its number goes on. */
	before = node_state(&d[0]);
	assert_applies(&d[0], "{\"kira:kira\": {\"timers\": {\"own-lookup\": 2000}}}", true);
	until_degree(&d[0], 1);
	assert_string_equal(node_state(&d[0]).id, before.id);
	assert_true(node_state(&d[0]).ssn > before.ssn);
	until_pings(&d[1], &d[0]);
	assert_applies(&d[0], "{\"kira:kira\": {\"node-prefix\": \"fd00::/16\"}}", false);
	assert_applies(&d[0], "{\"kira:kira\": {\"port\": 9999}}", true);
	until_degree(&d[1], 0);
	assert_applies(&d[0], "{}", true);
	until_degree(&d[1], 1);

	doc = request(&d[0], "metrics", "{}", &result, NULL);
	assert_non_null(doc);
	text = yyjson_get_str(yyjson_obj_get(result, "text"));
	assert_non_null(strstr(text, "dep_kira_neighbours 1"));
	assert_non_null(
		strstr(text, "dep_kira_messages_total{direction=\"rx\",type=\"ULNHello\"}"));
	yyjson_doc_free(doc);

	write_config(&d[0], "{\"kira:kira\": {\"interfaces\": {\"exclude\": [\"right\"]}}}");
	kill(d[0].pid, SIGHUP);
	until_degree(&d[0], 0);
	/* A file that is not valid changes nothing. */
	write_config(&d[0], "{\"kira:kira\": {\"interfaces\": {\"exclude\": [\"a b\"]}}}");
	kill(d[0].pid, SIGHUP);
	for (i = 0; i < 5; i++) {
		pause_ms(20);
		assert_int_equal(node_state(&d[0]).degree, 0);
	}
	write_config(&d[0], "{}");
	kill(d[0].pid, SIGHUP);
	until_degree(&d[0], 1);
	stop(&d[0]);
	stop(&d[1]);
}

static void events_are_told(void **state)
{
	struct counter_client *cl;
	yyjson_doc *doc;
	yyjson_val *params;
	yyjson_val *result;
	struct err err = {0};
	bool up = false;
	int i;

	if (getuid() != 0)
		skip();
	start(&d[0], NULL);
	cl = connect_to(&d[0]);
	doc = counter_request(cl, "subscribe", NULL, NULL, WAIT, &result, &err);
	assert_non_null(doc);
	yyjson_doc_free(doc);
	start(&d[1], NULL);
	for (i = 0; i < 100 && !up; i++) {
		char *text;
		size_t n;

		doc = counter_next(cl, WAIT, &params, &err);
		assert_non_null(doc);
		up = strcmp(yyjson_get_str(yyjson_obj_get(params, "path")), "/kira:neighbour-up") ==
		     0;
		text = yyjson_val_write(yyjson_obj_get(params, "data"), 0, &n);
		if (config_check_event(schema, text, n, &err) != 0)
			fail_msg("%s: %s", text, err.what);
		free(text);
		yyjson_doc_free(doc);
	}
	assert_true(up);
	counter_close(cl);
	stop(&d[0]);
	stop(&d[1]);
}

/* Nobody but a neighbour is listened to, and no neighbour can stop us. */
static void hostile_datagrams(void **state)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(8080)};
	struct node_state before;
	static const int hops[] = {255, 64};
	uint32_t r = 12345;
	uint8_t bytes[1400];
	yyjson_val *kira;
	yyjson_doc *doc;
	int fd[2];
	int i;

	if (getuid() != 0)
		skip();
	start(&d[0], NULL);
	start(&d[1], NULL);
	until_degree(&d[1], 1);
	before = node_state(&d[1]);
	netns_enter(d[0].ns);
	to.sin6_scope_id = netns_ifindex("right");
	inet_pton(AF_INET6, "fe80::2", &to.sin6_addr);
	for (i = 0; i < 2; i++) {
		fd[i] = socket(AF_INET6, SOCK_DGRAM, 0);
		setsockopt(fd[i], IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops[i], sizeof(hops[i]));
	}
	for (i = 0; i < 100000; i++) {
		size_t n = r % sizeof(bytes);
		size_t at;

		for (at = 0; at < n; at++) {
			r = r * 1664525 + 1013904223;
			bytes[at] = (uint8_t)(r >> 24);
		}
		/* Every other one looks like a message at first sight. */
		if (n >= 55 && (i & 1)) {
			static const uint8_t types[] = {0x01, 0x03, 0x04, 0x09, 0x0a,
							0x0b, 0x0c, 0x11, 0x21, 0x22,
							0x70, 0x81, 0x83, 0xa1, 0xa4};

			bytes[0] = 0;
			bytes[1] = types[(unsigned)i / 2 % sizeof(types)];
			bytes[3] = (uint8_t)(n >> 8);
			bytes[4] = (uint8_t)n;
			memset(bytes + 33, 0, 8);
		}
		r = r * 1664525 + 1013904223;
		sendto(fd[i % 16 == 0], bytes, n, 0, (struct sockaddr *)&to, sizeof(to));
	}
	close(fd[0]);
	close(fd[1]);
	until_degree(&d[1], 1);
	until_pings(&d[0], &d[1]);
	assert_string_equal(node_state(&d[1]).id, before.id);
	doc = state_of(&d[1], "/kira:kira/statistics", &kira);
	assert_true(yyjson_arr_size(yyjson_obj_get(yyjson_obj_get(kira, "statistics"), "drop")) >=
		    2);
	yyjson_doc_free(doc);
	stop(&d[0]);
	stop(&d[1]);
}

static unsigned long long status_of(pid_t pid, const char *name, int base)
{
	char path[64];
	char line[256];
	unsigned long long v = ~0ull;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			v = strtoull(line + strlen(name) + 1, NULL, base);
	if (f)
		fclose(f);
	return v;
}

#define KEPT 0x8000003000ull /* CAP_BPF, CAP_NET_RAW, CAP_NET_ADMIN */

static void runs_in_a_sandbox(void **state)
{
	static const char *const as_user[] = {"--user", "nobody", NULL};

	if (getuid() != 0)
		skip();
	start(&d[0], NULL);
	start(&d[1], as_user);
	until_degree(&d[0], 1);
	until_degree(&d[1], 1);
	until_pings(&d[0], &d[1]);
	assert_int_equal(status_of(d[0].pid, "Seccomp", 10), 2);
	assert_int_equal(status_of(d[0].pid, "NoNewPrivs", 10), 1);
	assert_int_equal(status_of(d[0].pid, "CapEff", 16), KEPT);
	assert_int_equal(status_of(d[0].pid, "CapBnd", 16), KEPT);
	assert_int_equal(status_of(d[1].pid, "CapEff", 16), KEPT);
	assert_int_equal(status_of(d[1].pid, "Uid", 10), 65534);
	/* Links that come later are taken without privileges that are gone. */
	netns_veth(d[1].ns, "late", d[0].ns, "late");
	netns_enter(d[0].ns);
	netns_up("right", false);
	until_degree(&d[1], 1);
	until_pings(&d[0], &d[1]);
	stop(&d[0]);
	stop(&d[1]);
}

static void says_why_it_does_not_start(void **state)
{
	static const char *const wrong[] = {"--bogus", NULL};
	static const char *const check[] = {"--check", NULL};
	static const char *const nobody[] = {"--user", "no-such-user-here", NULL};

	if (getuid() != 0)
		skip();
	assert_ended(&d[0], wait_end(&d[0], launch(&d[0], wrong)), 2);
	assert_ended(&d[0], wait_end(&d[0], launch(&d[0], check)), 0);
	assert_ended(&d[0], wait_end(&d[0], launch(&d[0], nobody)), 1);
	write_config(&d[0], "{\"kira:kira\": {\"port\": 0}}");
	assert_ended(&d[0], wait_end(&d[0], launch(&d[0], check)), 3);
	assert_ended(&d[0], wait_end(&d[0], launch(&d[0], NULL)), 3);
	write_config(&d[0], "{}");
	start(&d[0], NULL);
	assert_ended(&d[0], wait_end(&d[0], launch(&d[0], NULL)), 1);
	stop(&d[0]);
}

/* daemon_test PATH_OF_DEP_KIRA */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_find_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(three_in_a_row, setup, teardown),
		cmocka_unit_test_setup_teardown(traffic_without_daemons, setup, teardown),
		cmocka_unit_test_setup_teardown(in_user_space_too, setup, teardown),
		cmocka_unit_test_setup_teardown(the_same_after_a_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(leaves_nothing_behind, setup, teardown),
		cmocka_unit_test_setup_teardown(links_come_and_go, setup, teardown),
		cmocka_unit_test_setup_teardown(configuration_while_running, setup, teardown),
		cmocka_unit_test_setup_teardown(events_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_datagrams, setup, teardown),
		cmocka_unit_test_setup_teardown(runs_in_a_sandbox, setup, teardown),
		cmocka_unit_test_setup_teardown(says_why_it_does_not_start, setup, teardown),
	};
	struct err err = {0};
	int failed;

	if (argc != 2)
		return 2;
	program = argv[1];
	schema = config_schema_new("kira", kira_yang, &err);
	defaults = schema ? config_parse(schema, "{}", 2, NULL, &err) : NULL;
	if (!defaults) {
		err_print(&err, "kira.yang", stderr);
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	config_free(defaults);
	config_schema_free(schema);
	return failed;
}
