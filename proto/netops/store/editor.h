/* SPDX-License-Identifier: BSD-2-Clause */
/* Edits of the tree by the rules of RFC 6241 §7.2 and RFC 7950 §7, each step recorded as a change.
 */
#ifndef DEP_NETOPS_STORE_EDITOR_H
#define DEP_NETOPS_STORE_EDITOR_H

#include "proto/netops/store/store_priv.h"

struct editor {
	struct store *s;
	const struct principal *p; /* asked of NACM; NULL: nobody */
	struct changes *out;
	struct neterr *e;
};

/* One entry of store_edit(). 0, or negative errno and e. */
int editor_apply(struct editor *ed, const struct store_edit *edit);
/* Deletes what is set at and below node. */
int editor_delete(struct editor *ed, struct lyd_node *node);

/* Merges a whole tree of its own. */
int editor_merge(struct editor *ed, const struct lyd_node *first);
/* User-ordered: puts node after the entry `after`, or first. */
int editor_move(struct editor *ed, struct lyd_node *node, struct lyd_node *after);
/* Brings about what each change wants, as far as it is not there yet; changes that do not fit are
 * no failure. */
int editor_force(struct editor *ed, const struct changes *c);

/* Data of an edit, as a tree of its own down from the top: *top (release with lyd_free_all),
 * *first: the first of the target's instances. parent: the steps above the target. */
int fragment_parse(struct editor *ed, const struct path *path, yyjson_val *value,
		   struct lyd_node **top, struct lyd_node **first);

#endif
