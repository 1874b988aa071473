/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests: reads lines "[schema, instance, …]" and prints for each the verdicts, one a character:
 * 1 valid, 0 not, b the budget is used up; or "E: reason" where the schema is refused. With -v the
 * reasons follow, one a line. */
#include "base/json.h"
#include "base/json_schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void verdicts(yyjson_val *line, bool verbose)
{
	struct err err = {0};
	size_t len = 0;
	char *text = yyjson_val_write(yyjson_arr_get_first(line), YYJSON_WRITE_NOFLAG, &len);
	struct json_schema *s = json_schema_new(text, len, &err);
	size_t i;

	free(text);
	if (!s) {
		printf("E: %s\n", err.what);
		return;
	}
	for (i = 1; i < yyjson_arr_size(line); i++) {
		int rc = json_schema_check(s, yyjson_arr_get(line, i), &err);

		printf("%c", rc == 0 ? '1' : rc == -E2BIG ? 'b' : '0');
		if (rc && verbose)
			printf(" %s: %s (%s)\n", err.where, err.what, err.mend);
	}
	printf("\n");
	json_schema_free(s);
}

int main(int argc, char **argv)
{
	bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	size_t cap = 0;
	char *line = NULL;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		yyjson_doc *doc = yyjson_read(line, (size_t)n, 0);

		if (!doc)
			printf("E: not JSON\n");
		else
			verdicts(yyjson_doc_get_root(doc), verbose);
		yyjson_doc_free(doc);
		fflush(stdout);
	}
	free(line);
	return 0;
}
