/* SPDX-License-Identifier: BSD-2-Clause */
/* Any packet, with any virtio header, is read within its bounds. One that is cut gives segments
 * that add up to it and are read like it. */
#include "proto/l4s/link/packet.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void mark(struct slice bytes, const struct packet *p, bool ethernet)
{
	uint8_t *copy = malloc(bytes.n);
	struct packet again;

	check(copy != NULL);
	memcpy(copy, bytes.p, bytes.n);
	packet_set_ecn(copy + p->l3, bytes.n - p->l3, p->version, ECN_CE);
	packet_parse(slice_of(copy, bytes.n), ethernet, 1, &again);
	check(again.ecn == ECN_CE && again.version == p->version && again.l3 == p->l3 &&
	      again.flow == p->flow);
	free(copy);
}

static void cut(struct slice bytes, const struct packet *p, const struct virtio_net_hdr *h)
{
	uint8_t head[PACKET_HEADERS_MAX];
	struct virtio_net_hdr out;
	struct packet_gso g;
	uint64_t sum = 0;
	uint32_t i;

	if (!packet_gso(bytes, p, h, &g))
		return;
	check(g.headers + (size_t)g.payload == bytes.n && g.segs > 0);
	for (i = 0; i < g.segs; i++) {
		uint32_t n = packet_gso_cut(&g, bytes.p, i, i, ECN_CE, head, &out);

		check(n == packet_gso_len(&g, i) && n > 0 && n <= g.size);
		sum += n;
	}
	check(sum == g.payload);
	check(packet_gso_cut(&g, bytes.p, 0, g.segs - 1, ECN_CE, head, &out) == g.payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_net_hdr h;
	struct packet p;
	struct slice s;
	bool ethernet;

	if (size < 1 + sizeof(h))
		return 0;
	ethernet = data[0] & 1;
	memcpy(&h, data + 1, sizeof(h));
	s = slice_of(data + 1 + sizeof(h), size - 1 - sizeof(h));
	packet_parse(s, ethernet, 1, &p);
	if (p.version == 0)
		return 0;
	mark(s, &p, ethernet);
	cut(s, &p, &h);
	return 0;
}
