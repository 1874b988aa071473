/* SPDX-License-Identifier: BSD-2-Clause */
/* depd and dep up, down, status with real processes: depd_test DEPD DEP ROOM. */
#include "base/clock.h"
#include "base/counter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define WAIT SEC(60) /* a bound on the test, not a measure */

static const char *depd;
static const char *dep;
static const char *fixture;
static char dir[40];
static char out[16384]; /* of the last dep */

#define until(condition)                                                                           \
	do {                                                                                       \
		usec_t end_ = clock_now() + WAIT;                                                  \
		while (!(condition)) {                                                             \
			assert_true(clock_now() < end_);                                           \
			usleep(10000);                                                             \
		}                                                                                  \
	} while (0)

static const char *in_dir(const char *name)
{
	static char path[4][128];
	static unsigned i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static void read_file(const char *path, char *to, size_t n)
{
	FILE *f = fopen(path, "r");
	size_t got = f ? fread(to, 1, n - 1, f) : 0;

	to[got] = '\0';
	if (f)
		fclose(f);
}

static const char *journal(void)
{
	static char text[4096];

	read_file(in_dir("journal"), text, sizeof(text));
	return text;
}

/* A manifest; more: further members, or "". */
static void room(const char *name, const char *mode, const char *more)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "%s/etc/rooms/%s.json", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"{\"name\":\"%s\",\"command\":[\"%s\",\"{run}/%s.sock\",\"%s/journal\",\"%s\"]%s}",
		name, fixture, name, dir, mode, more);
	fclose(f);
}

/* Runs dep with depd's directories. Returns its exit status; what it prints is in `out`. */
static int run_dep(const char *const *args)
{
	const char *argv[24] = {dep, args[0], "--run-dir", in_dir("run")};
	int n = 4;
	int status;
	pid_t pid;
	FILE *f;

	if (strcmp(args[0], "up") == 0) {
		argv[n++] = "--state-dir";
		argv[n++] = in_dir("state");
		argv[n++] = "--etc-dir";
		argv[n++] = in_dir("etc");
	}
	for (args++; *args; args++)
		argv[n++] = *args;
	f = tmpfile();
	pid = fork();
	if (pid == 0) {
		dup2(fileno(f), 1);
		dup2(fileno(f), 2);
		execv(dep, (char **)argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	rewind(f);
	out[fread(out, 1, sizeof(out) - 1, f)] = '\0';
	fclose(f);
	return WEXITSTATUS(status);
}

#define DEP(...) run_dep((const char *const[]){__VA_ARGS__, NULL})

/* A member of a room in dep status --json, as text. */
static const char *status_of(const char *name, const char *member)
{
	static char text[128];
	yyjson_doc *doc;
	yyjson_val *r;
	size_t max;
	size_t i;

	assert_int_equal(DEP("status", "--json"), 0);
	doc = yyjson_read(out, strlen(out), 0);
	assert_non_null(doc);
	text[0] = '\0';
	yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "room"), i, max, r)
	{
		yyjson_val *v = yyjson_obj_get(r, member);

		if (!yyjson_equals_str(yyjson_obj_get(r, "name"), name))
			continue;
		if (yyjson_is_str(v))
			snprintf(text, sizeof(text), "%s", yyjson_get_str(v));
		else if (v)
			snprintf(text, sizeof(text), "%llu",
				 (unsigned long long)yyjson_get_uint(v));
	}
	yyjson_doc_free(doc);
	return text;
}

static pid_t pid_of(const char *name)
{
	return (pid_t)strtol(status_of(name, "pid"), NULL, 10);
}

static pid_t depd_pid(void)
{
	yyjson_doc *doc;
	pid_t pid;

	assert_int_equal(DEP("status", "--json"), 0);
	doc = yyjson_read(out, strlen(out), 0);
	pid = (pid_t)yyjson_get_uint(yyjson_obj_get(yyjson_doc_get_root(doc), "pid"));
	yyjson_doc_free(doc);
	return pid;
}

/* Gone, or a zombie that somebody else has to reap. */
static bool is_gone(pid_t pid)
{
	char path[32];
	char text[512];
	const char *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	read_file(path, text, sizeof(text));
	p = strrchr(text, ')');
	return !p || p[2] == 'Z' || p[2] == 'X';
}

static int set_up(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/depd_test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	/* Rooms run as other users, and write the journal. */
	chmod(dir, 0755);
	mkdir(in_dir("etc"), 0755);
	mkdir(in_dir("etc/rooms"), 0755);
	close(open(in_dir("journal"), O_CREAT | O_WRONLY, 0666));
	chmod(in_dir("journal"), 0666);
	return 0;
}

static int tear_down(void **state)
{
	char command[64];

	DEP("down");
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* ---- The tests ---- */

static void in_order_up_and_down(void **state)
{
	room("base", "serve", "");
	room("top", "serve", ",\"after\":[\"base\"]");
	assert_int_equal(DEP("status"), 1);
	assert_non_null(strstr(out, "depd is not running (start the node with: dep up)"));
	assert_int_equal(DEP("up", "top"), 0);
	assert_string_equal(journal(), "start base.sock\nstart top.sock\n");
	assert_string_equal(status_of("top", "state"), "up");
	/* Those that nobody wants are down. */
	assert_string_equal(status_of("kira", "state"), "down");
	assert_int_equal(DEP("up", "top"), 0);
	assert_int_equal(DEP("down"), 0);
	assert_string_equal(journal(),
			    "start base.sock\nstart top.sock\nstop top.sock\nstop base.sock\n");
	assert_int_equal(DEP("down"), 0);
}

static void a_room_that_crashes_comes_back(void **state)
{
	pid_t first;

	room("base", "serve", "");
	assert_int_equal(DEP("up", "base"), 0);
	first = pid_of("base");
	assert_true(first > 0);
	kill(first, SIGKILL);
	until(pid_of("base") > 0 && pid_of("base") != first);
	assert_string_equal(status_of("base", "restarts"), "1");
	assert_string_equal(status_of("base", "last-end"), "ended by signal 9 (Killed)");
	until(strcmp(status_of("base", "state"), "up") == 0);
	/* Asked for, it is no failure. */
	assert_int_equal(DEP("restart", "base"), 0);
	assert_string_equal(status_of("base", "restarts"), "1");
	assert_int_equal(DEP("down", "base"), 0);
	assert_string_equal(status_of("base", "state"), "down");
}

static void a_crash_loop_is_given_up(void **state)
{
	room("loop", "status 1", ",\"restart-limit\":3");
	assert_int_equal(DEP("up", "loop"), 1);
	assert_string_equal(status_of("loop", "state"), "failed");
	assert_string_equal(status_of("loop", "restarts"), "3");
	assert_string_equal(journal(), "start loop.sock\nstart loop.sock\nstart loop.sock\nstart "
				       "loop.sock\n");
	room("wrong", "status 2", "");
	assert_int_equal(DEP("down"), 0);
	assert_int_equal(DEP("up", "wrong"), 1);
	assert_string_equal(status_of("wrong", "last-end"), "ended with status 2");
	assert_string_equal(status_of("wrong", "restarts"), "0");
}

static void a_stubborn_room_is_killed(void **state)
{
	pid_t pid;

	room("mule", "stubborn", ",\"stop-timeout\":1");
	assert_int_equal(DEP("up", "mule"), 0);
	pid = pid_of("mule");
	assert_int_equal(DEP("down", "mule"), 0);
	assert_true(is_gone(pid));
	assert_string_equal(status_of("mule", "last-end"), "ended by signal 9 (Killed)");
}

static void depd_killed_leaves_no_orphans(void **state)
{
	pid_t rooms[2];
	pid_t pid;

	room("base", "serve", "");
	room("mule", "stubborn", "");
	assert_int_equal(DEP("up", "base", "mule"), 0);
	rooms[0] = pid_of("base");
	rooms[1] = pid_of("mule");
	pid = depd_pid();
	kill(pid, SIGKILL);
	until(is_gone(rooms[0]) && is_gone(rooms[1]));
	/* And it can be started again at once. */
	assert_int_equal(DEP("up", "base"), 0);
	assert_true(pid_of("base") != rooms[0]);
}

static void each_room_is_its_own_user(void **state)
{
	char log[8192];
	const char *user;

	if (geteuid() != 0)
		skip();
	room("base", "serve", ",\"user\":\"dep-test-base\",\"capabilities\":[\"cap_net_admin\"]");
	room("plain", "serve", ",\"user\":\"nobody\"");
	assert_int_equal(DEP("up", "base", "plain"), 0);
	user = status_of("base", "user");
	assert_true(strtol(user, NULL, 10) >= 61184);
	until((read_file(in_dir("state/depd.log"), log, sizeof(log)),
	       strstr(log, "plain: NoNewPrivs")));
	assert_non_null(strstr(log, "base: CapEff:\t0000000000001000\n"));
	assert_non_null(strstr(log, "base: CapBnd:\t0000000000001000\n"));
	assert_non_null(strstr(log, "base: NoNewPrivs:\t1\n"));
	assert_non_null(strstr(log, "plain: user 65534 group"));
	assert_non_null(strstr(log, "plain: CapEff:\t0000000000000000\n"));
	/* A line that is not ended comes with the end. */
	assert_int_equal(DEP("down"), 0);
	read_file(in_dir("state/depd.log"), log, sizeof(log));
	assert_non_null(strstr(log, "base: the last line\n"));
}

static void faults_are_told(void **state)
{
	FILE *f;

	assert_int_equal(DEP("up", "nobody-knows"), 1);
	assert_non_null(strstr(out, "there is no room nobody-knows"));
	room("gone", "serve", "");
	f = fopen(in_dir("etc/rooms/gone.json"), "w");
	fputs("{\"name\":\"gone\",\"command\":[\"no-such-executable\"]}", f);
	fclose(f);
	assert_int_equal(DEP("up", "gone"), 1);
	assert_string_equal(status_of("gone", "state"), "failed");
	assert_string_equal(status_of("gone", "last-end"),
			    "there is no executable no-such-executable");
	assert_int_equal(DEP("down", "nobody-knows"), 1);
	assert_int_equal(DEP("down"), 0);
	f = fopen(in_dir("etc/rooms/gone.json"), "w");
	fputs("{\"name\":\"gone\",\"comand\":[\"x\"]}", f);
	fclose(f);
	assert_int_equal(DEP("up"), 1);
	assert_non_null(strstr(out, "gone.json: comand: no such member"));
	assert_int_equal(DEP("status", "--wrong"), 2);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_order_up_and_down, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_room_that_crashes_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_crash_loop_is_given_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_stubborn_room_is_killed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(depd_killed_leaves_no_orphans, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_room_is_its_own_user, set_up, tear_down),
		cmocka_unit_test_setup_teardown(faults_are_told, set_up, tear_down),
	};

	if (argc < 4)
		return 2;
	depd = argv[1];
	dep = argv[2];
	fixture = argv[3];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
