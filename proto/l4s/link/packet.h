/* SPDX-License-Identifier: BSD-2-Clause */
/* What the bottleneck reads and changes in a packet: the IP header's ECN field, and the cutting of
 * a large TCP packet (TSO) into the segments that a wire would see. Pure: parses bytes from
 * outside, fuzzed. */
#ifndef DEP_L4S_LINK_PACKET_H
#define DEP_L4S_LINK_PACKET_H

#include "base/slice.h"
#include "proto/l4s/ecn.h"

#include <linux/virtio_net.h>

#define PACKET_HEADERS_MAX 256 /* link layer, IP and TCP of a packet that is cut */

struct packet {
	uint32_t flow;	 /* hash of addresses, protocol and ports */
	uint16_t l3;	 /* where the IP header begins */
	uint8_t version; /* 4, 6; 0: no IP packet, carried as it is */
	uint8_t ecn;	 /* enum ecn; ECN_NOT_ECT where version is 0 */
};

/* Looks at a packet. ethernet: the bytes begin with an Ethernet header (up to two VLAN tags are
 * passed over), else with IP. Any bytes do. Only the outermost IP header counts, as in any router
 * (RFC 6040 §4). */
void packet_parse(struct slice bytes, bool ethernet, uint32_t seed, struct packet *out);

/* Sets the ECN field of the IP header at p, n bytes. IPv4: corrects the checksum (RFC 1624). TCP
 * and UDP checksums do not cover the field. */
void packet_set_ecn(uint8_t *p, size_t n, uint8_t version, enum ecn ecn);

/* A large TCP packet: headers, then payload to be cut every `size` bytes. */
struct packet_gso {
	uint16_t l3;
	uint16_t l4;
	uint16_t headers; /* with link layer */
	uint16_t size;	  /* payload bytes a segment */
	uint32_t segs;
	uint32_t payload;
	uint8_t version;
	bool cwr_first; /* CWR belongs to the first segment only (RFC 3168 §6.1.2), not to all, as
			   with Accurate ECN, where it is part of a counter */
};

/* Reads a packet that the kernel handed over with virtio header h as one to be cut. False: it is
 * not one, or not as it should be. */
bool packet_gso(struct slice bytes, const struct packet *p, const struct virtio_net_hdr *h,
		struct packet_gso *out);

/* Bytes of payload in segment i. */
static inline uint32_t packet_gso_len(const struct packet_gso *g, uint32_t i)
{
	return i + 1 < g->segs ? g->size : g->payload - (g->segs - 1) * g->size;
}

/* Writes the headers of a packet of segments first to last (both within) into `to`
 * (PACKET_HEADERS_MAX), its ECN field set, and the virtio header to hand it over with: as one
 * segment, or as a large packet again. The TCP checksum is left to the kernel. Returns the payload
 * bytes to follow, from first * size on. */
uint32_t packet_gso_cut(const struct packet_gso *g, const uint8_t *headers, uint32_t first,
			uint32_t last, enum ecn ecn, uint8_t *to, struct virtio_net_hdr *h);

#endif
