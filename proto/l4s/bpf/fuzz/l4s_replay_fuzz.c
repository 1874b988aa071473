/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of calls: as files, and as calls with any input, which the cores must stand. */
#include "proto/l4s/bpf/replay.h"

#include "proto/l4s/cc/cc_math.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void file(struct slice in)
{
	struct replay *r = replay_new();
	struct err err = {0};
	int rc;

	if (!r)
		return;
	rc = replay_bytes(r, in, &err);
	if ((rc != 0) != (err.what[0] != '\0'))
		abort(); /* an error has words */
	if (replay_result(r)->events > in.n / sizeof(struct cc_bpf_event))
		abort();
	replay_free(r);
}

/* What one call is made from. */
struct seed {
	uint8_t op, arg, state, flags;
	uint32_t step_us, acked, ce, rtt_us, cwnd, ssthresh, inflight;
};

static void next(struct cc_bpf_event *e, const struct seed *s)
{
	static const uint8_t args[CC_BPF_OPS] = {[CC_BPF_SSTHRESH] = 4, [CC_BPF_STATE] = 4};
	struct cc_ack *a = &e->ack;

	e->op = (uint8_t)(1 + s->op % (CC_BPF_OPS - 1));
	e->arg = args[e->op] ? s->arg % args[e->op] : 0;
	e->seq++;
	a->now_ns += s->step_us * 1000ull;
	a->acked = s->acked;
	a->delivered += s->acked;
	a->delivered_ce += s->ce;
	a->rtt_us = s->rtt_us;
	a->srtt_us = s->rtt_us;
	a->min_rtt_us = s->rtt_us / 2;
	a->inflight = s->inflight;
	a->snd_una += s->acked;
	a->snd_nxt = a->snd_una + s->inflight;
	a->state = s->state % (CC_LOSS + 1);
	a->ece = s->flags & 1;
	a->cwnd_limited = s->flags & 2;
	a->app_limited = s->flags & 4;
	e->in.cwnd = cc_clamp(s->cwnd, 1, CC_CWND_MAX);
	e->in.ssthresh = cc_clamp(s->ssthresh, 2, CC_SSTHRESH_NONE);
	e->in.cwnd_cnt = s->inflight & CC_CWND_MAX;
}

static void calls(struct slice in)
{
	struct replay *r = replay_new();
	struct cc_bpf_event e = {.id = 1, .in = {.cwnd = 10, .ssthresh = CC_SSTHRESH_NONE}};
	struct seed s;
	uint8_t first;
	uint64_t n = 1;

	if (!r || !slice_u8(&in, &first)) {
		replay_free(r);
		return;
	}
	e.control = first & 1;
	cc_cfg_defaults(&e.cc.cfg, e.control == CC_BPF_PRAGUE ? CC_PRAGUE : CC_CUBIC);
	e.cc.cfg.form = first >> 1 & 1;
	e.cc.cfg.abe.mode = first >> 2 & 1 ? ABE_ADAPTIVE : ABE_FIXED;
	if (e.control == CC_BPF_CUBIC)
		e.cc.cfg.start = first >> 3 & 1 ? CC_START_HYSTARTPP : CC_START_HYSTART;
	if (replay_event(r, &e, NULL))
		abort();
	for (; slice_copy(&in, &s, sizeof(s)); n++) {
		next(&e, &s);
		if (replay_event(r, &e, NULL))
			abort();
	}
	if (replay_result(r)->events != n)
		abort();
	replay_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	file(slice_of(data, size));
	calls(slice_of(data, size));
	return 0;
}
