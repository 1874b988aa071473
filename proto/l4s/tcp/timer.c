/* SPDX-License-Identifier: BSD-2-Clause */
/* The sender's one timer: tail loss probe, reordering timeout of RACK, retransmission timeout. */
#include "proto/l4s/tcp/tcp_priv.h"

/* The engine's timer may be earlier than what is due: alarms mostly move on, and it is set again
 * only when it fires. */
void tcp_set_alarm(struct tcp *t, enum tcp_alarm kind, uint64_t at)
{
	t->alarm = (uint8_t)kind;
	t->alarm_at = at;
	if (kind != ALARM_NONE && t->timer.due > at)
		sim_timer_set(t->s, &t->timer, at);
}

uint64_t tcp_rto(const struct tcp *t)
{
	uint64_t rto = t->rtt.rto;

	if (t->backoff > 20 || rto << t->backoff > TCP_RTO_MAX)
		return TCP_RTO_MAX;
	return rto << t->backoff;
}

/* The timeout counts from the last transmission of the first packet. */
void tcp_rearm_rto(struct tcp *t)
{
	if (!sb_packets_out(&t->sb)) {
		tcp_set_alarm(t, ALARM_NONE, 0);
		return;
	}
	tcp_set_alarm(t, ALARM_RTO, sim_now(t->s) + tcp_rto(t));
}

void tcp_rearm(struct tcp *t)
{
	uint64_t pto;
	uint64_t rto;

	if (t->state >= CC_RECOVERY || !sb_packets_out(&t->sb) || !t->rtt.srtt || t->has_tlp ||
	    t->sb.sacked_out || t->sb.lost_out) {
		tcp_rearm_rto(t);
		return;
	}
	pto = 2 * tcp_srtt_ns(t);
	if (sb_packets_out(&t->sb) == 1)
		pto += TCP_RTO_MIN;
	rto = tcp_rto(t);
	/* RFC 8985 §7.2: in place of the timeout where that is earlier */
	tcp_set_alarm(t, ALARM_TLP, sim_now(t->s) + (pto < rto ? pto : rto));
}

/* RFC 8985 §7.3: a new packet where there is one, else the last again. */
static void probe(struct tcp *t)
{
	uint32_t last = t->sb.nxt - 1;

	t->tlp_again = false;
	if (!tcp_send_new(t)) {
		if (sb_at(&t->sb, last)->flags & (SB_SACKED | SB_RETRANS) ||
		    !tcp_retransmit(t, last)) {
			tcp_rearm_rto(t);
			return;
		}
		t->tlp_again = true;
	}
	t->has_tlp = true;
	t->tlp_seq = t->sb.nxt;
	tcp_rearm_rto(t);
}

static void overdue(struct tcp *t)
{
	uint32_t before = sb_inflight(&t->sb);

	t->alarm = ALARM_NONE;
	tcp_fill_ack(t);
	rack_detect(t);
	if (before != sb_inflight(&t->sb)) {
		t->a.lost = before - sb_inflight(&t->sb);
		t->a.inflight = sb_inflight(&t->sb);
		if (t->state != CC_RECOVERY && t->state != CC_LOSS) {
			tcp_enter_recovery(t, false);
			if (!cc_controls_window(&t->cc))
				prr_ack(&t->prr, &t->w, 1, sb_inflight(&t->sb), 1, false);
		}
		tcp_output(t);
	}
	if (t->alarm == ALARM_NONE)
		tcp_rearm_rto(t);
}

static void timeout(struct tcp *t)
{
	uint32_t seq;

	if (!sb_packets_out(&t->sb))
		return;
	t->f.rtos++;
	tcp_fill_ack(t);
	tcp_enter_loss(t);
	t->retransmits++;
	/* the first goes, whatever pacing says */
	if (sb_next_lost(&t->sb, &seq))
		tcp_retransmit(t, seq);
	if (t->backoff < 30)
		t->backoff++;
	tcp_rearm_rto(t);
}

void tcp_alarm_fired(struct sim *s, struct sim_timer *timer)
{
	struct tcp *t = (struct tcp *)((char *)timer - offsetof(struct tcp, timer));

	if (t->alarm != ALARM_NONE && sim_now(s) < t->alarm_at) {
		sim_timer_set(s, timer, t->alarm_at);
		return;
	}
	switch (t->alarm) {
	case ALARM_TLP:
		probe(t);
		break;
	case ALARM_REO:
		overdue(t);
		break;
	case ALARM_RTO:
		timeout(t);
		break;
	default:
		break;
	}
}
