/* SPDX-License-Identifier: BSD-2-Clause */
/* The demo: a laboratory, a daemon on every node, a schedule of faults, and a report of what they did.
 *
 *   options.c   the command line
 *   demo.c      the run: start, faults one after the other, live time, end
 *   schedule.c  which faults
 *   view.c      the terminal
 *   operate.c   the end: one node operated over MCP
 *   report.c    the HTML report; chart.c its drawings, layout.c the place of nodes in them
 *   keep.c      a network that outlives the command */
#ifndef DEP_LAB_DEMO_H
#define DEP_LAB_DEMO_H

#include "base/rng.h"
#include "lab/daemon.h"
#include "lab/prober.h"
#include "proto/kira/sim/graph.h"

#include <signal.h>
#include <stdio.h>

#define DEMO_MAX_FAULTS 256
#define DEMO_WORST 3 /* pairs named for each fault */

struct demo_options {
	bool once;
	bool keep;
	bool stop;
	const char *topology; /* name, file or generator */
	const char *report;   /* NULL: the default place; "": none */
	const char *daemon;
	uint64_t seed;
	unsigned faults;
	usec_t start_bound;   /* all pairs must answer by then after the last start */
};

/* Fills o. Returns 0, 1 where help was asked for and printed, or a negative errno and err. */
int demo_options(struct demo_options *o, int argc, char **argv, struct err *err);

enum fault_kind { FAULT_CUT, FAULT_SILENT, FAULT_ONE_WAY, FAULT_KILL, FAULT_CUT_TWO, FAULT_REPAIR, FAULT_KINDS };
extern const char *const fault_names[FAULT_KINDS]; /* "link cut", … */

/* One event of the schedule and what it did. */
struct demo_fault {
	enum fault_kind kind;
	enum fault_kind repairs; /* of FAULT_REPAIR: what it undoes */
	unsigned links[2];
	unsigned n_links;
	unsigned node;           /* FAULT_KILL and its repair */
	unsigned side;           /* which end goes down, or towards which frames are lost */
	usec_t bound;
	char text[112];          /* "cut link 3-5" */

	bool done;
	bool ok;
	usec_t at;
	usec_t end;
	unsigned expected; /* pairs the graph connected afterwards */
	unsigned hit;      /* of them, those with an outage */
	unsigned open;     /* and those still without answer at the end */
	usec_t median;
	usec_t worst;
	struct prober_gap worst_pairs[DEMO_WORST];
	unsigned n_worst;
	usec_t *lengths;   /* hit of them, sorted upwards */
};

/* A sample of traffic: what each node sent since the sample before. */
struct demo_sample {
	usec_t at;
	usec_t span;
};

struct demo_traffic {
	struct demo_sample *samples;
	uint32_t *bytes;   /* [sample * n + node], control */
	uint32_t *packets;
	size_t n;
	size_t cap;
	uint64_t *last_bytes; /* by node, at the last sample */
	uint64_t *last_packets;
	usec_t last;
};

struct view;

struct demo {
	struct demo_options opt;
	struct graph graph;
	const struct lab_daemon *daemon;
	char version[128];
	struct lab *lab;
	struct prober *prober;
	struct rng rng;
	struct view *view;
	usec_t began;      /* zero of all times shown */
	usec_t built;      /* how long namespaces and links took */
	usec_t last_start; /* when the last node's daemon was started */
	usec_t all_took;   /* from there until all pairs had answered; < 0: never */
	bool started;      /* all pairs answered, or we went on without */
	const char *phase;
	struct demo_fault faults[DEMO_MAX_FAULTS];
	unsigned n_faults;
	struct demo_traffic traffic;
	usec_t *starts;    /* when each node was started first */
	uint64_t *rss;     /* at the end */
	usec_t *cpu;
	bool *reach;       /* n * n scratch */
	unsigned fast;     /* pairs probed at the full pace, as last told */
	bool failed;
	char report[4096]; /* where it was written; empty: nowhere */
};

/* Returns the program's exit status. */
int demo_run(const struct demo_options *opt);

/* schedule.c: fills d->faults with `faults` damages, each followed by its repair; appends one such couple. */
void schedule_make(struct demo *d, unsigned faults);
void schedule_add(struct demo *d, unsigned k);
/* Does it to the laboratory. */
int fault_do(struct demo *d, struct demo_fault *f, struct err *err);

/* operate.c: has lab/agent.py operate one node; step is called meanwhile. 0 or a negative errno and err. */
int operate(struct demo *d, int (*step)(struct demo *d), struct err *err);

/* view.c */
struct view *view_new(struct demo *d, bool live);
/* Leaves the live picture, if there is one; further lines are plain. */
void view_close(struct demo *d);
void view_free(struct demo *d);
/* One line of the log, with the time in front. */
void view_line(struct demo *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Redraws the live picture when it is due. */
void view_tick(struct demo *d);
/* A key pressed since, or 0. */
int view_key(struct demo *d);

/* report.c. Writes to path; 0 or a negative errno and err. */
int report_write(struct demo *d, const char *path, struct err *err);

/* layout.c: places in the unit square, x and y of each node; connected nodes near each other. */
void layout_make(const struct graph *g, uint64_t seed, double *x, double *y);

/* keep.c */
int keep_stop(void);
/* Before anything else: 0 in the process that is to do the work; else the process that only waits returns its status + 1. */
int keep_begin(void);
/* Says how to use the network, lets the waiting process go, and stays until told to stop. */
void keep_hold(struct demo *d);

/* Set by SIGINT, SIGTERM and SIGHUP. */
extern volatile sig_atomic_t demo_signal;

/* "0.123 s", "12 ms" into buf; returns buf. */
const char *text_time(usec_t t, char buf[24]);
const char *text_bytes(double b, char buf[24]);

#endif
