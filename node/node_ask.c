/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection to the node, and asking it. */
#include "node/node.h"
#include "node/mcp/elicit.h"
#include "node/mcp/oauth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOCAL_URL "http://localhost/mcp"
#define EXPIRED -32086

/* --- a person at the terminal --- */

static int elicit(void *ctx, yyjson_val *params, yyjson_mut_doc *doc, yyjson_mut_val *result)
{
	return elicit_form(params, stdin, stderr, doc, result);
}

static void progress(yyjson_val *params)
{
	double at = yyjson_get_num(yyjson_obj_get(params, "progress"));
	double of = yyjson_get_num(yyjson_obj_get(params, "total"));
	const char *message = yyjson_get_str(yyjson_obj_get(params, "message"));

	if (of > 0)
		fprintf(stderr, "\r\033[K%3.0f %% ", 100 * at / of);
	else
		fprintf(stderr, "\r\033[K%g ", at);
	for (; message && *message; message++)
		putc((unsigned char)*message < 0x20 || *message == 0x7f ? '?' : *message, stderr);
	if (of > 0 && at >= of)
		fputs("\r\033[K", stderr);
	fflush(stderr);
}

static void notified(void *ctx, struct mcp_call *call, const char *method, yyjson_val *params)
{
	struct node *n = ctx;

	if (n->notify)
		n->notify(n, method, params);
	else if (n->may_ask && strcmp(method, "notifications/progress") == 0)
		progress(params);
}

static void dropped(void *ctx, const char *tool, const struct err *why)
{
	err_print(why, "dep", stderr);
}

/* --- connecting --- */

/* ~/.config/depanneur/credentials.json, or NULL. */
char *node_credentials(void)
{
	const char *base = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	char *path = NULL;
	int n = -1;

	if (base && base[0] == '/')
		n = asprintf(&path, "%s/depanneur/credentials.json", base);
	else if (home && home[0] == '/')
		n = asprintf(&path, "%s/.config/depanneur/credentials.json", home);
	return n < 0 ? NULL : path;
}

static int set_local(struct node *n, struct mcp_client_params *p)
{
	if (!n->socket && counter_path("netops", n->where, sizeof(n->where)) != 0)
		return err_set(&n->err, -ENAMETOOLONG, "DEP_RUN_DIR is too long");
	p->url = LOCAL_URL;
	p->unix_socket = n->socket ? n->socket : n->where;
	return 0;
}

static int set_remote(struct node *n, struct mcp_client_params *p)
{
	struct oauth_params o = {
		.client_name = "dep", .client_id = n->client_id, .ca_file = n->ca, .refresh = true};

	p->url = n->url;
	p->token = getenv("DEP_TOKEN");
	if (p->token && !p->token[0])
		p->token = NULL;
	if (p->token)
		return 0;
	n->store = node_credentials();
	o.store = n->store;
	n->oauth = oauth_new(&o, &n->err);
	p->oauth = n->oauth;
	return n->oauth ? 0 : n->err.code;
}

int node_connect(struct node *n)
{
	struct mcp_client_params p = {.name = "dep",
				      .version = DEP_VERSION,
				      .ca_file = n->ca,
				      .protocol = n->protocol,
				      .elicit = n->may_ask ? elicit : NULL,
				      .notify = n->may_ask || n->notify ? notified : NULL,
				      .want_progress = n->may_ask,
				      .dropped = dropped,
				      .ctx = n};
	int rc;

	if (n->client)
		return 0;
	rc = n->url ? set_remote(n, &p) : set_local(n, &p);
	if (rc == 0)
		n->client = mcp_client_open(&p, &n->err);
	if (n->client)
		return 0;
	n->status = DEP_NO_NODE;
	return n->err.code ? n->err.code : -EIO;
}

void node_disconnect(struct node *n)
{
	mcp_client_close(n->client);
	n->client = NULL;
	oauth_free(n->oauth);
	n->oauth = NULL;
	free(n->store);
	n->store = NULL;
}

/* --- asking --- */

static yyjson_doc *failed(struct node *n)
{
	if (n->err.code == -ECONNREFUSED || n->err.code == -EACCES || n->err.code == -ETIMEDOUT)
		n->status = DEP_NO_NODE;
	return NULL;
}

void node_refused(struct node *n, const char *what, yyjson_val *error)
{
	int code = (int)yyjson_get_sint(yyjson_obj_get(error, "code"));
	yyjson_val *data = yyjson_obj_get(error, "data");
	const char *name = yyjson_get_str(yyjson_obj_get(error, "name"));
	const char *message = yyjson_get_str(yyjson_obj_get(error, "message"));
	const char *path = yyjson_get_str(yyjson_obj_get(data, "path"));
	const char *mend = yyjson_get_str(yyjson_obj_get(data, "mend"));

	if (!name)
		name = yyjson_get_str(yyjson_obj_get(data, "name"));
	if (code != 0)
		err_set(&n->err, -EREMOTE, "%.180s (%s%s%d)", message ? message : "refused",
			name ? name : "", name ? " " : "", code);
	else
		err_set(&n->err, -EREMOTE, "%.240s", message ? message : "refused");
	err_where(&n->err, "%s", path ? path : what ? what : "");
	if (mend)
		err_mend(&n->err, "%s", mend);
	if (code == EXPIRED)
		n->status = DEP_EXPIRED;
	if (n->json) {
		char *text = yyjson_val_write(error, YYJSON_WRITE_PRETTY_TWO_SPACES, NULL);

		printf("{\"error\": %s}\n", text ? text : "null");
		free(text);
	}
}

/* A document {"code", "name"?, "message", "data"} of a JSON-RPC error. */
static yyjson_doc *error_of(const struct mcp_reply *r)
{
	yyjson_mut_doc *m = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(m);
	yyjson_doc *doc;

	yyjson_mut_doc_set_root(m, root);
	yyjson_mut_obj_add_int(m, root, "code", r->code);
	yyjson_mut_obj_add_strcpy(m, root, "message", r->message);
	if (r->data)
		yyjson_mut_obj_add_val(m, root, "data", yyjson_val_mut_copy(m, r->data));
	doc = yyjson_mut_doc_imut_copy(m, NULL);
	yyjson_mut_doc_free(m);
	return doc;
}

/* The same of a tool's result that is a failure: structuredContent.error, with the text for people
 * as its message where it has none. NULL: the result is none. */
static yyjson_doc *error_in(yyjson_val *result)
{
	yyjson_val *error = yyjson_obj_get(yyjson_obj_get(result, "structuredContent"), "error");
	yyjson_val *content = yyjson_arr_get_first(yyjson_obj_get(result, "content"));
	const char *text = yyjson_get_str(yyjson_obj_get(content, "text"));
	struct mcp_reply r = {.message = text ? text : "refused"};
	yyjson_mut_doc *m;
	yyjson_doc *doc;

	if (!yyjson_get_bool(yyjson_obj_get(result, "isError")))
		return NULL;
	if (!yyjson_is_obj(error))
		return error_of(&r);
	m = yyjson_mut_doc_new(NULL);
	yyjson_mut_doc_set_root(m, yyjson_val_mut_copy(m, error));
	if (!yyjson_obj_get(error, "message"))
		yyjson_mut_obj_add_strcpy(m, yyjson_mut_doc_get_root(m), "message", r.message);
	doc = yyjson_mut_doc_imut_copy(m, NULL);
	yyjson_mut_doc_free(m);
	return doc;
}

static yyjson_mut_val *call_params(const char *tool, yyjson_mut_doc *doc, yyjson_mut_val *arguments)
{
	yyjson_mut_val *params = yyjson_mut_obj(doc);

	yyjson_mut_obj_add_str(doc, params, "name", tool);
	yyjson_mut_obj_add_val(doc, params, "arguments",
			       arguments ? arguments : yyjson_mut_obj(doc));
	return params;
}

yyjson_doc *node_try(struct node *n, const char *tool, yyjson_mut_doc *doc,
		     yyjson_mut_val *arguments, yyjson_val **result, yyjson_val **error)
{
	yyjson_mut_doc *own = NULL;
	struct mcp_reply r;
	yyjson_val *structured;
	yyjson_doc *e;
	int rc;

	*result = NULL;
	*error = NULL;
	if (node_connect(n) != 0)
		return NULL;
	if (!doc)
		doc = own = yyjson_mut_doc_new(NULL);
	rc = mcp_client_request(n->client, "tools/call", doc, call_params(tool, doc, arguments), &r,
				&n->err);
	yyjson_mut_doc_free(own);
	e = rc == -EREMOTE ? error_of(&r) : rc == 0 ? error_in(r.result) : NULL;
	if (e) {
		mcp_reply_free(&r);
		*error = yyjson_doc_get_root(e);
		return e;
	}
	if (rc != 0) {
		mcp_reply_free(&r);
		return failed(n);
	}
	structured = yyjson_obj_get(r.result, "structuredContent");
	*result = structured ? structured : r.result;
	return r.doc;
}

yyjson_doc *node_tool(struct node *n, const char *tool, yyjson_mut_doc *doc,
		      yyjson_mut_val *arguments, yyjson_val **result)
{
	yyjson_val *error;
	yyjson_doc *answer = node_try(n, tool, doc, arguments, result, &error);

	if (!answer || !error)
		return answer;
	node_refused(n, NULL, error);
	yyjson_doc_free(answer);
	return NULL;
}

yyjson_doc *node_request(struct node *n, const char *method, yyjson_mut_doc *doc,
			 yyjson_mut_val *params, yyjson_val **result)
{
	struct mcp_reply r;
	yyjson_doc *e;
	int rc;

	if (node_connect(n) != 0)
		return NULL;
	rc = mcp_client_request(n->client, method, doc, params, &r, &n->err);
	if (rc == -EREMOTE) {
		e = error_of(&r);
		node_refused(n, yyjson_mut_get_str(yyjson_mut_obj_get(params, "uri")),
			     yyjson_doc_get_root(e));
		yyjson_doc_free(e);
	}
	if (rc != 0) {
		mcp_reply_free(&r);
		return rc == -EREMOTE ? NULL : failed(n);
	}
	*result = r.result;
	return r.doc;
}

char *node_read(struct node *n, const char *uri)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *params = yyjson_mut_obj(doc);
	yyjson_val *result;
	yyjson_doc *answer;
	const char *text;
	char *copy = NULL;

	yyjson_mut_obj_add_str(doc, params, "uri", uri);
	answer = node_request(n, "resources/read", doc, params, &result);
	yyjson_mut_doc_free(doc);
	if (!answer)
		return NULL;
	text = yyjson_get_str(
		yyjson_obj_get(yyjson_arr_get_first(yyjson_obj_get(result, "contents")), "text"));
	copy = strdup(text ? text : "");
	yyjson_doc_free(answer);
	return copy;
}
