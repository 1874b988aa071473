/* SPDX-License-Identifier: BSD-2-Clause */
/* A URI, and on the next line a path: matching ends, is symmetric where it should be, and a count
 * is in its bounds. */
#include "proto/netops/ops/uri.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char *path;
	unsigned ds;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	path = strchr(text, '\n');
	if (path)
		*path++ = '\0';
	else
		path = text + strlen(text);
	if (uri_last(text) > URI_LAST_MAX || uri_last_of(text, "network:///audit/") > URI_LAST_MAX)
		abort();
	if (uri_paths_touch(text, path) != uri_paths_touch(path, text))
		abort();
	for (ds = DS_RUNNING; ds <= DS_OPERATIONAL; ds++)
		uri_touched(text, (enum datastore)ds, path);
	free(text);
	return 0;
}
