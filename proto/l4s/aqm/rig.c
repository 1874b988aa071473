/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/aqm/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

void rig_cfg(struct rig *r, const struct aqm_cfg *cfg)
{
	size_t i;

	memset(r, 0, sizeof(*r));
	alloc_init(&r->alloc, 0);
	r->now = 1000000000u;
	r->q = aqm_new(cfg, 42, r->now, &r->alloc);
	assert_non_null(r->q);
	for (i = 0; i < RIG_PACKETS; i++) {
		r->pool[i].next = r->spare;
		r->spare = &r->pool[i];
	}
}

void rig_open(struct rig *r, const char *text, uint64_t rate)
{
	struct aqm_cfg cfg;
	struct err err = {0};

	if (aqm_cfg_parse(&cfg, text, rate, &err) < 0)
		fail_msg("%s: %s", text, err.what);
	rig_cfg(r, &cfg);
}

static void release(struct rig *r, struct aqm_pkt *p)
{
	p->next = r->spare;
	r->spare = p;
}

static void take_dropped(struct rig *r)
{
	struct aqm_pkt *next;
	struct aqm_pkt *p;

	for (p = aqm_dropped(r->q); p; p = next) {
		next = p->next;
		r->why = p->why;
		r->dropped++;
		release(r, p);
	}
}

void rig_close(struct rig *r)
{
	aqm_flush(r->q);
	aqm_free(r->q);
	assert_int_equal(r->alloc.used, 0);
}

bool rig_put(struct rig *r, enum ecn ecn, uint32_t len, uint32_t flow)
{
	struct aqm_pkt *p = r->spare;
	bool in;

	assert_non_null(p);
	r->spare = p->next;
	p->ecn = (uint8_t)ecn;
	p->len = len;
	p->flow = flow;
	in = aqm_enqueue(r->q, p, r->now);
	take_dropped(r);
	return in;
}

void rig_fill(struct rig *r, enum ecn ecn, uint32_t n)
{
	while (n-- > 0)
		rig_put(r, ecn, 1500, 0);
}

struct aqm_pkt *rig_get(struct rig *r)
{
	struct aqm_pkt *p = aqm_dequeue(r->q, r->now);

	take_dropped(r);
	if (p)
		release(r, p);
	return p;
}
