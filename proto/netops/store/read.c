/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the datastores. */
#include "proto/netops/store/print.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static int nothing(struct neterr *e)
{
	neterr_set(e, NETERR_NOT_FOUND, "data-missing", "there is nothing");
	return -ENOENT;
}

static int bad_path(const char *text, struct neterr *e)
{
	struct err err = e->err;

	neterr_set(e, NETERR_INVALID, "invalid-value", "%s", err.what);
	err_where(&e->err, "%s", text ? text : "/");
	err_mend(&e->err, "%s", err.mend);
	return -EINVAL;
}

/* Every node on the way to the target must be readable too; a name that nobody may see is one that
 * is not there. */
static bool way_is_open(struct printer *pr, const struct lyd_node *node)
{
	for (node = lyd_parent(node); node; node = lyd_parent(node)) {
		if (!store_may(pr->s, pr->p, NACM_READ, node))
			return false;
	}
	return true;
}

/* Of the schema as well: what nobody's rules let p read is answered as what holds nothing. */
static bool path_visible(const struct printer *pr, const struct path *path)
{
	return path->n == 0 || !pr->p ||
	       nacm_schema(pr->s->nacm, pr->p, NACM_READ, path->step[path->n - 1].node);
}

static struct printer printer(struct store *s, const struct principal *p,
			      const struct store_query *q, struct buf *out)
{
	return (struct printer){.s = s,
				.p = p,
				.out = out,
				.depth = q->depth ? q->depth : UINT_MAX,
				.defaults = q->defaults,
				.config_only = q->config_only};
}

static int print_target(struct printer *pr, const struct path *path, const struct store_query *q,
			const struct lyd_node *tree, struct neterr *e)
{
	const struct path_step *last = &path->step[path->n - 1];
	struct lyd_node *n;
	size_t depth;
	size_t from = pr->out->n;
	bool list = !last->key && (last->node->nodetype & (LYS_LIST | LYS_LEAFLIST));

	n = path_find((struct lyd_node *)tree, path, &depth);
	if (depth == path->n) {
		if (!n || !way_is_open(pr, n) || !print_shows(pr, n))
			return nothing(e);
	} else if (depth + 1 == path->n && list) {
		if (lyd_find_sibling_val(n ? lyd_child(n) : tree, last->node, NULL, 0, &n) || !n ||
		    !way_is_open(pr, n))
			return nothing(e);
		pr->offset = q->offset;
		pr->limit = q->limit;
	} else {
		return nothing(e);
	}
	buf_u8(pr->out, '{');
	/* The module's name always stands at the top of an answer. */
	pr->top = n;
	if (print_member(pr, n, !list, false, pr->depth) == 0 && q->offset == 0) {
		pr->out->n = from;
		return nothing(e);
	}
	buf_u8(pr->out, '}');
	return 0;
}

int store_print(struct store *s, const struct lyd_node *tree, const struct principal *p,
		const struct store_query *q, struct buf *out, struct neterr *e)
{
	struct printer pr = printer(s, p, q, out);
	struct path path;
	int rc = path_parse(s->schema->ctx, q->path, &path, &e->err);

	if (rc == 0)
		rc = path_visible(&pr, &path) ? 0 : -ENOENT;
	if (rc == -ENOENT)
		nothing(e);
	else if (rc)
		rc = bad_path(q->path, e);
	else if (path.n == 0) {
		buf_u8(out, '{');
		print_members(&pr, tree, pr.depth);
		buf_u8(out, '}');
	} else {
		rc = tree ? print_target(&pr, &path, q, tree, e) : nothing(e);
	}
	path_free(&path);
	if (rc == 0 && out->failed) {
		neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
		rc = -ENOMEM;
	}
	return rc;
}

int store_open(struct store *s, enum datastore ds, const char *candidate, const struct principal *p,
	       struct lyd_node **tree, struct neterr *e)
{
	const struct candidate *c = ds == DS_CANDIDATE ? candidate_find(s, candidate, p) : NULL;
	LY_ERR rc;

	*tree = NULL;
	if (ds == DS_STARTUP && s->startup) {
		rc = lyd_parse_data_mem(s->schema->ctx, s->startup, LYD_JSON,
					LYD_PARSE_STRICT | LYD_PARSE_NO_STATE,
					LYD_VALIDATE_NO_STATE, tree);
		return rc == LY_SUCCESS ? 0 : tree_ly_err(&s->tree, "operation-failed", NULL, e);
	}
	if (ds == DS_CANDIDATE && !c && candidate && *candidate) {
		neterr_set(e, NETERR_TRANSACTION_UNKNOWN, "invalid-value", "no such candidate");
		return -ENOENT;
	}
	if (c) {
		int played = candidate_play(s, c, e);

		if (played == 0)
			played = tree_settle(&s->tree, 0, e);
		if (played) {
			tree_undo(&s->tree, 0);
			return played;
		}
	}
	*tree = s->tree.root;
	return 0;
}

void store_close(struct store *s, enum datastore ds, struct lyd_node *tree)
{
	if (ds == DS_STARTUP && s->startup)
		lyd_free_all(tree);
	else
		tree_undo(&s->tree, 0);
}

int store_get(struct store *s, enum datastore ds, const char *candidate, const struct principal *p,
	      const struct store_query *q, struct buf *out, struct neterr *e)
{
	struct lyd_node *tree;
	int rc = store_open(s, ds, candidate, p, &tree, e);

	if (rc)
		return rc;
	rc = store_print(s, tree, p, q, out, e);
	store_close(s, ds, tree);
	return rc;
}

/* Whether every node of a path may be read: those that are there as they are, the rest by the
 * schema. */
static bool may_know(struct store *s, const struct principal *p, const struct path *path)
{
	struct lyd_node *n;
	size_t depth;

	if (path->n == 0)
		return true;
	if (!nacm_schema(s->nacm, p, NACM_READ, path->step[path->n - 1].node))
		return false;
	for (n = path_find(s->tree.root, path, &depth); n; n = lyd_parent(n)) {
		if (!store_may(s, p, NACM_READ, n))
			return false;
	}
	return true;
}

void store_hide(struct store *s, const struct principal *p, struct neterr *e)
{
	enum neterr_code code = e->code;
	struct path path;
	char tag[sizeof(e->tag)];
	bool known;

	if (!p || code == NETERR_NONE || e->err.where[0] != '/')
		return;
	known = path_parse(s->schema->ctx, e->err.where, &path, NULL) == 0 && may_know(s, p, &path);
	path_free(&path);
	if (known)
		return;
	memcpy(tag, e->tag, sizeof(tag));
	neterr_set(e, code, tag, "a constraint is violated in a part that you may not read");
}
