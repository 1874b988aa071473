/* SPDX-License-Identifier: BSD-2-Clause */
/* Forwarding of the host switched on and put back, and what a crashed predecessor left taken away.
 */
#include "proto/kira/dataplane_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "proto/kira/dataplane_tc.h"

#define FORWARD_NOTE "dep-kira: forwarding was 0, accept_ra was 1 of:"

bool dataplane_grow(void **p, unsigned n, size_t size)
{
	void *more;

	if (n & (n - 1) || (n && n < 8))
		return true;
	more = realloc(*p, (n ? n * 2 : 8) * size);
	if (more)
		*p = more;
	return more != NULL;
}

/* ---- Forwarding ---- */

/* A host that accepts router advertisements goes on doing so when it forwards. */
static void keep_ra(void *ctx, const struct netlink_event *ev)
{
	struct dataplane *dp = ctx;
	int v;

	if (ev->gone || netlink_sysctl_get(ev->link.name, "accept_ra", &v) || v != 1)
		return;
	if (!dataplane_grow((void **)&dp->ra, dp->n_ra, sizeof(*dp->ra)))
		return;
	if (netlink_sysctl_set(ev->link.name, "accept_ra", 2, NULL) == 0)
		dp->ra[dp->n_ra++] = ev->link.ifindex;
}

void dataplane_forward_none(struct dataplane *dp)
{
	struct netlink_link l;
	unsigned i;

	netlink_sysctl_set("all", "forwarding", 0, NULL);
	for (i = 0; i < dp->n_ra; i++)
		if (netlink_link_get(dp->nl, dp->ra[i], NULL, &l) == 0)
			netlink_sysctl_set(l.name, "accept_ra", 1, NULL);
}

/* What must be put back is written on the device, so that a successor can do it after a crash. */
static void note_forwarding(struct dataplane *dp)
{
	char text[NETLINK_ALIAS_MAX] = FORWARD_NOTE;
	size_t n = strlen(text);
	unsigned i;

	for (i = 0; i < dp->n_ra && n < sizeof(text) - 12; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %u", dp->ra[i]);
	netlink_link_alias(dp->nl, dp->device, text, NULL);
}

void dataplane_forward_recall(struct dataplane *dp, const char *alias)
{
	const size_t n = strlen(FORWARD_NOTE);
	char *end;

	if (strncmp(alias, FORWARD_NOTE, n) != 0)
		return;
	dp->forward_all = true;
	for (alias += n; *alias; alias = end) {
		unsigned long v = strtoul(alias, &end, 10);

		if (end == alias || v == 0 || v > INT32_MAX ||
		    !dataplane_grow((void **)&dp->ra, dp->n_ra, sizeof(*dp->ra)))
			return;
		dp->ra[dp->n_ra++] = (uint32_t)v;
	}
}

/* Linux 6.17 can forward from single interfaces; before that, all or none. */
int dataplane_forward_from(struct dataplane *dp, struct dataplane_link *l, struct err *err)
{
	int v;
	int rc;

	if (!dp->forward_all && netlink_sysctl_get("all", "forwarding", &v) == 0 && v == 1)
		return 0;
	if (netlink_sysctl_get(l->name, "force_forwarding", &v) == 0) {
		if (v == 0)
			l->forwarding = true;
		return netlink_sysctl_set(l->name, "force_forwarding", 1, err);
	}
	netlink_links(dp->nl, keep_ra, dp);
	rc = netlink_sysctl_set("all", "forwarding", 1, err);
	if (rc)
		return rc;
	dp->forward_all = true;
	note_forwarding(dp);
	return 0;
}

/* ---- What a predecessor left ---- */

struct found {
	uint32_t ifindex;
	char name[IFNAMSIZ];
};

struct sweep {
	struct dataplane *dp;
	struct found *links;
	unsigned n_links;
	struct netlink_addr *addrs;
	unsigned n_addrs;
	struct netlink_neigh *neighs;
	unsigned n_neighs;
	struct netlink_route *routes;
	unsigned n_routes;
};

static void sweep_see(void *ctx, const struct netlink_event *ev)
{
	struct sweep *s = ctx;
	struct found *l;

	switch (ev->type) {
	case NETLINK_EV_LINK:
		if (!dataplane_grow((void **)&s->links, s->n_links, sizeof(*s->links)))
			return;
		l = &s->links[s->n_links++];
		l->ifindex = ev->link.ifindex;
		memcpy(l->name, ev->link.name, IFNAMSIZ);
		break;
	case NETLINK_EV_ADDR:
		if (ev->addr.proto == DATAPLANE_PROTO &&
		    dataplane_grow((void **)&s->addrs, s->n_addrs, sizeof(*s->addrs)))
			s->addrs[s->n_addrs++] = ev->addr;
		break;
	case NETLINK_EV_NEIGH:
		if (ev->neigh.proto == DATAPLANE_PROTO &&
		    dataplane_grow((void **)&s->neighs, s->n_neighs, sizeof(*s->neighs)))
			s->neighs[s->n_neighs++] = ev->neigh;
		break;
	case NETLINK_EV_ROUTE:
		if (ev->route.proto == DATAPLANE_PROTO &&
		    dataplane_grow((void **)&s->routes, s->n_routes, sizeof(*s->routes)))
			s->routes[s->n_routes++] = ev->route;
		break;
	default:
		break;
	}
}

static void stop_forwarding(const struct sweep *s, uint32_t ifindex)
{
	unsigned i;

	for (i = 0; i < s->n_links; i++)
		if (s->links[i].ifindex == ifindex)
			netlink_sysctl_set(s->links[i].name, "force_forwarding", 0, NULL);
}

int dataplane_sweep(struct dataplane *dp, struct err *err)
{
	struct sweep s = {.dp = dp};
	unsigned i;
	int rc = netlink_links(dp->nl, sweep_see, &s);

	if (rc == 0)
		rc = netlink_addrs(dp->nl, AF_INET6, 0, sweep_see, &s);
	if (rc == 0)
		rc = netlink_neighs(dp->nl, AF_INET6, 0, sweep_see, &s);
	if (rc == 0)
		rc = netlink_routes(dp->nl, AF_INET6, sweep_see, &s);
	for (i = 0; i < s.n_links; i++)
		dataplane_tc_detach(dp->nl, s.links[i].ifindex);
	for (i = 0; i < s.n_routes; i++)
		netlink_route_del(dp->nl, &s.routes[i], NULL);
	for (i = 0; i < s.n_neighs; i++)
		netlink_neigh_del(dp->nl, &s.neighs[i], NULL);
	/* Where the node's address is, it forwarded. */
	for (i = 0; i < s.n_addrs; i++) {
		stop_forwarding(&s, s.addrs[i].ifindex);
		netlink_addr_del(dp->nl, &s.addrs[i], NULL);
	}
	free(s.links);
	free(s.addrs);
	free(s.neighs);
	free(s.routes);
	if (rc)
		return err_set(err, rc, "cannot read the kernel's tables: %s", strerror(-rc));
	dp->settled = true;
	return 0;
}
