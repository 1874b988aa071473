/* SPDX-License-Identifier: BSD-2-Clause */
/* The node's numbers for Prometheus. */
#include "base/metrics.h"

#include "proto/kira/node/room.h"

#define PREFIX "dep_kira_"

static void one(struct buf *b, const char *name, const char *type, const char *help, uint64_t v)
{
	metrics_family(b, name, type, help);
	metrics_u64(b, name, v);
}

static void add_messages(struct buf *b, const struct kira_stats *s)
{
	static const char name[] = PREFIX "messages_total";
	unsigned type;

	metrics_family(b, name, "counter", "Routing messages by direction and type.");
	for (type = 0; type < 256; type++) {
		const char *text = kira_msg_name((uint8_t)type);

		if (strcmp(text, "unknown") == 0)
			continue;
		metrics_u64(b, name, s->rx_type[type], {"direction", "rx"}, {"type", text});
		metrics_u64(b, name, s->tx_type[type], {"direction", "tx"}, {"type", text});
	}
	metrics_family(b, PREFIX "bytes_total", "counter",
		       "Bytes of routing messages, without UDP and IPv6 headers.");
	metrics_u64(b, PREFIX "bytes_total", s->rx_bytes, {"direction", "rx"});
	metrics_u64(b, PREFIX "bytes_total", s->tx_bytes, {"direction", "tx"});
	one(b, PREFIX "passed_on_total", "counter", "Routing messages passed on for others.",
	    s->forwarded);
}

static void add_drops(struct buf *b, const struct node *n)
{
	static const char name[] = PREFIX "dropped_total";
	const struct links_stats *l = links_stats(n->links);
	int reason;

	metrics_family(b, name, "counter", "Routing messages dropped, by reason.");
	for (reason = KIRA_DROP_NONE + 1; reason < KIRA_DROP_MAX; reason++)
		metrics_u64(b, name, report_drops(n, (enum kira_drop)reason),
			    {"reason", kira_drop_name((enum kira_drop)reason)});
	one(b, PREFIX "receive_overflow_total", "counter",
	    "Datagrams dropped by the kernel: the socket's buffer was full.", l->overflow);
	one(b, PREFIX "send_failed_total", "counter", "Datagrams that the kernel did not take.",
	    l->send_failed);
}

struct states {
	uint64_t count[KIRA_DEAD + 1];
};

static bool count_state(void *ctx, const struct kira_contact_info *i)
{
	struct states *s = ctx;

	s->count[i->state]++;
	return true;
}

static bool count_node(void *ctx, const struct kira_id *id, unsigned bits,
		       const struct kira_fwd *to)
{
	uint64_t *count = ctx;

	(*count)++;
	return true;
}

static bool count_path(void *ctx, const struct kira_id *id, const struct kira_fwd *to,
		       usec_t refreshed)
{
	uint64_t *count = ctx;

	(*count)++;
	return true;
}

static bool count_vicinity(void *ctx, const struct kira_vicinity_info *i)
{
	uint64_t *count = ctx;

	(*count)++;
	return true;
}

static void count_link(void *ctx, const struct iface *i)
{
	uint64_t *count = ctx;

	*count += i->role == IFACE_LINK;
}

static void add_tables(struct buf *b, const struct node *n)
{
	struct states states = {0};
	uint64_t nodes = 0;
	uint64_t paths = 0;
	uint64_t vicinity = 0;
	uint64_t links = 0;
	int s;

	ifaces_each(n->ifaces, count_link, &links);
	kira_each_contact(n->core, count_state, &states);
	kira_each_vicinity(n->core, count_vicinity, &vicinity);
	kira_each_fwd_node(n->core, count_node, &nodes);
	kira_each_fwd_path(n->core, count_path, &paths);
	one(b, PREFIX "links", "gauge", "Interfaces that are KIRA links.", links);
	one(b, PREFIX "neighbours", "gauge", "Nodes on the same links.",
	    kira_n_neighbours(n->core));
	metrics_family(b, PREFIX "contacts", "gauge", "Entries of the routing table, by state.");
	for (s = KIRA_UNKNOWN; s <= KIRA_DEAD; s++)
		metrics_u64(b, PREFIX "contacts", states.count[s],
			    {"state", kira_contact_state_name((enum kira_contact_state)s)});
	one(b, PREFIX "vicinity_nodes", "gauge", "Nodes of the vicinity graph.", vicinity);
	metrics_family(b, PREFIX "table_entries", "gauge", "Entries of the forwarding tables.");
	metrics_u64(b, PREFIX "table_entries", nodes, {"table", "node"});
	metrics_u64(b, PREFIX "table_entries", paths, {"table", "path"});
	one(b, PREFIX "table_errors_total", "counter", "Entries that the data plane did not take.",
	    n->table_errors);
}

static void add_packets(struct buf *b, const struct node *n)
{
	static const char name[] = PREFIX "packets_total";
	static const char dropped[] = PREFIX "packets_dropped_total";
	struct dataplane_stats s;

	if (dataplane_stats(n->data, &s) != 0)
		return;
	metrics_family(b, name, "counter",
		       "Packets of the forwarding tier, by what was done with them.");
	metrics_u64(b, name, s.encapsulated, {"action", "encapsulated"});
	metrics_u64(b, name, s.relabelled, {"action", "relabelled"});
	metrics_u64(b, name, s.decapsulated, {"action", "decapsulated"});
	metrics_u64(b, name, s.plain, {"action", "plain"});
	metrics_u64(b, name, s.bypassed, {"action", "bypassed"});
	metrics_family(b, dropped, "counter", "Packets dropped by the forwarding tier, by reason.");
	metrics_u64(b, dropped, s.no_entry, {"reason", "no-entry"});
	metrics_u64(b, dropped, s.hop_limit, {"reason", "hop-limit"});
	metrics_u64(b, dropped, s.refused, {"reason", "refused"});
}

void report_metrics(const struct node *n, struct buf *b)
{
	const struct kira_stats *s = kira_stats(n->core);

	add_messages(b, s);
	add_drops(b, n);
	add_tables(b, n);
	add_packets(b, n);
	one(b, PREFIX "lookups_total", "counter", "Look-ups of nodes.", s->lookups);
	one(b, PREFIX "lookups_failed_total", "counter", "Look-ups without an answer.",
	    s->lookups_failed);
	one(b, PREFIX "rediscoveries_total", "counter", "Searches for another path to a contact.",
	    s->rediscoveries);
	one(b, PREFIX "rediscovered_total", "counter", "Such searches that found one.",
	    s->rediscovered);
	one(b, PREFIX "given_up_total", "counter", "Contacts removed because no path was found.",
	    s->given_up);
	one(b, PREFIX "setups_refused_total", "counter", "Path set-ups refused.", s->setup_refused);
	one(b, PREFIX "not_via_refused_total", "counter", "Reports of broken links not believed.",
	    s->not_via_refused);
	one(b, PREFIX "ssn", "gauge", "State sequence number.", kira_ssn(n->core));
	one(b, PREFIX "core_memory_bytes", "gauge", "Memory that the routing core holds.",
	    n->alloc.used);
	one(b, PREFIX "uptime_seconds", "gauge", "Time since the node started.",
	    (uint64_t)(clock_now() - n->started) / 1000000);
}
