/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the MCP face share. tools.c puts everything in and wires events; tool_*.c are
 * handlers; resource.c, prompt.c, complete.c, expose.c the rest; face.c what all of them need. */
#ifndef DEP_NETOPS_FACE_H
#define DEP_NETOPS_FACE_H

#include "base/buf.h"
#include "proto/netops/ops/tools.h"

struct face {
	struct mcp *m;
	struct ops *o;
	struct alloc alloc; /* of buffers under way */
	struct ops_listener listener;
	struct exposed *exposed; /* expose.c */
	size_t n_exposed;
	struct face *next;
};

/* One request under way. Where the client has gone r is NULL, and nothing is answered. */
struct call {
	struct face *f;
	struct mcp_req *r;
	struct ops_origin from;
	struct principal gone; /* who asked, where r is NULL */
	char candidate[72];
	char uri[512];
	const char *path;  /* in own */
	void *own;	   /* freed with the call */
	uv_timer_t *timer; /* of call_limit(), or NULL */
	int step;
	void (*got)(struct call *c, struct slice json, struct neterr *e); /* call_get's answer */
};

/* NULL: no memory, and r is answered. tool NULL: not a tool. args may be NULL. */
struct call *call_new(struct face *f, struct mcp_req *r, const char *method, const char *tool,
		      yyjson_val *args);
/* Ends the call; what remains is to answer the request that is returned (NULL: nobody is there). */
struct mcp_req *call_end(struct call *c);
/* Ends it with a failure. */
void call_fail(struct call *c, const struct neterr *e);
void call_invalid(struct call *c, const char *tag, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Ends it with the value, or the failure. */
void call_done(struct call *c, yyjson_mut_doc *doc, yyjson_mut_val *val, struct neterr *e);
/* ops_result_f and ops_text_f that end a tool's call. */
void call_result(void *ctx, yyjson_mut_doc *doc, yyjson_mut_val *val, struct neterr *e);
void call_text(void *ctx, struct slice json, struct neterr *e);

/* Fails with Network.Timeout when it has taken so long; what is under way then ends unheard. */
void call_limit(struct call *c, unsigned seconds);

/* The handle of the candidate that is meant: args.candidate, or the client's own. */
const char *call_candidate(struct call *c, yyjson_val *args);
/* Makes the client's own candidate where it is not there yet, so that reading and committing it
 * works. */
void call_touch(struct call *c);

const char *arg_str(yyjson_val *args, const char *name); /* or NULL */
uint64_t arg_uint(yyjson_val *args, const char *name, uint64_t otherwise);
bool arg_bool(yyjson_val *args, const char *name, bool otherwise);

/* The module's log rpc: {count} → {line: […]}; NULL where the schema has none. */
extern const char face_log_rpc[];
/* Appends the lines of the log rpc's output, a line each, hardened. Returns how many. */
size_t face_log_lines(struct buf *out, yyjson_mut_val *output);

/* tool_schema.c: texts of schemas. */
extern const char face_in_get[], face_in_edit[], face_in_commit[], face_in_rollback[],
	face_in_exec[], face_in_configure[], face_in_pull[], face_in_push[], face_in_diff[],
	face_in_discard[], face_in_history[], face_in_verify[], face_in_approve[];
extern const char face_out_get[], face_out_edit[], face_out_commit[], face_out_exec[],
	face_out_configure[], face_out_pull[], face_out_push[], face_out_diff[], face_out_discard[],
	face_out_history[], face_out_verify[], face_out_any[], face_out_approve[];

/* Handlers. */
void tool_yang_get(void *ctx, struct mcp_req *r, yyjson_val *args);
void tool_yang_edit(void *ctx, struct mcp_req *r, yyjson_val *args);
void tool_commit(void *ctx, struct mcp_req *r, yyjson_val *args);
void tool_approve(void *ctx, struct mcp_req *r, yyjson_val *args);
void tool_rollback(void *ctx, struct mcp_req *r, yyjson_val *args);
void tool_cli_exec(void *ctx, struct mcp_req *r, yyjson_val *args);
void tool_cli_configure(void *ctx, struct mcp_req *r, yyjson_val *args);
void tool_file_pull(void *ctx, struct mcp_req *r, yyjson_val *args);
void tool_file_push(void *ctx, struct mcp_req *r, yyjson_val *args);
void tool_diff(void *ctx, struct mcp_req *r, yyjson_val *args);
void tool_discard(void *ctx, struct mcp_req *r, yyjson_val *args);
void tool_history(void *ctx, struct mcp_req *r, yyjson_val *args);
void tool_audit_verify(void *ctx, struct mcp_req *r, yyjson_val *args);

/* Asks a person to agree to what policy wants agreed; ends c. key "approve"; digest: of what is
 * agreed to, or NULL. */
void ask_approval(struct call *c, const struct neterr *e, const char *what, const char *digest);
/* Whether the answer is there: 1 agreed, 0 not asked yet (or what was agreed to is another now), -1
 * refused. */
int approval(struct mcp_req *r, const char *digest);

int resources_add(struct face *f, struct err *err);
int prompts_add(struct face *f, struct err *err);
/* Tools made of YANG; called again when the schema or what is exposed has changed. */
int expose_update(struct face *f, struct err *err);
void expose_free(struct face *f);

/* complete.c */
void complete_path(struct face *f, struct mcp_req *r, enum datastore ds, const char *typed);
void complete_schema_path(struct face *f, struct mcp_req *r, const char *typed);
void complete_interface(struct face *f, struct mcp_req *r, const char *typed);
void complete_module(struct face *f, struct mcp_req *r, const char *typed);
void complete_words(struct mcp_req *r, const char *const *word, const char *typed);

#endif
