/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/e2e.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEP MSEC(20)

struct e2e net;
unsigned e2e_max_fast = 250;
static bool added[LAB_MAX_NODES];

const char *e2e_build(void)
{
	static char path[512];
	ssize_t n;

	if (path[0])
		return path;
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	assert_true(n > 0);
	path[n] = 0;
	for (unsigned up = 0; up < 2; up++)
		*strrchr(path, '/') = 0;
	return path;
}

bool e2e_begin(void)
{
	char program[600];
	struct err err;

	/* Later /proc/self/exe may be a path of mounts that are gone. */
	snprintf(program, sizeof(program), "%s/proto/kira/node/dep-kira", e2e_build());
	setenv("DEP_KIRA", program, 1);
	/* libyang's use of strndup() on texts without an end is no overrun. */
	setenv("ASAN_OPTIONS", "abort_on_error=1:detect_stack_use_after_return=1", 1);
	if (lab_isolate(&err) == 0)
		return true;
	printf("1..0 # SKIP %s\n", err.what);
	return false;
}

void e2e_say(const char *fmt, ...)
{
	va_list ap;

	fputs("# ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

static void must(int rc, const struct err *err)
{
	if (rc >= 0)
		return;
	err_print(err, "e2e", stderr);
	fail();
}

static void make_lab(void)
{
	struct lab_params p = {.daemon = lab_daemon_find("kira"), .meter = true};
	struct lab_edge *edges = calloc(net.graph.m + 1, sizeof(*edges));
	struct err err;

	assert_non_null(edges);
	for (unsigned l = 0; l < net.graph.m; l++)
		edges[l] = (struct lab_edge){net.graph.edge[l].u, net.graph.edge[l].v};
	net.n = p.n = net.graph.n;
	p.n_edges = net.graph.m;
	p.edges = edges;
	net.lab = lab_new(&p, &err);
	free(edges);
	must(net.lab ? 0 : -1, &err);
	net.prober = prober_new(&(struct prober_params){.lab = net.lab, .max_fast = e2e_max_fast, .seed = 1}, &err);
	must(net.prober ? 0 : -1, &err);
	net.reach = calloc((size_t)net.n * net.n, sizeof(*net.reach));
	assert_non_null(net.reach);
	memset(added, 0, sizeof(added));
}

void e2e_make(const char *topology)
{
	char path[512];
	struct err err;

	if (strchr(topology, ':')) {
		must(graph_make(&net.graph, topology, 1, &err), &err);
	} else {
		snprintf(path, sizeof(path), "%s/lab/topologies/%s.edges", getenv("DEP_TOP"), topology);
		must(graph_load(&net.graph, path, NULL, &err), &err);
	}
	make_lab();
}

void e2e_make_edges(unsigned n, const struct lab_edge *edges, unsigned n_edges)
{
	struct graph_edge *e = calloc(n_edges + 1, sizeof(*e));

	assert_non_null(e);
	for (unsigned l = 0; l < n_edges; l++)
		e[l] = (struct graph_edge){edges[l].u, edges[l].v};
	assert_int_equal(graph_build(&net.graph, n, e, n_edges), 0);
	make_lab();
}

void e2e_start(unsigned i)
{
	struct err err;

	must(lab_start(net.lab, i, &err), &err);
	net.last_start = lab_node(net.lab, i)->started;
}

void e2e_start_all(void)
{
	for (unsigned i = 0; i < net.n; i++)
		e2e_start(i);
}

void e2e_expect(void)
{
	lab_reachable(net.lab, net.reach);
	prober_expect(net.prober, net.reach);
}

/* The last lines of a daemon's log. */
static void show_log(unsigned i)
{
	char cmd[LAB_PATH + 32];
	char *text;

	snprintf(cmd, sizeof(cmd), "tail -n 20 %s/log", lab_node(net.lab, i)->dir);
	text = e2e_shell(i, cmd);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		e2e_say("node %u: %s", i, line);
	free(text);
}

static void step(void)
{
	usleep(STEP);
	if (!lab_poll(net.lab))
		return;
	for (unsigned i = 0; i < net.n; i++) {
		struct lab_node *node = lab_node(net.lab, i);

		/* lab_poll notices only those that nobody killed. */
		if (node->state == LAB_STOPPED && node->status != 0 && !(WIFSIGNALED(node->status) && WTERMSIG(node->status) == SIGKILL)) {
			show_log(i);
			fail_msg("dep-kira of node %u ended, wait status 0x%x", i, (unsigned)node->status);
		}
		if (node->state != LAB_RUNNING || !node->has_addr || added[i])
			continue;
		assert_int_equal(prober_add(net.prober, i), 0);
		added[i] = true;
	}
}

void e2e_rest(usec_t t)
{
	usec_t until = clock_now() + t;

	while (clock_now() < until)
		step();
}

usec_t e2e_wait_all(usec_t limit)
{
	struct prober_state st = {0};
	usec_t until = clock_now() + limit;

	while (!st.all_at && clock_now() < until) {
		step();
		prober_state(net.prober, &st);
	}
	if (!st.all_at)
		e2e_tell_missing();
	return st.all_at ? st.all_at - net.last_start : USEC_NEVER;
}

bool e2e_settle(usec_t calm, usec_t limit)
{
	usec_t until = clock_now() + limit;
	usec_t since = 0;

	while (clock_now() < until) {
		struct prober_state st;

		step();
		prober_state(net.prober, &st);
		if (st.answering < st.expected)
			since = 0;
		else if (!since)
			since = clock_now();
		else if (clock_now() - since >= calm)
			return true;
	}
	e2e_tell_missing();
	return false;
}

int e2e_down(void **state)
{
	prober_free(net.prober);
	lab_free(net.lab);
	graph_free(&net.graph);
	free(net.reach);
	memset(&net, 0, sizeof(net));
	return 0;
}

struct kira_id e2e_id(unsigned i)
{
	struct kira_addr a;
	struct kira_id id;

	memcpy(a.b, &lab_node(net.lab, i)->addr, sizeof(a.b));
	assert_true(lab_node(net.lab, i)->has_addr && kira_addr_id(0xfc00, &a, &id));
	return id;
}

int e2e_node(const struct kira_id *id)
{
	for (unsigned i = 0; i < net.n; i++) {
		struct kira_id own;

		if (!lab_node(net.lab, i)->has_addr)
			continue;
		own = e2e_id(i);
		if (kira_id_eq(&own, id))
			return (int)i;
	}
	return -1;
}

static char *read_all(FILE *f)
{
	size_t cap = 1 << 16;
	size_t n = 0;
	char *text = malloc(cap);

	assert_non_null(text);
	for (;;) {
		size_t got = fread(text + n, 1, cap - n - 1, f);

		n += got;
		if (got == 0)
			break;
		if (cap - n < 2) {
			text = realloc(text, cap *= 2);
			assert_non_null(text);
		}
	}
	text[n] = 0;
	return text;
}

char *e2e_shell(unsigned i, const char *command)
{
	FILE *f;
	char *text;

	assert_int_equal(lab_enter(net.lab, i), 0);
	f = popen(command, "re");
	lab_leave(net.lab);
	assert_non_null(f);
	text = read_all(f);
	pclose(f);
	return text;
}

yyjson_doc *e2e_dep(unsigned i, const char *args)
{
	char cmd[1024];
	yyjson_doc *doc;
	char *text;

	snprintf(cmd, sizeof(cmd), "%s/node/dep kira %s --json --socket %s/run/kira.sock", e2e_build(), args,
		 lab_node(net.lab, i)->dir);
	text = e2e_shell(i, cmd);
	doc = yyjson_read(text, strlen(text), 0);
	free(text);
	return doc;
}

/* The entry of node at's NodeID table that a packet to `to` meets: the longest prefix. NULL: none. */
static yyjson_val *route_of(yyjson_doc *routes, const struct in6_addr *to)
{
	yyjson_val *best = NULL;
	int best_bits = -1;
	yyjson_val *e;
	size_t i;
	size_t max;

	yyjson_arr_foreach(yyjson_doc_get_root(routes), i, max, e)
	{
		char text[64];
		struct in6_addr a;
		char *slash;
		int bits;

		snprintf(text, sizeof(text), "%s", yyjson_get_str(yyjson_obj_get(e, "prefix")));
		slash = strchr(text, '/');
		bits = slash ? (int)strtol(slash + 1, NULL, 10) : 128;
		if (slash)
			*slash = 0;
		if (inet_pton(AF_INET6, text, &a) != 1 || bits <= best_bits)
			continue;
		for (int b = 0; b < bits; b++)
			if (((a.s6_addr[b / 8] ^ to->s6_addr[b / 8]) >> (7 - b % 8)) & 1)
				bits = -1;
		if (bits < 0)
			continue;
		best = e;
		best_bits = bits;
	}
	return best;
}

static void say_json(const char *what, unsigned i, yyjson_val *v)
{
	char *text = v ? yyjson_val_write(v, 0, NULL) : NULL;

	e2e_say("  node %u: %s: %s", i, what, text ? text : "nothing");
	free(text);
}

static void say_contact(unsigned i, unsigned d)
{
	yyjson_doc *nodes = e2e_dep(i, "nodes");
	struct kira_id id = e2e_id(d);
	char text[KIRA_ID_TEXT];
	yyjson_val *c;
	size_t k;
	size_t max;

	kira_id_format(&id, text);
	yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(nodes), "contacts"), k, max, c)
		if (yyjson_equals_str(yyjson_obj_get(c, "id"), text))
			say_json("contact", i, c);
	yyjson_doc_free(nodes);
}

/* The entry of node at's PathID table for this label. */
static yyjson_val *label_of(yyjson_doc *paths, const char *label)
{
	yyjson_val *e;
	size_t i;
	size_t max;

	yyjson_arr_foreach(yyjson_doc_get_root(paths), i, max, e)
		if (yyjson_equals_str(yyjson_obj_get(e, "path-id"), label))
			return e;
	return NULL;
}

/* The neighbour at the other end of interface "to-N". */
static int next_hop(yyjson_val *entry)
{
	const char *link = yyjson_get_str(yyjson_obj_get(entry, "link"));

	return link && strncmp(link, "to-", 3) == 0 ? (int)strtol(link + 3, NULL, 10) : -1;
}

/* Follows the tables from s to d as a packet would: by NodeID where it is not under way on a path, else by PathID. */
void e2e_explain(unsigned s, unsigned d)
{
	const struct in6_addr *to = &lab_node(net.lab, d)->addr;
	char label[64] = "";
	unsigned at = s;

	e2e_say("the way from %u to %u:", s, d);
	for (unsigned hops = 0; hops < 24 && at != d; hops++) {
		yyjson_doc *doc = e2e_dep(at, label[0] ? "paths" : "routes");
		yyjson_val *e = label[0] ? label_of(doc, label) : route_of(doc, to);
		const char *out = yyjson_get_str(yyjson_obj_get(e, "label"));
		int next = next_hop(e);

		say_json(label[0] ? "path" : "route", at, e);
		if (!label[0])
			say_contact(at, d);
		snprintf(label, sizeof(label), "%s", out ? out : "");
		yyjson_doc_free(doc);
		if (!e || (next < 0 && hops > 0 && label[0]))
			break;
		if (next < 0)
			continue;
		if (lab_find_link(net.lab, at, (unsigned)next) < 0 ||
		    !lab_link_works(net.lab, (unsigned)lab_find_link(net.lab, at, (unsigned)next)))
			e2e_say("  the link %u-%d is broken", at, next);
		at = (unsigned)next;
	}
}

static int longer(const void *a, const void *b)
{
	usec_t x = ((const struct prober_gap *)a)->length;
	usec_t y = ((const struct prober_gap *)b)->length;

	return (x < y) - (x > y);
}

/* Of a pair that is probed slowly only the time from the first to the last lost probe is sure. The longest come first again. */
static void sharpen(struct prober_gap *gaps, unsigned n)
{
	for (unsigned k = 0; k < n; k++) {
		usec_t grain = gaps[k].length / gaps[k].lost;

		if (grain > MSEC(20))
			gaps[k].length -= grain;
	}
	qsort(gaps, n, sizeof(*gaps), longer);
}

void e2e_judge(struct e2e_fault *f, usec_t at, usec_t dwell, usec_t bound)
{
	struct prober_gap *gaps = calloc((size_t)net.n * net.n, sizeof(*gaps));
	struct prober_state st;
	int hit;

	assert_non_null(gaps);
	e2e_rest(at + dwell - clock_now());
	/* So that also a pair that is probed slowly has been seen to answer. */
	prober_state(net.prober, &st);
	e2e_settle(st.slow_every + MSEC(300), at + bound + SEC(1) - clock_now());
	hit = prober_gaps(net.prober, at - MSEC(20), clock_now(), gaps);
	assert_true(hit >= 0);
	sharpen(gaps, (unsigned)hit);
	*f = (struct e2e_fault){.at = at, .hit = (unsigned)hit};
	for (int k = 0; k < hit; k++)
		f->open += gaps[k].open;
	if (hit) {
		f->worst = gaps[0];
		f->median = gaps[hit / 2].length;
	}
	free(gaps);
}

void e2e_tell_missing(void)
{
	uint8_t *m = calloc(net.n, net.n);
	unsigned told = 0;

	assert_non_null(m);
	prober_matrix(net.prober, m);
	for (unsigned i = 0; i < net.n; i++)
		if (lab_node(net.lab, i)->state == LAB_RUNNING && !lab_node(net.lab, i)->has_addr) {
			e2e_say("node %u has no address", i);
			show_log(i);
		}
	for (unsigned x = 0; x < net.n * net.n; x++) {
		if (m[x] != PAIR_BAD)
			continue;
		if (told++ < 2)
			e2e_explain(x / net.n, x % net.n);
	}
	e2e_say("%u pairs that ought to answer do not", told);
	free(m);
}
