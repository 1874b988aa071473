/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/node/links.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 16	 /* datagrams a system call */
#define BATCHES 8	 /* system calls a turn of the loop */
#define DATAGRAM 65536	 /* the longest there is */
#define RCVBUF (1 << 20) /* bytes; a burst of many neighbours' messages waits here */
#define HOP_LIMIT 255

/* From linux/in6.h, which does not go together with netinet/in.h. */
#ifndef IPV6_PMTUDISC_OMIT
#define IPV6_PMTUDISC_OMIT 5
#endif

struct links {
	int fd;
	uint16_t port;
	links_receive_fn *receive;
	void *ctx;
	uint32_t *joined; /* interface indices, n_joined of them */
	size_t n_joined;
	uint32_t overflow; /* the kernel's counter, as last seen */
	struct links_stats stats;
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_in6 from[BATCH];
	union {
		struct cmsghdr align;
		uint8_t bytes[256];
	} control[BATCH];
	uint8_t *data; /* BATCH * DATAGRAM */
};

/* What the kernel says about a datagram. */
struct info {
	int hop_limit;
	uint32_t ifindex;
	struct in6_addr to;
};

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

/* Path MTU is the link's: a forged Packet Too Big must not make us send small fragments. */
static int set_options(int fd)
{
	if (set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) != 0 ||
	    set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, HOP_LIMIT) != 0 ||
	    set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, HOP_LIMIT) != 0 ||
	    set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0) != 0 ||
	    set_int(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) != 0 ||
	    set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) != 0 ||
	    set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT) != 0 ||
	    set_int(fd, SOL_SOCKET, SO_RXQ_OVFL, 1) != 0)
		return -1;
	/* Without CAP_NET_ADMIN the kernel's limit applies, and that is fine. */
	if (set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, RCVBUF) != 0)
		set_int(fd, SOL_SOCKET, SO_RCVBUF, RCVBUF);
	return 0;
}

static int open_socket(uint16_t port, struct err *err)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);

	if (fd < 0 || set_options(fd) != 0) {
		err_set(err, -errno, "cannot open a UDP socket over IPv6: %s", strerror(errno));
		err_mend(err,
			 "this kernel must have IPv6, and net.ipv6.conf.all.disable_ipv6 be 0");
	} else if (bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0) {
		err_set(err, -errno, "cannot listen on UDP port %u: %s", port, strerror(errno));
		if (errno == EADDRINUSE)
			err_mend(err, "another program, perhaps another dep-kira, has that port; "
				      "stop it, or set "
				      "\"port\" in all nodes' configurations");
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

struct links *links_open(uint16_t port, links_receive_fn *receive, void *ctx, struct err *err)
{
	struct links *l = calloc(1, sizeof(*l));
	int i;

	if (l)
		l->data = malloc((size_t)BATCH * DATAGRAM);
	if (!l || !l->data) {
		free(l);
		err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	l->port = port;
	l->receive = receive;
	l->ctx = ctx;
	for (i = 0; i < BATCH; i++) {
		l->iov[i].iov_base = l->data + (size_t)i * DATAGRAM;
		l->iov[i].iov_len = DATAGRAM;
		l->msg[i].msg_hdr.msg_iov = &l->iov[i];
		l->msg[i].msg_hdr.msg_iovlen = 1;
		l->msg[i].msg_hdr.msg_name = &l->from[i];
		l->msg[i].msg_hdr.msg_control = l->control[i].bytes;
	}
	l->fd = open_socket(port, err);
	if (l->fd < 0) {
		links_close(l);
		return NULL;
	}
	return l;
}

void links_close(struct links *l)
{
	if (!l)
		return;
	if (l->fd >= 0)
		close(l->fd);
	free(l->joined);
	free(l->data);
	free(l);
}

/* Place of ifindex among the joined, or n_joined. */
static size_t find(const struct links *l, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < l->n_joined; i++)
		if (l->joined[i] == ifindex)
			break;
	return i;
}

static int membership(struct links *l, int option, uint32_t ifindex)
{
	struct ipv6_mreq group = {.ipv6mr_interface = ifindex};

	inet_pton(AF_INET6, "ff02::1", &group.ipv6mr_multiaddr);
	return setsockopt(l->fd, IPPROTO_IPV6, option, &group, sizeof(group)) == 0 ? 0 : -errno;
}

int links_join(struct links *l, uint32_t ifindex)
{
	uint32_t *more;
	int rc;

	if (find(l, ifindex) < l->n_joined)
		return 0;
	more = realloc(l->joined, (l->n_joined + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	l->joined = more;
	rc = membership(l, IPV6_ADD_MEMBERSHIP, ifindex);
	/* The membership of an interface that went down and came again is still there. */
	if (rc != 0 && rc != -EADDRINUSE)
		return rc;
	l->joined[l->n_joined++] = ifindex;
	return 0;
}

void links_leave(struct links *l, uint32_t ifindex)
{
	size_t i = find(l, ifindex);

	if (i == l->n_joined)
		return;
	l->joined[i] = l->joined[--l->n_joined];
	/* Where the interface is gone, so is the membership. */
	membership(l, IPV6_DROP_MEMBERSHIP, ifindex);
}

void links_send(struct links *l, uint32_t ifindex, const struct kira_addr *to, struct slice frame)
{
	struct sockaddr_in6 dest = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(l->port),
		.sin6_scope_id = ifindex,
	};

	if (to)
		memcpy(&dest.sin6_addr, to, sizeof(dest.sin6_addr));
	else
		inet_pton(AF_INET6, "ff02::1", &dest.sin6_addr);
	if (sendto(l->fd, frame.p, frame.n, 0, (struct sockaddr *)&dest, sizeof(dest)) < 0)
		l->stats.send_failed++;
	else
		l->stats.sent++;
}

int links_fd(const struct links *l)
{
	return l->fd;
}

const struct links_stats *links_stats(const struct links *l)
{
	return &l->stats;
}

static void read_info(struct links *l, struct msghdr *m, struct info *info)
{
	struct cmsghdr *c;
	struct in6_pktinfo pkt;
	uint32_t overflow;

	memset(info, 0, sizeof(*info));
	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT) {
			memcpy(&info->hop_limit, CMSG_DATA(c), sizeof(info->hop_limit));
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&pkt, CMSG_DATA(c), sizeof(pkt));
			info->ifindex = pkt.ipi6_ifindex;
			info->to = pkt.ipi6_addr;
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
			memcpy(&overflow, CMSG_DATA(c), sizeof(overflow));
			l->stats.overflow += overflow - l->overflow;
			l->overflow = overflow;
		}
	}
}

static void take(struct links *l, int i)
{
	struct mmsghdr *m = &l->msg[i];
	struct sockaddr_in6 *from = &l->from[i];
	struct kira_addr addr;
	struct info info;

	read_info(l, &m->msg_hdr, &info);
	if (info.hop_limit != HOP_LIMIT) {
		l->stats.hop_limit++;
	} else if (!IN6_IS_ADDR_LINKLOCAL(&from->sin6_addr)) {
		l->stats.source++;
	} else if (info.ifindex == 0 || from->sin6_scope_id != info.ifindex ||
		   !(IN6_IS_ADDR_LINKLOCAL(&info.to) || IN6_IS_ADDR_MC_LINKLOCAL(&info.to))) {
		l->stats.destination++;
	} else if (find(l, info.ifindex) == l->n_joined) {
		l->stats.unknown++;
	} else {
		l->stats.received++;
		memcpy(&addr, &from->sin6_addr, sizeof(addr));
		l->receive(l->ctx, info.ifindex, &addr, slice_of(l->iov[i].iov_base, m->msg_len));
	}
}

void links_read(struct links *l)
{
	int turn;
	int n;
	int i;

	for (turn = 0; turn < BATCHES; turn++) {
		for (i = 0; i < BATCH; i++) {
			l->msg[i].msg_hdr.msg_namelen = sizeof(l->from[i]);
			l->msg[i].msg_hdr.msg_controllen = sizeof(l->control[i]);
			l->msg[i].msg_hdr.msg_flags = 0;
		}
		n = recvmmsg(l->fd, l->msg, BATCH, MSG_DONTWAIT, NULL);
		for (i = 0; i < n; i++)
			take(l, i);
		if (n < BATCH)
			return;
	}
}
