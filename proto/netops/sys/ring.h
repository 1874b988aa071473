/* SPDX-License-Identifier: BSD-2-Clause */
/* The log: lines in files of bounded size, the newest of which is written; of old ones the last three are kept. Together
 * they hold at least the last 10,000 lines, of the greatest length. It survives a restart and a crash. */
#ifndef DEP_SYS_RING_H
#define DEP_SYS_RING_H

#include "base/err.h"

#include <stddef.h>

#define RING_FILES 4
#define RING_BYTES (4u << 20) /* of each */

struct ring;

/* Files log.0 (the newest) to log.3 in dir. bytes: when a file is full; 0: RING_BYTES. NULL and err. */
struct ring *ring_open(const char *dir, size_t bytes, struct err *err);
void ring_close(struct ring *r);
/* Appends a line; text has no newline. Returns 0 or a negative errno. */
int ring_add(struct ring *r, const char *text, size_t n);
/* Calls f for the newest `count` lines, oldest first. Returns 0, or a negative errno before any call. */
int ring_last(struct ring *r, unsigned count, void (*f)(void *ctx, const char *text, size_t n),
	      void *ctx);

#endif
