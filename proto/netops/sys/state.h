/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel says now, as RFC 7951 JSON of the standard modules. Nothing is remembered: each answer is read anew. */
#ifndef DEP_SYS_STATE_H
#define DEP_SYS_STATE_H

#include "base/json.h"
#include "base/netlink.h"

/* All add their top-level members to root. Return 0, a negative errno of the kernel's, or -ENOMEM. path: what was asked
 * for, without keys; parts that counter_wants() says are not needed are left out. */

/* ietf-interfaces:interfaces (RFC 8343) with ietf-ip (RFC 8344) and depanneur-interfaces. */
int state_interfaces(struct netlink *nl, const char *path, yyjson_mut_doc *doc,
		     yyjson_mut_val *root);
/* ietf-routing:routing (RFC 8349). */
int state_routing(struct netlink *nl, const char *path, yyjson_mut_doc *doc, yyjson_mut_val *root);

/* Shared: links by number. */
struct state_links {
	struct netlink_link *at; /* in the order of ifindex */
	size_t n;
	int rc;
};
int state_links_read(struct netlink *nl, struct state_links *l);
void state_links_free(struct state_links *l);
const struct netlink_link *state_link(const struct state_links *l, uint32_t ifindex);

/* RFC 3339 in UTC, milliseconds; of the wall clock, in ns since 1970. */
#define STATE_TIME_TEXT 32
void state_time(int64_t wall_ns, char to[STATE_TIME_TEXT]);
/* When this machine was started, by the same clock. */
int64_t state_boot_time(void);

#endif
