/* SPDX-License-Identifier: BSD-2-Clause */
/* Not-via: links known to have failed, each with the time that was noticed (spec §2.9, §2.18, §2.23). An entry speaks
 * against a path only if the path was last proved before the failure. */
#include "proto/kira/core.h"

static void drop_at(struct kira *k, unsigned i)
{
	pool_drop(k->pool, k->not_via[i].a);
	pool_drop(k->pool, k->not_via[i].b);
	k->not_via[i] = k->not_via[--k->n_not_via];
}

void not_via_free(struct kira *k)
{
	while (k->n_not_via > 0)
		drop_at(k, k->n_not_via - 1);
}

static int not_via_find(const struct kira *k, nid_t a, nid_t b)
{
	unsigned i;

	for (i = 0; i < k->n_not_via; i++) {
		const struct not_via *v = &k->not_via[i];

		if ((v->a == a && v->b == b) || (v->a == b && v->b == a))
			return (int)i;
	}
	return -1;
}

void not_via_add(struct kira *k, nid_t a, nid_t b, usec_t when)
{
	int at = not_via_find(k, a, b);
	unsigned i;

	if (at >= 0) {
		if (k->not_via[at].when < when)
			k->not_via[at].when = when;
		return;
	}
	if (k->n_not_via == NOT_VIA_MAX) {
		unsigned oldest = 0;

		for (i = 1; i < k->n_not_via; i++)
			if (k->not_via[i].when < k->not_via[oldest].when)
				oldest = i;
		drop_at(k, oldest);
	}
	if (kira_id_cmp(id_of(k, a), id_of(k, b)) > 0) {
		nid_t x = a;

		a = b;
		b = x;
	}
	k->not_via[k->n_not_via++] =
		(struct not_via){pool_ref(k->pool, a), pool_ref(k->pool, b), when};
}

void not_via_remove(struct kira *k, nid_t a, nid_t b)
{
	int at = not_via_find(k, a, b);

	if (at >= 0)
		drop_at(k, (unsigned)at);
}

bool not_via_hits(const struct kira *k, const nid_t *hop, size_t n, usec_t validated, usec_t now)
{
	unsigned i;

	for (i = 0; i < k->n_not_via; i++) {
		const struct not_via *v = &k->not_via[i];

		if (v->when >= validated && now - v->when < NOT_VIA_LIFE && path_uses(k, hop, n, v->a, v->b))
			return true;
	}
	return false;
}

void not_via_proved(struct kira *k, const nid_t *hop, size_t n, usec_t now)
{
	unsigned i = 0;

	/* What travels now may have left before the failure. */
	while (i < k->n_not_via) {
		const struct not_via *v = &k->not_via[i];

		if (now - v->when > MSEC(500) && path_uses(k, hop, n, v->a, v->b))
			drop_at(k, i);
		else
			i++;
	}
}

void not_via_expire(struct kira *k, usec_t now)
{
	unsigned i = 0;

	while (i < k->n_not_via) {
		if (now - k->not_via[i].when >= NOT_VIA_LIFE)
			drop_at(k, i);
		else
			i++;
	}
}

static uint32_t age_ms(usec_t when, usec_t now)
{
	return (uint32_t)((now - when) / 1000);
}

void not_via_write(struct kira *k, struct buf *b, const struct kira_msg *m, usec_t now)
{
	struct slice list = m ? m->not_via : (struct slice){NULL, 0};
	struct kira_not_via_entry e;
	size_t at = kira_wire_open(b, KIRA_OBJ_NOT_VIA);
	bool taken[NOT_VIA_MAX] = {false};
	unsigned sent = 0;
	unsigned i;

	while (list.p && sent < NOT_VIA_SENT && kira_not_via_next(&list, &e)) {
		nid_t a = pool_find(k->pool, &e.a);
		nid_t c = pool_find(k->pool, &e.b);
		int own = a && c ? not_via_find(k, a, c) : -1;

		if (own >= 0)
			taken[own] = true;
		kira_wire_not_via(b, &e);
		sent++;
	}
	for (; sent < NOT_VIA_SENT; sent++) {
		int newest = -1;

		for (i = 0; i < k->n_not_via; i++)
			if (!taken[i] && now - k->not_via[i].when < NOT_VIA_LIFE &&
			    (newest < 0 || k->not_via[i].when > k->not_via[newest].when))
				newest = (int)i;
		if (newest < 0)
			break;
		taken[newest] = true;
		e = (struct kira_not_via_entry){.a = *id_of(k, k->not_via[newest].a),
						.b = *id_of(k, k->not_via[newest].b),
						.age = age_ms(k->not_via[newest].when, now)};
		kira_wire_not_via(b, &e);
	}
	kira_wire_close(b, at);
}

void not_via_receive(struct kira *k, const struct kira_msg *m, bool error_to_us, usec_t now)
{
	struct slice list = m->not_via;
	struct kira_not_via_entry e;
	const struct kira_id *self = id_of(k, k->self);
	unsigned n = 0;

	while (list.p && n++ < NOT_VIA_READ && kira_not_via_next(&list, &e)) {
		usec_t when = now - MSEC(e.age == KIRA_AGE_UNKNOWN ? 0 : e.age);
		nid_t a;
		nid_t b;

		/* Of our own links we know better; links of nodes that we hold nowhere are in no path of ours. */
		if (kira_id_eq(&e.a, self) || kira_id_eq(&e.b, self) || now - when >= NOT_VIA_LIFE)
			continue;
		a = pool_find(k->pool, &e.a);
		b = pool_find(k->pool, &e.b);
		if (!a || !b)
			continue;
		if (error_to_us || kira_id_eq(&m->src, &e.a) || kira_id_eq(&m->src, &e.b)) {
			link_failed(k, a, b, when, now);
			continue;
		}
		k->stats.not_via_refused++;
		/* Hearsay: it costs a probe of what it speaks against, at most. */
		for (uint32_t i = 0; i < k->n_contacts; i++) {
			struct contact *c = k->contact[i];

			if (c->state == KIRA_VALID && c->validated < when &&
			    path_uses(k, c->active->hop, c->active->n, a, b) && tokens_take(&k->doubts, 5, 10, now))
				probe_contact(k, c, now);
		}
	}
}

bool not_via_in_msg(struct kira *k, const struct kira_msg *m, const struct path *p)
{
	struct slice list = m->not_via;
	struct kira_not_via_entry e;
	unsigned n = 0;

	while (list.p && n++ < NOT_VIA_READ && kira_not_via_next(&list, &e)) {
		nid_t a = pool_find(k->pool, &e.a);
		nid_t b = pool_find(k->pool, &e.b);

		if (a && b && path_uses(k, p->hop, p->n, a, b))
			return true;
	}
	return false;
}
