/* SPDX-License-Identifier: BSD-2-Clause */
/* Tools that need something of the client. The same handlers serve both eras. */
#include "proto/netops/mcp/fixture_priv.h"

#include <errno.h>
#include <stdlib.h>

#define ELICIT "elicitation/create"
#define SAMPLE "sampling/createMessage"
#define ROOTS "roots/list"

/* {"message":M,"requestedSchema":{one property that is required}} */
#define FORM(message, name, type)                                                                  \
	"{\"message\":\"" message                                                                  \
	"\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"" name                      \
	"\":{\"type\":\"" type "\"}},\"required\":[\"" name "\"]}}"
#define PROMPT_OF(text, tokens)                                                                    \
	"{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"" text        \
	"\"}}],\"maxTokens\":" tokens "}"

/* Asks for what has no answer yet. True: wait, or the client cannot and that was answered. */
static bool need(struct mcp_req *r, const char *key, const char *method, const char *json)
{
	static const char *const capability[] = {"elicitation", "sampling", "roots"};

	if (mcp_answer(r, key))
		return false;
	if (fixture_ask(r, key, method, json) == 0)
		mcp_wait(r);
	else
		mcp_missing(r, capability[method[0] == 'e' ? 0 : method[0] == 's' ? 1 : 2]);
	return true;
}

static const char *content_text(struct mcp_req *r, const char *key, const char *name)
{
	const char *s =
		yyjson_get_str(yyjson_obj_get(yyjson_obj_get(mcp_answer(r, key), "content"), name));

	return s ? s : "";
}

static const char *sampled(struct mcp_req *r, const char *key)
{
	yyjson_val *content = yyjson_obj_get(mcp_answer(r, key), "content");
	const char *s;

	if (yyjson_is_arr(content))
		content = yyjson_arr_get_first(content);
	s = yyjson_get_str(yyjson_obj_get(content, "text"));
	return s ? s : "";
}

/* ---- tools of the legacy scenarios ---- */

static void sampling(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	yyjson_mut_doc *doc;
	yyjson_mut_val *root;
	yyjson_mut_val *content;
	yyjson_mut_val *one;
	yyjson_mut_val *list;
	int rc;

	if (mcp_answer(r, "sample")) {
		mcp_text(r, false, "LLM response: %s", sampled(r, "sample"));
		return;
	}
	doc = yyjson_mut_doc_new(NULL);
	root = yyjson_mut_obj(doc);
	list = yyjson_mut_obj_add_arr(doc, root, "messages");
	one = yyjson_mut_arr_add_obj(doc, list);
	yyjson_mut_obj_add_str(doc, one, "role", "user");
	content = yyjson_mut_obj_add_obj(doc, one, "content");
	yyjson_mut_obj_add_str(doc, content, "type", "text");
	yyjson_mut_obj_add_strcpy(doc, content, "text",
				  yyjson_get_str(yyjson_obj_get(args, "prompt")));
	yyjson_mut_obj_add_uint(doc, root, "maxTokens", 100);
	rc = mcp_ask(r, "sample", SAMPLE, doc, root);
	yyjson_mut_doc_free(doc);
	if (rc == 0)
		mcp_wait(r);
	else
		mcp_missing(r, "sampling");
}

static void elicited(struct mcp_req *r, const char *key, const char *what)
{
	yyjson_val *answer = mcp_answer(r, key);
	char *content = fixture_text(yyjson_obj_get(answer, "content"));

	mcp_text(r, false, "%s: action=%s, content=%s", what,
		 yyjson_get_str(yyjson_obj_get(answer, "action")), content);
	free(content);
}

static void elicitation(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	static const char schema[] =
		"{\"type\":\"object\",\"properties\":{\"username\":{\"type\":\"string\","
		"\"description\":"
		"\"User's response\"},\"email\":{\"type\":\"string\",\"description\":\"User's "
		"email "
		"address\"}},\"required\":[\"username\",\"email\"]}";
	yyjson_mut_doc *doc;
	yyjson_mut_val *root;
	int rc;

	if (mcp_answer(r, "user")) {
		elicited(r, "user", "User response");
		return;
	}
	doc = yyjson_mut_doc_new(NULL);
	root = yyjson_mut_obj(doc);
	yyjson_mut_obj_add_strcpy(doc, root, "message",
				  yyjson_get_str(yyjson_obj_get(args, "message")));
	yyjson_mut_obj_add_val(doc, root, "requestedSchema", yyjson_mut_raw(doc, schema));
	rc = mcp_ask(r, "user", ELICIT, doc, root);
	yyjson_mut_doc_free(doc);
	if (rc == 0)
		mcp_wait(r);
	else
		mcp_missing(r, "elicitation");
}

static void defaults(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	if (!need(r, "form", ELICIT,
		  "{\"message\":\"Please review these "
		  "values\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{"
		  "\"name\":{\"type\":\"string\",\"default\":\"John "
		  "Doe\"},\"age\":{\"type\":\"integer\",\"default\":30},"
		  "\"score\":{\"type\":\"number\",\"default\":95.5},\"status\":{\"type\":"
		  "\"string\",\"enum\":[\"active\","
		  "\"inactive\",\"pending\"],\"default\":\"active\"},\"verified\":{\"type\":"
		  "\"boolean\",\"default\":true}}}}"))
		elicited(r, "form", "Elicitation completed");
}

static void enums(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	static const char form[] =
		"{\"message\":\"Please "
		"choose\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{"
		"\"untitledSingle\":{\"type\":\"string\",\"enum\":[\"option1\",\"option2\","
		"\"option3\"]},"
		"\"titledSingle\":{\"type\":\"string\",\"oneOf\":[{\"const\":\"value1\",\"title\":"
		"\"First Option\"},{\"const\":"
		"\"value2\",\"title\":\"Second Option\"},{\"const\":\"value3\",\"title\":\"Third "
		"Option\"}]},"
		"\"legacyEnum\":{\"type\":\"string\",\"enum\":[\"opt1\",\"opt2\",\"opt3\"],"
		"\"enumNames\":[\"Option One\","
		"\"Option Two\",\"Option Three\"]},"
		"\"untitledMulti\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":["
		"\"option1\",\"option2\","
		"\"option3\"]}},"
		"\"titledMulti\":{\"type\":\"array\",\"items\":{\"anyOf\":[{\"const\":\"value1\","
		"\"title\":\"First Choice\"},{"
		"\"const\":\"value2\",\"title\":\"Second "
		"Choice\"},{\"const\":\"value3\",\"title\":\"Third Choice\"}]}}}}}";

	if (!need(r, "form", ELICIT, form))
		elicited(r, "form", "Elicitation completed");
}

static void missing_capability(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	if (!mcp_client_can(r, "sampling"))
		mcp_missing(r, "sampling");
	else
		mcp_text(r, false, "The client can sample");
}

static void streaming_elicitation(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	mcp_progress(r, 0, 2, NULL);
	if (need(r, "name", ELICIT, FORM("What is your name?", "name", "string")))
		return;
	mcp_text(r, false, "Hello, %s!", content_text(r, "name", "name"));
}

/* ---- tools of the input-required scenarios ---- */

static void ir_elicitation(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	if (!need(r, "user_name", ELICIT, FORM("What is your name?", "name", "string")))
		mcp_text(r, false, "Hello, %s!", content_text(r, "user_name", "name"));
}

static void ir_sampling(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	if (!need(r, "capital_question", SAMPLE,
		  PROMPT_OF("What is the capital of France?", "100")))
		mcp_text(r, false, "%s", sampled(r, "capital_question"));
}

static void ir_list_roots(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	char *roots;

	if (need(r, "client_roots", ROOTS, "{}"))
		return;
	roots = fixture_text(yyjson_obj_get(mcp_answer(r, "client_roots"), "roots"));
	mcp_text(r, false, "Roots: %s", roots);
	free(roots);
}

static void ir_request_state(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	if (!mcp_answer(r, "confirm"))
		mcp_keep(r, "asked");
	else if (!mcp_state(r) || strcmp(mcp_state(r), "asked") != 0) {
		mcp_text(r, true, "There is an answer but no state");
		return;
	}
	if (!need(r, "confirm", ELICIT, FORM("Please confirm", "ok", "boolean")))
		mcp_text(r, false, "state-ok");
}

static void ir_multiple(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	bool whole = mcp_answer(r, "user_name") && mcp_answer(r, "greeting") &&
		     mcp_answer(r, "client_roots");

	if (whole) {
		mcp_text(r, false, "%s, %s: %zu roots", sampled(r, "greeting"),
			 content_text(r, "user_name", "name"),
			 yyjson_arr_size(yyjson_obj_get(mcp_answer(r, "client_roots"), "roots")));
		return;
	}
	mcp_keep(r, "several");
	if (!mcp_answer(r, "user_name") &&
	    fixture_ask(r, "user_name", ELICIT, FORM("What is your name?", "name", "string")) < 0)
		mcp_missing(r, "elicitation");
	else if (!mcp_answer(r, "greeting") &&
		 fixture_ask(r, "greeting", SAMPLE, PROMPT_OF("Generate a greeting", "50")) < 0)
		mcp_missing(r, "sampling");
	else if (!mcp_answer(r, "client_roots") && fixture_ask(r, "client_roots", ROOTS, "{}") < 0)
		mcp_missing(r, "roots");
	else
		mcp_wait(r);
}

static void ir_multi_round(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	if (!mcp_answer(r, "step1"))
		mcp_keep(r, "1");
	else if (!mcp_answer(r, "step2"))
		mcp_keep(r, "2");
	if (need(r, "step1", ELICIT, FORM("Step 1: What is your name?", "name", "string")))
		return;
	if (need(r, "step2", ELICIT,
		 FORM("Step 2: What is your favorite color?", "color", "string")))
		return;
	mcp_text(r, false, "%s likes %s", content_text(r, "step1", "name"),
		 content_text(r, "step2", "color"));
}

static void ir_capabilities(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	bool asked = false;

	if (mcp_client_can(r, "elicitation") && !mcp_answer(r, "user_name"))
		asked |= fixture_ask(r, "user_name", ELICIT,
				     FORM("What is your name?", "name", "string")) == 0;
	if (mcp_client_can(r, "sampling") && !mcp_answer(r, "greeting"))
		asked |= fixture_ask(r, "greeting", SAMPLE,
				     PROMPT_OF("Generate a greeting", "50")) == 0;
	if (asked)
		mcp_wait(r);
	else
		mcp_text(r, false, "Everything that could be asked was asked");
}

int fixture_add_ask(struct fixture *f, struct err *err)
{
	static const char any[] = "{\"type\":\"object\"}";
	static const char prompt[] = "{\"type\":\"object\",\"properties\":{\"prompt\":{\"type\":"
				     "\"string\"}},\"required\":["
				     "\"prompt\"]}";
	static const char message[] = "{\"type\":\"object\",\"properties\":{\"message\":{\"type\":"
				      "\"string\"}},\"required\":["
				      "\"message\"]}";
	const struct mcp_tool tool[] = {
		{.name = "test_sampling",
		 .description = "Asks the model",
		 .input = prompt,
		 .call = sampling},
		{.name = "test_elicitation",
		 .description = "Asks the user",
		 .input = message,
		 .call = elicitation},
		{.name = "test_elicitation_sep1034_defaults",
		 .description = "A form with defaults",
		 .call = defaults},
		{.name = "test_elicitation_sep1330_enums",
		 .description = "A form with choices",
		 .call = enums},
		{.name = "test_missing_capability",
		 .description = "Needs sampling",
		 .call = missing_capability},
		{.name = "test_streaming_elicitation",
		 .description = "Asks on its stream",
		 .call = streaming_elicitation},
		{.name = "test_input_required_result_elicitation",
		 .description = "Asks the user",
		 .call = ir_elicitation},
		{.name = "test_input_required_result_sampling",
		 .description = "Asks the model",
		 .call = ir_sampling},
		{.name = "test_input_required_result_list_roots",
		 .description = "Asks for roots",
		 .call = ir_list_roots},
		{.name = "test_input_required_result_request_state",
		 .description = "Keeps state",
		 .input = any,
		 .call = ir_request_state},
		{.name = "test_input_required_result_multiple_inputs",
		 .description = "Asks all",
		 .call = ir_multiple},
		{.name = "test_input_required_result_multi_round",
		 .description = "Asks twice",
		 .call = ir_multi_round},
		{.name = "test_input_required_result_tampered_state",
		 .description = "Keeps state",
		 .input = any,
		 .call = ir_request_state},
		{.name = "test_input_required_result_capabilities",
		 .description = "Asks what it may",
		 .call = ir_capabilities},
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
