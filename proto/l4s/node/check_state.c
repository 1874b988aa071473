/* SPDX-License-Identifier: BSD-2-Clause */
/* l4s-check-state: for tests. Reads lines, each a JSON object of state, or of a notification after
 * the word "event", and checks them against l4s.yang. Exit status 0: all fit. */
#include "base/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char l4s_yang[];

int main(void)
{
	struct err err = {0};
	struct config_schema *s = config_schema_new("l4s", l4s_yang, &err);
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int rc = s ? 0 : -1;
	int lines = 0;

	while (rc == 0 && (n = getline(&line, &cap, stdin)) > 0) {
		if (strncmp(line, "event ", 6) == 0)
			rc = config_check_event(s, line + 6, (size_t)n - 6, &err);
		else
			rc = config_check_state(s, NULL, line, (size_t)n, &err);
		lines++;
	}
	if (rc != 0)
		err_print(&err, "l4s-check-state", stderr);
	else
		printf("%d\n", lines);
	free(line);
	config_schema_free(s);
	return rc != 0 || lines == 0;
}
