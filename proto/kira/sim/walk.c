/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/kira/sim/walk.h"

#define HOPS_MOST 65536 /* without a loop: ends the search for one */

const char *walk_end_name(enum walk_end end)
{
	static const char *const name[WALK_ENDS] = {
		[WALK_DELIVERED] = "delivered",	  [WALK_UNREACHABLE] = "unreachable",
		[WALK_NO_NODE] = "no-node-entry", [WALK_NO_PATH] = "no-path-entry",
		[WALK_BAD_ENTRY] = "bad-entry",	  [WALK_LINK_DOWN] = "link-down",
		[WALK_SILENT] = "silent-link",	  [WALK_GONE] = "node-gone",
		[WALK_HOP_LIMIT] = "hop-limit",	  [WALK_STACK_FULL] = "stack-full",
		[WALK_LOOP] = "loop"};

	return (unsigned)end < WALK_ENDS ? name[end] : "?";
}

/* A packet between two looks at its NodeID. */
struct packet {
	uint32_t node;
	uint32_t hops;
	unsigned depth; /* encapsulations */
	struct kira_id label[WALK_STACK];
	uint32_t left[WALK_STACK]; /* of the hop limit of each */
	bool over;                 /* a hop limit has run out; goes on to tell a loop from a long path */
};

/* Where to record the nodes passed. */
struct trail {
	uint32_t *node;
	size_t n;
	size_t cap;
};

static void record(struct trail *t, uint32_t node)
{
	if (t && t->n < t->cap)
		t->node[t->n++] = node;
}

static uint8_t push(struct packet *p, const struct kira_id *label, uint8_t hop_limit)
{
	if (p->depth == WALK_STACK)
		return WALK_STACK_FULL;
	p->label[p->depth] = *label;
	p->left[p->depth++] = hop_limit ? hop_limit : KIRA_HOP_LIMIT;
	return WALK_DELIVERED;
}

/* Out of the link of an entry. */
static uint8_t cross(const struct sim *s, struct packet *p, const struct kira_fwd *to, struct trail *t)
{
	const struct sim_arc *a;
	struct kira_addr peer;

	if (to->link >= graph_degree(s->g, p->node))
		return WALK_BAD_ENTRY;
	a = &s->arc[s->g->first[p->node] + to->link];
	peer = sim_addr(a->to, a->rev - s->g->first[a->to]);
	if (memcmp(&to->via, &peer, sizeof(peer)) != 0)
		return WALK_BAD_ENTRY;
	if (s->edge_down[a->edge] || s->node[a->to].state == SIM_KILLED)
		return WALK_LINK_DOWN;
	if (a->silent || a->loss >= 1)
		return WALK_SILENT;
	if (!sim_node_forwards(&s->node[a->to]))
		return WALK_GONE;
	p->node = a->to;
	p->hops++;
	record(t, p->node);
	return WALK_DELIVERED;
}

/* One node's look at the outermost PathID. */
static uint8_t relabel(const struct sim *s, struct packet *p, struct trail *t)
{
	const struct kira_fwd *to = kira_lookup_path(s->node[p->node].k, &p->label[p->depth - 1]);
	uint8_t end = WALK_DELIVERED;

	if (!to || to->kind == KIRA_FWD_NONE)
		return WALK_NO_PATH;
	if (to->kind == KIRA_FWD_LOCAL) {
		p->depth--;
		return WALK_DELIVERED;
	}
	if (to->kind != KIRA_FWD_PATH)
		return WALK_BAD_ENTRY;
	/* A node that is left with none of it does not pass the packet on. */
	p->over |= p->left[p->depth - 1] <= 1;
	p->left[p->depth - 1] -= p->left[p->depth - 1] > 1;
	if (p->hops > HOPS_MOST)
		return WALK_HOP_LIMIT;
	p->label[p->depth - 1] = to->label;
	if (to->bypass)
		end = push(p, &to->outer, KIRA_HOP_LIMIT);
	return end == WALK_DELIVERED ? cross(s, p, to, t) : end;
}

static bool same(const struct packet *a, const struct packet *b)
{
	return a->node == b->node && a->depth == b->depth &&
	       memcmp(a->label, b->label, a->depth * sizeof(*a->label)) == 0;
}

static struct segment go(const struct sim *s, uint32_t node, const struct kira_fwd *to, struct trail *t)
{
	struct packet p = {.node = node};
	struct packet mark;
	uint32_t steps = 0;
	uint32_t power = 1;
	uint8_t end = WALK_DELIVERED;

	if (to->kind == KIRA_FWD_PATH)
		end = push(&p, &to->label, to->hop_limit);
	if (end == WALK_DELIVERED && to->bypass)
		end = push(&p, &to->outer, KIRA_HOP_LIMIT);
	if (end == WALK_DELIVERED)
		end = cross(s, &p, to, t);
	mark = p;
	/* A state that returns is a loop; the mark moves on at powers of two (Brent), which meets every cycle. */
	while (end == WALK_DELIVERED && p.depth > 0) {
		end = relabel(s, &p, t);
		if (end != WALK_DELIVERED || p.depth == 0)
			break;
		if (same(&p, &mark)) {
			end = WALK_LOOP;
		} else if (++steps == power) {
			power *= 2;
			steps = 0;
			mark = p;
		}
	}
	if (p.over && end != WALK_LOOP)
		end = WALK_HOP_LIMIT;
	return (struct segment){.node = p.node, .hops = p.hops, .end = end};
}

struct segment walk_segment(const struct sim *s, uint32_t node, const struct kira_fwd *to)
{
	return go(s, node, to, NULL);
}

bool walk_stops(const struct kira_fwd *to, uint8_t *end)
{
	if (!to || to->kind == KIRA_FWD_NONE)
		*end = WALK_NO_NODE;
	else if (to->kind == KIRA_FWD_LOCAL)
		*end = WALK_DELIVERED;
	else if (to->kind == KIRA_FWD_UNREACHABLE)
		*end = WALK_UNREACHABLE;
	else
		return false;
	return true;
}

struct walk walk_packet(const struct sim *s, uint32_t src, uint32_t dst, uint32_t *trail, size_t n_trail)
{
	struct trail t = {.node = trail, .cap = trail ? n_trail : 0};
	struct walk w = {.node = src};
	const struct kira_id *id = &s->node[dst].id;
	uint32_t seen[WALK_HOPS];
	unsigned n = 0;
	unsigned i;

	record(&t, src);
	if (!sim_node_forwards(&s->node[src])) {
		w.end = WALK_GONE;
		return w;
	}
	for (;;) {
		const struct kira_fwd *to = kira_lookup_node(s->node[w.node].k, id);
		struct segment g;

		if (walk_stops(to, &w.end)) {
			/* An entry may call itself local for an ID that it is not. */
			if (w.end == WALK_DELIVERED && w.node != dst)
				w.end = WALK_BAD_ENTRY;
			break;
		}
		for (i = 0; i < n && seen[i] != w.node; i++)
			;
		if (i < n || n == WALK_HOPS) {
			w.end = i < n ? WALK_LOOP : WALK_HOP_LIMIT;
			break;
		}
		seen[n++] = w.node;
		g = go(s, w.node, to, &t);
		w.node = g.node;
		w.hops += g.hops;
		w.end = g.end;
		if (g.end != WALK_DELIVERED)
			break;
	}
	w.overlay = n ? n - 1 : 0;
	return w;
}
