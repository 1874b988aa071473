/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/sim/report.h"

#include <stdlib.h>

static double seconds(usec_t t)
{
	return (double)t / 1e6;
}

static void text_survey(const struct survey *v, FILE *to)
{
	uint32_t i;

	fprintf(to, "reachable      %.4f %% at %.3f s: %llu of %llu %s\n",
		v->pairs ? 100.0 * (double)v->reached / (double)v->pairs : 100.0, seconds(v->at),
		(unsigned long long)v->reached, (unsigned long long)v->pairs,
		v->sampled ? "sampled pairs" : "pairs that the graph connects");
	for (i = 0; i < v->n_failures; i++)
		fprintf(to, "               %u to %u: %s at node %u\n", v->failure[i].src, v->failure[i].dst,
			walk_end_name((enum walk_end)v->failure[i].end), v->failure[i].where);
	if (v->reached == 0)
		return;
	fprintf(to, "stretch        mean %.3f, p50 %.2f, p95 %.2f, p99 %.2f, max %.2f; %.1f %% shortest\n",
		v->stretch_mean, v->stretch_p50, v->stretch_p95, v->stretch_p99, v->stretch_max,
		100 * v->shortest_share);
	fprintf(to, "hops           mean %.2f, shortest possible %.2f; overlay hops %.2f, most %u\n", v->hops_mean,
		v->shortest_mean, v->overlay_mean, v->overlay_max);
}

static void text_fault(const struct check_fault *f, FILE *to)
{
	fprintf(to, "  %9.3f s  %-40.80s %5u pairs out, %u still; p50 %.0f ms, p95 %.0f ms, max %.0f ms\n",
		seconds(f->at), f->what, f->hit, f->open, (double)check_quantile(f->outage, f->n, 0.5) / 1e3,
		(double)check_quantile(f->outage, f->n, 0.95) / 1e3, (double)check_quantile(f->outage, f->n, 1) / 1e3);
}

static void text_loops(const struct check *c, FILE *to)
{
	const struct check_loop *l;
	size_t i;
	uint32_t n;

	fprintf(to, "loops          %llu in %llu walks\n", (unsigned long long)check_loops(c),
		(unsigned long long)check_walks(c));
	for (i = 0; (l = check_loop_kept(c, i)); i++) {
		fprintf(to, "               at %.3f s, %u to %u:", seconds(l->at), l->src, l->dst);
		for (n = 0; n < l->n_trail; n++)
			fprintf(to, " %u", l->trail[n]);
		fputc('\n', to);
	}
}

static void text_sizes(const struct sim *s, FILE *to)
{
	struct sizes z;

	sizes_measure(&z, s);
	fprintf(to, "contacts       mean %.1f, max %u; bound 1.5 (k log2(N/k) + k + degree) is %.1f in the mean, %u above\n",
		z.contacts_mean, z.contacts_max, z.bound_mean, z.over);
	fprintf(to, "tables         NodeID entries mean %.1f, max %u; PathID entries mean %.1f, max %u\n", z.node_mean,
		z.node_max, z.path_mean, z.path_max);
	fprintf(to, "memory         %.1f KiB a node, max %.1f KiB; shared and engine %.1f KiB\n", z.memory_mean / 1024,
		(double)z.memory_max / 1024, (double)s->mem.used / 1024);
}

static void text_traffic(const struct sim *s, const struct snapshot *since, FILE *to)
{
	struct traffic t;
	double per = 0;
	int i;

	traffic_measure(&t, s, since);
	if (t.window <= 0)
		return;
	per = t.window * s->g->n;
	fprintf(to, "control        over the last %.3f s, sent a node: %.1f B/s, max %.1f (with headers %.1f, max %.1f)\n",
		t.window, t.tx_mean, t.tx_max, t.tx_wire_mean, t.tx_wire_max);
	fprintf(to, "               %.2f messages/s, %.1f %% of bytes in transit\n", t.frames_mean, 100 * t.transit_share);
	for (i = 0; i < 256; i++) {
		uint64_t own = s->type_own[i].bytes - since->type_own[i].bytes;
		uint64_t transit = s->type_transit[i].bytes - since->type_transit[i].bytes;

		if (own + transit)
			fprintf(to, "  %-16s %9.2f B/s own, %9.2f B/s in transit\n", kira_msg_name((uint8_t)i),
				(double)own / per, (double)transit / per);
	}
}

void report_text(const struct report *r, FILE *to)
{
	const struct sim *s = r->s;
	const struct check_fault *f;
	usec_t full = check_full_at(r->c);
	size_t i;

	fprintf(to, "topology       %s: %u nodes, %u links; seed %llu, k %u\n", s->g->name, s->g->n, s->g->m,
		(unsigned long long)s->params.seed, s->params.kira.k);
	if (full == USEC_NEVER)
		fprintf(to, "all reachable  never\n");
	else
		fprintf(to, "all reachable  %.3f s after the last node's start\n", seconds(full - s->last_start));
	text_fault(check_fault_at(r->c, 0), to);
	for (i = 0; i < r->n_surveys; i++)
		text_survey(&r->survey[i], to);
	if (r->model)
		fprintf(to, "model          stretch mean %.3f (%s, %u nodes, k %u); ours is %.3f of it\n",
			r->model->stretch, r->model->name, r->model->n, r->model->k,
			r->survey[r->n_surveys - 1].stretch_mean / r->model->stretch);
	text_loops(r->c, to);
	for (i = 1; (f = check_fault_at(r->c, i)); i++) {
		if (i == 1)
			fprintf(to, "faults\n");
		text_fault(f, to);
	}
	text_sizes(s, to);
	text_traffic(s, r->settled, to);
}
