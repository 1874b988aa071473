/* SPDX-License-Identifier: BSD-2-Clause */
/* What the sender knows of each packet between snd_una and snd_nxt: a ring of 16 bytes a packet,
 * as long as a power of two. Nothing here searches:
 *
 * - A SACK block is walked once. Its first packet keeps where the run of SACKed packets that begins
 *   there ends, so that a block that comes again, longer at its end or at its head, costs only
 *   what is new in it.
 * - RACK's list in order of transmission (RFC 8985 §6.2) is the ring itself for packets that were
 *   sent once, with a cursor behind which nothing is left to judge, and a queue for those sent
 *   again.
 * - Packets that are lost and wait to be sent again are a queue, too.
 *
 * Entries of the two queues that no longer hold are dropped when they come to the head. */
#ifndef DEP_L4S_TCP_SCOREBOARD_H
#define DEP_L4S_TCP_SCOREBOARD_H

#include "base/alloc.h"

#include <stdbool.h>
#include <stdint.h>

enum sb_flag {
	SB_SACKED = 1,
	SB_LOST = 2,
	SB_RETRANS = 4, /* a retransmission of it is in the network */
	SB_EVER = 8,	/* was sent more than once */
};

#define SB_TAGS (SB_SACKED | SB_LOST | SB_RETRANS)

struct sb_pkt {
	uint64_t sent_ns; /* last transmission */
	uint32_t run;	  /* SACKed: at least all up to here, excluded, is */
	uint16_t payload;
	uint8_t flags;
};

struct sb_mark {
	uint32_t seq;
	uint32_t stamp; /* low bits of sent_ns: tells which transmission was meant */
};

struct sb_queue {
	struct sb_mark *at;
	uint32_t head;
	uint32_t tail;
	uint32_t mask;
};

struct scoreboard {
	struct sb_pkt *ring;
	uint32_t mask;
	uint32_t una;
	uint32_t nxt;
	uint32_t sacked_out;
	uint32_t lost_out;
	uint32_t retrans_out;
	uint32_t high_sacked;  /* end of the highest SACKed packet ever */
	uint32_t cursor;       /* RACK: first packet sent once that is not yet judged */
	struct sb_queue lost;  /* to be sent again */
	struct sb_queue again; /* sent again, in order of time */
	struct alloc *a;
};

static inline bool seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool seq_after(uint32_t a, uint32_t b)
{
	return (int32_t)(b - a) < 0;
}

static inline struct sb_pkt *sb_at(const struct scoreboard *sb, uint32_t seq)
{
	return &sb->ring[seq & sb->mask];
}

static inline uint32_t sb_packets_out(const struct scoreboard *sb)
{
	return sb->nxt - sb->una;
}

/* Packets in the network (RFC 6675 pipe, as Linux counts it). */
static inline uint32_t sb_inflight(const struct scoreboard *sb)
{
	return sb->nxt - sb->una - sb->sacked_out - sb->lost_out + sb->retrans_out;
}

/* False: no memory. */
bool sb_init(struct scoreboard *sb, struct alloc *a);
void sb_free(struct scoreboard *sb);
/* Makes room for one packet more; false: no memory, send nothing. */
bool sb_grow(struct scoreboard *sb);

static inline bool sb_room(struct scoreboard *sb)
{
	return sb->nxt - sb->una <= sb->mask || sb_grow(sb);
}

/* A new packet was sent; there is room. */
static inline void sb_sent(struct scoreboard *sb, uint16_t payload, uint64_t now)
{
	struct sb_pkt *p = sb_at(sb, sb->nxt++);

	p->sent_ns = now;
	p->payload = payload;
	p->flags = 0;
}

/* A lost packet that waits to be sent again, or false. */
bool sb_next_lost(struct scoreboard *sb, uint32_t *seq);
/* It was sent again. */
void sb_sent_again(struct scoreboard *sb, uint32_t seq, uint64_t now);
/* seq is lost, as is its retransmission, if there was one. Returns whether that is new. */
bool sb_lose(struct scoreboard *sb, uint32_t seq);
/* A timeout: what is not SACKed is lost, but for what was sent after `recent`; snd_una always. They
 * wait to be sent again in order of their numbers. */
void sb_lose_all(struct scoreboard *sb, uint64_t recent);
/* Nothing is lost any more: the reduction was a mistake. */
void sb_unlose(struct scoreboard *sb);
/* First of the retransmitted packets by time that is still to be judged, or false. */
bool sb_oldest_again(struct scoreboard *sb, uint32_t *seq);
static inline void sb_drop_again(struct scoreboard *sb)
{
	sb->again.head++;
}

#endif
