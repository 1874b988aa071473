/* SPDX-License-Identifier: BSD-2-Clause */
/* CoDel, RFC 8289: drops or marks at the head once the delay stayed above the target for an
 * interval, then at instants that come closer with the square root of their number. */
#include "proto/l4s/aqm/aqm_priv.h"

static uint64_t square_root(uint64_t v)
{
	uint64_t root = 0;
	uint64_t bit = (uint64_t)1 << 62;

	while (bit > v)
		bit >>= 2;
	for (; bit; bit >>= 2) {
		if (v >= root + bit) {
			v -= root + bit;
			root = (root >> 1) + bit;
		} else {
			root >>= 1;
		}
	}
	return root;
}

/* t + interval / sqrt(count) */
static uint64_t control_law(const struct aqm *q, const struct codel *s, uint64_t t)
{
	return t + square_root(q->cfg.interval * q->cfg.interval / s->count);
}

/* The head, and whether it may be dropped. */
static struct aqm_pkt *take_head(struct aqm *q, struct codel *s, struct aqm_list *l, uint64_t now,
				 bool *ok)
{
	struct aqm_pkt *p;

	*ok = false;
	if (!l->head) {
		s->first_above = 0;
		return NULL;
	}
	p = list_pop(l);
	q->packets--;
	q->bytes -= p->len;
	if (aqm_age(p, now) < q->cfg.target || l->bytes <= q->cfg.mtu)
		s->first_above = 0;
	else if (s->first_above == 0)
		s->first_above = now + q->cfg.interval;
	else
		*ok = now >= s->first_above;
	return p;
}

/* In the dropping state: as many as are due. */
static struct aqm_pkt *drop_due(struct aqm *q, struct codel *s, struct aqm_list *l,
				struct aqm_pkt *p, uint64_t now)
{
	bool ok;

	while (s->dropping && now >= s->drop_next) {
		s->count++;
		if (aqm_can_mark(q, p)) {
			aqm_mark(q, AQM_C, p, AQM_WHY_NATIVE);
			s->drop_next = control_law(q, s, s->drop_next);
			break;
		}
		aqm_drop(q, AQM_C, p, AQM_WHY_NATIVE);
		p = take_head(q, s, l, now, &ok);
		if (ok)
			s->drop_next = control_law(q, s, s->drop_next);
		else
			s->dropping = false;
	}
	return p;
}

static struct aqm_pkt *start_dropping(struct aqm *q, struct codel *s, struct aqm_list *l,
				      struct aqm_pkt *p, uint64_t now)
{
	uint32_t delta = s->count - s->last_count;
	bool ok;

	if (aqm_can_mark(q, p)) {
		aqm_mark(q, AQM_C, p, AQM_WHY_NATIVE);
	} else {
		aqm_drop(q, AQM_C, p, AQM_WHY_NATIVE);
		p = take_head(q, s, l, now, &ok);
	}
	s->dropping = true;
	s->count = delta > 1 && now < s->drop_next + 16 * q->cfg.interval ? delta : 1;
	s->drop_next = control_law(q, s, now);
	s->last_count = s->count;
	return p;
}

struct aqm_pkt *codel_take(struct aqm *q, struct codel *s, struct aqm_list *l, uint64_t now)
{
	struct aqm_pkt *p;
	bool ok;

	p = take_head(q, s, l, now, &ok);
	if (s->dropping) {
		if (!ok)
			s->dropping = false;
		else
			p = drop_due(q, s, l, p, now);
	} else if (ok) {
		p = start_dropping(q, s, l, p, now);
	}
	if (!p)
		return NULL;
	if (q->cfg.ce_threshold && aqm_age(p, now) > q->cfg.ce_threshold && aqm_can_mark(q, p) &&
	    (!q->cfg.ce_threshold_ect1 || p->ecn == ECN_ECT1))
		aqm_mark(q, AQM_C, p, AQM_WHY_NATIVE);
	return aqm_forward(q, AQM_C, p, now);
}

struct aqm_pkt *codel_dequeue(struct aqm *q, uint64_t now)
{
	return codel_take(q, &q->codel, &q->list[AQM_C], now);
}
