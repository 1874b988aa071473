/* SPDX-License-Identifier: BSD-2-Clause */
/* The one data tree, with all defaults in it, and a trail by which whatever was done to it is taken
 * back. Each step costs what it touches: entries are found, linked and unlinked by libyang's hashes
 * and sorted trees. */
#ifndef DEP_NETOPS_STORE_TREE_H
#define DEP_NETOPS_STORE_TREE_H

#include "proto/netops/neterr.h"
#include "proto/netops/store/changes.h"
#include "proto/netops/store/index.h"
#include "proto/netops/store/lthash.h"
#include "proto/netops/store/path.h"
#include "proto/netops/store/schema_priv.h"

enum trail_op { TRAIL_LINK, TRAIL_UNLINK, TRAIL_MOVE };

struct trail_step {
	enum trail_op op;
	struct lyd_node *node;
	struct lyd_node *parent; /* where it is, or was; NULL the top */
	struct lyd_node *after;	 /* TRAIL_UNLINK, TRAIL_MOVE of user-ordered entries: which was
				    before it, NULL first */
};

struct tree {
	struct schema *schema;
	struct lyd_node *root; /* first top-level node */
	struct index index;
	struct trail_step *trail;
	size_t n;
	size_t cap;
	struct lthash *hash;	   /* kept along where not NULL */
	struct lyd_node **retyped; /* unions not of the trail, which are to be looked at again when
				      it is taken back */
	size_t n_retyped;
	uint64_t id; /* of this trail, from its first step to its end */
};

int tree_init(struct tree *t, struct schema *schema);
void tree_free(struct tree *t);
/* Takes over a whole tree that libyang has validated, with its defaults, and hashes what is set in
 * it. */
int tree_take(struct tree *t, struct lyd_node *root, struct lthash *hash, struct neterr *e);
/* The defaults of an empty tree. */
int tree_settle_all(struct tree *t, struct neterr *e);

/* Takes back everything after the first `mark` steps; 0: all. */
void tree_undo(struct tree *t, size_t mark);
/* Keeps what was done, forgets the trail, frees what was unlinked. */
void tree_keep(struct tree *t);

/* New nodes, linked where they belong; NULL and e (tag invalid-value) where libyang refuses the
 * value. */
struct lyd_node *tree_new_inner(struct tree *t, struct lyd_node *parent,
				const struct lysc_node *node, struct neterr *e);
struct lyd_node *tree_new_entry(struct tree *t, struct lyd_node *parent,
				const struct lysc_node *node, const char *keys, struct neterr *e);
struct lyd_node *tree_new_term(struct tree *t, struct lyd_node *parent,
			       const struct lysc_node *node, const char *value, bool is_default,
			       struct neterr *e);
int tree_unlink(struct tree *t, struct lyd_node *node);
/* User-ordered: puts node after the entry `after`, or first. */
int tree_move(struct tree *t, struct lyd_node *node, struct lyd_node *after);
/* The entry before node (user-ordered), or NULL. */
struct lyd_node *tree_before(const struct lyd_node *node);
/* First instance of a schema node among parent's children. */
struct lyd_node *tree_child(const struct tree *t, const struct lyd_node *parent,
			    const struct lysc_node *node);
struct lyd_node *tree_first(const struct tree *t, const struct lyd_node *parent);

/* Plays changes onto the tree, on the trail. -EINVAL and e where one does not fit. Defaults are not
 * adjusted yet. */
int tree_play(struct tree *t, const struct changes *c, struct neterr *e);
/* Makes the implicit nodes right (defaults, non-presence containers, when) around all that is on
 * the trail after mark. Explicit nodes whose when is false stay. 0, -ENOMEM, or -EINVAL and e. */
int tree_settle(struct tree *t, size_t mark, struct neterr *e);

/* Chooses anew the types of unions whose references came or went on the trail after mark. */
int tree_retype(struct tree *t, size_t mark);
void tree_retype_one(const struct tree *t, struct lyd_node *node);
/* A node that is set, was there before the trail's step `mark`, and whose when is false by what
 * came after; NULL: none. */
int tree_disallowed(struct tree *t, size_t mark, struct lyd_node **out);
/* A node that is set came or is about to go: the hash, where it is kept. */
void tree_content(struct tree *t, const struct lyd_node *node, bool comes);
/* Parent of a node, also of one that the trail has unlinked. */
struct lyd_node *tree_parent(const struct lyd_node *node);
bool tree_attached(const struct tree *t, const struct lyd_node *node);
/* The data ancestor of node (or itself) with that schema, if it is still in the tree; schema NULL:
 * NULL. */
struct lyd_node *tree_ancestor(const struct tree *t, struct lyd_node *node,
			       const struct lysc_node *schema);
/* Calls f for each instance of node at or below from (NULL: in all of the tree), until it returns
 * not 0. */
int tree_each(struct tree *t, struct lyd_node *from, const struct lysc_node *node,
	      int (*f)(void *ctx, struct lyd_node *instance), void *ctx);
/* Whether a context-free expression says the same as before the trail. *now: what it says, or
 * negative errno. */
bool tree_same(const struct tree *t, const struct xexpr *x, int *now);
/* Whether an expression holds at context; 1, 0 or negative errno. */
int tree_eval(const struct tree *t, const struct xexpr *x, const struct lyd_node *context);
/* Not set by anybody: a default, or a non-presence container with nothing else in it. */
bool node_is_implicit(const struct lyd_node *node);
/* From where on instances of x's context may be concerned by a change of node: *from, NULL for all
 * of the tree. false: nothing is left there. */
bool expr_scope(const struct tree *t, const struct xexpr *x, struct lyd_node *node,
		struct lyd_node **from);
/* libyang's first error, without names that are not the asker's own, as e; -ENOMEM or -EINVAL. */
int tree_ly_err(struct tree *t, const char *tag, const char *where, struct neterr *e);

#endif
