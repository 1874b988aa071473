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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_answer_that_denies_its_own_path),
		cmocka_unit_test(not_via_in_an_answer_is_no_proof),
	};

	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
