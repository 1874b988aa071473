/* SPDX-License-Identifier: BSD-2-Clause */
/* Contacts, buckets, the insertion rule (spec §2.9, §2.10), and the vicinity graph (§2.9, §2.12). */
#include "proto/kira/puppet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static struct puppet p;
static struct rng rng;

static void begin(unsigned k, unsigned neighbours)
{
	struct kira_params params;
	unsigned i;

	kira_params_default(&params);
	params.ssn = 1;
	params.k = k;
	puppet_init(&p, &params, 31);
	for (i = 0; i < neighbours; i++)
		puppet_meet(&p, i, NULL, 0);
	rng_seed(&rng, 32);
}

static void end(void)
{
	const char *what = core_broken(p.k);

	if (what)
		print_error("%s\n", what);
	assert_null(what);
	assert_int_equal(puppet_free(&p), 0);
}

/* An ID that shares just `bits` bits with ours. */
static struct kira_id sharing(unsigned bits)
{
	struct kira_id id;
	unsigned i;

	rng_bytes(&rng, &id, sizeof(id));
	for (i = 0; i <= bits; i++) {
		uint8_t mask = (uint8_t)(0x80 >> (i % 8));
		bool bit = (p.id.b[i / 8] & mask) != 0;

		if (i == bits)
			bit = !bit;
		id.b[i / 8] = bit ? id.b[i / 8] | mask : id.b[i / 8] & (uint8_t)~mask;
	}
	return id;
}

/* A message of `id` that travelled `hops` hops, the last of them from neighbour i. */
static struct contact *travel(unsigned i, const struct kira_id *id, unsigned hops, uint32_t ssn)
{
	struct kira_id route[20];
	unsigned n = 0;

	route[n++] = *id;
	while (n + 1 < hops) {
		rng_bytes(&rng, &route[n], sizeof(route[n]));
		n++;
	}
	route[n++] = p.peer[i];
	route[n] = p.id;
	puppet_msg(&p, KIRA_PROBE_RSP, 0, id, &p.id, 0);
	p.b.p[52] = (uint8_t)ssn;
	kira_wire_route(&p.b, (uint16_t)n, route, n + 1);
	puppet_say(&p, i);
	return puppet_contact(&p, id);
}

/* ---- the insertion rule ---- */

/* §2.9: only the last bucket splits, when it is full; each then holds those that share so many bits. */
static void the_last_bucket_splits_when_full(void **state)
{
	unsigned i;

	begin(2, 1);
	for (i = 0; i < 2; i++)
		assert_non_null(travel(0, (struct kira_id[]){sharing(0)}, 2, 5));
	assert_int_equal(p.k->n_buckets, 1);
	assert_non_null(travel(0, (struct kira_id[]){sharing(1)}, 2, 5));
	assert_int_equal(p.k->n_buckets, 2);
	assert_int_equal(p.k->bucket_n[0], 2);
	assert_int_equal(p.k->bucket_n[1], 1);
	/* The first is full and does not split. */
	assert_null(travel(0, (struct kira_id[]){sharing(0)}, 2, 5));
	/* A node far down makes no bucket of its own as long as the last has room. */
	assert_non_null(travel(0, (struct kira_id[]){sharing(30)}, 2, 5));
	assert_int_equal(p.k->n_buckets, 2);
	assert_non_null(travel(0, (struct kira_id[]){sharing(31)}, 2, 5));
	assert_int_equal(p.k->n_buckets, 3);
	assert_non_null(travel(0, (struct kira_id[]){sharing(32)}, 2, 5));
	assert_int_equal(p.k->n_buckets, 32);
	end();
}

/* §2.10 (d): of a full bucket the longest path goes, for one that is shorter. */
static void a_shorter_path_displaces_the_longest(void **state)
{
	struct kira_id a = sharing(0);
	struct kira_id b;
	struct kira_id c;
	struct kira_id d;

	begin(2, 1);
	a = sharing(0);
	b = sharing(0);
	c = sharing(0);
	d = sharing(0);
	assert_non_null(travel(0, (struct kira_id[]){sharing(5)}, 2, 5));
	assert_non_null(travel(0, &a, 5, 5));
	assert_non_null(travel(0, &b, 4, 5));
	assert_null(travel(0, &c, 5, 5)); /* no longer than the longest: it does not go */
	assert_non_null(puppet_contact(&p, &a));
	assert_non_null(travel(0, &d, 3, 5));
	assert_null(puppet_contact(&p, &a));
	assert_non_null(puppet_contact(&p, &b));
	assert_int_equal(p.events[KIRA_EV_CONTACT_REPLACED], 1);
	assert_non_null(travel(0, &c, 2, 5));
	assert_null(puppet_contact(&p, &b));
	end();
}

/* §2.10: what does not work gives way to what does, however long. */
static void a_lost_contact_goes_first(void **state)
{
	struct kira_id a;
	struct kira_id b;
	struct kira_id c;

	begin(2, 1);
	a = sharing(0);
	b = sharing(0);
	c = sharing(0);
	travel(0, (struct kira_id[]){sharing(5)}, 2, 5);
	travel(0, &a, 2, 5);
	travel(0, &b, 6, 5);
	contact_invalid(p.k, puppet_contact(&p, &a), 0, 0, p.now);
	assert_non_null(travel(0, &c, 8, 5));
	assert_null(puppet_contact(&p, &a));
	assert_non_null(puppet_contact(&p, &b));
	end();
}

/* §2.9: neighbours are kept beyond k, and one that is lost takes its place among the others. */
static void neighbours_are_outside_k(void **state)
{
	unsigned i;

	begin(2, PUPPETS);
	assert_int_equal(kira_n_contacts(p.k), PUPPETS);
	assert_int_equal(kira_n_neighbours(p.k), PUPPETS);
	for (i = 0; i <= KIRA_ID_BITS; i++)
		assert_int_equal(p.k->bucket_n[i], 0);
	travel(0, (struct kira_id[]){sharing(0)}, 2, 5);
	travel(0, (struct kira_id[]){sharing(0)}, 2, 5);
	travel(0, (struct kira_id[]){sharing(3)}, 2, 5);
	for (i = 0; i < PUPPETS; i++)
		kira_link_down(p.k, i + 1, p.now);
	assert_null(core_broken(p.k));
	assert_int_equal(kira_n_neighbours(p.k), 0);
	end();
}

/* §2.10: first hop no neighbour, ourselves on the way: not for the table. */
static void paths_that_cannot_be_are_rejected(void **state)
{
	struct kira_id x;
	struct offer o;
	struct hops h;
	nid_t hx;

	begin(2, 1);
	x = sharing(0);
	hx = hold_for_now(p.k, &x);
	o = (struct offer){.id = hx, .ssn = 5, .validated = true};
	h = (struct hops){.n = 2, .hop = {hx + 1000, hx}};
	/* The first hop is nobody we know. */
	h.hop[0] = hold_for_now(p.k, &p.peer[5]);
	assert_null(rtable_offer(p.k, &o, &h, p.now));
	/* Ourselves. */
	h = (struct hops){.n = 1, .hop = {p.k->self}};
	o.id = p.k->self;
	assert_null(rtable_offer(p.k, &o, &h, p.now));
	/* A path that ends elsewhere. */
	o.id = hx;
	h = (struct hops){.n = 1, .hop = {hold_for_now(p.k, &p.peer[0])}};
	assert_null(rtable_offer(p.k, &o, &h, p.now));
	/* A way that comes back to us starts anew after it. */
	h = (struct hops){.n = 4, .hop = {hx, p.k->self, hold_for_now(p.k, &p.peer[0]), hx}};
	assert_non_null(rtable_offer(p.k, &o, &h, p.now));
	assert_int_equal(contact_find(p.k, hx)->active->n, 2);
	leave(p.k, p.now);
	end();
}

/* §2.10 (c): a travelled path replaces the active one where it is shorter; longer or equal ones do not. */
static void a_travelled_shorter_path_replaces(void **state)
{
	struct kira_id x;
	struct path *first;

	begin(4, 2);
	x = sharing(2);
	first = travel(0, &x, 3, 5)->active;
	assert_ptr_equal(travel(1, &x, 3, 5)->active, first);
	assert_ptr_equal(travel(1, &x, 4, 5)->active, first);
	assert_int_equal(travel(1, &x, 2, 5)->active->n, 2);
	end();
}

/* §2.9, trap of §8: word with an older SSN does not overwrite what a newer one proved. */
static void older_numbers_do_not_overwrite(void **state)
{
	struct kira_id x;

	begin(4, 2);
	x = sharing(2);
	travel(0, &x, 4, 9);
	assert_int_equal(travel(1, &x, 2, 8)->active->n, 4);
	assert_int_equal(puppet_contact(&p, &x)->ssn, 9);
	assert_int_equal(travel(1, &x, 2, 10)->active->n, 2);
	assert_int_equal(puppet_contact(&p, &x)->ssn, 10);
	end();
}

/* §2.8: a node that was silent for a while and comes with a lower number has started anew without it. */
static void a_node_that_lost_its_number_is_heard_again(void **state)
{
	struct kira_id x;

	begin(4, 2);
	x = sharing(2);
	travel(0, &x, 2, 200);
	puppet_run(&p, SEC(3));
	puppet_meet(&p, 0, NULL, 0);
	puppet_run(&p, SEC(3));
	puppet_meet(&p, 0, NULL, 0);
	assert_int_equal(travel(0, &x, 2, 3)->ssn, 3);
	end();
}

/* §2.10 (a), §2.17: hearsay neither inserts nor replaces; it makes us probe, and the answer does. */
static void hearsay_is_probed_before_it_counts(void **state)
{
	struct kira_id x;
	struct kira_id route[3];
	struct kira_contact_entry e = {.ssn = 4, .degree = 2};
	struct kira_msg m;
	size_t at;

	begin(4, 1);
	x = sharing(2);
	e.id = x;
	puppet_msg(&p, KIRA_FIND_NODE_RSP, 0, &p.peer[0], &p.id, 4);
	kira_wire_route(&p.b, 1, (struct kira_id[]){p.peer[0], p.id}, 2);
	at = kira_wire_open(&p.b, KIRA_OBJ_RTABLE);
	kira_wire_rtable(&p.b, &e, &x, 1);
	kira_wire_close(&p.b, at);
	puppet_say(&p, 0);
	assert_null(puppet_contact(&p, &x));
	assert_true(puppet_heard(&p, KIRA_PROBE_REQ, 1, &m));
	assert_true(kira_id_eq(&m.dest, &x));
	route[0] = x;
	route[1] = p.peer[0];
	route[2] = p.id;
	puppet_msg(&p, KIRA_PROBE_RSP, 0, &x, &p.id, m.msg_id);
	kira_wire_route(&p.b, 2, route, 3);
	puppet_say(&p, 0);
	assert_non_null(puppet_contact(&p, &x));
	end();
}

/* §2.22: an end system is no way to anybody but itself. */
static void no_path_leads_through_an_end_system(void **state)
{
	struct kira_id x;
	nid_t way[3];

	begin(4, 1);
	x = sharing(2);
	contact_find(p.k, pool_find(p.k->pool, &p.peer[0]))->end_system = true;
	assert_null(travel(0, &x, 2, 5));
	/* Nor does a detour in the vicinity. */
	puppet_list(&p, 0, 6, &x, 1);
	contact_find(p.k, pool_find(p.k->pool, &p.peer[0]))->end_system = true;
	assert_non_null(vic_find(p.k, pool_find(p.k->pool, &x)));
	assert_int_equal(vic_detour(p.k, pool_find(p.k->pool, &x), 0, 0, way), 0);
	contact_find(p.k, pool_find(p.k->pool, &p.peer[0]))->end_system = false;
	assert_int_equal(vic_detour(p.k, pool_find(p.k->pool, &x), 0, 0, way), 2);
	end();
}

/* ---- closest ---- */

static const struct kira_id *sort_target;

static int by_distance(const void *a, const void *b)
{
	const struct contact *x = *(struct contact *const *)a;
	const struct contact *y = *(struct contact *const *)b;

	return kira_id_closer(id_of(p.k, x->id), id_of(p.k, y->id), sort_target);
}

/* §2.9: closest() is a sort by XOR distance, cut at n; also where n is more than there are. */
static void closest_is_a_sort(void **state)
{
	static struct contact *all[3000];
	struct contact *got[64];
	unsigned run;
	unsigned i;

	for (run = 0; run < 12; run++) {
		begin(1 + run * 2, 2);
		rng_seed(&rng, 100 + run);
		for (i = 0; i < run * 30; i++)
			travel(i % 2, (struct kira_id[]){sharing((unsigned)rng_below(&rng, run % 3 ? 8 : 100))}, 2, 5);
		for (i = 0; i < 3 && run > 2; i++)
			contact_invalid(p.k, p.k->contact[2 + i], 0, 0, p.now);
		for (i = 0; i < 40; i++) {
			struct kira_id target = sharing((unsigned)rng_below(&rng, 112));
			size_t want = rng_below(&rng, 64);
			nid_t skip = i % 2 ? p.k->contact[i % p.k->n_contacts]->id : 0;
			size_t n = 0;
			size_t have;

			for (uint32_t j = 0; j < p.k->n_contacts; j++)
				if (p.k->contact[j]->state == KIRA_VALID && p.k->contact[j]->id != skip)
					all[n++] = p.k->contact[j];
			sort_target = &target;
			qsort(all, n, sizeof(*all), by_distance);
			have = rtable_closest(p.k, &target, want, skip, got);
			assert_int_equal(have, n < want ? n : want);
			for (size_t j = 0; j < have; j++)
				assert_ptr_equal(got[j], all[j]);
		}
		end();
	}
}

/* ---- the vicinity ---- */

static nid_t h(const struct kira_id *id)
{
	return pool_find(p.k->pool, id);
}

/* §2.9: nodes at three hops are known, those beyond are not; what a list no longer names goes. */
static void the_vicinity_ends_at_three_hops(void **state)
{
	struct kira_id a;
	struct kira_id b;
	struct kira_id c;
	struct hops list = {.n = 0};
	nid_t x[3];

	begin(4, 1);
	a = sharing(1);
	b = sharing(2);
	c = sharing(3);
	puppet_list(&p, 0, 6, &a, 1);
	x[0] = hold_for_now(p.k, &a);
	x[1] = hold_for_now(p.k, &b);
	x[2] = hold_for_now(p.k, &c);
	list.hop[list.n++] = h(&p.peer[0]);
	list.hop[list.n++] = x[1];
	assert_true(vic_list(p.k, x[0], 3, &list, true, p.now));
	vic_settle(p.k);
	assert_int_equal(vic_find(p.k, x[0])->dist, 2);
	assert_int_equal(vic_find(p.k, x[1])->dist, 3);
	/* b's list reaches beyond the radius. */
	list.hop[0] = x[0];
	list.hop[1] = x[2];
	vic_list(p.k, x[1], 3, &list, true, p.now);
	vic_settle(p.k);
	assert_null(vic_find(p.k, x[2]));
	leave(p.k, p.now);
	/* The neighbour has lost a. */
	puppet_list(&p, 0, 7, NULL, 0);
	assert_int_equal(p.k->vic.n, 2);
	assert_null(vic_find(p.k, h(&a)));
	end();
}

/* A list that is not whole takes no link away. */
static void a_list_cut_short_takes_nothing_away(void **state)
{
	static struct kira_id nb[1100];
	unsigned i;

	begin(4, 1);
	for (i = 0; i < 1100; i++)
		nb[i] = sharing(i % 30);
	puppet_list(&p, 0, 6, nb, 1020);
	assert_int_equal(p.k->vic.n, 1022);
	puppet_list(&p, 0, 7, nb + 10, 1090);
	assert_true(p.k->vic.n > 1022);
	assert_non_null(vic_find(p.k, h(&nb[0])));
	assert_int_equal(p.k->n_not_via, 0);
	end();
}

/* §2.9: the cap holds, and what is in stays in. */
static void the_vicinity_has_a_cap(void **state)
{
	static struct kira_id nb[300];
	struct kira_params params;
	unsigned i;

	kira_params_default(&params);
	params.ssn = 1;
	params.max_vicinity = 100;
	puppet_init(&p, &params, 33);
	for (i = 0; i < 300; i++)
		nb[i] = sharing(i % 30);
	puppet_meet(&p, 0, nb, 300);
	assert_int_equal(p.k->vic.n, 100);
	puppet_run(&p, SEC(1));
	assert_null(core_broken(p.k));
	end();
}

/* §4.1: a detour avoids what is lost and is as short as the graph allows. */
static void detours_are_short_and_avoid(void **state)
{
	struct kira_id far;
	nid_t way[3];

	begin(4, 3);
	far = sharing(4);
	/* p0 and p1 both know far; p1 and p2 know each other. */
	puppet_list(&p, 0, 6, &far, 1);
	puppet_list(&p, 1, 6, (struct kira_id[]){far, p.peer[2]}, 2);
	puppet_list(&p, 2, 6, &p.peer[1], 1);
	assert_int_equal(vic_detour(p.k, h(&far), 0, 0, way), 2);
	assert_int_equal(vic_detour(p.k, h(&far), h(&p.peer[0]), h(&p.peer[0]), way), 2);
	assert_int_equal(way[0], h(&p.peer[1]));
	kira_link_down(p.k, 1, p.now);
	/* far, not by p1 as first hop: by p2, p1. */
	assert_int_equal(vic_detour(p.k, h(&far), h(&p.peer[1]), 0, way), 3);
	assert_int_equal(way[0], h(&p.peer[2]));
	assert_int_equal(way[1], h(&p.peer[1]));
	assert_int_equal(vic_detour(p.k, h(&far), h(&p.peer[1]), h(&p.peer[1]), way), 0);
	assert_int_equal(vic_detour(p.k, h(&p.peer[2]), 0, h(&p.peer[2]), way), 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_bucket_splits_when_full),
		cmocka_unit_test(a_shorter_path_displaces_the_longest),
		cmocka_unit_test(a_lost_contact_goes_first),
		cmocka_unit_test(neighbours_are_outside_k),
		cmocka_unit_test(paths_that_cannot_be_are_rejected),
		cmocka_unit_test(a_travelled_shorter_path_replaces),
		cmocka_unit_test(older_numbers_do_not_overwrite),
		cmocka_unit_test(a_node_that_lost_its_number_is_heard_again),
		cmocka_unit_test(hearsay_is_probed_before_it_counts),
		cmocka_unit_test(no_path_leads_through_an_end_system),
		cmocka_unit_test(closest_is_a_sort),
		cmocka_unit_test(the_vicinity_ends_at_three_hops),
		cmocka_unit_test(a_list_cut_short_takes_nothing_away),
		cmocka_unit_test(the_vicinity_has_a_cap),
		cmocka_unit_test(detours_are_short_and_avoid),
	};

	return cmocka_run_group_tests_name("rtable", tests, NULL, NULL);
}
