/* SPDX-License-Identifier: BSD-2-Clause */
/* The machinery of the grid with a runner that computes its figures from the cell and the seed:
 * what is run, what is taken from the cache, what happens when a run fails or its worker dies. */
#include "proto/l4s/study/grid.h"

#include "proto/l4s/ecn.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[] = "/tmp/l4s-grid-XXXXXX";
static char cache[64];
static char ran[64]; /* a byte for each run, from any worker */

static void note_run(void)
{
	int fd = open(ran, O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1)
		abort();
	close(fd);
}

static int runs(void)
{
	struct stat st;
	int n = stat(ran, &st) == 0 ? (int)st.st_size : 0;

	unlink(ran);
	return n;
}

static int compute(const struct grid_cell *c, uint64_t seed, struct grid_result *r, struct err *err)
{
	note_run();
	r->n_groups = c->n_groups;
	for (uint32_t i = 0; i < c->n_groups; i++)
		r->group[i].rate = (double)c->rate / (double)(i + 1) + (double)seed;
	for (unsigned i = 0; i < GRID_QUANTILES; i++)
		r->queue[1].delay[i] = 1e3 * i + 0.1;
	r->utilisation = 1.0 / 3;
	r->packets = UINT64_MAX;
	return 0;
}

static int fail_third(const struct grid_cell *c, uint64_t seed, struct grid_result *r,
		      struct err *err)
{
	if (seed == 3)
		return err_set(err, -EINVAL, "no such world");
	return compute(c, seed, r, err);
}

static int die_third(const struct grid_cell *c, uint64_t seed, struct grid_result *r,
		     struct err *err)
{
	if (seed == 3)
		raise(SIGKILL);
	return compute(c, seed, r, err);
}

static struct grid_cell cell(uint64_t mbit, const char *cc)
{
	struct grid_cell c = {
		.rate = mbit * 1000000,
		.rtt = 20000000,
		.aqm = "dualpi2 linux",
		.group = {{"", 1}, {"prague", 2}},
		.n_groups = 2,
		.warmup = 5000000000,
		.measure = 12500000000,
	};

	snprintf(c.group[0].cc, sizeof(c.group[0].cc), "%s", cc);
	return c;
}

static void fill(struct grid *g, uint32_t seeds)
{
	struct grid_cell a = cell(40, "cubic");
	struct grid_cell b = cell(40, "cubic abe 0.85");

	*g = (struct grid){0};
	assert_int_equal(grid_add(g, &a, seeds), 0);
	assert_int_equal(grid_add(g, &b, seeds), 0);
}

static struct grid_options options(const char *version)
{
	return (struct grid_options){.jobs = 3, .cache = cache, .version = version, .run = compute};
}

static void clear(void)
{
	unlink(cache);
	unlink(ran);
}

static void texts(void **state)
{
	struct grid_cell c = cell(40, "cubic");
	char text[GRID_TEXT];

	grid_cell_text(&c, text, sizeof(text));
	assert_string_equal(text, "40Mb/s 20ms dualpi2 linux | cubic *1 + prague *2 | 5+12.5s");
	c.load = 50000000;
	c.load_ecn = ECN_ECT1;
	c.jitter = 2000000;
	c.rate = 2500000;
	grid_cell_text(&c, text, sizeof(text));
	assert_string_equal(text, "2.5Mb/s 20ms dualpi2 linux | cubic *1 + prague *2 | udp ect1 "
				  "50Mb/s | jitter 2ms | 5+12.5s");
}

static void adds_once(void **state)
{
	struct grid g;
	struct grid_cell c = cell(40, "cubic");

	fill(&g, 2);
	assert_int_equal(grid_add(&g, &c, 5), 0);
	assert_int_equal(grid_add(&g, &c, 1), 0);
	assert_int_equal(g.n, 2);
	assert_int_equal(grid_find(&g, &c)->seeds, 5);
	c.rtt++;
	assert_null(grid_find(&g, &c));
	grid_free(&g);
}

static void runs_all(void **state)
{
	struct grid g;
	struct grid_options o = options("1");
	struct err err = {0};
	double x[7];

	clear();
	fill(&g, 7);
	assert_int_equal(grid_run(&g, &o, &err), 0);
	assert_int_equal(runs(), 14);
	for (size_t i = 0; i < g.n; i++) {
		assert_int_equal(g.entry[i].cached, 0);
		for (unsigned k = 0; k < 7; k++) {
			assert_true(g.entry[i].run[k].done);
			assert_true(g.entry[i].run[k].group[0].rate == 40e6 + k + 1);
		}
		assert_int_equal(grid_ln_ratios(&g.entry[i], x), 7);
		assert_true(fabs(x[3] - log((20e6 + 4) / (40e6 + 4))) < 1e-15);
	}
	grid_free(&g);
}

/* Every figure comes back from the cache as it was. */
static void takes_over(void **state)
{
	struct grid a;
	struct grid b;
	struct grid_options o = options("1");
	struct err err = {0};

	clear();
	fill(&a, 4);
	assert_int_equal(grid_run(&a, &o, &err), 0);
	runs();
	fill(&b, 6);
	assert_int_equal(grid_run(&b, &o, &err), 0);
	assert_int_equal(runs(), 4);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(b.entry[i].cached, 4);
		for (unsigned k = 0; k < 4; k++)
			assert_memory_equal(&a.entry[i].run[k], &b.entry[i].run[k],
					    sizeof(struct grid_result));
	}
	grid_free(&a);
	grid_free(&b);
}

static int once(uint32_t seeds, const char *version, const char *fresh)
{
	struct grid g;
	struct grid_options o = options(version);
	struct err err = {0};

	o.fresh = fresh;
	fill(&g, seeds);
	assert_int_equal(grid_run(&g, &o, &err), 0);
	grid_free(&g);
	return runs();
}

/* Another version's results do not count, except where one says so and cells lack the word. */
static void versions(void **state)
{
	clear();
	assert_int_equal(once(3, "1", NULL), 6);
	assert_int_equal(once(3, "2", NULL), 6);
	assert_int_equal(once(3, "2", NULL), 0);
	assert_int_equal(once(3, "3", "abe"), 3);
	assert_int_equal(once(3, "3", "prague"), 3);
}

static void cut_line(void **state)
{
	struct stat st;

	clear();
	assert_int_equal(once(3, "1", NULL), 6);
	assert_int_equal(stat(cache, &st), 0);
	assert_int_equal(truncate(cache, st.st_size - 5), 0);
	assert_int_equal(once(3, "1", NULL), 1);
	assert_int_equal(once(3, "1", NULL), 0);
}

static void interrupted(void **state)
{
	int (*bad[])(const struct grid_cell *, uint64_t, struct grid_result *,
		     struct err *) = {fail_third, die_third};
	const char *what[] = {"no such world", "died of signal 9"};

	for (unsigned i = 0; i < 2; i++) {
		struct grid g;
		struct grid_options o = options("1");
		struct err err = {0};
		int before;
		int after;

		clear();
		o.jobs = 1;
		o.run = bad[i];
		fill(&g, 5);
		assert_int_equal(grid_run(&g, &o, &err), -EIO);
		assert_non_null(strstr(err.what, what[i]));
		assert_non_null(strstr(err.where, "seed 3, 40Mb/s 20ms"));
		grid_free(&g);
		before = runs();
		assert_int_equal(before, 4);
		after = once(5, "1", NULL);
		assert_int_equal(before + after, 10);
	}
}

static void bad_lines(void **state)
{
	char version[64];
	char text[GRID_TEXT];
	struct grid_result r = {.n_groups = 1};
	uint64_t seed;
	size_t n;
	char *line = grid_line("v", "c", 9, &r, &n);

	assert_non_null(line);
	assert_int_equal(grid_line_parse(line, n, version, text, &seed, &r), 0);
	assert_int_equal(seed, 9);
	for (size_t cut = 0; cut + 2 < n; cut++)
		assert_int_equal(grid_line_parse(line, cut, version, text, &seed, &r), -EINVAL);
	free(line);
}

static int make_dir(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(cache, sizeof(cache), "%s/runs.jsonl", dir);
	snprintf(ran, sizeof(ran), "%s/ran", dir);
	return 0;
}

static int drop_dir(void **state)
{
	clear();
	return rmdir(dir);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),       cmocka_unit_test(adds_once),
		cmocka_unit_test(runs_all),    cmocka_unit_test(takes_over),
		cmocka_unit_test(versions),    cmocka_unit_test(cut_line),
		cmocka_unit_test(interrupted), cmocka_unit_test(bad_lines),
	};

	return cmocka_run_group_tests_name("l4s-grid", tests, make_dir, drop_dir);
}
