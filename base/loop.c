/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <unistd.h>

static const int signums[] = {SIGINT, SIGTERM, SIGHUP};

static void hold(int how)
{
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < 3; i++)
		sigaddset(&set, signums[i]);
	pthread_sigmask(how, &set, NULL);
}

void loop_signals_hold(void)
{
	hold(SIG_BLOCK);
}

static void on_signal(uv_signal_t *h, int signum)
{
	struct loop_signals *s = h->data;

	if (signum == SIGHUP && s->reload) {
		s->reload(s->ctx);
		return;
	}
	if (s->seen++ > 0)
		_exit(128 + signum);
	s->stop(s->ctx, signum);
}

int loop_signals_init(struct loop_signals *s, uv_loop_t *loop, void (*stop)(void *ctx, int signum),
		      void (*reload)(void *ctx), void *ctx)
{
	size_t i;
	int rc;

	*s = (struct loop_signals){.stop = stop, .reload = reload, .ctx = ctx};
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < 3; i++) {
		rc = uv_signal_init(loop, &s->sig[i]);
		if (rc == 0)
			rc = uv_signal_start(&s->sig[i], on_signal, signums[i]);
		if (rc != 0)
			return rc;
		s->sig[i].data = s;
		uv_unref((uv_handle_t *)&s->sig[i]);
	}
	hold(SIG_UNBLOCK);
	return 0;
}

static void on_due(uv_poll_t *poll, int status, int events)
{
	struct loop_timer *t = poll->data;
	uint64_t expired;

	/* Nothing to read: the timer was set anew after it had expired and before we came here. */
	if (read(t->fd, &expired, sizeof(expired)) != sizeof(expired))
		return;
	t->due = USEC_NEVER;
	loop_timer_set(t, t->tick(t->ctx, clock_now()));
}

int loop_timer_init(struct loop_timer *t, uv_loop_t *loop, usec_t (*tick)(void *ctx, usec_t now),
		    void *ctx)
{
	int rc;

	*t = (struct loop_timer){.due = USEC_NEVER, .tick = tick, .ctx = ctx};
	t->fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (t->fd < 0)
		return -errno;
	rc = uv_poll_init(loop, &t->poll, t->fd);
	if (rc == 0) {
		t->poll.data = t;
		rc = uv_poll_start(&t->poll, UV_READABLE, on_due);
	}
	if (rc != 0) {
		close(t->fd);
		t->fd = -1;
	}
	return rc;
}

void loop_timer_set(struct loop_timer *t, usec_t due)
{
	struct itimerspec at = {0};

	if (due == t->due || t->fd < 0)
		return;
	t->due = due;
	if (due != USEC_NEVER) {
		/* All zero would disarm it. */
		if (due < 1)
			due = 1;
		at.it_value.tv_sec = due / SEC(1);
		at.it_value.tv_nsec = due % SEC(1) * 1000;
	}
	timerfd_settime(t->fd, TFD_TIMER_ABSTIME, &at, NULL);
}

void loop_timer_close(struct loop_timer *t)
{
	if (t->fd < 0)
		return;
	uv_close((uv_handle_t *)&t->poll, NULL);
	close(t->fd);
	t->fd = -1;
}

static void close_handle(uv_handle_t *h, void *unused)
{
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

int loop_finish(uv_loop_t *loop)
{
	uv_walk(loop, close_handle, NULL);
	while (uv_run(loop, UV_RUN_DEFAULT) != 0)
		;
	return uv_loop_close(loop);
}
