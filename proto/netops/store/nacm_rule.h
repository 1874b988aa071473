/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of NACM as they are compiled, and whether their paths match. */
#ifndef DEP_NETOPS_NACM_RULE_H
#define DEP_NETOPS_NACM_RULE_H

#include "proto/netops/store/nacm.h"

#include <stddef.h>

enum rule_type { RULE_ANY, RULE_RPC, RULE_NOTIFICATION, RULE_PATH };

/* A key that a step of a path asks for. */
struct rule_key {
	const struct lysc_node *key; /* NULL: the value of the leaf-list entry itself */
	char *value;		     /* NULL: the user's name ($USER) */
};

struct rule_step {
	const struct lysc_node *node;
	struct rule_key *key;
	size_t n_keys;
};

struct rule {
	char *module; /* NULL: any */
	enum rule_type type;
	char *name;		/* RULE_RPC, RULE_NOTIFICATION: NULL any */
	struct rule_step *step; /* RULE_PATH; none: the root, and so everything */
	size_t n_steps;
	bool broken; /* a path that this schema does not have: matches nothing */
	unsigned access;
	bool permit;
};

/* From a rule entry of running. -ENOMEM. Release with rule_free(), after a failure too. */
int rule_compile(struct rule *r, const struct lyd_node *entry);
void rule_free(struct rule *r);
/* Whether the path names the node or one above it. */
bool rule_matches_node(const struct rule *r, const char *user, const struct lyd_node *node);
/* The same of a schema node. *some: only of some of its instances. */
bool rule_matches_schema(const struct rule *r, const struct lysc_node *node, bool *some);

#endif
