/* SPDX-License-Identifier: BSD-2-Clause */
/* Unions with references in them, whose type depends on what is there (RFC 7950 §9.12). */
#include "proto/netops/store/tree.h"

#include <errno.h>
#include <libyang/plugins_types.h>
#include <stdlib.h>

void tree_retype_one(const struct tree *t, struct lyd_node *node)
{
	struct lyd_node_term *term = (struct lyd_node_term *)node;
	const struct lysc_type *type = ((const struct lysc_node_leaf *)node->schema)->type;
	struct ly_err_item *item = NULL;

	/* Where no member fits any more, the check says so. */
	type->plugin->validate(t->schema->ctx, type, node, t->root, &term->value, &item);
	ly_err_free(item);
	ly_err_clean(t->schema->ctx, NULL);
}

static int retype_one(struct tree *t, struct lyd_node *node)
{
	struct lyd_node **p;

	if (!(node->schema->nodetype & LYD_NODE_TERM) || !snode(node->schema)->is_union)
		return 0;
	if (!(node->flags & LYD_NEW)) {
		p = realloc(t->retyped, (t->n_retyped + 1) * sizeof(*p));
		if (!p)
			return -ENOMEM;
		t->retyped = p;
		p[t->n_retyped++] = node;
	}
	tree_retype_one(t, node);
	return 0;
}

static int retype_referrers(struct tree *t, const struct lyd_node *node)
{
	const struct snode *s = snode(node->schema);
	const struct index_group *g;
	size_t i;
	int rc = 0;

	if (!(node->schema->nodetype & LYD_NODE_TERM))
		return 0;
	for (i = 0; i < s->n_referrers && rc == 0; i++) {
		if (!snode(s->referrers[i])->is_union)
			continue;
		g = index_find(&t->index, s->referrers[i], lyd_get_value(node));
		if (!g)
			continue;
		list_each (it, &g->refs) {
			if (rc == 0)
				rc = retype_one(t, container_of(it, struct index_ref, at)->node);
		}
	}
	return rc;
}

int tree_retype(struct tree *t, size_t mark)
{
	struct lyd_node *node;
	size_t i;
	int rc = 0;

	for (i = mark; i < t->n && rc == 0; i++) {
		const struct trail_step *s = &t->trail[i];

		if (s->op == TRAIL_LINK && tree_attached(t, s->node))
			rc = retype_one(t, s->node);
		if (s->op == TRAIL_MOVE)
			continue;
		LYD_TREE_DFS_BEGIN(s->node, node)
		{
			if (rc == 0)
				rc = retype_referrers(t, node);
			LYD_TREE_DFS_END(s->node, node);
		}
	}
	return rc;
}
