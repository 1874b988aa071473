/* SPDX-License-Identifier: BSD-2-Clause */
/* A node for tests of the engine, all in memory: running and a kernel as maps of paths to values, a
 * journal as a list of records, and the answers that the engine waits for, given when the test says
 * so, well or badly. It can crash (what the engine knew is gone, what it wrote stays) and lose its
 * power (the kernel is empty, what was not synced may be gone). */
#ifndef DEP_NETOPS_PUPPET_H
#define DEP_NETOPS_PUPPET_H

#include "base/rng.h"
#include "proto/netops/txn/txn.h"

#define PUPPET_PATHS 12 /* "/t:x[n='0']" … */
#define PUPPET_EVENTS 4096

struct puppet_map {
	char value[PUPPET_PATHS][16]; /* "": is not there */
};

struct puppet_record {
	enum journal_type type;
	char *json;
	uint64_t boot;
};

struct puppet_answer { /* that the engine waits for */
	uint64_t op;
	char what; /* 'j'ournal, 'a'pply, 'u'ndo */
	struct changes changes;
};

struct puppet {
	struct txn *txn;
	struct rng rng;
	usec_t now;
	int64_t wall_offset; /* wall clock: ns ahead of `now` */
	uint64_t boot;
	struct puppet_map running, kernel;
	char hash[80];
	struct puppet_record *record;
	size_t n_record;
	size_t n_synced; /* of them, durable */
	struct puppet_answer answer[8];
	unsigned n_answer;
	/* Faults: the next so many go wrong. */
	unsigned fail_apply, fail_undo, fail_journal, fail_running;
	bool refuse;		    /* check() */
	char events[PUPPET_EVENTS]; /* confirmed-commit notifications: "start 10;" … */
	char ended[128];	    /* the newest end of a trial by itself: "c-000001 timeout 2", and how many */
	unsigned n_ended;
	bool misfit; /* changes came that did not fit what they were for: always a bug */
	bool recovered;
	int recovered_rc;
};

/* The answer to a request, kept. */
struct puppet_reply {
	unsigned n; /* times answered */
	bool ok;
	struct txn_result r;
	struct changes diff;
	char hash[80];
	int code;
	char tag[32];
	char *data; /* JSON of error.data, or NULL */
};

void puppet_init(struct puppet *p, uint64_t seed);
void puppet_free(struct puppet *p);
void puppet_reply_free(struct puppet_reply *r);
/* Fills c with what sets path i to value ("": removes it) in the map, as it would come from a
 * candidate. */
void puppet_set(const struct puppet_map *m, struct changes *c, unsigned i, const char *value);
void puppet_play(struct puppet *p, struct puppet_map *m, const struct changes *c, bool strict);
bool puppet_same(const struct puppet_map *a, const struct puppet_map *b);
/* Gives one answer, the oldest. false: none is waited for. */
bool puppet_step(struct puppet *p);
/* All answers until nobody waits, and what is due by then. */
void puppet_run(struct puppet *p);
/* Goes on to `at`, at each deadline on the way doing what is due. */
void puppet_until(struct puppet *p, usec_t at);
void puppet_submit(struct puppet *p, struct txn_request *q, struct puppet_reply *r);
/* The process ends and starts again; `power`: the machine does. Answers that were under way are
 * gone; of a kernel change under way a part may be there. Replays the journal and begins recovery.
 */
void puppet_restart(struct puppet *p, bool power);
void puppet_principal(struct principal *by, const char *user, const char *session);

#endif
