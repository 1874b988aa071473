/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hostile neighbour, or a hostile node behind one, can say (spec §2.7, §2.23). */
#include "proto/kira/puppet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct puppet p;

static void assert_sound(void)
{
	const char *what = core_broken(p.k);

	if (what)
		print_error("%s\n", what);
	assert_null(what);
}

static struct kira_id an_id(unsigned n)
{
	struct kira_id id = {{0}};
	struct rng r;

	rng_seed(&r, 1000 + n);
	rng_bytes(&r, &id, sizeof(id));
	return id;
}

/* A message of src, which lies behind puppet i. */
static void from_behind(unsigned i, uint8_t type, const struct kira_id *src, uint64_t msg_id)
{
	const struct kira_id route[3] = {*src, p.peer[i], p.id};

	puppet_msg(&p, type, type == KIRA_PROBE_REQ ? KIRA_FLAG_EXACT : 0, src, &p.id, msg_id);
	kira_wire_route(&p.b, 2, route, 3);
}

static struct contact *learn_behind(unsigned i, const struct kira_id *src)
{
	from_behind(i, KIRA_PROBE_REQ, src, 1);
	puppet_say(&p, i);
	return puppet_contact(&p, src);
}

static void put_not_via(const struct kira_id *a, const struct kira_id *b)
{
	struct kira_not_via_entry e = {.a = *a, .b = *b, .age = 0};
	size_t at = kira_wire_open(&p.b, KIRA_OBJ_NOT_VIA);

	kira_wire_not_via(&p.b, &e);
	kira_wire_close(&p.b, at);
}

static void begin(unsigned n)
{
	unsigned i;

	puppet_init(&p, NULL, 11);
	for (i = 0; i < n; i++)
		puppet_meet(&p, i, NULL, 0);
	puppet_run(&p, MSEC(10));
}

static void end(void)
{
	assert_sound();
	assert_int_equal(puppet_free(&p), 0);
}

/* §2.23: the answer to a probe tells of a failed link of the very path that it proves. */
static void probe_answer_that_denies_its_own_path(void **state)
{
	struct kira_id x = an_id(1);
	struct contact *c;

	begin(1);
	c = learn_behind(0, &x);
	assert_non_null(c);
	puppet_run(&p, SEC(1));
	probe_contact(p.k, c, p.now);
	assert_non_null(c->probe);
	from_behind(0, KIRA_PROBE_RSP, &x, c->probe->msg_id);
	put_not_via(&p.peer[0], &x);
	puppet_say(&p, 0);
	assert_sound();
	c = puppet_contact(&p, &x);
	assert_non_null(c);
	assert_int_equal(c->state, KIRA_VALID);
	end();
}

/* §2.23: a not-via entry is believed of an end of the link or in an Error that answers us, not in any other answer. */
static void not_via_in_an_answer_is_no_proof(void **state)
{
	struct kira_id far = an_id(2);
	struct kira_id liar = an_id(3);
	struct kira_msg m;
	struct contact *c;

	begin(2);
	c = learn_behind(0, &far);
	assert_non_null(c);
	puppet_run(&p, SEC(1));
	puppet_forget(&p);
	kira_trace(p.k, &liar, p.now);
	assert_true(puppet_heard(&p, KIRA_FIND_NODE_REQ, 0, &m));
	from_behind(1, KIRA_FIND_NODE_RSP, &liar, m.msg_id);
	put_not_via(&p.peer[0], &far);
	puppet_say(&p, 1);
	c = puppet_contact(&p, &far);
	assert_non_null(c);
	assert_int_equal(c->state, KIRA_VALID);
	assert_int_equal(kira_stats(p.k)->not_via_refused, 1);
	/* It is a reason to ask, though. */
	assert_non_null(c->probe);
	end();
}

/* ---- amplification and floods ---- */

/* §2.23: a route that brings a message to us again and again ends here after a few times. */
static void a_route_in_circles_is_dropped(void **state)
{
	struct kira_id route[40];
	unsigned visits;
	size_t n;

	begin(2);
	for (visits = 0; visits < 8; visits++) {
		size_t sent;

		route[0] = an_id(5);
		for (n = 1; n <= 2 * visits; n += 2) {
			route[n] = p.peer[0];
			route[n + 1] = p.id;
		}
		route[n] = p.peer[0];
		route[n + 1] = p.id;
		route[n + 2] = p.peer[1];
		puppet_forget(&p);
		puppet_msg(&p, KIRA_PROBE_REQ, 0, &route[0], &p.peer[1], 9);
		kira_wire_route(&p.b, (uint16_t)(n + 1), route, n + 3);
		sent = p.type_sent[KIRA_PROBE_REQ];
		puppet_say(&p, 0);
		assert_int_equal(p.type_sent[KIRA_PROBE_REQ] - sent, visits <= 3);
	}
	assert_int_equal(kira_stats(p.k)->drop[KIRA_DROP_ROUTE], 4);
	end();
}

/* §2.7: only the neighbour that is the hop before us may bring a message, and only by a route that is at us. */
static void a_sender_that_is_not_on_the_route(void **state)
{
	struct kira_id x = an_id(6);
	struct kira_id route[3] = {x, p.peer[1], p.id};

	begin(2);
	route[1] = p.peer[1];
	route[2] = p.id;
	puppet_msg(&p, KIRA_PROBE_REQ, 0, &x, &p.id, 1);
	kira_wire_route(&p.b, 2, route, 3);
	puppet_say(&p, 0);
	assert_int_equal(kira_stats(p.k)->drop[KIRA_DROP_SENDER], 1);
	route[1] = p.peer[0];
	route[2] = an_id(7);
	puppet_msg(&p, KIRA_PROBE_REQ, 0, &x, &p.id, 1);
	kira_wire_route(&p.b, 2, route, 3);
	puppet_say(&p, 0);
	assert_int_equal(kira_stats(p.k)->drop[KIRA_DROP_NOT_US], 1);
	assert_null(puppet_contact(&p, &x));
	end();
}

/* §2.23: requests are limited for each neighbour; the others do not feel it. */
static void a_flood_of_requests_is_cut_off(void **state)
{
	const struct kira_params *params;
	struct kira_id x = an_id(8);
	unsigned i;

	begin(2);
	params = kira_params(p.k);
	for (i = 0; i < params->rate_requests * 20; i++)
		learn_behind(0, &x);
	assert_true(p.type_sent[KIRA_PROBE_RSP] <= params->rate_requests * 10);
	assert_true(kira_stats(p.k)->drop[KIRA_DROP_RATE] >= params->rate_requests * 10);
	puppet_forget(&p);
	learn_behind(1, &x);
	assert_int_equal(p.type_sent[KIRA_PROBE_RSP], 1);
	/* A second later so many more are answered. */
	puppet_forget(&p);
	puppet_run(&p, SEC(1));
	for (i = 0; i < params->rate_requests * 2; i++)
		learn_behind(0, &x);
	assert_in_range(p.type_sent[KIRA_PROBE_RSP], params->rate_requests - 1, params->rate_requests + 1);
	end();
}

/* §2.23: a flood of set-ups ends at the cap, and at the rate. */
static void a_flood_of_set_ups_is_capped(void **state)
{
	struct kira_params params;
	unsigned i;

	kira_params_default(&params);
	params.ssn = 1;
	params.max_path_ids = 500;
	puppet_init(&p, &params, 12);
	puppet_meet(&p, 0, NULL, 0);
	puppet_meet(&p, 1, NULL, 0);
	for (i = 0; i < 2000; i++) {
		const struct kira_id route[6] = {an_id(9), p.peer[0], p.id, p.peer[1], an_id(10), an_id(100 + i)};

		puppet_msg(&p, KIRA_PATH_SETUP_REQ, 0, &route[0], &route[5], i);
		kira_wire_route(&p.b, 2, route, 6);
		puppet_say(&p, 0);
	}
	assert_int_equal(p.k->n_explicit, 500);
	assert_int_equal(kira_stats(p.k)->setup_refused, 1500);
	assert_int_equal(p.type_sent[KIRA_ERROR], 0);
	/* A set-up that may be answered is told so. */
	{
		const struct kira_id route[6] = {an_id(9), p.peer[0], p.id, p.peer[1], an_id(10), an_id(99)};

		puppet_msg(&p, KIRA_PATH_SETUP_REQ, KIRA_FLAG_DIAGNOSTIC, &route[0], &route[5], i);
		kira_wire_route(&p.b, 2, route, 6);
		puppet_say(&p, 0);
	}
	assert_int_equal(p.type_sent[KIRA_ERROR], 1);
	/* Soft state: it goes when nobody refreshes it. */
	puppet_run(&p, SEC(1));
	puppet_meet(&p, 0, NULL, 0);
	puppet_run(&p, 2 * params.path_expiry);
	assert_int_equal(p.k->n_explicit, 0);
	end();
}

static void the_rate_of_set_ups_is_limited(void **state)
{
	struct kira_params params;
	unsigned i;

	kira_params_default(&params);
	params.ssn = 1;
	params.rate_setups = 1;
	puppet_init(&p, &params, 12);
	puppet_meet(&p, 0, NULL, 0);
	puppet_meet(&p, 1, NULL, 0);
	for (i = 0; i < 1000; i++) {
		const struct kira_id route[6] = {an_id(9), p.peer[0], p.id, p.peer[1], an_id(10), an_id(100 + i)};

		puppet_msg(&p, KIRA_PATH_SETUP_REQ, 0, &route[0], &route[5], i);
		kira_wire_route(&p.b, 2, route, 6);
		puppet_say(&p, 0);
	}
	assert_int_equal(p.k->n_explicit, 200);
	assert_int_equal(kira_stats(p.k)->setup_refused, 800);
	end();
}

static struct kira_addr invented_addr(unsigned n)
{
	/* Alike in their last four bytes. */
	struct kira_addr a = {{0xfe, 0x80, [8] = (uint8_t)(n >> 16), [9] = (uint8_t)(n >> 8), [10] = (uint8_t)n, [11] = 1}};

	return a;
}

/* §2.23: hellos of thousands of invented neighbours: requests under way are few, and others have their share. */
static void hellos_of_invented_neighbours(void **state)
{
	size_t before;
	unsigned i;

	begin(1);
	before = p.a.used;
	for (i = 0; i < 20000; i++) {
		struct kira_addr from = invented_addr(i);
		struct kira_id id = an_id(i);

		puppet_msg(&p, KIRA_ULN_HELLO, 0, &id, &kira_id_all_nodes, i);
		puppet_say_from(&p, 1, &from);
	}
	assert_true(p.k->reqs.n < REQ_MAX / 8);
	assert_true(p.a.used < before + ((size_t)1 << 20));
	assert_int_equal(kira_n_neighbours(p.k), 1);
	/* What is ours to ask is asked. */
	assert_int_equal(kira_trace(p.k, &p.peer[1], p.now), 0);
	assert_int_equal(p.type_sent[KIRA_FIND_NODE_REQ], 1);
	puppet_run(&p, SEC(10));
	assert_true(p.k->reqs.n < 16);
	assert_true(p.k->pool->n < 100);
	end();
}

/* §2.23: handshakes of thousands of invented neighbours: limited for the link, and all gone when they stay silent. */
static void handshakes_of_invented_neighbours(void **state)
{
	struct kira_addr from;
	struct kira_id id;
	size_t before;
	unsigned i;

	begin(1);
	before = p.a.used;
	for (i = 0; i < 1500; i++) {
		id = an_id(i);
		from = invented_addr(i);
		puppet_disc(&p, 1, &from, &id, 5, NULL, 0);
		if (i % 100 == 99)
			puppet_run(&p, MSEC(20));
	}
	assert_true(p.k->adjs.n <= ADJ_LINK_MAX);
	assert_sound();
	assert_true(p.a.used < before + ((size_t)16 << 20));
	/* Another link is not shut out. */
	puppet_meet(&p, 3, NULL, 0);
	assert_true(is_uln(puppet_contact(&p, &p.peer[3])));
	puppet_run(&p, SEC(150));
	assert_int_equal(kira_n_neighbours(p.k), 0);
	assert_int_equal(kira_n_contacts(p.k), 0);
	assert_true(p.k->pool->n < 10);
	end();
}

/* ---- claims ---- */

/* §2.10, §2.23: thousands of invented IDs near ours, told of in answers, get no place and bounded probes. */
static void claims_of_near_nodes_get_no_place(void **state)
{
	unsigned i;
	unsigned j;
	size_t before;

	begin(1);
	before = p.a.used;
	for (i = 0; i < 100; i++) {
		struct kira_id liar = an_id(1);
		size_t at;

		from_behind(0, KIRA_FIND_NODE_RSP, &liar, i);
		at = kira_wire_open(&p.b, KIRA_OBJ_RTABLE);
		for (j = 0; j < 40; j++) {
			struct kira_contact_entry e = {.id = p.id, .ssn = 3, .degree = 1};

			e.id.b[11] ^= (uint8_t)i;
			e.id.b[12] ^= (uint8_t)(j + 1);
			kira_wire_rtable(&p.b, &e, &e.id, 1);
		}
		kira_wire_close(&p.b, at);
		puppet_say(&p, 0);
	}
	assert_int_equal(kira_n_contacts(p.k), 2); /* the neighbour and the liar itself */
	assert_true(p.type_sent[KIRA_PROBE_REQ] <= 100);
	assert_true(p.a.used < before + ((size_t)1 << 20));
	puppet_run(&p, SEC(3));
	assert_int_equal(kira_n_contacts(p.k), 2);
	end();
}

/* §2.10: what is invented as travelled gets places, but displaces nobody who is as near on the wire, and no more than the
 * buckets hold. */
static void invented_sources_displace_nobody_nearer(void **state)
{
	struct kira_id honest[20];
	struct kira_params params;
	unsigned i;

	kira_params_default(&params);
	params.ssn = 1;
	params.k = 4;
	puppet_init(&p, &params, 13);
	puppet_meet(&p, 0, NULL, 0);
	puppet_meet(&p, 1, NULL, 0);
	for (i = 0; i < 4; i++) {
		honest[i] = an_id(i);
		honest[i].b[0] = p.id.b[0] ^ 0x80;
		assert_non_null(learn_behind(0, &honest[i]));
	}
	for (i = 0; i < 1500; i++) {
		struct kira_id route[4] = {an_id(100 + i), an_id(50), p.peer[1], p.id};

		if (i % 2)
			memcpy(&route[0], &p.id, 1 + i % 13);
		puppet_msg(&p, KIRA_PROBE_RSP, 0, &route[0], &p.id, 4);
		kira_wire_route(&p.b, 3, route, 4);
		puppet_say(&p, 1);
	}
	for (i = 0; i < 4; i++)
		assert_non_null(puppet_contact(&p, &honest[i]));
	assert_true(kira_n_contacts(p.k) <= 2 + 4 * KIRA_ID_BITS);
	end();
}

/* Invented sources that send through us: what is kept of their ways back is bounded. */
static void invented_users_are_bounded(void **state)
{
	static struct kira_id route[904];
	unsigned i;
	size_t j;

	begin(2);
	for (i = 0; i < 400; i++) {
		for (j = 0; j < 900; j++) {
			route[j] = an_id(7);
			route[j].b[3] = (uint8_t)j;
			route[j].b[4] = (uint8_t)(j >> 8);
			route[j].b[5] = (uint8_t)i;
			route[j].b[6] = (uint8_t)(i >> 8);
		}
		route[900] = p.peer[0];
		route[901] = p.id;
		route[902] = p.peer[1];
		puppet_msg(&p, KIRA_PROBE_REQ, 0, &route[0], &p.peer[1], i);
		kira_wire_route(&p.b, 901, route, 903);
		puppet_say(&p, 0);
	}
	assert_int_equal(p.k->users.n, 400);
	assert_true(p.k->users_hops <= USERS_HOPS);
	assert_true(p.k->users_hops > USERS_HOPS / 2);
	puppet_run(&p, SEC(80));
	assert_int_equal(p.k->users.n, 0);
	assert_int_equal(p.k->users_hops, 0);
	end();
}

/* Lists of neighbours make PathIDs, which have a cap like those set up by others. */
static void invented_lists_make_few_path_ids(void **state)
{
	static struct kira_id nb[300];
	struct kira_params params;
	unsigned i;
	unsigned j;

	kira_params_default(&params);
	params.ssn = 1;
	params.max_path_ids = 200;
	puppet_init(&p, &params, 14);
	for (i = 0; i < 4; i++) {
		for (j = 0; j < 300; j++)
			nb[j] = an_id(1000 * i + j);
		puppet_meet(&p, i, nb, 300);
	}
	assert_int_equal(p.k->pairs.n, 200);
	assert_sound();
	/* Decapsulation is always there. */
	{
		struct kira_id own = kira_path_id(KIRA_HASH_SHA1, &p.id, 1);

		assert_int_equal(kira_lookup_path(p.k, &own)->kind, KIRA_FWD_LOCAL);
	}
	end();
}

/* One message of 64 KiB with a long way back and many entries costs no more memory than its length. */
static void a_long_update_costs_little(void **state)
{
	static struct kira_id route[1003];
	struct kira_id x = an_id(3);
	struct kira_contact_entry e = {.id = x, .ssn = 9, .degree = 1};
	size_t at;
	size_t i;

	begin(1);
	assert_non_null(learn_behind(0, &x));
	for (i = 0; i < 1000; i++) {
		route[i] = an_id(20);
		route[i].b[0] = (uint8_t)i;
		route[i].b[1] = (uint8_t)(i >> 8);
	}
	route[1000] = p.peer[0];
	route[1001] = p.id;
	puppet_msg(&p, KIRA_UPDATE_ROUTE_REQ, 0, &route[0], &p.id, 1);
	kira_wire_route(&p.b, 1001, route, 1002);
	at = kira_wire_open(&p.b, KIRA_OBJ_RTABLE_UPDATE);
	for (i = 0; i < 1000; i++)
		kira_wire_update(&p.b, KIRA_CHANGE, &e, &x, 1);
	kira_wire_close(&p.b, at);
	assert_false(p.b.failed);
	puppet_say(&p, 0);
	assert_true(p.k->cap_held <= 4096);
	assert_int_equal(puppet_contact(&p, &x)->active->n, 2);
	end();
}

/* ---- failures that are none ---- */

/* §2.18, §2.23: a segment failure is the word of an end of the link; not of others, and not about our own links. */
static void a_forged_error_does_not_invalidate(void **state)
{
	struct kira_id x = an_id(1);
	struct kira_id liar = an_id(2);
	struct contact *c;

	begin(2);
	c = learn_behind(0, &x);
	puppet_run(&p, SEC(1));
	from_behind(1, KIRA_ERROR, &liar, 5);
	kira_wire_error(&p.b, KIRA_ERR_SEGMENT_FAILURE, &liar, &p.peer[0], &x);
	puppet_say(&p, 1);
	assert_int_equal(c->state, KIRA_VALID);
	from_behind(1, KIRA_ERROR, &liar, 5);
	kira_wire_error(&p.b, KIRA_ERR_SEGMENT_FAILURE, &p.peer[0], &p.peer[0], &x);
	puppet_say(&p, 1);
	assert_int_equal(c->state, KIRA_VALID);
	/* Our link to the neighbour: of that we know better. */
	puppet_msg(&p, KIRA_ERROR, 0, &p.peer[0], &p.id, 5);
	kira_wire_route(&p.b, 1, (struct kira_id[]){p.peer[0], p.id}, 2);
	kira_wire_error(&p.b, KIRA_ERR_SEGMENT_FAILURE, &p.peer[0], &p.peer[0], &p.id);
	puppet_say(&p, 0);
	assert_int_equal(c->state, KIRA_VALID);
	/* The end of the link itself is believed. */
	puppet_msg(&p, KIRA_ERROR, 0, &p.peer[0], &p.id, 5);
	kira_wire_route(&p.b, 1, (struct kira_id[]){p.peer[0], p.id}, 2);
	kira_wire_error(&p.b, KIRA_ERR_SEGMENT_FAILURE, &p.peer[0], &p.peer[0], &x);
	puppet_say(&p, 0);
	assert_int_equal(c->state, KIRA_INVALID);
	end();
}

/* §2.9, §2.23: not-via entries of third parties make us probe, at a bounded rate; those about ourselves are ignored. */
static void forged_not_via_does_not_invalidate(void **state)
{
	struct kira_id x[40];
	struct kira_id liar = an_id(200);
	size_t at;
	unsigned i;

	begin(2);
	for (i = 0; i < 40; i++) {
		x[i] = an_id(i);
		learn_behind(0, &x[i]);
	}
	puppet_run(&p, SEC(2));
	puppet_forget(&p);
	from_behind(1, KIRA_PROBE_REQ, &liar, 5);
	at = kira_wire_open(&p.b, KIRA_OBJ_NOT_VIA);
	for (i = 0; i < 40; i++)
		kira_wire_not_via(&p.b, &(struct kira_not_via_entry){.a = p.peer[0], .b = x[i]});
	kira_wire_not_via(&p.b, &(struct kira_not_via_entry){.a = p.peer[0], .b = p.id});
	kira_wire_close(&p.b, at);
	puppet_say(&p, 1);
	for (i = 0; i < 40; i++)
		if (puppet_contact(&p, &x[i]))
			assert_int_equal(puppet_contact(&p, &x[i])->state, KIRA_VALID);
	assert_in_range(p.type_sent[KIRA_PROBE_REQ], 1, 11);
	assert_int_equal(p.k->n_not_via, 0);
	assert_int_equal(kira_n_neighbours(p.k), 2);
	end();
}

/* A list of two thousand entries is read at its beginning only. */
static void a_long_not_via_list_is_cut(void **state)
{
	struct kira_id x = an_id(1);
	size_t at;
	unsigned i;

	begin(2);
	learn_behind(0, &x);
	puppet_run(&p, SEC(1));
	from_behind(1, KIRA_PROBE_REQ, &p.peer[2], 5);
	at = kira_wire_open(&p.b, KIRA_OBJ_NOT_VIA);
	for (i = 0; i < 2000; i++)
		kira_wire_not_via(&p.b, &(struct kira_not_via_entry){.a = p.peer[0], .b = x});
	kira_wire_close(&p.b, at);
	puppet_say(&p, 1);
	assert_int_equal(kira_stats(p.k)->not_via_refused, NOT_VIA_READ);
	end();
}

/* §2.16: that a contact is unreachable is the word of who had a link to it. */
static void a_forged_unreachable_is_not_believed(void **state)
{
	struct kira_id x = an_id(1);
	struct kira_id liar = an_id(2);
	struct kira_contact_entry e = {.id = x, .ssn = 9, .degree = 1};
	struct kira_id way[2] = {an_id(3), x};
	size_t at;

	begin(2);
	learn_behind(0, &x);
	puppet_run(&p, SEC(1));
	from_behind(1, KIRA_UPDATE_ROUTE_REQ, &liar, 5);
	at = kira_wire_open(&p.b, KIRA_OBJ_RTABLE_UPDATE);
	kira_wire_update(&p.b, KIRA_UNREACHABLE, &e, way, 2);
	kira_wire_close(&p.b, at);
	puppet_say(&p, 1);
	assert_int_equal(puppet_contact(&p, &x)->state, KIRA_VALID);
	end();
}

/* A flood of hearsay against paths does not keep us from looking up what our own data waits for. */
static void data_is_looked_up_during_a_flood_of_doubts(void **state)
{
	struct kira_id x = an_id(1);
	struct kira_id liar = an_id(2);
	struct kira_id want = an_id(3);
	unsigned i;

	begin(2);
	learn_behind(0, &x);
	for (i = 0; i < 50; i++) {
		puppet_run(&p, MSEC(1));
		from_behind(1, KIRA_PROBE_REQ, &liar, 5);
		put_not_via(&p.peer[0], &x);
		puppet_say(&p, 1);
		learn_behind(0, &x);
	}
	puppet_forget(&p);
	kira_want(p.k, &want, p.now);
	assert_int_equal(p.type_sent[KIRA_FIND_NODE_REQ], 1);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_answer_that_denies_its_own_path),
		cmocka_unit_test(not_via_in_an_answer_is_no_proof),
		cmocka_unit_test(a_route_in_circles_is_dropped),
		cmocka_unit_test(a_sender_that_is_not_on_the_route),
		cmocka_unit_test(a_flood_of_requests_is_cut_off),
		cmocka_unit_test(a_flood_of_set_ups_is_capped),
		cmocka_unit_test(the_rate_of_set_ups_is_limited),
		cmocka_unit_test(hellos_of_invented_neighbours),
		cmocka_unit_test(handshakes_of_invented_neighbours),
		cmocka_unit_test(claims_of_near_nodes_get_no_place),
		cmocka_unit_test(invented_sources_displace_nobody_nearer),
		cmocka_unit_test(invented_users_are_bounded),
		cmocka_unit_test(invented_lists_make_few_path_ids),
		cmocka_unit_test(a_long_update_costs_little),
		cmocka_unit_test(a_forged_error_does_not_invalidate),
		cmocka_unit_test(forged_not_via_does_not_invalidate),
		cmocka_unit_test(a_long_not_via_list_is_cut),
		cmocka_unit_test(a_forged_unreachable_is_not_believed),
		cmocka_unit_test(data_is_looked_up_during_a_flood_of_doubts),
	};

	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
