/* SPDX-License-Identifier: BSD-2-Clause */
/* YANG as JSON Schema 2020-12 (spec §2.3), made of libyang's compiled nodes: what is accepted as
 * RFC 7951 JSON. What a schema cannot say (must, when, leafref targets, keys given twice, ranges of
 * 64-bit numbers) is told in descriptions and enforced by the datastore. */
#ifndef DEP_NETOPS_YANG_JSON_H
#define DEP_NETOPS_YANG_JSON_H

#include "base/buf.h"

#include <libyang/libyang.h>

struct yang_json_def;

/* One document: values, then its $defs. Zero it, set the options, release with yang_json_free(). */
struct yang_json {
	bool state; /* with config false nodes; these may be absent (RFC 8342 §5.3: operational need
		       not be valid) */
	bool partial; /* for merges: only list keys are required */
	bool terse;   /* without descriptions */
	/* Whether a node may be seen (NACM). NULL: all. */
	bool (*visible)(void *ctx, const struct lysc_node *node);
	void *ctx;

	struct yang_json_def *def;
	size_t n_def;
};

/* The schema of a node's value: object, array of entries, type. */
void yang_json_value(struct yang_json *g, struct buf *out, const struct lysc_node *node);
/* The schema of one entry of a list or leaf-list, or of the node's value. */
void yang_json_entry(struct yang_json *g, struct buf *out, const struct lysc_node *node);
/* "type", "properties", "required" … without braces: of a node's children, of an rpc's input, or
 * with node NULL of all data of a module; names are qualified where the module is another than
 * parent's. */
void yang_json_object(struct yang_json *g, struct buf *out, const struct lysc_node *node,
		      const struct lys_module *mod);
/* "$defs": {…} of what the values refer to, or nothing; after the last value. true: something was
 * written. */
bool yang_json_defs(struct yang_json *g, struct buf *out);
void yang_json_free(struct yang_json *g);

/* Whole documents. Of a data node: {"module:name": value}; of a module: all its data. 0 or -ENOMEM.
 */
int yang_json_node_schema(struct yang_json *g, struct buf *out, const struct lysc_node *node);
int yang_json_module_schema(struct yang_json *g, struct buf *out, const struct lys_module *mod);
/* Of an rpc's or action's input (or output): its members. */
int yang_json_rpc_schema(struct yang_json *g, struct buf *out, const struct lysc_node *rpc,
			 bool output);

/* The RFC 8340 tree of a module, without what may not be seen. 0, -ENOENT (nothing is left),
 * -ENOMEM. */
int yang_tree(struct buf *out, const struct lys_module *mod,
	      bool (*visible)(void *ctx, const struct lysc_node *node), void *ctx);

/* yang_json_type.c: the schema of a type, without braces, and of what it needs to be told beside
 * it. */
void yang_json_type(struct yang_json *g, struct buf *out, const struct lysc_type *type,
		    const struct lysc_node *node);

#endif
