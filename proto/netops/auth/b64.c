/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/auth/auth_priv.h"

#include <errno.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

long auth_b64_decode(struct slice s, uint8_t *to, size_t size)
{
	unsigned bits = 0;
	uint32_t acc = 0;
	size_t out = 0;
	size_t i;
	int v;

	if (s.n % 4 == 1)
		return -EINVAL;
	if (s.n / 4 * 3 + s.n % 4 * 3 / 4 > size)
		return -ENOSPC;
	for (i = 0; i < s.n; i++) {
		v = value(s.p[i]);
		if (v < 0)
			return -EINVAL;
		acc = (acc << 6 | (uint32_t)v) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			to[out++] = (uint8_t)(acc >> bits);
		}
	}
	if (acc & ((1u << bits) - 1))
		return -EINVAL;
	return (long)out;
}

void auth_b64_encode(struct buf *to, const void *p, size_t n)
{
	const uint8_t *b = p;
	uint32_t v;
	size_t i;

	for (i = 0; i + 2 < n; i += 3) {
		v = (uint32_t)b[i] << 16 | (uint32_t)b[i + 1] << 8 | b[i + 2];
		buf_u8(to, (uint8_t)alphabet[v >> 18]);
		buf_u8(to, (uint8_t)alphabet[v >> 12 & 63]);
		buf_u8(to, (uint8_t)alphabet[v >> 6 & 63]);
		buf_u8(to, (uint8_t)alphabet[v & 63]);
	}
	if (i == n)
		return;
	v = (uint32_t)b[i] << 16 | (i + 1 < n ? (uint32_t)b[i + 1] << 8 : 0);
	buf_u8(to, (uint8_t)alphabet[v >> 18]);
	buf_u8(to, (uint8_t)alphabet[v >> 12 & 63]);
	if (i + 1 < n)
		buf_u8(to, (uint8_t)alphabet[v >> 6 & 63]);
}
