/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/sim/report.h"
#include "proto/l4s/study/stats.h"

#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Plain numbers: results are no YANG data, and readers of JSON results want numbers. */
#define uint(doc, obj, key, v) yyjson_mut_obj_add_uint(doc, obj, key, v)
#define real(doc, obj, key, v) yyjson_mut_obj_add_real(doc, obj, key, v)

static void hist(yyjson_mut_doc *d, yyjson_mut_val *obj, const char *key, const struct hist *h)
{
	yyjson_mut_val *o = json_add_obj(d, obj, key);
	yyjson_mut_val *b = NULL;
	yyjson_mut_val *pair;
	uint32_t i;

	uint(d, o, "n", h->n);
	if (!h->n)
		return;
	uint(d, o, "mean", hist_mean(h));
	uint(d, o, "min", h->min);
	uint(d, o, "p50", hist_quantile(h, 500000));
	uint(d, o, "p90", hist_quantile(h, 900000));
	uint(d, o, "p99", hist_quantile(h, 990000));
	uint(d, o, "p99.9", hist_quantile(h, 999000));
	uint(d, o, "max", h->max);
	b = json_add_arr(d, o, "buckets"); /* [from ns, packets] */
	for (i = 0; i < HIST_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		pair = yyjson_mut_arr_add_arr(d, b);
		yyjson_mut_arr_add_uint(d, pair, hist_floor(i));
		yyjson_mut_arr_add_uint(d, pair, h->bucket[i]);
	}
}

static void scenario(yyjson_mut_doc *d, yyjson_mut_val *root, const struct scenario *s)
{
	yyjson_mut_val *o = json_add_obj(d, root, "scenario");

	if (s->name[0])
		json_add_text(d, o, "name", "%s", s->name);
	uint(d, o, "duration", s->cfg.duration);
	uint(d, o, "warmup", s->cfg.warmup);
	uint(d, o, "seed", s->cfg.seed);
}

static void groups(yyjson_mut_doc *d, yyjson_mut_val *root, const struct scenario *s,
		   const struct sim_result *r)
{
	yyjson_mut_val *arr = json_add_arr(d, root, "groups");
	char cc[512];
	uint32_t i;

	for (i = 0; i < s->cfg.n_flows; i++) {
		const struct sim_flow_cfg *f = &s->cfg.flow[i];
		yyjson_mut_val *o = yyjson_mut_arr_add_obj(d, arr);

		cc_cfg_print(&f->cc, cc, sizeof(cc));
		json_add_text(d, o, "name", "%s", f->name);
		json_add_text(d, o, "cc", "%s", cc);
		uint(d, o, "count", f->count);
		uint(d, o, "rtt", f->rtt);
		if (r)
			real(d, o, "rate", sim_rate(&s->cfg, r, i));
	}
}

static void fairness(yyjson_mut_doc *d, yyjson_mut_val *root, const struct scenario *s,
		     const struct sim_result *r)
{
	struct figure_sides sides;
	yyjson_mut_val *o;
	double c;

	figures_sides(&s->cfg, &sides);
	if (sides.there) {
		o = json_add_obj(d, root, "ratio");
		c = figures_side_rate(&s->cfg, r, false);
		json_add_text(d, o, "of", "%s", sides.scalable);
		json_add_text(d, o, "to", "%s", sides.classic);
		if (c > 0)
			real(d, o, "value", figures_side_rate(&s->cfg, r, true) / c);
	}
	if (r->n_flows)
		real(d, root, "jain", figures_jain(r));
}

static void flows(yyjson_mut_doc *d, yyjson_mut_val *root, const struct scenario *s,
		  const struct sim_result *r)
{
	yyjson_mut_val *arr = json_add_arr(d, root, "flows");
	uint32_t i;

	for (i = 0; i < r->n_flows; i++) {
		const struct sim_flow_result *f = &r->flow[i];
		yyjson_mut_val *o = yyjson_mut_arr_add_obj(d, arr);

		json_add_text(d, o, "group", "%s", s->cfg.flow[f->group].name);
		real(d, o, "rate", figures_flow_rate(f));
		uint(d, o, "bytes", f->bytes);
		uint(d, o, "active", f->active);
		uint(d, o, "sent", f->sent);
		uint(d, o, "retransmitted", f->retransmitted);
		uint(d, o, "lost", f->lost);
		uint(d, o, "marked", f->marked);
		uint(d, o, "delivered-ce", f->delivered_ce);
		uint(d, o, "reductions-ecn", f->reductions[CC_CAUSE_ECN]);
		uint(d, o, "reductions-loss", f->reductions[CC_CAUSE_LOSS]);
		uint(d, o, "reductions-rto", f->reductions[CC_CAUSE_RTO]);
		uint(d, o, "rtos", f->rtos);
		uint(d, o, "spurious", f->spurious);
		uint(d, o, "objects", f->objects);
		uint(d, o, "rtt-mean", f->rtt_mean);
		uint(d, o, "rtt-min", f->rtt_min);
		real(d, o, "alpha", (double)f->view.alpha / 16777216.0);
		real(d, o, "beta", (double)f->view.beta / 1024.0);
		real(d, o, "classic-ecn", (double)f->view.classic / 1024.0);
	}
}

static void queue(yyjson_mut_doc *d, yyjson_mut_val *arr, const struct aqm_queue_stats *q,
		  const char *name)
{
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(d, arr);

	json_add_text(d, o, "queue", "%s", name);
	uint(d, o, "arrived", q->arrived);
	uint(d, o, "forwarded", q->forwarded);
	uint(d, o, "forwarded-bytes", q->forwarded_bytes);
	uint(d, o, "marked", q->marked);
	uint(d, o, "marked-native", q->marked_native);
	uint(d, o, "dropped-ect", q->dropped_ect);
	uint(d, o, "dropped-not-ect", q->dropped_not_ect);
	uint(d, o, "dropped-limit", q->dropped_limit);
	uint(d, o, "packets", q->packets);
	uint(d, o, "max-packets", q->max_packets);
	hist(d, o, "delay", &q->delay);
}

static void links(yyjson_mut_doc *d, yyjson_mut_val *root, const struct scenario *s,
		  const struct sim_result *r)
{
	yyjson_mut_val *arr = json_add_arr(d, root, "links");
	uint32_t l;

	for (l = 0; l < s->cfg.n_links; l++) {
		const struct sim_link_result *k = &r->link[l];
		yyjson_mut_val *o = yyjson_mut_arr_add_obj(d, arr);
		yyjson_mut_val *qs;

		json_add_text(d, o, "aqm", "%s",
			      s->aqm[l] ? s->aqm[l] : aqm_kind_name(s->cfg.link[l].aqm.kind));
		uint(d, o, "rate", s->cfg.link[l].rate);
		real(d, o, "utilisation", sim_utilisation(&s->cfg, r, l));
		uint(d, o, "served-bytes", k->served_bytes);
		uint(d, o, "capacity-bits", k->capacity);
		uint(d, o, "lost", k->lost);
		uint(d, o, "sending", k->sending);
		real(d, o, "prob", k->aqm.prob / 4294967296.0);
		real(d, o, "p-cl", k->aqm.p_cl / 4294967296.0);
		real(d, o, "p-c", k->aqm.p_c / 4294967296.0);
		uint(d, o, "overloads", k->aqm.overloads);
		uint(d, o, "overload-time", k->aqm.overload_ns);
		qs = json_add_arr(d, o, "queues");
		queue(d, qs, &k->aqm.q[0], figures_queues(&s->cfg.link[l]) > 1 ? "C" : "-");
		if (figures_queues(&s->cfg.link[l]) > 1)
			queue(d, qs, &k->aqm.q[1], "L");
	}
}

static void loads(yyjson_mut_doc *d, yyjson_mut_val *root, const struct scenario *s,
		  const struct sim_result *r)
{
	static const char *const ecn[] = ECN_NAMES;
	yyjson_mut_val *arr = json_add_arr(d, root, "loads");
	uint32_t i;

	for (i = 0; i < s->cfg.n_loads; i++) {
		yyjson_mut_val *o = yyjson_mut_arr_add_obj(d, arr);

		json_add_text(d, o, "name", "%s", s->cfg.load[i].name);
		json_add_text(d, o, "ecn", "%s", ecn[s->cfg.load[i].ecn & 3]);
		uint(d, o, "sent", r->load[i].sent);
		uint(d, o, "received", r->load[i].received);
		uint(d, o, "received-bytes", r->load[i].received_bytes);
		uint(d, o, "marked", r->load[i].marked);
	}
}

static int print(FILE *to, yyjson_mut_doc *d, bool complete)
{
	char *text = complete ? yyjson_mut_write(d, YYJSON_WRITE_PRETTY_TWO_SPACES, NULL) : NULL;
	int r = 0;

	if (!text)
		r = -ENOMEM;
	else if (fputs(text, to) < 0 || fputc('\n', to) < 0)
		r = -EIO;
	free(text);
	yyjson_mut_doc_free(d);
	return r;
}

int report_json(FILE *to, const struct scenario *s, const struct sim_result *r)
{
	yyjson_mut_doc *d = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(d);

	if (!root) {
		yyjson_mut_doc_free(d);
		return -ENOMEM;
	}
	yyjson_mut_doc_set_root(d, root);
	scenario(d, root, s);
	groups(d, root, s, r);
	fairness(d, root, s, r);
	flows(d, root, s, r);
	links(d, root, s, r);
	if (s->cfg.n_loads)
		loads(d, root, s, r);
	if (r->fct.n)
		hist(d, root, "completion", &r->fct);
	uint(d, root, "packets", r->packets);
	uint(d, root, "events", r->events);
	uint(d, root, "measured", r->measured);
	/* The last member is there: so are all before it, as memory is never given back. */
	return print(to, d, yyjson_mut_obj_get(root, "measured") != NULL);
}

/* JSON has no infinity: an interval that is not known is null. */
static void number(yyjson_mut_doc *d, yyjson_mut_val *o, const char *key, double v)
{
	if (isfinite(v))
		real(d, o, key, v);
	else
		yyjson_mut_obj_add_null(d, o, key);
}

int report_seeds_json(FILE *to, const struct scenario *s, unsigned seeds, const struct figure *f,
		      const struct stats_ci *ci, const double *runs, unsigned n)
{
	yyjson_mut_doc *d = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(d);
	yyjson_mut_val *list;
	unsigned i;
	unsigned k;

	if (!root) {
		yyjson_mut_doc_free(d);
		return -ENOMEM;
	}
	yyjson_mut_doc_set_root(d, root);
	scenario(d, root, s);
	groups(d, root, s, NULL);
	uint(d, root, "runs", seeds);
	list = json_add_obj(d, root, "figures");
	for (i = 0; i < n; i++) {
		yyjson_mut_val *o;
		yyjson_mut_val *arr;

		if (isnan(ci[i].value))
			continue;
		o = json_add_obj(d, list, f[i].name);
		number(d, o, "mean", ci[i].value);
		number(d, o, "from", ci[i].lo);
		number(d, o, "to", ci[i].hi);
		arr = json_add_arr(d, o, "values");
		for (k = 0; k < seeds; k++) {
			double v = runs[(size_t)k * n + i];

			if (isfinite(v))
				yyjson_mut_arr_add_real(d, arr, v);
			else
				yyjson_mut_arr_add_null(d, arr);
		}
	}
	json_add_text(d, root, "confidence", "95 %%, Student; ratio: of its logarithm");
	return print(to, d, yyjson_mut_obj_get(root, "confidence") != NULL);
}
