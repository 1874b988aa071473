/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the eBPF programs of the controls and user space share: values of the maps, and the record
 * of a call. */
#ifndef DEP_L4S_BPF_CC_BPF_H
#define DEP_L4S_BPF_CC_BPF_H

#include "proto/l4s/cc.h"

/* Index of a control in the maps. */
enum cc_bpf_control {
	CC_BPF_CUBIC,
	CC_BPF_PRAGUE,
	CC_BPF_CONTROLS,
};

/* What a control does at a hook of the kernel. */
enum cc_bpf_op {
	CC_BPF_INIT,	 /* arg: enum cc_feedback */
	CC_BPF_SSTHRESH, /* arg: enum cc_cause; ret: the threshold */
	CC_BPF_STATE,	 /* arg: enum cc_state */
	CC_BPF_ACK,
	CC_BPF_UNDO, /* ret: the window */
	CC_BPF_RESTART,
	CC_BPF_OPS,
};

/* Figures of a control on one processor. */
struct cc_bpf_stats {
	uint64_t sockets;
	uint64_t closed;
	uint64_t accecn;
	uint64_t classic_ecn;
	uint64_t no_ecn;
	uint64_t acks;
	uint64_t marks;
	uint64_t reductions[4];
	uint64_t rewritten;
	uint64_t no_memory; /* sockets that got no state: they behave as Reno */
	uint64_t unmarked;  /* Prague: marks of packets that were not ECT(1), answered as a loss */
};

/* One call: what went in, what came out. */
struct cc_bpf_event {
	uint32_t id;  /* of the socket, from 1 */
	uint32_t seq; /* of the call in the socket, from 0 (CC_BPF_INIT) */
	uint8_t op;
	uint8_t arg;
	uint8_t control;
	uint8_t pad[5];
	uint32_t ret;
	uint32_t pad2;
	struct cc_ack ack;
	struct cc_win in;
	struct cc_win out;
	struct cc cc; /* after the call */
};

/* A socket for the view. */
struct cc_bpf_flow {
	uint8_t family;
	uint8_t control;
	uint8_t ecn_flags;
	uint8_t pad;
	uint16_t local_port;
	uint16_t remote_port;
	uint32_t local[4];
	uint32_t remote[4];
	uint64_t bytes_acked;
	uint64_t pacing_rate;
	uint64_t at_ns;
	uint32_t cwnd;
	uint32_t ssthresh;
	uint32_t srtt_us;
	uint32_t min_rtt_us;
	uint32_t delivered;
	uint32_t delivered_ce;
	struct cc cc;
};

#endif
