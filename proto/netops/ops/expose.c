/* SPDX-License-Identifier: BSD-2-Clause */
/* Tools made of YANG (spec §2.3): rpc.<module>.<name> for each rpc of the rooms, and
 * yang.<module>.<path>.edit for each container or list that the configuration names in `expose`.
 * Their texts live here until the next update. */
#include "proto/netops/ops/face.h"
#include "proto/netops/ops/text.h"
#include "proto/netops/ops/uri.h"
#include "proto/netops/ops/yang_json.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define MAX_EXPOSED 256
#define MAX_NAME 128

struct exposed {
	struct face *f;
	char name[MAX_NAME + 1];
	char *title, *description, *input, *output;
	char *path; /* "/mod:rpc", or the data path of what is edited */
	bool edit;
};

/* What is too long keeps its begin, and 8 digits of its hash (spec §2.3). */
static void fit_name(char out[MAX_NAME + 1], const char *name)
{
	uint8_t sum[32] = {0};
	size_t n = strlen(name);
	char *p;

	if (n > MAX_NAME) {
		EVP_Q_digest(NULL, "SHA256", NULL, name, n, sum, NULL);
		snprintf(out, MAX_NAME + 1, "%.*s-%02x%02x%02x%02x", MAX_NAME - 9, name, sum[0],
			 sum[1], sum[2], sum[3]);
	} else {
		snprintf(out, MAX_NAME + 1, "%s", name);
	}
	for (p = out; *p; p++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-",
			    *p))
			*p = '_';
	}
}

static char *text_of(struct buf *b)
{
	char *text;

	buf_u8(b, '\0');
	text = b->failed ? NULL : strdup((const char *)b->p);
	buf_free(b);
	return text;
}

static char *first_line(const char *dsc, const char *otherwise)
{
	char text[400];
	struct buf b;
	size_t i;

	buf_fixed(&b, text, sizeof(text) - 1);
	for (i = 0; dsc && dsc[i] && b.n < 360; i++) {
		bool blank = dsc[i] == '\n' || dsc[i] == ' ' || dsc[i] == '\t';

		if (blank && (b.n == 0 || text[b.n - 1] == ' '))
			continue;
		buf_u8(&b, blank ? ' ' : (uint8_t)dsc[i]);
		if (dsc[i] == '.' && (dsc[i + 1] == '\n' || dsc[i + 1] == ' ' || !dsc[i + 1]))
			break;
	}
	text[b.n] = '\0';
	return strdup(b.n ? text : otherwise);
}

/* The rpc's output as its members, or the failure. */
static char *output_schema(struct face *f, const struct lysc_node *rpc)
{
	struct yang_json g = {.state = true, .terse = true};
	struct buf b;
	char *text;
	char *end;

	buf_init(&b, &f->alloc);
	yang_json_rpc_schema(&g, &b, rpc, true);
	yang_json_free(&g);
	text = text_of(&b);
	if (!text)
		return NULL;
	/* {"error": …} instead of it: both forms stand beside each other under "anyOf", and type
	 * stays "object". */
	buf_init(&b, &f->alloc);
	end = strstr(text, ",\"$defs\":");
	buf_printf(&b, "{\"type\":\"object\",\"anyOf\":[{");
	buf_bytes(&b, strstr(text, "\"type\""),
		  end ? (size_t)(end - strstr(text, "\"type\""))
		      : strlen(strstr(text, "\"type\"")) - 1);
	buf_printf(&b, "},{\"required\":[\"error\"]}]%s%s", end ? end : "", end ? "" : "}");
	free(text);
	return text_of(&b);
}

/* ---- rpc.* ---- */

static void call_rpc(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	struct exposed *x = ctx;
	struct call *c = call_new(x->f, r, "tools/call", x->name, args);

	if (!c)
		return;
	c->own =
		strdup(x->name); /* which is not x's any more, where the schema changes meanwhile */
	c->from.tool = c->own;
	ops_rpc(x->f->o, &c->from, x->path, args, call_result, c);
}

static int make_rpc(struct face *f, struct exposed *x, const struct lysc_node *rpc)
{
	struct yang_json g = {0};
	char name[512];
	char title[160];
	struct buf b;

	snprintf(name, sizeof(name), "rpc.%s.%s", rpc->module->name, rpc->name);
	fit_name(x->name, name);
	snprintf(title, sizeof(title), "%.60s of %.60s", rpc->name, rpc->module->name);
	snprintf(name, sizeof(name), "/%s:%s", rpc->module->name, rpc->name);
	x->f = f;
	x->title = strdup(title);
	x->description = first_line(rpc->dsc, title);
	x->path = strdup(name);
	buf_init(&b, &f->alloc);
	yang_json_rpc_schema(&g, &b, rpc, false);
	yang_json_free(&g);
	x->input = text_of(&b);
	x->output = output_schema(f, rpc);
	return x->title && x->description && x->path && x->input && x->output ? 0 : -ENOMEM;
}

/* ---- yang.*.edit ---- */

static void call_edit(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	static const char *const name[] = {"merge", "create", "replace", "delete"};
	static const int op[] = {EDIT_MERGE, EDIT_CREATE, EDIT_REPLACE, EDIT_DELETE};
	struct exposed *x = ctx;
	const char *given = arg_str(args, "operation");
	const char *key = arg_str(args, "key");
	struct call *c = call_new(x->f, r, "tools/call", x->name, args);
	struct store_edit edit = {.op = EDIT_MERGE, .value = yyjson_obj_get(args, "value")};
	yyjson_mut_doc *doc = NULL;
	struct neterr e = {0};
	char path[1024];
	unsigned i;

	if (!c)
		return;
	for (i = 0; given && i < 4; i++) {
		if (strcmp(given, name[i]) == 0)
			edit.op = op[i];
	}
	snprintf(path, sizeof(path), "%s%s%s", x->path, key ? "=" : "", key ? key : "");
	edit.path = path;
	if (ops_edit(x->f->o, &c->from, call_candidate(c, args), &edit, 1, &e) == 0) {
		doc = yyjson_mut_doc_new(NULL);
		yyjson_mut_doc_set_root(doc, yyjson_mut_obj(doc));
		yyjson_mut_obj_add_strcpy(doc, yyjson_mut_doc_get_root(doc), "candidate",
					  c->candidate);
		yyjson_mut_obj_add_uint(doc, yyjson_mut_doc_get_root(doc), "applied", 1);
		call_done(c, doc, yyjson_mut_doc_get_root(doc), NULL);
	} else {
		call_fail(c, &e);
	}
	yyjson_mut_doc_free(doc);
	neterr_clear(&e);
}

static char *edit_input(struct face *f, const struct lysc_node *node)
{
	struct yang_json g = {.partial = true};
	struct buf b;

	buf_init(&b, &f->alloc);
	buf_printf(&b, "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
	buf_printf(&b, "\"operation\":{\"type\":\"string\",\"enum\":[\"merge\",\"create\","
		       "\"replace\",\"delete\"],\"default\":\"merge\"},");
	if (node->nodetype == LYS_LIST)
		buf_printf(&b, "\"key\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":512,"
			       "\"description\":\"The entry that is meant: "
			       "values of its keys, percent-encoded, comma between them. Without "
			       "it value is an array of entries."
			       "\"},");
	buf_printf(&b, "\"candidate\":{\"type\":\"string\",\"maxLength\":64},\"value\":");
	if (node->nodetype == LYS_LIST) {
		buf_printf(&b, "{\"anyOf\":[");
		yang_json_entry(&g, &b, node);
		buf_u8(&b, ',');
		yang_json_value(&g, &b, node);
		buf_printf(&b, "]}");
	} else {
		yang_json_value(&g, &b, node);
	}
	buf_printf(&b, "}");
	if (g.n_def) {
		buf_u8(&b, ',');
		yang_json_defs(&g, &b);
	}
	buf_u8(&b, '}');
	yang_json_free(&g);
	return text_of(&b);
}

static int make_edit(struct face *f, struct exposed *x, const struct lysc_node *node,
		     const char *path)
{
	char name[1024];
	char title[160];
	struct buf b;
	const char *p;

	/* yang.<module>.<node-path-with-dots>.edit */
	buf_fixed(&b, name, sizeof(name) - 1);
	buf_printf(&b, "yang.");
	for (p = path + (*path == '/'); *p; p++)
		buf_u8(&b, *p == '/' || *p == ':' ? '.' : (uint8_t)*p);
	buf_printf(&b, ".edit");
	name[b.n] = '\0';
	fit_name(x->name, name);
	snprintf(title, sizeof(title), "Edit %.130s", path);
	x->f = f;
	x->edit = true;
	x->title = strdup(title);
	x->description = first_line(node->dsc, title);
	x->path = strdup(path);
	x->input = edit_input(f, node);
	x->output = strdup(face_out_edit);
	return x->title && x->description && x->path && x->input && x->output ? 0 : -ENOMEM;
}

/* ---- All ---- */

static bool rpc_allowed(void *ctx, const struct mcp_tool *tool, const struct principal *p)
{
	struct exposed *x = ctx;
	const struct lysc_node *rpc =
		lys_find_path(schema_ctx(ops_schema(x->f->o)), NULL, x->path, 0);

	return rpc && nacm_exec(ops_nacm(x->f->o), p, rpc->module->name, rpc->name);
}

static bool edit_allowed(void *ctx, const struct mcp_tool *tool, const struct principal *p)
{
	struct exposed *x = ctx;
	const struct lysc_node *node = uri_schema_node(schema_ctx(ops_schema(x->f->o)), x->path);

	return node && nacm_schema(ops_nacm(x->f->o), p, NACM_READ, node);
}

static int add(struct face *f, struct exposed *x, struct err *err)
{
	const struct mcp_tool t = {
		.name = x->name,
		.title = x->title,
		.description = x->description,
		.input = x->input,
		.output = x->output,
		.destructive = true,
		.scope = x->edit				       ? SCOPE_EDIT
			 : strcmp(x->path + 1, POLICY_SET_LEVEL) == 0 ? SCOPE_ADMIN
								      : SCOPE_DIAGNOSE,
		.allowed = x->edit ? edit_allowed : rpc_allowed,
		.call = x->edit ? call_edit : call_rpc,
		.ctx = x,
	};

	return mcp_tool_add(f->m, &t, err);
}

static void drop(struct exposed *x)
{
	free(x->title);
	free(x->description);
	free(x->input);
	free(x->output);
	free(x->path);
}

void expose_free(struct face *f)
{
	size_t i;

	for (i = 0; i < f->n_exposed; i++) {
		mcp_tool_remove(f->m, f->exposed[i].name);
		drop(&f->exposed[i]);
	}
	free(f->exposed);
	f->exposed = NULL;
	f->n_exposed = 0;
}

/* Rpcs that belong to a room and are for people: those of its plan steps are for netops alone. */
static bool for_clients(struct face *f, const struct lysc_node *rpc)
{
	const char *room = schema_room(ops_schema(f->o), rpc);

	/* Of netops' own modules only what ops_rpc() carries out. */
	if (room && !room[0])
		return strcmp(rpc->module->name, "depanneur-netops") == 0;
	return room && !(strcmp(rpc->module->name, "depanneur-sys") == 0 &&
		 strcmp(rpc->name, "apply") == 0);
}

static int add_rpcs(struct face *f, struct err *err)
{
	const struct ly_ctx *ly = schema_ctx(ops_schema(f->o));
	const struct lys_module *mod;
	uint32_t i = 0;
	int rc = 0;

	while (rc == 0 && (mod = ly_ctx_get_module_iter(ly, &i))) {
		const struct lysc_node *rpc = NULL;

		if (!mod->implemented || !mod->compiled)
			continue;
		for (rpc = (const struct lysc_node *)mod->compiled->rpcs; rpc && rc == 0;
		     rpc = rpc->next) {
			if (!for_clients(f, rpc) || f->n_exposed == MAX_EXPOSED)
				continue;
			rc = make_rpc(f, &f->exposed[f->n_exposed++], rpc);
			if (rc == 0)
				rc = add(f, &f->exposed[f->n_exposed - 1], err);
		}
	}
	return rc;
}

struct exposing {
	struct face *f;
	struct err *err;
};

static int add_edits(void *ctx, const struct lyd_node *tree)
{
	struct exposing *k = ctx;
	struct face *f = k->f;
	struct ly_set *set = NULL;
	uint32_t i;
	int rc = 0;

	if (!tree || lyd_find_xpath(tree, "/depanneur-netops:netops/expose", &set) != LY_SUCCESS)
		return 0;
	for (i = 0; i < set->count && rc == 0 && f->n_exposed < MAX_EXPOSED; i++) {
		const char *path = lyd_get_value(set->dnodes[i]);
		const struct lysc_node *node =
			path ? uri_schema_node(schema_ctx(ops_schema(f->o)), path) : NULL;

		if (!node || !(node->nodetype & (LYS_CONTAINER | LYS_LIST)) ||
		    node->flags & LYS_CONFIG_R)
			continue;
		rc = make_edit(f, &f->exposed[f->n_exposed++], node, path);
		if (rc == 0)
			rc = add(f, &f->exposed[f->n_exposed - 1], k->err);
	}
	ly_set_free(set, NULL);
	return rc;
}

int expose_update(struct face *f, struct err *err)
{
	struct exposing k = {f, err};
	int rc;

	expose_free(f);
	f->exposed = calloc(MAX_EXPOSED, sizeof(*f->exposed));
	if (!f->exposed)
		return err_set(err, -ENOMEM, "no memory");
	rc = add_rpcs(f, err);
	return rc ? rc : store_view(ops_store(f->o), NULL, add_edits, &k);
}
