/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

void buf_init(struct buf *b, struct alloc *a)
{
	*b = (struct buf){.a = a};
}

void buf_fixed(struct buf *b, void *p, size_t cap)
{
	*b = (struct buf){.p = p, .cap = cap};
}

void buf_free(struct buf *b)
{
	if (b->a)
		alloc_free(b->a, b->p, b->cap);
	*b = (struct buf){.a = b->a};
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

static bool buf_room(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 64;
	uint8_t *p;

	if (b->failed)
		return false;
	if (n <= b->cap - b->n)
		return true;
	if (!b->a || n > SIZE_MAX / 4 - b->n)
		goto fail;
	while (cap - b->n < n)
		cap *= 2;
	p = alloc_resize(b->a, b->p, b->cap, cap);
	if (!p)
		goto fail;
	b->p = p;
	b->cap = cap;
	return true;
fail:
	b->failed = true;
	return false;
}

uint8_t *buf_add(struct buf *b, size_t n)
{
	uint8_t *at;

	if (!buf_room(b, n))
		return NULL;
	at = b->p + b->n;
	b->n += n;
	return at;
}

void buf_bytes(struct buf *b, const void *p, size_t n)
{
	uint8_t *at;

	if (n == 0)
		return;
	at = buf_add(b, n);
	if (at)
		memcpy(at, p, n);
}

void buf_u8(struct buf *b, uint8_t v)
{
	buf_bytes(b, &v, 1);
}

void buf_u16(struct buf *b, uint16_t v)
{
	uint8_t x[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	buf_bytes(b, x, sizeof(x));
}

void buf_u32(struct buf *b, uint32_t v)
{
	uint8_t x[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

	buf_bytes(b, x, sizeof(x));
}

void buf_u64(struct buf *b, uint64_t v)
{
	uint8_t x[8];
	int i;

	for (i = 0; i < 8; i++)
		x[i] = (uint8_t)(v >> (56 - 8 * i));
	buf_bytes(b, x, sizeof(x));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	uint8_t *at;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	/* vsnprintf ends with a NUL, which is written and then not counted. */
	at = buf_add(b, (size_t)n + 1);
	if (!at)
		return;
	va_start(ap, fmt);
	vsnprintf((char *)at, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n--;
}

void buf_drop(struct buf *b, size_t n)
{
	if (n > b->n)
		n = b->n;
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}
