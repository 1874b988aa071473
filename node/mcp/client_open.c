/* SPDX-License-Identifier: BSD-2-Clause */
/* Which revision: the modern question first, then the legacy handshake (spec §2.4, trap 32). */
#include "node/mcp/client_priv.h"

#include <errno.h>
#include <string.h>

#define PROBE_MS 5000u /* a legacy server on standard streams may keep silent */

static const char *const modern[] = {MCP_CLIENT_2026_07_28, NULL};
static const char *const legacy[] = {MCP_CLIENT_2025_11_25, MCP_CLIENT_2025_06_18, NULL};

static const char *known(const char *const *list, const char *name)
{
	for (; name && *list; list++) {
		if (strcmp(*list, name) == 0)
			return *list;
	}
	return NULL;
}

/* The newest of ours that the server lists, or NULL. */
static const char *mutual(const char *const *ours, yyjson_val *theirs)
{
	yyjson_val *v;
	size_t i;
	size_t n;

	for (; *ours; ours++) {
		yyjson_arr_foreach(theirs, i, n, v)
		{
			if (yyjson_equals_str(v, *ours))
				return *ours;
		}
	}
	return NULL;
}

static yyjson_doc *copy_of(yyjson_val *v)
{
	yyjson_mut_doc *copy = yyjson_mut_doc_new(NULL);
	yyjson_doc *doc;

	yyjson_mut_doc_set_root(copy, yyjson_val_mut_copy(copy, v));
	doc = yyjson_mut_doc_imut_copy(copy, NULL);
	yyjson_mut_doc_free(copy);
	return doc;
}

static int initialize(struct mcp_client *c, const char *ask, struct err *err)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *params = yyjson_mut_obj(doc);
	yyjson_mut_val *info;
	struct mcp_reply reply;
	const char *answer;
	int rc;

	c->modern = false;
	c->opened = false;
	c->session[0] = '\0';
	c->stream = false;
	c->protocol = ask;
	yyjson_mut_obj_add_str(doc, params, "protocolVersion", ask);
	yyjson_mut_obj_add_val(doc, params, "capabilities", client_declares(c, doc));
	info = yyjson_mut_obj_add_obj(doc, params, "clientInfo");
	yyjson_mut_obj_add_str(doc, info, "name", c->p.name);
	yyjson_mut_obj_add_str(doc, info, "version", c->p.version);
	rc = mcp_client_request(c, "initialize", doc, params, &reply, err);
	yyjson_mut_doc_free(doc);
	if (rc != 0) {
		mcp_reply_free(&reply);
		return rc;
	}
	answer = yyjson_get_str(yyjson_obj_get(reply.result, "protocolVersion"));
	c->protocol = known(legacy, answer);
	if (!c->protocol) {
		err_set(err, -EPROTONOSUPPORT, "the server speaks revision %s of MCP alone",
			answer ? answer : "(none named)");
		err_mend(err, "known here: 2025-06-18, 2025-11-25, 2026-07-28");
		mcp_reply_free(&reply);
		return -EPROTONOSUPPORT;
	}
	yyjson_doc_free(c->hello);
	c->hello = copy_of(reply.result);
	mcp_reply_free(&reply);
	c->opened = true;
	rc = mcp_client_notify(c, "notifications/initialized", NULL, NULL, err);
	/* What a server asks outside of a call comes on a stream of its own. */
	if (rc == 0 && (c->p.elicit || c->p.sample || c->p.roots || c->p.notify))
		rc = mcp_client_stream(c, err);
	return rc;
}

enum verdict { MODERN, LEGACY, AGAIN, FAILED };

/* What the answer to server/discover says of the server. */
static enum verdict judge(struct mcp_client *c, int rc, const struct mcp_reply *r, int status,
			  const char **use)
{
	yyjson_val *supported;

	*use = legacy[0];
	if (rc == 0) {
		supported = yyjson_obj_get(r->result, "supportedVersions");
		*use = mutual(modern, supported);
		if (*use)
			return MODERN;
		/* A server that answers anything to anything is a legacy one. */
		*use = mutual(legacy, supported);
		if (!*use)
			*use = legacy[0];
		return LEGACY;
	}
	if (rc == -EREMOTE && r->code == -32022) {
		supported = yyjson_obj_get(r->data, "supported");
		*use = mutual(modern, supported);
		if (*use)
			return AGAIN;
		*use = mutual(legacy, supported);
		return *use ? LEGACY : FAILED;
	}
	if (rc == -EREMOTE || (rc == -EPROTO && status >= 200 && status < 500))
		return LEGACY;
	return rc == -ETIMEDOUT && c->p.command ? LEGACY : FAILED;
}

static int discover(struct mcp_client *c, struct mcp_reply *reply, int *status, struct err *err)
{
	struct mcp_call *call = mcp_client_start(c, "server/discover", NULL, NULL, err);
	unsigned timeout = c->p.timeout_ms;
	int rc;

	if (!call)
		return -ENOMEM;
	if (c->p.command && !c->p.protocol && (timeout == 0 || timeout > PROBE_MS))
		c->p.timeout_ms = PROBE_MS;
	while (!mcp_call_done(call))
		mcp_client_step(c, -1, -1);
	c->p.timeout_ms = timeout;
	*status = call->http_status;
	rc = mcp_call_reply(call, reply, err);
	mcp_call_free(call);
	return rc;
}

static int negotiate_modern(struct mcp_client *c, struct err *err)
{
	struct mcp_reply reply = {0};
	enum verdict v = AGAIN;
	const char *use = modern[0];
	int status = 0;
	int tries;
	int rc = 0;

	for (tries = 0; v == AGAIN && tries < 3; tries++) {
		c->modern = true;
		c->protocol = use;
		rc = discover(c, &reply, &status, err);
		v = judge(c, rc, &reply, status, &use);
		if (v == MODERN) {
			c->protocol = use;
			c->hello = copy_of(reply.result);
		}
		mcp_reply_free(&reply);
	}
	if (v == MODERN) {
		c->opened = true;
		return 0;
	}
	if (v == LEGACY && !c->p.protocol)
		return initialize(c, use, err);
	return rc ? rc
		  : err_set(err, -EPROTONOSUPPORT, "the server does not speak revision %s of MCP",
			    c->p.protocol);
}

int client_negotiate(struct mcp_client *c, struct err *err)
{
	if (c->p.protocol && known(legacy, c->p.protocol))
		return initialize(c, known(legacy, c->p.protocol), err);
	if (c->p.protocol && !known(modern, c->p.protocol)) {
		err_set(err, -EPROTONOSUPPORT, "no revision %s of MCP is known", c->p.protocol);
		err_mend(err, "known: 2025-06-18, 2025-11-25, 2026-07-28");
		return -EPROTONOSUPPORT;
	}
	return negotiate_modern(c, err);
}

int client_reopen(struct mcp_client *c, struct err *err)
{
	return initialize(c, c->protocol, err);
}
