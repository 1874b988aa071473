/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of base/netlink share: the socket, and requests under construction. */
#ifndef DEP_NETLINK_PRIV_H
#define DEP_NETLINK_PRIV_H

#include "base/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <string.h>
#include <sys/socket.h>

#define RECV_MAX 65536
#define REQUEST_MAX 8192
#define DUMP_TRIES 5

struct netlink {
	struct mnl_socket *sock;
	uint32_t seq;
	unsigned port;
	char *in; /* RECV_MAX bytes */
};

struct netlink_request {
	union {
		struct nlmsghdr h;
		char bytes[REQUEST_MAX];
	};
};

/* Begins a request with a zeroed fixed part of n bytes, and returns that part. */
void *netlink_begin(struct netlink_request *q, int type, int flags, size_t n);
/* The code in an NLMSG_ERROR or NLMSG_DONE, and the kernel's text or NULL. */
int netlink_answer(const struct nlmsghdr *h, const char **text);
/* Makes the message of a route: flags as netlink_batch_route(). */
void netlink_put_route(struct netlink_request *q, const struct netlink_route *r, int flags);

static inline size_t netlink_addr_len(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

#endif
