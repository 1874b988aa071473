/* SPDX-License-Identifier: BSD-2-Clause */
/* Which links and nodes fail. Links and nodes without which the graph stays connected come first, as their loss asks
 * for a way round; where there are none left any will do, and the pairs it divides do not count. */
#include "lab/demo.h"

#include <stdlib.h>

const char *const fault_names[FAULT_KINDS] = {
	[FAULT_CUT] = "link cut",
	[FAULT_SILENT] = "silent loss",
	[FAULT_ONE_WAY] = "one-way loss",
	[FAULT_KILL] = "node killed",
	[FAULT_CUT_TWO] = "two links cut",
	[FAULT_REPAIR] = "repair",
};

/* The order in which kinds take turns. */
static const enum fault_kind turn[] = {FAULT_CUT, FAULT_SILENT, FAULT_KILL, FAULT_ONE_WAY, FAULT_CUT_TWO};

/* All that is left is connected. */
static bool connected(const struct graph *g, const uint8_t *edge_off, const uint8_t *node_off)
{
	uint32_t *dist = calloc(g->n, sizeof(*dist));
	uint32_t *queue = calloc(g->n, sizeof(*queue));
	uint32_t from = 0;
	bool ok = dist && queue;

	while (from + 1 < g->n && node_off[from])
		from++;
	if (ok)
		graph_bfs(g, from, edge_off, node_off, dist, queue);
	for (uint32_t i = 0; ok && i < g->n; i++)
		ok = node_off[i] || dist[i] != GRAPH_FAR;
	free(dist);
	free(queue);
	return ok;
}

struct pick {
	struct demo *d;
	uint8_t *edge_off;
	uint8_t *node_off;
};

/* A random link (or node) whose loss keeps the rest connected, after at most some tries any. */
static unsigned pick_one(struct pick *p, uint8_t *off, unsigned n)
{
	unsigned k = 0;

	for (unsigned t = 0; t < 8 * n + 8; t++) {
		k = (unsigned)rng_below(&p->d->rng, n);
		if (off[k])
			continue;
		off[k] = 1;
		if (connected(&p->d->graph, p->edge_off, p->node_off))
			return k;
		off[k] = 0;
	}
	return k;
}

static void describe(const struct demo *d, struct demo_fault *f)
{
	const struct graph_edge *e = d->graph.edge;
	bool repair = f->kind == FAULT_REPAIR;
	enum fault_kind kind = repair ? f->repairs : f->kind;
	unsigned a = f->links[0];
	unsigned b = f->links[1];

	if (kind == FAULT_KILL)
		snprintf(f->text, sizeof(f->text), "%s node %u", repair ? "restart" : "kill", f->node);
	else if (kind == FAULT_CUT_TWO)
		snprintf(f->text, sizeof(f->text), "%s links %u-%u and %u-%u", repair ? "mend" : "cut", e[a].u, e[a].v, e[b].u,
			 e[b].v);
	else if (repair)
		snprintf(f->text, sizeof(f->text), "mend link %u-%u", e[a].u, e[a].v);
	else if (kind == FAULT_CUT)
		snprintf(f->text, sizeof(f->text), "cut link %u-%u", e[a].u, e[a].v);
	else if (kind == FAULT_SILENT)
		snprintf(f->text, sizeof(f->text), "link %u-%u loses every frame silently", e[a].u, e[a].v);
	else
		snprintf(f->text, sizeof(f->text), "link %u-%u loses frames to %u silently", e[a].u, e[a].v,
			 f->side ? e[a].v : e[a].u);
}

void schedule_add(struct demo *d, unsigned k)
{
	struct demo_fault *f = &d->faults[d->n_faults];
	struct pick p = {d, calloc(d->graph.m + 1, 1), calloc(d->graph.n + 1, 1)};

	if (d->n_faults + 2 > DEMO_MAX_FAULTS || !p.edge_off || !p.node_off || d->graph.m < 1)
		goto out;
	*f = (struct demo_fault){.kind = turn[k % (sizeof(turn) / sizeof(turn[0]))]};
	if (f->kind == FAULT_CUT_TWO && d->graph.m < 2)
		f->kind = FAULT_CUT;
	f->n_links = f->kind == FAULT_KILL ? 0 : f->kind == FAULT_CUT_TWO ? 2 : 1;
	for (unsigned l = 0; l < f->n_links; l++)
		f->links[l] = pick_one(&p, p.edge_off, d->graph.m);
	/* Where the second try found nothing it may name the first again. */
	if (f->n_links == 2 && f->links[0] == f->links[1]) {
		f->kind = FAULT_CUT;
		f->n_links = 1;
	}
	if (f->kind == FAULT_KILL)
		f->node = pick_one(&p, p.node_off, d->graph.n);
	f->side = (unsigned)rng_below(&d->rng, 2);
	f->bound = f->kind == FAULT_CUT || f->kind == FAULT_CUT_TWO ? SEC(2) : SEC(5);
	describe(d, f);
	f[1] = *f;
	f[1].kind = FAULT_REPAIR;
	f[1].repairs = f->kind;
	f[1].bound = f->kind == FAULT_KILL ? SEC(5) : SEC(2);
	describe(d, &f[1]);
	d->n_faults += 2;
out:
	free(p.edge_off);
	free(p.node_off);
}

void schedule_make(struct demo *d, unsigned faults)
{
	for (unsigned k = 0; k < faults; k++)
		schedule_add(d, k);
}

static int repair(struct demo *d, struct demo_fault *f, struct err *err)
{
	int rc = 0;

	if (f->repairs == FAULT_KILL) {
		rc = lab_start(d->lab, f->node, err);
		if (rc == 0)
			rc = prober_add(d->prober, f->node);
		return rc;
	}
	for (unsigned l = 0; l < f->n_links && rc == 0; l++)
		rc = lab_heal(d->lab, f->links[l]);
	return rc;
}

int fault_do(struct demo *d, struct demo_fault *f, struct err *err)
{
	int rc = 0;

	switch (f->kind) {
	case FAULT_CUT:
	case FAULT_CUT_TWO:
		for (unsigned l = 0; l < f->n_links && rc == 0; l++)
			rc = lab_cut(d->lab, f->links[l], f->side);
		break;
	case FAULT_SILENT:
		rc = lab_silence(d->lab, f->links[0], LAB_BOTH, 1000);
		break;
	case FAULT_ONE_WAY:
		rc = lab_silence(d->lab, f->links[0], f->side ? LAB_TO_V : LAB_TO_U, 1000);
		break;
	case FAULT_KILL:
		prober_remove(d->prober, f->node);
		rc = lab_kill(d->lab, f->node);
		break;
	case FAULT_REPAIR:
		rc = repair(d, f, err);
		if (rc < 0 && err->code == rc)
			return rc;
		break;
	case FAULT_KINDS:
		break;
	}
	return rc < 0 ? err_set(err, rc, "could not %s: error %d", f->text, -rc) : 0;
}
