/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls and messages, whatever carries them. */
#include "node/mcp/client_priv.h"
#include "node/mcp/header.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 60000u
#define MAX_BYTES (16u << 20)

size_t client_max(const struct mcp_client *c)
{
	return c->p.max_bytes ? c->p.max_bytes : MAX_BYTES;
}

const char *mcp_client_protocol(const struct mcp_client *c)
{
	return c->protocol;
}

bool mcp_client_modern(const struct mcp_client *c)
{
	return c->modern;
}

yyjson_val *mcp_client_capabilities(const struct mcp_client *c)
{
	return yyjson_obj_get(yyjson_doc_get_root(c->hello), "capabilities");
}

yyjson_val *mcp_client_server(const struct mcp_client *c)
{
	yyjson_val *root = yyjson_doc_get_root(c->hello);
	yyjson_val *meta = yyjson_obj_get(yyjson_obj_get(root, "_meta"), MCP_META "serverInfo");

	return meta ? meta : yyjson_obj_get(root, "serverInfo");
}

const char *mcp_client_instructions(const struct mcp_client *c)
{
	return yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(c->hello), "instructions"));
}

void mcp_reply_free(struct mcp_reply *r)
{
	yyjson_doc_free(r->doc);
	*r = (struct mcp_reply){0};
}

/* --- calls --- */

void call_finish(struct mcp_call *call, int rc)
{
	if (call->done)
		return;
	call->done = true;
	call->rc = rc;
	if (call->x)
		http_drop(call);
}

int call_fail(struct mcp_call *call, int code, const char *fmt, ...)
{
	va_list ap;
	char what[256];

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	err_set(&call->err, code, "%s", what);
	err_where(&call->err, "%s", call->method);
	call_finish(call, code);
	return code;
}

static void add_meta(struct mcp_call *call, yyjson_mut_doc *doc, yyjson_mut_val *params)
{
	struct mcp_client *c = call->c;
	yyjson_mut_val *meta = yyjson_mut_obj_get(params, "_meta");
	yyjson_mut_val *info;

	if (!c->modern && (!c->p.want_progress || call->notification))
		return;
	if (!meta)
		meta = yyjson_mut_obj_add_obj(doc, params, "_meta");
	if (c->p.want_progress && !call->notification)
		yyjson_mut_obj_add_int(doc, meta, "progressToken", call->id);
	if (!c->modern)
		return;
	yyjson_mut_obj_add_str(doc, meta, MCP_META "protocolVersion", c->protocol);
	yyjson_mut_obj_add_val(doc, meta, MCP_META "clientCapabilities", client_declares(c, doc));
	info = yyjson_mut_obj_add_obj(doc, meta, MCP_META "clientInfo");
	yyjson_mut_obj_add_str(doc, info, "name", c->p.name);
	yyjson_mut_obj_add_str(doc, info, "version", c->p.version);
	if (c->p.log_level)
		yyjson_mut_obj_add_str(doc, meta, MCP_META "logLevel", c->p.log_level);
}

static void add_answers(struct mcp_call *call, yyjson_mut_doc *doc, yyjson_mut_val *params)
{
	yyjson_val *state = yyjson_obj_get(
		yyjson_obj_get(yyjson_doc_get_root(call->answers), "result"), "requestState");
	yyjson_mut_val *responses = yyjson_mut_doc_get_root(call->responses);

	if (responses)
		yyjson_mut_obj_add_val(doc, params, "inputResponses",
				       yyjson_mut_val_mut_copy(doc, responses));
	if (state)
		yyjson_mut_obj_add_val(doc, params, "requestState",
				       yyjson_val_mut_copy(doc, state));
}

char *call_text(struct mcp_call *call, size_t *n)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_val *params =
		yyjson_mut_val_mut_copy(doc, yyjson_mut_doc_get_root(call->params));
	char *text;

	call->id = call->c->next_id++;
	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "jsonrpc", "2.0");
	if (!call->notification)
		yyjson_mut_obj_add_int(doc, root, "id", call->id);
	yyjson_mut_obj_add_str(doc, root, "method", call->method);
	add_answers(call, doc, params);
	add_meta(call, doc, params);
	if (yyjson_mut_obj_size(params) > 0)
		yyjson_mut_obj_add_val(doc, root, "params", params);
	text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, n);
	yyjson_mut_doc_free(doc);
	return text;
}

void call_send(struct mcp_call *call)
{
	struct mcp_client *c = call->c;
	size_t n;
	char *text = call_text(call, &n);
	int rc;

	call->alive = clock_now();
	if (!text) {
		call_fail(call, -ENOMEM, "no memory for a request");
		return;
	}
	if (c->p.command)
		rc = stdio_send(c, text, &call->err);
	else
		rc = http_send(c, call, text, &call->err);
	if (rc != 0)
		call_finish(call, rc);
	else if (call->notification && c->p.command)
		call_finish(call, 0);
}

static struct mcp_call *call_new(struct mcp_client *c, const char *method, yyjson_mut_val *params)
{
	struct mcp_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->c = c;
	list_add(&c->calls, &call->link);
	call->method = strdup(method);
	call->params = yyjson_mut_doc_new(NULL);
	if (call->params)
		yyjson_mut_doc_set_root(call->params,
					params ? yyjson_mut_val_mut_copy(call->params, params)
					       : yyjson_mut_obj(call->params));
	if (call->method && yyjson_mut_doc_get_root(call->params))
		return call;
	mcp_call_free(call);
	return NULL;
}

/* A tool that the list has, and that is unfit for use, is not called. */
static bool unfit(struct mcp_client *c, const char *method, yyjson_mut_val *params, struct err *err)
{
	const char *name = yyjson_mut_get_str(yyjson_mut_obj_get(params, "name"));
	yyjson_val *tool;

	if (strcmp(method, "tools/call") != 0 || !name || !c->modern || c->p.command)
		return false;
	tool = client_tool(c, name);
	return tool && mcp_header_check(tool, err) != 0;
}

struct mcp_call *mcp_client_start(struct mcp_client *c, const char *method, yyjson_mut_doc *doc,
				  yyjson_mut_val *params, struct err *err)
{
	struct mcp_call *call;

	if (unfit(c, method, params, err))
		return NULL;
	call = call_new(c, method, params);
	if (!call) {
		err_set(err, -ENOMEM, "no memory for a request");
		return NULL;
	}
	call_send(call);
	return call;
}

bool mcp_call_done(const struct mcp_call *call)
{
	return call->done;
}

void mcp_call_endless(struct mcp_call *call)
{
	call->endless = true;
}

int mcp_call_reply(struct mcp_call *call, struct mcp_reply *reply, struct err *err)
{
	if (reply) {
		*reply = call->reply;
		call->reply = (struct mcp_reply){0};
	}
	if (call->rc != 0 && err)
		*err = call->err;
	return call->rc;
}

/* Tells the server, where the connection itself does not. */
static void cancel(struct mcp_call *call)
{
	struct mcp_client *c = call->c;
	yyjson_mut_doc *doc;
	yyjson_mut_val *params;

	if (call->notification || !c->opened || (c->modern && !c->p.command))
		return;
	doc = yyjson_mut_doc_new(NULL);
	params = yyjson_mut_obj(doc);
	yyjson_mut_obj_add_int(doc, params, "requestId", call->id);
	mcp_client_notify(c, "notifications/cancelled", doc, params, NULL);
	yyjson_mut_doc_free(doc);
}

void mcp_call_free(struct mcp_call *call)
{
	bool running;

	if (!call)
		return;
	running = !call->done && call->id != 0;
	call->done = true;
	if (call->x)
		http_drop(call);
	list_each (it, &call->c->messages) {
		struct message *m = container_of(it, struct message, link);

		if (m->call == call)
			m->call = NULL;
	}
	list_del(&call->link);
	if (running)
		cancel(call);
	mcp_reply_free(&call->reply);
	yyjson_mut_doc_free(call->params);
	yyjson_mut_doc_free(call->responses);
	yyjson_doc_free(call->answers);
	free(call->method);
	free(call);
}

static int wait_for(struct mcp_call *call)
{
	while (!call->done)
		mcp_client_step(call->c, -1, -1);
	return call->rc;
}

int mcp_client_request(struct mcp_client *c, const char *method, yyjson_mut_doc *doc,
		       yyjson_mut_val *params, struct mcp_reply *reply, struct err *err)
{
	struct mcp_call *call = mcp_client_start(c, method, doc, params, err);
	int rc;

	*reply = (struct mcp_reply){0};
	if (!call)
		return err && err->code ? err->code : -ENOMEM;
	wait_for(call);
	rc = mcp_call_reply(call, reply, err);
	mcp_call_free(call);
	return rc;
}

int mcp_client_notify(struct mcp_client *c, const char *method, yyjson_mut_doc *doc,
		      yyjson_mut_val *params, struct err *err)
{
	struct mcp_call *call = call_new(c, method, params);
	int rc;

	if (!call)
		return err_set(err, -ENOMEM, "no memory for a notification");
	call->notification = true;
	call_send(call);
	wait_for(call);
	rc = mcp_call_reply(call, NULL, err);
	mcp_call_free(call);
	return rc;
}

/* --- messages --- */

int client_queue(struct mcp_client *c, struct mcp_call *call, const char *text, size_t n)
{
	struct message *m = malloc(sizeof(*m) + n + 1);

	if (!m)
		return -ENOMEM;
	m->call = call;
	m->n = n;
	memcpy(m->text, text, n);
	m->text[n] = '\0';
	list_add(&c->messages, &m->link);
	return 0;
}

static struct mcp_call *find_call(struct mcp_client *c, yyjson_val *id)
{
	list_each (it, &c->calls) {
		struct mcp_call *call = container_of(it, struct mcp_call, link);

		if (!call->done && !call->notification && yyjson_is_int(id) &&
		    yyjson_get_sint(id) == call->id)
			return call;
	}
	return NULL;
}

/* A header did not fit: the tool's schema says which there must be. */
static bool relist(struct mcp_call *call)
{
	yyjson_mut_doc *doc;
	yyjson_mut_val *list;
	int rc;

	if (call->listed || !call->c->modern || strcmp(call->method, "tools/call") != 0)
		return false;
	call->listed = true;
	doc = yyjson_mut_doc_new(NULL);
	rc = mcp_client_list(call->c, "tools/list", "tools", doc, &list, NULL);
	yyjson_mut_doc_free(doc);
	if (rc != 0)
		return false;
	call_send(call);
	return true;
}

static void take_error(struct mcp_call *call, yyjson_doc *doc, yyjson_val *error)
{
	const char *message = yyjson_get_str(yyjson_obj_get(error, "message"));
	int code = (int)yyjson_get_sint(yyjson_obj_get(error, "code"));

	if (code == -32020 && relist(call)) {
		yyjson_doc_free(doc);
		return;
	}
	call->reply = (struct mcp_reply){.doc = doc,
					 .code = code,
					 .message = message ? message : "",
					 .data = yyjson_obj_get(error, "data")};
	err_set(&call->err, -EREMOTE, "%s (%d)", message && message[0] ? message : "refused", code);
	err_where(&call->err, "%s", call->method);
	call_finish(call, -EREMOTE);
}

static void take_response(struct mcp_call *call, yyjson_doc *doc)
{
	yyjson_val *root = yyjson_doc_get_root(doc);
	yyjson_val *result = yyjson_obj_get(root, "result");
	yyjson_val *error = yyjson_obj_get(root, "error");
	const char *type = yyjson_get_str(yyjson_obj_get(result, "resultType"));

	if (yyjson_is_obj(error)) {
		take_error(call, doc, error);
	} else if (!yyjson_is_obj(result)) {
		yyjson_doc_free(doc);
		call_fail(call, -EPROTO, "the answer is neither a result nor an error");
	} else if (call->c->modern && type && strcmp(type, "input_required") == 0) {
		call_input_required(call, doc, result);
	} else {
		call->reply = (struct mcp_reply){.doc = doc, .result = result};
		call_finish(call, 0);
	}
}

static void take_notification(struct mcp_client *c, struct mcp_call *on, const char *method,
			      yyjson_val *params)
{
	yyjson_val *token = yyjson_obj_get(params, "progressToken");
	yyjson_val *subscription =
		yyjson_obj_get(yyjson_obj_get(params, "_meta"), MCP_META "subscriptionId");
	struct mcp_call *call = find_call(c, subscription ? subscription : token);

	if (!call)
		call = on;
	if (call)
		call->alive = clock_now();
	if (c->p.notify)
		c->p.notify(c->p.ctx, call, method, params);
}

static void take(struct mcp_client *c, struct message *m)
{
	yyjson_doc *doc = json_parse(m->text, m->n, client_max(c), NULL, NULL);
	yyjson_val *root = yyjson_doc_get_root(doc);
	const char *method = yyjson_get_str(yyjson_obj_get(root, "method"));
	yyjson_val *id = yyjson_obj_get(root, "id");
	struct mcp_call *call;

	if (!yyjson_is_obj(root)) {
		yyjson_doc_free(doc);
		if (m->call && !m->call->done)
			call_fail(m->call, -EPROTO, "the answer is not JSON");
		return;
	}
	if (method) {
		if (id)
			client_asked(c, root);
		else
			take_notification(c, m->call, method, yyjson_obj_get(root, "params"));
		yyjson_doc_free(doc);
		return;
	}
	call = find_call(c, id);
	/* An error that names no request belongs to the one whose answer it is. */
	if (!call && m->call && !m->call->done && (!id || yyjson_is_null(id)))
		call = m->call;
	if (call)
		take_response(call, doc);
	else
		yyjson_doc_free(doc);
}

unsigned client_handle(struct mcp_client *c)
{
	unsigned n = 0;

	while (!list_empty(&c->messages)) {
		struct message *m = container_of(c->messages.next, struct message, link);

		list_del(&m->link);
		take(c, m);
		free(m);
		n++;
	}
	return n;
}

/* --- time --- */

static bool expire(struct mcp_client *c, usec_t now, usec_t *next)
{
	usec_t patience = MSEC(c->p.timeout_ms ? c->p.timeout_ms : TIMEOUT_MS);
	bool any = false;

	list_each_safe (it, &c->calls) {
		struct mcp_call *call = container_of(it, struct mcp_call, link);

		if (call->done || call->endless)
			continue;
		if (c->ended) {
			call_fail(call, -EPIPE, "the server's process has ended");
			any = true;
		} else if (now >= call->alive + patience) {
			cancel(call);
			call_fail(call, -ETIMEDOUT, "no answer within %u s",
				  (unsigned)(patience / SEC(1)));
			any = true;
		} else if (call->alive + patience < *next) {
			*next = call->alive + patience;
		}
	}
	return any;
}

static bool pump(struct mcp_client *c, usec_t *next)
{
	bool any = c->p.command ? stdio_pump(c) : http_pump(c, clock_now(), next);

	any |= client_handle(c) > 0;
	return any | expire(c, clock_now(), next);
}

int mcp_client_step(struct mcp_client *c, int ms, int fd)
{
	struct curl_waitfd extra[3];
	unsigned n = 0;
	usec_t next = USEC_NEVER;
	usec_t now;
	int64_t wait = ms < 0 ? 3600000 : ms;

	if (pump(c, &next))
		return 0;
	now = clock_now();
	if (next != USEC_NEVER && (next - now + 999) / 1000 < wait)
		wait = next > now ? (next - now + 999) / 1000 : 0;
	if (fd >= 0)
		extra[n++] = (struct curl_waitfd){.fd = fd, .events = CURL_WAIT_POLLIN};
	if (c->p.command && !c->ended)
		extra[n++] = (struct curl_waitfd){.fd = c->out, .events = CURL_WAIT_POLLIN};
	if (c->p.command && c->pending.n > 0)
		extra[n++] = (struct curl_waitfd){.fd = c->in, .events = CURL_WAIT_POLLOUT};
	if (c->ended && c->p.command)
		return -EPIPE;
	curl_multi_poll(c->multi, extra, n, (int)wait, NULL);
	pump(c, &next);
	return 0;
}

/* --- opening, closing --- */

struct mcp_client *mcp_client_open(const struct mcp_client_params *p, struct err *err)
{
	struct mcp_client *c = calloc(1, sizeof(*c));
	int rc;

	if (!c) {
		err_set(err, -ENOMEM, "no memory for a client");
		return NULL;
	}
	c->p = *p;
	c->next_id = 1;
	c->in = -1;
	c->out = -1;
	list_init(&c->calls);
	list_init(&c->messages);
	list_init(&c->exchanges);
	alloc_init(&c->alloc, 4 * client_max(c));
	buf_init(&c->line, &c->alloc);
	buf_init(&c->pending, &c->alloc);
	c->multi = curl_multi_init();
	rc = p->command ? stdio_open(c, err) : http_open(c, err);
	if (rc == 0)
		rc = client_negotiate(c, err);
	if (rc == 0)
		return c;
	mcp_client_close(c);
	return NULL;
}

void mcp_client_close(struct mcp_client *c)
{
	if (!c)
		return;
	list_each_safe (it, &c->calls) {
		container_of(it, struct mcp_call, link)->done = true;
	}
	if (c->p.command)
		stdio_close(c);
	else
		http_close(c);
	while (!list_empty(&c->messages)) {
		struct message *m = container_of(c->messages.next, struct message, link);

		list_del(&m->link);
		free(m);
	}
	curl_multi_cleanup(c->multi);
	yyjson_doc_free(c->hello);
	yyjson_doc_free(c->tools);
	buf_free(&c->line);
	buf_free(&c->pending);
	free(c->url);
	free(c);
}
