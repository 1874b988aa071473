/* SPDX-License-Identifier: BSD-2-Clause */
/* Values as people type them, as RFC 7951 JSON. */
#ifndef DEP_NETOPS_CLI_VALUE_H
#define DEP_NETOPS_CLI_VALUE_H

#include <libyang/libyang.h>
#include <yyjson.h>

/* What `text` (NULL: none was given) means as a value of node, as a value of doc; NULL where it is
 * none. JSON objects, arrays and strings are taken as they are; other text is read by the type of
 * the leaf. */
yyjson_mut_val *cli_value(yyjson_mut_doc *doc, const struct lysc_node *node, const char *text);

#endif
