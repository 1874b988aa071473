/* SPDX-License-Identifier: BSD-2-Clause */
/* Where values are referred from: leafrefs and instance-identifiers by value, so that what refers
 * to a deleted node is found without looking through the tree. */
#ifndef DEP_NETOPS_STORE_INDEX_H
#define DEP_NETOPS_STORE_INDEX_H

#include "base/hash.h"
#include "base/list.h"

#include <libyang/libyang.h>

struct index {
	struct alloc alloc;
	struct hash groups; /* by schema node and value */
	struct hash refs;   /* by data node */
	struct hash tuples; /* what unique statements speak of, by value */
	struct hash owners; /* the same by entry */
};

struct index_ref {
	struct hash_node h;
	struct list at; /* of a group */
	struct lyd_node *node;
	struct index_group *group;
};

struct index_group {
	struct hash_node h;
	struct list refs; /* never empty */
};

/* The values that one unique statement takes of one entry. */
struct index_tuple {
	struct hash_node h;
	struct hash_node own;
	struct lyd_node *entry;
	size_t unique; /* which of the list's statements */
};

void index_init(struct index *x);
void index_free(struct index *x);
/* To be called where the struct was copied to another place, which is now its own. */
void index_moved(struct index *x);
/* A node that is linked, and one that no longer is; those that are no references are passed over. 0
 * or -ENOMEM. */
int index_add(struct index *x, struct lyd_node *node);
void index_del(struct index *x, struct lyd_node *node);
/* An entry of a list with unique statements came, or its values are others: 0 or -ENOMEM. It goes.
 */
int index_entry(struct index *x, struct lyd_node *entry);
void index_entry_del(struct index *x, struct lyd_node *entry);
/* Another entry beside this one with the same values for one of its unique statements, or NULL. */
const struct lyd_node *index_same(const struct index *x, const struct lyd_node *entry);
/* Instances of the leaf `node` with that value, or NULL where there are none. */
const struct index_group *index_find(const struct index *x, const struct lysc_node *node,
				     const char *value);

#endif
