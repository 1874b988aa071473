/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/sim/graph.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

static struct graph make(const char *spec, uint64_t seed)
{
	struct graph g;
	struct err err = {0};

	if (graph_make(&g, spec, seed, &err) < 0)
		fail_msg("%s: %s", spec, err.what);
	return g;
}

static void sizes(void **state)
{
	static const struct {
		const char *spec;
		uint32_t n;
		uint32_t m;
		int64_t diameter;
	} want[] = {
		{"line:1", 1, 0, 0},
		{"line:5", 5, 4, 4},
		{"ring:2", 2, 1, 1},
		{"ring:10", 10, 10, 5},
		{"star:7", 7, 6, 2},
		{"full:6", 6, 15, 1},
		{"grid:6x6", 36, 60, 10},
		{"grid:3x1", 3, 2, 2},
		{"fat-tree:4", 20, 32, 4},
		{"fat-tree:8", 80, 256, 4},
		{"ba:3", 3, 3, 1},
		{"ba:60", 60, 117, -1},
		{"ba:100:3", 100, 6 + 96 * 3, -1},
		{"ws:50:4:0", 50, 100, 13},
	};
	size_t i;

	for (i = 0; i < sizeof(want) / sizeof(*want); i++) {
		struct graph g = make(want[i].spec, 7);

		assert_string_equal(g.name, want[i].spec);
		assert_int_equal(g.n, want[i].n);
		assert_int_equal(g.m, want[i].m);
		if (want[i].diameter >= 0)
			assert_int_equal(graph_diameter(&g), want[i].diameter);
		graph_free(&g);
	}
}

static void arcs_are_sorted_and_mutual(void **state)
{
	struct graph g = make("rg:500:8", 3);
	uint32_t u;
	uint32_t i;

	for (u = 0; u < g.n; u++) {
		for (i = g.first[u]; i < g.first[u + 1]; i++) {
			const struct graph_arc *back = graph_find(&g, g.arc[i].to, u);

			assert_true(i == g.first[u] || g.arc[i - 1].to < g.arc[i].to);
			assert_non_null(back);
			assert_int_equal(back->edge, g.arc[i].edge);
		}
	}
	assert_null(graph_find(&g, 0, 0));
	assert_null(graph_find(&g, g.n, 0));
	graph_free(&g);
}

static void grid_distances(void **state)
{
	struct graph g = make("grid:6x6", 0);
	uint32_t dist[36];
	uint32_t queue[36];
	uint8_t edge_off[60] = {0};
	uint8_t node_off[36] = {0};
	uint32_t i;

	graph_bfs(&g, 0, NULL, NULL, dist, queue);
	for (i = 0; i < 36; i++)
		assert_int_equal(dist[i], i / 6 + i % 6);
	edge_off[graph_find(&g, 0, 1)->edge] = 1;
	graph_bfs(&g, 0, edge_off, NULL, dist, queue);
	assert_int_equal(dist[1], 3);
	node_off[6] = 1;
	graph_bfs(&g, 0, edge_off, node_off, dist, queue);
	assert_int_equal(dist[0], 0);
	assert_int_equal(dist[1], GRAPH_FAR);
	graph_free(&g);
}

/* The raster must find just the links that comparing all points does; the mean degree is known but for the rim. */
static void random_geometric(void **state)
{
	struct graph g = make("rg:2000:10", 5);
	struct graph again = make("rg:2000:10", 5);
	struct graph other = make("rg:2000:10", 6);
	double degree = 2.0 * g.m / g.n;

	assert_true(degree > 9 && degree < 10.2);
	assert_int_equal(g.m, again.m);
	assert_memory_equal(g.edge, again.edge, g.m * sizeof(*g.edge));
	assert_false(g.m == other.m && memcmp(g.edge, other.edge, g.m * sizeof(*g.edge)) == 0);
	graph_free(&g);
	graph_free(&again);
	graph_free(&other);
	/* Radius over sqrt(2): everything is linked. */
	g = make("rg:20:200", 1);
	assert_int_equal(g.m, 190);
	graph_free(&g);
}

static void barabasi_albert(void **state)
{
	struct graph g = make("ba:2000", 9);
	uint32_t most = 0;
	uint32_t i;
	uint32_t part[2000];

	for (i = 0; i < g.n; i++) {
		assert_true(graph_degree(&g, i) >= 2);
		if (graph_degree(&g, i) > most)
			most = graph_degree(&g, i);
	}
	/* Preference by degree makes hubs of about sqrt(n) links; uniform choice would stay below 25. */
	assert_true(most > 40);
	assert_int_equal(graph_components(&g, part), 1);
	graph_free(&g);
}

static void watts_strogatz(void **state)
{
	struct graph g = make("ws:400:6:0.2", 2);
	struct graph ring = make("ws:400:6:0", 2);
	uint32_t moved = 0;
	uint32_t i;

	assert_int_equal(g.m, 1200);
	for (i = 0; i < g.m; i++)
		moved += graph_find(&ring, g.edge[i].u, g.edge[i].v) == NULL;
	assert_true(moved > 180 && moved < 300);
	assert_true(graph_diameter(&g) < graph_diameter(&ring) / 3);
	graph_free(&g);
	graph_free(&ring);
}

static void bad_specs(void **state)
{
	static const char *const bad[] = {"",	      "grid",	  "grid:4",    "grid:0x4",   "grid:4x4x4", "ring:",
					  "ring:0",   "ring:-1",  "ring:1e99", "ring:nan",   "ba:10:0",	   "ba:10:10",
					  "rg:10:-1", "rg:10:1:2", "ws:9:3",	"ws:9:4:1.5", "fat-tree:3", "tree:3",
					  "ring:10x", "ring:1.5", "file:",     "full:5000",  "rg:10:inf"};
	struct graph g;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (graph_make(&g, bad[i], 1, &err) != -EINVAL)
			fail_msg("%s is accepted", bad[i]);
		assert_true(err.what[0] && err.mend[0]);
	}
	assert_int_equal(graph_make(&g, "file:/nonexistent/edges", 1, &err), -ENOENT);
	assert_string_equal(err.where, "/nonexistent/edges");
}

static const char collection[] = "# x/one nodes=3 edges=2 giant=3\n0 1\n1 2\n"
				 "# x/two nodes=5 edges=3 giant=3\n0 1\n3 2\n4 3\n"
				 "# y/two nodes=2 edges=1 giant=2\n0 1\n";

static int parse(const char *text, const char *name, struct graph *g, struct err *err)
{
	return graph_parse(g, slice_of(text, strlen(text)), name, "t", err);
}

static void parse_lists(void **state)
{
	struct graph g;
	struct err err = {0};
	uint32_t old[5];

	assert_int_equal(parse("# comment\n0 1\n\n 2\t1\r\n1 2", NULL, &g, &err), 0);
	assert_int_equal(g.n, 3);
	assert_int_equal(g.m, 2);
	graph_free(&g);
	assert_int_equal(parse(collection, "one", &g, &err), 0);
	assert_string_equal(g.name, "x/one");
	graph_free(&g);
	assert_int_equal(parse(collection, "x/two", &g, &err), 0);
	assert_int_equal(g.n, 5);
	assert_int_equal(graph_largest(&g, old), 0);
	assert_int_equal(g.n, 3);
	assert_int_equal(g.m, 2);
	assert_string_equal(g.name, "x/two");
	assert_int_equal(old[0], 2);
	assert_int_equal(old[2], 4);
	graph_free(&g);
}

static void parse_errors(void **state)
{
	static const struct {
		const char *text;
		const char *name;
		int rc;
		const char *where;
	} want[] = {
		{collection, NULL, -EINVAL, "t:4"},
		{collection, "two", -EINVAL, "t:8"},
		{collection, "three", -ENOENT, "t"},
		{collection, "wo", -ENOENT, "t"},
		{"0 1\n1 1\n", NULL, -EINVAL, "t:2"},
		{"0 1\n1\n", NULL, -EINVAL, "t:2"},
		{"0 1 5\n", NULL, -EINVAL, "t:1"},
		{"a b\n", NULL, -EINVAL, "t:1"},
		{"0 1048576\n", NULL, -EINVAL, "t:1"},
		{"# a nodes=2 edges=1\n0 2\n", NULL, -EINVAL, "t:2"},
		{"# a nodes=3 edges=5\n0 2\n", NULL, -EINVAL, "t"},
		{"# a nodes=3\n0 2\n", NULL, -EINVAL, "t:1"},
		{"0 1\n# a nodes=2 edges=1\n0 1\n", NULL, -EINVAL, "t:2"},
		{"0 1\n", "a", -ENOENT, "t"},
		{"", NULL, -EINVAL, "t"},
	};
	size_t i;

	for (i = 0; i < sizeof(want) / sizeof(*want); i++) {
		struct graph g;
		struct err err = {0};

		assert_int_equal(parse(want[i].text, want[i].name, &g, &err), want[i].rc);
		assert_string_equal(err.where, want[i].where);
		assert_true(err.what[0] != '\0');
	}
}

static void packed_file(void **state)
{
	char path[] = "/tmp/graph-test-XXXXXX";
	int fd = mkstemp(path);
	gzFile f;
	struct graph g;
	struct err err = {0};
	char spec[64];

	assert_true(fd >= 0);
	f = gzdopen(fd, "wb");
	assert_int_equal(gzputs(f, collection), (int)strlen(collection));
	gzclose(f);
	snprintf(spec, sizeof(spec), "file:%s:y/two", path);
	assert_int_equal(graph_make(&g, spec, 0, &err), 0);
	assert_int_equal(g.n, 2);
	graph_free(&g);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(arcs_are_sorted_and_mutual),
		cmocka_unit_test(grid_distances),
		cmocka_unit_test(random_geometric),
		cmocka_unit_test(barabasi_albert),
		cmocka_unit_test(watts_strogatz),
		cmocka_unit_test(bad_specs),
		cmocka_unit_test(parse_lists),
		cmocka_unit_test(parse_errors),
		cmocka_unit_test(packed_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
