/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/ops/text.h"
#include "base/charset.h"

#include <string.h>

bool text_steers(uint32_t cp)
{
	return (cp < 0x20 && cp != '\t' && cp != '\n') || (cp >= 0x7f && cp <= 0x9f) ||
	       cp == 0xad || cp == 0x61c || cp == 0x180e || (cp >= 0x200b && cp <= 0x200f) ||
	       (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff ||
	       (cp >= 0xfff9 && cp <= 0xfffb) || (cp >= 0xe0000 && cp <= 0xe007f);
}

static void escape(struct buf *b, uint32_t cp)
{
	if (cp >= 0x10000)
		buf_printf(b, "\\u%04x\\u%04x", 0xd800 + ((cp - 0x10000) >> 10),
			   0xdc00 + (cp & 0x3ff));
	else
		buf_printf(b, "\\u%04x", cp);
}

/* Copies from s to end what may stay; stops at what may not. Returns where. */
static const char *plain_run(struct buf *b, const char *s, const char *end)
{
	const char *p = s;

	while (p < end && (uint8_t)*p >= 0x20 && (uint8_t)*p < 0x7f && *p != '"' && *p != '\\')
		p++;
	buf_bytes(b, s, (size_t)(p - s));
	return p;
}

void text_json(struct buf *b, const char *s, size_t n)
{
	const char *end = s + n;

	buf_u8(b, '"');
	while ((s = plain_run(b, s, end)) < end) {
		const char *from = s;
		uint32_t cp = utf8_next(&s, end);

		if (cp == '"' || cp == '\\') {
			buf_u8(b, '\\');
			buf_u8(b, (uint8_t)cp);
		} else if (cp == '\n') {
			TEXT_JSON_LIT(b, "\\n");
		} else if (cp == '\t') {
			TEXT_JSON_LIT(b, "\\t");
		} else if (text_steers(cp)) {
			escape(b, cp);
		} else if (cp == 0xfffd) {
			TEXT_JSON_LIT(b, "\\ufffd"); /* perhaps it was not UTF-8 */
		} else {
			buf_bytes(b, from, (size_t)(s - from));
		}
	}
	buf_u8(b, '"');
}

void text_json_str(struct buf *b, const char *s)
{
	text_json(b, s ? s : "", s ? strlen(s) : 0);
}

void text_harden(struct buf *b, struct slice json)
{
	const char *s = (const char *)json.p;
	const char *end = s + json.n;
	const char *from = s;

	while (s < end) {
		const char *at = s;
		uint32_t cp;

		if ((uint8_t)*s < 0x7f) {
			s++;
			continue;
		}
		cp = utf8_next(&s, end);
		if (!text_steers(cp))
			continue;
		buf_bytes(b, from, (size_t)(at - from));
		escape(b, cp);
		from = s;
	}
	buf_bytes(b, from, (size_t)(end - from));
}

void text_plain(struct buf *b, const char *s, size_t n, size_t max, bool one_line)
{
	const char *end = s + n;
	size_t begin = b->n;

	while (s < end) {
		const char *from = s;
		uint32_t cp = utf8_next(&s, end);

		if (b->n - begin + 8 > max) {
			TEXT_JSON_LIT(b, "…");
			return;
		}
		if (text_steers(cp) || (one_line && (cp == '\n' || cp == '\t')))
			buf_printf(b, "<U+%04X>", cp);
		else if (cp == 0xfffd)
			TEXT_JSON_LIT(b, "\xef\xbf\xbd");
		else
			buf_bytes(b, from, (size_t)(s - from));
	}
}
