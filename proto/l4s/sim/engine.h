/* SPDX-License-Identifier: BSD-2-Clause */
/* What the simulator's engine (engine.c: time, links, delay) and its TCP (../tcp: sender,
 * receiver) know of each other. */
#ifndef DEP_L4S_SIM_ENGINE_H
#define DEP_L4S_SIM_ENGINE_H

#include "proto/l4s/sim/sim.h"

struct sim;
struct tcp;

enum sim_pkt_kind {
	SIM_DATA,
	SIM_ACK,
	SIM_UDP,
	SIM_SWALLOWED, /* engine: an ACK that a later one has overtaken */
};

#define SIM_SACKS 4

/* A packet; the engine's pool owns those that are on no queue. Data: seq numbers packets of a flow
 * from 0 (a packet is a segment, of payload bytes). What queues and links touch is in the first 64
 * bytes. */
struct sim_pkt {
	struct aqm_pkt q;     /* first. flow: index of the flow */
	struct sim_pkt *next; /* engine: delay line */
	uint64_t due;	      /* engine: arrival at the end of a delay line */
	uint64_t number;      /* engine: of its event there */
	uint32_t seq;	      /* data: its number; ACK: next number expected */
	uint16_t payload;     /* UDP: bytes of the IP packet */
	uint8_t kind;
	uint8_t flags;	  /* ACK: AE CWR ECE (accecn.h); data: CWR */
	uint64_t sent_ns; /* data: when it left; ACK: echo of that of the packet that caused it */
	uint32_t rwnd;	  /* ACK: segments */
	uint32_t ceb;	  /* ACK: AccECN option, where has_ceb: bytes of CE, */
	uint32_t e0b;	  /* of ECT(0), */
	uint32_t e1b;	  /* of ECT(1) */
	uint8_t link;	  /* engine: the link it is at */
	uint8_t ecn_in;	  /* engine: as it came there */
	bool retransmit;
	uint8_t n_sacks;
	bool has_ceb;
	bool dsack; /* sack[0] is a duplicate */
	struct {
		uint32_t from, to; /* numbers, to excluded */
	} sack[SIM_SACKS];
};

/* A timer of TCP: intrusive, one shot; setting it again moves it. */
struct sim_timer {
	uint64_t due; /* ns, AQM_NEVER: not set */
	void (*fire)(struct sim *s, struct sim_timer *t);
	uint64_t scratch[3]; /* the engine's */
};

/* ---- the engine, for TCP ---- */
uint64_t sim_now(const struct sim *s);
/* A packet of the pool, its fields not cleared beyond q.next; NULL: no memory (the run fails then
 * by itself). */
struct sim_pkt *sim_pkt_new(struct sim *s);
void sim_pkt_free(struct sim *s, struct sim_pkt *p);
/* Sends a data packet into the first link of its flow, or an ACK on its way back. Takes p. q.flow,
 * q.ecn, kind and payload are set; the engine adds headers (52 bytes IPv4 + TCP with timestamps: IP
 * packet = payload + 52; an ACK's SACK blocks and AccECN option beside that) and overhead for
 * q.len. */
void sim_send(struct sim *s, struct sim_pkt *p);
void sim_timer_set(struct sim *s, struct sim_timer *t, uint64_t due);
void sim_timer_stop(struct sim *s, struct sim_timer *t);
void sim_tell_ack(struct sim *s, uint32_t flow, const struct cc_ack *a, const struct cc_win *before,
		  const struct cc_win *after);
/* An object of the flow is complete (finite flows). */
void sim_object_done(struct sim *s, uint32_t flow, uint64_t started);

/* ---- TCP, for the engine: one struct tcp is both ends of a connection ---- */
struct tcp *tcp_new(struct sim *s, const struct sim_flow_cfg *cfg, uint32_t flow, struct alloc *a);
void tcp_free(struct tcp *t, struct alloc *a);
/* Begins to send: cfg.bytes, or without end. Again after an object was done: the same connection
 * goes on. */
void tcp_start(struct tcp *t);
void tcp_stop(struct tcp *t); /* no new data */
/* Arrivals; both take p. */
void tcp_data_arrived(struct tcp *t, struct sim_pkt *p);
void tcp_ack_arrived(struct tcp *t, struct sim_pkt *p);
/* Figures since the last reset (end of the warm-up) into r; active and group are the engine's. */
void tcp_result(const struct tcp *t, struct sim_flow_result *r);
void tcp_reset_figures(struct tcp *t);
/* For samples. */
void tcp_look(const struct tcp *t, uint64_t *bytes, struct cc_win *w, struct cc_view *v);

#endif
