/* SPDX-License-Identifier: BSD-2-Clause */
/* Any text as a congestion control: refused with a reason, or read to a configuration that passes
 * its check, prints, reads back to the same, and runs. */
#include "proto/l4s/cc.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define check(ok)                                                                                  \
	((ok) ? (void)0 : (fprintf(stderr, "line %d: not so: %s\n", __LINE__, #ok), abort()))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[1024];
	char out[1024];
	struct cc_cfg a;
	struct cc_cfg b;
	struct cc c;
	struct cc_win w;
	struct cc_ack ack = {.now_ns = 1000000, .acked = 3, .srtt_us = 1000, .cwnd_limited = true};
	struct err err = {0};

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (cc_cfg_parse(&a, text, &err)) {
		check(err.what[0]);
		return 0;
	}
	check(cc_cfg_check(&a, &err) == 0);
	check((size_t)cc_cfg_print(&a, out, sizeof(out)) == strlen(out));
	check(cc_cfg_parse(&b, out, &err) == 0);
	/* a factor that ABE does not use is not printed */
	if (a.abe.mode != ABE_FIXED)
		b.abe.beta_ecn = a.abe.beta_ecn;
	check(memcmp(&a, &b, sizeof(a)) == 0);
	cc_init(&c, &a, a.feedback, 0, &w);
	cc_ack(&c, &ack, &w);
	w.ssthresh = cc_ssthresh(&c, CC_CAUSE_ECN, &ack, &w);
	check(w.cwnd && w.ssthresh);
	return 0;
}
