/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters of the forwarding tier in the kernel's traffic control (tc-bpf(8), clsact). They sit at
 * one priority and are told from other people's by it; the handle remembers, in the kernel, whether
 * the clsact queueing discipline under them was made here: 1 it was, 2 it was found. So a successor
 * can clean up after a crash without taking what isn't ours. */
#ifndef DEP_KIRA_DATAPLANE_TC_H
#define DEP_KIRA_DATAPLANE_TC_H

#include "base/netlink.h"

#include <linux/filter.h>

#define DATAPLANE_TC_PRIORITY 75

struct dataplane_filter {
	const char *name;
	int fd;			       /* a loaded eBPF program, or -1 */
	const struct sock_filter *ops; /* else a classic one, which needs no bpf(2) */
	uint16_t n_ops;
};

/* Puts the filter on egress or ingress of the interface, in the place of an earlier one of ours at
 * once. */
int dataplane_tc_attach(struct netlink *nl, uint32_t ifindex, bool egress,
			const struct dataplane_filter *f, struct err *err);
/* Removes our filters, and the clsact if it is ours and nobody else has put a filter there
 * meanwhile. */
void dataplane_tc_detach(struct netlink *nl, uint32_t ifindex);

#endif
