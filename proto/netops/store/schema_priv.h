/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of store/ share about a schema, and nobody else. */
#ifndef DEP_NETOPS_SCHEMA_PRIV_H
#define DEP_NETOPS_SCHEMA_PRIV_H

#include "proto/netops/store/schema.h"

struct schema_entry {
	char *name;
	char *revision;
	char *text;
	char **features;
	size_t n_features;
	bool implemented;
	char room[32];
};

struct schema {
	struct ly_ctx *ctx;
	struct schema_entry *entry;
	size_t n;
	char content_id[65];
	struct xexpr *exprs; /* all of them, for release */
	struct snode *snodes;
	bool has_instance_ids;
};

/* An XPath expression of the model: a must or a when. */
struct xexpr {
	const struct lysc_node *owner; /* the node that it constrains */
	const struct lysc_node
		*context; /* where it is evaluated: owner, or its data parent; NULL the root */
	bool is_must;
	bool obliges;	   /* a when of what is mandatory where it holds */
	bool context_free; /* has the same value wherever it is evaluated */
	int climbs;	   /* data levels above the context that it can see; -1: all of the tree */
	const struct lys_module *module;
	char *text; /* "boolean(…)" */
	const struct lysc_prefix *prefixes;
	const struct lysc_must *must;
	/* Of context-free ones: the verdict before the trail `noted` began, and what the tree is
	 * settled for. */
	uint64_t noted;
	int before;
	int settled;
	const char *source; /* as the module has it, for people */
	struct xexpr *next;
};

/* What validation must know of a data node's schema; hangs at lysc_node.priv of each configuration
 * data node. */
struct snode {
	const struct lysc_node *node;
	struct xexpr *
		*mentioned; /* expressions whose value may depend on an instance of this node */
	size_t n_mentioned;
	const struct lysc_node **referrers; /* leafrefs to this node */
	size_t n_referrers;
	const struct lysc_node **predicated; /* leafrefs whose path looks at this node on its way */
	int *predicated_climbs;
	size_t n_predicated;
	struct xexpr **musts;
	size_t n_musts;
	struct xexpr **whens; /* own, and of the choices and cases around it */
	size_t n_whens;
	bool resolves; /* its type is checked against the tree: leafref, instance-identifier, union
			  of such */
	bool is_union; /* and its type depends on what is there */
	bool is_leafref; /* such with require-instance true: indexed by value */
	bool is_instance_id;
	bool unique;	    /* a unique statement names it */
	struct snode *next; /* of the schema */
};

static inline struct snode *snode(const struct lysc_node *node)
{
	return node->priv;
}

/* Nodes of RPCs, notifications and state have none. */
int schema_deps(struct schema *s, struct err *err);
void schema_deps_free(struct schema *s);
int schema_identify(struct schema *s, struct err *err);

#endif
