/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* ECT(0) to ECT(1) for the packets of dep_prague's sockets, on their way out. Everything else
 * passes as it is: other sockets' packets, Not-ECT, CE. Part of cc.bpf.c.
 *
 * A packet of many segments (GSO) has one header here, which each segment inherits. What is ECT the
 * kernel decides: with AccECN all packets of the connection, with retransmissions and pure ACKs. */
#ifndef DEP_L4S_BPF_MARK_H
#define DEP_L4S_BPF_MARK_H

#define MARK_NEXT (-1) /* TCX_NEXT, TC_ACT_UNSPEC: the next program sees it, too */
#define IPPROTO_TCP_ 6
#define IPV6_HEADERS 4 /* extension headers that are stepped over */

/* Where the IP header is from the start of the data: 14 with Ethernet, 0 on a TUN. */
inline_always uint32_t l3_offset(struct __sk_buff *skb)
{
	const struct sk_buff *k = bpf_cast_to_kern_ctx(skb);

	return k->network_header - (uint32_t)((uint64_t)k->data - (uint64_t)k->head);
}

inline_always bool mark_ipv4(struct __sk_buff *skb, uint32_t l3)
{
	uint8_t h[10];
	uint8_t tos;

	if (bpf_skb_load_bytes(skb, l3, h, sizeof(h)) || h[0] >> 4 != 4 || h[9] != IPPROTO_TCP_ ||
	    (h[1] & 3) != ECN_ECT0)
		return false;
	tos = (h[1] & ~3u) | ECN_ECT1;
	/* the checksum first: a failed store would leave a wrong packet, so would the other order
	 */
	if (bpf_l3_csum_replace(skb, l3 + 10, bpf_htons((uint16_t)(h[0] << 8 | h[1])),
				bpf_htons((uint16_t)(h[0] << 8 | tos)), 2))
		return false;
	return bpf_skb_store_bytes(skb, l3 + 1, &tos, 1, 0) == 0;
}

inline_always bool ipv6_is_tcp(struct __sk_buff *skb, uint32_t l3, uint8_t next)
{
	uint32_t at = l3 + 40;
	uint32_t i;
	uint8_t h[2];

	for (i = 0; i < IPV6_HEADERS && next != IPPROTO_TCP_; i++) {
		/* hop-by-hop, routing, destination options */
		if ((next != 0 && next != 43 && next != 60) ||
		    bpf_skb_load_bytes(skb, at, h, sizeof(h)))
			return false;
		next = h[0];
		at += 8u * (h[1] + 1u);
	}
	return next == IPPROTO_TCP_;
}

inline_always bool mark_ipv6(struct __sk_buff *skb, uint32_t l3)
{
	uint8_t h[8];
	uint8_t second;

	/* the traffic class lies across the first two octets, ECN in bits 5 and 4 of the second */
	if (bpf_skb_load_bytes(skb, l3, h, sizeof(h)) || h[0] >> 4 != 6 ||
	    ((h[1] >> 4) & 3) != ECN_ECT0 || !ipv6_is_tcp(skb, l3, h[6]))
		return false;
	second = (h[1] & ~0x30u) | ECN_ECT1 << 4;
	return bpf_skb_store_bytes(skb, l3 + 1, &second, 1, BPF_F_RECOMPUTE_CSUM) == 0;
}

inline_always void mark(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct cc_bpf_stats *n;
	struct l4s_socket *s;
	uint32_t l3;
	bool done;

	if (!sk)
		return;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return;
	s = bpf_sk_storage_get(&sockets, sk, NULL, 0);
	if (!s || !s->ect1)
		return;
	l3 = l3_offset(skb);
	if (skb->protocol == bpf_htons(ETH_P_IP))
		done = mark_ipv4(skb, l3);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		done = mark_ipv6(skb, l3);
	else
		return;
	n = stats_of(CC_BPF_PRAGUE);
	if (!done)
		return;
	s->rewritten++;
	if (n)
		n->rewritten++;
}

SEC("tcx/egress")
int l4s_mark(struct __sk_buff *skb)
{
	mark(skb);
	return MARK_NEXT;
}

/* The same for kernels that have no TCX. */
SEC("tc")
int l4s_mark_tc(struct __sk_buff *skb)
{
	mark(skb);
	return MARK_NEXT;
}

#endif
