/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue manager of aqm.h in this process as the DualQ under test. */
#ifndef DEP_L4S_AQM_CONFORM_AQM_H
#define DEP_L4S_AQM_CONFORM_AQM_H

#include "proto/l4s/aqm.h"
#include "proto/l4s/aqm/conform.h"

struct conform_aqm {
	struct conform_dut dut;
	struct aqm *q;
	uint64_t now;
	struct aqm_pkt pool[CONFORM_BATCH];
};

/* q must be empty and stays the caller's. */
void conform_aqm_init(struct conform_aqm *c, struct aqm *q);

#endif
