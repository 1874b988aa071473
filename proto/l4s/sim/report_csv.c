/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/sim/report.h"

#include <string.h>

void report_csv_text(FILE *to, const char *text)
{
	if (!strpbrk(text, ",\"\n")) {
		fputs(text, to);
		return;
	}
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', to);
		fputc(*text, to);
	}
	fputc('"', to);
}

void report_csv(FILE *to, const struct scenario *s, const struct sim_result *r)
{
	uint32_t i;

	fputs("flow,group,rtt_ms,rate_bps,bytes,active_s,sent,retransmitted,lost,marked,"
	      "delivered_ce,reductions_ecn,reductions_loss,reductions_rto,rtos,spurious,objects,"
	      "rtt_mean_ms,rtt_min_ms,alpha,beta\n",
	      to);
	for (i = 0; i < r->n_flows; i++) {
		const struct sim_flow_result *f = &r->flow[i];

		fprintf(to, "%u,", i + 1);
		report_csv_text(to, s->cfg.flow[f->group].name);
		fprintf(to,
			",%g,%.0f,%llu,%.9g,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%u",
			(double)s->cfg.flow[f->group].rtt / 1e6, figures_flow_rate(f),
			(unsigned long long)f->bytes, (double)f->active / 1e9,
			(unsigned long long)f->sent, (unsigned long long)f->retransmitted,
			(unsigned long long)f->lost, (unsigned long long)f->marked,
			(unsigned long long)f->delivered_ce,
			(unsigned long long)f->reductions[CC_CAUSE_ECN],
			(unsigned long long)f->reductions[CC_CAUSE_LOSS],
			(unsigned long long)f->reductions[CC_CAUSE_RTO],
			(unsigned long long)f->rtos, (unsigned long long)f->spurious, f->objects);
		fprintf(to, ",%.6f,%.6f,%.6f,%.4f\n", (double)f->rtt_mean / 1e6,
			(double)f->rtt_min / 1e6, (double)f->view.alpha / 16777216.0,
			(double)f->view.beta / 1024.0);
	}
}

void report_sample_head(FILE *to, uint32_t n_flows)
{
	uint32_t i;

	fputs("at_s,prob,p_cl,p_c,delay_c_ms,delay_l_ms,packets_c,packets_l", to);
	for (i = 1; i <= n_flows; i++)
		fprintf(to, ",bytes%u,cwnd%u,ssthresh%u,alpha%u,beta%u", i, i, i, i, i);
	fputc('\n', to);
}

void report_sample(FILE *to, const struct sim_sample *w)
{
	uint32_t i;

	fprintf(to, "%.6f,%.9f,%.9f,%.9f,%.6f,%.6f,%u,%u", (double)w->at / 1e9,
		w->prob / 4294967296.0, w->p_cl / 4294967296.0, w->p_c / 4294967296.0,
		(double)w->delay[0] / 1e6, (double)w->delay[1] / 1e6, w->packets[0], w->packets[1]);
	for (i = 0; i < w->n_flows; i++)
		fprintf(to, ",%llu,%u,%u,%.6f,%.4f", (unsigned long long)w->flow[i].bytes,
			w->flow[i].cwnd, w->flow[i].ssthresh,
			(double)w->flow[i].view.alpha / 16777216.0,
			(double)w->flow[i].view.beta / 1024.0);
	fputc('\n', to);
}
