/* SPDX-License-Identifier: BSD-2-Clause */
/* Queue managers as words: read, refused with a reason, written and read again. */
#include "proto/l4s/aqm.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct aqm_cfg parse(const char *text, uint64_t rate)
{
	struct aqm_cfg cfg;
	struct err err = {0};

	if (aqm_cfg_parse(&cfg, text, rate, &err) < 0)
		fail_msg("%s: %s", text, err.what);
	return cfg;
}

static void test_defaults(void **state)
{
	static const char *const names[] = {"fifo", "codel", "fq_codel", "pie", "pi2", "dualpi2"};
	int kind;

	for (kind = AQM_FIFO; kind <= AQM_DUALPI2; kind++) {
		struct aqm_cfg want;
		struct aqm_cfg got;

		aqm_cfg_defaults(&want, (enum aqm_kind)kind, AQM_PROFILE_LINUX, 1000000);
		got = parse(names[kind], 1000000);
		assert_memory_equal(&got, &want, sizeof(got));
	}
}

static void test_dualpi2(void **state)
{
	struct aqm_cfg cfg;

	cfg = parse(
		"dualpi2 limit 5000 coupling_factor 3 step_thresh 2ms min_qlen_step 1 overflow "
		"drop_enqueue any_ect classic_protection 15% target 20ms tupdate 10ms alpha 0.2 "
		"beta 2.5 split_gso rate_aware",
		0);
	assert_int_equal(cfg.profile, AQM_PROFILE_LINUX);
	assert_int_equal(cfg.limit_packets, 5000);
	assert_int_equal(cfg.limit_bytes, 2 * 1514 * 5000);
	assert_int_equal(cfg.coupling, 3);
	assert_int_equal(cfg.step, 2000000);
	assert_int_equal(cfg.min_qlen_step, 1);
	assert_int_equal(cfg.overload, AQM_OVERFLOW);
	assert_true(cfg.drop_early && cfg.any_ect && cfg.rate_aware);
	assert_int_equal(cfg.classic_protection, 15);
	assert_int_equal(cfg.target, 20000000);
	assert_int_equal(cfg.tupdate, 10000000);
	assert_int_equal(cfg.alpha, 51);
	assert_int_equal(cfg.beta, 640);
	assert_int_equal(cfg.alpha_uhz, 200000);
	cfg = parse("dualpi2 memlimit 1mb limit 10 step_thresh 5pkts", 0);
	assert_int_equal(cfg.limit_bytes, 1048576);
	assert_int_equal(cfg.step_packets, 5);
	cfg = parse("dualpi2 rfc ts_fifo tshift 60ms ramp_min 500us ramp_range 1.5ms th_len 2",
		    100000000);
	assert_int_equal(cfg.profile, AQM_PROFILE_RFC);
	assert_int_equal(cfg.scheduler, AQM_TS_FIFO);
	assert_int_equal(cfg.tshift, 60000000);
	assert_int_equal(cfg.ramp_min, 500000);
	assert_int_equal(cfg.ramp_range, 1500000);
	assert_int_equal(cfg.th_len, 2);
	assert_int_equal(cfg.limit_time, 250000000);
	assert_int_equal(cfg.limit_packets, 0);
	assert_int_equal(parse("dualpi2 mtu 9014", 0).limit_bytes, 2 * 9014 * 10000);
	assert_int_equal(parse("dualpi2 classic_protection 0", 0).classic_protection, 0);
}

/* tc-dualpi2: either RTT gives the other, and both the controller; what is said outright stands. */
static void test_rtts(void **state)
{
	struct aqm_cfg cfg;

	cfg = parse("dualpi2 max_rtt 100ms typical_rtt 16ms", 0);
	assert_int_equal(cfg.target, 16000000);
	assert_int_equal(cfg.tupdate, 16000000);
	assert_int_equal(cfg.alpha_uhz, 160000);
	assert_int_equal(cfg.beta_uhz, 3000000);
	assert_int_equal(cfg.alpha, 41);
	assert_int_equal(cfg.beta, 768);
	cfg = parse("dualpi2 typical_rtt 10ms", 0);
	assert_int_equal(cfg.target, 10000000);
	assert_int_equal(cfg.tupdate, 10000000);
	assert_int_equal(cfg.beta_uhz, 5000000); /* max_rtt 60 ms */
	cfg = parse("dualpi2 target 5ms max_rtt 120ms tupdate 8ms", 0);
	assert_int_equal(cfg.target, 5000000);
	assert_int_equal(cfg.tupdate, 8000000);
	assert_int_equal(cfg.beta_uhz, 2500000);
	cfg = parse("dualpi2 typical_rtt 50ms max_rtt 60ms", 0);
	assert_int_equal(cfg.tupdate, 20000000); /* a third of max_rtt */
}

static void test_others(void **state)
{
	struct aqm_cfg cfg;

	cfg = parse("pie limit 200 target 10ms tupdate 12ms alpha 4 beta 22.5 ecn mark_ecnth 20% "
		    "max_burst 100ms no_cap rfc",
		    0);
	assert_int_equal(cfg.alpha_uhz, 250000);
	assert_int_equal(cfg.beta_uhz, 1406250);
	assert_int_equal(cfg.mark_ecnth, 858993459);
	assert_int_equal(cfg.max_burst, 100000000);
	assert_true(cfg.ecn && !cfg.pie_cap && !cfg.pie_derandomise);
	assert_true(parse("pie rfc derandomise cap", 0).pie_derandomise);
	cfg = parse("fq_codel limit 100 flows 64 target 1ms interval 20ms quantum 300 noecn "
		    "memory_limit 4mb ce_threshold 2ms ce_threshold_selector 0x01/0x03",
		    0);
	assert_int_equal(cfg.flows, 64);
	assert_int_equal(cfg.quantum, 300);
	assert_int_equal(cfg.limit_bytes, 4194304);
	assert_true(cfg.ce_threshold_ect1 && !cfg.ecn);
	assert_int_equal(parse("fq_codel mtu 9014", 0).quantum, 9014);
	/* A bare number is microseconds, as in tc. */
	assert_int_equal(parse("codel target 5000", 0).target, 5000000);
	assert_int_equal(parse("codel\ttarget\n 1.5ms", 0).target, 1500000);
	assert_int_equal(parse("codel target 2sec", 0).target, 2000000000);
	assert_int_equal(parse("codel target 12nsec", 0).target, 12);
	cfg = parse("fifo limit 64kb", 0);
	assert_int_equal(cfg.limit_bytes, 65536);
	assert_int_equal(cfg.limit_packets, 0);
	assert_int_equal(parse("fifo limit 1.5mb", 0).limit_bytes, 1572864);
	assert_int_equal(parse("fifo limit 0.5kb", 0).limit_bytes, 512);
	assert_int_equal(parse("fifo limit 713713713m", 0).limit_bytes, 748383070322688);
	cfg = parse("fifo limit 100ms", 0);
	assert_int_equal(cfg.limit_time, 100000000);
	assert_int_equal(cfg.limit_bytes, 0);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		const char *what; /* what the reader is told about */
		const char *where;
	} row[] = {
		{"", "no queue manager", "word 1"},
		{"red", "red", "word 1"},
		{"dualpi", "dualpi", "word 1"},
		{"dualpi2 tarhet 15ms", "tarhet", "word 2"},
		{"dualpi2 target", "target: lacks", "word 3"},
		{"dualpi2 target 15xs", "15xs", "word 3"},
		{"dualpi2 target ms", "ms", "word 3"},
		{"dualpi2 target .", ".", "word 3"},
		{"dualpi2 target -1ms", "-1ms", "word 3"},
		{"dualpi2 target 1..5ms", "1..5ms", "word 3"},
		{"dualpi2 target 99999999999999999999s", "9999", "word 3"},
		{"dualpi2 target 0", "target", ""},
		{"dualpi2 target 5s", "target", ""},
		{"dualpi2 limit 4294967296", "4294967296", "word 3"},
		{"dualpi2 step_thresh 0p", "0p", "word 3"},
		{"dualpi2 step_thresh 1.5p", "1.5p", "word 3"},
		{"dualpi2 classic_protection 101", "101", "word 3"},
		{"dualpi2 alpha 9", "9", "word 3"},
		{"dualpi2 noecn", "noecn", "word 2"},
		{"dualpi2 no_split_gso", "no_split_gso", "word 2"},
		{"dualpi2 max_rtt 1s typical_rtt 2s", "max_rtt", ""},
		{"dualpi2 max_rtt soon", "soon", "word 3"},
		{"dualpi2 mtu 10", "mtu", ""},
		{"fifo target 5ms", "target", "word 2"},
		{"fifo rfc", "rfc", "word 2"},
		{"codel ce_threshold_selector 2/3", "2/3", "word 3"},
		{"fq_codel ce_threshold_selector 2/3", "2/3", "word 3"},
		{"fq_codel flows 0", "flows", ""},
		{"fq_codel quantum 5gb", "5gb", "word 3"},
		{"pie mark_ecnth 1.1", "1.1", "word 3"},
		{"pie alpha 200", "200", "word 3"},
	};
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct aqm_cfg cfg = {.mtu = 77};
		struct err err = {0};
		int rc = aqm_cfg_parse(&cfg, row[i].text, 0, &err);

		if (rc != -EINVAL && rc != -ERANGE)
			fail_msg("'%s' gives %d", row[i].text, rc);
		if (!strstr(err.what, row[i].what) || !strstr(err.where, row[i].where))
			fail_msg("'%s': %s; %s", row[i].text, err.where, err.what);
		assert_true(err.mend[0] != 0);
		assert_int_equal(cfg.mtu, 77); /* untouched */
	}
}

static void test_too_long(void **state)
{
	static char text[8192];
	struct aqm_cfg cfg;
	struct err err;

	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, "fifo", 4);
	assert_int_equal(aqm_cfg_parse(&cfg, text, 0, &err), -EINVAL);
	text[4095] = 0;
	assert_int_equal(aqm_cfg_parse(&cfg, text, 0, &err), 0);
}

static void test_round_trip(void **state)
{
	static const char *const texts[] = {
		"fifo",
		"fifo limit 77ms",
		"codel",
		"codel ecn ce_threshold 1234567ns",
		"fq_codel",
		"fq_codel ce_threshold_ect1 flows 3 quantum 999 memory_limit 1",
		"pie",
		"pie rfc mark_ecnth 0.333333333 alpha 0.7 beta 3",
		"pie mark_ecnth 1 max_burst 0 derandomise no_cap",
		"pi2",
		"pi2 rfc noecn overflow coupling_factor 255",
		"dualpi2",
		"dualpi2 rfc",
		"dualpi2 alpha 0.123456 beta 7.654321 mtu 65550 limit_time 100s",
		"dualpi2 step_thresh 4294967295p min_qlen_step 4294967295 limit 4294967295",
		"dualpi2 rfc ts_fifo tshift 1ns ramp_min 3999999999ns ramp_range 1 th_len 9",
		"dualpi2 max_rtt 77ms any_ect drop_enqueue rate_aware classic_protection 0",
	};
	static const uint64_t rates[] = {0, 1, 100000000};
	size_t i;
	size_t k;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (k = 0; k < 3; k++) {
			struct aqm_cfg first = parse(texts[i], rates[k]);
			struct aqm_cfg again;
			char text[AQM_TEXT_MAX];
			char small[AQM_TEXT_MAX];
			int n = aqm_cfg_print(&first, text, sizeof(text));

			assert_true(n > 0);
			assert_int_equal(strlen(text), n);
			again = parse(text, rates[k]);
			if (memcmp(&first, &again, sizeof(first)) != 0)
				fail_msg("%s: %s", texts[i], text);
			assert_int_equal(aqm_cfg_print(&first, small, (size_t)n), -ENOSPC);
			assert_int_equal(aqm_cfg_print(&first, small, (size_t)n + 1), n);
			assert_int_equal(aqm_cfg_print(&first, small, 0), -ENOSPC);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),   cmocka_unit_test(test_dualpi2),
		cmocka_unit_test(test_rtts),	   cmocka_unit_test(test_others),
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
