/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the engine share: txn.c (requests, their queue, state for others), txn_run.c
 * (forwards: prepare, apply, confirm), txn_undo.c (backwards), txn_past.c (ring, expired tokens,
 * idempotency keys), txn_record.c (records out), txn_replay.c (records in, checkpoint). */
#ifndef DEP_NETOPS_TXN_PRIV_H
#define DEP_NETOPS_TXN_PRIV_H

#include "base/list.h"
#include "proto/netops/txn/txn.h"

#define TXN_HASH 32
#define TXN_RUNNING_HASH 80

/* What has been asked of the environment and is not answered yet. */
enum txn_step {
	STEP_NONE,
	STEP_PREPARE,	/* PREPARE becomes durable */
	STEP_APPLY,	/* rooms apply */
	STEP_APPLIED,	/* APPLIED becomes durable */
	STEP_CONFIRM,	/* CONFIRM becomes durable */
	STEP_UNCONFIRM, /* CONFIRM could not be made durable: what takes it back becomes so */
	STEP_UNDO,	/* rooms undo */
	STEP_RESTORED,	/* RESTORED becomes durable */
};

enum txn_reason {
	REASON_TIMEOUT,
	REASON_CANCEL,
	REASON_SESSION,
	REASON_REBOOT,
	REASON_RESTART,
	REASON_FAILED,	  /* the application failed */
	REASON_FOLLOW_UP, /* that of a follow-up commit */
	REASON_ESCALATED, /* a follow-up commit could not be taken back alone */
	N_REASONS,
};

struct txn_idem {
	bool has;
	char key[TXN_MAX_KEY + 1];
	uint8_t args[TXN_HASH];
};

struct txn_req {
	struct list node;
	int what;
	struct principal by;
	struct changes changes;
	int (*stage)(void *ctx, struct changes *out, struct neterr *e);
	char *token;
	char *persist_id;
	char *comment;
	char *if_running;
	unsigned confirmed;
	unsigned lease;
	unsigned steps;
	bool persist;
	bool dry_run;
	bool force;
	char commit_id[TXN_COMMIT_ID];
	struct txn_idem idem;
	usec_t at; /* when it came: what counts for "before the deadline" */
	void (*done)(void *ctx, const struct txn_result *r, struct neterr *e);
	void *ctx;
};

/* How long the open transaction stays, and who may end it. */
struct txn_terms {
	char token[TXN_TOKEN]; /* memory only; "" after a restart, or where the client chose it */
	bool has_token;
	uint8_t hash[TXN_HASH]; /* of the token and its principal */
	unsigned confirmed; /* seconds of the newest confirmed commit, or of the application under
			       way */
	usec_t deadline;
	int64_t deadline_wall;
};

/* The transaction that owns running. */
struct txn_open {
	uint32_t commit; /* 0: there is none */
	uint32_t base;	 /* the newest commit at its start */
	struct principal by;
	bool persist;
	bool owner_gone; /* its session closed while something was under way */
	bool rollback;
	char *comment;
	struct txn_terms terms;
	struct txn_terms old_terms; /* before the follow-up commit under way */
	struct changes all;	    /* of it in running */
	struct changes back;	    /* inverse of all */
	struct changes work;	    /* prepared or being applied */
	struct changes next;	    /* all and then work */
	struct changes next_back;
	struct changes
		touched; /* all and then work as they are: what a rollback of both must look at */
	bool applied;	 /* something of it has been in running */
	struct txn_idem idem; /* of the request under way, until it is in the book of keys */
};

/* An entry of the rollback ring. */
struct txn_commit {
	uint32_t commit;
	int64_t time;
	char *user;
	char *comment;
	bool rollback;
	struct changes changes;
	char hash[TXN_RUNNING_HASH];
};

enum txn_outcome { OUTCOME_UNDER_WAY, OUTCOME_COMPLETE, OUTCOME_FAILED };

/* A token that came to nothing, for whoever confirms too late. */
struct txn_expired {
	uint8_t hash[TXN_HASH];
	uint32_t commit;
	uint32_t base;
	int64_t at; /* wall */
	usec_t forget;
	enum txn_outcome outcome;
};

/* What was answered under an idempotency key. */
struct txn_key {
	char *user;
	char *client;
	struct txn_idem idem;
	uint32_t commit;
	char state[20];
	int64_t confirm_by;
	int64_t at;
	usec_t forget;
	struct changes diff;
	char hash[TXN_RUNNING_HASH];
};

/* What the records so far tell of the open transaction. */
struct txn_replay {
	bool same_boot; /* of the newest record */
	bool prepared;	/* work waits for a commit */
	bool step;	/* its application had begun */
	bool absorbed;	/* work is in running and among all */
	bool final;	/* confirmed, unless a later record takes that back */
	bool undo;	/* a rollback had begun */
	int64_t time;	/* of the record that made it final */
	size_t keys;	/* keys in the book before the newest answer */
};

struct txn {
	struct txn_env env;
	enum txn_state state;
	enum txn_step step;
	uint64_t op; /* of the step */
	uint64_t last_op;
	uint32_t last_commit; /* the newest number given away */
	struct txn_open open;
	struct txn_req *req; /* who is answered when the step's story ends, or NULL */
	struct list queue;
	unsigned n_queue;
	bool pumping;

	enum txn_reason reason; /* of the rollback under way */
	bool undo_follow_up;	/* only `work` of a follow-up is taken back; then PENDING again */
	const struct changes *undoing;
	struct neterr cause; /* what a failed application is answered with */
	usec_t retry;
	unsigned backoff;

	struct txn_commit ring[TXN_RING];
	unsigned ring_first, ring_n;
	uint32_t ring_base; /* the commit before the oldest of the ring */

	struct txn_expired *expired;
	size_t n_expired, cap_expired;
	struct txn_key *key;
	size_t n_key, cap_key;

	void (*recovered)(void *ctx, int rc);
	void *recovered_ctx;
	struct txn_replay replay;
};

/* ---- txn.c ---- */
void txn_at(struct txn *t, const char *point);
void txn_req_free(struct txn_req *r);
void txn_answer(struct txn *t, struct txn_req *r, const struct txn_result *res);
void txn_refuse(struct txn *t, struct txn_req *r, struct neterr *e);
/* The answer to t->req, with the open transaction's own data. */
void txn_answer_state(struct txn *t, const char *state, const struct changes *diff);
void txn_pump(struct txn *t, usec_t now);
void txn_id(uint32_t commit, char out[TXN_COMMIT_ID]);
uint32_t txn_id_parse(const char *id); /* UINT32_MAX: none */
void txn_token_hash(const char *token, const struct principal *by, uint8_t out[TXN_HASH]);
bool txn_token_is(const struct txn *t, const char *token, const struct principal *by);
uint64_t txn_op(struct txn *t, enum txn_step step);
void txn_close(struct txn *t); /* nobody owns running any more: idle */
void txn_no_memory(struct neterr *e);

/* ---- txn_run.c ---- */
void txn_begin(struct txn *t, struct txn_req *r, usec_t now);
void txn_follow_up(struct txn *t, struct txn_req *r, usec_t now);
void txn_commit_prepared(struct txn *t, struct txn_req *r, usec_t now);
void txn_confirm(struct txn *t, struct txn_req *r);
void txn_prepared(struct txn *t, int rc, struct neterr *e, usec_t now);
void txn_applied(struct txn *t, int rc, struct neterr *e, usec_t now);
void txn_applied_durable(struct txn *t, int rc, struct neterr *e, usec_t now);
void txn_confirmed(struct txn *t, int rc, struct neterr *e, usec_t now);
void txn_unconfirmed(struct txn *t, usec_t now);
/* What the open transaction changed comes into the ring. */
void txn_keep(struct txn *t, int64_t time);
/* work is in running now: it counts among all. */
void txn_absorb(struct txn_open *o);
/* next and next_back are all and then work. 0 or -ENOMEM. */
int txn_stack(struct txn_open *o);

/* ---- txn_undo.c ---- */
void txn_abort(struct txn *t, struct txn_req *r, const char *why, usec_t now);
/* Takes everything of the open transaction back. cause is taken over, may be NULL. */
void txn_undo(struct txn *t, enum txn_reason reason, struct neterr *cause, usec_t now);
void txn_undone(struct txn *t, int rc, struct neterr *e, usec_t now);
void txn_restored(struct txn *t, int rc, struct neterr *e, usec_t now);
void txn_retry(struct txn *t, usec_t now);
void txn_give_up(struct txn *t, usec_t now);
/* Goes on with a rollback of which the journal told. */
void txn_undo_resume(struct txn *t);
void txn_follow_up_drop(struct txn *t);
void txn_recovered(struct txn *t, int rc);
const char *txn_reason_name(enum txn_reason r);
enum txn_reason txn_reason_parse(const char *name); /* N_REASONS: none */
bool txn_reason_expires(enum txn_reason r); /* who confirms later is told that the time was over */

/* ---- txn_past.c ---- */
const struct txn_commit *txn_ring_at(const struct txn *t, unsigned back); /* 0 the newest */
void txn_ring_push(struct txn *t, struct txn_commit *c);		  /* taken over */
struct txn_commit *
txn_ring_pop(struct txn *t,
	     uint32_t commit); /* the newest, if it is that; valid until the next push */
void txn_ring_clear(struct txn *t);
/* What undoes the newest n commits. 0, -ENOENT: there are not so many, -ENOMEM. */
int txn_ring_back(const struct txn *t, unsigned n, struct changes *out);
int txn_expired_reserve(struct txn *t);
void txn_expired_add(struct txn *t, const struct txn_expired *x);
struct txn_expired *txn_expired_find(struct txn *t, const uint8_t hash[TXN_HASH]);
void txn_expired_outcome(struct txn *t, uint32_t commit, enum txn_outcome o);
void txn_forget(struct txn *t, usec_t now);
int txn_key_add(struct txn *t, struct txn_key *k); /* taken over also where it fails */
const struct txn_key *txn_key_find(const struct txn *t, const struct principal *by,
				   const char *key);
void txn_key_drop_prepared(struct txn *t, uint32_t commit);
void txn_key_free(struct txn_key *k);

/* ---- txn_record.c ---- */
void txn_hex(const uint8_t *p, size_t n, char *out);
bool txn_unhex(const char *text, uint8_t *p, size_t n);
/* 0, or -ENOMEM: nothing was written. */
int txn_write_prepare(struct txn *t, uint64_t op, bool follow_up);
void txn_write_step(struct txn *t);
int txn_write_applied(struct txn *t, uint64_t op);
int txn_write_confirm(struct txn *t, uint64_t op);
void txn_write_abort(struct txn *t, const char *why);
void txn_write_rollback(struct txn *t);
int txn_write_restored(struct txn *t, uint64_t op, bool given_up);

/* The key of the open request, with its answer, goes into the book. */
void txn_remember(struct txn *t, const char *state, const struct changes *diff, usec_t now);

#endif
