/* SPDX-License-Identifier: BSD-2-Clause */
/* Measures who reaches whom: ICMPv6 echo through the kernels of a laboratory's nodes, from each node's own address, at a
 * fixed pace. One thread of its own sends and receives; the functions here may be called from any thread.
 *
 * Pairs are ordered. In every tick (10 ms by default) each fast pair gets one probe; where there are more pairs than the
 * budget of fast ones, the others take turns, one probe in `slow_every` ticks, and their outages have that grain.
 * Where the machine cannot keep that pace, half of the fast pairs join the others, and again if need be.
 * An outage is a gap of at least two probes of a pair in a row without reply: from the first lost to the next answered. */
#ifndef DEP_LAB_PROBER_H
#define DEP_LAB_PROBER_H

#include "lab/lab.h"

struct prober;

struct prober_params {
	struct lab *lab;
	usec_t interval;     /* of fast pairs, 0: 10 ms */
	unsigned max_fast;   /* 0: 400 */
	uint64_t seed;       /* picks the fast pairs */
};

/* Starts the thread. No node is probed yet. NULL and err on failure. */
struct prober *prober_new(const struct prober_params *p, struct err *err);
void prober_free(struct prober *p);

/* Takes node i into the probing with the address the lab knows (again after it changed). To be called by the lab's
 * thread. Returns 0 or a negative errno. */
int prober_add(struct prober *p, unsigned i);
/* No probes from and to node i until it is added again. */
void prober_remove(struct prober *p, unsigned i);

/* Which pairs ought to answer (n * n; the rest is probed, and not counted). Pairs of nodes not added never count. */
void prober_expect(struct prober *p, const bool *pairs);
/* Makes these pairs (s * n + d each) fast, and others no longer. At most max_fast. */
void prober_focus(struct prober *p, const unsigned *pairs, unsigned n);

struct prober_state {
	unsigned expected;  /* pairs that ought to answer */
	unsigned answering; /* of them, those that do: a reply to a probe of the last moments */
	unsigned fast;      /* pairs probed every interval */
	usec_t slow_every;  /* time between two probes of the other pairs, 0: there are none */
	usec_t all_at;      /* when for the first time every expected pair had answered, 0: not yet */
	uint64_t sent;
	uint64_t received;
	uint64_t late;      /* replies after more than a second */
	uint64_t doubled;
	uint64_t skipped;   /* ticks left out because the thread came too late */
	usec_t worst_late;  /* how late a tick was at worst */
	usec_t cpu;         /* processor time of the thread (forwarding by the kernel on its account included) */
};

void prober_state(struct prober *p, struct prober_state *out);
/* Forgets all_at and which pairs had answered: the next start is measured anew. */
void prober_restart(struct prober *p);
/* One state a pair, n * n: PAIR_OFF not probed, PAIR_OK answers, PAIR_BAD ought to and does not, PAIR_CUT does not and
 * need not. */
enum pair_state { PAIR_OFF, PAIR_OK, PAIR_BAD, PAIR_CUT };
void prober_matrix(struct prober *p, uint8_t *out);

struct prober_gap {
	unsigned s;
	unsigned d;
	usec_t from;   /* the first lost probe was sent then */
	usec_t length; /* to the first answered one; where open, to the end of the window */
	unsigned lost;
	bool open;
};

/* The longest gap of every pair that ought to answer now, among those that began or lasted in [from, to], at most about
 * a minute back. Returns how many, 0 or more, into out (room for n * n), the longest first; -ENOMEM. Probes younger than
 * 200 ms at the time of the call are not judged. */
int prober_gaps(struct prober *p, usec_t from, usec_t to, struct prober_gap *out);

/* Shares over time for a chart: bin k covers [start + k * width, …). Returns the number of bins there are so far; fills
 * at most max of them from bin `first` on. */
struct prober_bin {
	uint32_t expected; /* probes sent over pairs that ought to answer */
	uint32_t answered;
};

size_t prober_bins(struct prober *p, size_t first, struct prober_bin *out, size_t max, usec_t *start, usec_t *width);

#endif
