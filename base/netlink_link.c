/* SPDX-License-Identifier: BSD-2-Clause */
/* Links: made, changed, removed. */
#include "base/netlink_priv.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/veth.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int change_link(struct netlink *nl, struct netlink_request *q, uint32_t ifindex, const char *what,
		       struct err *err)
{
	int rc = netlink_talk(nl, &q->h, NULL, NULL, err);

	if (rc) {
		err_where(err, "interface %u", ifindex);
		if (rc == -EPERM)
			err_mend(err, "%s needs CAP_NET_ADMIN", what);
	}
	return rc;
}

static struct ifinfomsg *begin_link(struct netlink_request *q, uint32_t ifindex)
{
	struct ifinfomsg *m = netlink_begin(q, RTM_NEWLINK, 0, sizeof(*m));

	m->ifi_index = (int)ifindex;
	return m;
}

int netlink_link_flags(struct netlink *nl, uint32_t ifindex, uint32_t flags, uint32_t mask,
		       struct err *err)
{
	struct netlink_request q;
	struct ifinfomsg *m = begin_link(&q, ifindex);

	m->ifi_flags = flags & mask;
	m->ifi_change = mask;
	return change_link(nl, &q, ifindex, "switching a link on or off", err);
}

int netlink_link_mtu(struct netlink *nl, uint32_t ifindex, uint32_t mtu, struct err *err)
{
	struct netlink_request q;

	begin_link(&q, ifindex);
	mnl_attr_put_u32(&q.h, IFLA_MTU, mtu);
	return change_link(nl, &q, ifindex, "setting an MTU", err);
}

int netlink_link_addrgen(struct netlink *nl, uint32_t ifindex, uint8_t mode, struct err *err)
{
	struct netlink_request q;
	struct nlattr *spec;
	struct nlattr *inet6;

	begin_link(&q, ifindex);
	spec = mnl_attr_nest_start(&q.h, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(&q.h, AF_INET6);
	mnl_attr_put_u8(&q.h, IFLA_INET6_ADDR_GEN_MODE, mode);
	mnl_attr_nest_end(&q.h, inet6);
	mnl_attr_nest_end(&q.h, spec);
	return change_link(nl, &q, ifindex, "setting the address mode", err);
}

int netlink_link_netns(struct netlink *nl, uint32_t ifindex, int netns_fd, struct err *err)
{
	struct netlink_request q;

	begin_link(&q, ifindex);
	mnl_attr_put_u32(&q.h, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	return change_link(nl, &q, ifindex, "moving a link", err);
}

int netlink_link_alias(struct netlink *nl, uint32_t ifindex, const char *text, struct err *err)
{
	struct netlink_request q;

	if (strlen(text) >= NETLINK_ALIAS_MAX)
		return err_set(err, -EINVAL, "an alias has at most %d characters",
			       NETLINK_ALIAS_MAX - 1);
	begin_link(&q, ifindex);
	mnl_attr_put_strz(&q.h, IFLA_IFALIAS, text);
	return change_link(nl, &q, ifindex, "setting an alias", err);
}

int netlink_link_delete(struct netlink *nl, uint32_t ifindex, struct err *err)
{
	struct netlink_request q;
	struct ifinfomsg *m = netlink_begin(&q, RTM_DELLINK, 0, sizeof(*m));

	m->ifi_index = (int)ifindex;
	return change_link(nl, &q, ifindex, "deleting a link", err);
}

int netlink_link_master(struct netlink *nl, uint32_t ifindex, uint32_t master, struct err *err)
{
	struct netlink_request q;

	begin_link(&q, ifindex);
	mnl_attr_put_u32(&q.h, IFLA_MASTER, master);
	return change_link(nl, &q, ifindex, "making a port", err);
}

int netlink_link_hwaddr(struct netlink *nl, uint32_t ifindex, const uint8_t *hwaddr, uint8_t n,
			struct err *err)
{
	struct netlink_request q;

	begin_link(&q, ifindex);
	mnl_attr_put(&q.h, IFLA_ADDRESS, n, hwaddr);
	return change_link(nl, &q, ifindex, "setting a hardware address", err);
}

static void put_veth_end(struct netlink_request *q, const struct netlink_veth_end *end, uint32_t mtu)
{
	mnl_attr_put_strz(&q->h, IFLA_IFNAME, end->name);
	if (end->netns_fd >= 0)
		mnl_attr_put_u32(&q->h, IFLA_NET_NS_FD, (uint32_t)end->netns_fd);
	if (end->hwaddr)
		mnl_attr_put(&q->h, IFLA_ADDRESS, 6, end->hwaddr);
	if (mtu)
		mnl_attr_put_u32(&q->h, IFLA_MTU, mtu);
}

int netlink_veth_new(struct netlink *nl, const struct netlink_veth_end *a,
		     const struct netlink_veth_end *b, uint32_t mtu, struct err *err)
{
	struct netlink_request q;
	struct nlattr *info;
	struct nlattr *data;
	struct nlattr *peer;
	int rc;

	if (strlen(a->name) >= IFNAMSIZ || strlen(b->name) >= IFNAMSIZ)
		return err_set(err, -ENAMETOOLONG, "an interface name has at most %d characters",
			       IFNAMSIZ - 1);
	netlink_begin(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	put_veth_end(&q, a, mtu);
	info = mnl_attr_nest_start(&q.h, IFLA_LINKINFO);
	mnl_attr_put_strz(&q.h, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(&q.h, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(&q.h, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(&q.h, sizeof(struct ifinfomsg));
	put_veth_end(&q, b, mtu);
	mnl_attr_nest_end(&q.h, peer);
	mnl_attr_nest_end(&q.h, data);
	mnl_attr_nest_end(&q.h, info);
	rc = netlink_talk(nl, &q.h, NULL, NULL, err);
	if (rc)
		err_where(err, "veth %s-%s", a->name, b->name);
	return rc;
}

/* ---- Kinds ---- */

static void put_address(struct nlmsghdr *h, uint8_t family, uint16_t v4, uint16_t v6,
			const uint8_t *addr)
{
	mnl_attr_put(h, family == AF_INET ? v4 : v6, netlink_addr_len(family), addr);
}

static void put_vxlan(struct nlmsghdr *h, const struct netlink_link_data *d)
{
	mnl_attr_put_u32(h, IFLA_VXLAN_ID, d->id);
	mnl_attr_put_u16(h, IFLA_VXLAN_PORT, htons(d->port ? d->port : 4789));
	if (d->lower)
		mnl_attr_put_u32(h, IFLA_VXLAN_LINK, d->lower);
	if (d->has_remote)
		put_address(h, d->family, IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6, d->remote);
	if (d->has_local)
		put_address(h, d->family, IFLA_VXLAN_LOCAL, IFLA_VXLAN_LOCAL6, d->local);
}

static void put_kind_data(struct nlmsghdr *h, const struct netlink_link *l, const char *peer_name)
{
	if (strcmp(l->kind, "veth") == 0) {
		struct nlattr *peer = mnl_attr_nest_start(h, VETH_INFO_PEER);

		mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
		mnl_attr_put_strz(h, IFLA_IFNAME, peer_name);
		mnl_attr_nest_end(h, peer);
	} else if (strcmp(l->kind, "vxlan") == 0) {
		put_vxlan(h, &l->data);
	} else if (strcmp(l->kind, "macvlan") == 0) {
		mnl_attr_put_u32(h, IFLA_MACVLAN_MODE,
				 l->data.mode ? l->data.mode : MACVLAN_MODE_BRIDGE);
	} else if (strcmp(l->kind, "vlan") == 0) {
		mnl_attr_put_u16(h, IFLA_VLAN_ID, (uint16_t)l->data.id);
	} else if (strcmp(l->kind, "vrf") == 0) {
		mnl_attr_put_u32(h, IFLA_VRF_TABLE, l->data.id);
	}
}

int netlink_link_new(struct netlink *nl, const struct netlink_link *l, const char *peer_name,
		     int netns_fd, struct err *err)
{
	struct netlink_request q;
	struct nlattr *info;
	struct nlattr *data;
	int rc;

	if (strcmp(l->kind, "veth") == 0 && !(peer_name && *peer_name))
		return err_set(err, -EINVAL, "a veth needs the name of its other end");
	netlink_begin(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(&q.h, IFLA_IFNAME, l->name);
	if (netns_fd >= 0)
		mnl_attr_put_u32(&q.h, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	if (l->mtu)
		mnl_attr_put_u32(&q.h, IFLA_MTU, l->mtu);
	if (l->n_hwaddr)
		mnl_attr_put(&q.h, IFLA_ADDRESS, l->n_hwaddr, l->hwaddr);
	if (l->peer && strcmp(l->kind, "veth") != 0)
		mnl_attr_put_u32(&q.h, IFLA_LINK, l->peer);
	info = mnl_attr_nest_start(&q.h, IFLA_LINKINFO);
	mnl_attr_put_strz(&q.h, IFLA_INFO_KIND, l->kind);
	data = mnl_attr_nest_start(&q.h, IFLA_INFO_DATA);
	put_kind_data(&q.h, l, peer_name);
	mnl_attr_nest_end(&q.h, data);
	mnl_attr_nest_end(&q.h, info);
	rc = netlink_talk(nl, &q.h, NULL, NULL, err);
	if (rc)
		err_where(err, "%s %s", l->kind, l->name);
	if (rc == -EOPNOTSUPP)
		err_mend(err, "this kernel has no links of kind %s", l->kind);
	return rc;
}

int netlink_tun_new(const char *name, bool tap, struct err *err)
{
	struct ifreq q = {.ifr_flags = (short)((tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI)};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	int rc = 0;

	memccpy(q.ifr_name, name, 0, sizeof(q.ifr_name) - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &q) != 0 || ioctl(fd, TUNSETPERSIST, 1L) != 0) {
		rc = err_set(err, -errno, "cannot make it through /dev/net/tun: %m");
		err_where(err, "%s %s", tap ? "tap" : "tun", name);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}
