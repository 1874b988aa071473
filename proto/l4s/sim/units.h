/* SPDX-License-Identifier: BSD-2-Clause */
/* Times, rates, sizes and shares as people write them; integer arithmetic. */
#ifndef DEP_L4S_SIM_UNITS_H
#define DEP_L4S_SIM_UNITS_H

#include <stdbool.h>
#include <stdint.h>

/* Each reads the whole text; false: it is none, or out of range. */
bool units_time(const char *text, uint64_t *ns); /* "20ms", "1.5s", "100us", "250ns", "2min", "0" */
bool units_rate(const char *text, uint64_t *bps);  /* "100M", "2.5G", "64k", "9600", "10Mbit" */
bool units_size(const char *text, uint64_t *size); /* bytes: "1500", "100k", "2M", "1G" */
bool units_share(const char *text, uint32_t *q32); /* "0.01", "1%" in 2^-32 */
bool units_count(const char *text, uint64_t *n);   /* "12" */

#endif
