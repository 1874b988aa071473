/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes judged by access control: may p make them, may p see them? Each by its node as it is in
 * running or will be; and what is in neither (of an old commit) by a node that is made for the
 * question, so that rules about one entry hold for what is gone as well. */
#include "proto/netops/store/path.h"
#include "proto/netops/store/store_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct judging {
	struct store *s;
	const struct principal *p;
	const struct changes *c;
	bool write;
	bool after;  /* the tree has the changes in it */
	bool *known; /* was found in a tree, and judged */
	bool *no;
};

/* What p must be permitted for a change. */
static enum nacm_access access_of(const struct judging *j, const struct change *c)
{
	if (!j->write)
		return NACM_READ;
	return c->op == CHANGE_CREATE	? NACM_CREATE
	       : c->op == CHANGE_DELETE ? NACM_DELETE
					: NACM_UPDATE;
}

static bool may(const struct judging *j, const struct change *c, const struct lyd_node *node)
{
	if (!store_may(j->s, j->p, access_of(j, c), node))
		return false;
	for (node = lyd_parent(node); node && !j->write; node = lyd_parent(node)) {
		if (!store_may(j->s, j->p, NACM_READ, node))
			return false;
	}
	return true;
}

static int in_tree(void *ctx, const struct lyd_node *tree)
{
	struct judging *j = ctx;
	size_t i;

	for (i = 0; i < j->c->n && tree; i++) {
		const struct change *c = &j->c->at[i];
		struct lyd_node *node;
		struct path path;
		size_t depth;

		/* What is created is judged as it will be, all else as it is. */
		if (j->known[i] || (j->write && j->after != (c->op == CHANGE_CREATE)))
			continue;
		if (path_parse(j->s->schema->ctx, c->path, &path, NULL) == 0) {
			node = path_find((struct lyd_node *)tree, &path, &depth);
			if (node && depth == path.n) {
				j->known[i] = true;
				j->no[i] = !may(j, c, node);
			}
		}
		path_free(&path);
	}
	return 0;
}

/* False, too, where the schema knows no such node (any more). */
static bool as_made(const struct judging *j, const struct change *c)
{
	const char *value = c->new ? c->new : c->old;
	struct lyd_node *top = NULL;
	struct lyd_node *node = NULL;
	bool ok;

	if (lyd_new_path2(NULL, j->s->schema->ctx, c->path, value, value ? strlen(value) : 0,
			  LYD_ANYDATA_STRING, 0, &top, &node) != LY_SUCCESS)
		return false;
	ok = node && may(j, c, node);
	lyd_free_all(top);
	return ok;
}

int store_judge(struct store *s, const struct principal *p, const struct changes *c, bool write,
		bool staged, bool *no)
{
	struct judging j = {.s = s, .p = p, .c = c, .write = write, .no = no};
	size_t i;

	memset(no, 0, c->n * sizeof(*no));
	if (!p || p->recovery || c->n == 0)
		return 0;
	j.known = calloc(c->n, sizeof(*j.known));
	if (!j.known)
		return -ENOMEM;
	store_view(s, NULL, in_tree, &j);
	j.after = true;
	if (staged)
		store_view(s, c, in_tree, &j);
	for (i = 0; i < c->n; i++) {
		if (!j.known[i])
			no[i] = !as_made(&j, &c->at[i]);
	}
	free(j.known);
	return 0;
}

int store_may_make(struct store *s, const struct principal *p, const struct changes *c,
		   struct neterr *e)
{
	bool *no;
	size_t i;
	int rc = 0;

	if (!p || p->recovery || c->n == 0)
		return 0;
	no = calloc(c->n, sizeof(*no));
	if (!no || store_judge(s, p, c, true, true, no) != 0)
		rc = neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
	for (i = 0; rc == 0 && i < c->n; i++) {
		if (!no[i])
			continue;
		rc = neterr_set(e, NETERR_ACCESS_DENIED, "access-denied", "access denied");
		err_where(&e->err, "%s", c->at[i].path);
		store_hide(s, p, e);
	}
	free(no);
	return rc;
}
