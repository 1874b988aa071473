/* SPDX-License-Identifier: BSD-2-Clause */
/* Prague: its law, its response to marks and losses, low rates, packets' size, bursts. */
#include "proto/l4s/cc/cc_drive.h"
#include "proto/l4s/cc/prague.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct cc_prague *prague(const struct drive *d)
{
	return (const struct cc_prague *)d->cc.priv;
}

/* r = 1/p - 1 Mb/s for round trips up to 25 ms; exactly 0.96 with packets of 1500 bytes; above, as
 * 25 ms / RTT. */
static void check_law(const char *text, uint32_t rtt_us, double percent, double most)
{
	struct drive d;
	double p = percent / 100;
	double law = 0.96e6 * (1 / p - 1) * (rtt_us > 25000 ? 25000.0 / rtt_us : 1);
	double rate;
	uint32_t window;
	struct cc_prague *s = (struct cc_prague *)d.cc.priv;

	/* begins near the law: the way there takes many rounds, for it is the same for all RTTs */
	window = cc_max((uint32_t)(law * 1.2 * rtt_us / 1e6 / 8 / 1500), 2);
	drive_init(&d, text, rtt_us, window, window);
	s->frac_cwnd = (uint64_t)window << PRAGUE_FRAC_BITS;
	s->saw_ce = 1;
	s->round = PRAGUE_INDEP_ROUNDS;
	s->ai = prague_ai(rtt_us, 25000);
	s->alpha = (uint32_t)(p * 0x1p28);
	rate = (double)drive_marked(&d, rtt_us, (uint32_t)(p * 0x1p32), 40000000000ull);
	print_message("# %s: rtt %u us, p %g %%: %.3f Mb/s, law %.3f (%+.1f %%)\n", text, rtt_us,
		      percent, rate / 1e6, law / 1e6, 100 * (rate / law - 1));
	assert_true(rate >= law * (1 - most) && rate <= law * (1 + most));
}

static void law(void **state)
{
	static const uint32_t rtts[] = {500, 1000, 5000, 10000, 15000, 20000, 25000, 50000, 100000};
	static const double percents[] = {0.5, 1, 2, 5, 10, 20, 50};
	size_t i, k;

	for (i = 0; i < sizeof(rtts) / sizeof(rtts[0]); i++)
		for (k = 0; k < sizeof(percents) / sizeof(percents[0]); k++)
			check_law("prague form rfc", rtts[i], percents[k],
				  percents[k] > 10 ? 0.35 : 0.10);
}

/* The reference waits for the next mark after a round: more. */
static void law_reference(void **state)
{
	static const uint32_t rtts[] = {500, 1000, 5000, 25000, 50000, 100000};
	size_t i;

	for (i = 0; i < sizeof(rtts) / sizeof(rtts[0]); i++)
		check_law("prague", rtts[i], 2, 0.30);
}

static void first_mark(void **state)
{
	struct drive d;
	uint32_t i;

	drive_init(&d, "prague", 20000, 0, 0);
	for (i = 0; i < 190; i++)
		drive_ack(&d, 1000000000ull + i * 100000, 1, 0, 0);
	assert_int_equal(d.w.cwnd, 200);
	assert_true(cc_in_slow_start(&d.w));
	/* the first mark of all ends slow start and halves, once */
	drive_ack(&d, 1020000000, 1, 1, 0);
	assert_false(cc_in_slow_start(&d.w));
	assert_int_equal(prague_segments(prague(&d)), 100);
	/* the window steps down by one an ACK, to half */
	for (i = 0; i < 120; i++)
		drive_ack(&d, 1020000000ull + i * 100000, 1, 1, 0);
	assert_in_range(d.w.cwnd, 99, 100);
	/* the second reduction is by alpha alone */
	assert_true(prague(&d)->alpha >> PRAGUE_G < PRAGUE_ALPHA_ONE / 8);
}

/* Marks of one round count once; the next answer comes a virtual round trip later. */
static void once_a_round(void **state)
{
	struct drive d;
	uint64_t before;
	uint32_t i;
	struct cc_prague *s = (struct cc_prague *)d.cc.priv;

	drive_init(&d, "prague", 5000, 100, 100);
	s->saw_ce = 1;
	s->alpha = PRAGUE_ALPHA_ONE << PRAGUE_G >> 1; /* alpha 1/2: a quarter */
	s->round = 10;
	s->frac_cwnd = before = 100ull << PRAGUE_FRAC_BITS;
	drive_ack(&d, 1000000000, 1, 1, 0);
	assert_int_equal(s->frac_cwnd, before - before / 4);
	before = s->frac_cwnd;
	for (i = 1; i < 240; i++) /* 24 ms of marks */
		drive_ack(&d, 1000000000ull + i * 100000, 1, 1, 0);
	assert_true(s->frac_cwnd >= before);
	before = s->frac_cwnd;
	for (; i < 320; i++)
		drive_ack(&d, 1000000000ull + i * 100000, 1, 1, 0);
	assert_true(s->frac_cwnd < before * 9 / 10);
}

/* Form rfc makes up for its wait for the next mark, but marks that come in a run after many rounds,
 * as a step makes them, are answered by alpha / 2 and a half packet at most: else it takes twice
 * what the reference takes, and gets half of its rate. */
static void run_of_marks(void **state)
{
	struct drive d;
	uint64_t before;
	struct cc_prague *s = (struct cc_prague *)d.cc.priv;

	drive_init(&d, "prague form rfc", 25000, 100, 100);
	s->saw_ce = 1;
	s->alpha = PRAGUE_ALPHA_ONE << PRAGUE_G >> 3; /* alpha 1/8: 6.25 packets */
	s->round = 10;
	s->frac_cwnd = before = 100ull << PRAGUE_FRAC_BITS;
	drive_ack(&d, 1000000000, 1, 1, 0); /* the last answer was long ago */
	assert_true(s->frac_cwnd <= before - (625ull << PRAGUE_FRAC_BITS) / 100);
	assert_true(s->frac_cwnd >= before - (676ull << PRAGUE_FRAC_BITS) / 100);
}

static void loss_and_undo(void **state)
{
	struct drive d;
	struct cc_prague *s = (struct cc_prague *)d.cc.priv;
	uint32_t i;

	drive_init(&d, "prague", 20000, 100, 100);
	s->frac_cwnd = 100ull << PRAGUE_FRAC_BITS;
	drive_ack(&d, 1000000000, 1, 0, 1);
	assert_int_equal(d.a.state, CC_RECOVERY);
	assert_int_equal(prague_segments(s), 50);
	for (i = 1; i < 60; i++) /* more losses of the same recovery */
		drive_ack(&d, 1000000000ull + i * 200000, 1, 0, 1);
	assert_int_equal(prague_segments(s), 50);
	assert_int_equal(d.w.cwnd, 50);
	assert_int_equal(cc_undo(&d.cc, &d.w), 100);
	assert_int_equal(prague_segments(s), 100);
}

/* A mark before the loss does not take its answer away. */
static void loss_after_mark(void **state)
{
	struct drive d;
	struct cc_prague *s = (struct cc_prague *)d.cc.priv;

	drive_init(&d, "prague", 20000, 100, 100);
	s->frac_cwnd = 100ull << PRAGUE_FRAC_BITS;
	s->saw_ce = 1;
	drive_ack(&d, 1000000000, 1, 1, 0);
	assert_int_equal(d.a.state, CC_CWR);
	drive_ack(&d, 1000100000, 1, 0, 1);
	assert_int_equal(d.a.state, CC_RECOVERY);
	assert_in_range(prague_segments(s), 49, 51);
}

/* Without ECN it is Reno, with RFC 3168 alone as well, and not L4S. */
static void fallback(void **state)
{
	struct cc_cfg cfg;
	struct cc c;
	struct cc_win w;

	cc_cfg_defaults(&cfg, CC_PRAGUE);
	cc_init(&c, &cfg, CC_FEEDBACK_ACCECN, 0, &w);
	assert_int_equal(c.cfg.algo, CC_PRAGUE);
	assert_int_equal(c.cfg.ect, ECN_ECT1);
	assert_true(cc_controls_window(&c));
	cc_init(&c, &cfg, CC_FEEDBACK_CLASSIC, 0, &w);
	assert_int_equal(c.cfg.algo, CC_RENO);
	assert_int_equal(c.cfg.ect, ECN_ECT0);
	assert_false(cc_controls_window(&c));
	cc_init(&c, &cfg, CC_FEEDBACK_NONE, 0, &w);
	assert_int_equal(c.cfg.algo, CC_RENO);
	assert_int_equal(c.cfg.ect, ECN_NOT_ECT);
}

/* A link of 100 kb/s to 10 Mb/s whose queue marks above two packets: full, and short. */
static void low_rates(void **state)
{
	static const uint64_t rates[] = {100000,  150000,  300000,  500000,
					 1000000, 2000000, 5000000, 10000000};
	size_t i;

	for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct drive d;
		struct drive_link l = {.rate = rates[i], .rtt_us = 20000};
		uint64_t packet = 1500ull * 8 * 1000000000 / rates[i];

		/* two packets of the size that two a virtual round trip leave */
		l.mark_ns = cc_max64(1000000, cc_min64(2 * packet, 25000000));
		drive_init(&d, "prague", 20000, 0, 0);
		drive_link(&d, &l, 60000000000ull);
		print_message(
			"# %6lu kb/s: %.1f %%, queue mean %.2f max %.2f ms, packet %lu, marks "
			"%u of %u\n",
			rates[i] / 1000, 100.0 * (double)l.throughput / (double)rates[i],
			(double)l.queue_mean / 1e6, (double)l.queue_max / 1e6, l.smallest,
			d.a.delivered_ce, d.a.delivered);
		assert_true(l.throughput > rates[i] * 85 / 100);
		/* at the smallest rate there is nothing to slow down to */
		if (rates[i] > PRAGUE_RATE_MIN * 8)
			assert_true(l.queue_max < 4 * l.mark_ns + 2 * packet);
		if (rates[i] > PRAGUE_RATE_MIN * 8 && rates[i] <= 300000)
			assert_true(l.smallest < 1500);
		if (rates[i] >= 2000000)
			assert_true(l.smallest >= 1400);
		assert_true(d.w.cwnd >= PRAGUE_WINDOW_MIN);
	}
}

/* Pacing: bursts of at most 1/4096 s, and 3 % above and below in rate mode. */
static void pacing(void **state)
{
	struct drive d;
	uint64_t low = UINT64_MAX;
	uint64_t high = 0;
	uint32_t i;
	struct cc_prague *s = (struct cc_prague *)d.cc.priv;

	drive_init(&d, "prague", 10000, 1000, 1000);
	s->frac_cwnd = 1000ull << PRAGUE_FRAC_BITS;
	drive_ack(&d, 1000000000, 1, 0, 0);
	assert_in_range(d.w.pacing_rate, 150000000, 150300000);
	assert_int_equal(d.w.burst, 24); /* 150 MB/s / 4096 / 1500 */
	drive_init(&d, "prague", 10000, 2, 2);
	s->frac_cwnd = 2ull << PRAGUE_FRAC_BITS;
	drive_ack(&d, 1000000000, 1, 0, 0);
	for (i = 0; i < 50; i++) {
		d.a.cwnd_limited = false;
		drive_ack(&d, 1000000000ull + i * 1000000, 1, 0, 0);
		low = cc_min64(low, d.w.pacing_rate);
		high = cc_max64(high, d.w.pacing_rate);
	}
	assert_int_equal(s->rate_mode, 1);
	assert_int_equal(low, s->rate - s->rate / 32);
	assert_int_equal(high, s->rate + s->rate / 32);
	assert_int_equal(d.w.burst, 1);
}

/* ---- the watch for Classic bottlenecks ---- */

/* `n` rounds whose smallest RTT is queue_us above 20 ms, with or without marks. */
static void rounds(struct prague_classic *c, uint32_t n, uint32_t queue_us, uint32_t gap_us,
		   bool ce)
{
	while (n--) {
		classic_ack(c, 20000 + queue_us + 3000, false);
		classic_ack(c, 20000 + queue_us, ce);
		classic_ack(c, 20000 + queue_us + 1000, false);
		classic_round(c, 20000, gap_us);
	}
}

static void classic_score(void **state)
{
	struct prague_classic c;

	/* marks at 8 ms of queue: Classic within 12 rounds, not within 4 */
	classic_init(&c);
	rounds(&c, 4, 8000, 300, true);
	assert_int_equal(classic_share(&c), 0);
	rounds(&c, 8, 8000, 300, true);
	assert_int_equal(classic_share(&c), CLASSIC_ONE);
	/* rounds without marks do not say that it is not */
	rounds(&c, 1000, 0, 300, false);
	assert_int_equal(classic_share(&c), CLASSIC_ONE);
	/* marks at 1 ms do, soon: from the highest score */
	rounds(&c, 1000, 8000, 300, true);
	assert_int_equal(c.score, CLASSIC_SCORE_MAX);
	rounds(&c, 12, 1000, 300, true);
	assert_int_equal(classic_share(&c), 0);
	/* a millisecond never gets there, nor two packets at a low rate, nor delay without marks */
	classic_init(&c);
	rounds(&c, 10000, 1000, 300, true);
	rounds(&c, 10000, 8000, 5000, true);
	rounds(&c, 10000, 50000, 300, false);
	assert_int_equal(c.score, CLASSIC_SCORE_MIN);
}

/* With the score at its end a mark reduces to 0.7, once a round, and growth is CUBIC's Reno's. */
static void classic_answer(void **state)
{
	struct drive d;
	struct cc_prague *s = (struct cc_prague *)(void *)d.cc.priv;
	uint32_t i;

	drive_init(&d, "prague", 40000, 100, 100);
	s->frac_cwnd = 100ull << PRAGUE_FRAC_BITS;
	s->saw_ce = 1;
	s->classic.score = CLASSIC_SCORE_MAX;
	drive_ack(&d, 1000000000, 1, 1, 0);
	assert_in_range(s->frac_cwnd >> 10, (70 << 10) - 20, (70 << 10) + 20);
	for (i = 0; i < 70; i++)
		drive_ack(&d, 1000000000ull + i * 500000, 1, 0, 0);
	assert_int_equal(d.a.state, CC_CWR);
	for (; i < 20 * 70 + 100; i++)
		drive_ack(&d, 1000000000ull + i * 500000, 1, 0, 0);
	/* 0.53 a round */
	assert_in_range(s->frac_cwnd >> 10, 79 << 10, 82 << 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(law),
		cmocka_unit_test(law_reference),
		cmocka_unit_test(first_mark),
		cmocka_unit_test(once_a_round),
		cmocka_unit_test(run_of_marks),
		cmocka_unit_test(loss_and_undo),
		cmocka_unit_test(loss_after_mark),
		cmocka_unit_test(fallback),
		cmocka_unit_test(low_rates),
		cmocka_unit_test(pacing),
		cmocka_unit_test(classic_score),
		cmocka_unit_test(classic_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
