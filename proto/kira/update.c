/* SPDX-License-Identifier: BSD-2-Clause */
/* UpdateRouteReq (spec §2.16): tells the contacts closest to our own ID what became of ours. News are gathered for some
 * 75 ms into one message each; while good news keep coming, as when a network starts, for longer and longer. What was
 * told last is not told again. */
#include "proto/kira/core.h"

#define GATHER MSEC(75)
#define GATHER_MAX SEC(10)
#define SETTLED SEC(10) /* so long without news, and the next are gathered for the least time again */

#define UPDATE_TO 3
#define UPDATE_TO_FAILURE 4

void update_tell(struct kira *k, struct contact *c, uint8_t action, usec_t now)
{
	usec_t due;

	c->update = (uint8_t)(action + 1);
	if (action == KIRA_UNREACHABLE || now - k->updated > SETTLED)
		k->update_wait = GATHER;
	due = now + jitter(k, k->update_wait);
	if (!timer_armed(&k->update) || k->update.h.due > due)
		timer_set(k, &k->update, due);
}

static bool worth_telling(const struct contact *c)
{
	if (c->update == 0 || c->ssn == KIRA_SSN_INVALID || c->ssn == KIRA_SSN_RESET)
		return false;
	return c->update != c->told || c->update == KIRA_CHANGE + 1;
}

/* As many of the news as fit, to one contact. */
static void send_to(struct kira *k, struct contact *to)
{
	struct kira_id ids[KIRA_ROUTE_MAX];
	size_t n = path_ids(k, to->active, ids);
	struct contact *via = first_hop(k, to->active);
	bool any = false;
	size_t room;
	size_t at;

	if (!via)
		return;
	room = msg_room(k, via);
	msg_begin(k, KIRA_UPDATE_ROUTE_REQ, 0, &ids[n - 1], nonce(k));
	kira_wire_route(&k->out, 1, ids, n);
	at = kira_wire_open(&k->out, KIRA_OBJ_RTABLE_UPDATE);
	for (uint32_t i = 0; i < k->n_contacts; i++) {
		struct contact *c = k->contact[i];
		struct kira_contact_entry e = {.ssn = c->ssn, .degree = c->degree, .age = KIRA_AGE_UNKNOWN};

		if (!worth_telling(c) || c == to)
			continue;
		if (any && k->out.n + 27 + (size_t)c->active->n * KIRA_ID_BYTES > room)
			continue;
		n = path_ids(k, c->active, ids);
		e.id = ids[n - 1];
		kira_wire_update(&k->out, (uint8_t)(c->update - 1), &e, ids + 1, n - 1);
		any = true;
	}
	kira_wire_close(&k->out, at);
	if (any)
		msg_send(k, via, NULL);
}

void update_fire(struct kira *k, struct timer *t, usec_t now)
{
	struct contact *to[UPDATE_TO_FAILURE];
	bool failure = false;
	size_t n;
	size_t i;

	k->updated = now;
	k->update_wait = k->update_wait * 2 < GATHER_MAX ? k->update_wait * 2 : GATHER_MAX;
	for (i = 0; i < k->n_contacts; i++)
		failure |= k->contact[i]->update == KIRA_UNREACHABLE + 1;
	n = rtable_closest(k, id_of(k, k->self), failure ? UPDATE_TO_FAILURE : UPDATE_TO, 0, to);
	for (i = 0; i < n; i++)
		if (!to[i]->end_system)
			send_to(k, to[i]);
	for (i = 0; i < k->n_contacts; i++) {
		if (k->contact[i]->update)
			k->contact[i]->told = k->contact[i]->update;
		k->contact[i]->update = 0;
	}
}

/* One piece of news about a contact of ours; back leads to the sender. */
static void update_one(struct kira *k, const struct kira_rtable_entry *e, struct contact *c, const struct hops *back,
		       usec_t now)
{
	struct offer o = {.id = c->id, .ssn = e->contact.ssn, .degree = e->contact.degree};
	nid_t src = back->hop[back->n - 1];
	struct hops path = {.n = back->n};
	size_t mark = k->n_held;

	if (e->action == KIRA_UNREACHABLE) {
		/* Its word is good for its own link to the contact. */
		if (c->state == KIRA_VALID && c->ssn <= e->contact.ssn &&
		    path_uses(k, c->active->hop, c->active->n, src, c->id))
			contact_invalid(k, c, src, c->id, now);
		return;
	}
	if (e->action != KIRA_ANNOUNCE && e->action != KIRA_CHANGE)
		return;
	memcpy(path.hop, back->hop, back->n * sizeof(nid_t));
	if (hold_hops(k, &path, e->hops, e->n_hops))
		rtable_offer(k, &o, &path, now);
	while (k->n_held > mark)
		pool_drop(k->pool, k->held[--k->n_held]);
}

void update_req(struct kira *k, const struct kira_msg *m, usec_t now)
{
	struct slice list = m->update;
	struct kira_rtable_entry e;
	struct hops back = {.n = 0};
	size_t hops = 0;
	size_t i;

	for (i = m->index; i-- > 0;) {
		struct kira_id hop = kira_hop(m->route, i);
		nid_t h = hold_for_now(k, &hop);

		if (!h || !hops_add(&back, h))
			return;
	}
	while (list.p && hops < LEARN_HOPS && kira_update_next(&list, &e)) {
		nid_t id = pool_find(k->pool, &e.contact.id);
		struct contact *c = id ? contact_find(k, id) : NULL;

		if (!c || is_uln(c))
			continue;
		hops += back.n + e.n_hops;
		update_one(k, &e, c, &back, now);
	}
}
