/* SPDX-License-Identifier: BSD-2-Clause */
/* Steps of links. */
#include "proto/netops/sys/apply_priv.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	uint32_t mode;
} modes[] = {
	{"private", MACVLAN_MODE_PRIVATE},
	{"vepa", MACVLAN_MODE_VEPA},
	{"bridge", MACVLAN_MODE_BRIDGE},
	{"passthru", MACVLAN_MODE_PASSTHRU},
};

static const char *const kinds[] = {"veth", "bridge", "vxlan", "macvlan", "ifb", "tun",
				    "tap",  "dummy",  "vlan",  "vrf",	  "bond"};

static bool can_make(const char *kind)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i], kind) == 0)
			return true;
	return false;
}

static const char *kind_of(const struct netlink_link *l)
{
	return strcmp(l->kind, "tun") == 0 && l->data.id ? "tap" : l->kind;
}

/* ---- What is there, as a step ---- */

static struct step_ip observed_ip(uint8_t family, const uint8_t addr[16])
{
	struct step_ip ip = {.family = family, .prefix = family == AF_INET ? 32 : 128};

	memcpy(ip.a, addr, 16);
	return ip;
}

static void observe_kind(struct apply *a, const struct netlink_link *l, struct step_link *s)
{
	const struct netlink_link_data *d = &l->data;
	size_t i;

	snprintf(s->kind, sizeof(s->kind), "%s", kind_of(l));
	if (strcmp(l->kind, "veth") == 0) {
		snprintf(s->peer, sizeof(s->peer), "%s", apply_ifname(a, l->peer));
	} else if (strcmp(l->kind, "vxlan") == 0) {
		s->id = d->id;
		s->port = d->port;
		snprintf(s->lower, sizeof(s->lower), "%s", apply_ifname(a, d->lower));
		if (d->has_local)
			s->local = observed_ip(d->family, d->local);
		if (d->has_remote)
			s->remote = observed_ip(d->family, d->remote);
	} else if (strcmp(l->kind, "macvlan") == 0 || strcmp(l->kind, "vlan") == 0) {
		s->id = d->id;
		snprintf(s->lower, sizeof(s->lower), "%s", apply_ifname(a, l->peer));
		for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
			if (l->kind[0] == 'm' && modes[i].mode == d->mode)
				snprintf(s->mode, sizeof(s->mode), "%s", modes[i].name);
	} else if (strcmp(l->kind, "vrf") == 0) {
		s->id = d->id;
	}
}

static int observe(struct apply *a, const struct netlink_link *l, struct step *out)
{
	struct step_link *s = &out->link;

	*out = (struct step){.kind = STEP_LINK};
	memcpy(s->name, l->name, IFNAMSIZ);
	observe_kind(a, l, s);
	s->has_up = s->has_mtu = s->has_master = true;
	s->up = l->flags & IFF_UP;
	s->mtu = l->mtu;
	snprintf(s->master, sizeof(s->master), "%s", apply_ifname(a, l->master));
	s->has_mac = l->n_hwaddr == 6;
	if (s->has_mac)
		memcpy(s->mac, l->hwaddr, 6);
	s->alias = strdup(l->alias);
	return s->alias ? 0 : -ENOMEM;
}

/* ---- Gone ---- */

/* Whether what goes could come back the same. */
static int may_remove(struct apply *a, const struct netlink_link *l, struct err *err)
{
	struct netlink_link peer;

	if (!can_make(kind_of(l))) {
		err_set(err, -EOPNOTSUPP, "%s is %s%s, which is not made or removed here", l->name,
			l->kind[0] ? "of kind " : "hardware or loopback", l->kind);
		return -EOPNOTSUPP;
	}
	if (strcmp(l->kind, "veth") == 0 &&
	    (netlink_link_get(a->nl, l->peer, NULL, &peer) || peer.peer != l->ifindex)) {
		err_set(err, -EBUSY, "the other end of %s is in another network namespace", l->name);
		err_mend(err, "remove it from there: it could not be put back from here");
		return -EBUSY;
	}
	return 0;
}

/* The second end of a veth is put back by the step of the first; this one gives it what it had. */
static int observe_peer(struct apply *a, const struct netlink_link *l, struct step *out)
{
	struct netlink_link peer;
	int rc = netlink_link_get(a->nl, l->peer, NULL, &peer);

	if (rc == 0)
		rc = observe(a, &peer, out);
	if (rc == 0)
		out->link.kind[0] = out->link.peer[0] = '\0';
	return rc;
}

static int remove_link(struct apply *a, const struct netlink_link *l, struct err *err)
{
	bool veth = strcmp(l->kind, "veth") == 0;
	struct standing on[2] = {0};
	struct step self = {0};
	struct step peer = {0};
	int rc = may_remove(a, l, err);

	if (rc)
		return rc;
	apply_changed(a, a->at);
	rc = observe(a, l, &self);
	if (rc == 0)
		rc = standing_read(a, l->ifindex, &on[0]);
	if (rc == 0 && veth)
		rc = observe_peer(a, l, &peer);
	if (rc == 0 && veth)
		rc = standing_read(a, l->peer, &on[1]);
	if (rc == 0)
		rc = queue_lost(a, l->ifindex, l->name);
	if (rc == 0 && veth)
		rc = queue_lost(a, l->peer, peer.link.name);
	if (rc == 0 && !a->dry_run)
		rc = netlink_link_delete(a->nl, l->ifindex, err);
	else if (rc)
		err_set(err, rc, "cannot tell what stands on %s: %s", l->name, strerror(-rc));
	a->n_names = 0;
	if (rc) {
		standing_free(&on[0]);
		standing_free(&on[1]);
		step_free(&self);
		step_free(&peer);
		return rc;
	}
	/* What is given last is taken first. */
	rc = a->dry_run ? standing_would(a, true, &on[0]) : standing_lost(a, l->ifindex, &on[0]);
	if (veth && rc == 0)
		rc = a->dry_run ? standing_would(a, true, &on[1]) : standing_lost(a, l->peer, &on[1]);
	if (veth && rc == 0)
		rc = apply_back(a, &peer);
	if (rc == 0)
		rc = apply_back(a, &self);
	standing_free(&on[1]);
	step_free(&self);
	step_free(&peer);
	return rc;
}

/* ---- New ---- */

static int make(struct apply *a, const struct step_link *s, struct err *err)
{
	struct netlink_link l = {.mtu = s->has_mtu ? s->mtu : 0};
	struct netlink_link_data *d = &l.data;
	uint32_t lower = 0;
	size_t i;
	int rc = 0;

	if (strcmp(s->kind, "tun") == 0 || strcmp(s->kind, "tap") == 0)
		return netlink_tun_new(s->name, s->kind[1] == 'a', err);
	memcpy(l.name, s->name, IFNAMSIZ);
	memcpy(l.kind, s->kind, sizeof(l.kind));
	if (s->has_mac) {
		memcpy(l.hwaddr, s->mac, 6);
		l.n_hwaddr = 6;
	}
	if (s->lower[0])
		rc = apply_ifindex(a, s->lower, &lower, err);
	if (rc)
		return rc;
	d->id = s->id;
	d->port = s->port;
	if (strcmp(s->kind, "vxlan") == 0)
		d->lower = lower;
	else
		l.peer = lower;
	d->family = s->remote.family ? s->remote.family : s->local.family;
	d->has_remote = s->remote.family != 0;
	d->has_local = s->local.family != 0;
	memcpy(d->remote, s->remote.a, 16);
	memcpy(d->local, s->local.a, 16);
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(s->mode, modes[i].name) == 0)
			d->mode = modes[i].mode;
	return netlink_link_new(a->nl, &l, s->peer, -1, err);
}

/* ---- As it is, and as it shall be ---- */

/* What can only be chosen when it is made. */
static int check_same(struct apply *a, const struct step_link *s, const struct netlink_link *l,
		      struct err *err)
{
	struct step_link is = {0};
	const char *what = NULL;

	if (!s->kind[0])
		return 0;
	observe_kind(a, l, &is);
	if (strcmp(s->kind, is.kind) != 0)
		what = "kind";
	else if (s->peer[0] && strcmp(s->peer, is.peer) != 0)
		what = "other end";
	else if (s->lower[0] && strcmp(s->lower, is.lower) != 0)
		what = "lower interface";
	else if (s->id && s->id != is.id)
		what = "identifier";
	else if (s->port && s->port != is.port)
		what = "port";
	else if (s->mode[0] && strcmp(s->mode, is.mode) != 0)
		what = "mode";
	else if ((s->local.family && memcmp(&s->local, &is.local, sizeof(s->local)) != 0) ||
		 (s->remote.family && memcmp(&s->remote, &is.remote, sizeof(s->remote)) != 0))
		what = "tunnel address";
	if (!what)
		return 0;
	err_set(err, -EEXIST, "%s is there, with another %s", l->name, what);
	err_mend(err, "remove it first");
	return -EEXIST;
}

struct adjust {
	struct apply *a;
	const struct step_link *to;
	const struct netlink_link *is;
	struct step back;
	bool any;
};

static int switch_off(struct adjust *j, struct err *err)
{
	struct standing on;
	int rc = standing_read(j->a, j->is->ifindex, &on);

	if (rc)
		return err_set(err, rc, "cannot tell what stands on it: %s", strerror(-rc));
	if (j->a->dry_run)
		return standing_would(j->a, false, &on);
	rc = netlink_link_flags(j->a->nl, j->is->ifindex, 0, IFF_UP, err);
	if (rc) {
		standing_free(&on);
		return rc;
	}
	return standing_lost(j->a, j->is->ifindex, &on);
}

static int adjust_up(struct adjust *j, struct err *err)
{
	bool up = j->is->flags & IFF_UP;
	int rc;

	if (!j->to->has_up || j->to->up == up)
		return 0;
	j->any = true;
	if (!j->to->up)
		rc = switch_off(j, err);
	else
		rc = j->a->dry_run ? 0 : netlink_link_flags(j->a->nl, j->is->ifindex, IFF_UP, IFF_UP, err);
	if (rc == 0)
		j->back.link.has_up = true, j->back.link.up = up;
	return rc;
}

static int adjust_mtu(struct adjust *j, struct err *err)
{
	int rc;

	if (!j->to->has_mtu || j->to->mtu == j->is->mtu)
		return 0;
	j->any = true;
	rc = j->a->dry_run ? 0 : netlink_link_mtu(j->a->nl, j->is->ifindex, j->to->mtu, err);
	if (rc == 0)
		j->back.link.has_mtu = true, j->back.link.mtu = j->is->mtu;
	return rc;
}

static int adjust_mac(struct adjust *j, struct err *err)
{
	int rc;

	if (!j->to->has_mac || (j->is->n_hwaddr == 6 && memcmp(j->to->mac, j->is->hwaddr, 6) == 0))
		return 0;
	j->any = true;
	rc = j->a->dry_run ? 0 : netlink_link_hwaddr(j->a->nl, j->is->ifindex, j->to->mac, 6, err);
	if (rc == 0 && j->is->n_hwaddr == 6) {
		j->back.link.has_mac = true;
		memcpy(j->back.link.mac, j->is->hwaddr, 6);
	}
	return rc;
}

static int adjust_alias(struct adjust *j, struct err *err)
{
	int rc;

	if (!j->to->alias || strcmp(j->to->alias, j->is->alias) == 0)
		return 0;
	j->any = true;
	rc = j->a->dry_run ? 0 : netlink_link_alias(j->a->nl, j->is->ifindex, j->to->alias, err);
	if (rc)
		return rc;
	j->back.link.alias = strdup(j->is->alias);
	return j->back.link.alias ? 0 : -ENOMEM;
}

static int adjust_master(struct adjust *j, struct err *err)
{
	uint32_t master = 0;
	int rc;

	if (!j->to->has_master)
		return 0;
	if (j->to->master[0]) {
		rc = apply_ifindex(j->a, j->to->master, &master, err);
		if (rc && !j->a->dry_run)
			return rc;
		/* A step before would make it. */
		if (rc && err)
			*err = (struct err){0};
		if (rc)
			master = UINT32_MAX;
	}
	if (master == j->is->master)
		return 0;
	j->any = true;
	rc = j->a->dry_run ? 0 : netlink_link_master(j->a->nl, j->is->ifindex, master, err);
	if (rc)
		return rc;
	j->back.link.has_master = true;
	snprintf(j->back.link.master, IFNAMSIZ, "%s", apply_ifname(j->a, j->is->master));
	return 0;
}

static int adjust(struct apply *a, const struct step_link *to, const struct netlink_link *is,
		  struct err *err)
{
	struct adjust j = {.a = a, .to = to, .is = is, .back = {.kind = STEP_LINK}};
	int back;
	int rc;

	memcpy(j.back.link.name, is->name, IFNAMSIZ);
	rc = adjust_mac(&j, err);
	if (rc == 0)
		rc = adjust_alias(&j, err);
	if (rc == 0)
		rc = adjust_master(&j, err);
	if (rc == 0)
		rc = adjust_mtu(&j, err);
	if (rc == 0)
		rc = adjust_up(&j, err);
	if (!j.any)
		return rc;
	apply_changed(a, a->at);
	/* Also of a step that failed half-way. */
	back = apply_back(a, &j.back);
	return rc ? rc : back;
}

/* How to take away what was made: put there after what it was given, so that it goes with it. */
static int back_to_nothing(struct apply *a, const char *name)
{
	struct step back = {.kind = STEP_LINK, .absent = true};

	memcpy(back.link.name, name, IFNAMSIZ);
	return apply_back(a, &back);
}

/* What is not there has no description. */
static bool says_nothing(const struct step_link *s)
{
	return s->alias && !s->alias[0] && !s->has_up && !s->has_mtu && !s->has_mac && !s->has_master;
}

int apply_link(struct apply *a, const struct step *s, struct err *err)
{
	struct netlink_link l;
	int rc = netlink_link_get(a->nl, 0, s->link.name, &l);

	if (rc && rc != -ENODEV)
		return err_set(err, rc, "cannot look at it: %s", strerror(-rc));
	if (s->absent)
		return rc ? 0 : remove_link(a, &l, err);
	if (rc == 0) {
		rc = check_same(a, &s->link, &l, err);
		return rc ? rc : adjust(a, &s->link, &l, err);
	}
	if (!s->link.kind[0] && says_nothing(&s->link))
		return 0;
	if (!s->link.kind[0] && !a->dry_run)
		return err_set(err, -ENODEV, "there is no interface %s", s->link.name);
	apply_changed(a, a->at);
	if (a->dry_run)
		return 0;
	rc = make(a, &s->link, err);
	if (rc == 0)
		rc = back_to_nothing(a, s->link.name);
	a->n_names = 0;
	if (rc == 0)
		rc = netlink_link_get(a->nl, 0, s->link.name, &l);
	if (rc == 0)
		rc = adjust(a, &s->link, &l, err);
	return rc;
}
