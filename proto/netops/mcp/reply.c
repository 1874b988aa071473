/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers: results and errors of both eras, written straight into one buffer that is reused, and
 * sent to where the request came from, or kept where it has become a task. */
#include "proto/netops/mcp/mcp_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void out_head(struct mcp_req *r, struct buf *b)
{
	buf_clear(b);
	OUT_LIT(b, "{\"jsonrpc\":\"2.0\"");
	if (r->id) {
		OUT_LIT(b, ",\"id\":");
		buf_bytes(b, r->id, r->id_n);
	}
}

/* The way to the client: the whole answer, or the last event of the stream that has begun. r is
 * gone after it. */
void mcp_finish(struct mcp_req *r, unsigned status, unsigned scopes, const char *session,
		struct slice json)
{
	struct mcp_stream *st = r->stream;
	struct mcp_wire *w = r->wire;

	r->answered = true;
	mcp_req_detach(r);
	if (st) {
		st->req = NULL;
		r->stream = NULL;
	}
	if (!r->dead && (r->id || !r->method)) {
		if (st)
			mcp_stream_send(st, json, true);
		else if (w && w->open && !w->shared) {
			w->ops->event(w, NULL, json);
			w->ops->end(w);
		} else if (w)
			w->ops->answer(w, status, session, scopes, json);
	}
	mcp_req_free(r);
}

static struct slice finished(struct buf *b)
{
	static const char none[] =
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32603,\"message\":\"no memory\"}}";

	return b->failed ? slice_of(none, sizeof(none) - 1) : buf_slice(b);
}

struct buf *mcp_result_begin(struct mcp_req *r)
{
	struct buf *b = &r->m->out;

	if (r->task) {
		buf_clear(b);
		return b;
	}
	out_head(r, b);
	OUT_LIT(b, ",\"result\":{");
	return b;
}

void mcp_result_end(struct mcp_req *r, bool empty)
{
	struct buf *b = &r->m->out;

	if (r->task) {
		mcp_task_done(r, false, (char *)b->p, b->failed ? 0 : b->n);
		return;
	}
	if (r->era == MCP_2026_07_28) {
		if (!empty)
			buf_u8(b, ',');
		if (r->meta_done)
			OUT_LIT(b, "\"resultType\":\"complete\"");
		else
			mcp_out_text(b, r->m->meta_modern);
	}
	OUT_LIT(b, "}}");
	mcp_finish(r, 200, 0, NULL, finished(b));
}

void mcp_result_empty(struct mcp_req *r)
{
	mcp_result_begin(r);
	mcp_result_end(r, true);
}

static void fail(struct mcp_req *r, unsigned status, unsigned scopes, int code, const char *data,
		 const char *message)
{
	struct buf *b = &r->m->out;

	if (r->task)
		buf_clear(b);
	else {
		out_head(r, b);
		OUT_LIT(b, ",\"error\":");
	}
	OUT_LIT(b, "{\"code\":");
	mcp_out_int(b, code);
	OUT_LIT(b, ",\"message\":");
	mcp_out_str(b, message);
	if (data) {
		OUT_LIT(b, ",\"data\":");
		mcp_out_text(b, data);
	}
	OUT_LIT(b, "}");
	if (r->task) {
		mcp_task_done(r, true, (char *)b->p, b->failed ? 0 : b->n);
		return;
	}
	OUT_LIT(b, "}");
	mcp_finish(r, status, scopes, NULL, finished(b));
}

void mcp_fail(struct mcp_req *r, unsigned status, int code, const char *data, const char *fmt, ...)
{
	char message[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	fail(r, status, 0, code, data, message);
}

void mcp_fail_scope(struct mcp_req *r, unsigned scopes)
{
	char message[256];
	struct buf b;
	unsigned bit;

	buf_fixed(&b, message, sizeof(message) - 1);
	OUT_LIT(&b, "This needs the scope");
	for (bit = 1; bit <= scopes; bit <<= 1) {
		if (scopes & bit & SCOPE_ALL)
			buf_printf(&b, " %s", scope_name(bit));
	}
	message[b.n] = 0;
	if (!r->http) { /* nothing there that could carry a challenge */
		struct neterr e = {0};

		neterr_set(&e, NETERR_ACCESS_DENIED, "access-denied", "%s", message);
		mcp_neterr(r, &e);
		return;
	}
	fail(r, 403, scopes, MCP_INVALID_REQUEST, NULL, message);
}

struct slice mcp_bare_error(struct mcp *m, int code, const char *message)
{
	struct buf *b = &m->out;

	buf_clear(b);
	OUT_LIT(b, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":");
	mcp_out_int(b, code);
	OUT_LIT(b, ",\"message\":");
	mcp_out_str(b, message);
	OUT_LIT(b, "}}");
	return finished(b);
}

/* ---- messages before the answer ---- */

struct buf *mcp_note_begin(struct mcp *m, const char *method)
{
	struct buf *b = &m->note;

	buf_clear(b);
	OUT_LIT(b, "{\"jsonrpc\":\"2.0\",\"method\":\"");
	mcp_out_text(b, method);
	OUT_LIT(b, "\",\"params\":{");
	return b;
}

struct slice mcp_note_end(struct mcp *m)
{
	OUT_LIT(&m->note, "}}");
	return buf_slice(&m->note);
}

void mcp_send(struct mcp_req *r, struct slice json)
{
	struct mcp_wire *w = r->wire;

	if (r->dead || json.n == 0)
		return;
	if (!r->stream && !r->task && w && !w->shared && r->session && r->session->id[0]) {
		r->stream = mcp_stream_new(r->session, r);
		if (!r->stream)
			return;
		mcp_stream_attach(r->stream, w);
	}
	if (r->stream) {
		mcp_stream_send(r->stream, json, false);
		return;
	}
	if (!w)
		return;
	if (!w->shared && !w->open) {
		w->open = true;
		w->ops->open(w);
	}
	w->ops->event(w, NULL, json);
}

/* ---- what handlers call ---- */

/* Caching hints of what was read (spec §2.6): the resource's, and never for others than who asked.
 */
static void content_hints(struct mcp_req *r, struct buf *b)
{
	unsigned ttl = 0;

	if (r->entry)
		ttl = r->entry->kind == MCP_K_RESOURCE ? r->entry->resource.ttl_ms
						       : r->entry->template.ttl_ms;
	buf_printf(b, ",\"ttlMs\":%u,\"cacheScope\":\"private\"", ttl);
}

void mcp_result(struct mcp_req *r, yyjson_mut_doc *doc, yyjson_mut_val *val)
{
	yyjson_mut_val *meta = yyjson_mut_obj_get(val, "_meta");
	struct buf *b;

	if (r->era == MCP_2026_07_28 && !r->task && yyjson_mut_is_obj(meta)) {
		yyjson_mut_obj_add_val(doc, meta, MCP_META "serverInfo",
				       yyjson_mut_raw(doc, r->m->server_info));
		r->meta_done = true;
	}
	r->is_error = yyjson_mut_is_true(yyjson_mut_obj_get(val, "isError"));
	b = mcp_result_begin(r);
	mcp_out_members(b, val, &r->arena);
	if (r->era == MCP_2026_07_28 && r->method && r->method->serve == mcp_rpc_resources_read)
		content_hints(r, b);
	mcp_result_end(r, yyjson_mut_obj_size(val) == 0);
}

static void structured(struct mcp_req *r, const char *json, size_t n, bool is_error)
{
	struct buf *b = mcp_result_begin(r);
	size_t from;
	size_t len;
	char *copy;

	OUT_LIT(b, "\"structuredContent\":");
	from = b->n;
	mcp_out_json(b, json, n);
	len = b->n - from;
	/* The mirror is made of the buffer's own bytes, which may move while it grows. */
	copy = b->failed ? NULL : mcp_arena_text(&r->arena, (char *)b->p + from, len);
	OUT_LIT(b, ",\"content\":[{\"type\":\"text\",\"text\":");
	mcp_out_string(b, copy ? copy : "", copy ? len : 0);
	OUT_LIT(b, "}]");
	if (is_error)
		OUT_LIT(b, ",\"isError\":true");
	r->is_error = is_error;
	mcp_result_end(r, false);
}

void mcp_structured(struct mcp_req *r, yyjson_mut_doc *doc, yyjson_mut_val *val)
{
	size_t n = 0;
	char *s = yyjson_mut_val_write_opts(val, YYJSON_WRITE_ALLOW_INVALID_UNICODE, &r->arena.alc,
					    &n, NULL);

	if (s)
		structured(r, s, n, false);
	else
		mcp_fail(r, 200, MCP_INTERNAL, NULL, "The result could not be written");
}

void mcp_structured_text(struct mcp_req *r, struct slice json)
{
	structured(r, (const char *)json.p, json.n, false);
}

void mcp_text(struct mcp_req *r, bool is_error, const char *fmt, ...)
{
	char small[1024];
	char *text = small;
	struct buf *b;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(small)) {
		text = mcp_arena_get(&r->arena, (size_t)n + 1);
		if (text) {
			va_start(ap, fmt);
			vsnprintf(text, (size_t)n + 1, fmt, ap);
			va_end(ap);
		}
	}
	if (n < 0 || !text) {
		text = small;
		n = 0;
	}
	b = mcp_result_begin(r);
	OUT_LIT(b, "\"content\":[{\"type\":\"text\",\"text\":");
	mcp_out_string(b, text, (size_t)n);
	OUT_LIT(b, "}]");
	if (is_error)
		OUT_LIT(b, ",\"isError\":true");
	r->is_error = is_error;
	mcp_result_end(r, false);
}

static struct buf *content_begin(struct mcp_req *r, const char *uri, const char *mime)
{
	struct buf *b = mcp_result_begin(r);

	OUT_LIT(b, "\"contents\":[{\"uri\":");
	mcp_out_str(b, uri);
	if (mime) {
		OUT_LIT(b, ",\"mimeType\":");
		mcp_out_str(b, mime);
	}
	return b;
}

static void content_end(struct mcp_req *r, struct buf *b)
{
	OUT_LIT(b, "}]");
	if (r->era == MCP_2026_07_28)
		content_hints(r, b);
	mcp_result_end(r, false);
}

void mcp_content_text(struct mcp_req *r, const char *uri, const char *mime, struct slice text)
{
	struct buf *b = content_begin(r, uri, mime);

	OUT_LIT(b, ",\"text\":");
	mcp_out_string(b, (const char *)text.p, text.n);
	content_end(r, b);
}

void mcp_content_blob(struct mcp_req *r, const char *uri, const char *mime, struct slice bytes)
{
	struct buf *b = content_begin(r, uri, mime);

	OUT_LIT(b, ",\"blob\":");
	mcp_out_base64(b, bytes);
	content_end(r, b);
}

void mcp_error(struct mcp_req *r, int code, yyjson_mut_doc *doc, yyjson_mut_val *data,
	       const char *fmt, ...)
{
	char message[512];
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (data)
		text = yyjson_mut_val_write_opts(data, YYJSON_WRITE_ALLOW_INVALID_UNICODE,
						 &r->arena.alc, NULL, NULL);
	fail(r, 200, 0, code, text, message);
}

void mcp_no_resource(struct mcp_req *r, const char *uri)
{
	struct buf *b = &r->m->scratch;

	buf_clear(b);
	OUT_LIT(b, "{\"uri\":");
	mcp_out_str(b, uri);
	OUT_LIT(b, "}");
	buf_u8(b, 0);
	fail(r, 200, 0, r->era == MCP_2026_07_28 ? MCP_INVALID_PARAMS : MCP_LEGACY_NO_RESOURCE,
	     b->failed ? NULL : (char *)b->p, "Resource not found");
}
