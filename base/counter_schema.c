/* SPDX-License-Identifier: BSD-2-Clause */
/* The YANG modules of a room: compiled into one schema, listed by hello, handed out by schema.get.
 */
#include "base/config_ly.h"
#include "base/counter_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- compiling --- */

static const struct counter_module *find(const struct counter_module *m, const char *name,
					 const char *revision)
{
	for (; m && m->name; m++) {
		if (strcmp(m->name, name) != 0)
			continue;
		if (!revision || !m->revision || strcmp(m->revision, revision) == 0)
			return m;
	}
	return NULL;
}

/* libyang asks for a module that another one imports. */
static LY_ERR on_import(const char *name, const char *revision, const char *submodule,
			const char *submodule_revision, void *modules, LYS_INFORMAT *format,
			const char **text, ly_module_imp_data_free_clb *release)
{
	const struct counter_module *m = submodule ? NULL : find(modules, name, revision);

	if (!m || !m->text)
		return LY_ENOTFOUND;
	*format = LYS_IN_YANG;
	*text = m->text;
	*release = NULL;
	return LY_SUCCESS;
}

static LY_ERR implement(struct ly_ctx *ctx, const struct counter_module *m)
{
	const char **features = (const char **)m->features;
	struct lys_module *out = NULL;
	struct ly_in *in = NULL;
	LY_ERR rc;

	/* One that an earlier one imported is there already. */
	if (!m->text || ly_ctx_get_module_latest(ctx, m->name))
		return ly_ctx_load_module(ctx, m->name, m->revision, features) ? LY_SUCCESS
									       : LY_EINVAL;
	rc = ly_in_new_memory(m->text, &in);
	if (rc == LY_SUCCESS)
		rc = lys_parse(ctx, in, LYS_IN_YANG, features, &out);
	ly_in_free(in, 0);
	return rc;
}

struct config_schema *counter_schema_new(const char *name, const struct counter_module *modules,
					 struct err *err)
{
	struct config_schema *s = config_schema_empty(name, err);
	const struct counter_module *m = modules;
	LY_ERR rc = LY_SUCCESS;
	struct ly_ctx *ctx;

	if (!s)
		return NULL;
	ctx = config_ly_ctx(s);
	ly_ctx_set_module_imp_clb(ctx, on_import, (void *)modules);
	for (; m->name && rc == LY_SUCCESS; m++) {
		if (m->implemented)
			rc = implement(ctx, m);
		if (rc != LY_SUCCESS)
			config_ly_err(ctx, m->name, "correct the YANG module", err);
	}
	ly_ctx_set_module_imp_clb(ctx, NULL, NULL);
	if (rc == LY_SUCCESS && config_schema_own(s, name, err) == 0)
		return s;
	config_schema_free(s);
	return NULL;
}

/* --- telling --- */

static void list_module(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct counter_module *m,
			const char *revision)
{
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);
	const char *const *f = m->features;
	yyjson_mut_val *features;

	yyjson_mut_obj_add_str(doc, o, "name", m->name);
	yyjson_mut_obj_add_str(doc, o, "revision", revision ? revision : "");
	features = json_add_arr(doc, o, "features");
	for (; f && *f; f++)
		yyjson_mut_arr_add_str(doc, features, *f);
	yyjson_mut_obj_add_bool(doc, o, "implemented", m->implemented);
	yyjson_mut_obj_add_bool(doc, o, "config", m->config);
}

void counter_list_modules(struct counter *c, yyjson_mut_doc *doc, yyjson_mut_val *list)
{
	const struct ly_ctx *ctx = config_schema_ctx(c->room.schema);
	const struct counter_module *m = c->room.modules;
	struct counter_module own = {.implemented = true, .config = c->room.apply != NULL};

	if (!m) {
		own.name = config_schema_name(c->room.schema);
		list_module(doc, list, &own, config_schema_revision(c->room.schema));
		return;
	}
	for (; m->name; m++) {
		const struct lys_module *mod = ly_ctx_get_module_latest(ctx, m->name);

		list_module(doc, list, m, m->revision || !mod ? m->revision : mod->revision);
	}
}

const struct lys_module *counter_module_of(const struct counter *c, const char **name)
{
	const struct ly_ctx *ctx = config_schema_ctx(c->room.schema);
	const char *own = config_schema_name(c->room.schema);
	const char *colon = strchr(*name, ':');
	char module[64];

	if (!colon)
		return ly_ctx_get_module_implemented(ctx, own);
	if ((size_t)(colon - *name) >= sizeof(module))
		return NULL;
	snprintf(module, sizeof(module), "%.*s", (int)(colon - *name), *name);
	if (strcmp(module, own) != 0 && !find(c->room.modules, module, NULL))
		return NULL;
	*name = colon + 1;
	return ly_ctx_get_module_implemented(ctx, module);
}

int counter_do_schema_get(struct counter *c, struct request *r, struct err *err)
{
	const char *name = yyjson_get_str(request_param(r, "module"));
	yyjson_val *v = request_param(r, "revision");
	const char *revision = yyjson_get_str(v);
	const struct counter_module *m;
	const char *text = NULL;

	r->code = RPC_PARAMS;
	if (!name || (v && !revision)) {
		err_set(err, -EINVAL, "%s is not a text", name ? "revision" : "module");
		err_mend(err, "send {\"module\": \"name\", \"revision\": \"2026-01-31\"}");
		return -EINVAL;
	}
	m = find(c->room.modules, name, revision);
	if (m)
		text = m->text;
	else if (!c->room.modules && strcmp(name, config_schema_name(c->room.schema)) == 0 &&
		 (!revision || strcmp(revision, config_schema_revision(c->room.schema)) == 0))
		text = config_schema_text(c->room.schema);
	r->code = RPC_REFUSED;
	if (!text || !*text) {
		err_set(err, -ENOENT, "%s has no source of YANG module %.60s", c->room.name, name);
		err_mend(err, m ? "it is a well-known module; take it from its publisher"
				: "hello lists the modules and revisions there are");
		return -ENOENT;
	}
	yyjson_mut_obj_add_str(r->doc, r->result, "text", text);
	return 0;
}
