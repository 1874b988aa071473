/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/store/index.h"
#include "proto/netops/store/schema_priv.h"

#include <errno.h>
#include <string.h>

void index_init(struct index *x)
{
	alloc_init(&x->alloc, 0);
	hash_init(&x->groups, &x->alloc);
	hash_init(&x->refs, &x->alloc);
	hash_init(&x->tuples, &x->alloc);
	hash_init(&x->owners, &x->alloc);
}

void index_moved(struct index *x)
{
	x->groups.a = &x->alloc;
	x->refs.a = &x->alloc;
	x->tuples.a = &x->alloc;
	x->owners.a = &x->alloc;
}

void index_free(struct index *x)
{
	hash_each (it, &x->refs) {
		alloc_free(&x->alloc, it, sizeof(struct index_ref));
	}
	hash_each (it, &x->groups) {
		alloc_free(&x->alloc, it, sizeof(struct index_group));
	}
	hash_each (it, &x->tuples) {
		alloc_free(&x->alloc, it, sizeof(struct index_tuple));
	}
	hash_free(&x->refs);
	hash_free(&x->groups);
	hash_free(&x->tuples);
	hash_free(&x->owners);
}

static bool is_ref(const struct lyd_node *node)
{
	const struct snode *s = node->schema ? snode(node->schema) : NULL;

	return s && (s->is_leafref || s->is_instance_id);
}

static uint32_t value_hash(const struct lysc_node *node, const char *value)
{
	return hash_bytes(value, strlen(value), (uintptr_t)node);
}

static uint32_t node_hash(const struct lyd_node *node)
{
	return hash_bytes(&node, sizeof(node), 0);
}

static const struct index_ref *first(const struct index_group *g)
{
	return container_of(g->refs.next, struct index_ref, at);
}

const struct index_group *index_find(const struct index *x, const struct lysc_node *node,
				     const char *value)
{
	struct hash_node *it;

	for (it = hash_first(&x->groups, value_hash(node, value)); it; it = hash_next(it)) {
		const struct index_group *g = container_of(it, struct index_group, h);
		const struct lyd_node *n = first(g)->node;

		if (n->schema == node && strcmp(lyd_get_value(n), value) == 0)
			return g;
	}
	return NULL;
}

static struct index_group *group(struct index *x, const struct lyd_node *node)
{
	const char *value = lyd_get_value(node);
	struct index_group *g = (struct index_group *)index_find(x, node->schema, value);

	if (g)
		return g;
	g = alloc_zero(&x->alloc, sizeof(*g));
	if (!g)
		return NULL;
	list_init(&g->refs);
	if (hash_add(&x->groups, &g->h, value_hash(node->schema, value)) == 0)
		return g;
	alloc_free(&x->alloc, g, sizeof(*g));
	return NULL;
}

static void group_drop(struct index *x, struct index_group *g)
{
	if (!list_empty(&g->refs))
		return;
	hash_del(&x->groups, &g->h);
	alloc_free(&x->alloc, g, sizeof(*g));
}

int index_add(struct index *x, struct lyd_node *node)
{
	struct index_ref *r;

	if (!is_ref(node))
		return 0;
	r = alloc_zero(&x->alloc, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->node = node;
	r->group = group(x, node);
	if (!r->group) {
		alloc_free(&x->alloc, r, sizeof(*r));
		return -ENOMEM;
	}
	if (hash_add(&x->refs, &r->h, node_hash(node))) {
		group_drop(x, r->group);
		alloc_free(&x->alloc, r, sizeof(*r));
		return -ENOMEM;
	}
	list_add(&r->group->refs, &r->at);
	return 0;
}

void index_del(struct index *x, struct lyd_node *node)
{
	struct hash_node *it;

	if (!is_ref(node))
		return;
	for (it = hash_first(&x->refs, node_hash(node)); it; it = hash_next(it)) {
		struct index_ref *r = container_of(it, struct index_ref, h);

		if (r->node != node)
			continue;
		hash_del(&x->refs, &r->h);
		list_del(&r->at);
		group_drop(x, r->group);
		alloc_free(&x->alloc, r, sizeof(*r));
		return;
	}
}

/* ---- unique ---- */

#define MAX_DEPTH 64

static const struct lyd_node *below(const struct lyd_node *entry, const struct lysc_node *leaf)
{
	const struct lysc_node *steps[MAX_DEPTH];
	const struct lysc_node *at;
	struct lyd_node *n = (struct lyd_node *)entry;
	size_t depth = 0;

	for (at = leaf; at && at != entry->schema && depth < MAX_DEPTH; at = lysc_data_parent(at))
		steps[depth++] = at;
	while (n && depth) {
		if (!lyd_child(n) ||
		    lyd_find_sibling_val(lyd_child(n), steps[--depth], NULL, 0, &n))
			return NULL;
	}
	return n;
}

/* NULL: not there, so the entry is not compared (RFC 7950 §7.8.3). */
static const char *value_of(const struct lyd_node *entry, const struct lysc_node_leaf *leaf)
{
	const struct lyd_node *n = below(entry, &leaf->node);

	if (n)
		return lyd_get_value(n);
	return leaf->dflt ? lyd_value_get_canonical(leaf->module->ctx, leaf->dflt) : NULL;
}

/* Of one list instance, statement and values. false: some value is missing. */
static bool tuple_hash(const struct lyd_node *entry, struct lysc_node_leaf **leaves, uint32_t *out)
{
	const void *seed[] = {entry->parent, leaves};
	uint32_t h = hash_bytes(seed, sizeof(seed), 0);
	LY_ARRAY_COUNT_TYPE i;
	const char *v;

	LY_ARRAY_FOR(leaves, i)
	{
		v = value_of(entry, leaves[i]);
		if (!v)
			return false;
		h = hash_bytes(v, strlen(v) + 1, h);
	}
	*out = h;
	return true;
}

static bool same_tuple(const struct lyd_node *a, const struct lyd_node *b,
		       struct lysc_node_leaf **leaves)
{
	LY_ARRAY_COUNT_TYPE i;
	const char *x;
	const char *y;

	LY_ARRAY_FOR(leaves, i)
	{
		x = value_of(a, leaves[i]);
		y = value_of(b, leaves[i]);
		if (!x || !y || strcmp(x, y) != 0)
			return false;
	}
	return true;
}

static struct lysc_node_leaf ***uniques(const struct lyd_node *entry)
{
	return ((const struct lysc_node_list *)entry->schema)->uniques;
}

void index_entry_del(struct index *x, struct lyd_node *entry)
{
	struct hash_node *it;
	struct hash_node *next;

	for (it = hash_first(&x->owners, node_hash(entry)); it; it = next) {
		struct index_tuple *t = container_of(it, struct index_tuple, own);

		next = hash_next(it);
		if (t->entry != entry)
			continue;
		hash_del(&x->owners, &t->own);
		hash_del(&x->tuples, &t->h);
		alloc_free(&x->alloc, t, sizeof(*t));
	}
}

int index_entry(struct index *x, struct lyd_node *entry)
{
	struct index_tuple *t;
	LY_ARRAY_COUNT_TYPE i;
	uint32_t h;

	index_entry_del(x, entry);
	LY_ARRAY_FOR(uniques(entry), i)
	{
		if (!tuple_hash(entry, uniques(entry)[i], &h))
			continue;
		t = alloc_zero(&x->alloc, sizeof(*t));
		if (!t)
			return -ENOMEM;
		t->entry = entry;
		t->unique = i;
		if (hash_add(&x->tuples, &t->h, h)) {
			alloc_free(&x->alloc, t, sizeof(*t));
			return -ENOMEM;
		}
		if (hash_add(&x->owners, &t->own, node_hash(entry))) {
			hash_del(&x->tuples, &t->h);
			alloc_free(&x->alloc, t, sizeof(*t));
			return -ENOMEM;
		}
	}
	return 0;
}

const struct lyd_node *index_same(const struct index *x, const struct lyd_node *entry)
{
	struct hash_node *it;
	LY_ARRAY_COUNT_TYPE i;
	uint32_t h;

	LY_ARRAY_FOR(uniques(entry), i)
	{
		if (!tuple_hash(entry, uniques(entry)[i], &h))
			continue;
		for (it = hash_first(&x->tuples, h); it; it = hash_next(it)) {
			const struct index_tuple *t = container_of(it, struct index_tuple, h);

			if (t->entry != entry && t->unique == i &&
			    t->entry->schema == entry->schema &&
			    t->entry->parent == entry->parent &&
			    same_tuple(t->entry, entry, uniques(entry)[i]))
				return t->entry;
		}
	}
	return NULL;
}
