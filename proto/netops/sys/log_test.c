/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of all forms as lines, the ring over files, and events that are held together. */
#include "proto/netops/sys/events.h"
#include "proto/netops/sys/message.h"
#include "proto/netops/sys/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *line(const char *in)
{
	static char out[SYSLOG_LINE];
	struct syslog_message m;
	size_t n;

	syslog_parse(slice_of(in, strlen(in)), &m);
	n = syslog_line(&m, "NOW", "here", out);
	assert_int_equal(n, strlen(out));
	return out;
}

static void test_forms(void **state)
{
	struct syslog_message m;

	assert_string_equal(
		line("<34>1 2003-10-11T22:14:15.003Z host.example su 77 ID47 [a b=\"\\]\"] hello"),
		"2003-10-11T22:14:15.003Z host.example su[77]: hello");
	assert_string_equal(line("<34>1 - - - - - - \xef\xbb\xbfhello"), "NOW here -: hello");
	assert_string_equal(line("<13>Nov 24 12:00:00 cron[12]: local"),
			    "NOW here cron[12]: local");
	assert_string_equal(line("<13>Nov  4 12:00:00 other cron: far"), "NOW other cron: far");
	assert_string_equal(line("just text\n"), "NOW here -: just text");
	syslog_parse(slice_of("<34>x", 5), &m);
	assert_int_equal(m.facility, 4);
	assert_int_equal(m.severity, 2);
	syslog_parse(slice_of("<192>x", 6), &m);
	assert_int_equal(m.facility, 1);
}

/* Nothing that a message has makes a second line, or turns the text around. */
static void test_injection(void **state)
{
	assert_string_equal(line("<13>a[1]: x\n2026 host sshd: y\r\x1b[2J"),
			    "NOW here a[1]: x\\x0a2026 host sshd: y\\x0d\\x1b[2J");
	assert_string_equal(
		line("<13>a: \xe2\x80\xae"
		     "evil \xe2\x80\xa8 \xff \xc0\x80 \xc3\xa9"),
		"NOW here a: \\xe2\\x80\\xaeevil \\xe2\\x80\\xa8 \\xff \\xc0\\x80 \xc3\xa9");
	assert_null(strchr(line("<34>1 a\nb c\nd e\nf 7\n7 x - z"), '\n'));
}

struct got {
	unsigned n;
	char first[64];
	char last[64];
};

static void take(void *ctx, const char *text, size_t n)
{
	struct got *g = ctx;

	if (g->n++ == 0)
		snprintf(g->first, sizeof(g->first), "%.*s", (int)n, text);
	snprintf(g->last, sizeof(g->last), "%.*s", (int)n, text);
}

static void test_ring(void **state)
{
	char dir[] = "/tmp/ring.XXXXXX";
	struct err err = {0};
	struct got g = {0};
	struct ring *r;
	char text[64];
	FILE *f;
	int i;

	assert_non_null(mkdtemp(dir));
	r = ring_open(dir, 4096, &err);
	assert_non_null(r);
	assert_int_equal(ring_last(r, 10, take, &g), 0);
	assert_int_equal(g.n, 0);
	for (i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "line %d", i);
		assert_int_equal(ring_add(r, text, strlen(text)), 0);
	}
	/* Across files. */
	assert_int_equal(ring_last(r, 600, take, &g), 0);
	assert_int_equal(g.n, 600);
	assert_string_equal(g.first, "line 400");
	assert_string_equal(g.last, "line 999");
	ring_close(r);
	/* After a restart, and a line that was cut. */
	snprintf(text, sizeof(text), "%s/log.0", dir);
	f = fopen(text, "a");
	fputs("torn", f);
	fclose(f);
	r = ring_open(dir, 4096, &err);
	assert_int_equal(ring_add(r, "next", 4), 0);
	g = (struct got){0};
	assert_int_equal(ring_last(r, 3, take, &g), 0);
	assert_string_equal(g.first, "line 999");
	assert_string_equal(g.last, "next");
	ring_close(r);
	for (i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "%s/log.%d", dir, i);
		unlink(text);
	}
	rmdir(dir);
}

static unsigned told;

static void tell(void *ctx, const char *path)
{
	told++;
}

static void test_events(void **state)
{
	struct events *e = events_new(tell, NULL);
	int i;

	told = 0;
	events_mark(e, "/a:b/c[name='x']", 0);
	assert_int_equal(told, 1);
	for (i = 1; i < 100; i++)
		events_mark(e, "/a:b/c[name='x']", i);
	events_mark(e, "/a:b/c[name='y']", 100);
	assert_int_equal(told, 2);
	assert_int_equal(events_tick(e, EVENTS_HOLD), EVENTS_HOLD + 100);
	assert_int_equal(told, 3); /* what came in between, as one */
	assert_int_equal(events_tick(e, 3 * EVENTS_HOLD), USEC_NEVER);
	assert_int_equal(told, 3);
	/* More paths than are kept become their top. */
	for (i = 0; i < 5000; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/a:b/c[name='%d']", i);
		events_mark(e, path, 4 * EVENTS_HOLD);
	}
	assert_int_equal(told, 3 + EVENTS_PATHS + 1);
	events_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
