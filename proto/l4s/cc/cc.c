/* SPDX-License-Identifier: BSD-2-Clause */
/* DOC: Congestion controls
 *
 * Four senders: Reno, CUBIC, DCTCP, Prague, and one policy, ABE, that decides how strongly the
 * first two answer a mark. Each is a header of inline functions over a state of at most 104 bytes,
 * the private area that Linux gives a congestion control. The simulator, the replay of recorded
 * ACKs and the eBPF programs in the kernel compile the same lines; this file is only the switch
 * for programs that choose at run time.
 *
 *	reno.h		slow start, additive increase, and what all share
 *	abe_policy.h	which factor answers which event (RFC 8511)
 *	abe_adaptive.h	beta_ecn from measurements
 *	cubic.h		CUBIC: cubic_linux.h, cubic_rfc.h, hystart.h, hystartpp.h
 *	dctcp.h		RFC 8257
 *	prague.h	Prague, prague_classic.h its watch for Classic bottlenecks
 *	prr.h		how the owner brings a window down (RFC 6937)
 *
 * The owner of the window calls, for one ACK, in this order: cc_mark if it carries news of marks;
 * cc_ssthresh and cc_set_state if the sender's state changes; PRR or cc_ack. */
#include "proto/l4s/cc.h"
#include "proto/l4s/cc/cubic.h"
#include "proto/l4s/cc/dctcp.h"
#include "proto/l4s/cc/prague.h"

static struct cc_reno *reno(struct cc *c)
{
	return (struct cc_reno *)(void *)c->priv;
}

static struct cc_cubic *cubic(struct cc *c)
{
	return (struct cc_cubic *)(void *)c->priv;
}

static struct cc_dctcp *dctcp(struct cc *c)
{
	return (struct cc_dctcp *)(void *)c->priv;
}

static struct cc_prague *prague(struct cc *c)
{
	return (struct cc_prague *)(void *)c->priv;
}

/* What the feedback allows. */
static void settle(struct cc_cfg *cfg, uint8_t feedback)
{
	cfg->feedback = feedback;
	if (cfg->algo == CC_PRAGUE && feedback != CC_FEEDBACK_ACCECN) {
		cfg->algo = CC_RENO;
		cfg->ect = ECN_ECT0;
		cfg->abe.mode = ABE_OFF;
		cfg->abe.beta_loss = 512;
	}
	if (feedback == CC_FEEDBACK_NONE)
		cfg->ect = ECN_NOT_ECT;
}

void cc_init(struct cc *c, const struct cc_cfg *cfg, uint8_t feedback, uint64_t now_ns,
	     struct cc_win *w)
{
	*c = (struct cc){.cfg = *cfg, .last_ns = now_ns};
	settle(&c->cfg, feedback);
	*w = (struct cc_win){.cwnd = cfg->initial_window, .ssthresh = CC_SSTHRESH_NONE};
	switch (c->cfg.algo) {
	case CC_RENO:
		reno_init(reno(c), &c->cfg);
		break;
	case CC_CUBIC:
		cubic_init(cubic(c), &c->cfg, now_ns, 0);
		break;
	case CC_DCTCP:
		dctcp_init(dctcp(c), &c->cfg);
		break;
	case CC_PRAGUE:
		prague_init(prague(c), &c->cfg, w, 0, 0, 0);
		w->packet = c->cfg.mtu;
		break;
	}
}

void cc_mark(struct cc *c, const struct cc_ack *a)
{
	if (c->cfg.algo == CC_DCTCP)
		dctcp_round(dctcp(c), a);
}

uint32_t cc_ssthresh(struct cc *c, enum cc_cause cause, const struct cc_ack *a, struct cc_win *w)
{
	switch (c->cfg.algo) {
	case CC_CUBIC:
		return cubic_ssthresh(cubic(c), &c->cfg, cause, a, w);
	case CC_DCTCP:
		return dctcp_ssthresh(dctcp(c), &c->cfg, cause, a, w);
	case CC_PRAGUE:
		return prague_ssthresh(prague(c), &c->cfg, cause, a, w);
	default:
		return reno_ssthresh(reno(c), &c->cfg, cause, a, w);
	}
}

void cc_set_state(struct cc *c, enum cc_state state, const struct cc_ack *a, struct cc_win *w)
{
	switch (c->cfg.algo) {
	case CC_CUBIC:
		cubic_set_state(cubic(c), &c->cfg, state, a, w);
		break;
	case CC_PRAGUE:
		prague_set_state(prague(c), state, a, w);
		break;
	default: /* DCTCP begins with Reno's state */
		reno_set_state(reno(c), &c->cfg, state, w);
		break;
	}
}

void cc_ack(struct cc *c, const struct cc_ack *a, struct cc_win *w)
{
	c->last_ns = a->now_ns;
	switch (c->cfg.algo) {
	case CC_CUBIC:
		cubic_ack(cubic(c), &c->cfg, a, w);
		break;
	case CC_DCTCP:
		dctcp_ack(dctcp(c), &c->cfg, a, w);
		break;
	case CC_PRAGUE:
		prague_ack(prague(c), &c->cfg, a, w);
		return;
	default:
		reno_ack(reno(c), &c->cfg, a, w);
		break;
	}
	cc_pace(&c->cfg, a, w);
}

bool cc_controls_window(const struct cc *c)
{
	return c->cfg.algo == CC_PRAGUE;
}

uint32_t cc_undo(struct cc *c, struct cc_win *w)
{
	switch (c->cfg.algo) {
	case CC_CUBIC:
		return cubic_undo(cubic(c), &c->cfg, w);
	case CC_PRAGUE:
		return prague_undo(prague(c), w);
	default:
		return reno_undo(reno(c), w);
	}
}

void cc_restart(struct cc *c, uint64_t now_ns, struct cc_win *w)
{
	(void)w;
	if (c->cfg.algo == CC_CUBIC)
		cubic_restart(cubic(c), &c->cfg, now_ns, c->last_ns);
	c->last_ns = now_ns;
}

void cc_look(const struct cc *c, struct cc_view *v)
{
	*v = (struct cc_view){.beta = c->cfg.abe.beta_loss};
	switch (c->cfg.algo) {
	case CC_CUBIC: {
		const struct cc_cubic *s = (const struct cc_cubic *)(const void *)c->priv;

		if (s->round.beta)
			v->beta = s->round.beta;
		break;
	}
	case CC_DCTCP:
		v->alpha = ((const struct cc_dctcp *)(const void *)c->priv)->alpha;
		break;
	case CC_PRAGUE: {
		const struct cc_prague *s = (const struct cc_prague *)(const void *)c->priv;

		v->alpha = s->alpha >> PRAGUE_G;
		v->classic = s->classic.score;
		break;
	}
	default: {
		const struct cc_reno *s = (const struct cc_reno *)(const void *)c->priv;

		if (s->round.beta)
			v->beta = s->round.beta;
		break;
	}
	}
}
