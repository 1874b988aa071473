/* SPDX-License-Identifier: BSD-2-Clause */
/* Completion of a path under way: names of the schema, keys of entries that are there; nothing that
 * NACM hides. */
#include "proto/netops/store/print.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct completion {
	struct store *s;
	const struct principal *p;
	const char *prefix; /* of the value */
	size_t max;
	size_t n;
	void (*f)(void *ctx, const char *value);
	void *ctx;
};

static void offer(struct completion *c, const char *value)
{
	if (strncmp(value, c->prefix, strlen(c->prefix)) != 0)
		return;
	if (c->n++ < c->max)
		c->f(c->ctx, value);
}

static void offer_node(struct completion *c, const struct lysc_node *parent,
		       const struct lysc_node *node)
{
	char name[256];

	if (!(node->nodetype & (LYS_CONTAINER | LYS_LIST | LYS_LEAF | LYS_LEAFLIST | LYD_NODE_ANY)))
		return;
	if (c->p && !nacm_schema(c->s->nacm, c->p, NACM_READ, node))
		return;
	if (parent && parent->module == node->module)
		snprintf(name, sizeof(name), "%s", node->name);
	else
		snprintf(name, sizeof(name), "%s:%s", node->module->name, node->name);
	offer(c, name);
	/* A name of the same module may be typed in full, too. */
	if (parent && parent->module == node->module && strchr(c->prefix, ':')) {
		snprintf(name, sizeof(name), "%s:%s", node->module->name, node->name);
		offer(c, name);
	}
}

static void names(struct completion *c, const struct lysc_node *parent)
{
	const struct lysc_node *node = NULL;
	const struct lys_module *mod;
	uint32_t i = 0;

	if (parent) {
		while ((node = lys_getnext(node, parent, NULL, 0)))
			offer_node(c, parent, node);
		return;
	}
	while ((mod = ly_ctx_get_module_iter(c->s->schema->ctx, &i))) {
		node = NULL;
		if (!mod->implemented || !mod->compiled)
			continue;
		while ((node = lys_getnext(node, NULL, mod->compiled, 0)))
			offer_node(c, NULL, node);
	}
}

/* A key value as RFC 8040 §3.5.3 writes it. */
static void encode(struct buf *out, const char *text)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";

	for (; *text; text++) {
		if (strchr(plain, *text))
			buf_u8(out, (uint8_t)*text);
		else
			buf_printf(out, "%%%02X", (unsigned char)*text);
	}
}

static void offer_entry(struct completion *c, const struct lyd_node *entry)
{
	const struct lyd_node *key;
	struct alloc a;
	struct buf b;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	if (entry->schema->nodetype == LYS_LEAFLIST)
		encode(&b, lyd_get_value(entry));
	for (key = lyd_child(entry); key && (key->schema->flags & LYS_KEY); key = key->next) {
		if (!store_may(c->s, c->p, NACM_READ, key)) {
			buf_free(&b);
			return;
		}
		if (key != lyd_child(entry))
			buf_u8(&b, ',');
		encode(&b, lyd_get_value(key));
	}
	buf_u8(&b, '\0');
	if (!b.failed)
		offer(c, (const char *)b.p);
	buf_free(&b);
}

static bool readable(struct completion *c, const struct lyd_node *node)
{
	for (; node; node = lyd_parent(node)) {
		if (!store_may(c->s, c->p, NACM_READ, node))
			return false;
	}
	return true;
}

/* Keys of the list that path names without keys. */
static void keys(struct completion *c, const struct path *path, struct lyd_node *tree)
{
	const struct lysc_node *list = path->step[path->n - 1].node;
	struct lyd_node *n;
	size_t depth;

	n = path_find(tree, path, &depth);
	if (depth + 1 != path->n || !tree || (n && !readable(c, n)))
		return;
	if (lyd_find_sibling_val(n ? lyd_child(n) : tree, list, NULL, 0, &n))
		return;
	for (; n && n->schema == list; n = n->next) {
		if (store_may(c->s, c->p, NACM_READ, n))
			offer_entry(c, n);
	}
}

size_t store_complete(struct store *s, enum datastore ds, const struct principal *p,
		      const char *text, size_t max, void (*f)(void *ctx, const char *value),
		      void *ctx)
{
	struct completion c = {.s = s, .p = p, .max = max, .f = f, .ctx = ctx};
	struct path path = {0};
	struct neterr e = {0};
	struct lyd_node *tree;
	const char *slash;
	const char *equals;
	char *head;

	if (*text == '/')
		text++;
	slash = strrchr(text, '/');
	equals = strchr(slash ? slash : text, '=');
	c.prefix = equals ? equals + 1 : slash ? slash + 1 : text;
	head = strndup(text, equals ? (size_t)(equals - text) : slash ? (size_t)(slash - text) : 0);
	if (head && path_parse(s->schema->ctx, head, &path, &e.err) == 0) {
		const struct lysc_node *last = path.n ? path.step[path.n - 1].node : NULL;
		bool list = last && (last->nodetype & (LYS_LIST | LYS_LEAFLIST)) &&
			    !path.step[path.n - 1].key;

		if (!equals && !list)
			names(&c, last);
		else if (equals && list && store_open(s, ds, NULL, p, &tree, &e) == 0) {
			keys(&c, &path, tree);
			store_close(s, ds, tree);
		}
	}
	path_free(&path);
	neterr_clear(&e);
	free(head);
	return c.n;
}
