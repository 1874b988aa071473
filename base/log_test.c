/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define FIELDS(...) ((const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})

static void test_format(void **state)
{
	char line[256];
	int n;

	n = log_format(line, sizeof(line), true, LOG_LEVEL_WARNING, "link lost", 0,
		       FIELDS(LOG_TEXT("link", "eth 0"), LOG_NUM("n", -5), LOG_TEXT("q", "a\"b\\c"), LOG_TEXT("none", "")));
	assert_string_equal(line, "<4>link lost link=\"eth 0\" n=-5 q=\"a\\\"b\\\\c\"");
	assert_int_equal(n, strlen(line));
	log_format(line, sizeof(line), true, LOG_LEVEL_ERROR, "x", 7, FIELDS());
	assert_string_equal(line, "<3>x held_back=7");
}

/* What a stranger says cannot forge a line or a terminal sequence. */
static void test_control_characters_are_escaped(void **state)
{
	char line[256];

	log_format(line, sizeof(line), true, LOG_LEVEL_INFO, "a\nb", 0,
		   FIELDS(LOG_TEXT("k", "\x1b[2J\r\n<3>x\x7f\xc2\x9b"), LOG_TEXT("u", "\xc3\xa9")));
	assert_string_equal(line, "<6>a\\nb k=\\x1b[2J\\x0d\\n<3>x\\x7f\\xc2\x9b u=\xc3\xa9");
}

static void test_a_long_line_is_cut(void **state)
{
	char line[16];
	int n;

	n = log_format(line, sizeof(line), true, LOG_LEVEL_INFO, "0123456789abcdef", 0, FIELDS());
	assert_int_equal(n, 19);
	assert_string_equal(line, "<6>0123456789ab");
	assert_int_equal(log_format(NULL, 0, true, LOG_LEVEL_INFO, "abc", 0, FIELDS()), 6);
}

static void test_for_people(void **state)
{
	char line[256];

	log_init("dep-x", LOG_LEVEL_INFO);
	log_format(line, sizeof(line), false, LOG_LEVEL_NOTICE, "ready", 0, FIELDS());
	/* 2026-11-24T08:00:00.000Z */
	assert_int_equal(line[4], '-');
	assert_int_equal(line[23], 'Z');
	assert_string_equal(line + 24, " notice dep-x: ready");
}

static void test_levels(void **state)
{
	enum log_level level = LOG_LEVEL_ERROR;

	assert_int_equal(log_level_parse("debug", &level), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse("loud", &level), -EINVAL);
	log_set_level(LOG_LEVEL_WARNING);
	assert_true(log_enabled(LOG_LEVEL_WARNING));
	assert_false(log_enabled(LOG_LEVEL_NOTICE));
}

/* Runs f with stderr going to a file, and gives what was written there. */
static void capture(void (*f)(void), char *to, size_t n)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t got;

	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	f();
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	got = fread(to, 1, n - 1, file);
	to[got] = '\0';
	fclose(file);
}

static void many(void)
{
	int i;

	for (i = 0; i < 1000; i++)
		log_error("again", LOG_NUM("i", i));
	log_error("another site");
	log_debug("not this");
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

static void test_a_site_is_limited(void **state)
{
	char text[8192];

	capture(many, text, sizeof(text));
	assert_int_equal(count(text, "again"), 10);
	assert_int_equal(count(text, "another site\n"), 1);
	assert_int_equal(count(text, "\n"), 11);
}

static void one(void)
{
	struct stat st;
	char stream[64];

	fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init("dep-x", LOG_LEVEL_INFO);
	log_info("to the journal");
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_init("dep-x", LOG_LEVEL_INFO);
	log_info("not to the journal");
	unsetenv("JOURNAL_STREAM");
	log_init("dep-x", LOG_LEVEL_INFO);
}

static void test_the_journal_is_known(void **state)
{
	char text[1024];

	capture(one, text, sizeof(text));
	assert_memory_equal(text, "<6>to the journal\n", 18);
	assert_null(strstr(text + 3, "<6>"));
	assert_non_null(strstr(text, " info dep-x: not to the journal\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_control_characters_are_escaped),
		cmocka_unit_test(test_a_long_line_is_cut),
		cmocka_unit_test(test_for_people),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_a_site_is_limited),
		cmocka_unit_test(test_the_journal_is_known),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
