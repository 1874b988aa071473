/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulator: packets one by one through links with real queue managers, between senders with
 * real congestion controls: aqm.h and cc.h, the same code as in the kernel and in the real
 * bottleneck. One seed gives one result, byte for byte, on any compiler and optimisation level:
 * integers only until the figures are printed.
 *
 * Topology: links in a row; a flow enters at one and leaves after another (one link: a dumbbell;
 * more: a parking lot). Each flow has its own fixed delay, so that its base RTT (with all queues
 * empty, serialisation apart) is what it says, and the delays of the links it passes come on top.
 * ACKs go back over that delay alone, or through a link of their own where the scenario names one.
 * */
#ifndef DEP_L4S_SIM_H
#define DEP_L4S_SIM_H

#include "base/alloc.h"
#include "base/err.h"
#include "proto/l4s/aqm.h"
#include "proto/l4s/cc.h"
#include "proto/l4s/hist.h"

#include <stdbool.h>
#include <stdint.h>

#define SIM_LINKS 8
#define SIM_FLOWS 4096
#define SIM_LOADS 64

struct sim_rate_step { /* a capacity trace */
	uint64_t at;   /* ns */
	uint64_t rate; /* bit/s */
};

struct sim_link_cfg {
	struct aqm_cfg aqm;
	uint64_t rate;	   /* bit/s */
	uint32_t overhead; /* bytes a packet beyond IP: 14 on Ethernet */
	uint64_t delay;	   /* ns one way, beside each flow's own */
	uint64_t jitter;   /* ns: uniform 0..jitter more, order kept */
	uint32_t loss;	   /* random loss after the queue, 2^-32 */
	const struct sim_rate_step *trace;
	uint32_t n_trace;
	uint64_t trace_period; /* ns; 0: once */
};

struct sim_flow_cfg { /* `count` equal TCP flows */
	struct cc_cfg cc;
	uint32_t count;
	uint64_t rtt;	       /* base, ns */
	uint64_t start;	       /* ns */
	uint64_t start_spread; /* each starts uniformly within so much after start */
	uint64_t stop;	       /* 0: to the end */
	uint64_t bytes;	       /* of each object; 0: without end */
	uint64_t gap;	    /* mean of the exponential pause between objects, ns; 0: one object */
	uint32_t rwnd;	    /* segments; 0: no limit */
	uint32_t ack_every; /* delayed ACK: segments an ACK (2) */
	uint64_t ack_delay; /* at most so long (40 ms) */
	uint32_t ack_thin; /* the path keeps one of so many pure ACKs queued together (0, 1: all) */
	uint32_t gso;	   /* segments that leave back to back (0: as the control says) */
	uint64_t gro;	   /* receiver merges segments that arrive within so many ns (0: none) */
	uint8_t first_link;
	uint8_t last_link;
	int8_t ack_link; /* link that ACKs go through, -1: none */
	char name[24];	 /* group in the results: "cubic", "prague" */
};

enum sim_load_kind {
	SIM_LOAD_CBR,
	SIM_LOAD_POISSON,
	SIM_LOAD_ON_OFF, /* exponential periods */
	SIM_LOAD_FRAMES, /* bursts of a frame, as video conferences send */
};

struct sim_load_cfg { /* unresponsive UDP */
	uint8_t kind;
	uint8_t ecn;
	uint8_t first_link;
	uint8_t last_link;
	uint32_t packet;     /* bytes of the IP packet */
	uint64_t rate;	     /* bit/s, mean */
	uint64_t on, off;    /* ON_OFF: mean, ns */
	uint32_t per_second; /* FRAMES */
	uint64_t start;
	uint64_t stop; /* 0: to the end */
	char name[24];
};

struct sim_cfg {
	struct sim_link_cfg link[SIM_LINKS];
	uint32_t n_links;
	const struct sim_flow_cfg *flow;
	uint32_t n_flows; /* groups */
	const struct sim_load_cfg *load;
	uint32_t n_loads;
	uint64_t duration; /* ns */
	uint64_t warmup;   /* figures count from here, ns */
	uint64_t sample;   /* ns between samples of the time series; 0: none */
	uint64_t seed;
};

struct sim_flow_result {
	uint32_t group;	 /* index into cfg.flow */
	uint64_t bytes;	 /* payload that arrived in order, after warm-up */
	uint64_t active; /* ns of that it was there */
	uint64_t sent;	 /* packets */
	uint64_t retransmitted;
	uint64_t lost;		/* seen as lost by the sender */
	uint64_t marked;	/* CE that arrived */
	uint64_t delivered_ce;	/* as the sender counted */
	uint64_t reductions[4]; /* by enum cc_cause */
	uint64_t rtos;
	uint64_t spurious;
	uint32_t objects;    /* finished */
	struct cc_view view; /* at the end */
	uint64_t rtt_mean;   /* ns */
	uint64_t rtt_min;
};

struct sim_link_result {
	struct aqm_stats aqm;
	uint64_t busy; /* ns that the link served, after warm-up */
	uint64_t served_bytes;
	uint64_t capacity; /* bits it could have served after warm-up, by its rate or trace */
	uint64_t lost;	   /* packets, by random loss after the queue */
	uint32_t sending;  /* packets being sent at the end: 0 or 1 */
};

struct sim_load_result {
	uint64_t sent;
	uint64_t received;
	uint64_t marked;
	uint64_t received_bytes;
};

struct sim_flow_sample {
	uint64_t bytes; /* that arrived since the last sample */
	uint32_t cwnd;
	uint32_t ssthresh;
	struct cc_view view;
};

struct sim_sample {
	uint64_t at;
	uint32_t prob, p_cl, p_c; /* of link 0 */
	uint64_t delay[2];	  /* ns: sojourn of the last packet of queue C, L */
	uint32_t packets[2];	  /* in queue C, L of link 0 */
	uint32_t n_flows;
	const struct sim_flow_sample *flow;
};

struct sim_result {
	struct sim_flow_result *flow; /* n_flows: every flow of every group */
	uint32_t n_flows;
	struct sim_link_result link[SIM_LINKS];
	struct sim_load_result load[SIM_LOADS];
	struct hist fct;  /* completion times of objects */
	uint64_t packets; /* data packets that were served by links, warm-up too */
	uint64_t events;
	uint64_t measured; /* ns: duration - warmup */
};

/* Runs a scenario. watch may be NULL: sees each packet leave a link (for traces and captures).
 * Returns 0, -EINVAL and err for a scenario that cannot be, -ENOMEM. Release the result with
 * sim_result_free. */
struct sim_packet_seen {
	uint64_t now;
	uint8_t link;
	bool dropped;
	bool ack;
	bool queued;   /* false: an ACK that leaves its receiver, through no queue */
	uint32_t flow; /* index into result.flow; loads after the flows */
	uint64_t seq;
	uint64_t sojourn;
	const struct aqm_pkt *pkt; /* ecn as it leaves, why */
	uint8_t ecn_in;
};
struct sim_watch {
	void (*packet)(void *ctx, const struct sim_packet_seen *p);
	void (*sample)(void *ctx, const struct sim_sample *s);
	/* one ACK at a sender, before and after the congestion control, for replays */
	void (*ack)(void *ctx, uint32_t flow, const struct cc_ack *a, const struct cc_win *before,
		    const struct cc_win *after);
	void *ctx;
};
/* 0 or -EINVAL and err: a scenario that cannot be. sim_run checks too. */
int sim_cfg_check(const struct sim_cfg *cfg, struct err *err);
int sim_run(const struct sim_cfg *cfg, const struct sim_watch *watch, struct alloc *a,
	    struct sim_result *result, struct err *err);
void sim_result_free(struct sim_result *result, struct alloc *a);

/* Mean goodput of a flow of a group, bit/s of payload. */
double sim_rate(const struct sim_cfg *cfg, const struct sim_result *r, uint32_t group);
/* Share of link l's capacity that was used after warm-up, 0..1. */
double sim_utilisation(const struct sim_cfg *cfg, const struct sim_result *r, uint32_t l);

/* ---- scenarios as JSON (scenario.c) ---- */

/* Reads a scenario: see doc/dep-l4s-sim.1.scd. What it takes lives until scenario_free. */
struct scenario {
	struct sim_cfg cfg;
	struct sim_flow_cfg *flow;
	struct sim_load_cfg *load;
	struct sim_rate_step *trace[SIM_LINKS];
	char *aqm[SIM_LINKS]; /* the words of each link's queue manager */
	char name[64];
};
int scenario_parse(struct scenario *s, const char *text, size_t n, const char *origin,
		   struct err *err);
void scenario_free(struct scenario *s);
/* Another value: "rate" and "aqm" of link 0, "rtt", "count" and "cc" of all groups or with a number
 * behind ("rtt2") of one, counted from 1. Check the whole with sim_cfg_check. 0 or -EINVAL and err.
 */
int scenario_set(struct scenario *s, const char *name, const char *value, struct err *err);
/* A dumbbell as one needs it most: one link, groups of flows. aqm and cc as aqm_cfg_parse and
 * cc_cfg_parse read them. */
struct scenario_group {
	const char *cc;
	uint32_t count;
	uint64_t rtt;
};
int scenario_dumbbell(struct scenario *s, uint64_t rate, const char *aqm,
		      const struct scenario_group *g, uint32_t n, uint64_t duration,
		      uint64_t warmup, uint64_t seed, struct err *err);

#endif
