/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/sim/script.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static int parse(struct script *sc, const char *text, struct err *err)
{
	*sc = (struct script){0};
	return script_parse(sc, slice_of(text, strlen(text)), 50, "f", err);
}

static void steps(void **state)
{
	struct script sc;
	struct err err = {0};

	assert_int_equal(parse(&sc,
			       "\n# a comment\nat 1.5s link 3 7 down # cut\n"
			       "every 200ms from 10s until 1m cut 25% random links silent for 5s\n"
			       "every 2s check\n"
			       "at 4s partition 0-9,20 10-19\n"
			       "at 5s loss 1 2 0.25\n"
			       "at 6s node 4 start ssn-lost\n"
			       "at 7s kill 1 random node\n",
			       &err),
			 0);
	assert_int_equal(sc.n, 7);
	assert_int_equal(sc.step[0].at, 1500000);
	assert_int_equal(sc.step[0].action, SCRIPT_LINK_DOWN);
	assert_int_equal(sc.step[0].u, 3);
	assert_int_equal(sc.step[0].v, 7);
	assert_int_equal(sc.step[0].line, 3);
	assert_string_equal(sc.step[0].text, "link 3 7 down");
	assert_int_equal(sc.step[1].at, SEC(10));
	assert_int_equal(sc.step[1].every, MSEC(200));
	assert_int_equal(sc.step[1].until, SEC(60));
	assert_int_equal(sc.step[1].count, 25);
	assert_true(sc.step[1].percent && sc.step[1].flag);
	assert_int_equal(sc.step[1].time, SEC(5));
	assert_int_equal(sc.step[2].at, SEC(2));
	assert_true(sc.step[2].until == USEC_NEVER);
	assert_int_equal(sc.step[3].a.n, 2);
	assert_int_equal(sc.step[3].a.range[1].hi, 20);
	assert_int_equal(sc.step[3].b.range[0].lo, 10);
	assert_true(sc.step[4].p == 0.25);
	assert_int_equal(sc.step[5].action, SCRIPT_START);
	assert_true(sc.step[5].flag);
	assert_int_equal(sc.step[6].action, SCRIPT_KILL_RANDOM);
	script_free(&sc);
}

static void errors(void **state)
{
	static const char *const wrong[] = {
		"link 3 7 down",	      "at",
		"at 5",			      "at 5h check",
		"at -5s check",		      "at 1.s check",
		"at 99999999s check",	      "at 5s",
		"at 5s explode",	      "at 5s link 3 7",
		"at 5s link 3 7 sideways",    "at 5s link 3 50 down",
		"at 5s link 3 x down",	      "at 5s link 3 7 down now",
		"at 5s loss 3 7 1.5",	      "at 5s loss 3 7 nan",
		"at 5s loss 3 7 0x1",	      "at 5s loss 3 7",
		"at 5s node 3 kill ssn-lost", "at 5s cut 101% random links",
		"at 5s cut 1 links",	      "at 5s cut 1 random nodes",
		"at 5s kill 1 random links",  "at 5s partition 0-9",
		"at 5s partition 9-0 1",      "at 5s partition 1,,2 3",
		"at 5s partition 1- 3",	      "every 1us check",
		"at 5s partition 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16 17",
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct script sc;
		struct err err = {0};
		char text[128] = "at 1s check\n";

		strcat(text, wrong[i]);
		if (parse(&sc, text, &err) != -EINVAL)
			fail_msg("accepted: %s", wrong[i]);
		assert_string_equal(err.where, "f:2");
		assert_true(err.what[0] && err.mend[0]);
		assert_int_equal(sc.n, 1);
		script_free(&sc);
	}
}

static void times(void **state)
{
	usec_t t;

	assert_int_equal(script_time(SLICE_LIT("0"), &t), 0);
	assert_int_equal(t, 0);
	assert_int_equal(script_time(SLICE_LIT("250us"), &t), 0);
	assert_int_equal(t, 250);
	assert_int_equal(script_time(SLICE_LIT("0.25ms"), &t), 0);
	assert_int_equal(t, 250);
	assert_int_equal(script_time(SLICE_LIT("2m"), &t), 0);
	assert_int_equal(t, SEC(120));
	assert_int_equal(script_time(SLICE_LIT(""), &t), -EINVAL);
	assert_int_equal(script_time(SLICE_LIT("s"), &t), -EINVAL);
	assert_int_equal(script_time(SLICE_LIT("1.12345678s"), &t), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps),
		cmocka_unit_test(errors),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
