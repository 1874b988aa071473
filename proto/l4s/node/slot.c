/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/node/slot.h"

#include "proto/l4s/node/qdisc.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define RETRY SEC(5)

/* ---- which back end ---- */

/* 0: the kernel can do it; else why not. */
static int kernel_can(const struct slot_env *env, const struct settings_link *set, struct err *err)
{
	const struct link_dir_cfg *d = &set->cfg.dir[0];
	int rc;

	if (!set->cfg.uplink[0])
		return err_set(err, -EOPNOTSUPP, "the kernel's queue manager needs an uplink");
	if (d->delay || d->jitter || d->loss)
		return err_set(err, -EOPNOTSUPP, "the kernel's queue manager adds no delay");
	rc = qdisc_fits(&d->aqm, d->rate, err);
	if (rc == 0 && env->kernel != 0) {
		*err = env->kernel_why;
		rc = env->kernel;
	}
	return rc;
}

/* Sets *kernel, and *why where that was free to choose and is not the kernel. */
static int choose(const struct slot_env *env, const struct settings_link *set, bool *kernel,
		  struct err *why, struct err *err)
{
	int rc;

	*kernel = false;
	*why = (struct err){0};
	if (set->backend == SETTINGS_USER || (set->backend == SETTINGS_AUTO && !set->cfg.uplink[0]))
		return 0;
	rc = kernel_can(env, set, set->backend == SETTINGS_KERNEL ? err : why);
	*kernel = rc == 0;
	if (set->backend == SETTINGS_AUTO)
		return 0;
	if (rc != 0)
		err_where(err, "/l4s:l4s/link[name='%s']/backend", set->name);
	return rc;
}

int slot_check(const struct slot_env *env, const struct settings_link *set, const struct slot *s,
	       struct err *err)
{
	struct err why;
	bool kernel;
	unsigned i;
	int rc = choose(env, set, &kernel, &why, err);

	if (rc != 0)
		return rc;
	if (set->cfg.uplink[0] && if_nametoindex(set->cfg.uplink) == 0) {
		err_set(err, -ENODEV, "there is no interface %s", set->cfg.uplink);
		err_where(err, "/l4s:l4s/link[name='%s']/uplink", set->name);
		return -ENODEV;
	}
	for (i = 0; !kernel && i < 2; i++) {
		const char *name = set->cfg.name[i];

		if (!name[0] || if_nametoindex(name) == 0)
			continue;
		if (s && s->status == SLOT_UP &&
		    (strcmp(name, s->set.cfg.name[0]) == 0 ||
		     strcmp(name, s->set.cfg.name[1]) == 0))
			continue;
		err_set(err, -EEXIST, "there is an interface %s already", name);
		err_where(err, "/l4s:l4s/link[name='%s']/interface-%c", set->name, "ab"[i]);
		err_mend(err, "the link makes its interfaces itself: choose another name");
		return -EEXIST;
	}
	return 0;
}

/* ---- user space ---- */

static void *forward(void *ctx)
{
	struct slot *s = ctx;

	if (link_run(s->link, &s->thread_why) == 0)
		return NULL;
	atomic_store(&s->over, true);
	uv_async_send(s->env->ended);
	return NULL;
}

static int start_thread(struct slot *s, struct err *err)
{
	sigset_t all;
	sigset_t old;
	int rc;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&s->thread, NULL, forward, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0)
		return err_set(err, -rc, "cannot start a thread: %s", strerror(rc));
	s->threaded = true;
	return 0;
}

static int open_user(struct slot *s, struct err *err)
{
	int rc = link_new(&s->link, &s->set.cfg, err);

	if (rc != 0) {
		s->link = NULL;
		return rc;
	}
	atomic_store(&s->over, false);
	rc = start_thread(s, err);
	if (rc != 0) {
		link_free(s->link);
		s->link = NULL;
	}
	return rc;
}

static void close_user(struct slot *s)
{
	if (s->threaded) {
		link_stop(s->link);
		pthread_join(s->thread, NULL);
	}
	s->threaded = false;
	if (s->link)
		link_free(s->link);
	s->link = NULL;
}

/* ---- the kernel ---- */

static struct qdisc_cfg kernel_cfg(const struct slot *s, const struct settings_link *set)
{
	return (struct qdisc_cfg){
		.ifindex = s->ifindex,
		.rate = set->cfg.dir[0].rate,
		.overhead = set->cfg.dir[0].overhead,
		.aqm = set->cfg.dir[0].aqm,
	};
}

static int open_kernel(struct slot *s, struct err *err)
{
	struct qdisc_cfg cfg;

	s->ifindex = if_nametoindex(s->set.cfg.uplink);
	if (s->ifindex == 0)
		return err_set(err, -ENODEV, "there is no interface %s", s->set.cfg.uplink);
	cfg = kernel_cfg(s, &s->set);
	return qdisc_set(s->env->nl, &cfg, false, err);
}

static void fail(struct slot *s, const struct err *why)
{
	s->status = SLOT_FAILED;
	s->why = *why;
	s->since = clock_now() + RETRY;
}

static void read_kernel(struct slot *s)
{
	struct qdisc_stats q;
	struct err why = {0};
	int rc = qdisc_read(s->env->nl, s->ifindex, s->set.cfg.dir[0].aqm.coupling, &q);

	if (rc == -ENOENT) {
		err_set(&why, rc, "the queue manager on %s was removed by another program",
			s->set.cfg.uplink);
		fail(s, &why);
	}
	if (rc != 0)
		return;
	s->stats.dir[0].aqm = q.aqm;
	s->stats.dir[0].sent_packets = q.sent;
	s->stats.dir[0].sent_bytes = q.sent_bytes;
	memcpy(s->delay_now, q.delay_now, sizeof(s->delay_now));
}

/* ---- both ---- */

int slot_open(struct slot *s, struct slot_env *env, const struct settings_link *set,
	      struct err *err)
{
	struct err why = {0};
	int rc;

	memset(s, 0, sizeof(*s));
	s->env = env;
	s->set = *set;
	rc = choose(env, set, &s->kernel, &s->why_not_kernel, &why);
	if (rc == 0)
		rc = s->kernel ? open_kernel(s, &why) : open_user(s, &why);
	if (rc != 0) {
		fail(s, &why);
		*err = why;
		if (!err->where[0])
			err_where(err, "/l4s:l4s/link[name='%s']", set->name);
		return rc;
	}
	s->status = SLOT_UP;
	s->since = clock_now();
	return 0;
}

bool slot_can_change(const struct slot *s, const struct settings_link *set)
{
	struct err err = {0};
	struct err why;
	bool kernel;

	return s->status == SLOT_UP && choose(s->env, set, &kernel, &why, &err) == 0 &&
	       kernel == s->kernel;
}

int slot_change(struct slot *s, const struct settings_link *set, struct err *err)
{
	struct qdisc_cfg cfg;
	int rc;

	if (s->kernel) {
		cfg = kernel_cfg(s, set);
		rc = qdisc_set(s->env->nl, &cfg, true, err);
		if (rc != 0) {
			cfg = kernel_cfg(s, &s->set);
			qdisc_set(s->env->nl, &cfg, true, NULL);
		}
	} else {
		rc = link_change(s->link, &set->cfg, err);
	}
	if (rc == 0)
		s->set = *set;
	else if (!err->where[0])
		err_where(err, "/l4s:l4s/link[name='%s']", set->name);
	return rc;
}

void slot_close(struct slot *s)
{
	if (s->kernel && s->ifindex)
		qdisc_delete(s->env->nl, s->ifindex, NULL);
	s->ifindex = 0;
	close_user(s);
}

void slot_read(struct slot *s)
{
	struct err why;

	if (s->status != SLOT_UP)
		return;
	if (s->kernel) {
		read_kernel(s);
		return;
	}
	if (!atomic_load(&s->over)) {
		link_stats(s->link, &s->stats);
		return;
	}
	why = s->thread_why;
	close_user(s);
	fail(s, &why);
}

int slot_reset(struct slot *s, struct err *err)
{
	if (s->kernel)
		return err_set(err, -EOPNOTSUPP, "the kernel's counters cannot be reset");
	if (s->link)
		link_stats_reset(s->link);
	return 0;
}
