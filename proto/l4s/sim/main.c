/* SPDX-License-Identifier: BSD-2-Clause */
/* dep-l4s-sim: room l4s in a deterministic simulator. See doc/dep-l4s-sim.1.scd. */
#include "proto/l4s/sim/options.h"
#include "proto/l4s/sim/pcapng.h"
#include "proto/l4s/sim/report.h"
#include "proto/l4s/study/stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- one run ---- */

struct watchers {
	FILE *samples;
	struct pcapng *pcapng;
	bool headed;
};

static void on_packet(void *ctx, const struct sim_packet_seen *p)
{
	struct watchers *w = ctx;

	pcapng_packet(w->pcapng, p);
}

static void on_sample(void *ctx, const struct sim_sample *s)
{
	struct watchers *w = ctx;

	if (!w->headed)
		report_sample_head(w->samples, s->n_flows);
	w->headed = true;
	report_sample(w->samples, s);
}

static FILE *open_out(const char *path, struct err *err)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "we") : stdout;

	if (!f) {
		err_set(err, -errno, "cannot be written: %s", strerror(errno));
		err_where(err, "%s", path);
	}
	return f;
}

static int close_out(FILE *f, const char *path, struct err *err)
{
	int bad = ferror(f);

	if (f == stdout ? fflush(f) : fclose(f))
		bad = 1;
	if (!bad)
		return 0;
	err_set(err, -EIO, "was not written whole: %s", strerror(errno));
	err_where(err, "%s", path);
	return -EIO;
}

static int watch_open(struct watchers *w, const struct options *o, FILE **capture, struct err *err)
{
	if (o->samples && !(w->samples = open_out(o->samples, err)))
		return err->code;
	if (!o->pcapng)
		return 0;
	*capture = open_out(o->pcapng, err);
	if (!*capture)
		return err->code;
	w->pcapng = pcapng_new(*capture, &o->scenario, o->pcapng_link);
	return w->pcapng ? 0 : err_set(err, -ENOMEM, "no memory for a capture");
}

static int watch_close(struct watchers *w, const struct options *o, FILE *capture, struct err *err)
{
	int r = 0;

	if (w->pcapng && pcapng_end(w->pcapng) < 0)
		r = err_set(err, -EIO, "the capture was not written whole");
	if (capture && !r)
		r = close_out(capture, o->pcapng, err);
	if (w->samples && !r)
		r = close_out(w->samples, o->samples, err);
	return r;
}

static int to_csv(const struct options *o, const struct sim_result *r, struct err *err)
{
	FILE *f = open_out(o->csv, err);

	if (!f)
		return err->code;
	report_csv(f, &o->scenario, r);
	return close_out(f, o->csv, err);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int print_run(const struct options *o, const struct sim_result *r, double took,
		     struct err *err)
{
	if (o->csv && to_csv(o, r, err) < 0)
		return err->code;
	if (o->json && report_json(stdout, &o->scenario, r) < 0)
		return err_set(err, -EIO, "the report was not written");
	if (o->json || (o->csv && !strcmp(o->csv, "-")))
		return 0;
	report_text(stdout, &o->scenario, r);
	printf("\n%llu packets in %.3f s of processor time: %.2f million packets/s\n",
	       (unsigned long long)r->packets, took, (double)r->packets / took / 1e6);
	return 0;
}

static int one(struct options *o, struct err *err)
{
	struct watchers w = {0};
	struct sim_watch watch = {.ctx = &w};
	struct sim_result *result = malloc(sizeof(*result));
	struct err closing = {0};
	FILE *capture = NULL;
	struct alloc a;
	double began;
	double took;
	int r;

	if (!result)
		return err_set(err, -ENOMEM, "no memory for a run");
	alloc_init(&a, 0);
	r = watch_open(&w, o, &capture, err);
	watch.packet = w.pcapng ? on_packet : NULL;
	watch.sample = w.samples ? on_sample : NULL;
	began = seconds();
	if (!r)
		r = sim_run(&o->scenario.cfg, &watch, &a, result, err);
	took = seconds() - began;
	if (watch_close(&w, o, capture, &closing) < 0 && !r) {
		sim_result_free(result, &a);
		*err = closing;
		r = closing.code;
	} else if (!r) {
		r = print_run(o, result, took, err);
		sim_result_free(result, &a);
	}
	free(result);
	return r;
}

/* ---- many ---- */

/* Intervals of each figure over the seeds of a cell. */
static void intervals(const struct batch *b, unsigned cell, const struct figure *f,
		      struct stats_ci *ci, double *x)
{
	unsigned i;
	unsigned k;

	for (i = 0; i < b->n_figures; i++) {
		for (k = 0; k < b->seeds; k++)
			x[k] = b->value[((size_t)cell * b->seeds + k) * b->n_figures + i];
		ci[i] = f[i].ratio ? stats_ci_geomean(x, b->seeds) : stats_ci_mean(x, b->seeds);
	}
}

static void grid_head(FILE *to, const struct batch *b, const struct figure *f)
{
	unsigned i;

	for (i = 0; i < b->n_dims; i++)
		fprintf(to, "%s,", b->dim[i].name);
	fputs("seeds", to);
	for (i = 0; i < b->n_figures; i++)
		fprintf(to, b->seeds > 1 ? ",%s,%s_lo,%s_hi" : ",%s", f[i].name, f[i].name,
			f[i].name);
	fputc('\n', to);
}

/* What is not known is an empty field. */
static void grid_number(FILE *to, double v)
{
	if (isfinite(v))
		fprintf(to, ",%.9g", v);
	else
		fputc(',', to);
}

static void grid_row(FILE *to, const struct batch *b, unsigned cell, const struct stats_ci *ci)
{
	unsigned i;

	for (i = 0; i < b->n_dims; i++) {
		report_csv_text(to, batch_value(b, cell, i));
		fputc(',', to);
	}
	fprintf(to, "%u", b->seeds);
	for (i = 0; i < b->n_figures; i++) {
		grid_number(to, ci[i].value);
		if (b->seeds == 1)
			continue;
		grid_number(to, ci[i].lo);
		grid_number(to, ci[i].hi);
	}
	fputc('\n', to);
}

static int print_cell(const struct options *o, unsigned cell, const struct figure *f,
		      const struct stats_ci *ci, struct err *err)
{
	const struct batch *b = &o->batch;
	const double *runs = b->value + (size_t)cell * b->seeds * b->n_figures;
	int r = batch_set(b, cell, err);

	if (r < 0)
		return r;
	if (o->json)
		return report_seeds_json(stdout, b->base, b->seeds, f, ci, runs, b->n_figures);
	if (cell)
		putchar('\n');
	report_seeds_text(stdout, b->base, b->seeds, f, ci, b->n_figures);
	return 0;
}

static int many_print(const struct options *o, FILE *csv, struct err *err)
{
	const struct batch *b = &o->batch;
	struct figure *f = calloc(b->n_figures, sizeof(*f));
	struct stats_ci *ci = calloc(b->n_figures, sizeof(*ci));
	double *x = calloc(b->seeds, sizeof(*x));
	unsigned cell;
	int r = 0;

	if (!f || !ci || !x)
		r = err_set(err, -ENOMEM, "no memory for a report");
	if (!r)
		figures(&b->base->cfg, NULL, f, NULL);
	if (!r && csv)
		grid_head(csv, b, f);
	for (cell = 0; !r && cell < batch_cells(b); cell++) {
		intervals(b, cell, f, ci, x);
		if (csv)
			grid_row(csv, b, cell, ci);
		if (csv != stdout)
			r = print_cell(o, cell, f, ci, err);
	}
	free(f);
	free(ci);
	free(x);
	return r;
}

static int many(struct options *o, struct err *err)
{
	const char *path = o->csv ? o->csv : o->batch.n_dims && !o->json ? "-" : NULL;
	FILE *csv = NULL;
	int r;

	if (path && !(csv = open_out(path, err)))
		return err->code;
	r = batch_run(&o->batch, err);
	if (!r)
		r = many_print(o, csv, err);
	if (csv && !r)
		r = close_out(csv, path, err);
	batch_free(&o->batch);
	return r;
}

int main(int argc, char **argv)
{
	static struct options o;
	struct err err = {0};
	int r = options_read(&o, argc, argv, &err);

	if (!r && o.help) {
		fputs(options_usage, stdout);
		return 0;
	}
	if (!r && o.version) {
		puts("dep-l4s-sim " DEP_VERSION);
		return 0;
	}
	if (!r)
		r = o.batch.seeds > 1 || o.batch.n_dims ? many(&o, &err) : one(&o, &err);
	options_free(&o);
	if (r < 0) {
		err_print(&err, "dep-l4s-sim", stderr);
		return 2;
	}
	return 0;
}
