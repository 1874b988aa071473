/* SPDX-License-Identifier: BSD-2-Clause */
/* What the node says of itself in capabilities.network (spec §2.1). */
#include "proto/netops/ops/ops_priv.h"

#include <stdlib.h>

char *ops_capability(const struct ops *o)
{
	static const char *const datastores[] = {"running", "candidate", "startup", "operational"};
	static const char *const streams[] = {"syslog", "netconf-stream"};
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *obj = yyjson_mut_obj(doc);
	yyjson_mut_val *modules;
	const struct lys_module *m;
	uint32_t i = 0;
	char *text;

	yyjson_mut_doc_set_root(doc, obj);
	modules = json_add_arr(doc, obj, "yangModules");
	while ((m = ly_ctx_get_module_iter(schema_ctx(o->schema), &i))) {
		char name[128];

		if (!m->implemented || !m->compiled || !m->compiled->data)
			continue;
		snprintf(name, sizeof(name), "%s%s%s", m->name, m->revision ? "@" : "", m->revision ? m->revision : "");
		yyjson_mut_arr_add_strcpy(doc, modules, name);
	}
	yyjson_mut_obj_add_str(doc, obj, "cliDialect", "depanneur");
	yyjson_mut_obj_add_val(doc, obj, "configDatastore", yyjson_mut_arr_with_str(doc, (const char **)datastores, 4));
	yyjson_mut_obj_add_val(doc, obj, "notificationStream", yyjson_mut_arr_with_str(doc, (const char **)streams, 2));
	yyjson_mut_obj_add_uint(doc, obj, "maxBulkEdit", OPS_MAX_EDIT);
	yyjson_mut_obj_add_bool(doc, obj, "supportsRollback", true);
	yyjson_mut_obj_add_uint(doc, obj, "rollbackTimeout", TXN_MAX_CONFIRMED);
	yyjson_mut_obj_add_strcpy(doc, obj, "yangLibraryContentId", schema_content_id(o->schema));
	text = yyjson_mut_write(doc, 0, NULL);
	yyjson_mut_doc_free(doc);
	return text;
}
