/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/store/check.h"

#include "base/hash.h"

#include <errno.h>
#include <libyang/plugins_types.h>
#include <stdlib.h>
#include <string.h>

/* What was looked at already, so that a bulk edit does not look again for each of its nodes. */
struct seen {
	struct hash_node h;
	const void *what;
	const void *where;
};

struct checker {
	struct tree *t;
	struct neterr *e;
	struct alloc alloc;
	struct hash seen;
	const struct xexpr *x; /* under way */
	bool once;	       /* its verdict is the same everywhere, and known to be good */
};

static int again(struct checker *c, const void *what, const void *where)
{
	const void *key[] = {what, where};
	uint32_t h = hash_bytes(key, sizeof(key), 0);
	struct hash_node *it;
	struct seen *s;

	for (it = hash_first(&c->seen, h); it; it = hash_next(it)) {
		s = (struct seen *)it;
		if (s->what == what && s->where == where)
			return 1;
	}
	s = alloc_zero(&c->alloc, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->what = what;
	s->where = where;
	if (hash_add(&c->seen, &s->h, h)) {
		alloc_free(&c->alloc, s, sizeof(*s));
		return -ENOMEM;
	}
	return 0;
}

/* A violation at node (or at schema below node). */
static int violated(struct checker *c, const struct lyd_node *node, const struct lysc_node *schema,
		    const char *tag, const char *app_tag, const char *what)
{
	yyjson_mut_val *data;
	char *path = node ? lyd_path(node, LYD_PATH_STD, NULL, 0) : NULL;

	neterr_set(c->e, NETERR_CONFIG_INCOMPATIBLE, tag, "%s", what);
	if (schema && (!node || schema->module != node->schema->module))
		err_where(&c->e->err, "%s/%s:%s", path ? path : "", schema->module->name,
			  schema->name);
	else
		err_where(&c->e->err, "%s%s%s", path ? path : "", schema ? "/" : "",
			  schema ? schema->name : "");
	data = app_tag ? neterr_data(c->e) : NULL;
	if (data)
		yyjson_mut_obj_add_str(c->e->data, data, "errorAppTag", app_tag);
	free(path);
	return -EINVAL;
}

static int check_expr(struct checker *c, const struct xexpr *x, const struct lyd_node *context,
		      const struct lyd_node *node)
{
	char what[256];
	int ok = tree_eval(c->t, x, context);

	if (ok == 1)
		return 0;
	if (ok < 0)
		return ok;
	if (!x->is_must) {
		snprintf(what, sizeof(what), "%s may not be here: it needs that %s",
			 node->schema->name, x->source);
		return violated(c, node, NULL, "unknown-element", NULL, what);
	}
	if (x->must->emsg)
		snprintf(what, sizeof(what), "%s", x->must->emsg);
	else
		snprintf(what, sizeof(what), "%s must be such that %s", node->schema->name,
			 x->source);
	return violated(c, node, NULL, "operation-failed",
			x->must->eapptag ? x->must->eapptag : "must-violation", what);
}

static int check_whens(struct checker *c, const struct lyd_node *node)
{
	const struct snode *s = snode(node->schema);
	size_t i;
	int rc = 0;

	for (i = 0; i < s->n_whens && rc == 0; i++)
		rc = check_expr(c, s->whens[i],
				s->whens[i]->context == node->schema ? node : lyd_parent(node),
				node);
	return rc;
}

/* References: leafrefs, instance-identifiers, unions with such. */
static int check_value(struct checker *c, struct lyd_node *node)
{
	struct lyd_node_term *term = (struct lyd_node_term *)node;
	const struct lysc_type *type;
	struct ly_err_item *item = NULL;
	char what[256];
	LY_ERR rc;

	if (!(node->schema->nodetype & LYD_NODE_TERM) || !snode(node->schema)->resolves)
		return 0;
	type = ((const struct lysc_node_leaf *)node->schema)->type;
	rc = type->plugin->validate(c->t->schema->ctx, type, node, c->t->root, &term->value, &item);
	ly_err_free(item);
	ly_err_clean(c->t->schema->ctx, NULL);
	if (rc == LY_SUCCESS)
		return 0;
	if (rc == LY_EMEM)
		return -ENOMEM;
	snprintf(what, sizeof(what), "%s refers to \"%.120s\", which is not there",
		 node->schema->name, lyd_get_value(node));
	return violated(c, node, NULL, "data-missing", "instance-required", what);
}

/* ---- What must be below a node: mandatory, min- and max-elements, one case of a choice ---- */

static bool has_data(struct checker *c, const struct lyd_node *parent, const struct lysc_node *at)
{
	const struct lysc_node *child;

	if (!(at->nodetype & (LYS_CHOICE | LYS_CASE)))
		return tree_child(c->t, parent, at) != NULL;
	LY_LIST_FOR(lysc_node_child(at), child)
	{
		if (has_data(c, parent, child))
			return true;
	}
	return false;
}

/* Whether the whens of a node that is not there, and of the choices around it, would let it be. A
 * when with the node itself as context is asked of a stand-in. */
static int wanted(struct checker *c, struct lyd_node *parent, const struct lysc_node *node)
{
	const struct lysc_node *at = node;
	struct lysc_when **whens;
	LY_ARRAY_COUNT_TYPE i;
	struct lyd_node *stand_in = NULL;
	struct lyd_node *root = NULL;
	ly_bool yes = 1;
	LY_ERR rc = LY_SUCCESS;

	do {
		whens = lysc_node_when(at);
		LY_ARRAY_FOR(whens, i)
		{
			const struct lysc_when *w = whens[i];
			struct lyd_node *context = parent;
			char *text = NULL;

			if (w->context == node && !stand_in && parent &&
			    lyd_new_opaq(parent, c->t->schema->ctx, node->name, NULL, NULL,
					 node->module->name, &stand_in) != LY_SUCCESS)
				return -ENOMEM;
			if (w->context == node && stand_in)
				context = stand_in;
			root = c->t->root;
			if (!root) {
				yes = 0;
				break;
			}
			if (asprintf(&text, "boolean(%s)", lyxp_get_expr(w->cond)) < 0) {
				lyd_free_tree(stand_in);
				return -ENOMEM;
			}
			rc = lyd_eval_xpath4(context, root, at->module, text,
					     LY_VALUE_SCHEMA_RESOLVED, w->prefixes, NULL, NULL,
					     NULL, NULL, NULL, &yes);
			free(text);
			if (rc != LY_SUCCESS || !yes)
				break;
		}
		at = at->parent;
	} while (rc == LY_SUCCESS && yes && at && (at->nodetype & (LYS_CASE | LYS_CHOICE)));
	lyd_free_tree(stand_in);
	if (rc != LY_SUCCESS)
		return -EINVAL;
	return yes ? 1 : 0;
}

static int missing(struct checker *c, struct lyd_node *parent, const struct lysc_node *node)
{
	char what[256];
	int rc = wanted(c, parent, node);

	if (rc <= 0)
		return rc;
	snprintf(what, sizeof(what), "%s is mandatory", node->name);
	if (node->nodetype == LYS_CHOICE)
		return violated(c, parent, node, "data-missing", "missing-choice", what);
	return violated(c, parent, node, "data-missing", NULL, what);
}

static int check_count(struct checker *c, struct lyd_node *parent, const struct lysc_node *node,
		       uint32_t min, uint32_t max)
{
	const struct lyd_node *n = NULL;
	uint32_t count = 0;
	char what[256];
	int rc;

	if (min == 0 && max == UINT32_MAX)
		return 0;
	for (n = tree_child(c->t, parent, node); n && n->schema == node; n = n->next) {
		count++;
		if (count > max || (max == UINT32_MAX && count >= min))
			break;
	}
	if (count > max) {
		snprintf(what, sizeof(what), "at most %u of %s may be there", max, node->name);
		return violated(c, parent, node, "operation-failed", "too-many-elements", what);
	}
	if (count >= min)
		return 0;
	rc = wanted(c, parent, node);
	if (rc <= 0)
		return rc;
	snprintf(what, sizeof(what), "at least %u of %s must be there", min, node->name);
	return violated(c, parent, node, "operation-failed", "too-few-elements", what);
}

static int check_children(struct checker *c, struct lyd_node *parent,
			  const struct lysc_node *first);

static int check_choice(struct checker *c, struct lyd_node *parent, const struct lysc_node *choice)
{
	const struct lysc_node *active = NULL;
	const struct lysc_node *at;
	char what[256];

	LY_LIST_FOR(lysc_node_child(choice), at)
	{
		if (!has_data(c, parent, at))
			continue;
		if (active) {
			snprintf(what, sizeof(what), "%s and %s exclude each other", active->name,
				 at->name);
			return violated(c, parent, choice, "bad-element", NULL, what);
		}
		active = at;
	}
	if (!active)
		return choice->flags & LYS_MAND_TRUE ? missing(c, parent, choice) : 0;
	return check_children(c, parent, lysc_node_child(active));
}

static int check_child(struct checker *c, struct lyd_node *parent, const struct lysc_node *node)
{
	const struct lysc_node_list *list = (const struct lysc_node_list *)node;
	const struct lysc_node_leaflist *ll = (const struct lysc_node_leaflist *)node;

	if (!(node->flags & LYS_CONFIG_W))
		return 0;
	switch (node->nodetype) {
	case LYS_CHOICE:
		return check_choice(c, parent, node);
	case LYS_LIST:
		return check_count(c, parent, node, list->min, list->max);
	case LYS_LEAFLIST:
		return check_count(c, parent, node, ll->min, ll->max);
	default:
		if (!(node->flags & LYS_MAND_TRUE) || tree_child(c->t, parent, node))
			return 0;
		return missing(c, parent, node);
	}
}

/* Recursion goes as deep as choices are nested in the schema. */
static int check_children(struct checker *c, struct lyd_node *parent, const struct lysc_node *first)
{
	const struct lysc_node *node;
	int rc = 0;

	LY_LIST_FOR(first, node)
	{
		if (rc == 0)
			rc = check_child(c, parent, node);
	}
	return rc;
}

static int check_below(struct checker *c, struct lyd_node *parent)
{
	const struct lys_module *mod;
	uint32_t i = 0;
	int rc = again(c, check_below, parent);

	if (rc)
		return rc == 1 ? 0 : rc;
	if (parent) {
		if (!(parent->schema->nodetype & (LYS_CONTAINER | LYS_LIST)))
			return 0;
		return check_children(c, parent, lysc_node_child(parent->schema));
	}
	while (rc == 0 && (mod = ly_ctx_get_module_iter(c->t->schema->ctx, &i))) {
		if (mod->implemented && mod->compiled)
			rc = check_children(c, NULL, mod->compiled->data);
	}
	return rc;
}

/* ---- unique ---- */

static int check_unique(struct checker *c, struct lyd_node *entry)
{
	if (!index_same(&c->t->index, entry))
		return 0;
	return violated(c, entry, NULL, "operation-failed", "data-not-unique",
			"another entry has the same values, which must be unique");
}

/* ---- Nodes that came, and nodes that went ---- */

static int check_came(struct checker *c, struct lyd_node *node)
{
	const struct snode *s = snode(node->schema);
	struct lyd_node *key;
	struct lyd_node *entry;
	size_t i;
	int rc = check_whens(c, node);

	if (rc == 0)
		rc = check_value(c, node);
	for (i = 0; i < s->n_musts && rc == 0; i++)
		rc = check_expr(c, s->musts[i], node, node);
	if (rc == 0)
		rc = check_below(c, node);
	if (rc == 0 && s->unique) {
		entry = node;
		while (entry && entry->schema->nodetype != LYS_LIST)
			entry = lyd_parent(entry);
		if (entry)
			rc = check_unique(c, entry);
	}
	if (node->schema->nodetype != LYS_LIST)
		return rc;
	LY_LIST_FOR(lyd_child(node), key)
	{
		if (rc == 0 && (key->schema->flags & LYS_KEY))
			rc = check_came(c, key);
	}
	return rc;
}

/* Those that refer to a value that is no longer there by this node (it may still be by another
 * one). */
static int check_referrers(struct checker *c, const struct lyd_node *node)
{
	const struct snode *s = snode(node->schema);
	const struct index_group *g;
	size_t i;
	int rc = 0;

	if (!(node->schema->nodetype & LYD_NODE_TERM))
		return 0;
	for (i = 0; i < s->n_referrers; i++) {
		g = index_find(&c->t->index, s->referrers[i], lyd_get_value(node));
		if (!g)
			continue;
		list_each (it, &g->refs) {
			rc = check_value(c, container_of(it, struct index_ref, at)->node);
			if (rc)
				return rc;
		}
	}
	return 0;
}

static int check_one_value(void *ctx, struct lyd_node *node)
{
	return check_value(ctx, node);
}

/* Leafrefs whose path looks at this node by a predicate. */
static int check_predicated(struct checker *c, struct lyd_node *node)
{
	const struct snode *s = snode(node->schema);
	const struct lysc_node *at;
	struct lyd_node *from;
	size_t i;
	int climbs;
	int rc = 0;

	for (i = 0; i < s->n_predicated && rc == 0; i++) {
		at = s->predicated[i];
		for (climbs = s->predicated_climbs[i]; climbs > 0 && at; climbs--)
			at = lysc_data_parent(at);
		from = at ? tree_ancestor(c->t, node, at) : NULL;
		if (from)
			rc = tree_each(c->t, from, s->predicated[i], check_one_value, c);
	}
	return rc;
}

static int check_owner(void *ctx, struct lyd_node *node)
{
	struct checker *c = ctx;
	const struct xexpr *x = c->x;
	int rc;

	if (c->once)
		return 0;
	rc = check_expr(c, x, x->context == node->schema ? node : lyd_parent(node), node);
	c->once = rc == 0 && x->context_free;
	return rc;
}

static int check_obliged(void *ctx, struct lyd_node *parent)
{
	return check_below(ctx, parent);
}

static int check_mentioned(struct checker *c, struct lyd_node *node)
{
	const struct snode *s = snode(node->schema);
	struct lyd_node *from;
	size_t i;
	int now;
	int rc = 0;

	for (i = 0; i < s->n_mentioned && rc == 0; i++) {
		const struct xexpr *x = s->mentioned[i];

		/* The same everywhere, and as before: good where something is, or nothing is. */
		if (x->context_free && tree_same(c->t, x, &now))
			continue;
		if (!expr_scope(c->t, x, node, &from))
			continue;
		rc = again(c, x, from);
		if (rc == 1) {
			rc = 0;
			continue;
		}
		c->x = x;
		c->once = false;
		if (rc == 0)
			rc = tree_each(c->t, from, x->owner, check_owner, c);
		if (rc || !x->obliges)
			continue;
		if (from && from->schema == x->owner)
			rc = check_below(c, lyd_parent(from));
		else
			rc = tree_each(c->t, from, lysc_data_parent(x->owner), check_obliged, c);
	}
	return rc;
}

static int check_instance_ids(struct checker *c, const struct trail_step *s, struct lyd_node *node);

static int check_gone(struct checker *c, const struct trail_step *s)
{
	struct lyd_node *node;
	int rc = 0;

	LYD_TREE_DFS_BEGIN(s->node, node)
	{
		if (rc == 0)
			rc = check_referrers(c, node);
		if (rc == 0)
			rc = check_predicated(c, node);
		if (rc == 0)
			rc = check_mentioned(c, node);
		LYD_TREE_DFS_END(s->node, node);
	}
	return rc ? rc : check_instance_ids(c, s, s->node);
}

static int check_each_id(struct checker *c)
{
	struct snode *s;
	int rc = again(c, check_each_id, NULL);

	if (rc)
		return rc == 1 ? 0 : rc;
	for (s = c->t->schema->snodes; s && rc == 0; s = s->next) {
		if (s->is_instance_id)
			rc = tree_each(c->t, NULL, s->node, check_one_value, c);
	}
	return rc;
}

/* An instance-identifier may point to anything; where a model has such that need an instance, all
 * of them are looked at when something went. */
static int check_instance_ids(struct checker *c, const struct trail_step *s, struct lyd_node *node)
{
	return c->t->schema->has_instance_ids ? check_each_id(c) : 0;
}

static int check_step(struct checker *c, const struct trail_step *s)
{
	bool in_place = !s->parent || tree_attached(c->t, s->parent);
	struct lyd_node *key;
	int rc = 0;

	if (s->op == TRAIL_LINK && tree_attached(c->t, s->node))
		rc = check_came(c, s->node);
	if (rc == 0 && s->op == TRAIL_UNLINK) {
		rc = check_gone(c, s);
		return rc || !in_place ? rc : check_below(c, s->parent);
	}
	if (rc == 0)
		rc = check_mentioned(c, s->node);
	if (rc == 0)
		rc = check_predicated(c, s->node);
	if (s->op == TRAIL_LINK && s->node->schema->nodetype == LYS_LIST) {
		LY_LIST_FOR(lyd_child(s->node), key)
		{
			if (rc == 0 && (key->schema->flags & LYS_KEY))
				rc = check_mentioned(c, key);
		}
	}
	if (rc == 0 && in_place && s->op == TRAIL_LINK)
		rc = check_below(c, s->parent);
	return rc;
}

int tree_check(struct tree *t, size_t mark, struct neterr *e)
{
	struct checker c = {.t = t, .e = e};
	size_t i;
	int rc = 0;

	alloc_init(&c.alloc, 0);
	hash_init(&c.seen, &c.alloc);
	for (i = mark; i < t->n && rc == 0; i++)
		rc = check_step(&c, &t->trail[i]);
	hash_each (it, &c.seen) {
		alloc_free(&c.alloc, it, sizeof(struct seen));
	}
	hash_free(&c.seen);
	if (rc == -ENOMEM)
		neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
	return rc;
}
