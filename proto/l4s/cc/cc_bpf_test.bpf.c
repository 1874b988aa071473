/* SPDX-License-Identifier: BSD-2-Clause */
/* Every inline function of the congestion controls, made by clang for eBPF: what it cannot do there
 * (signed division, 128 bits, calls of libc, too much stack) fails the build. */
#include "proto/l4s/cc/cubic.h"
#include "proto/l4s/cc/dctcp.h"
#include "proto/l4s/cc/prague.h"
#include "proto/l4s/cc/prr.h"

#define SEC(name) __attribute__((section(name), used))

struct all {
	struct cc_cfg cfg;
	struct cc_ack ack;
	struct cc_win win;
	struct cc_prr prr;
	union {
		struct cc_reno reno;
		struct cc_cubic cubic;
		struct cc_dctcp dctcp;
		struct cc_prague prague;
	};
	enum cc_cause cause;
	enum cc_state state;
	unsigned int out;
};

SEC("reno") int use_reno(struct all *s)
{
	reno_init(&s->reno, &s->cfg);
	reno_ack(&s->reno, &s->cfg, &s->ack, &s->win);
	s->out = reno_ssthresh(&s->reno, &s->cfg, s->cause, &s->ack, &s->win);
	reno_set_state(&s->reno, &s->cfg, s->state, &s->win);
	cc_pace(&s->cfg, &s->ack, &s->win);
	return (int)reno_undo(&s->reno, &s->win);
}

SEC("cubic") int use_cubic(struct all *s)
{
	cubic_init(&s->cubic, &s->cfg, s->ack.now_ns, s->ack.snd_nxt);
	cubic_ack(&s->cubic, &s->cfg, &s->ack, &s->win);
	s->out = cubic_ssthresh(&s->cubic, &s->cfg, s->cause, &s->ack, &s->win);
	cubic_set_state(&s->cubic, &s->cfg, s->state, &s->ack, &s->win);
	cubic_restart(&s->cubic, &s->cfg, s->ack.now_ns, 0);
	return (int)cubic_undo(&s->cubic, &s->cfg, &s->win);
}

SEC("dctcp") int use_dctcp(struct all *s)
{
	dctcp_init(&s->dctcp, &s->cfg);
	dctcp_ack(&s->dctcp, &s->cfg, &s->ack, &s->win);
	return (int)dctcp_ssthresh(&s->dctcp, &s->cfg, s->cause, &s->ack, &s->win);
}

SEC("prague") int use_prague(struct all *s)
{
	prague_init(&s->prague, &s->cfg, &s->win, 0, 0, 0);
	prague_ack(&s->prague, &s->cfg, &s->ack, &s->win);
	s->out = prague_ssthresh(&s->prague, &s->cfg, s->cause, &s->ack, &s->win);
	prague_set_state(&s->prague, s->state, &s->ack, &s->win);
	return (int)prague_undo(&s->prague, &s->win);
}

SEC("prr") int use_prr(struct all *s)
{
	prr_begin(&s->prr, s->win.cwnd);
	prr_ack(&s->prr, &s->win, s->ack.acked, s->ack.inflight, s->ack.lost, true);
	prr_sent(&s->prr, 1);
	prr_end(&s->win);
	return 0;
}
