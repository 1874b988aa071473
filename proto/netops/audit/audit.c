/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/audit/audit_priv.h"
#include "proto/netops/audit/jcs.h"
#include "proto/netops/txn/failpoint.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_LAST 10000

static int64_t system_wall(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* ---- start ---- */

/* What the newest AUDIT records of a segment tell. */
struct tail {
	bool found;
	uint64_t seq;
	uint8_t hash[32];
	unsigned since; /* records after the newest checkpoint of the segment */
};

static int take(struct tail *t, const struct journal_record *r)
{
	yyjson_doc *doc;
	const uint8_t *hex;
	unsigned i;

	if (r->flags & JOURNAL_F_AUDIT_SIGNED) {
		t->since = 0;
		return 0;
	}
	doc = json_parse((const char *)r->payload.p, r->payload.n, SIZE_MAX, NULL, NULL);
	if (!doc || r->payload.n < AUDIT_HASH_TAIL) {
		yyjson_doc_free(doc);
		return -EBADMSG;
	}
	t->seq = yyjson_get_uint(yyjson_obj_get(yyjson_doc_get_root(doc), "seq"));
	yyjson_doc_free(doc);
	hex = r->payload.p + r->payload.n - AUDIT_HASH_TAIL + 9;
	for (i = 0; i < 32; i++) {
		char two[3] = {(char)hex[2 * i], (char)hex[2 * i + 1], 0};

		t->hash[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	t->found = true;
	t->since++;
	return 0;
}

static int read_tail(const char *dir, uint64_t first, uint64_t end, struct tail *t, struct err *err)
{
	struct journal_reader *r = journal_read(dir, first, err);
	struct journal_record rec;
	int rc;

	if (!r)
		return err->code;
	*t = (struct tail){0};
	while ((rc = journal_next(r, &rec, err)) == 1 && rec.seq < end) {
		if (rec.type != JOURNAL_AUDIT)
			continue;
		rc = take(t, &rec);
		if (rc) {
			err_set(err, rc, "record %llu of the journal is no audit record",
				(unsigned long long)rec.seq);
			break;
		}
	}
	journal_read_end(r);
	return rc < 0 ? rc : 0;
}

static int take_up(struct audit *a, struct err *err)
{
	const char *dir = journal_dir(a->p.journal);
	struct audit_checkpoint head;
	struct tail t = {0};
	uint64_t end = UINT64_MAX;
	uint64_t *segment;
	int n = journal_segments(dir, &segment);
	int rc = n < 0 ? err_set(err, n, "cannot read the journal: %s", strerror(-n)) : 0;

	for (; rc == 0 && n > 0 && !t.found; n--) {
		rc = read_tail(dir, segment[n - 1], end, &t, err);
		end = segment[n - 1];
	}
	free(segment);
	if (rc)
		return rc;
	a->seq = t.seq;
	a->unsigned_n = t.since;
	memcpy(a->head, t.hash, 32);
	rc = audit_head_read(a->dir, a->public, &head);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0 &&
	    (head.seq > a->seq || (head.seq == a->seq && memcmp(head.hash, a->head, 32) != 0)))
		rc = -EBADMSG;
	if (rc == 0)
		return 0;
	err_set(err, rc,
		"the audit log is not the one that was signed last: records are missing or were "
		"changed");
	err_where(err, "%s/audit-head", a->dir);
	err_mend(err, "find out who did that; to go on with what is left, move audit-head away");
	return rc;
}

struct audit *audit_new(const struct audit_params *p, struct err *err)
{
	struct audit *a = calloc(1, sizeof(*a));
	struct err local;

	if (!err)
		err = &local;
	if (!a) {
		err_set(err, -ENOMEM, "no memory for the audit log");
		return NULL;
	}
	a->p = *p;
	if (!a->p.prefix)
		a->p.prefix = "io.github.depanneur";
	if (!a->p.wall)
		a->p.wall = system_wall;
	snprintf(a->dir, sizeof(a->dir), "%s", p->dir);
	alloc_init(&a->alloc, 0);
	buf_init(&a->text, &a->alloc);
	buf_init(&a->signed_text, &a->alloc);
	if (audit_key_open(a->dir, &a->key, a->public, err) == 0 && take_up(a, err) == 0)
		return a;
	a->unsigned_n = 0;
	audit_free(a);
	return NULL;
}

/* ---- signing ---- */

static void signed_durable(void *ctx, int rc)
{
	struct audit *a = ctx;

	a->signing = false;
	/* audit-head never tells of more than is on the disk. */
	if (rc == 0)
		audit_head_write(a->dir, buf_slice(&a->signed_text));
	if (a->closing)
		audit_free(a);
}

/* Appends a checkpoint; what it covers is signed from then on. */
static int append_signed(struct audit *a, void (*done)(void *ctx, int rc))
{
	uint8_t journal[32];
	struct err err;
	int rc;

	FAILPOINT("audit.sign.before");
	journal_head(a->p.journal, journal);
	rc = audit_checkpoint_write(a, journal, &a->signed_text);
	if (rc)
		return rc;
	if (done)
		a->signing = true;
	if (!journal_append(a->p.journal, JOURNAL_AUDIT, JOURNAL_F_AUDIT_SIGNED,
			    buf_slice(&a->signed_text), done, a, &err))
		return err.code;
	FAILPOINT("audit.sign.written");
	a->unsigned_n = 0;
	a->due = 0;
	return 0;
}

int audit_sign(struct audit *a)
{
	int rc = 0;

	if (a->unsigned_n)
		rc = append_signed(a, NULL);
	else
		return 0;
	if (rc == 0)
		rc = journal_flush(a->p.journal, NULL);
	return rc ? rc : audit_head_write(a->dir, buf_slice(&a->signed_text));
}

usec_t audit_tick(struct audit *a, usec_t now)
{
	if (a->unsigned_n == 0)
		return USEC_NEVER;
	if (a->due == 0)
		a->due = now + AUDIT_SIGN_TIME;
	if (now < a->due && a->unsigned_n < AUDIT_SIGN_RECORDS)
		return a->due;
	if (a->signing || append_signed(a, signed_durable)) {
		a->due = now + SEC(1); /* a full disk: again */
		return a->due;
	}
	return USEC_NEVER;
}

void audit_free(struct audit *a)
{
	if (!a)
		return;
	if (!a->closing && a->unsigned_n)
		audit_sign(a);
	if (a->signing) {
		a->closing = true; /* signed_durable() ends it */
		return;
	}
	EVP_PKEY_free(a->key);
	buf_free(&a->text);
	buf_free(&a->signed_text);
	free(a);
}

/* ---- records ---- */

static bool add_text(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const char *text)
{
	return !text || yyjson_mut_obj_add_strcpy(doc, obj, key, text);
}

static bool add_principal(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct principal *by)
{
	yyjson_mut_val *p;

	if (!by)
		return true;
	p = json_add_obj(doc, obj, "principal");
	return p && add_text(doc, p, "sub", by->user) &&
	       add_text(doc, p, "client_id", by->client) &&
	       add_text(doc, p, "transport", by->transport) && add_text(doc, p, "addr", by->addr);
}

/* What the client says about itself: kept, and marked as such. */
static bool add_meta(const struct audit *a, yyjson_mut_doc *doc, yyjson_mut_val *obj,
		     yyjson_val *meta)
{
	static const char *const name[] = {"trigger", "prompt", "modelResponse"};
	yyjson_val *trace = yyjson_obj_get(meta, "traceparent");
	yyjson_mut_val *untrusted = NULL;
	char key[256];
	unsigned i;

	if (yyjson_is_str(trace) &&
	    !yyjson_mut_obj_add_val(doc, obj, "traceparent", audit_redact(a, doc, trace)))
		return false;
	for (i = 0; i < sizeof(name) / sizeof(*name); i++) {
		yyjson_val *v;

		snprintf(key, sizeof(key), "%s/%s", a->p.prefix, name[i]);
		v = yyjson_obj_get(meta, key);
		if (!v)
			continue;
		if (!untrusted)
			untrusted = json_add_arr(doc, obj, "untrusted");
		if (!untrusted || !yyjson_mut_arr_add_str(doc, untrusted, name[i]) ||
		    !yyjson_mut_obj_add_val(doc, obj, name[i], audit_redact(a, doc, v)))
			return false;
	}
	return true;
}

static bool add_approval(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct audit_entry *e,
			 const char *ts)
{
	yyjson_mut_val *p = json_add_obj(doc, obj, "approval");

	return p && yyjson_mut_obj_add_bool(doc, p, "required", e->approval_required) &&
	       add_text(doc, p, "status", e->approval_status) &&
	       add_text(doc, p, "approver", e->approver) &&
	       (!e->approver || add_text(doc, p, "ts", ts));
}

static bool fill(const struct audit *a, yyjson_mut_doc *doc, yyjson_mut_val *obj,
		 const struct audit_entry *e)
{
	char ts[32];
	char prev[65];

	audit_hex(a->head, 32, prev);
	txn_time(a->p.wall(a->p.ctx), ts);
	return yyjson_mut_obj_add_uint(doc, obj, "seq", a->seq + 1) &&
	       add_text(doc, obj, "ts", ts) && add_principal(doc, obj, e->by) &&
	       add_text(doc, obj, "era", e->era) && add_text(doc, obj, "method", e->method) &&
	       add_text(doc, obj, "tool", e->tool) &&
	       add_text(doc, obj, "commitId", e->commit_id) &&
	       (!e->args ||
		yyjson_mut_obj_add_val(doc, obj, "args", audit_redact(a, doc, e->args))) &&
	       add_meta(a, doc, obj, e->meta) && add_approval(doc, obj, e, ts) &&
	       add_text(doc, obj, "preHash", e->pre_hash) &&
	       add_text(doc, obj, "postHash", e->post_hash) &&
	       (!e->diff ||
		yyjson_mut_obj_add_val(doc, obj, "diff", audit_redact_changes(a, doc, e->diff))) &&
	       (!e->diff || yyjson_mut_obj_add_uint(doc, obj, "changes", e->diff->n)) &&
	       add_text(doc, obj, "outcome", e->outcome ? e->outcome : "ok") &&
	       (!e->err_code || yyjson_mut_obj_add_sint(doc, obj, "errCode", e->err_code)) &&
	       yyjson_mut_obj_add_sint(doc, obj, "durUs", e->took) &&
	       add_text(doc, obj, "prev", prev);
}

/* The record's text into a->text, its hash into `hash`. */
static bool build(struct audit *a, const struct audit_entry *e, uint8_t hash[32])
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *obj = yyjson_mut_obj(doc);
	SHA256_CTX sha;
	char hex[65];
	bool ok;

	buf_clear(&a->text);
	ok = obj && fill(a, doc, obj, e) && jcs_write_mut(obj, &a->text) == 0;
	yyjson_mut_doc_free(doc);
	if (!ok)
		return false;
	SHA256_Init(&sha);
	SHA256_Update(&sha, a->head, 32);
	SHA256_Update(&sha, a->text.p, a->text.n);
	SHA256_Final(hash, &sha);
	a->text.n--; /* the brace */
	audit_hex(hash, 32, hex);
	buf_bytes(&a->text, ",\"hash\":\"", 9);
	buf_bytes(&a->text, hex, 64);
	buf_bytes(&a->text, "\"}", 2);
	return !a->text.failed;
}

uint64_t audit_add(struct audit *a, const struct audit_entry *e)
{
	uint8_t hash[32];

	FAILPOINT("audit.add.before");
	if (!build(a, e, hash) ||
	    !journal_append(a->p.journal, JOURNAL_AUDIT, 0, buf_slice(&a->text), NULL, NULL, NULL))
		return 0;
	FAILPOINT("audit.add.written");
	a->seq++;
	a->unsigned_n++;
	memcpy(a->head, hash, 32);
	if (a->p.exported)
		a->p.exported(a->p.ctx, buf_slice(&a->text));
	return a->seq;
}

uint64_t audit_seq(const struct audit *a)
{
	return a->seq;
}

/* ---- reading ---- */

/* The records above `after` from segment `first` on, before segment `end`. */
static int print_from(const char *dir, uint64_t first, uint64_t skip, struct buf *out)
{
	struct journal_reader *r = journal_read(dir, first, NULL);
	struct journal_record rec;
	int rc;

	if (!r)
		return -EIO;
	while ((rc = journal_next(r, &rec, NULL)) == 1) {
		if (rec.type != JOURNAL_AUDIT || rec.flags & JOURNAL_F_AUDIT_SIGNED)
			continue;
		if (skip) {
			skip--;
			continue;
		}
		buf_bytes(out, rec.payload.p, rec.payload.n);
		buf_u8(out, '\n');
	}
	journal_read_end(r);
	return rc;
}

static int count_in(const char *dir, uint64_t first, uint64_t end, uint64_t *n)
{
	struct journal_reader *r = journal_read(dir, first, NULL);
	struct journal_record rec;
	int rc;

	if (!r)
		return -EIO;
	while ((rc = journal_next(r, &rec, NULL)) == 1 && rec.seq < end)
		*n += rec.type == JOURNAL_AUDIT && !(rec.flags & JOURNAL_F_AUDIT_SIGNED);
	journal_read_end(r);
	return rc < 0 ? rc : 0;
}

int audit_last(struct audit *a, unsigned count, struct buf *out)
{
	const char *dir = journal_dir(a->p.journal);
	uint64_t end = UINT64_MAX;
	uint64_t have = 0;
	uint64_t *segment;
	int n = journal_segments(dir, &segment);
	int rc = n < 0 ? n : 0;

	if (count > MAX_LAST)
		count = MAX_LAST;
	for (; rc == 0 && n > 0 && have < count; n--) {
		rc = count_in(dir, segment[n - 1], end, &have);
		end = segment[n - 1];
	}
	if (rc == 0 && count && have)
		rc = print_from(dir, end, have > count ? have - count : 0, out);
	free(segment);
	return rc ? rc : out->failed ? -ENOMEM : 0;
}
