/* SPDX-License-Identifier: BSD-2-Clause */
/* The receiver: order, SACK blocks (RFC 2018, 2883), delayed ACKs, and the three kinds of ECN
 * feedback. With GRO, packets that arrive together with the same codepoint are one event with at
 * most one ACK. */
#include "proto/l4s/tcp/tcp_priv.h"

#define HELD_FIRST 64u
#define HELD_MOST (1u << 22)
#define GRO_MOST 44u /* 64 KiB of full packets */

/* ---- ACKs ---- */

static void put_blocks(struct tcp *t, struct sim_pkt *p)
{
	struct tcp_receiver *rx = &t->rx;
	uint32_t most = p->has_ceb ? 2 : 3; /* 28 bytes of options beside timestamps */
	uint32_t n = 0;
	uint32_t i;

	p->dsack = rx->has_duplicate;
	if (rx->has_duplicate) {
		p->sack[n].from = rx->duplicate.from;
		p->sack[n++].to = rx->duplicate.to;
		rx->has_duplicate = false;
	}
	for (i = 0; i < rx->n_blocks && n < most; i++) {
		p->sack[n].from = rx->block[i].from;
		p->sack[n++].to = rx->block[i].to;
	}
	p->n_sacks = (uint8_t)n;
}

static void put_ecn(struct tcp *t, struct sim_pkt *p)
{
	struct tcp_receiver *rx = &t->rx;

	p->has_ceb = false;
	p->flags = 0;
	if (t->feedback != CC_FEEDBACK_ACCECN) {
		if (rx->ece)
			p->flags = TCP_ECE;
		return;
	}
	p->flags = accecn_ace(&rx->ecn);
	accecn_ack_sent(&rx->ecn);
	/* RFC 9768 §3.2.3.3: on each ACK, as each has new bytes */
	p->has_ceb = true;
	p->ceb = rx->ecn.r.ceb;
	p->e0b = rx->ecn.r.e0b;
	p->e1b = rx->ecn.r.e1b;
}

static void send_ack(struct tcp *t)
{
	struct tcp_receiver *rx = &t->rx;
	struct sim_pkt *p = sim_pkt_new(t->s);

	if (!p)
		return;
	p->q.flow = t->flow;
	p->q.ecn = ECN_NOT_ECT;
	p->kind = SIM_ACK;
	p->payload = 0;
	p->retransmit = false;
	p->seq = rx->nxt;
	p->sent_ns = rx->echo;
	p->rwnd = rx->rwnd;
	put_ecn(t, p);
	p->n_sacks = 0;
	p->dsack = false;
	if (rx->n_blocks || rx->has_duplicate)
		put_blocks(t, p);
	rx->acked = rx->nxt;
	rx->waiting = 0;
	if (rx->delack_due != AQM_NEVER) {
		rx->delack_due = AQM_NEVER;
		sim_timer_stop(t->s, &rx->delack);
	}
	sim_send(t->s, p);
}

static void delack_fired(struct sim *s, struct sim_timer *timer)
{
	struct tcp *t = (struct tcp *)((char *)timer - offsetof(struct tcp, rx.delack));

	t->rx.delack_due = AQM_NEVER;
	send_ack(t);
}

static void decide(struct tcp *t, bool now)
{
	struct tcp_receiver *rx = &t->rx;

	if (now || rx->waiting >= rx->every) {
		send_ack(t);
		return;
	}
	if (!rx->waiting || rx->delack_due != AQM_NEVER)
		return;
	rx->delack_due = sim_now(t->s) + rx->delay;
	sim_timer_set(t->s, &rx->delack, rx->delack_due);
}

/* ---- order ---- */

static bool held_grow(struct tcp *t, uint32_t need)
{
	struct tcp_receiver *rx = &t->rx;
	uint32_t old = rx->held ? rx->mask + 1 : 0;
	uint32_t n = old ? old : HELD_FIRST;
	uint16_t *held;
	uint32_t seq;

	while (n <= need)
		n *= 2;
	if (n > HELD_MOST)
		return false;
	held = alloc_zero(t->alloc, n * sizeof(*held));
	if (!held)
		return false;
	for (seq = rx->nxt; old && seq != rx->nxt + old; seq++)
		held[seq & (n - 1)] = rx->held[seq & rx->mask];
	alloc_free(t->alloc, rx->held, old * sizeof(*held));
	rx->held = held;
	rx->mask = n - 1;
	return true;
}

/* The block that seq is now part of becomes the first. */
static void block_add(struct tcp_receiver *rx, uint32_t seq)
{
	struct tcp_block b = {seq, seq + 1};
	uint32_t n = 0;
	uint32_t i;

	for (i = 0; i < rx->n_blocks; i++) {
		if (rx->block[i].to == seq)
			b.from = rx->block[i].from;
		else if (rx->block[i].from == seq + 1)
			b.to = rx->block[i].to;
	}
	for (i = 0; i < rx->n_blocks; i++)
		if (seq_before(rx->block[i].to, b.from) || seq_before(b.to, rx->block[i].from))
			rx->block[n++] = rx->block[i];
	if (n == TCP_BLOCKS)
		n--;
	for (i = n; i; i--)
		rx->block[i] = rx->block[i - 1];
	rx->block[0] = b;
	rx->n_blocks = (uint8_t)(n + 1);
}

static void blocks_trim(struct tcp_receiver *rx)
{
	uint32_t n = 0;
	uint32_t i;

	for (i = 0; i < rx->n_blocks; i++)
		if (seq_after(rx->block[i].to, rx->nxt))
			rx->block[n++] = rx->block[i];
	rx->n_blocks = (uint8_t)n;
}

static void deliver(struct tcp *t, uint32_t payload)
{
	t->total += payload;
	t->f.bytes += payload;
	t->rx.nxt++;
}

static void drain(struct tcp *t)
{
	struct tcp_receiver *rx = &t->rx;
	uint16_t *held;

	while (rx->out_of_order && *(held = &rx->held[rx->nxt & rx->mask])) {
		uint16_t payload = *held;

		*held = 0;
		rx->out_of_order--;
		deliver(t, payload);
	}
	blocks_trim(rx);
}

static void note_duplicate(struct tcp_receiver *rx, uint32_t seq)
{
	rx->duplicate = (struct tcp_block){seq, seq + 1};
	rx->has_duplicate = true;
}

/* True where an ACK is due at once. */
static bool order(struct tcp *t, const struct sim_pkt *p)
{
	struct tcp_receiver *rx = &t->rx;
	uint32_t ahead = p->seq - rx->nxt;

	if (!ahead) {
		rx->waiting++;
		deliver(t, p->payload);
		if (!rx->out_of_order)
			return false;
		drain(t);
		return true;
	}
	if (seq_before(p->seq, rx->nxt)) {
		note_duplicate(rx, p->seq);
		return true;
	}
	if ((!rx->held || ahead > rx->mask) && !held_grow(t, ahead))
		return true;
	if (rx->held[p->seq & rx->mask]) {
		note_duplicate(rx, p->seq);
		return true;
	}
	rx->held[p->seq & rx->mask] = p->payload;
	rx->out_of_order++;
	block_add(rx, p->seq);
	return true;
}

/* ---- ECN ---- */

static bool classic(struct tcp *t, const struct sim_pkt *p)
{
	struct tcp_receiver *rx = &t->rx;
	bool now = false;

	if (p->flags & TCP_CWR) {
		rx->ece = false;
		now = true; /* the window may be as low as one packet */
	}
	if (p->q.ecn == ECN_CE) {
		now |= !rx->ece;
		rx->ece = true;
	}
	return now;
}

/* RFC 8257 §3.2: what came before the change is acknowledged with the old state. */
static bool dctcp(struct tcp *t, const struct sim_pkt *p)
{
	struct tcp_receiver *rx = &t->rx;
	bool ce = p->q.ecn == ECN_CE;

	if (ce == rx->ece)
		return false;
	if (rx->waiting)
		send_ack(t);
	rx->ece = ce;
	return true;
}

static bool feedback(struct tcp *t, const struct sim_pkt *p)
{
	switch (t->feedback) {
	case CC_FEEDBACK_CLASSIC:
		return classic(t, p);
	case CC_FEEDBACK_DCTCP:
		return dctcp(t, p);
	case CC_FEEDBACK_ACCECN:
		return accecn_received(&t->rx.ecn, p->q.ecn, p->payload, true);
	default:
		return false;
	}
}

static bool take(struct tcp *t, struct sim_pkt *p)
{
	struct tcp_receiver *rx = &t->rx;
	bool now = feedback(t, p);

	if (p->q.ecn == ECN_CE)
		t->f.marked++;
	/* RFC 7323 §4.3 */
	if (!seq_after(p->seq, rx->acked) && p->sent_ns > rx->echo)
		rx->echo = p->sent_ns;
	now |= order(t, p);
	sim_pkt_free(t->s, p);
	return now;
}

static void object(struct tcp *t)
{
	if (!t->rx.done_at || t->total < t->rx.done_at)
		return;
	t->rx.done_at = 0;
	t->f.objects++;
	sim_object_done(t->s, t->flow, t->started);
}

/* ---- GRO ---- */

static void flush(struct tcp *t)
{
	struct tcp_receiver *rx = &t->rx;
	struct sim_pkt *p = rx->run;
	struct sim_pkt *next;
	bool now = false;

	rx->run = NULL;
	rx->run_n = 0;
	sim_timer_stop(t->s, &rx->gro_timer);
	for (; p; p = next) {
		next = p->next;
		now |= take(t, p);
	}
	decide(t, now);
	object(t);
}

static void gro_fired(struct sim *s, struct sim_timer *timer)
{
	struct tcp *t = (struct tcp *)((char *)timer - offsetof(struct tcp, rx.gro_timer));

	if (t->rx.run)
		flush(t);
}

static void merge(struct tcp *t, struct sim_pkt *p)
{
	struct tcp_receiver *rx = &t->rx;

	if (rx->run && (rx->run_tail->q.ecn != p->q.ecn || rx->run_tail->seq + 1 != p->seq ||
			rx->run_n >= GRO_MOST || rx->run_tail->flags != p->flags))
		flush(t);
	p->next = NULL;
	if (rx->run) {
		rx->run_tail->next = p;
	} else {
		rx->run = p;
		sim_timer_set(t->s, &rx->gro_timer, sim_now(t->s) + rx->gro);
	}
	rx->run_tail = p;
	rx->run_n++;
}

void tcp_data_arrived(struct tcp *t, struct sim_pkt *p)
{
	if (t->rx.gro) {
		merge(t, p);
		return;
	}
	decide(t, take(t, p));
	object(t);
}

/* ---- life ---- */

bool tcp_receiver_init(struct tcp *t)
{
	struct tcp_receiver *rx = &t->rx;
	const struct sim_flow_cfg *cfg = t->cfg;

	rx->every = cfg->ack_every ? cfg->ack_every : 2;
	rx->delay = cfg->ack_delay ? cfg->ack_delay : 40 * MSEC_NS;
	rx->rwnd = cfg->rwnd ? cfg->rwnd : UINT32_MAX;
	rx->gro = cfg->gro;
	rx->delack_due = AQM_NEVER;
	rx->delack = (struct sim_timer){.due = AQM_NEVER, .fire = delack_fired};
	rx->gro_timer = (struct sim_timer){.due = AQM_NEVER, .fire = gro_fired};
	accecn_receiver_init(&rx->ecn, ECN_NOT_ECT);
	return true;
}

void tcp_receiver_free(struct tcp *t)
{
	struct sim_pkt *p = t->rx.run;
	struct sim_pkt *next;

	for (; p; p = next) {
		next = p->next;
		sim_pkt_free(t->s, p);
	}
	t->rx.run = NULL;
	alloc_free(t->alloc, t->rx.held, t->rx.held ? (t->rx.mask + 1) * sizeof(*t->rx.held) : 0);
}
