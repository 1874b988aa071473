/* SPDX-License-Identifier: BSD-2-Clause */
/* The forwarding tier in the kernel (spec §2.19): the tables that the core fills, as programs and
 * maps that go on forwarding when the daemon is stopped.
 *
 * One device, kira0 (a persistent TAP without ARP), carries the route to the node prefix.
 * Back-ends:
 * - bpf: tc clsact programs. On egress of kira0 a packet to a NodeID is looked up by longest prefix
 * and leaves by its link, encapsulated in GRE over IPv6 where the entry says so; on ingress of each
 * KIRA link a packet to a PathID is relabelled and sent on, or decapsulated. What has no entry
 * reaches the TAP, and so the daemon, which answers with ICMPv6 unreachable.
 * - tun: the same tables in user space, for kernels without BPF or without the right to use it.
 * Same packets.
 *
 * The packets: IPv6 (source: own node address, destination: path address, next header 47, hop limit
 * 64), GRE 0x0000 0x86DD, inner IPv6 packet. Each overlay hop takes one from the inner hop limit,
 * each hop of a path one from the outer. A packet that is too big for a link on its path is
 * answered to the inner source, with the MTU that leaves room for the encapsulation. KIRA links are
 * Ethernet-like and have an MTU of at least 1368.
 *
 * Everything is in the network namespace that dataplane_open() is called in. Opening and later
 * calls need CAP_NET_ADMIN; opening needs CAP_NET_RAW too, and CAP_BPF for the bpf back-end. */
#ifndef DEP_KIRA_DATAPLANE_H
#define DEP_KIRA_DATAPLANE_H

#include "base/err.h"
#include "proto/kira/kira.h"

struct dataplane;

enum dataplane_kind { DATAPLANE_AUTO, DATAPLANE_BPF, DATAPLANE_TUN };
const char *dataplane_kind_name(enum dataplane_kind kind);

struct dataplane_params {
	enum dataplane_kind kind; /* AUTO: bpf, else tun */
	struct kira_id id;
	uint16_t node_prefix;
	uint16_t path_prefix;
	const char *device; /* "kira0" */
	unsigned max_nodes; /* size of the tables */
	unsigned max_paths;
	/* Traffic towards `dest` that found no entry, at most 10 times a second; may be NULL. */
	void (*miss)(void *ctx, const struct kira_id *dest);
	void *ctx;
};

struct dataplane_stats {
	uint64_t encapsulated, relabelled, decapsulated, plain, bypassed; /* packets */
	uint64_t no_entry, hop_limit,
		refused; /* drops; refused: KIRA addresses from other interfaces */
};

/* Packets to NodeIDs and PathIDs that came by a KIRA link, and left by it, since the data plane was
 * opened. Segments that the kernel keeps together count once. Interfaces whose indices are equal
 * modulo 1024 share their counters. */
struct dataplane_activity {
	uint64_t rx, tx;
};

/* Removes what a crashed predecessor left (its device is taken over, so that routes and addresses
 * on it stay), creates kira0 with the node's address, the routes to both prefixes, forwarding.
 * Returns NULL and err: -EBUSY where another process holds the device. The node's address is also
 * put on lo. Where AUTO chose tun, err says why bpf was not possible, and a data plane is returned
 * all the same. */
struct dataplane *dataplane_open(const struct dataplane_params *params, struct err *err);
/* Removes everything that open and the calls below made in the kernel. */
void dataplane_close(struct dataplane *dp);
enum dataplane_kind dataplane_kind(const struct dataplane *dp);

/* A KIRA link comes (or has a new MTU, or was switched off and on) or goes: programs on it,
 * forwarding from it, the node's address on it; packets to NodeIDs may then have the least MTU of
 * all links - 88 (room for two encapsulations). An interface that is up but not a KIRA link is
 * guarded: packets to or from either prefix are dropped there. dataplane_link_down() ends either.
 */
int dataplane_link_up(struct dataplane *dp, uint32_t ifindex, struct err *err);
void dataplane_link_down(struct dataplane *dp, uint32_t ifindex);
int dataplane_guard(struct dataplane *dp, uint32_t ifindex, struct err *err);

/* Keeps the kernel's neighbour entry of a KIRA neighbour warm (permanent, from what the kernel
 * learned), so that the first packet is not lost; and drops it. Where the kernel knows no hardware
 * address yet it is asked to find it, and asked again, at most 10 times a second, whenever a table
 * entry is set. */
void dataplane_neighbour_up(struct dataplane *dp, uint32_t ifindex, const struct kira_addr *addr);
void dataplane_neighbour_down(struct dataplane *dp, uint32_t ifindex, const struct kira_addr *addr);

/* Table entries, as struct kira_env gives them. Returns 0 or a negative errno (-E2BIG: table full).
 */
int dataplane_set_node(struct dataplane *dp, const struct kira_id *id, unsigned bits,
		       const struct kira_fwd *to);
int dataplane_set_path(struct dataplane *dp, const struct kira_id *path_id,
		       const struct kira_fwd *to);

/* To be polled for reading by the shell's loop; -1: none. dataplane_read handles what is there,
 * bounded. */
int dataplane_fd(const struct dataplane *dp);
void dataplane_read(struct dataplane *dp, usec_t now);

int dataplane_stats(struct dataplane *dp, struct dataplane_stats *out);
/* Returns -ENOENT where the interface is no KIRA link, -EOPNOTSUPP for tun. */
int dataplane_activity(struct dataplane *dp, uint32_t ifindex, struct dataplane_activity *out);

#endif
