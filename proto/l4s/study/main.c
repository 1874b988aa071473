/* SPDX-License-Identifier: BSD-2-Clause */
/* dep-l4s-study: runs the grids of the study of ABE, judges them and writes the report. */
#include "proto/l4s/study/study.h"

#include "l4s_code_version.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
	struct grid_options run;
	const char *dir;
	char cache[4096];
	const struct plan *plan[16];
	size_t n_plans;
	bool quiet;
};

static void help(void)
{
	printf("dep-l4s-study [OPTIONS]: does ABE make CUBIC and Prague share an L4S link?\n"
	       "\n"
	       "  --grid NAME[,…]  what to run (claim); all: everything\n"
	       "  --list           the grids\n"
	       "  --seeds N        runs a cell (each grid has its own number)\n"
	       "  --time SECONDS   what counts of a run, after its warm-up (60; each grid has its "
	       "own)\n"
	       "  --jobs N         processes (one a processor)\n"
	       "  --out DIR        where the report, CSV and results of runs go (l4s-study)\n"
	       "  --fresh WORD     take over results of another version of the code, except of\n"
	       "                   cells that have WORD in their text (adaptive)\n"
	       "  --quiet          only verdicts that judge\n"
	       "  --version, --help\n"
	       "\n"
	       "Exit status: 0 all passed, 1 a verdict failed, 2 it could not run. A study that "
	       "was\n"
	       "interrupted goes on: runs in DIR/runs.jsonl are not run again.\n");
}

static void list(void)
{
	struct study s = {0};

	for (size_t i = 0; i < study_plans; i++) {
		const struct plan *p = &study_plan[i];

		p->build(&s, p);
		printf("%-10s %s: %zu cells, %u seeds\n", p->name, p->what, s.grid.n, p->seeds);
		grid_free(&s.grid);
	}
	printf("%-10s all of these\n", "all");
}

static int number(const char *what, const char *text, unsigned long max, unsigned long *out,
		  struct err *err)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	if (errno || !*text || *end || *text == '-' || !*out || *out > max)
		return err_set(err, -EINVAL, "%s takes a number from 1 to %lu, not %s", what, max,
			       text);
	return 0;
}

static bool has(const struct options *o, const struct plan *p)
{
	for (size_t i = 0; i < o->n_plans; i++)
		if (o->plan[i] == p)
			return true;
	return false;
}

static int add_plan(struct options *o, const char *name, struct err *err)
{
	const struct plan *p = study_plan_find(name);
	bool all = strcmp(name, "all") == 0;

	for (size_t i = 0; i < study_plans; i++)
		if ((all || p == &study_plan[i]) && !has(o, &study_plan[i]))
			o->plan[o->n_plans++] = &study_plan[i];
	if (all || p)
		return 0;
	err_set(err, -EINVAL, "no grid %s", name);
	err_mend(err, "--list shows them");
	return -EINVAL;
}

static int add_plans(struct options *o, char *names, struct err *err)
{
	char *save = NULL;
	int rc = 0;

	for (char *n = strtok_r(names, ",", &save); rc == 0 && n; n = strtok_r(NULL, ",", &save))
		rc = add_plan(o, n, err);
	return rc;
}

enum {
	OPT_GRID = 1000,
	OPT_LIST,
	OPT_SEEDS,
	OPT_TIME,
	OPT_JOBS,
	OPT_OUT,
	OPT_FRESH,
	OPT_QUIET,
	OPT_VERSION,
	OPT_HELP,
};

static const struct option longs[] = {
	{"grid", required_argument, NULL, OPT_GRID},
	{"list", no_argument, NULL, OPT_LIST},
	{"seeds", required_argument, NULL, OPT_SEEDS},
	{"time", required_argument, NULL, OPT_TIME},
	{"jobs", required_argument, NULL, OPT_JOBS},
	{"out", required_argument, NULL, OPT_OUT},
	{"fresh", required_argument, NULL, OPT_FRESH},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, OPT_HELP},
	{0},
};

static int option(struct options *o, struct study *s, int c, struct err *err)
{
	unsigned long n = 0;
	int rc = 0;

	switch (c) {
	case OPT_GRID:
		return add_plans(o, optarg, err);
	case OPT_SEEDS:
		rc = number("--seeds", optarg, 10000, &n, err);
		s->seeds = (uint32_t)n;
		return rc;
	case OPT_TIME:
		rc = number("--time", optarg, 86400, &n, err);
		s->measure = n * 1000000000;
		return rc;
	case OPT_JOBS:
		rc = number("--jobs", optarg, 256, &n, err);
		o->run.jobs = (unsigned)n;
		return rc;
	case OPT_OUT:
		o->dir = optarg;
		return 0;
	case OPT_FRESH:
		o->run.fresh = optarg;
		return 0;
	case OPT_QUIET:
		o->quiet = true;
		return 0;
	}
	return -EINVAL;
}

static int misused(const char *what, const char *why, struct err *err)
{
	err_set(err, -EINVAL, "%s %s", what, why);
	err_mend(err, "dep-l4s-study --help lists all options");
	return -EINVAL;
}

/* 1: done already (help). */
static int parse(struct options *o, struct study *s, int argc, char **argv, struct err *err)
{
	int rc = 0;
	int c;

	opterr = 0;
	while (rc == 0 && (c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (c == ':')
			return misused(argv[optind - 1], "takes a value", err);
		if (c == '?')
			return misused(argv[optind - 1], "is no option", err);
		if (c == OPT_HELP)
			help();
		else if (c == OPT_LIST)
			list();
		else if (c == OPT_VERSION)
			printf("dep-l4s-study %s, simulator %s\n", DEP_VERSION, L4S_CODE_VERSION);
		else
			rc = option(o, s, c, err);
		if (c == OPT_HELP || c == OPT_LIST || c == OPT_VERSION)
			return 1;
	}
	if (rc == 0 && optind < argc)
		rc = misused(argv[optind], "is not understood", err);
	if (rc == 0 && !o->n_plans)
		rc = add_plan(o, "claim", err);
	return rc;
}

static int prepare(struct options *o, struct err *err)
{
	if (mkdir(o->dir, 0777) < 0 && errno != EEXIST) {
		err_set(err, -errno, "cannot make a directory: %s", strerror(errno));
		err_where(err, "%s", o->dir);
		err_mend(
			err,
			"--out names a directory to make, in one that is there and can be written");
		return err->code;
	}
	snprintf(o->cache, sizeof(o->cache), "%s/runs.jsonl", o->dir);
	o->run.cache = o->cache;
	return 0;
}

static void print_verdicts(const struct study *s, const struct options *o)
{
	unsigned failed = 0;
	unsigned judged = 0;

	for (size_t i = 0; i < s->n_verdicts; i++) {
		const struct verdict *v = &s->verdict[i];

		judged += !v->note;
		failed += !v->note && !v->pass;
		if (v->note && o->quiet)
			continue;
		printf("%s %-9s %s\n",
		       v->note	 ? "    "
		       : v->pass ? "PASS"
				 : "FAIL",
		       v->plan, v->text);
	}
	if (judged)
		printf("%u of %u passed\n", judged - failed, judged);
}

static int study(struct study *s, struct options *o, struct err *err)
{
	int rc = prepare(o, err);

	for (size_t i = 0; rc == 0 && i < o->n_plans; i++)
		o->plan[i]->build(s, o->plan[i]);
	if (rc == 0 && s->out_of_memory)
		rc = err_set(err, -ENOMEM, "out of memory");
	if (rc == 0)
		rc = grid_run(&s->grid, &o->run, err);
	for (size_t i = 0; rc == 0 && i < o->n_plans; i++)
		o->plan[i]->judge(s, o->plan[i]);
	if (rc == 0)
		rc = study_csv(s, o->dir, err);
	if (rc == 0)
		rc = study_report(s, o->dir, L4S_CODE_VERSION, err);
	if (rc == 0 && s->out_of_memory)
		rc = err_set(err, -ENOMEM, "out of memory");
	return rc;
}

int main(int argc, char **argv)
{
	static struct options o = {
		.run = {.version = L4S_CODE_VERSION, .run = grid_simulate},
		.dir = "l4s-study",
	};
	struct study s = {0};
	struct err err = {0};
	int rc;

	o.run.progress = isatty(STDERR_FILENO);
	rc = parse(&o, &s, argc, argv, &err);
	if (rc > 0)
		return 0;
	if (rc == 0)
		rc = study(&s, &o, &err);
	if (rc == 0) {
		print_verdicts(&s, &o);
		printf("report: %s/index.html\n", o.dir);
		rc = err_flush(stdout, "standard output", &err);
	}
	if (rc < 0)
		err_print(&err, "dep-l4s-study", stderr);
	grid_free(&s.grid);
	free(s.verdict);
	return rc < 0 ? 2 : s.failed;
}
