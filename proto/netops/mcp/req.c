/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a request: from the pool, through its handler (once, or again when the client has
 * answered what was asked), to its answer or its cancellation. */
#include "proto/netops/mcp/mcp_priv.h"

#include <errno.h>
#include <stdlib.h>

#define POOL 64

struct mcp_req *mcp_req_new(struct mcp *m, struct mcp_wire *w)
{
	struct mcp_arena arena;
	struct mcp_req *r;

	if (!list_empty(&m->free_reqs)) {
		r = container_of(m->free_reqs.next, struct mcp_req, node);
		list_del(&r->node);
		m->n_free--;
		arena = r->arena;
	} else {
		r = malloc(sizeof(*r));
		if (!r || mcp_arena_init(&arena) < 0) {
			free(r);
			return NULL;
		}
	}
	memset(r, 0, sizeof(*r));
	r->arena = arena;
	r->arena.alc.ctx = &r->arena;
	r->m = m;
	r->wire = w;
	r->log_level = -1;
	r->since = m->now;
	list_add(&m->reqs, &r->node);
	list_init(&r->on_wire);
	list_init(&r->on_session);
	list_init(&r->on_task);
	if (w)
		list_add(&w->reqs, &r->on_wire);
	return r;
}

void mcp_req_detach(struct mcp_req *r)
{
	list_del(&r->on_wire);
	r->wire = NULL;
}

static void recycle(struct mcp_req *r)
{
	struct mcp *m = r->m;

	if (r->arena.first)
		mcp_arena_reset(&r->arena);
	if (r->arena.first && m->n_free < POOL && !m->closing) {
		list_add(&m->free_reqs, &r->node);
		m->n_free++;
		return;
	}
	mcp_arena_free(&r->arena);
	free(r);
}

void mcp_req_free(struct mcp_req *r)
{
	list_del(&r->node);
	list_del(&r->on_wire);
	list_del(&r->on_session);
	list_del(&r->on_task);
	if (r->stream)
		r->stream->req = NULL;
	if (r->task && r->task->req == r)
		r->task->req = NULL;
	if (r->creates)
		r->creates->creator = NULL;
	if (r->entry)
		mcp_entry_unref(r->entry);
	/* While its handler is on the stack, the memory stays (mcp_req_call). */
	if (r->inside)
		r->released = true;
	else
		recycle(r);
}

void mcp_req_cancel(struct mcp_req *r)
{
	void (*f)(struct mcp_req *r) = r->on_cancel;

	if (r->dead)
		return;
	r->dead = true;
	mcp_req_detach(r);
	list_del(&r->on_session);
	list_del(&r->on_task);
	if (r->listen) {
		mcp_listen_free(r->listen);
		return;
	}
	if (r->inside)
		return; /* its handler is at work right now */
	if (!r->handler || r->waiting) {
		mcp_req_free(r);
		return;
	}
	/* Without on_cancel the handler will answer, into nothing. */
	if (!f)
		return;
	r->on_cancel = NULL;
	f(r);
	mcp_req_free(r);
}

static void serve_entry(struct mcp_req *r)
{
	struct mcp_entry *e = r->entry;

	if (r->complete_name && e->kind == MCP_K_PROMPT) {
		e->prompt.complete(e->prompt.ctx, r, r->complete_name, r->complete_value,
				   r->complete_context);
		return;
	}
	if (r->complete_name) {
		e->template.complete(e->template.ctx, r, r->complete_name, r->complete_value,
				     r->complete_context);
		return;
	}
	switch (e->kind) {
	case MCP_K_TOOL:
		e->tool.call(e->tool.ctx, r, r->args);
		break;
	case MCP_K_RESOURCE:
		e->resource.read(e->resource.ctx, r, r->uri);
		break;
	case MCP_K_TEMPLATE:
		e->template.read(e->template.ctx, r, r->uri, r->var, r->n_vars);
		break;
	case MCP_K_PROMPT:
		e->prompt.get(e->prompt.ctx, r, r->args);
		break;
	case MCP_N_KINDS:
		break;
	}
}

void mcp_req_call(struct mcp_req *r)
{
	r->handler = true;
	r->waiting = false;
	r->on_cancel = NULL;
	r->inside = true;
	serve_entry(r);
	r->inside = false;
	if (r->released) {
		recycle(r);
		return;
	}
	if (r->dead && (r->waiting || r->on_cancel)) {
		r->dead = false;
		mcp_req_cancel(r);
		return;
	}
	if (r->waiting) {
		mcp_ask_send(r);
		return;
	}
	/* The work goes on: what must be a task becomes one now, what may be one after a while
	 * (server.c). */
	if (!r->task && r->era == MCP_2026_07_28 && r->entry->kind == MCP_K_TOOL &&
	    r->entry->tool.task == MCP_TASK_REQUIRED)
		mcp_task(r);
	else
		mcp_timer_start(r->m);
}

void mcp_wait(struct mcp_req *r)
{
	r->waiting = true;
	if (!r->inside)
		mcp_ask_send(r);
}

/* ---- small things that handlers ask ---- */

const struct principal *mcp_principal(const struct mcp_req *r)
{
	return &r->who;
}

enum mcp_era mcp_era(const struct mcp_req *r)
{
	return r->era;
}

yyjson_val *mcp_meta(const struct mcp_req *r)
{
	return r->meta;
}

void mcp_set_ctx(struct mcp_req *r, void *ctx)
{
	r->ctx = ctx;
}

void *mcp_ctx(const struct mcp_req *r)
{
	return r->ctx;
}

void mcp_on_cancel(struct mcp_req *r, void (*f)(struct mcp_req *r))
{
	r->on_cancel = f;
}

bool mcp_client_can(const struct mcp_req *r, const char *capability)
{
	return mcp_capable(r->caps, capability);
}
