/* SPDX-License-Identifier: BSD-2-Clause */
/* Tools that run as tasks. */
#include "proto/netops/mcp/fixture_priv.h"

#include <stdlib.h>

#define CONFIRM(text)                                                                              \
	"{\"message\":\"" text                                                                     \
	"\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"confirm\":{\"type\":"       \
	"\"boolean\"}},\"required\":[\"confirm\"]}}"

static void greet(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	const char *name = yyjson_get_str(yyjson_obj_get(args, "name"));

	mcp_text(r, false, "Hello, %s!", name ? name : "world");
}

static bool computed(struct mcp_req *r, unsigned n)
{
	mcp_text(r, false, "Computed");
	return false;
}

static void slow_compute(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	double seconds = yyjson_get_num(yyjson_obj_get(args, "seconds"));

	if (seconds <= 0) {
		mcp_text(r, false, "Computed");
		return;
	}
	mcp_task(r);
	fixture_steps(ctx, r, (unsigned)(seconds * 1000), computed);
}

static bool failed(struct mcp_req *r, unsigned n)
{
	mcp_text(r, true, "The job failed");
	return false;
}

static void failing_job(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	fixture_steps(ctx, r, 1000, failed);
}

static bool broken(struct mcp_req *r, unsigned n)
{
	mcp_error(r, -32603, NULL, NULL, "The job broke");
	return false;
}

static void protocol_error_job(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	mcp_task(r);
	fixture_steps(ctx, r, 50, broken);
}

static void confirm_delete(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	yyjson_val *answer;

	mcp_task(r);
	answer = mcp_answer(r, "confirm");
	if (answer)
		mcp_text(
			r, false, "%s",
			yyjson_is_true(yyjson_obj_get(yyjson_obj_get(answer, "content"), "confirm"))
				? "Deleted"
				: "Left as it was");
	else if (fixture_ask(r, "confirm", "elicitation/create", CONFIRM("Really delete?")) == 0)
		mcp_wait(r);
	else
		mcp_missing(r, "elicitation");
}

static void multi_input(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	mcp_task(r);
	if (mcp_answer(r, "first") && mcp_answer(r, "second"))
		mcp_text(r, false, "Both are answered");
	else if (fixture_ask(r, "first", "elicitation/create", CONFIRM("The first?")) == 0 &&
		 fixture_ask(r, "second", "elicitation/create", CONFIRM("The second?")) == 0)
		mcp_wait(r);
	else
		mcp_missing(r, "elicitation");
}

static bool greeted(struct mcp_req *r, unsigned n)
{
	const char *name = yyjson_get_str(
		yyjson_obj_get(yyjson_obj_get(mcp_answer(r, "user_name"), "content"), "name"));

	mcp_text(r, false, "Hello, %s!", name ? name : "nobody");
	return false;
}

static void tool_with_task(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	static const char form[] =
		"{\"message\":\"What is your "
		"name?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{"
		"\"name\":{\"type\":\"string\"}},\"required\":[\"name\"]}}";

	if (mcp_answer(r, "user_name")) {
		mcp_task(r);
		fixture_steps(ctx, r, 50, greeted);
	} else if (fixture_ask(r, "user_name", "elicitation/create", form) == 0)
		mcp_wait(r);
	else
		mcp_missing(r, "elicitation");
}

int fixture_add_tasks(struct fixture *f, struct err *err)
{
	static const char name[] =
		"{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}}}";
	static const char seconds[] = "{\"type\":\"object\",\"properties\":{\"seconds\":{\"type\":"
				      "\"number\",\"minimum\":0,"
				      "\"maximum\":3600},\"label\":{\"type\":\"string\"}}}";
	static const char any[] = "{\"type\":\"object\"}";
	const struct mcp_tool tool[] = {
		{.name = "greet", .description = "Greets at once", .input = name, .call = greet},
		{.name = "slow_compute",
		 .description = "Takes its time",
		 .input = seconds,
		 .task = MCP_TASK_OPTIONAL,
		 .call = slow_compute},
		{.name = "failing_job",
		 .description = "Fails after a second",
		 .input = any,
		 .task = MCP_TASK_REQUIRED,
		 .call = failing_job},
		{.name = "protocol_error_job",
		 .description = "Ends with a protocol error",
		 .input = any,
		 .task = MCP_TASK_OPTIONAL,
		 .call = protocol_error_job},
		{.name = "confirm_delete",
		 .description = "Asks in its task",
		 .input = any,
		 .task = MCP_TASK_OPTIONAL,
		 .call = confirm_delete},
		{.name = "multi_input",
		 .description = "Asks two things in its task",
		 .input = any,
		 .task = MCP_TASK_OPTIONAL,
		 .call = multi_input},
		{.name = "test_tool_with_task",
		 .description = "Asks, then runs as a task",
		 .input = any,
		 .task = MCP_TASK_REQUIRED,
		 .call = tool_with_task},
	};
	struct mcp_tool t;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(tool) / sizeof(tool[0]); i++) {
		t = tool[i];
		t.ctx = f;
		rc = mcp_tool_add(f->m, &t, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
