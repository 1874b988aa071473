/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands on a link, and what the kernel takes away with it. */
#include "proto/netops/sys/apply_priv.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	struct apply *a;
	struct standing *out;
	uint32_t ifindex;
	int rc;
};

static void keep(struct reading *r, struct step *s, const struct nlmsghdr *raw, bool ours)
{
	struct lost *at;

	if (r->rc == 0) {
		at = realloc(r->out->at, (r->out->n + 1) * sizeof(*at));
		if (at) {
			r->out->at = at;
			at += r->out->n;
			*at = (struct lost){.by = r->a->at, .ours = ours};
			if (raw && (at->raw = malloc(raw->nlmsg_len)))
				memcpy(at->raw, raw, raw->nlmsg_len);
			at->step = *s;
			r->out->n++;
			return;
		}
		r->rc = -ENOMEM;
	}
	step_free(s);
}

static void on_addr(void *ctx, const struct netlink_event *ev)
{
	struct reading *r = ctx;
	const struct netlink_addr *addr = &ev->addr;
	struct step s = {.kind = STEP_ADDRESS};

	/* Others come by themselves, from routers or with the link. */
	if (!(addr->flags & IFA_F_PERMANENT) || addr->proto == IFAPROT_KERNEL_LL ||
	    addr->proto == IFAPROT_KERNEL_LO)
		return;
	s.address.ip.family = addr->family;
	s.address.ip.prefix = addr->prefix;
	memcpy(s.address.ip.a, addr->addr, 16);
	s.address.no_dad = !(addr->flags & IFA_F_TENTATIVE) && addr->family == AF_INET6;
	s.address.protocol = addr->proto;
	snprintf(s.address.link, IFNAMSIZ, "%s", apply_ifname(r->a, addr->ifindex));
	keep(r, &s, NULL, addr->proto == STEP_PROTOCOL);
}

static void on_neigh(void *ctx, const struct netlink_event *ev)
{
	struct reading *r = ctx;
	const struct netlink_neigh *n = &ev->neigh;
	struct step s = {.kind = STEP_NEIGHBOUR};

	if (!(n->state & NUD_PERMANENT) || n->n_hwaddr != 6)
		return;
	s.neighbour.ip.family = n->family;
	s.neighbour.ip.prefix = n->family == AF_INET ? 32 : 128;
	memcpy(s.neighbour.ip.a, n->dst, 16);
	memcpy(s.neighbour.mac, n->hwaddr, 6);
	s.neighbour.protocol = n->proto;
	snprintf(s.neighbour.link, IFNAMSIZ, "%s", apply_ifname(r->a, n->ifindex));
	keep(r, &s, NULL, n->proto == STEP_PROTOCOL);
}

static void on_route(void *ctx, const struct netlink_route *route, const struct nlmsghdr *raw)
{
	struct reading *r = ctx;
	struct step s;

	if (route->proto == RTPROT_KERNEL || route->proto == RTPROT_REDIRECT ||
	    route->proto == RTPROT_RA)
		return;
	if (r->rc == 0 && route_observed(r->a, route, &s) == 0)
		keep(r, &s, raw, route->proto == STEP_PROTOCOL);
}

static int by_gateway(const void *a, const void *b)
{
	const struct lost *x = a;
	const struct lost *y = b;

	/* A gateway may be reached by another of the routes, one without a gateway. */
	if (x->step.kind != STEP_ROUTE || y->step.kind != STEP_ROUTE)
		return (int)x->step.kind - (int)y->step.kind;
	return (x->step.route.one.via.family != 0) - (y->step.route.one.via.family != 0);
}

int standing_read(struct apply *a, uint32_t ifindex, struct standing *out)
{
	struct reading r = {.a = a, .out = out, .ifindex = ifindex};
	struct netlink_route_filter only = {.ifindex = ifindex};
	static const uint8_t families[] = {AF_INET, AF_INET6};
	int rc = 0;
	int i;

	*out = (struct standing){0};
	for (i = 0; i < 2 && rc == 0 && r.rc == 0; i++) {
		only.family = families[i];
		rc = netlink_addrs(a->nl, families[i], ifindex, on_addr, &r);
		if (rc == 0)
			rc = netlink_neighs(a->nl, families[i], ifindex, on_neigh, &r);
		if (rc == 0)
			rc = netlink_routes_some(a->nl, &only, on_route, &r);
	}
	rc = rc ? rc : r.rc;
	if (rc)
		standing_free(out);
	else if (out->n > 1)
		qsort(out->at, out->n, sizeof(*out->at), by_gateway);
	return rc;
}

void standing_free(struct standing *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		step_free(&s->at[i].step);
		free(s->at[i].raw);
	}
	free(s->at);
	*s = (struct standing){0};
}

bool step_same_key(const struct step *a, const struct step *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case STEP_LINK:
		return strcmp(a->link.name, b->link.name) == 0;
	case STEP_ADDRESS:
		return strcmp(a->address.link, b->address.link) == 0 &&
		       memcmp(&a->address.ip, &b->address.ip, sizeof(a->address.ip)) == 0;
	case STEP_NEIGHBOUR:
		return strcmp(a->neighbour.link, b->neighbour.link) == 0 &&
		       memcmp(&a->neighbour.ip, &b->neighbour.ip, sizeof(a->neighbour.ip)) == 0;
	case STEP_ROUTE:
		return a->route.table == b->route.table &&
		       memcmp(&a->route.to, &b->route.to, sizeof(a->route.to)) == 0 &&
		       a->route.metric == b->route.metric;
	case STEP_SYSCTL:
		return strcmp(a->sysctl.link, b->sysctl.link) == 0 &&
		       strcmp(a->sysctl.key, b->sysctl.key) == 0;
	default:
		return false;
	}
}

static bool is_in(const struct standing *s, const struct step *step)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (step_same_key(&s->at[i].step, step))
			return true;
	return false;
}

static int copy_back(struct apply *a, const struct step *s)
{
	struct step back = *s;

	if (s->kind == STEP_ROUTE && s->route.n_hops) {
		back.route.hop = malloc(s->route.n_hops * sizeof(*back.route.hop));
		if (!back.route.hop)
			return -ENOMEM;
		memcpy(back.route.hop, s->route.hop, s->route.n_hops * sizeof(*back.route.hop));
	}
	return apply_back(a, &back);
}

static int add_lost(struct apply *a, struct lost *l)
{
	struct lost *at = realloc(a->lost, (a->n_lost + 1) * sizeof(*at));

	if (!at)
		return -ENOMEM;
	a->lost = at;
	at[a->n_lost++] = *l;
	*l = (struct lost){0};
	return 0;
}

/* Whether the steps name it themselves: what a removed address was, for example. */
static bool is_named(const struct apply *a, const struct step *s, size_t from)
{
	size_t i;

	for (i = from; i < a->steps->n; i++)
		if (step_same_key(&a->steps->at[i], s))
			return true;
	return false;
}

int standing_lost(struct apply *a, uint32_t ifindex, struct standing *before)
{
	struct standing after = {0};
	int rc = standing_read(a, ifindex, &after);
	size_t i;

	if (rc == -ENODEV)
		rc = 0;
	/* Backwards: what is given last is taken first. */
	for (i = before->n; i > 0 && rc == 0; i--) {
		struct lost *l = &before->at[i - 1];

		if (is_in(&after, &l->step) || step_same_key(&a->steps->at[a->at], &l->step))
			continue;
		rc = copy_back(a, &l->step);
		if (rc == 0)
			rc = add_lost(a, l);
	}
	standing_free(&after);
	standing_free(before);
	return rc;
}

/* Ours are led back by the configuration. */
int standing_would(struct apply *a, bool gone, struct standing *before)
{
	int rc = 0;
	size_t i;

	for (i = before->n; i > 0 && rc == 0; i--) {
		const struct lost *l = &before->at[i - 1];
		bool stays = l->step.kind == STEP_ADDRESS && l->step.address.ip.family == AF_INET;

		if (!l->ours && (gone || !stays))
			rc = copy_back(a, &l->step);
	}
	standing_free(before);
	return rc;
}

static void restore_route(struct apply *a, struct lost *l)
{
	l->raw->nlmsg_type = RTM_NEWROUTE;
	l->raw->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;
	netlink_talk(a->nl, l->raw, NULL, NULL, NULL);
}

/* What was lost is kept backwards. A failure is none of the steps': what stood on a link that is down or gone has no
 * place, and the inverse puts it back. */
void apply_restore(struct apply *a)
{
	struct steps none = {0};
	struct apply r = {.nl = a->nl, .ask = a->ask, .undoing = true, .out = a->out, .steps = &none};
	size_t i;

	for (i = a->n_lost; i > 0; i--) {
		struct lost *l = &a->lost[i - 1];

		if (is_named(a, &l->step, l->by + 1))
			continue;
		if (l->raw)
			restore_route(a, l);
		else if (l->step.kind == STEP_ADDRESS)
			apply_address(&r, &l->step, NULL);
		else
			apply_neighbour(&r, &l->step, NULL);
	}
}
