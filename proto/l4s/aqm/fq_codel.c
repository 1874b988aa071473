/* SPDX-License-Identifier: BSD-2-Clause */
/* FQ-CoDel, RFC 8290: a CoDel queue a flow, served by deficit round robin, queues that were empty
 * first. Beyond the limit the queue with most bytes loses from its head. */
#include "proto/l4s/aqm/aqm_priv.h"

#define FQ_DROP_BATCH 64

int fq_new(struct aqm *q)
{
	q->fq.flow = alloc_zero(q->alloc, q->cfg.flows * sizeof(*q->fq.flow));
	if (!q->fq.flow)
		return -1;
	q->fq.perturb = (uint32_t)rng_u64(&q->rng);
	return 0;
}

void fq_free(struct aqm *q)
{
	alloc_free(q->alloc, q->fq.flow, q->cfg.flows * sizeof(*q->fq.flow));
}

static uint32_t flow_of(const struct aqm *q, uint32_t key)
{
	uint64_t h = (uint64_t)(key ^ q->fq.perturb) * 0x9e3779b97f4a7c15u;

	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	return (uint32_t)((h >> 32) * q->cfg.flows >> 32);
}

static void add_tail(struct fq *fq, uint32_t *head, uint32_t *tail, uint32_t i)
{
	fq->flow[i].next = 0;
	if (*head)
		fq->flow[*tail - 1].next = i + 1;
	else
		*head = i + 1;
	*tail = i + 1;
}

static void remove_head(struct fq *fq, uint32_t *head)
{
	*head = fq->flow[*head - 1].next;
}

/* Half of the fattest queue, at most FQ_DROP_BATCH packets. True: p was among them. */
static bool drop_fattest(struct aqm *q, const struct aqm_pkt *p)
{
	struct fq_flow *fat = &q->fq.flow[0];
	uint64_t enough;
	uint32_t n = 0;
	uint32_t i;
	bool gone = false;

	for (i = 1; i < q->cfg.flows; i++)
		if (q->fq.flow[i].list.bytes > fat->list.bytes)
			fat = &q->fq.flow[i];
	enough = fat->list.bytes / 2;
	do {
		struct aqm_pkt *head = list_pop(&fat->list);

		q->packets--;
		q->bytes -= head->len;
		gone = gone || head == p;
		aqm_drop(q, AQM_C, head, AQM_WHY_LIMIT);
		n++;
	} while (n < FQ_DROP_BATCH && fat->list.head && fat->list.bytes > enough);
	/* CoDel shall know that this flow is the cause. */
	if (__builtin_add_overflow(fat->codel.count, n, &fat->codel.count))
		fat->codel.count = UINT32_MAX;
	return gone;
}

bool fq_enqueue(struct aqm *q, struct aqm_pkt *p)
{
	uint32_t i = flow_of(q, p->flow);
	struct fq_flow *f = &q->fq.flow[i];
	bool full = aqm_full(q, p->len);

	list_push(&f->list, p);
	q->packets++;
	q->bytes += p->len;
	if (!f->listed) {
		f->listed = true;
		f->deficit = (int32_t)q->cfg.quantum;
		add_tail(&q->fq, &q->fq.new_head, &q->fq.new_tail, i);
	}
	if (full && drop_fattest(q, p))
		return false;
	if (q->packets > q->stats.q[AQM_C].max_packets)
		q->stats.q[AQM_C].max_packets = q->packets;
	return true;
}

struct aqm_pkt *fq_dequeue(struct aqm *q, uint64_t now)
{
	struct fq *fq = &q->fq;

	while (fq->new_head || fq->old_head) {
		bool fresh = fq->new_head != 0;
		uint32_t *head = fresh ? &fq->new_head : &fq->old_head;
		uint32_t i = *head - 1;
		struct fq_flow *f = &fq->flow[i];
		struct aqm_pkt *p;

		if (f->deficit <= 0) {
			f->deficit += (int32_t)q->cfg.quantum;
			remove_head(fq, head);
			add_tail(fq, &fq->old_head, &fq->old_tail, i);
			continue;
		}
		p = codel_take(q, &f->codel, &f->list, now);
		if (p) {
			f->deficit -= (int32_t)p->len;
			return p;
		}
		remove_head(fq, head);
		/* A queue that empties as a new one waits its turn, or it would starve the old. */
		if (fresh && fq->old_head)
			add_tail(fq, &fq->old_head, &fq->old_tail, i);
		else
			f->listed = false;
	}
	return NULL;
}

struct aqm_pkt *fq_flush(struct aqm *q)
{
	struct aqm_list all = {0};
	uint32_t i;

	for (i = 0; i < q->cfg.flows; i++)
		while (q->fq.flow[i].list.head)
			list_push(&all, list_pop(&q->fq.flow[i].list));
	return all.head;
}
