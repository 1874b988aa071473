/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration (kira.yang) as the parts of the node want it. */
#ifndef DEP_KIRA_SETTINGS_H
#define DEP_KIRA_SETTINGS_H

#include "base/config.h"
#include "proto/kira/dataplane.h"
#include "proto/kira/kira.h"

struct settings {
	struct kira_params core; /* ssn not set; id UNDEFINED where the configuration names none */
	struct dataplane_params data; /* id, miss and ctx not set; device points to the one below */
	char device[16];
	uint16_t port;
};

/* Everything but the interfaces. s must stay where it is. */
void settings_read(struct settings *s, const struct config *c);

/* Whether c wants an interface of that name as a KIRA link. */
bool settings_wants(const struct config *c, const char *ifname);

/* How far a change of the configuration reaches. */
enum settings_reach {
	SETTINGS_LIVE,	  /* interfaces: nothing restarts */
	SETTINGS_ROUTING, /* a fresh core, and perhaps socket: neighbours are found anew, in the
			     same process */
	SETTINGS_PROCESS, /* identity and forwarding: takes a restart of the process */
};
/* path: a part that takes a restart, or NULL. */
enum settings_reach settings_reach(const struct config_diff *diff, const char **path);

#endif
