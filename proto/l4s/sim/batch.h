/* SPDX-License-Identifier: BSD-2-Clause */
/* Many runs over worker processes: cells of a grid times seeds. */
#ifndef DEP_L4S_SIM_BATCH_H
#define DEP_L4S_SIM_BATCH_H

#include "proto/l4s/sim/figures.h"

#define BATCH_DIMENSIONS 8
#define BATCH_VALUES 256
#define BATCH_RUNS 10000000u

struct batch_dimension {
	const char *name;
	const char *value[BATCH_VALUES];
	unsigned n;
};

struct batch {
	struct scenario *base; /* changed by each run */
	struct batch_dimension dim[BATCH_DIMENSIONS];
	unsigned n_dims;
	unsigned seeds; /* from base->cfg.seed on */
	unsigned jobs;
	unsigned n_figures;
	bool progress; /* on stderr */
	/* filled by batch_run */
	double *value; /* [cell][seed][figure] */
	size_t bytes;
};

/* Reads "rate=40M,100M" as another dimension. text is changed and must live. 0 or -EINVAL. */
int batch_vary(struct batch *b, char *text, struct err *err);
unsigned batch_cells(const struct batch *b);
/* The value that dimension d has in a cell. */
const char *batch_value(const struct batch *b, unsigned cell, unsigned d);
/* Puts a cell's values into base, and checks. 0 or -EINVAL and err. */
int batch_set(const struct batch *b, unsigned cell, struct err *err);
/* Runs everything. What each run gives hangs on its cell and seed alone, not on jobs. */
int batch_run(struct batch *b, struct err *err);
void batch_free(struct batch *b);

#endif
