/* SPDX-License-Identifier: BSD-2-Clause */
/* Probes of paths and of silent neighbours (spec §2.12, §2.17), and the set-up of PathIDs beyond the vicinity (§2.19). */
#include "proto/kira/core.h"

#define PROBE_WAIT SEC(1)
#define PROBE_TRIES 3 /* waits of 1, 2 and 4 s: under the 10 s of spec §2.24 */
#define DETOUR_WAIT MSEC(300)
#define CANDIDATE_WAIT SEC(2)
#define SETUP_DELAY MSEC(200)
#define SCAN SEC(1)
#define SCAN_BUCKET 2
#define SCAN_OFFERS 10
#define SCAN_CONTACTS 32
#define STABLE 3 /* proofs of one path after which it is refreshed less often */

/* ProbeReq, PathSetupReq or PathTeardownReq along a path. */
static bool send_along(struct kira *k, uint8_t type, uint64_t msg_id, const struct path *p)
{
	struct kira_id ids[KIRA_ROUTE_MAX];
	size_t n = path_ids(k, p, ids);
	struct contact *c = first_hop(k, p);

	if (!c)
		return false;
	msg_begin(k, type, type == KIRA_PROBE_REQ ? KIRA_FLAG_EXACT : 0, &ids[n - 1], msg_id);
	kira_wire_route(&k->out, 1, ids, n);
	return msg_send(k, c, NULL);
}

void probe_req(struct kira *k, const struct kira_msg *m, struct adj *a, usec_t now)
{
	struct contact *back;

	if (!kira_id_eq(&m->dest, id_of(k, k->self))) {
		k->stats.drop[KIRA_DROP_NOT_US]++;
		return;
	}
	back = answer_begin(k, m, KIRA_PROBE_RSP, now);
	if (back)
		msg_send(k, back, a);
}

void probe_contact(struct kira *k, struct contact *c, usec_t now)
{
	if (c->probe || is_uln(c))
		return;
	c->probe = req_new(k, REQ_PROBE, c->id, c->active, now);
	if (!c->probe)
		return;
	/* A detour carries traffic already, so its proof is urgent. */
	c->probe->tries = c->checking ? 2 : 1;
	c->probe->wait = c->checking ? DETOUR_WAIT : PROBE_WAIT;
	timer_set(k, &c->probe->timer, now + c->probe->wait);
	if (!send_along(k, KIRA_PROBE_REQ, c->probe->msg_id, c->active))
		probe_failed(k, c->probe, now);
}

void probe_candidate(struct kira *k, nid_t id, const struct hops *path, bool important, usec_t now)
{
	struct path *p;
	struct req *r;

	hash_each(it, &k->reqs)
	{
		r = container_of(it, struct req, node);
		if (r->kind == REQ_CANDIDATE && r->target == id && r->path->n <= path->n)
			return;
	}
	if (!(important && tokens_take(&k->important, 50, 50, now)) &&
	    !tokens_take(&k->candidates, 20, 40, now))
		return;
	p = path_new(k, path->hop, path->n);
	r = p ? req_new(k, REQ_CANDIDATE, id, p, now) : NULL;
	if (r) {
		r->tries = 1;
		timer_set(k, &r->timer, now + CANDIDATE_WAIT);
		if (!send_along(k, KIRA_PROBE_REQ, r->msg_id, p))
			req_free(k, r);
	}
	path_drop(k, p);
}

void probe_silent(struct kira *k, struct adj *a, usec_t now)
{
	struct kira_id ids[2] = {*id_of(k, k->self), *id_of(k, a->c->id)};
	struct req *r = req_new(k, REQ_SILENCE, a->c->id, NULL, now);

	if (!r)
		return;
	timer_set(k, &r->timer, now + k->p.silence_gap * k->p.silence_tries);
	msg_begin(k, KIRA_PROBE_REQ, KIRA_FLAG_EXACT, &ids[1], r->msg_id);
	kira_wire_route(&k->out, 1, ids, 2);
	msg_send(k, a->c, a);
}

/* The path of r is not good: an Error said so, or nobody answered. */
void probe_failed(struct kira *k, struct req *r, usec_t now)
{
	struct contact *c = contact_find(k, r->target);
	bool active = c && r->kind == REQ_PROBE && c->active == r->path;

	req_free(k, r);
	if (active && c->state == KIRA_VALID)
		contact_invalid(k, c, 0, 0, now);
}

void probe_timeout(struct kira *k, struct req *r, usec_t now)
{
	if (r->kind == REQ_PROBE && r->tries < PROBE_TRIES) {
		r->tries++;
		r->wait *= 2;
		req_renew(k, r);
		timer_set(k, &r->timer, now + r->wait);
		if (send_along(k, KIRA_PROBE_REQ, r->msg_id, r->path))
			return;
	}
	probe_failed(k, r, now);
}

/* ---- path set-up ---- */

static void send_setup(struct kira *k, struct contact *c, usec_t now)
{
	c->unset = false;
	send_along(k, KIRA_PATH_SETUP_REQ, nonce(k), c->active);
	/* A set-up is not answered and may get lost, so the first proof follows soon. */
	timer_set(k, &c->refresh, now + jitter(k, SEC(1)));
}

void path_setup(struct kira *k, struct contact *c, bool set_up, bool again, usec_t now)
{
	c->unset = false;
	if (is_uln(c) || c->active->n <= NEAR) {
		timer_stop(k, &c->refresh);
		return;
	}
	if (set_up) {
		timer_set(k, &c->refresh, now + jitter(k, k->p.path_refresh));
		return;
	}
	/* One found again is needed now. For a new one others do until it has shown to stay. */
	if (again) {
		send_setup(k, c, now);
		return;
	}
	c->unset = true;
	timer_set(k, &c->refresh, now + jitter(k, SETUP_DELAY));
}

/* Entries of a path that served only for a short time are not worth a message: they expire. */
void path_teardown(struct kira *k, struct path *p, usec_t since, usec_t now)
{
	if (p->n > NEAR && now - since >= k->p.path_expiry / 2)
		send_along(k, KIRA_PATH_TEARDOWN_REQ, nonce(k), p);
}

void refresh_fire(struct kira *k, struct timer *t, usec_t now)
{
	struct contact *c = container_of(t, struct contact, refresh);

	if (is_uln(c) || c->active->n <= NEAR || c->state != KIRA_VALID)
		return;
	if (c->unset) {
		send_setup(k, c, now);
		fwd_dirty(k, false, now);
		return;
	}
	/* A path that has proved stable is refreshed as late as its expiry and the tries of a probe allow. */
	if (c->proofs < STABLE)
		timer_set(k, t, now + jitter(k, k->p.path_refresh));
	else
		timer_set(k, t, now + k->p.path_expiry * 13 / 20 + jitter(k, k->p.path_expiry / 20));
	probe_contact(k, c, now);
}

/* Offers a path that the vicinity graph shows: `to` by its shortest way, then the rest. */
static void offer_by_vicinity(struct kira *k, const struct vnode *to, nid_t id, uint32_t ssn, const nid_t *rest, size_t n_rest,
			      usec_t now)
{
	struct offer o = {.id = id, .ssn = ssn, .degree = KIRA_DEGREE_UNKNOWN, .insert = true};
	struct hops path = {.n = 0};
	nid_t way[3];
	size_t n = vic_detour(k, to->id, 0, 0, way);
	size_t i;

	for (i = 0; i < n; i++)
		hops_add(&path, way[i]);
	for (i = 0; i < n_rest; i++)
		hops_add(&path, rest[i]);
	if (n > 0)
		rtable_offer(k, &o, &path, now);
}

/* Nodes of the vicinity are the nearest there are, so they belong into the table (proximity neighbour selection): each
 * second some of those that are not in it, or have a longer path there, are offered to the insertion rule. */
static void scan_vicinity(struct kira *k, usec_t now)
{
	unsigned offered = 0;
	uint32_t seen = 0;

	hash_each(it, &k->vic)
	{
		const struct vnode *v = container_of(it, struct vnode, node);
		const struct contact *c;

		if (seen++ < k->scan_from || offered >= SCAN_OFFERS || v->dist < 2)
			continue;
		c = contact_find(k, v->id);
		if (c && c->active->n <= v->dist)
			continue;
		offer_by_vicinity(k, v, v->id, v->observed, NULL, 0, now);
		offered++;
		k->scan_from = seen;
	}
	if (offered < SCAN_OFFERS)
		k->scan_from = 0;
}

/* Each second some contacts' paths are looked at for a shorter way to one of their hops: by the vicinity graph, or by the
 * path of another contact (which the insertion rule finds). */
static void scan_shortcuts(struct kira *k, usec_t now)
{
	uint32_t i;

	for (i = 0; i < k->n_contacts && i < SCAN_CONTACTS; i++) {
		struct contact *c = k->contact[(k->scan_contact + i) % k->n_contacts];
		struct offer o = {.id = c->id, .ssn = c->ssn, .degree = KIRA_DEGREE_UNKNOWN};
		struct path *p = c->active;
		struct hops path = {.n = p->n};
		size_t hop = p->n < 8 ? p->n : 8;
		const struct vnode *v = NULL;

		if (c->state != KIRA_VALID || is_uln(c))
			continue;
		while (!v && hop-- > 2) {
			v = vic_find(k, p->hop[hop]);
			if (v && (v->dist == 0 || v->dist > hop))
				v = NULL;
		}
		if (v) {
			offer_by_vicinity(k, v, c->id, c->ssn, p->hop + hop + 1, p->n - hop - 1u, now);
			continue;
		}
		memcpy(path.hop, p->hop, p->n * sizeof(nid_t));
		rtable_offer(k, &o, &path, now);
	}
	k->scan_contact += i;
}

/* Contacts within the vicinity are not refreshed; the longest unproved of each bucket are probed. */
void scan_fire(struct kira *k, struct timer *t, usec_t now)
{
	uint8_t taken[KIRA_ID_BITS + 1] = {0};
	uint32_t i;

	timer_set(k, t, now + jitter(k, SCAN));
	not_via_expire(k, now);
	fwd_expire(k, now);
	vic_mend(k, now);
	scan_vicinity(k, now);
	scan_shortcuts(k, now);
	for (i = 0; i < k->n_contacts; i++) {
		struct contact *c = k->contact[i];
		uint32_t j;
		unsigned older = 0;

		rediscovery_due(k, c, now);
		if (c->state != KIRA_VALID || is_uln(c) || c->probe || now - c->validated < k->p.probe_age)
			continue;
		for (j = 0; j < k->n_contacts && older < SCAN_BUCKET; j++) {
			const struct contact *o = k->contact[j];

			older += o != c && o->bucket == c->bucket && o->state == KIRA_VALID && !is_uln(o) &&
				 !o->probe && o->validated < c->validated;
		}
		if (older >= SCAN_BUCKET || taken[c->bucket] >= SCAN_BUCKET)
			continue;
		taken[c->bucket]++;
		probe_contact(k, c, now);
	}
}
