/* SPDX-License-Identifier: BSD-2-Clause */
/* What is dep-kira's own; what all daemons share is in base/options_test.c. */
#include "proto/kira/node/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#define READ(o, err, ...)                                                                          \
	options_read(o, (int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)),                   \
		     (char *[]){__VA_ARGS__, NULL}, err)
#define P (char *)"dep-kira"

static void defaults(void **state)
{
	struct options_common o;
	struct err err = {0};

	unsetenv("DEP_RUN_DIR");
	assert_int_equal(READ(&o, &err, P), 0);
	assert_null(o.config);
	assert_null(o.user);
	assert_string_equal(o.state_dir, "/var/lib/depanneur/kira");
	assert_string_equal(o.run_dir, "/run/depanneur");
	assert_int_equal(o.seccomp, SANDBOX_ON);
	assert_int_equal(o.level, LOG_LEVEL_NOTICE);
	setenv("DEP_RUN_DIR", "/elsewhere", 1);
	assert_int_equal(READ(&o, &err, P), 0);
	assert_string_equal(o.run_dir, "/elsewhere");
	unsetenv("DEP_RUN_DIR");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
