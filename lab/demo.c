/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/demo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEP MSEC(20)
#define SAMPLE MSEC(500)
#define REST SEC(5)      /* before the first fault: control traffic at rest */
#define DWELL MSEC(1500) /* a fault is looked at for at least so long */
#define CALM MSEC(500)   /* and until all has been well for so long */
#define MAX_SAMPLES (4u * 3600 * 2)
#define START_LIMIT SEC(60)

volatile sig_atomic_t demo_signal;

static void on_signal(int sig)
{
	demo_signal = sig;
}

static void catch_signals(void)
{
	static const int sigs[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction sa = {.sa_handler = on_signal};

	for (unsigned k = 0; k < 3; k++)
		sigaction(sigs[k], &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

const char *text_time(usec_t t, char buf[24])
{
	if (t < SEC(1))
		snprintf(buf, 24, "%d ms", (int)((t + 500) / 1000));
	else
		snprintf(buf, 24, "%.2f s", (double)t / 1e6);
	return buf;
}

const char *text_bytes(double b, char buf[24])
{
	if (b < 1000)
		snprintf(buf, 24, "%.0f B", b);
	else if (b < 1e6)
		snprintf(buf, 24, "%.1f kB", b / 1e3);
	else
		snprintf(buf, 24, "%.1f MB", b / 1e6);
	return buf;
}

/* -- topology */

static int load_graph(struct demo *d, struct err *err)
{
	const char *t = d->opt.topology;
	const char *top = getenv("DEP_TOP");
	const char *dirs[] = {top, LAB_SOURCE, LAB_DATA};
	char path[512];

	if (strchr(t, ':'))
		return graph_make(&d->graph, t, d->opt.seed, err);
	for (unsigned k = 0; k < 3 && !strchr(t, '/'); k++) {
		if (!dirs[k])
			continue;
		snprintf(path, sizeof(path), "%s%s/%s.edges", dirs[k], k == 2 ? "" : "/lab/topologies", t);
		if (access(path, R_OK) == 0)
			return graph_load(&d->graph, path, NULL, err);
	}
	if (access(t, R_OK) == 0)
		return graph_load(&d->graph, t, NULL, err);
	err_set(err, -ENOENT, "no topology named %s, and no file", t);
	err_mend(err, "dep-lab demo --help lists the names and generators");
	return -ENOENT;
}

static int demo_alloc(struct demo *d, struct err *err)
{
	unsigned n = d->graph.n;

	if (n < 2 || n > LAB_MAX_NODES)
		return err_set(err, -EINVAL, "%u nodes; the laboratory takes 2 to %d", n, LAB_MAX_NODES);
	d->reach = calloc((size_t)n * n, sizeof(*d->reach));
	d->starts = calloc(n, sizeof(*d->starts));
	d->rss = calloc(n, sizeof(*d->rss));
	d->cpu = calloc(n, sizeof(*d->cpu));
	d->traffic.last_bytes = calloc(n, sizeof(uint64_t));
	d->traffic.last_packets = calloc(n, sizeof(uint64_t));
	if (!d->reach || !d->starts || !d->rss || !d->cpu || !d->traffic.last_bytes || !d->traffic.last_packets)
		return err_set(err, -ENOMEM, "no memory");
	return 0;
}

static void demo_free(struct demo *d)
{
	prober_free(d->prober);
	lab_free(d->lab);
	for (unsigned k = 0; k < d->n_faults; k++)
		free(d->faults[k].lengths);
	free(d->traffic.samples);
	free(d->traffic.bytes);
	free(d->traffic.packets);
	free(d->traffic.last_bytes);
	free(d->traffic.last_packets);
	free(d->reach);
	free(d->starts);
	free(d->rss);
	free(d->cpu);
	graph_free(&d->graph);
}

/* -- what goes on all the time */

static bool traffic_room(struct demo_traffic *t, unsigned n)
{
	size_t cap = t->cap ? t->cap * 2 : 256;
	void *a;

	if (t->n < t->cap)
		return true;
	if (cap > MAX_SAMPLES)
		return false;
	if (!(a = realloc(t->samples, cap * sizeof(*t->samples))))
		return false;
	t->samples = a;
	if (!(a = realloc(t->bytes, cap * n * sizeof(*t->bytes))))
		return false;
	t->bytes = a;
	if (!(a = realloc(t->packets, cap * n * sizeof(*t->packets))))
		return false;
	t->packets = a;
	t->cap = cap;
	return true;
}

static void sample_traffic(struct demo *d)
{
	struct demo_traffic *t = &d->traffic;
	usec_t now = clock_now();
	unsigned n = d->graph.n;

	if (now - t->last < SAMPLE || !traffic_room(t, n))
		return;
	for (unsigned i = 0; i < n; i++) {
		struct lab_meter sent;
		struct lab_meter received;
		uint64_t bytes;
		uint64_t packets;

		lab_meter_node(d->lab, i, &sent, &received);
		bytes = sent.control_bytes + (d->daemon->metered ? 0 : sent.data_bytes);
		packets = sent.control_packets + (d->daemon->metered ? 0 : sent.data_packets);
		t->bytes[t->n * n + i] = (uint32_t)(bytes - t->last_bytes[i]);
		t->packets[t->n * n + i] = (uint32_t)(packets - t->last_packets[i]);
		t->last_bytes[i] = bytes;
		t->last_packets[i] = packets;
	}
	t->samples[t->n++] = (struct demo_sample){now, now - t->last};
	t->last = now;
}

static void expect(struct demo *d)
{
	lab_reachable(d->lab, d->reach);
	prober_expect(d->prober, d->reach);
}

/* The last lines of a daemon's log, for a person. */
static void show_log(struct demo *d, unsigned i)
{
	char path[LAB_PATH + 8];
	char line[256];
	char tail[3][256] = {0};
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", lab_node(d->lab, i)->dir);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		memcpy(tail[n++ % 3], line, sizeof(line));
	}
	if (f)
		fclose(f);
	for (unsigned k = n > 3 ? n - 3 : 0; k < n; k++)
		view_line(d, "  node %u says: %s", i, tail[k % 3]);
}

/* Daemons that ended by themselves, and addresses that appeared. */
static void notice(struct demo *d)
{
	if (!lab_poll(d->lab))
		return;
	for (unsigned i = 0; i < d->graph.n; i++) {
		struct lab_node *node = lab_node(d->lab, i);

		if (node->state == LAB_STOPPED && node->status != 0 && node->pid == 0 && !d->starts[i])
			continue;
		if (node->state == LAB_STOPPED && d->starts[i] > 0) {
			view_line(d, "node %u: its daemon ended by itself (%s %d)", i,
				  WIFSIGNALED(node->status) ? "signal" : "status",
				  WIFSIGNALED(node->status) ? WTERMSIG(node->status) : WEXITSTATUS(node->status));
			show_log(d, i);
			d->starts[i] = -1;
			d->failed = true;
		}
	}
}

/* Nodes whose address has just become known are probed from now on. */
static int probe_new(struct demo *d, bool *added, struct err *err)
{
	for (unsigned i = 0; i < d->graph.n; i++) {
		int rc;

		if (added[i] || !lab_node(d->lab, i)->has_addr)
			continue;
		rc = prober_add(d->prober, i);
		if (rc < 0)
			return err_set(err, rc, "cannot probe from node %u: error %d", i, -rc);
		added[i] = true;
	}
	return 0;
}

/* Says when not all pairs are probed at the full pace. */
static void tell_pace(struct demo *d)
{
	struct prober_state st;
	char a[24];

	if (!d->prober)
		return;
	prober_state(d->prober, &st);
	if (st.fast == d->fast)
		return;
	if (st.slow_every)
		view_line(d, "%u pairs are probed every 10 ms, the others every %s%s", st.fast, text_time(st.slow_every, a),
			  d->fast ? ": this machine cannot do more" : "");
	d->fast = st.fast;
}

/* One step of 20 ms. -EINTR on a signal, -ECANCELED on q. */
static int step(struct demo *d)
{
	int key;

	usleep(STEP);
	notice(d);
	sample_traffic(d);
	tell_pace(d);
	view_tick(d);
	if (demo_signal)
		return -EINTR;
	key = view_key(d);
	if (key == 'q')
		return -ECANCELED;
	return key == 'f' ? 1 : 0;
}

static int rest(struct demo *d, usec_t length)
{
	usec_t until = clock_now() + length;
	int rc = 0;

	while (rc >= 0 && clock_now() < until)
		rc = step(d);
	return rc < 0 ? rc : 0;
}

/* -- start */

static int make_lab(struct demo *d, struct err *err)
{
	struct lab_params p = {.n = d->graph.n, .n_edges = d->graph.m, .daemon = d->daemon, .meter = true};
	struct lab_edge *edges = calloc(d->graph.m + 1, sizeof(*edges));
	usec_t t = clock_now();

	if (!edges)
		return err_set(err, -ENOMEM, "no memory");
	for (unsigned l = 0; l < d->graph.m; l++)
		edges[l] = (struct lab_edge){d->graph.edge[l].u, d->graph.edge[l].v};
	p.edges = edges;
	d->lab = lab_new(&p, err);
	free(edges);
	d->built = clock_now() - t;
	if (!d->lab)
		return err->code;
	d->prober = prober_new(&(struct prober_params){.lab = d->lab, .seed = d->opt.seed}, err);
	return d->prober ? 0 : err->code;
}

static int start_nodes(struct demo *d, struct err *err)
{
	for (unsigned i = 0; i < d->graph.n; i++) {
		int rc = lab_start(d->lab, i, err);

		if (rc < 0)
			return rc;
		d->starts[i] = d->last_start = lab_node(d->lab, i)->started;
	}
	return 0;
}

static unsigned running(struct demo *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->graph.n; i++)
		n += lab_node(d->lab, i)->state == LAB_RUNNING;
	return n;
}

/* Until all pairs have answered, or it takes too long. */
static int wait_all(struct demo *d, struct err *err)
{
	bool *added = calloc(d->graph.n, sizeof(*added));
	struct prober_state st = {0};
	usec_t limit = d->last_start + START_LIMIT;
	int rc = added ? 0 : -ENOMEM;

	expect(d);
	while (rc >= 0 && !st.all_at && clock_now() < limit && running(d) == d->graph.n) {
		rc = step(d);
		if (rc >= 0)
			rc = probe_new(d, added, err);
		prober_state(d->prober, &st);
	}
	free(added);
	d->all_took = st.all_at ? st.all_at - d->last_start : -1;
	return rc < 0 ? rc : 0;
}

static void tell_start(struct demo *d)
{
	struct prober_state st;
	char a[24];

	prober_state(d->prober, &st);
	if (d->all_took >= 0)
		view_line(d, "all %u pairs answer, %s after the last start%s", st.expected, text_time(d->all_took, a),
			  d->all_took > d->opt.start_bound ? " (too late)" : "");
	else
		view_line(d, "not all pairs answer: %u of %u, %s after the last start", st.answering, st.expected,
			  text_time(clock_now() - d->last_start, a));
	if (d->all_took < 0 || d->all_took > d->opt.start_bound)
		d->failed = true;
}

/* -- faults */

/* Waits until the fault has been looked at long enough: every expected pair well for a while, or its bound passed. */
static int settle(struct demo *d, const struct demo_fault *f)
{
	usec_t calm = 0;
	int rc = 0;

	while (rc >= 0) {
		struct prober_state st;
		usec_t now = clock_now();

		rc = step(d);
		prober_state(d->prober, &st);
		if (st.answering < st.expected)
			calm = 0;
		else if (!calm)
			calm = now;
		if (now - f->at >= DWELL && calm && now - calm >= CALM)
			break;
		if (now - f->at > f->bound + DWELL)
			break;
	}
	return rc < 0 ? rc : 0;
}

static int by_length(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a;
	usec_t y = *(const usec_t *)b;

	return (x > y) - (x < y);
}

static int judge(struct demo *d, struct demo_fault *f)
{
	unsigned n = d->graph.n;
	struct prober_gap *gaps = calloc((size_t)n * n, sizeof(*gaps));
	struct prober_state st;
	int hit;

	if (!gaps)
		return -ENOMEM;
	prober_state(d->prober, &st);
	hit = prober_gaps(d->prober, f->at - MSEC(20), clock_now(), gaps);
	f->end = clock_now();
	f->done = true;
	f->expected = st.expected;
	f->hit = (unsigned)hit;
	f->lengths = calloc((size_t)hit + 1, sizeof(*f->lengths));
	for (int k = 0; k < hit; k++) {
		if (f->lengths)
			f->lengths[k] = gaps[k].length;
		f->open += gaps[k].open;
		if (k < DEMO_WORST)
			f->worst_pairs[f->n_worst++] = gaps[k];
	}
	f->worst = hit ? gaps[0].length : 0;
	f->median = hit ? gaps[hit / 2].length : 0;
	if (f->lengths)
		qsort(f->lengths, f->hit, sizeof(*f->lengths), by_length);
	f->ok = f->open == 0 && f->worst <= f->bound;
	d->failed = d->failed || !f->ok;
	free(gaps);
	return 0;
}

static void tell_fault(struct demo *d, const struct demo_fault *f)
{
	char a[24];
	char b[24];
	char c[3][24];

	if (f->hit == 0) {
		view_line(d, "  no pair of %u lost two probes in a row", f->expected);
		return;
	}
	view_line(d, "  %u of %u pairs were cut off: median %s, worst %s%s", f->hit, f->expected, text_time(f->median, a),
		  text_time(f->worst, b), f->open ? "" : f->ok ? "; all are back" : "; all are back, too late");
	if (f->n_worst == 1)
		view_line(d, "  it was %u>%u %s", f->worst_pairs[0].s, f->worst_pairs[0].d,
			  text_time(f->worst_pairs[0].length, c[0]));
	if (f->n_worst == 2)
		view_line(d, "  longest: %u>%u %s, %u>%u %s", f->worst_pairs[0].s, f->worst_pairs[0].d,
			  text_time(f->worst_pairs[0].length, c[0]), f->worst_pairs[1].s, f->worst_pairs[1].d,
			  text_time(f->worst_pairs[1].length, c[1]));
	if (f->n_worst >= 3)
		view_line(d, "  longest: %u>%u %s, %u>%u %s, %u>%u %s", f->worst_pairs[0].s, f->worst_pairs[0].d,
			  text_time(f->worst_pairs[0].length, c[0]), f->worst_pairs[1].s, f->worst_pairs[1].d,
			  text_time(f->worst_pairs[1].length, c[1]), f->worst_pairs[2].s, f->worst_pairs[2].d,
			  text_time(f->worst_pairs[2].length, c[2]));
	if (f->open)
		view_line(d, "  NOT REACHABLE again: %u pairs that the graph connects, such as %u>%u", f->open,
			  f->worst_pairs[0].s, f->worst_pairs[0].d);
}

static int one_fault(struct demo *d, struct demo_fault *f, struct err *err)
{
	int rc;

	d->phase = f->text;
	view_line(d, "%s", f->text);
	if (f->kind == FAULT_KILL)
		d->starts[f->node] = 0;
	f->at = clock_now();
	rc = fault_do(d, f, err);
	if (rc < 0)
		return rc;
	if (f->kind == FAULT_REPAIR && f->repairs == FAULT_KILL)
		d->starts[f->node] = lab_node(d->lab, f->node)->started;
	expect(d);
	rc = settle(d, f);
	if (rc < 0)
		return rc;
	rc = judge(d, f);
	if (rc == 0)
		tell_fault(d, f);
	d->phase = "watching";
	return rc;
}

/* The printed schedule. */
static void tell_schedule(struct demo *d)
{
	view_line(d, "schedule:");
	for (unsigned k = 0; k < d->n_faults; k += 2)
		view_line(d, "  %2u  %s; then %s", k / 2 + 1, d->faults[k].text, d->faults[k + 1].text);
}

static int run_faults(struct demo *d, struct err *err)
{
	int rc = 0;

	for (unsigned k = 0; k < d->n_faults && rc == 0; k++)
		if (!d->faults[k].done)
			rc = one_fault(d, &d->faults[k], err);
	return rc;
}

/* After the schedule: live until q, a signal; f makes one more fault. */
static int stay(struct demo *d, struct err *err)
{
	int rc = 0;

	view_line(d, "schedule done; q or Ctrl-C ends, f makes one more fault");
	d->phase = "live";
	while (rc >= 0) {
		rc = step(d);
		if (rc != 1 || d->n_faults + 2 > DEMO_MAX_FAULTS)
			continue;
		schedule_add(d, d->n_faults / 2);
		rc = run_faults(d, err);
		d->phase = "live";
	}
	return rc;
}

/* -- end */

static void measure_end(struct demo *d)
{
	for (unsigned i = 0; i < d->graph.n; i++) {
		struct lab_usage u;

		if (lab_usage(d->lab, i, &u) < 0)
			continue;
		d->rss[i] = u.rss;
		d->cpu[i] = u.cpu;
	}
}

static void write_report(struct demo *d)
{
	const char *top = getenv("DEP_TOP");
	char path[4096];
	struct err err;

	if (d->opt.report && !*d->opt.report)
		return;
	if (d->opt.report)
		snprintf(path, sizeof(path), "%s", d->opt.report);
	else if (top)
		snprintf(path, sizeof(path), "%s/build/demo.html", top);
	else
		snprintf(path, sizeof(path), "dep-demo.html");
	if (report_write(d, path, &err) < 0) {
		err_print(&err, "dep-lab", stderr);
		d->failed = true;
		return;
	}
	if (!realpath(path, d->report))
		snprintf(d->report, sizeof(d->report), "%s", path);
}

static void tell_end(struct demo *d, bool early)
{
	struct prober_state st;
	unsigned done = 0;
	unsigned bad = 0;
	char a[24];

	prober_state(d->prober, &st);
	for (unsigned k = 0; k < d->n_faults; k++) {
		done += d->faults[k].done;
		bad += d->faults[k].done && !d->faults[k].ok;
	}
	view_line(d, "%u faults and repairs, %u beyond their bound; %llu probes, the prober late by at most %s (%llu ticks left out)",
		  done, bad, (unsigned long long)st.sent, text_time(st.worst_late, a), (unsigned long long)st.skipped);
	if (d->report[0])
		view_line(d, "report: %s", d->report);
	view_line(d, "%s", d->failed ? "FAILED" : early ? "ended early" : "passed");
}

static int demo_main(struct demo *d, struct err *err)
{
	char a[24];
	int rc;

	view_line(d, "%s: %u nodes, %u links; %s, %s", d->graph.name, d->graph.n, d->graph.m, d->daemon->title, d->version);
	d->phase = "making the network";
	view_tick(d);
	rc = make_lab(d, err);
	if (rc < 0)
		return rc;
	view_line(d, "%u namespaces and %u links made in %s (%s-0 to %s-%u)", d->graph.n, d->graph.m,
		  text_time(d->built, a), lab_name(d->lab), lab_name(d->lab), d->graph.n - 1);
	if (demo_signal)
		return -EINTR;
	d->phase = "starting nodes";
	d->traffic.last = clock_now();
	rc = start_nodes(d, err);
	if (rc < 0)
		return rc;
	view_line(d, "%u nodes started", d->graph.n);
	rc = wait_all(d, err);
	if (rc < 0)
		return rc;
	tell_start(d);
	d->started = true;
	if (running(d) < d->graph.n)
		return err_set(err, -ECHILD, "not all daemons run");
	d->phase = "at rest";
	schedule_make(d, d->opt.faults);
	tell_schedule(d);
	rc = rest(d, REST);
	if (rc == 0)
		rc = run_faults(d, err);
	if (rc == 0 && strcmp(d->daemon->name, "kira") == 0)
		rc = operate(d, step, err);
	if (rc == 0 && !d->opt.once && !d->opt.keep)
		rc = stay(d, err);
	return rc;
}

/* What is told, and whether the run counts as passed, where it ended early. */
static int demo_end(struct demo *d, int rc, struct err *err)
{
	bool early = rc < 0 && (d->opt.once || d->n_faults == 0 || !d->faults[d->n_faults - 1].done);

	view_close(d);
	if (rc < 0 && rc != -EINTR && rc != -ECANCELED) {
		err_print(err, "dep-lab", stderr);
		d->failed = true;
	}
	if (d->started) {
		measure_end(d);
		write_report(d);
		tell_end(d, early);
	}
	if (rc == 0 && d->opt.keep)
		keep_hold(d);
	return early && demo_signal ? 128 + demo_signal : d->failed ? 1 : 0;
}

int demo_run(const struct demo_options *opt)
{
	struct demo *d = calloc(1, sizeof(*d));
	struct err err = {0};
	int status = 1;
	int rc;

	if (opt->stop) {
		free(d);
		return keep_stop();
	}
	if (!d)
		return 1;
	catch_signals();
	if (opt->keep && (rc = keep_begin()) != 0) {
		free(d);
		return rc - 1;
	}
	d->opt = *opt;
	d->began = clock_now();
	d->all_took = -1;
	d->daemon = lab_daemon_find(opt->daemon);
	rng_seed(&d->rng, opt->seed);
	rc = load_graph(d, &err);
	if (rc == 0)
		rc = demo_alloc(d, &err);
	if (rc == 0 && d->daemon->version && d->daemon->version(d->version, sizeof(d->version)) < 0)
		rc = err_set(&err, -ENOENT, "cannot run %s", d->daemon->title);
	if (rc == 0 && !(d->view = view_new(d, !opt->once && isatty(0) && isatty(1))))
		rc = err_set(&err, -ENOMEM, "no memory");
	if (rc == 0) {
		rc = demo_main(d, &err);
		status = demo_end(d, rc, &err);
	} else {
		err_print(&err, "dep-lab", stderr);
		status = rc == -EINVAL || rc == -ENOENT ? 2 : 1;
	}
	demo_free(d);
	view_free(d);
	free(d);
	return status;
}
