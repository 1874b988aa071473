/* SPDX-License-Identifier: BSD-2-Clause */
/* A line of schema, then an instance: the schema is compiled or refused with a reason, the check
 * ends within its budget and says the same twice. */
#include "base/json.h"
#include "base/json_schema.h"

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
	struct json_schema *s = json_schema_new(text, n, &err);
	yyjson_doc *doc;
	int rc;

	if (!s) {
		if (err.code >= 0 || err.what[0] == '\0')
			abort();
		return 0;
	}
	doc = nl ? json_parse(nl + 1, size - n - 1, 0, NULL, NULL) : NULL;
	if (doc) {
		memset(&err, 0, sizeof(err));
		rc = json_schema_check(s, yyjson_doc_get_root(doc), &err);
		if (rc > 0 || (rc < 0 && (err.code != rc || err.what[0] == '\0')))
			abort();
		if (json_schema_check(s, yyjson_doc_get_root(doc), NULL) != rc)
			abort();
	}
	yyjson_doc_free(doc);
	json_schema_free(s);
	return 0;
}
