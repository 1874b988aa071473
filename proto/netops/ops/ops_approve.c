/* SPDX-License-Identifier: BSD-2-Clause */
/* Approval by another person. A commit (or rollback) that policy holds up leaves a request here: who asked, and a digest of
 * the differences and of how they are to be committed. Another principal approves it by its id; then the same commit of the
 * same user goes through, once, within APPROVAL_US. In memory alone: a restart forgets what nobody used. */
#include "proto/netops/ops/ops_priv.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define APPROVAL_US SEC(600)
#define APPROVALS 64	 /* of all … */
#define APPROVALS_USER 8 /* … and of one user; the oldest that is not approved makes room */
#define ID 17

struct approval {
	struct list at; /* oldest first */
	char id[ID];
	char rule[64];
	struct principal by;
	uint8_t digest[32];
	struct changes changes;
	unsigned confirmed;
	bool rollback;
	bool approved;
	char approver[sizeof(((struct principal *)0)->user)];
	usec_t ends;
};

static void drop(struct ops *o, struct approval *a)
{
	list_del(&a->at);
	o->n_approvals--;
	changes_free(&a->changes);
	free(a);
}

static void drop_old(struct ops *o, usec_t now)
{
	list_each_safe (it, &o->approvals) {
		struct approval *a = container_of(it, struct approval, at);

		if (now >= a->ends)
			drop(o, a);
	}
}

void ops_approvals_free(struct ops *o)
{
	if (o->approvals.next)
		drop_old(o, USEC_NEVER);
}

static int digest_of(const struct changes *c, unsigned confirmed, bool rollback, uint8_t out[32])
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_arr(doc);
	char *text = NULL;
	size_t n = 0;

	if (root && yyjson_mut_arr_append(root, changes_json(c, doc)) && yyjson_mut_arr_add_uint(doc, root, confirmed) &&
	    yyjson_mut_arr_add_bool(doc, root, rollback))
		text = yyjson_mut_val_write(root, 0, &n);
	n = text ? (size_t)EVP_Q_digest(NULL, "SHA256", NULL, text, n, out, NULL) : 0;
	free(text);
	yyjson_mut_doc_free(doc);
	return n ? 0 : -ENOMEM;
}

/* Room for one more of this user, or false. */
static bool make_room(struct ops *o, const struct principal *by)
{
	struct approval *oldest = NULL;
	unsigned own = 0;

	list_each (it, &o->approvals) {
		struct approval *a = container_of(it, struct approval, at);

		if (strcmp(a->by.user, by->user) != 0)
			continue;
		own++;
		if (!oldest && !a->approved)
			oldest = a;
	}
	if (own < APPROVALS_USER && o->n_approvals < APPROVALS)
		return true;
	if (oldest)
		drop(o, oldest);
	return oldest != NULL;
}

static struct approval *request(struct ops *o, const struct principal *by, const struct changes *c, const uint8_t digest[32])
{
	struct approval *a = make_room(o, by) ? calloc(1, sizeof(*a)) : NULL;
	uint8_t id[(ID - 1) / 2];
	size_t i;

	if (!a)
		return NULL;
	if (changes_copy(c, &a->changes) != 0) {
		free(a);
		return NULL;
	}
	o->env.random(o, id, sizeof(id));
	for (i = 0; i < sizeof(id); i++)
		snprintf(a->id + 2 * i, 3, "%02x", id[i]);
	memcpy(a->digest, digest, sizeof(a->digest));
	a->by = *by;
	a->ends = clock_now() + APPROVAL_US;
	list_add(&o->approvals, &a->at);
	o->n_approvals++;
	return a;
}

static struct approval *same(struct ops *o, const struct principal *by, const uint8_t digest[32])
{
	list_each (it, &o->approvals) {
		struct approval *a = container_of(it, struct approval, at);

		if (strcmp(a->by.user, by->user) == 0 && memcmp(a->digest, digest, sizeof(a->digest)) == 0)
			return a;
	}
	return NULL;
}

bool ops_approved(struct ops *o, const struct principal *by, const struct changes *c, unsigned confirmed, bool rollback,
		  char *approver, size_t n)
{
	struct approval *a;
	uint8_t digest[32];

	drop_old(o, clock_now());
	if (o->n_approvals == 0 || digest_of(c, confirmed, rollback, digest) != 0)
		return false;
	a = same(o, by, digest);
	if (!a || !a->approved)
		return false;
	snprintf(approver, n, "%s", a->approver);
	drop(o, a);
	return true;
}

void ops_approval_wanted(struct ops *o, const struct principal *by, const struct changes *c, unsigned confirmed, bool rollback,
			 struct neterr *e)
{
	yyjson_mut_val *data = neterr_data(e);
	const char *rule = yyjson_mut_get_str(yyjson_mut_obj_get(data, "rule"));
	struct approval *a;
	uint8_t digest[32];

	if (digest_of(c, confirmed, rollback, digest) != 0)
		return;
	a = same(o, by, digest);
	if (!a)
		a = request(o, by, c, digest);
	if (!a) {
		err_mend(&e->err, "too many approvals wait: let some of them be decided");
		return;
	}
	a->confirmed = confirmed;
	a->rollback = rollback;
	snprintf(a->rule, sizeof(a->rule), "%s", rule ? rule : "");
	yyjson_mut_obj_add_strcpy(e->data, data, "approvalId", a->id);
	yyjson_mut_obj_add_uint(e->data, data, "approvalWithinS", (uint64_t)(APPROVAL_US / SEC(1)));
	err_mend(&e->err, "another person calls network.approve with id %s, then commit again", a->id);
}

/* ---- network.approve ---- */

static yyjson_mut_val *shown(struct ops *o, const struct principal *by, const struct approval *a, yyjson_mut_doc *doc)
{
	yyjson_mut_val *v = yyjson_mut_obj(doc);
	yyjson_mut_val *diff = ops_readable_changes(o, by, &a->changes, true, doc);

	yyjson_mut_obj_add_strcpy(doc, v, "id", a->id);
	yyjson_mut_obj_add_strcpy(doc, v, "requester", a->by.user);
	yyjson_mut_obj_add_strcpy(doc, v, "rule", a->rule);
	yyjson_mut_obj_add_str(doc, v, "kind", a->rollback ? "rollback" : "commit");
	yyjson_mut_obj_add_uint(doc, v, "confirmed", a->confirmed);
	yyjson_mut_obj_add_bool(doc, v, "approved", a->approved);
	yyjson_mut_obj_add_sint(doc, v, "remainingMs", (a->ends - clock_now()) / 1000);
	yyjson_mut_obj_add_val(doc, v, "diff", diff ? diff : yyjson_mut_arr(doc));
	return v;
}

static struct approval *find(struct ops *o, const char *id, struct neterr *e)
{
	list_each (it, &o->approvals) {
		struct approval *a = container_of(it, struct approval, at);

		if (strcmp(a->id, id) == 0)
			return a;
	}
	neterr_set(e, NETERR_TRANSACTION_UNKNOWN, "invalid-value", "no approval of this id is wanted (any more)");
	err_mend(&e->err, "network.approve without id lists them; the commit must be tried again after 10 minutes");
	return NULL;
}

static int may_approve(struct ops *o, const struct principal *by, const struct approval *a, struct neterr *e)
{
	yyjson_mut_doc *doc;
	bool all;

	if (strcmp(a->by.user, by->user) == 0)
		return neterr_set(e, NETERR_POLICY_DENIED, "access-denied", "who asked for the commit may not approve it");
	if (a->approved)
		return neterr_set(e, NETERR_POLICY_DENIED, "access-denied", "%s has approved it already", a->approver);
	doc = yyjson_mut_doc_new(NULL);
	all = yyjson_mut_arr_size(ops_readable_changes(o, by, &a->changes, true, doc)) == a->changes.n;
	yyjson_mut_doc_free(doc);
	return all ? 0
		   : neterr_set(e, NETERR_ACCESS_DENIED, "access-denied",
				"you may not read all of what you would approve");
}

static void record(struct ops *o, const struct ops_origin *from, const struct approval *a, bool approve, const char *comment)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *args = yyjson_mut_obj(doc);
	yyjson_doc *fixed;
	struct audit_entry entry = {.by = from->by,
				    .era = from->era,
				    .method = from->method,
				    .tool = from->tool,
				    .meta = from->meta,
				    .approval_required = true,
				    .approval_status = approve ? "approved" : "refused",
				    .approver = from->by->user,
				    .post_hash = store_hash(o->store),
				    .diff = &a->changes};

	yyjson_mut_obj_add_strcpy(doc, args, "id", a->id);
	yyjson_mut_obj_add_strcpy(doc, args, "requester", a->by.user);
	yyjson_mut_obj_add_bool(doc, args, "approve", approve);
	if (comment)
		yyjson_mut_obj_add_strcpy(doc, args, "comment", comment);
	yyjson_mut_doc_set_root(doc, args);
	fixed = yyjson_mut_doc_imut_copy(doc, NULL);
	entry.args = yyjson_doc_get_root(fixed);
	audit_add(o->audit, &entry);
	ops_arm(o);
	yyjson_doc_free(fixed);
	yyjson_mut_doc_free(doc);
}

int ops_approvals(struct ops *o, const struct ops_origin *from, const char *id, yyjson_mut_doc *doc, yyjson_mut_val **out,
		  struct neterr *e)
{
	int rc = ops_may(o, from, SCOPE_COMMIT, false, e);
	yyjson_mut_val *list;

	if (rc != 0)
		return rc;
	drop_old(o, clock_now());
	if (id && !find(o, id, e))
		return e->code;
	*out = yyjson_mut_obj(doc);
	list = json_add_arr(doc, *out, "approvals");
	list_each (it, &o->approvals) {
		const struct approval *a = container_of(it, struct approval, at);

		if (!id || strcmp(a->id, id) == 0)
			yyjson_mut_arr_append(list, shown(o, from->by, a, doc));
	}
	return 0;
}

int ops_approve(struct ops *o, const struct ops_origin *from, const char *id, bool approve, const char *comment,
		yyjson_mut_doc *doc, yyjson_mut_val **out, struct neterr *e)
{
	usec_t since = clock_now();
	int rc = ops_may(o, from, SCOPE_COMMIT, true, e);
	struct approval *a = NULL;
	yyjson_mut_val *list;

	drop_old(o, since);
	if (rc == 0) {
		a = find(o, id, e);
		rc = a ? may_approve(o, from->by, a, e) : (int)e->code;
	}
	if (rc != 0) {
		ops_record(o, from, NULL, NULL, e, since);
		return rc;
	}
	record(o, from, a, approve, comment);
	a->approved = approve;
	snprintf(a->approver, sizeof(a->approver), "%s", from->by->user);
	*out = yyjson_mut_obj(doc);
	list = json_add_arr(doc, *out, "approvals");
	yyjson_mut_arr_append(list, shown(o, from->by, a, doc));
	if (approve)
		a->ends = since + APPROVAL_US;
	else
		drop(o, a);
	return 0;
}
