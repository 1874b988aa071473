/* SPDX-License-Identifier: BSD-2-Clause */
/* DOC: TCP of the simulator
 *
 * One struct tcp is both ends of a connection that is there already: no handshake, one direction.
 * Numbers count packets, not bytes. The sender follows Linux where behaviour decides about rates:
 *
 *	sender.c	what is sent and when: window, pacing, bursts
 *	ack.c		what an ACK tells
 *	scoreboard.c	what is known of each packet under way
 *	rack.c		which are lost (RFC 8985)
 *	loss.c		the states Open, CWR, Recovery, Loss, and the ways back
 *	timer.c		tail loss probe, reordering timeout, retransmission timeout
 *	rtt.c		round-trip time
 *	receiver.c	order, SACK, delayed ACKs, ECN feedback, GRO
 *	accecn.c	Accurate ECN (RFC 9768)
 *
 * The congestion control (cc.h) is called where Linux calls it: cc_mark before the states change,
 * cc_ssthresh and cc_set_state as they do, then PRR and cc_ack. */
#include "proto/l4s/tcp/tcp_priv.h"

static void pace_fired(struct sim *s, struct sim_timer *timer)
{
	struct tcp *t = (struct tcp *)((char *)timer - offsetof(struct tcp, pace));

	(void)s;
	tcp_output(t);
}

struct tcp *tcp_new(struct sim *s, const struct sim_flow_cfg *cfg, uint32_t flow, struct alloc *a)
{
	struct tcp *t = alloc_zero(a, sizeof(*t));

	if (!t)
		return NULL;
	t->s = s;
	t->cfg = cfg;
	t->flow = flow;
	t->alloc = a;
	if (!sb_init(&t->sb, a)) {
		alloc_free(a, t, sizeof(*t));
		return NULL;
	}
	t->feedback = cfg->cc.feedback;
	if (cfg->cc.ect == ECN_NOT_ECT)
		t->feedback = CC_FEEDBACK_NONE;
	cc_init(&t->cc, &cfg->cc, t->feedback, sim_now(s), &t->w);
	t->ect = t->cc.cfg.ect;
	t->mss = (uint16_t)cfg->cc.mss;
	t->payload = t->mss;
	t->reordering = TCP_DUPTHRESH;
	t->rack.steps = 1;
	tcp_rtt_init(&t->rtt);
	accecn_sender_init(&t->ecn, 5);
	t->timer = (struct sim_timer){.due = AQM_NEVER, .fire = tcp_alarm_fired};
	t->pace = (struct sim_timer){.due = AQM_NEVER, .fire = pace_fired};
	tcp_receiver_init(t);
	t->wnd_end = t->rx.rwnd < 1u << 30 ? t->rx.rwnd : 1u << 30;
	return t;
}

void tcp_free(struct tcp *t, struct alloc *a)
{
	tcp_receiver_free(t);
	sb_free(&t->sb);
	alloc_free(a, t, sizeof(*t));
}

void tcp_start(struct tcp *t)
{
	t->started = sim_now(t->s);
	t->endless = !t->cfg->bytes;
	t->left += t->cfg->bytes;
	t->queued += t->cfg->bytes;
	t->rx.done_at = t->endless ? 0 : t->queued;
	tcp_output(t);
}

void tcp_stop(struct tcp *t)
{
	t->stopped = true;
}

void tcp_result(const struct tcp *t, struct sim_flow_result *r)
{
	const struct tcp_figures *f = &t->f;
	const struct tcp_figures *b = &t->base;
	uint64_t min = tcp_min_rtt(t);
	uint32_t i;

	r->bytes = f->bytes - b->bytes;
	r->sent = f->sent - b->sent;
	r->retransmitted = f->again - b->again;
	r->lost = f->lost - b->lost;
	r->marked = f->marked - b->marked;
	r->delivered_ce = (uint32_t)(t->delivered_ce - b->delivered_ce);
	for (i = 0; i < 4; i++)
		r->reductions[i] = f->reductions[i] - b->reductions[i];
	r->rtos = f->rtos - b->rtos;
	r->spurious = f->spurious - b->spurious;
	r->objects = f->objects - b->objects;
	cc_look(&t->cc, &r->view);
	r->rtt_mean = f->rtt_n > b->rtt_n ? (f->rtt_sum - b->rtt_sum) / (f->rtt_n - b->rtt_n) : 0;
	r->rtt_min = min == UINT64_MAX ? 0 : min;
}

void tcp_reset_figures(struct tcp *t)
{
	t->base = t->f;
	t->base.delivered_ce = t->delivered_ce;
}

void tcp_look(const struct tcp *t, uint64_t *bytes, struct cc_win *w, struct cc_view *v)
{
	*bytes = t->f.bytes - t->base.bytes;
	*w = t->w;
	cc_look(&t->cc, v);
}
