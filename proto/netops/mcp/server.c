/* SPDX-License-Identifier: BSD-2-Clause */
/* The server as a whole: made from its parameters, its timers, its wires, its end. */
#include "proto/netops/mcp/mcp_priv.h"

#include "base/rng.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdlib.h>

#define TICK_MS 100
#define STREAM_AFTER SEC(1)  /* an answer that takes longer is streamed */
#define TASK_AFTER MSEC(500) /* what may become a task does so */
#define KEEP_ALIVE SEC(15)
#define ANSWER_WITHIN SEC(600) /* the client's answer to what was asked */
#define STREAM_KEPT SEC(300)   /* for a client that comes back */
#define SESSION_KEPT SEC(3600)

static void set_text(struct mcp *m, char **to, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void set_text(struct mcp *m, char **to, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(to, fmt, ap) < 0)
		*to = NULL;
	va_end(ap);
}

static int make_texts(struct mcp *m)
{
	const struct mcp_params *p = &m->params;
	struct buf *b = &m->scratch;

	buf_clear(b);
	OUT_LIT(b, "{\"name\":");
	mcp_out_str(b, p->name);
	OUT_LIT(b, ",\"version\":");
	mcp_out_str(b, p->version);
	if (p->title) {
		OUT_LIT(b, ",\"title\":");
		mcp_out_str(b, p->title);
	}
	OUT_LIT(b, "}");
	buf_u8(b, 0);
	if (b->failed)
		return -ENOMEM;
	set_text(m, &m->server_info, "%s", (char *)b->p);
	set_text(m, &m->meta_modern,
		 "\"resultType\":\"complete\",\"_meta\":{\"" MCP_META "serverInfo\":%s}",
		 (char *)b->p);
	return m->server_info && m->meta_modern ? 0 : -ENOMEM;
}

static int check_params(const struct mcp_params *p, struct err *err)
{
	yyjson_doc *doc;
	bool ok;

	if (!p->name || !p->version)
		return err_set(err, -EINVAL, "an MCP server needs a name and a version");
	if (!p->network)
		return 0;
	doc = json_parse(p->network, strlen(p->network), 0, "capability network", err);
	ok = yyjson_is_obj(yyjson_doc_get_root(doc));
	yyjson_doc_free(doc);
	return ok ? 0 : err_set(err, -EINVAL, "the capability network is not a JSON object");
}

int mcp_set_network(struct mcp *m, const char *json, struct err *err)
{
	struct mcp_params p = m->params;

	p.network = json;
	if (check_params(&p, err) < 0)
		return -EINVAL;
	m->params.network = json;
	return 0;
}

struct mcp *mcp_new(uv_loop_t *loop, const struct mcp_params *p, struct err *err)
{
	struct mcp *m;

	if (check_params(p, err) < 0)
		return NULL;
	m = calloc(1, sizeof(*m));
	if (!m) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	m->loop = loop;
	m->params = *p;
	m->now = clock_now();
	rng_os_bytes(&m->seed, sizeof(m->seed));
	alloc_init(&m->alloc, 0);
	buf_init(&m->out, &m->alloc);
	buf_init(&m->note, &m->alloc);
	buf_init(&m->scratch, &m->alloc);
	hash_init(&m->sessions, &m->alloc);
	hash_init(&m->subs, &m->alloc);
	hash_init(&m->tasks, &m->alloc);
	list_init(&m->wires);
	list_init(&m->reqs);
	list_init(&m->free_reqs);
	list_init(&m->sessions_used);
	list_init(&m->listens);
	list_init(&m->tasks_all);
	uv_timer_init(loop, &m->turn);
	uv_timer_init(loop, &m->timer);
	uv_timer_init(loop, &m->pace);
	m->turn.data = m;
	m->timer.data = m;
	m->pace.data = m;
	if (make_texts(m) < 0 || mcp_tasks_load(m, err) < 0) {
		if (err->code == 0)
			err_set(err, -ENOMEM, "no memory");
		mcp_free(m);
		return NULL;
	}
	return m;
}

void mcp_shutdown(struct mcp *m)
{
	list_each_safe (it, &m->listens)
		mcp_listen_end(container_of(it, struct mcp_listen, node));
}

static void closed(uv_handle_t *h)
{
	struct mcp *m = h->data;

	if (--m->handles == 0 && m->n_saving == 0)
		mcp_release(m);
}

void mcp_release(struct mcp *m)
{
	list_each_safe (it, &m->tasks_all)
		mcp_task_free(container_of(it, struct mcp_task, all));
	mcp_registry_free(m);
	list_each_safe (it, &m->free_reqs) {
		struct mcp_req *r = container_of(it, struct mcp_req, node);

		list_del(&r->node);
		mcp_arena_free(&r->arena);
		free(r);
	}
	hash_free(&m->sessions);
	hash_free(&m->subs);
	hash_free(&m->tasks);
	buf_free(&m->out);
	buf_free(&m->note);
	buf_free(&m->scratch);
	free(m->server_info);
	free(m->meta_modern);
	free(m->used);
	OPENSSL_cleanse(m->params.state_key, sizeof(m->params.state_key));
	free(m);
}

void mcp_free(struct mcp *m)
{
	if (!m)
		return;
	m->closing = true;
	list_each_safe (it, &m->sessions_used)
		mcp_session_close(container_of(it, struct mcp_session, used));
	while (!list_empty(&m->reqs)) {
		struct mcp_req *r = container_of(m->reqs.next, struct mcp_req, node);

		mcp_req_cancel(r);
		if (m->reqs.next == &r->node) /* a handler that would answer later: it must not */
			mcp_req_free(r);
	}
	m->handles = 3;
	uv_close((uv_handle_t *)&m->turn, closed);
	uv_close((uv_handle_t *)&m->timer, closed);
	uv_close((uv_handle_t *)&m->pace, closed);
}

/* ---- timers ---- */

static void turn(uv_timer_t *t)
{
	struct mcp *m = t->data;

	m->now = clock_now();
	mcp_lists_tell(m);
}

void mcp_lists_changed(struct mcp *m, bool tools, bool resources, bool prompts)
{
	m->changed[MCP_K_TOOL] |= tools;
	m->changed[MCP_K_RESOURCE] |= resources;
	m->changed[MCP_K_PROMPT] |= prompts;
	if (tools) {
		m->tools_hash[0] = 0;
		mcp_pages_drop(&m->reg[MCP_K_TOOL]);
	}
	if (resources) {
		mcp_pages_drop(&m->reg[MCP_K_RESOURCE]);
		mcp_pages_drop(&m->reg[MCP_K_TEMPLATE]);
	}
	if (prompts)
		mcp_pages_drop(&m->reg[MCP_K_PROMPT]);
	if (!uv_is_active((uv_handle_t *)&m->turn))
		uv_timer_start(&m->turn, turn, 0, 0);
}

/* An answer that is long in coming: its stream begins, so that the client sees life and, in
 * 2025-11-25, has an event id to come back with; or it becomes a task. */
static void late(struct mcp_req *r)
{
	struct mcp_wire *w = r->wire;
	usec_t age = r->m->now - r->since;

	if (!r->handler || r->dead || r->listen || r->task)
		return;
	if (age >= TASK_AFTER && !r->waiting && r->era == MCP_2026_07_28 && r->entry &&
	    r->entry->kind == MCP_K_TOOL && r->entry->tool.task == MCP_TASK_OPTIONAL &&
	    mcp_task(r) == 0)
		return;
	if (age < STREAM_AFTER || !w || w->shared || w->open)
		return;
	if (r->era == MCP_2026_07_28) {
		w->open = true;
		w->ops->open(w);
	} else if (r->session) {
		r->stream = mcp_stream_new(r->session, r);
		if (r->stream)
			mcp_stream_attach(r->stream, w);
	}
}

/* Whether anything but subscriptions is under way. */
static bool sweep_reqs(struct mcp *m)
{
	bool busy = false;

	list_each_safe (it, &m->reqs) {
		struct mcp_req *r = container_of(it, struct mcp_req, node);

		busy |= !r->listen;
		if (r->waiting && !r->task && r->asked && m->now - r->asked > ANSWER_WITHIN) {
			r->waiting = false;
			mcp_fail_tool(r, "The client did not answer in time");
		} else {
			late(r);
		}
	}
	return busy;
}

static void sweep_session(struct mcp_session *s)
{
	struct mcp *m = s->m;
	bool quiet = list_empty(&s->reqs) && !s->wire && !(s->general && s->general->wire);

	list_each_safe (it, &s->streams) {
		struct mcp_stream *st = container_of(it, struct mcp_stream, node);

		if (st->done && !st->wire && m->now - st->idle > STREAM_KEPT)
			mcp_stream_free(st);
	}
	if (quiet && m->now - s->last_used > SESSION_KEPT)
		mcp_session_close(s);
}

static void keep_alive(struct mcp *m)
{
	list_each_safe (it, &m->wires) {
		struct mcp_wire *w = container_of(it, struct mcp_wire, node);

		if (w->open && !w->congested && w->ops->comment)
			w->ops->comment(w);
	}
}

static void tick(uv_timer_t *t)
{
	struct mcp *m = t->data;
	bool busy;

	m->now = clock_now();
	busy = sweep_reqs(m);
	if (m->now >= m->next_sweep) {
		m->next_sweep = m->now + KEEP_ALIVE;
		list_each_safe (it, &m->sessions_used)
			sweep_session(container_of(it, struct mcp_session, used));
		mcp_tasks_sweep(m);
		keep_alive(m);
	}
	if (list_empty(&m->reqs) && list_empty(&m->sessions_used) && list_empty(&m->tasks_all)) {
		uv_timer_stop(t);
		return;
	}
	/* Nothing under way: only what is swept slowly. */
	uv_timer_start(t, tick, busy ? TICK_MS : (uint64_t)(m->next_sweep - m->now) / 1000 + 1, 0);
}

void mcp_timer_start(struct mcp *m)
{
	if (m->closing)
		return;
	if (!uv_is_active((uv_handle_t *)&m->timer) || uv_timer_get_due_in(&m->timer) > TICK_MS)
		uv_timer_start(&m->timer, tick, TICK_MS, 0);
}

/* ---- wires ---- */

void mcp_wire_init(struct mcp_wire *w, struct mcp *m, const struct mcp_wire_ops *ops, bool shared)
{
	*w = (struct mcp_wire){.ops = ops, .m = m, .shared = shared};
	list_init(&w->reqs);
	list_add(&m->wires, &w->node);
}

void mcp_wire_gone(struct mcp_wire *w)
{
	w->m->now = clock_now();
	list_del(&w->node);
	if (w->session)
		mcp_session_close(w->session);
	if (w->stream)
		mcp_stream_detach(w->stream);
	list_each_safe (it, &w->reqs) {
		struct mcp_req *r = container_of(it, struct mcp_req, on_wire);

		/* To lose the connection is to cancel, but in the legacy revisions over HTTP. */
		if (w->shared || r->era == MCP_2026_07_28)
			mcp_req_cancel(r);
		else
			mcp_req_detach(r);
	}
}
