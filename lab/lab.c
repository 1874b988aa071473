/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/lab_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* A locally administered address that tells link and end. */
static void end_mac(unsigned l, unsigned e, uint8_t mac[6])
{
	mac[0] = 0x02;
	mac[1] = 0xde;
	mac[2] = (uint8_t)(l >> 16);
	mac[3] = (uint8_t)(l >> 8);
	mac[4] = (uint8_t)l;
	mac[5] = (uint8_t)(e + 1);
}

/* Modified EUI-64, RFC 4291 appendix A. */
static struct in6_addr mac_linklocal(const uint8_t mac[6])
{
	struct in6_addr a = {0};

	a.s6_addr[0] = 0xfe;
	a.s6_addr[1] = 0x80;
	a.s6_addr[8] = mac[0] ^ 0x02;
	a.s6_addr[9] = mac[1];
	a.s6_addr[10] = mac[2];
	a.s6_addr[11] = 0xff;
	a.s6_addr[12] = 0xfe;
	memcpy(a.s6_addr + 13, mac + 3, 3);
	return a;
}

static void link_init(struct lab *lab, unsigned l, const struct lab_edge *e)
{
	for (unsigned k = 0; k < 2; k++) {
		struct lab_end *end = &lab->links[l].end[k];

		end->node = k == 0 ? e->u : e->v;
		end->peer = k == 0 ? e->v : e->u;
		end->ifindex = LAB_FIRST_IFINDEX + 2 * l + k;
		snprintf(end->name, sizeof(end->name), "to-%u", end->peer);
		end_mac(l, k, end->mac);
		end->linklocal = mac_linklocal(end->mac);
	}
}

static int link_make(struct lab *lab, unsigned l, struct net *net, struct err *err)
{
	struct net_veth_end v[2];
	int rc;

	for (unsigned k = 0; k < 2; k++) {
		const struct lab_end *end = &lab->links[l].end[k];

		v[k].ns = lab->inner[end->node].ns;
		v[k].name = end->name;
		v[k].ifindex = end->ifindex;
		v[k].mac = end->mac;
	}
	rc = net_veth(net, &v[0], &v[1]);
	if (rc < 0)
		return err_set(err, rc, "cannot make link %u-%u: %s", lab->links[l].end[0].node,
			       lab->links[l].end[1].node, strerror(-rc));
	return 0;
}

static int end_up(struct lab *lab, struct lab_end *end)
{
	int rc = net_set_up(lab->inner[end->node].net, end->ifindex, true);

	if (rc == 0)
		end->down = false;
	return rc;
}

static int end_down(struct lab *lab, struct lab_end *end)
{
	end->down = true;
	return net_set_up(lab->inner[end->node].net, end->ifindex, false);
}

/* The meter goes on while the ends are still down, so that it sees every frame. */
static int node_links_up(struct lab *lab, unsigned i, struct err *err)
{
	int rc = 0;

	if (lab->meter) {
		rc = lab_enter(lab, i);
		for (unsigned l = 0; l < lab->n_links && rc == 0; l++)
			for (unsigned k = 0; k < 2 && rc == 0; k++)
				if (lab->links[l].end[k].node == i)
					rc = meter_attach(lab->meter, lab->links[l].end[k].ifindex);
		lab_leave(lab);
		if (rc < 0)
			return err_set(err, rc, "cannot put the meter on the links of node %u: %s", i, strerror(-rc));
	}
	for (unsigned l = 0; l < lab->n_links && rc == 0; l++)
		for (unsigned k = 0; k < 2 && rc == 0; k++)
			if (lab->links[l].end[k].node == i)
				rc = end_up(lab, &lab->links[l].end[k]);
	if (rc < 0)
		err_set(err, rc, "cannot set the links of node %u up: %s", i, strerror(-rc));
	return rc;
}

static int check_params(const struct lab_params *p, struct err *err)
{
	if (geteuid() != 0)
		return err_set(err, -EPERM, "a laboratory needs root (it makes network namespaces)");
	if (p->n < 1 || p->n > LAB_MAX_NODES)
		return err_set(err, -EINVAL, "%u nodes; a laboratory takes 1 to %d", p->n, LAB_MAX_NODES);
	for (unsigned l = 0; l < p->n_edges; l++) {
		const struct lab_edge *e = &p->edges[l];

		if (e->u >= p->n || e->v >= p->n || e->u == e->v)
			return err_set(err, -EINVAL, "edge %u-%u is not possible with %u nodes", e->u, e->v, p->n);
		for (unsigned m = 0; m < l; m++)
			if ((p->edges[m].u == e->u && p->edges[m].v == e->v) ||
			    (p->edges[m].u == e->v && p->edges[m].v == e->u))
				return err_set(err, -EINVAL, "edge %u-%u twice", e->u, e->v);
	}
	return 0;
}

/* Descriptors for namespaces and sockets; neighbour tables for many links (settable in the first namespace only). */
static void raise_limits(unsigned n_links)
{
	struct rlimit r;
	char value[16];

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
	if (n_links < 100)
		return;
	snprintf(value, sizeof(value), "%u", 4096 + 64 * n_links);
	lab_sysctl("net/ipv6/neigh/default/gc_thresh3", value);
	lab_sysctl("net/ipv6/neigh/default/gc_thresh2", value);
	lab_sysctl("net/ipv6/neigh/default/gc_thresh1", value);
}

static int lab_build(struct lab *lab, const struct lab_params *p, struct err *err)
{
	int rc = lab_claim(lab, p->name, err);

	if (rc < 0)
		return rc;
	raise_limits(p->n_edges);
	for (unsigned i = 0; i < lab->n; i++) {
		struct lab_node *node = &lab->nodes[i];

		node->i = i;
		snprintf(node->ns, sizeof(node->ns), "%s-%u", lab->name, i);
		snprintf(node->dir, sizeof(node->dir), "%s/%u", lab->dir, i);
	}
	for (unsigned i = 0; i < lab->n && rc == 0; i++)
		rc = lab_ns_make(lab, i, err);
	for (unsigned l = 0; l < lab->n_links && rc == 0; l++) {
		link_init(lab, l, &p->edges[l]);
		rc = link_make(lab, l, lab->inner[p->edges[l].u].net, err);
	}
	if (rc == 0 && p->meter) {
		lab->meter = meter_new(LAB_FIRST_IFINDEX + 2 * lab->n_links, err);
		rc = lab->meter ? 0 : -ENOTSUP;
	}
	for (unsigned i = 0; i < lab->n && rc == 0; i++)
		rc = node_links_up(lab, i, err);
	return rc;
}

struct lab *lab_new(const struct lab_params *p, struct err *err)
{
	struct lab *lab;

	if (check_params(p, err) < 0)
		return NULL;
	lab_sweep();
	lab = calloc(1, sizeof(*lab));
	if (!lab) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	lab->lock = -1;
	lab->home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	lab->daemon = p->daemon ? p->daemon : lab_daemon_find("static");
	lab->n = p->n;
	lab->n_links = p->n_edges;
	lab->nodes = calloc(p->n, sizeof(*lab->nodes));
	lab->links = calloc(p->n_edges + 1, sizeof(*lab->links));
	lab->inner = calloc(p->n, sizeof(*lab->inner));
	for (unsigned i = 0; lab->inner && i < p->n; i++)
		lab->inner[i].ns = -1;
	if (lab->home < 0 || !lab->nodes || !lab->links || !lab->inner)
		err_set(err, -ENOMEM, "no memory, or /proc is not mounted");
	else if (lab_build(lab, p, err) == 0)
		return lab;
	lab_free(lab);
	return NULL;
}

void lab_free(struct lab *lab)
{
	if (!lab)
		return;
	for (unsigned i = 0; lab->nodes && lab->inner && i < lab->n; i++)
		lab_signal(lab, i, SIGCONT);
	for (unsigned i = 0; lab->nodes && lab->inner && i < lab->n; i++)
		lab_signal(lab, i, SIGKILL);
	for (unsigned i = 0; lab->nodes && lab->inner && i < lab->n; i++)
		lab_stop(lab, i, 0);
	meter_free(lab->meter);
	for (unsigned i = 0; lab->nodes && lab->inner && i < lab->n; i++)
		lab_ns_remove(lab, i);
	if (lab->lock >= 0) {
		lab_rmtree(lab->dir);
		close(lab->lock);
		rmdir(LAB_RUN);
		rmdir(LAB_NETNS);
	}
	if (lab->home >= 0)
		close(lab->home);
	free(lab->nodes);
	free(lab->links);
	free(lab->inner);
	free(lab);
}

const char *lab_name(const struct lab *lab)
{
	return lab->name;
}

const char *lab_dir(const struct lab *lab)
{
	return lab->dir;
}

unsigned lab_n(const struct lab *lab)
{
	return lab->n;
}

unsigned lab_n_links(const struct lab *lab)
{
	return lab->n_links;
}

struct lab_node *lab_node(struct lab *lab, unsigned i)
{
	return &lab->nodes[i];
}

struct lab_link *lab_link(struct lab *lab, unsigned l)
{
	return &lab->links[l];
}

const struct lab_daemon *lab_daemon_of(const struct lab *lab)
{
	return lab->daemon;
}

int lab_find_link(const struct lab *lab, unsigned u, unsigned v)
{
	for (unsigned l = 0; l < lab->n_links; l++) {
		const struct lab_end *e = lab->links[l].end;

		if ((e[0].node == u && e[1].node == v) || (e[0].node == v && e[1].node == u))
			return (int)l;
	}
	return -1;
}

int lab_cut(struct lab *lab, unsigned l, unsigned which)
{
	int rc = 0;

	for (unsigned k = 0; k < 2 && rc == 0; k++)
		if (which == k || which == 2)
			rc = end_down(lab, &lab->links[l].end[k]);
	return rc;
}

int lab_silence(struct lab *lab, unsigned l, enum lab_dir dir, unsigned permille)
{
	uint32_t loss = permille >= 1000 ? UINT32_MAX : (uint32_t)((uint64_t)permille * UINT32_MAX / 1000);

	if (!lab->meter)
		return -ENOTSUP;
	for (unsigned k = 0; k < 2; k++) {
		struct lab_link *link = &lab->links[l];

		if ((dir == LAB_TO_U && k == 1) || (dir == LAB_TO_V && k == 0))
			continue;
		__atomic_store_n(&meter_slot(lab->meter, link->end[k].ifindex)->loss, loss, __ATOMIC_RELAXED);
		link->silent[k] = loss != 0;
	}
	return 0;
}

int lab_heal(struct lab *lab, unsigned l)
{
	struct lab_link *link = &lab->links[l];
	int rc = 0;

	if (link->silent[0] || link->silent[1])
		lab_silence(lab, l, LAB_BOTH, 0);
	for (unsigned k = 0; k < 2 && rc == 0; k++)
		if (link->end[k].down && lab->nodes[link->end[k].node].state != LAB_STOPPED)
			rc = end_up(lab, &link->end[k]);
	return rc;
}

bool lab_link_works(const struct lab *lab, unsigned l)
{
	const struct lab_link *link = &lab->links[l];

	return !link->end[0].down && !link->end[1].down && !link->silent[0] && !link->silent[1];
}

struct carrier_ctx {
	uint32_t ifindex;
	int carrier;
};

static void find_carrier(void *p, const struct net_link *l)
{
	struct carrier_ctx *c = p;

	if (l->ifindex == c->ifindex)
		c->carrier = l->carrier;
}

int lab_carrier(struct lab *lab, unsigned l, unsigned end)
{
	const struct lab_end *e = &lab->links[l].end[end];
	struct carrier_ctx c = {e->ifindex, -ENODEV};
	int rc = net_links(lab->inner[e->node].net, find_carrier, &c);

	return rc < 0 ? rc : c.carrier;
}

void lab_reachable(const struct lab *lab, bool *out)
{
	unsigned n = lab->n;
	unsigned *comp = calloc(n, sizeof(*comp));
	bool changed = true;

	memset(out, 0, n * n * sizeof(*out));
	if (!comp)
		return;
	for (unsigned i = 0; i < n; i++)
		comp[i] = i;
	while (changed) {
		changed = false;
		for (unsigned l = 0; l < lab->n_links; l++) {
			unsigned u = lab->links[l].end[0].node;
			unsigned v = lab->links[l].end[1].node;

			if (!lab_link_works(lab, l) || comp[u] == comp[v])
				continue;
			comp[u] = comp[v] = comp[u] < comp[v] ? comp[u] : comp[v];
			changed = true;
		}
	}
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < n; j++)
			out[i * n + j] = comp[i] == comp[j] && lab->nodes[i].state == LAB_RUNNING &&
					 lab->nodes[j].state == LAB_RUNNING;
	free(comp);
}

struct count_ctx {
	const struct lab *lab;
	struct lab_count *out;
};

/* Daemons make interfaces too, with indices after ours. */
static void add_own_link(void *p, const struct net_link *l)
{
	struct count_ctx *c = p;

	if (l->ifindex < LAB_FIRST_IFINDEX || l->ifindex >= LAB_FIRST_IFINDEX + 2 * c->lab->n_links)
		return;
	c->out->tx_packets += l->tx_packets;
	c->out->tx_bytes += l->tx_bytes;
	c->out->rx_packets += l->rx_packets;
	c->out->rx_bytes += l->rx_bytes;
}

int lab_counters(struct lab *lab, unsigned i, struct lab_count *out)
{
	struct count_ctx c = {lab, out};

	memset(out, 0, sizeof(*out));
	return net_links(lab->inner[i].net, add_own_link, &c);
}

bool lab_has_meter(const struct lab *lab)
{
	return lab->meter != NULL;
}

void lab_meter(struct lab *lab, unsigned l, unsigned end, struct lab_meter *out)
{
	const struct meter_slot *s;

	memset(out, 0, sizeof(*out));
	if (!lab->meter)
		return;
	s = meter_slot(lab->meter, lab->links[l].end[end].ifindex);
	out->control_packets = __atomic_load_n(&s->control_packets, __ATOMIC_RELAXED);
	out->control_bytes = __atomic_load_n(&s->control_bytes, __ATOMIC_RELAXED);
	out->data_packets = __atomic_load_n(&s->data_packets, __ATOMIC_RELAXED);
	out->data_bytes = __atomic_load_n(&s->data_bytes, __ATOMIC_RELAXED);
	out->dropped = __atomic_load_n(&s->dropped, __ATOMIC_RELAXED);
}

static void meter_add(struct lab_meter *a, const struct lab_meter *b)
{
	a->control_packets += b->control_packets;
	a->control_bytes += b->control_bytes;
	a->data_packets += b->data_packets;
	a->data_bytes += b->data_bytes;
	a->dropped += b->dropped;
}

void lab_meter_node(struct lab *lab, unsigned i, struct lab_meter *sent, struct lab_meter *received)
{
	memset(sent, 0, sizeof(*sent));
	memset(received, 0, sizeof(*received));
	for (unsigned l = 0; l < lab->n_links; l++) {
		for (unsigned k = 0; k < 2; k++) {
			struct lab_meter m;

			if (lab->links[l].end[k].node != i)
				continue;
			lab_meter(lab, l, k, &m);
			meter_add(received, &m);
			lab_meter(lab, l, !k, &m);
			meter_add(sent, &m);
		}
	}
}

int lab_capture(struct lab *lab, unsigned l, unsigned end)
{
	const struct lab_end *e = &lab->links[l].end[end];
	struct sockaddr_ll sa = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)e->ifindex,
	};
	int rc = lab_enter(lab, e->node);
	int fd;

	if (rc < 0)
		return rc;
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	rc = fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ? -errno : fd;
	lab_leave(lab);
	if (rc < 0 && fd >= 0)
		close(fd);
	return rc;
}

/* First link of a shortest path from every node to `to`, by breadth-first search from there: next[i] is a link, or -1. */
static void shortest(const struct lab *lab, unsigned to, int *next, unsigned *queue)
{
	unsigned head = 0;
	unsigned tail = 0;

	for (unsigned i = 0; i < lab->n; i++)
		next[i] = -1;
	queue[tail++] = to;
	while (head < tail) {
		unsigned at = queue[head++];

		for (unsigned l = 0; l < lab->n_links; l++) {
			const struct lab_end *e = lab->links[l].end;
			unsigned other = e[0].node == at ? e[1].node : e[0].node;

			if ((e[0].node != at && e[1].node != at) || !lab_link_works(lab, l))
				continue;
			if (other == to || next[other] >= 0)
				continue;
			next[other] = (int)l;
			queue[tail++] = other;
		}
	}
}

int lab_static_routes(struct lab *lab, struct err *err)
{
	int *next = calloc(lab->n, sizeof(*next));
	unsigned *queue = calloc(lab->n, sizeof(*queue));
	int rc = next && queue ? 0 : -ENOMEM;

	for (unsigned to = 0; to < lab->n && rc == 0; to++) {
		const struct lab_node *dest = &lab->nodes[to];

		if (!dest->has_addr)
			continue;
		shortest(lab, to, next, queue);
		for (unsigned i = 0; i < lab->n && rc == 0; i++) {
			const struct lab_end *e;
			unsigned k;

			if (i == to)
				continue;
			net_del_route(lab->inner[i].net, &dest->addr, 128);
			if (next[i] < 0)
				continue;
			e = lab->links[next[i]].end;
			k = e[0].node == i ? 0 : 1;
			rc = net_add_route(lab->inner[i].net, &dest->addr, 128, &e[!k].linklocal, e[k].ifindex);
		}
	}
	free(next);
	free(queue);
	return rc < 0 ? err_set(err, rc, "cannot set static routes: %s", strerror(-rc)) : 0;
}
