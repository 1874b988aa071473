/* SPDX-License-Identifier: BSD-2-Clause */
/* What a server asks of the user or the program: requests of its own (legacy), input_required
 * results (modern). */
#include "node/mcp/client_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

yyjson_mut_val *client_declares(const struct mcp_client *c, yyjson_mut_doc *doc)
{
	yyjson_mut_val *all = yyjson_mut_obj(doc);
	yyjson_mut_val *elicitation;

	if (c->p.elicit) {
		elicitation = yyjson_mut_obj_add_obj(doc, all, "elicitation");
		yyjson_mut_obj_add_obj(doc, elicitation, "form");
		if (c->p.elicit_url)
			yyjson_mut_obj_add_obj(doc, elicitation, "url");
	}
	if (c->p.sample)
		yyjson_mut_obj_add_obj(doc, all, "sampling");
	if (c->p.roots)
		yyjson_mut_obj_add_obj(doc, all, "roots");
	return all;
}

int client_answer(struct mcp_client *c, const char *method, yyjson_val *params, yyjson_mut_doc *doc,
		  yyjson_mut_val *result)
{
	const char *mode = yyjson_get_str(yyjson_obj_get(params, "mode"));
	bool url = mode && strcmp(mode, "url") == 0;

	if (strcmp(method, "ping") == 0)
		return 0;
	if (strcmp(method, "elicitation/create") == 0 && c->p.elicit && (!url || c->p.elicit_url))
		return c->p.elicit(c->p.ctx, params, doc, result);
	if (strcmp(method, "sampling/createMessage") == 0 && c->p.sample)
		return c->p.sample(c->p.ctx, params, doc, result);
	if (strcmp(method, "roots/list") == 0 && c->p.roots)
		return c->p.roots(c->p.ctx, params, doc, result);
	return -ENOTSUP;
}

void client_asked(struct mcp_client *c, yyjson_val *message)
{
	const char *method = yyjson_get_str(yyjson_obj_get(message, "method"));
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_val *result = yyjson_mut_obj(doc);
	yyjson_mut_val *error;
	char *text;
	int rc;

	/* A modern server asks nothing by itself (spec §2.6). */
	rc = c->modern ? -ENOTSUP
		       : client_answer(c, method, yyjson_obj_get(message, "params"), doc, result);
	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "jsonrpc", "2.0");
	yyjson_mut_obj_add_val(doc, root, "id",
			       yyjson_val_mut_copy(doc, yyjson_obj_get(message, "id")));
	if (rc == 0) {
		yyjson_mut_obj_add_val(doc, root, "result", result);
	} else {
		error = yyjson_mut_obj_add_obj(doc, root, "error");
		yyjson_mut_obj_add_int(doc, error, "code", rc == -ENOTSUP ? -32601 : -32603);
		yyjson_mut_obj_add_str(doc, error, "message",
				       rc == -ENOTSUP ? "This client does not do that" : "Failed");
	}
	text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, NULL);
	yyjson_mut_doc_free(doc);
	if (!text)
		return;
	if (c->p.command)
		stdio_send(c, text, NULL);
	else
		http_send(c, NULL, text, NULL);
}

/* The answers to all that result asks for; NULL and the call is finished. */
static yyjson_mut_doc *answers(struct mcp_call *call, yyjson_val *result)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *all = yyjson_mut_obj(doc);
	yyjson_obj_iter it = yyjson_obj_iter_with(yyjson_obj_get(result, "inputRequests"));
	yyjson_val *key;
	int rc;

	yyjson_mut_doc_set_root(doc, all);
	while ((key = yyjson_obj_iter_next(&it))) {
		yyjson_val *ask = yyjson_obj_iter_get_val(key);
		const char *method = yyjson_get_str(yyjson_obj_get(ask, "method"));
		yyjson_mut_val *one = yyjson_mut_obj(doc);

		rc = client_answer(call->c, method ? method : "", yyjson_obj_get(ask, "params"),
				   doc, one);
		if (rc != 0) {
			yyjson_mut_doc_free(doc);
			call_fail(call, rc, "the server asks for %s, which this client does not do",
				  method ? method : "something");
			return NULL;
		}
		yyjson_mut_obj_add(
			all, yyjson_mut_strncpy(doc, yyjson_get_str(key), yyjson_get_len(key)),
			one);
	}
	return doc;
}

void call_input_required(struct mcp_call *call, yyjson_doc *doc, yyjson_val *result)
{
	bool asks = yyjson_obj_size(yyjson_obj_get(result, "inputRequests")) > 0;
	yyjson_mut_doc *given;

	yyjson_mut_doc_free(call->responses);
	call->responses = NULL;
	yyjson_doc_free(call->answers);
	call->answers = doc;
	if (++call->rounds > MCP_MAX_ROUNDS || (!asks && !yyjson_obj_get(result, "requestState"))) {
		call_fail(call, -EPROTO,
			  call->rounds > MCP_MAX_ROUNDS
				  ? "the server asks again and again"
				  : "the server asks for input, but not for which");
		return;
	}
	if (asks) {
		given = answers(call, result);
		if (!given)
			return;
		call->responses = given;
	}
	if (call->x)
		http_drop(call);
	call_send(call);
}
