/* SPDX-License-Identifier: BSD-2-Clause */
/* What an ACK tells: packets delivered, in order or by SACK; round trips; marks. Then the states
 * (loss.c), the congestion control, and what may be sent now. */
#include "proto/l4s/tcp/tcp_priv.h"

struct news {
	uint64_t now;
	uint64_t first_ns; /* when the first newly acknowledged packet that was sent once left; 0:
			      none */
	uint64_t last_ns;
	uint64_t sack_first_ns;
	uint64_t sack_last_ns;
	uint32_t prior_high; /* end of the highest SACKed packet before this ACK */
	uint32_t lowest;     /* lowest packet sent once that was delivered after a later one */
	uint32_t bytes;
	unsigned flags;
	bool was_delayed;
};

/* A packet beyond the plain course: SACKed, lost or sent again. */
static void acked_special(struct tcp *t, struct news *n, const struct sb_pkt *p, uint32_t seq)
{
	struct scoreboard *sb = &t->sb;

	if (p->flags & SB_LOST)
		sb->lost_out--;
	if (p->flags & SB_RETRANS)
		sb->retrans_out--;
	if (p->flags & SB_EVER) {
		n->flags |= FLAG_AGAIN;
	} else if (!(p->flags & SB_SACKED) && seq_before(seq, n->lowest)) {
		n->lowest = seq;
	}
	if (p->flags & SB_SACKED) {
		sb->sacked_out--;
		return;
	}
	t->delivered++;
	n->bytes += p->payload;
	rack_advance(t, p, seq + 1, n->now);
}

static void cumulative(struct tcp *t, struct news *n, uint32_t ack)
{
	struct scoreboard *sb = &t->sb;
	bool plain = !sb->sacked_out;
	uint32_t seq;
	struct sb_pkt *p = NULL;

	n->flags |= FLAG_ADVANCED;
	for (seq = sb->una; seq != ack; seq++) {
		p = sb_at(sb, seq);
		if (!(p->flags & SB_EVER)) {
			if (!n->first_ns)
				n->first_ns = p->sent_ns;
			n->last_ns = p->sent_ns;
			if (!(p->flags & SB_SACKED) && !seq_after(seq + 1, t->high_seq))
				n->flags |= FLAG_ORIG;
		}
		if (p->flags || !plain) {
			acked_special(t, n, p, seq);
			continue;
		}
		t->delivered++;
		n->bytes += p->payload;
	}
	/* the last one of plain packets was sent last */
	if (!p->flags)
		rack_advance(t, p, ack, n->now);
	sb->una = ack;
	if (seq_before(sb->cursor, ack))
		sb->cursor = ack;
	if (seq_before(sb->high_sacked, ack))
		sb->high_sacked = ack;
}

static void sack_one(struct tcp *t, struct news *n, struct sb_pkt *p, uint32_t seq)
{
	struct scoreboard *sb = &t->sb;

	rack_advance(t, p, seq + 1, n->now);
	if (!(p->flags & SB_EVER)) {
		if (seq_before(seq, n->prior_high) && seq_before(seq, n->lowest))
			n->lowest = seq;
		if (!seq_after(seq + 1, t->high_seq))
			n->flags |= FLAG_ORIG;
		if (!n->sack_first_ns)
			n->sack_first_ns = p->sent_ns;
		n->sack_last_ns = p->sent_ns;
	}
	if (p->flags & SB_LOST)
		sb->lost_out--;
	if (p->flags & SB_RETRANS)
		sb->retrans_out--;
	p->flags = (uint8_t)((p->flags & SB_EVER) | SB_SACKED);
	p->run = seq + 1;
	sb->sacked_out++;
	t->delivered++;
	n->bytes += p->payload;
	n->flags |= FLAG_SACKED;
	if (seq_after(seq + 1, sb->high_sacked))
		sb->high_sacked = seq + 1;
}

static void block(struct tcp *t, struct news *n, uint32_t from, uint32_t to)
{
	struct scoreboard *sb = &t->sb;
	struct sb_pkt *p;
	uint32_t seq;

	if (seq_before(from, sb->una))
		from = sb->una;
	if (seq_after(to, sb->nxt))
		to = sb->nxt;
	if (!seq_before(from, to))
		return;
	for (seq = from; seq_before(seq, to);) {
		p = sb_at(sb, seq);
		if (p->flags & SB_SACKED) {
			seq = p->run;
		} else {
			sack_one(t, n, p, seq);
			seq++;
		}
	}
	sb_at(sb, from)->run = seq;
}

/* Of a packet that this sender had sent twice: one copy was not needed. */
static void duplicate(struct tcp *t, struct news *n, uint32_t from, uint32_t to)
{
	n->flags |= FLAG_DSACK;
	t->rack.dsack = true;
	if (t->has_undo && t->undo_retrans > 0 && !seq_before(from, t->undo_marker)) {
		t->undo_retrans -= (int32_t)(to - from);
		if (t->undo_retrans < 0)
			t->undo_retrans = 0;
	}
}

static void blocks(struct tcp *t, struct news *n, const struct sim_pkt *p)
{
	uint32_t i;

	for (i = 0; i < p->n_sacks; i++) {
		if (!i && p->dsack)
			duplicate(t, n, p->sack[i].from, p->sack[i].to);
		else
			block(t, n, p->sack[i].from, p->sack[i].to);
	}
}

/* RFC 4653's idea, as Linux: reordering makes the duplicate threshold follow. */
void tcp_reordering(struct tcp *t, uint32_t low, uint32_t high)
{
	uint32_t metric = high - low;

	if (!seq_before(low, high))
		return;
	if (metric > t->reordering)
		t->reordering = metric < TCP_REORDERING_MAX ? metric : TCP_REORDERING_MAX;
	t->reordered = true;
}

static void round_trip(struct tcp *t, struct news *n, const struct sim_pkt *p)
{
	uint64_t sample = 0;
	uint64_t latest = 0;

	if (n->first_ns && !(n->flags & FLAG_AGAIN)) {
		sample = n->now - n->first_ns;
		latest = n->now - n->last_ns;
	}
	if (n->sack_first_ns) {
		if (!sample)
			sample = n->now - n->sack_first_ns;
		latest = n->now - n->sack_last_ns;
	}
	if (!sample && (n->flags & FLAG_ADVANCED)) {
		/* by timestamps: valid for retransmissions, too */
		sample = n->now - p->sent_ns;
		latest = sample;
	}
	t->a.rtt_us = (uint32_t)(latest / 1000);
	if (!sample)
		return;
	tcp_rtt_min(&t->rtt, latest, n->now);
	tcp_rtt_sample(t, sample);
	t->f.rtt_sum += latest;
	t->f.rtt_n++;
	t->backoff = 0;
}

static void marks(struct tcp *t, struct news *n, const struct sim_pkt *p, uint32_t delivered)
{
	uint32_t ce;

	switch (t->feedback) {
	case CC_FEEDBACK_ACCECN:
		ce = accecn_acked(&t->ecn, p->flags, delivered, n->bytes,
				  p->has_ceb ? &p->ceb : NULL, t->mss);
		t->delivered_ce += ce;
		if (ce)
			n->flags |= FLAG_ECE;
		break;
	case CC_FEEDBACK_CLASSIC:
	case CC_FEEDBACK_DCTCP:
		if (!(p->flags & TCP_ECE))
			break;
		t->delivered_ce += delivered;
		n->flags |= FLAG_ECE;
		break;
	default:
		break;
	}
}

/* RFC 8985 §7.4.2. */
static void probe_acked(struct tcp *t, const struct news *n, uint32_t ack)
{
	if (seq_before(ack, t->tlp_seq)) {
		return;
	} else if (!t->tlp_again) {
		t->has_tlp = false;
	} else if (n->flags & FLAG_DSACK) {
		t->has_tlp = false;
	} else if (seq_after(ack, t->tlp_seq)) {
		tcp_repaired_by_probe(t);
		t->has_tlp = false;
	} else if (!(n->flags & (FLAG_ADVANCED | FLAG_SACKED))) {
		t->has_tlp = false;
	}
}

void tcp_fill_ack(struct tcp *t)
{
	struct cc_ack *a = &t->a;
	uint64_t min = tcp_min_rtt(t);

	a->now_ns = sim_now(t->s);
	a->delivered = t->delivered;
	a->delivered_ce = t->delivered_ce;
	a->acked = 0;
	a->lost = 0;
	a->ece = false;
	a->srtt_us = t->rtt.srtt >> 3;
	a->mdev_us = t->rtt.mdev >> 2;
	a->min_rtt_us = min == UINT64_MAX ? 0 : (uint32_t)(min / 1000);
	a->inflight = sb_inflight(&t->sb);
	a->snd_una = t->sb.una;
	a->snd_nxt = t->sb.nxt;
	a->state = t->state;
	a->cwnd_limited = t->limited || (t->w.cwnd < t->w.ssthresh && t->w.cwnd < 2 * t->max_out);
	if (t->app_limited && seq_after(t->delivered, t->app_limited))
		t->app_limited = 0;
	a->app_limited = t->app_limited;
}

static bool plain(const struct tcp *t, const struct news *n)
{
	return t->state == CC_OPEN && n->flags == (n->flags & (FLAG_ADVANCED | FLAG_ORIG)) &&
	       (n->flags & FLAG_ADVANCED) &&
	       !(t->sb.sacked_out | t->sb.lost_out | t->sb.retrans_out);
}

/* The window, after the states are settled. */
static void control(struct tcp *t, const struct news *n, uint32_t delivered, uint32_t lost)
{
	struct cc_win before = t->w;
	struct cc_ack *a = &t->a;

	a->lost = lost;
	a->inflight = sb_inflight(&t->sb);
	a->state = t->state;
	/* RFC 3168 §6.1.2: no growth by an ACK that carries ECE */
	if ((n->flags & FLAG_ECE) && t->feedback == CC_FEEDBACK_CLASSIC)
		a->cwnd_limited = false;
	if (tcp_in_reduction(t) && !cc_controls_window(&t->cc))
		prr_ack(&t->prr, &t->w, delivered, a->inflight, lost, n->flags & FLAG_ADVANCED);
	if (t->to_one && t->state == CC_CWR)
		t->w.cwnd = 1;
	cc_ack(&t->cc, a, &t->w);
	sim_tell_ack(t->s, t->flow, a, &before, &t->w);
}

/* RFC 3168 §6.1.2: at a window of one packet, a mark makes the sender wait a timeout, twice as long
 * each time. */
static void hold(struct tcp *t, const struct news *n)
{
	if (t->feedback != CC_FEEDBACK_CLASSIC)
		return;
	if (!(n->flags & FLAG_ECE)) {
		t->holds = 0;
		return;
	}
	if (t->w.cwnd > 1)
		return;
	t->hold_until = n->now + (t->rtt.rto << t->holds);
	if (t->holds < 8)
		t->holds++;
	sim_timer_set(t->s, &t->pace, t->hold_until);
}

static void take_window(struct tcp *t, const struct sim_pkt *p)
{
	uint32_t end = p->seq + (p->rwnd < 1u << 30 ? p->rwnd : 1u << 30);

	if (seq_after(end, t->wnd_end))
		t->wnd_end = end;
}

/* News move the probe and the timeout on; RACK's own time stays as long as there is a hole. */
static void renew_alarm(struct tcp *t, const struct news *n)
{
	bool stale = t->alarm == ALARM_REO && !t->sb.sacked_out && (n->flags & FLAG_ADVANCED);

	if (t->alarm == ALARM_NONE || stale ||
	    (t->alarm != ALARM_REO && (n->flags & (FLAG_ADVANCED | FLAG_SACKED))))
		tcp_rearm(t);
}

void tcp_ack_arrived(struct tcp *t, struct sim_pkt *p)
{
	uint32_t prior_delivered = t->delivered;
	uint32_t prior_lost = t->lost;
	uint32_t prior_una = t->sb.una;
	uint32_t delivered;
	struct news n = {.now = sim_now(t->s)};

	n.prior_high = t->sb.sacked_out ? t->sb.high_sacked : prior_una;
	n.lowest = n.prior_high;
	t->a_echo = p->sent_ns;
	if (p->n_sacks)
		blocks(t, &n, p);
	if (seq_after(p->seq, prior_una) && !seq_after(p->seq, t->sb.nxt)) {
		cumulative(t, &n, p->seq);
		t->retransmits = 0;
	}
	if (!n.flags)
		n.flags = FLAG_DUPLICATE;
	take_window(t, p);
	tcp_reordering(t, n.lowest, n.prior_high);
	delivered = t->delivered - prior_delivered;
	round_trip(t, &n, p);
	if (!seq_before(p->seq, prior_una))
		marks(t, &n, p, delivered);
	rack_round(t, prior_delivered);
	tcp_fill_ack(t);
	t->a.acked = delivered;
	t->a.ece = n.flags & FLAG_ECE;
	if (n.flags & FLAG_ECE)
		cc_mark(&t->cc, &t->a);
	if (t->has_tlp)
		probe_acked(t, &n, p->seq);
	if (plain(t, &n))
		t->rack.advanced = false;
	else
		tcp_states(t, n.flags, prior_una);
	control(t, &n, delivered, t->lost - prior_lost);
	sim_pkt_free(t->s, p);
	hold(t, &n);
	if (!tcp_output(t))
		renew_alarm(t, &n);
}
