/* SPDX-License-Identifier: BSD-2-Clause */
/* The datagrams of KIRA (spec §2.2): one UDP socket over IPv6 for all links.
 *
 * Hello leaves to ff02::1 of its link, everything else to a neighbour's link-local address; all
 * with hop limit 255. What arrives is let through only where it came in by a KIRA link, from
 * fe80::/10, to a link-local address or ff02::1, with hop limit 255 (GTSM, RFC 5082: nobody beyond
 * the link can send that); all else is counted and dropped. */
#ifndef DEP_KIRA_LINKS_H
#define DEP_KIRA_LINKS_H

#include "base/err.h"
#include "base/slice.h"
#include "proto/kira/id.h"

/* Called for each datagram let through. frame is valid during the call only. */
typedef void links_receive_fn(void *ctx, uint32_t ifindex, const struct kira_addr *from,
			      struct slice frame);

struct links_stats {
	uint64_t received;
	uint64_t hop_limit;   /* dropped: not 255 */
	uint64_t source;      /* dropped: not from fe80::/10 */
	uint64_t destination; /* dropped: to a global address, or without its link */
	uint64_t unknown;     /* dropped: not by a KIRA link */
	uint64_t overflow;    /* dropped by the kernel: the socket's buffer was full */
	uint64_t sent;
	uint64_t send_failed;
};

struct links;

/* Binds [::]:port. Returns NULL and err. */
struct links *links_open(uint16_t port, links_receive_fn *receive, void *ctx, struct err *err);
void links_close(struct links *l);

/* An interface becomes, or is no longer, a KIRA link. Joining twice does nothing. Returns 0 or a
 * negative errno. */
int links_join(struct links *l, uint32_t ifindex);
void links_leave(struct links *l, uint32_t ifindex);

/* Sends to a neighbour's link-local address, or to ff02::1 where to is NULL. A failure is counted,
 * and is a loss. */
void links_send(struct links *l, uint32_t ifindex, const struct kira_addr *to, struct slice frame);

/* Descriptor to poll for reading. */
int links_fd(const struct links *l);
/* Receives what waits, at most a few batches, so that timers get their turn in a flood; poll
 * level-triggered. */
void links_read(struct links *l);

const struct links_stats *links_stats(const struct links *l);

#endif
