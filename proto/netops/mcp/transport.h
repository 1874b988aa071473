/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the protocol (mcp/) and what carries it (mcp/http.c, mcp/stdio.c). A transport hands in
 * one message at a time with a struct mcp_wire: the way back. Over HTTP each POST or GET has a wire
 * of its own; over stdio all messages of a connection share one. Everything happens in the one
 * loop. */
#ifndef DEP_NETOPS_MCP_TRANSPORT_H
#define DEP_NETOPS_MCP_TRANSPORT_H

#include "base/list.h"
#include "base/slice.h"
#include "proto/netops/mcp/mcp.h"

struct mcp_wire;
struct mcp_session;
struct mcp_stream;

struct mcp_wire_ops {
	/* The whole answer of a wire that is not open, once. json.n 0: no body. session:
	 * MCP-Session-Id, or NULL. 401, 403 for want of scopes: scopes says which are needed.
	 * Shared wires: a message. The wire is gone after it, unless it is shared. */
	void (*answer)(struct mcp_wire *w, unsigned status, const char *session, unsigned scopes,
		       struct slice json);
	/* Begins a stream of events (HTTP only). */
	void (*open)(struct mcp_wire *w);
	/* A message in the stream. id: of the event, or NULL. json.n 0: an event of empty data.
	 * False: too much waits. */
	bool (*event)(struct mcp_wire *w, const char *id, struct slice json);
	/* SSE: how long to wait before connecting again; a comment to keep the way open. May be
	 * NULL. */
	void (*retry)(struct mcp_wire *w, unsigned ms);
	void (*comment)(struct mcp_wire *w);
	/* The stream ends; the wire is gone after it. */
	void (*end)(struct mcp_wire *w);
	/* Who asks: fills *who and returns 0, or the HTTP status to refuse with. NULL:
	 * mcp_wire.who. */
	unsigned (*authenticate)(struct mcp_wire *w, struct principal *who);
};

struct mcp_wire {
	const struct mcp_wire_ops *ops;
	struct mcp *m;
	struct list node;	     /* mcp.wires */
	struct list reqs;	     /* whose answers go here */
	struct mcp_stream *stream;   /* legacy HTTP: the stream that this wire carries, or NULL */
	struct mcp_session *session; /* shared: the legacy session of the connection, or NULL */
	const struct principal *who; /* shared: the peer */
	bool shared;
	bool open;	/* events have begun */
	bool congested; /* event() said so; mcp_wire_drained() clears it */
};

/* The header fields that the protocol looks at. Values or NULL; param: field of that name, or NULL.
 */
struct mcp_headers {
	const char *version, *method, *name, *session, *last_event_id;
	const char *(*field)(const struct mcp_wire *w, const char *name);
};

#define MCP_MAX_BODY (1u << 20)
#define MCP_MAX_LARGE_BODY (16u << 20) /* tools that say `large` */

void mcp_wire_init(struct mcp_wire *w, struct mcp *m, const struct mcp_wire_ops *ops, bool shared);
/* One message. h NULL: a transport without header fields (stdio). The body is copied. The answer
 * may come before this returns. */
void mcp_message(struct mcp_wire *w, const struct mcp_headers *h, struct slice body);
/* HTTP GET and DELETE of the endpoint. */
void mcp_http_get(struct mcp_wire *w, const struct mcp_headers *h);
void mcp_http_delete(struct mcp_wire *w, const struct mcp_headers *h);
/* An error without id (Origin, Content-Type …), as a JSON-RPC message in *json, valid until the
 * next call. */
struct slice mcp_bare_error(struct mcp *m, int code, const char *message);
/* The peer is gone: nothing may be sent to w any more. */
void mcp_wire_gone(struct mcp_wire *w);
void mcp_wire_drained(struct mcp_wire *w);

#endif
