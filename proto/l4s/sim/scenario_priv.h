/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of a scenario, for the command line too. */
#ifndef DEP_L4S_SIM_SCENARIO_PRIV_H
#define DEP_L4S_SIM_SCENARIO_PRIV_H

#include "proto/l4s/sim/sim.h"

/* One flow over link 0, 20 ms, delayed ACKs, starting within 100 ms. */
void scenario_flow_defaults(struct sim_flow_cfg *f);
/* 1500-byte packets of Not-ECT at 1 Mb/s over link 0. */
void scenario_load_defaults(struct sim_load_cfg *d);
/* The control as cc_cfg_parse reads it, and the group's name where it has none. */
int scenario_flow_cc(struct sim_flow_cfg *f, const char *text, struct err *err);

#endif
