/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine from inside: what engine.c, link.c, load.c, flow.c and figures.c share. */
#ifndef DEP_L4S_SIM_ENGINE_PRIV_H
#define DEP_L4S_SIM_ENGINE_PRIV_H

#include "proto/l4s/sim/engine.h"
#include "proto/l4s/sim/events.h"

enum sim_event {
	EVENT_SERVED,	/* link n has sent a packet */
	EVENT_ACK_LINE, /* head of the delay line `of` */
	EVENT_LINK_LINE,
	EVENT_TIMER,
	EVENT_TICK, /* of link n's queue manager */
	EVENT_LOAD,
	EVENT_START, /* flow n */
	EVENT_STOP,
	EVENT_OBJECT, /* flow n has another object to send */
	EVENT_TRACE,
	EVENT_SAMPLE,
	EVENT_WARM,
};

/* Packets wait the same time, or at least leave in order: only the head is an event. */
struct line {
	struct sim_pkt *head;
	struct sim_pkt *tail;
	uint64_t delay;
};

struct sim_link {
	const struct sim_link_cfg *cfg;
	struct aqm *aqm;
	struct sim_pkt *sending; /* NULL: idle */
	uint64_t done;		 /* ns: when it will have been sent */
	uint64_t rate;		 /* 0: an outage */
	uint64_t rest;		 /* of the division of the last service time */
	uint32_t len;		 /* service time of packets of this length, kept: */
	uint64_t len_ns;
	uint64_t len_rest;
	uint32_t overhead;
	bool far; /* has delay, jitter or loss */
	struct line line;
	uint64_t line_due; /* of the last packet in it */
	uint64_t last_delay[2];
	uint32_t trace_at;
	uint64_t trace_base;
	uint64_t busy;
	uint64_t served_bytes;
	uint64_t lost;
	uint64_t capacity; /* bit offered since the warm-up, at rates up to capacity_at */
	uint64_t capacity_rest;
	uint64_t capacity_at;
	struct rng rng;
};

struct sim_flow {
	struct tcp *tcp;
	const struct sim_flow_cfg *cfg;
	struct line *line;
	uint32_t group;
	uint8_t first_link;
	uint8_t last_link;
	int8_t ack_link;
	bool there;    /* has something to send */
	bool stopped;  /* for good */
	uint32_t thin; /* ACKs in a run at most, 0: no thinning */
	uint32_t run;
	uint64_t run_at;	/* when the last ACK came */
	struct sim_pkt *newest; /* the last ACK, if it is in the line */
	uint64_t since;		/* ns: there since */
	uint64_t active;
	uint32_t objects;
	uint64_t sampled_bytes;
};

struct sim_load {
	const struct sim_load_cfg *cfg;
	uint64_t at;	/* ns of the next packet */
	uint64_t at_q;	/* and 2^-16 of it */
	uint64_t gap_q; /* ns, 2^-16: between packets, frames or (POISSON) on average */
	uint64_t until; /* ON_OFF: end of the period */
	uint64_t debt;	/* FRAMES: bytes of the frame left over */
	uint64_t frame; /* bytes a frame, 2^-16 */
	uint64_t number;
	uint32_t flow;
	struct rng rng;
	struct sim_load_result r;
};

#define SIM_CHUNK 256

struct sim_chunk {
	struct sim_chunk *next;
	uint8_t room[SIM_CHUNK * sizeof(struct sim_pkt) + 64]; /* packets, from a cache line on */
};

struct sim {
	uint64_t now;
	struct events events;
	struct sim_pkt *free;
	struct sim_chunk *chunks;
	const struct sim_watch *watch;
	const struct sim_cfg *cfg;
	struct sim_link link[SIM_LINKS];
	struct sim_flow *flow;
	uint32_t n_flows;
	struct line *line; /* of the flows, one a round-trip time */
	uint32_t n_lines;
	struct sim_load load[SIM_LOADS];
	struct rng rng;
	struct alloc *a;
	bool failed; /* no memory */
	bool warm;
	uint64_t packets;
	uint64_t n_events;
	struct hist fct;
	struct sim_flow_sample *sample;
};

static inline void sim_at(struct sim *s, uint64_t at, enum sim_event kind, uint64_t n)
{
	struct event e = {.at = at, .n = n};

	e.key = events_number(&s->events) << EVENT_KIND_BITS | kind;
	events_put(&s->events, e);
}

/* IP packet: IPv4, TCP with timestamps; an ACK with its SACK blocks and the AccECN option, of as
 * many counters as there is room for. */
static inline uint32_t sim_ip_len(const struct sim_pkt *p)
{
	uint32_t options;

	if (p->kind != SIM_ACK)
		return p->kind == SIM_UDP ? p->payload : p->payload + 52u;
	options = p->n_sacks ? 4u + 8u * (p->n_sacks > 3 ? 3 : p->n_sacks) : 0;
	if (p->has_ceb)
		options += options <= 16 ? 12 : options <= 20 ? 8 : 0;
	return 52 + options;
}

/* A line's packet with due set. */
static inline void line_put(struct sim *s, struct line *l, struct sim_pkt *p, enum sim_event kind)
{
	struct event e;

	p->number = events_number(&s->events) << EVENT_KIND_BITS | kind;
	p->next = NULL;
	if (l->head) {
		l->tail->next = p;
	} else {
		l->head = p;
		e.at = p->due;
		e.key = p->number;
		e.of = l;
		events_put(&s->events, e);
	}
	l->tail = p;
}

static inline struct sim_pkt *line_take(struct sim *s, struct line *l)
{
	struct sim_pkt *p = l->head;
	struct event e;

	l->head = p->next;
	if (l->head) {
		e.at = l->head->due;
		e.key = l->head->number;
		e.of = l;
		events_put(&s->events, e);
		/* Packets in a line have left the caches. */
		__builtin_prefetch(l->head->next);
		__builtin_prefetch((uint8_t *)l->head + 64);
	}
	return p;
}

/* An exponential time of this mean; integer arithmetic. */
uint64_t sim_exponential(struct rng *r, uint64_t mean);

/* link.c */
int sim_link_init(struct sim *s, uint32_t l, struct err *err);
void sim_link_free(struct sim *s, uint32_t l);
void sim_link_enqueue(struct sim *s, uint32_t l, struct sim_pkt *p);
void sim_link_served(struct sim *s, uint32_t l);
void sim_link_line(struct sim *s, struct line *line);
void sim_link_tick(struct sim *s, uint32_t l);
void sim_link_trace(struct sim *s, uint32_t l);
void sim_link_warm(struct sim *s, uint32_t l);
void sim_link_result(struct sim *s, uint32_t l, struct sim_link_result *r);

/* flow.c */
int sim_flows_init(struct sim *s);
void sim_flows_free(struct sim *s);
void sim_flow_start(struct sim *s, uint32_t flow);
void sim_flow_stop(struct sim *s, uint32_t flow);
void sim_flow_object(struct sim *s, uint32_t flow);
void sim_ack_line(struct sim *s, struct line *line);
/* A packet has passed its last link. */
void sim_arrived(struct sim *s, struct sim_pkt *p);
void sim_flows_warm(struct sim *s);
void sim_flows_result(struct sim *s, struct sim_result *r);

/* load.c */
void sim_load_init(struct sim *s, uint32_t i);
void sim_load_send(struct sim *s, uint32_t i);
void sim_load_arrived(struct sim *s, struct sim_pkt *p);

#endif
