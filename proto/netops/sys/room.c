/* SPDX-License-Identifier: BSD-2-Clause */
/* The room's counter: its modules, its state, its actions. */
#include "base/log.h"
#include "proto/netops/sys/apply.h"
#include "proto/netops/sys/state.h"
#include "proto/netops/sys/sys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

extern const char depanneur_sys_yang[];
extern const char depanneur_interfaces_yang[];
extern const char depanneur_deviations_yang[];

/* ---- Modules ---- */

static const char *const interfaces_features[] = {"arbitrary-names", "if-mib", NULL};
static const char *const routing_features[] = {"multiple-ribs", NULL};
static const char *const acl_features[] = {
	"match-on-eth", "match-on-ipv4", "match-on-ipv6", "match-on-tcp", "match-on-udp",
	"match-on-icmp", "eth", "ipv4", "ipv6", "mixed-eth-ipv4", "mixed-eth-ipv6",
	"mixed-eth-ipv4-ipv6", "acl-aggregate-stats", "interface-attachment", NULL};

/* Filled by modules_fill() with what this kernel has. */
static struct counter_module modules[16];

static void modules_fill(const struct sys *s)
{
	const struct counter_module all[] = {
		{"depanneur-sys", "2026-11-24", depanneur_sys_yang, NULL, true, false},
		{"depanneur-interfaces", "2026-11-24", depanneur_interfaces_yang, s->features.enabled, true,
		 false},
		{"ietf-interfaces", "2018-02-20", NULL, interfaces_features, true, false},
		{"iana-if-type", "2026-03-17", NULL, NULL, true, false},
		{"ietf-ip", "2018-02-22", NULL, NULL, true, false},
		{"ietf-routing", "2018-03-13", NULL, routing_features, true, false},
		{"ietf-ipv4-unicast-routing", "2018-03-13", NULL, NULL, true, false},
		{"ietf-ipv6-unicast-routing", "2018-03-13", NULL, NULL, true, false},
		{"ietf-system", "2014-08-06", NULL, NULL, true, false},
		{"ietf-access-control-list", "2019-03-04", NULL, acl_features, true, false},
		{"depanneur-deviations", "2026-11-24", depanneur_deviations_yang, NULL, true, false},
	};
	size_t n = sizeof(all) / sizeof(all[0]);

	/* The last two are about filters. */
	if (!s->filters)
		n -= 2;
	memset(modules, 0, sizeof(modules));
	memcpy(modules, all, n * sizeof(all[0]));
}

/* ---- State ---- */

static int on_state(void *ctx, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root,
		    struct err *err)
{
	struct sys *s = ctx;
	int rc = state_interfaces(s->nl, path, doc, root);

	if (rc == 0)
		rc = state_routing(s->nl, path, doc, root);
	if (rc == 0)
		state_resources(s->resources, path, doc, root);
	if (rc == 0 && s->filters)
		rc = filters_state(s->filters, path, doc, root);
	return rc ? err_set(err, rc, "the kernel's state cannot be read: %s", strerror(-rc)) : 0;
}

/* ---- rpc apply ---- */

static int read_steps(const struct lyd_node *input, struct steps *steps, struct err *err)
{
	const struct lyd_node *n;
	struct step s;
	int rc = 0;

	LY_LIST_FOR(lyd_child(input), n)
	{
		if (n->schema->nodetype != LYS_LIST)
			continue;
		if (steps->n == STEPS_MAX)
			return err_set(err, -E2BIG, "more than %d steps", STEPS_MAX);
		rc = step_read(n, &s, err);
		if (rc) {
			err_where(err, "step %zu", steps->n);
			return rc;
		}
		if (steps_take(steps, &s))
			return err_set(err, -ENOMEM, "no memory");
	}
	return 0;
}

static void reply_applied(struct sys *s, uint64_t call, const struct steps *steps,
			  const struct apply_result *r)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *out = yyjson_mut_obj(doc);
	yyjson_mut_val *list;
	size_t i;

	yyjson_mut_obj_add_uint(doc, out, "changed", r->n_changed);
	list = json_add_arr(doc, out, "change");
	for (i = 0; i < steps->n; i++)
		if (r->changed[i])
			yyjson_mut_arr_add_uint(doc, list, i);
	list = json_add_arr(doc, out, "inverse");
	for (i = 0; i < r->inverse.n; i++)
		yyjson_mut_arr_append(list, step_json(&r->inverse.at[i], doc));
	counter_reply(s->counter, call, doc, out);
	yyjson_mut_doc_free(doc);
}

static int call_apply(struct sys *s, uint64_t call, const struct lyd_node *input, struct err *err)
{
	struct apply_result result = {0};
	struct steps steps = {0};
	bool dry_run = config_flag(input, "dry-run");
	int rc = read_steps(input, &steps, err);

	if (rc == 0)
		rc = apply_steps(s->nl, s->filters, &steps, dry_run, &result, err);
	if (rc == 0) {
		log_info(dry_run ? "steps compared" : "steps taken", LOG_NUM("steps", steps.n),
			 LOG_NUM("changed", result.n_changed));
		if (result.n_changed && !dry_run)
			logging_own(s, LOG_LEVEL_NOTICE, "%zu of %zu steps changed the machine",
				    result.n_changed, steps.n);
		reply_applied(s, call, &steps, &result);
	} else {
		log_err(LOG_LEVEL_WARNING, err);
		logging_own(s, LOG_LEVEL_WARNING, "refused: %s: %s", err->where, err->what);
	}
	apply_result_free(&result);
	steps_free(&steps);
	return rc;
}

/* ---- rpc probe ---- */

static void add_ip(yyjson_mut_doc *doc, yyjson_mut_val *o, const char *key, uint8_t family,
		   const uint8_t *addr, int prefix)
{
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(family, addr, text, sizeof(text)))
		return;
	if (prefix < 0)
		yyjson_mut_obj_add_strcpy(doc, o, key, text);
	else
		json_add_text(doc, o, key, "%s/%d", text, prefix);
}

static const char *route_type(uint8_t type)
{
	static const char *const names[] = {
		[RTN_UNICAST] = "unicast",     [RTN_LOCAL] = "local",
		[RTN_BROADCAST] = "broadcast", [RTN_ANYCAST] = "anycast",
		[RTN_MULTICAST] = "multicast", [RTN_BLACKHOLE] = "blackhole",
		[RTN_UNREACHABLE] = "unreachable", [RTN_PROHIBIT] = "prohibit",
		[RTN_THROW] = "throw",
	};

	return type < sizeof(names) / sizeof(names[0]) && names[type] ? names[type] : "other";
}

static const char *no_route(int rc)
{
	switch (rc) {
	case -EINVAL:
		return "blackhole";
	case -EHOSTUNREACH:
		return "unreachable";
	case -EACCES:
		return "prohibit";
	default:
		return "none";
	}
}

static void add_route(struct sys *s, yyjson_mut_doc *doc, yyjson_mut_val *o,
		      const struct netlink_route *r, const struct netlink_route *entry)
{
	struct netlink_link l;

	yyjson_mut_obj_add_str(doc, o, "type", route_type(r->type));
	if (entry) {
		add_ip(doc, o, "to", entry->family, entry->dst, entry->prefix);
		yyjson_mut_obj_add_uint(doc, o, "table", entry->table);
		yyjson_mut_obj_add_uint(doc, o, "protocol", entry->proto);
		yyjson_mut_obj_add_uint(doc, o, "metric", entry->metric);
	}
	if (r->has_src)
		add_ip(doc, o, "source", r->family, r->src, -1);
	if (r->has_via)
		add_ip(doc, o, "via", r->family, r->via, -1);
	if (r->ifindex && netlink_link_get(s->nl, r->ifindex, NULL, &l) == 0)
		yyjson_mut_obj_add_strcpy(doc, o, "link", l.name);
}

static int probe_route(struct sys *s, const struct lyd_node *in, yyjson_mut_doc *doc,
		       yyjson_mut_val *o, struct err *err)
{
	const char *text = config_text(in, "from");
	const char *link = config_text(in, "link");
	struct netlink_link l = {0};
	struct netlink_route entry;
	struct netlink_route r;
	struct step_ip from = {0};
	struct step_ip to;
	int rc;

	if (step_ip_parse(config_text(in, "to"), false, &to) ||
	    (text && step_ip_parse(text, false, &from)) ||
	    (from.family && from.family != to.family))
		return err_set(err, -EINVAL, "not two addresses of one family");
	if (link && netlink_link_get(s->nl, 0, link, &l))
		return err_set(err, -ENODEV, "there is no interface %s", link);
	rc = netlink_route_find(s->nl, to.family, to.a, from.family ? from.a : NULL, l.ifindex,
				false, &r);
	if (rc) {
		yyjson_mut_obj_add_str(doc, o, "type", no_route(rc));
		return 0;
	}
	rc = netlink_route_find(s->nl, to.family, to.a, from.family ? from.a : NULL, l.ifindex, true,
				&entry);
	add_route(s, doc, o, &r, rc ? NULL : &entry);
	return 0;
}

static const char *neighbour_state(uint16_t state)
{
	static const char *const names[] = {"incomplete", "reachable", "stale",	 "delay",
					    "probe",	  "failed",    "noarp", "permanent"};
	int i;

	for (i = 0; i < 8; i++)
		if (state & 1u << i)
			return names[i];
	return "none";
}

static int probe_neighbour(struct sys *s, const struct lyd_node *in, yyjson_mut_doc *doc,
			   yyjson_mut_val *o, struct err *err)
{
	const char *link = config_text(in, "link");
	struct netlink_link l;
	struct netlink_neigh n;
	struct step_ip ip;
	int rc;

	if (step_ip_parse(config_text(in, "ip"), false, &ip))
		return err_set(err, -EINVAL, "not an address");
	if (netlink_link_get(s->nl, 0, link, &l))
		return err_set(err, -ENODEV, "there is no interface %s", link);
	rc = netlink_neigh_find(s->nl, l.ifindex, ip.family, ip.a, &n);
	yyjson_mut_obj_add_str(doc, o, "state", rc ? "none" : neighbour_state(n.state));
	if (rc == 0 && n.n_hwaddr == 6)
		json_add_text(doc, o, "mac", "%02x:%02x:%02x:%02x:%02x:%02x", n.hwaddr[0],
			      n.hwaddr[1], n.hwaddr[2], n.hwaddr[3], n.hwaddr[4], n.hwaddr[5]);
	if (rc == 0)
		yyjson_mut_obj_add_uint(doc, o, "protocol", n.proto);
	return 0;
}

static int call_probe(struct sys *s, uint64_t call, const struct lyd_node *input, struct err *err)
{
	const struct lyd_node *route = config_node(input, "route");
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *out = yyjson_mut_obj(doc);
	yyjson_mut_val *o = json_add_obj(doc, out, route ? "route" : "neighbour");
	int rc = route ? probe_route(s, route, doc, o, err)
		       : probe_neighbour(s, config_node(input, "neighbour"), doc, o, err);

	if (rc == 0)
		counter_reply(s->counter, call, doc, out);
	yyjson_mut_doc_free(doc);
	return rc;
}

/* ---- rpc log ---- */

struct logged {
	yyjson_mut_doc *doc;
	yyjson_mut_val *list;
};

static void add_line(void *ctx, const char *text, size_t n)
{
	struct logged *l = ctx;

	yyjson_mut_arr_add_strncpy(l->doc, l->list, text, n);
}

static int call_log(struct sys *s, uint64_t call, const struct lyd_node *input, struct err *err)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *out = yyjson_mut_obj(doc);
	struct logged l = {doc, json_add_arr(doc, out, "line")};
	int rc = ring_last(s->ring, (unsigned)config_u64(input, "count", 100), add_line, &l);

	if (rc == 0)
		counter_reply(s->counter, call, doc, out);
	else
		err_set(err, rc, "the log cannot be read: %s", strerror(-rc));
	yyjson_mut_doc_free(doc);
	return rc;
}

/* ---- rpc features ---- */

static void add_feature(yyjson_mut_doc *doc, yyjson_mut_val *list, const char *name, bool available,
			const char *reason)
{
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);

	yyjson_mut_obj_add_strcpy(doc, o, "name", name);
	yyjson_mut_obj_add_bool(doc, o, "available", available);
	if (!available)
		yyjson_mut_obj_add_strcpy(doc, o, "reason", reason);
}

static int call_features(struct sys *s, uint64_t call)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *out = yyjson_mut_obj(doc);
	yyjson_mut_val *list = json_add_arr(doc, out, "feature");
	int i;

	for (i = 0; i < FEATURES_LINKS; i++)
		add_feature(doc, list, s->features.link[i].name, s->features.link[i].available,
			    s->features.link[i].reason);
	add_feature(doc, list, "nftables", s->filters != NULL, s->features.filters_reason);
	counter_reply(s->counter, call, doc, out);
	yyjson_mut_doc_free(doc);
	return 0;
}

static int on_call(void *ctx, uint64_t call, const char *rpc, const struct lyd_node *input,
		   struct err *err)
{
	struct sys *s = ctx;

	if (strcmp(rpc, "apply") == 0)
		return call_apply(s, call, input, err);
	if (strcmp(rpc, "probe") == 0)
		return call_probe(s, call, input, err);
	if (strcmp(rpc, "features") == 0)
		return call_features(s, call);
	if (strcmp(rpc, "log") == 0)
		return call_log(s, call, input, err);
	return err_set(err, -ENOSYS, "there is no action %s", rpc);
}

/* ---- Life ---- */

int room_open(struct sys *s, struct err *err)
{
	struct counter_room room = {
		.name = "sys",
		.version = DEP_VERSION,
		.schema = s->schema,
		.modules = modules,
		.state = on_state,
		.call = on_call,
		.ctx = s,
	};
	struct config *config = config_parse(s->schema, "{}", 2, NULL, err);
	char path[256];

	if (!config)
		return err->code;
	modules_fill(s);
	snprintf(path, sizeof(path), "%s/sys.sock", s->params.run_dir);
	s->counter = counter_new(&s->loop, &room, path, s->params.socket_gid, config, err);
	return s->counter ? 0 : err->code;
}

void room_close(struct sys *s)
{
	if (s->counter)
		counter_free(s->counter);
	s->counter = NULL;
}
