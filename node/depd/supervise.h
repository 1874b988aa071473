/* SPDX-License-Identifier: BSD-2-Clause */
/* Which room runs, starts, stops, waits or is given up. A core: it is told what happened and when,
 * and starts and stops processes through struct sup_env.
 *
 * A room starts when those that it comes after are up, or cannot come up. One that ends is started
 * again after 100 ms, doubled with each failure up to 30 s; a run of 10 s makes that forgotten, and
 * more than restart-limit failures in a row make it given up, as do statuses 2 and 3 (wrong
 * options, invalid configuration), which do not mend themselves. Rooms stop in reverse. */
#ifndef DEP_DEPD_SUPERVISE_H
#define DEP_DEPD_SUPERVISE_H

#include "base/clock.h"
#include "node/depd/manifest.h"

#include <sys/types.h>

#define SUP_MAX 32
#define SUP_STABLE SEC(10)
#define SUP_POLL MSEC(20) /* how often a room that starts is asked whether it is ready */

enum unit_state {
	UNIT_DOWN,
	UNIT_WAITING, /* for those before it */
	UNIT_STARTING,
	UNIT_UP,
	UNIT_BACKOFF,
	UNIT_STOPPING,
	UNIT_FAILED, /* given up */
};
const char *unit_state_name(enum unit_state s);

struct unit {
	const struct manifest *m;
	enum unit_state state;
	bool wanted;
	pid_t pid;    /* 0: none */
	usec_t since; /* of the state */
	usec_t started;
	usec_t due;	   /* of what comes next in this state */
	unsigned failures; /* in a row */
	unsigned restarts; /* altogether */
	char why[256];	   /* how it last ended, or why it cannot start; "" */
};

struct sup_env {
	/* Starts the process. Returns its pid, or a negative errno and err. */
	pid_t (*spawn)(void *ctx, const struct manifest *m, struct err *err);
	void (*kill)(void *ctx, pid_t pid, int sig);
	/* Whether its socket answers. */
	bool (*ready)(void *ctx, const struct manifest *m);
	/* Its state is another. */
	void (*changed)(void *ctx, const struct unit *u);
	void *ctx;
};

struct sup {
	struct sup_env env;
	struct unit unit[SUP_MAX];
	unsigned n;
};

/* m must outlive s. Returns 0, -ENOSPC, -EEXIST. */
int sup_add(struct sup *s, const struct manifest *m);
/* All rooms of a wait for each other in a circle, or one that is not there is named: -EINVAL and
 * err. */
int sup_check(const struct sup *s, struct err *err);
struct unit *sup_find(struct sup *s, const char *name);
/* A room is wanted from now on, with those that it comes after; failures are forgotten. */
void sup_up(struct sup *s, struct unit *u, usec_t now);
void sup_down(struct sup *s, struct unit *u, usec_t now);
/* Ends the process; as it is wanted it is started again at once, and that is no failure. */
void sup_restart(struct sup *s, struct unit *u, usec_t now);
/* A process has ended; status as of waitpid(2). */
void sup_exit(struct sup *s, pid_t pid, int status, usec_t now);
/* Does what is due. Returns the next deadline, or USEC_NEVER. Call it after each of the above. */
usec_t sup_tick(struct sup *s, usec_t now);
/* No process is left. */
bool sup_is_down(const struct sup *s);

#endif
