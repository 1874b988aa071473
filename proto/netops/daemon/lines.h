/* SPDX-License-Identifier: BSD-2-Clause */
/* RUN-DIR/netops-mcp.sock: MCP as on standard streams, one message a line, for programs that start their server themselves
 * (dep mcp stands between). A connection is of the user that the kernel says. */
#ifndef DEP_NETOPS_LINES_H
#define DEP_NETOPS_LINES_H

#include "base/err.h"
#include "proto/netops/mcp/mcp.h"

#include <uv.h>

#define LINES_MAX 64 /* connections */

struct lines;

/* who: the principal of a local user. NULL and err. */
struct lines *lines_new(uv_loop_t *loop, struct mcp *m, const char *run_dir,
			void (*who)(uid_t uid, pid_t pid, struct principal *p), struct err *err);
/* What is queued may go for grace_ms. done is called once, from the loop; the memory is gone then. */
void lines_close(struct lines *l, unsigned grace_ms, void (*done)(void *ctx), void *ctx);

#endif
