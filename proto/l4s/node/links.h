/* SPDX-License-Identifier: BSD-2-Clause */
/* All links: those that the configuration names are there, and no others; one that could not be
 * made, or ended, is tried again. */
#ifndef DEP_L4S_NODE_LINKS_H
#define DEP_L4S_NODE_LINKS_H

#include "proto/l4s/node/slot.h"

enum links_what {
	LINKS_OVERLOAD_BEGAN,
	LINKS_OVERLOAD_ENDED,
	LINKS_BAD,
	LINKS_FAILED,
	LINKS_UP,
};

struct links_event {
	enum links_what what;
	const char *link;
	unsigned dir;	    /* OVERLOAD_… */
	uint64_t duration;  /* OVERLOAD_ENDED: ns */
	const char *reason; /* BAD, FAILED */
};

typedef void links_f(void *ctx, const struct links_event *ev);

struct links;

/* Finds out what the kernel can, and removes what an earlier run left in it. NULL and err. */
struct links *links_new(uv_loop_t *loop, links_f *told, void *ctx, struct err *err);
/* All links go. The loop must run once more. */
void links_free(struct links *l);
/* At the start: what cannot be made is FAILED, told and tried again. */
void links_start(struct links *l, const struct settings *s);
/* Leads from the settings before to these: all or nothing. Returns 0, or a negative errno and err.
 */
int links_apply(struct links *l, const struct settings *to, const struct config_diff *diff,
		bool dry_run, struct err *err);
/* Once a second: reads, tells, tries again. */
void links_tick(struct links *l);
/* name NULL: of all that can. -ENOENT: there is none of the name. */
int links_reset(struct links *l, const char *name, struct err *err);
/* Reads and gives each. */
void links_each(struct links *l, void (*f)(void *ctx, const struct slot *s), void *ctx);

#endif
