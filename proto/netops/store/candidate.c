/* SPDX-License-Identifier: BSD-2-Clause */
/* Candidates: sets of changes to running. While running moves on, a candidate moves along; where
 * both changed the same, the candidate stands on the running of before until its owner says how to
 * go on. */
#include "proto/netops/store/editor.h"
#include "proto/netops/store/store_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void candidate_resolved(struct candidate *c)
{
	size_t i;

	for (i = 0; i < c->n_conflicts; i++)
		free(c->conflict[i]);
	free(c->conflict);
	c->conflict = NULL;
	c->n_conflicts = 0;
}

void candidate_free(struct candidate *c)
{
	list_del(&c->at);
	candidate_resolved(c);
	changes_free(&c->changes);
	changes_free(&c->behind);
	free(c);
}

struct candidate *candidate_find(struct store *s, const char *handle, const struct principal *p)
{
	if (!handle)
		handle = "";
	list_each (it, &s->candidates) {
		struct candidate *c = container_of(it, struct candidate, at);

		if (strcmp(c->handle, handle) == 0 &&
		    (!*handle || !p || principal_same(&c->owner, p)))
			return c;
	}
	return NULL;
}

static int unknown(struct neterr *e)
{
	return neterr_set(e, NETERR_TRANSACTION_UNKNOWN, "invalid-value", "no such candidate");
}

int candidate_play(struct store *s, const struct candidate *c, struct neterr *e)
{
	int rc = c ? tree_play(&s->tree, &c->behind, e) : 0;

	if (rc == 0 && c)
		rc = tree_play(&s->tree, &c->changes, e);
	return rc;
}

static unsigned owned(struct store *s, const struct principal *p)
{
	unsigned n = 0;

	list_each (it, &s->candidates) {
		const struct candidate *c = container_of(it, struct candidate, at);

		n += c->handle[0] && principal_same(&c->owner, p);
	}
	return n;
}

static struct candidate *candidate_new(struct store *s, const char *handle,
				       const struct principal *p, struct neterr *e)
{
	static const struct principal nobody;
	struct candidate *c;

	if (strlen(handle) >= CANDIDATE_HANDLE) {
		neterr_set(e, NETERR_INVALID, "invalid-value",
			   "a candidate's handle has at most %d characters", CANDIDATE_HANDLE - 1);
		return NULL;
	}
	if (*handle && owned(s, p ? p : &nobody) >= CANDIDATES_EACH) {
		neterr_set(e, NETERR_LOCK_DENIED, "resource-denied",
			   "there are %d candidates of yours already", CANDIDATES_EACH);
		err_mend(&e->err, "commit or discard one of them");
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
		return NULL;
	}
	snprintf(c->handle, sizeof(c->handle), "%s", handle);
	c->owner = p ? *p : nobody;
	list_add(&s->candidates, &c->at);
	return c;
}

/* ---- Editing ---- */

/* Nodes that were there and whose when the edit made false are deleted by it (RFC 7950 §8.2.1).
 * *found: whether there was one. */
static int delete_disallowed(struct editor *ed, size_t mark, bool *found)
{
	struct lyd_node *victim;
	int rc;

	*found = false;
	rc = tree_disallowed(&ed->s->tree, mark, &victim);
	if (rc || !victim)
		return rc;
	*found = true;
	ed->p = NULL; /* the server's own deed */
	return editor_delete(ed, victim);
}

static int play_edits(struct editor *ed, const struct store_edit *edit, size_t n, size_t *bad)
{
	struct tree *t = &ed->s->tree;
	size_t mark = t->n;
	bool more = true;
	int rc = 0;

	for (*bad = 0; *bad < n && rc == 0; ++*bad)
		rc = editor_apply(ed, &edit[*bad]);
	if (rc) {
		--*bad;
		return rc;
	}
	*bad = n;
	while (rc == 0 && more) {
		rc = tree_settle(t, mark, ed->e);
		if (rc == 0)
			rc = delete_disallowed(ed, mark, &more);
	}
	return rc;
}

/* Which edit failed, and where. */
static void blame(struct neterr *e, const struct store_edit *edit, size_t n, size_t bad)
{
	yyjson_mut_val *data;

	if (bad >= n)
		return;
	if (!e->err.where[0])
		err_where(&e->err, "%s", edit[bad].path ? edit[bad].path : "/");
	data = neterr_data(e);
	if (data)
		yyjson_mut_obj_add_uint(e->data, data, "edit", bad);
}

int store_edit(struct store *s, const char *candidate, const struct principal *p,
	       const struct store_edit *edit, size_t n, usec_t now, struct neterr *e)
{
	struct candidate *c = candidate_find(s, candidate, p);
	struct changes made = {0};
	struct changes all = {0};
	struct editor ed = {s, p, &made, e};
	bool fresh = !c;
	size_t bad = n;
	int rc;

	if (!c)
		c = candidate_new(s, candidate ? candidate : "", p, e);
	if (!c)
		return -EINVAL;
	c->used = now;
	rc = candidate_play(s, c, e);
	if (rc == 0)
		rc = tree_settle(&s->tree, 0, e);
	if (rc == 0)
		rc = play_edits(&ed, edit, n, &bad);
	tree_undo(&s->tree, 0);
	if (rc == 0) {
		rc = changes_compose(&c->changes, &made, &all);
		if (rc)
			neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
	}
	changes_free(&made);
	if (rc) {
		blame(e, edit, n, bad);
		if (fresh)
			candidate_free(c);
		return rc;
	}
	changes_free(&c->changes);
	c->changes = all;
	return 0;
}

int store_candidate(struct store *s, const char *candidate, const struct principal *p,
		    struct changes *out, struct neterr *e)
{
	const struct candidate *c = candidate_find(s, candidate, p);

	*out = (struct changes){0};
	if (!c && (!candidate || !*candidate))
		return 0; /* the shared one is always there */
	if (!c) {
		unknown(e);
		return -ENOENT;
	}
	if (changes_copy(&c->changes, out)) {
		neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
		return -ENOMEM;
	}
	return 0;
}

void store_discard(struct store *s, const char *candidate, const struct principal *p)
{
	struct candidate *c = candidate_find(s, candidate, p);

	if (c)
		candidate_free(c);
}

void store_expire(struct store *s, usec_t now)
{
	list_each_safe (it, &s->candidates) {
		struct candidate *c = container_of(it, struct candidate, at);

		if (c->handle[0] && now >= CANDIDATE_IDLE && c->used < now - CANDIDATE_IDLE)
			candidate_free(c);
	}
}

/* ---- Conflicts ---- */

yyjson_mut_val *store_conflicts(struct store *s, const char *candidate, const struct principal *p,
				yyjson_mut_doc *doc)
{
	const struct candidate *c = candidate_find(s, candidate, p);
	yyjson_mut_val *arr = yyjson_mut_arr(doc);
	size_t i;

	for (i = 0; c && i < c->n_conflicts; i++) {
		if (!yyjson_mut_arr_add_strcpy(doc, arr, c->conflict[i]))
			return NULL;
	}
	return arr;
}

int candidate_conflict(struct candidate *c, const char *path)
{
	char **p;
	size_t i;

	for (i = 0; i < c->n_conflicts; i++) {
		if (strcmp(c->conflict[i], path) == 0)
			return 0;
	}
	p = realloc(c->conflict, (c->n_conflicts + 1) * sizeof(*p));
	if (!p)
		return -ENOMEM;
	c->conflict = p;
	p[c->n_conflicts] = strdup(path);
	return p[c->n_conflicts++] ? 0 : (c->n_conflicts--, -ENOMEM);
}
