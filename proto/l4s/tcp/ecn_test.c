/* SPDX-License-Identifier: BSD-2-Clause */
/* ECN end to end: RFC 3168, RFC 8257, RFC 9768. */
#include "proto/l4s/tcp/rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MSS 1448u

static struct sim rig;
static uint32_t mark_from;
static uint32_t mark_to;
static uint32_t drop;
static uint32_t share;	/* of packets marked at random, 2^-32 */
static uint64_t marked; /* data packets that arrive with CE */

static void script(struct sim *s, struct sim_pkt *p, struct verdict *v)
{
	bool hit = p->seq - mark_from < mark_to - mark_from && !p->retransmit;

	if (share && (uint32_t)rng_u64(&s->rng) < share)
		hit = true;
	if (drop && p->seq == drop && !p->retransmit)
		v->drop = true;
	if (hit && p->q.ecn != ECN_NOT_ECT && !v->drop) {
		p->q.ecn = ECN_CE;
		marked++;
	}
}

static void begin(enum cc_algo algo)
{
	mark_from = mark_to = drop = share = 0;
	marked = 0;
	rig_init(&rig, algo, MS(20));
	rig.gap = MS(0.1);
	rig.data = script;
	rig.cfg.rwnd = 60;
}

/* From the CE on each ACK has ECE, until data with CWR has come; that is the first new packet
 * after the reduction, once. */
static void latch(void **state)
{
	const struct rig_seen *p;
	uint64_t cwr_at = 0;
	uint64_t ece_at = 0;
	uint32_t cwrs = 0;
	uint32_t i;
	uint64_t arrived;

	(void)state;
	begin(CC_CUBIC);
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(200));
	mark_from = rig.tcp->sb.nxt + 4;
	mark_to = mark_from + 1;
	rig_run(&rig, rig.now + MS(300));
	for (i = 0; i < rig.n_seen; i++) {
		p = &rig.seen[i];
		if (p->kind == SIM_DATA && p->flags & TCP_CWR) {
			cwr_at = p->at;
			cwrs++;
			assert_false(p->retransmit);
		}
		if (p->kind == SIM_ACK && p->flags & TCP_ECE && !ece_at)
			ece_at = p->at;
	}
	assert_int_equal(cwrs, 1);
	assert_true(ece_at && ece_at + MS(10) <= cwr_at);
	arrived = cwr_at + MS(10) + rig.gap;
	for (i = 0; i < rig.n_seen; i++) {
		p = &rig.seen[i];
		if (p->kind != SIM_ACK)
			continue;
		if (p->at > ece_at && p->at < cwr_at + MS(10))
			assert_true(p->flags & TCP_ECE);
		if (p->at < ece_at || p->at > arrived + MS(7))
			assert_false(p->flags & TCP_ECE);
	}
	assert_int_equal(rig_result(&rig).reductions[CC_CAUSE_ECN], 1);
	assert_int_equal(rig_result(&rig).marked, 1);
	rig_close(&rig);
}

/* Marks all over a round: one reduction; in the next round another. */
static void once_a_round(void **state)
{
	uint64_t t;

	(void)state;
	begin(CC_RENO);
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(400));
	mark_from = rig.tcp->sb.nxt;
	mark_to = mark_from + 20;
	t = rig.now;
	while (rig.tcp->state != CC_CWR && rig.now < t + MS(100))
		rig_run(&rig, rig.now + MS(0.1));
	assert_int_equal(rig.tcp->state, CC_CWR);
	while (rig.tcp->state == CC_CWR)
		rig_run(&rig, rig.now + MS(0.1));
	assert_int_equal(rig.tcp->w.cwnd, rig.tcp->w.ssthresh);
	assert_int_equal(rig_result(&rig).reductions[CC_CAUSE_ECN], 1);
	mark_from = rig.tcp->sb.nxt + 10;
	mark_to = mark_from + 1;
	rig_run(&rig, rig.now + MS(200));
	assert_int_equal(rig_result(&rig).reductions[CC_CAUSE_ECN], 2);
	assert_int_equal(rig_result(&rig).retransmitted, 0);
	rig_close(&rig);
}

static uint32_t grown;

static void watch_growth(struct sim *s, const struct cc_ack *a, const struct cc_win *before,
			 const struct cc_win *after)
{
	(void)s;
	if (a->ece && after->cwnd > before->cwnd)
		grown++;
}

static void lose_all(struct sim *s, struct sim_pkt *p, struct verdict *v)
{
	(void)s;
	(void)p;
	v->drop = true;
}

static void no_growth(void **state)
{
	(void)state;
	begin(CC_RENO);
	rig.told = watch_growth;
	grown = 0;
	share = UINT32_MAX / 50;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(3000));
	assert_int_equal(grown, 0);
	assert_true(rig_result(&rig).reductions[CC_CAUSE_ECN] > 10);
	rig_close(&rig);
}

/* Nor after a timeout, where the window starts from one again. */
static void no_growth_after_timeout(void **state)
{
	uint64_t t;

	(void)state;
	begin(CC_RENO);
	rig.told = watch_growth;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(300));
	t = rig.now;
	rig.data = lose_all;
	while (rig.tcp->state != CC_LOSS)
		rig_run(&rig, rig.now + MS(1));
	rig.data = NULL;
	grown = 0;
	/* a receiver that has seen CE says so until it sees CWR, which is not on retransmissions */
	rig.tcp->rx.ece = true;
	rig_run(&rig, rig.now + MS(15000));
	assert_int_equal(grown, 0);
	assert_int_equal(rig.tcp->state, CC_OPEN);
	assert_true(rig.tcp->w.cwnd > 1);
	assert_true(rig.now > t);
	rig_close(&rig);
}

static void ect_of(enum cc_algo algo, uint8_t feedback, uint8_t ect, uint8_t want, uint8_t again)
{
	uint32_t data = 0;
	uint32_t i;

	begin(algo);
	rig.cfg.cc.feedback = feedback;
	rig.cfg.cc.ect = ect;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(200));
	drop = rig.tcp->sb.nxt + 3;
	rig_run(&rig, rig.now + MS(300));
	assert_int_equal(rig_result(&rig).retransmitted, 1);
	for (i = 0; i < rig.n_seen; i++) {
		const struct rig_seen *p = &rig.seen[i];

		if (p->kind == SIM_ACK) {
			assert_int_equal(p->ecn, ECN_NOT_ECT);
			continue;
		}
		data++;
		assert_int_equal(p->ecn, p->retransmit ? again : want);
	}
	assert_true(data > 300);
	rig_close(&rig);
}

static void codepoints(void **state)
{
	(void)state;
	ect_of(CC_CUBIC, CC_FEEDBACK_CLASSIC, ECN_ECT0, ECN_ECT0, ECN_NOT_ECT);
	ect_of(CC_DCTCP, CC_FEEDBACK_DCTCP, ECN_ECT0, ECN_ECT0, ECN_NOT_ECT);
	ect_of(CC_PRAGUE, CC_FEEDBACK_ACCECN, ECN_ECT1, ECN_ECT1, ECN_ECT1);
	ect_of(CC_CUBIC, CC_FEEDBACK_NONE, ECN_NOT_ECT, ECN_NOT_ECT, ECN_NOT_ECT);
	ect_of(CC_CUBIC, CC_FEEDBACK_CLASSIC, ECN_NOT_ECT, ECN_NOT_ECT, ECN_NOT_ECT);
	/* without its feedback Prague is no Prague, and not in the L queue */
	ect_of(CC_PRAGUE, CC_FEEDBACK_CLASSIC, ECN_ECT1, ECN_ECT0, ECN_NOT_ECT);
}

/* All packets are marked: the window ends at its floor and one packet a timeout leaves, each
 * timeout twice the last. */
static void floor_of_one(void **state)
{
	uint64_t at[RIG_SEEN];
	uint32_t n = 0;
	uint32_t i;

	(void)state;
	begin(CC_RENO);
	rig.cfg.ack_every = 1;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(100));
	share = UINT32_MAX;
	rig.tcp->w.cwnd = rig.tcp->w.ssthresh = 1;
	rig_run(&rig, rig.now + MS(6000));
	for (i = 0; i < rig.n_seen; i++)
		if (rig.seen[i].kind == SIM_DATA)
			at[n++] = rig.seen[i].at;
	assert_true(n > 8);
	assert_true(at[n - 1] - at[n - 2] >= MS(1500));
	assert_in_range(at[n - 1] - at[n - 2], 19 * (at[n - 2] - at[n - 3]) / 10,
			21 * (at[n - 2] - at[n - 3]) / 10);
	assert_int_equal(rig_result(&rig).rtos, 0);
	/* the first ACK without ECE ends it */
	share = 0;
	rig_run(&rig, rig.now + MS(20000));
	assert_int_equal(rig.tcp->holds, 0);
	assert_true(rig.tcp->w.cwnd > 1);
	rig_close(&rig);
}

/* RFC 8257 §3.2: where the mark changes, what came before is acknowledged at once with the old
 * state. Numbers 0 1 2 3 4 5 6 7 8 9, CE on 3 4 5. */
static void dctcp_receiver(void **state)
{
	static const struct {
		uint32_t seq;
		uint8_t ece;
	} want[] = {{2, 0}, {3, 0}, {4, 1}, {6, 1}, {7, 0}, {9, 0}, {10, 0}};
	uint32_t n = 0;
	uint32_t i;

	(void)state;
	begin(CC_DCTCP);
	rig.cfg.bytes = 10 * MSS;
	mark_from = 3;
	mark_to = 6;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(200));
	for (i = 0; i < rig.n_seen; i++) {
		if (rig.seen[i].kind != SIM_ACK)
			continue;
		assert_true(n < 7);
		assert_int_equal(rig.seen[i].seq, want[n].seq);
		assert_int_equal(rig.seen[i].flags & TCP_ECE, want[n].ece);
		n++;
	}
	assert_int_equal(n, 7);
	rig_close(&rig);
}

/* The sender's count of marked segments follows the receiver's bytes within a delayed ACK. */
static void dctcp_share(void **state)
{
	struct sim_flow_result r;

	(void)state;
	begin(CC_DCTCP);
	share = UINT32_MAX / 10;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(5000));
	r = rig_result(&rig);
	assert_int_equal(r.marked, marked - (marked - r.marked));
	assert_in_range(r.delivered_ce * 100, r.marked * 97, r.marked * 103);
	rig_close(&rig);
}

static void finish_accecn(void)
{
	struct sim_flow_result r;
	uint64_t t = rig.now;

	tcp_stop(rig.tcp);
	share = 0;
	rig_run(&rig, t + MS(2000));
	assert_int_equal(rig.tcp->sb.una, rig.tcp->sb.nxt);
	r = rig_result(&rig);
	assert_true(r.marked > 20);
	assert_int_equal(r.marked, marked);
	assert_int_equal(r.delivered_ce, r.marked);
	rig_close(&rig);
}

/* What was marked is what the sender counts: bulk, each share of marks. */
static void accecn_exact(void **state)
{
	uint32_t percent;

	(void)state;
	for (percent = 1; percent <= 100; percent += 9) {
		begin(CC_PRAGUE);
		share = (uint32_t)((uint64_t)UINT32_MAX * percent / 100);
		rig.cfg.cc.small_packets = false;
		rig_open(&rig);
		/* 1 % of a short flow is few */
		rig_run(&rig, rig.now + MS(percent < 10 ? 20000 : 5000));
		finish_accecn();
	}
}

/* The receiver merges what comes within 2 ms: runs of CE longer than the counter of three bits. */
static void accecn_gro(void **state)
{
	uint32_t most = 0;
	uint32_t before = 0;
	uint32_t i;
	uint32_t percent;

	(void)state;
	for (percent = 10; percent <= 100; percent += 15) {
		begin(CC_PRAGUE);
		share = (uint32_t)((uint64_t)UINT32_MAX * percent / 100);
		rig.cfg.cc.small_packets = false;
		rig.cfg.gro = MS(2);
		rig_open(&rig);
		for (i = 0; i < 3000; i++) {
			/* held up, so that many packets a round trip are there */
			rig.tcp->w.cwnd = 60;
			rig.tcp->w.pacing_rate = 0;
			rig_run(&rig, rig.now + MS(1));
			if (rig.tcp->delivered_ce - before > most)
				most = rig.tcp->delivered_ce - before;
			before = rig.tcp->delivered_ce;
		}
		before = 0;
		finish_accecn();
	}
	assert_true(most > 7);
}

static void lose_acks(struct sim *s, struct sim_pkt *p, struct verdict *v)
{
	(void)p;
	v->drop = (uint32_t)rng_u64(&s->rng) < UINT32_MAX / 5;
}

/* A fifth of the ACKs is lost. */
static void accecn_lost_acks(void **state)
{
	(void)state;
	begin(CC_PRAGUE);
	rig.cfg.cc.small_packets = false;
	rig.ack = lose_acks;
	share = UINT32_MAX / 8;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(5000));
	finish_accecn();
}

/* The first packet with CE after one without is acknowledged at once. */
static void accecn_quick(void **state)
{
	uint32_t i;
	uint32_t n = 0;
	uint64_t first = 0;

	(void)state;
	begin(CC_PRAGUE);
	rig.cfg.bytes = 9 * MSS;
	rig.cfg.ack_every = 100;
	rig.cfg.cc.pacing = true;
	mark_from = 4;
	mark_to = 5;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(300));
	for (i = 0; i < rig.n_seen; i++) {
		if (rig.seen[i].kind != SIM_ACK)
			continue;
		if (!n++)
			first = rig.seen[i].seq;
	}
	assert_int_equal(first, 5);
	assert_int_equal(n, 2);
	assert_int_equal(rig_result(&rig).delivered_ce, 1);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(latch),
		cmocka_unit_test(once_a_round),
		cmocka_unit_test(no_growth),
		cmocka_unit_test(no_growth_after_timeout),
		cmocka_unit_test(codepoints),
		cmocka_unit_test(floor_of_one),
		cmocka_unit_test(dctcp_receiver),
		cmocka_unit_test(dctcp_share),
		cmocka_unit_test(accecn_exact),
		cmocka_unit_test(accecn_gro),
		cmocka_unit_test(accecn_lost_acks),
		cmocka_unit_test(accecn_quick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
