/* SPDX-License-Identifier: BSD-2-Clause */
/* Acceptance of the room in whole simulated runs: what each *_test.c here holds against spec §7 and
 * §8. One run is a scenario as JSON, with ' for "; sanitized builds leave out what costs most. */
#ifndef DEP_L4S_ACCEPT_H
#define DEP_L4S_ACCEPT_H

#include "proto/l4s/sim/figures.h"
#include "proto/l4s/sim/testrun.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define QUEUE_C 0
#define QUEUE_L 1

struct run {
	struct scenario s;
	struct sim_result *r;
};

/* Runs and asserts that it went well. Release with run_free. */
struct run run_json(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
struct run run_watched(const struct sim_watch *watch, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void run_free(struct run *run);

/* Mean goodput of a flow of a group, Mb/s. */
double run_mbit(const struct run *run, uint32_t group);
double run_utilisation(const struct run *run);
/* Quantile of a queue's delay, in millionths; ms. */
double run_delay(const struct run *run, unsigned queue, uint32_t q);
double run_mean_delay(const struct run *run, unsigned queue);
/* Goodput of a flow that sends ECT(1) / of one that does not. */
double run_ratio(const struct run *run);

/* A line of the test's output: the figure, for whoever reads the log. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* lo <= v <= hi, with a message. */
void within(double v, double lo, double hi, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
