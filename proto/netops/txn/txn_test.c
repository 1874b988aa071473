/* SPDX-License-Identifier: BSD-2-Clause */
/* The state machine of spec §2.2, each row of its table, the rules of confirmed commits of §2.9,
 * tokens, idempotency. */
#include "proto/netops/txn/puppet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct puppet p;
static struct principal alice, bob;
static struct puppet_reply reply;

static int setup(void **state)
{
	puppet_init(&p, 1);
	puppet_principal(&alice, "alice", "s1");
	puppet_principal(&bob, "bob", "s2");
	return 0;
}

static int teardown(void **state)
{
	bool misfit = p.misfit;

	puppet_reply_free(&reply);
	puppet_free(&p);
	assert_false(misfit);
	return 0;
}

/* Submits, and lets everything happen that follows at once. */
static const struct puppet_reply *ask(struct txn_request q)
{
	if (!q.by)
		q.by = &alice;
	puppet_submit(&p, &q, &reply);
	puppet_run(&p);
	assert_int_equal(reply.n, 1);
	return &reply;
}

/* A commit that sets path i to value. */
static const struct puppet_reply *set(unsigned i, const char *value, struct txn_request q)
{
	struct changes c = {0};

	puppet_set(&p.running, &c, i, value);
	q.changes = &c;
	ask(q);
	changes_free(&c);
	return &reply;
}

static void assert_value(unsigned i, const char *value)
{
	assert_string_equal(p.running.value[i], value);
	assert_string_equal(p.kernel.value[i], value);
}

static void assert_refused(int code, const char *tag)
{
	assert_false(reply.ok);
	assert_int_equal(reply.code, code);
	if (tag)
		assert_string_equal(reply.tag, tag);
}

static void assert_answer(const char *state)
{
	if (!reply.ok)
		print_error("refused: %d %s %s\n", reply.code, reply.tag,
			    reply.data ? reply.data : "");
	assert_true(reply.ok);
	assert_string_equal(reply.r.state, state);
}

static void assert_journal(const char *types)
{
	char is[128] = "";
	size_t i;

	for (i = 0; i < p.n_record; i++)
		snprintf(is + i, sizeof(is) - i, "%c", "?PSACBRD"[p.record[i].type]);
	assert_string_equal(is, types);
}

#define COMMIT                                                                                     \
	(struct txn_request)                                                                       \
	{                                                                                          \
		.what = TXN_COMMIT                                                                 \
	}
#define CONFIRMED(n)                                                                               \
	(struct txn_request)                                                                       \
	{                                                                                          \
		.what = TXN_COMMIT, .confirmed = n, .persist = true                                \
	}

/* A confirmed commit of path 0 to "a"; token receives its token. */
static void pending(char token[TXN_TOKEN], unsigned seconds)
{
	set(0, "a", CONFIRMED(seconds));
	assert_answer("pending-confirm");
	memcpy(token, reply.r.token, TXN_TOKEN);
	assert_int_equal(strlen(token), 22);
	assert_value(0, "a");
}

/* ---- rows of the table ---- */

static void one_shot(void **state)
{
	set(0, "a", COMMIT);
	assert_answer("applied");
	assert_string_equal(reply.r.commit_id, "c-000001");
	assert_string_equal(reply.r.token, "");
	assert_int_equal(reply.diff.n, 1);
	assert_string_equal(reply.hash, p.hash);
	assert_value(0, "a");
	assert_int_equal(txn_state(p.txn), TXN_IDLE);
	assert_journal("PSA");
}

static void prepare_and_commit(void **state)
{
	char token[TXN_TOKEN];

	set(0, "a", (struct txn_request){.what = TXN_PREPARE});
	assert_answer("prepared");
	assert_value(0, "");
	assert_int_equal(txn_state(p.txn), TXN_PREPARED);
	assert_journal("P");
	assert_int_equal(p.n_synced, 1);
	memcpy(token, reply.r.token, TXN_TOKEN);
	ask((struct txn_request){.what = TXN_COMMIT, .token = token});
	assert_answer("applied");
	assert_value(0, "a");
	/* Once only. */
	ask((struct txn_request){.what = TXN_COMMIT, .token = token});
	assert_refused(NETERR_TRANSACTION_UNKNOWN, "invalid-value");
	assert_journal("PSA");
}

static void prepare_commit_confirmed_confirm(void **state)
{
	char token[TXN_TOKEN];

	set(0, "a", (struct txn_request){.what = TXN_PREPARE, .persist = true});
	memcpy(token, reply.r.token, TXN_TOKEN);
	ask((struct txn_request){
		.what = TXN_COMMIT, .token = token, .confirmed = 10, .persist = true});
	assert_answer("pending-confirm");
	assert_string_equal(reply.r.token, token);
	ask((struct txn_request){.what = TXN_CONFIRM, .token = token});
	assert_answer("confirmed");
	assert_journal("PSAC");
	assert_string_equal(p.events, "start alice 10;complete alice 0;");
}

static void prepared_abort(void **state)
{
	char token[TXN_TOKEN];

	set(0, "a", (struct txn_request){.what = TXN_PREPARE});
	memcpy(token, reply.r.token, TXN_TOKEN);
	ask((struct txn_request){.what = TXN_CANCEL, .token = token});
	assert_answer("aborted");
	assert_int_equal(txn_state(p.txn), TXN_IDLE);
	assert_value(0, "");
	assert_journal("PB");
}

static void prepared_lease(void **state)
{
	char token[TXN_TOKEN];
	usec_t at = p.now;

	set(0, "a", (struct txn_request){.what = TXN_PREPARE, .lease = 5});
	memcpy(token, reply.r.token, TXN_TOKEN);
	puppet_until(&p, at + SEC(5) - 1);
	assert_int_equal(txn_state(p.txn), TXN_PREPARED);
	puppet_until(&p, at + SEC(5));
	assert_int_equal(txn_state(p.txn), TXN_IDLE);
	ask((struct txn_request){.what = TXN_COMMIT, .token = token});
	assert_refused(NETERR_TRANSACTION_UNKNOWN, NULL);
}

static void prepared_default_lease(void **state)
{
	usec_t at = p.now;

	set(0, "a", (struct txn_request){.what = TXN_PREPARE});
	assert_int_equal(txn_tick(p.txn, p.now), at + SEC(30));
	ask((struct txn_request){.what = TXN_PREPARE, .lease = 301});
	assert_refused(NETERR_INVALID, "invalid-value");
}

static void prepared_restart(void **state)
{
	set(0, "a", (struct txn_request){.what = TXN_PREPARE, .persist = true});
	puppet_restart(&p, false);
	puppet_run(&p);
	assert_true(p.recovered);
	assert_int_equal(txn_state(p.txn), TXN_IDLE);
	assert_value(0, "");
}

static void apply_fails(void **state)
{
	p.fail_apply = 1;
	set(0, "a", COMMIT);
	assert_refused(NETERR_CONFIG_INCOMPATIBLE, "operation-failed");
	assert_value(0, "");
	assert_int_equal(txn_state(p.txn), TXN_IDLE);
}

static void confirm_in_time(void **state)
{
	char token[TXN_TOKEN];
	usec_t at = p.now;

	pending(token, 2);
	puppet_until(&p, at + SEC(1));
	ask((struct txn_request){.what = TXN_CONFIRM, .token = token});
	assert_answer("confirmed");
	puppet_until(&p, at + SEC(3));
	assert_value(0, "a");
	/* A second confirm finds nothing. */
	ask((struct txn_request){.what = TXN_CONFIRM, .token = token});
	assert_refused(NETERR_TRANSACTION_UNKNOWN, NULL);
}

/* The plain commit of NETCONF: {token}, without `confirmed`, confirms. */
static void commit_confirms(void **state)
{
	char token[TXN_TOKEN];

	pending(token, 2);
	ask((struct txn_request){.what = TXN_COMMIT, .token = token});
	assert_answer("confirmed");
	puppet_until(&p, p.now + SEC(3));
	assert_value(0, "a");
}

/* The owner's session needs no token. */
static void session_confirms(void **state)
{
	char token[TXN_TOKEN];

	pending(token, 2);
	assert_true(txn_owns(p.txn, &alice));
	assert_false(txn_owns(p.txn, &bob));
	ask(COMMIT);
	assert_answer("confirmed");
	puppet_until(&p, p.now + SEC(3));
	assert_value(0, "a");
}

static void expiry(void **state)
{
	char token[TXN_TOKEN];
	usec_t at = p.now;

	set(1, "base", COMMIT);
	pending(token, 1);
	puppet_until(&p, at + SEC(1) - 1);
	assert_value(0, "a");
	puppet_until(&p, at + SEC(1));
	assert_value(0, "");
	assert_value(1, "base");
	assert_string_equal(p.events, "start alice 1;timeout - 0;");
	assert_int_equal(txn_state(p.txn), TXN_IDLE);
}

static void assert_late(const char *token, const char *rollback, const char *expired_at)
{
	char want[512];

	assert_refused(NETERR_CONFIRMED_COMMIT_TIMEOUT, NULL);
	snprintf(want, sizeof(want),
		 "{\"commitId\":\"c-000002\","
		 "\"confirmToken\":\"%s\","
		 "\"expiredAt\":\"%s\",\"rolledBackTo\":\"c-000001\",\"rollback\":\"%s\","
		 "\"retryable\":true}",
		 token, expired_at, rollback);
	assert_string_equal(reply.data, want);
}

/* The exact data of spec §2.1; 24 hours long, after restarts, too, but not a second longer than it
 * must. */
static void late_confirm(void **state)
{
	char token[TXN_TOKEN];
	char at[32];

	set(1, "base", COMMIT);
	pending(token, 1);
	txn_time((p.now + SEC(1)) * 1000 + p.wall_offset, at);
	puppet_until(&p, p.now + SEC(2));
	ask((struct txn_request){.what = TXN_CONFIRM, .token = token});
	assert_late(token, "complete", at);
	ask((struct txn_request){.what = TXN_CONFIRM, .token = token, .by = &bob});
	assert_refused(NETERR_TRANSACTION_UNKNOWN, NULL);
	puppet_restart(&p, false);
	puppet_until(&p, p.now + SEC(24 * 3600 - 10));
	ask((struct txn_request){.what = TXN_CONFIRM, .token = token});
	assert_late(token, "complete", at);
	puppet_until(&p, p.now + SEC(20));
	ask((struct txn_request){.what = TXN_CONFIRM, .token = token});
	assert_refused(NETERR_TRANSACTION_UNKNOWN, NULL);
}

/* One that comes while the rollback is under way is answered when that is complete. */
static void confirm_while_rolling_back(void **state)
{
	char token[TXN_TOKEN];
	char at[32];
	struct puppet_reply r = {0};
	struct txn_request q = {.what = TXN_CONFIRM, .by = &alice};

	set(1, "base", COMMIT);
	pending(token, 1);
	q.token = token;
	p.now += SEC(1);
	txn_time(p.now * 1000 + p.wall_offset, at);
	puppet_submit(&p, &q, &r); /* exactly at the deadline: too late */
	assert_int_equal(r.n, 0);
	puppet_run(&p);
	assert_int_equal(r.n, 1);
	puppet_reply_free(&reply);
	reply = r;
	assert_late(token, "complete", at);
	assert_value(0, "");
}

/* A confirm that came in time and had to wait for the journal is good. */
static void confirm_over_the_deadline(void **state)
{
	char token[TXN_TOKEN];
	struct puppet_reply r = {0};
	struct txn_request q = {.what = TXN_CONFIRM, .by = &alice};

	pending(token, 1);
	q.token = token;
	p.now += SEC(1) - 1;
	puppet_submit(&p, &q, &r);
	p.now += SEC(5);
	puppet_run(&p);
	assert_true(r.ok);
	assert_value(0, "a");
	puppet_reply_free(&r);
}

static void follow_up(void **state)
{
	char token[TXN_TOKEN];
	usec_t at = p.now;

	/* t0 A; t0+1 B by follow-up with two more seconds; at t0+3.05 both are gone. */
	pending(token, 2);
	puppet_until(&p, at + SEC(1));
	set(1, "b",
	    (struct txn_request){
		    .what = TXN_COMMIT, .token = token, .confirmed = 2, .persist = true});
	assert_answer("pending-confirm");
	assert_string_equal(reply.r.commit_id, "c-000001");
	assert_string_equal(reply.r.token, token);
	assert_value(1, "b");
	puppet_until(&p, at + SEC(3) - 1);
	assert_value(0, "a");
	assert_value(1, "b");
	puppet_until(&p, at + SEC(3));
	assert_value(0, "");
	assert_value(1, "");
	assert_string_equal(p.events, "start alice 2;extend alice 2;timeout - 0;");
}

static void follow_up_extends_only(void **state)
{
	char token[TXN_TOKEN];
	usec_t at = p.now;

	pending(token, 2);
	puppet_until(&p, at + SEC(1));
	ask((struct txn_request){
		.what = TXN_COMMIT, .token = token, .confirmed = 5, .persist = true});
	assert_answer("pending-confirm");
	puppet_until(&p, at + SEC(6) - 1);
	assert_value(0, "a");
	puppet_until(&p, at + SEC(6));
	assert_value(0, "");
}

static void follow_up_takes_back_then_expires(void **state)
{
	char token[TXN_TOKEN];

	set(0, "old", COMMIT);
	pending(token, 2);
	set(0, "old",
	    (struct txn_request){
		    .what = TXN_COMMIT, .token = token, .confirmed = 2, .persist = true});
	assert_answer("pending-confirm");
	assert_value(0, "old");
	puppet_until(&p, p.now + SEC(2));
	assert_value(0, "old");
	assert_int_equal(txn_state(p.txn), TXN_IDLE);
}

static void follow_up_for_good(void **state)
{
	char token[TXN_TOKEN];

	pending(token, 2);
	set(1, "b", (struct txn_request){.what = TXN_COMMIT, .token = token});
	assert_answer("confirmed");
	puppet_until(&p, p.now + SEC(5));
	assert_value(0, "a");
	assert_value(1, "b");
	/* One entry of the ring, both changes. */
	assert_int_equal(txn_commit_changes(p.txn, "c-000001")->n, 2);
}

/* Its failure leaves the first commit pending, with its own deadline and token. */
static void follow_up_fails(void **state)
{
	char token[TXN_TOKEN];
	usec_t at = p.now;

	pending(token, 2);
	p.fail_apply = 1;
	set(1, "b",
	    (struct txn_request){
		    .what = TXN_COMMIT, .token = token, .confirmed = 9, .persist = true});
	assert_refused(NETERR_CONFIG_INCOMPATIBLE, NULL);
	assert_int_equal(txn_state(p.txn), TXN_PENDING);
	assert_value(0, "a");
	assert_value(1, "");
	puppet_until(&p, at + SEC(2));
	assert_value(0, "");
}

/* What cannot be taken back alone takes the whole with it. */
static void follow_up_fails_badly(void **state)
{
	char token[TXN_TOKEN];

	pending(token, 2);
	p.fail_apply = 1;
	p.fail_undo = 2;
	set(1, "b",
	    (struct txn_request){
		    .what = TXN_COMMIT, .token = token, .confirmed = 9, .persist = true});
	assert_refused(NETERR_ROLLBACK_FAILED, "rollback-failed");
	assert_int_equal(txn_state(p.txn), TXN_FAILED);
	puppet_until(&p, p.now + SEC(1));
	assert_int_equal(txn_state(p.txn), TXN_IDLE);
	assert_value(0, "");
	assert_value(1, "");
	ask((struct txn_request){.what = TXN_CONFIRM, .token = token});
	assert_refused(NETERR_CONFIRMED_COMMIT_TIMEOUT, NULL);
}

static void cancel(void **state)
{
	char token[TXN_TOKEN];

	pending(token, 5);
	ask((struct txn_request){.what = TXN_CANCEL, .token = token});
	assert_answer("rolled-back");
	assert_value(0, "");
	assert_string_equal(p.events, "start alice 5;cancel alice 0;");
	ask((struct txn_request){.what = TXN_CONFIRM, .token = token});
	assert_refused(NETERR_TRANSACTION_UNKNOWN, NULL);
}

/* network.rollback {} of the same principal, without a session or a token. */
static void rollback_cancels(void **state)
{
	char token[TXN_TOKEN];
	struct principal other = alice;

	other.session[0] = 0;
	pending(token, 5);
	ask((struct txn_request){.what = TXN_ROLLBACK, .by = &bob});
	assert_refused(NETERR_LOCK_DENIED, "in-use");
	ask((struct txn_request){.what = TXN_ROLLBACK, .by = &other});
	assert_answer("rolled-back");
	assert_value(0, "");
}

static void session_gone(void **state)
{
	set(0, "a", (struct txn_request){.what = TXN_COMMIT, .confirmed = 60});
	txn_session_closed(p.txn, "s2", p.now);
	puppet_run(&p);
	assert_value(0, "a");
	txn_session_closed(p.txn, "s1", p.now);
	puppet_run(&p);
	assert_value(0, "");
	assert_string_equal(p.events, "start alice 60;cancel alice 0;");
}

static void session_gone_persist(void **state)
{
	char token[TXN_TOKEN];

	pending(token, 60);
	txn_session_closed(p.txn, "s1", p.now);
	puppet_run(&p);
	assert_value(0, "a");
}

static void session_gone_while_applying(void **state)
{
	struct puppet_reply r = {0};
	struct changes c = {0};
	struct txn_request q = {.what = TXN_COMMIT, .by = &alice, .confirmed = 60, .changes = &c};

	puppet_set(&p.running, &c, 0, "a");
	puppet_submit(&p, &q, &r);
	txn_session_closed(p.txn, "s1", p.now);
	puppet_run(&p);
	assert_value(0, "");
	assert_int_equal(txn_state(p.txn), TXN_IDLE);
	changes_free(&c);
	puppet_reply_free(&r);
}

static void reboot(void **state)
{
	char token[TXN_TOKEN];

	set(1, "base", COMMIT);
	pending(token, 3600);
	puppet_restart(&p, true);
	assert_false(p.recovered); /* not before the device is restored */
	puppet_run(&p);
	assert_true(p.recovered);
	assert_int_equal(p.recovered_rc, 0);
	assert_string_equal(p.running.value[0], "");
	assert_string_equal(p.running.value[1], "base");
	ask((struct txn_request){.what = TXN_CONFIRM, .token = token});
	assert_refused(NETERR_CONFIRMED_COMMIT_TIMEOUT, NULL);
}

static void crash_persist(void **state)
{
	char token[TXN_TOKEN];
	usec_t at = p.now;

	pending(token, 10);
	p.now += SEC(4);
	p.wall_offset += 3600 * 1000000000ll; /* the wall clock does not move the deadline */
	puppet_restart(&p, false);
	puppet_run(&p);
	assert_true(p.recovered);
	assert_int_equal(txn_state(p.txn), TXN_PENDING);
	assert_int_equal(txn_tick(p.txn, p.now), at + SEC(10));
	ask((struct txn_request){.what = TXN_CONFIRM, .token = token, .by = &bob});
	assert_refused(NETERR_TRANSACTION_UNKNOWN, NULL);
	ask((struct txn_request){.what = TXN_CONFIRM, .token = token});
	assert_answer("confirmed");
	assert_value(0, "a");
}

static void crash_persist_expired(void **state)
{
	char token[TXN_TOKEN];

	pending(token, 10);
	p.now += SEC(10);
	puppet_restart(&p, false);
	puppet_run(&p);
	assert_value(0, "");
	ask((struct txn_request){.what = TXN_CONFIRM, .token = token});
	assert_refused(NETERR_CONFIRMED_COMMIT_TIMEOUT, NULL);
}

static void crash_session(void **state)
{
	set(0, "a", (struct txn_request){.what = TXN_COMMIT, .confirmed = 60});
	puppet_restart(&p, false);
	puppet_run(&p);
	assert_value(0, "");
}

static void failed_retries(void **state)
{
	char token[TXN_TOKEN];
	static const unsigned wait[] = {1, 2, 4, 8, 16, 32, 60, 60};
	unsigned i;

	pending(token, 1);
	p.fail_undo = 9;
	puppet_until(&p, p.now + SEC(1));
	for (i = 0; i < 8; i++) {
		assert_int_equal(txn_state(p.txn), TXN_FAILED);
		assert_int_equal(txn_tick(p.txn, p.now), p.now + SEC(wait[i]));
		p.now += SEC(wait[i]);
		puppet_run(&p);
	}
	set(1, "b", COMMIT);
	assert_refused(NETERR_ROLLBACK_FAILED, "rollback-failed");
	ask((struct txn_request){.what = TXN_CONFIRM, .token = token});
	assert_refused(NETERR_CONFIRMED_COMMIT_TIMEOUT, NULL);
	assert_non_null(strstr(reply.data, "\"rollback\":\"failed\""));
	puppet_until(&p, p.now + SEC(60));
	assert_int_equal(txn_state(p.txn), TXN_IDLE);
	assert_value(0, "");
	ask((struct txn_request){.what = TXN_CONFIRM, .token = token});
	assert_non_null(strstr(reply.data, "\"rollback\":\"complete\""));
}

static void failed_force(void **state)
{
	char token[TXN_TOKEN];

	pending(token, 1);
	p.fail_undo = 1;
	puppet_until(&p, p.now + SEC(1));
	set(1, "b", (struct txn_request){.what = TXN_COMMIT, .force = true});
	assert_answer("applied");
	assert_value(1, "b");
	assert_string_equal(p.running.value[0], "");
}

/* ---- others, tokens ---- */

static void others_wait(void **state)
{
	char token[TXN_TOKEN];

	pending(token, 60);
	set(1, "b", (struct txn_request){.what = TXN_COMMIT, .by = &bob});
	assert_refused(NETERR_LOCK_DENIED, "in-use");
	assert_non_null(strstr(reply.data, "\"retryable\":true"));
	set(1, "b", (struct txn_request){.what = TXN_PREPARE, .by = &bob});
	assert_refused(NETERR_LOCK_DENIED, "in-use");
	ask((struct txn_request){.what = TXN_ROLLBACK, .by = &bob, .steps = 1});
	assert_refused(NETERR_LOCK_DENIED, "in-use");
	ask((struct txn_request){.what = TXN_CANCEL, .by = &bob, .token = token});
	assert_refused(NETERR_TRANSACTION_UNKNOWN, NULL);
	assert_null(reply.data);
	ask((struct txn_request){.what = TXN_COMMIT, .by = &bob, .token = token, .confirmed = 600});
	assert_refused(NETERR_TRANSACTION_UNKNOWN, NULL);
	assert_null(reply.data);
	/* Looking is allowed. */
	set(1, "b", (struct txn_request){.what = TXN_COMMIT, .by = &bob, .dry_run = true});
	assert_answer("no-change");
	assert_int_equal(reply.diff.n, 1);
	assert_value(0, "a");
	assert_value(1, "");
}

static void tokens_differ_and_stay_out_of_the_journal(void **state)
{
	char token[8][TXN_TOKEN];
	unsigned i;
	size_t k;

	for (i = 0; i < 8; i++) {
		pending(token[i], 60);
		assert_int_equal(
			strspn(token[i],
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
			22);
		for (k = 0; k < i; k++)
			assert_string_not_equal(token[i], token[k]);
		ask((struct txn_request){.what = TXN_CANCEL, .token = token[i]});
		for (k = 0; k < p.n_record; k++)
			assert_null(strstr(p.record[k].json, token[i]));
	}
}

static void persist_id(void **state)
{
	set(0, "a",
	    (struct txn_request){.what = TXN_COMMIT,
				 .confirmed = 60,
				 .persist = true,
				 .persist_id = "IQ,d4668"});
	assert_answer("pending-confirm");
	assert_string_equal(reply.r.token, "");
	/* A follow-up may change it. */
	ask((struct txn_request){.what = TXN_COMMIT,
				 .token = "IQ,d4668",
				 .confirmed = 60,
				 .persist = true,
				 .persist_id = "other"});
	assert_answer("pending-confirm");
	ask((struct txn_request){.what = TXN_CONFIRM, .token = "IQ,d4668", .by = &alice});
	assert_refused(NETERR_TRANSACTION_UNKNOWN, NULL);
	ask((struct txn_request){.what = TXN_CONFIRM, .token = "other"});
	assert_answer("confirmed");
}

/* ---- conditions ---- */

static void if_running(void **state)
{
	char hash[80];

	memcpy(hash, p.hash, sizeof(hash));
	set(0, "a", (struct txn_request){.what = TXN_COMMIT, .if_running = hash});
	assert_answer("applied");
	set(0, "b", (struct txn_request){.what = TXN_COMMIT, .if_running = hash});
	assert_refused(NETERR_CONFIG_INCOMPATIBLE, "operation-failed");
	assert_value(0, "a");
}

static void dry_run_and_no_change(void **state)
{
	set(0, "a", (struct txn_request){.what = TXN_COMMIT, .dry_run = true});
	assert_answer("no-change");
	assert_int_equal(reply.diff.n, 1);
	ask(COMMIT);
	assert_answer("no-change");
	assert_string_equal(reply.r.commit_id, "c-000000");
	assert_int_equal(p.n_record, 0);
	p.refuse = true;
	set(0, "a", (struct txn_request){.what = TXN_COMMIT, .dry_run = true});
	assert_refused(NETERR_CONFIG_INCOMPATIBLE, NULL);
}

static void arguments(void **state)
{
	char comment[TXN_MAX_COMMENT + 2];

	memset(comment, 'x', sizeof(comment));
	comment[TXN_MAX_COMMENT + 1] = 0;
	set(0, "a", (struct txn_request){.what = TXN_COMMIT, .comment = comment});
	assert_refused(NETERR_INVALID, NULL);
	comment[TXN_MAX_COMMENT] = 0;
	set(0, "a", (struct txn_request){.what = TXN_COMMIT, .comment = comment});
	assert_answer("applied");
	set(0, "b", CONFIRMED(3601));
	assert_refused(NETERR_INVALID, NULL);
	ask((struct txn_request){.what = TXN_ROLLBACK, .steps = 101});
	assert_refused(NETERR_INVALID, NULL);
	ask((struct txn_request){.what = TXN_ROLLBACK, .steps = 1, .commit_id = "c-000001"});
	assert_refused(NETERR_INVALID, NULL);
}

/* ---- rollback ---- */

static void rollback_steps(void **state)
{
	char value[16];
	unsigned i;

	for (i = 1; i <= 5; i++) {
		snprintf(value, sizeof(value), "%u", i);
		set(0, value, COMMIT);
		set(i, "x", COMMIT);
	}
	ask((struct txn_request){.what = TXN_ROLLBACK, .steps = 3});
	assert_answer("rolled-back");
	assert_string_equal(reply.r.commit_id, "c-000011");
	assert_value(0, "4");
	assert_value(5, "");
	assert_value(4, "");
	assert_value(3, "x");
	/* A rollback is a commit: undone itself. */
	ask((struct txn_request){.what = TXN_ROLLBACK, .steps = 1});
	assert_value(0, "5");
	assert_value(5, "x");
	/* As it was then. */
	ask((struct txn_request){.what = TXN_ROLLBACK, .commit_id = "c-000002"});
	assert_answer("rolled-back");
	assert_value(0, "1");
	assert_value(1, "x");
	assert_value(2, "");
	ask((struct txn_request){.what = TXN_ROLLBACK, .commit_id = "c-000000"});
	assert_value(0, "");
	assert_value(1, "");
	ask((struct txn_request){.what = TXN_ROLLBACK, .commit_id = "c-000777"});
	assert_refused(NETERR_TRANSACTION_UNKNOWN, "data-missing");
}

static void rollback_ring_is_full(void **state)
{
	char value[16];
	unsigned i;

	for (i = 1; i <= 120; i++) {
		snprintf(value, sizeof(value), "%u", i);
		set(0, value, COMMIT);
	}
	ask((struct txn_request){.what = TXN_ROLLBACK, .commit_id = "c-000019"});
	assert_refused(NETERR_TRANSACTION_UNKNOWN, NULL);
	ask((struct txn_request){.what = TXN_ROLLBACK, .steps = 100});
	assert_answer("rolled-back");
	assert_value(0, "20");
}

static void rollback_survives_restart(void **state)
{
	char *text;
	size_t n;
	struct err err;

	set(0, "1", (struct txn_request){.what = TXN_COMMIT, .comment = "first"});
	set(0, "2", COMMIT);
	puppet_restart(&p, false);
	puppet_run(&p);
	ask((struct txn_request){.what = TXN_ROLLBACK, .steps = 1});
	assert_value(0, "1");
	/* The same by a checkpoint. */
	text = txn_checkpoint(p.txn, &n);
	assert_non_null(text);
	while (p.n_record)
		free(p.record[--p.n_record].json);
	p.n_synced = 0;
	{
		struct puppet_map was = p.running;

		puppet_restart(&p, false);
		p.running = was;
	}
	assert_int_equal(
		txn_replay(p.txn, JOURNAL_CHECKPOINT, slice_of(text, n), true, p.now, &err), 0);
	free(text);
	ask((struct txn_request){.what = TXN_ROLLBACK, .steps = 3});
	assert_answer("rolled-back");
	assert_string_equal(reply.r.commit_id, "c-000004");
	assert_value(0, "");
}

static void history(void **state)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *arr;

	set(0, "1", (struct txn_request){.what = TXN_COMMIT, .comment = "first", .by = &bob});
	set(0, "2", COMMIT);
	arr = txn_history(p.txn, doc);
	assert_int_equal(yyjson_mut_arr_size(arr), 2);
	assert_string_equal(
		yyjson_mut_get_str(yyjson_mut_obj_get(yyjson_mut_arr_get(arr, 1), "comment")),
		"first");
	assert_string_equal(
		yyjson_mut_get_str(yyjson_mut_obj_get(yyjson_mut_arr_get(arr, 1), "user")), "bob");
	assert_string_equal(
		yyjson_mut_get_str(yyjson_mut_obj_get(yyjson_mut_arr_get(arr, 0), "runningHash")),
		p.hash);
	yyjson_mut_doc_free(doc);
}

static void assert_line(unsigned i, const char *id, const char *state, const char *reason)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *line = yyjson_mut_arr_get(txn_history(p.txn, doc), i);
	const char *why = yyjson_mut_get_str(yyjson_mut_obj_get(line, "reason"));

	assert_string_equal(yyjson_mut_get_str(yyjson_mut_obj_get(line, "commitId")), id);
	assert_string_equal(yyjson_mut_get_str(yyjson_mut_obj_get(line, "state")), state);
	assert_string_equal(why ? why : "", reason);
	yyjson_mut_doc_free(doc);
}

static void assert_trials(void)
{
	assert_line(0, "c-000005", "rolled-back", "restart");
	assert_line(1, "c-000004", "rolled-back", "session");
	assert_line(2, "c-000003", "rolled-back", "cancel");
	assert_line(3, "c-000002", "rolled-back", "timeout");
	assert_line(4, "c-000001", "confirmed", "");
}

/* A trial that ends is a line of history, after a restart and a checkpoint too, but no step; its end is told where
 * nobody asked for it. */
static void trials(void **state)
{
	char token[TXN_TOKEN];
	struct puppet_map was;
	struct err err;
	char *text;
	size_t n;

	set(1, "base", COMMIT);
	pending(token, 1);
	puppet_until(&p, p.now + SEC(1));
	assert_string_equal(p.ended, "c-000002 timeout 1");
	pending(token, 5);
	ask((struct txn_request){.what = TXN_CANCEL, .token = token});
	assert_int_equal(p.n_ended, 1);
	set(0, "a", (struct txn_request){.what = TXN_COMMIT, .confirmed = 60});
	txn_session_closed(p.txn, "s1", p.now);
	puppet_run(&p);
	assert_string_equal(p.ended, "c-000004 session 1");
	set(0, "a", (struct txn_request){.what = TXN_COMMIT, .confirmed = 60});
	assert_answer("pending-confirm");
	puppet_restart(&p, false);
	puppet_run(&p);
	assert_string_equal(p.ended, "c-000005 restart 1");
	assert_int_equal(p.n_ended, 3);
	assert_trials();
	puppet_restart(&p, false);
	puppet_run(&p);
	assert_int_equal(p.n_ended, 3);
	assert_trials();
	text = txn_checkpoint(p.txn, &n);
	assert_non_null(text);
	while (p.n_record)
		free(p.record[--p.n_record].json);
	p.n_synced = 0;
	was = p.running;
	puppet_restart(&p, false);
	p.running = was;
	assert_int_equal(
		txn_replay(p.txn, JOURNAL_CHECKPOINT, slice_of(text, n), true, p.now, &err), 0);
	free(text);
	assert_trials();
	ask((struct txn_request){.what = TXN_ROLLBACK, .steps = 1});
	assert_answer("rolled-back");
	assert_value(1, "");
}

/* ---- idempotency ---- */

static const uint8_t args1[32] = {1};
static const uint8_t args2[32] = {2};

static struct txn_request keyed(const uint8_t *args)
{
	return (struct txn_request){.what = TXN_COMMIT, .idem_key = "k1", .idem_args = args};
}

static void idempotency(void **state)
{
	size_t records;

	set(0, "a", keyed(args1));
	assert_answer("applied");
	assert_false(reply.r.replayed);
	records = p.n_record;
	set(0, "b", keyed(args1)); /* the front end would send what the candidate holds by now */
	assert_answer("applied");
	assert_true(reply.r.replayed);
	assert_string_equal(reply.r.commit_id, "c-000001");
	assert_int_equal(reply.diff.n, 1);
	assert_string_equal(reply.diff.at[0].new, "a");
	assert_int_equal(p.n_record, records);
	set(0, "b", keyed(args2));
	assert_refused(NETERR_INVALID, "invalid-value");
	set(0, "b",
	    (struct txn_request){
		    .what = TXN_COMMIT, .idem_key = "k1", .idem_args = args2, .by = &bob});
	assert_answer("applied"); /* his own key */
	puppet_restart(&p, false);
	puppet_run(&p);
	set(0, "c", keyed(args1));
	assert_true(reply.r.replayed);
	assert_string_equal(reply.r.commit_id, "c-000001");
	puppet_until(&p, p.now + SEC(24 * 3600));
	set(0, "c", keyed(args1));
	assert_false(reply.r.replayed);
	assert_value(0, "c");
}

static void idempotency_of_a_pending_commit(void **state)
{
	struct txn_request q = CONFIRMED(60);
	char token[TXN_TOKEN];

	q.idem_key = "k1";
	q.idem_args = args1;
	set(0, "a", q);
	memcpy(token, reply.r.token, TXN_TOKEN);
	set(0, "a", q);
	assert_true(reply.r.replayed);
	assert_string_equal(reply.r.token, token);
	/* Confirmed twice by the same key. */
	q = (struct txn_request){
		.what = TXN_CONFIRM, .token = token, .idem_key = "k2", .idem_args = args2};
	ask(q);
	assert_answer("confirmed");
	ask(q);
	assert_answer("confirmed");
	assert_true(reply.r.replayed);
}

static void idempotency_forgets_failures(void **state)
{
	p.fail_apply = 1;
	set(0, "a", keyed(args1));
	assert_false(reply.ok);
	set(0, "a", keyed(args1));
	assert_answer("applied");
	assert_false(reply.r.replayed);
}

/* ---- the journal fails ---- */

static void journal_fails(void **state)
{
	unsigned seed;

	for (seed = 0; seed < 64; seed++) {
		unsigned before;

		rng_seed(&p.rng, seed);
		for (before = 0; before < 2; before++) {
			struct changes c = {0};
			struct puppet_reply r = {0};
			struct txn_request q = {.what = TXN_COMMIT, .by = &alice, .changes = &c};
			char value[16];

			snprintf(value, sizeof(value), "%u.%u", seed, before);
			puppet_set(&p.running, &c, 3, value);
			puppet_submit(&p, &q, &r);
			if (before) { /* PREPARE is durable, APPLIED fails */
				puppet_step(&p);
				p.fail_journal = 1;
			} else {
				p.fail_journal = 1;
			}
			puppet_run(&p);
			if (before || !r.ok) {
				struct puppet_map was = p.running;

				assert_false(r.ok);
				assert_string_not_equal(p.running.value[3], value);
				p.fail_journal = 0;
				puppet_until(&p, p.now + SEC(2));
				assert_true(puppet_same(&p.kernel, &p.running));
				puppet_restart(&p, false);
				puppet_run(&p);
				assert_true(puppet_same(&p.running, &was));
				assert_true(puppet_same(&p.kernel, &p.running));
			}
			p.fail_journal = 0;
			changes_free(&c);
			puppet_reply_free(&r);
		}
	}
}

static void confirm_journal_fails(void **state)
{
	char token[TXN_TOKEN];
	unsigned seed;

	for (seed = 0; seed < 16; seed++) {
		usec_t at;

		rng_seed(&p.rng, seed);
		at = p.now;
		pending(token, 10);
		p.fail_journal = 1;
		ask((struct txn_request){.what = TXN_CONFIRM, .token = token});
		assert_false(reply.ok);
		p.fail_journal = 0;
		assert_int_equal(txn_state(p.txn), TXN_PENDING);
		if (seed & 1) {
			puppet_restart(&p, false);
			puppet_run(&p);
			assert_int_equal(txn_state(p.txn), TXN_PENDING);
		}
		puppet_until(&p, at + SEC(10) - 1);
		assert_value(0, "a");
		puppet_until(&p, at + SEC(10));
		assert_value(0, "");
		puppet_restart(&p, false);
		puppet_run(&p);
		assert_value(0, "");
	}
}

/* ---- requests wait for their turn ---- */

static unsigned staged;
static int stage(void *ctx, struct changes *out, struct neterr *e)
{
	staged++;
	puppet_set(&p.running, out, 7, p.running.value[7][0] ? "second" : "first");
	return 0;
}

static void queue(void **state)
{
	struct puppet_reply r[2] = {0};
	struct txn_request q = {.what = TXN_COMMIT, .by = &alice, .stage = stage};

	puppet_submit(&p, &q, &r[0]);
	q.by = &bob;
	puppet_submit(&p, &q, &r[1]);
	assert_int_equal(staged, 1);
	puppet_run(&p);
	assert_int_equal(staged, 2);
	assert_true(r[0].ok && r[1].ok);
	assert_value(7, "second");
	puppet_reply_free(&r[0]);
	puppet_reply_free(&r[1]);
}

static void times(void **state)
{
	char at[32];

	txn_time(0, at);
	assert_string_equal(at, "1970-01-01T00:00:00.000Z");
	txn_time(1795453210004999999, at);
	assert_string_equal(at, "2026-11-23T17:00:10.004Z");
	txn_time(951782399999000000, at);
	assert_string_equal(at, "2000-02-28T23:59:59.999Z");
	txn_time(951782400000000000, at);
	assert_string_equal(at, "2000-02-29T00:00:00.000Z");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(one_shot),
		T(prepare_and_commit),
		T(prepare_commit_confirmed_confirm),
		T(prepared_abort),
		T(prepared_lease),
		T(prepared_default_lease),
		T(prepared_restart),
		T(apply_fails),
		T(confirm_in_time),
		T(commit_confirms),
		T(session_confirms),
		T(expiry),
		T(late_confirm),
		T(confirm_while_rolling_back),
		T(confirm_over_the_deadline),
		T(follow_up),
		T(follow_up_extends_only),
		T(follow_up_takes_back_then_expires),
		T(follow_up_for_good),
		T(follow_up_fails),
		T(follow_up_fails_badly),
		T(cancel),
		T(rollback_cancels),
		T(session_gone),
		T(session_gone_persist),
		T(session_gone_while_applying),
		T(reboot),
		T(crash_persist),
		T(crash_persist_expired),
		T(crash_session),
		T(failed_retries),
		T(failed_force),
		T(others_wait),
		T(tokens_differ_and_stay_out_of_the_journal),
		T(persist_id),
		T(if_running),
		T(dry_run_and_no_change),
		T(arguments),
		T(rollback_steps),
		T(rollback_ring_is_full),
		T(rollback_survives_restart),
		T(history),
		T(trials),
		T(idempotency),
		T(idempotency_of_a_pending_commit),
		T(idempotency_forgets_failures),
		T(journal_fails),
		T(confirm_journal_fails),
		T(queue),
		T(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
