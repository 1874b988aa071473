/* SPDX-License-Identifier: BSD-2-Clause */
/* Nodes that come together, come back, or lie; and what `dep kira` says of a node is what the topology is. */
#include "test/e2e.h"

#include "base/rng.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT 8080

/* ---- coming together and coming back */

/* Two grids of 3x3 (0 to 8, 9 to 17) that a link 8-9 joins later. */
static void two_networks_merge(void **state)
{
	struct lab_edge edges[25];
	struct prober_state st;
	unsigned m = 0;
	usec_t at;
	usec_t took;
	int bridge;

	for (unsigned i = 0; i < 18; i++) {
		if (i % 3 < 2)
			edges[m++] = (struct lab_edge){i, i + 1};
		if (i % 9 < 6)
			edges[m++] = (struct lab_edge){i, i + 3};
	}
	edges[m++] = (struct lab_edge){8, 9};
	assert_int_equal(m, 25);
	e2e_make_edges(18, edges, m);
	bridge = lab_find_link(net.lab, 8, 9);
	assert_true(bridge >= 0);
	assert_int_equal(lab_cut(net.lab, (unsigned)bridge, 2), 0);
	e2e_start_all();
	e2e_expect();
	assert_true(e2e_wait_all(SEC(60)) != USEC_NEVER);
	prober_state(net.prober, &st);
	assert_int_equal(st.expected, 2 * 9 * 8);
	e2e_rest(SEC(2));

	prober_restart(net.prober);
	at = clock_now();
	assert_int_equal(lab_heal(net.lab, (unsigned)bridge), 0);
	e2e_expect();
	assert_true(e2e_wait_all(SEC(60)) != USEC_NEVER);
	prober_state(net.prober, &st);
	took = st.all_at - at;
	e2e_say("two networks of 9 nodes are one %.2f s after the link between them is up", (double)took / 1e6);
	assert_int_equal(st.expected, 18 * 17);
	assert_true(took > 0 && took <= E2E_BOUND(SEC(3)));
	assert_true(e2e_settle(SEC(1), SEC(20)));
}

/* The NodeID that the daemon says is its own: the address could be left over from another. */
static struct kira_id said_id(unsigned i)
{
	yyjson_doc *doc = e2e_dep(i, "show");
	struct kira_id id;

	assert_non_null(doc);
	assert_int_equal(kira_id_parse(yyjson_get_str(yyjson_ptr_get(yyjson_doc_get_root(doc), "/node/id")), &id), 0);
	yyjson_doc_free(doc);
	return id;
}

/* A node loses its power and comes back: the same NodeID, and reached as before; the others go round it meanwhile. */
static void node_comes_back(void **state)
{
	const unsigned i = 4;
	struct kira_id before;
	struct kira_id after;
	struct e2e_fault f;
	usec_t at;

	e2e_make("grid:3x3");
	e2e_start_all();
	e2e_expect();
	assert_true(e2e_wait_all(SEC(60)) != USEC_NEVER);
	e2e_rest(SEC(2));
	before = e2e_id(i);
	prober_remove(net.prober, i);
	at = clock_now();
	assert_int_equal(lab_kill(net.lab, i), 0);
	e2e_expect();
	e2e_judge(&f, at, SEC(1), E2E_BOUND(SEC(5)));
	e2e_say("killed: %u pairs of the others cut off, worst %u>%u %lld ms", f.hit, f.worst.s, f.worst.d,
		(long long)f.worst.length / 1000);
	assert_int_equal(f.open, 0);
	assert_true(f.worst.length <= E2E_BOUND(SEC(5)));

	prober_restart(net.prober);
	e2e_start(i);
	assert_int_equal(prober_add(net.prober, i), 0);
	e2e_expect();
	at = e2e_wait_all(SEC(60));
	assert_true(at != USEC_NEVER);
	e2e_say("back: all pairs answer %.2f s after its start", (double)at / 1e6);
	assert_true(at <= E2E_BOUND(SEC(5)));
	assert_true(e2e_settle(SEC(1), SEC(20)));
	after = said_id(i);
	assert_true(kira_id_eq(&before, &after));
}

/* ---- a liar on a link */

/* The last node has a link and no daemon; what is sent from there is hostile. */
#define LIAR 9

static int liar_socket(int hops)
{
	int fd;

	assert_int_equal(lab_enter(net.lab, LIAR), 0);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	lab_leave(net.lab);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)), 0);
	return fd;
}

/* KIRA datagrams that pass a link of the others: to be replayed and bent. */
struct sample {
	size_t n;
	uint8_t b[1500];
};

static unsigned collect(struct sample *out, unsigned max)
{
	unsigned n = 0;
	int fd = lab_capture(net.lab, 0, 0);
	usec_t until = clock_now() + SEC(20);

	assert_true(fd >= 0);
	while (n < max && clock_now() < until) {
		uint8_t f[2048];
		ssize_t got;

		e2e_rest(MSEC(20));
		while (n < max && (got = recv(fd, f, sizeof(f), 0)) > 0) {
			if (got < 62 || f[12] != 0x86 || f[13] != 0xdd || f[20] != IPPROTO_UDP ||
			    (f[56] << 8) + f[57] != PORT || (size_t)got - 62 > sizeof(out[n].b))
				continue;
			out[n].n = (size_t)got - 62;
			memcpy(out[n++].b, f + 62, (size_t)got - 62);
		}
	}
	close(fd);
	return n;
}

/* One datagram: garbage, or a real one bent in some bytes, cut, or as it was. */
static size_t lie(struct rng *rng, const struct sample *samples, unsigned n, uint8_t *b)
{
	size_t len;

	if (n == 0 || rng_below(rng, 4) == 0) {
		len = (size_t)rng_below(rng, 1400);
		for (size_t i = 0; i < len; i++)
			b[i] = (uint8_t)rng_below(rng, 256);
		return len;
	}
	samples += rng_below(rng, n);
	len = samples->n;
	memcpy(b, samples->b, len);
	for (unsigned k = (unsigned)rng_below(rng, 5); k > 0 && len; k--)
		b[rng_below(rng, len)] = (uint8_t)rng_below(rng, 256);
	if (rng_below(rng, 4) == 0)
		len = (size_t)rng_below(rng, len + 1);
	return len;
}

static uint64_t number(yyjson_val *v)
{
	return yyjson_is_str(v) ? strtoull(yyjson_get_str(v), NULL, 10) : yyjson_get_uint(v);
}

/* Sum of the drops that a node counted. */
static uint64_t drops(unsigned i)
{
	yyjson_doc *doc = e2e_dep(i, "show");
	yyjson_val *list;
	yyjson_val *e;
	uint64_t sum = 0;
	size_t k;
	size_t max;

	assert_non_null(doc);
	list = yyjson_ptr_get(yyjson_doc_get_root(doc), "/statistics/drop");
	yyjson_arr_foreach(list, k, max, e) sum += number(yyjson_obj_get(e, "count"));
	yyjson_doc_free(doc);
	return sum;
}

/* 3x3 grid, and the liar beside its middle. For some seconds 500 datagrams a second, one in three with a hop limit that
 * cannot be of this link: no pair loses its way, no daemon ends, and the lies are counted. */
static void lies_do_not_disturb(void **state)
{
	static struct sample samples[64];
	struct sockaddr_in6 to[2] = {{.sin6_family = AF_INET6, .sin6_port = htons(PORT)}};
	struct lab_edge edges[13];
	struct prober_gap *gaps;
	struct rng rng;
	uint64_t before;
	uint64_t dropped;
	unsigned n_samples;
	unsigned sent = 0;
	unsigned m = 0;
	usec_t from;
	int fd[3];
	int n;

	for (unsigned i = 0; i < 9; i++) {
		if (i % 3 < 2)
			edges[m++] = (struct lab_edge){i, i + 1};
		if (i < 6)
			edges[m++] = (struct lab_edge){i, i + 3};
	}
	edges[m++] = (struct lab_edge){4, LIAR};
	e2e_make_edges(10, edges, m);
	gaps = calloc((size_t)net.n * net.n, sizeof(*gaps));
	assert_non_null(gaps);
	for (unsigned i = 0; i < 9; i++)
		e2e_start(i);
	e2e_expect();
	assert_true(e2e_wait_all(SEC(60)) != USEC_NEVER);
	n_samples = collect(samples, 64);
	assert_true(n_samples > 8);

	n = lab_find_link(net.lab, 4, LIAR);
	assert_true(n >= 0);
	inet_pton(AF_INET6, "ff02::1", &to[0].sin6_addr);
	to[0].sin6_scope_id = lab_link(net.lab, (unsigned)n)->end[1].ifindex;
	to[1] = to[0];
	to[1].sin6_addr = lab_link(net.lab, (unsigned)n)->end[0].linklocal;
	fd[0] = liar_socket(255);
	fd[1] = liar_socket(255);
	fd[2] = liar_socket(64);
	rng_seed(&rng, 7);
	before = drops(4);
	from = clock_now();
	while (clock_now() - from < (E2E_SMALL ? SEC(4) : SEC(8))) {
		uint8_t b[2048];

		e2e_rest(MSEC(20));
		for (unsigned k = 0; k < 10; k++, sent++) {
			size_t len = lie(&rng, samples, n_samples, b);

			sendto(fd[sent % 3], b, len, 0, (struct sockaddr *)&to[rng_below(&rng, 2)], sizeof(to[0]));
		}
	}
	n = prober_gaps(net.prober, from, clock_now(), gaps);
	dropped = drops(4) - before;
	e2e_say("%u hostile datagrams made of %u real ones: %llu dropped by the core; %d pairs had a gap, the longest %u>%u %lld ms", sent,
		n_samples, (unsigned long long)dropped, n, n ? gaps[0].s : 0, n ? gaps[0].d : 0,
		n ? (long long)gaps[0].length / 1000 : 0);
	for (unsigned k = 0; k < 3; k++)
		close(fd[k]);
	assert_true(e2e_settle(SEC(1), SEC(20)));
	/* Those with a right hop limit reach the core; many of them cannot be read. */
	assert_true(dropped > sent / 10);
	assert_int_equal(n, 0);
	free(gaps);
}

/* ---- what dep says */

static void id_text(unsigned i, char text[KIRA_ID_TEXT])
{
	struct kira_id id = e2e_id(i);

	kira_id_format(&id, text);
}

static int node_of(yyjson_val *v)
{
	struct kira_id id;

	if (!yyjson_is_str(v) || kira_id_parse(yyjson_get_str(v), &id) < 0)
		return -1;
	return e2e_node(&id);
}

/* A way along links of the topology, from one node to another. */
static void assert_way(unsigned from, yyjson_val *path, unsigned to)
{
	int at = (int)from;
	yyjson_val *v;
	size_t k;
	size_t max;

	yyjson_arr_foreach(path, k, max, v)
	{
		int next = node_of(v);

		assert_true(next >= 0);
		assert_non_null(graph_find(&net.graph, (uint32_t)at, (uint32_t)next));
		at = next;
	}
	assert_int_equal(at, to);
}

/* Neighbours are those of the graph; contacts have paths that exist. */
static void check_nodes(unsigned i)
{
	yyjson_doc *doc = e2e_dep(i, "nodes");
	yyjson_val *list;
	yyjson_val *e;
	size_t k;
	size_t max;

	assert_non_null(doc);
	list = yyjson_obj_get(yyjson_doc_get_root(doc), "neighbours");
	assert_int_equal(yyjson_arr_size(list), graph_degree(&net.graph, i));
	yyjson_arr_foreach(list, k, max, e)
	{
		int j = node_of(yyjson_obj_get(e, "id"));
		char link[16];

		assert_true(j >= 0);
		snprintf(link, sizeof(link), "to-%d", j);
		assert_string_equal(yyjson_get_str(yyjson_obj_get(e, "link")), link);
	}
	list = yyjson_obj_get(yyjson_doc_get_root(doc), "contacts");
	/* Fewer than a bucket: so it knows all. */
	assert_int_equal(yyjson_arr_size(list), net.n - 1);
	yyjson_arr_foreach(list, k, max, e)
	{
		int j = node_of(yyjson_obj_get(e, "id"));

		assert_true(j >= 0);
		if (yyjson_equals_str(yyjson_obj_get(e, "state"), "valid"))
			assert_way(i, yyjson_obj_get(e, "path"), (unsigned)j);
	}
	yyjson_doc_free(doc);
}

/* Each node of the vicinity at its true distance, with links that exist. */
static void check_vicinity(unsigned i)
{
	yyjson_doc *doc = e2e_dep(i, "vicinity");
	uint32_t dist[64];
	uint32_t queue[64];
	yyjson_val *e;
	size_t near = 0;
	size_t seen = 0;
	size_t k;
	size_t max;

	assert_non_null(doc);
	graph_bfs(&net.graph, i, NULL, NULL, dist, queue);
	for (unsigned j = 0; j < net.n; j++)
		near += dist[j] <= 2;
	yyjson_arr_foreach(yyjson_doc_get_root(doc), k, max, e)
	{
		int j = node_of(yyjson_obj_get(e, "id"));
		yyjson_val *v;
		size_t l;
		size_t m;

		assert_true(j >= 0);
		assert_int_equal(number(yyjson_obj_get(e, "distance")), dist[j]);
		seen += dist[j] <= 2;
		yyjson_arr_foreach(yyjson_obj_get(e, "neighbour"), l, m, v)
		{
			int to = node_of(v);

			assert_true(to >= 0);
			assert_non_null(graph_find(&net.graph, (uint32_t)j, (uint32_t)to));
		}
	}
	assert_true(seen >= near - 1);
	yyjson_doc_free(doc);
}

/* Both tables lead to links that exist; labels of the PathID table are all of entries here or of a neighbour. */
static void check_tables(unsigned i)
{
	static const char *const verbs[] = {"routes", "paths"};

	for (unsigned t = 0; t < 2; t++) {
		yyjson_doc *doc = e2e_dep(i, verbs[t]);
		yyjson_val *e;
		size_t k;
		size_t max;

		assert_non_null(doc);
		assert_true(yyjson_arr_size(yyjson_doc_get_root(doc)) >= graph_degree(&net.graph, i));
		yyjson_arr_foreach(yyjson_doc_get_root(doc), k, max, e)
		{
			const char *link = yyjson_get_str(yyjson_obj_get(e, "link"));

			assert_non_null(yyjson_get_str(yyjson_obj_get(e, "action")));
			if (!link)
				continue;
			assert_memory_equal(link, "to-", 3);
			assert_non_null(graph_find(&net.graph, i, (uint32_t)strtoul(link + 3, NULL, 10)));
		}
		yyjson_doc_free(doc);
	}
}

static void check_trace(unsigned s, unsigned d)
{
	char args[64] = "trace ";
	yyjson_doc *doc;
	yyjson_val *hops;
	yyjson_val *e;
	size_t k;
	size_t max;
	int at = -1;

	id_text(d, args + strlen(args));
	doc = e2e_dep(s, args);
	assert_non_null(doc);
	assert_true(yyjson_is_true(yyjson_obj_get(yyjson_doc_get_root(doc), "reached")));
	hops = yyjson_obj_get(yyjson_doc_get_root(doc), "hop");
	assert_true(yyjson_arr_size(hops) >= 2);
	yyjson_arr_foreach(hops, k, max, e)
	{
		int next = node_of(yyjson_obj_get(e, "id"));

		assert_true(next >= 0);
		if (k == 0)
			assert_int_equal(next, s);
		else
			assert_non_null(graph_find(&net.graph, (uint32_t)at, (uint32_t)next));
		at = next;
	}
	assert_int_equal(at, d);
	yyjson_doc_free(doc);
}

static void dep_tells_the_topology(void **state)
{
	e2e_make("grid:4x3");
	e2e_start_all();
	e2e_expect();
	assert_true(e2e_wait_all(SEC(60)) != USEC_NEVER);
	e2e_rest(SEC(5));
	for (unsigned i = 0; i < net.n; i++) {
		check_nodes(i);
		check_vicinity(i);
		check_tables(i);
	}
	for (unsigned d = 1; d < net.n; d++)
		check_trace(0, d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(two_networks_merge, e2e_down),
		cmocka_unit_test_teardown(node_comes_back, e2e_down),
		cmocka_unit_test_teardown(lies_do_not_disturb, e2e_down),
		cmocka_unit_test_teardown(dep_tells_the_topology, e2e_down),
	};

	return e2e_begin() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
