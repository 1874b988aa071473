/* SPDX-License-Identifier: BSD-2-Clause */
/* What the MCP conformance suite drives: the client library that dep stands on, made to use all
 * that a server offers. Last argument: the server's URL; MCP_CONFORMANCE_CONTEXT and
 * _PROTOCOL_VERSION: what the scenario needs to be told. */
#include "node/mcp/client.h"
#include "node/mcp/elicit.h"
#include "node/mcp/fetch.h"
#include "node/mcp/oauth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define METADATA_URL "https://conformance-test.local/client-metadata.json"

static yyjson_val *context;

/* The user accepts everything, with the values that the server proposes, and yes where it proposes
 * none. */
static int elicit(void *ctx, yyjson_val *params, yyjson_mut_doc *doc, yyjson_mut_val *result)
{
	yyjson_val *schema = yyjson_obj_get(params, "requestedSchema");
	yyjson_obj_iter it = yyjson_obj_iter_with(yyjson_obj_get(schema, "properties"));
	yyjson_mut_val *content = yyjson_mut_obj(doc);
	yyjson_val *key;

	elicit_defaults(schema, doc, content);
	while ((key = yyjson_obj_iter_next(&it))) {
		if (yyjson_equals_str(yyjson_obj_get(yyjson_obj_iter_get_val(key), "type"),
				      "boolean") &&
		    !yyjson_mut_obj_get(content, yyjson_get_str(key)))
			yyjson_mut_obj_add_bool(doc, content, yyjson_get_str(key), true);
	}
	yyjson_mut_obj_add_str(doc, result, "action", "accept");
	yyjson_mut_obj_add_val(doc, result, "content", content);
	return 0;
}

/* The browser: the mock server agrees at once, and redirects. */
static int browse(void *ctx, const char *url, char *to, size_t size, struct err *err)
{
	struct fetch f = {.url = url};
	struct fetched got;
	int rc = fetch(&f, &got, err);

	if (rc != 0)
		return rc;
	if (!got.location[0])
		rc = err_set(err, -EACCES, "no redirection (HTTP status %d)", got.status);
	else
		snprintf(to, size, "%s", got.location);
	fetched_free(&got);
	return rc;
}

/* An argument that a schema accepts. */
static yyjson_mut_val *example(yyjson_val *schema, yyjson_mut_doc *doc)
{
	const char *type = yyjson_get_str(yyjson_obj_get(schema, "type"));
	yyjson_val *list = yyjson_obj_get(schema, "enum");

	if (yyjson_arr_size(list) > 0)
		return yyjson_val_mut_copy(doc, yyjson_arr_get_first(list));
	if (type && (strcmp(type, "number") == 0 || strcmp(type, "integer") == 0))
		return yyjson_mut_int(doc, 5);
	if (type && strcmp(type, "boolean") == 0)
		return yyjson_mut_true(doc);
	if (type && strcmp(type, "array") == 0)
		return yyjson_mut_arr(doc);
	if (type && strcmp(type, "object") == 0)
		return yyjson_mut_obj(doc);
	return yyjson_mut_str(doc, "test");
}

static int ask(struct mcp_client *c, const char *method, const char *key, const char *name,
	       yyjson_mut_doc *doc, yyjson_mut_val *arguments)
{
	yyjson_mut_val *params = yyjson_mut_obj(doc);
	struct mcp_reply reply;
	struct err err = {0};
	int rc;

	yyjson_mut_obj_add_strcpy(doc, params, key, name);
	if (arguments)
		yyjson_mut_obj_add_val(doc, params, "arguments", arguments);
	rc = mcp_client_request(c, method, doc, params, &reply, &err);
	if (rc != 0)
		err_print(&err, name, stderr);
	mcp_reply_free(&reply);
	return rc;
}

static yyjson_mut_val *find(yyjson_mut_val *tools, const char *name)
{
	yyjson_mut_val *tool;
	size_t i;
	size_t n;

	yyjson_mut_arr_foreach(tools, i, n, tool)
	{
		if (yyjson_mut_equals_str(yyjson_mut_obj_get(tool, "name"), name))
			return tool;
	}
	return NULL;
}

static int call_tool(struct mcp_client *c, yyjson_mut_val *tools, yyjson_mut_val *tool,
		     yyjson_mut_doc *doc)
{
	yyjson_mut_val *arguments = yyjson_mut_obj(doc);
	yyjson_doc *schema =
		yyjson_mut_val_imut_copy(yyjson_mut_obj_get(tool, "inputSchema"), NULL);
	yyjson_obj_iter it =
		yyjson_obj_iter_with(yyjson_obj_get(yyjson_doc_get_root(schema), "properties"));
	yyjson_mut_val *focal = find(tools, "json_schema_2020_12_tool");
	const char *name = yyjson_mut_get_str(yyjson_mut_obj_get(tool, "name"));
	yyjson_val *key;
	int rc;

	while ((key = yyjson_obj_iter_next(&it))) {
		/* A server that wants a schema back wants the one it gave. */
		if (focal && strcmp(yyjson_get_str(key), "schema") == 0)
			yyjson_mut_obj_add(arguments, yyjson_mut_strcpy(doc, "schema"),
					   yyjson_mut_val_mut_copy(
						   doc, yyjson_mut_obj_get(focal, "inputSchema")));
		else
			yyjson_mut_obj_add(arguments, yyjson_mut_strcpy(doc, yyjson_get_str(key)),
					   example(yyjson_obj_iter_get_val(key), doc));
	}
	yyjson_doc_free(schema);
	rc = ask(c, "tools/call", "name", name, doc, arguments);
	return rc;
}

static int walk(struct mcp_client *c, const char *list, const char *member, const char *method,
		const char *key)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *all;
	yyjson_mut_val *item;
	struct err err = {0};
	int rc = mcp_client_list(c, list, member, doc, &all, &err);
	size_t i;
	size_t n;

	if (rc != 0)
		err_print(&err, list, stderr);
	yyjson_mut_arr_foreach(all, i, n, item)
	{
		if (rc == 0 && strcmp(method, "tools/call") == 0)
			rc = call_tool(c, all, item, doc);
		else if (rc == 0)
			rc = ask(c, method, key, yyjson_mut_get_str(yyjson_mut_obj_get(item, key)),
				 doc, NULL);
	}
	yyjson_mut_doc_free(doc);
	return rc;
}

/* The calls that the scenario lists. */
static int scripted(struct mcp_client *c, yyjson_val *calls)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *all;
	yyjson_val *call;
	struct err err = {0};
	int rc = mcp_client_list(c, "tools/list", "tools", doc, &all, &err);
	size_t i;
	size_t n;

	yyjson_arr_foreach(calls, i, n, call)
	{
		if (rc == 0)
			rc = ask(c, "tools/call", "name",
				 yyjson_get_str(yyjson_obj_get(call, "name")), doc,
				 yyjson_val_mut_copy(doc, yyjson_obj_get(call, "arguments")));
	}
	yyjson_mut_doc_free(doc);
	return rc;
}

static const char *told(const char *key)
{
	return yyjson_get_str(yyjson_obj_get(context, key));
}

static int use(struct mcp_client *c)
{
	yyjson_val *can = mcp_client_capabilities(c);
	int rc = 0;

	if (yyjson_obj_get(context, "toolCalls"))
		return scripted(c, yyjson_obj_get(context, "toolCalls"));
	rc = walk(c, "tools/list", "tools", "tools/call", "name");
	if (rc == 0 && yyjson_obj_get(can, "resources"))
		rc = walk(c, "resources/list", "resources", "resources/read", "uri");
	if (rc == 0 && yyjson_obj_get(can, "prompts"))
		rc = walk(c, "prompts/list", "prompts", "prompts/get", "name");
	return rc;
}

int main(int argc, char **argv)
{
	const char *text = getenv("MCP_CONFORMANCE_CONTEXT");
	const char *scenario = getenv("MCP_CONFORMANCE_SCENARIO");
	yyjson_doc *doc = text ? json_parse(text, strlen(text), 0, NULL, NULL) : NULL;
	struct oauth_params op = {.client_name = "dep",
				  .metadata_url = METADATA_URL,
				  .refresh = true,
				  .redirect_uri = "http://127.0.0.1:45454/callback",
				  .authorize = browse};
	struct mcp_client_params p = {.url = argv[argc - 1],
				      .name = "dep",
				      .version = DEP_VERSION,
				      .protocol = getenv("MCP_CONFORMANCE_PROTOCOL_VERSION"),
				      .elicit = elicit,
				      .timeout_ms = 20000};
	struct mcp_client *c;
	struct err err = {0};
	int rc;

	context = yyjson_doc_get_root(doc);
	op.client_id = told("client_id");
	op.client_secret = told("client_secret");
	op.issuer = told("issuer");
	op.client_credentials = scenario && strcmp(scenario, "auth/client-credentials-basic") == 0;
	p.oauth = oauth_new(&op, &err);
	c = p.oauth ? mcp_client_open(&p, &err) : NULL;
	if (!c)
		err_print(&err, "conformance", stderr);
	rc = c ? use(c) : -1;
	mcp_client_close(c);
	oauth_free(p.oauth);
	yyjson_doc_free(doc);
	return rc != 0;
}
