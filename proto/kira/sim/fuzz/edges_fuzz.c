/* SPDX-License-Identifier: BSD-2-Clause */
/* Edge lists: the first byte chooses whether a graph is asked for by name. What is accepted must be a graph as graph.h
 * promises. */
#include "proto/kira/sim/graph.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct graph g;
	struct err err;
	uint32_t i;

	if (size == 0)
		return 0;
	if (graph_parse(&g, slice_of(data + 1, size - 1), data[0] == 'n' ? "b" : NULL, "fuzz", &err) < 0)
		return 0;
	for (i = 0; i < g.m; i++) {
		if (g.edge[i].u >= g.edge[i].v || g.edge[i].v >= g.n)
			abort();
	}
	if (g.first[g.n] != 2 * g.m || graph_largest(&g, NULL) < 0)
		abort();
	graph_free(&g);
	return 0;
}
