/* SPDX-License-Identifier: BSD-2-Clause */
/* A room's configuration, from its YANG module: RFC 7951 JSON in, a validated tree with defaults
 * out, and what changed between two of them. Everything is libyang's work; a room writes no parser.
 *
 * A struct config never changes: a new configuration is a new one, applied whole or not at all.
 *
 * Paths are libyang's: absolute from the top ("/kira:kira/timers/hello-min"), or relative to a node
 * ("hello-min"). */
#ifndef DEP_CONFIG_H
#define DEP_CONFIG_H

#include "base/err.h"

#include <libyang/libyang.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_MAX_BYTES (1u << 20)
#define CONFIG_RPC_MAX_BYTES (16u << 20) /* of state, an rpc, a notification */

/* The compiled module of a room. */
struct config_schema;

/* Compiles YANG source text of the module `name`, as embedded in the executable (see
 * base/embed.py). What it imports must be among the modules that libyang brings (ietf-inet-types,
 * ietf-yang-types). NULL and err. */
struct config_schema *config_schema_new(const char *name, const char *yang, struct err *err);
void config_schema_free(struct config_schema *s);
const char *config_schema_name(const struct config_schema *s);
const char *config_schema_revision(const struct config_schema *s);
/* YANG source that it was compiled from; "" where there were several modules. */
const char *config_schema_text(const struct config_schema *s);
const struct ly_ctx *config_schema_ctx(const struct config_schema *s);

/* One configuration. Its schema must outlive it. */
struct config;

/* Parses and validates JSON text of at most CONFIG_MAX_BYTES and adds the defaults. `{}` is all
 * defaults. origin: file name for errors, or NULL. NULL and err: -EINVAL with path or line and the
 * mend, -E2BIG, -ENOMEM. State data is refused. */
struct config *config_parse(const struct config_schema *s, const char *json, size_t n,
			    const char *origin, struct err *err);
/* The same of a regular file. */
struct config *config_load(const struct config_schema *s, const char *file, struct err *err);
void config_free(struct config *c);

/* JSON text of c: only what was set, or all with the defaults. Release with free(3); NULL: no
 * memory. */
char *config_print(const struct config *c, bool defaults);

/* The tree's first top-level node. Read it with the functions below, or with libyang's own. */
const struct lyd_node *config_tree(const struct config *c);

/* Values below `at` by path, canonical. Values with a default are always there. Where there is
 * none: text NULL, u64 and i64 `otherwise`, flag false. Reading a value as a type it does not have
 * is a bug in the caller (assert). */
const char *config_text(const struct lyd_node *at, const char *path);
uint64_t config_u64(const struct lyd_node *at, const char *path, uint64_t otherwise);
int64_t config_i64(const struct lyd_node *at, const char *path, int64_t otherwise);
bool config_flag(const struct lyd_node *at, const char *path);
/* The node itself, to ask whether it is there, or NULL. */
const struct lyd_node *config_node(const struct lyd_node *at, const char *path);
/* Calls f for each entry of the list or leaf-list at path (without keys), in order, until f returns
 * false. The text of a leaf-list entry is config_text(entry, NULL). */
void config_each(const struct lyd_node *at, const char *path,
		 bool (*f)(void *ctx, const struct lyd_node *entry), void *ctx);

enum config_op { CONFIG_CREATE, CONFIG_DELETE, CONFIG_REPLACE, CONFIG_MOVE };
const char *config_op_name(enum config_op op);

/* One leaf, leaf-list entry, presence container or list entry (MOVE only, of user-ordered lists)
 * that differs. Effective values: a leaf that is set to its default, or unset while it had it, does
 * not differ. */
struct config_change {
	enum config_op op;
	char *path; /* absolute, with list keys */
	char *old;  /* NULL: was not there */
	char *new;  /* NULL: is not there */
};

struct config_diff {
	struct config_change *change;
	size_t n;
};

/* What leads from one configuration to another of the same schema; from NULL: all of it. Returns 0
 * or -ENOMEM (or -EINVAL where libyang refuses). */
int config_diff(const struct config *from, const struct config *to, struct config_diff *diff);
void config_diff_free(struct config_diff *diff);
/* True where a change lies at or below path. */
bool config_diff_touches(const struct config_diff *diff, const char *path);

/* Checks operational state, as a room answers state.get, against the module: known nodes, types,
 * keys, references. A partial tree is fine. applied: the configuration that it refers to, or NULL.
 * For tests of every room. Returns 0 or err. */
int config_check_state(const struct config_schema *s, const struct config *applied,
		       const char *json, size_t n, struct err *err);
/* The same of a notification: {"kira:neighbour-up": {…}}. */
int config_check_event(const struct config_schema *s, const char *json, size_t n, struct err *err);

/* Parses and validates the input of an rpc: JSON text {"kira:trace": {…}}. NULL and err. Release
 * with lyd_free_all. */
struct lyd_node *config_rpc_input(const struct config_schema *s, const char *json, size_t n,
				  struct err *err);
/* Checks the output of an rpc, wrapped in the same way. */
int config_check_output(const struct config_schema *s, const char *json, size_t n, struct err *err);

#endif
