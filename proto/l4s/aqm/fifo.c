/* SPDX-License-Identifier: BSD-2-Clause */
/* Drop-tail. */
#include "proto/l4s/aqm/aqm_priv.h"

bool fifo_enqueue(struct aqm *q, struct aqm_pkt *p)
{
	if (aqm_full(q, p->len)) {
		aqm_drop(q, AQM_C, p, AQM_WHY_LIMIT);
		return false;
	}
	aqm_push(q, AQM_C, p);
	return true;
}

struct aqm_pkt *fifo_dequeue(struct aqm *q, uint64_t now)
{
	if (!q->list[AQM_C].head)
		return NULL;
	return aqm_forward(q, AQM_C, aqm_pop(q, AQM_C), now);
}
