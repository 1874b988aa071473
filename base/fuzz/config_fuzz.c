/* SPDX-License-Identifier: BSD-2-Clause */
/* Any text as the configuration of room kira: it is refused with a reason, or it is valid, prints
 * as a configuration that is the same, and differs from the defaults by what a diff says. */
#include "base/config.h"

#include <stdlib.h>
#include <string.h>

extern const char kira_yang[];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config *parse(const struct config_schema *s, const char *text, size_t n)
{
	struct err err = {0};
	struct config *c = config_parse(s, text, n, "input", &err);

	if (!c && (err.code >= 0 || err.what[0] == '\0'))
		abort();
	return c;
}

static void check_same(const struct config_schema *s, const struct config *c, bool defaults)
{
	char *text = config_print(c, defaults);
	struct config *again;
	struct config_diff diff;

	if (!text)
		abort();
	again = parse(s, text, strlen(text));
	if (!again || config_diff(c, again, &diff) != 0 || diff.n != 0)
		abort();
	config_diff_free(&diff);
	config_free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config_schema *s;
	static struct config *defaults;
	struct config_diff diff;
	struct config *c;

	if (!s) {
		s = config_schema_new("kira", kira_yang, NULL);
		defaults = s ? parse(s, "{}", 2) : NULL;
		if (!defaults)
			abort();
	}
	c = parse(s, (const char *)data, size);
	if (!c)
		return 0;
	check_same(s, c, false);
	check_same(s, c, true);
	if (config_diff(defaults, c, &diff) != 0)
		abort();
	config_diff_free(&diff);
	config_free(c);
	return 0;
}
