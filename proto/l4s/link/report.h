/* SPDX-License-Identifier: BSD-2-Clause */
/* What dep-l4s-link says about a run. */
#ifndef DEP_L4S_LINK_REPORT_H
#define DEP_L4S_LINK_REPORT_H

#include "proto/l4s/link/link.h"

#include <stdio.h>

/* took: ns that s is about. */
void report_print(const struct link_cfg *cfg, const struct link_stats *s, uint64_t took, FILE *to);
/* The same as one JSON object and a newline. Returns 0 or -ENOMEM. */
int report_json(const struct link_cfg *cfg, const struct link_stats *s, uint64_t took, FILE *to);
/* One line about the time between two readings, `took` ns apart. */
void report_live(const struct link_cfg *cfg, const struct link_stats *was,
		 const struct link_stats *now, uint64_t took, FILE *to);

#endif
