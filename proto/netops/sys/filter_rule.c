/* SPDX-License-Identifier: BSD-2-Clause */
/* An ACE as a rule of nftables, in the JSON of libnftables-json(5). */
#include "proto/netops/sys/filters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct rule {
	yyjson_mut_doc *doc;
	yyjson_mut_val *expr;
	yyjson_val *ace;
};

void filter_chain(const char *prefix, const char *name, char to[FILTER_CHAIN])
{
	size_t n = (size_t)snprintf(to, FILTER_CHAIN, "%s", prefix);
	const unsigned char *s = (const unsigned char *)name;

	for (; *s && n + 4 < FILTER_CHAIN; s++) {
		bool plain = (*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') ||
			     (*s >= 'A' && *s <= 'Z');

		n += (size_t)snprintf(to + n, FILTER_CHAIN - n, plain ? "%c" : "_%02x", *s);
	}
}

static const char *text(const struct rule *r, const char *key)
{
	return yyjson_get_str(yyjson_obj_get(r->ace, key));
}

static bool is(const struct rule *r, const char *key, const char *value)
{
	const char *v = text(r, key);

	return v && strcmp(v, value) == 0;
}

/* ---- Parts of expressions ---- */

static yyjson_mut_val *payload(struct rule *r, const char *protocol, const char *field)
{
	yyjson_mut_val *o = yyjson_mut_obj(r->doc);
	yyjson_mut_val *p = json_add_obj(r->doc, o, "payload");

	yyjson_mut_obj_add_str(r->doc, p, "protocol", protocol);
	yyjson_mut_obj_add_str(r->doc, p, "field", field);
	return o;
}

static yyjson_mut_val *meta(struct rule *r, const char *key)
{
	yyjson_mut_val *o = yyjson_mut_obj(r->doc);

	yyjson_mut_obj_add_str(r->doc, json_add_obj(r->doc, o, "meta"), "key", key);
	return o;
}

/* {name: [left, right]} */
static yyjson_mut_val *both(struct rule *r, const char *name, yyjson_mut_val *left,
			    yyjson_mut_val *right)
{
	yyjson_mut_val *o = yyjson_mut_obj(r->doc);
	yyjson_mut_val *arr = json_add_arr(r->doc, o, name);

	yyjson_mut_arr_append(arr, left);
	yyjson_mut_arr_append(arr, right);
	return o;
}

static void match(struct rule *r, const char *op, yyjson_mut_val *left, yyjson_mut_val *right)
{
	yyjson_mut_val *m = json_add_obj(r->doc, yyjson_mut_arr_add_obj(r->doc, r->expr), "match");

	yyjson_mut_obj_add_str(r->doc, m, "op", op);
	yyjson_mut_obj_add_val(r->doc, m, "left", left);
	yyjson_mut_obj_add_val(r->doc, m, "right", right);
}

static void match_number(struct rule *r, const char *key, const char *protocol, const char *field)
{
	yyjson_val *v = yyjson_obj_get(r->ace, key);

	if (v)
		match(r, "==", payload(r, protocol, field),
		      yyjson_mut_uint(r->doc, yyjson_get_uint(v)));
}

/* ---- Layers ---- */

static void match_mac(struct rule *r, const char *key, const char *mask_key, const char *field)
{
	const char *mac = text(r, key);
	const char *mask = text(r, mask_key);
	yyjson_mut_val *left;

	if (!mac)
		return;
	left = payload(r, "ether", field);
	if (mask)
		left = both(r, "&", left, yyjson_mut_strcpy(r->doc, mask));
	match(r, "==", left, yyjson_mut_strcpy(r->doc, mac));
}

static void link_layer(struct rule *r)
{
	yyjson_val *type = yyjson_obj_get(r->ace, "ethertype");

	match_mac(r, "source-mac", "source-mac-mask", "saddr");
	match_mac(r, "destination-mac", "destination-mac-mask", "daddr");
	if (type)
		match(r, "==", meta(r, "protocol"), yyjson_mut_uint(r->doc, yyjson_get_uint(type)));
	if (text(r, "ingress"))
		match(r, "==", meta(r, "iifname"), yyjson_mut_strcpy(r->doc, text(r, "ingress")));
	if (text(r, "egress"))
		match(r, "==", meta(r, "oifname"), yyjson_mut_strcpy(r->doc, text(r, "egress")));
}

static int match_prefix(struct rule *r, const char *key, const char *family, const char *field,
			struct err *err)
{
	const char *v = text(r, key);
	yyjson_mut_val *o;
	yyjson_mut_val *p;
	struct step_ip ip;
	char addr[STEP_IP_TEXT];

	if (!v)
		return 0;
	if (step_ip_parse(v, true, &ip) || (ip.family == AF_INET) != (strcmp(family, "ip") == 0))
		return err_set(err, -EINVAL, "%.60s is no network of family %s", v,
			       text(r, "family") ? text(r, "family") : "ipv4");
	step_ip_mask(&ip);
	step_ip_text(&ip, false, addr);
	if (ip.prefix == 0)
		return 0;
	o = yyjson_mut_obj(r->doc);
	p = json_add_obj(r->doc, o, "prefix");
	yyjson_mut_obj_add_strcpy(r->doc, p, "addr", addr);
	yyjson_mut_obj_add_uint(r->doc, p, "len", ip.prefix);
	match(r, "==", payload(r, family, field),
	      ip.prefix == (ip.family == AF_INET ? 32 : 128) ? yyjson_mut_strcpy(r->doc, addr) : o);
	return 0;
}

static int network_layer(struct rule *r, struct err *err)
{
	bool v6 = is(r, "family", "ipv6");
	const char *family = v6 ? "ip6" : "ip";
	yyjson_val *protocol = yyjson_obj_get(r->ace, "protocol");
	int rc;

	if (text(r, "family"))
		match(r, "==", meta(r, "nfproto"), yyjson_mut_strcpy(r->doc, text(r, "family")));
	rc = match_prefix(r, "source", family, "saddr", err);
	if (rc == 0)
		rc = match_prefix(r, "destination", family, "daddr", err);
	match_number(r, "dscp", family, "dscp");
	match_number(r, "ecn", family, "ecn");
	match_number(r, "length", family, "length");
	match_number(r, "ttl", family, v6 ? "hoplimit" : "ttl");
	match_number(r, "flow-label", "ip6", "flowlabel");
	match_number(r, "identification", "ip", "id");
	if (protocol)
		match(r, "==", meta(r, "l4proto"),
		      yyjson_mut_uint(r->doc, yyjson_get_uint(protocol)));
	return rc;
}

static int match_port(struct rule *r, const char *key, const char *l4, const char *field,
		      struct err *err)
{
	yyjson_val *v = yyjson_obj_get(r->ace, key);
	const char *op = yyjson_get_str(yyjson_obj_get(v, "op"));
	uint64_t port = yyjson_get_uint(yyjson_obj_get(v, "port"));
	uint64_t upper = yyjson_get_uint(yyjson_obj_get(v, "upper"));
	const char *sign = "==";
	yyjson_mut_val *right;

	if (!v)
		return 0;
	right = yyjson_mut_uint(r->doc, port);
	if (op && strcmp(op, "neq") == 0)
		sign = "!=";
	else if (op && strcmp(op, "lte") == 0)
		sign = "<=";
	else if (op && strcmp(op, "gte") == 0)
		sign = ">=";
	else if (op && strcmp(op, "range") == 0) {
		if (upper < port)
			return err_set(err, -EINVAL, "a range of ports that ends before it begins");
		if (upper > port)
			right = both(r, "range", right, yyjson_mut_uint(r->doc, upper));
	}
	match(r, sign, payload(r, l4, field), right);
	return 0;
}

static void match_flags(struct rule *r)
{
	yyjson_val *flags = yyjson_obj_get(r->ace, "tcp-flag");
	yyjson_mut_val *want = NULL;
	yyjson_mut_val *mask = NULL;
	size_t max;
	size_t i;
	yyjson_val *v;

	yyjson_arr_foreach(flags, i, max, v)
	{
		const char *name = yyjson_get_str(v);

		want = want ? both(r, "|", want, yyjson_mut_strcpy(r->doc, name))
			    : yyjson_mut_strcpy(r->doc, name);
	}
	if (!want)
		return;
	mask = yyjson_mut_val_mut_copy(r->doc, want);
	match(r, "==", both(r, "&", payload(r, "tcp", "flags"), mask), want);
}

static int transport_layer(struct rule *r, struct err *err)
{
	const char *l4 = text(r, "l4");
	const char *icmp = is(r, "family", "ipv6") ? "icmpv6" : "icmp";
	bool typed = yyjson_obj_get(r->ace, "icmp-type") || yyjson_obj_get(r->ace, "icmp-code");
	int rc;

	if (!l4)
		return 0;
	if (strcmp(l4, "icmp") == 0) {
		if (!typed)
			match(r, "==", meta(r, "l4proto"), yyjson_mut_str(r->doc, icmp[4] ? "ipv6-icmp" : "icmp"));
		match_number(r, "icmp-type", icmp, "type");
		match_number(r, "icmp-code", icmp, "code");
		return 0;
	}
	match(r, "==", meta(r, "l4proto"), yyjson_mut_strcpy(r->doc, l4));
	rc = match_port(r, "source-port", l4, "sport", err);
	if (rc == 0)
		rc = match_port(r, "destination-port", l4, "dport", err);
	match_flags(r);
	match_number(r, "tcp-sequence", "tcp", "sequence");
	match_number(r, "tcp-acknowledgement", "tcp", "ackseq");
	match_number(r, "tcp-window", "tcp", "window");
	match_number(r, "udp-length", "udp", "length");
	return rc;
}

/* ---- What is done ---- */

static void act(struct rule *r, const char *acl)
{
	yyjson_mut_val *o = json_add_obj(r->doc, yyjson_mut_arr_add_obj(r->doc, r->expr), "counter");
	const char *action = text(r, "action");

	yyjson_mut_obj_add_uint(r->doc, o, "packets", 0);
	yyjson_mut_obj_add_uint(r->doc, o, "bytes", 0);
	if (yyjson_obj_get(r->ace, "log")) {
		o = json_add_obj(r->doc, yyjson_mut_arr_add_obj(r->doc, r->expr), "log");
		json_add_text(r->doc, o, "prefix", "acl %.40s %.40s: ", acl, text(r, "name"));
	}
	o = yyjson_mut_arr_add_obj(r->doc, r->expr);
	if (strcmp(action, "reject") == 0) {
		o = json_add_obj(r->doc, o, "reject");
		yyjson_mut_obj_add_str(r->doc, o, "type", "icmpx");
		yyjson_mut_obj_add_str(r->doc, o, "expr", "admin-prohibited");
	} else {
		yyjson_mut_obj_add_null(r->doc, o, strcmp(action, "drop") == 0 ? "drop" : "accept");
	}
}

yyjson_mut_val *filter_rule(yyjson_mut_doc *doc, const char *chain, const char *acl, yyjson_val *ace,
			    struct err *err)
{
	yyjson_mut_val *rule = yyjson_mut_obj(doc);
	struct rule r = {.doc = doc, .ace = ace};
	int rc;

	yyjson_mut_obj_add_str(doc, rule, "family", "inet");
	yyjson_mut_obj_add_str(doc, rule, "table", "depanneur");
	yyjson_mut_obj_add_strcpy(doc, rule, "chain", chain);
	yyjson_mut_obj_add_strcpy(doc, rule, "comment", text(&r, "name"));
	r.expr = json_add_arr(doc, rule, "expr");
	link_layer(&r);
	rc = network_layer(&r, err);
	if (rc == 0)
		rc = transport_layer(&r, err);
	if (rc)
		return NULL;
	act(&r, acl);
	return rule;
}
