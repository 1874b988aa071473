/* SPDX-License-Identifier: BSD-2-Clause */
/* The words of a queue manager: any text is read or refused; what was read is within its bounds, is
 * written and read again as the same, and makes a queue that takes and gives a packet. */
#include "proto/l4s/aqm.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct aqm_cfg *cfg)
{
	struct aqm_pkt p = {.len = 1500, .ecn = ECN_ECT1};
	struct alloc a;
	struct aqm *q;

	alloc_init(&a, 0);
	q = aqm_new(cfg, 1, 0, &a);
	if (!q)
		abort();
	aqm_tick(q, 100000000);
	aqm_enqueue(q, &p, 100000000);
	aqm_set_rate(q, 1);
	aqm_tick(q, 2000000000);
	aqm_dequeue(q, 3000000000);
	aqm_dropped(q);
	aqm_flush(q);
	aqm_free(q);
	if (a.used != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[AQM_TEXT_MAX];
	struct aqm_cfg cfg;
	struct aqm_cfg again;
	struct err err = {0};
	char *copy = malloc(size + 1);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	copy[size] = 0;
	if (aqm_cfg_parse(&cfg, copy, 10000000, &err) == 0) {
		if (aqm_cfg_check(&cfg, NULL) != 0 || aqm_cfg_print(&cfg, text, sizeof(text)) < 0)
			abort();
		if (aqm_cfg_parse(&again, text, 10000000, &err) != 0 ||
		    memcmp(&cfg, &again, sizeof(cfg)) != 0)
			abort();
		use(&cfg);
	} else if (!err.what[0]) {
		abort();
	}
	free(copy);
	return 0;
}
