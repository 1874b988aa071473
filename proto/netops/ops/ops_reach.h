/* SPDX-License-Identifier: BSD-2-Clause */
/* What a set of changes reaches: for limits of policy and for warnings (spec §2.12 "Ordering safety", §2.14 rule 5). */
#ifndef DEP_NETOPS_OPS_REACH_H
#define DEP_NETOPS_OPS_REACH_H

#include "proto/netops/store/changes.h"

#include <stdbool.h>

struct reach {
	unsigned n_interfaces; /* different ones */
	unsigned n_routes;     /* static routes, different ones */
	bool management;       /* the interface `link`, or a route that leads to addr */
};

/* addr: the client's address, or NULL; link: the interface that leads there, or NULL. Either family. */
void reach_of(const struct changes *c, const char *addr, const char *link, struct reach *out);

#endif
