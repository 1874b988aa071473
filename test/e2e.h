/* SPDX-License-Identifier: BSD-2-Clause */
/* What the end-to-end tests share: a laboratory with dep-kira on every node, watched by the prober; questions to its nodes
 * by the dep command; faults and how long they cut off whom.
 *
 * Each test program runs in network and mount namespaces of its own, so several may run at once. One network at a time;
 * functions that cannot do their job fail the test. Times in microseconds. */
#ifndef DEP_TEST_E2E_H
#define DEP_TEST_E2E_H

#include "lab/daemon.h"
#include "lab/prober.h"
#include "proto/kira/id.h"
#include "proto/kira/sim/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <yyjson.h>

/* Under sanitizers programs are several times slower: smaller networks, fewer faults, and bounds that only tell whether
 * things work at all. The times promised hold for the optimised build. */
#ifdef E2E_SANITIZED
#define E2E_SMALL true
#define E2E_BOUND(t) (6 * (t))
#else
#define E2E_SMALL false
#define E2E_BOUND(t) (t)
#endif

struct e2e {
	struct graph graph;
	struct lab *lab;
	struct prober *prober;
	unsigned n;
	bool *reach;     /* n * n: pairs that the graph connects now */
	usec_t last_start;
};

extern struct e2e net;
/* Pairs probed every 10 ms at most; the others share a third of that. 250; to be set before e2e_make(). */
extern unsigned e2e_max_fast;

/* To be called first in main(). False where namespaces cannot be had: then the reason was printed as a TAP skip. */
bool e2e_begin(void);
/* A line of TAP diagnostics. */
void e2e_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The network: from a generator ("grid:4x4"), or a file of lab/topologies by its name. No node runs yet. */
void e2e_make(const char *topology);
/* The same from edges. */
void e2e_make_edges(unsigned n, const struct lab_edge *edges, unsigned n_edges);
/* Starts node i; its pairs are probed as soon as its address is known. */
void e2e_start(unsigned i);
void e2e_start_all(void);
/* Tells the prober which pairs ought to answer now; after every change. */
void e2e_expect(void);
/* Waits until all pairs that ought to answer have answered at least once; USEC_NEVER where that takes longer than limit
 * (and says why); else the time since the last start. */
usec_t e2e_wait_all(usec_t limit);
/* Waits until all pairs that ought to answer have done so for `calm` at a stretch. False: not within limit. */
bool e2e_settle(usec_t calm, usec_t limit);
void e2e_rest(usec_t t);
/* Ends everything. For the teardown of each test. */
int e2e_down(void **state);

/* NodeID of node i; and which node has it, -1: none. */
struct kira_id e2e_id(unsigned i);
int e2e_node(const struct kira_id *id);
/* Output of `dep kira ARGS --json` asked of node i; NULL where dep failed. To be freed with yyjson_doc_free. */
yyjson_doc *e2e_dep(unsigned i, const char *args);
/* Directory of the build, where dep and dep-kira lie. */
const char *e2e_build(void);

/* Why does s not reach d: what the nodes on the way say about it, as diagnostics. */
void e2e_explain(unsigned s, unsigned d);
/* The same for some of the pairs that ought to answer and do not, and how many there are. */
void e2e_tell_missing(void);

/* What a fault did to the pairs that ought to answer. */
struct e2e_fault {
	usec_t at;
	unsigned hit;   /* pairs with an outage */
	unsigned open;  /* of them, without answer at the end */
	usec_t median;  /* of the outages */
	struct prober_gap worst;
};

/* Waits after a fault at `at` until all is well again (at least `dwell`, at most `bound` and a little), and judges it. */
void e2e_judge(struct e2e_fault *f, usec_t at, usec_t dwell, usec_t bound);

/* Output of a shell command run in the namespace of node i, to be freed. */
char *e2e_shell(unsigned i, const char *command);

#endif
