/* SPDX-License-Identifier: BSD-2-Clause */
/* DOC: the node's operations
 *
 * One struct ops is the node as every front end sees it. It owns the parts and connects them:
 *
 *   front ends ─ ops_get / ops_edit / ops_commit …
 *        │            scope (principal), degradation and rules (policy), NACM (store)
 *        ▼
 *      store  ── candidates, running, validation            audit ── what was done, by whom
 *        ▼                                                    ▲
 *       txn   ── prepare, apply, confirm, undo ── journal ────┘ (one file, one chain)
 *        ▼
 *      rooms  ── sys (the kernel), kira, …                   events ── listeners, cache
 *
 * The engine calls back for what it cannot do itself; those functions are at the end of this file. */
#include "proto/netops/ops/ops_priv.h"

#include "proto/netops/txn/failpoint.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

/* ---- Who may what ---- */

int ops_may(struct ops *o, const struct ops_origin *from, unsigned scope, bool writes, struct neterr *e)
{
	const char *tool = from->tool ? from->tool : from->method ? from->method : "";

	if ((from->by->scopes & scope) != scope) {
		neterr_set(e, NETERR_ACCESS_DENIED, "access-denied", "%s has no scope %s", from->by->user,
			   scope_name((enum scope)scope));
		err_mend(&e->err, "ask for a token with that scope");
		return e->code;
	}
	if (!nacm_exec(o->nacm, from->by, "depanneur-netops", tool))
		return neterr_set(e, NETERR_ACCESS_DENIED, "access-denied", "access control does not permit %s to %s",
				  tool, from->by->user);
	return policy_tool(o->policy, from->by, tool, writes, clock_now(), e);
}

uint64_t ops_record(struct ops *o, const struct ops_origin *from, const char *pre_hash, const struct changes *diff,
		    const struct neterr *e, usec_t since)
{
	const struct audit_entry entry = {
		.by = from->by,
		.era = from->era,
		.method = from->method,
		.tool = from->tool,
		.args = from->args,
		.meta = from->meta,
		.approval_required = from->approver != NULL,
		.approval_status = from->approver ? "approved" : NULL,
		.approver = from->approver,
		.pre_hash = pre_hash,
		.post_hash = store_hash(o->store),
		.diff = diff,
		.outcome = !e				       ? "ok"
			   : e->code == NETERR_ACCESS_DENIED ||
					   e->code == NETERR_POLICY_DENIED ? "denied"
									   : "failed",
		.err_code = e ? (int)e->code : 0,
		.took = clock_now() - since,
	};

	return audit_add(o->audit, &entry);
}

/* ---- Editing ---- */

int ops_edit(struct ops *o, const struct ops_origin *from, const char *candidate, const struct store_edit *edit,
	     size_t n, struct neterr *e)
{
	usec_t since = clock_now();
	int rc = ops_may(o, from, SCOPE_EDIT, true, e);

	if (rc == 0 && n > OPS_MAX_EDIT)
		rc = neterr_set(e, NETERR_CONFIG_INCOMPATIBLE, "too-big", "%zu entries; %d are the most in one edit", n,
				OPS_MAX_EDIT);
	if (rc == 0)
		rc = store_edit(o->store, candidate ? candidate : "", from->by, edit, n, since, e);
	store_hide(o->store, from->by, e);
	ops_record(o, from, store_hash(o->store), NULL, rc == 0 ? NULL : e, since);
	return rc;
}

int ops_discard(struct ops *o, const struct ops_origin *from, const char *candidate, struct neterr *e)
{
	int rc = ops_may(o, from, SCOPE_EDIT, true, e);

	if (rc == 0)
		store_discard(o->store, candidate ? candidate : "", from->by);
	return rc;
}

/* ---- Listeners ---- */

void ops_listen(struct ops *o, struct ops_listener *l)
{
	l->next = o->listeners;
	o->listeners = l;
}

void ops_unlisten(struct ops *o, struct ops_listener *l)
{
	struct ops_listener **at = &o->listeners;

	while (*at && *at != l)
		at = &(*at)->next;
	if (*at)
		*at = l->next;
}

void ops_tell_changed(struct ops *o, enum datastore ds, const char *path)
{
	struct ops_listener *l;

	ops_cache_drop(o, path);
	for (l = o->listeners; l; l = l->next) {
		if (l->changed)
			l->changed(l->ctx, ds, path);
	}
}

void ops_tell_lists(struct ops *o)
{
	struct ops_listener *l;

	for (l = o->listeners; l; l = l->next) {
		if (l->lists_changed)
			l->lists_changed(l->ctx);
	}
}

static void tell_notification(struct ops *o, const char *module, const char *name, yyjson_val *data)
{
	struct ops_listener *l;

	for (l = o->listeners; l; l = l->next) {
		if (l->notification)
			l->notification(l->ctx, module, name, data);
	}
}

static void tell_log(struct ops *o)
{
	struct ops_listener *l;

	for (l = o->listeners; l; l = l->next) {
		if (l->log_line)
			l->log_line(l->ctx);
	}
}

/* ---- What the rooms say ---- */

static void on_event(void *ctx, const char *room, const char *path, yyjson_val *data)
{
	struct ops *o = ctx;
	const char *colon = strchr(path, ':');
	char module[64];

	if (!o->serving)
		return;
	if (strcmp(path, "/depanneur-sys:log-line") == 0) {
		tell_log(o);
		return;
	}
	if (strcmp(path, "/depanneur-sys:foreign-change") == 0 || strcmp(path, "/") == 0)
		ops_drift_suspect(o);
	if (strcmp(path, "/depanneur-sys:foreign-change") == 0)
		return;
	ops_tell_changed(o, DS_OPERATIONAL, path);
	if (data && colon && !strchr(colon, '/') && path[0] == '/') {
		snprintf(module, sizeof(module), "%.*s", (int)(colon - path - 1), path + 1);
		tell_notification(o, module, colon + 1, data);
	}
}

static void on_up(void *ctx, const char *room, bool up)
{
	struct ops *o = ctx;

	log_notice(up ? "room is there" : "room is gone", LOG_TEXT("room", room));
	if (o->serving)
		ops_cache_drop(o, NULL);
	if (o->serving && up)
		ops_room_back(o);
}

static void on_modules(void *ctx)
{
	struct ops *o = ctx;

	if (o->serving)
		ops_modules_changed(o);
}

/* ---- What the engine asks ---- */

static int env_check(void *ctx, const struct changes *c, struct neterr *e)
{
	struct ops *o = ctx;

	return store_check(o->store, c, e);
}

struct asked {
	struct ops *o;
	uint64_t op;
};

static void finished(void *ctx, struct neterr *e)
{
	struct asked *a = ctx;
	struct ops *o = a->o;
	uint64_t op = a->op;

	free(a);
	txn_done(o->txn, op, e ? -EREMOTEIO : 0, e, clock_now());
	ops_arm(o);
}

static void reconciled(void *ctx, struct neterr *e)
{
	struct asked *a = ctx;

	if (!e)
		a->o->rebooted = false;
	finished(ctx, e);
}

static struct asked *ask(struct ops *o, uint64_t op)
{
	struct asked *a = malloc(sizeof(*a));

	if (a)
		*a = (struct asked){o, op};
	else
		txn_done(o->txn, op, -ENOMEM, NULL, clock_now());
	return a;
}

static bool found(void *ctx, const char *steps, size_t n)
{
	struct asked *a = ctx;

	return ops_image_found(a->o, steps, n);
}

static void env_apply(void *ctx, uint64_t op, const struct changes *c)
{
	struct ops *o = ctx;
	struct asked *a = ask(o, op);
	struct rooms_image to;

	if (!a)
		return;
	to = ops_image_to_apply(o);
	rooms_apply_seen(o->rooms, o->store, c, &to, found, finished, a);
	free((void *)to.steps);
}

static void env_undo(void *ctx, uint64_t op, const struct changes *c)
{
	struct ops *o = ctx;
	struct asked *a = ask(o, op);
	struct rooms_image to;

	if (!a)
		return;
	/* A kernel that has forgotten everything is not led back by differences. */
	if (o->rebooted) {
		rooms_reconcile(o->rooms, o->store, reconciled, a);
		return;
	}
	to = ops_image_to_undo(o);
	rooms_undo_to(o->rooms, o->store, c, &to, finished, a);
	free((void *)to.steps);
}

static const char *env_running(void *ctx, const struct changes *c)
{
	struct ops *o = ctx;

	if (store_apply(o->store, c) != 0)
		return NULL;
	ops_config_changed(o, c);
	return store_hash(o->store);
}

static const char *env_hash(void *ctx)
{
	struct ops *o = ctx;

	return store_hash(o->store);
}

static int64_t env_wall(void *ctx)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void env_random(void *ctx, void *p, size_t n)
{
	uint8_t *at = p;

	while (n) {
		ssize_t got = getrandom(at, n, 0);

		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
}

static void env_event(void *ctx, const char *confirm_event, const struct principal *by, unsigned timeout_s)
{
	struct ops *o = ctx;
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_val *n = json_add_obj(doc, root, "ietf-netconf-notifications:netconf-confirmed-commit");
	yyjson_mut_val *who;
	yyjson_doc *fixed;

	yyjson_mut_doc_set_root(doc, root);
	if (by) {
		yyjson_mut_obj_add_strcpy(doc, n, "username", by->user);
		yyjson_mut_obj_add_uint(doc, n, "session-id", 0);
		who = by->addr[0] ? n : NULL;
		if (who)
			yyjson_mut_obj_add_strcpy(doc, who, "source-host", by->addr);
	}
	yyjson_mut_obj_add_strcpy(doc, n, "confirm-event", confirm_event);
	if (strcmp(confirm_event, "start") == 0 || strcmp(confirm_event, "extend") == 0)
		yyjson_mut_obj_add_uint(doc, n, "timeout", timeout_s);
	fixed = yyjson_mut_doc_imut_copy(doc, NULL);
	if (fixed)
		tell_notification(o, "ietf-netconf-notifications", "netconf-confirmed-commit",
				  yyjson_doc_get_root(fixed));
	yyjson_doc_free(fixed);
	yyjson_mut_doc_free(doc);
	ops_tell_changed(o, DS_RUNNING, "/depanneur-netops:netops/transaction");
}

/* A trial that nobody confirmed: what became of it is told by nobody's request. */
static void env_ended(void *ctx, const struct txn_end *x)
{
	static const struct principal node = {.user = "node", .transport = "internal"};
	struct ops *o = ctx;
	struct changes back = {0};
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *args = yyjson_mut_obj(doc);
	yyjson_doc *fixed;
	struct audit_entry entry = {.by = &node,
				    .method = x->reason,
				    .tool = "network.commit",
				    .commit_id = x->commit_id,
				    .post_hash = store_hash(o->store),
				    .outcome = x->given_up ? "failed" : "rolled-back"};

	yyjson_mut_obj_add_strcpy(doc, args, "user", x->by->user);
	yyjson_mut_doc_set_root(doc, args);
	fixed = yyjson_mut_doc_imut_copy(doc, NULL);
	entry.args = yyjson_doc_get_root(fixed);
	if (changes_invert(x->changes, &back) == 0)
		entry.diff = &back;
	log_notice("a commit that was not confirmed is taken back", LOG_TEXT("commit", x->commit_id),
		   LOG_TEXT("user", x->by->user), LOG_TEXT("reason", x->reason));
	audit_add(o->audit, &entry);
	changes_free(&back);
	yyjson_doc_free(fixed);
	yyjson_mut_doc_free(doc);
}

/* What of the configuration netops itself goes by. */
static bool touches(const struct changes *c, const char *top)
{
	size_t n = strlen(top);
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (strncmp(c->at[i].path, top, n) == 0)
			return true;
	}
	return false;
}

static int reload_own(void *ctx, const struct lyd_node *tree)
{
	struct ops *o = ctx;
	struct err err = {0};

	if (policy_load(o->policy, tree, &err) != 0)
		log_err(LOG_LEVEL_ERROR, &err);
	return 0;
}

void ops_config_changed(struct ops *o, const struct changes *c)
{
	size_t i;

	if (!c || touches(c, "/ietf-netconf-acm:") || touches(c, "/depanneur-netops:")) {
		store_view(o->store, NULL, reload_own, o);
		ops_cache_drop(o, NULL);
		ops_tell_lists(o);
	}
	for (i = 0; c && i < c->n; i++)
		ops_tell_changed(o, DS_RUNNING, c->at[i].path);
}

/* ---- Time ---- */

static usec_t next_deadline(struct ops *o, usec_t now)
{
	usec_t engine = txn_tick(o->txn, now);
	usec_t audit = o->audit ? audit_tick(o->audit, now) : USEC_NEVER;

	return engine < audit ? engine : audit;
}

usec_t ops_tick(void *ctx, usec_t now)
{
	struct ops *o = ctx;

	store_expire(o->store, now);
	return next_deadline(o, now);
}

/* After everything that may have moved the engine's next deadline. */
void ops_arm(struct ops *o)
{
	if (o->timer_open)
		loop_timer_set(&o->timer, next_deadline(o, clock_now()));
}

/* ---- The journal ---- */

static void journaled(void *ctx, int rc)
{
	struct asked *a = ctx;
	struct ops *o = a->o;
	uint64_t op = a->op;
	struct neterr e = {0};

	free(a);
	if (rc != 0) {
		neterr_set(&e, NETERR_INTERNAL, "resource-denied", "the journal cannot be written: %s", strerror(-rc));
		err_mend(&e.err, "make room on the disk of the state directory");
	}
	txn_done(o->txn, op, rc, rc != 0 ? &e : NULL, clock_now());
	neterr_clear(&e);
	if (rc == 0 && o->serving && txn_quiet(o->txn) && journal_wants_checkpoint(o->journal))
		ops_checkpoint(o);
	if (o->reschema && txn_quiet(o->txn))
		ops_modules_changed(o);
	ops_arm(o);
}

static void env_journal(void *ctx, uint64_t op, enum journal_type type, struct slice json, bool sync)
{
	struct ops *o = ctx;
	struct asked *a = sync ? ask(o, op) : NULL;

	if (sync && !a)
		return;
	ops_image_note(o, type, json);
	journal_append(o->journal, type, 0, json, sync ? journaled : NULL, a, NULL);
}

/* ---- Opening and closing ---- */

static const struct txn_env engine_env = {
	.check = env_check,
	.journal = env_journal,
	.apply = env_apply,
	.undo = env_undo,
	.running = env_running,
	.running_hash = env_hash,
	.event = env_event,
	.ended = env_ended,
	.wall = env_wall,
	.random = env_random,
	.at = failpoint_at,
};

static const struct rooms_env room_env = {
	.modules_changed = on_modules,
	.event = on_event,
	.up = on_up,
};

static int open_journal(struct ops *o, struct err *err)
{
	char dir[PATH_MAX];
	struct journal_params p = {.loop = o->loop, .dir = dir, .fsync = o->p.fsync};
	int rc = journal_boot_id(p.boot_id);

	if (rc != 0)
		return err_set(err, rc, "cannot read the kernel's boot_id: %s", strerror(-rc));
	if (mkdir(o->state_dir, 0700) != 0 && errno != EEXIST)
		return err_set(err, -errno, "cannot make %s: %s", o->state_dir, strerror(errno));
	snprintf(dir, sizeof(dir), "%s/journal", o->state_dir);
	o->journal = journal_open(&p, err);
	if (!o->journal)
		return err->code;
	return 0;
}

struct ops *ops_new(const struct ops_params *p, struct err *err)
{
	struct ops *o = calloc(1, sizeof(*o));
	struct rooms_env env = room_env;
	int rc;

	if (!o) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	o->loop = p->loop;
	o->p = *p;
	list_init(&o->approvals);
	o->env = engine_env;
	o->env.ctx = o;
	env.ctx = o;
	o->state_dir = strdup(p->state_dir);
	o->policy = policy_new();
	o->rooms = rooms_new(p->loop, p->run_dir, p->rooms, &env);
	rc = o->state_dir && o->policy && o->rooms ? open_journal(o, err) : err_set(err, -ENOMEM, "no memory");
	if (rc == 0)
		return o;
	ops_free(o);
	return NULL;
}

void ops_start(struct ops *o, void (*ready)(void *ctx, int rc, struct err *err), void *ctx)
{
	o->ready = ready;
	o->ready_ctx = ctx;
	ops_begin(o);
}

void ops_free(struct ops *o)
{
	if (!o)
		return;
	if (o->timer_open)
		loop_timer_close(&o->timer);
	ops_drift_close(o);
	ops_approvals_free(o);
	rooms_free(o->rooms);
	audit_free(o->audit); /* signs, so before the journal is closed */
	if (o->journal)
		journal_close(o->journal);
	txn_free(o->txn);
	policy_free(o->policy);
	store_free(o->store);
	schema_free(o->schema);
	ops_modules_free(o);
	ops_cache_free(o);
	ops_image_forget(o);
	free(o->state_dir);
	uv_run(o->loop, UV_RUN_NOWAIT); /* the timer's handle lies in o until it is closed */
	free(o);
}

struct store *ops_store(struct ops *o)
{
	return o->store;
}

struct schema *ops_schema(struct ops *o)
{
	return o->schema;
}

struct nacm *ops_nacm(struct ops *o)
{
	return o->nacm;
}

struct audit *ops_audit(struct ops *o)
{
	return o->audit;
}

struct txn *ops_txn(struct ops *o)
{
	return o->txn;
}

struct rooms *ops_rooms(struct ops *o)
{
	return o->rooms;
}

void ops_session_closed(struct ops *o, const char *session)
{
	txn_session_closed(o->txn, session, clock_now());
	ops_arm(o);
}
