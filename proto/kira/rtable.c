/* SPDX-License-Identifier: BSD-2-Clause */
/* Contacts in Kademlia buckets and the insertion rule (spec §2.9, §2.10).
 *
 * Only paths that were travelled enter the table. What others tell of (hearsay: rtable and contact-list entries, updates)
 * is proved by a probe first, and enters by the answer's travelled path. So a peer can make us probe, at a bounded rate,
 * but it cannot fill the table or move our traffic with claims. */
#include "proto/kira/core.h"

struct contact *contact_find(const struct kira *k, nid_t id)
{
	struct hash_node *n = hash_first(&k->contacts, nid_hash(id));

	for (; n; n = hash_next(n)) {
		struct contact *c = container_of(n, struct contact, node);

		if (c->id == id)
			return c;
	}
	return NULL;
}

struct contact *first_hop(const struct kira *k, const struct path *p)
{
	struct contact *c = contact_find(k, p->hop[0]);

	return c && is_uln(c) ? c : NULL;
}

void emit(struct kira *k, uint8_t type, const struct contact *c, usec_t now)
{
	struct kira_event ev = {.type = type, .id = *id_of(k, c->id), .ssn = c->ssn};

	if (!k->env.event)
		return;
	if (is_uln(c)) {
		const struct adj *a = container_of(c->adjs.next, struct adj, in);

		ev.link = a->link;
		ev.addr = a->addr;
	}
	if (type == KIRA_EV_CONTACT_VALID && c->lost)
		ev.took = now - c->lost;
	k->env.event(k->env.ctx, &ev);
}

unsigned bucket_of(const struct kira *k, const struct kira_id *id)
{
	return kira_bucket_index(id_of(k, k->self), id, k->n_buckets, k->p.acc);
}

/* The last bucket is split while it holds more than k: the table gets one more. */
static void split(struct kira *k)
{
	unsigned most = k->p.acc == 1 ? KIRA_ID_BITS : KIRA_ID_BITS / k->p.acc * ((1u << k->p.acc) - 1);

	if (most > KIRA_ID_BITS)
		most = KIRA_ID_BITS;
	while (k->n_buckets < most && k->bucket_n[k->n_buckets - 1] > k->p.k) {
		unsigned last = k->n_buckets - 1;

		k->n_buckets++;
		for (uint32_t i = 0; i < k->n_contacts; i++) {
			struct contact *c = k->contact[i];

			if (c->bucket != last || bucket_of(k, id_of(k, c->id)) == last)
				continue;
			c->bucket = (uint8_t)(last + 1);
			if (is_uln(c))
				continue;
			k->bucket_n[last]--;
			k->bucket_n[last + 1]++;
		}
	}
}

/* Of a full bucket, the contact that must go for one with a path of n hops: the longest that is longer. What is not valid
 * goes before what is. */
static struct contact *displaced(struct kira *k, unsigned bucket, size_t n)
{
	struct contact *worst = NULL;

	for (uint32_t i = 0; i < k->n_contacts; i++) {
		struct contact *c = k->contact[i];
		bool lame;

		if (c->bucket != bucket || is_uln(c))
			continue;
		lame = c->state != KIRA_VALID;
		if (!lame && c->active->n <= n)
			continue;
		if (!worst || (lame && worst->state == KIRA_VALID) ||
		    (lame == (worst->state != KIRA_VALID) && c->active->n > worst->active->n))
			worst = c;
	}
	return worst;
}

static struct contact *contact_new(struct kira *k, nid_t id, struct path *p, usec_t now)
{
	struct contact *c;

	if (k->n_contacts == k->cap_contacts) {
		uint32_t cap = k->cap_contacts ? k->cap_contacts * 2 : 16;
		void *more = alloc_resize(k->a, k->contact, k->cap_contacts * sizeof(*k->contact),
					  cap * sizeof(*k->contact));

		if (!more)
			return NULL;
		k->contact = more;
		k->cap_contacts = cap;
	}
	c = alloc_zero(k->a, sizeof(*c));
	if (!c)
		return NULL;
	if (!timer_begin(k, &c->refresh, refresh_fire)) {
		alloc_free(k->a, c, sizeof(*c));
		return NULL;
	}
	if (hash_add(&k->contacts, &c->node, nid_hash(id)) < 0) {
		timer_end(k, &c->refresh);
		alloc_free(k->a, c, sizeof(*c));
		return NULL;
	}
	c->id = pool_ref(k->pool, id);
	c->at = k->n_contacts;
	k->contact[k->n_contacts++] = c;
	list_init(&c->adjs);
	c->state = KIRA_VALID;
	c->degree = KIRA_DEGREE_UNKNOWN;
	c->active = path_ref(p);
	c->seen = now;
	c->since = now;
	c->validated = now;
	c->bucket = (uint8_t)bucket_of(k, id_of(k, id));
	k->bucket_n[c->bucket]++;
	split(k);
	return c;
}

void rtable_remove(struct kira *k, struct contact *c, uint8_t event, usec_t now)
{
	emit(k, event, c, now);
	rediscovery_stop(k, c);
	timer_end(k, &c->refresh);
	if (c->probe)
		req_free(k, c->probe);
	if (c->state == KIRA_VALID && !c->unset)
		path_teardown(k, c->active, c->since, now);
	if (!is_uln(c))
		k->bucket_n[c->bucket]--;
	k->contact[c->at] = k->contact[--k->n_contacts];
	k->contact[c->at]->at = c->at;
	hash_del(&k->contacts, &c->node);
	path_drop(k, c->active);
	pool_drop(k->pool, c->id);
	alloc_free(k->a, c, sizeof(*c));
	fwd_dirty(k, false, now);
}

void contact_set_path(struct kira *k, struct contact *c, struct path *p)
{
	struct path *old = c->active;

	c->active = path_ref(p);
	c->since = k->now;
	c->detour = 0;
	c->proofs = 0;
	c->unset = false;
	c->checking = false;
	if (c->probe)
		req_free(k, c->probe);
	path_drop(k, old);
}

/* c's active path was proved just now. */
void contact_valid(struct kira *k, struct contact *c, bool set_up, usec_t now)
{
	bool again = c->state != KIRA_VALID;

	c->validated = now;
	c->seen = now;
	c->checking = false;
	if (c->proofs < UINT8_MAX)
		c->proofs++;
	if (c->detour > 0) {
		c->detour = 0;
		fwd_dirty(k, false, now);
	}
	if (set_up && c->unset) {
		c->unset = false;
		fwd_dirty(k, false, now);
	}
	if (!again)
		return;
	c->state = KIRA_VALID;
	k->stats.rediscovered++;
	rediscovery_stop(k, c);
	emit(k, KIRA_EV_CONTACT_VALID, c, now);
	c->lost = 0;
	path_setup(k, c, set_up, true, now);
	update_tell(k, c, KIRA_CHANGE, now);
	fwd_dirty(k, true, now);
}

struct contact *rtable_uln(struct kira *k, nid_t id, const struct kira_msg *m, usec_t now)
{
	struct contact *c = contact_find(k, id);
	struct path *p = path_new(k, &id, 1);

	if (!p)
		return NULL;
	if (!c) {
		c = contact_new(k, id, p, now);
		if (c) {
			emit(k, KIRA_EV_CONTACT_NEW, c, now);
			update_tell(k, c, KIRA_ANNOUNCE, now);
		}
	} else {
		contact_set_path(k, c, p);
		contact_valid(k, c, false, now);
		update_tell(k, c, KIRA_CHANGE, now);
	}
	path_drop(k, p);
	if (c) {
		c->end_system = m->flags & KIRA_FLAG_END_SYSTEM;
		timer_stop(k, &c->refresh);
	}
	return c;
}

void rtable_recount(struct kira *k, struct contact *c, usec_t now)
{
	struct contact *out;

	if (is_uln(c)) {
		k->bucket_n[c->bucket]--;
		return;
	}
	k->bucket_n[c->bucket]++;
	split(k);
	if (k->bucket_n[c->bucket] <= k->p.k)
		return;
	out = displaced(k, c->bucket, 0);
	if (out && out != c)
		rtable_remove(k, out, KIRA_EV_CONTACT_REPLACED, now);
}

/* Would a node of the last bucket be in the last still, were it split? */
static bool goes_deeper(const struct kira *k, nid_t id)
{
	unsigned next = k->n_buckets < KIRA_ID_BITS ? k->n_buckets + 1 : k->n_buckets;

	return kira_bucket_index(id_of(k, k->self), id_of(k, id), next, k->p.acc) == next - 1;
}

/* Would a node at this many hops be taken into the table? */
static bool has_room(struct kira *k, nid_t id, size_t n)
{
	unsigned b = bucket_of(k, id_of(k, id));

	return k->bucket_n[b] < k->p.k || goes_deeper(k, id) || displaced(k, b, n) != NULL;
}

static bool better(const struct hops *path, const struct contact *c)
{
	return path->n < c->active->n || (c->checking && path->n <= c->active->n);
}

/* A travelled path to a node that is not in the table. */
static struct contact *insert(struct kira *k, const struct offer *o, const struct hops *path, usec_t now)
{
	unsigned b = bucket_of(k, id_of(k, o->id));
	bool last = b == k->n_buckets - 1;
	struct contact *c;
	struct contact *out = NULL;
	struct path *p;

	if (k->bucket_n[b] >= k->p.k && !last) {
		out = displaced(k, b, path->n);
		if (!out)
			return NULL;
	}
	p = path_new(k, path->hop, path->n);
	if (!p)
		return NULL;
	c = contact_new(k, o->id, p, now);
	path_drop(k, p);
	if (!c)
		return NULL;
	c->ssn = o->ssn;
	c->degree = o->degree;
	c->end_system = o->end_system;
	/* The last bucket was split for it; where that could not be, somebody has to go. */
	if (!out && k->bucket_n[c->bucket] > k->p.k)
		out = displaced(k, c->bucket, path->n);
	if (!out && k->bucket_n[c->bucket] > k->p.k)
		out = c;
	if (out) {
		rtable_remove(k, out, KIRA_EV_CONTACT_REPLACED, now);
		if (out == c)
			return NULL;
	}
	emit(k, KIRA_EV_CONTACT_NEW, c, now);
	path_setup(k, c, o->set_up, false, now);
	update_tell(k, c, KIRA_ANNOUNCE, now);
	fwd_dirty(k, c->bucket == k->n_buckets - 1, now);
	learned(k, now);
	if (c->bucket == k->n_buckets - 1)
		ond_soon(k, now);
	return c;
}

/* A travelled path to a node that is in the table. */
static struct contact *confirm(struct kira *k, struct contact *c, const struct offer *o, const struct hops *path, usec_t now)
{
	struct path *p;

	/* A lower number than stored is an old word, unless it has been long since we heard of the node: then it has
	 * started anew without its number (spec §2.8). */
	if (o->ssn < c->ssn && now - c->seen < SEC(5) && c->state == KIRA_VALID)
		return NULL;
	c->ssn = o->ssn;
	c->seen = now;
	c->end_system = o->end_system;
	if (o->degree != KIRA_DEGREE_UNKNOWN)
		c->degree = o->degree;
	if (is_uln(c))
		return c;
	if (path_same(c->active, path)) {
		contact_valid(k, c, o->set_up, now);
		return c;
	}
	if (c->state == KIRA_VALID && !better(path, c))
		return c;
	/* The path in use works; one beyond the vicinity takes its place when a probe has also set it up. */
	if (c->state == KIRA_VALID && !c->checking && path->n > NEAR && !o->set_up) {
		probe_candidate(k, c->id, path, false, now);
		return c;
	}
	p = path_new(k, path->hop, path->n);
	if (!p)
		return NULL;
	if (c->state == KIRA_VALID && !c->unset)
		path_teardown(k, c->active, c->since, now);
	contact_set_path(k, c, p);
	path_drop(k, p);
	if (c->state != KIRA_VALID) {
		contact_valid(k, c, o->set_up, now);
		learned(k, now);
	} else {
		c->validated = now;
		emit(k, KIRA_EV_CONTACT_VALID, c, now);
		path_setup(k, c, o->set_up, false, now);
		update_tell(k, c, KIRA_CHANGE, now);
		fwd_dirty(k, false, now);
	}
	return c;
}

struct contact *rtable_offer(struct kira *k, struct offer *o, struct hops *path, usec_t now)
{
	struct contact *c = contact_find(k, o->id);
	struct contact *first;
	size_t n;

	hops_cut_cycles(k, path);
	if (o->id == k->self || path->n == 0)
		return NULL;
	if (o->validated && c && c->state == KIRA_VALID && path_same(c->active, path)) {
		not_via_proved(k, path->hop, path->n, now);
		return confirm(k, c, o, path, now);
	}
	n = path->n;
	hops_cut_to_uln(k, path);
	if (!o->validated)
		hops_splice(k, path);
	first = contact_find(k, path->hop[0]);
	if (!first || !is_uln(first) || path->hop[path->n - 1] != o->id)
		return NULL;
	if (first->end_system && first->id != o->id)
		return NULL;
	if (o->validated) {
		o->set_up &= path->n == n;
		not_via_proved(k, path->hop, path->n, now);
		return c ? confirm(k, c, o, path, now) : insert(k, o, path, now);
	}

	if (not_via_hits(k, path->hop, path->n, 0, now))
		return NULL;
	if (!c && (!o->insert || !has_room(k, o->id, path->n)))
		return NULL;
	if (c && (is_uln(c) || (c->state == KIRA_VALID && !better(path, c))))
		return NULL;
	if (c && o->ssn < c->ssn && c->state == KIRA_VALID && !c->checking)
		return NULL;
	probe_candidate(k, o->id, path, !c && goes_deeper(k, o->id), now);
	return NULL;
}

size_t rtable_closest(const struct kira *k, const struct kira_id *target, size_t n, nid_t skip, struct contact **out)
{
	size_t have = 0;

	for (uint32_t i = 0; n > 0 && i < k->n_contacts; i++) {
		struct contact *c = k->contact[i];
		size_t at;

		if (c->state != KIRA_VALID || c->id == skip)
			continue;
		if (have == n && kira_id_closer(id_of(k, c->id), id_of(k, out[n - 1]->id), target) > 0)
			continue;
		at = have < n ? have++ : n - 1;
		for (; at > 0 && kira_id_closer(id_of(k, c->id), id_of(k, out[at - 1]->id), target) < 0; at--)
			out[at] = out[at - 1];
		out[at] = c;
	}
	return have;
}

const char *kira_contact_state_name(enum kira_contact_state s)
{
	static const char *const name[] = {"unknown", "valid", "invalid", "rediscovering", "dead"};

	return s <= KIRA_DEAD ? name[s] : "unknown";
}
