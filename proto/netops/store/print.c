/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/store/print.h"

#include <stdlib.h>
#include <string.h>

void print_json_text(struct buf *out, const char *text)
{
	const char *from = text;

	buf_u8(out, '"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_bytes(out, from, (size_t)(text - from));
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else
			buf_printf(out, "\\u%04x", c);
		from = text + 1;
	}
	buf_bytes(out, from, (size_t)(text - from));
	buf_u8(out, '"');
}

/* A value as RFC 7951 §6 wants it: numbers up to 32 bits bare, larger ones as text. */
static void value(struct buf *out, const struct lyd_node *node)
{
	const struct lyd_value *v = &((const struct lyd_node_term *)node)->value;
	const char *text = lyd_get_value(node);

	while (v->realtype->basetype == LY_TYPE_UNION)
		v = &v->subvalue->value;
	switch (v->realtype->basetype) {
	case LY_TYPE_INT8:
	case LY_TYPE_INT16:
	case LY_TYPE_INT32:
	case LY_TYPE_UINT8:
	case LY_TYPE_UINT16:
	case LY_TYPE_UINT32:
	case LY_TYPE_BOOL:
		buf_bytes(out, text, strlen(text));
		break;
	case LY_TYPE_EMPTY:
		buf_bytes(out, "[null]", 6);
		break;
	default:
		print_json_text(out, text);
	}
}

static void any(struct buf *out, const struct lyd_node *node)
{
	char *text = NULL;

	if (lyd_any_value_str(node, &text) == LY_SUCCESS && text &&
	    ((const struct lyd_node_any *)node)->value_type == LYD_ANYDATA_JSON)
		buf_bytes(out, text, strlen(text));
	else
		buf_bytes(out, "{}", 2);
	free(text);
}

bool print_shows(const struct printer *pr, const struct lyd_node *node)
{
	if (!node->schema || (pr->config_only && !(node->schema->flags & LYS_CONFIG_W)))
		return false;
	if (!pr->defaults && node_is_implicit(node))
		return false;
	if (node->schema->nodetype == LYS_CONTAINER && !(node->schema->flags & LYS_PRESENCE) &&
	    !lyd_child(node))
		return false;
	return store_may(pr->s, pr->p, NACM_READ, node);
}

static void one(struct printer *pr, const struct lyd_node *node, unsigned depth)
{
	const struct lyd_node *end;

	if (node->schema->nodetype & LYD_NODE_TERM) {
		value(pr->out, node);
		return;
	}
	if (node->schema->nodetype & LYD_NODE_ANY) {
		any(pr->out, node);
		return;
	}
	buf_u8(pr->out, '{');
	if (depth > 1) {
		print_members(pr, lyd_child(node), depth - 1);
	} else if (node->schema->nodetype == LYS_LIST) {
		/* The keys always: an entry without them is nothing. */
		for (end = lyd_child(node); end && (end->schema->flags & LYS_KEY);
		     end = end->next) {
			if (store_may(pr->s, pr->p, NACM_READ, end))
				print_member(pr, end, true, end != lyd_child(node), 1);
		}
	}
	buf_u8(pr->out, '}');
}

static void name(struct printer *pr, const struct lyd_node *node)
{
	const struct lyd_node *parent = lyd_parent(node);

	buf_u8(pr->out, '"');
	if (!parent || node->schema == (pr->top ? pr->top->schema : NULL) ||
	    parent->schema->module != node->schema->module)
		buf_printf(pr->out, "%s:", node->schema->module->name);
	buf_printf(pr->out, "%s\":", node->schema->name);
}

size_t print_member(struct printer *pr, const struct lyd_node *first, bool only, bool comma,
		    unsigned depth)
{
	const struct lysc_node *schema = first->schema;
	bool many = schema->nodetype & (LYS_LIST | LYS_LEAFLIST);
	const struct lyd_node *n;
	uint32_t skip = pr->offset;
	uint32_t limit = pr->limit ? pr->limit : UINT32_MAX;
	size_t shown = 0;

	/* Of the outermost list only. */
	pr->offset = 0;
	pr->limit = 0;
	for (n = first; n && n->schema == schema && shown < limit; n = only ? NULL : n->next) {
		if (!print_shows(pr, n))
			continue;
		if (skip && skip--)
			continue;
		if (shown++ == 0) {
			if (comma)
				buf_u8(pr->out, ',');
			name(pr, n);
			if (many)
				buf_u8(pr->out, '[');
		} else {
			buf_u8(pr->out, ',');
		}
		one(pr, n, depth);
	}
	if (shown && many)
		buf_u8(pr->out, ']');
	return shown;
}

/* Depth is that of the schema. */
void print_members(struct printer *pr, const struct lyd_node *first, unsigned depth)
{
	const struct lyd_node *n;
	bool comma = false;

	for (n = first; n;) {
		const struct lysc_node *schema = n->schema;

		if (schema && print_member(pr, n, false, comma, depth))
			comma = true;
		while (n && n->schema == schema)
			n = n->next;
	}
}
