/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables for a person. */
#include "proto/l4s/sim/report.h"
#include "proto/l4s/study/stats.h"

#include <math.h>
#include <string.h>

static const char *human_rate(char *buf, size_t n, double bps)
{
	if (bps >= 1e9)
		snprintf(buf, n, "%.4g Gb/s", bps / 1e9);
	else if (bps >= 1e6)
		snprintf(buf, n, "%.4g Mb/s", bps / 1e6);
	else
		snprintf(buf, n, "%.4g kb/s", bps / 1e3);
	return buf;
}

static void head(FILE *to, const struct scenario *s)
{
	const struct sim_cfg *cfg = &s->cfg;
	char rate[32];
	uint32_t l;

	for (l = 0; l < cfg->n_links; l++) {
		if (cfg->n_links > 1)
			fprintf(to, "link %u: ", l + 1);
		fprintf(to, "%s, %s%s", human_rate(rate, sizeof(rate), (double)cfg->link[l].rate),
			s->aqm[l] ? s->aqm[l] : aqm_kind_name(cfg->link[l].aqm.kind),
			cfg->link[l].n_trace ? ", rates of a trace" : "");
		fputs(l + 1 < cfg->n_links ? "\n" : "; ", to);
	}
	fprintf(to, "%g s, of these %g s warm-up", (double)cfg->duration / 1e9,
		(double)cfg->warmup / 1e9);
}

static void flows(FILE *to, const struct scenario *s, const struct sim_result *r)
{
	const struct sim_cfg *cfg = &s->cfg;
	uint32_t g;
	uint32_t i;

	if (!cfg->n_flows)
		return;
	fprintf(to, "\n%-24s %4s %8s %10s %8s %8s %8s %8s %9s\n", "flows", "n", "rtt", "Mb/s each",
		"marked", "lost", "RTOs", "objects", "mean rtt");
	for (g = 0; g < cfg->n_flows; g++) {
		const struct sim_flow_cfg *f = &cfg->flow[g];
		struct sim_flow_result sum = {0};
		uint32_t n = 0;

		for (i = 0; i < r->n_flows; i++) {
			if (r->flow[i].group != g)
				continue;
			sum.sent += r->flow[i].sent;
			sum.marked += r->flow[i].marked;
			sum.lost += r->flow[i].lost;
			sum.rtos += r->flow[i].rtos;
			sum.objects += r->flow[i].objects;
			sum.rtt_mean += r->flow[i].rtt_mean;
			n++;
		}
		fprintf(to, "%-24s %4u %5g ms %10.3f %6.2f %% %6.2f %% %8llu %8u %6.2f ms\n",
			f->name, f->count, (double)f->rtt / 1e6, sim_rate(cfg, r, g) / 1e6,
			sum.sent ? 100.0 * (double)sum.marked / (double)sum.sent : 0,
			sum.sent ? 100.0 * (double)sum.lost / (double)sum.sent : 0,
			(unsigned long long)sum.rtos, sum.objects,
			n ? (double)sum.rtt_mean / n / 1e6 : 0);
	}
}

static void fairness(FILE *to, const struct scenario *s, const struct sim_result *r)
{
	struct figure_sides sides;
	double c;

	figures_sides(&s->cfg, &sides);
	if (sides.there) {
		c = figures_side_rate(&s->cfg, r, false);
		fprintf(to, "ratio %s / %s: %.3f", sides.scalable, sides.classic,
			c > 0 ? figures_side_rate(&s->cfg, r, true) / c : 0);
	}
	if (r->n_flows > 1)
		fprintf(to, "%sJain's index: %.4f\n", sides.there ? ", " : "", figures_jain(r));
}

static void loads(FILE *to, const struct scenario *s, const struct sim_result *r)
{
	uint32_t i;

	if (!s->cfg.n_loads)
		return;
	fprintf(to, "\n%-24s %12s %12s %10s %8s\n", "loads", "sent", "received", "Mb/s", "marked");
	for (i = 0; i < s->cfg.n_loads; i++) {
		const struct sim_load_result *d = &r->load[i];

		fprintf(to, "%-24s %12llu %12llu %10.3f %6.2f %%\n", s->cfg.load[i].name,
			(unsigned long long)d->sent, (unsigned long long)d->received,
			(double)d->received_bytes * 8e3 / (double)r->measured,
			d->received ? 100.0 * (double)d->marked / (double)d->received : 0);
	}
}

static void links(FILE *to, const struct scenario *s, const struct sim_result *r)
{
	uint32_t l;
	unsigned c;

	fprintf(to, "\n%-5s %7s %5s %9s %8s %8s %8s %8s %8s %8s %10s\n", "link", "used", "queue",
		"packets", "marked", "dropped", "p50 ms", "p90", "p99", "p99.9", "max");
	for (l = 0; l < s->cfg.n_links; l++) {
		for (c = 0; c < figures_queues(&s->cfg.link[l]); c++) {
			const struct aqm_queue_stats *q = &r->link[l].aqm.q[c];
			uint64_t n = q->arrived ? q->arrived : 1;

			if (c)
				fprintf(to, "%13s", "");
			else
				fprintf(to, "%-5u %5.1f %%", l + 1,
					100 * sim_utilisation(&s->cfg, r, l));
			fprintf(to, " %5s %9llu %6.2f %% %6.2f %% %8.3f %8.3f %8.3f %8.3f %10.3f\n",
				figures_queues(&s->cfg.link[l]) == 1 ? "-"
				: c				     ? "L"
								     : "C",
				(unsigned long long)q->arrived,
				100.0 * (double)q->marked / (double)n,
				100.0 * (double)(q->dropped_ect + q->dropped_not_ect) / (double)n,
				(double)hist_quantile(&q->delay, 500000) / 1e6,
				(double)hist_quantile(&q->delay, 900000) / 1e6,
				(double)hist_quantile(&q->delay, 990000) / 1e6,
				(double)hist_quantile(&q->delay, 999000) / 1e6,
				(double)q->delay.max / 1e6);
		}
	}
}

void report_text(FILE *to, const struct scenario *s, const struct sim_result *r)
{
	head(to, s);
	fprintf(to, ", seed %llu\n", (unsigned long long)s->cfg.seed);
	flows(to, s, r);
	fairness(to, s, r);
	loads(to, s, r);
	links(to, s, r);
	if (r->fct.n)
		fprintf(to, "\nobjects: %llu, completion mean %.3f ms, p50 %.3f, p99 %.3f\n",
			(unsigned long long)r->fct.n, (double)hist_mean(&r->fct) / 1e6,
			(double)hist_quantile(&r->fct, 500000) / 1e6,
			(double)hist_quantile(&r->fct, 990000) / 1e6);
}

void report_seeds_text(FILE *to, const struct scenario *s, unsigned seeds, const struct figure *f,
		       const struct stats_ci *ci, unsigned n)
{
	struct figure_sides sides;
	unsigned i;

	head(to, s);
	fprintf(to, ", %u runs from seed %llu\n", seeds, (unsigned long long)s->cfg.seed);
	for (i = 0; i < s->cfg.n_flows; i++)
		fprintf(to, "group %u: %s, %u flow%s, %g ms\n", i + 1, s->cfg.flow[i].name,
			s->cfg.flow[i].count, s->cfg.flow[i].count == 1 ? "" : "s",
			(double)s->cfg.flow[i].rtt / 1e6);
	figures_sides(&s->cfg, &sides);
	if (sides.there)
		fprintf(to, "ratio: %s / %s\n", sides.scalable, sides.classic);
	fprintf(to,
		"\n%-24s %14s %14s %14s   95 %% confidence (Student; ratio: of its logarithm)\n",
		"", "mean", "from", "to");
	for (i = 0; i < n; i++)
		if (!isnan(ci[i].value))
			fprintf(to, "%-24s %14.6g %14.6g %14.6g\n", f[i].name, ci[i].value,
				ci[i].lo, ci[i].hi);
}
