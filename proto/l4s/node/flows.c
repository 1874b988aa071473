/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/node/flows.h"

#include <stdlib.h>
#include <string.h>

int flows_compare(const void *a, const void *b)
{
	const struct cc_kernel_flow *x = &((const struct flow *)a)->f;
	const struct cc_kernel_flow *y = &((const struct flow *)b)->f;
	int d = memcmp(x->remote, y->remote, sizeof(x->remote));

	if (d == 0)
		d = memcmp(x->local, y->local, sizeof(x->local));
	if (d == 0)
		d = x->remote_port - y->remote_port;
	if (d == 0)
		d = x->local_port - y->local_port;
	return d != 0 ? d : x->family - y->family;
}

static void rate_one(struct flow *to, const struct flow *from, usec_t dt)
{
	uint64_t bytes = to->f.bytes_acked - from->f.bytes_acked;
	uint32_t marks = to->f.delivered_ce - from->f.delivered_ce;

	/* Ports may be used again. */
	if (to->f.bytes_acked < from->f.bytes_acked ||
	    to->f.delivered - from->f.delivered > UINT32_MAX / 2)
		return;
	to->rate = bytes * 8 * 1000000 / (uint64_t)dt;
	to->mark_rate = (uint32_t)((uint64_t)marks * to->f.srtt_us * 1000 / (uint64_t)dt);
	to->measured = true;
}

void flows_rate(struct flow *now, uint32_t n, const struct flow *before, uint32_t n_before,
		usec_t dt)
{
	uint32_t i;
	uint32_t k = 0;
	int d;

	for (i = 0; i < n; i++) {
		while (k < n_before && (d = flows_compare(&before[k], &now[i])) < 0)
			k++;
		if (k < n_before && d == 0)
			rate_one(&now[i], &before[k], dt);
	}
}

static uint32_t sample(struct flows *s, struct cc_kernel *k, struct flow **out)
{
	struct cc_kernel_flow *raw = calloc(FLOWS_MAX, sizeof(*raw));
	uint32_t n = 0;
	uint32_t i;

	*out = NULL;
	if (!raw)
		return 0;
	s->all = (uint32_t)cc_kernel_flows(k, raw, FLOWS_MAX);
	n = s->all < FLOWS_MAX ? s->all : FLOWS_MAX;
	*out = n ? calloc(n, sizeof(**out)) : NULL;
	if (!*out)
		n = 0;
	for (i = 0; i < n; i++)
		(*out)[i].f = raw[i];
	free(raw);
	if (n)
		qsort(*out, n, sizeof(**out), flows_compare);
	return n;
}

void flows_tick(struct flows *s, struct cc_kernel *k)
{
	struct flow *now;
	usec_t at = clock_now();
	uint32_t n;

	if (!k) {
		flows_free(s);
		return;
	}
	n = sample(s, k, &now);
	if (s->at && at > s->at)
		flows_rate(now, n, s->flow, s->n, at - s->at);
	free(s->flow);
	s->flow = now;
	s->n = n;
	s->at = at;
}

void flows_free(struct flows *s)
{
	free(s->flow);
	memset(s, 0, sizeof(*s));
}
