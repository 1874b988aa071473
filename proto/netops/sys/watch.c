/* SPDX-License-Identifier: BSD-2-Clause */
/* From the kernel's messages to paths in the standard modules. */
#include "base/log.h"
#include "proto/netops/sys/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INTERFACES "/ietf-interfaces:interfaces"
#define ROUTING "/ietf-routing:routing"

static struct sys_name *find_name(struct sys *s, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < s->n_names; i++)
		if (s->names[i].ifindex == ifindex)
			return &s->names[i];
	return NULL;
}

static void keep_name(struct sys *s, const struct netlink_link *l, bool gone)
{
	struct sys_name *n = find_name(s, l->ifindex);

	if (gone && n) {
		*n = s->names[--s->n_names];
	} else if (!gone && n) {
		memcpy(n->name, l->name, IFNAMSIZ);
	} else if (!gone) {
		n = realloc(s->names, (s->n_names + 1) * sizeof(*n));
		if (!n)
			return;
		s->names = n;
		n += s->n_names++;
		n->ifindex = l->ifindex;
		memcpy(n->name, l->name, IFNAMSIZ);
	}
}

static void tell(void *ctx, const char *path)
{
	struct sys *s = ctx;

	counter_changed(s->counter, path);
}

static void mark_interface(struct sys *s, const char *name, const char *below)
{
	char path[160];
	char quote = strchr(name, '\'') ? '"' : '\'';

	snprintf(path, sizeof(path), INTERFACES "/interface[name=%c%s%c]%s", quote, name, quote,
		 below);
	events_mark(s->events, path, clock_now());
}

static void mark_number(struct sys *s, uint32_t ifindex, uint8_t family)
{
	const struct sys_name *n = find_name(s, ifindex);

	if (n)
		mark_interface(s, n->name, family == AF_INET ? "/ietf-ip:ipv4" : "/ietf-ip:ipv6");
}

static void mark_route(struct sys *s, const struct netlink_route *r)
{
	char path[128];
	int v = r->family == AF_INET ? 4 : 6;

	if (r->table == RT_TABLE_LOCAL)
		return;
	if (r->table == RT_TABLE_MAIN)
		snprintf(path, sizeof(path), ROUTING "/ribs/rib[name='ipv%d-main']", v);
	else
		snprintf(path, sizeof(path), ROUTING "/ribs/rib[name='ipv%d-%u']", v, r->table);
	events_mark(s->events, path, clock_now());
}

static void on_kernel(void *ctx, const struct netlink_event *ev)
{
	struct sys *s = ctx;

	switch (ev->type) {
	case NETLINK_EV_LINK:
		keep_name(s, &ev->link, ev->gone);
		mark_interface(s, ev->link.name, "");
		break;
	case NETLINK_EV_ADDR:
		mark_number(s, ev->addr.ifindex, ev->addr.family);
		break;
	case NETLINK_EV_NEIGH:
		mark_number(s, ev->neigh.ifindex, ev->neigh.family);
		break;
	case NETLINK_EV_ROUTE:
		mark_route(s, &ev->route);
		break;
	case NETLINK_EV_RESYNC_BEGIN:
		break;
	case NETLINK_EV_RESYNC_END:
		/* Some were lost: anything may have changed. */
		events_mark(s->events, INTERFACES, clock_now());
		events_mark(s->events, ROUTING, clock_now());
		break;
	}
}

static void name_only(void *ctx, const struct netlink_event *ev)
{
	if (ev->type == NETLINK_EV_LINK)
		keep_name(ctx, &ev->link, ev->gone);
}

static void on_readable(uv_poll_t *poll, int status, int what)
{
	struct sys *s = poll->data;
	int rc = netlink_events_read(s->watch, on_kernel, s);

	if (rc)
		log_warning("the kernel's changes cannot be read", LOG_TEXT("reason", strerror(-rc)));
	sys_settle(s);
}

int watch_open(struct sys *s, struct err *err)
{
	s->events = events_new(tell, s);
	if (!s->events)
		return err_set(err, -ENOMEM, "no memory");
	s->watch = netlink_events_open(NETLINK_WATCH_LINKS | NETLINK_WATCH_ADDRS |
					       NETLINK_WATCH_NEIGHS | NETLINK_WATCH_ROUTES |
					       NETLINK_WATCH_IPV4 | NETLINK_WATCH_UNLISTED,
				       err);
	return s->watch ? 0 : err->code;
}

int watch_start(struct sys *s)
{
	int rc = netlink_links(s->nl, name_only, s);

	if (rc == 0)
		rc = uv_poll_init(&s->loop, &s->watch_poll, netlink_events_fd(s->watch));
	if (rc)
		return rc;
	s->watch_poll.data = s;
	s->polling = true;
	/* The first reading begins with the marks of a resync, which nobody listens to yet. */
	rc = netlink_events_read(s->watch, name_only, s);
	return rc ? rc : uv_poll_start(&s->watch_poll, UV_READABLE, on_readable);
}

void watch_close(struct sys *s)
{
	if (s->polling) {
		uv_poll_stop(&s->watch_poll);
		uv_close((uv_handle_t *)&s->watch_poll, NULL);
	}
	s->polling = false;
	netlink_events_close(s->watch);
	events_free(s->events);
	free(s->names);
	s->watch = NULL;
	s->events = NULL;
	s->names = NULL;
}
