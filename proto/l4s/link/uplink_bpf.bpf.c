/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* On the egress of an uplink: IPv4 and IPv6 go to the bottleneck's TAP device, other frames (ARP,
 * LLDP, …) pass. What the bottleneck sends comes by a packet socket that bypasses this hook. */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 tap_ifindex;

SEC("tcx/egress")
int l4s_uplink(struct __sk_buff *skb)
{
	if (skb->protocol != bpf_htons(ETH_P_IP) && skb->protocol != bpf_htons(ETH_P_IPV6))
		return TCX_NEXT;
	return (int)bpf_redirect(tap_ifindex, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
