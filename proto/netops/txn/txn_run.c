/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine forwards: prepare, apply, confirm. */
#include "proto/netops/txn/txn_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* 128 bits: 21 characters of six bits and one of two. */
static void make_token(struct txn *t, char out[TXN_TOKEN])
{
	uint8_t b[16];
	unsigned i;

	t->env.random(t->env.ctx, b, sizeof(b));
	for (i = 0; i < TXN_TOKEN - 1; i++) {
		unsigned bit = i * 6;
		unsigned v =
			(unsigned)b[bit / 8] << 8 | (bit / 8 + 1 < sizeof(b) ? b[bit / 8 + 1] : 0);

		out[i] = base64url[v >> (10 - bit % 8) & 63];
	}
	out[i] = 0;
}

/* The changes that r stands for, into *out. 0 or e is filled. */
static int changes_of(struct txn *t, struct txn_req *r, struct changes *out, struct neterr *e)
{
	unsigned steps = r->steps;
	int rc;

	if (r->stage)
		return r->stage(r->ctx, out, e);
	if (r->what != TXN_ROLLBACK) {
		*out = r->changes;
		r->changes = (struct changes){0};
		return 0;
	}
	if (r->commit_id[0]) {
		uint32_t to = txn_id_parse(r->commit_id);

		for (steps = 0; steps < t->ring_n && txn_ring_at(t, steps)->commit != to; steps++)
			;
		if (steps == t->ring_n && to != t->ring_base)
			return neterr_set(e, NETERR_TRANSACTION_UNKNOWN, "data-missing",
					  "there is no commit %s to go back to", r->commit_id);
	} else if (steps == 0) {
		steps = 1;
	}
	rc = txn_ring_back(t, steps, out);
	if (rc == -ENOENT)
		return neterr_set(e, NETERR_TRANSACTION_UNKNOWN, "data-missing",
				  "%u commits cannot be undone, the ring holds %u", steps,
				  t->ring_n);
	if (rc)
		txn_no_memory(e);
	return rc;
}

static int check_running(struct txn *t, const struct txn_req *r, struct neterr *e)
{
	const char *is = t->env.running_hash(t->env.ctx);
	yyjson_mut_val *data;

	if (!r->if_running || strcmp(r->if_running, is) == 0)
		return 0;
	neterr_set(e, NETERR_CONFIG_INCOMPATIBLE, "operation-failed",
		   "running is not what ifRunning says: somebody changed it");
	err_mend(&e->err, "look at the difference, stage again and commit with the new hash");
	data = neterr_data(e);
	if (data)
		yyjson_mut_obj_add_strcpy(e->data, data, "runningHash", is);
	return e->code;
}

/* Keeps what the request wants in the open transaction. 0 or -ENOMEM. */
static int adopt(struct txn *t, struct txn_req *r)
{
	struct txn_open *o = &t->open;
	struct txn_terms *m = &o->terms;

	o->old_terms = *m;
	if (r->comment) {
		free(o->comment);
		o->comment = strdup(r->comment);
		if (!o->comment)
			return -ENOMEM;
	}
	m->confirmed = r->confirmed;
	o->idem = r->idem;
	if (r->persist_id) {
		m->token[0] = 0;
		txn_token_hash(r->persist_id, &o->by, m->hash);
		m->has_token = true;
	} else if (!m->has_token && (r->what == TXN_PREPARE || r->confirmed)) {
		make_token(t, m->token);
		txn_token_hash(m->token, &o->by, m->hash);
		m->has_token = true;
	}
	return 0;
}

/* Without composing: what cancels out may still be half in the rooms. */
static int append(struct changes *to, const struct changes *c)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		const struct change *x = &c->at[i];

		if (changes_add(to, x->op, x->path, x->old, x->new, x->old_after, x->new_after))
			return -ENOMEM;
	}
	return 0;
}

static void unstack(struct txn_open *o)
{
	changes_free(&o->next);
	changes_free(&o->next_back);
	changes_free(&o->touched);
}

int txn_stack(struct txn_open *o)
{
	int rc;

	unstack(o);
	rc = changes_compose(&o->all, &o->work, &o->next);
	if (rc == 0)
		rc = changes_invert(&o->next, &o->next_back);
	if (rc == 0 && o->applied)
		rc = append(&o->touched, &o->all);
	if (rc == 0 && o->applied)
		rc = append(&o->touched, &o->work);
	return rc;
}

static void no_change(struct txn *t, struct txn_req *r, const struct changes *diff)
{
	struct txn_result res = {.diff = diff, .running_hash = t->env.running_hash(t->env.ctx)};

	txn_head(t, res.commit_id);
	memcpy(res.state, "no-change", sizeof("no-change"));
	txn_answer(t, r, &res);
}

void txn_begin(struct txn *t, struct txn_req *r, usec_t now)
{
	struct neterr e = {0};
	struct changes work = {0};
	struct txn_open *o = &t->open;
	int rc;

	(void)now;
	rc = check_running(t, r, &e);
	if (rc == 0)
		rc = changes_of(t, r, &work, &e);
	if (rc == 0 && work.n)
		rc = t->env.check(t->env.ctx, &work, &e);
	if (rc) {
		if (!e.code)
			txn_no_memory(&e);
		changes_free(&work);
		txn_refuse(t, r, &e);
		return;
	}
	if (r->dry_run || work.n == 0) {
		no_change(t, r, &work);
		changes_free(&work);
		return;
	}
	txn_at(t, "txn.begin");
	o->commit = ++t->last_commit;
	o->base = t->ring_n ? txn_ring_at(t, 0)->commit : t->ring_base;
	o->by = r->by;
	o->persist = r->persist;
	o->rollback = r->what == TXN_ROLLBACK;
	o->work = work;
	t->req = r;
	if (adopt(t, r) || txn_stack(o) || txn_expired_reserve(t) ||
	    txn_write_prepare(t, txn_op(t, STEP_PREPARE), false)) {
		txn_no_memory(&e);
		t->step = STEP_NONE;
		t->req = NULL;
		txn_close(t);
		txn_refuse(t, r, &e);
		return;
	}
	txn_at(t, "txn.prepare.written");
}

/* Steps back from a follow-up commit that did not come to be applied. */
void txn_follow_up_drop(struct txn *t)
{
	changes_free(&t->open.work);
	unstack(&t->open);
	t->open.terms = t->open.old_terms;
	t->open.idem.has = false;
}

void txn_follow_up(struct txn *t, struct txn_req *r, usec_t now)
{
	struct neterr e = {0};
	struct txn_open *o = &t->open;
	int rc = check_running(t, r, &e);

	(void)now;
	if (rc == 0 && (r->stage || r->changes.n))
		rc = changes_of(t, r, &o->work, &e);
	if (rc == 0 && o->work.n)
		rc = t->env.check(t->env.ctx, &o->work, &e);
	if (rc == 0 && !r->dry_run && o->work.n == 0 && r->confirmed == 0) {
		txn_confirm(t, r);
		return;
	}
	if (rc || r->dry_run) {
		if (rc && !e.code)
			txn_no_memory(&e);
		if (rc)
			txn_refuse(t, r, &e);
		else
			no_change(t, r, &o->work);
		changes_free(&o->work);
		return;
	}
	txn_at(t, "txn.follow-up.begin");
	t->req = r;
	if (adopt(t, r) || txn_stack(o) || txn_write_prepare(t, txn_op(t, STEP_PREPARE), true)) {
		txn_no_memory(&e);
		t->step = STEP_NONE;
		t->req = NULL;
		txn_follow_up_drop(t);
		txn_refuse(t, r, &e);
		return;
	}
	txn_at(t, "txn.follow-up.written");
}

/* The open transaction's changes go to the rooms. */
static void apply(struct txn *t)
{
	txn_at(t, "txn.step.before");
	txn_write_step(t);
	txn_at(t, "txn.step.written");
	if (t->state != TXN_PENDING)
		t->state = TXN_APPLYING;
	t->env.apply(t->env.ctx, txn_op(t, STEP_APPLY), &t->open.work);
}

void txn_prepared(struct txn *t, int rc, struct neterr *e, usec_t now)
{
	struct txn_req *r = t->req;
	struct txn_open *o = &t->open;

	if (rc) {
		/* Perhaps the record is there all the same. */
		txn_write_abort(t, "journal");
		t->req = NULL;
		if (t->state == TXN_PENDING)
			txn_follow_up_drop(t);
		else
			txn_close(t);
		txn_refuse(t, r, e);
		return;
	}
	txn_at(t, "txn.prepare.durable");
	if (r->what != TXN_PREPARE && o->work.n) {
		apply(t);
		return;
	}
	if (r->what != TXN_PREPARE) {
		txn_applied(t, 0, NULL, now); /* nothing but more time */
		return;
	}
	t->state = TXN_PREPARED;
	o->terms.deadline = now + SEC(r->lease ? r->lease : TXN_LEASE);
	o->terms.deadline_wall = t->env.wall(t->env.ctx) + (o->terms.deadline - now) * 1000;
	txn_remember(t, "prepared", &o->work, now);
	txn_answer_state(t, "prepared", &o->work);
	if (o->owner_gone)
		txn_abort(t, NULL, "session", now);
}

void txn_commit_prepared(struct txn *t, struct txn_req *r, usec_t now)
{
	struct neterr e = {0};

	(void)now;
	if (check_running(t, r, &e) || adopt(t, r)) {
		if (!e.code)
			txn_no_memory(&e);
		txn_refuse(t, r, &e);
		return;
	}
	t->open.persist = r->persist;
	t->req = r;
	txn_at(t, "txn.commit-prepared");
	apply(t);
}

void txn_applied(struct txn *t, int rc, struct neterr *e, usec_t now)
{
	struct txn_open *o = &t->open;
	struct neterr none = {0};

	if (rc) {
		txn_undo(t, t->state == TXN_PENDING ? REASON_FOLLOW_UP : REASON_FAILED, e, now);
		return;
	}
	txn_at(t, "txn.applied");
	if (o->terms.confirmed) {
		o->terms.deadline = now + SEC(o->terms.confirmed);
		o->terms.deadline_wall = t->env.wall(t->env.ctx) + (o->terms.deadline - now) * 1000;
	}
	if (txn_write_applied(t, txn_op(t, STEP_APPLIED))) {
		txn_no_memory(&none);
		txn_undo(t, t->state == TXN_PENDING ? REASON_FOLLOW_UP : REASON_FAILED, &none, now);
		return;
	}
	txn_at(t, "txn.applied.written");
}

void txn_absorb(struct txn_open *o)
{
	changes_free(&o->all);
	changes_free(&o->back);
	o->all = o->next;
	o->back = o->next_back;
	o->next = (struct changes){0};
	o->next_back = (struct changes){0};
	changes_free(&o->touched);
	o->applied = true;
}

void txn_keep(struct txn *t, int64_t time)
{
	struct txn_open *o = &t->open;
	struct txn_commit c = {.commit = o->commit, .rollback = o->rollback, .time = time};

	c.user = strdup(o->by.user);
	c.comment = o->comment;
	c.changes = o->all;
	snprintf(c.hash, sizeof(c.hash), "%s", t->env.running_hash(t->env.ctx));
	o->comment = NULL;
	o->all = (struct changes){0};
	txn_ring_push(t, &c);
}

void txn_applied_durable(struct txn *t, int rc, struct neterr *e, usec_t now)
{
	struct txn_open *o = &t->open;
	enum txn_reason reason = t->state == TXN_PENDING ? REASON_FOLLOW_UP : REASON_FAILED;
	struct neterr none = {0};
	bool extend = t->state == TXN_PENDING;
	struct changes work;

	if (rc) {
		txn_undo(t, reason, e, now);
		return;
	}
	txn_at(t, "txn.applied.durable");
	if (o->work.n && !t->env.running(t->env.ctx, &o->work)) {
		txn_no_memory(&none);
		txn_undo(t, reason, &none, now);
		return;
	}
	txn_at(t, "txn.running");
	txn_absorb(o);
	work = o->work;
	o->work = (struct changes){0};
	if (o->terms.confirmed) {
		t->state = TXN_PENDING;
		t->env.event(t->env.ctx, extend ? "extend" : "start", &o->by, o->terms.confirmed);
		txn_remember(t, "pending-confirm", &work, now);
		txn_answer_state(t, "pending-confirm", &work);
		if (o->owner_gone)
			txn_undo(t, REASON_SESSION, NULL, now);
		changes_free(&work);
		return;
	}
	txn_remember(t, o->rollback ? "rolled-back" : extend ? "confirmed" : "applied", &work, now);
	txn_keep(t, t->env.wall(t->env.ctx));
	if (extend)
		t->env.event(t->env.ctx, "complete", &o->by, 0);
	txn_answer_state(t, o->rollback ? "rolled-back" : extend ? "confirmed" : "applied", &work);
	txn_close(t);
	changes_free(&work);
}

void txn_confirm(struct txn *t, struct txn_req *r)
{
	struct neterr e = {0};

	txn_at(t, "txn.confirm.before");
	t->req = r;
	t->open.idem = r->idem;
	if (txn_write_confirm(t, txn_op(t, STEP_CONFIRM))) {
		t->step = STEP_NONE;
		t->req = NULL;
		txn_no_memory(&e);
		txn_refuse(t, r, &e);
		return;
	}
	txn_at(t, "txn.confirm.written");
}

void txn_unconfirmed(struct txn *t, usec_t now)
{
	struct txn_req *r = t->req;

	t->step = STEP_NONE;
	t->req = NULL;
	txn_refuse(t, r, &t->cause);
	if (t->open.owner_gone)
		txn_undo(t, REASON_SESSION, NULL, now);
}

void txn_confirmed(struct txn *t, int rc, struct neterr *e, usec_t now)
{
	struct txn_open *o = &t->open;

	if (rc) {
		/* The record may be there: one that says the transaction is still pending comes
		 * after it. */
		o->idem.has = false;
		neterr_move(&t->cause, e);
		if (txn_write_applied(t, txn_op(t, STEP_UNCONFIRM)))
			txn_unconfirmed(t, now);
		return;
	}
	txn_at(t, "txn.confirm.durable");
	txn_remember(t, "confirmed", &o->all, now);
	t->env.event(t->env.ctx, "complete", &o->by, 0);
	txn_keep(t, t->env.wall(t->env.ctx));
	txn_answer_state(t, "confirmed", &txn_ring_at(t, 0)->changes);
	txn_close(t);
}
