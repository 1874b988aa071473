/* SPDX-License-Identifier: BSD-2-Clause */
/* The congestion controls in the kernel: loaded as the configuration or the action load says, on
 * the interfaces and control groups it names, and tried again where that did not work. */
#ifndef DEP_L4S_NODE_CONTROLS_H
#define DEP_L4S_NODE_CONTROLS_H

#include "base/clock.h"
#include "proto/l4s/bpf/cc_load.h"
#include "proto/l4s/node/settings.h"

struct controls_mark {
	char name[IFNAMSIZ];
	bool active;
	struct err why;
};

struct controls {
	const char *suffix;	  /* of the names in the kernel; NULL: none */
	struct cc_kernel *kernel; /* NULL: not loaded */
	struct settings_controls want;
	bool by_action;
	struct err why;	  /* wanted and not loaded: why; code 0: none */
	usec_t due;	  /* when to try again */
	char name[2][16]; /* in the kernel: CUBIC, Prague; valid while loaded */
	struct controls_mark mark[SETTINGS_MARKS];
	unsigned n_marks;
	/* Told where another program took a control away. */
	void (*lost)(void *ctx, const char *name);
	void *ctx;
};

/* At the start: what does not work is logged and tried again. */
void controls_start(struct controls *c, const struct settings_controls *s);
/* Leads to these settings: all or nothing. cgroups: those are others than before. Returns 0, or a
 * negative errno and err. An interface that is not there is waited for. */
int controls_apply(struct controls *c, const struct settings_controls *s, bool cgroups,
		   bool dry_run, struct err *err);
/* Actions: texts NULL: as they are wanted now. */
int controls_load(struct controls *c, const char *cubic, const char *prague,
		  const char *const *ifname, unsigned n, struct err *err);
void controls_unload(struct controls *c);
void controls_tick(struct controls *c);
/* All goes from the kernel. */
void controls_close(struct controls *c);

#endif
