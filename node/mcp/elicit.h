/* SPDX-License-Identifier: BSD-2-Clause */
/* Elicitation: a form that a server wants filled in (spec §2.5). */
#ifndef DEP_NODE_MCP_ELICIT_H
#define DEP_NODE_MCP_ELICIT_H

#include "base/err.h"

#include <stdio.h>
#include <yyjson.h>

/* Adds to content (an object of doc) each property's default that content has no value for. */
void elicit_defaults(yyjson_val *schema, yyjson_mut_doc *doc, yyjson_mut_val *content);

/* Whether content is a whole and valid answer to schema: 0, or -EINVAL and err (where: the
 * property). */
int elicit_check(yyjson_val *schema, yyjson_mut_val *content, struct err *err);

/* Asks on a terminal: shows the message and each property, reads values line by line, and lets the
 * user accept, decline or leave. Fills result: {action, content?}. Control characters of the server
 * are not shown. Returns 0, or -EIO where the terminal is gone. */
int elicit_form(yyjson_val *params, FILE *in, FILE *out, yyjson_mut_doc *doc,
		yyjson_mut_val *result);

#endif
