/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/ops/face.h"
#include "proto/netops/ops/ops_priv.h"
#include "proto/netops/ops/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char face_log_rpc[] = "/depanneur-sys:log";

/* What is under way goes on to its end, without what was the request's. */
static void forget_request(struct call *c)
{
	c->gone = *c->from.by;
	c->from.by = &c->gone;
	c->from.args = NULL;
	c->from.meta = NULL;
	c->r = NULL;
}

static void cancelled(struct mcp_req *r)
{
	struct call *c = mcp_ctx(r);

	if (c)
		forget_request(c);
}

struct call *call_new(struct face *f, struct mcp_req *r, const char *method, const char *tool,
		      yyjson_val *args)
{
	struct call *c = calloc(1, sizeof(*c));

	if (!c) {
		mcp_error(r, NETERR_INTERNAL, NULL, NULL, "no memory");
		return NULL;
	}
	c->f = f;
	c->r = r;
	c->from = (struct ops_origin){
		.by = mcp_principal(r),
		.era = mcp_era_name(mcp_era(r)),
		.method = method,
		.tool = tool,
		.args = args,
		.meta = mcp_meta(r),
	};
	mcp_set_ctx(r, c);
	mcp_on_cancel(r, cancelled);
	return c;
}

static void timer_closed(uv_handle_t *h)
{
	free(h);
}

static void drop_timer(struct call *c)
{
	if (c->timer)
		uv_close((uv_handle_t *)c->timer, timer_closed);
	c->timer = NULL;
}

static void too_late(uv_timer_t *t)
{
	struct call *c = t->data;
	struct neterr e = {0};
	struct mcp_req *r = c->r;

	drop_timer(c);
	if (!r)
		return;
	mcp_on_cancel(r, NULL);
	mcp_set_ctx(r, NULL);
	forget_request(c);
	neterr_set(&e, NETERR_TIMEOUT, "operation-failed", "the device did not answer in time");
	mcp_neterr(r, &e);
	neterr_clear(&e);
}

void call_limit(struct call *c, unsigned seconds)
{
	uv_timer_t *t = malloc(sizeof(*t));

	if (!t || uv_timer_init(c->f->o->loop, t) != 0) {
		free(t);
		return;
	}
	t->data = c;
	c->timer = t;
	uv_timer_start(t, too_late, (uint64_t)seconds * 1000, 0);
}

struct mcp_req *call_end(struct call *c)
{
	struct mcp_req *r = c->r;

	drop_timer(c);
	if (r) {
		mcp_on_cancel(r, NULL);
		mcp_set_ctx(r, NULL);
	}
	free(c->own);
	free(c);
	return r;
}

void call_fail(struct call *c, const struct neterr *e)
{
	struct mcp_req *r = call_end(c);

	if (r)
		mcp_neterr(r, e);
}

void call_invalid(struct call *c, const char *tag, const char *fmt, ...)
{
	struct neterr e = {0};
	char what[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	neterr_set(&e, NETERR_CONFIG_INCOMPATIBLE, tag, "%s", what);
	call_fail(c, &e);
	neterr_clear(&e);
}

void call_done(struct call *c, yyjson_mut_doc *doc, yyjson_mut_val *val, struct neterr *e)
{
	struct mcp_req *r = call_end(c);

	if (!r)
		return;
	if (e)
		mcp_neterr(r, e);
	else if (!doc || !val)
		mcp_error(r, NETERR_INTERNAL, NULL, NULL, "no memory");
	else
		mcp_structured(r, doc, val);
}

void call_result(void *ctx, yyjson_mut_doc *doc, yyjson_mut_val *val, struct neterr *e)
{
	call_done(ctx, doc, val, e);
}

void call_text(void *ctx, struct slice json, struct neterr *e)
{
	struct call *c = ctx;
	struct face *f = c->f;
	struct mcp_req *r = call_end(c);
	struct buf out;

	if (!r)
		return;
	if (e) {
		mcp_neterr(r, e);
		return;
	}
	buf_init(&out, &f->alloc);
	text_harden(&out, json);
	if (out.failed)
		mcp_error(r, NETERR_INTERNAL, NULL, NULL, "no memory");
	else
		mcp_structured_text(r, buf_slice(&out));
	buf_free(&out);
}

static uint64_t hash_text(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3ull;
	return (h ^ 0xff) * 0x100000001b3ull;
}

const char *call_candidate(struct call *c, yyjson_val *args)
{
	const struct principal *p = c->from.by;
	yyjson_val *given = yyjson_obj_get(args, "candidate");
	uint64_t h = 0xcbf29ce484222325ull;

	if (yyjson_is_str(given)) {
		snprintf(c->candidate, sizeof(c->candidate), "%s", yyjson_get_str(given));
		return c->candidate;
	}
	h = hash_text(h, p->user);
	h = hash_text(h, p->client);
	h = hash_text(h, p->session);
	snprintf(c->candidate, sizeof(c->candidate), "own-%016llx", (unsigned long long)h);
	return c->candidate;
}

void call_touch(struct call *c)
{
	struct neterr e = {0};

	if (strncmp(c->candidate, "own-", 4) == 0)
		store_edit(ops_store(c->f->o), c->candidate, c->from.by, NULL, 0, clock_now(), &e);
	neterr_clear(&e);
}

const char *arg_str(yyjson_val *args, const char *name)
{
	return yyjson_get_str(yyjson_obj_get(args, name));
}

uint64_t arg_uint(yyjson_val *args, const char *name, uint64_t otherwise)
{
	yyjson_val *v = yyjson_obj_get(args, name);

	if (yyjson_is_real(v))
		return (uint64_t)yyjson_get_real(v); /* 30.0 is an integer, too */
	return yyjson_is_uint(v) ? yyjson_get_uint(v) : otherwise;
}

bool arg_bool(yyjson_val *args, const char *name, bool otherwise)
{
	yyjson_val *v = yyjson_obj_get(args, name);

	return yyjson_is_bool(v) ? yyjson_get_bool(v) : otherwise;
}

size_t face_log_lines(struct buf *out, yyjson_mut_val *output)
{
	yyjson_mut_val *lines = yyjson_mut_obj_get(output, "line");
	size_t max;
	size_t i;
	yyjson_mut_val *v;

	yyjson_mut_arr_foreach(lines, i, max, v)
	{
		text_plain(out, yyjson_mut_get_str(v), yyjson_mut_get_len(v), 8192, true);
		buf_u8(out, '\n');
	}
	return yyjson_mut_arr_size(lines);
}
