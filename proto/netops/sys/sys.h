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
#include "proto/netops/sys/settings.h"
#include "proto/netops/sys/step.h"

struct sys_params {
	const char *run_dir;
	const char *state_dir;
	gid_t socket_gid;
	const char *resolv_conf; /* or NULL */
	bool set_hostname;
	bool no_kernel_log;
};

struct sys {
	struct sys_params params;
	uv_loop_t loop;
	bool looped;
	struct config_schema *schema;
	struct counter *counter;
	struct netlink *nl;
	struct settings *settings;
	char log_dir[256];
	int kmsg_fd; /* the kernel's own messages; -1: not readable */
	uv_poll_t kmsg_poll;
	bool kmsg_polling;
	struct filters *filters; /* NULL: no nftables here */
	struct features features;
	struct steps kept; /* of a purge in several calls: what they named so far */
	bool keeping;
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
		uint32_t mtu; /* and what else a configuration says of it */
		uint32_t master;
		uint32_t alias;
		bool up;
	} *names;
	size_t n_names;
	int nft_fd; /* changes of filters; -1: not told */
	uv_poll_t nft_poll;
	bool nft_polling;
	bool own_change; /* what is read now is our own doing */
	bool suspected;
	usec_t suspect_due;
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

/* Reads what is there of the kernel's changes. */
void watch_read(struct sys *s);

/* foreign.c: changes that are none of our steps'. */
void foreign_open(struct sys *s);
int foreign_start(struct sys *s);
void foreign_close(struct sys *s);
void foreign_event(struct sys *s, const struct netlink_event *ev);
void foreign_link(struct sys *s, struct sys_name *n, const struct netlink_link *l, bool gone);
void foreign_suspect(struct sys *s);
/* What changes between these two is ours. */
void foreign_own_begin(struct sys *s);
void foreign_own_end(struct sys *s);
/* Tells a suspicion that is due; returns when the next is. */
usec_t foreign_tick(struct sys *s, usec_t now);

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
