/* SPDX-License-Identifier: BSD-2-Clause */
/* What leaves and when: windows, pacing, delayed ACKs, objects. */
#include "proto/l4s/tcp/rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MSS 1448u

static struct sim rig;

/* One packet an object, an ACK for each: the round trip is the path's, to the ns. */
static void idle_path(void **state)
{
	struct sim_flow_result r;
	uint64_t t;
	unsigned i;

	(void)state;
	rig_init(&rig, CC_CUBIC, MS(20));
	rig.cfg.bytes = 1000;
	rig.cfg.ack_every = 1;
	rig_open(&rig);
	for (i = 0; i < 50; i++) {
		t = rig.now;
		rig_run(&rig, t + MS(10));
		assert_int_equal(rig.done, i + 1);
		assert_int_equal(rig.done_at, t + MS(10));
		assert_int_equal(rig.done_from, t);
		rig_run(&rig, t + MS(30));
		tcp_start(rig.tcp);
	}
	r = rig_result(&rig);
	assert_int_equal(r.rtt_min, MS(20));
	assert_int_equal(r.rtt_mean, MS(20));
	assert_int_equal(r.objects, 50);
	assert_int_equal(r.retransmitted, 0);
	assert_int_equal(rig.last.rtt_us, 20000);
	assert_int_equal(rig.last.srtt_us, 20000);
	assert_int_equal(rig.last.min_rtt_us, 20000);
	rig_close(&rig);
}

static void initial_window(void **state)
{
	uint64_t t;

	(void)state;
	rig_init(&rig, CC_RENO, MS(20));
	rig_open(&rig);
	t = rig.now;
	rig_run(&rig, t + MS(19.9));
	assert_int_equal(rig_count(&rig, SIM_DATA, t, t + 1), 10);
	assert_int_equal(rig_count(&rig, SIM_DATA, 0, t + MS(19.9)), 10);
	/* slow start doubles each round */
	rig_run(&rig, t + MS(39.9));
	assert_int_equal(rig_count(&rig, SIM_DATA, 0, t + MS(39.9)), 30);
	rig_run(&rig, t + MS(59.9));
	assert_int_equal(rig_count(&rig, SIM_DATA, 0, t + MS(59.9)), 70);
	rig_close(&rig);
}

static void receiver_window(void **state)
{
	uint32_t top = 0;
	uint32_t acked = 0;
	uint32_t i;

	(void)state;
	rig_init(&rig, CC_CUBIC, MS(20));
	rig.cfg.rwnd = 7;
	rig.cfg.ack_every = 1;
	rig.gap = MS(0.1);
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(2000));
	for (i = 0; i < rig.n_seen; i++) {
		const struct rig_seen *p = &rig.seen[i];

		if (p->kind == SIM_ACK)
			acked = p->seq;
		else if (p->seq + 1 > top)
			top = p->seq + 1;
		assert_true(top <= acked + 7);
	}
	/* and it is used whole: seven packets a round of 20 ms and a little */
	assert_in_range(rig_result(&rig).sent, 650, 700);
	rig_close(&rig);
}

/* The second packet is acknowledged at once, a lone one after 40 ms. */
static void delayed_ack(void **state)
{
	const struct rig_seen *ack;
	uint64_t t;

	(void)state;
	rig_init(&rig, CC_CUBIC, MS(20));
	rig.cfg.bytes = 3 * MSS;
	rig_open(&rig);
	t = rig.now;
	rig_run(&rig, t + MS(200));
	assert_int_equal(rig_count(&rig, SIM_ACK, t, t + MS(10.001)), 1);
	ack = &rig.seen[3];
	assert_int_equal(ack->kind, SIM_ACK);
	assert_int_equal(ack->at, t + MS(10));
	assert_int_equal(ack->seq, 2);
	assert_int_equal(rig_count(&rig, SIM_ACK, 0, UINT64_MAX), 2);
	ack = &rig.seen[4];
	assert_int_equal(ack->at, t + MS(50));
	assert_int_equal(ack->seq, 3);
	rig_close(&rig);

	rig_init(&rig, CC_CUBIC, MS(20));
	rig.cfg.bytes = 9 * MSS;
	rig.cfg.ack_every = 4;
	rig.cfg.ack_delay = MS(7);
	rig_open(&rig);
	t = rig.now;
	rig_run(&rig, t + MS(200));
	assert_int_equal(rig_count(&rig, SIM_ACK, 0, t + MS(10.001)), 2);
	assert_int_equal(rig_count(&rig, SIM_ACK, t + MS(17), t + MS(17) + 1), 1);
	rig_close(&rig);
}

/* A flow that has less to send than the window lets does not make it grow. */
static void application_limited(void **state)
{
	unsigned i;

	(void)state;
	rig_init(&rig, CC_RENO, MS(20));
	rig.cfg.bytes = 3 * MSS;
	rig.cfg.ack_every = 1;
	rig_open(&rig);
	for (i = 0; i < 20; i++) {
		rig_run(&rig, rig.now + MS(25));
		tcp_start(rig.tcp);
	}
	assert_int_equal(rig.tcp->w.cwnd, 10);
	rig_close(&rig);
}

static void after_silence(void **state)
{
	(void)state;
	rig_init(&rig, CC_RENO, MS(20));
	rig.cfg.bytes = 300 * MSS;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(1000));
	assert_int_equal(rig.done, 1);
	assert_in_range(rig.tcp->w.cwnd, 150, 400);
	/* seconds later the old window is no longer to be trusted */
	rig_run(&rig, rig.now + MS(5000));
	tcp_start(rig.tcp);
	assert_int_equal(sb_inflight(&rig.tcp->sb), 10);
	assert_in_range(rig.tcp->w.ssthresh, 110, UINT32_MAX);
	rig_run(&rig, rig.now + MS(1000));
	assert_int_equal(rig.done, 2);
	rig_close(&rig);
}

static void short_queue(struct sim *s, struct sim_pkt *p, struct verdict *v)
{
	(void)v;
	if (s->free_at > s->now + MS(2))
		p->q.ecn = ECN_CE;
}

/* Prague: bursts of at most w.burst, and between them what the rate says. */
static void pacing(void **state)
{
	uint32_t i;
	uint64_t at = 0;
	uint32_t run = 0;
	uint32_t longest = 0;
	uint64_t ns;

	(void)state;
	rig_init(&rig, CC_PRAGUE, MS(20));
	rig.gap = MS(1);
	rig.data = short_queue;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(3000));
	/* at 12 Mb/s a burst of 1/4096 s is one packet */
	for (i = 200; i < rig.n_seen; i++) {
		if (rig.seen[i].kind != SIM_DATA)
			continue;
		run = rig.seen[i].at == at ? run + 1 : 1;
		at = rig.seen[i].at;
		if (run > longest)
			longest = run;
	}
	assert_int_equal(rig.tcp->w.burst, 1);
	assert_int_equal(longest, 1);
	ns = 1500 * 1000000000ull / rig.tcp->w.pacing_rate;
	assert_in_range(ns, MS(0.4), MS(1.4));
	rig_close(&rig);
}

/* A paced flow leaves at its rate even where ACKs come in lumps. */
static void paced_cubic(void **state)
{
	uint64_t last = 0;
	uint32_t i;
	uint32_t together = 0;

	(void)state;
	rig_init(&rig, CC_CUBIC, MS(40));
	rig.cfg.cc.pacing = true;
	rig.cfg.ack_every = 16;
	rig.cfg.rwnd = 40;
	rig.gap = MS(0.1);
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(2000));
	for (i = 200; i < rig.n_seen; i++) {
		if (rig.seen[i].kind != SIM_DATA)
			continue;
		together += rig.seen[i].at == last;
		last = rig.seen[i].at;
	}
	assert_int_equal(together, 0);
	rig_close(&rig);
}

/* Bursts of an offload: whole ones but at the ends of a window. */
static void bursts(void **state)
{
	uint32_t whole = 0;
	uint32_t n = 0;
	uint64_t at = 0;
	uint32_t runs = 0;
	uint32_t i;

	(void)state;
	rig_init(&rig, CC_CUBIC, MS(20));
	rig.cfg.gso = 8;
	rig.cfg.rwnd = 100;
	rig.gap = MS(0.1);
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(2000));
	for (i = 1000; i < rig.n_seen; i++) {
		if (rig.seen[i].kind != SIM_DATA)
			continue;
		if (rig.seen[i].at == at) {
			n++;
			continue;
		}
		runs++;
		whole += n >= 8;
		at = rig.seen[i].at;
		n = 1;
	}
	assert_true(runs > 50);
	assert_true(whole * 10 >= runs * 8);
	rig_close(&rig);
}

/* At a very low rate Prague's packets become smaller, and still all bytes arrive. */
static void small_packets(void **state)
{
	uint16_t least = UINT16_MAX;
	uint32_t i;

	(void)state;
	rig_init(&rig, CC_PRAGUE, MS(20));
	rig.cfg.bytes = 100000;
	rig_open(&rig);
	rig.tcp->w.packet = 300;
	rig.tcp->w.cwnd = 2;
	rig_run(&rig, rig.now + MS(1));
	tcp_start(rig.tcp);
	rig.tcp->w.packet = 300;
	for (i = 0; i < 40000 && rig.done < 1; i++)
		rig_run(&rig, rig.now + MS(1));
	for (i = 0; i < rig.n_seen; i++)
		if (rig.seen[i].kind == SIM_DATA && rig.seen[i].payload < least)
			least = rig.seen[i].payload;
	assert_true(least <= 248);
	assert_int_equal(rig.tcp->total, 200000);
	rig_close(&rig);
}

/* A connection that sends object after object numbers on. */
static void objects(void **state)
{
	(void)state;
	rig_init(&rig, CC_CUBIC, MS(10));
	rig.cfg.bytes = 5 * MSS + 7;
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(100));
	assert_int_equal(rig.done, 1);
	assert_int_equal(rig.tcp->sb.nxt, 6);
	assert_int_equal(rig.seen[5].payload, 7);
	tcp_start(rig.tcp);
	rig_run(&rig, rig.now + MS(100));
	assert_int_equal(rig.done, 2);
	assert_int_equal(rig.tcp->sb.nxt, 12);
	assert_int_equal(rig.tcp->total, 2 * (5 * MSS + 7));
	tcp_reset_figures(rig.tcp);
	assert_int_equal(rig_result(&rig).bytes, 0);
	assert_int_equal(rig_result(&rig).sent, 0);
	rig_close(&rig);
}

static void stopped(void **state)
{
	uint64_t sent;

	(void)state;
	rig_init(&rig, CC_CUBIC, MS(20));
	rig.gap = MS(0.1);
	rig_open(&rig);
	rig_run(&rig, rig.now + MS(500));
	tcp_stop(rig.tcp);
	sent = rig_result(&rig).sent;
	rig_run(&rig, rig.now + MS(2000));
	assert_int_equal(rig_result(&rig).sent, sent);
	assert_int_equal(rig.tcp->sb.una, rig.tcp->sb.nxt);
	rig_close(&rig);
}

/* Numbers pass 2^32. */
static void numbers_wrap(void **state)
{
	struct tcp *t;

	(void)state;
	rig_init(&rig, CC_CUBIC, MS(20));
	rig.gap = MS(0.1);
	rig.tcp = t = tcp_new(&rig, &rig.cfg, 0, &rig.alloc);
	t->sb.una = t->sb.nxt = t->sb.cursor = t->rx.nxt = t->rx.acked = t->usage_seq =
		t->high_seq = t->rtt.seq = UINT32_MAX - 500;
	t->wnd_end = t->sb.una + (1u << 30);
	tcp_start(t);
	rig_run(&rig, rig.now + MS(2000));
	assert_in_range(t->sb.una, 5000, 1u << 30);
	assert_int_equal(rig_result(&rig).retransmitted, 0);
	assert_int_equal(rig_result(&rig).rtos, 0);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_path),
		cmocka_unit_test(initial_window),
		cmocka_unit_test(receiver_window),
		cmocka_unit_test(delayed_ack),
		cmocka_unit_test(application_limited),
		cmocka_unit_test(after_silence),
		cmocka_unit_test(pacing),
		cmocka_unit_test(paced_cubic),
		cmocka_unit_test(bursts),
		cmocka_unit_test(small_packets),
		cmocka_unit_test(objects),
		cmocka_unit_test(stopped),
		cmocka_unit_test(numbers_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
