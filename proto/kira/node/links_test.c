/* SPDX-License-Identifier: BSD-2-Clause */
/* Real sockets: two namespaces with a veth pair between them. */
#include "proto/kira/node/links.h"
#include "proto/kira/node/netns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT 8080
#define WAIT 2000 /* milliseconds until something must have come */

struct end {
	int ns;
	uint32_t ifindex;
	struct links *links;
	unsigned got; /* frames let through */
	uint32_t link;
	struct kira_addr from;
	uint8_t frame[65536];
	size_t n;
};

static struct end a;
static struct end b;

static void on_frame(void *ctx, uint32_t ifindex, const struct kira_addr *from, struct slice frame)
{
	struct end *e = ctx;

	e->got++;
	e->link = ifindex;
	e->from = *from;
	e->n = frame.n;
	memcpy(e->frame, frame.p, frame.n);
}

static void open_end(struct end *e, const char *name)
{
	struct err err = {0};

	netns_enter(e->ns);
	e->ifindex = netns_ifindex(name);
	e->links = links_open(PORT, on_frame, e, &err);
	assert_non_null(e->links);
	assert_int_equal(links_join(e->links, e->ifindex), 0);
}

static int setup(void **state)
{
	if (getuid() != 0)
		return 0;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	a.ns = netns_new();
	b.ns = netns_new();
	netns_veth(a.ns, "a", b.ns, "b");
	open_end(&a, "a");
	open_end(&b, "b");
	return 0;
}

static int teardown(void **state)
{
	links_close(a.links);
	links_close(b.links);
	close(a.ns);
	close(b.ns);
	return 0;
}

/* Reads until `count` datagrams were counted, wherever, or nothing comes any more. */
static uint64_t counted(const struct end *e)
{
	const struct links_stats *s = links_stats(e->links);

	return s->received + s->hop_limit + s->source + s->destination + s->unknown;
}

static void wait_for(struct end *e, uint64_t count)
{
	struct pollfd p = {.fd = links_fd(e->links), .events = POLLIN};

	while (counted(e) < count && poll(&p, 1, WAIT) == 1)
		links_read(e->links);
	assert_int_equal(counted(e), count);
}

static struct kira_addr addr_of(const char *text)
{
	struct kira_addr addr;

	assert_int_equal(inet_pton(AF_INET6, text, addr.b), 1);
	return addr;
}

/* A datagram of our own making from the namespace of a: with its hop limit and source address. */
static void forge(const char *from, const char *to, int hops)
{
	struct sockaddr_in6 src = {.sin6_family = AF_INET6, .sin6_scope_id = a.ifindex};
	struct sockaddr_in6 dst = {
		.sin6_family = AF_INET6, .sin6_port = htons(PORT), .sin6_scope_id = a.ifindex};
	int fd;

	netns_enter(a.ns);
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	assert_true(fd >= 0);
	inet_pton(AF_INET6, from, &src.sin6_addr);
	inet_pton(AF_INET6, to, &dst.sin6_addr);
	assert_int_equal(bind(fd, (struct sockaddr *)&src, sizeof(src)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)), 0);
	assert_int_equal(sendto(fd, "forged", 6, 0, (struct sockaddr *)&dst, sizeof(dst)), 6);
	close(fd);
}

static void to_all_and_to_one(void **state)
{
	struct kira_addr addr_a = addr_of("fe80::1");

	if (getuid() != 0)
		skip();
	links_send(a.links, a.ifindex, NULL, SLICE_LIT("hello"));
	wait_for(&b, 1);
	assert_int_equal(b.got, 1);
	assert_int_equal(b.link, b.ifindex);
	assert_memory_equal(b.from.b, addr_a.b, 16);
	assert_int_equal(b.n, 5);
	assert_memory_equal(b.frame, "hello", 5);

	links_send(b.links, b.ifindex, &b.from, SLICE_LIT("back"));
	wait_for(&a, 1);
	assert_int_equal(a.got, 1);
	assert_memory_equal(a.frame, "back", 4);
	/* Only b's: what a itself sent to all did not come back. */
	assert_int_equal(links_stats(a.links)->sent, 1);
	assert_int_equal(links_stats(a.links)->send_failed, 0);
}

static void longer_than_the_link(void **state)
{
	struct kira_addr addr_b = addr_of("fe80::2");
	static uint8_t frame[60000];

	if (getuid() != 0)
		skip();
	memset(frame, 0x5a, sizeof(frame));
	links_send(a.links, a.ifindex, &addr_b, slice_of(frame, sizeof(frame)));
	wait_for(&b, 1);
	assert_int_equal(b.n, sizeof(frame));
	assert_memory_equal(b.frame, frame, sizeof(frame));
}

static void only_from_the_link(void **state)
{
	if (getuid() != 0)
		skip();
	forge("fe80::1", "fe80::2", 64);
	forge("fe80::1", "fe80::2", 254);
	forge("fe80::1", "ff02::1", 1);
	wait_for(&b, 3);
	assert_int_equal(links_stats(b.links)->hop_limit, 3);
	forge("fe80::1", "fe80::2", 255);
	wait_for(&b, 4);
	assert_int_equal(b.got, 1);
}

static void only_link_local(void **state)
{
	if (getuid() != 0)
		skip();
	netns_enter(a.ns);
	netns_addr("a", "2001:db8::1", 64, IFA_F_NODAD);
	netns_enter(b.ns);
	netns_addr("b", "2001:db8::2", 64, IFA_F_NODAD);
	forge("2001:db8::1", "fe80::2", 255);
	wait_for(&b, 1);
	assert_int_equal(links_stats(b.links)->source, 1);
	forge("2001:db8::1", "2001:db8::2", 255);
	wait_for(&b, 2);
	assert_int_equal(links_stats(b.links)->source, 2);
	forge("fe80::1", "2001:db8::2", 255);
	wait_for(&b, 3);
	assert_int_equal(links_stats(b.links)->destination, 1);
	assert_int_equal(b.got, 0);
}

static void only_on_links_that_joined(void **state)
{
	struct kira_addr addr_b = addr_of("fe80::2");

	if (getuid() != 0)
		skip();
	links_leave(b.links, b.ifindex);
	links_leave(b.links, b.ifindex);
	links_send(a.links, a.ifindex, &addr_b, SLICE_LIT("x"));
	wait_for(&b, 1);
	assert_int_equal(links_stats(b.links)->unknown, 1);
	assert_int_equal(links_join(b.links, b.ifindex), 0);
	assert_int_equal(links_join(b.links, b.ifindex), 0);
	links_send(a.links, a.ifindex, NULL, SLICE_LIT("x"));
	wait_for(&b, 2);
	assert_int_equal(b.got, 1);
}

/* A flood is taken in portions, so that timers get their turn; and all of it is taken in the end.
 */
static void a_flood_in_portions(void **state)
{
	struct kira_addr addr_b = addr_of("fe80::2");
	struct pollfd p;
	unsigned turns = 0;
	unsigned before;
	int i;

	if (getuid() != 0)
		skip();
	/* The first one waits for the kernel to resolve the address; it keeps but a few meanwhile. */
	links_send(a.links, a.ifindex, &addr_b, SLICE_LIT("x"));
	wait_for(&b, 1);
	b.got = 0;
	for (i = 0; i < 1000; i++)
		links_send(a.links, a.ifindex, &addr_b, SLICE_LIT("x"));
	assert_int_equal(links_stats(a.links)->sent, 1001);
	p = (struct pollfd){.fd = links_fd(b.links), .events = POLLIN};
	while (b.got < 1000 && poll(&p, 1, WAIT) == 1) {
		before = b.got;
		links_read(b.links);
		assert_in_range(b.got - before, 1, 128);
		turns++;
	}
	assert_int_equal(b.got, 1000);
	assert_true(turns >= 8);
}

static void a_full_buffer_is_counted(void **state)
{
	struct kira_addr addr_b = addr_of("fe80::2");
	static uint8_t frame[1400];
	uint64_t before;
	int i;

	if (getuid() != 0)
		skip();
	/* The first one waits for the kernel to resolve the address. */
	links_send(a.links, a.ifindex, &addr_b, SLICE_LIT("x"));
	wait_for(&b, 1);
	b.got = 0;
	for (i = 0; i < 5000; i++)
		links_send(a.links, a.ifindex, &addr_b, slice_of(frame, sizeof(frame)));
	while (before = b.got, links_read(b.links), b.got > before)
		;
	assert_in_range(b.got, 1, 4999);
	/* The kernel tells its count with the next datagram. */
	links_send(a.links, a.ifindex, &addr_b, SLICE_LIT("x"));
	before = counted(&b);
	wait_for(&b, before + 1);
	/* A busy machine may lose some before they reach the socket; those are not its to count. */
	assert_in_range(links_stats(b.links)->overflow, 1, 5001 - b.got);
}

static void a_lost_link_is_survived(void **state)
{
	struct kira_addr addr_b = addr_of("fe80::2");
	uint32_t gone;

	if (getuid() != 0)
		skip();
	gone = a.ifindex;
	netns_enter(a.ns);
	netns_delete("a");
	links_send(a.links, gone, &addr_b, SLICE_LIT("x"));
	links_send(a.links, gone, NULL, SLICE_LIT("x"));
	assert_int_equal(links_stats(a.links)->send_failed, 2);
	links_leave(a.links, gone);
	assert_true(links_join(a.links, gone) < 0);
	netns_veth(a.ns, "a", b.ns, "b");
	netns_enter(a.ns);
	a.ifindex = netns_ifindex("a");
	netns_enter(b.ns);
	b.ifindex = netns_ifindex("b");
	assert_int_equal(links_join(a.links, a.ifindex), 0);
	assert_int_equal(links_join(b.links, b.ifindex), 0);
	links_send(a.links, a.ifindex, NULL, SLICE_LIT("x"));
	wait_for(&b, 1);
	assert_int_equal(b.got, 1);
}

static void a_taken_port_is_explained(void **state)
{
	struct err err = {0};

	if (getuid() != 0)
		skip();
	netns_enter(a.ns);
	assert_null(links_open(PORT, on_frame, &a, &err));
	assert_int_equal(err.code, -EADDRINUSE);
	assert_non_null(strstr(err.what, "8080"));
	assert_non_null(strstr(err.mend, "dep-kira"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(to_all_and_to_one, setup, teardown),
		cmocka_unit_test_setup_teardown(longer_than_the_link, setup, teardown),
		cmocka_unit_test_setup_teardown(only_from_the_link, setup, teardown),
		cmocka_unit_test_setup_teardown(only_link_local, setup, teardown),
		cmocka_unit_test_setup_teardown(only_on_links_that_joined, setup, teardown),
		cmocka_unit_test_setup_teardown(a_flood_in_portions, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_buffer_is_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(a_lost_link_is_survived, setup, teardown),
		cmocka_unit_test_setup_teardown(a_taken_port_is_explained, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
