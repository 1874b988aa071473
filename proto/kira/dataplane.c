/* SPDX-License-Identifier: BSD-2-Clause */
/* What both back-ends share: the device, addresses, routes, forwarding, neighbour entries, and
 * cleaning up.
 *
 * After a crash the device is still there, because it is persistent, and so are the filters, which
 * hold their programs and maps: traffic goes on. The next dataplane_open() takes the device over,
 * removes the rest by its marks (DATAPLANE_PROTO, the filters' priority), and begins with empty
 * tables. A device held by a living process is refused by the kernel, so nothing of a running node
 * is touched. */
#include "proto/kira/dataplane_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/icmpv6.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/kira/dataplane_tc.h"

#define MTU_DEFAULT 1500
#define MTU_MIN (1280 + DATAPLANE_ROOM)
#define READ_MAX 64
#define FRAME_MAX 65536
#define ADDRESS_TRIES 2000 /* a millisecond each */

const char *dataplane_kind_name(enum dataplane_kind kind)
{
	switch (kind) {
	case DATAPLANE_AUTO:
		return "auto";
	case DATAPLANE_BPF:
		return "bpf";
	case DATAPLANE_TUN:
		return "tun";
	}
	return "unknown";
}

enum dataplane_kind dataplane_kind(const struct dataplane *dp)
{
	return dp->kind;
}

/* ---- The device ---- */

static int open_tap(struct dataplane *dp, struct err *err)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int rc;

	memcpy(ifr.ifr_name, dp->name, IFNAMSIZ);
	dp->tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (dp->tap < 0) {
		rc = err_set(err, -errno, "cannot open /dev/net/tun: %m");
		err_mend(err, "the kernel needs TUN, and the device file must be there");
		return rc;
	}
	if (ioctl(dp->tap, TUNSETIFF, &ifr)) {
		rc = err_set(err, -errno, "cannot make the device %s: %m", dp->name);
		if (rc == -EBUSY)
			err_mend(err, "another process holds it: is dep-kira running already?");
		else if (rc == -EPERM)
			err_mend(err, "this needs CAP_NET_ADMIN");
		else if (rc == -EINVAL)
			err_mend(err, "an interface of another kind has this name: choose another "
				      "or remove it");
		return rc;
	}
	/* No offloads: what is read from it is segmented and has its checksums. */
	if (ioctl(dp->tap, TUNSETOFFLOAD, 0) || ioctl(dp->tap, TUNSETPERSIST, 1))
		return err_set(err, -errno, "cannot set up the device %s: %m", dp->name);
	return 0;
}

/* ---- Addresses and routes ---- */

static int put_own_address(struct dataplane *dp, uint32_t ifindex, struct err *err)
{
	struct netlink_addr a = {
		.ifindex = ifindex,
		.family = AF_INET6,
		.prefix = 128,
		.proto = DATAPLANE_PROTO,
		.flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE | IFA_F_PERMANENT,
	};

	memcpy(a.addr, &dp->own, 16);
	return netlink_addr_add(dp->nl, &a, err);
}

/* The kernel makes an address usable a moment after it was added. A packet for it that came before
 * would be forwarded. */
static int wait_for_address(struct dataplane *dp, struct err *err)
{
	struct netlink_route r;
	int tries;

	for (tries = 0; tries < ADDRESS_TRIES; tries++) {
		if (netlink_route_get(dp->nl, dp->own.b, &r) == 0 && r.type == RTN_LOCAL)
			return 0;
		usleep(1000);
	}
	return err_set(err, -ETIMEDOUT, "the kernel does not make the node's address usable");
}

static void take_own_address(struct dataplane *dp, uint32_t ifindex)
{
	struct netlink_addr a = {.ifindex = ifindex, .family = AF_INET6, .prefix = 128};

	memcpy(a.addr, &dp->own, 16);
	netlink_addr_del(dp->nl, &a, NULL);
}

static struct netlink_route prefix_route(uint16_t prefix)
{
	struct netlink_route r = {.prefix = 16, .proto = DATAPLANE_PROTO, .metric = 1024};

	r.dst[0] = (uint8_t)(prefix >> 8);
	r.dst[1] = (uint8_t)prefix;
	return r;
}

/* The gateway is nobody. It makes the kernel keep one neighbour entry for the device and not one
 * for each NodeID. */
static void through_device(const struct dataplane *dp, struct netlink_route *r)
{
	r->ifindex = dp->device;
	r->has_via = true;
	memcpy(r->via, (const uint8_t[16]){0xfe, 0x80, [15] = 1}, 16);
}

static int set_routes(struct dataplane *dp, struct err *err)
{
	struct netlink_route nodes = prefix_route(dp->params.node_prefix);
	struct netlink_route paths = prefix_route(dp->params.path_prefix);
	int rc;

	through_device(dp, &nodes);
	if (dp->kind == DATAPLANE_TUN) {
		/* Packets to PathIDs take this way too, and are longer. */
		nodes.mtu = dp->mtu;
		through_device(dp, &paths);
	} else {
		paths.type = RTN_UNREACHABLE;
	}
	rc = netlink_route_set(dp->nl, &nodes, err);
	return rc ? rc : netlink_route_set(dp->nl, &paths, err);
}

static int set_mtu(struct dataplane *dp, struct err *err)
{
	uint32_t least = UINT32_MAX;
	uint32_t most = 0;
	uint32_t device;
	unsigned i;
	int rc;

	for (i = 0; i < dp->n_links; i++) {
		if (!dp->links[i].kira)
			continue;
		least = dp->links[i].mtu < least ? dp->links[i].mtu : least;
		most = dp->links[i].mtu > most ? dp->links[i].mtu : most;
	}
	if (most == 0)
		least = most = MTU_DEFAULT;
	/* No TAP takes more. */
	if (most > 65521)
		most = 65521;
	if (least > most)
		least = most;
	dp->mtu = least - DATAPLANE_ROOM;
	device = dp->kind == DATAPLANE_TUN ? most : dp->mtu;
	rc = netlink_link_mtu(dp->nl, dp->device, device, err);
	return rc ? rc : set_routes(dp, err);
}

static int find_device(struct dataplane *dp, struct err *err)
{
	struct netlink_link l;
	int rc = netlink_link_get(dp->nl, 0, dp->name, &l);

	if (rc)
		return err_set(err, rc, "cannot see the device %s just made: %s", dp->name,
			       strerror(-rc));
	dp->device = l.ifindex;
	memcpy(dp->device_mac, l.hwaddr, sizeof(dp->device_mac));
	dataplane_forward_recall(dp, l.alias);
	return 0;
}

/* ---- Opening and closing ---- */

static int open_sockets(struct dataplane *dp, struct err *err)
{
	struct sockaddr_in6 own = {.sin6_family = AF_INET6};
	struct icmp6_filter none;
	int rc;

	memset(&none, 0xff, sizeof(none));
	memcpy(&own.sin6_addr, &dp->own, 16);
	dp->icmp = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	/* Protocol 0: it receives nothing. */
	dp->packet = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (dp->icmp >= 0 && dp->packet >= 0 &&
	    setsockopt(dp->icmp, IPPROTO_ICMPV6, ICMPV6_FILTER, &none, sizeof(none)) == 0 &&
	    bind(dp->icmp, (struct sockaddr *)&own, sizeof(own)) == 0)
		return 0;
	rc = err_set(err, -errno, "cannot open the sockets for ICMPv6 and for packets: %m");
	if (rc == -EPERM)
		err_mend(err, "this needs CAP_NET_RAW");
	return rc;
}

static int open_back(struct dataplane *dp, const struct dataplane_backend *back,
		     enum dataplane_kind kind, struct err *err)
{
	int rc;

	dp->kind = kind;
	dp->back = back;
	rc = back->open(dp, err);
	if (rc == 0)
		rc = back->attach(dp, DATAPLANE_AT_DEVICE, dp->device, err);
	if (rc) {
		back->close(dp);
		dp->back = NULL;
	}
	return rc;
}

static int open_any(struct dataplane *dp, struct err *err)
{
	int rc = -EINVAL;

	if (dp->params.kind != DATAPLANE_TUN)
		rc = open_back(dp, &dataplane_bpf, DATAPLANE_BPF, err);
	if (dp->params.kind == DATAPLANE_TUN || (rc && dp->params.kind == DATAPLANE_AUTO))
		rc = open_back(dp, &dataplane_tun, DATAPLANE_TUN,
			       dp->params.kind == DATAPLANE_TUN ? err : NULL);
	return rc;
}

static int open_device(struct dataplane *dp, struct err *err)
{
	struct netlink_link lo;
	int rc;

	netlink_link_addrgen(dp->nl, dp->device, IN6_ADDR_GEN_MODE_NONE, NULL);
	rc = netlink_link_flags(dp->nl, dp->device, IFF_UP | IFF_NOARP, IFF_UP | IFF_NOARP, err);
	if (rc == 0)
		rc = set_mtu(dp, err);
	if (rc == 0)
		rc = put_own_address(dp, dp->device, err);
	if (rc)
		return rc;
	rc = netlink_link_get(dp->nl, 0, "lo", &lo);
	if (rc)
		return err_set(err, rc, "there is no loopback interface");
	rc = netlink_link_flags(dp->nl, lo.ifindex, IFF_UP, IFF_UP, err);
	if (rc == 0)
		rc = put_own_address(dp, lo.ifindex, err);
	return rc ? rc : wait_for_address(dp, err);
}

static int check_params(const struct dataplane_params *p, struct err *err)
{
	const char *name = p->device;

	if (!name || !name[0] || strlen(name) >= IFNAMSIZ || strchr(name, '/') || strchr(name, '%'))
		return err_set(err, -EINVAL, "not a name for an interface: %s",
			       name ? name : "(none)");
	if (p->node_prefix == p->path_prefix)
		return err_set(err, -EINVAL, "nodes and paths need different prefixes");
	if (!p->max_nodes || !p->max_paths)
		return err_set(err, -EINVAL, "the tables need room for at least one entry");
	return 0;
}

static int open_all(struct dataplane *dp, struct err *err)
{
	int rc = open_tap(dp, err);

	if (rc == 0)
		rc = find_device(dp, err);
	if (rc == 0)
		rc = dataplane_sweep(dp, err);
	if (rc == 0)
		rc = open_any(dp, err);
	if (rc == 0)
		rc = open_device(dp, dp->params.kind == dp->kind ? err : NULL);
	if (rc == 0)
		rc = open_sockets(dp, err);
	return rc;
}

struct dataplane *dataplane_open(const struct dataplane_params *params, struct err *err)
{
	struct dataplane *dp;

	if (check_params(params, err))
		return NULL;
	dp = calloc(1, sizeof(*dp));
	if (!dp)
		return err_set(err, -ENOMEM, "no memory for the forwarding tier"), NULL;
	dp->params = *params;
	dp->params.device = dp->name;
	snprintf(dp->name, sizeof(dp->name), "%s", params->device);
	dp->own.b[0] = (uint8_t)(params->node_prefix >> 8);
	dp->own.b[1] = (uint8_t)params->node_prefix;
	memcpy(dp->own.b + 2, &params->id, sizeof(params->id));
	dp->tap = dp->icmp = dp->packet = -1;
	alloc_init(&dp->alloc, 0);
	hash_init(&dp->neighbours, &dp->alloc);
	dp->nl = netlink_open(err);
	if (!dp->nl || open_all(dp, err)) {
		dataplane_close(dp);
		return NULL;
	}
	return dp;
}

static void remove_traces(struct dataplane *dp)
{
	struct netlink_route nodes = prefix_route(dp->params.node_prefix);
	struct netlink_route paths = prefix_route(dp->params.path_prefix);
	struct netlink_link lo;

	while (dp->n_links)
		dataplane_link_down(dp, dp->links[dp->n_links - 1].ifindex);
	dataplane_tc_detach(dp->nl, dp->device);
	netlink_route_del(dp->nl, &nodes, NULL);
	netlink_route_del(dp->nl, &paths, NULL);
	if (netlink_link_get(dp->nl, 0, "lo", &lo) == 0)
		take_own_address(dp, lo.ifindex);
	if (dp->forward_all)
		dataplane_forward_none(dp);
	ioctl(dp->tap, TUNSETPERSIST, 0);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void dataplane_close(struct dataplane *dp)
{
	if (!dp)
		return;
	/* A device that was not ours to open is not ours to remove. */
	if (dp->settled)
		remove_traces(dp);
	dataplane_neighbours_free(dp);
	if (dp->back)
		dp->back->close(dp);
	close_fd(dp->icmp);
	close_fd(dp->packet);
	close_fd(dp->tap);
	netlink_close(dp->nl);
	free(dp->links);
	free(dp->ra);
	free(dp);
}

/* ---- Links ---- */

struct dataplane_link *dataplane_link_find(struct dataplane *dp, uint32_t ifindex)
{
	unsigned i;

	for (i = 0; i < dp->n_links; i++)
		if (dp->links[i].ifindex == ifindex)
			return &dp->links[i];
	return NULL;
}

static struct dataplane_link *link_get(struct dataplane *dp, uint32_t ifindex,
				       struct netlink_link *now, struct err *err)
{
	struct dataplane_link *l = dataplane_link_find(dp, ifindex);
	int rc = netlink_link_get(dp->nl, ifindex, NULL, now);

	if (rc == 0 && ifindex == dp->device)
		rc = -EINVAL;
	if (rc == 0 && !l && dp->n_links == DATAPLANE_LINKS_MAX)
		rc = -ENOSPC;
	if (rc == 0 && !l && !dataplane_grow((void **)&dp->links, dp->n_links, sizeof(*l)))
		rc = -ENOMEM;
	if (rc) {
		err_set(err, rc, "cannot use the interface: %s", strerror(-rc));
		err_where(err, "interface %u", ifindex);
		return NULL;
	}
	if (!l) {
		l = &dp->links[dp->n_links++];
		*l = (struct dataplane_link){.ifindex = ifindex};
	}
	/* It may have been renamed. */
	memcpy(l->name, now->name, IFNAMSIZ);
	return l;
}

static int check_link(const struct netlink_link *l, struct err *err)
{
	int rc = 0;

	if (l->type != ARPHRD_ETHER || l->flags & IFF_LOOPBACK) {
		rc = err_set(err, -EOPNOTSUPP, "a KIRA link must be Ethernet or alike");
	} else if (l->mtu < MTU_MIN) {
		rc = err_set(err, -EMSGSIZE,
			     "the MTU is %u: too small for IPv6 in two encapsulations", l->mtu);
		err_mend(err, "set it to %d at least", MTU_MIN);
	}
	if (rc)
		err_where(err, "interface %s", l->name);
	return rc;
}

int dataplane_link_up(struct dataplane *dp, uint32_t ifindex, struct err *err)
{
	struct netlink_link now;
	struct dataplane_link *l = link_get(dp, ifindex, &now, err);
	int rc;

	if (!l)
		return err ? err->code : -ENODEV;
	rc = check_link(&now, err);
	if (rc == 0)
		rc = dataplane_forward_from(dp, l, err);
	if (rc == 0)
		rc = dp->back->attach(dp, DATAPLANE_AT_LINK, ifindex, err);
	if (rc == 0)
		rc = put_own_address(dp, ifindex, err);
	l->mtu = now.mtu;
	l->kira = rc == 0;
	if (rc == 0)
		rc = set_mtu(dp, err);
	if (rc)
		dataplane_link_down(dp, ifindex);
	return rc;
}

void dataplane_link_down(struct dataplane *dp, uint32_t ifindex)
{
	struct dataplane_link *l = dataplane_link_find(dp, ifindex);
	bool kira;

	if (!l)
		return;
	kira = l->kira;
	dataplane_neighbours_forget(dp, ifindex);
	dataplane_tc_detach(dp->nl, ifindex);
	take_own_address(dp, ifindex);
	if (l->forwarding)
		netlink_sysctl_set(l->name, "force_forwarding", 0, NULL);
	*l = dp->links[--dp->n_links];
	if (kira && dp->n_links)
		set_mtu(dp, NULL);
}

int dataplane_guard(struct dataplane *dp, uint32_t ifindex, struct err *err)
{
	struct netlink_link now;
	struct dataplane_link *l;
	int rc;

	l = dataplane_link_find(dp, ifindex);
	if (l && l->kira)
		dataplane_link_down(dp, ifindex);
	l = link_get(dp, ifindex, &now, err);
	if (!l)
		return err ? err->code : -ENODEV;
	rc = now.flags & IFF_LOOPBACK
		     ? err_set(err, -EINVAL, "the loopback interface needs no guard")
		     : dp->back->attach(dp, DATAPLANE_AT_GUARD, ifindex, err);
	if (rc)
		dataplane_link_down(dp, ifindex);
	return rc;
}

/* ---- Tables, reading, counters ---- */

int dataplane_set_node(struct dataplane *dp, const struct kira_id *id, unsigned bits,
		       const struct kira_fwd *to)
{
	if (bits > KIRA_ID_BITS)
		return -EINVAL;
	dataplane_neighbours_ask(dp);
	return dp->back->set_node(dp, id, bits, to);
}

int dataplane_set_path(struct dataplane *dp, const struct kira_id *path_id,
		       const struct kira_fwd *to)
{
	dataplane_neighbours_ask(dp);
	return dp->back->set_path(dp, path_id, to);
}

int dataplane_fd(const struct dataplane *dp)
{
	return dp->tap;
}

void dataplane_read(struct dataplane *dp, usec_t now)
{
	static uint8_t bytes[DATAPLANE_ROOM + FRAME_MAX];
	int i;

	for (i = 0; i < READ_MAX; i++) {
		ssize_t n = read(dp->tap, bytes + DATAPLANE_ROOM, FRAME_MAX);

		if (n <= 0)
			return;
		dataplane_user_frame(dp, bytes + DATAPLANE_ROOM, (size_t)n, now);
	}
}

int dataplane_stats(struct dataplane *dp, struct dataplane_stats *out)
{
	*out = dp->stats;
	return dp->back->stats(dp, out);
}

int dataplane_activity(struct dataplane *dp, uint32_t ifindex, struct dataplane_activity *out)
{
	struct dataplane_link *l = dataplane_link_find(dp, ifindex);

	if (!l || !l->kira)
		return -ENOENT;
	return dp->back->activity(dp, ifindex, out);
}
