/* SPDX-License-Identifier: BSD-2-Clause */
/* A node for crash_test.c: engine, journal and audit log as in the daemon, with a "kernel" of
 * twelve values in a mapped file, which stays when the process is killed, as a kernel does. Time is
 * in that file, too, and goes on only as the script says. crash_node DIR SEED EVENTS BOOT Recovers,
 * then plays EVENTS random events. Prints what may be found if it ends here, one line a time:
 *   "<what> <crash1> <crash2> <power1> <power2>"   two configurations each, after a crash or after
 * a loss of power of which the first line, "recovered", comes before anything else is done. */
#include "proto/netops/audit/audit.h"
#include "proto/netops/txn/failpoint.h"
#include "proto/netops/txn/puppet.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct device { /* the mapped file */
	struct puppet_map kernel;
	usec_t now;
};

struct job { /* a change of the kernel under way, one value at a time */
	uint64_t op;
	struct changes changes;
	size_t at;
	bool undo, fails;
	bool busy;
};

static struct {
	uv_loop_t loop;
	uv_idle_t idle;
	struct device *device;
	struct journal *journal;
	struct audit *audit;
	struct txn *txn;
	struct puppet_map running;
	char hash[80];
	struct rng rng;
	struct job job;
	unsigned fail_undo, fail_apply;
	bool recovered;
	/* The model. */
	struct puppet_map base, now, past[200];
	unsigned n_past;
	bool pending, persist;
	usec_t deadline;
	uint64_t serial;
	struct principal alice;
	char dir[512];
} n;

static void must(bool ok, const char *what, const struct err *err)
{
	if (ok)
		return;
	fprintf(stderr, "crash_node: %s: %s\n", what, err ? err->what : "");
	exit(3);
}

/* ---- environment ---- */

static usec_t boottime(void *ctx)
{
	return n.device->now;
}

static int64_t wall(void *ctx)
{
	return 1795453200000000000 + n.device->now * 1000;
}

static int path_number(const char *path)
{
	return (int)strtol(path + sizeof("/t:x[n='") - 1, NULL, 10);
}

static void play(struct puppet_map *m, const struct changes *c)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		char *v = m->value[path_number(c->at[i].path)];

		must(strcmp(v, c->at[i].old ? c->at[i].old : "") == 0, "a change does not fit",
		     NULL);
		memset(v, 0, 16);
		snprintf(v, 16, "%s", c->at[i].new ? c->at[i].new : "");
	}
}

static void rehash(void)
{
	uint8_t h[32];

	SHA256((const uint8_t *)&n.running, sizeof(n.running), h);
	snprintf(n.hash, sizeof(n.hash), "sha256:%02x%02x%02x%02x", h[0], h[1], h[2], h[3]);
}

static const char *env_running(void *ctx, const struct changes *c)
{
	play(&n.running, c);
	rehash();
	return n.hash;
}

static const char *env_hash(void *ctx)
{
	return n.hash;
}

static int env_check(void *ctx, const struct changes *c, struct neterr *e)
{
	return 0;
}

static void journaled(void *ctx, int rc)
{
	struct neterr e = {0};

	if (rc)
		neterr_set(&e, NETERR_INTERNAL, "operation-failed", "journal");
	txn_done(n.txn, (uint64_t)(uintptr_t)ctx, rc, rc ? &e : NULL, n.device->now);
	neterr_clear(&e);
}

static void env_journal(void *ctx, uint64_t op, enum journal_type type, struct slice json,
			bool sync)
{
	journal_append(n.journal, type, 0, json, sync ? journaled : NULL, (void *)(uintptr_t)op,
		       NULL);
}

/* One value of the kernel; the last answers the engine. */
static void kernel_step(uv_idle_t *idle)
{
	struct job *j = &n.job;
	struct neterr e = {0};
	uint64_t op = j->op;
	bool fails = j->fails;

	if (j->at < j->changes.n && !(fails && j->at * 2 >= j->changes.n)) {
		const struct change *c = &j->changes.at[j->at++];
		int i = path_number(c->path);
		char *v = n.device->kernel.value[i];
		char to[16] = "";

		snprintf(to, sizeof(to), "%s", j->undo ? n.running.value[i] : c->new ? c->new : "");
		memcpy(v, to, 16);
		return;
	}
	uv_idle_stop(idle);
	changes_free(&j->changes);
	j->busy = false;
	if (fails)
		neterr_set(&e, NETERR_CONFIG_INCOMPATIBLE, "operation-failed",
			   "the kernel refused");
	txn_done(n.txn, op, fails ? -EIO : 0, fails ? &e : NULL, n.device->now);
	neterr_clear(&e);
}

static void kernel_begin(uint64_t op, const struct changes *c, bool undo, unsigned *fail)
{
	must(!n.job.busy, "two changes of the kernel at once", NULL);
	n.job = (struct job){.op = op, .undo = undo, .fails = *fail > 0, .busy = true};
	*fail -= *fail > 0;
	changes_copy(c, &n.job.changes);
	uv_idle_start(&n.idle, kernel_step);
}

static void env_apply(void *ctx, uint64_t op, const struct changes *c)
{
	kernel_begin(op, c, false, &n.fail_apply);
}

static void env_undo(void *ctx, uint64_t op, const struct changes *c)
{
	kernel_begin(op, c, true, &n.fail_undo);
}

static void env_event(void *ctx, const char *event, const struct principal *by, unsigned timeout_s)
{
}

static void env_random(void *ctx, void *p, size_t size)
{
	rng_bytes(&n.rng, p, size);
}

static const struct txn_env env = {.check = env_check,
				   .journal = env_journal,
				   .apply = env_apply,
				   .undo = env_undo,
				   .running = env_running,
				   .running_hash = env_hash,
				   .event = env_event,
				   .wall = wall,
				   .random = env_random,
				   .at = failpoint_at};

/* ---- start ---- */

static void map_device(void)
{
	char path[600];
	int fd;

	snprintf(path, sizeof(path), "%s/device", n.dir);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	must(fd >= 0 && ftruncate(fd, sizeof(*n.device)) == 0, "device", NULL);
	n.device = mmap(NULL, sizeof(*n.device), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(n.device != MAP_FAILED, "device", NULL);
	close(fd);
}

static int on_checkpoint(void *ctx, struct slice engine, struct slice running, bool same_boot,
			 struct err *err)
{
	must(running.n == sizeof(n.running), "the checkpoint's size", NULL);
	memcpy(&n.running, running.p, running.n);
	rehash();
	return txn_replay(n.txn, JOURNAL_CHECKPOINT, engine, same_boot, n.device->now, err);
}

static int on_record(void *ctx, const struct journal_record *r, bool same_boot, struct err *err)
{
	return txn_replay(n.txn, r->type, r->payload, same_boot, n.device->now, err);
}

static void on_recovered(void *ctx, int rc)
{
	n.recovered = true;
}

static void run_until(const bool *flag)
{
	while (!*flag)
		uv_run(&n.loop, UV_RUN_ONCE);
}

static void start(const char *boot)
{
	struct journal_params jp = {.loop = &n.loop,
				    .dir = n.dir,
				    .fsync = true,
				    .checkpoint_min = 4096,
				    .wall = wall,
				    .boottime = boottime};
	struct journal_visitor v = {on_checkpoint, on_record, NULL};
	struct audit_params ap = {.dir = n.dir, .wall = wall};
	struct err err = {0};

	snprintf((char *)jp.boot_id, sizeof(jp.boot_id), "%s", boot);
	uv_loop_init(&n.loop);
	uv_idle_init(&n.loop, &n.idle);
	map_device();
	rehash();
	n.journal = journal_open(&jp, &err);
	must(n.journal, "journal_open", &err);
	ap.journal = n.journal;
	n.audit = audit_new(&ap, &err);
	must(n.audit, "audit_new", &err);
	n.txn = txn_new(&env);
	must(journal_replay(n.journal, &v, &err) == 0, "journal_replay", &err);
	txn_recover(n.txn, n.device->now, on_recovered, NULL);
	run_until(&n.recovered);
}

/* ---- the model ---- */

static void print_map(const struct puppet_map *m)
{
	unsigned i;

	putchar(' ');
	for (i = 0; i < PUPPET_PATHS; i++)
		printf("%s,", m->value[i]);
}

static void say(const char *what, const struct puppet_map *crash1, const struct puppet_map *crash2,
		const struct puppet_map *power1, const struct puppet_map *power2)
{
	fputs(what, stdout);
	print_map(crash1);
	print_map(crash2);
	print_map(power1);
	print_map(power2);
	putchar('\n');
	fflush(stdout);
}

/* What is found if it ends now, where nothing is under way. */
static void say_state(const char *what)
{
	const struct puppet_map *crash = n.pending && n.persist ? &n.now : &n.base;

	say(what, crash, crash, &n.base, &n.base);
}

static bool chance(unsigned percent)
{
	return rng_below(&n.rng, 100) < percent;
}

struct reply {
	bool done, ok;
};

static void on_reply(void *ctx, const struct txn_result *r, struct neterr *e)
{
	struct reply *to = ctx;

	to->done = true;
	to->ok = !e;
}

static bool submit(struct txn_request *q)
{
	struct reply r = {0};

	q->by = &n.alice;
	q->done = on_reply;
	q->ctx = &r;
	txn_submit(n.txn, q, n.device->now);
	run_until(&r.done);
	return r.ok;
}

/* Until the engine is idle, prepared or pending again; time goes on where it waits to try again. */
static void settle(void)
{
	usec_t next;

	for (;;) {
		next = txn_tick(n.txn, n.device->now);
		if (txn_state(n.txn) == TXN_FAILED && next != USEC_NEVER)
			n.device->now = next;
		else if (next != USEC_NEVER ||
			 (txn_state(n.txn) == TXN_IDLE && !n.job.busy && txn_quiet(n.txn)))
			break;
		else
			uv_run(&n.loop, UV_RUN_ONCE);
	}
}

static void random_changes(struct changes *c, struct puppet_map *to)
{
	unsigned count = 1 + (unsigned)rng_below(&n.rng, 4);
	struct puppet_map from = n.pending ? n.now : n.base;

	*to = from;
	while (count--) {
		unsigned i = (unsigned)rng_below(&n.rng, PUPPET_PATHS);
		char value[16] = "";

		if (chance(75))
			snprintf(value, sizeof(value), "%llu", (unsigned long long)++n.serial);
		if (strcmp(to->value[i], from.value[i]) != 0)
			continue;
		puppet_set(to, c, i, value);
		memcpy(to->value[i], value, sizeof(value));
	}
}

static void keep(const struct puppet_map *to)
{
	n.base = *to;
	n.now = *to;
	n.pending = false;
	if (n.n_past < 200)
		n.past[n.n_past++] = *to;
}

static void commit(bool confirmed, bool prepare)
{
	struct changes c = {0};
	struct puppet_map to;
	struct txn_request q = {.what = TXN_COMMIT, .changes = &c, .persist = chance(70)};
	struct puppet_map was = n.pending ? n.now : n.base;
	bool ok;

	random_changes(&c, &to);
	q.confirmed = confirmed ? 1 + (unsigned)rng_below(&n.rng, 20) : 0;
	if (n.pending)
		q.persist = n.persist;
	if (chance(15))
		n.fail_apply = 1;
	if (chance(8))
		n.fail_undo = 1;
	if (n.pending)
		say("follow-up", n.persist ? &was : &n.base,
		    confirmed && !n.persist ? &n.base : &to, &n.base, confirmed ? &n.base : &to);
	else
		say("commit", &n.base, confirmed && !q.persist ? &n.base : &to, &n.base,
		    confirmed ? &n.base : &to);
	if (prepare && !n.pending && c.n) {
		struct txn_request p = {.what = TXN_PREPARE,
					.changes = &c,
					.persist = q.persist,
					.persist_id = "a token"};

		ok = submit(&p);
		q.changes = NULL;
		q.token = "a token";
		if (ok && chance(25)) {
			q.what = TXN_CANCEL;
			submit(&q);
			changes_free(&c);
			return;
		}
	}
	ok = c.n ? submit(&q) : false;
	settle();
	n.fail_apply = 0;
	n.fail_undo = 0;
	changes_free(&c);
	if (ok && confirmed) {
		n.persist = q.persist;
		n.now = to;
		n.pending = true;
		n.deadline = n.device->now + SEC(q.confirmed);
	} else if (ok) {
		keep(&to);
	} else if (txn_state(n.txn) == TXN_IDLE) {
		n.pending = false;
		n.now = n.base;
	}
}

static void confirm(void)
{
	struct txn_request q = {.what = TXN_CONFIRM};

	say("confirm", n.persist ? &n.now : &n.base, &n.now, &n.base, &n.now);
	if (submit(&q))
		keep(&n.now);
	settle();
}

static void cancel(void)
{
	struct txn_request q = {.what = TXN_CANCEL};

	if (chance(20))
		n.fail_undo = 1;
	say("cancel", &n.base, n.persist ? &n.now : &n.base, &n.base, &n.base);
	submit(&q);
	settle();
	n.fail_undo = 0;
	n.pending = false;
	n.now = n.base;
}

static void pass_time(void)
{
	usec_t to = n.device->now + SEC(rng_below(&n.rng, 30));

	if (n.pending && to >= n.deadline) {
		say("timeout", &n.base, n.persist ? &n.now : &n.base, &n.base, &n.base);
		if (chance(20))
			n.fail_undo = 2;
		n.device->now = n.deadline;
		n.pending = false;
		n.now = n.base;
	}
	if (n.device->now < to)
		n.device->now = to;
	settle();
	n.fail_undo = 0;
}

static void roll_back(void)
{
	struct txn_request q = {.what = TXN_ROLLBACK, .steps = 1};
	struct puppet_map to;

	if (n.n_past < 2)
		return;
	q.steps = 1 + (unsigned)rng_below(&n.rng, n.n_past - 1);
	if (q.steps > 20)
		q.steps = 20;
	to = n.past[n.n_past - 1 - q.steps];
	if (puppet_same(&to, &n.base))
		return;
	say("rollback", &n.base, &to, &n.base, &to);
	if (submit(&q))
		keep(&to);
	settle();
}

static void checkpointed(void *ctx, int rc)
{
	*(bool *)ctx = true;
}

static void checkpoint(void)
{
	size_t size;
	char *engine = txn_checkpoint(n.txn, &size);
	bool done = false;

	must(engine, "txn_checkpoint", NULL);
	if (journal_checkpoint(n.journal, slice_of(engine, size),
			       slice_of(&n.running, sizeof(n.running)), n.hash, checkpointed,
			       &done) == 0)
		run_until(&done);
	free(engine);
}

static void event(void)
{
	struct audit_entry e = {.by = &n.alice, .tool = "network.commit", .outcome = "ok"};
	unsigned what = (unsigned)rng_below(&n.rng, 100);

	audit_add(n.audit, &e);
	if (what < 5)
		must(audit_sign(n.audit) == 0, "audit_sign", NULL);
	if (what < 15)
		pass_time();
	else if (what < 23)
		checkpoint();
	else if (n.pending && what < 50)
		confirm();
	else if (n.pending && what < 65)
		cancel();
	else if (n.pending)
		commit(what < 92, false);
	else if (what < 88)
		commit(what < 60, chance(30));
	else
		roll_back();
	say_state("done");
	must(puppet_same(&n.running, n.pending ? &n.now : &n.base), "running", NULL);
	must(puppet_same(&n.device->kernel, &n.running), "kernel", NULL);
}

static void finish(void)
{
	audit_free(n.audit);
	journal_close(n.journal);
	uv_close((uv_handle_t *)&n.idle, NULL);
	uv_run(&n.loop, UV_RUN_DEFAULT);
	txn_free(n.txn);
	uv_loop_close(&n.loop);
}

int main(int argc, char **argv)
{
	unsigned long events;

	failpoint_init();
	if (argc != 5)
		return 2;
	snprintf(n.dir, sizeof(n.dir), "%s", argv[1]);
	rng_seed(&n.rng, strtoull(argv[2], NULL, 10));
	n.serial = strtoull(argv[2], NULL, 10) % 100000 * 1000;
	events = strtoul(argv[3], NULL, 10);
	puppet_principal(&n.alice, "alice", "s1");
	start(argv[4]);
	settle();
	n.base = n.running;
	n.now = n.running;
	n.pending = txn_state(n.txn) == TXN_PENDING;
	n.persist = true;
	if (n.pending) {
		/* What is below it is what the engine leads back to. */
		char head[TXN_COMMIT_ID];
		struct changes back = {0};

		snprintf(head, sizeof(head), "c-%06u", 0);
		n.deadline = txn_tick(n.txn, n.device->now);
		{
			yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
			yyjson_mut_val *p = txn_pending(n.txn, doc, n.device->now);
			const char *id = yyjson_mut_get_str(yyjson_mut_obj_get(p, "commitId"));

			must(id && changes_invert(txn_commit_changes(n.txn, id), &back) == 0,
			     "pending", NULL);
			play(&n.base, &back);
			changes_free(&back);
			yyjson_mut_doc_free(doc);
		}
	}
	say_state("recovered");
	while (events--)
		event();
	finish();
	return 0;
}
