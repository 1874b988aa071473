/* SPDX-License-Identifier: BSD-2-Clause */
/* The one allocator hook. Cores take memory only through it, so that a simulator can count what a node holds, a test
 * can make any allocation fail, and a limit can be set. Sizes are given back on release: no header is kept. */
#ifndef DEP_ALLOC_H
#define DEP_ALLOC_H

#include <stddef.h>

struct alloc {
	/* As realloc(3): old NULL takes, n 0 releases and returns NULL. old_n is the size old was taken with. */
	void *(*resize)(struct alloc *a, void *old, size_t old_n, size_t n);
	size_t used;  /* bytes held now */
	size_t peak;  /* the most ever held */
	size_t limit; /* 0: none. A request that would pass it fails */
};

/* An allocator over malloc(3) that counts. */
void alloc_init(struct alloc *a, size_t limit);

/* n zeroed bytes, or NULL. */
void *alloc_zero(struct alloc *a, size_t n);
/* Resizes p from old_n to n bytes; new bytes are not cleared. NULL leaves p as it was. */
void *alloc_resize(struct alloc *a, void *p, size_t old_n, size_t n);
/* Releases p, taken with n bytes. p may be NULL. */
void alloc_free(struct alloc *a, void *p, size_t n);

#endif
