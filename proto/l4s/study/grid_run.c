/* SPDX-License-Identifier: BSD-2-Clause */
/* Workers: forked processes that get the number of a job by a socket and send back its result. A
 * simulation that crashes takes its worker along, not the study's results. */
#include "proto/l4s/study/grid_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 256

struct job {
	uint32_t entry;
	uint32_t run;
};

struct answer {
	int code;
	struct err err;
	struct grid_result result;
};

struct worker {
	pid_t pid;
	int fd;
	uint32_t job; /* UINT32_MAX: idle */
};

struct pool {
	struct grid *g;
	const struct grid_options *o;
	struct job *job;
	uint32_t n_jobs;
	uint32_t next;
	uint32_t done;
	unsigned n_workers;
	struct worker worker[WORKERS];
	int cache;
	double began;
	double shown;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int read_all(int fd, void *to, size_t n)
{
	char *p = to;

	while (n > 0) {
		ssize_t got = recv(fd, p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -EPIPE;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

static int write_all(int fd, const void *from, size_t n)
{
	const char *p = from;

	while (n > 0) {
		ssize_t put = send(fd, p, n, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return -EPIPE;
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

static uint64_t seed_of(const struct pool *p, uint32_t job)
{
	return p->g->first_seed + p->job[job].run;
}

static const struct grid_cell *cell_of(const struct pool *p, uint32_t job)
{
	return &p->g->entry[p->job[job].entry].cell;
}

static _Noreturn void work(struct pool *p, int fd)
{
	struct answer *a = malloc(sizeof(*a));
	uint32_t job;

	while (a && read_all(fd, &job, sizeof(job)) == 0) {
		struct timespec before;
		struct timespec after;

		memset(a, 0, sizeof(*a));
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
		a->code = p->o->run(cell_of(p, job), seed_of(p, job), &a->result, &a->err);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
		a->result.done = a->code == 0;
		a->result.cpu = (double)(after.tv_sec - before.tv_sec) +
				(double)(after.tv_nsec - before.tv_nsec) * 1e-9;
		if (write_all(fd, a, sizeof(*a)) < 0)
			break;
	}
	free(a);
	_exit(a ? 0 : 1);
}

static int start_worker(struct pool *p, struct err *err)
{
	struct worker *w = &p->worker[p->n_workers];
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, -errno, "cannot start a worker: %s", strerror(errno));
	fflush(NULL);
	w->pid = fork();
	if (w->pid < 0) {
		err_set(err, -errno, "cannot start a worker: %s", strerror(errno));
		close(pair[0]);
		close(pair[1]);
		return -EAGAIN;
	}
	if (w->pid == 0) {
		for (unsigned i = 0; i < p->n_workers; i++)
			close(p->worker[i].fd);
		close(pair[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		work(p, pair[1]);
	}
	close(pair[1]);
	w->fd = pair[0];
	w->job = UINT32_MAX;
	p->n_workers++;
	return 0;
}

static int give(struct pool *p, struct worker *w)
{
	w->job = UINT32_MAX;
	if (p->next == p->n_jobs)
		return 0;
	w->job = p->next++;
	return write_all(w->fd, &w->job, sizeof(w->job));
}

static void show(struct pool *p, bool last)
{
	double t = now();
	double spent = t - p->began;
	char cell[GRID_TEXT];

	if (!p->o->progress || (!last && t - p->shown < 0.2))
		return;
	p->shown = t;
	if (last || !p->done) {
		fprintf(stderr, "\r\033[K");
		return;
	}
	grid_cell_text(cell_of(p, p->next ? p->next - 1 : 0), cell, sizeof(cell));
	fprintf(stderr, "\r\033[K%u of %u runs, %.1f/s, %.0f s left   %.90s", p->done, p->n_jobs,
		p->done / spent, (p->n_jobs - p->done) * spent / p->done, cell);
}

static bool reap(struct worker *w, int *status)
{
	pid_t pid = w->pid;

	w->pid = 0;
	return pid > 0 && waitpid(pid, status, 0) == pid;
}

/* What a worker that is gone, or whose run failed, was at. */
static int broken(const struct pool *p, struct worker *w, const struct answer *a, struct err *err)
{
	char cell[GRID_TEXT];
	int status = 0;

	grid_cell_text(cell_of(p, w->job), cell, sizeof(cell));
	if (a)
		err_set(err, -EIO, "%s", a->err.what[0] ? a->err.what : strerror(-a->code));
	else if (reap(w, &status) && WIFSIGNALED(status))
		err_set(err, -EIO, "the simulator died of signal %d", WTERMSIG(status));
	else
		err_set(err, -EIO, "the simulator ended");
	err_where(err, "seed %" PRIu64 ", %s", seed_of(p, w->job), cell);
	return -EIO;
}

static int take(struct pool *p, struct worker *w, struct answer *a, struct err *err)
{
	const struct job *j = &p->job[w->job];
	int rc;

	if (read_all(w->fd, a, sizeof(*a)) < 0)
		return broken(p, w, NULL, err);
	if (a->code < 0)
		return broken(p, w, a, err);
	p->g->entry[j->entry].run[j->run] = a->result;
	p->done++;
	if (p->cache >= 0) {
		rc = grid_cache_append(p->cache, p->o, cell_of(p, w->job), seed_of(p, w->job),
				       &a->result, err);
		if (rc < 0)
			return rc;
	}
	show(p, false);
	if (give(p, w) < 0)
		return broken(p, w, NULL, err);
	return 0;
}

static int collect(struct pool *p, struct err *err)
{
	struct answer *a = malloc(sizeof(*a));
	struct pollfd fd[WORKERS];
	int rc = a ? 0 : err_set(err, -ENOMEM, "out of memory");

	while (rc == 0 && p->done < p->n_jobs) {
		for (unsigned i = 0; i < p->n_workers; i++)
			fd[i] = (struct pollfd){.fd = p->worker[i].fd, .events = POLLIN};
		if (poll(fd, p->n_workers, -1) < 0 && errno != EINTR)
			rc = err_set(err, -errno, "poll: %s", strerror(errno));
		for (unsigned i = 0; rc == 0 && i < p->n_workers; i++)
			if (fd[i].revents && p->worker[i].job != UINT32_MAX)
				rc = take(p, &p->worker[i], a, err);
	}
	free(a);
	return rc;
}

/* All first seeds first: an interrupted study has looked at every cell. */
static int list_jobs(struct pool *p)
{
	uint32_t most = 0;
	size_t total = 0;

	for (size_t i = 0; i < p->g->n; i++) {
		total += p->g->entry[i].seeds;
		if (p->g->entry[i].seeds > most)
			most = p->g->entry[i].seeds;
	}
	p->job = malloc((total ? total : 1) * sizeof(*p->job));
	if (!p->job)
		return -ENOMEM;
	for (uint32_t run = 0; run < most; run++)
		for (size_t i = 0; i < p->g->n; i++)
			if (run < p->g->entry[i].seeds && !p->g->entry[i].run[run].done)
				p->job[p->n_jobs++] = (struct job){(uint32_t)i, run};
	return 0;
}

static void end(struct pool *p)
{
	int status;

	for (unsigned i = 0; i < p->n_workers; i++) {
		close(p->worker[i].fd);
		if (p->done < p->n_jobs && p->worker[i].pid > 0)
			kill(p->worker[i].pid, SIGKILL);
	}
	for (unsigned i = 0; i < p->n_workers; i++)
		reap(&p->worker[i], &status);
	if (p->cache >= 0)
		close(p->cache);
	free(p->job);
}

static unsigned workers(const struct pool *p)
{
	long n = p->o->jobs ? (long)p->o->jobs : sysconf(_SC_NPROCESSORS_ONLN);

	if (n > WORKERS)
		n = WORKERS;
	if (n > (long)p->n_jobs)
		n = (long)p->n_jobs;
	return n > 0 ? (unsigned)n : 0;
}

int grid_run(struct grid *g, const struct grid_options *o, struct err *err)
{
	struct pool p = {.g = g, .o = o, .cache = -1, .began = now()};
	int rc = 0;

	if (!g->first_seed)
		g->first_seed = 1;
	if (o->cache)
		rc = grid_cache_read(g, o, err);
	if (rc == 0 && list_jobs(&p) < 0)
		rc = err_set(err, -ENOMEM, "out of memory");
	if (rc == 0 && o->cache) {
		p.cache = grid_cache_open(o, err);
		rc = p.cache < 0 ? p.cache : 0;
	}
	for (unsigned i = workers(&p); rc == 0 && i > 0; i--)
		rc = start_worker(&p, err);
	for (unsigned i = 0; rc == 0 && i < p.n_workers; i++)
		if (give(&p, &p.worker[i]) < 0)
			rc = broken(&p, &p.worker[i], NULL, err);
	if (rc == 0)
		rc = collect(&p, err);
	show(&p, true);
	end(&p);
	return rc;
}
