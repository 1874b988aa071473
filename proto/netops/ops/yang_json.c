/* SPDX-License-Identifier: BSD-2-Clause */
/* Recursion in this file goes down a compiled schema, which is finite: groupings are expanded and
 * cannot contain themselves. */
#include "proto/netops/ops/yang_json.h"
#include "proto/netops/ops/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool shown(const struct yang_json *g, const struct lysc_node *n)
{
	if (n->nodetype & (LYS_RPC | LYS_ACTION | LYS_NOTIF))
		return false;
	if (!g->state && !(n->nodetype & (LYS_CHOICE | LYS_CASE)) && n->flags & LYS_CONFIG_R)
		return false;
	return !g->visible || g->visible(g->ctx, n);
}

/* Must be there wherever its parent is. */
static bool mandatory(const struct yang_json *g, const struct lysc_node *n)
{
	const struct lysc_node *child;

	if (g->partial || lysc_node_when(n) || (g->state && n->flags & LYS_CONFIG_R))
		return false;
	if (n->nodetype & (LYS_LEAF | LYS_ANYDATA))
		return n->flags & LYS_MAND_TRUE;
	if (n->nodetype == LYS_LIST)
		return ((const struct lysc_node_list *)n)->min > 0;
	if (n->nodetype == LYS_LEAFLIST)
		return ((const struct lysc_node_leaflist *)n)->min > 0;
	if (n->nodetype != LYS_CONTAINER ||
	    ((const struct lysc_node_container *)n)->flags & LYS_PRESENCE)
		return false;
	for (child = lysc_node_child(n); child; child = child->next) {
		if (child->nodetype == LYS_CHOICE
			    ? child->flags & LYS_MAND_TRUE && !lysc_node_when(child)
			    : shown(g, child) && mandatory(g, child))
			return true;
	}
	return false;
}

/* ---- What a person and a model read ---- */

static size_t first_sentence(const char *text)
{
	const char *p;

	for (p = text; *p; p++) {
		if (*p == '.' && (p[1] == '\0' || p[1] == ' ' || p[1] == '\n'))
			return (size_t)(p - text) + 1;
		if (*p == '\n' && p[1] == '\n')
			return (size_t)(p - text);
		if (p - text >= 240)
			break;
	}
	return (size_t)(p - text);
}

/* Lines of YANG are folded and indented: one space for each run of white space. */
static void squeeze(struct buf *to, const char *s, size_t n)
{
	bool space = false;
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] == ' ' || s[i] == '\n' || s[i] == '\t') {
			space = to->n > 0;
			continue;
		}
		if (space)
			buf_u8(to, ' ');
		space = false;
		buf_u8(to, (uint8_t)s[i]);
	}
}

static void conditions(struct buf *d, const struct lysc_node *n)
{
	struct lysc_must *musts = lysc_node_musts(n);
	struct lysc_when **when = lysc_node_when(n);
	LY_ARRAY_COUNT_TYPE i;

	LY_ARRAY_FOR(musts, i)
	{
		const char *expr = lyxp_get_expr(musts[i].cond);

		buf_printf(d, "%sMust: ", d->n ? " " : "");
		squeeze(d, expr, strlen(expr));
		buf_u8(d, '.');
	}
	LY_ARRAY_FOR(when, i)
	{
		const char *expr = lyxp_get_expr(when[i]->cond);

		buf_printf(d, "%sOnly when: ", d->n ? " " : "");
		squeeze(d, expr, strlen(expr));
		buf_u8(d, '.');
	}
}

static void description(struct yang_json *g, struct buf *out, const struct lysc_node *n)
{
	struct buf d;

	if (g->terse)
		return;
	buf_init(&d, out->a);
	if (n->dsc)
		squeeze(&d, n->dsc, first_sentence(n->dsc));
	if (n->nodetype == LYS_LEAF) {
		const struct lysc_node_leaf *leaf = (const struct lysc_node_leaf *)n;

		if (leaf->units)
			buf_printf(&d, "%sUnits: %s.", d.n ? " " : "", leaf->units);
		if (leaf->dflt)
			buf_printf(&d, "%sDefault: %s.", d.n ? " " : "",
				   lyd_value_get_canonical(n->module->ctx, leaf->dflt));
	}
	conditions(&d, n);
	if (d.n) {
		TEXT_JSON_LIT(out, ",\"description\":");
		text_json(out, (const char *)d.p, d.n);
	}
	out->failed |= d.failed;
	buf_free(&d);
}

/* ---- Names ---- */

static void member_name(struct buf *out, const struct lysc_node *n, const struct lys_module *around)
{
	if (n->module == around)
		buf_printf(out, "\"%s\"", n->name);
	else
		buf_printf(out, "\"%s:%s\"", n->module->name, n->name);
}

/* ---- Choices ---- */

/* The schema that holds where n is there: an empty array or container is not. */
static void present(struct buf *out, const struct lysc_node *n, const struct lys_module *around)
{
	bool many = n->nodetype & (LYS_LIST | LYS_LEAFLIST);
	bool np = n->nodetype == LYS_CONTAINER && !(n->flags & LYS_PRESENCE);

	TEXT_JSON_LIT(out, "{\"required\":[");
	member_name(out, n, around);
	TEXT_JSON_LIT(out, "]");
	if (many || np) {
		TEXT_JSON_LIT(out, ",\"properties\":{");
		member_name(out, n, around);
		buf_printf(out, ":{\"%s\":1}}", many ? "minItems" : "minProperties");
	}
	TEXT_JSON_LIT(out, "}");
}

static size_t present_any(struct yang_json *g, struct buf *out, const struct lysc_node *of,
			  const struct lys_module *around, size_t n)
{
	const struct lysc_node *c;

	for (c = lysc_node_child(of); c; c = c->next) {
		if (!shown(g, c))
			continue;
		if (c->nodetype & (LYS_CHOICE | LYS_CASE)) {
			n = present_any(g, out, c, around, n);
			continue;
		}
		if (n++)
			buf_u8(out, ',');
		present(out, c, around);
	}
	return n;
}

static size_t required_of(struct yang_json *g, struct buf *out, const struct lysc_node *first,
			  const struct lys_module *around)
{
	const struct lysc_node *c;
	size_t n = 0;

	for (c = first; c; c = c->next) {
		bool key = c->nodetype == LYS_LEAF && c->flags & LYS_KEY;

		if (c->nodetype == LYS_CHOICE || !shown(g, c) || !(key || mandatory(g, c)))
			continue;
		buf_printf(out, "%s", n++ ? "," : ",\"required\":[");
		member_name(out, c, around);
	}
	if (n)
		buf_u8(out, ']');
	return n;
}

static void choice(struct yang_json *g, struct buf *out, const struct lysc_node_choice *ch,
		   const struct lys_module *around);

/* "allOf" of the choices among children, or nothing. */
static void choices_of(struct yang_json *g, struct buf *out, const struct lysc_node *first,
		       const struct lys_module *around)
{
	const struct lysc_node *c;
	size_t n = 0;

	for (c = first; c; c = c->next) {
		struct buf any;

		if (c->nodetype != LYS_CHOICE || !shown(g, c))
			continue;
		buf_init(&any, out->a);
		if (present_any(g, &any, c, around, 0)) {
			buf_printf(out, "%s", n++ ? "," : ",\"allOf\":[");
			choice(g, out, (const struct lysc_node_choice *)c, around);
		}
		buf_free(&any);
	}
	if (n)
		buf_u8(out, ']');
}

/* {"oneOf": [a case each: something of it is there, and what it needs; and none at all, where that
 * may be]}. */
static void choice(struct yang_json *g, struct buf *out, const struct lysc_node_choice *ch,
		   const struct lys_module *around)
{
	bool must = ch->flags & LYS_MAND_TRUE && !lysc_node_when((const struct lysc_node *)ch) &&
		    !g->partial && !(g->state && ch->flags & LYS_CONFIG_R);
	const struct lysc_node_case *c;
	size_t n = 0;

	TEXT_JSON_LIT(out, "{\"oneOf\":[");
	for (c = ch->cases; c; c = (const struct lysc_node_case *)c->next) {
		const struct lysc_node *as = (const struct lysc_node *)c;
		struct buf any;

		buf_init(&any, out->a);
		if (shown(g, as) && present_any(g, &any, as, around, 0)) {
			buf_printf(out, "%s{\"anyOf\":[", n++ ? "," : "");
			buf_bytes(out, any.p, any.n);
			buf_u8(out, ']');
			required_of(g, out, c->child, around);
			choices_of(g, out, c->child, around);
			buf_u8(out, '}');
		}
		out->failed |= any.failed;
		buf_free(&any);
	}
	if (!must) {
		buf_printf(out, "%s{\"not\":{\"anyOf\":[", n ? "," : "");
		present_any(g, out, (const struct lysc_node *)ch, around, 0);
		TEXT_JSON_LIT(out, "]}}");
	}
	TEXT_JSON_LIT(out, "]}");
}

/* ---- Objects ---- */

static size_t properties(struct yang_json *g, struct buf *out, const struct lysc_node *first,
			 const struct lys_module *around, size_t n)
{
	const struct lysc_node *c;

	for (c = first; c; c = c->next) {
		if (!shown(g, c))
			continue;
		if (c->nodetype & (LYS_CHOICE | LYS_CASE)) {
			n = properties(g, out, lysc_node_child(c), around, n);
			continue;
		}
		if (n++)
			buf_u8(out, ',');
		member_name(out, c, around);
		buf_u8(out, ':');
		yang_json_value(g, out, c);
	}
	return n;
}

static void object(struct yang_json *g, struct buf *out, const struct lysc_node *first,
		   const struct lys_module *around)
{
	TEXT_JSON_LIT(out, "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
	properties(g, out, first, around, 0);
	TEXT_JSON_LIT(out, "}");
	required_of(g, out, first, around);
	choices_of(g, out, first, around);
}

void yang_json_object(struct yang_json *g, struct buf *out, const struct lysc_node *node,
		      const struct lys_module *mod)
{
	const struct lysc_node *first = node		? lysc_node_child(node)
					: mod->compiled ? mod->compiled->data
							: NULL;

	object(g, out, first, node ? node->module : NULL);
}

/* ---- Values ---- */

static void limits(struct yang_json *g, struct buf *out, const struct lysc_node *n, uint32_t min,
		   uint32_t max)
{
	if (g->partial || (g->state && n->flags & LYS_CONFIG_R))
		return;
	if (min > 0)
		buf_printf(out, ",\"minItems\":%u", min);
	if (max > 0 && max < UINT32_MAX)
		buf_printf(out, ",\"maxItems\":%u", max);
}

void yang_json_entry(struct yang_json *g, struct buf *out, const struct lysc_node *node)
{
	buf_u8(out, '{');
	if (node->nodetype & LYS_LEAFLIST) {
		yang_json_type(g, out, ((const struct lysc_node_leaflist *)node)->type, node);
		buf_u8(out, '}');
	} else if (node->nodetype == LYS_LIST) {
		object(g, out, lysc_node_child(node), node->module);
		buf_u8(out, '}');
	} else {
		out->n--;
		yang_json_value(g, out, node);
	}
}

void yang_json_value(struct yang_json *g, struct buf *out, const struct lysc_node *node)
{
	const struct lysc_node_list *list = (const struct lysc_node_list *)node;
	const struct lysc_node_leaflist *leaflist = (const struct lysc_node_leaflist *)node;

	buf_u8(out, '{');
	switch (node->nodetype) {
	case LYS_CONTAINER:
		object(g, out, lysc_node_child(node), node->module);
		break;
	case LYS_LIST:
		TEXT_JSON_LIT(out, "\"type\":\"array\",\"items\":");
		yang_json_entry(g, out, node);
		limits(g, out, node, list->min, list->max);
		/* Of keys given twice a schema sees what is the same altogether. */
		if (!(node->flags & LYS_KEYLESS))
			TEXT_JSON_LIT(out, ",\"uniqueItems\":true");
		break;
	case LYS_LEAFLIST:
		TEXT_JSON_LIT(out, "\"type\":\"array\",\"items\":");
		yang_json_entry(g, out, node);
		limits(g, out, node, leaflist->min, leaflist->max);
		if (node->flags & LYS_CONFIG_W)
			TEXT_JSON_LIT(out, ",\"uniqueItems\":true");
		break;
	case LYS_LEAF:
		yang_json_type(g, out, ((const struct lysc_node_leaf *)node)->type, node);
		break;
	case LYS_ANYDATA: /* RFC 7951 §5.5 */
		TEXT_JSON_LIT(out, "\"type\":\"object\"");
		break;
	default: /* anyxml: anything */
		TEXT_JSON_LIT(out, "\"$comment\":\"anyxml\"");
	}
	description(g, out, node);
	buf_u8(out, '}');
}

/* ---- Documents ---- */

static int close_document(struct yang_json *g, struct buf *out)
{
	size_t at = out->n;

	buf_u8(out, ',');
	if (!yang_json_defs(g, out))
		out->n = at;
	buf_u8(out, '}');
	return out->failed ? -ENOMEM : 0;
}

static void open_document(struct buf *out)
{
	TEXT_JSON_LIT(out, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",");
}

int yang_json_node_schema(struct yang_json *g, struct buf *out, const struct lysc_node *node)
{
	open_document(out);
	TEXT_JSON_LIT(out, "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
	member_name(out, node, NULL);
	buf_u8(out, ':');
	yang_json_value(g, out, node);
	TEXT_JSON_LIT(out, "},\"required\":[");
	member_name(out, node, NULL);
	TEXT_JSON_LIT(out, "]");
	return close_document(g, out);
}

int yang_json_module_schema(struct yang_json *g, struct buf *out, const struct lys_module *mod)
{
	open_document(out);
	yang_json_object(g, out, NULL, mod);
	return close_document(g, out);
}

int yang_json_rpc_schema(struct yang_json *g, struct buf *out, const struct lysc_node *rpc,
			 bool output)
{
	const struct lysc_node_action *act = (const struct lysc_node_action *)rpc;
	const struct lysc_node *first = output ? act->output.child : act->input.child;

	open_document(out);
	object(g, out, first, rpc->module);
	return close_document(g, out);
}
