/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is told of what: resources/subscribe of a legacy session, subscriptions/listen of the modern
 * revision. A change of a resource is told at once, or where one was told less than the gap before,
 * at the end of the gap; never lost, never told to others. */
#include "proto/netops/mcp/mcp_priv.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_SUBS 1024
#define UPDATED "notifications/resources/updated"

static uint32_t uri_hash(struct mcp *m, const char *uri)
{
	return hash_bytes(uri, strlen(uri), m->seed);
}

int mcp_sub_add(struct mcp *m, struct mcp_session *s, struct mcp_listen *l, const char *uri)
{
	struct list *of = s ? &s->subs : &l->subs;
	struct mcp_sub *sub;
	unsigned n = 0;

	list_each (it, of) {
		n++;
		if (strcmp(container_of(it, struct mcp_sub, of)->uri, uri) == 0)
			return 0;
	}
	if (n >= MAX_SUBS)
		return -E2BIG;
	sub = calloc(1, sizeof(*sub) + strlen(uri) + 1);
	if (!sub)
		return -ENOMEM;
	memcpy(sub->uri, uri, strlen(uri) + 1);
	sub->session = s;
	sub->listen = l;
	sub->sent = -USEC_NEVER / 2;
	if (hash_add(&m->subs, &sub->node, uri_hash(m, uri)) < 0) {
		free(sub);
		return -ENOMEM;
	}
	list_add(of, &sub->of);
	return 0;
}

void mcp_sub_free(struct mcp *m, struct mcp_sub *sub)
{
	hash_del(&m->subs, &sub->node);
	list_del(&sub->of);
	free(sub);
}

/* ---- telling ---- */

bool mcp_listen_send(struct mcp_listen *l, const char *method, const char *members)
{
	struct mcp_wire *w = l->req->wire;
	struct mcp *m = l->req->m;
	struct buf *b;

	if (!w || w->congested)
		return false;
	b = mcp_note_begin(m, method);
	buf_printf(b, "\"_meta\":{\"" MCP_META "subscriptionId\":%s}%s", l->id, members);
	/* What is full with this message has still taken it. */
	if (!w->ops->event(w, NULL, mcp_note_end(m)))
		w->congested = true;
	return true;
}

static bool tell(struct mcp *m, struct mcp_sub *sub)
{
	struct buf *b = &m->scratch;

	buf_clear(b);
	if (sub->listen) {
		OUT_LIT(b, ",\"uri\":");
		mcp_out_str(b, sub->uri);
		buf_u8(b, 0);
		return mcp_listen_send(sub->listen, UPDATED, (char *)b->p);
	}
	b = mcp_note_begin(m, UPDATED);
	OUT_LIT(b, "\"uri\":");
	mcp_out_str(b, sub->uri);
	mcp_session_send(sub->session, mcp_note_end(m));
	return true;
}

static void pace(uv_timer_t *t)
{
	struct mcp *m = t->data;

	m->now = clock_now();
	mcp_subs_flush(m, m->now);
}

static void update(struct mcp *m, struct mcp_sub *sub, unsigned gap_ms)
{
	if (sub->due)
		return;
	if (m->now - sub->sent >= MSEC(gap_ms) && tell(m, sub)) {
		sub->sent = m->now;
		return;
	}
	sub->due = sub->sent + MSEC(gap_ms);
	if (sub->due < m->now)
		sub->due = m->now;
	if (!uv_is_active((uv_handle_t *)&m->pace) || uv_timer_get_due_in(&m->pace) > gap_ms)
		uv_timer_start(&m->pace, pace, (uint64_t)(sub->due - m->now) / 1000 + 1, 0);
}

/* Tells what is due, and sets the timer for what is next. What waits for its wire waits for
 * mcp_wire_drained(). */
void mcp_subs_flush(struct mcp *m, usec_t now)
{
	usec_t next = USEC_NEVER;

	hash_each (it, &m->subs) {
		struct mcp_sub *sub = container_of(it, struct mcp_sub, node);

		if (!sub->due)
			continue;
		if (sub->due <= now && tell(m, sub)) {
			sub->sent = now;
			sub->due = 0;
		} else if (sub->due > now && sub->due < next) {
			next = sub->due;
		}
	}
	if (next != USEC_NEVER)
		uv_timer_start(&m->pace, pace, (uint64_t)(next - now) / 1000 + 1, 0);
}

void mcp_updated(struct mcp *m, const char *uri, unsigned gap_ms)
{
	struct hash_node *next;
	struct hash_node *n;

	m->now = clock_now();
	for (n = hash_first(&m->subs, uri_hash(m, uri)); n; n = next) {
		struct mcp_sub *sub = container_of(n, struct mcp_sub, node);

		next = hash_next(n);
		if (strcmp(sub->uri, uri) == 0)
			update(m, sub, gap_ms);
	}
}

void mcp_updated_if(struct mcp *m, bool (*match)(void *ctx, const char *uri), void *ctx,
		    unsigned gap_ms)
{
	m->now = clock_now();
	hash_each (it, &m->subs) {
		struct mcp_sub *sub = container_of(it, struct mcp_sub, node);

		if (match(ctx, sub->uri))
			update(m, sub, gap_ms);
	}
}

bool mcp_subscribed(const struct mcp *m, const char *uri)
{
	struct hash_node *n;

	for (n = hash_first(&m->subs, hash_bytes(uri, strlen(uri), m->seed)); n; n = hash_next(n)) {
		if (strcmp(container_of(n, struct mcp_sub, node)->uri, uri) == 0)
			return true;
	}
	return false;
}

/* ---- lists that changed ---- */

static void listen_lists(struct mcp_listen *l)
{
	if (l->missed & 1 && mcp_listen_send(l, "notifications/tools/list_changed", ""))
		l->missed &= ~1u;
	if (l->missed & 2 && mcp_listen_send(l, "notifications/resources/list_changed", ""))
		l->missed &= ~2u;
	if (l->missed & 4 && mcp_listen_send(l, "notifications/prompts/list_changed", ""))
		l->missed &= ~4u;
}

static void session_list(struct mcp *m, const char *method)
{
	list_each_safe (it, &m->sessions_used) {
		struct mcp_session *s = container_of(it, struct mcp_session, used);
		struct buf *b = &m->note;

		buf_clear(b);
		buf_printf(b, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\"}", method);
		mcp_session_send(s, buf_slice(b));
	}
}

void mcp_lists_tell(struct mcp *m)
{
	bool tools = m->changed[MCP_K_TOOL];
	bool resources = m->changed[MCP_K_RESOURCE];
	bool prompts = m->changed[MCP_K_PROMPT];

	memset(m->changed, 0, sizeof(m->changed));
	list_each_safe (it, &m->listens) {
		struct mcp_listen *l = container_of(it, struct mcp_listen, node);

		l->missed |= (tools && l->tools ? 1u : 0) | (resources && l->resources ? 2u : 0) |
			     (prompts && l->prompts ? 4u : 0);
		listen_lists(l);
	}
	if (tools)
		session_list(m, "notifications/tools/list_changed");
	if (resources)
		session_list(m, "notifications/resources/list_changed");
	if (prompts)
		session_list(m, "notifications/prompts/list_changed");
}

void mcp_wire_drained(struct mcp_wire *w)
{
	struct mcp *m = w->m;

	if (!w->congested)
		return;
	w->congested = false;
	list_each_safe (it, &w->reqs) {
		struct mcp_req *r = container_of(it, struct mcp_req, on_wire);

		if (r->listen)
			listen_lists(r->listen);
	}
	m->now = clock_now();
	mcp_subs_flush(m, m->now);
}

/* ---- legacy ---- */

static bool can_subscribe(struct mcp_req *r, const char *uri)
{
	struct mcp_entry *e = mcp_resource_match(r, uri);
	unsigned scope;

	if (!e)
		return false;
	scope = e->kind == MCP_K_RESOURCE ? e->resource.scope : e->template.scope;
	return (e->kind == MCP_K_RESOURCE ? e->resource.subscribe : e->template.subscribe) &&
	       !(scope & ~r->who.scopes);
}

static const char *uri_param(struct mcp_req *r)
{
	yyjson_val *uri = yyjson_obj_get(r->params, "uri");

	if (yyjson_is_str(uri) && yyjson_get_len(uri) <= 2048 &&
	    strlen(yyjson_get_str(uri)) == yyjson_get_len(uri))
		return yyjson_get_str(uri);
	mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL, "Invalid params: uri is missing or no URI");
	return NULL;
}

void mcp_rpc_subscribe(struct mcp_req *r)
{
	const char *uri = uri_param(r);

	if (!uri)
		return;
	if (!can_subscribe(r, uri))
		mcp_no_resource(r, uri);
	else if (mcp_sub_add(r->m, r->session, NULL, uri) < 0)
		mcp_fail(r, 200, MCP_INTERNAL, NULL, "Too many subscriptions in this session");
	else
		mcp_result_empty(r);
}

void mcp_rpc_unsubscribe(struct mcp_req *r)
{
	const char *uri = uri_param(r);

	if (!uri)
		return;
	list_each_safe (it, &r->session->subs) {
		struct mcp_sub *sub = container_of(it, struct mcp_sub, of);

		if (strcmp(sub->uri, uri) == 0)
			mcp_sub_free(r->m, sub);
	}
	mcp_result_empty(r);
}

/* ---- modern ---- */

void mcp_listen_free(struct mcp_listen *l)
{
	struct mcp_req *r = l->req;

	list_each_safe (it, &l->subs)
		mcp_sub_free(r->m, container_of(it, struct mcp_sub, of));
	list_del(&l->node);
	r->listen = NULL;
	free(l->task);
	mcp_req_free(r);
	free(l->id);
	free(l);
}

void mcp_listen_end(struct mcp_listen *l)
{
	struct mcp_req *r = l->req;
	struct mcp_wire *w = r->wire;
	struct buf *b;

	if (w && w->shared) {
		b = mcp_note_begin(r->m, "notifications/cancelled");
		buf_printf(b, "\"requestId\":%s,\"_meta\":{\"" MCP_META "subscriptionId\":%s}",
			   l->id, l->id);
		w->ops->event(w, NULL, mcp_note_end(r->m));
	}
	b = mcp_result_begin(r);
	buf_printf(b,
		   "\"resultType\":\"complete\",\"_meta\":{\"" MCP_META
		   "subscriptionId\":%s,\"" MCP_META "serverInfo\":%s}}}",
		   l->id, r->m->server_info);
	list_each_safe (it, &l->subs)
		mcp_sub_free(r->m, container_of(it, struct mcp_sub, of));
	list_del(&l->node);
	r->listen = NULL;
	mcp_finish(r, 200, 0, NULL, buf_slice(b));
	free(l->task);
	free(l->id);
	free(l);
}

static bool wants(yyjson_val *filter, const char *name)
{
	return yyjson_is_true(yyjson_obj_get(filter, name));
}

static void listen_tasks(struct mcp_listen *l, yyjson_val *ids)
{
	yyjson_val *id;
	size_t i;

	l->task = calloc(MCP_MAX_TASKS, sizeof(*l->task));
	for (i = 0; l->task && (id = yyjson_arr_get(ids, i)) && l->n_tasks < MCP_MAX_TASKS; i++) {
		if (yyjson_is_str(id) &&
		    mcp_task_find(l->req, yyjson_get_str(id), yyjson_get_len(id)))
			memcpy(l->task[l->n_tasks++], yyjson_get_str(id), MCP_ID_SIZE);
	}
}

/* What was asked for and can be done: the filter that is acknowledged. */
static void listen_filter(struct mcp_listen *l, yyjson_val *filter, struct buf *b)
{
	yyjson_val *uris = yyjson_obj_get(filter, "resourceSubscriptions");
	const char *sep = "";
	const char *uri;
	size_t i;

	OUT_LIT(b, ",\"notifications\":{");
	l->tools = wants(filter, "toolsListChanged");
	l->prompts = wants(filter, "promptsListChanged");
	l->resources = wants(filter, "resourcesListChanged");
	if (l->tools)
		OUT_LIT(b, "\"toolsListChanged\":true,");
	if (l->prompts)
		OUT_LIT(b, "\"promptsListChanged\":true,");
	if (l->resources)
		OUT_LIT(b, "\"resourcesListChanged\":true,");
	OUT_LIT(b, "\"resourceSubscriptions\":[");
	for (i = 0; i < yyjson_arr_size(uris); i++) {
		uri = yyjson_get_str(yyjson_arr_get(uris, i));
		if (!uri || strlen(uri) > 2048 || !can_subscribe(l->req, uri) ||
		    mcp_sub_add(l->req->m, NULL, l, uri) < 0)
			continue;
		mcp_out_text(b, sep);
		mcp_out_str(b, uri);
		sep = ",";
	}
	OUT_LIT(b, "]");
	if (l->n_tasks > 0) {
		OUT_LIT(b, ",\"taskIds\":[");
		for (i = 0; i < l->n_tasks; i++)
			buf_printf(b, "%s\"%s\"", i ? "," : "", l->task[i]);
		OUT_LIT(b, "]");
	}
	OUT_LIT(b, "}");
	buf_u8(b, 0);
}

/* Boolean members and arrays of strings. */
static bool filter_ok(yyjson_val *f)
{
	static const char *const flag[] = {"toolsListChanged", "promptsListChanged",
					   "resourcesListChanged"};
	static const char *const texts[] = {"resourceSubscriptions", "taskIds"};
	yyjson_val *v;
	size_t i;
	size_t k;

	if (!yyjson_is_obj(f))
		return false;
	for (i = 0; i < 3; i++) {
		v = yyjson_obj_get(f, flag[i]);
		if (v && !yyjson_is_bool(v))
			return false;
	}
	for (i = 0; i < 2; i++) {
		v = yyjson_obj_get(f, texts[i]);
		if (v && (!yyjson_is_arr(v) || yyjson_arr_size(v) > MAX_SUBS))
			return false;
		for (k = 0; k < yyjson_arr_size(v); k++) {
			if (!yyjson_is_str(yyjson_arr_get(v, k)))
				return false;
		}
	}
	return true;
}

static struct mcp_listen *listen_new(struct mcp_req *r)
{
	struct mcp_listen *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->id = strndup(r->id, r->id_n);
	if (!l->id) {
		free(l);
		return NULL;
	}
	l->req = r;
	list_init(&l->subs);
	list_add(&r->m->listens, &l->node);
	r->listen = l;
	return l;
}

void mcp_rpc_listen(struct mcp_req *r)
{
	yyjson_val *filter = yyjson_obj_get(r->params, "notifications");
	yyjson_val *tasks = yyjson_obj_get(filter, "taskIds");
	struct mcp_wire *w = r->wire;
	struct mcp_listen *l;
	struct buf b;

	if (!filter_ok(filter)) {
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL,
			 "Invalid params: notifications is missing or malformed");
		return;
	}
	if (tasks && !mcp_capable(r->caps, "extensions." MCP_TASKS_EXTENSION)) {
		mcp_missing(r, "extensions." MCP_TASKS_EXTENSION);
		return;
	}
	l = listen_new(r);
	if (!l) {
		mcp_fail(r, 503, MCP_INTERNAL, NULL, "no memory");
		return;
	}
	if (tasks)
		listen_tasks(l, tasks);
	buf_init(&b, &r->m->alloc);
	listen_filter(l, filter, &b);
	if (!w->shared) {
		w->open = true;
		w->ops->open(w);
	}
	/* Nothing of the request is needed any more but its id: an idle subscription shall be
	 * small. */
	mcp_arena_free(&r->arena);
	r->params = NULL;
	r->meta = NULL;
	r->caps = NULL;
	r->progress_token = NULL;
	r->id = l->id;
	mcp_timer_start(r->m); /* keeps the way open */
	mcp_listen_send(l, "notifications/subscriptions/acknowledged",
			b.failed ? ",\"notifications\":{}" : (char *)b.p);
	buf_free(&b);
}
