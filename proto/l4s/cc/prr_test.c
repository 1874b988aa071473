/* SPDX-License-Identifier: BSD-2-Clause */
/* How windows come down (RFC 6937), and how slow start ends (HyStart of Linux, RFC 9406). */
#include "proto/l4s/cc/cc_drive.h"
#include "proto/l4s/cc/cubic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A window of 100 goes to 70 over the 100 ACKs of the round: 7 segments leave for 10 that arrive.
 */
static void proportional(void **state)
{
	struct cc_prr p;
	struct cc_win w = {.cwnd = 100, .ssthresh = 70};
	uint32_t inflight = 100;
	uint32_t sent = 0;
	uint32_t i;

	prr_begin(&p, 100);
	for (i = 1; i <= 100; i++) {
		inflight--;
		prr_ack(&p, &w, 1, inflight, 0, true);
		while (inflight < w.cwnd) {
			inflight++;
			sent++;
			prr_sent(&p, 1);
		}
		/* as long as more than ssthresh are under way: ceil(0.7 i) */
		if (inflight > 71)
			assert_int_equal(sent, (i * 7 + 9) / 10);
		assert_true(w.cwnd <= 100 && w.cwnd >= 70);
	}
	prr_end(&w);
	assert_int_equal(w.cwnd, 70);
	assert_in_range(inflight, 69, 71);
}

/* Below ssthresh after many losses: grows by what is delivered, and by one more while una moves
 * without new losses (slow start reduction bound). */
static void bound(void **state)
{
	struct cc_prr p;
	struct cc_win w = {.cwnd = 100, .ssthresh = 70};

	prr_begin(&p, 100);
	prr_ack(&p, &w, 2, 20, 30, false); /* conservative: as many as were delivered */
	assert_int_equal(w.cwnd, 22);
	prr_sent(&p, 2);
	prr_ack(&p, &w, 2, 20, 0, true);
	assert_int_equal(w.cwnd, 23);
	prr_sent(&p, 3);
	prr_ack(&p, &w, 2, 69, 0, true); /* not beyond ssthresh */
	assert_int_equal(w.cwnd, 70);
}

static void first_leaves(void **state)
{
	struct cc_prr p;
	struct cc_win w = {.cwnd = 10, .ssthresh = 7};

	prr_begin(&p, 10);
	prr_ack(&p, &w, 1, 9, 1, false);
	assert_int_equal(w.cwnd, 10); /* the retransmission */
	prr_ack(&p, &w, 0, 9, 0, false);
	assert_int_equal(w.cwnd, 10); /* delivered nothing: unchanged */
	w.ssthresh = CC_SSTHRESH_NONE;
	prr_end(&w);
	assert_int_equal(w.cwnd, 10);
}

/* ---- slow start ---- */

/* Rounds of slow start; round r has RTT rtt[r] us, its ACKs `gap_us` apart. Returns the window at
 * which slow start ended, 0: it did not. */
static uint32_t slow_start(const char *text, const uint32_t *rtt, int rounds, uint32_t gap_us)
{
	struct drive d;
	uint64_t now = 1000000000;
	int r;

	drive_init(&d, text, rtt[0], 0, 0);
	d.a.min_rtt_us = UINT32_MAX;
	for (r = 0; r < rounds; r++) {
		uint32_t n = d.w.cwnd;
		uint64_t begin = now;
		uint32_t i;

		for (i = 0; i < n; i++) {
			d.a.rtt_us = rtt[r];
			d.a.srtt_us = rtt[r];
			d.a.min_rtt_us = cc_min(d.a.min_rtt_us, rtt[r]);
			drive_ack(&d, now, 1, 0, 0);
			if (!cc_in_slow_start(&d.w))
				return d.w.cwnd;
			now += gap_us * 1000ull;
		}
		now = cc_max64(begin + rtt[r] * 1000ull, now);
	}
	return 0;
}

static void hystart_delay(void **state)
{
	/* flat: goes on; 5 ms more than 20 ms: the eighth sample of that round ends it */
	static const uint32_t flat[] = {20000, 20000, 20000, 20000, 20000, 20000, 20000, 20000};
	static const uint32_t grows[] = {20000, 20000, 20000, 25000};
	static const uint32_t little[] = {20000, 20000, 20000, 23000, 23000};
	static const uint32_t wide[] = {200000, 200000, 200000, 215000, 215000};
	static const uint32_t wider[] = {200000, 200000, 200000, 217000, 217000};

	assert_int_equal(slow_start("cubic", flat, 8, 0), 0);
	/* 10, 20, 40, 80: in the round that begins at 80, its ninth ACK */
	assert_in_range(slow_start("cubic", grows, 4, 0), 80, 100);
	assert_int_equal(slow_start("cubic", little, 5, 0), 0);
	assert_int_equal(slow_start("cubic", wide, 5, 0), 0);
	assert_in_range(slow_start("cubic", wider, 5, 0), 80, 100);
	assert_int_equal(slow_start("cubic start plain", grows, 4, 0), 0);
}

static void hystart_train(void **state)
{
	static const uint32_t flat[] = {20000, 20000, 20000, 20000, 20000, 20000, 20000, 20000};

	/* ACKs 100 us apart: a train longer than 10 ms (and 1 ms for offload at this rate) has over
	 * 100; twice that where sending is paced */
	assert_in_range(slow_start("cubic", flat, 8, 100), 230, 320);
	assert_in_range(slow_start("cubic pacing", flat, 8, 100), 340, 640);
	/* gaps over 2 ms are no train */
	assert_int_equal(slow_start("cubic", flat, 3, 2100), 0);
}

static void hystartpp(void **state)
{
	static const uint32_t flat[] = {20000, 20000, 20000, 20000, 20000, 20000, 20000, 20000};
	static const uint32_t grows[] = {20000, 20000, 25000, 25000, 25000,
					 25000, 25000, 25000, 25000};
	static const uint32_t passing[] = {20000, 20000, 25000, 20000, 20000, 20000, 20000, 20000};
	const char *text = "cubic form rfc start hystart++";
	uint32_t end;

	assert_int_equal(slow_start(text, flat, 8, 0), 0);
	/* CSS from the third round (40 segments): five rounds at a quarter of the growth */
	end = slow_start(text, grows, 9, 0);
	assert_in_range(end, 40 * 3, 48 * 4);
	assert_int_equal(slow_start(text, grows, 6, 0), 0);
	/* the RTT came back: slow start goes on */
	assert_int_equal(slow_start(text, passing, 8, 0), 0);
}

/* An ACK for much adds at most eight segments where sending is not paced (RFC 9406 §4.2). */
static void hystartpp_limit(void **state)
{
	struct drive d;

	drive_init(&d, "cubic form rfc start hystart++", 20000, 100, 0);
	drive_ack(&d, 1000000000, 50, 0, 0);
	assert_int_equal(d.w.cwnd, 108);
	drive_init(&d, "cubic form rfc start hystart++ pacing", 20000, 100, 0);
	drive_ack(&d, 1000000000, 50, 0, 0);
	assert_int_equal(d.w.cwnd, 150);
}

/* Spurious reductions (RFC 9438 §4.9), idle time, timeouts of CUBIC's RFC form. */
static void undo(void **state)
{
	struct drive d;
	struct cc_cubic *s = (struct cc_cubic *)d.cc.priv;
	struct cubic_rfc before;
	uint32_t i;

	drive_init(&d, "cubic form rfc start plain", 20000, 100, 50);
	for (i = 0; i < 500; i++)
		drive_ack(&d, 1000000000ull + i * 200000, 1, 0, 0);
	before = s->rfc;
	i = d.w.cwnd;
	d.w.ssthresh = cc_ssthresh(&d.cc, CC_CAUSE_LOSS, &d.a, &d.w);
	d.w.cwnd = d.w.ssthresh;
	assert_true(d.w.cwnd < i);
	assert_int_equal(cc_undo(&d.cc, &d.w), i);
	assert_int_equal(d.w.ssthresh, 50);
	assert_int_equal(s->rfc.w_max, before.w_max);
	assert_int_equal(s->rfc.k, before.k);
	assert_int_equal(s->rfc.epoch, before.epoch);
	assert_true(s->rfc.w_est == before.w_est);
	assert_int_equal(s->epoch_on, 1);
	drive_init(&d, "cubic", 20000, 100, 50);
	d.w.ssthresh = cc_ssthresh(&d.cc, CC_CAUSE_LOSS, &d.a, &d.w);
	d.w.cwnd = d.w.ssthresh;
	assert_int_equal(cc_undo(&d.cc, &d.w), 100);
}

/* Ten seconds without data do not count: the window grows on from where it was. */
static void idle(const char *text)
{
	struct drive d;
	uint64_t now = 1000000000;
	uint32_t before;
	uint32_t i;

	drive_init(&d, text, 20000, 100, 50);
	d.w.ssthresh = cc_ssthresh(&d.cc, CC_CAUSE_LOSS, &d.a, &d.w);
	d.w.cwnd = d.w.ssthresh;
	cc_set_state(&d.cc, CC_OPEN, &d.a, &d.w);
	for (i = 0; i < 200; i++)
		drive_ack(&d, now += 250000, 1, 0, 0);
	before = d.w.cwnd;
	now += 10000000000ull;
	cc_restart(&d.cc, now, &d.w);
	for (i = 0; i < 200; i++)
		drive_ack(&d, now += 250000, 1, 0, 0);
	assert_in_range(d.w.cwnd, before, before + 4);
	/* and ten seconds in which the window was not the limit, neither; Linux lets these count */
	if (d.cc.cfg.form == CC_FORM_LINUX)
		return;
	before = d.w.cwnd;
	for (i = 0; i < 1000; i++) {
		d.a.cwnd_limited = false;
		drive_ack(&d, now += 10000000, 1, 0, 0);
	}
	assert_int_equal(d.w.cwnd, before);
	d.a.cwnd_limited = true;
	for (i = 0; i < 200; i++)
		drive_ack(&d, now += 250000, 1, 0, 0);
	assert_in_range(d.w.cwnd, before, before + 4);
}

static void idle_time(void **state)
{
	idle("cubic start plain");
	idle("cubic form rfc start plain");
}

/* After a timeout: slow start to ssthresh, then a stage with K = 0. */
static void timeout(void **state)
{
	struct drive d;
	struct cc_cubic *s = (struct cc_cubic *)d.cc.priv;
	uint32_t i;

	drive_init(&d, "cubic form rfc start plain", 20000, 100, 50);
	drive_ack(&d, 1000000000, 1, 0, 0);
	d.w.ssthresh = cc_ssthresh(&d.cc, CC_CAUSE_RTO, &d.a, &d.w);
	assert_int_equal(d.w.ssthresh, 70);
	d.w.cwnd = 1;
	cc_set_state(&d.cc, CC_LOSS, &d.a, &d.w);
	d.a.state = CC_LOSS;
	for (i = 0; i < 69; i++) {
		d.a.now_ns += 1000000;
		d.a.acked = 1;
		cc_ack(&d.cc, &d.a, &d.w);
	}
	assert_int_equal(d.w.cwnd, 70);
	d.a.now_ns += 1000000;
	cc_ack(&d.cc, &d.a, &d.w);
	assert_int_equal(s->rfc.k, 0);
	assert_int_equal(s->rfc.w_max >> CUBIC_WMAX_BITS, 70);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proportional),	   cmocka_unit_test(bound),
		cmocka_unit_test(first_leaves),	   cmocka_unit_test(hystart_delay),
		cmocka_unit_test(hystart_train),   cmocka_unit_test(hystartpp),
		cmocka_unit_test(hystartpp_limit), cmocka_unit_test(undo),
		cmocka_unit_test(idle_time),	   cmocka_unit_test(timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
