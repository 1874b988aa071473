/* SPDX-License-Identifier: BSD-2-Clause */
/* What one packet costs in each queue manager, enqueue and dequeue together: a queue that holds 50
 * packets, half of them ECT(1), 100 Mb/s. One JSON line a queue manager. */
#include "proto/l4s/aqm.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STANDING 50
#define PACKETS 20000000

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int run(const char *text)
{
	static struct aqm_pkt pool[STANDING + 1];
	struct aqm_cfg cfg;
	struct alloc a;
	struct err err;
	struct aqm *q;
	struct aqm_pkt *spare = NULL;
	struct aqm_pkt *next;
	struct aqm_pkt *p;
	uint64_t now = 0;
	uint64_t due = 0;
	uint64_t start;
	uint64_t sent = 0;
	uint32_t i;

	alloc_init(&a, 0);
	if (aqm_cfg_parse(&cfg, text, 100000000, &err) < 0) {
		err_print(&err, "l4s-aqm-bench", stderr);
		return 1;
	}
	q = aqm_new(&cfg, 1, now, &a);
	if (!q)
		return 1;
	for (i = 0; i <= STANDING; i++) {
		pool[i].next = spare;
		spare = &pool[i];
	}
	start = cpu_ns();
	for (i = 0; i < PACKETS; i++) {
		now += 120000;
		while (spare) {
			p = spare;
			spare = p->next;
			p->len = 1500;
			p->flow = i & 15;
			p->ecn = i & 1 ? ECN_ECT1 : ECN_ECT0;
			aqm_enqueue(q, p, now);
		}
		if (now >= due)
			due = aqm_tick(q, now);
		p = aqm_dequeue(q, now);
		if (p) {
			p->next = spare;
			spare = p;
			sent++;
		}
		for (p = aqm_dropped(q); p; p = next) {
			next = p->next;
			p->next = spare;
			spare = p;
		}
	}
	printf("{\"queue\": \"%s\", \"ns_per_packet\": %.1f}\n", text,
	       (double)(cpu_ns() - start) / (double)sent);
	aqm_flush(q);
	aqm_free(q);
	return 0;
}

int main(void)
{
	static const char *const kinds[] = {
		"fifo", "codel ecn", "fq_codel", "pie ecn", "pi2", "dualpi2 linux", "dualpi2 rfc",
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (run(kinds[i]) != 0)
			return 1;
	return 0;
}
