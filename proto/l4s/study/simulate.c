/* SPDX-License-Identifier: BSD-2-Clause */
/* A cell as a scenario of the simulator, and what came of it. */
#include "proto/l4s/study/grid.h"

#include "proto/l4s/sim/sim.h"
#include "proto/l4s/study/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY (2ull << 30) /* a run that wants more fails */
#define START_SPREAD 200000000ull

static int build(const struct grid_cell *c, uint64_t seed, struct scenario *s,
		 struct sim_load_cfg *load, struct err *err)
{
	struct scenario_group group[GRID_GROUPS];
	int rc;

	for (uint32_t i = 0; i < c->n_groups; i++)
		group[i] = (struct scenario_group){c->group[i].cc, c->group[i].count, c->rtt};
	rc = scenario_dumbbell(s, c->rate, c->aqm, group, c->n_groups, c->warmup + c->measure,
			       c->warmup, seed, err);
	if (rc < 0)
		return rc;
	/* Which flow is first, and at which phase they meet, is the seed's. */
	for (uint32_t i = 0; i < s->cfg.n_flows; i++)
		s->flow[i].start_spread = START_SPREAD;
	s->cfg.link[0].jitter = c->jitter;
	if (!c->load)
		return 0;
	*load = (struct sim_load_cfg){
		.kind = SIM_LOAD_POISSON,
		.ecn = c->load_ecn,
		.packet = 1500,
		.rate = c->load,
		.name = "udp",
	};
	s->cfg.load = load;
	s->cfg.n_loads = 1;
	return 0;
}

static void add_flow(struct grid_group_result *g, const struct sim_flow_result *f)
{
	g->sent += f->sent;
	g->retransmitted += f->retransmitted;
	g->lost += f->lost;
	g->marked += f->marked;
	g->delivered_ce += f->delivered_ce;
	g->by_ecn += f->reductions[CC_CAUSE_ECN];
	g->by_loss += f->reductions[CC_CAUSE_LOSS];
	g->rtos += f->rtos;
	g->rtt += (double)f->rtt_mean;
	g->beta += f->view.beta / (double)ABE_ONE;
	g->classic += f->view.classic > (int32_t)ABE_ONE;
}

static int take_group(const struct sim_cfg *cfg, const struct sim_result *r, uint32_t i,
		      struct grid_group_result *g)
{
	double *rate = malloc((r->n_flows ? r->n_flows : 1) * sizeof(*rate));
	size_t n = 0;

	if (!rate)
		return -ENOMEM;
	g->rate = sim_rate(cfg, r, i);
	for (uint32_t k = 0; k < r->n_flows; k++) {
		if (r->flow[k].group != i)
			continue;
		add_flow(g, &r->flow[k]);
		rate[n++] = (double)r->flow[k].bytes;
	}
	g->jain = stats_jain(rate, n);
	free(rate);
	if (n) {
		g->rtt /= (double)n;
		g->beta /= (double)n;
		g->classic /= (double)n;
	}
	return 0;
}

static void take_queue(const struct aqm_queue_stats *from, struct grid_queue_result *q)
{
	q->mean = (double)hist_mean(&from->delay);
	for (unsigned i = 0; i < GRID_QUANTILES; i++)
		q->delay[i] = (double)hist_quantile(&from->delay, grid_quantile[i]);
	q->arrived = from->arrived;
	q->forwarded = from->forwarded;
	q->marked = from->marked;
	q->dropped_ect = from->dropped_ect;
	q->dropped_not_ect = from->dropped_not_ect;
}

static int take(const struct sim_cfg *cfg, const struct sim_result *r, struct grid_result *to)
{
	to->n_groups = cfg->n_flows;
	for (uint32_t i = 0; i < cfg->n_flows; i++)
		if (take_group(cfg, r, i, &to->group[i]) < 0)
			return -ENOMEM;
	for (unsigned i = 0; i < 2; i++)
		take_queue(&r->link[0].aqm.q[i], &to->queue[i]);
	to->utilisation = sim_utilisation(cfg, r, 0);
	if (cfg->n_loads) {
		to->load_sent = r->load[0].sent;
		to->load_received = r->load[0].received;
		to->load_rate = (double)r->load[0].received_bytes * 8e9 / (double)r->measured;
	}
	to->packets = r->packets;
	return 0;
}

int grid_simulate(const struct grid_cell *c, uint64_t seed, struct grid_result *r, struct err *err)
{
	struct scenario s = {0};
	struct sim_load_cfg load;
	struct sim_result *result = calloc(1, sizeof(*result));
	struct alloc a;
	int rc;

	if (!result)
		return err_set(err, -ENOMEM, "out of memory");
	alloc_init(&a, MEMORY);
	rc = build(c, seed, &s, &load, err);
	if (rc == 0) {
		rc = sim_run(&s.cfg, NULL, &a, result, err);
		if (rc == 0)
			rc = take(&s.cfg, result, r);
		sim_result_free(result, &a);
		scenario_free(&s);
	}
	free(result);
	return rc;
}
