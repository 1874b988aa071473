/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/regex.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int match(const char *pattern, const char *text)
{
	struct err err = {0};
	struct regex *re = regex_new(pattern, strlen(pattern), &err);
	uint64_t budget = 1000000;
	int rc;

	if (!re)
		fail_msg("%s: %s", pattern, err.what);
	rc = regex_match(re, text, strlen(text), &budget);
	regex_free(re);
	return rc;
}

static void test_matches(void **state)
{
	static const struct {
		const char *pattern, *text;
		int want;
	} t[] = {
		{"", "", 1},
		{"a", "xay", 1},
		{"^a$", "a", 1},
		{"^a$", "a\n", 0},
		{"^$", "", 1},
		{"^$", "x", 0},
		{"^(a|ab)(c|bcd)$", "abcd", 1},
		{"^a{2,3}$", "a", 0},
		{"^a{2,3}$", "aaa", 1},
		{"^a{2,3}$", "aaaa", 0},
		{"^a{0}$", "", 1},
		{"^(a*)*$", "aaab", 0},
		{"^[^]]$", "]", 0},
		{"^[]$", "x", 0},
		{"^[^]$", "x", 1},
		{"^[\\]-]+$", "]-", 1},
		{"^.$", "\xf0\x9d\x84\x9e", 1},
		{"^.$", "\n", 0},
		{"^\\u{1D11E}$", "\xf0\x9d\x84\x9e", 1},
		{"^\\ud834\\udd1e$", "\xf0\x9d\x84\x9e", 1},
		{"^\\p{Lu}\\p{Ll}+$", "\xc3\x84rger", 1},
		{"^\\P{L}$", "x", 0},
		{"^[\\p{L}\\d]+$", "a1\xce\xb1", 1},
		{"\\bcat\\b", "a cat.", 1},
		{"\\bcat\\b", "concat", 0},
		{"\\Bcat", "concat", 1},
		{"\\Bcat", "cat", 0},
		{"^\\d\\D\\s\\S\\w\\W$", "1a b_-", 1},
		{"a{,2}", "a{,2}", 1},
		{"^(?<n>x)(?:y)$", "xy", 1},
		{"x*?y+?", "y", 1},
		{"\\x41\\cA\\t", "A\001\t", 1},
		{"a|^b|c$", "xb", 0},
		{"a|^b|c$", "xc", 1},
		{"(^a|b)c", "abc", 1},
		{"$^", "", 1},
		{"a$b", "ab", 0},
		{"^\\/\\.\\-$", "/.-", 1},
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (match(t[i].pattern, t[i].text) != t[i].want)
			fail_msg("/%s/ on \"%s\" should be %d", t[i].pattern, t[i].text, t[i].want);
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *pattern;
		int code;
	} t[] = {
		{"(a)\\1", -ENOTSUP},
		{"(?<n>a)\\k<n>", -ENOTSUP},
		{"(?=a)", -ENOTSUP},
		{"a(?!b)", -ENOTSUP},
		{"(?<=a)b", -ENOTSUP},
		{"(?<!a)b", -ENOTSUP},
		{"\\p{Script=Greek}", -ENOTSUP},
		{"(", -EINVAL},
		{")", -EINVAL},
		{"[a", -EINVAL},
		{"*", -EINVAL},
		{"a**", -EINVAL},
		{"[z-a]", -EINVAL},
		{"a\\", -EINVAL},
		{"\\u12", -EINVAL},
		{"\\q", -EINVAL},
		{"a{3,2}", -EINVAL},
		{"(?i:a)", -EINVAL},
		{"^*", -EINVAL},
		{"a{1000}{2}", -EINVAL},
		{"(a{1000}){1000}", -E2BIG},
		{"((){100000}){100000}", -E2BIG},
		{"a{4000000000}", -E2BIG},
		{"\\u{110000}", -EINVAL},
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct err err = {0};
		struct regex *re = regex_new(t[i].pattern, strlen(t[i].pattern), &err);

		if (re || err.code != t[i].code)
			fail_msg("/%s/ should be refused with %d, not %d (%s)", t[i].pattern,
				 t[i].code, err.code, err.what);
	}
}

static void test_deep_and_large_patterns_are_refused(void **state)
{
	size_t n = 200000;
	char *text = malloc(n + 1);
	struct err err = {0};

	memset(text, '(', n);
	assert_null(regex_new(text, n, &err));
	assert_int_equal(err.code, -E2BIG);
	memset(text, 'a', n);
	assert_null(regex_new(text, n, &err));
	assert_int_equal(err.code, -E2BIG);
	free(text);
}

/* What makes a backtracking matcher take exponential time takes a step a character here. */
static void test_time_is_linear(void **state)
{
	static const char *const evil[] = {"^(a+)+$", "^(a|a)*$", "^(a|aa)+$",
					   "(.*)(.*)(.*)(.*)(.*)[^a]$",
					   "^(([a-z])+.)+[A-Z]([a-z])+$"};
	size_t n = 100000;
	char *text = malloc(n);
	size_t i;

	memset(text, 'a', n);
	text[n - 1] = '!';
	for (i = 0; i < sizeof(evil) / sizeof(evil[0]); i++) {
		struct regex *re = regex_new(evil[i], strlen(evil[i]), NULL);
		uint64_t budget = n;

		assert_non_null(re);
		assert_true(regex_match(re, text, n, &budget) >= 0);
		regex_free(re);
	}
	free(text);
}

/* Large patterns are simulated, and the budget ends that. */
static void test_budget(void **state)
{
	const char *big = "(a|b)*a(a|b){600}c";
	struct regex *re = regex_new(big, strlen(big), NULL);
	uint64_t budget = 1000;
	char text[2000];

	assert_non_null(re);
	memset(text, 'a', sizeof(text));
	assert_int_equal(regex_match(re, text, sizeof(text), &budget), -E2BIG);
	budget = 10000000;
	assert_int_equal(regex_match(re, text, sizeof(text), &budget), 0);
	text[1999] = 'c';
	assert_int_equal(regex_match(re, text, sizeof(text), &budget), 1);
	assert_int_equal(regex_match(re, text + 1500, 500, &budget), 0);
	regex_free(re);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_deep_and_large_patterns_are_refused),
		cmocka_unit_test(test_time_is_linear),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
