/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's links, addresses, routes and neighbours over rtnetlink (RFC 3549, rtnetlink(7)), on
 * libmnl.
 *
 * Two kinds of socket. struct netlink asks and changes: each call sends one request and waits for
 * the kernel's answer, which it gives at once. struct netlink_events listens: its descriptor goes
 * into a loop, and where the kernel had to drop events (ENOBUFS) the reader gets everything again
 * between two RESYNC events, so that it cannot stay wrong. Both live in the network namespace that
 * the thread is in when they are opened, and stay there.
 *
 * Changes return 0 or a negative errno and fill err (which may be NULL) with the kernel's own
 * explanation. */
#ifndef DEP_NETLINK_H
#define DEP_NETLINK_H

#include "base/err.h"
#include "base/slice.h"

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#define NETLINK_HWADDR_MAX 32
#define NETLINK_ALIAS_MAX 256
#define NETLINK_HOPS_MAX 32

/* What a link of a kind was made with. */
struct netlink_link_data {
	uint32_t id;	/* vlan: identifier; vxlan: VNI; vrf: table; tun: 1 where it is a tap */
	uint32_t lower; /* vxlan: interface it sends by, or 0; vlan and macvlan have netlink_link.peer */
	uint32_t mode;	/* macvlan: MACVLAN_MODE_… */
	uint16_t port;	/* vxlan: UDP */
	uint8_t family; /* of local and remote; 0: none */
	bool has_local;
	bool has_remote;
	uint8_t local[16];
	uint8_t remote[16]; /* vxlan: the other end or a group */
};

struct netlink_link {
	uint32_t ifindex;
	char name[IFNAMSIZ];
	char kind[16];		       /* "veth", "tun", …; empty: none (hardware, loopback) */
	char alias[NETLINK_ALIAS_MAX]; /* free text that somebody put there */
	uint32_t flags; /* IFF_UP: switched on; IFF_LOWER_UP: carrier; IFF_LOOPBACK, IFF_NOARP,
			   IFF_MULTICAST… */
	uint32_t mtu;
	uint16_t type; /* ARPHRD_ETHER, … */
	uint32_t peer; /* IFLA_LINK: the other end of a veth in the same or another namespace, or 0
			*/
	uint32_t master; /* bridge or bond it is a port of, or 0 */
	uint8_t hwaddr[NETLINK_HWADDR_MAX];
	uint8_t n_hwaddr;
	uint8_t operstate; /* IF_OPER_UP, … (RFC 2863) */
	uint32_t changes;  /* of the carrier, since it was made */
	struct rtnl_link_stats64 stats;
	struct netlink_link_data data;
	struct { /* its sysctls, as far as the kernel told them */
		bool known;
		int32_t forwarding, mtu, autoconf, dad_transmits, disabled; /* IPv4: only the first */
	} ip4, ip6;
};

struct netlink_addr {
	uint32_t ifindex;
	uint8_t family;	  /* AF_INET6, AF_INET */
	uint8_t prefix;	  /* bits */
	uint8_t scope;	  /* RT_SCOPE_LINK, RT_SCOPE_UNIVERSE, … */
	uint8_t proto;	  /* who put it there, as IFA_PROTO; 0: unknown */
	uint32_t flags;	  /* IFA_F_TENTATIVE: not usable yet; IFA_F_DADFAILED: never */
	uint8_t addr[16]; /* network order; IPv4: the first 4 bytes */
};

struct netlink_neigh {
	uint32_t ifindex;
	uint8_t family;
	uint16_t state; /* NUD_REACHABLE, … */
	uint8_t flags;	/* NTF_ROUTER, … */
	uint8_t proto;	/* who put it there, as NDA_PROTOCOL */
	uint8_t dst[16];
	uint8_t hwaddr[NETLINK_HWADDR_MAX];
	uint8_t n_hwaddr; /* 0: not known */
};

struct netlink_route {
	uint8_t family; /* AF_INET6 where 0 */
	uint8_t dst[16];
	uint8_t prefix;
	uint8_t type;	  /* RTN_UNICAST where 0; RTN_UNREACHABLE, RTN_BLACKHOLE, … */
	uint8_t proto;	  /* who put it there: RTPROT_STATIC where 0 */
	uint32_t table;	  /* RT_TABLE_MAIN where 0 */
	uint32_t ifindex; /* outgoing, or 0 */
	bool has_via;
	uint8_t via[16]; /* gateway */
	uint32_t metric; /* 0: the kernel's default */
	uint32_t mtu;	 /* 0: that of the device; else a path MTU, locked */
	bool mtu_unlocked; /* may be lowered by what is learnt */
	bool has_src;
	uint8_t src[16]; /* preferred source address */
	uint8_t flags;	 /* RTNH_F_ONLINK, RTNH_F_DEAD, RTNH_F_LINKDOWN of a single next hop */
	uint16_t n_hops; /* of a multipath route, then without ifindex and via; those beyond the array
			    are counted, not kept */
	struct netlink_hop {
		uint32_t ifindex;
		uint16_t weight; /* 1 to 256 */
		uint8_t flags;
		bool has_via;
		uint8_t via[16];
	} hop[NETLINK_HOPS_MAX];
};

enum netlink_event_type {
	NETLINK_EV_LINK,
	NETLINK_EV_ADDR,
	NETLINK_EV_NEIGH,
	NETLINK_EV_ROUTE,
	NETLINK_EV_RESYNC_BEGIN, /* forget nothing yet: everything that exists comes now */
	NETLINK_EV_RESYNC_END,	 /* what was not named since BEGIN is gone */
};

struct netlink_event {
	enum netlink_event_type type;
	bool gone; /* deleted */
	union {
		struct netlink_link link;
		struct netlink_addr addr;
		struct netlink_neigh neigh;
		struct netlink_route route;
	};
};

typedef void netlink_f(void *ctx, const struct netlink_event *ev);

/* Reads one message or several in a row as the kernel sends them; calls f for each link, address,
 * neighbour or route in it. What is malformed or of another kind is passed over. bytes.p must be
 * aligned to 4. No system call: fuzzed. */
void netlink_parse(struct slice bytes, netlink_f *f, void *ctx);

/* ---- Requests ---- */

struct netlink;

/* NULL and err where the kernel gives no socket. Needs no capability to open or to read. */
struct netlink *netlink_open(struct err *err);
void netlink_close(struct netlink *nl);

/* Calls f for everything there is: of one link where ifindex is not 0. If the tables change
 * meanwhile the listing is begun again, and f is called for some entries twice. f must not use nl.
 * Returns 0 or a negative errno. */
int netlink_links(struct netlink *nl, netlink_f *f, void *ctx);
int netlink_addrs(struct netlink *nl, uint8_t family, uint32_t ifindex, netlink_f *f, void *ctx);
int netlink_neighs(struct netlink *nl, uint8_t family, uint32_t ifindex, netlink_f *f, void *ctx);
int netlink_routes(struct netlink *nl, uint8_t family, netlink_f *f, void *ctx);

/* The same of routes, but only those of a table, a protocol and an outgoing interface where these are not 0; newer kernels
 * look at no others. raw is the kernel's message, which may be sent back (as RTM_NEWROUTE). */
struct netlink_route_filter {
	uint8_t family;
	uint8_t proto;
	uint32_t table;
	uint32_t ifindex;
};
int netlink_routes_some(struct netlink *nl, const struct netlink_route_filter *only,
			void (*f)(void *ctx, const struct netlink_route *r,
				  const struct nlmsghdr *raw),
			void *ctx);

/* One link, by index, or by name where ifindex is 0. -ENODEV: there is none. */
int netlink_link_get(struct netlink *nl, uint32_t ifindex, const char *name,
		     struct netlink_link *out);
/* The neighbour entry for an IPv6 address on a link. -ENOENT: there is none. */
int netlink_neigh_get(struct netlink *nl, uint32_t ifindex, const uint8_t dst[16],
		      struct netlink_neigh *out);
/* The same of either family. */
int netlink_neigh_find(struct netlink *nl, uint32_t ifindex, uint8_t family, const uint8_t dst[16],
		       struct netlink_neigh *out);

/* The route that the kernel would take to an IPv6 address; RTN_LOCAL: it is this host's.
 * -ENETUNREACH: there is none. */
int netlink_route_get(struct netlink *nl, const uint8_t dst[16], struct netlink_route *out);

/* The route that the kernel would take, of either family. from may be NULL, ifindex 0. entry: not the resolved route but
 * the entry of the table that matched. Negative errno as the kernel's: -ENETUNREACH, -EHOSTUNREACH, -EACCES, -EINVAL. */
int netlink_route_find(struct netlink *nl, uint8_t family, const uint8_t *dst, const uint8_t *from,
		       uint32_t ifindex, bool entry, struct netlink_route *out);

/* Sets those flags of `mask` that are in `flags` (IFF_UP, IFF_NOARP…) and clears the others of it.
 */
int netlink_link_flags(struct netlink *nl, uint32_t ifindex, uint32_t flags, uint32_t mask,
		       struct err *err);
int netlink_link_mtu(struct netlink *nl, uint32_t ifindex, uint32_t mtu, struct err *err);
/* How the link makes its IPv6 link-local address: IN6_ADDR_GEN_MODE_EUI64, _NONE (no address),
 * _RANDOM. */
int netlink_link_addrgen(struct netlink *nl, uint32_t ifindex, uint8_t mode, struct err *err);
/* Moves the link into the namespace of the open descriptor netns_fd. */
int netlink_link_netns(struct netlink *nl, uint32_t ifindex, int netns_fd, struct err *err);
/* Text that stays with the link; empty: none. */
int netlink_link_alias(struct netlink *nl, uint32_t ifindex, const char *text, struct err *err);
int netlink_link_delete(struct netlink *nl, uint32_t ifindex, struct err *err);
/* Makes it a port of another (a bridge, …), 0: of none. */
int netlink_link_master(struct netlink *nl, uint32_t ifindex, uint32_t master, struct err *err);
int netlink_link_hwaddr(struct netlink *nl, uint32_t ifindex, const uint8_t *hwaddr, uint8_t n,
			struct err *err);
/* A new link: of it name, kind, mtu, hwaddr, peer (vlan, macvlan: the interface it stands on) and data count, others as
 * far as they are not 0. peer_name: of a veth's other end, else NULL. Not for tun and tap, which rtnetlink cannot make
 * (netlink_tun_new). netns_fd: -1: that of nl. */
int netlink_link_new(struct netlink *nl, const struct netlink_link *l, const char *peer_name,
		     int netns_fd, struct err *err);
/* A tun or tap device that stays without a program holding it, in the namespace of the thread. */
int netlink_tun_new(const char *name, bool tap, struct err *err);
/* A pair of veth devices, each made in the namespace of its descriptor (-1: that of nl). hwaddr: 6
 * bytes or NULL for one the kernel draws; mtu 0: the default, 1500. */
struct netlink_veth_end {
	const char *name;
	int netns_fd;
	const uint8_t *hwaddr;
};
int netlink_veth_new(struct netlink *nl, const struct netlink_veth_end *a,
		     const struct netlink_veth_end *b, uint32_t mtu, struct err *err);

/* Adds the address (no error where it is there already, its flags are then set anew), or removes it
 * (no error where it is gone). The kernel makes a new one usable a moment later, even without
 * duplicate address detection. Of `a` count ifindex, family, prefix, addr, proto and flags
 * (IFA_F_NODAD, …); adding also takes IFA_F_NOPREFIXROUTE. */
int netlink_addr_add(struct netlink *nl, const struct netlink_addr *a, struct err *err);
int netlink_addr_del(struct netlink *nl, const struct netlink_addr *a, struct err *err);

/* Adds the route or replaces the one with its destination, table and metric; removes it (no error
 * where it is gone; IPv6: all its next hops). */
int netlink_route_set(struct netlink *nl, const struct netlink_route *r, struct err *err);
int netlink_route_del(struct netlink *nl, const struct netlink_route *r, struct err *err);

/* Adds or replaces the neighbour entry (all fields count); removes it (no error where it is gone).
 * With NTF_USE in flags and no hwaddr the kernel is asked to resolve the address now. */
int netlink_neigh_set(struct netlink *nl, const struct netlink_neigh *n, struct err *err);
int netlink_neigh_del(struct netlink *nl, const struct netlink_neigh *n, struct err *err);

/* ---- Many requests with few system calls ---- */

struct netlink_batch;

/* Messages are gathered, and sent when there are enough and at the flush. The kernel takes each by itself: one that fails
 * does not keep it from the next. failed is called for each that did, with the tag it was given, the negative errno and
 * the kernel's text or NULL. NULL: no memory. */
struct netlink_batch *netlink_batch_new(struct netlink *nl,
					void (*failed)(void *ctx, uint32_t tag, int code,
						       const char *text),
					void *ctx);
void netlink_batch_free(struct netlink_batch *b);
/* flags: NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, … of a route to set; -1: remove it. Returns 0 or the error of a send
 * that was due. */
int netlink_batch_route(struct netlink_batch *b, const struct netlink_route *r, int flags,
			uint32_t tag);
/* A finished message of any kind, of at most 8 KiB. */
int netlink_batch_message(struct netlink_batch *b, const struct nlmsghdr *h, uint32_t tag);
/* Sends what is left. Returns 0, or a negative errno where kernel and we no longer understand each other: then it is
 * unknown what was done. */
int netlink_batch_flush(struct netlink_batch *b);

/* ---- Requests of other kinds (traffic control, rules, …) ---- */

/* Sends a finished message (its sequence number and NLM_F_REQUEST are set here; NLM_F_DUMP in
 * nlmsg_flags makes it a dump, else NLM_F_ACK is set), and calls f for every answer that is not its
 * end. */
int netlink_talk(struct netlink *nl, struct nlmsghdr *h,
		 void (*f)(void *ctx, const struct nlmsghdr *h), void *ctx, struct err *err);

/* ---- Events ---- */

struct netlink_events;

enum {
	NETLINK_WATCH_LINKS = 1,
	NETLINK_WATCH_ADDRS = 2, /* IPv6 */
	NETLINK_WATCH_NEIGHS = 4,
	NETLINK_WATCH_ROUTES = 8, /* IPv6 */
	NETLINK_WATCH_IPV4 = 16,  /* of the above also IPv4 */
	NETLINK_WATCH_UNLISTED = 32, /* nothing is listed between RESYNC events: for those who only pass on that
					something changed */
};

/* Listens to those kinds. The first netlink_events_read() begins with all there is, between RESYNC
 * events. Returns NULL and err. */
struct netlink_events *netlink_events_open(unsigned watch, struct err *err);
void netlink_events_close(struct netlink_events *e);
/* The descriptor to poll for reading; it does not block. */
int netlink_events_fd(const struct netlink_events *e);
/* Reads what is there (at most 256 datagrams, the rest next time) and calls f for each event;
 * everything again where some were lost. f may use any struct netlink of its own, but not e.
 * Returns 0, or a negative errno where the listing failed (the next call tries again). */
int netlink_events_read(struct netlink_events *e, netlink_f *f, void *ctx);
/* Makes the next read begin with all there is, as after a loss. */
void netlink_events_resync(struct netlink_events *e);

/* ---- Sysctls: /proc/sys/net/…, of the namespace that the thread is in ---- */

/* net.ipv6.conf.IFNAME.KEY ("all" and "default" are names too). get returns 0 and the number, or a
 * negative errno. set writes only where the value differs. Needs CAP_NET_ADMIN. -ENOENT: this
 * kernel has no such setting. */
int netlink_sysctl_get(const char *ifname, const char *key, int *value);
int netlink_sysctl_set(const char *ifname, const char *key, int value, struct err *err);
/* The same of net.FAMILY.conf, AF_INET or AF_INET6. */
int netlink_sysctl_read(uint8_t family, const char *ifname, const char *key, int *value);
int netlink_sysctl_write(uint8_t family, const char *ifname, const char *key, int value,
			 struct err *err);

#endif
