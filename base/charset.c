/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/charset.h"
#include "base/unicode_gc.h"

#include <stdlib.h>
#include <string.h>

void charset_free(struct charset *c)
{
	free(c->r);
	*c = (struct charset){0};
}

void charset_add(struct charset *c, uint32_t lo, uint32_t hi)
{
	if (c->n == c->cap && !c->failed) {
		size_t cap = c->cap ? c->cap * 2 : 8;
		struct crange *r = realloc(c->r, cap * sizeof(*r));

		if (r) {
			c->r = r;
			c->cap = cap;
		}
		c->failed = !r;
	}
	if (c->failed || lo > hi)
		return;
	c->r[c->n++] = (struct crange){lo, hi};
}

void charset_add_all(struct charset *c, const struct charset *more)
{
	size_t i;

	for (i = 0; i < more->n; i++)
		charset_add(c, more->r[i].lo, more->r[i].hi);
	c->failed |= more->failed;
}

static int by_lo(const void *a, const void *b)
{
	const struct crange *x = a;
	const struct crange *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

void charset_norm(struct charset *c)
{
	size_t n = 0;
	size_t i;

	if (c->failed || c->n < 2)
		return;
	qsort(c->r, c->n, sizeof(*c->r), by_lo);
	for (i = 1; i < c->n; i++) {
		if (c->r[i].lo > c->r[n].hi + 1)
			c->r[++n] = c->r[i];
		else if (c->r[i].hi > c->r[n].hi)
			c->r[n].hi = c->r[i].hi;
	}
	c->n = n + 1;
}

void charset_negate(struct charset *c)
{
	struct charset out = {.failed = c->failed};
	uint32_t next = 0;
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (c->r[i].lo > next)
			charset_add(&out, next, c->r[i].lo - 1);
		next = c->r[i].hi + 1;
	}
	if (next <= CHARSET_LAST)
		charset_add(&out, next, CHARSET_LAST);
	free(c->r);
	*c = out;
}

void charset_subtract(struct charset *c, const struct charset *minus)
{
	/* a \ b is the complement of (not a, or b). */
	charset_negate(c);
	charset_add_all(c, minus);
	charset_norm(c);
	charset_negate(c);
}

bool charset_has(const struct charset *c, uint32_t cp)
{
	size_t lo = 0;
	size_t hi = c->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (cp < c->r[mid].lo)
			hi = mid;
		else if (cp > c->r[mid].hi)
			lo = mid + 1;
		else
			return true;
	}
	return false;
}

bool charset_equal(const struct charset *a, const struct charset *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->r, b->r, a->n * sizeof(*a->r)) == 0);
}

static bool is(const char *name, size_t n, const char *what)
{
	return strlen(what) == n && memcmp(name, what, n) == 0;
}

static void add_gc(struct charset *c, const struct unicode_gc *gc)
{
	size_t i;

	for (i = 0; i < gc->n; i++)
		charset_add(c, gc->r[i].lo, gc->r[i].hi);
}

bool charset_add_category(struct charset *c, const char *name, size_t n)
{
	char major = '\0';
	size_t i;

	for (i = 0; i < unicode_gc_n; i++) {
		if (is(name, n, unicode_gc[i].name) || is(name, n, unicode_gc[i].long_name)) {
			add_gc(c, &unicode_gc[i]);
			return true;
		}
	}
	for (i = 0; i < unicode_major_n; i++) {
		if (is(name, n, unicode_major[i].name) || is(name, n, unicode_major[i].long_name))
			major = unicode_major[i].name[0];
	}
	for (i = 0; i < unicode_gc_n && major; i++) {
		if (unicode_gc[i].name[0] == major)
			add_gc(c, &unicode_gc[i]);
	}
	return major != '\0';
}

uint32_t utf8_next(const char **p, const char *end)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	const uint8_t *s = (const uint8_t *)*p;
	size_t left = (size_t)(end - *p);
	uint32_t c = s[0];
	size_t more;
	size_t i;

	(*p)++;
	if (c < 0x80)
		return c;
	more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
	if (c < 0xc2 || c > 0xf4 || more >= left)
		return 0xfffd;
	c &= 0x3fu >> more;
	for (i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0xfffd;
		c = c << 6 | (s[i] & 0x3fu);
	}
	if (c < least[more] || c > CHARSET_LAST || (c >= 0xd800 && c <= 0xdfff))
		return 0xfffd;
	*p += more;
	return c;
}

size_t utf8_length(const char *text, size_t n)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < n; i++)
		count += ((uint8_t)text[i] & 0xc0) != 0x80;
	return count;
}

size_t utf8_put(char to[4], uint32_t cp)
{
	static const uint8_t mark[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	size_t i;

	for (i = n; i-- > 1; cp >>= 6)
		to[i] = (char)(0x80 | (cp & 0x3f));
	to[0] = (char)(mark[n == 1 ? 0 : n] | cp);
	return n;
}
