/* SPDX-License-Identifier: BSD-2-Clause */
/* Resources and prompts. */
#include "proto/netops/mcp/fixture_priv.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

static void static_text(void *ctx, struct mcp_req *r, const char *uri)
{
	mcp_content_text(r, uri, "text/plain",
			 SLICE_LIT("This is the content of the static text resource."));
}

static void static_binary(void *ctx, struct mcp_req *r, const char *uri)
{
	static const char png[] = FIXTURE_PNG;
	uint8_t bytes[sizeof(png)];
	int n = EVP_DecodeBlock(bytes, (const uint8_t *)png, (int)sizeof(png) - 1);

	/* EVP_DecodeBlock counts the padding: two characters here. */
	mcp_content_blob(r, uri, "image/png", slice_of(bytes, (size_t)n - 2));
}

static void watched(void *ctx, struct mcp_req *r, const char *uri)
{
	mcp_content_text(r, uri, "text/plain", SLICE_LIT("Watched"));
}

static void template_data(void *ctx, struct mcp_req *r, const char *uri, const struct mcp_var *var,
			  size_t n)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	char label[300];
	char *text;
	size_t len = 0;

	snprintf(label, sizeof(label), "Data for ID: %.256s", var[0].value);
	yyjson_mut_obj_add_str(doc, root, "id", var[0].value);
	yyjson_mut_obj_add_bool(doc, root, "templateTest", true);
	yyjson_mut_obj_add_str(doc, root, "data", label);
	text = yyjson_mut_val_write(root, YYJSON_WRITE_NOFLAG, &len);
	mcp_content_text(r, uri, "application/json", slice_of(text ? text : "", len));
	free(text);
	yyjson_mut_doc_free(doc);
}

static void template_complete(void *ctx, struct mcp_req *r, const char *name, const char *value,
			      yyjson_val *context)
{
	static const char *const ids[] = {"123", "124", "200"};
	size_t i;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		if (strncmp(ids[i], value, strlen(value)) == 0)
			mcp_complete_value(r, ids[i]);
	}
	mcp_complete_end(r, 0);
}

int fixture_add_resources(struct fixture *f, struct err *err)
{
	const struct mcp_resource res[] = {
		{.uri = "test://static-text",
		 .name = "static-text",
		 .description = "A text",
		 .mime = "text/plain",
		 .ttl_ms = 60000,
		 .read = static_text},
		{.uri = "test://static-binary",
		 .name = "static-binary",
		 .description = "An image",
		 .mime = "image/png",
		 .ttl_ms = 60000,
		 .read = static_binary},
		{.uri = "test://watched-resource",
		 .name = "watched-resource",
		 .description = "Can be subscribed to",
		 .mime = "text/plain",
		 .subscribe = true,
		 .read = watched},
	};
	const struct mcp_template t = {.uri_template = "test://template/{id}/data",
				       .name = "template",
				       .description = "Data of an id",
				       .mime = "application/json",
				       .read = template_data,
				       .complete = template_complete,
				       .ctx = f};
	size_t i;

	for (i = 0; i < sizeof(res) / sizeof(res[0]); i++) {
		if (mcp_resource_add(f->m, &res[i]) < 0)
			return err_set(err, -ENOMEM, "no memory");
	}
	return mcp_template_add(f->m, &t, err);
}

/* ---- prompts ---- */

static void simple_prompt(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	fixture_result(r, "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\","
			  "\"text\":\"This is a simple prompt for "
			  "testing.\"}}]}");
}

/* {"messages":[first, {"role":"user", text}]}; first may be NULL. */
static void messages(struct mcp_req *r, const char *first, const char *text)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "messages");
	yyjson_mut_val *one;
	yyjson_mut_val *content;

	if (first)
		yyjson_mut_arr_add_val(list, yyjson_mut_raw(doc, first));
	one = yyjson_mut_arr_add_obj(doc, list);
	yyjson_mut_obj_add_str(doc, one, "role", "user");
	content = yyjson_mut_obj_add_obj(doc, one, "content");
	yyjson_mut_obj_add_str(doc, content, "type", "text");
	yyjson_mut_obj_add_str(doc, content, "text", text);
	mcp_result(r, doc, root);
	yyjson_mut_doc_free(doc);
}

static void prompt_with_arguments(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	char text[512];

	snprintf(text, sizeof(text), "Prompt with arguments: arg1='%.200s', arg2='%.200s'",
		 yyjson_get_str(yyjson_obj_get(args, "arg1")),
		 yyjson_get_str(yyjson_obj_get(args, "arg2")));
	messages(r, NULL, text);
}

static void prompt_complete(void *ctx, struct mcp_req *r, const char *name, const char *value,
			    yyjson_val *context)
{
	static const char *const words[] = {"paris", "park", "party", "hello", "world"};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strncmp(words[i], value, strlen(value)) == 0)
			mcp_complete_value(r, words[i]);
	}
	mcp_complete_end(r, 0);
}

static void prompt_with_resource(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_val *content;
	yyjson_mut_val *res;
	char *first;

	yyjson_mut_obj_add_str(doc, root, "role", "user");
	content = yyjson_mut_obj_add_obj(doc, root, "content");
	yyjson_mut_obj_add_str(doc, content, "type", "resource");
	res = yyjson_mut_obj_add_obj(doc, content, "resource");
	yyjson_mut_obj_add_str(doc, res, "uri",
			       yyjson_get_str(yyjson_obj_get(args, "resourceUri")));
	yyjson_mut_obj_add_str(doc, res, "mimeType", "text/plain");
	yyjson_mut_obj_add_str(doc, res, "text", "Embedded resource content for testing.");
	first = yyjson_mut_val_write(root, YYJSON_WRITE_NOFLAG, NULL);
	messages(r, first, "Please process the embedded resource above.");
	free(first);
	yyjson_mut_doc_free(doc);
}

static void prompt_with_image(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	messages(r,
		 "{\"role\":\"user\",\"content\":{\"type\":\"image\",\"data\":\"" FIXTURE_PNG
		 "\",\"mimeType\":\"image/png\"}}",
		 "Please analyze the image above.");
}

static void prompt_that_asks(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	static const char form[] =
		"{\"message\":\"What context should the prompt "
		"use?\",\"requestedSchema\":{\"type\":\"object\","
		"\"properties\":{\"context\":{\"type\":\"string\"}},\"required\":[\"context\"]}}";
	yyjson_val *answer = mcp_answer(r, "user_context");
	const char *context =
		yyjson_get_str(yyjson_obj_get(yyjson_obj_get(answer, "content"), "context"));

	if (answer)
		messages(r, NULL, context ? context : "No context");
	else if (fixture_ask(r, "user_context", "elicitation/create", form) == 0)
		mcp_wait(r);
	else
		mcp_missing(r, "elicitation");
}

int fixture_add_prompts(struct fixture *f, struct err *err)
{
	static const struct mcp_prompt_arg two[] = {
		{.name = "arg1", .description = "First test argument", .required = true},
		{.name = "arg2", .description = "Second test argument", .required = true},
		{0},
	};
	static const struct mcp_prompt_arg uri[] = {
		{.name = "resourceUri",
		 .description = "URI of the resource to embed",
		 .required = true},
		{0},
	};
	const struct mcp_prompt prompt[] = {
		{.name = "test_simple_prompt", .description = "One message", .get = simple_prompt},
		{.name = "test_prompt_with_arguments",
		 .description = "Takes two arguments",
		 .arg = two,
		 .get = prompt_with_arguments,
		 .complete = prompt_complete},
		{.name = "test_prompt_with_embedded_resource",
		 .description = "Embeds a resource",
		 .arg = uri,
		 .get = prompt_with_resource},
		{.name = "test_prompt_with_image",
		 .description = "With an image",
		 .get = prompt_with_image},
		{.name = "test_input_required_result_prompt",
		 .description = "Asks the user",
		 .get = prompt_that_asks},
	};
	size_t i;

	for (i = 0; i < sizeof(prompt) / sizeof(prompt[0]); i++) {
		if (mcp_prompt_add(f->m, &prompt[i]) < 0)
			return err_set(err, -ENOMEM, "no memory");
	}
	return 0;
}
