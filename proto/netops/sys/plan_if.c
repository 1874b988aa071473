/* SPDX-License-Identifier: BSD-2-Clause */
/* Interfaces with their IP: ietf-interfaces, ietf-ip, depanneur-interfaces. */
#include "proto/netops/sys/plan_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Containers of depanneur-interfaces, and what the kernel calls what they make. */
static const struct made {
	const char *container;
	const char *kind;
	bool upper; /* may stand on another */
} mades[] = {
	{"veth", "veth", false},  {"bridge-made", "bridge", false}, {"vxlan", "vxlan", true},
	{"macvlan", "macvlan", true}, {"vlan", "vlan", true},	    {"vrf", "vrf", false},
	{"dummy", "dummy", false}, {"ifb", "ifb", false},	    {"tun", "tun", false},
	{"bond", "bond", false},
};
#define N_MADE (sizeof(mades) / sizeof(mades[0]))

static const struct made *made_step(const struct path_step *s)
{
	size_t i;

	for (i = 0; i < N_MADE; i++)
		if (plan_is(s, mades[i].container))
			return &mades[i];
	return NULL;
}

/* A bridge is also one by its type alone. */
static const struct made *made_now(const struct lyd_node *interface, const struct lyd_node **at)
{
	const char *type = plan_value(interface, "type");
	size_t i;

	for (i = 0; i < N_MADE; i++) {
		*at = plan_child(interface, mades[i].container);
		if (*at)
			return &mades[i];
	}
	*at = NULL;
	return type && strcmp(type, "iana-if-type:bridge") == 0 ? &mades[1] : NULL;
}

/* ---- Changes ---- */

static const struct {
	const char *name;
	const char *family; /* below ipv4 or ipv6; NULL: of the interface */
	unsigned touched;
} leaves[] = {
	{"enabled", NULL, TOUCH_ENABLED},
	{"description", NULL, TOUCH_DESCRIPTION},
	{"mtu", NULL, TOUCH_MTU},
	{"mac-address", NULL, TOUCH_MAC},
	{"bridge", NULL, TOUCH_BRIDGE},
	{"type", NULL, TOUCH_LINK},
	{"forwarding", "ipv4", TOUCH_FORWARDING4},
	{"mtu", "ipv4", TOUCH_MTU},
	{"enabled", "ipv4", TOUCH_ADDRESS4},
	{"forwarding", "ipv6", TOUCH_FORWARDING6},
	{"mtu", "ipv6", TOUCH_MTU6},
	{"enabled", "ipv6", TOUCH_ENABLED6},
	{"dup-addr-detect-transmits", "ipv6", TOUCH_DAD},
	{"autoconf", "ipv6", TOUCH_AUTOCONF},
};

static unsigned touched_by(const struct path_step *s, const struct path_step *family)
{
	size_t i;

	for (i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
		if (plan_is(s, leaves[i].name) &&
		    (family ? leaves[i].family && plan_is(family, leaves[i].family)
			    : !leaves[i].family))
			return leaves[i].touched;
	return 0;
}

static const struct lyd_node *find(const struct planner *p, const char *path)
{
	struct lyd_node *n = NULL;

	if (!p->after || lyd_find_path(p->after, path, 0, &n) != LY_SUCCESS)
		return NULL;
	return n;
}

static struct object *interface_object(struct planner *p, const char *path,
				       const struct path_step *entry)
{
	struct object *o = plan_object(p, OBJECT_INTERFACE, path, entry->end);

	if (o && !o->name) {
		o->name = plan_key(entry, "name");
		o->now = find(p, o->path);
		if (!o->name)
			p->rc = -ENOMEM;
	}
	return o;
}

/* An address or a neighbour. */
static void change_entry(struct planner *p, const struct change *c, const struct path_step *s,
			 unsigned n, struct object *interface)
{
	bool address = plan_is(&s[3], "address");
	struct object *o = plan_object(p, address ? OBJECT_ADDRESS : OBJECT_NEIGHBOUR, c->path,
				       s[3].end);

	if (!o)
		return;
	if (!o->name) {
		o->name = strdup(interface->name);
		o->key = plan_key(&s[3], "ip");
		o->v6 = plan_is(&s[2], "ipv6");
		o->now = find(p, o->path);
	}
	if (!o->name || !o->key)
		p->rc = -ENOMEM;
	if (n == 5 && c->old && plan_is(&s[4], "prefix-length") && !o->old)
		o->old = strdup(c->old);
	if (n == 5 && c->old && plan_is(&s[4], "netmask"))
		plan_refuse(p, c->path, "netmasks are written as prefix-length here");
	if (address && o->old && !o->v6)
		interface->touched |= TOUCH_ADDRESS4;
}

void plan_if_change(struct planner *p, const struct change *c, const struct path_step *s,
		    unsigned n)
{
	struct object *o;
	bool ip;

	if (!plan_is(&s[1], "interface") || !s[1].n_keys)
		return;
	o = interface_object(p, c->path, &s[1]);
	if (!o || p->rc)
		return;
	if (n == 2) {
		o->touched |= TOUCH_LINK;
		if (c->op == CHANGE_CREATE)
			o->touched |= TOUCH_ALL & ~(TOUCH_FORWARDING4 | TOUCH_FORWARDING6 |
						    TOUCH_MTU6 | TOUCH_DAD | TOUCH_AUTOCONF |
						    TOUCH_ENABLED6);
		return;
	}
	ip = plan_is(&s[2], "ipv4") || plan_is(&s[2], "ipv6");
	if (ip && n > 3 && (plan_is(&s[3], "address") || plan_is(&s[3], "neighbor")))
		change_entry(p, c, s, n, o);
	else if (ip && n > 3)
		o->touched |= touched_by(&s[3], &s[2]);
	else if (!ip && plan_is(&s[2], "queue"))
		o->touched |= TOUCH_QUEUE;
	else if (!ip && made_step(&s[2])) {
		o->touched |= TOUCH_LINK;
		o->was_made = o->was_made || c->op != CHANGE_CREATE;
	} else if (!ip) {
		o->touched |= touched_by(&s[2], NULL);
		if (plan_is(&s[2], "type") && c->old &&
		    strcmp(c->old, "iana-if-type:bridge") == 0)
			o->was_made = true;
	}
}

/* ---- Steps of the link ---- */

static void put_number(struct planner *p, yyjson_mut_val *o, const char *key, const char *value)
{
	if (value)
		yyjson_mut_obj_add_uint(p->doc, o, key, strtoul(value, NULL, 10));
}

static void put_made(struct planner *p, yyjson_mut_val *o, const struct made *m,
		     const struct lyd_node *at)
{
	const char *mode = plan_value(at, "mode");

	if (strcmp(m->kind, "tun") == 0) {
		plan_text(p, o, "kind", mode && strcmp(mode, "tap") == 0 ? "tap" : "tun");
		return;
	}
	plan_text(p, o, "kind", m->kind);
	plan_text(p, o, "peer", plan_value(at, "peer"));
	plan_text(p, o, "lower", plan_value(at, "lower"));
	plan_text(p, o, "local", plan_value(at, "local"));
	plan_text(p, o, "remote", plan_value(at, "remote"));
	plan_text(p, o, "mode", mode);
	put_number(p, o, "id", plan_value(at, "id"));
	put_number(p, o, "id", plan_value(at, "table"));
	put_number(p, o, "port", plan_value(at, "port"));
}

static void delete_link(struct planner *p, const char *name)
{
	yyjson_mut_val *o = plan_step(p, PLAN_DEL_LINK, "link");

	plan_text(p, o, "name", name);
	plan_absent(p, o);
}

/* What it is made with, then what it is set to. mtu and so on only where they changed: else what somebody else set stays. */
static void set_link(struct planner *p, const struct object *o)
{
	const struct lyd_node *ipv4 = plan_child(o->now, "ipv4");
	const char *enabled = plan_value(o->now, "enabled");
	const char *mtu = plan_value(o->now, "mtu");
	const char *alias = plan_value(o->now, "description");
	const char *bridge = plan_value(o->now, "bridge");
	const char *mac = plan_value(o->now, "mac-address");
	bool fresh = p->said || o->touched & TOUCH_LINK;
	yyjson_mut_val *s;

	if (!(o->touched & (TOUCH_LINK | TOUCH_ENABLED | TOUCH_DESCRIPTION | TOUCH_MTU |
			    TOUCH_MAC | TOUCH_BRIDGE)))
		return;
	s = plan_step(p, PLAN_SET_LINK, "link");
	plan_text(p, s, "name", o->name);
	if (!mtu)
		mtu = plan_value(ipv4, "mtu");
	if (o->touched & TOUCH_MTU && (mtu || !fresh))
		put_number(p, s, "mtu", mtu ? mtu : strcmp(o->name, "lo") == 0 ? "65536" : "1500");
	if (o->touched & TOUCH_MAC && mac)
		plan_text(p, s, "mac", mac);
	if (o->touched & TOUCH_DESCRIPTION && (alias || !fresh))
		plan_text(p, s, "alias", alias ? alias : "");
	if (o->touched & TOUCH_BRIDGE && (bridge || !fresh))
		plan_text(p, s, "master", bridge ? bridge : "");
	if (o->touched & (TOUCH_ENABLED | TOUCH_LINK))
		yyjson_mut_obj_add_bool(p->doc, s, "up", !enabled || enabled[0] == 't');
}

static void put_sysctl(struct planner *p, const struct object *o, const char *key, long value)
{
	yyjson_mut_val *s = plan_step(p, PLAN_SYSCTL, "sysctl");

	plan_text(p, s, "link", o->name);
	plan_text(p, s, "key", key);
	yyjson_mut_obj_add_int(p->doc, s, "value", value);
}

static void put_big(struct planner *p, yyjson_mut_val *o, const char *key, const char *value)
{
	plan_text(p, o, key, value); /* RFC 7951 §6.1 */
}

static void queue(struct planner *p, const struct object *o)
{
	static const char *const kinds[] = {"pfifo", "tbf", "red", "htb"};
	static const char *const leaves_of[] = {"burst", "limit", "min", "max", "average", "probability"};
	const struct lyd_node *all = plan_child(o->now, "queue");
	const struct lyd_node *at = NULL;
	yyjson_mut_val *s;
	size_t i;
	size_t k;

	for (k = 0; k < 4 && !(at = plan_child(all, kinds[k])); k++)
		;
	/* A new interface has none. */
	if (!at && (p->all || o->touched & TOUCH_LINK || !(o->touched & TOUCH_QUEUE)))
		return;
	if (at && !(o->touched & (TOUCH_QUEUE | TOUCH_LINK)))
		return;
	s = plan_step(p, PLAN_QUEUE, "queue");
	plan_text(p, s, "link", o->name);
	if (!at) {
		plan_absent(p, s);
		return;
	}
	plan_text(p, s, "kind", kinds[k]);
	put_big(p, s, "rate", plan_value(at, "rate"));
	put_big(p, s, "ceil", plan_value(at, "ceil"));
	put_big(p, s, "bandwidth", plan_value(at, "bandwidth"));
	for (i = 0; i < sizeof(leaves_of) / sizeof(leaves_of[0]); i++)
		put_number(p, s, leaves_of[i], plan_value(at, leaves_of[i]));
}

static long flag(const struct lyd_node *at, const char *name, bool otherwise)
{
	const char *v = plan_value(at, name);

	return v ? v[0] == 't' : otherwise;
}

static long number(const struct lyd_node *at, const char *name, long otherwise)
{
	const char *v = plan_value(at, name);

	return v ? strtol(v, NULL, 10) : otherwise;
}

static void sysctls(struct planner *p, const struct object *o)
{
	const struct lyd_node *ipv4 = plan_child(o->now, "ipv4");
	const struct lyd_node *ipv6 = plan_child(o->now, "ipv6");

	if (o->touched & TOUCH_FORWARDING4 && (!p->said || plan_value(ipv4, "forwarding")))
		put_sysctl(p, o, "ipv4-forwarding", flag(ipv4, "forwarding", false));
	if (o->touched & TOUCH_ENABLED6 && (!p->said || plan_value(ipv6, "enabled")))
		put_sysctl(p, o, "ipv6-disable", !flag(ipv6, "enabled", true));
	if (o->touched & TOUCH_FORWARDING6 && (!p->said || plan_value(ipv6, "forwarding")))
		put_sysctl(p, o, "ipv6-forwarding", flag(ipv6, "forwarding", false));
	if (o->touched & TOUCH_DAD && (!p->said || plan_value(ipv6, "dup-addr-detect-transmits")))
		put_sysctl(p, o, "ipv6-dad-transmits",
			   number(ipv6, "dup-addr-detect-transmits", 1));
	if (o->touched & TOUCH_AUTOCONF &&
	    (!p->said || plan_value(plan_child(ipv6, "autoconf"), "create-global-addresses")))
		put_sysctl(p, o, "ipv6-autoconf",
			   flag(plan_child(ipv6, "autoconf"), "create-global-addresses", true));
	if (o->touched & TOUCH_MTU6 && plan_value(ipv6, "mtu"))
		put_sysctl(p, o, "ipv6-mtu", number(ipv6, "mtu", 1500));
}

/* ---- Steps of addresses and neighbours ---- */

static void address(struct planner *p, const char *link, const char *ip, const char *prefix,
		    bool absent)
{
	yyjson_mut_val *o = plan_step(p, absent ? PLAN_DEL_ADDRESS : PLAN_ADDRESS, "address");

	plan_text(p, o, "link", link);
	json_add_text(p->doc, o, "ip", "%s/%s", ip, prefix);
	if (absent)
		plan_absent(p, o);
}

static void address_now(struct planner *p, const char *link, const struct lyd_node *entry)
{
	const char *ip = plan_value(entry, "ip");
	const char *prefix = plan_value(entry, "prefix-length");

	if (ip && prefix)
		address(p, link, ip, prefix, false);
	else
		plan_refuse(p, link, "an address needs its prefix-length");
}

static void neighbour(struct planner *p, const char *link, const char *ip, const char *mac)
{
	yyjson_mut_val *o = plan_step(p, mac ? PLAN_NEIGHBOUR : PLAN_DEL_NEIGHBOUR, "neighbour");

	plan_text(p, o, "link", link);
	plan_text(p, o, "ip", ip);
	plan_text(p, o, "mac", mac);
	if (!mac)
		plan_absent(p, o);
}

static void every_entry(struct planner *p, const char *link, const struct lyd_node *ip)
{
	const struct lyd_node *n;

	LY_LIST_FOR(lyd_child(ip), n)
	{
		if (strcmp(n->schema->name, "address") == 0)
			address_now(p, link, n);
		else if (strcmp(n->schema->name, "neighbor") == 0)
			neighbour(p, link, plan_value(n, "ip"),
				  plan_value(n, "link-layer-address"));
	}
}

/* Whether the whole interface with all on it is planned, so that parts of it need not be. */
static bool whole(const struct object *o)
{
	return o->touched & (TOUCH_LINK | TOUCH_ENABLED | TOUCH_ENABLED6);
}

static void interface_steps(struct planner *p, struct object *o)
{
	const struct lyd_node *at;
	const struct made *m;
	yyjson_mut_val *s;

	if (!o->now && p->said)
		return;
	if (!o->now) {
		if (o->was_made) {
			delete_link(p, o->name);
			return;
		}
		/* It stays, with nothing of ours on it but what it was. */
		s = plan_step(p, PLAN_SET_LINK, "link");
		plan_text(p, s, "name", o->name);
		plan_text(p, s, "alias", "");
		if (o->touched & TOUCH_QUEUE) {
			s = plan_step(p, PLAN_QUEUE, "queue");
			plan_text(p, s, "link", o->name);
			plan_absent(p, s);
		}
		return;
	}
	m = made_now(o->now, &at);
	if (o->touched & TOUCH_LINK && !p->said) {
		if (o->was_made && !p->all)
			delete_link(p, o->name);
		s = plan_step(p, m && m->upper ? PLAN_NEW_UPPER : PLAN_NEW_LINK, "link");
		plan_text(p, s, "name", o->name);
		if (m)
			put_made(p, s, m, at);
	}
	set_link(p, o);
	sysctls(p, o);
	if (!p->said)
		queue(p, o);
	if (whole(o)) {
		every_entry(p, o->name, plan_child(o->now, "ipv4"));
		every_entry(p, o->name, plan_child(o->now, "ipv6"));
	}
}

/* The interface that an entry is on is planned whole. */
static bool covered(struct planner *p, const struct object *o)
{
	struct path_step s[PLAN_STEPS];
	struct object *interface;

	if (plan_split(o->path, s) < 2)
		return false;
	interface = plan_object(p, OBJECT_INTERFACE, o->path, s[1].end);
	return interface && interface->now && whole(interface);
}

void plan_if_steps(struct planner *p, struct object *o)
{
	const char *prefix = plan_value(o->now, "prefix-length");

	if (o->kind == OBJECT_INTERFACE) {
		interface_steps(p, o);
		return;
	}
	if (o->kind == OBJECT_ADDRESS) {
		if (o->old && !p->said && (!prefix || strcmp(o->old, prefix) != 0))
			address(p, o->name, o->key, o->old, true);
		if (o->now && !covered(p, o))
			address_now(p, o->name, o->now);
		return;
	}
	if (!o->now && p->said)
		return;
	if (!o->now)
		neighbour(p, o->name, o->key, NULL);
	else if (!covered(p, o))
		neighbour(p, o->name, o->key, plan_value(o->now, "link-layer-address"));
}

void plan_if_all(struct planner *p, const struct lyd_node *interfaces)
{
	const struct lyd_node *n;
	char path[512];

	LY_LIST_FOR(lyd_child(interfaces), n)
	{
		const char *name = plan_value(n, "name");
		const struct lyd_node *ipv6 = plan_child(n, "ipv6");
		const struct lyd_node *ipv4 = plan_child(n, "ipv4");
		struct object *o;

		if (!name)
			continue;
		snprintf(path, sizeof(path), "/ietf-interfaces:interfaces/interface[name='%s']",
			 name);
		o = plan_object(p, OBJECT_INTERFACE, path, strlen(path));
		if (!o)
			return;
		o->name = strdup(name);
		o->now = n;
		o->touched = TOUCH_LINK | TOUCH_ENABLED | TOUCH_DESCRIPTION | TOUCH_MTU |
			     TOUCH_MAC | TOUCH_BRIDGE;
		/* Sysctls have no owner: only those that are said are ours. */
		if (plan_value(ipv4, "forwarding"))
			o->touched |= TOUCH_FORWARDING4;
		if (plan_value(ipv6, "forwarding"))
			o->touched |= TOUCH_FORWARDING6;
		if (plan_value(ipv6, "mtu"))
			o->touched |= TOUCH_MTU6;
		if (plan_value(ipv6, "dup-addr-detect-transmits"))
			o->touched |= TOUCH_DAD;
		if (plan_child(plan_child(ipv6, "autoconf"), "create-global-addresses"))
			o->touched |= TOUCH_AUTOCONF;
		if (plan_value(ipv6, "enabled"))
			o->touched |= TOUCH_ENABLED6;
		if (!o->name)
			p->rc = -ENOMEM;
	}
}
