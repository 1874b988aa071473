/* SPDX-License-Identifier: BSD-2-Clause */
/* Tools that read and stage: network.yang.get, .yang.edit, .diff, .discard, .history, .file.pull,
 * .file.push, .audit.verify. */
#include "proto/netops/ops/face.h"
#include "proto/netops/ops/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void tool_yang_get(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	const char *datastore = arg_str(args, "datastore");
	struct store_query q = {
		.path = arg_str(args, "path"),
		.depth = (unsigned)arg_uint(args, "depth", 0),
		.offset = (uint32_t)arg_uint(args, "offset", 0),
		.limit = (uint32_t)arg_uint(args, "limit", 0),
	};
	struct call *c = call_new(ctx, r, "tools/call", "network.yang.get", args);
	enum datastore ds = DS_OPERATIONAL;

	if (!c)
		return;
	if (datastore)
		datastore_parse(datastore, &ds);
	if (ds == DS_CANDIDATE) {
		call_candidate(c, args);
		call_touch(c);
	}
	ops_get(c->f->o, &c->from, ds, ds == DS_CANDIDATE ? c->candidate : NULL, &q, call_text, c);
}

static void read_edit(yyjson_val *v, struct store_edit *e)
{
	static const char *const name[] = {"merge", "create", "replace", "delete"};
	static const int op[] = {EDIT_MERGE, EDIT_CREATE, EDIT_REPLACE, EDIT_DELETE};
	const char *given = arg_str(v, "operation");
	unsigned i;

	*e = (struct store_edit){
		.op = EDIT_MERGE,
		.path = arg_str(v, "path"),
		.value = yyjson_obj_get(v, "value"),
		.insert = arg_str(v, "insert"),
		.point = arg_str(v, "point"),
	};
	for (i = 0; given && i < 4; i++) {
		if (strcmp(given, name[i]) == 0)
			e->op = op[i];
	}
}

static void staged(struct call *c, size_t n)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *val = yyjson_mut_obj(doc);

	yyjson_mut_obj_add_strcpy(doc, val, "candidate", c->candidate);
	yyjson_mut_obj_add_uint(doc, val, "applied", n);
	call_done(c, doc, val, NULL);
	yyjson_mut_doc_free(doc);
}

void tool_yang_edit(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	yyjson_val *list = yyjson_obj_get(args, "edit");
	size_t n = yyjson_arr_size(list);
	struct call *c = call_new(ctx, r, "tools/call", "network.yang.edit", args);
	struct store_edit *edit;
	struct neterr e = {0};
	size_t max;
	size_t i;
	yyjson_val *v;

	if (!c)
		return;
	edit = calloc(n ? n : 1, sizeof(*edit));
	if (!edit) {
		neterr_set(&e, NETERR_INTERNAL, "resource-denied", "no memory");
		call_fail(c, &e);
		return;
	}
	yyjson_arr_foreach(list, i, max, v) read_edit(v, &edit[i]);
	if (ops_edit(c->f->o, &c->from, call_candidate(c, args), edit, n, &e) == 0)
		staged(c, n);
	else
		call_fail(c, &e);
	neterr_clear(&e);
	free(edit);
}

void tool_diff(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	struct call *c = call_new(ctx, r, "tools/call", "network.diff", args);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *val = NULL;
	struct neterr e = {0};
	int rc;

	if (c) {
		call_candidate(c, args);
		if (!arg_str(args, "commitId"))
			call_touch(c);
		rc = ops_diff(c->f->o, &c->from, c->candidate, arg_str(args, "commitId"), doc, &val,
			      &e);
		call_done(c, doc, val, rc ? &e : NULL);
	}
	neterr_clear(&e);
	yyjson_mut_doc_free(doc);
}

void tool_discard(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	struct call *c = call_new(ctx, r, "tools/call", "network.discard", args);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *val = yyjson_mut_obj(doc);
	struct neterr e = {0};
	int rc;

	if (c) {
		call_candidate(c, args);
		call_touch(c);
		rc = ops_discard(c->f->o, &c->from, c->candidate, &e);
		yyjson_mut_obj_add_strcpy(doc, val, "candidate", c->candidate);
		yyjson_mut_obj_add_bool(doc, val, "discarded", true);
		call_done(c, doc, val, rc ? &e : NULL);
	}
	neterr_clear(&e);
	yyjson_mut_doc_free(doc);
}

void tool_history(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	struct call *c = call_new(ctx, r, "tools/call", "network.history", args);
	uint64_t count = arg_uint(args, "count", 100);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *val = yyjson_mut_obj(doc);
	yyjson_mut_val *commits;
	yyjson_mut_val *pending;
	struct neterr e = {0};

	if (c && ops_may(c->f->o, &c->from, SCOPE_READ, false, &e) != 0) {
		call_fail(c, &e);
	} else if (c) {
		commits = txn_history(ops_txn(c->f->o), doc);
		while (yyjson_mut_arr_size(commits) > count)
			yyjson_mut_arr_remove_last(commits);
		pending = txn_pending(ops_txn(c->f->o), doc, clock_now());
		yyjson_mut_obj_add_val(doc, val, "commits",
				       commits ? commits : yyjson_mut_arr(doc));
		if (pending)
			yyjson_mut_obj_add_val(doc, val, "pending", pending);
		yyjson_mut_obj_add_strcpy(doc, val, "runningHash", store_hash(ops_store(c->f->o)));
		call_done(c, doc, val, NULL);
	}
	neterr_clear(&e);
	yyjson_mut_doc_free(doc);
}

void tool_file_pull(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	struct call *c = call_new(ctx, r, "tools/call", "network.file.pull", args);
	const char *filename = arg_str(args, "filename");
	const char *format = arg_str(args, "format");
	struct neterr e = {0};
	struct buf text;
	struct buf out;
	struct face *f;

	if (!c)
		return;
	f = c->f;
	filename = filename ? filename : "running-config";
	format = format ? format : "text";
	buf_init(&text, &f->alloc);
	buf_init(&out, &f->alloc);
	call_candidate(c, args);
	if (strcmp(filename, "candidate-config") == 0)
		call_touch(c);
	if (ops_file_pull(f->o, &c->from, filename, format, c->candidate, &text, &e) == 0) {
		buf_printf(&out, "{\"filename\":\"%s\",\"format\":\"%s\",\"content\":", filename,
			   format);
		text_json(&out, (const char *)text.p, text.n);
		buf_u8(&out, '}');
		call_text(c, buf_slice(&out), NULL);
	} else {
		call_fail(c, &e);
	}
	neterr_clear(&e);
	buf_free(&text);
	buf_free(&out);
}

void tool_file_push(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	struct call *c = call_new(ctx, r, "tools/call", "network.file.push", args);
	yyjson_val *content = yyjson_obj_get(args, "content");
	struct slice bytes = slice_of(yyjson_get_str(content), yyjson_get_len(content));
	bool validate = arg_bool(args, "validate", true);
	const char *filename = arg_str(args, "filename");
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *val = yyjson_mut_obj(doc);
	struct neterr e = {0};
	int rc;

	if (c) {
		rc = ops_file_push(c->f->o, &c->from, filename, arg_str(args, "format"),
				   call_candidate(c, args), bytes, validate, &e);
		yyjson_mut_obj_add_strcpy(doc, val, "filename", filename);
		if (strcmp(filename, "candidate-config") == 0)
			yyjson_mut_obj_add_strcpy(doc, val, "candidate", c->candidate);
		yyjson_mut_obj_add_uint(doc, val, "bytes", bytes.n);
		yyjson_mut_obj_add_bool(doc, val, "validated",
					validate || strcmp(filename, "startup-config") == 0);
		call_done(c, doc, val, rc ? &e : NULL);
	}
	neterr_clear(&e);
	yyjson_mut_doc_free(doc);
}

void tool_audit_verify(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	struct call *c = call_new(ctx, r, "tools/call", "network.audit.verify", args);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *val = yyjson_mut_obj(doc);
	uint64_t records = 0;
	uint64_t bad = 0;
	struct err err = {0};
	struct neterr e = {0};
	int rc;

	if (c && ops_may(c->f->o, &c->from, SCOPE_AUDIT, false, &e) != 0) {
		call_fail(c, &e);
	} else if (c) {
		rc = audit_verify(ops_audit(c->f->o), &records, &bad, &err);
		yyjson_mut_obj_add_bool(doc, val, "ok", rc == 0);
		yyjson_mut_obj_add_uint(doc, val, "records", records);
		if (rc) {
			yyjson_mut_obj_add_uint(doc, val, "badSeq", bad);
			yyjson_mut_obj_add_strcpy(doc, val, "reason", err.what);
		}
		call_done(c, doc, val, NULL);
	}
	neterr_clear(&e);
	yyjson_mut_doc_free(doc);
}
