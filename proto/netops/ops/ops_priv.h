/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of ops share. ops.c opens and closes; ops_start.c is the way from the journal to a device in a state
 * to be served; ops_modules.c keeps the rooms' modules; ops_get.c reads; ops_commit.c changes; ops_file.c whole files. */
#ifndef DEP_NETOPS_OPS_PRIV_H
#define DEP_NETOPS_OPS_PRIV_H

#include "base/list.h"
#include "base/log.h"
#include "base/loop.h"
#include "proto/netops/ops/ops.h"
#include "proto/netops/txn/journal.h"

#define OPS_CACHE 64	       /* answers kept */
#define OPS_CACHE_MAX_US SEC(1) /* for how long, as counters change without an event */

/* A room's module as it said in hello, kept on disk so that its configuration can be read while it is down. */
struct ops_module {
	struct schema_module m;
	char *name, *revision, *text;
	char **feature; /* ended by NULL */
};

struct cached {
	char *key; /* NULL: free */
	char *path;
	char *text;
	size_t n;
	usec_t at;
	uint64_t used;
};

struct ops {
	uv_loop_t *loop;
	struct ops_params p;
	char *state_dir;

	struct ops_module *module;
	size_t n_modules;
	struct schema *schema;
	struct store *store;
	struct nacm *nacm;
	struct policy *policy;
	struct journal *journal;
	struct audit *audit;
	struct txn *txn;
	struct rooms *rooms;
	struct loop_timer timer;
	bool timer_open;

	struct txn_env env;

	struct {
		struct loop_timer timer;
		bool open;
		bool under_way;
		bool again;	/* another suspicion meanwhile */
		usec_t since;
		usec_t not_before;
		uint64_t seen;	/* hash of the differences that were told; 0: none */
	} drift;

	bool serving;
	bool reschema;	/* a new schema waits for the end of the transaction under way */
	bool same_boot; /* the newest record was written since the machine started */
	bool fresh;	/* there is no configuration yet */
	bool rebooted; /* since the newest record, and no room has been told of running yet */
	bool restarted; /* running was made of startup */
	void (*ready)(void *ctx, int rc, struct err *err);
	void *ready_ctx;

	struct list approvals; /* ops_approve.c */
	unsigned n_approvals;

	struct ops_listener *listeners;
	struct cached cache[OPS_CACHE];
	uint64_t cache_clock;
	uint64_t operations; /* numbers what the engine asked for */

	/* How room sys found the kernel before each application, oldest first (ops_image.c). */
	struct ops_image *image;
	size_t n_images;
	size_t images_under_way; /* from this one on: of the application under way */
	bool applied;  /* the newest application was */
	bool undo_one; /* the undo under way is that of one application */
};

/* ops_modules.c */
/* The set to compile: netops' own, those of rooms that are up, and remembered ones of rooms that are not. */
int ops_modules_take(struct ops *o, struct err *err);
void ops_modules_free(struct ops *o);
/* Compiles the set; *out is taken over by the caller. */
struct schema *ops_modules_compile(struct ops *o, struct err *err);

/* ops_start.c */
void ops_begin(struct ops *o);
void ops_modules_changed(struct ops *o);
void ops_room_back(struct ops *o);
/* Writes a checkpoint of the journal, where the engine is quiet. */
void ops_checkpoint(struct ops *o);
int ops_startup_set(struct ops *o, const char *json, struct neterr *e);
/* Replaces the file at path by n bytes, durable before it counts. 0 or a negative errno. */
int ops_write_file(const char *path, const char *text, size_t n);

/* ops_image.c: how the kernel was before each change */
/* Before an application: where a rollback leads the kernel besides. Before an undo: the same. Newest first; *steps is freed by
 * the caller, the texts stay. */
struct rooms_image ops_image_to_apply(const struct ops *o);
struct rooms_image ops_image_to_undo(const struct ops *o);
/* Keeps what was found before the application that begins, and writes it into the journal; whether it could. */
bool ops_image_found(struct ops *o, const char *steps, size_t n);
/* Each record of the engine, when it is written and when it is read again. */
void ops_image_note(struct ops *o, enum journal_type type, struct slice json);
/* Of another boot: that kernel is gone. */
void ops_image_forget(struct ops *o);
/* The engine's checkpoint with the images in it, takes text over; and back. NULL: no memory. */
char *ops_image_checkpoint(const struct ops *o, char *text, size_t *n);
void ops_image_load(struct ops *o, struct slice engine);

/* ops_drift.c: what others change in the kernel, behind our back */
int ops_drift_open(struct ops *o);
void ops_drift_close(struct ops *o);
void ops_drift_suspect(struct ops *o);

/* ops_get.c */
void ops_cache_drop(struct ops *o, const char *path);
void ops_cache_free(struct ops *o);

/* ops_diff.c */
/* As changes_json(), without what by may not read. staged: running does not have them yet. */
yyjson_mut_val *ops_readable_changes(struct ops *o, const struct principal *by, const struct changes *c, bool staged,
				     yyjson_mut_doc *doc);

/* ops_approve.c */
/* Whether another person has approved these changes of `by`; that is used up. approver: who. */
bool ops_approved(struct ops *o, const struct principal *by, const struct changes *c, unsigned confirmed, bool rollback,
		  char *approver, size_t n);
/* Policy wants an approval: e is told the id under which it can be given. */
void ops_approval_wanted(struct ops *o, const struct principal *by, const struct changes *c, unsigned confirmed, bool rollback,
			 struct neterr *e);
void ops_approvals_free(struct ops *o);

/* ops.c */
usec_t ops_tick(void *ctx, usec_t now);
void ops_arm(struct ops *o);
void ops_config_changed(struct ops *o, const struct changes *c);
void ops_tell_changed(struct ops *o, enum datastore ds, const char *path);
void ops_tell_lists(struct ops *o);
/* One audit record; returns its number. */
uint64_t ops_record(struct ops *o, const struct ops_origin *from, const char *pre_hash,
		    const struct changes *diff, const struct neterr *e, usec_t since);

#endif
