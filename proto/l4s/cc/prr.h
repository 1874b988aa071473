/* SPDX-License-Identifier: BSD-2-Clause */
/* Proportional Rate Reduction (RFC 6937, with the slow-start reduction bound gated as in Linux):
 * how the owner of the window brings it down to ssthresh in CWR and Recovery. */
#ifndef DEP_L4S_CC_PRR_H
#define DEP_L4S_CC_PRR_H

#include "proto/l4s/cc.h"
#include "proto/l4s/cc/cc_math.h"

struct cc_prr {
	uint32_t prior_cwnd;
	uint32_t delivered; /* since the reduction began */
	uint32_t out;	    /* sent since */
};

/* A reduction begins from window cwnd. */
static inline void prr_begin(struct cc_prr *p, uint32_t cwnd)
{
	p->prior_cwnd = cc_max(cwnd, 1);
	p->delivered = 0;
	p->out = 0;
}

/* n segments, new or again, were sent during it. */
static inline void prr_sent(struct cc_prr *p, uint32_t n)
{
	p->out += n;
}

/* An ACK that delivered `delivered` segments, `inflight` now being in the network; lost: segments
 * newly marked lost; advanced: snd_una moved. Sets w->cwnd. */
static inline void prr_ack(struct cc_prr *p, struct cc_win *w, uint32_t delivered,
			   uint32_t inflight, uint32_t lost, bool advanced)
{
	uint32_t send = 0;
	uint64_t due;

	if (!delivered)
		return;
	p->delivered += delivered;
	if (inflight > w->ssthresh) {
		due = ((uint64_t)w->ssthresh * p->delivered + p->prior_cwnd - 1) / p->prior_cwnd;
		send = due > p->out ? (uint32_t)(due - p->out) : 0;
	} else {
		if (p->delivered > p->out)
			send = p->delivered - p->out;
		send = cc_max(send, delivered);
		if (advanced && !lost)
			send++;
		send = cc_min(send, w->ssthresh - inflight);
	}
	/* the retransmission that begins a recovery always leaves */
	if (!p->out)
		send = cc_max(send, 1);
	w->cwnd = cc_max(inflight + send, 1);
}

/* The reduction is over. */
static inline void prr_end(struct cc_win *w)
{
	if (w->ssthresh < CC_SSTHRESH_NONE)
		w->cwnd = w->ssthresh;
}

#endif
