/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the whole log again. A record's text is canonical but for its last member, the hash; so
 * what was hashed is the text itself without that, and nothing has to be parsed: whatever byte
 * differs, the hash does. */
#include "proto/netops/audit/audit_priv.h"

#include <errno.h>
#include <openssl/sha.h>
#include <string.h>

struct verify {
	uint8_t public[AUDIT_KEY];
	uint64_t n; /* records so far */
	uint8_t prev[32];
	bool have_head;
	struct audit_checkpoint head;
	bool head_met; /* it was among the records */
};

static int bad(struct err *err, const char *dir, int rc, const char *what)
{
	err_set(err, rc, "%s", what);
	err_where(err, "%s", dir);
	return rc;
}

/* One record: its hash follows from the one before and its text. */
static bool follows(struct verify *v, struct slice text)
{
	static const char digit[] = "0123456789abcdef";
	SHA256_CTX sha;
	const uint8_t *tail;
	uint8_t hash[32];
	unsigned diff = 0;
	unsigned i;

	if (text.n < AUDIT_HASH_TAIL + 2)
		return false;
	tail = text.p + text.n - AUDIT_HASH_TAIL;
	if (memcmp(tail, ",\"hash\":\"", 9) != 0 || memcmp(tail + 9 + 64, "\"}", 2) != 0)
		return false;
	SHA256_Init(&sha);
	SHA256_Update(&sha, v->prev, 32);
	SHA256_Update(&sha, text.p, text.n - AUDIT_HASH_TAIL);
	SHA256_Update(&sha, "}", 1);
	SHA256_Final(hash, &sha);
	for (i = 0; i < 32; i++)
		diff |= (unsigned)(tail[9 + 2 * i] ^ digit[hash[i] >> 4]) |
			(unsigned)(tail[9 + 2 * i + 1] ^ digit[hash[i] & 15]);
	memcpy(v->prev, hash, 32);
	v->n++;
	return diff == 0;
}

static const char *check_signed(struct verify *v, const struct journal_record *r)
{
	struct audit_checkpoint c = {0};

	if (audit_checkpoint_parse(r->payload, v->public, &c))
		return "a checkpoint is not signed by this node's key";
	if (c.seq != v->n || memcmp(c.hash, v->prev, 32) != 0)
		return "a signed checkpoint tells of another log than this";
	if (memcmp(c.journal, r->prev, 32) != 0)
		return "a signed checkpoint stands behind another journal record than it was "
		       "written behind";
	if (v->have_head && c.seq == v->head.seq && memcmp(&c, &v->head, sizeof(c)) == 0)
		v->head_met = true;
	return NULL;
}

static int check_record(struct verify *v, const struct journal_record *r, const char *dir,
			struct err *err)
{
	const char *what = NULL;

	if (r->type != JOURNAL_AUDIT)
		return 0;
	if (r->flags & JOURNAL_F_AUDIT_SIGNED)
		what = check_signed(v, r);
	else if (!follows(v, r->payload)) {
		v->n--;
		what = "a record does not follow from the one before it";
	}
	return what ? bad(err, dir, -EBADMSG, what) : 0;
}

static int check_all(struct verify *v, const char *dir, struct err *err)
{
	struct journal_reader *r = journal_read(dir, 0, err);
	struct journal_record rec;
	int rc;

	if (!r)
		return err->code;
	if (journal_reader_next(r) > 1) {
		journal_read_end(r);
		return bad(err, dir, -EBADMSG, "the journal does not begin at its beginning");
	}
	while ((rc = journal_next(r, &rec, err)) == 1) {
		rc = check_record(v, &rec, dir, err);
		if (rc)
			break;
	}
	journal_read_end(r);
	return rc;
}

int audit_verify_dir(const char *journal_dir, const char *key_dir, uint64_t *records,
		     uint64_t *bad_seq, struct err *err)
{
	struct verify v = {0};
	struct err local;
	int rc;

	if (!err)
		err = &local;
	*records = 0;
	*bad_seq = 0;
	rc = audit_key_public(key_dir, v.public, err);
	if (rc)
		return rc;
	rc = audit_head_read(key_dir, v.public, &v.head);
	v.have_head = rc == 0;
	if (rc && rc != -ENOENT) {
		*bad_seq = 1;
		return bad(err, key_dir, -EBADMSG, "audit-head is not signed by this node's key");
	}
	rc = check_all(&v, journal_dir, err);
	if (rc == 0 && v.have_head && !v.head_met)
		rc = bad(err, journal_dir, -EBADMSG,
			 "records that were signed are missing at the end, or are others");
	*records = v.n;
	if (rc)
		*bad_seq = v.n + 1;
	return rc;
}

int audit_verify(struct audit *a, uint64_t *records, uint64_t *bad_seq, struct err *err)
{
	int rc = audit_verify_dir(journal_dir(a->p.journal), a->dir, records, bad_seq, err);

	if (rc || *records == a->seq)
		return rc;
	*bad_seq = *records + 1;
	return bad(err, journal_dir(a->p.journal), -EBADMSG,
		   "records are missing at the end of the log");
}
