/* SPDX-License-Identifier: BSD-2-Clause */
/* What a handler needs of the client. Modern: an input_required result, and the client comes again
 * with the answers and the sealed state (answers of earlier rounds, what the handler kept). Legacy:
 * requests to the client on the stream of the request. In a task: the task waits. Then the handler
 * is called again from its start. */
#include "proto/netops/mcp/mcp_priv.h"

#include "base/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define STATE_MS (600 * 1000)
#define USED_SETS 2048
#define USED_WAYS 4

/* Sealed states that were used: each opens once. A set holds the youngest. */
struct mcp_used {
	struct {
		uint64_t nonce;
		int64_t until;
	} at[USED_SETS][USED_WAYS];
};

int64_t mcp_unix_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- capabilities ---- */

bool mcp_capable(yyjson_val *caps, const char *capability)
{
	const char *dot = strchr(capability, '.');
	yyjson_val *v;

	if (!dot)
		return yyjson_is_obj(yyjson_obj_get(caps, capability));
	v = yyjson_obj_getn(caps, capability, (size_t)(dot - capability));
	/* An empty elicitation means forms. */
	if (strcmp(capability, "elicitation.form") == 0 && yyjson_is_obj(v) &&
	    yyjson_obj_size(v) == 0)
		return true;
	return yyjson_is_obj(yyjson_obj_get(v, dot + 1));
}

void mcp_missing(struct mcp_req *r, const char *capability)
{
	const char *dot = strchr(capability, '.');
	struct buf *b = &r->m->scratch;
	size_t n = dot ? (size_t)(dot - capability) : strlen(capability);
	char text[160];

	if (r->era != MCP_2026_07_28 || r->task) {
		snprintf(text, sizeof(text), "The client lacks a capability that this needs: %s",
			 capability);
		mcp_fail_tool(r, text);
		return;
	}
	buf_clear(b);
	OUT_LIT(b, "{\"requiredCapabilities\":{");
	mcp_out_string(b, capability, n);
	OUT_LIT(b, ":{");
	if (dot) {
		mcp_out_str(b, dot + 1);
		OUT_LIT(b, ":{}");
	}
	OUT_LIT(b, "}}}");
	buf_u8(b, 0);
	mcp_fail(r, 400, MCP_MISSING_CAPABILITY, b->failed ? NULL : (char *)b->p,
		 "Missing required client capability: %s", capability);
}

/* ---- answers ---- */

/* Is v an answer to method, or to any of the three where method is NULL? */
bool mcp_answer_ok(const char *method, yyjson_val *v)
{
	const char *action = yyjson_get_str(yyjson_obj_get(v, "action"));
	yyjson_val *content = yyjson_obj_get(v, "content");

	if ((!method || strcmp(method, "elicitation/create") == 0) && action)
		return (strcmp(action, "accept") == 0 || strcmp(action, "decline") == 0 ||
			strcmp(action, "cancel") == 0) &&
		       (!content || yyjson_is_obj(content));
	if ((!method || strcmp(method, "sampling/createMessage") == 0) &&
	    yyjson_is_str(yyjson_obj_get(v, "role")))
		return (yyjson_is_obj(content) || yyjson_is_arr(content)) &&
		       yyjson_is_str(yyjson_obj_get(v, "model"));
	if (!method || strcmp(method, "roots/list") == 0)
		return yyjson_is_arr(yyjson_obj_get(v, "roots"));
	return false;
}

struct mcp_ask *mcp_ask_find(struct mcp_req *r, const char *key)
{
	struct mcp_ask *a;

	for (a = r->asks; a; a = a->next) {
		if (strcmp(a->key, key) == 0)
			return a;
	}
	return NULL;
}

struct mcp_ask *mcp_ask_add(struct mcp_req *r, const char *key)
{
	struct mcp_ask *a = mcp_arena_get(&r->arena, sizeof(*a));
	struct mcp_ask **end;

	if (!a)
		return NULL;
	*a = (struct mcp_ask){.key = mcp_arena_text(&r->arena, key, strlen(key))};
	if (!a->key)
		return NULL;
	for (end = &r->asks; *end; end = &(*end)->next)
		;
	*end = a;
	return a;
}

yyjson_val *mcp_answer(struct mcp_req *r, const char *key)
{
	struct mcp_ask *a = mcp_ask_find(r, key);
	yyjson_val *v;

	if (a)
		return a->answer;
	v = yyjson_obj_get(r->responses, key);
	if (!v || !mcp_answer_ok(NULL, v))
		v = yyjson_obj_get(r->earlier, key);
	if (!v)
		return NULL;
	/* Kept, so that a further round has it too. */
	a = mcp_ask_add(r, key);
	if (a)
		a->answer = v;
	return v;
}

int mcp_ask(struct mcp_req *r, const char *key, const char *method, yyjson_mut_doc *doc,
	    yyjson_mut_val *params)
{
	bool url = yyjson_mut_equals_str(yyjson_mut_obj_get(params, "mode"), "url");
	struct mcp_ask *a;

	if (strcmp(method, "sampling/createMessage") == 0 && !mcp_capable(r->caps, "sampling"))
		return -ENOTSUP;
	if (strcmp(method, "roots/list") == 0 && !mcp_capable(r->caps, "roots"))
		return -ENOTSUP;
	if (strcmp(method, "elicitation/create") == 0 &&
	    (url ? !mcp_capable(r->caps, "elicitation.url") || r->era == MCP_2025_06_18
		 : !mcp_capable(r->caps, "elicitation") ||
			     (mcp_capable(r->caps, "elicitation.url") &&
			      !mcp_capable(r->caps, "elicitation.form"))))
		return -ENOTSUP;
	a = mcp_ask_find(r, key);
	if (!a)
		a = mcp_ask_add(r, key);
	if (!a)
		return -ENOMEM;
	a->answer = NULL;
	a->id = 0;
	a->wire_key = NULL;
	a->method = mcp_arena_text(&r->arena, method, strlen(method));
	a->params = params ? yyjson_mut_val_write_opts(params, YYJSON_WRITE_ALLOW_INVALID_UNICODE,
						       &r->arena.alc, NULL, NULL)
			   : "{}";
	return a->method && a->params ? 0 : -ENOMEM;
}

void mcp_keep(struct mcp_req *r, const char *state)
{
	r->state = mcp_arena_text(&r->arena, state, strlen(state));
}

const char *mcp_state(const struct mcp_req *r)
{
	return r->state;
}

/* ---- modern: sealed state ---- */

static bool use_once(struct mcp *m, uint64_t nonce, int64_t until, int64_t now)
{
	unsigned oldest = 0;
	unsigned set;
	unsigned i;

	if (!m->used)
		m->used = calloc(1, sizeof(*m->used));
	if (!m->used)
		return false;
	set = nonce % USED_SETS;
	for (i = 0; i < USED_WAYS; i++) {
		if (m->used->at[set][i].until > now && m->used->at[set][i].nonce == nonce)
			return false;
		if (m->used->at[set][i].until < m->used->at[set][oldest].until)
			oldest = i;
	}
	m->used->at[set][oldest].nonce = nonce;
	m->used->at[set][oldest].until = until;
	return true;
}

/* Opens requestState. False: not one of ours, for this request, in time and not used before. */
static bool open_state(struct mcp_req *r, yyjson_val *state)
{
	uint8_t hash[32];
	yyjson_val *root;
	yyjson_val *kept;
	yyjson_doc *doc;
	int64_t now = mcp_unix_ms();
	int64_t until;
	char *plain;
	size_t n;

	if (!yyjson_is_str(state) || !mcp_params_hash(r, hash))
		return false;
	plain = mcp_unseal(r, "state", slice_of(hash, sizeof(hash)), yyjson_get_str(state),
			   yyjson_get_len(state), &n);
	doc = plain ? yyjson_read_opts(plain, n, YYJSON_READ_NOFLAG, &r->arena.alc, NULL) : NULL;
	if (!doc)
		return false;
	root = yyjson_doc_get_root(doc);
	until = yyjson_get_sint(yyjson_obj_get(root, "e"));
	if (until < now || !use_once(r->m, yyjson_get_uint(yyjson_obj_get(root, "n")), until, now))
		return false;
	r->earlier = yyjson_obj_get(root, "a");
	kept = yyjson_obj_get(root, "k");
	r->state = yyjson_is_str(kept) ? yyjson_get_str(kept) : NULL;
	r->step = (unsigned)yyjson_get_uint(yyjson_obj_get(root, "s"));
	return true;
}

bool mcp_take_responses(struct mcp_req *r)
{
	yyjson_val *state;

	if (r->era != MCP_2026_07_28)
		return true;
	r->responses = yyjson_obj_get(r->params, "inputResponses");
	state = yyjson_obj_get(r->params, "requestState");
	if (r->responses && !yyjson_is_obj(r->responses)) {
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL,
			 "Invalid params: inputResponses is not an object");
		return false;
	}
	if (state && !open_state(r, state)) {
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL,
			 "Invalid params: requestState is not the one of this request, too old, or "
			 "was used before");
		return false;
	}
	return true;
}

static bool any_open(const struct mcp_req *r)
{
	const struct mcp_ask *a;

	for (a = r->asks; a; a = a->next) {
		if (!a->answer)
			return true;
	}
	return false;
}

static char *make_state(struct mcp_req *r)
{
	struct buf *b = &r->m->scratch;
	const struct mcp_ask *a;
	uint8_t hash[32];
	bool needed = r->state != NULL;
	const char *sep = "";
	struct slice plain;
	uint64_t nonce;

	rng_os_bytes(&nonce, sizeof(nonce));
	if (!mcp_params_hash(r, hash))
		return NULL;
	buf_clear(b);
	buf_printf(b, "{\"e\":%lld,\"n\":%llu,\"s\":%u,\"a\":{",
		   (long long)(mcp_unix_ms() + STATE_MS), (unsigned long long)nonce, r->step + 1);
	for (a = r->asks; a; a = a->next) {
		if (!a->answer)
			continue;
		needed = true;
		mcp_out_text(b, sep);
		mcp_out_str(b, a->key);
		buf_u8(b, ':');
		mcp_out_val(b, a->answer, &r->arena);
		sep = ",";
	}
	OUT_LIT(b, "}");
	if (r->state) {
		OUT_LIT(b, ",\"k\":");
		mcp_out_str(b, r->state);
	}
	OUT_LIT(b, "}");
	if (!needed || b->failed)
		return NULL;
	plain = slice_of(mcp_arena_text(&r->arena, (char *)b->p, b->n), b->n);
	return plain.p ? mcp_seal(r, "state", slice_of(hash, sizeof(hash)), plain) : NULL;
}

static void input_required(struct mcp_req *r)
{
	char *state = make_state(r);
	struct buf *b = mcp_result_begin(r);
	const struct mcp_ask *a;
	const char *sep = "\"inputRequests\":{";
	const char *end = "";

	for (a = r->asks; a; a = a->next) {
		if (a->answer || !a->method)
			continue;
		mcp_out_text(b, sep);
		mcp_out_str(b, a->key);
		buf_printf(b, ":{\"method\":\"%s\",\"params\":", a->method);
		mcp_out_json(b, a->params, strlen(a->params));
		OUT_LIT(b, "}");
		sep = ",";
		end = "},";
	}
	mcp_out_text(b, end);
	if (state) {
		OUT_LIT(b, "\"requestState\":");
		mcp_out_str(b, state);
		buf_u8(b, ',');
	}
	buf_printf(b,
		   "\"resultType\":\"input_required\",\"_meta\":{\"" MCP_META "serverInfo\":%s}}}",
		   r->m->server_info);
	mcp_finish(r, 200, 0, NULL, buf_slice(b));
}

/* ---- legacy: requests to the client ---- */

static void ask_client(struct mcp_req *r)
{
	struct mcp *m = r->m;
	struct mcp_ask *a;
	struct buf *b;

	r->asked = m->now;
	mcp_timer_start(m);
	for (a = r->asks; a; a = a->next) {
		if (a->answer || a->id)
			continue;
		a->id = ++m->next_ask;
		b = &m->note;
		buf_clear(b);
		buf_printf(b, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"%s\",\"params\":",
			   (unsigned long long)a->id, a->method);
		mcp_out_json(b, a->params, strlen(a->params));
		OUT_LIT(b, "}");
		mcp_send(r, buf_slice(b));
	}
}

void mcp_ask_send(struct mcp_req *r)
{
	struct mcp_ask *a;

	if (r->dead) {
		mcp_req_free(r);
		return;
	}
	for (a = r->asks; a; a = a->next) {
		if (!a->answer && !a->method)
			a->method = "elicitation/create";
	}
	if (!any_open(r) && (!r->state || r->era != MCP_2026_07_28)) {
		mcp_fail(r, 200, MCP_INTERNAL, NULL, "Nothing was asked of the client");
		return;
	}
	if (r->task)
		mcp_task_ask(r);
	else if (r->era == MCP_2026_07_28)
		input_required(r);
	else
		ask_client(r);
}

yyjson_val *mcp_val_copy(struct mcp_req *r, yyjson_val *v)
{
	size_t n;
	char *s = yyjson_val_write_opts(v, YYJSON_WRITE_NOFLAG, &r->arena.alc, &n, NULL);
	yyjson_doc *doc =
		s ? yyjson_read_opts(s, n, YYJSON_READ_NOFLAG, &r->arena.alc, NULL) : NULL;

	return doc ? yyjson_doc_get_root(doc) : NULL;
}

static struct mcp_req *asker(struct mcp_session *s, uint64_t id, struct mcp_ask **ask)
{
	list_each (it, &s->m->reqs) {
		struct mcp_req *r = container_of(it, struct mcp_req, node);

		if (!r->waiting ||
		    (r->session != s && !(r->task && principal_same(&r->who, &s->who))))
			continue;
		for (*ask = r->asks; *ask; *ask = (*ask)->next) {
			if ((*ask)->id == id && !(*ask)->answer)
				return r;
		}
	}
	return NULL;
}

void mcp_response(struct mcp_session *s, yyjson_val *root)
{
	yyjson_val *id = yyjson_obj_get(root, "id");
	yyjson_val *result = yyjson_obj_get(root, "result");
	const char *message =
		yyjson_get_str(yyjson_obj_get(yyjson_obj_get(root, "error"), "message"));
	struct mcp_ask *a = NULL;
	struct mcp_req *r;
	char text[256];

	r = yyjson_is_uint(id) ? asker(s, yyjson_get_uint(id), &a) : NULL;
	if (!r)
		return;
	if (!result || !mcp_answer_ok(a->method, result)) {
		snprintf(text, sizeof(text), "The client did not answer %s: %.160s", a->method,
			 message ? message : "its result is malformed");
		r->waiting = false;
		mcp_fail_tool(r, text);
		return;
	}
	a->answer = mcp_val_copy(r, result);
	if (any_open(r))
		return;
	if (r->task)
		mcp_task_resume(r->task);
	else
		mcp_req_call(r);
}
