/* SPDX-License-Identifier: BSD-2-Clause */
/* MCP's Streamable HTTP transport on base/http (spec §2.5, §2.6): one path, POST, and for the
 * legacy revisions GET and DELETE. Checks Origin and Host before anything else. */
#ifndef DEP_NETOPS_MCP_HTTP_H
#define DEP_NETOPS_MCP_HTTP_H

#include "base/http.h"
#include "proto/netops/mcp/mcp.h"

struct mcp_http;

struct mcp_http_config {
	const char *path; /* "/mcp" */
	/* Beyond what is of this host itself (localhost, 127.0.0.1, [::1]; an Origin that is the
	 * Host). Lists ended by NULL, or NULL. hosts: "dep.example:8443" or "dep.example"; origins:
	 * "https://console.example". */
	const char *const *hosts;
	const char *const *origins;
	/* Who asks: fills *who, which is zeroed, and returns 0, or 401 or 403. */
	unsigned (*authenticate)(void *ctx, struct http_req *h, struct principal *who);
	/* Text of the WWW-Authenticate field of a 401 or 403, "" for none. scopes: enum scope bits
	 * that are needed, or 0. May be NULL. */
	void (*challenge)(void *ctx, struct http_req *h, unsigned status, unsigned scopes, char *to,
			  size_t n);
	void *ctx;
};

/* The texts must live as long. NULL: no memory. */
struct mcp_http *mcp_http_new(struct mcp *m, const struct mcp_http_config *c);
/* After the HTTP server is closed. */
void mcp_http_free(struct mcp_http *s);
/* Takes the request where it is for the endpoint's path. False: it is not. */
bool mcp_http_take(struct mcp_http *s, struct http_req *h);
/* Whether Host and Origin of a request are allowed here; for what else is served beside the
 * endpoint. */
bool mcp_http_origin_ok(const struct mcp_http *s, struct http_req *h);

#endif
