/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECV_MAX 65536
#define REQUEST_MAX 1024
#define DUMP_TRIES 5

struct netlink {
	struct mnl_socket *sock;
	uint32_t seq;
	unsigned port;
	char *in; /* RECV_MAX bytes */
};

struct netlink *netlink_open(struct err *err)
{
	struct netlink *nl = calloc(1, sizeof(*nl));
	int on = 1;

	if (!nl)
		return err_set(err, -ENOMEM, "no memory for a netlink socket"), NULL;
	nl->in = malloc(RECV_MAX);
	nl->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->in || !nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		err_set(err, -errno, "cannot open a netlink socket: %m");
		netlink_close(nl);
		return NULL;
	}
	/* The kernel's texts, short errors, and dumps that can be filtered. All are only wished
	 * for. */
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->sock, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	nl->port = mnl_socket_get_portid(nl->sock);
	return nl;
}

void netlink_close(struct netlink *nl)
{
	if (!nl)
		return;
	if (nl->sock)
		mnl_socket_close(nl->sock);
	free(nl->in);
	free(nl);
}

static int ext_text(const struct nlattr *attr, void *ctx)
{
	const char **text = ctx;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		*text = mnl_attr_get_str(attr);
	return MNL_CB_OK;
}

/* The code in an NLMSG_ERROR or NLMSG_DONE, and the kernel's explanation into err. */
static int answer_code(const struct nlmsghdr *h, struct err *err)
{
	const int *code = mnl_nlmsg_get_payload(h);
	const char *text = NULL;
	size_t skip = h->nlmsg_type == NLMSG_ERROR ? sizeof(struct nlmsgerr) : sizeof(int);

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*code) || *code == 0)
		return 0;
	if (h->nlmsg_flags & NLM_F_ACK_TLVS && mnl_nlmsg_get_payload_len(h) > skip)
		mnl_attr_parse(h, (unsigned)skip, ext_text, &text);
	return err_set(err, *code, "%s%s%s", strerror(-*code), text ? ": " : "", text ? text : "");
}

/* One datagram of the answer. Returns 1 where more follow, else the result. */
static int take_answer(struct netlink *nl, int n, bool *interrupted,
		       void (*f)(void *, const struct nlmsghdr *), void *ctx, struct err *err)
{
	const struct nlmsghdr *h = (const void *)nl->in;

	for (; mnl_nlmsg_ok(h, n); h = mnl_nlmsg_next(h, &n)) {
		if (h->nlmsg_seq != nl->seq || h->nlmsg_pid != nl->port)
			continue;
		if (h->nlmsg_flags & NLM_F_DUMP_INTR)
			*interrupted = true;
		if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE)
			return answer_code(h, err);
		if (h->nlmsg_type >= NLMSG_MIN_TYPE && f)
			f(ctx, h);
	}
	return 1;
}

static int exchange(struct netlink *nl, struct nlmsghdr *h, bool *interrupted,
		    void (*f)(void *, const struct nlmsghdr *), void *ctx, struct err *err)
{
	int rc = 1;

	h->nlmsg_seq = ++nl->seq;
	h->nlmsg_pid = nl->port;
	if (mnl_socket_sendto(nl->sock, h, h->nlmsg_len) < 0)
		return err_set(err, -errno, "cannot ask the kernel: %m");
	while (rc == 1) {
		ssize_t n = mnl_socket_recvfrom(nl->sock, nl->in, RECV_MAX);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, -errno, "no answer from the kernel: %m");
		rc = take_answer(nl, (int)n, interrupted, f, ctx, err);
	}
	return rc;
}

int netlink_talk(struct netlink *nl, struct nlmsghdr *h, void (*f)(void *, const struct nlmsghdr *),
		 void *ctx, struct err *err)
{
	bool dump = (h->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	bool interrupted;
	int tries;
	int rc;

	h->nlmsg_flags |= NLM_F_REQUEST | (dump ? 0 : NLM_F_ACK);
	for (tries = 0; tries < DUMP_TRIES; tries++) {
		interrupted = false;
		rc = exchange(nl, h, &interrupted, f, ctx, err);
		if (rc || !interrupted)
			return rc;
	}
	return err_set(err, -EAGAIN, "the kernel's tables change faster than they can be read");
}

struct request {
	union {
		struct nlmsghdr h;
		char bytes[REQUEST_MAX];
	};
};

/* Begins a request with a zeroed fixed part of n bytes, and returns that part. */
static void *begin(struct request *q, int type, int flags, size_t n)
{
	mnl_nlmsg_put_header(q->bytes);
	q->h.nlmsg_type = (uint16_t)type;
	q->h.nlmsg_flags = (uint16_t)flags;
	return mnl_nlmsg_put_extra_header(&q->h, n);
}

static size_t addr_len(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

/* ---- Reading ---- */

struct listing {
	netlink_f *f;
	void *ctx;
};

static void list_msg(void *ctx, const struct nlmsghdr *h)
{
	struct listing *l = ctx;

	netlink_parse(slice_of(h, h->nlmsg_len), l->f, l->ctx);
}

int netlink_links(struct netlink *nl, netlink_f *f, void *ctx)
{
	struct listing l = {f, ctx};
	struct request q;

	begin(&q, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	return netlink_talk(nl, &q.h, list_msg, &l, NULL);
}

/* Older kernels do not filter, so this does. */
struct by_link {
	struct listing l;
	uint32_t ifindex;
};

static void filter_link(void *ctx, const struct netlink_event *ev)
{
	struct by_link *b = ctx;
	uint32_t is = ev->type == NETLINK_EV_ADDR ? ev->addr.ifindex : ev->neigh.ifindex;

	if (b->ifindex == 0 || is == b->ifindex)
		b->l.f(b->l.ctx, ev);
}

int netlink_addrs(struct netlink *nl, uint8_t family, uint32_t ifindex, netlink_f *f, void *ctx)
{
	struct by_link b = {{f, ctx}, ifindex};
	struct listing l = {filter_link, &b};
	struct request q;
	struct ifaddrmsg *m = begin(&q, RTM_GETADDR, NLM_F_DUMP, sizeof(*m));

	m->ifa_family = family;
	m->ifa_index = ifindex;
	return netlink_talk(nl, &q.h, list_msg, &l, NULL);
}

int netlink_neighs(struct netlink *nl, uint8_t family, uint32_t ifindex, netlink_f *f, void *ctx)
{
	struct by_link b = {{f, ctx}, ifindex};
	struct listing l = {filter_link, &b};
	struct request q;
	struct ndmsg *m = begin(&q, RTM_GETNEIGH, NLM_F_DUMP, sizeof(*m));

	m->ndm_family = family;
	if (ifindex)
		mnl_attr_put_u32(&q.h, NDA_IFINDEX, ifindex);
	return netlink_talk(nl, &q.h, list_msg, &l, NULL);
}

int netlink_routes(struct netlink *nl, uint8_t family, netlink_f *f, void *ctx)
{
	struct listing l = {f, ctx};
	struct request q;
	struct rtmsg *m = begin(&q, RTM_GETROUTE, NLM_F_DUMP, sizeof(*m));

	m->rtm_family = family;
	return netlink_talk(nl, &q.h, list_msg, &l, NULL);
}

static void keep_event(void *ctx, const struct netlink_event *ev)
{
	*(struct netlink_event *)ctx = *ev;
}

int netlink_link_get(struct netlink *nl, uint32_t ifindex, const char *name,
		     struct netlink_link *out)
{
	struct netlink_event ev = {.type = NETLINK_EV_RESYNC_BEGIN};
	struct listing l = {keep_event, &ev};
	struct request q;
	struct ifinfomsg *m = begin(&q, RTM_GETLINK, 0, sizeof(*m));
	int rc;

	m->ifi_index = (int)ifindex;
	if (!ifindex) {
		if (!name || strlen(name) >= IFNAMSIZ)
			return -ENODEV;
		mnl_attr_put_strz(&q.h, IFLA_IFNAME, name);
	}
	rc = netlink_talk(nl, &q.h, list_msg, &l, NULL);
	if (rc)
		return rc;
	if (ev.type != NETLINK_EV_LINK)
		return -ENODEV;
	*out = ev.link;
	return 0;
}

int netlink_neigh_get(struct netlink *nl, uint32_t ifindex, const uint8_t dst[16],
		      struct netlink_neigh *out)
{
	struct netlink_event ev = {.type = NETLINK_EV_RESYNC_BEGIN};
	struct listing l = {keep_event, &ev};
	struct request q;
	struct ndmsg *m = begin(&q, RTM_GETNEIGH, 0, sizeof(*m));
	int rc;

	m->ndm_family = AF_INET6;
	m->ndm_ifindex = (int)ifindex;
	mnl_attr_put(&q.h, NDA_DST, 16, dst);
	rc = netlink_talk(nl, &q.h, list_msg, &l, NULL);
	if (rc)
		return rc;
	if (ev.type != NETLINK_EV_NEIGH)
		return -ENOENT;
	*out = ev.neigh;
	return 0;
}

int netlink_route_get(struct netlink *nl, const uint8_t dst[16], struct netlink_route *out)
{
	struct netlink_event ev = {.type = NETLINK_EV_RESYNC_BEGIN};
	struct listing l = {keep_event, &ev};
	struct request q;
	struct rtmsg *m = begin(&q, RTM_GETROUTE, 0, sizeof(*m));
	int rc;

	m->rtm_family = AF_INET6;
	m->rtm_dst_len = 128;
	mnl_attr_put(&q.h, RTA_DST, 16, dst);
	rc = netlink_talk(nl, &q.h, list_msg, &l, NULL);
	if (rc)
		return rc;
	if (ev.type != NETLINK_EV_ROUTE)
		return -ENETUNREACH;
	*out = ev.route;
	return 0;
}

/* ---- Links ---- */

static int change_link(struct netlink *nl, struct request *q, uint32_t ifindex, const char *what,
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

static struct ifinfomsg *begin_link(struct request *q, uint32_t ifindex)
{
	struct ifinfomsg *m = begin(q, RTM_NEWLINK, 0, sizeof(*m));

	m->ifi_index = (int)ifindex;
	return m;
}

int netlink_link_flags(struct netlink *nl, uint32_t ifindex, uint32_t flags, uint32_t mask,
		       struct err *err)
{
	struct request q;
	struct ifinfomsg *m = begin_link(&q, ifindex);

	m->ifi_flags = flags & mask;
	m->ifi_change = mask;
	return change_link(nl, &q, ifindex, "switching a link on or off", err);
}

int netlink_link_mtu(struct netlink *nl, uint32_t ifindex, uint32_t mtu, struct err *err)
{
	struct request q;

	begin_link(&q, ifindex);
	mnl_attr_put_u32(&q.h, IFLA_MTU, mtu);
	return change_link(nl, &q, ifindex, "setting an MTU", err);
}

int netlink_link_addrgen(struct netlink *nl, uint32_t ifindex, uint8_t mode, struct err *err)
{
	struct request q;
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
	struct request q;

	begin_link(&q, ifindex);
	mnl_attr_put_u32(&q.h, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	return change_link(nl, &q, ifindex, "moving a link", err);
}

int netlink_link_alias(struct netlink *nl, uint32_t ifindex, const char *text, struct err *err)
{
	struct request q;

	if (strlen(text) >= NETLINK_ALIAS_MAX)
		return err_set(err, -EINVAL, "an alias has at most %d characters",
			       NETLINK_ALIAS_MAX - 1);
	begin_link(&q, ifindex);
	mnl_attr_put_strz(&q.h, IFLA_IFALIAS, text);
	return change_link(nl, &q, ifindex, "setting an alias", err);
}

int netlink_link_delete(struct netlink *nl, uint32_t ifindex, struct err *err)
{
	struct request q;
	struct ifinfomsg *m = begin(&q, RTM_DELLINK, 0, sizeof(*m));

	m->ifi_index = (int)ifindex;
	return change_link(nl, &q, ifindex, "deleting a link", err);
}

static void put_veth_end(struct request *q, const struct netlink_veth_end *end, uint32_t mtu)
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
	struct request q;
	struct nlattr *info;
	struct nlattr *data;
	struct nlattr *peer;
	int rc;

	if (strlen(a->name) >= IFNAMSIZ || strlen(b->name) >= IFNAMSIZ)
		return err_set(err, -ENAMETOOLONG, "an interface name has at most %d characters",
			       IFNAMSIZ - 1);
	begin(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
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

/* ---- Addresses, routes, neighbours ---- */

static int change_addr(struct netlink *nl, int type, int flags, const struct netlink_addr *a,
		       struct err *err)
{
	struct request q;
	struct ifaddrmsg *m = begin(&q, type, flags, sizeof(*m));

	m->ifa_family = a->family;
	m->ifa_prefixlen = a->prefix;
	m->ifa_index = a->ifindex;
	mnl_attr_put(&q.h, IFA_LOCAL, addr_len(a->family), a->addr);
	mnl_attr_put(&q.h, IFA_ADDRESS, addr_len(a->family), a->addr);
	if (type == RTM_NEWADDR) {
		mnl_attr_put_u32(&q.h, IFA_FLAGS, a->flags);
		if (a->proto)
			mnl_attr_put_u8(&q.h, IFA_PROTO, a->proto);
	}
	return netlink_talk(nl, &q.h, NULL, NULL, err);
}

int netlink_addr_add(struct netlink *nl, const struct netlink_addr *a, struct err *err)
{
	int rc = change_addr(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, a, err);

	if (rc)
		err_where(err, "address on interface %u", a->ifindex);
	return rc;
}

int netlink_addr_del(struct netlink *nl, const struct netlink_addr *a, struct err *err)
{
	int rc = change_addr(nl, RTM_DELADDR, 0, a, err);

	return rc == -EADDRNOTAVAIL || rc == -ENODEV ? 0 : rc;
}

static int change_route(struct netlink *nl, int type, int flags, const struct netlink_route *r,
			struct err *err)
{
	uint8_t family = r->family ? r->family : AF_INET6;
	uint32_t table = r->table ? r->table : RT_TABLE_MAIN;
	struct request q;
	struct nlattr *metrics;
	struct rtmsg *m = begin(&q, type, flags, sizeof(*m));

	m->rtm_family = family;
	m->rtm_dst_len = r->prefix;
	m->rtm_protocol = r->proto ? r->proto : RTPROT_STATIC;
	m->rtm_type = r->type ? r->type : RTN_UNICAST;
	m->rtm_table = (uint8_t)(table < 256 ? table : RT_TABLE_UNSPEC);
	m->rtm_scope = r->has_via || family == AF_INET6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	mnl_attr_put_u32(&q.h, RTA_TABLE, table);
	if (r->prefix)
		mnl_attr_put(&q.h, RTA_DST, addr_len(family), r->dst);
	if (r->ifindex)
		mnl_attr_put_u32(&q.h, RTA_OIF, r->ifindex);
	if (r->has_via)
		mnl_attr_put(&q.h, RTA_GATEWAY, addr_len(family), r->via);
	if (r->metric)
		mnl_attr_put_u32(&q.h, RTA_PRIORITY, r->metric);
	if (r->mtu && type == RTM_NEWROUTE) {
		metrics = mnl_attr_nest_start(&q.h, RTA_METRICS);
		mnl_attr_put_u32(&q.h, RTAX_LOCK, 1u << RTAX_MTU);
		mnl_attr_put_u32(&q.h, RTAX_MTU, r->mtu);
		mnl_attr_nest_end(&q.h, metrics);
	}
	return netlink_talk(nl, &q.h, NULL, NULL, err);
}

int netlink_route_set(struct netlink *nl, const struct netlink_route *r, struct err *err)
{
	int rc = change_route(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, r, err);

	if (rc)
		err_where(err, "route");
	return rc;
}

int netlink_route_del(struct netlink *nl, const struct netlink_route *r, struct err *err)
{
	int rc = change_route(nl, RTM_DELROUTE, 0, r, err);

	return rc == -ESRCH || rc == -ENODEV ? 0 : rc;
}

static int change_neigh(struct netlink *nl, int type, int flags, const struct netlink_neigh *n,
			struct err *err)
{
	struct request q;
	struct ndmsg *m = begin(&q, type, flags, sizeof(*m));

	m->ndm_family = n->family;
	m->ndm_ifindex = (int)n->ifindex;
	m->ndm_state = n->state;
	m->ndm_flags = n->flags;
	m->ndm_type = RTN_UNICAST;
	mnl_attr_put(&q.h, NDA_DST, addr_len(n->family), n->dst);
	if (type == RTM_NEWNEIGH && n->n_hwaddr)
		mnl_attr_put(&q.h, NDA_LLADDR, n->n_hwaddr, n->hwaddr);
	if (type == RTM_NEWNEIGH && n->proto)
		mnl_attr_put_u8(&q.h, NDA_PROTOCOL, n->proto);
	return netlink_talk(nl, &q.h, NULL, NULL, err);
}

int netlink_neigh_set(struct netlink *nl, const struct netlink_neigh *n, struct err *err)
{
	int rc = change_neigh(nl, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, n, err);

	if (rc)
		err_where(err, "neighbour on interface %u", n->ifindex);
	return rc;
}

int netlink_neigh_del(struct netlink *nl, const struct netlink_neigh *n, struct err *err)
{
	int rc = change_neigh(nl, RTM_DELNEIGH, 0, n, err);

	return rc == -ENOENT || rc == -ENODEV ? 0 : rc;
}

/* ---- Sysctls ---- */

/* Opens the setting; a name must not lead elsewhere. */
static int sysctl_open(const char *ifname, const char *key, int flags)
{
	char path[128];
	int n;

	if (strchr(ifname, '/') || strchr(key, '/') || ifname[0] == '.' || key[0] == '.')
		return -EINVAL;
	n = snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", ifname, key);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	n = open(path, flags | O_CLOEXEC);
	return n < 0 ? -errno : n;
}

int netlink_sysctl_get(const char *ifname, const char *key, int *value)
{
	char text[32];
	char *end;
	ssize_t n;
	long v;
	int fd = sysctl_open(ifname, key, O_RDONLY);

	if (fd < 0)
		return fd;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return n < 0 ? -errno : -EIO;
	text[n] = '\0';
	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || end == text || v < INT32_MIN || v > INT32_MAX)
		return -ERANGE;
	*value = (int)v;
	return 0;
}

int netlink_sysctl_set(const char *ifname, const char *key, int value, struct err *err)
{
	char text[32];
	int rc = 0;
	int fd;
	int n;
	int was;

	if (netlink_sysctl_get(ifname, key, &was) == 0 && was == value)
		return 0;
	fd = sysctl_open(ifname, key, O_WRONLY);
	n = snprintf(text, sizeof(text), "%d\n", value);
	if (fd < 0)
		rc = fd;
	else if (write(fd, text, (size_t)n) < 0)
		rc = -errno;
	if (fd >= 0)
		close(fd);
	if (rc == 0)
		return 0;
	err_set(err, rc, "cannot set it to %d: %s", value, strerror(-rc));
	err_where(err, "net.ipv6.conf.%s.%s", ifname, key);
	if (rc == -EROFS)
		err_mend(err,
			 "/proc/sys is mounted read-only; mount it read-write for this program");
	if (rc == -EACCES || rc == -EPERM)
		err_mend(err, "this needs CAP_NET_ADMIN");
	return rc;
}
