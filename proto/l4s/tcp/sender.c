/* SPDX-License-Identifier: BSD-2-Clause */
/* What is sent, and when: lost packets first, then new ones, as congestion window, receiver's
 * window and pacing let them. */
#include "proto/l4s/tcp/tcp_priv.h"

bool tcp_has_new(const struct tcp *t)
{
	return (t->left || t->endless) && !t->stopped && seq_before(t->sb.nxt, t->wnd_end);
}

static bool transmit(struct tcp *t, uint32_t seq, uint16_t payload, bool again)
{
	struct sim_pkt *p = sim_pkt_new(t->s);

	if (!p)
		return false;
	p->q.flow = t->flow;
	/* RFC 3168 §6.1.5; with AccECN the counters tell the copies apart (as Linux) */
	p->q.ecn = again && t->feedback != CC_FEEDBACK_ACCECN ? ECN_NOT_ECT : t->ect;
	p->kind = SIM_DATA;
	p->flags = 0;
	p->seq = seq;
	p->payload = payload;
	p->retransmit = again;
	p->n_sacks = 0;
	p->has_ceb = false;
	p->dsack = false;
	p->sent_ns = sim_now(t->s);
	if (t->queue_cwr && !again) {
		p->flags = TCP_CWR;
		t->queue_cwr = false;
	}
	t->last_sent = p->sent_ns;
	t->f.sent++;
	if (tcp_in_reduction(t))
		prr_sent(&t->prr, 1);
	sim_send(t->s, p);
	return true;
}

bool tcp_retransmit(struct tcp *t, uint32_t seq)
{
	if (!transmit(t, seq, sb_at(&t->sb, seq)->payload, true))
		return false;
	t->f.again++;
	if (!t->retrans_ns)
		t->retrans_ns = sim_now(t->s);
	if (t->undo_retrans < 0)
		t->undo_retrans = 0;
	t->undo_retrans++;
	sb_sent_again(&t->sb, seq, sim_now(t->s));
	return true;
}

/* Bytes of a new packet: Prague makes them smaller at low rates. */
static uint16_t payload_now(struct tcp *t)
{
	if (t->payload_of != t->w.packet) {
		t->payload_of = t->w.packet;
		t->payload = t->mss;
		if (t->w.packet > TCP_HEADERS && t->w.packet - TCP_HEADERS < t->mss)
			t->payload = (uint16_t)(t->w.packet - TCP_HEADERS);
	}
	return !t->endless && t->left < t->payload ? (uint16_t)t->left : t->payload;
}

/* RFC 5681 §4.1, as Linux: the window halves for each timeout of silence. */
static void after_idle(struct tcp *t, uint64_t now)
{
	uint32_t floor = t->w.cwnd < TCP_RESTART_WINDOW ? t->w.cwnd : TCP_RESTART_WINDOW;
	uint64_t idle = now - t->last_sent;
	uint64_t rto = tcp_rto(t);

	if (!t->last_sent)
		return;
	if (idle > rto && !cc_controls_window(&t->cc)) {
		if (t->w.ssthresh < t->w.cwnd - t->w.cwnd / 4)
			t->w.ssthresh = t->w.cwnd - t->w.cwnd / 4;
		for (; idle > rto && t->w.cwnd > floor; idle -= rto)
			t->w.cwnd >>= 1;
		if (t->w.cwnd < floor)
			t->w.cwnd = floor;
	}
	cc_restart(&t->cc, now, &t->w);
}

bool tcp_send_new(struct tcp *t)
{
	bool first = !sb_packets_out(&t->sb);
	uint16_t payload;

	if (!tcp_has_new(t) || !sb_room(&t->sb))
		return false;
	if (first)
		after_idle(t, sim_now(t->s));
	payload = payload_now(t);
	if (!transmit(t, t->sb.nxt, payload, false))
		return false;
	sb_sent(&t->sb, payload, sim_now(t->s));
	if (!t->endless)
		t->left -= payload;
	return true;
}

/* Up to n packets back to back; returns the bytes of their IP packets. */
static uint32_t burst(struct tcp *t, uint32_t n)
{
	uint32_t inflight = sb_inflight(&t->sb);
	uint32_t bytes = 0;
	uint32_t seq;

	for (; n && inflight < t->w.cwnd; n--, inflight++) {
		if (t->sb.lost_out > 0 && !t->new_first && sb_next_lost(&t->sb, &seq)) {
			if (!tcp_retransmit(t, seq))
				break;
			bytes += sb_at(&t->sb, seq)->payload + TCP_HEADERS;
			if (t->alarm == ALARM_NONE)
				tcp_rearm_rto(t);
			continue;
		}
		if (!tcp_send_new(t))
			break;
		bytes += sb_at(&t->sb, t->sb.nxt - 1)->payload + TCP_HEADERS;
	}
	return bytes;
}

/* A burst waits until it is whole, unless nothing is under way that would bring an ACK. */
static bool deferred(const struct tcp *t, uint32_t n)
{
	uint32_t inflight = sb_inflight(&t->sb);
	uint32_t room = t->w.cwnd > inflight ? t->w.cwnd - inflight : 0;

	if (t->wnd_end - t->sb.nxt < room)
		room = t->wnd_end - t->sb.nxt;
	if (n > t->w.cwnd / 3)
		n = t->w.cwnd / 3;
	return inflight && room < n && !t->sb.lost_out &&
	       (t->endless || t->left > (uint64_t)room * t->mss);
}

/* Whether the window, and not the application or pacing, holds sending back (RFC 7661's concern, in
 * the way of Linux): once a window, and whenever it does. */
static void limits(struct tcp *t, bool sent)
{
	uint32_t out = sb_packets_out(&t->sb);
	bool limited = sb_inflight(&t->sb) >= t->w.cwnd;

	if ((sent || limited) && (!seq_before(t->sb.una, t->usage_seq) || limited ||
				  (!t->limited && out > t->max_out))) {
		t->limited = limited;
		t->max_out = out;
		t->usage_seq = t->sb.nxt;
	}
	if (!limited && !t->endless && !t->left)
		t->app_limited = (t->delivered + sb_inflight(&t->sb)) | 1;
}

static void paced_output(struct tcp *t, uint64_t now, uint32_t n)
{
	uint32_t bytes;
	uint64_t ns;

	while (now >= t->pace_at) {
		bytes = burst(t, n);
		if (!bytes)
			return;
		ns = bytes * 1000000000ull / t->w.pacing_rate;
		/* what a late timer lost is made up for, by half of a gap */
		if (t->pace_at + ns / 2 < now)
			t->pace_at = now - ns / 2;
		t->pace_at += ns;
	}
	if (sb_inflight(&t->sb) < t->w.cwnd && t->pace.due != t->pace_at)
		sim_timer_set(t->s, &t->pace, t->pace_at);
}

bool tcp_output(struct tcp *t)
{
	uint64_t now = sim_now(t->s);
	uint32_t before = t->sb.nxt;
	uint64_t sent = t->f.sent;
	uint32_t n = t->cfg->gso;

	if (now < t->hold_until)
		return false;
	if (t->w.pacing_rate) {
		if (t->w.burst)
			n = t->w.burst;
		paced_output(t, now, n ? n : 1);
	} else if (n > 1) {
		while (!deferred(t, n) && burst(t, n))
			;
	} else {
		burst(t, UINT32_MAX);
	}
	limits(t, t->f.sent != sent);
	if (t->sb.nxt == before || t->alarm == ALARM_REO)
		return false;
	tcp_rearm(t);
	return true;
}
