/* SPDX-License-Identifier: BSD-2-Clause */
/* The audit log (spec §2.2 Audit): hash-chained JSON records in the journal, checkpoints signed
 * with the node's Ed25519 key each 1000 records or 60 s, so that no byte can be changed, no record
 * dropped or moved without being found.
 *
 * A record is JSON in canonical form (RFC 8785) with one member more, "hash", as its last:
 *   hash = SHA-256(prev || JCS(record without hash))       prev: the 32 bytes of the hash before,
 * zeros at the beginning A checkpoint is an AUDIT record of the journal with flag
 * JOURNAL_F_AUDIT_SIGNED:
 *   {"hash": of record seq, "journal": hash of the journal record before this, "key": public key,
 * "seq", "sig", "ts"} where sig signs the canonical text without sig. The newest is also in the
 * file audit-head beside the journal, so that records cut off at the end are missed. The key is in
 * audit-key (0600), its public half in audit-key.pub. At start, the chain is taken up where the
 * journal ends, and compared with audit-head: nothing is reckoned anew, so an edit does not heal.
 */
#ifndef DEP_NETOPS_AUDIT_H
#define DEP_NETOPS_AUDIT_H

#include "base/buf.h"
#include "base/clock.h"
#include "proto/netops/neterr.h"
#include "proto/netops/principal.h"
#include "proto/netops/store/changes.h"
#include "proto/netops/txn/journal.h"

#define AUDIT_SIGN_RECORDS 1000
#define AUDIT_SIGN_TIME SEC(60)

struct audit;

struct audit_params {
	struct journal *journal;
	const char *dir; /* of audit-key, audit-key.pub, audit-head: the journal's own or another */
	const char *prefix;	    /* reverse DNS of our keys in _meta: "<prefix>/trigger"; NULL:
				       "io.github.depanneur" */
	int64_t (*wall)(void *ctx); /* NULL: the system's clock */
	/* Whether the node at path (libyang's form) is secret: nacm:default-deny-all. NULL: names
	 * alone decide. */
	bool (*secret)(void *ctx, const char *path);
	/* Each record as it is written, for export (syslog). NULL: none. */
	void (*exported)(void *ctx, struct slice json);
	void *ctx;
};

/* Makes the key at the first start; takes up the chain. NULL and err; -EBADMSG where the log is
 * shorter than, or another than, what was signed last. */
struct audit *audit_new(const struct audit_params *p, struct err *err);
/* Signs what is not signed yet. */
void audit_free(struct audit *a);

/* What happened. Texts may be NULL. */
struct audit_entry {
	const struct principal *by;
	const char *era, *method, *tool;
	yyjson_val *args; /* secrets (redact list and nacm:default-deny-all nodes) are replaced */
	yyjson_val *
		meta; /* traceparent; <prefix>/trigger, /prompt, /modelResponse: marked untrusted */
	bool approval_required;
	const char *approval_status, *approver;
	const char *pre_hash, *post_hash;
	const struct changes *diff;
	const char *commit_id;
	const char *outcome; /* "ok", "denied", "failed", "rolled-back" … */
	int err_code;
	usec_t took;
};
/* Appends a record; returns its sequence number, 0: could not. Durable with the next synchronous
 * journal record. */
uint64_t audit_add(struct audit *a, const struct audit_entry *e);
/* Signs where it is time. Returns when to be called again, or USEC_NEVER: nothing is unsigned. To
 * be asked after audit_add(). */
usec_t audit_tick(struct audit *a, usec_t now);
/* Signs all that there is, now. 0 or a negative errno. */
int audit_sign(struct audit *a);
/* The newest `count` records (at most 10,000), oldest first, as JSON lines appended to out. */
int audit_last(struct audit *a, unsigned count, struct buf *out);
uint64_t audit_seq(const struct audit *a); /* of the newest record */

/* Reads the whole journal again: 0 and the number of records, or -EBADMSG, the first bad sequence
 * number and why. Independent of what is in memory, but for the length that the log must have. */
int audit_verify(struct audit *a, uint64_t *records, uint64_t *bad_seq, struct err *err);
/* The same of files alone, without an audit log open; may run in another thread. key_dir: where
 * audit-key.pub and audit-head are. */
int audit_verify_dir(const char *journal_dir, const char *key_dir, uint64_t *records,
		     uint64_t *bad_seq, struct err *err);

/* Whether a member of this name holds a secret, by the name: password, secret, key, token … */
bool audit_secret_name(const char *name, size_t n);

#endif
