/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The forwarding tier as tc programs (spec §2.19).
 *
 * - kira_out, egress of the node's device: traffic to NodeIDs, from this host or forwarded by the
 *   kernel. Found: leaves by its link, plain or in GRE over IPv6. Not found: goes on into the
 *   device, where the daemon reads it.
 * - kira_in, ingress of each KIRA link: traffic to PathIDs is relabelled and leaves at once, or is
 *   decapsulated and goes on into the kernel, whose route takes it to this host or, one hop limit
 *   less, to kira_out again. What these programs cannot finish (too big for the next link, or a
 *   bypass of a packet that must be segmented first) is sent to the device as it is: the daemon
 *   does it.
 * - kira_guard, ingress of other interfaces: KIRA addresses from outside are dropped (spec §2.23).
 *
 * They depend on nothing but their maps: traffic goes on while the daemon is stopped, and after it
 * was killed. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "proto/kira/dataplane_bpf.h"

#define L3 ETH_HLEN
#define AF_INET6 10
#define IPPROTO_GRE 47
#define HOP_LIMIT 64
#define GRE_IPV6 bpf_htonl(0x000086dd)
#define EALREADY 114
#define MAX_LEVELS 3 /* encapsulations taken off one packet */

const volatile __u32 device;	  /* index of the node's device */
const volatile __u16 node_prefix; /* both in network order */
const volatile __u16 path_prefix;
const volatile __u32 own[4]; /* the node's address, network order */

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1); /* set by the daemon */
	__type(key, struct kira_bpf_prefix);
	__type(value, struct kira_bpf_fwd);
} nodes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct kira_bpf_path);
	__type(value, struct kira_bpf_fwd);
} paths SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct kira_bpf_stats);
} stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, KIRA_ACTIVITY);
	__type(key, __u32);
	__type(value, struct kira_bpf_activity);
} activity SEC(".maps");

#define COUNT(what)                                                                                \
	do {                                                                                       \
		__u32 zero = 0;                                                                    \
		struct kira_bpf_stats *s = bpf_map_lookup_elem(&stats, &zero);                     \
		if (s)                                                                             \
			s->what++;                                                                 \
	} while (0)

#define SAW(direction, link)                                                                       \
	do {                                                                                       \
		__u32 at = (link) % KIRA_ACTIVITY;                                                 \
		struct kira_bpf_activity *a = bpf_map_lookup_elem(&activity, &at);                 \
		if (a)                                                                             \
			a->direction++;                                                            \
	} while (0)

/* Both pointers must be made where they are read: the verifier forbids arithmetic on what it takes
 * for one already. */
static __always_inline void *start(struct __sk_buff *skb)
{
	void *p = (void *)(long)skb->data;

	asm volatile("" : "+r"(p));
	return p;
}

static __always_inline void *end(struct __sk_buff *skb)
{
	void *p = (void *)(long)skb->data_end;

	asm volatile("" : "+r"(p));
	return p;
}

/* The IPv6 header, of which `more` bytes after it are readable too; NULL: the packet is shorter. */
static __always_inline struct ipv6hdr *ipv6(struct __sk_buff *skb, __u32 more)
{
	const __u32 n = L3 + sizeof(struct ipv6hdr) + more;
	void *data = start(skb);

	if (data + n <= end(skb))
		return data + L3;
	if (bpf_skb_pull_data(skb, n))
		return 0;
	data = start(skb);
	return data + n <= end(skb) ? data + L3 : 0;
}

static __always_inline __u16 prefix(const struct in6_addr *a)
{
	return a->s6_addr16[0];
}

/* Puts an IPv6 and a GRE header in front, to the path address of `label`. */
static __always_inline int push(struct __sk_buff *skb, const __u8 *label, __u8 hop_limit)
{
	struct {
		struct ipv6hdr ip;
		__be32 gre;
	} h = {.gre = GRE_IPV6};
	long rc;

	rc = bpf_skb_adjust_room(skb, KIRA_ENCAP, BPF_ADJ_ROOM_MAC,
				 BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 |
					 BPF_F_ADJ_ROOM_ENCAP_L4_GRE);
	/* The kernel keeps one set of inner headers. It is there already where this is the second
	 * encapsulation, or where the packet came encapsulated from a device that keeps it (veth):
	 * then it is still right. */
	if (rc == -EALREADY)
		rc = bpf_skb_adjust_room(skb, KIRA_ENCAP, BPF_ADJ_ROOM_MAC,
					 BPF_F_ADJ_ROOM_FIXED_GSO);
	if (rc)
		return rc;
	h.ip.version = 6;
	h.ip.payload_len = bpf_htons(skb->len - L3 - sizeof(struct ipv6hdr));
	h.ip.nexthdr = IPPROTO_GRE;
	h.ip.hop_limit = hop_limit;
	h.ip.saddr.s6_addr32[0] = own[0];
	h.ip.saddr.s6_addr32[1] = own[1];
	h.ip.saddr.s6_addr32[2] = own[2];
	h.ip.saddr.s6_addr32[3] = own[3];
	h.ip.daddr.s6_addr16[0] = path_prefix;
	__builtin_memcpy(&h.ip.daddr.s6_addr[2], label, 14);
	return bpf_skb_store_bytes(skb, L3, &h, sizeof(h), BPF_F_RECOMPUTE_CSUM);
}

static __always_inline int leave(const struct kira_bpf_fwd *to)
{
	struct bpf_redir_neigh nh = {.nh_family = AF_INET6};

	__builtin_memcpy(nh.ipv6_nh, to->via, sizeof(nh.ipv6_nh));
	SAW(tx, to->link);
	return bpf_redirect_neigh(to->link, &nh, sizeof(nh), 0);
}

SEC("tc")
int kira_out(struct __sk_buff *skb)
{
	struct kira_bpf_prefix key = {.bits = 112};
	struct kira_bpf_fwd *to;
	struct ipv6hdr *ip;

	if (skb->protocol != bpf_htons(ETH_P_IPV6))
		return TC_ACT_SHOT;
	ip = ipv6(skb, 0);
	if (!ip)
		return TC_ACT_SHOT;
	if (prefix(&ip->daddr) == path_prefix)
		return TC_ACT_OK; /* from kira_in, for the daemon */
	if (prefix(&ip->daddr) != node_prefix)
		return TC_ACT_SHOT;
	__builtin_memcpy(key.id, &ip->daddr.s6_addr[2], 14);
	to = bpf_map_lookup_elem(&nodes, &key);
	if (!to || (to->kind != KIRA_BPF_NEIGHBOUR && to->kind != KIRA_BPF_PATH))
		return TC_ACT_OK; /* the daemon answers and counts */
	/* Segmentation corrects the lengths in the outermost and the innermost header, not those
	 * between. */
	if (to->kind == KIRA_BPF_PATH && to->bypass && skb->gso_size)
		return TC_ACT_OK;
	if (to->kind == KIRA_BPF_PATH) {
		if (push(skb, to->label, to->hop_limit))
			goto refuse;
		COUNT(encapsulated);
	} else if (!to->bypass) {
		COUNT(plain);
	}
	if (to->bypass) {
		if (push(skb, to->outer, HOP_LIMIT))
			goto refuse;
		COUNT(bypassed);
	}
	return leave(to);
refuse:
	COUNT(refused);
	return TC_ACT_SHOT;
}

/* Sends a packet to the next PathID. */
static __always_inline int relabel(struct __sk_buff *skb, struct ipv6hdr *ip,
				   const struct kira_bpf_fwd *to)
{
	__u32 mtu = 0;
	long rc;
	struct {
		__u8 hop_limit;
		struct in6_addr saddr;
		struct in6_addr daddr;
	} __attribute__((packed)) h;

	if (ip->hop_limit <= 1) {
		COUNT(hop_limit);
		return TC_ACT_SHOT;
	}
	if (skb->gso_size && to->bypass)
		return bpf_redirect(device, 0);
	if (skb->gso_size)
		rc = bpf_check_mtu(skb, to->link, &mtu, 0, BPF_MTU_CHK_SEGS);
	else
		rc = bpf_check_mtu(skb, to->link, &mtu, to->bypass ? KIRA_ENCAP : 0, 0);
	if (rc > 0)
		return bpf_redirect(device, 0);
	if (rc < 0)
		goto refuse;
	h.hop_limit = ip->hop_limit - 1;
	h.saddr = ip->saddr;
	h.daddr.s6_addr16[0] = path_prefix;
	__builtin_memcpy(&h.daddr.s6_addr[2], to->label, 14);
	/* Right for hardware that has summed the whole packet, too. */
	if (bpf_skb_store_bytes(skb, L3 + 7, &h, sizeof(h), BPF_F_RECOMPUTE_CSUM))
		goto refuse;
	COUNT(relabelled);
	if (to->bypass) {
		if (push(skb, to->outer, HOP_LIMIT))
			goto refuse;
		COUNT(bypassed);
	}
	return leave(to);
refuse:
	COUNT(refused);
	return TC_ACT_SHOT;
}

/* Takes the outer headers off. 0: done. */
static __always_inline int pop(struct __sk_buff *skb)
{
	struct ipv6hdr *ip;

	if (bpf_skb_adjust_room(skb, -KIRA_ENCAP, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
		return -1;
	ip = ipv6(skb, 0);
	if (!ip || ip->version != 6 || prefix(&ip->saddr) != node_prefix)
		return -1;
	return 0;
}

SEC("tc")
int kira_in(struct __sk_buff *skb)
{
	struct kira_bpf_path key;
	struct kira_bpf_fwd *to;
	struct ipv6hdr *ip;
	int level;

	/* A frame with a VLAN tag is another interface's. */
	if (skb->protocol != bpf_htons(ETH_P_IPV6) || skb->vlan_present)
		return TC_ACT_UNSPEC;
	ip = ipv6(skb, 0);
	if (!ip)
		return TC_ACT_UNSPEC;
	if (prefix(&ip->daddr) == node_prefix)
		SAW(rx, skb->ifindex);
	if (prefix(&ip->daddr) != path_prefix)
		return TC_ACT_UNSPEC;
	SAW(rx, skb->ifindex);
	for (level = 0; level < MAX_LEVELS; level++) {
		ip = ipv6(skb, 4);
		if (!ip || ip->nexthdr != IPPROTO_GRE || *(__be32 *)(ip + 1) != GRE_IPV6)
			goto refuse;
		__builtin_memcpy(key.id, &ip->daddr.s6_addr[2], 14);
		to = bpf_map_lookup_elem(&paths, &key);
		if (!to) {
			COUNT(no_entry);
			return TC_ACT_SHOT;
		}
		if (to->kind == KIRA_BPF_PATH)
			return relabel(skb, ip, to);
		if (to->kind != KIRA_BPF_LOCAL || pop(skb))
			goto refuse;
		COUNT(decapsulated);
		ip = ipv6(skb, 0);
		if (!ip)
			goto refuse;
		if (prefix(&ip->daddr) == node_prefix)
			return TC_ACT_OK;
		if (prefix(&ip->daddr) != path_prefix)
			goto refuse;
	}
refuse:
	COUNT(refused);
	return TC_ACT_SHOT;
}

static __always_inline int ours(const struct in6_addr *a)
{
	return prefix(a) == node_prefix || prefix(a) == path_prefix;
}

SEC("tc")
int kira_guard(struct __sk_buff *skb)
{
	struct ipv6hdr *ip;

	if (skb->protocol != bpf_htons(ETH_P_IPV6) || skb->vlan_present)
		return TC_ACT_UNSPEC;
	ip = ipv6(skb, 0);
	if (!ip || (!ours(&ip->saddr) && !ours(&ip->daddr)))
		return TC_ACT_UNSPEC;
	COUNT(refused);
	return TC_ACT_SHOT;
}

char _license[] SEC("license") = "Dual BSD/GPL";
