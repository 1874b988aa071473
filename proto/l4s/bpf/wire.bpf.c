/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* For tests, at the ingress of an interface: counts what is on the wire, and marks or drops each
 * n-th packet of data. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>
#include <stdint.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "proto/l4s/bpf/wire_bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define CE 3
#define L3 ETH_HLEN

uint32_t mark_every; /* 0: never */
uint32_t drop_every;
uint32_t mark_only = 0xff; /* a codepoint, or all ECT */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, uint16_t);
	__type(value, struct wire_port);
} ports SEC(".maps");

static uint32_t seen;

struct tcp {
	uint8_t ecn;
	uint8_t flags; /* of byte 13 */
	uint8_t ae;
	bool payload;
	bool v4;
	bool bad;
	uint16_t port;
};

static bool checksum_bad(const uint8_t *h)
{
	uint32_t sum = 0;
	int i;

	for (i = 0; i < 20; i += 2)
		sum += (uint32_t)h[i] << 8 | h[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) != 0xffff;
}

static bool parse_tcp(struct __sk_buff *skb, uint32_t at, uint32_t end, struct tcp *t)
{
	uint8_t h[14];
	uint16_t from;
	uint16_t to;

	if (bpf_skb_load_bytes(skb, at, h, sizeof(h)))
		return false;
	from = (uint16_t)(h[0] << 8 | h[1]);
	to = (uint16_t)(h[2] << 8 | h[3]);
	/* servers have the lower port */
	t->port = from < to ? from : to;
	t->flags = h[13];
	t->ae = h[12] & 1;
	t->payload = at + (h[12] >> 4) * 4u < end;
	return true;
}

static bool parse(struct __sk_buff *skb, struct tcp *t)
{
	uint8_t h[20];

	if (bpf_skb_load_bytes(skb, L3, h, sizeof(h)))
		return false;
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (h[9] != 6 || (h[0] & 15) != 5)
			return false;
		t->v4 = true;
		t->ecn = h[1] & 3;
		t->bad = checksum_bad(h);
		return parse_tcp(skb, L3 + 20, skb->len, t);
	}
	if (skb->protocol != bpf_htons(ETH_P_IPV6) || h[6] != 6)
		return false;
	t->ecn = (h[1] >> 4) & 3;
	return parse_tcp(skb, L3 + 40, skb->len, t);
}

static bool make_ce(struct __sk_buff *skb)
{
	uint8_t h[2];
	uint8_t b;

	if (bpf_skb_load_bytes(skb, L3, h, sizeof(h)))
		return false;
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		b = h[1] | CE;
		bpf_l3_csum_replace(skb, L3 + 10, bpf_htons((uint16_t)(h[0] << 8 | h[1])),
				    bpf_htons((uint16_t)(h[0] << 8 | b)), 2);
	} else {
		b = h[1] | CE << 4;
	}
	return bpf_skb_store_bytes(skb, L3 + 1, &b, 1, 0) == 0;
}

static struct wire_port *port_of(uint16_t port)
{
	static const struct wire_port none;
	struct wire_port *p = bpf_map_lookup_elem(&ports, &port);

	if (p)
		return p;
	bpf_map_update_elem(&ports, &port, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&ports, &port);
}

static void count(struct wire_port *p, const struct tcp *t, uint32_t n)
{
	uint32_t *to = t->payload ? p->data : p->bare;

	if (t->flags & 2) {
		to = p->syn;
		p->syn_flags =
			(t->ae ? 4u : 0) | (t->flags & 0x80 ? 2u : 0) | (t->flags & 0x40 ? 1u : 0);
	} else {
		__sync_fetch_and_add(&p->ece, t->flags & 0x40 ? n : 0);
		__sync_fetch_and_add(&p->cwr, t->flags & 0x80 ? n : 0);
	}
	__sync_fetch_and_add(&to[t->ecn & 3], n);
	if (t->bad)
		__sync_fetch_and_add(&p->bad_checksum, 1);
}

SEC("tcx/ingress")
int wire(struct __sk_buff *skb)
{
	uint32_t n = skb->gso_segs ? skb->gso_segs : 1;
	struct tcp t = {0};
	struct wire_port *p;
	uint32_t k;

	if (!parse(skb, &t))
		return TC_ACT_UNSPEC;
	p = port_of(t.port);
	if (!p)
		return TC_ACT_UNSPEC;
	count(p, &t, n);
	if (!t.payload || t.flags & 2)
		return TC_ACT_UNSPEC;
	k = __sync_fetch_and_add(&seen, 1) + 1;
	if (drop_every && k % drop_every == 0) {
		__sync_fetch_and_add(&p->dropped, n);
		return TC_ACT_SHOT;
	}
	if (mark_every && k % mark_every == 0 && t.ecn &&
	    (mark_only == 0xff || mark_only == t.ecn) && make_ce(skb))
		__sync_fetch_and_add(&p->marked, n);
	return TC_ACT_UNSPEC;
}
