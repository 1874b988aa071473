/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests: random instances of YANG data as RFC 7951 JSON, and mutations of them. */
#ifndef DEP_NETOPS_YANG_INSTANCE_H
#define DEP_NETOPS_YANG_INSTANCE_H

#include "base/rng.h"

#include <libyang/libyang.h>
#include <stdbool.h>
#include <yyjson.h>

struct instance {
	struct rng *r;
	yyjson_mut_doc *doc;
	unsigned rich; /* percentage of optional nodes that are there */
	bool state;    /* config false nodes, too */
	/* Values by schema node, for leafrefs to point to; and leafrefs that wait for them. */
	struct instance_value *value;
	size_t n_values;
	unsigned nodes; /* made so far */
};

/* Adds to obj random values of first and its siblings; around: the module of the parent, NULL at
 * the top. Mostly, not always, valid. */
void instance_members(struct instance *in, yyjson_mut_val *obj, const struct lysc_node *first,
		      const struct lys_module *around);
void instance_free(struct instance *in);
/* Changes one place at random; false: there was none to change. what: how. */
bool instance_mutate(struct instance *in, yyjson_mut_val *root, const char **what);

#endif
