/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* DOC: The congestion controls in the kernel
 *
 * Two controls as struct_ops, "dep_cubic_abe" and "dep_prague". Each hook of the kernel gathers the
 * input of one call of the core (struct cc_ack, struct cc_win), makes it (core.h, the same lines as
 * in the simulator) and writes back what changed. The state of a socket, its parameters (a copy,
 * made when it opened) and the scratch of a call live in the socket's own storage: hooks run with
 * the socket locked.
 *
 *	kernel hook	call
 *	init		CC_BPF_INIT
 *	in_ack_event	remembers ECE (of RFC 3168, or more CE by AccECN) for ssthresh
 *	pkts_acked	remembers the RTT for cong_avoid
 *	ssthresh	CC_BPF_SSTHRESH; its cause is told from what the socket knows, see cause_of
 *	set_state	CC_BPF_STATE
 *	cong_avoid	CC_BPF_ACK of CUBIC, whose window the kernel brings down by PRR
 *	cong_control	CC_BPF_ACK of Prague, which does all of it
 *	undo_cwnd	CC_BPF_UNDO
 *	cwnd_event	CC_BPF_RESTART at the first packet after idle
 *
 * ECN. Both ask for AccECN (flag NEEDS_ACCECN) and take what the peer gives. Where that is less
 * than Prague needs, init hands the socket over: to dep_cubic_abe with RFC 3168 feedback, to reno
 * without any.
 *
 * ECT(1). The kernel sends ECT(0) whatever the control. mark.h is a tc program that makes it ECT(1)
 * for sockets of dep_prague, where it is attached. Where it is not, or is gone because its holder
 * was killed, marks are answered as losses: a window that shrinks by alpha/2 is only allowed to
 * packets that say so (RFC 9331 §4.1). */
#include "proto/l4s/bpf/kernel.h"

#include "proto/l4s/bpf/math.h"

#include "proto/l4s/bpf/core.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define CUBIC_FLAGS (KERNEL_CONG_NON_RESTRICTED | KERNEL_CONG_NEEDS_ACCECN)
#define PRAGUE_FLAGS (KERNEL_CONG_NON_RESTRICTED | KERNEL_CONG_NEEDS_ACCECN)

/* Names to hand a socket over to; set by the loader. */
const volatile char classic_name[16] = "dep_cubic_abe";
const volatile char no_ecn_name[16] = "reno";

/* Sockets to come are recorded while this is above 0; each event takes one. */
int64_t record_left;
uint64_t record_lost;
uint32_t next_id;

struct l4s_socket {
	struct cc cc;
	struct cc_ack ack;
	struct cc_win win;
	struct cc_win before;
	uint32_t id;
	uint32_t seq;
	uint32_t rtt_us; /* of the ACK that is being processed; 0: none */
	uint32_t last_ce;
	uint32_t last_lost;
	uint32_t rewritten; /* by mark.h */
	uint32_t rewritten_seen;
	uint64_t shown_ns;
	uint8_t control;
	uint8_t ready;
	uint8_t ece;
	uint8_t recording;
	uint8_t ect1; /* mark.h is to rewrite */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct l4s_socket);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CC_BPF_CONTROLS);
	__type(key, uint32_t);
	__type(value, struct cc_cfg);
} params SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CC_BPF_CONTROLS);
	__type(key, uint32_t);
	__type(value, struct cc_bpf_stats);
} stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, uint32_t);
	__type(value, struct cc_bpf_flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} events SEC(".maps");

#include "proto/l4s/bpf/glue.h"

/* ---- dep_cubic_abe ---- */

SEC("struct_ops")
void BPF_PROG(cubic_init_, struct sock *sk)
{
	open_socket(sk, CC_BPF_CUBIC);
}

SEC("struct_ops")
void BPF_PROG(cubic_in_ack_event, struct sock *sk, uint32_t flags)
{
	ack_begins(sk, flags);
}

SEC("struct_ops")
void BPF_PROG(cubic_pkts_acked, struct sock *sk, const struct ack_sample *sample)
{
	struct l4s_socket *s = storage(sk);

	if (s && sample->rtt_us > 0)
		s->rtt_us = (uint32_t)sample->rtt_us;
}

SEC("struct_ops")
uint32_t BPF_PROG(cubic_ssthresh_, struct sock *sk)
{
	return reduce(sk, CC_BPF_CUBIC);
}

SEC("struct_ops")
void BPF_PROG(cubic_state, struct sock *sk, uint8_t to)
{
	change_state(sk, CC_BPF_CUBIC, to);
}

SEC("struct_ops")
void BPF_PROG(cubic_cong_avoid, struct sock *sk, uint32_t ack, uint32_t acked)
{
	struct l4s_socket *s = storage(sk);
	const struct tcp_sock *tp = (const struct tcp_sock *)sk;

	if (!s) {
		tcp_reno_cong_avoid(sk, ack, acked);
		return;
	}
	gather(s, sk, acked);
	s->ack.app_limited = tp->app_limited != 0;
	call(s, CC_BPF_CUBIC, CC_BPF_ACK, 0);
	give_window(s, sk);
	s->rtt_us = 0;
	after_ack(s, sk);
}

SEC("struct_ops")
uint32_t BPF_PROG(cubic_undo_, struct sock *sk)
{
	return undo(sk, CC_BPF_CUBIC);
}

SEC("struct_ops")
void BPF_PROG(cubic_event, struct sock *sk, int ev)
{
	if (ev == KERNEL_EVENT_TX_START)
		restart(sk, CC_BPF_CUBIC);
}

SEC("struct_ops")
void BPF_PROG(cubic_tx_start, struct sock *sk)
{
	restart(sk, CC_BPF_CUBIC);
}

SEC("struct_ops")
void BPF_PROG(cubic_release, struct sock *sk)
{
	close_socket(sk);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops cubic = {
	.init = (void *)cubic_init_,
	.release = (void *)cubic_release,
	.in_ack_event = (void *)cubic_in_ack_event,
	.pkts_acked = (void *)cubic_pkts_acked,
	.ssthresh = (void *)cubic_ssthresh_,
	.set_state = (void *)cubic_state,
	.cong_avoid = (void *)cubic_cong_avoid,
	.undo_cwnd = (void *)cubic_undo_,
	.cwnd_event = (void *)cubic_event,
	.cwnd_event_tx_start = (void *)cubic_tx_start,
	.flags = CUBIC_FLAGS,
	.name = "dep_cubic_abe",
};

/* ---- dep_prague ---- */

SEC("struct_ops")
void BPF_PROG(prague_init_, struct sock *sk)
{
	open_socket(sk, CC_BPF_PRAGUE);
}

SEC("struct_ops")
void BPF_PROG(prague_in_ack_event, struct sock *sk, uint32_t flags)
{
	ack_begins(sk, flags);
}

SEC("struct_ops")
uint32_t BPF_PROG(prague_ssthresh_, struct sock *sk)
{
	return reduce(sk, CC_BPF_PRAGUE);
}

SEC("struct_ops")
void BPF_PROG(prague_state, struct sock *sk, uint8_t to)
{
	change_state(sk, CC_BPF_PRAGUE, to);
}

SEC("struct_ops")
void BPF_PROG(prague_cong_control, struct sock *sk, uint32_t ack, int flag,
	      const struct rate_sample *rs)
{
	struct l4s_socket *s = storage(sk);

	if (!s) {
		ack_stateless(sk, ack, rs->acked_sacked);
		return;
	}
	s->rtt_us = rs->rtt_us > 0 ? (uint32_t)rs->rtt_us : 0;
	gather(s, sk, rs->acked_sacked);
	s->ack.app_limited = rs->is_app_limited;
	call(s, CC_BPF_PRAGUE, CC_BPF_ACK, 0);
	give_window(s, sk);
	give_pacing(s, sk);
	s->rtt_us = 0;
	after_ack(s, sk);
}

SEC("struct_ops")
uint32_t BPF_PROG(prague_undo_, struct sock *sk)
{
	return undo(sk, CC_BPF_PRAGUE);
}

SEC("struct_ops")
uint32_t BPF_PROG(prague_min_tso_segs, struct sock *sk)
{
	return 1;
}

SEC("struct_ops")
void BPF_PROG(prague_release, struct sock *sk)
{
	close_socket(sk);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops prague = {
	.init = (void *)prague_init_,
	.release = (void *)prague_release,
	.in_ack_event = (void *)prague_in_ack_event,
	.ssthresh = (void *)prague_ssthresh_,
	.set_state = (void *)prague_state,
	.cong_control = (void *)prague_cong_control,
	.undo_cwnd = (void *)prague_undo_,
	.min_tso_segs = (void *)prague_min_tso_segs,
	.flags = PRAGUE_FLAGS,
	.name = "dep_prague",
};

#include "proto/l4s/bpf/mark.h"
#include "proto/l4s/bpf/cgroup.h"
