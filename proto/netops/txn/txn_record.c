/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine's journal records, as JSON. `changes` of a PREPARE is lossless both ways, so the
 * inverse that leads back is in it and not written a second time. A token is written as the SHA-256
 * of itself and its principal only. */
#include "proto/netops/txn/txn_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct record {
	yyjson_mut_doc *doc;
	yyjson_mut_val *obj;
	bool ok;
};

void txn_hex(const uint8_t *p, size_t n, char *out)
{
	static const char digit[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = digit[p[i] >> 4];
		out[2 * i + 1] = digit[p[i] & 15];
	}
	out[2 * n] = 0;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool txn_unhex(const char *text, uint8_t *p, size_t n)
{
	size_t i;

	if (!text || strlen(text) != 2 * n)
		return false;
	for (i = 0; i < n; i++) {
		int hi = nibble(text[2 * i]);
		int lo = nibble(text[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		p[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

static struct record record_new(const struct txn *t)
{
	struct record r = {.doc = yyjson_mut_doc_new(NULL)};
	char id[TXN_COMMIT_ID];

	r.obj = yyjson_mut_obj(r.doc);
	r.ok = r.obj;
	if (!r.ok)
		return r;
	yyjson_mut_doc_set_root(r.doc, r.obj);
	txn_id(t->open.commit, id);
	r.ok = yyjson_mut_obj_add_strcpy(r.doc, r.obj, "commitId", id);
	return r;
}

static void add_text(struct record *r, const char *key, const char *text)
{
	if (r->ok && text)
		r->ok = yyjson_mut_obj_add_strcpy(r->doc, r->obj, key, text);
}

static void add_int(struct record *r, const char *key, int64_t v)
{
	if (r->ok)
		r->ok = yyjson_mut_obj_add_sint(r->doc, r->obj, key, v);
}

static void add_true(struct record *r, const char *key, bool v)
{
	if (r->ok && v)
		r->ok = yyjson_mut_obj_add_bool(r->doc, r->obj, key, true);
}

static void add_hash(struct record *r, const char *key, const uint8_t hash[TXN_HASH])
{
	char hex[2 * TXN_HASH + 1];

	txn_hex(hash, TXN_HASH, hex);
	add_text(r, key, hex);
}

static void add_idem(struct record *r, const struct txn_idem *idem)
{
	if (!idem->has)
		return;
	add_text(r, "idempotencyKey", idem->key);
	add_hash(r, "idempotencyArgs", idem->args);
}

static void add_by(struct record *r, const struct principal *by)
{
	yyjson_mut_val *obj = json_add_obj(r->doc, r->obj, "by");

	r->ok = r->ok && obj && yyjson_mut_obj_add_strcpy(r->doc, obj, "user", by->user) &&
		yyjson_mut_obj_add_strcpy(r->doc, obj, "client", by->client) &&
		yyjson_mut_obj_add_strcpy(r->doc, obj, "transport", by->transport) &&
		yyjson_mut_obj_add_strcpy(r->doc, obj, "addr", by->addr) &&
		yyjson_mut_obj_add_strcpy(r->doc, obj, "session", by->session);
}

/* Releases the record. */
static int record_write(struct txn *t, struct record *r, uint64_t op, enum journal_type type,
			bool sync)
{
	char *text = NULL;
	size_t n;

	if (r->ok)
		text = yyjson_mut_write(r->doc, 0, &n);
	yyjson_mut_doc_free(r->doc);
	if (!text)
		return -ENOMEM;
	t->env.journal(t->env.ctx, op, type, slice_of(text, n), sync);
	free(text);
	return 0;
}

int txn_write_prepare(struct txn *t, uint64_t op, bool follow_up)
{
	struct record r = record_new(t);
	const struct txn_open *o = &t->open;
	yyjson_mut_val *changes = r.ok ? changes_json(&o->work, r.doc) : NULL;
	char base[TXN_COMMIT_ID];

	txn_id(o->base, base);
	add_text(&r, "base", base);
	add_text(&r, "kind", follow_up ? "follow-up" : o->rollback ? "rollback" : "commit");
	add_int(&r, "confirmed", o->terms.confirmed);
	add_true(&r, "prepared", t->req && t->req->what == TXN_PREPARE);
	add_true(&r, "persist", o->persist);
	if (o->terms.has_token)
		add_hash(&r, "token", o->terms.hash);
	add_text(&r, "comment", o->comment);
	add_int(&r, "time", t->env.wall(t->env.ctx));
	if (t->req && t->req->what == TXN_PREPARE)
		add_idem(&r, &o->idem);
	if (r.ok)
		add_by(&r, &o->by);
	r.ok = r.ok && changes && yyjson_mut_obj_add_val(r.doc, r.obj, "changes", changes);
	return record_write(t, &r, op, JOURNAL_PREPARE, true);
}

void txn_write_step(struct txn *t)
{
	struct record r = record_new(t);

	add_int(&r, "step", 0);
	record_write(t, &r, 0, JOURNAL_STEP, false);
}

int txn_write_applied(struct txn *t, uint64_t op)
{
	struct record r = record_new(t);
	const struct txn_open *o = &t->open;

	add_int(&r, "confirmed", o->terms.confirmed);
	if (o->terms.confirmed) {
		add_int(&r, "deadline", o->terms.deadline); /* of this boot */
		add_int(&r, "confirmBy", o->terms.deadline_wall);
		add_true(&r, "persist", o->persist);
		add_hash(&r, "token", o->terms.hash);
	}
	add_int(&r, "time", t->env.wall(t->env.ctx));
	add_idem(&r, &o->idem);
	return record_write(t, &r, op, JOURNAL_APPLIED, true);
}

int txn_write_confirm(struct txn *t, uint64_t op)
{
	struct record r = record_new(t);

	add_int(&r, "time", t->env.wall(t->env.ctx));
	add_idem(&r, &t->open.idem);
	return record_write(t, &r, op, JOURNAL_CONFIRM, true);
}

void txn_write_abort(struct txn *t, const char *why)
{
	struct record r = record_new(t);

	add_text(&r, "reason", why);
	add_int(&r, "time", t->env.wall(t->env.ctx));
	add_idem(&r, &t->open.idem);
	record_write(t, &r, 0, JOURNAL_ABORT, false);
}

void txn_write_rollback(struct txn *t)
{
	struct record r = record_new(t);

	add_text(&r, "reason", txn_reason_name(t->reason));
	add_int(&r, "time", t->env.wall(t->env.ctx));
	add_idem(&r, &t->open.idem);
	record_write(t, &r, 0, JOURNAL_ROLLBACK_BEGIN, false);
}

int txn_write_restored(struct txn *t, uint64_t op, bool given_up)
{
	struct record r = record_new(t);

	add_text(&r, "reason", txn_reason_name(t->reason));
	add_true(&r, "followUp", t->undo_follow_up);
	add_true(&r, "givenUp", given_up);
	add_int(&r, "time", t->env.wall(t->env.ctx));
	return record_write(t, &r, op, JOURNAL_RESTORED, true);
}
