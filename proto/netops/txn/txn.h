/* SPDX-License-Identifier: BSD-2-Clause */
/* The transaction engine (spec §2.2): prepare, commit, confirmed commit, confirm, abort, follow-up commits, rollback,
 * recovery. A core: no system call, no clock; what it does goes through struct txn_env, what has happened comes in by
 * txn_*() with the time. Running is owned by one transaction at a time, of whatever front end. */
#ifndef DEP_NETOPS_TXN_H
#define DEP_NETOPS_TXN_H

#include "base/clock.h"
#include "base/rng.h"
#include "base/slice.h"
#include "proto/netops/neterr.h"
#include "proto/netops/principal.h"
#include "proto/netops/store/changes.h"

#define TXN_TOKEN 23	  /* 22 base64url characters of 128 random bits, and NUL */
#define TXN_RING 100	  /* rollback steps */
#define TXN_COMMIT_ID 16  /* "c-000042" */

/* Journal record types (spec §2.2). */
enum journal_type {
	JOURNAL_PREPARE = 1, JOURNAL_STEP, JOURNAL_APPLIED, JOURNAL_CONFIRM, JOURNAL_ABORT, JOURNAL_ROLLBACK_BEGIN,
	JOURNAL_RESTORED, JOURNAL_AUDIT, JOURNAL_CHECKPOINT,
};

enum txn_state { TXN_IDLE, TXN_PREPARED, TXN_APPLYING, TXN_PENDING, TXN_ROLLING_BACK, TXN_FAILED };

/* What the engine has its owner do. Each asynchronous one is answered once by txn_done(t, op, …), later. */
struct txn_env {
	/* store_check(): synchronous, O(diff). */
	int (*check)(void *ctx, const struct changes *c, struct neterr *e);
	/* Appends a record, and where sync, answers by txn_done() when it is durable. */
	void (*journal)(void *ctx, uint64_t op, enum journal_type type, struct slice json, bool sync);
	/* All rooms take the changes, all or nothing: on a failure those that had are already undone. */
	void (*apply)(void *ctx, uint64_t op, const struct changes *c);
	/* All rooms are brought to what they were before c, reckoned from what they observe (c may be applied in part). */
	void (*undo)(void *ctx, uint64_t op, const struct changes *c);
	/* store_apply(): running takes the changes. Returns the new running hash. */
	const char *(*running)(void *ctx, const struct changes *c);
	const char *(*running_hash)(void *ctx);
	/* RFC 6470 netconf-confirmed-commit: start, cancel, timeout, extend, complete; changed-by NULL on timeout. */
	void (*event)(void *ctx, const char *confirm_event, const struct principal *by, unsigned timeout_s);
	int64_t (*wall)(void *ctx); /* ns since 1970, for display only */
	void *ctx;
};

struct txn_result {
	char commit_id[TXN_COMMIT_ID];
	char state[20]; /* prepared, applied, pending-confirm, confirmed, aborted, rolled-back, no-change */
	char token[TXN_TOKEN]; /* or "" */
	int64_t confirm_by; /* wall ns, or 0 */
	const struct changes *diff;
	const char *running_hash; /* "sha256:…" */
};

/* One request. Absent texts are NULL. */
struct txn_request {
	enum { TXN_PREPARE, TXN_COMMIT, TXN_CONFIRM, TXN_CANCEL, TXN_ROLLBACK } what;
	const struct principal *by;
	const struct changes *changes; /* PREPARE, COMMIT without a prepared token */
	const char *token;	/* CONFIRM, CANCEL, COMMIT of a prepared or pending transaction */
	const char *comment;
	const char *if_running; /* hash */
	unsigned confirmed;	/* seconds, 0: at once for good */
	unsigned lease;		/* PREPARE: seconds, 0: 30 */
	bool persist;		/* the pending commit outlives its session */
	bool dry_run;
	bool force;		/* in state failed */
	const char *commit_id;	/* ROLLBACK: undo back to before that commit's successor, i.e. as it was then */
	unsigned steps;		/* ROLLBACK */
	/* The answer: e NULL and r, or e. Called once, perhaps before txn_submit() returns. */
	void (*done)(void *ctx, const struct txn_result *r, struct neterr *e);
	void *ctx;
};

struct txn;
struct txn *txn_new(const struct txn_env *env, struct rng *rng);
void txn_free(struct txn *t);

/* Before anything else, in order: every record of the journal after the last checkpoint, then txn_recover(), which
 * begins what the rules ask for (abort, undo, timer resumed); recovered is called when the device is in a state to be
 * served. same_boot: the records' boot_id is that of now. */
int txn_replay(struct txn *t, enum journal_type type, struct slice json, bool same_boot, struct err *err);
void txn_recover(struct txn *t, usec_t now, void (*recovered)(void *ctx, int rc), void *ctx);
/* Everything that the engine must know again, as JSON for a checkpoint: ring, expired tokens, idempotency. free(3). */
char *txn_checkpoint(const struct txn *t);

void txn_submit(struct txn *t, const struct txn_request *q, usec_t now);
void txn_done(struct txn *t, uint64_t op, int rc, struct neterr *e, usec_t now);
void txn_session_closed(struct txn *t, const char *session, usec_t now);
/* Next deadline, or USEC_NEVER; at the deadline what is due happens. */
usec_t txn_tick(struct txn *t, usec_t now);

enum txn_state txn_state(const struct txn *t);
/* The rollback ring as JSON: [{commitId, time, user, comment, state, runningHash, changes: n}], newest first. */
yyjson_mut_val *txn_history(const struct txn *t, yyjson_mut_doc *doc);
/* What a commit of the ring changed, or NULL. */
const struct changes *txn_commit_changes(const struct txn *t, const char *commit_id);
/* The pending transaction without its token: {commitId, user, confirmBy, remainingMs}, or NULL. */
yyjson_mut_val *txn_pending(const struct txn *t, yyjson_mut_doc *doc, usec_t now);

#endif
