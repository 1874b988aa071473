/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/netlink_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct netlink *netlink_open(struct err *err)
{
	struct netlink *nl = calloc(1, sizeof(*nl));
	int bytes = 1 << 20;
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
	/* Batches may fail in many places at once. */
	if (setsockopt(mnl_socket_get_fd(nl->sock), SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
		       sizeof(bytes)) != 0)
		setsockopt(mnl_socket_get_fd(nl->sock), SOL_SOCKET, SO_RCVBUF, &bytes,
			   sizeof(bytes));
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
int netlink_answer(const struct nlmsghdr *h, const char **text)
{
	const int *code = mnl_nlmsg_get_payload(h);
	size_t skip = h->nlmsg_type == NLMSG_ERROR ? sizeof(struct nlmsgerr) : sizeof(int);

	*text = NULL;
	if (mnl_nlmsg_get_payload_len(h) < sizeof(*code) || *code == 0)
		return 0;
	if (h->nlmsg_flags & NLM_F_ACK_TLVS && mnl_nlmsg_get_payload_len(h) > skip)
		mnl_attr_parse(h, (unsigned)skip, ext_text, text);
	return *code;
}

static int answer_code(const struct nlmsghdr *h, struct err *err)
{
	const char *text;
	int code = netlink_answer(h, &text);

	if (code == 0)
		return 0;
	return err_set(err, code, "%s%s%s", strerror(-code), text ? ": " : "", text ? text : "");
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

void *netlink_begin(struct netlink_request *q, int type, int flags, size_t n)
{
	mnl_nlmsg_put_header(q->bytes);
	q->h.nlmsg_type = (uint16_t)type;
	q->h.nlmsg_flags = (uint16_t)flags;
	return mnl_nlmsg_put_extra_header(&q->h, n);
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
	struct netlink_request q;

	netlink_begin(&q, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
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
	struct netlink_request q;
	struct ifaddrmsg *m = netlink_begin(&q, RTM_GETADDR, NLM_F_DUMP, sizeof(*m));

	m->ifa_family = family;
	m->ifa_index = ifindex;
	return netlink_talk(nl, &q.h, list_msg, &l, NULL);
}

int netlink_neighs(struct netlink *nl, uint8_t family, uint32_t ifindex, netlink_f *f, void *ctx)
{
	struct by_link b = {{f, ctx}, ifindex};
	struct listing l = {filter_link, &b};
	struct netlink_request q;
	struct ndmsg *m = netlink_begin(&q, RTM_GETNEIGH, NLM_F_DUMP, sizeof(*m));

	m->ndm_family = family;
	if (ifindex)
		mnl_attr_put_u32(&q.h, NDA_IFINDEX, ifindex);
	return netlink_talk(nl, &q.h, list_msg, &l, NULL);
}

int netlink_routes(struct netlink *nl, uint8_t family, netlink_f *f, void *ctx)
{
	struct listing l = {f, ctx};
	struct netlink_request q;
	struct rtmsg *m = netlink_begin(&q, RTM_GETROUTE, NLM_F_DUMP, sizeof(*m));

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
	struct netlink_request q;
	struct ifinfomsg *m = netlink_begin(&q, RTM_GETLINK, 0, sizeof(*m));
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
	return netlink_neigh_find(nl, ifindex, AF_INET6, dst, out);
}

int netlink_neigh_find(struct netlink *nl, uint32_t ifindex, uint8_t family, const uint8_t dst[16],
		       struct netlink_neigh *out)
{
	struct netlink_event ev = {.type = NETLINK_EV_RESYNC_BEGIN};
	struct listing l = {keep_event, &ev};
	struct netlink_request q;
	struct ndmsg *m = netlink_begin(&q, RTM_GETNEIGH, 0, sizeof(*m));
	int rc;

	m->ndm_family = family;
	m->ndm_ifindex = (int)ifindex;
	mnl_attr_put(&q.h, NDA_DST, netlink_addr_len(family), dst);
	rc = netlink_talk(nl, &q.h, list_msg, &l, NULL);
	if (rc)
		return rc;
	if (ev.type != NETLINK_EV_NEIGH)
		return -ENOENT;
	*out = ev.neigh;
	return 0;
}

/* ---- Addresses, routes, neighbours ---- */

static int change_addr(struct netlink *nl, int type, int flags, const struct netlink_addr *a,
		       struct err *err)
{
	struct netlink_request q;
	struct ifaddrmsg *m = netlink_begin(&q, type, flags, sizeof(*m));

	m->ifa_family = a->family;
	m->ifa_prefixlen = a->prefix;
	m->ifa_index = a->ifindex;
	mnl_attr_put(&q.h, IFA_LOCAL, netlink_addr_len(a->family), a->addr);
	mnl_attr_put(&q.h, IFA_ADDRESS, netlink_addr_len(a->family), a->addr);
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

static int change_neigh(struct netlink *nl, int type, int flags, const struct netlink_neigh *n,
			struct err *err)
{
	struct netlink_request q;
	struct ndmsg *m = netlink_begin(&q, type, flags, sizeof(*m));

	m->ndm_family = n->family;
	m->ndm_ifindex = (int)n->ifindex;
	m->ndm_state = n->state;
	m->ndm_flags = n->flags;
	m->ndm_type = RTN_UNICAST;
	mnl_attr_put(&q.h, NDA_DST, netlink_addr_len(n->family), n->dst);
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
