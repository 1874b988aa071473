/* SPDX-License-Identifier: BSD-2-Clause */
/* The compiled form of a JSON Schema: made by json_schema_compile.c, walked by json_schema.c. */
#ifndef DEP_JSON_SCHEMA_PRIV_H
#define DEP_JSON_SCHEMA_PRIV_H

#include "base/json_schema.h"
#include "base/regex.h"

#include <stdbool.h>
#include <stdint.h>

#define JS_MAX_NODES 10000
#define JS_MAX_REFS 64	  /* followed at one place of the instance */
#define JS_MAX_FRAMES 600 /* of the walk */
#define JS_BUDGET 1000000

enum js_type {
	JS_NULL = 1,
	JS_BOOLEAN = 2,
	JS_NUMBER = 4,
	JS_INTEGER = 8,
	JS_STRING = 16,
	JS_ARRAY = 32,
	JS_OBJECT = 64,
};

/* Texts to numbers: linear while small, hashed beyond. */
struct js_name {
	const char *p;
	size_t n;
};
struct js_names {
	struct js_name *name;
	uint32_t n;
	uint32_t *slot; /* index + 1, or NULL */
	uint32_t mask;
};
#define JS_NO_NAME UINT32_MAX
uint32_t js_find(const struct js_names *m, const char *p, size_t n);

struct js_list {
	struct js_node **at;
	uint32_t n;
};

struct js_num {
	yyjson_val *min, *max, *above, *below, *multiple;
};

struct js_str {
	uint64_t min, max;
	struct regex *pattern;
	const char *pattern_text;
};

struct js_arr {
	uint64_t min, max, min_contains, max_contains;
	struct js_list prefix;
	struct js_node *items, *contains, *unevaluated;
	bool unique;
};

struct js_pattern {
	struct regex *re;
	struct js_node *node;
};
struct js_dependency {
	struct js_name if_there;
	struct js_name *needs; /* names, or */
	uint32_t n;
	struct js_node *node; /* a schema */
};
struct js_obj {
	uint64_t min, max;
	struct js_names names;
	struct js_node **props;	       /* of names */
	uint64_t required_bits;	       /* of the first 64 names */
	struct js_name *required;      /* all */
	struct js_name *more_required; /* not among the first 64 names */
	uint32_t n_required, n_more_required;
	struct js_pattern *pattern;
	uint32_t n_pattern;
	struct js_node *additional, *property_names, *unevaluated;
	struct js_dependency *dep;
	uint32_t n_dep;
};

struct js_any {
	yyjson_val *enumeration; /* array, or NULL */
	struct js_names strings; /* its strings */
	bool only_strings;
	yyjson_val *constant;
	struct js_list all, any, one;
	struct js_node *not_, *if_, *then_, *else_;
	struct js_node *ref;
	struct js_node *dynamic;  /* what $dynamicRef means where nothing outside says otherwise */
	const char *dynamic_name; /* or NULL: as $ref */
};

struct js_node {
	bool never;    /* schema false */
	uint8_t types; /* 0: all */
	uint32_t resource;
	struct js_num *num;
	struct js_str *str;
	struct js_arr *arr;
	struct js_obj *obj;
	struct js_any *any;
	yyjson_val *val;
};

struct js_anchor {
	uint32_t resource;
	const char *name;
	size_t n;
	struct js_node *node;
	bool dynamic;
};

struct json_schema {
	yyjson_doc *doc;
	struct js_node *root;
	struct js_anchor *anchor;
	uint32_t n_anchor;
	bool dynamic; /* has a $dynamicRef: scopes must be kept */
	/* Owned memory, as blocks chained, and patterns. */
	void *blocks;
	struct regex **regex;
	uint32_t n_regex;
};

/* ---- json_schema_value.c: the values of JSON as JSON Schema sees them ---- */

unsigned js_type_of(yyjson_val *v);
/* 1.0 and 1 are equal. Steps are taken from *budget; out of it: false and *budget 0. */
bool js_equal(yyjson_val *a, yyjson_val *b, uint64_t *budget);
int js_compare(yyjson_val *a, yyjson_val *b); /* numbers: <0, 0, >0 */
bool js_multiple(yyjson_val *v, yyjson_val *of);
/* Whether all items of the array differ: 1, 0, -E2BIG, -ENOMEM. */
int js_unique(yyjson_val *arr, uint64_t *budget);

#endif
