/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/node/netns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <sched.h>
#include <unistd.h>

static void check(int rc, const struct err *err)
{
	if (rc != 0)
		err_print(err, "netns", stderr);
	assert_int_equal(rc, 0);
}

static struct netlink *ask(void)
{
	struct netlink *nl = netlink_open(NULL);

	assert_non_null(nl);
	return nl;
}

int netns_new(void)
{
	struct err err = {0};
	int ns;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(ns >= 0);
	netns_up("lo", true);
	check(netlink_sysctl_set("default", "accept_dad", 0, &err), &err);
	return ns;
}

void netns_enter(int ns)
{
	assert_int_equal(setns(ns, CLONE_NEWNET), 0);
}

uint32_t netns_ifindex(const char *name)
{
	struct netlink *nl = ask();
	struct netlink_link link;
	int rc = netlink_link_get(nl, 0, name, &link);

	netlink_close(nl);
	return rc == 0 ? link.ifindex : 0;
}

void netns_up(const char *name, bool up)
{
	struct netlink *nl = ask();
	struct err err = {0};

	check(netlink_link_flags(nl, netns_ifindex(name), up ? IFF_UP : 0, IFF_UP, &err), &err);
	netlink_close(nl);
}

void netns_delete(const char *name)
{
	struct netlink *nl = ask();
	struct err err = {0};

	check(netlink_link_delete(nl, netns_ifindex(name), &err), &err);
	netlink_close(nl);
}

void netns_addr(const char *name, const char *addr, unsigned prefix, uint32_t flags)
{
	struct netlink_addr a = {
		.ifindex = netns_ifindex(name),
		.family = AF_INET6,
		.prefix = (uint8_t)prefix,
		.flags = flags,
	};
	struct netlink *nl = ask();
	struct err err = {0};

	assert_int_equal(inet_pton(AF_INET6, addr, a.addr), 1);
	check(netlink_addr_add(nl, &a, &err), &err);
	netlink_close(nl);
}

static void configure(int ns, const char *name, const char *addr)
{
	struct netlink *nl;
	struct err err = {0};

	netns_enter(ns);
	nl = ask();
	check(netlink_link_addrgen(nl, netns_ifindex(name), IN6_ADDR_GEN_MODE_NONE, &err), &err);
	netlink_close(nl);
	netns_up(name, true);
	netns_addr(name, addr, 64, IFA_F_NODAD);
}

void netns_veth(int a, const char *a_name, int b, const char *b_name)
{
	struct netlink_veth_end ends[2] = {{.name = a_name, .netns_fd = a},
					   {.name = b_name, .netns_fd = b}};
	struct netlink *nl = ask();
	struct err err = {0};
	int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	check(netlink_veth_new(nl, &ends[0], &ends[1], 0, &err), &err);
	netlink_close(nl);
	configure(a, a_name, "fe80::1");
	configure(b, b_name, "fe80::2");
	netns_enter(here);
	close(here);
}
