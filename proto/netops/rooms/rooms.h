/* SPDX-License-Identifier: BSD-2-Clause */
/* The rooms behind the counter, as netops sees them: connected, asked and listened to without
 * blocking, connected again after a crash. A configuration change is divided among those that it
 * concerns; room sys gets plan steps (sys/plan.h), others their whole new configuration
 * (config.validate, config.apply). */
#ifndef DEP_NETOPS_ROOMS_H
#define DEP_NETOPS_ROOMS_H

#include "proto/netops/neterr.h"
#include "proto/netops/store/store.h"

#include <uv.h>

struct rooms;

struct rooms_env {
	/* The set of rooms or of their modules is another: a new schema is due. */
	void (*modules_changed)(void *ctx);
	/* A room says that something changed at path (RFC 7951 JSON in data, the changes of a
	 * configuration as an array, or NULL). Path "/": events were lost. */
	void (*event)(void *ctx, const char *room, const char *path, yyjson_val *data);
	void (*up)(void *ctx, const char *room, bool up);
	void *ctx;
};

/* dir: where sockets lie. names ended by NULL, at most 32; where two rooms implement one module,
 * the first of them has its configuration. Room "sys" is the one that takes plan steps. NULL: no
 * memory, or a path of more than 107 bytes. */
struct rooms *rooms_new(uv_loop_t *loop, const char *dir, const char *const *names,
			const struct rooms_env *env);
/* Answers what is under way with -32082, while it runs. The loop must run once more to release the
 * memory. */
void rooms_free(struct rooms *r);
/* Calls ready when each room has said hello or wait_ms have passed. */
void rooms_start(struct rooms *r, unsigned wait_ms, void (*ready)(void *ctx), void *ctx);
/* Modules of all rooms that said hello, for schema_new(); valid until the next hello. */
const struct schema_module *rooms_modules(const struct rooms *r, size_t *n);
bool rooms_is_up(const struct rooms *r, const char *room);

/* Answers come once, later; e NULL: it worked. A room that is not there: -32082; one that does not
 * answer: -32081; one that refuses: -32084; error.data has "room". These four run one after the
 * other, and look at the store when their turn comes; c is copied. A room that ends in the middle
 * of its step has failed it; its part is taken back when it is there again, for which 5 s are
 * waited. What could not be taken back is listed in data.residual [{room, what}]: -32085 where a
 * room refused that, and else, as the room is away, the code of the failure: it must be reconciled
 * when it comes up. */
typedef void rooms_f(void *ctx, struct neterr *e);
/* Would the rooms take the changes? Without any effect. */
void rooms_check(struct rooms *r, struct store *s, const struct changes *c, rooms_f *f, void *ctx);
/* All take them or none. */
void rooms_apply(struct rooms *r, struct store *s, const struct changes *c, rooms_f *f, void *ctx);
/* All are as before c, whatever part of it they had. Running must be as before c. */
void rooms_undo(struct rooms *r, struct store *s, const struct changes *c, rooms_f *f, void *ctx);
/* How room sys has found what a change was about to touch: its own steps that lead there, as a JSON array. */
struct rooms_image {
	const char *const *steps;
	size_t n; /* texts, in the order in which they are to be taken */
	bool untouched; /* of an undo: the changes have not come to room sys, so that there is nothing to undo in it */
};
/* As above. to: where the kernel is led besides, once the changes are there; what running then says by itself counts more.
 * Routes in it that the kernel refuses now are passed over. NULL: nowhere. seen: told how the kernel is found, before a
 * room is changed; where it returns false none is. Found by a dry run of the steps that lead forth, and of those that would lead back. */
void rooms_apply_seen(struct rooms *r, struct store *s, const struct changes *c, const struct rooms_image *to,
		      bool (*seen)(void *ctx, const char *steps, size_t n), rooms_f *f, void *ctx);
void rooms_undo_to(struct rooms *r, struct store *s, const struct changes *c, const struct rooms_image *to, rooms_f *f,
		   void *ctx);
/* All that are there are as running says (after a reboot, after a room's restart, which env.up
 * tells). Not to be asked between the answer of rooms_apply() and store_apply(): it would lead
 * back. The others are gone on with where one fails. */
void rooms_reconcile(struct rooms *r, struct store *s, rooms_f *f, void *ctx);

/* What of the kernel is not as running says, found by room sys without changing anything. doc (the callee's to keep) has
 * the root {"difference": [{"path", "is": "different" or "extra", "step": {…}}], "more": n}: different covers what is missing;
 * with "is": "blocked" it has "why", as something of others stands in the way, and the rest was not compared; of more
 * than 1000 the rest is only counted. In the order of the operations above, and with the same caution. */
void rooms_drift(struct rooms *r, struct store *s,
		 void (*f)(void *ctx, yyjson_mut_doc *doc, struct neterr *e), void *ctx);

/* Operational state of all rooms that have a part of path (libyang's form, "/": all): one document,
 * merged, that f takes over. Where path is "/", rooms that are not there or fail are left out. */
void rooms_state(struct rooms *r, struct schema *s, const char *path, unsigned depth,
		 void (*f)(void *ctx, yyjson_doc *doc, struct neterr *e), void *ctx);
/* What rooms that apply their configuration themselves have in force, explicit values: to begin
 * with at the first start. */
void rooms_config(struct rooms *r, struct schema *s,
		  void (*f)(void *ctx, yyjson_doc *doc, struct neterr *e), void *ctx);
/* An rpc of a room: input is {"module:rpc": {…}} or NULL; the answer's output. */
void rooms_call(struct rooms *r, const char *room, const char *rpc, yyjson_mut_doc *doc,
		yyjson_mut_val *input, unsigned timeout_ms,
		void (*f)(void *ctx, yyjson_val *output, struct neterr *e), void *ctx);

#endif
