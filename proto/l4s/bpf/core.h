/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One call of a control as a function of its state, its input and nothing else. Compiled into the
 * eBPF programs and, by the host's compiler, into the replay that checks them. */
#ifndef DEP_L4S_BPF_CORE_H
#define DEP_L4S_BPF_CORE_H

#include "proto/l4s/bpf/cc_bpf.h"
#include "proto/l4s/cc/cubic.h"
#include "proto/l4s/cc/prague.h"

static inline __attribute__((always_inline)) uint32_t core_cubic(struct cc *c, uint32_t op,
								 uint32_t arg,
								 const struct cc_ack *a,
								 struct cc_win *w)
{
	struct cc_cubic *s = (struct cc_cubic *)c->priv;
	const struct cc_cfg *cfg = &c->cfg;

	switch (op) {
	case CC_BPF_INIT:
		c->last_ns = a->now_ns;
		cubic_init(s, cfg, a->now_ns, a->snd_nxt);
		return 0;
	case CC_BPF_SSTHRESH:
		return cubic_ssthresh(s, cfg, (enum cc_cause)arg, a, w);
	case CC_BPF_STATE:
		cubic_set_state(s, cfg, (enum cc_state)arg, a, w);
		return 0;
	case CC_BPF_ACK:
		c->last_ns = a->now_ns;
		cubic_ack(s, cfg, a, w);
		return 0;
	case CC_BPF_UNDO:
		return cubic_undo(s, cfg, w);
	case CC_BPF_RESTART:
		cubic_restart(s, cfg, a->now_ns, c->last_ns);
		c->last_ns = a->now_ns;
		return 0;
	}
	return 0;
}

static inline __attribute__((always_inline)) uint32_t core_prague(struct cc *c, uint32_t op,
								  uint32_t arg,
								  const struct cc_ack *a,
								  struct cc_win *w)
{
	struct cc_prague *s = (struct cc_prague *)c->priv;
	const struct cc_cfg *cfg = &c->cfg;

	switch (op) {
	case CC_BPF_INIT:
		c->last_ns = a->now_ns;
		prague_init(s, cfg, w, a->delivered, a->delivered_ce, a->snd_nxt);
		return 0;
	case CC_BPF_SSTHRESH:
		return prague_ssthresh(s, cfg, (enum cc_cause)arg, a, w);
	case CC_BPF_STATE:
		prague_set_state(s, (enum cc_state)arg, a, w);
		return 0;
	case CC_BPF_ACK:
		c->last_ns = a->now_ns;
		prague_ack(s, cfg, a, w);
		return 0;
	case CC_BPF_UNDO:
		return prague_undo(s, w);
	case CC_BPF_RESTART:
		c->last_ns = a->now_ns;
		return 0;
	}
	return 0;
}

#endif
