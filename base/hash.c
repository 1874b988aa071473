/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/hash.h"

#include <errno.h>
#include <string.h>

void hash_init(struct hash *t, struct alloc *a)
{
	*t = (struct hash){.a = a};
}

void hash_free(struct hash *t)
{
	if (t->slot)
		alloc_free(t->a, t->slot, ((size_t)t->mask + 1) * sizeof(*t->slot));
	hash_init(t, t->a);
}

static int hash_grow(struct hash *t)
{
	size_t n = t->slot ? ((size_t)t->mask + 1) * 2 : 8;
	struct hash bigger = {.mask = (uint32_t)(n - 1), .a = t->a, .n = t->n};

	bigger.slot = alloc_zero(t->a, n * sizeof(*bigger.slot));
	if (!bigger.slot)
		return -ENOMEM;
	hash_each(it, t)
	{
		it->next = bigger.slot[it->h & bigger.mask];
		bigger.slot[it->h & bigger.mask] = it;
	}
	if (t->slot)
		alloc_free(t->a, t->slot, ((size_t)t->mask + 1) * sizeof(*t->slot));
	*t = bigger;
	return 0;
}

int hash_add(struct hash *t, struct hash_node *n, uint32_t h)
{
	if ((!t->slot || t->n > t->mask) && hash_grow(t) < 0 && !t->slot)
		return -ENOMEM;
	n->h = h;
	n->next = t->slot[h & t->mask];
	t->slot[h & t->mask] = n;
	t->n++;
	return 0;
}

void hash_del(struct hash *t, struct hash_node *n)
{
	struct hash_node **at = &t->slot[n->h & t->mask];

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	n->next = NULL;
	t->n--;
}

struct hash_node *hash_first(const struct hash *t, uint32_t h)
{
	struct hash_node *n = t->slot ? t->slot[h & t->mask] : NULL;

	while (n && n->h != h)
		n = n->next;
	return n;
}

struct hash_node *hash_next(const struct hash_node *n)
{
	const struct hash_node *x = n->next;

	while (x && x->h != n->h)
		x = x->next;
	return (struct hash_node *)x;
}

static uint64_t rotl(uint64_t x, int b)
{
	return x << b | x >> (64 - b);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

uint32_t hash_bytes(const void *p, size_t n, uint64_t seed)
{
	uint64_t v[4] = {seed ^ 0x736f6d6570736575u, ~seed ^ 0x646f72616e646f6du,
			 seed ^ 0x6c7967656e657261u, ~seed ^ 0x7465646279746573u};
	const uint8_t *b = p;
	uint64_t m;
	size_t left = n;

	for (; left >= 8; left -= 8, b += 8) {
		memcpy(&m, b, 8);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	m = (uint64_t)n << 56;
	if (left > 0)
		memcpy(&m, b, left);
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	m = v[0] ^ v[1] ^ v[2] ^ v[3];
	return (uint32_t)(m ^ m >> 32);
}
