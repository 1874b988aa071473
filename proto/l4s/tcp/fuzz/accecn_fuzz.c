/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as an AccECN option: read, or refused. What was read and is written again is the
 * same. */
#include "proto/l4s/accecn.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct accecn_counters r = {0};
	unsigned has;
	uint8_t out[11];
	size_t n;

	if (accecn_option_get(data, size, &r, &has)) {
		if (has)
			abort();
		return 0;
	}
	n = accecn_option_put(out, &r, data[0] == 174, (unsigned)(size - 2) / 3);
	if (n != size || memcmp(out, data, n))
		abort();
	if ((r.e0b | r.e1b | r.ceb) >> 24 || (unsigned)__builtin_popcount(has) != (size - 2) / 3)
		abort();
	return 0;
}
