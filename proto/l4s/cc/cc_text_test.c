/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of a congestion control: read, refused with a reason, printed and read back. */
#include "proto/l4s/cc.h"

#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void reads(void **state)
{
	struct cc_cfg c;
	struct err err = {0};

	assert_int_equal(cc_cfg_parse(&c, "cubic abe 0.85 abe-alpha keep form rfc", &err), 0);
	assert_int_equal(c.algo, CC_CUBIC);
	assert_int_equal(c.form, CC_FORM_RFC);
	assert_int_equal(c.abe.mode, ABE_FIXED);
	assert_int_equal(c.abe.beta_ecn, 870);
	assert_int_equal(c.abe.beta_loss, 717);
	assert_int_equal(cc_cfg_parse(&c, "cubic abe adaptive", &err), 0);
	assert_int_equal(c.abe.mode, ABE_ADAPTIVE);
	assert_int_equal(cc_cfg_parse(&c, "  cubic\tno-ecn ", &err), 0);
	assert_int_equal(c.ect, ECN_NOT_ECT);
	assert_int_equal(c.feedback, CC_FEEDBACK_NONE);
	assert_int_equal(cc_cfg_parse(&c, "cubic feedback accecn", &err), 0);
	assert_int_equal(c.feedback, CC_FEEDBACK_ACCECN);
	assert_int_equal(cc_cfg_parse(&c, "prague no-classic-detection target-rtt 15ms", &err), 0);
	assert_false(c.classic_detection);
	assert_int_equal(c.target_rtt_us, 15000);
	assert_int_equal(c.ect, ECN_ECT1);
	assert_int_equal(cc_cfg_parse(&c, "reno", &err), 0);
	assert_int_equal(c.abe.beta_loss, 512);
	assert_int_equal(c.abe.beta_ecn, 819);
}

static void refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"vegas",
		"cubic abe",
		"cubic abe 1.5",
		"cubic abe 0",
		"cubic abe -0.5",
		"cubic abe 0.8.5",
		"cubic abe 0.8500000001",
		"cubic form",
		"cubic form bsd",
		"cubic ecn ce",
		"cubic ecn ect1",
		"cubic no-ecn feedback accecn",
		"cubic feedback none",
		"prague feedback classic",
		"cubic iw 0",
		"cubic iw 99999999999999999999",
		"cubic mss 1500",
		"cubic rtt-independence",
		"prague target-rtt 25",
		"prague target-rtt 25s",
		"prague target-rtt ms",
		"prague target-rtt 5000ms",
		"cubic c 9",
		"cubic abe-min 0.9 abe-max 0.8",
		"cubic no-no-pacing",
		"cubic \x01\xff",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct cc_cfg c;
		struct err err = {0};

		assert_int_equal(cc_cfg_parse(&c, bad[i], &err), -EINVAL);
		assert_int_equal(err.code, -EINVAL);
		assert_true(strlen(err.what) > 20);
	}
}

static void prints(void **state)
{
	static const char *const texts[] = {
		"reno",
		"cubic",
		"dctcp",
		"prague",
		"cubic no-ecn",
		"cubic abe adaptive abe-min 0.6 abe-max 0.95",
		"cubic feedback accecn form rfc start hystart++ flight inflight beta 0.8 abe "
		"0.85 abe-alpha scale pacing no-fast-convergence abe-slow-start frlossreduce "
		"abe-fast-convergence iw 3 mss 8948 mtu 9000 c 0.041",
		"prague form rfc no-rtt-independence no-classic-detection no-calm-growth "
		"no-small-packets "
		"target-rtt 15000us",
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct cc_cfg a, b;
		struct err err = {0};
		char out[512];
		char small[8];
		int n;

		assert_int_equal(cc_cfg_parse(&a, texts[i], &err), 0);
		n = cc_cfg_print(&a, out, sizeof(out));
		assert_string_equal(out, texts[i]);
		assert_int_equal(n, strlen(out));
		assert_int_equal(cc_cfg_parse(&b, out, &err), 0);
		assert_memory_equal(&a, &b, sizeof(a));
		assert_int_equal(cc_cfg_print(&a, small, sizeof(small)), n);
		assert_true(strlen(small) < sizeof(small));
	}
}

/* Every factor of 1/1024 prints to a decimal that reads back. */
static void factors(void **state)
{
	uint16_t v;

	for (v = 1; v < 1024; v++) {
		struct cc_cfg a, b;
		struct err err = {0};
		char out[256];

		cc_cfg_defaults(&a, CC_CUBIC);
		a.abe.mode = ABE_FIXED;
		a.abe.beta_ecn = v;
		cc_cfg_print(&a, out, sizeof(out));
		assert_int_equal(cc_cfg_parse(&b, out, &err), 0);
		assert_int_equal(b.abe.beta_ecn, v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(refuses),
		cmocka_unit_test(prints),
		cmocka_unit_test(factors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
