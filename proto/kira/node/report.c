/* SPDX-License-Identifier: BSD-2-Clause */
/* The node's operational state in the form of kira.yang (RFC 7951). */
#include "proto/kira/node/room.h"

#include <arpa/inet.h>
#include <errno.h>

/* What a walk over the core's tables needs. */
struct walk {
	const struct node *n;
	yyjson_mut_doc *doc;
	yyjson_mut_val *list;
	usec_t now;
	struct kira_id neighbour; /* the one before, */
	uint32_t seen[32];        /* and its links so far */
	size_t n_seen;
};

/* ---- values ---- */

static void addr_text(const struct kira_addr *addr, char text[INET6_ADDRSTRLEN])
{
	inet_ntop(AF_INET6, addr->b, text, INET6_ADDRSTRLEN);
}

void report_address(const struct node *n, const struct kira_id *id, char *text)
{
	struct kira_addr addr = kira_id_addr(n->settings.core.node_prefix, id);

	addr_text(&addr, text);
}

const char *report_link(const struct node *n, uint32_t ifindex, char fallback[16])
{
	const char *name = ifaces_name(n->ifaces, ifindex);

	if (name)
		return name;
	snprintf(fallback, 16, "if%u", (unsigned)ifindex);
	return fallback;
}

static void add_id(struct walk *w, yyjson_mut_val *obj, const char *key, const struct kira_id *id)
{
	char text[KIRA_ID_TEXT];

	kira_id_format(id, text);
	yyjson_mut_obj_add_strcpy(w->doc, obj, key, text);
}

static void add_addr(struct walk *w, yyjson_mut_val *obj, const char *key,
		     const struct kira_addr *addr)
{
	char text[INET6_ADDRSTRLEN];

	addr_text(addr, text);
	yyjson_mut_obj_add_strcpy(w->doc, obj, key, text);
}

static void add_node_addr(struct walk *w, yyjson_mut_val *obj, const struct kira_id *id)
{
	struct kira_addr addr = kira_id_addr(w->n->settings.core.node_prefix, id);

	add_addr(w, obj, "address", &addr);
}

static void add_link(struct walk *w, yyjson_mut_val *obj, uint32_t ifindex)
{
	char fallback[16];

	yyjson_mut_obj_add_strcpy(w->doc, obj, "link", report_link(w->n, ifindex, fallback));
}

/* Milliseconds since `then`, which may lie a little ahead of the clock read before it. */
static void add_age(struct walk *w, yyjson_mut_val *obj, const char *key, usec_t then)
{
	json_add_u64(w->doc, obj, key, then < w->now ? (uint64_t)(w->now - then) / 1000 : 0);
}

static void add_degree(struct walk *w, yyjson_mut_val *obj, uint16_t degree)
{
	if (degree != KIRA_DEGREE_UNKNOWN)
		yyjson_mut_obj_add_uint(w->doc, obj, "degree", degree);
}

static void add_ids(struct walk *w, yyjson_mut_val *obj, const char *key, const struct kira_id *ids,
		    size_t n)
{
	yyjson_mut_val *list = json_add_arr(w->doc, obj, key);
	char text[KIRA_ID_TEXT];
	size_t i;

	for (i = 0; i < n; i++) {
		kira_id_format(&ids[i], text);
		yyjson_mut_arr_add_strcpy(w->doc, list, text);
	}
}

/* ---- tables ---- */

/* A neighbour with two addresses on one link is one entry. The entries of a neighbour come in a row. */
static bool seen_before(struct walk *w, const struct kira_neighbour_info *i)
{
	size_t at;

	if (!kira_id_eq(&w->neighbour, &i->id))
		w->n_seen = 0;
	w->neighbour = i->id;
	for (at = 0; at < w->n_seen; at++)
		if (w->seen[at] == i->link)
			return true;
	if (w->n_seen == sizeof(w->seen) / sizeof(w->seen[0]))
		return true;
	w->seen[w->n_seen++] = i->link;
	return false;
}

static bool one_neighbour(void *ctx, const struct kira_neighbour_info *i)
{
	struct walk *w = ctx;
	yyjson_mut_val *obj;

	if (seen_before(w, i))
		return true;
	obj = yyjson_mut_arr_add_obj(w->doc, w->list);
	add_id(w, obj, "id", &i->id);
	add_link(w, obj, i->link);
	add_addr(w, obj, "address", &i->addr);
	yyjson_mut_obj_add_uint(w->doc, obj, "ssn", i->ssn);
	add_degree(w, obj, i->degree);
	add_age(w, obj, "heard", i->heard);
	return true;
}

static bool one_contact(void *ctx, const struct kira_contact_info *i)
{
	struct walk *w = ctx;
	yyjson_mut_val *obj = yyjson_mut_arr_add_obj(w->doc, w->list);

	add_id(w, obj, "id", &i->id);
	add_node_addr(w, obj, &i->id);
	yyjson_mut_obj_add_str(w->doc, obj, "state", kira_contact_state_name(i->state));
	yyjson_mut_obj_add_bool(w->doc, obj, "neighbour", i->neighbour);
	yyjson_mut_obj_add_uint(w->doc, obj, "bucket", i->bucket);
	yyjson_mut_obj_add_uint(w->doc, obj, "ssn", i->ssn);
	add_degree(w, obj, i->degree);
	add_age(w, obj, "seen", i->seen);
	if (i->validated > 0)
		add_age(w, obj, "validated", i->validated);
	add_ids(w, obj, "path", i->path, i->n_path);
	return true;
}

static bool one_vicinity(void *ctx, const struct kira_vicinity_info *i)
{
	struct walk *w = ctx;
	yyjson_mut_val *obj = yyjson_mut_arr_add_obj(w->doc, w->list);

	add_id(w, obj, "id", &i->id);
	yyjson_mut_obj_add_uint(w->doc, obj, "distance", i->distance);
	yyjson_mut_obj_add_uint(w->doc, obj, "ssn-observed", i->ssn_observed);
	yyjson_mut_obj_add_uint(w->doc, obj, "ssn-synchronised", i->ssn_synched);
	add_ids(w, obj, "neighbour", i->neighbours, i->n_neighbours);
	return true;
}

static void add_fwd(struct walk *w, yyjson_mut_val *obj, const struct kira_fwd *to)
{
	static const char *const action[] = {
		[KIRA_FWD_LOCAL] = "local",
		[KIRA_FWD_NEIGHBOUR] = "neighbour",
		[KIRA_FWD_PATH] = "path",
		[KIRA_FWD_UNREACHABLE] = "unreachable",
	};

	yyjson_mut_obj_add_str(w->doc, obj, "action", action[to->kind]);
	if (to->kind == KIRA_FWD_NEIGHBOUR || to->kind == KIRA_FWD_PATH) {
		add_link(w, obj, to->link);
		add_addr(w, obj, "via", &to->via);
	}
	if (to->kind == KIRA_FWD_PATH)
		add_id(w, obj, "label", &to->label);
	if (to->bypass)
		add_id(w, obj, "bypass", &to->outer);
}

static bool one_node_entry(void *ctx, const struct kira_id *id, unsigned bits,
			   const struct kira_fwd *to)
{
	struct walk *w = ctx;
	struct kira_addr addr = kira_id_addr(w->n->settings.core.node_prefix, id);
	char text[INET6_ADDRSTRLEN];
	yyjson_mut_val *obj;
	unsigned i;

	if (to->kind == KIRA_FWD_NONE)
		return true;
	for (i = bits + 16; i < 128; i++)
		addr.b[i / 8] &= (uint8_t)~(0x80u >> (i % 8));
	addr_text(&addr, text);
	obj = yyjson_mut_arr_add_obj(w->doc, w->list);
	json_add_text(w->doc, obj, "prefix", "%s/%u", text, bits + 16);
	add_fwd(w, obj, to);
	return true;
}

static bool one_path_entry(void *ctx, const struct kira_id *path_id, const struct kira_fwd *to,
			   usec_t refreshed)
{
	struct walk *w = ctx;
	yyjson_mut_val *obj;

	if (to->kind == KIRA_FWD_NONE)
		return true;
	obj = yyjson_mut_arr_add_obj(w->doc, w->list);
	add_id(w, obj, "path-id", path_id);
	add_fwd(w, obj, to);
	if (refreshed > 0)
		add_age(w, obj, "refreshed", refreshed);
	return true;
}

/* ---- the node and its counters ---- */

static void one_link(void *ctx, const struct iface *i)
{
	struct walk *w = ctx;

	if (i->role == IFACE_LINK)
		yyjson_mut_arr_add_strcpy(w->doc, w->list, i->name);
}

static void add_node(struct walk *w, yyjson_mut_val *obj)
{
	const struct kira *core = w->n->core;

	add_id(w, obj, "id", kira_own_id(core));
	add_node_addr(w, obj, kira_own_id(core));
	yyjson_mut_obj_add_uint(w->doc, obj, "ssn", kira_ssn(core));
	yyjson_mut_obj_add_uint(w->doc, obj, "degree", kira_n_neighbours(core));
	yyjson_mut_obj_add_uint(w->doc, obj, "contacts", kira_n_contacts(core));
	yyjson_mut_obj_add_uint(w->doc, obj, "uptime",
				(uint64_t)(w->now - w->n->started) / 1000000);
	yyjson_mut_obj_add_str(w->doc, obj, "version", DEP_VERSION);
	yyjson_mut_obj_add_str(w->doc, obj, "data-plane",
			       dataplane_kind_name(dataplane_kind(w->n->data)));
	w->list = json_add_arr(w->doc, obj, "link");
	ifaces_each(w->n->ifaces, one_link, w);
}

uint64_t report_drops(const struct node *n, enum kira_drop reason)
{
	const struct links_stats *l = links_stats(n->links);
	uint64_t count = kira_stats(n->core)->drop[reason];

	if (reason == KIRA_DROP_LINK)
		count += l->hop_limit + l->source + l->destination + l->unknown;
	return count;
}

static void add_messages(struct walk *w, yyjson_mut_val *obj, const struct kira_stats *s)
{
	yyjson_mut_val *list = json_add_arr(w->doc, obj, "message");
	uint64_t other[2] = {0};
	yyjson_mut_val *entry;
	unsigned type;
	bool known;

	/* Types without a name share the entry of that name. */
	for (type = 0; type <= 256; type++) {
		uint64_t rx = type < 256 ? s->rx_type[type] : other[0];
		uint64_t tx = type < 256 ? s->tx_type[type] : other[1];

		known = type == 256 || strcmp(kira_msg_name((uint8_t)type), "unknown") != 0;
		if (!known) {
			other[0] += rx;
			other[1] += tx;
		}
		if (!known || rx + tx == 0)
			continue;
		entry = yyjson_mut_arr_add_obj(w->doc, list);
		yyjson_mut_obj_add_str(w->doc, entry, "type",
				       type < 256 ? kira_msg_name((uint8_t)type) : "unknown");
		json_add_u64(w->doc, entry, "received", rx);
		json_add_u64(w->doc, entry, "sent", tx);
	}
}

static void add_drops(struct walk *w, yyjson_mut_val *obj)
{
	yyjson_mut_val *list = json_add_arr(w->doc, obj, "drop");
	yyjson_mut_val *entry;
	int reason;

	for (reason = KIRA_DROP_NONE + 1; reason < KIRA_DROP_MAX; reason++) {
		uint64_t count = report_drops(w->n, (enum kira_drop)reason);

		if (count == 0)
			continue;
		entry = yyjson_mut_arr_add_obj(w->doc, list);
		yyjson_mut_obj_add_str(w->doc, entry, "reason",
				       kira_drop_name((enum kira_drop)reason));
		json_add_u64(w->doc, entry, "count", count);
	}
}

static void add_data_plane(struct walk *w, yyjson_mut_val *obj)
{
	struct dataplane_stats s;

	if (dataplane_stats(w->n->data, &s) != 0)
		return;
	json_add_u64(w->doc, obj, "encapsulated", s.encapsulated);
	json_add_u64(w->doc, obj, "relabelled", s.relabelled);
	json_add_u64(w->doc, obj, "decapsulated", s.decapsulated);
	json_add_u64(w->doc, obj, "plain", s.plain);
	json_add_u64(w->doc, obj, "bypassed", s.bypassed);
	json_add_u64(w->doc, obj, "no-entry", s.no_entry);
	json_add_u64(w->doc, obj, "hop-limit", s.hop_limit);
	json_add_u64(w->doc, obj, "refused", s.refused);
}

static void add_statistics(struct walk *w, yyjson_mut_val *obj)
{
	const struct kira_stats *s = kira_stats(w->n->core);

	json_add_u64(w->doc, obj, "received", s->rx_msgs);
	json_add_u64(w->doc, obj, "received-bytes", s->rx_bytes);
	json_add_u64(w->doc, obj, "sent", s->tx_msgs);
	json_add_u64(w->doc, obj, "sent-bytes", s->tx_bytes);
	json_add_u64(w->doc, obj, "passed-on", s->forwarded);
	add_messages(w, obj, s);
	add_drops(w, obj);
	json_add_u64(w->doc, obj, "lookups", s->lookups);
	json_add_u64(w->doc, obj, "lookups-failed", s->lookups_failed);
	json_add_u64(w->doc, obj, "rediscoveries", s->rediscoveries);
	json_add_u64(w->doc, obj, "rediscovered", s->rediscovered);
	json_add_u64(w->doc, obj, "given-up", s->given_up);
	json_add_u64(w->doc, obj, "setups-refused", s->setup_refused);
	json_add_u64(w->doc, obj, "not-via-refused", s->not_via_refused);
	add_data_plane(w, json_add_obj(w->doc, obj, "data-plane"));
}

static bool wants(const char *path, const char *part)
{
	char full[64];

	snprintf(full, sizeof(full), "/kira:kira/%s", part);
	return counter_wants(path, full);
}

/* A container with one list. */
static void begin_list(struct walk *w, yyjson_mut_val *top, const char *container, const char *list)
{
	w->list = json_add_arr(w->doc, json_add_obj(w->doc, top, container), list);
}

int report_state(const struct node *n, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
	struct walk w = {.n = n, .doc = doc, .now = clock_now()};
	yyjson_mut_val *top = json_add_obj(doc, root, "kira:kira");

	if (wants(path, "node"))
		add_node(&w, json_add_obj(doc, top, "node"));
	if (wants(path, "neighbours")) {
		begin_list(&w, top, "neighbours", "neighbour");
		kira_each_neighbour(n->core, one_neighbour, &w);
	}
	if (wants(path, "contacts")) {
		begin_list(&w, top, "contacts", "contact");
		kira_each_contact(n->core, one_contact, &w);
	}
	if (wants(path, "vicinity")) {
		begin_list(&w, top, "vicinity", "node");
		kira_each_vicinity(n->core, one_vicinity, &w);
	}
	if (wants(path, "node-table")) {
		begin_list(&w, top, "node-table", "entry");
		kira_each_fwd_node(n->core, one_node_entry, &w);
	}
	if (wants(path, "path-table")) {
		begin_list(&w, top, "path-table", "entry");
		kira_each_fwd_path(n->core, one_path_entry, &w);
	}
	if (wants(path, "statistics"))
		add_statistics(&w, json_add_obj(doc, top, "statistics"));
	return top ? 0 : -ENOMEM;
}
