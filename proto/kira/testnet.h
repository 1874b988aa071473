/* SPDX-License-Identifier: BSD-2-Clause */
/* A handful of cores wired together for unit tests: links of 1 ms, in order, that can be cut or made silent, and a tap on
 * every frame. The simulator proper is in sim/; this one is small enough to see through. */
#ifndef DEP_KIRA_TESTNET_H
#define DEP_KIRA_TESTNET_H

#include "proto/kira/kira.h"

#define TESTNET_MAX 64

struct testnet;

struct testnode {
	struct testnet *net;
	unsigned i;
	struct kira *k;
	struct kira_id id;
	uint32_t link_to[TESTNET_MAX]; /* 0: none, else link id = peer + 1 */
	unsigned events[16];
	uint32_t ssn;
	struct kira_id trace[64];
	size_t n_trace;
	bool traced;
};

struct testframe;

struct testnet {
	struct alloc a;
	struct testnode node[TESTNET_MAX];
	unsigned n;
	usec_t now;
	struct testframe *first;
	struct testframe *last;
	bool silent[TESTNET_MAX][TESTNET_MAX]; /* frames from i to j are lost */
	/* Sees every frame sent; returning false loses it. */
	bool (*tap)(struct testnet *, unsigned from, unsigned to, struct slice frame);
	void *ctx;
	size_t frames;
};

/* n nodes with IDs from the seed (or given by ids), no links. */
void testnet_init(struct testnet *t, unsigned n, uint64_t seed, const struct kira_params *params, const struct kira_id *ids);
/* w × h nodes in a grid, node x + w · y at (x, y), with all its links up. */
void testnet_grid(struct testnet *t, unsigned w, unsigned h, uint64_t seed);
/* Node i loses its state and starts again with the same ID; its links stay, so nobody is told. */
void testnet_restart(struct testnet *t, unsigned i, uint64_t seed, const struct kira_params *params);
void testnet_free(struct testnet *t);
void testnet_link(struct testnet *t, unsigned a, unsigned b);
void testnet_cut(struct testnet *t, unsigned a, unsigned b);
void testnet_silence(struct testnet *t, unsigned a, unsigned b, bool on);
void testnet_run(struct testnet *t, usec_t until);
/* Address that node `from` has on its link to others. */
struct kira_addr testnet_addr(unsigned from);
/* Walks a packet from a to b through the tables; returns the hops it took, 0: it did not arrive. */
unsigned testnet_walk(struct testnet *t, unsigned a, unsigned b);
/* Number of ordered pairs that do not reach each other. */
unsigned testnet_missing(struct testnet *t);

#endif
