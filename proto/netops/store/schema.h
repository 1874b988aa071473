/* SPDX-License-Identifier: BSD-2-Clause */
/* One libyang context for the whole node: the modules of netops itself and of every room (its hello), with the
 * features that are really there. It does not change while a store stands on it; a new room set means a new schema. */
#ifndef DEP_NETOPS_SCHEMA_H
#define DEP_NETOPS_SCHEMA_H

#include "base/err.h"

#include <libyang/libyang.h>
#include <stdbool.h>

struct schema_module {
	const char *name;
	const char *revision; /* or NULL: any */
	const char *text;     /* YANG source, or NULL: among those embedded (yang/) or that libyang brings */
	const char *const *features; /* enabled ones, ended by NULL; NULL: none */
	bool implemented;     /* false: import only */
	char room[32];	      /* who applies its configuration and knows its state: "sys", "kira", or "" for netops itself */
};

struct schema;

/* Compiles them all. NULL and err (module, line, reason). */
struct schema *schema_new(const struct schema_module *m, size_t n, struct err *err);
void schema_free(struct schema *s);
const struct ly_ctx *schema_ctx(const struct schema *s);
/* The room that a top-level node (of its module, or augmenting one) belongs to; "" netops itself. */
const char *schema_room(const struct schema *s, const struct lysc_node *node);
/* Hash of the set (RFC 8525 content-id): names, revisions, features, deviations; 64 hex digits. */
const char *schema_content_id(const struct schema *s);
/* ietf-yang-library:yang-library (RFC 8525) with datastores running, candidate, startup, operational, as JSON text; free(3). */
char *schema_library(const struct schema *s);
/* Source text of a module that the set knows (any revision where NULL), or NULL. */
const char *schema_source(const struct schema *s, const char *name, const char *revision);
/* Source of a module embedded in the executable, or NULL. */
const char *yang_embedded(const char *name, const char *revision);

#endif
