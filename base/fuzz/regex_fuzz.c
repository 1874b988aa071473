/* SPDX-License-Identifier: BSD-2-Clause */
/* A line of pattern, then a text: never more steps than the budget, and no memory error whatever
 * the bytes. */
#include "base/regex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *nl = size ? memchr(text, '\n', size) : NULL;
	size_t n = nl ? (size_t)(nl - text) : size;
	struct err err = {0};
	struct regex *re = regex_new(text, n, &err);
	uint64_t budget = 100000;
	int rc;

	if (!re) {
		if (err.code >= 0 || err.what[0] == '\0')
			abort();
		return 0;
	}
	rc = nl ? regex_match(re, nl + 1, size - n - 1, &budget) : 0;
	if ((rc != 0 && rc != 1 && rc != -E2BIG) || budget > 100000)
		abort();
	regex_free(re);
	return 0;
}
