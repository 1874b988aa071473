/* SPDX-License-Identifier: BSD-2-Clause */
/* Random histories of the engine: commits of all kinds, confirmations, cancellations, time, failing
 * rooms and a failing journal, crashes and lost power between any two steps; compared with what a
 * model says of the configuration: the old one or the new one by the rules of spec §2.2, never a
 * mixture, in running and in the kernel; deadlines to the microsecond. DEP_MODEL_RUNS: how many
 * histories (2,000), DEP_MODEL_SEED: the first seed (1). */
#include "proto/netops/txn/puppet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define EVENTS 60

struct model {
	struct puppet p;
	struct rng rng;
	struct puppet_map base; /* without what is pending */
	struct puppet_map now;	/* with it */
	bool pending, persist;
	usec_t deadline;
	bool prepared;
	struct puppet_map prepared_map;
	char token[TXN_TOKEN];
	uint64_t serial;
	uint64_t seed;
	unsigned event;
	const char *what;
	struct {
		unsigned commits, refused, confirmed, expired, crashes, powers, faults;
	} met;
};

static struct model m;
static struct principal alice;

static void die(const char *why)
{
	size_t i;
	unsigned k;

	fprintf(stderr, "# seed %llu event %u %s: %s\n", (unsigned long long)m.seed, m.event,
		m.what, why);
	for (k = 0; k < PUPPET_PATHS; k++)
		fprintf(stderr, "# %2u base %-8s now %-8s running %-8s kernel %-8s\n", k,
			m.base.value[k], m.now.value[k], m.p.running.value[k], m.p.kernel.value[k]);
	for (i = m.p.n_record > 12 ? m.p.n_record - 12 : 0; i < m.p.n_record; i++)
		fprintf(stderr, "# %d %s\n", m.p.record[i].type, m.p.record[i].json);
	fail();
}

#define check(x)                                                                                   \
	do {                                                                                       \
		if (!(x))                                                                          \
			die(#x);                                                                   \
	} while (0)

static bool chance(unsigned percent)
{
	return rng_below(&m.rng, 100) < percent;
}

/* Nothing is under way: running and kernel are what the model says. */
static void check_settled(void)
{
	const struct puppet_map *want = m.pending ? &m.now : &m.base;

	check(!m.p.misfit);
	check(puppet_same(&m.p.running, want));
	check(puppet_same(&m.p.kernel, want));
	check(txn_state(m.p.txn) == (m.pending	  ? TXN_PENDING
				     : m.prepared ? TXN_PREPARED
						  : TXN_IDLE));
}

/* Waits until what failed was tried often enough. */
static void settle(void)
{
	unsigned i;

	m.p.fail_apply = 0;
	m.p.fail_journal = 0;
	puppet_run(&m.p);
	for (i = 0; i < 20 && txn_state(m.p.txn) == TXN_FAILED; i++)
		puppet_until(&m.p, txn_tick(m.p.txn, m.p.now));
	m.p.fail_undo = 0;
	m.p.fail_running = 0;
}

/* Time may have gone over a deadline. */
static void time_passed(void)
{
	if (m.pending && m.p.now >= m.deadline) {
		m.pending = false;
		m.now = m.base;
		m.met.expired++;
	}
	if (txn_state(m.p.txn) == TXN_IDLE)
		m.prepared = false;
}

static void random_changes(struct changes *c, struct puppet_map *to)
{
	unsigned n = 1 + (unsigned)rng_below(&m.rng, 3);
	struct puppet_map from = m.pending ? m.now : m.base;

	*to = from;
	while (n--) {
		unsigned i = (unsigned)rng_below(&m.rng, PUPPET_PATHS);
		char value[16] = "";

		if (chance(75))
			snprintf(value, sizeof(value), "%llu",
				 (unsigned long long)(chance(30) ? 1 : ++m.serial));
		if (strcmp(to->value[i], from.value[i]) != 0)
			continue; /* one change a path */
		puppet_set(to, c, i, value);
		memset(to->value[i], 0, sizeof(to->value[i]));
		snprintf(to->value[i], sizeof(to->value[i]), "%s", value);
	}
}

/* Restarts, and sees to it that what is there then is one of the two. */
static void restart(bool power, const struct puppet_map *one, const struct puppet_map *two)
{
	struct puppet *p = &m.p;
	struct puppet_map base = m.base;
	bool hard = chance(15);

	m.prepared = false;
	if (power)
		m.met.powers++;
	else
		m.met.crashes++;
	puppet_restart(p, power);
	if (hard)
		p->fail_undo = 1;
	settle();
	check(p->recovered);
	check(txn_state(p->txn) == TXN_IDLE || txn_state(p->txn) == TXN_PENDING);
	if (power)
		p->kernel = p->running; /* the owner reconciles after a reboot */
	check(puppet_same(&p->kernel, &p->running));
	/* A follow-up that could not be taken back alone took the whole with it. */
	check(puppet_same(&p->running, one) || puppet_same(&p->running, two) ||
	      (hard && puppet_same(&p->running, &base)));
	if (txn_state(p->txn) == TXN_PENDING) {
		check(!power);
		check(m.persist);
		m.now = p->running;
		m.pending = true;
		m.deadline = txn_tick(p->txn, p->now);
		check(m.deadline > p->now);
	} else {
		m.base = p->running;
		m.now = p->running;
		m.pending = false;
	}
}

/* Lets a request happen, perhaps with faults, perhaps cut short by a crash. false: it crashed, all
 * is accounted for. */
static bool play(struct txn_request *q, struct puppet_reply *r, const struct puppet_map *one,
		 const struct puppet_map *two)
{
	struct puppet *p = &m.p;
	struct puppet_map keep;
	unsigned fate = (unsigned)rng_below(&m.rng, 100);
	unsigned steps = (unsigned)rng_below(&m.rng, 6);
	bool power = chance(40);

	if (fate >= 30 && fate < 40)
		p->fail_apply = 1;
	if (fate >= 35 && fate < 42)
		p->fail_undo = (unsigned)rng_between(&m.rng, 1, 3);
	if (fate >= 42 && fate < 55)
		p->fail_journal = 1;
	if (fate >= 55 && fate < 58)
		p->fail_running = 1;
	m.met.faults += fate >= 30 && fate < 58;
	puppet_submit(p, q, r);
	if (fate >= 30) {
		puppet_run(p);
		settle();
		check(r->n == 1);
		time_passed();
		return true;
	}
	while (steps-- && puppet_step(p))
		;
	if (m.pending && q->what == TXN_COMMIT) { /* a follow-up: the whole may be gone */
		bool lost = power || !m.persist;

		one = lost ? &m.base : &m.now;
		two = q->confirmed && lost ? &m.base : two;
	}
	keep = m.pending && m.persist && !power ? m.now : m.base;
	if (r->n && !r->ok) {
		one = &keep; /* refused: nothing happened */
		two = &keep;
	}
	if (r->n && r->ok)
		one = q->confirmed && (power || !m.persist) ? one : two;
	if (!r->n)
		m.token[0] = 0; /* perhaps a new one, which nobody was told */
	else if (r->ok && r->r.token[0])
		memcpy(m.token, r->r.token, TXN_TOKEN);
	restart(power, one, two);
	return false;
}

/* Without one the session is meant. */
static const char *token(void)
{
	return m.token[0] ? m.token : NULL;
}

static void do_commit(bool confirmed)
{
	struct changes c = {0};
	struct puppet_map to;
	struct puppet_reply r = {0};
	bool persist = chance(70);
	struct txn_request q = {
		.what = TXN_COMMIT, .by = &alice, .changes = &c, .persist = persist};
	bool follow_up = m.pending;

	random_changes(&c, &to);
	q.confirmed = confirmed ? 1 + (unsigned)rng_below(&m.rng, 20) : 0;
	if (follow_up) {
		q.token = token();
		q.persist = persist = m.persist;
	} else {
		m.persist = persist;
	}
	if (c.n == 0 && !follow_up) {
		changes_free(&c);
		return;
	}
	m.what = follow_up ? "follow-up" : confirmed ? "confirmed commit" : "commit";
	if (follow_up) {
		struct puppet_map was = m.base;

		/* Of a crash: the whole may be gone, too (no persist, power, a deadline). */
		if (play(&q, &r, &m.now, &to)) {
			if (r.ok && confirmed) {
				m.now = to;
				m.deadline = m.p.now + SEC(q.confirmed);
			} else if (r.ok) {
				m.base = to;
				m.now = to;
				m.pending = false;
			} else if (txn_state(m.p.txn) == TXN_IDLE) {
				m.now = was; /* it could not be taken back alone */
				m.pending = false;
			}
		}
	} else if (play(&q, &r, &m.base, &to) && r.ok) {
		m.met.commits++;
		m.now = to;
		m.pending = confirmed;
		if (confirmed) {
			memcpy(m.token, r.r.token, TXN_TOKEN);
			m.deadline = m.p.now + SEC(q.confirmed);
		} else {
			m.base = to;
		}
	}
	m.met.refused += r.n && !r.ok;
	changes_free(&c);
	puppet_reply_free(&r);
}

static void do_prepare(void)
{
	struct changes c = {0};
	struct puppet_map to;
	struct puppet_reply r = {0};
	struct txn_request q = {.what = TXN_PREPARE, .by = &alice, .changes = &c, .persist = true};

	random_changes(&c, &to);
	m.what = "prepare";
	if (c.n && play(&q, &r, &m.base, &m.base) && r.ok) {
		m.prepared = true;
		m.prepared_map = to;
		memcpy(m.token, r.r.token, TXN_TOKEN);
	}
	changes_free(&c);
	puppet_reply_free(&r);
}

static void do_commit_prepared(void)
{
	struct puppet_reply r = {0};
	struct txn_request q = {.what = TXN_COMMIT, .by = &alice, .token = token()};
	struct puppet_map to = m.prepared_map;

	m.what = "commit of prepared";
	q.confirmed = chance(50) ? 1 + (unsigned)rng_below(&m.rng, 20) : 0;
	q.persist = m.persist = chance(70);
	if (play(&q, &r, &m.base, &to)) {
		m.prepared = false;
		if (r.ok) {
			m.now = to;
			m.pending = q.confirmed;
			m.deadline = m.p.now + SEC(q.confirmed);
			if (!m.pending)
				m.base = to;
		}
	}
	puppet_reply_free(&r);
}

static void do_confirm(void)
{
	struct puppet_reply r = {0};
	struct txn_request q = {.what = TXN_CONFIRM, .by = &alice, .token = token()};
	struct puppet_map base = m.base;

	m.what = "confirm";
	if (play(&q, &r, &base, &m.now) && r.ok) {
		m.base = m.now;
		m.pending = false;
		m.met.confirmed++;
	}
	puppet_reply_free(&r);
}

static void do_cancel(void)
{
	struct puppet_reply r = {0};
	struct txn_request q = {.what = TXN_CANCEL, .by = &alice, .token = token()};

	m.what = "cancel";
	if (play(&q, &r, &m.base, &m.base)) {
		m.pending = false;
		m.prepared = false;
		m.now = m.base;
	}
	puppet_reply_free(&r);
}

static void do_time(void)
{
	usec_t by = SEC(rng_below(&m.rng, 30));

	m.what = "time";
	if (m.pending && m.p.now + by >= m.deadline) {
		/* To the microsecond. */
		puppet_until(&m.p, m.deadline - 1);
		check_settled();
		if (chance(20))
			m.p.fail_undo = (unsigned)rng_between(&m.rng, 1, 3);
		puppet_until(&m.p, m.deadline);
		settle();
	} else {
		puppet_until(&m.p, m.p.now + by);
	}
	time_passed();
}

static void do_restart(void)
{
	bool power = chance(40);
	struct puppet_map want = m.pending && m.persist && !power ? m.now : m.base;

	m.what = power ? "power" : "restart";
	restart(power, &want, &want);
}

static void do_session(void)
{
	m.what = "session closed";
	txn_session_closed(m.p.txn, "s1", m.p.now);
	settle();
	if (!m.persist && m.pending) {
		m.pending = false;
		m.now = m.base;
	}
}

static void do_rollback(void)
{
	struct puppet_reply r = {0};
	struct txn_request q = {
		.what = TXN_ROLLBACK, .by = &alice, .steps = 1 + (unsigned)rng_below(&m.rng, 4)};
	struct puppet_map was = m.base;
	struct puppet_map to = was;
	struct changes back = {0};
	unsigned i;

	/* What the history says is told by its own commits: played backwards. */
	m.what = "rollback";
	for (i = 0; i < q.steps; i++) {
		yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
		yyjson_mut_val *arr = txn_history(m.p.txn, doc);
		const char *id = yyjson_mut_get_str(
			yyjson_mut_obj_get(yyjson_mut_arr_get(arr, i), "commitId"));
		const struct changes *c = id ? txn_commit_changes(m.p.txn, id) : NULL;

		if (c && changes_invert(c, &back) == 0) {
			puppet_play(&m.p, &to, &back, true);
			changes_free(&back);
		}
		if (!c)
			to = was;
		yyjson_mut_doc_free(doc);
		if (!c)
			break;
	}
	if (play(&q, &r, &was, &to) && r.ok) {
		m.base = to;
		m.now = to;
	}
	puppet_reply_free(&r);
}

static void event(void)
{
	unsigned what = (unsigned)rng_below(&m.rng, 100);

	if (what < 12)
		do_time();
	else if (what < 16)
		do_restart();
	else if (what < 19)
		do_session();
	else if (m.prepared && what < 70)
		do_commit_prepared();
	else if (m.prepared)
		do_cancel();
	else if (m.pending && what < 50)
		do_confirm();
	else if (m.pending && what < 60)
		do_cancel();
	else if (m.pending)
		do_commit(what < 90);
	else if (what < 40)
		do_commit(false);
	else if (what < 75)
		do_commit(true);
	else if (what < 88)
		do_rollback();
	else
		do_prepare();
}

static void history(uint64_t seed)
{
	m.seed = seed;
	memset(&m.base, 0, sizeof(m.base));
	m.now = m.base;
	m.pending = false;
	m.prepared = false;
	m.persist = false;
	rng_seed(&m.rng, seed);
	puppet_init(&m.p, seed);
	for (m.event = 0; m.event < EVENTS; m.event++) {
		event();
		check_settled();
	}
	puppet_free(&m.p);
}

static unsigned long number(const char *name, unsigned long otherwise)
{
	const char *v = getenv(name);

	return v && *v ? strtoul(v, NULL, 10) : otherwise;
}

static void histories(void **state)
{
	unsigned long runs = number("DEP_MODEL_RUNS", 300);
	unsigned long seed = number("DEP_MODEL_SEED", 1);
	unsigned long i;

	puppet_principal(&alice, "alice", "s1");
	for (i = 0; i < runs; i++)
		history(seed + i);
	print_message("# %lu histories: %u commits, %u refused, %u confirmed, %u expired, %u "
		      "crashes, %u power losses, "
		      "%u faults\n",
		      runs, m.met.commits, m.met.refused, m.met.confirmed, m.met.expired,
		      m.met.crashes, m.met.powers, m.met.faults);
	/* The histories are worth something only if they meet all of it. */
	assert_true(m.met.commits && m.met.refused && m.met.confirmed && m.met.expired &&
		    m.met.crashes && m.met.powers && m.met.faults);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(histories)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
