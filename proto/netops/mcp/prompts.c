/* SPDX-License-Identifier: BSD-2-Clause */
/* prompts/list, prompts/get, and completion/complete of their arguments and of URI templates. */
#include "proto/netops/mcp/mcp_priv.h"

#define MAX_VALUES 100

void mcp_rpc_prompts_list(struct mcp_req *r)
{
	mcp_list(r, MCP_K_PROMPT, "prompts");
}

/* Arguments are strings, those that are required are there. */
static bool arguments_ok(struct mcp_req *r)
{
	const struct mcp_prompt_arg *a;
	yyjson_obj_iter it;
	yyjson_val *key;

	if (!yyjson_obj_iter_init(r->args, &it)) {
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL,
			 "Invalid params: arguments is not an object");
		return false;
	}
	while ((key = yyjson_obj_iter_next(&it))) {
		if (yyjson_is_str(yyjson_obj_iter_get_val(key)))
			continue;
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL,
			 "Invalid params: argument %.64s is not a string", yyjson_get_str(key));
		return false;
	}
	for (a = r->entry->prompt.arg; a && a->name; a++) {
		if (!a->required || yyjson_obj_get(r->args, a->name))
			continue;
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL, "Invalid params: argument %s is missing",
			 a->name);
		return false;
	}
	return true;
}

void mcp_rpc_prompts_get(struct mcp_req *r)
{
	if (!r->name || !r->entry) {
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL, "Unknown prompt: %.128s",
			 r->name ? yyjson_get_str(r->name) : "");
		return;
	}
	if (r->entry->prompt.scope & ~r->who.scopes) {
		mcp_fail_scope(r, r->entry->prompt.scope);
		return;
	}
	if (arguments_ok(r) && mcp_take_responses(r))
		mcp_req_call(r);
}

/* ---- completion ---- */

static struct mcp_entry *referred(struct mcp_req *r, yyjson_val *ref)
{
	yyjson_val *type = yyjson_obj_get(ref, "type");
	bool prompt = yyjson_equals_str(type, "ref/prompt");
	yyjson_val *key = yyjson_obj_get(ref, prompt ? "name" : "uri");
	struct mcp_entry *e;
	unsigned scope;

	if ((!prompt && !yyjson_equals_str(type, "ref/resource")) || !yyjson_is_str(key))
		return NULL;
	e = mcp_find(r->m, prompt ? MCP_K_PROMPT : MCP_K_TEMPLATE, yyjson_get_str(key),
		     yyjson_get_len(key));
	if (!e || !mcp_visible(e, &r->who, NULL))
		return NULL;
	scope = prompt ? e->prompt.scope : e->template.scope;
	return scope & ~r->who.scopes ? NULL : e;
}

void mcp_rpc_complete(struct mcp_req *r)
{
	yyjson_val *argument = yyjson_obj_get(r->params, "argument");
	yyjson_val *context = yyjson_obj_get(r->params, "context");
	const char *name = yyjson_get_str(yyjson_obj_get(argument, "name"));
	const char *value = yyjson_get_str(yyjson_obj_get(argument, "value"));
	struct mcp_entry *e = referred(r, yyjson_obj_get(r->params, "ref"));

	if (!e || !name || !value || (context && !yyjson_is_obj(context))) {
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL, "Invalid params: %s",
			 e ? "argument is {name, value}" : "ref names no prompt or template");
		return;
	}
	e->refs++;
	r->entry = e;
	r->complete_name = name;
	r->complete_value = value;
	r->complete_context = yyjson_obj_get(context, "arguments");
	if (e->kind == MCP_K_PROMPT ? !e->prompt.complete : !e->template.complete)
		mcp_complete_end(r, 0);
	else
		mcp_req_call(r);
}

void mcp_complete_value(struct mcp_req *r, const char *value)
{
	if (!r->values)
		r->values = mcp_arena_get(&r->arena, MAX_VALUES * sizeof(*r->values));
	if (!r->values || r->n_values == MAX_VALUES)
		return;
	r->values[r->n_values] = mcp_arena_text(&r->arena, value, strlen(value));
	if (r->values[r->n_values])
		r->n_values++;
}

void mcp_complete_end(struct mcp_req *r, size_t total)
{
	struct buf *b = mcp_result_begin(r);
	size_t i;

	if (total < r->n_values)
		total = r->n_values;
	OUT_LIT(b, "\"completion\":{\"values\":[");
	for (i = 0; i < r->n_values; i++) {
		if (i > 0)
			buf_u8(b, ',');
		mcp_out_str(b, r->values[i]);
	}
	buf_printf(b, "],\"total\":%zu,\"hasMore\":%s}", total,
		   total > r->n_values ? "true" : "false");
	mcp_result_end(r, false);
}
