/* SPDX-License-Identifier: BSD-2-Clause */
/* Many runs of the simulator: cells x seeds, in worker processes, with a cache.
 *
 * A cell is one scenario, a dumbbell, and has a text that says all of it; that text, the seed and
 * the version of the simulator's code are the key under which a result is kept. The cache is a file
 * of JSON lines, each written whole after its run: a study that was interrupted goes on where it
 * was, and a grid that shares cells with another takes them over. */
#ifndef DEP_L4S_GRID_H
#define DEP_L4S_GRID_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRID_GROUPS 3
#define GRID_QUANTILES 22
#define GRID_TEXT 320

struct grid_group {
	char cc[64]; /* as cc_cfg_parse reads it: "cubic abe 0.85"; P are those called prague */
	uint32_t count;
};

struct grid_cell {
	uint64_t rate; /* bit/s */
	uint64_t rtt;  /* base, ns, of every flow */
	char aqm[64];  /* as aqm_cfg_parse reads it */
	struct grid_group group[GRID_GROUPS];
	uint32_t n_groups;
	uint64_t load;	  /* UDP, bit/s; 0: none */
	uint8_t load_ecn; /* enum ecn */
	uint64_t jitter;  /* of the link, ns */
	uint64_t warmup;  /* ns; */
	uint64_t measure; /* and what counts, after it */
};

/* Parts in a million at which queue delays are kept. */
extern const uint32_t grid_quantile[GRID_QUANTILES];
#define GRID_P50 6 /* their places */
#define GRID_P99 14

struct grid_group_result {
	double rate; /* goodput of a flow, bit/s of payload */
	double jain; /* among the flows of the group */
	uint64_t sent;
	uint64_t retransmitted;
	uint64_t lost;
	uint64_t marked;
	uint64_t delivered_ce;
	uint64_t by_ecn; /* reductions */
	uint64_t by_loss;
	uint64_t rtos;
	double rtt;	/* mean, ns */
	double beta;	/* last in force, mean of the flows */
	double classic; /* share of flows that take the bottleneck for a Classic one at the end */
};

struct grid_queue_result {
	double mean; /* delay, ns */
	double delay[GRID_QUANTILES];
	uint64_t arrived;
	uint64_t forwarded;
	uint64_t marked;
	uint64_t dropped_ect;
	uint64_t dropped_not_ect;
};

struct grid_result { /* of one run */
	bool done;
	uint32_t n_groups;
	struct grid_group_result group[GRID_GROUPS];
	struct grid_queue_result queue[2]; /* C (or the only one), L */
	double utilisation;
	double load_rate; /* that arrived, bit/s of IP */
	uint64_t load_sent;
	uint64_t load_received;
	uint64_t packets;
	double cpu; /* seconds it took */
};

struct grid_entry {
	struct grid_cell cell;
	uint32_t seeds;
	uint32_t cached;	 /* of these: taken over */
	struct grid_result *run; /* seeds of them; seed i + 1 */
};

struct grid {
	struct grid_entry *entry;
	size_t n;
	size_t room;
	uint64_t first_seed;
};

/* How to run. */
struct grid_options {
	unsigned jobs;	     /* worker processes; 0: one a processor */
	const char *cache;   /* file; NULL: none */
	const char *version; /* of the code: another version's results are not taken over, */
	const char *fresh;   /* except, where this is set, those of cells that lack this word */
	bool progress;	     /* on standard error, for a terminal */
	/* Runs one cell. Called in a worker. */
	int (*run)(const struct grid_cell *c, uint64_t seed, struct grid_result *r,
		   struct err *err);
};

/* The text of a cell: its key. Returns its length as snprintf. */
int grid_cell_text(const struct grid_cell *c, char *buf, size_t n);
/* Adds a cell to be run with seeds 1..seeds; one that is there already gets the larger number. 0 or
 * -ENOMEM. */
int grid_add(struct grid *g, const struct grid_cell *c, uint32_t seeds);
/* NULL: no such cell. */
const struct grid_entry *grid_find(const struct grid *g, const struct grid_cell *c);
void grid_free(struct grid *g);
/* Reads the cache, runs what is missing, and appends it. Returns 0; -EIO and err where a worker
 * died or a run failed (err says which cell and seed). */
int grid_run(struct grid *g, const struct grid_options *o, struct err *err);

/* ---- one run in the simulator (simulate.c) ---- */
int grid_simulate(const struct grid_cell *c, uint64_t seed, struct grid_result *r, struct err *err);

/* ---- results as lines (grid_json.c) ---- */
/* One line, with its newline; release with free. NULL: no memory. */
char *grid_line(const char *version, const char *cell, uint64_t seed, const struct grid_result *r,
		size_t *n);
/* Reads a line. 0, or -EINVAL for one that is not whole (cut off by an interruption). */
int grid_line_parse(const char *text, size_t n, char version[64], char cell[GRID_TEXT],
		    uint64_t *seed, struct grid_result *r);

/* ---- what a cell's runs say ---- */
/* Mean rate of a Prague flow over that of a flow of the others; 0 where one kind is missing. */
double grid_ratio(const struct grid_cell *c, const struct grid_result *r);
/* Its logarithm for each seed into x (room for seeds); returns how many. */
size_t grid_ln_ratios(const struct grid_entry *e, double *x);

#endif
