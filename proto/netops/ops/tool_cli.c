/* SPDX-License-Identifier: BSD-2-Clause */
/* network.cli.exec and network.cli.configure: lines of a fixed grammar become calls of ops.h. */
#include "proto/netops/ops/cli.h"
#include "proto/netops/ops/cli_table.h"
#include "proto/netops/ops/cli_value.h"
#include "proto/netops/ops/face.h"
#include "proto/netops/ops/text.h"
#include "proto/netops/ops/uri.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- network.cli.exec ---- */

/* What is on its way for a command. */
struct exec {
	struct cli cli;
	char path[512];
};

static void answer_text(struct call *c, const struct buf *text)
{
	struct face *f = c->f;
	struct buf out;

	buf_init(&out, &f->alloc);
	TEXT_JSON_LIT(&out, "{\"output\":");
	text_json(&out, (const char *)text->p, text->n);
	buf_u8(&out, '}');
	call_text(c, buf_slice(&out), NULL);
	buf_free(&out);
}

static void got_json(void *ctx, struct slice json, struct neterr *e)
{
	struct call *c = ctx;
	struct exec *x = c->own;
	struct face *f = c->f;
	yyjson_doc *doc = NULL;
	struct buf out;

	if (e && e->code != NETERR_NOT_FOUND) {
		call_fail(c, e);
		return;
	}
	if (!e)
		doc = yyjson_read((const char *)json.p, json.n, 0);
	buf_init(&out, &f->alloc);
	if (x->cli.what == CLI_SHOW_INTERFACES) {
		table_interfaces(&out, yyjson_doc_get_root(doc));
	} else if (x->cli.what == CLI_SHOW_ARP) {
		table_neighbours(&out, yyjson_doc_get_root(doc), x->cli.a);
	} else if (x->cli.what == CLI_SHOW_ROUTE) {
		table_routes(&out, yyjson_doc_get_root(doc), x->cli.a);
	} else {
		size_t n = 0;
		char *text = doc ? yyjson_write(doc, YYJSON_WRITE_PRETTY_TWO_SPACES, &n) : NULL;

		text_plain(&out, text ? text : "", n, 1 << 20, false);
		free(text);
	}
	answer_text(c, &out);
	buf_free(&out);
	yyjson_doc_free(doc);
}

static void get(struct call *c, enum datastore ds, const char *path)
{
	const struct store_query q = {.path = path};

	ops_get(c->f->o, &c->from, ds, ds == DS_CANDIDATE ? c->candidate : NULL, &q, got_json, c);
}

static void show_configuration(struct call *c, struct exec *x)
{
	static const char *const file[] = {"running-config", "candidate-config", "startup-config"};
	enum datastore ds = DS_RUNNING;
	struct neterr e = {0};
	struct face *f = c->f;
	struct buf out;

	if (x->cli.a)
		datastore_parse(x->cli.a, &ds);
	if (ds == DS_CANDIDATE)
		call_touch(c);
	if (x->cli.b) {
		get(c, ds, x->cli.b);
		return;
	}
	buf_init(&out, &f->alloc);
	if (ops_file_pull(f->o, &c->from, file[ds], "text", c->candidate, &out, &e) == 0)
		answer_text(c, &out);
	else
		call_fail(c, &e);
	buf_free(&out);
	neterr_clear(&e);
}

static void got_route(void *ctx, yyjson_mut_doc *doc, yyjson_mut_val *val, struct neterr *e)
{
	struct call *c = ctx;
	yyjson_mut_val *route = yyjson_mut_obj_get(val, "route");
	struct face *f = c->f;
	struct buf out;
	yyjson_mut_val *k;
	size_t max;
	size_t i;
	yyjson_mut_val *v;

	if (e) {
		call_fail(c, e);
		return;
	}
	buf_init(&out, &f->alloc);
	yyjson_mut_obj_foreach(route, i, max, k, v)
	{
		char *text = yyjson_mut_is_str(v) ? NULL : yyjson_mut_val_write(v, 0, NULL);
		const char *s = text ? text : yyjson_mut_get_str(v);

		buf_bytes(&out, yyjson_mut_get_str(k), yyjson_mut_get_len(k));
		buf_printf(&out, ": ");
		text_plain(&out, s ? s : "", s ? strlen(s) : 0, 1024, true);
		buf_u8(&out, '\n');
		free(text);
	}
	answer_text(c, &out);
	buf_free(&out);
}

/* Which route the kernel would take. */
static void look_up(struct call *c, const char *address)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *input = yyjson_mut_obj(doc);
	yyjson_mut_val *route = json_add_obj(doc, input, "route");
	yyjson_doc *in;

	yyjson_mut_obj_add_strcpy(doc, route, "to", address);
	yyjson_mut_doc_set_root(doc, input);
	in = yyjson_mut_doc_imut_copy(doc, NULL);
	ops_rpc(c->f->o, &c->from, "/depanneur-sys:probe", yyjson_doc_get_root(in), got_route, c);
	yyjson_doc_free(in);
	yyjson_mut_doc_free(doc);
}

static void got_log(void *ctx, yyjson_mut_doc *doc, yyjson_mut_val *val, struct neterr *e)
{
	struct call *c = ctx;
	struct face *f = c->f;
	struct buf out;

	if (e) {
		call_fail(c, e);
		return;
	}
	buf_init(&out, &f->alloc);
	face_log_lines(&out, val);
	answer_text(c, &out);
	buf_free(&out);
}

static void show_log(struct call *c, unsigned count)
{
	char text[48];
	int n = snprintf(text, sizeof(text), "{\"count\":%u}", count);
	yyjson_doc *in = yyjson_read(text, (size_t)n, 0);

	ops_rpc(c->f->o, &c->from, face_log_rpc, yyjson_doc_get_root(in), got_log, c);
	yyjson_doc_free(in);
}

static void show_past(struct call *c, struct exec *x)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *val = NULL;
	struct face *f = c->f;
	struct neterr e = {0};
	struct buf out;
	int rc = 0;

	buf_init(&out, &f->alloc);
	if (x->cli.what == CLI_SHOW_HISTORY) {
		rc = ops_may(f->o, &c->from, SCOPE_READ, false, &e);
		table_history(&out, txn_history(ops_txn(f->o), doc));
	} else {
		if (!x->cli.a)
			call_touch(c);
		rc = ops_diff(f->o, &c->from, c->candidate, x->cli.a, doc, &val, &e);
		table_diff(&out, yyjson_mut_obj_get(val, "diff"));
	}
	if (rc)
		call_fail(c, &e);
	else
		answer_text(c, &out);
	neterr_clear(&e);
	buf_free(&out);
	yyjson_mut_doc_free(doc);
}

static void run(struct call *c, struct exec *x)
{
	struct buf path;

	switch (x->cli.what) {
	case CLI_SHOW_CONFIGURATION:
		show_configuration(c, x);
		break;
	case CLI_SHOW_INTERFACES:
		buf_fixed(&path, x->path, sizeof(x->path) - 1);
		buf_printf(&path, "ietf-interfaces:interfaces%s", x->cli.a ? "/interface=" : "");
		uri_encode(&path, x->cli.a ? x->cli.a : "");
		get(c, DS_OPERATIONAL, x->path);
		break;
	case CLI_SHOW_ARP:
		get(c, DS_OPERATIONAL, "ietf-interfaces:interfaces");
		break;
	case CLI_SHOW_ROUTE:
		if (x->cli.b)
			look_up(c, x->cli.b);
		else
			get(c, DS_OPERATIONAL, "ietf-routing:routing/ribs");
		break;
	case CLI_SHOW_SYSTEM:
		get(c, DS_OPERATIONAL, "depanneur-sys:system-resources");
		break;
	case CLI_SHOW_LOG:
		show_log(c, x->cli.count);
		break;
	default:
		show_past(c, x);
	}
}

void tool_cli_exec(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	struct call *c = call_new(ctx, r, "tools/call", "network.cli.exec", args);
	yyjson_val *cmd = yyjson_obj_get(args, "cmd");
	struct neterr e = {0};
	struct err err = {0};
	struct exec *x;
	int rc;

	if (!c)
		return;
	call_candidate(c, NULL);
	x = calloc(1, sizeof(*x));
	c->own = x;
	rc = x ? cli_exec(&x->cli, yyjson_get_str(cmd), yyjson_get_len(cmd), &err) : -ENOMEM;
	if (rc == 0) {
		call_limit(c, (unsigned)arg_uint(args, "timeout", 30));
		run(c, x);
		return;
	}
	if (rc == -EPERM)
		neterr_set(&e, NETERR_POLICY_DENIED, "operation-not-supported", "%s", err.what);
	else
		neterr_set(&e, NETERR_CONFIG_INCOMPATIBLE, "invalid-value", "%s", err.what);
	err_mend(&e.err, "%s", err.mend);
	call_fail(c, &e);
	neterr_clear(&e);
}

/* ---- network.cli.configure ---- */

struct staging {
	struct store_edit *edit;
	struct cli *line;
	size_t n;
	yyjson_mut_doc *doc; /* of values; read from its copy */
	yyjson_doc *values;
};

static void staging_free(struct staging *s)
{
	free(s->edit);
	free(s->line);
	yyjson_mut_doc_free(s->doc);
	yyjson_doc_free(s->values);
}

static int read_line(struct face *f, struct cli *line, yyjson_val *v, yyjson_mut_doc *doc,
		     yyjson_mut_val *values, struct store_edit *edit, struct neterr *e)
{
	const struct lysc_node *node;
	yyjson_mut_val *value;
	struct err err = {0};

	if (cli_configure(line, yyjson_get_str(v), yyjson_get_len(v), &err) != 0) {
		neterr_set(e, NETERR_CONFIG_INCOMPATIBLE, "invalid-value", "%s", err.what);
		err_mend(&e->err, "%s", err.mend);
		return e->code;
	}
	edit->path = line->a;
	edit->op = line->what == CLI_DELETE ? EDIT_DELETE : EDIT_MERGE;
	if (line->what == CLI_DELETE) {
		yyjson_mut_arr_add_null(doc, values);
		return 0;
	}
	node = uri_schema_node(schema_ctx(ops_schema(f->o)), line->a);
	value = node ? cli_value(doc, node, line->b) : NULL;
	if (!value)
		return neterr_set(
			e, NETERR_CONFIG_INCOMPATIBLE, node ? "invalid-value" : "unknown-element",
			node ? "set needs a value for %.150s" : "the schema has no %.150s",
			line->a);
	yyjson_mut_arr_append(values, value);
	return 0;
}

static int read_lines(struct face *f, yyjson_val *commands, struct staging *s, struct neterr *e)
{
	yyjson_mut_val *values;
	size_t max;
	size_t i;
	yyjson_val *v;
	int rc = 0;

	s->n = yyjson_arr_size(commands);
	s->edit = calloc(s->n, sizeof(*s->edit));
	s->line = calloc(s->n, sizeof(*s->line));
	s->doc = yyjson_mut_doc_new(NULL);
	values = yyjson_mut_arr(s->doc);
	yyjson_mut_doc_set_root(s->doc, values);
	if (!s->edit || !s->line || !values)
		return neterr_set(e, NETERR_INTERNAL, "resource-denied", "no memory");
	yyjson_arr_foreach(commands, i, max, v)
	{
		rc = rc ? rc : read_line(f, &s->line[i], v, s->doc, values, &s->edit[i], e);
		if (rc && !e->err.where[0])
			err_where(&e->err, "commands/%zu", i);
	}
	if (rc)
		return rc;
	s->values = yyjson_mut_doc_imut_copy(s->doc, NULL);
	yyjson_arr_foreach(yyjson_doc_get_root(s->values), i, max, v) s->edit[i].value =
		yyjson_is_null(v) ? NULL : v;
	return 0;
}

static void configured(void *ctx, yyjson_mut_doc *doc, yyjson_mut_val *val, struct neterr *e)
{
	struct call *c = ctx;
	yyjson_mut_val *out;

	if (e) {
		struct neterr mine = {0};

		ops_discard(c->f->o, &c->from, c->candidate, &mine);
		neterr_clear(&mine);
		call_fail(c, e);
		return;
	}
	out = yyjson_mut_obj(doc);
	yyjson_mut_obj_add_int(doc, out, "applied", c->step);
	yyjson_mut_obj_add_val(doc, out, "commit", val);
	call_done(c, doc, out, NULL);
}

/* target running: through a candidate of this call alone, committed at once. */
static void commit_now(struct call *c, size_t n)
{
	const struct ops_commit k = {.phase = OPS_ONE_SHOT, .candidate = c->candidate};

	c->step = (int)n;
	ops_commit(c->f->o, &c->from, &k, configured, c);
}

static void name_one_off(struct call *c)
{
	static unsigned number;
	char own[sizeof(c->candidate)];

	call_candidate(c, NULL);
	memcpy(own, c->candidate, sizeof(own));
	snprintf(c->candidate, sizeof(c->candidate), "once-%u-%.40s", ++number, own);
}

void tool_cli_configure(void *ctx, struct mcp_req *r, yyjson_val *args)
{
	struct call *c = call_new(ctx, r, "tools/call", "network.cli.configure", args);
	const char *target = arg_str(args, "target");
	bool now = target && strcmp(target, "running") == 0;
	struct staging s = {0};
	struct neterr e = {0};
	int rc;

	if (!c)
		return;
	if (now)
		name_one_off(c);
	else
		call_candidate(c, args);
	rc = read_lines(c->f, yyjson_obj_get(args, "commands"), &s, &e);
	if (rc == 0 && now && !(c->from.by->scopes & SCOPE_COMMIT))
		rc = neterr_set(&e, NETERR_ACCESS_DENIED, "access-denied",
				"target running needs the scope network:commit");
	if (rc == 0)
		rc = ops_edit(c->f->o, &c->from, c->candidate, s.edit, s.n, &e);
	if (rc) {
		call_fail(c, &e);
	} else if (now) {
		commit_now(c, s.n);
	} else {
		yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
		yyjson_mut_val *val = yyjson_mut_obj(doc);

		yyjson_mut_obj_add_strcpy(doc, val, "candidate", c->candidate);
		yyjson_mut_obj_add_uint(doc, val, "applied", s.n);
		call_done(c, doc, val, NULL);
		yyjson_mut_doc_free(doc);
	}
	neterr_clear(&e);
	staging_free(&s);
}
