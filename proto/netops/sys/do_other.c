/* SPDX-License-Identifier: BSD-2-Clause */
/* Steps of filters, and the removal of everything of ours that is not wanted. */
#include "proto/netops/sys/apply_priv.h"
#include "proto/netops/sys/filters.h"
#include "proto/netops/sys/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_filter(const struct step *s)
{
	return s->kind == STEP_ACL || s->kind == STEP_ATTACH;
}

static int take_filters(struct apply *a, const struct step *s, size_t n, size_t *at, bool *changed,
			struct err *err)
{
	struct steps back = {0};
	size_t i;
	int rc;

	if (!a->filters)
		return err_set(err, -EOPNOTSUPP, "this machine has no nftables");
	rc = filters_apply(a->filters, s, n, a->dry_run, changed, &back, at, err);
	for (i = 0; i < back.n; i++) {
		int give = apply_back(a, &back.at[i]);

		rc = rc ? rc : give;
	}
	steps_free(&back);
	return rc;
}

int apply_filters(struct apply *a, size_t *n, struct err *err)
{
	const struct step *s = &a->steps->at[a->at];
	size_t at = 0;
	bool *changed;
	size_t i;
	int rc;

	for (*n = 0; a->at + *n < a->steps->n && is_filter(&s[*n]); ++*n)
		;
	changed = calloc(*n, sizeof(*changed));
	rc = changed ? take_filters(a, s, *n, &at, changed, err) : err_set(err, -ENOMEM, "no memory");
	for (i = 0; i < *n && rc == 0; i++)
		if (changed[i])
			apply_changed(a, a->at + i);
	if (rc)
		a->at += at;
	free(changed);
	return rc;
}

/* ---- System, logging ---- */

int apply_setting(struct apply *a, const struct step *s, struct err *err)
{
	struct step back = {0};
	bool changed = false;
	int rc;

	if (!a->settings)
		return err_set(err, -EOPNOTSUPP, "there is nothing to set here");
	rc = settings_apply(a->settings, s, a->dry_run, &changed, &back, err);
	if (rc || !changed)
		return rc;
	apply_changed(a, a->at);
	return a->dry_run ? 0 : apply_back(a, &back);
}

/* ---- Purge ---- */

struct purge {
	struct apply *a;
	struct steps gone;
	const struct step **wanted; /* sorted */
	size_t n;
	int rc;
};

/* By kind and key. */
static int compare(const struct step *x, const struct step *y)
{
	int c = (int)x->kind - (int)y->kind;

	if (c)
		return c;
	switch (x->kind) {
	case STEP_ADDRESS:
		c = strcmp(x->address.link, y->address.link);
		return c ? c : memcmp(&x->address.ip, &y->address.ip, sizeof(x->address.ip));
	case STEP_NEIGHBOUR:
		c = strcmp(x->neighbour.link, y->neighbour.link);
		return c ? c : memcmp(&x->neighbour.ip, &y->neighbour.ip, sizeof(x->neighbour.ip));
	case STEP_ROUTE:
		c = memcmp(&x->route.to, &y->route.to, sizeof(x->route.to));
		if (c == 0)
			c = (x->route.table > y->route.table) - (x->route.table < y->route.table);
		if (c == 0)
			c = (x->route.metric > y->route.metric) - (x->route.metric < y->route.metric);
		return c;
	case STEP_QUEUE:
		return strcmp(x->queue.link, y->queue.link);
	case STEP_ACL:
	case STEP_ATTACH:
		return strcmp(x->filter.key, y->filter.key);
	default:
		return 0;
	}
}

static int by_key(const void *a, const void *b)
{
	return compare(*(const struct step *const *)a, *(const struct step *const *)b);
}

static void consider(struct purge *p, struct step *s)
{
	const struct step *key = s;

	s->absent = true;
	if (p->rc || (p->n && bsearch(&key, p->wanted, p->n, sizeof(*p->wanted), by_key)))
		step_free(s);
	else
		p->rc = steps_take(&p->gone, s);
}

static void on_route(void *ctx, const struct netlink_route *r, const struct nlmsghdr *raw)
{
	struct purge *p = ctx;
	struct step s;

	if (route_observed(p->a, r, &s) == 0)
		consider(p, &s);
}

static void on_addr(void *ctx, const struct netlink_event *ev)
{
	struct purge *p = ctx;
	struct step s = {.kind = STEP_ADDRESS};

	if (ev->addr.proto != STEP_PROTOCOL)
		return;
	s.address.ip.family = ev->addr.family;
	s.address.ip.prefix = ev->addr.prefix;
	memcpy(s.address.ip.a, ev->addr.addr, 16);
	snprintf(s.address.link, IFNAMSIZ, "%s", apply_ifname(p->a, ev->addr.ifindex));
	consider(p, &s);
}

static void on_neigh(void *ctx, const struct netlink_event *ev)
{
	struct purge *p = ctx;
	struct step s = {.kind = STEP_NEIGHBOUR};

	if (ev->neigh.proto != STEP_PROTOCOL || !(ev->neigh.state & NUD_PERMANENT))
		return;
	s.neighbour.ip.family = ev->neigh.family;
	s.neighbour.ip.prefix = ev->neigh.family == AF_INET ? 32 : 128;
	memcpy(s.neighbour.ip.a, ev->neigh.dst, 16);
	snprintf(s.neighbour.link, IFNAMSIZ, "%s", apply_ifname(p->a, ev->neigh.ifindex));
	consider(p, &s);
}

static void on_queue(void *ctx, struct step *s)
{
	consider(ctx, s);
}

/* Routes first, then what they stand on. */
static int collect(struct purge *p)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct netlink_route_filter only = {.proto = STEP_PROTOCOL};
	int rc = 0;
	int i;

	for (i = 0; i < 2 && rc == 0; i++) {
		only.family = families[i];
		rc = netlink_routes_some(p->a->nl, &only, on_route, p);
	}
	for (i = 0; i < 2 && rc == 0; i++)
		rc = netlink_neighs(p->a->nl, families[i], 0, on_neigh, p);
	for (i = 0; i < 2 && rc == 0; i++)
		rc = netlink_addrs(p->a->nl, families[i], 0, on_addr, p);
	if (rc == 0)
		rc = queues_ours(p->a, on_queue, p);
	return rc ? rc : p->rc;
}

/* As steps of their own, with the inverses of this one. */
static int take_gone(struct apply *a, const struct steps *gone, struct err *err)
{
	bool *changed = calloc(gone->n + 1, sizeof(*changed));
	struct apply_result result = {.changed = changed};
	struct apply sub = *a;
	size_t n = 1;
	int rc = changed ? 0 : -ENOMEM;

	sub.steps = gone;
	sub.out = &result;
	for (sub.at = 0; rc == 0 && sub.at < gone->n; sub.at += n) {
		n = 1;
		if (gone->at[sub.at].kind == STEP_ROUTE)
			rc = apply_routes(&sub, &n, err);
		else if (gone->at[sub.at].kind == STEP_QUEUE)
			rc = apply_queue(&sub, &gone->at[sub.at], err);
		else if (gone->at[sub.at].kind == STEP_NEIGHBOUR)
			rc = apply_neighbour(&sub, &gone->at[sub.at], err);
		else
			rc = apply_address(&sub, &gone->at[sub.at], err);
	}
	a->back = sub.back;
	a->lost = sub.lost;
	a->n_lost = sub.n_lost;
	if (result.n_changed)
		apply_changed(a, a->at);
	free(changed);
	return rc;
}

/* Without a step that says otherwise, lines of the log go nowhere, and the resolver is somebody else's. */
static int purge_settings(struct apply *a, const struct purge *p, struct err *err)
{
	struct step none = {.filter = {(char *)"", (char *)"{}"}};
	bool logging = false;
	bool system = false;
	size_t i;
	int rc = 0;

	for (i = 0; i < p->n; i++) {
		logging = logging || p->wanted[i]->kind == STEP_LOGGING;
		system = system || p->wanted[i]->kind == STEP_SYSTEM;
	}
	none.kind = STEP_LOGGING;
	if (a->settings && !logging)
		rc = apply_setting(a, &none, err);
	none.kind = STEP_SYSTEM;
	if (a->settings && !system && rc == 0)
		rc = apply_setting(a, &none, err);
	return rc;
}

static int purge_filters(struct apply *a, const struct purge *p, struct err *err)
{
	struct steps gone = {0};
	bool *changed;
	size_t at;
	size_t i;
	int rc;

	if (!a->filters)
		return 0;
	rc = filters_others(a->filters, p->wanted, p->n, &gone);
	changed = calloc(gone.n + 1, sizeof(*changed));
	if (rc == 0 && gone.n && changed)
		rc = take_filters(a, gone.at, gone.n, &at, changed, err);
	for (i = 0; i < gone.n && rc == 0 && changed; i++) {
		if (!changed[i])
			continue;
		apply_changed(a, a->at);
		if (a->dry_run)
			rc = steps_take(&a->out->extra, &gone.at[i]);
	}
	free(changed);
	steps_free(&gone);
	return rc;
}

/* What a dry run tells instead of doing it. */
static int tell_gone(struct apply *a, struct steps *gone)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < gone->n && rc == 0; i++) {
		gone->at[i].absent = false;
		rc = steps_take(&a->out->extra, &gone->at[i]);
	}
	if (gone->n)
		apply_changed(a, a->at);
	return rc;
}

static int gather_wanted(struct purge *p, const struct steps *l, size_t but)
{
	size_t i;
	const struct step **more =
		realloc(p->wanted, (p->n + l->n + 1) * sizeof(const struct step *));

	if (!more)
		return -ENOMEM;
	p->wanted = more;
	for (i = 0; i < l->n; i++)
		if (!l->at[i].absent && i != but)
			p->wanted[p->n++] = &l->at[i];
	return 0;
}

int apply_purge(struct apply *a, struct err *err)
{
	struct purge p = {.a = a};
	int rc = gather_wanted(&p, a->steps, a->at);

	if (rc == 0 && a->kept)
		rc = gather_wanted(&p, a->kept, SIZE_MAX);
	if (p.n > 1)
		qsort(p.wanted, p.n, sizeof(*p.wanted), by_key);
	if (rc == 0)
		rc = collect(&p);
	if (rc)
		err_set(err, rc, "cannot list what is ours: %s", strerror(-rc));
	else
		rc = a->dry_run ? tell_gone(a, &p.gone) : take_gone(a, &p.gone, err);
	if (rc == 0)
		rc = purge_filters(a, &p, err);
	if (rc == 0)
		rc = purge_settings(a, &p, err);
	free(p.wanted);
	steps_free(&p.gone);
	return rc;
}
