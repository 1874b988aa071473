/* SPDX-License-Identifier: BSD-2-Clause */
/* dep-kira beside other routing daemons: each in turn on the very same laboratory (namespaces, links, prober), in one run.
 *
 *   kira [--quick]
 *
 * For every topology: time from the launch of the first daemon to the first reply between opposite corners, and until all
 * pairs have answered; outage (the worst pair's, by probes every 10 ms) after links lose their carrier, and after links lose
 * frames silently; at rest, without probes, bytes on the wire a node and second, and memory. One JSON line a measure and
 * peer; "ratio" is ours / peer, less is better throughout. "capped" says whose measure was cut off at its limit (an outage
 * was longer, or a start took longer, than is waited for). Progress goes to stderr. */
#include "lab/daemon.h"
#include "lab/prober.h"
#include "proto/kira/sim/graph.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PEERS 4 /* and ourselves the first */
#define MAX_FAULTS 16

static const char *const daemons[PEERS] = {"kira", "babeld", "bird", "yggdrasil"};

struct plan {
	const char *topology;
	unsigned cuts;
	unsigned silences;
	usec_t start_most;
	usec_t cut_most;
	usec_t silent_most;
	usec_t calm; /* rest before the wire is measured */
	usec_t window;
};

static const struct plan quick[] = {{"grid:4x4", 3, 1, SEC(40), SEC(15), SEC(20), SEC(5), SEC(10)}};
static const struct plan full[] = {
	{"grid:4x4", 8, 3, SEC(60), SEC(30), SEC(45), SEC(10), SEC(20)},
	{"grid:6x6", 8, 3, SEC(60), SEC(30), SEC(45), SEC(10), SEC(20)},
};

/* What one daemon made of one plan; -1: not measured. */
struct result {
	char version[128];
	double corner, all;
	double cut[MAX_FAULTS], silent[MAX_FAULTS]; /* the worst pair's, each fault */
	unsigned n_cut, n_silent;
	bool capped_start, capped_cut, capped_silent;
	double bytes, rss, pss;
};

struct run {
	struct graph g;
	struct lab *lab;
	struct prober *prober;
	unsigned n;
	bool *added;
	bool *reach;
};

static void poll_nodes(struct run *r, unsigned ms)
{
	usleep(ms * 1000);
	lab_poll(r->lab);
	for (unsigned i = 0; i < r->n; i++) {
		const struct lab_node *node = lab_node(r->lab, i);

		if (r->prober && node->state == LAB_RUNNING && node->has_addr && !r->added[i])
			r->added[i] = prober_add(r->prober, i) == 0;
	}
}

static void expect(struct run *r)
{
	lab_reachable(r->lab, r->reach);
	prober_expect(r->prober, r->reach);
}

static int watch(struct run *r, struct err *err)
{
	r->prober = prober_new(&(struct prober_params){.lab = r->lab, .max_fast = 400, .seed = 1}, err);
	if (!r->prober)
		return err->code ? err->code : -ENOMEM;
	memset(r->added, 0, r->n);
	expect(r);
	return 0;
}

/* Every pair that ought to answer does, for `calm` at a stretch. */
static bool settle(struct run *r, usec_t calm, usec_t most)
{
	usec_t until = clock_now() + most;
	usec_t since = 0;

	while (clock_now() < until) {
		struct prober_state st;

		poll_nodes(r, 10);
		prober_state(r->prober, &st);
		if (st.answering < st.expected)
			since = 0;
		else if (!since)
			since = clock_now();
		else if (clock_now() - since >= calm)
			return true;
	}
	return false;
}

static int cold_start(struct run *r, const struct plan *p, struct result *out, struct err *err)
{
	uint8_t *m = calloc(r->n, r->n);
	struct prober_state st = {0};
	usec_t began;
	int rc = m ? watch(r, err) : -ENOMEM;

	began = clock_now();
	if (rc == 0)
		rc = lab_start_all(r->lab, err);
	if (rc == 0)
		expect(r);
	while (rc == 0 && (out->corner < 0 || !st.all_at) && clock_now() - began < p->start_most) {
		poll_nodes(r, 5);
		prober_matrix(r->prober, m);
		if (out->corner < 0 && m[r->n - 1] == PAIR_OK)
			out->corner = (double)(clock_now() - began) / 1e6;
		prober_state(r->prober, &st);
	}
	if (st.all_at)
		out->all = (double)(st.all_at - began) / 1e6;
	out->capped_start = !st.all_at || out->corner < 0;
	if (out->corner < 0)
		out->corner = (double)p->start_most / 1e6;
	if (!st.all_at)
		out->all = (double)p->start_most / 1e6;
	free(m);
	return rc;
}

/* Seconds that the worst pair was cut off. */
static double fault(struct run *r, unsigned l, bool silent, usec_t most, bool *capped)
{
	struct prober_gap *gaps = calloc((size_t)r->n * r->n, sizeof(*gaps));
	usec_t at = clock_now();
	double worst = 0;
	int n;

	if (silent)
		lab_silence(r->lab, l, LAB_BOTH, 1000);
	else
		lab_cut(r->lab, l, 2);
	expect(r);
	/* The first probes that are lost are known to be lost only a moment later. */
	while (clock_now() - at < MSEC(silent ? 1500 : 600))
		poll_nodes(r, 10);
	if (!settle(r, MSEC(500), most))
		*capped = true;
	n = gaps ? prober_gaps(r->prober, at - MSEC(20), clock_now(), gaps) : 0;
	if (n > 0)
		worst = (double)gaps[0].length / 1e6;
	free(gaps);
	lab_heal(r->lab, l);
	expect(r);
	settle(r, SEC(2), SEC(30));
	return worst;
}

/* A link whose loss leaves the rest connected, another one each time; the same for every daemon. */
static unsigned pick(struct run *r, unsigned k)
{
	unsigned m = lab_n_links(r->lab);

	for (unsigned i = 0; i < m; i++) {
		unsigned l = (k * 7 + 3 + i) % m;
		bool whole = true;

		lab_cut(r->lab, l, 2);
		lab_reachable(r->lab, r->reach);
		lab_heal(r->lab, l);
		for (unsigned x = 0; x < r->n * r->n; x++)
			whole &= r->reach[x] || x / r->n == x % r->n;
		if (whole)
			return l;
	}
	return 0;
}

static double pss_of(pid_t pid)
{
	char path[64];
	char line[256];
	unsigned long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Pss: %lu kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return (double)kib * 1024;
}

static uint64_t sent(struct run *r)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < r->n; i++) {
		struct lab_count c = {0};

		lab_counters(r->lab, i, &c);
		bytes += c.tx_bytes;
	}
	return bytes;
}

static void at_rest(struct run *r, const struct plan *p, struct result *out)
{
	uint64_t before;
	usec_t began;

	prober_free(r->prober);
	r->prober = NULL;
	began = clock_now();
	while (clock_now() - began < p->calm)
		poll_nodes(r, 50);
	before = sent(r);
	began = clock_now();
	while (clock_now() - began < p->window)
		poll_nodes(r, 50);
	out->bytes = (double)(sent(r) - before) / ((double)(clock_now() - began) / 1e6) / r->n;
	out->rss = out->pss = 0;
	for (unsigned i = 0; i < r->n; i++) {
		struct lab_usage u = {0};

		lab_usage(r->lab, i, &u);
		out->rss += (double)u.rss / r->n / 1024;
		out->pss += pss_of(lab_node(r->lab, i)->pid) / r->n / 1024;
	}
}

static int measure(const struct plan *p, const struct lab_daemon *d, struct result *out, struct err *err)
{
	struct run r = {0};
	struct lab_edge *edges;
	unsigned links[2 * MAX_FAULTS];
	int rc = graph_make(&r.g, p->topology, 1, err);

	if (rc < 0)
		return rc;
	r.n = r.g.n;
	edges = calloc(r.g.m, sizeof(*edges));
	r.added = calloc(r.n, 1);
	r.reach = calloc(r.n, r.n);
	for (size_t i = 0; i < r.g.m; i++)
		edges[i] = (struct lab_edge){r.g.edge[i].u, r.g.edge[i].v};
	r.lab = lab_new(&(struct lab_params){.n = r.n, .edges = edges, .n_edges = (unsigned)r.g.m, .daemon = d, .meter = true},
			err);
	free(edges);
	rc = r.lab ? 0 : err->code ? err->code : -EIO;
	for (unsigned k = 0; rc == 0 && k < p->cuts + p->silences; k++)
		links[k] = pick(&r, k);
	if (rc == 0)
		rc = cold_start(&r, p, out, err);
	if (rc == 0) {
		fprintf(stderr, "#   corner %.3f s, all pairs %.3f s%s\n", out->corner, out->all,
			out->capped_start ? " (cut off)" : "");
		settle(&r, SEC(2), p->start_most);
		for (unsigned k = 0; k < p->cuts; k++)
			out->cut[out->n_cut++] = fault(&r, links[k], false, p->cut_most, &out->capped_cut);
		for (unsigned k = 0; k < p->silences; k++)
			out->silent[out->n_silent++] = fault(&r, links[p->cuts + k], true, p->silent_most, &out->capped_silent);
		at_rest(&r, p, out);
		fprintf(stderr, "#   %.0f B/s a node, RSS %.0f KiB\n", out->bytes, out->rss);
	}
	prober_free(r.prober);
	lab_free(r.lab);
	free(r.added);
	free(r.reach);
	graph_free(&r.g);
	return rc;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *v, unsigned n)
{
	double s[MAX_FAULTS];

	memcpy(s, v, n * sizeof(*s));
	qsort(s, n, sizeof(*s), by_size);
	return n ? s[n / 2] : 0;
}

static double worst(const double *v, unsigned n)
{
	double w = 0;

	for (unsigned i = 0; i < n; i++)
		w = v[i] > w ? v[i] : w;
	return w;
}

static void line(const struct plan *p, const char *what, const char *unit, double ours, bool our_cap, double peer, bool peer_cap,
		 const char *name, const struct result *res, unsigned n)
{
	/* An outage that no two probes in a row saw is under two probes' time; the ratio of two of those says nothing. */
	printf("{\"bench\":\"kira\",\"case\":\"%s %s\",\"unit\":\"%s\",\"ours\":%.4g,\"peer\":%.4g,\"peer_name\":\"%s\","
	       "\"peer_version\":\"%s\",\"ratio\":",
	       p->topology, what, unit, ours, peer, name, res->version);
	if (peer > 0)
		printf("%.4g", ours / peer);
	else
		printf("null");
	printf(",\"n\":%u,\"better\":\"lower\"", n);
	if (our_cap || peer_cap)
		printf(",\"capped\":\"%s\"", our_cap && peer_cap ? "both" : our_cap ? "ours" : "peer");
	printf("}\n");
	fflush(stdout);
}

static void compare(const struct plan *p, const struct result *us, const struct result *it, const char *name)
{
	const double probe = 0.02; /* an outage is seen from two lost probes on */

	line(p, "cold start, first corner reply", "s", us->corner, us->capped_start, it->corner, it->capped_start, name, it, 1);
	line(p, "cold start, all pairs", "s", us->all, us->capped_start, it->all, it->capped_start, name, it, 1);
	line(p, "outage after carrier loss, median (limit 0.02)", "s", median(us->cut, us->n_cut) + probe, us->capped_cut,
	     median(it->cut, it->n_cut) + probe, it->capped_cut, name, it, it->n_cut);
	line(p, "outage after carrier loss, worst (limit 0.02)", "s", worst(us->cut, us->n_cut) + probe, us->capped_cut,
	     worst(it->cut, it->n_cut) + probe, it->capped_cut, name, it, it->n_cut);
	line(p, "outage after silent loss, worst", "s", worst(us->silent, us->n_silent), us->capped_silent,
	     worst(it->silent, it->n_silent), it->capped_silent, name, it, it->n_silent);
	line(p, "control traffic at rest", "B/s a node", us->bytes, false, it->bytes, false, name, it, 1);
	line(p, "RSS", "KiB a node", us->rss, false, it->rss, false, name, it, 1);
	line(p, "PSS", "KiB a node", us->pss, false, it->pss, false, name, it, 1);
}

int main(int argc, char **argv)
{
	bool is_quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
	const struct plan *plans = is_quick ? quick : full;
	size_t n = is_quick ? sizeof(quick) / sizeof(*quick) : sizeof(full) / sizeof(*full);
	struct err err = {0};

	if (argc > 1 && !is_quick) {
		fprintf(stderr, "kira: takes --quick or nothing\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (lab_isolate(&err) < 0) {
		err_print(&err, "kira", stderr);
		return 2;
	}
	for (size_t i = 0; i < n; i++) {
		struct result res[PEERS];
		bool have[PEERS] = {false};

		for (unsigned k = 0; k < PEERS; k++) {
			const struct lab_daemon *d = lab_daemon_find(daemons[k]);

			res[k] = (struct result){.corner = -1, .all = -1};
			if (!d || (d->version && d->version(res[k].version, sizeof(res[k].version)) < 0)) {
				fprintf(stderr, "# %s is not installed: left out\n", daemons[k]);
				continue;
			}
			fprintf(stderr, "# %s: %s\n", plans[i].topology, res[k].version);
			if (measure(&plans[i], d, &res[k], &err) < 0) {
				err_print(&err, daemons[k], stderr);
				if (k == 0)
					return 1;
				continue;
			}
			have[k] = true;
		}
		for (unsigned k = 1; k < PEERS; k++)
			if (have[k])
				compare(&plans[i], &res[0], &res[k], daemons[k]);
	}
	return 0;
}
