/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes that were made for another tree, brought about in this one as far as they make sense in
 * it. */
#include "proto/netops/store/editor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct lyd_node *find(struct editor *ed, const char *path)
{
	struct lyd_node *n = NULL;
	struct path p;
	size_t depth;

	if (path_parse(ed->s->schema->ctx, path, &p, &ed->e->err) == 0) {
		n = path_find(ed->s->tree.root, &p, &depth);
		n = depth == p.n ? n : NULL;
	}
	path_free(&p);
	return n;
}

/* The entry that predicate names beside node, or NULL. */
static struct lyd_node *beside(const struct lyd_node *node, const char *predicate)
{
	struct lyd_node *n = NULL;
	char *value;
	size_t len = strlen(predicate);

	if (node->schema->nodetype == LYS_LIST) {
		lyd_find_sibling_val(node, node->schema, predicate, len, &n);
		return n;
	}
	value = len > 6 ? strndup(predicate + 4, len - 6) : NULL; /* [.='x'] */
	if (value)
		lyd_find_sibling_val(node, node->schema, value, 0, &n);
	free(value);
	return n;
}

static int place(struct editor *ed, const struct change *c)
{
	struct lyd_node *node = c->new_after ? find(ed, c->path) : NULL;
	struct lyd_node *after = NULL;

	if (!node || !lysc_is_userordered(node->schema))
		return 0;
	if (c->new_after[0])
		after = beside(node, c->new_after);
	if (c->new_after[0] && (!after || after == node))
		return 0;
	return editor_move(ed, node, after);
}

static int make(struct editor *ed, const struct change *c)
{
	struct lyd_node *own = NULL;
	int rc;

	if (lyd_new_path(NULL, ed->s->schema->ctx, c->path, c->new, 0, &own) != LY_SUCCESS) {
		ly_err_clean(ed->s->schema->ctx, NULL);
		return 0;
	}
	rc = editor_merge(ed, own);
	lyd_free_all(own);
	return rc;
}

int editor_force(struct editor *ed, const struct changes *c)
{
	struct lyd_node *n;
	size_t i;
	int rc = 0;

	for (i = 0; i < c->n && rc == 0; i++) {
		const struct change *x = &c->at[i];

		if (x->op == CHANGE_DELETE) {
			n = find(ed, x->path);
			rc = n ? editor_delete(ed, n) : 0;
		} else {
			rc = x->op == CHANGE_MOVE ? 0 : make(ed, x);
			if (rc == 0)
				rc = place(ed, x);
		}
	}
	return rc;
}
