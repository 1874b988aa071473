/* SPDX-License-Identifier: BSD-2-Clause */
/* General categories of characters; tables made by unicode_gc.py. */
#ifndef DEP_UNICODE_GC_H
#define DEP_UNICODE_GC_H

#include "base/charset.h"

struct unicode_gc {
	const char *name; /* "Lu" */
	const char *long_name;
	const struct crange *r;
	size_t n;
};
struct unicode_major {
	const char *name; /* "L": all that begin with it */
	const char *long_name;
};
extern const struct unicode_gc unicode_gc[];
extern const size_t unicode_gc_n;
extern const struct unicode_major unicode_major[];
extern const size_t unicode_major_n;

#endif
