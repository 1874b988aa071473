/* SPDX-License-Identifier: BSD-2-Clause */
/* One link at work, whichever back end does it: the bottleneck of link.h in a thread of its own, or
 * the kernel's queue manager. */
#ifndef DEP_L4S_NODE_SLOT_H
#define DEP_L4S_NODE_SLOT_H

#include "proto/l4s/node/settings.h" /* <net/if.h> goes before <linux/if.h> */

#include "base/clock.h"
#include "base/netlink.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

enum slot_status {
	SLOT_FAILED,
	SLOT_UP,
};

/* What slots share. */
struct slot_env {
	struct netlink *nl;
	uv_async_t *ended;     /* woken when a thread ends by itself */
	int kernel;	       /* qdisc_probe()'s answer */
	struct err kernel_why; /* and its err */
};

struct slot {
	struct slot_env *env;
	struct settings_link set;
	enum slot_status status;
	bool kernel;		   /* the back end */
	struct err why;		   /* FAILED: why */
	struct err why_not_kernel; /* code 0: it is, or was not asked for */
	usec_t since;		   /* UP: since when; FAILED: when to try again */

	struct link *link;
	pthread_t thread;
	bool threaded;
	atomic_bool over;      /* the thread has ended by itself */
	struct err thread_why; /* valid once over */
	uint32_t ifindex;      /* kernel: of the uplink */

	/* As read last. */
	struct link_stats stats;
	uint64_t delay_now[2]; /* kernel: ns */
	/* What was told of it. */
	bool told_overload[2];
	uint64_t overload_from[2]; /* ns of overload before it */
	bool told_bad;
};

/* Whether a link of these settings can be: back end, uplink. s: the slot that it takes over from,
 * or NULL. Changes nothing. Returns 0, or a negative errno and err. */
int slot_check(const struct slot_env *env, const struct settings_link *set, const struct slot *s,
	       struct err *err);
/* Makes the link and starts it. On failure the slot is FAILED, and can be closed or opened again.
 */
int slot_open(struct slot *s, struct slot_env *env, const struct settings_link *set,
	      struct err *err);
/* Other rates, delays, queue managers. All or nothing. */
int slot_change(struct slot *s, const struct settings_link *set, struct err *err);
/* Whether slot_change() can lead there, or it takes a close and an open. */
bool slot_can_change(const struct slot *s, const struct settings_link *set);
void slot_close(struct slot *s);
/* Reads stats. A link that ended by itself becomes FAILED. */
void slot_read(struct slot *s);
/* -EOPNOTSUPP: the kernel's counters cannot be reset. */
int slot_reset(struct slot *s, struct err *err);

#endif
