/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration (l4s.yang) as the parts of the room want it. */
#ifndef DEP_L4S_NODE_SETTINGS_H
#define DEP_L4S_NODE_SETTINGS_H

#include "base/config.h"
#include "proto/l4s/cc.h"
#include "proto/l4s/link/link.h"

#include <net/if.h>

#define SETTINGS_LINKS 16
#define SETTINGS_MARKS 32
#define SETTINGS_CGROUPS 32
#define SETTINGS_NAME 32

enum settings_backend {
	SETTINGS_AUTO,
	SETTINGS_USER,
	SETTINGS_KERNEL,
};

struct settings_link {
	char name[SETTINGS_NAME];
	enum settings_backend backend;
	struct link_cfg cfg; /* netns: ours */
};

struct settings_cgroup {
	char path[256];
	enum cc_algo control;
};

struct settings_controls {
	bool load;
	struct cc_cfg cubic;
	struct cc_cfg prague;
	char mark[SETTINGS_MARKS][IFNAMSIZ];
	unsigned n_marks;
	struct settings_cgroup cgroup[SETTINGS_CGROUPS];
	unsigned n_cgroups;
};

struct settings {
	struct settings_controls controls;
	struct settings_link link[SETTINGS_LINKS]; /* the enabled ones */
	unsigned n_links;
};

/* Reads all of c. Returns 0, or -EINVAL and err, whose where is the path of what does not go
 * together. */
int settings_read(struct settings *s, const struct config *c, struct err *err);
const struct settings_link *settings_find(const struct settings *s, const char *name);

/* What a change does to a link that is there before and after. */
enum settings_reach {
	SETTINGS_SAME,
	SETTINGS_LIVE, /* rates, delays, queue managers: packets and counters stay */
	SETTINGS_ANEW, /* interfaces, mode, back end: it is made anew */
};
enum settings_reach settings_link_reach(const struct config_diff *diff, const char *name);
/* Whether the controls, and of them the control groups, change. */
bool settings_controls_touched(const struct config_diff *diff);
bool settings_cgroups_touched(const struct config_diff *diff);

#endif
