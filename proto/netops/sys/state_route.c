/* SPDX-License-Identifier: BSD-2-Clause */
/* ietf-routing from rtnetlink: each table of each family is a RIB, "ipv4-main", "ipv6-main", "ipv4-100"…. Local and
 * broadcast entries of the kernel's own are left out. */
#include "base/counter.h"
#include "proto/netops/sys/state.h"
#include "proto/netops/sys/step.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

struct rib {
	uint8_t family;
	uint32_t table;
	yyjson_mut_val *routes;
};

struct build {
	yyjson_mut_doc *doc;
	yyjson_mut_val *ribs;
	struct state_links links;
	struct rib *at;
	size_t n;
	int rc;
};

/* What each rtm_protocol is called in the modules. */
static const char *protocol_of(uint8_t proto)
{
	static const struct {
		uint8_t proto;
		const char *name;
	} names[] = {
		{RTPROT_KERNEL, "ietf-routing:direct"},
		{RTPROT_STATIC, "ietf-routing:static"},
		{RTPROT_BOOT, "ietf-routing:static"},
		{STEP_PROTOCOL, "ietf-routing:static"},
		{RTPROT_RA, "depanneur-interfaces:router-advertisement"},
		{RTPROT_REDIRECT, "depanneur-interfaces:redirect"},
		{RTPROT_DHCP, "depanneur-interfaces:dhcp"},
		{RTPROT_BGP, "depanneur-interfaces:bgp"},
		{RTPROT_OSPF, "depanneur-interfaces:ospf"},
		{RTPROT_ISIS, "depanneur-interfaces:isis"},
		{RTPROT_RIP, "depanneur-interfaces:rip"},
		{RTPROT_BABEL, "depanneur-interfaces:babel"},
		{75, "depanneur-interfaces:kira"},
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].proto == proto)
			return names[i].name;
	return "depanneur-interfaces:other";
}

#define V4 "ietf-ipv4-unicast-routing:"
#define V6 "ietf-ipv6-unicast-routing:"

static yyjson_mut_val *routes_of(struct build *b, uint8_t family, uint32_t table)
{
	bool v4 = family == AF_INET;
	struct rib *at;
	yyjson_mut_val *o;
	size_t i;

	for (i = 0; i < b->n; i++)
		if (b->at[i].family == family && b->at[i].table == table)
			return b->at[i].routes;
	at = realloc(b->at, (b->n + 1) * sizeof(*at));
	if (!at)
		return b->rc = -ENOMEM, NULL;
	b->at = at;
	o = yyjson_mut_arr_add_obj(b->doc, b->ribs);
	if (table == RT_TABLE_MAIN)
		yyjson_mut_obj_add_str(b->doc, o, "name", v4 ? "ipv4-main" : "ipv6-main");
	else
		json_add_text(b->doc, o, "name", "ipv%d-%u", v4 ? 4 : 6, table);
	yyjson_mut_obj_add_str(b->doc, o, "address-family",
			       v4 ? V4 "ipv4-unicast" : V6 "ipv6-unicast");
	yyjson_mut_obj_add_bool(b->doc, o, "default-rib", table == RT_TABLE_MAIN);
	at[b->n] = (struct rib){family, table,
				json_add_arr(b->doc, json_add_obj(b->doc, o, "routes"), "route")};
	return at[b->n++].routes;
}

static void add_hop(struct build *b, yyjson_mut_val *o, uint8_t family, uint32_t ifindex,
		    bool has_via, const uint8_t *via, bool listed)
{
	const struct netlink_link *l = state_link(&b->links, ifindex);
	const char *key = family == AF_INET ? V4 "next-hop-address" : V6 "next-hop-address";
	char text[INET6_ADDRSTRLEN];

	if (listed)
		key = family == AF_INET ? V4 "address" : V6 "address";
	if (l)
		yyjson_mut_obj_add_strcpy(b->doc, o, "outgoing-interface", l->name);
	if (!has_via || !inet_ntop(family, via, text, sizeof(text)))
		return;
	yyjson_mut_obj_add_strcpy(b->doc, o, key, text);
}

static const char *special(uint8_t type)
{
	switch (type) {
	case RTN_BLACKHOLE:
		return "blackhole";
	case RTN_UNREACHABLE:
		return "unreachable";
	case RTN_PROHIBIT:
		return "prohibit";
	default:
		return NULL;
	}
}

static bool add_next_hops(struct build *b, yyjson_mut_val *o, const struct netlink_route *r)
{
	yyjson_mut_val *hop = json_add_obj(b->doc, o, "next-hop");
	const char *name = special(r->type);
	yyjson_mut_val *list;
	bool dead = true;
	unsigned i;

	if (name) {
		yyjson_mut_obj_add_str(b->doc, hop, "special-next-hop", name);
		return true;
	}
	if (!r->n_hops) {
		add_hop(b, hop, r->family, r->ifindex, r->has_via, r->via, false);
		return !(r->flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN));
	}
	list = json_add_arr(b->doc, json_add_obj(b->doc, hop, "next-hop-list"), "next-hop");
	for (i = 0; i < r->n_hops && i < NETLINK_HOPS_MAX; i++) {
		const struct netlink_hop *h = &r->hop[i];

		add_hop(b, yyjson_mut_arr_add_obj(b->doc, list), r->family, h->ifindex, h->has_via,
			h->via, true);
		dead = dead && h->flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN);
	}
	return !dead;
}

static void on_route(void *ctx, const struct netlink_route *r, const struct nlmsghdr *raw)
{
	struct build *b = ctx;
	char text[INET6_ADDRSTRLEN];
	yyjson_mut_val *routes;
	yyjson_mut_val *o;

	if (r->table == RT_TABLE_LOCAL || (r->type != RTN_UNICAST && !special(r->type)) || b->rc)
		return;
	routes = routes_of(b, r->family, r->table);
	if (!routes)
		return;
	o = yyjson_mut_arr_add_obj(b->doc, routes);
	yyjson_mut_obj_add_uint(b->doc, o, "route-preference", r->metric);
	inet_ntop(r->family, r->dst, text, sizeof(text));
	json_add_text(b->doc, o,
		      r->family == AF_INET ? V4 "destination-prefix" : V6 "destination-prefix",
		      "%s/%u", text, r->prefix);
	if (add_next_hops(b, o, r))
		yyjson_mut_arr_add_null(b->doc, json_add_arr(b->doc, o, "active"));
	yyjson_mut_obj_add_str(b->doc, o, "source-protocol", protocol_of(r->proto));
}

static void add_interfaces(struct build *b, yyjson_mut_val *routing)
{
	yyjson_mut_val *list;
	size_t i;

	list = json_add_arr(b->doc, json_add_obj(b->doc, routing, "interfaces"), "interface");
	for (i = 0; i < b->links.n; i++)
		if (b->links.at[i].flags & IFF_UP)
			yyjson_mut_arr_add_strcpy(b->doc, list, b->links.at[i].name);
}

int state_routing(struct netlink *nl, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct netlink_route_filter only = {0};
	struct build b = {.doc = doc};
	yyjson_mut_val *routing;
	int rc;
	int i;

	if (!counter_wants(path, "/ietf-routing:routing"))
		return 0;
	rc = state_links_read(nl, &b.links);
	if (rc)
		return rc;
	routing = json_add_obj(doc, root, "ietf-routing:routing");
	if (counter_wants(path, "/ietf-routing:routing/interfaces"))
		add_interfaces(&b, routing);
	if (counter_wants(path, "/ietf-routing:routing/ribs")) {
		b.ribs = json_add_arr(doc, json_add_obj(doc, routing, "ribs"), "rib");
		for (i = 0; i < 2 && rc == 0 && b.rc == 0; i++) {
			only.family = families[i];
			routes_of(&b, families[i], RT_TABLE_MAIN);
			rc = netlink_routes_some(nl, &only, on_route, &b);
		}
	}
	free(b.at);
	state_links_free(&b.links);
	return rc ? rc : b.rc;
}
