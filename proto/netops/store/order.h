/* SPDX-License-Identifier: BSD-2-Clause */
/* Positions in user-ordered lists through a sequence of changes. A change says only which entry is
 * before its own; so of each list the neighbours are known that the changes tell of, with gaps
 * between. Playing the changes on that gives where each entry began and ended, and from that the
 * fewest changes with the same end are made anew. */
#ifndef DEP_NETOPS_STORE_ORDER_H
#define DEP_NETOPS_STORE_ORDER_H

#include "base/hash.h"
#include "proto/netops/store/changes.h"

struct order_list;

struct order {
	struct alloc alloc;
	struct hash lists;
	struct order_list **list;
	size_t n;
	struct order_step *step; /* what is left, by `at` */
	size_t n_steps;
	size_t next; /* to be emitted */
};

void order_init(struct order *o);
void order_free(struct order *o);
/* The at-th change of the sequence, of a user-ordered entry; it must live as long as o. -ENOMEM,
 * -EINVAL. */
int order_put(struct order *o, const struct change *c, size_t at);
/* After the last change: makes what is left. */
int order_solve(struct order *o);
/* Appends to out what is left and belongs before the at-th change of the sequence. */
int order_emit(struct order *o, size_t at, struct changes *out);

#endif
