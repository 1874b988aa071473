/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/node/settings.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Paths of l4s.yang from the top. */
#define AT(path) "/l4s:l4s/" path
#define USEC 1000u

static uint64_t usec(const struct lyd_node *at, const char *path, uint64_t otherwise_ns)
{
	return config_node(at, path) ? config_u64(at, path, 0) * USEC : otherwise_ns;
}

static uint32_t small(const struct lyd_node *at, const char *path, uint32_t otherwise)
{
	return (uint32_t)config_u64(at, path, otherwise);
}

static bool flag(const struct lyd_node *at, const char *path, bool otherwise)
{
	return config_node(at, path) ? config_flag(at, path) : otherwise;
}

/* A decimal64 in 1/scale. */
static uint32_t scaled(const struct lyd_node *at, const char *path, double scale,
		       uint32_t otherwise)
{
	const char *text = config_text(at, path);

	return text ? (uint32_t)llround(strtod(text, NULL) * scale) : otherwise;
}

/* The place of a text in a list ended by NULL, or `otherwise`. */
static uint8_t choose(const struct lyd_node *at, const char *path, const char *const *from,
		      uint8_t otherwise)
{
	const char *text = config_text(at, path);
	uint8_t i;

	for (i = 0; text && from[i]; i++)
		if (strcmp(from[i], text) == 0)
			return i;
	return otherwise;
}

/* ---- congestion controls ---- */

static void read_abe(struct abe_cfg *a, const struct lyd_node *at)
{
	static const char *const modes[] = {"off", "fixed", "adaptive", NULL};
	static const char *const alphas[] = {"keep", "scale", NULL};

	a->mode = choose(at, "mode", modes, a->mode);
	a->alpha = choose(at, "alpha", alphas, a->alpha);
	a->slow_start = config_flag(at, "slow-start");
	a->frlossreduce = config_flag(at, "loss-after-mark");
	a->fast_conv_beta = config_flag(at, "fast-convergence-beta");
	a->beta_loss = (uint16_t)scaled(at, "beta-loss", ABE_ONE, a->beta_loss);
	a->beta_ecn = (uint16_t)scaled(at, "beta-ecn", ABE_ONE, a->beta_ecn);
	a->beta_min = (uint16_t)scaled(at, "beta-min", ABE_ONE, a->beta_min);
	a->beta_max = (uint16_t)scaled(at, "beta-max", ABE_ONE, a->beta_max);
}

static void read_cubic(struct cc_cfg *c, const struct lyd_node *at)
{
	static const char *const forms[] = {"rfc", "linux", NULL};
	static const char *const starts[] = {"plain", "hystart", "hystart++", NULL};

	cc_cfg_defaults(c, CC_CUBIC);
	c->form = choose(at, "form", forms, c->form);
	c->start = choose(at, "start", starts, c->start);
	c->pacing = config_flag(at, "pacing");
	c->fast_convergence = config_flag(at, "fast-convergence");
	if (!config_flag(at, "ecn")) {
		c->ect = ECN_NOT_ECT;
		c->feedback = CC_FEEDBACK_NONE;
	}
	read_abe(&c->abe, config_node(at, "abe"));
	/* What is not asked for does not have to go together. */
	if (c->ect == ECN_NOT_ECT)
		c->abe.mode = ABE_OFF;
}

static void read_prague(struct cc_cfg *c, const struct lyd_node *at)
{
	cc_cfg_defaults(c, CC_PRAGUE);
	c->rtt_independence = config_flag(at, "rtt-independence");
	c->classic_detection = config_flag(at, "classic-detection");
	c->target_rtt_us = small(at, "target-rtt", c->target_rtt_us);
}

static bool add_mark(void *ctx, const struct lyd_node *entry)
{
	struct settings_controls *s = ctx;

	snprintf(s->mark[s->n_marks], IFNAMSIZ, "%s", config_text(entry, NULL));
	return ++s->n_marks < SETTINGS_MARKS;
}

static bool add_cgroup(void *ctx, const struct lyd_node *entry)
{
	static const char *const controls[] = {"cubic", "prague", NULL};
	struct settings_controls *s = ctx;
	struct settings_cgroup *g = &s->cgroup[s->n_cgroups];

	snprintf(g->path, sizeof(g->path), "%s", config_text(entry, "path"));
	g->control = choose(entry, "control", controls, 0) == 1 ? CC_PRAGUE : CC_CUBIC;
	return ++s->n_cgroups < SETTINGS_CGROUPS;
}

static int read_controls(struct settings_controls *s, const struct lyd_node *at, struct err *err)
{
	int rc;

	s->load = config_flag(at, AT("controls/load"));
	read_cubic(&s->cubic, config_node(at, AT("controls/cubic")));
	read_prague(&s->prague, config_node(at, AT("controls/prague")));
	config_each(at, AT("controls/mark-interface"), add_mark, s);
	config_each(at, AT("controls/cgroup"), add_cgroup, s);
	rc = cc_cfg_check(&s->cubic, err);
	if (rc != 0) {
		err_where(err, AT("controls/cubic"));
		return rc;
	}
	rc = cc_cfg_check(&s->prague, err);
	if (rc != 0)
		err_where(err, AT("controls/prague"));
	return rc;
}

/* ---- links ---- */

static void read_dualpi2(struct aqm_cfg *c, const struct lyd_node *at)
{
	static const char *const schedulers[] = {"wrr", "ts-fifo", NULL};
	static const char *const overloads[] = {"drop", "overflow", NULL};

	c->alpha = scaled(at, "alpha", 256, c->alpha);
	c->beta = scaled(at, "beta", 256, c->beta);
	c->coupling = small(at, "coupling", c->coupling);
	c->step = usec(at, "step", c->step);
	c->step_packets = small(at, "step-packets", c->step_packets);
	c->min_qlen_step = small(at, "step-min-packets", c->min_qlen_step);
	c->ramp_min = usec(at, "ramp-min", c->ramp_min);
	c->ramp_range = usec(at, "ramp-range", c->ramp_range);
	c->th_len = small(at, "ramp-min-packets", c->th_len);
	c->rate_aware = flag(at, "rate-aware", c->rate_aware);
	c->classic_protection = small(at, "classic-protection", c->classic_protection);
	c->scheduler = choose(at, "scheduler", schedulers, c->scheduler);
	c->overload = choose(at, "overload", overloads, c->overload);
	c->drop_early = flag(at, "drop-early", c->drop_early);
	c->tshift = usec(at, "time-shift", c->tshift);
}

static void read_aqm(struct aqm_cfg *c, const struct lyd_node *at, uint64_t rate)
{
	static const char *const kinds[] = {"fifo", "codel",   "fq-codel", "pie",
					    "pi2",  "dualpi2", NULL};
	static const char *const profiles[] = {"rfc", "linux", NULL};

	aqm_cfg_defaults(c, (enum aqm_kind)choose(at, "kind", kinds, AQM_DUALPI2),
			 (enum aqm_profile)choose(at, "profile", profiles, AQM_PROFILE_LINUX),
			 rate);
	c->rate = rate;
	c->ecn = flag(at, "ecn", c->ecn);
	c->limit_packets = small(at, "limit-packets", c->limit_packets);
	c->limit_bytes = config_u64(at, "limit-bytes", c->limit_bytes);
	c->target = usec(at, "target", c->target);
	c->tupdate = usec(at, "update-interval", c->tupdate);
	read_dualpi2(c, at);
	c->interval = usec(at, "interval", c->interval);
	c->ce_threshold = usec(at, "ce-threshold", c->ce_threshold);
	c->ce_threshold_ect1 = flag(at, "ce-threshold-l4s", c->ce_threshold_ect1);
	c->flows = small(at, "flows", c->flows);
	c->quantum = small(at, "quantum", c->quantum);
	c->max_burst = usec(at, "max-burst", c->max_burst);
	c->mark_ecnth = scaled(at, "mark-limit", 4294967295.0, c->mark_ecnth);
}

static void read_direction(struct link_dir_cfg *d, const struct lyd_node *at, uint32_t mtu)
{
	d->rate = config_u64(at, "rate", 0);
	d->delay = usec(at, "delay", 0);
	d->jitter = usec(at, "jitter", 0);
	d->loss = (uint32_t)(config_u64(at, "loss", 0) * UINT32_MAX / 1000000);
	d->overhead = small(at, "overhead", 14);
	read_aqm(&d->aqm, config_node(at, "aqm"), d->rate);
	d->aqm.mtu = mtu + d->overhead;
}

static void copy_name(char to[IFNAMSIZ], const struct lyd_node *at, const char *path)
{
	const char *text = config_text(at, path);

	snprintf(to, IFNAMSIZ, "%s", text ? text : "");
}

static void read_link(struct settings_link *l, const struct lyd_node *at)
{
	static const char *const modes[] = {"tun", "tun-gso", "xdp", NULL};
	static const char *const backends[] = {"auto", "user", "kernel", NULL};
	struct link_cfg *c = &l->cfg;

	memset(l, 0, sizeof(*l));
	snprintf(l->name, sizeof(l->name), "%s", config_text(at, "name"));
	l->backend = (enum settings_backend)choose(at, "backend", backends, SETTINGS_AUTO);
	c->mode = choose(at, "mode", modes, LINK_TUN);
	c->gso_max_segs = (uint8_t)config_u64(at, "gso-max-segments", 0);
	c->mtu = small(at, "mtu", 1500);
	c->busy = config_flag(at, "busy");
	c->late_limit = usec(at, "late-limit", 150 * USEC);
	c->netns[0] = -1;
	c->netns[1] = -1;
	copy_name(c->name[0], at, "interface-a");
	copy_name(c->name[1], at, "interface-b");
	copy_name(c->uplink, at, "uplink");
	read_direction(&c->dir[0], config_node(at, "forward"), c->mtu);
	read_direction(&c->dir[1], config_node(at, "backward"), c->mtu);
}

struct reading {
	struct settings *s;
	struct err *err;
	int rc;
};

static bool add_link(void *ctx, const struct lyd_node *entry)
{
	static const char *const side[] = {"forward", "backward"};
	struct reading *r = ctx;
	struct settings_link *l = &r->s->link[r->s->n_links];
	unsigned i;

	if (!config_flag(entry, "enabled"))
		return true;
	read_link(l, entry);
	for (i = 0; r->rc == 0 && i < 2; i++) {
		if (l->cfg.dir[i].rate == 0)
			continue;
		r->rc = aqm_cfg_check(&l->cfg.dir[i].aqm, r->err);
		if (r->rc != 0)
			err_where(r->err, AT("link[name='%s']/%s/aqm"), l->name, side[i]);
	}
	r->s->n_links++;
	return r->rc == 0 && r->s->n_links < SETTINGS_LINKS;
}

/* Interfaces are made by one link alone. */
static int check_names(const struct settings *s, struct err *err)
{
	unsigned i;
	unsigned k;

	for (i = 0; i < 2 * s->n_links; i++) {
		const char *name = s->link[i / 2].cfg.name[i % 2];

		for (k = 0; name[0] && k < i; k++) {
			if (strcmp(s->link[k / 2].cfg.name[k % 2], name) != 0)
				continue;
			err_set(err, -EEXIST, "link %s makes an interface %s already",
				s->link[k / 2].name, name);
			err_where(err, AT("link[name='%s']/interface-%c"), s->link[i / 2].name,
				  "ab"[i % 2]);
			err_mend(err, "choose another name");
			return -EEXIST;
		}
	}
	return 0;
}

int settings_read(struct settings *s, const struct config *c, struct err *err)
{
	const struct lyd_node *at = config_tree(c);
	struct reading r = {.s = s, .err = err};
	int rc;

	memset(s, 0, sizeof(*s));
	rc = read_controls(&s->controls, at, err);
	if (rc != 0)
		return rc;
	config_each(at, AT("link"), add_link, &r);
	return r.rc != 0 ? r.rc : check_names(s, err);
}

const struct settings_link *settings_find(const struct settings *s, const char *name)
{
	unsigned i;

	for (i = 0; i < s->n_links; i++)
		if (strcmp(s->link[i].name, name) == 0)
			return &s->link[i];
	return NULL;
}

/* ---- what a change reaches ---- */

enum settings_reach settings_link_reach(const struct config_diff *diff, const char *name)
{
	static const char *const fixed[] = {
		"mode",	  "backend",	      "interface-a", "interface-b",
		"uplink", "gso-max-segments", "busy",	     "mtu",
	};
	char path[128];
	size_t i;

	snprintf(path, sizeof(path), AT("link[name='%s']"), name);
	if (!config_diff_touches(diff, path))
		return SETTINGS_SAME;
	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		snprintf(path, sizeof(path), AT("link[name='%s']/%s"), name, fixed[i]);
		if (config_diff_touches(diff, path))
			return SETTINGS_ANEW;
	}
	return SETTINGS_LIVE;
}

bool settings_controls_touched(const struct config_diff *diff)
{
	return config_diff_touches(diff, AT("controls"));
}

bool settings_cgroups_touched(const struct config_diff *diff)
{
	return config_diff_touches(diff, AT("controls/cgroup"));
}
