/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs of scenarios in tests. */
#ifndef DEP_L4S_SIM_TESTRUN_H
#define DEP_L4S_SIM_TESTRUN_H

#include "proto/l4s/sim/sim.h"

#define SEC 1000000000ull
#define MSEC 1000000ull

/* Runs and asserts that it went well, that packets are conserved on each link, and that all memory
 * came back with testrun_free. */
struct sim_result *testrun(const struct sim_cfg *cfg, const struct sim_watch *watch);
/* A scenario as JSON, with ' for ". */
struct sim_result *testrun_json(struct scenario *s, const char *text);
void testrun_free(struct sim_result *r);
/* Arrived = forwarded + dropped + queued, at each queue. */
void testrun_conserved(const struct sim_cfg *cfg, const struct sim_result *r);
/* |a - b| <= share * b, with a message. */
#define assert_near(a, b, share) testrun_near((double)(a), (double)(b), share, #a, __LINE__)
void testrun_near(double a, double b, double share, const char *what, int line);

#endif
