/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON Canonicalization Scheme (RFC 8785): one text for one value, to hash and to sign. */
#ifndef DEP_NETOPS_JCS_H
#define DEP_NETOPS_JCS_H

#include "base/buf.h"
#include "base/json.h"

/* Appends the canonical text of v: members sorted by the UTF-16 code units of their names, no white
 * space, numbers as ECMAScript prints them, strings with the shortest escapes. 0; -EINVAL: deeper
 * than JSON_MAX_DEPTH, or a number that is no IEEE 754 double (RFC 8785 §3.2.2.3: integers beyond
 * 2^53 lose digits and are refused); -ENOMEM. */
int jcs_write(yyjson_val *v, struct buf *out);
int jcs_write_mut(yyjson_mut_val *v, struct buf *out);
/* SHA-256 of the canonical text of an object without its member `without` (NULL: with all): what
 * makes two requests the same. NULL stands for {}. 0 or as above. */
int jcs_digest(yyjson_val *v, const char *without, uint8_t out[32]);

#endif
