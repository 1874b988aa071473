/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests under way: what we asked, by the nonce that an answer must carry. */
#include "proto/kira/core.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

/* SHA-1 of a secret and a counter: no nonce tells anything about another. */
uint64_t nonce(struct kira *k)
{
	uint8_t in[sizeof(k->secret) + sizeof(k->nonces)];
	uint8_t out[SHA_DIGEST_LENGTH];
	uint64_t v;
	SHA_CTX c;

	memcpy(in, k->secret, sizeof(k->secret));
	k->nonces++;
	memcpy(in + sizeof(k->secret), &k->nonces, sizeof(k->nonces));
	SHA1_Init(&c);
	SHA1_Update(&c, in, sizeof(in));
	SHA1_Final(out, &c);
	memcpy(&v, out, sizeof(v));
	return v;
}

static uint32_t msg_hash(uint64_t msg_id)
{
	return (uint32_t)(msg_id ^ msg_id >> 32);
}

struct req *req_find(const struct kira *k, uint64_t msg_id)
{
	struct hash_node *n = hash_first(&k->reqs, msg_hash(msg_id));

	for (; n; n = hash_next(n)) {
		struct req *r = container_of(n, struct req, node);

		if (r->msg_id == msg_id)
			return r;
	}
	return NULL;
}

/* Nobody answered in time. */
static void req_fire(struct kira *k, struct timer *t, usec_t now)
{
	struct req *r = container_of(t, struct req, timer);

	switch (r->kind) {
	case REQ_DISC:
	case REQ_QUERY:
		uln_timeout(k, r, now);
		return;
	case REQ_OND:
		ond_done(k, r, false, now);
		return;
	case REQ_ROD:
		k->stats.lookups_failed++;
		rod_done(k, r, now);
		return;
	case REQ_REDISCOVER:
		rediscovery_answer(k, r, false, now);
		return;
	case REQ_TRACE:
	case REQ_WANT:
		want_done(k, r, NULL, now);
		return;
	default:
		probe_timeout(k, r, now);
	}
}

struct req *req_new(struct kira *k, uint8_t kind, nid_t target, struct path *path, usec_t now)
{
	struct req *r;

	if (k->reqs.n >= REQ_MAX)
		return NULL;
	r = alloc_zero(k->a, sizeof(*r));
	if (!r)
		return NULL;
	if (!timer_begin(k, &r->timer, req_fire)) {
		alloc_free(k->a, r, sizeof(*r));
		return NULL;
	}
	r->msg_id = nonce(k);
	if (hash_add(&k->reqs, &r->node, msg_hash(r->msg_id)) < 0) {
		timer_end(k, &r->timer);
		alloc_free(k->a, r, sizeof(*r));
		return NULL;
	}
	r->kind = kind;
	r->target = target ? pool_ref(k->pool, target) : 0;
	r->path = path ? path_ref(path) : NULL;
	r->began = now;
	return r;
}

void req_renew(struct kira *k, struct req *r)
{
	hash_del(&k->reqs, &r->node);
	r->msg_id = nonce(k);
	/* A place was free a moment ago, and the table does not shrink: this cannot fail. */
	hash_add(&k->reqs, &r->node, msg_hash(r->msg_id));
}

void req_free(struct kira *k, struct req *r)
{
	struct contact *c = r->target ? contact_find(k, r->target) : NULL;

	if (c && c->probe == r)
		c->probe = NULL;
	if (r->kind == REQ_DISC)
		k->n_disc--;
	timer_end(k, &r->timer);
	hash_del(&k->reqs, &r->node);
	if (r->target)
		pool_drop(k->pool, r->target);
	path_drop(k, r->path);
	alloc_free(k->a, r, sizeof(*r));
}

/* The answer itself was already learned from (kira.c); here the request ends. */
void req_answered(struct kira *k, struct req *r, const struct kira_msg *m, usec_t now)
{
	switch (r->kind) {
	case REQ_OND:
		ond_done(k, r, true, now);
		return;
	case REQ_ROD:
		rod_done(k, r, now);
		return;
	case REQ_REDISCOVER:
		rediscovery_answer(k, r, false, now);
		return;
	case REQ_TRACE:
	case REQ_WANT:
		want_done(k, r, m, now);
		return;
	default:
		req_free(k, r);
	}
}

void req_error(struct kira *k, struct req *r, const struct kira_msg *m, usec_t now)
{
	switch (r->kind) {
	case REQ_OND:
		ond_done(k, r, false, now);
		return;
	case REQ_ROD:
		k->stats.lookups_failed++;
		rod_done(k, r, now);
		return;
	case REQ_REDISCOVER:
		rediscovery_answer(k, r, m->error == KIRA_ERR_DEAD_END, now);
		return;
	case REQ_TRACE:
	case REQ_WANT:
		want_done(k, r, NULL, now);
		return;
	case REQ_PROBE:
	case REQ_CANDIDATE:
		probe_failed(k, r, now);
		return;
	case REQ_SILENCE:
		/* Our own neighbour says that we are none of its: the handshake has to be made again. */
		req_free(k, r);
		return;
	default:
		req_free(k, r);
	}
}
