/* SPDX-License-Identifier: BSD-2-Clause */
/* The counter: the management link of a room, both ends. JSON-RPC 2.0, one message a line, over a
 * Unix stream socket.
 *
 * hello            {}                   -> {room, version, pid, max_line, modules: [{name,
 *                                          revision, features: [..], implemented, config}],
 *                                          capabilities: [..]}
 * schema.get       {module, revision?}  -> {text}: YANG source of a module that hello named, where
 *                                          the room has it
 * config.get       {defaults?}          -> {config}
 * config.validate  {config}             -> {changes: [{op, path, old?, new?}]}, by the module only
 * config.apply     {config, dry_run?}   -> {changes, applied}; the room may refuse as well
 * state.get        {path?, depth?}      -> RFC 7951 data, from the top down to path, with the keys
 *                                          of lists on the way
 * call             {rpc, input?}        -> {output}
 * subscribe        {path?}              -> {path}; from then on notifications "event" with
 *                                          {path, time, data or changes or neither, lost}
 * unsubscribe      {}                   -> {}
 * metrics          {}                   -> {text}: Prometheus text format
 *
 * depth counts levels, the node at path is 1; 0 or absent: all. An event's path is that of a YANG
 * notification ("/kira:neighbour-up"), or the top of the configuration ("/kira:kira") with what
 * config.apply changed, or that of state that is another now, with keys, without anything. A client has one subscription, of one such path or of all ("/" or absent).
 * lost: events that this client has missed so far because it reads too slowly.
 *
 * Errors have JSON-RPC's codes (-32700 not JSON, -32600 not a request, -32601 no such method,
 * -32602 wrong params, -32603 internal), or -32000 where the room refuses or fails, and data
 * {what, where, mend}.
 *
 * Bounds: COUNTER_MAX_CLIENTS; lines of COUNTER_MAX_LINE, or what the room says; COUNTER_MAX_QUEUE
 * of unsent output a client, beyond which no further request of it is read, and COUNTER_MAX_EVENTS,
 * beyond which it loses events; a client that reads nothing for 30 s while output waits is closed.
 */
#ifndef DEP_COUNTER_H
#define DEP_COUNTER_H

#include "base/buf.h"
#include "base/config.h"
#include "base/err.h"
#include "base/json.h"

#include <uv.h>

#define COUNTER_MAX_LINE (1u << 20)
#define COUNTER_LINE_LIMIT (16u << 20) /* the most that a room may say */
#define COUNTER_MAX_CLIENTS 64
#define COUNTER_MAX_QUEUE (4u << 20)
#define COUNTER_MAX_EVENTS (256u << 10) /* of which events may fill this much */
#define COUNTER_MAX_CALLS 64		/* unanswered, of all clients together */

/* --- the room's end --- */

/* A YANG module that a room stands for. Modules that deviate others are listed like any other. */
struct counter_module {
	const char *name;
	const char *revision; /* NULL: what its text says, or any */
	const char *text;     /* YANG source, or NULL: well known, the management plane has it */
	const char *const *features; /* enabled ones, ended by NULL; NULL: none */
	bool implemented;	     /* false: only imported by others */
	bool config; /* the room takes its configuration by config.apply; false: in another way, or
		      * it has only state, rpcs or notifications */
};

/* Compiles modules (ended by a NULL name) into one schema, whose own module, with the room's rpcs,
 * is `name`. What they import must be among them, whatever the order, or among those that libyang
 * brings; one without text must be among the latter. The table need not outlive the call. NULL and
 * err. */
struct config_schema *counter_schema_new(const char *name, const struct counter_module *modules,
					 struct err *err);

/* What a room provides. All functions are called from the loop and must not block; ctx is the
 * room's. */
struct counter_room {
	const char *name;		 /* "kira" */
	const char *version;		 /* of the executable */
	const char *const *capabilities; /* ended by NULL; may be NULL */
	struct config_schema *schema;	 /* must outlive the counter */
	/* What hello and schema.get tell of, ended by a NULL name; must outlive the counter. State,
	 * rpcs and notifications of those that are implemented and in `schema` are the room's as
	 * well; those that are implemented and not in `schema` have only state, which base cuts by
	 * names alone. NULL: the one module of `schema`. */
	const struct counter_module *modules;
	size_t max_line; /* bytes of a request; 0: COUNTER_MAX_LINE */
	/* Fills `root` (an empty object) with operational state in RFC 7951 form: root gets
	 * "kira:kira" and so on. path is what was asked for: parts for which counter_wants(path, …)
	 * is false may be left out, as base cuts the answer to path and depth anyway. Returns 0, or
	 * a negative errno and err. */
	int (*state)(void *ctx, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root,
		     struct err *err);
	/* Takes over `to`, which is valid by the module; diff says what differs from the running
	 * configuration (never empty). All or nothing: on a refusal (negative errno, err)
	 * everything is as before. dry_run: only says whether it would. NULL: the configuration
	 * cannot be changed while the room runs. */
	int (*apply)(void *ctx, const struct config *to, const struct config_diff *diff,
		     bool dry_run, struct err *err);
	/* Begins the rpc (name without prefix, but "module:name" where it is not of the schema's
	 * own module); read input with config_text() and so on, paths relative to it, during the
	 * call only. Answer with counter_reply() or counter_fail(), now or later. A negative errno
	 * and err answer at once. NULL: no rpc. */
	int (*call)(void *ctx, uint64_t call, const char *rpc, const struct lyd_node *input,
		    struct err *err);
	/* Appends Prometheus text (base/metrics.h). May be NULL. */
	void (*metrics)(void *ctx, struct buf *out);
	void *ctx;
};

struct counter;

/* Where the socket of a room lies: $DEP_RUN_DIR/<room>.sock, else /run/depanneur/<room>.sock.
 * Returns 0 or -ENAMETOOLONG. */
int counter_path(const char *room, char *path, size_t n);

/* Listens at path (mode 0660, group gid or -1: as it comes) on loop. A directory that is missing is
 * made (0755), a socket file that nobody listens on any more is replaced. Clients: root, the own
 * user, members of the socket's group. `running` is taken over: the counter frees it, also where it
 * fails. room is copied. SIGPIPE is ignored from then on. NULL and err. */
struct counter *counter_new(uv_loop_t *loop, const struct counter_room *room, const char *path,
			    gid_t gid, struct config *running, struct err *err);
/* Closes all connections, removes the socket file, forgets calls. The loop must run once more
 * (loop_finish()) to release the memory. */
void counter_free(struct counter *c);

/* The configuration that is in force; valid until the next apply. */
const struct config *counter_config(const struct counter *c);
/* Applies a configuration from elsewhere (its file, read again) as config.apply does. Takes `to`
 * over in every case. */
int counter_apply(struct counter *c, struct config *to, struct err *err);

/* Whether a state.get of `path` needs the part at `part` ("/kira:kira/contacts"): one lies within
 * the other. */
bool counter_wants(const char *path, const char *part);

/* Answers a call: output is a value of doc (the rpc's output leaves as members; NULL: none). doc
 * stays the caller's. A call whose client has gone, or that was answered before, is ignored. */
void counter_reply(struct counter *c, uint64_t call, yyjson_mut_doc *doc, yyjson_mut_val *output);
void counter_fail(struct counter *c, uint64_t call, const struct err *err);

/* Sends a YANG notification to all who subscribed: name without prefix (of the schema's own module)
 * or "module:name", content a value of doc with
 * its leaves as members (NULL: none). doc stays the caller's. Cheap where nobody listens: ask
 * counter_listened() before building. */
void counter_event(struct counter *c, const char *name, yyjson_mut_doc *doc,
		   yyjson_mut_val *content);
bool counter_listened(const struct counter *c);
/* Tells who subscribed to all that the state at path is another now (an instance, with keys): an event without data. */
void counter_changed(struct counter *c, const char *path);

/* --- the client's end: blocking, for dep and tests --- */

struct counter_client;

/* timeout in milliseconds, -1: none, here and below. NULL and err. */
struct counter_client *counter_connect(const char *path, struct err *err);
void counter_close(struct counter_client *cl);
int counter_fd(const struct counter_client *cl);

/* Sends a request and waits for its answer; events that come in between are kept (the newest
 * 1,024). params: a value of doc, or NULL. On success *result is the answer's result, inside the
 * returned document (yyjson_doc_free). NULL and err: -ETIMEDOUT, -EPIPE (the room went away), or
 * what the room answered (code -EREMOTEIO, what/where/mend its own). */
yyjson_doc *counter_request(struct counter_client *cl, const char *method, yyjson_mut_doc *doc,
			    yyjson_mut_val *params, int timeout, yyjson_val **result,
			    struct err *err);
/* The next event: *params {path, time, data, lost}. NULL and err as above. */
yyjson_doc *counter_next(struct counter_client *cl, int timeout, yyjson_val **params,
			 struct err *err);

#endif
