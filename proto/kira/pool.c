/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/pool.h"

#include "base/hash.h"

struct kira_pool *kira_pool_new(struct alloc *a, uint64_t seed)
{
	struct kira_pool *p = alloc_zero(a, sizeof(*p));

	if (!p)
		return NULL;
	p->a = a;
	p->seed = seed;
	return p;
}

void kira_pool_free(struct kira_pool *p)
{
	uint32_t i;

	if (!p)
		return;
	for (i = 0; i < p->n_chunks; i++)
		alloc_free(p->a, p->chunk[i], POOL_CHUNK * sizeof(*p->chunk[i]));
	alloc_free(p->a, p->chunk, p->cap_chunks * sizeof(*p->chunk));
	if (p->slot)
		alloc_free(p->a, p->slot, ((size_t)p->mask + 1) * sizeof(*p->slot));
	alloc_free(p->a, p, sizeof(*p));
}

static uint32_t slot_of(const struct kira_pool *p, const struct kira_id *id)
{
	return hash_bytes(id, sizeof(*id), p->seed) & p->mask;
}

static int grow_slots(struct kira_pool *p)
{
	size_t n = p->slot ? ((size_t)p->mask + 1) * 2 : 64;
	nid_t *old = p->slot;
	size_t old_n = old ? (size_t)p->mask + 1 : 0;
	nid_t *slot = alloc_zero(p->a, n * sizeof(*slot));
	size_t i;

	if (!slot)
		return -1;
	p->slot = slot;
	p->mask = (uint32_t)(n - 1);
	for (i = 0; i < old_n; i++) {
		nid_t h = old[i];

		while (h) {
			struct pool_entry *e = pool_at(p, h);
			nid_t next = e->next;
			uint32_t s = slot_of(p, &e->id);

			e->next = slot[s];
			slot[s] = h;
			h = next;
		}
	}
	if (old)
		alloc_free(p->a, old, old_n * sizeof(*old));
	return 0;
}

/* Another chunk of free entries; handle 0 is never given out. */
static int grow_entries(struct kira_pool *p)
{
	struct pool_entry *chunk;
	uint32_t first = p->n_chunks * POOL_CHUNK;
	uint32_t i;

	if (p->n_chunks == p->cap_chunks) {
		uint32_t cap = p->cap_chunks ? p->cap_chunks * 2 : 4;
		void *more = alloc_resize(p->a, p->chunk, p->cap_chunks * sizeof(*p->chunk),
					  cap * sizeof(*p->chunk));

		if (!more)
			return -1;
		p->chunk = more;
		p->cap_chunks = cap;
	}
	chunk = alloc_zero(p->a, POOL_CHUNK * sizeof(*chunk));
	if (!chunk)
		return -1;
	p->chunk[p->n_chunks++] = chunk;
	for (i = POOL_CHUNK; i-- > 0;) {
		if (first + i == 0)
			continue;
		chunk[i].next = p->free;
		p->free = first + i;
	}
	return 0;
}

nid_t pool_find(const struct kira_pool *p, const struct kira_id *id)
{
	nid_t h = p->slot ? p->slot[slot_of(p, id)] : 0;

	while (h && !kira_id_eq(&pool_at(p, h)->id, id))
		h = pool_at(p, h)->next;
	return h;
}

nid_t pool_hold(struct kira_pool *p, const struct kira_id *id)
{
	nid_t h = pool_find(p, id);
	struct pool_entry *e;
	uint32_t s;

	if (h)
		return pool_ref(p, h);
	if ((!p->slot || p->n > p->mask) && grow_slots(p) < 0 && !p->slot)
		return 0;
	if (!p->free && grow_entries(p) < 0)
		return 0;
	h = p->free;
	e = pool_at(p, h);
	p->free = e->next;
	e->id = *id;
	e->refs = 1;
	s = slot_of(p, id);
	e->next = p->slot[s];
	p->slot[s] = h;
	p->n++;
	return h;
}

void pool_drop(struct kira_pool *p, nid_t h)
{
	struct pool_entry *e = pool_at(p, h);
	nid_t *at;

	if (--e->refs > 0)
		return;
	at = &p->slot[slot_of(p, &e->id)];
	while (*at != h)
		at = &pool_at(p, *at)->next;
	*at = e->next;
	e->next = p->free;
	p->free = h;
	p->n--;
}
