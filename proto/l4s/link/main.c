/* SPDX-License-Identifier: BSD-2-Clause */
/* dep-l4s-link: the real bottleneck as a program.
 *
 * Interfaces and addresses are made, then privileges are given up, then a thread of its own
 * forwards; this one waits for the end, shows counters, and reports. All that was made in the
 * kernel hangs on descriptors: it goes with the process, however that ends. */
#include "base/sandbox.h"
#include "proto/l4s/link/capture.h"
#include "proto/l4s/link/link_priv.h"
#include "proto/l4s/link/options.h"
#include "proto/l4s/link/report.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EXIT_CANNOT = 1, EXIT_USAGE = 2, EXIT_BAD = 4 };

static int fail(const struct err *err, int status)
{
	err_print(err, "dep-l4s-link", stderr);
	return status;
}

/* ---- ends ---- */

static int open_netns(struct options *o, unsigned i, struct err *err)
{
	const char *name = o->end[i].netns;
	char path[320];
	int fd;

	if (!*name)
		return 0;
	snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : "/run/netns/", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err_set(err, -errno, "no network namespace %s: %s", name, strerror(errno));
		err_mend(err, "make it first: ip netns add %s", name);
		return err->code;
	}
	o->link.netns[i] = fd;
	return 0;
}

static int add_addresses(struct options *o, struct link *l, struct err *err)
{
	unsigned i;
	unsigned k;
	int rc = 0;

	for (i = 0; i < 2; i++) {
		for (k = 0; rc == 0 && k < o->end[i].addrs; k++) {
			struct netlink_addr *a = &o->end[i].addr[k];

			a->ifindex = l->port[i].ifindex;
			rc = netlink_addr_add(l->port[i].nl, a, err);
		}
	}
	return rc;
}

/* ---- running ---- */

struct runner {
	struct link *l;
	struct err err;
	int rc;
	int done; /* eventfd */
	_Atomic pid_t tid;
};

static void *run_thread(void *arg)
{
	struct runner *r = arg;
	uint64_t one = 1;

	atomic_store(&r->tid, gettid());
	r->rc = link_run(r->l, &r->err);
	if (write(r->done, &one, sizeof(one)) < 0)
		abort();
	return NULL;
}

/* A real-time thread that never pauses is taken back by the kernel's signal (RLIMIT_RTTIME), so
 * that a mistake cannot stop the machine. */
static pid_t realtime_tid;

static void on_rttime(int sig)
{
	struct sched_param normal = {0};

	sched_setscheduler(realtime_tid, SCHED_OTHER, &normal);
}

static int set_realtime(pid_t tid, struct err *err)
{
	struct sched_param p = {.sched_priority = 10};
	struct sigaction act = {.sa_handler = on_rttime, .sa_flags = SA_RESTART};
	struct rlimit most = {1000000, RLIM_INFINITY};

	realtime_tid = tid;
	sigaction(SIGXCPU, &act, NULL);
	if (setrlimit(RLIMIT_RTTIME, &most) != 0 || sched_setscheduler(tid, SCHED_FIFO, &p) != 0) {
		err_set(err, -errno, "no real-time priority: %s", strerror(errno));
		err_mend(err, "run as root, or without --realtime");
		return err->code;
	}
	return 0;
}

#define FLUSH_NS 50000000

struct clocks {
	uint64_t begin; /* of the figures */
	uint64_t end;	/* UINT64_MAX: until a signal */
	uint64_t warm;	/* when figures are to begin anew; UINT64_MAX: they have */
	uint64_t flush; /* the capture; UINT64_MAX: none */
	uint64_t next;	/* live line */
	uint64_t then;	/* of the last live line */
};

static uint64_t soonest(const struct clocks *c, bool live)
{
	uint64_t at = c->end < c->warm ? c->end : c->warm;

	if (c->flush < at)
		at = c->flush;
	return live && c->next < at ? c->next : at;
}

/* Sleeps until `at`, a signal, or the end of the thread: false at the last two. */
static bool sleep_until(uint64_t at, int signals, int done)
{
	struct pollfd fds[2] = {{signals, POLLIN, 0}, {done, POLLIN, 0}};
	uint64_t now = link_clock();
	uint64_t left = at > now ? at - now : 0;
	struct timespec ts = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};

	return ppoll(fds, 2, at == UINT64_MAX ? NULL : &ts, NULL) <= 0 ||
	       !(fds[0].revents || fds[1].revents);
}

static void watch(const struct options *o, struct link *l, struct clocks *c, struct capture *cap,
		  int signals, int done)
{
	bool live = !o->quiet && isatty(STDERR_FILENO);
	struct link_stats *was = calloc(2, sizeof(*was));
	struct link_stats *now = was + 1;

	live = live && was;
	while (sleep_until(soonest(c, live), signals, done)) {
		uint64_t t = link_clock();

		if (t >= c->end)
			break;
		if (t >= c->flush) {
			c->flush = capture_flush(cap) == 0 ? t + FLUSH_NS : UINT64_MAX;
		}
		if (t >= c->warm) {
			link_stats_reset(l);
			c->begin = t;
			c->warm = UINT64_MAX;
			if (live)
				link_stats(l, was);
		}
		if (live && t >= c->next) {
			link_stats(l, now);
			report_live(&o->link, was, now, t - c->then, stderr);
			*was = *now;
			c->then = t;
			c->next += 1000000000;
		}
	}
	free(was);
}

static int report(const struct options *o, struct link *l, uint64_t begin)
{
	struct link_stats *s = calloc(1, sizeof(*s));
	uint64_t took = link_clock() - begin;
	bool bad;

	if (!s)
		return EXIT_CANNOT;
	link_stats(l, s);
	if (o->json)
		report_json(&o->link, s, took, stdout);
	else
		report_print(&o->link, s, took, stdout);
	bad = s->bad;
	free(s);
	return bad ? EXIT_BAD : 0;
}

static const int with_realtime[] = {CAP_SYS_NICE, -1};
static const char *const calls[] = {"sched_setscheduler", "prctl", "setrlimit", NULL};

/* Nothing is opened from here on. */
static int give_up_privileges(const struct options *o, struct err *err)
{
	struct sandbox s = {
		.name = "dep-l4s-link",
		.capabilities = o->realtime ? with_realtime : NULL,
		.seccomp = o->seccomp,
		.calls = calls,
		.threads = true,
	};

	return sandbox_enter(&s, err);
}

static int hold_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(const struct options *o, struct link *l, struct capture *cap, int signals)
{
	struct runner r = {.l = l, .done = eventfd(0, EFD_CLOEXEC)};
	uint64_t now = link_clock();
	struct clocks c = {.begin = now, .then = now, .next = now + 1000000000};
	pthread_t thread;
	struct err err = {0};
	int status;

	c.end = o->time ? now + o->time : UINT64_MAX;
	c.flush = cap ? now + FLUSH_NS : UINT64_MAX;
	c.warm = o->warmup ? now + o->warmup : UINT64_MAX;
	status = give_up_privileges(o, &err) < 0 ? EXIT_CANNOT : 0;
	if (status == 0 && pthread_create(&thread, NULL, run_thread, &r) != 0) {
		err_set(&err, -EAGAIN, "no thread to forward with");
		status = EXIT_CANNOT;
	}
	if (status != 0)
		return fail(&err, status);
	if (o->realtime) {
		while (!atomic_load(&r.tid))
			sched_yield();
		if (set_realtime(r.tid, &err) < 0)
			status = fail(&err, EXIT_CANNOT);
	}
	if (status == 0) {
		watch(o, l, &c, cap, signals, r.done);
		status = report(o, l, c.begin);
	}
	link_stop(l);
	pthread_join(thread, NULL);
	if (r.rc < 0)
		status = fail(&r.err, EXIT_CANNOT);
	return status;
}

static int end_capture(const struct options *o, struct capture *cap, int status)
{
	struct err err = {0};
	uint64_t lost = cap ? capture_lost(cap) : 0;
	int rc = capture_close(cap);

	if (rc < 0)
		err_set(&err, rc, "%s is not whole: %s", o->pcapng, strerror(-rc));
	else if (lost)
		err_set(&err, -ENOBUFS, "%s lacks %lu packets: the disk was too slow", o->pcapng,
			lost);
	return err.code ? fail(&err, EXIT_CANNOT) : status;
}

int main(int argc, char **argv)
{
	struct options o;
	struct err err = {0};
	struct link *l = NULL;
	struct capture *cap = NULL;
	int signals;
	int rc;

	if (options_read(&o, argc, argv, &err) != 0)
		return fail(&err, EXIT_USAGE);
	if (o.help || o.version) {
		fputs(o.help ? options_help : "dep-l4s-link " DEP_VERSION "\n", stdout);
		return 0;
	}
	signals = hold_signals();
	rc = open_netns(&o, 0, &err);
	if (rc == 0)
		rc = open_netns(&o, 1, &err);
	if (rc == 0)
		rc = link_new(&l, &o.link, &err);
	if (rc == 0)
		rc = add_addresses(&o, l, &err);
	if (rc == 0 && o.pcapng) {
		cap = capture_open(o.pcapng, o.link.uplink[0], &err);
		rc = cap ? 0 : err.code;
	}
	if (rc < 0) {
		link_free(l);
		return fail(&err, EXIT_CANNOT);
	}
	link_set_trace(l, cap ? capture_packet : NULL, cap);
	rc = run(&o, l, cap, signals);
	link_free(l);
	return end_capture(&o, cap, rc);
}
