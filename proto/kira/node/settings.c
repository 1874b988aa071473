/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/node/settings.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

/* Paths of kira.yang from the top. */
#define AT(path) "/kira:kira/" path

static uint64_t number(const struct lyd_node *at, const char *path)
{
	return config_u64(at, path, 0);
}

static usec_t msec(const struct lyd_node *at, const char *path)
{
	return MSEC(config_u64(at, path, 0));
}

/* "fc00::/16", as the module's pattern holds it to. */
static uint16_t prefix(const struct lyd_node *at, const char *path)
{
	return (uint16_t)strtoul(config_text(at, path), NULL, 16);
}

static void read_timers(struct kira_params *p, const struct lyd_node *at)
{
	p->hello_min = msec(at, AT("timers/hello-min"));
	p->hello_max = msec(at, AT("timers/hello-max"));
	p->silence = msec(at, AT("timers/silence"));
	p->silence_gap = msec(at, AT("timers/silence-gap"));
	p->silence_tries = (unsigned)number(at, AT("timers/silence-tries"));
	p->rod_min = msec(at, AT("timers/random-lookup-min"));
	p->rod_max = msec(at, AT("timers/random-lookup-max"));
	p->ond = msec(at, AT("timers/own-lookup"));
	p->probe_age = msec(at, AT("timers/probe-age"));
	p->path_refresh = msec(at, AT("timers/path-refresh"));
	p->path_expiry = msec(at, AT("timers/path-expiry"));
}

static void read_core(struct kira_params *p, const struct lyd_node *at)
{
	const char *id = config_text(at, AT("node-id"));

	kira_params_default(p);
	p->id = kira_id_undefined;
	if (id)
		kira_id_parse(id, &p->id);
	p->domain = number(at, AT("domain"));
	p->node_prefix = prefix(at, AT("node-prefix"));
	p->path_prefix = prefix(at, AT("path-prefix"));
	p->hash = strcmp(config_text(at, AT("path-hash")), "sha256") == 0 ? KIRA_HASH_SHA256
									  : KIRA_HASH_SHA1;
	p->k = (unsigned)number(at, AT("bucket-size"));
	p->acc = (unsigned)number(at, AT("acceleration"));
	p->end_system = config_flag(at, AT("end-system"));
	p->max_path_ids = (unsigned)number(at, AT("limits/path-ids"));
	p->max_vicinity = (unsigned)number(at, AT("limits/vicinity-nodes"));
	p->rate_requests = (unsigned)number(at, AT("limits/requests"));
	p->rate_setups = (unsigned)number(at, AT("limits/path-setups"));
	read_timers(p, at);
}

/* Besides the entries that others may set up, the PathID table holds those of the vicinity: one a
 * neighbour, and one a neighbour of each. The NodeID table holds the contacts, and twice the
 * deepest bucket (spec §2.19). */
#define MAX_VICINITY_PATHS 65536
#define MAX_NODES 65536

static void read_data_plane(struct settings *s, const struct lyd_node *at)
{
	static const enum dataplane_kind kinds[] = {DATAPLANE_BPF, DATAPLANE_TUN};
	const char *kind = config_text(at, AT("data-plane/kind"));
	struct dataplane_params *d = &s->data;
	size_t i;

	memset(d, 0, sizeof(*d));
	d->kind = DATAPLANE_AUTO;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kind, dataplane_kind_name(kinds[i])) == 0)
			d->kind = kinds[i];
	d->node_prefix = s->core.node_prefix;
	d->path_prefix = s->core.path_prefix;
	snprintf(s->device, sizeof(s->device), "%s", config_text(at, AT("data-plane/device")));
	d->device = s->device;
	d->max_nodes = MAX_NODES;
	d->max_paths = s->core.max_path_ids + MAX_VICINITY_PATHS;
}

void settings_read(struct settings *s, const struct config *c)
{
	const struct lyd_node *at = config_tree(c);

	read_core(&s->core, at);
	read_data_plane(s, at);
	s->port = (uint16_t)number(at, AT("port"));
}

struct match {
	const char *name;
	bool any;   /* there is a pattern */
	bool found; /* and one matches */
};

static bool match_one(void *ctx, const struct lyd_node *entry)
{
	struct match *m = ctx;

	m->any = true;
	m->found = fnmatch(config_text(entry, NULL), m->name, 0) == 0;
	return !m->found;
}

bool settings_wants(const struct config *c, const char *ifname)
{
	struct match include = {.name = ifname};
	struct match exclude = {.name = ifname};

	config_each(config_tree(c), AT("interfaces/exclude"), match_one, &exclude);
	if (exclude.found)
		return false;
	config_each(config_tree(c), AT("interfaces/include"), match_one, &include);
	return include.found || !include.any;
}

enum settings_reach settings_reach(const struct config_diff *diff, const char **path)
{
	/* The PathID table has its size from the start. */
	static const char *const process[] = {
		AT("node-id"),	  AT("node-prefix"),	 AT("path-prefix"),
		AT("data-plane"), AT("limits/path-ids"),
	};
	static const char live[] = AT("interfaces");
	enum settings_reach reach = SETTINGS_LIVE;
	size_t i;

	*path = NULL;
	for (i = 0; i < sizeof(process) / sizeof(process[0]); i++) {
		if (config_diff_touches(diff, process[i])) {
			*path = process[i];
			return SETTINGS_PROCESS;
		}
	}
	for (i = 0; i < diff->n; i++)
		if (strncmp(diff->change[i].path, live, sizeof(live) - 1) != 0)
			reach = SETTINGS_ROUTING;
	return reach;
}
