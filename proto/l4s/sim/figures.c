/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/sim/figures.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

struct list {
	struct figure *name;
	double *value;
	unsigned n;
};

__attribute__((format(printf, 4, 5))) static void put(struct list *l, bool ratio, double v,
						      const char *fmt, ...)
{
	va_list ap;

	if (l->name) {
		l->name[l->n].ratio = ratio;
		va_start(ap, fmt);
		vsnprintf(l->name[l->n].name, sizeof(l->name[l->n].name), fmt, ap);
		va_end(ap);
	}
	if (l->value)
		l->value[l->n] = v;
	l->n++;
}

static bool is_scalable(const struct sim_flow_cfg *f)
{
	return f->cc.ect == ECN_ECT1;
}

double figures_flow_rate(const struct sim_flow_result *f)
{
	return f->active ? (double)f->bytes * 8e9 / (double)f->active : 0;
}

double sim_rate(const struct sim_cfg *cfg, const struct sim_result *r, uint32_t group)
{
	double sum = 0;
	uint32_t n = 0;
	uint32_t i;

	for (i = 0; i < r->n_flows; i++) {
		if (r->flow[i].group != group || !r->flow[i].active)
			continue;
		sum += figures_flow_rate(&r->flow[i]);
		n++;
	}
	return n ? sum / n : 0;
}

double sim_utilisation(const struct sim_cfg *cfg, const struct sim_result *r, uint32_t l)
{
	const struct sim_link_result *k = &r->link[l];

	/* Time served is exact; where the rate changes only bits can be compared. */
	if (!cfg->link[l].n_trace)
		return r->measured ? (double)k->busy / (double)r->measured : 0;
	return k->capacity ? (double)k->served_bytes * 8 / (double)k->capacity : 0;
}

double figures_side_rate(const struct sim_cfg *cfg, const struct sim_result *r, bool scalable)
{
	double sum = 0;
	uint32_t n = 0;
	uint32_t i;

	for (i = 0; i < r->n_flows; i++) {
		if (is_scalable(&cfg->flow[r->flow[i].group]) != scalable || !r->flow[i].active)
			continue;
		sum += figures_flow_rate(&r->flow[i]);
		n++;
	}
	return n ? sum / n : 0;
}

double figures_jain(const struct sim_result *r)
{
	double sum = 0;
	double squares = 0;
	uint32_t n = 0;
	uint32_t i;

	for (i = 0; i < r->n_flows; i++) {
		double x = figures_flow_rate(&r->flow[i]);

		if (!r->flow[i].active)
			continue;
		sum += x;
		squares += x * x;
		n++;
	}
	return squares > 0 ? sum * sum / (squares * n) : 1;
}

unsigned figures_queues(const struct sim_link_cfg *k)
{
	return k->aqm.kind == AQM_DUALPI2 ? 2 : 1;
}

void figures_sides(const struct sim_cfg *cfg, struct figure_sides *to)
{
	unsigned n[2] = {0};
	char *name[2] = {to->classic, to->scalable};
	uint32_t i;

	*to = (struct figure_sides){0};
	for (i = 0; i < cfg->n_flows; i++) {
		bool p = is_scalable(&cfg->flow[i]);

		if (!n[p]++)
			snprintf(name[p], sizeof(to->classic), "%s", cfg->flow[i].name);
		else if (n[p] == 2)
			snprintf(name[p], sizeof(to->classic), "%.24s…", cfg->flow[i].name);
	}
	to->there = n[0] && n[1];
}

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static void put_group(struct list *l, const struct sim_cfg *cfg, const struct sim_result *r,
		      uint32_t g)
{
	uint64_t sent = 0;
	uint64_t marked = 0;
	uint64_t lost = 0;
	uint32_t i;

	for (i = 0; r && i < r->n_flows; i++) {
		if (r->flow[i].group != g)
			continue;
		sent += r->flow[i].sent;
		marked += r->flow[i].marked;
		lost += r->flow[i].lost;
	}
	put(l, false, r ? sim_rate(cfg, r, g) : 0, "rate%u_bps", g + 1);
	put(l, false, share(marked, sent), "marked%u", g + 1);
	put(l, false, share(lost, sent), "lost%u", g + 1);
}

/* q NULL: not used, or no result yet. */
static void put_queue(struct list *l, const struct aqm_queue_stats *q, uint32_t link, char name)
{
	static const struct {
		const char *name;
		uint32_t q;
	} quantile[] = {{"p50", 500000}, {"p90", 900000}, {"p99", 990000}, {"p99.9", 999000}};
	unsigned i;

	put(l, false, q ? (double)hist_mean(&q->delay) / 1e6 : NAN, "link%u_%c_mean_ms", link,
	    name);
	for (i = 0; i < 4; i++)
		put(l, false, q ? (double)hist_quantile(&q->delay, quantile[i].q) / 1e6 : NAN,
		    "link%u_%c_%s_ms", link, name, quantile[i].name);
	put(l, false, q ? share(q->marked, q->arrived) : NAN, "link%u_%c_marked", link, name);
	put(l, false, q ? share(q->dropped_ect + q->dropped_not_ect, q->arrived) : NAN,
	    "link%u_%c_dropped", link, name);
}

static double ratio(const struct sim_cfg *cfg, const struct sim_result *r)
{
	double p = figures_side_rate(cfg, r, true);
	double c = figures_side_rate(cfg, r, false);

	return p > 0 && c > 0 ? p / c : NAN;
}

unsigned figures_max(const struct sim_cfg *cfg)
{
	return 3 * cfg->n_flows + 15 * cfg->n_links + 3;
}

unsigned figures(const struct sim_cfg *cfg, const struct sim_result *r, struct figure *name,
		 double *value)
{
	struct list l = {.name = name, .value = value};
	uint32_t i;
	unsigned c;

	for (i = 0; i < cfg->n_flows; i++)
		put_group(&l, cfg, r, i);
	if (cfg->n_flows) {
		put(&l, true, r ? ratio(cfg, r) : NAN, "ratio");
		put(&l, false, r ? figures_jain(r) : NAN, "jain");
	}
	for (i = 0; i < cfg->n_links; i++) {
		put(&l, false, r ? sim_utilisation(cfg, r, i) : NAN, "link%u_used", i + 1);
		for (c = 0; c < 2; c++)
			put_queue(&l,
				  r && c < figures_queues(&cfg->link[i]) ? &r->link[i].aqm.q[c]
									 : NULL,
				  i + 1, c ? 'l' : 'c');
	}
	put(&l, false, r ? (double)r->packets : NAN, "packets");
	return l.n;
}
