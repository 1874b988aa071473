/* SPDX-License-Identifier: BSD-2-Clause */
/* The counter's methods: one line in, one answer out. What must be done with sockets is in
 * counter.c. */
#include "base/counter_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

yyjson_val *request_param(const struct request *r, const char *name)
{
	return yyjson_obj_get(r->params, name);
}

/* --- answers --- */

yyjson_mut_val *counter_envelope(yyjson_mut_doc *doc)
{
	yyjson_mut_val *root = yyjson_mut_obj(doc);

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "jsonrpc", "2.0");
	return root;
}

void counter_send_doc(struct peer *p, yyjson_mut_doc *doc)
{
	static const char none[] = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32603,"
				   "\"message\":\"no memory\"}}";
	size_t n;
	char *text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, &n);

	if (text)
		peer_send(p, text, n);
	else
		peer_send(p, none, sizeof(none) - 1);
	free(text);
}

void counter_add_error(yyjson_mut_doc *doc, yyjson_mut_val *root, int code, const struct err *err)
{
	yyjson_mut_val *e = json_add_obj(doc, root, "error");
	yyjson_mut_val *data;

	yyjson_mut_obj_add_int(doc, e, "code", code);
	yyjson_mut_obj_add_strcpy(doc, e, "message", err->what);
	data = json_add_obj(doc, e, "data");
	yyjson_mut_obj_add_strcpy(doc, data, "what", err->what);
	yyjson_mut_obj_add_strcpy(doc, data, "where", err->where);
	yyjson_mut_obj_add_strcpy(doc, data, "mend", err->mend);
}

void counter_send_error(struct peer *p, yyjson_val *id, int code, const struct err *err)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = counter_envelope(doc);

	yyjson_mut_obj_add_val(doc, root, "id",
			       id ? yyjson_val_mut_copy(doc, id) : yyjson_mut_null(doc));
	counter_add_error(doc, root, code, err);
	counter_send_doc(p, doc);
	yyjson_mut_doc_free(doc);
}

/* --- methods that read --- */

static int do_hello(struct counter *c, struct request *r, struct err *err)
{
	const char *const *cap = c->room.capabilities;
	yyjson_mut_val *list;

	yyjson_mut_obj_add_str(r->doc, r->result, "room", c->room.name);
	yyjson_mut_obj_add_str(r->doc, r->result, "version", c->room.version);
	yyjson_mut_obj_add_uint(r->doc, r->result, "pid", (uint64_t)getpid());
	yyjson_mut_obj_add_uint(r->doc, r->result, "max_line", counter_max_line(c));
	list = json_add_arr(r->doc, r->result, "modules");
	counter_list_modules(c, r->doc, list);
	list = json_add_arr(r->doc, r->result, "capabilities");
	for (; cap && *cap; cap++)
		yyjson_mut_arr_add_str(r->doc, list, *cap);
	return 0;
}

static int do_config_get(struct counter *c, struct request *r, struct err *err)
{
	char *text = config_print(c->running, yyjson_is_true(request_param(r, "defaults")));

	if (!text)
		return err_set(err, -ENOMEM, "no memory");
	yyjson_mut_obj_add_val(r->doc, r->result, "config", yyjson_mut_rawcpy(r->doc, text));
	free(text);
	return 0;
}

static int get_state_path(struct counter *c, struct request *r, struct state_path *path,
			  struct err *err)
{
	yyjson_val *v = request_param(r, "path");
	const char *text = v ? yyjson_get_str(v) : "/";
	const struct ly_ctx *ctx = config_schema_ctx(c->room.schema);
	int rc;

	r->code = RPC_PARAMS;
	if (!text || strlen(text) != (v ? yyjson_get_len(v) : 1))
		return err_set(err, -EINVAL, "path is not a text");
	rc = state_path_parse_loose(path, c, text, err);
	if (rc <= 0)
		return rc;
	return state_path_parse(
		path, ctx, ly_ctx_get_module_implemented(ctx, config_schema_name(c->room.schema)),
		text, err);
}

static int do_state_get(struct counter *c, struct request *r, struct err *err)
{
	yyjson_val *depth = request_param(r, "depth");
	struct state_path path;
	int rc = get_state_path(c, r, &path, err);

	if (rc != 0)
		return rc;
	if (depth && !(yyjson_is_uint(depth) && yyjson_get_uint(depth) <= 1000))
		return err_set(err, -EINVAL, "depth is not a number from 0 to 1000");
	r->code = RPC_REFUSED;
	rc = c->room.state(c->room.ctx, path.text, r->doc, r->result, err);
	if (rc == 0 && path.n > 0 && !path.step[0].node)
		state_path_cut_loose(&path, r->result, (unsigned)yyjson_get_uint(depth));
	else if (rc == 0)
		state_path_cut(&path, config_schema_ctx(c->room.schema), r->result,
			       (unsigned)yyjson_get_uint(depth));
	return rc;
}

static int do_metrics(struct counter *c, struct request *r, struct err *err)
{
	struct buf text;
	int rc = 0;

	buf_init(&text, &c->alloc);
	if (c->room.metrics)
		c->room.metrics(c->room.ctx, &text);
	if (text.failed || !yyjson_mut_obj_add_strncpy(r->doc, r->result, "text",
						       text.n ? (char *)text.p : "", text.n))
		rc = err_set(err, -ENOMEM, "no memory");
	buf_free(&text);
	return rc;
}

/* --- methods that change --- */

/* The configuration in params. NULL and err. */
static struct config *get_config(struct counter *c, struct request *r, struct err *err)
{
	yyjson_val *v = request_param(r, "config");
	struct config *config;
	char *text;
	size_t n;

	r->code = RPC_PARAMS;
	if (!yyjson_is_obj(v)) {
		err_set(err, -EINVAL, "params have no config object");
		err_mend(err, "send {\"config\": {…}}, whole, in RFC 7951 JSON");
		return NULL;
	}
	text = yyjson_val_write(v, YYJSON_WRITE_NOFLAG, &n);
	if (!text) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	r->code = RPC_REFUSED;
	config = config_parse(c->room.schema, text, n, NULL, err);
	free(text);
	return config;
}

yyjson_mut_val *counter_changes(yyjson_mut_doc *doc, const struct config_diff *diff)
{
	yyjson_mut_val *list = yyjson_mut_arr(doc);
	size_t i;

	for (i = 0; i < diff->n; i++) {
		const struct config_change *ch = &diff->change[i];
		yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);

		yyjson_mut_obj_add_str(doc, o, "op", config_op_name(ch->op));
		yyjson_mut_obj_add_strcpy(doc, o, "path", ch->path);
		if (ch->old)
			yyjson_mut_obj_add_strcpy(doc, o, "old", ch->old);
		if (ch->new)
			yyjson_mut_obj_add_strcpy(doc, o, "new", ch->new);
	}
	return list;
}

static int do_config_validate(struct counter *c, struct request *r, struct err *err)
{
	struct config *to = get_config(c, r, err);
	struct config_diff diff;

	if (!to)
		return -EINVAL;
	if (config_diff(c->running, to, &diff) != 0) {
		config_free(to);
		return err_set(err, -ENOMEM, "cannot compare the configurations");
	}
	yyjson_mut_obj_add_val(r->doc, r->result, "changes", counter_changes(r->doc, &diff));
	config_diff_free(&diff);
	config_free(to);
	return 0;
}

static int ask_room(struct counter *c, const struct config *to, const struct config_diff *diff,
		    bool dry_run, struct err *err)
{
	if (diff->n == 0)
		return 0;
	if (!c->room.apply) {
		err_set(err, -EPERM, "the configuration cannot be changed while %s runs",
			c->room.name);
		err_mend(err, "change its file and start it again");
		return -EPERM;
	}
	return c->room.apply(c->room.ctx, to, diff, dry_run, err);
}

/* Takes `to` over. diff is what it changes, for the caller to free, where 0 is returned. */
static int take_config(struct counter *c, struct config *to, bool dry_run, struct config_diff *diff,
		       struct err *err)
{
	int rc = config_diff(c->running, to, diff);

	if (rc != 0) {
		config_free(to);
		return err_set(err, rc, "cannot compare the configurations");
	}
	rc = ask_room(c, to, diff, dry_run, err);
	if (rc != 0)
		config_diff_free(diff);
	if (rc != 0 || dry_run) {
		config_free(to);
		return rc;
	}
	config_free(c->running);
	c->running = to;
	if (diff->n > 0)
		counter_event_config(c, diff);
	return 0;
}

int counter_apply(struct counter *c, struct config *to, struct err *err)
{
	struct config_diff diff;
	int rc = take_config(c, to, false, &diff, err);

	if (rc == 0)
		config_diff_free(&diff);
	return rc;
}

static int do_config_apply(struct counter *c, struct request *r, struct err *err)
{
	yyjson_val *v = request_param(r, "dry_run");
	bool dry_run = yyjson_is_true(v);
	struct config_diff diff;
	struct config *to;
	int rc;

	if (v && !yyjson_is_bool(v)) {
		r->code = RPC_PARAMS;
		return err_set(err, -EINVAL, "dry_run is not true or false");
	}
	to = get_config(c, r, err);
	if (!to)
		return -EINVAL;
	rc = take_config(c, to, dry_run, &diff, err);
	if (rc != 0)
		return rc;
	yyjson_mut_obj_add_val(r->doc, r->result, "changes", counter_changes(r->doc, &diff));
	yyjson_mut_obj_add_bool(r->doc, r->result, "applied", !dry_run);
	config_diff_free(&diff);
	return 0;
}

/* --- one line --- */

static const struct method {
	const char *name;
	const char *params; /* names it takes, each followed by a space */
	int (*run)(struct counter *c, struct request *r, struct err *err);
} methods[] = {
	{"hello", "", do_hello},
	{"schema.get", "module revision ", counter_do_schema_get},
	{"config.get", "defaults ", do_config_get},
	{"config.validate", "config ", do_config_validate},
	{"config.apply", "config dry_run ", do_config_apply},
	{"state.get", "path depth ", do_state_get},
	{"call", "rpc input ", counter_do_call},
	{"subscribe", "path ", counter_do_subscribe},
	{"unsubscribe", "", counter_do_unsubscribe},
	{"metrics", "", do_metrics},
};

static const struct method *find_method(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	}
	return NULL;
}

/* A misspelt parameter must not be taken for one that is absent. */
static int check_params(const struct method *m, yyjson_val *params, struct err *err)
{
	yyjson_obj_iter it;
	yyjson_val *key;

	if (!params)
		return 0;
	if (!yyjson_is_obj(params))
		return err_set(err, -EINVAL, "params are not an object");
	yyjson_obj_iter_init(params, &it);
	while ((key = yyjson_obj_iter_next(&it))) {
		const char *name = yyjson_get_str(key);
		const char *at = strstr(m->params, name);
		size_t n = strlen(name);

		if (n > 0 && at && at[n] == ' ' && (at == m->params || at[-1] == ' '))
			continue;
		err_set(err, -EINVAL, "%s takes no parameter %.40s", m->name, name);
		err_mend(err, m->params[0] ? "it takes: %s" : "it takes none%s", m->params);
		return -EINVAL;
	}
	return 0;
}

static void run(struct counter *c, struct peer *p, const struct method *m, yyjson_val *id,
		yyjson_val *params)
{
	struct request r = {.peer = p, .id = id, .params = params, .code = RPC_PARAMS};
	struct err err = {0};
	yyjson_mut_val *root;
	int rc = check_params(m, params, &err);

	r.doc = yyjson_mut_doc_new(NULL);
	root = counter_envelope(r.doc);
	if (id)
		yyjson_mut_obj_add_val(r.doc, root, "id", yyjson_val_mut_copy(r.doc, id));
	r.result = json_add_obj(r.doc, root, "result");
	if (rc == 0) {
		r.code = RPC_REFUSED;
		rc = r.result ? m->run(c, &r, &err) : err_set(&err, -ENOMEM, "no memory");
	}
	if (rc < 0 && err.what[0] == '\0')
		err_set(&err, rc, "%s", strerror(-rc));
	if (id && rc < 0)
		counter_send_error(p, id, rc == -ENOMEM ? RPC_INTERNAL : r.code, &err);
	else if (id && rc == 0)
		counter_send_doc(p, r.doc);
	yyjson_mut_doc_free(r.doc);
}

static void refuse(struct peer *p, yyjson_val *id, int code, const char *what, const char *mend)
{
	struct err err;

	err_set(&err, -EINVAL, "%s", what);
	err_mend(&err, "%s", mend);
	counter_send_error(p, id, code, &err);
}

void counter_handle(struct counter *c, struct peer *p, const char *line, size_t n)
{
	struct err err = {0};
	yyjson_doc *doc = json_parse(line, n, counter_max_line(c), NULL, &err);
	yyjson_val *root = yyjson_doc_get_root(doc);
	yyjson_val *id = yyjson_obj_get(root, "id");
	const char *name = yyjson_get_str(yyjson_obj_get(root, "method"));
	const char *version = yyjson_get_str(yyjson_obj_get(root, "jsonrpc"));
	const struct method *m;

	if (!doc) {
		counter_send_error(p, NULL, RPC_PARSE, &err);
		return;
	}
	if (id && !yyjson_is_str(id) && !yyjson_is_num(id) && !yyjson_is_null(id))
		refuse(p, NULL, RPC_REQUEST, "id is not a text, number or null", "");
	else if (!version || strcmp(version, "2.0") != 0 || !name)
		refuse(p, id, RPC_REQUEST, "not a JSON-RPC 2.0 request",
		       "send {\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": …}, one a line");
	else if (!(m = find_method(name)))
		refuse(p, id, RPC_METHOD, "no such method",
		       "hello, schema.get, config.get, config.validate, config.apply, state.get, "
		       "call, subscribe, unsubscribe, metrics");
	else
		run(c, p, m, id, yyjson_obj_get(root, "params"));
	yyjson_doc_free(doc);
}
