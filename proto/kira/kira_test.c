/* SPDX-License-Identifier: BSD-2-Clause */
/* One core by the letter of the protocol (spec §2.8 to §2.17, §2.22); networks of cores are in
 * kira_net_test.c. */
#include "proto/kira/puppet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct puppet p;

static struct kira_id an_id(unsigned n)
{
	struct kira_id id;
	struct rng r;

	rng_seed(&r, 7000 + n);
	rng_bytes(&r, &id, sizeof(id));
	return id;
}

/* One that shares the first `bits` bits with `id` and no more. */
static struct kira_id near_id(const struct kira_id *id, unsigned bits, unsigned n)
{
	struct kira_id x = an_id(n);
	unsigned i;

	for (i = 0; i <= bits; i++) {
		uint8_t mask = (uint8_t)(0x80 >> (i % 8));
		bool one = ((id->b[i / 8] & mask) != 0) == (i < bits);

		x.b[i / 8] = (uint8_t)(one ? x.b[i / 8] | mask : x.b[i / 8] & ~mask);
	}
	return x;
}

static void begin_with(const struct kira_params *params, unsigned n)
{
	unsigned i;

	puppet_init(&p, params, 41);
	for (i = 0; i < n; i++)
		puppet_meet(&p, i, NULL, 0);
	puppet_run(&p, MSEC(10));
	puppet_forget(&p);
}

static void begin(unsigned n)
{
	begin_with(NULL, n);
}

static void end(void)
{
	const char *what = core_broken(p.k);

	if (what)
		print_error("%s\n", what);
	assert_null(what);
	assert_int_equal(puppet_free(&p), 0);
}

static void along(uint8_t type, uint8_t flags, const struct kira_id *dest, uint64_t msg_id,
		  uint16_t index, const struct kira_id *route, size_t n)
{
	puppet_msg(&p, type, flags, &route[0], dest, msg_id);
	kira_wire_route(&p.b, index, route, n);
}

/* x is learned by a message that came from it by way of `between` and puppet i. */
static struct contact *learn(unsigned i, const struct kira_id *x, const struct kira_id *between)
{
	const struct kira_id far[4] = {*x, between ? *between : p.peer[i], p.peer[i], p.id};
	const struct kira_id near[3] = {*x, p.peer[i], p.id};

	along(KIRA_PROBE_REQ, KIRA_FLAG_EXACT, &p.id, 1, between ? 3 : 2, between ? far : near,
	      between ? 4 : 3);
	puppet_say(&p, i);
	return puppet_contact(&p, x);
}

static bool route_is(const struct kira_msg *m, const struct kira_id *route, size_t n)
{
	return m->n_hops == n && memcmp(m->route, route, n * sizeof(*route)) == 0;
}

/* ---- §2.12: hellos ---- */

static void hello_intervals(void **state)
{
	usec_t expect = MSEC(200);
	usec_t last;
	unsigned n;

	puppet_init(&p, NULL, 41);
	last = p.now;
	kira_link_up(p.k, 1, 1500, p.now);
	assert_int_equal(p.type_sent[KIRA_ULN_HELLO], 1);
	for (n = 1; n < 16; n++) {
		while (p.type_sent[KIRA_ULN_HELLO] == n)
			puppet_run(&p, kira_next(p.k) - p.now);
		assert_int_equal(p.type_sent[KIRA_ULN_HELLO], n + 1);
		assert_in_range(p.now - last, expect / 2, expect * 3 / 2);
		last = p.now;
		expect = expect * 2 < SEC(30) ? expect * 2 : SEC(30);
	}
	/* A new neighbour makes them start over. */
	puppet_list(&p, 0, 5, NULL, 0);
	puppet_run(&p, MSEC(700));
	assert_true(p.type_sent[KIRA_ULN_HELLO] >= n + 2);
	end();
}

static unsigned by_heuristic(bool ours)
{
	unsigned i;

	for (i = 0; i < PUPPETS; i++)
		if (kira_answers_hello(&p.id, &p.peer[i]) == ours)
			return i;
	fail_msg("the seed gives no such puppet");
	return 0;
}

static void hello_from(unsigned i)
{
	puppet_msg(&p, KIRA_ULN_HELLO, 0, &p.peer[i], &kira_id_all_nodes, 3);
	puppet_say(&p, i);
}

/* The side that the heuristic names asks; the other waits, until its own hellos are rare. */
static void one_side_asks(void **state)
{
	unsigned we;
	unsigned they;

	puppet_init(&p, NULL, 41);
	we = by_heuristic(true);
	they = by_heuristic(false);
	kira_link_up(p.k, we + 1, 1500, p.now);
	kira_link_up(p.k, they + 1, 1500, p.now);
	hello_from(we);
	assert_int_equal(p.type_sent[KIRA_ULN_DISC_REQ], 1);
	/* One at a time, however often it says hello. */
	hello_from(we);
	assert_int_equal(p.type_sent[KIRA_ULN_DISC_REQ], 1);
	hello_from(they);
	assert_int_equal(p.type_sent[KIRA_ULN_DISC_REQ], 1);
	puppet_run(&p, SEC(20));
	puppet_forget(&p);
	hello_from(they);
	assert_int_equal(p.type_sent[KIRA_ULN_DISC_REQ], 1);
	assert_int_equal(kira_n_neighbours(p.k), 0);
	end();
}

/* 250 ms, doubled for each of two more tries. */
static void handshake_is_tried_three_times(void **state)
{
	unsigned i;

	puppet_init(&p, NULL, 41);
	i = by_heuristic(true);
	kira_link_up(p.k, i + 1, 1500, p.now);
	hello_from(i);
	puppet_run(&p, MSEC(249));
	assert_int_equal(p.type_sent[KIRA_ULN_DISC_REQ], 1);
	puppet_run(&p, MSEC(1));
	assert_int_equal(p.type_sent[KIRA_ULN_DISC_REQ], 2);
	puppet_run(&p, MSEC(500));
	assert_int_equal(p.type_sent[KIRA_ULN_DISC_REQ], 3);
	puppet_run(&p, SEC(5));
	assert_int_equal(p.type_sent[KIRA_ULN_DISC_REQ], 3);
	assert_int_equal(p.k->n_disc, 0);
	end();
}

/* ---- §2.8: our number ---- */

static void number_counts_neighbour_changes(void **state)
{
	uint32_t ssn;

	puppet_init(&p, NULL, 41);
	ssn = kira_ssn(p.k);
	assert_int_equal(ssn, 2); /* above the last one used */
	puppet_meet(&p, 0, NULL, 0);
	assert_int_equal(kira_ssn(p.k), ssn + 1);
	assert_int_equal(p.ssn, ssn + 1);
	puppet_meet(&p, 1, NULL, 0);
	assert_int_equal(kira_ssn(p.k), ssn + 2);
	/* The list of a neighbour is not ours. */
	puppet_list(&p, 1, 6, &p.peer[4], 1);
	assert_int_equal(kira_ssn(p.k), ssn + 2);
	kira_link_down(p.k, 1, p.now);
	assert_int_equal(kira_ssn(p.k), ssn + 3);
	assert_int_equal(p.ssn, ssn + 3);
	end();
}

static uint32_t hello_ssn(void)
{
	struct kira_msg m;

	assert_true(puppet_heard(&p, KIRA_ULN_HELLO, 0, &m));
	return m.ssn;
}

/* At the end of numbers, and without one, hellos say RESET for a while and counting starts from 1.
 */
static void reset_at_overflow_and_start(void **state)
{
	struct kira_params params;

	kira_params_default(&params);
	params.ssn = 0xfffffffd;
	puppet_init(&p, &params, 41);
	kira_link_up(p.k, 1, 1500, p.now);
	assert_int_equal(kira_ssn(p.k), 0xfffffffe);
	assert_int_equal(hello_ssn(), 0xfffffffe);
	puppet_list(&p, 0, 5, NULL, 0);
	assert_int_equal(kira_ssn(p.k), 1);
	puppet_forget(&p);
	puppet_run(&p, MSEC(300));
	assert_int_equal(hello_ssn(), KIRA_SSN_RESET);
	puppet_run(&p, SEC(20));
	assert_int_equal(hello_ssn(), kira_ssn(p.k));
	end();

	params.ssn = KIRA_SSN_INVALID;
	puppet_init(&p, &params, 41);
	kira_link_up(p.k, 1, 1500, p.now);
	assert_int_equal(kira_ssn(p.k), 1);
	assert_int_equal(hello_ssn(), KIRA_SSN_RESET);
	puppet_run(&p, SEC(20));
	assert_int_equal(hello_ssn(), 1);
	end();
}

/* ---- §2.12: several links to one neighbour ---- */

static void parallel_links(void **state)
{
	struct kira_addr second = puppet_addr(7);
	const struct kira_fwd *f;
	uint32_t ssn;

	begin(1);
	kira_link_up(p.k, 2, 1500, p.now);
	ssn = kira_ssn(p.k);
	puppet_disc(&p, 2, &second, &p.peer[0], 5, NULL, 0);
	assert_int_equal(kira_n_neighbours(p.k), 1);
	assert_int_equal(p.k->adjs.n, 2);
	assert_int_equal(kira_ssn(p.k), ssn);
	f = kira_lookup_node(p.k, &p.peer[0]);
	assert_non_null(f);
	assert_int_equal(f->link, 1);
	kira_link_down(p.k, 1, p.now);
	assert_int_equal(kira_n_neighbours(p.k), 1);
	assert_int_equal(kira_ssn(p.k), ssn);
	assert_int_equal(p.events[KIRA_EV_NEIGHBOUR_DOWN], 0);
	f = kira_lookup_node(p.k, &p.peer[0]);
	assert_non_null(f);
	assert_int_equal(f->kind, KIRA_FWD_NEIGHBOUR);
	assert_int_equal(f->link, 2);
	assert_memory_equal(&f->via, &second, sizeof(second));
	kira_link_down(p.k, 2, p.now);
	assert_int_equal(kira_n_neighbours(p.k), 0);
	assert_int_equal(p.events[KIRA_EV_NEIGHBOUR_DOWN], 1);
	end();
}

/* ---- §2.15: FindNodeReq ---- */

static void find(unsigned i, uint8_t flags, const struct kira_id *dest, const struct kira_id *src,
		 uint64_t msg_id)
{
	const struct kira_id route[3] = {*src, p.peer[i], p.id};

	puppet_forget(&p);
	along(KIRA_FIND_NODE_REQ, flags, dest, msg_id, 2, route, 3);
	kira_wire_rtable_req(&p.b, KIRA_RT_OVERLAY, 20);
}

static size_t entries(const struct kira_msg *m)
{
	struct slice list = m->rtable;
	struct kira_rtable_entry e;
	size_t n = 0;

	while (list.p && kira_rtable_next(&list, &e))
		n++;
	return n;
}

static void find_for_us(void **state)
{
	struct kira_id src = an_id(1);
	struct kira_msg m;
	unsigned exact;

	begin(3);
	for (exact = 0; exact < 2; exact++) {
		const struct kira_id back[3] = {p.id, p.peer[0], src};

		find(0, exact ? KIRA_FLAG_EXACT : 0, &p.id, &src, 60 + exact);
		puppet_say(&p, 0);
		assert_true(puppet_heard(&p, KIRA_FIND_NODE_RSP, 1, &m));
		assert_int_equal(m.msg_id, 60 + exact);
		assert_true(kira_id_eq(&m.dest, &src));
		assert_int_equal(m.index, 1);
		assert_true(route_is(&m, back, 3));
		/* The neighbours, and not who asks. */
		assert_int_equal(entries(&m), 3);
	}
	end();
}

/* To a contact closer than ourselves, with the header as it was and the route made longer; to
 * nobody farther. */
static void find_goes_strictly_closer(void **state)
{
	struct kira_id src = an_id(1);
	struct kira_id between = an_id(2);
	struct kira_id closer;
	struct kira_id dest;
	struct kira_id unheard;
	struct kira_msg m;

	begin(2);
	dest = near_id(&p.id, 4, 10);
	closer = near_id(&dest, 20, 11);
	assert_non_null(learn(1, &closer, &between));
	assert_true(kira_id_closer(&closer, &p.id, &dest) < 0);
	find(0, 0, &dest, &src, 77);
	puppet_say(&p, 0);
	assert_true(puppet_heard(&p, KIRA_FIND_NODE_REQ, 2, &m));
	{
		const struct kira_id route[6] = {src, p.peer[0], p.id, p.peer[1], between, closer};

		assert_true(route_is(&m, route, 6));
	}
	assert_int_equal(m.index, 3);
	assert_int_equal(m.msg_id, 77);
	assert_int_equal(m.ssn, 5);
	assert_true(kira_id_eq(&m.src, &src));
	assert_true(kira_id_eq(&m.dest, &dest));
	assert_int_equal(m.radius, 20);
	assert_int_equal(p.type_sent[KIRA_FIND_NODE_RSP], 0);
	/* We are the closest: not exact is answered, exact is a dead end. */
	unheard = near_id(&p.id, 60, 12);
	find(0, 0, &unheard, &src, 78);
	puppet_say(&p, 0);
	assert_true(puppet_heard(&p, KIRA_FIND_NODE_RSP, 1, &m));
	assert_int_equal(p.type_sent[KIRA_FIND_NODE_REQ], 0);
	find(0, KIRA_FLAG_EXACT, &unheard, &src, 79);
	puppet_say(&p, 0);
	assert_true(puppet_heard(&p, KIRA_ERROR, 1, &m));
	assert_int_equal(m.error, KIRA_ERR_DEAD_END);
	assert_int_equal(m.msg_id, 79);
	assert_int_equal(p.type_sent[KIRA_FIND_NODE_REQ], 0);
	assert_int_equal(p.type_sent[KIRA_FIND_NODE_RSP], 0);
	end();
}

/* Not back to who asks, though it be the closest. */
static void find_does_not_return_to_its_source(void **state)
{
	struct kira_id src;
	struct kira_msg m;

	begin(2);
	src = near_id(&p.id, 12, 1);
	assert_non_null(learn(0, &src, NULL));
	find(0, 0, &src, &src, 5);
	puppet_say(&p, 0);
	assert_int_equal(p.type_sent[KIRA_FIND_NODE_REQ], 0);
	assert_true(puppet_heard(&p, KIRA_FIND_NODE_RSP, 1, &m));
	end();
}

static void find_avoids_failed_links(void **state)
{
	struct kira_id src = an_id(1);
	struct kira_id between = an_id(2);
	struct kira_id closer;
	struct kira_id second;
	struct kira_id dest;
	struct kira_msg m;
	struct kira_id last;
	size_t at;

	begin(2);
	dest = near_id(&p.id, 4, 10);
	closer = near_id(&dest, 20, 11);
	second = near_id(&dest, 10, 12);
	assert_non_null(learn(1, &closer, &between));
	assert_non_null(learn(1, &second, NULL));
	/* The message says that a link of the path to the closest failed: by the next one, and the
	 * list goes along. */
	find(0, KIRA_FLAG_EXACT, &dest, &src, 6);
	at = kira_wire_open(&p.b, KIRA_OBJ_NOT_VIA);
	kira_wire_not_via(&p.b, &(struct kira_not_via_entry){.a = between, .b = closer, .age = 10});
	kira_wire_close(&p.b, at);
	puppet_say(&p, 0);
	assert_true(puppet_heard(&p, KIRA_FIND_NODE_REQ, 2, &m));
	last = kira_hop(m.route, m.n_hops - 1u);
	assert_memory_equal(&last, &second, sizeof(last));
	assert_int_equal(m.not_via.n, 32);
	/* By our own list there is no way at all. */
	not_via_add(p.k, pool_find(p.k->pool, &p.peer[1]), pool_find(p.k->pool, &second), p.now);
	not_via_add(p.k, pool_find(p.k->pool, &between), pool_find(p.k->pool, &closer), p.now);
	find(0, KIRA_FLAG_EXACT, &dest, &src, 7);
	puppet_say(&p, 0);
	assert_int_equal(p.type_sent[KIRA_FIND_NODE_REQ], 0);
	assert_true(puppet_heard(&p, KIRA_ERROR, 1, &m));
	/* A path that was proved after the failure was noticed is good again. */
	puppet_run(&p, MSEC(100));
	assert_non_null(learn(1, &closer, &between));
	find(0, KIRA_FLAG_EXACT, &dest, &src, 8);
	puppet_say(&p, 0);
	assert_int_equal(p.type_sent[KIRA_FIND_NODE_REQ], 1);
	assert_int_equal(p.k->n_not_via, 2);
	end();
}

/* The answer goes back as the request came, without its loops. */
static void answer_cuts_cycles(void **state)
{
	struct kira_id a = an_id(1);
	struct kira_id b = an_id(2);
	struct kira_id c = an_id(3);
	const struct kira_id route[8] = {a, b, c, a, b, c, p.peer[0], p.id};
	struct kira_id in[8];
	struct kira_id back[5];
	struct kira_msg m;

	begin(1);
	memcpy(in, route, sizeof(in));
	in[6] = p.peer[0];
	in[7] = p.id;
	along(KIRA_FIND_NODE_REQ, KIRA_FLAG_EXACT, &p.id, 9, 7, in, 8);
	kira_wire_rtable_req(&p.b, KIRA_RT_OVERLAY, 20);
	puppet_say(&p, 0);
	assert_true(puppet_heard(&p, KIRA_FIND_NODE_RSP, 1, &m));
	back[0] = p.id;
	back[1] = p.peer[0];
	back[2] = c;
	back[3] = b;
	back[4] = a;
	assert_true(route_is(&m, back, 5));
	assert_int_equal(puppet_contact(&p, &a)->active->n, 4);
	end();
}

/* ---- §2.12: QueryRouteReq ---- */

static void query_tells_the_neighbours(void **state)
{
	struct kira_id src = an_id(1);
	struct kira_rtable_entry e;
	struct kira_msg m;
	unsigned found = 0;
	unsigned i;

	begin(4);
	assert_non_null(learn(1, &src, NULL));
	puppet_forget(&p);
	along(KIRA_QUERY_ROUTE_REQ, KIRA_FLAG_EXACT, &p.id, 31, 2,
	      (struct kira_id[]){src, p.peer[0], p.id}, 3);
	kira_wire_rtable_req(&p.b, KIRA_RT_VICINITY, 20);
	puppet_say(&p, 0);
	assert_true(puppet_heard(&p, KIRA_QUERY_ROUTE_RSP, 1, &m));
	assert_int_equal(m.msg_id, 31);
	assert_int_equal(m.ssn, kira_ssn(p.k));
	assert_int_equal(entries(&m), 4);
	while (kira_rtable_next(&m.rtable, &e)) {
		assert_int_equal(e.n_hops, 1);
		for (i = 0; i < 4; i++)
			found += kira_id_eq(&e.contact.id, &p.peer[i]);
	}
	assert_int_equal(found, 4);
	/* For somebody else it is not answered. */
	puppet_forget(&p);
	along(KIRA_QUERY_ROUTE_REQ, KIRA_FLAG_EXACT, &src, 32, 2,
	      (struct kira_id[]){src, p.peer[0], p.id}, 3);
	kira_wire_rtable_req(&p.b, KIRA_RT_VICINITY, 20);
	puppet_say(&p, 0);
	assert_int_equal(p.type_sent[KIRA_QUERY_ROUTE_RSP], 0);
	end();
}

/* ---- §2.16: updates ---- */

static size_t update_entries(const struct kira_msg *m, const struct kira_id *x, unsigned n_x)
{
	struct slice list = m->update;
	struct kira_rtable_entry e;
	size_t n = 0;
	unsigned i;

	while (list.p && kira_update_next(&list, &e))
		for (i = 0; i < n_x; i++)
			n += kira_id_eq(&e.contact.id, &x[i]);
	return n;
}

/* What was learned within a moment goes into one message to each of the three closest. */
static void updates_are_batched(void **state)
{
	struct kira_id x[5];
	struct kira_msg m;
	unsigned i;

	begin(4);
	puppet_run(&p, SEC(1));
	for (i = 0; i < 4; i++)
		puppet_list(&p, i, 5, NULL, 0);
	puppet_run(&p, SEC(2));
	for (i = 0; i < 4; i++)
		puppet_list(&p, i, 5, NULL, 0);
	puppet_forget(&p);
	for (i = 0; i < 5; i++) {
		x[i] = an_id(20 + i);
		assert_non_null(learn(0, &x[i], NULL));
	}
	assert_int_equal(p.type_sent[KIRA_UPDATE_ROUTE_REQ], 0);
	puppet_run(&p, SEC(2));
	assert_int_equal(p.type_sent[KIRA_UPDATE_ROUTE_REQ], 3);
	assert_true(puppet_heard(&p, KIRA_UPDATE_ROUTE_REQ, 0, &m));
	assert_in_range(update_entries(&m, x, 5), 4, 5);
	end();
}

static void update_from(unsigned i, uint8_t action, const struct kira_id *x, uint32_t ssn,
			const struct kira_id *hops, size_t n)
{
	struct kira_contact_entry e = {.id = *x, .ssn = ssn, .degree = 1};
	size_t at;

	along(KIRA_UPDATE_ROUTE_REQ, 0, &p.id, 3, 1, (struct kira_id[]){p.peer[i], p.id}, 2);
	at = kira_wire_open(&p.b, KIRA_OBJ_RTABLE_UPDATE);
	kira_wire_update(&p.b, action, &e, hops, n);
	kira_wire_close(&p.b, at);
	puppet_say(&p, i);
}

static void unreachable_of_the_senders_link(void **state)
{
	struct kira_id x = an_id(1);
	struct kira_id y = an_id(2);
	struct kira_id between = an_id(3);

	begin(2);
	learn(0, &x, NULL);
	learn(0, &y, &between);
	puppet_run(&p, MSEC(100));
	/* Old word of its own link, then new word of somebody else's, then new word of its own. */
	update_from(0, KIRA_UNREACHABLE, &x, 4, &x, 1);
	assert_int_equal(puppet_contact(&p, &x)->state, KIRA_VALID);
	update_from(0, KIRA_UNREACHABLE, &y, 6, (struct kira_id[]){between, y}, 2);
	assert_int_equal(puppet_contact(&p, &y)->state, KIRA_VALID);
	update_from(0, KIRA_WITHDRAW, &x, 6, &x, 1);
	assert_int_equal(puppet_contact(&p, &x)->state, KIRA_VALID);
	update_from(0, KIRA_UNREACHABLE, &x, 6, &x, 1);
	assert_int_equal(puppet_contact(&p, &x)->state, KIRA_INVALID);
	end();
}

/* A path that we are told of serves when the probe along it has been answered, not before. */
static void proposed_paths_are_probed(void **state)
{
	struct kira_id x = an_id(1);
	struct kira_id between = an_id(2);
	struct kira_msg m;

	begin(2);
	learn(0, &x, &between);
	puppet_forget(&p);
	update_from(1, KIRA_CHANGE, &x, 6, &x, 1);
	assert_int_equal(puppet_contact(&p, &x)->active->n, 3);
	assert_true(puppet_heard(&p, KIRA_PROBE_REQ, 2, &m));
	assert_true(route_is(&m, (struct kira_id[]){p.id, p.peer[1], x}, 3));
	along(KIRA_PROBE_RSP, 0, &p.id, m.msg_id, 2, (struct kira_id[]){x, p.peer[1], p.id}, 3);
	puppet_say(&p, 1);
	assert_int_equal(puppet_contact(&p, &x)->active->n, 2);
	assert_int_equal(puppet_contact(&p, &x)->state, KIRA_VALID);
	end();
}

/* ---- §2.22: end systems and domains ---- */

static void an_end_system_does_not_forward(void **state)
{
	struct kira_params params;
	struct kira_msg m;
	unsigned i;

	kira_params_default(&params);
	params.ssn = 1;
	params.end_system = true;
	begin_with(&params, 2);
	along(KIRA_PROBE_REQ, KIRA_FLAG_EXACT, &p.peer[1], 1, 1,
	      (struct kira_id[]){p.peer[0], p.id, p.peer[1]}, 3);
	puppet_say(&p, 0);
	assert_int_equal(p.n_sent, 0);
	assert_int_equal(kira_stats(p.k)->forwarded, 0);
	/* No PathID leads through it. */
	{
		const struct kira_id ids[2] = {p.id, p.peer[0]};
		struct kira_id through = kira_path_id(KIRA_HASH_SHA1, ids, 2);

		assert_null(kira_lookup_path(p.k, &through));
	}
	along(KIRA_PROBE_REQ, KIRA_FLAG_EXACT, &p.id, 2, 1, (struct kira_id[]){p.peer[0], p.id}, 2);
	puppet_say(&p, 0);
	assert_true(puppet_heard(&p, KIRA_PROBE_RSP, 1, &m));
	puppet_run(&p, SEC(2));
	for (i = 0; i < p.n_sent && i < PUPPET_SENT; i++)
		assert_true(p.sent[i].bytes[2] & KIRA_FLAG_END_SYSTEM);
	end();
}

/* An end system is asked for nothing but itself. */
static void no_look_up_by_an_end_system(void **state)
{
	struct kira_id src = an_id(1);
	struct kira_id dest;
	struct kira_id other;
	struct kira_msg m;

	begin(2);
	dest = near_id(&p.id, 4, 10);
	other = near_id(&dest, 30, 11);
	along(KIRA_PROBE_REQ, KIRA_FLAG_EXACT | KIRA_FLAG_END_SYSTEM, &p.id, 1, 2,
	      (struct kira_id[]){dest, p.peer[1], p.id}, 3);
	puppet_say(&p, 1);
	assert_non_null(puppet_contact(&p, &dest));
	find(0, 0, &other, &src, 5);
	puppet_say(&p, 0);
	assert_int_equal(p.type_sent[KIRA_FIND_NODE_REQ], 0);
	assert_true(puppet_heard(&p, KIRA_FIND_NODE_RSP, 1, &m));
	find(0, KIRA_FLAG_EXACT, &dest, &src, 6);
	puppet_say(&p, 0);
	assert_int_equal(p.type_sent[KIRA_FIND_NODE_REQ], 1);
	end();
}

static void domains_do_not_mix(void **state)
{
	struct kira_params params;
	struct kira_msg m;
	unsigned i;

	kira_params_default(&params);
	params.ssn = 1;
	params.domain = 7;
	puppet_init(&p, &params, 41);
	kira_link_up(p.k, 1, 1500, p.now);
	assert_true(puppet_heard(&p, KIRA_ULN_HELLO, 0, &m));
	assert_int_equal(m.domain, 7);
	puppet_forget(&p);
	for (i = 0; i < 3; i++) {
		static const uint8_t type[3] = {KIRA_ULN_HELLO, KIRA_ULN_DISC_REQ,
						KIRA_ULN_DISC_RSP};

		puppet_msg(&p, type[i], 0, &p.peer[0], &p.id, 1);
		p.b.p[40] = 8;
		puppet_say(&p, 0);
	}
	assert_int_equal(kira_stats(p.k)->drop[KIRA_DROP_DOMAIN], 3);
	assert_int_equal(p.n_sent, 0);
	assert_int_equal(kira_n_neighbours(p.k), 0);
	puppet_list(&p, 0, 5, NULL, 0);
	assert_int_equal(kira_n_neighbours(p.k), 1);
	end();
}

/* ---- §2.7, §2.23: what is dropped and counted ---- */

static void dropped_and_counted(void **state)
{
	struct kira_addr stranger = puppet_addr(6);
	const uint64_t *drop;

	begin(2);
	drop = kira_stats(p.k)->drop;
	/* Our own messages, come back. */
	puppet_msg(&p, KIRA_ULN_HELLO, 0, &p.id, &kira_id_all_nodes, 1);
	puppet_say(&p, 0);
	along(KIRA_PROBE_REQ, 0, &p.peer[1], 1, 2,
	      (struct kira_id[]){p.id, p.peer[0], p.id, p.peer[1]}, 4);
	puppet_say(&p, 0);
	assert_int_equal(drop[KIRA_DROP_SOURCE], 2);
	/* A link that is not there. */
	puppet_msg(&p, KIRA_ULN_HELLO, 0, &p.peer[3], &kira_id_all_nodes, 1);
	puppet_say_from(&p, 99, &stranger);
	assert_int_equal(drop[KIRA_DROP_LINK], 1);
	/* A sender that is no neighbour, though it names one. */
	along(KIRA_PROBE_REQ, 0, &p.id, 1, 1, (struct kira_id[]){p.peer[0], p.id}, 2);
	puppet_say_from(&p, 1, &stranger);
	assert_int_equal(drop[KIRA_DROP_SENDER], 1);
	/* The answer to a question that was not asked. */
	along(KIRA_PROBE_RSP, 0, &p.id, 424242, 1, (struct kira_id[]){p.peer[0], p.id}, 2);
	puppet_say(&p, 0);
	assert_int_equal(drop[KIRA_DROP_STATE], 1);
	assert_int_equal(p.n_sent, 0);
	end();
}

/* A flood of routes as long as they may be, each of another source: every one costs one message at
 * most, and what is kept of them is bounded by the table. */
static void flood_of_the_longest_routes(void **state)
{
	static struct kira_id route[KIRA_ROUTE_MAX];
	size_t before;
	unsigned i;
	size_t j;

	begin(2);
	for (j = 0; j < KIRA_ROUTE_MAX; j++) {
		route[j] = an_id(1);
		route[j].b[5] = (uint8_t)j;
		route[j].b[6] = (uint8_t)(j >> 8);
	}
	route[KIRA_ROUTE_MAX - 3] = p.peer[0];
	route[KIRA_ROUTE_MAX - 2] = p.id;
	route[KIRA_ROUTE_MAX - 1] = p.peer[1];
	before = p.a.used;
	for (i = 0; i < 2000; i++) {
		route[0] = an_id(100 + i);
		along(KIRA_FIND_NODE_RSP, 0, &p.peer[1], i, KIRA_ROUTE_MAX - 2, route,
		      KIRA_ROUTE_MAX);
		puppet_say(&p, 0);
	}
	assert_int_equal(kira_stats(p.k)->forwarded, 2000);
	assert_int_equal(p.type_sent[KIRA_FIND_NODE_RSP], 2000);
	assert_true(p.type_sent[KIRA_PROBE_REQ] + p.type_sent[KIRA_PATH_SETUP_REQ] <= 200);
	/* k contacts in each of a dozen buckets, of 1,022 hops of 4 bytes. */
	assert_true(kira_n_contacts(p.k) <= 2 + 12 * p.k->p.k);
	assert_true(p.a.used < before + ((size_t)4 << 20));
	end();
}

#define NAMED(name, f) {name, f, NULL, NULL, NULL}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAMED("2.12 hello intervals of 200 ms to 30 s", hello_intervals),
		NAMED("2.12 one side asks", one_side_asks),
		NAMED("2.12 a handshake is tried three times", handshake_is_tried_three_times),
		NAMED("2.8 the number counts changes of the neighbours",
		      number_counts_neighbour_changes),
		NAMED("2.8 RESET at overflow and at the start without a number",
		      reset_at_overflow_and_start),
		NAMED("2.26 parallel links to one neighbour", parallel_links),
		NAMED("2.15 FindNodeReq for us", find_for_us),
		NAMED("2.15 FindNodeReq goes strictly closer", find_goes_strictly_closer),
		NAMED("2.15 FindNodeReq does not return to its source",
		      find_does_not_return_to_its_source),
		NAMED("2.15 FindNodeReq avoids failed links", find_avoids_failed_links),
		NAMED("2.15 the answer's route has no cycles", answer_cuts_cycles),
		NAMED("2.12 QueryRouteReq tells the neighbours", query_tells_the_neighbours),
		NAMED("2.16 updates are batched", updates_are_batched),
		NAMED("2.16 Unreachable of the sender's own link", unreachable_of_the_senders_link),
		NAMED("2.17 proposed paths are probed", proposed_paths_are_probed),
		NAMED("2.22 an end system does not forward", an_end_system_does_not_forward),
		NAMED("2.22 no look-up by way of an end system", no_look_up_by_an_end_system),
		NAMED("2.22 domains do not mix", domains_do_not_mix),
		NAMED("2.7 dropped and counted", dropped_and_counted),
		NAMED("2.23 a flood of the longest routes", flood_of_the_longest_routes),
	};

	return cmocka_run_group_tests_name("kira", tests, NULL, NULL);
}
