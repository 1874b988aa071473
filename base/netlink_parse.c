/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel sends about links, addresses, neighbours and routes, made into events. Bytes in,
 * events out. */
#include "base/netlink.h"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

struct attrs {
	const struct nlattr *at[IFLA_MAX + 1];
	uint16_t max;
};

static int collect(const struct nlattr *attr, void *ctx)
{
	struct attrs *t = ctx;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= t->max)
		t->at[type] = attr;
	return MNL_CB_OK;
}

static void parse_attrs(const struct nlmsghdr *h, size_t skip, uint16_t max, struct attrs *t)
{
	*t = (struct attrs){.max = max};
	mnl_attr_parse(h, (unsigned)skip, collect, t);
}

static bool get_u32(const struct nlattr *attr, uint32_t *v)
{
	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(*v))
		return false;
	memcpy(v, mnl_attr_get_payload(attr), sizeof(*v));
	return true;
}

static void get_u8(const struct nlattr *attr, uint8_t *v)
{
	if (attr && mnl_attr_get_payload_len(attr) >= 1)
		*v = *(const uint8_t *)mnl_attr_get_payload(attr);
}

/* Text with or without its NUL; cut where it is longer than `to`. */
static void get_text(const struct nlattr *attr, char *to, size_t cap)
{
	size_t n;

	to[0] = '\0';
	if (!attr)
		return;
	n = mnl_attr_get_payload_len(attr);
	if (n >= cap)
		n = cap - 1;
	n = strnlen(mnl_attr_get_payload(attr), n);
	memcpy(to, mnl_attr_get_payload(attr), n);
	to[n] = '\0';
}

static void get_hwaddr(const struct nlattr *attr, uint8_t to[NETLINK_HWADDR_MAX], uint8_t *n)
{
	*n = 0;
	if (!attr || mnl_attr_get_payload_len(attr) > NETLINK_HWADDR_MAX)
		return;
	*n = (uint8_t)mnl_attr_get_payload_len(attr);
	memcpy(to, mnl_attr_get_payload(attr), *n);
}

static bool get_addr(const struct nlattr *attr, uint8_t family, uint8_t to[16])
{
	size_t n = family == AF_INET6 ? 16 : 4;

	if (!attr || (family != AF_INET6 && family != AF_INET) ||
	    mnl_attr_get_payload_len(attr) != n)
		return false;
	memcpy(to, mnl_attr_get_payload(attr), n);
	return true;
}

static void get_u16(const struct nlattr *attr, uint16_t *v)
{
	if (attr && mnl_attr_get_payload_len(attr) >= sizeof(*v))
		memcpy(v, mnl_attr_get_payload(attr), sizeof(*v));
}

/* vxlan's addresses: one attribute each for IPv4 and IPv6. */
static bool get_either(const struct attrs *t, uint16_t v4, uint16_t v6, uint8_t *family,
		       uint8_t to[16])
{
	if (get_addr(t->at[v4], AF_INET, to))
		*family = AF_INET;
	else if (get_addr(t->at[v6], AF_INET6, to))
		*family = AF_INET6;
	else
		return false;
	return true;
}

static void parse_kind_data(const struct nlattr *attr, struct netlink_link *l)
{
	struct netlink_link_data *d = &l->data;
	struct attrs t = {.max = IFLA_MAX};
	uint16_t v16 = 0;
	uint8_t v8 = 0;

	mnl_attr_parse_nested(attr, collect, &t);
	if (strcmp(l->kind, "vxlan") == 0) {
		get_u32(t.at[IFLA_VXLAN_ID], &d->id);
		get_u32(t.at[IFLA_VXLAN_LINK], &d->lower);
		get_u16(t.at[IFLA_VXLAN_PORT], &d->port);
		d->port = (uint16_t)(d->port << 8 | d->port >> 8);
		d->has_remote = get_either(&t, IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6, &d->family,
					   d->remote);
		d->has_local = get_either(&t, IFLA_VXLAN_LOCAL, IFLA_VXLAN_LOCAL6, &d->family,
					  d->local);
	} else if (strcmp(l->kind, "macvlan") == 0) {
		get_u32(t.at[IFLA_MACVLAN_MODE], &d->mode);
	} else if (strcmp(l->kind, "vlan") == 0) {
		get_u16(t.at[IFLA_VLAN_ID], &v16);
		d->id = v16;
	} else if (strcmp(l->kind, "vrf") == 0) {
		get_u32(t.at[IFLA_VRF_TABLE], &d->id);
	} else if (strcmp(l->kind, "tun") == 0) {
		get_u8(t.at[IFLA_TUN_TYPE], &v8);
		d->id = v8 == 2; /* IFF_TAP */
	}
}

static void parse_info(const struct nlattr *attr, struct netlink_link *l)
{
	struct attrs t = {.max = IFLA_MAX};

	mnl_attr_parse_nested(attr, collect, &t);
	get_text(t.at[IFLA_INFO_KIND], l->kind, sizeof(l->kind));
	if (t.at[IFLA_INFO_DATA])
		parse_kind_data(t.at[IFLA_INFO_DATA], l);
}

/* The index'th of an array of numbers. */
static int32_t get_nth(const struct nlattr *attr, size_t index)
{
	int32_t v = 0;

	if (mnl_attr_get_payload_len(attr) >= (index + 1) * sizeof(v))
		memcpy(&v, (const char *)mnl_attr_get_payload(attr) + index * sizeof(v), sizeof(v));
	return v;
}

static int parse_family(const struct nlattr *attr, void *ctx)
{
	struct netlink_link *l = ctx;
	struct attrs t = {.max = IFLA_MAX};
	const struct nlattr *conf;

	if (mnl_attr_get_type(attr) == AF_INET) {
		mnl_attr_parse_nested(attr, collect, &t);
		conf = t.at[IFLA_INET_CONF];
		l->ip4.known = conf != NULL;
		if (conf)
			l->ip4.forwarding = get_nth(conf, IPV4_DEVCONF_FORWARDING - 1);
	} else if (mnl_attr_get_type(attr) == AF_INET6) {
		mnl_attr_parse_nested(attr, collect, &t);
		conf = t.at[IFLA_INET6_CONF];
		l->ip6.known = conf != NULL;
		if (!conf)
			return MNL_CB_OK;
		l->ip6.forwarding = get_nth(conf, DEVCONF_FORWARDING);
		l->ip6.mtu = get_nth(conf, DEVCONF_MTU6);
		l->ip6.autoconf = get_nth(conf, DEVCONF_AUTOCONF);
		l->ip6.dad_transmits = get_nth(conf, DEVCONF_DAD_TRANSMITS);
		l->ip6.disabled = get_nth(conf, DEVCONF_DISABLE_IPV6);
	}
	return MNL_CB_OK;
}

static bool parse_link(const struct nlmsghdr *h, struct netlink_link *l)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	struct attrs t;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m) || m->ifi_family != AF_UNSPEC ||
	    m->ifi_index <= 0)
		return false;
	parse_attrs(h, sizeof(*m), IFLA_MAX, &t);
	if (!t.at[IFLA_IFNAME])
		return false;
	*l = (struct netlink_link){
		.ifindex = (uint32_t)m->ifi_index, .flags = m->ifi_flags, .type = m->ifi_type};
	get_text(t.at[IFLA_IFNAME], l->name, sizeof(l->name));
	get_text(t.at[IFLA_IFALIAS], l->alias, sizeof(l->alias));
	get_u32(t.at[IFLA_MTU], &l->mtu);
	get_u32(t.at[IFLA_LINK], &l->peer);
	get_u32(t.at[IFLA_MASTER], &l->master);
	get_hwaddr(t.at[IFLA_ADDRESS], l->hwaddr, &l->n_hwaddr);
	get_u8(t.at[IFLA_OPERSTATE], &l->operstate);
	get_u32(t.at[IFLA_CARRIER_CHANGES], &l->changes);
	if (t.at[IFLA_STATS64]) {
		size_t n = mnl_attr_get_payload_len(t.at[IFLA_STATS64]);

		memcpy(&l->stats, mnl_attr_get_payload(t.at[IFLA_STATS64]),
		       n < sizeof(l->stats) ? n : sizeof(l->stats));
	}
	if (t.at[IFLA_AF_SPEC])
		mnl_attr_parse_nested(t.at[IFLA_AF_SPEC], parse_family, l);
	if (t.at[IFLA_LINKINFO])
		parse_info(t.at[IFLA_LINKINFO], l);
	return true;
}

static bool parse_addr(const struct nlmsghdr *h, struct netlink_addr *a)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(h);
	struct attrs t;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return false;
	parse_attrs(h, sizeof(*m), IFA_MAX, &t);
	*a = (struct netlink_addr){
		.ifindex = m->ifa_index,
		.family = m->ifa_family,
		.prefix = m->ifa_prefixlen,
		.scope = m->ifa_scope,
		.flags = m->ifa_flags,
	};
	get_u32(t.at[IFA_FLAGS], &a->flags);
	get_u8(t.at[IFA_PROTO], &a->proto);
	/* On a point-to-point link IFA_ADDRESS is the peer's. */
	return get_addr(t.at[IFA_LOCAL] ? t.at[IFA_LOCAL] : t.at[IFA_ADDRESS], a->family, a->addr);
}

static bool parse_neigh(const struct nlmsghdr *h, struct netlink_neigh *n)
{
	const struct ndmsg *m = mnl_nlmsg_get_payload(h);
	struct attrs t;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return false;
	parse_attrs(h, sizeof(*m), NDA_MAX, &t);
	*n = (struct netlink_neigh){
		.ifindex = (uint32_t)m->ndm_ifindex,
		.family = m->ndm_family,
		.state = m->ndm_state,
		.flags = m->ndm_flags,
	};
	get_u8(t.at[NDA_PROTOCOL], &n->proto);
	get_hwaddr(t.at[NDA_LLADDR], n->hwaddr, &n->n_hwaddr);
	return get_addr(t.at[NDA_DST], n->family, n->dst);
}

static void get_metrics(const struct nlattr *attr, struct netlink_route *r)
{
	const struct nlattr *m;

	uint32_t lock = 0;

	mnl_attr_for_each_nested(m, attr)
	{
		if (mnl_attr_get_type(m) == RTAX_MTU)
			get_u32(m, &r->mtu);
		else if (mnl_attr_get_type(m) == RTAX_LOCK)
			get_u32(m, &lock);
	}
	r->mtu_unlocked = r->mtu && !(lock & 1u << RTAX_MTU);
}

static int collect_hop(const struct nlattr *attr, void *ctx)
{
	struct attrs *t = ctx;

	if (mnl_attr_get_type(attr) == RTA_GATEWAY)
		t->at[RTA_GATEWAY] = attr;
	return MNL_CB_OK;
}

static void get_hops(const struct nlattr *attr, struct netlink_route *r)
{
	const uint8_t *p = mnl_attr_get_payload(attr);
	size_t left = mnl_attr_get_payload_len(attr);
	struct rtnexthop nh;
	struct netlink_hop *hop;
	struct attrs t;

	while (left >= sizeof(nh)) {
		size_t step;

		memcpy(&nh, p, sizeof(nh));
		step = RTNH_ALIGN((size_t)nh.rtnh_len);
		if (nh.rtnh_len < sizeof(nh) || nh.rtnh_len > left || r->n_hops == UINT16_MAX)
			return;
		if (r->n_hops < NETLINK_HOPS_MAX) {
			hop = &r->hop[r->n_hops];
			*hop = (struct netlink_hop){.ifindex = (uint32_t)nh.rtnh_ifindex,
						    .weight = (uint16_t)(nh.rtnh_hops + 1),
						    .flags = nh.rtnh_flags};
			t = (struct attrs){.max = RTA_MAX};
			mnl_attr_parse_payload(p + sizeof(nh), nh.rtnh_len - sizeof(nh),
					       collect_hop, &t);
			hop->has_via = get_addr(t.at[RTA_GATEWAY], r->family, hop->via);
		}
		r->n_hops++;
		if (step >= left)
			return;
		p += step;
		left -= step;
	}
}

static bool parse_route(const struct nlmsghdr *h, struct netlink_route *r)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	struct attrs t;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return false;
	if (m->rtm_family != AF_INET6 && m->rtm_family != AF_INET)
		return false;
	parse_attrs(h, sizeof(*m), RTA_MAX, &t);
	*r = (struct netlink_route){
		.family = m->rtm_family,
		.prefix = m->rtm_dst_len,
		.type = m->rtm_type,
		.proto = m->rtm_protocol,
		.table = m->rtm_table,
	};
	get_u32(t.at[RTA_TABLE], &r->table);
	get_u32(t.at[RTA_OIF], &r->ifindex);
	get_u32(t.at[RTA_PRIORITY], &r->metric);
	r->has_via = get_addr(t.at[RTA_GATEWAY], r->family, r->via);
	r->has_src = get_addr(t.at[RTA_PREFSRC], r->family, r->src);
	r->flags = (uint8_t)m->rtm_flags;
	if (t.at[RTA_MULTIPATH])
		get_hops(t.at[RTA_MULTIPATH], r);
	if (t.at[RTA_METRICS])
		get_metrics(t.at[RTA_METRICS], r);
	return r->prefix == 0 || get_addr(t.at[RTA_DST], r->family, r->dst);
}

static bool parse_one(const struct nlmsghdr *h, struct netlink_event *ev)
{
	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		ev->type = NETLINK_EV_LINK;
		ev->gone = h->nlmsg_type == RTM_DELLINK;
		return parse_link(h, &ev->link);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		ev->type = NETLINK_EV_ADDR;
		ev->gone = h->nlmsg_type == RTM_DELADDR;
		return parse_addr(h, &ev->addr);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		ev->type = NETLINK_EV_NEIGH;
		ev->gone = h->nlmsg_type == RTM_DELNEIGH;
		return parse_neigh(h, &ev->neigh);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		ev->type = NETLINK_EV_ROUTE;
		ev->gone = h->nlmsg_type == RTM_DELROUTE;
		return parse_route(h, &ev->route);
	default:
		return false;
	}
}

void netlink_parse(struct slice bytes, netlink_f *f, void *ctx)
{
	const struct nlmsghdr *h = (const void *)bytes.p;
	int left = bytes.n > INT32_MAX ? INT32_MAX : (int)bytes.n;
	struct netlink_event ev;

	while (mnl_nlmsg_ok(h, left)) {
		memset(&ev, 0, sizeof(ev));
		if (parse_one(h, &ev))
			f(ctx, &ev);
		h = mnl_nlmsg_next(h, &left);
	}
}
