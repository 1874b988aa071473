/* SPDX-License-Identifier: BSD-2-Clause */
/* An engine for tests of TCP: one connection over one queue; a script sees each packet as it is
 * sent and drops, marks, copies or delays it. */
#ifndef DEP_L4S_TCP_RIG_H
#define DEP_L4S_TCP_RIG_H

#include "proto/l4s/tcp/tcp_priv.h"

#define MS(n) ((uint64_t)((n) * 1000000.0))
#define RIG_SEEN 4096

struct verdict {
	bool drop;
	bool copy;
	uint64_t late; /* ns more than the path takes; others may overtake it */
};

struct rig_seen { /* a packet as it was sent */
	uint64_t at;
	uint32_t seq;
	uint8_t kind;
	uint8_t ecn;
	uint8_t flags;
	uint16_t payload;
	bool retransmit;
	bool dsack;
	uint8_t n_sacks;
	uint32_t cwnd;
};

struct rig_event {
	uint64_t at;
	uint64_t n;
	struct sim_pkt *pkt; /* NULL: a timer */
	struct sim_timer *timer;
};

struct sim {
	uint64_t now;
	uint64_t number;
	struct rig_event *heap;
	uint32_t n, cap;
	uint64_t gap;	/* ns that the queue needs for a packet */
	uint64_t delay; /* ns of the way there */
	uint64_t back;	/* ns of the way back */
	uint64_t free_at;
	uint32_t limit; /* packets in the queue, 0: no limit */
	uint64_t arrivals;
	struct rng rng;
	struct alloc alloc;
	struct tcp *tcp;
	struct sim_flow_cfg cfg;
	void (*data)(struct sim *s, struct sim_pkt *p, struct verdict *v);
	void (*ack)(struct sim *s, struct sim_pkt *p, struct verdict *v);
	void *ctx;
	int32_t live;			/* packets that exist */
	struct rig_seen seen[RIG_SEEN]; /* the first ones */
	uint32_t n_seen;
	uint64_t done_at; /* last sim_object_done */
	uint64_t done_from;
	uint32_t done;
	uint64_t acks; /* at the sender */
	struct cc_ack last;
	void (*told)(struct sim *s, const struct cc_ack *a, const struct cc_win *before,
		     const struct cc_win *after);
};

/* A path of `rtt` ns without queue; the flow has cfg.cc of `algo` and may be changed before
 * rig_open. */
void rig_init(struct sim *s, enum cc_algo algo, uint64_t rtt);
void rig_open(struct sim *s);
/* Handles all events up to `until`. */
void rig_run(struct sim *s, uint64_t until);
/* Ends the connection; nothing may be left. */
void rig_close(struct sim *s);
/* The result so far. */
struct sim_flow_result rig_result(struct sim *s);
/* Number of data packets seen in [from, to) ns. */
uint32_t rig_count(struct sim *s, enum sim_pkt_kind kind, uint64_t from, uint64_t to);
/* The i-th retransmission, or NULL. */
const struct rig_seen *rig_again(struct sim *s, uint32_t i);
/* What always holds of a connection. */
void rig_check(const struct sim *s);

#endif
