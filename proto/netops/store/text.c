/* SPDX-License-Identifier: BSD-2-Clause */
/* A configuration for people: indented, with curly braces. */
#include "proto/netops/store/print.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static void indent(struct buf *out, unsigned level)
{
	while (level--)
		buf_u8(out, '\t');
}

/* Bare where it is one plain word. */
static void word(struct buf *out, const char *text)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/@+%";

	if (*text && text[strspn(text, plain)] == '\0')
		buf_bytes(out, text, strlen(text));
	else
		print_json_text(out, text);
}

static void node_text(struct printer *pr, const struct lyd_node *node, unsigned level);

/* Depth is that of the schema. */
static void children(struct printer *pr, const struct lyd_node *first, unsigned level)
{
	const struct lyd_node *n;

	LY_LIST_FOR(first, n)
	{
		if (n->schema && !(n->schema->flags & LYS_KEY) && print_shows(pr, n))
			node_text(pr, n, level);
	}
}

static void node_text(struct printer *pr, const struct lyd_node *node, unsigned level)
{
	const struct lyd_node *parent = lyd_parent(node);
	const struct lyd_node *key;

	indent(pr->out, level);
	if (!parent || parent->schema->module != node->schema->module)
		buf_printf(pr->out, "%s:", node->schema->module->name);
	buf_printf(pr->out, "%s", node->schema->name);
	if (node->schema->nodetype & LYD_NODE_TERM) {
		buf_u8(pr->out, ' ');
		word(pr->out, lyd_get_value(node));
		buf_bytes(pr->out, ";\n", 2);
		return;
	}
	for (key = lyd_child(node); key && (key->schema->flags & LYS_KEY); key = key->next) {
		buf_u8(pr->out, ' ');
		word(pr->out, lyd_get_value(key));
	}
	buf_bytes(pr->out, " {\n", 3);
	children(pr, key, level + 1);
	indent(pr->out, level);
	buf_bytes(pr->out, "}\n", 2);
}

int store_print_text(struct store *s, enum datastore ds, const char *candidate,
		     const struct principal *p, struct buf *out, struct neterr *e)
{
	struct printer pr = {.s = s, .p = p, .out = out, .depth = UINT_MAX};
	struct lyd_node *tree;
	int rc = store_open(s, ds, candidate, p, &tree, e);

	if (rc)
		return rc;
	children(&pr, tree, 0);
	store_close(s, ds, tree);
	if (!out->failed)
		return 0;
	neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
	return -ENOMEM;
}
