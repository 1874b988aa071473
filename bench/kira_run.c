/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/kira.h"

#include "lab/prober.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROBING 6            /* nodes that probe each other while faults happen */
#define START_LIMIT SEC(60)
#define CALM MSEC(700)       /* all has been well for so long: the fault is over */
#define DWELL MSEC(1500)     /* a fault is watched for at least so long */
#define READOPT SEC(15)      /* a link that was mended may be unused for so long: nothing relies on it */
#define STEP MSEC(5)
#define SKIPS_MAX 20         /* a fault during which more ticks were not probed does not count */

/* How long a fault is watched at most. OSPF's dead interval is 40 s. */
static const usec_t watch[FAULT_KINDS] = {
	[FAULT_CUT] = SEC(20),
	[FAULT_SILENT] = SEC(45),
	[FAULT_KILL] = SEC(20),
};

struct run {
	const struct graph *g;
	const struct plan *plan;
	const struct lab_daemon *d;
	struct figures *out;
	struct lab *lab;
	struct prober *prober;
	unsigned probing[PROBING]; /* the first two are farthest from each other */
	unsigned n_probing;
	bool *reach;               /* n * n */
	uint8_t *edge_off;         /* links nothing may rely on */
	uint8_t *node_off;         /* killed */
	usec_t *mended;            /* by link, 0: never */
	struct prober_gap *gaps;   /* n * n */
};

/* -- the graph */

static void far_from(const struct graph *g, uint32_t from, uint32_t *dist, uint32_t *queue)
{
	graph_bfs(g, from, NULL, NULL, dist, queue);
}

/* Nodes as far from each other as can be: first a pair of the greatest distance, then always the node whose nearest
 * chosen one is farthest. */
static int choose_probing(struct run *r)
{
	const struct graph *g = r->g;
	uint32_t *dist = calloc(g->n, sizeof(*dist));
	uint32_t *near = calloc(g->n, sizeof(*near));
	uint32_t *queue = calloc(g->n, sizeof(*queue));
	uint32_t best = 0;

	if (!dist || !near || !queue)
		goto out;
	for (uint32_t i = 0; i < g->n; i++) {
		far_from(g, i, dist, queue);
		for (uint32_t j = 0; j < g->n; j++)
			if (dist[j] != GRAPH_FAR && dist[j] > best) {
				best = dist[j];
				r->probing[0] = i;
				r->probing[1] = j;
			}
	}
	for (uint32_t i = 0; i < g->n; i++)
		near[i] = GRAPH_FAR;
	for (r->n_probing = 2;; r->n_probing++) {
		uint32_t next = 0;

		for (unsigned k = r->n_probing == 2 ? 0 : r->n_probing - 1; k < r->n_probing; k++) {
			far_from(g, r->probing[k], dist, queue);
			for (uint32_t i = 0; i < g->n; i++)
				near[i] = dist[i] < near[i] ? dist[i] : near[i];
		}
		for (uint32_t i = 0; i < g->n; i++)
			next = near[i] > near[next] ? i : next;
		if (r->n_probing == PROBING || near[next] == 0)
			break;
		r->probing[r->n_probing] = next;
	}
out:
	free(queue);
	free(near);
	free(dist);
	return r->n_probing >= 2 ? 0 : -ENOMEM;
}

static bool is_probing(const struct run *r, unsigned i)
{
	for (unsigned k = 0; k < r->n_probing; k++)
		if (r->probing[k] == i)
			return true;
	return false;
}

/* All nodes that are left are joined by links that may be relied on. */
static bool connected(struct run *r)
{
	const struct graph *g = r->g;
	uint32_t *dist = calloc(g->n, sizeof(*dist));
	uint32_t *queue = calloc(g->n, sizeof(*queue));
	bool ok = dist && queue;

	if (ok)
		graph_bfs(g, r->probing[0], r->edge_off, r->node_off, dist, queue);
	for (uint32_t i = 0; ok && i < g->n; i++)
		ok = r->node_off[i] || dist[i] != GRAPH_FAR;
	free(queue);
	free(dist);
	return ok;
}

static uint64_t frames(struct run *r, unsigned l)
{
	uint64_t sum = 0;

	for (unsigned k = 0; k < 2; k++) {
		struct lab_meter m;

		lab_meter(r->lab, l, k, &m);
		sum += m.control_packets + m.data_packets;
	}
	return sum;
}

/* Frames that each link carries in 300 ms, into out[m]. */
static void load_of_links(struct run *r, uint64_t *out)
{
	for (unsigned l = 0; l < r->g->m; l++)
		out[l] = frames(r, l);
	usleep(300000);
	for (unsigned l = 0; l < r->g->m; l++)
		out[l] = frames(r, l) - out[l];
}

static void renew_off(struct run *r)
{
	usec_t now = clock_now();

	for (unsigned l = 0; l < r->g->m; l++)
		r->edge_off[l] = !lab_link_works(r->lab, l) || (r->mended[l] && now - r->mended[l] < READOPT);
}

/* The busiest link of a probing node (of each in turn) that can fail and leave the rest connected, or -1. */
static int pick_link(struct run *r, unsigned turn)
{
	uint64_t *load = calloc(r->g->m, sizeof(*load));
	int best = -1;

	if (!load)
		return -1;
	load_of_links(r, load);
	renew_off(r);
	for (unsigned k = 0; k < r->n_probing && best < 0; k++) {
		unsigned node = r->probing[(turn + k) % r->n_probing];

		for (uint32_t x = r->g->first[node]; x < r->g->first[node + 1]; x++) {
			uint32_t l = r->g->arc[x].edge;

			if (r->edge_off[l] || (best >= 0 && load[l] <= load[best]))
				continue;
			r->edge_off[l] = 1;
			if (connected(r))
				best = (int)l;
			r->edge_off[l] = 0;
		}
	}
	free(load);
	return best;
}

/* The busiest node that does not probe and whose loss leaves the rest connected, or -1. */
static int pick_node(struct run *r)
{
	uint64_t *load = calloc(r->g->m, sizeof(*load));
	uint64_t most = 0;
	int best = -1;

	if (!load)
		return -1;
	load_of_links(r, load);
	renew_off(r);
	for (unsigned i = 0; i < r->g->n; i++) {
		uint64_t sum = 1;

		if (r->node_off[i] || is_probing(r, i))
			continue;
		for (uint32_t x = r->g->first[i]; x < r->g->first[i + 1]; x++)
			sum += load[r->g->arc[x].edge];
		r->node_off[i] = 1;
		if (sum > most && connected(r)) {
			most = sum;
			best = (int)i;
		}
		r->node_off[i] = 0;
	}
	free(load);
	return best;
}

/* -- steps */

static int dead_daemon(struct run *r, struct err *err)
{
	for (unsigned i = 0; i < r->g->n; i++)
		if (lab_node(r->lab, i)->state == LAB_STOPPED && !r->node_off[i])
			return err_set(err, -ECHILD, "%s on node %u ended by itself (wait status %d)", r->d->title, i,
				       lab_node(r->lab, i)->status);
	return 0;
}

static int step(struct run *r, struct err *err)
{
	if (stop_signal)
		return err_set(err, -EINTR, "signal %d", (int)stop_signal);
	usleep(STEP);
	return lab_poll(r->lab) ? dead_daemon(r, err) : 0;
}

static int rest(struct run *r, usec_t length, struct err *err)
{
	usec_t until = clock_now() + length;
	int rc = 0;

	while (rc == 0 && clock_now() < until)
		rc = step(r, err);
	return rc;
}

/* Files that a daemon needs are made before the clock runs (Yggdrasil's keys come from a program of their own). */
static int prepare_all(struct run *r, struct err *err)
{
	for (unsigned i = 0; r->d->prepare && i < r->g->n; i++) {
		struct lab_node *node = lab_node(r->lab, i);
		int rc;

		if (mkdir(node->dir, 0755) != 0 && errno != EEXIST)
			return err_set(err, -errno, "cannot make %s: %s", node->dir, strerror(errno));
		rc = lab_enter(r->lab, i);
		if (rc < 0)
			return err_set(err, rc, "cannot enter %s", node->ns);
		rc = r->d->prepare(r->lab, node, err);
		lab_leave(r->lab);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int probe_new(struct run *r, bool *added, struct err *err)
{
	for (unsigned i = 0; i < r->g->n; i++) {
		int rc;

		if (added[i] || !lab_node(r->lab, i)->has_addr)
			continue;
		rc = prober_add(r->prober, i);
		if (rc < 0)
			return err_set(err, rc, "cannot probe from node %u", i);
		added[i] = true;
	}
	return 0;
}

/* One start. The two farthest nodes are probed at the full pace, the other pairs take turns. */
static int cold_start(struct run *r, struct err *err)
{
	unsigned n = r->g->n;
	unsigned ends[2] = {r->probing[0] * n + r->probing[1], r->probing[1] * n + r->probing[0]};
	bool *added = calloc(n, sizeof(*added));
	uint8_t *pairs = calloc((size_t)n * n, 1);
	struct prober_state st = {0};
	usec_t began = 0;
	int rc = added && pairs ? prepare_all(r, err) : err_set(err, -ENOMEM, "no memory");

	r->out->corner = r->out->all = -1;
	if (rc == 0 && !(r->prober = prober_new(&(struct prober_params){.lab = r->lab, .max_fast = 120}, err)))
		rc = err->code;
	if (rc == 0) {
		prober_focus(r->prober, ends, 2);
		lab_reachable(r->lab, r->reach);
		memset(r->reach, true, (size_t)n * n * sizeof(*r->reach));
		prober_expect(r->prober, r->reach);
		began = clock_now();
		rc = lab_start_all(r->lab, err);
	}
	while (rc == 0 && !st.all_at && clock_now() - began < START_LIMIT) {
		rc = step(r, err);
		if (rc == 0)
			rc = probe_new(r, added, err);
		prober_matrix(r->prober, pairs);
		if (r->out->corner < 0 && (pairs[ends[0]] == PAIR_OK || pairs[ends[1]] == PAIR_OK))
			r->out->corner = clock_now() - began;
		prober_state(r->prober, &st);
	}
	if (st.all_at)
		r->out->all = st.all_at - began;
	prober_free(r->prober);
	r->prober = NULL;
	free(pairs);
	free(added);
	return rc;
}

struct totals {
	struct lab_count sent;
	struct usage used;
};

static int totals(struct run *r, struct totals *out, struct err *err)
{
	*out = (struct totals){0};
	for (unsigned i = 0; i < r->g->n; i++) {
		struct lab_count c;
		struct usage u;
		char path[64];
		int rc;

		snprintf(path, sizeof(path), "/run/netns/%s", lab_node(r->lab, i)->ns);
		rc = lab_counters(r->lab, i, &c);
		if (rc == 0)
			rc = usage_of(path, &u);
		if (rc == 0 && u.processes == 0)
			rc = -ESRCH;
		if (rc < 0)
			return err_set(err, rc, "cannot read the counters of node %u: %s", i, strerror(-rc));
		out->sent.tx_bytes += c.tx_bytes;
		out->sent.tx_packets += c.tx_packets;
		out->used.rss += u.rss;
		out->used.pss += u.pss;
		out->used.cpu += u.cpu;
	}
	return 0;
}

/* Nobody probes meanwhile, so all that is sent is control traffic (the kernel's neighbour discovery included). */
static int at_rest(struct run *r, struct err *err)
{
	struct totals before;
	struct totals after;
	usec_t t;
	double per;
	int rc = rest(r, r->plan->rest, err);

	t = clock_now();
	if (rc == 0)
		rc = totals(r, &before, err);
	if (rc == 0)
		rc = rest(r, r->plan->window, err);
	per = (double)(clock_now() - t) / 1e6 * r->g->n;
	if (rc == 0)
		rc = totals(r, &after, err);
	if (rc < 0)
		return rc;
	r->out->bytes = (double)(after.sent.tx_bytes - before.sent.tx_bytes) / per;
	r->out->packets = (double)(after.sent.tx_packets - before.sent.tx_packets) / per;
	r->out->cpu = (double)(after.used.cpu - before.used.cpu) / 1e3 / per;
	r->out->rss = (double)after.used.rss / r->g->n;
	r->out->pss = (double)after.used.pss / r->g->n;
	return 0;
}

/* -- faults */

static void expect(struct run *r)
{
	unsigned n = r->g->n;

	lab_reachable(r->lab, r->reach);
	for (unsigned x = 0; x < n * n; x++)
		r->reach[x] = r->reach[x] && is_probing(r, x / n) && is_probing(r, x % n);
	prober_expect(r->prober, r->reach);
}

/* Waits until all expected pairs have answered for a while, and `at` is DWELL ago. False: not until the limit. */
static int settle(struct run *r, usec_t at, usec_t limit, struct err *err)
{
	usec_t calm = 0;
	usec_t now;
	int rc;

	do {
		struct prober_state st;

		rc = step(r, err);
		prober_state(r->prober, &st);
		now = clock_now();
		calm = st.answering < st.expected ? 0 : calm ? calm : now;
		if (calm && now - calm >= CALM && now - at >= DWELL)
			break;
	} while (rc == 0 && now - at < limit);
	return rc;
}

static int begin_probing(struct run *r, struct err *err)
{
	unsigned pairs[PROBING * PROBING];
	unsigned n = 0;
	int rc = 0;

	for (unsigned a = 0; a < r->n_probing; a++)
		for (unsigned b = 0; b < r->n_probing; b++)
			if (a != b)
				pairs[n++] = r->probing[a] * r->g->n + r->probing[b];
	r->prober = prober_new(&(struct prober_params){.lab = r->lab, .interval = GRAIN, .max_fast = n}, err);
	if (!r->prober)
		return err->code;
	prober_focus(r->prober, pairs, n);
	for (unsigned k = 0; k < r->n_probing && rc == 0; k++)
		rc = prober_add(r->prober, r->probing[k]);
	if (rc < 0)
		return err_set(err, rc, "cannot probe");
	expect(r);
	return settle(r, clock_now(), SEC(20), err);
}

static int do_fault(struct run *r, enum fault kind, unsigned what)
{
	if (kind == FAULT_CUT)
		return lab_cut(r->lab, what, 0);
	if (kind == FAULT_SILENT)
		return lab_silence(r->lab, what, LAB_BOTH, 1000);
	r->node_off[what] = 1;
	return lab_kill(r->lab, what);
}

static int one_fault(struct run *r, enum fault kind, unsigned turn, struct err *err)
{
	struct outages *o = &r->out->outages[kind];
	struct prober_state before;
	struct prober_state after;
	int what = kind == FAULT_KILL ? pick_node(r) : pick_link(r, turn);
	usec_t at;
	int hit;
	int rc;

	if (what < 0)
		return rest(r, SEC(1), err);
	prober_state(r->prober, &before);
	at = clock_now();
	rc = do_fault(r, kind, (unsigned)what);
	if (rc < 0)
		return err_set(err, rc, "cannot make link or node %d fail: %s", what, strerror(-rc));
	expect(r);
	rc = settle(r, at, watch[kind], err);
	if (rc < 0)
		return rc;
	hit = prober_gaps(r->prober, at - 2 * GRAIN, clock_now(), r->gaps);
	if (hit < 0)
		return err_set(err, hit, "no memory");
	prober_state(r->prober, &after);
	if (after.skipped - before.skipped <= SKIPS_MAX) {
		o->open += hit > 0 && r->gaps[0].open;
		o->v[o->n++] = hit > 0 && r->gaps[0].length > SHORTEST ? r->gaps[0].length : SHORTEST;
	} else {
		tell("  a fault does not count: the prober left out %llu ticks of 10 ms, this machine is too busy",
		     (unsigned long long)(after.skipped - before.skipped));
	}
	if (kind == FAULT_KILL)
		return 0;
	r->mended[what] = clock_now();
	rc = lab_heal(r->lab, (unsigned)what);
	if (rc < 0)
		return err_set(err, rc, "cannot mend link %d: %s", what, strerror(-rc));
	expect(r);
	return settle(r, r->mended[what], SEC(10), err);
}

static int all_faults(struct run *r, struct err *err)
{
	int rc = begin_probing(r, err);

	for (enum fault kind = 0; kind < FAULT_KINDS; kind++) {
		usec_t began = clock_now();
		unsigned tries = 2 * r->plan->faults[kind];

		for (unsigned k = 0; k < tries && rc == 0; k++) {
			if (r->out->outages[kind].n >= r->plan->faults[kind])
				break;
			if (r->out->outages[kind].n > 0 && clock_now() - began > r->plan->budget)
				break;
			rc = one_fault(r, kind, k, err);
		}
	}
	return rc;
}

static int make_lab(struct run *r, struct err *err)
{
	struct lab_params p = {.n = r->g->n, .n_edges = r->g->m, .daemon = r->d, .meter = true};
	struct lab_edge *edges = calloc(r->g->m, sizeof(*edges));

	if (!edges)
		return err_set(err, -ENOMEM, "no memory");
	for (unsigned l = 0; l < r->g->m; l++)
		edges[l] = (struct lab_edge){r->g->edge[l].u, r->g->edge[l].v};
	p.edges = edges;
	r->lab = lab_new(&p, err);
	free(edges);
	return r->lab ? 0 : err->code;
}

static int by_time(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a < 0 ? USEC_NEVER : *(const usec_t *)a;
	usec_t y = *(const usec_t *)b < 0 ? USEC_NEVER : *(const usec_t *)b;

	return (x > y) - (x < y);
}

/* The network of the last start stays. */
static int cold_starts(struct run *r, struct err *err)
{
	usec_t corner[STARTS_MAX];
	usec_t all[STARTS_MAX];
	unsigned n = 0;
	int rc = 0;

	while (rc == 0 && n < r->plan->starts) {
		lab_free(r->lab);
		r->lab = NULL;
		rc = make_lab(r, err);
		if (rc == 0)
			rc = cold_start(r, err);
		corner[n] = r->out->corner;
		all[n++] = r->out->all;
	}
	qsort(corner, n, sizeof(corner[0]), by_time);
	qsort(all, n, sizeof(all[0]), by_time);
	r->out->corner = corner[n / 2];
	r->out->all = all[n / 2];
	return rc;
}

int run_daemon(const struct graph *g, const struct plan *plan, const struct lab_daemon *d, struct figures *out,
	       struct err *err)
{
	struct run r = {.g = g, .plan = plan, .d = d, .out = out};
	size_t square = (size_t)g->n * g->n;
	int rc = 0;

	*out = (struct figures){.corner = -1, .all = -1};
	r.reach = calloc(square, sizeof(*r.reach));
	r.gaps = calloc(square, sizeof(*r.gaps));
	r.edge_off = calloc(g->m, 1);
	r.node_off = calloc(g->n, 1);
	r.mended = calloc(g->m, sizeof(*r.mended));
	if (!r.reach || !r.gaps || !r.edge_off || !r.node_off || !r.mended || choose_probing(&r) < 0)
		rc = err_set(err, -ENOMEM, "no memory");
	if (rc == 0)
		rc = cold_starts(&r, err);
	if (rc == 0)
		rc = at_rest(&r, err);
	if (rc == 0)
		rc = all_faults(&r, err);
	prober_free(r.prober);
	lab_free(r.lab);
	free(r.mended);
	free(r.node_off);
	free(r.edge_off);
	free(r.gaps);
	free(r.reach);
	return rc;
}
