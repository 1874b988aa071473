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
}

void index_moved(struct index *x)
{
	x->groups.a = &x->alloc;
	x->refs.a = &x->alloc;
}

void index_free(struct index *x)
{
	hash_each (it, &x->refs) {
		alloc_free(&x->alloc, it, sizeof(struct index_ref));
	}
	hash_each (it, &x->groups) {
		alloc_free(&x->alloc, it, sizeof(struct index_group));
	}
	hash_free(&x->refs);
	hash_free(&x->groups);
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
