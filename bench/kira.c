/* SPDX-License-Identifier: BSD-2-Clause */
/* kira [--quick]: dep-kira beside babeld, BIRD (OSPFv3) and Yggdrasil. One JSON line a measure and peer on stdout; what
 * it is at on stderr. Needs root. */
#include "bench/kira.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yyjson.h>

#define PEERS 3

volatile sig_atomic_t stop_signal;

struct subject {
	const struct lab_daemon *d;
	char version[128];
	bool there;
};

struct stage {
	const char *topology; /* a generator, or a name in lab/topologies */
	struct plan plan;
};

static const struct stage quick_stages[] = {
	{"grid:4x4", {1, {3, 0, 1}, SEC(4), SEC(20), SEC(10)}},
	{NULL, {0, {0}, 0, 0, 0}},
};

static const struct stage full_stages[] = {
	{"grid:4x4", {3, {8, 1, 1}, SEC(10), SEC(20), SEC(35)}},
	{"elibackbone", {1, {5, 1, 1}, SEC(10), SEC(20), SEC(25)}},
	{"grid:6x6", {1, {3, 0, 1}, SEC(10), SEC(20), SEC(15)}},
	{NULL, {0, {0}, 0, 0, 0}},
};

static void on_signal(int sig)
{
	stop_signal = sig;
}

void tell(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("bench kira: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

/* -- figures */

/* What a line is about: a figure of both sides, smaller is better. */
struct measure {
	const char *name;
	const char *unit;
	double limit; /* what cannot be measured better, 0: nothing */
	double ours;
	double peer;
	unsigned n;
	unsigned peer_n;
	unsigned open; /* faults whose outage was not over when the watch ended: ours, the peer's */
	unsigned peer_open;
};

/* Four significant digits. */
static double rounded(double v)
{
	char text[32];

	snprintf(text, sizeof(text), "%.4g", v);
	return strtod(text, NULL);
}

static void add_figure(yyjson_mut_doc *doc, yyjson_mut_val *o, const char *key, double v)
{
	if (isnan(v))
		yyjson_mut_obj_add_null(doc, o, key);
	else if (v >= 10000)
		yyjson_mut_obj_add_uint(doc, o, key, (uint64_t)rounded(v));
	else
		yyjson_mut_obj_add_real(doc, o, key, rounded(v));
}

static void print_measure(const char *topology, const struct measure *m, const struct subject *peer)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *o = yyjson_mut_obj(doc);
	char name[128];
	char *text;

	snprintf(name, sizeof(name), "%s %s", topology, m->name);
	yyjson_mut_doc_set_root(doc, o);
	yyjson_mut_obj_add_str(doc, o, "bench", "kira");
	yyjson_mut_obj_add_str(doc, o, "case", name);
	yyjson_mut_obj_add_str(doc, o, "unit", m->unit);
	add_figure(doc, o, "ours", m->ours);
	add_figure(doc, o, "peer", m->peer);
	yyjson_mut_obj_add_str(doc, o, "peer_name", peer->d->title);
	yyjson_mut_obj_add_str(doc, o, "peer_version", peer->version);
	add_figure(doc, o, "ratio", m->peer > 0 ? m->ours / m->peer : NAN);
	yyjson_mut_obj_add_uint(doc, o, "n", m->n);
	yyjson_mut_obj_add_uint(doc, o, "peer_n", m->peer_n);
	yyjson_mut_obj_add_str(doc, o, "better", "lower");
	if (m->limit > 0)
		add_figure(doc, o, "limit", m->limit);
	if (m->open > 0)
		yyjson_mut_obj_add_uint(doc, o, "open", m->open);
	if (m->peer_open > 0)
		yyjson_mut_obj_add_uint(doc, o, "peer_open", m->peer_open);
	text = yyjson_mut_write(doc, 0, NULL);
	if (text)
		puts(text);
	fflush(stdout);
	free(text);
	yyjson_mut_doc_free(doc);
}

static int by_value(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a;
	usec_t y = *(const usec_t *)b;

	return (x > y) - (x < y);
}

static double seconds(usec_t t)
{
	return t < 0 ? NAN : (double)t / 1e6;
}

/* The middle one (of an even number the mean of the two). */
static double median(const struct outages *o)
{
	usec_t v[FAULTS_MAX];

	if (o->n == 0)
		return NAN;
	memcpy(v, o->v, o->n * sizeof(v[0]));
	qsort(v, o->n, sizeof(v[0]), by_value);
	return (seconds(v[(o->n - 1) / 2]) + seconds(v[o->n / 2])) / 2;
}

static double worst(const struct outages *o)
{
	usec_t w = -1;

	for (unsigned k = 0; k < o->n; k++)
		w = o->v[k] > w ? o->v[k] : w;
	return seconds(w);
}

static void print_outages(const char *topology, const struct figures *us, const struct figures *peer,
			  const struct subject *who)
{
	static const char *const names[FAULT_KINDS][2] = {
		[FAULT_CUT] = {"carrier cut, median outage", "carrier cut, worst outage"},
		[FAULT_SILENT] = {"silent loss, median outage", "silent loss, worst outage"},
		[FAULT_KILL] = {"node kill, median outage", "node kill, worst outage"},
	};

	for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
		const struct outages *a = &us->outages[kind];
		const struct outages *b = &peer->outages[kind];
		struct measure m = {
			.name = names[kind][0], .unit = "s", .limit = seconds(SHORTEST), .ours = median(a),
			.peer = median(b), .n = a->n, .peer_n = b->n, .open = a->open, .peer_open = b->open,
		};

		if (a->n > 1 || b->n > 1)
			print_measure(topology, &m, who);
		m.name = names[kind][1];
		m.ours = worst(a);
		m.peer = worst(b);
		if (a->n > 0 || b->n > 0)
			print_measure(topology, &m, who);
	}
}

static void print_all(const struct stage *stage, unsigned nodes, const struct figures *us, const struct figures *peer,
		      const struct subject *who)
{
	const char *topology = stage->topology;
	unsigned starts = stage->plan.starts;
	const struct measure m[] = {
		{.name = "cold start, first reply between the farthest nodes", .unit = "s", .ours = seconds(us->corner),
		 .peer = seconds(peer->corner), .n = starts, .peer_n = starts},
		{.name = "cold start, all pairs", .unit = "s", .ours = seconds(us->all), .peer = seconds(peer->all),
		 .n = starts, .peer_n = starts},
		{.name = "control traffic at rest", .unit = "B/s/node", .ours = us->bytes, .peer = peer->bytes,
		 .n = nodes, .peer_n = nodes},
		{.name = "control packets at rest", .unit = "1/s/node", .ours = us->packets, .peer = peer->packets,
		 .n = nodes, .peer_n = nodes},
		{.name = "RSS", .unit = "B/node", .ours = us->rss, .peer = peer->rss, .n = nodes, .peer_n = nodes},
		{.name = "PSS", .unit = "B/node", .ours = us->pss, .peer = peer->pss, .n = nodes, .peer_n = nodes},
		{.name = "processor time at rest", .unit = "ms/s/node", .ours = us->cpu, .peer = peer->cpu,
		 .n = nodes, .peer_n = nodes},
	};

	for (unsigned k = 0; k < sizeof(m) / sizeof(m[0]); k++)
		print_measure(topology, &m[k], who);
	print_outages(topology, us, peer, who);
}

static void tell_figures(const char *topology, const struct subject *s, const struct figures *f, usec_t took)
{
	tell("%s, %s: start %.2f s, all %.2f s; %.0f B/s/node, %.2f MiB; cut %.2f/%.2f s (%u), silent %.2f s, kill %.2f s; "
	     "took %.0f s",
	     topology, s->d->title, seconds(f->corner), seconds(f->all), f->bytes, f->rss / 1048576,
	     median(&f->outages[FAULT_CUT]), worst(&f->outages[FAULT_CUT]), f->outages[FAULT_CUT].n,
	     worst(&f->outages[FAULT_SILENT]), worst(&f->outages[FAULT_KILL]), seconds(took));
}

/* -- the run */

static int load(struct graph *g, const char *topology, struct err *err)
{
	const char *top = getenv("DEP_TOP");
	char path[512];

	if (strchr(topology, ':'))
		return graph_make(g, topology, 1, err);
	snprintf(path, sizeof(path), "%s/lab/topologies/%s.edges", top ? top : BENCH_SOURCE, topology);
	return graph_load(g, path, NULL, err);
}

/* A peer that fails is left out of this stage and named; if we fail, so does the bench. */
static int run_stage(const struct stage *stage, struct subject *us, struct subject *peers, struct err *err)
{
	struct graph g = {0};
	struct figures ours;
	struct figures theirs;
	int rc = load(&g, stage->topology, err);
	usec_t t = clock_now();

	if (rc < 0)
		return rc;
	tell("%s: %u nodes, %u links; dep-kira %s", stage->topology, g.n, g.m, us->version);
	rc = run_daemon(&g, &stage->plan, us->d, &ours, err);
	if (rc == 0)
		tell_figures(stage->topology, us, &ours, clock_now() - t);
	for (unsigned k = 0; k < PEERS && rc == 0; k++) {
		struct err why = {0};

		if (!peers[k].there)
			continue;
		t = clock_now();
		rc = run_daemon(&g, &stage->plan, peers[k].d, &theirs, &why);
		if (rc == -EINTR)
			break;
		if (rc < 0) {
			err_print(&why, "bench kira", stderr);
			tell("%s is left out of %s", peers[k].d->title, stage->topology);
			rc = 0;
			continue;
		}
		tell_figures(stage->topology, &peers[k], &theirs, clock_now() - t);
		print_all(stage, g.n, &ours, &theirs, &peers[k]);
	}
	graph_free(&g);
	return rc;
}

/* Programs print their name and other words in front of the number. */
static bool find(struct subject *s, const char *name)
{
	size_t skip;

	s->d = lab_daemon_find(name);
	s->there = s->d && s->d->version(s->version, sizeof(s->version)) == 0;
	if (!s->there) {
		tell("%s is not installed, so it is left out", name);
		return false;
	}
	skip = strcspn(s->version, "0123456789");
	if (s->version[skip])
		memmove(s->version, s->version + skip, strlen(s->version + skip) + 1);
	return true;
}

int main(int argc, char **argv)
{
	static const char *const names[PEERS] = {"babeld", "bird", "yggdrasil"};
	static const int sigs[] = {SIGINT, SIGTERM, SIGHUP};
	bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	struct sigaction sa = {.sa_handler = on_signal};
	struct subject us;
	struct subject peers[PEERS];
	struct err err = {0};
	int rc = 0;

	if (argc > 2 || (argc == 2 && !quick)) {
		fputs("usage: kira [--quick]\n", stderr);
		return 2;
	}
	for (unsigned k = 0; k < 3; k++)
		sigaction(sigs[k], &sa, NULL);
	for (unsigned k = 0; k < PEERS; k++)
		find(&peers[k], names[k]);
	if (!find(&us, "kira"))
		return 1;
	for (const struct stage *s = quick ? quick_stages : full_stages; s->topology && rc == 0; s++)
		rc = run_stage(s, &us, peers, &err);
	if (stop_signal)
		return 128 + stop_signal;
	if (rc < 0)
		err_print(&err, "bench kira", stderr);
	return rc < 0;
}
