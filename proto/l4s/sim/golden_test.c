/* SPDX-License-Identifier: BSD-2-Clause */
/* One seed, one result: the JSON reports of these scenarios, byte for byte, by the checksum that
 * golden/checksums holds. The same must come out at every optimisation level, of every compiler and
 * under sanitizers. A change that is meant to change results changes that file: with
 * DEP_GOLDEN_WRITE=1 this test writes it. */
#include "proto/l4s/sim/report.h"
#include "proto/l4s/sim/testrun.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char golden[512]; /* the directory */

static char *read_all(const char *name, size_t *n)
{
	char path[768];
	char *text = calloc(1, 65536);
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", golden, name);
	f = fopen(path, "re");
	if (!f || !text)
		fail_msg("%s cannot be read", path);
	*n = fread(text, 1, 65535, f);
	fclose(f);
	return text;
}

/* FNV-1a. */
static uint64_t checksum(const char *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325;
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ (uint8_t)p[i]) * 0x100000001b3;
	return h;
}

static char *report(const char *name, size_t *n)
{
	struct scenario s;
	struct sim_result *r;
	struct err err = {0};
	char *text;
	char *json = NULL;
	FILE *to;

	text = read_all(name, n);
	if (scenario_parse(&s, text, *n, name, &err) < 0)
		fail_msg("%s: %s", err.where, err.what);
	free(text);
	r = testrun(&s.cfg, NULL);
	to = open_memstream(&json, n);
	assert_non_null(to);
	assert_int_equal(report_json(to, &s, r), 0);
	fclose(to);
	testrun_free(r);
	scenario_free(&s);
	return json;
}

static void write_checksums(const char *text)
{
	char path[768];
	FILE *f;

	snprintf(path, sizeof(path), "%s/checksums", golden);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void reports_have_their_checksums(void **state)
{
	char line[320];
	char found[4096] = "";
	char *known;
	char *json;
	struct dirent **e;
	size_t n;
	bool same = true;
	int files = scandir(golden, &e, NULL, alphasort);
	int i;

	known = read_all("checksums", &n);
	for (i = 0; i < files; i++) {
		if (strstr(e[i]->d_name, ".json")) {
			json = report(e[i]->d_name, &n);
			snprintf(line, sizeof(line), "%016llx %s\n",
				 (unsigned long long)checksum(json, n), e[i]->d_name);
			free(json);
			same = same && strstr(known, line);
			strncat(found, line, sizeof(found) - strlen(found) - 1);
		}
		free(e[i]);
	}
	free(e);
	assert_true(found[0]);
	if (!same && getenv("DEP_GOLDEN_WRITE"))
		write_checksums(found);
	else if (!same)
		fail_msg("results have changed; golden/checksums would be:\n%s", found);
	free(known);
}

/* Also beside other runs, with another seed between. */
static void a_run_leaves_nothing_behind(void **state)
{
	char *first;
	char *again;
	size_t n;
	size_t m;

	first = report("all.json", &n);
	free(report("dumbbell.json", &m));
	again = report("all.json", &m);
	assert_int_equal(n, m);
	assert_memory_equal(first, again, n);
	free(first);
	free(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_have_their_checksums),
		cmocka_unit_test(a_run_leaves_nothing_behind),
	};
	const char *top = getenv("DEP_TOP");

	snprintf(golden, sizeof(golden), "%s/proto/l4s/sim/golden", top ? top : ".");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
