/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks of cores in simulated time: what the protocol achieves (spec §2.8 to §2.19), and how
 * fast after a fault. */
#include "proto/kira/testnet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct testnet t;

static void end(void)
{
	testnet_free(&t);
	assert_int_equal(t.a.used, 0);
}

static unsigned index_of(const struct kira_id *id)
{
	unsigned i;

	for (i = 0; i < t.n && !kira_id_eq(&t.node[i].id, id); i++)
		;
	return i;
}

static uint64_t sent(uint8_t type)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < t.n; i++)
		n += kira_stats(t.node[i].k)->tx_type[type];
	return n;
}

/* ---- neighbours ---- */

struct seen {
	struct kira_id id;
	bool found;
	enum kira_contact_state state;
	size_t n_path;
	unsigned unlike; /* lists that are not what the network is */
	unsigned late;	 /* lists of another number than their node's */
	unsigned n;
};

static bool on_neighbour(void *ctx, const struct kira_neighbour_info *n)
{
	struct seen *s = ctx;

	s->found |= kira_id_eq(&n->id, &s->id);
	return !s->found;
}

static bool neighbours(unsigned a, unsigned b)
{
	struct seen s = {.id = t.node[b].id};

	kira_each_neighbour(t.node[a].k, on_neighbour, &s);
	return s.found;
}

static bool on_contact(void *ctx, const struct kira_contact_info *c)
{
	struct seen *s = ctx;

	if (!kira_id_eq(&c->id, &s->id))
		return true;
	s->found = true;
	s->state = c->state;
	s->n_path = c->n_path;
	return false;
}

static struct seen contact_of(unsigned a, unsigned b)
{
	struct seen s = {.id = t.node[b].id};

	kira_each_contact(t.node[a].k, on_contact, &s);
	return s;
}

static unsigned n_asked[2];

static bool lose_handshakes(struct testnet *net, unsigned from, unsigned to, struct slice frame)
{
	n_asked[from] += frame.p[1] == KIRA_ULN_DISC_REQ;
	return frame.p[1] == KIRA_ULN_HELLO;
}

/* Of two nodes that only hear each other's hellos exactly one asks, whichever came first. */
static void exactly_one_side_asks(void **state)
{
	uint64_t seed;

	for (seed = 0; seed < 20; seed++) {
		unsigned asks;

		testnet_init(&t, 2, 50 + seed, NULL, NULL);
		asks = kira_answers_hello(&t.node[0].id, &t.node[1].id) ? 0 : 1;
		t.tap = lose_handshakes;
		memset(n_asked, 0, sizeof(n_asked));
		testnet_link(&t, 0, 1);
		testnet_run(&t, MSEC(300));
		assert_true(n_asked[asks] >= 1);
		assert_int_equal(n_asked[!asks], 0);
		/* Its hellos are rare at last: then the other asks too. */
		testnet_run(&t, SEC(10));
		assert_true(n_asked[!asks] >= 1);
		t.tap = NULL;
		testnet_run(&t, t.now + SEC(60));
		assert_true(neighbours(0, 1) && neighbours(1, 0));
		assert_int_equal(testnet_missing(&t), 0);
		end();
	}
}

static void silence(bool there, bool back)
{
	unsigned n;

	for (n = 0; n < 5; n++) {
		testnet_init(&t, 3, 80 + n, NULL, NULL);
		testnet_link(&t, 0, 1);
		testnet_link(&t, 1, 2);
		testnet_link(&t, 2, 0);
		testnet_run(&t, SEC(20) + MSEC(700 * n));
		assert_true(neighbours(0, 1) && neighbours(1, 0));
		t.silent[0][1] = there;
		t.silent[1][0] = back;
		testnet_run(&t, t.now + MSEC(4500));
		assert_false(neighbours(0, 1));
		assert_false(neighbours(1, 0));
		assert_true(neighbours(0, 2) && neighbours(1, 2));
		assert_int_equal(testnet_missing(&t), 0);
		testnet_run(&t, t.now + SEC(60));
		assert_false(neighbours(0, 1) || neighbours(1, 0));
		t.silent[0][1] = false;
		t.silent[1][0] = false;
		testnet_run(&t, t.now + SEC(60));
		assert_true(neighbours(0, 1) && neighbours(1, 0));
		end();
	}
}

static void silence_both_ways(void **state)
{
	silence(true, true);
}

static void silence_one_way(void **state)
{
	silence(true, false);
	silence(false, true);
}

/* Nothing but loss is a reason to give a neighbour up. */
static void quiet_links_stay(void **state)
{
	testnet_grid(&t, 3, 3, 90);
	testnet_run(&t, SEC(1200));
	for (unsigned i = 0; i < t.n; i++)
		assert_int_equal(t.node[i].events[KIRA_EV_NEIGHBOUR_DOWN], 0);
	assert_int_equal(testnet_missing(&t), 0);
	end();
}

static bool on_vicinity(void *ctx, const struct kira_vicinity_info *v)
{
	struct seen *s = ctx;
	unsigned i = index_of(&v->id);
	unsigned linked = 0;
	unsigned j;
	size_t n;

	/* Our own entry has no number but that of our hellos. */
	if (v->distance == 0 || v->distance > 2)
		return true;
	s->n++;
	assert_true(i < t.n);
	for (j = 0; j < t.n; j++)
		linked += t.node[i].link_to[j] != 0;
	s->late += v->ssn_synched != kira_ssn(t.node[i].k);
	s->unlike += v->n_neighbours != linked;
	for (n = 0; n < v->n_neighbours; n++) {
		j = index_of(&v->neighbours[n]);
		s->unlike += j == t.n || !t.node[i].link_to[j];
	}
	return true;
}

/* How many lists that nodes hold of those within two hops differ from what is, and in number if
 * that counts. */
static unsigned lists_wrong(bool numbers)
{
	struct seen s = {.found = false};
	unsigned i;

	for (i = 0; i < t.n; i++)
		kira_each_vicinity(t.node[i].k, on_vicinity, &s);
	assert_true(s.n >= t.n);
	return s.unlike + (numbers ? s.late : 0);
}

static unsigned lists_out_of_step(void)
{
	return lists_wrong(true);
}

static void lists_in_step_within_a_second(void **state)
{
	testnet_grid(&t, 4, 4, 100);
	testnet_run(&t, SEC(10));
	assert_int_equal(lists_out_of_step(), 0);
	testnet_link(&t, 0, 15);
	testnet_run(&t, t.now + SEC(1));
	assert_int_equal(lists_out_of_step(), 0);
	testnet_cut(&t, 5, 6);
	testnet_run(&t, t.now + SEC(1));
	assert_int_equal(lists_out_of_step(), 0);
	testnet_cut(&t, 0, 15);
	testnet_link(&t, 5, 6);
	testnet_run(&t, t.now + SEC(1));
	assert_int_equal(lists_out_of_step(), 0);
	end();
}

/* A node that lost its number, and all else, is in the lists of the others as it is now. */
static void restart_with(uint32_t before, uint32_t after)
{
	struct kira_params params;

	kira_params_default(&params);
	params.ssn = before;
	testnet_init(&t, 5, 110, &params, NULL);
	for (unsigned i = 0; i < 5; i++)
		testnet_link(&t, i, (i + 1) % 5);
	testnet_run(&t, SEC(10));
	assert_int_equal(testnet_missing(&t), 0);
	params.ssn = after;
	testnet_restart(&t, 2, 111, &params);
	testnet_run(&t, t.now + SEC(6));
	assert_true(neighbours(1, 2) && neighbours(2, 1) && neighbours(2, 3) && neighbours(3, 2));
	assert_int_equal(lists_wrong(false), 0);
	assert_int_equal(testnet_missing(&t), 0);
	/* What becomes of its links is known as before. */
	testnet_link(&t, 2, 4);
	testnet_run(&t, t.now + SEC(1));
	assert_int_equal(lists_wrong(false), 0);
	testnet_cut(&t, 2, 3);
	testnet_run(&t, t.now + SEC(1));
	assert_int_equal(lists_wrong(false), 0);
	assert_int_equal(testnet_missing(&t), 0);
	end();
}

static void restart_without_a_number(void **state)
{
	restart_with(1000, KIRA_SSN_INVALID);
	restart_with(0xfffffff0, KIRA_SSN_INVALID);
}

/* All nodes pass the end of numbers while they find each other. */
static void overflow_of_all_numbers(void **state)
{
	struct kira_params params;

	kira_params_default(&params);
	params.ssn = 0xfffffffd;
	testnet_init(&t, 9, 112, &params, NULL);
	for (unsigned i = 0; i < 9; i++) {
		testnet_link(&t, i, (i + 1) % 9);
		testnet_run(&t, t.now + MSEC(150));
	}
	testnet_run(&t, t.now + SEC(15));
	assert_int_equal(lists_out_of_step(), 0);
	assert_int_equal(testnet_missing(&t), 0);
	end();
}

/* ---- look-ups ---- */

/* Look-ups in the next so many seconds. */
static uint64_t look_ups(unsigned seconds)
{
	uint64_t before = sent(KIRA_FIND_NODE_REQ);

	testnet_run(&t, t.now + SEC(seconds));
	return sent(KIRA_FIND_NODE_REQ) - before;
}

static void look_ups_rest(void **state)
{
	uint64_t start;
	uint64_t rest;
	uint64_t news;

	testnet_grid(&t, 4, 4, 120);
	start = look_ups(30);
	testnet_run(&t, SEC(1200));
	rest = look_ups(30);
	assert_true(rest < start / 10);
	/* The whole network merges with another: news for everybody. */
	testnet_free(&t);
	testnet_grid(&t, 4, 4, 120);
	for (unsigned i = 0; i < 4; i++)
		testnet_cut(&t, 4 + i, 8 + i);
	testnet_run(&t, SEC(1200));
	rest = look_ups(30);
	for (unsigned i = 0; i < 4; i++)
		testnet_link(&t, 4 + i, 8 + i);
	news = look_ups(30);
	assert_true(news > 4 * rest);
	end();
}

/* ---- traces ---- */

static void traces(void **state)
{
	struct kira_id nobody = t.node[0].id;
	unsigned i;

	testnet_grid(&t, 6, 1, 130);
	testnet_run(&t, SEC(20));
	assert_int_equal(kira_trace(t.node[0].k, &t.node[5].id, t.now), 0);
	testnet_run(&t, t.now + SEC(1));
	assert_true(t.node[0].traced);
	assert_int_equal(t.node[0].n_trace, 6);
	for (i = 0; i < 6; i++)
		assert_int_equal(index_of(&t.node[0].trace[i]), i);
	/* Nobody has that ID: an event without a path. */
	nobody = t.node[5].id;
	nobody.b[13] ^= 1;
	t.node[0].traced = false;
	assert_int_equal(kira_trace(t.node[0].k, &nobody, t.now), 0);
	testnet_run(&t, t.now + SEC(4));
	assert_true(t.node[0].traced);
	assert_int_equal(t.node[0].n_trace, 0);
	/* Of ourselves; and too many at a time. */
	assert_int_equal(kira_trace(t.node[0].k, &t.node[0].id, t.now), -EINVAL);
	testnet_silence(&t, 0, 1, true);
	for (i = 0; i < 16; i++)
		assert_int_equal(kira_trace(t.node[0].k, &t.node[5].id, t.now), 0);
	assert_int_equal(kira_trace(t.node[0].k, &t.node[5].id, t.now), -EBUSY);
	testnet_run(&t, t.now + SEC(4));
	testnet_silence(&t, 0, 1, false);
	assert_int_equal(kira_trace(t.node[0].k, &t.node[5].id, t.now), 0);
	end();
}

/* ---- faults ---- */

/* Each link of a grid fails once: at that instant, before any message has arrived, all pairs reach
 * each other. */
static void detour_at_once(void **state)
{
	unsigned a;
	unsigned n = 0;

	testnet_grid(&t, 4, 4, 140);
	testnet_run(&t, SEC(30));
	assert_int_equal(testnet_missing(&t), 0);
	for (a = 0; a < 16; a++) {
		unsigned b;

		for (b = a + 1; b < 16; b++) {
			if (!t.node[a].link_to[b])
				continue;
			testnet_cut(&t, a, b);
			assert_int_equal(testnet_missing(&t), 0);
			testnet_run(&t, t.now + SEC(3));
			assert_int_equal(testnet_missing(&t), 0);
			testnet_link(&t, a, b);
			testnet_run(&t, t.now + SEC(5));
			assert_int_equal(testnet_missing(&t), 0);
			n++;
		}
	}
	assert_int_equal(n, 24);
	end();
}

/* Pairs that do not reach each other, `dead` left out. */
static unsigned missing_without(unsigned dead)
{
	unsigned missing = 0;
	unsigned a;
	unsigned b;

	for (a = 0; a < t.n; a++)
		for (b = 0; b < t.n; b++)
			missing += a != b && a != dead && b != dead && !testnet_walk(&t, a, b);
	return missing;
}

static void a_node_dies(void **state)
{
	unsigned i;

	testnet_grid(&t, 4, 4, 150);
	testnet_run(&t, SEC(30));
	/* In silence, with its carriers up. */
	for (i = 0; i < 16; i++)
		if (t.node[5].link_to[i])
			testnet_silence(&t, 5, i, true);
	testnet_run(&t, t.now + SEC(6));
	assert_int_equal(missing_without(5), 0);
	testnet_run(&t, t.now + SEC(60));
	assert_int_equal(missing_without(5), 0);
	for (i = 0; i < 16; i++)
		assert_true(i == 5 || !contact_of(i, 5).found);
	/* And comes back with all it knew. */
	for (i = 0; i < 16; i++)
		if (t.node[5].link_to[i])
			testnet_silence(&t, 5, i, false);
	testnet_run(&t, t.now + SEC(60));
	assert_int_equal(testnet_missing(&t), 0);
	end();
}

static void halves(void **state)
{
	unsigned i;

	testnet_grid(&t, 4, 4, 160);
	testnet_run(&t, SEC(30));
	assert_int_equal(testnet_missing(&t), 0);
	for (i = 0; i < 4; i++)
		testnet_cut(&t, 4 + i, 8 + i);
	testnet_run(&t, t.now + SEC(60));
	assert_int_equal(testnet_missing(&t), 2 * 8 * 8);
	for (i = 0; i < 16; i++)
		assert_int_equal(contact_of(i, (i + 8) % 16).found, false);
	for (i = 0; i < 4; i++)
		testnet_link(&t, 4 + i, 8 + i);
	testnet_run(&t, t.now + SEC(15));
	assert_int_equal(testnet_missing(&t), 0);
	end();
}

#define NAMED(name, f) {name, f, NULL, NULL, NULL}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAMED("2.12 exactly one side asks", exactly_one_side_asks),
		NAMED("2.12 silence both ways is noticed in 4.5 s", silence_both_ways),
		NAMED("2.12 silence one way is noticed in 4.5 s", silence_one_way),
		NAMED("2.12 quiet links stay", quiet_links_stay),
		NAMED("2.8, 2.12 lists are in step within a second", lists_in_step_within_a_second),
		NAMED("2.8 restart without a number", restart_without_a_number),
		NAMED("2.8 overflow of all numbers", overflow_of_all_numbers),
		NAMED("2.13, 2.14 look-ups rest", look_ups_rest),
		NAMED("2.15 traces", traces),
		NAMED("2.18 a detour at once", detour_at_once),
		NAMED("2.18 a node dies", a_node_dies),
		NAMED("2.18 two halves part and merge", halves),
	};

	return cmocka_run_group_tests_name("kira_net", tests, NULL, NULL);
}
