/* SPDX-License-Identifier: BSD-2-Clause */
/* The rooms behind the counter, as netops sees them: connected, asked and listened to without blocking, connected again
 * after a crash. A configuration change is divided among those that it concerns; room sys gets plan steps (sys/plan.h),
 * others their whole new configuration (config.validate, config.apply). */
#ifndef DEP_NETOPS_ROOMS_H
#define DEP_NETOPS_ROOMS_H

#include "proto/netops/neterr.h"
#include "proto/netops/store/store.h"

#include <uv.h>

struct rooms;

struct rooms_env {
	/* The set of rooms or of their modules is another: a new schema is due. */
	void (*modules_changed)(void *ctx);
	/* A room says that something changed at path (RFC 7951 JSON in data, or NULL). */
	void (*event)(void *ctx, const char *room, const char *path, yyjson_val *data);
	void (*up)(void *ctx, const char *room, bool up);
	void *ctx;
};

/* dir: where sockets lie. names ended by NULL. */
struct rooms *rooms_new(uv_loop_t *loop, const char *dir, const char *const *names, const struct rooms_env *env);
void rooms_free(struct rooms *r);
/* Calls ready when each room has said hello or wait_ms have passed. */
void rooms_start(struct rooms *r, unsigned wait_ms, void (*ready)(void *ctx), void *ctx);
/* Modules of all rooms that said hello, for schema_new(); valid until the next hello. */
const struct schema_module *rooms_modules(const struct rooms *r, size_t *n);
bool rooms_is_up(const struct rooms *r, const char *room);

/* Answers come once, later; e NULL: it worked. A room that is not there: -32082; one that refuses: -32084. */
typedef void rooms_f(void *ctx, struct neterr *e);
/* Would the rooms take the changes? Without any effect. */
void rooms_check(struct rooms *r, struct store *s, const struct changes *c, rooms_f *f, void *ctx);
/* All take them or none. */
void rooms_apply(struct rooms *r, struct store *s, const struct changes *c, rooms_f *f, void *ctx);
/* All are as before c, whatever part of it they had. Running must be as before c. */
void rooms_undo(struct rooms *r, struct store *s, const struct changes *c, rooms_f *f, void *ctx);
/* All are as running says (after a reboot, after a room's restart). */
void rooms_reconcile(struct rooms *r, struct store *s, rooms_f *f, void *ctx);

/* Operational state of all rooms that have a part of path (libyang's form, "/": all): one document, merged. */
void rooms_state(struct rooms *r, struct schema *s, const char *path, unsigned depth,
		 void (*f)(void *ctx, yyjson_doc *doc, struct neterr *e), void *ctx);
/* An rpc of a room: input is {"module:rpc": {…}} or NULL; the answer's output. */
void rooms_call(struct rooms *r, const char *room, const char *rpc, yyjson_mut_doc *doc, yyjson_mut_val *input,
		unsigned timeout_ms, void (*f)(void *ctx, yyjson_val *output, struct neterr *e), void *ctx);

#endif
