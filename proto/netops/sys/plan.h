/* SPDX-License-Identifier: BSD-2-Clause */
/* From a difference of configurations to typed plan steps for room sys, in an order that is safe (spec §2.12): what goes,
 * from rules over routes and addresses to links, then what comes, from links to routes, filters and queues. A core. The
 * steps are the input of rpc `apply` of depanneur-sys.yang; each states what shall be ("this address on this link"), so that one
 * that is there already does nothing. */
#ifndef DEP_NETOPS_PLAN_H
#define DEP_NETOPS_PLAN_H

#include "proto/netops/store/changes.h"

#include <libyang/libyang.h>

struct plan {
	yyjson_mut_doc *doc;
	yyjson_mut_val *steps; /* array; {"step": [...]} of the rpc's input */
	size_t n;
	unsigned n_interfaces, n_routes; /* that it touches: blast radius */
};

/* c: the changes of configuration; after: the tree with them in it (read only). Returns 0, -ENOTSUP with err where this
 * backend has no way to do it, -ENOMEM. */
int plan_changes(const struct changes *c, const struct lyd_node *after, struct plan *out, struct err *err);
/* Of what c touches on interfaces only that which the tree says by itself, no default and nothing that goes: what remains
 * to be said after a kernel was led back to how it was found. */
int plan_said(const struct changes *c, const struct lyd_node *after, struct plan *out, struct err *err);
/* Everything that the tree says, for a kernel that may hold anything: ensures each, and removes what is ours and not in it. */
int plan_all(const struct lyd_node *tree, struct plan *out, struct err *err);
void plan_free(struct plan *p);

#endif
