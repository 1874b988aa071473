/* SPDX-License-Identifier: BSD-2-Clause */
/* DOC: the real bottleneck
 *
 * Two TUN devices in two network namespaces are the ends of a link. One thread reads packets from
 * each and writes them to the other, and in between does what a bottleneck does:
 *
 *   read -> queue manager -> rate server -> delay line -> write
 *
 * The rate server (pace.h) takes a packet from the queue at the moment the link is free, and is
 * busy with it for 8 * bytes / rate. These moments are computed, not waited for: each follows
 * exactly from the one before, so the rate has no drift and every verdict of the queue manager
 * happens at the true time of its dequeue, however late the thread woke. This is sound because
 * events are handled in the order of their times: before a packet enters the queue at time t, all
 * that the link took up to t has been taken (dir_advance), and the only effect that others see, the
 * write, comes `delay` later.
 *
 * What cannot be computed is measured. A packet has a due time; how long after it the packet was
 * written goes into a histogram (link_dir_stats.late). Where its 99th percentile is beyond
 * late_limit, where the thread stood still for long (stalled_ns), or where packets were lost
 * outside the queue, the run is bad, and link_stats says why: its figures are about us and not
 * about the queue manager. Packets must not queue where we do not see them: the TUN's own queue is
 * long enough that a late read loses nothing, and is emptied at every chance; a wait there is a
 * wait of the thread and shows as lateness.
 *
 * Large packets (LINK_TUN_GSO). The kernel hands over TCP packets of up to 64 KiB that a network
 * card would cut. Here each is cut, too: its segments (headers and payload of each, as on the wire)
 * enter the queue one by one, take their own time on the link, and are marked or dropped one by
 * one. Nothing is copied: a segment is a reference to the large packet. At the other end segments
 * that are still neighbours, are due, and have the same ECN field are written as one large packet
 * again, as a receiver's GRO would make it: so a mark never spreads to a segment that the queue
 * manager did not mark, and a receiver that counts CE-marked packets (Accurate ECN) counts each. At
 * rates where segments follow each other within 25 µs one may wait up to 50 µs for its neighbours;
 * the wait counts as lateness. What the sender gave in one go arrives in one go: limit its bursts
 * with gso_max_segs where that matters.
 *
 * Sleep costs processor time, in a virtual machine more than a packet does. Unless `busy`, where
 * packets follow each other within LINK_SLACK_NS (30 µs) the thread wakes that much after the first
 * was due, for all that are due by then. This moves no decision of the queue manager, and counts as
 * lateness.
 *
 * ECN: the outermost IP header's field, ECT to CE only, at dequeue; the IPv4 header checksum
 * follows (packet.c).
 *
 * Threads: link_run has one. Every other call is a job that the thread does between two packets, so
 * what is read or changed is never half done.
 *
 *   forward.c   one direction, from read to write
 *   packet.c    headers: ECN, checksums, cutting
 *   pace.h      arithmetic of the rate
 *   tun.c       devices
 *   uplink.c    in front of an interface */
#include "proto/l4s/link/link_priv.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#define READ_BUDGET 8
#define LATE_LIMIT_NS 150000
#define LATE_MIN_PACKETS 200  /* fewer have no 99th percentile */
#define STALL_MAX_NS 50000000 /* a single stand-still that spoils a run */

/* ---- forwarding ---- */

/* Time that the thread was away: between two looks at the clock, or beyond the end of a wait. */
static void note_stall(struct link *l, uint64_t ns)
{
	if (ns <= l->cfg.late_limit)
		return;
	l->stalled_ns += ns;
	if (ns > l->stall_max)
		l->stall_max = ns;
}

static void do_job(struct link *l)
{
	if (!atomic_load_explicit(&l->posted, memory_order_acquire))
		return;
	pthread_mutex_lock(&l->lock);
	if (l->job)
		l->job(l, l->arg);
	l->job = NULL;
	atomic_store(&l->posted, false);
	pthread_cond_signal(&l->done);
	pthread_mutex_unlock(&l->lock);
}

static uint64_t deadline(const struct link *l)
{
	uint64_t at = l->now + LINK_HEARTBEAT_NS;
	unsigned i;

	for (i = 0; i < l->dirs; i++) {
		uint64_t d = dir_deadline(&l->dir[i]);

		if (d < at)
			at = d;
	}
	return at;
}

/* With real-time priority a thread that never sleeps would lose it (RLIMIT_RTTIME), and should: a
 * moment now and then is enough for the kernel to begin its count anew. */
static void pause_now_and_then(struct link *l)
{
	const struct timespec moment = {0, 1000};

	if (l->now < l->slept + LINK_PAUSE_NS)
		return;
	nanosleep(&moment, NULL);
	l->slept = l->now;
}

/* Sleeps until a packet, a job or the deadline. Every sleep has a timer set, which in a virtual
 * machine costs more than all else that is done for a packet: so a wake serves what is due within
 * LINK_SLACK_NS (dir_deadline), and a short wait is no sleep. busy: not so; the last part of the
 * way is spun. */
static void wait_for(struct link *l, struct pollfd *fds, nfds_t n)
{
	uint64_t at = deadline(l);
	uint64_t before = link_clock();
	uint64_t wait = at > before ? at - before : 0;
	struct timespec ts;

	note_stall(l, before - l->now);
	if (l->cfg.busy)
		wait = wait > LINK_SPIN_NS ? wait - LINK_SPIN_NS : 0;
	else if (wait < LINK_SHORT_NS)
		wait = 0;
	ts = (struct timespec){(time_t)(wait / 1000000000u), (long)(wait % 1000000000u)};
	if (ppoll(fds, n, &ts, NULL) < 0)
		fds[0].revents = fds[1].revents = fds[2].revents = 0;
	l->wakeups += wait != 0;
	pause_now_and_then(l);
	l->now = link_clock();
	if (l->now > before + wait)
		note_stall(l, l->now - before - wait);
}

static int read_port(struct link *l, unsigned i, short revents, struct err *err)
{
	int n = 0;

	if (revents)
		n = dir_read(&l->dir[i], READ_BUDGET);
	if (n < 0)
		return err_set(err, n, "%s is gone: %s", l->dir[i].from->name, strerror(-n));
	return 0;
}

static int forward(struct link *l, struct err *err)
{
	struct pollfd fds[3] = {{l->wake, POLLIN, 0}};
	uint64_t count;
	unsigned i;
	int rc = 0;

	for (i = 0; i < l->dirs; i++)
		fds[i + 1] = (struct pollfd){l->dir[i].from->fd, POLLIN, 0};
	while (rc == 0 && !atomic_load_explicit(&l->stop, memory_order_relaxed)) {
		if (fds[0].revents && read(l->wake, &count, sizeof(count)) < 0)
			count = 0;
		do_job(l);
		for (i = 0; i < l->dirs; i++) {
			dir_advance(&l->dir[i], l->now);
			dir_release(&l->dir[i], l->now);
		}
		for (i = 0; rc == 0 && i < l->dirs; i++)
			rc = read_port(l, i, fds[i + 1].revents, err);
		for (i = 0; i < l->dirs; i++)
			dir_release(&l->dir[i], l->now);
		wait_for(l, fds, l->dirs + 1);
	}
	return rc;
}

int link_run(struct link *l, struct err *err)
{
	int rc;

	/* The default lets the kernel be 50 µs late on purpose. */
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	pthread_mutex_lock(&l->lock);
	l->running = true;
	pthread_mutex_unlock(&l->lock);
	l->now = link_clock();
	rc = forward(l, err);
	do_job(l);
	pthread_mutex_lock(&l->lock);
	l->running = false;
	if (l->job)
		l->job(l, l->arg);
	l->job = NULL;
	pthread_cond_signal(&l->done);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

void link_stop(struct link *l)
{
	uint64_t one = 1;
	int saved = errno;

	atomic_store(&l->stop, true);
	if (write(l->wake, &one, sizeof(one)) < 0)
		atomic_store(&l->stop, true);
	errno = saved;
}

/* ---- jobs ---- */

static void call(struct link *l, link_job *f, void *arg)
{
	uint64_t one = 1;

	pthread_mutex_lock(&l->callers);
	pthread_mutex_lock(&l->lock);
	if (!l->running) {
		f(l, arg);
	} else {
		l->job = f;
		l->arg = arg;
		atomic_store_explicit(&l->posted, true, memory_order_release);
		if (write(l->wake, &one, sizeof(one)) < 0)
			errno = 0; /* the heartbeat wakes it */
		while (l->job)
			pthread_cond_wait(&l->done, &l->lock);
	}
	pthread_mutex_unlock(&l->lock);
	pthread_mutex_unlock(&l->callers);
}

static uint64_t thread_cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void dir_stats(struct link_dir *d, struct link_dir_stats *s, uint64_t now)
{
	dir_advance(d, now);
	if (d->q)
		s->aqm = *aqm_stats(d->q, now);
	else
		hist_reset(&s->aqm.q[0].delay), hist_reset(&s->aqm.q[1].delay);
	s->read_packets = d->read_packets;
	s->read_bytes = d->read_bytes;
	s->sent_packets = d->sent_packets;
	s->sent_bytes = d->sent_bytes;
	s->delay_dropped = d->delay_dropped;
	s->writes = d->writes;
	s->in_flight = d->in_flight;
	s->write_failed = d->write_failed;
	s->no_memory = d->no_memory;
	s->late = d->late;
	/* In 1e-6, of up to 2^63 ns. */
	s->rate_ppm = d->busy_took >= 1000 ? d->busy_want * 1000 / (d->busy_took / 1000) : 0;
}

struct stats_arg {
	struct link_stats *out;
	uint64_t now;
	uint64_t late_limit;
	int write_errno[2];
};

static void job_stats(struct link *l, void *arg)
{
	struct stats_arg *a = arg;
	unsigned i;

	a->now = link_clock();
	a->late_limit = l->cfg.late_limit;
	for (i = 0; i < l->dirs; i++) {
		dir_stats(&l->dir[i], &a->out->dir[i], a->now);
		a->write_errno[i] = l->dir[i].write_errno;
	}
	a->out->since = l->since;
	a->out->cpu_ns = thread_cpu() - l->cpu_then;
	a->out->wakeups = l->wakeups;
	a->out->stalled_ns = l->stalled_ns;
	a->out->stall_max = l->stall_max;
}

static void judge_dir(const struct link *l, const struct stats_arg *a, unsigned i)
{
	struct link_stats *s = a->out;
	const struct link_dir_stats *d = &s->dir[i];
	const char *from = l->dir[i].from->name;
	uint64_t late = hist_quantile(&d->late, 990000);
	char *why = s->why_bad;
	size_t n = sizeof(s->why_bad);

	if (d->tun_dropped)
		snprintf(why, n, "%s: %lu packets were lost before they could be read", from,
			 d->tun_dropped);
	else if (d->write_failed)
		snprintf(why, n, "%s: %lu packets could not be written: %s", l->dir[i].to->name,
			 d->write_failed, strerror(a->write_errno[i]));
	else if (d->no_memory)
		snprintf(why, n, "%s: no memory for %lu packets", from, d->no_memory);
	else if (d->late.n >= LATE_MIN_PACKETS && late > a->late_limit)
		snprintf(why, n, "from %s: lateness p99 is %lu us, the limit %lu", from,
			 late / 1000, a->late_limit / 1000);
	else
		return;
	s->bad = true;
}

/* The verdict over a run that lasted until now. */
static void judge(const struct link *l, const struct stats_arg *a)
{
	struct link_stats *s = a->out;
	uint64_t took = a->now - s->since;
	unsigned i;

	if (s->stall_max > STALL_MAX_NS || s->stalled_ns > took / 100) {
		s->bad = true;
		snprintf(s->why_bad, sizeof(s->why_bad),
			 "stood still for %lu ms of %lu, at most %lu us at a time",
			 s->stalled_ns / 1000000, took / 1000000, s->stall_max / 1000);
		return;
	}
	for (i = 0; !s->bad && i < l->dirs; i++)
		judge_dir(l, a, i);
}

void link_stats(struct link *l, struct link_stats *out)
{
	struct stats_arg a = {.out = out};
	unsigned i;

	memset(out, 0, sizeof(*out));
	call(l, job_stats, &a);
	pthread_mutex_lock(&l->callers);
	for (i = 0; i < l->dirs; i++)
		out->dir[i].tun_dropped = port_dropped(l->dir[i].from);
	pthread_mutex_unlock(&l->callers);
	for (; i < 2; i++) {
		hist_reset(&out->dir[i].late);
		hist_reset(&out->dir[i].aqm.q[0].delay);
		hist_reset(&out->dir[i].aqm.q[1].delay);
	}
	judge(l, &a);
}

static void job_reset(struct link *l, void *arg)
{
	uint64_t now = link_clock();
	unsigned i;

	for (i = 0; i < l->dirs; i++) {
		struct link_dir *d = &l->dir[i];

		dir_advance(d, now);
		if (d->q)
			aqm_stats_reset(d->q, now);
		d->read_packets = d->read_bytes = d->sent_packets = d->sent_bytes = d->writes = 0;
		d->delay_dropped = d->write_failed = d->no_memory = 0;
		d->busy_want = d->busy_took = d->last_write = d->carried = 0;
		hist_reset(&d->late);
	}
	l->since = now;
	l->cpu_then = thread_cpu();
	l->wakeups = l->stalled_ns = l->stall_max = 0;
}

void link_stats_reset(struct link *l)
{
	unsigned i;

	call(l, job_reset, NULL);
	pthread_mutex_lock(&l->callers);
	for (i = 0; i < l->dirs; i++)
		port_dropped_reset(l->dir[i].from);
	pthread_mutex_unlock(&l->callers);
}

struct change_arg {
	const struct link_cfg *cfg;
	struct err *err;
	int rc;
};

static void job_change(struct link *l, void *arg)
{
	struct change_arg *a = arg;
	unsigned i;

	for (i = 0; a->rc == 0 && i < l->dirs; i++) {
		dir_advance(&l->dir[i], link_clock());
		a->rc = dir_change(&l->dir[i], &a->cfg->dir[i], a->err);
		l->cfg.dir[i] = l->dir[i].cfg;
	}
	if (a->rc != 0)
		return;
	l->cfg.busy = a->cfg->busy;
	if (a->cfg->late_limit)
		l->cfg.late_limit = a->cfg->late_limit;
}

/* Everything is checked before the first thing is changed. */
static int check_dirs(const struct link_cfg *cfg, unsigned dirs, struct err *err)
{
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < dirs; i++) {
		struct aqm_cfg a = cfg->dir[i].aqm;

		a.rate = cfg->dir[i].rate;
		if (a.rate)
			rc = aqm_cfg_check(&a, err);
	}
	return rc;
}

int link_change(struct link *l, const struct link_cfg *cfg, struct err *err)
{
	struct change_arg a = {.cfg = cfg, .err = err};

	a.rc = check_dirs(cfg, l->dirs, err);
	if (a.rc == 0)
		call(l, job_change, &a);
	return a.rc;
}

struct force_arg {
	unsigned dir;
	uint32_t prob;
};

static void job_force(struct link *l, void *arg)
{
	struct force_arg *a = arg;

	if (a->dir < l->dirs && l->dir[a->dir].q)
		aqm_force(l->dir[a->dir].q, a->prob);
}

void link_force(struct link *l, unsigned dir, uint32_t prob)
{
	struct force_arg a = {dir, prob};

	call(l, job_force, &a);
}

void link_set_trace(struct link *l, link_trace *f, void *ctx)
{
	l->trace = f;
	l->trace_ctx = ctx;
}

/* ---- making ---- */

static void wire(struct link *l, unsigned i, unsigned from, unsigned to)
{
	l->dir[i].l = l;
	l->dir[i].from = &l->port[from];
	l->dir[i].to = &l->port[to];
}

static int open_ports(struct link *l, struct err *err)
{
	int rc;

	l->dirs = l->cfg.uplink[0] ? 1 : 2;
	wire(l, 0, 0, 1);
	wire(l, 1, 1, 0);
	if (l->cfg.uplink[0])
		return uplink_open(l, err);
	rc = port_open_tun(&l->port[0], &l->cfg, 0, err);
	if (rc == 0)
		rc = port_open_tun(&l->port[1], &l->cfg, 1, err);
	return rc;
}

static void make_pools(struct link *l)
{
	uint32_t mtu = l->cfg.mtu ? l->cfg.mtu : 1500;

	/* Link-layer header and tags. */
	pool_init(&l->packets, sizeof(struct link_pkt) + mtu + 32, LINK_POOL_LIMIT);
	pool_init(&l->segments, sizeof(struct link_pkt), LINK_POOL_LIMIT);
	pool_init(&l->bigs, sizeof(struct link_big), LINK_POOL_LIMIT);
}

int link_new(struct link **out, const struct link_cfg *cfg, struct err *err)
{
	struct link *l = calloc(1, sizeof(*l));
	struct rng seeds;
	unsigned i;
	int rc;

	*out = NULL;
	if (!l)
		return err_set(err, -ENOMEM, "no memory for the link");
	l->cfg = *cfg;
	if (l->cfg.late_limit == 0)
		l->cfg.late_limit = LATE_LIMIT_NS;
	l->gso = cfg->mode == LINK_TUN_GSO;
	l->port[0].fd = l->port[0].out = l->port[1].fd = l->port[1].out = -1;
	alloc_init(&l->alloc, 0);
	pthread_mutex_init(&l->callers, NULL);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->done, NULL);
	rng_seed(&seeds, cfg->seed);
	l->hash_seed = (uint32_t)rng_u64(&seeds);
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = l->wake < 0 ? err_set(err, -errno, "eventfd: %s", strerror(errno)) : 0;
	if (rc == 0)
		rc = open_ports(l, err);
	make_pools(l);
	for (i = 0; rc == 0 && i < l->dirs; i++)
		rc = dir_init(&l->dir[i], &l->cfg.dir[i], rng_u64(&seeds), err);
	l->since = link_clock();
	if (rc < 0) {
		link_free(l);
		return rc;
	}
	*out = l;
	return 0;
}

void link_free(struct link *l)
{
	unsigned i;

	if (!l)
		return;
	for (i = 0; i < l->dirs; i++)
		if (l->dir[i].l)
			dir_free(&l->dir[i]);
	uplink_close(l);
	for (i = 0; i < 2; i++)
		port_close(&l->port[i]);
	if (l->wake >= 0)
		close(l->wake);
	pool_free(&l->packets);
	pool_free(&l->segments);
	pool_free(&l->bigs);
	pthread_mutex_destroy(&l->callers);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->done);
	free(l);
}
