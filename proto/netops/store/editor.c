/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/store/editor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_np(const struct lysc_node *node)
{
	return node->nodetype == LYS_CONTAINER && !(node->flags & LYS_PRESENCE);
}

static int no_memory(struct editor *ed)
{
	neterr_set(ed->e, NETERR_INTERNAL, "resource-denied", "no memory");
	return -ENOMEM;
}

static int fail(struct editor *ed, const char *tag, const char *what)
{
	neterr_set(ed->e, NETERR_CONFIG_INCOMPATIBLE, tag, "%s", what);
	return -EINVAL;
}

static int allow(struct editor *ed, enum nacm_access a, const struct lyd_node *node)
{
	if (store_may(ed->s, ed->p, a, node))
		return 0;
	neterr_set(ed->e, NETERR_ACCESS_DENIED, "access-denied", "access denied");
	return -EACCES;
}

/* The predicate of the entry before node, "" where it is the first, NULL where the order is the
 * system's. */
static int order_of(const struct lyd_node *node, char **out)
{
	const struct lyd_node *before;

	*out = NULL;
	if (!lysc_is_userordered(node->schema))
		return 0;
	before = tree_before(node);
	*out = before ? path_predicate(before) : strdup("");
	return *out ? 0 : -ENOMEM;
}

/* Records that node came, goes, or moved from behind old_after. */
static int record(struct editor *ed, enum change_op op, const struct lyd_node *node,
		  const char *old, const char *old_after)
{
	const char *value = node->schema->nodetype & LYD_NODE_TERM ? lyd_get_value(node) : NULL;
	char *path = lyd_path(node, LYD_PATH_STD, NULL, 0);
	char *after = NULL;
	int rc = path && order_of(node, &after) == 0 ? 0 : -ENOMEM;

	if (rc == 0 && op == CHANGE_DELETE)
		rc = changes_add(ed->out, op, path, value, NULL, after, NULL);
	else if (rc == 0 && op == CHANGE_MOVE)
		rc = changes_add(ed->out, op, path, NULL, NULL, old_after, after);
	else if (rc == 0)
		rc = changes_add(ed->out, op, path, old, value, NULL, after);
	free(path);
	free(after);
	return rc ? no_memory(ed) : 0;
}

/* ---- Deleting ---- */

static int delete_set(struct editor *ed, struct lyd_node *node)
{
	int rc = allow(ed, NACM_DELETE, node);

	if (rc == 0)
		rc = record(ed, CHANGE_DELETE, node, NULL, NULL);
	if (rc == 0 && tree_unlink(&ed->s->tree, node))
		rc = no_memory(ed);
	return rc;
}

/* Recursion goes as deep as the schema. */
int editor_delete(struct editor *ed, struct lyd_node *node)
{
	struct lyd_node *child;
	struct lyd_node *next;
	int rc = 0;

	if (node_is_implicit(node))
		return 0;
	for (child = lyd_child(node); child && rc == 0; child = next) {
		next = child->next;
		if (!(child->schema->flags & LYS_KEY))
			rc = editor_delete(ed, child);
	}
	if (rc || is_np(node->schema))
		return rc;
	return delete_set(ed, node);
}

/* Everything set of a schema node (or choice, case) below parent. */
static int delete_all(struct editor *ed, struct lyd_node *parent, const struct lysc_node *at)
{
	const struct lysc_node *child;
	struct lyd_node *n;
	struct lyd_node *next;
	int rc = 0;

	if (at->nodetype & (LYS_CHOICE | LYS_CASE)) {
		LY_LIST_FOR(lysc_node_child(at), child)
		{
			if (rc == 0)
				rc = delete_all(ed, parent, child);
		}
		return rc;
	}
	for (n = tree_child(&ed->s->tree, parent, at); n && n->schema == at && rc == 0; n = next) {
		next = n->next;
		rc = editor_delete(ed, n);
	}
	return rc;
}

/* A node of one case deletes those of the others (RFC 7950 §7.9). */
static int make_room(struct editor *ed, struct lyd_node *parent, const struct lysc_node *node)
{
	const struct lysc_node *in = node;
	const struct lysc_node *other;
	int rc = 0;

	for (; in->parent && (in->parent->nodetype & (LYS_CASE | LYS_CHOICE)); in = in->parent) {
		if (in->parent->nodetype != LYS_CHOICE)
			continue;
		LY_LIST_FOR(lysc_node_child(in->parent), other)
		{
			if (other != in && rc == 0)
				rc = delete_all(ed, parent, other);
		}
	}
	return rc;
}

/* ---- Creating ---- */

static int created(struct editor *ed, struct lyd_node *node, const char *old)
{
	int rc;

	if (!node)
		return -EINVAL;
	rc = allow(ed, old ? NACM_UPDATE : NACM_CREATE, node);
	return rc ? rc : record(ed, old ? CHANGE_REPLACE : CHANGE_CREATE, node, old, NULL);
}

static int set_leaf(struct editor *ed, struct lyd_node *parent, const struct lyd_node *from)
{
	struct tree *t = &ed->s->tree;
	struct lyd_node *there = tree_child(t, parent, from->schema);
	const char *value = lyd_get_value(from);
	char *old;
	int rc;

	if (there && !(there->flags & LYD_DEFAULT)) {
		if (strcmp(lyd_get_value(there), value) == 0)
			return 0;
		if (from->schema->flags & LYS_KEY)
			return fail(ed, "invalid-value",
				    "a key does not change; make another entry");
		old = strdup(lyd_get_value(there));
		if (!old)
			return no_memory(ed);
		rc = tree_unlink(t, there) ? no_memory(ed) : 0;
		if (rc == 0)
			rc = created(ed,
				     tree_new_term(t, parent, from->schema, value, false, ed->e),
				     old);
		free(old);
		return rc;
	}
	rc = make_room(ed, parent, from->schema);
	if (rc)
		return rc;
	return created(ed, tree_new_term(t, parent, from->schema, value, false, ed->e), NULL);
}

/* The entry (list, leaf-list) like from, or NULL. */
static struct lyd_node *twin(struct editor *ed, struct lyd_node *parent,
			     const struct lyd_node *from)
{
	struct lyd_node *first = tree_first(&ed->s->tree, parent);
	struct lyd_node *match = NULL;

	if (first)
		lyd_find_sibling_first(first, from, &match);
	return match && !((match->schema->nodetype & LYD_NODE_TERM) && (match->flags & LYD_DEFAULT))
		       ? match
		       : NULL;
}

static int quotable(struct editor *ed, const struct lyd_node *from)
{
	const struct lyd_node *key;
	bool ok = true;

	if (from->schema->nodetype == LYS_LEAFLIST)
		ok = path_quotable(lyd_get_value(from));
	LY_LIST_FOR(lyd_child(from), key)
	{
		if (key->schema->flags & LYS_KEY)
			ok = ok && path_quotable(lyd_get_value(key));
	}
	return ok ? 0
		  : fail(ed, "invalid-value",
			 "a key with both kinds of quotes cannot be addressed");
}

static int make_entry(struct editor *ed, struct lyd_node *parent, const struct lyd_node *from,
		      struct lyd_node **out)
{
	struct tree *t = &ed->s->tree;
	char *keys;
	int rc = quotable(ed, from);

	if (rc == 0)
		rc = make_room(ed, parent, from->schema);
	if (rc)
		return rc;
	if (from->schema->nodetype == LYS_LEAFLIST) {
		*out = tree_new_term(t, parent, from->schema, lyd_get_value(from), false, ed->e);
		return created(ed, *out, NULL);
	}
	keys = path_predicate(from);
	if (!keys)
		return no_memory(ed);
	*out = tree_new_entry(t, parent, from->schema, keys, ed->e);
	free(keys);
	return created(ed, *out, NULL);
}

static int make_container(struct editor *ed, struct lyd_node *parent, const struct lysc_node *node,
			  struct lyd_node **out)
{
	int rc;

	*out = tree_child(&ed->s->tree, parent, node);
	if (*out && (!is_np(node) || !node_is_implicit(*out)))
		return 0;
	rc = make_room(ed, parent, node);
	if (rc || *out)
		return rc;
	*out = tree_new_inner(&ed->s->tree, parent, node, ed->e);
	if (!*out)
		return -EINVAL;
	return is_np(node) ? 0 : created(ed, *out, NULL);
}

/* ---- Merging and replacing ---- */

static int merge(struct editor *ed, struct lyd_node *parent, const struct lyd_node *from,
		 bool replace, struct lyd_node **out);

int editor_move(struct editor *ed, struct lyd_node *node, struct lyd_node *after)
{
	char *old = NULL;
	int rc;

	if (tree_before(node) == after || node == after)
		return 0;
	rc = allow(ed, NACM_UPDATE, node);
	if (rc)
		return rc;
	if (order_of(node, &old))
		return no_memory(ed);
	rc = tree_move(&ed->s->tree, node, after) ? no_memory(ed)
						  : record(ed, CHANGE_MOVE, node, NULL, old);
	free(old);
	return rc;
}

static bool same_entry(const struct lyd_node *a, const struct lyd_node *b)
{
	return a->schema == b->schema && (!(a->schema->nodetype & (LYS_LIST | LYS_LEAFLIST)) ||
					  lyd_compare_single(a, b, 0) == LY_SUCCESS);
}

/* What is set below parent, but for what `first` and its siblings have as well, goes. */
static int prune(struct editor *ed, struct lyd_node *parent, const struct lyd_node *first)
{
	struct lyd_node *n;
	struct lyd_node *next;
	struct lyd_node *match;
	int rc = 0;

	for (n = tree_first(&ed->s->tree, parent); n && rc == 0; n = next) {
		next = n->next;
		match = NULL;
		if (n->schema->flags & LYS_KEY)
			continue;
		if (first)
			lyd_find_sibling_first(first, n, &match);
		if (!match || !same_entry(match, n))
			rc = editor_delete(ed, n);
	}
	return rc;
}

static int merge_children(struct editor *ed, struct lyd_node *node, const struct lyd_node *first,
			  bool replace)
{
	const struct lyd_node *from;
	struct lyd_node *last = NULL;
	struct lyd_node *now;
	int rc = replace ? prune(ed, node, first) : 0;

	LY_LIST_FOR(first, from)
	{
		if (rc || ((from->schema->flags & LYS_KEY) && node))
			continue;
		rc = merge(ed, node, from, replace, &now);
		/* What replaces brings its order along. */
		if (rc == 0 && replace && now && lysc_is_userordered(now->schema))
			rc = editor_move(ed, now,
					 last && last->schema == now->schema ? last : NULL);
		last = now;
	}
	return rc;
}

static int merge(struct editor *ed, struct lyd_node *parent, const struct lyd_node *from,
		 bool replace, struct lyd_node **out)
{
	int rc = 0;

	*out = NULL;
	switch (from->schema->nodetype) {
	case LYS_LEAF:
		return set_leaf(ed, parent, from);
	case LYS_LEAFLIST:
		*out = twin(ed, parent, from);
		return *out ? 0 : make_entry(ed, parent, from, out);
	case LYS_CONTAINER:
		rc = make_container(ed, parent, from->schema, out);
		break;
	case LYS_LIST:
		*out = twin(ed, parent, from);
		if (!*out)
			rc = make_entry(ed, parent, from, out);
		break;
	default:
		return fail(ed, "operation-not-supported", "data without a schema is not kept");
	}
	return rc ? rc : merge_children(ed, *out, lyd_child(from), replace);
}

int editor_merge(struct editor *ed, const struct lyd_node *first)
{
	return merge_children(ed, NULL, first, false);
}

/* ---- One edit ---- */

/* Where the target belongs; what is above it and not there is made. */
static int reach(struct editor *ed, const struct path *path, const struct lyd_node *skeleton,
		 struct lyd_node **out)
{
	const struct lyd_node *from = skeleton;
	struct lyd_node *now = NULL;
	size_t i;
	int rc = 0;

	*out = NULL;
	for (i = 0; i + 1 < path->n && rc == 0; i++) {
		if (from->schema->nodetype == LYS_LIST) {
			now = twin(ed, *out, from);
			if (!now)
				rc = make_entry(ed, *out, from, &now);
		} else {
			rc = make_container(ed, *out, from->schema, &now);
		}
		*out = now;
		for (from = lyd_child(from); from && (from->schema->flags & LYS_KEY);
		     from = from->next)
			;
	}
	return rc;
}

static int find_point(struct editor *ed, const struct lyd_node *node, const char *text,
		      struct lyd_node **out)
{
	struct path path;
	size_t depth = 0;
	int rc = text ? path_parse(ed->s->schema->ctx, text, &path, &ed->e->err) : -EINVAL;

	*out = NULL;
	if (rc == 0)
		*out = path_find(ed->s->tree.root, &path, &depth);
	if (rc == 0 && (depth != path.n || !*out || (*out)->schema != node->schema ||
			lyd_parent(*out) != lyd_parent(node)))
		*out = NULL;
	if (text)
		path_free(&path);
	return *out ? 0 : fail(ed, "bad-attribute", "point names no entry of the same list");
}

static int insert(struct editor *ed, struct lyd_node *node, const struct store_edit *edit)
{
	struct lyd_node *after = NULL;
	int rc = 0;

	if (!edit->insert)
		return 0;
	if (!node || !lysc_is_userordered(node->schema))
		return fail(ed, "bad-attribute",
			    "insert is for entries of lists ordered by the user");
	if (strcmp(edit->insert, "first") == 0)
		return editor_move(ed, node, NULL);
	if (strcmp(edit->insert, "last") == 0) {
		for (after = node; after->next && after->next->schema == node->schema;)
			after = after->next;
		return editor_move(ed, node, after);
	}
	rc = find_point(ed, node, edit->point, &after);
	if (rc)
		return rc;
	if (after == node)
		return fail(ed, "bad-attribute", "an entry cannot be placed by itself");
	if (strcmp(edit->insert, "after") == 0)
		return editor_move(ed, node, after);
	if (strcmp(edit->insert, "before") != 0)
		return fail(ed, "bad-attribute", "insert is first, last, before or after");
	after = tree_before(after);
	return editor_move(ed, node, after == node ? tree_before(node) : after);
}

static bool exists(struct editor *ed, const struct path *path)
{
	const struct path_step *last = &path->step[path->n - 1];
	size_t depth;
	const struct lyd_node *n = path_find(ed->s->tree.root, path, &depth);

	if (depth == path->n)
		return n && !node_is_implicit(n);
	if (depth + 1 != path->n || last->key)
		return false;
	return tree_child(&ed->s->tree, n, last->node) != NULL; /* a list without keys */
}

static int delete_target(struct editor *ed, const struct path *path, bool must_exist)
{
	const struct path_step *last = path->n ? &path->step[path->n - 1] : NULL;
	struct lyd_node *n;
	size_t depth;

	if (!last)
		return prune(ed, NULL, NULL);
	if (last->node->flags & LYS_KEY)
		return fail(ed, "invalid-value", "a key goes with its entry only");
	if (!exists(ed, path))
		return must_exist ? fail(ed, "data-missing", "nothing is set there") : 0;
	n = path_find(ed->s->tree.root, path, &depth);
	if (depth == path->n)
		return editor_delete(ed, n);
	return delete_all(ed, n, last->node);
}

static int write_target(struct editor *ed, const struct path *path, const struct store_edit *edit,
			const struct lyd_node *top, const struct lyd_node *first)
{
	const struct lysc_node *node = path->n ? path->step[path->n - 1].node : NULL;
	bool replace = edit->op == EDIT_REPLACE;
	struct lyd_node *parent;
	struct lyd_node *now = NULL;
	const struct lyd_node *from;
	struct lyd_node *before = NULL;
	int rc;

	if (!node)
		return merge_children(ed, NULL, first, replace);
	rc = reach(ed, path, top, &parent);
	for (from = first; from && from->schema == node && rc == 0; from = from->next) {
		rc = merge(ed, parent, from, replace, &now);
		if (rc == 0 && from != first && edit->insert && now && before)
			rc = lysc_is_userordered(node) ? editor_move(ed, now, before) : 0;
		else if (rc == 0)
			rc = insert(ed, now, edit);
		before = now;
	}
	return rc;
}

/* Replacing a list or leaf-list as a whole: entries that the value lacks go, the order is the
 * value's. */
static int replace_list(struct editor *ed, const struct path *path, const struct lyd_node *top,
			const struct lyd_node *first)
{
	const struct lysc_node *node = path->step[path->n - 1].node;
	struct lyd_node *parent;
	struct lyd_node *n;
	struct lyd_node *next;
	struct lyd_node *match;
	struct lyd_node *last = NULL;
	int rc = reach(ed, path, top, &parent);

	for (n = rc == 0 ? tree_child(&ed->s->tree, parent, node) : NULL;
	     n && n->schema == node && rc == 0; n = next) {
		next = n->next;
		match = NULL;
		if (first)
			lyd_find_sibling_first(first, n, &match);
		if (!match)
			rc = editor_delete(ed, n);
	}
	for (; first && first->schema == node && rc == 0; first = first->next) {
		rc = merge(ed, parent, first, true, &n);
		if (rc == 0 && lysc_is_userordered(node))
			rc = editor_move(ed, n, last);
		last = n;
	}
	return rc;
}

/* It cannot be created, as it is there; who may not create it is not told that. */
static int already(struct editor *ed, const struct lyd_node *node)
{
	int rc = allow(ed, NACM_CREATE, node);

	return rc ? rc : fail(ed, "data-exists", "it is there already");
}

static int write_edit(struct editor *ed, const struct path *path, const struct store_edit *edit)
{
	const struct path_step *last = path->n ? &path->step[path->n - 1] : NULL;
	size_t depth;
	struct lyd_node *top = NULL;
	struct lyd_node *first = NULL;
	int rc = fragment_parse(ed, path, edit->value, &top, &first);

	if (rc == 0 && edit->op == EDIT_CREATE && last && exists(ed, path) &&
	    (last->key || !(last->node->nodetype & (LYS_LIST | LYS_LEAFLIST))))
		rc = already(ed, path_find(ed->s->tree.root, path, &depth));
	if (rc == 0 && edit->op == EDIT_CREATE && !last)
		rc = fail(ed, "data-exists", "the root is always there");
	if (rc == 0 && edit->op == EDIT_REPLACE && last && !last->key &&
	    (last->node->nodetype & (LYS_LIST | LYS_LEAFLIST)))
		rc = replace_list(ed, path, top, first);
	else if (rc == 0)
		rc = write_target(ed, path, edit, top, first);
	lyd_free_all(top);
	return rc;
}

/* Creating entries of a list that its path names without keys: none of them may be there. */
static int check_new_entries(struct editor *ed, const struct path *path,
			     const struct store_edit *edit)
{
	const struct path_step *last = &path->step[path->n - 1];
	struct lyd_node *top = NULL;
	struct lyd_node *first = NULL;
	struct lyd_node *parent;
	const struct lyd_node *from;
	size_t depth;
	int rc;

	if (edit->op != EDIT_CREATE || last->key ||
	    !(last->node->nodetype & (LYS_LIST | LYS_LEAFLIST)))
		return 0;
	rc = fragment_parse(ed, path, edit->value, &top, &first);
	parent = path_find(ed->s->tree.root, path, &depth);
	for (from = first; rc == 0 && depth + 1 == path->n && from && from->schema == last->node;
	     from = from->next) {
		const struct lyd_node *there = twin(ed, parent, from);

		if (there)
			rc = already(ed, there);
	}
	lyd_free_all(top);
	return rc;
}

int editor_apply(struct editor *ed, const struct store_edit *edit)
{
	struct path path;
	int rc = path_parse(ed->s->schema->ctx, edit->path, &path, &ed->e->err);
	const struct lysc_node *node;

	node = rc == 0 && path.n ? path.step[path.n - 1].node : NULL;
	if (rc) {
		struct err err = ed->e->err;

		neterr_set(ed->e, NETERR_INVALID, "invalid-value", "%s", err.what);
		err_mend(&ed->e->err, "%s", err.mend);
	} else if (node && !(node->flags & LYS_CONFIG_W)) {
		rc = fail(ed, "invalid-value", "this is state, not configuration");
	} else if (edit->op == EDIT_DELETE || edit->op == EDIT_REMOVE) {
		rc = delete_target(ed, &path, edit->op == EDIT_DELETE);
	} else {
		rc = node ? check_new_entries(ed, &path, edit) : 0;
		if (rc == 0)
			rc = write_edit(ed, &path, edit);
	}
	path_free(&path);
	return rc;
}
