/* SPDX-License-Identifier: BSD-2-Clause */
/* The YANG modules in this directory, as table.py puts them into the executable. */
#ifndef DEP_NETOPS_YANG_TABLE_H
#define DEP_NETOPS_YANG_TABLE_H

#include <stddef.h>

struct yang_file {
	const char *name;
	const char *revision;
	const char *text; /* ended by a NUL */
	size_t size;	  /* with it */
};

extern const struct yang_file yang_files[]; /* by name; ended by a name NULL */

#endif
