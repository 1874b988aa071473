/* SPDX-License-Identifier: BSD-2-Clause */
/* The hardware addresses of KIRA neighbours, kept as permanent entries in the kernel. */
#include "proto/kira/dataplane_priv.h"

#define ASK_AGAIN MSEC(100)

struct neighbour {
	struct hash_node node;
	uint32_t ifindex;
	struct kira_addr addr;
	uint8_t mac[6];
	bool known; /* mac is valid, and the kernel's entry is permanent */
};

static uint32_t neighbour_hash(uint32_t ifindex, const struct kira_addr *addr)
{
	return hash_bytes(addr, sizeof(*addr), ifindex);
}

static struct neighbour *neighbour_find(struct dataplane *dp, uint32_t ifindex,
					const struct kira_addr *addr)
{
	struct hash_node *n = hash_first(&dp->neighbours, neighbour_hash(ifindex, addr));

	for (; n; n = hash_next(n)) {
		struct neighbour *nb = (void *)n;

		if (nb->ifindex == ifindex && memcmp(&nb->addr, addr, sizeof(*addr)) == 0)
			return nb;
	}
	return NULL;
}

static void entry_of(uint32_t ifindex, const struct kira_addr *addr, struct netlink_neigh *e)
{
	*e = (struct netlink_neigh){
		.ifindex = ifindex, .family = AF_INET6, .proto = DATAPLANE_PROTO};
	memcpy(e->dst, addr, 16);
}

/* Makes the kernel's entry permanent where it knows the address, else asks it to find out. */
static void neighbour_learn(struct dataplane *dp, struct neighbour *nb)
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
	struct neighbour *nb = neighbour_find(dp, ifindex, addr);

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
	struct neighbour *nb = neighbour_find(dp, ifindex, addr);
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

void dataplane_neighbours_ask(struct dataplane *dp)
{
	usec_t now;

	if (!dp->n_unknown)
		return;
	now = clock_now();
	if (now - dp->asked < ASK_AGAIN)
		return;
	dp->asked = now;
	hash_each (n, &dp->neighbours) {
		struct neighbour *nb = (void *)n;

		if (nb->known)
			continue;
		neighbour_learn(dp, nb);
		dp->n_unknown -= nb->known;
	}
}

bool dataplane_neighbour_mac(struct dataplane *dp, uint32_t ifindex, const struct kira_addr *addr,
			     uint8_t mac[6])
{
	struct neighbour *nb = neighbour_find(dp, ifindex, addr);

	if (nb && !nb->known)
		dataplane_neighbours_ask(dp);
	if (!nb || !nb->known)
		return false;
	memcpy(mac, nb->mac, 6);
	return true;
}

void dataplane_neighbours_forget(struct dataplane *dp, uint32_t ifindex)
{
	struct kira_addr addr;
	bool more = true;

	while (more) {
		more = false;
		hash_each (n, &dp->neighbours) {
			if (((struct neighbour *)n)->ifindex != ifindex)
				continue;
			addr = ((struct neighbour *)n)->addr;
			more = true;
		}
		if (more)
			dataplane_neighbour_down(dp, ifindex, &addr);
	}
}

void dataplane_neighbours_free(struct dataplane *dp)
{
	hash_each (n, &dp->neighbours) {
		hash_del(&dp->neighbours, n);
		alloc_free(&dp->alloc, n, sizeof(struct neighbour));
	}
	hash_free(&dp->neighbours);
}
