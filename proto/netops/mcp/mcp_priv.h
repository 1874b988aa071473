/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of mcp/ share. A message goes: envelope.c (JSON-RPC, era, order of checks) ->
 * dispatch.c (method) -> tools.c, resources.c, prompts.c … -> the handler -> reply.c -> wire. */
#ifndef DEP_NETOPS_MCP_PRIV_H
#define DEP_NETOPS_MCP_PRIV_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/json_schema.h"
#include "proto/netops/mcp/mcp.h"
#include "proto/netops/mcp/transport.h"

#include <uv.h>

#define MCP_PARSE -32700
#define MCP_INVALID_REQUEST -32600
#define MCP_NO_METHOD -32601
#define MCP_INVALID_PARAMS -32602
#define MCP_INTERNAL -32603
#define MCP_LEGACY_NO_RESOURCE -32002
#define MCP_HEADER_MISMATCH -32020
#define MCP_MISSING_CAPABILITY -32021
#define MCP_BAD_VERSION -32022

#define MCP_META "io.modelcontextprotocol/"
#define MCP_TASKS_EXTENSION "io.modelcontextprotocol/tasks"
#define MCP_MAX_SESSIONS 1024
#define MCP_MAX_STREAMS 16	   /* a session */
#define MCP_MAX_TASKS 64	   /* that run, a principal */
#define MCP_TASK_TTL (3600 * 1000) /* milliseconds */
#define MCP_ID_SIZE 23		   /* 128 random bits in base64url, and NUL */

/* ---- memory of one request (arena.c) ---- */

struct mcp_chunk {
	struct mcp_chunk *next;
	size_t cap;
	size_t used;
	alignas(16) char p[];
};
struct mcp_arena {
	struct mcp_chunk *first; /* kept for the next request */
	struct mcp_chunk *cur;
	yyjson_alc alc;
};
int mcp_arena_init(struct mcp_arena *a);
void mcp_arena_reset(struct mcp_arena *a); /* forgets everything, keeps the first chunk */
void mcp_arena_free(struct mcp_arena *a);
void *mcp_arena_get(struct mcp_arena *a, size_t n);
char *mcp_arena_text(struct mcp_arena *a, const char *p, size_t n); /* copy with NUL */

/* ---- writing JSON (out.c) ---- */

#define OUT_LIT(b, s) buf_bytes(b, s, sizeof(s) - 1)
void mcp_out_text(struct buf *b, const char *s); /* as is */
void mcp_out_string(struct buf *b, const char *s,
		    size_t n); /* quoted; bad UTF-8 becomes U+FFFD, bidi controls \u */
void mcp_out_str(struct buf *b, const char *s);
void mcp_out_int(struct buf *b, int64_t v);
void mcp_out_base64(struct buf *b, struct slice bytes); /* quoted */
void mcp_out_time(struct buf *b, int64_t unix_ms);	/* quoted RFC 3339 */
/* Valid JSON text as is, but for bidi controls, which become \u. */
void mcp_out_json(struct buf *b, const char *json, size_t n);
void mcp_out_val(struct buf *b, yyjson_val *v, struct mcp_arena *a);
void mcp_out_mut(struct buf *b, yyjson_mut_val *v, struct mcp_arena *a);
/* The members of an object, without its braces. */
void mcp_out_members(struct buf *b, yyjson_mut_val *obj, struct mcp_arena *a);
size_t mcp_base64url(char *to, const uint8_t *p, size_t n); /* no padding; writes NUL */
long mcp_base64url_decode(uint8_t *to, size_t size, const char *s,
			  size_t n);					   /* length or -EINVAL */
long mcp_base64_decode(uint8_t *to, size_t size, const char *s, size_t n); /* strict, padded */
void mcp_random_id(char to[MCP_ID_SIZE]);

/* ---- what is served (registry.c, list.c) ---- */

enum mcp_kind { MCP_K_TOOL, MCP_K_RESOURCE, MCP_K_TEMPLATE, MCP_K_PROMPT, MCP_N_KINDS };

struct mcp_mirror {   /* x-mcp-header of one property */
	char *header; /* "mcp-param-target" */
	char **path;  /* ended by NULL */
	enum { MIRROR_STRING, MIRROR_INTEGER, MIRROR_BOOLEAN } type;
};
struct mcp_entry {
	unsigned refs;
	enum mcp_kind kind;
	const char *key; /* name, uri or template: the order of lists */
	char *frag[3];	 /* JSON of the list, by era */
	union {
		struct mcp_tool tool;
		struct mcp_resource resource;
		struct mcp_template template;
		struct mcp_prompt prompt;
	};
	struct json_schema *schema; /* tools: of the arguments */
	struct mcp_mirror *mirror;
	size_t n_mirrors;
};
struct mcp_page { /* cached text of a page of a list, for who sees these entries */
	struct mcp_page *next;
	enum mcp_era era;
	size_t from;
	uint64_t seen[2]; /* hash of what is visible */
	size_t n;
	char text[];
};
struct mcp_registry {
	struct mcp_entry **at; /* sorted by key */
	size_t n, cap;
	struct mcp_page *pages;
	unsigned n_pages;
};

/* One page of a list as result; r is gone. */
void mcp_list(struct mcp_req *r, enum mcp_kind kind, const char *member);
struct mcp_entry *mcp_find(struct mcp *m, enum mcp_kind kind, const char *key, size_t n);
void mcp_entry_unref(struct mcp_entry *e);
bool mcp_visible(const struct mcp_entry *e, const struct principal *p, const char *uri);
void mcp_registry_free(struct mcp *m);
void mcp_pages_drop(struct mcp_registry *r);
int mcp_mirrors_read(struct mcp_entry *e, yyjson_val *schema, struct err *err); /* headers.c */
void mcp_mirrors_free(struct mcp_entry *e);

/* ---- legacy sessions and their streams (session.c, stream.c) ---- */

struct mcp_event {
	struct mcp_event *next;
	uint64_t no;
	bool sent;
	size_t n;
	char text[];
};
struct mcp_stream {
	struct list node; /* session.streams */
	struct mcp_session *s;
	uint64_t no;   /* 0: the general one, of GET */
	uint64_t last; /* number of the last event */
	struct mcp_event *head, *tail;
	size_t n, bytes;
	struct mcp_wire *wire; /* NULL: not connected */
	struct mcp_req *req;   /* whose answer it will carry, or NULL */
	bool done;	       /* the answer is in it */
	usec_t idle;	       /* since when nobody listens or it is done */
};
struct mcp_session {
	struct hash_node node;
	struct list used; /* mcp.sessions_used: the oldest first */
	struct mcp *m;
	char id[MCP_ID_SIZE]; /* "" on shared wires */
	enum mcp_era era;
	struct principal who;
	yyjson_doc *caps; /* of the client */
	int log_level;
	struct mcp_wire *wire; /* shared wire, or NULL */
	struct list streams;
	struct mcp_stream *general;
	uint64_t next_stream;
	struct list reqs; /* under way */
	struct list subs;
	usec_t last_used;
};

struct mcp_session *mcp_session_new(struct mcp *m, struct mcp_wire *w, const struct principal *who,
				    enum mcp_era era);
struct mcp_session *mcp_session_find(struct mcp *m, const char *id);
void mcp_session_close(struct mcp_session *s);
void mcp_session_touch(struct mcp_session *s);
/* A message that belongs to no request: GET's stream, or the shared wire. */
void mcp_session_send(struct mcp_session *s, struct slice json);

struct mcp_stream *mcp_stream_new(struct mcp_session *s, struct mcp_req *r);
void mcp_stream_free(struct mcp_stream *st);
void mcp_stream_attach(struct mcp_stream *st, struct mcp_wire *w);
void mcp_stream_detach(struct mcp_stream *st);
/* last: the answer. */
void mcp_stream_send(struct mcp_stream *st, struct slice json, bool last);
void mcp_stream_prime(struct mcp_stream *st);
void mcp_stream_replay(struct mcp_stream *st, struct mcp_wire *w, uint64_t after);

/* ---- the request ---- */

struct mcp_ask {
	struct mcp_ask *next;
	const char *key;
	const char *method;
	const char *params; /* JSON text */
	uint64_t id;	    /* legacy: of the request to the client; 0: not sent */
	char *wire_key;	    /* tasks: key as the client sees it */
	yyjson_val *answer; /* or NULL */
};

struct mcp_method;
struct mcp_task;
struct mcp_listen;

struct mcp_req {
	struct mcp *m;
	struct list node;    /* mcp.reqs, or the free list */
	struct list on_wire; /* wire.reqs */
	struct list on_session;
	struct list on_task; /* mcp_task.waiters */
	struct mcp_arena arena;
	enum mcp_era era;
	bool http;	/* came with header fields */
	bool handler;	/* a handler has it and will answer */
	bool inside;	/* the handler is being called now */
	bool released;	/* freed while inside */
	bool waiting;	/* mcp_wait() */
	bool dead;	/* cancelled; the answer is dropped */
	bool meta_done; /* the result has its own _meta already */
	bool answered;
	struct mcp_wire *wire;
	struct mcp_session *session;
	struct mcp_stream *stream;
	struct principal who;
	const struct mcp_method *method;
	yyjson_doc *doc;
	yyjson_val *params, *meta, *caps, *args;
	const char *id; /* JSON text, NULL: a notification */
	size_t id_n;
	yyjson_val *name; /* params.name, uri or taskId, as the method has it */
	yyjson_val *progress_token;
	double progress;
	bool progressed;
	int log_level; /* modern: -1 none */
	const char *uri;
	struct mcp_entry *entry;
	struct mcp_var *var;
	size_t n_vars;
	struct mcp_ask *asks;  /* of this round, with answers of this and earlier ones */
	yyjson_val *responses; /* modern: inputResponses as they came */
	yyjson_val *earlier;   /* modern: answers of earlier rounds, out of requestState */
	const char *state;
	unsigned step;
	struct mcp_task *task;
	struct mcp_task *creates; /* answers for it once it is durable */
	bool is_error;
	struct mcp_listen *listen;
	const char *complete_name, *complete_value;
	yyjson_val *complete_context;
	const char **values;
	size_t n_values;
	usec_t since; /* when it came, for the time at which a stream begins */
	usec_t asked;
	void *ctx;
	void (*on_cancel)(struct mcp_req *r);
};

struct mcp_method {
	const char *name;
	bool legacy, modern;
	bool tasks; /* 2025-11-25 only of the legacy ones; modern: needs the extension */
	const char *name_param; /* Mcp-Name, or NULL */
	void (*serve)(struct mcp_req *r);
};
const struct mcp_method *mcp_method_find(const char *name, size_t n);

struct mcp_req *mcp_req_new(struct mcp *m, struct mcp_wire *w);
void mcp_req_free(struct mcp_req *r);
void mcp_req_detach(struct mcp_req *r); /* from its wire */
void mcp_req_cancel(struct mcp_req *r);
/* Calls the handler of r->entry, first or again. */
void mcp_req_call(struct mcp_req *r);
bool mcp_headers_ok(struct mcp_req *r,
		    const struct mcp_headers *h); /* Mcp-Param-*; answers where not */
bool mcp_header_equal(struct mcp_req *r, const char *header, const char *value, size_t n);
bool mcp_version_known(const char *s, enum mcp_era *era);

/* ---- answers (reply.c) ---- */

struct buf *mcp_result_begin(struct mcp_req *r);    /* members are written next, each with a comma
						       before it but the first */
void mcp_result_end(struct mcp_req *r, bool empty); /* sends; r is gone */
void mcp_result_empty(struct mcp_req *r);
void mcp_fail(struct mcp_req *r, unsigned status, int code, const char *data, const char *fmt, ...)
	__attribute__((format(printf, 5, 6))); /* data: JSON text or NULL; r is gone */
void mcp_fail_scope(struct mcp_req *r, unsigned scopes);
void mcp_send(struct mcp_req *r, struct slice json);	       /* a message before the answer */
struct buf *mcp_note_begin(struct mcp *m, const char *method); /* …"params":{ */
struct slice mcp_note_end(struct mcp *m);
void mcp_finish(struct mcp_req *r, unsigned status, unsigned scopes, const char *session,
		struct slice json);

/* ---- sealed texts (seal.c) ---- */

/* "v1." + base64url of AES-256-GCM; bound to label, principal and bind. In the arena; NULL: no
 * memory. */
char *mcp_seal(struct mcp_req *r, const char *label, struct slice bind, struct slice plain);
/* Plain text in the arena with NUL, or NULL: not ours, changed, another's. */
char *mcp_unseal(struct mcp_req *r, const char *label, struct slice bind, const char *text,
		 size_t n, size_t *plain_n);
/* SHA-256 over method, name and arguments, the order of whose members does not matter. */
bool mcp_params_hash(struct mcp_req *r, uint8_t to[32]);

/* ---- asking the client (ask.c) ---- */

bool mcp_take_responses(
	struct mcp_req *r); /* modern: inputResponses, requestState; answers where they are bad */
void mcp_ask_send(struct mcp_req *r);			    /* mcp_wait() was called */
void mcp_response(struct mcp_session *s, yyjson_val *root); /* legacy: the client's answer */
bool mcp_capable(yyjson_val *caps, const char *capability);
bool mcp_answer_ok(const char *method, yyjson_val *v);
struct mcp_ask *mcp_ask_find(struct mcp_req *r, const char *key);
struct mcp_ask *mcp_ask_add(struct mcp_req *r, const char *key);
yyjson_val *mcp_val_copy(struct mcp_req *r, yyjson_val *v); /* into r's arena */
void mcp_fail_tool(struct mcp_req *r, const char *text);    /* tools/call: isError; else -32603 */

/* ---- subscriptions (subs.c) ---- */

struct mcp_sub {
	struct hash_node node; /* mcp.subs, by URI */
	struct list of;	       /* session.subs or listen.subs */
	struct mcp_session *session;
	struct mcp_listen *listen;
	usec_t sent;
	usec_t due; /* 0: nothing waits */
	char uri[];
};
struct mcp_listen {
	struct list node; /* mcp.listens */
	struct mcp_req *req;
	bool tools, prompts, resources;
	unsigned missed; /* list changes that wait for the wire */
	struct list subs;
	char (*task)[MCP_ID_SIZE];
	size_t n_tasks;
	char *id; /* JSON */
};
int mcp_sub_add(struct mcp *m, struct mcp_session *s, struct mcp_listen *l, const char *uri);
void mcp_sub_free(struct mcp *m, struct mcp_sub *sub);
void mcp_subs_flush(struct mcp *m, usec_t now);
void mcp_listen_free(struct mcp_listen *l);
void mcp_listen_end(struct mcp_listen *l); /* gracefully */
/* members: JSON text that follows _meta, each member with a comma before it. False: the wire is
 * full. */
bool mcp_listen_send(struct mcp_listen *l, const char *method, const char *members);
void mcp_lists_tell(struct mcp *m);

/* ---- tasks (task.c, task_store.c, task_rpc.c) ---- */

enum mcp_task_status {
	TASK_WORKING,
	TASK_INPUT_REQUIRED,
	TASK_COMPLETED,
	TASK_FAILED,
	TASK_CANCELLED
};
struct mcp_task {
	struct hash_node node;
	struct list all; /* mcp.tasks_all, by age */
	struct mcp *m;
	char id[MCP_ID_SIZE];
	struct principal who;
	enum mcp_era era;
	enum mcp_task_status status;
	char message[128];
	int64_t created, updated; /* Unix milliseconds */
	int64_t ttl;		  /* milliseconds */
	char *tool;
	char *args;    /* JSON text */
	char *outcome; /* members of the result, or the error object; JSON text */
	char *kept;    /* while no request works on it: of mcp_keep() … */
	char *asks;    /* … and what was asked, JSON */
	bool is_error; /* the result says so */
	unsigned next_key;
	struct mcp_req *req;	 /* works on it, or NULL */
	struct mcp_req *creator; /* is answered when the task is durable */
	struct list waiters;	 /* legacy tasks/result */
	bool saving, dirty, expired;
};
bool mcp_task_terminal(const struct mcp_task *t);
int mcp_task_begin(struct mcp_req *r, int64_t ttl); /* 0, -errno: not made */
void mcp_task_done(struct mcp_req *r, bool error, const char *text,
		   size_t n); /* r's outcome; r is gone */
void mcp_task_ask(struct mcp_req *r);
void mcp_task_resume(struct mcp_task *t); /* everything that was asked is answered */
void mcp_task_changed(struct mcp_task *t);
/* whole: with inputRequests, result or error, of the modern extension. */
void mcp_task_describe(struct buf *b, struct mcp_task *t, enum mcp_era era, bool whole);
const char *mcp_task_asks(struct mcp_task *t); /* JSON of what was asked, for the record */
bool mcp_task_revive(struct mcp_task *t);      /* a request that goes on with it */
struct mcp_task *mcp_task_new(struct mcp *m, const char *id);
void mcp_task_wake(struct mcp_task *t);
int64_t mcp_unix_ms(void);
void mcp_task_cancel(struct mcp_task *t);
struct mcp_task *mcp_task_find(struct mcp_req *r, const char *id, size_t n);
void mcp_task_save(struct mcp_task *t);
void mcp_task_free(struct mcp_task *t);
void mcp_task_durable(struct mcp_task *t, int rc);
int mcp_tasks_load(struct mcp *m, struct err *err);
void mcp_tasks_sweep(struct mcp *m);

/* ---- the server ---- */

struct mcp {
	uv_loop_t *loop;
	struct mcp_params params;
	struct alloc alloc;
	uint64_t seed; /* of hashes */
	usec_t now;    /* of this turn */
	struct buf out;
	struct buf note;
	struct buf scratch;
	char *server_info; /* JSON */
	char *meta_modern; /* ,"resultType":"complete","_meta":{…} without the first comma */
	struct mcp_registry reg[MCP_N_KINDS];
	struct list wires;
	struct list reqs;
	struct list free_reqs;
	unsigned n_free;
	struct hash sessions;
	struct list sessions_used;
	unsigned n_sessions;
	struct hash subs;
	struct list listens;
	struct hash tasks;
	struct list tasks_all;
	unsigned n_saving;
	bool closing;
	bool changed[MCP_N_KINDS];
	uv_timer_t turn;  /* list_changed, at the end of the turn */
	uv_timer_t timer; /* streams that begin late, keep-alive, timeouts, subscriptions */
	uv_timer_t pace;  /* updates that wait for their gap */
	usec_t next_sweep;
	unsigned handles;  /* that are still open */
	uint64_t next_ask; /* ids of requests to clients */
	char tools_hash[65];
	struct mcp_used *used; /* requestStates that were used */
};

void mcp_timer_start(struct mcp *m);
void mcp_release(struct mcp *m);
void mcp_rpc_initialize(struct mcp_req *r);
void mcp_rpc_discover(struct mcp_req *r);
void mcp_rpc_ping(struct mcp_req *r);
void mcp_rpc_set_level(struct mcp_req *r);
void mcp_rpc_tools_list(struct mcp_req *r);
void mcp_rpc_tools_call(struct mcp_req *r);
void mcp_rpc_resources_list(struct mcp_req *r);
void mcp_rpc_templates_list(struct mcp_req *r);
void mcp_rpc_resources_read(struct mcp_req *r);
void mcp_rpc_subscribe(struct mcp_req *r);
void mcp_rpc_unsubscribe(struct mcp_req *r);
void mcp_rpc_listen(struct mcp_req *r);
void mcp_rpc_prompts_list(struct mcp_req *r);
void mcp_rpc_prompts_get(struct mcp_req *r);
void mcp_rpc_complete(struct mcp_req *r);
void mcp_rpc_tasks_get(struct mcp_req *r);
void mcp_rpc_tasks_result(struct mcp_req *r);
void mcp_rpc_tasks_list(struct mcp_req *r);
void mcp_rpc_tasks_cancel(struct mcp_req *r);
void mcp_rpc_tasks_update(struct mcp_req *r);
struct mcp_entry *mcp_resource_match(struct mcp_req *r,
				     const char *uri); /* resource or template; sets r->var */
int mcp_level(const char *name);		       /* 0 debug … 7 emergency, -1 */

/* uri_template.c: whether uri matches; vars in the arena. */
bool mcp_template_match(const char *tmpl, const char *uri, struct mcp_arena *a,
			struct mcp_var **var, size_t *n);
bool mcp_template_valid(const char *tmpl);
size_t mcp_template_names(const char *tmpl, bool (*f)(void *ctx, const char *name, size_t n),
			  void *ctx);

#endif
