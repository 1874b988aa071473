/* SPDX-License-Identifier: BSD-2-Clause */
/* Time as a value. Cores are handed `now` and answer with deadlines; only shells read a clock. */
#ifndef DEP_CLOCK_H
#define DEP_CLOCK_H

#include <stdint.h>

typedef int64_t usec_t; /* microseconds; the zero is the shell's (boot) or the simulator's (start) */

#define USEC_NEVER INT64_MAX
#define MSEC(n) ((usec_t)(n) * 1000)
#define SEC(n) ((usec_t)(n) * 1000000)

/* CLOCK_BOOTTIME: goes on during suspend, never jumps. For shells only. */
usec_t clock_now(void);

#endif
