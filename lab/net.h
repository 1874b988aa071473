/* SPDX-License-Identifier: BSD-2-Clause */
/* The few rtnetlink requests that a laboratory makes. A struct net is a socket in the namespace it was opened in. All
 * functions return 0 or a negative errno. */
#ifndef DEP_LAB_NET_H
#define DEP_LAB_NET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net;

/* In the namespace of the calling thread. NULL and errno on failure. */
struct net *net_open(void);
void net_close(struct net *net);

struct net_veth_end {
	int ns; /* file descriptor of its namespace */
	const char *name;
	uint32_t ifindex;
	const uint8_t *mac;
};

int net_veth(struct net *net, const struct net_veth_end *a, const struct net_veth_end *b);
int net_set_up(struct net *net, uint32_t ifindex, bool up);
int net_add_addr(struct net *net, uint32_t ifindex, const struct in6_addr *addr, unsigned bits);
/* Adds or replaces. */
int net_add_route(struct net *net, const struct in6_addr *dst, unsigned bits, const struct in6_addr *via,
		  uint32_t ifindex);
int net_del_route(struct net *net, const struct in6_addr *dst, unsigned bits);

struct net_link {
	uint32_t ifindex;
	bool carrier;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t rx_packets;
	uint64_t rx_bytes;
};

/* Calls f for each interface. */
int net_links(struct net *net, void (*f)(void *ctx, const struct net_link *l), void *ctx);
/* Calls f for each IPv6 address that is not tentative. */
int net_addrs(struct net *net, void (*f)(void *ctx, uint32_t ifindex, const struct in6_addr *addr), void *ctx);

#endif
