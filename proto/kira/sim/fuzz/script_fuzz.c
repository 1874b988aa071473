/* SPDX-License-Identifier: BSD-2-Clause */
/* Fault scripts: whatever is accepted names only nodes that exist; whatever is not has an error for people. */
#include "proto/kira/sim/script.h"

#include <stdlib.h>

#define NODES 50

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script sc = {0};
	struct err err = {0};
	uint32_t i;
	uint32_t j;

	if (script_parse(&sc, slice_of(data, size), NODES, "fuzz", &err) < 0 && (!err.what[0] || !err.code))
		abort();
	for (i = 0; i < sc.n; i++) {
		const struct script_step *s = &sc.step[i];

		if (s->u >= NODES || s->v >= NODES || s->at < 0 || s->time < 0 || !(s->p >= 0 && s->p <= 1))
			abort();
		for (j = 0; j < s->a.n; j++) {
			if (s->a.range[j].hi >= NODES || s->a.range[j].lo > s->a.range[j].hi)
				abort();
		}
	}
	script_free(&sc);
	return 0;
}
