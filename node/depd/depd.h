/* SPDX-License-Identifier: BSD-2-Clause */
/* depd: what its files share.
 *
 * supervise.c  decides (a core)          spawn.c  starts processes, with users and capabilities
 * manifest.c   reads what a room needs   lines.c  passes on what they write
 * serve.c      the supervisor's own counter: status, start, stop
 * main.c       options, signals, life */
#ifndef DEP_DEPD_H
#define DEP_DEPD_H

#include "base/counter.h"
#include "base/loop.h"
#include "node/depd/supervise.h"

#include <uv.h>

struct depd_options {
	const char *run_dir;
	const char *state_dir;
	const char *etc_dir;
	const char *rooms_dir;	       /* NULL: ETC/rooms */
	const char *bin_path;	       /* directories, separated by ':'; or NULL */
	const char *log_file;	       /* or NULL: standard error */
	const char *only[SUP_MAX + 1]; /* rooms to start, ended by NULL; none: all */
	unsigned n_only;
	bool help;
	bool version;
};

struct depd {
	struct depd_options o;
	uv_loop_t loop;
	struct loop_signals signals;
	struct loop_timer timer;
	uv_signal_t child;
	struct sup sup;
	struct manifest manifest[SUP_MAX];
	unsigned n;
	struct config_schema *schema;
	struct counter *counter;
	usec_t started;
	gid_t group; /* of the run directory, where depd is root */
	bool ending;
};

/* Does what is due, after something happened; ends the loop when all is down at the end. */
void depd_settle(struct depd *d);
void depd_end(struct depd *d);

/* ---- spawn.c ---- */

struct room_user {
	uid_t uid;
	gid_t gid;
	char name[40]; /* or the number */
};
/* Who a room runs as: its user, or where there is none of that name, a number of its own. Not root:
 * who depd is. */
void spawn_user(const struct manifest *m, struct room_user *u);
/* Run directory and state directory; 0 or a negative errno and err. */
int spawn_dirs(struct depd *d, struct err *err);
pid_t spawn_room(struct depd *d, const struct manifest *m, struct err *err);

/* ---- lines.c ---- */

/* Where lines go: a file, kept below 8 MiB by moving it to FILE.1, or standard error. 0 or a
 * negative errno and err. */
int lines_open(const char *file, struct err *err);
/* Passes lines that come through fd on, with the room's name, until its end. Takes fd over. */
int lines_follow(uv_loop_t *loop, const char *name, int fd);

/* ---- serve.c ---- */

int serve_open(struct depd *d, struct err *err);
void serve_changed(struct depd *d, const struct unit *u);

#endif
