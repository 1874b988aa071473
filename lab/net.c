/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/net.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#define NET_BUF 32768

struct net {
	struct mnl_socket *s;
	unsigned seq;
	unsigned port;
	char buf[NET_BUF];
};

struct net *net_open(void)
{
	struct net *net = calloc(1, sizeof(*net));

	if (!net)
		return NULL;
	net->s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!net->s || mnl_socket_bind(net->s, 0, MNL_SOCKET_AUTOPID) < 0) {
		int e = errno;

		net_close(net);
		errno = e;
		return NULL;
	}
	net->port = mnl_socket_get_portid(net->s);
	return net;
}

void net_close(struct net *net)
{
	if (!net)
		return;
	if (net->s)
		mnl_socket_close(net->s);
	free(net);
}

/* Sends a request and hands every answer to f until the kernel says that it is done. */
static int net_talk(struct net *net, struct nlmsghdr *h, mnl_cb_t f, void *ctx)
{
	int n;

	h->nlmsg_seq = ++net->seq;
	if (mnl_socket_sendto(net->s, h, h->nlmsg_len) < 0)
		return -errno;
	do {
		n = (int)mnl_socket_recvfrom(net->s, net->buf, sizeof(net->buf));
		if (n < 0)
			return -errno;
		n = mnl_cb_run(net->buf, (size_t)n, net->seq, net->port, f, ctx);
		if (n < 0)
			return -errno;
	} while (n != MNL_CB_STOP);
	return 0;
}

static struct nlmsghdr *net_request(char *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return h;
}

static void put_veth_end(struct nlmsghdr *h, const struct net_veth_end *e)
{
	mnl_attr_put_strz(h, IFLA_IFNAME, e->name);
	mnl_attr_put(h, IFLA_ADDRESS, 6, e->mac);
	mnl_attr_put_u32(h, IFLA_NET_NS_FD, (uint32_t)e->ns);
}

int net_veth(struct net *net, const struct net_veth_end *a, const struct net_veth_end *b)
{
	char buf[1024];
	struct nlmsghdr *h = net_request(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	struct nlattr *info;
	struct nlattr *data;
	struct nlattr *peer;

	ifi->ifi_index = (int)a->ifindex;
	put_veth_end(h, a);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(h, VETH_INFO_PEER);
	ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	ifi->ifi_index = (int)b->ifindex;
	put_veth_end(h, b);
	mnl_attr_nest_end(h, peer);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	return net_talk(net, h, NULL, NULL);
}

int net_set_up(struct net *net, uint32_t ifindex, bool up)
{
	char buf[256];
	struct nlmsghdr *h = net_request(buf, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));

	ifi->ifi_index = (int)ifindex;
	ifi->ifi_change = IFF_UP;
	ifi->ifi_flags = up ? IFF_UP : 0;
	return net_talk(net, h, NULL, NULL);
}

int net_add_addr(struct net *net, uint32_t ifindex, const struct in6_addr *addr, unsigned bits)
{
	char buf[256];
	struct nlmsghdr *h = net_request(buf, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(h, sizeof(*ifa));

	ifa->ifa_family = AF_INET6;
	ifa->ifa_prefixlen = (uint8_t)bits;
	ifa->ifa_flags = IFA_F_NODAD;
	ifa->ifa_index = ifindex;
	mnl_attr_put(h, IFA_LOCAL, sizeof(*addr), addr);
	return net_talk(net, h, NULL, NULL);
}

static struct rtmsg *put_route(struct nlmsghdr *h, const struct in6_addr *dst, unsigned bits)
{
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(h, sizeof(*rt));

	rt->rtm_family = AF_INET6;
	rt->rtm_dst_len = (uint8_t)bits;
	rt->rtm_table = RT_TABLE_MAIN;
	rt->rtm_protocol = RTPROT_STATIC;
	rt->rtm_scope = RT_SCOPE_UNIVERSE;
	rt->rtm_type = RTN_UNICAST;
	mnl_attr_put(h, RTA_DST, sizeof(*dst), dst);
	return rt;
}

int net_add_route(struct net *net, const struct in6_addr *dst, unsigned bits, const struct in6_addr *via,
		  uint32_t ifindex)
{
	char buf[256];
	struct nlmsghdr *h = net_request(buf, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK);

	put_route(h, dst, bits);
	mnl_attr_put(h, RTA_GATEWAY, sizeof(*via), via);
	mnl_attr_put_u32(h, RTA_OIF, ifindex);
	return net_talk(net, h, NULL, NULL);
}

int net_del_route(struct net *net, const struct in6_addr *dst, unsigned bits)
{
	char buf[256];
	struct nlmsghdr *h = net_request(buf, RTM_DELROUTE, NLM_F_ACK);

	put_route(h, dst, bits);
	return net_talk(net, h, NULL, NULL);
}

struct net_links_ctx {
	void (*f)(void *ctx, const struct net_link *l);
	void *ctx;
};

static int on_link(const struct nlmsghdr *h, void *p)
{
	const struct net_links_ctx *c = p;
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	const struct nlattr *attr;
	struct net_link l = {.ifindex = (uint32_t)ifi->ifi_index};
	struct rtnl_link_stats64 st;

	mnl_attr_for_each(attr, h, sizeof(*ifi)) {
		size_t n = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == IFLA_CARRIER)
			l.carrier = mnl_attr_get_u8(attr);
		if (mnl_attr_get_type(attr) != IFLA_STATS64)
			continue;
		memset(&st, 0, sizeof(st));
		memcpy(&st, mnl_attr_get_payload(attr), n < sizeof(st) ? n : sizeof(st));
		l.tx_packets = st.tx_packets;
		l.tx_bytes = st.tx_bytes;
		l.rx_packets = st.rx_packets;
		l.rx_bytes = st.rx_bytes;
	}
	c->f(c->ctx, &l);
	return MNL_CB_OK;
}

int net_links(struct net *net, void (*f)(void *ctx, const struct net_link *l), void *ctx)
{
	char buf[256];
	struct nlmsghdr *h = net_request(buf, RTM_GETLINK, NLM_F_DUMP);
	struct net_links_ctx c = {f, ctx};

	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	return net_talk(net, h, on_link, &c);
}

struct net_addrs_ctx {
	void (*f)(void *ctx, uint32_t ifindex, const struct in6_addr *addr);
	void *ctx;
};

static int on_addr(const struct nlmsghdr *h, void *p)
{
	const struct net_addrs_ctx *c = p;
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	const struct nlattr *attr;
	const struct in6_addr *addr = NULL;

	mnl_attr_for_each(attr, h, sizeof(*ifa)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (mnl_attr_get_payload_len(attr) != sizeof(*addr))
			continue;
		if (type == IFA_LOCAL || (type == IFA_ADDRESS && !addr))
			addr = mnl_attr_get_payload(attr);
	}
	if (addr && ifa->ifa_family == AF_INET6 && !(ifa->ifa_flags & IFA_F_TENTATIVE))
		c->f(c->ctx, ifa->ifa_index, addr);
	return MNL_CB_OK;
}

int net_addrs(struct net *net, void (*f)(void *ctx, uint32_t ifindex, const struct in6_addr *addr), void *ctx)
{
	char buf[256];
	struct nlmsghdr *h = net_request(buf, RTM_GETADDR, NLM_F_DUMP);
	struct net_addrs_ctx c = {f, ctx};
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(h, sizeof(*ifa));

	ifa->ifa_family = AF_INET6;
	return net_talk(net, h, on_addr, &c);
}
