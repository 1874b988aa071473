/* SPDX-License-Identifier: BSD-2-Clause */
/* Header fields that a modern client adds to a request (spec §2.6): Mcp-Name, and Mcp-Param-NAME
 * for properties that a tool's input schema annotates with x-mcp-header. */
#ifndef DEP_NODE_MCP_HEADER_H
#define DEP_NODE_MCP_HEADER_H

#include "base/buf.h"
#include "base/err.h"

#include <yyjson.h>

/* Appends value as it goes into a field: literally, or where it has bytes that a field cannot
 * carry, spaces at an end, or the form of the sentinel itself, as =?base64?…?=. */
void mcp_header_value(struct buf *to, const char *value, size_t n);

/* Whether every x-mcp-header annotation of the tool is valid: a token, unique without regard to
 * case, on an integer, string or boolean property that is reached by `properties` alone. Returns 0,
 * or -EINVAL and err: such a tool must not be used. */
int mcp_header_check(yyjson_val *tool, struct err *err);

/* Calls add with the whole field ("Mcp-Param-Region: eu") for each annotated property that args has
 * a value for. Returns 0 or add's first failure. */
int mcp_header_params(yyjson_val *tool, yyjson_val *args, int (*add)(void *ctx, const char *field),
		      void *ctx);

#endif
