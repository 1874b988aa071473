/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the programs see of the kernel: the members they use and no more. Each access is relocated
 * to where the running kernel has the member (CO-RE), so that one object loads on kernels other
 * than that of the build machine. Values of enums that the kernel does not promise to others are
 * those of Linux 6.18. */
#ifndef DEP_L4S_BPF_KERNEL_H
#define DEP_L4S_BPF_KERNEL_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define AF_INET 2
#define AF_INET6 10
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define SOL_TCP 6
#define TCP_CONGESTION 13
#define TCP_ESTABLISHED 1

/* enum tcp_ca_state */
#define KERNEL_CA_OPEN 0
#define KERNEL_CA_DISORDER 1
#define KERNEL_CA_CWR 2
#define KERNEL_CA_RECOVERY 3
#define KERNEL_CA_LOSS 4

/* enum tcp_ca_event */
#define KERNEL_EVENT_TX_START 0

/* enum tcp_ca_ack_event_flags */
#define KERNEL_ACK_ECE 4

/* tcp_sock.ecn_flags */
#define KERNEL_ECN_RFC3168 0x01
#define KERNEL_ECN_ACCECN 0x10

/* sock.sk_pacing_status */
#define KERNEL_PACING_NONE 0
#define KERNEL_PACING_NEEDED 1

/* tcp_congestion_ops.flags */
#define KERNEL_CONG_NON_RESTRICTED 0x01
#define KERNEL_CONG_NEEDS_ECN 0x02
#define KERNEL_CONG_NEEDS_ACCECN 0x04
#define KERNEL_CONG_ECT_1 0x08

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	union {
		uint32_t u6_addr32[4];
	} in6_u;
};

struct sock_common {
	uint32_t skc_daddr;
	uint32_t skc_rcv_saddr;
	uint16_t skc_dport;
	uint16_t skc_num;
	uint16_t skc_family;
	unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	unsigned long sk_pacing_rate;
	unsigned long sk_max_pacing_rate;
	uint32_t sk_pacing_status;
};

struct inet_sock {
	struct sock sk;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	uint32_t icsk_pmtu_cookie;
	uint8_t icsk_ca_state : 5;
	uint8_t icsk_pending;
};

struct minmax_sample {
	uint32_t t;
	uint32_t v;
};

struct minmax {
	struct minmax_sample s[3];
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	uint32_t mss_cache;
	uint32_t snd_cwnd;
	uint32_t snd_cwnd_cnt;
	uint32_t snd_cwnd_clamp;
	uint32_t snd_ssthresh;
	uint32_t packets_out;
	uint32_t lost_out;
	uint32_t sacked_out;
	uint32_t retrans_out;
	uint32_t max_packets_out;
	uint32_t delivered;
	uint32_t delivered_ce;
	uint32_t lost;
	uint32_t app_limited;
	uint32_t snd_una;
	uint32_t snd_nxt;
	uint32_t srtt_us; /* eighths */
	uint32_t mdev_us; /* quarters */
	uint64_t bytes_acked;
	struct minmax rtt_min;
	uint8_t ecn_flags;
	uint8_t is_cwnd_limited : 1;
};

struct ack_sample {
	uint32_t pkts_acked;
	int32_t rtt_us;
	uint32_t in_flight;
};

struct rate_sample {
	long rtt_us;
	int losses;
	uint32_t acked_sacked;
	bool is_app_limited;
};

struct sk_buff {
	unsigned char *head;
	unsigned char *data;
	uint16_t network_header;
};

#pragma clang attribute pop

/* The table of a control. Members that a kernel lacks must be empty when it is loaded there; which
 * of cwnd_event_tx_start and cwnd_event is used the loader decides. */
struct tcp_congestion_ops {
	uint32_t (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, uint32_t ack, uint32_t acked);
	void (*set_state)(struct sock *sk, uint8_t new_state);
	void (*cwnd_event)(struct sock *sk, int ev);
	void (*cwnd_event_tx_start)(struct sock *sk);
	void (*in_ack_event)(struct sock *sk, uint32_t flags);
	void (*pkts_acked)(struct sock *sk, const struct ack_sample *sample);
	uint32_t (*min_tso_segs)(struct sock *sk);
	void (*cong_control)(struct sock *sk, uint32_t ack, int flag, const struct rate_sample *rs);
	uint32_t (*undo_cwnd)(struct sock *sk);
	char name[16];
	uint32_t flags;
	void (*init)(struct sock *sk);
	void (*release)(struct sock *sk);
};

extern uint32_t tcp_reno_ssthresh(struct sock *sk) __ksym;
extern uint32_t tcp_reno_undo_cwnd(struct sock *sk) __ksym;
extern void tcp_reno_cong_avoid(struct sock *sk, uint32_t ack, uint32_t acked) __ksym;
extern void *bpf_cast_to_kern_ctx(void *ctx) __weak __ksym;

#endif
