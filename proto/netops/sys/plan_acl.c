/* SPDX-License-Identifier: BSD-2-Clause */
/* Access control lists (RFC 8519). A list is a step of its own, whole; what it can match that nftables cannot is refused. */
#include "proto/netops/sys/plan_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Changes ---- */

static const struct lyd_node *find(const struct planner *p, const char *path)
{
	struct lyd_node *n = NULL;

	if (!p->after || lyd_find_path(p->after, path, 0, &n) != LY_SUCCESS)
		return NULL;
	return n;
}

static void touch_attachment(struct planner *p, const struct change *c, const struct path_step *s,
			     unsigned direction)
{
	struct object *o = plan_object(p, OBJECT_ATTACH, c->path, s[direction].end);

	if (!o || o->name)
		return;
	o->egress = plan_is(&s[direction], "egress");
	o->name = plan_key(&s[2], "interface-id");
	o->now = find(p, o->path);
	if (!o->name)
		p->rc = -ENOMEM;
}

void plan_acl_change(struct planner *p, const struct change *c, const struct path_step *s,
		     unsigned n)
{
	struct object *o;

	if (plan_is(&s[1], "attachment-points")) {
		/* An interface without a direction attaches nothing. */
		if (n > 3 && plan_is(&s[2], "interface"))
			touch_attachment(p, c, s, 3);
		return;
	}
	if (!plan_is(&s[1], "acl") || !s[1].n_keys)
		return;
	o = plan_object(p, OBJECT_ACL, c->path, s[1].end);
	if (!o || o->name)
		return;
	o->name = plan_key(&s[1], "name");
	o->now = find(p, o->path);
	if (!o->name)
		p->rc = -ENOMEM;
}

/* ---- Matches ---- */

struct ace {
	struct planner *p;
	const struct object *acl;
	yyjson_mut_val *o;
};

/* Names in the modules, and in steps; NULL: cannot be matched. number: as such. */
struct leaf {
	const char *name;
	const char *step;
	bool number;
};

static const struct leaf eth_leaves[] = {
	{"destination-mac-address", "destination-mac", false},
	{"destination-mac-address-mask", "destination-mac-mask", false},
	{"source-mac-address", "source-mac", false},
	{"source-mac-address-mask", "source-mac-mask", false},
	{0},
};
static const struct leaf ip_leaves[] = {
	{"dscp", "dscp", true},
	{"ecn", "ecn", true},
	{"length", "length", true},
	{"ttl", "ttl", true},
	{"protocol", "protocol", true},
	{"identification", "identification", true},
	{"flow-label", "flow-label", true},
	{"destination-ipv4-network", "destination", false},
	{"source-ipv4-network", "source", false},
	{"destination-ipv6-network", "destination", false},
	{"source-ipv6-network", "source", false},
	{0},
};
static const struct leaf tcp_leaves[] = {
	{"sequence-number", "tcp-sequence", true},
	{"acknowledgement-number", "tcp-acknowledgement", true},
	{"window-size", "tcp-window", true},
	{0},
};
static const struct leaf udp_leaves[] = {{"length", "udp-length", true}, {0}};
static const struct leaf icmp_leaves[] = {
	{"type", "icmp-type", true}, {"code", "icmp-code", true}, {0}};

static void refuse(struct ace *a, const struct lyd_node *n)
{
	char what[120];

	snprintf(what, sizeof(what), "nftables here cannot match on %s of %s", n->schema->name,
		 n->schema->parent->name);
	plan_refuse(a->p, a->acl->path, what);
}

static bool put_leaf(struct ace *a, const struct leaf *l, const struct lyd_node *n)
{
	for (; l->name; l++) {
		if (strcmp(l->name, n->schema->name) != 0)
			continue;
		if (l->number)
			yyjson_mut_obj_add_uint(a->p->doc, a->o, l->step,
						strtoul(lyd_get_value(n), NULL, 10));
		else
			plan_text(a->p, a->o, l->step, lyd_get_value(n));
		return true;
	}
	return false;
}

/* source-port, destination-port */
static void put_port(struct ace *a, const struct lyd_node *n)
{
	const char *lower = plan_value(n, "lower-port");
	const char *upper = plan_value(n, "upper-port");
	const char *port = plan_value(n, "port");
	const char *op = plan_value(n, "operator");
	yyjson_mut_val *o;

	if (!lower && !port)
		return;
	o = json_add_obj(a->p->doc, a->o, n->schema->name);
	plan_text(a->p, o, "op", lower ? "range" : op ? op : "eq");
	yyjson_mut_obj_add_uint(a->p->doc, o, "port", strtoul(lower ? lower : port, NULL, 10));
	if (lower)
		yyjson_mut_obj_add_uint(a->p->doc, o, "upper",
					strtoul(upper ? upper : lower, NULL, 10));
}

/* "syn ack": bits, by name. */
static void put_flags(struct ace *a, const char *bits)
{
	yyjson_mut_val *list = json_add_arr(a->p->doc, a->o, "tcp-flag");

	while (*bits) {
		size_t n = strcspn(bits, " ");

		if (n == 3 && strncmp(bits, "ece", 3) == 0)
			yyjson_mut_arr_add_str(a->p->doc, list, "ecn");
		else if (n)
			yyjson_mut_arr_add_strncpy(a->p->doc, list, bits, n);
		bits += n + (bits[n] == ' ');
	}
}

/* A number, or a name for one. */
static void put_ethertype(struct ace *a, const struct lyd_node *n)
{
	const struct lyd_value *v = &((const struct lyd_node_term *)n)->value;

	if (v->realtype->basetype == LY_TYPE_UNION)
		v = &v->subvalue->value;
	if (v->realtype->basetype == LY_TYPE_ENUM)
		yyjson_mut_obj_add_uint(a->p->doc, a->o, "ethertype",
					(uint64_t)v->enum_item->value);
	else
		yyjson_mut_obj_add_uint(a->p->doc, a->o, "ethertype",
					strtoul(lyd_get_value(n), NULL, 10));
}

static void put_layer(struct ace *a, const struct lyd_node *layer, const struct leaf *leaves)
{
	const struct lyd_node *n;

	LY_LIST_FOR(lyd_child(layer), n)
	{
		const char *name = n->schema->name;

		if (put_leaf(a, leaves, n))
			continue;
		if (strcmp(name, "source-port") == 0 || strcmp(name, "destination-port") == 0)
			put_port(a, n);
		else if (leaves == tcp_leaves && strcmp(name, "flags") == 0)
			put_flags(a, lyd_get_value(n));
		else if (leaves == eth_leaves && strcmp(name, "ethertype") == 0)
			put_ethertype(a, n);
		else if (!(n->flags & LYD_DEFAULT))
			refuse(a, n);
	}
}

static void put_matches(struct ace *a, const struct lyd_node *matches)
{
	const struct lyd_node *n;

	LY_LIST_FOR(lyd_child(matches), n)
	{
		const char *name = n->schema->name;

		if (strcmp(name, "ingress-interface") == 0)
			plan_text(a->p, a->o, "ingress", lyd_get_value(n));
		else if (strcmp(name, "egress-interface") == 0)
			plan_text(a->p, a->o, "egress", lyd_get_value(n));
		else if (strcmp(name, "eth") == 0)
			put_layer(a, n, eth_leaves);
		else if (strcmp(name, "ipv4") == 0 || strcmp(name, "ipv6") == 0) {
			plan_text(a->p, a->o, "family", name);
			put_layer(a, n, ip_leaves);
		} else if (lyd_child(n) || !(n->flags & LYD_DEFAULT)) {
			plan_text(a->p, a->o, "l4", name);
			put_layer(a, n,
				  name[0] == 't'   ? tcp_leaves
				  : name[0] == 'u' ? udp_leaves
						   : icmp_leaves);
		}
	}
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text);
	size_t m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static void put_actions(struct ace *a, const struct lyd_node *actions)
{
	const char *forwarding = plan_value(actions, "forwarding");
	const char *logging = plan_value(actions, "logging");

	if (!forwarding || ends_with(forwarding, "accept"))
		plan_text(a->p, a->o, "action", "accept");
	else if (ends_with(forwarding, "drop"))
		plan_text(a->p, a->o, "action", "drop");
	else if (ends_with(forwarding, "reject"))
		plan_text(a->p, a->o, "action", "reject");
	else
		plan_refuse(a->p, a->acl->path, "an action that is neither accept, drop nor reject");
	if (logging && ends_with(logging, "log-syslog"))
		yyjson_mut_arr_add_null(a->p->doc, json_add_arr(a->p->doc, a->o, "log"));
}

/* ---- Steps ---- */

static void acl_steps(struct planner *p, const struct object *o)
{
	yyjson_mut_val *s = plan_step(p, PLAN_FILTER, "acl");
	yyjson_mut_val *list;
	const struct lyd_node *n;

	plan_text(p, s, "name", o->name);
	if (!o->now) {
		plan_absent(p, s);
		return;
	}
	list = json_add_arr(p->doc, s, "ace");
	LY_LIST_FOR(lyd_child(plan_child(o->now, "aces")), n)
	{
		struct ace a = {p, o, yyjson_mut_arr_add_obj(p->doc, list)};

		plan_text(p, a.o, "name", plan_value(n, "name"));
		put_matches(&a, plan_child(n, "matches"));
		put_actions(&a, plan_child(n, "actions"));
	}
}

void plan_acl_steps(struct planner *p, struct object *o)
{
	const struct lyd_node *n;
	yyjson_mut_val *list;
	yyjson_mut_val *s;

	if (o->kind == OBJECT_ACL) {
		acl_steps(p, o);
		return;
	}
	s = plan_step(p, PLAN_FILTER, "attach");
	plan_text(p, s, "link", o->name);
	plan_text(p, s, "direction", o->egress ? "egress" : "ingress");
	list = json_add_arr(p->doc, s, "acl");
	LY_LIST_FOR(lyd_child(plan_child(o->now, "acl-sets")), n)
	yyjson_mut_arr_add_strcpy(p->doc, list, plan_value(n, "name"));
}

/* ---- All ---- */

static void add(struct planner *p, enum object_kind kind, const struct lyd_node *n,
		const char *name, bool egress)
{
	char *path = lyd_path(n, LYD_PATH_STD, NULL, 0);
	struct object *o = path ? plan_object(p, kind, path, strlen(path)) : NULL;

	free(path);
	if (o)
		o->name = strdup(name ? name : "");
	if (!o || !o->name) {
		p->rc = -ENOMEM;
		return;
	}
	o->now = n;
	o->egress = egress;
}

void plan_acl_all(struct planner *p, const struct lyd_node *acls)
{
	const struct lyd_node *points = plan_child(acls, "attachment-points");
	const struct lyd_node *n;

	LY_LIST_FOR(lyd_child(acls), n)
	{
		if (strcmp(n->schema->name, "acl") == 0)
			add(p, OBJECT_ACL, n, plan_value(n, "name"), false);
	}
	LY_LIST_FOR(lyd_child(points), n)
	{
		const char *name = plan_value(n, "interface-id");
		const struct lyd_node *in = plan_child(n, "ingress");
		const struct lyd_node *out = plan_child(n, "egress");

		if (plan_child(in, "acl-sets"))
			add(p, OBJECT_ATTACH, in, name, false);
		if (plan_child(out, "acl-sets"))
			add(p, OBJECT_ATTACH, out, name, true);
	}
}
