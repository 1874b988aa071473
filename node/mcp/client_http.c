/* SPDX-License-Identifier: BSD-2-Clause */
/* Streamable HTTP: a POST a message, answered by JSON or by a stream of events; streams that break
 * are resumed where the revision can (spec §2.5, §2.6). */
#include "node/mcp/client_priv.h"
#include "node/mcp/fetch.h"
#include "node/mcp/header.h"
#include "node/mcp/oauth.h"
#include "node/mcp/sse.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECT_MS 10000L
#define RETRY_MS 1000
#define MAX_RETRY_MS 300000

struct exchange {
	struct list link;
	struct mcp_client *c;
	struct mcp_call
		*call; /* NULL: an answer of ours, the session's stream, or one that is answered */
	CURL *easy;
	struct curl_slist *fields;
	char *post; /* NULL: GET */
	bool session_stream;
	bool running; /* in the multi handle */
	usec_t wake;  /* not running: when to start */
	struct alloc alloc;
	struct buf in;
	struct sse sse;
	bool is_sse;
	char type[128];
	char www[4096];
	char last_id[SSE_MAX_ID];
	char why[CURL_ERROR_SIZE];
};

int http_open(struct mcp_client *c, struct err *err)
{
	if (!c->p.unix_socket && !url_is_safe(c->p.url) &&
	    (c->p.token || strncasecmp(c->p.url, "http://", 7) != 0)) {
		err_set(err, -EINVAL, "not an https URL");
		err_where(err, "%s", c->p.url);
		err_mend(err, "a token goes over https, or to this machine, alone");
		return -EINVAL;
	}
	c->url = strdup(c->p.url);
	return c->url && c->multi ? 0 : err_set(err, -ENOMEM, "no memory for a client");
}

static void exchange_free(struct exchange *x)
{
	if (x->call)
		x->call->x = NULL;
	list_del(&x->link);
	if (x->easy) {
		if (x->running)
			curl_multi_remove_handle(x->c->multi, x->easy);
		curl_easy_cleanup(x->easy);
	}
	for (struct curl_slist *l = x->fields; l; l = l->next)
		OPENSSL_cleanse(l->data, strlen(l->data)); /* a token may be in it */
	curl_slist_free_all(x->fields);
	sse_free(&x->sse);
	buf_free(&x->in);
	free(x->post);
	free(x);
}

void http_drop(struct mcp_call *call)
{
	if (!call->x)
		return;
	/* A stream whose answer has come ends by itself: the connection can be used again. */
	if (call->done && call->rc == 0 && !call->endless && call->x->running) {
		call->x->call = NULL;
		call->x = NULL;
		return;
	}
	exchange_free(call->x);
}

/* --- what comes --- */

static void on_event(void *ctx, const struct sse_event *e)
{
	struct exchange *x = ctx;

	if (strcmp(e->event, "message") == 0 && e->n > 0)
		client_queue(x->c, x->call, e->data, e->n);
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;
	long status = 0;

	if (x->call)
		x->call->alive = clock_now();
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	if (x->is_sse && status == 200)
		return sse_feed(&x->sse, p, n) == 0 ? n : CURL_WRITEFUNC_ERROR;
	if (x->in.n + n > client_max(x->c))
		return CURL_WRITEFUNC_ERROR;
	buf_bytes(&x->in, p, n);
	return x->in.failed ? CURL_WRITEFUNC_ERROR : n;
}

/* The value of a field of this name, or NULL; *v is its length without space around it. */
static const char *field(const char *line, size_t n, const char *name, size_t *v)
{
	size_t at = strlen(name);

	if (n <= at || strncasecmp(line, name, at) != 0 || line[at] != ':')
		return NULL;
	at++;
	while (at < n && (line[at] == ' ' || line[at] == '\t'))
		at++;
	while (n > at && (unsigned char)line[n - 1] <= ' ')
		n--;
	*v = n - at;
	return line + at;
}

static void keep(char *to, size_t size, const char *v, size_t n)
{
	if (n >= size)
		n = 0;
	memcpy(to, v, n);
	to[n] = '\0';
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;
	const char *v;
	size_t len;
	size_t at;

	if ((v = field(p, n, "Content-Type", &len))) {
		keep(x->type, sizeof(x->type), v, len);
		x->is_sse = strncasecmp(x->type, "text/event-stream", 17) == 0;
	} else if ((v = field(p, n, "Mcp-Session-Id", &len)) && !x->c->modern && !x->c->opened) {
		/* Another session than the one agreed on is not to be had. */
		if (len < sizeof(x->c->session))
			keep(x->c->session, sizeof(x->c->session), v, len);
	} else if ((v = field(p, n, "WWW-Authenticate", &len))) {
		at = strlen(x->www);
		if (at + len + 3 <= sizeof(x->www)) {
			memcpy(x->www + at, at ? ", " : "", at ? 2 : 0);
			at += at ? 2 : 0;
			memcpy(x->www + at, v, len);
			x->www[at + len] = '\0';
		}
	}
	return n;
}

/* --- what goes --- */

static int add(void *ctx, const char *line)
{
	struct exchange *x = ctx;
	struct curl_slist *l = curl_slist_append(x->fields, line);

	if (!l)
		return -ENOMEM;
	x->fields = l;
	return 0;
}

static int addf(struct exchange *x, const char *name, const char *value)
{
	struct alloc a;
	struct buf b;
	int rc;

	alloc_init(&a, 0);
	buf_init(&b, &a);
	buf_printf(&b, "%s: %s", name, value);
	buf_u8(&b, 0);
	rc = b.failed ? -ENOMEM : add(x, (const char *)b.p);
	if (b.p)
		OPENSSL_cleanse(b.p, b.n);
	buf_free(&b);
	return rc;
}

static int add_name(struct exchange *x, yyjson_mut_val *value)
{
	struct alloc a;
	struct buf b;
	int rc;

	if (!yyjson_mut_is_str(value))
		return 0;
	alloc_init(&a, 0);
	buf_init(&b, &a);
	buf_printf(&b, "Mcp-Name: ");
	mcp_header_value(&b, yyjson_mut_get_str(value), yyjson_mut_get_len(value));
	buf_u8(&b, 0);
	rc = b.failed ? -ENOMEM : add(x, (const char *)b.p);
	buf_free(&b);
	return rc;
}

/* Mcp-Param-NAME of a tool whose schema is known. */
static int add_params(struct exchange *x, yyjson_mut_val *params)
{
	const char *name = yyjson_mut_get_str(yyjson_mut_obj_get(params, "name"));
	yyjson_val *tool = name ? client_tool(x->c, name) : NULL;
	yyjson_mut_val *args = yyjson_mut_obj_get(params, "arguments");
	yyjson_doc *copy;
	int rc;

	if (!tool || !args)
		return 0;
	copy = yyjson_mut_val_imut_copy(args, NULL);
	rc = copy ? mcp_header_params(tool, yyjson_doc_get_root(copy), add, x) : -ENOMEM;
	yyjson_doc_free(copy);
	return rc;
}

static int standard_fields(struct exchange *x)
{
	const char *method = x->call ? x->call->method : NULL;
	yyjson_mut_val *params = x->call ? yyjson_mut_doc_get_root(x->call->params) : NULL;
	int rc;

	if (!method)
		return 0;
	rc = addf(x, "Mcp-Method", method);
	if (rc == 0 && (strcmp(method, "tools/call") == 0 || strcmp(method, "prompts/get") == 0))
		rc = add_name(x, yyjson_mut_obj_get(params, "name"));
	if (rc == 0 && strcmp(method, "resources/read") == 0)
		rc = add_name(x, yyjson_mut_obj_get(params, "uri"));
	if (rc == 0 && strncmp(method, "tasks/", 6) == 0)
		rc = add_name(x, yyjson_mut_obj_get(params, "taskId"));
	if (rc == 0 && strcmp(method, "tools/call") == 0)
		rc = add_params(x, params);
	return rc;
}

static int set_fields(struct exchange *x)
{
	struct mcp_client *c = x->c;
	bool negotiated =
		c->opened || c->modern || (x->call && strcmp(x->call->method, "initialize") != 0);
	const char *token = c->p.token	 ? c->p.token
			    : c->p.oauth ? oauth_token(c->p.oauth, c->url)
					 : NULL;
	char bearer[8192];
	int rc;

	rc = add(x, x->post ? "Accept: application/json, text/event-stream"
			    : "Accept: text/event-stream");
	if (rc == 0 && x->post)
		rc = add(x, "Content-Type: application/json");
	if (rc == 0)
		rc = add(x, "Expect:");
	if (rc == 0 && c->protocol && negotiated)
		rc = addf(x, "MCP-Protocol-Version", c->protocol);
	if (rc == 0 && c->session[0] && !c->modern)
		rc = addf(x, "Mcp-Session-Id", c->session);
	if (rc == 0 && x->last_id[0])
		rc = addf(x, "Last-Event-ID", x->last_id);
	if (rc == 0 && c->modern)
		rc = standard_fields(x);
	if (rc == 0 && token && (c->p.unix_socket || url_is_safe(c->url))) {
		snprintf(bearer, sizeof(bearer), "Bearer %s", token);
		rc = addf(x, "Authorization", bearer);
		OPENSSL_cleanse(bearer, sizeof(bearer));
	}
	return rc;
}

static int start(struct exchange *x)
{
	struct mcp_client *c = x->c;
	CURL *e = curl_easy_init();

	x->easy = e;
	curl_slist_free_all(x->fields);
	x->fields = NULL;
	if (!e || set_fields(x) != 0)
		return -ENOMEM;
	curl_easy_setopt(e, CURLOPT_URL, c->url);
	curl_easy_setopt(e, CURLOPT_PRIVATE, x);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, x->fields);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->why);
	if (c->p.unix_socket)
		curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, c->p.unix_socket);
	if (c->p.unix_socket || url_is_loopback(c->url))
		curl_easy_setopt(e, CURLOPT_PROXY, "");
	if (c->p.ca_file)
		curl_easy_setopt(e, CURLOPT_CAINFO, c->p.ca_file);
	if (x->post) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(x->post));
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, x->post);
	}
	x->wake = 0;
	x->running = curl_multi_add_handle(c->multi, e) == CURLM_OK;
	return x->running ? 0 : -ENOMEM;
}

static struct exchange *exchange_new(struct mcp_client *c, struct mcp_call *call, char *post)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x) {
		free(post);
		return NULL;
	}
	x->c = c;
	x->call = call;
	x->post = post;
	alloc_init(&x->alloc, 4 * client_max(c));
	buf_init(&x->in, &x->alloc);
	sse_init(&x->sse, client_max(c), on_event, x);
	list_add(&c->exchanges, &x->link);
	if (call)
		call->x = x;
	return x;
}

int http_send(struct mcp_client *c, struct mcp_call *call, char *text, struct err *err)
{
	struct exchange *x;

	if (call && call->x)
		http_drop(call);
	x = exchange_new(c, call, text);
	if (x && start(x) == 0)
		return 0;
	if (x)
		exchange_free(x);
	return err_set(err, -ENOMEM, "no memory for a request");
}

int http_stream(struct mcp_client *c)
{
	struct exchange *x = exchange_new(c, NULL, NULL);

	if (!x)
		return -ENOMEM;
	x->session_stream = true;
	if (start(x) == 0)
		return 0;
	exchange_free(x);
	return -ENOMEM;
}

int mcp_client_stream(struct mcp_client *c, struct err *err)
{
	if (c->modern || c->p.command || c->stream)
		return 0;
	c->stream = true;
	return http_stream(c) == 0 ? 0 : err_set(err, -ENOMEM, "no memory for a stream");
}

/* --- ends --- */

/* The stream broke or the server closed it: a GET takes it up again, when the server says
 * (SEP-1699: a closed stream is as good as a broken one). */
static bool resume(struct exchange *x)
{
	struct mcp_client *c = x->c;
	const char *id = x->sse.last_id[0] ? x->sse.last_id : x->last_id;
	long ms = x->sse.retry_ms >= 0 ? x->sse.retry_ms : RETRY_MS;
	struct exchange *next;

	if (c->modern || (!x->session_stream && !id[0]))
		return false;
	if (x->call && ++x->call->resumes > MCP_MAX_RESUMES)
		return false;
	next = exchange_new(c, x->call, NULL);
	if (!next)
		return false;
	memcpy(next->last_id, id, strlen(id) + 1);
	next->sse.retry_ms = x->sse.retry_ms;
	next->session_stream = x->session_stream;
	next->wake = clock_now() + MSEC(ms > MAX_RETRY_MS ? MAX_RETRY_MS : ms);
	if (x->call) {
		x->call->alive = next->wake;
		x->call = NULL; /* next has it now */
	}
	return true;
}

static void no_connection(struct exchange *x, CURLcode rc)
{
	struct mcp_client *c = x->c;
	struct mcp_call *call = x->call;
	const char *why = x->why[0] ? x->why : curl_easy_strerror(rc);
	bool refused = rc == CURLE_COULDNT_CONNECT || rc == CURLE_COULDNT_RESOLVE_HOST;

	err_set(&call->err, refused ? -ECONNREFUSED : -EIO, "%s", why);
	err_where(&call->err, "%s", c->p.unix_socket ? c->p.unix_socket : c->url);
	if (refused && c->p.unix_socket)
		err_mend(&call->err, "is dep-netops running? dep status tells");
	else if (refused)
		err_mend(&call->err, "is the address right, and does the server run?");
	else if (rc == CURLE_PEER_FAILED_VERIFICATION)
		err_mend(&call->err, "--ca FILE names the authority to trust");
	call_finish(call, call->err.code);
}

/* 401, or 403 for want of scope: gets a token and sends again. Returns whether the exchange is
 * dealt with. */
static bool authorize(struct exchange *x, int status)
{
	struct mcp_client *c = x->c;
	struct mcp_call *call = x->call;

	if (!c->p.oauth || (status != 401 && !oauth_wants_more(x->www)))
		return false;
	if (call->auths++ >= MCP_MAX_AUTHS) {
		call_fail(call, -EACCES, "the server refuses every token (%d)", status);
		return true;
	}
	if (oauth_challenge(c->p.oauth, c->url, status, x->www, &call->err) != 0)
		call_finish(call, call->err.code);
	else
		call_send(call);
	return true;
}

static void refused(struct mcp_call *call, int status)
{
	call_fail(call, status == 401 || status == 403 ? -EACCES : -EPROTO,
		  "the server answers with HTTP status %d", status);
	if (status == 401)
		err_mend(&call->err, "dep login URL, or a token in DEP_TOKEN");
	else if (status == 404)
		err_mend(&call->err, "is the path of the URL right? it usually ends in /mcp");
}

/* A whole answer in the body. Returns whether it was for the call, or the call is going on. */
static bool take_body(struct exchange *x, struct mcp_call *call)
{
	int64_t id = call->id;

	if (x->in.n == 0 || strncasecmp(x->type, "application/json", 16) != 0)
		return false;
	if (client_queue(x->c, call, (const char *)x->in.p, x->in.n) != 0)
		return false;
	client_handle(x->c);
	return call->done || call->id != id;
}

static void end_stream(struct exchange *x, struct mcp_call *call)
{
	int64_t id = call->id;

	client_handle(x->c);
	if (call->done || call->id != id || x->call != call)
		return;
	if (!resume(x))
		call_fail(call, -EPROTO, "the stream ended without an answer");
}

static void end_call(struct exchange *x, CURLcode rc, int status)
{
	struct mcp_client *c = x->c;
	struct mcp_call *call = x->call;

	call->http_status = status;
	if (x->is_sse && status == 200) {
		end_stream(x, call);
	} else if (rc != CURLE_OK) {
		no_connection(x, rc);
	} else if ((status == 401 || status == 403) && authorize(x, status)) {
		return;
	} else if (status == 404 && c->session[0] && c->opened && !call->reopened) {
		call->reopened = true;
		if (client_reopen(c, &call->err) != 0)
			call_finish(call, call->err.code);
		else
			call_send(call);
	} else if (call->notification && status >= 200 && status < 300) {
		call_finish(call, 0);
	} else if (!take_body(x, call)) {
		if (status >= 200 && status < 300)
			call_fail(call, -EPROTO, "the answer is for another request, or none");
		else
			refused(call, status);
	}
}

static void end(struct exchange *x, CURLcode rc)
{
	long status = 0;

	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_multi_remove_handle(x->c->multi, x->easy);
	x->running = false;
	/* What follows may run other exchanges, or drop this one's call: it is out of reach
	 * meanwhile. */
	list_del(&x->link);
	if (x->call) {
		struct mcp_call *call = x->call;

		call->x = NULL;
		end_call(x, rc, (int)status);
		x->call = NULL;
	} else if (x->session_stream && (status == 200 || status == 0) && x->c->stream) {
		resume(x);
	}
	exchange_free(x);
}

bool http_pump(struct mcp_client *c, usec_t now, usec_t *next)
{
	CURLMsg *m;
	bool any = false;
	int running;
	int left;

	list_each_safe (it, &c->exchanges) {
		struct exchange *x = container_of(it, struct exchange, link);

		if (x->running)
			continue;
		if (x->wake > now) {
			*next = x->wake < *next ? x->wake : *next;
			continue;
		}
		if (start(x) != 0 && x->call)
			call_fail(x->call, -ENOMEM, "no memory to resume a stream");
	}
	curl_multi_perform(c->multi, &running);
	while ((m = curl_multi_info_read(c->multi, &left))) {
		struct exchange *x = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
		end(x, m->data.result);
		any = true;
	}
	return any;
}

/* Ends the session, as far as the server can be asked to. */
static void delete_session(struct mcp_client *c)
{
	struct exchange *x = exchange_new(c, NULL, NULL);
	int running = 1;
	int patience;

	if (!x || start(x) != 0)
		return;
	curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, "DELETE");
	curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, 2000L);
	for (patience = 0; running > 0 && patience < 40; patience++) {
		curl_multi_perform(c->multi, &running);
		if (running > 0)
			curl_multi_poll(c->multi, NULL, 0, 50, NULL);
	}
}

void http_close(struct mcp_client *c)
{
	c->stream = false;
	while (!list_empty(&c->exchanges))
		exchange_free(container_of(c->exchanges.next, struct exchange, link));
	if (c->session[0] && c->opened && !c->modern) {
		delete_session(c);
		while (!list_empty(&c->exchanges))
			exchange_free(container_of(c->exchanges.next, struct exchange, link));
	}
}
