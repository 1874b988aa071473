/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/study/grid.h"

#include "proto/l4s/ecn.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const uint32_t grid_quantile[GRID_QUANTILES] = {
	1000,	10000,	50000,	100000, 250000, 400000, 500000, 600000, 700000, 750000, 800000,
	900000, 950000, 975000, 990000, 995000, 997500, 999000, 999500, 999750, 999900, 999990,
};
static_assert(GRID_P99 < GRID_QUANTILES, "places");

/* A time or rate without needless zeros: 12.5. */
static const char *scaled(uint64_t v, uint64_t unit, char buf[32])
{
	snprintf(buf, 32, "%g", (double)v / (double)unit);
	return buf;
}

int grid_cell_text(const struct grid_cell *c, char *buf, size_t n)
{
	static const char *const ecn[] = ECN_NAMES;
	char t[5][32];
	char flows[GRID_GROUPS * 80] = "";
	char load[64] = "";
	char jitter[48] = "";
	size_t at = 0;

	for (uint32_t i = 0; i < c->n_groups; i++) {
		int len = snprintf(flows + at, sizeof(flows) - at, "%s%s *%u", i ? " + " : "",
				   c->group[i].cc, c->group[i].count);

		at += len > 0 ? (size_t)len : 0;
		if (at >= sizeof(flows))
			at = sizeof(flows) - 1;
	}
	if (c->load)
		snprintf(load, sizeof(load), " | udp %s %sMb/s", ecn[c->load_ecn & 3],
			 scaled(c->load, 1000000, t[0]));
	if (c->jitter)
		snprintf(jitter, sizeof(jitter), " | jitter %sms",
			 scaled(c->jitter, 1000000, t[4]));
	return snprintf(buf, n, "%sMb/s %sms %s | %s%s%s | %s+%ss", scaled(c->rate, 1000000, t[1]),
			scaled(c->rtt, 1000000, t[2]), c->aqm, flows, load, jitter,
			scaled(c->warmup, 1000000000, t[3]), scaled(c->measure, 1000000000, t[4]));
}

static bool same(const struct grid_cell *a, const struct grid_cell *b)
{
	if (a->rate != b->rate || a->rtt != b->rtt || a->n_groups != b->n_groups ||
	    a->load != b->load || a->jitter != b->jitter || a->warmup != b->warmup ||
	    a->measure != b->measure || (a->load && a->load_ecn != b->load_ecn) ||
	    strcmp(a->aqm, b->aqm) != 0)
		return false;
	for (uint32_t i = 0; i < a->n_groups; i++)
		if (a->group[i].count != b->group[i].count ||
		    strcmp(a->group[i].cc, b->group[i].cc) != 0)
			return false;
	return true;
}

static struct grid_entry *find(const struct grid *g, const struct grid_cell *c)
{
	for (size_t i = 0; i < g->n; i++)
		if (same(&g->entry[i].cell, c))
			return &g->entry[i];
	return NULL;
}

const struct grid_entry *grid_find(const struct grid *g, const struct grid_cell *c)
{
	return find(g, c);
}

static int more_seeds(struct grid_entry *e, uint32_t seeds)
{
	struct grid_result *run;

	if (seeds <= e->seeds)
		return 0;
	run = realloc(e->run, seeds * sizeof(*run));
	if (!run)
		return -ENOMEM;
	memset(run + e->seeds, 0, (seeds - e->seeds) * sizeof(*run));
	e->run = run;
	e->seeds = seeds;
	return 0;
}

int grid_add(struct grid *g, const struct grid_cell *c, uint32_t seeds)
{
	struct grid_entry *e = find(g, c);

	if (e)
		return more_seeds(e, seeds);
	if (g->n == g->room) {
		size_t room = g->room ? g->room * 2 : 64;
		struct grid_entry *entry = realloc(g->entry, room * sizeof(*entry));

		if (!entry)
			return -ENOMEM;
		g->entry = entry;
		g->room = room;
	}
	e = &g->entry[g->n];
	*e = (struct grid_entry){.cell = *c};
	if (more_seeds(e, seeds) < 0)
		return -ENOMEM;
	g->n++;
	return 0;
}

void grid_free(struct grid *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->entry[i].run);
	free(g->entry);
	*g = (struct grid){0};
}

double grid_ratio(const struct grid_cell *c, const struct grid_result *r)
{
	double rate[2] = {0, 0};
	double count[2] = {0, 0};

	for (uint32_t i = 0; i < c->n_groups; i++) {
		unsigned p = strncmp(c->group[i].cc, "prague", 6) == 0;

		rate[p] += r->group[i].rate * c->group[i].count;
		count[p] += c->group[i].count;
	}
	if (!(count[0] > 0) || !(count[1] > 0) || !(rate[0] > 0))
		return 0;
	return rate[1] / count[1] / (rate[0] / count[0]);
}

size_t grid_ln_ratios(const struct grid_entry *e, double *x)
{
	size_t n = 0;

	for (uint32_t i = 0; i < e->seeds; i++) {
		double ratio = e->run[i].done ? grid_ratio(&e->cell, &e->run[i]) : 0;

		if (ratio > 0)
			x[n++] = log(ratio);
	}
	return n;
}
