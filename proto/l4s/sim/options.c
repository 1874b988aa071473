/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/sim/options.h"
#include "proto/l4s/sim/scenario_priv.h"
#include "proto/l4s/sim/units.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCENARIO_BYTES (4u << 20)
#define GROUPS 64

const char options_usage[] =
	"Usage: dep-l4s-sim [OPTION]... [SCENARIO.json]\n"
	"Sends packets of simulated TCP flows and UDP loads through links with real queue "
	"managers.\n"
	"\n"
	"  -r, --rate RATE        of the link: 40M, 2.5G (100M)\n"
	"  -t, --rtt TIME         base round-trip time of flows (20ms)\n"
	"  -f, --flow [Nx]CC[@RTT] N flows of a congestion control; may be repeated:\n"
	"                         \"cubic\", \"cubic abe 0.85\", \"2xprague@40ms\", \"reno\", "
	"\"dctcp\"\n"
	"  -u, --udp 'KIND RATE [ECN] [BYTES]'  a load: cbr, poisson, on-off or frames;\n"
	"                         not-ect, ect0 or ect1; may be repeated\n"
	"  -q, --aqm AQM          \"dualpi2\" (default), \"dualpi2 rfc\", \"pi2\", \"pie\", "
	"\"codel\",\n"
	"                         \"fq_codel\", \"fifo limit 100ms\", with the words of tc(8)\n"
	"  -T, --time TIME        virtual time to run (60s)\n"
	"  -w, --warmup TIME      figures count from then on (a third of --time)\n"
	"      --overhead BYTES   a packet beyond IP (14)\n"
	"      --jitter TIME      random delay of data after the queue, at most (0)\n"
	"      --loss SHARE       random loss after the queue: 0.1% (0)\n"
	"      --thin N           the path keeps one of N ACKs that come together (1)\n"
	"      --spread TIME      flows start at random times before this (100ms)\n"
	"  -s, --seed N           one seed, one result (1)\n"
	"  -n, --seeds N          so many runs, and the 95 % confidence of their means\n"
	"  -j, --jobs N           worker processes for them (one a processor)\n"
	"  -V, --vary NAME=A,B,…  a row for each value, and for each combination of several "
	"--vary:\n"
	"                         rate, aqm, rtt, count, cc; rtt2, count2, cc2: of the second "
	"group\n"
	"      --json             one JSON document\n"
	"      --csv FILE         a row a flow; with --seeds or --vary a row a cell (-: standard "
	"output)\n"
	"      --samples FILE     a time series as CSV\n"
	"      --sample TIME      between its rows (100ms)\n"
	"      --pcapng FILE      a capture, with the queue manager's verdicts as comments\n"
	"      --link N           the link that --pcapng looks at, from 1 (1)\n"
	"  -h, --help             this text\n"
	"      --version\n"
	"\n"
	"Options change what a scenario says. See dep-l4s-sim(1) for its form.\n"
	"Exit status: 0, or 2 after an error.\n";

enum {
	OPT_OVERHEAD = 256,
	OPT_JITTER,
	OPT_LOSS,
	OPT_THIN,
	OPT_SPREAD,
	OPT_JSON,
	OPT_CSV,
	OPT_SAMPLES,
	OPT_SAMPLE,
	OPT_PCAPNG,
	OPT_LINK,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{"rate", 1, NULL, 'r'},
	{"rtt", 1, NULL, 't'},
	{"flow", 1, NULL, 'f'},
	{"udp", 1, NULL, 'u'},
	{"aqm", 1, NULL, 'q'},
	{"time", 1, NULL, 'T'},
	{"warmup", 1, NULL, 'w'},
	{"overhead", 1, NULL, OPT_OVERHEAD},
	{"jitter", 1, NULL, OPT_JITTER},
	{"loss", 1, NULL, OPT_LOSS},
	{"thin", 1, NULL, OPT_THIN},
	{"spread", 1, NULL, OPT_SPREAD},
	{"seed", 1, NULL, 's'},
	{"seeds", 1, NULL, 'n'},
	{"jobs", 1, NULL, 'j'},
	{"vary", 1, NULL, 'V'},
	{"json", 0, NULL, OPT_JSON},
	{"csv", 1, NULL, OPT_CSV},
	{"samples", 1, NULL, OPT_SAMPLES},
	{"sample", 1, NULL, OPT_SAMPLE},
	{"pcapng", 1, NULL, OPT_PCAPNG},
	{"link", 1, NULL, OPT_LINK},
	{"help", 0, NULL, 'h'},
	{"version", 0, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

/* What was given, before there is a scenario to put it into. */
struct given {
	const char *rate, *rtt, *aqm, *time, *warmup, *overhead, *jitter, *loss, *thin, *spread,
		*seed, *sample, *link, *seeds, *jobs;
	char *flow[GROUPS];
	char *udp[GROUPS];
	char *vary[BATCH_DIMENSIONS];
	unsigned n_flows, n_udp, n_vary;
};

static int bad(struct err *err, const char *where, const char *value, const char *mend)
{
	err_set(err, -EINVAL, "'%.100s' cannot be", value);
	err_where(err, "%s", where);
	err_mend(err, "%s", mend);
	return -EINVAL;
}

/* Options whose text is kept for later, by what getopt returns for them. */
static const struct {
	int c;
	size_t offset;
} kept[] = {
	{'r', offsetof(struct given, rate)},
	{'t', offsetof(struct given, rtt)},
	{'q', offsetof(struct given, aqm)},
	{'T', offsetof(struct given, time)},
	{'w', offsetof(struct given, warmup)},
	{'s', offsetof(struct given, seed)},
	{'n', offsetof(struct given, seeds)},
	{'j', offsetof(struct given, jobs)},
	{OPT_OVERHEAD, offsetof(struct given, overhead)},
	{OPT_JITTER, offsetof(struct given, jitter)},
	{OPT_LOSS, offsetof(struct given, loss)},
	{OPT_THIN, offsetof(struct given, thin)},
	{OPT_SPREAD, offsetof(struct given, spread)},
	{OPT_SAMPLE, offsetof(struct given, sample)},
	{OPT_LINK, offsetof(struct given, link)},
};

static bool keep(struct given *g, int c)
{
	size_t i;

	for (i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		if (kept[i].c != c)
			continue;
		memcpy((char *)g + kept[i].offset, &optarg, sizeof(optarg));
		return true;
	}
	return false;
}

/* One more of a list. */
static int add(char **list, unsigned *n, unsigned max, const char *option, struct err *err)
{
	if (*n == max)
		return bad(err, option, optarg, "it was given too often");
	list[(*n)++] = optarg;
	return 0;
}

static int take(struct options *o, struct given *g, int c, struct err *err)
{
	switch (c) {
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_CSV:
		o->csv = optarg;
		return 0;
	case OPT_SAMPLES:
		o->samples = optarg;
		return 0;
	case OPT_PCAPNG:
		o->pcapng = optarg;
		return 0;
	case 'h':
		o->help = true;
		return 0;
	case OPT_VERSION:
		o->version = true;
		return 0;
	case 'f':
		return add(g->flow, &g->n_flows, GROUPS, "--flow", err);
	case 'u':
		return add(g->udp, &g->n_udp, GROUPS, "--udp", err);
	case 'V':
		return add(g->vary, &g->n_vary, BATCH_DIMENSIONS, "--vary", err);
	default:
		break;
	}
	if (keep(g, c))
		return 0;
	return -ENOENT;
}

static int no_option(const char *what, const char *why, struct err *err)
{
	err_set(err, -EINVAL, "%s %s", what, why);
	err_mend(err, "dep-l4s-sim --help lists all options");
	return -EINVAL;
}

static int collect(struct options *o, struct given *g, int argc, char **argv, struct err *err)
{
	int c;
	int r = 0;

	optind = 1;
	opterr = 0;
	while (!r && (c = getopt_long(argc, argv, ":r:t:f:u:q:T:w:s:n:j:V:h", long_options,
				      NULL)) != -1) {
		if (c == ':')
			return no_option(argv[optind - 1], "takes a value", err);
		if (c == '?')
			return no_option(argv[optind - 1], "is no option", err);
		r = take(o, g, c, err);
	}
	if (!r && argc - optind > 1)
		return bad(err, argv[optind + 1], "a second scenario", "give one");
	return r;
}

/* ---- the scenario ---- */

static int read_file(struct scenario *s, const char *path, struct err *err)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *text;
	size_t n;
	int r;

	if (!f) {
		r = err_set(err, -errno, "cannot be read: %s", strerror(errno));
		err_where(err, "%s", path);
		return r;
	}
	text = malloc(SCENARIO_BYTES + 1);
	n = text ? fread(text, 1, SCENARIO_BYTES + 1, f) : 0;
	if (f != stdin)
		fclose(f);
	r = text ? scenario_parse(s, text, n, path, err) : err_set(err, -ENOMEM, "no memory");
	free(text);
	return r;
}

/* A dumbbell to start from. */
static int plain(struct scenario *s, const struct given *g, struct err *err)
{
	uint64_t rate = 100000000;

	if (g->rate && !units_rate(g->rate, &rate))
		return bad(err, "--rate", g->rate, "40M, 2.5G");
	return scenario_dumbbell(s, rate, "dualpi2", NULL, 0, 60000000000, 20000000000, 1, err);
}

/* "2xprague@40ms". text is changed. */
static int add_flow(struct scenario *s, char *text, struct err *err)
{
	struct sim_flow_cfg *f = &s->flow[s->cfg.n_flows];
	char *at = strrchr(text, '@');
	size_t digits = strspn(text, "0123456789");
	uint64_t n;
	int r;

	scenario_flow_defaults(f);
	f->last_link = (uint8_t)(s->cfg.n_links - 1);
	if (at) {
		*at++ = '\0';
		if (!units_time(at, &f->rtt))
			return bad(err, "--flow", at, "a round-trip time behind @: 20ms");
	}
	if (digits && text[digits] == 'x') {
		text[digits] = '\0';
		if (!units_count(text, &n) || !n || n > SIM_FLOWS)
			return bad(err, "--flow", text, "a number of flows: 2xprague");
		f->count = (uint32_t)n;
		text += digits + 1;
		text += strspn(text, " ");
	}
	r = scenario_flow_cc(f, text, err);
	if (r < 0) {
		err_where(err, "--flow '%.80s'", text);
		return r;
	}
	s->cfg.n_flows++;
	return 0;
}

static int add_flows(struct scenario *s, const struct given *g, struct err *err)
{
	struct sim_flow_cfg *flow;
	unsigned i;
	int r = 0;

	flow = realloc(s->flow, (s->cfg.n_flows + g->n_flows + 1) * sizeof(*flow));
	if (!flow)
		return err_set(err, -ENOMEM, "no memory for flows");
	s->flow = flow;
	s->cfg.flow = flow;
	for (i = 0; i < g->n_flows && !r; i++)
		r = add_flow(s, g->flow[i], err);
	return r;
}

/* One word of "poisson 50M ect1 1500". */
static bool load_word(struct sim_load_cfg *d, const char *w)
{
	static const char *const kind[] = {"cbr", "poisson", "on-off", "frames"};
	static const char *const ecn[] = ECN_NAMES;
	uint64_t n;
	unsigned i;

	for (i = 0; i < 4; i++) {
		if (!strcmp(w, kind[i])) {
			d->kind = (uint8_t)i;
			return true;
		}
		if (!strcmp(w, ecn[i])) {
			d->ecn = (uint8_t)i;
			return true;
		}
	}
	if (units_count(w, &n) && n < 10000) {
		d->packet = (uint32_t)n;
		return true;
	}
	return units_rate(w, &d->rate);
}

static int add_load(struct scenario *s, const char *given, struct err *err)
{
	struct sim_load_cfg *d;
	char *text = strdup(given);
	char *save = NULL;
	char *w;
	int r = 0;

	if (!text)
		return err_set(err, -ENOMEM, "no memory for a load");
	if (s->cfg.n_loads == SIM_LOADS) {
		free(text);
		return bad(err, "--udp", given, "at most 64 loads");
	}
	d = &s->load[s->cfg.n_loads++];
	scenario_load_defaults(d);
	d->rate = 0;
	d->last_link = (uint8_t)(s->cfg.n_links - 1);
	snprintf(d->name, sizeof(d->name), "%s", given);
	for (w = strtok_r(text, " ", &save); w && !r; w = strtok_r(NULL, " ", &save))
		if (!load_word(d, w))
			r = bad(err, "--udp", w, "'KIND RATE [ECN] [BYTES]': 'cbr 50M ect1'");
	if (!r && !d->rate)
		r = bad(err, "--udp", given, "a rate is missing: 'cbr 50M ect1'");
	free(text);
	return r;
}

static int add_loads(struct scenario *s, const struct given *g, struct err *err)
{
	unsigned i;
	int r = 0;

	if (!s->load)
		s->load = calloc(SIM_LOADS, sizeof(*s->load));
	if (!s->load)
		return err_set(err, -ENOMEM, "no memory for loads");
	s->cfg.load = s->load;
	for (i = 0; i < g->n_udp && !r; i++)
		r = add_load(s, g->udp[i], err);
	return r;
}

static int set_times(struct scenario *s, const struct given *g, struct err *err)
{
	struct sim_cfg *cfg = &s->cfg;

	if (g->time) {
		if (!units_time(g->time, &cfg->duration))
			return bad(err, "--time", g->time, "60s, 5min");
		cfg->warmup = cfg->duration / 3;
	}
	if (g->warmup && !units_time(g->warmup, &cfg->warmup))
		return bad(err, "--warmup", g->warmup, "20s");
	if (g->sample && !units_time(g->sample, &cfg->sample))
		return bad(err, "--sample", g->sample, "100ms");
	if (g->seed && !units_count(g->seed, &cfg->seed))
		return bad(err, "--seed", g->seed, "a whole number");
	return 0;
}

static int set_path(struct scenario *s, const struct given *g, struct err *err)
{
	struct sim_link_cfg *k = &s->cfg.link[0];
	uint64_t n;
	unsigned i;

	if (g->overhead) {
		if (!units_count(g->overhead, &n) || n > 256)
			return bad(err, "--overhead", g->overhead, "0 to 256 bytes");
		k->overhead = (uint32_t)n;
	}
	if (g->jitter && !units_time(g->jitter, &k->jitter))
		return bad(err, "--jitter", g->jitter, "2ms");
	if (g->loss && !units_share(g->loss, &k->loss))
		return bad(err, "--loss", g->loss, "0.001 or 0.1%");
	for (i = 0; i < s->cfg.n_flows; i++) {
		struct sim_flow_cfg *f = &s->flow[i];

		if (g->spread && !units_time(g->spread, &f->start_spread))
			return bad(err, "--spread", g->spread, "100ms");
		if (g->thin && (!units_count(g->thin, &n) || !n || n > 1024))
			return bad(err, "--thin", g->thin, "1 to 1024");
		if (g->thin)
			f->ack_thin = (uint32_t)n;
	}
	return 0;
}

/* "@" of a flow goes before --rtt. own: of those given here, from the group `from` on. */
static int set_rtt(struct scenario *s, const struct given *g, uint32_t from, const bool *own,
		   struct err *err)
{
	uint64_t rtt;
	uint32_t i;

	if (!g->rtt)
		return 0;
	if (!units_time(g->rtt, &rtt))
		return bad(err, "--rtt", g->rtt, "20ms, 500us");
	for (i = 0; i < s->cfg.n_flows; i++)
		if (i < from || !own[i - from])
			s->flow[i].rtt = rtt;
	return 0;
}

static int build(struct options *o, struct given *g, const char *file, struct err *err)
{
	struct scenario *s = &o->scenario;
	bool own_rtt[GROUPS];
	uint32_t from;
	unsigned i;
	int r;

	r = file ? read_file(s, file, err) : plain(s, g, err);
	from = s->cfg.n_flows;
	for (i = 0; i < g->n_flows; i++)
		own_rtt[i] = strchr(g->flow[i], '@') != NULL;
	if (!r)
		r = add_flows(s, g, err);
	if (!r)
		r = add_loads(s, g, err);
	if (!r)
		r = set_rtt(s, g, from, own_rtt, err);
	if (!r && g->rate)
		r = scenario_set(s, "rate", g->rate, err);
	if (!r && g->aqm)
		r = scenario_set(s, "aqm", g->aqm, err);
	if (r < 0 && g->aqm && err && !err->where[0])
		err_where(err, "--aqm");
	if (!r)
		r = set_times(s, g, err);
	if (!r)
		r = set_path(s, g, err);
	if (!r && !s->cfg.n_flows && !s->cfg.n_loads) {
		r = err_set(err, -EINVAL, "nothing sends");
		err_mend(err, "give a --flow, a --udp or a scenario: --flow cubic --flow prague");
	}
	return r ? r : sim_cfg_check(&s->cfg, err);
}

static int set_batch(struct options *o, struct given *g, struct err *err)
{
	struct batch *b = &o->batch;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t n;
	unsigned i;
	int r = 0;

	b->base = &o->scenario;
	b->seeds = 1;
	b->jobs = cpus > 0 ? (unsigned)cpus : 1;
	b->progress = isatty(STDERR_FILENO);
	if (g->seeds && (!units_count(g->seeds, &n) || !n || n > 100000))
		return bad(err, "--seeds", g->seeds, "1 to 100000");
	if (g->seeds)
		b->seeds = (unsigned)n;
	if (g->jobs && (!units_count(g->jobs, &n) || !n || n > 256))
		return bad(err, "--jobs", g->jobs, "1 to 256");
	if (g->jobs)
		b->jobs = (unsigned)n;
	if (g->link && (!units_count(g->link, &n) || !n || n > o->scenario.cfg.n_links))
		return bad(err, "--link", g->link, "a link's number, from 1");
	if (g->link)
		o->pcapng_link = (uint8_t)(n - 1);
	for (i = 0; i < g->n_vary && !r; i++)
		r = batch_vary(b, g->vary[i], err);
	if (!r && batch_cells(b) > BATCH_RUNS)
		return err_set(err, -E2BIG, "--vary makes too many cells: at most %u", BATCH_RUNS);
	for (i = 0; i < batch_cells(b) && !r && b->n_dims; i++)
		r = batch_set(b, i, err);
	if (!r && b->n_dims && o->json)
		return bad(err, "--json", "--vary", "a grid is a table: --csv FILE");
	if (!r && (b->seeds > 1 || b->n_dims) && (o->samples || o->pcapng))
		return bad(err, "--samples, --pcapng", "a series of several runs",
			   "one run: without --seeds and --vary");
	return r;
}

int options_read(struct options *o, int argc, char **argv, struct err *err)
{
	struct given g = {0};
	int r;

	*o = (struct options){0};
	r = collect(o, &g, argc, argv, err);
	if (r < 0 || o->help || o->version)
		return r;
	r = build(o, &g, argv[optind], err);
	if (!r)
		r = set_batch(o, &g, err);
	if (!r && o->samples && !o->scenario.cfg.sample)
		o->scenario.cfg.sample = 100000000;
	return r;
}

void options_free(struct options *o)
{
	scenario_free(&o->scenario);
}
