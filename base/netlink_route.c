/* SPDX-License-Identifier: BSD-2-Clause */
/* Routes: asked for, made, removed, one at a time or many. */
#include "base/netlink_priv.h"

#include <stdlib.h>

/* ---- Reading ---- */

static void keep_route(void *ctx, const struct netlink_event *ev)
{
	if (ev->type == NETLINK_EV_ROUTE)
		*(struct netlink_route *)ctx = ev->route;
}

static void on_route(void *ctx, const struct nlmsghdr *h)
{
	netlink_parse(slice_of(h, h->nlmsg_len), keep_route, ctx);
}

int netlink_route_find(struct netlink *nl, uint8_t family, const uint8_t *dst, const uint8_t *from,
		       uint32_t ifindex, bool entry, struct netlink_route *out)
{
	struct netlink_request q;
	struct rtmsg *m = netlink_begin(&q, RTM_GETROUTE, 0, sizeof(*m));
	int rc;

	m->rtm_family = family;
	m->rtm_dst_len = (uint8_t)(netlink_addr_len(family) * 8);
	m->rtm_flags = (entry ? RTM_F_FIB_MATCH : 0) | (family == AF_INET ? RTM_F_LOOKUP_TABLE : 0);
	mnl_attr_put(&q.h, RTA_DST, netlink_addr_len(family), dst);
	if (from) {
		m->rtm_src_len = m->rtm_dst_len;
		mnl_attr_put(&q.h, RTA_SRC, netlink_addr_len(family), from);
	}
	if (ifindex)
		mnl_attr_put_u32(&q.h, RTA_OIF, ifindex);
	*out = (struct netlink_route){0};
	rc = netlink_talk(nl, &q.h, on_route, out, NULL);
	if (rc)
		return rc;
	return out->family ? 0 : -ENETUNREACH;
}

int netlink_route_get(struct netlink *nl, const uint8_t dst[16], struct netlink_route *out)
{
	return netlink_route_find(nl, AF_INET6, dst, NULL, 0, false, out);
}

struct some {
	const struct netlink_route_filter *only;
	void (*f)(void *ctx, const struct netlink_route *r, const struct nlmsghdr *raw);
	void *ctx;
};

static bool goes_by(const struct netlink_route *r, uint32_t ifindex)
{
	unsigned i;

	for (i = 0; i < r->n_hops && i < NETLINK_HOPS_MAX; i++)
		if (r->hop[i].ifindex == ifindex)
			return true;
	return r->ifindex == ifindex;
}

static void on_some(void *ctx, const struct nlmsghdr *h)
{
	const struct some *s = ctx;
	struct netlink_route r = {0};

	on_route(&r, h);
	if (!r.family || (s->only->proto && r.proto != s->only->proto) ||
	    (s->only->table && r.table != s->only->table) ||
	    (s->only->ifindex && !goes_by(&r, s->only->ifindex)))
		return;
	s->f(s->ctx, &r, h);
}

int netlink_routes_some(struct netlink *nl, const struct netlink_route_filter *only,
			void (*f)(void *ctx, const struct netlink_route *r,
				  const struct nlmsghdr *raw),
			void *ctx)
{
	struct some s = {only, f, ctx};
	struct netlink_request q;
	struct rtmsg *m = netlink_begin(&q, RTM_GETROUTE, NLM_F_DUMP, sizeof(*m));
	int rc;

	m->rtm_family = only->family;
	m->rtm_protocol = only->proto;
	if (only->table)
		mnl_attr_put_u32(&q.h, RTA_TABLE, only->table);
	if (only->ifindex)
		mnl_attr_put_u32(&q.h, RTA_OIF, only->ifindex);
	rc = netlink_talk(nl, &q.h, on_some, &s, NULL);
	/* A table that nobody has used yet. */
	return rc == -ENOENT && only->table ? 0 : rc;
}

/* ---- Changing ---- */

static void put_hops(struct nlmsghdr *h, const struct netlink_route *r)
{
	uint8_t family = r->family ? r->family : AF_INET6;
	struct nlattr *all = mnl_attr_nest_start(h, RTA_MULTIPATH);
	unsigned i;

	for (i = 0; i < r->n_hops && i < NETLINK_HOPS_MAX; i++) {
		const struct netlink_hop *hop = &r->hop[i];
		struct rtnexthop *nh = mnl_nlmsg_put_extra_header(h, sizeof(*nh));

		nh->rtnh_flags = hop->flags & RTNH_F_ONLINK;
		nh->rtnh_hops = (uint8_t)(hop->weight ? hop->weight - 1 : 0);
		nh->rtnh_ifindex = (int)hop->ifindex;
		if (hop->has_via)
			mnl_attr_put(h, RTA_GATEWAY, netlink_addr_len(family), hop->via);
		nh->rtnh_len = (uint16_t)((char *)mnl_nlmsg_get_payload_tail(h) - (char *)nh);
	}
	mnl_attr_nest_end(h, all);
}

static uint8_t scope_of(const struct netlink_route *r, bool remove)
{
	if (r->family == 0 || r->family == AF_INET6)
		return RT_SCOPE_UNIVERSE;
	if (remove)
		return RT_SCOPE_NOWHERE; /* any */
	if (r->type == RTN_UNICAST || r->type == 0)
		return r->has_via || r->n_hops ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	return RT_SCOPE_UNIVERSE;
}

void netlink_put_route(struct netlink_request *q, const struct netlink_route *r, int flags)
{
	uint8_t family = r->family ? r->family : AF_INET6;
	uint32_t table = r->table ? r->table : RT_TABLE_MAIN;
	bool remove = flags < 0;
	struct nlattr *metrics;
	struct rtmsg *m = netlink_begin(q, remove ? RTM_DELROUTE : RTM_NEWROUTE,
					remove ? 0 : flags, sizeof(*m));

	m->rtm_family = family;
	m->rtm_dst_len = r->prefix;
	m->rtm_protocol = r->proto ? r->proto : RTPROT_STATIC;
	m->rtm_type = r->type ? r->type : RTN_UNICAST;
	m->rtm_table = (uint8_t)(table < 256 ? table : RT_TABLE_UNSPEC);
	m->rtm_scope = scope_of(r, remove);
	m->rtm_flags = r->flags & RTNH_F_ONLINK;
	mnl_attr_put_u32(&q->h, RTA_TABLE, table);
	if (r->prefix)
		mnl_attr_put(&q->h, RTA_DST, netlink_addr_len(family), r->dst);
	if (r->ifindex)
		mnl_attr_put_u32(&q->h, RTA_OIF, r->ifindex);
	if (r->has_via)
		mnl_attr_put(&q->h, RTA_GATEWAY, netlink_addr_len(family), r->via);
	if (r->metric)
		mnl_attr_put_u32(&q->h, RTA_PRIORITY, r->metric);
	if (remove)
		return;
	if (r->has_src)
		mnl_attr_put(&q->h, RTA_PREFSRC, netlink_addr_len(family), r->src);
	if (r->n_hops)
		put_hops(&q->h, r);
	if (r->mtu) {
		metrics = mnl_attr_nest_start(&q->h, RTA_METRICS);
		if (!r->mtu_unlocked)
			mnl_attr_put_u32(&q->h, RTAX_LOCK, 1u << RTAX_MTU);
		mnl_attr_put_u32(&q->h, RTAX_MTU, r->mtu);
		mnl_attr_nest_end(&q->h, metrics);
	}
}

int netlink_route_set(struct netlink *nl, const struct netlink_route *r, struct err *err)
{
	struct netlink_request q;
	int rc;

	netlink_put_route(&q, r, NLM_F_CREATE | NLM_F_REPLACE);
	rc = netlink_talk(nl, &q.h, NULL, NULL, err);
	if (rc)
		err_where(err, "route");
	return rc;
}

int netlink_route_del(struct netlink *nl, const struct netlink_route *r, struct err *err)
{
	struct netlink_request q;
	int rc;

	netlink_put_route(&q, r, -1);
	rc = netlink_talk(nl, &q.h, NULL, NULL, err);
	return rc == -ESRCH || rc == -ENODEV ? 0 : rc;
}

/* ---- Many ---- */

#define BATCH_BYTES 32768
#define BATCH_MESSAGES 128 /* whose errors fit into the socket's queue, were they all to fail */

struct netlink_batch {
	struct netlink *nl;
	void (*failed)(void *ctx, uint32_t tag, int code, const char *text);
	void *ctx;
	unsigned count;
	size_t n;
	struct nlmsghdr *last;
	uint32_t tag[BATCH_MESSAGES];
	uint32_t seq[BATCH_MESSAGES]; /* with gaps, where other requests come between */
	_Alignas(struct nlmsghdr) char bytes[BATCH_BYTES];
};

struct netlink_batch *netlink_batch_new(struct netlink *nl,
					void (*failed)(void *ctx, uint32_t tag, int code,
						       const char *text),
					void *ctx)
{
	struct netlink_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->nl = nl;
	b->failed = failed;
	b->ctx = ctx;
	return b;
}

void netlink_batch_free(struct netlink_batch *b)
{
	free(b);
}

int netlink_batch_message(struct netlink_batch *b, const struct nlmsghdr *h, uint32_t tag)
{
	size_t n = NLMSG_ALIGN(h->nlmsg_len);
	int rc;

	if (h->nlmsg_len > REQUEST_MAX)
		return -E2BIG;
	if (b->count == BATCH_MESSAGES || b->n + n > BATCH_BYTES) {
		rc = netlink_batch_flush(b);
		if (rc)
			return rc;
	}
	b->last = (struct nlmsghdr *)(b->bytes + b->n);
	memcpy(b->last, h, h->nlmsg_len);
	b->last->nlmsg_flags |= NLM_F_REQUEST;
	b->last->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
	b->last->nlmsg_seq = ++b->nl->seq;
	b->last->nlmsg_pid = b->nl->port;
	b->seq[b->count] = b->last->nlmsg_seq;
	b->tag[b->count++] = tag;
	b->n += n;
	return 0;
}

int netlink_batch_route(struct netlink_batch *b, const struct netlink_route *r, int flags,
			uint32_t tag)
{
	struct netlink_request q;

	netlink_put_route(&q, r, flags);
	return netlink_batch_message(b, &q.h, tag);
}

/* One datagram. Returns true where it answers the last message. */
static bool take_answers(struct netlink_batch *b, unsigned count, int n)
{
	const struct nlmsghdr *h = (const void *)b->nl->in;
	bool ended = false;
	const char *text;
	unsigned i;
	int code;

	for (; mnl_nlmsg_ok(h, n); h = mnl_nlmsg_next(h, &n)) {
		if (h->nlmsg_pid != b->nl->port || h->nlmsg_type != NLMSG_ERROR)
			continue;
		for (i = 0; i < count && b->seq[i] != h->nlmsg_seq; i++)
			;
		if (i == count)
			continue;
		code = netlink_answer(h, &text);
		if (code)
			b->failed(b->ctx, b->tag[i], code, text);
		ended = ended || i == count - 1;
	}
	return ended;
}

int netlink_batch_flush(struct netlink_batch *b)
{
	unsigned count = b->count;
	size_t bytes = b->n;
	ssize_t n;

	if (count == 0)
		return 0;
	b->count = 0;
	b->n = 0;
	b->last->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(b->nl->sock, b->bytes, bytes) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(b->nl->sock, b->nl->in, RECV_MAX);
		if (n < 0 && errno != EINTR)
			return -errno;
	} while (n < 0 || !take_answers(b, count, (int)n));
	return 0;
}
