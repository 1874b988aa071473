/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether somebody else changed what is ours: the kernel's changes that no step of ours made. Only
 * suspicions are told (notification foreign-change), at most ten a second; what differs is found by
 * a dry run. */
#include "base/hash.h"
#include "base/log.h"
#include "proto/netops/sys/sys.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOLD MSEC(100)
#define DATAGRAM 65536
#define DATAGRAMS 256 /* in a row */
#define TABLE "depanneur"

void foreign_suspect(struct sys *s)
{
	if (!s->own_change)
		s->suspected = true;
}

usec_t foreign_tick(struct sys *s, usec_t now)
{
	if (!s->suspected)
		return USEC_NEVER;
	if (s->suspect_due > now)
		return s->suspect_due;
	s->suspected = false;
	s->suspect_due = now + HOLD;
	if (counter_listened(s->counter))
		counter_event(s->counter, "foreign-change", NULL, NULL);
	return USEC_NEVER;
}

/* ---- Links: what a configuration says of them ---- */

void foreign_link(struct sys *s, struct sys_name *n, const struct netlink_link *l, bool gone)
{
	uint32_t alias = hash_bytes(l->alias, strlen(l->alias), 0);
	bool up = l->flags & IFF_UP;

	if (gone || n->mtu != l->mtu || n->master != l->master || n->up != up || n->alias != alias)
		foreign_suspect(s);
	n->mtu = l->mtu;
	n->master = l->master;
	n->up = up;
	n->alias = alias;
}

void foreign_event(struct sys *s, const struct netlink_event *ev)
{
	switch (ev->type) {
	case NETLINK_EV_ADDR:
		if (ev->gone && ev->addr.proto == STEP_PROTOCOL)
			foreign_suspect(s);
		break;
	case NETLINK_EV_NEIGH:
		if (ev->neigh.state & NUD_PERMANENT ||
		    (ev->gone && ev->neigh.proto == STEP_PROTOCOL))
			foreign_suspect(s);
		break;
	case NETLINK_EV_ROUTE:
		/* One that replaces another may have replaced ours. */
		if (ev->route.proto == STEP_PROTOCOL || ev->replaced)
			foreign_suspect(s);
		break;
	case NETLINK_EV_RESYNC_END:
		s->suspected = true;
		break;
	default:
		break;
	}
}

/* ---- Filters: the table's name is the first attribute of all of nf_tables' messages ---- */

static bool is_table(const struct nlmsghdr *h)
{
	const struct nfgenmsg *g = NLMSG_DATA(h);
	const struct nlattr *a = (const void *)((const char *)g + NLMSG_ALIGN(sizeof(*g)));
	size_t left =
		h->nlmsg_len > NLMSG_SPACE(sizeof(*g)) ? h->nlmsg_len - NLMSG_SPACE(sizeof(*g)) : 0;
	size_t n = sizeof(TABLE);

	if (NFNL_SUBSYS_ID(h->nlmsg_type) != NFNL_SUBSYS_NFTABLES ||
	    h->nlmsg_len < NLMSG_SPACE(sizeof(*g)))
		return false;
	return g->nfgen_family == NFPROTO_INET && left >= NLA_HDRLEN + n &&
	       (a->nla_type & NLA_TYPE_MASK) == 1 && a->nla_len == NLA_HDRLEN + n &&
	       memcmp((const char *)a + NLA_HDRLEN, TABLE, n) == 0;
}

static void read_filters(struct sys *s)
{
	static _Alignas(struct nlmsghdr) char in[DATAGRAM];
	const struct nlmsghdr *h;
	ssize_t got;
	int i;

	for (i = 0; i < DATAGRAMS; i++) {
		got = recv(s->nft_fd, in, sizeof(in), MSG_DONTWAIT);
		if (got < 0 && errno == ENOBUFS)
			s->suspected = true;
		else if (got < 0)
			return;
		for (h = (const void *)in; got > 0 && NLMSG_OK(h, (size_t)got);
		     h = NLMSG_NEXT(h, got)) {
			if (is_table(h))
				foreign_suspect(s);
		}
	}
}

static void on_filters(uv_poll_t *poll, int status, int what)
{
	struct sys *s = poll->data;

	read_filters(s);
	/* As in watch.c. */
	if (status < 0)
		uv_poll_start(poll, UV_READABLE, on_filters);
	sys_settle(s);
}

static bool waits(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return fd >= 0 && poll(&p, 1, 0) > 0;
}

/* Reads what the kernel has told so far. */
static void drain(struct sys *s)
{
	int i;

	for (i = 0; i < 1000 && waits(netlink_events_fd(s->watch)); i++)
		watch_read(s);
	for (i = 0; i < 1000 && waits(s->nft_fd); i++)
		read_filters(s);
}

void foreign_own_begin(struct sys *s)
{
	if (s->polling)
		drain(s);
	s->own_change = true;
}

void foreign_own_end(struct sys *s)
{
	if (s->polling)
		drain(s);
	s->own_change = false;
	sys_settle(s);
}

/* ---- Life ---- */

void foreign_open(struct sys *s)
{
	struct sockaddr_nl at = {.nl_family = AF_NETLINK};
	int group = NFNLGRP_NFTABLES;
	int bytes = 1 << 20;

	s->nft_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (s->nft_fd < 0)
		return;
	setsockopt(s->nft_fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (bind(s->nft_fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
	    setsockopt(s->nft_fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) == 0)
		return;
	log_warning("changes of filters by others are not seen",
		    LOG_TEXT("reason", strerror(errno)));
	close(s->nft_fd);
	s->nft_fd = -1;
}

int foreign_start(struct sys *s)
{
	int rc = s->nft_fd >= 0 ? uv_poll_init(&s->loop, &s->nft_poll, s->nft_fd) : 0;

	if (rc || s->nft_fd < 0)
		return rc;
	s->nft_poll.data = s;
	s->nft_polling = true;
	return uv_poll_start(&s->nft_poll, UV_READABLE, on_filters);
}

void foreign_close(struct sys *s)
{
	if (s->nft_polling) {
		uv_poll_stop(&s->nft_poll);
		uv_close((uv_handle_t *)&s->nft_poll, NULL);
	}
	s->nft_polling = false;
	if (s->nft_fd > 0)
		close(s->nft_fd);
	s->nft_fd = -1;
}
