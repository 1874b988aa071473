/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/sys/apply_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int apply_ifindex(struct apply *a, const char *name, uint32_t *ifindex, struct err *err)
{
	struct netlink_link l;
	unsigned i;
	int rc;

	for (i = 0; i < a->n_names; i++) {
		if (strcmp(a->names[i].name, name) == 0) {
			*ifindex = a->names[i].ifindex;
			return 0;
		}
	}
	rc = netlink_link_get(a->ask, 0, name, &l);
	if (rc)
		return err_set(err, rc, "there is no interface %s", name);
	*ifindex = l.ifindex;
	i = a->n_names < APPLY_NAMES ? a->n_names++ : a->at % APPLY_NAMES;
	a->names[i].ifindex = l.ifindex;
	memcpy(a->names[i].name, l.name, IFNAMSIZ);
	return 0;
}

const char *apply_ifname(struct apply *a, uint32_t ifindex)
{
	struct netlink_link l;
	unsigned i;

	for (i = 0; i < a->n_names; i++)
		if (a->names[i].ifindex == ifindex)
			return a->names[i].name;
	if (ifindex == 0 || netlink_link_get(a->ask, ifindex, NULL, &l))
		return "";
	i = a->n_names < APPLY_NAMES ? a->n_names++ : ifindex % APPLY_NAMES;
	a->names[i].ifindex = ifindex;
	memcpy(a->names[i].name, l.name, IFNAMSIZ);
	return a->names[i].name;
}

void apply_changed(struct apply *a, size_t step)
{
	if (a->undoing || a->out->changed[step])
		return;
	a->out->changed[step] = true;
	a->out->n_changed++;
}

int apply_back(struct apply *a, struct step *s)
{
	if (!a->undoing && !a->dry_run)
		return steps_take(&a->back, s);
	step_free(s);
	return 0;
}

static int take(struct apply *a, size_t *n, struct err *err)
{
	const struct step *s = &a->steps->at[a->at];

	*n = 1;
	switch (s->kind) {
	case STEP_LINK:
		a->n_names = 0;
		return apply_link(a, s, err);
	case STEP_ADDRESS:
		return apply_address(a, s, err);
	case STEP_NEIGHBOUR:
		return apply_neighbour(a, s, err);
	case STEP_SYSCTL:
		return apply_sysctl(a, s, err);
	case STEP_ROUTE:
		return apply_routes(a, n, err);
	case STEP_ACL:
	case STEP_ATTACH:
		return apply_filters(a, n, err);
	case STEP_PURGE:
		return apply_purge(a, err);
	default:
		return -EINVAL;
	}
}

/* "step 3, route 10.0.0.0/8: …" */
static void name_failure(const struct apply *a, struct err *err)
{
	char name[96];

	if (!err)
		return;
	step_name(&a->steps->at[a->at], name, sizeof(name));
	err_where(err, "step %zu, %s", a->at, name);
	if (err->code == -EPERM && !err->mend[0])
		err_mend(err, "this needs CAP_NET_ADMIN");
}

/* The inverses, in the order in which they are to be taken. */
static void turn(struct steps *l)
{
	size_t i;

	for (i = 0; i < l->n / 2; i++) {
		struct step s = l->at[i];

		l->at[i] = l->at[l->n - 1 - i];
		l->at[l->n - 1 - i] = s;
	}
}

static void free_lost(struct apply *a)
{
	size_t i;

	for (i = 0; i < a->n_lost; i++) {
		step_free(&a->lost[i].step);
		free(a->lost[i].raw);
	}
	free(a->lost);
	a->lost = NULL;
	a->n_lost = 0;
}

/* Goes back as far as possible. What fails is told once, with the first reason. */
static void undo(struct apply *a, struct err *err)
{
	struct apply u = {.nl = a->nl, .ask = a->ask, .filters = a->filters, .undoing = true, .out = a->out, .steps = &a->back};
	struct err first = {0};
	size_t failed = 0;
	size_t n;

	turn(&a->back);
	for (; u.at < a->back.n; u.at += n) {
		struct err e = {0};

		if (take(&u, &n, &e) == 0)
			continue;
		name_failure(&u, &e);
		if (failed++ == 0)
			first = e;
		n = 1;
	}
	apply_restore(&u);
	free_lost(&u);
	if (failed && err)
		err_mend(err, "%zu steps could not be undone: %.60s: %.80s", failed, first.where,
			 first.what);
}

int apply_steps(struct netlink *nl, struct filters *filters, const struct steps *steps,
		bool dry_run, struct apply_result *out, struct err *err)
{
	struct apply a = {.nl = nl, .filters = filters, .steps = steps, .dry_run = dry_run, .out = out};
	int rc = 0;
	size_t n;

	*out = (struct apply_result){.changed = calloc(steps->n + 1, sizeof(bool))};
	if (!out->changed)
		return err_set(err, -ENOMEM, "no memory");
	a.ask = netlink_open(err);
	if (!a.ask)
		return -ENOBUFS;
	for (; rc == 0 && a.at < steps->n; a.at += n) {
		rc = take(&a, &n, err);
		if (rc)
			break;
	}
	if (rc) {
		name_failure(&a, err);
		undo(&a, err);
	} else {
		apply_restore(&a);
		turn(&a.back);
		out->inverse = a.back;
		a.back = (struct steps){0};
	}
	netlink_close(a.ask);
	steps_free(&a.back);
	free_lost(&a);
	return rc;
}

void apply_result_free(struct apply_result *r)
{
	free(r->changed);
	steps_free(&r->inverse);
	*r = (struct apply_result){0};
}
