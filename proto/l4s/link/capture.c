/* SPDX-License-Identifier: BSD-2-Clause */
/* The forwarding thread must not wait for a disk: it puts finished blocks into a ring in memory,
 * and another thread writes them out. One writes and one reads the ring, so two counters are all
 * the locking it needs. Format: draft-ietf-opsawg-pcapng. */
#include "proto/l4s/link/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RING ((size_t)1 << 24)
#define SNAP 128
#define BLOCK_MAX 384

struct capture {
	int fd;
	int rc;
	uint64_t epoch;	       /* CLOCK_REALTIME less CLOCK_MONOTONIC, ns */
	_Atomic uint64_t head; /* bytes ever put in */
	_Atomic uint64_t tail; /* bytes ever written out */
	_Atomic uint64_t lost;
	uint8_t *ring;
};

enum { BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_PACKET = 6 };
enum { OPT_END = 0, OPT_COMMENT = 1, OPT_NAME = 2, OPT_TSRESOL = 9 };
enum { LINKTYPE_ETHERNET = 1, LINKTYPE_RAW = 101 };

/* ---- blocks ---- */

struct block {
	uint8_t p[BLOCK_MAX];
	size_t n;
};

static void put(struct block *b, const void *p, size_t n)
{
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static void put16(struct block *b, uint16_t v)
{
	put(b, &v, sizeof(v));
}

static void put32(struct block *b, uint32_t v)
{
	put(b, &v, sizeof(v));
}

static void pad(struct block *b)
{
	while (b->n % 4)
		b->p[b->n++] = 0;
}

static void begin(struct block *b, uint32_t type)
{
	b->n = 0;
	put32(b, type);
	put32(b, 0);
}

static void option(struct block *b, uint16_t code, const void *p, size_t n)
{
	put16(b, code);
	put16(b, (uint16_t)n);
	put(b, p, n);
	pad(b);
}

static void finish(struct block *b)
{
	uint32_t n;

	put32(b, OPT_END);
	n = (uint32_t)b->n + 4;
	put32(b, n);
	memcpy(b->p + 4, &n, sizeof(n));
}

/* ---- the ring ---- */

static void ring_put(struct capture *c, const struct block *b)
{
	uint64_t head = atomic_load_explicit(&c->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&c->tail, memory_order_acquire);
	size_t at = head % RING;
	size_t first = RING - at < b->n ? RING - at : b->n;

	if (head - tail + b->n > RING) {
		atomic_fetch_add(&c->lost, 1);
		return;
	}
	memcpy(c->ring + at, b->p, first);
	memcpy(c->ring, b->p + first, b->n - first);
	atomic_store_explicit(&c->head, head + b->n, memory_order_release);
}

int capture_flush(struct capture *c)
{
	uint64_t tail = atomic_load_explicit(&c->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&c->head, memory_order_acquire);

	while (tail < head && c->rc == 0) {
		size_t at = tail % RING;
		size_t n = head - tail < RING - at ? (size_t)(head - tail) : RING - at;
		ssize_t done = write(c->fd, c->ring + at, n);

		if (done < 0 && errno != EINTR)
			c->rc = -errno;
		if (done > 0)
			tail += (uint64_t)done;
		atomic_store_explicit(&c->tail, tail, memory_order_release);
	}
	return c->rc;
}

/* ---- the file ---- */

static void put_section(struct capture *c)
{
	struct block b;

	begin(&b, BLOCK_SECTION);
	put32(&b, 0x1a2b3c4d);
	put16(&b, 1);
	put16(&b, 0);
	put32(&b, UINT32_MAX);
	put32(&b, UINT32_MAX);
	finish(&b);
	ring_put(c, &b);
}

static void put_interface(struct capture *c, const char *name, bool ethernet)
{
	struct block b;
	uint8_t nanoseconds = 9;

	begin(&b, BLOCK_INTERFACE);
	put16(&b, ethernet ? LINKTYPE_ETHERNET : LINKTYPE_RAW);
	put16(&b, 0);
	put32(&b, SNAP);
	option(&b, OPT_NAME, name, strlen(name));
	option(&b, OPT_TSRESOL, &nanoseconds, 1);
	finish(&b);
	ring_put(c, &b);
}

static uint64_t clock_of(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

struct capture *capture_open(const char *path, bool ethernet, struct err *err)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (c)
		c->ring = malloc(RING);
	if (!c || !c->ring) {
		free(c);
		err_set(err, -ENOMEM, "no memory for the capture");
		return NULL;
	}
	c->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (c->fd < 0) {
		err_set(err, -errno, "cannot write %s: %s", path, strerror(errno));
		free(c->ring);
		free(c);
		return NULL;
	}
	c->epoch = clock_of(CLOCK_REALTIME) - clock_of(CLOCK_MONOTONIC);
	put_section(c);
	put_interface(c, "there", ethernet);
	put_interface(c, "back", ethernet);
	return c;
}

static const char *why(const struct aqm_pkt *p)
{
	static const char *const names[] = {"",	       "native",   "coupled",
					    "classic", "overload", "limit"};

	return p->why < sizeof(names) / sizeof(names[0]) ? names[p->why] : "";
}

static int comment(char *to, size_t n, const struct aqm_pkt *p, enum ecn was, bool dropped,
		   uint64_t now)
{
	static const char *const ecn[] = ECN_NAMES;
	char act[64] = "";
	uint64_t us = now > p->enq_ns ? (now - p->enq_ns) / 1000 : 0;

	if (dropped)
		snprintf(act, sizeof(act), "dropped %s %s, ", ecn[was & 3], why(p));
	else if (p->ecn != was)
		snprintf(act, sizeof(act), "ce from %s %s, ", ecn[was & 3], why(p));
	return snprintf(to, n, "%squeue %s %lu us", act, p->low ? "L" : "C", us);
}

void capture_packet(void *ctx, unsigned dir, const struct aqm_pkt *p, enum ecn was, bool dropped,
		    struct slice head, size_t n, bool ethernet, uint64_t now)
{
	struct capture *c = ctx;
	size_t kept = head.n < SNAP ? head.n : SNAP;
	uint64_t at = now + c->epoch;
	char text[128];
	struct block b;

	begin(&b, BLOCK_PACKET);
	put32(&b, dir);
	put32(&b, (uint32_t)(at >> 32));
	put32(&b, (uint32_t)at);
	put32(&b, (uint32_t)kept);
	put32(&b, (uint32_t)n);
	put(&b, head.p, kept);
	pad(&b);
	option(&b, OPT_COMMENT, text, (size_t)comment(text, sizeof(text), p, was, dropped, now));
	finish(&b);
	ring_put(c, &b);
}

uint64_t capture_lost(struct capture *c)
{
	return atomic_load(&c->lost);
}

int capture_close(struct capture *c)
{
	int rc;

	if (!c)
		return 0;
	rc = capture_flush(c);
	if (close(c->fd) != 0 && rc == 0)
		rc = -errno;
	free(c->ring);
	free(c);
	return rc;
}
