/* SPDX-License-Identifier: BSD-2-Clause */
/* Steps of routes. New ones go to the kernel many at a time, and only those that are there already are looked at one by
 * one; so a change costs what it changes, not what the tables hold. Routes of others are never changed or removed. */
#include "proto/netops/sys/apply_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IPV6_METRIC 1024 /* what the kernel makes of 0 */
#define FEW 16		 /* to look up one by one, rather than to list the table */

/* ---- Between steps and the kernel's form ---- */

static void observed_hop(struct apply *a, struct step_hop *h, uint8_t family, uint32_t ifindex,
			 bool has_via, const uint8_t via[16], uint16_t weight)
{
	*h = (struct step_hop){.weight = weight};
	snprintf(h->link, IFNAMSIZ, "%s", apply_ifname(a, ifindex));
	if (!has_via)
		return;
	h->via.family = family;
	h->via.prefix = family == AF_INET ? 32 : 128;
	memcpy(h->via.a, via, 16);
}

int route_observed(struct apply *a, const struct netlink_route *r, struct step *out)
{
	struct step_route *s = &out->route;
	unsigned i;

	if ((r->type != RTN_UNICAST && r->type != RTN_BLACKHOLE && r->type != RTN_UNREACHABLE &&
	     r->type != RTN_PROHIBIT) ||
	    r->n_hops > STEP_HOPS_MAX)
		return -EOPNOTSUPP;
	*out = (struct step){.kind = STEP_ROUTE};
	s->to.family = r->family;
	s->to.prefix = r->prefix;
	memcpy(s->to.a, r->dst, 16);
	s->type = r->type;
	s->protocol = r->proto;
	s->table = r->table;
	s->metric = r->family == AF_INET6 && r->metric == IPV6_METRIC ? 0 : r->metric;
	if (r->has_src) {
		s->source.family = r->family;
		s->source.prefix = r->family == AF_INET ? 32 : 128;
		memcpy(s->source.a, r->src, 16);
	}
	s->onlink = r->flags & RTNH_F_ONLINK;
	s->mtu = r->mtu;
	s->mtu_lock = r->mtu && !r->mtu_unlocked;
	s->one.weight = 1;
	if (r->type != RTN_UNICAST)
		return 0; /* IPv6 names lo */
	if (!r->n_hops) {
		observed_hop(a, &s->one, r->family, r->ifindex, r->has_via, r->via, 1);
		return 0;
	}
	s->hop = calloc(r->n_hops, sizeof(*s->hop));
	if (!s->hop)
		return -ENOMEM;
	for (; s->n_hops < r->n_hops; s->n_hops++) {
		const struct netlink_hop *h = &r->hop[s->n_hops];

		i = s->n_hops;
		observed_hop(a, &s->hop[i], r->family, h->ifindex, h->has_via, h->via, h->weight);
		s->onlink = s->onlink || h->flags & RTNH_F_ONLINK;
	}
	return 0;
}

int route_wanted(struct apply *a, const struct step_route *s, struct netlink_route *out,
		 struct err *err)
{
	unsigned i;
	int rc = 0;

	*out = (struct netlink_route){
		.family = s->to.family,
		.prefix = s->to.prefix,
		.type = s->type,
		.proto = s->protocol,
		.table = s->table,
		.metric = s->metric,
		.flags = s->onlink ? RTNH_F_ONLINK : 0,
		.has_via = s->one.via.family != 0,
		.has_src = s->source.family != 0,
		.n_hops = s->n_hops,
		.mtu = s->mtu,
		.mtu_unlocked = !s->mtu_lock,
	};
	memcpy(out->dst, s->to.a, 16);
	memcpy(out->via, s->one.via.a, 16);
	memcpy(out->src, s->source.a, 16);
	if (s->one.link[0])
		rc = apply_ifindex(a, s->one.link, &out->ifindex, err);
	for (i = 0; rc == 0 && i < s->n_hops; i++) {
		out->hop[i] = (struct netlink_hop){.weight = s->hop[i].weight,
						   .has_via = s->hop[i].via.family != 0,
						   .flags = out->flags};
		memcpy(out->hop[i].via, s->hop[i].via.a, 16);
		if (s->hop[i].link[0])
			rc = apply_ifindex(a, s->hop[i].link, &out->hop[i].ifindex, err);
	}
	if (s->n_hops)
		out->flags = 0;
	return rc;
}

static uint32_t metric_of(const struct step_route *r)
{
	return r->to.family == AF_INET6 && r->metric == 0 ? IPV6_METRIC : r->metric;
}

static bool fits(const struct step_hop *want, const struct step_hop *is)
{
	return memcmp(&want->via, &is->via, sizeof(want->via)) == 0 &&
	       (!want->link[0] || strcmp(want->link, is->link) == 0);
}

/* Next hops in any order, as IPv6 keeps its own. */
static bool same_hops(const struct step_route *want, const struct step_route *is)
{
	uint64_t used = 0;
	unsigned i;
	unsigned k;

	for (i = 0; i < want->n_hops; i++) {
		for (k = 0; k < is->n_hops; k++)
			if (!(used >> k & 1) && want->hop[i].weight == is->hop[k].weight &&
			    fits(&want->hop[i], &is->hop[k]))
				break;
		if (k == is->n_hops)
			return false;
		used |= 1ull << k;
	}
	return true;
}

static bool same_route(const struct step_route *want, const struct step_route *is)
{
	if (want->type != is->type || want->protocol != is->protocol ||
	    want->onlink != is->onlink || want->mtu != is->mtu || want->n_hops != is->n_hops ||
	    memcmp(&want->source, &is->source, sizeof(want->source)) != 0)
		return false;
	if (want->type != RTN_UNICAST)
		return true;
	return want->n_hops ? same_hops(want, is) : fits(&want->one, &is->one);
}

/* ---- What is there: one that is asked for, or a list ---- */

static int compare(const void *a, const void *b)
{
	const struct step_route *x = &((const struct step *)a)->route;
	const struct step_route *y = &((const struct step *)b)->route;
	int c = memcmp(&x->to, &y->to, sizeof(x->to));

	if (c == 0)
		c = (x->table > y->table) - (x->table < y->table);
	if (c == 0)
		c = (metric_of(x) > metric_of(y)) - (metric_of(x) < metric_of(y));
	return c;
}

struct there {
	struct apply *a;
	struct steps list; /* sorted once it is complete */
	const struct step *only; /* or NULL */
	int rc;
	bool listed;
};

static void on_route(void *ctx, const struct netlink_route *r, const struct nlmsghdr *raw)
{
	struct there *t = ctx;
	struct step s;

	if (t->rc || t->listed || route_observed(t->a, r, &s))
		return;
	if (t->only && compare(t->only, &s) != 0)
		step_free(&s);
	else
		t->rc = steps_take(&t->list, &s);
}

/* All routes of both families with protocol proto (0: any), or only the one with the key of `only`. */
static int list_routes(struct there *t, uint8_t proto)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct netlink_route_filter f = {.proto = proto};
	int rc = 0;
	int i;

	for (i = 0; i < 2 && rc == 0; i++) {
		f.family = families[i];
		if (t->only && t->only->route.to.family != f.family)
			continue;
		if (t->only)
			f.table = t->only->route.table;
		rc = netlink_routes_some(t->a->nl, &f, on_route, t);
	}
	if (rc == 0)
		rc = t->rc;
	if (t->list.n > 1)
		qsort(t->list.at, t->list.n, sizeof(*t->list.at), compare);
	return rc;
}

/* Asks for the entry that the destination itself would take, which is the one, but where another is inside of it. */
static int ask_for(struct apply *a, const struct step *s, struct there *t)
{
	struct netlink_route r;

	if (netlink_route_find(a->nl, s->route.to.family, s->route.to.a, NULL, 0, true, &r) == 0)
		on_route(t, &r, NULL);
	if (t->list.n == 0)
		return list_routes(t, 0);
	return t->rc;
}

/* ---- Runs of steps ---- */

struct run {
	struct apply *a;
	size_t from;
	size_t n;
	int *code; /* of each */
	char (*text)[80];
};

static void on_failed(void *ctx, uint32_t tag, int code, const char *text)
{
	struct run *r = ctx;

	r->code[tag] = code;
	if (text)
		snprintf(r->text[tag], sizeof(r->text[tag]), "%s", text);
}

static const struct step *at(const struct run *r, size_t i)
{
	return &r->a->steps->at[r->from + i];
}

static int back_absent(struct apply *a, const struct step *s)
{
	struct step back = *s;

	back.absent = true;
	back.route.n_hops = 0;
	back.route.hop = NULL;
	back.route.one = (struct step_hop){.weight = 1};
	return apply_back(a, &back);
}

static int foreign(const struct step_route *is, struct err *err)
{
	err_set(err, -EEXIST, "a route of somebody else is there (protocol %u)", is->protocol);
	err_mend(err, "remove it, or choose another metric or destination");
	return -EEXIST;
}

/* One that cannot be added because there is one: the same, an older one of ours, or somebody's. */
static int replace(struct apply *a, const struct step *s, struct step *is, struct err *err)
{
	struct netlink_route r;
	int rc;

	if (same_route(&s->route, &is->route))
		return 0;
	if (is->route.protocol != STEP_PROTOCOL)
		return a->undoing ? 0 : foreign(&is->route, err);
	apply_changed(a, (size_t)(s - a->steps->at));
	if (a->dry_run)
		return 0;
	rc = route_wanted(a, &s->route, &r, err);
	if (rc)
		return rc;
	/* The kernel's own replacing makes one more next hop where kinds of IPv6 routes differ. */
	if (r.family == AF_INET6 && (s->route.n_hops || is->route.n_hops ||
				     s->route.type != is->route.type)) {
		struct netlink_route old;

		rc = route_wanted(a, &is->route, &old, err);
		old.n_hops = 0;
		if (rc == 0)
			rc = netlink_route_del(a->nl, &old, err);
		if (rc)
			return rc;
	}
	rc = netlink_route_set(a->nl, &r, err);
	return rc ? rc : apply_back(a, is);
}

static int look_and_replace(struct apply *a, const struct step *s, struct err *err)
{
	struct there t = {.a = a, .only = s};
	int rc = ask_for(a, s, &t);

	if (rc == 0 && t.list.n == 0)
		rc = err_set(err, -EEXIST, "something is there that is no plain route");
	else if (rc == 0)
		rc = replace(a, s, &t.list.at[0], err);
	else
		err_set(err, rc, "cannot look at the routes: %s", strerror(-rc));
	steps_free(&t.list);
	return rc;
}

/* After the batch: those that went through first, so that all of them can be undone, whichever failed. */
static int settle_new(struct run *r, struct err *err)
{
	struct apply *a = r->a;
	int rc = 0;
	size_t i;

	for (i = 0; i < r->n && rc == 0; i++) {
		if (r->code[i])
			continue;
		apply_changed(a, r->from + i);
		rc = back_absent(a, at(r, i));
	}
	for (i = 0; i < r->n && rc == 0; i++) {
		if (r->code[i] == 0)
			continue;
		a->at = r->from + i;
		if (r->code[i] == -EEXIST) {
			rc = look_and_replace(a, at(r, i), err);
			continue;
		}
		rc = err_set(err, r->code[i], "%s%s%s", strerror(-r->code[i]),
			     r->text[i][0] ? ": " : "", r->text[i]);
	}
	return rc;
}

static int run_new(struct run *r, struct err *err)
{
	struct netlink_batch *b = netlink_batch_new(r->a->nl, on_failed, r);
	struct netlink_route route;
	int rc = b ? 0 : -ENOMEM;
	size_t sent;

	for (sent = 0; sent < r->n && rc == 0; sent++) {
		r->a->at = r->from + sent;
		rc = route_wanted(r->a, &at(r, sent)->route, &route, err);
		if (rc == 0)
			rc = netlink_batch_route(b, &route, NLM_F_CREATE | NLM_F_EXCL,
						 (uint32_t)sent);
		else
			break;
	}
	r->n = sent;
	if (b && netlink_batch_flush(b) && rc == 0)
		rc = err_set(err, -EIO, "the kernel's answers do not fit what it was asked");
	netlink_batch_free(b);
	if (rc) {
		/* What was sent is to be undone; the error is that of the step that could not be. */
		size_t failed = r->a->at;

		settle_new(r, NULL);
		r->a->at = failed;
		return rc;
	}
	return settle_new(r, err);
}

static struct step *find(struct there *t, const struct step *s)
{
	if (t->list.n == 0)
		return NULL;
	return bsearch(s, t->list.at, t->list.n, sizeof(*s), compare);
}

/* Takes each that is there out of t into the inverse, and out of the kernel. */
static int run_gone(struct run *r, struct there *t, struct err *err)
{
	struct netlink_batch *b = netlink_batch_new(r->a->nl, on_failed, r);
	struct netlink_route route;
	int rc = b ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; i < r->n && rc == 0; i++) {
		struct step *is = find(t, at(r, i));

		r->a->at = r->from + i;
		if (!is || is->route.protocol != STEP_PROTOCOL)
			continue;
		apply_changed(r->a, r->from + i);
		if (r->a->dry_run)
			continue;
		rc = route_wanted(r->a, &is->route, &route, err);
		route.n_hops = 0;
		/* With 0 the kernel would take one of any metric. */
		route.metric = metric_of(&is->route);
		if (rc == 0)
			rc = netlink_batch_route(b, &route, -1, (uint32_t)i);
		/* The key stays, for find(). */
		if (rc == 0 && !r->a->undoing) {
			struct step back = *is;

			is->route.hop = NULL;
			is->route.n_hops = 0;
			is->route.protocol = 0;
			rc = apply_back(r->a, &back);
		}
	}
	if (b && netlink_batch_flush(b) && rc == 0)
		rc = err_set(err, -EIO, "the kernel's answers do not fit what it was asked");
	netlink_batch_free(b);
	for (i = 0; i < r->n && rc == 0; i++) {
		if (r->code[i] == 0 || r->code[i] == -ESRCH)
			continue;
		r->a->at = r->from + i;
		rc = err_set(err, r->code[i], "%s%s%s", strerror(-r->code[i]),
			     r->text[i][0] ? ": " : "", r->text[i]);
	}
	return rc;
}

/* Routes that shall be, compared with a list: what a dry run does. */
static int compare_new(struct run *r, struct there *t, struct err *err)
{
	int rc = 0;
	size_t i;

	for (i = 0; i < r->n && rc == 0; i++) {
		struct step *is = find(t, at(r, i));

		r->a->at = r->from + i;
		if (is)
			rc = replace(r->a, at(r, i), is, err);
		else
			apply_changed(r->a, r->from + i);
	}
	return rc;
}

static int run_with_list(struct run *r, bool absent, struct err *err)
{
	struct there t = {.a = r->a};
	int rc = 0;

	if (r->n > FEW) {
		rc = list_routes(&t, absent ? STEP_PROTOCOL : 0);
	} else {
		size_t i;

		for (i = 0; i < r->n && rc == 0; i++) {
			struct there one = {.a = r->a, .only = at(r, i)};

			rc = ask_for(r->a, at(r, i), &one);
			if (rc == 0 && one.list.n)
				rc = steps_take(&t.list, &one.list.at[0]);
			steps_free(&one.list);
		}
		if (t.list.n > 1)
			qsort(t.list.at, t.list.n, sizeof(*t.list.at), compare);
	}
	if (rc)
		err_set(err, rc, "cannot list the routes: %s", strerror(-rc));
	else
		rc = absent ? run_gone(r, &t, err) : compare_new(r, &t, err);
	steps_free(&t.list);
	return rc;
}

int apply_routes(struct apply *a, size_t *n, struct err *err)
{
	struct run r = {.a = a, .from = a->at};
	bool absent = a->steps->at[a->at].absent;
	int rc;

	while (r.from + r.n < a->steps->n && a->steps->at[r.from + r.n].kind == STEP_ROUTE &&
	       a->steps->at[r.from + r.n].absent == absent)
		r.n++;
	*n = r.n;
	r.code = calloc(r.n, sizeof(*r.code));
	r.text = calloc(r.n, sizeof(*r.text));
	if (!r.code || !r.text)
		rc = err_set(err, -ENOMEM, "no memory");
	else if (absent || a->dry_run)
		rc = run_with_list(&r, absent, err);
	else
		rc = run_new(&r, err);
	if (rc == 0)
		a->at = r.from;
	free(r.code);
	free(r.text);
	return rc;
}
