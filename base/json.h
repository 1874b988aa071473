/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON (RFC 8259) through yyjson, with limits and errors for people, and the encodings of YANG data (RFC 7951): 64-bit
 * numbers are strings, others numbers. */
#ifndef DEP_JSON_H
#define DEP_JSON_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yyjson.h>

#define JSON_MAX_BYTES (1u << 20)
#define JSON_MAX_DEPTH 64

/* Parses one JSON value of at most max_bytes (0: JSON_MAX_BYTES) and JSON_MAX_DEPTH nested arrays and objects. NULL and err
 * (-E2BIG, -EINVAL, -ENOMEM) with line and column after `origin` (a file name, NULL: none). Release with yyjson_doc_free. */
yyjson_doc *json_parse(const char *text, size_t n, size_t max_bytes, const char *origin, struct err *err);

/* Nesting of arrays and objects in text, which need not be valid JSON; counts only up to limit + 1. */
unsigned json_depth(const char *text, size_t n, unsigned limit);

/* Adds key to obj. Keys are not copied and must live as long as doc (literals do); text values are copied. false: no memory.
 * u64 and i64 become strings (RFC 7951 §6.1); for types of up to 32 bits use yyjson_mut_obj_add_uint. */
bool json_add_u64(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, uint64_t v);
bool json_add_i64(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, int64_t v);
bool json_add_text(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* A new object or array at obj's key; NULL where memory is out. Both accept obj NULL and give NULL, so that a builder may
 * check once, at its end (yyjson's own adders accept NULL too and return false). */
yyjson_mut_val *json_add_obj(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key);
yyjson_mut_val *json_add_arr(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key);

/* Reads a number written either way, of any YANG integer type. false: not such a number or out of range. */
bool json_get_u64(yyjson_val *v, uint64_t *out);
bool json_get_i64(yyjson_val *v, int64_t *out);

#endif
