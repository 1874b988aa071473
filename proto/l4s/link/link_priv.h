/* SPDX-License-Identifier: BSD-2-Clause */
/* The bottleneck from inside. */
#ifndef DEP_L4S_LINK_PRIV_H
#define DEP_L4S_LINK_PRIV_H

#include "base/alloc.h"
#include "base/netlink.h"
#include "base/rng.h"
#include "proto/l4s/link/link.h"
#include "proto/l4s/link/pace.h"
#include "proto/l4s/link/packet.h"
#include "proto/l4s/link/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define LINK_BIG_BYTES (65536 + 64)
#define LINK_POOL_LIMIT ((size_t)1 << 29)
/* How long a due segment may wait for its neighbours, where they come faster than this. */
#define LINK_HOLD_NS 50000
#define LINK_SPIN_NS 200000
#define LINK_SLACK_NS 30000
#define LINK_SHORT_NS 5000
#define LINK_PAUSE_NS 400000000
#define LINK_HEARTBEAT_NS 10000000
#define LINK_TXQUEUE 8192

/* One end: packets of one namespace are read from it, those of the other written to it. */
struct link_port {
	int fd;	       /* TUN or TAP */
	int out;       /* where packets to here are written: fd, or a packet socket; -1: nowhere */
	bool ethernet; /* packets begin with an Ethernet header */
	uint32_t ifindex;
	char name[16];
	struct netlink *nl;  /* in its namespace */
	uint64_t tx_dropped; /* by the kernel before we could read, at the last reset */
};

/* A large packet, of which segments are on their way. */
struct link_big {
	struct packet_gso gso;
	uint32_t refs;
	uint8_t data[LINK_BIG_BYTES];
};

struct link_pkt {
	struct aqm_pkt q; /* first: the queue manager's pointer is ours */
	uint64_t due;	  /* when it is to be written */
	uint64_t tx_ns;	  /* how long the link took for it */
	struct link_big *big;
	uint32_t n;   /* bytes in data; of a segment: payload */
	uint32_t seg; /* number of the segment in big */
	uint16_t l3;
	uint8_t version;
	uint8_t was;  /* enum ecn at arrival */
	uint8_t cont; /* sent by the link right after the packet before it */
	struct virtio_net_hdr vnet;
	uint8_t data[]; /* none where big is there */
};

struct link_dir {
	struct link *l;
	struct link_port *from;
	struct link_port *to;
	struct link_dir_cfg cfg;
	struct aqm *q; /* NULL: no shaping */
	uint64_t tick_due;
	struct pace pace;
	bool was_idle;
	struct link_pkt *head; /* the delay line, by due */
	struct link_pkt *tail;
	uint32_t in_flight;
	uint64_t last_due;
	uint64_t hold;
	struct rng rng;
	/* Rate: what the link's time should have been, and what it was. */
	uint64_t last_write; /* 0: the packet before does not count */
	uint64_t carried;    /* tx_ns of packets lost on the way */
	uint64_t busy_want;
	uint64_t busy_took;
	/* Counters, as in link_dir_stats. */
	uint64_t read_packets, read_bytes;
	uint64_t sent_packets, sent_bytes;
	uint64_t writes;
	uint64_t delay_dropped;
	uint64_t write_failed;
	uint64_t no_memory;
	int write_errno; /* the last */
	struct hist late;
};

typedef void link_job(struct link *l, void *arg);

struct link {
	struct link_cfg cfg;
	struct link_port port[2];
	struct link_dir dir[2];
	unsigned dirs;
	bool gso;
	struct pool packets;
	struct pool segments;
	struct pool bigs;
	struct link_big *spare; /* what the next large packet is read into */
	struct alloc alloc;
	uint32_t hash_seed;
	struct uplink *uplink;
	link_trace *trace;
	void *trace_ctx;
	/* Of the forwarding thread. */
	uint64_t now;
	uint64_t since;
	uint64_t cpu_then;
	uint64_t wakeups;
	uint64_t slept; /* for a moment, on purpose */
	uint64_t stalled_ns;
	uint64_t stall_max;
	/* Between threads. */
	int wake;
	atomic_bool stop;
	atomic_bool posted;
	pthread_mutex_t callers; /* one call at a time; sockets of the ports */
	pthread_mutex_t lock;	 /* running, job, arg */
	pthread_cond_t done;
	bool running;
	link_job *job;
	void *arg;
};

static inline uint64_t link_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- forward.c: one direction ---- */

int dir_init(struct link_dir *d, const struct link_dir_cfg *cfg, uint64_t seed, struct err *err);
/* Another rate, delay, queue; packets in the queue stay where there is room. */
int dir_change(struct link_dir *d, const struct link_dir_cfg *cfg, struct err *err);
void dir_free(struct link_dir *d);
/* What the queue does up to now: updates, and packets that the link takes. */
void dir_advance(struct link_dir *d, uint64_t now);
/* Reads packets, at most `budget`. Returns how many, or -errno of the device. */
int dir_read(struct link_dir *d, unsigned budget);
/* Writes what is due. */
void dir_release(struct link_dir *d, uint64_t now);
/* When dir_release next has something to do, UINT64_MAX: not before a packet comes. */
uint64_t dir_deadline(const struct link_dir *d);

/* ---- tun.c ---- */

/* Opens ports of cfg. Returns 0 or a negative errno and err. */
int port_open_tun(struct link_port *p, const struct link_cfg *cfg, unsigned i, struct err *err);
void port_close(struct link_port *p);
/* Packets that the kernel dropped since the last reset because we were too slow to read. */
uint64_t port_dropped(struct link_port *p);
void port_dropped_reset(struct link_port *p);
int port_make_tun(struct link_port *p, bool tap, bool gso, const char *name, struct err *err);
int port_set_up(struct link_port *p, uint32_t mtu, unsigned gso_max_segs, struct err *err);

/* ---- uplink.c ---- */

/* A TAP in port 0 that all IPv4 and IPv6 egress of cfg->uplink goes to, and a packet socket in port
 * 1 that sends on that interface. */
int uplink_open(struct link *l, struct err *err);
void uplink_close(struct link *l);

#endif
