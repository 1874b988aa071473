/* SPDX-License-Identifier: BSD-2-Clause */
/* Tools that answer by themselves: content of every kind, logs, progress, errors, schemas, lists
 * that change. */
#include "proto/netops/mcp/fixture_priv.h"

#include <stdlib.h>

static void simple_text(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	mcp_text(r, false, "This is a simple text response for testing.");
}

static void image(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	fixture_result(r, "{\"content\":[{\"type\":\"image\",\"data\":\"" FIXTURE_PNG
			  "\",\"mimeType\":\"image/png\"}]}");
}

static void audio(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	fixture_result(r, "{\"content\":[{\"type\":\"audio\",\"data\":\"" FIXTURE_WAV
			  "\",\"mimeType\":\"audio/wav\"}]}");
}

static void embedded(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	fixture_result(r, "{\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"test://"
			  "embedded-resource\","
			  "\"mimeType\":\"text/plain\",\"text\":\"This is an embedded resource "
			  "content.\"}}]}");
}

static void mixed(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	fixture_result(
		r, "{\"content\":[{\"type\":\"text\",\"text\":\"Multiple content types test:\"},"
		   "{\"type\":\"image\",\"data\":\"" FIXTURE_PNG "\",\"mimeType\":\"image/png\"},"
		   "{\"type\":\"resource\",\"resource\":{\"uri\":\"test://mixed-content-resource\","
		   "\"mimeType\":\"application/"
		   "json\",\"text\":\"{\\\"test\\\":\\\"data\\\",\\\"value\\\":123}\"}}]}");
}

static void error_tool(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	mcp_text(r, true, "This tool intentionally returns an error for testing");
}

static void say(struct mcp_req *r, const char *text)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);

	mcp_log(r, "info", "fixture", doc, yyjson_mut_str(doc, text));
	yyjson_mut_doc_free(doc);
}

static bool logging_step(struct mcp_req *r, unsigned n)
{
	if (n == 0) {
		say(r, "Tool processing data");
		return true;
	}
	say(r, "Tool execution completed");
	mcp_text(r, false, "Three messages were logged");
	return false;
}

static void logging(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	say(r, "Tool execution started");
	fixture_steps(ctx, r, 50, logging_step);
}

static bool progress_step(struct mcp_req *r, unsigned n)
{
	mcp_progress(r, n == 0 ? 50 : 100, 100, NULL);
	if (n == 0)
		return true;
	mcp_text(r, false, "Done in two steps");
	return false;
}

static void progress(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	mcp_progress(r, 0, 100, NULL);
	fixture_steps(ctx, r, 50, progress_step);
}

static bool reconnection_step(struct mcp_req *r, unsigned n)
{
	mcp_text(r, false, "The answer came over another connection");
	return false;
}

static void reconnection(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	mcp_hang_up(r);
	fixture_steps(ctx, r, 100, reconnection_step);
}

static void echo(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	mcp_text(r, false, "%s", yyjson_get_str(yyjson_obj_get(args, "x")));
}

static void schema_tool(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	char *text = fixture_text(args);

	mcp_text(r, false, "%s", text);
	free(text);
}

static void header_tool(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	const char *region = yyjson_get_str(yyjson_obj_get(args, "region"));

	mcp_text(r, false, "region=%s", region ? region : "none");
}

static void trigger_tool_change(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	struct fixture *f = ctx;
	struct mcp_tool t = {.name = "test_changed_tool",
			     .description = "Comes and goes",
			     .read_only = true,
			     .call = simple_text};
	struct err err;

	f->extra_tool = !f->extra_tool;
	if (f->extra_tool)
		mcp_tool_add(f->m, &t, &err);
	else
		mcp_tool_remove(f->m, t.name);
	mcp_text(r, false, "The list of tools has changed");
}

static void trigger_resource_update(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	struct fixture *f = ctx;

	mcp_updated(f->m, "test://watched-resource", 0);
	mcp_text(r, false, "The watched resource has changed");
}

static void changed_prompt(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	fixture_result(r, "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\","
			  "\"text\":\"Here for now\"}}]}");
}

static void trigger_prompt_change(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	struct fixture *f = ctx;
	struct mcp_prompt p = {.name = "test_changed_prompt",
			       .description = "Comes and goes",
			       .get = changed_prompt};

	f->extra_prompt = !f->extra_prompt;
	if (f->extra_prompt)
		mcp_prompt_add(f->m, &p);
	else
		mcp_prompt_remove(f->m, p.name);
	mcp_text(r, false, "The list of prompts has changed");
}

static const char schema_2020_12[] =
	"{\"$schema\":\"https://json-schema.org/draft/2020-12/"
	"schema\",\"type\":\"object\",\"$defs\":{\"address\":{"
	"\"$anchor\":\"addressDef\",\"type\":\"object\",\"properties\":{\"street\":{\"type\":"
	"\"string\"},\"city\":{\"type\":"
	"\"string\"}}}},\"properties\":{\"name\":{\"type\":\"string\"},\"address\":{\"$ref\":\"#/"
	"$defs/address\"},"
	"\"contactMethod\":{\"type\":\"string\",\"enum\":[\"phone\",\"email\"]},\"phone\":{"
	"\"type\":\"string\"},\"email\":{"
	"\"type\":\"string\"}},\"allOf\":[{\"anyOf\":[{\"required\":[\"phone\"]},{\"required\":["
	"\"email\"]}]}],\"if\":{"
	"\"properties\":{\"contactMethod\":{\"const\":\"phone\"}},\"required\":[\"contactMethod\"]}"
	",\"then\":{\"required\":["
	"\"phone\"]},\"else\":{\"required\":[\"email\"]},\"additionalProperties\":false}";

static const char text_arg[] =
	"{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"string\"}},\"required\":[\"x\"]}";
static const char region_any[] =
	"{\"type\":\"object\",\"properties\":{\"region\":{\"type\":\"string\",\"x-mcp-header\":"
	"\"Region\"}}}";

int fixture_add_basic(struct fixture *f, struct err *err)
{
	const struct mcp_tool tool[] = {
		{.name = "test_simple_text", .description = "One text", .call = simple_text},
		{.name = "test_image_content", .description = "One image", .call = image},
		{.name = "test_audio_content", .description = "One sound", .call = audio},
		{.name = "test_embedded_resource",
		 .description = "One embedded resource",
		 .call = embedded},
		{.name = "test_multiple_content_types",
		 .description = "Text, image and resource",
		 .call = mixed},
		{.name = "test_error_handling", .description = "Always fails", .call = error_tool},
		{.name = "test_tool_with_logging",
		 .description = "Logs three messages",
		 .call = logging},
		{.name = "test_logging_tool",
		 .description = "Logs three messages",
		 .call = logging},
		{.name = "test_tool_with_progress",
		 .description = "Reports progress",
		 .call = progress},
		{.name = "test_reconnection",
		 .description = "Closes its stream before it answers",
		 .call = reconnection},
		{.name = "echo", .description = "Says x", .input = text_arg, .call = echo},
		{.name = "json_schema_2020_12_tool",
		 .description = "Tool with JSON Schema 2020-12 features",
		 .input = schema_2020_12,
		 .call = schema_tool},
		{.name = "test_header_tool",
		 .description = "Mirrors region",
		 .input = region_any,
		 .call = header_tool},
		{.name = "test_trigger_tool_change",
		 .description = "Changes the list of tools",
		 .call = trigger_tool_change},
		{.name = "test_trigger_resource_update",
		 .description = "Changes the watched resource",
		 .call = trigger_resource_update},
		{.name = "test_trigger_prompt_change",
		 .description = "Changes the list of prompts",
		 .call = trigger_prompt_change},
	};
	struct mcp_tool t;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(tool) / sizeof(tool[0]); i++) {
		t = tool[i];
		t.ctx = f;
		t.read_only = true;
		rc = mcp_tool_add(f->m, &t, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
