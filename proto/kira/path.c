/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/core.h"

static size_t path_bytes(size_t n)
{
	return sizeof(struct path) + n * sizeof(nid_t);
}

struct path *path_new(struct kira *k, const nid_t *hop, size_t n)
{
	struct path *p;
	size_t i;

	if (n == 0 || n >= KIRA_ROUTE_MAX)
		return NULL;
	p = alloc_zero(k->a, path_bytes(n));
	if (!p)
		return NULL;
	p->refs = 1;
	p->n = (uint16_t)n;
	for (i = 0; i < n; i++)
		p->hop[i] = pool_ref(k->pool, hop[i]);
	return p;
}

struct path *path_ref(struct path *p)
{
	p->refs++;
	return p;
}

void path_drop(struct kira *k, struct path *p)
{
	size_t i;

	if (!p || --p->refs > 0)
		return;
	for (i = 0; i < p->n; i++)
		pool_drop(k->pool, p->hop[i]);
	alloc_free(k->a, p, path_bytes(p->n));
}

bool path_same(const struct path *p, const struct hops *h)
{
	return p && p->n == h->n && memcmp(p->hop, h->hop, h->n * sizeof(nid_t)) == 0;
}

struct kira_id hops_label(struct kira *k, const nid_t *hop, size_t n)
{
	struct kira_id ids[KIRA_ROUTE_MAX];
	size_t i;

	for (i = 0; i < n; i++)
		ids[i] = *id_of(k, hop[i]);
	return kira_path_id(k->p.hash, ids, n);
}

const struct kira_id *path_label(struct kira *k, struct path *p)
{
	if (!p->labelled) {
		p->label = hops_label(k, p->hop, p->n);
		p->labelled = true;
	}
	return &p->label;
}

bool path_uses(const struct kira *k, const nid_t *hop, size_t n, nid_t a, nid_t b)
{
	nid_t prev = k->self;
	size_t i;

	for (i = 0; i < n; i++) {
		if ((prev == a && hop[i] == b) || (prev == b && hop[i] == a))
			return true;
		prev = hop[i];
	}
	return false;
}

bool path_has(const nid_t *hop, size_t n, nid_t x)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (hop[i] == x)
			return true;
	return false;
}

bool hops_add(struct hops *h, nid_t x)
{
	if (h->n >= KIRA_ROUTE_MAX - 1)
		return false;
	h->hop[h->n++] = x;
	return true;
}

/* Cuts hops [from, to). */
static void cut(struct hops *h, size_t from, size_t to)
{
	memmove(h->hop + from, h->hop + to, (h->n - to) * sizeof(nid_t));
	h->n -= to - from;
}

/* The last place of each hop, by hop; so that a route of 1,023 hops is not a thousand times the work of a short one. */
struct last_seen {
	uint16_t place[2 * KIRA_ROUTE_MAX]; /* + 1; 0: free */
};

static uint16_t *last_of(const struct hops *h, struct last_seen *l, nid_t x)
{
	uint32_t at = nid_hash(x) >> 16;

	for (;; at++) {
		uint16_t *place = &l->place[at % (2 * KIRA_ROUTE_MAX)];

		if (*place == 0 || h->hop[*place - 1] == x)
			return place;
	}
}

void hops_cut_cycles(const struct kira *k, struct hops *h)
{
	struct last_seen l;
	size_t n = 0;
	size_t i;
	size_t j;

	for (i = h->n; i-- > 0;) {
		if (h->hop[i] == k->self) {
			cut(h, 0, i + 1);
			break;
		}
	}
	if (h->n <= 32) {
		for (i = 0; i < h->n; i++)
			for (j = h->n - 1; j > i; j--)
				if (h->hop[j] == h->hop[i]) {
					cut(h, i, j);
					break;
				}
		return;
	}
	memset(&l, 0, sizeof(l));
	for (i = 0; i < h->n; i++)
		*last_of(h, &l, h->hop[i]) = (uint16_t)(i + 1);
	/* What is written lies before i and does not come again in the rest, so no look-up takes it for what it seeks. */
	for (i = 0; i < h->n; i = j) {
		j = *last_of(h, &l, h->hop[i]);
		h->hop[n++] = h->hop[i];
	}
	h->n = n;
}

void hops_cut_to_uln(struct kira *k, struct hops *h)
{
	size_t i;

	for (i = h->n; i-- > 1;) {
		struct contact *c;

		if (!(k->uln_bits >> (h->hop[i] & 63) & 1))
			continue;
		c = contact_find(k, h->hop[i]);
		if (c && is_uln(c)) {
			cut(h, 0, i);
			return;
		}
	}
}

bool hops_splice(struct kira *k, struct hops *h)
{
	size_t i;

	for (i = h->n; i-- > 1;) {
		struct contact *c = contact_find(k, h->hop[i]);
		size_t n = c && c->state == KIRA_VALID && !c->checking ? c->active->n : i + 1;

		if (n > i)
			continue;
		memcpy(h->hop, c->active->hop, n * sizeof(nid_t));
		cut(h, n, i + 1);
		hops_cut_cycles(k, h);
		return true;
	}
	return false;
}

size_t path_ids(const struct kira *k, const struct path *p, struct kira_id *ids)
{
	size_t i;

	ids[0] = *id_of(k, k->self);
	for (i = 0; i < p->n; i++)
		ids[i + 1] = *id_of(k, p->hop[i]);
	return i + 1;
}
