/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be done with the node, whoever asks and however: the one interface under MCP, and later A2A, NETCONF and
 * RESTCONF. Each call checks scope, policy and NACM, is audited where it changes something, and answers once: e NULL and
 * the result, or e (which the callee may move away). Callbacks may come before the call returns. */
#ifndef DEP_NETOPS_OPS_H
#define DEP_NETOPS_OPS_H

#include "proto/netops/audit/audit.h"
#include "proto/netops/policy.h"
#include "proto/netops/rooms/rooms.h"
#include "proto/netops/store/nacm.h"
#include "proto/netops/store/store.h"
#include "proto/netops/txn/txn.h"

#define OPS_MAX_EDIT 1000 /* entries of one edit */

struct ops;

struct ops_params {
	uv_loop_t *loop;
	const char *state_dir; /* journal, checkpoint, keys; mode 0700 */
	const char *run_dir;   /* sockets of the rooms */
	const char *const *rooms;
	const char *config;    /* of a node that has none yet; or NULL */
	bool fsync;	       /* false: measurements only */
};

/* Opens the journal, meets the rooms, compiles the schema, recovers; ready is called when front ends may serve. */
struct ops *ops_new(const struct ops_params *p, struct err *err);
void ops_start(struct ops *o, void (*ready)(void *ctx, int rc, struct err *err), void *ctx);
void ops_free(struct ops *o);

/* capabilities.network as JSON text; free(3). */
char *ops_capability(const struct ops *o);

struct store *ops_store(struct ops *o);
struct schema *ops_schema(struct ops *o);
struct nacm *ops_nacm(struct ops *o);
struct audit *ops_audit(struct ops *o);
struct txn *ops_txn(struct ops *o);
struct rooms *ops_rooms(struct ops *o);

/* Where a request came from beyond its principal; for the audit and for approvals. Texts may be NULL. */
struct ops_origin {
	const struct principal *by;
	const char *era;	 /* "2025-11-25", "2026-07-28", "netconf" … */
	const char *method;	 /* "tools/call" */
	const char *tool;	 /* "network.commit" */
	yyjson_val *args;	 /* redacted by the audit */
	yyjson_val *meta;	 /* the request's _meta, for traceparent and our untrusted keys */
	const char *approver;	 /* who approved, where policy asked for it */
};

typedef void ops_text_f(void *ctx, struct slice json, struct neterr *e);

/* RFC 7951 JSON of path in ds. Operational data is asked of the rooms, or comes from the cache that their events keep
 * right. json is valid during the callback. */
void ops_get(struct ops *o, const struct ops_origin *from, enum datastore ds, const char *candidate,
	     const struct store_query *q, ops_text_f *f, void *ctx);
int ops_edit(struct ops *o, const struct ops_origin *from, const char *candidate, const struct store_edit *edit, size_t n,
	     struct neterr *e);
int ops_discard(struct ops *o, const struct ops_origin *from, const char *candidate, struct neterr *e);
/* The candidate's differences (candidate NULL: of the shared one), or those of a commit of the ring; with warnings. */
int ops_diff(struct ops *o, const struct ops_origin *from, const char *candidate, const char *commit_id,
	     yyjson_mut_doc *doc, yyjson_mut_val **out, struct neterr *e);

/* network.commit's arguments (spec §2.2). */
struct ops_commit {
	enum { OPS_ONE_SHOT, OPS_PREPARE, OPS_COMMIT, OPS_CONFIRM, OPS_ABORT } phase;
	const char *token, *comment, *candidate, *idempotency_key, *if_running;
	unsigned confirmed;
	bool confirm, dry_run;
	bool approved; /* the approval that policy asked for was given (from->approver) */
};
/* result: {commitId, state, token?, confirmBy?, diff, runningHash, warnings, auditSeq} as a value of a document that
 * lives during the callback. NETERR_POLICY_DENIED with tag "approval-required" and data.message where a person must
 * agree first: ask, and call again with approved. */
typedef void ops_result_f(void *ctx, yyjson_mut_doc *doc, yyjson_mut_val *result, struct neterr *e);
void ops_commit(struct ops *o, const struct ops_origin *from, const struct ops_commit *c, ops_result_f *f, void *ctx);
/* commit_id, or steps; cancels a pending commit of by's own where neither is given. */
void ops_rollback(struct ops *o, const struct ops_origin *from, const char *commit_id, unsigned steps, bool approved,
		  ops_result_f *f, void *ctx);
/* What waits for the approval of another person, or (id) one of that: {"approvals": [{id, requester, rule, kind, confirmed,
 * approved, remainingMs, diff}]}. */
int ops_approvals(struct ops *o, const struct ops_origin *from, const char *id, yyjson_mut_doc *doc, yyjson_mut_val **out,
		  struct neterr *e);
/* Approves or refuses it: by whom else than the requester, and who may read all of it. Then the same changes can be committed by
 * the requester, once, within ten minutes. */
int ops_approve(struct ops *o, const struct ops_origin *from, const char *id, bool approve, const char *comment,
		yyjson_mut_doc *doc, yyjson_mut_val **out, struct neterr *e);
/* An rpc or action of a module, by its schema path "/mod:rpc"; input {"mod:rpc": …} or NULL. */
void ops_rpc(struct ops *o, const struct ops_origin *from, const char *rpc, yyjson_val *input, ops_result_f *f, void *ctx);
int ops_file_pull(struct ops *o, const struct ops_origin *from, const char *filename, const char *format,
		  const char *candidate, struct buf *out, struct neterr *e);
int ops_file_push(struct ops *o, const struct ops_origin *from, const char *filename, const char *format,
		  const char *candidate, struct slice content, bool validate, struct neterr *e);
/* Scope (bits), access control to the method or tool, and policy: what each operation here asks by itself, and what reads
 * something else must ask. writes: it changes something. 0, or -32083, -32088 and e. */
int ops_may(struct ops *o, const struct ops_origin *from, unsigned scope, bool writes, struct neterr *e);
/* Whether `by` may read what is at path, whether there is something or not; false, too, where the schema knows no such path. */
bool ops_may_read(struct ops *o, const struct principal *by, const char *path);
/* Audit records (a line each) as `by` may see them: without differences that he may not read, and of other people's arguments
 * without data. What is left out is told by "filtered". */
void ops_readable_audit(struct ops *o, const struct principal *by, struct slice lines, struct buf *out);
/* What of the kernel is not as running says (rooms_drift()), without what the caller may not read; at once, not as it was when
 * somebody last looked. */
void ops_drift(struct ops *o, const struct ops_origin *from, ops_result_f *f, void *ctx);
void ops_session_closed(struct ops *o, const char *session);

/* ---- What changes ---- */

/* path: libyang's form of the top of what changed ("/ietf-interfaces:interfaces/interface[name='eth0']"). */
struct ops_listener {
	void (*changed)(void *ctx, enum datastore ds, const char *path);
	/* A YANG notification: {"module:name": {…}}. */
	void (*notification)(void *ctx, const char *module, const char *name, yyjson_val *data);
	/* Schema, policy or rooms are others: lists of tools and resources differ now. */
	void (*lists_changed)(void *ctx);
	void (*log_line)(void *ctx); /* a line more in the log ring */
	void *ctx;
	struct ops_listener *next; /* of ops */
};
void ops_listen(struct ops *o, struct ops_listener *l);
void ops_unlisten(struct ops *o, struct ops_listener *l);

#endif
