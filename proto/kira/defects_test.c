/* SPDX-License-Identifier: BSD-2-Clause */
/* What the reference gets wrong (spec §2.25) and the traps of spec §8 that concern the core: one
 * test for each. */
#include "proto/kira/puppet.h"
#include "proto/kira/testnet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct puppet p;
static struct testnet t;

static const uint8_t types[] = {
	KIRA_ULN_HELLO,	     KIRA_ULN_DISC_REQ,	     KIRA_ULN_DISC_RSP,	   KIRA_FIND_NODE_REQ,
	KIRA_FIND_NODE_RSP,  KIRA_QUERY_ROUTE_REQ,   KIRA_QUERY_ROUTE_RSP, KIRA_UPDATE_ROUTE_REQ,
	KIRA_PROBE_REQ,	     KIRA_PROBE_RSP,	     KIRA_ERROR,	   KIRA_PATH_SETUP_REQ,
	KIRA_PATH_SETUP_RSP, KIRA_PATH_TEARDOWN_REQ, KIRA_STORE_REQ,	   KIRA_STORE_RSP,
	KIRA_FETCH_REQ,	     KIRA_FETCH_RSP,
};

static struct kira_id an_id(unsigned n)
{
	struct kira_id id;
	struct rng r;

	rng_seed(&r, 5000 + n);
	rng_bytes(&r, &id, sizeof(id));
	return id;
}

static void begin(unsigned n)
{
	unsigned i;

	puppet_init(&p, NULL, 21);
	for (i = 0; i < n; i++)
		puppet_meet(&p, i, NULL, 0);
	puppet_run(&p, MSEC(10));
}

static void assert_sound(void)
{
	const char *what = core_broken(p.k);

	if (what)
		print_error("%s\n", what);
	assert_null(what);
}

static void end(void)
{
	assert_sound();
	assert_int_equal(puppet_free(&p), 0);
}

/* Time passes, and the first n puppets say a word of theirs each second. */
static void stay(unsigned n, unsigned seconds)
{
	unsigned i;

	while (seconds-- > 0) {
		puppet_run(&p, SEC(1));
		for (i = 0; i < n; i++)
			puppet_list(&p, i, 5, NULL, 0);
	}
}

static void set_ssn(uint32_t ssn)
{
	buf_patch_u16(&p.b, 49, (uint16_t)(ssn >> 16));
	buf_patch_u16(&p.b, 51, (uint16_t)ssn);
}

/* A message of route[0] that arrives from puppet i, which is the hop before us at `index`. */
static void along(uint8_t type, uint64_t msg_id, uint16_t index, const struct kira_id *route,
		  size_t n)
{
	puppet_msg(&p, type, type == KIRA_PROBE_REQ ? KIRA_FLAG_EXACT : 0, &route[0], &route[n - 1],
		   msg_id);
	kira_wire_route(&p.b, index, route, n);
}

static uint64_t drops(enum kira_drop d)
{
	return kira_stats(p.k)->drop[d];
}

/* ---- §2.25: what makes the reference panic ---- */

/* The objects that the type must have (spec §2.7). */
static void required(uint8_t type)
{
	static const uint8_t value[KIRA_ID_BYTES + 2] = {0};
	static const size_t size[4] = {KIRA_ID_BYTES + 2, 1, KIRA_ID_BYTES, 3};
	struct kira_contact_entry e = {.id = an_id(50), .ssn = 4, .degree = 1};
	size_t at;

	if (type == KIRA_FIND_NODE_REQ)
		kira_wire_rtable_req(&p.b, KIRA_RT_OVERLAY, 20);
	else if (type == KIRA_QUERY_ROUTE_REQ)
		kira_wire_rtable_req(&p.b, KIRA_RT_VICINITY, 20);
	else if (type == KIRA_ERROR)
		kira_wire_error(&p.b, KIRA_ERR_DEAD_END, &p.id, &p.id, &p.id);
	if (type == KIRA_UPDATE_ROUTE_REQ) {
		at = kira_wire_open(&p.b, KIRA_OBJ_RTABLE_UPDATE);
		kira_wire_update(&p.b, KIRA_CHANGE, &e, &e.id, 1);
		kira_wire_close(&p.b, at);
	}
	if (type < KIRA_STORE_REQ || type > KIRA_FETCH_RSP)
		return;
	at = kira_wire_open(&p.b, (uint8_t)(KIRA_OBJ_STORE_REQ + type - KIRA_STORE_REQ));
	buf_bytes(&p.b, value, size[type - KIRA_STORE_REQ]);
	kira_wire_close(&p.b, at);
}

/* Every type, with RESET as its number, of a neighbour and of a node behind it. */
static void ssn_reset(void **state)
{
	unsigned i;

	begin(2);
	for (i = 0; i < sizeof(types); i++) {
		struct kira_id behind = an_id(i);
		const struct kira_id far[3] = {behind, p.peer[0], p.id};
		const struct kira_id near[2] = {p.peer[1], p.id};

		along(types[i], 1, 2, far, 3);
		required(types[i]);
		set_ssn(KIRA_SSN_RESET);
		puppet_say(&p, 0);
		assert_sound();
		along(types[i], 1, 1, near, 2);
		required(types[i]);
		set_ssn(KIRA_SSN_RESET);
		puppet_say(&p, 1);
		assert_sound();
		/* They were well formed, so they got as far as their meaning. */
		if (kira_stats(p.k)->rx_type[types[i]] < 2)
			fail_msg("%s", kira_msg_name(types[i]));
	}
	end();
}

/* The source of a RESET starts anew: smaller numbers than the last are news again. */
static void reset_forgets_the_number(void **state)
{
	struct kira_id x = an_id(1);
	struct kira_id route[3] = {x};

	begin(1);
	route[1] = p.peer[0];
	route[2] = p.id;
	along(KIRA_PROBE_REQ, 1, 2, route, 3);
	set_ssn(90000);
	puppet_say(&p, 0);
	assert_int_equal(puppet_contact(&p, &x)->ssn, 90000);
	along(KIRA_PROBE_REQ, 2, 2, route, 3);
	set_ssn(KIRA_SSN_RESET);
	puppet_say(&p, 0);
	assert_int_equal(puppet_contact(&p, &x)->ssn, 1);
	along(KIRA_PROBE_REQ, 3, 2, route, 3);
	set_ssn(2);
	puppet_say(&p, 0);
	assert_int_equal(puppet_contact(&p, &x)->ssn, 2);
	end();
}

/* A neighbour that says RESET is asked for its list again, and its small number is in step then. */
static void reset_of_a_neighbour(void **state)
{
	struct kira_addr from;
	struct kira_msg m;
	unsigned i = 0;

	puppet_init(&p, NULL, 21);
	while (i < PUPPETS - 1 && !kira_answers_hello(&p.id, &p.peer[i]))
		i++;
	assert_true(kira_answers_hello(&p.id, &p.peer[i]));
	from = puppet_addr(i);
	kira_link_up(p.k, i + 1, 1500, p.now);
	puppet_disc(&p, i + 1, &from, &p.peer[i], 90000, NULL, 0);
	puppet_forget(&p);
	puppet_msg(&p, KIRA_ULN_HELLO, 0, &p.peer[i], &kira_id_all_nodes, 1);
	set_ssn(KIRA_SSN_RESET);
	puppet_say(&p, i);
	assert_true(puppet_heard(&p, KIRA_ULN_DISC_REQ, i + 1, &m));
	puppet_list(&p, i, 3, NULL, 0);
	assert_int_equal(puppet_contact(&p, &p.peer[i])->ssn, 3);
	assert_int_equal(vic_find(p.k, puppet_contact(&p, &p.peer[i])->id)->synched, 3);
	assert_int_equal(kira_n_neighbours(p.k), 1);
	end();
}

static void contact_that_is_not_the_last_hop(void **state)
{
	struct kira_contact_entry e = {.id = an_id(1), .ssn = 4, .degree = 1};
	struct kira_id liar = an_id(3);
	const uint8_t type[] = {KIRA_FIND_NODE_RSP, KIRA_QUERY_ROUTE_RSP, KIRA_UPDATE_ROUTE_REQ};
	unsigned i;

	begin(1);
	for (i = 0; i < 3; i++) {
		const struct kira_id route[3] = {liar, p.peer[0], p.id};
		bool update = type[i] == KIRA_UPDATE_ROUTE_REQ;
		size_t at;

		along(type[i], 1, 2, route, 3);
		at = kira_wire_open(&p.b, update ? KIRA_OBJ_RTABLE_UPDATE : KIRA_OBJ_RTABLE);
		if (update)
			kira_wire_update(&p.b, KIRA_ANNOUNCE, &e, &e.id, 1);
		else
			kira_wire_rtable(&p.b, &e, &e.id, 1);
		kira_wire_close(&p.b, at);
		/* The entry: contact, number of hops, one hop, state and perhaps the action. */
		p.b.p[p.b.n - 40 - update] ^= 1;
		puppet_say(&p, 0);
		assert_int_equal(drops(KIRA_DROP_ENTRY), i + 1);
	}
	assert_null(puppet_contact(&p, &liar));
	assert_int_equal(kira_n_contacts(p.k), 1);
	end();
}

static void invalid_ssn_in_a_hello(void **state)
{
	struct kira_id x = an_id(1);

	begin(1);
	puppet_forget(&p);
	puppet_msg(&p, KIRA_ULN_HELLO, 0, &x, &kira_id_all_nodes, 1);
	set_ssn(KIRA_SSN_INVALID);
	puppet_say(&p, 2);
	assert_int_equal(drops(KIRA_DROP_ENTRY), 1);
	assert_int_equal(p.n_sent, 0);
	end();
}

/* Any type and flags in a header without objects, from a neighbour and from a stranger, with each
 * special number. */
static void header_alone(void **state)
{
	static const uint32_t ssn[] = {KIRA_SSN_INVALID, 1, KIRA_SSN_RESET - 1, KIRA_SSN_RESET};
	struct kira_id x = an_id(1);
	struct kira_addr stranger = puppet_addr(6);
	unsigned type;
	unsigned i;

	begin(1);
	for (type = 0; type < 256; type++) {
		for (i = 0; i < 8; i++) {
			puppet_msg(&p, (uint8_t)type, (uint8_t)(type * 37 + i),
				   i & 1 ? &x : &p.peer[0], i & 1 ? &kira_id_all_nodes : &p.id,
				   type);
			set_ssn(ssn[i / 2]);
			assert_int_equal(p.b.n, KIRA_HEADER_BYTES);
			if (i & 1)
				puppet_say_from(&p, 1, &stranger);
			else
				puppet_say(&p, 0);
			assert_sound();
		}
	}
	puppet_run(&p, SEC(1));
	assert_int_equal(kira_stats(p.k)->rx_msgs, 256 * 8 + 1);
	end();
}

/* ---- §2.25: the parsers' other defects ---- */

static bool probed(const struct kira_id *first, const struct kira_id *last)
{
	size_t i;

	for (i = 0; i < p.n_sent && i < PUPPET_SENT; i++) {
		struct kira_id a;
		struct kira_id b;
		struct kira_msg m;

		if (p.sent[i].bytes[1] != KIRA_PROBE_REQ ||
		    kira_wire_decode(&m, slice_of(p.sent[i].bytes, p.sent[i].n)))
			continue;
		a = kira_hop(m.route, 1);
		b = kira_hop(m.route, m.n_hops - 1u);
		if (m.n_hops == 3 && kira_id_eq(&a, first) && kira_id_eq(&b, last))
			return true;
	}
	return false;
}

/* The path of each entry counts, and so do all entries after one that matched or did not. */
static void update_keeps_paths_and_all_entries(void **state)
{
	struct kira_id x[4] = {an_id(1), an_id(2), an_id(3), an_id(4)};
	struct kira_id between = an_id(9);
	size_t at;
	unsigned i;

	begin(2);
	for (i = 1; i < 4; i++) {
		const struct kira_id route[4] = {x[i], between, p.peer[0], p.id};

		along(KIRA_PROBE_REQ, i, 3, route, 4);
		puppet_say(&p, 0);
		assert_int_equal(puppet_contact(&p, &x[i])->active->n, 3);
	}
	puppet_forget(&p);
	along(KIRA_UPDATE_ROUTE_REQ, 9, 1, (struct kira_id[]){p.peer[1], p.id}, 2);
	at = kira_wire_open(&p.b, KIRA_OBJ_RTABLE_UPDATE);
	for (i = 0; i < 4; i++) {
		struct kira_contact_entry e = {.id = x[i], .ssn = 6, .degree = 1};

		kira_wire_update(&p.b, i % 2 ? KIRA_CHANGE : KIRA_ANNOUNCE, &e, &x[i], 1);
	}
	kira_wire_close(&p.b, at);
	puppet_say(&p, 1);
	/* The first is no contact of ours, so it is none of our business. */
	assert_false(probed(&p.peer[1], &x[0]));
	for (i = 1; i < 4; i++)
		assert_true(probed(&p.peer[1], &x[i]));
	end();
}

static void say_along(uint8_t type, const struct kira_id *route, size_t n, uint16_t index)
{
	along(type, 3, index, route, n);
	puppet_say(&p, 0);
}

/* PathSetupRsp is reserved, and types of the future may be in transit. */
static void types_that_nobody_sends(void **state)
{
	begin(2);
	say_along(KIRA_PATH_SETUP_RSP, (struct kira_id[]){p.peer[0], p.id}, 2, 1);
	say_along(0x7f, (struct kira_id[]){p.peer[0], p.id}, 2, 1);
	assert_int_equal(drops(KIRA_DROP_TYPE), 2);
	say_along(0x7f, (struct kira_id[]){p.peer[0], p.id, p.peer[1]}, 3, 1);
	assert_int_equal(p.type_sent[0x7f], 1);
	assert_int_equal(kira_stats(p.k)->forwarded, 1);
	end();
}

/* What the radius of a QueryRouteReq means is open: any is answered alike. */
static void query_of_any_radius(void **state)
{
	const uint8_t radius[] = {0, 1, 3, 255};
	struct kira_msg m;
	unsigned i;

	begin(2);
	for (i = 0; i < 4; i++) {
		along(KIRA_QUERY_ROUTE_REQ, 7 + i, 1, (struct kira_id[]){p.peer[0], p.id}, 2);
		kira_wire_rtable_req(&p.b, KIRA_RT_VICINITY, radius[i]);
		puppet_say(&p, 0);
		assert_true(puppet_heard(&p, KIRA_QUERY_ROUTE_RSP, 1, &m));
		assert_int_equal(m.msg_id, 7 + i);
	}
	end();
}

/* Its first wait is 250 milliseconds, not microseconds, and doubles (spec §2.13). */
static void look_ups_are_repeated_in_milliseconds(void **state)
{
	usec_t at[6];
	unsigned n = 0;
	usec_t ends;

	begin(1);
	ends = p.now + SEC(4);
	puppet_forget(&p);
	while (n < 4 && kira_next(p.k) < ends) {
		struct kira_msg m;

		puppet_run(&p, kira_next(p.k) - p.now);
		if (puppet_heard(&p, KIRA_FIND_NODE_REQ, 0, &m) && kira_id_eq(&m.dest, &p.id))
			at[n++] = p.now;
		puppet_forget(&p);
	}
	assert_int_equal(n, 4);
	assert_int_equal(at[1] - at[0], MSEC(250));
	assert_int_equal(at[2] - at[1], MSEC(500));
	assert_int_equal(at[3] - at[2], SEC(1));
	end();
}

/* A generated NodeID of all zeros or ones is nobody's (spec §2.1). */
static void reserved_ids_are_nobodys(void **state)
{
	const struct kira_id *const id[2] = {&kira_id_undefined, &kira_id_all_nodes};
	const struct kira_env env = {0};
	const uint8_t secret[32] = {0};
	struct kira_params params;
	struct alloc a;
	struct rng rng;
	unsigned i;

	alloc_init(&a, 0);
	rng_seed(&rng, 1);
	begin(1);
	for (i = 0; i < 2; i++) {
		const struct kira_id route[3] = {*id[i], p.peer[0], p.id};

		kira_params_default(&params);
		params.id = *id[i];
		assert_null(kira_new(&params, &env, &rng, secret, &a, NULL, 0));
		assert_int_equal(a.used, 0);
		along(KIRA_PROBE_REQ, 1, 2, route, 3);
		puppet_say(&p, 0);
		assert_int_equal(drops(KIRA_DROP_SOURCE), i + 1);
		puppet_disc(&p, 1, &(struct kira_addr){{0xfe, 0x80, [15] = 99}}, &p.peer[3], 5,
			    id[i], 1);
		assert_int_equal(drops(KIRA_DROP_ENTRY), i + 1);
		assert_int_equal(kira_trace(p.k, id[i], p.now), -EINVAL);
		puppet_forget(&p);
		kira_want(p.k, id[i], p.now);
		assert_int_equal(p.n_sent, 0);
	}
	end();
}

/* ---- §8: the traps ---- */

static void net_end(void)
{
	testnet_free(&t);
	assert_int_equal(t.a.used, 0);
}

struct query {
	struct kira_id id;
	struct kira_id a;
	struct kira_id b;
	bool found;
	bool valid;
	size_t n;
};

static bool on_contact(void *ctx, const struct kira_contact_info *c)
{
	struct query *q = ctx;

	if (!kira_id_eq(&c->id, &q->id))
		return true;
	q->found = true;
	q->valid = c->state == KIRA_VALID;
	q->n = c->n_path;
	return false;
}

static struct query contact_of(unsigned at, unsigned of)
{
	struct query q = {.id = t.node[of].id};

	kira_each_contact(t.node[at].k, on_contact, &q);
	return q;
}

static bool on_use(void *ctx, const struct kira_contact_info *c)
{
	struct query *q = ctx;
	const struct kira_id *prev = &q->id;
	size_t i;

	for (i = 0; c->state == KIRA_VALID && i < c->n_path; prev = &c->path[i++])
		q->found |= (kira_id_eq(prev, &q->a) && kira_id_eq(&c->path[i], &q->b)) ||
			    (kira_id_eq(prev, &q->b) && kira_id_eq(&c->path[i], &q->a));
	return !q->found;
}

/* Is there a node with a valid contact by link a–b? */
static bool used(unsigned a, unsigned b)
{
	unsigned i;

	for (i = 0; i < t.n; i++) {
		struct query q = {.id = t.node[i].id, .a = t.node[a].id, .b = t.node[b].id};

		kira_each_contact(t.node[i].k, on_use, &q);
		if (q.found)
			return true;
	}
	return false;
}

/* Not-via entries of the first failure must not outlive the repair, nor the repair hide the second
 * failure. */
static void quick_fail_repair_fail(void **state)
{
	unsigned round;

	testnet_grid(&t, 4, 4, 31);
	testnet_run(&t, SEC(20));
	assert_int_equal(testnet_missing(&t), 0);
	assert_true(used(5, 6));
	for (round = 0; round < 3; round++) {
		testnet_cut(&t, 5, 6);
		assert_int_equal(testnet_missing(&t), 0);
		testnet_run(&t, t.now + MSEC(100 + 300 * round));
		testnet_link(&t, 5, 6);
		testnet_run(&t, t.now + MSEC(100 + 200 * round));
		assert_int_equal(contact_of(5, 6).n, 1);
		assert_true(contact_of(5, 6).valid);
	}
	testnet_cut(&t, 5, 6);
	assert_int_equal(testnet_missing(&t), 0);
	testnet_run(&t, t.now + SEC(5));
	assert_false(used(5, 6));
	assert_int_equal(testnet_missing(&t), 0);
	testnet_link(&t, 5, 6);
	testnet_run(&t, t.now + SEC(20));
	assert_true(used(5, 6));
	assert_int_equal(testnet_missing(&t), 0);
	net_end();
}

/* The Error goes back as the message came, whatever it would have passed: at each place of its
 * route. */
static void errors_take_the_travelled_path(void **state)
{
	struct kira_id route[12];
	uint16_t index;
	unsigned i;

	begin(1);
	for (index = 1; index < 10; index++) {
		struct kira_id got;
		struct kira_msg m;

		for (i = 0; i < 12; i++)
			route[i] = an_id(100 + i);
		route[index - 1] = p.peer[0];
		route[index] = p.id;
		along(KIRA_PROBE_REQ, 500 + index, index, route, 12);
		puppet_say(&p, 0);
		assert_true(puppet_heard(&p, KIRA_ERROR, 1, &m));
		assert_int_equal(m.msg_id, 500 + index);
		assert_int_equal(m.error, KIRA_ERR_SEGMENT_FAILURE);
		assert_true(kira_id_eq(&m.dest, &route[0]));
		assert_true(kira_id_eq(&m.reporter, &p.id));
		assert_true(kira_id_eq(&m.link_a, &p.id) || kira_id_eq(&m.link_b, &p.id));
		assert_true(kira_id_eq(&m.link_a, &route[index + 1]) ||
			    kira_id_eq(&m.link_b, &route[index + 1]));
		assert_int_equal(m.index, 1);
		assert_int_equal(m.n_hops, index + 1);
		for (i = 0; i <= index; i++) {
			got = kira_hop(m.route, i);
			assert_memory_equal(&got, &route[index - i], sizeof(got));
		}
		puppet_forget(&p);
	}
	end();
}

/* And it arrives: a break at each hop of a long path is known to its user soon. */
static void errors_reach_the_originator(void **state)
{
	unsigned at;

	for (at = 1; at < 7; at++) {
		uint64_t errors;

		testnet_grid(&t, 8, 1, 32);
		testnet_run(&t, SEC(30));
		assert_int_equal(contact_of(0, 7).n, 7);
		assert_true(contact_of(0, 7).valid);
		errors = kira_stats(t.node[0].k)->rx_type[KIRA_ERROR];
		testnet_cut(&t, at, at + 1);
		testnet_run(&t, t.now + MSEC(100));
		assert_true(kira_stats(t.node[0].k)->rx_type[KIRA_ERROR] > errors);
		assert_false(contact_of(0, 7).valid);
		/* The rest of the line is as it was. */
		if (at >= 2)
			assert_true(contact_of(0, at).valid);
		net_end();
	}
}

/* A teardown by one source leaves the entry to the other; it goes when nobody refreshes it. */
static void teardown_of_a_shared_suffix(void **state)
{
	struct kira_id one[6] = {an_id(3), [4] = an_id(1), [5] = an_id(2)};
	struct kira_id two[6];
	struct kira_id label;

	begin(3);
	one[1] = p.peer[0];
	one[2] = p.id;
	one[3] = p.peer[1];
	memcpy(two, one, sizeof(two));
	two[0] = an_id(4);
	two[1] = p.peer[2];
	label = kira_path_id(KIRA_HASH_SHA1, one + 2, 4);
	along(KIRA_PATH_SETUP_REQ, 1, 2, one, 6);
	puppet_say(&p, 0);
	along(KIRA_PATH_SETUP_REQ, 2, 2, two, 6);
	puppet_say(&p, 2);
	assert_non_null(kira_lookup_path(p.k, &label));
	along(KIRA_PATH_TEARDOWN_REQ, 3, 2, one, 6);
	puppet_say(&p, 0);
	assert_non_null(kira_lookup_path(p.k, &label));
	stay(3, 40);
	along(KIRA_PROBE_REQ, 4, 2, two, 6);
	puppet_say(&p, 2);
	stay(3, 50);
	assert_non_null(kira_lookup_path(p.k, &label));
	stay(3, 30);
	assert_null(kira_lookup_path(p.k, &label));
	end();
}

/* Two sources with a suffix in common, one leaves: the packets of the other arrive all the time. */
static void a_source_leaves_a_shared_suffix(void **state)
{
	unsigned i;

	testnet_init(&t, 8, 33, NULL, NULL);
	for (i = 2; i < 7; i++)
		testnet_link(&t, i, i + 1);
	testnet_link(&t, 0, 2);
	testnet_link(&t, 1, 2);
	testnet_run(&t, SEC(40));
	assert_int_equal(testnet_missing(&t), 0);
	testnet_cut(&t, 0, 2);
	for (i = 0; i < 100; i++) {
		assert_int_equal(testnet_walk(&t, 1, 7), 6 + 1);
		testnet_run(&t, t.now + SEC(1));
	}
	net_end();
}

/* Hearsay with an old number does not even make us probe against a path that was proved. */
static void old_words_against_a_proved_path(void **state)
{
	struct kira_id x = an_id(1);
	struct kira_id liar = an_id(2);
	struct kira_contact_entry e = {.id = x, .ssn = 4, .degree = 1};
	unsigned ssn;

	begin(2);
	along(KIRA_PROBE_REQ, 1, 4, (struct kira_id[]){x, an_id(3), an_id(4), p.peer[0], p.id}, 5);
	set_ssn(9);
	puppet_say(&p, 0);
	for (ssn = 4; ssn <= 9; ssn += 5) {
		size_t at;

		puppet_forget(&p);
		along(KIRA_FIND_NODE_RSP, 1, 2, (struct kira_id[]){liar, p.peer[1], p.id}, 3);
		e.ssn = ssn;
		at = kira_wire_open(&p.b, KIRA_OBJ_RTABLE);
		kira_wire_rtable(&p.b, &e, &x, 1);
		kira_wire_close(&p.b, at);
		puppet_say(&p, 1);
		/* One as new as ours is worth a probe. */
		assert_int_equal(p.type_sent[KIRA_PROBE_REQ], ssn == 9);
		assert_int_equal(puppet_contact(&p, &x)->active->n, 4);
		assert_int_equal(puppet_contact(&p, &x)->ssn, 9);
	}
	end();
}

#define STORM_SLOTS 40000
static unsigned storm[STORM_SLOTS];

static bool count_frames(struct testnet *net, unsigned from, unsigned to, struct slice frame)
{
	size_t ms = (size_t)(net->now / MSEC(1));

	if (frame.p[1] == KIRA_ULN_HELLO && ms < STORM_SLOTS)
		storm[ms]++;
	return true;
}

/* Sixty nodes that start at the same instant do not keep step: hellos of the same round are spread
 * out. */
static void no_storms_after_a_common_start(void **state)
{
	unsigned most = 0;
	unsigned i;

	memset(storm, 0, sizeof(storm));
	testnet_init(&t, 60, 34, NULL, NULL);
	t.tap = count_frames;
	for (i = 0; i < 60; i++)
		testnet_link(&t, i, (i + 1) % 60);
	testnet_run(&t, SEC(40));
	/* The first hellos are said at once, two links a node. */
	assert_int_equal(storm[0], 120);
	for (i = 1000; i < STORM_SLOTS; i++)
		most = storm[i] > most ? storm[i] : most;
	assert_in_range(most, 1, 10);
	net_end();
}

#define NAMED(name, f) {name, f, NULL, NULL, NULL}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAMED("2.25 every type with SSN RESET", ssn_reset),
		NAMED("2.25, 2.8 RESET forgets the number", reset_forgets_the_number),
		NAMED("2.25, 2.12 RESET of a neighbour", reset_of_a_neighbour),
		NAMED("2.25, 2.7 contact that is not the last hop",
		      contact_that_is_not_the_last_hop),
		NAMED("2.25, 2.7 invalid SSN in a hello", invalid_ssn_in_a_hello),
		NAMED("2.25 any header alone", header_alone),
		NAMED("2.25, 2.16 an update keeps paths and all entries",
		      update_keeps_paths_and_all_entries),
		NAMED("2.25 types that nobody sends", types_that_nobody_sends),
		NAMED("2.25 QueryRouteReq of any radius", query_of_any_radius),
		NAMED("2.25, 2.19 teardown of a shared suffix", teardown_of_a_shared_suffix),
		NAMED("2.13 look-ups are repeated in milliseconds",
		      look_ups_are_repeated_in_milliseconds),
		NAMED("2.1 reserved IDs are nobody's", reserved_ids_are_nobodys),
		NAMED("8 quick fail, repair, fail of one link", quick_fail_repair_fail),
		NAMED("8, 2.11 Errors take the travelled path", errors_take_the_travelled_path),
		NAMED("8, 2.18 Errors from every hop reach the originator",
		      errors_reach_the_originator),
		NAMED("8, 2.19 a source leaves a shared suffix", a_source_leaves_a_shared_suffix),
		NAMED("8, 2.10 old words against a proved path", old_words_against_a_proved_path),
		NAMED("8 no storms after a common start", no_storms_after_a_common_start),
	};

	return cmocka_run_group_tests_name("defects", tests, NULL, NULL);
}
