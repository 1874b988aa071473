/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/tcp/scoreboard.h"

#define SB_FIRST 64u
#define SB_MOST (1u << 22)
#define SB_QUEUE_FIRST 16u

static bool queue_grow(struct sb_queue *q, struct alloc *a)
{
	uint32_t old = q->at ? q->mask + 1 : 0;
	uint32_t n = old ? 2 * old : SB_QUEUE_FIRST;
	struct sb_mark *at = alloc_zero(a, n * sizeof(*at));
	uint32_t i;

	if (!at)
		return false;
	for (i = q->head; i != q->tail; i++)
		at[i & (n - 1)] = q->at[i & q->mask];
	alloc_free(a, q->at, old * sizeof(*at));
	q->at = at;
	q->mask = n - 1;
	return true;
}

static void queue_free(struct sb_queue *q, struct alloc *a)
{
	alloc_free(a, q->at, q->at ? (q->mask + 1) * sizeof(*q->at) : 0);
}

/* Without memory the entry is forgotten: the timeout finds the packet. */
static void queue_put(struct sb_queue *q, struct alloc *a, uint32_t seq, uint64_t sent_ns)
{
	if ((!q->at || q->tail - q->head > q->mask) && !queue_grow(q, a))
		return;
	q->at[q->tail++ & q->mask] = (struct sb_mark){seq, (uint32_t)sent_ns};
}

bool sb_init(struct scoreboard *sb, struct alloc *a)
{
	*sb = (struct scoreboard){.a = a, .mask = SB_FIRST - 1};
	sb->ring = alloc_zero(a, SB_FIRST * sizeof(*sb->ring));
	return sb->ring;
}

void sb_free(struct scoreboard *sb)
{
	queue_free(&sb->lost, sb->a);
	queue_free(&sb->again, sb->a);
	alloc_free(sb->a, sb->ring, sb->ring ? (sb->mask + 1) * sizeof(*sb->ring) : 0);
}

bool sb_grow(struct scoreboard *sb)
{
	uint32_t old = sb->mask + 1;
	struct sb_pkt *ring;
	uint32_t i;

	if (old >= SB_MOST)
		return false;
	ring = alloc_zero(sb->a, 2 * (size_t)old * sizeof(*ring));
	if (!ring)
		return false;
	for (i = sb->una; i != sb->nxt; i++)
		ring[i & (2 * old - 1)] = sb->ring[i & sb->mask];
	alloc_free(sb->a, sb->ring, old * sizeof(*ring));
	sb->ring = ring;
	sb->mask = 2 * old - 1;
	return true;
}

bool sb_next_lost(struct scoreboard *sb, uint32_t *seq)
{
	struct sb_queue *q = &sb->lost;
	struct sb_mark m;

	for (; q->head != q->tail; q->head++) {
		m = q->at[q->head & q->mask];
		if (!seq_before(m.seq, sb->una) && (sb_at(sb, m.seq)->flags & SB_TAGS) == SB_LOST) {
			*seq = m.seq;
			return true;
		}
	}
	return false;
}

void sb_sent_again(struct scoreboard *sb, uint32_t seq, uint64_t now)
{
	struct sb_pkt *p = sb_at(sb, seq);

	p->sent_ns = now;
	if (!(p->flags & SB_RETRANS))
		sb->retrans_out++;
	p->flags |= SB_RETRANS | SB_EVER;
	queue_put(&sb->again, sb->a, seq, now);
}

bool sb_lose(struct scoreboard *sb, uint32_t seq)
{
	struct sb_pkt *p = sb_at(sb, seq);

	if (p->flags & SB_SACKED || (p->flags & SB_TAGS) == SB_LOST)
		return false;
	if (p->flags & SB_RETRANS)
		sb->retrans_out--;
	if (!(p->flags & SB_LOST))
		sb->lost_out++;
	p->flags = (uint8_t)((p->flags & ~SB_RETRANS) | SB_LOST);
	queue_put(&sb->lost, sb->a, seq, p->sent_ns);
	return true;
}

void sb_lose_all(struct scoreboard *sb, uint64_t recent)
{
	struct sb_pkt *p;
	uint32_t seq;

	for (seq = sb->una; seq != sb->nxt; seq++)
		if (seq == sb->una || sb_at(sb, seq)->sent_ns <= recent)
			sb_lose(sb, seq);
	sb->lost.head = sb->lost.tail;
	for (seq = sb->una; seq != sb->nxt; seq++) {
		p = sb_at(sb, seq);
		if ((p->flags & SB_TAGS) == SB_LOST)
			queue_put(&sb->lost, sb->a, seq, p->sent_ns);
	}
}

void sb_unlose(struct scoreboard *sb)
{
	uint32_t seq;

	if (sb->lost_out)
		for (seq = sb->una; seq != sb->nxt; seq++)
			sb_at(sb, seq)->flags &= (uint8_t)~SB_LOST;
	sb->lost_out = 0;
	sb->lost.head = sb->lost.tail;
	sb->cursor = sb->una;
}

bool sb_oldest_again(struct scoreboard *sb, uint32_t *seq)
{
	struct sb_queue *q = &sb->again;
	struct sb_pkt *p;
	struct sb_mark m;

	for (; q->head != q->tail; q->head++) {
		m = q->at[q->head & q->mask];
		p = sb_at(sb, m.seq);
		if (!seq_before(m.seq, sb->una) && (p->flags & SB_RETRANS) &&
		    !(p->flags & SB_SACKED) && (uint32_t)p->sent_ns == m.stamp) {
			*seq = m.seq;
			return true;
		}
	}
	return false;
}
