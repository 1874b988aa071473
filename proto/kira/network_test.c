/* SPDX-License-Identifier: BSD-2-Clause */
/* Small networks of cores: discovery, change, failure and repair (spec §2.8, §2.12 to §2.18). Time is virtual. */
#include "proto/kira/core.h"
#include "proto/kira/puppet.h"
#include "proto/kira/testnet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct testnet t;

static void end(void)
{
	unsigned i;

	for (i = 0; i < t.n; i++) {
		const char *what = core_broken(t.node[i].k);

		if (what)
			print_error("node %u: %s\n", i, what);
		assert_null(what);
	}
	testnet_free(&t);
	assert_int_equal(t.a.used, 0);
}

static void run(usec_t d)
{
	testnet_run(&t, t.now + d);
}

static void line(unsigned from, unsigned to)
{
	for (; from < to; from++)
		testnet_link(&t, from, from + 1);
}

/* A grid of side × side nodes from node `first` on. */
static void grid(unsigned first, unsigned side)
{
	unsigned i;

	for (i = 0; i < side * side; i++) {
		if (i % side + 1 < side)
			testnet_link(&t, first + i, first + i + 1);
		if (i / side + 1 < side)
			testnet_link(&t, first + i, first + i + side);
	}
}

/* Runs until every pair that is asked for is reachable, at most d; returns how long that took, -1: it did not happen. */
static usec_t until_whole(usec_t d)
{
	usec_t began = t.now;

	while (t.now < began + d) {
		run(MSEC(50));
		if (testnet_missing(&t) == 0)
			return t.now - began;
	}
	return -1;
}

static uint64_t sent(uint8_t type)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < t.n; i++)
		n += kira_stats(t.node[i].k)->tx_type[type];
	return n;
}

static const struct vnode *vnode(unsigned at, unsigned of)
{
	nid_t h = pool_find(t.node[at].k->pool, &t.node[of].id);

	return h ? vic_find(t.node[at].k, h) : NULL;
}

static bool knows_link(unsigned at, unsigned a, unsigned b)
{
	const struct vnode *v = vnode(at, a);
	nid_t h = pool_find(t.node[at].k->pool, &t.node[b].id);

	return v && h && path_has(v->nb, v->n_nb, h);
}

/* ---- discovery ---- */

static unsigned first_to_ask;

static bool see_first_ask(struct testnet *net, unsigned from, unsigned to, struct slice frame)
{
	if (frame.p[1] == KIRA_ULN_DISC_REQ && first_to_ask == UINT32_MAX)
		first_to_ask = from;
	return true;
}

/* §2.12: the handshake is begun by the one that the heuristic names, for every pair. */
static void the_heuristic_says_who_asks(void **state)
{
	unsigned seed;

	for (seed = 0; seed < 30; seed++) {
		testnet_init(&t, 2, seed, NULL, NULL);
		t.tap = see_first_ask;
		first_to_ask = UINT32_MAX;
		testnet_link(&t, 0, 1);
		run(SEC(1));
		assert_int_equal(first_to_ask, kira_answers_hello(&t.node[0].id, &t.node[1].id) ? 0 : 1);
		assert_int_equal(kira_n_neighbours(t.node[0].k), 1);
		assert_int_equal(kira_n_neighbours(t.node[1].k), 1);
		end();
	}
}

/* §2.12: hellos at once, then at doubling intervals from 200 ms to 30 s, each times U[0.5, 1.5]. */
static void hello_intervals_double_to_their_limit(void **state)
{
	static struct puppet p;
	usec_t interval = MSEC(200);
	size_t seen = 1;
	usec_t last;

	puppet_init(&p, NULL, 3);
	assert_int_equal(p.type_sent[KIRA_ULN_HELLO], 0);
	kira_link_up(p.k, 1, 1500, p.now);
	assert_int_equal(p.type_sent[KIRA_ULN_HELLO], 1);
	last = p.now;
	while (seen < 14) {
		puppet_run(&p, MSEC(1));
		if (p.type_sent[KIRA_ULN_HELLO] == seen)
			continue;
		assert_int_equal(p.type_sent[KIRA_ULN_HELLO], ++seen);
		assert_in_range(p.now - last, interval / 2 - 1000, interval * 3 / 2 + 1000);
		last = p.now;
		interval = interval * 2 < SEC(30) ? interval * 2 : SEC(30);
	}
	assert_int_equal(interval, SEC(30));
	assert_int_equal(puppet_free(&p), 0);
}

/* §2.12: all lists within two hops are in step within a second of a change. */
static void lists_are_in_step_within_a_second(void **state)
{
	testnet_init(&t, 8, 4, NULL, NULL);
	line(0, 3);
	line(4, 7);
	run(SEC(20));
	testnet_link(&t, 2, 5);
	run(SEC(1));
	/* 1 is next to 2, 0 two hops from it: both know the new link, and so do those on the other side. */
	assert_true(knows_link(1, 2, 5));
	assert_true(knows_link(0, 2, 5));
	assert_true(knows_link(4, 2, 5));
	assert_true(knows_link(7, 5, 2));
	testnet_cut(&t, 2, 5);
	run(SEC(1));
	assert_false(knows_link(1, 2, 5));
	assert_false(knows_link(0, 2, 5));
	end();
}

/* §2.8: every change of our neighbours has a new number; a shell is told each. */
static void each_change_of_neighbours_has_its_number(void **state)
{
	uint32_t ssn;

	testnet_init(&t, 4, 5, NULL, NULL);
	ssn = kira_ssn(t.node[0].k);
	testnet_link(&t, 0, 1);
	run(SEC(1));
	assert_int_equal(kira_ssn(t.node[0].k), ssn + 1);
	testnet_link(&t, 0, 2);
	run(SEC(1));
	assert_int_equal(kira_ssn(t.node[0].k), ssn + 2);
	testnet_link(&t, 1, 3); /* not ours */
	run(SEC(1));
	assert_int_equal(kira_ssn(t.node[0].k), ssn + 2);
	testnet_cut(&t, 0, 1);
	run(SEC(1));
	assert_int_equal(kira_ssn(t.node[0].k), ssn + 3);
	assert_int_equal(t.node[0].ssn, ssn + 3);
	end();
}

static unsigned resets;

static bool see_reset(struct testnet *net, unsigned from, unsigned to, struct slice frame)
{
	static const uint8_t reset[4] = {0xff, 0xff, 0xff, 0xff};

	resets += frame.p[1] == KIRA_ULN_HELLO && memcmp(frame.p + 49, reset, 4) == 0;
	return true;
}

/* §2.8, §2.25: at the end of its numbers a node says RESET and starts from 1; the others follow. */
static void numbers_that_overflow_reset(void **state)
{
	struct kira_params params;

	kira_params_default(&params);
	params.ssn = 1;
	testnet_init(&t, 4, 6, &params, NULL);
	line(0, 2);
	run(SEC(10));
	params.ssn = 0xfffffffd;
	testnet_cut(&t, 0, 1);
	testnet_restart(&t, 0, 1, &params);
	assert_int_equal(kira_ssn(t.node[0].k), 0xfffffffe);
	t.tap = see_reset;
	resets = 0;
	testnet_link(&t, 0, 1);
	run(SEC(2));
	assert_int_equal(kira_ssn(t.node[0].k), 1);
	assert_true(resets > 0);
	testnet_link(&t, 0, 3);
	run(SEC(6));
	assert_int_equal(kira_ssn(t.node[0].k), 2);
	assert_int_equal(testnet_missing(&t), 0);
	/* The neighbour and its neighbour hold the list of number 2. */
	assert_int_equal(vnode(1, 0)->synched, 2);
	assert_int_equal(vnode(2, 0)->synched, 2);
	assert_true(knows_link(2, 0, 3));
	resets = 0;
	run(SEC(60));
	assert_int_equal(resets, 0);
	end();
}

/* §2.8, §2.25: a node that lost its number starts with RESET, and what it says is believed again. */
static void a_restart_without_a_number_is_accepted(void **state)
{
	struct kira_params params;
	unsigned i;

	testnet_init(&t, 6, 7, NULL, NULL);
	line(0, 4);
	run(SEC(2));
	/* Give node 2 a higher number than it will have. */
	for (i = 0; i < 5; i++) {
		testnet_link(&t, 2, 5);
		run(SEC(1));
		testnet_cut(&t, 2, 5);
		run(SEC(1));
	}
	assert_true(kira_ssn(t.node[2].k) > 8);
	testnet_cut(&t, 1, 2);
	testnet_cut(&t, 2, 3);
	kira_params_default(&params); /* no number */
	testnet_restart(&t, 2, 1, &params);
	t.tap = see_reset;
	resets = 0;
	testnet_link(&t, 1, 2);
	testnet_link(&t, 2, 3);
	testnet_link(&t, 4, 5);
	assert_true(until_whole(SEC(10)) >= 0);
	assert_true(resets > 0);
	run(SEC(2));
	assert_int_equal(vnode(1, 2)->synched, kira_ssn(t.node[2].k));
	assert_int_equal(vnode(0, 2)->synched, kira_ssn(t.node[2].k));
	end();
}

/* §2.12, §2.22: what is of another domain is dropped, from the hello on. */
static void another_domain_is_no_neighbour(void **state)
{
	struct kira_params params;

	testnet_init(&t, 3, 8, NULL, NULL);
	kira_params_default(&params);
	params.domain = 77;
	testnet_restart(&t, 1, 1, &params);
	testnet_link(&t, 0, 1);
	testnet_link(&t, 0, 2);
	run(SEC(5));
	assert_int_equal(kira_n_neighbours(t.node[1].k), 0);
	assert_int_equal(kira_n_neighbours(t.node[0].k), 1);
	assert_true(kira_stats(t.node[0].k)->drop[KIRA_DROP_DOMAIN] > 0);
	end();
}

/* ---- reachability ---- */

/* §2.13 to §2.19: with a network of any shape, all pairs reach each other soon after the start. */
static void all_pairs_after_the_start(void **state)
{
	unsigned i;

	testnet_init(&t, 16, 9, NULL, NULL);
	grid(0, 4);
	assert_true(until_whole(SEC(3)) >= 0);
	end();
	testnet_init(&t, 20, 10, NULL, NULL);
	line(0, 19);
	testnet_link(&t, 19, 0);
	assert_true(until_whole(SEC(5)) >= 0);
	end();
	testnet_init(&t, 20, 11, NULL, NULL);
	for (i = 1; i < 20; i++)
		testnet_link(&t, 0, i);
	assert_true(until_whole(SEC(3)) >= 0);
	end();
}

/* The same with small buckets, where the table does not simply hold everybody. With these seeds nodes with IDs alike find
 * each other two by two first, and a bucket stays empty for long if it is left to chance. */
static void all_pairs_with_small_buckets(void **state)
{
	static const struct {
		unsigned k;
		uint64_t seed;
	} run[] = {{3, 1027}, {3, 1040}, {4, 16}, {4, 1026}, {4, 1047}, {6, 1067}};
	struct kira_params params;
	unsigned i;

	for (i = 0; i < sizeof(run) / sizeof(*run); i++) {
		kira_params_default(&params);
		params.ssn = 1;
		params.k = run[i].k;
		testnet_init(&t, 49, run[i].seed, &params, NULL);
		grid(0, 7);
		assert_true(until_whole(SEC(40)) >= 0);
		end();
	}
}

/* Two bits a level instead of one. */
static void all_pairs_with_two_bits_a_level(void **state)
{
	struct kira_params params;

	kira_params_default(&params);
	params.ssn = 1;
	params.acc = 2;
	params.k = 4;
	testnet_init(&t, 36, 18, &params, NULL);
	grid(0, 6);
	assert_true(until_whole(SEC(20)) >= 0);
	end();
}

/* §4.5: two networks of 16 that a link joins are one. */
static void two_halves_become_one(void **state)
{
	testnet_init(&t, 32, 19, NULL, NULL);
	grid(0, 4);
	grid(16, 4);
	run(SEC(30));
	assert_int_equal(testnet_missing(&t), 2 * 16 * 16);
	testnet_link(&t, 5, 16 + 10);
	assert_true(until_whole(SEC(20)) >= 0);
	end();
}

/* What is parted by a cut is parted, and one again after it. */
static void a_partition_heals(void **state)
{
	testnet_init(&t, 18, 20, NULL, NULL);
	grid(0, 3);
	grid(9, 3);
	testnet_link(&t, 8, 9);
	assert_true(until_whole(SEC(10)) >= 0);
	testnet_cut(&t, 8, 9);
	run(SEC(60));
	assert_int_equal(testnet_missing(&t), 2 * 9 * 9);
	testnet_link(&t, 8, 9);
	assert_true(until_whole(SEC(20)) >= 0);
	end();
}

/* ---- rest ---- */

/* §2.13, §2.14: look-ups get rare where nothing changes, and are frequent again when something does. */
static void look_ups_adapt(void **state)
{
	uint64_t first;
	uint64_t rest;
	uint64_t again;
	uint64_t before;

	testnet_init(&t, 17, 21, NULL, NULL);
	grid(0, 4);
	run(SEC(20));
	first = sent(KIRA_FIND_NODE_REQ);
	run(SEC(600));
	before = sent(KIRA_FIND_NODE_REQ);
	run(SEC(20));
	rest = sent(KIRA_FIND_NODE_REQ) - before;
	assert_true(rest * 10 < first);
	before = sent(KIRA_FIND_NODE_REQ);
	testnet_link(&t, 15, 16);
	run(SEC(20));
	again = sent(KIRA_FIND_NODE_REQ) - before;
	assert_true(again > 3 * rest + 17);
	end();
}

/* Nodes that start in the same second do not act in step: their hellos are spread over their intervals. */
static void timers_are_spread(void **state)
{
	unsigned busiest = 0;
	uint64_t before;
	unsigned i;

	testnet_init(&t, 36, 22, NULL, NULL);
	grid(0, 6);
	run(SEC(300));
	for (i = 0; i < 600; i++) {
		uint64_t n;

		before = sent(KIRA_ULN_HELLO);
		run(MSEC(100));
		n = sent(KIRA_ULN_HELLO) - before;
		busiest = n > busiest ? (unsigned)n : busiest;
	}
	/* 120 ends of links say hello once in 30 s on average: 24 in a tenth of a second would be a fifth of them at once. */
	assert_true(busiest < 24);
	end();
}

/* ---- failures ---- */

static usec_t until_down(unsigned a, unsigned n_a, unsigned b, unsigned n_b, usec_t d)
{
	usec_t began = t.now;

	while (t.now < began + d) {
		run(MSEC(10));
		if (kira_n_neighbours(t.node[a].k) == n_a && kira_n_neighbours(t.node[b].k) == n_b)
			return t.now - began;
	}
	return -1;
}

/* §2.12: a link that dies silently in both directions is noticed by both ends within 4.5 s, whenever it dies. */
static void silent_loss_is_noticed(void **state)
{
	unsigned i;

	for (i = 0; i < 20; i++) {
		usec_t took;

		testnet_init(&t, 4, 30 + i, NULL, NULL);
		line(0, 3);
		testnet_link(&t, 3, 0);
		run(SEC(10) + MSEC(170) * i);
		testnet_silence(&t, 1, 2, true);
		took = until_down(1, 1, 2, 1, SEC(10));
		assert_in_range(took, 0, MSEC(4500));
		assert_true(until_whole(SEC(2)) >= 0);
		end();
	}
}

/* The same in one direction only. */
static void silent_loss_in_one_direction_is_noticed(void **state)
{
	unsigned i;

	for (i = 0; i < 20; i++) {
		usec_t took;

		testnet_init(&t, 4, 60 + i, NULL, NULL);
		line(0, 3);
		testnet_link(&t, 3, 0);
		run(SEC(10) + MSEC(170) * i);
		t.silent[1][2] = true;
		took = until_down(1, 1, 2, 1, SEC(10));
		assert_in_range(took, 0, MSEC(4500));
		/* And it stays down as long as that is so. */
		run(SEC(20));
		assert_int_equal(kira_n_neighbours(t.node[1].k), 1);
		assert_int_equal(kira_n_neighbours(t.node[2].k), 1);
		assert_int_equal(testnet_missing(&t), 0);
		t.silent[1][2] = false;
		run(SEC(40));
		assert_int_equal(kira_n_neighbours(t.node[1].k), 2);
		end();
	}
}

/* §2.18, trap of §8: a link that fails, is mended and fails again at once is what it is at the end, and stays so. */
static void fail_repair_fail_does_not_flap(void **state)
{
	unsigned ups;
	unsigned downs;
	unsigned i;

	testnet_init(&t, 16, 90, NULL, NULL);
	grid(0, 4);
	run(SEC(10));
	for (i = 0; i < 5; i++) {
		testnet_cut(&t, 5, 6);
		run(MSEC(40) * i);
		testnet_link(&t, 5, 6);
		run(MSEC(60) * i);
	}
	assert_true(until_whole(SEC(3)) >= 0);
	run(SEC(5));
	ups = t.node[5].events[KIRA_EV_NEIGHBOUR_UP];
	downs = t.node[5].events[KIRA_EV_NEIGHBOUR_DOWN];
	assert_int_equal(kira_n_neighbours(t.node[5].k), 4);
	for (i = 0; i < 600; i++) {
		run(MSEC(100));
		assert_int_equal(testnet_missing(&t), 0);
	}
	assert_int_equal(t.node[5].events[KIRA_EV_NEIGHBOUR_UP], ups);
	assert_int_equal(t.node[5].events[KIRA_EV_NEIGHBOUR_DOWN], downs);
	/* And cut for good: everybody goes around it. */
	testnet_cut(&t, 5, 6);
	testnet_link(&t, 5, 6);
	testnet_cut(&t, 5, 6);
	assert_true(until_whole(SEC(3)) >= 0);
	run(SEC(90));
	assert_int_equal(testnet_missing(&t), 0);
	end();
}

/* Each single link of a grid may go: all pairs are reachable again, most at once. */
static void each_link_may_fail(void **state)
{
	unsigned i;
	unsigned later = 0;

	for (i = 0; i < 24; i++) {
		unsigned a = i < 12 ? i / 3 * 4 + i % 3 : i - 12;
		unsigned b = i < 12 ? a + 1 : a + 4;

		testnet_init(&t, 16, 100, NULL, NULL);
		grid(0, 4);
		run(SEC(10));
		assert_int_equal(testnet_missing(&t), 0);
		testnet_cut(&t, a, b);
		later += testnet_missing(&t) > 0;
		assert_true(until_whole(SEC(2)) >= 0);
		run(SEC(60));
		assert_int_equal(testnet_missing(&t), 0);
		end();
	}
	assert_true(later < 12);
}

/* §2.18: a node that dies is noticed, the others go on, and it is forgotten. */
static void a_node_may_die(void **state)
{
	static const unsigned around[] = {1, 4, 6, 9};
	unsigned missing = UINT32_MAX;
	unsigned i;
	nid_t h;

	testnet_init(&t, 16, 130, NULL, NULL);
	grid(0, 4);
	run(SEC(10));
	for (i = 0; i < 4; i++)
		testnet_silence(&t, 5, around[i], true);
	for (i = 0; i < 100 && missing != 2 * 15; i++) {
		run(MSEC(100));
		missing = testnet_missing(&t);
	}
	/* The pairs with the dead one, and no other. */
	assert_int_equal(missing, 2 * 15);
	run(SEC(60));
	for (i = 0; i < 16; i++) {
		h = pool_find(t.node[i].k->pool, &t.node[5].id);
		if (i != 5)
			assert_null(h ? contact_find(t.node[i].k, h) : NULL);
	}
	assert_int_equal(testnet_missing(&t), 2 * 15);
	/* It comes back. */
	for (i = 0; i < 4; i++)
		testnet_silence(&t, 5, around[i], false);
	assert_true(until_whole(SEC(60)) >= 0);
	end();
}

/* Where the errors went, and what they said. */
static struct {
	unsigned at_originator;
	unsigned reporter;
} err;

static bool see_errors(struct testnet *net, unsigned from, unsigned to, struct slice frame)
{
	struct kira_msg m;
	unsigned i;

	if (frame.p[1] != KIRA_ERROR || to != 0)
		return true;
	assert_int_equal(kira_wire_decode(&m, frame), KIRA_DROP_NONE);
	if (!kira_id_eq(&m.dest, &net->node[0].id))
		return true;
	err.at_originator++;
	for (i = 0; i < net->n; i++)
		if (kira_id_eq(&m.reporter, &net->node[i].id))
			err.reporter = i;
	return true;
}

/* §2.18, trap of §8: an Error raised at any hop of a path comes back to the originator along the part travelled. */
static void errors_of_every_hop_come_back(void **state)
{
	unsigned hop;

	for (hop = 1; hop < 7; hop++) {
		testnet_init(&t, 8, 140, NULL, NULL);
		line(0, 7);
		assert_true(until_whole(SEC(20)) >= 0);
		run(SEC(5));
		t.tap = see_errors;
		err.at_originator = 0;
		err.reporter = UINT32_MAX;
		testnet_cut(&t, hop, hop + 1);
		/* Before anybody tells us we ask. */
		t.node[0].traced = false;
		assert_int_equal(kira_trace(t.node[0].k, &t.node[7].id, t.now), 0);
		run(MSEC(30));
		assert_true(err.at_originator > 0);
		assert_int_equal(err.reporter, hop);
		assert_true(t.node[0].traced);
		assert_int_equal(t.node[0].n_trace, 0);
		end();
	}
}

/* §2.22: an end system is reached, and nothing goes through it. */
static void an_end_system_does_not_forward(void **state)
{
	struct kira_params params;

	testnet_init(&t, 5, 150, NULL, NULL);
	kira_params_default(&params);
	params.end_system = true;
	testnet_restart(&t, 2, 1, &params);
	/* A ring where the short way from 1 to 3 is through the end system. */
	line(0, 4);
	testnet_link(&t, 4, 0);
	run(SEC(15));
	assert_int_equal(testnet_missing(&t), 0);
	assert_int_equal(testnet_walk(&t, 1, 3), 3 + 1);
	assert_int_equal(kira_stats(t.node[2].k)->forwarded, 0);
	/* The other way breaks: there is none left, and it still does not forward. */
	testnet_cut(&t, 4, 0);
	run(SEC(10));
	assert_int_equal(testnet_walk(&t, 1, 3), 0);
	assert_true(testnet_walk(&t, 1, 2) > 0);
	assert_true(testnet_walk(&t, 3, 2) > 0);
	assert_int_equal(kira_stats(t.node[2].k)->forwarded, 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_heuristic_says_who_asks),
		cmocka_unit_test(hello_intervals_double_to_their_limit),
		cmocka_unit_test(lists_are_in_step_within_a_second),
		cmocka_unit_test(each_change_of_neighbours_has_its_number),
		cmocka_unit_test(numbers_that_overflow_reset),
		cmocka_unit_test(a_restart_without_a_number_is_accepted),
		cmocka_unit_test(another_domain_is_no_neighbour),
		cmocka_unit_test(all_pairs_after_the_start),
		cmocka_unit_test(all_pairs_with_small_buckets),
		cmocka_unit_test(all_pairs_with_two_bits_a_level),
		cmocka_unit_test(two_halves_become_one),
		cmocka_unit_test(a_partition_heals),
		cmocka_unit_test(look_ups_adapt),
		cmocka_unit_test(timers_are_spread),
		cmocka_unit_test(silent_loss_is_noticed),
		cmocka_unit_test(silent_loss_in_one_direction_is_noticed),
		cmocka_unit_test(fail_repair_fail_does_not_flap),
		cmocka_unit_test(each_link_may_fail),
		cmocka_unit_test(a_node_may_die),
		cmocka_unit_test(errors_of_every_hop_come_back),
		cmocka_unit_test(an_end_system_does_not_forward),
	};

	return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
