/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's own DualPI2 (sch_dualpi2, Linux 6.17) as the back end of a link, by netlink: a token
 * bucket at the root of an interface holds the rate, as sch_dualpi2 has none, and the queue manager
 * stands below it. Both carry handles of ours, by which a start after a crash finds what is left.
 */
#ifndef DEP_L4S_NODE_QDISC_H
#define DEP_L4S_NODE_QDISC_H

#include "base/netlink.h"
#include "proto/l4s/aqm.h"

#include <stddef.h>

#define QDISC_SHAPER 0x4c340000u /* "L4": handle 4c34: */
#define QDISC_AQM 0x4c350000u	 /* handle 4c35: */

struct qdisc_cfg {
	uint32_t ifindex;
	uint64_t rate;	   /* bit/s */
	uint32_t overhead; /* bytes a packet beyond IP */
	struct aqm_cfg aqm;
};

/* What the kernel tells of both. */
struct qdisc_stats {
	struct aqm_stats aqm;  /* histograms empty; counters the kernel has not: 0 */
	uint64_t delay_now[2]; /* ns: C, L: age of the first packet */
	uint64_t sent, sent_bytes;
	uint64_t dropped;
	uint64_t backlog;
};

/* Whether this can do what is asked for: DualPI2, profile linux, at a rate. 0 or -EOPNOTSUPP and
 * err. */
int qdisc_fits(const struct aqm_cfg *aqm, uint64_t rate, struct err *err);
/* Whether the kernel has sch_dualpi2 (it loads the module where it can): 0, or -ENOENT and err,
 * which says so, or another negative errno. Changes nothing. */
int qdisc_probe(struct netlink *nl, struct err *err);
/* Makes both, or changes their parameters in place where they are there (change). All or nothing.
 */
int qdisc_set(struct netlink *nl, const struct qdisc_cfg *cfg, bool change, struct err *err);
/* No error where there is none. */
int qdisc_delete(struct netlink *nl, uint32_t ifindex, struct err *err);
/* -ENOENT: it is gone. */
int qdisc_read(struct netlink *nl, uint32_t ifindex, uint32_t coupling, struct qdisc_stats *out);
/* Removes what an earlier run left: shapers with our handle, on any interface. Returns how many, or
 * a negative errno. */
int qdisc_sweep(struct netlink *nl, struct err *err);

/* ---- messages, for the above and for tests ---- */

/* Each makes one finished message in buf (of n bytes, aligned to 4) and returns it; NULL: too
 * short. create: NLM_F_EXCL, else the one that is there is changed. */
struct nlmsghdr *qdisc_put_shaper(void *buf, size_t n, const struct qdisc_cfg *cfg, bool create);
struct nlmsghdr *qdisc_put_dualpi2(void *buf, size_t n, const struct qdisc_cfg *cfg, bool create);
/* Reads an RTM_NEWQDISC. Returns true where it is our DualPI2 on ifindex, and fills out. */
bool qdisc_parse(const struct nlmsghdr *h, uint32_t ifindex, uint32_t coupling,
		 struct qdisc_stats *out);

#endif
