/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/netops/ops/cli.h"
#include "proto/netops/ops/face.h"
#include "proto/netops/ops/uri.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GAP_MS 10	/* between updates of one resource (spec §2.11) */
#define LOG_GAP_MS 1000 /* of the log's (spec §2.1) */

static struct face *faces;

/* Access control as at dispatch (ops_may): a tool that cannot be called is not listed. */
static bool allowed(void *ctx, const struct mcp_tool *tool, const struct principal *p)
{
	struct face *f = ctx;

	return nacm_exec(ops_nacm(f->o), p, "depanneur-netops", tool->name);
}

static const struct mcp_tool tools[] = {
	{.name = "network.audit.verify",
	 .title = "Verify the audit log",
	 .description = "Reads the whole hash-chained audit log again and says whether it is as it "
			"was written.",
	 .input = face_in_verify,
	 .output = face_out_verify,
	 .read_only = true,
	 .idempotent = true,
	 .scope = SCOPE_AUDIT,
	 .call = tool_audit_verify},
	{.name = "network.cli.configure",
	 .title = "Configure by commands",
	 .description = "Commands set PATH [VALUE] and delete PATH, all or none of them, into a "
			"candidate; commit them with "
			"network.commit.",
	 .input = face_in_configure,
	 .output = face_out_configure,
	 .destructive = true,
	 .scope = SCOPE_EDIT,
	 .call = tool_cli_configure},
	{.name = "network.cli.exec",
	 .title = "Show",
	 .description = "Runs a show command: show configuration [running|candidate|startup] "
			"[PATH]; show interfaces [NAME]; show "
			"route [ipv4|ipv6] [ADDRESS]; show arp [INTERFACE]; show log [COUNT]; show "
			"history; show diff [COMMIT]; show "
			"system. It configures nothing.",
	 .input = face_in_exec,
	 .output = face_out_exec,
	 .read_only = true,
	 .idempotent = true,
	 .scope = SCOPE_READ,
	 .call = tool_cli_exec},
	{.name = "network.commit",
	 .title = "Commit",
	 .description = "Applies a candidate to the device, as one transaction. With confirmed: it "
			"is taken back after that many "
			"seconds unless it is confirmed with the token. With phase: prepare, then "
			"commit, in two steps.",
	 .input = face_in_commit,
	 .output = face_out_commit,
	 .destructive = true,
	 .task = MCP_TASK_OPTIONAL,
	 .scope = SCOPE_COMMIT,
	 .call = tool_commit},
	{.name = "network.diff",
	 .title = "Differences",
	 .description = "What a candidate would change in running, or what a commit has changed.",
	 .input = face_in_diff,
	 .output = face_out_diff,
	 .read_only = true,
	 .idempotent = true,
	 .scope = SCOPE_READ,
	 .call = tool_diff},
	{.name = "network.discard",
	 .title = "Discard a candidate",
	 .description = "Throws a candidate's edits away.",
	 .input = face_in_discard,
	 .output = face_out_discard,
	 .destructive = true,
	 .idempotent = true,
	 .scope = SCOPE_EDIT,
	 .call = tool_discard},
	{.name = "network.file.pull",
	 .title = "Read a configuration",
	 .description = "A whole configuration as text, XML or JSON.",
	 .input = face_in_pull,
	 .output = face_out_pull,
	 .read_only = true,
	 .idempotent = true,
	 .scope = SCOPE_READ,
	 .call = tool_file_pull},
	{.name = "network.file.push",
	 .title = "Replace a configuration",
	 .description = "Replaces the whole candidate (commit it with network.commit) or the "
			"startup configuration. XML or JSON "
			"(RFC 7951).",
	 .input = face_in_push,
	 .output = face_out_push,
	 .destructive = true,
	 .idempotent = true,
	 .task = MCP_TASK_OPTIONAL,
	 .large = true,
	 .scope = SCOPE_EDIT,
	 .call = tool_file_push},
	{.name = "network.history",
	 .title = "Commits",
	 .description =
		 "The last commits, newest first, and the one that waits for its confirmation.",
	 .input = face_in_history,
	 .output = face_out_history,
	 .read_only = true,
	 .idempotent = true,
	 .scope = SCOPE_READ,
	 .call = tool_history},
	{.name = "network.rollback",
	 .title = "Roll back",
	 .description = "Goes back to how running was after a commit, or by steps; as a new "
			"commit. Without arguments it cancels "
			"a commit that waits for its confirmation.",
	 .input = face_in_rollback,
	 .output = face_out_commit,
	 .destructive = true,
	 .scope = SCOPE_ROLLBACK,
	 .call = tool_rollback},
	{.name = "network.yang.edit",
	 .title = "Edit",
	 .description =
		 "Edits a candidate by data paths, all or none; commit it with network.commit.",
	 .input = face_in_edit,
	 .output = face_out_edit,
	 .destructive = true,
	 .scope = SCOPE_EDIT,
	 .call = tool_yang_edit},
	{.name = "network.yang.get",
	 .title = "Read",
	 .description = "Data at a path, as RFC 7951 JSON. The path may name a list without keys, "
			"with offset and limit.",
	 .input = face_in_get,
	 .output = face_out_get,
	 .read_only = true,
	 .idempotent = true,
	 .scope = SCOPE_READ,
	 .call = tool_yang_get},
};

/* ---- Changes ---- */

struct change_at {
	enum datastore ds;
	const char *path;
};

static bool touched(void *ctx, const char *uri)
{
	const struct change_at *at = ctx;

	return uri_touched(uri, at->ds, at->path);
}

static void changed(void *ctx, enum datastore ds, const char *path)
{
	struct change_at at = {ds, path};
	struct face *f = ctx;

	if (strcmp(path, "/depanneur-netops:netops/transaction") == 0)
		mcp_updated(f->m, "network:///transaction", GAP_MS);
	else
		mcp_updated_if(f->m, touched, &at, GAP_MS);
}

static bool is_log(void *ctx, const char *uri)
{
	return uri_last_of(uri, "network:///log/syslog/") > 0;
}

static void log_line(void *ctx)
{
	struct face *f = ctx;

	mcp_updated_if(f->m, is_log, NULL, LOG_GAP_MS);
}

static void lists_changed(void *ctx)
{
	struct face *f = ctx;
	struct err err = {0};

	if (expose_update(f, &err) != 0)
		err_print(&err, "netops", stderr);
	mcp_lists_changed(f->m, true, true, true);
}

/* ---- Begin and end ---- */

static int add_tools(struct face *f, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(tools) / sizeof(tools[0]); i++) {
		struct mcp_tool t = tools[i];

		t.ctx = f;
		t.allowed = allowed;
		rc = mcp_tool_add(f->m, &t, err);
	}
	return rc;
}

int netops_tools_add(struct mcp *m, struct ops *o, struct err *err)
{
	struct face *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return err_set(err, -ENOMEM, "no memory");
	f->m = m;
	f->o = o;
	alloc_init(&f->alloc, 0);
	rc = add_tools(f, err);
	if (rc == 0)
		rc = resources_add(f, err);
	if (rc == 0)
		rc = prompts_add(f, err);
	if (rc == 0)
		rc = expose_update(f, err);
	f->listener = (struct ops_listener){
		.changed = changed, .lists_changed = lists_changed, .log_line = log_line, .ctx = f};
	ops_listen(o, &f->listener);
	f->next = faces;
	faces = f;
	if (rc)
		netops_tools_remove(m);
	return rc;
}

void netops_tools_remove(struct mcp *m)
{
	struct face **at;
	struct face *f;

	for (at = &faces; (f = *at); at = &f->next) {
		if (f->m != m)
			continue;
		*at = f->next;
		ops_unlisten(f->o, &f->listener);
		expose_free(f);
		free(f);
		return;
	}
}
