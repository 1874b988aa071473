/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/tcp/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- events: a binary heap ---- */

static bool before(const struct rig_event *a, const struct rig_event *b)
{
	return a->at != b->at ? a->at < b->at : a->n < b->n;
}

static void put(struct sim *s, struct rig_event e)
{
	uint32_t i;

	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 64;
		s->heap = realloc(s->heap, s->cap * sizeof(*s->heap));
		assert_non_null(s->heap);
	}
	e.n = s->number++;
	for (i = s->n++; i && before(&e, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = e;
}

static struct rig_event get(struct sim *s)
{
	struct rig_event first = s->heap[0];
	struct rig_event last = s->heap[--s->n];
	uint32_t i = 0;
	uint32_t c;

	for (c = 1; c < s->n; c = 2 * i + 1) {
		if (c + 1 < s->n && before(&s->heap[c + 1], &s->heap[c]))
			c++;
		if (!before(&s->heap[c], &last))
			break;
		s->heap[i] = s->heap[c];
		i = c;
	}
	s->heap[i] = last;
	return first;
}

/* ---- what TCP calls ---- */

uint64_t sim_now(const struct sim *s)
{
	return s->now;
}

struct rng *sim_rng(struct sim *s)
{
	return &s->rng;
}

struct sim_pkt *sim_pkt_new(struct sim *s)
{
	struct sim_pkt *p = malloc(sizeof(*p));

	assert_non_null(p);
	/* the engine's packets are used again: what is in them is of old ones */
	memset(p, 0xa5, sizeof(*p));
	p->q.next = NULL;
	s->live++;
	return p;
}

void sim_pkt_free(struct sim *s, struct sim_pkt *p)
{
	s->live--;
	free(p);
}

void sim_timer_set(struct sim *s, struct sim_timer *t, uint64_t due)
{
	struct rig_event e = {.timer = t};

	t->due = due > s->now ? due : s->now;
	t->scratch[0] = s->number;
	e.at = t->due;
	put(s, e);
}

void sim_timer_stop(struct sim *s, struct sim_timer *t)
{
	(void)s;
	t->due = AQM_NEVER;
	t->scratch[0] = UINT64_MAX;
}

void sim_tell_ack(struct sim *s, uint32_t flow, const struct cc_ack *a, const struct cc_win *before,
		  const struct cc_win *after)
{
	(void)flow;
	s->acks++;
	s->last = *a;
	if (s->told)
		s->told(s, a, before, after);
}

void sim_object_done(struct sim *s, uint32_t flow, uint64_t started)
{
	(void)flow;
	s->done++;
	s->done_at = s->now;
	s->done_from = started;
}

static void note(struct sim *s, const struct sim_pkt *p)
{
	struct rig_seen *e;

	if (s->n_seen == RIG_SEEN)
		return;
	e = &s->seen[s->n_seen++];
	*e = (struct rig_seen){
		.at = s->now,
		.seq = p->seq,
		.kind = p->kind,
		.ecn = p->q.ecn,
		.flags = p->flags,
		.payload = p->payload,
		.retransmit = p->retransmit,
		.dsack = p->dsack,
		.n_sacks = p->n_sacks,
		.cwnd = s->tcp ? s->tcp->w.cwnd : 0,
	};
}

static uint64_t way(struct sim *s, const struct sim_pkt *p)
{
	if (p->kind == SIM_ACK)
		return s->now + s->back;
	if (s->free_at < s->now)
		s->free_at = s->now;
	s->free_at += s->gap;
	return s->free_at + s->delay;
}

void sim_send(struct sim *s, struct sim_pkt *p)
{
	struct verdict v = {0};
	struct rig_event e = {.pkt = p};
	struct sim_pkt *twin;

	assert_true(p->kind == SIM_DATA || p->kind == SIM_ACK);
	note(s, p);
	if (p->kind == SIM_DATA && s->data)
		s->data(s, p, &v);
	if (p->kind == SIM_ACK && s->ack)
		s->ack(s, p, &v);
	if (p->kind == SIM_DATA && s->limit && s->free_at > s->now &&
	    (s->free_at - s->now) / s->gap >= s->limit)
		v.drop = true;
	if (v.drop) {
		sim_pkt_free(s, p);
		return;
	}
	e.at = way(s, p) + v.late;
	put(s, e);
	if (v.copy) {
		twin = sim_pkt_new(s);
		*twin = *p;
		e.pkt = twin;
		put(s, e);
	}
}

/* ---- the rig ---- */

void rig_init(struct sim *s, enum cc_algo algo, uint64_t rtt)
{
	memset(s, 0, sizeof(*s));
	alloc_init(&s->alloc, 0);
	rng_seed(&s->rng, 7);
	s->now = MS(1000);
	s->delay = rtt / 2;
	s->back = rtt - rtt / 2;
	cc_cfg_defaults(&s->cfg.cc, algo);
	s->cfg.count = 1;
	s->cfg.rtt = rtt;
	s->cfg.ack_link = -1;
}

void rig_open(struct sim *s)
{
	s->tcp = tcp_new(s, &s->cfg, 0, &s->alloc);
	assert_non_null(s->tcp);
	tcp_start(s->tcp);
}

static void handle(struct sim *s, const struct rig_event *e)
{
	s->now = e->at;
	if (e->timer) {
		if (e->timer->due == AQM_NEVER || e->timer->scratch[0] != e->n)
			return;
		e->timer->due = AQM_NEVER;
		e->timer->fire(s, e->timer);
	} else if (e->pkt->kind == SIM_DATA) {
		s->arrivals++;
		tcp_data_arrived(s->tcp, e->pkt);
	} else {
		tcp_ack_arrived(s->tcp, e->pkt);
	}
}

void rig_run(struct sim *s, uint64_t until)
{
	struct rig_event e;

	while (s->n && s->heap[0].at <= until) {
		e = get(s);
		handle(s, &e);
		rig_check(s);
	}
	if (s->now < until)
		s->now = until;
}

void rig_close(struct sim *s)
{
	struct rig_event e;

	while (s->n) {
		e = get(s);
		if (!e.timer)
			sim_pkt_free(s, e.pkt);
	}
	tcp_free(s->tcp, &s->alloc);
	free(s->heap);
	assert_int_equal(s->live, 0);
	assert_int_equal(s->alloc.used, 0);
}

struct sim_flow_result rig_result(struct sim *s)
{
	struct sim_flow_result r = {0};

	tcp_result(s->tcp, &r);
	return r;
}

uint32_t rig_count(struct sim *s, enum sim_pkt_kind kind, uint64_t from, uint64_t to)
{
	uint32_t n = 0;
	uint32_t i;

	for (i = 0; i < s->n_seen; i++)
		n += s->seen[i].kind == kind && s->seen[i].at >= from && s->seen[i].at < to;
	return n;
}

const struct rig_seen *rig_again(struct sim *s, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < s->n_seen; i++)
		if (s->seen[i].kind == SIM_DATA && s->seen[i].retransmit && !n--)
			return &s->seen[i];
	return NULL;
}

void rig_check(const struct sim *s)
{
	const struct scoreboard *sb = &s->tcp->sb;
	uint32_t sacked = 0;
	uint32_t lost = 0;
	uint32_t again = 0;
	uint32_t seq;

	/* every so often: it walks all of the window */
	if (s->number % 16)
		return;
	for (seq = sb->una; seq != sb->nxt; seq++) {
		const struct sb_pkt *p = sb_at(sb, seq);

		sacked += !!(p->flags & SB_SACKED);
		lost += !!(p->flags & SB_LOST);
		again += !!(p->flags & SB_RETRANS);
		assert_true(!(p->flags & SB_SACKED) || !(p->flags & (SB_LOST | SB_RETRANS)));
	}
	assert_int_equal(sacked, sb->sacked_out);
	assert_int_equal(lost, sb->lost_out);
	assert_int_equal(again, sb->retrans_out);
	assert_true(!seq_before(s->tcp->rx.nxt, sb->una));
	assert_true(s->tcp->w.cwnd >= 1);
	/* what is under way has a timer that will look after it */
	if (sb->una != sb->nxt) {
		assert_int_not_equal(s->tcp->alarm, ALARM_NONE);
		assert_true(s->tcp->timer.due <= s->tcp->alarm_at);
	}
}
