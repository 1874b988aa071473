/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON Schema 2020-12, the assertions of its validation and applicator vocabularies: type, enum,
 * const, numbers, lengths, pattern, arrays, objects, allOf/anyOf/oneOf/not, if/then/else,
 * dependentRequired/Schemas, prefixItems, contains, unevaluated*, $ref within the document ($defs,
 * $anchor, $id of the document), $schema. Nothing is ever fetched: a reference out of the document
 * is an error when compiled. Patterns are ECMA-262 regular expressions as far as they need no
 * backtracking; others are refused when compiled, so that no input can make a check slow. */
#ifndef DEP_JSON_SCHEMA_H
#define DEP_JSON_SCHEMA_H

#include "base/err.h"

#include <stddef.h>
#include <yyjson.h>

struct json_schema;

/* Limits: 1 MiB of text, JSON_MAX_DEPTH, 10,000 subschemas, references 64 deep. NULL and err
 * (where: JSON pointer). */
struct json_schema *json_schema_new(const char *text, size_t n, struct err *err);
void json_schema_free(struct json_schema *s);
/* Returns 0, or -EINVAL and err: what is wrong, where as JSON pointer of the instance
 * ("/edit/0/path"), or -E2BIG where the check would take more than its budget of steps (1,000,000).
 * Takes no memory in the common case. */
int json_schema_check(const struct json_schema *s, yyjson_val *v, struct err *err);

#endif
