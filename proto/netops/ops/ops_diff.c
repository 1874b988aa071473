/* SPDX-License-Identifier: BSD-2-Clause */
/* Differences as they are shown: without what the reader may not read, and without secrets. */
#include "proto/netops/ops/ops_reach.h"
#include "proto/netops/ops/ops_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

yyjson_mut_val *ops_readable_changes(struct ops *o, const struct principal *by, const struct changes *c, bool staged,
				     yyjson_mut_doc *doc)
{
	yyjson_mut_val *all = changes_json(c, doc);
	yyjson_mut_val *out = yyjson_mut_arr(doc);
	bool *hidden = calloc(c->n + 1, sizeof(*hidden));
	yyjson_mut_val *v;
	size_t i;
	size_t n;

	if (!all || !out || !hidden || store_judge(o->store, by, c, false, staged, hidden) != 0) {
		free(hidden);
		return NULL;
	}
	yyjson_mut_arr_foreach(all, i, n, v)
	{
		if (!hidden[i])
			yyjson_mut_arr_append(out, yyjson_mut_val_mut_copy(doc, v));
	}
	free(hidden);
	return out;
}

static int find_changes(struct ops *o, const struct ops_origin *from, const char *candidate, const char *commit_id,
			struct changes *out, struct neterr *e)
{
	const struct changes *of;

	if (!commit_id)
		return store_candidate(o->store, candidate ? candidate : "", from->by, out, e);
	of = txn_commit_changes(o->txn, commit_id);
	if (!of)
		return neterr_set(e, NETERR_TRANSACTION_UNKNOWN, "data-missing",
				  "there is no commit %.32s among the last %d", commit_id, TXN_RING);
	return changes_copy(of, out) == 0 ? 0 : neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
}

int ops_diff(struct ops *o, const struct ops_origin *from, const char *candidate, const char *commit_id,
	     yyjson_mut_doc *doc, yyjson_mut_val **out, struct neterr *e)
{
	struct changes c = {0};
	yyjson_mut_val *obj;
	struct reach reach;
	int rc = ops_may(o, from, SCOPE_READ, false, e);

	if (rc == 0)
		rc = find_changes(o, from, candidate, commit_id, &c, e);
	if (rc != 0)
		return rc;
	reach_of(&c, NULL, NULL, &reach);
	obj = yyjson_mut_obj(doc);
	yyjson_mut_obj_add_val(doc, obj, "diff", ops_readable_changes(o, from->by, &c, !commit_id, doc));
	if (!commit_id)
		yyjson_mut_obj_add_val(doc, obj, "conflicts",
				       store_conflicts(o->store, candidate ? candidate : "", from->by, doc));
	yyjson_mut_obj_add_uint(doc, obj, "interfaces", reach.n_interfaces);
	yyjson_mut_obj_add_uint(doc, obj, "routes", reach.n_routes);
	yyjson_mut_obj_add_strcpy(doc, obj, "runningHash", store_hash(o->store));
	*out = obj;
	changes_free(&c);
	return 0;
}
