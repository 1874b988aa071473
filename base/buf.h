/* SPDX-License-Identifier: BSD-2-Clause */
/* A byte buffer to write into: growable over an allocator, or over fixed storage. A write that does not fit sets
 * `failed` and writes nothing; later writes do nothing either, so a builder checks once, at its end. Integers are
 * written big endian. */
#ifndef DEP_BUF_H
#define DEP_BUF_H

#include "base/alloc.h"
#include "base/slice.h"

struct buf {
	uint8_t *p;
	size_t n;
	size_t cap;
	struct alloc *a; /* NULL: fixed storage */
	bool failed;
};

/* An empty growable buffer. Takes no memory yet. */
void buf_init(struct buf *b, struct alloc *a);
/* A buffer over cap bytes at p, which stay the caller's. */
void buf_fixed(struct buf *b, void *p, size_t cap);
/* Releases what a growable buffer holds; the buffer is empty and usable again. */
void buf_free(struct buf *b);
/* Forgets the contents, keeps the memory, clears `failed`. */
void buf_clear(struct buf *b);
/* Room for n more bytes: returns where to write them, or NULL and `failed`. They count as written. */
uint8_t *buf_add(struct buf *b, size_t n);

void buf_bytes(struct buf *b, const void *p, size_t n);
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
/* Appends text as printf(3) makes it, without a final NUL. */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Removes n bytes from the front (n <= b->n). */
void buf_drop(struct buf *b, size_t n);

/* Overwrites the two bytes at `at`, which must have been written. */
static inline void buf_patch_u16(struct buf *b, size_t at, uint16_t v)
{
	if (b->failed || at + 2 > b->n)
		return;
	b->p[at] = (uint8_t)(v >> 8);
	b->p[at + 1] = (uint8_t)v;
}

static inline struct slice buf_slice(const struct buf *b)
{
	return (struct slice){b->p, b->n};
}

#endif
