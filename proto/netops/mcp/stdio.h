/* SPDX-License-Identifier: BSD-2-Clause */
/* MCP over a pair of byte streams: one message a line, UTF-8, nothing else (spec §2.6). Stdin and
 * stdout, or a Unix socket. All eras on one connection. */
#ifndef DEP_NETOPS_MCP_STDIO_H
#define DEP_NETOPS_MCP_STDIO_H

#include "proto/netops/mcp/mcp.h"

#include <uv.h>

struct mcp_stdio;

/* Serves who over in and out (the same handle for a socket), which are open handles of m's loop.
 * They are closed at the end of input, on a failure or by mcp_stdio_close(); then closed is called,
 * once, and owns the handles again. NULL: no memory. */
struct mcp_stdio *mcp_stdio_new(struct mcp *m, uv_stream_t *in, uv_stream_t *out,
				const struct principal *who, void (*closed)(void *ctx), void *ctx);
/* Sends what is queued, then closes. */
void mcp_stdio_close(struct mcp_stdio *s);

#endif
