/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine backwards: abort of what was only prepared, rollback of what was applied, in part or
 * in whole. */
#include "proto/netops/txn/txn_priv.h"

#include <errno.h>
#include <string.h>

#define MAX_BACKOFF 60 /* seconds between attempts to restore */

static const char *const reason_name[N_REASONS] = {
	[REASON_TIMEOUT] = "timeout",	  [REASON_CANCEL] = "cancel",
	[REASON_SESSION] = "session",	  [REASON_REBOOT] = "reboot",
	[REASON_RESTART] = "restart",	  [REASON_FAILED] = "failed",
	[REASON_FOLLOW_UP] = "follow-up", [REASON_ESCALATED] = "escalated",
};

const char *txn_reason_name(enum txn_reason r)
{
	return reason_name[r];
}

enum txn_reason txn_reason_parse(const char *name)
{
	unsigned i;

	for (i = 0; i < N_REASONS && (!name || strcmp(name, reason_name[i]) != 0); i++)
		;
	return (enum txn_reason)i;
}

void txn_abort(struct txn *t, struct txn_req *r, const char *why, usec_t now)
{
	txn_at(t, "txn.abort.before");
	t->open.idem = r ? r->idem : (struct txn_idem){0};
	txn_write_abort(t, why);
	txn_at(t, "txn.abort.written");
	txn_key_drop_prepared(t, t->open.commit);
	t->req = r;
	if (r) {
		txn_remember(t, "aborted", &t->open.work, now);
		txn_answer_state(t, "aborted", &t->open.work);
	}
	txn_close(t);
}

bool txn_reason_expires(enum txn_reason r)
{
	return r == REASON_TIMEOUT || r == REASON_REBOOT || r == REASON_RESTART ||
	       r == REASON_ESCALATED;
}

static void expire(struct txn *t, usec_t now)
{
	struct txn_open *o = &t->open;
	struct txn_expired x = {.commit = o->commit, .base = o->base, .forget = now + TXN_REMEMBER};

	if (!o->terms.has_token)
		return;
	memcpy(x.hash, o->terms.hash, TXN_HASH);
	x.at = t->env.wall(t->env.ctx);
	txn_expired_add(t, &x);
}

void txn_recovered(struct txn *t, int rc)
{
	void (*f)(void *ctx, int rc) = t->recovered;

	t->recovered = NULL;
	if (f)
		f(t->recovered_ctx, rc);
}

static void undo(struct txn *t)
{
	txn_at(t, "txn.undo.before");
	t->env.undo(t->env.ctx, txn_op(t, STEP_UNDO), t->undoing);
}

static void failed(struct txn *t, usec_t now)
{
	t->state = TXN_FAILED;
	t->step = STEP_NONE;
	t->backoff = t->backoff ? t->backoff * 2 : 1;
	if (t->backoff > MAX_BACKOFF)
		t->backoff = MAX_BACKOFF;
	t->retry = now + SEC(t->backoff);
	txn_expired_outcome(t, t->open.commit, OUTCOME_FAILED);
	txn_recovered(t, -EIO);
}

/* Running goes back before the rooms do, so that they can be compared with it. */
static bool running_back(struct txn *t)
{
	struct txn_open *o = &t->open;

	if (o->back.n == 0)
		return true;
	if (!t->env.running(t->env.ctx, &o->back))
		return false;
	changes_free(&o->back);
	return true;
}

/* What the rooms must take back: what was being applied, else all that there was; touched is both
 * where an application was under way. */
static void choose(struct txn *t)
{
	struct txn_open *o = &t->open;

	if (t->reason == REASON_FAILED || t->reason == REASON_FOLLOW_UP)
		t->undoing = &o->work;
	else
		t->undoing = o->touched.n ? &o->touched : &o->all;
}

void txn_undo(struct txn *t, enum txn_reason reason, struct neterr *cause, usec_t now)
{
	struct txn_open *o = &t->open;

	t->reason = reason;
	t->undo_follow_up = reason == REASON_FOLLOW_UP;
	t->state = TXN_ROLLING_BACK;
	t->backoff = 0;
	if (cause)
		neterr_move(&t->cause, cause);
	txn_at(t, "txn.rollback.before");
	txn_write_rollback(t);
	txn_at(t, "txn.rollback.written");
	if (txn_reason_expires(reason))
		expire(t, now);
	if (reason == REASON_TIMEOUT)
		t->env.event(t->env.ctx, "timeout", NULL, 0);
	else if (reason != REASON_FAILED && reason != REASON_FOLLOW_UP)
		t->env.event(t->env.ctx, "cancel", &o->by, 0);
	choose(t);
	if (reason != REASON_FAILED && reason != REASON_FOLLOW_UP && !running_back(t)) {
		failed(t, now);
		return;
	}
	txn_at(t, "txn.rollback.running");
	undo(t);
}

void txn_undo_resume(struct txn *t)
{
	t->state = TXN_ROLLING_BACK;
	choose(t);
	undo(t);
}

/* Answers whoever asked for the application or the cancellation that ended in failure to restore.
 */
static void tell_failed(struct txn *t, struct neterr *e)
{
	struct txn_req *r = t->req;
	struct neterr out = {0};
	char id[TXN_COMMIT_ID];
	yyjson_mut_val *data;

	if (!r)
		return;
	t->req = NULL;
	txn_id(t->open.commit, id);
	if (e && e->data) {
		/* Of the environment: what is left over. */
		out.data = e->data;
		e->data = NULL;
	}
	data = neterr_data(&out);
	if (data) {
		yyjson_mut_obj_add_strcpy(out.data, data, "commitId", id);
		yyjson_mut_obj_add_str(out.data, data, "rollback", "failed");
		if (t->cause.err.what[0])
			yyjson_mut_obj_add_strcpy(out.data, data, "cause", t->cause.err.what);
	}
	out.code = NETERR_ROLLBACK_FAILED;
	snprintf(out.tag, sizeof(out.tag), "rollback-failed");
	err_set(&out.err, NETERR_ROLLBACK_FAILED, "what was there before could not be restored: %s",
		e && e->err.what[0] ? e->err.what : "a room refused");
	err_mend(&out.err, "it is tried again; commits are refused until then");
	txn_refuse(t, r, &out);
}

void txn_undone(struct txn *t, int rc, struct neterr *e, usec_t now)
{
	if (rc && t->undo_follow_up) {
		/* The part does not come off by itself: the whole must. */
		tell_failed(t, e);
		txn_undo(t, REASON_ESCALATED, NULL, now);
		return;
	}
	if (rc) {
		tell_failed(t, e);
		failed(t, now);
		return;
	}
	txn_at(t, "txn.undone");
	if (txn_write_restored(t, txn_op(t, STEP_RESTORED), false)) {
		tell_failed(t, NULL);
		failed(t, now);
		return;
	}
	txn_at(t, "txn.restored.written");
}

/* Back to PENDING, where the follow-up's application failed. */
static void resume_pending(struct txn *t, usec_t now)
{
	struct txn_open *o = &t->open;
	struct txn_req *r = t->req;

	txn_follow_up_drop(t);
	t->undo_follow_up = false;
	t->state = TXN_PENDING;
	t->req = NULL;
	if (r)
		txn_refuse(t, r, &t->cause);
	neterr_clear(&t->cause);
	if (o->owner_gone)
		txn_undo(t, REASON_SESSION, NULL, now);
	else
		txn_recovered(t, 0);
}

void txn_restored(struct txn *t, int rc, struct neterr *e, usec_t now)
{
	struct txn_req *r = t->req;
	struct txn_open *o = &t->open;

	if (rc) {
		tell_failed(t, e);
		failed(t, now);
		return;
	}
	txn_at(t, "txn.restored.durable");
	txn_expired_outcome(t, o->commit, OUTCOME_COMPLETE);
	if (t->undo_follow_up) {
		resume_pending(t, now);
		return;
	}
	if (r && t->cause.code) {
		t->req = NULL;
		txn_refuse(t, r, &t->cause);
	} else if (r) {
		txn_remember(t, "rolled-back", t->undoing, now);
		txn_answer_state(t, "rolled-back", t->undoing);
	}
	neterr_clear(&t->cause);
	txn_close(t);
	txn_recovered(t, 0);
}

void txn_retry(struct txn *t, usec_t now)
{
	if (!running_back(t)) {
		failed(t, now);
		return;
	}
	txn_at(t, "txn.retry");
	undo(t);
}

void txn_give_up(struct txn *t, usec_t now)
{
	(void)now;
	txn_write_restored(t, 0, true);
	neterr_clear(&t->cause);
	txn_close(t);
}
