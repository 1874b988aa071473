/* SPDX-License-Identifier: BSD-2-Clause */
/* Losses: what repairs them, how the window answers, and how a mistake is taken back. */
#include "proto/l4s/tcp/rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MSS 1448u

static struct sim rig;

static uint32_t drop_from; /* first transmissions from .. to, excluded, are lost */
static uint32_t drop_to;
static uint32_t drop_again; /* so many retransmissions of drop_from, too */
static uint64_t dark_from;
static uint64_t dark_to;
static uint64_t late_at; /* packets of this time on take late_by more */
static uint64_t late_to;
static uint64_t late_by;
static uint32_t late_seq; /* this number, the first time, too */
static uint32_t mark;	  /* this number arrives with CE */
static bool all_drop_again;

static void script(struct sim *s, struct sim_pkt *p, struct verdict *v)
{
	bool hit = p->seq - drop_from < drop_to - drop_from;

	if (hit && !p->retransmit)
		v->drop = true;
	if (p->retransmit && p->seq == drop_from && drop_again) {
		drop_again--;
		v->drop = true;
	}
	if (hit && all_drop_again)
		v->drop = true;
	if (s->now >= dark_from && s->now < dark_to)
		v->drop = true;
	if ((s->now >= late_at && s->now < late_to) ||
	    (late_seq && p->seq == late_seq && !p->retransmit))
		v->late = late_by;
	if (mark && p->seq == mark && !p->retransmit)
		p->q.ecn = ECN_CE;
}

static void begin(enum cc_algo algo)
{
	drop_from = drop_to = drop_again = 0;
	dark_from = dark_to = late_at = late_to = late_by = 0;
	mark = late_seq = 0;
	all_drop_again = false;
	rig_init(&rig, algo, MS(20));
	rig.data = script;
	rig.gap = MS(0.1);
	rig.cfg.rwnd = 60;
}

static void one_loss(void **state)
{
	struct sim_flow_result r;
	uint32_t before;

	(void)state;
	begin(CC_RENO);
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(300));
	before = rig.tcp->w.cwnd;
	drop_from = rig.tcp->sb.nxt + 5;
	drop_to = drop_from + 1;
	rig_run(&rig, rig.now + MS(29));
	assert_int_equal(rig.tcp->state, CC_RECOVERY);
	assert_int_equal(rig_again(&rig, 0)->seq, drop_from);
	rig_run(&rig, rig.now + MS(300));
	r = rig_result(&rig);
	assert_int_equal(r.rtos, 0);
	assert_int_equal(r.lost, 1);
	assert_int_equal(r.retransmitted, 1);
	assert_int_equal(r.reductions[CC_CAUSE_LOSS], 1);
	assert_int_equal(r.spurious, 0);
	assert_int_equal(rig.tcp->state, CC_OPEN);
	assert_int_equal(rig.tcp->w.ssthresh, before / 2);
	rig_close(&rig);
}

/* Every third of ninety, and then thirty in a row. */
static void burst_loss(void **state)
{
	struct sim_flow_result r;
	uint32_t i;

	(void)state;
	begin(CC_CUBIC);
	rig.cfg.rwnd = 120;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(400));
	drop_from = rig.tcp->sb.nxt + 5;
	drop_to = drop_from + 30;
	rig_run(&rig, rig.now + MS(1000));
	r = rig_result(&rig);
	assert_int_equal(r.rtos, 0);
	assert_int_equal(r.lost, 30);
	assert_int_equal(r.retransmitted, 30);
	assert_int_equal(r.reductions[CC_CAUSE_LOSS], 1);
	for (i = 0; i < 30; i++)
		assert_int_equal(rig_again(&rig, i)->seq, drop_from + i);
	assert_int_equal(rig.tcp->state, CC_OPEN);
	rig_close(&rig);
}

static uint32_t thinned_from;

static void every_third(struct sim *s, struct sim_pkt *p, struct verdict *v)
{
	(void)s;
	if (!p->retransmit && p->seq >= thinned_from && p->seq < thinned_from + 90 &&
	    p->seq % 3 == 0)
		v->drop = true;
}

/* More holes than an ACK has blocks. */
static void many_holes(void **state)
{
	struct sim_flow_result r;

	(void)state;
	begin(CC_CUBIC);
	rig.cfg.rwnd = 120;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(400));
	thinned_from = rig.tcp->sb.nxt + 5;
	rig.data = every_third;
	rig_run(&rig, rig.now + MS(2000));
	r = rig_result(&rig);
	assert_int_equal(r.rtos, 0);
	assert_int_equal(r.lost, 30);
	assert_int_equal(r.retransmitted, 30);
	rig_close(&rig);
}

/* RACK sees by time that a retransmission was lost, too. */
static void lost_again(void **state)
{
	struct sim_flow_result r;

	(void)state;
	begin(CC_CUBIC);
	rig.cfg.rwnd = 5000;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(100));
	drop_from = rig.tcp->sb.nxt + 5;
	drop_to = drop_from + 1;
	drop_again = 2;
	rig_run(&rig, rig.now + MS(500));
	r = rig_result(&rig);
	assert_int_equal(r.rtos, 0);
	assert_int_equal(r.retransmitted, 3);
	assert_int_equal(r.lost, 3);
	assert_int_equal(rig.tcp->state, CC_OPEN);
	rig_close(&rig);
}

/* The last packets of an object: a probe after two round trips, no timeout. */
static void tail_loss(void **state)
{
	struct sim_flow_result r;
	uint64_t last;
	uint32_t i;

	(void)state;
	begin(CC_RENO);
	rig.cfg.bytes = 400 * MSS;
	rig.cfg.ack_every = 1;
	drop_from = 397;
	drop_to = 400;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(2000));
	r = rig_result(&rig);
	assert_int_equal(rig.done, 1);
	assert_int_equal(r.rtos, 0);
	assert_int_equal(rig_again(&rig, 0)->seq, 399);
	assert_int_equal(r.retransmitted, 3);
	for (i = 0, last = 0; i < rig.n_seen; i++)
		if (rig.seen[i].kind == SIM_ACK && rig.seen[i].seq == 397 && !last)
			last = rig.seen[i].at + rig.back;
	/* srtt lies a little above 20 ms: the queue */
	assert_in_range(rig_again(&rig, 0)->at - last, MS(40), MS(56));
	assert_int_equal(r.reductions[CC_CAUSE_LOSS], 1);
	rig_close(&rig);
}

/* Only the last packet is lost: the probe repairs it, and the window still answers the loss. */
static void probe_repairs(void **state)
{
	struct sim_flow_result r;

	(void)state;
	begin(CC_RENO);
	rig.cfg.bytes = 100 * MSS;
	rig.cfg.ack_every = 1;
	drop_from = 99;
	drop_to = 100;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(1000));
	assert_int_equal(rig.done, 1);
	/* the probe's ACK says nothing of it yet; the next packets do */
	tcp_start(rig.tcp);
	rig_run(&rig, rig.now + MS(1000));
	r = rig_result(&rig);
	assert_int_equal(rig.done, 2);
	assert_int_equal(r.rtos, 0);
	assert_int_equal(r.retransmitted, 1);
	assert_int_equal(r.reductions[CC_CAUSE_LOSS], 1);
	rig_close(&rig);
}

/* A probe that was not needed costs nothing. */
static void needless_probe(void **state)
{
	struct sim_flow_result r;

	(void)state;
	begin(CC_RENO);
	rig.cfg.bytes = 400 * MSS;
	rig.cfg.ack_every = 1;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(60));
	late_at = rig.now;
	late_to = rig.now + MS(1000);
	late_by = MS(100);
	rig_run(&rig, rig.now + MS(2000));
	r = rig_result(&rig);
	assert_int_equal(rig.done, 1);
	assert_true(r.retransmitted >= 1);
	assert_int_equal(r.reductions[CC_CAUSE_LOSS], 0);
	rig_close(&rig);
}

static void timeouts(void **state)
{
	struct sim_flow_result r;
	uint64_t gap[8];
	const struct rig_seen *a;
	const struct rig_seen *b;
	uint32_t i;

	(void)state;
	begin(CC_CUBIC);
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(300));
	dark_from = rig.now;
	dark_to = rig.now + MS(7000);
	rig_run(&rig, rig.now + MS(7000));
	r = rig_result(&rig);
	assert_int_equal(r.rtos, 5);
	/* the probe first, then timeouts, each twice as long: of the same packet */
	for (i = 0; i < 4; i++) {
		a = rig_again(&rig, i + 1);
		b = rig_again(&rig, i + 2);
		assert_int_equal(a->seq, b->seq);
		gap[i] = b->at - a->at;
		assert_true(gap[i] >= MS(400));
		if (i)
			assert_int_equal(gap[i], 2 * gap[i - 1]);
	}
	assert_int_equal(r.reductions[CC_CAUSE_RTO], 1);
	assert_int_equal(rig.tcp->w.cwnd, 1);
	rig_run(&rig, rig.now + MS(14000));
	assert_int_equal(rig.tcp->state, CC_OPEN);
	assert_int_equal(rig.tcp->backoff, 0);
	rig_close(&rig);
}

/* The path holds everything up for a second: the timeout was a mistake (F-RTO, timestamps). */
static void late_path(void **state)
{
	struct sim_flow_result r;
	uint32_t cwnd;
	uint32_t ssthresh;

	(void)state;
	begin(CC_CUBIC);
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(300));
	cwnd = rig.tcp->w.cwnd;
	ssthresh = rig.tcp->w.ssthresh;
	late_at = rig.now;
	late_to = rig.now + MS(400);
	late_by = MS(500);
	rig_run(&rig, rig.now + MS(3000));
	r = rig_result(&rig);
	assert_true(r.rtos >= 1);
	assert_true(r.spurious >= 1);
	assert_true(r.retransmitted <= 6);
	assert_int_equal(rig.tcp->state, CC_OPEN);
	assert_true(rig.tcp->w.cwnd >= cwnd);
	assert_true(rig.tcp->w.ssthresh >= ssthresh);
	rig_close(&rig);
}

/* One packet comes much later than those after it: what RACK took for a loss is taken back. */
static void overtaken(void **state)
{
	struct sim_flow_result r;
	uint32_t cwnd;

	(void)state;
	begin(CC_CUBIC);
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(300));
	cwnd = rig.tcp->w.cwnd;
	late_seq = rig.tcp->sb.nxt + 5;
	late_by = MS(15);
	rig_run(&rig, rig.now + MS(1000));
	r = rig_result(&rig);
	assert_int_equal(r.rtos, 0);
	assert_true(r.retransmitted >= 1);
	assert_true(r.spurious >= 1);
	assert_true(rig.tcp->w.cwnd >= cwnd);
	assert_true(rig.tcp->reordered);
	rig_close(&rig);
}

/* Once reordering was seen, a quarter of a round trip of it does no harm any more. */
static void reordering_learnt(void **state)
{
	uint64_t again;
	unsigned i;

	(void)state;
	begin(CC_CUBIC);
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(300));
	late_seq = rig.tcp->sb.nxt + 5;
	late_by = MS(4);
	rig_run(&rig, rig.now + MS(300));
	assert_true(rig.tcp->reordered);
	again = rig_result(&rig).retransmitted;
	for (i = 0; i < 20; i++) {
		late_seq = rig.tcp->sb.nxt + 5;
		rig_run(&rig, rig.now + MS(100));
	}
	assert_int_equal(rig_result(&rig).retransmitted, again);
	rig_close(&rig);
}

static void copies(struct sim *s, struct sim_pkt *p, struct verdict *v)
{
	(void)s;
	v->copy = p->seq == 20 || p->seq == 40;
	v->drop = p->seq == 39 && !p->retransmit;
}

/* RFC 2883: a packet that came twice is told at once, whether it had its place in the order or
 * not. */
static void duplicates(void **state)
{
	uint32_t told = 0;
	uint32_t i;

	(void)state;
	begin(CC_CUBIC);
	rig.data = copies;
	rig.cfg.bytes = 100 * MSS;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(2000));
	for (i = 0; i < rig.n_seen; i++)
		told += rig.seen[i].kind == SIM_ACK && rig.seen[i].dsack;
	assert_int_equal(told, 2);
	assert_int_equal(rig.done, 1);
	assert_int_equal(rig.tcp->total, 100 * MSS);
	assert_int_equal(rig_result(&rig).retransmitted, 1);
	rig_close(&rig);
}

/* A mark, and in the same round a loss (spec §7 measure 9). */
static uint32_t ce_then_loss(bool frlossreduce, uint32_t *before)
{
	uint32_t ssthresh;

	begin(CC_CUBIC);
	rig.cfg.rwnd = 0;
	rig.cfg.cc.abe.mode = ABE_FIXED;
	rig.cfg.cc.abe.beta_ecn = 870;
	rig.cfg.cc.abe.frlossreduce = frlossreduce;
	rig_open(&rig);
	/* leave slow start by a loss first: ABE is for congestion avoidance */
	rig_run(&rig, rig.now + MS(100));
	drop_from = rig.tcp->sb.nxt + 5;
	drop_to = drop_from + 1;
	rig_run(&rig, rig.now + MS(1000));
	assert_int_equal(rig.tcp->state, CC_OPEN);
	assert_int_equal(rig.tcp->w.cwnd >= rig.tcp->w.ssthresh, 1);
	mark = rig.tcp->sb.nxt + 2;
	drop_from = mark + 20;
	drop_to = drop_from + 1;
	while (rig.tcp->state != CC_CWR) {
		*before = rig.tcp->w.cwnd;
		rig_run(&rig, rig.now + MS(0.01));
	}
	ssthresh = rig.tcp->w.ssthresh;
	assert_int_equal(ssthresh, *before * 870 / 1024);
	while (rig.tcp->state != CC_RECOVERY)
		rig_run(&rig, rig.now + MS(0.01));
	ssthresh = rig.tcp->w.ssthresh;
	while (rig.tcp->state != CC_OPEN)
		rig_run(&rig, rig.now + MS(0.01));
	assert_in_range(rig.tcp->w.cwnd, ssthresh, ssthresh + 1);
	assert_int_equal(rig_result(&rig).rtos, 0);
	assert_int_equal(rig_result(&rig).reductions[CC_CAUSE_ECN], 1);
	assert_int_equal(rig_result(&rig).reductions[CC_CAUSE_LOSS], 1);
	rig_close(&rig);
	return ssthresh;
}

static void mark_then_loss(void **state)
{
	uint32_t before = 0;
	uint32_t after;

	(void)state;
	after = ce_then_loss(false, &before);
	assert_int_equal(after, before * 870 / 1024);
	after = ce_then_loss(true, &before);
	assert_int_equal(after, before * 717 / 1024);
}

/* Memory runs out: the connection waits, it does not break. */
static void no_memory(void **state)
{
	(void)state;
	begin(CC_CUBIC);
	rig.cfg.rwnd = 0;
	rig.gap = MS(0.01);
	rig_open(&rig);
	rig.alloc.limit = rig.alloc.used + 4096;
	rig_run(&rig, rig.now + MS(200));
	drop_from = rig.tcp->sb.nxt + 1;
	drop_to = drop_from + 40;
	rig_run(&rig, rig.now + MS(4000));
	assert_in_range(rig.tcp->total, 1000000, UINT32_MAX);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_loss),	     cmocka_unit_test(burst_loss),
		cmocka_unit_test(many_holes),	     cmocka_unit_test(lost_again),
		cmocka_unit_test(tail_loss),	     cmocka_unit_test(probe_repairs),
		cmocka_unit_test(needless_probe),    cmocka_unit_test(timeouts),
		cmocka_unit_test(late_path),	     cmocka_unit_test(overtaken),
		cmocka_unit_test(reordering_learnt), cmocka_unit_test(mark_then_loss),
		cmocka_unit_test(duplicates),	     cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
