/* SPDX-License-Identifier: BSD-2-Clause */
/* The MCP face of the node: MCP-NET's tools, resources and prompts (spec §2.1) and our additions,
 * each of them a call of ops.h. Additions to MCP-NET: network.diff, network.discard,
 * network.history, network.approve, network.audit.verify; arguments `candidate` of network.yang.get,
 * network.yang.edit, network.cli.configure and network.file.*; `offset` and `limit` of
 * network.yang.get; the tools rpc.* and yang.*.edit made of YANG; resources audit, yang, data and
 * drift.
 *
 * Without `candidate` a client's edits go to a private candidate of its own: that of its session
 * (legacy), or of its user and client (modern). The empty handle is the shared candidate of
 * NETCONF. */
#ifndef DEP_NETOPS_TOOLS_H
#define DEP_NETOPS_TOOLS_H

#include "proto/netops/mcp/mcp.h"
#include "proto/netops/ops/ops.h"

/* Puts all of it into m; from then on changes of the node are told to subscribers. ops must have
 * been started (its schema is there). 0, or -ENOMEM, -EINVAL with err. */
int netops_tools_add(struct mcp *m, struct ops *o, struct err *err);
/* Ends that, before either is freed. */
void netops_tools_remove(struct mcp *m);

#endif
