/* SPDX-License-Identifier: BSD-2-Clause */
/* Changing: from a candidate to a transaction, by way of policy. Where the client comes over the network, the kernel is
 * asked first which interface leads to it, so that a change of that way is seen. The changes are taken and judged when the
 * request's turn has come (txn_request.stage): what is judged is what is applied. */
#include "proto/netops/ops/ops_priv.h"

#include "proto/netops/ops/ops_reach.h"
#include "proto/netops/audit/jcs.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXTS = 7 };

struct commit {
	struct ops *o;
	struct principal by;
	struct ops_origin from;
	struct ops_commit c;
	bool rollback;
	unsigned steps;
	const char *commit_id;
	char *text[TEXTS]; /* copies of what the above point to */
	yyjson_doc *args;
	yyjson_doc *meta;
	uint8_t digest[32];
	char link[IF_NAMESIZE]; /* that leads to the client, or "" */
	struct changes changes;
	struct reach reach;
	char pre_hash[80];
	usec_t since;
	ops_result_f *f;
	void *ctx;
};

static void free_commit(struct commit *k)
{
	size_t i;

	for (i = 0; i < TEXTS; i++)
		free(k->text[i]);
	changes_free(&k->changes);
	yyjson_doc_free(k->args);
	yyjson_doc_free(k->meta);
	free(k);
}

static const char *copy_text(struct commit *k, int at, const char *text)
{
	return text ? (k->text[at] = strdup(text)) : NULL;
}

static yyjson_doc *copy_value(yyjson_val *v)
{
	yyjson_mut_doc *doc = v ? yyjson_mut_doc_new(NULL) : NULL;
	yyjson_doc *out = NULL;

	if (doc) {
		yyjson_mut_doc_set_root(doc, yyjson_val_mut_copy(doc, v));
		out = yyjson_mut_doc_imut_copy(doc, NULL);
	}
	yyjson_mut_doc_free(doc);
	return out;
}

/* The request outlives the call: everything that it points to is copied. */
static struct commit *new_commit(struct ops *o, const struct ops_origin *from, const struct ops_commit *c,
				 ops_result_f *f, void *ctx)
{
	struct commit *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	*k = (struct commit){.o = o, .by = *from->by, .from = *from, .c = *c, .f = f, .ctx = ctx, .since = clock_now()};
	k->from.by = &k->by;
	snprintf(k->pre_hash, sizeof(k->pre_hash), "%s", store_hash(o->store));
	k->c.token = copy_text(k, 0, c->token);
	k->c.comment = copy_text(k, 1, c->comment);
	k->c.candidate = copy_text(k, 2, c->candidate ? c->candidate : "");
	k->c.idempotency_key = copy_text(k, 3, c->idempotency_key);
	k->c.if_running = copy_text(k, 4, c->if_running);
	k->from.approver = copy_text(k, 5, from->approver);
	k->args = copy_value(from->args);
	k->meta = copy_value(from->meta);
	k->from.args = yyjson_doc_get_root(k->args);
	k->from.meta = yyjson_doc_get_root(k->meta);
	return k;
}

/* ---- The answer ---- */

static void add_time(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, int64_t wall_ns)
{
	time_t s = wall_ns / 1000000000;
	struct tm tm;
	char text[40];
	size_t n;

	gmtime_r(&s, &tm);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof(text) - n, ".%03dZ", (int)(wall_ns % 1000000000 / 1000000));
	yyjson_mut_obj_add_strcpy(doc, obj, key, text);
}

static yyjson_mut_val *result_json(struct commit *k, yyjson_mut_doc *doc, const struct txn_result *r)
{
	yyjson_mut_val *obj = yyjson_mut_obj(doc);
	yyjson_mut_val *warnings;

	if (r->commit_id[0])
		yyjson_mut_obj_add_strcpy(doc, obj, "commitId", r->commit_id);
	yyjson_mut_obj_add_strcpy(doc, obj, "state", r->state);
	if (r->token[0])
		yyjson_mut_obj_add_strcpy(doc, obj, "token", r->token);
	if (r->confirm_by)
		add_time(doc, obj, "confirmBy", r->confirm_by);
	yyjson_mut_obj_add_val(doc, obj, "diff",
			       r->diff ? ops_readable_changes(k->o, &k->by, r->diff, k->c.dry_run, doc)
				       : yyjson_mut_arr(doc));
	yyjson_mut_obj_add_strcpy(doc, obj, "runningHash", r->running_hash ? r->running_hash : "");
	warnings = json_add_arr(doc, obj, "warnings");
	if (k->reach.management)
		yyjson_mut_arr_add_str(doc, warnings, "management-path");
	return obj;
}

static void answer(struct commit *k, const struct txn_result *r, struct neterr *e)
{
	yyjson_mut_doc *doc = NULL;
	yyjson_mut_val *result = NULL;
	uint64_t seq = 0;

	if (!r || !r->replayed)
		seq = ops_record(k->o, &k->from, k->pre_hash, r ? r->diff : NULL, e, k->since);
	if (r) {
		doc = yyjson_mut_doc_new(NULL);
		result = result_json(k, doc, r);
		yyjson_mut_obj_add_uint(doc, result, "auditSeq", seq);
	}
	k->f(k->ctx, doc, result, e);
	yyjson_mut_doc_free(doc);
	free_commit(k);
}

static void done(void *ctx, const struct txn_result *r, struct neterr *e)
{
	struct commit *k = ctx;

	if (!e && r && !k->c.dry_run && !k->rollback &&
	    (k->c.phase == OPS_ONE_SHOT || k->c.phase == OPS_COMMIT || k->c.phase == OPS_PREPARE) && !k->c.confirm)
		store_discard(k->o->store, k->c.candidate, &k->by);
	answer(k, r, e);
}

/* ---- Its turn ---- */

static int conflict(struct commit *k, struct neterr *e)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *paths = store_conflicts(k->o->store, k->c.candidate, doc);
	yyjson_mut_val *data;
	int rc = 0;

	if (paths && yyjson_mut_arr_size(paths) > 0) {
		rc = neterr_set(e, NETERR_LOCK_DENIED, "in-use",
				"running changed under the candidate in %zu places", yyjson_mut_arr_size(paths));
		err_mend(&e->err, "look at network.diff, then discard the candidate and stage it again");
		data = neterr_data(e);
		if (data)
			yyjson_mut_obj_add_val(e->data, data, "conflicts", yyjson_mut_val_mut_copy(e->data, paths));
	}
	yyjson_mut_doc_free(doc);
	return rc;
}

static int judge(struct commit *k, const struct changes *c, struct neterr *e)
{
	reach_of(c, k->by.addr[0] ? k->by.addr : NULL, k->link[0] ? k->link : NULL, &k->reach);
	return policy_commit(k->o->policy, &k->by, c, k->reach.n_interfaces, k->reach.n_routes,
			     k->reach.management, k->c.confirmed, k->c.approved, k->from.approver, e);
}

static int stage(void *ctx, struct changes *out, struct neterr *e)
{
	struct commit *k = ctx;
	int rc = conflict(k, e);

	if (rc == 0)
		rc = store_candidate(k->o->store, k->c.candidate, &k->by, out, e);
	/* No candidate of that handle: nothing was staged, so nothing is to change. */
	if (rc == NETERR_TRANSACTION_UNKNOWN && k->c.candidate[0] == '\0') {
		neterr_clear(e);
		rc = 0;
	}
	return rc == 0 && out->n ? judge(k, out, e) : rc;
}

static void submit(struct commit *k)
{
	struct ops *o = k->o;
	struct txn_request q = {
		.by = &k->by,
		.token = k->c.token,
		.comment = k->c.comment,
		.if_running = k->c.if_running,
		.confirmed = k->c.confirmed,
		.persist = !k->c.session_bound,
		.dry_run = k->c.dry_run,
		.commit_id = k->commit_id,
		.steps = k->steps,
		.idem_key = k->c.idempotency_key,
		.idem_args = k->c.idempotency_key ? k->digest : NULL,
		.done = done,
		.ctx = k,
	};

	if (k->rollback) {
		q.what = TXN_ROLLBACK;
	} else if (k->c.confirm || k->c.phase == OPS_CONFIRM) {
		q.what = TXN_CONFIRM;
	} else if (k->c.phase == OPS_ABORT) {
		q.what = TXN_CANCEL;
	} else {
		q.what = k->c.phase == OPS_PREPARE ? TXN_PREPARE : TXN_COMMIT;
		/* With the token of a prepared transaction its changes are meant; with that of a pending one, what was
		 * staged since is added. */
		if (!k->c.token || txn_state(k->o->txn) == TXN_PENDING)
			q.stage = stage;
	}
	/* k may be gone after this. */
	txn_submit(o->txn, &q, clock_now());
	ops_arm(o);
}

/* ---- The way to the client ---- */

static void got_route(void *ctx, yyjson_val *output, struct neterr *e)
{
	struct commit *k = ctx;
	yyjson_val *route = yyjson_obj_get(output, "route");
	const char *link = yyjson_get_str(yyjson_obj_get(route, "link"));

	if (!e && link)
		snprintf(k->link, sizeof(k->link), "%s", link);
	submit(k);
}

static void ask_route(struct commit *k)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *input = yyjson_mut_obj(doc);
	yyjson_mut_val *probe = json_add_obj(doc, input, "depanneur-sys:probe");
	yyjson_mut_val *route = json_add_obj(doc, probe, "route");

	yyjson_mut_obj_add_str(doc, route, "to", k->by.addr);
	yyjson_mut_doc_set_root(doc, input);
	rooms_call(k->o->rooms, "sys", "probe", doc, input, 1000, got_route, k);
	yyjson_mut_doc_free(doc);
}

static bool is_remote(const struct principal *p)
{
	return strncmp(p->transport, "http", 4) == 0 && p->addr[0] && strncmp(p->addr, "127.", 4) != 0 &&
	       strcmp(p->addr, "::1") != 0;
}

/* ---- Entry ---- */

static void refuse(struct commit *k, struct neterr *e)
{
	answer(k, NULL, e);
	neterr_clear(e);
}

static int bad(struct neterr *e, const char *what, const char *mend)
{
	neterr_set(e, NETERR_CONFIG_INCOMPATIBLE, "invalid-value", "%s", what);
	err_mend(&e->err, "%s", mend);
	return e->code;
}

/* The rules of combination of spec §2.16. */
static int check_arguments(const struct ops_commit *c, struct neterr *e)
{
	bool ends = c->phase == OPS_CONFIRM || c->phase == OPS_ABORT;

	if (c->confirm && c->confirmed > 0)
		return bad(e, "confirm and confirmed exclude each other", "confirm first, or extend with confirmed and the token");
	if (c->confirm && (c->phase == OPS_PREPARE || c->phase == OPS_ABORT))
		return bad(e, "confirm does not go with that phase", "leave phase away, or use phase confirm");
	if ((ends || c->phase == OPS_COMMIT) && !c->token)
		return bad(e, "this phase needs the token", "give the token that prepare or the confirmed commit answered");
	if (c->dry_run && (ends || c->phase == OPS_COMMIT || c->confirm))
		return bad(e, "dryRun goes only with prepare or without a phase", "leave dryRun away");
	if (c->phase == OPS_PREPARE && c->token)
		return bad(e, "prepare takes no token", "leave token away");
	if (c->confirmed > TXN_MAX_CONFIRMED)
		return bad(e, "confirmed is 3600 seconds at most", "give a shorter time");
	return 0;
}

static void out_of_memory(ops_result_f *f, void *ctx)
{
	struct neterr e = {0};

	neterr_set(&e, NETERR_INTERNAL, "resource-denied", "no memory");
	f(ctx, NULL, NULL, &e);
}

void ops_commit(struct ops *o, const struct ops_origin *from, const struct ops_commit *c, ops_result_f *f,
		void *ctx)
{
	struct commit *k = new_commit(o, from, c, f, ctx);
	struct neterr e = {0};
	int rc;

	if (!k) {
		out_of_memory(f, ctx);
		return;
	}
	rc = check_arguments(&k->c, &e);
	if (rc == 0)
		rc = ops_may(o, &k->from, SCOPE_COMMIT, !k->c.dry_run, &e);
	if (rc == 0 && k->c.idempotency_key)
		rc = jcs_digest(k->from.args, "idempotencyKey", k->digest) == 0
			     ? 0
			     : neterr_set(&e, NETERR_INTERNAL, "resource-denied", "no memory");
	if (rc != 0)
		refuse(k, &e);
	else if (is_remote(&k->by) && rooms_is_up(o->rooms, "sys"))
		ask_route(k);
	else
		submit(k);
}

void ops_rollback(struct ops *o, const struct ops_origin *from, const char *commit_id, unsigned steps,
		  bool approved, ops_result_f *f, void *ctx)
{
	const struct ops_commit c = {.approved = approved};
	struct commit *k = new_commit(o, from, &c, f, ctx);
	struct neterr e = {0};
	int rc;

	if (!k) {
		out_of_memory(f, ctx);
		return;
	}
	k->rollback = true;
	k->commit_id = copy_text(k, 6, commit_id);
	k->steps = steps;
	rc = ops_may(o, &k->from, SCOPE_ROLLBACK, true, &e);
	if (rc != 0)
		refuse(k, &e);
	else
		submit(k);
}
