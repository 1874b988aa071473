/* SPDX-License-Identifier: BSD-2-Clause */
#include "node/depd/supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define BACKOFF MSEC(100)
#define BACKOFF_MAX SEC(30)

const char *unit_state_name(enum unit_state s)
{
	static const char *const names[] = {"down",    "waiting",  "starting", "up",
					    "backoff", "stopping", "failed"};

	return names[s];
}

int sup_add(struct sup *s, const struct manifest *m)
{
	if (s->n == SUP_MAX)
		return -ENOSPC;
	if (sup_find(s, m->name))
		return -EEXIST;
	s->unit[s->n++] = (struct unit){.m = m, .due = USEC_NEVER};
	return 0;
}

struct unit *sup_find(struct sup *s, const char *name)
{
	unsigned i;

	for (i = 0; i < s->n; i++) {
		if (strcmp(s->unit[i].m->name, name) == 0)
			return &s->unit[i];
	}
	return NULL;
}

static bool comes_after(const struct unit *u, const char *name)
{
	const char *const *a = u->m->after;

	while (*a && strcmp(*a, name) != 0)
		a++;
	return *a != NULL;
}

int sup_check(const struct sup *s, struct err *err)
{
	bool done[SUP_MAX] = {0};
	unsigned left = s->n;
	bool moved = true;
	unsigned i;

	while (left > 0 && moved) {
		moved = false;
		for (i = 0; i < s->n; i++) {
			const char *const *a = s->unit[i].m->after;
			const struct unit *before;

			while (!done[i] && *a && (before = sup_find((struct sup *)s, *a)) &&
			       done[before - s->unit])
				a++;
			if (done[i] || *a)
				continue;
			done[i] = moved = true;
			left--;
		}
	}
	for (i = 0; left > 0 && done[i]; i++)
		;
	if (left == 0)
		return 0;
	err_set(err, -EINVAL, "room %s comes after one that is not there, or after itself",
		s->unit[i].m->name);
	err_mend(err, "correct \"after\" in its manifest");
	return -EINVAL;
}

static void enter(struct sup *s, struct unit *u, enum unit_state state, usec_t due, usec_t now)
{
	u->due = due;
	if (state == u->state)
		return;
	u->state = state;
	u->since = now;
	s->env.changed(s->env.ctx, u);
}

/* ---- What is asked for ---- */

void sup_up(struct sup *s, struct unit *u, usec_t now)
{
	const char *const *a;

	u->failures = 0;
	/* Depth is bounded by sup_check(): there are no circles. */
	for (a = u->m->after; *a; a++) {
		struct unit *before = sup_find(s, *a);

		if (before && !before->wanted)
			sup_up(s, before, now);
	}
	u->wanted = true;
	if (u->state == UNIT_DOWN || u->state == UNIT_FAILED || u->state == UNIT_BACKOFF)
		enter(s, u, UNIT_WAITING, USEC_NEVER, now);
}

void sup_down(struct sup *s, struct unit *u, usec_t now)
{
	u->wanted = false;
	if (u->pid == 0)
		enter(s, u, UNIT_DOWN, USEC_NEVER, now);
}

static void stop(struct sup *s, struct unit *u, usec_t now)
{
	s->env.kill(s->env.ctx, u->pid, SIGTERM);
	enter(s, u, UNIT_STOPPING, now + SEC(u->m->stop_timeout), now);
}

void sup_restart(struct sup *s, struct unit *u, usec_t now)
{
	sup_up(s, u, now);
	if (u->state == UNIT_STARTING || u->state == UNIT_UP)
		stop(s, u, now);
}

/* ---- What happens ---- */

static void describe(struct unit *u, int status)
{
	if (WIFSIGNALED(status))
		snprintf(u->why, sizeof(u->why), "ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(u->why, sizeof(u->why), "ended with status %d", WEXITSTATUS(status));
}

static void fail(struct sup *s, struct unit *u, usec_t now)
{
	usec_t wait = BACKOFF;
	unsigned i;

	if (++u->failures > u->m->restart_limit) {
		enter(s, u, UNIT_FAILED, USEC_NEVER, now);
		return;
	}
	for (i = 1; i < u->failures && wait < BACKOFF_MAX; i++)
		wait *= 2;
	u->restarts++;
	enter(s, u, UNIT_BACKOFF, now + (wait < BACKOFF_MAX ? wait : BACKOFF_MAX), now);
}

/* One that ended by itself. */
static void ended(struct sup *s, struct unit *u, int status, usec_t now)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	if (u->state == UNIT_UP && now - u->started >= SUP_STABLE)
		u->failures = 0;
	if (code == 2 || code == 3)
		enter(s, u, UNIT_FAILED, USEC_NEVER, now);
	else if (u->m->restart == RESTART_ALWAYS || (u->m->restart == RESTART_ON_FAILURE && code))
		fail(s, u, now);
	else
		enter(s, u, code == 0 ? UNIT_DOWN : UNIT_FAILED, USEC_NEVER, now);
	if (u->state == UNIT_DOWN)
		u->wanted = false;
}

void sup_exit(struct sup *s, pid_t pid, int status, usec_t now)
{
	struct unit *u = NULL;
	unsigned i;

	for (i = 0; i < s->n && !u; i++) {
		if (s->unit[i].pid == pid)
			u = &s->unit[i];
	}
	if (!u || pid <= 0)
		return;
	u->pid = 0;
	describe(u, status);
	if (!u->wanted)
		enter(s, u, UNIT_DOWN, USEC_NEVER, now);
	else if (u->state == UNIT_STOPPING)
		enter(s, u, UNIT_WAITING, USEC_NEVER, now);
	else
		ended(s, u, status, now);
}

/* ---- What is due ---- */

static void start(struct sup *s, struct unit *u, usec_t now)
{
	struct err err = {0};

	u->pid = s->env.spawn(s->env.ctx, u->m, &err);
	if (u->pid > 0) {
		u->started = now;
		enter(s, u, UNIT_STARTING, now + SUP_POLL, now);
		return;
	}
	/* Without its executable or its user it does not help to try again. */
	u->pid = 0;
	snprintf(u->why, sizeof(u->why), "%s", err.what);
	if (err.code == -EAGAIN || err.code == -ENOMEM)
		fail(s, u, now);
	else
		enter(s, u, UNIT_FAILED, USEC_NEVER, now);
}

static bool may_start(struct sup *s, const struct unit *u)
{
	const char *const *a;

	for (a = u->m->after; *a; a++) {
		const struct unit *before = sup_find(s, *a);

		if (before && before->wanted &&
		    (before->state == UNIT_WAITING || before->state == UNIT_STARTING))
			return false;
	}
	return true;
}

/* Those that come after it and are to stop as well have stopped. */
static bool may_stop(const struct sup *s, const struct unit *u)
{
	unsigned i;

	for (i = 0; i < s->n; i++) {
		const struct unit *other = &s->unit[i];

		if (!other->wanted && other->pid != 0 && comes_after(other, u->m->name))
			return false;
	}
	return true;
}

static void watch_start(struct sup *s, struct unit *u, usec_t now)
{
	if (s->env.ready(s->env.ctx, u->m)) {
		enter(s, u, UNIT_UP, USEC_NEVER, now);
	} else if (now - u->started >= SEC(u->m->start_timeout)) {
		/* Its end counts as a failure. */
		s->env.kill(s->env.ctx, u->pid, SIGKILL);
		u->due = USEC_NEVER;
	} else {
		u->due = now + SUP_POLL;
	}
}

static void look(struct sup *s, struct unit *u, usec_t now)
{
	bool due = u->due <= now;

	if (!u->wanted && (u->state == UNIT_STARTING || u->state == UNIT_UP)) {
		if (may_stop(s, u))
			stop(s, u, now);
		else
			u->due = USEC_NEVER;
	} else if (u->state == UNIT_WAITING && may_start(s, u)) {
		start(s, u, now);
	} else if (u->state == UNIT_STARTING && due) {
		watch_start(s, u, now);
	} else if (u->state == UNIT_BACKOFF && due) {
		enter(s, u, UNIT_WAITING, USEC_NEVER, now);
	} else if (u->state == UNIT_STOPPING && due) {
		s->env.kill(s->env.ctx, u->pid, SIGKILL);
		u->due = USEC_NEVER;
	}
}

usec_t sup_tick(struct sup *s, usec_t now)
{
	usec_t next = USEC_NEVER;
	bool moved = true;
	unsigned i;

	/* One room's step may be what another waits for. */
	while (moved) {
		moved = false;
		for (i = 0; i < s->n; i++) {
			enum unit_state was = s->unit[i].state;

			look(s, &s->unit[i], now);
			moved = moved || s->unit[i].state != was;
		}
	}
	for (i = 0; i < s->n; i++) {
		if (s->unit[i].due < next)
			next = s->unit[i].due;
	}
	return next;
}

bool sup_is_down(const struct sup *s)
{
	unsigned i;

	for (i = 0; i < s->n; i++) {
		if (s->unit[i].pid != 0)
			return false;
	}
	return true;
}
