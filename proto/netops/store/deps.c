/* SPDX-License-Identifier: BSD-2-Clause */
/* Which constraints of the model may change their verdict when an instance of a node does: found
 * once, for each schema node, from the atoms of every must and when, from leafref paths and unique
 * statements. */
#include "proto/netops/store/schema_priv.h"
#include "proto/netops/store/xpath_scan.h"

#include <errno.h>
#include <libyang/plugins_types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATA_NODES (LYS_CONTAINER | LYS_LIST | LYS_LEAF | LYS_LEAFLIST | LYD_NODE_ANY)

/* Appends p to a vector of pointers, once. */
static int push(void *vec, size_t *n, const void *p)
{
	const void **v = *(void **)vec;
	size_t i;

	for (i = 0; i < *n; i++) {
		if (v[i] == p)
			return 0;
	}
	v = realloc(v, (*n + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	v[(*n)++] = p;
	*(void **)vec = v;
	return 0;
}

static int visit_type(struct schema *s, struct snode *x, const struct lysc_type *type);

static int visit_leafref(struct schema *s, struct snode *x, const struct lysc_type_leafref *t)
{
	struct xpath_scan scan;
	struct ly_set *set = NULL;
	struct snode *a;
	int *climbs;
	uint32_t i;
	int rc = 0;

	if (!t->require_instance)
		return 0;
	x->is_leafref = true;
	xpath_scan(lyxp_get_expr(t->path), &scan);
	if (lys_find_expr_atoms(x->node, x->node->module, t->path, t->prefixes, 0, &set) !=
	    LY_SUCCESS)
		return -EINVAL;
	for (i = 0; i < set->count && rc == 0; i++) {
		a = snode(set->snodes[i]);
		if (!a || !(set->snodes[i]->nodetype & LYD_NODE_TERM) || set->snodes[i] == x->node)
			continue;
		climbs = realloc(a->predicated_climbs, (a->n_predicated + 1) * sizeof(*climbs));
		if (!climbs) {
			rc = -ENOMEM;
			break;
		}
		a->predicated_climbs = climbs;
		climbs[a->n_predicated] = scan.predicate_climbs;
		rc = push(&a->predicated, &a->n_predicated, x->node);
	}
	ly_set_free(set, NULL);
	return rc;
}

static int visit_type(struct schema *s, struct snode *x, const struct lysc_type *type)
{
	const struct lysc_type_union *u = (const struct lysc_type_union *)type;
	LY_ARRAY_COUNT_TYPE i;
	int rc = 0;

	if (type->plugin->validate)
		x->resolves = true;
	if (type->basetype == LY_TYPE_LEAFREF)
		return visit_leafref(s, x, (const struct lysc_type_leafref *)type);
	if (type->basetype == LY_TYPE_INST &&
	    ((const struct lysc_type_instanceid *)type)->require_instance) {
		x->is_instance_id = true;
		s->has_instance_ids = true;
	}
	if (type->basetype != LY_TYPE_UNION)
		return 0;
	x->is_union = x->resolves;
	/* Unions in unions are flat in a compiled type. */
	LY_ARRAY_FOR(u->types, i)
	{
		if (rc == 0 && u->types[i]->basetype != LY_TYPE_UNION)
			rc = visit_type(s, x, u->types[i]);
	}
	return rc;
}

static int visit_leaf(struct schema *s, struct snode *x)
{
	struct ly_set *set = NULL;
	struct snode *target;
	uint32_t i;
	int rc = visit_type(s, x, ((const struct lysc_node_leaf *)x->node)->type);

	if (rc || !x->is_leafref)
		return rc;
	if (lysc_node_lref_targets(x->node, &set) != LY_SUCCESS)
		return -EINVAL;
	for (i = 0; i < set->count && rc == 0; i++) {
		target = snode(set->snodes[i]);
		if (target)
			rc = push(&target->referrers, &target->n_referrers, x->node);
	}
	ly_set_free(set, NULL);
	return rc;
}

/* libyang's atoms leave out what is reached sideways. There, every node counts whose name the text
 * has. */
static int mention_by_name(struct schema *s, struct xexpr *e)
{
	bool any =
		strchr(e->source, '*') || strstr(e->source, "node(") || strstr(e->source, "deref(");
	struct snode *a;
	int rc = 0;

	for (a = s->snodes; a && rc == 0; a = a->next) {
		if (any || strstr(e->source, a->node->name))
			rc = push(&a->mentioned, &a->n_mentioned, e);
	}
	return rc;
}

/* An expression of x, and the nodes that mention it. at: where it is written (x, or a choice or
 * case around x). */
static struct xexpr *add_expr(struct schema *s, struct snode *x, const struct lysc_node *at,
			      const struct lysc_node *context, const struct lyxp_expr *cond,
			      const struct lysc_prefix *prefixes)
{
	struct xexpr *e = calloc(1, sizeof(*e));
	struct ly_set *set = NULL;
	struct xpath_scan scan;
	struct snode *a;
	uint32_t i;
	int rc = 0;

	if (!e)
		return NULL;
	e->next = s->exprs;
	s->exprs = e;
	e->owner = x->node;
	e->context = context;
	e->module = at->module;
	e->prefixes = prefixes;
	e->source = lyxp_get_expr(cond);
	xpath_scan(e->source, &scan);
	e->climbs = context ? scan.climbs : -1;
	e->context_free = scan.context_free;
	if (asprintf(&e->text, "boolean(%s)", e->source) < 0) {
		e->text = NULL;
		return NULL;
	}
	if (lys_find_expr_atoms(context, at->module, cond, prefixes, LYS_FIND_XP_SCHEMA, &set) !=
	    LY_SUCCESS)
		return NULL;
	for (i = 0; i < set->count && rc == 0; i++) {
		a = snode(set->snodes[i]);
		if (a)
			rc = push(&a->mentioned, &a->n_mentioned, e);
	}
	ly_set_free(set, NULL);
	if (rc == 0 && scan.sideways)
		rc = mention_by_name(s, e);
	return rc ? NULL : e;
}

static int visit_musts(struct schema *s, struct snode *x)
{
	const struct lysc_must *musts = lysc_node_musts(x->node);
	LY_ARRAY_COUNT_TYPE i;
	struct xexpr *e;

	LY_ARRAY_FOR(musts, i)
	{
		e = add_expr(s, x, x->node, x->node, musts[i].cond, musts[i].prefixes);
		if (!e)
			return -ENOMEM;
		e->is_must = true;
		e->must = &musts[i];
		if (push(&x->musts, &x->n_musts, e))
			return -ENOMEM;
	}
	return 0;
}

/* Whether node, or a choice around it, must be there. */
static bool obliges(const struct lysc_node *node)
{
	const struct lysc_node *at = node;

	if (node->nodetype == LYS_LIST && ((const struct lysc_node_list *)node)->min)
		return true;
	if (node->nodetype == LYS_LEAFLIST && ((const struct lysc_node_leaflist *)node)->min)
		return true;
	do {
		if (at->flags & LYS_MAND_TRUE)
			return true;
		at = at->parent;
	} while (at && (at->nodetype & (LYS_CASE | LYS_CHOICE)));
	return false;
}

static int visit_whens(struct schema *s, struct snode *x)
{
	const struct lysc_node *at = x->node;
	struct lysc_when **whens;
	LY_ARRAY_COUNT_TYPE i;
	struct xexpr *e;

	do {
		whens = lysc_node_when(at);
		LY_ARRAY_FOR(whens, i)
		{
			e = add_expr(s, x, at, whens[i]->context, whens[i]->cond,
				     whens[i]->prefixes);
			if (!e || push(&x->whens, &x->n_whens, e))
				return -ENOMEM;
			e->obliges = obliges(x->node);
		}
		at = at->parent;
	} while (at && (at->nodetype & (LYS_CASE | LYS_CHOICE)));
	return 0;
}

static void visit_uniques(struct snode *x)
{
	const struct lysc_node_list *list = (const struct lysc_node_list *)x->node;
	LY_ARRAY_COUNT_TYPE i;
	LY_ARRAY_COUNT_TYPE j;

	if (x->node->nodetype != LYS_LIST)
		return;
	LY_ARRAY_FOR(list->uniques, i)
	{
		x->unique = true;
		LY_ARRAY_FOR(list->uniques[i], j)
		{
			if (snode(&list->uniques[i][j]->node))
				snode(&list->uniques[i][j]->node)->unique = true;
		}
	}
}

static int add_snodes(struct schema *s, const struct lysc_node *top)
{
	const struct lysc_node *node;
	struct snode *x;

	LYSC_TREE_DFS_BEGIN(top, node)
	{
		if ((node->nodetype & DATA_NODES) && (node->flags & LYS_CONFIG_W)) {
			x = calloc(1, sizeof(*x));
			if (!x)
				return -ENOMEM;
			x->node = node;
			x->next = s->snodes;
			s->snodes = x;
			((struct lysc_node *)node)->priv = x;
		}
		LYSC_TREE_DFS_END(top, node);
	}
	return 0;
}

int schema_deps(struct schema *s, struct err *err)
{
	const struct lys_module *mod;
	const struct lysc_node *top;
	struct snode *x;
	uint32_t i = 0;
	int rc = 0;

	while ((mod = ly_ctx_get_module_iter(s->ctx, &i))) {
		if (!mod->implemented || !mod->compiled)
			continue;
		LY_LIST_FOR(mod->compiled->data, top)
		{
			if (add_snodes(s, top))
				return err_set(err, -ENOMEM, "no memory");
		}
	}
	for (x = s->snodes; x && rc == 0; x = x->next) {
		if (x->node->nodetype & LYD_NODE_TERM)
			rc = visit_leaf(s, x);
		if (rc == 0)
			rc = visit_musts(s, x);
		if (rc == 0)
			rc = visit_whens(s, x);
		visit_uniques(x);
	}
	ly_err_clean(s->ctx, NULL);
	return rc ? err_set(err, rc, "the constraints of the modules cannot be read") : 0;
}

void schema_deps_free(struct schema *s)
{
	struct snode *x;
	struct xexpr *e;

	while ((x = s->snodes)) {
		s->snodes = x->next;
		((struct lysc_node *)x->node)->priv = NULL;
		free(x->mentioned);
		free(x->referrers);
		free(x->predicated);
		free(x->predicated_climbs);
		free(x->musts);
		free(x->whens);
		free(x);
	}
	while ((e = s->exprs)) {
		s->exprs = e->next;
		free(e->text);
		free(e);
	}
}
