/* SPDX-License-Identifier: BSD-2-Clause */
/* One message in: JSON, JSON-RPC's shape, the era it belongs to, and the checks in the order of
 * spec §2.6; the first that fails answers. Then its method is served (dispatch.c). */
#include "proto/netops/mcp/mcp_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const era_names[] = {"2025-06-18", "2025-11-25", "2026-07-28"};

struct shape {
	yyjson_val *root, *jsonrpc, *id, *method, *params, *result, *error;
};

const char *mcp_era_name(enum mcp_era e)
{
	return era_names[e];
}

bool mcp_version_known(const char *s, enum mcp_era *era)
{
	unsigned i;

	for (i = 0; i < 3; i++) {
		if (strcmp(s, era_names[i]) == 0) {
			*era = (enum mcp_era)i;
			return true;
		}
	}
	return false;
}

/* Is this a date before the modern revision? Then it is a legacy version, of ours or not. */
static bool legacy_version(const char *s)
{
	unsigned i;

	for (i = 0; i < 10; i++) {
		if (i == 4 || i == 7 ? s[i] != '-' : s[i] < '0' || s[i] > '9')
			return false;
	}
	return s[10] == 0 && strcmp(s, era_names[MCP_2026_07_28]) < 0;
}

/* ---- JSON and JSON-RPC ---- */

static bool same_key(yyjson_val *key, const char *s, size_t n)
{
	return yyjson_get_len(key) == n && memcmp(yyjson_get_str(key), s, n) == 0;
}

/* The members of a message, each at most once: two of a name would be read differently by different
 * readers. */
static bool read_shape(yyjson_val *root, struct shape *s)
{
	static const struct {
		const char *name;
		size_t n;
		size_t at;
	} member[] = {
		{"jsonrpc", 7, offsetof(struct shape, jsonrpc)},
		{"id", 2, offsetof(struct shape, id)},
		{"method", 6, offsetof(struct shape, method)},
		{"params", 6, offsetof(struct shape, params)},
		{"result", 6, offsetof(struct shape, result)},
		{"error", 5, offsetof(struct shape, error)},
	};
	yyjson_obj_iter it;
	yyjson_val **to;
	yyjson_val *key;
	size_t i;

	*s = (struct shape){.root = root};
	if (!yyjson_obj_iter_init(root, &it))
		return false;
	while ((key = yyjson_obj_iter_next(&it))) {
		for (i = 0; i < sizeof(member) / sizeof(member[0]); i++) {
			if (!same_key(key, member[i].name, member[i].n))
				continue;
			to = (yyjson_val **)(void *)((char *)s + member[i].at);
			if (*to)
				return false;
			*to = yyjson_obj_iter_get_val(key);
		}
	}
	return true;
}

static bool take_id(struct mcp_req *r, yyjson_val *id)
{
	struct buf *b = &r->m->scratch;
	char *to;

	if (yyjson_is_int(id)) {
		to = mcp_arena_get(&r->arena, 24);
		if (!to)
			return false;
		r->id_n = (size_t)(yyjson_is_uint(id)
					   ? snprintf(to, 24, "%llu",
						      (unsigned long long)yyjson_get_uint(id))
					   : snprintf(to, 24, "%lld",
						      (long long)yyjson_get_sint(id)));
		r->id = to;
		return true;
	}
	if (!yyjson_is_str(id))
		return false;
	buf_clear(b);
	mcp_out_string(b, yyjson_get_str(id), yyjson_get_len(id));
	r->id = b->failed ? NULL : mcp_arena_text(&r->arena, (char *)b->p, b->n);
	r->id_n = b->n;
	return r->id != NULL;
}

/* A failure whose id cannot be read. The schema of 2025-06-18 knows no error without id: there the
 * status says it. */
static void fail_bare(struct mcp_req *r, const struct mcp_headers *h, int code, const char *message)
{
	struct mcp_wire *w = r->wire;

	if (h && h->version && strcmp(h->version, era_names[MCP_2025_06_18]) == 0) {
		mcp_req_free(r);
		w->ops->answer(w, 400, NULL, 0, (struct slice){0});
		return;
	}
	mcp_fail(r, 400, code, NULL, "%s", message);
}

static bool parse(struct mcp_req *r, const struct mcp_headers *h, struct slice body,
		  struct shape *s)
{
	const char *text = (const char *)body.p;
	bool is_call;

	if (body.n > MCP_MAX_LARGE_BODY) {
		mcp_fail(r, 413, MCP_INVALID_REQUEST, NULL, "The message is too large");
		return false;
	}
	if (json_depth(text, body.n, JSON_MAX_DEPTH) > JSON_MAX_DEPTH)
		r->doc = NULL;
	else
		r->doc = yyjson_read_opts((char *)(uintptr_t)text, body.n, YYJSON_READ_NOFLAG,
					  &r->arena.alc, NULL);
	if (!r->doc) {
		fail_bare(r, h, MCP_PARSE, "Parse error");
		return false;
	}
	if (!read_shape(yyjson_doc_get_root(r->doc), s)) {
		fail_bare(r, h, MCP_INVALID_REQUEST,
			  "Invalid request: one JSON-RPC object is expected");
		return false;
	}
	if (s->id && !take_id(r, s->id)) {
		fail_bare(r, h, MCP_INVALID_REQUEST,
			  "Invalid request: id is neither string nor integer");
		return false;
	}
	is_call = s->method != NULL;
	if (!yyjson_equals_strn(s->jsonrpc, "2.0", 3) || (is_call && !yyjson_is_str(s->method)) ||
	    (is_call && (s->result || s->error)) ||
	    (!is_call && (!s->result == !s->error || !s->id)) ||
	    (s->params && !yyjson_is_obj(s->params)) || (s->result && !yyjson_is_obj(s->result)) ||
	    (s->error && !yyjson_is_obj(s->error))) {
		if (r->id)
			mcp_fail(r, 400, MCP_INVALID_REQUEST, NULL, "Invalid request");
		else
			fail_bare(r, h, MCP_INVALID_REQUEST, "Invalid request");
		return false;
	}
	r->params = s->params;
	r->meta = yyjson_obj_get(s->params, "_meta");
	return true;
}

/* ---- era ---- */

static bool has_request_keys(yyjson_val *meta)
{
	static const char *const key[] = {MCP_META "protocolVersion", MCP_META "clientCapabilities",
					  MCP_META "clientInfo", MCP_META "logLevel"};
	yyjson_obj_iter it;
	yyjson_val *k;
	size_t i;

	if (!yyjson_obj_iter_init(meta, &it))
		return false;
	while ((k = yyjson_obj_iter_next(&it))) {
		for (i = 0; i < sizeof(key) / sizeof(key[0]); i++) {
			if (yyjson_equals_str(k, key[i]))
				return true;
		}
	}
	return false;
}

static bool is_modern(const struct mcp_req *r, const struct mcp_headers *h, const struct shape *s)
{
	if (has_request_keys(r->meta))
		return true;
	if (h && h->version)
		return !legacy_version(h->version);
	/* Methods that only the modern revision has. */
	return s->id && s->method &&
	       (yyjson_equals_str(s->method, "server/discover") ||
		yyjson_equals_str(s->method, "subscriptions/listen"));
}

/* ---- modern ---- */

static bool meta_ok(struct mcp_req *r)
{
	yyjson_val *version = yyjson_obj_get(r->meta, MCP_META "protocolVersion");
	yyjson_val *level = yyjson_obj_get(r->meta, MCP_META "logLevel");
	const char *wrong = NULL;

	r->caps = yyjson_obj_get(r->meta, MCP_META "clientCapabilities");
	r->progress_token = yyjson_obj_get(r->meta, "progressToken");
	if (!yyjson_is_obj(r->meta))
		wrong = "_meta is missing";
	else if (!yyjson_is_str(version))
		wrong = "_meta has no " MCP_META "protocolVersion";
	else if (!yyjson_is_obj(r->caps))
		wrong = "_meta has no " MCP_META "clientCapabilities";
	else if (r->progress_token && !yyjson_is_str(r->progress_token) &&
		 !yyjson_is_int(r->progress_token))
		wrong = "progressToken is neither string nor integer";
	if (level && !wrong) {
		r->log_level = yyjson_is_str(level) ? mcp_level(yyjson_get_str(level)) : -1;
		if (r->log_level < 0)
			wrong = MCP_META "logLevel is no level";
	}
	if (wrong)
		mcp_fail(r, 400, MCP_INVALID_PARAMS, NULL, "Invalid params: %s", wrong);
	return !wrong;
}

static bool version_ok(struct mcp_req *r, const struct mcp_headers *h)
{
	yyjson_val *version = yyjson_obj_get(r->meta, MCP_META "protocolVersion");
	struct buf *b = &r->m->scratch;

	if (h && (!h->version || strcmp(h->version, yyjson_get_str(version)) != 0)) {
		mcp_fail(r, 400, MCP_HEADER_MISMATCH, NULL,
			 "Header mismatch: MCP-Protocol-Version %s",
			 h->version ? "differs from _meta" : "is missing");
		return false;
	}
	if (yyjson_equals_str(version, era_names[MCP_2026_07_28]))
		return true;
	buf_clear(b);
	OUT_LIT(b, "{\"supported\":[\"2026-07-28\",\"2025-11-25\",\"2025-06-18\"],\"requested\":");
	mcp_out_string(b, yyjson_get_str(version), yyjson_get_len(version));
	OUT_LIT(b, "}");
	buf_u8(b, 0);
	mcp_fail(r, 400, MCP_BAD_VERSION, b->failed ? NULL : (char *)b->p,
		 "Unsupported protocol version");
	return false;
}

static bool method_ok(struct mcp_req *r, const struct mcp_headers *h, yyjson_val *method)
{
	const char *name = yyjson_get_str(method);
	size_t n = yyjson_get_len(method);

	/* As the spec has it: the name is compared before it is looked up. */
	if (h && (!h->method || !mcp_header_equal(r, h->method, name, n))) {
		mcp_fail(r, 400, MCP_HEADER_MISMATCH, NULL, "Header mismatch: Mcp-Method %s",
			 h->method ? "differs from the method" : "is missing");
		return false;
	}
	r->method = mcp_method_find(name, n);
	if (!r->method || !r->method->modern) {
		mcp_fail(r, 404, MCP_NO_METHOD, NULL, "Method not found");
		return false;
	}
	return true;
}

static bool name_ok(struct mcp_req *r, const struct mcp_headers *h)
{
	if (!r->method->name_param)
		return true;
	r->name = yyjson_obj_get(r->params, r->method->name_param);
	if (!yyjson_is_str(r->name))
		r->name = NULL;
	if (!h || (!r->name && !h->name))
		return true;
	if (r->name && h->name &&
	    mcp_header_equal(r, h->name, yyjson_get_str(r->name), yyjson_get_len(r->name)))
		return true;
	mcp_fail(r, 400, MCP_HEADER_MISMATCH, NULL, "Header mismatch: Mcp-Name %s",
		 !h->name ? "is missing" : "differs from the request");
	return false;
}

/* Looks up what is asked for, where the caller may see it. */
static void find_entry(struct mcp_req *r)
{
	static const char none[] = "{}";
	struct mcp_entry *e;
	enum mcp_kind kind;

	if (r->method->serve == mcp_rpc_tools_call)
		kind = MCP_K_TOOL;
	else if (r->method->serve == mcp_rpc_prompts_get)
		kind = MCP_K_PROMPT;
	else
		return;
	r->args = yyjson_obj_get(r->params, "arguments");
	if (!r->args)
		r->args = yyjson_doc_get_root(
			yyjson_read_opts((char *)(uintptr_t)none, 2, 0, &r->arena.alc, NULL));
	e = r->name ? mcp_find(r->m, kind, yyjson_get_str(r->name), yyjson_get_len(r->name)) : NULL;
	if (!e || !mcp_visible(e, &r->who, NULL))
		return;
	e->refs++;
	r->entry = e;
}

static unsigned authenticate(struct mcp_req *r)
{
	struct mcp_wire *w = r->wire;

	if (!w->ops->authenticate) {
		r->who = *w->who;
		return 0;
	}
	return w->ops->authenticate(w, &r->who);
}

static void refuse(struct mcp_req *r, unsigned status)
{
	mcp_fail(r, status, MCP_INVALID_REQUEST, NULL,
		 status == 401 ? "Authorization is needed" : "Not allowed");
}

static struct mcp_req *find_req(struct list *head, bool on_session, const char *id, size_t n)
{
	list_each (it, head) {
		struct mcp_req *r = on_session ? container_of(it, struct mcp_req, on_session)
					       : container_of(it, struct mcp_req, on_wire);

		if (r->id && r->id_n == n && memcmp(r->id, id, n) == 0)
			return r;
	}
	return NULL;
}

static void modern_request(struct mcp_req *r, const struct mcp_headers *h, const struct shape *s,
			   size_t n)
{
	unsigned status;

	r->era = MCP_2026_07_28;
	if (!meta_ok(r) || !version_ok(r, h) || !method_ok(r, h, s->method) || !name_ok(r, h))
		return;
	if (r->wire->shared && find_req(&r->wire->reqs, false, r->id, r->id_n) != r) {
		mcp_fail(r, 400, MCP_INVALID_REQUEST, NULL, "Invalid request: this id is in use");
		return;
	}
	/* Whether Mcp-Param-* fits tells what a tool looks like; so only who may see the tool is
	 * told. Who lacks its scope has not seen it in a list, cannot know its fields, and is told of the scope. */
	status = authenticate(r);
	if (status == 0) {
		find_entry(r);
		if (h && r->entry && r->entry->kind == MCP_K_TOOL &&
		    (r->entry->tool.scope & ~r->who.scopes) == 0 && !mcp_headers_ok(r, h))
			return;
	}
	if (status) {
		refuse(r, status);
		return;
	}
	if (n > MCP_MAX_BODY &&
	    !(r->entry && r->entry->kind == MCP_K_TOOL && r->entry->tool.large)) {
		mcp_fail(r, 413, MCP_INVALID_REQUEST, NULL, "The message is too large");
		return;
	}
	r->method->serve(r);
}

/* ---- notifications and answers of the client ---- */

/* Cancels what the client names: of its session, or a modern request of the same shared wire. */
static void cancelled(struct mcp_req *r)
{
	yyjson_val *id = yyjson_obj_get(r->params, "requestId");
	struct mcp_req *other = NULL;

	if (!id || !take_id(r, id))
		return;
	if (r->session)
		other = find_req(&r->session->reqs, true, r->id, r->id_n);
	if (!other && r->wire->shared)
		other = find_req(&r->wire->reqs, false, r->id, r->id_n);
	if (other && other != r && !other->task &&
	    (!other->method || other->method->serve != mcp_rpc_initialize))
		mcp_req_cancel(other);
}

static void accepted(struct mcp_req *r)
{
	struct mcp_wire *w = r->wire;

	mcp_req_free(r);
	if (!w->shared)
		w->ops->answer(w, 202, NULL, 0, (struct slice){0});
}

static void no_request(struct mcp_req *r, const struct shape *s)
{
	r->id = NULL;
	if (s->method && yyjson_equals_str(s->method, "notifications/cancelled"))
		cancelled(r);
	else if (!s->method && r->session)
		mcp_response(r->session, s->root);
	accepted(r);
}

/* ---- legacy ---- */

static bool legacy_session(struct mcp_req *r, const struct mcp_headers *h)
{
	struct mcp_session *s;

	if (!h) {
		r->session = r->wire->session;
		return true;
	}
	if (!h->session) {
		mcp_fail(r, 400, MCP_INVALID_REQUEST, NULL,
			 "Mcp-Session-Id is missing: initialize first");
		return false;
	}
	s = mcp_session_find(r->m, h->session);
	if (!s || !principal_same(&s->who, &r->who)) {
		mcp_fail(r, 404, MCP_INVALID_REQUEST, NULL, "No such session: initialize again");
		return false;
	}
	mcp_session_touch(s);
	r->session = s;
	r->era = s->era;
	return true;
}

static void legacy_request(struct mcp_req *r, const struct shape *s, size_t n)
{
	r->method = mcp_method_find(yyjson_get_str(s->method), yyjson_get_len(s->method));
	if (r->session) {
		r->era = r->session->era;
		memcpy(r->who.session, r->session->who.session, sizeof(r->who.session));
		r->caps = r->session->caps ? yyjson_doc_get_root(r->session->caps) : NULL;
		r->log_level = r->session->log_level;
		if (find_req(&r->session->reqs, true, r->id, r->id_n)) {
			mcp_fail(r, 400, MCP_INVALID_REQUEST, NULL,
				 "Invalid request: this id is in use");
			return;
		}
		list_add(&r->session->reqs, &r->on_session);
	} else if (r->method && r->method->serve != mcp_rpc_ping) {
		mcp_fail(r, 400, MCP_INVALID_REQUEST, NULL, "Initialize first");
		return;
	}
	if (!r->method || !r->method->legacy || (r->method->tasks && r->era != MCP_2025_11_25)) {
		mcp_fail(r, 200, MCP_NO_METHOD, NULL, "Method not found");
		return;
	}
	r->progress_token = yyjson_obj_get(r->meta, "progressToken");
	if (!yyjson_is_str(r->progress_token) && !yyjson_is_int(r->progress_token))
		r->progress_token = NULL;
	if (r->method->name_param) {
		r->name = yyjson_obj_get(r->params, r->method->name_param);
		if (!yyjson_is_str(r->name))
			r->name = NULL;
	}
	find_entry(r);
	if (n > MCP_MAX_BODY &&
	    !(r->entry && r->entry->kind == MCP_K_TOOL && r->entry->tool.large)) {
		mcp_fail(r, 413, MCP_INVALID_REQUEST, NULL, "The message is too large");
		return;
	}
	r->method->serve(r);
}

static void legacy(struct mcp_req *r, const struct mcp_headers *h, const struct shape *s, size_t n)
{
	bool initialize = s->id && s->method && yyjson_equals_str(s->method, "initialize");
	enum mcp_era era;
	unsigned status;

	r->era = MCP_2025_11_25;
	if (h && h->version && !initialize && !mcp_version_known(h->version, &era)) {
		mcp_fail(r, 400, MCP_INVALID_REQUEST, NULL,
			 "MCP-Protocol-Version %.20s is not supported", h->version);
		return;
	}
	status = authenticate(r);
	if (status) {
		refuse(r, status);
		return;
	}
	if (initialize) {
		r->method = mcp_method_find("initialize", 10);
		r->method->serve(r);
		return;
	}
	if (!legacy_session(r, h))
		return;
	if (s->id && s->method)
		legacy_request(r, s, n);
	else
		no_request(r, s);
}

void mcp_message(struct mcp_wire *w, const struct mcp_headers *h, struct slice body)
{
	struct mcp *m = w->m;
	struct mcp_req *r;
	struct shape s;
	unsigned status;

	m->now = clock_now();
	r = mcp_req_new(m, w);
	if (!r) {
		w->ops->answer(w, 503, NULL, 0, mcp_bare_error(m, MCP_INTERNAL, "no memory"));
		return;
	}
	r->http = h != NULL;
	if (!parse(r, h, body, &s))
		return;
	if (!is_modern(r, h, &s)) {
		legacy(r, h, &s, body.n);
	} else if (s.id && s.method) {
		modern_request(r, h, &s, body.n);
	} else if (s.method) {
		status = authenticate(r);
		if (status)
			refuse(r, status);
		else
			no_request(r, &s);
	} else {
		r->id = NULL;
		mcp_fail(r, 400, MCP_INVALID_REQUEST, NULL, "No answers are expected here");
	}
}
