/* SPDX-License-Identifier: BSD-2-Clause */
/* libyang prints the tree; lines of nodes that may not be seen, and all below them, are left out.
 */
#include "proto/netops/ops/yang_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 64

struct filter {
	const struct lys_module *mod;
	bool (*visible)(void *ctx, const struct lysc_node *node);
	void *ctx;
	const struct lysc_node *at[MAX_DEPTH];
	size_t column[MAX_DEPTH];
	unsigned depth;
	size_t hidden; /* column of the hidden node at work, or SIZE_MAX */
};

static const struct lysc_node *named(const struct lysc_node *first, const char *name, size_t n)
{
	for (; first; first = first->next) {
		if (strlen(first->name) == n && memcmp(first->name, name, n) == 0)
			return first;
	}
	return NULL;
}

static const struct lysc_node *find(const struct filter *f, const char *name, size_t n)
{
	const struct lysc_node *up = f->depth ? f->at[f->depth - 1] : NULL;
	const struct lysc_node *found = NULL;
	const struct lysc_module *c = f->mod->compiled;

	if (up) {
		found = named(lysc_node_child(up), name, n);
		found = found ? found
			      : named((const struct lysc_node *)lysc_node_actions(up), name, n);
		return found ? found
			     : named((const struct lysc_node *)lysc_node_notifs(up), name, n);
	}
	if (c)
		found = named(c->data, name, n);
	if (c && !found)
		found = named((const struct lysc_node *)c->rpcs, name, n);
	if (c && !found)
		found = named((const struct lysc_node *)c->notifs, name, n);
	return found;
}

/* "+--rw name*", "+--:(case)", "+--rw (choice)?", with a prefix "mod:" where the module is another.
 */
static const char *name_in(const char *mark, size_t *n)
{
	const char *p = mark + 3;
	const char *end;

	if (*p != ':')
		p = strchr(p, ' ');
	while (p && (*p == ' ' || *p == ':' || *p == '('))
		p++;
	if (!p)
		return NULL;
	end = p + strcspn(p, " ?*!)\n/@");
	if (memchr(p, ':', (size_t)(end - p)))
		p = (const char *)memchr(p, ':', (size_t)(end - p)) + 1;
	*n = (size_t)(end - p);
	return p;
}

/* Where the node begins: "+--", "x--" (deprecated) or "o--" (obsolete) behind the lines of the
 * tree. */
static const char *mark_in(const char *line, const char *end)
{
	const char *p;

	for (p = line; end - p > 3; p++) {
		if (strchr("+xo", *p) && *p && p[1] == '-' && p[2] == '-')
			return p;
		if (*p != ' ' && *p != '|')
			return NULL;
	}
	return NULL;
}

/* Whether the line stays. */
static bool keep(struct filter *f, const char *line, const char *end)
{
	const char *mark = mark_in(line, end);
	const struct lysc_node *node;
	const char *name;
	size_t column;
	size_t n;

	if (!mark) {
		bool indented = (size_t)(end - line) > 8 && line[4] == ' ';

		if (!indented) {
			f->depth = 0;
			f->hidden = SIZE_MAX;
		}
		return f->hidden == SIZE_MAX;
	}
	column = (size_t)(mark - line);
	if (f->hidden != SIZE_MAX && column > f->hidden)
		return false;
	f->hidden = SIZE_MAX;
	while (f->depth && f->column[f->depth - 1] >= column)
		f->depth--;
	name = name_in(mark, &n);
	node = name ? find(f, name, n) : NULL;
	if (f->depth < MAX_DEPTH) {
		f->at[f->depth] = node;
		f->column[f->depth++] = column;
	}
	if (!node || f->visible(f->ctx, node))
		return true;
	f->hidden = column;
	return false;
}

int yang_tree(struct buf *out, const struct lys_module *mod,
	      bool (*visible)(void *ctx, const struct lysc_node *node), void *ctx)
{
	struct filter f = {.mod = mod, .visible = visible, .ctx = ctx, .hidden = SIZE_MAX};
	size_t begin = out->n;
	char *text = NULL;
	const char *line;
	const char *end;

	if (lys_print_mem(&text, mod, LYS_OUT_TREE, 0))
		return -ENOMEM;
	for (line = text; *line; line = end) {
		end = line + strcspn(line, "\n");
		end += *end == '\n';
		if (!visible || keep(&f, line, end))
			buf_bytes(out, line, (size_t)(end - line));
	}
	free(text);
	if (out->failed)
		return -ENOMEM;
	return out->n == begin ? -ENOENT : 0;
}
