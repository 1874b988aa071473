/* SPDX-License-Identifier: BSD-2-Clause */
/* The sender's states, as Linux has them: Open, CWR (a mark), Recovery (a loss), Loss (a timeout),
 * and the ways back when a reduction proves to have been a mistake: by timestamps (RFC 3522), by
 * DSACK (RFC 3708), by F-RTO (RFC 5682). */
#include "proto/l4s/tcp/tcp_priv.h"

static void set_state(struct tcp *t, enum cc_state state)
{
	if (t->state == state)
		return;
	t->state = (uint8_t)state;
	t->a.state = t->state;
	cc_set_state(&t->cc, state, &t->a, &t->w);
}

/* What ssthresh would be after a mistake: not less than three quarters of the window. */
static uint32_t current_ssthresh(const struct tcp *t)
{
	uint32_t most = t->w.cwnd - t->w.cwnd / 4;

	if (tcp_in_reduction(t))
		return t->w.ssthresh;
	return t->w.ssthresh > most ? t->w.ssthresh : most;
}

static void init_undo(struct tcp *t)
{
	t->has_undo = true;
	t->undo_marker = t->sb.una;
	/* a retransmission still under way, or none yet */
	t->undo_retrans = t->sb.retrans_out ? (int32_t)t->sb.retrans_out : -1;
}

static void init_reduction(struct tcp *t, enum cc_cause cause)
{
	t->high_seq = t->sb.nxt;
	t->has_tlp = false;
	t->w.cwnd_cnt = 0;
	prr_begin(&t->prr, t->w.cwnd);
	t->w.ssthresh = cc_ssthresh(&t->cc, cause, &t->a, &t->w);
	t->f.reductions[cause]++;
	if (t->feedback == CC_FEEDBACK_CLASSIC || t->feedback == CC_FEEDBACK_DCTCP)
		t->queue_cwr = true;
}

static void end_reduction(struct tcp *t)
{
	if (cc_controls_window(&t->cc))
		return;
	if (t->state == CC_CWR || t->has_undo)
		prr_end(&t->w);
	/* RFC 3168 §6.1.2: two packets halved are one, though ssthresh stays at two */
	if (t->to_one && t->state == CC_CWR)
		t->w.cwnd = 1;
}

static void enter_cwr(struct tcp *t)
{
	t->prior_ssthresh = 0;
	if (t->state >= CC_CWR)
		return;
	t->has_undo = false;
	t->to_one = t->feedback == CC_FEEDBACK_CLASSIC && t->w.cwnd <= 2;
	init_reduction(t, CC_CAUSE_ECN);
	set_state(t, CC_CWR);
}

void tcp_enter_recovery(struct tcp *t, bool ece)
{
	t->prior_ssthresh = 0;
	init_undo(t);
	if (!tcp_in_reduction(t)) {
		if (!ece)
			t->prior_ssthresh = current_ssthresh(t);
		init_reduction(t, CC_CAUSE_LOSS);
	}
	set_state(t, CC_RECOVERY);
}

void tcp_enter_loss(struct tcp *t)
{
	bool fresh = t->state < CC_RECOVERY;
	uint64_t now = sim_now(t->s);

	sb_lose_all(&t->sb, t->rack.rtt && t->rack.rtt < now ? now - t->rack.rtt : 0);
	if (t->state == CC_OPEN || !seq_after(t->high_seq, t->sb.una) ||
	    (t->state == CC_LOSS && !t->retransmits)) {
		t->prior_ssthresh = current_ssthresh(t);
		prr_begin(&t->prr, t->w.cwnd);
		t->w.ssthresh = cc_ssthresh(&t->cc, CC_CAUSE_RTO, &t->a, &t->w);
		t->f.reductions[CC_CAUSE_RTO]++;
		init_undo(t);
	}
	t->w.cwnd = sb_inflight(&t->sb) + 1;
	t->w.cwnd_cnt = 0;
	if (t->reordered && t->sb.sacked_out >= t->reordering)
		t->reordering = TCP_DUPTHRESH;
	set_state(t, CC_LOSS);
	t->high_seq = t->sb.nxt;
	if (t->feedback == CC_FEEDBACK_CLASSIC)
		t->queue_cwr = true;
	t->frto = fresh || t->retransmits;
	t->has_tlp = false;
	t->new_first = false;
}

/* ---- mistakes ---- */

static void undo(struct tcp *t, bool unlose)
{
	if (unlose)
		sb_unlose(&t->sb);
	if (t->prior_ssthresh) {
		t->w.cwnd = cc_undo(&t->cc, &t->w);
		if (t->prior_ssthresh > t->w.ssthresh) {
			t->w.ssthresh = t->prior_ssthresh;
			t->queue_cwr = false;
		}
	}
	t->has_undo = false;
	t->rack.advanced = true;
	t->f.spurious++;
}

/* The ACK was caused by the first transmission. */
static bool delayed(const struct tcp *t)
{
	return t->retrans_ns && t->a_echo < t->retrans_ns;
}

static bool may_undo(const struct tcp *t)
{
	return t->has_undo && (!t->undo_retrans || delayed(t));
}

static void keep_open(struct tcp *t)
{
	set_state(t, CC_OPEN);
	if (t->state != CC_OPEN)
		t->high_seq = t->sb.nxt;
}

static bool undo_dsack(struct tcp *t)
{
	if (!t->has_undo || t->undo_retrans)
		return false;
	if (t->rack.persist < 16)
		t->rack.persist++;
	undo(t, false);
	return true;
}

static bool undo_partial(struct tcp *t, uint32_t prior_una)
{
	uint32_t high = seq_after(t->sb.high_sacked, t->sb.una) ? t->sb.high_sacked : t->sb.una;

	if (!t->has_undo || !delayed(t))
		return false;
	/* the hole was filled by the packet itself: it came late */
	tcp_reordering(t, prior_una, high);
	if (t->sb.retrans_out)
		return true;
	t->retrans_ns = 0;
	undo(t, true);
	keep_open(t);
	return true;
}

static void recovered(struct tcp *t)
{
	if (may_undo(t)) {
		undo(t, false);
	} else if (t->rack.persist) {
		if (!--t->rack.persist)
			t->rack.steps = 1;
	}
	if (!t->sb.retrans_out)
		t->retrans_ns = 0;
	set_state(t, CC_OPEN);
}

static bool undo_loss(struct tcp *t, bool frto)
{
	if (!frto && !may_undo(t))
		return false;
	undo(t, true);
	t->retransmits = 0;
	t->frto = false;
	t->retrans_ns = 0;
	set_state(t, CC_OPEN);
	return true;
}

/* ---- states ---- */

/* F-RTO, RFC 5682 §3.1 with SACK. */
static void in_loss(struct tcp *t, unsigned flags)
{
	bool whole = !seq_before(t->sb.una, t->high_seq);

	if ((flags & FLAG_ADVANCED) && undo_loss(t, false))
		return;
	if (t->frto) {
		if ((flags & FLAG_ORIG) && undo_loss(t, true))
			return;
		if (seq_after(t->sb.nxt, t->high_seq)) {
			if (flags & (FLAG_SACKED | FLAG_DUPLICATE))
				t->frto = false;
		} else if ((flags & FLAG_ADVANCED) && !whole) {
			t->high_seq = t->sb.nxt;
			if (tcp_has_new(t)) {
				t->new_first = true;
				return;
			}
			t->frto = false;
		}
	}
	if (whole)
		recovered(t);
}

static void leave(struct tcp *t)
{
	if (seq_before(t->sb.una, t->high_seq))
		return;
	if (t->state == CC_CWR) {
		if (t->sb.una == t->high_seq)
			return;
		end_reduction(t);
		set_state(t, CC_OPEN);
	} else if (t->state == CC_RECOVERY) {
		recovered(t);
		end_reduction(t);
	}
}

void tcp_states(struct tcp *t, unsigned flags, uint32_t prior_una)
{
	bool ece = flags & FLAG_ECE;

	t->new_first = false;
	if (ece)
		t->prior_ssthresh = 0;
	if (t->state == CC_OPEN)
		t->retrans_ns = t->sb.retrans_out ? t->retrans_ns : 0;
	else
		leave(t);
	switch (t->state) {
	case CC_RECOVERY:
		if ((flags & FLAG_ADVANCED) && undo_partial(t, prior_una))
			return;
		if (undo_dsack(t))
			keep_open(t);
		rack_detect_acked(t);
		if (t->state == CC_RECOVERY)
			return;
		break;
	case CC_LOSS:
		in_loss(t, flags);
		if (t->state != CC_OPEN) {
			if (!t->new_first)
				rack_detect_acked(t);
			return;
		}
		rack_detect_acked(t);
		break;
	default:
		if (t->state == CC_OPEN)
			undo_dsack(t);
		rack_detect_acked(t);
		break;
	}
	if (t->sb.lost_out) {
		tcp_enter_recovery(t, ece);
		return;
	}
	if (ece)
		enter_cwr(t);
}

void tcp_repaired_by_probe(struct tcp *t)
{
	if (t->state >= CC_CWR)
		return;
	t->has_undo = false;
	t->to_one = false;
	init_reduction(t, CC_CAUSE_LOSS);
	set_state(t, CC_CWR);
	end_reduction(t);
	set_state(t, CC_OPEN);
}
