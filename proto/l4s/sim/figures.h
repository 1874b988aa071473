/* SPDX-License-Identifier: BSD-2-Clause */
/* What one wants to know of a run, as a list of named numbers: for tables, CSV, and means over
 * seeds. The names and their order hang on the number of groups and links alone; what there is not
 * (a ratio of flows of one kind, the L queue of PIE) is NaN. */
#ifndef DEP_L4S_SIM_FIGURES_H
#define DEP_L4S_SIM_FIGURES_H

#include "proto/l4s/sim/sim.h"

struct figure {
	char name[40]; /* "rate1_bps", "ratio", "link1_c_p99_ms" */
	bool ratio;    /* averaged by its logarithm */
};

/* The two sides of the ratio: flows that send ECT(1), and the others. The name of a side is that of
 * its first group, with "…" where it has more. */
struct figure_sides {
	bool there; /* both are */
	char scalable[32];
	char classic[32];
};

/* Fills name and value (needs r); returns how many. Either may be NULL: both tell how many there
 * will be. */
unsigned figures(const struct sim_cfg *cfg, const struct sim_result *r, struct figure *name,
		 double *value);
void figures_sides(const struct sim_cfg *cfg, struct figure_sides *to);
/* Mean rate of a flow on either side, bit/s; 0 where there is none. */
double figures_side_rate(const struct sim_cfg *cfg, const struct sim_result *r, bool scalable);
/* Rate of a flow while it was there, bit/s of payload. */
double figures_flow_rate(const struct sim_flow_result *f);
/* Jain's index over all flows that were there. */
double figures_jain(const struct sim_result *r);
/* Queues that are used: 2 for DualPI2. */
unsigned figures_queues(const struct sim_link_cfg *k);

#endif
