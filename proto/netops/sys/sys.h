/* SPDX-License-Identifier: BSD-2-Clause */
/* The shell of dep-sys: its loop, its sockets to the kernel, its counter. */
#ifndef DEP_SYS_SYS_H
#define DEP_SYS_SYS_H

#include "base/counter.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/netlink.h"
#include "proto/netops/sys/events.h"
#include "proto/netops/sys/kernel.h"
#include "proto/netops/sys/filters.h"
#include "proto/netops/sys/resources.h"
#include "proto/netops/sys/ring.h"

struct sys_params {
	const char *run_dir;
	const char *state_dir;
	gid_t socket_gid;
};

struct sys {
	struct sys_params params;
	uv_loop_t loop;
	bool looped;
	struct config_schema *schema;
	struct counter *counter;
	struct netlink *nl;
	struct filters *filters; /* NULL: no nftables here */
	struct features features;
	struct resources *resources;
	uv_timer_t sampler;
	struct ring *ring;
	int log_fd;
	uv_poll_t log_poll;
	bool logging;
	uint32_t new_lines; /* that nobody was told of */
	usec_t lines_due;
	char host[64];
	struct netlink_events *watch;
	uv_poll_t watch_poll;
	bool polling;
	struct events *events;
	struct loop_timer timer;
	struct loop_signals signals;
	struct sys_name { /* of links, for events that have only the number */
		uint32_t ifindex;
		char name[IFNAMSIZ];
	} *names;
	size_t n_names;
};

/* Opens everything that needs privileges. Returns 0, or a negative errno and err; sys_close() in every case. */
int sys_open(struct sys *s, const struct sys_params *p, struct err *err);
/* Runs until a signal. */
int sys_run(struct sys *s, struct err *err);
void sys_close(struct sys *s);

/* Tells what is due, and sets the timer for what will be. */
void sys_settle(struct sys *s);

/* watch.c: the kernel's changes, to the counter. */
int watch_open(struct sys *s, struct err *err);
int watch_start(struct sys *s);
void watch_close(struct sys *s);

/* logging.c: what comes in by log.sock, into the ring; and our own lines. */
int logging_open(struct sys *s, struct err *err);
int logging_start(struct sys *s);
void logging_close(struct sys *s);
void logging_own(struct sys *s, enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Tells of new lines that are due; returns when the next are. */
usec_t logging_tick(struct sys *s, usec_t now);

/* room.c: what clients ask. */
int room_open(struct sys *s, struct err *err);
void room_close(struct sys *s);

#endif
