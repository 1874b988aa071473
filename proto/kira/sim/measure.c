/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/sim/report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int snapshot_take(struct snapshot *n, const struct sim *s)
{
	uint32_t i;

	*n = (struct snapshot){.at = s->now};
	n->tx = calloc((size_t)s->g->n + 1, sizeof(*n->tx));
	n->rx = calloc((size_t)s->g->n + 1, sizeof(*n->rx));
	if (!n->tx || !n->rx) {
		snapshot_free(n);
		return -ENOMEM;
	}
	for (i = 0; i < s->g->n; i++) {
		const struct sim_node *x = &s->node[i];

		n->tx[i].frames = x->tx_own.frames + x->tx_transit.frames;
		n->tx[i].bytes = x->tx_own.bytes + x->tx_transit.bytes;
		n->rx[i] = x->rx;
	}
	memcpy(n->type_own, s->type_own, sizeof(n->type_own));
	memcpy(n->type_transit, s->type_transit, sizeof(n->type_transit));
	return 0;
}

void snapshot_free(struct snapshot *n)
{
	free(n->tx);
	free(n->rx);
	*n = (struct snapshot){0};
}

void traffic_measure(struct traffic *t, const struct sim *s, const struct snapshot *since)
{
	uint64_t own = 0;
	uint64_t transit = 0;
	double n = s->g->n;
	uint32_t i;

	*t = (struct traffic){.window = (double)(s->now - since->at) / 1e6};
	if (t->window <= 0)
		return;
	for (i = 0; i < s->g->n; i++) {
		const struct sim_node *x = &s->node[i];
		double frames = (double)(x->tx_own.frames + x->tx_transit.frames - since->tx[i].frames);
		double bytes = (double)(x->tx_own.bytes + x->tx_transit.bytes - since->tx[i].bytes);
		double wire = bytes + SIM_FRAME_OVERHEAD * frames;

		t->tx_mean += bytes / t->window / n;
		t->tx_wire_mean += wire / t->window / n;
		t->frames_mean += frames / t->window / n;
		t->rx_mean += (double)(x->rx.bytes - since->rx[i].bytes) / t->window / n;
		t->tx_max = fmax(t->tx_max, bytes / t->window);
		t->tx_wire_max = fmax(t->tx_wire_max, wire / t->window);
	}
	for (i = 0; i < 256; i++) {
		own += s->type_own[i].bytes - since->type_own[i].bytes;
		transit += s->type_transit[i].bytes - since->type_transit[i].bytes;
	}
	if (own + transit)
		t->transit_share = (double)transit / (double)(own + transit);
}

static bool count_node(void *ctx, const struct kira_id *id, unsigned bits, const struct kira_fwd *to)
{
	++*(uint32_t *)ctx;
	return true;
}

static bool count_path(void *ctx, const struct kira_id *id, const struct kira_fwd *to, usec_t refreshed)
{
	++*(uint32_t *)ctx;
	return true;
}

static double bound(const struct sim *s, uint32_t node)
{
	double k = s->params.kira.k;
	double levels = fmax(0, log2(s->g->n / k));

	return 1.5 * (k * levels + k + graph_degree(s->g, node));
}

static void add_node(struct sizes *z, const struct sim *s, const struct sim_node *n)
{
	uint32_t contacts = (uint32_t)kira_n_contacts(n->k);
	uint32_t nodes = 0;
	uint32_t paths = 0;

	kira_each_fwd_node(n->k, count_node, &nodes);
	kira_each_fwd_path(n->k, count_path, &paths);
	z->alive++;
	z->contacts_mean += contacts;
	z->node_mean += nodes;
	z->path_mean += paths;
	z->memory_mean += (double)n->mem.used;
	z->bound_mean += bound(s, n->i);
	z->over += contacts > bound(s, n->i);
	z->contacts_max = contacts > z->contacts_max ? contacts : z->contacts_max;
	z->node_max = nodes > z->node_max ? nodes : z->node_max;
	z->path_max = paths > z->path_max ? paths : z->path_max;
	z->memory_max = n->mem.used > z->memory_max ? n->mem.used : z->memory_max;
}

void sizes_measure(struct sizes *z, const struct sim *s)
{
	uint32_t i;
	double n;

	*z = (struct sizes){0};
	for (i = 0; i < s->g->n; i++) {
		if (s->node[i].k)
			add_node(z, s, &s->node[i]);
	}
	n = z->alive ? z->alive : 1;
	z->contacts_mean /= n;
	z->bound_mean /= n;
	z->node_mean /= n;
	z->path_mean /= n;
	z->memory_mean /= n;
}

/* What the model calls a topology: a generator's kind where its other numbers are the model's, else the whole name. */
static void model_name(char *out, size_t cap, const struct graph *g)
{
	static const char *const kind[] = {"ba", "rg", "grid", "ring"};
	const char *colon = strchr(g->name, ':');
	size_t i;

	snprintf(out, cap, "%s", g->name);
	if (!colon || (strchr(colon + 1, ':') && strcmp(strchr(colon + 1, ':'), ":2") != 0 &&
		       strcmp(strchr(colon + 1, ':'), ":10") != 0))
		return;
	for (i = 0; i < sizeof(kind) / sizeof(*kind); i++) {
		if (strlen(kind[i]) == (size_t)(colon - g->name) && strncmp(kind[i], g->name, strlen(kind[i])) == 0)
			snprintf(out, cap, "%s", kind[i]);
	}
}

int model_find(struct model_row *row, const char *path, const struct graph *g, unsigned k, struct err *err)
{
	FILE *f = fopen(path, "r");
	char want[96];
	char line[512];
	int rc = -ENOENT;

	if (!f) {
		rc = err_set(err, -errno, "no model figures: %s", strerror(errno));
		err_where(err, "%s", path);
		return rc == -ENOENT ? -EIO : rc;
	}
	model_name(want, sizeof(want), g);
	while (rc == -ENOENT && fgets(line, sizeof(line), f)) {
		struct model_row r;
		unsigned m;
		double sp;

		if (sscanf(line, "%63s n=%u m=%u k=%u mode=PR: mean sp %lf, stretch mean %lf", r.name, &r.n, &m, &r.k,
			   &sp, &r.stretch) != 6)
			continue;
		if (strcmp(r.name, want) != 0 || r.k != k)
			continue;
		/* Of random graphs the number of nodes of the generator; of files their name is enough. */
		if (strchr(want, '/') || r.n == g->made_n) {
			*row = r;
			rc = 0;
		}
	}
	fclose(f);
	return rc;
}
