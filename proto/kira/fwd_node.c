/* SPDX-License-Identifier: BSD-2-Clause */
/* The NodeID table: how its entries are chosen is told in fwd.c. */
#include "proto/kira/core.h"

#define EMPTY_PREFIXES 64    /* of a bucket, beyond its share by members */
#define DEEPEST_PREFIXES 512 /* of the deepest level */
#define UNPROVED 64 /* hops that an unproved path counts for more */

/* Entry for a contact; kind NONE where its first hop is down. */
static struct kira_fwd fwd_contact(struct kira *k, struct contact *c)
{
	struct kira_fwd f = {.kind = KIRA_FWD_NONE};
	struct contact *n = is_uln(c) ? c : first_hop(k, c->active);

	if (!n)
		return f;
	fwd_to_neighbour(n, &f);
	if (is_uln(c)) {
		f.kind = KIRA_FWD_NEIGHBOUR;
		return f;
	}
	f.kind = KIRA_FWD_PATH;
	/* A detour on the way may make it longer still. */
	if (c->active->n + 4 > KIRA_HOP_LIMIT)
		f.hop_limit = 255;
	if (c->detour >= 2) {
		f.bypass = true;
		f.outer = hops_label(k, c->active->hop, c->detour);
		f.label = hops_label(k, c->active->hop + c->detour - 1, c->active->n - c->detour + 1u);
		return f;
	}
	f.label = *path_label(k, c->active);
	return f;
}

struct member {
	struct kira_id id;
	struct kira_fwd to;
	uint16_t cost; /* hops; more where the path is not yet proved */
	uint8_t bucket;
	bool self;
};

struct building {
	struct kira *k;
	struct node_entry *e;
	size_t n;
	size_t cap;
	bool failed;
	struct member *m; /* by ID: usable contacts and ourselves */
	size_t n_m;
	struct member *near; /* those of one bucket that are worth going to */
};

enum { OWN, CONTACT, NEAREST };

static void put(struct building *b, uint8_t rank, const struct kira_id *id, unsigned bits, const struct kira_fwd *to)
{
	struct node_entry *e;
	unsigned i;

	if (b->failed)
		return;
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 64;
		void *more = alloc_resize(b->k->a, b->e, b->cap * sizeof(*b->e), cap * sizeof(*b->e));

		if (!more) {
			b->failed = true;
			return;
		}
		b->e = more;
		b->cap = cap;
	}
	e = &b->e[b->n++];
	*e = (struct node_entry){.id = *id, .bits = (uint8_t)bits, .rank = rank, .to = *to};
	if (bits % 8)
		e->id.b[bits / 8] &= (uint8_t)(0xff00 >> (bits % 8));
	for (i = (bits + 7) / 8; i < KIRA_ID_BYTES; i++)
		e->id.b[i] = 0;
}

/* Prefixes that send each ID below the first `depth` bits of the n members (by ID), with those bits XORed with mask, to
 * the XOR-nearest member. An ID in an empty half is nearest to what the other half's sub-prefix of the same bits below is
 * nearest to, so that half is walked again with its bit flipped. Members whose IDs share long prefixes make that double
 * with each bit, so it stops after `most` prefixes: then any member will do that is not ourselves (every one of them is
 * closer than we are), or nobody. Where the members are goes first: what is left out is where nobody is known. */
static void put_nearest(struct building *b, const struct member *m, size_t n, unsigned depth, const struct kira_id *mask,
			size_t most)
{
	static const struct kira_fwd nowhere = {.kind = KIRA_FWD_UNREACHABLE};
	struct {
		size_t lo, hi;
		unsigned depth;
		struct kira_id mask;
	} stack[KIRA_ID_BITS + 2], at, flipped;
	unsigned top = 0;
	size_t i;

	most += b->n;
	stack[top++] = (typeof(at)){0, n, depth, *mask};
	while (top > 0) {
		struct kira_id prefix;
		size_t mid;
		bool has_self = false;

		at = stack[--top];
		prefix = kira_id_xor(&m[at.lo].id, &at.mask);
		for (i = at.lo; i < at.hi; i++)
			has_self |= m[i].self;
		if (at.hi - at.lo == 1 || at.depth >= KIRA_ID_BITS || b->n > most) {
			put(b, NEAREST, &prefix, at.depth, has_self ? &nowhere : &m[at.lo].to);
			continue;
		}
		for (mid = at.lo; mid < at.hi && !kira_id_bit(&m[mid].id, at.depth); mid++)
			;
		if (mid > at.lo && mid < at.hi) {
			stack[top++] = (typeof(at)){at.lo, mid, at.depth + 1, at.mask};
			stack[top++] = (typeof(at)){mid, at.hi, at.depth + 1, at.mask};
			continue;
		}
		at.depth++;
		flipped = at;
		flipped.mask.b[(at.depth - 1) / 8] ^= (uint8_t)(0x80 >> ((at.depth - 1) % 8));
		stack[top++] = flipped;
		stack[top++] = at;
	}
}

/* The members that share at least `bits` bits with us. */
static void members_sharing(const struct building *b, unsigned bits, size_t *lo, size_t *hi)
{
	const struct kira_id *self = id_of(b->k, b->k->self);

	for (*lo = 0; kira_id_shared(&b->m[*lo].id, self) < bits; ++*lo)
		;
	for (*hi = *lo; *hi < b->n_m && kira_id_shared(&b->m[*hi].id, self) >= bits; ++*hi)
		;
}

static int member_cmp(const void *a, const void *b)
{
	return kira_id_cmp(&((const struct member *)a)->id, &((const struct member *)b)->id);
}

static int entry_cmp(const void *a, const void *b)
{
	const struct node_entry *x = a;
	const struct node_entry *y = b;
	int d = kira_id_cmp(&x->id, &y->id);

	return d ? d : (int)x->bits - (int)y->bits;
}

static int entry_rank_cmp(const void *a, const void *b)
{
	int d = entry_cmp(a, b);

	return d ? d : ((const struct node_entry *)a)->rank - ((const struct node_entry *)b)->rank;
}

/* Heapsort: in place, no memory, no worst case. */
static void sort(void *base, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	uint8_t *p = base;
	uint8_t tmp[sizeof(struct node_entry) > sizeof(struct member) ? sizeof(struct node_entry)
								       : sizeof(struct member)];
	size_t start = n / 2;
	size_t end = n;

	while (end > 1) {
		size_t root;
		size_t kid;

		if (start > 0) {
			start--;
		} else {
			end--;
			memcpy(tmp, p + end * size, size);
			memcpy(p + end * size, p, size);
			memcpy(p, tmp, size);
		}
		for (root = start; (kid = 2 * root + 1) < end; root = kid) {
			if (kid + 1 < end && cmp(p + kid * size, p + (kid + 1) * size) < 0)
				kid++;
			if (cmp(p + root * size, p + kid * size) >= 0)
				break;
			memcpy(tmp, p + root * size, size);
			memcpy(p + root * size, p + kid * size, size);
			memcpy(p + kid * size, tmp, size);
		}
	}
}

/* The digit of bucket idx within its level: 2^acc - 1 (farthest) down to 1. */
static unsigned digit_of(const struct kira *k, unsigned idx)
{
	unsigned per = (1u << k->p.acc) - 1;

	return per - idx % per;
}

/* The ID prefix of bucket idx: our own, with the level's digit XORed. */
static struct kira_id digit_mask(const struct kira *k, unsigned idx)
{
	unsigned level = idx / ((1u << k->p.acc) - 1);
	unsigned digit = digit_of(k, idx);
	struct kira_id mask = {0};
	unsigned i;

	for (i = 0; i < k->p.acc; i++) {
		unsigned bit = level * k->p.acc + i;

		if (digit >> (k->p.acc - 1 - i) & 1 && bit < KIRA_ID_BITS)
			mask.b[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	}
	return mask;
}

/* The buckets above the deepest level. */
static void put_buckets(struct building *b, const uint16_t *least, unsigned n_buckets)
{
	struct kira *k = b->k;
	const struct kira_id *self = id_of(k, k->self);
	unsigned per = (1u << k->p.acc) - 1;
	unsigned i;

	for (i = 0; i < n_buckets; i++) {
		unsigned bits = kira_bucket_bits(i, k->p.acc);
		struct kira_id mask = digit_mask(k, i);
		struct kira_id prefix = kira_id_xor(self, &mask);
		struct kira_id none = {0};
		unsigned digit = digit_of(k, i);
		unsigned from = least[i] ? i : n_buckets;
		unsigned j;
		size_t lo;
		size_t hi;
		size_t n = 0;

		/* An empty bucket: another of the level, if its digit is nearer to this one than our own is. */
		for (j = i / per * per; from == n_buckets && j < (i / per + 1) * per && j < n_buckets; j++)
			if (least[j] && (digit_of(k, j) ^ digit) < digit)
				from = j;
		if (from == n_buckets) {
			members_sharing(b, bits, &lo, &hi);
			n = hi - lo;
			put_nearest(b, b->m + lo, n, bits, &mask, EMPTY_PREFIXES + 2 * (n < 64 ? n : 64));
			continue;
		}
		for (lo = 0; lo < b->n_m; lo++)
			if (!b->m[lo].self && b->m[lo].bucket == from && b->m[lo].cost == least[from])
				b->near[n++] = b->m[lo];
		if (from == i)
			put_nearest(b, b->near, n, bits, &none, EMPTY_PREFIXES + 4 * n);
		else
			put(b, NEAREST, &prefix, bits, &b->near[0].to);
	}
}

static void build(struct building *b)
{
	static const struct kira_fwd local = {.kind = KIRA_FWD_LOCAL};
	struct kira *k = b->k;
	unsigned per = (1u << k->p.acc) - 1;
	unsigned level = (k->n_buckets - 1) / per;
	uint16_t least[KIRA_ID_BITS + 1] = {0}; /* cost of a bucket's cheapest member, 0: none */
	struct kira_id none = {0};
	size_t lo;
	size_t hi;

	b->m[b->n_m++] = (struct member){.id = *id_of(k, k->self), .self = true};
	for (uint32_t i = 0; i < k->n_contacts; i++) {
		struct contact *c = k->contact[i];
		struct kira_fwd to;
		struct member m;

		/* A lost contact of the deepest level has no bucket to stand in for it. Until it is found again or given
		 * up its old path serves: where that is broken, its neighbours may be going around the gap. */
		if (c->state != KIRA_VALID && c->bucket < level * per)
			continue;
		if (c->unset)
			continue;
		to = fwd_contact(k, c);
		if (to.kind == KIRA_FWD_NONE)
			continue;
		put(b, CONTACT, id_of(k, c->id), KIRA_ID_BITS, &to);
		if (c->end_system)
			continue; /* it takes what is for itself and nothing else */
		m = (struct member){.id = *id_of(k, c->id), .to = to, .cost = c->active->n, .bucket = c->bucket};
		if (c->checking)
			m.cost = (uint16_t)(m.cost + UNPROVED);
		b->m[b->n_m++] = m;
		if (!least[c->bucket] || m.cost < least[c->bucket])
			least[c->bucket] = m.cost;
	}
	sort(b->m, b->n_m, sizeof(*b->m), member_cmp);
	put_buckets(b, least, level * per);
	members_sharing(b, level * k->p.acc, &lo, &hi);
	put_nearest(b, b->m + lo, hi - lo, level * k->p.acc, &none, DEEPEST_PREFIXES + 4 * (hi - lo));
	put(b, OWN, id_of(k, k->self), KIRA_ID_BITS, &local);
}

/* Sorted, and of two entries for one prefix the first of: ourselves, a contact, the nearest of others. */
static void unique(struct building *b)
{
	size_t n = 0;
	size_t i;

	sort(b->e, b->n, sizeof(*b->e), entry_rank_cmp);
	for (i = 0; i < b->n; i++)
		if (n == 0 || entry_cmp(&b->e[n - 1], &b->e[i]) != 0)
			b->e[n++] = b->e[i];
	b->n = n;
	for (i = 0; i < n; i++) {
		uint32_t above = (uint32_t)i;

		while (above > 0 && kira_id_shared(&b->e[above - 1].id, &b->e[i].id) < b->e[above - 1].bits)
			above = b->e[above - 1].above;
		b->e[i].above = above;
	}
}

/* What is new or changed first, then what is gone: no prefix is without an entry in between. */
static void write_difference(struct kira *k, const struct building *b)
{
	static const struct kira_fwd gone = {.kind = KIRA_FWD_NONE};
	size_t i;
	size_t j = 0;

	for (i = 0; i < b->n; i++) {
		while (j < k->n_nodes && entry_cmp(&k->nodes[j], &b->e[i]) < 0)
			j++;
		if (j < k->n_nodes && entry_cmp(&k->nodes[j], &b->e[i]) == 0 && fwd_same(&k->nodes[j].to, &b->e[i].to))
			continue;
		k->env.fwd_node(k->env.ctx, &b->e[i].id, b->e[i].bits, &b->e[i].to);
	}
	for (i = 0, j = 0; i < k->n_nodes; i++) {
		while (j < b->n && entry_cmp(&b->e[j], &k->nodes[i]) < 0)
			j++;
		if (j >= b->n || entry_cmp(&b->e[j], &k->nodes[i]) != 0)
			k->env.fwd_node(k->env.ctx, &k->nodes[i].id, k->nodes[i].bits, &gone);
	}
}

void nodes_write(struct kira *k, usec_t now)
{
	struct building b = {.k = k};
	size_t cap_m = ((size_t)k->n_contacts + 1) * 2;

	b.m = alloc_zero(k->a, cap_m * sizeof(*b.m));
	if (b.m) {
		b.near = b.m + cap_m / 2;
		build(&b);
	}
	if (!b.m || b.failed) {
		/* The table stays as it is; once more in a while. */
		alloc_free(k->a, b.m, cap_m * sizeof(*b.m));
		alloc_free(k->a, b.e, b.cap * sizeof(*b.e));
		timer_set(k, &k->fwd, now + SEC(1));
		return;
	}
	unique(&b);
	write_difference(k, &b);
	alloc_free(k->a, b.m, cap_m * sizeof(*b.m));
	alloc_free(k->a, k->nodes, k->cap_nodes * sizeof(*k->nodes));
	k->nodes = b.e;
	k->n_nodes = b.n;
	k->cap_nodes = b.cap;
	k->nodes_dirty = false;
	k->nodes_urgent = false;
	k->nodes_written = now;
}

const struct kira_fwd *kira_lookup_node(const struct kira *k, const struct kira_id *id)
{
	size_t lo = 0;
	size_t hi = k->n_nodes;

	/* The longest prefix of id is the last entry that does not sort after it, or encloses that entry. */
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (kira_id_cmp(&k->nodes[mid].id, id) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo > 0) {
		const struct node_entry *e = &k->nodes[lo - 1];

		if (kira_id_shared(&e->id, id) >= e->bits)
			return &e->to;
		lo = e->above;
	}
	return NULL;
}

void nodes_clear(struct kira *k)
{
	struct building none = {.k = k};

	write_difference(k, &none);
	alloc_free(k->a, k->nodes, k->cap_nodes * sizeof(*k->nodes));
	k->nodes = NULL;
	k->n_nodes = 0;
	k->cap_nodes = 0;
}

void kira_each_fwd_node(const struct kira *k,
			bool (*f)(void *ctx, const struct kira_id *id, unsigned bits, const struct kira_fwd *), void *ctx)
{
	size_t i;

	for (i = 0; i < k->n_nodes; i++)
		if (!f(ctx, &k->nodes[i].id, k->nodes[i].bits, &k->nodes[i].to))
			return;
}
