/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/dataplane_chain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int here(void)
{
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static void enter(int ns)
{
	if (setns(ns, CLONE_NEWNET))
		abort();
}

void chain_enter(const struct chain *c, unsigned i)
{
	enter(c->node[i].ns);
}

void chain_home(const struct chain *c)
{
	enter(c->home);
}

static int node_new(struct chain *c, unsigned i)
{
	struct chain_node *n = &c->node[i];
	struct netlink_link lo;

	if (unshare(CLONE_NEWNET))
		return -errno;
	n->ns = here();
	n->nl = netlink_open(NULL);
	if (n->ns < 0 || !n->nl || netlink_link_get(n->nl, 0, "lo", &lo))
		return -EIO;
	n->id.b[0] = (uint8_t)(0x30 + i);
	n->id.b[7] = 0xab;
	n->id.b[13] = (uint8_t)(i + 1);
	n->addr = kira_id_addr(0xfc00, &n->id);
	return netlink_link_flags(n->nl, lo.ifindex, IFF_UP, IFF_UP, NULL);
}

/* Switches the end on, without waiting for duplicate address detection. */
static int end_up(struct chain_node *n, unsigned side, const char *name, const uint8_t mac[6])
{
	struct netlink_link l;
	int rc;

	enter(n->ns);
	rc = netlink_link_get(n->nl, 0, name, &l);
	if (rc)
		return rc;
	n->link[side] = l.ifindex;
	n->local[side] = (struct kira_addr){
		{0xfe, 0x80, [8] = mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]}};
	rc = netlink_sysctl_set(name, "accept_dad", 0, NULL);
	if (rc == 0)
		rc = netlink_sysctl_set(name, "router_solicitations", 0, NULL);
	return rc ? rc : netlink_link_flags(n->nl, l.ifindex, IFF_UP, IFF_UP, NULL);
}

static int wire(struct chain *c, unsigned i)
{
	const uint8_t left[6] = {2, 0, 0, 1, 0, (uint8_t)i};
	const uint8_t right[6] = {2, 0, 0, 2, 0, (uint8_t)i};
	struct netlink_veth_end a = {"l1", c->node[i].ns, left};
	struct netlink_veth_end b = {"l0", c->node[i + 1].ns, right};
	int rc = netlink_veth_new(c->node[i].nl, &a, &b, 0, NULL);

	if (rc == 0)
		rc = end_up(&c->node[i], 1, "l1", left);
	if (rc == 0)
		rc = end_up(&c->node[i + 1], 0, "l0", right);
	return rc;
}

/* The kernel notices carriers and makes link-local addresses a moment later. */
static int settle(struct chain_node *n)
{
	struct netlink_route r;
	unsigned side;
	int tries;

	for (side = 0; side < 2; side++)
		for (tries = 0; n->link[side]; tries++) {
			if (netlink_route_get(n->nl, n->local[side].b, &r) == 0 &&
			    r.type == RTN_LOCAL)
				break;
			if (tries == 2000)
				return -ETIMEDOUT;
			usleep(1000);
		}
	return 0;
}

int chain_new(struct chain *c, unsigned n)
{
	unsigned i;
	int rc = 0;

	*c = (struct chain){.n = n, .home = here()};
	for (i = 0; i < CHAIN_MAX; i++)
		c->node[i].ns = -1;
	for (i = 0; i < n && rc == 0; i++)
		rc = node_new(c, i);
	for (i = 0; i + 1 < n && rc == 0; i++)
		rc = wire(c, i);
	for (i = 0; i < n && rc == 0; i++)
		rc = settle(&c->node[i]);
	enter(c->home);
	return rc;
}

void chain_free(struct chain *c)
{
	unsigned i;

	for (i = 0; i < c->n; i++) {
		if (c->node[i].ns < 0)
			continue;
		chain_close(c, i);
		netlink_close(c->node[i].nl);
		close(c->node[i].ns);
	}
	close(c->home);
}

struct kira_id chain_path_id(const struct chain *c, unsigned from, unsigned to)
{
	struct kira_id hops[CHAIN_MAX];
	unsigned n = 0;
	unsigned i = from;

	for (;; i = to > i ? i + 1 : i - 1) {
		hops[n++] = c->node[i].id;
		if (i == to)
			break;
	}
	return kira_path_id(KIRA_HASH_SHA1, hops, n);
}

struct kira_fwd chain_fwd(const struct chain *c, unsigned at, unsigned dest)
{
	unsigned side = dest > at;
	unsigned next = side ? at + 1 : at - 1;
	struct kira_fwd to = {.kind = KIRA_FWD_NEIGHBOUR,
			      .link = c->node[at].link[side],
			      .via = c->node[next].local[!side]};

	if (next == dest)
		return to;
	to.kind = KIRA_FWD_PATH;
	to.label = chain_path_id(c, next, dest);
	return to;
}

static int fill(struct chain *c, unsigned i)
{
	struct dataplane *dp = c->node[i].dp;
	struct kira_fwd local = {.kind = KIRA_FWD_LOCAL};
	struct kira_id in = chain_path_id(c, i, i);
	unsigned j;
	int rc = dataplane_set_path(dp, &in, &local);

	if (rc == 0)
		rc = dataplane_set_node(dp, &c->node[i].id, KIRA_ID_BITS, &local);
	for (j = 0; j < c->n && rc == 0; j++) {
		struct kira_fwd to;

		if (j == i)
			continue;
		to = chain_fwd(c, i, j);
		rc = dataplane_set_node(dp, &c->node[j].id, KIRA_ID_BITS, &to);
		in = chain_path_id(c, i, j);
		to.kind = KIRA_FWD_PATH;
		to.label = chain_path_id(c, j > i ? i + 1 : i - 1, j);
		if (rc == 0)
			rc = dataplane_set_path(dp, &in, &to);
	}
	return rc;
}

/* As in a running node: the kernel learns the neighbours by talking to them. Here the data plane
 * asks. */
static void wait_neighbours(struct chain *c, unsigned i)
{
	struct chain_node *n = &c->node[i];
	struct kira_fwd none = {.kind = KIRA_FWD_NONE};
	struct netlink_neigh e;
	unsigned side;
	int tries;

	for (side = 0; side < 2; side++)
		for (tries = 0; n->link[side] && tries < 60; tries++) {
			unsigned next = side ? i + 1 : i - 1;

			dataplane_set_path(n->dp, &kira_id_all_nodes, &none);
			if (netlink_neigh_get(n->nl, n->link[side], c->node[next].local[!side].b,
					      &e) == 0 &&
			    e.state & NUD_PERMANENT)
				break;
			usleep(20000);
		}
}

static void missed(void *ctx, const struct kira_id *dest)
{
	struct chain *c = ctx;

	c->misses++;
	c->missed = *dest;
}

int chain_open(struct chain *c, unsigned i, enum dataplane_kind kind, struct err *err)
{
	struct chain_node *n = &c->node[i];
	struct dataplane_params p = {
		.kind = kind,
		.id = n->id,
		.node_prefix = 0xfc00,
		.path_prefix = 0xfcaa,
		.device = "kira0",
		.max_nodes = 4096,
		.max_paths = 100000,
		.miss = missed,
		.ctx = c,
	};
	unsigned side;
	int rc = 0;

	enter(n->ns);
	n->dp = dataplane_open(&p, err);
	if (!n->dp)
		rc = -EIO;
	for (side = 0; side < 2 && rc == 0; side++) {
		if (!n->link[side])
			continue;
		rc = dataplane_link_up(n->dp, n->link[side], err);
		if (rc == 0)
			dataplane_neighbour_up(n->dp, n->link[side],
					       &c->node[side ? i + 1 : i - 1].local[!side]);
	}
	if (rc == 0)
		rc = fill(c, i);
	if (rc == 0)
		wait_neighbours(c, i);
	enter(c->home);
	return rc;
}

int chain_open_all(struct chain *c, enum dataplane_kind kind, struct err *err)
{
	unsigned i;
	int rc = 0;

	for (i = 0; i < c->n && rc == 0; i++)
		rc = chain_open(c, i, kind, err);
	return rc;
}

void chain_close(struct chain *c, unsigned i)
{
	if (!c->node[i].dp)
		return;
	enter(c->node[i].ns);
	dataplane_close(c->node[i].dp);
	c->node[i].dp = NULL;
	enter(c->home);
}

bool chain_pump(struct chain *c, int fd, int ms)
{
	usec_t until = clock_now() + MSEC(ms);
	struct pollfd p[CHAIN_MAX + 1];
	usec_t now;
	unsigned i;

	for (;;) {
		for (i = 0; i < c->n; i++)
			p[i] = (struct pollfd){.fd = c->node[i].dp ? dataplane_fd(c->node[i].dp)
								   : -1,
					       .events = POLLIN};
		p[c->n] = (struct pollfd){.fd = fd, .events = POLLIN};
		now = clock_now();
		if (now > until)
			return false;
		if (poll(p, c->n + 1, (int)((until - now + 999) / 1000)) < 0 && errno != EINTR)
			abort();
		for (i = 0; i < c->n; i++) {
			if (!(p[i].revents & POLLIN))
				continue;
			enter(c->node[i].ns);
			dataplane_read(c->node[i].dp, clock_now());
			enter(c->home);
		}
		if (p[c->n].revents)
			return true;
	}
}

int chain_socket(struct chain *c, unsigned i, int family, int type, int protocol)
{
	int fd;

	enter(c->node[i].ns);
	fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	enter(c->home);
	return fd;
}
