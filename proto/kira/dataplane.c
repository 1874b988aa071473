/* SPDX-License-Identifier: BSD-2-Clause */
/* What both back-ends share: the device, addresses, routes, forwarding, neighbour entries, and cleaning up.
 *
 * After a crash the device is still there, because it is persistent, and so are the filters, which hold their programs
 * and maps: traffic goes on. The next dataplane_open() takes the device over, removes the rest by its marks
 * (DATAPLANE_PROTO, the filters' priority), and begins with empty tables. A device held by a living process is refused
 * by the kernel, so nothing of a running node is touched. */
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
#define FORWARD_NOTE "dep-kira: forwarding was 0, accept_ra was 1 of:"
#define ASK_AGAIN MSEC(100)

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

/* Makes room for one more in an array that doubles; false where there is no memory. */
static bool grow(void **p, unsigned n, size_t size)
{
	void *more;

	if (n & (n - 1) || (n && n < 8))
		return true;
	more = realloc(*p, (n ? n * 2 : 8) * size);
	if (more)
		*p = more;
	return more != NULL;
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
			err_mend(err, "an interface of another kind has this name: choose another or remove it");
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

/* The kernel makes an address usable a moment after it was added. A packet for it that came before would be forwarded. */
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

/* The gateway is nobody. It makes the kernel keep one neighbour entry for the device and not one for each NodeID. */
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

/* ---- Forwarding ---- */

/* A host that accepts router advertisements goes on doing so when it forwards. */
static void keep_ra(void *ctx, const struct netlink_event *ev)
{
	struct dataplane *dp = ctx;
	int v;

	if (ev->gone || netlink_sysctl_get(ev->link.name, "accept_ra", &v) || v != 1)
		return;
	if (!grow((void **)&dp->ra, dp->n_ra, sizeof(*dp->ra)))
		return;
	if (netlink_sysctl_set(ev->link.name, "accept_ra", 2, NULL) == 0)
		dp->ra[dp->n_ra++] = ev->link.ifindex;
}

static void forward_none(struct dataplane *dp)
{
	struct netlink_link l;
	unsigned i;

	netlink_sysctl_set("all", "forwarding", 0, NULL);
	for (i = 0; i < dp->n_ra; i++)
		if (netlink_link_get(dp->nl, dp->ra[i], NULL, &l) == 0)
			netlink_sysctl_set(l.name, "accept_ra", 1, NULL);
}

/* What must be put back is written on the device, so that a successor can do it after a crash. */
static void note_forwarding(struct dataplane *dp)
{
	char text[NETLINK_ALIAS_MAX] = FORWARD_NOTE;
	size_t n = strlen(text);
	unsigned i;

	for (i = 0; i < dp->n_ra && n < sizeof(text) - 12; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %u", dp->ra[i]);
	netlink_link_alias(dp->nl, dp->device, text, NULL);
}

static void recall_forwarding(struct dataplane *dp, const char *alias)
{
	const size_t n = strlen(FORWARD_NOTE);
	char *end;

	if (strncmp(alias, FORWARD_NOTE, n) != 0)
		return;
	dp->forward_all = true;
	for (alias += n; *alias; alias = end) {
		unsigned long v = strtoul(alias, &end, 10);

		if (end == alias || v == 0 || v > INT32_MAX || !grow((void **)&dp->ra, dp->n_ra, sizeof(*dp->ra)))
			return;
		dp->ra[dp->n_ra++] = (uint32_t)v;
	}
}

/* Linux 6.17 can forward from single interfaces; before that, all or none. */
static int forward_from(struct dataplane *dp, struct dataplane_link *l, struct err *err)
{
	int v;
	int rc;

	if (!dp->forward_all && netlink_sysctl_get("all", "forwarding", &v) == 0 && v == 1)
		return 0;
	if (netlink_sysctl_get(l->name, "force_forwarding", &v) == 0) {
		if (v == 0)
			l->forwarding = true;
		return netlink_sysctl_set(l->name, "force_forwarding", 1, err);
	}
	netlink_links(dp->nl, keep_ra, dp);
	rc = netlink_sysctl_set("all", "forwarding", 1, err);
	if (rc)
		return rc;
	dp->forward_all = true;
	note_forwarding(dp);
	return 0;
}

static int find_device(struct dataplane *dp, struct err *err)
{
	struct netlink_link l;
	int rc = netlink_link_get(dp->nl, 0, dp->name, &l);

	if (rc)
		return err_set(err, rc, "cannot see the device %s just made: %s", dp->name, strerror(-rc));
	dp->device = l.ifindex;
	memcpy(dp->device_mac, l.hwaddr, sizeof(dp->device_mac));
	recall_forwarding(dp, l.alias);
	return 0;
}

/* ---- What a predecessor left ---- */

struct found {
	uint32_t ifindex;
	char name[IFNAMSIZ];
};

struct sweep {
	struct dataplane *dp;
	struct found *links;
	unsigned n_links;
	struct netlink_addr *addrs;
	unsigned n_addrs;
	struct netlink_neigh *neighs;
	unsigned n_neighs;
	struct netlink_route *routes;
	unsigned n_routes;
};

static void sweep_see(void *ctx, const struct netlink_event *ev)
{
	struct sweep *s = ctx;
	struct found *l;

	switch (ev->type) {
	case NETLINK_EV_LINK:
		if (!grow((void **)&s->links, s->n_links, sizeof(*s->links)))
			return;
		l = &s->links[s->n_links++];
		l->ifindex = ev->link.ifindex;
		memcpy(l->name, ev->link.name, IFNAMSIZ);
		break;
	case NETLINK_EV_ADDR:
		if (ev->addr.proto == DATAPLANE_PROTO && grow((void **)&s->addrs, s->n_addrs, sizeof(*s->addrs)))
			s->addrs[s->n_addrs++] = ev->addr;
		break;
	case NETLINK_EV_NEIGH:
		if (ev->neigh.proto == DATAPLANE_PROTO && grow((void **)&s->neighs, s->n_neighs, sizeof(*s->neighs)))
			s->neighs[s->n_neighs++] = ev->neigh;
		break;
	case NETLINK_EV_ROUTE:
		if (ev->route.proto == DATAPLANE_PROTO && grow((void **)&s->routes, s->n_routes, sizeof(*s->routes)))
			s->routes[s->n_routes++] = ev->route;
		break;
	default:
		break;
	}
}

static void stop_forwarding(const struct sweep *s, uint32_t ifindex)
{
	unsigned i;

	for (i = 0; i < s->n_links; i++)
		if (s->links[i].ifindex == ifindex)
			netlink_sysctl_set(s->links[i].name, "force_forwarding", 0, NULL);
}

static int sweep(struct dataplane *dp, struct err *err)
{
	struct sweep s = {.dp = dp};
	unsigned i;
	int rc = netlink_links(dp->nl, sweep_see, &s);

	if (rc == 0)
		rc = netlink_addrs(dp->nl, AF_INET6, 0, sweep_see, &s);
	if (rc == 0)
		rc = netlink_neighs(dp->nl, AF_INET6, 0, sweep_see, &s);
	if (rc == 0)
		rc = netlink_routes(dp->nl, AF_INET6, sweep_see, &s);
	for (i = 0; i < s.n_links; i++)
		dataplane_tc_detach(dp->nl, s.links[i].ifindex);
	for (i = 0; i < s.n_routes; i++)
		netlink_route_del(dp->nl, &s.routes[i], NULL);
	for (i = 0; i < s.n_neighs; i++)
		netlink_neigh_del(dp->nl, &s.neighs[i], NULL);
	/* Where the node's address is, it forwarded. */
	for (i = 0; i < s.n_addrs; i++) {
		stop_forwarding(&s, s.addrs[i].ifindex);
		netlink_addr_del(dp->nl, &s.addrs[i], NULL);
	}
	free(s.links);
	free(s.addrs);
	free(s.neighs);
	free(s.routes);
	if (rc)
		return err_set(err, rc, "cannot read the kernel's tables: %s", strerror(-rc));
	dp->settled = true;
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

static int open_back(struct dataplane *dp, const struct dataplane_backend *back, enum dataplane_kind kind,
		     struct err *err)
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
		rc = open_back(dp, &dataplane_tun, DATAPLANE_TUN, dp->params.kind == DATAPLANE_TUN ? err : NULL);
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
		return err_set(err, -EINVAL, "not a name for an interface: %s", name ? name : "(none)");
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
		rc = sweep(dp, err);
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
		forward_none(dp);
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
	hash_each(n, &dp->neighbours) {
		struct dataplane_neighbour *nb = (void *)n;

		hash_del(&dp->neighbours, n);
		alloc_free(&dp->alloc, nb, sizeof(*nb));
	}
	hash_free(&dp->neighbours);
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

static struct dataplane_link *link_get(struct dataplane *dp, uint32_t ifindex, struct netlink_link *now,
				       struct err *err)
{
	struct dataplane_link *l = dataplane_link_find(dp, ifindex);
	int rc = netlink_link_get(dp->nl, ifindex, NULL, now);

	if (rc == 0 && ifindex == dp->device)
		rc = -EINVAL;
	if (rc == 0 && !l && dp->n_links == DATAPLANE_LINKS_MAX)
		rc = -ENOSPC;
	if (rc == 0 && !l && !grow((void **)&dp->links, dp->n_links, sizeof(*l)))
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
		rc = err_set(err, -EMSGSIZE, "the MTU is %u: too small for IPv6 in two encapsulations", l->mtu);
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
		rc = forward_from(dp, l, err);
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

static void forget_neighbours(struct dataplane *dp, uint32_t ifindex)
{
	struct kira_addr addr;
	bool more = true;

	while (more) {
		more = false;
		hash_each(n, &dp->neighbours) {
			if (((struct dataplane_neighbour *)n)->ifindex != ifindex)
				continue;
			addr = ((struct dataplane_neighbour *)n)->addr;
			more = true;
		}
		if (more)
			dataplane_neighbour_down(dp, ifindex, &addr);
	}
}

void dataplane_link_down(struct dataplane *dp, uint32_t ifindex)
{
	struct dataplane_link *l = dataplane_link_find(dp, ifindex);
	bool kira;

	if (!l)
		return;
	kira = l->kira;
	forget_neighbours(dp, ifindex);
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
	rc = now.flags & IFF_LOOPBACK ? err_set(err, -EINVAL, "the loopback interface needs no guard")
				      : dp->back->attach(dp, DATAPLANE_AT_GUARD, ifindex, err);
	if (rc)
		dataplane_link_down(dp, ifindex);
	return rc;
}

/* ---- Neighbours ---- */

static uint32_t neighbour_hash(uint32_t ifindex, const struct kira_addr *addr)
{
	return hash_bytes(addr, sizeof(*addr), ifindex);
}

static struct dataplane_neighbour *neighbour_find(struct dataplane *dp, uint32_t ifindex, const struct kira_addr *addr)
{
	struct hash_node *n = hash_first(&dp->neighbours, neighbour_hash(ifindex, addr));

	for (; n; n = hash_next(n)) {
		struct dataplane_neighbour *nb = (void *)n;

		if (nb->ifindex == ifindex && memcmp(&nb->addr, addr, sizeof(*addr)) == 0)
			return nb;
	}
	return NULL;
}

static void entry_of(uint32_t ifindex, const struct kira_addr *addr, struct netlink_neigh *e)
{
	*e = (struct netlink_neigh){.ifindex = ifindex, .family = AF_INET6, .proto = DATAPLANE_PROTO};
	memcpy(e->dst, addr, 16);
}

/* Makes the kernel's entry permanent where it knows the address, else asks it to find out. */
static void neighbour_learn(struct dataplane *dp, struct dataplane_neighbour *nb)
{
	struct netlink_neigh e;
	struct netlink_neigh got;

	entry_of(nb->ifindex, &nb->addr, &e);
	if (netlink_neigh_get(dp->nl, nb->ifindex, nb->addr.b, &got) == 0 && got.n_hwaddr == 6 &&
	    !(got.state & (NUD_FAILED | NUD_INCOMPLETE | NUD_NOARP))) {
		e.state = NUD_PERMANENT;
		e.n_hwaddr = 6;
		memcpy(e.hwaddr, got.hwaddr, 6);
		memcpy(nb->mac, got.hwaddr, 6);
		nb->known = netlink_neigh_set(dp->nl, &e, NULL) == 0;
		return;
	}
	e.proto = 0;
	e.flags = NTF_USE;
	netlink_neigh_set(dp->nl, &e, NULL);
}

void dataplane_neighbour_up(struct dataplane *dp, uint32_t ifindex, const struct kira_addr *addr)
{
	struct dataplane_neighbour *nb = neighbour_find(dp, ifindex, addr);

	if (nb) {
		/* Once more, for the interface may have been off. */
		dp->n_unknown -= !nb->known;
	} else {
		nb = alloc_zero(&dp->alloc, sizeof(*nb));
		if (!nb)
			return;
		nb->ifindex = ifindex;
		nb->addr = *addr;
		if (hash_add(&dp->neighbours, &nb->node, neighbour_hash(ifindex, addr))) {
			alloc_free(&dp->alloc, nb, sizeof(*nb));
			return;
		}
	}
	nb->known = false;
	neighbour_learn(dp, nb);
	dp->n_unknown += !nb->known;
}

void dataplane_neighbour_down(struct dataplane *dp, uint32_t ifindex, const struct kira_addr *addr)
{
	struct dataplane_neighbour *nb = neighbour_find(dp, ifindex, addr);
	struct netlink_neigh e;

	if (!nb)
		return;
	if (nb->known) {
		entry_of(ifindex, addr, &e);
		netlink_neigh_del(dp->nl, &e, NULL);
	}
	dp->n_unknown -= !nb->known;
	hash_del(&dp->neighbours, &nb->node);
	alloc_free(&dp->alloc, nb, sizeof(*nb));
}

static void ask_again(struct dataplane *dp)
{
	usec_t now;

	if (!dp->n_unknown)
		return;
	now = clock_now();
	if (now - dp->asked < ASK_AGAIN)
		return;
	dp->asked = now;
	hash_each(n, &dp->neighbours) {
		struct dataplane_neighbour *nb = (void *)n;

		if (nb->known)
			continue;
		neighbour_learn(dp, nb);
		dp->n_unknown -= nb->known;
	}
}

bool dataplane_neighbour_mac(struct dataplane *dp, uint32_t ifindex, const struct kira_addr *addr, uint8_t mac[6])
{
	struct dataplane_neighbour *nb = neighbour_find(dp, ifindex, addr);

	if (nb && !nb->known)
		ask_again(dp);
	if (!nb || !nb->known)
		return false;
	memcpy(mac, nb->mac, 6);
	return true;
}

/* ---- Tables, reading, counters ---- */

int dataplane_set_node(struct dataplane *dp, const struct kira_id *id, unsigned bits, const struct kira_fwd *to)
{
	if (bits > KIRA_ID_BITS)
		return -EINVAL;
	ask_again(dp);
	return dp->back->set_node(dp, id, bits, to);
}

int dataplane_set_path(struct dataplane *dp, const struct kira_id *path_id, const struct kira_fwd *to)
{
	ask_again(dp);
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
