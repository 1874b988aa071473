/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static void *counted_resize(struct alloc *a, void *old, size_t old_n, size_t n)
{
	void *p;

	if (n == 0) {
		free(old);
		a->used -= old_n;
		return NULL;
	}
	if (a->limit && n > old_n && n - old_n > a->limit - (a->used < a->limit ? a->used : a->limit))
		return NULL;
	p = realloc(old, n);
	if (!p)
		return NULL;
	a->used = a->used - old_n + n;
	if (a->used > a->peak)
		a->peak = a->used;
	return p;
}

void alloc_init(struct alloc *a, size_t limit)
{
	*a = (struct alloc){.resize = counted_resize, .limit = limit};
}

void *alloc_zero(struct alloc *a, size_t n)
{
	void *p = a->resize(a, NULL, 0, n);

	if (p)
		memset(p, 0, n);
	return p;
}

void *alloc_resize(struct alloc *a, void *p, size_t old_n, size_t n)
{
	return a->resize(a, p, old_n, n);
}

void alloc_free(struct alloc *a, void *p, size_t n)
{
	if (p)
		a->resize(a, p, n, 0);
}
