/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/ops/xsd_regex.h"
#include "base/charset.h"

#include <string.h>

#define MAX_NESTED 8 /* subtractions */

static void print_char(struct buf *b, uint32_t cp)
{
	char utf8[4];

	if (cp < 0x80 && strchr("\\]^[-", (int)cp) && cp)
		buf_u8(b, '\\');
	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0xd800 && cp <= 0xdfff) ||
	    cp == 0xfeff || (cp >= 0x2000 && cp < 0x2070))
		buf_printf(b, "\\u%04x", cp);
	else
		buf_bytes(b, utf8, utf8_put(utf8, cp));
}

/* As a class. Surrogates are no characters: they are passed over, at the ends of ranges, too. */
static void print_set(struct buf *b, const struct charset *c)
{
	size_t i;

	buf_u8(b, '[');
	for (i = 0; i < c->n; i++) {
		uint32_t lo = c->r[i].lo >= 0xd800 && c->r[i].lo <= 0xdfff ? 0xe000 : c->r[i].lo;
		uint32_t hi = c->r[i].hi >= 0xd800 && c->r[i].hi <= 0xdfff ? 0xd7ff : c->r[i].hi;

		if (lo > hi)
			continue;
		print_char(b, lo);
		if (hi > lo + 1)
			buf_u8(b, '-');
		if (hi > lo)
			print_char(b, hi);
	}
	buf_u8(b, ']');
}

static void add_ranges(struct charset *c, const struct crange *r, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		charset_add(c, r[i].lo, r[i].hi);
}

/* NameStartChar of XML 1.0. */
static void add_initial(struct charset *c)
{
	static const struct crange r[] = {
		{':', ':'},	  {'A', 'Z'},	    {'_', '_'},	      {'a', 'z'},
		{0xc0, 0xd6},	  {0xd8, 0xf6},	    {0xf8, 0x2ff},    {0x370, 0x37d},
		{0x37f, 0x1fff},  {0x200c, 0x200d}, {0x2070, 0x218f}, {0x2c00, 0x2fef},
		{0x3001, 0xd7ff}, {0xf900, 0xfdcf}, {0xfdf0, 0xfffd}, {0x10000, 0xeffff}};

	add_ranges(c, r, sizeof(r) / sizeof(r[0]));
}

/* \s \i \c \d \w and their complements. false: another letter. */
static bool add_multi(struct charset *c, char letter)
{
	static const struct crange space[] = {{'\t', '\n'}, {'\r', '\r'}, {' ', ' '}};
	static const struct crange name[] = {
		{'-', '.'}, {'0', '9'}, {0xb7, 0xb7}, {0x300, 0x36f}, {0x203f, 0x2040}};
	struct charset one = {0};

	switch (letter | 0x20) {
	case 's':
		add_ranges(&one, space, 3);
		break;
	case 'c':
		add_ranges(&one, name, 5);
		add_initial(&one);
		break;
	case 'i':
		add_initial(&one);
		break;
	case 'd':
		charset_add_category(&one, "Nd", 2);
		break;
	case 'w':
		charset_add_category(&one, "P", 1);
		charset_add_category(&one, "Z", 1);
		charset_add_category(&one, "C", 1);
		charset_norm(&one);
		charset_negate(&one);
		break;
	default:
		return false;
	}
	charset_norm(&one);
	if (letter < 'a')
		charset_negate(&one);
	charset_add_all(c, &one);
	charset_free(&one);
	return true;
}

/* *p behind "\p" or "\P". */
static bool add_property(struct charset *c, const char **p, bool negate)
{
	const char *close = strchr(*p, '}');
	struct charset one = {0};
	bool ok;

	if (**p != '{' || !close)
		return false;
	ok = charset_add_category(&one, *p + 1, (size_t)(close - *p - 1));
	charset_norm(&one);
	if (negate)
		charset_negate(&one);
	if (ok)
		charset_add_all(c, &one);
	charset_free(&one);
	*p = close + 1;
	return ok;
}

static uint32_t single(char letter)
{
	return letter == 'n' ? '\n' : letter == 'r' ? '\r' : letter == 't' ? '\t' : (uint8_t)letter;
}

/* One escape into c; *p behind the backslash. *cp: the character, or UINT32_MAX where it was a
 * class. */
static bool escape(struct charset *c, const char **p, uint32_t *cp)
{
	char letter = **p;

	*cp = UINT32_MAX;
	if (letter == '\0')
		return false;
	(*p)++;
	if (letter == 'p' || letter == 'P')
		return add_property(c, p, letter == 'P');
	if (!add_multi(c, letter))
		*cp = single(letter);
	return true;
}

static bool read_class(struct charset *c, const char **p, unsigned depth);

static bool class_member(struct charset *c, const char **p, const char *end, uint32_t *cp)
{
	if (**p != '\\') {
		*cp = utf8_next(p, end);
		return true;
	}
	(*p)++;
	return escape(c, p, cp);
}

static bool class_range(struct charset *c, const char **p)
{
	const char *end = *p + strlen(*p);
	uint32_t lo;
	uint32_t hi;

	if (!class_member(c, p, end, &lo))
		return false;
	if (lo == UINT32_MAX)
		return true;
	hi = lo;
	if ((*p)[0] == '-' && (*p)[1] != ']' && (*p)[1] != '[' && (*p)[1] != '\0') {
		(*p)++;
		if (!class_member(c, p, end, &hi) || hi == UINT32_MAX)
			return false;
	}
	charset_add(c, lo, hi);
	return hi >= lo;
}

/* *p behind '['; ends behind ']'. Recursion is bounded by MAX_NESTED. */
static bool read_class(struct charset *c, const char **p, unsigned depth)
{
	bool negate = **p == '^';
	struct charset minus = {0};
	bool ok = depth < MAX_NESTED;

	*p += negate;
	while (ok && **p && **p != ']') {
		if ((*p)[0] == '-' && (*p)[1] == '[') {
			*p += 2;
			ok = read_class(&minus, p, depth + 1);
			break;
		}
		ok = class_range(c, p);
	}
	ok = ok && **p == ']' && !c->failed && !minus.failed;
	*p += ok;
	charset_norm(c);
	if (negate)
		charset_negate(c);
	if (minus.n)
		charset_subtract(c, &minus);
	charset_free(&minus);
	return ok;
}

/* A backslash or a bracket outside of a class. */
static bool translate_set(struct buf *out, const char **p)
{
	struct charset c = {0};
	uint32_t cp = UINT32_MAX;
	char first = *(*p)++;
	bool ok = first == '[' ? read_class(&c, p, 0) : escape(&c, p, &cp);

	charset_norm(&c);
	if (ok && cp == UINT32_MAX) {
		print_set(out, &c);
	} else if (ok) {
		if (cp < 0x80 && strchr("\\|.?*+(){}[]^$", (int)cp) && cp)
			buf_u8(out, '\\');
		if (cp < 0x20)
			buf_printf(out, "\\u%04x", cp);
		else
			buf_u8(out, (uint8_t)cp);
	}
	ok = ok && !c.failed;
	charset_free(&c);
	return ok;
}

bool xsd_regex(struct buf *out, const char *xsd)
{
	size_t begin = out->n;
	const char *p = xsd;
	bool ok = true;

	buf_bytes(out, "^(?:", 4);
	while (*p && ok) {
		if (*p == '\\' || *p == '[') {
			ok = translate_set(out, &p);
		} else if (*p == '.') {
			buf_printf(out, "[^\\n\\r]");
			p++;
		} else {
			if (*p == '^' || *p == '$')
				buf_u8(out, '\\');
			buf_u8(out, (uint8_t)*p++);
		}
	}
	buf_bytes(out, ")$", 2);
	if (!ok)
		out->n = begin;
	return ok;
}
