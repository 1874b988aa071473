/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/link/packet.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

enum { TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_CWR = 0x80 };

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t sum16(uint32_t sum, const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i + 1 < n; i += 2)
		sum += get16(p + i);
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* ---- reading ---- */

static uint32_t mix(uint32_t h, uint32_t v)
{
	uint64_t x = (uint64_t)(h ^ v) * 0x9e3779b97f4a7c15u;

	return (uint32_t)(x >> 32) ^ (uint32_t)x;
}

static uint32_t hash_ports(uint32_t h, uint8_t proto, struct slice l4)
{
	h = mix(h, proto);
	if ((proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP) && l4.n >= 4)
		h = mix(h, get32(l4.p));
	return h;
}

static void parse_ip4(struct slice ip, uint32_t seed, struct packet *out)
{
	size_t len = (size_t)(ip.p[0] & 15) * 4;
	bool fragment;
	uint32_t h;

	if (ip.n < 20 || len < 20 || ip.n < len)
		return;
	fragment = (get16(ip.p + 6) & 0x3fff) != 0;
	out->version = 4;
	out->ecn = ip.p[1] & 3;
	h = mix(mix(seed, get32(ip.p + 12)), get32(ip.p + 16));
	/* All fragments of a packet are of one flow, and only the first has ports. */
	out->flow = hash_ports(h, ip.p[9],
			       fragment ? slice_of(NULL, 0) : slice_of(ip.p + len, ip.n - len));
}

static void parse_ip6(struct slice ip, uint32_t seed, struct packet *out)
{
	uint32_t h = seed;
	unsigned i;

	if (ip.n < 40)
		return;
	out->version = 6;
	out->ecn = ip.p[1] >> 4 & 3;
	for (i = 8; i < 40; i += 4)
		h = mix(h, get32(ip.p + i));
	/* Behind extension headers the flow label stands for the ports (RFC 6437). */
	h = mix(h, get32(ip.p) & 0xfffff);
	out->flow = hash_ports(h, ip.p[6], slice_of(ip.p + 40, ip.n - 40));
}

void packet_parse(struct slice bytes, bool ethernet, uint32_t seed, struct packet *out)
{
	uint16_t type = 0;
	size_t at = 0;
	unsigned tags;

	*out = (struct packet){.flow = seed};
	if (ethernet) {
		at = ETH_HLEN;
		if (bytes.n < at)
			return;
		type = get16(bytes.p + 12);
		for (tags = 0; tags < 2 && (type == ETH_P_8021Q || type == ETH_P_8021AD); tags++) {
			if (bytes.n < at + 4)
				return;
			type = get16(bytes.p + at + 2);
			at += 4;
		}
		if (type != ETH_P_IP && type != ETH_P_IPV6)
			return;
	}
	if (bytes.n <= at)
		return;
	out->l3 = (uint16_t)at;
	bytes = slice_of(bytes.p + at, bytes.n - at);
	if (bytes.p[0] >> 4 == 4 && type != ETH_P_IPV6)
		parse_ip4(bytes, seed, out);
	else if (bytes.p[0] >> 4 == 6 && type != ETH_P_IP)
		parse_ip6(bytes, seed, out);
}

/* ---- marking ---- */

void packet_set_ecn(uint8_t *p, size_t n, uint8_t version, enum ecn ecn)
{
	uint16_t old;

	if (version == 4 && n >= 20) {
		old = get16(p);
		p[1] = (uint8_t)((p[1] & ~3u) | ecn);
		/* RFC 1624 eqn. 3: HC' = ~(~HC + ~m + m') */
		put16(p + 10, (uint16_t)~fold((uint16_t)~get16(p + 10) + (uint32_t)(uint16_t)~old +
					      get16(p)));
	} else if (version == 6 && n >= 40) {
		p[1] = (uint8_t)((p[1] & ~0x30u) | (unsigned)ecn << 4);
	}
}

/* ---- large packets ---- */

bool packet_gso(struct slice bytes, const struct packet *p, const struct virtio_net_hdr *h,
		struct packet_gso *out)
{
	uint8_t type = h->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	const uint8_t *ip = bytes.p + p->l3;
	size_t l4;
	size_t headers;

	if ((type != VIRTIO_NET_HDR_GSO_TCPV4 || p->version != 4) &&
	    (type != VIRTIO_NET_HDR_GSO_TCPV6 || p->version != 6))
		return false;
	/* IPv6 with extension headers is carried whole: the kernel cuts those itself. */
	if ((p->version == 4 ? ip[9] : ip[6]) != IPPROTO_TCP)
		return false;
	l4 = p->l3 + (p->version == 4 ? (size_t)(ip[0] & 15) * 4 : 40);
	if (bytes.n < l4 + 20 || !(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || h->gso_size == 0)
		return false;
	headers = l4 + (size_t)(bytes.p[l4 + 12] >> 4) * 4;
	if (headers < l4 + 20 || headers > PACKET_HEADERS_MAX || bytes.n <= headers ||
	    h->csum_start != l4 || h->csum_offset != 16)
		return false;
	*out = (struct packet_gso){
		.l3 = p->l3,
		.l4 = (uint16_t)l4,
		.headers = (uint16_t)headers,
		.size = h->gso_size,
		.payload = (uint32_t)(bytes.n - headers),
		.version = p->version,
		.cwr_first = (h->gso_type & VIRTIO_NET_HDR_GSO_ECN) != 0,
	};
	out->segs = (out->payload + out->size - 1) / out->size;
	return true;
}

static void cut_ip(const struct packet_gso *g, uint8_t *ip, uint32_t first, uint32_t l4_len,
		   enum ecn ecn)
{
	size_t len = (size_t)(g->l4 - g->l3);

	if (g->version == 6) {
		put16(ip + 4, l4_len);
		packet_set_ecn(ip, 40, 6, ecn);
		return;
	}
	put16(ip + 2, (uint32_t)len + l4_len);
	put16(ip + 4, get16(ip + 4) + first);
	ip[1] = (uint8_t)((ip[1] & ~3u) | ecn);
	put16(ip + 10, 0);
	put16(ip + 10, (uint16_t)~fold(sum16(0, ip, len)));
}

/* The sum of the pseudo header, which the kernel completes (CHECKSUM_PARTIAL). */
static uint16_t pseudo(const struct packet_gso *g, const uint8_t *ip, uint32_t l4_len)
{
	uint32_t sum = IPPROTO_TCP + (l4_len & 0xffff) + (l4_len >> 16);

	return fold(g->version == 4 ? sum16(sum, ip + 12, 8) : sum16(sum, ip + 8, 32));
}

uint32_t packet_gso_cut(const struct packet_gso *g, const uint8_t *headers, uint32_t first,
			uint32_t last, enum ecn ecn, uint8_t *to, struct virtio_net_hdr *h)
{
	uint32_t payload = (last - first) * g->size + packet_gso_len(g, last);
	uint32_t l4_len = (uint32_t)(g->headers - g->l4) + payload;
	uint8_t *tcp = to + g->l4;

	memcpy(to, headers, g->headers);
	cut_ip(g, to + g->l3, first, l4_len, ecn);
	put32(tcp + 4, get32(tcp + 4) + first * g->size);
	if (last + 1 < g->segs)
		tcp[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	if (first > 0 && g->cwr_first)
		tcp[13] &= (uint8_t)~TCP_CWR;
	put16(tcp + 16, pseudo(g, to + g->l3, l4_len));
	*h = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.hdr_len = g->headers,
		.csum_start = g->l4,
		.csum_offset = 16,
	};
	if (last > first) {
		h->gso_type = g->version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
		if (g->cwr_first && first == 0)
			h->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
		h->gso_size = g->size;
	}
	return payload;
}
