/* SPDX-License-Identifier: BSD-2-Clause */
/* Forwarding in user space: everything for the tun back-end; for bpf what the programs could not
 * finish and hand over by the device: packets without entry, too big ones, and those that must be
 * segmented before a bypass.
 *
 * A packet is never copied: headers are written before it and taken off it in place. */
#include "proto/kira/dataplane_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define IP6 40
#define ERROR_MAX (1280 - IP6)
#define ERRORS_A_SECOND 100
#define MISSES_A_SECOND 10

static const uint8_t gre[4] = {0x00, 0x00, 0x86, 0xdd};

struct packet {
	uint8_t *p; /* IPv6 header */
	size_t n;
	unsigned room; /* bytes before p that may be overwritten */
};

static bool allow(struct dataplane_rate *r, unsigned a_second, usec_t now)
{
	if (now - r->since >= SEC(1) || now < r->since) {
		r->since = now;
		r->tokens = a_second;
	}
	if (!r->tokens)
		return false;
	r->tokens--;
	return true;
}

static const uint8_t *src(const struct packet *k)
{
	return k->p + 8;
}

static const uint8_t *dst(const struct packet *k)
{
	return k->p + 24;
}

static bool in_prefix(const uint8_t *addr, uint16_t prefix)
{
	return addr[0] == prefix >> 8 && addr[1] == (prefix & 0xff);
}

static struct kira_id id_of(const uint8_t *addr)
{
	struct kira_id id;

	memcpy(&id, addr + 2, sizeof(id));
	return id;
}

/* An IPv6 packet that is all there; what follows it in the frame is padding. */
static bool whole(struct packet *k)
{
	size_t n;

	if (k->n < IP6 || k->p[0] >> 4 != 6)
		return false;
	n = IP6 + ((size_t)k->p[4] << 8 | k->p[5]);
	if (n > k->n)
		return false;
	k->n = n;
	return true;
}

static bool is_gre(const struct packet *k)
{
	return k->n >= DATAPLANE_ENCAP && k->p[6] == IPPROTO_GRE && memcmp(k->p + IP6, gre, 4) == 0;
}

/* ---- ICMPv6 errors (RFC 4443) ---- */

/* Never about an error (§2.4 e), and only to a node. */
static bool may_answer(const struct dataplane *dp, const struct packet *k)
{
	if (!in_prefix(src(k), dp->params.node_prefix))
		return false;
	return k->p[6] != IPPROTO_ICMPV6 || (k->n > IP6 && k->p[IP6] >= 128);
}

/* Tells the source of k; the kernel sums it and finds the way. */
static void icmp_error(struct dataplane *dp, const struct packet *k, uint8_t type, uint8_t code,
		       uint32_t value, usec_t now)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6};
	uint8_t m[ERROR_MAX] = {type, code};
	size_t n = k->n < ERROR_MAX - 8 ? k->n : ERROR_MAX - 8;

	if (!may_answer(dp, k) || !allow(&dp->errors, ERRORS_A_SECOND, now))
		return;
	value = htonl(value);
	memcpy(m + 4, &value, 4);
	memcpy(m + 8, k->p, n);
	memcpy(&to.sin6_addr, src(k), 16);
	/* Losing it is allowed. */
	sendto(dp->icmp, m, 8 + n, 0, (struct sockaddr *)&to, sizeof(to));
}

/* To the innermost source: it is the one that can send less. `mtu`: of the link, `push`: what would
 * still be put on. */
static void too_big(struct dataplane *dp, struct packet k, uint32_t mtu, uint32_t push, usec_t now)
{
	int level;

	mtu -= push;
	for (level = 0; level < DATAPLANE_LEVELS && is_gre(&k); level++) {
		k.p += DATAPLANE_ENCAP;
		k.n -= DATAPLANE_ENCAP;
		mtu -= DATAPLANE_ENCAP;
		if (!whole(&k))
			return;
	}
	icmp_error(dp, &k, ICMPV6_PKT_TOOBIG, 0, mtu < 1280 ? 1280 : mtu, now);
}

/* ---- Sending ---- */

static bool push(struct dataplane *dp, struct packet *k, const struct kira_id *label, uint8_t hop_limit)
{
	uint8_t *h = k->p - DATAPLANE_ENCAP;

	if (k->room < DATAPLANE_ENCAP || k->n + 4 > UINT16_MAX)
		return false;
	memset(h, 0, DATAPLANE_ENCAP);
	h[0] = 0x60;
	h[4] = (uint8_t)((k->n + 4) >> 8);
	h[5] = (uint8_t)(k->n + 4);
	h[6] = IPPROTO_GRE;
	h[7] = hop_limit ? hop_limit : KIRA_HOP_LIMIT;
	memcpy(h + 8, &dp->own, 16);
	h[24] = (uint8_t)(dp->params.path_prefix >> 8);
	h[25] = (uint8_t)dp->params.path_prefix;
	memcpy(h + 26, label, sizeof(*label));
	memcpy(h + IP6, gre, 4);
	k->p = h;
	k->n += DATAPLANE_ENCAP;
	k->room -= DATAPLANE_ENCAP;
	return true;
}

/* Out of the link, to the neighbour. True where it was sent. */
static bool leave(struct dataplane *dp, const struct packet *k, const struct kira_fwd *to)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IPV6),
		.sll_ifindex = (int)to->link,
		.sll_halen = 6,
	};

	if (!dataplane_neighbour_mac(dp, to->link, &to->via, ll.sll_addr)) {
		dp->stats.no_entry++;
		return false;
	}
	return sendto(dp->packet, k->p, k->n, 0, (struct sockaddr *)&ll, sizeof(ll)) ==
	       (ssize_t)k->n;
}

/* What the entry will add to the packet. */
static uint32_t added(const struct kira_fwd *to, bool encapsulate)
{
	return (encapsulate ? DATAPLANE_ENCAP : 0) + (to->bypass ? DATAPLANE_ENCAP : 0);
}

static bool fits(struct dataplane *dp, const struct packet *k, const struct kira_fwd *to,
		 uint32_t more, usec_t now)
{
	const struct dataplane_link *l = dataplane_link_find(dp, to->link);

	if (!l || !l->kira) {
		dp->stats.no_entry++;
		return false;
	}
	if (k->n + more <= l->mtu)
		return true;
	too_big(dp, *k, l->mtu, more, now);
	return false;
}

/* To this host, by way of the device. */
static void deliver(struct dataplane *dp, struct packet *k)
{
	uint8_t *h = k->p - ETH_HLEN;

	/* Whatever is before a packet has been a header: there is room. */
	memcpy(h, dp->device_mac, 6);
	memcpy(h + 6, (const uint8_t[6]){0x02}, 6);
	h[12] = ETH_P_IPV6 >> 8;
	h[13] = ETH_P_IPV6 & 0xff;
	/* Losing it is allowed. */
	if (write(dp->tap, h, k->n + ETH_HLEN) < 0)
		return;
}

/* ---- The two tables ---- */

static void no_way(struct dataplane *dp, const struct packet *k, const struct kira_id *id,
		   usec_t now)
{
	dp->stats.no_entry++;
	icmp_error(dp, k, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH, 0, now);
	if (dp->params.miss && allow(&dp->misses, MISSES_A_SECOND, now))
		dp->params.miss(dp->params.ctx, id);
}

static void to_node(struct dataplane *dp, struct packet *k, usec_t now)
{
	struct kira_id id = id_of(dst(k));
	struct kira_fwd to;
	bool path;

	if (!dp->back->get_node(dp, &id, &to) || to.kind == KIRA_FWD_UNREACHABLE) {
		no_way(dp, k, &id, now);
		return;
	}
	path = to.kind == KIRA_FWD_PATH;
	/* The kernel delivers to the node itself before it comes here. */
	if ((!path && to.kind != KIRA_FWD_NEIGHBOUR) || !fits(dp, k, &to, added(&to, path), now))
		return;
	if (path && !push(dp, k, &to.label, to.hop_limit))
		return;
	if (to.bypass && !push(dp, k, &to.outer, KIRA_HOP_LIMIT))
		return;
	if (!leave(dp, k, &to))
		return;
	dp->stats.encapsulated += path;
	dp->stats.plain += !path && !to.bypass;
	dp->stats.bypassed += to.bypass;
}

static bool drop(uint64_t *counter)
{
	++*counter;
	return false;
}

/* Counts one off the hop limit; false where it ends here. */
static bool hop(struct dataplane *dp, struct packet *k)
{
	if (k->p[7] <= 1)
		return drop(&dp->stats.hop_limit);
	k->p[7]--;
	return true;
}

static void relabel(struct dataplane *dp, struct packet *k, const struct kira_fwd *to, bool counted,
		    usec_t now)
{
	if (!counted && !hop(dp, k))
		return;
	if (!fits(dp, k, to, added(to, false), now))
		return;
	memcpy(k->p + 26, &to->label, sizeof(to->label));
	if (to->bypass && !push(dp, k, &to->outer, KIRA_HOP_LIMIT))
		return;
	if (!leave(dp, k, to))
		return;
	dp->stats.relabelled++;
	dp->stats.bypassed += to->bypass;
}

static bool pop(struct dataplane *dp, struct packet *k)
{
	k->p += DATAPLANE_ENCAP;
	k->n -= DATAPLANE_ENCAP;
	k->room += DATAPLANE_ENCAP;
	if (!whole(k) || !in_prefix(src(k), dp->params.node_prefix))
		return drop(&dp->stats.refused);
	dp->stats.decapsulated++;
	return true;
}

static void to_path(struct dataplane *dp, struct packet *k, usec_t now)
{
	/* The route into the device has counted a hop; a program that hands over has not. */
	bool counted = dp->kind == DATAPLANE_TUN;
	struct kira_fwd to;
	struct kira_id id;
	int level;

	for (level = 0; level < DATAPLANE_LEVELS; level++) {
		if (!is_gre(k))
			break;
		id = id_of(dst(k));
		if (!dp->back->get_path(dp, &id, &to)) {
			dp->stats.no_entry++;
			return;
		}
		if (to.kind == KIRA_FWD_PATH) {
			relabel(dp, k, &to, counted, now);
			return;
		}
		if (to.kind != KIRA_FWD_LOCAL)
			break;
		if (!pop(dp, k))
			return;
		counted = false;
		if (memcmp(dst(k), &dp->own, 16) == 0) {
			deliver(dp, k);
			return;
		}
		if (in_prefix(dst(k), dp->params.node_prefix)) {
			if (hop(dp, k))
				to_node(dp, k, now);
			else
				icmp_error(dp, k, ICMPV6_TIME_EXCEED, ICMPV6_EXC_HOPLIMIT, 0, now);
			return;
		}
		if (!in_prefix(dst(k), dp->params.path_prefix))
			break;
	}
	dp->stats.refused++;
}

void dataplane_user_frame(struct dataplane *dp, uint8_t *frame, size_t n, usec_t now)
{
	struct packet k = {.p = frame + ETH_HLEN, .room = DATAPLANE_ROOM};

	if (n < ETH_HLEN + IP6 || frame[12] != ETH_P_IPV6 >> 8 || frame[13] != (ETH_P_IPV6 & 0xff))
		return;
	k.n = n - ETH_HLEN;
	if (!whole(&k))
		return;
	if (in_prefix(dst(&k), dp->params.node_prefix))
		to_node(dp, &k, now);
	else if (in_prefix(dst(&k), dp->params.path_prefix))
		to_path(dp, &k, now);
}
