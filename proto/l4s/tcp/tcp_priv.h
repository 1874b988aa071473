/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection of the simulator from inside: what sender.c, ack.c, loss.c, rack.c, timer.c and
 * receiver.c share. */
#ifndef DEP_L4S_TCP_PRIV_H
#define DEP_L4S_TCP_PRIV_H

#include "proto/l4s/accecn.h"
#include "proto/l4s/cc.h"
#include "proto/l4s/cc/prr.h"
#include "proto/l4s/sim/engine.h"
#include "proto/l4s/tcp/scoreboard.h"

#define MSEC_NS 1000000ull
#define TCP_TICK_NS MSEC_NS
#define TCP_RTO_MIN (200 * MSEC_NS)
#define TCP_RTO_MAX (120000 * MSEC_NS)
#define TCP_RTO_FIRST (1000 * MSEC_NS)
#define TCP_DUPTHRESH 3u
#define TCP_REORDERING_MAX 300u
#define TCP_HEADERS 52u
#define TCP_RESTART_WINDOW 10u
#define TCP_MIN_RTT_HALF (150000 * MSEC_NS) /* the minimum of the last 150 to 300 s */

/* Bits of sim_pkt.flags, in the order of accecn.h. */
#define TCP_ECE 1u
#define TCP_CWR 2u
#define TCP_AE 4u

enum tcp_alarm {
	ALARM_NONE,
	ALARM_RTO,
	ALARM_TLP,
	ALARM_REO, /* RACK: a packet will be overdue */
};

/* What an ACK did; as the flags of Linux' tcp_ack(). */
enum tcp_flag {
	FLAG_ADVANCED = 1,   /* snd_una moved */
	FLAG_SACKED = 2,     /* new SACKed packets */
	FLAG_ORIG = 4,	     /* a packet sent once, of before high_seq, was delivered */
	FLAG_ECE = 8,	     /* RFC 3168 ECE, or more CE than before */
	FLAG_DSACK = 16,     /* the receiver tells of a duplicate */
	FLAG_AGAIN = 32,     /* a retransmitted packet was acknowledged */
	FLAG_DUPLICATE = 64, /* neither news nor window */
};

struct tcp_rtt {
	uint32_t srtt;	   /* us << 3 */
	uint32_t mdev;	   /* us << 2 */
	uint32_t mdev_max; /* of this round */
	uint32_t rttvar;   /* us << 2 */
	uint32_t seq;	   /* end of the round */
	uint64_t rto;	   /* ns, without back-off */
	uint64_t min;	   /* ns; UINT64_MAX: not known */
	uint64_t min_old;  /* of the half before */
	uint64_t min_half; /* end of this half */
};

struct tcp_rack {
	uint64_t sent_ns; /* of the packet sent last among those delivered */
	uint64_t rtt;	  /* of it */
	uint32_t end;
	uint32_t dsack_round; /* delivered, up to which a DSACK does not count again */
	uint8_t steps;	      /* quarters of min_rtt */
	uint8_t persist;      /* recoveries that the steps will last */
	bool advanced;
	bool dsack;
};

struct tcp_figures {
	uint64_t bytes;
	uint64_t sent;
	uint64_t again;
	uint64_t lost;
	uint64_t marked;
	uint64_t reductions[4];
	uint64_t rtos;
	uint64_t spurious;
	uint64_t rtt_sum;
	uint64_t rtt_n;
	uint32_t delivered_ce;
	uint32_t objects;
};

struct tcp_block {
	uint32_t from, to;
};

#define TCP_BLOCKS 4

struct tcp_receiver {
	uint32_t nxt;	  /* next number expected */
	uint32_t acked;	  /* nxt when the last ACK left */
	uint32_t waiting; /* packets since the last ACK */
	uint32_t every;	  /* delayed ACK */
	uint32_t rwnd;
	uint32_t out_of_order; /* packets beyond nxt */
	uint32_t top;	       /* end of the highest of them */
	uint32_t mask;
	uint16_t *held; /* payload of packets beyond nxt, 0: not there */
	uint64_t delay;
	uint64_t echo;	  /* sent_ns to send back (RFC 7323 §4.3) */
	uint64_t done_at; /* bytes: end of the object */
	struct tcp_block block[TCP_BLOCKS];
	struct tcp_block duplicate;
	uint8_t n_blocks;
	bool has_duplicate;
	bool ece; /* RFC 3168: until CWR; RFC 8257: DCTCP.CE */
	struct accecn_receiver ecn;
	struct sim_timer delack;
	uint64_t delack_due; /* AQM_NEVER: none */
	struct sim_pkt *run; /* GRO */
	struct sim_pkt *run_tail;
	uint32_t run_n;
	uint64_t gro;
	struct sim_timer gro_timer;
};

struct tcp {
	struct sim *s;
	uint32_t flow;
	uint8_t state; /* enum cc_state */
	uint8_t feedback;
	uint8_t ect;
	uint8_t alarm;
	bool endless;
	bool stopped;
	bool paced;
	bool has_undo;
	bool frto;
	bool new_first; /* F-RTO 2.b: new data, no retransmission */
	bool queue_cwr;
	bool limited;	/* the window was what held sending back */
	bool tlp_again; /* the probe was a retransmission */
	bool has_tlp;
	bool reordered;
	bool to_one; /* RFC 3168: this reduction ends at a window of one packet */
	uint8_t backoff;
	uint8_t retransmits; /* timeouts in a row */
	uint8_t holds;
	uint16_t mss;
	uint16_t payload;    /* of the next new packet */
	uint32_t payload_of; /* w.packet it was made from */
	uint32_t delivered;
	uint32_t delivered_ce;
	uint32_t lost;
	uint32_t wnd_end;
	uint32_t max_out;
	uint32_t usage_seq;
	uint32_t high_seq;
	uint32_t prior_ssthresh;
	uint32_t undo_marker;
	int32_t undo_retrans;
	uint32_t reordering;
	uint32_t tlp_seq;
	uint32_t app_limited; /* delivered, up to which the sender had nothing to send; 0: not */
	uint32_t gso;
	uint64_t left;	     /* bytes not yet sent, unless endless */
	uint64_t a_echo;     /* of the ACK at hand: when what caused it was sent */
	uint64_t retrans_ns; /* of the first retransmission; 0: none */
	uint64_t pace_at;
	uint64_t hold_until; /* RFC 3168 §6.1.2 at a window of one */
	uint64_t last_sent;
	uint64_t alarm_at;
	uint64_t started; /* of the object */
	uint64_t queued;  /* bytes of all objects so far */
	struct scoreboard sb;
	struct tcp_rtt rtt;
	struct tcp_rack rack;
	struct cc_win w;
	struct cc_prr prr;
	struct cc_ack a;
	struct accecn_sender ecn;
	struct cc cc;
	struct tcp_receiver rx;
	struct tcp_figures f;
	struct tcp_figures base; /* at the last reset */
	struct sim_timer timer;
	struct sim_timer pace;
	const struct sim_flow_cfg *cfg;
	struct alloc *alloc;
	uint64_t total; /* bytes that arrived in order, ever */
};

static inline bool tcp_in_reduction(const struct tcp *t)
{
	return t->state == CC_CWR || t->state == CC_RECOVERY;
}

static inline uint64_t tcp_srtt_ns(const struct tcp *t)
{
	return (uint64_t)t->rtt.srtt * 125; /* us / 8 */
}

/* sender.c */
/* Sends what may be sent; true where it set the timer anew. */
bool tcp_output(struct tcp *t);
bool tcp_retransmit(struct tcp *t, uint32_t seq);
bool tcp_has_new(const struct tcp *t);
/* One new packet, whatever the window says. */
bool tcp_send_new(struct tcp *t);

/* loss.c: the states */
void tcp_states(struct tcp *t, unsigned flags, uint32_t prior_una);
void tcp_enter_recovery(struct tcp *t, bool ece);
void tcp_enter_loss(struct tcp *t);
void tcp_repaired_by_probe(struct tcp *t);
void tcp_fill_ack(struct tcp *t);
/* `low` was delivered after packets up to `high`. */
void tcp_reordering(struct tcp *t, uint32_t low, uint32_t high);

/* rack.c */
static inline bool rack_after(uint64_t t1, uint32_t s1, uint64_t t2, uint32_t s2)
{
	return t1 > t2 || (t1 == t2 && seq_after(s1, s2));
}

static inline void rack_advance(struct tcp *t, const struct sb_pkt *p, uint32_t end, uint64_t now)
{
	uint64_t rtt = now - p->sent_ns;

	/* the ACK of the first transmission, after all */
	if ((p->flags & SB_RETRANS) && rtt < t->rtt.min)
		return;
	t->rack.advanced = true;
	t->rack.rtt = rtt;
	if (rack_after(p->sent_ns, end, t->rack.sent_ns, t->rack.end)) {
		t->rack.sent_ns = p->sent_ns;
		t->rack.end = end;
	}
}

/* Marks what is lost by time; sets the timer for what will be. */
void rack_detect(struct tcp *t);
/* The same, if this ACK delivered something. */
void rack_detect_acked(struct tcp *t);
void rack_round(struct tcp *t, uint32_t prior_delivered);

/* timer.c */
void tcp_set_alarm(struct tcp *t, enum tcp_alarm kind, uint64_t at);
void tcp_rearm(struct tcp *t); /* TLP or RTO */
void tcp_rearm_rto(struct tcp *t);
uint64_t tcp_rto(const struct tcp *t);
void tcp_alarm_fired(struct sim *s, struct sim_timer *timer);

/* rtt.c */
void tcp_rtt_init(struct tcp_rtt *r);
void tcp_rtt_sample(struct tcp *t, uint64_t ns);
static inline void tcp_rtt_min(struct tcp_rtt *r, uint64_t rtt, uint64_t now)
{
	if (now >= r->min_half) {
		r->min_old = r->min_half ? r->min : UINT64_MAX;
		r->min_half = now + TCP_MIN_RTT_HALF;
		r->min = rtt;
	}
	if (rtt < r->min)
		r->min = rtt;
}

static inline uint64_t tcp_min_rtt(const struct tcp *t)
{
	return t->rtt.min < t->rtt.min_old ? t->rtt.min : t->rtt.min_old;
}

/* receiver.c */
bool tcp_receiver_init(struct tcp *t);
void tcp_receiver_free(struct tcp *t);
void tcp_receiver_object(struct tcp *t);

#endif
