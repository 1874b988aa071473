/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine from its journal: records in their order, then what the rules ask for (spec §2.2,
 * recovery).
 *
 * A record may be there whose making durable failed, so that the engine did not go by it: then a
 * later one takes it back (ABORT after PREPARE; ROLLBACK-BEGIN after APPLIED; APPLIED or
 * ROLLBACK-BEGIN after CONFIRM). Hence a transaction comes into the ring only when the next one
 * begins, or at the end. */
#include "proto/netops/txn/txn_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(yyjson_val *obj, const char *key)
{
	const char *s = yyjson_get_str(yyjson_obj_get(obj, key));

	return s ? s : "";
}

static int64_t int_of(yyjson_val *obj, const char *key)
{
	return yyjson_get_sint(yyjson_obj_get(obj, key));
}

static void get_by(yyjson_val *obj, struct principal *by)
{
	snprintf(by->user, sizeof(by->user), "%s", text_of(obj, "user"));
	snprintf(by->client, sizeof(by->client), "%s", text_of(obj, "client"));
	snprintf(by->transport, sizeof(by->transport), "%s", text_of(obj, "transport"));
	snprintf(by->addr, sizeof(by->addr), "%s", text_of(obj, "addr"));
	snprintf(by->session, sizeof(by->session), "%s", text_of(obj, "session"));
}

static void get_token(yyjson_val *obj, struct txn_terms *m)
{
	if (txn_unhex(text_of(obj, "token"), m->hash, TXN_HASH))
		m->has_token = true;
}

static void get_idem(yyjson_val *obj, struct txn_idem *idem)
{
	const char *key = text_of(obj, "idempotencyKey");

	idem->has = *key && strlen(key) <= TXN_MAX_KEY &&
		    txn_unhex(text_of(obj, "idempotencyArgs"), idem->args, TXN_HASH);
	if (idem->has)
		snprintf(idem->key, sizeof(idem->key), "%s", key);
}

/* The end of 24 h that began at a wall time, on this boot's clock. A wall clock that was set cannot
 * keep it longer. */
static usec_t forget_at(const struct txn *t, int64_t wall, usec_t now)
{
	int64_t age = (t->env.wall(t->env.ctx) - wall) / 1000;

	if (age < 0)
		age = 0;
	return age > TXN_REMEMBER ? now : now + TXN_REMEMBER - age;
}

static void remember(struct txn *t, const char *state, const struct changes *diff, int64_t time,
		     usec_t now)
{
	size_t before = t->n_key;

	t->replay.keys = before;
	txn_remember(t, state, diff, now);
	if (t->n_key == before)
		return;
	t->key[t->n_key - 1].at = time;
	t->key[t->n_key - 1].forget = forget_at(t, time, now);
}

/* The newest answer was not given after all. */
static void unremember(struct txn *t)
{
	while (t->n_key > t->replay.keys)
		txn_key_free(&t->key[--t->n_key]);
}

static void finish(struct txn *t)
{
	if (!t->replay.final)
		return;
	txn_keep(t, t->replay.time);
	txn_close(t);
	t->replay = (struct txn_replay){0};
}

static int replay_follow_up(struct txn *t, struct changes *work)
{
	struct txn_open *o = &t->open;

	changes_free(&o->work);
	o->work = *work;
	*work = (struct changes){0};
	o->old_terms = o->terms;
	return txn_stack(o);
}

static int replay_prepare(struct txn *t, uint32_t commit, yyjson_val *obj, usec_t now,
			  struct err *err)
{
	struct txn_open *o = &t->open;
	bool follow_up = strcmp(text_of(obj, "kind"), "follow-up") == 0;
	struct changes work = {0};
	int rc = changes_parse(yyjson_obj_get(obj, "changes"), &work, err);

	if (rc)
		return rc;
	if (follow_up ? o->commit != commit
		      : o->commit && !t->replay.prepared && !t->replay.final) {
		changes_free(&work);
		return err_set(err, -EBADMSG, "a transaction begins inside of another");
	}
	t->replay.step = false;
	t->replay.absorbed = false;
	t->replay.keys = t->n_key;
	if (follow_up) {
		if (t->replay.prepared)
			txn_follow_up_drop(t); /* one whose ABORT is missing */
		t->replay.prepared = true;
		t->replay.final = false;
		rc = replay_follow_up(t, &work);
		get_token(obj, &o->terms);
		return rc;
	}
	finish(t);
	txn_close(t);
	t->replay = (struct txn_replay){
		.prepared = true, .keys = t->n_key, .same_boot = t->replay.same_boot};
	o->commit = commit;
	o->base = txn_id_parse(text_of(obj, "base"));
	get_by(yyjson_obj_get(obj, "by"), &o->by);
	o->persist = yyjson_get_bool(yyjson_obj_get(obj, "persist"));
	o->rollback = strcmp(text_of(obj, "kind"), "rollback") == 0;
	o->comment = *text_of(obj, "comment") ? strdup(text_of(obj, "comment")) : NULL;
	get_token(obj, &o->terms);
	o->work = work;
	get_idem(obj, &o->idem);
	remember(t, "prepared", &o->work, int_of(obj, "time"), now);
	return txn_stack(o);
}

static int running(struct txn *t, const struct changes *c, struct err *err)
{
	if (c->n == 0 || t->env.running(t->env.ctx, c))
		return 0;
	return err_set(err, -EBADMSG,
		       "the changes of a commit do not fit into the configuration before it");
}

static int replay_applied(struct txn *t, yyjson_val *obj, usec_t now, struct err *err)
{
	struct txn_open *o = &t->open;
	struct txn_replay *p = &t->replay;
	bool extend = o->applied;
	int rc = 0;

	if (p->prepared) {
		rc = running(t, &o->work, err);
		if (rc)
			return rc;
		txn_absorb(o);
		p->absorbed = true;
	}
	p->prepared = false;
	p->undo = false;
	o->terms.confirmed = (unsigned)int_of(obj, "confirmed");
	o->terms.deadline = int_of(obj, "deadline");
	o->terms.deadline_wall = int_of(obj, "confirmBy");
	get_token(obj, &o->terms);
	if (o->terms.confirmed)
		o->persist = yyjson_get_bool(yyjson_obj_get(obj, "persist"));
	p->final = o->terms.confirmed == 0;
	p->time = int_of(obj, "time");
	if (!p->absorbed)
		unremember(t); /* a CONFIRM that was not durable */
	get_idem(obj, &o->idem);
	remember(t,
		 !p->final     ? "pending-confirm"
		 : o->rollback ? "rolled-back"
		 : extend      ? "confirmed"
			       : "applied",
		 &o->work, p->time, now);
	return 0;
}

/* Takes work, which is in running, out of it and of all. */
static int unabsorb(struct txn *t, struct err *err)
{
	struct txn_open *o = &t->open;
	struct changes back = {0};
	struct changes rest = {0};
	int rc = changes_invert(&o->work, &back);

	if (rc == 0)
		rc = running(t, &back, err);
	if (rc == 0)
		rc = changes_compose(&o->all, &back, &rest);
	changes_free(&back);
	if (rc)
		return rc;
	changes_free(&o->all);
	changes_free(&o->back);
	o->all = rest;
	t->replay.absorbed = false;
	o->applied = t->reason == REASON_FOLLOW_UP;
	unremember(t);
	rc = changes_invert(&o->all, &o->back);
	return rc ? rc : txn_stack(o);
}

/* The token of what was rolled back for want of a confirmation. */
static void replay_expired(struct txn *t, enum txn_reason reason, int64_t at, usec_t now)
{
	struct txn_open *o = &t->open;
	struct txn_expired x = {
		.commit = o->commit, .base = o->base, .at = at, .forget = forget_at(t, at, now)};

	if (!txn_reason_expires(reason) || !o->terms.has_token ||
	    txn_expired_find(t, o->terms.hash))
		return;
	memcpy(x.hash, o->terms.hash, TXN_HASH);
	txn_expired_add(t, &x);
}

static int replay_rollback(struct txn *t, yyjson_val *obj, usec_t now, struct err *err)
{
	struct txn_open *o = &t->open;
	struct txn_replay *p = &t->replay;
	enum txn_reason reason = txn_reason_parse(text_of(obj, "reason"));
	int rc = 0;

	if (reason == N_REASONS)
		return err_set(err, -EBADMSG, "a rollback for no known reason");
	t->reason = reason;
	t->undo_follow_up = reason == REASON_FOLLOW_UP;
	if (p->final && !p->absorbed)
		unremember(t); /* a CONFIRM that was not durable */
	p->final = false;
	p->undo = true;
	if (reason == REASON_FOLLOW_UP || reason == REASON_FAILED)
		return p->absorbed ? unabsorb(t, err) : 0;
	rc = running(t, &o->back, err);
	if (rc)
		return rc;
	changes_free(&o->back);
	get_idem(obj, &o->idem);
	replay_expired(t, reason, int_of(obj, "time"), now);
	return 0;
}

/* ROLLBACK-BEGIN may be missing, where the disk was full. */
static int replay_restored(struct txn *t, yyjson_val *obj, usec_t now, struct err *err)
{
	struct txn_open *o = &t->open;
	int64_t time = int_of(obj, "time");
	int rc = 0;

	if (yyjson_get_bool(yyjson_obj_get(obj, "followUp"))) {
		t->reason = REASON_FOLLOW_UP;
		if (t->replay.absorbed)
			rc = unabsorb(t, err);
		txn_follow_up_drop(t);
		t->undo_follow_up = false;
		t->replay.undo = false;
		t->replay.prepared = false;
		return rc;
	}
	rc = running(t, &o->back, err);
	if (rc)
		return rc;
	if (!t->replay.undo)
		unremember(t);
	replay_expired(t, txn_reason_parse(text_of(obj, "reason")), time, now);
	if (!yyjson_get_bool(yyjson_obj_get(obj, "givenUp")))
		txn_expired_outcome(t, o->commit, OUTCOME_COMPLETE);
	remember(t, "rolled-back", &o->all, time, now);
	txn_close(t);
	t->replay = (struct txn_replay){0};
	return 0;
}

static void replay_abort(struct txn *t, yyjson_val *obj, usec_t now)
{
	struct txn_open *o = &t->open;

	if (o->applied) {
		txn_follow_up_drop(t);
		t->replay.prepared = false;
		return;
	}
	txn_key_drop_prepared(t, o->commit);
	get_idem(obj, &o->idem);
	remember(t, "aborted", &o->work, int_of(obj, "time"), now);
	txn_close(t);
	t->replay = (struct txn_replay){0};
}

/* ---- checkpoint ---- */

bool txn_quiet(const struct txn *t)
{
	return t->step == STEP_NONE && (t->state == TXN_IDLE || t->state == TXN_PENDING);
}

static bool put_text(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const char *text)
{
	return !text || !*text || yyjson_mut_obj_add_strcpy(doc, obj, key, text);
}

static bool put_hash(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key,
		     const uint8_t hash[TXN_HASH])
{
	char hex[2 * TXN_HASH + 1];

	txn_hex(hash, TXN_HASH, hex);
	return yyjson_mut_obj_add_strcpy(doc, obj, key, hex);
}

static bool put_changes(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key,
			const struct changes *c)
{
	yyjson_mut_val *arr = changes_json(c, doc);

	return arr && yyjson_mut_obj_add_val(doc, obj, key, arr);
}

static bool put_ring(const struct txn *t, yyjson_mut_doc *doc, yyjson_mut_val *arr)
{
	unsigned i;

	for (i = t->ring_n; i-- > 0;) {
		const struct txn_commit *c = txn_ring_at(t, i);
		yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, arr);

		if (!obj || !yyjson_mut_obj_add_uint(doc, obj, "commit", c->commit) ||
		    !yyjson_mut_obj_add_sint(doc, obj, "time", c->time) ||
		    !put_text(doc, obj, "user", c->user) ||
		    !put_text(doc, obj, "comment", c->comment) ||
		    !yyjson_mut_obj_add_bool(doc, obj, "rollback", c->rollback) ||
		    !put_text(doc, obj, "hash", c->hash) ||
		    !put_changes(doc, obj, "changes", &c->changes))
			return false;
	}
	return true;
}

static bool put_expired(const struct txn *t, yyjson_mut_doc *doc, yyjson_mut_val *arr)
{
	size_t i;

	for (i = 0; i < t->n_expired; i++) {
		const struct txn_expired *x = &t->expired[i];
		yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, arr);

		if (!obj || !put_hash(doc, obj, "token", x->hash) ||
		    !yyjson_mut_obj_add_uint(doc, obj, "commit", x->commit) ||
		    !yyjson_mut_obj_add_uint(doc, obj, "base", x->base) ||
		    !yyjson_mut_obj_add_sint(doc, obj, "at", x->at) ||
		    !yyjson_mut_obj_add_uint(doc, obj, "outcome", x->outcome))
			return false;
	}
	return true;
}

static bool put_keys(const struct txn *t, yyjson_mut_doc *doc, yyjson_mut_val *arr)
{
	size_t i;

	for (i = 0; i < t->n_key; i++) {
		const struct txn_key *k = &t->key[i];
		yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, arr);

		if (!obj || !put_text(doc, obj, "user", k->user) ||
		    !put_text(doc, obj, "client", k->client) ||
		    !put_text(doc, obj, "idempotencyKey", k->idem.key) ||
		    !put_hash(doc, obj, "idempotencyArgs", k->idem.args) ||
		    !yyjson_mut_obj_add_uint(doc, obj, "commit", k->commit) ||
		    !put_text(doc, obj, "state", k->state) ||
		    !yyjson_mut_obj_add_sint(doc, obj, "confirmBy", k->confirm_by) ||
		    !yyjson_mut_obj_add_sint(doc, obj, "at", k->at) ||
		    !put_text(doc, obj, "hash", k->hash) ||
		    !put_changes(doc, obj, "diff", &k->diff))
			return false;
	}
	return true;
}

static bool put_by(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct principal *by)
{
	yyjson_mut_val *b = json_add_obj(doc, obj, "by");

	return b && put_text(doc, b, "user", by->user) && put_text(doc, b, "client", by->client) &&
	       put_text(doc, b, "transport", by->transport) && put_text(doc, b, "addr", by->addr) &&
	       put_text(doc, b, "session", by->session);
}

static bool put_open(const struct txn *t, yyjson_mut_doc *doc, yyjson_mut_val *obj)
{
	const struct txn_open *o = &t->open;

	return yyjson_mut_obj_add_uint(doc, obj, "commit", o->commit) &&
	       yyjson_mut_obj_add_uint(doc, obj, "base", o->base) && put_by(doc, obj, &o->by) &&
	       yyjson_mut_obj_add_bool(doc, obj, "persist", o->persist) &&
	       yyjson_mut_obj_add_bool(doc, obj, "rollback", o->rollback) &&
	       put_text(doc, obj, "comment", o->comment) &&
	       (!o->terms.has_token || put_hash(doc, obj, "token", o->terms.hash)) &&
	       yyjson_mut_obj_add_uint(doc, obj, "confirmed", o->terms.confirmed) &&
	       yyjson_mut_obj_add_sint(doc, obj, "deadline", o->terms.deadline) &&
	       yyjson_mut_obj_add_sint(doc, obj, "confirmBy", o->terms.deadline_wall) &&
	       put_changes(doc, obj, "changes", &o->all);
}

char *txn_checkpoint(const struct txn *t, size_t *n)
{
	yyjson_mut_doc *doc = txn_quiet(t) ? yyjson_mut_doc_new(NULL) : NULL;
	yyjson_mut_val *obj = yyjson_mut_obj(doc);
	char *text = NULL;

	if (!obj) {
		yyjson_mut_doc_free(doc);
		return NULL;
	}
	yyjson_mut_doc_set_root(doc, obj);
	if (yyjson_mut_obj_add_uint(doc, obj, "commit", t->last_commit) &&
	    yyjson_mut_obj_add_uint(doc, obj, "ringBase", t->ring_base) &&
	    put_ring(t, doc, json_add_arr(doc, obj, "ring")) &&
	    put_expired(t, doc, json_add_arr(doc, obj, "expired")) &&
	    put_keys(t, doc, json_add_arr(doc, obj, "keys")) &&
	    (!t->open.commit || put_open(t, doc, json_add_obj(doc, obj, "open"))))
		text = yyjson_mut_write(doc, 0, n);
	yyjson_mut_doc_free(doc);
	return text;
}

static char *dup_text(yyjson_val *obj, const char *key)
{
	const char *s = text_of(obj, key);

	return *s ? strdup(s) : NULL;
}

static int get_ring(struct txn *t, yyjson_val *arr, struct err *err)
{
	yyjson_arr_iter it = yyjson_arr_iter_with(arr);
	yyjson_val *obj;

	while ((obj = yyjson_arr_iter_next(&it))) {
		struct txn_commit c = {.commit = (uint32_t)int_of(obj, "commit"),
				       .time = int_of(obj, "time")};
		int rc = changes_parse(yyjson_obj_get(obj, "changes"), &c.changes, err);

		if (rc)
			return rc;
		c.user = dup_text(obj, "user");
		c.comment = dup_text(obj, "comment");
		c.rollback = yyjson_get_bool(yyjson_obj_get(obj, "rollback"));
		snprintf(c.hash, sizeof(c.hash), "%s", text_of(obj, "hash"));
		txn_ring_push(t, &c);
	}
	return 0;
}

static void get_expired(struct txn *t, yyjson_val *arr, usec_t now)
{
	yyjson_arr_iter it = yyjson_arr_iter_with(arr);
	yyjson_val *obj;

	while ((obj = yyjson_arr_iter_next(&it))) {
		struct txn_expired x = {.commit = (uint32_t)int_of(obj, "commit"),
					.base = (uint32_t)int_of(obj, "base"),
					.at = int_of(obj, "at")};
		uint64_t outcome = (uint64_t)int_of(obj, "outcome");

		x.outcome =
			outcome <= OUTCOME_FAILED ? (enum txn_outcome)outcome : OUTCOME_UNDER_WAY;
		x.forget = forget_at(t, x.at, now);
		if (txn_unhex(text_of(obj, "token"), x.hash, TXN_HASH))
			txn_expired_add(t, &x);
	}
}

static int get_keys(struct txn *t, yyjson_val *arr, usec_t now, struct err *err)
{
	yyjson_arr_iter it = yyjson_arr_iter_with(arr);
	yyjson_val *obj;

	while ((obj = yyjson_arr_iter_next(&it))) {
		struct txn_key k = {.commit = (uint32_t)int_of(obj, "commit"),
				    .confirm_by = int_of(obj, "confirmBy"),
				    .at = int_of(obj, "at")};
		int rc = changes_parse(yyjson_obj_get(obj, "diff"), &k.diff, err);

		if (rc)
			return rc;
		k.user = strdup(text_of(obj, "user"));
		k.client = strdup(text_of(obj, "client"));
		get_idem(obj, &k.idem);
		snprintf(k.state, sizeof(k.state), "%s", text_of(obj, "state"));
		snprintf(k.hash, sizeof(k.hash), "%s", text_of(obj, "hash"));
		k.forget = forget_at(t, k.at, now);
		if (!k.user || !k.client) {
			txn_key_free(&k);
			return -ENOMEM;
		}
		rc = txn_key_add(t, &k);
		if (rc)
			return rc;
	}
	return 0;
}

static int get_open(struct txn *t, yyjson_val *obj, struct err *err)
{
	struct txn_open *o = &t->open;
	int rc;

	if (!obj)
		return 0;
	o->commit = (uint32_t)int_of(obj, "commit");
	o->base = (uint32_t)int_of(obj, "base");
	get_by(yyjson_obj_get(obj, "by"), &o->by);
	o->persist = yyjson_get_bool(yyjson_obj_get(obj, "persist"));
	o->rollback = yyjson_get_bool(yyjson_obj_get(obj, "rollback"));
	o->comment = dup_text(obj, "comment");
	o->applied = true;
	get_token(obj, &o->terms);
	o->terms.confirmed = (unsigned)int_of(obj, "confirmed");
	o->terms.deadline = int_of(obj, "deadline");
	o->terms.deadline_wall = int_of(obj, "confirmBy");
	rc = changes_parse(yyjson_obj_get(obj, "changes"), &o->all, err);
	if (rc)
		return rc;
	return changes_invert(&o->all, &o->back);
}

static int load_checkpoint(struct txn *t, yyjson_val *obj, usec_t now, struct err *err)
{
	int rc;

	if (t->last_commit || t->open.commit)
		return err_set(err, -EBADMSG, "a checkpoint after the beginning");
	t->last_commit = (uint32_t)int_of(obj, "commit");
	rc = get_ring(t, yyjson_obj_get(obj, "ring"), err);
	t->ring_base = (uint32_t)int_of(obj, "ringBase");
	if (rc == 0)
		get_expired(t, yyjson_obj_get(obj, "expired"), now);
	if (rc == 0)
		rc = get_keys(t, yyjson_obj_get(obj, "keys"), now, err);
	return rc ? rc : get_open(t, yyjson_obj_get(obj, "open"), err);
}

/* ---- records ---- */

static int replay(struct txn *t, enum journal_type type, yyjson_val *obj, usec_t now,
		  struct err *err)
{
	uint32_t commit = txn_id_parse(text_of(obj, "commitId"));

	if (commit == UINT32_MAX || commit == 0)
		return err_set(err, -EBADMSG, "a record of no transaction");
	if (commit > t->last_commit)
		t->last_commit = commit;
	if (type == JOURNAL_PREPARE)
		return replay_prepare(t, commit, obj, now, err);
	if (type == JOURNAL_ABORT && (t->open.commit != commit || !t->replay.prepared))
		return 0; /* its PREPARE could not be written */
	if (type == JOURNAL_RESTORED && t->open.commit != commit)
		return 0; /* written again, as the first could not be made durable */
	if (t->open.commit != commit)
		return err_set(err, -EBADMSG, "a record of transaction %u while %u is open", commit,
			       t->open.commit);
	switch (type) {
	case JOURNAL_STEP:
		t->replay.step = true;
		break;
	case JOURNAL_APPLIED:
		return replay_applied(t, obj, now, err);
	case JOURNAL_CONFIRM:
		if (t->replay.prepared)
			txn_follow_up_drop(t);
		changes_free(&t->open.work);
		t->replay.prepared = false;
		t->replay.final = true;
		t->replay.absorbed = false;
		t->replay.time = int_of(obj, "time");
		get_idem(obj, &t->open.idem);
		remember(t, "confirmed", &t->open.all, t->replay.time, now);
		break;
	case JOURNAL_ABORT:
		replay_abort(t, obj, now);
		break;
	case JOURNAL_ROLLBACK_BEGIN:
		return replay_rollback(t, obj, now, err);
	case JOURNAL_RESTORED:
		return replay_restored(t, obj, now, err);
	case JOURNAL_PREPARE:
	case JOURNAL_AUDIT:
	case JOURNAL_CHECKPOINT:
		break;
	}
	return 0;
}

int txn_replay(struct txn *t, enum journal_type type, struct slice json, bool same_boot, usec_t now,
	       struct err *err)
{
	yyjson_doc *doc;
	yyjson_val *obj;
	int rc;

	if (type == JOURNAL_AUDIT || type < JOURNAL_PREPARE || type > JOURNAL_CHECKPOINT)
		return 0;
	doc = json_parse((const char *)json.p, json.n, SIZE_MAX, "journal", err);
	if (!doc)
		return -EBADMSG;
	obj = yyjson_doc_get_root(doc);
	if (type <= JOURNAL_APPLIED || type == JOURNAL_CHECKPOINT)
		t->replay.same_boot = same_boot;
	rc = type == JOURNAL_CHECKPOINT ? load_checkpoint(t, obj, now, err)
					: replay(t, type, obj, now, err);
	yyjson_doc_free(doc);
	if (rc == -ENOMEM)
		return err_set(err, rc, "no memory to read the journal");
	return rc;
}

/* ---- recovery ---- */

/* A transaction that was applied and waits for its confirmation. */
static void recover_pending(struct txn *t, usec_t now)
{
	struct txn_open *o = &t->open;

	if (!t->replay.same_boot)
		txn_undo(t, REASON_REBOOT, NULL, now);
	else if (!o->persist)
		txn_undo(t, REASON_RESTART, NULL, now);
	else if (now >= o->terms.deadline)
		txn_undo(t, REASON_TIMEOUT, NULL, now);
	else {
		t->state = TXN_PENDING;
		txn_recovered(t, 0);
	}
}

/* One whose newest application was prepared, and perhaps begun. */
static void recover_prepared(struct txn *t, usec_t now)
{
	struct txn_open *o = &t->open;

	/* Without a STEP nothing should have been applied. But a full disk may have kept the STEP
	 * out: so in the boot of the record it is undone all the same, which does nothing where
	 * nothing was. */
	if (!t->replay.step && !t->replay.same_boot) {
		if (!o->applied) {
			txn_abort(t, NULL, "restart", now);
			txn_recovered(t, 0);
			return;
		}
		txn_write_abort(t, "restart");
		txn_follow_up_drop(t);
		recover_pending(t, now);
		return;
	}
	if (!o->applied) {
		txn_undo(t, REASON_FAILED, NULL, now);
		return;
	}
	if (!t->replay.same_boot) {
		txn_undo(t, REASON_REBOOT, NULL, now);
		return;
	}
	o->owner_gone = !o->persist;
	txn_undo(t, REASON_FOLLOW_UP, NULL, now);
}

void txn_recover(struct txn *t, usec_t now, void (*recovered)(void *ctx, int rc), void *ctx)
{
	bool pumping = t->pumping;

	t->recovered = recovered;
	t->recovered_ctx = ctx;
	t->pumping = true;
	txn_at(t, "txn.recover");
	finish(t);
	if (t->replay.absorbed)
		changes_free(&t->open.work);
	if (!t->open.commit)
		txn_recovered(t, 0);
	else if (t->replay.undo && (t->replay.same_boot || !t->undo_follow_up)) {
		t->open.owner_gone = t->undo_follow_up && !t->open.persist;
		txn_undo_resume(t);
	} else if (t->replay.undo)
		txn_undo(t, REASON_REBOOT, NULL, now);
	else if (t->replay.prepared)
		recover_prepared(t, now);
	else
		recover_pending(t, now);
	t->replay = (struct txn_replay){0};
	t->pumping = pumping;
	txn_pump(t, now);
}
