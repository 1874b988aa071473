/* SPDX-License-Identifier: BSD-2-Clause */
/* tools/list and tools/call. */
#include "proto/netops/mcp/mcp_priv.h"

#include <errno.h>

void mcp_rpc_tools_list(struct mcp_req *r)
{
	mcp_list(r, MCP_K_TOOL, "tools");
}

void mcp_fail_tool(struct mcp_req *r, const char *text)
{
	if (r->method && r->method->serve == mcp_rpc_tools_call)
		mcp_text(r, true, "%s", text);
	else
		mcp_fail(r, 200, MCP_INTERNAL, NULL, "%s", text);
}

static bool arguments_ok(struct mcp_req *r)
{
	struct err err = {0};

	if (!yyjson_is_obj(r->args)) {
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL,
			 "Invalid params: arguments is not an object");
		return false;
	}
	if (json_schema_check(r->entry->schema, r->args, &err) == 0)
		return true;
	/* From 2025-11-25 on the model is to see what it did wrong. */
	if (r->era == MCP_2025_06_18)
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL, "Invalid params: arguments%s: %s",
			 err.where, err.what);
	else
		mcp_text(r, true, "Invalid arguments for %s: %s%s%s", r->entry->tool.name,
			 err.where, err.where[0] ? ": " : "", err.what);
	return false;
}

/* 2025-11-25: the client says whether it wants a task. Returns the time to live, 0: no task, -1:
 * answered. */
static int64_t legacy_task(struct mcp_req *r)
{
	yyjson_val *task = yyjson_obj_get(r->params, "task");
	yyjson_val *ttl = yyjson_obj_get(task, "ttl");
	enum mcp_task_support support = r->entry->tool.task;

	if (r->era != MCP_2025_11_25)
		return 0;
	if (task && support == MCP_TASK_FORBIDDEN) {
		mcp_fail(r, 200, MCP_NO_METHOD, NULL, "%s cannot run as a task",
			 r->entry->tool.name);
		return -1;
	}
	if (!task && support == MCP_TASK_REQUIRED) {
		mcp_fail(r, 200, MCP_NO_METHOD, NULL, "%s runs only as a task",
			 r->entry->tool.name);
		return -1;
	}
	if (!task)
		return 0;
	if (!yyjson_is_obj(task) || (ttl && !yyjson_is_uint(ttl))) {
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL,
			 "Invalid params: task is {ttl?: milliseconds}");
		return -1;
	}
	return ttl && yyjson_get_uint(ttl) < MCP_TASK_TTL ? (int64_t)yyjson_get_uint(ttl) + 1
							  : MCP_TASK_TTL;
}

void mcp_rpc_tools_call(struct mcp_req *r)
{
	const struct mcp_tool *t;
	unsigned missing;
	int64_t ttl;

	if (!r->name) {
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL, "Invalid params: name is missing");
		return;
	}
	if (!r->entry) {
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL, "Unknown tool: %.128s",
			 yyjson_get_str(r->name));
		return;
	}
	t = &r->entry->tool;
	missing = t->scope & ~r->who.scopes;
	if (missing) {
		mcp_fail_scope(r, t->scope);
		return;
	}
	if (!arguments_ok(r) || !mcp_take_responses(r))
		return;
	if (r->era == MCP_2026_07_28 && t->task == MCP_TASK_REQUIRED &&
	    !mcp_capable(r->caps, "extensions." MCP_TASKS_EXTENSION)) {
		mcp_missing(r, "extensions." MCP_TASKS_EXTENSION);
		return;
	}
	ttl = legacy_task(r);
	if (ttl < 0)
		return;
	if (ttl > 0 && mcp_task_begin(r, ttl) < 0) {
		mcp_fail(r, 200, MCP_INTERNAL, NULL, "Too many tasks; end one, or try again later");
		return;
	}
	mcp_req_call(r);
}
