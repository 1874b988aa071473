/* SPDX-License-Identifier: BSD-2-Clause */
/* Against the real kernel, in a network namespace of this process's own. */
#include "base/netlink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <unistd.h>
#include <fcntl.h>

#include <cmocka.h>

static const uint8_t addr_a[16] = {0xfd, 0x12, [15] = 1};
static const uint8_t addr_b[16] = {0xfe, 0x80, [15] = 9};

struct fixture {
	struct netlink *nl;
	struct netlink_link a;
	struct netlink_link b;
	bool ready;
};

static void veth_up(struct fixture *f)
{
	struct netlink_veth_end a = {"left", -1, NULL};
	struct netlink_veth_end b = {"right", -1, (const uint8_t[]){2, 0, 0, 0, 0, 7}};
	struct err err = {0};

	assert_int_equal(netlink_veth_new(f->nl, &a, &b, 1600, &err), 0);
	assert_int_equal(netlink_link_get(f->nl, 0, "left", &f->a), 0);
	assert_int_equal(netlink_link_get(f->nl, 0, "right", &f->b), 0);
}

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){0};
	*state = &f;
	if (unshare(CLONE_NEWNET)) {
		print_message(
			"# skipped: root is needed: a network namespace cannot be made (%m)\n");
		return 0;
	}
	f.nl = netlink_open(NULL);
	assert_non_null(f.nl);
	veth_up(&f);
	f.ready = true;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	netlink_close(f->nl);
	return 0;
}

#define READY(state)                                                                               \
	({                                                                                         \
		struct fixture *f_ = *(state);                                                     \
		if (!f_->ready)                                                                    \
			skip();                                                                    \
		f_;                                                                                \
	})

static void test_links(void **state)
{
	struct fixture *f = READY(state);
	struct netlink_link l;
	struct err err = {0};

	assert_string_equal(f->b.kind, "veth");
	assert_int_equal(f->b.mtu, 1600);
	assert_int_equal(f->b.type, ARPHRD_ETHER);
	assert_int_equal(f->b.n_hwaddr, 6);
	assert_int_equal(f->b.hwaddr[5], 7);
	assert_int_equal(f->b.peer, f->a.ifindex);
	assert_false(f->a.flags & (IFF_UP | IFF_LOWER_UP));

	assert_int_equal(netlink_link_mtu(f->nl, f->a.ifindex, 1500, &err), 0);
	assert_int_equal(netlink_link_flags(f->nl, f->a.ifindex, IFF_UP, IFF_UP, &err), 0);
	assert_int_equal(netlink_link_get(f->nl, f->a.ifindex, NULL, &l), 0);
	assert_int_equal(l.mtu, 1500);
	assert_true(l.flags & IFF_UP);
	assert_false(l.flags & IFF_LOWER_UP); /* the other end is down */
	assert_int_equal(netlink_link_flags(f->nl, f->b.ifindex, IFF_UP, IFF_UP, &err), 0);
	assert_int_equal(netlink_link_get(f->nl, f->a.ifindex, NULL, &l), 0);
	assert_true(l.flags & IFF_LOWER_UP);

	assert_int_equal(netlink_link_get(f->nl, 0, "nosuch", &l), -ENODEV);
	assert_int_equal(netlink_link_get(f->nl, 9999, NULL, &l), -ENODEV);
	assert_int_equal(netlink_link_mtu(f->nl, f->a.ifindex, 40, &err), -EINVAL);
	assert_true(strstr(err.what, "mtu") != NULL); /* the kernel's own words */

	assert_int_equal(netlink_link_alias(f->nl, f->a.ifindex, "to the cellar", &err), 0);
	assert_int_equal(netlink_link_get(f->nl, f->a.ifindex, NULL, &l), 0);
	assert_string_equal(l.alias, "to the cellar");
	assert_int_equal(netlink_link_alias(f->nl, f->a.ifindex, "", &err), 0);
	assert_int_equal(netlink_link_get(f->nl, f->a.ifindex, NULL, &l), 0);
	assert_string_equal(l.alias, "");

	assert_int_equal(netlink_link_delete(f->nl, f->a.ifindex, &err), 0);
	assert_int_equal(netlink_link_get(f->nl, 0, "right", &l), -ENODEV);
}

static void test_netns(void **state)
{
	struct fixture *f = READY(state);
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	struct netlink_veth_end a = {"one", -1, NULL};
	struct netlink_veth_end b = {"two", -1, NULL};
	struct netlink *other;
	struct netlink_link l;
	int ns;

	assert_true(home >= 0);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(ns >= 0);
	other = netlink_open(NULL);
	assert_non_null(other);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);

	b.netns_fd = ns;
	assert_int_equal(netlink_veth_new(f->nl, &a, &b, 0, NULL), 0);
	assert_int_equal(netlink_link_get(f->nl, 0, "one", &l), 0);
	assert_int_equal(netlink_link_get(f->nl, 0, "two", &l), -ENODEV);
	assert_int_equal(netlink_link_get(other, 0, "two", &l), 0);
	assert_int_equal(netlink_link_netns(f->nl, f->a.ifindex, ns, NULL), 0);
	assert_int_equal(netlink_link_get(other, 0, "left", &l), 0);
	netlink_close(other);
	close(ns);
	close(home);
}

struct seen {
	const uint8_t *addr;
	unsigned n;
	struct netlink_event last;
};

static void see(void *ctx, const struct netlink_event *ev)
{
	struct seen *s = ctx;
	const uint8_t *is = ev->type == NETLINK_EV_ADDR	   ? ev->addr.addr
			    : ev->type == NETLINK_EV_NEIGH ? ev->neigh.dst
							   : ev->route.dst;

	if (ev->type > NETLINK_EV_ROUTE || ev->type == NETLINK_EV_LINK ||
	    memcmp(is, s->addr, 16) != 0)
		return;
	s->n++;
	s->last = *ev;
}

static void test_addrs(void **state)
{
	struct fixture *f = READY(state);
	struct netlink_addr a = {.ifindex = f->a.ifindex,
				 .family = AF_INET6,
				 .prefix = 128,
				 .flags = IFA_F_NODAD,
				 .proto = 75};
	struct seen s = {.addr = addr_a};

	memcpy(a.addr, addr_a, 16);
	assert_int_equal(netlink_addr_add(f->nl, &a, NULL), 0);
	assert_int_equal(netlink_addr_add(f->nl, &a, NULL), 0);
	assert_int_equal(netlink_addrs(f->nl, AF_INET6, f->a.ifindex, see, &s), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.last.addr.prefix, 128);
	assert_int_equal(s.last.addr.proto, 75);
	assert_false(s.last.addr.flags & IFA_F_TENTATIVE);
	assert_int_equal(netlink_addrs(f->nl, AF_INET6, f->b.ifindex, see, &s), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(netlink_addr_del(f->nl, &a, NULL), 0);
	assert_int_equal(netlink_addr_del(f->nl, &a, NULL), 0);
	s.n = 0;
	assert_int_equal(netlink_addrs(f->nl, AF_INET6, 0, see, &s), 0);
	assert_int_equal(s.n, 0);
}

static void test_routes(void **state)
{
	struct fixture *f = READY(state);
	struct netlink_route r = {
		.prefix = 16, .ifindex = f->a.ifindex, .proto = 75, .metric = 77, .mtu = 1300};
	struct netlink_route no = {.prefix = 16, .type = RTN_UNREACHABLE};
	static const uint8_t dst[16] = {0xfd, 0x12};
	static const uint8_t dst_no[16] = {0xfd, 0x13};
	struct seen s = {.addr = dst};
	struct seen s_no = {.addr = dst_no};
	struct netlink_route got;

	memcpy(r.dst, dst, 16);
	memcpy(no.dst, dst_no, 16);
	assert_int_equal(netlink_link_flags(f->nl, f->a.ifindex, IFF_UP, IFF_UP, NULL), 0);
	assert_int_equal(netlink_route_set(f->nl, &r, NULL), 0);
	assert_int_equal(netlink_route_set(f->nl, &r, NULL), 0);
	assert_int_equal(netlink_route_set(f->nl, &no, NULL), 0);
	assert_int_equal(netlink_routes(f->nl, AF_INET6, see, &s), 0);
	assert_int_equal(netlink_routes(f->nl, AF_INET6, see, &s_no), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.last.route.ifindex, f->a.ifindex);
	assert_int_equal(s.last.route.prefix, 16);
	assert_int_equal(s.last.route.metric, 77);
	assert_int_equal(s.last.route.proto, 75);
	assert_int_equal(s.last.route.mtu, 1300);
	assert_int_equal(s_no.n, 1);
	assert_int_equal(s_no.last.route.type, RTN_UNREACHABLE);
	assert_int_equal(netlink_route_get(f->nl, (const uint8_t[16]){0xfd, 0x12, 1}, &got), 0);
	assert_int_equal(got.ifindex, f->a.ifindex);
	assert_int_equal(netlink_route_del(f->nl, &r, NULL), 0);
	assert_int_equal(netlink_route_del(f->nl, &r, NULL), 0);
	assert_int_equal(netlink_route_del(f->nl, &no, NULL), 0);
	s.n = 0;
	assert_int_equal(netlink_routes(f->nl, AF_INET6, see, &s), 0);
	assert_int_equal(s.n, 0);
}

static void test_neighs(void **state)
{
	struct fixture *f = READY(state);
	struct netlink_neigh n = {.ifindex = f->a.ifindex,
				  .family = AF_INET6,
				  .state = NUD_PERMANENT,
				  .proto = 75,
				  .n_hwaddr = 6,
				  .hwaddr = {2, 0, 0, 0, 0, 7}};
	struct netlink_neigh got;
	struct seen s = {.addr = addr_b};

	memcpy(n.dst, addr_b, 16);
	assert_int_equal(netlink_link_flags(f->nl, f->a.ifindex, IFF_UP, IFF_UP, NULL), 0);
	assert_int_equal(netlink_neigh_get(f->nl, f->a.ifindex, addr_b, &got), -ENOENT);
	assert_int_equal(netlink_neigh_set(f->nl, &n, NULL), 0);
	assert_int_equal(netlink_neigh_get(f->nl, f->a.ifindex, addr_b, &got), 0);
	assert_int_equal(got.state, NUD_PERMANENT);
	assert_int_equal(got.proto, 75);
	assert_int_equal(got.n_hwaddr, 6);
	assert_memory_equal(got.hwaddr, n.hwaddr, 6);
	assert_int_equal(netlink_neighs(f->nl, AF_INET6, f->a.ifindex, see, &s), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(netlink_neigh_del(f->nl, &n, NULL), 0);
	assert_int_equal(netlink_neigh_del(f->nl, &n, NULL), 0);
}

struct log {
	unsigned begins;
	unsigned ends;
	unsigned links;
	bool addr_gone;
	bool up;
	uint32_t ifindex;
	uint32_t mtu;
};

static void note(void *ctx, const struct netlink_event *ev)
{
	struct log *g = ctx;

	g->begins += ev->type == NETLINK_EV_RESYNC_BEGIN;
	g->ends += ev->type == NETLINK_EV_RESYNC_END;
	g->links += ev->type == NETLINK_EV_LINK;
	if (ev->type == NETLINK_EV_ADDR && memcmp(ev->addr.addr, addr_a, 16) == 0)
		g->addr_gone = ev->gone;
	if (ev->type == NETLINK_EV_LINK && ev->link.ifindex == g->ifindex) {
		g->up = ev->link.flags & IFF_UP;
		g->mtu = ev->link.mtu;
	}
}

static void test_events(void **state)
{
	struct fixture *f = READY(state);
	struct netlink_events *e =
		netlink_events_open(NETLINK_WATCH_LINKS | NETLINK_WATCH_ADDRS, NULL);
	struct netlink_addr a = {
		.ifindex = f->a.ifindex, .family = AF_INET6, .prefix = 128, .flags = IFA_F_NODAD};
	struct pollfd p = {.events = POLLIN};
	struct log g = {.ifindex = f->a.ifindex};

	assert_non_null(e);
	p.fd = netlink_events_fd(e);
	assert_int_equal(netlink_events_read(e, note, &g), 0);
	assert_int_equal(g.begins, 1);
	assert_int_equal(g.ends, 1);
	assert_true(g.links >= 3); /* lo and the pair */
	assert_false(g.up);
	assert_int_equal(poll(&p, 1, 0), 0);

	assert_int_equal(netlink_link_flags(f->nl, f->a.ifindex, IFF_UP, IFF_UP, NULL), 0);
	memcpy(a.addr, addr_a, 16);
	assert_int_equal(netlink_addr_add(f->nl, &a, NULL), 0);
	assert_int_equal(netlink_addr_del(f->nl, &a, NULL), 0);
	assert_int_equal(poll(&p, 1, 1000), 1);
	assert_int_equal(netlink_events_read(e, note, &g), 0);
	assert_true(g.up);
	assert_true(g.addr_gone);
	assert_int_equal(g.begins, 1);
	netlink_events_close(e);
}

/* More changes than the queue holds: the reader is told everything again, and ends with the truth.
 */
static void test_overflow(void **state)
{
	struct fixture *f = READY(state);
	struct netlink_events *e = netlink_events_open(NETLINK_WATCH_LINKS, NULL);
	struct log g = {.ifindex = f->a.ifindex};
	int small = 4096;
	uint32_t i;

	assert_non_null(e);
	assert_int_equal(
		setsockopt(netlink_events_fd(e), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	assert_int_equal(netlink_events_read(e, note, &g), 0);
	for (i = 0; i < 200; i++)
		assert_int_equal(netlink_link_mtu(f->nl, f->a.ifindex, 1300 + i, NULL), 0);
	assert_int_equal(netlink_events_read(e, note, &g), 0);
	assert_int_equal(g.begins, 2);
	assert_int_equal(g.ends, 2);
	assert_int_equal(g.mtu, 1300 + 199);
	netlink_events_close(e);
}

static void test_addrgen(void **state)
{
	struct fixture *f = READY(state);
	struct seen s = {.addr = addr_b};
	int mode = -1;

	assert_int_equal(netlink_link_addrgen(f->nl, f->a.ifindex, IN6_ADDR_GEN_MODE_NONE, NULL),
			 0);
	assert_int_equal(netlink_sysctl_get("left", "addr_gen_mode", &mode), 0);
	assert_int_equal(mode, IN6_ADDR_GEN_MODE_NONE);
	assert_int_equal(netlink_link_flags(f->nl, f->b.ifindex, IFF_UP, IFF_UP, NULL), 0);
	assert_int_equal(netlink_link_flags(f->nl, f->a.ifindex, IFF_UP, IFF_UP, NULL), 0);
	assert_int_equal(netlink_addrs(f->nl, AF_INET6, f->a.ifindex, see, &s), 0);
	assert_int_equal(s.n, 0);
}

static void test_sysctl(void **state)
{
	struct fixture *f = READY(state);
	struct err err = {0};
	int v = -1;

	assert_int_equal(netlink_sysctl_set(f->a.name, "accept_ra", 0, &err), 0);
	assert_int_equal(netlink_sysctl_get(f->a.name, "accept_ra", &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(netlink_sysctl_set(f->a.name, "accept_ra", 2, &err), 0);
	assert_int_equal(netlink_sysctl_get(f->a.name, "accept_ra", &v), 0);
	assert_int_equal(v, 2);
	assert_int_equal(netlink_sysctl_get(f->a.name, "nosuch", &v), -ENOENT);
	assert_int_equal(netlink_sysctl_set(f->a.name, "nosuch", 1, &err), -ENOENT);
	assert_string_equal(err.where, "net.ipv6.conf.left.nosuch");
	assert_int_equal(netlink_sysctl_get("../all", "forwarding", &v), -EINVAL);
	assert_int_equal(netlink_sysctl_get("all", "../x", &v), -EINVAL);
}

/* Messages cut short or with lengths that lie give nothing; no kernel needed. */
static void test_parse_bounds(void **state)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg m;
		struct rtattr name;
		char text[8];
	} q = {
		.h = {.nlmsg_len = sizeof(q), .nlmsg_type = RTM_NEWLINK},
		.m = {.ifi_index = 3},
		.name = {.rta_len = sizeof(q.name) + 8, .rta_type = IFLA_IFNAME},
		.text = "abcdefgh", /* no NUL */
	};
	struct log g = {.ifindex = 3};
	size_t n;

	for (n = 0; n < sizeof(q); n++)
		netlink_parse(slice_of(&q, n), note, &g);
	assert_int_equal(g.links, 0);
	netlink_parse(slice_of(&q, sizeof(q)), note, &g);
	assert_int_equal(g.links, 1);
	q.name.rta_len = 200;
	netlink_parse(slice_of(&q, sizeof(q)), note, &g);
	assert_int_equal(g.links, 1); /* no name, no link */
	q.h.nlmsg_len = 1u << 30;
	netlink_parse(slice_of(&q, sizeof(q)), note, &g);
	assert_int_equal(g.links, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_netns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addrs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_routes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_neighs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overflow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addrgen, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sysctl, setup, teardown),
		cmocka_unit_test(test_parse_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
