/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/rng.h"
#include "proto/l4s/link/pace.h"
#include "proto/l4s/link/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PAYLOAD 5000
#define MSS 1448

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* The Internet checksum the slow way (RFC 1071). */
static unsigned sum(const uint8_t *p, size_t n, unsigned s)
{
	size_t i;

	for (i = 0; i < n; i++)
		s += i % 2 ? p[i] : (unsigned)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

/* ---- marking ---- */

static void test_ip4_marking_keeps_the_checksum_right(void **state)
{
	struct rng r;
	uint8_t ip[60];
	unsigned i;

	rng_seed(&r, 1);
	for (i = 0; i < 200000; i++) {
		size_t n = 20 + 4 * rng_below(&r, 11);
		enum ecn ecn = (enum ecn)(1 + rng_below(&r, 2));
		uint8_t tos;

		rng_bytes(&r, ip, sizeof(ip));
		ip[0] = (uint8_t)(0x40 | n / 4);
		ip[1] = (uint8_t)((ip[1] & ~3u) | ecn);
		put16(ip + 10, 0);
		put16(ip + 10, ~sum(ip, n, 0) & 0xffff);
		tos = ip[1];
		packet_set_ecn(ip, n, 4, ECN_CE);
		assert_int_equal(ip[1], tos | 3);
		assert_int_equal(sum(ip, n, 0), 0xffff);
	}
}

static void test_ip6_marking_changes_two_bits(void **state)
{
	uint8_t ip[40];
	uint8_t was[40];
	unsigned i;

	for (i = 0; i < 40; i++)
		was[i] = ip[i] = (uint8_t)(i * 37 + 11);
	ip[1] = was[1] = 0x6a; /* ECT(0) */
	packet_set_ecn(ip, sizeof(ip), 6, ECN_CE);
	assert_int_equal(ip[1], 0x7a);
	ip[1] = was[1];
	assert_memory_equal(ip, was, sizeof(ip));
}

/* ---- reading ---- */

static void test_every_ecn_field_is_read(void **state)
{
	static const uint8_t type[2][2] = {{0x08, 0x00}, {0x86, 0xdd}};
	uint8_t frame[80] = {0};
	struct packet p;
	unsigned ecn;
	unsigned six;

	for (six = 0; six < 2; six++) {
		for (ecn = 0; ecn < 4; ecn++) {
			memset(frame, 0, sizeof(frame));
			memcpy(frame + 12, type[six], 2);
			frame[14] = six ? 0x60 : 0x45;
			frame[15] = (uint8_t)(six ? ecn << 4 : 0xb8 | ecn);
			packet_parse(slice_of(frame, 74), true, 7, &p);
			assert_int_equal(p.version, six ? 6 : 4);
			assert_int_equal(p.ecn, ecn);
			assert_int_equal(p.l3, 14);
			packet_parse(slice_of(frame + 14, 60), false, 7, &p);
			assert_int_equal(p.ecn, ecn);
			assert_int_equal(p.l3, 0);
		}
	}
}

static void test_tags_are_passed_over_and_others_are_opaque(void **state)
{
	uint8_t frame[64] = {0};
	struct packet p;

	put16(frame + 12, 0x88a8);
	put16(frame + 16, 0x8100);
	put16(frame + 20, 0x0800);
	frame[22] = 0x45;
	frame[23] = 1;
	packet_parse(slice_of(frame, sizeof(frame)), true, 0, &p);
	assert_int_equal(p.version, 4);
	assert_int_equal(p.l3, 22);
	assert_int_equal(p.ecn, ECN_ECT1);
	put16(frame + 12, 0x0806);
	packet_parse(slice_of(frame, sizeof(frame)), true, 0, &p);
	assert_int_equal(p.version, 0);
	assert_int_equal(p.ecn, ECN_NOT_ECT);
}

static void test_flows_are_told_apart(void **state)
{
	uint8_t ip[28] = {0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17};
	struct packet a;
	struct packet b;

	packet_parse(slice_of(ip, sizeof(ip)), false, 3, &a);
	ip[5] = 9; /* the identification is not part of a flow */
	packet_parse(slice_of(ip, sizeof(ip)), false, 3, &b);
	assert_int_equal(a.flow, b.flow);
	ip[21] = 1; /* port */
	packet_parse(slice_of(ip, sizeof(ip)), false, 3, &b);
	assert_int_not_equal(a.flow, b.flow);
	ip[6] = 0x20; /* first fragment: as the others, which have no ports */
	packet_parse(slice_of(ip, sizeof(ip)), false, 3, &a);
	ip[6] = 0;
	ip[7] = 9;
	ip[21] = 5;
	packet_parse(slice_of(ip, sizeof(ip)), false, 3, &b);
	assert_int_equal(a.flow, b.flow);
}

/* ---- large packets ---- */

struct big {
	uint8_t bytes[128 + PAYLOAD];
	size_t n;
	struct virtio_net_hdr h;
	struct packet info;
	struct packet_gso g;
};

/* A large packet as the kernel hands it over. */
static void make_big(struct big *b, unsigned version, unsigned flags, uint8_t gso_ecn)
{
	size_t l4 = version == 4 ? 24 : 40; /* IPv4 with an option */
	size_t headers = l4 + 32;
	uint8_t *p = b->bytes;
	unsigned i;

	*b = (struct big){.n = headers + PAYLOAD};
	if (version == 4) {
		p[0] = 0x46;
		put16(p + 2, (unsigned)b->n);
		put16(p + 4, 0xfffe);
		p[9] = 6;
		put16(p + 10, ~sum(p, l4, 0) & 0xffff);
	} else {
		p[0] = 0x60;
		put16(p + 4, (unsigned)(b->n - 40));
		p[6] = 6;
	}
	p[1] = (uint8_t)(p[1] | (version == 4 ? ECN_ECT1 : ECN_ECT1 << 4));
	for (i = version == 4 ? 12 : 8; i < (version == 4 ? 20 : l4); i++)
		p[i] = (uint8_t)(i * 7);
	put16(p + l4 + 4, 0xffff);
	put16(p + l4 + 6, 0xff00);
	p[l4 + 12] = 0x80;
	p[l4 + 13] = (uint8_t)flags;
	for (i = 0; i < PAYLOAD; i++)
		p[headers + i] = (uint8_t)(i * 31 + i / 256);
	b->h = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = (uint8_t)((version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4
						    : VIRTIO_NET_HDR_GSO_TCPV6) |
				      gso_ecn),
		.gso_size = MSS,
		.hdr_len = (uint16_t)headers,
		.csum_start = (uint16_t)l4,
		.csum_offset = 16,
	};
	packet_parse(slice_of(p, b->n), false, 1, &b->info);
	assert_true(packet_gso(slice_of(p, b->n), &b->info, &b->h, &b->g));
}

/* Completes a packet as the kernel does, and checks every field that cutting changes. */
static void check_cut(const struct big *b, uint32_t first, uint32_t last, enum ecn ecn)
{
	const struct packet_gso *g = &b->g;
	uint8_t out[PACKET_HEADERS_MAX + PAYLOAD];
	struct virtio_net_hdr h;
	uint32_t n = packet_gso_cut(g, b->bytes, first, last, ecn, out, &h);
	uint8_t *tcp = out + g->l4;
	unsigned l4_len = g->headers - g->l4 + n;
	unsigned partial;
	unsigned pseudo = 6 + l4_len;
	struct packet info;

	memcpy(out + g->headers, b->bytes + g->headers + (size_t)first * MSS, n);
	assert_int_equal(n, (last + 1 < g->segs ? (last + 1) * MSS : PAYLOAD) - first * MSS);
	packet_parse(slice_of(out, g->headers + n), false, 1, &info);
	assert_int_equal(info.ecn, ecn);
	assert_int_equal(info.flow, b->info.flow);
	if (g->version == 4) {
		assert_int_equal(get16(out + 2), g->headers + n);
		assert_int_equal(get16(out + 4), (0xfffe + first) & 0xffff);
		assert_int_equal(sum(out, g->l4, 0), 0xffff);
		pseudo = sum(out + 12, 8, pseudo);
	} else {
		assert_int_equal(get16(out + 4), l4_len);
		pseudo = sum(out + 8, 32, pseudo);
	}
	assert_int_equal(get16(tcp + 6), (0xff00 + first * MSS) & 0xffff);
	assert_int_equal(get16(tcp + 4), (0xffff + (0xff00 + first * MSS) / 0x10000) & 0xffff);
	assert_int_equal(h.csum_start, g->l4);
	assert_int_equal(h.csum_offset, 16);
	/* CHECKSUM_PARTIAL: what is in the field is summed with the rest. */
	partial = ~sum(tcp, l4_len, 0) & 0xffff;
	put16(tcp + 16, partial);
	assert_int_equal(sum(tcp, l4_len, pseudo), 0xffff);
	assert_int_equal(h.gso_type != VIRTIO_NET_HDR_GSO_NONE, last > first);
	assert_int_equal(h.gso_size, last > first ? MSS : 0);
}

static void test_segments_and_runs_are_as_on_a_wire(void **state)
{
	struct big b;
	uint32_t first;
	uint32_t last;
	unsigned version;

	for (version = 4; version <= 6; version += 2) {
		make_big(&b, version, 0x18, 0);
		assert_int_equal(b.g.segs, 4);
		for (first = 0; first < 4; first++)
			for (last = first; last < 4; last++)
				check_cut(&b, first, last, (last + first) % 2 ? ECN_CE : ECN_ECT1);
	}
}

static void test_flags_of_segments(void **state)
{
	static const struct {
		uint8_t gso_ecn;
		uint8_t flags[3]; /* of the first, a middle one, the last */
	} rows[] = {
		/* FIN, PSH: the last; CWR of RFC 3168: the first; as part of ACE: all. */
		{VIRTIO_NET_HDR_GSO_ECN, {0x90, 0x10, 0x19}},
		{0, {0x90, 0x90, 0x99}},
	};
	uint8_t out[PACKET_HEADERS_MAX];
	struct virtio_net_hdr h;
	struct big b;
	unsigned i;

	for (i = 0; i < 2; i++) {
		make_big(&b, 4, 0x99, rows[i].gso_ecn);
		packet_gso_cut(&b.g, b.bytes, 0, 0, ECN_ECT1, out, &h);
		assert_int_equal(out[b.g.l4 + 13], rows[i].flags[0]);
		packet_gso_cut(&b.g, b.bytes, 1, 2, ECN_ECT1, out, &h);
		assert_int_equal(out[b.g.l4 + 13], rows[i].flags[1]);
		assert_int_equal(h.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
		packet_gso_cut(&b.g, b.bytes, 3, 3, ECN_ECT1, out, &h);
		assert_int_equal(out[b.g.l4 + 13], rows[i].flags[2]);
		packet_gso_cut(&b.g, b.bytes, 0, 1, ECN_ECT1, out, &h);
		assert_int_equal(h.gso_type, VIRTIO_NET_HDR_GSO_TCPV4 | rows[i].gso_ecn);
	}
}

static void test_what_is_no_large_packet_is_not_cut(void **state)
{
	struct packet_gso g;
	struct virtio_net_hdr h;
	struct big b;

	make_big(&b, 4, 0x10, 0);
	h = b.h;
	h.gso_size = 0;
	assert_false(packet_gso(slice_of(b.bytes, b.n), &b.info, &h, &g));
	h = b.h;
	h.flags = 0;
	assert_false(packet_gso(slice_of(b.bytes, b.n), &b.info, &h, &g));
	h = b.h;
	h.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
	assert_false(packet_gso(slice_of(b.bytes, b.n), &b.info, &h, &g));
	h = b.h;
	h.csum_start++;
	assert_false(packet_gso(slice_of(b.bytes, b.n), &b.info, &h, &g));
	assert_false(packet_gso(slice_of(b.bytes, b.g.headers), &b.info, &b.h, &g));
	b.bytes[9] = 17;
	assert_false(packet_gso(slice_of(b.bytes, b.n), &b.info, &b.h, &g));
}

/* ---- the rate ---- */

static void test_a_busy_link_never_drifts(void **state)
{
	static const uint64_t rates[] = {64000, 99999999, 100000000, 1000000007, 40000000000};
	unsigned i;

	for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct pace p = {.free_at = 1000};
		uint64_t bytes = 0;
		struct rng r;
		unsigned k;

		rng_seed(&r, i);
		pace_set(&p, rates[i]);
		for (k = 0; k < 100000; k++) {
			uint32_t n = (uint32_t)rng_between(&r, 40, 1514);

			bytes += n;
			pace_serve(&p, n);
			pace_idle(&p, p.free_at); /* not idle */
			assert_int_equal(p.free_at - 1000, (uint64_t)((unsigned __int128)bytes *
								      8000000000u / rates[i]));
		}
	}
}

static void test_an_idle_link_begins_at_once(void **state)
{
	struct pace p = {0};

	pace_set(&p, 100000000);
	pace_idle(&p, 5000000);
	assert_int_equal(pace_serve(&p, 1514), 121120);
	assert_int_equal(p.free_at, 5121120);
	pace_idle(&p, 5000001);
	assert_int_equal(p.free_at, 5121120);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip4_marking_keeps_the_checksum_right),
		cmocka_unit_test(test_ip6_marking_changes_two_bits),
		cmocka_unit_test(test_every_ecn_field_is_read),
		cmocka_unit_test(test_tags_are_passed_over_and_others_are_opaque),
		cmocka_unit_test(test_flows_are_told_apart),
		cmocka_unit_test(test_segments_and_runs_are_as_on_a_wire),
		cmocka_unit_test(test_flags_of_segments),
		cmocka_unit_test(test_what_is_no_large_packet_is_not_cut),
		cmocka_unit_test(test_a_busy_link_never_drifts),
		cmocka_unit_test(test_an_idle_link_begins_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
