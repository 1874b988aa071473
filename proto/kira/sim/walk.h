/* SPDX-License-Identifier: BSD-2-Clause */
/* The data plane as a walk: takes a packet from node to node by the forwarding tables of the live cores, exactly as the
 * kernel's programs do (spec §2.19), in no time at all. It changes nothing.
 *
 * A walk is made of segments: from a node that looks at the inner packet (its NodeID) to the next one that does. Within
 * a segment the packet is plain, or carries a stack of PathIDs. */
#ifndef DEP_KIRA_SIM_WALK_H
#define DEP_KIRA_SIM_WALK_H

#include "proto/kira/sim/sim.h"

#define WALK_HOPS 64  /* hop limit of the inner packet and of each encapsulation */
#define WALK_STACK 4  /* encapsulations at once */

enum walk_end {
	WALK_DELIVERED,
	WALK_UNREACHABLE, /* a node answers with ICMPv6 */
	WALK_NO_NODE,     /* no entry for the NodeID */
	WALK_NO_PATH,     /* no entry for the PathID */
	WALK_BAD_ENTRY,   /* an entry that makes no sense: of another kind, or out of a link that is not there */
	WALK_LINK_DOWN,
	WALK_SILENT,      /* lost on a link whose carrier is up */
	WALK_GONE,        /* the next node is gone */
	WALK_HOP_LIMIT,   /* ran out without a loop */
	WALK_STACK_FULL,
	WALK_LOOP,        /* came to the same node in the same state twice */
	WALK_ENDS
};
const char *walk_end_name(enum walk_end end);

struct segment {
	uint32_t node; /* that looks at the inner packet next, or where the walk ended */
	uint32_t hops;
	uint8_t end;   /* WALK_DELIVERED: arrived at `node` */
};

struct walk {
	uint32_t node;  /* where it ended */
	uint32_t hops;  /* links crossed */
	uint32_t overlay; /* nodes that looked at the inner packet, without the source and the destination */
	uint8_t end;
};

/* The segment that begins at `node` with entry `to` for the inner packet's NodeID. */
struct segment walk_segment(const struct sim *s, uint32_t node, const struct kira_fwd *to);
/* What kind of entry this is for a packet at its NodeID stage: true where it ends there (into *end), false where a
 * segment begins. */
bool walk_stops(const struct kira_fwd *to, uint8_t *end);
/* The whole way from src to dst. trail, if not NULL, gets the nodes passed, src first, up to n_trail of them; what
 * was stored is hops + 1 or n_trail, the lesser. */
struct walk walk_packet(const struct sim *s, uint32_t src, uint32_t dst, uint32_t *trail, size_t n_trail);

#endif
