/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole configurations: network.file.pull and push (spec §2.1). */
#include "proto/netops/ops/ops_priv.h"
#include "proto/netops/ops/ops_reach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int file_datastore(const char *filename, enum datastore *ds, struct neterr *e)
{
	if (filename && strcmp(filename, "running-config") == 0)
		*ds = DS_RUNNING;
	else if (filename && strcmp(filename, "startup-config") == 0)
		*ds = DS_STARTUP;
	else if (filename && strcmp(filename, "candidate-config") == 0)
		*ds = DS_CANDIDATE;
	else
		return neterr_set(e, NETERR_INVALID, "invalid-value",
				  "there is no file of that name: running-config, startup-config, candidate-config");
	return 0;
}

/* What p may read, in libyang's other encoding: by way of JSON, so that NACM is asked in one place. */
static int to_xml(struct ops *o, struct slice json, struct buf *out, struct neterr *e)
{
	const struct ly_ctx *ctx = schema_ctx(o->schema);
	struct lyd_node *tree = NULL;
	char *text = strndup((const char *)json.p, json.n);
	char *xml = NULL;
	int rc = 0;

	if (!text || lyd_parse_data_mem(ctx, text, LYD_JSON, LYD_PARSE_ONLY, 0, &tree) != LY_SUCCESS ||
	    lyd_print_mem(&xml, tree, LYD_XML, LYD_PRINT_WITHSIBLINGS) != LY_SUCCESS)
		rc = neterr_set(e, NETERR_INTERNAL, "operation-failed", "cannot write the configuration as XML");
	else if (xml)
		buf_bytes(out, xml, strlen(xml));
	free(xml);
	free(text);
	lyd_free_all(tree);
	return rc;
}

int ops_file_pull(struct ops *o, const struct ops_origin *from, const char *filename, const char *format,
		  const char *candidate, struct buf *out, struct neterr *e)
{
	const struct store_query all = {.path = "/", .config_only = true};
	enum datastore ds = DS_RUNNING;
	struct alloc a;
	struct buf json;
	int rc;

	rc = ops_may(o, from, SCOPE_READ, false, e);
	if (rc == 0)
		rc = file_datastore(filename, &ds, e);
	if (rc != 0)
		return rc;
	if (!format || strcmp(format, "text") == 0)
		return store_print_text(o->store, ds, candidate, from->by, out, e);
	if (strcmp(format, "json") == 0)
		return store_get(o->store, ds, candidate, from->by, &all, out, e);
	if (strcmp(format, "xml") != 0)
		return neterr_set(e, NETERR_INVALID, "invalid-value", "format is text, xml or json");
	alloc_init(&a, 0);
	buf_init(&json, &a);
	rc = store_get(o->store, ds, candidate, from->by, &all, &json, e);
	if (rc == 0)
		rc = to_xml(o, buf_slice(&json), out, e);
	buf_free(&json);
	return rc;
}

/* Content in any of the formats as RFC 7951 text; free(3). Text is what running's own text form is: curly braces cannot be read
 * back, so text that is pushed is JSON. */
static char *to_json(struct ops *o, const char *format, struct slice content, struct neterr *e)
{
	const struct ly_ctx *ctx = schema_ctx(o->schema);
	struct lyd_node *tree = NULL;
	char *text = strndup((const char *)content.p, content.n);
	char *json = NULL;

	if (!text) {
		neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
		return NULL;
	}
	if (!format || strcmp(format, "xml") != 0)
		return text;
	if (lyd_parse_data_mem(ctx, text, LYD_XML, LYD_PARSE_ONLY | LYD_PARSE_STRICT, 0, &tree) != LY_SUCCESS ||
	    lyd_print_mem(&json, tree, LYD_JSON, LYD_PRINT_WITHSIBLINGS) != LY_SUCCESS) {
		const struct ly_err_item *item = ly_err_last(ctx);

		neterr_set(e, NETERR_CONFIG_INCOMPATIBLE, "malformed-message", "%s", item ? item->msg : "not XML");
	}
	free(text);
	lyd_free_all(tree);
	return json;
}

/* The candidate becomes what the text says: a replacement of its root. */
static int push_candidate(struct ops *o, const struct ops_origin *from, const char *candidate, const char *json,
			  bool validate, struct neterr *e)
{
	struct err err = {0};
	yyjson_doc *doc = json_parse(json, strlen(json), 16u << 20, NULL, &err);
	const struct store_edit edit = {
		.op = EDIT_REPLACE, .path = "/", .value = yyjson_doc_get_root(doc)};
	struct changes c = {0};
	int rc;

	if (!doc) {
		neterr_set(e, NETERR_CONFIG_INCOMPATIBLE, "malformed-message", "%s", err.what);
		e->err = err;
		return NETERR_CONFIG_INCOMPATIBLE;
	}
	rc = store_edit(o->store, candidate, from->by, &edit, 1, clock_now(), e);
	yyjson_doc_free(doc);
	if (rc == 0 && validate)
		rc = store_candidate(o->store, candidate, from->by, &c, e);
	if (rc == 0 && validate)
		rc = store_check(o->store, &c, e);
	changes_free(&c);
	return rc;
}

/* Startup is what the node will be: who writes it must be permitted what it changes, and policy asked as for a commit. Reckoned
 * from running, in a candidate of its own. */
static int may_push_startup(struct ops *o, const struct ops_origin *from, const char *json, struct neterr *e)
{
	static const char handle[] = "startup-push";
	struct changes c = {0};
	struct reach reach;
	int rc;

	if (from->by->recovery)
		return 0;
	store_discard(o->store, handle, from->by);
	rc = push_candidate(o, from, handle, json, false, e);
	if (rc == 0)
		rc = store_candidate(o->store, handle, from->by, &c, e);
	store_discard(o->store, handle, from->by);
	if (rc == 0 && c.n) {
		reach_of(&c, NULL, NULL, &reach);
		rc = policy_commit(o->policy, from->by, &c, reach.n_interfaces, reach.n_routes, false, 0, false, NULL, e);
	}
	changes_free(&c);
	return rc;
}

int ops_file_push(struct ops *o, const struct ops_origin *from, const char *filename, const char *format,
		  const char *candidate, struct slice content, bool validate, struct neterr *e)
{
	enum datastore ds = DS_RUNNING;
	usec_t since = clock_now();
	char *json;
	int rc;

	rc = ops_may(o, from, SCOPE_EDIT, true, e);
	if (rc == 0)
		rc = file_datastore(filename, &ds, e);
	if (rc == 0 && ds == DS_RUNNING)
		rc = neterr_set(e, NETERR_INVALID, "invalid-value",
				"running-config is changed by candidate-config and network.commit only");
	if (rc == 0 && ds == DS_STARTUP)
		rc = ops_may(o, from, SCOPE_COMMIT, true, e);
	if (rc != 0)
		return rc;
	json = to_json(o, format, content, e);
	if (!json)
		return e->code;
	if (ds == DS_CANDIDATE)
		rc = push_candidate(o, from, candidate ? candidate : "", json, validate, e);
	else
		rc = may_push_startup(o, from, json, e);
	if (ds == DS_STARTUP && rc == 0)
		rc = ops_startup_set(o, json, e);
	free(json);
	if (rc != 0)
		store_hide(o->store, from->by, e);
	if (ds == DS_STARTUP)
		ops_record(o, from, store_hash(o->store), NULL, rc == 0 ? NULL : e, since);
	return rc;
}
