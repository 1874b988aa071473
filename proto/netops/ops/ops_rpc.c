/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations that the rooms' modules define: input checked against the module, access asked of NACM, the room called. */
#include "proto/netops/ops/ops_priv.h"

#include <stdlib.h>
#include <string.h>

#define RPC_TIMEOUT_MS 30000

struct rpc {
	struct ops *o;
	struct principal by;
	struct ops_origin from;
	usec_t since;
	ops_result_f *f;
	void *ctx;
};

static void answered(void *ctx, yyjson_val *output, struct neterr *e)
{
	struct rpc *r = ctx;
	yyjson_mut_doc *doc = e ? NULL : yyjson_mut_doc_new(NULL);
	yyjson_mut_val *val = NULL;

	if (doc)
		val = output ? yyjson_val_mut_copy(doc, output) : yyjson_mut_obj(doc);
	ops_record(r->o, &r->from, store_hash(r->o->store), NULL, e, r->since);
	r->f(r->ctx, doc, val, e);
	yyjson_mut_doc_free(doc);
	free(r);
}

/* The input as a document to send, if it fits the module. */
static yyjson_mut_doc *checked_input(struct ops *o, const struct lysc_node *rpc, yyjson_val *input,
				     struct neterr *e)
{
	const struct ly_ctx *ctx = schema_ctx(o->schema);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	char name[160];
	struct lyd_node *op = NULL;
	struct ly_in *in = NULL;
	char *text;
	LY_ERR rc;

	snprintf(name, sizeof(name), "%s:%s", rpc->module->name, rpc->name);
	yyjson_mut_obj_add(root, yyjson_mut_strcpy(doc, name),
			   input ? yyjson_val_mut_copy(doc, input) : yyjson_mut_obj(doc));
	yyjson_mut_doc_set_root(doc, root);
	text = yyjson_mut_write(doc, 0, NULL);
	rc = text ? ly_in_new_memory(text, &in) : LY_EMEM;
	if (rc == LY_SUCCESS)
		rc = lyd_parse_op(ctx, NULL, in, LYD_JSON, LYD_TYPE_RPC_YANG, &op, NULL);
	if (rc == LY_SUCCESS)
		rc = lyd_validate_op(op, NULL, LYD_TYPE_RPC_YANG, NULL);
	ly_in_free(in, 0);
	free(text);
	lyd_free_all(op);
	if (rc == LY_SUCCESS)
		return doc;
	neterr_set(e, NETERR_CONFIG_INCOMPATIBLE, "invalid-value", "%s",
		   ly_err_last(ctx) ? ly_err_last(ctx)->msg : "the input does not fit the module");
	yyjson_mut_doc_free(doc);
	return NULL;
}

static int find_rpc(struct ops *o, const struct ops_origin *from, const char *path,
		    const struct lysc_node **out, struct neterr *e)
{
	const struct lysc_node *node = lys_find_path(schema_ctx(o->schema), NULL, path, 0);

	if (!node || node->nodetype != LYS_RPC)
		return neterr_set(e, NETERR_INVALID, "invalid-value", "there is no operation %.96s", path);
	if (!nacm_exec(o->nacm, from->by, node->module->name, node->name))
		return neterr_set(e, NETERR_ACCESS_DENIED, "access-denied",
				  "access control does not permit %s to %s", path, from->by->user);
	*out = node;
	return 0;
}

/* Operations that change nothing: they are served at level read-only as well. */
static bool only_reads(const char *rpc)
{
	static const char *const names[] = {"/depanneur-sys:log", "/depanneur-sys:probe", "/depanneur-sys:features",
					    "/kira:trace"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(rpc, names[i]) == 0)
			return true;
	}
	return false;
}

/* Those of module depanneur-netops are carried out here. */
static void own_rpc(struct ops *o, const struct ops_origin *from, yyjson_val *input, ops_result_f *f, void *ctx)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *out = yyjson_mut_obj(doc);
	usec_t since = clock_now();
	enum degradation level;
	struct neterr e = {0};

	if (!out || degradation_parse(yyjson_get_str(yyjson_obj_get(input, "level")), &level) != 0) {
		neterr_set(&e, NETERR_INVALID, "invalid-value", "there is no such level");
	} else {
		policy_set_level(o->policy, level);
		yyjson_mut_obj_add_str(doc, out, "level", degradation_name(policy_level(o->policy)));
		ops_tell_changed(o, DS_OPERATIONAL, "/depanneur-netops:netops/state");
	}
	ops_record(o, from, store_hash(o->store), NULL, e.code ? &e : NULL, since);
	f(ctx, e.code ? NULL : doc, e.code ? NULL : out, e.code ? &e : NULL);
	neterr_clear(&e);
	yyjson_mut_doc_free(doc);
}

/* set-level has its own name for the policy, which never refuses it because of the level. */
static bool sets_level(const char *rpc)
{
	return rpc[0] == '/' && strcmp(rpc + 1, POLICY_SET_LEVEL) == 0;
}

static int may_call(struct ops *o, const struct ops_origin *from, const char *rpc, struct neterr *e)
{
	struct ops_origin own = *from;

	if (!sets_level(rpc))
		return ops_may(o, from, SCOPE_DIAGNOSE, !only_reads(rpc), e);
	own.tool = POLICY_SET_LEVEL;
	return ops_may(o, &own, SCOPE_ADMIN, true, e);
}

void ops_rpc(struct ops *o, const struct ops_origin *from, const char *rpc, yyjson_val *input,
	     ops_result_f *f, void *ctx)
{
	const struct lysc_node *node = NULL;
	yyjson_mut_doc *doc = NULL;
	struct neterr e = {0};
	struct rpc *r;
	int rc = may_call(o, from, rpc, &e);

	if (rc == 0)
		rc = find_rpc(o, from, rpc, &node, &e);
	if (rc == 0)
		doc = checked_input(o, node, input, &e);
	if (doc && sets_level(rpc)) {
		yyjson_mut_doc_free(doc);
		own_rpc(o, from, input, f, ctx);
		return;
	}
	r = doc ? calloc(1, sizeof(*r)) : NULL;
	if (!r) {
		if (e.code == NETERR_NONE)
			neterr_set(&e, NETERR_INTERNAL, "resource-denied", "no memory");
		ops_record(o, from, store_hash(o->store), NULL, &e, clock_now());
		f(ctx, NULL, NULL, &e);
		neterr_clear(&e);
		yyjson_mut_doc_free(doc);
		return;
	}
	*r = (struct rpc){.o = o, .by = *from->by, .from = *from, .since = clock_now(), .f = f, .ctx = ctx};
	r->from.by = &r->by;
	r->from.args = NULL;
	r->from.meta = NULL;
	r->from.approver = NULL;
	rooms_call(o->rooms, schema_room(o->schema, node), node->name, doc, yyjson_mut_doc_get_root(doc),
		   RPC_TIMEOUT_MS, answered, r);
	yyjson_mut_doc_free(doc);
}
