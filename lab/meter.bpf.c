// SPDX-License-Identifier: Dual BSD/GPL
/* Runs (generic XDP) where frames arrive at an end of a laboratory link, before the packet taps and before any program
 * of a daemon: counts data and control apart, and drops what lab_silence() asked to lose. Interface indices are unique
 * in a laboratory, so one program and one array serve all namespaces. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include <linux/icmpv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lab/meter.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct meter_slot);
} slots SEC(".maps");

#define PROTO_GRE 47
#define PROTO_ICMPV6 58

static __always_inline int is_data(void *p, void *end)
{
	struct ethhdr *eth = p;
	struct ipv6hdr *ip = (void *)(eth + 1);
	struct icmp6hdr *icmp = (void *)(ip + 1);

	if ((void *)(icmp + 1) > end || eth->h_proto != bpf_htons(ETH_P_IPV6))
		return 0;
	if (ip->nexthdr == PROTO_GRE)
		return 1;
	return ip->nexthdr == PROTO_ICMPV6 && (icmp->icmp6_type == 128 || icmp->icmp6_type == 129);
}

SEC("xdp")
int meter(struct xdp_md *ctx)
{
	void *p = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	__u32 key = ctx->ingress_ifindex;
	struct meter_slot *s = bpf_map_lookup_elem(&slots, &key);

	if (!s)
		return XDP_PASS;
	if (is_data(p, end)) {
		__sync_fetch_and_add(&s->data_packets, 1);
		__sync_fetch_and_add(&s->data_bytes, (__u64)(end - p));
	} else {
		__sync_fetch_and_add(&s->control_packets, 1);
		__sync_fetch_and_add(&s->control_bytes, (__u64)(end - p));
	}
	if (s->loss == 0 || bpf_get_prandom_u32() > s->loss)
		return XDP_PASS;
	__sync_fetch_and_add(&s->dropped, 1);
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
