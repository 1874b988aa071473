/* SPDX-License-Identifier: BSD-2-Clause */
/* The vicinity graph (spec §2.9, §2.12): who is linked to whom within three hops. Nodes at less than three hops have
 * their neighbour lists kept in step with their SSN (uln.c); those at three hops are known as their neighbours only. */
#include "proto/kira/core.h"

#define RADIUS 3
#define OVERTAKEN MSEC(500) /* a message may come so much later than one sent after it */
#define LOST_MAX 64 /* links of a node that are worth an invalidation each at a time */

struct vnode *vic_find(const struct kira *k, nid_t id)
{
	struct hash_node *n = hash_first(&k->vic, nid_hash(id));

	for (; n; n = hash_next(n)) {
		struct vnode *v = container_of(n, struct vnode, node);

		if (v->id == id)
			return v;
	}
	return NULL;
}

static struct vnode *vic_get(struct kira *k, nid_t id)
{
	struct vnode *v = vic_find(k, id);

	if (v || k->vic.n >= k->p.max_vicinity)
		return v;
	v = alloc_zero(k->a, sizeof(*v));
	if (!v || hash_add(&k->vic, &v->node, nid_hash(id)) < 0) {
		k->memory_short = true;
		alloc_free(k->a, v, sizeof(*v));
		return NULL;
	}
	v->id = pool_ref(k->pool, id);
	return v;
}

static void vic_drop(struct kira *k, struct vnode *v)
{
	uint16_t i;

	for (i = 0; i < v->n_nb; i++)
		pool_drop(k->pool, v->nb[i]);
	alloc_free(k->a, v->nb, v->cap_nb * sizeof(*v->nb));
	hash_del(&k->vic, &v->node);
	pool_drop(k->pool, v->id);
	alloc_free(k->a, v, sizeof(*v));
}

void vic_free(struct kira *k)
{
	hash_each(it, &k->vic)
		vic_drop(k, container_of(it, struct vnode, node));
	hash_free(&k->vic);
}

static bool nb_has(const struct vnode *v, nid_t x)
{
	return path_has(v->nb, v->n_nb, x);
}

static bool nb_add(struct kira *k, struct vnode *v, nid_t x)
{
	if (nb_has(v, x))
		return true;
	if (v->n_nb == v->cap_nb) {
		uint32_t cap = v->cap_nb ? v->cap_nb * 2u : 4;
		nid_t *nb;

		if (cap > UINT16_MAX)
			return false;
		nb = alloc_resize(k->a, v->nb, v->cap_nb * sizeof(*nb), cap * sizeof(*nb));
		if (!nb) {
			k->memory_short = true;
			return false;
		}
		v->nb = nb;
		v->cap_nb = (uint16_t)cap;
	}
	v->nb[v->n_nb++] = pool_ref(k->pool, x);
	return true;
}

static void nb_del(struct kira *k, struct vnode *v, nid_t x)
{
	uint16_t i;

	for (i = 0; i < v->n_nb; i++) {
		if (v->nb[i] != x)
			continue;
		/* Keep the order: it decides which of two equal detours is taken. */
		memmove(v->nb + i, v->nb + i + 1, (v->n_nb - i - 1u) * sizeof(*v->nb));
		v->n_nb--;
		pool_drop(k->pool, x);
		return;
	}
}

/* The graph is kept symmetric; the node itself is in it, as a node at distance 0. */
void vic_link(struct kira *k, nid_t a, nid_t b)
{
	struct vnode *va = vic_get(k, a);
	struct vnode *vb = vic_get(k, b);

	if (!va || !vb)
		return;
	if (!nb_add(k, va, b) || !nb_add(k, vb, a)) {
		nb_del(k, va, b);
		nb_del(k, vb, a);
	}
}

void vic_unlink(struct kira *k, nid_t a, nid_t b)
{
	struct vnode *va = vic_find(k, a);
	struct vnode *vb = vic_find(k, b);

	if (va)
		nb_del(k, va, b);
	if (vb)
		nb_del(k, vb, a);
}

void vic_observe(struct kira *k, nid_t id, uint32_t ssn, usec_t now)
{
	struct vnode *v = vic_find(k, id);

	if (!v || ssn == KIRA_SSN_INVALID || ssn == KIRA_SSN_RESET)
		return;
	v->seen = now;
	if (ssn <= v->observed)
		return;
	v->observed = ssn;
	if (v->dist > 0 && v->dist < RADIUS)
		resync_soon(k, now);
}

void vic_observe_own(struct kira *k, nid_t id, uint32_t ssn, usec_t now)
{
	struct vnode *v = vic_find(k, id);

	if (v && ssn < v->observed && ssn != KIRA_SSN_INVALID) {
		if (v->lower == 0)
			v->lower = now;
		if (now - v->lower < OVERTAKEN)
			return;
		vic_reset(k, id);
	}
	if (v)
		v->lower = 0;
	vic_observe(k, id, ssn, now);
}

void vic_reset(struct kira *k, nid_t id)
{
	struct vnode *v = vic_find(k, id);

	if (!v)
		return;
	v->observed = 0;
	v->synched = 0;
	resync_soon(k, k->now);
}

bool vic_list(struct kira *k, nid_t id, uint32_t ssn, const struct hops *nb, bool whole, usec_t now)
{
	struct vnode *v = vic_get(k, id);
	bool changed = false;
	nid_t gone[LOST_MAX];
	size_t lost = 0;
	uint16_t i;
	size_t j;

	if (!v || (ssn < v->synched && now - v->seen < SEC(5)))
		return false; /* an older list, overtaken */
	v->seen = now;
	v->synched = ssn;
	v->observed = ssn;
	/* Our own links are ours to know. */
	for (i = 0; whole && i < v->n_nb;) {
		nid_t x = v->nb[i];

		if (x == k->self || path_has(nb->hop, nb->n, x)) {
			i++;
			continue;
		}
		vic_unlink(k, id, x);
		changed = true;
		/* The word of an end of the link. */
		if (lost < LOST_MAX)
			gone[lost++] = x;
	}
	while (lost > 0)
		link_failed(k, id, gone[--lost], now, now);
	for (j = 0; j < nb->n; j++) {
		nid_t x = nb->hop[j];

		if (x == k->self || x == id || nb_has(v, x))
			continue;
		vic_link(k, id, x);
		not_via_remove(k, id, x);
		changed = true;
	}
	if (k->memory_short)
		v->synched = 0; /* it may not be whole */
	return changed;
}

void vic_mend(struct kira *k, usec_t now)
{
	bool changed = false;

	if (!k->memory_short)
		return;
	k->memory_short = false;
	for (uint32_t i = 0; i < k->n_contacts; i++) {
		nid_t id = k->contact[i]->id;
		const struct vnode *v = is_uln(k->contact[i]) ? vic_find(k, id) : NULL;

		if (!is_uln(k->contact[i]) || (v && nb_has(v, k->self)))
			continue;
		vic_link(k, k->self, id);
		changed = true;
	}
	if (changed)
		vic_settle(k);
	fwd_vicinity(k);
	resync_soon(k, now);
}

void vic_settle(struct kira *k)
{
	struct vnode *self = vic_find(k, k->self);
	unsigned d;

	hash_each(it, &k->vic)
		container_of(it, struct vnode, node)->dist = 0;
	/* Breadth first by distance; a node's list is known only where it is kept in step, so each round is cheap. */
	for (d = 1; self && d <= RADIUS; d++) {
		hash_each(it, &k->vic)
		{
			struct vnode *v = container_of(it, struct vnode, node);
			uint16_t i;

			if (v != self && v->dist != d - 1)
				continue;
			if ((v == self) != (d == 1))
				continue;
			for (i = 0; i < v->n_nb; i++) {
				struct vnode *x = vic_find(k, v->nb[i]);

				if (x && x != self && x->dist == 0)
					x->dist = (uint8_t)d;
			}
		}
	}
	hash_each(it, &k->vic)
	{
		struct vnode *v = container_of(it, struct vnode, node);

		if (v == self)
			continue;
		if (v->dist == 0) {
			while (v->n_nb > 0)
				vic_unlink(k, v->id, v->nb[v->n_nb - 1]);
			vic_drop(k, v);
		} else if (v->dist == RADIUS) {
			v->synched = 0;
		}
	}
	fwd_vicinity(k);
}

/* A neighbour of ours that a path may lead through. */
static bool passable(const struct kira *k, nid_t id, nid_t not_first, nid_t avoid)
{
	const struct contact *c = id != not_first && id != avoid ? contact_find(k, id) : NULL;

	return c && is_uln(c) && !c->end_system;
}

static bool is_end_system(const struct kira *k, nid_t id)
{
	const struct contact *c = contact_find(k, id);

	return c && c->end_system;
}

size_t vic_detour(const struct kira *k, nid_t to, nid_t not_first, nid_t avoid, nid_t path[3])
{
	struct contact *direct = contact_find(k, to);
	struct vnode *v = vic_find(k, to);
	uint16_t i;
	uint16_t j;

	if (to == avoid)
		return 0;
	if (direct && is_uln(direct) && to != not_first) {
		path[0] = to;
		return 1;
	}
	for (i = 0; v && i < v->n_nb; i++) {
		if (passable(k, v->nb[i], not_first, avoid)) {
			path[0] = v->nb[i];
			path[1] = to;
			return 2;
		}
	}
	for (i = 0; v && i < v->n_nb; i++) {
		struct vnode *y = v->nb[i] == k->self || v->nb[i] == avoid ? NULL : vic_find(k, v->nb[i]);

		if (!y || is_end_system(k, y->id))
			continue;
		for (j = 0; j < y->n_nb; j++) {
			if (y->nb[j] == to || !passable(k, y->nb[j], not_first, avoid))
				continue;
			path[0] = y->nb[j];
			path[1] = y->id;
			path[2] = to;
			return 3;
		}
	}
	return 0;
}
