/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/txn/puppet.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- maps ---- */

static int path_number(const char *path)
{
	int i;

	return sscanf(path, "/t:x[n='%d']", &i) == 1 && i >= 0 && i < PUPPET_PATHS ? i : -1;
}

void puppet_set(const struct puppet_map *m, struct changes *c, unsigned i, const char *value)
{
	const char *old = m->value[i];
	char path[32];

	snprintf(path, sizeof(path), "/t:x[n='%u']", i);
	if (strcmp(old, value) == 0)
		return;
	changes_add(c,
		    !*old     ? CHANGE_CREATE
		    : !*value ? CHANGE_DELETE
			      : CHANGE_REPLACE,
		    path, *old ? old : NULL, *value ? value : NULL, NULL, NULL);
}

static void play_one(struct puppet *p, struct puppet_map *m, const struct change *x, bool strict)
{
	int i = path_number(x->path);

	if (i < 0 || (strict && strcmp(m->value[i], x->old ? x->old : "") != 0)) {
		fprintf(stderr, "# misfit: %s is \"%s\", the change says \"%s\" to \"%s\"\n",
			x->path, i < 0 ? "" : m->value[i], x->old ? x->old : "",
			x->new ? x->new : "");
		p->misfit = true;
		return;
	}
	memset(m->value[i], 0, sizeof(m->value[i])); /* maps are compared whole */
	snprintf(m->value[i], sizeof(m->value[i]), "%s", x->new ? x->new : "");
}

void puppet_play(struct puppet *p, struct puppet_map *m, const struct changes *c, bool strict)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		play_one(p, m, &c->at[i], strict);
}

bool puppet_same(const struct puppet_map *a, const struct puppet_map *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void rehash(struct puppet *p)
{
	uint8_t h[32];
	unsigned i;

	SHA256((const uint8_t *)&p->running, sizeof(p->running), h);
	memcpy(p->hash, "sha256:", 8);
	for (i = 0; i < 32; i++)
		snprintf(p->hash + 7 + 2 * i, 3, "%02x", h[i]);
}

/* ---- what the engine asks for ---- */

static int env_check(void *ctx, const struct changes *c, struct neterr *e)
{
	struct puppet *p = ctx;

	return p->refuse ? neterr_set(e, NETERR_CONFIG_INCOMPATIBLE, "operation-failed", "refused")
			 : 0;
}

static void wait_for(struct puppet *p, uint64_t op, char what, const struct changes *c)
{
	struct puppet_answer *a = &p->answer[p->n_answer++];

	*a = (struct puppet_answer){.op = op, .what = what};
	if (c)
		changes_copy(c, &a->changes);
}

static void env_journal(void *ctx, uint64_t op, enum journal_type type, struct slice json,
			bool sync)
{
	struct puppet *p = ctx;
	struct puppet_record *r;

	/* A record that fails to be written; one whose sync fails is in the list (puppet_step). */
	if (p->fail_journal && rng_below(&p->rng, 2)) {
		p->fail_journal--;
		if (sync)
			wait_for(p, op, 'f', NULL);
		return;
	}
	p->record = realloc(p->record, (p->n_record + 1) * sizeof(*p->record));
	r = &p->record[p->n_record++];
	*r = (struct puppet_record){
		.type = type, .json = strndup((const char *)json.p, json.n), .boot = p->boot};
	if (sync)
		wait_for(p, op, 'j', NULL);
}

static void env_apply(void *ctx, uint64_t op, const struct changes *c)
{
	wait_for(ctx, op, 'a', c);
}

static void env_undo(void *ctx, uint64_t op, const struct changes *c)
{
	wait_for(ctx, op, 'u', c);
}

static const char *env_running(void *ctx, const struct changes *c)
{
	struct puppet *p = ctx;

	if (p->fail_running) {
		p->fail_running--;
		return NULL;
	}
	puppet_play(p, &p->running, c, true);
	rehash(p);
	return p->hash;
}

static const char *env_hash(void *ctx)
{
	struct puppet *p = ctx;

	return p->hash;
}

static void env_event(void *ctx, const char *event, const struct principal *by, unsigned timeout_s)
{
	struct puppet *p = ctx;
	size_t n = strlen(p->events);

	if (n < PUPPET_EVENTS - 64)
		snprintf(p->events + n, PUPPET_EVENTS - n, "%s %s %u;", event, by ? by->user : "-",
			 timeout_s);
}

static int64_t env_wall(void *ctx)
{
	struct puppet *p = ctx;

	return p->now * 1000 + p->wall_offset;
}

static void env_random(void *ctx, void *out, size_t n)
{
	struct puppet *p = ctx;

	rng_bytes(&p->rng, out, n);
}

static void begin(struct puppet *p)
{
	struct txn_env env = {.check = env_check,
			      .journal = env_journal,
			      .apply = env_apply,
			      .undo = env_undo,
			      .running = env_running,
			      .running_hash = env_hash,
			      .event = env_event,
			      .wall = env_wall,
			      .random = env_random,
			      .ctx = p};

	p->txn = txn_new(&env);
}

void puppet_init(struct puppet *p, uint64_t seed)
{
	*p = (struct puppet){.now = SEC(1000), .wall_offset = 1795453200000000000};
	rng_seed(&p->rng, seed);
	rehash(p);
	begin(p);
}

static void drop_answers(struct puppet *p)
{
	while (p->n_answer)
		changes_free(&p->answer[--p->n_answer].changes);
}

void puppet_free(struct puppet *p)
{
	txn_free(p->txn);
	drop_answers(p);
	while (p->n_record)
		free(p->record[--p->n_record].json);
	free(p->record);
}

/* ---- answers ---- */

/* Everything that c touches is in the kernel as running says. */
static void kernel_as_running(struct puppet *p, const struct changes *c, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		int at = path_number(c->at[i].path);

		if (at >= 0)
			memcpy(p->kernel.value[at], p->running.value[at],
			       sizeof(p->kernel.value[at]));
	}
}

static int step_apply(struct puppet *p, const struct changes *c)
{
	struct changes part = *c;

	if (!p->fail_apply) {
		puppet_play(p, &p->kernel, c, false);
		return 0;
	}
	p->fail_apply--;
	part.n = rng_below(&p->rng, c->n + 1);
	puppet_play(p, &p->kernel, &part, false);
	return -1;
}

static int step_undo(struct puppet *p, const struct changes *c)
{
	if (!p->fail_undo) {
		kernel_as_running(p, c, c->n);
		return 0;
	}
	p->fail_undo--;
	kernel_as_running(p, c, rng_below(&p->rng, c->n + 1));
	return -1;
}

bool puppet_step(struct puppet *p)
{
	struct puppet_answer a = p->answer[0];
	struct neterr e = {0};
	int rc = 0;

	if (!p->n_answer)
		return false;
	p->n_answer--;
	memmove(p->answer, p->answer + 1, p->n_answer * sizeof(*p->answer));
	if (a.what == 'a')
		rc = step_apply(p, &a.changes);
	else if (a.what == 'u')
		rc = step_undo(p, &a.changes);
	else if (a.what == 'f')
		rc = -28;
	else if (p->fail_journal) {
		p->fail_journal--;
		rc = -5;
	} else
		p->n_synced = p->n_record;
	if (rc)
		neterr_set(&e, a.what == 'a' ? NETERR_CONFIG_INCOMPATIBLE : NETERR_INTERNAL,
			   "operation-failed", "fault %c", a.what);
	txn_done(p->txn, a.op, rc, rc ? &e : NULL, p->now);
	neterr_clear(&e);
	changes_free(&a.changes);
	return true;
}

void puppet_run(struct puppet *p)
{
	do {
		while (puppet_step(p))
			;
	} while (txn_tick(p->txn, p->now) <= p->now || p->n_answer);
}

void puppet_until(struct puppet *p, usec_t at)
{
	usec_t next;

	for (;;) {
		puppet_run(p);
		next = txn_tick(p->txn, p->now);
		if (next > at)
			break;
		p->now = next;
	}
	p->now = at;
	puppet_run(p);
}

/* ---- requests ---- */

static void keep_reply(void *ctx, const struct txn_result *r, struct neterr *e)
{
	struct puppet_reply *to = ctx;

	to->n++;
	to->ok = !e;
	if (e) {
		to->code = e->code;
		memcpy(to->tag, e->tag, sizeof(to->tag));
		free(to->data);
		to->data = e->data ? yyjson_mut_write(e->data, 0, NULL) : NULL;
		return;
	}
	to->r = *r;
	changes_free(&to->diff);
	if (r->diff)
		changes_copy(r->diff, &to->diff);
	snprintf(to->hash, sizeof(to->hash), "%s", r->running_hash);
}

void puppet_reply_free(struct puppet_reply *r)
{
	changes_free(&r->diff);
	free(r->data);
	*r = (struct puppet_reply){0};
}

void puppet_submit(struct puppet *p, struct txn_request *q, struct puppet_reply *r)
{
	puppet_reply_free(r);
	q->done = keep_reply;
	q->ctx = r;
	txn_submit(p->txn, q, p->now);
}

void puppet_principal(struct principal *by, const char *user, const char *session)
{
	*by = (struct principal){0};
	snprintf(by->user, sizeof(by->user), "%s", user);
	snprintf(by->session, sizeof(by->session), "%s", session);
}

/* ---- restart ---- */

static void recovered(void *ctx, int rc)
{
	struct puppet *p = ctx;

	p->recovered = true;
	p->recovered_rc = rc;
}

/* What of an answer that never came has happened all the same. */
static void half_done(struct puppet *p, const struct puppet_answer *a)
{
	struct changes part = a->changes;

	part.n = rng_below(&p->rng, part.n + 1);
	if (a->what == 'a')
		puppet_play(p, &p->kernel, &part, false);
	else if (a->what == 'u')
		kernel_as_running(p, &part, part.n);
}

void puppet_restart(struct puppet *p, bool power)
{
	struct err err = {0};
	size_t i;

	for (i = 0; i < p->n_answer; i++)
		half_done(p, &p->answer[i]);
	drop_answers(p);
	txn_free(p->txn);
	if (power) {
		size_t keep = p->n_synced + rng_below(&p->rng, p->n_record - p->n_synced + 1);

		while (p->n_record > keep)
			free(p->record[--p->n_record].json);
		p->boot++;
		p->now = SEC(rng_below(&p->rng, 100)); /* the clock of the new boot */
		memset(&p->kernel, 0, sizeof(p->kernel));
	}
	p->n_synced = p->n_record;
	memset(&p->running, 0, sizeof(p->running));
	rehash(p);
	begin(p);
	for (i = 0; i < p->n_record; i++) {
		struct puppet_record *r = &p->record[i];

		if (txn_replay(p->txn, r->type, slice_of(r->json, strlen(r->json)),
			       r->boot == p->boot, p->now, &err)) {
			fprintf(stderr, "# replay of record %zu (%d %.60s): %s\n", i, r->type,
				r->json, err.what);
			p->misfit = true;
		}
	}
	p->recovered = false;
	txn_recover(p->txn, p->now, recovered, p);
}
