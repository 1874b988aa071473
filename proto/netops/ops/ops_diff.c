/* SPDX-License-Identifier: BSD-2-Clause */
/* Differences as they are shown: without what the reader may not read, and without secrets. */
#include "proto/netops/ops/ops_reach.h"
#include "proto/netops/ops/ops_priv.h"
#include "proto/netops/store/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	struct ops *o;
	const struct principal *by;
	const struct changes *c;
	bool *known; /* was found in a tree, and judged */
	bool *hidden;
};

/* Judges each change by the node itself, where the tree has it. */
static int judge_in(void *ctx, const struct lyd_node *tree)
{
	struct reader *r = ctx;
	size_t i;

	for (i = 0; i < r->c->n; i++) {
		struct lyd_node *node;
		struct path p;
		size_t depth;

		if (r->known[i])
			continue;
		if (path_parse(schema_ctx(r->o->schema), r->c->at[i].path, &p, NULL) == 0) {
			node = tree ? path_find((struct lyd_node *)tree, &p, &depth) : NULL;
			if (node && depth == p.n) {
				r->known[i] = true;
				r->hidden[i] = !nacm_data(r->o->nacm, r->by, NACM_READ, node);
			} else if (p.n) {
				r->hidden[i] = !nacm_schema(r->o->nacm, r->by, NACM_READ, p.step[p.n - 1].node);
			}
		}
		path_free(&p);
	}
	return 0;
}

yyjson_mut_val *ops_readable_changes(struct ops *o, const struct principal *by, const struct changes *c, bool staged,
				     yyjson_mut_doc *doc)
{
	struct reader r = {.o = o, .by = by, .c = c};
	yyjson_mut_val *all = changes_json(c, doc);
	yyjson_mut_val *out = yyjson_mut_arr(doc);
	yyjson_mut_val *v;
	size_t i;
	size_t n;

	r.known = calloc(c->n + 1, sizeof(*r.known));
	r.hidden = calloc(c->n + 1, sizeof(*r.hidden));
	if (!all || !out || !r.known || !r.hidden) {
		free(r.known);
		free(r.hidden);
		return NULL;
	}
	if (by->recovery) {
		free(r.known);
		free(r.hidden);
		return all;
	}
	store_view(o->store, NULL, judge_in, &r);
	if (staged)
		store_view(o->store, c, judge_in, &r);
	yyjson_mut_arr_foreach(all, i, n, v)
	{
		if (!r.hidden[i])
			yyjson_mut_arr_append(out, yyjson_mut_val_mut_copy(doc, v));
	}
	free(r.known);
	free(r.hidden);
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
				       store_conflicts(o->store, candidate ? candidate : "", doc));
	yyjson_mut_obj_add_uint(doc, obj, "interfaces", reach.n_interfaces);
	yyjson_mut_obj_add_uint(doc, obj, "routes", reach.n_routes);
	yyjson_mut_obj_add_strcpy(doc, obj, "runningHash", store_hash(o->store));
	*out = obj;
	changes_free(&c);
	return 0;
}
