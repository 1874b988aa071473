/* SPDX-License-Identifier: BSD-2-Clause */
/* Failures of network operations in the form of the era (spec §2.1): codes of MCP-NET lie in a
 * range that the modern revision keeps for itself, so there they never are codes of JSON-RPC. */
#include "proto/netops/mcp/mcp_priv.h"

#include <stdio.h>

static const char *late_text(const struct neterr *e, char *to, size_t n)
{
	yyjson_mut_val *data = e->data ? yyjson_mut_doc_get_root(e->data) : NULL;
	const char *id = yyjson_mut_get_str(yyjson_mut_obj_get(data, "commitId"));
	const char *at = yyjson_mut_get_str(yyjson_mut_obj_get(data, "expiredAt"));
	const char *back = yyjson_mut_get_str(yyjson_mut_obj_get(data, "rolledBackTo"));

	if (!id || !at || strlen(at) < 19 || !back)
		return NULL;
	snprintf(to, n,
		 "Confirmed commit %s timed out at %.8s; running restored to %s. Re-stage and "
		 "commit again.",
		 id, at + 11, back);
	return to;
}

/* What a person or a model reads. */
static const char *text_of(const struct neterr *e, char *to, size_t n)
{
	if (e->code == NETERR_CONFIRMED_COMMIT_TIMEOUT && late_text(e, to, n))
		return to;
	snprintf(to, n, "%s%s%s%s%s", e->err.where, e->err.where[0] ? ": " : "", e->err.what,
		 e->err.mend[0] ? " — " : "", e->err.mend);
	return to;
}

static void out_data(struct mcp_req *r, struct buf *b, const struct neterr *e)
{
	const char *name = neterr_name(e->code);
	yyjson_mut_val *data = e->data ? yyjson_mut_doc_get_root(e->data) : NULL;
	const char *sep = "";

	OUT_LIT(b, "{");
	if (name) {
		buf_printf(b, "\"name\":\"%s\"", name);
		sep = ",";
	}
	if (e->code == NETERR_CONFIRMED_COMMIT_TIMEOUT)
		goto members;
	if (e->tag[0]) {
		buf_printf(b, "%s\"tag\":", sep);
		mcp_out_str(b, e->tag);
		sep = ",";
	}
	if (e->err.where[0] && !yyjson_mut_obj_get(data, "path")) {
		buf_printf(b, "%s\"path\":", sep);
		mcp_out_str(b, e->err.where);
		sep = ",";
	}
	if (e->err.mend[0] && !yyjson_mut_obj_get(data, "mend")) {
		buf_printf(b, "%s\"mend\":", sep);
		mcp_out_str(b, e->err.mend);
		sep = ",";
	}
members:
	if (yyjson_mut_is_obj(data) && yyjson_mut_obj_size(data) > 0) {
		mcp_out_text(b, sep);
		mcp_out_members(b, data, &r->arena);
	}
	OUT_LIT(b, "}");
}

static void out_error(struct mcp_req *r, struct buf *b, const struct neterr *e)
{
	const char *name = neterr_name(e->code);

	OUT_LIT(b, "{\"code\":");
	mcp_out_int(b, e->code);
	if (name)
		buf_printf(b, ",\"name\":\"%s\"", name);
	if (e->code != NETERR_CONFIRMED_COMMIT_TIMEOUT) { /* whose form MCP-NET gives */
		OUT_LIT(b, ",\"message\":");
		mcp_out_str(b, e->err.what);
	}
	OUT_LIT(b, ",\"data\":");
	out_data(r, b, e);
	OUT_LIT(b, "}");
}

static void as_result(struct mcp_req *r, const struct neterr *e)
{
	struct buf *b = mcp_result_begin(r);
	char text[640];

	OUT_LIT(b, "\"isError\":true,\"content\":[{\"type\":\"text\",\"text\":");
	mcp_out_str(b, text_of(e, text, sizeof(text)));
	OUT_LIT(b, "}],\"structuredContent\":{\"error\":");
	out_error(r, b, e);
	OUT_LIT(b, "}");
	r->is_error = true;
	mcp_result_end(r, false);
}

void mcp_neterr(struct mcp_req *r, const struct neterr *e)
{
	bool tool = r->method && r->method->serve == mcp_rpc_tools_call;
	bool legacy = r->era != MCP_2026_07_28;
	bool network = neterr_name(e->code) != NULL;
	struct buf *b = &r->m->scratch;
	int code = e->code;

	if (e->code == NETERR_NOT_FOUND && !tool) {
		mcp_no_resource(r, r->uri ? r->uri : "");
		return;
	}
	if (tool && (!network || !legacy || r->m->params.network_errors_as_result)) {
		as_result(r, e);
		return;
	}
	if (network && !legacy) /* hidden is absent; everything else is a failure of ours */
		code = e->code == NETERR_ACCESS_DENIED ? MCP_INVALID_PARAMS : MCP_INTERNAL;
	buf_clear(b);
	if (network && !legacy)
		out_error(r, b, e);
	else
		out_data(r, b, e);
	buf_u8(b, 0);
	mcp_fail(r, 200, code, b->failed ? NULL : (char *)b->p, "%s", e->err.what);
}

void mcp_errors_as_result(struct mcp *m, bool as_result)
{
	m->params.network_errors_as_result = as_result;
}
