/* SPDX-License-Identifier: BSD-2-Clause */
/* The pool of IDs, paths, and not-via (spec §2.9, §2.18, §2.23). */
#include "proto/kira/puppet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct puppet p;

static void begin(void)
{
	puppet_init(&p, NULL, 21);
}

static void end(void)
{
	const char *what = core_broken(p.k);

	if (what)
		print_error("%s\n", what);
	assert_null(what);
	assert_int_equal(puppet_free(&p), 0);
}

static struct kira_id an_id(unsigned n)
{
	struct kira_id id;
	struct rng r;

	rng_seed(&r, 5000 + n);
	rng_bytes(&r, &id, sizeof(id));
	return id;
}

/* ---- the pool ---- */

#define POOL_IDS 3000

/* Thousands of IDs held and dropped at random, beside a plain count of each. */
static void pool_counts_references(void **state)
{
	static unsigned refs[POOL_IDS];
	static nid_t handle[POOL_IDS];
	struct kira_pool *pool;
	struct alloc a;
	struct rng r;
	unsigned held = 0;
	unsigned i;

	alloc_init(&a, 0);
	pool = kira_pool_new(&a, 3);
	rng_seed(&r, 4);
	memset(refs, 0, sizeof(refs));
	for (i = 0; i < 200000; i++) {
		unsigned x = (unsigned)rng_below(&r, POOL_IDS);
		struct kira_id id = {{(uint8_t)x, (uint8_t)(x >> 8), 1}};

		if (rng_below(&r, 2)) {
			nid_t h = pool_hold(pool, &id);

			assert_true(h != 0);
			if (refs[x] > 0)
				assert_int_equal(h, handle[x]);
			handle[x] = h;
			held += refs[x]++ == 0;
		} else if (refs[x] > 0) {
			pool_drop(pool, handle[x]);
			held -= --refs[x] == 0;
		}
		if (refs[x] > 0)
			assert_memory_equal(pool_id(pool, handle[x]), &id, sizeof(id));
		assert_int_equal(pool_find(pool, &id), refs[x] ? handle[x] : 0);
		assert_int_equal(pool->n, held);
	}
	for (i = 0; i < POOL_IDS; i++)
		while (refs[i]-- > 0)
			pool_drop(pool, handle[i]);
	assert_int_equal(pool->n, 0);
	kira_pool_free(pool);
	assert_int_equal(a.used, 0);
}

/* What was dropped is used again before more is taken. */
static void pool_reuses_what_was_dropped(void **state)
{
	struct kira_pool *pool;
	struct alloc a;
	size_t used = 0;
	unsigned round;
	unsigned i;

	alloc_init(&a, 0);
	pool = kira_pool_new(&a, 3);
	for (round = 0; round < 5; round++) {
		nid_t h[1000];

		for (i = 0; i < 1000; i++) {
			struct kira_id id = {{(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)round, 1}};

			h[i] = pool_hold(pool, &id);
		}
		if (round == 0)
			used = a.used;
		assert_int_equal(a.used, used);
		for (i = 0; i < 1000; i++)
			pool_drop(pool, h[i]);
	}
	kira_pool_free(pool);
}

static void pool_without_memory_holds_nothing(void **state)
{
	struct kira_id id = {{1}};
	struct kira_pool *pool;
	struct alloc a;

	alloc_init(&a, 0);
	pool = kira_pool_new(&a, 3);
	a.limit = a.used;
	assert_int_equal(pool_hold(pool, &id), 0);
	assert_int_equal(pool_find(pool, &id), 0);
	a.limit = 0;
	assert_true(pool_hold(pool, &id) != 0);
	kira_pool_free(pool);
	assert_int_equal(a.used, 0);
}

/* ---- paths ---- */

/* As the specification says it: where a node repeats, the loop is cut out; what comes back to us starts anew (§2.10). */
static size_t cut_plainly(nid_t self, const nid_t *in, size_t n, nid_t *out)
{
	size_t m = 0;
	size_t i;
	size_t j;

	for (i = n; i > 0 && in[i - 1] != self; i--)
		;
	for (; i < n; i++) {
		for (j = n - 1; in[j] != in[i]; j--)
			;
		out[m++] = in[i];
		i = j;
	}
	return m;
}

static void cycles_are_cut_as_a_plain_search_does(void **state)
{
	static nid_t in[KIRA_ROUTE_MAX];
	static nid_t want[KIRA_ROUTE_MAX];
	static struct hops h;
	struct rng r;
	unsigned run;

	begin();
	rng_seed(&r, 8);
	for (run = 0; run < 4000; run++) {
		size_t n = rng_below(&r, run % 4 ? 60 : KIRA_ROUTE_MAX);
		uint64_t kinds = 1 + rng_below(&r, run % 3 ? 2000 : 40);
		size_t i;

		for (i = 0; i < n; i++)
			in[i] = (nid_t)(p.k->self + rng_below(&r, kinds) * (run % 2 ? 1 : 65536));
		h.n = n;
		memcpy(h.hop, in, n * sizeof(*in));
		n = cut_plainly(p.k->self, in, n, want);
		hops_cut_cycles(p.k, &h);
		assert_int_equal(h.n, n);
		assert_memory_equal(h.hop, want, n * sizeof(*want));
	}
	end();
}

static void path_uses_a_link_in_either_direction(void **state)
{
	nid_t self;
	nid_t hop[3] = {101, 102, 103};

	begin();
	self = p.k->self;
	assert_true(path_uses(p.k, hop, 3, self, 101));
	assert_true(path_uses(p.k, hop, 3, 101, self));
	assert_true(path_uses(p.k, hop, 3, 103, 102));
	assert_false(path_uses(p.k, hop, 3, 101, 103));
	assert_false(path_uses(p.k, hop, 3, self, 103));
	assert_false(path_uses(p.k, hop, 0, self, 101));
	end();
}

/* A contact behind neighbour i by a travelled route of these hops (the contact first). */
static struct contact *learn(unsigned i, const struct kira_id *way, size_t n)
{
	struct kira_id route[10];

	memcpy(route, way, n * sizeof(*way));
	route[n] = p.peer[i];
	route[n + 1] = p.id;
	puppet_msg(&p, KIRA_PROBE_REQ, KIRA_FLAG_EXACT, &route[0], &p.id, 1);
	kira_wire_route(&p.b, (uint16_t)(n + 1), route, n + 2);
	puppet_say(&p, i);
	return puppet_contact(&p, &way[0]);
}

/* §2.10: hearsay is shortened by the shorter path of a contact on it; a travelled path starts at the last neighbour. */
static void paths_are_shortened(void **state)
{
	struct kira_id x = an_id(1);
	struct kira_id y = an_id(2);
	struct kira_id z = an_id(3);
	struct hops h = {.n = 0};
	struct contact *c;

	begin();
	puppet_meet(&p, 0, NULL, 0);
	puppet_meet(&p, 1, NULL, 0);
	/* x by y by neighbour 0: two hops beyond it. */
	c = learn(0, (struct kira_id[]){x, y}, 2);
	assert_int_equal(c->active->n, 3);
	/* The same travelled by neighbour 0 and then neighbour 1 is a path from neighbour 1 on. */
	c = learn(1, (struct kira_id[]){z, p.peer[1], p.peer[0]}, 3);
	assert_non_null(c);
	assert_int_equal(c->active->n, 2);
	assert_true(kira_id_eq(id_of(p.k, c->active->hop[0]), &p.peer[1]));
	/* Hearsay of a long way past x goes by x's own path. */
	h.hop[h.n++] = pool_find(p.k->pool, &p.peer[0]);
	h.hop[h.n++] = 901;
	h.hop[h.n++] = 902;
	h.hop[h.n++] = 903;
	h.hop[h.n++] = pool_find(p.k->pool, &x);
	h.hop[h.n++] = 904;
	assert_true(hops_splice(p.k, &h));
	assert_int_equal(h.n, 4);
	assert_int_equal(h.hop[2], pool_find(p.k->pool, &x));
	assert_int_equal(h.hop[3], 904);
	assert_false(hops_splice(p.k, &h));
	end();
}

/* §2.1: the label of a path is the hash from its first hop to its end. */
static void labels_are_path_ids(void **state)
{
	struct kira_id x = an_id(1);
	struct kira_id ids[2];
	struct kira_id want;
	struct contact *c;

	begin();
	puppet_meet(&p, 0, NULL, 0);
	c = learn(0, &x, 1);
	ids[0] = p.peer[0];
	ids[1] = x;
	want = kira_path_id(KIRA_HASH_SHA1, ids, 2);
	assert_true(kira_id_eq(path_label(p.k, c->active), &want));
	assert_true(kira_id_eq(path_label(p.k, c->active), &want));
	end();
}

/* ---- not-via ---- */

/* A route from x by neighbour 0, with not-via entries of its own about a link. */
static void say_not_via(const struct kira_id *src, const struct kira_id *a, const struct kira_id *b, uint32_t age)
{
	const struct kira_id route[3] = {*src, p.peer[0], p.id};
	struct kira_not_via_entry e = {.a = *a, .b = *b, .age = age};
	bool direct = kira_id_eq(src, &p.peer[0]);
	size_t at;

	puppet_msg(&p, KIRA_PROBE_REQ, KIRA_FLAG_EXACT, src, &p.id, 1);
	if (direct)
		kira_wire_route(&p.b, 1, route + 1, 2);
	else
		kira_wire_route(&p.b, 2, route, 3);
	at = kira_wire_open(&p.b, KIRA_OBJ_NOT_VIA);
	kira_wire_not_via(&p.b, &e);
	kira_wire_close(&p.b, at);
	puppet_say(&p, 0);
}

/* §2.9: an entry speaks against a path only if the path was proved before the link failed. */
static void not_via_older_than_the_proof_does_not_invalidate(void **state)
{
	struct kira_id x = an_id(1);
	struct contact *c;

	begin();
	puppet_meet(&p, 0, NULL, 0);
	puppet_run(&p, SEC(1));
	c = learn(0, &x, 1);
	puppet_run(&p, MSEC(500));
	say_not_via(&p.peer[0], &p.peer[0], &x, 700); /* it failed 200 ms before the proof */
	assert_int_equal(c->state, KIRA_VALID);
	say_not_via(&p.peer[0], &x, &p.peer[0], 300); /* and once more 200 ms after it */
	assert_int_equal(c->state, KIRA_INVALID);
	end();
}

/* §2.18: an entry lives for 60 s, and one that is older when it comes is none. */
static void not_via_expires(void **state)
{
	struct kira_id x = an_id(1);
	struct contact *c;

	begin();
	puppet_meet(&p, 0, NULL, 0);
	c = learn(0, &x, 1);
	assert_non_null(c);
	say_not_via(&p.peer[0], &p.peer[0], &x, 60000);
	assert_int_equal(p.k->n_not_via, 0);
	assert_int_equal(c->state, KIRA_VALID);
	say_not_via(&p.peer[0], &p.peer[0], &x, 59000);
	assert_int_equal(p.k->n_not_via, 1);
	puppet_run(&p, MSEC(900));
	not_via_expire(p.k, p.now);
	assert_int_equal(p.k->n_not_via, 1);
	puppet_run(&p, MSEC(200));
	not_via_expire(p.k, p.now);
	assert_int_equal(p.k->n_not_via, 0);
	end();
}

/* §2.9: entries with our own ID are ignored. */
static void not_via_about_ourselves_is_ignored(void **state)
{
	begin();
	puppet_meet(&p, 0, NULL, 0);
	say_not_via(&p.peer[0], &p.peer[0], &p.id, 0);
	assert_int_equal(p.k->n_not_via, 0);
	assert_int_equal(kira_n_neighbours(p.k), 1);
	end();
}

/* §2.18: a path that is travelled later takes the entry away. */
static void not_via_goes_when_the_link_is_travelled(void **state)
{
	struct kira_id x = an_id(1);

	begin();
	puppet_meet(&p, 0, NULL, 0);
	learn(0, &x, 1);
	say_not_via(&p.peer[0], &p.peer[0], &x, 0);
	assert_int_equal(p.k->n_not_via, 1);
	/* What travels now may have left before the failure. */
	learn(0, &x, 1);
	assert_int_equal(p.k->n_not_via, 1);
	puppet_run(&p, MSEC(600));
	learn(0, &x, 1);
	assert_int_equal(p.k->n_not_via, 0);
	assert_int_equal(puppet_contact(&p, &x)->state, KIRA_VALID);
	end();
}

/* §2.18: the 16 newest entries are sent, with their age. */
static void not_via_sends_the_newest(void **state)
{
	struct kira_not_via_entry e;
	struct kira_msg m;
	struct slice list;
	unsigned n = 0;
	unsigned i;

	begin();
	puppet_meet(&p, 0, NULL, 0);
	for (i = 0; i < 20; i++) {
		struct kira_id a = an_id(100 + i);
		struct kira_id b = an_id(200 + i);
		nid_t ha = hold_for_now(p.k, &a);
		nid_t hb = hold_for_now(p.k, &b);

		not_via_add(p.k, ha, hb, p.now - SEC(1) * i);
		not_via_add(p.k, hb, ha, p.now - SEC(2) * i); /* the same link, seen earlier */
	}
	assert_int_equal(p.k->n_not_via, 20);
	leave(p.k, p.now);
	kira_trace(p.k, &p.peer[3], p.now);
	assert_true(puppet_heard(&p, KIRA_FIND_NODE_REQ, 0, &m));
	for (list = m.not_via; list.p && kira_not_via_next(&list, &e); n++)
		assert_int_equal(e.age, 1000 * n);
	assert_int_equal(n, NOT_VIA_SENT);
	end();
}

/* The list has room for 256 links; the oldest goes. */
static void not_via_forgets_the_oldest(void **state)
{
	struct kira_id id[2] = {an_id(1), an_id(2)};
	nid_t first = 0;
	unsigned i;

	begin();
	for (i = 0; i < NOT_VIA_MAX + 1; i++) {
		nid_t a;
		nid_t b;

		id[0].b[0] = (uint8_t)i;
		id[0].b[1] = (uint8_t)(i >> 8);
		a = hold_for_now(p.k, &id[0]);
		b = hold_for_now(p.k, &id[1]);
		first = i ? first : a;
		not_via_add(p.k, a, b, p.now - SEC(50) + MSEC(i));
	}
	assert_int_equal(p.k->n_not_via, NOT_VIA_MAX);
	for (i = 0; i < NOT_VIA_MAX; i++)
		assert_true(p.k->not_via[i].a != first && p.k->not_via[i].b != first);
	leave(p.k, p.now);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_counts_references),
		cmocka_unit_test(pool_reuses_what_was_dropped),
		cmocka_unit_test(pool_without_memory_holds_nothing),
		cmocka_unit_test(cycles_are_cut_as_a_plain_search_does),
		cmocka_unit_test(path_uses_a_link_in_either_direction),
		cmocka_unit_test(paths_are_shortened),
		cmocka_unit_test(labels_are_path_ids),
		cmocka_unit_test(not_via_older_than_the_proof_does_not_invalidate),
		cmocka_unit_test(not_via_expires),
		cmocka_unit_test(not_via_about_ourselves_is_ignored),
		cmocka_unit_test(not_via_goes_when_the_link_is_travelled),
		cmocka_unit_test(not_via_sends_the_newest),
		cmocka_unit_test(not_via_forgets_the_oldest),
	};

	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
