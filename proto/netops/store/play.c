/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes, played onto the tree. */
#include "proto/netops/store/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int misfit(const struct change *c, const char *why, struct neterr *e)
{
	neterr_set(e, NETERR_CONFIG_INCOMPATIBLE, "operation-failed", "a change does not fit: %s",
		   why);
	err_where(&e->err, "%s", c->path);
	return -EINVAL;
}

static bool is_np(const struct lysc_node *node)
{
	return node->nodetype == LYS_CONTAINER && !(node->flags & LYS_PRESENCE);
}

/* Where the node of a path belongs: its parent, with the non-presence containers on the way. */
static int parent_of(struct tree *t, const struct path *p, struct lyd_node *found, size_t depth,
		     struct lyd_node **out, const struct change *c, struct neterr *e)
{
	for (; depth + 1 < p->n; depth++) {
		if (!is_np(p->step[depth].node))
			return misfit(c, "what it lies in is not there", e);
		found = tree_new_inner(t, found, p->step[depth].node, e);
		if (!found)
			return -EINVAL;
	}
	*out = found;
	return 0;
}

/* The sibling entry that a predicate names. */
static int sibling(struct tree *t, struct lyd_node *parent, const struct lysc_node *node,
		   const char *predicate, struct lyd_node **out)
{
	struct lyd_node *first = tree_child(t, parent, node);
	size_t n = strlen(predicate);
	char *value;
	LY_ERR rc;

	*out = NULL;
	if (!first)
		return -ENOENT;
	if (node->nodetype == LYS_LIST)
		return lyd_find_sibling_val(first, node, predicate, n, out) || !*out ? -ENOENT : 0;
	if (n < 6 || strncmp(predicate, "[.=", 3) != 0) /* [.='x'] */
		return -EINVAL;
	value = strndup(predicate + 4, n - 6);
	if (!value)
		return -ENOMEM;
	rc = lyd_find_sibling_val(first, node, value, 0, out);
	free(value);
	return rc || !*out ? -ENOENT : 0;
}

static int place(struct tree *t, struct lyd_node *node, const struct change *c, struct neterr *e)
{
	struct lyd_node *after = NULL;
	int rc;

	if (!c->new_after || !lysc_is_userordered(node->schema))
		return 0;
	if (c->new_after[0]) {
		rc = sibling(t, lyd_parent(node), node->schema, c->new_after, &after);
		if (rc)
			return misfit(c, "the entry before it is not there", e);
	}
	return tree_move(t, node, after);
}

static int create(struct tree *t, const struct change *c, const struct path *p,
		  struct lyd_node *found, size_t depth, struct neterr *e)
{
	const struct path_step *last = &p->step[p->n - 1];
	struct lyd_node *parent = NULL;
	struct lyd_node *node = NULL;
	int rc;

	if (depth == p->n && is_np(last->node))
		return 0;
	if (depth == p->n && !(found->flags & LYD_DEFAULT))
		return misfit(c, "it is there already", e);
	if (depth == p->n) {
		found = lyd_parent(found);
		depth--;
	}
	rc = parent_of(t, p, found, depth, &parent, c, e);
	if (rc)
		return rc;
	if (last->node->nodetype == LYS_LEAF && c->new)
		node = tree_new_term(t, parent, last->node, c->new, false, e);
	else if (last->node->nodetype == LYS_LEAFLIST && last->key)
		node = tree_new_term(t, parent, last->node, last->key, false, e);
	else if (last->node->nodetype == LYS_LIST && last->key)
		node = tree_new_entry(t, parent, last->node, last->key, e);
	else if (last->node->nodetype == LYS_CONTAINER)
		node = tree_new_inner(t, parent, last->node, e);
	else
		return misfit(c, "it has no value or no keys", e);
	if (!node) {
		err_where(&e->err, "%s", c->path);
		return -EINVAL;
	}
	tree_content(t, node, true);
	return place(t, node, c, e);
}

/* Nothing is set in it but its keys. */
static bool is_bare(const struct lyd_node *node)
{
	const struct lyd_node *child;

	if (node->schema->nodetype & LYD_NODE_TERM)
		return true;
	LY_LIST_FOR(lyd_child(node), child)
	{
		if (!(child->schema->flags & LYS_KEY) && !node_is_implicit(child))
			return false;
	}
	return true;
}

static int play_one(struct tree *t, const struct change *c, const struct path *p,
		    struct lyd_node *found, size_t depth, struct neterr *e)
{
	struct lyd_node *node;
	int rc;

	if (c->op == CHANGE_CREATE)
		return create(t, c, p, found, depth, e);
	if (depth != p->n ||
	    ((found->flags & LYD_DEFAULT) && (found->schema->nodetype & LYD_NODE_TERM)))
		return misfit(c, "it is not there", e);
	if (c->op == CHANGE_MOVE)
		return place(t, found, c, e);
	if (c->old && (found->schema->nodetype & LYD_NODE_TERM) &&
	    strcmp(c->old, lyd_get_value(found)) != 0)
		return misfit(c, "it has another value", e);
	if (c->op == CHANGE_DELETE && !is_bare(found))
		return misfit(c, "what is in it must go first", e);
	if (c->op == CHANGE_DELETE) {
		tree_content(t, found, false);
		return tree_unlink(t, found);
	}
	if (found->schema->nodetype != LYS_LEAF || !c->new)
		return misfit(c, "only the value of a leaf is replaced", e);
	if (found->schema->flags & LYS_KEY)
		return misfit(c, "a key does not change", e);
	tree_content(t, found, false);
	rc = tree_unlink(t, found);
	if (rc)
		return rc;
	node = tree_new_term(t, found->priv, found->schema, c->new, false, e);
	if (node) {
		tree_content(t, node, true);
		return 0;
	}
	err_where(&e->err, "%s", c->path);
	return -EINVAL;
}

/* Where the change before was, so that the next one, which is mostly beside it, begins from there.
 */
struct cursor {
	const char *text;
	struct path path;
	struct lyd_node *node[PATH_MAX_STEPS];
	size_t found; /* how many of the steps have their node */
};

/* How many steps of the cursor's path the text begins with. */
static size_t shared(const struct cursor *at, const char *text)
{
	size_t n = 0;
	size_t steps = 0;

	if (!at->text)
		return 0;
	for (; steps < at->path.n; steps++) {
		size_t end = at->path.end[steps];

		if (strncmp(at->text + n, text + n, end - n) != 0 ||
		    (text[end] != '/' && text[end]))
			break;
		n = end;
	}
	return steps;
}

static int seek(struct tree *t, struct cursor *at, const char *text, struct neterr *e)
{
	size_t keep = shared(at, text);
	struct lyd_node *siblings;
	size_t i;
	int rc;

	at->text = NULL;
	if (at->found > keep)
		at->found = keep;
	rc = path_parse_on(t->schema->ctx, text, keep, &at->path, &e->err);
	if (rc)
		return rc;
	at->text = text;
	for (i = at->found; i < at->path.n; i++) {
		const struct path_step *s = &at->path.step[i];

		siblings = tree_first(t, i ? at->node[i - 1] : NULL);
		at->node[i] = NULL;
		if (!s->key && (s->node->nodetype & (LYS_LIST | LYS_LEAFLIST)))
			break;
		if (!siblings || lyd_find_sibling_val(siblings, s->node, s->key, 0, &at->node[i]) ||
		    !at->node[i])
			break;
	}
	at->found = i;
	return 0;
}

static int play_at(struct tree *t, struct cursor *at, const struct change *c, struct neterr *e)
{
	int rc = seek(t, at, c->path, e);

	if (rc)
		neterr_set(e, NETERR_CONFIG_INCOMPATIBLE, "unknown-element",
			   "a change has a path that the schema does not know: %.120s", c->path);
	else if (at->path.n == 0)
		rc = misfit(c, "the root is no node", e);
	else
		rc = play_one(t, c, &at->path, at->found ? at->node[at->found - 1] : NULL,
			      at->found, e);
	/* What it names itself may be another node now. */
	if (at->found && at->found == at->path.n)
		at->found--;
	return rc;
}

int tree_play(struct tree *t, const struct changes *c, struct neterr *e)
{
	struct cursor at = {0};
	size_t i;
	int rc = 0;

	for (i = 0; i < c->n && rc == 0; i++)
		rc = play_at(t, &at, &c->at[i], e);
	path_free(&at.path);
	if (rc == -ENOMEM)
		neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
	return rc;
}
