/* SPDX-License-Identifier: BSD-2-Clause */
/* Listening to the kernel's changes. Losing some is normal under load; the socket then reports
 * ENOBUFS, and the answer is to throw away what is queued, which is older than what was lost, and
 * to read everything again. What comes during that reading is queued again and follows it. */
#include "base/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <sys/socket.h>

#define RECV_MAX 65536
#define READS_MAX 256
#define DRAIN_MAX 65536
#define QUEUE_BYTES (1 << 20)

struct netlink_events {
	struct mnl_socket *sock;
	struct netlink *ask;
	unsigned watch;
	bool stale; /* everything must be read again */
	char *in;   /* RECV_MAX bytes */
};

static unsigned groups(unsigned watch)
{
	unsigned g = 0;

	if (watch & NETLINK_WATCH_LINKS)
		g |= RTMGRP_LINK;
	if (watch & NETLINK_WATCH_ADDRS)
		g |= RTMGRP_IPV6_IFADDR;
	if (watch & NETLINK_WATCH_NEIGHS)
		g |= RTMGRP_NEIGH;
	if (watch & NETLINK_WATCH_ROUTES)
		g |= RTMGRP_IPV6_ROUTE;
	if (!(watch & NETLINK_WATCH_IPV4))
		return g;
	if (watch & NETLINK_WATCH_ADDRS)
		g |= RTMGRP_IPV4_IFADDR;
	if (watch & NETLINK_WATCH_ROUTES)
		g |= RTMGRP_IPV4_ROUTE;
	return g;
}

struct netlink_events *netlink_events_open(unsigned watch, struct err *err)
{
	struct netlink_events *e = calloc(1, sizeof(*e));
	int bytes = QUEUE_BYTES;

	if (!e)
		return err_set(err, -ENOMEM, "no memory for a netlink socket"), NULL;
	e->watch = watch;
	e->stale = true;
	e->in = malloc(RECV_MAX);
	e->ask = netlink_open(err);
	if (!e->in || !e->ask)
		goto fail;
	e->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!e->sock || mnl_socket_bind(e->sock, groups(watch), MNL_SOCKET_AUTOPID) < 0) {
		err_set(err, -errno, "cannot listen to the kernel's link events: %m");
		goto fail;
	}
	/* A longer queue is a wish: without it there are more resyncs. */
	setsockopt(mnl_socket_get_fd(e->sock), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return e;
fail:
	netlink_events_close(e);
	return NULL;
}

void netlink_events_close(struct netlink_events *e)
{
	if (!e)
		return;
	if (e->sock)
		mnl_socket_close(e->sock);
	netlink_close(e->ask);
	free(e->in);
	free(e);
}

int netlink_events_fd(const struct netlink_events *e)
{
	return mnl_socket_get_fd(e->sock);
}

void netlink_events_resync(struct netlink_events *e)
{
	e->stale = true;
}

/* Empties the queue; what comes faster than this is told by the next ENOBUFS. */
static void drain(struct netlink_events *e)
{
	int reads;

	for (reads = 0; reads < DRAIN_MAX; reads++)
		if (mnl_socket_recvfrom(e->sock, e->in, RECV_MAX) < 0 && errno == EAGAIN)
			return;
}

static int list_family(struct netlink_events *e, uint8_t family, netlink_f *f, void *ctx)
{
	int rc = 0;

	if (e->watch & NETLINK_WATCH_ADDRS)
		rc = netlink_addrs(e->ask, family, 0, f, ctx);
	if (rc == 0 && e->watch & NETLINK_WATCH_NEIGHS)
		rc = netlink_neighs(e->ask, family, 0, f, ctx);
	if (rc == 0 && e->watch & NETLINK_WATCH_ROUTES)
		rc = netlink_routes(e->ask, family, f, ctx);
	return rc;
}

static int list_all(struct netlink_events *e, netlink_f *f, void *ctx)
{
	struct netlink_event mark = {.type = NETLINK_EV_RESYNC_BEGIN};
	bool list = !(e->watch & NETLINK_WATCH_UNLISTED);
	int rc = 0;

	drain(e);
	f(ctx, &mark);
	if (list && e->watch & NETLINK_WATCH_LINKS)
		rc = netlink_links(e->ask, f, ctx);
	if (rc == 0 && list)
		rc = list_family(e, AF_INET6, f, ctx);
	if (rc == 0 && list && e->watch & NETLINK_WATCH_IPV4)
		rc = list_family(e, AF_INET, f, ctx);
	if (rc)
		return rc;
	mark.type = NETLINK_EV_RESYNC_END;
	f(ctx, &mark);
	e->stale = false;
	return 0;
}

int netlink_events_read(struct netlink_events *e, netlink_f *f, void *ctx)
{
	int reads;

	for (reads = 0; reads < READS_MAX; reads++) {
		ssize_t n;
		int rc;

		if (e->stale) {
			rc = list_all(e, f, ctx);
			if (rc)
				return rc;
		}
		n = mnl_socket_recvfrom(e->sock, e->in, RECV_MAX);
		if (n >= 0) {
			netlink_parse(slice_of(e->in, (size_t)n), f, ctx);
			continue;
		}
		if (errno == EAGAIN)
			return 0;
		if (errno == EINTR)
			continue;
		/* ENOBUFS: some were lost. ENOSPC: libmnl's word for one that was cut. */
		if (errno != ENOBUFS && errno != ENOSPC)
			return -errno;
		e->stale = true;
	}
	return 0;
}
