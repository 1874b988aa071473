/* SPDX-License-Identifier: BSD-2-Clause */
/* What a handler tells the client before its answer: progress and log messages, on the stream of
 * its request. */
#include "proto/netops/mcp/mcp_priv.h"

int mcp_level(const char *name)
{
	static const char *const level[] = {"debug", "info",	 "notice", "warning",
					    "error", "critical", "alert",  "emergency"};
	int i;

	for (i = 0; i < 8; i++) {
		if (strcmp(level[i], name) == 0)
			return i;
	}
	return -1;
}

static void tell(struct mcp_req *r, struct slice json)
{
	/* A task has no stream; a legacy client hears of it where it hears of its session. */
	if (!r->task)
		mcp_send(r, json);
	else if (r->session)
		mcp_session_send(r->session, json);
}

static void related(struct mcp_req *r, struct buf *b)
{
	if (r->task && r->era != MCP_2026_07_28)
		buf_printf(b, ",\"_meta\":{\"" MCP_META "related-task\":{\"taskId\":\"%s\"}}",
			   r->task->id);
}

void mcp_progress(struct mcp_req *r, double progress, double total, const char *message)
{
	struct buf *b;

	if (!r->progress_token || r->dead || (r->wire && r->wire->congested))
		return;
	/* Strictly increasing, the first may be 0. */
	if (r->progressed && progress <= r->progress)
		return;
	r->progressed = true;
	r->progress = progress;
	b = mcp_note_begin(r->m, "notifications/progress");
	OUT_LIT(b, "\"progressToken\":");
	mcp_out_val(b, r->progress_token, &r->arena);
	buf_printf(b, ",\"progress\":%.15g", progress);
	if (total >= 0)
		buf_printf(b, ",\"total\":%.15g", total);
	if (message) {
		OUT_LIT(b, ",\"message\":");
		mcp_out_str(b, message);
	}
	related(r, b);
	tell(r, mcp_note_end(r->m));
}

void mcp_log(struct mcp_req *r, const char *level, const char *logger, yyjson_mut_doc *doc,
	     yyjson_mut_val *data)
{
	int least = r->era == MCP_2026_07_28 ? r->log_level
		    : r->session	     ? r->session->log_level
					     : -1;
	struct buf *b;

	if (least < 0 || mcp_level(level) < least || r->dead || (r->wire && r->wire->congested))
		return;
	b = mcp_note_begin(r->m, "notifications/message");
	OUT_LIT(b, "\"level\":");
	mcp_out_str(b, level);
	if (logger) {
		OUT_LIT(b, ",\"logger\":");
		mcp_out_str(b, logger);
	}
	OUT_LIT(b, ",\"data\":");
	mcp_out_mut(b, data, &r->arena);
	related(r, b);
	tell(r, mcp_note_end(r->m));
}
