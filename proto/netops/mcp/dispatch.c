/* SPDX-License-Identifier: BSD-2-Clause */
/* Methods: which eras have them, and where the name stands that Mcp-Name mirrors. */
#include "proto/netops/mcp/mcp_priv.h"

#include <stdlib.h>

/* In the order of their names. */
static const struct mcp_method methods[] = {
	{.name = "completion/complete", .legacy = true, .modern = true, .serve = mcp_rpc_complete},
	{.name = "initialize", .legacy = true, .serve = mcp_rpc_initialize},
	{.name = "logging/setLevel", .legacy = true, .serve = mcp_rpc_set_level},
	{.name = "ping", .legacy = true, .serve = mcp_rpc_ping},
	{.name = "prompts/get",
	 .legacy = true,
	 .modern = true,
	 .name_param = "name",
	 .serve = mcp_rpc_prompts_get},
	{.name = "prompts/list", .legacy = true, .modern = true, .serve = mcp_rpc_prompts_list},
	{.name = "resources/list", .legacy = true, .modern = true, .serve = mcp_rpc_resources_list},
	{.name = "resources/read",
	 .legacy = true,
	 .modern = true,
	 .name_param = "uri",
	 .serve = mcp_rpc_resources_read},
	{.name = "resources/subscribe", .legacy = true, .serve = mcp_rpc_subscribe},
	{.name = "resources/templates/list",
	 .legacy = true,
	 .modern = true,
	 .serve = mcp_rpc_templates_list},
	{.name = "resources/unsubscribe", .legacy = true, .serve = mcp_rpc_unsubscribe},
	{.name = "server/discover", .modern = true, .serve = mcp_rpc_discover},
	{.name = "subscriptions/listen", .modern = true, .serve = mcp_rpc_listen},
	{.name = "tasks/cancel",
	 .legacy = true,
	 .modern = true,
	 .tasks = true,
	 .name_param = "taskId",
	 .serve = mcp_rpc_tasks_cancel},
	{.name = "tasks/get",
	 .legacy = true,
	 .modern = true,
	 .tasks = true,
	 .name_param = "taskId",
	 .serve = mcp_rpc_tasks_get},
	{.name = "tasks/list", .legacy = true, .tasks = true, .serve = mcp_rpc_tasks_list},
	{.name = "tasks/result",
	 .legacy = true,
	 .tasks = true,
	 .name_param = "taskId",
	 .serve = mcp_rpc_tasks_result},
	{.name = "tasks/update",
	 .modern = true,
	 .tasks = true,
	 .name_param = "taskId",
	 .serve = mcp_rpc_tasks_update},
	{.name = "tools/call",
	 .legacy = true,
	 .modern = true,
	 .name_param = "name",
	 .serve = mcp_rpc_tools_call},
	{.name = "tools/list", .legacy = true, .modern = true, .serve = mcp_rpc_tools_list},
};

static int by_name(const void *a, const void *b)
{
	return strcmp(a, ((const struct mcp_method *)b)->name);
}

const struct mcp_method *mcp_method_find(const char *name, size_t n)
{
	if (strlen(name) != n)
		return NULL;
	return bsearch(name, methods, sizeof(methods) / sizeof(methods[0]), sizeof(methods[0]),
		       by_name);
}
