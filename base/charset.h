/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of Unicode code points, as sorted ranges: what classes of regular expressions are made of.
 */
#ifndef DEP_CHARSET_H
#define DEP_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHARSET_LAST 0x10ffffu

struct crange {
	uint32_t lo;
	uint32_t hi; /* included */
};

/* All zero is the empty set. A set that ran out of memory is `failed` and holds nothing of use. */
struct charset {
	struct crange *r;
	size_t n;
	size_t cap;
	bool failed;
};

void charset_free(struct charset *c);
/* Adds lo to hi. In any order; charset_norm() must follow before the set is read. */
void charset_add(struct charset *c, uint32_t lo, uint32_t hi);
void charset_add_all(struct charset *c, const struct charset *more);
/* Sorts, and merges what touches. */
void charset_norm(struct charset *c);
/* Of normal sets, which stay normal. */
void charset_negate(struct charset *c);
void charset_subtract(struct charset *c, const struct charset *minus);
bool charset_has(const struct charset *c, uint32_t cp);
bool charset_equal(const struct charset *a, const struct charset *b);
/* Adds a general category of the Unicode Character Database by its name: "Lu", "L", "Letter" …
 * false: there is none. */
bool charset_add_category(struct charset *c, const char *name, size_t n);

/* Reads one character of valid UTF-8 (of *p, before end) and moves *p on; what is not valid reads
 * as U+FFFD. */
uint32_t utf8_next(const char **p, const char *end);
/* Number of characters of valid UTF-8. */
size_t utf8_length(const char *text, size_t n);
/* Writes cp to `to`; returns the number of bytes, 1 to 4. */
size_t utf8_put(char to[4], uint32_t cp);

#endif
