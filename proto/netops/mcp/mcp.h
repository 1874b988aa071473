/* SPDX-License-Identifier: BSD-2-Clause */
/* A server of the Model Context Protocol, revisions 2025-06-18 and 2025-11-25 (legacy: sessions)
 * and 2026-07-28 (modern: stateless), both at once on one endpoint (spec §2.4–2.6). It knows
 * nothing of networks: tools, resources and prompts are put into it. Transports (mcp/http.c,
 * mcp/stdio.c) hand messages in.
 *
 * A handler is called with a struct mcp_req and must answer it once, now or later, by mcp_result(),
 * mcp_error() … or by mcp_wait(). One style serves both eras: what a handler needs of the client
 * (elicitation, sampling, roots) it looks up with mcp_answer(); what is missing it names with
 * mcp_ask() and returns mcp_wait(): the answers are fetched (legacy: requests to the client;
 * modern: an input_required result and the client's retry) and the handler is called again from its
 * start, on a request that now has them. So a handler does nothing that may not be done twice
 * before its last answer is there. */
#ifndef DEP_NETOPS_MCP_H
#define DEP_NETOPS_MCP_H

#include "base/json.h"
#include "base/slice.h"
#include "proto/netops/neterr.h"
#include "proto/netops/principal.h"

#include <uv.h>

enum mcp_era { MCP_2025_06_18, MCP_2025_11_25, MCP_2026_07_28 };

struct mcp;
struct mcp_req;

enum mcp_task_support { MCP_TASK_FORBIDDEN, MCP_TASK_OPTIONAL, MCP_TASK_REQUIRED };

struct mcp_tool {
	const char *name;
	const char *title;
	const char *description;
	const char *input;  /* JSON Schema text, type object; NULL:
			       {"type":"object","additionalProperties":false} */
	const char *output; /* JSON Schema text or NULL */
	bool read_only, destructive, idempotent,
		open_world; /* annotations, all four are always sent */
	enum mcp_task_support task;
	bool large;	/* takes messages of up to 16 MiB instead of 1 MiB */
	unsigned scope; /* enum scope bits, all are needed */
	/* May p see and call it at all? NULL: whoever has the scopes. */
	bool (*allowed)(void *ctx, const struct mcp_tool *tool, const struct principal *p);
	/* args is always an object and valid by `input`. */
	void (*call)(void *ctx, struct mcp_req *r, yyjson_val *args);
	void *ctx;
};

struct mcp_resource {
	const char *uri;
	const char *name, *title, *description, *mime;
	bool subscribe;
	unsigned scope;
	unsigned ttl_ms; /* modern caching hint; cacheScope is always private */
	bool (*allowed)(void *ctx, const char *uri, const struct principal *p);
	void (*read)(void *ctx, struct mcp_req *r, const char *uri);
	void *ctx;
};

/* uri_template: RFC 6570 with {x}, {+x}, {?x,y} (levels 1–3 as far as these). Values come
 * percent-decoded, by name. */
struct mcp_var {
	const char *name;
	const char *value;
};
struct mcp_template {
	const char *uri_template;
	const char *name, *title, *description, *mime;
	bool subscribe;
	unsigned scope;
	unsigned ttl_ms;
	bool (*allowed)(void *ctx, const char *uri, const struct principal *p);
	void (*read)(void *ctx, struct mcp_req *r, const char *uri, const struct mcp_var *var,
		     size_t n);
	/* Up to 100 values for variable `name`; answer with mcp_complete_value() and
	 * mcp_complete_end(). NULL: none. */
	void (*complete)(void *ctx, struct mcp_req *r, const char *name, const char *value,
			 yyjson_val *context);
	void *ctx;
};

struct mcp_prompt_arg {
	const char *name, *title, *description;
	bool required;
};
struct mcp_prompt {
	const char *name, *title, *description;
	const struct mcp_prompt_arg *arg; /* ended by a NULL name */
	unsigned scope;
	void (*get)(void *ctx, struct mcp_req *r,
		    yyjson_val *args); /* answer with mcp_result(): {description?, messages} */
	void (*complete)(void *ctx, struct mcp_req *r, const char *name, const char *value,
			 yyjson_val *context);
	void *ctx;
};

struct mcp_params {
	const char *name, *version, *title, *instructions;
	/* Members of capabilities.network (and the other places of spec §2.1), JSON object text;
	 * NULL: none. */
	const char *network;
	const char *extension_prefix;  /* reverse DNS, "io.github.depanneur":
					  extensions["<prefix>/network"] */
	bool network_errors_as_result; /* legacy too: codes -3208x in results, not as JSON-RPC
					  errors */
	uint8_t state_key[32]; /* seals requestState, cursors; from the node's key, the same after a
				  restart */
	const char *task_dir;  /* durable tasks; NULL: in memory */
	unsigned page_size;    /* of lists; 0: 100 */
	unsigned retry_ms;     /* told to clients before a stream is closed; 0: 500 */
	/* A legacy session has ended (DELETE, the end of its stdio connection, disuse):
	 * principal.session of its requests. What was bound to it ends with it. */
	void (*session_closed)(void *ctx, const char *session);
	void *ctx;
};

struct mcp *mcp_new(uv_loop_t *loop, const struct mcp_params *p, struct err *err);
/* Ends subscriptions gracefully, cancels what is under way. The transports' connections must be
 * closed before; the loop must run once more (loop_finish() does that). */
void mcp_free(struct mcp *m);
/* Another capability `network` from now on: JSON object text, which must live on. 0 or -EINVAL. */
int mcp_set_network(struct mcp *m, const char *json, struct err *err);
/* Tells the clients that the subscriptions end; before the transports close. */
void mcp_shutdown(struct mcp *m);

/* Structs are copied, the texts must live until removed. Adding one of a name that is there
 * replaces it. Each change is told to clients by list_changed, once a turn of the loop. 0, or
 * -EINVAL with err (bad schema, bad name). */
int mcp_tool_add(struct mcp *m, const struct mcp_tool *t, struct err *err);
void mcp_tool_remove(struct mcp *m, const char *name);
int mcp_resource_add(struct mcp *m, const struct mcp_resource *r);
void mcp_resource_remove(struct mcp *m, const char *uri);
int mcp_template_add(struct mcp *m, const struct mcp_template *t, struct err *err);
int mcp_prompt_add(struct mcp *m, const struct mcp_prompt *p);
void mcp_prompt_remove(struct mcp *m, const char *name);
void mcp_lists_changed(struct mcp *m, bool tools, bool resources, bool prompts);
/* The resource changed: subscribers are told (notifications/resources/updated), not more often than
 * each gap_ms. */
void mcp_updated(struct mcp *m, const char *uri, unsigned gap_ms);
/* The same for each subscribed URI for which match says so. */
void mcp_updated_if(struct mcp *m, bool (*match)(void *ctx, const char *uri), void *ctx,
		    unsigned gap_ms);
bool mcp_subscribed(const struct mcp *m, const char *uri);

/* ---- The request, for handlers ---- */

const struct principal *mcp_principal(const struct mcp_req *r);
enum mcp_era mcp_era(const struct mcp_req *r);
const char *mcp_era_name(enum mcp_era e);      /* "2026-07-28" */
yyjson_val *mcp_meta(const struct mcp_req *r); /* params._meta or NULL */
/* Whether the client declared the capability: "elicitation", "elicitation.url", "sampling",
 * "roots", "extensions.X". */
bool mcp_client_can(const struct mcp_req *r, const char *capability);
void mcp_set_ctx(struct mcp_req *r, void *ctx);
void *mcp_ctx(const struct mcp_req *r);
/* Called once when the client cancels or is gone (modern HTTP: its stream closed); no answer must
 * follow. NULL: none. */
void mcp_on_cancel(struct mcp_req *r, void (*f)(struct mcp_req *r));

/* The result object: val of doc (both the caller's; copied). resultType, _meta and so on are added.
 */
void mcp_result(struct mcp_req *r, yyjson_mut_doc *doc, yyjson_mut_val *val);
/* tools/call: structuredContent with its text mirror. */
void mcp_structured(struct mcp_req *r, yyjson_mut_doc *doc, yyjson_mut_val *val);
/* The same from JSON text that is known to be valid. */
void mcp_structured_text(struct mcp_req *r, struct slice json);
/* tools/call: one text; is_error: a failure that the model should see. */
void mcp_text(struct mcp_req *r, bool is_error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* resources/read: one content. */
void mcp_content_text(struct mcp_req *r, const char *uri, const char *mime, struct slice text);
void mcp_content_blob(struct mcp_req *r, const char *uri, const char *mime, struct slice bytes);
/* A JSON-RPC error; data a value of doc or NULL. Codes reserved to MCP are chosen for the era:
 * MCP_NO_RESOURCE. */
void mcp_error(struct mcp_req *r, int code, yyjson_mut_doc *doc, yyjson_mut_val *data,
	       const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void mcp_no_resource(struct mcp_req *r,
		     const char *uri); /* -32002 legacy, -32602 modern, data.uri */
/* A network failure in the era's form (spec §2.1): JSON-RPC error or result with isError and
 * structuredContent.error. */
void mcp_neterr(struct mcp_req *r, const struct neterr *e);

void mcp_complete_value(struct mcp_req *r, const char *value);
void mcp_complete_end(struct mcp_req *r, size_t total);

void mcp_progress(struct mcp_req *r, double progress, double total,
		  const char *message); /* total < 0: unknown */
void mcp_log(struct mcp_req *r, const char *level, const char *logger, yyjson_mut_doc *doc,
	     yyjson_mut_val *data);

/* The client's answer to what was asked under key: the result object ({action, content} and so on),
 * or NULL. */
yyjson_val *mcp_answer(struct mcp_req *r, const char *key);
/* Asks for it: method elicitation/create, sampling/createMessage or roots/list. An answer that is
 * there already is dropped: it is asked anew. -ENOTSUP: the client did not declare it. */
int mcp_ask(struct mcp_req *r, const char *key, const char *method, yyjson_mut_doc *doc,
	    yyjson_mut_val *params);
/* Text that the next call of the handler finds in mcp_state(); sealed on its way over the client.
 */
void mcp_keep(struct mcp_req *r, const char *state);
const char *mcp_state(const struct mcp_req *r); /* or NULL */
void mcp_wait(struct mcp_req *r);
/* The client lacks a capability that this request cannot do without: -32021 in the modern era, else
 * an error of the tool or -32602. "sampling", "elicitation", "extensions.X" … */
void mcp_missing(struct mcp_req *r, const char *capability);

/* ---- Tasks ---- */

/* Tools with task OPTIONAL or REQUIRED: a call that is not answered when its handler returns
 * becomes a task by itself: REQUIRED at once, OPTIONAL after half a second, where the client knows
 * tasks. A handler that wants it earlier (before it asks the client, so that the task is what waits
 * for the answer) says so. 0: is a task now; -ENOTSUP: goes on without. */
int mcp_task(struct mcp_req *r);
bool mcp_is_task(const struct mcp_req *r);
/* What the task is at, for people; NULL: nothing. */
void mcp_task_message(struct mcp_req *r, const char *text);

/* ---- Streams (2025-11-25) ---- */

/* Closes the connection that the answer would take; the client comes back for it (Last-Event-ID).
 * Where that is not possible this does nothing. */
void mcp_hang_up(struct mcp_req *r);

#endif
