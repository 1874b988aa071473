/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/store/lthash.h"
#include "proto/netops/store/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t last_trail;

int tree_init(struct tree *t, struct schema *schema)
{
	*t = (struct tree){.schema = schema, .id = ++last_trail};
	index_init(&t->index);
	return 0;
}

void tree_free(struct tree *t)
{
	tree_undo(t, 0);
	free(t->trail);
	free(t->retyped);
	lyd_free_all(t->root);
	index_free(&t->index);
	*t = (struct tree){0};
}

int tree_ly_err(struct tree *t, const char *tag, const char *where, struct neterr *e)
{
	const struct ly_err_item *item = ly_err_first(t->schema->ctx);
	int rc = !item || item->err == LY_EMEM ? -ENOMEM : -EINVAL;

	if (rc == -ENOMEM)
		neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
	else
		neterr_set(e, NETERR_CONFIG_INCOMPATIBLE, tag, "%s",
			   item->msg ? item->msg : "invalid");
	if (where)
		err_where(&e->err, "%s", where);
	ly_err_clean(t->schema->ctx, NULL);
	return rc;
}

struct lyd_node *tree_parent(const struct lyd_node *node)
{
	return node->parent ? lyd_parent(node) : node->priv;
}

bool tree_attached(const struct tree *t, const struct lyd_node *node)
{
	while (node->parent)
		node = lyd_parent(node);
	return t->root && (node == t->root || node->prev != node);
}

struct lyd_node *tree_ancestor(const struct tree *t, struct lyd_node *node,
			       const struct lysc_node *schema)
{
	while (node && node->schema != schema)
		node = tree_parent(node);
	return node && tree_attached(t, node) ? node : NULL;
}

struct lyd_node *tree_first(const struct tree *t, const struct lyd_node *parent)
{
	return parent ? lyd_child(parent) : t->root;
}

struct lyd_node *tree_child(const struct tree *t, const struct lyd_node *parent,
			    const struct lysc_node *node)
{
	struct lyd_node *first = tree_first(t, parent);
	struct lyd_node *match = NULL;

	if (first)
		lyd_find_sibling_val(first, node, NULL, 0, &match);
	return match;
}

struct lyd_node *tree_before(const struct lyd_node *node)
{
	/* The first sibling's prev is the last one. */
	return node->prev->next && node->prev->schema == node->schema ? node->prev : NULL;
}

/* ---- The order of user-ordered entries, in the hash ---- */

static void hash_pair(struct tree *t, const struct lyd_node *before, const struct lyd_node *node,
		      int (*f)(struct lthash *, const char *const *, size_t))
{
	char *path = lyd_path(node, LYD_PATH_STD, NULL, 0);
	char *pred = before ? path_predicate(before) : NULL;
	const char *parts[] = {"order", path, pred};

	f(t->hash, parts, 3);
	free(path);
	free(pred);
}

static bool counts_order(const struct tree *t, const struct lyd_node *node)
{
	return t->hash && lysc_is_userordered(node->schema) && !(node->flags & LYD_DEFAULT);
}

/* node has come between its neighbours, or is about to go. */
static void order_changed(struct tree *t, const struct lyd_node *node, bool comes)
{
	const struct lyd_node *before = tree_before(node);
	const struct lyd_node *after =
		node->next && node->next->schema == node->schema ? node->next : NULL;

	if (!counts_order(t, node))
		return;
	hash_pair(t, before, node, comes ? lthash_add : lthash_del);
	if (!after)
		return;
	hash_pair(t, before, after, comes ? lthash_del : lthash_add);
	hash_pair(t, node, after, comes ? lthash_add : lthash_del);
}

void tree_content(struct tree *t, const struct lyd_node *node, bool comes)
{
	const char *parts[2];
	char *path;

	if (!t->hash || (node->schema->flags & LYS_KEY) || node_is_implicit(node))
		return;
	if (node->schema->nodetype == LYS_CONTAINER && !(node->schema->flags & LYS_PRESENCE))
		return;
	path = lyd_path(node, LYD_PATH_STD, NULL, 0);
	parts[0] = path;
	parts[1] = node->schema->nodetype == LYS_LEAF ? lyd_get_value(node) : NULL;
	(comes ? lthash_add : lthash_del)(t->hash, parts, 2);
	free(path);
}

/* ---- Linking, and the trail ---- */

static int trail(struct tree *t, enum trail_op op, struct lyd_node *node, struct lyd_node *parent,
		 struct lyd_node *after)
{
	struct trail_step *p;
	size_t cap;

	if (t->n == t->cap) {
		cap = t->cap ? t->cap * 2 : 64;
		p = realloc(t->trail, cap * sizeof(*p));
		if (!p)
			return -ENOMEM;
		t->trail = p;
		t->cap = cap;
	}
	t->trail[t->n++] = (struct trail_step){op, node, parent, after};
	return 0;
}

/* An instance of node is about to come, go or change: what do the expressions that are the same
 * everywhere say before that? Then nobody need look everywhere when they say it still. */
static void note(struct tree *t, const struct lysc_node *node)
{
	const struct snode *s = snode(node);
	size_t i;

	for (i = 0; i < s->n_mentioned; i++) {
		struct xexpr *x = s->mentioned[i];

		if (!x->context_free || x->noted == t->id)
			continue;
		x->noted = t->id;
		x->before = tree_eval(t, x, NULL);
		x->settled = x->before;
	}
}

static void note_below(struct tree *t, const struct lyd_node *top)
{
	const struct lyd_node *node;

	LYD_TREE_DFS_BEGIN(top, node)
	{
		note(t, node->schema);
		LYD_TREE_DFS_END(top, node);
	}
}

static void fix_root(struct tree *t)
{
	while (t->root && t->root->prev->next)
		t->root = t->root->prev;
}

/* A few bytes: nothing sensible can go on without them. */
static void must(int rc)
{
	if (rc)
		abort();
}

static bool has_unique(const struct lyd_node *node)
{
	return node->schema->nodetype == LYS_LIST && snode(node->schema)->unique;
}

static void index_subtree(struct tree *t, struct lyd_node *top, bool add)
{
	struct lyd_node *node;

	LYD_TREE_DFS_BEGIN(top, node)
	{
		if (add) {
			must(index_add(&t->index, node));
			if (has_unique(node))
				must(index_entry(&t->index, node));
		} else {
			index_del(&t->index, node);
			if (has_unique(node))
				index_entry_del(&t->index, node);
		}
		LYD_TREE_DFS_END(top, node);
	}
}

/* Something in an entry changed: its values that must be unique may be others. */
static void index_around(struct tree *t, struct lyd_node *parent)
{
	while (parent && parent->schema->nodetype != LYS_LIST)
		parent = lyd_parent(parent);
	if (parent && has_unique(parent) && tree_attached(t, parent))
		must(index_entry(&t->index, parent));
}

static void unlink_raw(struct tree *t, struct lyd_node *node)
{
	struct lyd_node *parent = lyd_parent(node);

	order_changed(t, node, false);
	index_subtree(t, node, false);
	if (node == t->root)
		t->root = node->next;
	lyd_unlink_tree(node);
	node->priv = parent;
	index_around(t, parent);
}

/* Puts an unlinked node among its siblings: user-ordered ones after `after`, others where they
 * sort. */
static void link_raw(struct tree *t, struct lyd_node *parent, struct lyd_node *node,
		     struct lyd_node *after)
{
	struct lyd_node *first;
	LY_ERR rc;

	node->priv = NULL;
	if (after) {
		rc = lyd_insert_after(after, node);
	} else if (lysc_is_userordered(node->schema) &&
		   (first = tree_child(t, parent, node->schema))) {
		rc = lyd_insert_before(first, node);
	} else if (parent) {
		rc = lyd_insert_child(parent, node);
	} else {
		rc = lyd_insert_sibling(t->root, node, &t->root);
	}
	if (rc != LY_SUCCESS)
		abort();
	fix_root(t);
	index_subtree(t, node, true);
	index_around(t, parent);
	order_changed(t, node, true);
}

/* A node that libyang made under its parent, or apart for the top, is one of the tree. */
static struct lyd_node *linked(struct tree *t, struct lyd_node *parent, struct lyd_node *node,
			       struct neterr *e)
{
	if (!parent)
		lyd_insert_sibling(t->root, node, &t->root);
	if (trail(t, TRAIL_LINK, node, parent, NULL)) {
		if (node == t->root)
			t->root = node->next;
		lyd_free_tree(node);
		neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
		return NULL;
	}
	/* LYD_NEW marks what is on the trail. */
	node->flags |= LYD_NEW;
	index_subtree(t, node, true);
	index_around(t, parent);
	order_changed(t, node, true);
	return node;
}

struct lyd_node *tree_new_inner(struct tree *t, struct lyd_node *parent,
				const struct lysc_node *node, struct neterr *e)
{
	struct lyd_node *n = NULL;

	note(t, node);
	if (lyd_new_inner(parent, node->module, node->name, 0, &n) != LY_SUCCESS) {
		tree_ly_err(t, "operation-failed", NULL, e);
		return NULL;
	}
	return linked(t, parent, n, e);
}

struct lyd_node *tree_new_entry(struct tree *t, struct lyd_node *parent,
				const struct lysc_node *node, const char *keys, struct neterr *e)
{
	const struct lysc_node *key;
	struct lyd_node *n = NULL;

	note(t, node);
	for (key = lysc_node_child(node); key && (key->flags & LYS_KEY); key = key->next)
		note(t, key);
	if (lyd_new_list2(parent, node->module, node->name, keys, 0, &n) != LY_SUCCESS) {
		tree_ly_err(t, "invalid-value", NULL, e);
		return NULL;
	}
	return linked(t, parent, n, e);
}

/* Defaults give way to what is set. */
static int drop_defaults(struct tree *t, struct lyd_node *parent, const struct lysc_node *node)
{
	struct lyd_node *n;
	int rc;

	while ((n = tree_child(t, parent, node)) && (n->flags & LYD_DEFAULT)) {
		rc = tree_unlink(t, n);
		if (rc)
			return rc;
	}
	return 0;
}

struct lyd_node *tree_new_term(struct tree *t, struct lyd_node *parent,
			       const struct lysc_node *node, const char *value, bool is_default,
			       struct neterr *e)
{
	struct lyd_node *n = NULL;
	struct lyd_node *up;

	if (!is_default && drop_defaults(t, parent, node)) {
		neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
		return NULL;
	}
	note(t, node);
	if (lyd_new_term(parent, node->module, node->name, value, 0, &n) != LY_SUCCESS) {
		tree_ly_err(t, "invalid-value", NULL, e);
		return NULL;
	}
	/* libyang took it for set; the containers around it are no less implicit for it. */
	if (is_default)
		n->flags |= LYD_DEFAULT;
	for (up = parent; is_default && up && node_is_implicit(up); up = lyd_parent(up))
		up->flags |= LYD_DEFAULT;
	return linked(t, parent, n, e);
}

int tree_unlink(struct tree *t, struct lyd_node *node)
{
	note_below(t, node);
	if (trail(t, TRAIL_UNLINK, node, lyd_parent(node),
		  lysc_is_userordered(node->schema) ? tree_before(node) : NULL))
		return -ENOMEM;
	unlink_raw(t, node);
	return 0;
}

int tree_move(struct tree *t, struct lyd_node *node, struct lyd_node *after)
{
	struct lyd_node *parent = lyd_parent(node);
	struct lyd_node *before = tree_before(node);

	if (before == after || after == node)
		return 0;
	note_below(t, node);
	if (trail(t, TRAIL_MOVE, node, parent, before))
		return -ENOMEM;
	unlink_raw(t, node);
	link_raw(t, parent, node, after);
	return 0;
}

static void undo_step(struct tree *t, const struct trail_step *s)
{
	switch (s->op) {
	case TRAIL_LINK:
		unlink_raw(t, s->node);
		lyd_free_tree(s->node);
		break;
	case TRAIL_UNLINK:
		link_raw(t, s->parent, s->node, s->after);
		break;
	case TRAIL_MOVE:
		unlink_raw(t, s->node);
		link_raw(t, s->parent, s->node, s->after);
		break;
	}
}

void tree_undo(struct tree *t, size_t mark)
{
	size_t i;

	while (t->n > mark)
		undo_step(t, &t->trail[--t->n]);
	if (t->n)
		return;
	for (i = 0; i < t->n_retyped; i++)
		tree_retype_one(t, t->retyped[i]);
	t->n_retyped = 0;
	t->id = ++last_trail;
}

void tree_keep(struct tree *t)
{
	size_t i;

	/* A node that was linked and unlinked again is on the trail as both; it is freed by the
	 * latter alone. */
	for (i = 0; i < t->n; i++) {
		if (t->trail[i].op == TRAIL_LINK)
			t->trail[i].node->flags &= (uint32_t)~LYD_NEW;
	}
	for (i = 0; i < t->n; i++) {
		if (t->trail[i].op == TRAIL_UNLINK)
			lyd_free_tree(t->trail[i].node);
	}
	t->n = 0;
	t->n_retyped = 0;
	t->id = ++last_trail;
	if (t->cap > 4096) {
		free(t->trail);
		t->trail = NULL;
		t->cap = 0;
	}
}

int tree_take(struct tree *t, struct lyd_node *root, struct lthash *hash, struct neterr *e)
{
	const struct lyd_node *before;
	struct lyd_node *top;
	struct lyd_node *node;

	t->root = root;
	t->hash = hash;
	LY_LIST_FOR(root, top)
	{
		LYD_TREE_DFS_BEGIN(top, node)
		{
			must(index_add(&t->index, node));
			if (has_unique(node))
				must(index_entry(&t->index, node));
			tree_content(t, node, true);
			before = tree_before(node);
			if (counts_order(t, node))
				hash_pair(t, before, node, lthash_add);
			LYD_TREE_DFS_END(top, node);
		}
	}
	t->hash = NULL;
	return 0;
}

/* ---- Looking ---- */

int tree_eval(const struct tree *t, const struct xexpr *x, const struct lyd_node *context)
{
	ly_bool yes = 0;
	LY_ERR rc;

	if (!t->root)
		return 0;
	rc = lyd_eval_xpath4(context, t->root, x->module, x->text, LY_VALUE_SCHEMA_RESOLVED,
			     (void *)x->prefixes, NULL, NULL, NULL, NULL, NULL, &yes);
	if (rc == LY_SUCCESS)
		return yes ? 1 : 0;
	ly_err_clean(t->schema->ctx, NULL);
	return rc == LY_EMEM ? -ENOMEM : -EINVAL;
}

bool tree_same(const struct tree *t, const struct xexpr *x, int *now)
{
	*now = tree_eval(t, x, NULL);
	return x->noted == t->id && *now == x->before;
}

/* Data parents of node from the topmost down to node itself, below stop. */
static size_t chain(const struct lysc_node *node, const struct lysc_node *stop,
		    const struct lysc_node **out, size_t max)
{
	const struct lysc_node *at;
	size_t n = 0;
	size_t i;

	for (at = node; at && at != stop && n < max; at = lysc_data_parent(at))
		out[n++] = at;
	for (i = 0; i < n / 2; i++) {
		at = out[i];
		out[i] = out[n - 1 - i];
		out[n - 1 - i] = at;
	}
	return n;
}

/* The depth is that of the schema, at most PATH_MAX_STEPS. */
static int each_below(struct tree *t, struct lyd_node *from, const struct lysc_node **steps,
		      size_t n, int (*f)(void *ctx, struct lyd_node *instance), void *ctx)
{
	struct lyd_node *it;
	struct lyd_node *next;
	int rc = 0;

	if (n == 0)
		return f(ctx, from);
	for (it = tree_child(t, from, steps[0]); it && it->schema == steps[0] && rc == 0;
	     it = next) {
		next = it->next;
		rc = each_below(t, it, steps + 1, n - 1, f, ctx);
	}
	return rc;
}

int tree_each(struct tree *t, struct lyd_node *from, const struct lysc_node *node,
	      int (*f)(void *ctx, struct lyd_node *instance), void *ctx)
{
	const struct lysc_node *steps[PATH_MAX_STEPS];
	size_t n = chain(node, from ? from->schema : NULL, steps, PATH_MAX_STEPS);

	if (!node) /* the parent of top-level nodes */
		return f(ctx, NULL);
	return each_below(t, from, steps, n, f, ctx);
}
