/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests: a sender of one control, either against a given probability of marks or losses
 * ("fluid": no queue), or over one link with a queue that marks. The states of the sender are kept
 * as Linux keeps them. */
#ifndef DEP_L4S_CC_DRIVE_H
#define DEP_L4S_CC_DRIVE_H

#include "proto/l4s/cc.h"
#include "proto/l4s/cc/prr.h"

struct drive {
	struct cc cc;
	struct cc_win w;
	struct cc_ack a; /* of the last ACK */
	struct cc_prr prr;
	uint32_t high;	/* end of CWR or Recovery */
	uint64_t bytes; /* of IP packets that were delivered */
	uint64_t reductions;
};

/* A sender as cc_cfg_parse reads it, RTT known, window and ssthresh given (0: as cc_init). */
void drive_init(struct drive *d, const char *text, uint32_t rtt_us, uint32_t cwnd,
		uint32_t ssthresh);
/* An ACK for n segments of which ce were marked, lost of which were found lost, at now_ns. The
 * sender's states change as in Linux: CWR or Recovery till all that was under way is acknowledged.
 */
void drive_ack(struct drive *d, uint64_t now_ns, uint32_t n, uint32_t ce, uint32_t lost);

/* One packet an ACK, spaced by window and pacing; each marked by an accumulated probability p
 * (2^-32). Runs for `ns`; returns bit/s of IP packets over the second half. */
uint64_t drive_marked(struct drive *d, uint32_t rtt_us, uint32_t p, uint64_t ns);

/* A link of bit/s `rate` with base round trip rtt_us and a queue that marks what waited longer than
 * mark_ns. */
struct drive_link {
	uint64_t rate;
	uint32_t rtt_us;
	uint64_t mark_ns;
	/* out, over the second half */
	uint64_t throughput; /* bit/s */
	uint64_t queue_mean; /* ns */
	uint64_t queue_max;
	uint64_t smallest; /* bytes of the smallest packet */
};
void drive_link(struct drive *d, struct drive_link *l, uint64_t ns);

#endif
