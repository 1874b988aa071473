/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/sim/report.h"

#include <errno.h>
#include <stdlib.h>
#include <yyjson.h>

struct js {
	yyjson_mut_doc *doc;
	yyjson_mut_val *at; /* object to add to */
};

static void put_int(struct js j, const char *key, uint64_t v)
{
	yyjson_mut_obj_add_uint(j.doc, j.at, key, v);
}

/* Fixed precision, so that equal runs give equal bytes everywhere. */
static void put_real(struct js j, const char *key, double v, int digits)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*f", digits, v);
	yyjson_mut_obj_add_val(j.doc, j.at, key, yyjson_mut_rawcpy(j.doc, text));
}

static void put_time(struct js j, const char *key, usec_t t)
{
	if (t == USEC_NEVER)
		yyjson_mut_obj_add_null(j.doc, j.at, key);
	else
		put_real(j, key, (double)t / 1e6, 6);
}

static void put_text(struct js j, const char *key, const char *v)
{
	yyjson_mut_obj_add_strcpy(j.doc, j.at, key, v);
}

static struct js put_object(struct js j, const char *key)
{
	return (struct js){j.doc, yyjson_mut_obj_add_obj(j.doc, j.at, key)};
}

static struct js put_element(struct js j, yyjson_mut_val *array)
{
	return (struct js){j.doc, yyjson_mut_arr_add_obj(j.doc, array)};
}

static void put_ends(struct js j, const char *key, const uint64_t ends[WALK_ENDS])
{
	struct js o = put_object(j, key);
	int i;

	for (i = 0; i < WALK_ENDS; i++) {
		if (ends[i])
			put_int(o, walk_end_name((enum walk_end)i), ends[i]);
	}
}

static void put_topology(struct js j, const struct sim *s)
{
	struct js o = put_object(j, "topology");
	uint32_t most = 0;
	uint32_t i;

	for (i = 0; i < s->g->n; i++) {
		if (graph_degree(s->g, i) > most)
			most = graph_degree(s->g, i);
	}
	put_text(o, "name", s->g->name);
	put_int(o, "nodes", s->g->n);
	put_int(o, "edges", s->g->m);
	put_real(o, "degree_mean", 2.0 * s->g->m / s->g->n, 3);
	put_int(o, "degree_max", most);
}

static void put_survey(struct js o, const struct survey *v)
{
	yyjson_mut_val *list;
	uint32_t i;

	put_time(o, "at_s", v->at);
	yyjson_mut_obj_add_bool(o.doc, o.at, "sampled", v->sampled);
	put_int(o, "pairs", v->pairs);
	put_int(o, "reached", v->reached);
	put_real(o, "percent", v->pairs ? 100.0 * (double)v->reached / (double)v->pairs : 100, 4);
	put_ends(o, "ends", v->ends);
	put_real(o, "shortest_mean", v->shortest_mean, 4);
	put_real(o, "hops_mean", v->hops_mean, 4);
	put_real(o, "stretch_mean", v->stretch_mean, 4);
	put_real(o, "stretch_p50", v->stretch_p50, 4);
	put_real(o, "stretch_p95", v->stretch_p95, 4);
	put_real(o, "stretch_p99", v->stretch_p99, 4);
	put_real(o, "stretch_max", v->stretch_max, 4);
	put_real(o, "shortest_share", v->shortest_share, 4);
	put_real(o, "overlay_hops_mean", v->overlay_mean, 4);
	put_int(o, "overlay_hops_max", v->overlay_max);
	list = yyjson_mut_obj_add_arr(o.doc, o.at, "failures");
	for (i = 0; i < v->n_failures; i++) {
		struct js f = put_element(o, list);

		put_int(f, "src", v->failure[i].src);
		put_int(f, "dst", v->failure[i].dst);
		put_text(f, "end", walk_end_name((enum walk_end)v->failure[i].end));
		put_int(f, "at", v->failure[i].where);
	}
}

static void put_outages(struct js o, usec_t *v, size_t n)
{
	put_real(o, "outage_p50_ms", (double)check_quantile(v, n, 0.5) / 1e3, 3);
	put_real(o, "outage_p95_ms", (double)check_quantile(v, n, 0.95) / 1e3, 3);
	put_real(o, "outage_max_ms", (double)check_quantile(v, n, 1) / 1e3, 3);
}

static void put_fault(struct js o, const struct check_fault *f)
{
	uint64_t ends[WALK_ENDS];
	int i;

	for (i = 0; i < WALK_ENDS; i++)
		ends[i] = f->by_reason[i];
	put_text(o, "what", f->what);
	put_time(o, "at_s", f->at);
	put_int(o, "hit", f->hit);
	put_int(o, "open", f->open);
	put_outages(o, f->outage, f->n);
	put_ends(o, "found", ends);
}

/* All faults but the start, together. */
static int put_faults_total(struct js j, const struct check *c)
{
	struct js o = put_object(j, "faults_total");
	const struct check_fault *f;
	usec_t *all;
	size_t n = 0;
	size_t i;
	uint64_t hit = 0;
	uint64_t open = 0;

	for (i = 1; (f = check_fault_at(c, i)); i++)
		n += f->n;
	all = malloc((n + 1) * sizeof(*all));
	if (!all)
		return -ENOMEM;
	n = 0;
	for (i = 1; (f = check_fault_at(c, i)); i++) {
		if (f->n)
			memcpy(all + n, f->outage, f->n * sizeof(*all));
		n += f->n;
		hit += f->hit;
		open += f->open;
	}
	put_int(o, "faults", i - 1);
	put_int(o, "hit", hit);
	put_int(o, "open", open);
	put_outages(o, all, n);
	free(all);
	return 0;
}

static void put_faults(struct js j, const struct check *c)
{
	const struct check_fault *f;
	yyjson_mut_val *list;
	size_t i;

	put_fault(put_object(j, "start"), check_fault_at(c, 0));
	list = yyjson_mut_obj_add_arr(j.doc, j.at, "faults");
	for (i = 1; (f = check_fault_at(c, i)); i++)
		put_fault(put_element(j, list), f);
}

static void put_loops(struct js j, const struct check *c)
{
	const struct check_loop *l;
	yyjson_mut_val *list;
	size_t i;
	uint32_t n;

	put_int(j, "walks", check_walks(c));
	put_int(j, "loops", check_loops(c));
	list = yyjson_mut_obj_add_arr(j.doc, j.at, "loops_seen");
	for (i = 0; (l = check_loop_kept(c, i)); i++) {
		struct js o = put_element(j, list);
		yyjson_mut_val *trail;

		put_time(o, "at_s", l->at);
		put_int(o, "src", l->src);
		put_int(o, "dst", l->dst);
		trail = yyjson_mut_obj_add_arr(j.doc, o.at, "nodes");
		for (n = 0; n < l->n_trail; n++)
			yyjson_mut_arr_add_uint(j.doc, trail, l->trail[n]);
	}
}

static void put_types(struct js j, const struct sim *s, const struct snapshot *since)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(j.doc, j.at, "types");
	int i;

	for (i = 0; i < 256; i++) {
		struct js o;

		if (s->type_own[i].frames + s->type_transit[i].frames == 0)
			continue;
		o = put_element(j, list);
		put_text(o, "type", kira_msg_name((uint8_t)i));
		put_int(o, "own_messages", s->type_own[i].frames - since->type_own[i].frames);
		put_int(o, "own_bytes", s->type_own[i].bytes - since->type_own[i].bytes);
		put_int(o, "transit_messages", s->type_transit[i].frames - since->type_transit[i].frames);
		put_int(o, "transit_bytes", s->type_transit[i].bytes - since->type_transit[i].bytes);
		put_int(o, "all_messages", s->type_own[i].frames + s->type_transit[i].frames);
		put_int(o, "all_bytes", s->type_own[i].bytes + s->type_transit[i].bytes);
	}
}

static void put_traffic(struct js j, const struct sim *s, const struct snapshot *since)
{
	struct js o = put_object(j, "control");
	struct traffic t;

	traffic_measure(&t, s, since);
	put_real(o, "window_s", t.window, 6);
	put_real(o, "tx_bytes_s_mean", t.tx_mean, 2);
	put_real(o, "tx_bytes_s_max", t.tx_max, 2);
	put_real(o, "tx_wire_bytes_s_mean", t.tx_wire_mean, 2);
	put_real(o, "tx_wire_bytes_s_max", t.tx_wire_max, 2);
	put_real(o, "rx_bytes_s_mean", t.rx_mean, 2);
	put_real(o, "tx_messages_s_mean", t.frames_mean, 3);
	put_real(o, "transit_share", t.transit_share, 4);
	put_types(o, s, since);
}

static void put_sizes(struct js j, const struct sim *s)
{
	struct sizes z;
	struct js o;

	sizes_measure(&z, s);
	o = put_object(j, "contacts");
	put_real(o, "mean", z.contacts_mean, 2);
	put_int(o, "max", z.contacts_max);
	put_real(o, "bound_mean", z.bound_mean, 2);
	put_int(o, "over_bound", z.over);
	o = put_object(j, "tables");
	put_real(o, "node_mean", z.node_mean, 2);
	put_int(o, "node_max", z.node_max);
	put_real(o, "path_mean", z.path_mean, 2);
	put_int(o, "path_max", z.path_max);
	o = put_object(j, "memory");
	put_real(o, "node_mean", z.memory_mean, 0);
	put_int(o, "node_max", z.memory_max);
	put_int(o, "shared_and_engine", s->mem.used);
	put_int(j, "alive", z.alive);
}

static void put_core(struct js j, const struct sim *s)
{
	struct js o = put_object(j, "core");
	struct js d;
	struct kira_stats sum = {0};
	uint32_t i;
	int r;

	for (i = 0; i < s->g->n; i++) {
		const struct kira_stats *x;

		if (!s->node[i].k)
			continue;
		x = kira_stats(s->node[i].k);
		sum.lookups += x->lookups;
		sum.lookups_failed += x->lookups_failed;
		sum.rediscoveries += x->rediscoveries;
		sum.rediscovered += x->rediscovered;
		sum.given_up += x->given_up;
		sum.setup_refused += x->setup_refused;
		sum.not_via_refused += x->not_via_refused;
		for (r = 0; r < KIRA_DROP_MAX; r++)
			sum.drop[r] += x->drop[r];
	}
	put_int(o, "lookups", sum.lookups);
	put_int(o, "lookups_failed", sum.lookups_failed);
	put_int(o, "rediscoveries", sum.rediscoveries);
	put_int(o, "rediscovered", sum.rediscovered);
	put_int(o, "given_up", sum.given_up);
	put_int(o, "setup_refused", sum.setup_refused);
	put_int(o, "not_via_refused", sum.not_via_refused);
	d = put_object(o, "drops");
	for (r = 1; r < KIRA_DROP_MAX; r++) {
		if (sum.drop[r])
			put_int(d, kira_drop_name((enum kira_drop)r), sum.drop[r]);
	}
}

static void put_model(struct js j, const struct report *r)
{
	struct js o;
	double ours = r->survey[r->n_surveys - 1].stretch_mean;

	if (!r->model)
		return;
	o = put_object(j, "model");
	put_text(o, "name", r->model->name);
	put_int(o, "nodes", r->model->n);
	put_int(o, "k", r->model->k);
	put_real(o, "stretch_mean", r->model->stretch, 4);
	put_real(o, "ours_over_model", ours / r->model->stretch, 4);
}

static int put_all(struct js j, const struct report *r)
{
	const struct sim *s = r->s;
	yyjson_mut_val *list;
	usec_t full = check_full_at(r->c);
	size_t i;

	put_text(j, "version", DEP_VERSION);
	put_int(j, "seed", s->params.seed);
	put_topology(j, s);
	put_time(j, "time_s", s->now);
	put_int(j, "k", s->params.kira.k);
	put_time(j, "last_start_s", s->last_start);
	put_time(j, "full_s", full);
	put_time(j, "full_after_last_start_s", full == USEC_NEVER ? full : full - s->last_start);
	put_survey(put_object(j, "reachability"), &r->survey[r->n_surveys - 1]);
	list = yyjson_mut_obj_add_arr(j.doc, j.at, "checks");
	for (i = 0; i + 1 < r->n_surveys; i++)
		put_survey(put_element(j, list), &r->survey[i]);
	put_loops(j, r->c);
	put_faults(j, r->c);
	if (put_faults_total(j, r->c) < 0)
		return -ENOMEM;
	put_sizes(j, s);
	put_traffic(j, s, r->settled);
	put_core(j, s);
	put_int(j, "events", s->events);
	put_int(j, "table_changes", s->table_changes);
	put_int(j, "lost", s->lost);
	put_int(j, "misaddressed", s->misaddressed);
	put_model(j, r);
	return 0;
}

static int write_out(yyjson_mut_doc *doc, FILE *to)
{
	size_t n;
	char *text = yyjson_mut_write(doc, YYJSON_WRITE_PRETTY_TWO_SPACES, &n);
	int rc = 0;

	if (!text)
		return -ENOMEM;
	if (fwrite(text, 1, n, to) != n || fputc('\n', to) == EOF || fflush(to) != 0)
		rc = -EIO;
	free(text);
	return rc;
}

int report_json(const struct report *r, FILE *to)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	struct js j = {doc, doc ? yyjson_mut_obj(doc) : NULL};
	int rc;

	if (!j.at) {
		yyjson_mut_doc_free(doc);
		return -ENOMEM;
	}
	yyjson_mut_doc_set_root(doc, j.at);
	rc = put_all(j, r);
	if (rc == 0)
		rc = write_out(doc, to);
	yyjson_mut_doc_free(doc);
	return rc;
}
