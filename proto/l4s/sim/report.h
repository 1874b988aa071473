/* SPDX-License-Identifier: BSD-2-Clause */
/* Results for people and programs. None of it holds a clock's time: equal runs, equal bytes. */
#ifndef DEP_L4S_SIM_REPORT_H
#define DEP_L4S_SIM_REPORT_H

#include "proto/l4s/sim/figures.h"

#include <stdio.h>

struct stats_ci;

/* One run. */
void report_text(FILE *to, const struct scenario *s, const struct sim_result *r);
/* One JSON document: scenario, flows, groups, links with the buckets of their histograms. Returns 0
 * or -ENOMEM/-EIO. */
int report_json(FILE *to, const struct scenario *s, const struct sim_result *r);
/* One row a flow. */
void report_csv(FILE *to, const struct scenario *s, const struct sim_result *r);
/* Rows of a time series: the head, then one a sample. */
void report_sample_head(FILE *to, uint32_t n_flows);
void report_sample(FILE *to, const struct sim_sample *w);

/* Repeated runs: n figures with their intervals. */
void report_seeds_text(FILE *to, const struct scenario *s, unsigned seeds, const struct figure *f,
		       const struct stats_ci *ci, unsigned n);
int report_seeds_json(FILE *to, const struct scenario *s, unsigned seeds, const struct figure *f,
		      const struct stats_ci *ci, const double *runs, unsigned n);
/* Text as one CSV field. */
void report_csv_text(FILE *to, const char *text);

#endif
