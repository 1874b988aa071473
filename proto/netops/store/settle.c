/* SPDX-License-Identifier: BSD-2-Clause */
/* What is in the tree without having been set: default values, non-presence containers, and all
 * that depends on a when or on the case that is active (RFC 7950 §7.5.1, §7.6.1, §7.9.3, §7.21.5).
 */
#include "proto/netops/store/tree.h"

#include <errno.h>
#include <stdlib.h>

static int fill(struct tree *t, struct lyd_node *parent, const struct lysc_node *node,
		struct neterr *e);

static bool is_np(const struct lysc_node *node)
{
	return node->nodetype == LYS_CONTAINER && !(node->flags & LYS_PRESENCE);
}

/* Not set by anybody: a default, or a non-presence container with nothing else in it. Depth: that
 * of the schema. */
bool node_is_implicit(const struct lyd_node *node)
{
	const struct lyd_node *child;

	if (node->schema->nodetype & LYD_NODE_TERM)
		return node->flags & LYD_DEFAULT;
	if (!is_np(node->schema))
		return false;
	LY_LIST_FOR(lyd_child(node), child)
	{
		if (!node_is_implicit(child))
			return false;
	}
	return true;
}

/* Whether every when of node lets an instance below parent be. 1, 0 or negative errno; instance may
 * be NULL. */
static int allowed(struct tree *t, struct lyd_node *parent, const struct lysc_node *node,
		   struct lyd_node *instance)
{
	const struct snode *s = snode(node);
	size_t i;
	int rc = 1;

	for (i = 0; i < s->n_whens && rc == 1; i++) {
		const struct xexpr *x = s->whens[i];

		if (x->context == node && !instance)
			return -EAGAIN;
		rc = tree_eval(t, x, x->context == node ? instance : parent);
	}
	return rc;
}

static struct lyd_node *make(struct tree *t, struct lyd_node *parent, const struct lysc_node *node,
			     const struct lyd_value *value, struct neterr *e)
{
	if (node->nodetype == LYS_CONTAINER)
		return tree_new_inner(t, parent, node, e);
	return tree_new_term(t, parent, node, lyd_value_get_canonical(t->schema->ctx, value), true,
			     e);
}

/* An implicit instance that is not there yet, where its when allows it. */
static int fill_one(struct tree *t, struct lyd_node *parent, const struct lysc_node *node,
		    const struct lyd_value *value, struct neterr *e)
{
	int ok = allowed(t, parent, node, NULL);
	size_t mark = t->n;
	struct lyd_node *n;

	if (ok != 1 && ok != -EAGAIN)
		return ok;
	n = make(t, parent, node, value, e);
	if (!n)
		return -EINVAL;
	if (ok == -EAGAIN) {
		ok = allowed(t, parent, node, n);
		if (ok != 1)
			tree_undo(t, mark);
		if (ok != 1)
			return ok;
	}
	return 0;
}

/* Takes out what is implicit of a choice's case, but for the case that is kept. */
static int clear_case(struct tree *t, struct lyd_node *parent, const struct lysc_node *at)
{
	const struct lysc_node *child;
	struct lyd_node *n;
	int rc = 0;

	LY_LIST_FOR(lysc_node_child(at), child)
	{
		if (child->nodetype & (LYS_CHOICE | LYS_CASE)) {
			rc = clear_case(t, parent, child);
		} else {
			while (rc == 0 && (n = tree_child(t, parent, child)) && node_is_implicit(n))
				rc = tree_unlink(t, n);
		}
		if (rc)
			return rc;
	}
	return 0;
}

/* Whether something of a case (or choice) is set. */
static bool is_set(const struct tree *t, struct lyd_node *parent, const struct lysc_node *at)
{
	const struct lysc_node *child;
	const struct lyd_node *n;

	LY_LIST_FOR(lysc_node_child(at), child)
	{
		if (child->nodetype & (LYS_CHOICE | LYS_CASE)) {
			if (is_set(t, parent, child))
				return true;
			continue;
		}
		n = tree_child(t, parent, child);
		if (n && !node_is_implicit(n))
			return true;
	}
	return false;
}

static int fill_choice(struct tree *t, struct lyd_node *parent, const struct lysc_node *node,
		       struct neterr *e)
{
	const struct lysc_node_choice *choice = (const struct lysc_node_choice *)node;
	const struct lysc_node *active = choice->dflt ? &choice->dflt->node : NULL;
	const struct lysc_node *c;
	const struct lysc_node *child;
	int rc = 0;

	LY_LIST_FOR(lysc_node_child(node), c)
	{
		if (is_set(t, parent, c)) {
			active = c;
			break;
		}
	}
	LY_LIST_FOR(lysc_node_child(node), c)
	{
		if (c != active && rc == 0)
			rc = clear_case(t, parent, c);
	}
	if (!active)
		return rc;
	LY_LIST_FOR(lysc_node_child(active), child)
	{
		if (rc == 0)
			rc = fill(t, parent, child, e);
	}
	return rc;
}

/* The implicit instances of one schema node under parent. */
static int fill(struct tree *t, struct lyd_node *parent, const struct lysc_node *node,
		struct neterr *e)
{
	const struct lysc_node_leaflist *ll = (const struct lysc_node_leaflist *)node;
	LY_ARRAY_COUNT_TYPE i;
	int rc = 0;

	if (!(node->flags & LYS_CONFIG_W))
		return 0;
	if (node->nodetype == LYS_CHOICE)
		return fill_choice(t, parent, node, e);
	if (!snode(node) || tree_child(t, parent, node))
		return 0;
	if (is_np(node))
		return fill_one(t, parent, node, NULL, e);
	if (node->nodetype == LYS_LEAF && ((const struct lysc_node_leaf *)node)->dflt)
		return fill_one(t, parent, node, ((const struct lysc_node_leaf *)node)->dflt, e);
	if (node->nodetype != LYS_LEAFLIST)
		return 0;
	LY_ARRAY_FOR(ll->dflts, i)
	{
		if (rc == 0)
			rc = fill_one(t, parent, node, ll->dflts[i], e);
	}
	return rc;
}

/* Around a node that came or went: the outermost choice that it is of, or it itself; and the same
 * upwards through non-presence containers, which make a case active by what is in them. */
static int settle_around(struct tree *t, struct lyd_node *parent, const struct lysc_node *node,
			 struct neterr *e)
{
	const struct lysc_node *top;
	int rc;

	for (;;) {
		top = node;
		while (top->parent && (top->parent->nodetype & (LYS_CASE | LYS_CHOICE)))
			top = top->parent;
		rc = fill(t, parent, top, e);
		if (rc || !parent || !is_np(parent->schema))
			return rc;
		node = parent->schema;
		parent = lyd_parent(parent);
		/* A container that was cleared away with its case is no place any more. */
		if (parent && !tree_attached(t, parent))
			return 0;
	}
}

static int settle_below(struct tree *t, struct lyd_node *node, struct neterr *e)
{
	const struct lysc_node *child;
	int rc = 0;

	if (!(node->schema->nodetype & (LYS_CONTAINER | LYS_LIST)))
		return 0;
	LY_LIST_FOR(lysc_node_child(node->schema), child)
	{
		if (rc == 0)
			rc = fill(t, node, child, e);
	}
	return rc;
}

struct when_walk {
	struct tree *t;
	const struct lysc_node *owner;
	struct neterr *e;
};

/* The when of owner may have turned: implicit instances under parent go or come. */
static int settle_when(void *ctx, struct lyd_node *parent)
{
	struct when_walk *w = ctx;
	struct lyd_node *n = tree_child(w->t, parent, w->owner);
	struct lyd_node *next;
	int rc;

	if (!n)
		return settle_around(w->t, parent, w->owner, w->e);
	for (; n && n->schema == w->owner; n = next) {
		next = n->next;
		if (!node_is_implicit(n))
			continue;
		rc = allowed(w->t, parent, w->owner, n);
		if (rc == 0)
			rc = tree_unlink(w->t, n);
		else if (rc == 1)
			rc = 0;
		if (rc)
			return rc;
	}
	return 0;
}

/* Whether a context-free when says what the tree is settled for already; if not, it is to be now.
 */
static bool is_settled(const struct tree *t, struct xexpr *x)
{
	int now;

	if (!x->context_free || x->noted != t->id)
		return false;
	now = tree_eval(t, x, NULL);
	if (now == x->settled)
		return true;
	x->settled = now;
	return false;
}

static int settle_mentioned(struct tree *t, struct lyd_node *node, struct neterr *e)
{
	const struct snode *s = snode(node->schema);
	struct lyd_node *from;
	size_t i;
	int rc = 0;

	for (i = 0; i < s->n_mentioned && rc == 0; i++) {
		struct xexpr *x = s->mentioned[i];
		struct when_walk w = {t, x->owner, e};

		if (x->is_must || is_settled(t, x))
			continue;
		from = NULL;
		if (!expr_scope(t, x, node, &from))
			continue;
		if (from && from->schema == x->owner)
			rc = settle_when(&w, lyd_parent(from));
		else
			rc = tree_each(t, from, lysc_data_parent(x->owner), settle_when, &w);
	}
	return rc;
}

bool expr_scope(const struct tree *t, const struct xexpr *x, struct lyd_node *node,
		struct lyd_node **from)
{
	const struct lysc_node *at = x->context;
	int i;

	*from = NULL;
	if (x->climbs < 0)
		return true;
	for (i = 0; i < x->climbs && at; i++)
		at = lysc_data_parent(at);
	if (!at)
		return true;
	*from = tree_ancestor(t, node, at);
	return *from != NULL;
}

/* All that was unlinked with a node is gone as well. */
static int settle_gone(struct tree *t, struct lyd_node *top, struct neterr *e)
{
	struct lyd_node *node;
	int rc = 0;

	LYD_TREE_DFS_BEGIN(top, node)
	{
		if (rc == 0)
			rc = settle_mentioned(t, node, e);
		LYD_TREE_DFS_END(top, node);
	}
	return rc;
}

static int settle_step(struct tree *t, const struct trail_step *s, struct neterr *e)
{
	bool in_place = !s->parent || tree_attached(t, s->parent);
	struct lyd_node *key;
	int rc = 0;

	if (s->op == TRAIL_UNLINK)
		rc = settle_gone(t, s->node, e);
	else
		rc = settle_mentioned(t, s->node, e);
	if (rc == 0 && s->op == TRAIL_LINK && s->node->schema->nodetype == LYS_LIST) {
		LY_LIST_FOR(lyd_child(s->node), key)
		{
			if (rc == 0 && (key->schema->flags & LYS_KEY))
				rc = settle_mentioned(t, key, e);
		}
	}
	if (rc == 0 && s->op == TRAIL_LINK && tree_attached(t, s->node))
		rc = settle_below(t, s->node, e);
	if (rc == 0 && in_place)
		rc = settle_around(t, s->parent, s->node->schema, e);
	return rc;
}

/* ---- Nodes that are set, and may no longer be ---- */

struct disallowed {
	struct tree *t;
	size_t mark;
	const struct lysc_node *owner;
	struct lyd_node *found;
};

static bool is_new(const struct disallowed *d, const struct lyd_node *node)
{
	size_t i;

	for (i = d->mark; (node->flags & LYD_NEW) && i < d->t->n; i++) {
		if (d->t->trail[i].op == TRAIL_LINK && d->t->trail[i].node == node)
			return true;
	}
	return false;
}

static int look_disallowed(void *ctx, struct lyd_node *parent)
{
	struct disallowed *d = ctx;
	struct lyd_node *n = tree_child(d->t, parent, d->owner);
	int rc;

	for (; n && n->schema == d->owner; n = n->next) {
		if (node_is_implicit(n))
			continue;
		rc = allowed(d->t, parent, d->owner, n);
		if (rc < 0)
			return rc;
		if (rc == 0 && !is_new(d, n)) {
			d->found = n;
			return 1;
		}
	}
	return 0;
}

static int look_mentioned(struct disallowed *d, struct lyd_node *node)
{
	const struct snode *s = snode(node->schema);
	struct lyd_node *from;
	size_t i;
	int rc = 0;

	for (i = 0; i < s->n_mentioned && rc == 0; i++) {
		const struct xexpr *x = s->mentioned[i];

		if (x->is_must || (x->context_free && tree_eval(d->t, x, NULL) == 1) ||
		    !expr_scope(d->t, x, node, &from))
			continue;
		d->owner = x->owner;
		if (from && from->schema == x->owner)
			rc = look_disallowed(d, lyd_parent(from));
		else
			rc = tree_each(d->t, from, lysc_data_parent(x->owner), look_disallowed, d);
	}
	return rc;
}

int tree_disallowed(struct tree *t, size_t mark, struct lyd_node **out)
{
	struct disallowed d = {.t = t, .mark = mark};
	struct lyd_node *node;
	size_t i;
	int rc = 0;

	for (i = mark; i < t->n && rc == 0; i++) {
		LYD_TREE_DFS_BEGIN(t->trail[i].node, node)
		{
			if (rc == 0)
				rc = look_mentioned(&d, node);
			LYD_TREE_DFS_END(t->trail[i].node, node);
		}
	}
	*out = d.found;
	return rc < 0 ? rc : 0;
}

int tree_settle_all(struct tree *t, struct neterr *e)
{
	const struct lys_module *mod;
	const struct lysc_node *top;
	uint32_t i = 0;
	int rc = 0;

	while ((mod = ly_ctx_get_module_iter(t->schema->ctx, &i))) {
		if (!mod->implemented || !mod->compiled)
			continue;
		LY_LIST_FOR(mod->compiled->data, top)
		{
			if (rc == 0)
				rc = fill(t, NULL, top, e);
		}
	}
	if (rc == 0)
		rc = tree_settle(t, 0, e);
	if (rc == 0)
		tree_keep(t);
	return rc;
}

int tree_settle(struct tree *t, size_t mark, struct neterr *e)
{
	/* The model has no circles of whens (libyang refuses them), so this ends; the bound is
	 * against our own mistakes. */
	size_t limit = (t->n - mark + 1) * 4096 + 65536;
	size_t i;
	int rc = 0;

	for (i = mark; i < t->n && rc == 0; i++) {
		struct trail_step s = t->trail[i]; /* the trail may move while it grows */

		if (i - mark > limit)
			rc = neterr_set(e, NETERR_INTERNAL, "operation-failed",
					"defaults do not settle");
		else
			rc = settle_step(t, &s, e);
	}
	if (rc == 0)
		rc = tree_retype(t, mark);
	if (rc == -ENOMEM)
		neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
	return rc;
}
