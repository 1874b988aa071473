/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/node/links.h"

#include "base/log.h"
#include "proto/l4s/node/qdisc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct links {
	struct slot_env env;
	uv_async_t ended;
	links_f *told;
	void *ctx;
	struct slot *slot[SETTINGS_LINKS]; /* NULL: free */
};

static struct slot *find(struct links *l, const char *name)
{
	unsigned i;

	for (i = 0; i < SETTINGS_LINKS; i++)
		if (l->slot[i] && strcmp(l->slot[i]->set.name, name) == 0)
			return l->slot[i];
	return NULL;
}

static struct slot **find_free(struct links *l)
{
	unsigned i;

	for (i = 0; i < SETTINGS_LINKS; i++)
		if (!l->slot[i])
			return &l->slot[i];
	return NULL;
}

static void tell(struct links *l, enum links_what what, const struct slot *s, unsigned dir,
		 uint64_t duration, const char *reason)
{
	const struct links_event ev = {.what = what,
				       .link = s->set.name,
				       .dir = dir,
				       .duration = duration,
				       .reason = reason};

	l->told(l->ctx, &ev);
}

/* ---- watching ---- */

static void watch_direction(struct links *l, struct slot *s, unsigned dir)
{
	const struct aqm_stats *a = &s->stats.dir[dir].aqm;

	if (a->overloaded == s->told_overload[dir])
		return;
	s->told_overload[dir] = a->overloaded;
	if (a->overloaded) {
		s->overload_from[dir] = a->overload_ns;
		tell(l, LINKS_OVERLOAD_BEGAN, s, dir, 0, NULL);
	} else {
		tell(l, LINKS_OVERLOAD_ENDED, s, dir,
		     a->overload_ns > s->overload_from[dir] ? a->overload_ns - s->overload_from[dir]
							    : 0,
		     NULL);
	}
}

static void watch(struct links *l, struct slot *s)
{
	bool was_up = s->status == SLOT_UP;

	slot_read(s);
	if (was_up && s->status == SLOT_FAILED) {
		tell(l, LINKS_FAILED, s, 0, 0, s->why.what);
		return;
	}
	watch_direction(l, s, 0);
	watch_direction(l, s, 1);
	if (s->stats.bad && !s->told_bad)
		tell(l, LINKS_BAD, s, 0, 0, s->stats.why_bad);
	s->told_bad = s->stats.bad;
}

/* The settings are read before the slot they are in is made anew. */
static void try_again(struct links *l, struct slot *s)
{
	struct settings_link set = s->set;
	struct err err = {0};

	slot_close(s);
	if (slot_open(s, &l->env, &set, &err) == 0)
		tell(l, LINKS_UP, s, 0, 0, NULL);
}

void links_tick(struct links *l)
{
	usec_t now = clock_now();
	unsigned i;

	for (i = 0; i < SETTINGS_LINKS; i++) {
		struct slot *s = l->slot[i];

		if (!s)
			continue;
		if (s->status == SLOT_UP)
			watch(l, s);
		else if (s->since <= now)
			try_again(l, s);
	}
}

static void on_ended(uv_async_t *async)
{
	links_tick(async->data);
}

/* ---- life ---- */

struct links *links_new(uv_loop_t *loop, links_f *told, void *ctx, struct err *err)
{
	struct links *l = calloc(1, sizeof(*l));
	int rc;

	if (!l) {
		err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	l->told = told;
	l->ctx = ctx;
	l->env.nl = netlink_open(err);
	if (!l->env.nl) {
		free(l);
		return NULL;
	}
	rc = qdisc_sweep(l->env.nl, err);
	if (rc == 0 || rc > 0) {
		if (rc > 0)
			log_notice("removed what an earlier run left", LOG_NUM("qdiscs", rc));
		rc = uv_async_init(loop, &l->ended, on_ended);
		if (rc != 0)
			err_set(err, rc, "cannot set up the loop: %s", uv_strerror(rc));
	}
	if (rc != 0) {
		netlink_close(l->env.nl);
		free(l);
		return NULL;
	}
	l->ended.data = l;
	l->env.ended = &l->ended;
	l->env.kernel = qdisc_probe(l->env.nl, &l->env.kernel_why);
	return l;
}

static void release(uv_handle_t *h)
{
	struct links *l = h->data;

	free(l);
}

void links_free(struct links *l)
{
	unsigned i;

	if (!l)
		return;
	for (i = 0; i < SETTINGS_LINKS; i++) {
		if (l->slot[i])
			slot_close(l->slot[i]);
		free(l->slot[i]);
		l->slot[i] = NULL;
	}
	netlink_close(l->env.nl);
	uv_close((uv_handle_t *)&l->ended, release);
}

void links_start(struct links *l, const struct settings *s)
{
	struct err err;
	unsigned i;

	for (i = 0; i < s->n_links; i++) {
		err = (struct err){0};
		l->slot[i] = calloc(1, sizeof(**l->slot));
		if (!l->slot[i]) {
			log_error("out of memory", LOG_TEXT("link", s->link[i].name));
			return;
		}
		if (slot_open(l->slot[i], &l->env, &s->link[i], &err) != 0)
			tell(l, LINKS_FAILED, l->slot[i], 0, 0, err.what);
	}
}

/* ---- another configuration ---- */

enum step {
	KEEP,
	CHANGE,	 /* in place */
	REPLACE, /* close, open */
	ADD,
};

struct plan {
	struct links *l;
	const struct settings *to;
	enum step step[SETTINGS_LINKS];		  /* of to->link */
	struct settings_link old[SETTINGS_LINKS]; /* of slots, as they were */
	struct slot *was[SETTINGS_LINKS];	  /* the slot, NULL: free */
};

static void make_plan(struct plan *p, const struct config_diff *diff)
{
	unsigned i;

	for (i = 0; i < SETTINGS_LINKS; i++) {
		p->was[i] = p->l->slot[i];
		if (p->was[i])
			p->old[i] = p->was[i]->set;
	}
	for (i = 0; i < p->to->n_links; i++) {
		const struct settings_link *set = &p->to->link[i];
		const struct slot *s = find(p->l, set->name);

		switch (s ? settings_link_reach(diff, set->name) : SETTINGS_ANEW) {
		case SETTINGS_SAME:
			p->step[i] = KEEP;
			break;
		case SETTINGS_LIVE:
			p->step[i] = slot_can_change(s, set) ? CHANGE : REPLACE;
			break;
		default:
			p->step[i] = s ? REPLACE : ADD;
		}
	}
}

/* A slot that the new settings name no more or otherwise goes away. */
static bool goes(const struct plan *p, const struct slot *s)
{
	unsigned i;

	for (i = 0; i < p->to->n_links; i++)
		if (strcmp(p->to->link[i].name, s->set.name) == 0)
			return p->step[i] == REPLACE;
	return true;
}

/* An interface that a link which goes leaves free may be taken. */
static const struct slot *freed_by(const struct plan *p, const struct settings_link *set)
{
	unsigned i;

	for (i = 0; i < SETTINGS_LINKS; i++) {
		const struct slot *s = p->was[i];

		if (s && goes(p, s) &&
		    (strcmp(s->set.name, set->name) == 0 ||
		     strcmp(s->set.cfg.name[0], set->cfg.name[0]) == 0))
			return s;
	}
	return NULL;
}

static int check_plan(const struct plan *p, struct err *err)
{
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < p->to->n_links; i++) {
		const struct settings_link *set = &p->to->link[i];

		if (p->step[i] == REPLACE || p->step[i] == ADD)
			rc = slot_check(&p->l->env, set, freed_by(p, set), err);
	}
	return rc;
}

static int change_all(struct plan *p, struct err *err)
{
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < p->to->n_links; i++)
		if (p->step[i] == CHANGE)
			rc = slot_change(find(p->l, p->to->link[i].name), &p->to->link[i], err);
	return rc;
}

static void close_all(struct plan *p)
{
	unsigned i;

	for (i = 0; i < SETTINGS_LINKS; i++) {
		if (!p->l->slot[i] || !goes(p, p->l->slot[i]))
			continue;
		slot_close(p->l->slot[i]);
		free(p->l->slot[i]);
		p->l->slot[i] = NULL;
		p->was[i] = NULL;
	}
}

static int open_all(struct plan *p, struct err *err)
{
	struct slot **at;
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < p->to->n_links; i++) {
		if (p->step[i] != REPLACE && p->step[i] != ADD)
			continue;
		at = find_free(p->l);
		*at = calloc(1, sizeof(**at));
		if (!*at)
			return err_set(err, -ENOMEM, "out of memory");
		rc = slot_open(*at, &p->l->env, &p->to->link[i], err);
	}
	return rc;
}

/* What was made goes, what went is made again, what was changed is changed back. */
static void take_back(struct plan *p)
{
	struct links *l = p->l;
	struct err err;
	unsigned i;

	for (i = 0; i < SETTINGS_LINKS; i++) {
		if (!l->slot[i] || l->slot[i] == p->was[i])
			continue;
		slot_close(l->slot[i]);
		free(l->slot[i]);
		l->slot[i] = NULL;
	}
	for (i = 0; i < SETTINGS_LINKS; i++) {
		err = (struct err){0};
		if (p->was[i]) {
			if (memcmp(&p->was[i]->set, &p->old[i], sizeof(p->old[i])) != 0 &&
			    slot_change(p->was[i], &p->old[i], &err) != 0)
				log_err(LOG_LEVEL_ERROR, &err);
			continue;
		}
		if (!p->old[i].name[0])
			continue;
		l->slot[i] = calloc(1, sizeof(**l->slot));
		if (l->slot[i] && slot_open(l->slot[i], &l->env, &p->old[i], &err) != 0)
			tell(l, LINKS_FAILED, l->slot[i], 0, 0, err.what);
	}
}

int links_apply(struct links *l, const struct settings *to, const struct config_diff *diff,
		bool dry_run, struct err *err)
{
	struct plan *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return err_set(err, -ENOMEM, "out of memory");
	p->l = l;
	p->to = to;
	make_plan(p, diff);
	rc = check_plan(p, err);
	if (rc == 0 && !dry_run) {
		rc = change_all(p, err);
		if (rc == 0) {
			close_all(p);
			rc = open_all(p, err);
		}
		if (rc != 0)
			take_back(p);
	}
	free(p);
	return rc;
}

/* ---- for others ---- */

int links_reset(struct links *l, const char *name, struct err *err)
{
	struct slot *s = name ? find(l, name) : NULL;
	unsigned i;

	if (name) {
		if (!s)
			return err_set(err, -ENOENT, "there is no link %s", name);
		return slot_reset(s, err);
	}
	for (i = 0; i < SETTINGS_LINKS; i++)
		if (l->slot[i])
			slot_reset(l->slot[i], NULL);
	return 0;
}

void links_each(struct links *l, void (*f)(void *ctx, const struct slot *s), void *ctx)
{
	unsigned i;

	for (i = 0; i < SETTINGS_LINKS; i++) {
		if (!l->slot[i])
			continue;
		if (l->slot[i]->status == SLOT_UP)
			watch(l, l->slot[i]);
		f(ctx, l->slot[i]);
	}
}
