/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON straight into a buffer. Texts of devices are data (spec §2.14 rule 2): whatever is in a
 * string stays in the string, control characters and bidirectional overrides leave as \u escapes,
 * and bytes that are no UTF-8 as U+FFFD. */
#include "proto/netops/mcp/mcp_priv.h"

#include "base/rng.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void mcp_out_text(struct buf *b, const char *s)
{
	buf_bytes(b, s, strlen(s));
}

/* Length of the well-formed UTF-8 sequence at s, 0 where it is none (RFC 3629 §4). */
static unsigned utf8_length(const uint8_t *s, size_t n)
{
	unsigned len;
	unsigned i;

	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (n < len)
		return 0;
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

/* The code point of a bidirectional control at s, or 0: U+061C, U+200E, U+200F, U+202A-E, U+2066-9.
 */
static unsigned bidi(const uint8_t *s, unsigned len)
{
	unsigned c;

	if (len == 2)
		return s[0] == 0xd8 && s[1] == 0x9c ? 0x61c : 0;
	if (len != 3 || s[0] != 0xe2)
		return 0;
	c = 0x2000u | (unsigned)(s[1] & 0x3f) << 6 | (unsigned)(s[2] & 0x3f);
	if (c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069))
		return c;
	return 0;
}

static void out_escape(struct buf *b, unsigned c)
{
	static const char hex[] = "0123456789abcdef";
	char t[6] = {'\\', 'u', hex[c >> 12 & 15], hex[c >> 8 & 15], hex[c >> 4 & 15], hex[c & 15]};

	buf_bytes(b, t, sizeof(t));
}

static void out_ascii(struct buf *b, uint8_t c)
{
	switch (c) {
	case '"':
		OUT_LIT(b, "\\\"");
		break;
	case '\\':
		OUT_LIT(b, "\\\\");
		break;
	case '\n':
		OUT_LIT(b, "\\n");
		break;
	case '\r':
		OUT_LIT(b, "\\r");
		break;
	case '\t':
		OUT_LIT(b, "\\t");
		break;
	default:
		out_escape(b, c);
	}
}

void mcp_out_string(struct buf *b, const char *text, size_t n)
{
	const uint8_t *s = (const uint8_t *)text;
	unsigned len;
	size_t from = 0;
	size_t i = 0;
	unsigned c;

	buf_u8(b, '"');
	while (i < n) {
		if (s[i] >= 0x20 && s[i] < 0x7f && s[i] != '"' && s[i] != '\\') {
			i++;
			continue;
		}
		if (s[i] >= 0x80) {
			len = utf8_length(s + i, n - i);
			c = len ? bidi(s + i, len) : 0;
			if (len && !c) {
				i += len;
				continue;
			}
			buf_bytes(b, s + from, i - from);
			if (len)
				out_escape(b, c);
			else
				OUT_LIT(b, "\xef\xbf\xbd");
			i += len ? len : 1;
		} else {
			buf_bytes(b, s + from, i - from);
			out_ascii(b, s[i++]);
		}
		from = i;
	}
	buf_bytes(b, s + from, n - from);
	buf_u8(b, '"');
}

void mcp_out_str(struct buf *b, const char *s)
{
	mcp_out_string(b, s, strlen(s));
}

void mcp_out_json(struct buf *b, const char *json, size_t n)
{
	const uint8_t *s = (const uint8_t *)json;
	size_t from = 0;
	size_t i;
	unsigned c;

	for (i = 0; i + 1 < n; i++) {
		if (s[i] != 0xe2 && s[i] != 0xd8)
			continue;
		c = i + 2 < n && s[i] == 0xe2 ? bidi(s + i, 3) : bidi(s + i, 2);
		if (!c)
			continue;
		buf_bytes(b, s + from, i - from);
		out_escape(b, c);
		from = i + (s[i] == 0xe2 ? 3 : 2);
		i = from - 1;
	}
	buf_bytes(b, s + from, n - from);
}

void mcp_out_int(struct buf *b, int64_t v)
{
	buf_printf(b, "%lld", (long long)v);
}

void mcp_out_base64(struct buf *b, struct slice bytes)
{
	size_t n = (bytes.n + 2) / 3 * 4;
	uint8_t *to;

	buf_u8(b, '"');
	to = buf_add(b, n + 1); /* EVP_EncodeBlock writes a NUL; it becomes the quote */
	if (!to)
		return;
	EVP_EncodeBlock(to, bytes.p, (int)bytes.n);
	to[n] = '"';
}

void mcp_out_time(struct buf *b, int64_t unix_ms)
{
	time_t s = (time_t)(unix_ms / 1000);
	struct tm tm;

	gmtime_r(&s, &tm);
	buf_printf(b, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", tm.tm_year + 1900, tm.tm_mon + 1,
		   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(unix_ms % 1000));
}

void mcp_out_val(struct buf *b, yyjson_val *v, struct mcp_arena *a)
{
	size_t n;
	char *s = yyjson_val_write_opts(v, YYJSON_WRITE_NOFLAG, &a->alc, &n, NULL);

	if (s)
		mcp_out_json(b, s, n);
	else
		OUT_LIT(b, "null");
}

void mcp_out_mut(struct buf *b, yyjson_mut_val *v, struct mcp_arena *a)
{
	size_t n;
	char *s =
		yyjson_mut_val_write_opts(v, YYJSON_WRITE_ALLOW_INVALID_UNICODE, &a->alc, &n, NULL);

	if (s)
		mcp_out_json(b, s, n);
	else
		OUT_LIT(b, "null");
}

void mcp_out_members(struct buf *b, yyjson_mut_val *obj, struct mcp_arena *a)
{
	size_t n;
	char *s = yyjson_mut_val_write_opts(obj, YYJSON_WRITE_ALLOW_INVALID_UNICODE, &a->alc, &n,
					    NULL);

	if (s && n >= 2 && s[0] == '{')
		mcp_out_json(b, s + 1, n - 2);
}

size_t mcp_base64url(char *to, const uint8_t *p, size_t n)
{
	size_t len = (size_t)EVP_EncodeBlock((unsigned char *)to, p, (int)n);
	size_t i;

	while (len > 0 && to[len - 1] == '=')
		len--;
	for (i = 0; i < len; i++) {
		if (to[i] == '+')
			to[i] = '-';
		else if (to[i] == '/')
			to[i] = '_';
	}
	to[len] = 0;
	return len;
}

static int digit(char c, bool url)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (url ? '-' : '+'))
		return 62;
	if (c == (url ? '_' : '/'))
		return 63;
	return -1;
}

static long decode(uint8_t *to, size_t size, const char *s, size_t n, bool url)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t at = 0;
	size_t i;
	int d;

	if (n % 4 == 1)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		d = digit(s[i], url);
		if (d < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)d;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (at == size)
			return -ENOSPC;
		to[at++] = (uint8_t)(bits >> have);
		bits &= (1u << have) - 1;
	}
	/* Only one way to write the same bytes. */
	return bits ? -EINVAL : (long)at;
}

long mcp_base64url_decode(uint8_t *to, size_t size, const char *s, size_t n)
{
	return decode(to, size, s, n, true);
}

long mcp_base64_decode(uint8_t *to, size_t size, const char *s, size_t n)
{
	if (n % 4 != 0)
		return -EINVAL;
	if (n > 0 && s[n - 1] == '=')
		n -= s[n - 2] == '=' ? 2 : 1;
	return decode(to, size, s, n, false);
}

void mcp_random_id(char to[MCP_ID_SIZE])
{
	uint8_t bytes[16];
	char text[25];

	rng_os_bytes(bytes, sizeof(bytes));
	mcp_base64url(text, bytes, sizeof(bytes));
	memcpy(to, text, MCP_ID_SIZE);
}
