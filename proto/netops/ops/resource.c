/* SPDX-License-Identifier: BSD-2-Clause */
/* Resources and templates (spec §2.1, §2.3). Outside of tools/call a failure has no result form:
 * what is absent or hidden is "no such resource", the rest an internal error with the same data. */
#include "proto/netops/ops/face.h"
#include "proto/netops/ops/text.h"
#include "proto/netops/ops/uri.h"
#include "proto/netops/ops/yang_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MIME_DATA "application/yang-data+json"
#define MIME_TEXT "text/plain; charset=utf-8"
#define LOG_PREFIX "network:///log/syslog/"
#define AUDIT_PREFIX "network:///audit/"

static struct call *reading(void *ctx, struct mcp_req *r, const char *uri)
{
	struct call *c = call_new(ctx, r, "resources/read", NULL, NULL);

	if (c)
		snprintf(c->uri, sizeof(c->uri), "%s", uri);
	return c;
}

static void no_such(struct call *c)
{
	char uri[sizeof(c->uri)];
	struct mcp_req *r;

	memcpy(uri, c->uri, sizeof(uri));
	r = call_end(c);
	if (r)
		mcp_no_resource(r, uri);
}

static void failed(struct call *c, const struct neterr *e)
{
	if (e->code == NETERR_NOT_FOUND || e->code == NETERR_INVALID ||
	    e->code == NETERR_ACCESS_DENIED || e->code == NETERR_TRANSACTION_UNKNOWN)
		no_such(c);
	else
		call_fail(c, e);
}

static void content(struct call *c, const char *mime, struct slice text)
{
	char uri[sizeof(c->uri)];
	struct mcp_req *r;

	memcpy(uri, c->uri, sizeof(uri));
	r = call_end(c);
	if (r)
		mcp_content_text(r, uri, mime, text);
}

static void content_json(struct call *c, const char *mime, struct slice json)
{
	struct buf out;

	buf_init(&out, &c->f->alloc);
	text_harden(&out, json);
	content(c, mime, buf_slice(&out));
	buf_free(&out);
}

static void got_data(void *ctx, struct slice json, struct neterr *e)
{
	struct call *c = ctx;

	if (e)
		failed(c, e);
	else
		content_json(c, MIME_DATA, json);
}

static void get(struct call *c, enum datastore ds, const char *path, ops_text_f *f)
{
	const struct store_query q = {.path = path};

	ops_get(c->f->o, &c->from, ds, ds == DS_CANDIDATE ? c->candidate : NULL, &q, f, c);
}

/* ---- Interfaces and routes ---- */

static void read_interfaces(void *ctx, struct mcp_req *r, const char *uri)
{
	struct call *c = reading(ctx, r, uri);

	if (c)
		get(c, DS_OPERATIONAL, "ietf-interfaces:interfaces", got_data);
}

static void read_interface(void *ctx, struct mcp_req *r, const char *uri, const struct mcp_var *var,
			   size_t n)
{
	struct call *c = reading(ctx, r, uri);
	struct buf path;
	char text[512];

	if (!c)
		return;
	buf_fixed(&path, text, sizeof(text) - 1);
	buf_printf(&path, "ietf-interfaces:interfaces/interface=");
	uri_encode(&path, n ? var[0].value : "");
	text[path.n] = '\0';
	if (path.failed || n == 0 || !var[0].value[0])
		no_such(c);
	else
		get(c, DS_OPERATIONAL, text, got_data);
}

/* Keeps the routing tables of one family. */
static void got_ribs(void *ctx, struct slice json, struct neterr *e)
{
	struct call *c = ctx;
	const char *family = strstr(c->uri, "/ipv4/") ? "ipv4" : "ipv6";
	yyjson_doc *doc = e ? NULL : yyjson_read((const char *)json.p, json.n, 0);
	yyjson_val *ribs = yyjson_obj_get(yyjson_doc_get_root(doc), "ietf-routing:ribs");
	yyjson_mut_doc *out = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(out);
	yyjson_mut_val *list =
		json_add_arr(out, json_add_obj(out, root, "ietf-routing:ribs"), "rib");
	size_t max;
	size_t i;
	yyjson_val *rib;
	char *text;
	size_t len;

	yyjson_arr_foreach(yyjson_obj_get(ribs, "rib"), i, max, rib)
	{
		const char *af = yyjson_get_str(yyjson_obj_get(rib, "address-family"));
		const char *colon = af ? strrchr(af, ':') : NULL;

		/* ietf-routing's ipv4, or the module's own ipv4-unicast */
		if (af && strncmp(colon ? colon + 1 : af, family, strlen(family)) == 0)
			yyjson_mut_arr_append(list, yyjson_val_mut_copy(out, rib));
	}
	text = yyjson_mut_val_write(root, 0, &len);
	if (e && e->code != NETERR_NOT_FOUND)
		failed(c, e);
	else
		content_json(c, MIME_DATA, slice_of(text ? text : "{}", text ? len : 2));
	free(text);
	yyjson_doc_free(doc);
	yyjson_mut_doc_free(out);
}

static void read_routes(void *ctx, struct mcp_req *r, const char *uri)
{
	struct call *c = reading(ctx, r, uri);

	if (c)
		get(c, DS_OPERATIONAL, "ietf-routing:routing/ribs", got_ribs);
}

/* ---- The system's resources ---- */

/* 64-bit numbers and decimals, which RFC 7951 writes as strings, as numbers. */
static double number(yyjson_val *v)
{
	return yyjson_is_str(v) ? strtod(yyjson_get_str(v), NULL) : yyjson_get_num(v);
}

static void add_memory(struct buf *out, yyjson_val *memory)
{
	size_t max;
	size_t i;
	yyjson_val *k;
	yyjson_val *v;

	yyjson_obj_foreach(memory, i, max, k, v)
		buf_printf(out, "%s\"%s\":%.0f", i ? "," : "", yyjson_get_str(k), number(v));
}

static void got_system(void *ctx, struct slice json, struct neterr *e)
{
	struct call *c = ctx;
	yyjson_doc *doc = e ? NULL : yyjson_read((const char *)json.p, json.n, 0);
	yyjson_val *sys =
		yyjson_obj_get(yyjson_doc_get_root(doc), "depanneur-sys:system-resources");
	yyjson_val *cpu = yyjson_obj_get(sys, "cpu-utilization");
	yyjson_val *memory = yyjson_obj_get(sys, "memory");
	const char *sampled = yyjson_get_str(yyjson_obj_get(sys, "sampled"));
	bool is_cpu = strstr(c->uri, "cpu") != NULL;
	struct buf out;

	buf_init(&out, &c->f->alloc);
	if (is_cpu)
		buf_printf(&out, "{\"percent\":%.1f,\"cpus\":%.0f", number(cpu),
			   number(yyjson_obj_get(sys, "cpus")));
	else
		buf_printf(&out, "{");
	if (is_cpu && sampled) {
		TEXT_JSON_LIT(&out, ",\"sampled\":");
		text_json_str(&out, sampled);
	}
	if (!is_cpu)
		add_memory(&out, memory);
	TEXT_JSON_LIT(&out, "}");
	if (e)
		failed(c, e);
	else if (is_cpu ? !cpu : !memory)
		no_such(c);
	else
		content(c, "application/json", buf_slice(&out));
	buf_free(&out);
	yyjson_doc_free(doc);
}

static void read_system(void *ctx, struct mcp_req *r, const char *uri)
{
	struct call *c = reading(ctx, r, uri);

	if (c)
		get(c, DS_OPERATIONAL, "depanneur-sys:system-resources", got_system);
}

/* ---- Files ---- */

static void read_file(void *ctx, struct mcp_req *r, const char *uri)
{
	struct call *c = reading(ctx, r, uri);
	const char *name = strrchr(uri, '/') + 1;
	struct neterr e = {0};
	struct alloc *a = &((struct face *)ctx)->alloc;
	struct buf raw;
	struct buf out;

	if (!c)
		return;
	call_candidate(c, NULL);
	if (strcmp(name, "candidate-config") == 0)
		call_touch(c);
	buf_init(&raw, a);
	buf_init(&out, a);
	if (ops_file_pull(c->f->o, &c->from, name, "text", c->candidate, &raw, &e) == 0) {
		text_plain(&out, (const char *)raw.p, raw.n, SIZE_MAX / 2, false);
		content(c, MIME_TEXT, buf_slice(&out));
	} else {
		failed(c, &e);
	}
	neterr_clear(&e);
	buf_free(&raw);
	buf_free(&out);
}

/* What is known of a crashed part: whether it is there again. slot: the name of a room. */
static void read_crashinfo(void *ctx, struct mcp_req *r, const char *uri, const struct mcp_var *var,
			   size_t n)
{
	struct call *c = reading(ctx, r, uri);
	const struct schema_module *m;
	const char *slot = n ? var[0].value : "";
	struct buf out;
	size_t rooms;
	size_t i;

	if (!c)
		return;
	m = rooms_modules(ops_rooms(c->f->o), &rooms);
	for (i = 0; i < rooms && strcmp(m[i].room, slot) != 0; i++)
		;
	if (i == rooms || !slot[0]) {
		no_such(c);
		return;
	}
	buf_init(&out, &c->f->alloc);
	buf_printf(&out, "{\"slot\":\"%s\",\"up\":%s}", m[i].room,
		   rooms_is_up(ops_rooms(c->f->o), slot) ? "true" : "false");
	content(c, "application/json", buf_slice(&out));
	buf_free(&out);
}

/* ---- Log and audit ---- */

static bool last_allowed(void *ctx, const char *uri, const struct principal *p)
{
	return !uri || strchr(uri, '{') || uri_last_of(uri, LOG_PREFIX) ||
	       uri_last_of(uri, AUDIT_PREFIX);
}

static void got_log(void *ctx, yyjson_mut_doc *doc, yyjson_mut_val *val, struct neterr *e)
{
	struct call *c = ctx;
	struct buf out;

	if (e) {
		failed(c, e);
		return;
	}
	buf_init(&out, &c->f->alloc);
	face_log_lines(&out, val);
	content(c, MIME_TEXT, buf_slice(&out));
	buf_free(&out);
}

static void read_log(void *ctx, struct mcp_req *r, const char *uri, const struct mcp_var *var,
		     size_t n)
{
	struct call *c = reading(ctx, r, uri);
	unsigned count = uri_last_of(uri, LOG_PREFIX);
	yyjson_doc *in;
	char text[48];
	int len;

	if (!c)
		return;
	if (!count) {
		no_such(c);
		return;
	}
	len = snprintf(text, sizeof(text), "{\"count\":%u}", count);
	in = yyjson_read(text, (size_t)len, 0);
	ops_rpc(c->f->o, &c->from, face_log_rpc, yyjson_doc_get_root(in), got_log, c);
	yyjson_doc_free(in);
}

static void read_audit(void *ctx, struct mcp_req *r, const char *uri, const struct mcp_var *var,
		       size_t n)
{
	struct call *c = reading(ctx, r, uri);
	unsigned count = uri_last_of(uri, AUDIT_PREFIX);
	struct buf raw;

	if (!c)
		return;
	if (!count) {
		no_such(c);
		return;
	}
	buf_init(&raw, &c->f->alloc);
	audit_last(ops_audit(c->f->o), count, &raw);
	content_json(c, "application/x-ndjson", buf_slice(&raw));
	buf_free(&raw);
}

/* ---- YANG ---- */

static bool visible(void *ctx, const struct lysc_node *node)
{
	struct call *c = ctx;

	return nacm_schema(ops_nacm(c->f->o), c->from.by, NACM_READ, node);
}

static void read_library(void *ctx, struct mcp_req *r, const char *uri)
{
	struct call *c = reading(ctx, r, uri);
	char *text;

	if (!c)
		return;
	text = schema_library(ops_schema(c->f->o));
	if (text)
		content(c, MIME_DATA, slice_of(text, strlen(text)));
	else
		no_such(c);
	free(text);
}

/* What owns running now: the engine's state, and what waits for its confirmation (without its token). */
static void read_transaction(void *ctx, struct mcp_req *r, const char *uri)
{
	struct call *c = reading(ctx, r, uri);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_val *pending;
	struct txn *txn;
	char *text;
	size_t len;

	if (!c) {
		yyjson_mut_doc_free(doc);
		return;
	}
	txn = ops_txn(c->f->o);
	yyjson_mut_obj_add_str(doc, root, "state", txn_state_name(txn_state(txn)));
	yyjson_mut_obj_add_strcpy(doc, root, "runningHash", store_hash(ops_store(c->f->o)));
	pending = txn_pending(txn, doc, clock_now());
	if (pending)
		yyjson_mut_obj_add_val(doc, root, "pending", pending);
	text = yyjson_mut_val_write(root, 0, &len);
	content(c, "application/json", slice_of(text ? text : "{}", text ? len : 2));
	free(text);
	yyjson_mut_doc_free(doc);
}

static const char *value_of(const struct mcp_var *var, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(var[i].name, name) == 0)
			return var[i].value;
	}
	return NULL;
}

static void read_module(void *ctx, struct mcp_req *r, const char *uri, const struct mcp_var *var,
			size_t n)
{
	struct call *c = reading(ctx, r, uri);
	const char *name = value_of(var, n, "name");
	const char *text;

	if (!c)
		return;
	text = name ? schema_source(ops_schema(c->f->o), name, value_of(var, n, "revision")) : NULL;
	if (text)
		content(c, "application/yang", slice_of(text, strlen(text)));
	else
		no_such(c);
}

/* The path may be a module's name alone: all data of it. */
static void read_schema(void *ctx, struct mcp_req *r, const char *uri, const struct mcp_var *var,
			size_t n)
{
	struct call *c = reading(ctx, r, uri);
	const char *path = value_of(var, n, "path");
	struct yang_json g = {
		.state = value_of(var, n, "state") != NULL, .visible = visible, .ctx = c};
	const struct ly_ctx *ly;
	const struct lysc_node *node;
	const struct lys_module *mod;
	struct buf out;
	int rc = -ENOENT;

	if (!c)
		return;
	ly = schema_ctx(ops_schema(c->f->o));
	buf_init(&out, &c->f->alloc);
	node = path ? uri_schema_node(ly, path) : NULL;
	mod = path && !node ? ly_ctx_get_module_implemented(ly, path) : NULL;
	if (node && visible(c, node))
		rc = yang_json_node_schema(&g, &out, node);
	else if (mod)
		rc = yang_json_module_schema(&g, &out, mod);
	if (rc == 0)
		content(c, "application/schema+json", buf_slice(&out));
	else
		no_such(c);
	yang_json_free(&g);
	buf_free(&out);
}

static void read_tree(void *ctx, struct mcp_req *r, const char *uri, const struct mcp_var *var,
		      size_t n)
{
	struct call *c = reading(ctx, r, uri);
	const struct lys_module *mod;
	struct buf out;

	if (!c)
		return;
	mod = n ? ly_ctx_get_module_implemented(schema_ctx(ops_schema(c->f->o)), var[0].value)
		: NULL;
	buf_init(&out, &c->f->alloc);
	if (mod && yang_tree(&out, mod, visible, c) == 0)
		content(c, MIME_TEXT, buf_slice(&out));
	else
		no_such(c);
	buf_free(&out);
}

static void read_data(void *ctx, struct mcp_req *r, const char *uri, const struct mcp_var *var,
		      size_t n)
{
	struct call *c = reading(ctx, r, uri);
	const char *name = value_of(var, n, "datastore");
	const char *path = value_of(var, n, "path");
	enum datastore ds = DS_RUNNING;

	if (!c)
		return;
	call_candidate(c, NULL);
	if (!name || !path || datastore_parse(name, &ds) != 0) {
		no_such(c);
		return;
	}
	if (ds == DS_CANDIDATE)
		call_touch(c);
	/* Keys that were percent-encoded have been decoded with the template: the URI still has
	 * them as they were. */
	path = strstr(c->uri, name);
	get(c, ds, path ? path + strlen(name) + 1 : "", got_data);
}

static void read_drift(void *ctx, struct mcp_req *r, const char *uri)
{
	struct call *c = reading(ctx, r, uri);

	if (c)
		get(c, DS_OPERATIONAL, "depanneur-sys:drift", got_data);
}

/* ---- Completion of templates ---- */

static const char *context_of(yyjson_val *context, const char *name)
{
	return yyjson_get_str(yyjson_obj_get(yyjson_obj_get(context, "arguments"), name));
}

static void complete_one_interface(void *ctx, struct mcp_req *r, const char *name,
				   const char *value, yyjson_val *context)
{
	complete_interface(ctx, r, value);
}

static void complete_data(void *ctx, struct mcp_req *r, const char *name, const char *value,
			  yyjson_val *context)
{
	static const char *const stores[] = {"running", "candidate", "startup", "operational",
					     NULL};
	const char *given = context_of(context, "datastore");
	enum datastore ds = DS_RUNNING;

	if (strcmp(name, "datastore") == 0) {
		complete_words(r, stores, value);
		return;
	}
	if (given)
		datastore_parse(given, &ds);
	complete_path(ctx, r, ds, value);
}

static void complete_schema(void *ctx, struct mcp_req *r, const char *name, const char *value,
			    yyjson_val *context)
{
	complete_schema_path(ctx, r, value);
}

static void complete_name(void *ctx, struct mcp_req *r, const char *name, const char *value,
			  yyjson_val *context)
{
	complete_module(ctx, r, strcmp(name, "name") == 0 ? value : "\x01");
}

static void complete_count(void *ctx, struct mcp_req *r, const char *name, const char *value,
			   yyjson_val *context)
{
	static const char *const counts[] = {"10", "50", "100", "500", "1000", "10000", NULL};

	complete_words(r, counts, value);
}

/* ---- All of them ---- */

static const struct mcp_resource fixed[] = {
	{.uri = "network:///interfaces",
	 .name = "interfaces",
	 .title = "Interfaces",
	 .description = "State and configuration of all interfaces.",
	 .mime = MIME_DATA,
	 .subscribe = true,
	 .scope = SCOPE_READ,
	 .read = read_interfaces},
	{.uri = "network:///routing/ipv4/route-table",
	 .name = "ipv4-route-table",
	 .title = "IPv4 routes",
	 .description = "The routing tables of IPv4.",
	 .mime = MIME_DATA,
	 .subscribe = true,
	 .scope = SCOPE_READ,
	 .read = read_routes},
	{.uri = "network:///routing/ipv6/route-table",
	 .name = "ipv6-route-table",
	 .title = "IPv6 routes",
	 .description = "The routing tables of IPv6.",
	 .mime = MIME_DATA,
	 .subscribe = true,
	 .scope = SCOPE_READ,
	 .read = read_routes},
	{.uri = "network:///system/cpu-utilization",
	 .name = "cpu-utilization",
	 .title = "CPU utilization",
	 .description = "In percent, of all processors, over 30 s.",
	 .mime = "application/json",
	 .scope = SCOPE_READ,
	 .ttl_ms = 30000,
	 .read = read_system},
	{.uri = "network:///system/memory-summary",
	 .name = "memory-summary",
	 .title = "Memory",
	 .description = "In bytes; every 30 s.",
	 .mime = "application/json",
	 .scope = SCOPE_READ,
	 .ttl_ms = 30000,
	 .read = read_system},
	{.uri = "network:///file/running-config",
	 .name = "running-config",
	 .title = "Running configuration",
	 .description = "As text.",
	 .mime = "text/plain",
	 .subscribe = true,
	 .scope = SCOPE_READ,
	 .read = read_file},
	{.uri = "network:///file/startup-config",
	 .name = "startup-config",
	 .title = "Startup configuration",
	 .description = "As text.",
	 .mime = "text/plain",
	 .subscribe = true,
	 .scope = SCOPE_READ,
	 .read = read_file},
	{.uri = "network:///file/candidate-config",
	 .name = "candidate-config",
	 .title = "Your candidate configuration",
	 .description = "As text.",
	 .mime = "text/plain",
	 .subscribe = true,
	 .scope = SCOPE_READ,
	 .read = read_file},
	{.uri = "network:///transaction",
	 .name = "transaction",
	 .title = "Transaction",
	 .description = "Who owns running, and which commit waits for its confirmation.",
	 .mime = "application/json",
	 .subscribe = true,
	 .scope = SCOPE_READ,
	 .read = read_transaction},
	{.uri = "network:///yang/library",
	 .name = "yang-library",
	 .title = "YANG library",
	 .description = "What modules are implemented (RFC 8525).",
	 .mime = MIME_DATA,
	 .scope = SCOPE_READ,
	 .read = read_library},
};

static const struct mcp_resource drift = {.uri = "network:///drift",
					  .name = "drift",
					  .title = "Drift",
					  .description = "Where the device differs from running.",
					  .mime = MIME_DATA,
					  .subscribe = true,
					  .scope = SCOPE_READ,
					  .read = read_drift};

static const struct mcp_template templates[] = {
	{.uri_template = "network:///interface/{name}",
	 .name = "interface",
	 .title = "One interface",
	 .description = "State and configuration of one interface.",
	 .mime = MIME_DATA,
	 .subscribe = true,
	 .scope = SCOPE_READ,
	 .read = read_interface,
	 .complete = complete_one_interface},
	{.uri_template = LOG_PREFIX "last{count}",
	 .name = "syslog",
	 .title = "Last log lines",
	 .description = "The newest 1 to 10000 lines of the log, oldest first.",
	 .mime = MIME_TEXT,
	 .subscribe = true,
	 .scope = SCOPE_READ | SCOPE_DIAGNOSE,
	 .allowed = last_allowed,
	 .read = read_log,
	 .complete = complete_count},
	{.uri_template = "network:///file/{slot}/crashinfo",
	 .name = "crashinfo",
	 .title = "Crash information",
	 .description = "Whether a part of the node (a room) is there.",
	 .mime = "application/json",
	 .scope = SCOPE_READ,
	 .read = read_crashinfo},
	{.uri_template = AUDIT_PREFIX "last{count}",
	 .name = "audit",
	 .title = "Last audit records",
	 .description = "The newest 1 to 10000 records, oldest first, one JSON object a line.",
	 .mime = "application/x-ndjson",
	 .scope = SCOPE_AUDIT,
	 .allowed = last_allowed,
	 .read = read_audit,
	 .complete = complete_count},
	{.uri_template = "network:///yang/module/{name}{?revision}",
	 .name = "yang-module",
	 .title = "YANG module",
	 .description = "The source of a module.",
	 .mime = "application/yang",
	 .scope = SCOPE_READ,
	 .ttl_ms = 60000,
	 .read = read_module,
	 .complete = complete_name},
	{.uri_template = "network:///yang/schema/{+path}{?state}",
	 .name = "yang-schema",
	 .title = "JSON Schema",
	 .description = "JSON Schema 2020-12 of a data node, by its data path, or of all data of a "
			"module, by its name; "
			"configuration only, without ?state=1.",
	 .mime = "application/schema+json",
	 .scope = SCOPE_READ,
	 .ttl_ms = 60000,
	 .read = read_schema,
	 .complete = complete_schema},
	{.uri_template = "network:///yang/tree/{name}",
	 .name = "yang-tree",
	 .title = "YANG tree",
	 .description = "The tree diagram of a module (RFC 8340).",
	 .mime = MIME_TEXT,
	 .scope = SCOPE_READ,
	 .ttl_ms = 60000,
	 .read = read_tree,
	 .complete = complete_name},
	{.uri_template = "network:///data/{datastore}/{+path}",
	 .name = "data",
	 .title = "Data",
	 .description = "Data of running, candidate, startup or operational by its RFC 8040 path.",
	 .mime = MIME_DATA,
	 .subscribe = true,
	 .scope = SCOPE_READ,
	 .read = read_data,
	 .complete = complete_data},
};

int resources_add(struct face *f, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		struct mcp_resource r = fixed[i];

		r.ctx = f;
		rc = mcp_resource_add(f->m, &r);
	}
	if (rc == 0 && uri_schema_node(schema_ctx(ops_schema(f->o)), "depanneur-sys:drift")) {
		struct mcp_resource r = drift;

		r.ctx = f;
		rc = mcp_resource_add(f->m, &r);
	}
	if (rc)
		return err_set(err, rc, "cannot add resources");
	for (i = 0; rc == 0 && i < sizeof(templates) / sizeof(templates[0]); i++) {
		struct mcp_template t = templates[i];

		t.ctx = f;
		rc = mcp_template_add(f->m, &t, err);
	}
	return rc;
}
