/* SPDX-License-Identifier: BSD-2-Clause */
/* The PathID table: precomputed paths of the vicinity, and those that others set up through us (fwd.c). */
#include "proto/kira/core.h"

#define EXPIRE SEC(10)
#define SETUP_BURST 200 /* seconds' worth of new entries that a neighbour may bring at once */

static struct kira_fwd fwd_entry(struct kira *k, const struct path_entry *e)
{
	struct kira_fwd f = {.kind = KIRA_FWD_LOCAL};
	struct contact *n;
	nid_t way[3];
	size_t len;

	if (!e->n1)
		return f;
	f.kind = KIRA_FWD_PATH;
	n = contact_find(k, e->n1);
	if (n && is_uln(n)) {
		fwd_to_neighbour(n, &f);
		f.label = e->out1;
		return f;
	}
	f.label = e->out2;
	len = e->n2 ? vic_detour(k, e->n2, e->n1, e->n1, way) : 0;
	if (len == 0) {
		f.label = e->out1;
		len = vic_detour(k, e->n1, e->n1, 0, way);
	}
	n = len ? contact_find(k, way[0]) : NULL;
	if (!n) {
		f = (struct kira_fwd){.kind = KIRA_FWD_NONE};
		return f;
	}
	fwd_to_neighbour(n, &f);
	if (len > 1) {
		f.bypass = true;
		f.outer = hops_label(k, way, len);
	}
	return f;
}

static uint32_t path_hash(const struct kira *k, const struct kira_id *in)
{
	uint64_t seed;

	memcpy(&seed, k->secret, sizeof(seed));
	return hash_bytes(in, sizeof(*in), seed);
}

static struct path_entry *path_find(const struct kira *k, const struct kira_id *in)
{
	struct hash_node *n = hash_first(&k->paths, path_hash(k, in));

	for (; n; n = hash_next(n)) {
		struct path_entry *e = container_of(n, struct path_entry, node);

		if (kira_id_eq(&e->in, in))
			return e;
	}
	return NULL;
}

static uint32_t pair_hash(nid_t n1, nid_t n2)
{
	return nid_hash(n1 * 31 + n2);
}

static struct path_entry *pair_find(const struct kira *k, nid_t n1, nid_t n2)
{
	struct hash_node *n = hash_first(&k->pairs, pair_hash(n1, n2));

	for (; n; n = hash_next(n)) {
		struct path_entry *e = container_of(n, struct path_entry, pair);

		if (e->n1 == n1 && e->n2 == n2)
			return e;
	}
	return NULL;
}

static struct path_entry *path_add(struct kira *k, const struct kira_id *in, nid_t n1, nid_t n2)
{
	struct path_entry *e = alloc_zero(k->a, sizeof(*e));

	if (!e || hash_add(&k->paths, &e->node, path_hash(k, in)) < 0) {
		k->memory_short = true;
		alloc_free(k->a, e, sizeof(*e));
		return NULL;
	}
	e->in = *in;
	e->n1 = n1 ? pool_ref(k->pool, n1) : 0;
	e->n2 = n2 ? pool_ref(k->pool, n2) : 0;
	return e;
}

static void path_entry_write(struct kira *k, struct path_entry *e)
{
	struct kira_fwd to = fwd_entry(k, e);

	if (fwd_same(&to, &e->to))
		return;
	e->to = to;
	k->env.fwd_path(k->env.ctx, &e->in, &e->to);
}

static void path_remove(struct kira *k, struct path_entry *e)
{
	static const struct kira_fwd gone = {.kind = KIRA_FWD_NONE};

	if (e->precomputed)
		hash_del(&k->pairs, &e->pair);
	else
		k->n_explicit--;
	hash_del(&k->paths, &e->node);
	if (e->to.kind != KIRA_FWD_NONE)
		k->env.fwd_path(k->env.ctx, &e->in, &gone);
	if (e->n1)
		pool_drop(k->pool, e->n1);
	if (e->n2)
		pool_drop(k->pool, e->n2);
	alloc_free(k->a, e, sizeof(*e));
}

/* The path ourselves, n1, n2 (0: it ends before) is one of the vicinity. */
static void path_want(struct kira *k, nid_t n1, nid_t n2)
{
	struct path_entry *e = pair_find(k, n1, n2);
	struct kira_id ids[3];
	struct kira_id in;
	size_t n = 1;

	if (e) {
		e->round = k->round;
		return;
	}
	ids[0] = *id_of(k, k->self);
	if (n1)
		ids[n++] = *id_of(k, n1);
	if (n2)
		ids[n++] = *id_of(k, n2);
	in = kira_path_id(k->p.hash, ids, n);
	e = path_find(k, &in);
	if (e) {
		/* It was one before: the soft state becomes precomputed again. */
		k->n_explicit--;
	} else {
		/* No more than others may set up: lists of neighbours are what others say, too. */
		e = k->pairs.n < k->p.max_path_ids ? path_add(k, &in, n1, n2) : NULL;
		if (!e)
			return;
	}
	e->precomputed = true;
	e->idle = false;
	e->refreshed = 0;
	e->round = k->round;
	if (n1)
		e->out1 = kira_path_id(k->p.hash, ids + 1, n - 1);
	if (n2)
		e->out2 = kira_path_id(k->p.hash, ids + 2, n - 2);
	if (hash_add(&k->pairs, &e->pair, pair_hash(n1, n2)) < 0) {
		k->memory_short = true;
		e->precomputed = false;
		k->n_explicit++;
		path_remove(k, e);
	}
}

void paths_precompute(struct kira *k, usec_t now)
{
	k->round++;
	path_want(k, 0, 0);
	for (uint32_t i = 0; i < k->n_contacts; i++) {
		struct contact *c = k->contact[i];
		struct vnode *v;
		uint16_t j;

		if (!is_uln(c) || k->p.end_system)
			continue;
		path_want(k, c->id, 0);
		v = c->end_system ? NULL : vic_find(k, c->id);
		for (j = 0; v && j < v->n_nb; j++)
			if (v->nb[j] != k->self)
				path_want(k, c->id, v->nb[j]);
	}
	hash_each(it, &k->paths)
	{
		struct path_entry *e = container_of(it, struct path_entry, node);

		/* Others still use it until they have heard; around the gap if need be. */
		if (e->precomputed && e->round != k->round) {
			hash_del(&k->pairs, &e->pair);
			e->precomputed = false;
			e->refreshed = now;
			k->n_explicit++;
		}
		path_entry_write(k, e);
	}
}

const struct kira_fwd *kira_lookup_path(const struct kira *k, const struct kira_id *path_id)
{
	struct path_entry *e = path_find(k, path_id);

	return e && e->to.kind != KIRA_FWD_NONE ? &e->to : NULL;
}

static bool drop_idle(struct kira *k)
{
	hash_each(it, &k->paths)
	{
		struct path_entry *e = container_of(it, struct path_entry, node);

		if (!e->idle || e->precomputed)
			continue;
		path_remove(k, e);
		return true;
	}
	return false;
}

bool fwd_setup(struct kira *k, const struct kira_msg *m, struct adj *a, usec_t now)
{
	struct kira_id ids[KIRA_ROUTE_MAX];
	size_t n = m->n_hops - m->index;
	struct path_entry *e;
	struct kira_id in;
	struct kira_id out1;
	nid_t n1;
	nid_t n2;
	size_t i;

	if (n <= NEAR || k->p.end_system)
		return true;
	for (i = 0; i < n; i++)
		ids[i] = kira_hop(m->route, m->index + i);
	in = kira_path_id(k->p.hash, ids, n);
	out1 = kira_path_id(k->p.hash, ids + 1, n - 1);
	e = path_find(k, &in);
	if (e) {
		if (!kira_id_eq(&e->out1, &out1)) {
			k->stats.setup_refused++;
			send_error(k, m, NULL, now);
			return false;
		}
		if (!e->precomputed) {
			e->refreshed = now;
			e->idle = false;
		}
		return true;
	}
	/* A network that starts sets up all its paths at once, so the rate allows for a good many before it holds. */
	if ((k->n_explicit >= k->p.max_path_ids && !drop_idle(k)) ||
	    !tokens_take(&a->setups, k->p.rate_setups, k->p.rate_setups * SETUP_BURST, now)) {
		k->stats.setup_refused++;
		send_error(k, m, NULL, now);
		return false;
	}
	n1 = hold_for_now(k, &ids[1]);
	n2 = hold_for_now(k, &ids[2]);
	e = n1 && n2 ? path_add(k, &in, n1, n2) : NULL;
	if (!e) {
		k->stats.drop[KIRA_DROP_MEMORY]++;
		return false;
	}
	k->n_explicit++;
	e->out1 = out1;
	e->out2 = kira_path_id(k->p.hash, ids + 2, n - 2);
	e->refreshed = now;
	path_entry_write(k, e);
	return true;
}

/* A hint: another source may use the entry, and would lose packets were it deleted. It lives until its expiry unless it is
 * refreshed, but goes first where the table is full. */
void fwd_teardown(struct kira *k, const struct kira_msg *m, usec_t now)
{
	struct kira_id ids[KIRA_ROUTE_MAX];
	size_t n = m->n_hops - m->index;
	struct path_entry *e;
	struct kira_id in;
	size_t i;

	if (n <= NEAR)
		return;
	for (i = 0; i < n; i++)
		ids[i] = kira_hop(m->route, m->index + i);
	in = kira_path_id(k->p.hash, ids, n);
	e = path_find(k, &in);
	if (e && !e->precomputed)
		e->idle = true;
}

void fwd_expire(struct kira *k, usec_t now)
{
	if (now < k->expire_at)
		return;
	k->expire_at = now + EXPIRE;
	users_expire(k, now);
	hash_each(it, &k->paths)
	{
		struct path_entry *e = container_of(it, struct path_entry, node);

		if (!e->precomputed && now - e->refreshed >= k->p.path_expiry)
			path_remove(k, e);
	}
}

void paths_clear(struct kira *k)
{
	hash_each(it, &k->paths)
		path_remove(k, container_of(it, struct path_entry, node));
	hash_free(&k->paths);
	hash_free(&k->pairs);
}

void kira_each_fwd_path(const struct kira *k,
			bool (*f)(void *ctx, const struct kira_id *path_id, const struct kira_fwd *, usec_t refreshed),
			void *ctx)
{
	hash_each(it, &k->paths)
	{
		struct path_entry *e = container_of(it, struct path_entry, node);

		if (e->to.kind != KIRA_FWD_NONE && !f(ctx, &e->in, &e->to, e->refreshed))
			return;
	}
}
