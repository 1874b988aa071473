/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy of this node (spec §2.14 rule 5, 6), from its own YANG module depanneur-netops: per
 * principal and group allow and block lists by tool and path, rate limits, protected targets, blast
 * radius, which commits a person must approve, and the degradation switch full, read-only, off.
 * Asked at dispatch, not only for lists. */
#ifndef DEP_NETOPS_POLICY_H
#define DEP_NETOPS_POLICY_H

#include "base/clock.h"
#include "proto/netops/neterr.h"
#include "proto/netops/principal.h"
#include "proto/netops/store/changes.h"

#include <libyang/libyang.h>

struct policy;

enum degradation { LEVEL_FULL, LEVEL_READ_ONLY, LEVEL_OFF };
const char *degradation_name(enum degradation l);		/* "full", "read-only", "off" */
int degradation_parse(const char *text, enum degradation *out); /* 0 or -EINVAL */

/* The call that changes the level itself; it is never refused because of the level. */
#define POLICY_SET_LEVEL "depanneur-netops:set-level"

struct policy *policy_new(void);
void policy_free(struct policy *p);
/* Takes the rules from running's depanneur-netops:netops/policy (running: any top-level node, NULL:
 * nothing). On a failure the old ones stay. Token buckets are kept. 0 or -ENOMEM. */
int policy_load(struct policy *p, const struct lyd_node *running, struct err *err);
/* The level in force: of the configured one and that of set-level the one that holds more back. */
enum degradation policy_level(const struct policy *p);
/* rpc set-level. */
void policy_set_level(struct policy *p, enum degradation l);

struct policy_counters {
	uint32_t denied_tools, rate_limited, denied_commits, approvals_required;
};
void policy_counters(const struct policy *p, struct policy_counters *out);

/* May `by` use this tool now? writes: it changes something. Counts against its rates. 0, or
 * NETERR_POLICY_DENIED and why: tag "access-denied" (level, rule), or "resource-denied" (rate) with
 * data.retryAfterMs. The recovery session may do everything. */
int policy_tool(struct policy *p, const struct principal *by, const char *tool, bool writes,
		usec_t now, struct neterr *e);
/* May these changes be committed by p? n_interfaces, n_routes: what the plan touches;
 * management_path: it touches the way to the client; confirmed: 0 or seconds. NETERR_POLICY_DENIED;
 * tag "approval-required" (data.message says what for) where a person must agree and approved is
 * false. approver NULL where approved: `by` itself. */
int policy_commit(struct policy *p, const struct principal *by, const struct changes *c,
		  unsigned n_interfaces, unsigned n_routes, bool management_path,
		  unsigned confirmed, bool approved, const char *approver, struct neterr *e);

#endif
