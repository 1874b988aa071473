/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/study/study.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static FILE *create(const char *dir, const char *name, struct err *err)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	if (!f) {
		err_set(err, -errno, "cannot write: %s", strerror(errno));
		err_where(err, "%s", path);
	}
	return f;
}

static int finish(FILE *f, struct err *err)
{
	int rc = ferror(f) ? -EIO : 0;

	if (fclose(f) != 0)
		rc = -errno;
	return rc == 0 ? 0 : err_set(err, rc, "cannot write: %s", strerror(-rc));
}

static void cell_columns(FILE *f, const struct grid_cell *c)
{
	char text[GRID_TEXT];
	uint32_t count[2] = {0, 0};
	const char *cc[2] = {"", ""};

	for (uint32_t i = 0; i < c->n_groups; i++) {
		unsigned p = strncmp(c->group[i].cc, PRAGUE, 6) == 0;

		count[p] += c->group[i].count;
		cc[p] = c->group[i].cc;
	}
	grid_cell_text(c, text, sizeof(text));
	fprintf(f, "\"%s\",%g,%g,%s,%s,%u,%s,%u,%g", text, (double)c->rate / 1e6,
		(double)c->rtt / 1e6, c->aqm, cc[0], count[0], cc[1], count[1],
		(double)c->load / 1e6);
}

#define CELL_HEAD "cell,rate_mbit,rtt_ms,aqm,c_control,c_flows,p_control,p_flows,udp_mbit"

static int cells(const struct study *s, const char *dir, struct err *err)
{
	FILE *f = create(dir, "cells.csv", err);

	if (!f)
		return err->code;
	fprintf(f, CELL_HEAD ",seeds,ratio,ratio_lo,ratio_hi,utilisation,utilisation_lo,"
			     "utilisation_hi,c_p50_ms,c_p99_ms,c_mean_ms,l_p50_ms,l_p99_ms,"
			     "l_mean_ms,c_marks,l_marks,drops_ect,drops_not_ect,beta,classic\n");
	for (size_t i = 0; i < s->grid.n; i++) {
		const struct grid_cell *c = &s->grid.entry[i].cell;
		struct summary m;

		if (!study_summary(s, c, &m))
			continue;
		cell_columns(f, c);
		fprintf(f, ",%u,%.4f,%.4f,%.4f,%.5f,%.5f,%.5f", m.n, m.ratio.value, m.ratio.lo,
			m.ratio.hi, m.util.value, m.util.lo, m.util.hi);
		for (unsigned q = 0; q < 2; q++)
			fprintf(f, ",%.4f,%.4f,%.4f", m.p50[q].value, m.p99[q].value, m.mean[q]);
		fprintf(f, ",%.6f,%.6f,%.0f,%.0f,%.4f,%.3f\n", m.marks[0], m.marks[1], m.drops_ect,
			m.drops_not_ect, m.beta, m.classic);
	}
	return finish(f, err);
}

static void run_line(FILE *f, const struct grid_cell *c, uint64_t seed, const struct grid_result *r)
{
	cell_columns(f, c);
	fprintf(f, ",%llu,%.5f,%.5f", (unsigned long long)seed, grid_ratio(c, r), r->utilisation);
	for (unsigned g = 0; g < 2; g++) {
		const struct grid_group_result *k = &r->group[g];

		if (g >= r->n_groups) {
			fprintf(f, ",,,,,,,");
			continue;
		}
		fprintf(f, ",%.0f,%.4f,%llu,%llu,%llu,%llu,%llu", k->rate, k->jain,
			(unsigned long long)k->sent, (unsigned long long)k->marked,
			(unsigned long long)k->lost, (unsigned long long)k->by_ecn,
			(unsigned long long)k->by_loss);
	}
	for (unsigned q = 0; q < 2; q++)
		fprintf(f, ",%.0f,%.0f,%llu,%llu,%llu", r->queue[q].delay[GRID_P50],
			r->queue[q].delay[GRID_P99], (unsigned long long)r->queue[q].marked,
			(unsigned long long)r->queue[q].dropped_ect,
			(unsigned long long)r->queue[q].dropped_not_ect);
	fprintf(f, "\n");
}

static int runs(const struct study *s, const char *dir, struct err *err)
{
	FILE *f = create(dir, "runs.csv", err);

	if (!f)
		return err->code;
	fprintf(f, CELL_HEAD ",seed,ratio,utilisation");
	for (unsigned g = 1; g <= 2; g++)
		fprintf(f, ",g%u_rate,g%u_jain,g%u_sent,g%u_marked,g%u_lost,g%u_by_ecn,g%u_by_loss",
			g, g, g, g, g, g, g);
	fprintf(f, ",c_p50_ns,c_p99_ns,c_marked,c_dropped_ect,c_dropped_not_ect,l_p50_ns,l_p99_ns,"
		   "l_marked,l_dropped_ect,l_dropped_not_ect\n");
	for (size_t i = 0; i < s->grid.n; i++)
		for (uint32_t k = 0; k < s->grid.entry[i].seeds; k++)
			if (s->grid.entry[i].run[k].done)
				run_line(f, &s->grid.entry[i].cell, s->grid.first_seed + k,
					 &s->grid.entry[i].run[k]);
	return finish(f, err);
}

static int delays(const struct study *s, const char *dir, struct err *err)
{
	FILE *f = create(dir, "delays.csv", err);

	if (!f)
		return err->code;
	fprintf(f, "cell,queue");
	for (unsigned i = 0; i < GRID_QUANTILES; i++)
		fprintf(f, ",q%g_ms", grid_quantile[i] / 1e6);
	fprintf(f, "\n");
	for (size_t i = 0; i < s->grid.n; i++) {
		char text[GRID_TEXT];
		struct summary m;

		if (!study_summary(s, &s->grid.entry[i].cell, &m))
			continue;
		grid_cell_text(&s->grid.entry[i].cell, text, sizeof(text));
		for (unsigned q = 0; q < 2; q++) {
			fprintf(f, "\"%s\",%c", text, q ? 'L' : 'C');
			for (unsigned k = 0; k < GRID_QUANTILES; k++)
				fprintf(f, ",%.4f", m.delay[q][k]);
			fprintf(f, "\n");
		}
	}
	return finish(f, err);
}

int study_csv(const struct study *s, const char *dir, struct err *err)
{
	int rc = cells(s, dir, err);

	if (rc == 0)
		rc = runs(s, dir, err);
	if (rc == 0)
		rc = delays(s, dir, err);
	return rc;
}
