/* SPDX-License-Identifier: BSD-2-Clause */
/* Congestion controls behind one interface: Reno, CUBIC (RFC 9438, and in the integers of Linux),
 * both with ABE; DCTCP (RFC 8257); Prague. Pure: integer arithmetic, no clock, no allocation, no
 * function pointer, no libc, no signed division, no 128-bit arithmetic, bounded loops: what clang
 * makes of it for eBPF is what gcc makes of it for the simulator. Each control is one header of
 * inline functions (cc/cubic.h …) over its own state; cc.c dispatches to them by cc.algo for
 * programs that choose at run time. The calls are the ones Linux' tcp_congestion_ops has, so that
 * glue is thin.
 *
 * Window and threshold are whole segments. The owner (the kernel's TCP, the simulator's) holds
 * struct cc_win and keeps the states: Open; CWR after a mark; Recovery after a loss; Loss after a
 * timeout. For Reno, CUBIC and DCTCP the owner brings the window down to ssthresh by PRR (prr.h) in
 * CWR and Recovery and grows nothing there; Prague sets the window itself in each state
 * (cong_control). */
#ifndef DEP_L4S_CC_H
#define DEP_L4S_CC_H

#include "proto/l4s/abe.h"
#include "proto/l4s/cc/cc_types.h"
#include "proto/l4s/ecn.h"

struct err;

enum cc_algo {
	CC_RENO,
	CC_CUBIC,
	CC_DCTCP,
	CC_PRAGUE,
};

enum cc_form {
	CC_FORM_RFC,   /* CUBIC: RFC 9438 (fixed point) */
	CC_FORM_LINUX, /* CUBIC: bit for bit as tcp_cubic of Linux */
};

enum cc_start {
	CC_START_PLAIN,	    /* slow start to the first loss or mark */
	CC_START_HYSTART,   /* HyStart as in Linux */
	CC_START_HYSTARTPP, /* RFC 9406 */
};

enum cc_state {
	CC_OPEN, /* Disorder counts as Open */
	CC_CWR,
	CC_RECOVERY,
	CC_LOSS,
};

enum cc_feedback {
	CC_FEEDBACK_NONE,    /* Not-ECT */
	CC_FEEDBACK_CLASSIC, /* RFC 3168: ECE until CWR */
	CC_FEEDBACK_ACCECN,  /* RFC 9768 */
	CC_FEEDBACK_DCTCP,   /* RFC 8257: ECE is the state of the last packet */
};

/* What "FlightSize" is where a window is reduced. */
enum cc_flight {
	CC_FLIGHT_CWND,	    /* the congestion window (Linux) */
	CC_FLIGHT_INFLIGHT, /* what is in the network, where that is less (RFC 5681) */
};

struct cc_cfg {
	uint8_t algo;
	uint8_t form;
	uint8_t start;
	uint8_t ect;	  /* enum ecn of data: ECN_NOT_ECT, ECN_ECT0, ECN_ECT1 */
	uint8_t feedback; /* enum cc_feedback that is asked for; after cc_init what is there */
	bool pacing;	  /* CUBIC, Reno, DCTCP; Prague always paces */
	bool fast_convergence;
	bool rtt_independence;	/* Prague */
	bool classic_detection; /* Prague: watch for a shared queue with Classic ECN (RFC 9331
				   §4.3), spec §2.7 */
	bool calm_growth;   /* Prague: grows by a millisecond of its rate a round where no mark came
			       for long (the userspace Prague of its authors) */
	bool small_packets; /* Prague: smaller packets at low rates; the kernel's glue cannot */
	uint8_t flight;	    /* enum cc_flight */
	struct abe_cfg abe;
	uint16_t cubic_c; /* CUBIC, RFC form: C in 1/1000 segments/s^3 (400); Linux has 0.4 */
	uint16_t initial_window; /* segments */
	uint32_t target_rtt_us;	 /* Prague: virtual RTT, 25000 */
	uint32_t mss;		 /* bytes of payload of a full segment */
	uint32_t mtu;		 /* bytes of its IP packet: 1500 */
};

/* Window as the sender holds it, in and out of each call. */
struct cc_win {
	uint32_t cwnd;
	uint32_t cwnd_cnt; /* ACKed segments towards the next one (as tcp_sock.snd_cwnd_cnt) */
	uint32_t ssthresh;
	uint32_t packet; /* out: bytes of an IP packet; 0: full size. Prague makes them smaller at
			    low rates */
	uint64_t pacing_rate; /* bytes/s; 0: not paced */
	uint32_t
		burst; /* segments that may leave back to back when pacing; 0: the owner's choice */
};

/* One ACK, as known after it was processed by the scoreboard. */
struct cc_ack {
	uint64_t now_ns;
	uint32_t delivered;    /* total segments delivered, as tcp_sock.delivered */
	uint32_t delivered_ce; /* total of these with CE (AccECN, DCTCP) */
	uint32_t acked;	       /* segments newly acknowledged cumulatively or by SACK */
	uint32_t lost;	       /* segments newly marked lost */
	uint32_t rtt_us;       /* sample of this ACK; 0: none */
	uint32_t srtt_us;
	uint32_t mdev_us;
	uint32_t min_rtt_us;
	uint32_t inflight; /* segments, after this ACK */
	uint32_t snd_una;  /* segments, or bytes: compared only */
	uint32_t snd_nxt;
	uint8_t state; /* enum cc_state */
	bool ece;      /* RFC 3168 ECE set, or more CE than before */
	bool cwnd_limited;
	bool app_limited;
};

enum cc_cause {
	CC_CAUSE_ECN,
	CC_CAUSE_LOSS,
	CC_CAUSE_RTO,
	CC_CAUSE_LOCAL, /* the sender's own queue was full: answered as a loss */
};

struct cc_cubic;
struct cc_prague;

/* Large enough and aligned for each state; each fits the kernel's private area (static_assert in
 * its header). */
#define CC_PRIV 104
struct cc {
	struct cc_cfg cfg; /* in force: algo and ect may differ from what was asked for, see
			      cc_init */
	_Alignas(8) uint8_t priv[CC_PRIV]; /* bytes: states of any type alias them */
	uint64_t last_ns;		   /* last ACK */
};

/* Defaults: CUBIC: linux form, HyStart, fast convergence, ECT(0), Classic feedback, ABE off,
 * ACK-clocked. Prague: ECT(1), AccECN, RTT-independent, target 25 ms. DCTCP: ECT(0), DCTCP
 * feedback. */
void cc_cfg_defaults(struct cc_cfg *cfg, enum cc_algo algo);
/* Reads "cubic", "cubic abe 0.85 abe-alpha keep form rfc", "cubic abe adaptive", "cubic no-ecn",
 * "prague no-classic-detection", over the defaults of the algorithm. Returns 0 or -EINVAL and err.
 */
int cc_cfg_parse(struct cc_cfg *cfg, const char *text, struct err *err);
/* 0 or -EINVAL and err: values that do not go together. */
int cc_cfg_check(const struct cc_cfg *cfg, struct err *err);
/* The text that cc_cfg_parse reads; returns its length as snprintf. */
int cc_cfg_print(const struct cc_cfg *cfg, char *buf, uint32_t n);
const char *cc_algo_name(enum cc_algo algo);

/* The connection is there: sets the first window. `feedback` is what was negotiated (enum
 * cc_feedback). Prague without AccECN becomes Reno, with ECT(0) where the feedback is Classic, else
 * Not-ECT (RFC 9331 §4.3 item 1). Without feedback nothing is ECT: c->cfg.ect says what to send. */
void cc_init(struct cc *c, const struct cc_cfg *cfg, uint8_t feedback, uint64_t now_ns,
	     struct cc_win *w);
/* Before the states are updated by an ACK that carries ECE or more CE (in_ack_event). */
void cc_mark(struct cc *c, const struct cc_ack *a);
/* A reduction begins: returns the new ssthresh. The owner sets it and enters CWR, Recovery or Loss.
 */
uint32_t cc_ssthresh(struct cc *c, enum cc_cause cause, const struct cc_ack *a, struct cc_win *w);
/* The state of the sender has changed to `state`. */
void cc_set_state(struct cc *c, enum cc_state state, const struct cc_ack *a, struct cc_win *w);
/* After each ACK, states being updated: growth where the state lets it (Reno, CUBIC, DCTCP: Open
 * only, or in slow start of Loss); Prague: everything. */
void cc_ack(struct cc *c, const struct cc_ack *a, struct cc_win *w);
/* Whether the control brings the window down itself (Prague) instead of PRR. */
bool cc_controls_window(const struct cc *c);
/* The reduction was spurious: the window to go back to. */
uint32_t cc_undo(struct cc *c, struct cc_win *w);
/* Sends again after idle. */
void cc_restart(struct cc *c, uint64_t now_ns, struct cc_win *w);
/* For views: Prague's and DCTCP's alpha in 2^-24; the last beta_ecn used (1/1024); score of the
 * Classic-ECN detection (1/1024; below 0 L4S, above 1024 Classic). */
struct cc_view {
	uint32_t alpha;
	uint32_t beta;
	int32_t classic;
};
void cc_look(const struct cc *c, struct cc_view *v);

#endif
