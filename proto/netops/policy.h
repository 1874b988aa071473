/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy of this node (spec §2.14 rule 5, 6), from its own YANG module depanneur-netops: per principal and group allow and
 * block lists by tool and path, rate limits, protected targets, blast radius, which commits a person must approve, and
 * the degradation switch full, read-only, off. Asked at dispatch, not only for lists. */
#ifndef DEP_NETOPS_POLICY_H
#define DEP_NETOPS_POLICY_H

#include "base/clock.h"
#include "proto/netops/neterr.h"
#include "proto/netops/principal.h"
#include "proto/netops/store/changes.h"

#include <libyang/libyang.h>

struct policy;

enum degradation { LEVEL_FULL, LEVEL_READ_ONLY, LEVEL_OFF };

struct policy *policy_new(void);
void policy_free(struct policy *p);
/* Takes the rules from running's depanneur-netops:netops/policy. */
int policy_load(struct policy *p, const struct lyd_node *running, struct err *err);
enum degradation policy_level(const struct policy *p);
/* May p use this tool now? Counts against its rate. changes: it writes. -32088 and why, or -32081-free 0. */
int policy_tool(struct policy *p, const struct principal *by, const char *tool, bool writes, usec_t now, struct neterr *e);
/* May these changes be committed by p? n_interfaces, n_routes: what the plan touches; management_path: it touches the
 * way to the client; confirmed: 0 or seconds. NETERR_POLICY_DENIED; tag "approval-required" (data.message says what for)
 * where a person must agree and approved is false. */
int policy_commit(struct policy *p, const struct principal *by, const struct changes *c, unsigned n_interfaces,
		  unsigned n_routes, bool management_path, unsigned confirmed, bool approved, const char *approver,
		  struct neterr *e);

#endif
