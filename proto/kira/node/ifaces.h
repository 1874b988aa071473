/* SPDX-License-Identifier: BSD-2-Clause */
/* Which network interfaces are KIRA links, as they come, go and change (spec §2.2, §2.12).
 *
 * An interface is a link while it is Ethernet-like (not lo, not our own device, no port of a bridge
 * or bond, with neighbour discovery and multicast), wanted by the configuration, up, has a carrier
 * and a link-local address that passed duplicate address detection. One that is up and no link is a
 * bystander: KIRA's addresses have no business there. Losing the carrier is told in the same turn
 * of the loop as the kernel tells it. */
#ifndef DEP_KIRA_IFACES_H
#define DEP_KIRA_IFACES_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum iface_role {
	IFACE_NONE,	 /* down, or gone */
	IFACE_BYSTANDER, /* up, but no link */
	IFACE_LINK,
};

struct iface {
	uint32_t ifindex;
	uint32_t mtu;
	enum iface_role role;
	char name[16];
};

struct ifaces_ops {
	/* Whether the configuration wants an interface of this name as a link. */
	bool (*wanted)(void *ctx, const char *name);
	/* The role, or the MTU of a link, changed; `was` is the role before. */
	void (*changed)(void *ctx, const struct iface *i, enum iface_role was);
	void *ctx;
};

struct ifaces;

/* own: name of the device that is ours and never a link. ops is copied. NULL and err. */
struct ifaces *ifaces_open(const char *own, const struct ifaces_ops *ops, struct err *err);
/* Tells nobody. */
void ifaces_close(struct ifaces *f);

/* Descriptor to poll for reading; ifaces_read handles what is there. The first read finds all there
 * is. Returns 0 or a negative errno; the next read tries again. */
int ifaces_fd(const struct ifaces *f);
int ifaces_read(struct ifaces *f);
/* Asks `wanted` again for every interface: the configuration changed. */
void ifaces_review(struct ifaces *f);

/* The interface's name, or NULL where there is none. Valid until the next read. */
const char *ifaces_name(const struct ifaces *f, uint32_t ifindex);
/* Calls fn for every interface in the order of their indices. */
void ifaces_each(const struct ifaces *f, void (*fn)(void *ctx, const struct iface *i), void *ctx);

#endif
