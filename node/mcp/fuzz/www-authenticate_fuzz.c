/* SPDX-License-Identifier: BSD-2-Clause */
/* WWW-Authenticate: whatever it says, what is read fits and is text. */
#include "node/mcp/challenge.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void text(const char *s, size_t size)
{
	size_t n = strnlen(s, size);
	size_t i;

	if (n == size)
		abort();
	for (i = 0; i < n; i++) {
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct challenge c;

	challenge_parse((const char *)data, size, &c);
	text(c.resource_metadata, sizeof(c.resource_metadata));
	text(c.scope, sizeof(c.scope));
	text(c.error, sizeof(c.error));
	if (c.has_scope && !c.bearer)
		abort();
	return 0;
}
