/* SPDX-License-Identifier: BSD-2-Clause */
/* resources/list, resources/templates/list and resources/read. */
#include "proto/netops/mcp/mcp_priv.h"

void mcp_rpc_resources_list(struct mcp_req *r)
{
	mcp_list(r, MCP_K_RESOURCE, "resources");
}

void mcp_rpc_templates_list(struct mcp_req *r)
{
	mcp_list(r, MCP_K_TEMPLATE, "resourceTemplates");
}

struct mcp_entry *mcp_resource_match(struct mcp_req *r, const char *uri)
{
	const struct mcp_registry *reg = &r->m->reg[MCP_K_TEMPLATE];
	struct mcp_entry *e = mcp_find(r->m, MCP_K_RESOURCE, uri, strlen(uri));
	size_t i;

	r->n_vars = 0;
	if (e)
		return mcp_visible(e, &r->who, uri) ? e : NULL;
	for (i = 0; i < reg->n; i++) {
		e = reg->at[i];
		if (mcp_template_match(e->template.uri_template, uri, &r->arena, &r->var,
				       &r->n_vars) &&
		    mcp_visible(e, &r->who, uri))
			return e;
	}
	return NULL;
}

void mcp_rpc_resources_read(struct mcp_req *r)
{
	const char *uri = yyjson_get_str(r->name);
	struct mcp_entry *e;
	unsigned scope;

	if (!uri || strlen(uri) != yyjson_get_len(r->name) || strlen(uri) > 2048) {
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL,
			 "Invalid params: uri is missing or no URI");
		return;
	}
	e = mcp_resource_match(r, uri);
	if (!e) {
		mcp_no_resource(r, uri);
		return;
	}
	scope = e->kind == MCP_K_RESOURCE ? e->resource.scope : e->template.scope;
	if (scope & ~r->who.scopes) {
		mcp_fail_scope(r, scope);
		return;
	}
	r->uri = uri;
	e->refs++;
	r->entry = e;
	if (!mcp_take_responses(r))
		return;
	mcp_req_call(r);
}
