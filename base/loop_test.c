/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/loop.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

struct core {
	struct loop_timer timer;
	usec_t due[8];
	usec_t called[8];
	unsigned n;
	unsigned want;
};

static usec_t tick(void *ctx, usec_t now)
{
	struct core *c = ctx;

	c->called[c->n] = now;
	c->n++;
	if (c->n == c->want) {
		uv_stop(c->timer.poll.loop);
		return USEC_NEVER;
	}
	return c->due[c->n];
}

static void test_timer_follows_the_core(void **state)
{
	struct core c = {.want = 4};
	usec_t start = clock_now();
	uv_loop_t loop;
	unsigned i;

	uv_loop_init(&loop);
	assert_int_equal(loop_timer_init(&c.timer, &loop, tick, &c), 0);
	for (i = 0; i < 4; i++)
		c.due[i] = start + 700 * (usec_t)(i + 1);
	/* Later first, then earlier: the earlier one counts. */
	loop_timer_set(&c.timer, start + SEC(3600));
	loop_timer_set(&c.timer, c.due[0]);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(c.n, 4);
	for (i = 0; i < 4; i++)
		assert_true(c.called[i] >= c.due[i]);
	assert_true(c.timer.due == USEC_NEVER);
	loop_timer_close(&c.timer);
	assert_int_equal(loop_finish(&loop), 0);
}

static void test_a_past_deadline_is_due_at_once(void **state)
{
	struct core c = {.want = 1};
	uv_loop_t loop;

	uv_loop_init(&loop);
	assert_int_equal(loop_timer_init(&c.timer, &loop, tick, &c), 0);
	loop_timer_set(&c.timer, -5);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(c.n, 1);
	loop_timer_close(&c.timer);
	loop_timer_set(&c.timer, 5); /* after close: nothing */
	assert_int_equal(loop_finish(&loop), 0);
}

static void test_never_disarms(void **state)
{
	struct core c = {.want = 1};
	uv_loop_t loop;

	uv_loop_init(&loop);
	assert_int_equal(loop_timer_init(&c.timer, &loop, tick, &c), 0);
	loop_timer_set(&c.timer, clock_now() + MSEC(1));
	loop_timer_set(&c.timer, USEC_NEVER);
	usleep(3000);
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(c.n, 0);
	loop_timer_close(&c.timer);
	assert_int_equal(loop_finish(&loop), 0);
}

static void keep_busy(uv_idle_t *unused)
{
}

struct seen {
	uv_loop_t *loop;
	int stop;
	int reload;
};

static void on_stop(void *ctx, int signum)
{
	struct seen *s = ctx;

	s->stop = signum;
	uv_stop(s->loop);
}

static void on_reload(void *ctx)
{
	struct seen *s = ctx;

	s->reload++;
	raise(SIGTERM);
}

static void test_signals(void **state)
{
	struct loop_signals sig;
	uv_loop_t loop;
	struct seen s = {.loop = &loop};
	uv_idle_t busy;

	uv_loop_init(&loop);
	uv_idle_init(&loop, &busy);
	uv_idle_start(&busy, keep_busy);
	assert_int_equal(loop_signals_init(&sig, &loop, on_stop, on_reload, &s), 0);
	raise(SIGHUP);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(s.reload, 1);
	assert_int_equal(s.stop, SIGTERM);
	assert_int_equal(loop_finish(&loop), 0);
}

static void stop_is_slow(void *ctx, int signum)
{
	raise(SIGINT); /* the person loses patience */
}

static void test_a_second_signal_ends(void **state)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct loop_signals sig;
		uv_loop_t loop;

		uv_loop_init(&loop);
		loop_signals_init(&sig, &loop, stop_is_slow, NULL, NULL);
		uv_ref((uv_handle_t *)&sig.sig[0]);
		raise(SIGHUP);
		uv_run(&loop, UV_RUN_DEFAULT);
		_exit(1);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 128 + SIGINT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timer_follows_the_core),
		cmocka_unit_test(test_a_past_deadline_is_due_at_once),
		cmocka_unit_test(test_never_disarms),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_a_second_signal_ends),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
