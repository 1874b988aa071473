/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks: calls whose answer is fetched later. 2025-11-25: the client asks for one; modern: this
 * server makes one where the client knows the extension. A task is on disk before its maker hears
 * of it, belongs to the principal who made it, and outlives connections and sessions. */
#include "proto/netops/mcp/mcp_priv.h"

#include <errno.h>
#include <stdlib.h>

bool mcp_task_terminal(const struct mcp_task *t)
{
	return t->status >= TASK_COMPLETED;
}

struct mcp_task *mcp_task_new(struct mcp *m, const char *id)
{
	struct mcp_task *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->m = m;
	if (id)
		memcpy(t->id, id, MCP_ID_SIZE - 1);
	else
		mcp_random_id(t->id);
	list_init(&t->waiters);
	if (hash_add(&m->tasks, &t->node, hash_bytes(t->id, strlen(t->id), m->seed)) < 0) {
		free(t);
		return NULL;
	}
	list_add(&m->tasks_all, &t->all);
	return t;
}

void mcp_task_free(struct mcp_task *t)
{
	list_each_safe (it, &t->waiters)
		list_del(it);
	if (t->req)
		t->req->task = NULL;
	if (t->creator)
		t->creator->creates = NULL;
	hash_del(&t->m->tasks, &t->node);
	list_del(&t->all);
	free(t->tool);
	free(t->args);
	free(t->outcome);
	free(t->kept);
	free(t->asks);
	free(t);
}

struct mcp_task *mcp_task_find(struct mcp_req *r, const char *id, size_t n)
{
	struct hash_node *node;

	if (n != MCP_ID_SIZE - 1)
		return NULL;
	for (node = hash_first(&r->m->tasks, hash_bytes(id, n, r->m->seed)); node;
	     node = hash_next(node)) {
		struct mcp_task *t = container_of(node, struct mcp_task, node);

		if (memcmp(t->id, id, n) == 0)
			return !t->expired && principal_same(&t->who, &r->who) ? t : NULL;
	}
	return NULL;
}

/* ---- begin ---- */

static bool room_for(struct mcp *m, const struct principal *who)
{
	unsigned running = 0;
	unsigned all = 0;

	list_each (it, &m->tasks_all) {
		const struct mcp_task *t = container_of(it, struct mcp_task, all);

		if (!principal_same(&t->who, who))
			continue;
		all++;
		running += !mcp_task_terminal(t);
	}
	return running < MCP_MAX_TASKS && all < 16 * MCP_MAX_TASKS;
}

/* The request splits: one half goes on working, the other answers to who called. */
static struct mcp_req *split(struct mcp_req *r)
{
	struct mcp_req *c = mcp_req_new(r->m, r->wire);

	if (!c)
		return NULL;
	c->id = mcp_arena_text(&c->arena, r->id, r->id_n);
	c->id_n = r->id_n;
	c->era = r->era;
	c->http = r->http;
	c->method = r->method;
	c->session = r->session;
	if (!c->id) {
		mcp_req_free(c);
		return NULL;
	}
	if (c->session)
		list_add(&c->session->reqs, &c->on_session);
	mcp_req_detach(r);
	list_del(&r->on_session);
	c->stream = r->stream;
	r->stream = NULL;
	if (c->stream)
		c->stream->req = c;
	return c;
}

int mcp_task_begin(struct mcp_req *r, int64_t ttl)
{
	struct mcp_task *t;
	char *args;

	if (!room_for(r->m, &r->who))
		return -EBUSY;
	args = yyjson_val_write(r->args, YYJSON_WRITE_NOFLAG, NULL);
	t = args ? mcp_task_new(r->m, NULL) : NULL;
	if (!t) {
		free(args);
		return -ENOMEM;
	}
	t->args = args;
	t->tool = strdup(r->entry->tool.name);
	t->creator = t->tool ? split(r) : NULL;
	if (!t->creator) {
		mcp_task_free(t);
		return -ENOMEM;
	}
	t->creator->creates = t;
	t->who = r->who;
	t->era = r->era;
	t->ttl = ttl;
	t->created = mcp_unix_ms();
	t->updated = t->created;
	t->req = r;
	r->task = t;
	mcp_timer_start(r->m);
	mcp_task_save(t);
	return 0;
}

int mcp_task(struct mcp_req *r)
{
	if (r->task)
		return 0;
	if (r->era != MCP_2026_07_28 || r->dead || !r->entry || r->entry->kind != MCP_K_TOOL ||
	    r->entry->tool.task == MCP_TASK_FORBIDDEN ||
	    !mcp_capable(r->caps, "extensions." MCP_TASKS_EXTENSION))
		return -ENOTSUP;
	return mcp_task_begin(r, MCP_TASK_TTL) < 0 ? -ENOTSUP : 0;
}

bool mcp_is_task(const struct mcp_req *r)
{
	return r->task != NULL;
}

void mcp_task_message(struct mcp_req *r, const char *text)
{
	if (!r->task || mcp_task_terminal(r->task))
		return;
	snprintf(r->task->message, sizeof(r->task->message), "%s", text ? text : "");
	mcp_task_changed(r->task);
}

void mcp_task_durable(struct mcp_task *t, int rc)
{
	struct mcp_req *c = t->creator;
	struct buf *b;

	if (!c)
		return;
	c->creates = NULL;
	t->creator = NULL;
	if (rc < 0) {
		mcp_task_cancel(t);
		mcp_fail(c, 200, MCP_INTERNAL, NULL, "The task could not be stored: %s",
			 strerror(-rc));
		return;
	}
	b = mcp_result_begin(c);
	if (c->era != MCP_2026_07_28) {
		OUT_LIT(b, "\"task\":{");
		mcp_task_describe(b, t, c->era, false);
		OUT_LIT(b, "}");
		mcp_result_end(c, false);
		return;
	}
	mcp_task_describe(b, t, c->era, false);
	buf_printf(b, ",\"resultType\":\"task\",\"_meta\":{\"" MCP_META "serverInfo\":%s}}}",
		   t->m->server_info);
	mcp_finish(c, 200, 0, NULL, buf_slice(b));
}

/* ---- on the way ---- */

static void tell_legacy(struct mcp_task *t)
{
	struct mcp *m = t->m;
	struct buf *b;

	list_each_safe (it, &m->sessions_used) {
		struct mcp_session *s = container_of(it, struct mcp_session, used);

		if (s->era != MCP_2025_11_25 || !principal_same(&s->who, &t->who) ||
		    (t->who.session[0] && strcmp(t->who.session, s->who.session) != 0))
			continue;
		b = mcp_note_begin(m, "notifications/tasks/status");
		mcp_task_describe(b, t, MCP_2025_11_25, false);
		mcp_session_send(s, mcp_note_end(m));
	}
}

static void tell_modern(struct mcp_task *t)
{
	struct mcp *m = t->m;
	struct buf b;
	size_t i;

	list_each_safe (it, &m->listens) {
		struct mcp_listen *l = container_of(it, struct mcp_listen, node);

		for (i = 0; i < l->n_tasks; i++) {
			if (memcmp(l->task[i], t->id, MCP_ID_SIZE) != 0)
				continue;
			buf_init(&b, &m->alloc);
			buf_u8(&b, ',');
			mcp_task_describe(&b, t, MCP_2026_07_28, true);
			buf_u8(&b, 0);
			if (!b.failed)
				mcp_listen_send(l, "notifications/tasks", (char *)b.p);
			buf_free(&b);
		}
	}
}

void mcp_task_changed(struct mcp_task *t)
{
	t->updated = mcp_unix_ms();
	mcp_task_save(t);
	if (t->era == MCP_2025_11_25)
		tell_legacy(t);
	tell_modern(t);
	mcp_task_wake(t);
}

void mcp_task_done(struct mcp_req *r, bool error, const char *text, size_t n)
{
	struct mcp_task *t = r->task;

	if (!r->dead && !mcp_task_terminal(t)) {
		t->outcome = strndup(text, n);
		t->status = error || !t->outcome ? TASK_FAILED : TASK_COMPLETED;
		t->is_error = r->is_error;
	}
	r->answered = true;
	mcp_req_free(r);
	if (t->outcome)
		mcp_task_changed(t);
}

void mcp_task_cancel(struct mcp_task *t)
{
	struct mcp_req *r = t->req;

	if (mcp_task_terminal(t))
		return;
	t->status = TASK_CANCELLED;
	if (r) {
		t->req = NULL;
		r->task = NULL; /* it may answer yet, into nothing */
		mcp_req_cancel(r);
	}
	mcp_task_changed(t);
}

void mcp_task_ask(struct mcp_req *r)
{
	struct mcp_task *t = r->task;
	struct mcp_ask *a;

	for (a = r->asks; a; a = a->next) {
		if (a->answer || a->wire_key)
			continue;
		a->wire_key = mcp_arena_get(&r->arena, strlen(a->key) + 16);
		if (a->wire_key)
			snprintf(a->wire_key, strlen(a->key) + 16, "%s-%u", a->key, ++t->next_key);
	}
	t->status = TASK_INPUT_REQUIRED;
	mcp_task_changed(t);
}

void mcp_task_resume(struct mcp_task *t)
{
	if (mcp_task_terminal(t) || (!t->req && !mcp_task_revive(t)))
		return;
	t->status = TASK_WORKING;
	mcp_task_changed(t);
	mcp_req_call(t->req);
}

/* ---- what it looks like ---- */

static void out_asks(struct buf *b, struct mcp_task *t)
{
	const struct mcp_ask *a;
	const char *sep = "";

	OUT_LIT(b, ",\"inputRequests\":{");
	for (a = t->req ? t->req->asks : NULL; a; a = a->next) {
		if (a->answer || !a->wire_key)
			continue;
		mcp_out_text(b, sep);
		mcp_out_str(b, a->wire_key);
		buf_printf(b, ":{\"method\":\"%s\",\"params\":", a->method);
		mcp_out_json(b, a->params, strlen(a->params));
		OUT_LIT(b, "}");
		sep = ",";
	}
	OUT_LIT(b, "}");
}

void mcp_task_describe(struct buf *b, struct mcp_task *t, enum mcp_era era, bool whole)
{
	static const char *const name[] = {"working", "input_required", "completed", "failed",
					   "cancelled"};
	bool modern = era == MCP_2026_07_28;
	enum mcp_task_status status = t->status;

	/* 2025-11-25: a tool's own failure is one of the task. */
	if (!modern && status == TASK_COMPLETED && t->is_error)
		status = TASK_FAILED;
	buf_printf(b, "\"taskId\":\"%s\",\"status\":\"%s\"", t->id, name[status]);
	if (t->message[0]) {
		OUT_LIT(b, ",\"statusMessage\":");
		mcp_out_str(b, t->message);
	}
	OUT_LIT(b, ",\"createdAt\":");
	mcp_out_time(b, t->created);
	OUT_LIT(b, ",\"lastUpdatedAt\":");
	mcp_out_time(b, t->updated);
	buf_printf(b,
		   modern ? ",\"ttlMs\":%lld,\"pollIntervalMs\":500"
			  : ",\"ttl\":%lld,\"pollInterval\":500",
		   (long long)t->ttl);
	if (!whole)
		return;
	if (status == TASK_INPUT_REQUIRED && (t->req || mcp_task_revive(t)))
		out_asks(b, t);
	else if (status == TASK_COMPLETED)
		buf_printf(b, ",\"result\":{%s%s\"resultType\":\"complete\"}", t->outcome,
			   t->outcome[0] ? "," : "");
	else if (status == TASK_FAILED)
		buf_printf(b, ",\"error\":%s",
			   t->outcome ? t->outcome : "{\"code\":-32603,\"message\":\"no memory\"}");
}

/* ---- after a restart ---- */

static void revive_asks(struct mcp_req *r, const char *json)
{
	yyjson_doc *doc = json ? yyjson_read_opts((char *)(uintptr_t)json, strlen(json), 0,
						  &r->arena.alc, NULL)
			       : NULL;
	yyjson_obj_iter it = yyjson_obj_iter_with(doc ? yyjson_doc_get_root(doc) : NULL);
	struct mcp_ask *a;
	yyjson_val *key;
	yyjson_val *v;

	while ((key = yyjson_obj_iter_next(&it))) {
		v = yyjson_obj_iter_get_val(key);
		a = mcp_ask_add(r, yyjson_get_str(key));
		if (!a)
			return;
		a->method = yyjson_get_str(yyjson_obj_get(v, "m"));
		a->params = yyjson_get_str(yyjson_obj_get(v, "p"));
		a->wire_key = (char *)(uintptr_t)yyjson_get_str(yyjson_obj_get(v, "w"));
		a->answer = yyjson_obj_get(v, "a");
	}
}

bool mcp_task_revive(struct mcp_task *t)
{
	struct mcp_entry *e = mcp_find(t->m, MCP_K_TOOL, t->tool, strlen(t->tool));
	struct mcp_req *r = e ? mcp_req_new(t->m, NULL) : NULL;
	yyjson_doc *doc;

	if (!r)
		return false;
	doc = yyjson_read_opts(t->args, strlen(t->args), YYJSON_READ_NOFLAG, &r->arena.alc, NULL);
	if (!doc) {
		mcp_req_free(r);
		return false;
	}
	r->args = yyjson_doc_get_root(doc);
	e->refs++;
	r->entry = e;
	r->era = t->era;
	r->who = t->who;
	r->method = mcp_method_find("tools/call", 10);
	r->handler = true;
	r->waiting = true;
	if (t->kept)
		mcp_keep(r, t->kept);
	revive_asks(r, t->asks);
	r->task = t;
	t->req = r;
	return true;
}

const char *mcp_task_asks(struct mcp_task *t)
{
	struct mcp_req *r = t->req;
	const struct mcp_ask *a;
	const char *sep = "";
	struct buf b;

	if (!r)
		return t->asks ? t->asks : "{}";
	buf_init(&b, &t->m->alloc);
	OUT_LIT(&b, "{");
	for (a = r->asks; a; a = a->next) {
		mcp_out_text(&b, sep);
		mcp_out_str(&b, a->key);
		OUT_LIT(&b, ":{\"m\":");
		mcp_out_str(&b, a->method ? a->method : "");
		OUT_LIT(&b, ",\"p\":");
		mcp_out_str(&b, a->params ? a->params : "{}");
		OUT_LIT(&b, ",\"w\":");
		mcp_out_str(&b, a->wire_key ? a->wire_key : "");
		if (a->answer) {
			OUT_LIT(&b, ",\"a\":");
			mcp_out_val(&b, a->answer, &r->arena);
		}
		OUT_LIT(&b, "}");
		sep = ",";
	}
	OUT_LIT(&b, "}");
	free(t->asks);
	t->asks = b.failed ? NULL : strndup((char *)b.p, b.n);
	buf_free(&b);
	free(t->kept);
	t->kept = r->state ? strdup(r->state) : NULL;
	return t->asks ? t->asks : "{}";
}
