/* SPDX-License-Identifier: BSD-2-Clause */
/* Any text: it is parsed or refused with a reason, and what is parsed is within its limits and
 * reads back as written. */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_numbers(yyjson_val *v)
{
	uint64_t u = 0;
	int64_t i = 0;

	/* What is a number of both kinds is the same one. */
	if (json_get_u64(v, &u) && json_get_i64(v, &i) && u != (uint64_t)i)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {0};
	yyjson_doc *doc = json_parse((const char *)data, size, 0, "input", &err);
	yyjson_doc *again;
	yyjson_val *v;
	char *text;
	size_t max;
	size_t n;
	size_t i;

	if (!doc) {
		if (err.code >= 0 || err.what[0] == '\0' ||
		    memchr(err.where, '\0', sizeof(err.where)) == NULL)
			abort();
		return 0;
	}
	if (json_depth((const char *)data, size, JSON_MAX_DEPTH) > JSON_MAX_DEPTH)
		abort();
	check_numbers(yyjson_doc_get_root(doc));
	yyjson_arr_foreach(yyjson_doc_get_root(doc), i, max, v) check_numbers(v);
	text = yyjson_write(doc, YYJSON_WRITE_NOFLAG, &n);
	again = text ? json_parse(text, n, SIZE_MAX, NULL, NULL) : NULL;
	if (text &&
	    (!again || !yyjson_equals(yyjson_doc_get_root(doc), yyjson_doc_get_root(again))))
		abort();
	yyjson_doc_free(again);
	yyjson_doc_free(doc);
	free(text);
	return 0;
}
