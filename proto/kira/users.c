/* SPDX-License-Identifier: BSD-2-Clause */
/* The sources whose paths lead through us, by the neighbour that they leave to.
 *
 * A PathID carries no source, so a node next to a broken link cannot tell whose packets it would lose; but the probes and
 * set-ups of each source have passed, and their travelled route leads back to it. Where there is a way around the link
 * within the vicinity traffic takes it (fwd.c) and nobody need be told. Where there is none, each source gets the Error
 * that its next probe would bring it, now: a segment failure, which every node on the way believes, coming from an end of
 * the link (spec §2.11, §2.18). */
#include "proto/kira/core.h"

static uint32_t user_hash(nid_t next, nid_t source)
{
	return nid_hash(next * 31 + source);
}

static struct user *user_find(const struct kira *k, nid_t next, nid_t source)
{
	struct hash_node *n = hash_first(&k->users, user_hash(next, source));

	for (; n; n = hash_next(n)) {
		struct user *u = container_of(n, struct user, node);

		if (u->next == next && u->source == source)
			return u;
	}
	return NULL;
}

/* Takes p over, which may be NULL. */
static void set_back(struct kira *k, struct user *u, struct path *p)
{
	if (u->back)
		k->users_hops -= u->back->n;
	path_drop(k, u->back);
	if (p)
		k->users_hops += p->n;
	u->back = p;
}

static void user_drop(struct kira *k, struct user *u)
{
	hash_del(&k->users, &u->node);
	set_back(k, u, NULL);
	pool_drop(k->pool, u->next);
	pool_drop(k->pool, u->source);
	alloc_free(k->a, u, sizeof(*u));
}

void users_free(struct kira *k)
{
	hash_each(it, &k->users)
		user_drop(k, container_of(it, struct user, node));
	hash_free(&k->users);
}

static struct user *user_new(struct kira *k, nid_t next, nid_t source)
{
	struct user *u;

	if (k->users.n >= USERS_MAX)
		return NULL;
	u = alloc_zero(k->a, sizeof(*u));
	if (!u)
		return NULL;
	if (hash_add(&k->users, &u->node, user_hash(next, source)) < 0) {
		alloc_free(k->a, u, sizeof(*u));
		return NULL;
	}
	u->next = pool_ref(k->pool, next);
	u->source = pool_ref(k->pool, source);
	return u;
}

void note_user(struct kira *k, const struct kira_msg *m, const struct hops *back, usec_t now)
{
	struct kira_id id;
	struct hops path;
	struct user *u;
	nid_t source;
	nid_t next;

	if ((m->type != KIRA_PROBE_REQ && m->type != KIRA_PATH_SETUP_REQ) || m->index + 1 >= m->n_hops)
		return;
	id = kira_hop(m->route, m->index + 1u);
	next = pool_find(k->pool, &id);
	source = back->hop[back->n - 1];
	if (!next || source == k->self)
		return;
	u = user_find(k, next, source);
	if (!u)
		u = user_new(k, next, source);
	if (!u)
		return;
	u->when = now;
	u->msg_id = m->msg_id;
	if (path_same(u->back, back))
		return;
	path.n = back->n;
	memcpy(path.hop, back->hop, back->n * sizeof(nid_t));
	hops_cut_cycles(k, &path);
	set_back(k, u, NULL);
	if (path.n > 0 && k->users_hops + path.n <= USERS_HOPS)
		set_back(k, u, path_new(k, path.hop, path.n));
}

static void warn(struct kira *k, const struct user *u)
{
	const struct kira_id *self = id_of(k, k->self);
	struct kira_id ids[KIRA_ROUTE_MAX];
	struct contact *via = u->back ? first_hop(k, u->back) : NULL;
	size_t n;

	if (!via)
		return;
	n = path_ids(k, u->back, ids);
	msg_begin(k, KIRA_ERROR, 0, id_of(k, u->source), u->msg_id);
	kira_wire_route(&k->out, 1, ids, n);
	kira_wire_error(&k->out, KIRA_ERR_SEGMENT_FAILURE, self, self, id_of(k, u->next));
	msg_send(k, via, NULL);
}

void users_warn(struct kira *k, usec_t now)
{
	bool left = false;

	if (!k->users_lost)
		return;
	hash_each(it, &k->users)
	{
		struct user *u = container_of(it, struct user, node);
		struct contact *c = contact_find(k, u->next);
		nid_t way[3];

		if (c && is_uln(c))
			continue;
		if (vic_detour(k, u->next, u->next, 0, way) > 0) {
			left = true;
			continue;
		}
		if (now - u->when < k->p.path_expiry)
			warn(k, u);
		user_drop(k, u);
	}
	k->users_lost = left;
}

void users_expire(struct kira *k, usec_t now)
{
	hash_each(it, &k->users)
	{
		struct user *u = container_of(it, struct user, node);

		if (now - u->when >= k->p.path_expiry)
			user_drop(k, u);
	}
}
