/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of a candidate when running changes under it. */
#include "proto/netops/store/change_map.h"
#include "proto/netops/store/editor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_change(const struct change *a, const struct change *b)
{
	return a->op == b->op && same_text(a->new, b->new) && same_text(a->new_after, b->new_after);
}

static int fill(struct change_map *m, const struct changes *c)
{
	size_t i;
	int rc = change_map_init(m, c->n);

	for (i = 0; i < c->n && rc == 0; i++)
		rc = change_map_put(m, &c->at[i], i);
	return rc;
}

/* The path of the nearest node above path that the changes of m delete, as length; 0: none. */
static size_t deleted_above(const struct change_map *m, const char *path)
{
	size_t n = strlen(path);
	const struct change_entry *e;

	while ((n = change_parent(path, n))) {
		e = change_map_get(m, path, n);
		if (e && e->last->op == CHANGE_DELETE)
			return n;
	}
	return 0;
}

static int conflict(struct candidate *c, const char *path, size_t n)
{
	char *text = strndup(path, n);
	int rc = text ? candidate_conflict(c, text) : -ENOMEM;

	free(text);
	return rc;
}

/* The user-ordered list of a change, as length of its path. */
static size_t list_of(const char *path)
{
	size_t n = change_parent(path, strlen(path));

	return n + strcspn(path + n, "[");
}

/* Two sides that order entries of one user-ordered list: the neighbours of one may be gone by the
 * other. */
static bool orders_same_list(const struct change *x, const struct changes *other)
{
	size_t n;
	size_t i;

	if (!x->old_after && !x->new_after)
		return false;
	n = list_of(x->path);
	for (i = 0; i < other->n; i++) {
		const struct change *y = &other->at[i];

		if ((y->old_after || y->new_after) && list_of(y->path) == n &&
		    strncmp(x->path, y->path, n) == 0 && !same_change(x, y))
			return true;
	}
	return false;
}

/* Compares the candidate's changes with what running took; what both did alike is done. */
static int compare(struct candidate *c, const struct changes *taken, struct changes *left)
{
	struct change_map ours;
	struct change_map theirs;
	size_t above;
	size_t i;
	int rc = fill(&ours, &c->changes);

	if (rc == 0)
		rc = fill(&theirs, taken);
	else
		theirs = (struct change_map){0};
	for (i = 0; i < c->changes.n && rc == 0; i++) {
		const struct change *x = &c->changes.at[i];
		const struct change_entry *e = change_map_get(&theirs, x->path, strlen(x->path));

		if (e && same_change(x, e->last) && !c->behind.n)
			continue;
		above = deleted_above(&theirs, x->path);
		if (e || orders_same_list(x, taken))
			rc = conflict(c, x->path, strlen(x->path));
		else if (above)
			rc = conflict(c, x->path, above);
		if (rc == 0)
			rc = changes_add(left, x->op, x->path, x->old, x->new, x->old_after,
					 x->new_after);
	}
	for (i = 0; i < taken->n && rc == 0; i++) {
		above = deleted_above(&ours, taken->at[i].path);
		if (above && !change_map_get(&theirs, taken->at[i].path, above))
			rc = conflict(c, taken->at[i].path, above);
	}
	change_map_free(&ours);
	if (theirs.entry)
		change_map_free(&theirs);
	return rc;
}

/* running went by `taken`: the way back to the candidate's base is longer by that. */
static int fall_behind(struct candidate *c, const struct changes *taken)
{
	struct changes back = {0};
	struct changes all = {0};
	int rc = changes_invert(taken, &back);

	if (rc == 0)
		rc = changes_compose(&back, &c->behind, &all);
	changes_free(&back);
	if (rc)
		return rc;
	changes_free(&c->behind);
	c->behind = all;
	return 0;
}

static int rebase(struct candidate *c, const struct changes *taken)
{
	struct changes left = {0};
	int rc = compare(c, taken, &left);

	if (rc == 0 && (c->n_conflicts || c->behind.n)) {
		changes_free(&left);
		return fall_behind(c, taken);
	}
	if (rc) {
		changes_free(&left);
		return rc;
	}
	changes_free(&c->changes);
	c->changes = left;
	return 0;
}

int candidates_rebase(struct store *s, const struct changes *c)
{
	int rc = 0;

	list_each_safe (it, &s->candidates) {
		struct candidate *x = container_of(it, struct candidate, at);

		if (rc == 0)
			rc = rebase(x, c);
	}
	return rc;
}

/* ---- Going on after a conflict ---- */

/* Whether path lies at or below a path of conflict. */
static bool in_conflict(const struct candidate *c, const char *path)
{
	size_t i;
	size_t n;

	for (i = 0; i < c->n_conflicts; i++) {
		n = strlen(c->conflict[i]);
		if (strncmp(path, c->conflict[i], n) == 0 && (path[n] == '\0' || path[n] == '/'))
			return true;
	}
	return false;
}

static int keep(struct changes *out, const struct change *x)
{
	return changes_add(out, x->op, x->path, x->old, x->new, x->old_after, x->new_after);
}

/* Running's values where both changed: what the candidate did there is dropped. */
static int take_running(const struct candidate *c, struct changes *out)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < c->changes.n && rc == 0; i++) {
		if (!in_conflict(c, c->changes.at[i].path))
			rc = keep(out, &c->changes.at[i]);
	}
	return rc;
}

/* The candidate's values where both changed: of the whole way from running to the candidate, what
 * it did itself and what lies in a conflict; the rest would only take running's new changes back.
 */
static int take_ours(const struct candidate *c, struct changes *out)
{
	struct changes whole = {0};
	struct change_map ours;
	size_t i;
	int rc = changes_compose(&c->behind, &c->changes, &whole);

	if (rc)
		return rc;
	rc = fill(&ours, &c->changes);
	for (i = 0; i < whole.n && rc == 0; i++) {
		const struct change *x = &whole.at[i];

		if (in_conflict(c, x->path) || change_map_get(&ours, x->path, strlen(x->path)))
			rc = keep(out, x);
	}
	change_map_free(&ours);
	changes_free(&whole);
	return rc;
}

int store_update(struct store *s, const char *candidate, const struct principal *p, enum resolve r,
		 struct neterr *e)
{
	struct candidate *c = candidate_find(s, candidate, p);
	struct changes left = {0};
	struct changes made = {0};
	struct editor ed = {s, p, &made, e};
	int rc;

	if (!c)
		return neterr_set(e, NETERR_TRANSACTION_UNKNOWN, "invalid-value",
				  "no such candidate"),
		       -ENOENT;
	if (!c->n_conflicts && !c->behind.n)
		return 0;
	rc = r == RESOLVE_OVERWRITE ? take_running(c, &left) : take_ours(c, &left);
	if (rc == 0)
		rc = editor_force(&ed, &left);
	tree_undo(&s->tree, 0);
	changes_free(&left);
	if (rc == 0)
		rc = changes_compose(&(struct changes){0}, &made, &left);
	changes_free(&made);
	if (rc) {
		if (rc == -ENOMEM)
			neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
		return rc;
	}
	changes_free(&c->changes);
	changes_free(&c->behind);
	c->changes = left;
	candidate_resolved(c);
	return 0;
}
