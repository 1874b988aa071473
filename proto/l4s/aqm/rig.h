/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue manager under test, with its packets and its time. */
#ifndef DEP_L4S_AQM_RIG_H
#define DEP_L4S_AQM_RIG_H

#include "proto/l4s/aqm/aqm_priv.h"

#define RIG_MS 1000000u
#define RIG_US 1000u
#define RIG_PACKETS 16384

struct rig {
	struct aqm *q;
	struct alloc alloc;
	struct aqm_pkt pool[RIG_PACKETS];
	struct aqm_pkt *spare;
	uint64_t now;
	uint32_t dropped; /* seen so far */
	uint8_t why;	  /* of the last one */
};

/* Fails the test where the text is none. */
void rig_open(struct rig *r, const char *text, uint64_t rate);
void rig_cfg(struct rig *r, const struct aqm_cfg *cfg);
void rig_close(struct rig *r);
/* One packet in at r->now; false: dropped. */
bool rig_put(struct rig *r, enum ecn ecn, uint32_t len, uint32_t flow);
void rig_fill(struct rig *r, enum ecn ecn, uint32_t n);
/* One packet out at r->now; it goes back to the pool, so use it before the next rig_put. NULL:
 * empty. */
struct aqm_pkt *rig_get(struct rig *r);

#endif
