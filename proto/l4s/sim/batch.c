/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/sim/batch.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What the workers share: the next run, and the first error. */
struct shared {
	atomic_uint next;
	atomic_uint done;
	atomic_int failed;
	struct err err;
	double value[];
};

int batch_vary(struct batch *b, char *text, struct err *err)
{
	struct batch_dimension *d = &b->dim[b->n_dims];
	char *value = strchr(text, '=');
	char *comma;

	if (b->n_dims == BATCH_DIMENSIONS)
		return err_set(err, -E2BIG, "more than %u values to vary", BATCH_DIMENSIONS);
	if (!value || value == text || !value[1]) {
		err_set(err, -EINVAL, "'%s' does not say what to vary", text);
		err_where(err, "--vary");
		err_mend(err, "NAME=VALUE,VALUE…: rate=40M,100M or cc1=cubic,cubic abe 0.85");
		return -EINVAL;
	}
	*value++ = '\0';
	*d = (struct batch_dimension){.name = text};
	for (;;) {
		comma = strchr(value, ',');
		if (comma)
			*comma = '\0';
		if (d->n == BATCH_VALUES)
			return err_set(err, -E2BIG, "more than %u values of %s", BATCH_VALUES,
				       text);
		d->value[d->n++] = value;
		if (!comma)
			break;
		value = comma + 1;
	}
	b->n_dims++;
	return 0;
}

unsigned batch_cells(const struct batch *b)
{
	unsigned n = 1;
	unsigned d;

	for (d = 0; d < b->n_dims; d++)
		n = n > 1000000 ? n : n * b->dim[d].n;
	return n;
}

/* The first dimension changes slowest. */
const char *batch_value(const struct batch *b, unsigned cell, unsigned d)
{
	unsigned i;

	for (i = b->n_dims - 1; i > d; i--)
		cell /= b->dim[i].n;
	return b->dim[d].value[cell % b->dim[d].n];
}

int batch_set(const struct batch *b, unsigned cell, struct err *err)
{
	unsigned d;
	int r = 0;

	for (d = 0; d < b->n_dims && !r; d++)
		r = scenario_set(b->base, b->dim[d].name, batch_value(b, cell, d), err);
	return r ? r : sim_cfg_check(&b->base->cfg, err);
}

static int one_run(struct batch *b, struct shared *sh, unsigned i, uint64_t seed, struct err *err)
{
	struct sim_result *r = malloc(sizeof(*r));
	struct alloc a;
	int rc;

	if (!r)
		return err_set(err, -ENOMEM, "no memory for a run");
	alloc_init(&a, 0);
	b->base->cfg.seed = seed + i % b->seeds;
	rc = batch_set(b, i / b->seeds, err);
	if (!rc)
		rc = sim_run(&b->base->cfg, NULL, &a, r, err);
	if (!rc) {
		figures(&b->base->cfg, r, NULL, sh->value + (size_t)i * b->n_figures);
		sim_result_free(r, &a);
	}
	free(r);
	return rc;
}

static void worker(struct batch *b, struct shared *sh, unsigned n)
{
	uint64_t seed = b->base->cfg.seed;
	struct err err = {0};
	unsigned i;

	while (!atomic_load(&sh->failed) && (i = atomic_fetch_add(&sh->next, 1)) < n) {
		if (one_run(b, sh, i, seed, &err) < 0) {
			if (!atomic_exchange(&sh->failed, 1))
				sh->err = err;
			break;
		}
		atomic_fetch_add(&sh->done, 1);
	}
	b->base->cfg.seed = seed;
}

static void show(const struct batch *b, struct shared *sh, unsigned n)
{
	if (b->progress)
		fprintf(stderr, "\r%u of %u runs", atomic_load(&sh->done), n);
}

static int wait_for(const struct batch *b, struct shared *sh, const pid_t *pid, unsigned jobs,
		    unsigned n, struct err *err)
{
	struct timespec nap = {.tv_nsec = 100000000};
	unsigned left = 0;
	unsigned i;
	bool gone[256] = {0};
	int status;
	int r = 0;

	for (i = 0; i < jobs; i++)
		left += pid[i] > 0;
	while (left) {
		for (i = 0; i < jobs; i++) {
			if (pid[i] <= 0 || gone[i] || waitpid(pid[i], &status, WNOHANG) != pid[i])
				continue;
			gone[i] = true;
			left--;
			if (!WIFEXITED(status) || WEXITSTATUS(status)) {
				atomic_store(&sh->failed, 1);
				r = err_set(err, -EIO, "a worker process ended early (status %d)",
					    status);
			}
		}
		show(b, sh, n);
		if (left)
			nanosleep(&nap, NULL);
	}
	if (b->progress)
		fputs("\r\033[K", stderr);
	return r;
}

static int with_workers(struct batch *b, struct shared *sh, unsigned n, struct err *err)
{
	unsigned jobs = b->jobs < n ? b->jobs : n;
	pid_t pid[256];
	unsigned i;

	if (jobs > 256)
		jobs = 256;
	fflush(NULL);
	for (i = 0; i < jobs; i++) {
		pid[i] = fork();
		if (pid[i] < 0 && !i)
			return err_set(err, -errno, "no worker process: %s", strerror(errno));
		if (pid[i])
			continue;
		worker(b, sh, n);
		_exit(0);
	}
	return wait_for(b, sh, pid, jobs, n, err);
}

int batch_run(struct batch *b, struct err *err)
{
	size_t n = (size_t)batch_cells(b) * b->seeds;
	struct shared *sh;
	int r = 0;

	if (n > 10000000)
		return err_set(err, -E2BIG, "%zu runs are too many", n);
	b->n_figures = figures(&b->base->cfg, NULL, NULL, NULL);
	b->bytes = sizeof(*sh) + n * b->n_figures * sizeof(double);
	sh = mmap(NULL, b->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		return err_set(err, -errno, "no memory for %zu runs: %s", n, strerror(errno));
	b->value = sh->value;
	if (b->jobs > 1)
		r = with_workers(b, sh, (unsigned)n, err);
	else
		worker(b, sh, (unsigned)n);
	if (!r && atomic_load(&sh->failed)) {
		r = sh->err.code;
		if (err)
			*err = sh->err;
	}
	return r;
}

void batch_free(struct batch *b)
{
	if (b->value)
		munmap((char *)b->value - offsetof(struct shared, value), b->bytes);
	b->value = NULL;
}
