/* SPDX-License-Identifier: BSD-2-Clause */
/* Tells of changes, each path at most once in 10 ms: the first at once, what follows within that time as one at its end. */
#ifndef DEP_SYS_EVENTS_H
#define DEP_SYS_EVENTS_H

#include "base/alloc.h"
#include "base/clock.h"

#define EVENTS_HOLD MSEC(10)
#define EVENTS_PATHS 1024 /* at a time; more: all of them become their tops */

struct events;

struct events *events_new(void (*tell)(void *ctx, const char *path), void *ctx);
void events_free(struct events *e);
/* Something changed at path, now. */
void events_mark(struct events *e, const char *path, usec_t now);
/* Tells what is due; returns when the next is, or USEC_NEVER. */
usec_t events_tick(struct events *e, usec_t now);

#endif
