/* SPDX-License-Identifier: BSD-2-Clause */
/* completion/complete: names of the schema and keys of what is there, as far as the asking one may
 * see them. */
#include "proto/netops/ops/face.h"
#include "proto/netops/ops/uri.h"

#include <stdlib.h>
#include <string.h>

#define MAX_VALUES 100

struct completing {
	struct mcp_req *r;
	const char *head; /* of what was typed, which the values go behind */
	size_t head_n;
};

static void value(void *ctx, const char *text)
{
	struct completing *k = ctx;
	char whole[1024];

	if (snprintf(whole, sizeof(whole), "%.*s%s", (int)k->head_n, k->head, text) <
	    (int)sizeof(whole))
		mcp_complete_value(k->r, whole);
}

/* The datastore completes the last name or key; the client wants the whole value. */
static size_t head_length(const char *typed)
{
	const char *slash = strrchr(typed, '/');
	const char *equals = strchr(slash ? slash : typed, '=');
	const char *head = equals ? equals + 1 : slash ? slash + 1 : typed;

	return (size_t)(head - typed);
}

static bool may_complete(struct face *f, struct mcp_req *r)
{
	const struct ops_origin from = {
		.by = mcp_principal(r), .era = mcp_era_name(mcp_era(r)), .method = "completion/complete"};
	struct neterr e = {0};
	bool may = ops_may(f->o, &from, SCOPE_READ, false, &e) == 0;

	neterr_clear(&e);
	return may;
}

void complete_path(struct face *f, struct mcp_req *r, enum datastore ds, const char *typed)
{
	struct completing k = {.r = r, .head = typed, .head_n = head_length(typed)};
	size_t total;

	if (!may_complete(f, r)) {
		mcp_complete_end(r, 0);
		return;
	}
	if (ds == DS_OPERATIONAL)
		ds = DS_RUNNING; /* operational is the rooms'; the keys that are configured are at
				    hand */
	total = store_complete(ops_store(f->o), ds, mcp_principal(r), typed, MAX_VALUES, value, &k);
	mcp_complete_end(r, total);
}

void complete_schema_path(struct face *f, struct mcp_req *r, const char *typed)
{
	complete_path(f, r, DS_RUNNING, typed);
}

void complete_words(struct mcp_req *r, const char *const *word, const char *typed)
{
	size_t total = 0;

	for (; *word; word++) {
		if (strncmp(*word, typed, strlen(typed)) != 0)
			continue;
		mcp_complete_value(r, *word);
		total++;
	}
	mcp_complete_end(r, total);
}

/* ---- Interfaces: those of the kernel, not of the configuration alone ---- */

static void got_interfaces(void *ctx, struct slice json, struct neterr *e)
{
	struct call *c = ctx;
	const char *typed = c->own;
	yyjson_doc *doc = e ? NULL : yyjson_read((const char *)json.p, json.n, 0);
	yyjson_val *top = yyjson_obj_get(yyjson_doc_get_root(doc), "ietf-interfaces:interfaces");
	size_t total = 0;
	size_t max;
	size_t i;
	yyjson_val *v;

	yyjson_arr_foreach(yyjson_obj_get(top, "interface"), i, max, v)
	{
		const char *name = yyjson_get_str(yyjson_obj_get(v, "name"));

		if (!c->r || !name || strncmp(name, typed, strlen(typed)) != 0)
			continue;
		if (total++ < MAX_VALUES)
			mcp_complete_value(c->r, name);
	}
	yyjson_doc_free(doc);
	if (c->r) {
		struct mcp_req *r = call_end(c);

		mcp_complete_end(r, total);
	} else {
		call_end(c);
	}
}

void complete_interface(struct face *f, struct mcp_req *r, const char *typed)
{
	const struct store_query q = {.path = "ietf-interfaces:interfaces"};
	struct call *c = call_new(f, r, "completion/complete", NULL, NULL);

	if (!c)
		return;
	c->own = strdup(typed);
	ops_get(f->o, &c->from, DS_OPERATIONAL, NULL, &q, got_interfaces, c);
}

/* ---- Modules ---- */

static bool any_visible(struct face *f, const struct principal *p, const struct lys_module *mod)
{
	const struct lysc_node *n;

	for (n = mod->compiled ? mod->compiled->data : NULL; n; n = n->next) {
		if (nacm_schema(ops_nacm(f->o), p, NACM_READ, n))
			return true;
	}
	return mod->compiled && !mod->compiled->data;
}

void complete_module(struct face *f, struct mcp_req *r, const char *typed)
{
	const struct lys_module *mod;
	uint32_t i = 0;
	size_t total = 0;

	if (!may_complete(f, r)) {
		mcp_complete_end(r, 0);
		return;
	}
	while ((mod = ly_ctx_get_module_iter(schema_ctx(ops_schema(f->o)), &i))) {
		if (!mod->implemented || strncmp(mod->name, typed, strlen(typed)) != 0 ||
		    !any_visible(f, mcp_principal(r), mod))
			continue;
		if (total++ < MAX_VALUES)
			mcp_complete_value(r, mod->name);
	}
	mcp_complete_end(r, total);
}
