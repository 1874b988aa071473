/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/node/controls.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define AVAILABLE "/proc/sys/net/ipv4/tcp_available_congestion_control"
#define RETRY SEC(5)

/* ---- interfaces ---- */

static void mark_one(struct controls *c, struct controls_mark *m)
{
	struct err err = {0};

	if (if_nametoindex(m->name) == 0)
		err_set(&err, -ENODEV, "there is no such interface; it is waited for");
	else
		m->active = cc_kernel_mark_on(c->kernel, m->name, -1, &err) == 0;
	m->why = m->active ? (struct err){0} : err;
}

static void mark_all(struct controls *c)
{
	unsigned i;

	for (i = 0; i < c->n_marks; i++)
		if (!c->mark[i].active)
			mark_one(c, &c->mark[i]);
}

static bool is_wanted(const struct settings_controls *s, const char *name)
{
	unsigned i;

	for (i = 0; i < s->n_marks; i++)
		if (strcmp(s->mark[i], name) == 0)
			return true;
	return false;
}

/* The list becomes that of `want`; those that stay keep their state. */
static void follow_marks(struct controls *c)
{
	struct controls_mark old[SETTINGS_MARKS];
	unsigned n = c->n_marks;
	unsigned i;
	unsigned k;

	memcpy(old, c->mark, sizeof(old));
	for (i = 0; i < n; i++)
		if (old[i].active && !is_wanted(&c->want, old[i].name))
			cc_kernel_mark_off(c->kernel, old[i].name, -1, NULL);
	c->n_marks = c->want.n_marks;
	for (i = 0; i < c->n_marks; i++) {
		c->mark[i] = (struct controls_mark){0};
		snprintf(c->mark[i].name, IFNAMSIZ, "%s", c->want.mark[i]);
		for (k = 0; k < n; k++)
			if (strcmp(old[k].name, c->mark[i].name) == 0)
				c->mark[i] = old[k];
	}
	mark_all(c);
}

/* ---- in and out ---- */

static int join_cgroups(struct controls *c, const struct settings_controls *s, struct err *err)
{
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < s->n_cgroups; i++) {
		rc = cc_kernel_cgroup(c->kernel, s->cgroup[i].path,
				      c->name[s->cgroup[i].control == CC_PRAGUE], err);
		if (rc != 0 && !err->where[0])
			err_where(err, "/l4s:l4s/controls/cgroup[path='%s']", s->cgroup[i].path);
	}
	return rc;
}

static void out(struct controls *c)
{
	unsigned i;

	if (c->kernel)
		cc_kernel_free(c->kernel);
	c->kernel = NULL;
	for (i = 0; i < c->n_marks; i++)
		c->mark[i].active = false;
}

static int in(struct controls *c, const struct settings_controls *s, struct err *err)
{
	const struct cc_kernel_opts opts = {.suffix = c->suffix};
	int rc = cc_kernel_load_opts(&c->kernel, &opts, &s->cubic, &s->prague, err);

	if (rc != 0) {
		c->kernel = NULL;
		if (!err->where[0])
			err_where(err, "/l4s:l4s/controls/load");
		return rc;
	}
	snprintf(c->name[0], sizeof(c->name[0]), "%s", cc_kernel_name(c->kernel, CC_CUBIC));
	snprintf(c->name[1], sizeof(c->name[1]), "%s", cc_kernel_name(c->kernel, CC_PRAGUE));
	rc = join_cgroups(c, s, err);
	if (rc != 0)
		out(c);
	return rc;
}

/* Loads or unloads as wanted now; for starts and later tries. */
static void follow(struct controls *c)
{
	struct err err = {0};

	if (c->want.load && !c->kernel && in(c, &c->want, &err) != 0) {
		log_err(LOG_LEVEL_ERROR, &err);
		c->why = err;
		c->due = clock_now() + RETRY;
		return;
	}
	c->why = (struct err){0};
	if (c->kernel)
		follow_marks(c);
}

void controls_start(struct controls *c, const struct settings_controls *s)
{
	c->want = *s;
	c->by_action = false;
	follow(c);
}

/* Into the kernel, or other parameters for what is there. On failure all is as it was. */
static int lead_to(struct controls *c, const struct settings_controls *s, bool anew,
		   struct err *err)
{
	struct err lost = {0};
	int rc;

	if (!s->load) {
		out(c);
		return 0;
	}
	if (c->kernel && !anew)
		return cc_kernel_change(c->kernel, &s->cubic, &s->prague, err);
	anew = c->kernel;
	out(c);
	rc = in(c, s, err);
	if (rc != 0 && anew && in(c, &c->want, &lost) != 0)
		log_err(LOG_LEVEL_ERROR, &lost);
	if (rc != 0 && c->kernel)
		mark_all(c);
	return rc;
}

int controls_apply(struct controls *c, const struct settings_controls *s, bool cgroups,
		   bool dry_run, struct err *err)
{
	int rc;

	if (dry_run) {
		rc = s->load && !c->kernel ? cc_kernel_probe(err) : 0;
		if (rc != 0 && !err->where[0])
			err_where(err, "/l4s:l4s/controls/load");
		return rc;
	}
	rc = lead_to(c, s, cgroups, err);
	if (rc != 0)
		return rc;
	c->want = *s;
	c->by_action = false;
	c->why = (struct err){0};
	if (c->kernel)
		follow_marks(c);
	else
		c->n_marks = 0;
	return 0;
}

static int add_mark(struct settings_controls *s, const char *name, struct err *err)
{
	if (is_wanted(s, name))
		return 0;
	if (if_nametoindex(name) == 0)
		return err_set(err, -ENODEV, "there is no interface %s", name);
	if (s->n_marks == SETTINGS_MARKS)
		return err_set(err, -E2BIG, "too many interfaces");
	snprintf(s->mark[s->n_marks++], IFNAMSIZ, "%s", name);
	return 0;
}

static int read_text(struct cc_cfg *cfg, const char *text, enum cc_algo algo, struct err *err)
{
	char whole[320];
	size_t n = strlen(cc_algo_name(algo));
	int rc;

	if (!text)
		return 0;
	/* The name may be left out. */
	if (strncmp(text, cc_algo_name(algo), n) == 0 && (text[n] == '\0' || text[n] == ' '))
		snprintf(whole, sizeof(whole), "%s", text);
	else
		snprintf(whole, sizeof(whole), "%s %s", cc_algo_name(algo), text);
	rc = cc_cfg_parse(cfg, whole, err);
	return rc != 0 ? rc : cc_cfg_check(cfg, err);
}

int controls_load(struct controls *c, const char *cubic, const char *prague,
		  const char *const *ifname, unsigned n, struct err *err)
{
	struct settings_controls s = c->want;
	unsigned i;
	int rc;

	s.load = true;
	rc = read_text(&s.cubic, cubic, CC_CUBIC, err);
	if (rc == 0)
		rc = read_text(&s.prague, prague, CC_PRAGUE, err);
	for (i = 0; rc == 0 && i < n; i++)
		rc = add_mark(&s, ifname[i], err);
	if (rc == 0)
		rc = controls_apply(c, &s, false, false, err);
	if (rc == 0)
		c->by_action = true;
	return rc;
}

void controls_unload(struct controls *c)
{
	out(c);
	c->n_marks = 0;
	c->want.load = false;
	c->by_action = true;
	c->why = (struct err){0};
}

/* ---- watching ---- */

/* As words of a list separated by spaces. */
static bool lists(const char *list, const char *name)
{
	size_t n = strlen(name);
	const char *at = list;

	while ((at = strstr(at, name))) {
		if ((at == list || at[-1] == ' ') &&
		    (at[n] == ' ' || at[n] == '\n' || at[n] == '\0'))
			return true;
		at += n;
	}
	return false;
}

static const char *missing(const struct controls *c)
{
	char list[1024] = "";
	FILE *f = fopen(AVAILABLE, "re");
	size_t n = f ? fread(list, 1, sizeof(list) - 1, f) : 0;

	if (f)
		fclose(f);
	list[n] = '\0';
	if (n == 0)
		return NULL;
	if (!lists(list, c->name[0]))
		return c->name[0];
	return lists(list, c->name[1]) ? NULL : c->name[1];
}

void controls_tick(struct controls *c)
{
	const char *gone = c->kernel ? missing(c) : NULL;

	if (gone) {
		c->lost(c->ctx, gone);
		out(c);
		c->due = 0;
	}
	if (c->want.load && !c->kernel && c->due <= clock_now())
		follow(c);
	else if (c->kernel)
		mark_all(c);
}

void controls_close(struct controls *c)
{
	out(c);
}
