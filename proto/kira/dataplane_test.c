/* SPDX-License-Identifier: BSD-2-Clause */
/* Against the real kernel: chains of namespaces. */
#include "proto/kira/dataplane_chain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <signal.h>
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
	struct msghdr m = {.msg_name = &from,
			   .msg_namelen = sizeof(from),
			   .msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
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

/* An echo request of `size` bytes of IPv6 packet from a node to an address, and what comes back
 * within a second. */
static struct echo ping_addr(struct chain *c, unsigned from, const struct kira_addr *to,
			     size_t size, int hop_limit)
{
	static uint16_t seq;
	int fd = chain_socket(c, from, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	struct sockaddr_in6 dest = address(to, 0);
	uint8_t out[2048] = {ICMP6_ECHO_REQUEST};
	struct icmp6_hdr *h = (void *)out;
	struct echo e = {0};
	int on = 1;
	int dont = IPV6_PMTUDISC_DO;
	usec_t until = clock_now() + SEC(1);

	assert_true(fd >= 0);
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hop_limit, sizeof(hop_limit));
	/* No fragments. */
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

static void test_reach_mixed(void **state)
{
	struct chain c;
	unsigned i;

	NEEDS_ROOT();
	assert_int_equal(chain_new(&c, 5), 0);
	for (i = 0; i < c.n; i++)
		assert_int_equal(chain_open(&c, i, i % 2 ? DATAPLANE_TUN : DATAPLANE_BPF, NULL), 0);
	all_reach_all(&c);
	chain_free(&c);
}

static void set_node(struct chain *c, unsigned at, const struct kira_id *dest,
		     const struct kira_fwd *to)
{
	chain_enter(c, at);
	assert_int_equal(dataplane_set_node(c->node[at].dp, dest, KIRA_ID_BITS, to), 0);
	chain_home(c);
}

/* 0 knows of 3 only that it lies behind 2, and 3 of 0 that it lies behind 1: one overlay hop each
 * way. */
static void hop_limits(enum dataplane_kind kind)
{
	struct chain c;
	struct kira_fwd to;
	struct echo e;

	open_chain(&c, 4, kind);
	e = ping(&c, 0, 3, 100, 64);
	assert_int_equal(e.hop_limit, 64); /* no overlay hop */
	to = chain_fwd(&c, 0, 2);
	set_node(&c, 0, &c.node[3].id, &to);
	to = chain_fwd(&c, 3, 1);
	set_node(&c, 3, &c.node[0].id, &to);
	e = ping(&c, 0, 3, 100, 64);
	assert_int_equal(e.type, ICMP6_ECHO_REPLY);
	assert_int_equal(e.hop_limit, 63);
	e = ping(&c, 0, 3, 100, 2);
	assert_int_equal(e.type, ICMP6_ECHO_REPLY);
	e = ping(&c, 0, 3, 100, 1);
	assert_int_equal(e.type, ICMP6_TIME_EXCEEDED);
	assert_memory_equal(&e.from, &c.node[2].addr, 16);
	chain_free(&c);
}

static void test_hop_limits(void **state)
{
	NEEDS_ROOT();
	hop_limits(DATAPLANE_BPF);
	hop_limits(DATAPLANE_TUN);
}

static void no_route(enum dataplane_kind kind)
{
	struct kira_fwd none = {.kind = KIRA_FWD_UNREACHABLE};
	struct kira_id lost = {{0x77, [13] = 7}};
	struct kira_addr lost_addr = kira_id_addr(0xfc00, &lost);
	struct dataplane_stats s;
	struct kira_fwd to;
	struct chain c;
	struct echo e;
	unsigned i;

	open_chain(&c, 4, kind);
	/* No entry at all: the node itself says so, and asks its core. */
	e = ping_addr(&c, 0, &lost_addr, 100, 64);
	assert_int_equal(e.type, ICMP6_DST_UNREACH);
	assert_int_equal(e.code, ICMP6_DST_UNREACH_ADDR);
	assert_memory_equal(&e.from, &c.node[0].addr, 16);
	assert_int_equal(c.misses, 1);
	assert_memory_equal(&c.missed, &lost, sizeof(lost));
	/* An overlay hop that is the nearest to it says so. */
	to = chain_fwd(&c, 0, 2);
	set_node(&c, 0, &lost, &to);
	set_node(&c, 2, &lost, &none);
	e = ping_addr(&c, 0, &lost_addr, 100, 64);
	assert_int_equal(e.type, ICMP6_DST_UNREACH);
	assert_int_equal(e.code, ICMP6_DST_UNREACH_ADDR);
	assert_memory_equal(&e.from, &c.node[2].addr, 16);
	assert_int_equal(dataplane_stats(c.node[2].dp, &s), 0);
	assert_int_equal(s.no_entry, 1);
	/* Misses are told at most 10 times a second, errors sent 100 times. */
	c.misses = 0;
	to.kind = KIRA_FWD_NONE;
	set_node(&c, 0, &lost, &to);
	for (i = 0; i < 15; i++)
		e = ping_addr(&c, 0, &lost_addr, 100, 64);
	assert_true(c.misses >= 1 && c.misses <= 20);
	chain_free(&c);
}

static void test_unreachable(void **state)
{
	NEEDS_ROOT();
	no_route(DATAPLANE_BPF);
	no_route(DATAPLANE_TUN);
}

static void narrow(struct chain *c, unsigned i, unsigned side, uint32_t mtu)
{
	struct chain_node *n = &c->node[i];

	chain_enter(c, i);
	assert_int_equal(netlink_link_mtu(n->nl, n->link[side], mtu, NULL), 0);
	assert_int_equal(dataplane_link_up(n->dp, n->link[side], NULL), 0);
	chain_home(c);
}

static void packet_too_big(enum dataplane_kind kind)
{
	struct chain c;
	struct echo e;

	open_chain(&c, 4, kind);
	/* Room for two encapsulations on the own links. */
	e = ping(&c, 0, 3, 1412, 64);
	assert_int_equal(e.type, ICMP6_ECHO_REPLY);
	e = ping(&c, 0, 3, 1413, 64);
	assert_int_equal(e.type, -EMSGSIZE);
	/* A narrower link further on. */
	narrow(&c, 1, 1, 1400);
	narrow(&c, 2, 0, 1400);
	e = ping(&c, 0, 3, 1357, 64);
	assert_int_equal(e.type, ICMP6_PACKET_TOO_BIG);
	assert_int_equal(e.value, 1400 - 44);
	assert_memory_equal(&e.from, &c.node[1].addr, 16);
	e = ping(&c, 0, 3, 1300, 64);
	assert_int_equal(e.type, ICMP6_ECHO_REPLY);
	/* Too narrow to be a KIRA link at all. */
	chain_enter(&c, 1);
	assert_int_equal(netlink_link_mtu(c.node[1].nl, c.node[1].link[1], 1367, NULL), 0);
	assert_int_equal(dataplane_link_up(c.node[1].dp, c.node[1].link[1], NULL), -EMSGSIZE);
	chain_home(&c);
	chain_free(&c);
}

static void test_packet_too_big(void **state)
{
	NEEDS_ROOT();
	packet_too_big(DATAPLANE_BPF);
	packet_too_big(DATAPLANE_TUN);
}

/* ---- What is on the wire ---- */

static int capture(struct chain *c, unsigned node, unsigned side)
{
	struct sockaddr_ll ll = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd = chain_socket(c, node, AF_PACKET, SOCK_DGRAM, 0);

	ll.sll_ifindex = (int)c->node[node].link[side];
	assert_int_equal(bind(fd, (struct sockaddr *)&ll, sizeof(ll)), 0);
	return fd;
}

/* The next packet with the next header `nh` to the path or node address given. */
static size_t captured(int fd, uint8_t nh, const struct kira_addr *dst, uint8_t *p, size_t cap)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	ssize_t n;

	while (poll(&poll_fd, 1, 200) == 1) {
		n = recv(fd, p, cap, 0);
		if (n >= 40 && p[0] >> 4 == 6 && p[6] == nh && memcmp(p + 24, dst, 16) == 0)
			return (size_t)n;
	}
	return 0;
}

/* The 44 bytes of spec §2.19, from the identifiers alone. */
static void expect_outer(const uint8_t *p, size_t inner, uint8_t hop_limit,
			 const struct kira_addr *src, const struct kira_id *path)
{
	uint8_t want[44] = {0x60, [6] = 47, hop_limit};
	struct kira_addr dst = kira_id_addr(0xfcaa, path);
	size_t n = inner + 4;

	want[4] = (uint8_t)(n >> 8);
	want[5] = (uint8_t)n;
	memcpy(want + 8, src, 16);
	memcpy(want + 24, &dst, 16);
	want[42] = 0x86;
	want[43] = 0xdd;
	assert_memory_equal(p, want, sizeof(want));
}

static void on_the_wire(enum dataplane_kind kind)
{
	struct chain c;
	struct kira_id path;
	struct kira_addr dst;
	uint8_t p[2048];
	int fd[3];
	unsigned i;

	open_chain(&c, 4, kind);
	for (i = 0; i < 3; i++)
		fd[i] = capture(&c, i, 1);
	assert_int_equal(ping(&c, 0, 3, 100, 64).type, ICMP6_ECHO_REPLY);
	for (i = 0; i < 3; i++) {
		/* The remaining path names the packet: H(1,2,3), H(2,3), H(3). */
		path = chain_path_id(&c, i + 1, 3);
		dst = kira_id_addr(0xfcaa, &path);
		assert_int_equal(captured(fd[i], 47, &dst, p, sizeof(p)), 144);
		expect_outer(p, 100, (uint8_t)(64 - i), &c.node[0].addr, &path);
		assert_int_equal(p[44 + 7], 64);
		assert_memory_equal(p + 44 + 8, &c.node[0].addr, 16);
		assert_memory_equal(p + 44 + 24, &c.node[3].addr, 16);
		close(fd[i]);
	}
	chain_free(&c);
}

static void test_wire(void **state)
{
	NEEDS_ROOT();
	on_the_wire(DATAPLANE_BPF);
	on_the_wire(DATAPLANE_TUN);
}

/* At 0: the label of a path known further on, and another path to there. */
static struct kira_fwd around(const struct chain *c, unsigned at, unsigned meet, unsigned dest)
{
	struct kira_fwd to = chain_fwd(c, at, dest);

	to.bypass = true;
	to.outer = chain_path_id(c, at + 1, meet);
	to.label = chain_path_id(c, meet, dest);
	return to;
}

static void bypass(enum dataplane_kind kind)
{
	struct kira_id outer;
	struct kira_id in;
	struct kira_addr dst;
	struct dataplane_stats s;
	struct kira_fwd to;
	struct chain c;
	uint8_t p[2048];
	int fd;

	open_chain(&c, 5, kind);
	/* At the source: twice in GRE until 2. */
	to = around(&c, 0, 2, 4);
	set_node(&c, 0, &c.node[4].id, &to);
	fd = capture(&c, 0, 1);
	assert_int_equal(ping(&c, 0, 4, 100, 64).type, ICMP6_ECHO_REPLY);
	outer = chain_path_id(&c, 1, 2);
	dst = kira_id_addr(0xfcaa, &outer);
	assert_int_equal(captured(fd, 47, &dst, p, sizeof(p)), 188);
	expect_outer(p, 144, 64, &c.node[0].addr, &outer);
	in = chain_path_id(&c, 2, 4);
	expect_outer(p + 44, 100, 64, &c.node[0].addr, &in);
	/* A full packet still fits. */
	assert_int_equal(ping(&c, 0, 4, 1412, 64).type, ICMP6_ECHO_REPLY);
	/* At a node on the way: 1 relabels to what 3 knows, and encapsulates to 3. */
	to = chain_fwd(&c, 0, 4);
	set_node(&c, 0, &c.node[4].id, &to);
	to = around(&c, 1, 3, 4);
	in = chain_path_id(&c, 1, 4);
	assert_int_equal(dataplane_set_path(c.node[1].dp, &in, &to), 0);
	assert_int_equal(ping(&c, 0, 4, 100, 64).type, ICMP6_ECHO_REPLY);
	assert_int_equal(ping(&c, 0, 4, 1412, 64).type, ICMP6_ECHO_REPLY);
	assert_int_equal(dataplane_stats(c.node[1].dp, &s), 0);
	assert_int_equal(s.bypassed, 2);
	/* To a neighbour whose link is down: once in GRE, by another way. */
	to = chain_fwd(&c, 0, 2);
	to.kind = KIRA_FWD_NEIGHBOUR;
	to.bypass = true;
	to.outer = chain_path_id(&c, 1, 2);
	set_node(&c, 0, &c.node[2].id, &to);
	while (recv(fd, p, sizeof(p), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(ping(&c, 0, 2, 100, 64).type, ICMP6_ECHO_REPLY);
	assert_int_equal(captured(fd, 47, &dst, p, sizeof(p)), 144);
	close(fd);
	chain_free(&c);
}

static void test_bypass(void **state)
{
	NEEDS_ROOT();
	bypass(DATAPLANE_BPF);
	bypass(DATAPLANE_TUN);
}

/* ---- From outside ---- */

static void outside(struct chain *c, const struct kira_addr *src, const struct kira_addr *dst,
		    const uint8_t mac[6])
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6), .sll_halen = 6};
	int fd = chain_socket(c, 1, AF_PACKET, SOCK_DGRAM, 0);
	uint8_t p[40 + 8] = {
		0x60, [5] = 8, [6] = IPPROTO_ICMPV6, 64, [40] = ICMP6_ECHO_REQUEST, [45] = 9};
	uint32_t sum = 8 + IPPROTO_ICMPV6;
	unsigned i;

	memcpy(p + 8, src, 16);
	memcpy(p + 24, dst, 16);
	for (i = 8; i < sizeof(p); i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	p[42] = (uint8_t)(sum >> 8);
	p[43] = (uint8_t)sum;
	ll.sll_ifindex = (int)c->node[1].link[0];
	memcpy(ll.sll_addr, mac, 6);
	assert_int_equal(sendto(fd, p, sizeof(p), 0, (struct sockaddr *)&ll, sizeof(ll)),
			 sizeof(p));
	close(fd);
}

static bool heard(struct chain *c, int fd)
{
	uint8_t in[256];
	bool any = false;

	while (chain_pump(c, fd, 100) && recv(fd, in, sizeof(in), 0) > 0)
		any = true;
	return any;
}

static void guard(enum dataplane_kind kind)
{
	static const uint8_t mac[6] = {2, 0, 0, 1, 0, 0};
	const struct kira_addr other = {{0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	const struct kira_addr mine = {{0x20, 0x01, 0x0d, 0xb8, [15] = 2}};
	struct netlink_addr a = {.family = AF_INET6, .prefix = 64, .flags = 2 /* IFA_F_NODAD */};
	struct icmp6_filter only;
	struct dataplane_stats s;
	struct chain c;
	int fd;

	assert_int_equal(chain_new(&c, 2), 0);
	assert_int_equal(chain_open(&c, 0, kind, NULL), 0);
	a.ifindex = c.node[0].link[1];
	memcpy(a.addr, &mine, 16);
	assert_int_equal(netlink_addr_add(c.node[0].nl, &a, NULL), 0);
	usleep(50000);
	fd = chain_socket(&c, 0, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	ICMP6_FILTER_SETBLOCKALL(&only);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REQUEST, &only);
	setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &only, sizeof(only));
	/* As a KIRA link it lets KIRA addresses in. */
	outside(&c, &c.node[1].addr, &c.node[0].addr, mac);
	assert_true(heard(&c, fd));
	chain_enter(&c, 0);
	assert_int_equal(dataplane_guard(c.node[0].dp, c.node[0].link[1], NULL), 0);
	chain_home(&c);
	outside(&c, &c.node[1].addr, &c.node[0].addr, mac);
	outside(&c, &other, &c.node[0].addr, mac);
	outside(&c, &c.node[1].addr, &mine, mac);
	assert_false(heard(&c, fd));
	assert_int_equal(dataplane_stats(c.node[0].dp, &s), 0);
	if (kind == DATAPLANE_BPF)
		assert_int_equal(s.refused, 3);
	/* Anything else may come. */
	outside(&c, &other, &mine, mac);
	assert_true(heard(&c, fd));
	/* And a KIRA link again. */
	chain_enter(&c, 0);
	assert_int_equal(dataplane_link_up(c.node[0].dp, c.node[0].link[1], NULL), 0);
	chain_home(&c);
	outside(&c, &c.node[1].addr, &c.node[0].addr, mac);
	assert_true(heard(&c, fd));
	close(fd);
	chain_free(&c);
}

static void test_guard(void **state)
{
	NEEDS_ROOT();
	guard(DATAPLANE_BPF);
	guard(DATAPLANE_TUN);
}

/* Packets that only look like ours are dropped, and counted. */
static void test_hostile(void **state)
{
	static const uint8_t mac[6] = {2, 0, 0, 1, 0, 0};
	struct dataplane_stats s;
	struct kira_addr path;
	struct kira_id id;
	struct chain c;

	NEEDS_ROOT();
	assert_int_equal(chain_new(&c, 2), 0);
	assert_int_equal(chain_open(&c, 0, DATAPLANE_BPF, NULL), 0);
	id = chain_path_id(&c, 0, 0);
	path = kira_id_addr(0xfcaa, &id);
	outside(&c, &c.node[1].addr, &path, mac); /* no GRE */
	assert_int_equal(dataplane_stats(c.node[0].dp, &s), 0);
	assert_int_equal(s.refused, 1);
	assert_int_equal(s.decapsulated, 0);
	chain_free(&c);
}

/* ---- Coming and going ---- */

/* Everything that a data plane changes in a node's namespace, as text. The caller frees it. */
static char *kernel_state(struct chain *c, unsigned i)
{
	static const char cmd[] =
		"ip -o -d link | sed 's/ qdisc [^ ]*//; s/mode DEFAULT.*txq/txq/'; ip -6 -o addr; "
		"ip -6 route show table all; ip -6 rule;"
		"ip -6 neigh show nud permanent; tc qdisc show;"
		"for d in lo l0 l1 kira0; do tc filter show dev $d ingress; tc filter show dev $d "
		"egress; done 2>/dev/null;"
		"grep . /proc/sys/net/ipv6/conf/*/forwarding "
		"/proc/sys/net/ipv6/conf/*/force_forwarding"
		" /proc/sys/net/ipv6/conf/*/accept_ra 2>/dev/null";
	char *text = calloc(1, 65536);
	size_t n = 0;
	size_t got;
	FILE *f;

	assert_non_null(text);
	chain_enter(c, i);
	f = popen(cmd, "r");
	assert_non_null(f);
	while (n < 65535 && (got = fread(text + n, 1, 65535 - n, f)) > 0)
		n += got;
	pclose(f);
	chain_home(c);
	return text;
}

static void leaves_nothing(enum dataplane_kind kind)
{
	struct chain c;
	char *before;
	char *during;
	char *after;

	assert_int_equal(chain_new(&c, 3), 0);
	/* Somebody else's classifier on one of the links stays. */
	chain_enter(&c, 1);
	assert_int_equal(system("tc qdisc add dev l1 clsact && tc filter add dev l1 ingress prio 9 "
				"protocol all u32 match u8 0 0xff"),
			 0);
	chain_home(&c);
	before = kernel_state(&c, 1);
	assert_non_null(strstr(before, "u32"));
	assert_int_equal(chain_open(&c, 1, kind, NULL), 0);
	during = kernel_state(&c, 1);
	assert_string_not_equal(before, during);
	assert_non_null(strstr(during, "kira0"));
	chain_close(&c, 1);
	after = kernel_state(&c, 1);
	assert_string_equal(before, after);
	/* A link that goes away by itself takes nothing with it that would be missed. */
	assert_int_equal(chain_open(&c, 0, kind, NULL), 0);
	chain_enter(&c, 0);
	assert_int_equal(netlink_link_delete(c.node[0].nl, c.node[0].link[1], NULL), 0);
	dataplane_link_down(c.node[0].dp, c.node[0].link[1]);
	chain_home(&c);
	free(before);
	free(during);
	free(after);
	chain_free(&c);
}

static void test_close(void **state)
{
	NEEDS_ROOT();
	leaves_nothing(DATAPLANE_BPF);
	leaves_nothing(DATAPLANE_TUN);
}

/* A process that owns node i's data plane until it is killed. */
static pid_t owner(struct chain *c, unsigned i, enum dataplane_kind kind)
{
	int ready[2];
	char ok = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ok = chain_open(c, i, kind, NULL) == 0;
		if (write(ready[1], &ok, 1) != 1)
			_exit(1);
		for (;;)
			chain_pump(c, -1, 1000);
	}
	assert_int_equal(read(ready[0], &ok, 1), 1);
	assert_int_equal(ok, 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void gone(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_stopped(void **state)
{
	struct chain c;
	pid_t pid[4];
	unsigned i;

	NEEDS_ROOT();
	assert_int_equal(chain_new(&c, 4), 0);
	for (i = 0; i < 4; i++)
		pid[i] = owner(&c, i, DATAPLANE_BPF);
	for (i = 0; i < 4; i++)
		kill(pid[i], SIGSTOP);
	all_reach_all(&c);
	for (i = 0; i < 4; i++)
		gone(pid[i]);
	chain_free(&c);
}

static void crash(enum dataplane_kind first, enum dataplane_kind second)
{
	struct chain c;
	char *before;
	char *after;
	pid_t pid;
	unsigned i;

	assert_int_equal(chain_new(&c, 4), 0);
	before = kernel_state(&c, 1);
	for (i = 0; i < 4; i++)
		if (i != 1)
			assert_int_equal(chain_open(&c, i, DATAPLANE_BPF, NULL), 0);
	pid = owner(&c, 1, first);
	all_reach_all(&c);
	gone(pid);
	/* The programs go on without it. */
	if (first == DATAPLANE_BPF)
		all_reach_all(&c);
	assert_int_equal(chain_open(&c, 1, second, NULL), 0);
	all_reach_all(&c);
	chain_close(&c, 1);
	after = kernel_state(&c, 1);
	assert_string_equal(before, after);
	free(before);
	free(after);
	chain_free(&c);
}

static void test_crash(void **state)
{
	NEEDS_ROOT();
	crash(DATAPLANE_BPF, DATAPLANE_BPF);
	crash(DATAPLANE_TUN, DATAPLANE_TUN);
	crash(DATAPLANE_BPF, DATAPLANE_TUN);
	crash(DATAPLANE_TUN, DATAPLANE_BPF);
}

static void test_refused_open(void **state)
{
	struct err err = {0};
	struct chain c;
	struct chain_node twin;

	NEEDS_ROOT();
	open_chain(&c, 3, DATAPLANE_BPF);
	/* A second one is told, and does no harm to the first. */
	twin = c.node[1];
	assert_int_equal(chain_open(&c, 1, DATAPLANE_BPF, &err), -EIO);
	assert_int_equal(err.code, -EBUSY);
	c.node[1] = twin;
	all_reach_all(&c);
	chain_close(&c, 1);
	/* An interface of another kind has the name. */
	chain_enter(&c, 1);
	assert_int_equal(system("ip link add kira0 type veth peer name peer0"), 0);
	chain_home(&c);
	assert_int_equal(chain_open(&c, 1, DATAPLANE_BPF, &err), -EIO);
	assert_int_equal(err.code, -EINVAL);
	assert_true(err.mend[0]);
	chain_free(&c);
}

/* Exit status: 0 where all went well. The thread is in node 0's namespace and stays there. */
static int use_as_user(struct chain *c, struct err *err)
{
	struct dataplane_params p = {.kind = DATAPLANE_BPF,
				     .id = c->node[0].id,
				     .node_prefix = 0xfc00,
				     .path_prefix = 0xfcaa,
				     .device = "kira0",
				     .max_nodes = 100,
				     .max_paths = 100};
	struct kira_fwd to = chain_fwd(c, 0, 1);
	struct dataplane_stats s;
	struct dataplane *dp = dataplane_open(&p, err);

	if (!dp || dataplane_link_up(dp, c->node[0].link[1], err)) {
		err_print(err, "as a user", stderr);
		return 3;
	}
	dataplane_neighbour_up(dp, c->node[0].link[1], &c->node[1].local[0]);
	if (dataplane_set_node(dp, &c->node[1].id, 112, &to) ||
	    dataplane_set_path(dp, &c->node[1].id, &to))
		return 4;
	if (dataplane_stats(dp, &s))
		return 5;
	dataplane_link_down(dp, c->node[0].link[1]);
	if (dataplane_guard(dp, c->node[0].link[1], err))
		return 6;
	dataplane_close(dp);
	return system("ip link show kira0 >/dev/null 2>&1") != 0 ? 0 : 7;
}

/* As the daemon does: opened as an ordinary user with three capabilities, then run with them. */
static void test_capabilities(void **state)
{
	const cap_value_t need[] = {CAP_NET_ADMIN, CAP_BPF, CAP_NET_RAW};
	struct chain c;
	int status;
	pid_t pid;

	NEEDS_ROOT();
	assert_int_equal(chain_new(&c, 2), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		cap_t caps = cap_init();
		struct err err = {0};

		/* setns would need CAP_SYS_ADMIN: be there before, and home is where it is. */
		chain_enter(&c, 0);
		prctl(PR_SET_KEEPCAPS, 1);
		cap_set_flag(caps, CAP_PERMITTED, 3, need, CAP_SET);
		cap_set_flag(caps, CAP_EFFECTIVE, 3, need, CAP_SET);
		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534) ||
		    cap_set_proc(caps))
			_exit(2);
		cap_free(caps);
		_exit(use_as_user(&c, &err));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	chain_free(&c);
}

/* ---- Tables ---- */

static void test_many_paths(void **state)
{
	struct kira_fwd to;
	struct kira_id id = {{1}};
	struct chain c;
	usec_t begin;
	unsigned i;

	NEEDS_ROOT();
	open_chain(&c, 2, DATAPLANE_BPF);
	to = chain_fwd(&c, 0, 1);
	to.kind = KIRA_FWD_PATH;
	begin = clock_now();
	for (i = 0; i < 10000; i++) {
		memcpy(id.b + 4, &i, sizeof(i));
		assert_int_equal(dataplane_set_path(c.node[0].dp, &id, &to), 0);
	}
	print_message("# 10000 new path entries in %lld us\n", (long long)(clock_now() - begin));
	to.kind = KIRA_FWD_NONE;
	begin = clock_now();
	for (i = 0; i < 10000; i++) {
		memcpy(id.b + 4, &i, sizeof(i));
		assert_int_equal(dataplane_set_path(c.node[0].dp, &id, &to), 0);
	}
	print_message("# 10000 path entries removed in %lld us\n",
		      (long long)(clock_now() - begin));
	assert_int_equal(dataplane_set_path(c.node[0].dp, &id, &to), 0);
	chain_free(&c);
}

/* Longest prefix wins; both back-ends alike. */
static void prefixes(enum dataplane_kind kind)
{
	struct kira_fwd none = {.kind = KIRA_FWD_NONE};
	struct kira_fwd no_way = {.kind = KIRA_FWD_UNREACHABLE};
	struct kira_id low = {{0x32}};
	struct kira_fwd to;
	struct chain c;

	open_chain(&c, 3, kind);
	set_node(&c, 0, &c.node[2].id, &none);
	assert_int_equal(ping(&c, 0, 2, 100, 64).type, ICMP6_DST_UNREACH);
	/* 0x32… is node 2. */
	to = chain_fwd(&c, 0, 2);
	assert_int_equal(dataplane_set_node(c.node[0].dp, &low, 7, &to), 0);
	assert_int_equal(ping(&c, 0, 2, 100, 64).type, ICMP6_ECHO_REPLY);
	assert_int_equal(dataplane_set_node(c.node[0].dp, &low, 8, &no_way), 0);
	assert_int_equal(ping(&c, 0, 2, 100, 64).type, ICMP6_DST_UNREACH);
	assert_int_equal(dataplane_set_node(c.node[0].dp, &c.node[2].id, 100, &to), 0);
	assert_int_equal(ping(&c, 0, 2, 100, 64).type, ICMP6_ECHO_REPLY);
	assert_int_equal(dataplane_set_node(c.node[0].dp, &c.node[2].id, 100, &none), 0);
	assert_int_equal(dataplane_set_node(c.node[0].dp, &low, 8, &none), 0);
	assert_int_equal(dataplane_set_node(c.node[0].dp, &low, 7, &none), 0);
	/* The whole table by one entry. */
	assert_int_equal(dataplane_set_node(c.node[0].dp, &low, 0, &to), 0);
	assert_int_equal(ping(&c, 0, 2, 100, 64).type, ICMP6_ECHO_REPLY);
	assert_int_equal(dataplane_set_node(c.node[0].dp, &low, 113, &to), -EINVAL);
	chain_free(&c);
}

static void test_prefixes(void **state)
{
	NEEDS_ROOT();
	prefixes(DATAPLANE_BPF);
	prefixes(DATAPLANE_TUN);
}

static void full(enum dataplane_kind kind)
{
	struct dataplane_params p = {.kind = kind,
				     .id = {{9}},
				     .node_prefix = 0xfc00,
				     .path_prefix = 0xfcaa,
				     .device = "kira0",
				     .max_nodes = 2,
				     .max_paths = 2};
	struct kira_fwd to = {.kind = KIRA_FWD_UNREACHABLE};
	struct kira_fwd none = {.kind = KIRA_FWD_NONE};
	struct kira_id id = {{7}};
	struct dataplane *dp;
	struct chain c;
	unsigned i;

	assert_int_equal(chain_new(&c, 1), 0);
	chain_enter(&c, 0);
	dp = dataplane_open(&p, NULL);
	assert_non_null(dp);
	for (i = 0; i < 2; i++) {
		id.b[13] = (uint8_t)i;
		assert_int_equal(dataplane_set_node(dp, &id, 112, &to), 0);
		assert_int_equal(dataplane_set_path(dp, &id, &to), 0);
	}
	id.b[13] = 2;
	assert_int_equal(dataplane_set_node(dp, &id, 112, &to), -E2BIG);
	assert_int_equal(dataplane_set_path(dp, &id, &to), -E2BIG);
	id.b[13] = 1;
	assert_int_equal(dataplane_set_node(dp, &id, 112, &to), 0);
	assert_int_equal(dataplane_set_path(dp, &id, &none), 0);
	id.b[13] = 2;
	assert_int_equal(dataplane_set_path(dp, &id, &to), 0);
	dataplane_close(dp);
	chain_home(&c);
	chain_free(&c);
}

static void test_full(void **state)
{
	NEEDS_ROOT();
	full(DATAPLANE_BPF);
	full(DATAPLANE_TUN);
}

static void test_activity(void **state)
{
	struct dataplane_activity a;
	struct chain c;

	NEEDS_ROOT();
	open_chain(&c, 3, DATAPLANE_BPF);
	assert_int_equal(dataplane_activity(c.node[1].dp, c.node[1].link[0], &a), 0);
	assert_int_equal(a.rx + a.tx, 0);
	assert_int_equal(ping(&c, 0, 2, 100, 64).type, ICMP6_ECHO_REPLY);
	assert_int_equal(dataplane_activity(c.node[1].dp, c.node[1].link[0], &a), 0);
	assert_int_equal(a.rx, 1);
	assert_int_equal(a.tx, 1);
	assert_int_equal(dataplane_activity(c.node[1].dp, 9999, &a), -ENOENT);
	chain_free(&c);
}

/* ---- Bulk ---- */

static uint8_t pattern(size_t at)
{
	return (uint8_t)(at * 2654435761u >> 13);
}

static void non_block(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* `total` bytes by TCP from the first node to the last, every byte checked. */
static void tcp(struct chain *c, size_t total)
{
	struct sockaddr_in6 at = address(&c->node[c->n - 1].addr, 7000);
	int listener = chain_socket(c, c->n - 1, AF_INET6, SOCK_STREAM, 0);
	int out = chain_socket(c, 0, AF_INET6, SOCK_STREAM, 0);
	usec_t until = clock_now() + SEC(60);
	static uint8_t chunk[65536];
	size_t sent = 0;
	size_t got = 0;
	ssize_t n;
	size_t i;
	int on = 1;
	int in;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(connect(out, (struct sockaddr *)&at, sizeof(at)), -1);
	assert_int_equal(errno, EINPROGRESS);
	assert_true(chain_pump(c, listener, 5000));
	in = accept(listener, NULL, NULL);
	assert_true(in >= 0);
	non_block(in);
	while (got < total && clock_now() < until) {
		for (i = 0; i < sizeof(chunk); i++)
			chunk[i] = pattern(sent + i);
		n = send(out, chunk, total - sent < sizeof(chunk) ? total - sent : sizeof(chunk),
			 MSG_NOSIGNAL);
		if (n > 0)
			sent += (size_t)n;
		chain_pump(c, in, 5);
		while ((n = recv(in, chunk, sizeof(chunk), 0)) > 0)
			for (i = 0; i < (size_t)n; i++, got++)
				if (chunk[i] != pattern(got))
					fail_msg("byte %zu is wrong", got);
	}
	assert_int_equal(got, total);
	close(in);
	close(out);
	close(listener);
}

static void test_tcp(void **state)
{
	struct kira_fwd to;
	struct chain c;

	NEEDS_ROOT();
	open_chain(&c, 4, DATAPLANE_BPF);
	tcp(&c, 50000000);
	/* An overlay hop: decapsulated and encapsulated again. */
	to = chain_fwd(&c, 0, 2);
	set_node(&c, 0, &c.node[3].id, &to);
	tcp(&c, 20000000);
	/* A bypass: large packets are segmented first. */
	to = around(&c, 0, 2, 3);
	set_node(&c, 0, &c.node[3].id, &to);
	tcp(&c, 5000000);
	chain_free(&c);
}

static void test_tcp_transit_bypass(void **state)
{
	struct kira_fwd to;
	struct kira_id in;
	struct chain c;

	NEEDS_ROOT();
	open_chain(&c, 5, DATAPLANE_BPF);
	to = around(&c, 1, 3, 4);
	in = chain_path_id(&c, 1, 4);
	assert_int_equal(dataplane_set_path(c.node[1].dp, &in, &to), 0);
	tcp(&c, 5000000);
	chain_free(&c);
}

static void test_tcp_tun(void **state)
{
	struct chain c;
	unsigned i;

	NEEDS_ROOT();
	assert_int_equal(chain_new(&c, 4), 0);
	for (i = 0; i < c.n; i++)
		assert_int_equal(chain_open(&c, i, i % 2 ? DATAPLANE_TUN : DATAPLANE_BPF, NULL), 0);
	tcp(&c, 5000000);
	chain_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reach_bpf),
		cmocka_unit_test(test_reach_tun),
		cmocka_unit_test(test_reach_mixed),
		cmocka_unit_test(test_hop_limits),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_packet_too_big),
		cmocka_unit_test(test_wire),
		cmocka_unit_test(test_bypass),
		cmocka_unit_test(test_guard),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_refused_open),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_many_paths),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_activity),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_tcp_transit_bypass),
		cmocka_unit_test(test_tcp_tun),
	};
	struct chain probe;
	struct err err = {0};
	int rc = chain_new(&probe, 1);

	if (rc == 0 && chain_open(&probe, 0, DATAPLANE_BPF, &err) &&
	    (err.code == -EPERM || err.code == -EACCES))
		rc = err.code;
	root = rc == 0;
	if (!root)
		print_message("# skipped: root is needed for namespaces and eBPF: %s\n",
			      strerror(-rc));
	chain_free(&probe);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
