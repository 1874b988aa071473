/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/node/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define READ(o, err, ...)                                                                          \
	options_read(o, (int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)),                   \
		     (char *[]){__VA_ARGS__, NULL}, err)
#define P (char *)"dep-kira"
#define A(s) (char *)(s)

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

static void all_of_them(void **state)
{
	struct options_common o;
	struct err err = {0};

	assert_int_equal(READ(&o, &err, P, A("--config"), A("c.json"), A("--state-dir=s"),
			      A("--run-dir"), A("r"), A("--user"), A("u"), A("--seccomp"), A("log"),
			      A("--log=debug"), A("--check")),
			 0);
	assert_string_equal(o.config, "c.json");
	assert_string_equal(o.state_dir, "s");
	assert_string_equal(o.run_dir, "r");
	assert_string_equal(o.user, "u");
	assert_int_equal(o.seccomp, SANDBOX_LOG);
	assert_int_equal(o.level, LOG_LEVEL_DEBUG);
	assert_true(o.check);
	assert_int_equal(READ(&o, &err, P, A("--version")), 0);
	assert_true(o.version);
	assert_int_equal(READ(&o, &err, P, A("--help")), 0);
	assert_true(o.help);
}

/* What is wrong names the word, and where help is. */
static void wrong_ones(void **state)
{
	static const char *const bad[][2] = {
		{"--bogus", "--bogus"}, {"--config", "--config"}, {"--seccomp=maybe", "maybe"},
		{"--log=loud", "loud"}, {"file", "file"},	  {"-x", "-x"},
	};
	struct options_common o;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = {0};

		assert_int_equal(READ(&o, &err, P, A(bad[i][0])), -EINVAL);
		assert_non_null(strstr(err.what, bad[i][1]));
		assert_non_null(strstr(err.mend, "--help"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(all_of_them),
		cmocka_unit_test(wrong_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
