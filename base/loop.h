/* SPDX-License-Identifier: BSD-2-Clause */
/* What every shell does with its one libuv loop: stop gracefully on signals, follow the deadline of
 * a core, and end without a handle left behind. Everything else is used from libuv directly. */
#ifndef DEP_LOOP_H
#define DEP_LOOP_H

#include "base/clock.h"
#include "base/err.h"

#include <uv.h>

/* Signals of a service: SIGINT and SIGTERM call stop, once; the second ends the process at once
 * with status 128 + signal. SIGHUP calls reload, or stop where reload is NULL. SIGPIPE is ignored.
 * The struct is the caller's and lives until loop_finish(). The handles do not keep the loop alive.
 */
struct loop_signals {
	uv_signal_t sig[3];
	void (*stop)(void *ctx, int signum);
	void (*reload)(void *ctx);
	void *ctx;
	unsigned seen;
};

/* Holds those three signals back until loop_signals_init(): a program that makes things in the kernel
 * before its loop runs would be ended half-way, and leave them. To be called first. */
void loop_signals_hold(void);

int loop_signals_init(struct loop_signals *s, uv_loop_t *loop, void (*stop)(void *ctx, int signum),
		      void (*reload)(void *ctx), void *ctx);

/* A deadline in microseconds of clock_now(), which a core answers and the loop keeps: tick is
 * called when it is due and returns the next one (USEC_NEVER: none). Precise to the kernel's timers
 * (timerfd, CLOCK_BOOTTIME), not to libuv's milliseconds, and right after a suspend. */
struct loop_timer {
	uv_poll_t poll;
	int fd;
	usec_t due; /* what the kernel's timer is set to */
	usec_t (*tick)(void *ctx, usec_t now);
	void *ctx;
};

/* Returns 0 or a negative errno. */
int loop_timer_init(struct loop_timer *t, uv_loop_t *loop, usec_t (*tick)(void *ctx, usec_t now),
		    void *ctx);
/* The deadline is now `due`, earlier or later than it was; one that has passed is due at once.
 * Costs a system call only where it moved: call it after every input to the core with the core's
 * next(). */
void loop_timer_set(struct loop_timer *t, usec_t due);
/* Closes handle and descriptor. t must live until the loop has run once more (loop_finish() does
 * that). */
void loop_timer_close(struct loop_timer *t);

/* Closes every handle that is still open, runs the loop until the last close callback is done and
 * closes it. Handles that own memory must have been closed by their owners before. Returns 0 or a
 * negative errno of uv_loop_close. */
int loop_finish(uv_loop_t *loop);

#endif
