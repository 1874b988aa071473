/* SPDX-License-Identifier: BSD-2-Clause */
/* network.commit and network.rollback, and the approval that policy may ask for: a person answers
 * an elicitation, and the call comes again with the answer. What was agreed to is remembered by a
 * digest of its differences; had the candidate changed meanwhile, the person is asked again. */
#include "proto/netops/ops/face.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST 65 /* of SHA-256 in hexadecimal digits, and NUL */

static void hex(const uint8_t *p, size_t n, char *out)
{
	size_t i;

	for (i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", p[i]);
}

/* Of what the candidate would change; "" where that cannot be said. */
static void digest_of(struct call *c, char out[DIGEST])
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	struct changes changes = {0};
	struct neterr e = {0};
	uint8_t sum[32];
	size_t n = 0;
	char *text = NULL;

	out[0] = '\0';
	if (store_candidate(ops_store(c->f->o), c->candidate, c->from.by, &changes, &e) == 0)
		text = yyjson_mut_val_write(changes_json(&changes, doc), 0, &n);
	if (text && EVP_Q_digest(NULL, "SHA256", NULL, text, n, sum, NULL))
		hex(sum, sizeof(sum), out);
	free(text);
	changes_free(&changes);
	neterr_clear(&e);
	yyjson_mut_doc_free(doc);
}

/* ---- Approval ---- */

int approval(struct mcp_req *r, const char *digest)
{
	yyjson_val *answer = mcp_answer(r, "approve");
	const char *action = arg_str(answer, "action");
	const char *asked = mcp_state(r);

	if (!answer || !action)
		return 0;
	if (digest && (!asked || strcmp(asked, digest) != 0))
		return 0;
	if (strcmp(action, "accept") != 0)
		return -1;
	return arg_bool(yyjson_obj_get(answer, "content"), "approve", false) ? 1 : -1;
}

static yyjson_mut_val *question(yyjson_mut_doc *doc, const char *message)
{
	static const char schema[] =
		"{\"type\":\"object\",\"properties\":{\"approve\":{\"type\":\"boolean\","
		"\"default\":false},"
		"\"ticket\":{\"type\":\"string\",\"maxLength\":32}},\"required\":[\"approve\"]}";
	yyjson_doc *parsed = yyjson_read(schema, sizeof(schema) - 1, 0);
	yyjson_mut_val *params = yyjson_mut_obj(doc);

	yyjson_mut_obj_add_str(doc, params, "mode", "form");
	yyjson_mut_obj_add_strcpy(doc, params, "message", message);
	yyjson_mut_obj_add_val(doc, params, "requestedSchema",
			       yyjson_val_mut_copy(doc, yyjson_doc_get_root(parsed)));
	yyjson_doc_free(parsed);
	return params;
}

void ask_approval(struct call *c, const struct neterr *e, const char *what, const char *digest)
{
	yyjson_mut_val *data = e->data ? yyjson_mut_doc_get_root(e->data) : NULL;
	const char *why = yyjson_mut_get_str(yyjson_mut_obj_get(data, "message"));
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	char message[512];
	struct mcp_req *r;

	snprintf(message, sizeof(message), "%s: %s", what, why ? why : "commit it?");
	if (!c->r ||
	    mcp_ask(c->r, "approve", "elicitation/create", doc, question(doc, message)) != 0) {
		call_fail(c, e);
		yyjson_mut_doc_free(doc);
		return;
	}
	r = call_end(c);
	mcp_keep(r, digest ? digest : "");
	mcp_wait(r);
	yyjson_mut_doc_free(doc);
}

static bool wants_approval(const struct neterr *e)
{
	return e && e->code == NETERR_POLICY_DENIED && strcmp(e->tag, "approval-required") == 0;
}

/* Whether the one at the client, who is the requester, may be the one to agree. */
static bool may_ask(const struct neterr *e)
{
	yyjson_mut_val *data = e->data ? yyjson_mut_doc_get_root(e->data) : NULL;

	return yyjson_mut_get_bool(yyjson_mut_obj_get(data, "approverMayBeRequester"));
}

static void refused(struct call *c)
{
	struct neterr e = {0};

	neterr_set(&e, NETERR_POLICY_DENIED, "approval-refused", "the person asked did not agree");
	call_fail(c, &e);
	neterr_clear(&e);
}

/* ---- network.commit ---- */

static void committed(void *ctx, yyjson_mut_doc *doc, yyjson_mut_val *val, struct neterr *e)
{
	struct call *c = ctx;
	char digest[DIGEST];
	char what[160];

	if (!wants_approval(e) || !may_ask(e)) {
		call_done(c, doc, val, e);
		return;
	}
	digest_of(c, digest);
	if (strncmp(c->candidate, "own-", 4) == 0)
		snprintf(what, sizeof(what), "Your candidate");
	else
		snprintf(what, sizeof(what), "Candidate %.64s", c->candidate[0] ? c->candidate : "shared by all");
	ask_approval(c, e, what, digest);
}

static int read_phase(const char *phase)
{
	static const char *const name[] = {"prepare", "commit", "confirm", "abort"};
	static const int value[] = {OPS_PREPARE, OPS_COMMIT, OPS_CONFIRM, OPS_ABORT};
	unsigned i;

	for (i = 0; phase && i < 4; i++) {
		if (strcmp(phase, name[i]) == 0)
			return value[i];
	}
	return OPS_ONE_SHOT;
}

/* Without a session every pending commit is kept by its token alone (spec §2.2). */
static bool needs_token(struct call *c, const struct ops_commit *k)
{
	if (k->token || !(k->confirm || k->phase == OPS_CONFIRM) || c->from.by->session[0])
		return false;
	call_invalid(c, "missing-element",
		     "confirm needs the token that the confirmed commit answered");
	return true;
}

void tool_commit(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	struct call *c = call_new(ctx, r, "tools/call", "network.commit", args);
	struct ops_commit k = {
		.phase = read_phase(arg_str(args, "phase")),
		.token = arg_str(args, "token"),
		.comment = arg_str(args, "comment"),
		.idempotency_key = arg_str(args, "idempotencyKey"),
		.if_running = arg_str(args, "ifRunning"),
		.confirmed = (unsigned)arg_uint(args, "confirmed", 0),
		.confirm = arg_bool(args, "confirm", false),
		.dry_run = arg_bool(args, "dryRun", false),
	};
	char digest[DIGEST];
	int agreed;

	if (!c || needs_token(c, &k))
		return;
	k.candidate = call_candidate(c, args);
	if (!k.confirm && (k.phase == OPS_ONE_SHOT || k.phase == OPS_PREPARE))
		call_touch(c);
	if (mcp_answer(r, "approve")) {
		digest_of(c, digest);
		agreed = approval(r, digest);
		if (agreed < 0) {
			refused(c);
			return;
		}
		k.approved = agreed > 0;
		c->from.approver = agreed > 0 ? c->from.by->user : NULL;
	}
	ops_commit(c->f->o, &c->from, &k, committed, c);
}

/* ---- network.rollback ---- */

static void rolled_back(void *ctx, yyjson_mut_doc *doc, yyjson_mut_val *val, struct neterr *e)
{
	struct call *c = ctx;

	if (wants_approval(e) && may_ask(e))
		ask_approval(c, e, "Roll back", store_hash(ops_store(c->f->o)));
	else
		call_done(c, doc, val, e);
}

void tool_rollback(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	struct call *c = call_new(ctx, r, "tools/call", "network.rollback", args);
	const char *id = arg_str(args, "commitId");
	bool pending;
	unsigned steps;
	int agreed;

	if (!c)
		return;
	/* What is undone follows from the arguments and from running as it is. */
	agreed = approval(r, store_hash(ops_store(c->f->o)));
	if (agreed < 0) {
		refused(c);
		return;
	}
	c->from.approver = agreed > 0 ? c->from.by->user : NULL;
	/* Without arguments it cancels a commit that waits for its confirmation (spec §2.2), else
	 * goes back one step. */
	pending = txn_state(ops_txn(c->f->o)) == TXN_PENDING;
	steps = id || (pending && !yyjson_obj_get(args, "steps"))
			? 0
			: (unsigned)arg_uint(args, "steps", 1);
	ops_rollback(c->f->o, &c->from, id, steps, agreed > 0, rolled_back, c);
}

/* ---- network.approve ---- */

void tool_approve(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	struct call *c = call_new(ctx, r, "tools/call", "network.approve", args);
	yyjson_val *approve = yyjson_obj_get(args, "approve");
	const char *id = arg_str(args, "id");
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *val = NULL;
	struct neterr e = {0};
	int rc;

	if (c && approve && !id) {
		call_invalid(c, "missing-element", "approve needs the id of what is decided");
	} else if (c) {
		rc = approve ? ops_approve(c->f->o, &c->from, id, yyjson_get_bool(approve),
					   arg_str(args, "comment"), doc, &val, &e)
			     : ops_approvals(c->f->o, &c->from, id, doc, &val, &e);
		call_done(c, doc, val, rc ? &e : NULL);
	}
	neterr_clear(&e);
	yyjson_mut_doc_free(doc);
}
