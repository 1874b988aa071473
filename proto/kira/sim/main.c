/* SPDX-License-Identifier: BSD-2-Clause */
/* dep-kira-sim: room kira's core in a deterministic simulator. See doc/dep-kira-sim.1.scd. */
#include "proto/kira/sim/play.h"
#include "proto/kira/sim/report.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SCRIPT_BYTES_MAX (8u << 20)
#define SAMPLE_DEFAULT 20000
#define ALL_DEFAULT 2500 /* nodes up to which all pairs are surveyed */

struct options {
	const char *topology;
	bool largest;
	bool json;
	const char *script;
	struct script faults;
	const char *fault_texts[256];
	unsigned n_fault_texts;
	const char *state_file;
	const char *graph_file;
	const char *model_file;
	bool check_given;
	usec_t time;
	usec_t settle; /* USEC_NEVER: half of the time */
	struct sim_params sim;
	struct check_params check;
};

static const char usage[] =
	"Usage: dep-kira-sim --topology TOPOLOGY [OPTION]...\n"
	"Runs a network of dep-kira's routing cores in virtual time, and checks and measures it.\n"
	"\n"
	"  -t, --topology TOPOLOGY  see below\n"
	"      --largest            keep the largest connected component only\n"
	"  -s, --seed N             one seed, one result (1)\n"
	"  -T, --time TIME          virtual time to run (60s)\n"
	"      --spread TIME        nodes start at random times before this (1s)\n"
	"  -k, --k N                bucket size (20)\n"
	"      --set NAME=VALUE     another constant of the core: acc, hello_min, hello_max, silence,\n"
	"                           silence_gap, silence_tries, rod_min, rod_max, ond, probe_age,\n"
	"                           path_refresh, path_expiry, rate_requests, rate_setups\n"
	"      --delay TIME         of every link, one way (1ms)\n"
	"      --jitter TIME        random delay added, at most (0)\n"
	"      --loss P             probability that a link loses a datagram (0)\n"
	"      --bandwidth BITS     of every link, bit/s; 0: infinite (0)\n"
	"      --queue BYTES        that may wait for a link; 0: no limit (0)\n"
	"      --mtu BYTES          (1500)\n"
	"  -S, --script FILE        faults, see below\n"
	"  -f, --fault STEP         one step of a script; may be repeated\n"
	"      --check all|sample:N pairs of a survey (all up to 2500 nodes, else sample:20000)\n"
	"      --watch N            pairs whose outages are measured (1000)\n"
	"      --scan TIME          between looks at them while tables change (100ms)\n"
	"      --no-want            packets that miss do not make nodes set up paths\n"
	"      --settle TIME        control traffic is measured from then on (half of --time)\n"
	"      --model[=FILE]       compare stretch with the model's (DEP_SHARED_DATA/kira/model_stretch.txt)\n"
	"      --export-state FILE  neighbours, contacts and tables of all nodes, JSON (up to 2000 nodes)\n"
	"      --export-graph FILE  the topology as an edge list\n"
	"  -j, --json               report as JSON\n"
	"  -h, --help               this text\n"
	"      --version\n"
	"\n"
	"Exit status: 0 all pairs were reachable at the end and no loop was seen, 1 not so, 2 an error.\n"
	"\n"
	"Topologies:\n";

enum {
	OPT_LARGEST = 256, OPT_SPREAD, OPT_SET, OPT_DELAY, OPT_JITTER, OPT_LOSS, OPT_BANDWIDTH, OPT_QUEUE, OPT_MTU,
	OPT_CHECK, OPT_WATCH, OPT_SCAN, OPT_NO_WANT, OPT_SETTLE, OPT_MODEL, OPT_STATE, OPT_GRAPH, OPT_VERSION,
};

static const struct option options[] = {
	{"topology", 1, NULL, 't'},	  {"largest", 0, NULL, OPT_LARGEST},
	{"seed", 1, NULL, 's'},		  {"time", 1, NULL, 'T'},
	{"spread", 1, NULL, OPT_SPREAD},  {"k", 1, NULL, 'k'},
	{"set", 1, NULL, OPT_SET},	  {"delay", 1, NULL, OPT_DELAY},
	{"jitter", 1, NULL, OPT_JITTER},  {"loss", 1, NULL, OPT_LOSS},
	{"bandwidth", 1, NULL, OPT_BANDWIDTH}, {"queue", 1, NULL, OPT_QUEUE},
	{"mtu", 1, NULL, OPT_MTU},	  {"script", 1, NULL, 'S'},
	{"fault", 1, NULL, 'f'},	  {"check", 1, NULL, OPT_CHECK},
	{"watch", 1, NULL, OPT_WATCH},	  {"scan", 1, NULL, OPT_SCAN},
	{"no-want", 0, NULL, OPT_NO_WANT}, {"settle", 1, NULL, OPT_SETTLE},
	{"model", 2, NULL, OPT_MODEL},	  {"export-state", 1, NULL, OPT_STATE},
	{"export-graph", 1, NULL, OPT_GRAPH}, {"json", 0, NULL, 'j'},
	{"help", 0, NULL, 'h'},		  {"version", 0, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

static int bad_option(struct err *err, const char *option, const char *value, const char *mend)
{
	err_set(err, -EINVAL, "%s does not take %.80s", option, value);
	err_mend(err, "%s", mend);
	return -EINVAL;
}

static int take_time(const char *option, const char *value, usec_t *out, struct err *err)
{
	if (script_time(slice_of(value, strlen(value)), out) < 0)
		return bad_option(err, option, value, "a time is a number with us, ms, s or m: 1.5s");
	return 0;
}

static int take_number(const char *option, const char *value, uint64_t lo, uint64_t hi, uint64_t *out, struct err *err)
{
	char *end;
	unsigned long long v;
	char mend[96];

	errno = 0;
	v = strtoull(value, &end, 10);
	if (*value >= '0' && *value <= '9' && !*end && !errno && v >= lo && v <= hi) {
		*out = v;
		return 0;
	}
	snprintf(mend, sizeof(mend), "a whole number from %llu to %llu", (unsigned long long)lo,
		 (unsigned long long)hi);
	return bad_option(err, option, value, mend);
}

static int take_unsigned(const char *option, const char *value, unsigned lo, unsigned hi, unsigned *out,
			 struct err *err)
{
	uint64_t v;
	int rc = take_number(option, value, lo, hi, &v, err);

	if (rc == 0)
		*out = (unsigned)v;
	return rc;
}

static int take_share(const char *option, const char *value, double *out, struct err *err)
{
	char *end;

	*out = strtod(value, &end);
	if (*value < '0' || *value > '9' || *end || !(*out >= 0 && *out <= 1))
		return bad_option(err, option, value, "a number from 0 to 1");
	return 0;
}

static int take_check(struct options *o, const char *value, struct err *err)
{
	o->check_given = true;
	o->check.sample = 0;
	if (strcmp(value, "all") == 0)
		return 0;
	if (strncmp(value, "sample:", 7) != 0)
		return bad_option(err, "--check", value, "all, or sample:N");
	return take_unsigned("--check", value + 7, 1, 100000000, &o->check.sample, err);
}

/* NAME=VALUE of the core's constants. */
static int take_constant(struct options *o, const char *text, struct err *err)
{
	struct kira_params *p = &o->sim.kira;
	const struct {
		const char *name;
		usec_t *time;
		unsigned *number;
	} known[] = {
		{"acc", NULL, &p->acc},
		{"hello_min", &p->hello_min, NULL},
		{"hello_max", &p->hello_max, NULL},
		{"silence", &p->silence, NULL},
		{"silence_gap", &p->silence_gap, NULL},
		{"silence_tries", NULL, &p->silence_tries},
		{"rod_min", &p->rod_min, NULL},
		{"rod_max", &p->rod_max, NULL},
		{"ond", &p->ond, NULL},
		{"probe_age", &p->probe_age, NULL},
		{"path_refresh", &p->path_refresh, NULL},
		{"path_expiry", &p->path_expiry, NULL},
		{"rate_requests", NULL, &p->rate_requests},
		{"rate_setups", NULL, &p->rate_setups},
	};
	const char *eq = strchr(text, '=');
	size_t i;

	for (i = 0; eq && i < sizeof(known) / sizeof(*known); i++) {
		if (strlen(known[i].name) != (size_t)(eq - text) ||
		    memcmp(known[i].name, text, (size_t)(eq - text)) != 0)
			continue;
		if (known[i].time)
			return take_time(known[i].name, eq + 1, known[i].time, err);
		return take_unsigned(known[i].name, eq + 1, known[i].number == &p->acc,
				     known[i].number == &p->acc ? 8 : 1000000, known[i].number, err);
	}
	return bad_option(err, "--set", text, "NAME=VALUE; --help lists the names");
}

static int take_fault(struct options *o, const char *text, struct err *err)
{
	if (o->n_fault_texts == sizeof(o->fault_texts) / sizeof(*o->fault_texts))
		return bad_option(err, "--fault", text, "256 steps at most; put them into a file for --script");
	o->fault_texts[o->n_fault_texts++] = text;
	return 0;
}

static int take_model(struct options *o, const char *value)
{
	static char path[4096];
	const char *data = getenv("DEP_SHARED_DATA");

	snprintf(path, sizeof(path), "%s/kira/model_stretch.txt", data ? data : ".");
	o->model_file = value ? value : path;
	return 0;
}

static int take_option(struct options *o, int opt, const char *arg, struct err *err)
{
	switch (opt) {
	case 't': o->topology = arg; return 0;
	case 's': return take_number("--seed", arg, 0, UINT64_MAX, &o->sim.seed, err);
	case 'T': return take_time("--time", arg, &o->time, err);
	case 'k': return take_unsigned("--k", arg, 1, 1000, &o->sim.kira.k, err);
	case 'S': o->script = arg; return 0;
	case 'f': return take_fault(o, arg, err);
	case 'j': o->json = true; return 0;
	case OPT_LARGEST: o->largest = true; return 0;
	case OPT_SPREAD: return take_time("--spread", arg, &o->sim.spread, err);
	case OPT_SET: return take_constant(o, arg, err);
	case OPT_DELAY: return take_time("--delay", arg, &o->sim.delay, err);
	case OPT_JITTER: return take_time("--jitter", arg, &o->sim.jitter, err);
	case OPT_LOSS: return take_share("--loss", arg, &o->sim.loss, err);
	case OPT_BANDWIDTH: return take_number("--bandwidth", arg, 0, 1000000000000u, &o->sim.bandwidth, err);
	case OPT_QUEUE: return take_number("--queue", arg, 0, 1000000000u, &o->sim.queue, err);
	case OPT_MTU: return take_unsigned("--mtu", arg, 1280, 65535, &o->sim.mtu, err);
	case OPT_CHECK: return take_check(o, arg, err);
	case OPT_WATCH: return take_unsigned("--watch", arg, 0, 10000000, &o->check.watch, err);
	case OPT_SCAN: return take_time("--scan", arg, &o->check.scan, err);
	case OPT_NO_WANT: o->check.want = false; return 0;
	case OPT_SETTLE: return take_time("--settle", arg, &o->settle, err);
	case OPT_MODEL: return take_model(o, arg);
	case OPT_STATE: o->state_file = arg; return 0;
	case OPT_GRAPH: o->graph_file = arg; return 0;
	default:
		err_set(err, -EINVAL, "no such option, or its value is missing");
		err_mend(err, "dep-kira-sim --help");
		return -EINVAL;
	}
}

/* 0: go on, 1: done (help, version), negative: an error. */
static int take_options(struct options *o, int argc, char **argv, struct err *err)
{
	int opt;
	int rc;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, "t:s:T:k:S:f:jh", options, NULL)) != -1) {
		if (opt == 'h') {
			printf("%s%s\nFault scripts:\n%s", usage, graph_help, script_help);
			return 1;
		}
		if (opt == OPT_VERSION) {
			printf("dep-kira-sim %s\n", DEP_VERSION);
			return 1;
		}
		rc = take_option(o, opt, optarg, err);
		if (rc < 0)
			return rc;
	}
	if (optind < argc)
		return bad_option(err, "dep-kira-sim", argv[optind], "every argument belongs to an option; see --help");
	if (!o->topology) {
		err_set(err, -EINVAL, "no topology");
		err_mend(err, "for example --topology grid:6x6; see --help");
		return -EINVAL;
	}
	return 0;
}

static int read_script(struct script *sc, const char *path, uint32_t n_nodes, struct err *err)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	char *text = NULL;
	size_t n = 0;
	int rc = 0;

	if (!f || fstat(fileno(f), &st) < 0) {
		rc = err_set(err, -errno, "%s", strerror(errno));
		err_where(err, "%s", path);
	} else if (st.st_size > SCRIPT_BYTES_MAX || !(text = malloc((size_t)st.st_size + 1))) {
		rc = err_set(err, -E2BIG, "a script has at most 8 MiB");
		err_where(err, "%s", path);
	} else {
		n = fread(text, 1, (size_t)st.st_size, f);
		rc = script_parse(sc, slice_of(text, n), n_nodes, path, err);
	}
	free(text);
	if (f)
		fclose(f);
	return rc;
}

static int read_faults(struct options *o, uint32_t n_nodes, struct err *err)
{
	unsigned i;
	int rc = o->script ? read_script(&o->faults, o->script, n_nodes, err) : 0;

	for (i = 0; i < o->n_fault_texts && rc == 0; i++)
		rc = script_parse(&o->faults, slice_of(o->fault_texts[i], strlen(o->fault_texts[i])), n_nodes, "--fault",
				  err);
	return rc;
}

static int write_graph(const struct graph *g, const char *path, struct err *err)
{
	FILE *f = fopen(path, "w");
	uint32_t i;
	bool ok = f != NULL;

	if (f) {
		fprintf(f, "# %s nodes=%u edges=%u\n", g->name, g->n, g->m);
		for (i = 0; i < g->m; i++)
			fprintf(f, "%u %u\n", g->edge[i].u, g->edge[i].v);
		ok = !ferror(f);
		ok &= fclose(f) == 0;
	}
	if (ok)
		return 0;
	err_set(err, -EIO, "cannot write the topology: %s", strerror(errno));
	err_where(err, "%s", path);
	return -EIO;
}

/* A run and what it needs. */
struct run {
	struct options *o;
	struct graph g;
	struct sim *s;
	struct check *c;
	struct play *p;
	struct snapshot settled;
	struct survey *survey;
	size_t n_surveys;
	struct model_row model;
	bool has_model;
	int failed;
};

static void keep_survey(void *ctx, const struct survey *v)
{
	struct run *r = ctx;
	void *p = realloc(r->survey, (r->n_surveys + 1) * sizeof(*r->survey));

	if (!p) {
		r->failed = -ENOMEM;
		return;
	}
	r->survey = p;
	r->survey[r->n_surveys++] = *v;
}

static void progress(const struct run *r, bool end)
{
	static int tty = -1;

	if (tty < 0)
		tty = isatty(STDERR_FILENO);
	if (tty && end)
		fprintf(stderr, "\r\033[K");
	else if (tty)
		fprintf(stderr, "\r%lld of %lld s, %llu events, %u watched pairs out \033[K",
			(long long)(r->s->now / SEC(1)), (long long)(r->o->time / SEC(1)),
			(unsigned long long)r->s->events, check_open(r->c));
}

static int advance(struct run *r, usec_t until, struct err *err)
{
	int rc = 0;

	while (rc == 0 && r->s->now < until) {
		usec_t next = r->s->now + SEC(1);

		rc = sim_run(r->s, next < until ? next : until);
		progress(r, false);
	}
	if (rc == 0 && r->failed)
		rc = err_set(err, r->failed, "no memory");
	return rc;
}

static int prepare(struct run *r, struct err *err)
{
	struct options *o = r->o;
	int rc = graph_make(&r->g, o->topology, o->sim.seed, err);

	if (rc == 0 && o->largest && graph_largest(&r->g, NULL) < 0)
		rc = err_set(err, -ENOMEM, "no memory for the topology");
	if (rc == 0 && o->graph_file)
		rc = write_graph(&r->g, o->graph_file, err);
	if (rc == 0)
		rc = read_faults(o, r->g.n, err);
	if (rc < 0)
		return rc;
	if (o->state_file && r->g.n > EXPORT_NODES_MAX)
		return err_set(err, -EINVAL, "--export-state is for up to %d nodes", EXPORT_NODES_MAX);
	if (o->model_file) {
		rc = model_find(&r->model, o->model_file, &r->g, o->sim.kira.k, err);
		if (rc < 0 && rc != -ENOENT)
			return rc;
		if (rc < 0)
			fprintf(stderr, "dep-kira-sim: the model has no figures for %s with k %u\n", r->g.name,
				o->sim.kira.k);
		r->has_model = rc == 0;
	}
	if (!o->check_given && r->g.n > ALL_DEFAULT)
		o->check.sample = SAMPLE_DEFAULT;
	o->check.seed = o->sim.seed;
	r->s = sim_new(&r->g, &o->sim, err);
	if (!r->s)
		return -ENOMEM;
	r->c = check_new(r->s, &o->check);
	if (!r->c)
		return err_set(err, -ENOMEM, "no memory for the checker");
	r->p = play_new(r->c, r->s, &o->faults, o->sim.seed, keep_survey, r, err);
	return r->p ? 0 : -EINVAL;
}

static int report(struct run *r, struct err *err)
{
	struct report rep = {.s = r->s, .c = r->c, .settled = &r->settled, .survey = r->survey,
			     .n_surveys = r->n_surveys, .model = r->has_model ? &r->model : NULL};
	FILE *f;
	int rc = 0;

	if (r->o->json)
		rc = report_json(&rep, stdout);
	else
		report_text(&rep, stdout);
	if (rc < 0 || fflush(stdout) != 0)
		return err_set(err, -EIO, "cannot write the report");
	if (!r->o->state_file)
		return 0;
	f = fopen(r->o->state_file, "w");
	rc = f ? export_state(r->s, f) : -errno;
	if (f && fclose(f) != 0)
		rc = -EIO;
	if (rc < 0) {
		err_set(err, rc, "cannot write the state: %s", strerror(-rc));
		err_where(err, "%s", r->o->state_file);
	}
	return rc;
}

static double wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run(struct run *r, struct err *err)
{
	usec_t settle = r->o->settle == USEC_NEVER ? r->o->time / 2 : r->o->settle;
	struct survey last;
	double before = wall();
	int rc = prepare(r, err);

	if (rc == 0)
		rc = advance(r, settle < r->o->time ? settle : r->o->time, err);
	if (rc == 0 && snapshot_take(&r->settled, r->s) < 0)
		rc = err_set(err, -ENOMEM, "no memory");
	if (rc == 0)
		rc = advance(r, r->o->time, err);
	if (rc == 0 && check_survey(r->c, &last) == 0)
		keep_survey(r, &last);
	if (rc == 0 && (r->failed || r->n_surveys == 0))
		rc = err_set(err, -ENOMEM, "no memory");
	if (rc < 0)
		return rc;
	progress(r, true);
	fprintf(stderr, "dep-kira-sim: %llu events in %.2f s, %.0f a second\n", (unsigned long long)r->s->events,
		wall() - before, (double)r->s->events / (wall() - before));
	return report(r, err);
}

static void end(struct run *r)
{
	play_free(r->p);
	if (r->s)
		check_free(r->c);
	sim_free(r->s);
	snapshot_free(&r->settled);
	free(r->survey);
	graph_free(&r->g);
	script_free(&r->o->faults);
}

int main(int argc, char **argv)
{
	struct options o = {.time = SEC(60), .settle = USEC_NEVER};
	struct run r = {.o = &o};
	struct err err = {0};
	int status = 2;
	int rc;

	sim_params_default(&o.sim);
	check_params_default(&o.check);
	rc = take_options(&o, argc, argv, &err);
	if (rc > 0)
		return 0;
	if (rc == 0)
		rc = run(&r, &err);
	if (rc == 0) {
		const struct survey *v = &r.survey[r.n_surveys - 1];

		status = v->reached == v->pairs && check_loops(r.c) == 0 ? 0 : 1;
	} else {
		err_print(&err, "dep-kira-sim", stderr);
	}
	end(&r);
	return status;
}
