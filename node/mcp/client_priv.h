/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the MCP client share. */
#ifndef DEP_NODE_MCP_CLIENT_PRIV_H
#define DEP_NODE_MCP_CLIENT_PRIV_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "node/mcp/client.h"

#include <curl/curl.h>
#include <sys/types.h>

#define MCP_META "io.modelcontextprotocol/"
#define MCP_MAX_ROUNDS 16 /* input_required, one after the other */
#define MCP_MAX_AUTHS 3	  /* authorizations for one call */
#define MCP_MAX_RESUMES 64

struct exchange;

struct mcp_call {
	struct list link;
	struct mcp_client *c;
	char *method;
	yyjson_mut_doc *params;	   /* its root, an object */
	yyjson_doc *answers;	   /* the input_required result that is being answered, or NULL */
	yyjson_mut_doc *responses; /* and the answers to it */
	int64_t id;		   /* of the try under way */
	bool notification;
	bool endless;
	bool done;
	bool cancelled;
	int rc; /* once done */
	struct err err;
	struct mcp_reply reply;
	int http_status; /* of the last try, or 0 */
	unsigned rounds;
	unsigned auths;
	unsigned resumes;
	bool listed;   /* tools were fetched because of it */
	bool reopened; /* a session was begun again because of it */
	usec_t alive;  /* last sign of life */
	struct exchange *x;
};

struct message {
	struct list link;
	struct mcp_call *call; /* whose stream it came on, or NULL */
	size_t n;
	char text[];
};

struct mcp_client {
	struct mcp_client_params p;
	char *url;
	const char *protocol; /* one of the constants */
	bool modern;
	bool opened;
	bool stream; /* legacy: the session's own stream is wanted */
	int64_t next_id;
	struct list calls;
	struct list messages;
	yyjson_doc *hello; /* discover's or initialize's result */
	yyjson_doc *tools; /* [tool…], or NULL: not listed yet */
	char session[256]; /* legacy HTTP */
	/* HTTP */
	CURLM *multi;
	struct list exchanges;
	/* stdio */
	pid_t pid;
	int in; /* of the child */
	int out;
	struct alloc alloc;
	struct buf line;
	struct buf pending; /* not yet written */
	bool ended;
};

/* --- client.c --- */

/* The JSON text of the call's next try, with a new id; free(3). n: its length. */
char *call_text(struct mcp_call *call, size_t *n);
/* Ends a call. rc 0: reply is set. */
void call_finish(struct mcp_call *call, int rc);
int call_fail(struct mcp_call *call, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Sends it, or sends it again. Returns 0, or the call is finished. */
void call_send(struct mcp_call *call);
/* A message has come; handled at the next step. Returns 0 or -ENOMEM. */
int client_queue(struct mcp_client *c, struct mcp_call *call, const char *text, size_t n);
/* Handles what is queued. Returns how many. */
unsigned client_handle(struct mcp_client *c);
yyjson_val *client_tool(const struct mcp_client *c, const char *name);
size_t client_max(const struct mcp_client *c);

/* --- client_ask.c: what servers ask --- */

/* The answer to method and params as an object of doc: 0, or -ENOTSUP, or what the handler
 * returned. */
int client_answer(struct mcp_client *c, const char *method, yyjson_val *params, yyjson_mut_doc *doc,
		  yyjson_mut_val *result);
/* A request from the server (legacy): answers it. */
void client_asked(struct mcp_client *c, yyjson_val *message);
/* An input_required result: the call is sent again with the answers, or finished. Takes doc over.
 */
void call_input_required(struct mcp_call *call, yyjson_doc *doc, yyjson_val *result);
/* The capabilities that this client declares, as an object of doc. */
yyjson_mut_val *client_declares(const struct mcp_client *c, yyjson_mut_doc *doc);

/* --- client_open.c --- */

int client_negotiate(struct mcp_client *c, struct err *err);
/* A session that the server has forgotten is begun again. */
int client_reopen(struct mcp_client *c, struct err *err);

/* --- client_http.c --- */

int http_open(struct mcp_client *c, struct err *err);
void http_close(struct mcp_client *c);
/* POSTs text (taken over). call NULL: an answer of ours. */
int http_send(struct mcp_client *c, struct mcp_call *call, char *text, struct err *err);
int http_stream(struct mcp_client *c);
/* Drops what is under way for call. */
void http_drop(struct mcp_call *call);
/* Returns whether something happened; *next is lowered to when something is due. */
bool http_pump(struct mcp_client *c, usec_t now, usec_t *next);

/* --- client_stdio.c --- */

int stdio_open(struct mcp_client *c, struct err *err);
void stdio_close(struct mcp_client *c);
int stdio_send(struct mcp_client *c, char *text, struct err *err);
bool stdio_pump(struct mcp_client *c);

#endif
