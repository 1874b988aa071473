/* SPDX-License-Identifier: BSD-2-Clause */
/* Routing daemons side by side: each runs alone on the same laboratory, through the same steps.
 *
 *   kira.c        which topologies and daemons, and the JSON lines
 *   kira_run.c    one daemon on one topology: start, rest, faults
 *   kira_usage.c  what the processes of a node use
 *
 * doc/bench-kira.md says how each figure is taken. */
#ifndef DEP_BENCH_KIRA_H
#define DEP_BENCH_KIRA_H

#include "lab/daemon.h"
#include "proto/kira/sim/graph.h"

#include <signal.h>

#define FAULTS_MAX 24
#define STARTS_MAX 5
#define GRAIN MSEC(10) /* between two probes of a pair */
#define SHORTEST (2 * GRAIN) /* what stands for an outage in which no pair lost two probes in a row */

enum fault { FAULT_CUT, FAULT_SILENT, FAULT_KILL, FAULT_KINDS };

struct plan {
	unsigned starts; /* cold starts, each of a new laboratory; the middle one counts. At most STARTS_MAX */
	unsigned faults[FAULT_KINDS]; /* how many of each */
	usec_t rest;   /* before the measure at rest */
	usec_t window; /* of that measure */
	usec_t budget; /* no further fault of a kind once that kind took so long */
};

/* The longest gap of any probed pair that the graph still connected, a fault each. */
struct outages {
	usec_t v[FAULTS_MAX];
	unsigned n;
	unsigned open; /* of them, those with a pair that did not come back while it was watched */
};

/* Sums over the processes of a node. */
struct usage {
	uint64_t rss; /* bytes */
	uint64_t pss;
	usec_t cpu;
	unsigned processes;
};

struct figures {
	usec_t corner; /* from the first start to the first reply between the farthest nodes; < 0: never */
	usec_t all;    /* and until every pair had answered; < 0: not all did */
	double bytes;  /* control traffic sent, a second and node */
	double packets;
	double rss;    /* means over the nodes, bytes */
	double pss;
	double cpu;    /* processor milliseconds a second and node */
	struct outages outages[FAULT_KINDS];
};

/* Runs daemon d on g. Returns 0, or a negative errno and err; -EINTR after a signal. */
int run_daemon(const struct graph *g, const struct plan *plan, const struct lab_daemon *d, struct figures *out,
	       struct err *err);

/* What all processes in the network namespace of that file (/run/netns/NAME) use. Returns 0 or a negative errno. */
int usage_of(const char *netns, struct usage *out);

/* Progress, on stderr. */
void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

extern volatile sig_atomic_t stop_signal;

#endif
