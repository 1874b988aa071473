/* SPDX-License-Identifier: BSD-2-Clause */
/* FindNodeReq at overlay hops and the look-ups that keep the table complete: overlay neighbourhood discovery (OND) and
 * random overlay discovery (ROD) (spec §2.13 to §2.15).
 *
 * Both back off while they bring nothing new and start over when something does: in a network at rest they cost next to
 * nothing, and nobody but the node itself depends on their pace. */
#include "proto/kira/core.h"

#include <errno.h>

#define OND_WAIT MSEC(250)
#define OND_TRIES 6
#define OND_MAX SEC(300)
#define OND_QUIET SEC(60)
#define LOOKUP_WAIT SEC(3)
#define RADIUS 20
#define CLOSEST 8 /* contacts that a look-up may start with */
#define LEAST_TOLD 8 /* contacts of an answer that go even if it is fragmented for them */

bool find_send(struct kira *k, struct req *r, const struct kira_id *target, uint8_t flags, struct contact *c, usec_t now)
{
	struct kira_id ids[KIRA_ROUTE_MAX];
	size_t n = path_ids(k, c->active, ids);
	struct contact *via = first_hop(k, c->active);

	if (!via)
		return false;
	k->stats.lookups++;
	msg_begin(k, KIRA_FIND_NODE_REQ, flags, target, r->msg_id);
	kira_wire_rtable_req(&k->out, KIRA_RT_OVERLAY, (uint8_t)(k->p.k < 255 ? k->p.k : 255));
	kira_wire_route(&k->out, 1, ids, n);
	not_via_write(k, &k->out, NULL, now);
	return msg_send(k, via, NULL);
}

/* Our contacts closest to the target as an rtable, as many as fit, or LEAST_TOLD. */
static void put_closest(struct kira *k, struct contact **c, size_t n, nid_t skip, size_t room)
{
	size_t at = kira_wire_open(&k->out, KIRA_OBJ_RTABLE);
	struct kira_id ids[KIRA_ROUTE_MAX];
	size_t put = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		struct kira_contact_entry e = {.ssn = c[i]->ssn, .degree = c[i]->degree};
		size_t hops = c[i]->active->n;
		size_t bytes = 26 + hops * KIRA_ID_BYTES;

		if (c[i]->id == skip || c[i]->checking || e.ssn == KIRA_SSN_INVALID || e.ssn == KIRA_SSN_RESET)
			continue;
		if ((put >= LEAST_TOLD && k->out.n + bytes > room) || k->out.n + bytes > 60000)
			continue;
		path_ids(k, c[i]->active, ids);
		e.id = ids[hops];
		e.age = (uint32_t)((k->now - c[i]->seen) / 1000);
		kira_wire_rtable(&k->out, &e, ids + 1, hops);
		put++;
	}
	kira_wire_close(&k->out, at);
}

static void find_answer(struct kira *k, const struct kira_msg *m, struct contact **c, size_t n, struct adj *a, usec_t now)
{
	struct contact *back = answer_begin(k, m, KIRA_FIND_NODE_RSP, now);

	if (!back)
		return;
	put_closest(k, c, n, pool_find(k->pool, &m->src), msg_room(k, back));
	msg_send(k, back, a);
}

/* The request goes on to the next overlay hop: header and other objects as received, our path appended to its route, our
 * not-via added to its own. */
static void find_forward(struct kira *k, const struct kira_msg *m, struct contact *next, usec_t now)
{
	struct contact *via = first_hop(k, next->active);
	struct kira_header h = {.type = m->type, .flags = m->flags, .dest = m->dest, .src = m->src,
				.domain = m->domain, .msg_id = m->msg_id, .ssn = m->ssn, .degree = m->degree};
	size_t n = m->n_hops;
	size_t i;
	struct kira_id ids[KIRA_ROUTE_MAX];

	if (!via || n + next->active->n > KIRA_ROUTE_MAX) {
		send_error(k, m, NULL, now);
		return;
	}
	for (i = 0; i < n; i++)
		ids[i] = kira_hop(m->route, i);
	for (i = 0; i < next->active->n; i++)
		ids[n + i] = *id_of(k, next->active->hop[i]);
	buf_clear(&k->out);
	kira_wire_begin(&k->out, &h);
	kira_wire_copy_others(&k->out, m);
	kira_wire_route(&k->out, (uint16_t)n, ids, n + next->active->n);
	not_via_write(k, &k->out, m, now);
	if (msg_send(k, via, NULL))
		k->stats.forwarded++;
}

void find_req(struct kira *k, const struct kira_msg *m, struct adj *a, usec_t now)
{
	const struct kira_id *self = id_of(k, k->self);
	nid_t src = pool_find(k->pool, &m->src);
	struct contact *best[RADIUS + 4];
	size_t want = m->radius < RADIUS ? m->radius : RADIUS;
	bool exact = m->flags & KIRA_FLAG_EXACT;
	struct contact *next = NULL;
	size_t n;
	size_t i;

	n = rtable_closest(k, &m->dest, RADIUS + 4, src, best);
	if (exact && kira_id_eq(&m->dest, self)) {
		find_answer(k, m, best, n < want ? n : want, a, now);
		return;
	}
	for (i = 0; i < n; i++) {
		if (kira_id_closer(id_of(k, best[i]->id), self, &m->dest) >= 0)
			break;
		if (best[i]->checking || (best[i]->end_system && !kira_id_eq(&m->dest, id_of(k, best[i]->id))))
			continue;
		if (not_via_hits(k, best[i]->active->hop, best[i]->active->n, best[i]->validated, now) ||
		    not_via_in_msg(k, m, best[i]->active))
			continue;
		next = best[i];
		break;
	}
	if (next)
		find_forward(k, m, next, now);
	else if (exact)
		send_error(k, m, NULL, now);
	else
		find_answer(k, m, best, n < want ? n : want, a, now);
}

/* ---- OND ---- */

static struct contact *closest_router(struct kira *k, const struct kira_id *target, size_t nth)
{
	struct contact *c[CLOSEST];
	size_t n = rtable_closest(k, target, CLOSEST, 0, c);
	size_t i;

	for (i = 0; i < n; i++)
		if (!c[i]->end_system && !c[i]->checking && nth-- == 0)
			return c[i];
	return NULL;
}

void ond_soon(struct kira *k, usec_t now)
{
	usec_t due = now + jitter(k, MSEC(20));

	k->ond_wait = k->p.ond;
	k->ond_news = now;
	if (!timer_armed(&k->ond) || k->ond.h.due > due)
		timer_set(k, &k->ond, due);
}

static struct req *ond_pending(const struct kira *k)
{
	hash_each(it, &k->reqs)
	{
		struct req *r = container_of(it, struct req, node);

		if (r->kind == REQ_OND)
			return r;
	}
	return NULL;
}

/* By the closest contact, and every other time by one of the next: nodes with IDs alike may have found each other two by
 * two, and the closest knows only those that we know. */
static bool ond_send(struct kira *k, struct req *r, usec_t now)
{
	unsigned turn = r->tries == 1 ? k->ond_turn++ : r->tries - 1u;
	struct contact *c = closest_router(k, id_of(k, k->self), turn % 2 ? 1 + turn / 2 % (CLOSEST - 1) : 0);

	if (!c)
		c = closest_router(k, id_of(k, k->self), 0);
	timer_set(k, &r->timer, now + r->wait);
	return c && find_send(k, r, id_of(k, k->self), 0, c, now);
}

void ond_fire(struct kira *k, struct timer *t, usec_t now)
{
	struct req *r = ond_pending(k);

	timer_set(k, t, now + jitter(k, k->ond_wait));
	if (r) {
		/* Triggered while one is under way: run again soon after it. */
		timer_set(k, t, now + jitter(k, OND_WAIT));
		return;
	}
	/* The neighbourhood has been quiet for a while: look at it more seldom. */
	if (now - k->ond_news > OND_QUIET)
		k->ond_wait = k->ond_wait * 2 < OND_MAX ? k->ond_wait * 2 : OND_MAX;
	r = req_new(k, REQ_OND, 0, NULL, now);
	if (!r)
		return;
	r->tries = 1;
	r->wait = OND_WAIT;
	if (!ond_send(k, r, now))
		req_free(k, r);
}

/* Answered, or failed: then by the next closest, with longer waits. */
void ond_done(struct kira *k, struct req *r, bool ok, usec_t now)
{
	if (ok) {
		req_free(k, r);
		return;
	}
	k->stats.lookups_failed++;
	if (r->tries >= OND_TRIES) {
		k->ond_wait = k->p.ond;
		req_free(k, r);
		return;
	}
	r->tries++;
	r->wait *= 2;
	req_renew(k, r);
	if (!ond_send(k, r, now))
		req_free(k, r);
}

/* ---- ROD ---- */

/* Something new: the pace goes up by half the wait, and the present wait is cut short. */
void learned(struct kira *k, usec_t now)
{
	usec_t due;

	k->rod_learned = true;
	k->rod_wait = k->rod_wait / 2 > k->p.rod_min ? k->rod_wait / 2 : k->p.rod_min;
	due = now + jitter(k, k->rod_wait);
	if (timer_armed(&k->rod) && k->rod.h.due > due)
		timer_set(k, &k->rod, due);
}

/* A bucket that is worth a look-up: an empty one if there is any above the last, for what falls
 * into that may find nobody to be sent on to. */
static unsigned rod_bucket(struct kira *k)
{
	unsigned bucket = (unsigned)rng_below(&k->rng, k->n_buckets);
	bool taken[KIRA_ID_BITS + 1] = {false};
	unsigned empty[KIRA_ID_BITS + 1];
	unsigned n = 0;
	unsigned i;

	for (i = 0; i < k->n_contacts; i++)
		taken[k->contact[i]->bucket] |= k->contact[i]->state == KIRA_VALID;
	for (i = 0; i + 1 < k->n_buckets; i++)
		if (!taken[i])
			empty[n++] = i;
	return n > 0 ? empty[bucket % n] : bucket;
}

/* Where to look: any ID, or every other time one that falls into a bucket taken at random, for half of all IDs fall into
 * the first, and the deep ones are what reachability needs. */
static struct kira_id rod_target(struct kira *k)
{
	struct kira_id id;
	unsigned bits;

	rng_bytes(&k->rng, &id, sizeof(id));
	if (k->p.acc == 1 && rng_below(&k->rng, 2)) {
		const struct kira_id *self = id_of(k, k->self);
		unsigned i;

		bits = rod_bucket(k);
		for (i = 0; i <= bits && i < KIRA_ID_BITS; i++) {
			uint8_t mask = (uint8_t)(0x80 >> (i % 8));
			bool own = self->b[i / 8] & mask;

			id.b[i / 8] = own == (i < bits) ? id.b[i / 8] | mask : id.b[i / 8] & (uint8_t)~mask;
		}
	}
	if (!kira_id_valid(&id))
		id.b[KIRA_ID_BYTES - 1] ^= 1;
	return id;
}

void rod_fire(struct kira *k, struct timer *t, usec_t now)
{
	struct kira_id target = rod_target(k);
	struct contact *c = closest_router(k, &target, 0);
	struct req *r = c ? req_new(k, REQ_ROD, 0, NULL, now) : NULL;

	timer_set(k, t, now + jitter(k, k->rod_wait));
	if (!r)
		return;
	k->rod_learned = false;
	r->tries = 1;
	timer_set(k, &r->timer, now + LOOKUP_WAIT);
	if (!find_send(k, r, &target, 0, c, now))
		req_free(k, r);
}

void rod_done(struct kira *k, struct req *r, usec_t now)
{
	req_free(k, r);
	/* What it told of is being probed now; if any of that is good, learned() makes the wait shorter again. */
	if (k->rod_learned)
		return;
	k->rod_wait = k->rod_wait * 2 < k->p.rod_max ? k->rod_wait * 2 : k->p.rod_max;
	timer_set(k, &k->rod, now + jitter(k, k->rod_wait));
}

/* ---- on demand ---- */

static int ask_for(struct kira *k, uint8_t kind, const struct kira_id *target, usec_t now)
{
	nid_t id = hold_for_now(k, target);
	struct contact *c = id ? contact_find(k, id) : NULL;
	struct req *r = id ? req_new(k, kind, id, NULL, now) : NULL;

	if (!r)
		return -EBUSY;
	r->tries = 1;
	timer_set(k, &r->timer, now + LOOKUP_WAIT);
	if (!c || c->state != KIRA_VALID)
		c = closest_router(k, target, 0);
	if (!c || !find_send(k, r, target, KIRA_FLAG_EXACT, c, now)) {
		want_done(k, r, NULL, now);
		return 0;
	}
	return 0;
}

void kira_want(struct kira *k, const struct kira_id *dest, usec_t now)
{
	nid_t id = pool_find(k->pool, dest);
	struct contact *c = id ? contact_find(k, id) : NULL;

	k->now = now;
	if (!kira_id_valid(dest) || id == k->self || (c && c->state == KIRA_VALID))
		return;
	hash_each(it, &k->reqs)
	{
		struct req *r = container_of(it, struct req, node);

		if (r->kind == REQ_WANT && r->target == id)
			return;
	}
	if (tokens_take(&k->wants, 5, 10, now))
		ask_for(k, REQ_WANT, dest, now);
	leave(k, now);
}

int kira_trace(struct kira *k, const struct kira_id *target, usec_t now)
{
	int rc;

	k->now = now;
	if (!kira_id_valid(target) || kira_id_eq(target, id_of(k, k->self)))
		return -EINVAL;
	if (k->traces >= 16)
		return -EBUSY;
	k->traces++;
	rc = ask_for(k, REQ_TRACE, target, now);
	if (rc < 0)
		k->traces--;
	leave(k, now);
	return rc;
}

/* The node answered along the reverse of the way our request took (m), or did not (NULL). */
void want_done(struct kira *k, struct req *r, const struct kira_msg *m, usec_t now)
{
	struct kira_id ids[KIRA_ROUTE_MAX];
	struct kira_event ev = {.type = KIRA_EV_TRACE, .id = *id_of(k, r->target), .took = now - r->began};
	size_t i;

	if (r->kind == REQ_TRACE) {
		k->traces--;
		if (m && kira_id_eq(&m->src, &ev.id)) {
			for (i = 0; i < m->n_hops; i++)
				ids[i] = kira_hop(m->route, m->n_hops - 1u - i);
			ev.path = ids;
			ev.n_path = m->n_hops;
		}
		if (k->env.event)
			k->env.event(k->env.ctx, &ev);
	}
	req_free(k, r);
}
