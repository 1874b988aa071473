/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes with a cursor that cannot run past its end. Every reader takes from the front of the slice and returns false,
 * leaving the slice as it was, where fewer bytes are left than it needs. Integers are big endian, as on the wire. */
#ifndef DEP_SLICE_H
#define DEP_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *p;
	size_t n;
};

#define SLICE_LIT(s) ((struct slice){(const uint8_t *)(s), sizeof(s) - 1})

static inline struct slice slice_of(const void *p, size_t n)
{
	return (struct slice){p, n};
}

/* Takes n bytes from the front of s into out. */
static inline bool slice_take(struct slice *s, size_t n, struct slice *out)
{
	if (n > s->n)
		return false;
	*out = (struct slice){s->p, n};
	if (n == 0)
		return true; /* p may be NULL */
	s->p += n;
	s->n -= n;
	return true;
}

/* Copies n bytes from the front of s to `to`. */
static inline bool slice_copy(struct slice *s, void *to, size_t n)
{
	if (n > s->n)
		return false;
	if (n == 0)
		return true;
	memcpy(to, s->p, n);
	s->p += n;
	s->n -= n;
	return true;
}

static inline bool slice_u8(struct slice *s, uint8_t *v)
{
	return slice_copy(s, v, 1);
}

static inline bool slice_u16(struct slice *s, uint16_t *v)
{
	uint8_t b[2];

	if (!slice_copy(s, b, sizeof(b)))
		return false;
	*v = (uint16_t)(b[0] << 8 | b[1]);
	return true;
}

static inline bool slice_u32(struct slice *s, uint32_t *v)
{
	uint8_t b[4];

	if (!slice_copy(s, b, sizeof(b)))
		return false;
	*v = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return true;
}

static inline bool slice_u64(struct slice *s, uint64_t *v)
{
	uint32_t hi;
	uint32_t lo;

	if (s->n < 8)
		return false;
	slice_u32(s, &hi);
	slice_u32(s, &lo);
	*v = (uint64_t)hi << 32 | lo;
	return true;
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

#endif
