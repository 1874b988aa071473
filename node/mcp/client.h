/* SPDX-License-Identifier: BSD-2-Clause */
/* A client of the Model Context Protocol, revisions 2025-06-18, 2025-11-25 (sessions) and
 * 2026-07-28 (stateless), over Streamable HTTP (https, http, Unix socket; libcurl) or the standard
 * streams of a child process (spec §2.4–2.6). It finds out which revision the server speaks, asks,
 * follows streams, resumes them, fetches what the server asks of the user, and authorizes itself
 * where it is handed a struct oauth.
 *
 * Everything happens inside mcp_client_step() and what is built on it: no threads, no callbacks at
 * other times. Several calls may be under way. */
#ifndef DEP_NODE_MCP_CLIENT_H
#define DEP_NODE_MCP_CLIENT_H

#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>

#define MCP_CLIENT_2025_06_18 "2025-06-18"
#define MCP_CLIENT_2025_11_25 "2025-11-25"
#define MCP_CLIENT_2026_07_28 "2026-07-28"

struct mcp_client;
struct mcp_call;
struct oauth;

struct mcp_client_params {
	const char *url;	 /* http:// or https://, with path */
	const char *unix_socket; /* url's host is then a name only; NULL: by network */
	char *const *command;	 /* stdio: program and arguments, ended by NULL; instead of url */
	const char *name;	 /* of this program */
	const char *version;
	const char *protocol; /* speak this revision alone; NULL: the newest that both know */
	const char *token;    /* a bearer token got elsewhere, or NULL */
	struct oauth *oauth;  /* how to get one, or NULL; stays the caller's */
	const char *ca_file;  /* PEM; NULL: the system's */
	unsigned timeout_ms;  /* without a sign of life; 0: 60000 */
	size_t max_bytes;     /* of one message; 0: 16 MiB */

	/* What the server may ask; each fills result, an empty object of doc. NULL: not declared,
	 * refused. Return 0, or a negative errno for an error answer. */
	int (*elicit)(void *ctx, yyjson_val *params, yyjson_mut_doc *doc, yyjson_mut_val *result);
	int (*sample)(void *ctx, yyjson_val *params, yyjson_mut_doc *doc, yyjson_mut_val *result);
	int (*roots)(void *ctx, yyjson_val *params, yyjson_mut_doc *doc, yyjson_mut_val *result);
	bool elicit_url; /* elicit also takes mode url */
	/* Notifications: of a listen call (call is it), of a call under way, or of the session
	 * (call NULL). */
	void (*notify)(void *ctx, struct mcp_call *call, const char *method, yyjson_val *params);
	bool want_progress;    /* ask for notifications/progress */
	const char *log_level; /* ask for notifications/message from this level on; NULL: no */
	/* A tool of the server that must not be used, and is left out of lists. NULL: nobody is
	 * told. */
	void (*dropped)(void *ctx, const char *tool, const struct err *why);
	void *ctx;
};

/* Connects and agrees on a revision. NULL and err. */
struct mcp_client *mcp_client_open(const struct mcp_client_params *p, struct err *err);
/* Ends a session, a child, whatever is under way. */
void mcp_client_close(struct mcp_client *c);

const char *mcp_client_protocol(const struct mcp_client *c); /* "2026-07-28" */
bool mcp_client_modern(const struct mcp_client *c);
/* The server's capabilities, serverInfo (NULL: not told), instructions (NULL). Valid until the
 * client is closed. */
yyjson_val *mcp_client_capabilities(const struct mcp_client *c);
yyjson_val *mcp_client_server(const struct mcp_client *c);
const char *mcp_client_instructions(const struct mcp_client *c);

struct mcp_reply {
	yyjson_doc *doc;    /* owns result or data */
	yyjson_val *result; /* NULL: an error */
	int code;	    /* JSON-RPC error */
	const char *message;
	yyjson_val *data; /* or NULL */
};
void mcp_reply_free(struct mcp_reply *r);

/* Asks and waits. doc and params (an object of doc; NULL: {}) stay the caller's. 0: there is a
 * result. -EREMOTE: the server answered with an error, in reply and err. Others: err. */
int mcp_client_request(struct mcp_client *c, const char *method, yyjson_mut_doc *doc,
		       yyjson_mut_val *params, struct mcp_reply *reply, struct err *err);

/* The same in parts. The call is the caller's; mcp_call_free() also cancels. NULL and err. */
struct mcp_call *mcp_client_start(struct mcp_client *c, const char *method, yyjson_mut_doc *doc,
				  yyjson_mut_val *params, struct err *err);
bool mcp_call_done(const struct mcp_call *call);
/* After it is done: as mcp_client_request(). */
int mcp_call_reply(struct mcp_call *call, struct mcp_reply *reply, struct err *err);
/* A call that may take for ever, as subscriptions/listen: no timeout. */
void mcp_call_endless(struct mcp_call *call);
void mcp_call_free(struct mcp_call *call);

int mcp_client_notify(struct mcp_client *c, const char *method, yyjson_mut_doc *doc,
		      yyjson_mut_val *params, struct err *err);

/* Waits up to ms (-1: for ever) for something to happen and does what is to be done. fd: also wakes
 * when this descriptor can be read; -1: none. Returns 0 or a negative errno (a child ended:
 * -EPIPE). */
int mcp_client_step(struct mcp_client *c, int ms, int fd);

/* Legacy: opens the session's own stream, for notifications outside of calls. Modern: nothing, use
 * subscriptions/listen. */
int mcp_client_stream(struct mcp_client *c, struct err *err);

/* All pages of tools/list, resources/list, resources/templates/list or prompts/list as one array of
 * doc; tools with invalid annotations are left out. Returns 0 or as mcp_client_request(). */
int mcp_client_list(struct mcp_client *c, const char *method, const char *member,
		    yyjson_mut_doc *doc, yyjson_mut_val **list, struct err *err);

#endif
