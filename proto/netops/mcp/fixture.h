/* SPDX-License-Identifier: BSD-2-Clause */
/* What the conformance suite of MCP expects a server to offer (spec §5.2): tools test_*, resources
 * test://…, prompts. They use mcp.h and nothing else. Never part of the product's lists. */
#ifndef DEP_NETOPS_MCP_FIXTURE_H
#define DEP_NETOPS_MCP_FIXTURE_H

#include "proto/netops/mcp/mcp.h"

/* loop: m's. 0, or a negative errno and err. m must not outlive the program's use of it. */
int mcp_fixture_add(struct mcp *m, uv_loop_t *loop, struct err *err);

/* A server of them alone: --port N [--host A] [--cert FILE --key FILE] [--bearer TOKEN] [--task-dir DIR] [--page-size N]
 * [--retry MS], or --stdio; argv[0] is passed over. Returns the exit status. */
int mcp_fixture_main(int argc, char **argv);

#endif
