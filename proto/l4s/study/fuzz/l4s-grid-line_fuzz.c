/* SPDX-License-Identifier: BSD-2-Clause */
/* A line of kept results: what is read can be written, and is the same when read again. */
#include "proto/l4s/study/grid.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char version[2][64];
	char cell[2][GRID_TEXT];
	struct grid_result r[2];
	uint64_t seed[2];
	size_t n;
	char *line;

	if (grid_line_parse((const char *)data, size, version[0], cell[0], &seed[0], &r[0]) < 0)
		return 0;
	line = grid_line(version[0], cell[0], seed[0], &r[0], &n);
	if (!line || grid_line_parse(line, n, version[1], cell[1], &seed[1], &r[1]) < 0)
		abort();
	if (seed[0] != seed[1] || strcmp(cell[0], cell[1]) != 0 ||
	    memcmp(&r[0], &r[1], sizeof(r[0])))
		abort();
	free(line);
	return 0;
}
