/* SPDX-License-Identifier: BSD-2-Clause */
/* What the engine knows of the past: the rollback ring, tokens that expired, answers under
 * idempotency keys. */
#include "proto/netops/txn/txn_priv.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void commit_free(struct txn_commit *c)
{
	free(c->user);
	free(c->comment);
	changes_free(&c->changes);
	*c = (struct txn_commit){0};
}

const struct txn_commit *txn_ring_at(const struct txn *t, unsigned back)
{
	if (back >= t->ring_n)
		return NULL;
	return &t->ring[(t->ring_first + t->ring_n - 1 - back) % TXN_RING];
}

void txn_ring_push(struct txn *t, struct txn_commit *c)
{
	struct txn_commit *at = &t->ring[(t->ring_first + t->ring_n) % TXN_RING];

	if (t->ring_n == TXN_RING) {
		t->ring_base = at->commit;
		t->ring_first = (t->ring_first + 1) % TXN_RING;
		t->ring_n--;
	}
	commit_free(at); /* also what a pop left there */
	*at = *c;
	*c = (struct txn_commit){0};
	t->ring_n++;
}

struct txn_commit *txn_ring_pop(struct txn *t, uint32_t commit)
{
	const struct txn_commit *top = txn_ring_at(t, 0);

	if (!top || top->commit != commit)
		return NULL;
	t->ring_n--;
	return &t->ring[(t->ring_first + t->ring_n) % TXN_RING];
}

void txn_ring_clear(struct txn *t)
{
	unsigned i;

	for (i = 0; i < TXN_RING; i++)
		commit_free(&t->ring[i]);
	t->ring_first = 0;
	t->ring_n = 0;
}

int txn_ring_back(const struct txn *t, unsigned n, struct changes *out)
{
	struct changes sum = {0};
	unsigned i;

	if (n > t->ring_n)
		return -ENOENT;
	for (i = 0; i < n; i++) {
		struct changes inverse = {0};
		struct changes both = {0};
		int rc = changes_invert(&txn_ring_at(t, i)->changes, &inverse);

		if (rc == 0)
			rc = changes_compose(&sum, &inverse, &both);
		changes_free(&inverse);
		changes_free(&sum);
		if (rc)
			return rc;
		sum = both;
	}
	*out = sum;
	return 0;
}

/* ---- trials ---- */

static void trial_free(struct txn_trial *x)
{
	free(x->user);
	free(x->comment);
	*x = (struct txn_trial){0};
}

void txn_trial_add(struct txn *t, struct txn_trial *x)
{
	if (t->n_trials == TXN_RING) {
		trial_free(&t->trial[0]);
		memmove(t->trial, t->trial + 1, (TXN_RING - 1) * sizeof(*t->trial));
		t->n_trials--;
	}
	t->trial[t->n_trials++] = *x;
	*x = (struct txn_trial){0};
}

void txn_trial_keep(struct txn *t, enum txn_reason reason, int64_t time)
{
	struct txn_open *o = &t->open;
	struct txn_trial x = {.commit = o->commit,
			      .time = time,
			      .rollback = o->rollback,
			      .reason = reason,
			      .changes = o->all.n};

	if (!txn_reason_of_trial(reason))
		return;
	x.user = strdup(o->by.user);
	x.comment = o->comment;
	o->comment = NULL;
	snprintf(x.hash, sizeof(x.hash), "%s", t->env.running_hash(t->env.ctx));
	txn_trial_add(t, &x);
}

void txn_trials_clear(struct txn *t)
{
	while (t->n_trials)
		trial_free(&t->trial[--t->n_trials]);
}

/* ---- expired tokens ---- */

int txn_expired_reserve(struct txn *t)
{
	size_t cap = t->cap_expired ? t->cap_expired * 2 : 16;
	struct txn_expired *at;

	if (t->n_expired < t->cap_expired)
		return 0;
	at = realloc(t->expired, cap * sizeof(*at));
	if (!at)
		return -ENOMEM;
	t->expired = at;
	t->cap_expired = cap;
	return 0;
}

void txn_expired_add(struct txn *t, const struct txn_expired *x)
{
	/* Reserved when the transaction became pending; a second rollback of the same one replaces
	 * the first entry. */
	struct txn_expired *at = txn_expired_find(t, x->hash);

	if (!at && txn_expired_reserve(t) == 0)
		at = &t->expired[t->n_expired++];
	if (at)
		*at = *x;
}

struct txn_expired *txn_expired_find(struct txn *t, const uint8_t hash[TXN_HASH])
{
	struct txn_expired *found = NULL;
	size_t i;

	/* All are looked at, each in constant time. */
	for (i = 0; i < t->n_expired; i++) {
		if (CRYPTO_memcmp(t->expired[i].hash, hash, TXN_HASH) == 0)
			found = &t->expired[i];
	}
	return found;
}

void txn_expired_outcome(struct txn *t, uint32_t commit, enum txn_outcome o)
{
	size_t i;

	for (i = 0; i < t->n_expired; i++) {
		if (t->expired[i].commit == commit)
			t->expired[i].outcome = o;
	}
}

/* ---- idempotency keys ---- */

void txn_key_free(struct txn_key *k)
{
	free(k->user);
	free(k->client);
	changes_free(&k->diff);
	*k = (struct txn_key){0};
}

static void key_remove(struct txn *t, size_t i)
{
	txn_key_free(&t->key[i]);
	t->n_key--;
	memmove(&t->key[i], &t->key[i + 1], (t->n_key - i) * sizeof(*t->key));
}

int txn_key_add(struct txn *t, struct txn_key *k)
{
	struct txn_key *at;
	size_t cap;

	if (t->n_key == TXN_MAX_KEYS)
		key_remove(t, 0);
	if (t->n_key == t->cap_key) {
		cap = t->cap_key ? t->cap_key * 2 : 16;
		at = realloc(t->key, cap * sizeof(*at));
		if (!at) {
			txn_key_free(k);
			return -ENOMEM;
		}
		t->key = at;
		t->cap_key = cap;
	}
	t->key[t->n_key++] = *k;
	*k = (struct txn_key){0};
	return 0;
}

const struct txn_key *txn_key_find(const struct txn *t, const struct principal *by, const char *key)
{
	size_t i;

	for (i = 0; i < t->n_key; i++) {
		const struct txn_key *k = &t->key[i];

		if (strcmp(k->idem.key, key) == 0 && strcmp(k->user, by->user) == 0 &&
		    strcmp(k->client, by->client) == 0)
			return k;
	}
	return NULL;
}

void txn_key_drop_prepared(struct txn *t, uint32_t commit)
{
	size_t i;

	for (i = t->n_key; i-- > 0;) {
		if (t->key[i].commit == commit && strcmp(t->key[i].state, "prepared") == 0)
			key_remove(t, i);
	}
}

void txn_forget(struct txn *t, usec_t now)
{
	size_t kept = 0;
	size_t i;

	for (i = 0; i < t->n_expired; i++) {
		if (t->expired[i].forget > now)
			t->expired[kept++] = t->expired[i];
	}
	t->n_expired = kept;
	for (i = 0; i < t->n_key && t->key[i].forget <= now; i++)
		txn_key_free(&t->key[i]);
	if (i) {
		t->n_key -= i;
		memmove(t->key, t->key + i, t->n_key * sizeof(*t->key));
	}
}

void txn_remember(struct txn *t, const char *state, const struct changes *diff, usec_t now)
{
	struct txn_open *o = &t->open;
	struct txn_key k = {.idem = o->idem, .commit = o->commit};

	if (!o->idem.has)
		return;
	o->idem.has = false;
	k.user = strdup(o->by.user);
	k.client = strdup(o->by.client);
	snprintf(k.state, sizeof(k.state), "%s", state);
	snprintf(k.hash, sizeof(k.hash), "%s", t->env.running_hash(t->env.ctx));
	if (strcmp(state, "prepared") == 0 || strcmp(state, "pending-confirm") == 0)
		k.confirm_by = o->terms.deadline_wall;
	k.at = t->env.wall(t->env.ctx);
	k.forget = now + TXN_REMEMBER;
	/* Without memory the answer is not remembered; the journal has it. */
	if (!k.user || !k.client || changes_copy(diff, &k.diff))
		txn_key_free(&k);
	else
		txn_key_add(t, &k);
}
