/* SPDX-License-Identifier: BSD-2-Clause */
/* Any line: it is one of the commands or refused with a reason; no byte that a shell would act on
 * gets through. */
#include "proto/netops/ops/cli.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct cli *c, const char *part)
{
	if (part && (part < c->text || part >= c->text + sizeof(c->text) ||
		     strpbrk(part, ";|&$`><\n\r\x1b")))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {0};
	struct cli c;
	int rc = cli_exec(&c, (const char *)data, size, &err);

	if (rc ? err.what[0] == '\0' : c.what == CLI_SET || c.what == CLI_DELETE)
		abort();
	if (!rc) {
		check(&c, c.a);
		check(&c, c.b);
	}
	rc = cli_configure(&c, (const char *)data, size, &err);
	if (rc ? err.what[0] == '\0' : !c.a || (c.what != CLI_SET && c.what != CLI_DELETE))
		abort();
	if (!rc) {
		check(&c, c.a);
		check(&c, c.b);
	}
	return 0;
}
