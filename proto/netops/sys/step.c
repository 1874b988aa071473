/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/sys/step.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

/* ---- Values ---- */

int step_ip_parse(const char *text, bool prefix, struct step_ip *ip)
{
	const char *slash = strchr(text, '/');
	char addr[INET6_ADDRSTRLEN];
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	unsigned long bits;
	char *end;

	if (n >= sizeof(addr) || (slash != NULL) != prefix)
		return -EINVAL;
	memcpy(addr, text, n);
	addr[n] = '\0';
	*ip = (struct step_ip){.family = strchr(addr, ':') ? AF_INET6 : AF_INET};
	if (inet_pton(ip->family, addr, ip->a) != 1)
		return -EINVAL;
	ip->prefix = ip->family == AF_INET ? 32 : 128;
	if (!prefix)
		return 0;
	bits = strtoul(slash + 1, &end, 10);
	if (slash[1] < '0' || slash[1] > '9' || *end || bits > ip->prefix)
		return -EINVAL;
	ip->prefix = (uint8_t)bits;
	return 0;
}

void step_ip_text(const struct step_ip *ip, bool prefix, char to[STEP_IP_TEXT])
{
	size_t n;

	to[0] = '\0';
	if (!inet_ntop(ip->family, ip->a, to, INET6_ADDRSTRLEN) || !prefix)
		return;
	n = strlen(to);
	snprintf(to + n, STEP_IP_TEXT - n, "/%u", ip->prefix);
}

void step_ip_mask(struct step_ip *ip)
{
	unsigned i;

	for (i = 0; i < 16; i++) {
		unsigned keep = ip->prefix > i * 8 ? ip->prefix - i * 8 : 0;

		if (keep < 8)
			ip->a[i] &= (uint8_t)(0xff00 >> keep);
	}
}

static int parse_mac(const char *text, uint8_t mac[6])
{
	int n = 0;

	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2],
		   &mac[3], &mac[4], &mac[5], &n) != 6 ||
	    text[n])
		return -EINVAL;
	return 0;
}

static const struct sysctl_key {
	const char *key;
	uint8_t family;
	const char *name;
} keys[] = {
	{"ipv4-forwarding", AF_INET, "forwarding"},
	{"ipv4-rp-filter", AF_INET, "rp_filter"},
	{"ipv6-forwarding", AF_INET6, "forwarding"},
	{"ipv6-mtu", AF_INET6, "mtu"},
	{"ipv6-autoconf", AF_INET6, "autoconf"},
	{"ipv6-accept-ra", AF_INET6, "accept_ra"},
	{"ipv6-dad-transmits", AF_INET6, "dad_transmits"},
	{"ipv6-disable", AF_INET6, "disable_ipv6"},
};

const char *step_sysctl_name(const char *key, uint8_t *family)
{
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(keys[i].key, key) == 0) {
			*family = keys[i].family;
			return keys[i].name;
		}
	}
	return NULL;
}

static const char *const route_types[] = {
	[RTN_UNICAST] = "unicast",
	[RTN_BLACKHOLE] = "blackhole",
	[RTN_UNREACHABLE] = "unreachable",
	[RTN_PROHIBIT] = "prohibit",
};

/* ---- Reading: the leaves of a step, in any order ---- */

static int wrong(struct err *err, const struct lyd_node *leaf)
{
	err_set(err, -EINVAL, "%.60s is no value for %s", lyd_get_value(leaf), leaf->schema->name);
	return -EINVAL;
}

static void copy(char *to, size_t n, const struct lyd_node *leaf)
{
	snprintf(to, n, "%s", lyd_get_value(leaf));
}

static uint32_t number(const struct lyd_node *leaf)
{
	return (uint32_t)strtoul(lyd_get_value(leaf), NULL, 10);
}

static bool is(const struct lyd_node *leaf, const char *name)
{
	return strcmp(leaf->schema->name, name) == 0;
}

static int read_link_leaf(struct step_link *l, const struct lyd_node *n)
{
	if (is(n, "name"))
		copy(l->name, sizeof(l->name), n);
	else if (is(n, "kind"))
		copy(l->kind, sizeof(l->kind), n);
	else if (is(n, "peer"))
		copy(l->peer, sizeof(l->peer), n);
	else if (is(n, "lower"))
		copy(l->lower, sizeof(l->lower), n);
	else if (is(n, "mode"))
		copy(l->mode, sizeof(l->mode), n);
	else if (is(n, "id"))
		l->id = number(n);
	else if (is(n, "port"))
		l->port = (uint16_t)number(n);
	else if (is(n, "local"))
		return step_ip_parse(lyd_get_value(n), false, &l->local);
	else if (is(n, "remote"))
		return step_ip_parse(lyd_get_value(n), false, &l->remote);
	else if (is(n, "up"))
		l->has_up = true, l->up = lyd_get_value(n)[0] == 't';
	else if (is(n, "mtu"))
		l->has_mtu = true, l->mtu = number(n);
	else if (is(n, "master"))
		l->has_master = true, copy(l->master, sizeof(l->master), n);
	else if (is(n, "mac"))
		return l->has_mac = true, parse_mac(lyd_get_value(n), l->mac);
	else if (is(n, "alias"))
		return (l->alias = strdup(lyd_get_value(n))) ? 0 : -ENOMEM;
	return 0;
}

static int read_address_leaf(struct step_address *a, const struct lyd_node *n)
{
	if (is(n, "link"))
		copy(a->link, sizeof(a->link), n);
	else if (is(n, "ip"))
		return step_ip_parse(lyd_get_value(n), true, &a->ip);
	else if (is(n, "no-dad"))
		a->no_dad = true;
	return 0;
}

static int read_neighbour_leaf(struct step_neighbour *b, const struct lyd_node *n)
{
	if (is(n, "link"))
		copy(b->link, sizeof(b->link), n);
	else if (is(n, "ip"))
		return step_ip_parse(lyd_get_value(n), false, &b->ip);
	else if (is(n, "mac"))
		return parse_mac(lyd_get_value(n), b->mac);
	return 0;
}

static int read_hop_leaf(struct step_hop *h, const struct lyd_node *n)
{
	if (is(n, "link"))
		copy(h->link, sizeof(h->link), n);
	else if (is(n, "via"))
		return step_ip_parse(lyd_get_value(n), false, &h->via);
	else if (is(n, "weight"))
		h->weight = (uint16_t)number(n);
	return 0;
}

static int read_hop(struct step_route *r, const struct lyd_node *entry)
{
	const struct lyd_node *n;
	struct step_hop *h;
	int rc = 0;

	if (r->n_hops == STEP_HOPS_MAX)
		return -EINVAL;
	h = realloc(r->hop, (r->n_hops + 1u) * sizeof(*h));
	if (!h)
		return -ENOMEM;
	r->hop = h;
	h += r->n_hops++;
	*h = (struct step_hop){.weight = 1};
	LY_LIST_FOR(lyd_child(entry), n)
	{
		if (rc == 0)
			rc = read_hop_leaf(h, n);
	}
	return rc;
}

static int read_route_leaf(struct step_route *r, const struct lyd_node *n)
{
	size_t i;

	if (is(n, "to"))
		return step_ip_parse(lyd_get_value(n), true, &r->to);
	if (is(n, "hop"))
		return read_hop(r, n);
	if (is(n, "metric"))
		r->metric = number(n);
	else if (is(n, "table"))
		r->table = number(n);
	else if (is(n, "protocol"))
		r->protocol = (uint8_t)number(n);
	else if (is(n, "source"))
		return step_ip_parse(lyd_get_value(n), false, &r->source);
	else if (is(n, "onlink"))
		r->onlink = true;
	else if (is(n, "mtu"))
		r->mtu = number(n);
	else if (is(n, "mtu-lock"))
		r->mtu_lock = true;
	for (i = 0; is(n, "type") && i < sizeof(route_types) / sizeof(route_types[0]); i++)
		if (route_types[i] && strcmp(route_types[i], lyd_get_value(n)) == 0)
			r->type = (uint8_t)i;
	return read_hop_leaf(&r->one, n);
}

static int read_sysctl_leaf(struct step_sysctl *y, const struct lyd_node *n)
{
	if (is(n, "link"))
		copy(y->link, sizeof(y->link), n);
	else if (is(n, "key"))
		copy(y->key, sizeof(y->key), n);
	else if (is(n, "value"))
		y->value = (int32_t)strtol(lyd_get_value(n), NULL, 10);
	return 0;
}

static int read_leaf(struct step *s, const struct lyd_node *n)
{
	if (is(n, "absent")) {
		s->absent = true;
		return 0;
	}
	switch (s->kind) {
	case STEP_LINK:
		return read_link_leaf(&s->link, n);
	case STEP_ADDRESS:
		return read_address_leaf(&s->address, n);
	case STEP_NEIGHBOUR:
		return read_neighbour_leaf(&s->neighbour, n);
	case STEP_ROUTE:
		return read_route_leaf(&s->route, n);
	case STEP_SYSCTL:
		return read_sysctl_leaf(&s->sysctl, n);
	default:
		return 0;
	}
}

/* What YANG does not say: addresses of one family, bits beyond the prefix. */
static int check_hop(const struct step_route *r, const struct step_hop *h, struct err *err)
{
	if (h->via.family && h->via.family != r->to.family)
		return err_set(err, -EINVAL, "the next hop is of another address family");
	if (r->type == RTN_UNICAST && !h->via.family && !h->link[0])
		return err_set(err, -EINVAL, "a next hop needs a gateway or an interface");
	return 0;
}

static int check_route(struct step_route *r, struct err *err)
{
	struct step_ip masked = r->to;
	unsigned i;
	int rc = 0;

	step_ip_mask(&masked);
	if (memcmp(masked.a, r->to.a, 16) != 0)
		return err_set(err, -EINVAL, "the destination has bits beyond its prefix");
	if (r->source.family && r->source.family != r->to.family)
		return err_set(err, -EINVAL, "the source is of another address family");
	if (r->type != RTN_UNICAST && (r->n_hops || r->one.via.family))
		return err_set(err, -EINVAL, "a route of this type has no next hop");
	if (r->n_hops && (r->one.via.family || r->one.link[0]))
		return err_set(err, -EINVAL, "either one next hop or a list of them");
	for (i = 0; i < r->n_hops && rc == 0; i++)
		rc = check_hop(r, &r->hop[i], err);
	return rc;
}

static int check(struct step *s, struct err *err)
{
	if (s->kind == STEP_ROUTE) {
		struct step_route *r = &s->route;
		int rc = check_route(r, err);

		if (rc == 0 && r->protocol != STEP_PROTOCOL && s->absent)
			return err_set(err, -EPERM, "only our own routes are removed");
		return rc || s->absent || r->n_hops ? rc : check_hop(r, &r->one, err);
	}
	if (s->kind == STEP_LINK) {
		const struct step_link *l = &s->link;

		if (l->local.family && l->remote.family && l->local.family != l->remote.family)
			return err_set(err, -EINVAL, "local and remote are of different families");
	}
	return 0;
}

static const char *const kinds[STEP_KINDS] = {"link",   "address", "neighbour", "route",
					      "sysctl", "purge",   "acl",	"attach"};

/* Filters stay text: what is compiled of them is nft's. */
static int read_filter(struct step *s, const struct lyd_node *what, struct err *err)
{
	struct step_filter *f = &s->filter;
	const struct lyd_node *n;
	char *text = NULL;
	yyjson_doc *doc;
	yyjson_val *inner;
	yyjson_obj_iter it;
	yyjson_val *key;

	LY_LIST_FOR(lyd_child(what), n)
	{
		if (is(n, "name"))
			f->key = strdup(lyd_get_value(n));
		else if (is(n, "direction") && f->key)
			f->key[0] = lyd_get_value(n)[0] == 'e' ? 'o' : 'i';
		else if (is(n, "link") && asprintf(&f->key, "i%s", lyd_get_value(n)) < 0)
			f->key = NULL;
	}
	if (lyd_print_mem(&text, what, LYD_JSON, LYD_PRINT_SHRINK | LYD_PRINT_WD_ALL) != LY_SUCCESS)
		text = NULL;
	doc = text ? yyjson_read(text, strlen(text), 0) : NULL;
	free(text);
	yyjson_obj_iter_init(yyjson_doc_get_root(doc), &it);
	key = yyjson_obj_iter_next(&it);
	inner = key ? yyjson_obj_iter_get_val(key) : NULL;
	f->json = inner ? yyjson_val_write(inner, YYJSON_WRITE_NOFLAG, NULL) : NULL;
	yyjson_doc_free(doc);
	return f->key && f->json ? 0 : err_set(err, -ENOMEM, "no memory");
}

int step_read(const struct lyd_node *entry, struct step *s, struct err *err)
{
	const struct lyd_node *what = lyd_child(entry);
	const struct lyd_node *n;
	int rc = 0;

	memset(s, 0, sizeof(*s));
	while (what && s->kind < STEP_KINDS && !is(what, kinds[s->kind]))
		s->kind++;
	if (!what || s->kind == STEP_KINDS)
		return err_set(err, -EINVAL, "a step of no kind");
	if (s->kind == STEP_ROUTE) {
		s->route.type = RTN_UNICAST;
		s->route.table = RT_TABLE_MAIN;
		s->route.protocol = STEP_PROTOCOL;
		s->route.one.weight = 1;
	}
	LY_LIST_FOR(lyd_child(what), n)
	{
		rc = read_leaf(s, n);
		if (rc == -ENOMEM)
			err_set(err, rc, "no memory");
		else if (rc)
			wrong(err, n);
		if (rc)
			break;
	}
	if (rc == 0 && (s->kind == STEP_ACL || s->kind == STEP_ATTACH))
		rc = read_filter(s, what, err);
	if (rc == 0)
		rc = check(s, err);
	if (rc)
		step_free(s);
	return rc;
}

void step_free(struct step *s)
{
	if (s->kind == STEP_LINK)
		free(s->link.alias);
	if (s->kind == STEP_ROUTE)
		free(s->route.hop);
	if (s->kind == STEP_ACL || s->kind == STEP_ATTACH) {
		free(s->filter.key);
		free(s->filter.json);
	}
	memset(s, 0, sizeof(*s));
}

int steps_take(struct steps *l, struct step *s)
{
	struct step *at;
	size_t cap;

	if (l->n == l->cap) {
		cap = l->cap ? l->cap * 2 : 16;
		at = realloc(l->at, cap * sizeof(*at));
		if (!at) {
			step_free(s);
			return -ENOMEM;
		}
		l->at = at;
		l->cap = cap;
	}
	l->at[l->n++] = *s;
	memset(s, 0, sizeof(*s));
	return 0;
}

void steps_free(struct steps *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		step_free(&l->at[i]);
	free(l->at);
	*l = (struct steps){0};
}

/* ---- Writing ---- */

struct writer {
	yyjson_mut_doc *doc;
	yyjson_mut_val *o;
};

static void text(struct writer *w, const char *key, const char *value)
{
	if (value[0])
		yyjson_mut_obj_add_strcpy(w->doc, w->o, key, value);
}

static void ip(struct writer *w, const char *key, const struct step_ip *v, bool prefix)
{
	char to[STEP_IP_TEXT];

	if (!v->family)
		return;
	step_ip_text(v, prefix, to);
	text(w, key, to);
}

static void mac(struct writer *w, const uint8_t m[6])
{
	json_add_text(w->doc, w->o, "mac", "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
		      m[4], m[5]);
}

/* RFC 7951 §6.9 */
static void empty(struct writer *w, const char *key)
{
	yyjson_mut_arr_add_null(w->doc, json_add_arr(w->doc, w->o, key));
}

static void write_link(struct writer *w, const struct step_link *l)
{
	text(w, "name", l->name);
	text(w, "kind", l->kind);
	text(w, "peer", l->peer);
	text(w, "lower", l->lower);
	text(w, "mode", l->mode);
	if (l->id)
		yyjson_mut_obj_add_uint(w->doc, w->o, "id", l->id);
	if (l->port)
		yyjson_mut_obj_add_uint(w->doc, w->o, "port", l->port);
	ip(w, "local", &l->local, false);
	ip(w, "remote", &l->remote, false);
	if (l->has_mac)
		mac(w, l->mac);
	if (l->has_mtu)
		yyjson_mut_obj_add_uint(w->doc, w->o, "mtu", l->mtu);
	if (l->alias)
		yyjson_mut_obj_add_strcpy(w->doc, w->o, "alias", l->alias);
	if (l->has_master)
		yyjson_mut_obj_add_strcpy(w->doc, w->o, "master", l->master);
	if (l->has_up)
		yyjson_mut_obj_add_bool(w->doc, w->o, "up", l->up);
}

static void write_hop(struct writer *w, const struct step_hop *h)
{
	ip(w, "via", &h->via, false);
	text(w, "link", h->link);
	if (h->weight > 1)
		yyjson_mut_obj_add_uint(w->doc, w->o, "weight", h->weight);
}

static void write_route(struct writer *w, const struct step_route *r)
{
	unsigned i;

	ip(w, "to", &r->to, true);
	write_hop(w, &r->one);
	if (r->type != RTN_UNICAST)
		text(w, "type", route_types[r->type]);
	if (r->metric)
		yyjson_mut_obj_add_uint(w->doc, w->o, "metric", r->metric);
	if (r->table != RT_TABLE_MAIN)
		yyjson_mut_obj_add_uint(w->doc, w->o, "table", r->table);
	if (r->protocol != STEP_PROTOCOL)
		yyjson_mut_obj_add_uint(w->doc, w->o, "protocol", r->protocol);
	ip(w, "source", &r->source, false);
	if (r->onlink)
		empty(w, "onlink");
	if (r->mtu)
		yyjson_mut_obj_add_uint(w->doc, w->o, "mtu", r->mtu);
	if (r->mtu_lock)
		empty(w, "mtu-lock");
	if (r->n_hops) {
		yyjson_mut_val *list = json_add_arr(w->doc, w->o, "hop");

		for (i = 0; i < r->n_hops; i++) {
			struct writer h = {w->doc, yyjson_mut_arr_add_obj(w->doc, list)};

			write_hop(&h, &r->hop[i]);
		}
	}
}

yyjson_mut_val *step_json(const struct step *s, yyjson_mut_doc *doc)
{
	yyjson_mut_val *step = yyjson_mut_obj(doc);
	struct writer w = {doc, NULL};

	if (s->kind == STEP_ACL || s->kind == STEP_ATTACH) {
		yyjson_mut_obj_add_val(doc, step, kinds[s->kind],
				       yyjson_mut_rawcpy(doc, s->filter.json));
		return step;
	}
	w.o = json_add_obj(doc, step, kinds[s->kind]);
	switch (s->kind) {
	case STEP_LINK:
		write_link(&w, &s->link);
		break;
	case STEP_ADDRESS:
		text(&w, "link", s->address.link);
		ip(&w, "ip", &s->address.ip, true);
		if (s->address.no_dad)
			empty(&w, "no-dad");
		break;
	case STEP_NEIGHBOUR:
		text(&w, "link", s->neighbour.link);
		ip(&w, "ip", &s->neighbour.ip, false);
		if (!s->absent)
			mac(&w, s->neighbour.mac);
		break;
	case STEP_ROUTE:
		write_route(&w, &s->route);
		break;
	case STEP_SYSCTL:
		text(&w, "link", s->sysctl.link);
		text(&w, "key", s->sysctl.key);
		yyjson_mut_obj_add_int(doc, w.o, "value", s->sysctl.value);
		break;
	default:
		break;
	}
	if (s->absent)
		empty(&w, "absent");
	return step;
}

void step_name(const struct step *s, char *to, size_t n)
{
	char addr[STEP_IP_TEXT];

	switch (s->kind) {
	case STEP_LINK:
		snprintf(to, n, "link %s", s->link.name);
		break;
	case STEP_ADDRESS:
		step_ip_text(&s->address.ip, true, addr);
		snprintf(to, n, "address %s on %s", addr, s->address.link);
		break;
	case STEP_NEIGHBOUR:
		step_ip_text(&s->neighbour.ip, false, addr);
		snprintf(to, n, "neighbour %s on %s", addr, s->neighbour.link);
		break;
	case STEP_ROUTE:
		step_ip_text(&s->route.to, true, addr);
		snprintf(to, n, "route %s", addr);
		break;
	case STEP_SYSCTL:
		snprintf(to, n, "sysctl %s of %s", s->sysctl.key, s->sysctl.link);
		break;
	case STEP_ACL:
		snprintf(to, n, "acl %s", s->filter.key);
		break;
	case STEP_ATTACH:
		snprintf(to, n, "%s of %s", s->filter.key[0] == 'i' ? "ingress" : "egress",
			 s->filter.key + 1);
		break;
	default:
		snprintf(to, n, "%s", kinds[s->kind]);
		break;
	}
}
