/* SPDX-License-Identifier: BSD-2-Clause */
/* RACK (RFC 8985): a packet is lost when one that was sent a reordering window later was delivered.
 * The window is 0 while no reordering was seen and three packets are SACKed, or a recovery is under
 * way, else min_rtt / 4, more after DSACKs, at most srtt. */
#include "proto/l4s/tcp/tcp_priv.h"

#define RACK_PERSIST 16
#define RACK_STEPS_MAX 255

static uint64_t reo_wnd(const struct tcp *t)
{
	uint64_t wnd;

	if (!t->reordered) {
		if (t->state >= CC_RECOVERY)
			return 0;
		if (t->sb.sacked_out >= t->reordering)
			return 0;
	}
	if (tcp_min_rtt(t) == UINT64_MAX)
		return 0;
	wnd = (tcp_min_rtt(t) >> 2) * t->rack.steps;
	return wnd < tcp_srtt_ns(t) ? wnd : tcp_srtt_ns(t);
}

/* 0: lost; else ns until it is; UINT64_MAX: nothing sent later was delivered. */
static uint64_t remaining(const struct tcp *t, uint32_t seq, uint64_t reo)
{
	const struct sb_pkt *p = sb_at(&t->sb, seq);
	uint64_t due = p->sent_ns + t->rack.rtt + reo;

	if (!rack_after(t->rack.sent_ns, t->rack.end, p->sent_ns, seq + 1))
		return UINT64_MAX;
	return due > sim_now(t->s) ? due - sim_now(t->s) : 0;
}

static void lose(struct tcp *t, uint32_t seq)
{
	if (!sb_lose(&t->sb, seq))
		return;
	t->lost++;
	t->f.lost++;
}

/* Packets sent once, in order. */
static uint64_t detect_first(struct tcp *t, uint64_t reo)
{
	struct scoreboard *sb = &t->sb;
	uint64_t left;

	for (; sb->cursor != sb->nxt; sb->cursor++) {
		if (sb_at(sb, sb->cursor)->flags & SB_TAGS)
			continue;
		left = remaining(t, sb->cursor, reo);
		if (left)
			return left;
		lose(t, sb->cursor);
	}
	return UINT64_MAX;
}

static uint64_t detect_again(struct tcp *t, uint64_t reo)
{
	uint32_t seq;
	uint64_t left;

	while (sb_oldest_again(&t->sb, &seq)) {
		left = remaining(t, seq, reo);
		if (left)
			return left;
		sb_drop_again(&t->sb);
		lose(t, seq);
	}
	return UINT64_MAX;
}

void rack_detect(struct tcp *t)
{
	uint64_t reo = reo_wnd(t);
	uint64_t left = detect_first(t, reo);
	uint64_t again = detect_again(t, reo);

	if (again < left)
		left = again;
	if (t->alarm == ALARM_REO)
		t->alarm = ALARM_NONE;
	if (left != UINT64_MAX)
		tcp_set_alarm(t, ALARM_REO, sim_now(t->s) + left);
}

void rack_detect_acked(struct tcp *t)
{
	if (!t->rack.advanced)
		return;
	t->rack.advanced = false;
	/* all in order, and nothing sent again: what is left was sent later */
	if (t->sb.sacked_out | t->sb.lost_out | t->sb.retrans_out)
		rack_detect(t);
}

/* RFC 8985 §7.2 step 4: a round with a DSACK widens the window by a quarter of min_rtt. */
void rack_round(struct tcp *t, uint32_t prior_delivered)
{
	struct tcp_rack *r = &t->rack;

	if (!r->dsack)
		return;
	r->dsack = false;
	if ((int32_t)(prior_delivered - r->dsack_round) < 0)
		return;
	if (r->steps < RACK_STEPS_MAX)
		r->steps++;
	r->persist = RACK_PERSIST;
	r->dsack_round = t->delivered + sb_inflight(&t->sb);
}
