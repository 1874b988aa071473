/* SPDX-License-Identifier: BSD-2-Clause */
/* Static routes (RFC 8349 §5, §8, §9). */
#include "proto/netops/sys/plan_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOLS "/ietf-routing:routing/control-plane-protocols/control-plane-protocol"

/* control-plane-protocol, static-routes, ipv4 or ipv6, route. */
enum { AT_PROTOCOLS = 1, AT_PROTOCOL, AT_STATIC, AT_FAMILY, AT_ROUTE };

/* The entry in the tree: its list's parent is the same for many, and kept from one to the next. */
static const struct lyd_node *find(const struct planner *p, const char *path, const char *key)
{
	static const char *const predicate = "[destination-prefix='%s']";
	struct lyd_node *parent = NULL;
	struct lyd_node *n = NULL;
	const struct lysc_node *list;
	struct path_step s[PLAN_STEPS];
	char *above;
	char keys[128];

	if (!p->after || plan_split(path, s) <= AT_ROUTE)
		return NULL;
	above = strndup(path, s[AT_FAMILY].end);
	if (!above)
		return NULL;
	if (lyd_find_path(p->after, above, 0, &parent) != LY_SUCCESS)
		parent = NULL;
	free(above);
	if (!parent)
		return NULL;
	list = lys_find_child(parent->schema, parent->schema->module, "route", 0, LYS_LIST, 0);
	snprintf(keys, sizeof(keys), predicate, key);
	if (!list || lyd_find_sibling_val(lyd_child(parent), list, keys, 0, &n) != LY_SUCCESS)
		return NULL;
	return n;
}

void plan_route_change(struct planner *p, const struct change *c, const struct path_step *s,
		       unsigned n)
{
	struct object *o;

	if (n <= AT_ROUTE || !plan_is(&s[AT_STATIC], "static-routes") ||
	    !plan_is(&s[AT_ROUTE], "route"))
		return;
	/* No step tells the kernel what people call it. */
	if (n > AT_ROUTE + 1 && plan_is(&s[AT_ROUTE + 1], "description"))
		return;
	o = plan_object(p, OBJECT_ROUTE, c->path, s[AT_ROUTE].end);
	if (!o || o->key)
		return;
	o->v6 = plan_is(&s[AT_FAMILY], "ipv6");
	o->key = plan_key(&s[AT_ROUTE], "destination-prefix");
	if (!o->key)
		p->rc = -ENOMEM;
	else
		o->now = find(p, o->path, o->key);
}

static void put_hop(struct planner *p, yyjson_mut_val *o, const struct lyd_node *hop)
{
	plan_text(p, o, "via", plan_value(hop, "next-hop-address"));
	plan_text(p, o, "link", plan_value(hop, "outgoing-interface"));
}

void plan_route_steps(struct planner *p, struct object *o)
{
	const struct lyd_node *hop = plan_child(o->now, "next-hop");
	const struct lyd_node *list = plan_child(hop, "next-hop-list");
	const char *special = plan_value(hop, "special-next-hop");
	const struct lyd_node *n;
	yyjson_mut_val *s;
	yyjson_mut_val *hops;

	s = plan_step(p, o->now ? PLAN_ROUTE : PLAN_DEL_ROUTE, "route");
	plan_text(p, s, "to", o->key);
	if (!o->now) {
		plan_absent(p, s);
		return;
	}
	if (special && strcmp(special, "receive") == 0)
		plan_refuse(p, o->path, "a route to this machine itself cannot be made");
	plan_text(p, s, "type", special);
	if (!list || !lyd_child(list)) {
		put_hop(p, s, hop);
		return;
	}
	hops = json_add_arr(p->doc, s, "hop");
	LY_LIST_FOR(lyd_child(list), n)
	put_hop(p, yyjson_mut_arr_add_obj(p->doc, hops), n);
}

/* ---- Every route ---- */

static void add(struct planner *p, const struct lyd_node *route, bool v6)
{
	char *path = lyd_path(route, LYD_PATH_STD, NULL, 0);
	const char *key = plan_value(route, "destination-prefix");
	struct object *o = path && key ? plan_object(p, OBJECT_ROUTE, path, strlen(path)) : NULL;

	free(path);
	if (!o) {
		p->rc = -ENOMEM;
		return;
	}
	if (o->key)
		return;
	o->v6 = v6;
	o->now = route;
	o->key = strdup(key);
	if (!o->key)
		p->rc = -ENOMEM;
}

/* Calls f for each static route of the tree. */
static void each_route(struct planner *p, const struct lyd_node *routing,
		       bool (*f)(struct planner *p, const struct lyd_node *route, bool v6))
{
	const struct lyd_node *protocol;
	const struct lyd_node *family;
	const struct lyd_node *route;

	LY_LIST_FOR(lyd_child(plan_child(routing, "control-plane-protocols")), protocol)
	{
		LY_LIST_FOR(lyd_child(plan_child(protocol, "static-routes")), family)
		{
			bool v6 = strcmp(family->schema->name, "ipv6") == 0;

			LY_LIST_FOR(lyd_child(family), route)
			{
				if (p->rc == 0 && strcmp(route->schema->name, "route") == 0 &&
				    f(p, route, v6))
					add(p, route, v6);
			}
		}
	}
}

static bool any(struct planner *p, const struct lyd_node *route, bool v6)
{
	return true;
}

void plan_route_all(struct planner *p, const struct lyd_node *routing)
{
	each_route(p, routing, any);
}

/* ---- Routes that went with an interface or an address ---- */

static bool within(const char *addr, const struct lyd_node *entry)
{
	const char *ip = plan_value(entry, "ip");
	const char *prefix = plan_value(entry, "prefix-length");
	unsigned bits = prefix ? (unsigned)strtoul(prefix, NULL, 10) : 0;
	int family = strchr(addr, ':') ? AF_INET6 : AF_INET;
	uint8_t a[16];
	uint8_t b[16];
	unsigned i;

	if (!ip || !prefix || inet_pton(family, addr, a) != 1 || inet_pton(family, ip, b) != 1)
		return false;
	for (i = 0; i < bits / 8; i++)
		if (a[i] != b[i])
			return false;
	return bits % 8 == 0 || (uint8_t)(a[i] ^ b[i]) >> (8 - bits % 8) == 0;
}

static bool hop_uses(const struct lyd_node *hop, const struct object *o, bool v6)
{
	const char *link = plan_value(hop, "outgoing-interface");
	const char *via = plan_value(hop, "next-hop-address");
	const struct lyd_node *n;

	if (link)
		return strcmp(link, o->name) == 0;
	if (!via)
		return false;
	LY_LIST_FOR(lyd_child(plan_child(o->now, v6 ? "ipv6" : "ipv4")), n)
	{
		if (strcmp(n->schema->name, "address") == 0 && within(via, n))
			return true;
	}
	return false;
}

static bool shaken(const struct object *o)
{
	return o->kind == OBJECT_INTERFACE && o->now &&
	       o->touched & (TOUCH_LINK | TOUCH_ENABLED | TOUCH_ADDRESS4 | TOUCH_ENABLED6);
}

static bool uses_shaken(struct planner *p, const struct lyd_node *route, bool v6)
{
	const struct lyd_node *hop = plan_child(route, "next-hop");
	const struct lyd_node *list = plan_child(hop, "next-hop-list");
	const struct lyd_node *n;
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (!shaken(p->order[i]))
			continue;
		if (hop_uses(hop, p->order[i], v6))
			return true;
		LY_LIST_FOR(lyd_child(list), n)
		{
			if (hop_uses(n, p->order[i], v6))
				return true;
		}
	}
	return false;
}

void plan_route_again(struct planner *p)
{
	const struct lyd_node *n;
	bool any_shaken = false;
	size_t i;

	for (i = 0; i < p->n && !any_shaken; i++)
		any_shaken = shaken(p->order[i]);
	if (!any_shaken)
		return;
	LY_LIST_FOR(p->after ? lyd_first_sibling(p->after) : NULL, n)
	{
		if (n->schema && strcmp(n->schema->name, "routing") == 0)
			each_route(p, n, uses_shaken);
	}
}
