/* SPDX-License-Identifier: BSD-2-Clause */
/* tasks/get, tasks/result, tasks/list, tasks/update and tasks/cancel. */
#include "proto/netops/mcp/mcp_priv.h"

#include <stdlib.h>

#define PAGE 50

/* The task that is asked for; answers and NULL where there is none, or where the client may not
 * ask. */
static struct mcp_task *asked(struct mcp_req *r)
{
	struct mcp_task *t;

	if (r->era == MCP_2026_07_28 && !mcp_capable(r->caps, "extensions." MCP_TASKS_EXTENSION)) {
		mcp_missing(r, "extensions." MCP_TASKS_EXTENSION);
		return NULL;
	}
	t = r->name ? mcp_task_find(r, yyjson_get_str(r->name), yyjson_get_len(r->name)) : NULL;
	if (!t)
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL, "Invalid params: no such task");
	return t;
}

void mcp_rpc_tasks_get(struct mcp_req *r)
{
	struct mcp_task *t = asked(r);
	struct buf *b;

	if (!t)
		return;
	b = mcp_result_begin(r);
	mcp_task_describe(b, t, r->era, r->era == MCP_2026_07_28);
	mcp_result_end(r, false);
}

void mcp_rpc_tasks_cancel(struct mcp_req *r)
{
	struct mcp_task *t = asked(r);
	struct buf *b;

	if (!t)
		return;
	if (r->era != MCP_2026_07_28 && mcp_task_terminal(t)) {
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL,
			 "Invalid params: this task has ended already");
		return;
	}
	mcp_task_cancel(t);
	if (r->era == MCP_2026_07_28) {
		mcp_result_empty(r);
		return;
	}
	b = mcp_result_begin(r);
	mcp_task_describe(b, t, r->era, false);
	mcp_result_end(r, false);
}

void mcp_rpc_tasks_list(struct mcp_req *r)
{
	yyjson_val *cursor = yyjson_obj_get(r->params, "cursor");
	struct slice bind = SLICE_LIT("tasks");
	const char *last = NULL;
	char *after = NULL;
	unsigned n = 0;
	struct buf *b;
	char *next = NULL;
	size_t len;

	if (cursor) {
		after = yyjson_is_str(cursor)
				? mcp_unseal(r, "cursor", bind, yyjson_get_str(cursor),
					     yyjson_get_len(cursor), &len)
				: NULL;
		if (!after) {
			mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL,
				 "Invalid params: this cursor is not one of ours");
			return;
		}
	}
	b = mcp_result_begin(r);
	OUT_LIT(b, "\"tasks\":[");
	list_each (it, &r->m->tasks_all) {
		struct mcp_task *t = container_of(it, struct mcp_task, all);

		if (t->expired || !principal_same(&t->who, &r->who))
			continue;
		if (after) {
			if (strcmp(t->id, after) == 0)
				after = NULL;
			continue;
		}
		if (n == PAGE) {
			next = mcp_seal(r, "cursor", bind, slice_of(last, strlen(last)));
			break;
		}
		mcp_out_text(b, n++ ? ",{" : "{");
		mcp_task_describe(b, t, r->era, false);
		OUT_LIT(b, "}");
		last = t->id;
	}
	OUT_LIT(b, "]");
	if (next) {
		OUT_LIT(b, ",\"nextCursor\":");
		mcp_out_str(b, next);
	}
	mcp_result_end(r, false);
}

/* ---- tasks/update: answers to what the task asked ---- */

static bool take_answers(struct mcp_req *r, struct mcp_task *t, yyjson_val *responses)
{
	struct mcp_ask *a;
	yyjson_val *v;

	for (a = t->req->asks; a; a = a->next) {
		v = a->wire_key && !a->answer ? yyjson_obj_get(responses, a->wire_key) : NULL;
		if (v && !mcp_answer_ok(a->method, v)) {
			mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL,
				 "Invalid params: the answer to %s is malformed", a->wire_key);
			return false;
		}
	}
	for (a = t->req->asks; a; a = a->next) {
		v = a->wire_key && !a->answer ? yyjson_obj_get(responses, a->wire_key) : NULL;
		if (v)
			a->answer = mcp_val_copy(t->req, v);
	}
	return true;
}

void mcp_rpc_tasks_update(struct mcp_req *r)
{
	struct mcp_task *t = asked(r);
	yyjson_val *responses = yyjson_obj_get(r->params, "inputResponses");
	const struct mcp_ask *a;

	if (!t)
		return;
	if (!yyjson_is_obj(responses)) {
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL,
			 "Invalid params: inputResponses is not an object");
		return;
	}
	if (t->status != TASK_INPUT_REQUIRED || (!t->req && !mcp_task_revive(t))) {
		mcp_result_empty(r);
		return;
	}
	if (!take_answers(r, t, responses))
		return;
	mcp_result_empty(r);
	for (a = t->req->asks; a; a = a->next) {
		if (!a->answer) {
			mcp_task_changed(t);
			return;
		}
	}
	mcp_task_resume(t);
}

/* ---- tasks/result (2025-11-25): waits ---- */

static void answer_waiter(struct mcp_req *r, struct mcp_task *t)
{
	struct buf *b;

	list_del(&r->on_task);
	if (t->status == TASK_CANCELLED) {
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL, "The task was cancelled");
		return;
	}
	if (t->status == TASK_FAILED) {
		b = &r->m->out;
		buf_clear(b);
		OUT_LIT(b, "{\"jsonrpc\":\"2.0\",\"id\":");
		buf_bytes(b, r->id, r->id_n);
		buf_printf(b, ",\"error\":%s}",
			   t->outcome ? t->outcome : "{\"code\":-32603,\"message\":\"no memory\"}");
		mcp_finish(r, 200, 0, NULL, buf_slice(b));
		return;
	}
	b = mcp_result_begin(r);
	mcp_out_text(b, t->outcome);
	buf_printf(b, "%s\"_meta\":{\"" MCP_META "related-task\":{\"taskId\":\"%s\"}}",
		   t->outcome[0] ? "," : "", t->id);
	mcp_result_end(r, false);
}

/* What the task asks goes to the client on the stream of who waits for its result. */
static void pass_asks(struct mcp_req *waiter, struct mcp_task *t)
{
	struct mcp *m = t->m;
	struct mcp_ask *a;
	struct buf *b = &m->note;

	if (!t->req && !mcp_task_revive(t))
		return;
	for (a = t->req->asks; a; a = a->next) {
		if (a->answer || a->id)
			continue;
		a->id = ++m->next_ask;
		buf_clear(b);
		buf_printf(b,
			   "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"%s\",\"params\":{\"_"
			   "meta\":{\"" MCP_META "related-task\":{\"taskId\":\"%s\"}}%s",
			   (unsigned long long)a->id, a->method, t->id,
			   a->params[1] == '}' ? "" : ",");
		mcp_out_json(b, a->params + 1, strlen(a->params) - 1);
		OUT_LIT(b, "}");
		mcp_send(waiter, buf_slice(b));
	}
}

void mcp_task_wake(struct mcp_task *t)
{
	list_each_safe (it, &t->waiters) {
		struct mcp_req *r = container_of(it, struct mcp_req, on_task);

		if (mcp_task_terminal(t))
			answer_waiter(r, t);
		else if (t->status == TASK_INPUT_REQUIRED)
			pass_asks(r, t);
	}
}

void mcp_rpc_tasks_result(struct mcp_req *r)
{
	struct mcp_task *t = asked(r);

	if (!t)
		return;
	r->handler = true;
	r->waiting = true;
	list_add(&t->waiters, &r->on_task);
	mcp_timer_start(r->m);
	mcp_task_wake(t);
}
