/* SPDX-License-Identifier: BSD-2-Clause */
/* Two sets of changes as one. For each path only where it began and where it ended counts; what is
 * left is played in the order of the last change of each path, which keeps entries before their
 * leaves and leaves before the end of their entries. Positions in user-ordered lists depend on each
 * other, and go through order.c. */
#include "proto/netops/store/change_map.h"
#include "proto/netops/store/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool was_there(const struct change *first)
{
	return first->op != CHANGE_CREATE;
}

static bool is_there(const struct change *last)
{
	return last->op != CHANGE_DELETE;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* What the changes of one path come to, without positions. */
static int net(const struct change_entry *e, struct changes *out)
{
	bool before = was_there(e->first);
	bool after = is_there(e->last);
	const char *path = e->first->path;

	if (!before && !after)
		return 0;
	if (!before)
		return changes_add(out, CHANGE_CREATE, path, NULL, e->last->new, NULL, NULL);
	if (!after)
		return changes_add(out, CHANGE_DELETE, path, e->first->old, NULL, NULL, NULL);
	if (same_text(e->first->old, e->last->new))
		return 0;
	return changes_add(out, CHANGE_REPLACE, path, e->first->old, e->last->new, NULL, NULL);
}

static bool is_ordered(const struct change *c)
{
	return c->old_after || c->new_after;
}

static int by_last(const void *a, const void *b)
{
	const struct change_entry *const *x = a;
	const struct change_entry *const *y = b;

	return ((*x)->last_at > (*y)->last_at) - ((*x)->last_at < (*y)->last_at);
}

static int compose(const struct changes *a, const struct changes *b, struct change_map *m,
		   struct order *order)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < a->n + b->n && rc == 0; i++) {
		const struct change *c = i < a->n ? &a->at[i] : &b->at[i - a->n];

		rc = is_ordered(c) ? order_put(order, c, i) : change_map_put(m, c, i);
	}
	return rc;
}

/* All in the order of the last change of each. */
static int merge(struct change_map *m, struct order *order, struct changes *out)
{
	const struct change_entry **e = malloc((m->n + 1) * sizeof(*e));
	size_t i;
	int rc = e ? 0 : -ENOMEM;

	for (i = 0; i < m->n && rc == 0; i++)
		e[i] = &m->entry[i];
	if (rc == 0)
		qsort(e, m->n, sizeof(*e), by_last);
	for (i = 0; i < m->n && rc == 0; i++) {
		rc = order_emit(order, e[i]->last_at, out);
		if (rc == 0)
			rc = net(e[i], out);
	}
	if (rc == 0)
		rc = order_emit(order, SIZE_MAX, out);
	free(e);
	return rc;
}

int changes_compose(const struct changes *a, const struct changes *b, struct changes *out)
{
	struct changes r = {0};
	struct change_map m;
	struct order order;
	int rc = change_map_init(&m, a->n + b->n);

	order_init(&order);
	if (rc == 0)
		rc = compose(a, b, &m, &order);
	if (rc == 0)
		rc = order_solve(&order);
	if (rc == 0)
		rc = merge(&m, &order, &r);
	change_map_free(&m);
	order_free(&order);
	if (rc)
		changes_free(&r);
	else
		*out = r;
	return rc;
}
