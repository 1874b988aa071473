/* SPDX-License-Identifier: BSD-2-Clause */
/* A real bottleneck: packets between two interfaces, or in front of an uplink, through a queue
 * manager at a given rate and with a given delay, in user space and in real time. It measures how
 * late it acts itself, and says when a run was bad. */
#ifndef DEP_L4S_LINK_H
#define DEP_L4S_LINK_H

#include "base/err.h"
#include "base/slice.h"
#include "proto/l4s/aqm.h"

#include <stdbool.h>
#include <stdint.h>

enum link_mode {
	LINK_TUN,     /* one packet a system call: exact queues */
	LINK_TUN_GSO, /* IFF_VNET_HDR: large packets, for high rates; each is split for the AQM's
			 count, see link.c */
};

struct link_dir_cfg {
	uint64_t rate;	/* bit/s; 0: no shaping (and no queue manager) */
	uint64_t delay; /* ns one way */
	uint64_t jitter;
	uint32_t loss;	   /* 2^-32 */
	uint32_t overhead; /* bytes a packet beyond IP (14) */
	struct aqm_cfg aqm;
};

struct link_cfg {
	uint8_t mode;
	uint8_t gso_max_segs; /* LINK_TUN_GSO: 0: the kernel's */
	bool busy;	      /* spin in the last 200 µs before a deadline: exact, costs a core */
	uint32_t mtu;	      /* of the interfaces; 0: 1500 */
	struct link_dir_cfg dir[2]; /* 0: from a to b, 1: back */
	char name[2][16];	    /* of the interfaces */
	int netns[2];		    /* descriptors of network namespaces, -1: the caller's */
	char uplink[16]; /* instead of b: an interface of the caller's namespace whose egress is
			    shaped; "": none */
	uint64_t seed;
	uint64_t late_limit; /* ns: p99 of lateness beyond which a run is bad (150 µs) */
};

struct link_dir_stats {
	struct aqm_stats aqm;
	uint64_t read_packets, read_bytes;
	uint64_t sent_packets, sent_bytes;
	uint64_t writes;	/* fewer than packets where neighbours went as one large packet */
	uint32_t in_flight;	/* packets on the delay line, now */
	uint64_t delay_dropped; /* random loss */
	uint64_t write_failed;
	uint64_t tun_dropped; /* by the kernel, because they were not read in time */
	uint64_t no_memory;   /* read and thrown away: more in flight than fits into memory */
	struct hist late;     /* how long after its time a packet was sent */
	uint64_t rate_ppm;    /* measured rate while backlogged, in 1e-6 of that asked for */
};

struct link_stats {
	struct link_dir_stats dir[2];
	uint64_t since;	 /* ns, CLOCK_MONOTONIC */
	uint64_t cpu_ns; /* of the thread that forwards */
	uint64_t wakeups;
	uint64_t stalled_ns; /* sum of the times it stood still longer than late_limit, */
	uint64_t stall_max;  /* and the longest of them */
	bool bad;	     /* lateness beyond the limit, or packets were lost outside the queue */
	char why_bad[96];
};

struct link;

/* Called in the forwarding thread for each packet that leaves the queue: forwarded (was: its ECN
 * field at arrival), or dropped. head: the packet as it leaves, or its first bytes (of a segment of
 * a large packet the headers); n its whole length; ethernet: with an Ethernet header. */
typedef void link_trace(void *ctx, unsigned dir, const struct aqm_pkt *p, enum ecn was,
			bool dropped, struct slice head, size_t n, bool ethernet, uint64_t now);

/* Makes interfaces and queues. Needs CAP_NET_ADMIN (and CAP_SYS_ADMIN for namespaces other than the
 * caller's). */
int link_new(struct link **l, const struct link_cfg *cfg, struct err *err);
/* Forwards until link_stop, in the calling thread. */
int link_run(struct link *l, struct err *err);
void link_stop(struct link *l); /* from another thread or a signal handler */
/* Before link_run. */
void link_set_trace(struct link *l, link_trace *f, void *ctx);
/* A consistent copy, from any thread. */
void link_stats(struct link *l, struct link_stats *out);
void link_stats_reset(struct link *l);
/* Applies rates, delays and queue parameters to a running link, from any thread; a queue of another
 * kind is made anew and packets in it are kept where they can be. */
int link_change(struct link *l, const struct link_cfg *cfg, struct err *err);
/* The interfaces go with it. */
void link_free(struct link *l);

/* Open loop: holds p' of a direction (the coupling suite). */
void link_force(struct link *l, unsigned dir, uint32_t prob);

#endif
