/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 7951 data as tables for people. Text of devices is escaped. */
#ifndef DEP_NETOPS_CLI_TABLE_H
#define DEP_NETOPS_CLI_TABLE_H

#include "base/buf.h"

#include <yyjson.h>

/* Of {"ietf-interfaces:interfaces": …}: one line an interface, with its addresses. */
void table_interfaces(struct buf *out, yyjson_val *root);
/* Neighbours of IPv4 and IPv6; only of that interface where name is not NULL. */
void table_neighbours(struct buf *out, yyjson_val *root, const char *name);
/* Of {"ietf-routing:…ribs": …}: routes of a family ("ipv4", "ipv6", NULL: both). */
void table_routes(struct buf *out, yyjson_val *root, const char *family);
/* Of txn_history(). */
void table_history(struct buf *out, yyjson_mut_val *commits);
/* Of ops_diff(): lines with +, -, ~ in front. */
void table_diff(struct buf *out, yyjson_mut_val *diff);

#endif
