/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine's face: requests and their queue, tokens, refusals, time, what others may see. */
#include "proto/netops/txn/txn_priv.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- small things ---- */

void txn_at(struct txn *t, const char *point)
{
	if (t->env.at)
		t->env.at(t->env.ctx, point);
}

void txn_no_memory(struct neterr *e)
{
	neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
}

void txn_id(uint32_t commit, char out[TXN_COMMIT_ID])
{
	snprintf(out, TXN_COMMIT_ID, "c-%06u", commit);
}

uint32_t txn_id_parse(const char *id)
{
	uint64_t v = 0;
	const char *p;

	if (!id || strncmp(id, "c-", 2) != 0 || strlen(id) < 8)
		return UINT32_MAX;
	for (p = id + 2; *p >= '0' && *p <= '9' && v < UINT32_MAX; p++)
		v = v * 10 + (unsigned)(*p - '0');
	return *p || v >= UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

/* Days since 1970 to a date (proleptic Gregorian), by eras of 400 years that begin on 1 March. */
void txn_time(int64_t wall_ns, char out[32])
{
	int64_t ms = wall_ns / 1000000;
	int64_t day = ms / 86400000 + 719468;
	int64_t era = day / 146097;
	int64_t doe = day - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	int64_t month = mp < 10 ? mp + 3 : mp - 9;
	unsigned t = (unsigned)(ms % 86400000);

	snprintf(out, 32, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		 (unsigned)(yoe + era * 400 + (month <= 2)) % 10000, (unsigned)month % 100,
		 (unsigned)(doy - (153 * mp + 2) / 5 + 1) % 100, t / 3600000 % 24, t / 60000 % 60,
		 t / 1000 % 60, t % 1000);
}

const char *txn_state_name(enum txn_state s)
{
	static const char *const name[] = {
		[TXN_IDLE] = "idle",
		[TXN_PREPARED] = "prepared",
		[TXN_APPLYING] = "applying",
		[TXN_PENDING] = "pending",
		[TXN_ROLLING_BACK] = "rolling-back",
		[TXN_FAILED] = "failed",
	};

	return name[s];
}

uint64_t txn_op(struct txn *t, enum txn_step step)
{
	t->step = step;
	t->op = ++t->last_op;
	return t->op;
}

/* ---- tokens ---- */

void txn_token_hash(const char *token, const struct principal *by, uint8_t out[TXN_HASH])
{
	SHA256_CTX h;

	/* With the terminating NULs, so that no two triples read the same. */
	SHA256_Init(&h);
	SHA256_Update(&h, by->user, strlen(by->user) + 1);
	SHA256_Update(&h, by->client, strlen(by->client) + 1);
	SHA256_Update(&h, token, strlen(token));
	SHA256_Final(out, &h);
}

bool txn_token_is(const struct txn *t, const char *token, const struct principal *by)
{
	uint8_t hash[TXN_HASH];

	txn_token_hash(token, by, hash);
	return t->open.commit && t->open.terms.has_token &&
	       CRYPTO_memcmp(hash, t->open.terms.hash, TXN_HASH) == 0;
}

bool txn_owns(const struct txn *t, const struct principal *p)
{
	return t->open.commit && p->session[0] && strcmp(p->session, t->open.by.session) == 0 &&
	       principal_same(p, &t->open.by);
}

/* ---- requests ---- */

void txn_req_free(struct txn_req *r)
{
	changes_free(&r->changes);
	if (r->token)
		OPENSSL_cleanse(r->token, strlen(r->token));
	if (r->persist_id)
		OPENSSL_cleanse(r->persist_id, strlen(r->persist_id));
	free(r->token);
	free(r->persist_id);
	free(r->comment);
	free(r->if_running);
	free(r);
}

void txn_answer(struct txn *t, struct txn_req *r, const struct txn_result *res)
{
	(void)t;
	r->done(r->ctx, res, NULL);
	txn_req_free(r);
}

void txn_refuse(struct txn *t, struct txn_req *r, struct neterr *e)
{
	struct neterr none = {0};

	(void)t;
	if (!e || !e->code) {
		neterr_set(&none, NETERR_INTERNAL, "operation-failed", "the operation failed");
		e = &none;
	}
	r->done(r->ctx, NULL, e);
	neterr_clear(e);
	txn_req_free(r);
}

void txn_answer_state(struct txn *t, const char *state, const struct changes *diff)
{
	struct txn_req *r = t->req;
	struct txn_result res = {.diff = diff, .running_hash = t->env.running_hash(t->env.ctx)};
	bool open = strcmp(state, "prepared") == 0 || strcmp(state, "pending-confirm") == 0;

	if (!r)
		return;
	t->req = NULL;
	txn_id(t->open.commit, res.commit_id);
	snprintf(res.state, sizeof(res.state), "%s", state);
	if (open) {
		memcpy(res.token, t->open.terms.token, TXN_TOKEN);
		res.confirm_by = t->open.terms.deadline_wall;
	}
	txn_answer(t, r, &res);
	OPENSSL_cleanse(res.token, sizeof(res.token));
}

static int copy_text(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

static struct txn_req *req_new(const struct txn_request *q, usec_t now)
{
	struct txn_req *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->what = (int)q->what;
	r->by = *q->by;
	r->stage = q->stage;
	r->confirmed = q->confirmed;
	r->lease = q->lease;
	r->steps = q->steps;
	r->persist = q->persist;
	r->dry_run = q->dry_run;
	r->force = q->force;
	r->at = now;
	r->done = q->done;
	r->ctx = q->ctx;
	if (q->commit_id)
		snprintf(r->commit_id, sizeof(r->commit_id), "%s", q->commit_id);
	if (q->idem_key && q->idem_args) {
		r->idem.has = true;
		snprintf(r->idem.key, sizeof(r->idem.key), "%s", q->idem_key);
		memcpy(r->idem.args, q->idem_args, TXN_HASH);
	}
	if (copy_text(&r->token, q->token) || copy_text(&r->persist_id, q->persist_id) ||
	    copy_text(&r->comment, q->comment) || copy_text(&r->if_running, q->if_running) ||
	    (q->changes && !q->stage && changes_copy(q->changes, &r->changes))) {
		txn_req_free(r);
		return NULL;
	}
	return r;
}

static int check_request(const struct txn_request *q, struct neterr *e)
{
	if (q->confirmed > TXN_MAX_CONFIRMED)
		return neterr_set(e, NETERR_INVALID, "invalid-value", "confirmed is at most %d s",
				  TXN_MAX_CONFIRMED);
	if (q->lease > TXN_MAX_LEASE)
		return neterr_set(e, NETERR_INVALID, "invalid-value", "a lease is at most %d s",
				  TXN_MAX_LEASE);
	if (q->comment && strlen(q->comment) > TXN_MAX_COMMENT)
		return neterr_set(e, NETERR_INVALID, "invalid-value",
				  "a comment has at most %d bytes", TXN_MAX_COMMENT);
	if (q->idem_key && (!*q->idem_key || strlen(q->idem_key) > TXN_MAX_KEY))
		return neterr_set(e, NETERR_INVALID, "invalid-value",
				  "an idempotency key has 1 to %d bytes", TXN_MAX_KEY);
	if (q->commit_id && (q->steps || txn_id_parse(q->commit_id) == UINT32_MAX))
		return neterr_set(e, NETERR_INVALID, "invalid-value",
				  q->steps ? "commitId or steps, not both"
					   : "a commit id looks like c-000042");
	if (q->steps > TXN_RING)
		return neterr_set(e, NETERR_INVALID, "invalid-value", "steps is at most %d",
				  TXN_RING);
	return 0;
}

/* ---- refusals ---- */

static void refuse_in_use(struct txn *t, struct txn_req *r, usec_t now)
{
	struct neterr e = {0};
	yyjson_mut_val *data;
	char by[32];

	neterr_set(&e, NETERR_LOCK_DENIED, "in-use",
		   "running is owned by another transaction, which is %s",
		   txn_state_name(t->state));
	err_mend(&e.err, "try again when it is confirmed or rolled back");
	data = neterr_data(&e);
	if (data) {
		yyjson_mut_obj_add_str(e.data, data, "state", txn_state_name(t->state));
		if (t->state == TXN_PENDING || t->state == TXN_PREPARED) {
			txn_time(t->open.terms.deadline_wall, by);
			yyjson_mut_obj_add_strcpy(e.data, data, "until", by);
			yyjson_mut_obj_add_sint(e.data, data, "remainingMs",
						(t->open.terms.deadline - now) / 1000);
		}
		yyjson_mut_obj_add_bool(e.data, data, "retryable", true);
	}
	txn_refuse(t, r, &e);
}

static void refuse_failed(struct txn *t, struct txn_req *r)
{
	struct neterr e = {0};

	neterr_set(
		&e, NETERR_ROLLBACK_FAILED, "rollback-failed",
		"an earlier commit could not be taken back yet; no other is accepted until it is");
	err_mend(&e.err, "it is tried again by itself; force gives it up");
	txn_refuse(t, r, &e);
}

/* The late confirm, in the words of spec §2.1. */
static void refuse_expired(struct txn *t, struct txn_req *r, const struct txn_expired *x)
{
	static const char *const outcome[] = {[OUTCOME_UNDER_WAY] = "in-progress",
					      [OUTCOME_COMPLETE] = "complete",
					      [OUTCOME_FAILED] = "failed"};
	struct neterr e = {0};
	yyjson_mut_val *d;
	char id[TXN_COMMIT_ID];
	char at[32];

	neterr_set(&e, NETERR_CONFIRMED_COMMIT_TIMEOUT, "operation-failed",
		   x->outcome == OUTCOME_COMPLETE
			   ? "Confirmed commit timed out; configuration rolled back"
			   : "Confirmed commit timed out; rollback is not complete");
	err_mend(&e.err, "re-stage and commit again");
	d = neterr_data(&e);
	if (d) {
		yyjson_mut_obj_add_str(e.data, d, "name",
				       neterr_name(NETERR_CONFIRMED_COMMIT_TIMEOUT));
		txn_id(x->commit, id);
		yyjson_mut_obj_add_strcpy(e.data, d, "commitId", id);
		yyjson_mut_obj_add_strcpy(e.data, d, "confirmToken", r->token);
		txn_time(x->at, at);
		yyjson_mut_obj_add_strcpy(e.data, d, "expiredAt", at);
		txn_id(x->base, id);
		yyjson_mut_obj_add_strcpy(e.data, d, "rolledBackTo", id);
		yyjson_mut_obj_add_str(e.data, d, "rollback", outcome[x->outcome]);
		yyjson_mut_obj_add_bool(e.data, d, "retryable", true);
	}
	txn_refuse(t, r, &e);
}

/* Neither a missing token nor a foreign one is told apart from one that never was. */
static void refuse_unknown(struct txn *t, struct txn_req *r)
{
	struct neterr e = {0};
	uint8_t hash[TXN_HASH];
	const struct txn_expired *x = NULL;

	if (r->token) {
		txn_token_hash(r->token, &r->by, hash);
		x = txn_expired_find(t, hash);
	}
	if (x) {
		refuse_expired(t, r, x);
		return;
	}
	neterr_set(&e, NETERR_TRANSACTION_UNKNOWN, "invalid-value",
		   r->token ? "no transaction of this token waits for that"
			    : "no transaction of yours waits for that");
	err_mend(&e.err, "give the token that the commit returned");
	txn_refuse(t, r, &e);
}

/* ---- one request ---- */

static bool same_request(struct txn *t, struct txn_req *r)
{
	const struct txn_key *k = r->idem.has ? txn_key_find(t, &r->by, r->idem.key) : NULL;
	struct txn_result res = {.replayed = true};
	struct neterr e = {0};

	if (!k)
		return false;
	if (CRYPTO_memcmp(k->idem.args, r->idem.args, TXN_HASH) != 0) {
		neterr_set(&e, NETERR_INVALID, "invalid-value",
			   "the idempotency key was used for a request with other arguments");
		err_mend(&e.err, "take a new key for a new request");
		txn_refuse(t, r, &e);
		return true;
	}
	txn_id(k->commit, res.commit_id);
	memcpy(res.state, k->state, sizeof(res.state));
	res.confirm_by = k->confirm_by;
	res.diff = &k->diff;
	res.running_hash = k->hash;
	if (k->confirm_by && t->open.commit == k->commit)
		memcpy(res.token, t->open.terms.token, TXN_TOKEN);
	txn_answer(t, r, &res);
	return true;
}

static void run_commit(struct txn *t, struct txn_req *r, usec_t now)
{
	bool own = r->token ? txn_token_is(t, r->token, &r->by) : txn_owns(t, &r->by);

	if (r->token && (!own || (t->state != TXN_PREPARED && t->state != TXN_PENDING))) {
		refuse_unknown(t, r);
	} else if (own && t->state == TXN_PENDING) {
		txn_follow_up(t, r, now);
	} else if (r->token) {
		txn_commit_prepared(t, r, now);
	} else if (t->state == TXN_IDLE || r->dry_run) {
		txn_begin(t, r, now);
	} else {
		refuse_in_use(t, r, now);
	}
}

static void run_cancel(struct txn *t, struct txn_req *r, usec_t now)
{
	if (t->state == TXN_PREPARED) {
		txn_abort(t, r, "cancel", now);
		return;
	}
	t->req = r;
	t->open.idem = r->idem;
	txn_undo(t, REASON_CANCEL, NULL, now);
}

static void run(struct txn *t, struct txn_req *r, usec_t now)
{
	bool own = r->token ? txn_token_is(t, r->token, &r->by) : txn_owns(t, &r->by);
	bool cancel = r->what == TXN_ROLLBACK && !r->steps && !r->commit_id[0] &&
		      t->state == TXN_PENDING && principal_same(&r->by, &t->open.by);

	if (same_request(t, r))
		return;
	if (t->state == TXN_FAILED && r->what != TXN_CONFIRM && !r->token) {
		if (!r->force) {
			refuse_failed(t, r);
			return;
		}
		txn_give_up(t, now);
	}
	if (r->what == TXN_COMMIT)
		run_commit(t, r, now);
	else if (r->what == TXN_CONFIRM && own && t->state == TXN_PENDING)
		txn_confirm(t, r);
	else if (cancel || (r->what == TXN_CANCEL && own &&
			    (t->state == TXN_PENDING || t->state == TXN_PREPARED)))
		run_cancel(t, r, now);
	else if (r->what == TXN_CONFIRM || r->what == TXN_CANCEL)
		refuse_unknown(t, r);
	else if (t->state == TXN_IDLE || r->dry_run)
		txn_begin(t, r, now);
	else
		refuse_in_use(t, r, now);
}

/* ---- time ---- */

/* What is due by `now` and can be begun. */
static void due(struct txn *t, usec_t now)
{
	if (t->step != STEP_NONE)
		return;
	if (t->state == TXN_PREPARED && now >= t->open.terms.deadline)
		txn_abort(t, NULL, "lease", now);
	else if (t->state == TXN_PENDING && now >= t->open.terms.deadline)
		txn_undo(t, REASON_TIMEOUT, NULL, now);
	else if (t->state == TXN_FAILED && now >= t->retry)
		txn_retry(t, now);
}

void txn_pump(struct txn *t, usec_t now)
{
	if (t->pumping)
		return;
	t->pumping = true;
	while (t->step == STEP_NONE && !list_empty(&t->queue)) {
		struct txn_req *r = container_of(t->queue.next, struct txn_req, node);

		/* Its time is that of its coming: a confirm that came before the deadline and had
		 * to wait is in time. */
		due(t, r->at);
		if (t->step != STEP_NONE)
			break;
		list_del(&r->node);
		t->n_queue--;
		run(t, r, now);
	}
	t->pumping = false;
	due(t, now);
}

usec_t txn_tick(struct txn *t, usec_t now)
{
	txn_forget(t, now);
	txn_pump(t, now);
	if (t->step != STEP_NONE)
		return USEC_NEVER;
	if (t->state == TXN_PREPARED || t->state == TXN_PENDING)
		return t->open.terms.deadline;
	return t->state == TXN_FAILED ? t->retry : USEC_NEVER;
}

void txn_submit(struct txn *t, const struct txn_request *q, usec_t now)
{
	struct neterr e = {0};
	struct txn_req *r;

	if (check_request(q, &e) == 0 && t->n_queue >= TXN_QUEUE)
		neterr_set(&e, NETERR_LOCK_DENIED, "resource-denied",
			   "too many requests wait already");
	r = e.code ? NULL : req_new(q, now);
	if (!r) {
		if (!e.code)
			txn_no_memory(&e);
		q->done(q->ctx, NULL, &e);
		neterr_clear(&e);
		return;
	}
	list_add(&t->queue, &r->node);
	t->n_queue++;
	txn_pump(t, now);
}

void txn_done(struct txn *t, uint64_t op, int rc, struct neterr *e, usec_t now)
{
	enum txn_step step = t->step;
	bool pumping = t->pumping;

	if (op != t->op || step == STEP_NONE)
		return;
	t->step = STEP_NONE;
	t->pumping = true; /* an answer may bring the next request, whose turn is after this */
	switch (step) {
	case STEP_PREPARE:
		txn_prepared(t, rc, e, now);
		break;
	case STEP_APPLY:
		txn_applied(t, rc, e, now);
		break;
	case STEP_APPLIED:
		txn_applied_durable(t, rc, e, now);
		break;
	case STEP_CONFIRM:
		txn_confirmed(t, rc, e, now);
		break;
	case STEP_UNCONFIRM:
		txn_unconfirmed(t, now);
		break;
	case STEP_UNDO:
		txn_undone(t, rc, e, now);
		break;
	case STEP_RESTORED:
		txn_restored(t, rc, e, now);
		break;
	case STEP_NONE:
		break;
	}
	if (e)
		neterr_clear(e);
	t->pumping = pumping;
	txn_pump(t, now);
}

void txn_session_closed(struct txn *t, const char *session, usec_t now)
{
	struct txn_open *o = &t->open;

	if (!*session || !o->commit || o->persist || strcmp(o->by.session, session) != 0)
		return;
	if (t->step != STEP_NONE)
		o->owner_gone = true;
	else if (t->state == TXN_PREPARED)
		txn_abort(t, NULL, "session", now);
	else if (t->state == TXN_PENDING)
		txn_undo(t, REASON_SESSION, NULL, now);
	txn_pump(t, now);
}

/* ---- life ---- */

struct txn *txn_new(const struct txn_env *env)
{
	struct txn *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->env = *env;
	list_init(&t->queue);
	return t;
}

static void open_clear(struct txn_open *o)
{
	changes_free(&o->all);
	changes_free(&o->back);
	changes_free(&o->work);
	changes_free(&o->next);
	changes_free(&o->next_back);
	changes_free(&o->touched);
	free(o->comment);
	OPENSSL_cleanse(o, sizeof(*o));
	*o = (struct txn_open){0};
}

void txn_close(struct txn *t)
{
	open_clear(&t->open);
	t->state = TXN_IDLE;
	t->step = STEP_NONE;
	t->undoing = NULL;
	t->undo_follow_up = false;
}

void txn_free(struct txn *t)
{
	if (!t)
		return;
	list_each_safe (it, &t->queue) {
		list_del(it);
		txn_req_free(container_of(it, struct txn_req, node));
	}
	if (t->req)
		txn_req_free(t->req);
	open_clear(&t->open);
	neterr_clear(&t->cause);
	txn_ring_clear(t);
	while (t->n_key)
		txn_key_free(&t->key[--t->n_key]);
	free(t->key);
	free(t->expired);
	free(t);
}

/* ---- what others may see ---- */

enum txn_state txn_state(const struct txn *t)
{
	return t->state;
}

void txn_head(const struct txn *t, char id[TXN_COMMIT_ID])
{
	txn_id(t->ring_n ? txn_ring_at(t, 0)->commit : t->ring_base, id);
}

yyjson_mut_val *txn_history(const struct txn *t, yyjson_mut_doc *doc)
{
	yyjson_mut_val *arr = yyjson_mut_arr(doc);
	unsigned i;

	for (i = 0; i < t->ring_n; i++) {
		const struct txn_commit *c = txn_ring_at(t, i);
		yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, arr);
		char id[TXN_COMMIT_ID];
		char at[32];

		txn_id(c->commit, id);
		txn_time(c->time, at);
		if (!obj || !yyjson_mut_obj_add_strcpy(doc, obj, "commitId", id) ||
		    !yyjson_mut_obj_add_strcpy(doc, obj, "time", at) ||
		    !yyjson_mut_obj_add_strcpy(doc, obj, "user", c->user ? c->user : "") ||
		    !yyjson_mut_obj_add_strcpy(doc, obj, "comment", c->comment ? c->comment : "") ||
		    !yyjson_mut_obj_add_str(doc, obj, "kind",
					    c->rollback ? "rollback" : "commit") ||
		    !yyjson_mut_obj_add_strcpy(doc, obj, "runningHash", c->hash) ||
		    !yyjson_mut_obj_add_uint(doc, obj, "changes", c->changes.n))
			return NULL;
	}
	return arr;
}

const struct changes *txn_commit_changes(const struct txn *t, const char *commit_id)
{
	uint32_t commit = txn_id_parse(commit_id);
	unsigned i;

	if (t->open.commit && t->open.commit == commit)
		return t->open.all.n ? &t->open.all : &t->open.work;
	for (i = 0; i < t->ring_n; i++) {
		if (txn_ring_at(t, i)->commit == commit)
			return &txn_ring_at(t, i)->changes;
	}
	return NULL;
}

yyjson_mut_val *txn_pending(const struct txn *t, yyjson_mut_doc *doc, usec_t now)
{
	const struct txn_open *o = &t->open;
	yyjson_mut_val *obj = yyjson_mut_obj(doc);
	bool ok = obj && o->commit;
	int64_t left = (o->terms.deadline - now) / 1000;
	char id[TXN_COMMIT_ID];
	char by[32];

	if (!ok)
		return NULL;
	txn_id(o->commit, id);
	txn_time(o->terms.deadline_wall, by);
	ok = yyjson_mut_obj_add_strcpy(doc, obj, "commitId", id) &&
	     yyjson_mut_obj_add_str(doc, obj, "state", txn_state_name(t->state)) &&
	     yyjson_mut_obj_add_strcpy(doc, obj, "user", o->by.user) &&
	     yyjson_mut_obj_add_strcpy(doc, obj, "session", o->by.session) &&
	     yyjson_mut_obj_add_bool(doc, obj, "persist", o->persist);
	if (ok && (t->state == TXN_PENDING || t->state == TXN_PREPARED))
		ok = yyjson_mut_obj_add_strcpy(doc, obj, "confirmBy", by) &&
		     yyjson_mut_obj_add_sint(doc, obj, "remainingMs", left > 0 ? left : 0);
	ok = ok && yyjson_mut_obj_add_uint(doc, obj, "changes", o->all.n ? o->all.n : o->work.n);
	return ok ? obj : NULL;
}
