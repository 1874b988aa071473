/* SPDX-License-Identifier: BSD-2-Clause */
/* The transaction engine (spec §2.2): prepare, commit, confirmed commit, confirm, abort, follow-up
 * commits, rollback, recovery, and the memory of what was answered. A core: no system call, no
 * clock, no random numbers of its own; what it does goes through struct txn_env, what has happened
 * comes in by txn_*() with the time.
 *
 * Running is owned by one transaction at a time, of whatever front end. Its states (spec §2.2):
 *
 *   IDLE ─prepare→ PREPARED ─commit→ APPLYING ─ok, N=0→ IDLE (confirmed)
 *     └──commit──────────────────────↗  │ └──ok, N>0→ PENDING ─confirm→ IDLE
 *                                       └failure→ ROLLING-BACK ←timeout, cancel, session gone,
 * reboot─┘ └done→ IDLE, or FAILED (tried again after 1, 2, 4 … 60 s)
 *
 * A transaction has one commit id and becomes one entry of the rollback ring, however many
 * follow-up commits it had. While PENDING, `all` is everything that it changed and so leads back to
 * the configuration at its start: a follow-up commit adds to it and never replaces it.
 *
 * What is durable: PREPARE before a vote or an application, APPLIED before an answer, CONFIRM
 * before its answer, RESTORED before the answer of what was undone. STEP and ROLLBACK-BEGIN are
 * written before what they announce and need no sync: after a crash of the process they are there,
 * and after a crash of the machine the kernel has nothing left that they could tell of. */
#ifndef DEP_NETOPS_TXN_H
#define DEP_NETOPS_TXN_H

#include "base/clock.h"
#include "base/slice.h"
#include "proto/netops/neterr.h"
#include "proto/netops/principal.h"
#include "proto/netops/store/changes.h"

#define TXN_TOKEN 23	 /* 22 base64url characters of 128 random bits, and NUL */
#define TXN_RING 100	 /* rollback steps */
#define TXN_COMMIT_ID 16 /* "c-000042" */
#define TXN_QUEUE 256	 /* requests that wait for their turn */
#define TXN_MAX_COMMENT 1024
#define TXN_MAX_KEY 64 /* of an idempotency key */
#define TXN_MAX_CONFIRMED 3600
#define TXN_LEASE 30		    /* seconds that a prepared transaction is held by itself … */
#define TXN_MAX_LEASE 300	    /* … and at most */
#define TXN_MAX_KEYS 1024	    /* idempotency keys remembered; the oldest goes first */
#define TXN_REMEMBER SEC(24 * 3600) /* expired tokens, idempotency keys */

/* Journal record types (spec §2.2). */
enum journal_type {
	JOURNAL_PREPARE = 1,
	JOURNAL_STEP,
	JOURNAL_APPLIED,
	JOURNAL_CONFIRM,
	JOURNAL_ABORT,
	JOURNAL_ROLLBACK_BEGIN,
	JOURNAL_RESTORED,
	JOURNAL_AUDIT,
	JOURNAL_CHECKPOINT,
};

enum txn_state { TXN_IDLE, TXN_PREPARED, TXN_APPLYING, TXN_PENDING, TXN_ROLLING_BACK, TXN_FAILED };
const char *txn_state_name(enum txn_state s); /* "idle", "prepared", "applying", "pending", … */

/* A trial's end without a request. */
struct txn_end {
	char commit_id[TXN_COMMIT_ID];
	const char *reason; /* timeout, session, restart, reboot, cancel, escalated */
	const struct principal *by;
	const struct changes *changes; /* that were in force */
	bool given_up;		       /* of the device only in part */
};

/* What the engine has its owner do. Each function with an `op` is answered once by txn_done(t, op,
 * …). */
struct txn_env {
	/* store_check(): synchronous, O(diff). */
	int (*check)(void *ctx, const struct changes *c, struct neterr *e);
	/* Appends a record, and where sync, answers by txn_done() when it is durable or could not
	 * be made so. Not sync: a failure needs no answer. */
	void (*journal)(void *ctx, uint64_t op, enum journal_type type, struct slice json,
			bool sync);
	/* All rooms take the changes, all or nothing. Whatever fails, undo() follows. */
	void (*apply)(void *ctx, uint64_t op, const struct changes *c);
	/* All rooms are brought to what they were before c, reckoned from what they observe (c may
	 * be applied in part or not at all). Running is as before c. */
	void (*undo)(void *ctx, uint64_t op, const struct changes *c);
	/* store_apply(): running takes the changes. Returns the new running hash, or NULL and
	 * nothing changed. */
	const char *(*running)(void *ctx, const struct changes *c);
	const char *(*running_hash)(void *ctx);
	/* RFC 6470 netconf-confirmed-commit: start, cancel, timeout, extend, complete; by NULL on
	 * timeout. */
	void (*event)(void *ctx, const char *confirm_event, const struct principal *by,
		      unsigned timeout_s);
	/* A commit that was in force until its confirmation has been taken back, or given up, with
	 * nobody there to be answered. Perhaps twice, where the node ends before that is durable.
	 * May be NULL. */
	void (*ended)(void *ctx, const struct txn_end *x);
	int64_t (*wall)(void *ctx);		      /* ns since 1970, for display only */
	void (*random)(void *ctx, void *p, size_t n); /* not to be guessed: tokens */
	/* May be NULL. Called at named points, for tests that end the process there (failpoint.h).
	 */
	void (*at)(void *ctx, const char *point);
	void *ctx;
};

struct txn_result {
	char commit_id[TXN_COMMIT_ID];
	char state[20]; /* prepared, applied, pending-confirm, confirmed, aborted, rolled-back,
			   no-change */
	char token[TXN_TOKEN]; /* or "" */
	int64_t confirm_by;    /* wall ns, or 0; of a prepared transaction the end of its lease */
	const struct changes *diff;
	const char *running_hash; /* "sha256:…" */
	bool replayed; /* the answer of an earlier request with the same idempotency key; nothing
			  was done */
};

/* One request. Absent texts are NULL; everything is copied but ctx. */
struct txn_request {
	enum { TXN_PREPARE, TXN_COMMIT, TXN_CONFIRM, TXN_CANCEL, TXN_ROLLBACK } what;
	const struct principal *by;
	const struct changes *changes; /* PREPARE, COMMIT without a prepared token; or … */
	/* … called when the request's turn has come: the changes as they are then. 0 or e. Of a ROLLBACK they are there
	 * already, to be judged. */
	int (*stage)(void *ctx, struct changes *out, struct neterr *e);
	/* CONFIRM, CANCEL, COMMIT of a prepared or pending transaction. Without one the pending
	 * transaction of the same principal and session is meant. */
	const char *token;
	/* COMMIT confirmed: a token of the client's choice (NETCONF persist); NULL: a random one is
	 * made. */
	const char *persist_id;
	const char *comment;
	const char *if_running; /* hash */
	unsigned confirmed;	/* seconds, 0: at once for good */
	unsigned lease;		/* PREPARE: seconds, 0: TXN_LEASE */
	bool persist; /* a prepared or pending transaction outlives its session and a restart of the
			 daemon */
	bool dry_run;
	bool force;	       /* in state failed: what could not be undone is left as it is */
	const char *commit_id; /* ROLLBACK: everything later than that commit is undone; it was the
				  newest then */
	unsigned steps; /* ROLLBACK: the newest so many commits are undone; 0 and no commit_id:
			   CANCEL if pending, else 1 */
	const char *idem_key; /* idempotency key, with … */
	const uint8_t
		*idem_args; /* … 32 bytes, a hash of all arguments but the key (jcs_digest()) */
	/* The answer: e NULL and r, or e. Called once, perhaps before txn_submit() returns. */
	void (*done)(void *ctx, const struct txn_result *r, struct neterr *e);
	void *ctx;
};

struct txn;
struct txn *txn_new(const struct txn_env *env); /* NULL: no memory */
void txn_free(struct txn *t);			/* requests that wait are not answered */

/* Before anything else, in order: what the journal's newest checkpoint holds (type
 * JOURNAL_CHECKPOINT, json as of txn_checkpoint(); running must be loaded already), every record
 * after it, then txn_recover(). Running follows by env->running(). same_boot: the record's boot_id
 * is that of now. Records of other types are passed over. 0, or -EBADMSG, -ENOMEM and err. */
int txn_replay(struct txn *t, enum journal_type type, struct slice json, bool same_boot, usec_t now,
	       struct err *err);
/* Begins what the rules ask for: abort, undo, timer resumed. recovered is called once: 0, or a
 * negative errno where the device could not be restored (state failed; it is tried again). */
void txn_recover(struct txn *t, usec_t now, void (*recovered)(void *ctx, int rc), void *ctx);
/* Everything that the engine must know again, as JSON for a checkpoint. free(3). NULL: no memory,
 * or not now: only while idle or pending and nothing is under way (txn_quiet). */
char *txn_checkpoint(const struct txn *t, size_t *n);
bool txn_quiet(const struct txn *t);

/* Requests that come while another is worked on wait for their turn, up to TXN_QUEUE. */
void txn_submit(struct txn *t, const struct txn_request *q, usec_t now);
/* e: what went wrong where rc is not 0; may be NULL; taken over. */
void txn_done(struct txn *t, uint64_t op, int rc, struct neterr *e, usec_t now);
void txn_session_closed(struct txn *t, const char *session, usec_t now);
/* At a deadline what is due happens. Returns the next one, or USEC_NEVER. To be asked after each of
 * the above. */
usec_t txn_tick(struct txn *t, usec_t now);

enum txn_state txn_state(const struct txn *t);
/* The newest commit's id, "c-000000" before the first. */
void txn_head(const struct txn *t, char id[TXN_COMMIT_ID]);
/* The number in the open transaction's commit id; 0: none is open. *back_to: of a rollback that of the commit that it goes
 * back to (later ones are undone), else the same number. */
uint32_t txn_open_number(const struct txn *t, uint32_t *back_to);
/* The rollback ring as JSON: [{commitId, time, user, comment, kind, state, runningHash, changes: n}],
 * newest first; and among them trials that were taken back, of state rolled-back and with a reason, which are no
 * step of the ring. */
yyjson_mut_val *txn_history(const struct txn *t, yyjson_mut_doc *doc);
/* What a commit of the ring, or the pending one, changed, or NULL. Valid until the next call of
 * txn_*(). */
const struct changes *txn_commit_changes(const struct txn *t, const char *commit_id);
/* The prepared or pending transaction without its token: {commitId, state, user, persist,
 * confirmBy, remainingMs, changes: n}, or NULL. */
yyjson_mut_val *txn_pending(const struct txn *t, yyjson_mut_doc *doc, usec_t now);
/* Whether it is p's own by session, so that no token is needed. */
bool txn_owns(const struct txn *t, const struct principal *p);

/* RFC 3339 with milliseconds, UTC: "2026-11-23T17:00:10.004Z". */
void txn_time(int64_t wall_ns, char out[32]);

#endif
