/* SPDX-License-Identifier: BSD-2-Clause */
/* What happens when a link, a neighbour or a path fails (spec §2.18).
 *
 * 1. At once and without a message: the forwarding tables of the node next to the failure go around it where its vicinity
 *    graph knows a way of at most three hops to the far end of the link or to the node after it (spec §4.1; fwd.c). The
 *    contacts that used the link keep that detour as their path, to be proved by a probe.
 * 2. Contacts for which there is no detour, and those whose path was broken elsewhere, are rediscovered: FindNodeReq with
 *    the failed link as not-via, by contacts close to the lost one. Until then their bucket serves their ID. */
#include "proto/kira/core.h"

#define VIA 20
#define PARALLEL 2
#define TRY_WAIT MSEC(250)
#define ROUNDS 5
#define DEAD_ENDS 8 /* so many nodes close to it know nothing of it: it is gone */

static const usec_t wait_uln = MSEC(100);
static const usec_t wait_deepest = MSEC(500);
static const usec_t wait_first_hop = SEC(1);
static const usec_t wait_other = SEC(2);

/* ---- rediscovery ---- */

void rediscovery_stop(struct kira *k, struct contact *c)
{
	struct rediscovery *d = c->red;
	unsigned i;

	if (!d)
		return;
	timer_end(k, &d->timer);
	for (i = 0; i < d->n_via; i++)
		pool_drop(k->pool, d->via[i]);
	alloc_free(k->a, d, sizeof(*d));
	c->red = NULL;
}

/* The contacts closest to the lost one, for another round. */
static void refill(struct kira *k, struct rediscovery *d)
{
	struct contact *c[VIA];
	size_t n = rtable_closest(k, id_of(k, d->c->id), VIA, d->c->id, c);
	size_t i;

	for (i = 0; i < d->n_via; i++)
		pool_drop(k->pool, d->via[i]);
	d->n_via = 0;
	d->next = 0;
	for (i = 0; i < n; i++)
		if (!c[i]->end_system && !c[i]->checking)
			d->via[d->n_via++] = pool_ref(k->pool, c[i]->id);
}

static void give_up(struct kira *k, struct contact *c, usec_t now)
{
	k->stats.given_up++;
	rtable_remove(k, c, KIRA_EV_CONTACT_DEAD, now);
}

/* Keeps two requests under way, each by another contact; false: there is nobody left to ask. */
static bool rediscover_more(struct kira *k, struct contact *c, usec_t now)
{
	struct rediscovery *d = c->red;

	while (d->in_flight < PARALLEL) {
		struct contact *via;
		struct req *r;

		if (d->next >= d->n_via) {
			if (d->round >= ROUNDS)
				return d->in_flight > 0;
			d->round++;
			refill(k, d);
			if (d->n_via == 0)
				break;
		}
		via = contact_find(k, d->via[d->next++]);
		if (!via || via->state != KIRA_VALID)
			continue;
		r = req_new(k, REQ_REDISCOVER, c->id, NULL, now);
		if (!r)
			break;
		r->tries = 1;
		r->wait = TRY_WAIT;
		if (!find_send(k, r, id_of(k, c->id), KIRA_FLAG_EXACT, via, now)) {
			req_free(k, r);
			continue;
		}
		timer_set(k, &r->timer, now + r->wait);
		d->in_flight++;
	}
	/* Nobody to ask at the moment: once more in a while, so many times. */
	if (d->in_flight == 0)
		timer_set(k, &d->timer, now + jitter(k, SEC(1)));
	return true;
}

static void rediscover_fire(struct kira *k, struct timer *t, usec_t now)
{
	struct contact *c = container_of(t, struct rediscovery, timer)->c;

	c->state = KIRA_REDISCOVERING;
	k->stats.rediscoveries += c->red->round == 0;
	if (!rediscover_more(k, c, now))
		give_up(k, c, now);
}

/* A FindNodeReq for a lost contact was answered, failed or timed out. If the contact itself answered it is valid by now
 * (the answer's route was learned from), and its rediscovery is gone. */
void rediscovery_answer(struct kira *k, struct req *r, bool dead_end, usec_t now)
{
	struct contact *c = contact_find(k, r->target);

	req_free(k, r);
	if (!c || !c->red || c->state != KIRA_REDISCOVERING)
		return;
	if (c->red->in_flight > 0)
		c->red->in_flight--;
	c->red->dead_ends = (uint8_t)(c->red->dead_ends + dead_end);
	if (c->red->dead_ends >= DEAD_ENDS || !rediscover_more(k, c, now))
		give_up(k, c, now);
}

/* Where memory is short it starts later (rediscovery_due()): the contact stays, for its callers go on with it. */
static void rediscovery_start(struct kira *k, struct contact *c, usec_t wait, usec_t now)
{
	struct rediscovery *d = c->red;

	if (!d) {
		d = alloc_zero(k->a, sizeof(*d));
		if (!d)
			return;
		if (!timer_begin(k, &d->timer, rediscover_fire)) {
			alloc_free(k->a, d, sizeof(*d));
			return;
		}
		d->c = c;
		c->red = d;
	}
	timer_set(k, &d->timer, now + jitter(k, wait));
}

void rediscovery_due(struct kira *k, struct contact *c, usec_t now)
{
	if (c->state != KIRA_VALID && !c->red)
		rediscovery_start(k, c, wait_uln, now);
}

void contact_invalid(struct kira *k, struct contact *c, nid_t a, nid_t b, usec_t now)
{
	usec_t wait = wait_other;

	if (c->state != KIRA_VALID)
		return;
	c->state = KIRA_INVALID;
	c->lost = now;
	c->checking = false;
	if (c->probe)
		req_free(k, c->probe);
	timer_stop(k, &c->refresh);
	fwd_dirty(k, true, now);
	emit(k, KIRA_EV_CONTACT_INVALID, c, now);
	if (c->active->n == 1)
		wait = wait_uln;
	else if (c->bucket == k->n_buckets - 1)
		wait = wait_deepest;
	else if (a == k->self || b == k->self)
		wait = wait_first_hop;
	update_tell(k, c, KIRA_UNREACHABLE, now);
	rediscovery_start(k, c, wait, now);
}

void link_failed(struct kira *k, nid_t a, nid_t b, usec_t when, usec_t now)
{
	not_via_add(k, a, b, when);
	for (uint32_t i = 0; i < k->n_contacts; i++) {
		struct contact *c = k->contact[i];

		if (c->state == KIRA_VALID && c->validated <= when && path_uses(k, c->active->hop, c->active->n, a, b))
			contact_invalid(k, c, a, b, now);
	}
}

/* ---- our own neighbours ---- */

/* Gives c, whose path began with the lost neighbour, a path around it. False: the vicinity knows none. */
static bool detour(struct kira *k, struct contact *c, nid_t lost, usec_t now)
{
	const struct path *old = c->active;
	struct hops h = {.n = 0};
	nid_t way[3];
	size_t skip = 1;
	size_t n = 0;
	struct path *p;
	size_t i;

	if (old->n > 1)
		n = vic_detour(k, old->hop[1], lost, lost, way);
	if (n == 0) {
		skip = 0;
		n = vic_detour(k, lost, lost, 0, way);
	}
	if (n == 0)
		return false;
	for (i = 0; i < n; i++)
		hops_add(&h, way[i]);
	for (i = skip + 1; i < old->n; i++)
		if (!hops_add(&h, old->hop[i]))
			return false;
	/* A way that meets the old path again further on would be a loop of labels that are not set up. */
	for (i = 0; i < n - 1; i++)
		if (path_has(old->hop + skip + 1, old->n > skip + 1 ? old->n - skip - 1u : 0, way[i]))
			return false;
	p = path_new(k, h.hop, h.n);
	if (!p)
		return false;
	contact_set_path(k, c, p);
	path_drop(k, p);
	c->detour = (uint8_t)n;
	c->checking = true;
	return true;
}

void uln_lost(struct kira *k, struct contact *c, usec_t now)
{
	nid_t lost = c->id;
	uint32_t i;

	not_via_add(k, k->self, lost, now);
	k->users_lost = true;
	vic_unlink(k, k->self, lost);
	vic_settle(k);
	for (i = 0; i < k->n_contacts; i++) {
		struct contact *x = k->contact[i];

		if (x->state != KIRA_VALID || is_uln(x) || x->active->hop[0] != lost)
			continue;
		if (!detour(k, x, lost, now))
			contact_invalid(k, x, k->self, lost, now);
	}
	fwd_dirty(k, true, now);
	/* Traffic goes around before anybody is told. */
	fwd_flush(k, now);
	for (i = 0; i < k->n_contacts; i++) {
		struct contact *x = k->contact[i];

		if (x->state != KIRA_VALID || !x->checking || x->probe)
			continue;
		update_tell(k, x, KIRA_CHANGE, now);
		probe_contact(k, x, now);
		if (x->state == KIRA_VALID && x->active->n > 3)
			timer_set(k, &x->refresh, now + jitter(k, k->p.path_refresh));
	}
	uln_changed(k, now);
	learned(k, now);
	ond_soon(k, now);
}

/* ---- errors ---- */

static bool expects_answer(const struct kira_msg *m)
{
	switch (m->type) {
	case KIRA_FIND_NODE_REQ:
	case KIRA_QUERY_ROUTE_REQ:
	case KIRA_PROBE_REQ:
	case KIRA_STORE_REQ:
	case KIRA_FETCH_REQ:
		return true;
	case KIRA_PATH_SETUP_REQ:
		return m->flags & KIRA_FLAG_DIAGNOSTIC;
	default:
		return false;
	}
}

void send_error(struct kira *k, const struct kira_msg *m, const struct kira_id *next, usec_t now)
{
	const struct kira_id *self = id_of(k, k->self);
	struct contact *back;

	if (!expects_answer(m) || !tokens_take(&k->errors, 200, 400, now))
		return;
	back = answer_begin(k, m, KIRA_ERROR, now);
	if (!back)
		return;
	if (next)
		kira_wire_error(&k->out, KIRA_ERR_SEGMENT_FAILURE, self, self, next);
	else
		kira_wire_error(&k->out, KIRA_ERR_DEAD_END, self, self, self);
	msg_send(k, back, NULL);
}
