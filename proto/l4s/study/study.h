/* SPDX-License-Identifier: BSD-2-Clause */
/* The study: which cells are asked (plans.c), what their runs say together (summary.c), what that
 * means for the claim (judge_*.c), and how it is shown (report_*.c, csv.c).
 *
 * The question: does Alternative Backoff with ECN (RFC 8511) let a CUBIC flow and a Prague flow
 * send at almost the same rate through a DualQ Coupled AQM? A cell's answer is the ratio P/C of
 * their rates; "P" is a Prague flow's mean goodput, "C" that of a flow of the other kind. */
#ifndef DEP_L4S_STUDY_H
#define DEP_L4S_STUDY_H

#include "proto/l4s/study/grid.h"
#include "proto/l4s/study/stats.h"

#include <stdio.h>

#define STUDY_AQM "dualpi2 linux"
#define CUBIC_70 "cubic" /* RFC 3168: a mark is a loss, beta 0.7 */
#define CUBIC_85 "cubic abe 0.85"
#define CUBIC_ADAPTIVE "cubic abe adaptive"
#define PRAGUE "prague"
/* The claim is of documents: CUBIC of RFC 9438, and the reference's Prague as it is. */
#define CLAIM_70 "cubic form rfc"
#define CLAIM_85 "cubic form rfc abe 0.85"
#define CLAIM_PRAGUE "prague no-calm-growth"
#define LONE " no-fast-convergence" /* RFC 9438 §4.7: off where one flow is alone */
#define OVERLOAD_CODEL "codel ecn"

struct study {
	uint32_t seeds;	  /* 0: each plan's own number */
	uint64_t measure; /* ns; 0: each plan's own */
	struct grid grid;
	struct verdict *verdict;
	size_t n_verdicts;
	bool failed; /* one was not passed */
	bool out_of_memory;
};

/* One line of judgement. */
struct verdict {
	const char *plan;
	bool pass;
	bool note; /* says something, judges nothing */
	char text[256];
};

struct plan {
	const char *name;
	const char *what; /* one line for --list */
	uint32_t seeds;
	uint64_t measure; /* seconds */
	/* Adds its cells. */
	void (*build)(struct study *s, const struct plan *p);
	/* Adds its verdicts; all runs are there. */
	void (*judge)(struct study *s, const struct plan *p);
};

extern const struct plan study_plan[];
extern const size_t study_plans;
const struct plan *study_plan_find(const char *name);

/* ---- cells (plans.c) ---- */
struct mix { /* flows of each kind */
	uint32_t c, p;
};
#define MIXES 5
extern const struct mix study_mix[MIXES];
/* A dumbbell with `c` flows of control `cubic` and `p` of `prague` (either may be 0, NULL). */
struct grid_cell study_cell(const struct study *s, const struct plan *p, double mbit, double rtt_ms,
			    const char *aqm, const char *cubic, const char *prague, struct mix mix);
void study_add(struct study *s, const struct plan *p, const struct grid_cell *c);

void plan_claim(struct study *s, const struct plan *p);
void plan_quick(struct study *s, const struct plan *p);
void plan_wide(struct study *s, const struct plan *p);
void plan_beta(struct study *s, const struct plan *p);
void plan_adaptive(struct study *s, const struct plan *p);
void plan_alpha(struct study *s, const struct plan *p);
void plan_benefit(struct study *s, const struct plan *p);
void plan_lowrate(struct study *s, const struct plan *p);
void plan_published(struct study *s, const struct plan *p);
void plan_overload(struct study *s, const struct plan *p);
void plan_classic(struct study *s, const struct plan *p);

/* The axes, for plans, judges and the report; each ends with 0. */
extern const double claim_rate[], claim_rtt[];
extern const double wide_rate[], wide_rtt[];
extern const double quick_rate[], quick_rtt[];
extern const double benefit_rate[], benefit_rtt[];
extern const double lowrate_rate[], lowrate_rtt[];
extern const double alpha_rtt[];
extern const char *const beta_cc[]; /* ends with NULL */
extern const double beta_value[];
extern const double overload_percent[];
extern const char *const overload_aqm[]; /* ends with NULL */
extern const char *const classic_aqm[];	 /* ends with NULL */
extern const char *const benefit_cc[];	 /* 0.7, 0.85; the same without fast convergence */

struct published_ratio {
	double mbit;
	double rtt;
	double lo; /* the spread of published runs of comparable kernels */
	double hi;
	const char *who;
};
extern const struct published_ratio published_ratio[];
extern const size_t published_ratios;
struct published_lone { /* a lone Prague flow */
	double mbit;
	double rtt;
	double p99;	/* ms of the L queue, 0: not published */
	double goodput; /* Mb/s, 0: not published */
};
extern const struct published_lone published_lone[];
extern const size_t published_lones;

/* ---- what a cell's runs say together (summary.c) ---- */
struct summary {
	uint32_t n;		/* runs */
	struct stats_ci ratio;	/* P/C, geometric mean */
	struct stats_ci util;	/* 0..1 */
	struct stats_ci p50[2]; /* ms; C, L */
	struct stats_ci p99[2];
	double mean[2];			 /* ms */
	double delay[2][GRID_QUANTILES]; /* ms, mean over seeds */
	double rate[GRID_GROUPS];	 /* Mb/s a flow */
	double beta;			 /* of the C flows at the end */
	double classic;			 /* share of P flows that end as on a Classic bottleneck */
	double marks[2];		 /* share of packets */
	double drops_ect;		 /* packets, all runs */
	double drops_not_ect;
	double load_rate; /* Mb/s */
};
/* False: the cell was not run. */
bool study_summary(const struct study *s, const struct grid_cell *c, struct summary *m);
/* |mean over seeds of ln P/C|; NaN where the cell was not run. */
double study_abs_ln(const struct study *s, const struct grid_cell *c);

/* exp(mean |ln P/C|) over cells: of the cells' means (each over its seeds), and of all runs; with
 * bootstrap intervals that resample seeds within cells. */
struct imbalance {
	struct stats_ci cells;
	struct stats_ci runs;
	size_t n;
};
struct imbalance study_imbalance(const struct study *s, const struct grid_cell *c, size_t n);
/* By how much mean |ln P/C| is lower in `b` than in `a` (1: all of it), same order of cells; of
 * the cells' means, and of all runs. Seeds are paired. */
struct reduction {
	struct stats_ci cells;
	struct stats_ci runs;
};
struct reduction study_reduction(const struct study *s, const struct grid_cell *a,
				 const struct grid_cell *b, size_t n);
/* Theory of RFC 9332 appendix C with ABE (spec §2.5): P/C for a multiplier beta, alpha kept at
 * 0.5294; target 15 ms. */
double study_theory(double beta, double rtt_ms);

/* ---- judgement ---- */
void study_say(struct study *s, const struct plan *p, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void study_judge(struct study *s, const struct plan *p, bool pass, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

void judge_claim(struct study *s, const struct plan *p);
void judge_quick(struct study *s, const struct plan *p);
void judge_wide(struct study *s, const struct plan *p);
void judge_beta(struct study *s, const struct plan *p);
void judge_adaptive(struct study *s, const struct plan *p);
void judge_alpha(struct study *s, const struct plan *p);
void judge_benefit(struct study *s, const struct plan *p);
void judge_lowrate(struct study *s, const struct plan *p);
void judge_published(struct study *s, const struct plan *p);
void judge_overload(struct study *s, const struct plan *p);
void judge_classic(struct study *s, const struct plan *p);

/* ---- files ---- */
/* DIR/cells.csv (a line a cell), runs.csv (a line a run), delays.csv. */
int study_csv(const struct study *s, const char *dir, struct err *err);
/* DIR/index.html. */
int study_report(const struct study *s, const char *dir, const char *version, struct err *err);

#endif
