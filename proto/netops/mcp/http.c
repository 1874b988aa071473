/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/mcp/http.h"

#include "proto/netops/mcp/transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define SPARE 256

struct mcp_http {
	struct mcp *m;
	struct mcp_http_config c;
	struct list spare;
	unsigned n_spare;
};

struct http_wire {
	struct mcp_wire w;
	struct mcp_http *s;
	struct http_req *h;
	bool *gone; /* set when this is released */
};

/* ---- Origin and Host (spec §2.14 rule 1) ---- */

/* Is host ("name", "name:port", "[::1]:port"; n bytes) this host itself? */
static bool is_local(const char *host, size_t n)
{
	static const char *const local[] = {"localhost", "127.0.0.1", "[::1]"};
	size_t len;
	size_t i;
	size_t k;

	for (i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
		len = strlen(local[i]);
		if (n < len || strncasecmp(host, local[i], len) != 0)
			continue;
		if (n == len)
			return true;
		if (host[len] != ':' || n == len + 1)
			continue;
		for (k = len + 1; k < n && host[k] >= '0' && host[k] <= '9'; k++)
			;
		if (k == n)
			return true;
	}
	return false;
}

static bool listed(const char *const *list, const char *s, size_t n)
{
	for (; list && *list; list++) {
		if (strlen(*list) == n && strncasecmp(*list, s, n) == 0)
			return true;
	}
	return false;
}

/* Where a browser can be led to us by a name of its attacker, the name must be one of ours: from
 * this host without TLS, and everywhere once names are configured. */
static bool host_ok(const struct mcp_http *s, struct http_req *h)
{
	const struct http_peer *peer = http_peer(h);
	const char *host = http_authority(h);
	size_t n = strlen(host);
	size_t name = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");

	if (peer->is_unix)
		return true;
	if (is_local(host, n) && (peer->loopback || !s->c.hosts))
		return true;
	if (listed(s->c.hosts, host, n) || listed(s->c.hosts, host, name))
		return true;
	return !s->c.hosts && (peer->tls || !peer->loopback);
}

bool mcp_http_origin_ok(const struct mcp_http *s, struct http_req *h)
{
	const char *origin = http_header(h, "origin");
	const struct http_peer *peer = http_peer(h);
	const char *host;

	if (!host_ok(s, h))
		return false;
	if (!origin)
		return true;
	if (listed(s->c.origins, origin, strlen(origin)))
		return true;
	if (strncasecmp(origin, "https://", 8) == 0)
		host = origin + 8;
	else if (strncasecmp(origin, "http://", 7) == 0)
		host = origin + 7;
	else
		return false;
	if (is_local(host, strlen(host)))
		return peer->loopback || peer->is_unix;
	/* The same origin: what this server serves itself. */
	return strcasecmp(host, http_authority(h)) == 0 && (host == origin + 8) == peer->tls;
}

/* ---- wires ---- */

static struct http_wire *wire_of(struct mcp_wire *w)
{
	return container_of(w, struct http_wire, w);
}

static void release(struct http_wire *x)
{
	struct mcp_http *s = x->s;

	if (x->gone)
		*x->gone = true;
	list_del(&x->w.node);
	if (x->h)
		http_set_ctx(x->h, NULL);
	if (s->n_spare < SPARE) {
		list_add(&s->spare, &x->w.node);
		s->n_spare++;
	} else {
		free(x);
	}
}

static void answer(struct mcp_wire *w, unsigned status, const char *session, unsigned scopes,
		   struct slice json)
{
	struct http_wire *x = wire_of(w);
	struct http_req *h = x->h;
	struct mcp_http *s = x->s;
	struct http_field field[3];
	char challenge[512] = "";
	size_t n = 0;

	if (json.n > 0)
		field[n++] = (struct http_field){"content-type", "application/json"};
	if (session)
		field[n++] = (struct http_field){"mcp-session-id", session};
	if (status == 405)
		field[n++] = (struct http_field){"allow", "POST"};
	if ((status == 401 || status == 403) && s->c.challenge)
		s->c.challenge(s->c.ctx, h, status, scopes, challenge, sizeof(challenge));
	if (challenge[0] && n < 3)
		field[n++] = (struct http_field){"www-authenticate", challenge};
	release(x);
	http_reply(h, status, field, n, json);
}

static void open_stream(struct mcp_wire *w)
{
	static const struct http_field field[] = {{"x-accel-buffering", "no"}};

	http_sse_start(wire_of(w)->h, field, 1);
}

static bool event(struct mcp_wire *w, const char *id, struct slice json)
{
	return http_sse_event(wire_of(w)->h, id, json.n ? "message" : NULL, json);
}

static void retry(struct mcp_wire *w, unsigned ms)
{
	char line[32];
	int n = snprintf(line, sizeof(line), "retry: %u\n\n", ms);

	http_write(wire_of(w)->h, slice_of(line, (size_t)n));
}

static void comment(struct mcp_wire *w)
{
	http_sse_comment(wire_of(w)->h, "");
}

static void end(struct mcp_wire *w)
{
	struct http_wire *x = wire_of(w);
	struct http_req *h = x->h;

	release(x);
	http_end(h);
}

static unsigned authenticate(struct mcp_wire *w, struct principal *who)
{
	struct http_wire *x = wire_of(w);

	return x->s->c.authenticate(x->s->c.ctx, x->h, who);
}

static const struct mcp_wire_ops ops = {
	.answer = answer,
	.open = open_stream,
	.event = event,
	.retry = retry,
	.comment = comment,
	.end = end,
	.authenticate = authenticate,
};

static struct http_wire *wire_new(struct mcp_http *s, struct http_req *h)
{
	struct http_wire *x;

	if (!list_empty(&s->spare)) {
		x = container_of(s->spare.next, struct http_wire, w.node);
		list_del(&x->w.node);
		s->n_spare--;
	} else {
		x = malloc(sizeof(*x));
		if (!x)
			return NULL;
	}
	*x = (struct http_wire){.s = s, .h = h};
	mcp_wire_init(&x->w, s->m, &ops, false);
	http_set_ctx(h, x);
	return x;
}

static void lost(struct http_req *h)
{
	struct http_wire *x = http_ctx(h);

	if (!x)
		return;
	x->h = NULL;
	http_set_ctx(h, NULL);
	mcp_wire_gone(&x->w);
	release(x);
}

static void drained(struct http_req *h)
{
	struct http_wire *x = http_ctx(h);

	if (x)
		mcp_wire_drained(&x->w);
}

/* ---- requests ---- */

/* A field that is there twice is read differently by different readers: it counts as one that fits
 * nothing. */
static const char twice[] = "\x7f";

struct wanted {
	const char *name;
	const char *value;
};

static bool look(void *ctx, const char *name, const char *value)
{
	struct wanted *w = ctx;

	if (strcmp(name, w->name) == 0)
		w->value = w->value ? twice : value;
	return true;
}

static const char *field_of(const struct mcp_wire *w, const char *name)
{
	struct wanted wanted = {.name = name};

	http_header_each(((const struct http_wire *)(const void *)w)->h, look, &wanted);
	return wanted.value;
}

static bool take_header(void *ctx, const char *name, const char *value)
{
	struct mcp_headers *to = ctx;
	const char **at = NULL;

	if (name[0] == 'm' && name[1] == 'c' && name[2] == 'p' && name[3] == '-') {
		if (strcmp(name + 4, "protocol-version") == 0)
			at = &to->version;
		else if (strcmp(name + 4, "method") == 0)
			at = &to->method;
		else if (strcmp(name + 4, "name") == 0)
			at = &to->name;
		else if (strcmp(name + 4, "session-id") == 0)
			at = &to->session;
	} else if (name[0] == 'l' && strcmp(name, "last-event-id") == 0) {
		at = &to->last_event_id;
	}
	if (at)
		*at = *at ? twice : value;
	return true;
}

static void call(struct http_req *h, struct mcp_http *s, struct slice body,
		 void (*f)(struct mcp_wire *w, const struct mcp_headers *headers,
			   struct slice body))
{
	struct mcp_headers headers = {.field = field_of};
	struct http_wire *x = wire_new(s, h);
	bool gone = false;

	if (!x) {
		http_reply_text(h, 503, "no memory\n");
		return;
	}
	http_header_each(h, take_header, &headers);
	x->gone = &gone;
	f(&x->w, &headers, body);
	if (gone)
		return;
	x->gone = NULL;
	http_watch(h, (struct http_watch){.drained = drained, .closed = lost});
}

static void on_get(struct mcp_wire *w, const struct mcp_headers *h, struct slice body)
{
	mcp_http_get(w, h);
}

static void on_delete(struct mcp_wire *w, const struct mcp_headers *h, struct slice body)
{
	mcp_http_delete(w, h);
}

static void whole(struct http_req *h, struct slice body)
{
	struct mcp_http *s = http_ctx(h);

	call(h, s, body, mcp_message);
}

static void refuse(struct mcp_http *s, struct http_req *h, unsigned status, const char *why)
{
	static const struct http_field json[] = {{"content-type", "application/json"}};

	http_reply(h, status, json, 1, mcp_bare_error(s->m, -32600, why));
}

static bool is_json(const char *type)
{
	static const char json[] = "application/json";

	return type && strncasecmp(type, json, sizeof(json) - 1) == 0 &&
	       (type[sizeof(json) - 1] == 0 || strchr("; \t", type[sizeof(json) - 1]));
}

/* Only who may come in can make us hold more than the common limit. */
static bool raise_limit(struct mcp_http *s, struct http_req *h)
{
	const char *length = http_header(h, "content-length");
	char challenge[512] = "";
	struct principal who;
	struct http_field field[1];
	unsigned status;

	if (!length || strtoull(length, NULL, 10) <= MCP_MAX_BODY) {
		http_body_limit(h, MCP_MAX_BODY);
		return true;
	}
	memset(&who, 0, sizeof(who));
	status = s->c.authenticate(s->c.ctx, h, &who);
	if (status == 0) {
		http_body_limit(h, MCP_MAX_LARGE_BODY);
		return true;
	}
	if (s->c.challenge)
		s->c.challenge(s->c.ctx, h, status, 0, challenge, sizeof(challenge));
	field[0] = (struct http_field){"www-authenticate", challenge};
	http_reply(h, status, field, challenge[0] ? 1 : 0, (struct slice){0});
	return false;
}

static void post(struct mcp_http *s, struct http_req *h)
{
	const char *accept = http_header(h, "accept");

	if (!is_json(http_header(h, "content-type")))
		refuse(s, h, 415, "Content-Type must be application/json");
	else if (!accept || !http_accepts(accept, "application/json") ||
		 !http_accepts(accept, "text/event-stream"))
		refuse(s, h, 406, "Accept must list application/json and text/event-stream");
	else if (raise_limit(s, h)) {
		http_set_ctx(h, s);
		http_body(h, whole);
	}
}

static bool method_is(struct http_req *h, const char *name)
{
	struct slice m = http_method(h);

	return m.n == strlen(name) && memcmp(m.p, name, m.n) == 0;
}

bool mcp_http_take(struct mcp_http *s, struct http_req *h)
{
	static const struct http_field allow[] = {{"allow", "POST, GET, DELETE"}};
	const char *accept;

	if (strcmp(http_path(h), s->c.path) != 0)
		return false;
	if (!mcp_http_origin_ok(s, h)) {
		refuse(s, h, 403, "Origin or Host is not allowed");
	} else if (method_is(h, "POST")) {
		post(s, h);
	} else if (method_is(h, "GET")) {
		accept = http_header(h, "accept");
		if (accept && http_accepts(accept, "text/event-stream"))
			call(h, s, (struct slice){0}, on_get);
		else
			refuse(s, h, 406, "Accept must list text/event-stream");
	} else if (method_is(h, "DELETE")) {
		call(h, s, (struct slice){0}, on_delete);
	} else {
		http_reply(h, 405, allow, 1, (struct slice){0});
	}
	return true;
}

struct mcp_http *mcp_http_new(struct mcp *m, const struct mcp_http_config *c)
{
	struct mcp_http *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->m = m;
	s->c = *c;
	list_init(&s->spare);
	return s;
}

void mcp_http_free(struct mcp_http *s)
{
	if (!s)
		return;
	list_each_safe (it, &s->spare)
		free(container_of(it, struct http_wire, w.node));
	free(s);
}
