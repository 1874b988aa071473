/* SPDX-License-Identifier: BSD-2-Clause */
/* Against the real kernel: chains of namespaces. */
#include "proto/kira/dataplane_chain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static bool root;

#define NEEDS_ROOT()                                                                               \
	do {                                                                                       \
		if (!root)                                                                         \
			skip();                                                                    \
	} while (0)

static struct sockaddr_in6 address(const struct kira_addr *a, uint16_t port)
{
	struct sockaddr_in6 s = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	memcpy(&s.sin6_addr, a, 16);
	return s;
}

static void open_chain(struct chain *c, unsigned n, enum dataplane_kind kind)
{
	struct err err = {0};

	assert_int_equal(chain_new(c, n), 0);
	if (chain_open_all(c, kind, &err)) {
		err_print(&err, "dataplane", stderr);
		fail();
	}
}

struct echo {
	bool came;
	int hop_limit; /* of the reply */
	int type;      /* of what came */
	int code;
	uint32_t value; /* MTU of a Packet Too Big */
	struct kira_addr from;
};

/* What an ICMPv6 socket gets: the reply to our echo, or an error about it. */
static bool take_reply(int fd, uint16_t seq, struct echo *e)
{
	uint8_t in[2048];
	uint8_t control[64];
	struct sockaddr_in6 from;
	struct iovec iov = {in, sizeof(in)};
	struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1,
			   .msg_control = control, .msg_controllen = sizeof(control)};
	const struct icmp6_hdr *h = (const void *)in;
	ssize_t n = recvmsg(fd, &m, 0);
	const struct icmp6_hdr *about = h;

	if (n < (ssize_t)sizeof(*h))
		return false;
	if (h->icmp6_type < 128) {
		if (n < 8 + 40 + 8)
			return false;
		about = (const void *)(in + 48);
	} else if (h->icmp6_type != ICMP6_ECHO_REPLY) {
		return false;
	}
	if (about->icmp6_seq != htons(seq))
		return false;
	e->came = true;
	e->type = h->icmp6_type;
	e->code = h->icmp6_code;
	e->value = ntohl(h->icmp6_mtu);
	memcpy(&e->from, &from.sin6_addr, 16);
	if (CMSG_FIRSTHDR(&m))
		memcpy(&e->hop_limit, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return true;
}

/* An echo request of `size` bytes of IPv6 packet from a node to an address, and what comes back within a second. */
static struct echo ping_addr(struct chain *c, unsigned from, const struct kira_addr *to, size_t size, int hop_limit)
{
	static uint16_t seq;
	int fd = chain_socket(c, from, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	struct sockaddr_in6 dest = address(to, 0);
	uint8_t out[2048] = {ICMP6_ECHO_REQUEST};
	struct icmp6_hdr *h = (void *)out;
	struct echo e = {0};
	int on = 1;
	int dont = IPV6_PMTUDISC_PROBE;
	usec_t until = clock_now() + SEC(1);

	assert_true(fd >= 0);
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hop_limit, sizeof(hop_limit));
	/* Neither fragments nor what the kernel remembers of a path. */
	setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &dont, sizeof(dont));
	setsockopt(fd, IPPROTO_IPV6, IPV6_DONTFRAG, &on, sizeof(on));
	h->icmp6_id = htons(77);
	h->icmp6_seq = htons(++seq);
	if (sendto(fd, out, size - 40, 0, (struct sockaddr *)&dest, sizeof(dest)) < 0) {
		e.type = -errno;
		close(fd);
		return e;
	}
	while (!e.came && clock_now() < until)
		if (chain_pump(c, fd, 100))
			take_reply(fd, seq, &e);
	close(fd);
	return e;
}

static struct echo ping(struct chain *c, unsigned from, unsigned to, size_t size, int hop_limit)
{
	return ping_addr(c, from, &c->node[to].addr, size, hop_limit);
}

static void all_reach_all(struct chain *c)
{
	unsigned i;
	unsigned j;

	for (i = 0; i < c->n; i++)
		for (j = 0; j < c->n; j++) {
			struct echo e = ping(c, i, j, 100, 64);

			if (!e.came || e.type != ICMP6_ECHO_REPLY)
				fail_msg("no echo from %u to %u: type %d", i, j, e.type);
		}
}

static void reach(enum dataplane_kind kind)
{
	struct chain c;
	struct dataplane_stats s;

	open_chain(&c, 5, kind);
	assert_int_equal(dataplane_kind(c.node[0].dp), kind);
	all_reach_all(&c);
	assert_int_equal(dataplane_stats(c.node[2].dp, &s), 0);
	assert_true(s.relabelled > 0);
	assert_true(s.encapsulated > 0);
	assert_true(s.decapsulated > 0);
	assert_true(s.plain > 0);
	assert_int_equal(s.no_entry + s.hop_limit + s.refused, 0);
	chain_free(&c);
}

static void test_reach_bpf(void **state)
{
	NEEDS_ROOT();
	reach(DATAPLANE_BPF);
}

static void test_reach_tun(void **state)
{
	NEEDS_ROOT();
	reach(DATAPLANE_TUN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reach_bpf),
		cmocka_unit_test(test_reach_tun),
	};
	struct chain probe;
	int rc = chain_new(&probe, 1);

	root = rc == 0;
	if (!root)
		print_message("needs root: a network namespace cannot be made (%s)\n", strerror(-rc));
	else
		chain_free(&probe);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
