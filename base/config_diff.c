/* SPDX-License-Identifier: BSD-2-Clause */
/* What differs between two configurations: libyang's diff tree, flattened. */
#include "base/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *config_op_name(enum config_op op)
{
	static const char *const names[] = {
		[CONFIG_CREATE] = "create",
		[CONFIG_DELETE] = "delete",
		[CONFIG_REPLACE] = "replace",
		[CONFIG_MOVE] = "move",
	};

	return names[op];
}

/* The operation of a node of a diff tree is its own, or that of the nearest node above that has one. */
static const char *operation(const struct lyd_node *node)
{
	const struct lyd_meta *m;

	for (; node; node = lyd_parent(node)) {
		m = lyd_find_meta(node->meta, NULL, "yang:operation");
		if (m)
			return lyd_get_meta_value(m);
	}
	return "none";
}

static bool is_presence(const struct lysc_node *s)
{
	return s->nodetype == LYS_CONTAINER && (s->flags & LYS_PRESENCE);
}

static int add(struct config_diff *d, enum config_op op, const struct lyd_node *node, const char *old, const char *new)
{
	struct config_change *c;

	/* Room for 16 is taken at a time. */
	if (d->n % 16 == 0) {
		c = realloc(d->change, (d->n + 16) * sizeof(*c));
		if (!c)
			return -ENOMEM;
		d->change = c;
	}
	c = &d->change[d->n++];
	*c = (struct config_change){.op = op, .path = lyd_path(node, LYD_PATH_STD, NULL, 0)};
	c->old = old ? strdup(old) : NULL;
	c->new = new ? strdup(new) : NULL;
	return c->path && !c->old == !old && !c->new == !new ? 0 : -ENOMEM;
}

static int add_node(struct config_diff *d, const struct lyd_node *node)
{
	const char *op = operation(node);
	bool leaf = node->schema->nodetype & LYD_NODE_TERM;
	const char *value = leaf ? lyd_get_value(node) : "";
	const struct lyd_meta *orig;

	if (strcmp(op, "none") == 0)
		return 0;
	if (strcmp(op, "replace") == 0 && lysc_is_userordered(node->schema)) {
		/* Leaves of a list entry that only moved say replace by their parent, but did not change. */
		return lyd_find_meta(node->meta, NULL, "yang:operation") ? add(d, CONFIG_MOVE, node, NULL, NULL) : 0;
	}
	if (!leaf && !is_presence(node->schema))
		return 0;
	if (strcmp(op, "create") == 0)
		return add(d, CONFIG_CREATE, node, NULL, value);
	if (strcmp(op, "delete") == 0)
		return add(d, CONFIG_DELETE, node, value, NULL);
	orig = lyd_find_meta(node->meta, NULL, "yang:orig-value");
	return orig ? add(d, CONFIG_REPLACE, node, lyd_get_meta_value(orig), value) : 0;
}

int config_diff(const struct config *from, const struct config *to, struct config_diff *diff)
{
	struct lyd_node *tree = NULL;
	struct lyd_node *root;
	struct lyd_node *node;
	int rc = 0;

	*diff = (struct config_diff){0};
	if (lyd_diff_siblings(from ? config_tree(from) : NULL, config_tree(to), LYD_DIFF_DEFAULTS, &tree) != LY_SUCCESS)
		return -EINVAL;
	LY_LIST_FOR(tree, root)
	{
		LYD_TREE_DFS_BEGIN(root, node)
		{
			if (rc == 0)
				rc = add_node(diff, node);
			LYD_TREE_DFS_END(root, node);
		}
	}
	lyd_free_all(tree);
	if (rc != 0)
		config_diff_free(diff);
	return rc;
}

void config_diff_free(struct config_diff *diff)
{
	size_t i;

	for (i = 0; i < diff->n; i++) {
		free(diff->change[i].path);
		free(diff->change[i].old);
		free(diff->change[i].new);
	}
	free(diff->change);
	*diff = (struct config_diff){0};
}

bool config_diff_touches(const struct config_diff *diff, const char *path)
{
	size_t len = strlen(path);
	size_t i;

	for (i = 0; i < diff->n; i++) {
		const char *p = diff->change[i].path;

		if (strncmp(p, path, len) == 0 && (p[len] == '\0' || p[len] == '/' || p[len] == '['))
			return true;
	}
	return false;
}
