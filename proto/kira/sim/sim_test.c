/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine, and whether walks, the checker and surveys find what is wrong: forwarding entries planted by hand take the
 * place of the cores' own. Whole runs are in runs_test.py. */
#include "proto/kira/sim/play.h"
#include "proto/kira/sim/report.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PLANTS_MAX 32

/* The linker leads look-ups here (--wrap). */
const struct kira_fwd *__real_kira_lookup_node(const struct kira *k, const struct kira_id *id);
const struct kira_fwd *__real_kira_lookup_path(const struct kira *k, const struct kira_id *path_id);
const struct kira_fwd *__wrap_kira_lookup_node(const struct kira *k, const struct kira_id *id);
const struct kira_fwd *__wrap_kira_lookup_path(const struct kira *k, const struct kira_id *path_id);

struct plant {
	const struct kira *k;
	bool path;
	struct kira_id id;
	struct kira_fwd to;
};

static struct plant plants[PLANTS_MAX];
static size_t n_plants;

static const struct kira_fwd *planted(const struct kira *k, bool path, const struct kira_id *id)
{
	size_t i;

	for (i = 0; i < n_plants; i++) {
		if (plants[i].k == k && plants[i].path == path && kira_id_eq(&plants[i].id, id))
			return &plants[i].to;
	}
	return NULL;
}

const struct kira_fwd *__wrap_kira_lookup_node(const struct kira *k, const struct kira_id *id)
{
	const struct kira_fwd *to = planted(k, false, id);

	return to ? to : __real_kira_lookup_node(k, id);
}

const struct kira_fwd *__wrap_kira_lookup_path(const struct kira *k, const struct kira_id *path_id)
{
	const struct kira_fwd *to = planted(k, true, path_id);

	return to ? to : __real_kira_lookup_path(k, path_id);
}

/* A network with its checker. */
struct net {
	struct graph g;
	struct sim *s;
	struct check *c;
	struct err err;
};

static struct sim_params defaults(void)
{
	struct sim_params p;

	sim_params_default(&p);
	p.spread = 0;
	return p;
}

static void net_make(struct net *n, const char *topology, const struct sim_params *p)
{
	struct check_params check;

	*n = (struct net){0};
	n_plants = 0;
	if (graph_make(&n->g, topology, p->seed, &n->err) < 0)
		fail_msg("%s: %s", topology, n->err.what);
	n->s = sim_new(&n->g, p, &n->err);
	assert_non_null(n->s);
	check_params_default(&check);
	check.seed = p->seed;
	n->c = check_new(n->s, &check);
	assert_non_null(n->c);
}

static void net_run(struct net *n, usec_t until)
{
	if (sim_run(n->s, until) < 0)
		fail_msg("%s: %s", n->err.where, n->err.what);
}

static void net_free(struct net *n)
{
	check_free(n->c);
	sim_free(n->s);
	graph_free(&n->g);
	n_plants = 0;
}

static struct kira_id label(uint8_t which)
{
	struct kira_id id = {{0x77, which}};

	return id;
}

/* Has node `at` send what goes to the NodeID of `dst`, or carries the label `id`, as `to` says; out of its link to
 * `next`, unless that is no neighbour. */
static struct kira_fwd *plant(struct net *n, uint32_t at, bool path, const struct kira_id *id, uint8_t kind,
			      uint32_t next)
{
	struct plant *p = &plants[n_plants++];
	uint32_t arc = sim_arc_of(n->s, at, next);

	assert_true(n_plants <= PLANTS_MAX);
	*p = (struct plant){.k = n->s->node[at].k, .path = path, .id = *id, .to.kind = kind};
	if (arc != UINT32_MAX) {
		p->to.link = arc - n->g.first[at];
		p->to.via = sim_addr(next, n->s->arc[arc].rev - n->g.first[next]);
	}
	n->s->table_changes++;
	return &p->to;
}

static struct kira_fwd *plant_node(struct net *n, uint32_t at, uint32_t dst, uint8_t kind, uint32_t next)
{
	return plant(n, at, false, &n->s->node[dst].id, kind, next);
}

static void unplant(struct net *n)
{
	n_plants = 0;
	n->s->table_changes++;
}

static void expect(struct net *n, uint32_t src, uint32_t dst, enum walk_end end, uint32_t where)
{
	struct walk w = walk_packet(n->s, src, dst, NULL, 0);

	if (w.end != end || w.node != where)
		fail_msg("%u to %u: %s at %u, not %s at %u", src, dst, walk_end_name(w.end), w.node,
			 walk_end_name(end), where);
}

/* The report of a run with faults; the caller frees it. */
static char *report_of(uint64_t seed)
{
	static const char text[] = "at 3s cut 3 random links for 2s\nat 4s crash 1 random node";
	struct sim_params p = defaults();
	struct script faults = {0};
	struct snapshot begin;
	struct survey v;
	struct net n;
	struct play *play;
	struct report r;
	char *bytes = NULL;
	size_t size;
	FILE *f = open_memstream(&bytes, &size);

	assert_non_null(f);
	p.seed = seed;
	p.jitter = MSEC(1);
	p.loss = 0.01;
	p.spread = SEC(1);
	net_make(&n, "ba:30", &p);
	assert_int_equal(script_parse(&faults, slice_of(text, strlen(text)), n.g.n, "faults", &n.err), 0);
	play = play_new(n.c, n.s, &faults, seed, NULL, NULL, &n.err);
	assert_non_null(play);
	assert_int_equal(snapshot_take(&begin, n.s), 0);
	net_run(&n, SEC(8));
	assert_int_equal(check_survey(n.c, &v), 0);
	r = (struct report){.s = n.s, .c = n.c, .settled = &begin, .survey = &v, .n_surveys = 1};
	assert_int_equal(report_json(&r, f), 0);
	fclose(f);
	play_free(play);
	script_free(&faults);
	snapshot_free(&begin);
	net_free(&n);
	return bytes;
}

static void one_seed_one_result(void **state)
{
	char *first = report_of(7);
	char *again = report_of(7);
	char *other = report_of(8);

	assert_true(strlen(first) > 1000);
	assert_string_equal(first, again);
	assert_string_not_equal(first, other);
	free(first);
	free(again);
	free(other);
}

static struct sim_count sum(struct sim_count a, struct sim_count b)
{
	return (struct sim_count){a.frames + b.frames, a.bytes + b.bytes};
}

static void same_count(struct sim_count a, struct sim_count b)
{
	assert_int_equal(a.frames, b.frames);
	assert_int_equal(a.bytes, b.bytes);
}

/* The engine counts by node, by link and by type, the cores count for themselves: all must agree. */
static void every_byte_is_counted_once(void **state)
{
	struct sim_params p = defaults();
	struct sim_count nodes = {0};
	struct sim_count received = {0};
	struct sim_count links = {0};
	struct sim_count types = {0};
	uint64_t lost = 0;
	struct net n;
	uint32_t i;

	p.loss = 0.02;
	net_make(&n, "ba:40", &p);
	net_run(&n, SEC(5));
	sim_arc_silent(n.s, 3, true);
	net_run(&n, SEC(8));
	/* Without carrier nothing is sent, and what was under way is lost: nothing is in flight at the end. */
	for (i = 0; i < n.g.m; i++)
		sim_edge_carrier(n.s, i, false);
	net_run(&n, SEC(9));
	for (i = 0; i < n.g.n; i++) {
		const struct sim_node *x = &n.s->node[i];
		struct sim_count sent = sum(x->tx_own, x->tx_transit);
		const struct kira_stats *core = kira_stats(x->k);

		same_count(sent, (struct sim_count){core->tx_msgs, core->tx_bytes});
		same_count(x->rx, (struct sim_count){core->rx_msgs, core->rx_bytes});
		nodes = sum(nodes, sent);
		received = sum(received, x->rx);
	}
	for (i = 0; i < 2 * n.g.m; i++) {
		links = sum(links, n.s->arc[i].tx);
		lost += n.s->arc[i].lost;
	}
	for (i = 0; i < 256; i++)
		types = sum(types, sum(n.s->type_own[i], n.s->type_transit[i]));
	assert_true(nodes.frames > 1000 && lost > 0);
	same_count(nodes, links);
	same_count(nodes, types);
	assert_int_equal(lost, n.s->lost);
	assert_int_equal(nodes.frames, received.frames + lost);
	assert_int_equal(n.s->misaddressed, 0);
	net_free(&n);
}

static void delay_is_honoured(void **state)
{
	struct sim_params p = defaults();
	struct net n;
	uint32_t there;

	p.delay = MSEC(250);
	net_make(&n, "line:2", &p);
	there = sim_arc_of(n.s, 0, 1);
	n.s->arc[there].delay = MSEC(400);
	net_run(&n, MSEC(250) - 1);
	assert_true(n.s->node[0].tx_own.frames > 0);
	assert_int_equal(n.s->node[0].rx.frames, 0);
	net_run(&n, MSEC(250));
	assert_true(n.s->node[0].rx.frames > 0);
	net_run(&n, MSEC(400) - 1);
	assert_int_equal(n.s->node[1].rx.frames, 0);
	net_run(&n, MSEC(400));
	assert_true(n.s->node[1].rx.frames > 0);
	net_free(&n);
}

static void jitter_only_adds(void **state)
{
	struct sim_params p = defaults();
	struct net n;

	p.delay = MSEC(100);
	p.jitter = MSEC(50);
	net_make(&n, "line:2", &p);
	net_run(&n, MSEC(100) - 1);
	assert_int_equal(n.s->node[0].rx.frames + n.s->node[1].rx.frames, 0);
	net_run(&n, MSEC(150));
	assert_true(n.s->node[0].rx.frames > 0 && n.s->node[1].rx.frames > 0);
	net_free(&n);
}

/* At 8,000 bit/s a byte takes a millisecond. */
static void bandwidth_is_honoured(void **state)
{
	struct sim_params p = defaults();
	struct net n;
	const struct sim_arc *a;
	usec_t arrives;

	p.bandwidth = 8000;
	net_make(&n, "line:2", &p);
	net_run(&n, 0);
	a = &n.s->arc[sim_arc_of(n.s, 0, 1)];
	assert_int_equal(a->tx.frames, 1);
	arrives = MSEC((usec_t)a->tx.bytes + SIM_FRAME_OVERHEAD) + p.delay;
	net_run(&n, arrives - 1);
	assert_int_equal(n.s->node[1].rx.frames, 0);
	net_run(&n, arrives);
	assert_int_equal(n.s->node[1].rx.frames, 1);
	net_free(&n);
}

static void loss_is_honoured(void **state)
{
	struct sim_params p = defaults();
	struct net n;
	double sent = 0;
	double deviation;
	uint32_t i;

	p.loss = 0.25;
	net_make(&n, "grid:5x5", &p);
	net_run(&n, SEC(20));
	for (i = 0; i < 2 * n.g.m; i++)
		sent += (double)n.s->arc[i].tx.frames;
	deviation = sqrt(sent * p.loss * (1 - p.loss));
	assert_true(sent > 1000);
	assert_true(fabs((double)n.s->lost - sent * p.loss) < 5 * deviation);
	net_free(&n);

	p.loss = 0;
	net_make(&n, "grid:5x5", &p);
	net_run(&n, SEC(5));
	assert_int_equal(n.s->lost, 0);
	net_free(&n);
}

static void silence_has_a_direction(void **state)
{
	struct sim_params p = defaults();
	struct sim_count before[2];
	struct net n;

	net_make(&n, "line:2", &p);
	net_run(&n, SEC(2));
	sim_arc_silent(n.s, sim_arc_of(n.s, 0, 1), true);
	before[0] = n.s->node[0].rx;
	before[1] = n.s->node[1].rx;
	net_run(&n, SEC(10));
	assert_true(n.s->node[0].rx.frames > before[0].frames);
	assert_int_equal(n.s->node[1].rx.frames, before[1].frames);
	net_free(&n);
}

/* Converged, so that all but what is planted is right. */
static void settled(struct net *n, const char *topology)
{
	struct sim_params p = defaults();
	struct survey v;

	net_make(n, topology, &p);
	net_run(n, SEC(5));
	assert_int_equal(check_survey(n->c, &v), 0);
	assert_int_equal(v.pairs, (uint64_t)n->g.n * (n->g.n - 1));
	assert_int_equal(v.reached, v.pairs);
	assert_int_equal(check_loops(n->c), 0);
	assert_int_equal(check_open(n->c), 0);
}

static void walks_tell_where_they_end(void **state)
{
	struct net n;
	struct kira_id l = label(1);
	struct kira_fwd *to;
	uint32_t trail[8];
	struct walk w;

	settled(&n, "line:4");
	w = walk_packet(n.s, 0, 3, trail, 8);
	assert_int_equal(w.end, WALK_DELIVERED);
	assert_int_equal(w.hops, 3);
	assert_memory_equal(trail, ((uint32_t[]){0, 1, 2, 3}), 4 * sizeof(*trail));

	plant_node(&n, 0, 3, KIRA_FWD_NEIGHBOUR, 1);
	plant_node(&n, 1, 3, KIRA_FWD_NONE, 2);
	expect(&n, 0, 3, WALK_NO_NODE, 1);
	unplant(&n);
	plant_node(&n, 0, 3, KIRA_FWD_UNREACHABLE, 1);
	expect(&n, 0, 3, WALK_UNREACHABLE, 0);
	unplant(&n);
	plant_node(&n, 0, 3, KIRA_FWD_LOCAL, 1);
	expect(&n, 0, 3, WALK_BAD_ENTRY, 0);
	unplant(&n);
	plant_node(&n, 0, 3, KIRA_FWD_NEIGHBOUR, 1)->link = 1;
	expect(&n, 0, 3, WALK_BAD_ENTRY, 0);
	unplant(&n);
	plant_node(&n, 1, 3, KIRA_FWD_NEIGHBOUR, 2)->via = sim_addr(0, 0);
	expect(&n, 1, 3, WALK_BAD_ENTRY, 1);
	unplant(&n);

	plant_node(&n, 0, 3, KIRA_FWD_PATH, 1)->label = l;
	expect(&n, 0, 3, WALK_NO_PATH, 1);
	plant(&n, 1, true, &l, KIRA_FWD_PATH, 2)->label = l;
	to = plant(&n, 2, true, &l, KIRA_FWD_PATH, 3);
	to->label = l;
	plant(&n, 3, true, &l, KIRA_FWD_LOCAL, 2);
	expect(&n, 0, 3, WALK_DELIVERED, 3);
	plants[0].to.hop_limit = 2; /* one less than the path needs */
	assert_int_equal(walk_packet(n.s, 0, 3, NULL, 0).end, WALK_HOP_LIMIT);
	plants[0].to.hop_limit = 3;
	expect(&n, 0, 3, WALK_DELIVERED, 3);
	to->kind = KIRA_FWD_NEIGHBOUR;
	expect(&n, 0, 3, WALK_BAD_ENTRY, 2);
	net_free(&n);
}

static void walks_see_faults_of_the_network(void **state)
{
	struct net n;
	uint32_t a;

	settled(&n, "line:4");
	a = sim_arc_of(n.s, 1, 2);
	sim_arc_silent(n.s, a, true);
	expect(&n, 0, 3, WALK_SILENT, 1);
	expect(&n, 3, 0, WALK_DELIVERED, 0);
	sim_arc_silent(n.s, a, false);
	expect(&n, 0, 3, WALK_DELIVERED, 3);
	sim_node_freeze(n.s, 2);
	expect(&n, 0, 3, WALK_DELIVERED, 3);
	/* Its neighbours are told of no carrier, so their entries are kept as they were. */
	sim_node_kill(n.s, 2, false);
	expect(&n, 0, 3, WALK_GONE, 1);
	expect(&n, 2, 3, WALK_GONE, 2);
	net_free(&n);

	settled(&n, "line:4");
	plant_node(&n, 1, 3, KIRA_FWD_NEIGHBOUR, 2);
	sim_edge_carrier(n.s, n.s->arc[a].edge, false);
	expect(&n, 1, 3, WALK_LINK_DOWN, 1);
	net_free(&n);
}

static void walks_find_loops(void **state)
{
	struct net n;
	struct kira_id l[3] = {label(1), label(2), label(3)};
	uint32_t i;

	/* By NodeID. */
	settled(&n, "ring:6");
	plant_node(&n, 0, 3, KIRA_FWD_NEIGHBOUR, 1);
	plant_node(&n, 1, 3, KIRA_FWD_NEIGHBOUR, 0);
	assert_int_equal(walk_packet(n.s, 0, 3, NULL, 0).end, WALK_LOOP);
	unplant(&n);
	assert_int_equal(walk_packet(n.s, 0, 3, NULL, 0).end, WALK_DELIVERED);

	/* By one PathID, all round the ring; the source is outside the cycle of states. */
	plant_node(&n, 0, 3, KIRA_FWD_PATH, 1)->label = l[0];
	for (i = 0; i < 6; i++)
		plant(&n, i, true, &l[0], KIRA_FWD_PATH, (i + 1) % 6)->label = l[0];
	assert_int_equal(walk_packet(n.s, 0, 3, NULL, 0).end, WALK_LOOP);
	unplant(&n);

	/* By three PathIDs in turn between two nodes: the same node comes back in the same state after six hops. */
	plant_node(&n, 0, 3, KIRA_FWD_PATH, 1)->label = l[0];
	for (i = 0; i < 3; i++) {
		plant(&n, 0, true, &l[i], KIRA_FWD_PATH, 1)->label = l[(i + 1) % 3];
		plant(&n, 1, true, &l[i], KIRA_FWD_PATH, 0)->label = l[(i + 1) % 3];
	}
	assert_int_equal(walk_packet(n.s, 0, 3, NULL, 0).end, WALK_LOOP);
	/* Twice at one node in different states is none: of the same entries, that of node 1 for the last now ends it. */
	for (i = 0; i < n_plants; i++) {
		if (plants[i].k == n.s->node[1].k && kira_id_eq(&plants[i].id, &l[2]))
			plants[i].to = (struct kira_fwd){.kind = KIRA_FWD_LOCAL};
	}
	plant_node(&n, 1, 3, KIRA_FWD_NEIGHBOUR, 2);
	plant_node(&n, 2, 3, KIRA_FWD_NEIGHBOUR, 3);
	expect(&n, 0, 3, WALK_DELIVERED, 3);
	assert_int_equal(walk_packet(n.s, 0, 3, NULL, 0).hops, 5);
	unplant(&n);

	/* An encapsulation more at each hop. */
	plant_node(&n, 0, 3, KIRA_FWD_PATH, 1)->label = l[0];
	for (i = 0; i < 2; i++) {
		struct kira_fwd *to = plant(&n, i, true, &l[0], KIRA_FWD_PATH, 1 - i);

		to->label = l[0];
		to->bypass = true;
		to->outer = l[0];
	}
	assert_int_equal(walk_packet(n.s, 0, 3, NULL, 0).end, WALK_STACK_FULL);
	net_free(&n);
}

static const struct check_failure *failure_of(const struct survey *v, uint32_t src, uint32_t dst)
{
	uint32_t i;

	for (i = 0; i < v->n_failures; i++) {
		if (v->failure[i].src == src && v->failure[i].dst == dst)
			return &v->failure[i];
	}
	return NULL;
}

static void surveys_find_what_is_planted(void **state)
{
	const struct check_failure *f;
	const struct check_loop *loop;
	struct kira_id l = label(1);
	struct survey v;
	struct net n;

	settled(&n, "line:4");
	plant_node(&n, 1, 3, KIRA_FWD_NONE, 2);
	assert_int_equal(check_survey(n.c, &v), 0);
	f = failure_of(&v, 1, 3);
	assert_non_null(f);
	assert_int_equal(f->end, WALK_NO_NODE);
	assert_int_equal(f->where, 1);
	assert_true(v.reached < v.pairs && v.ends[WALK_NO_NODE] == v.pairs - v.reached);
	assert_int_equal(check_loops(n.c), 0);
	unplant(&n);

	plant_node(&n, 1, 3, KIRA_FWD_NEIGHBOUR, 2);
	plant_node(&n, 2, 3, KIRA_FWD_NEIGHBOUR, 1);
	assert_int_equal(check_survey(n.c, &v), 0);
	assert_true(v.ends[WALK_LOOP] >= 2);
	assert_int_equal(v.ends[WALK_LOOP], v.pairs - v.reached);
	assert_int_equal(check_loops(n.c), v.ends[WALK_LOOP]);
	assert_non_null(failure_of(&v, 1, 3));
	assert_non_null(failure_of(&v, 2, 3));
	loop = check_loop_kept(n.c, 0);
	assert_non_null(loop);
	assert_int_equal(loop->dst, 3);
	assert_true(loop->n_trail >= 3);
	unplant(&n);

	plant_node(&n, 0, 3, KIRA_FWD_PATH, 1)->label = l;
	plant(&n, 1, true, &l, KIRA_FWD_PATH, 2)->label = l;
	plant(&n, 2, true, &l, KIRA_FWD_PATH, 1)->label = l;
	assert_int_equal(check_survey(n.c, &v), 0);
	assert_int_equal(v.ends[WALK_LOOP], 1);
	assert_non_null(failure_of(&v, 0, 3));
	unplant(&n);

	assert_int_equal(check_survey(n.c, &v), 0);
	assert_int_equal(v.reached, v.pairs);
	net_free(&n);
}

/* Every pair's way in a survey is that of its walk. */
static void surveys_agree_with_walks(void **state)
{
	uint64_t hops = 0;
	uint64_t reached = 0;
	struct survey v;
	struct net n;
	uint32_t src;
	uint32_t dst;

	settled(&n, "grid:5x5");
	plant_node(&n, 12, 0, KIRA_FWD_NONE, 13);
	plant_node(&n, 7, 24, KIRA_FWD_NEIGHBOUR, 6);
	assert_int_equal(check_survey(n.c, &v), 0);
	for (src = 0; src < n.g.n; src++) {
		for (dst = 0; dst < n.g.n; dst++) {
			struct walk w = walk_packet(n.s, src, dst, NULL, 0);

			if (src == dst || w.end != WALK_DELIVERED)
				continue;
			reached++;
			hops += w.hops;
		}
	}
	assert_true(reached < v.pairs);
	assert_int_equal(reached, v.reached);
	assert_true(fabs((double)hops / (double)reached - v.hops_mean) < 1e-9);
	net_free(&n);
}

/* A hole of one second is an outage of one second, by the grain of the checker's clock. */
static void outages_are_measured(void **state)
{
	const struct check_fault *f;
	struct net n;

	settled(&n, "line:4");
	assert_int_equal(check_fault_begin(n.c, "hole"), 0);
	plant_node(&n, 1, 3, KIRA_FWD_NONE, 2);
	plant_node(&n, 1, 2, KIRA_FWD_NEIGHBOUR, 0);
	plant_node(&n, 0, 2, KIRA_FWD_NEIGHBOUR, 1);
	check_fault_end(n.c);
	f = check_fault_at(n.c, 1);
	assert_string_equal(f->what, "hole");
	assert_true(f->hit >= 3 && f->open == f->hit && check_open(n.c) == f->open);
	assert_true(f->by_reason[WALK_NO_NODE] >= 1);
	assert_int_equal(f->by_reason[WALK_LOOP], 2);
	assert_true(check_loops(n.c) >= 2);
	net_run(&n, SEC(6));
	assert_int_equal(f->n, 0);
	unplant(&n);
	net_run(&n, SEC(7));
	assert_int_equal(check_open(n.c), 0);
	assert_int_equal(f->open, 0);
	assert_int_equal(f->n, f->hit);
	assert_in_range(check_quantile(f->outage, f->n, 0), SEC(1), SEC(1) + MSEC(20));
	assert_in_range(check_quantile(f->outage, f->n, 1), SEC(1), SEC(1) + MSEC(20));
	net_free(&n);
}

/* What the graph does not connect is no outage; what it connects is. */
static void only_connected_pairs_count(void **state)
{
	struct survey v;
	struct net n;

	settled(&n, "line:4");
	assert_int_equal(check_fault_begin(n.c, "cut"), 0);
	sim_edge_carrier(n.s, n.s->arc[sim_arc_of(n.s, 1, 2)].edge, false);
	check_fault_end(n.c);
	net_run(&n, SEC(10));
	assert_int_equal(check_open(n.c), 0);
	assert_int_equal(check_survey(n.c, &v), 0);
	assert_int_equal(v.pairs, 4);
	assert_int_equal(v.reached, 4);
	net_free(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_seed_one_result),
		cmocka_unit_test(every_byte_is_counted_once),
		cmocka_unit_test(delay_is_honoured),
		cmocka_unit_test(jitter_only_adds),
		cmocka_unit_test(bandwidth_is_honoured),
		cmocka_unit_test(loss_is_honoured),
		cmocka_unit_test(silence_has_a_direction),
		cmocka_unit_test(walks_tell_where_they_end),
		cmocka_unit_test(walks_see_faults_of_the_network),
		cmocka_unit_test(walks_find_loops),
		cmocka_unit_test(surveys_find_what_is_planted),
		cmocka_unit_test(surveys_agree_with_walks),
		cmocka_unit_test(outages_are_measured),
		cmocka_unit_test(only_connected_pairs_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
