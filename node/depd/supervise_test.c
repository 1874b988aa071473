/* SPDX-License-Identifier: BSD-2-Clause */
/* The supervisor's decisions, without processes: order, back-off, the limit of a crash loop,
 * stopping. */
#include "node/depd/supervise.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define EXITED(code) ((code) << 8)

static struct {
	struct sup s;
	struct manifest m[4];
	usec_t now;
	pid_t last_pid;
	bool not_ready;
	int spawn_fails;
	char done[1024]; /* "+sys +kira -kira !sys": started, SIGTERM, SIGKILL */
} t;

static void note(char what, const char *name)
{
	size_t n = strlen(t.done);

	snprintf(t.done + n, sizeof(t.done) - n, "%s%c%s", n ? " " : "", what, name);
}

static pid_t on_spawn(void *ctx, const struct manifest *m, struct err *err)
{
	if (t.spawn_fails)
		return err_set(err, t.spawn_fails, "it cannot be started");
	note('+', m->name);
	return ++t.last_pid;
}

static void on_kill(void *ctx, pid_t pid, int sig)
{
	unsigned i;

	for (i = 0; i < t.s.n; i++) {
		if (t.s.unit[i].pid == pid)
			note(sig == SIGTERM ? '-' : '!', t.s.unit[i].m->name);
	}
}

static bool on_ready(void *ctx, const struct manifest *m)
{
	return !t.not_ready;
}

static void on_changed(void *ctx, const struct unit *u)
{
}

static void add(const char *json)
{
	struct manifest *m = &t.m[t.s.n];

	assert_int_equal(manifest_parse(m, json, strlen(json), "test", NULL), 0);
	assert_int_equal(sup_add(&t.s, m), 0);
}

static int set_up(void **state)
{
	memset(&t, 0, sizeof(t));
	t.s.env = (struct sup_env){on_spawn, on_kill, on_ready, on_changed, NULL};
	t.now = SEC(100);
	add("{\"name\":\"netops\",\"command\":[\"x\"],\"after\":[\"sys\",\"kira\"]}");
	add("{\"name\":\"sys\",\"command\":[\"x\"]}");
	add("{\"name\":\"kira\",\"command\":[\"x\"],\"restart\":\"on-failure\",\"restart-limit\":"
	    "3}");
	return 0;
}

static int tear_down(void **state)
{
	unsigned i;

	for (i = 0; i < t.s.n; i++)
		manifest_free(&t.m[i]);
	return 0;
}

static struct unit *unit(const char *name)
{
	return sup_find(&t.s, name);
}

static void go_on(usec_t us)
{
	usec_t end = t.now + us;
	usec_t next = sup_tick(&t.s, t.now);

	while (next <= end) {
		assert_true(next >= t.now);
		t.now = next;
		next = sup_tick(&t.s, t.now);
	}
	t.now = end;
}

static void up(const char *name)
{
	sup_up(&t.s, unit(name), t.now);
	go_on(0);
}

static void ends(const char *name, int status)
{
	sup_exit(&t.s, unit(name)->pid, status, t.now);
	go_on(0);
}

static void rooms_before_netops(void **state)
{
	struct err err = {0};

	assert_int_equal(sup_check(&t.s, &err), 0);
	t.not_ready = true;
	/* Those before it are wanted with it. */
	up("netops");
	assert_string_equal(t.done, "+sys +kira");
	go_on(SEC(1));
	assert_string_equal(t.done, "+sys +kira");
	assert_int_equal(unit("netops")->state, UNIT_WAITING);
	t.not_ready = false;
	go_on(MSEC(100));
	assert_string_equal(t.done, "+sys +kira +netops");
	assert_int_equal(unit("netops")->state, UNIT_UP);
	/* And it stops before them. */
	sup_down(&t.s, unit("sys"), t.now);
	sup_down(&t.s, unit("kira"), t.now);
	sup_down(&t.s, unit("netops"), t.now);
	go_on(SEC(1));
	assert_string_equal(t.done, "+sys +kira +netops -netops");
	ends("netops", EXITED(0));
	assert_string_equal(t.done, "+sys +kira +netops -netops -sys -kira");
	ends("sys", EXITED(0));
	assert_false(sup_is_down(&t.s));
	ends("kira", EXITED(0));
	assert_true(sup_is_down(&t.s));
	assert_int_equal(unit("sys")->state, UNIT_DOWN);
}

static void one_that_is_given_up_holds_up_nobody(void **state)
{
	t.spawn_fails = -ENOENT;
	sup_up(&t.s, unit("kira"), t.now);
	go_on(0);
	assert_int_equal(unit("kira")->state, UNIT_FAILED);
	assert_string_equal(unit("kira")->why, "it cannot be started");
	t.spawn_fails = 0;
	up("sys");
	up("netops");
	go_on(SEC(1));
	assert_int_equal(unit("netops")->state, UNIT_UP);
}

static void back_off_grows(void **state)
{
	static const usec_t wait[] = {MSEC(100), MSEC(200), MSEC(400), MSEC(800), MSEC(1600)};
	unsigned i;

	up("sys");
	go_on(MSEC(100));
	for (i = 0; i < 5; i++) {
		ends("sys", SIGSEGV);
		assert_int_equal(unit("sys")->state, UNIT_BACKOFF);
		assert_string_equal(unit("sys")->why, "ended by signal 11 (Segmentation fault)");
		t.done[0] = '\0';
		go_on(wait[i] - 1);
		assert_string_equal(t.done, "");
		go_on(1);
		assert_string_equal(t.done, "+sys");
		go_on(MSEC(100));
		assert_int_equal(unit("sys")->state, UNIT_UP);
	}
	assert_int_equal(unit("sys")->restarts, 5);
	/* A long run makes it forgotten. */
	go_on(SUP_STABLE);
	ends("sys", EXITED(1));
	go_on(MSEC(100));
	assert_int_equal(unit("sys")->state, UNIT_STARTING);
}

static void back_off_is_bounded(void **state)
{
	usec_t longest = 0;
	unsigned i;

	t.m[1].restart_limit = 50;
	up("sys");
	for (i = 0; i < 50; i++) {
		usec_t before = t.now;

		ends("sys", EXITED(1));
		while (unit("sys")->pid == 0)
			go_on(MSEC(100));
		if (t.now - before > longest)
			longest = t.now - before;
	}
	assert_int_equal(longest, SEC(30));
}

static void a_crash_loop_ends(void **state)
{
	unsigned i;

	up("kira");
	for (i = 0; i < 3; i++) {
		ends("kira", EXITED(1));
		assert_int_equal(unit("kira")->state, UNIT_BACKOFF);
		go_on(SEC(1));
	}
	ends("kira", EXITED(1));
	assert_int_equal(unit("kira")->state, UNIT_FAILED);
	go_on(SEC(1000));
	assert_int_equal(unit("kira")->pid, 0);
	/* Until somebody wants it again. */
	up("kira");
	assert_int_not_equal(unit("kira")->pid, 0);
	ends("kira", EXITED(1));
	assert_int_equal(unit("kira")->state, UNIT_BACKOFF);
}

static void some_ends_are_no_failures(void **state)
{
	up("kira");
	go_on(MSEC(100));
	ends("kira", EXITED(0));
	assert_int_equal(unit("kira")->state, UNIT_DOWN);
	/* Wrong options do not mend themselves. */
	up("sys");
	ends("sys", EXITED(2));
	assert_int_equal(unit("sys")->state, UNIT_FAILED);
	assert_string_equal(unit("sys")->why, "ended with status 2");
	up("sys");
	ends("sys", EXITED(0));
	assert_int_equal(unit("sys")->state, UNIT_BACKOFF);
}

static void one_that_does_not_stop_is_killed(void **state)
{
	up("sys");
	go_on(MSEC(100));
	sup_down(&t.s, unit("sys"), t.now);
	go_on(SEC(10) - 1);
	assert_string_equal(t.done, "+sys -sys");
	go_on(1);
	assert_string_equal(t.done, "+sys -sys !sys");
	go_on(SEC(100));
	assert_string_equal(t.done, "+sys -sys !sys");
	ends("sys", SIGKILL);
	assert_int_equal(unit("sys")->state, UNIT_DOWN);
}

static void one_that_is_never_ready_is_killed(void **state)
{
	t.not_ready = true;
	up("sys");
	go_on(SEC(31));
	assert_string_equal(t.done, "+sys !sys");
	ends("sys", SIGKILL);
	assert_int_equal(unit("sys")->state, UNIT_BACKOFF);
}

static void a_restart_is_no_failure(void **state)
{
	up("sys");
	go_on(MSEC(100));
	sup_restart(&t.s, unit("sys"), t.now);
	assert_int_equal(unit("sys")->state, UNIT_STOPPING);
	ends("sys", EXITED(0));
	assert_string_equal(t.done, "+sys -sys +sys");
	assert_int_equal(unit("sys")->restarts, 0);
	/* Stopped while it waits to be started again. */
	ends("sys", EXITED(1));
	sup_down(&t.s, unit("sys"), t.now);
	go_on(SEC(10));
	assert_int_equal(unit("sys")->state, UNIT_DOWN);
	assert_string_equal(t.done, "+sys -sys +sys");
}

static void circles_are_refused(void **state)
{
	struct err err = {0};

	add("{\"name\":\"a\",\"command\":[\"x\"],\"after\":[\"nobody\"]}");
	assert_int_equal(sup_check(&t.s, &err), -EINVAL);
	assert_non_null(strstr(err.what, "room a comes after"));
	t.s.n--;
	manifest_free(&t.m[3]);
	add("{\"name\":\"a\",\"command\":[\"x\"],\"after\":[\"a\"]}");
	assert_int_equal(sup_check(&t.s, &err), -EINVAL);
	assert_int_equal(sup_add(&t.s, &t.m[1]), -EEXIST);
}

static void manifests_are_checked(void **state)
{
	static const struct {
		const char *json;
		const char *where;
	} bad[] = {
		{"[]", "test: "},
		{"{\"name\":\"../x\",\"command\":[\"x\"]}", "test: name"},
		{"{\"name\":\"x\"}", "test: command"},
		{"{\"name\":\"x\",\"command\":[1]}", "test: command"},
		{"{\"name\":\"x\",\"command\":\"x\"}", "test: command"},
		{"{\"name\":\"x\",\"command\":[\"x\"],\"restart\":\"often\"}", "test: restart"},
		{"{\"name\":\"x\",\"command\":[\"x\"],\"restrat\":\"never\"}", "test: restrat"},
		{"{\"name\":\"x\",\"command\":[\"x\"],\"stop-timeout\":0}", "test: stop-timeout"},
		{"{\"name\":\"x\",\"command\":[\"x\"],\"capabilities\":[\"cap_fly\"]}",
		 "test: capabilities"},
	};
	struct manifest m;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(manifest_parse(&m, bad[i].json, strlen(bad[i].json), "test", &err),
				 -EINVAL);
		assert_string_equal(err.where, bad[i].where);
		assert_non_null(strstr(err.mend, "depd(8)"));
	}
	assert_int_equal(manifest_parse(&m, "{", 1, "test", &err), -EINVAL);
}

#define WITH_SUP(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SUP(rooms_before_netops),
		WITH_SUP(one_that_is_given_up_holds_up_nobody),
		WITH_SUP(back_off_grows),
		WITH_SUP(back_off_is_bounded),
		WITH_SUP(a_crash_loop_ends),
		WITH_SUP(some_ends_are_no_failures),
		WITH_SUP(one_that_does_not_stop_is_killed),
		WITH_SUP(one_that_is_never_ready_is_killed),
		WITH_SUP(a_restart_is_no_failure),
		WITH_SUP(circles_are_refused),
		WITH_SUP(manifests_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
