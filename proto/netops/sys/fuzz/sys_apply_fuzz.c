/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps of rpc apply, as a client sends them: what is taken is written as steps again, and read as the same. */
#include "base/config.h"
#include "proto/netops/sys/step.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const char depanneur_sys_yang[];

/* The text of all steps in the input, or NULL where it is none. */
static char *through(struct config_schema *schema, const char *text, size_t n)
{
	struct err err = {0};
	struct lyd_node *input = config_rpc_input(schema, text, n, &err);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_val *list = json_add_arr(doc, json_add_obj(doc, root, "depanneur-sys:apply"), "step");
	const struct lyd_node *at;
	char *out;

	LY_LIST_FOR(input ? lyd_child(input) : NULL, at)
	{
		struct step s;
		struct step key;
		char name[96];

		if (at->schema->nodetype != LYS_LIST || step_read(at, &s, &err) != 0)
			continue;
		step_name(&s, name, sizeof(name));
		if (!memchr(name, '\0', sizeof(name)) || step_key(&s, &key) != 0)
			abort();
		step_free(&key);
		yyjson_mut_arr_append(list, step_json(&s, doc));
		step_free(&s);
	}
	out = input ? yyjson_mut_val_write(root, 0, NULL) : NULL;
	lyd_free_all(input);
	yyjson_mut_doc_free(doc);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config_schema *schema;
	struct err err = {0};
	char *once;
	char *twice;

	if (!schema)
		schema = config_schema_new("depanneur-sys", depanneur_sys_yang, &err);
	if (!schema)
		abort();
	once = through(schema, (const char *)data, size);
	twice = once ? through(schema, once, strlen(once)) : NULL;
	if (once && (!twice || strcmp(once, twice) != 0))
		abort();
	free(once);
	free(twice);
	return 0;
}
