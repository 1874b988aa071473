/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of the forwarding tier (spec §2.19), worked out from contacts and vicinity, and written out by difference.
 *
 * NodeID table (longest prefix): one entry for each valid contact; for each bucket but the deepest level's prefixes that
 * send every ID to the XOR-nearest of its contacts with the shortest path (proximity neighbour selection); and for the
 * deepest level prefixes to the XOR-nearest of all its contacts and ourselves. A packet that is sent on by an overlay hop
 * so comes strictly closer to its destination each time.
 *
 * PathID table (exact): H(self), decapsulate; every path of one or two hops of the vicinity, precomputed; what others
 * set up through us. Where the next hop is down, an entry goes around it to the node after it, or to itself by another
 * way, with one more encapsulation (§4.1): no message is needed, for the labels used are precomputed ones. */
#include "proto/kira/core.h"

#define DELAY MSEC(50)

void fwd_to_neighbour(const struct contact *c, struct kira_fwd *f)
{
	const struct adj *a = container_of(c->adjs.next, struct adj, in);

	f->link = a->link;
	f->via = a->addr;
}

bool fwd_same(const struct kira_fwd *a, const struct kira_fwd *b)
{
	if (a->kind != b->kind || a->bypass != b->bypass || a->link != b->link || a->hop_limit != b->hop_limit)
		return false;
	return memcmp(&a->via, &b->via, sizeof(a->via)) == 0 && kira_id_eq(&a->label, &b->label) &&
	       (!a->bypass || kira_id_eq(&a->outer, &b->outer));
}

void fwd_dirty(struct kira *k, bool urgent, usec_t now)
{
	k->nodes_dirty = true;
	k->nodes_urgent |= urgent;
	if (!timer_armed(&k->fwd))
		timer_set(k, &k->fwd, now + DELAY);
}

void fwd_fire(struct kira *k, struct timer *t, usec_t now)
{
	k->nodes_urgent |= k->nodes_dirty;
}

void fwd_vicinity(struct kira *k)
{
	k->vicinity_dirty = true;
}

void fwd_flush(struct kira *k, usec_t now)
{
	if (k->vicinity_dirty) {
		k->vicinity_dirty = false;
		paths_precompute(k, now);
		users_warn(k, now);
	}
	if (k->nodes_dirty && k->nodes_urgent) {
		timer_stop(k, &k->fwd);
		nodes_write(k, now);
	}
}

void fwd_clear(struct kira *k)
{
	nodes_clear(k);
	paths_clear(k);
}
