/* SPDX-License-Identifier: BSD-2-Clause */
/* How the two sides meet: initialize and ping of the legacy revisions, server/discover of the
 * modern one; what this server says of itself. */
#include "proto/netops/mcp/mcp_priv.h"

#include <openssl/evp.h>
#include <stdlib.h>

/* A change of what the tools look like must be seen by who pinned them (spec §2.14 rule 3). */
static const char *tools_hash(struct mcp *m)
{
	const struct mcp_registry *reg = &m->reg[MCP_K_TOOL];
	EVP_MD_CTX *c;
	uint8_t sum[32];
	size_t i;

	if (m->tools_hash[0])
		return m->tools_hash;
	c = EVP_MD_CTX_new();
	if (!c || !EVP_DigestInit_ex(c, EVP_sha256(), NULL)) {
		EVP_MD_CTX_free(c);
		return "";
	}
	for (i = 0; i < reg->n; i++)
		EVP_DigestUpdate(c, reg->at[i]->frag[MCP_2026_07_28],
				 strlen(reg->at[i]->frag[MCP_2026_07_28]));
	EVP_DigestFinal_ex(c, sum, NULL);
	EVP_MD_CTX_free(c);
	for (i = 0; i < sizeof(sum); i++)
		snprintf(m->tools_hash + 2 * i, 3, "%02x", sum[i]);
	return m->tools_hash;
}

static void out_network(struct buf *b, struct mcp *m)
{
	const char *text = m->params.network;
	size_t n = strlen(text);

	/* params.network was checked to be an object. */
	while (n > 0 && text[n - 1] != '}')
		n--;
	buf_bytes(b, text, n - 1);
	buf_printf(b, "%s\"toolsHash\":\"sha256:%s\"}", strchr(text, '"') ? "," : "",
		   tools_hash(m));
}

static void out_capabilities(struct buf *b, struct mcp *m, enum mcp_era era)
{
	OUT_LIT(b, "{\"tools\":{\"listChanged\":true},\"resources\":{\"subscribe\":true,"
		   "\"listChanged\":true},"
		   "\"prompts\":{\"listChanged\":true},\"completions\":{},\"logging\":{}");
	if (era == MCP_2025_11_25)
		OUT_LIT(b, ",\"tasks\":{\"list\":{},\"cancel\":{},\"requests\":{\"tools\":{"
			   "\"call\":{}}}}");
	if (m->params.network) {
		OUT_LIT(b, ",\"network\":");
		out_network(b, m);
		if (era != MCP_2026_07_28) {
			OUT_LIT(b, ",\"experimental\":{\"network\":");
			out_network(b, m);
			OUT_LIT(b, "}");
		}
	}
	if (era == MCP_2026_07_28) {
		OUT_LIT(b, ",\"extensions\":{\"" MCP_TASKS_EXTENSION "\":{}");
		if (m->params.network && m->params.extension_prefix) {
			buf_printf(b, ",\"%s/network\":", m->params.extension_prefix);
			out_network(b, m);
		}
		OUT_LIT(b, "}");
	}
	OUT_LIT(b, "}");
}

static void out_instructions(struct buf *b, struct mcp *m)
{
	if (!m->params.instructions)
		return;
	OUT_LIT(b, ",\"instructions\":");
	mcp_out_str(b, m->params.instructions);
}

void mcp_rpc_initialize(struct mcp_req *r)
{
	yyjson_val *version = yyjson_obj_get(r->params, "protocolVersion");
	yyjson_val *caps = yyjson_obj_get(r->params, "capabilities");
	yyjson_val *info = yyjson_obj_get(r->params, "clientInfo");
	enum mcp_era era = MCP_2025_11_25;
	struct mcp_session *s;
	struct buf *b;
	char *text;
	size_t n = 0;

	if (!yyjson_is_str(version) || !yyjson_is_obj(caps) ||
	    !yyjson_is_str(yyjson_obj_get(info, "name")) ||
	    !yyjson_is_str(yyjson_obj_get(info, "version"))) {
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL,
			 "Invalid params: protocolVersion, capabilities and "
			 "clientInfo{name,version} are needed");
		return;
	}
	if (r->wire->session) {
		mcp_fail(r, 200, MCP_INVALID_REQUEST, NULL,
			 "Invalid request: this connection is initialized already");
		return;
	}
	if (!mcp_version_known(yyjson_get_str(version), &era) || era == MCP_2026_07_28)
		era = MCP_2025_11_25; /* the newest that has a handshake; the client ends where it
					 cannot */
	text = yyjson_val_write_opts(caps, YYJSON_WRITE_NOFLAG, &r->arena.alc, &n, NULL);
	if (!text || n > (16u << 10)) {
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL,
			 "Invalid params: capabilities of more than 16 KiB");
		return;
	}
	s = mcp_session_new(r->m, r->wire->shared ? r->wire : NULL, &r->who, era);
	if (!s) {
		mcp_fail(r, 503, MCP_INTERNAL, NULL,
			 "Too many sessions; end one, or try again later");
		return;
	}
	s->caps = yyjson_read(text, n, YYJSON_READ_NOFLAG);
	r->era = era;
	b = mcp_result_begin(r);
	OUT_LIT(b, "\"protocolVersion\":");
	mcp_out_str(b, mcp_era_name(era));
	OUT_LIT(b, ",\"capabilities\":");
	out_capabilities(b, r->m, era);
	OUT_LIT(b, ",\"serverInfo\":");
	mcp_out_text(b, r->m->server_info);
	out_instructions(b, r->m);
	OUT_LIT(b, "}}");
	mcp_finish(r, 200, 0, s->id[0] ? s->id : NULL, buf_slice(b));
}

void mcp_rpc_discover(struct mcp_req *r)
{
	struct buf *b = mcp_result_begin(r);

	OUT_LIT(b, "\"supportedVersions\":[\"2026-07-28\",\"2025-11-25\",\"2025-06-18\"],"
		   "\"capabilities\":");
	out_capabilities(b, r->m, r->era);
	out_instructions(b, r->m);
	OUT_LIT(b, ",\"ttlMs\":5000,\"cacheScope\":\"private\"");
	mcp_result_end(r, false);
}

void mcp_rpc_ping(struct mcp_req *r)
{
	mcp_result_empty(r);
}

void mcp_rpc_set_level(struct mcp_req *r)
{
	const char *level = yyjson_get_str(yyjson_obj_get(r->params, "level"));
	int n = level ? mcp_level(level) : -1;

	if (n < 0) {
		mcp_fail(r, 200, MCP_INVALID_PARAMS, NULL,
			 "Invalid params: level is debug, info, notice, warning, "
			 "error, critical, alert or emergency");
		return;
	}
	r->session->log_level = n;
	mcp_result_empty(r);
}
