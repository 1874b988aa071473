/* SPDX-License-Identifier: BSD-2-Clause */
/* Round-trip time and timeout (RFC 6298) with Linux' variance: it follows a rise at once and falls
 * once a round. */
#include "proto/l4s/tcp/tcp_priv.h"

#define RTT_MOST ((1u << 28) - 1) /* us */

void tcp_rtt_init(struct tcp_rtt *r)
{
	*r = (struct tcp_rtt){.rto = TCP_RTO_FIRST, .min = UINT64_MAX, .min_old = UINT64_MAX};
}

static void set_rto(struct tcp_rtt *r)
{
	uint64_t var = (uint64_t)r->rttvar * 1000;

	r->rto = (uint64_t)r->srtt * 125 + (var > TCP_TICK_NS ? var : TCP_TICK_NS);
	if (r->rto < TCP_RTO_MIN)
		r->rto = TCP_RTO_MIN;
	if (r->rto > TCP_RTO_MAX)
		r->rto = TCP_RTO_MAX;
}

static void first(struct tcp *t, uint32_t us)
{
	struct tcp_rtt *r = &t->rtt;

	r->srtt = us << 3;
	r->mdev = us << 1;
	r->rttvar = r->mdev;
	r->mdev_max = 0;
	r->seq = t->sb.nxt;
}

void tcp_rtt_sample(struct tcp *t, uint64_t ns)
{
	struct tcp_rtt *r = &t->rtt;
	uint32_t us = (uint32_t)(ns / 1000);
	int32_t m;

	if (!us)
		us = 1;
	/* srtt in eighths stays below 2^31 */
	if (ns / 1000 > RTT_MOST)
		us = RTT_MOST;
	if (!r->srtt) {
		first(t, us);
		set_rto(r);
		return;
	}
	m = (int32_t)us - (int32_t)(r->srtt >> 3);
	r->srtt = (uint32_t)((int32_t)r->srtt + m);
	if (m < 0) {
		m = -m - (int32_t)(r->mdev >> 2);
		/* a fall of the time is no sign of variance */
		if (m > 0)
			m >>= 3;
	} else {
		m -= (int32_t)(r->mdev >> 2);
	}
	r->mdev = (uint32_t)((int32_t)r->mdev + m);
	if (r->mdev > r->mdev_max) {
		r->mdev_max = r->mdev;
		if (r->mdev_max > r->rttvar)
			r->rttvar = r->mdev_max;
	}
	if (seq_after(t->sb.una, r->seq)) {
		if (r->mdev_max < r->rttvar)
			r->rttvar -= (r->rttvar - r->mdev_max) >> 2;
		r->seq = t->sb.nxt;
		r->mdev_max = 0;
	}
	set_rto(r);
}
