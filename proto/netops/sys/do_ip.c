/* SPDX-License-Identifier: BSD-2-Clause */
/* Steps of addresses, neighbours and sysctls. */
#include "proto/netops/sys/apply_priv.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <string.h>

/* In a dry run a link may be missing because a step before would make it. */
static int find_link(struct apply *a, const char *name, uint32_t *ifindex, bool absent,
		     struct err *err)
{
	int rc = apply_ifindex(a, name, ifindex, err);

	if (rc != -ENODEV || (!absent && !a->dry_run))
		return rc;
	/* Nothing is on a link that is gone. */
	if (!absent)
		apply_changed(a, a->at);
	if (err)
		*err = (struct err){0};
	return 1;
}

/* ---- Addresses ---- */

struct search {
	const struct step_address *want;
	bool found;
	uint8_t proto;
};

static void on_addr(void *ctx, const struct netlink_event *ev)
{
	struct search *s = ctx;

	if (ev->addr.family == s->want->ip.family && ev->addr.prefix == s->want->ip.prefix &&
	    memcmp(ev->addr.addr, s->want->ip.a, 16) == 0)
		s->found = true, s->proto = ev->addr.proto;
}

static int remove_address(struct apply *a, const struct step *s, const struct netlink_addr *addr,
			  uint8_t proto, struct err *err)
{
	struct step back = {.kind = STEP_ADDRESS, .address = s->address};
	struct standing on;
	int rc = standing_read(a, addr->ifindex, &on);

	if (rc)
		return err_set(err, rc, "cannot tell what stands on %s", s->address.link);
	back.address.no_dad = true;
	back.address.protocol = proto;
	if (a->dry_run) {
		rc = standing_would(a, false, &on);
		return rc ? rc : apply_back(a, &back);
	}
	rc = netlink_addr_del(a->nl, addr, err);
	if (rc) {
		standing_free(&on);
		return rc;
	}
	rc = standing_lost(a, addr->ifindex, &on);
	return rc ? rc : apply_back(a, &back);
}

int apply_address(struct apply *a, const struct step *s, struct err *err)
{
	struct search search = {.want = &s->address};
	struct netlink_addr addr = {
		.family = s->address.ip.family,
		.prefix = s->address.ip.prefix,
		.flags = s->address.no_dad ? IFA_F_NODAD : 0,
		.proto = s->address.protocol,
	};
	struct step back = {.kind = STEP_ADDRESS, .absent = true, .address = s->address};
	int rc = find_link(a, s->address.link, &addr.ifindex, s->absent, err);

	if (rc)
		return rc < 0 ? rc : 0;
	memcpy(addr.addr, s->address.ip.a, 16);
	rc = netlink_addrs(a->nl, addr.family, addr.ifindex, on_addr, &search);
	if (rc)
		return err_set(err, rc, "cannot list addresses: %s", strerror(-rc));
	if (search.found != s->absent)
		return 0;
	apply_changed(a, a->at);
	if (s->absent)
		return remove_address(a, s, &addr, search.proto, err);
	rc = a->dry_run ? 0 : netlink_addr_add(a->nl, &addr, err);
	return rc ? rc : apply_back(a, &back);
}

/* ---- Neighbours ---- */

int apply_neighbour(struct apply *a, const struct step *s, struct err *err)
{
	const struct step_neighbour *want = &s->neighbour;
	struct step back = {.kind = STEP_NEIGHBOUR, .absent = true, .neighbour = *want};
	struct netlink_neigh n = {.family = want->ip.family,
				  .state = NUD_PERMANENT,
				  .proto = want->protocol,
				  .n_hwaddr = 6};
	struct netlink_neigh is;
	bool permanent;
	int rc = find_link(a, want->link, &n.ifindex, s->absent, err);

	if (rc)
		return rc < 0 ? rc : 0;
	memcpy(n.dst, want->ip.a, 16);
	memcpy(n.hwaddr, want->mac, 6);
	rc = netlink_neigh_find(a->nl, n.ifindex, n.family, n.dst, &is);
	if (rc && rc != -ENOENT)
		return err_set(err, rc, "cannot look at it: %s", strerror(-rc));
	permanent = rc == 0 && is.state & NUD_PERMANENT;
	if (s->absent ? !permanent
		      : permanent && is.n_hwaddr == 6 && memcmp(is.hwaddr, want->mac, 6) == 0)
		return 0;
	apply_changed(a, a->at);
	rc = a->dry_run	 ? 0
	     : s->absent ? netlink_neigh_del(a->nl, &n, err)
			 : netlink_neigh_set(a->nl, &n, err);
	if (rc)
		return rc;
	if (permanent && is.n_hwaddr == 6) {
		back.absent = false;
		memcpy(back.neighbour.mac, is.hwaddr, 6);
		back.neighbour.protocol = is.proto;
	}
	return apply_back(a, &back);
}

/* ---- Sysctls ---- */

int apply_sysctl(struct apply *a, const struct step *s, struct err *err)
{
	struct step back = *s;
	uint8_t family = 0;
	const char *name = step_sysctl_name(s->sysctl.key, &family);
	int is;
	int rc = name ? netlink_sysctl_read(family, s->sysctl.link, name, &is) : -EINVAL;

	if (rc == -ENOENT && a->dry_run) {
		apply_changed(a, a->at);
		return 0;
	}
	if (rc)
		return err_set(err, rc, "cannot read it: %s", strerror(-rc));
	if (is == s->sysctl.value)
		return 0;
	apply_changed(a, a->at);
	rc = a->dry_run ? 0 : netlink_sysctl_write(family, s->sysctl.link, name, s->sysctl.value, err);
	if (rc)
		return rc;
	back.sysctl.value = is;
	return apply_back(a, &back);
}
