/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/node/ifaces.h"

#include "base/list.h"
#include "base/netlink.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct entry {
	struct list at; /* in ifaces.all, by index */
	struct iface pub;
	uint32_t flags;
	uint32_t master;
	uint16_t type;
	bool address; /* has a link-local address that is usable */
	bool named;   /* in the resynchronisation that is under way */
};

struct ifaces {
	struct netlink *ask;
	struct netlink_events *events;
	struct ifaces_ops ops;
	char own[IFNAMSIZ];
	struct list all;
	bool resync;
	int failed; /* negative errno of this read, 0: none */
};

struct ifaces *ifaces_open(const char *own, const struct ifaces_ops *ops, struct err *err)
{
	struct ifaces *f = calloc(1, sizeof(*f));

	if (!f) {
		err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	list_init(&f->all);
	f->ops = *ops;
	snprintf(f->own, sizeof(f->own), "%s", own);
	f->ask = netlink_open(err);
	if (f->ask)
		f->events = netlink_events_open(NETLINK_WATCH_LINKS | NETLINK_WATCH_ADDRS, err);
	if (f->ask && f->events)
		return f;
	ifaces_close(f);
	return NULL;
}

void ifaces_close(struct ifaces *f)
{
	if (!f)
		return;
	list_each_safe (it, &f->all)
		free(container_of(it, struct entry, at));
	netlink_events_close(f->events);
	netlink_close(f->ask);
	free(f);
}

int ifaces_fd(const struct ifaces *f)
{
	return netlink_events_fd(f->events);
}

static struct entry *find(const struct ifaces *f, uint32_t ifindex)
{
	list_each (it, &f->all) {
		struct entry *e = container_of(it, struct entry, at);

		if (e->pub.ifindex == ifindex)
			return e;
	}
	return NULL;
}

static struct entry *add(struct ifaces *f, uint32_t ifindex)
{
	struct entry *e = calloc(1, sizeof(*e));
	struct list *after = &f->all;

	if (!e) {
		f->failed = -ENOMEM;
		return NULL;
	}
	e->pub.ifindex = ifindex;
	list_each (it, &f->all) {
		if (container_of(it, struct entry, at)->pub.ifindex > ifindex) {
			after = it;
			break;
		}
	}
	/* Adding to the end of the list that begins at `after` is inserting before it. */
	list_add(after, &e->at);
	return e;
}

static bool is_ours(const struct ifaces *f, const struct entry *e)
{
	return (e->flags & IFF_LOOPBACK) || strcmp(e->pub.name, f->own) == 0;
}

static enum iface_role role_of(const struct ifaces *f, const struct entry *e)
{
	bool fit = e->type == ARPHRD_ETHER && e->master == 0 && (e->flags & IFF_MULTICAST) &&
		   !(e->flags & IFF_NOARP);

	if (!(e->flags & IFF_UP) || is_ours(f, e))
		return IFACE_NONE;
	if (fit && e->address && (e->flags & IFF_LOWER_UP) &&
	    f->ops.wanted(f->ops.ctx, e->pub.name))
		return IFACE_LINK;
	return IFACE_BYSTANDER;
}

static void review(struct ifaces *f, struct entry *e, uint32_t mtu)
{
	enum iface_role was = e->pub.role;
	bool resized = mtu != e->pub.mtu;

	e->pub.mtu = mtu;
	e->pub.role = role_of(f, e);
	if (e->pub.role != was || (resized && was == IFACE_LINK))
		f->ops.changed(f->ops.ctx, &e->pub, was);
}

static void on_gone(struct ifaces *f, struct entry *e)
{
	enum iface_role was = e->pub.role;

	e->pub.role = IFACE_NONE;
	list_del(&e->at);
	if (was != IFACE_NONE)
		f->ops.changed(f->ops.ctx, &e->pub, was);
	free(e);
}

static void see_address(void *ctx, const struct netlink_event *ev)
{
	struct entry *e = ctx;
	bool local = ev->addr.addr[0] == 0xfe && (ev->addr.addr[1] & 0xc0) == 0x80;
	uint32_t flags = ev->addr.flags;
	bool ready = !(flags & IFA_F_DADFAILED) &&
		     (!(flags & IFA_F_TENTATIVE) || (flags & IFA_F_OPTIMISTIC));

	if (ev->type == NETLINK_EV_ADDR && ev->addr.ifindex == e->pub.ifindex && local && ready)
		e->address = true;
}

/* The kernel is asked rather than the events counted: one that was deleted and came again would be
 * counted wrong. */
static void ask_addresses(struct ifaces *f, struct entry *e)
{
	bool had = e->address;
	int rc;

	e->address = false;
	rc = netlink_addrs(f->ask, AF_INET6, e->pub.ifindex, see_address, e);
	if (rc == 0 || rc == -ENODEV)
		return;
	f->failed = rc;
	e->address = had;
}

static void on_link(struct ifaces *f, const struct netlink_link *link)
{
	struct entry *e = find(f, link->ifindex);

	if (!e)
		e = add(f, link->ifindex);
	if (!e)
		return;
	e->named = true;
	/* Switching an interface off takes its addresses away, and on gives new ones. */
	if (e->pub.name[0] == '\0' || ((e->flags ^ link->flags) & IFF_UP)) {
		e->flags = link->flags;
		ask_addresses(f, e);
	}
	e->flags = link->flags;
	e->master = link->master;
	e->type = link->type;
	memcpy(e->pub.name, link->name, sizeof(e->pub.name));
	review(f, e, link->mtu);
}

static void on_address(struct ifaces *f, const struct netlink_addr *addr)
{
	struct entry *e = find(f, addr->ifindex);

	/* In a listing addresses were asked for with their links. */
	if (!e || f->resync || addr->addr[0] != 0xfe)
		return;
	ask_addresses(f, e);
	review(f, e, e->pub.mtu);
}

static void resync_begin(struct ifaces *f)
{
	f->resync = true;
	list_each (it, &f->all) {
		struct entry *e = container_of(it, struct entry, at);

		e->named = false;
	}
}

static void resync_end(struct ifaces *f)
{
	f->resync = false;
	list_each_safe (it, &f->all) {
		struct entry *e = container_of(it, struct entry, at);

		if (!e->named) {
			on_gone(f, e);
			continue;
		}
		ask_addresses(f, e);
		review(f, e, e->pub.mtu);
	}
}

static void on_event(void *ctx, const struct netlink_event *ev)
{
	struct ifaces *f = ctx;
	struct entry *e;

	switch (ev->type) {
	case NETLINK_EV_LINK:
		if (!ev->gone) {
			on_link(f, &ev->link);
			break;
		}
		e = find(f, ev->link.ifindex);
		if (e)
			on_gone(f, e);
		break;
	case NETLINK_EV_ADDR:
		on_address(f, &ev->addr);
		break;
	case NETLINK_EV_RESYNC_BEGIN:
		resync_begin(f);
		break;
	case NETLINK_EV_RESYNC_END:
		resync_end(f);
		break;
	default:
		break;
	}
}

int ifaces_read(struct ifaces *f)
{
	int rc;

	f->failed = 0;
	rc = netlink_events_read(f->events, on_event, f);
	if (rc == 0 && f->failed != 0) {
		netlink_events_resync(f->events);
		rc = f->failed;
	}
	return rc;
}

void ifaces_review(struct ifaces *f)
{
	list_each (it, &f->all) {
		struct entry *e = container_of(it, struct entry, at);

		review(f, e, e->pub.mtu);
	}
}

const char *ifaces_name(const struct ifaces *f, uint32_t ifindex)
{
	const struct entry *e = find(f, ifindex);

	return e ? e->pub.name : NULL;
}

void ifaces_each(const struct ifaces *f, void (*fn)(void *ctx, const struct iface *i), void *ctx)
{
	list_each (it, &f->all)
		fn(ctx, &container_of(it, struct entry, at)->pub);
}
