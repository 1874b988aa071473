/* SPDX-License-Identifier: BSD-2-Clause */
/* Between grid_run.c and grid_cache.c. */
#ifndef DEP_L4S_GRID_IMPL_H
#define DEP_L4S_GRID_IMPL_H

#include "proto/l4s/study/grid.h"

/* Fills g's runs from the cache file; a file that is not there is an empty one. */
int grid_cache_read(struct grid *g, const struct grid_options *o, struct err *err);
/* The file to append to: a descriptor, or a negative errno and err. */
int grid_cache_open(const struct grid_options *o, struct err *err);
int grid_cache_append(int fd, const struct grid_options *o, const struct grid_cell *c,
		      uint64_t seed, const struct grid_result *r, struct err *err);

#endif
