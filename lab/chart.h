/* SPDX-License-Identifier: BSD-2-Clause */
/* Drawings of the report as inline SVG. Colours are classes and variables of the report's style sheet: k0 to k4 stand for
 * the kinds of faults. */
#ifndef DEP_LAB_CHART_H
#define DEP_LAB_CHART_H

#include "lab/demo.h"

/* The graph; links and nodes that faults hit are marked. */
void chart_topology(FILE *f, const struct demo *d);
/* On one time axis: the share of connected pairs that answer, the faults, and what nodes sent. */
void chart_time(FILE *f, struct demo *d, usec_t end);
/* How the outages are distributed, a curve a kind of fault. */
void chart_outages(FILE *f, const struct demo *d);

#endif
