/* SPDX-License-Identifier: BSD-2-Clause */
/* Real interfaces: veth pairs between two namespaces made for each case. */
#include "proto/kira/node/ifaces.h"
#include "proto/kira/node/netns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT 3000 /* milliseconds until something must have been told */

static int here; /* the namespace that is watched */
static int there;
static struct ifaces *ifaces;
static const char *unwanted;

/* What was told last, and how often. */
static struct iface last;
static enum iface_role was;
static unsigned told;
static unsigned ups;
static unsigned downs;

static bool wanted(void *ctx, const char *name)
{
	return strcmp(name, unwanted) != 0;
}

static void changed(void *ctx, const struct iface *i, enum iface_role before)
{
	last = *i;
	was = before;
	told++;
	ups += i->role == IFACE_LINK && before != IFACE_LINK;
	downs += i->role != IFACE_LINK && before == IFACE_LINK;
}

static int setup(void **state)
{
	const struct ifaces_ops ops = {.wanted = wanted, .changed = changed};
	struct err err = {0};

	if (getuid() != 0)
		return 0;
	told = ups = downs = 0;
	unwanted = "";
	here = netns_new();
	there = netns_new();
	netns_enter(here);
	ifaces = ifaces_open("kira0", &ops, &err);
	assert_non_null(ifaces);
	return 0;
}

static int teardown(void **state)
{
	ifaces_close(ifaces);
	ifaces = NULL;
	close(here);
	close(there);
	return 0;
}

/* Reads until *counter is at least n. */
static void until(const unsigned *counter, unsigned n)
{
	struct pollfd p = {.fd = ifaces_fd(ifaces), .events = POLLIN};

	while (*counter < n && poll(&p, 1, WAIT) == 1)
		assert_int_equal(ifaces_read(ifaces), 0);
	assert_int_equal(*counter, n);
}

/* Reads all there is. */
static void drain(void)
{
	struct pollfd p = {.fd = ifaces_fd(ifaces), .events = POLLIN};

	while (poll(&p, 1, 100) == 1)
		assert_int_equal(ifaces_read(ifaces), 0);
}

static void finds_what_is_there(void **state)
{
	if (getuid() != 0)
		skip();
	netns_veth(here, "eth0", there, "peer");
	assert_int_equal(ifaces_read(ifaces), 0);
	until(&ups, 1);
	assert_string_equal(last.name, "eth0");
	assert_int_equal(last.ifindex, netns_ifindex("eth0"));
	assert_int_equal(last.mtu, 1500);
	assert_string_equal(ifaces_name(ifaces, last.ifindex), "eth0");
	assert_null(ifaces_name(ifaces, last.ifindex + 1000));
}

static void coming_and_going(void **state)
{
	uint32_t first;

	if (getuid() != 0)
		skip();
	assert_int_equal(ifaces_read(ifaces), 0);
	assert_int_equal(told, 0); /* lo alone */
	netns_veth(here, "eth0", there, "peer");
	until(&ups, 1);
	first = last.ifindex;
	netns_veth(here, "eth1", there, "peer1");
	until(&ups, 2);
	netns_enter(there);
	netns_delete("peer");
	netns_enter(here);
	until(&downs, 1);
	assert_int_equal(last.ifindex, first);
	drain();
	assert_null(ifaces_name(ifaces, first));
	netns_veth(here, "eth0", there, "peer");
	until(&ups, 3);
	assert_string_equal(last.name, "eth0");
	assert_int_equal(downs, 1);
}

static void carrier_and_switch(void **state)
{
	if (getuid() != 0)
		skip();
	netns_veth(here, "eth0", there, "peer");
	assert_int_equal(ifaces_read(ifaces), 0);
	until(&ups, 1);
	netns_enter(there);
	netns_up("peer", false);
	netns_enter(here);
	until(&downs, 1);
	assert_int_equal(last.role, IFACE_BYSTANDER);
	netns_enter(there);
	netns_up("peer", true);
	netns_enter(here);
	until(&ups, 2);
	/* Switched off, an interface loses its addresses: it is no link until it has one again. */
	netns_up("eth0", false);
	until(&downs, 2);
	assert_int_equal(last.role, IFACE_NONE);
	netns_up("eth0", true);
	drain();
	assert_int_equal(ups, 2);
	assert_int_equal(last.role, IFACE_BYSTANDER);
	netns_addr("eth0", "fe80::77", 64, IFA_F_NODAD);
	until(&ups, 3);
	assert_int_equal(was, IFACE_BYSTANDER);
}

static void waits_for_address_detection(void **state)
{
	struct netlink_addr a = {.family = AF_INET6, .prefix = 64, .addr = {0xfe, 0x80, [15] = 1}};
	struct netlink *nl;

	if (getuid() != 0)
		skip();
	netns_veth(here, "eth0", there, "peer");
	assert_int_equal(ifaces_read(ifaces), 0);
	until(&ups, 1);
	nl = netlink_open(NULL);
	a.ifindex = netns_ifindex("eth0");
	assert_int_equal(netlink_addr_del(nl, &a, NULL), 0);
	netlink_close(nl);
	until(&downs, 1);
	assert_int_equal(netlink_sysctl_set("eth0", "accept_dad", 1, NULL), 0);
	netns_addr("eth0", "fe80::9", 64, 0);
	/* The kernel needs a second to see that nobody else has the address: first tentative, then
	 * a link. */
	until(&ups, 2);
	assert_string_equal(last.name, "eth0");
}

static void unwanted_are_bystanders(void **state)
{
	if (getuid() != 0)
		skip();
	unwanted = "eth0";
	netns_veth(here, "eth0", there, "peer");
	assert_int_equal(ifaces_read(ifaces), 0);
	drain();
	assert_int_equal(ups, 0);
	assert_int_equal(last.role, IFACE_BYSTANDER);
	unwanted = "";
	ifaces_review(ifaces);
	assert_int_equal(ups, 1);
	unwanted = "eth0";
	ifaces_review(ifaces);
	assert_int_equal(downs, 1);
	assert_int_equal(last.role, IFACE_BYSTANDER);
}

static void our_own_device_is_none(void **state)
{
	if (getuid() != 0)
		skip();
	netns_veth(here, "kira0", there, "peer");
	assert_int_equal(ifaces_read(ifaces), 0);
	drain();
	assert_int_equal(told, 0);
}

static void renamed_and_resized(void **state)
{
	struct netlink *nl;
	unsigned before;
	char command[64];

	if (getuid() != 0)
		skip();
	netns_veth(here, "eth0", there, "peer");
	assert_int_equal(ifaces_read(ifaces), 0);
	until(&ups, 1);
	nl = netlink_open(NULL);
	before = told;
	assert_int_equal(netlink_link_mtu(nl, netns_ifindex("eth0"), 1400, NULL), 0);
	netlink_close(nl);
	until(&told, before + 1);
	assert_int_equal(last.mtu, 1400);
	assert_int_equal(was, IFACE_LINK);
	assert_int_equal(last.role, IFACE_LINK);
	unwanted = "lan7";
	snprintf(command, sizeof(command), "ip link set eth0 name lan7");
	assert_int_equal(system(command), 0);
	until(&downs, 1);
	assert_string_equal(last.name, "lan7");
	assert_string_equal(ifaces_name(ifaces, last.ifindex), "lan7");
}

static void bridge_ports_are_no_links(void **state)
{
	if (getuid() != 0)
		skip();
	netns_veth(here, "eth0", there, "peer");
	assert_int_equal(ifaces_read(ifaces), 0);
	until(&ups, 1);
	if (system("ip link add br0 type bridge 2>/dev/null") != 0)
		skip();
	assert_int_equal(system("ip link set eth0 master br0"), 0);
	until(&downs, 1);
	assert_int_equal(last.role, IFACE_BYSTANDER);
}

/* More events than the socket holds: what is told in the end is right all the same. */
static void survives_lost_events(void **state)
{
	int i;

	if (getuid() != 0)
		skip();
	netns_veth(here, "eth0", there, "peer");
	assert_int_equal(ifaces_read(ifaces), 0);
	until(&ups, 1);
	for (i = 0; i < 300; i++) {
		netns_up("eth0", false);
		netns_up("eth0", true);
	}
	netns_addr("eth0", "fe80::5", 64, IFA_F_NODAD);
	netns_veth(here, "eth1", there, "peer1");
	drain();
	assert_int_equal(ups - downs, 2);
	assert_string_equal(ifaces_name(ifaces, netns_ifindex("eth1")), "eth1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_what_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(coming_and_going, setup, teardown),
		cmocka_unit_test_setup_teardown(carrier_and_switch, setup, teardown),
		cmocka_unit_test_setup_teardown(waits_for_address_detection, setup, teardown),
		cmocka_unit_test_setup_teardown(unwanted_are_bystanders, setup, teardown),
		cmocka_unit_test_setup_teardown(our_own_device_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(renamed_and_resized, setup, teardown),
		cmocka_unit_test_setup_teardown(bridge_ports_are_no_links, setup, teardown),
		cmocka_unit_test_setup_teardown(survives_lost_events, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
