/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/ops/evidence.h"
#include "proto/netops/ops/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct evidence *evidence_new(struct face *f, struct mcp_req *r, const char *method,
			      yyjson_val *args, void (*next)(struct evidence *v))
{
	struct call *c = call_new(f, r, method, NULL, args);
	struct evidence *v = c ? calloc(1, sizeof(*v)) : NULL;

	if (!c)
		return NULL;
	c->own = v;
	if (!v) {
		mcp_error(call_end(c), NETERR_INTERNAL, NULL, NULL, "no memory");
		return NULL;
	}
	v->c = c;
	v->next = next;
	v->doc = yyjson_mut_doc_new(NULL);
	v->messages = yyjson_mut_arr(v->doc);
	v->findings = yyjson_mut_arr(v->doc);
	return v;
}

/* {"role": "user", "content": {type, …, annotations}} */
static yyjson_mut_val *message(struct evidence *v, const char *type)
{
	yyjson_mut_val *m = yyjson_mut_arr_add_obj(v->doc, v->messages);
	yyjson_mut_val *content;
	yyjson_mut_val *annotations;

	yyjson_mut_obj_add_str(v->doc, m, "role", "user");
	content = json_add_obj(v->doc, m, "content");
	yyjson_mut_obj_add_str(v->doc, content, "type", type);
	annotations = json_add_obj(v->doc, content, "annotations");
	yyjson_mut_arr_add_str(v->doc, json_add_arr(v->doc, annotations, "audience"), "assistant");
	return content;
}

void evidence_say(struct evidence *v, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	yyjson_mut_obj_add_strcpy(v->doc, message(v, "text"), "text", text);
}

void evidence_find(struct evidence *v, const char *check, bool ok, const char *fmt, ...)
{
	yyjson_mut_val *f = yyjson_mut_arr_add_obj(v->doc, v->findings);
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	yyjson_mut_obj_add_strcpy(v->doc, f, "check", check);
	yyjson_mut_obj_add_bool(v->doc, f, "ok", ok);
	yyjson_mut_obj_add_strcpy(v->doc, f, "detail", text);
}

static void attach(struct evidence *v, const char *uri, const char *mime, struct slice text)
{
	yyjson_mut_val *resource = json_add_obj(v->doc, message(v, "resource"), "resource");
	struct buf clean;
	size_t n;

	buf_init(&clean, &v->c->f->alloc);
	if (strcmp(mime, "text/plain") == 0)
		text_plain(&clean, (const char *)text.p, text.n, EVIDENCE_BYTES, false);
	else
		text_harden(&clean, text);
	n = clean.n < EVIDENCE_BYTES ? clean.n : EVIDENCE_BYTES;
	while (n > 0 && n < clean.n && (clean.p[n] & 0xc0) == 0x80)
		n--;
	yyjson_mut_obj_add_strcpy(v->doc, resource, "uri", uri);
	yyjson_mut_obj_add_strcpy(v->doc, resource, "mimeType", mime);
	yyjson_mut_obj_add_strncpy(v->doc, resource, "text", n ? (const char *)clean.p : "", n);
	buf_free(&clean);
}

static void got_json(void *ctx, struct slice json, struct neterr *e)
{
	struct evidence *v = ctx;
	yyjson_doc *doc = e ? NULL : yyjson_read((const char *)json.p, json.n, 0);

	if (e && e->code != NETERR_NOT_FOUND)
		evidence_find(v, v->uri, false, "could not be read: %s", e->err.what);
	if (doc)
		attach(v, v->uri, "application/yang-data+json", json);
	if (v->look)
		v->look(v, yyjson_doc_get_root(doc));
	yyjson_doc_free(doc);
	v->next(v);
}

void evidence_get(struct evidence *v, enum datastore ds, const char *path, const char *uri,
		  void (*look)(struct evidence *v, yyjson_val *root))
{
	const struct store_query q = {.path = path};

	v->look = look;
	snprintf(v->uri, sizeof(v->uri), "%s", uri);
	ops_get(v->c->f->o, &v->c->from, ds, NULL, &q, got_json, v);
}

static void got_output(void *ctx, yyjson_mut_doc *doc, yyjson_mut_val *val, struct neterr *e)
{
	struct evidence *v = ctx;
	size_t n = 0;
	char *text = e ? NULL : yyjson_mut_val_write(val, 0, &n);
	yyjson_doc *copy = text ? yyjson_read(text, n, 0) : NULL;

	if (e)
		evidence_find(v, v->what, false, "could not be asked: %s", e->err.what);
	if (text)
		attach(v, v->uri, "application/yang-data+json", slice_of(text, n));
	if (v->look)
		v->look(v, yyjson_doc_get_root(copy));
	yyjson_doc_free(copy);
	free(text);
	v->next(v);
}

void evidence_rpc(struct evidence *v, const char *rpc, const char *input, const char *what,
		  void (*look)(struct evidence *v, yyjson_val *root))
{
	yyjson_doc *in = yyjson_read(input, strlen(input), 0);

	v->look = look;
	snprintf(v->what, sizeof(v->what), "%s", what);
	snprintf(v->uri, sizeof(v->uri), "network:///probe/%s", what);
	ops_rpc(v->c->f->o, &v->c->from, rpc, yyjson_doc_get_root(in), got_output, v);
	yyjson_doc_free(in);
}

static void got_log(void *ctx, yyjson_mut_doc *doc, yyjson_mut_val *val, struct neterr *e)
{
	struct evidence *v = ctx;
	struct buf out;

	buf_init(&out, &v->c->f->alloc);
	if (e)
		evidence_find(v, "log", false, "could not be read: %s", e->err.what);
	else if (face_log_lines(&out, val))
		attach(v, v->uri, "text/plain", buf_slice(&out));
	buf_free(&out);
	v->next(v);
}

void evidence_log(struct evidence *v, unsigned count)
{
	char input[32];
	yyjson_doc *in;
	int n;

	n = snprintf(input, sizeof(input), "{\"count\":%u}", count);
	in = yyjson_read(input, (size_t)n, 0);
	snprintf(v->uri, sizeof(v->uri), "network:///log/syslog/last%u", count);
	ops_rpc(v->c->f->o, &v->c->from, face_log_rpc, yyjson_doc_get_root(in), got_log, v);
	yyjson_doc_free(in);
}

void evidence_history(struct evidence *v, unsigned count)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *list = txn_history(ops_txn(v->c->f->o), doc);
	char *text;
	size_t n = 0;

	while (yyjson_mut_arr_size(list) > count)
		yyjson_mut_arr_remove_last(list);
	text = yyjson_mut_val_write(list, 0, &n);
	if (text && yyjson_mut_arr_size(list))
		attach(v, "network:///history", "application/json", slice_of(text, n));
	free(text);
	yyjson_mut_doc_free(doc);
	v->next(v);
}

void evidence_end(struct evidence *v, const char *description)
{
	struct call *c = v->c;
	yyjson_mut_doc *doc = v->doc;
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_val *wrap = yyjson_mut_obj(doc);
	struct mcp_req *r;
	size_t n = 0;
	char *text;

	yyjson_mut_obj_add_val(doc, wrap, "findings", v->findings);
	text = yyjson_mut_val_write(wrap, 0, &n);
	if (text)
		attach(v, "network:///findings", "application/json", slice_of(text, n));
	free(text);
	yyjson_mut_obj_add_strcpy(doc, root, "description", description);
	yyjson_mut_obj_add_val(doc, root, "messages", v->messages);
	r = call_end(c);
	if (r)
		mcp_result(r, doc, root);
	yyjson_mut_doc_free(doc);
}
