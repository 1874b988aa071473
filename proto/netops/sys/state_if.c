/* SPDX-License-Identifier: BSD-2-Clause */
/* ietf-interfaces and ietf-ip from rtnetlink. */
#include "base/counter.h"
#include "proto/netops/sys/state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- Links by number ---- */

static void on_link(void *ctx, const struct netlink_event *ev)
{
	struct state_links *l = ctx;
	struct netlink_link *at;

	if (l->rc || ev->type != NETLINK_EV_LINK)
		return;
	at = realloc(l->at, (l->n + 1) * sizeof(*at));
	if (!at) {
		l->rc = -ENOMEM;
		return;
	}
	l->at = at;
	at[l->n++] = ev->link;
}

static int by_number(const void *a, const void *b)
{
	const struct netlink_link *x = a;
	const struct netlink_link *y = b;

	return (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
}

int state_links_read(struct netlink *nl, struct state_links *l)
{
	size_t i;
	size_t k = 0;
	int rc;

	*l = (struct state_links){0};
	rc = netlink_links(nl, on_link, l);
	if (rc == 0)
		rc = l->rc;
	if (rc) {
		state_links_free(l);
		return rc;
	}
	if (l->n > 1)
		qsort(l->at, l->n, sizeof(*l->at), by_number);
	/* A listing that was begun again names some twice. */
	for (i = 0; i < l->n; i++)
		if (i == 0 || l->at[i].ifindex != l->at[i - 1].ifindex)
			l->at[k++] = l->at[i];
	l->n = k;
	return 0;
}

void state_links_free(struct state_links *l)
{
	free(l->at);
	*l = (struct state_links){0};
}

const struct netlink_link *state_link(const struct state_links *l, uint32_t ifindex)
{
	struct netlink_link key = {.ifindex = ifindex};

	return l->n ? bsearch(&key, l->at, l->n, sizeof(key), by_number) : NULL;
}

/* ---- Times ---- */

void state_time(int64_t wall_ns, char to[STATE_TIME_TEXT])
{
	time_t s = (time_t)(wall_ns / 1000000000);
	char text[24];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(text, sizeof(text), "%FT%T", &tm);
	snprintf(to, STATE_TIME_TEXT, "%s.%03dZ", text, (int)(wall_ns / 1000000 % 1000));
}

int64_t state_boot_time(void)
{
	struct timespec wall;
	struct timespec up;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return (wall.tv_sec - up.tv_sec) * 1000000000ll + wall.tv_nsec - up.tv_nsec;
}

/* ---- One interface ---- */

struct build {
	yyjson_mut_doc *doc;
	struct state_links links;
	yyjson_mut_val **entry; /* of each link */
	yyjson_mut_val **ip4;
	yyjson_mut_val **ip6;
	char boot[STATE_TIME_TEXT];
	int ioctl_fd;
};

static const char *type_of(const struct netlink_link *l)
{
	if (l->flags & IFF_LOOPBACK)
		return "iana-if-type:softwareLoopback";
	if (strcmp(l->kind, "bridge") == 0)
		return "iana-if-type:bridge";
	if (strcmp(l->kind, "vlan") == 0)
		return "iana-if-type:l2vlan";
	if (strcmp(l->kind, "vxlan") == 0 || (strcmp(l->kind, "tun") == 0 && !l->data.id))
		return "iana-if-type:tunnel";
	if (l->type == ARPHRD_ETHER)
		return "iana-if-type:ethernetCsmacd";
	return "iana-if-type:other";
}

static const char *oper_status(const struct netlink_link *l)
{
	static const char *const names[] = {"unknown",	"not-present", "down", "lower-layer-down",
					    "testing", "dormant",     "up"};

	return l->operstate < 7 ? names[l->operstate] : "unknown";
}

static void hwaddr_text(char *to, size_t n, const uint8_t *a, unsigned len)
{
	size_t at = 0;
	unsigned i;

	to[0] = '\0';
	for (i = 0; i < len && at + 4 < n; i++)
		at += (size_t)snprintf(to + at, n - at, "%s%02x", i ? ":" : "", a[i]);
}

/* Bits a second, or 0 where the driver does not know. */
static uint64_t speed_of(const struct build *b, const struct netlink_link *l)
{
	struct ethtool_cmd cmd = {.cmd = ETHTOOL_GSET};
	struct ifreq q = {0};
	uint32_t mbit;

	memcpy(q.ifr_name, l->name, IFNAMSIZ);
	q.ifr_data = (void *)&cmd;
	if (b->ioctl_fd < 0 || ioctl(b->ioctl_fd, SIOCETHTOOL, &q) != 0)
		return 0;
	mbit = ethtool_cmd_speed(&cmd);
	return mbit == UINT32_MAX || mbit == UINT16_MAX ? 0 : mbit * 1000000ull;
}

static void add_u32(yyjson_mut_doc *doc, yyjson_mut_val *o, const char *key, uint64_t v)
{
	yyjson_mut_obj_add_uint(doc, o, key, v & UINT32_MAX);
}

static void add_statistics(struct build *b, yyjson_mut_val *o, const struct netlink_link *l)
{
	const struct rtnl_link_stats64 *s = &l->stats;
	yyjson_mut_val *st = json_add_obj(b->doc, o, "statistics");
	uint64_t unicast = s->rx_packets > s->multicast ? s->rx_packets - s->multicast : 0;

	yyjson_mut_obj_add_strcpy(b->doc, st, "discontinuity-time", b->boot);
	json_add_u64(b->doc, st, "in-octets", s->rx_bytes);
	json_add_u64(b->doc, st, "in-unicast-pkts", unicast);
	json_add_u64(b->doc, st, "in-multicast-pkts", s->multicast);
	add_u32(b->doc, st, "in-discards", s->rx_dropped + s->rx_missed_errors);
	add_u32(b->doc, st, "in-errors", s->rx_errors);
	add_u32(b->doc, st, "in-unknown-protos", s->rx_nohandler);
	json_add_u64(b->doc, st, "out-octets", s->tx_bytes);
	json_add_u64(b->doc, st, "out-unicast-pkts", s->tx_packets);
	add_u32(b->doc, st, "out-discards", s->tx_dropped);
	add_u32(b->doc, st, "out-errors", s->tx_errors);
}

/* Above: what it is a port of, what stands on it; below: the other way round. */
static void add_layers(struct build *b, yyjson_mut_val *o, const struct netlink_link *l)
{
	yyjson_mut_val *above = yyjson_mut_arr(b->doc);
	yyjson_mut_val *below = yyjson_mut_arr(b->doc);
	size_t i;

	for (i = 0; i < b->links.n; i++) {
		const struct netlink_link *x = &b->links.at[i];
		bool stacked = strcmp(x->kind, "veth") != 0 && x->peer != x->ifindex;
		bool on_it = (stacked && x->peer == l->ifindex) || x->data.lower == l->ifindex;
		bool under = (strcmp(l->kind, "veth") != 0 && l->peer == x->ifindex &&
			      l->peer != l->ifindex) ||
			     l->data.lower == x->ifindex;

		if (on_it || l->master == x->ifindex)
			yyjson_mut_arr_add_strcpy(b->doc, above, x->name);
		if (under || x->master == l->ifindex)
			yyjson_mut_arr_add_strcpy(b->doc, below, x->name);
	}
	if (yyjson_mut_arr_size(above))
		yyjson_mut_obj_add_val(b->doc, o, "higher-layer-if", above);
	if (yyjson_mut_arr_size(below))
		yyjson_mut_obj_add_val(b->doc, o, "lower-layer-if", below);
}

static void add_interface(struct build *b, yyjson_mut_val *list, size_t i)
{
	const struct netlink_link *l = &b->links.at[i];
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(b->doc, list);
	char mac[3 * NETLINK_HWADDR_MAX + 1];
	uint64_t speed = speed_of(b, l);

	b->entry[i] = o;
	yyjson_mut_obj_add_strcpy(b->doc, o, "name", l->name);
	if (l->alias[0])
		yyjson_mut_obj_add_strcpy(b->doc, o, "description", l->alias);
	yyjson_mut_obj_add_str(b->doc, o, "type", type_of(l));
	yyjson_mut_obj_add_bool(b->doc, o, "enabled", l->flags & IFF_UP);
	yyjson_mut_obj_add_str(b->doc, o, "admin-status", l->flags & IFF_UP ? "up" : "down");
	yyjson_mut_obj_add_str(b->doc, o, "oper-status", oper_status(l));
	yyjson_mut_obj_add_uint(b->doc, o, "if-index", l->ifindex);
	hwaddr_text(mac, sizeof(mac), l->hwaddr, l->n_hwaddr);
	if (mac[0])
		yyjson_mut_obj_add_strcpy(b->doc, o, "phys-address", mac);
	if (speed)
		json_add_u64(b->doc, o, "speed", speed);
	add_layers(b, o, l);
	add_statistics(b, o, l);
}

/* ---- IP ---- */

static yyjson_mut_val *ip_of(struct build *b, size_t i, uint8_t family)
{
	const struct netlink_link *l = &b->links.at[i];
	yyjson_mut_val **at = family == AF_INET ? &b->ip4[i] : &b->ip6[i];

	if (*at)
		return *at;
	*at = json_add_obj(b->doc, b->entry[i], family == AF_INET ? "ietf-ip:ipv4" : "ietf-ip:ipv6");
	if (family == AF_INET) {
		yyjson_mut_obj_add_bool(b->doc, *at, "enabled", true);
		yyjson_mut_obj_add_bool(b->doc, *at, "forwarding", l->ip4.forwarding);
		if (l->mtu >= 68 && l->mtu <= UINT16_MAX)
			yyjson_mut_obj_add_uint(b->doc, *at, "mtu", l->mtu);
		return *at;
	}
	yyjson_mut_obj_add_bool(b->doc, *at, "enabled", !l->ip6.disabled);
	yyjson_mut_obj_add_bool(b->doc, *at, "forwarding", l->ip6.forwarding);
	if (l->ip6.mtu >= 1280)
		yyjson_mut_obj_add_uint(b->doc, *at, "mtu", (uint64_t)l->ip6.mtu);
	yyjson_mut_obj_add_uint(b->doc, *at, "dup-addr-detect-transmits",
				(uint64_t)l->ip6.dad_transmits);
	yyjson_mut_obj_add_bool(b->doc, json_add_obj(b->doc, *at, "autoconf"),
				"create-global-addresses", l->ip6.autoconf);
	return *at;
}

static yyjson_mut_val *entry_in(struct build *b, uint32_t ifindex, uint8_t family, const char *list)
{
	const struct netlink_link *l = state_link(&b->links, ifindex);
	yyjson_mut_val *ip;
	yyjson_mut_val *arr;

	if (!l || (family != AF_INET && family != AF_INET6))
		return NULL;
	ip = ip_of(b, (size_t)(l - b->links.at), family);
	arr = yyjson_mut_obj_get(ip, list);
	if (!arr)
		arr = json_add_arr(b->doc, ip, list);
	return yyjson_mut_arr_add_obj(b->doc, arr);
}

static void add_ip(struct build *b, yyjson_mut_val *o, uint8_t family, const uint8_t *addr)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family, addr, text, sizeof(text));
	yyjson_mut_obj_add_strcpy(b->doc, o, "ip", text);
}

static const char *address_status(const struct netlink_addr *a)
{
	if (a->flags & IFA_F_DADFAILED)
		return "duplicate";
	if (a->flags & IFA_F_OPTIMISTIC)
		return "optimistic";
	if (a->flags & IFA_F_TENTATIVE)
		return "tentative";
	return a->flags & IFA_F_DEPRECATED ? "deprecated" : "preferred";
}

static const char *address_origin(const struct netlink_addr *a)
{
	if (a->flags & IFA_F_TEMPORARY)
		return "random";
	if (a->proto == IFAPROT_KERNEL_RA || (a->flags & IFA_F_MANAGETEMPADDR))
		return "link-layer";
	if (a->family == AF_INET6 && a->scope == RT_SCOPE_LINK && a->proto == IFAPROT_KERNEL_LL)
		return "link-layer";
	return a->flags & IFA_F_PERMANENT ? "static" : "other";
}

static void on_addr(void *ctx, const struct netlink_event *ev)
{
	struct build *b = ctx;
	const struct netlink_addr *a = &ev->addr;
	yyjson_mut_val *o = entry_in(b, a->ifindex, a->family, "address");

	if (!o)
		return;
	add_ip(b, o, a->family, a->addr);
	yyjson_mut_obj_add_uint(b->doc, o, "prefix-length", a->prefix);
	yyjson_mut_obj_add_str(b->doc, o, "origin", address_origin(a));
	if (a->family == AF_INET6)
		yyjson_mut_obj_add_str(b->doc, o, "status", address_status(a));
}

static const char *neighbour_state(uint16_t state)
{
	if (state & NUD_INCOMPLETE)
		return "incomplete";
	if (state & NUD_STALE)
		return "stale";
	if (state & NUD_DELAY)
		return "delay";
	return state & NUD_PROBE ? "probe" : "reachable";
}

static void on_neigh(void *ctx, const struct netlink_event *ev)
{
	struct build *b = ctx;
	const struct netlink_neigh *n = &ev->neigh;
	char mac[3 * NETLINK_HWADDR_MAX + 1];
	yyjson_mut_val *o;

	/* The module wants a link-layer address of each. */
	if (!n->n_hwaddr || n->state & (NUD_NOARP | NUD_FAILED) || n->flags & NTF_PROXY)
		return;
	o = entry_in(b, n->ifindex, n->family, "neighbor");
	if (!o)
		return;
	add_ip(b, o, n->family, n->dst);
	hwaddr_text(mac, sizeof(mac), n->hwaddr, n->n_hwaddr);
	yyjson_mut_obj_add_strcpy(b->doc, o, "link-layer-address", mac);
	yyjson_mut_obj_add_str(b->doc, o, "origin",
			       n->state & NUD_PERMANENT ? "static" : "dynamic");
	if (n->family != AF_INET6)
		return;
	if (n->flags & NTF_ROUTER)
		yyjson_mut_arr_add_null(b->doc, json_add_arr(b->doc, o, "is-router"));
	yyjson_mut_obj_add_str(b->doc, o, "state", neighbour_state(n->state));
}

static int add_ips(struct build *b, struct netlink *nl)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	int rc = 0;
	int i;

	for (i = 0; i < 2 && rc == 0; i++) {
		rc = netlink_addrs(nl, families[i], 0, on_addr, b);
		if (rc == 0)
			rc = netlink_neighs(nl, families[i], 0, on_neigh, b);
	}
	return rc;
}

int state_interfaces(struct netlink *nl, const char *path, yyjson_mut_doc *doc,
		     yyjson_mut_val *root)
{
	struct build b = {.doc = doc};
	yyjson_mut_val *list;
	size_t i;
	int rc;

	if (!counter_wants(path, "/ietf-interfaces:interfaces"))
		return 0;
	rc = state_links_read(nl, &b.links);
	if (rc)
		return rc;
	state_time(state_boot_time(), b.boot);
	b.entry = calloc(3 * b.links.n + 1, sizeof(yyjson_mut_val *));
	if (!b.entry) {
		state_links_free(&b.links);
		return -ENOMEM;
	}
	b.ip4 = b.entry + b.links.n;
	b.ip6 = b.ip4 + b.links.n;
	b.ioctl_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	list = json_add_arr(doc, json_add_obj(doc, root, "ietf-interfaces:interfaces"), "interface");
	for (i = 0; i < b.links.n; i++)
		add_interface(&b, list, i);
	rc = add_ips(&b, nl);
	if (b.ioctl_fd >= 0)
		close(b.ioctl_fd);
	free(b.entry);
	state_links_free(&b.links);
	return rc;
}
